/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: the lines of IOS and FRR that a DMVPN needs, read into structs.
 *
 * A file is read whole and either taken or refused; a refusal names file,
 * line and word and changes nothing.
 */
#ifndef NHRPD_CONFIG_H
#define NHRPD_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "packet.h"

#define CONF_HOLDTIME		7200	/* seconds, IOS */
#define CONF_REG_INTERVAL	60	/* seconds, or a third of the holding time */
#define CONF_REG_LIMIT	8	/* addresses that one may register */
#define CONF_NHS_MAX		16
#define CONF_MAP_MAX		256
#define CONF_FQDN_MAX		254
#define CONF_CLUSTER_MAX	16
#define CONF_FALLBACK		30	/* seconds, IOS */
#define CONF_IDENTITY_MAX	128
#define CONF_AUTHORIZE_MAX	256
#define CONF_SOCKET_MAX	108
#define CONF_PROFILE_MAX	64	/* of a name, with its end */
#define CONF_ONEWAY		3	/* seconds sent but not heard */

/* `ip nhrp nhs A [nbma N [multicast]] [priority P] [cluster C]` */
struct conf_nhs {
	struct addr proto;		/* none: `dynamic`, learnt from the reply */
	struct addr nbma;		/* none: from @fqdn, else from a map line */
	char fqdn[CONF_FQDN_MAX];
	bool multicast;
	uint8_t priority;		/* 0 is best */
	uint8_t cluster;
};

/* `ip nhrp map A N` and `ip nhrp map multicast N|dynamic` */
struct conf_map {
	struct addr proto;		/* none: multicast only */
	struct addr nbma;
	bool multicast;
};

/* `ip nhrp nhs cluster C max-connections M`; 0: no limit */
struct conf_cluster {
	uint8_t cluster;
	uint8_t max;
};

/* `ip nhrp authorize IDENTITY PREFIX`: one of its prefixes */
struct conf_authorize {
	char identity[CONF_IDENTITY_MAX];	/* a pattern of the shell's */
	struct addr prefix;
	uint8_t plen;
};

/* `crypto ipsec profile NAME`; empty words: strongSwan's or our default. */
struct conf_profile {
	char name[CONF_PROFILE_MAX];
	char auth[16];			/* psk, pubkey; empty: psk */
	char cert[128];			/* file in swanctl's x509 folder; empty:
					 * whichever has local_id */
	char local_id[CONF_IDENTITY_MAX];	/* empty: the address */
	char remote_id[CONF_IDENTITY_MAX];	/* may be a pattern; empty: any */
	char ike_proposal[128];
	char esp_proposal[128];
	uint32_t rekey;			/* seconds, of CHILD_SAs; 0: 3600 */
	uint32_t dpd;			/* seconds; 0: 10 */
	uint32_t idle;			/* seconds; 0: 120 */
	bool nat_marks;
};

enum conf_family {
	CONF_IPV4,
	CONF_IPV6,
	__CONF_FAMILY_MAX
};

/* What `ip nhrp` and `ip address` lines, or their `ipv6` ones, say. */
struct conf_nhrp {
	struct addr addr;		/* `ip address`, none: adopted as is */
	uint8_t plen;
	struct addr link_local;		/* `ipv6 address A link-local`, none:
					 * the daemon chooses one; IPv6 only */
	uint32_t network_id;		/* 0: NHRP is off for this family */
	uint16_t holdtime;		/* seconds */
	uint16_t reg_interval;		/* seconds; 0: not configured */
	bool no_unique;			/* `ip nhrp registration no-unique` */
	uint16_t reg_limit;		/* `ip nhrp registration limit`; 0: default */
	bool shortcut;
	bool redirect;
	uint16_t redirect_timeout;	/* seconds; 0: not configured */
	bool server_only;
	bool multicast_dynamic;		/* `ip nhrp map multicast dynamic` */
	uint16_t fallback;		/* `ip nhrp nhs fallback S` seconds; 0: not configured */
	unsigned int n_cluster;
	struct conf_cluster cluster[CONF_CLUSTER_MAX];
	char auth[NHRP_AUTH_MAX + 1];	/* empty: none */
	unsigned int n_nhs;
	struct conf_nhs nhs[CONF_NHS_MAX];
	unsigned int n_map;
	struct conf_map map[CONF_MAP_MAX];
	unsigned int n_authorize;	/* 0: who comes first */
	struct conf_authorize authorize[CONF_AUTHORIZE_MAX];
};

struct conf_iface {
	char name[IFNAMSIZ];
	unsigned int line;		/* of `interface` */
	bool if_state;			/* `if-state nhrp` */
	bool strict_source;		/* `tunnel strict-source` */
	bool ipsec_required;
	char protection[CONF_PROFILE_MAX];	/* `tunnel protection ipsec profile` */
	/* tunnel */
	enum conf_family underlay;	/* of all NBMA addresses */
	char source_dev[IFNAMSIZ];	/* `tunnel source IF`; empty: see next */
	struct addr source;		/* `tunnel source A` */
	char vrf[IFNAMSIZ];		/* `tunnel vrf`, of the underlay; empty: as it is */
	struct addr destination;	/* none: multipoint */
	bool has_key;
	uint32_t key;
	uint16_t mtu;			/* `ip mtu`; 0: the device's own */
	struct conf_nhrp nhrp[__CONF_FAMILY_MAX];
};

struct conf {
	unsigned int n_ifaces;
	struct conf_iface *iface;	/* owned */
	unsigned int n_profiles;
	struct conf_profile *profile;	/* owned */
	char control_socket[CONF_SOCKET_MAX];	/* `nhrp control socket PATH` */
	char vici_socket[CONF_SOCKET_MAX];		/* `crypto vici socket PATH` */
	char netns[CONF_SOCKET_MAX];	/* `crypto netns PATH`; empty: ours */
};

/*
 * Reads @f, called @name in messages. Returns a new configuration, or NULL
 * with one line "NAME:LINE: word 'WORD': what is wrong" in @err. Notices on
 * accepted lines that belong to others go to @notice (may be NULL), once a
 * line. Free with conf_free(); NULL is fine there.
 */
struct conf *conf_read(FILE *f, const char *name, char *err, size_t errlen,
		       void (*notice)(void *ctx, const char *text), void *ctx);
void conf_free(struct conf *c);

/* The interface of that name, or NULL. */
struct conf_iface *conf_find(const struct conf *c, const char *name);

/* The profile of that name; NULL: SAs of that name are made by others. */
const struct conf_profile *conf_profile(const struct conf *c, const char *name);

/* Seconds between registrations: configured, or the default for @c. */
unsigned int conf_reg_interval(const struct conf_nhrp *c);

/*
 * The network-id of the device: IPv4's, or IPv6's where IPv4 has none; 0 when
 * NHRP is off for both.
 */
uint32_t conf_network_id(const struct conf_iface *c);

#endif
