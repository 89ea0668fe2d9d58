/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shortcut: prefixes that are reached through another neighbour than the
 * route says (phase 3). A destination that is being asked for is an entry of
 * the cache with @target set; its answer makes a shortcut.
 */
#ifndef NHRPD_SHORTCUT_H
#define NHRPD_SHORTCUT_H

#include "engine_internal.h"

struct shortcut_key {			/* bytes only: no padding to hash */
	struct addr prefix;
	uint8_t plen;
};

struct shortcut {
	struct iface *iface;
	struct shortcut_key key;
	struct addr via;		/* routed next hop it was learnt under */
	struct addr target;		/* asked for, and asked for again */
	struct entry *hop;		/* its neighbour, as long as it lives */
	struct shortcut *next, *prev;	/* of the same neighbour */
	uint16_t hold;			/* seconds */
	bool used;			/* the kernel said so once */
	uint64_t created;
	uint64_t expires;
	struct timer timer;		/* the kernel's event was lost */
	UT_hash_handle hh;
};

/* The most specific one around @a, or NULL. */
struct shortcut *shortcut_find(const struct iface *i, const struct addr *a);
/*
 * True when packets to @dst go through this interface; *via is their next
 * hop, @dst itself when it is on the link, *plen the length of the route,
 * that of an address when it is on the link.
 */
bool shortcut_via(struct iface *i, const struct addr *dst, struct addr *via,
		  uint8_t *plen);
/*
 * The node at @hop says that it has the prefix of @plen bits around @dst, for
 * @hold seconds. False: it cannot be used, or there is no room (counted).
 */
bool shortcut_learn(struct entry *hop, const struct addr *dst, uint8_t plen,
		    uint16_t hold);
/* Writes it into the kernel. */
void shortcut_install(struct shortcut *s);
/* Deletes it here and in the kernel; asks again when it was in use. */
void shortcut_withdraw(struct shortcut *s, const char *why);
/* The neighbour is about to go: all that need it are withdrawn; one whose
 * time is over was not used, and neither were they: @expired. */
void shortcut_hop_gone(struct entry *hop, bool expired);
/* Deletes all, or those with @a in them, without asking again; the count. */
unsigned int shortcut_drop(struct iface *i, const struct addr *a,
			   const char *why);
/* Frees all; the kernel keeps what it has. */
void shortcut_free_all(struct iface *i);
/* Orders the interface's shortcuts by prefix. */
void shortcut_sort(struct iface *i);

#endif
