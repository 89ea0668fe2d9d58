/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache: what is known of protocol addresses (RFC 2332 section 6.2), one
 * entry an address. Static and learnt entries are neighbours in the kernel,
 * too; what the kernel must remember of one for us is in its cookie.
 */
#ifndef NHRPD_CACHE_H
#define NHRPD_CACHE_H

#include "engine_internal.h"

#define CACHE_TOLD_MAX 8
#define CACHE_LATE 2000			/* ms, the kernel's event of an expiry */

/* Who was told of an entry, to be purged when it changes. */
struct told {
	uint8_t n;
	bool overflow;			/* more: everybody who is registered */
	struct addr who[CACHE_TOLD_MAX];
};

/* A Resolution Request waiting for its answer. */
struct request {
	struct entry *entry;
	uint32_t id;
	unsigned int tries;
	uint64_t sent;			/* last one */
	struct timer timer;
};

struct entry {
	struct iface *iface;
	struct addr proto;
	struct addr nbma;		/* none while incomplete or negative */
	struct addr claimed;		/* none, or the one behind the NAT */
	uint8_t type;			/* enum entry_type */
	uint8_t state;			/* enum entry_state */
	bool nhs;
	bool registered;
	bool unique;
	bool router;
	bool nat;			/* knows the NAT extension */
	bool asked;			/* for our address, and was told */
	bool target;			/* asked for as a destination */
	bool used;
	bool stale;			/* iface_sync(): nobody wants it */
	bool lost;			/* was up, then did not answer (live.c) */
	bool vacant;			/* registered; who did has no SA there */
	bool installed;			/* in the kernel */
	uint8_t code;			/* of a NAK, negative entries */
	uint16_t hold;			/* seconds */
	uint16_t holdoff;		/* seconds, negative entries */
	uint64_t owner;			/* identity that registered it, hashed;
					 * 0: nobody's in particular */
	uint32_t mark;
	uint64_t created, changed;
	uint64_t expires;		/* 0: never */
	uint64_t wanted;		/* last packet without a usable path */
	uint64_t checked, silent;	/* live.c: last check, silence before */
	struct peer *peer;
	struct entry *peer_next, *peer_prev;	/* of the same peer */
	struct request *ask, *probe;
	struct told *told;
	struct shortcut *shortcuts;	/* those with this next hop */
	struct timer timer;		/* expiry */
	UT_hash_handle hh;
};

struct entry *cache_find(const struct iface *i, const struct addr *proto);
/* A new, incomplete entry; NULL when full or out of memory (counted). */
struct entry *cache_add(struct iface *i, const struct addr *proto);
/* Deletes @e here and in the kernel. */
void cache_del(struct entry *e);
/* Forgets @e, which the kernel has dropped. */
void cache_forget(struct entry *e);
/* The same because its holding time is over; tells so. */
void cache_expire(struct entry *e);
/* Frees all entries; nobody is told, the kernel keeps what it has. */
void cache_free_all(struct iface *i);

/* The only place where a state changes; tells of paths that come and go. */
void cache_set_state(struct entry *e, enum entry_state state);
/* The same of a path that is given up for the reason @why. */
void cache_leave_state(struct entry *e, enum entry_state state, const char *why);
/* Points @e at an NBMA address; -ENOMEM leaves it as it was. */
int cache_set_nbma(struct entry *e, const struct addr *nbma, uint32_t mark);
/* Points @e nowhere and takes it out of the kernel. */
void cache_unset_nbma(struct entry *e);
/* Expires @seconds from now, 0: never. */
void cache_set_hold(struct entry *e, unsigned int seconds);
/* How many ms before its end what lives @hold seconds is renewed. */
uint32_t cache_refresh_time(unsigned int hold);
/* Writes the neighbour into the kernel. */
void cache_install(struct entry *e);
/*
 * Remembers that @who was told of @e; the kernel is written when that is new.
 * Out of memory: @who keeps what it was told until its holding time.
 */
void cache_note_told(struct entry *e, const struct addr *who);
/* Remembers that the one at @e was told of our own address. */
void cache_note_asked(struct entry *e);
/* Orders the interface's entries by address. */
void cache_sort(struct iface *i);

/*
 * The cookie: magic, version, length, checksum, flags, claimed NBMA address,
 * owner when there is one, those told as far as they fit.
 */
size_t cache_cookie(const struct entry *e, uint8_t cookie[ENGINE_COOKIE_MAX]);
/* Sets @e from a cookie; false, and @e untouched, when it is not one. */
bool cache_restore(struct entry *e, const uint8_t *cookie, size_t len);

#endif
