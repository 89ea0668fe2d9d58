/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici: a session with charon, on the event loop.
 *
 * A session is two connections to charon's socket, since charon answers the
 * requests of one connection strictly in order: one carries commands, one
 * events. The session is up when both are connected, their owner is root and
 * charon has confirmed every event asked for; when either ends, both are silent
 * for longer than VICI_DEADLINE with a command under way, the command is not
 * answered for VICI_PATIENCE of that, or what comes makes no sense, the session
 * is lost, its commands fail, and it is made anew after a while. Nothing blocks;
 * what is queued and what is received is bounded.
 *
 * No command that makes charon wait (initiate with timeout >= 0) may be sent:
 * each holds one of charon's few threads.
 */
#ifndef NHRPD_VICI_H
#define NHRPD_VICI_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "vici_msg.h"

#define VICI_SOCKET	"/run/charon.vici"
#define VICI_DEADLINE	10000		/* ms a command waits for charon */
#define VICI_PATIENCE	6		/* of these, while charon reports events */
#define VICI_QUEUE_MAX	16384		/* commands not yet answered */
#define VICI_EVENTS_MAX	16

struct vici;

/* Why there is no session; `show` and the log say it in words. */
enum vici_trouble {
	VICI_NO_TROUBLE,
	VICI_NO_SOCKET,			/* charon does not run */
	VICI_WRONG_OWNER,
	VICI_UNSAFE_PATH,		/* anybody could put another one there */
	VICI_CLOSED,
	VICI_SILENT,
	VICI_MALFORMED,
	VICI_TOO_LONG,
	VICI_UNKNOWN_EVENT,		/* charon is too old */
	VICI_NO_MEMORY,
	VICI_SYSTEM,			/* another error of the system */
	__VICI_TROUBLE_MAX
};

/* "no-socket": one word, for counters. */
const char *vici_trouble_word(enum vici_trouble t);
/* "no socket there, charon does not run": for people. */
const char *vici_trouble_text(enum vici_trouble t);

struct vici_ops {
	/* The session is up: what charon holds is to be read anew. */
	void (*up)(void *ctx);
	/* It was up and is lost; called before its commands fail. */
	void (*lost)(void *ctx, enum vici_trouble t);
	/* One of the events asked for. */
	void (*event)(void *ctx, const struct vici_packet *p);
	/* No session was to be had, and not for the reason told last. NULL is
	 * fine. */
	void (*trouble)(void *ctx, enum vici_trouble t);
};

/*
 * The answer to a command, once: @p NULL: none will come, the session is lost.
 * @error: charon's `errmsg` when it said success=no, or "unknown command";
 * else NULL. Valid within the call only.
 */
typedef void vici_reply(void *ctx, const struct vici_packet *p,
			const char *error);

struct vici_stats {
	bool up;
	enum vici_trouble trouble;	/* the last one, while not up */
	uint64_t since;			/* event_now() of that */
	unsigned int queued;
	uint64_t sessions, commands, refused, events, unexpected, overflow;
	uint64_t troubles[__VICI_TROUBLE_MAX];
};

/*
 * Begins a session at @path, now and whenever it is lost; @events (ended by
 * NULL) are asked for in each. @path and @events must outlive it. @owner: the
 * user whose socket it must be; root, 0, stands for the daemon's own as well.
 * NULL when out of memory.
 */
struct vici *vici_new(struct event_loop *loop, const char *path,
		      unsigned int owner, const char *const *events,
		      const struct vici_ops *ops, void *ctx);
/* NULL is fine; commands under way fail. Not from a callback. */
void vici_free(struct vici *v);

bool vici_is_up(const struct vici *v);

/*
 * Sends a packet that vici_finish() has completed; @packet is copied. @cb may
 * be NULL. @stream: the event that charon sends for each item of the answer
 * (`list-sa` for list-sas); they go to @cb too, type VICI_EVENT, before the
 * response; or NULL. 0; -ENOTCONN: no session; -ENOBUFS: VICI_QUEUE_MAX;
 * -ENOMEM. Then @cb is not called.
 */
int vici_send(struct vici *v, const void *packet, size_t len,
	      const char *stream, vici_reply *cb, void *ctx);

void vici_stats(const struct vici *v, struct vici_stats *s);

/* Times, for tests: @deadline of a command, @retry_min and @retry_max between
 * two attempts to connect; ms. */
void vici_set_times(struct vici *v, unsigned int deadline,
		    unsigned int retry_min, unsigned int retry_max);

#endif
