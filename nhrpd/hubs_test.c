/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hubs_test: several hubs and silent paths, seen from the spoke R6. The world
 * is a small network: its nodes answer as long as they are alive, and a small
 * kernel, which sends data as the engine told it to and tells of silence.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache.h"
#include "engine.h"
#include "fake_world.h"
#include "iface.h"
#include "nhs.h"

#define IFINDEX 3
#define SECOND 1000ull
#define LATENCY 10			/* ms until an answer is here */
#define FLIGHT_MAX 64
#define KERNEL_MAX 16

/* Hubs are 1 to 3, spokes 7 and 8: 192.168.1.N at N.N.N.N. */
struct node {
	bool alive;			/* the path there, both ways */
	bool mute;			/* it hears us, we do not hear it */
	uint64_t heard, raised;
	unsigned int got[__NHRP_TYPE_MAX];
	uint64_t last[__NHRP_TYPE_MAX];
};

struct flight {
	unsigned int to;
	uint64_t at;
	uint8_t buf[NHRP_PACKET_MAX];
	size_t len;
};

struct lab {
	struct fake_world w;
	struct engine *engine;
	struct conf_iface conf;
	struct conf_nhrp *c;		/* IPv4's in @conf */
	struct addr local;
	uint64_t now;
	struct node node[10];		/* by number */
	struct flight flight[FLIGHT_MAX];
	unsigned int n_flights;
	struct engine_neigh neigh[KERNEL_MAX];
	unsigned int n_neighs;
	uint32_t flags[10], priority[10];	/* peers, by number */
	bool must_carry;		/* data always has an NHS to go to */
	bool oneway_data;		/* data is not answered */
	unsigned int lookups;
	int carrier, carrier_calls;	/* carrier: -1 never told */
};

/* ---- the world ---- */

static struct addr proto_of(unsigned int n)
{
	char text[ADDR_STRLEN];

	snprintf(text, sizeof(text), "192.168.1.%u", n);
	return A(text);
}

static struct addr nbma_of(unsigned int n)
{
	char text[ADDR_STRLEN];

	snprintf(text, sizeof(text), "%u.%u.%u.%u", n, n, n, n);
	return A(text);
}

/* By its last octet, of either address. */
static unsigned int number(const struct addr *a)
{
	assert_int_equal(a->len, 4);
	assert_in_range(a->b[3], 1, 9);
	return a->b[3];
}

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct lab *l = ctx;
	struct flight *f = &l->flight[l->n_flights++];
	struct nhrp_packet p;

	assert_int_equal(ifindex, IFINDEX);
	assert_int_equal(mark, 0);
	assert_in_range(l->n_flights, 1, FLIGHT_MAX - 1);
	f->to = number(nbma);
	f->at = l->now + LATENCY;
	f->len = len;
	memcpy(f->buf, buf, len);
	assert_int_equal(nhrp_decode(buf, len, &p), NHRP_OK);
	l->node[f->to].got[p.type]++;
	l->node[f->to].last[p.type] = l->now;
}

static struct engine_neigh *neigh(struct lab *l, unsigned int n)
{
	struct addr a = proto_of(n);
	unsigned int k;

	for (k = 0; k < l->n_neighs; k++)
		if (addr_eq(&l->neigh[k].addr, &a))
			return &l->neigh[k];
	return NULL;
}

static void op_neigh_del(void *ctx, unsigned int ifindex,
			 const struct addr *addr)
{
	struct lab *l = ctx;
	struct engine_neigh *n = neigh(l, number(addr));

	(void)ifindex;
	if (n)
		*n = l->neigh[--l->n_neighs];
}

static void op_neigh_set(void *ctx, unsigned int ifindex,
			 const struct engine_neigh *n)
{
	struct lab *l = ctx;

	op_neigh_del(ctx, ifindex, &n->addr);
	assert_in_range(l->n_neighs, 0, KERNEL_MAX - 1);
	l->neigh[l->n_neighs++] = *n;
}

/* The best peer that may carry data, 0: none. */
static unsigned int carrying(const struct lab *l)
{
	unsigned int k, best = 0;

	for (k = 1; k < 10; k++)
		if (l->flags[k] & DMVPN_PEER_F_NHS &&
		    (!best || l->priority[k] < l->priority[best]))
			best = k;
	return best;
}

static void op_peer_set(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark, uint32_t flags,
			uint32_t priority)
{
	struct lab *l = ctx;

	(void)ifindex;
	(void)mark;
	l->flags[number(nbma)] = flags;
	l->priority[number(nbma)] = priority;
	assert_true(!l->must_carry || carrying(l));
}

static void op_peer_del(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark)
{
	op_peer_set(ctx, ifindex, nbma, mark, 0, 0);
}

static void op_carrier(void *ctx, unsigned int ifindex, bool on)
{
	struct lab *l = ctx;

	assert_int_equal(ifindex, IFINDEX);
	assert_int_not_equal(l->carrier, on);	/* only changes */
	l->carrier = on;
	l->carrier_calls++;
}

static void op_lookup(void *ctx, unsigned int ifindex, const char *fqdn)
{
	struct lab *l = ctx;

	(void)ifindex;
	assert_string_equal(fqdn, "hub.example.net");
	l->lookups++;
}

static const struct engine_ops ops = {
	.send = op_send,
	.neigh_set = op_neigh_set,
	.neigh_del = op_neigh_del,
	.peer_set = op_peer_set,
	.peer_del = op_peer_del,
	.carrier = op_carrier,
	.route = no_route,
	.lookup = op_lookup,
	.random = fake_random,
	.log = fake_log,
	.event = fake_event,
};

static void start(struct lab *l)
{
	l->engine = engine_new(&ops, l);
	assert_non_null(l->engine);
}

static struct lab *lab_new(unsigned int self)
{
	struct lab *l = calloc(1, sizeof(*l));
	struct addr proto;
	unsigned int k;

	assert_non_null(l);
	l->now = 1000 * SECOND;
	l->w.rng = 7;
	l->carrier = -1;
	l->local = nbma_of(self);
	proto = proto_of(self);
	l->c = fake_conf(&l->conf, T(&proto));
	l->c->reg_interval = 1200;
	for (k = 1; k < 10; k++)
		l->node[k].alive = true;
	start(l);
	return l;
}

static void lab_free(struct lab *l)
{
	engine_free(l->engine);
	free(l);
}

static void apply(struct lab *l)
{
	assert_int_equal(engine_iface_set(l->engine, IFINDEX, &l->conf,
					  &l->local, l->now), 0);
}

static struct conf_nhs *add_hub(struct lab *l, unsigned int n)
{
	struct conf_nhs *c = &l->c->nhs[l->c->n_nhs++];

	c->proto = proto_of(n);
	c->nbma = nbma_of(n);
	c->priority = n;
	c->multicast = true;
	return c;
}

/* R6 with hubs 1 to @n, a worse priority each; at most @max at once. */
static struct lab *spoke(unsigned int n, unsigned int max)
{
	struct lab *l = lab_new(6);
	unsigned int k;

	for (k = 1; k <= n; k++)
		add_hub(l, k)->cluster = max ? 4 : 0;
	if (max) {
		l->c->n_cluster = 1;
		l->c->cluster[0].cluster = 4;
		l->c->cluster[0].max = max;
	}
	apply(l);
	return l;
}

/* ---- packets and time ---- */

/* What the node answers; hubs know all nodes. */
static bool fill_answer(struct nhrp_packet *p, unsigned int node)
{
	struct nhrp_cie *c = &p->cies.e[0];

	switch (p->type) {
	case NHRP_REGISTRATION_REQUEST:
	case NHRP_PURGE_REQUEST:
		break;
	case NHRP_RESOLUTION_REQUEST:
		if (number(&p->dst_proto) != node && p->hops == 1)
			return false;
		p->flags = 0xf802;
		c->prefix = 32;
		c->proto = p->dst_proto;
		c->nbma = nbma_of(number(&p->dst_proto));
		break;
	default:
		return false;
	}
	p->type++;
	if (p->cies.n)
		c->hold = 600;
	return true;
}

static void put(struct lab *l, unsigned int from, struct nhrp_packet *p)
{
	struct addr nbma = nbma_of(from);
	uint8_t buf[NHRP_PACKET_MAX];
	int len = nhrp_encode(p, buf, sizeof(buf));

	assert_true(len > 0);
	l->node[from].heard = l->now;
	engine_recv(l->engine, IFINDEX, &nbma, 0, buf, len, l->now);
}

static void land(struct lab *l)
{
	struct flight f = l->flight[0];
	struct node *n = &l->node[f.to];
	struct nhrp_packet p;

	memmove(l->flight, l->flight + 1, --l->n_flights * sizeof(f));
	assert_int_equal(nhrp_decode(f.buf, f.len, &p), NHRP_OK);
	if (n->alive && !n->mute && fill_answer(&p, f.to))
		put(l, f.to, &p);
}

static void pass(struct lab *l, uint64_t ms)
{
	uint64_t end = l->now + ms, at, land_at;

	for (;;) {
		at = engine_deadline(l->engine);
		land_at = l->n_flights ? l->flight[0].at : UINT64_MAX;
		if (at > end && land_at > end)
			break;
		if (land_at <= at) {
			l->now = land_at > l->now ? land_at : l->now;
			land(l);
		} else {
			l->now = at > l->now ? at : l->now;
			engine_run(l->engine, l->now);
		}
	}
	l->now = end;
}

/* ---- data ---- */

static bool is_direct(struct lab *l, unsigned int dst)
{
	const struct engine_neigh *n = neigh(l, dst);

	return n && !(n->flags & DMVPN_NEIGH_F_UNCONFIRMED);
}

static void oneway(struct lab *l, unsigned int n)
{
	struct addr nbma = nbma_of(n);

	engine_oneway(l->engine, IFINDEX, &nbma, 0, l->now);
}

/* One packet to @dst and back; true when it arrived. */
static bool data(struct lab *l, unsigned int dst)
{
	struct addr hop = proto_of(dst), src = A("66.66.66.66");
	unsigned int way = is_direct(l, dst) ? dst : carrying(l);
	struct node *n = &l->node[way];

	if (way != dst && l->now % SECOND < 100)	/* kernel's rate limit */
		engine_resolve(l->engine, IFINDEX, &hop, &src, &hop, l->now);
	if (!way)
		return false;
	if (n->alive && !n->mute && !l->oneway_data)
		n->heard = l->now;
	if (l->now >= n->heard + CONF_ONEWAY * SECOND &&
	    l->now >= n->raised + CONF_ONEWAY * SECOND) {
		n->raised = l->now;
		oneway(l, way);
	}
	return n->alive;
}

/* Ten packets a second; returns the ms from the first to the last loss. */
static uint64_t talk(struct lab *l, unsigned int dst, uint64_t ms)
{
	uint64_t end = l->now + ms, first = 0, last = 0;
	unsigned int k;

	for (k = 1; k < 10; k++)
		l->node[k].heard = l->now;
	for (; l->now < end; pass(l, 100)) {
		if (data(l, dst))
			continue;
		first = first ? first : l->now;
		last = l->now + 100;
	}
	return last - first;
}

/* R6 with @dst direct. */
static void make_direct(struct lab *l, unsigned int dst)
{
	talk(l, dst, 5 * SECOND);
	assert_true(is_direct(l, dst));
	pass(l, 5 * SECOND);
	l->w.events[0] = l->w.log[0] = '\0';
	memset(l->node[dst].got, 0, sizeof(l->node[dst].got));
}

/* ---- what is shown ---- */

struct want_entry {
	unsigned int n;
	enum entry_state state;
	char reason[128];
	bool found;
};

static void see_entry(void *ctx, const struct engine_entry *e)
{
	struct want_entry *w = ctx;

	if (number(&e->proto) != w->n)
		return;
	w->found = true;
	w->state = e->state;
	snprintf(w->reason, sizeof(w->reason), "%s", e->reason);
}

static struct want_entry entry(struct lab *l, unsigned int n)
{
	struct want_entry w = { .n = n };

	engine_each_entry(l->engine, see_entry, &w);
	assert_true(w.found);
	return w;
}

struct want_nhs {
	unsigned int n;
	struct engine_nhs_info info;
	char reason[128];
};

static void see_nhs(void *ctx, const struct engine_nhs_info *i)
{
	struct want_nhs *w = ctx;

	if (number(&i->proto) != w->n)
		return;
	w->info = *i;
	snprintf(w->reason, sizeof(w->reason), "%s", i->reason);
}

static struct want_nhs nhs(struct lab *l, unsigned int n)
{
	struct want_nhs w = { .n = n };

	engine_each_nhs(l->engine, see_nhs, &w);
	assert_int_equal(w.info.ifindex, IFINDEX);
	return w;
}

/* "1n 2h 3-": n carries data, h known as a hub, - nothing. */
static const char *hubs(struct lab *l)
{
	static char text[16];
	unsigned int k;

	text[0] = '\0';
	for (k = 1; k <= 3 && k <= l->c->n_nhs; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%u%c", k > 1 ? " " : "", k,
			 l->flags[k] & DMVPN_PEER_F_NHS ? 'n' :
			 l->flags[k] & DMVPN_PEER_F_HUB ? 'h' : '-');
	return text;
}

/* Registrations that hub @n got since the last call. */
static unsigned int registrations(struct lab *l, unsigned int n)
{
	unsigned int got = l->node[n].got[NHRP_REGISTRATION_REQUEST];

	l->node[n].got[NHRP_REGISTRATION_REQUEST] = 0;
	return got;
}

static void happened(struct lab *l, const char *event)
{
	if (!strstr(l->w.events, event))
		fail_msg("no '%s' in:\n%s", event, l->w.events);
}

/* ---- direct peers ---- */

static void test_peer_lost(void **state)
{
	struct lab *l = spoke(1, 0);
	uint64_t outage, at;

	(void)state;
	make_direct(l, 7);
	assert_int_equal(talk(l, 7, 20 * SECOND), 0);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], 0);
	l->node[7].alive = false;
	at = l->now;
	outage = talk(l, 7, 12 * SECOND);
	assert_in_range(outage, 1, 7 * SECOND);
	assert_false(is_direct(l, 7));
	happened(l, "peer-down 192.168.1.7 7.7.7.7 not heard on the direct path for 6 s");
	assert_non_null(strstr(l->w.log, "192.168.1.7 at 7.7.7.7: not heard on the direct path for 6 s, data goes to the NHS"));
	assert_int_equal(entry(l, 7).state, ENTRY_PROBING);
	assert_string_equal(entry(l, 7).reason,
			    "no reply on the direct path from 7.7.7.7");
	assert_int_equal(talk(l, 7, 120 * SECOND), 0);
	/* three questions, then 2, 4, 8 .. s apart as long as it is wanted */
	assert_in_range(l->node[7].got[NHRP_RESOLUTION_REQUEST], 9, 13);
	assert_in_range(l->node[7].last[NHRP_RESOLUTION_REQUEST],
			at + 60 * SECOND, l->now);
	l->node[7].alive = true;
	assert_int_equal(talk(l, 7, 31 * SECOND), 0);
	assert_true(is_direct(l, 7));
	happened(l, "confirmed 192.168.1.7 7.7.7.7");
	lab_free(l);
}

/* Nobody sends there any more: nobody asks there any more. */
static void test_peer_lost_unwanted(void **state)
{
	struct lab *l = spoke(1, 0);
	unsigned int asked;

	(void)state;
	make_direct(l, 7);
	l->node[7].alive = false;
	oneway(l, 7);
	pass(l, 60 * SECOND);
	assert_int_equal(entry(l, 7).state, ENTRY_PROBING);
	asked = l->node[7].got[NHRP_RESOLUTION_REQUEST];
	assert_in_range(asked, 3, 6);
	pass(l, 300 * SECOND);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], asked);
	lab_free(l);
}

/* Traffic that is one-way by nature costs one question in three seconds. */
static void test_peer_answers(void **state)
{
	struct lab *l = spoke(1, 0);

	(void)state;
	make_direct(l, 7);
	l->oneway_data = true;
	assert_int_equal(talk(l, 7, 60 * SECOND), 0);
	assert_true(is_direct(l, 7));
	assert_in_range(l->node[7].got[NHRP_RESOLUTION_REQUEST], 10, 20);
	assert_null(strstr(l->w.events, "peer-down"));
	/* however often the kernel says so */
	memset(l->node[7].got, 0, sizeof(l->node[7].got));
	for (unsigned int k = 0; k < 100; k++) {
		oneway(l, 7);
		pass(l, 100);
	}
	assert_in_range(l->node[7].got[NHRP_RESOLUTION_REQUEST], 3, 4);
	lab_free(l);
}

/* A single lost question or answer changes nothing. */
static void test_peer_late(void **state)
{
	struct lab *l = spoke(1, 0);

	(void)state;
	make_direct(l, 7);
	l->node[7].mute = true;
	oneway(l, 7);
	pass(l, 1500);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], 2);
	l->node[7].mute = false;
	pass(l, 10 * SECOND);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], 3);
	assert_true(is_direct(l, 7));
	assert_null(strstr(l->w.events, "peer-down"));
	lab_free(l);
}

/* We hear R7, it does not hear us: its probes tell. */
static void test_peer_suspects(void **state)
{
	struct nhrp_packet p = {
		.afn = 1, .proto_type = 0x0800, .hops = 1,
		.type = NHRP_RESOLUTION_REQUEST, .flags = 0xc802, .reqid = 9,
		.src_nbma = nbma_of(7), .src_proto = proto_of(7),
		.dst_proto = proto_of(6),
	};
	struct lab *l = spoke(1, 0);
	unsigned int k;

	(void)state;
	nhrp_cie_add(&p.cies)->hold = 600;
	make_direct(l, 7);
	for (k = 0; k < 3; k++)		/* one question in return, not more */
		put(l, 7, &p);
	pass(l, SECOND);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], 1);
	put(l, 8, &p);			/* from elsewhere */
	pass(l, 10 * SECOND);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], 1);
	assert_int_equal(l->node[8].got[NHRP_RESOLUTION_REQUEST], 0);
	l->node[7].alive = false;
	put(l, 7, &p);
	pass(l, 4 * SECOND);
	assert_false(is_direct(l, 7));
	happened(l, "peer-down 192.168.1.7 7.7.7.7 not heard on the direct path for 3 s");
	talk(l, 7, 100 * SECOND);	/* rarely asked by now */
	pass(l, 5 * SECOND);
	assert_false(is_direct(l, 7));
	l->node[7].alive = true;
	put(l, 7, &p);			/* its probe comes through: so may ours */
	pass(l, 100);
	assert_true(is_direct(l, 7));
	lab_free(l);
}

/* A hub keeps what was registered, and asks nobody. */
static void test_hub_keeps_spokes(void **state)
{
	struct nhrp_packet p = {
		.afn = 1, .proto_type = 0x0800, .hops = 255,
		.type = NHRP_REGISTRATION_REQUEST, .flags = 2, .reqid = 9,
		.src_nbma = nbma_of(7), .src_proto = proto_of(7),
		.dst_proto = proto_of(1),
	};
	struct lab *l = lab_new(1);

	(void)state;
	apply(l);
	nhrp_cie_add(&p.cies)->hold = 600;
	put(l, 7, &p);
	l->node[7].alive = false;
	talk(l, 7, 60 * SECOND);
	assert_true(is_direct(l, 7));
	assert_int_equal(entry(l, 7).state, ENTRY_UP);
	assert_int_equal(l->node[7].got[NHRP_RESOLUTION_REQUEST], 0);
	lab_free(l);
}

/* ---- hubs without a cluster ---- */

static void test_hub_lost(void **state)
{
	struct lab *l = spoke(2, 0);
	unsigned int k;

	(void)state;
	l->node[9].alive = false;	/* never direct */
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2n");
	assert_int_equal(carrying(l), 1);
	assert_int_equal(talk(l, 9, 60 * SECOND), 0);
	for (k = 1; k <= 2; k++)
		assert_int_equal(registrations(l, k), 1);
	l->must_carry = true;
	l->node[1].alive = false;
	assert_in_range(talk(l, 9, 20 * SECOND), 1, 8 * SECOND);
	assert_string_equal(hubs(l), "1h 2n");
	happened(l, "nhs-down 192.168.1.1 1.1.1.1 not heard, no answer to registrations");
	assert_string_equal(nhs(l, 1).reason,
			    "not heard, no answer to registrations");
	assert_int_equal(registrations(l, 1), 3);
	assert_int_equal(registrations(l, 2), 0);
	l->node[1].alive = true;
	assert_int_equal(talk(l, 9, 40 * SECOND), 0);
	assert_string_equal(hubs(l), "1n 2n");
	assert_int_equal(carrying(l), 1);
	lab_free(l);
}

/* With nowhere else to go there is nothing to gain by asking. */
static void test_hub_alone(void **state)
{
	struct lab *l = spoke(1, 0);

	(void)state;
	pass(l, SECOND);
	registrations(l, 1);
	l->node[1].alive = false;
	talk(l, 9, 60 * SECOND);
	assert_int_equal(registrations(l, 1), 0);
	assert_string_equal(hubs(l), "1n");
	lab_free(l);
}

/* A sender that is never answered asks its hub every few seconds, no more. */
static void test_hub_oneway_data(void **state)
{
	struct lab *l = spoke(2, 0);

	(void)state;
	l->node[9].alive = false;
	pass(l, SECOND);
	registrations(l, 1);
	l->oneway_data = true;
	assert_int_equal(talk(l, 9, 600 * SECOND), 0);
	assert_in_range(registrations(l, 1), 600 / 8, 600 / 3);
	/* traffic both ways needs none of that */
	l->oneway_data = false;
	assert_int_equal(talk(l, 9, 60 * SECOND), 0);
	assert_in_range(registrations(l, 1), 0, 1);
	/* and who only sends loses a hub as soon as others do */
	l->oneway_data = true;
	assert_int_equal(talk(l, 9, 60 * SECOND), 0);
	l->node[1].alive = false;
	assert_in_range(talk(l, 9, 20 * SECOND), 1, 8 * SECOND);
	lab_free(l);
}

/* ---- clusters ---- */

static void test_cluster_one(void **state)
{
	struct lab *l = spoke(3, 1);
	uint64_t up;

	(void)state;
	l->node[9].alive = false;
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2h 3h");
	assert_true(l->flags[1] & DMVPN_PEER_F_MULTICAST);
	assert_false(l->flags[2] & DMVPN_PEER_F_MULTICAST);
	assert_true(nhs(l, 1).info.active);
	assert_false(nhs(l, 2).info.active);
	assert_string_equal(nhs(l, 1).reason, "");
	assert_string_equal(nhs(l, 2).reason,
			    "standby: cluster 4 has its 1 connection");
	assert_int_equal(entry(l, 2).state, ENTRY_DOWN);
	assert_string_equal(entry(l, 2).reason,
			    "standby: cluster 4 has its 1 connection");
	pass(l, 3600 * SECOND);
	assert_in_range(registrations(l, 1), 4, 5);
	assert_int_equal(registrations(l, 2) + registrations(l, 3), 0);

	l->node[1].alive = false;	/* the next one takes over */
	assert_in_range(talk(l, 9, 20 * SECOND), 1, 8 * SECOND);
	assert_string_equal(hubs(l), "1h 2n 3h");
	assert_int_equal(registrations(l, 2), 1);
	assert_int_equal(registrations(l, 3), 0);
	assert_true(l->flags[2] & DMVPN_PEER_F_MULTICAST);

	l->must_carry = true;		/* back again: first up, then used */
	l->w.events[0] = '\0';
	l->node[1].alive = true;
	while (!strstr(l->w.events, "nhs-up 192.168.1.1"))
		assert_int_equal(talk(l, 9, 100), 0);
	up = l->now;
	assert_string_equal(hubs(l), "1h 2n 3h");
	assert_true(nhs(l, 1).info.up);
	assert_false(nhs(l, 1).info.active);
	assert_string_equal(nhs(l, 1).reason, "its fallback delay runs");
	assert_int_equal(talk(l, 9, 29 * SECOND), 0);
	assert_string_equal(hubs(l), "1h 2n 3h");
	assert_int_equal(l->node[2].got[NHRP_PURGE_REQUEST], 0);
	assert_int_equal(talk(l, 9, 2 * SECOND), 0);
	assert_string_equal(hubs(l), "1n 2h 3h");
	happened(l, "nhs-standby 192.168.1.2 2.2.2.2 standby: cluster 4 has its 1 connection");
	assert_int_equal(l->node[2].got[NHRP_PURGE_REQUEST], 1);
	assert_in_range(l->node[2].last[NHRP_PURGE_REQUEST], up + 29 * SECOND,
			up + 31 * SECOND);
	pass(l, 3600 * SECOND);
	assert_int_equal(registrations(l, 2) + registrations(l, 3), 0);
	lab_free(l);
}

/* Nobody waits for the third before the second has had its chance. */
static void test_cluster_in_order(void **state)
{
	struct lab *l = lab_new(6);

	(void)state;
	l->node[1].alive = l->node[2].alive = false;
	add_hub(l, 3);			/* the file's order is another one */
	add_hub(l, 2);
	add_hub(l, 1);
	l->c->n_cluster = 1;
	l->c->cluster[0].max = 1;
	apply(l);
	pass(l, 3 * SECOND);
	assert_in_range(registrations(l, 1), 2, 3);
	assert_int_equal(registrations(l, 2) + registrations(l, 3), 0);
	assert_string_equal(nhs(l, 2).reason,
			    "standby: better ones of cluster 0 are tried (1 connection)");
	pass(l, 5 * SECOND);
	assert_in_range(registrations(l, 2), 1, 2);
	assert_int_equal(registrations(l, 3), 0);
	pass(l, 7 * SECOND);
	assert_int_equal(registrations(l, 3), 1);
	assert_string_equal(hubs(l), "1h 2h 3n");
	/* both better ones are still tried; the best one that comes is used */
	l->must_carry = true;
	l->node[2].alive = true;
	pass(l, 32 * SECOND + 31 * SECOND);
	assert_string_equal(hubs(l), "1h 2n 3h");
	l->node[1].alive = true;
	pass(l, 32 * SECOND + 31 * SECOND);
	assert_string_equal(hubs(l), "1n 2h 3h");
	registrations(l, 2);
	pass(l, 600 * SECOND);
	assert_int_equal(registrations(l, 2), 0);
	lab_free(l);
}

static void test_cluster_two(void **state)
{
	struct lab *l = spoke(3, 2);

	(void)state;
	l->node[9].alive = false;
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2n 3h");
	assert_string_equal(nhs(l, 3).reason,
			    "standby: cluster 4 has its 2 connections");
	l->must_carry = true;
	l->node[1].alive = false;
	assert_in_range(talk(l, 9, 10 * SECOND), 1, 8 * SECOND);
	assert_string_equal(hubs(l), "1h 2n 3n");
	l->node[2].alive = false;
	assert_in_range(talk(l, 9, 10 * SECOND), 1, 8 * SECOND);
	assert_string_equal(hubs(l), "1h 2h 3n");
	l->node[1].alive = l->node[2].alive = true;
	pass(l, 35 * SECOND);		/* one place is free, the other not yet */
	assert_int_equal(l->flags[3] & DMVPN_PEER_F_NHS, DMVPN_PEER_F_NHS);
	pass(l, 35 * SECOND);
	assert_string_equal(hubs(l), "1n 2n 3h");
	assert_int_equal(l->node[3].got[NHRP_PURGE_REQUEST], 1);
	lab_free(l);
}

/* An NHS that flaps within the delay moves no data. */
static void test_cluster_flapping(void **state)
{
	struct lab *l = spoke(2, 1);
	unsigned int k;

	(void)state;
	l->c->fallback = 60;
	l->node[1].alive = false;
	apply(l);
	pass(l, 20 * SECOND);
	assert_string_equal(hubs(l), "1h 2n");
	l->must_carry = true;
	for (k = 0; k < 5; k++) {
		l->w.events[0] = '\0';
		l->node[1].alive = true;
		pass(l, 35 * SECOND);
		happened(l, "nhs-up 192.168.1.1");
		assert_string_equal(hubs(l), "1h 2n");
		l->node[1].alive = false;
		oneway(l, 1);
		pass(l, 5 * SECOND);
		happened(l, "nhs-down 192.168.1.1");
		assert_string_equal(hubs(l), "1h 2n");
	}
	assert_int_equal(l->node[2].got[NHRP_PURGE_REQUEST], 0);
	l->node[1].alive = true;
	pass(l, 32 * SECOND + 58 * SECOND);
	assert_string_equal(hubs(l), "1n 2h");
	lab_free(l);
}

/* The worse one dies while the delay runs: there is no time to lose. */
static void test_cluster_fallback_cut_short(void **state)
{
	struct lab *l = spoke(2, 1);

	(void)state;
	l->node[9].alive = false;
	l->node[1].alive = false;
	pass(l, 20 * SECOND);
	l->node[1].alive = true;
	while (!nhs(l, 1).info.up)
		pass(l, 100);
	l->node[2].alive = false;
	assert_in_range(talk(l, 9, 10 * SECOND), 1, 8 * SECOND);
	assert_string_equal(hubs(l), "1n 2h");
	lab_free(l);
}

static void test_cluster_reload(void **state)
{
	struct lab *l = spoke(3, 1);

	(void)state;
	pass(l, SECOND);
	l->must_carry = true;
	l->c->cluster[0].max = 2;	/* one more */
	apply(l);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2n 3h");
	l->c->n_cluster = 0;		/* all */
	apply(l);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2n 3n");
	assert_int_equal(registrations(l, 1), 1);	/* undisturbed */
	l->c->n_cluster = 1;
	l->c->cluster[0].max = 1;	/* one again */
	apply(l);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2h 3h");
	assert_int_equal(l->node[2].got[NHRP_PURGE_REQUEST], 1);
	assert_int_equal(l->node[3].got[NHRP_PURGE_REQUEST], 1);
	l->c->nhs[2].priority = 0;	/* 3 is the best now */
	apply(l);
	pass(l, 2 * SECOND);
	assert_string_equal(hubs(l), "1n 2h 3h");
	pass(l, 30 * SECOND);
	assert_string_equal(hubs(l), "1h 2h 3n");
	l->must_carry = false;
	l->c->n_nhs = 2;		/* and gone: the next one at once */
	apply(l);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2h");
	l->c->nhs[1].cluster = 7;	/* a cluster of its own */
	apply(l);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2n");
	lab_free(l);
}

/* The underlay goes and comes: as at the start. */
static void test_cluster_underlay(void **state)
{
	struct addr none = { 0 }, local;
	struct lab *l = spoke(3, 1);

	(void)state;
	pass(l, SECOND);
	local = l->local;
	l->local = none;
	apply(l);
	pass(l, 10 * SECOND);
	assert_string_equal(hubs(l), "1h 2h 3h");
	registrations(l, 1);
	l->local = local;
	apply(l);
	pass(l, 60 * SECOND);
	assert_string_equal(hubs(l), "1n 2h 3h");
	assert_int_equal(registrations(l, 1), 1);
	assert_int_equal(registrations(l, 2) + registrations(l, 3), 0);
	l->local = nbma_of(5);		/* another address: no re-election */
	l->must_carry = true;
	apply(l);
	pass(l, 60 * SECOND);
	assert_string_equal(hubs(l), "1n 2h 3h");
	assert_int_equal(registrations(l, 1), 1);
	assert_int_equal(registrations(l, 2) + registrations(l, 3), 0);
	lab_free(l);
}

/* A daemon that comes back while the second hub carries: no gap. */
static void test_cluster_restart(void **state)
{
	struct addr nbma = nbma_of(2);
	struct lab *l = spoke(2, 1);

	(void)state;
	l->node[1].alive = false;
	pass(l, 20 * SECOND);
	assert_string_equal(hubs(l), "1h 2n");
	l->must_carry = true;
	engine_free(l->engine);
	l->n_flights = 0;
	l->carrier = -1;
	start(l);
	apply(l);
	engine_adopt_peer(l->engine, IFINDEX, &nbma, 0, l->flags[2],
			  l->priority[2], l->now);
	pass(l, 20 * SECOND);
	assert_string_equal(hubs(l), "1h 2n");
	assert_true(nhs(l, 2).info.up);
	lab_free(l);
}

/* ---- drain ---- */

static void drain(struct lab *l, const char *nhs, bool on, int result)
{
	struct addr a = A(nhs);

	assert_int_equal(engine_nhs_drain(l->engine, IFINDEX, &a, on, l->now),
			 result);
}

/* Which hub gets a question for 192.168.1.@dst. */
static unsigned int asked(struct lab *l, unsigned int dst)
{
	struct addr hop = proto_of(dst), src = A("66.66.66.66");
	unsigned int k, hub = 0;

	for (k = 1; k <= 3; k++)
		l->node[k].got[NHRP_RESOLUTION_REQUEST] = 0;
	engine_resolve(l->engine, IFINDEX, &hop, &src, &hop, l->now);
	for (k = 1; k <= 3; k++)
		if (l->node[k].got[NHRP_RESOLUTION_REQUEST])
			hub = k;
	engine_clear(l->engine, IFINDEX, CONF_IPV4, &hop, l->now);
	return hub;
}

static void test_drain(void **state)
{
	struct addr none = { 0 }, first = proto_of(1);
	struct lab *l = spoke(2, 0);

	(void)state;
	pass(l, SECOND);
	l->must_carry = true;
	assert_int_equal(asked(l, 7), 1);
	drain(l, "192.168.1.9", true, -ENOENT);
	assert_int_equal(engine_nhs_drain(l->engine, IFINDEX, &none, true,
					  l->now), -ENOENT);
	assert_int_equal(engine_nhs_drain(l->engine, IFINDEX + 1, &first, true,
					  l->now), -ENOENT);
	drain(l, "192.168.1.1", true, 0);
	assert_string_equal(hubs(l), "1h 2n");
	assert_int_equal(asked(l, 7), 2);
	assert_true(nhs(l, 1).info.up);
	assert_true(nhs(l, 1).info.drained);
	assert_false(nhs(l, 1).info.active);
	assert_string_equal(nhs(l, 1).reason, "drained by the operator");
	happened(l, "nhs-drain 192.168.1.1 1.1.1.1 drained by the operator");
	registrations(l, 1);
	pass(l, 3600 * SECOND);		/* still registered with */
	assert_in_range(registrations(l, 1), 3, 4);
	l->c->holdtime = 600;		/* a reload changes nothing */
	apply(l);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1h 2n");
	drain(l, "2.2.2.2", true, 0);	/* nobody else: both serve */
	assert_string_equal(hubs(l), "1n 2n");
	assert_int_equal(asked(l, 7), 1);
	drain(l, "2.2.2.2", false, 0);
	assert_string_equal(hubs(l), "1h 2n");
	l->node[2].alive = false;	/* the drained one is all there is */
	pass(l, 1300 * SECOND);
	assert_string_equal(hubs(l), "1n 2h");
	assert_int_equal(asked(l, 7), 1);
	l->node[2].alive = true;
	pass(l, 60 * SECOND);
	assert_string_equal(hubs(l), "1h 2n");
	drain(l, "192.168.1.1", false, 0);
	assert_string_equal(hubs(l), "1n 2n");
	assert_int_equal(asked(l, 7), 1);
	lab_free(l);
}

static void test_drain_cluster(void **state)
{
	struct lab *l = spoke(3, 1);

	(void)state;
	pass(l, 60 * SECOND);
	l->must_carry = true;
	drain(l, "1.1.1.1", true, 0);	/* used until the standby is up */
	assert_string_equal(hubs(l), "1n 2h 3h");
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1h 2n 3h");
	assert_true(nhs(l, 1).info.up);
	assert_int_equal(l->node[1].got[NHRP_PURGE_REQUEST], 0);
	drain(l, "1.1.1.1", false, 0);
	assert_string_equal(hubs(l), "1n 2h 3h");
	assert_int_equal(l->node[2].got[NHRP_PURGE_REQUEST], 1);
	drain(l, "3.3.3.3", true, 0);	/* a standby: skipped when needed */
	l->must_carry = false;
	l->node[1].alive = false;
	oneway(l, 1);
	pass(l, 5 * SECOND);
	assert_string_equal(hubs(l), "1h 2n 3h");
	lab_free(l);
}

/* ---- carrier ---- */

static void test_carrier(void **state)
{
	struct lab *l = lab_new(6);

	(void)state;
	add_hub(l, 1);
	add_hub(l, 2);
	l->node[1].alive = l->node[2].alive = false;
	l->conf.if_state = true;
	apply(l);
	pass(l, 0);
	assert_int_equal(l->carrier, 0);	/* off until one is up */
	pass(l, 60 * SECOND);
	assert_int_equal(l->carrier_calls, 1);
	l->node[2].alive = true;
	pass(l, 40 * SECOND);
	assert_int_equal(l->carrier, 1);
	l->node[1].alive = true;
	pass(l, 40 * SECOND);
	l->node[2].alive = false;	/* the other one is up */
	pass(l, 2 * 2400 * SECOND);
	assert_int_equal(l->carrier_calls, 2);
	l->node[1].alive = false;
	pass(l, 2 * 2400 * SECOND);
	assert_int_equal(l->carrier, 0);
	l->conf.if_state = false;
	apply(l);
	assert_int_equal(l->carrier, 1);
	l->conf.if_state = true;
	apply(l);
	assert_int_equal(l->carrier, 0);
	engine_iface_del(l->engine, IFINDEX, l->now);
	assert_int_equal(l->carrier, 1);
	lab_free(l);
}

static void test_carrier_always_on(void **state)
{
	struct lab *l = spoke(1, 0);

	(void)state;
	l->node[1].alive = false;
	pass(l, 60 * SECOND);
	assert_int_equal(l->carrier, 1);
	assert_int_equal(l->carrier_calls, 1);
	lab_free(l);
}

/* A new daemon does not cut what works. */
static void test_carrier_restart(void **state)
{
	struct addr nbma = nbma_of(1);
	struct lab *l = lab_new(6);

	(void)state;
	add_hub(l, 1);
	l->conf.if_state = true;
	apply(l);
	pass(l, SECOND);
	assert_int_equal(l->carrier, 1);
	engine_free(l->engine);
	l->n_flights = 0;
	l->carrier = -1;
	l->node[1].alive = false;
	start(l);
	apply(l);
	engine_adopt_peer(l->engine, IFINDEX, &nbma, 0, l->flags[1],
			  l->priority[1], l->now);
	pass(l, SECOND);
	assert_int_equal(l->carrier, 1);
	pass(l, 10 * SECOND);
	assert_int_equal(l->carrier, 0);
	lab_free(l);
}

/* ---- names ---- */

static void test_name_moves(void **state)
{
	struct addr first = nbma_of(1), second = nbma_of(3);
	struct lab *l = lab_new(6);

	(void)state;
	add_hub(l, 1)->nbma = (struct addr){ 0 };
	strcpy(l->c->nhs[0].fqdn, "hub.example.net");
	add_hub(l, 2);
	apply(l);
	assert_int_equal(l->lookups, 1);
	engine_name(l->engine, IFINDEX, "hub.example.net", &first, 1, l->now);
	pass(l, SECOND);
	assert_string_equal(hubs(l), "1n 2n");
	registrations(l, 2);
	l->must_carry = true;
	l->lookups = 0;
	pass(l, 60 * SECOND);
	assert_int_equal(l->lookups, 0);	/* it works */
	l->node[1].alive = false;
	oneway(l, 1);
	pass(l, 5 * SECOND);
	assert_int_equal(l->lookups, 1);
	/* still the old address, then none, then another */
	engine_name(l->engine, IFINDEX, "hub.example.net", &first, 1, l->now);
	engine_name(l->engine, IFINDEX, "hub.example.net", NULL, 0, l->now);
	pass(l, 70 * SECOND);
	assert_in_range(l->lookups, 3, 4);
	engine_name(l->engine, IFINDEX, "hub.example.net", &second, 1, l->now);
	pass(l, SECOND);
	assert_int_equal(l->flags[1], 0);
	assert_int_equal(l->flags[3] & DMVPN_PEER_F_NHS, DMVPN_PEER_F_NHS);
	assert_string_equal(T(&neigh(l, 1)->nbma), "3.3.3.3");
	assert_int_equal(l->flags[2] & DMVPN_PEER_F_NHS, DMVPN_PEER_F_NHS);
	assert_int_equal(registrations(l, 2), 0);	/* undisturbed */
	lab_free(l);
}

#define T_(name) cmocka_unit_test(test_##name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T_(peer_lost), T_(peer_lost_unwanted), T_(peer_answers),
		T_(peer_late), T_(peer_suspects), T_(hub_keeps_spokes),
		T_(hub_lost), T_(hub_alone), T_(hub_oneway_data),
		T_(cluster_one), T_(cluster_in_order), T_(cluster_two),
		T_(cluster_flapping), T_(cluster_fallback_cut_short),
		T_(cluster_reload), T_(cluster_underlay), T_(cluster_restart),
		T_(drain), T_(drain_cluster),
		T_(carrier), T_(carrier_always_on), T_(carrier_restart),
		T_(name_moves),
	};

	return cmocka_run_group_tests_name("hubs", tests, NULL, NULL);
}
