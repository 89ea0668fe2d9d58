/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shortcut: prefixes with a next hop of their own (Cisco's phase 3; RFC 2332
 * section 6.2 for how long what was answered may be used). Called by resolve.c
 * with answers, by redirect.c, by cache.c when a neighbour goes, and by the
 * daemon with what the kernel tells of shortcuts and of the FIB.
 *
 * A shortcut changes nothing but the next hop, and only while the FIB still
 * has the next hop that it was learnt under: the kernel looks at that for each
 * packet (`via`), we look at prefix lengths and interfaces when the FIB
 * changes. Whether data may take it is its neighbour's business; as long as
 * the direct path is not proved the kernel uses the route.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "shortcut.h"

#define YOUNG 120000			/* ms that the packets that led to it count */
#define REASK_RATE 50			/* requests/s for what was withdrawn */
#define REASK_BURST 100
#define WIDEST_V4 8			/* nobody has more than that, as FRR */
#define WIDEST_V6 16
#define SWEEP_AFTER 100			/* ms; route changes come in flocks */
#define SWEEP_PAUSE 10
#define SWEEP_BATCH 256			/* look-ups at a time */

static uint8_t width(const struct addr *a)
{
	return a->len * 8;
}

/* ---- the table ---- */

static struct shortcut *find_exact(const struct iface *i,
				   const struct addr *prefix, uint8_t plen)
{
	struct shortcut_key key = { addr_network(prefix, plen), plen };
	struct shortcut *s;

	HASH_FIND(hh, i->shortcuts, &key, sizeof(key), s);
	return s;
}

struct shortcut *shortcut_find(const struct iface *i, const struct addr *a)
{
	struct shortcut *s;
	int plen;

	for (plen = width(a); plen >= 0; plen--) {
		s = i->plens[plen] ? find_exact(i, a, plen) : NULL;
		if (s)
			return s;
	}
	return NULL;
}

static void unlink_hop(struct shortcut *s)
{
	if (!s->hop)
		return;
	if (s->prev)
		s->prev->next = s->next;
	else
		s->hop->shortcuts = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->hop = NULL;
	s->next = s->prev = NULL;
}

static void link_hop(struct shortcut *s, struct entry *hop)
{
	unlink_hop(s);
	s->hop = hop;
	s->next = hop->shortcuts;
	if (s->next)
		s->next->prev = s;
	hop->shortcuts = s;
}

/* It is forgotten here; the kernel has dropped it, or may keep it. */
static void forget(struct shortcut *s)
{
	struct iface *i = s->iface;

	unlink_hop(s);
	timer_stop(&i->engine->timers, &s->timer);
	if (i->sweep == s)
		i->sweep = s->hh.next;
	i->plens[s->key.plen]--;
	HASH_DELETE(hh, i->shortcuts, s);
	free(s);
}

static void tell(const struct shortcut *s, const char *what, const char *why)
{
	char prefix[ADDR_STRLEN], hop[ADDR_STRLEN];

	engine_say(s->iface, ENGINE_INFO, "shortcut %s/%u by %s: %s",
		   addr_text(&s->key.prefix, prefix), s->key.plen,
		   addr_text(&s->hop->proto, hop), why);
	engine_event(s->iface, what, &s->key.prefix, &s->hop->nbma, "%s/%u by %s: %s",
		     prefix, s->key.plen, hop, why);
}

static void expire(struct shortcut *s)
{
	tell(s, "shortcut-down", "holding time over");
	forget(s);
}

static void expiry_due(struct timer *t)
{
	expire((struct shortcut *)((char *)t -
				   offsetof(struct shortcut, timer)));
}

static void take_out(struct shortcut *s, const char *why)
{
	struct engine *e = s->iface->engine;

	tell(s, "shortcut-down", why);
	e->ops->shortcut_del(e->ctx, s->iface->link->ifindex, &s->key.prefix,
			     s->key.plen);
	forget(s);
}

static struct shortcut *add(struct iface *i, const struct addr *dst,
			    uint8_t plen)
{
	struct shortcut *s = NULL;

	if (HASH_COUNT(i->shortcuts) < ENGINE_MAX_SHORTCUTS)
		s = calloc(1, sizeof(*s));
	if (!s) {
		engine_reject(i, REJECT_NO_RESOURCES);
		return NULL;
	}
	s->iface = i;
	s->key.prefix = addr_network(dst, plen);
	s->key.plen = plen;
	s->created = i->engine->now;
	s->timer.fn = expiry_due;
	HASH_ADD(hh, i->shortcuts, key, sizeof(s->key), s);
	if (s->hh.tbl) {
		i->plens[plen]++;
		return s;
	}
	free(s);
	engine_reject(i, REJECT_NO_RESOURCES);
	return NULL;
}

unsigned int shortcut_drop(struct iface *i, const struct addr *a,
			   const char *why)
{
	struct shortcut *s;
	unsigned int n = 0;

	while ((s = a ? shortcut_find(i, a) : i->shortcuts)) {
		take_out(s, why);
		n++;
	}
	return n;
}

void shortcut_free_all(struct iface *i)
{
	while (i->shortcuts)
		forget(i->shortcuts);
}

static int by_prefix(const struct shortcut *a, const struct shortcut *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

void shortcut_sort(struct iface *i)
{
	HASH_SORT(i->shortcuts, by_prefix);
	if (i->sweep)
		i->sweep = i->shortcuts;	/* the order is another now */
}

/* ---- cookie ---- */

enum {					/* octets */
	C_MAGIC, C_VERSION, C_LEN, C_FLAGS, C_HOLD, C_HOLD2, C_HEAD
};

#define C_MAGIC_VALUE 0xd6
#define C_VERSION_VALUE 1
#define C_USED 1			/* of the flags */

static size_t put_cookie(const struct shortcut *s, uint8_t *c)
{
	c[C_MAGIC] = C_MAGIC_VALUE;
	c[C_VERSION] = C_VERSION_VALUE;
	c[C_LEN] = C_HEAD + s->target.len;
	c[C_FLAGS] = s->used ? C_USED : 0;
	c[C_HOLD] = s->hold >> 8;
	c[C_HOLD2] = s->hold;
	memcpy(c + C_HEAD, s->target.b, s->target.len);
	return c[C_LEN];
}

static bool cookie_ok(const struct engine_shortcut *k)
{
	const uint8_t *c = k->cookie;

	return k->cookie_len == C_HEAD + k->prefix.len &&
	       c[C_MAGIC] == C_MAGIC_VALUE && c[C_VERSION] == C_VERSION_VALUE &&
	       c[C_LEN] == k->cookie_len && !(c[C_FLAGS] & ~C_USED);
}

/* ---- the kernel's side ---- */

void shortcut_install(struct shortcut *s)
{
	struct engine *e = s->iface->engine;
	struct engine_shortcut k = {
		.prefix = s->key.prefix,
		.plen = s->key.plen,
		.nexthop = s->hop->proto,
		.via = s->via,
		.refresh = cache_refresh_time(s->hold),
	};

	if (s->expires <= e->now)
		return;			/* about to be told that it is gone */
	k.expires = s->expires - e->now;
	k.cookie_len = put_cookie(s, k.cookie);
	e->ops->shortcut_set(e->ctx, s->iface->link->ifindex, &k);
}

static struct shortcut *find_event(struct engine *e, unsigned int ifindex,
				   const struct addr *prefix, uint8_t plen,
				   uint64_t now)
{
	struct iface *i = iface_for(e, ifindex, prefix);

	e->now = now;
	return i && plen <= width(prefix) ? find_exact(i, prefix, plen) : NULL;
}

void engine_shortcut_expired(struct engine *e, unsigned int ifindex,
			     const struct addr *prefix, uint8_t plen,
			     uint64_t now)
{
	struct shortcut *s = find_event(e, ifindex, prefix, plen, now);

	/* One that was renewed meanwhile is in the kernel again. */
	if (s && s->expires <= now + ENGINE_SECOND)
		expire(s);
}

void engine_shortcut_used(struct engine *e, unsigned int ifindex,
			  const struct addr *prefix, uint8_t plen,
			  uint64_t now)
{
	struct shortcut *s = find_event(e, ifindex, prefix, plen, now);
	struct addr via;

	if (!s)
		return;
	s->used = true;
	if (iface_ready(s->iface) &&
	    shortcut_via(s->iface, &s->target, &via, NULL))
		resolve_want(s->iface, &s->target, true);
}

/* ---- the FIB's side ---- */

bool shortcut_via(struct iface *i, const struct addr *dst, struct addr *via,
		  uint8_t *plen)
{
	struct engine_route r = i->engine->ops->route(i->engine->ctx,
						      i->link->ifindex, dst);
	bool on_link = !addr_is_set(&r.gateway);

	if (!r.found || r.local || r.ifindex != i->link->ifindex)
		return false;
	*via = on_link ? *dst : r.gateway;
	if (plen)
		*plen = on_link ? width(dst) : r.plen;
	return dst->len == via->len;
}

/*
 * Withdrawn in use: the kernel of the hub may be silent for minutes. Callers
 * are walking the cache: no entry may go meanwhile, not even an old one.
 */
static void ask_again(struct iface *i, const struct addr *dst)
{
	const struct entry *e = cache_find(i, dst);
	struct addr via;

	if (e && e->type == ENTRY_DYNAMIC)
		return;
	if (iface_ready(i) && i->conf.shortcut &&
	    shortcut_via(i, dst, &via, NULL) &&
	    limit_take(&i->reasks, i->engine->now, REASK_RATE, REASK_BURST))
		resolve_want(i, dst, true);
}

void shortcut_withdraw(struct shortcut *s, const char *why)
{
	bool wanted = s->used || s->created + YOUNG > s->iface->engine->now;
	struct addr target = s->target;
	struct iface *i = s->iface;

	take_out(s, why);
	if (wanted)
		ask_again(i, &target);
}

void shortcut_hop_gone(struct entry *hop, bool expired)
{
	while (expired && hop->shortcuts)
		take_out(hop->shortcuts, "its next hop expired");
	while (hop->shortcuts)
		shortcut_withdraw(hop->shortcuts, "its next hop is gone");
}

/* Why the FIB does not let @s be any more; NULL when it does. */
static const char *objection(struct shortcut *s)
{
	struct addr via;
	uint8_t plen;

	if (!shortcut_via(s->iface, &s->target, &via, &plen))
		return "the route left the tunnel";
	if (!addr_eq(&via, &s->via))
		return "the route has another next hop";
	if (plen > s->key.plen ||
	    resolve_narrow(s->iface, &s->target, s->key.plen) > s->key.plen)
		return "there is a more specific route";
	return NULL;
}

static unsigned int sweep_iface(struct iface *i, unsigned int left)
{
	struct shortcut *s;
	const char *why;

	for (; left && i->sweep; left--) {
		s = i->sweep;
		i->sweep = s->hh.next;
		why = objection(s);
		if (why)
			shortcut_withdraw(s, why);
	}
	return purge_check_answers(i, left);
}

static void sweep_begin(struct engine *e)
{
	struct iface *i;

	e->sweep_wanted = false;
	e->sweeping = true;
	for (i = iface_first(e); i; i = iface_next(i)) {
		i->sweep = i->shortcuts;
		purge_check_start(i);
	}
}

static void sweep(struct timer *t)
{
	struct engine *e = (struct engine *)((char *)t -
					     offsetof(struct engine, sweep));
	unsigned int left = SWEEP_BATCH;
	struct iface *i;

	if (!e->sweeping)
		sweep_begin(e);
	for (i = iface_first(e); i; i = iface_next(i))
		left = sweep_iface(i, left);
	e->sweeping = !left;
	if (e->sweeping || e->sweep_wanted)
		timer_set(&e->timers, t, e->now + (e->sweeping ? SWEEP_PAUSE :
								 SWEEP_AFTER));
}

void engine_routes_changed(struct engine *e, uint64_t now)
{
	e->now = now;
	e->sweep_wanted = true;
	if (e->sweep.armed)
		return;
	e->sweep.fn = sweep;
	timer_set(&e->timers, &e->sweep, now + SWEEP_AFTER);
}

/* ---- answers ---- */

static bool too_wide(const struct addr *dst, uint8_t plen)
{
	return plen < (dst->len == 4 ? WIDEST_V4 : WIDEST_V6);
}

/*
 * How much of the prefix in an answer is believed: not more than our own
 * route to @dst covers, nothing that has a route of its own, nothing with
 * ourselves in it.
 */
static uint8_t believed(struct iface *i, const struct addr *dst, uint8_t plen,
			uint8_t route)
{
	if (!plen || plen > width(dst))
		return width(dst);
	if (plen < route)
		plen = route;
	if (addr_in_prefix(&i->conf.addr, dst, plen))
		return width(dst);
	return resolve_narrow(i, dst, plen);
}

/* What was known of @dst before and does not agree with the new answer. */
static void drop_older(struct iface *i, const struct addr *dst, uint8_t plen,
		       const struct entry *hop)
{
	struct shortcut *s;
	int k;

	for (k = width(dst); k >= 0; k--) {
		s = i->plens[k] ? find_exact(i, dst, k) : NULL;
		if (s && (k > plen || (k < plen && s->hop == hop)))
			take_out(s, "a newer answer has another prefix");
	}
}

static bool set(struct entry *hop, const struct addr *dst, uint8_t plen,
		const struct addr *via, uint16_t hold)
{
	struct iface *i = hop->iface;
	struct shortcut *s = find_exact(i, dst, plen);
	bool same = s && s->hop == hop;

	if (!s)
		s = add(i, dst, plen);
	if (!s)
		return false;
	link_hop(s, hop);
	s->via = *via;
	s->target = *dst;
	s->hold = hold;
	s->used &= same;
	s->expires = i->engine->now + hold * 1000ull;
	timer_set(&i->engine->timers, &s->timer, s->expires + CACHE_LATE);
	shortcut_install(s);
	if (!same)
		tell(s, "shortcut-up", "resolved");
	return true;
}

bool shortcut_learn(struct entry *hop, const struct addr *dst, uint8_t plen,
		    uint16_t hold)
{
	struct iface *i = hop->iface;
	const struct entry *routed;
	uint8_t route;
	struct addr via;

	if (!shortcut_via(i, dst, &via, &route)) {
		engine_reject(i, REJECT_OFF_TUNNEL);
		return false;
	}
	if (plen && too_wide(dst, plen)) {
		engine_reject(i, REJECT_BAD_REPLY);
		return false;
	}
	routed = cache_find(i, &via);
	if (addr_eq(&via, &hop->proto) ||
	    (routed && routed->peer && routed->peer == hop->peer))
		return true;		/* the route says so already */
	plen = believed(i, dst, plen, route);
	if (!set(hop, dst, plen, &via, hold))
		return false;
	drop_older(i, dst, plen, hop);	/* last, so that there is no gap */
	return true;
}

/* ---- adoption ---- */

/* False: not one of ours, or of no use without its neighbour. */
static bool adopt(struct iface *i, const struct engine_shortcut *k)
{
	struct entry *hop = cache_find(i, &k->nexthop);
	struct shortcut *s;

	if (!i->conf.shortcut || !hop || !hop->installed ||
	    addr_is_link_local(&k->prefix) ||
	    find_exact(i, &k->prefix, k->plen))
		return false;
	s = add(i, &k->prefix, k->plen);
	if (!s)
		return false;
	link_hop(s, hop);
	s->via = k->via;
	s->target = addr_from(k->cookie + C_HEAD, k->prefix.len);
	s->hold = k->cookie[C_HOLD] << 8 | k->cookie[C_HOLD2];
	s->used = k->cookie[C_FLAGS] & C_USED;
	s->created = i->engine->now - k->created_ago;
	s->expires = i->engine->now + k->expires;
	timer_set(&i->engine->timers, &s->timer, s->expires + CACHE_LATE);
	return true;
}

void engine_adopt_shortcut(struct engine *e, unsigned int ifindex,
			   const struct engine_shortcut *k, uint64_t now)
{
	struct iface *i = iface_for(e, ifindex, &k->prefix);

	e->now = now;
	if (!i || !cookie_ok(k) || !k->expires)
		return;			/* an operator's */
	if (k->plen <= width(&k->prefix) && adopt(i, k))
		engine_routes_changed(e, now);	/* what happened meanwhile? */
	else
		e->ops->shortcut_del(e->ctx, ifindex, &k->prefix, k->plen);
}
