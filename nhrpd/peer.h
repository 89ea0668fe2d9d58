/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: NBMA addresses that entries, NHSs or multicast lines point to, and
 * the flags that the kernel was told for them. Several protocol addresses may
 * share a peer.
 */
#ifndef NHRPD_PEER_H
#define NHRPD_PEER_H

#include "engine_internal.h"

struct peer_key {
	struct addr nbma;
	uint32_t mark;
};

struct peer {
	struct iface *iface;
	struct peer_key key;
	unsigned int refs;		/* entries that point here */
	unsigned int registered;	/* those that the peer registered */
	bool map_multicast;		/* `ip nhrp map multicast` */
	bool pinned;			/* by a multicast line or an NHS */
	bool told;			/* the kernel has flags of ours */
	uint32_t flags, priority;	/* as told */
	struct limit limit;		/* packets received */
	UT_hash_handle hh;
};

struct peer *peer_find(const struct iface *i, const struct addr *nbma,
		       uint32_t mark);
/* Finds or makes, and takes a reference; NULL when out of memory. */
struct peer *peer_get(struct iface *i, const struct addr *nbma, uint32_t mark);
void peer_put(struct peer *p);
/* Tells the kernel what changed; frees a peer that nothing points to. */
void peer_update(struct peer *p);
/* Takes over configured multicast lines and NHSs, updates all peers. */
void peer_sync(struct iface *i);
/* Frees all without telling the kernel. */
void peer_free_all(struct iface *i);

#endif
