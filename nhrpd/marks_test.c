/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * marks_test: the hub of spokes behind one NAT address. The world is a table
 * of who has an SA by which mark, and what the kernel was told last of each
 * neighbour. N is the NAT's address, spokes are 10.0.0.4, .5 and .6.
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
#include "fake_world.h"
#include "packet.h"

#define IFINDEX 3
#define MARKS 8
#define N "9.9.9.9"

struct world {
	struct engine *engine;
	struct conf_iface conf;
	uint64_t now;
	const char *identity[MARKS];	/* of the SA at N by mark; NULL: none */
	const char *elsewhere;		/* of the SA at 8.8.8.8, mark 7 */
	struct engine_neigh neigh[8];	/* by last byte of the address */
	uint8_t sent[NHRP_PACKET_MAX];
	struct nhrp_packet reply;
	uint32_t to_mark;
	unsigned int n_sent;
};

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct world *w = ctx;

	(void)ifindex;
	(void)nbma;
	w->n_sent++;
	w->to_mark = mark;
	memcpy(w->sent, buf, len);
	assert_int_equal(nhrp_decode(w->sent, len, &w->reply), NHRP_OK);
}

static void op_neigh_set(void *ctx, unsigned int ifindex,
			 const struct engine_neigh *n)
{
	struct world *w = ctx;

	(void)ifindex;
	w->neigh[n->addr.b[3]] = *n;
}

static void op_neigh_del(void *ctx, unsigned int ifindex,
			 const struct addr *addr)
{
	struct world *w = ctx;

	(void)ifindex;
	memset(&w->neigh[addr->b[3]], 0, sizeof(*w->neigh));
}

static void op_shortcut_set(void *ctx, unsigned int ifindex,
			    const struct engine_shortcut *s)
{
	(void)ctx;
	(void)ifindex;
	(void)s;
	fail();
}

static void op_shortcut_del(void *ctx, unsigned int ifindex,
			    const struct addr *prefix, uint8_t plen)
{
	(void)ctx;
	(void)ifindex;
	(void)prefix;
	(void)plen;
	fail();
}

static struct engine_sa op_sa(void *ctx, unsigned int ifindex,
			      const struct addr *nbma, uint32_t mark)
{
	struct engine_sa sa = { .state = ENGINE_SA_DOWN, .identity = "",
				.reason = "" };
	struct addr nat = A(N);
	struct world *w = ctx;
	const char *id = mark == 7 ? w->elsewhere : NULL;

	(void)ifindex;
	if (addr_eq(nbma, &nat))
		id = w->identity[mark];
	if (id) {
		sa.state = ENGINE_SA_UP;
		sa.identity = id;
	}
	return sa;
}

static uint32_t op_random(void *ctx)
{
	struct world *w = ctx;

	return ++w->now;
}

static const struct engine_ops ops = {
	.send = op_send, .neigh_set = op_neigh_set, .neigh_del = op_neigh_del,
	.peer_set = no_peer_set, .peer_del = no_peer_del,
	.shortcut_set = op_shortcut_set, .shortcut_del = op_shortcut_del,
	.sa = op_sa, .route = no_route, .random = op_random, .log = no_log,
};

static struct world *hub(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct addr local = A("1.1.1.1");

	w->now = 1000000;
	fake_conf(&w->conf, "10.0.0.1");
	strcpy(w->conf.protection, "HUB");
	w->conf.ipsec_required = true;
	w->engine = engine_new(&ops, w);
	assert_non_null(w->engine);
	assert_int_equal(engine_iface_set(w->engine, IFINDEX, &w->conf, &local,
					  w->now), 0);
	return w;
}

static void hub_free(struct world *w)
{
	engine_free(w->engine);
	free(w);
}

static void put(struct world *w, enum nhrp_type type, const char *nbma,
		uint32_t mark, const char *src, const char *dst)
{
	struct nhrp_packet p = {
		.afn = 1, .proto_type = 0x0800, .hops = 255, .type = type,
		.flags = 0x8002, .reqid = 77, .src_nbma = A("192.168.1.2"),
		.src_proto = A(src), .dst_proto = A(dst),
	};
	struct nhrp_cie *c = nhrp_cie_add(&p.cies);
	struct addr from = A(nbma);
	uint8_t buf[NHRP_PACKET_MAX];
	int len;

	c->mtu = 1400;
	c->hold = 600;
	c->prefix = type == NHRP_REGISTRATION_REQUEST ? 255 : 0;
	nhrp_ext_add(&p, NHRP_EXT_FORWARD);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE);
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER);
	nhrp_ext_add(&p, NHRP_EXT_NAT);
	len = nhrp_encode(&p, buf, sizeof(buf));
	assert_true(len > 0);
	w->n_sent = 0;
	engine_recv(w->engine, IFINDEX, &from, mark, buf, len, w->now);
}

/* @src registers by @mark; the code of the answer to it. */
static int enrol(struct world *w, const char *nbma, uint32_t mark,
		 const char *src)
{
	put(w, NHRP_REGISTRATION_REQUEST, nbma, mark, src, "10.0.0.1");
	assert_int_equal(w->n_sent, 1);
	assert_int_equal(w->to_mark, mark);
	assert_int_equal(w->reply.type, NHRP_REGISTRATION_REPLY);
	return w->reply.cies.e[0].code;
}

/* R4 by mark 1, R5 by mark 2. */
static struct world *two(void)
{
	struct world *w = hub();

	w->identity[1] = "r4.lab";
	w->identity[2] = "r5.lab";
	assert_int_equal(enrol(w, N, 1, "10.0.0.4"), 0);
	assert_int_equal(enrol(w, N, 2, "10.0.0.5"), 0);
	return w;
}

static void test_apart(void **state)
{
	struct world *w = two();

	(void)state;
	assert_int_equal(w->neigh[4].mark, 1);
	assert_int_equal(w->neigh[5].mark, 2);
	assert_int_equal(enrol(w, N, 2, "10.0.0.4"),
			 NHRP_CODE_ALREADY_REGISTERED);
	assert_int_equal(w->neigh[4].mark, 1);
	hub_free(w);
}

/* The same one comes back by another mark. */
static void test_back(void **state)
{
	struct world *w = two();

	(void)state;
	w->identity[1] = NULL;
	w->identity[3] = "r4.lab";
	assert_int_equal(enrol(w, N, 3, "10.0.0.4"), 0);
	assert_int_equal(w->neigh[4].mark, 3);
	hub_free(w);
}

/* A new charon: mark 1 will be R5's, who must get nothing of R4's. */
static void test_counted_anew(void **state)
{
	struct world *w = two();

	(void)state;
	w->identity[1] = w->identity[2] = NULL;
	engine_forget_marks(w->engine, IFINDEX, w->now);
	assert_int_equal(w->neigh[4].mark, 0);
	assert_int_equal(w->neigh[5].mark, 0);
	w->identity[1] = "r5.lab";
	assert_int_equal(enrol(w, N, 1, "10.0.0.5"), 0);
	assert_int_equal(w->neigh[5].mark, 1);
	assert_int_equal(w->neigh[4].mark, 0);
	/* and is not R4 either */
	assert_int_equal(enrol(w, N, 1, "10.0.0.4"),
			 NHRP_CODE_ALREADY_REGISTERED);
	w->identity[2] = "r4.lab";
	assert_int_equal(enrol(w, N, 2, "10.0.0.4"), 0);
	assert_int_equal(w->neigh[4].mark, 2);
	hub_free(w);
}

/* Marks that still have their SA stay. */
static void test_kept(void **state)
{
	struct world *w = two();

	(void)state;
	w->identity[2] = NULL;
	engine_forget_marks(w->engine, IFINDEX, w->now);
	assert_int_equal(w->neigh[4].mark, 1);
	assert_int_equal(w->neigh[5].mark, 0);
	hub_free(w);
}

/* What a daemon before this one left in the kernel is not believed either. */
static void test_adopted(void **state)
{
	struct world *old = two(), *w = hub();

	(void)state;
	w->identity[1] = "r4.lab";
	for (int k = 4; k <= 5; k++)
		engine_adopt(w->engine, IFINDEX, &old->neigh[k], w->now);
	assert_int_equal(w->neigh[5].mark, 0);
	assert_true(addr_eq(&w->neigh[5].addr, &old->neigh[5].addr));
	w->identity[2] = "r4.lab";
	assert_int_equal(enrol(w, N, 2, "10.0.0.5"),
			 NHRP_CODE_ALREADY_REGISTERED);
	hub_free(w);
	hub_free(old);
}

/* Nobody is told where to find one of several at one address. */
static void test_no_direct_path(void **state)
{
	struct world *w = two();

	(void)state;
	w->elsewhere = "r6.lab";
	assert_int_equal(enrol(w, "8.8.8.8", 7, "10.0.0.6"), 0);
	put(w, NHRP_RESOLUTION_REQUEST, "8.8.8.8", 7, "10.0.0.6", "10.0.0.4");
	assert_int_equal(w->n_sent, 1);
	assert_int_equal(w->reply.type, NHRP_RESOLUTION_REPLY);
	assert_int_equal(w->reply.cies.e[0].code, NHRP_CODE_PROHIBITED);
	put(w, NHRP_RESOLUTION_REQUEST, N, 2, "10.0.0.5", "10.0.0.6");
	assert_int_equal(w->n_sent, 1);
	assert_int_equal(w->reply.cies.e[0].code, NHRP_CODE_PROHIBITED);
	hub_free(w);
}

/* One that has its address to itself is found. */
static void test_direct_path(void **state)
{
	struct world *w = hub();

	(void)state;
	w->identity[1] = "r4.lab";
	w->elsewhere = "r6.lab";
	assert_int_equal(enrol(w, N, 1, "10.0.0.4"), 0);
	assert_int_equal(enrol(w, "8.8.8.8", 7, "10.0.0.6"), 0);
	put(w, NHRP_RESOLUTION_REQUEST, "8.8.8.8", 7, "10.0.0.6", "10.0.0.4");
	assert_int_equal(w->n_sent, 1);
	assert_int_equal(w->reply.type, NHRP_RESOLUTION_REQUEST);
	assert_int_equal(w->to_mark, 1);
	hub_free(w);
}

/* NAT gives R4 another address. */
static void test_moved(void **state)
{
	struct addr old = A(N), new = A("8.8.8.8");
	struct world *w = hub();

	(void)state;
	w->identity[7] = "r4.lab";
	assert_int_equal(enrol(w, N, 7, "10.0.0.4"), 0);
	w->identity[7] = NULL;
	w->elsewhere = "r5.lab";
	engine_moved(w->engine, IFINDEX, &old, &new, 7, w->now);
	assert_true(addr_eq(&w->neigh[4].nbma, &old));
	w->elsewhere = "r4.lab";
	engine_moved(w->engine, IFINDEX, &old, &new, 7, w->now);
	assert_true(addr_eq(&w->neigh[4].nbma, &new));
	assert_int_equal(w->neigh[4].mark, 7);
	hub_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_counted_anew),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_adopted),
		cmocka_unit_test(test_no_direct_path),
		cmocka_unit_test(test_direct_path),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
