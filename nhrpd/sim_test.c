/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sim_test: a DMVPN of many engines on a simulated underlay, kernel and clock.
 *
 *            hub 10.0.0.1            packets are lost, doubled, reordered;
 *           /   |    \               nodes restart (the kernel keeps its
 *     spoke1 spoke2 .. spokeN        tables) or reboot (nothing is kept);
 *                                    NBMA addresses change; data flows
 *
 * Each spoke has a network behind it, 172.16.0.0/12 in parts of /24; the hub
 * has a route to each, the spokes have one to the hub. The hub's kernel tells
 * of hairpins. The same in IPv6, where the nodes are 2001:db8::/64, the
 * networks 2001:db8:1::/48 in parts of /64, and the routes have link-local
 * next hops, as routing protocols have them.
 *
 * A data packet is followed through the kernels' tables as they are at one
 * moment: it arrives directly, through the hub, or not at all. Everything is
 * drawn from one seed. SIM_SPOKES, SIM_SEEDS and SIM_VERBOSE in the
 * environment make it larger or louder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "iface.h"

#define IFINDEX 7
#define SECOND 1000ull
#define MINUTE (60 * SECOND)
#define RESOLVE_EVERY 1000		/* ms between events of one next hop */
#define OWNERS 65536
#define REDIRECT_EVERY 8000		/* ms between events of a pair of peers */
#define LAN_IFINDEX 9

/* Which families a world has. */
#define V4 (1 << CONF_IPV4)
#define V6 (1 << CONF_IPV6)
#define OVER6 4			/* and their NBMA addresses are IPv6 */

enum path { LOST, VIA_HUB, DIRECT };

struct kneigh {
	struct engine_neigh n;
	uint64_t expires, created, used, asked;	/* 0: never */
	bool told;			/* of its use */
	UT_hash_handle hh;
};

struct kpeer {
	struct addr nbma;
	uint32_t flags, priority;
	UT_hash_handle hh;
};

struct kshortcut {
	struct {
		struct addr prefix;
		uint8_t plen;
	} key;
	struct engine_shortcut s;
	uint64_t expires, created;
	bool told;			/* of its use */
	UT_hash_handle hh;
};

struct khairpin {			/* redirect events, rate limited */
	unsigned int pair;
	uint64_t last;
	UT_hash_handle hh;
};

struct kmiss {				/* resolve events, rate limited */
	struct addr addr;
	uint64_t last;
	UT_hash_handle hh;
};

struct node {
	struct world *w;
	unsigned int id;
	struct conf_iface conf;
	struct addr proto[__CONF_FAMILY_MAX], link_local, nbma;
	struct engine *engine;		/* NULL: not running */
	struct kneigh *neighs;
	struct kpeer *peers;
	struct kmiss *misses;
	struct kshortcut *shortcuts;
	struct khairpin *hairpins;
	uint64_t wake;			/* wake event there is, 0: none */
};

enum what { PACKET, WAKE, EXPIRY, SHORTCUT_EXPIRY, FLOW, START };

struct event {
	uint64_t at, seq;
	enum what what;
	unsigned int node;
	struct addr a, b;		/* PACKET: source and destination */
	unsigned int flow;
	uint8_t plen;
	size_t len;
	uint8_t *buf;
};

struct flow {
	unsigned int from, to;
	bool lan;			/* from network to network */
	enum conf_family family;
	bool link_local;		/* else to the other address of the node */
	uint64_t every, until;
	enum path last;
	uint64_t since;			/* of @last */
	unsigned long seen[DIRECT + 1];
};

struct world {
	uint64_t now, seq, rng;
	unsigned int families;		/* V4, V6 or both */
	bool over6;
	unsigned int n, n_flows, max_flows;
	struct node *node;
	struct flow *flow;
	struct event *heap;
	size_t n_events, max_events;
	unsigned int owner[OWNERS];	/* by NBMA address; 0: nobody, else id+1 */
	unsigned int *lan;		/* spoke that has the network of that number */
	unsigned int next_nbma;
	unsigned int loss, dup;		/* per mille */
	unsigned int delay_min, delay_max;	/* ms */
	unsigned long hub_load[600];	/* registrations a second */
	uint64_t load_start;		/* 0: not measured */
	unsigned int max_pending;
	bool verbose;
};

/* ---- dice ---- */

static uint32_t dice(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng >> 16;
}

static uint32_t below(struct world *w, uint32_t n)
{
	return dice(w) % n;
}

/* ---- agenda ---- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void swap(struct event *a, struct event *b)
{
	struct event t = *a;

	*a = *b;
	*b = t;
}

static void post(struct world *w, struct event e)
{
	size_t i = w->n_events++;

	if (w->n_events > w->max_events) {
		w->max_events = w->max_events ? 2 * w->max_events : 1024;
		w->heap = realloc(w->heap, w->max_events * sizeof(e));
		assert_non_null(w->heap);
	}
	e.seq = w->seq++;
	w->heap[i] = e;
	for (; i && earlier(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&w->heap[i], &w->heap[(i - 1) / 2]);
}

static struct event next_event(struct world *w)
{
	struct event first = w->heap[0];
	size_t i = 0, c;

	w->heap[0] = w->heap[--w->n_events];
	while ((c = 2 * i + 1) < w->n_events) {
		if (c + 1 < w->n_events && earlier(&w->heap[c + 1], &w->heap[c]))
			c++;
		if (!earlier(&w->heap[c], &w->heap[i]))
			break;
		swap(&w->heap[c], &w->heap[i]);
		i = c;
	}
	return first;
}

/* ---- kernel ---- */

static struct kneigh *kneigh(struct node *n, const struct addr *a)
{
	struct kneigh *k;

	HASH_FIND(hh, n->neighs, a, sizeof(*a), k);
	return k;
}

static void kneigh_free(struct node *n, struct kneigh *k)
{
	HASH_DELETE(hh, n->neighs, k);
	free(k);
}

static void op_neigh_set(void *ctx, unsigned int ifindex,
			 const struct engine_neigh *neigh)
{
	struct node *n = ctx;
	struct kneigh *k = kneigh(n, &neigh->addr);
	uint64_t now = n->w->now;

	assert_int_equal(ifindex, IFINDEX);
	assert_true(addr_is_set(&neigh->nbma));
	assert_false(neigh->flags & DMVPN_NEIGH_F_REJECT);
	assert_true(neigh->expires || neigh->flags & DMVPN_NEIGH_F_STATIC);
	if (!k) {
		k = calloc(1, sizeof(*k));
		assert_non_null(k);
		k->created = now;
		k->n = *neigh;
		HASH_ADD(hh, n->neighs, n.addr, sizeof(k->n.addr), k);
	}
	k->n = *neigh;
	k->told = false;
	k->expires = neigh->expires ? now + neigh->expires : 0;
	if (k->expires)
		post(n->w, (struct event){
			.at = k->expires + below(n->w, 1000), .what = EXPIRY,
			.node = n->id, .a = neigh->addr });
}

static void op_neigh_del(void *ctx, unsigned int ifindex,
			 const struct addr *addr)
{
	struct node *n = ctx;
	struct kneigh *k = kneigh(n, addr);

	(void)ifindex;
	if (k)
		kneigh_free(n, k);
}

static struct kpeer *kpeer(struct node *n, const struct addr *nbma)
{
	struct kpeer *p;

	HASH_FIND(hh, n->peers, nbma, sizeof(*nbma), p);
	return p;
}

static void op_peer_set(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark, uint32_t flags,
			uint32_t priority)
{
	struct node *n = ctx;
	struct kpeer *p = kpeer(n, nbma);

	(void)ifindex;
	assert_int_equal(mark, 0);
	if (!p) {
		p = calloc(1, sizeof(*p));
		assert_non_null(p);
		p->nbma = *nbma;
		HASH_ADD(hh, n->peers, nbma, sizeof(p->nbma), p);
	}
	p->flags = flags;
	p->priority = priority;
}

/* The kernel drops a peer with its neighbours. */
static void op_peer_del(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark)
{
	struct node *n = ctx;
	struct kpeer *p = kpeer(n, nbma);
	struct kneigh *k, *next;

	(void)ifindex;
	(void)mark;
	if (!p)
		return;
	HASH_DELETE(hh, n->peers, p);
	free(p);
	HASH_ITER(hh, n->neighs, k, next)
		if (addr_eq(&k->n.nbma, nbma))
			kneigh_free(n, k);
}

static struct kshortcut *kshortcut(struct node *n, const struct addr *a,
				   uint8_t plen)
{
	struct kshortcut *k, like = { 0 };

	like.key.prefix = addr_network(a, plen);
	like.key.plen = plen;
	HASH_FIND(hh, n->shortcuts, &like.key, sizeof(like.key), k);
	return k;
}

static void kshortcut_free(struct node *n, struct kshortcut *k)
{
	HASH_DELETE(hh, n->shortcuts, k);
	free(k);
}

static void op_shortcut_set(void *ctx, unsigned int ifindex,
			    const struct engine_shortcut *s)
{
	struct node *n = ctx;
	struct kshortcut *k = kshortcut(n, &s->prefix, s->plen);

	assert_int_equal(ifindex, IFINDEX);
	assert_true(s->expires && addr_is_set(&s->via));
	assert_non_null(kneigh(n, &s->nexthop));
	if (!k) {
		k = calloc(1, sizeof(*k));
		assert_non_null(k);
		k->created = n->w->now;
		k->key.prefix = s->prefix;
		k->key.plen = s->plen;
		HASH_ADD(hh, n->shortcuts, key, sizeof(k->key), k);
	}
	k->s = *s;
	k->told = false;
	k->expires = n->w->now + s->expires;
	post(n->w, (struct event){ .at = k->expires + below(n->w, 1000),
				   .what = SHORTCUT_EXPIRY, .node = n->id,
				   .a = s->prefix, .plen = s->plen });
}

static void op_shortcut_del(void *ctx, unsigned int ifindex,
			    const struct addr *prefix, uint8_t plen)
{
	struct node *n = ctx;
	struct kshortcut *k = kshortcut(n, prefix, plen);

	(void)ifindex;
	if (k)
		kshortcut_free(n, k);
}

static void kernel_clear(struct node *n)
{
	struct kneigh *k, *nk;
	struct kpeer *p, *np;
	struct kmiss *m, *nm;
	struct kshortcut *s, *ns;
	struct khairpin *h, *nh;

	HASH_ITER(hh, n->shortcuts, s, ns)
		kshortcut_free(n, s);
	HASH_ITER(hh, n->hairpins, h, nh) {
		HASH_DELETE(hh, n->hairpins, h);
		free(h);
	}
	HASH_ITER(hh, n->neighs, k, nk)
		kneigh_free(n, k);
	HASH_ITER(hh, n->peers, p, np) {
		HASH_DELETE(hh, n->peers, p);
		free(p);
	}
	HASH_ITER(hh, n->misses, m, nm) {
		HASH_DELETE(hh, n->misses, m);
		free(m);
	}
}

/* ---- network ---- */

static unsigned int nbma_index(const struct addr *a)
{
	return a->b[a->len - 2] << 8 | a->b[a->len - 1];
}

static struct node *owner_of(struct world *w, const struct addr *nbma)
{
	unsigned int id = w->owner[nbma_index(nbma)];

	return id ? &w->node[id - 1] : NULL;
}

static void carry(struct world *w, const struct event *like)
{
	struct event e = *like;

	if (below(w, 1000) < w->loss)
		return;
	e.buf = malloc(e.len);
	assert_non_null(e.buf);
	memcpy(e.buf, like->buf, e.len);
	e.at = w->now + w->delay_min +
	       below(w, w->delay_max - w->delay_min + 1);
	post(w, e);
}

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct node *n = ctx;
	struct event e = { .what = PACKET, .a = n->nbma, .b = *nbma,
			   .len = len, .buf = (uint8_t *)buf };

	(void)ifindex;
	(void)mark;
	carry(n->w, &e);
	if (below(n->w, 1000) < n->w->dup)
		carry(n->w, &e);
}

/* An address in the network of that number. */
static struct addr lan_host(enum conf_family f, unsigned int lan)
{
	uint8_t v4[4] = { 172, 16 + (lan >> 8), lan, 1 };
	uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8, 0, 1, lan >> 8, lan,
			   [15] = 1 };

	return f == CONF_IPV6 ? addr_from(v6, 16) : addr_from(v4, 4);
}

/* What is of interest in an address of either family. */
struct parts {
	enum conf_family f;
	bool overlay, lan;
	unsigned int number;		/* of the network */
	uint8_t overlay_plen, lan_plen, lans_plen;
};

static struct parts parts_of(const struct addr *a)
{
	struct addr lan4 = lan_host(CONF_IPV4, 0), lan6 = lan_host(CONF_IPV6, 0);

	if (a->len == 4)
		return (struct parts){ CONF_IPV4, a->b[0] == 10,
			addr_in_prefix(a, &lan4, 12),
			(a->b[1] & 15) << 8 | a->b[2], 16, 24, 12 };
	return (struct parts){ CONF_IPV6, !a->b[5] && a->b[0] == 0x20,
		addr_in_prefix(a, &lan6, 48), a->b[6] << 8 | a->b[7],
		64, 64, 48 };
}

static bool has_addr(const struct node *n, const struct addr *a)
{
	return addr_eq(a, &n->proto[CONF_IPV4]) ||
	       addr_eq(a, &n->proto[CONF_IPV6]) || addr_eq(a, &n->link_local);
}

/* As the routing protocols tell it. */
static const struct addr *next_hop(const struct node *n, enum conf_family f)
{
	return f == CONF_IPV6 ? &n->link_local : &n->proto[f];
}

static struct engine_route on_link(const struct addr *dst, uint8_t plen,
				   unsigned int ifindex)
{
	return (struct engine_route){ .found = true, .ifindex = ifindex,
				      .prefix = addr_network(dst, plen),
				      .plen = plen };
}

static struct engine_route op_route(void *ctx, unsigned int ifindex,
				    const struct addr *dst)
{
	struct node *n = ctx;
	struct parts p = parts_of(dst);
	struct engine_route r = { 0 };

	assert_false(addr_is_link_local(dst));
	if (p.overlay) {
		r = on_link(dst, p.overlay_plen, ifindex);
		r.local = has_addr(n, dst);
	} else if (!p.lan || p.number >= n->w->n) {
		return r;
	} else if (n->id && n->id == n->w->lan[p.number]) {
		r = on_link(dst, p.lan_plen, LAN_IFINDEX);
	} else {
		r = on_link(dst, n->id ? p.lans_plen : p.lan_plen, ifindex);
		r.gateway = *next_hop(&n->w->node[n->id ? 0 :
						  n->w->lan[p.number]], p.f);
	}
	return r;
}

static uint32_t op_random(void *ctx)
{
	return dice(((struct node *)ctx)->w);
}

static void op_log(void *ctx, enum engine_log level, const char *text)
{
	struct node *n = ctx;

	(void)level;
	if (n->w->verbose)
		printf("%10.3f node %u: %s\n", n->w->now / 1000.0, n->id, text);
}

static const struct engine_ops ops = {
	.send = op_send,
	.neigh_set = op_neigh_set,
	.neigh_del = op_neigh_del,
	.peer_set = op_peer_set,
	.peer_del = op_peer_del,
	.shortcut_set = op_shortcut_set,
	.shortcut_del = op_shortcut_del,
	.route = op_route,
	.random = op_random,
	.log = op_log,
};

/* ---- nodes ---- */

/* After each call into an engine: the agenda has its next deadline. */
static void arm(struct node *n)
{
	struct world *w = n->w;
	uint64_t at;

	if (!n->engine)
		return;
	at = engine_deadline(n->engine);
	if (at == UINT64_MAX || (n->wake && n->wake <= at))
		return;
	n->wake = at;
	post(w, (struct event){ .at = at > w->now ? at : w->now, .what = WAKE,
				.node = n->id });
}

static void adopt_shortcuts(struct node *n)
{
	uint64_t now = n->w->now;
	struct kshortcut *k, *next;
	struct engine_shortcut s;

	HASH_ITER(hh, n->shortcuts, k, next) {
		if (k->expires <= now)
			continue;
		s = k->s;
		s.expires = k->expires - now;
		s.created_ago = now - k->created;
		engine_adopt_shortcut(n->engine, IFINDEX, &s, now);
	}
}

static void adopt(struct node *n)
{
	struct engine_neigh neigh;
	struct kneigh *k, *nk;
	struct kpeer *p, *np;
	uint64_t now = n->w->now;

	HASH_ITER(hh, n->neighs, k, nk) {
		neigh = k->n;
		if (k->expires && k->expires <= now)
			continue;
		neigh.expires = k->expires ? k->expires - now : 0;
		neigh.created_ago = now - k->created;
		engine_adopt(n->engine, IFINDEX, &neigh, now);
	}
	adopt_shortcuts(n);
	HASH_ITER(hh, n->peers, p, np)
		engine_adopt_peer(n->engine, IFINDEX, &p->nbma, 0, p->flags,
				  p->priority, now);
}

static void start(struct node *n)
{
	if (n->engine)
		return;
	n->engine = engine_new(&ops, n);
	assert_non_null(n->engine);
	assert_int_equal(engine_iface_set(n->engine, IFINDEX, &n->conf,
					  &n->nbma, n->w->now), 0);
	adopt(n);
	arm(n);
}

/* kill -9: the kernel's tables stay. */
static void stop(struct node *n)
{
	engine_free(n->engine);
	n->engine = NULL;
	n->wake = 0;
}

static void give_nbma(struct node *n)
{
	struct world *w = n->w;
	uint8_t v4[4] = { 100, 64 }, v6[16] = { 0x3f, 0xff };
	unsigned int width = w->over6 ? 16 : 4;
	uint8_t *b = w->over6 ? v6 : v4;

	if (n->nbma.len)
		w->owner[nbma_index(&n->nbma)] = 0;
	w->next_nbma = w->next_nbma % (OWNERS - 1) + 1;
	b[width - 2] = w->next_nbma >> 8;
	b[width - 1] = w->next_nbma;
	n->nbma = addr_from(b, width);
	w->owner[w->next_nbma] = n->id + 1;
}

static void move(struct node *n)
{
	give_nbma(n);
	if (!n->engine)
		return;
	assert_int_equal(engine_iface_set(n->engine, IFINDEX, &n->conf,
					  &n->nbma, n->w->now), 0);
	arm(n);
}

/* The power goes; it comes back @later. */
static void reboot(struct node *n, uint64_t later)
{
	stop(n);
	kernel_clear(n);
	post(n->w, (struct event){ .at = n->w->now + later, .what = START,
				   .node = n->id });
}

static void configure_family(struct node *n, enum conf_family f, uint16_t hold,
			     bool unique)
{
	struct conf_nhrp *c = &n->conf.nhrp[f];
	struct node *hub = &n->w->node[0];

	c->addr = n->proto[f];
	c->plen = f == CONF_IPV6 ? 64 : 16;
	if (f == CONF_IPV6)
		c->link_local = n->link_local;
	c->network_id = 1;
	c->holdtime = hold;
	c->multicast_dynamic = c->redirect = n == hub;
	c->shortcut = n != hub;
	c->no_unique = !unique;
	strcpy(c->auth, "simulate");
	if (n == hub)
		return;
	c->n_nhs = 1;
	c->nhs[0].proto = hub->proto[f];
	c->nhs[0].nbma = hub->nbma;
	c->nhs[0].multicast = true;
}

static void give_protos(struct node *n)
{
	uint8_t number[2] = { (n->id + 1) >> 8, n->id + 1 };
	uint8_t v4[4] = { 10, 0, number[0], number[1] };
	uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8, [14] = number[0], number[1] };
	uint8_t ll[16] = { 0xfe, 0x80, [14] = number[0], number[1] };

	n->proto[CONF_IPV4] = addr_from(v4, 4);
	n->proto[CONF_IPV6] = addr_from(v6, 16);
	n->link_local = addr_from(ll, 16);
}

static struct world *world_new(unsigned int spokes, uint64_t seed,
			       uint16_t hold, unsigned int families)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int id, f;

	assert_non_null(w);
	w->families = families & (V4 | V6);
	w->over6 = families & OVER6;
	w->rng = seed * 0x9e3779b97f4a7c15 + 1;
	w->now = MINUTE;
	w->n = spokes + 1;
	w->node = calloc(w->n, sizeof(*w->node));
	w->lan = calloc(w->n, sizeof(*w->lan));
	assert_true(w->node && w->lan);
	w->delay_min = 5;
	w->delay_max = 25;
	w->verbose = getenv("SIM_VERBOSE") != NULL;
	for (id = 0; id < w->n; id++) {
		struct node *n = &w->node[id];

		n->w = w;
		n->id = w->lan[id] = id;
		give_protos(n);
		give_nbma(n);
		strcpy(n->conf.name, "Tunnel0");
		/* every second spoke may not move */
		for (f = 0; f < __CONF_FAMILY_MAX; f++)
			if (families & 1 << f)
				configure_family(n, f, hold, id % 2);
	}
	return w;
}

static void world_free(struct world *w)
{
	unsigned int id;
	size_t i;

	for (id = 0; id < w->n; id++) {
		stop(&w->node[id]);
		kernel_clear(&w->node[id]);
	}
	for (i = 0; i < w->n_events; i++)
		free(w->heap[i].buf);
	free(w->heap);
	free(w->node);
	free(w->lan);
	free(w->flow);
	free(w);
}

/* ---- data ---- */

static bool usable(struct world *w, const struct kneigh *k)
{
	return k && !(k->n.flags & DMVPN_NEIGH_F_UNCONFIRMED) &&
	       (!k->expires || k->expires > w->now);
}

static void note_use(struct node *n, struct kneigh *k)
{
	k->used = n->w->now;
	if (!k->n.refresh || k->told || !n->engine ||
	    k->expires > n->w->now + k->n.refresh)
		return;
	k->told = true;
	engine_used(n->engine, IFINDEX, &k->n.addr, n->w->now);
	arm(n);
}

static void raise_miss(struct node *n, const struct addr *dst,
		       const struct addr *src)
{
	struct world *w = n->w;
	struct kmiss *m;

	HASH_FIND(hh, n->misses, dst, sizeof(*dst), m);
	if (!m) {
		m = calloc(1, sizeof(*m));
		assert_non_null(m);
		m->addr = *dst;
		HASH_ADD(hh, n->misses, addr, sizeof(m->addr), m);
	} else if (w->now - m->last < RESOLVE_EVERY) {
		return;
	}
	m->last = w->now;
	if (!n->engine)
		return;
	engine_resolve(n->engine, IFINDEX, dst, src, dst, w->now);
	arm(n);
}

static struct kpeer *best_nhs(struct node *n)
{
	struct kpeer *p, *next, *best = NULL;

	HASH_ITER(hh, n->peers, p, next)
		if (p->flags & DMVPN_PEER_F_NHS &&
		    (!best || p->priority < best->priority))
			best = p;
	return best;
}

/* Data of those whom a kernel does not know may be taken for another tunnel's. */
static bool knows(struct node *n, const struct addr *nbma)
{
	struct kneigh *k, *next;

	HASH_ITER(hh, n->neighs, k, next)
		if (addr_eq(&k->n.nbma, nbma))
			return true;
	return false;
}

/* Where data goes that has no usable next hop. */
static struct node *ask_nhs(struct node *n, const struct addr *hop,
			    const struct addr *src)
{
	struct kpeer *nhs = best_nhs(n);

	raise_miss(n, hop, src);
	return nhs ? owner_of(n->w, &nhs->nbma) : NULL;
}

/* The address that data from node to node is sent to. */
static const struct addr *hop_of(const struct world *w, const struct flow *f)
{
	const struct node *dst = &w->node[f->to];

	return f->link_local ? &dst->link_local : &dst->proto[f->family];
}

/* A powered node has its kernel; the hub of a reboot has nothing. */
static enum path send_data(struct world *w, const struct flow *f)
{
	struct node *n = &w->node[f->from], *dst = &w->node[f->to], *at;
	const struct addr *hop = hop_of(w, f);
	struct kneigh *k = kneigh(n, hop);

	if (usable(w, k)) {
		note_use(n, k);
		return owner_of(w, &k->n.nbma) == dst && knows(dst, &n->nbma) ?
		       DIRECT : LOST;
	}
	at = ask_nhs(n, hop, &n->proto[f->family]);
	if (!at)
		return LOST;
	k = kneigh(at, hop);
	if (!usable(w, k) || owner_of(w, &k->n.nbma) != dst)
		return LOST;
	return VIA_HUB;
}

static void note_shortcut_use(struct node *n, struct kshortcut *k)
{
	if (k->told || !n->engine || k->expires > n->w->now + k->s.refresh)
		return;
	k->told = true;
	engine_shortcut_used(n->engine, IFINDEX, &k->s.prefix, k->s.plen,
			     n->w->now);
	arm(n);
}

static struct kshortcut *covering(struct node *n, const struct addr *a)
{
	struct kshortcut *k;
	int plen;

	for (plen = a->len * 8; plen >= 8; plen--) {
		k = kshortcut(n, a, plen);
		if (k && k->expires > n->w->now)
			return k;
	}
	return NULL;
}

/* A packet came from @in and goes out to @out. */
static void raise_redirect(struct node *hub, const struct node *in,
			   const struct node *out, const struct addr *src,
			   const struct addr *dst)
{
	/* as the kernel's key of destinations, none of which is of both */
	unsigned int pair = in->id << 17 | out->id << 1 | (dst->len == 16);
	uint8_t head[40] = { src->len == 4 ? 0x45 : 0x60 };
	struct world *w = hub->w;
	struct khairpin *h;

	HASH_FIND(hh, hub->hairpins, &pair, sizeof(pair), h);
	if (!h) {
		h = calloc(1, sizeof(*h));
		assert_non_null(h);
		h->pair = pair;
		HASH_ADD(hh, hub->hairpins, pair, sizeof(h->pair), h);
	} else if (w->now - h->last < REDIRECT_EVERY) {
		return;
	}
	h->last = w->now;
	memcpy(head + (src->len == 4 ? 12 : 8), src->b, src->len);
	memcpy(head + (src->len == 4 ? 16 : 24), dst->b, dst->len);
	if (!hub->engine)
		return;
	engine_redirect(hub->engine, IFINDEX, &in->nbma, 0, head, sizeof(head),
			w->now);
	arm(hub);
}

/* As the hub's FIB has it. */
static enum path through_hub(struct world *w, unsigned int from,
			     const struct addr *src, const struct addr *dst)
{
	struct node *hub = &w->node[0], *out;
	struct engine_route r = op_route(hub, IFINDEX, dst);
	struct kneigh *k = kneigh(hub, &r.gateway);

	if (!usable(w, k))
		return LOST;
	out = owner_of(w, &k->n.nbma);
	if (!out || !has_addr(out, &r.gateway))
		return LOST;
	raise_redirect(hub, &w->node[from], out, src, dst);
	return VIA_HUB;
}

/* From network to network; who has it not any more sends it on to the hub. */
static enum path send_lan(struct world *w, const struct flow *f)
{
	struct addr src = lan_host(f->family, f->from);
	struct addr dst = lan_host(f->family, f->to);
	struct node *n = &w->node[w->lan[f->from]], *at;
	struct kshortcut *s = covering(n, &dst);
	struct engine_route r = op_route(n, IFINDEX, &dst);
	struct kneigh *k;

	k = s && addr_eq(&s->s.via, &r.gateway) ? kneigh(n, &s->s.nexthop) :
						  NULL;
	if (usable(w, k)) {
		note_shortcut_use(n, s);
		note_use(n, k);
		at = owner_of(w, &k->n.nbma);
		if (!at || !has_addr(at, &s->s.nexthop))
			return LOST;
		if (!knows(at, &n->nbma))
			return LOST;
		if (at->id == w->lan[f->to])
			return DIRECT;
		return through_hub(w, at->id, &src, &dst);
	}
	if (k)				/* not proved: told as any next hop */
		raise_miss(n, &s->s.nexthop, &src);
	k = kneigh(n, &r.gateway);
	if (usable(w, k)) {
		note_use(n, k);
		at = owner_of(w, &k->n.nbma);
	} else {
		at = ask_nhs(n, &r.gateway, &src);
	}
	return at && !at->id ? through_hub(w, n->id, &src, &dst) : LOST;
}

static struct flow *add_flow(struct world *w, unsigned int from,
			     unsigned int to, uint64_t every, uint64_t until)
{
	struct flow *f;

	if (w->n_flows == w->max_flows) {
		w->max_flows = w->max_flows ? 2 * w->max_flows : 64;
		w->flow = realloc(w->flow, w->max_flows * sizeof(*w->flow));
		assert_non_null(w->flow);
	}
	f = &w->flow[w->n_flows];
	*f = (struct flow){ .from = from, .to = to, .every = every,
			    .until = until, .since = w->now };
	f->family = w->families == (V4 | V6) ? below(w, 2) :
		    w->families == V6 ? CONF_IPV6 : CONF_IPV4;
	f->link_local = f->family == CONF_IPV6 && below(w, 2);
	post(w, (struct event){ .at = w->now + 1 + below(w, every),
				.what = FLOW, .flow = w->n_flows++ });
	return f;
}

static struct flow *add_lan_flow(struct world *w, unsigned int from,
				 unsigned int to, uint64_t every,
				 uint64_t until)
{
	struct flow *f = add_flow(w, from, to, every, until);

	f->lan = true;
	return f;
}

static void run_flow(struct world *w, unsigned int id)
{
	struct flow *f = &w->flow[id];
	enum path p;

	if (w->now > f->until)
		return;
	p = f->lan ? send_lan(w, f) : send_data(w, f);
	f->seen[p]++;
	if (p != f->last) {
		f->last = p;
		f->since = w->now;
	}
	post(w, (struct event){ .at = w->now + f->every, .what = FLOW,
				.flow = id });
}

/* ---- the clock ---- */

static void count_load(struct world *w, const struct event *e)
{
	uint64_t second = (w->now - w->load_start) / SECOND;

	if (w->load_start && second < 600 && e->buf[17] == 3)
		w->hub_load[second]++;
}

static void deliver(struct world *w, const struct event *e)
{
	struct node *n = owner_of(w, &e->b);

	if (!n || !n->engine)
		return;
	if (!n->id)
		count_load(w, e);
	engine_recv(n->engine, IFINDEX, &e->a, 0, e->buf, e->len, w->now);
	arm(n);
}

static void wake(struct world *w, struct node *n, uint64_t at)
{
	if (n->wake != at)
		return;			/* of an earlier life */
	n->wake = 0;
	if (!n->engine)
		return;
	engine_run(n->engine, w->now);
	arm(n);
}

static void expiry(struct world *w, struct node *n, const struct addr *a)
{
	struct kneigh *k = kneigh(n, a);
	struct addr addr = *a;

	if (!k || !k->expires || k->expires > w->now)
		return;
	kneigh_free(n, k);
	if (!n->engine)
		return;
	engine_expired(n->engine, IFINDEX, &addr, w->now);
	arm(n);
}

static void shortcut_expiry(struct world *w, struct node *n,
			    const struct event *e)
{
	struct kshortcut *k = kshortcut(n, &e->a, e->plen);

	if (!k || k->expires > w->now)
		return;
	kshortcut_free(n, k);
	if (!n->engine)
		return;
	engine_shortcut_expired(n->engine, IFINDEX, &e->a, e->plen, w->now);
	arm(n);
}

static void happen(struct world *w, struct event *e)
{
	switch (e->what) {
	case PACKET:
		deliver(w, e);
		free(e->buf);
		break;
	case WAKE:
		wake(w, &w->node[e->node], e->at);
		break;
	case EXPIRY:
		expiry(w, &w->node[e->node], &e->a);
		break;
	case SHORTCUT_EXPIRY:
		shortcut_expiry(w, &w->node[e->node], e);
		break;
	case FLOW:
		run_flow(w, e->flow);
		break;
	case START:
		start(&w->node[e->node]);
		break;
	}
}

static void run_until(struct world *w, uint64_t until)
{
	struct event e;

	while (w->n_events && w->heap[0].at <= until) {
		e = next_event(w);
		w->now = e.at;
		happen(w, &e);
	}
	w->now = until;
}

/* ---- what must always hold ---- */

struct check {
	struct node *n;
	unsigned int installed, shortcuts;
};

static void check_shortcut(struct check *c, const struct engine_entry *e)
{
	struct kshortcut *k = kshortcut(c->n, &e->proto, e->plen);

	assert_int_equal(e->type, ENTRY_DYNAMIC);
	if (e->expires <= c->n->w->now)
		return;
	c->shortcuts++;
	assert_non_null(k);
	assert_true(addr_eq(&k->s.nexthop, &e->nexthop));
	assert_true(e->expires == k->expires);
}

static void check_entry(void *ctx, const struct engine_entry *e)
{
	struct check *c = ctx;
	struct node *n = c->n;
	struct kneigh *k = kneigh(n, &e->proto);
	uint64_t now = n->w->now;

	/* Nothing outlives its holding time by more than the kernel's event. */
	assert_true(!e->expires || e->expires + 2 * SECOND + 1 >= now);
	if (addr_is_set(&e->nexthop)) {
		check_shortcut(c, e);
		return;
	}
	if (e->type != ENTRY_STATIC && e->type != ENTRY_DYNAMIC) {
		/* one that has expired may still wait for its event */
		assert_true(!k || (k->expires && k->expires <= now));
		return;
	}
	if (e->expires && e->expires <= now)
		return;
	c->installed++;
	/* The kernel has what the engine believes. */
	assert_non_null(k);
	assert_true(addr_eq(&k->n.nbma, &e->nbma));
	assert_int_equal(!!(k->n.flags & DMVPN_NEIGH_F_UNCONFIRMED),
			 e->state == ENTRY_PROBING);
	assert_int_equal(!!(k->n.flags & DMVPN_NEIGH_F_REGISTERED),
			 e->registered);
	assert_true(e->expires == k->expires);
}

static unsigned int alive_neighs(struct node *n)
{
	struct kneigh *k, *next;
	unsigned int alive = 0;

	HASH_ITER(hh, n->neighs, k, next)
		alive += !k->expires || k->expires > n->w->now;
	return alive;
}

static unsigned int alive_shortcuts(struct node *n)
{
	struct kshortcut *k, *next;
	unsigned int alive = 0;

	HASH_ITER(hh, n->shortcuts, k, next)
		alive += k->expires > n->w->now;
	return alive;
}

static void check_node(struct node *n)
{
	struct check c = { .n = n };
	unsigned int f;
	struct iface *i;

	if (!n->engine)
		return;
	engine_each_entry(n->engine, check_entry, &c);
	assert_int_equal(c.installed, alive_neighs(n));
	assert_int_equal(c.shortcuts, alive_shortcuts(n));
	for (f = 0; f < __CONF_FAMILY_MAX; f++) {
		i = iface_find(n->engine, IFINDEX, f);
		assert_int_equal(i != NULL, !!(n->w->families & 1 << f));
		if (!i)
			continue;
		assert_true(i->n_pending <= ENGINE_MAX_PENDING);
		if (i->n_pending > n->w->max_pending)
			n->w->max_pending = i->n_pending;
	}
}

static void check_world(struct world *w)
{
	unsigned int id;

	for (id = 0; id < w->n; id++)
		check_node(&w->node[id]);
}

static bool hub_has(struct world *w, unsigned int id, const struct addr *a)
{
	struct kneigh *k = kneigh(&w->node[0], a);

	return usable(w, k) && addr_eq(&k->n.nbma, &w->node[id].nbma) &&
	       k->n.flags & DMVPN_NEIGH_F_REGISTERED;
}

/* With all the addresses that it has. */
static bool is_registered(struct world *w, unsigned int id)
{
	const struct node *n = &w->node[id];

	if (w->families & V4 && !hub_has(w, id, &n->proto[CONF_IPV4]))
		return false;
	return !(w->families & V6) ||
	       (hub_has(w, id, &n->proto[CONF_IPV6]) &&
		hub_has(w, id, &n->link_local));
}

static unsigned int count_registered(struct world *w)
{
	unsigned int id, n = 0;

	for (id = 1; id < w->n; id++)
		n += is_registered(w, id);
	return n;
}

static void start_all(struct world *w, uint64_t within)
{
	unsigned int id;

	start(&w->node[0]);
	for (id = 1; id < w->n; id++)
		post(w, (struct event){ .at = w->now + below(w, within) + 1,
					.what = START, .node = id });
}

static unsigned int spokes(unsigned int normally)
{
	const char *s = getenv("SIM_SPOKES");

	return s ? strtoul(s, NULL, 0) : normally;
}

static unsigned int seeds(unsigned int normally)
{
	const char *s = getenv("SIM_SEEDS");

	return s ? strtoul(s, NULL, 0) : normally;
}

static void random_flows(struct world *w, unsigned int n, uint64_t every,
			 uint64_t until)
{
	unsigned int from, to;

	while (n--) {
		from = 1 + below(w, w->n - 1);
		to = 1 + below(w, w->n - 1);
		if (from != to)
			add_flow(w, from, to, every, until);
	}
}

/* From network to network, each with its answer. */
static void random_lan_flows(struct world *w, unsigned int n, uint64_t every,
			     uint64_t until)
{
	unsigned int from, to;

	while (n--) {
		from = 1 + below(w, w->n - 1);
		to = 1 + below(w, w->n - 1);
		if (from == to)
			continue;
		add_lan_flow(w, from, to, every, until);
		add_lan_flow(w, to, from, every, until);
	}
}

/* All flows from number @id on. */
static void assert_direct(struct world *w, unsigned int id)
{
	for (; id < w->n_flows; id++) {
		struct flow *f = &w->flow[id];

		if (f->last != DIRECT)
			fail_msg("flow %u from %u to %u is not direct", id,
				 f->from, f->to);
	}
}

static void assert_all_direct(struct world *w)
{
	assert_direct(w, 0);
}

static unsigned long total(struct world *w, enum path p)
{
	unsigned long n = 0;
	unsigned int id;

	for (id = 0; id < w->n_flows; id++)
		n += w->flow[id].seen[p];
	return n;
}

/* ---- the stories ---- */

/* Each is told of one family, and of both. */
static unsigned int families_of(void **state)
{
	return *(const unsigned int *)*state;
}

/* Nothing goes wrong: nothing is lost, all is direct within half a second. */
static void test_calm(void **state)
{
	struct world *w = world_new(spokes(50), 1, 7200, families_of(state));
	unsigned int id;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	assert_int_equal(count_registered(w), w->n - 1);
	random_flows(w, 200, 100, UINT64_MAX);
	run_until(w, w->now + 700);
	assert_all_direct(w);
	run_until(w, w->now + 5 * SECOND);
	assert_int_equal(total(w, LOST), 0);
	for (id = 0; id < w->n_flows; id++)
		assert_true(w->flow[id].seen[DIRECT] > 40);
	check_world(w);
	world_free(w);
}

/* Used entries are refreshed without a gap, unused ones expire in time. */
static void test_lifetime(void **state)
{
	struct world *w = world_new(3, 2, 60, families_of(state));
	const struct flow *used, *idle;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	used = add_flow(w, 1, 2, 500, UINT64_MAX);
	idle = add_flow(w, 3, 2, 500, w->now + 5 * SECOND);
	run_until(w, w->now + 6 * SECOND);
	assert_int_equal(used->last, DIRECT);
	assert_int_equal(idle->last, DIRECT);
	assert_non_null(kneigh(&w->node[3], hop_of(w, idle)));
	run_until(w, w->now + 63 * SECOND);
	assert_null(kneigh(&w->node[3], hop_of(w, idle)));
	check_world(w);
	run_until(w, w->now + 10 * MINUTE);
	assert_int_equal(used->last, DIRECT);
	assert_true(used->since < w->now - 10 * MINUTE);
	assert_int_equal(used->seen[LOST], 0);
	world_free(w);
}

/* kill -9 of every daemon in turn, under data: not a packet takes notice. */
static void test_restart(void **state)
{
	struct world *w = world_new(spokes(50), 3, 600, families_of(state));
	unsigned int id;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	random_flows(w, 200, 100, UINT64_MAX);
	run_until(w, w->now + 2 * SECOND);
	assert_all_direct(w);
	for (id = 0; id < w->n; id++) {
		stop(&w->node[id]);
		run_until(w, w->now + 1500);
		start(&w->node[id]);
		run_until(w, w->now + 500);
		assert_int_equal(count_registered(w), w->n - 1);
		check_world(w);
	}
	run_until(w, w->now + 20 * MINUTE);
	assert_all_direct(w);
	assert_int_equal(total(w, LOST), 0);
	for (id = 0; id < w->n_flows; id++)
		assert_true(w->flow[id].since < w->now - 20 * MINUTE);
	world_free(w);
}

/* The hub has sent indications, but not too many, and heard no reply. */
static void check_lan_traffic(struct world *w, enum conf_family f)
{
	struct engine_traffic t;

	if (!engine_traffic(w->node[0].engine, IFINDEX, f, &t))
		return;
	assert_in_range(t.sent[NHRP_TRAFFIC_INDICATION], 1, w->n_flows);
	/* it answers for its own link-local address */
	assert_int_equal(t.rcvd[NHRP_RESOLUTION_REPLY], 0);
}

/*
 * Networks: nothing is lost, each pair is direct within half a second after
 * one indication a direction, and the hub sees no reply.
 */
static void test_lan_calm(void **state)
{
	struct world *w = world_new(spokes(50), 11, 7200, families_of(state));
	unsigned int id;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	random_lan_flows(w, 100, 100, UINT64_MAX);
	run_until(w, w->now + 700);
	assert_all_direct(w);
	run_until(w, w->now + 20 * SECOND);
	assert_int_equal(total(w, LOST), 0);
	for (id = 0; id < w->n_flows; id++)
		assert_in_range(w->flow[id].seen[VIA_HUB], 0, 7);
	check_lan_traffic(w, CONF_IPV4);
	check_lan_traffic(w, CONF_IPV6);
	check_world(w);
	world_free(w);
}

static struct kshortcut *shortcut_of(struct world *w, const struct flow *f)
{
	struct addr a = lan_host(f->family, f->to);

	return kshortcut(&w->node[f->from], &a, parts_of(&a).lan_plen);
}

/* Used shortcuts are refreshed without a gap, unused ones expire in time. */
static void test_lan_lifetime(void **state)
{
	struct world *w = world_new(3, 12, 60, families_of(state));
	const struct flow *used, *idle;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	used = add_lan_flow(w, 1, 2, 500, UINT64_MAX);
	idle = add_lan_flow(w, 3, 2, 500, w->now + 5 * SECOND);
	run_until(w, w->now + 6 * SECOND);
	assert_all_direct(w);
	assert_non_null(shortcut_of(w, idle));
	run_until(w, w->now + 63 * SECOND);
	assert_null(shortcut_of(w, idle));
	run_until(w, w->now + 10 * MINUTE);
	assert_int_equal(used->last, DIRECT);
	assert_true(used->since < w->now - 10 * MINUTE);
	assert_int_equal(used->seen[LOST], 0);
	check_world(w);
	world_free(w);
}

/* kill -9 of every daemon in turn: shortcuts are taken back. */
static void test_lan_restart(void **state)
{
	struct world *w = world_new(spokes(30), 13, 600, families_of(state));
	unsigned int id;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	random_lan_flows(w, 60, 100, UINT64_MAX);
	run_until(w, w->now + 2 * SECOND);
	assert_all_direct(w);
	for (id = 0; id < w->n; id++) {
		stop(&w->node[id]);
		run_until(w, w->now + 1500);
		start(&w->node[id]);
		run_until(w, w->now + 500);
		check_world(w);
	}
	run_until(w, w->now + 20 * MINUTE);
	assert_all_direct(w);
	assert_int_equal(total(w, LOST), 0);
	for (id = 0; id < w->n_flows; id++)
		assert_true(w->flow[id].since < w->now - 20 * MINUTE);
	world_free(w);
}

/* A network moves to another spoke: nothing is lost, direct again at once. */
static void test_lan_moves(void **state)
{
	struct world *w = world_new(spokes(30), 14, 7200, families_of(state));
	unsigned int id;
	uint64_t moved;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	for (id = 4; id < w->n; id++)
		add_lan_flow(w, id, 2, 100, UINT64_MAX);
	run_until(w, w->now + 5 * SECOND);
	assert_all_direct(w);
	moved = w->now;
	w->lan[2] = 3;
	engine_routes_changed(w->node[2].engine, w->now);
	engine_routes_changed(w->node[3].engine, w->now);
	engine_routes_changed(w->node[0].engine, w->now);
	arm(&w->node[2]);
	arm(&w->node[3]);
	arm(&w->node[0]);
	run_until(w, w->now + SECOND);
	assert_all_direct(w);
	assert_int_equal(total(w, LOST), 0);
	for (id = 0; id < w->n_flows; id++)
		assert_true(w->flow[id].since > moved);
	check_world(w);
	world_free(w);
}

struct load {
	unsigned long sum, peak;	/* registrations, the most in a second */
};

static struct load measure(const struct world *w, unsigned int seconds)
{
	struct load l = { 0 };
	unsigned int s;

	for (s = 0; s < seconds; s++) {
		l.sum += w->hub_load[s];
		if (w->hub_load[s] > l.peak)
			l.peak = w->hub_load[s];
	}
	return l;
}

/* The hub loses everything: all spokes are back in 90 s, one by one. */
static void hub_reboot(unsigned int seed, unsigned int outage)
{
	struct world *w = world_new(spokes(1000), seed, 7200, V4);
	unsigned int window = 0;
	struct load l;

	start_all(w, 60 * SECOND);
	run_until(w, w->now + 5 * MINUTE);
	assert_int_equal(count_registered(w), w->n - 1);
	reboot(&w->node[0], outage * SECOND);
	run_until(w, w->now + outage * SECOND);
	w->load_start = w->now;
	while (count_registered(w) < w->n - 1 && window++ < 90)
		run_until(w, w->now + SECOND);
	l = measure(w, window);
	printf("hub down for %u s: %u of %u spokes back in %u s, mean %.1f/s, peak %lu/s, %.2f times the mean\n",
	       outage, count_registered(w), w->n - 1, window,
	       (double)l.sum / window, l.peak, (double)l.peak * window / l.sum);
	assert_true(window <= 90);
	assert_true(l.peak * window < 3 * l.sum);
	check_world(w);
	world_free(w);
}

static void test_hub_reboot(void **state)
{
	static const unsigned int outages[] = { 20, 30, 40, 60, 120 };
	unsigned int k;

	(void)state;
	for (k = 0; k < sizeof(outages) / sizeof(*outages); k++)
		hub_reboot(k + 1, outages[k]);
}

/* A spoke gets another public address: direct again within 10 s. */
static void test_move(void **state)
{
	struct world *w = world_new(spokes(50), 5, 7200, families_of(state));
	unsigned int peer, id;
	uint64_t moved, worst = 0;

	start_all(w, 1000);
	run_until(w, w->now + 3 * SECOND);
	for (peer = 3; peer < w->n && peer < 30; peer++) {
		add_flow(w, peer, 2, 100, UINT64_MAX);
		add_flow(w, 2, peer, 100, UINT64_MAX);
	}
	run_until(w, w->now + 30 * SECOND);
	assert_all_direct(w);
	moved = w->now;
	move(&w->node[2]);
	run_until(w, w->now + 10 * SECOND);
	assert_all_direct(w);
	for (id = 0; id < w->n_flows; id++)
		if (w->flow[id].since > moved && w->flow[id].since > worst)
			worst = w->flow[id].since;
	assert_true(worst > moved);	/* it was noticed */
	printf("moved: %u flows direct again after %llu ms, %lu packets lost\n",
	       w->n_flows, (unsigned long long)(worst - moved), total(w, LOST));
	check_world(w);
	world_free(w);
}

/* One thing that may happen to any node. */
static void mischief(struct world *w)
{
	struct node *n = &w->node[below(w, w->n)];

	switch (below(w, 3)) {
	case 0:
		stop(n);
		post(w, (struct event){ .at = w->now + below(w, 20 * SECOND),
					.what = START, .node = n->id });
		break;
	case 1:
		reboot(n, below(w, 60 * SECOND));
		break;
	case 2:
		if (n->id && n->id % 2 == 0)
			move(n);
		break;
	}
}

static void storm(uint64_t seed, unsigned int families)
{
	struct world *w = world_new(spokes(50), seed, 300, families);
	unsigned int k, first;

	w->loss = 200;
	w->dup = 50;
	w->delay_min = 1;
	w->delay_max = 400;
	start_all(w, 30 * SECOND);
	for (k = 0; k < 120; k++) {
		random_flows(w, 3, 200 + below(w, 2000),
			     w->now + below(w, 3 * MINUTE));
		random_lan_flows(w, 2, 200 + below(w, 2000),
				 w->now + below(w, 3 * MINUTE));
		mischief(w);
		run_until(w, w->now + below(w, 10 * SECOND));
		check_world(w);
	}
	printf("storm %llu, %s: packets direct %lu, through the hub %lu, lost %lu; most pending %u\n",
	       (unsigned long long)seed, families == V4 ? "IPv4" :
	       families == V6 ? "IPv6" : "both", total(w, DIRECT), total(w, VIA_HUB),
	       total(w, LOST), w->max_pending);
	/* The weather clears up: all are there again before anything expires. */
	w->loss = w->dup = 0;
	run_until(w, w->now + 90 * SECOND);
	assert_int_equal(count_registered(w), w->n - 1);
	/* What a rebooted hub forgot to purge has expired after this. */
	run_until(w, w->now + 5 * MINUTE);
	first = w->n_flows;
	random_flows(w, 100, 1000, UINT64_MAX);
	random_lan_flows(w, 50, 1000, UINT64_MAX);
	run_until(w, w->now + 5 * SECOND);
	assert_direct(w, first);
	for (k = first; k < w->n_flows; k++)
		assert_int_equal(w->flow[k].seen[LOST], 0);
	check_world(w);
	world_free(w);
}

static void test_storm(void **state)
{
	unsigned int seed, n = seeds(families_of(state) == V4 ? 6 : 3);

	for (seed = 1; seed <= n; seed++)
		storm(seed, families_of(state));
}

int main(void)
{
	static unsigned int v4 = V4, v6 = V6, both = V4 | V6;
	static unsigned int over6 = V4 | V6 | OVER6;
#define EACH(test) \
	cmocka_unit_test_prestate(test, &v4), \
	cmocka_unit_test_prestate(test, &v6), \
	cmocka_unit_test_prestate(test, &both)
	const struct CMUnitTest tests[] = {
		EACH(test_calm), EACH(test_lifetime), EACH(test_restart),
		EACH(test_move), EACH(test_lan_calm), EACH(test_lan_lifetime),
		EACH(test_lan_restart), EACH(test_lan_moves),
		cmocka_unit_test(test_hub_reboot), EACH(test_storm),
		cmocka_unit_test_prestate(test_restart, &over6),
		cmocka_unit_test_prestate(test_move, &over6),
		cmocka_unit_test_prestate(test_lan_moves, &over6),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
