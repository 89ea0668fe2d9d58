/* SPDX-License-Identifier: GPL-2.0-or-later */
/* narrow: see narrow.h; called by daemon.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "log.h"
#include "narrow.h"
#include "rtnl.h"

#define REST		10		/* ms between two reads of a table, and */
#define REST_TIMES	10		/* so many times as long as one took */

struct table {
	uint32_t id;			/* 0: free */
	enum conf_family family;
	bool stale;			/* routes changed since it was read */
	bool full;			/* more routes than are kept */
	uint64_t rest_until;		/* not read again before */
	uint64_t asked;			/* last */
	struct narrow_set set;
};

struct narrow {
	struct rtnl *rtnl;
	struct event_timer *timer;	/* a stale answer was given */
	void (*again)(void *ctx);
	void *ctx;
	struct table table[NARROW_TABLES];
};

/* ---- the routes of one table ---- */

int narrow_add(struct narrow_set *s, const struct addr *prefix, uint8_t plen)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct narrow_route *r;

	if (s->n == NARROW_ROUTES)
		return -E2BIG;
	if (s->n == s->room) {
		r = reallocarray(s->route, room, sizeof(*r));
		if (!r)
			return -ENOMEM;
		s->route = r;
		s->room = room;
	}
	r = &s->route[s->n++];
	r->prefix = *prefix;
	r->plen = plen;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct narrow_route *x = a, *y = b;

	return memcmp(x->prefix.b, y->prefix.b, sizeof(x->prefix.b));
}

void narrow_sort(struct narrow_set *s)
{
	if (s->n)
		qsort(s->route, s->n, sizeof(*s->route), compare);
}

/* How many of the first bits agree. */
static unsigned int common(const struct addr *a, const struct addr *b)
{
	unsigned int bits = 8 * a->len, i;
	uint8_t x;

	for (i = 0; i < bits; i += 8) {
		x = a->b[i / 8] ^ b->b[i / 8];
		if (x)
			return i + __builtin_clz(x) - 24;
	}
	return bits;
}

/* How long a prefix around @dst must be to leave @r out. */
static unsigned int without(const struct narrow_route *r,
			    const struct addr *dst)
{
	unsigned int n = common(&r->prefix, dst);

	return n < 8u * dst->len ? n + 1 : n;
}

/* The first at or behind @dst. */
static size_t find(const struct narrow_set *s, const struct addr *dst)
{
	size_t low = 0, high = s->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (memcmp(s->route[mid].prefix.b, dst->b,
			   sizeof(dst->b)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* What the next route on one side of @dst does to *@best; false: it decides. */
static bool passes(const struct narrow_route *r, const struct addr *dst,
		   uint8_t plen, unsigned int *best)
{
	unsigned int n = without(r, dst);

	if (n <= *best)
		return false;
	if (r->plen <= plen)
		return true;
	*best = n;
	return false;
}

/*
 * In the order of addresses, what agrees most with @dst stands next to it. On
 * either side the first that is longer than @plen decides; what is shorter and
 * still inside of the prefix shares its first address, so it is passed soon.
 */
uint8_t narrow_find(const struct narrow_set *s, const struct addr *dst,
		    uint8_t plen)
{
	size_t at = find(s, dst), i = at;
	unsigned int best = plen;

	while (i < s->n && passes(&s->route[i], dst, plen, &best))
		i++;
	for (i = at; i && passes(&s->route[i - 1], dst, plen, &best); i--)
		;
	return best;
}

/* ---- tables ---- */

static int take(void *ctx, const struct rtnl_prefix *p)
{
	struct table *t = ctx;

	/* this host's own addresses, and broadcast, are no other way */
	if (p->type != RTN_UNICAST && p->type != RTN_BLACKHOLE &&
	    p->type != RTN_UNREACHABLE && p->type != RTN_PROHIBIT &&
	    p->type != RTN_THROW)
		return 0;
	return narrow_add(&t->set, &p->prefix, p->plen);
}

static void read_table(struct table *t)
{
	uint64_t begun = event_now();
	int ret;

	t->set.n = 0;
	t->stale = false;
	ret = rtnl_each_route(t->family, t->id, take, t);
	if (ret == -E2BIG && !t->full)
		log_notice("more than %u routes in table %u: shortcuts are for single addresses",
			   NARROW_ROUTES, t->id);
	else if (ret && ret != -E2BIG)
		log_warn("table %u cannot be read: %s", t->id, strerror(-ret));
	t->full = ret;
	narrow_sort(&t->set);
	t->rest_until = event_now() + REST + REST_TIMES * (event_now() - begun);
}

/* The table's place; when all are taken, of the one that nobody asks for. */
static struct table *table_get(struct narrow *n, enum conf_family family,
			       uint32_t id)
{
	struct table *t, *oldest = &n->table[0];

	for (t = n->table; t < n->table + NARROW_TABLES; t++) {
		if (t->id == id && t->family == family)
			return t;
		if (t->asked < oldest->asked)
			oldest = t;
	}
	oldest->id = id;
	oldest->family = family;
	oldest->stale = true;
	oldest->full = false;
	oldest->rest_until = 0;
	return oldest;
}

static void refresh(struct narrow *n, struct table *t)
{
	t->asked = event_now();
	if (!t->stale && !rtnl_routes_pending(n->rtnl))
		return;
	if (t->asked >= t->rest_until)
		read_table(t);
	else
		event_timer_set(n->timer, t->rest_until);
}

uint8_t narrow_length(struct narrow *n, unsigned int vrf,
		      const struct addr *dst, uint8_t plen)
{
	uint32_t id = rtnl_table(n->rtnl, vrf, dst);
	struct table *t;

	if (!id)
		return plen;
	t = table_get(n, dst->len == 16 ? CONF_IPV6 : CONF_IPV4, id);
	refresh(n, t);
	return t->full ? 8 * dst->len : narrow_find(&t->set, dst, plen);
}

void narrow_changed(struct narrow *n)
{
	struct table *t;

	for (t = n ? n->table : NULL; t && t < n->table + NARROW_TABLES; t++)
		t->stale = true;
}

static void rested(void *ctx)
{
	struct narrow *n = ctx;

	n->again(n->ctx);
}

struct narrow *narrow_new(struct event_loop *loop, struct rtnl *rtnl,
			  void (*again)(void *ctx), void *ctx)
{
	struct narrow *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->rtnl = rtnl;
	n->again = again;
	n->ctx = ctx;
	n->timer = event_timer_new(loop, rested, n);
	if (!n->timer) {
		free(n);
		return NULL;
	}
	return n;
}

void narrow_free(struct narrow *n)
{
	struct table *t;

	if (!n)
		return;
	event_timer_free(n->timer);
	for (t = n->table; t < n->table + NARROW_TABLES; t++)
		free(t->set.route);
	free(n);
}
