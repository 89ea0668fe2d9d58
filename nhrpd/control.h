/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: the operator's socket. One JSON object a line comes in, one JSON
 * object a line goes out; see Documentation/cli.md for both.
 *
 *	{"cmd":"show"}				everything there is to show
 *	{"cmd":"clear","iface":I,"addr":A,"family":"ipv4"}	each may be absent:
 *						all; A may be the prefix of a
 *						shortcut; "ipv4" or "ipv6"
 *	{"cmd":"reload"}
 *	{"cmd":"nhs-drain","iface":I,"nhs":A,"drain":true}	I may be absent
 *	{"cmd":"monitor"}			events until the client closes
 *
 * Who may connect is said by the socket's mode (0660, root and group nhrpd);
 * what changes something is for root and the daemon's own user.
 */
#ifndef NHRPD_CONTROL_H
#define NHRPD_CONTROL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "config.h"

#define CONTROL_REQUEST_MAX	4096	/* bytes of a request, newline included */
#define CONTROL_CLIENTS_MAX	64
#define CONTROL_EVENTS_MAX	(256 << 10)	/* bytes a monitor may lag */
#define CONTROL_OUT_MAX		(256 << 20)	/* bytes of all answers */

struct daemon;

/*
 * Listens at @path and sets d->control. A socket that nobody answers on is
 * replaced; -EADDRINUSE when another daemon answers. -errno after a log line.
 */
int control_open(struct daemon *d, const char *path);
/* Hangs up on everybody and removes the socket; no d->control is fine. */
void control_close(struct daemon *d);

/*
 * Tells every monitor. @ifname, @proto, @nbma and @text may be NULL (or no
 * address). Never blocks: a monitor that does not read is cut.
 */
void control_event(struct daemon *d, const char *ifname, const char *what,
		   const struct addr *proto, const struct addr *nbma,
		   const char *text);

/* ---- for tests and the fuzzer ---- */

enum control_cmd {
	CONTROL_SHOW,
	CONTROL_CLEAR,
	CONTROL_RELOAD,
	CONTROL_NHS_DRAIN,
	CONTROL_CRYPTO,
	CONTROL_CLEAR_IPSEC,
	CONTROL_MONITOR,
	__CONTROL_CMD_MAX
};

struct control_request {
	enum control_cmd cmd;
	char iface[IFNAMSIZ];		/* empty: all */
	struct addr addr;		/* entry, NHS or NBMA; none: all */
	bool prefix;			/* only the entry of this length: */
	uint8_t plen;
	bool family[__CONF_FAMILY_MAX];	/* which are meant */
	bool drain;
};

/*
 * Reads one request of @len bytes (no newline). NULL, or why it is refused;
 * then *r is undefined. Members that the command does not know are refused:
 * a misspelt "addr" must not clear everything.
 */
const char *control_parse(const char *line, size_t len,
			  struct control_request *r);

#endif
