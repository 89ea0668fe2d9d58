/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: NBMA addresses that entries, NHSs or multicast lines point to, and
 * the flags that the kernel was told for them. Several protocol addresses, of
 * both families, may share a peer.
 */
#ifndef NHRPD_PEER_H
#define NHRPD_PEER_H

#include "engine_internal.h"

struct peer_key {
	struct addr nbma;
	uint32_t mark;
};

struct peer {
	struct link *link;
	struct peer_key key;
	struct entry *entries;		/* those that point here */
	/* of each family: */
	unsigned int registered[__CONF_FAMILY_MAX];	/* entries */
	bool map_multicast[__CONF_FAMILY_MAX];	/* `ip nhrp map multicast` */
	bool pinned[__CONF_FAMILY_MAX];	/* by a multicast line or an NHS */
	bool told;			/* the kernel has flags of ours */
	uint32_t flags, priority;	/* as told */
	bool needs_sa;			/* as told */
	struct limit limit;		/* packets received */
	struct limit hints;		/* Traffic Indications taken */
	UT_hash_handle hh;
};

struct peer *peer_find(const struct link *l, const struct addr *nbma,
		       uint32_t mark);
/* Points @e at this peer, and away from its old one; -ENOMEM. */
int peer_join(struct entry *e, const struct addr *nbma, uint32_t mark);
/* Points @e nowhere. */
void peer_leave(struct entry *e);
/* The kernel is told when that makes a difference. */
void peer_set_registered(struct entry *e, bool registered);
/* Tells the kernel what changed; frees a peer that nothing points to. */
void peer_update(struct peer *p);
/* Takes over configured multicast lines and NHSs, updates all peers. */
void peer_sync(struct iface *i);
void peer_update_all(struct link *l);
/* Frees all without telling the kernel. */
void peer_free_all(struct link *l);

#endif
