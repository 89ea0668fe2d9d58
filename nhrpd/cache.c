/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache: entries, their neighbours in the kernel and their cookies. Called by
 * the procedures; RFC 2332 section 6.2 says how long an entry may live.
 *
 * The kernel expires neighbours by itself and tells (engine_expired()). Our
 * own timer is a little later and only there in case that this is lost; for
 * entries that the kernel does not have it is the only one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "peer.h"
#include "shortcut.h"

#define REFRESH_MAX 120000		/* ms before the end, as IOS */

struct entry *cache_find(const struct iface *i, const struct addr *proto)
{
	struct entry *e;

	HASH_FIND(hh, i->cache, proto, sizeof(*proto), e);
	return e;
}

static void uninstall(struct entry *e)
{
	struct engine *engine = e->iface->engine;

	if (e->installed)
		engine->ops->neigh_del(engine->ctx, e->iface->link->ifindex,
				       &e->proto);
	e->installed = false;
}

static void overdue(struct timer *t)
{
	struct entry *e = (struct entry *)((char *)t -
					   offsetof(struct entry, timer));

	uninstall(e);
	cache_expire(e);
}

struct entry *cache_add(struct iface *i, const struct addr *proto)
{
	struct entry *e;

	if (HASH_COUNT(i->cache) >= ENGINE_MAX_ENTRIES)
		goto full;
	e = calloc(1, sizeof(*e));
	if (!e)
		goto full;
	e->iface = i;
	e->proto = *proto;
	e->type = ENTRY_INCOMPLETE;
	e->state = ENTRY_DOWN;
	e->created = e->changed = i->engine->now;
	e->timer.fn = overdue;
	HASH_ADD(hh, i->cache, proto, sizeof(e->proto), e);
	if (e->hh.tbl)
		return e;
	free(e);
full:
	engine_reject(i, REJECT_NO_RESOURCES);
	return NULL;
}

static void release(struct entry *e)
{
	resolve_cancel(e);
	secure_own(e, 0);
	timer_stop(&e->iface->engine->timers, &e->timer);
	HASH_DELETE(hh, e->iface->cache, e);
	free(e->told);
	free(e);
}

static void unpeer(struct entry *e)
{
	shortcut_hop_gone(e, false);
	peer_leave(e);
	e->registered = false;
	secure_own(e, 0);
}

void cache_forget(struct entry *e)
{
	cache_set_state(e, ENTRY_DOWN);
	unpeer(e);
	release(e);
}

void cache_del(struct entry *e)
{
	uninstall(e);
	cache_forget(e);
}

void cache_expire(struct entry *e)
{
	if (e->type == ENTRY_DYNAMIC)
		engine_event(e->iface, "expired", &e->proto, &e->nbma,
			     "holding time over");
	shortcut_hop_gone(e, true);
	cache_forget(e);
}

void cache_free_all(struct iface *i)
{
	struct entry *e, *next;

	HASH_ITER(hh, i->cache, e, next)
		release(e);
}

/* Learnt and registered ones; an NHS has events of its own. */
static bool is_path(const struct entry *e)
{
	return e->type == ENTRY_DYNAMIC && !e->nhs;
}

void cache_leave_state(struct entry *e, enum entry_state state, const char *why)
{
	bool was = e->state == ENTRY_UP;

	if (e->state == state)
		return;
	e->state = state;
	e->lost = false;
	e->changed = e->iface->engine->now;
	if (is_path(e) && (was || state == ENTRY_UP))
		engine_event(e->iface, was ? "peer-down" : "peer-up", &e->proto,
			     &e->nbma, "%s", why);
}

void cache_set_state(struct entry *e, enum entry_state state)
{
	cache_leave_state(e, state, e->registered ? "registered" : "resolved");
}

void cache_unset_nbma(struct entry *e)
{
	uninstall(e);
	unpeer(e);
	e->nbma = e->claimed = (struct addr){ 0 };
	e->mark = 0;
}

int cache_set_nbma(struct entry *e, const struct addr *nbma, uint32_t mark)
{
	if (peer_join(e, nbma, mark)) {
		engine_reject(e->iface, REJECT_NO_RESOURCES);
		return -ENOMEM;
	}
	e->nbma = *nbma;
	e->mark = mark;
	return 0;
}

void cache_set_hold(struct entry *e, unsigned int seconds)
{
	struct engine *engine = e->iface->engine;

	e->hold = seconds;
	e->expires = seconds ? engine->now + seconds * 1000ull : 0;
	if (e->expires)
		timer_set(&engine->timers, &e->timer,
			  e->expires + (e->type == ENTRY_DYNAMIC ?
					CACHE_LATE : 0));
	else
		timer_stop(&engine->timers, &e->timer);
}

static uint32_t kernel_flags(const struct entry *e)
{
	uint32_t flags = 0;

	if (e->type == ENTRY_STATIC || e->nhs)
		flags |= DMVPN_NEIGH_F_STATIC;
	if (e->state == ENTRY_PROBING || e->vacant)
		flags |= DMVPN_NEIGH_F_UNCONFIRMED;
	if (e->registered)
		flags |= DMVPN_NEIGH_F_REGISTERED;
	if (e->registered && e->unique)
		flags |= DMVPN_NEIGH_F_UNIQUE;
	return flags;
}

uint32_t cache_refresh_time(unsigned int hold)
{
	uint32_t third = hold * 1000u / 3;

	return third < REFRESH_MAX ? third : REFRESH_MAX;
}

void cache_install(struct entry *e)
{
	struct engine *engine = e->iface->engine;
	struct engine_neigh n = {
		.addr = e->proto,
		.nbma = e->nbma,
		.mark = e->mark,
		.flags = kernel_flags(e),
	};

	if (e->expires && e->expires <= engine->now)
		return;			/* about to be told that it is gone */
	if (e->expires)
		n.expires = e->expires - engine->now;
	/* Registered entries are refreshed by registrations alone. */
	if (e->expires && !e->registered)
		n.refresh = cache_refresh_time(e->hold);
	n.cookie_len = cache_cookie(e, n.cookie);
	engine->ops->neigh_set(engine->ctx, e->iface->link->ifindex, &n);
	e->installed = true;
	if (e->peer)
		peer_update(e->peer);	/* what it is decides what it needs */
}

static bool told_has(const struct told *t, const struct addr *who)
{
	unsigned int k;

	if (t->overflow)
		return true;
	for (k = 0; k < t->n; k++)
		if (addr_eq(&t->who[k], who))
			return true;
	return false;
}

static void told_add(struct told *t, const struct addr *who)
{
	if (t->n == CACHE_TOLD_MAX)
		t->overflow = true;
	else
		t->who[t->n++] = *who;
}

void cache_note_asked(struct entry *e)
{
	if (e->asked)
		return;
	e->asked = true;
	if (e->installed)
		cache_install(e);
}

void cache_note_told(struct entry *e, const struct addr *who)
{
	if (!e->told)
		e->told = calloc(1, sizeof(*e->told));
	if (!e->told || told_has(e->told, who))
		return;
	told_add(e->told, who);
	if (e->installed)
		cache_install(e);
}

static int by_addr(const struct entry *a, const struct entry *b)
{
	return memcmp(&a->proto, &b->proto, sizeof(a->proto));
}

void cache_sort(struct iface *i)
{
	HASH_SORT(i->cache, by_addr);
}

/* ---- cookie ---- */

enum {					/* octets */
	C_MAGIC, C_VERSION, C_LEN, C_SUM, C_FLAGS, C_CLAIMED,
	C_HEAD				/* then address, owner, count, those told */
};

#define C_MAGIC_VALUE 0xd5
#define C_VERSION_VALUE 1
#define C_OVERFLOW 0x80			/* of the count */

enum {					/* bits of the flags octet */
	C_STATIC = 1, C_NHS = 2, C_REGISTERED = 4, C_UNIQUE = 8,
	C_ROUTER = 16, C_NAT = 32, C_ASKED = 64, C_OWNER = 128
};

static uint8_t cookie_sum(const uint8_t *c, size_t len)
{
	uint8_t sum = 0;
	size_t k;

	for (k = 0; k < len; k++)
		if (k != C_SUM)
			sum = (uint8_t)(sum << 1 | sum >> 7) ^ c[k];
	return sum;
}

static uint8_t cookie_flags(const struct entry *e)
{
	return (e->type == ENTRY_STATIC ? C_STATIC : 0) |
	       (e->nhs ? C_NHS : 0) | (e->registered ? C_REGISTERED : 0) |
	       (e->unique ? C_UNIQUE : 0) | (e->router ? C_ROUTER : 0) |
	       (e->nat ? C_NAT : 0) | (e->asked ? C_ASKED : 0) |
	       (e->owner ? C_OWNER : 0);
}

/* The count, and as many as there is room for; the rest is overflow. */
static size_t put_told(const struct told *t, uint8_t *c, size_t at,
		       unsigned int width)
{
	size_t count = at++;
	unsigned int k;

	c[count] = t && t->overflow ? C_OVERFLOW : 0;
	for (k = 0; t && k < t->n; k++) {
		if (at + width > ENGINE_COOKIE_MAX) {
			c[count] |= C_OVERFLOW;
			break;
		}
		memcpy(c + at, t->who[k].b, width);
		at += width;
		c[count]++;
	}
	return at;
}

size_t cache_cookie(const struct entry *e, uint8_t c[ENGINE_COOKIE_MAX])
{
	size_t len = C_HEAD;

	c[C_MAGIC] = C_MAGIC_VALUE;
	c[C_VERSION] = C_VERSION_VALUE;
	c[C_FLAGS] = cookie_flags(e);
	c[C_CLAIMED] = e->claimed.len;
	memcpy(c + len, e->claimed.b, e->claimed.len);
	len += e->claimed.len;
	/* never leaves this host: in its own order */
	memcpy(c + len, &e->owner, e->owner ? sizeof(e->owner) : 0);
	len += e->owner ? sizeof(e->owner) : 0;
	len = put_told(e->told, c, len, e->proto.len);
	c[C_LEN] = len;
	c[C_SUM] = cookie_sum(c, len);
	return len;
}

/* Where the count of those told is. */
static size_t told_at(const uint8_t *c)
{
	return C_HEAD + c[C_CLAIMED] +
	       (c[C_FLAGS] & C_OWNER ? sizeof(((struct entry *)0)->owner) : 0);
}

static bool cookie_ok(const struct entry *e, const uint8_t *c, size_t len)
{
	size_t at;

	if (len <= C_HEAD || c[C_MAGIC] != C_MAGIC_VALUE ||
	    c[C_VERSION] != C_VERSION_VALUE || c[C_LEN] != len ||
	    c[C_SUM] != cookie_sum(c, len))
		return false;
	if (c[C_CLAIMED] && c[C_CLAIMED] != 4 && c[C_CLAIMED] != 16)
		return false;
	at = told_at(c);
	if (at >= len || (c[at] & ~C_OVERFLOW) > CACHE_TOLD_MAX)
		return false;
	return at + 1 + (size_t)(c[at] & ~C_OVERFLOW) * e->proto.len == len;
}

static void restore_told(struct entry *e, const uint8_t *c)
{
	unsigned int k, n = *c & ~C_OVERFLOW;

	if (!*c)
		return;
	e->told = calloc(1, sizeof(*e->told));
	if (!e->told)
		return;
	e->told->overflow = *c & C_OVERFLOW;
	e->told->n = n;
	for (k = 0, c++; k < n; k++, c += e->proto.len)
		e->told->who[k] = addr_from(c, e->proto.len);
}

bool cache_restore(struct entry *e, const uint8_t *c, size_t len)
{
	uint64_t owner;

	if (!cookie_ok(e, c, len))
		return false;
	e->type = c[C_FLAGS] & C_STATIC ? ENTRY_STATIC : ENTRY_DYNAMIC;
	e->nhs = c[C_FLAGS] & C_NHS;
	e->unique = c[C_FLAGS] & C_UNIQUE;
	e->router = c[C_FLAGS] & C_ROUTER;
	e->nat = c[C_FLAGS] & C_NAT;
	e->asked = c[C_FLAGS] & C_ASKED;
	e->claimed = addr_from(c + C_HEAD, c[C_CLAIMED]);
	if (c[C_FLAGS] & C_OWNER) {
		memcpy(&owner, c + C_HEAD + c[C_CLAIMED], sizeof(owner));
		secure_own(e, owner);
	}
	restore_told(e, c + told_at(c));
	if (e->peer)
		peer_set_registered(e, c[C_FLAGS] & C_REGISTERED);
	return true;
}
