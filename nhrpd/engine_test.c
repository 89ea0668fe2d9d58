/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_test: the procedures one by one. The world is a recorder: what the
 * engine sends is decoded again, what it tells the kernel is kept as the
 * kernel would keep it. Addresses are those of the seeds: hub R1 is
 * 192.168.1.1 at 1.1.1.1, spokes are R6, R7 and R8.
 */
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
#include "shortcut.h"

#define IFINDEX 3
#define SENT_MAX 64
#define KERNEL_MAX 64
#define SECOND 1000ull
#define KEY "secret"

struct sent {
	struct addr nbma;
	uint64_t at;
	uint8_t buf[NHRP_PACKET_MAX];
	size_t len;
	struct nhrp_packet p;
};

struct kpeer {
	struct addr nbma;
	uint32_t flags, priority;
};

struct lab {
	struct fake_world w;
	struct engine *engine;
	struct conf_iface conf;
	struct conf_nhrp *c;		/* the family in @conf that is tested */
	struct addr local;
	uint64_t now;
	struct sent sent[SENT_MAX];
	unsigned int n_sent, read;
	unsigned int n_neighs, n_peers, neigh_sets, peer_sets;
	unsigned int n_shortcuts, shortcut_sets;
	struct engine_neigh neigh[KERNEL_MAX];
	struct engine_shortcut shortcut[KERNEL_MAX];
	struct kpeer peer[KERNEL_MAX];
	struct engine_route route;	/* to all; with @n_fib: to the rest */
	struct engine_route fib[8];
	unsigned int n_fib;
	bool ipsec;			/* SAs are known of: */
	struct {
		struct addr nbma;
		struct engine_sa sa;
		bool needed;
	} sa[8];
	unsigned int n_sas, needs;
	bool blind;			/* cannot tell what is in a prefix */
	char name[CONF_FQDN_MAX];	/* last looked up */
	bool deaf;			/* does not keep what is sent and set */
};

/* ---- the world ---- */

static enum conf_family family(const struct lab *l)
{
	return l->c - l->conf.nhrp;
}

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct lab *l = ctx;
	struct sent *s = &l->sent[l->n_sent];

	assert_int_equal(ifindex, IFINDEX);
	assert_int_equal(mark, 0);
	if (l->deaf)
		return;
	assert_in_range(l->n_sent, 0, SENT_MAX - 1);
	l->n_sent++;
	s->nbma = *nbma;
	s->at = l->now;
	s->len = len;
	memcpy(s->buf, buf, len);
	assert_int_equal(nhrp_decode(s->buf, len, &s->p), NHRP_OK);
	assert_true(nhrp_auth_ok(&s->p, l->c->auth));
	assert_true(s->p.hops > 0);
}

static struct engine_neigh *neigh(struct lab *l, const char *addr)
{
	struct addr a = A(addr);
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
	struct engine_neigh *n = neigh(l, T(addr));

	(void)ifindex;
	if (n)
		*n = l->neigh[--l->n_neighs];
}

static void op_neigh_set(void *ctx, unsigned int ifindex,
			 const struct engine_neigh *n)
{
	struct lab *l = ctx;

	l->neigh_sets++;
	assert_false(n->flags & DMVPN_NEIGH_F_REJECT);
	if (l->deaf)
		return;
	op_neigh_del(ctx, ifindex, &n->addr);
	assert_in_range(l->n_neighs, 0, KERNEL_MAX - 1);
	l->neigh[l->n_neighs++] = *n;
}

static struct kpeer *peer(struct lab *l, const char *nbma)
{
	struct addr a = A(nbma);
	unsigned int k;

	for (k = 0; k < l->n_peers; k++)
		if (addr_eq(&l->peer[k].nbma, &a))
			return &l->peer[k];
	return NULL;
}

static void op_peer_del(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark)
{
	struct lab *l = ctx;
	struct kpeer *p = peer(l, T(nbma));

	(void)ifindex;
	(void)mark;
	if (p)
		*p = l->peer[--l->n_peers];
}

static void op_peer_set(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark, uint32_t flags,
			uint32_t priority)
{
	struct lab *l = ctx;

	l->peer_sets++;
	if (l->deaf)
		return;
	op_peer_del(ctx, ifindex, nbma, mark);
	assert_in_range(l->n_peers, 0, KERNEL_MAX - 1);
	l->peer[l->n_peers++] = (struct kpeer){ *nbma, flags, priority };
}

static struct engine_shortcut *shortcut(struct lab *l, const char *prefix,
					uint8_t plen)
{
	struct addr a = A(prefix);
	unsigned int k;

	for (k = 0; k < l->n_shortcuts; k++)
		if (addr_eq(&l->shortcut[k].prefix, &a) &&
		    l->shortcut[k].plen == plen)
			return &l->shortcut[k];
	return NULL;
}

static void op_shortcut_del(void *ctx, unsigned int ifindex,
			    const struct addr *prefix, uint8_t plen)
{
	struct lab *l = ctx;
	struct engine_shortcut *s = shortcut(l, T(prefix), plen);

	assert_int_equal(ifindex, IFINDEX);
	if (s)
		*s = l->shortcut[--l->n_shortcuts];
}

static void op_shortcut_set(void *ctx, unsigned int ifindex,
			    const struct engine_shortcut *s)
{
	struct lab *l = ctx;

	l->shortcut_sets++;
	if (l->deaf)
		return;
	op_shortcut_del(ctx, ifindex, &s->prefix, s->plen);
	assert_in_range(l->n_shortcuts, 0, KERNEL_MAX - 1);
	l->shortcut[l->n_shortcuts++] = *s;
}

/* What is known of the SA to @nbma; made when there is none. */
static unsigned int sa_at(struct lab *l, const struct addr *nbma)
{
	unsigned int k;

	for (k = 0; k < l->n_sas; k++)
		if (addr_eq(&l->sa[k].nbma, nbma))
			return k;
	assert_in_range(k, 0, 7);
	l->sa[k].nbma = *nbma;
	l->sa[k].needed = false;
	l->sa[k].sa = (struct engine_sa){ .state = ENGINE_SA_DOWN,
					 .identity = "", .reason = "" };
	return l->n_sas++;
}

static void op_need(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, bool on)
{
	struct lab *l = ctx;
	unsigned int k = sa_at(l, nbma);

	assert_int_equal(ifindex, IFINDEX);
	assert_int_equal(mark, 0);
	assert_true(l->sa[k].needed == !on);	/* told when it changes */
	l->sa[k].needed = on;
	l->needs++;
}

static struct engine_sa op_sa(void *ctx, unsigned int ifindex,
			      const struct addr *nbma, uint32_t mark)
{
	struct lab *l = ctx;

	(void)mark;
	assert_int_equal(ifindex, IFINDEX);
	if (l->ipsec)
		return l->sa[sa_at(l, nbma)].sa;
	return (struct engine_sa){ .identity = "", .reason = "" };
}

static struct engine_route op_route(void *ctx, unsigned int ifindex,
				    const struct addr *dst)
{
	struct lab *l = ctx;
	struct engine_route best = l->route, *r;

	(void)ifindex;
	for (r = l->fib; r < l->fib + l->n_fib; r++)
		if (addr_in_prefix(dst, &r->prefix, r->plen) &&
		    (!best.found || r->plen >= best.plen))
			best = *r;
	return best;
}

static uint8_t op_narrow(void *ctx, unsigned int ifindex,
			 const struct addr *dst, uint8_t plen)
{
	struct lab *l = ctx;
	struct engine_route *r;
	uint8_t n = plen;

	(void)ifindex;
	for (r = l->fib; r < l->fib + l->n_fib; r++)
		while (n < dst->len * 8 && r->plen > plen && !l->blind &&
		       addr_in_prefix(&r->prefix, dst, n))
			n++;
	return n;
}

static void op_lookup(void *ctx, unsigned int ifindex, const char *fqdn)
{
	struct lab *l = ctx;

	(void)ifindex;
	strcpy(l->name, fqdn);
}

static const struct engine_ops ops = {
	.send = op_send,
	.neigh_set = op_neigh_set,
	.neigh_del = op_neigh_del,
	.peer_set = op_peer_set,
	.peer_del = op_peer_del,
	.shortcut_set = op_shortcut_set,
	.shortcut_del = op_shortcut_del,
	.need = op_need,
	.sa = op_sa,
	.route = op_route,
	.narrow = op_narrow,
	.lookup = op_lookup,
	.random = fake_random,
	.log = fake_log,
	.event = fake_event,
};

static struct lab *lab_new(const char *addr, const char *local)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->now = 1000 * SECOND;
	l->w.rng = 7;
	l->local = A(local);
	l->c = fake_conf(&l->conf, addr);
	strcpy(l->c->auth, KEY);
	l->engine = engine_new(&ops, l);
	assert_non_null(l->engine);
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

/* R1: registers whoever comes. */
static struct lab *hub(void)
{
	struct lab *l = lab_new("192.168.1.1", "1.1.1.1");

	l->c->multicast_dynamic = true;
	apply(l);
	return l;
}

static void add_nhs(struct lab *l, const char *proto, const char *nbma)
{
	struct conf_nhs *n = &l->c->nhs[l->c->n_nhs++];

	if (proto)
		n->proto = A(proto);
	if (nbma)
		n->nbma = A(nbma);
}

/* R6, not yet registered. */
static struct lab *spoke(void)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");

	add_nhs(l, "192.168.1.1", "1.1.1.1");
	l->c->nhs[0].multicast = true;
	apply(l);
	return l;
}

/* ---- time and packets ---- */

/* Runs until @ms later, each timer at its own moment. */
static void pass(struct lab *l, uint64_t ms)
{
	uint64_t end = l->now + ms, at;

	while ((at = engine_deadline(l->engine)) <= end) {
		l->now = at > l->now ? at : l->now;
		engine_run(l->engine, l->now);
	}
	l->now = end;
}

/* The next packet sent; of that type, to that NBMA address. */
static struct sent *sent(struct lab *l, enum nhrp_type type, const char *nbma)
{
	struct sent *s = &l->sent[l->read];

	if (l->read == l->n_sent)
		fail_msg("%s expected, nothing sent", nhrp_type_name(type));
	l->read++;
	assert_string_equal(nhrp_type_name(s->p.type), nhrp_type_name(type));
	assert_string_equal(T(&s->nbma), nbma);
	return s;
}

static void silent(struct lab *l)
{
	if (l->read != l->n_sent)
		fail_msg("%s sent", nhrp_type_name(l->sent[l->read].p.type));
}

static void forget_sent(struct lab *l)
{
	l->n_sent = l->read = 0;
}

static void put(struct lab *l, const char *nbma, struct nhrp_packet *p)
{
	struct addr from = A(nbma);
	uint8_t buf[NHRP_PACKET_MAX], key[NHRP_AUTH_MAX + 4];
	int len;

	assert_int_equal(nhrp_auth_set(p, l->c->auth, key), 0);
	len = nhrp_encode(p, buf, sizeof(buf));
	assert_true(len > 0);
	engine_recv(l->engine, IFINDEX, &from, 0, buf, len, l->now);
}

/* A packet as a spoke makes it, one CIE, extensions in FRR's order. */
static struct nhrp_packet packet(enum nhrp_type type, uint16_t flags,
				 uint32_t id, const char *src_nbma,
				 const char *src, const char *dst)
{
	struct nhrp_packet p = {
		.afn = strchr(src_nbma, ':') ? 2 : 1, .hops = 255, .type = type,
		.flags = flags, .reqid = id, .src_nbma = A(src_nbma),
		.src_proto = A(src), .dst_proto = A(dst),
	};
	struct nhrp_cie *c;

	p.proto_type = p.src_proto.len == 16 ? 0x86dd : 0x0800;
	if (type < NHRP_ERROR_INDICATION) {
		c = nhrp_cie_add(&p.cies);
		c->mtu = 1400;
		c->hold = 600;
	}
	nhrp_ext_add(&p, NHRP_EXT_FORWARD);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE);
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER);
	nhrp_ext_add(&p, NHRP_EXT_NAT);
	return p;
}

static struct nhrp_packet registration(const char *nbma, const char *proto,
				       bool unique)
{
	struct nhrp_packet p = packet(NHRP_REGISTRATION_REQUEST,
				      unique ? 0x8002 : 0x0002, 77, nbma,
				      proto, strchr(proto, ':') ?
				      "2001:db8::1" : "192.168.1.1");

	p.cies.e[0].prefix = unique ? 255 : p.src_proto.len * 8;
	return p;
}

static struct nhrp_packet question(const char *nbma, const char *proto,
				   const char *target)
{
	return packet(NHRP_RESOLUTION_REQUEST, 0xc802, 99, nbma, proto, target);
}

/* The answer to a request that was sent, as the target itself gives it. */
static struct nhrp_packet answer_to(const struct sent *s, const char *nbma)
{
	struct nhrp_packet p = s->p;

	p.type++;
	p.flags = s->p.type == NHRP_RESOLUTION_REQUEST ? 0xf802 : s->p.flags;
	if (p.cies.n) {
		p.cies.e[0].hold = 600;
		if (s->p.type == NHRP_RESOLUTION_REQUEST) {
			p.cies.e[0].prefix = p.dst_proto.len * 8;
			p.cies.e[0].nbma = A(nbma);
			p.cies.e[0].proto = p.dst_proto;
		}
	}
	return p;
}

/* As pass(), but the NHS answers registrations, which are not shown. */
static void live(struct lab *l, uint64_t ms)
{
	uint64_t end = l->now + ms, at;
	struct nhrp_packet p;
	struct sent *s;

	while ((at = engine_deadline(l->engine)) <= end) {
		l->now = at > l->now ? at : l->now;
		engine_run(l->engine, l->now);
		s = l->n_sent ? &l->sent[l->n_sent - 1] : NULL;
		if (!s || s->p.type != NHRP_REGISTRATION_REQUEST)
			continue;
		l->n_sent--;
		p = answer_to(s, NULL);
		put(l, "1.1.1.1", &p);
	}
	l->now = end;
}

static void do_register(struct lab *l, const char *nbma, const char *proto,
			bool unique)
{
	struct nhrp_packet p = registration(nbma, proto, unique);
	struct sent *s;

	put(l, nbma, &p);
	s = sent(l, NHRP_REGISTRATION_REPLY, nbma);
	assert_int_equal(s->p.cies.e[0].code, 0);
}

/* R6 registered at R1. */
static struct lab *registered_spoke(void)
{
	struct lab *l = spoke();
	struct nhrp_packet p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST,
					      "1.1.1.1"), NULL);

	l->now += 12;
	put(l, "1.1.1.1", &p);
	silent(l);
	forget_sent(l);
	return l;
}

static uint64_t rejected(struct lab *l, enum engine_reject why)
{
	struct engine_traffic t;

	assert_true(engine_traffic(l->engine, IFINDEX, family(l), &t));
	return t.rejected[why];
}

/* Exactly one more of @why since it was counted @before, nothing answered. */
static void refused(struct lab *l, enum engine_reject why)
{
	assert_int_equal(rejected(l, why), 1);
	silent(l);
}

static void resolve(struct lab *l, const char *nexthop)
{
	struct addr hop = A(nexthop), src = A("66.66.66.66");

	engine_resolve(l->engine, IFINDEX, &hop, &src, &hop, l->now);
}

struct find {
	struct addr proto;
	bool found;
	struct engine_entry e;
	char reason[128];
};

static void find_entry(void *ctx, const struct engine_entry *e)
{
	struct find *f = ctx;

	if (!addr_eq(&e->proto, &f->proto))
		return;
	f->found = true;
	f->e = *e;
	snprintf(f->reason, sizeof(f->reason), "%s", e->reason);
	f->e.reason = f->reason;
}

/* As shown; NULL: there is none. */
static const struct engine_entry *shown(struct lab *l, const char *proto)
{
	static struct find f;

	memset(&f, 0, sizeof(f));
	f.proto = A(proto);
	engine_each_entry(l->engine, find_entry, &f);
	return f.found ? &f.e : NULL;
}

static void copy_nhs(void *ctx, const struct engine_nhs_info *n)
{
	*(struct engine_nhs_info *)ctx = *n;
}

static struct engine_nhs_info nhs_of(struct lab *l)
{
	struct engine_nhs_info n = { 0 };

	engine_each_nhs(l->engine, copy_nhs, &n);
	return n;
}

static void assert_exts(const struct nhrp_packet *p, const char *types)
{
	char text[64] = "";
	unsigned int k;

	for (k = 0; k < p->n_exts; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%u", k ? " " : "", p->ext[k].type);
	assert_string_equal(text, types);
}

static const struct nhrp_cies *list(const struct sent *s, unsigned int type)
{
	const struct nhrp_ext *e = nhrp_ext_find(&s->p, type);

	assert_non_null(e);
	assert_true(e->has_cies);
	return &e->cies;
}

static void assert_one(const struct sent *s, unsigned int type,
		       const char *nbma, const char *proto)
{
	const struct nhrp_cies *c = list(s, type);

	assert_int_equal(c->n, 1);
	assert_string_equal(T(&c->e[0].nbma), nbma);
	assert_string_equal(T(&c->e[0].proto), proto);
}

/* ---- registration: client ---- */

static void test_register_format(void **state)
{
	struct lab *l = spoke();
	struct sent *s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");

	(void)state;
	assert_int_equal(s->p.hops, 255);
	assert_int_equal(s->p.flags, 0x8002);
	assert_string_equal(T(&s->p.src_nbma), "6.6.6.6");
	assert_string_equal(T(&s->p.src_proto), "192.168.1.6");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.1");
	assert_int_equal(s->p.cies.n, 1);
	assert_int_equal(s->p.cies.e[0].prefix, 255);
	assert_int_equal(s->p.cies.e[0].hold, 7200);
	assert_int_equal(s->p.cies.e[0].mtu, 1400);
	assert_false(addr_is_set(&s->p.cies.e[0].nbma));
	assert_exts(&s->p, "3 4 5 7 9");
	assert_one(s, NHRP_EXT_NAT, "1.1.1.1", "192.168.1.1");
	assert_int_equal(list(s, NHRP_EXT_NAT)->e[0].prefix, 32);
	assert_int_equal(list(s, NHRP_EXT_NAT)->e[0].hold, 0);
	/* protocol.md 1.12: 100 + length of the key */
	assert_int_equal(s->len, 100 + strlen(KEY));
	silent(l);
	lab_free(l);
}

static void test_register_no_unique(void **state)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");
	struct sent *s;

	(void)state;
	l->c->no_unique = true;
	add_nhs(l, "192.168.1.1", "1.1.1.1");
	apply(l);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_int_equal(s->p.flags, 0x0002);
	assert_int_equal(s->p.cies.e[0].prefix, 32);
	lab_free(l);
}

static void test_register_backoff(void **state)
{
	/* since the one before, ms; the NHS is down before the fourth */
	static const unsigned int gaps[][2] = {
		{ 750, 1000 }, { 1500, 2000 }, { 21000, 28000 },
		{ 24000, 32000 }, { 24000, 32000 },
	};
	struct lab *l = spoke();
	struct sent *s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	uint32_t id = s->p.reqid;
	uint64_t last = s->at, start = s->at;
	unsigned int k;

	(void)state;
	pass(l, 5200);
	assert_string_equal(nhs_of(l).reason, "no answer yet");
	assert_null(peer(l, "1.1.1.1"));
	pass(l, 1800);
	assert_true(nhs_of(l).changed >= start + 5250);
	assert_true(nhs_of(l).changed <= start + 7000);
	assert_string_equal(nhs_of(l).reason, "no answer to registrations");
	assert_int_equal(peer(l, "1.1.1.1")->flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_MULTICAST);
	assert_int_equal(shown(l, "192.168.1.1")->state, ENTRY_DOWN);
	assert_non_null(strstr(l->w.events, "nhs-down 192.168.1.1 1.1.1.1"));
	pass(l, 120 * SECOND);
	for (k = 0; k < sizeof(gaps) / sizeof(*gaps); k++) {
		s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
		assert_int_equal(s->p.reqid, id);
		assert_in_range(s->at - last, gaps[k][0], gaps[k][1]);
		last = s->at;
	}
	lab_free(l);
}

static void test_register_up(void **state)
{
	struct lab *l = spoke();
	struct sent *s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	struct nhrp_packet p = answer_to(s, NULL);
	uint64_t up;

	(void)state;
	/* the mapping is there at once, the verdict is not */
	assert_int_equal(neigh(l, "192.168.1.1")->flags, DMVPN_NEIGH_F_STATIC);
	assert_int_equal(neigh(l, "192.168.1.1")->expires, 0);
	assert_int_equal(shown(l, "192.168.1.1")->type, ENTRY_STATIC);
	assert_int_equal(shown(l, "192.168.1.1")->state, ENTRY_REGISTERING);
	l->now += 12;
	put(l, "1.1.1.1", &p);
	up = l->now;
	assert_non_null(strstr(l->w.log, "Tunnel0: NHS 192.168.1.1 (1.1.1.1) is up, registered in 12 ms, holding time 600 s"));
	assert_non_null(strstr(l->w.events, "nhs-up 192.168.1.1 1.1.1.1"));
	assert_int_equal(peer(l, "1.1.1.1")->flags, DMVPN_PEER_F_HUB |
			 DMVPN_PEER_F_NHS | DMVPN_PEER_F_MULTICAST);
	assert_int_equal(shown(l, "192.168.1.1")->state, ENTRY_UP);
	assert_true(nhs_of(l).up);
	/* again after three quarters of a minute to a minute, with a new id */
	while (l->read == l->n_sent)
		pass(l, 100);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_in_range(s->at - up, 45 * SECOND, 60 * SECOND);
	assert_int_not_equal(s->p.reqid, p.reqid);
	assert_int_not_equal(s->p.reqid, p.reqid + 1);	/* not to be guessed */
	assert_true(nhs_of(l).up);
	/* unanswered, it is down, but stays a hub */
	pass(l, 8 * SECOND);
	assert_false(nhs_of(l).up);
	assert_int_equal(peer(l, "1.1.1.1")->flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_MULTICAST);
	assert_non_null(neigh(l, "192.168.1.1"));
	lab_free(l);
}

static void test_register_reply_of_others(void **state)
{
	struct lab *l = spoke();
	struct sent *s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	struct nhrp_packet p = answer_to(s, NULL);

	(void)state;
	put(l, "7.7.7.7", &p);
	assert_int_equal(rejected(l, REJECT_UNSOLICITED), 1);
	p.reqid++;
	put(l, "1.1.1.1", &p);
	assert_int_equal(rejected(l, REJECT_UNSOLICITED), 2);
	assert_false(nhs_of(l).up);
	p.reqid--;
	put(l, "1.1.1.1", &p);
	assert_true(nhs_of(l).up);
	put(l, "1.1.1.1", &p);		/* doubled on the way */
	assert_int_equal(rejected(l, REJECT_UNSOLICITED), 3);
	assert_true(nhs_of(l).up);
	lab_free(l);
}

static void test_register_nak(void **state)
{
	static const struct {
		uint8_t code;
		const char *reason;
	} naks[] = {
		{ 4, "registration refused: administratively prohibited (4)" },
		{ 5, "registration refused: insufficient resources (5)" },
		{ 14, "registration refused: unique address registered already from elsewhere (14)" },
	};
	struct nhrp_packet p;
	struct lab *l;
	unsigned int k;

	(void)state;
	for (k = 0; k < 3; k++) {
		l = spoke();
		p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"),
			      NULL);
		p.cies.e[0].code = naks[k].code;
		put(l, "1.1.1.1", &p);
		assert_false(nhs_of(l).up);
		assert_string_equal(nhs_of(l).reason, naks[k].reason);
		assert_non_null(strstr(l->w.log, naks[k].reason));
		/* goes on trying, with a new id */
		pass(l, 1000);
		assert_int_not_equal(sent(l, NHRP_REGISTRATION_REQUEST,
					  "1.1.1.1")->p.reqid, p.reqid);
		pass(l, 50);
		p = answer_to(&l->sent[l->read - 1], NULL);
		put(l, "1.1.1.1", &p);
		assert_true(nhs_of(l).up);
		lab_free(l);
	}
}

static void test_register_dynamic_nhs(void **state)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");
	struct nhrp_packet p;
	struct nhrp_ext *e;
	struct nhrp_cie *c;
	struct sent *s;

	(void)state;
	add_nhs(l, NULL, "1.1.1.1");
	apply(l);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.6");
	assert_one(s, NHRP_EXT_NAT, "1.1.1.1", "0.0.0.0");
	assert_int_equal(s->p.hops, 1);
	p = answer_to(s, NULL);
	e = nhrp_ext_get(&p, NHRP_EXT_RESPONDER);
	c = nhrp_cie_add(&e->cies);
	c->nbma = A("1.1.1.1");
	c->proto = A("192.168.1.1");
	put(l, "1.1.1.1", &p);
	assert_true(nhs_of(l).up);
	assert_string_equal(T(&neigh(l, "192.168.1.1")->nbma), "1.1.1.1");
	assert_true(shown(l, "192.168.1.1")->nhs);
	lab_free(l);
}

static void test_register_mapped_nhs(void **state)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");

	(void)state;
	/* the seeds: ip nhrp map, ip nhrp map multicast, ip nhrp nhs */
	add_nhs(l, "192.168.1.1", NULL);
	l->c->map[0] = (struct conf_map){ A("192.168.1.1"), A("1.1.1.1"), 0 };
	l->c->map[1] = (struct conf_map){ { 0 }, A("1.1.1.1"), true };
	l->c->map[2] = (struct conf_map){ A("192.168.1.9"), A("9.9.9.9"), 0 };
	l->c->n_map = 3;
	apply(l);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_null(peer(l, "1.1.1.1"));	/* no verdict yet */
	assert_string_equal(T(&neigh(l, "192.168.1.9")->nbma), "9.9.9.9");
	assert_int_equal(shown(l, "192.168.1.9")->state, ENTRY_UP);
	pass(l, 7 * SECOND);
	assert_int_equal(peer(l, "1.1.1.1")->flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_MULTICAST);
	/* a line goes, the rest is not disturbed */
	l->neigh_sets = l->peer_sets = 0;
	forget_sent(l);
	l->c->n_map = 2;
	apply(l);
	assert_null(neigh(l, "192.168.1.9"));
	assert_int_equal(l->neigh_sets + l->peer_sets, 0);
	silent(l);
	lab_free(l);
}

static void test_register_name(void **state)
{
	struct addr two[] = { A("1.1.1.1"), A("2.2.2.2") };
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");

	(void)state;
	add_nhs(l, "192.168.1.1", NULL);
	strcpy(l->c->nhs[0].fqdn, "hub.example.net");
	apply(l);
	silent(l);
	assert_string_equal(l->name, "hub.example.net");
	engine_name(l->engine, IFINDEX, "hub.example.net", NULL, 0, l->now);
	assert_string_equal(nhs_of(l).reason, "its name does not resolve");
	l->name[0] = '\0';
	pass(l, 4 * SECOND);
	assert_string_equal(l->name, "hub.example.net");
	engine_name(l->engine, IFINDEX, "hub.example.net", two, 2, l->now);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_int_equal(shown(l, "192.168.1.1")->type, ENTRY_DYNAMIC);
	assert_int_equal(neigh(l, "192.168.1.1")->expires, 0);
	/* it does not answer, hence the other one */
	pass(l, 8 * SECOND);
	forget_sent(l);
	engine_name(l->engine, IFINDEX, "hub.example.net", two, 2, l->now);
	sent(l, NHRP_REGISTRATION_REQUEST, "2.2.2.2");
	assert_string_equal(T(&neigh(l, "192.168.1.1")->nbma), "2.2.2.2");
	lab_free(l);
}

static void test_register_nat(void **state)
{
	struct lab *l = spoke();
	struct nhrp_packet p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST,
					      "1.1.1.1"), NULL);
	struct nhrp_ext *nat = nhrp_ext_get(&p, NHRP_EXT_NAT);
	struct nhrp_cie *c = nhrp_cie_add(&nat->cies);
	struct sent *s;

	(void)state;
	c->nbma = A("60.60.60.60");
	c->proto = A("192.168.1.6");
	put(l, "1.1.1.1", &p);
	assert_non_null(strstr(l->w.log, "behind NAT, public address 60.60.60.60"));
	resolve(l, "192.168.1.8");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_one(s, NHRP_EXT_NAT, "60.60.60.60", "192.168.1.6");
	lab_free(l);
}

static void test_underlay_goes_and_comes(void **state)
{
	struct lab *l = registered_spoke();

	(void)state;
	l->local = (struct addr){ 0 };
	apply(l);
	assert_false(nhs_of(l).up);
	assert_string_equal(nhs_of(l).reason,
			    "the tunnel source has no address");
	pass(l, 300 * SECOND);
	silent(l);
	resolve(l, "192.168.1.8");
	refused(l, REJECT_OFF);
	l->local = A("6.6.6.7");
	apply(l);
	assert_string_equal(T(&sent(l, NHRP_REGISTRATION_REQUEST,
				    "1.1.1.1")->p.src_nbma), "6.6.6.7");
	lab_free(l);
}

static void test_config_diff(void **state)
{
	struct lab *l = registered_spoke();
	struct sent *s;

	(void)state;
	/* the same again: nothing happens */
	l->neigh_sets = l->peer_sets = 0;
	apply(l);
	silent(l);
	assert_int_equal(l->neigh_sets + l->peer_sets, 0);
	/* another NHS besides: it alone is registered with */
	add_nhs(l, "192.168.1.2", "2.2.2.2");
	l->c->nhs[1].priority = 5;
	apply(l);
	sent(l, NHRP_REGISTRATION_REQUEST, "2.2.2.2");
	silent(l);
	/* the first one goes: withdrawn, and out of the kernel */
	l->c->nhs[0] = l->c->nhs[1];
	l->c->n_nhs = 1;
	apply(l);
	s = sent(l, NHRP_PURGE_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.cies.e[0].proto), "192.168.1.6");
	silent(l);
	assert_null(neigh(l, "192.168.1.1"));
	assert_null(peer(l, "1.1.1.1"));
	assert_non_null(neigh(l, "192.168.1.2"));
	/* a new holding time is told at once */
	l->c->holdtime = 600;
	apply(l);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "2.2.2.2");
	assert_int_equal(s->p.cies.e[0].hold, 600);
	lab_free(l);
}

static void test_iface_del(void **state)
{
	struct lab *l = registered_spoke();
	struct engine_traffic t;
	struct sent *s;

	(void)state;
	engine_iface_del(l->engine, IFINDEX, l->now);
	s = sent(l, NHRP_PURGE_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.cies.e[0].proto), "192.168.1.6");
	assert_int_equal(l->n_neighs, 0);
	assert_int_equal(l->n_peers, 0);
	assert_true(engine_deadline(l->engine) == UINT64_MAX);
	assert_false(engine_traffic(l->engine, IFINDEX, family(l), &t));
	lab_free(l);
}

/* ---- registration: server ---- */

static void test_serve_registration(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", true);
	struct nhrp_ext *nat = nhrp_ext_get(&p, NHRP_EXT_NAT);
	struct nhrp_cie *c = nhrp_cie_add(&nat->cies);
	const struct engine_entry *e;
	struct sent *s;

	(void)state;
	c->prefix = 32;
	c->nbma = A("1.1.1.1");
	c->proto = A("192.168.1.1");
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_REGISTRATION_REPLY, "6.6.6.6");
	assert_int_equal(s->p.reqid, 77);
	assert_int_equal(s->p.flags, 0x8002);
	assert_int_equal(s->p.hops, 255);
	assert_int_equal(s->p.cies.n, 1);
	assert_int_equal(s->p.cies.e[0].code, 0);
	assert_int_equal(s->p.cies.e[0].hold, 600);
	assert_int_equal(s->p.cies.e[0].prefix, 255);
	assert_string_equal(T(&s->p.src_proto), "192.168.1.6");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.1");
	assert_one(s, NHRP_EXT_RESPONDER, "1.1.1.1", "192.168.1.1");
	assert_one(s, NHRP_EXT_NAT, "1.1.1.1", "192.168.1.1");
	assert_exts(&s->p, "4 5 3 9 7");	/* in the request's order */
	assert_int_equal(neigh(l, "192.168.1.6")->flags,
			 DMVPN_NEIGH_F_REGISTERED | DMVPN_NEIGH_F_UNIQUE);
	assert_int_equal(neigh(l, "192.168.1.6")->expires, 600 * SECOND);
	assert_int_equal(neigh(l, "192.168.1.6")->refresh, 0);
	assert_int_equal(peer(l, "6.6.6.6")->flags, DMVPN_PEER_F_MULTICAST);
	e = shown(l, "192.168.1.6");
	assert_true(e->registered && e->unique && e->nat);
	assert_int_equal(e->type, ENTRY_DYNAMIC);
	assert_int_equal(e->state, ENTRY_UP);
	assert_true(e->expires == l->now + 600 * SECOND);
	assert_non_null(strstr(l->w.log, "Tunnel0: 192.168.1.6 registered from 6.6.6.6, holding time 600 s"));
	assert_non_null(strstr(l->w.events, "registered 192.168.1.6 6.6.6.6"));
	silent(l);			/* a registered peer is not probed */
	/* refreshed in time, then no more */
	pass(l, 500 * SECOND);
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	assert_int_equal(neigh(l, "192.168.1.6")->expires, 600 * SECOND);
	/* an event about the time before comes late */
	engine_expired(l->engine, IFINDEX, &p.src_proto, l->now);
	pass(l, 599 * SECOND);
	assert_non_null(shown(l, "192.168.1.6"));
	l->now += SECOND;
	engine_expired(l->engine, IFINDEX, &p.src_proto, l->now);
	assert_null(shown(l, "192.168.1.6"));
	assert_null(peer(l, "6.6.6.6"));
	assert_non_null(strstr(l->w.events, "expired 192.168.1.6"));
	lab_free(l);
}

/* Even when the kernel's event is lost. */
static void test_expiry_without_event(void **state)
{
	struct lab *l = hub();

	(void)state;
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	pass(l, 601 * SECOND);
	assert_non_null(shown(l, "192.168.1.6"));
	pass(l, 2 * SECOND);
	assert_null(shown(l, "192.168.1.6"));
	assert_int_equal(l->n_neighs, 0);
	lab_free(l);
}

static void test_serve_nat(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("10.0.0.6", "192.168.1.6", true);
	const struct engine_entry *e;
	struct sent *s;

	(void)state;
	put(l, "60.60.60.60", &p);
	s = sent(l, NHRP_REGISTRATION_REPLY, "60.60.60.60");
	assert_one(s, NHRP_EXT_NAT, "60.60.60.60", "192.168.1.6");
	assert_string_equal(T(&s->p.src_nbma), "10.0.0.6");
	assert_string_equal(T(&neigh(l, "192.168.1.6")->nbma), "60.60.60.60");
	e = shown(l, "192.168.1.6");
	assert_string_equal(T(&e->nbma), "60.60.60.60");
	assert_string_equal(T(&e->claimed), "10.0.0.6");
	lab_free(l);
}

static void test_serve_frr_dynamic(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", true);

	(void)state;
	p.hops = 1;
	p.dst_proto = p.src_proto;
	put(l, "6.6.6.6", &p);
	assert_string_equal(T(&sent(l, NHRP_REGISTRATION_REPLY,
				    "6.6.6.6")->p.dst_proto), "192.168.1.1");
	assert_non_null(neigh(l, "192.168.1.6"));
	lab_free(l);
}

static void nak(struct lab *l, struct nhrp_packet *p, enum nhrp_code code,
		enum engine_reject why)
{
	unsigned int neighs = l->n_neighs;
	uint64_t before = rejected(l, why);
	struct sent *s;

	put(l, "6.6.6.6", p);
	s = sent(l, NHRP_REGISTRATION_REPLY, "6.6.6.6");
	assert_int_equal(s->p.cies.n, 1);
	assert_int_equal(s->p.cies.e[0].code, code);
	assert_int_equal(s->p.cies.e[0].hold, 0);
	assert_int_equal(rejected(l, why), before + 1);
	assert_int_equal(l->n_neighs, neighs);
	silent(l);
}

static void test_serve_prohibited(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;

	(void)state;
	l->c->map[0] = (struct conf_map){ A("192.168.1.9"), A("9.9.9.9"), 0 };
	l->c->n_map = 1;
	apply(l);
	p = registration("6.6.6.6", "192.168.2.6", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	p = registration("6.6.6.6", "192.168.1.0", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	p = registration("6.6.6.6", "192.168.1.255", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	p = registration("6.6.6.6", "192.168.1.1", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	p = registration("6.6.6.6", "192.168.1.9", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	assert_string_equal(T(&neigh(l, "192.168.1.9")->nbma), "9.9.9.9");
	p = registration("6.6.6.6", "192.168.1.6", true);
	p.cies.e[0].proto = A("192.168.1.7");
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	p = registration("6.6.6.6", "192.168.1.6", true);
	p.cies.e[0].prefix = 25;
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	p = registration("6.6.6.6", "192.168.1.6", true);
	p.cies.e[0].hold = 0;
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_PROHIBITED);
	assert_non_null(strstr(l->w.log, "registration of 192.168.1.6 from 6.6.6.6 refused: it has no holding time"));
	lab_free(l);
}

static void test_serve_prefixes(void **state)
{
	static const uint8_t host[] = { 0, 32, 255 };
	struct nhrp_packet p;
	struct lab *l = hub();
	unsigned int k;

	(void)state;
	for (k = 0; k < sizeof(host); k++) {
		p = registration("6.6.6.6", "192.168.1.6", true);
		p.cies.e[0].prefix = host[k];
		put(l, "6.6.6.6", &p);
		assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
				      "6.6.6.6")->p.cies.e[0].code, 0);
	}
	lab_free(l);
}

static void test_serve_unique(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;

	(void)state;
	do_register(l, "66.0.0.6", "192.168.1.6", true);
	p = registration("6.6.6.6", "192.168.1.6", true);
	nak(l, &p, NHRP_CODE_ALREADY_REGISTERED, REJECT_NOT_UNIQUE);
	p = registration("6.6.6.6", "192.168.1.6", false);
	nak(l, &p, NHRP_CODE_ALREADY_REGISTERED, REJECT_NOT_UNIQUE);
	assert_string_equal(T(&neigh(l, "192.168.1.6")->nbma), "66.0.0.6");
	/* free again when its holding time is over */
	pass(l, 603 * SECOND);
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	assert_string_equal(T(&neigh(l, "192.168.1.6")->nbma), "6.6.6.6");
	lab_free(l);
}

static void test_serve_errors(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", true);
	struct sent *s;

	(void)state;
	p.dst_proto = A("192.168.1.2");
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_ERROR_INDICATION, "6.6.6.6");
	assert_int_equal(s->p.code, NHRP_ERROR_UNREACHABLE);
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.6");
	assert_string_equal(T(&s->p.src_proto), "192.168.1.1");
	assert_true(s->p.quote_len >= 80);
	assert_int_equal(s->p.quote[17], NHRP_REGISTRATION_REQUEST);
	p = registration("6.6.6.6", "192.168.1.6", true);
	nhrp_cie_add(&p.cies);
	put(l, "6.6.6.6", &p);
	assert_int_equal(sent(l, NHRP_ERROR_INDICATION, "6.6.6.6")->p.code,
			 NHRP_ERROR_PROTOCOL);
	p = registration("6.6.6.6", "192.168.1.6", true);
	nhrp_ext_add(&p, 0x0123)->compulsory = true;
	put(l, "6.6.6.6", &p);
	assert_int_equal(sent(l, NHRP_ERROR_INDICATION, "6.6.6.6")->p.code,
			 NHRP_ERROR_UNKNOWN_EXTENSION);
	p = registration("6.6.6.6", "224.0.0.5", true);
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_ERROR_INDICATION, "6.6.6.6");
	assert_int_equal(rejected(l, REJECT_NOT_FOR_ME), 1);
	assert_int_equal(rejected(l, REJECT_BAD_CIE), 1);
	assert_int_equal(rejected(l, REJECT_UNKNOWN_EXTENSION), 1);
	assert_int_equal(rejected(l, REJECT_MARTIAN), 1);
	assert_int_equal(l->n_neighs, 0);
	/* what is not compulsory comes back as it was */
	p = registration("6.6.6.6", "192.168.1.6", true);
	nhrp_ext_add(&p, 0x3801)->compulsory = false;
	put(l, "6.6.6.6", &p);
	assert_non_null(nhrp_ext_find(&sent(l, NHRP_REGISTRATION_REPLY,
					    "6.6.6.6")->p, 0x3801));
	lab_free(l);
}

/* Error Indications are rate limited, and never answered by another. */
static void test_errors_bounded(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", true);
	unsigned int k;

	(void)state;
	p.dst_proto = A("192.168.1.2");
	for (k = 0; k < 60; k++)
		put(l, "6.6.6.6", &p);
	assert_int_equal(rejected(l, REJECT_NOT_FOR_ME), 60);
	assert_int_equal(l->n_sent, 20);
	forget_sent(l);
	p = packet(NHRP_ERROR_INDICATION, 0, 0, "6.6.6.6", "192.168.1.6",
		   "192.168.1.1");
	p.quote = (const uint8_t *)"rubbish";
	p.quote_len = 7;
	l->now += 10 * SECOND;
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_UNSOLICITED);
	lab_free(l);
}

/* A registration from elsewhere: those who know the old place are told. */
static void test_serve_move(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	do_register(l, "7.7.7.7", "192.168.1.7", false);
	do_register(l, "8.8.8.8", "192.168.1.8", false);
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	p = registration("60.0.0.6", "192.168.1.6", false);
	put(l, "60.0.0.6", &p);
	s = sent(l, NHRP_PURGE_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.8");
	assert_string_equal(T(&s->p.cies.e[0].proto), "192.168.1.6");
	assert_string_equal(T(&s->p.cies.e[0].nbma), "6.6.6.6");
	assert_int_equal(s->p.cies.e[0].prefix, 32);
	assert_int_equal(s->p.cies.e[0].hold, 0);
	sent(l, NHRP_REGISTRATION_REPLY, "60.0.0.6");
	silent(l);			/* R7 never asked */
	assert_string_equal(T(&neigh(l, "192.168.1.6")->nbma), "60.0.0.6");
	assert_null(peer(l, "6.6.6.6"));
	lab_free(l);
}

/* The one asked learnt of the asker, so it is told, too. */
static void test_serve_move_tells_target(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;

	(void)state;
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	do_register(l, "8.8.8.8", "192.168.1.8", false);
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	p = registration("80.0.0.8", "192.168.1.8", false);
	put(l, "80.0.0.8", &p);
	assert_string_equal(T(&sent(l, NHRP_PURGE_REQUEST,
				    "6.6.6.6")->p.cies.e[0].proto),
			    "192.168.1.8");
	lab_free(l);
}

/* More askers than are remembered: everybody registered is told. */
static void test_told_overflow(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;
	char proto[32], nbma[32];
	unsigned int k;

	(void)state;
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	for (k = 10; k < 20; k++) {
		snprintf(proto, sizeof(proto), "192.168.1.%u", k);
		snprintf(nbma, sizeof(nbma), "9.9.9.%u", k);
		do_register(l, nbma, proto, true);
		if (k == 19)
			break;		/* registered, but never asked */
		p = question(nbma, proto, "192.168.1.6");
		put(l, nbma, &p);
		sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	}
	forget_sent(l);
	p = registration("60.0.0.6", "192.168.1.6", false);
	put(l, "60.0.0.6", &p);
	assert_int_equal(l->n_sent, 10 + 1);
	lab_free(l);
}

static void test_table_full(void **state)
{
	struct lab *l = lab_new("10.0.0.1", "1.1.1.1");
	struct nhrp_packet p = registration("6.6.6.6", "10.1.0.0", false);
	uint8_t buf[NHRP_PACKET_MAX], key[NHRP_AUTH_MAX + 4];
	struct addr from = A("6.6.6.6");
	unsigned int k;
	int len;

	(void)state;
	l->c->plen = 8;
	l->c->holdtime = 65535;
	apply(l);
	p.dst_proto = A("10.0.0.1");
	p.cies.e[0].hold = 65535;
	nhrp_auth_set(&p, KEY, key);
	l->deaf = true;
	for (k = 0; k < ENGINE_MAX_ENTRIES; k++) {
		from.b[1] = 1 + (k >> 16);
		from.b[2] = k >> 8;
		from.b[3] = k & ~(CONF_REG_LIMIT - 1);
		p.src_proto.b[1] = 1 + (k >> 16);
		p.src_proto.b[2] = k >> 8;
		p.src_proto.b[3] = k;
		len = nhrp_encode(&p, buf, sizeof(buf));
		l->now += 5;		/* 200 a second */
		engine_recv(l->engine, IFINDEX, &from, 0, buf, len, l->now);
	}
	assert_int_equal(l->neigh_sets, ENGINE_MAX_ENTRIES);
	l->deaf = false;
	p = registration("6.6.6.6", "10.9.0.6", true);
	p.dst_proto = A("10.0.0.1");
	l->now += SECOND;
	nak(l, &p, NHRP_CODE_NO_RESOURCES, REJECT_NO_RESOURCES);
	lab_free(l);
}

/* ---- resolution: asking ---- */

static void test_ask_format(void **state)
{
	struct lab *l = registered_spoke();
	struct sent *s;

	(void)state;
	resolve(l, "192.168.1.8");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_int_equal(s->p.flags, 0xc802);
	assert_int_equal(s->p.hops, 255);
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.8");
	assert_int_equal(s->p.cies.n, 1);
	assert_int_equal(s->p.cies.e[0].prefix, 0);
	assert_int_equal(s->p.cies.e[0].hold, 7200);
	assert_exts(&s->p, "3 4 5 7 9");
	assert_int_equal(list(s, NHRP_EXT_NAT)->n, 0);
	/* protocol.md 1.12: 80 + length of the key */
	assert_int_equal(s->len, 80 + strlen(KEY));
	/* one outstanding, nothing in the kernel */
	resolve(l, "192.168.1.8");
	silent(l);
	assert_null(neigh(l, "192.168.1.8"));
	assert_int_equal(shown(l, "192.168.1.8")->type, ENTRY_INCOMPLETE);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_RESOLVING);
	lab_free(l);
}

static void test_ask_nonsense(void **state)
{
	struct lab *l = registered_spoke();
	struct addr six = A("2001:db8::1"), a = A("66.66.66.66");

	(void)state;
	resolve(l, "192.168.1.6");
	resolve(l, "224.0.0.5");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 2);
	silent(l);
	assert_int_equal(l->n_neighs, 1);
	/* NHRP is off for it */
	engine_resolve(l->engine, IFINDEX, &six, &a, &a, l->now);
	refused(l, REJECT_OFF);
	lab_free(l);
}

/* The root hub has nobody to ask, and keeps nothing. */
static void test_ask_without_nhs(void **state)
{
	struct lab *l = hub();

	(void)state;
	resolve(l, "192.168.1.8");
	refused(l, REJECT_NO_NHS);
	assert_null(shown(l, "192.168.1.8"));
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	resolve(l, "192.168.1.8");
	silent(l);
	lab_free(l);
}

static void test_ask_backoff(void **state)
{
	static const unsigned int gaps[][2] = {
		{ 1500, 2000 }, { 3000, 4000 }, { 6000, 8000 },
		{ 12000, 16000 },
	};
	struct lab *l = registered_spoke();
	struct addr hop = A("192.168.1.8");
	uint64_t last, gone;
	unsigned int k, holdoff;
	struct sent *s;
	uint32_t id;

	(void)state;
	resolve(l, "192.168.1.8");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	id = s->p.reqid;
	last = s->at;
	live(l, 40 * SECOND);
	for (k = 0; k < 4; k++) {
		s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
		assert_int_equal(s->p.reqid, id);
		assert_in_range(s->at - last, gaps[k][0], gaps[k][1]);
		last = s->at;
	}
	silent(l);
	/* given up after 32 s more; asked again when 30, 60, .. s are over */
	for (holdoff = 30; holdoff <= 240; holdoff *= 2) {
		while (shown(l, "192.168.1.8")->state != ENTRY_DOWN)
			live(l, 100);
		gone = l->now;
		assert_int_equal(shown(l, "192.168.1.8")->type, ENTRY_NEGATIVE);
		assert_string_equal(shown(l, "192.168.1.8")->reason,
				    "the NHS does not answer");
		assert_null(neigh(l, "192.168.1.8"));
		forget_sent(l);
		for (;;) {
			engine_resolve(l->engine, IFINDEX, &hop, &hop, &hop,
				       l->now);
			if (shown(l, "192.168.1.8")->state == ENTRY_RESOLVING)
				break;
			live(l, 100);
		}
		k = holdoff < 180 ? holdoff : 180;
		assert_in_range(l->now - gone, (k - 1) * SECOND,
				(k + 1) * SECOND);
		forget_sent(l);
	}
	lab_free(l);
}

/* The NHS refuses: nothing in the kernel, no question for a while. */
static void test_ask_nak(void **state)
{
	static const struct {
		uint8_t code;
		const char *reason;
	} naks[] = {
		{ 12, "nobody has registered it (12)" },
		{ 11, "nobody has registered it (12)" },	/* FRR */
		{ 4, "the NHS allows no direct path (4)" },
		{ 5, "refused by the NHS (5)" },
	};
	struct nhrp_packet p;
	struct lab *l;
	unsigned int k;

	(void)state;
	for (k = 0; k < 4; k++) {
		l = registered_spoke();
		resolve(l, "192.168.1.8");
		p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"),
			      "8.8.8.8");
		p.cies.e[0].code = naks[k].code;
		put(l, "1.1.1.1", &p);
		assert_int_equal(shown(l, "192.168.1.8")->type, ENTRY_NEGATIVE);
		assert_string_equal(shown(l, "192.168.1.8")->reason,
				    naks[k].reason);
		assert_null(neigh(l, "192.168.1.8"));
		pass(l, 29 * SECOND);
		resolve(l, "192.168.1.8");
		silent(l);
		pass(l, 1 * SECOND);
		resolve(l, "192.168.1.8");
		sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
		lab_free(l);
	}
}

/* An NHS that comes up is asked at once what waits or was refused. */
static void test_ask_when_up(void **state)
{
	struct lab *l = spoke();
	struct nhrp_packet p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST,
					      "1.1.1.1"), NULL);

	(void)state;
	resolve(l, "192.168.1.8");
	silent(l);
	assert_string_equal(shown(l, "192.168.1.8")->reason,
			    "no NHS is up to ask");
	put(l, "1.1.1.1", &p);
	pass(l, 1);
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	lab_free(l);
}

static void test_ask_by_priority(void **state)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");
	struct nhrp_packet p;

	(void)state;
	add_nhs(l, "192.168.1.1", "1.1.1.1");
	add_nhs(l, "192.168.1.2", "2.2.2.2");
	l->c->nhs[0].priority = 2;
	l->c->nhs[1].priority = 1;
	apply(l);
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "2.2.2.2"), NULL);
	put(l, "2.2.2.2", &p);
	assert_int_equal(peer(l, "1.1.1.1")->priority, 2);
	assert_int_equal(peer(l, "2.2.2.2")->priority, 1);
	resolve(l, "192.168.1.8");
	sent(l, NHRP_RESOLUTION_REQUEST, "2.2.2.2");
	pass(l, 2 * SECOND);		/* no answer: the other one */
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	lab_free(l);
}

static void test_pending_bounded(void **state)
{
	struct lab *l = registered_spoke();
	struct addr hop = A("10.0.0.0");
	struct iface *i = iface_find(l->engine, IFINDEX, family(l));
	unsigned int k;

	(void)state;
	l->deaf = true;
	for (k = 1; k < 6000; k++) {
		hop.b[2] = k >> 8;
		hop.b[3] = k;
		engine_resolve(l->engine, IFINDEX, &hop, &hop, &hop, l->now);
	}
	assert_int_equal(i->n_pending, ENGINE_MAX_PENDING);
	assert_int_equal(HASH_COUNT(i->cache), ENGINE_MAX_PENDING + 1);
	assert_int_equal(rejected(l, REJECT_NO_RESOURCES), 5999 - 4096);
	pass(l, 1000 * SECOND);		/* all give up and are forgotten */
	assert_int_equal(i->n_pending, 0);
	assert_int_equal(HASH_COUNT(i->cache), 1);
	lab_free(l);
}

/* ---- resolution: the answer and the direct path ---- */

/* R6 has R8's NBMA address from the hub; returns the first probe. */
static struct sent *answered(struct lab *l)
{
	struct nhrp_packet p;

	resolve(l, "192.168.1.8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "1.1.1.1", &p);
	return sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
}

static struct lab *direct_spoke(void)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = answer_to(answered(l), "8.8.8.8");

	put(l, "8.8.8.8", &p);
	forget_sent(l);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	return l;
}

/* A stranger cannot take another's data by registering with a spoke. */
static void test_spoke_serves_nobody(void **state)
{
	struct lab *l = direct_spoke();
	struct nhrp_packet p = registration("9.9.9.9", "192.168.1.8", true);

	(void)state;
	p.dst_proto = A("192.168.1.6");
	put(l, "9.9.9.9", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "9.9.9.9")->p.cies.e[0].code, 4);
	assert_string_equal(T(&neigh(l, "192.168.1.8")->nbma), "8.8.8.8");
	lab_free(l);
}

static void test_answer_is_probed(void **state)
{
	struct lab *l = registered_spoke();
	struct sent *probe = answered(l);
	struct nhrp_packet p = answer_to(probe, "8.8.8.8");
	struct engine_neigh *n = neigh(l, "192.168.1.8");

	(void)state;
	assert_string_equal(T(&n->nbma), "8.8.8.8");
	assert_int_equal(n->flags, DMVPN_NEIGH_F_UNCONFIRMED);
	assert_int_equal(n->expires, 600 * SECOND);
	assert_int_equal(n->refresh, 120 * SECOND);
	assert_int_equal(probe->p.hops, 1);
	assert_string_equal(T(&probe->p.dst_proto), "192.168.1.8");
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_PROBING);
	assert_string_equal(shown(l, "192.168.1.8")->reason,
			    "proving the direct path");
	assert_non_null(strstr(l->w.events, "resolved 192.168.1.8 8.8.8.8"));
	/* through the hub it proves nothing */
	put(l, "1.1.1.1", &p);
	assert_int_equal(rejected(l, REJECT_NOT_DIRECT), 1);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_PROBING);
	l->now += 20;
	put(l, "8.8.8.8", &p);
	n = neigh(l, "192.168.1.8");
	assert_int_equal(n->flags, 0);
	assert_int_equal(n->expires, 600 * SECOND - 20);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	assert_true(shown(l, "192.168.1.8")->router);
	assert_non_null(strstr(l->w.events, "confirmed 192.168.1.8 8.8.8.8"));
	assert_non_null(strstr(l->w.events, "peer-up 192.168.1.8 8.8.8.8"));
	silent(l);
	/* and again: nobody waits for it any more */
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_UNSOLICITED);
	lab_free(l);
}

static void test_probe_backoff(void **state)
{
	static const unsigned int gaps[] = { 250, 500, 1000, 2000 };
	struct lab *l = registered_spoke();
	struct sent *s = answered(l);
	uint64_t last = s->at, next;
	uint32_t id = s->p.reqid;
	unsigned int k;

	(void)state;
	live(l, 7800);
	for (k = 0; k < 4; k++) {
		s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
		assert_int_equal(s->p.reqid, id);
		assert_in_range(s->at - last, gaps[k] * 3 / 4, gaps[k]);
		last = s->at;
	}
	/* nobody uses it: no more probes */
	silent(l);
	live(l, 40 * SECOND);
	silent(l);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_PROBING);
	assert_string_equal(shown(l, "192.168.1.8")->reason,
			    "no reply on the direct path from 8.8.8.8");
	/* in use: on it goes, at most a minute apart */
	forget_sent(l);
	last = 0;
	for (k = 0; k < 5000; k++) {
		resolve(l, "192.168.1.8");
		live(l, 100);
		while (l->read < l->n_sent) {
			s = &l->sent[l->read++];
			assert_string_equal(T(&s->nbma), "8.8.8.8");
			next = s->at;
			assert_true(!last || next - last <= 60100);
			last = next;
		}
		forget_sent(l);
	}
	assert_true(last > l->now - 70 * SECOND);
	lab_free(l);
}

/* The node there says that it is somebody else. */
static void test_probe_refused(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = answer_to(answered(l), "8.8.8.8");

	(void)state;
	p.cies.e[0].code = NHRP_CODE_NO_BINDING;
	put(l, "8.8.8.8", &p);
	assert_null(neigh(l, "192.168.1.8"));
	assert_int_equal(shown(l, "192.168.1.8")->type, ENTRY_NEGATIVE);
	lab_free(l);
}

static void test_probe_error(void **state)
{
	struct lab *l = registered_spoke();
	struct sent *probe = answered(l);
	struct nhrp_packet p = packet(NHRP_ERROR_INDICATION, 0, 0, "8.8.8.8",
				      "192.168.1.7", "192.168.1.6");

	(void)state;
	p.code = NHRP_ERROR_HOPS;
	p.quote = probe->buf;
	p.quote_len = probe->len;
	put(l, "9.9.9.9", &p);
	assert_int_equal(rejected(l, REJECT_UNSOLICITED), 1);
	assert_non_null(neigh(l, "192.168.1.8"));
	put(l, "8.8.8.8", &p);
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

/* With IPsec the kernel's SA verdict decides. */
static void test_no_probe_with_ipsec(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p;

	(void)state;
	strcpy(l->conf.protection, "IPSEC");
	apply(l);
	resolve(l, "192.168.1.8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "1.1.1.1", &p);
	silent(l);
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	lab_free(l);
}

static void test_answer_with_nat(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p;
	struct nhrp_cie *c;

	(void)state;
	resolve(l, "192.168.1.8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "10.0.0.8");
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_NAT)->cies);
	c->nbma = A("80.80.80.80");
	c->proto = A("192.168.1.8");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "80.80.80.80");
	assert_string_equal(T(&neigh(l, "192.168.1.8")->nbma), "80.80.80.80");
	assert_string_equal(T(&shown(l, "192.168.1.8")->claimed), "10.0.0.8");
	lab_free(l);
}

static void bad_answer(void (*spoil)(struct nhrp_packet *p),
		       enum engine_reject why)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p;

	resolve(l, "192.168.1.8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	spoil(&p);
	put(l, "1.1.1.1", &p);
	refused(l, why);
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

static void spoil_id(struct nhrp_packet *p)
{
	p->reqid++;
}

static void spoil_target(struct nhrp_packet *p)
{
	p->dst_proto = A("192.168.1.7");
	p->cies.e[0].proto = p->dst_proto;
}

static void spoil_proto(struct nhrp_packet *p)
{
	p->cies.e[0].proto = A("192.168.1.7");
}

static void spoil_nbma(struct nhrp_packet *p)
{
	p->cies.e[0].nbma = A("6.6.6.6");
}

static void spoil_martian(struct nhrp_packet *p)
{
	p->cies.e[0].nbma = A("224.0.0.1");
}

static void spoil_absent(struct nhrp_packet *p)
{
	p->cies.e[0].nbma = (struct addr){ 0 };
}

static void spoil_hold(struct nhrp_packet *p)
{
	p->cies.e[0].hold = 0;
}

static void spoil_cies(struct nhrp_packet *p)
{
	p->cies.n = 0;
}

static void spoil_responder(struct nhrp_packet *p)
{
	struct nhrp_ext *e = nhrp_ext_get(p, NHRP_EXT_RESPONDER);
	struct nhrp_cie *c = nhrp_cie_add(&e->cies);

	c->proto = A("192.168.1.6");
	c->nbma = A("6.6.6.6");
}

static void test_bad_answers(void **state)
{
	(void)state;
	bad_answer(spoil_id, REJECT_UNSOLICITED);
	bad_answer(spoil_target, REJECT_UNSOLICITED);
	bad_answer(spoil_proto, REJECT_BAD_REPLY);
	bad_answer(spoil_nbma, REJECT_BAD_REPLY);
	bad_answer(spoil_martian, REJECT_BAD_REPLY);
	bad_answer(spoil_absent, REJECT_BAD_REPLY);
	bad_answer(spoil_hold, REJECT_BAD_REPLY);
	bad_answer(spoil_cies, REJECT_BAD_REPLY);
	bad_answer(spoil_responder, REJECT_BAD_REPLY);
}

static void test_refresh(void **state)
{
	struct lab *l = direct_spoke();
	struct addr r8 = A("192.168.1.8");
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	live(l, 490 * SECOND);
	engine_used(l->engine, IFINDEX, &r8, l->now);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_int_equal(s->p.hops, 255);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	p = answer_to(s, "8.8.8.8");
	put(l, "1.1.1.1", &p);
	silent(l);			/* same path, proved already */
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	assert_int_equal(neigh(l, "192.168.1.8")->expires, 600 * SECOND);
	assert_true(shown(l, "192.168.1.8")->used);
	/* another NBMA address is another path */
	engine_used(l->engine, IFINDEX, &r8, l->now);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "80.0.0.8");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "80.0.0.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	lab_free(l);
}

/* A "no" to a refresh takes nothing away that works. */
static void test_refresh_nak(void **state)
{
	struct lab *l = direct_spoke();
	struct addr r8 = A("192.168.1.8");
	struct nhrp_packet p;

	(void)state;
	engine_used(l->engine, IFINDEX, &r8, l->now);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	p.cies.e[0].code = NHRP_CODE_NO_BINDING;
	put(l, "1.1.1.1", &p);
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	/* when it is over, data need not wait for the kernel's event */
	l->now += 600 * SECOND;
	resolve(l, "192.168.1.8");
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	engine_expired(l->engine, IFINDEX, &r8, l->now);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_RESOLVING);
	lab_free(l);
}

static void test_own_move(void **state)
{
	struct lab *l = direct_spoke();
	struct sent *s;

	(void)state;
	l->local = A("60.0.0.6");
	apply(l);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.src_nbma), "60.0.0.6");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.src_nbma), "60.0.0.6");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	assert_true(nhs_of(l).up);	/* not before the verdict */
	lab_free(l);
}

/* ---- resolution: answering ---- */

static void test_answer_for_self(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	const struct engine_entry *e;
	struct sent *s;

	(void)state;
	put(l, "1.1.1.1", &p);
	/* back along the path: R6 -> R1 -> R8 */
	s = sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	assert_int_equal(s->p.flags, 0xf802);
	assert_int_equal(s->p.reqid, 99);
	assert_int_equal(s->p.hops, 255);
	assert_string_equal(T(&s->p.src_proto), "192.168.1.8");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.6");
	assert_int_equal(s->p.cies.n, 1);
	assert_string_equal(T(&s->p.cies.e[0].nbma), "6.6.6.6");
	assert_string_equal(T(&s->p.cies.e[0].proto), "192.168.1.6");
	assert_int_equal(s->p.cies.e[0].prefix, 32);
	assert_int_equal(s->p.cies.e[0].hold, 7200);
	assert_one(s, NHRP_EXT_RESPONDER, "6.6.6.6", "192.168.1.6");
	/* the asker is known by this, and its path is proved likewise */
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.8");
	assert_int_equal(s->p.hops, 1);
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	assert_int_equal(neigh(l, "192.168.1.8")->expires, 600 * SECOND);
	/* and there is something to show */
	e = shown(l, "192.168.1.6");
	assert_int_equal(e->type, ENTRY_LOCAL);
	assert_true(e->router && e->unique && e->no_socket);
	assert_string_equal(T(&e->nbma), "6.6.6.6");
	assert_null(neigh(l, "192.168.1.6"));
	l->deaf = true;
	pass(l, 7200 * SECOND);
	assert_null(shown(l, "192.168.1.6"));
	lab_free(l);
}

/* A probe is answered, but nobody is believed who is not an NHS. */
static void test_answer_probe(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");

	(void)state;
	p.hops = 1;
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	assert_null(neigh(l, "192.168.1.8"));
	assert_null(shown(l, "192.168.1.8"));
	lab_free(l);
}

/* R8, whom we ask for, has learnt of us by that and probes at once. */
static struct lab *probed_too_early(struct nhrp_packet *probe)
{
	struct lab *l = registered_spoke();

	*probe = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	probe->hops = 1;
	resolve(l, "192.168.1.8");
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	put(l, "8.8.8.8", probe);
	refused(l, REJECT_PENDING);
	assert_null(neigh(l, "192.168.1.8"));
	return l;
}

/* Its data would come to a kernel that does not know it. */
static void test_probe_too_early(void **state)
{
	struct nhrp_packet probe, p;
	struct lab *l = probed_too_early(&probe);

	(void)state;
	l->now += 10;
	p = answer_to(&l->sent[l->read - 1], "8.8.8.8");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&neigh(l, "192.168.1.8")->nbma), "8.8.8.8");
	/* its second try */
	put(l, "8.8.8.8", &probe);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(rejected(l, REJECT_PENDING), 1);
	silent(l);
	lab_free(l);
}

/* Until our request has ended in some way, or one of R8's told us of it. */
static void test_probe_too_early_ends(void **state)
{
	struct nhrp_packet probe, p;
	struct lab *l = probed_too_early(&probe);

	(void)state;
	p = answer_to(&l->sent[l->read - 1], "8.8.8.8");
	p.cies.e[0].code = NHRP_CODE_NO_BINDING;
	put(l, "1.1.1.1", &p);
	put(l, "8.8.8.8", &probe);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	lab_free(l);

	l = probed_too_early(&probe);
	live(l, 70 * SECOND);		/* the NHS never answers it */
	forget_sent(l);
	put(l, "8.8.8.8", &probe);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	lab_free(l);

	l = probed_too_early(&probe);
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	put(l, "8.8.8.8", &probe);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	lab_free(l);
}

/* A stranger cannot move what is known. */
static void test_probe_takes_nothing(void **state)
{
	struct lab *l = direct_spoke();
	struct nhrp_packet p = question("9.9.9.9", "192.168.1.8",
					"192.168.1.6");

	(void)state;
	put(l, "9.9.9.9", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "9.9.9.9");
	silent(l);
	assert_string_equal(T(&neigh(l, "192.168.1.8")->nbma), "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	lab_free(l);
}

static void test_answer_nat(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("10.0.0.8", "192.168.1.8",
					"192.168.1.6");
	struct nhrp_cie *c;

	(void)state;
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_NAT)->cies);
	c->nbma = A("80.80.80.80");
	c->proto = A("192.168.1.8");
	put(l, "1.1.1.1", &p);
	assert_int_equal(list(sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1"),
			      NHRP_EXT_NAT)->n, 0);
	sent(l, NHRP_RESOLUTION_REQUEST, "80.80.80.80");
	assert_string_equal(T(&shown(l, "192.168.1.8")->claimed), "10.0.0.8");
	lab_free(l);
}

/* Asked for what is behind us: straight back, with the route's prefix. */
static void test_answer_behind(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"66.66.66.66");
	struct sent *s;

	(void)state;
	l->route = (struct engine_route){ .found = true, .ifindex = 9,
					  .prefix = A("66.66.66.0"),
					  .plen = 24 };
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "66.66.66.66");
	assert_int_equal(s->p.cies.e[0].prefix, 24);
	assert_string_equal(T(&s->p.cies.e[0].proto), "192.168.1.6");
	assert_string_equal(T(&s->p.cies.e[0].nbma), "6.6.6.6");
	forget_sent(l);
	/* no wider than was asked for */
	p = question("8.8.8.8", "192.168.1.8", "66.66.66.66");
	p.cies.e[0].prefix = 28;
	put(l, "1.1.1.1", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "8.8.8.8")->p.cies.e[0].prefix, 28);
	/* a default route is not an answer for everything */
	forget_sent(l);
	l->route.plen = 0;
	p = question("8.8.8.8", "192.168.1.8", "66.66.66.66");
	put(l, "1.1.1.1", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "8.8.8.8")->p.cies.e[0].prefix, 32);
	forget_sent(l);
	l->route.found = false;
	p = question("8.8.8.8", "192.168.1.8", "66.66.66.66");
	put(l, "1.1.1.1", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "1.1.1.1")->p.cies.e[0].code, 12);
	lab_free(l);
}

/* The NHS asks us for somebody else: no, and not passed on to anybody. */
static void test_answer_not_me(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.7");

	(void)state;
	put(l, "1.1.1.1", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "1.1.1.1")->p.cies.e[0].code, 12);
	silent(l);
	lab_free(l);
}

static void test_answer_unknown_extension(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");

	(void)state;
	nhrp_ext_add(&p, 0x0123)->compulsory = true;
	put(l, "1.1.1.1", &p);
	assert_int_equal(sent(l, NHRP_ERROR_INDICATION, "1.1.1.1")->p.code,
			 NHRP_ERROR_UNKNOWN_EXTENSION);
	silent(l);
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

/* FRR leaves extensions out; so may others. */
static void test_answer_without_extensions(void **state)
{
	struct lab *l = registered_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	struct sent *s;

	(void)state;
	p.n_exts = 0;
	p.cies.n = 0;
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	assert_exts(&s->p, "7");
	assert_int_equal(s->p.cies.n, 1);
	silent(l);			/* no holding time: nothing is kept */
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

/* ---- resolution: passing on ---- */

static struct lab *busy_hub(void)
{
	struct lab *l = hub();

	do_register(l, "6.6.6.6", "192.168.1.6", true);
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	forget_sent(l);
	return l;
}

static void test_pass_request(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	struct sent *s;

	(void)state;
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	assert_int_equal(s->p.hops, 254);
	assert_int_equal(s->p.reqid, 99);
	assert_int_equal(s->p.flags, 0xc802);
	assert_string_equal(T(&s->p.src_nbma), "8.8.8.8");
	assert_string_equal(T(&s->p.src_proto), "192.168.1.8");
	assert_one(s, NHRP_EXT_FORWARD, "1.1.1.1", "192.168.1.1");
	assert_int_equal(list(s, NHRP_EXT_NAT)->n, 0);
	assert_exts(&s->p, "4 5 3 9 7");
	silent(l);			/* no answer of the hub's own */
	lab_free(l);
}

static void test_pass_reply(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = packet(NHRP_RESOLUTION_REPLY, 0xf802, 99,
				      "8.8.8.8", "192.168.1.8", "192.168.1.6");
	struct sent *s;

	(void)state;
	p.cies.e[0].nbma = A("6.6.6.6");
	p.cies.e[0].proto = A("192.168.1.6");
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(s->p.hops, 254);
	assert_one(s, NHRP_EXT_REVERSE, "1.1.1.1", "192.168.1.1");
	assert_int_equal(list(s, NHRP_EXT_FORWARD)->n, 0);
	silent(l);
	assert_string_equal(T(&s->p.cies.e[0].nbma), "6.6.6.6");
	/* not for strangers */
	put(l, "9.9.9.9", &p);
	refused(l, REJECT_UNKNOWN_REQUESTER);
	lab_free(l);
}

static void test_pass_fills_nat(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("10.0.0.8", "192.168.1.8", true);
	struct sent *s;

	(void)state;
	put(l, "80.80.80.80", &p);
	sent(l, NHRP_REGISTRATION_REPLY, "80.80.80.80");
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	p = question("10.0.0.8", "192.168.1.8", "192.168.1.6");
	put(l, "80.80.80.80", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	assert_one(s, NHRP_EXT_NAT, "80.80.80.80", "192.168.1.8");
	lab_free(l);
}

static void test_pass_no_binding(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.7");
	struct sent *s;

	(void)state;
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(s->p.cies.n, 1);
	assert_int_equal(s->p.cies.e[0].code, NHRP_CODE_NO_BINDING);
	assert_int_equal(s->p.cies.e[0].hold, 0);
	assert_int_equal(s->p.reqid, 99);
	assert_int_equal(rejected(l, REJECT_NO_BINDING), 1);
	/* itself: not sent back to it */
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.8");
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(s->p.cies.e[0].code, NHRP_CODE_NO_BINDING);
	silent(l);
	lab_free(l);
}

static void test_pass_hops(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	unsigned int hops;
	struct sent *s;

	(void)state;
	for (hops = 0; hops < 2; hops++) {
		p.hops = hops;
		put(l, "8.8.8.8", &p);
		s = sent(l, NHRP_ERROR_INDICATION, "8.8.8.8");
		assert_int_equal(s->p.code, NHRP_ERROR_HOPS);
		silent(l);
	}
	p.hops = 2;
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6")->p.hops,
			 1);
	assert_int_equal(rejected(l, REJECT_HOPS), 2);
	lab_free(l);
}

static void test_pass_loop(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	struct nhrp_cie *c;

	(void)state;
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_FORWARD)->cies);
	c->nbma = A("1.1.1.1");
	c->proto = A("192.168.1.1");
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_ERROR_INDICATION, "8.8.8.8")->p.code,
			 NHRP_ERROR_LOOP);
	silent(l);
	assert_int_equal(rejected(l, REJECT_LOOP), 1);
	/* a reply that says that it is from us, but is not for us */
	p = packet(NHRP_RESOLUTION_REPLY, 0xf802, 99, "8.8.8.8", "192.168.1.8",
		   "192.168.1.6");
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_RESPONDER)->cies);
	c->nbma = A("1.1.1.1");
	c->proto = A("192.168.1.1");
	put(l, "6.6.6.6", &p);
	assert_int_equal(sent(l, NHRP_ERROR_INDICATION, "6.6.6.6")->p.code,
			 NHRP_ERROR_LOOP);
	/* our own request comes back */
	p = question("1.1.1.1", "192.168.1.1", "192.168.1.6");
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_OWN_SOURCE);
	lab_free(l);
}

static void test_pass_for_the_registered(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("7.7.7.7", "192.168.1.7",
					"192.168.1.6");
	struct nhrp_cie *c;

	(void)state;
	put(l, "7.7.7.7", &p);
	refused(l, REJECT_UNKNOWN_REQUESTER);
	/* R7 asks in the name of R8 */
	p = question("7.7.7.7", "192.168.1.8", "192.168.1.6");
	put(l, "7.7.7.7", &p);
	refused(l, REJECT_SPOOFED);
	/* the same, behind a record that R7 made up */
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_FORWARD)->cies);
	c->nbma = A("6.6.6.6");
	c->proto = A("192.168.1.6");
	put(l, "7.7.7.7", &p);
	assert_int_equal(rejected(l, REJECT_SPOOFED), 2);
	silent(l);
	lab_free(l);
}

/* Two hubs in a chain: R8 is registered at the lower one only. */
static void test_chain(void **state)
{
	struct lab *up = hub(), *low = lab_new("192.168.1.2", "2.2.2.2");
	struct nhrp_packet p;
	struct nhrp_cie *c;
	struct sent *s;

	(void)state;
	add_nhs(low, "192.168.1.1", "1.1.1.1");
	low->c->multicast_dynamic = true;
	apply(low);
	p = sent(low, NHRP_REGISTRATION_REQUEST, "1.1.1.1")->p;
	put(up, "2.2.2.2", &p);
	p = sent(up, NHRP_REGISTRATION_REPLY, "2.2.2.2")->p;
	put(low, "1.1.1.1", &p);
	p = registration("8.8.8.8", "192.168.1.8", true);
	p.dst_proto = A("192.168.1.2");
	put(low, "8.8.8.8", &p);
	sent(low, NHRP_REGISTRATION_REPLY, "8.8.8.8");
	do_register(up, "6.6.6.6", "192.168.1.6", true);
	/* the request climbs, */
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	put(low, "8.8.8.8", &p);
	p = sent(low, NHRP_RESOLUTION_REQUEST, "1.1.1.1")->p;
	put(up, "2.2.2.2", &p);
	s = sent(up, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	assert_int_equal(s->p.hops, 253);
	assert_int_equal(list(s, NHRP_EXT_FORWARD)->n, 2);
	/* and the reply finds its way down by the record */
	p = s->p;
	p.type = NHRP_RESOLUTION_REPLY;
	p.cies.e[0].nbma = A("6.6.6.6");
	p.cies.e[0].proto = A("192.168.1.6");
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_RESPONDER)->cies);
	c->proto = A("192.168.1.6");
	put(up, "6.6.6.6", &p);
	p = sent(up, NHRP_RESOLUTION_REPLY, "2.2.2.2")->p;
	put(low, "1.1.1.1", &p);
	s = sent(low, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(list(s, NHRP_EXT_REVERSE)->n, 2);
	lab_free(up);
	lab_free(low);
}

/* IPv6 in the tunnel, IPv4 outside. */
static void test_v6_overlay(void **state)
{
	struct lab *l = lab_new("2001:db8::6", "6.6.6.6");
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	l->c->plen = 64;
	l->c->no_unique = true;
	add_nhs(l, "2001:db8::1", "1.1.1.1");
	apply(l);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_int_equal(s->p.proto_type, 0x86dd);
	assert_int_equal(s->p.cies.e[0].prefix, 128);
	p = answer_to(s, NULL);
	put(l, "1.1.1.1", &p);
	resolve(l, "2001:db8::8");
	/* the recorder's source is of IPv4, and does not matter */
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	p.cies.e[0].prefix = 128;
	put(l, "1.1.1.1", &p);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8"), "8.8.8.8");
	put(l, "8.8.8.8", &p);
	assert_int_equal(neigh(l, "2001:db8::8")->flags, 0);
	/* the other family has no business here */
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	put(l, "8.8.8.8", &p);
	silent(l);
	lab_free(l);
}

/* ---- keys ---- */

static void test_auth(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", true);

	(void)state;
	strcpy(l->c->auth, "wrong");	/* what the sender uses */
	put(l, "6.6.6.6", &p);
	assert_int_equal(rejected(l, REJECT_AUTH), 1);
	assert_non_null(strstr(l->w.log, "wrong authentication string in Registration Request from 6.6.6.6"));
	l->c->auth[0] = '\0';
	put(l, "6.6.6.6", &p);
	assert_int_equal(rejected(l, REJECT_AUTH), 2);
	silent(l);			/* no reply, as IOS */
	assert_int_equal(l->n_neighs, 0);
	strcpy(l->c->auth, KEY);
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_REGISTRATION_REPLY, "6.6.6.6");
	lab_free(l);
}

/* ---- purge ---- */

static struct nhrp_packet purge(const char *nbma, const char *src,
				const char *dst, const char *about)
{
	struct nhrp_packet p = packet(NHRP_PURGE_REQUEST, 0, 55, nbma, src,
				      dst);

	p.cies.e[0].hold = p.cies.e[0].mtu = 0;
	p.cies.e[0].prefix = 32;
	p.cies.e[0].proto = A(about);
	return p;
}

static void test_purge_by_nhs(void **state)
{
	struct lab *l = direct_spoke();
	struct nhrp_packet p = purge("1.1.1.1", "192.168.1.1", "192.168.1.6",
				     "192.168.1.8");
	struct sent *s;

	(void)state;
	/* it means an address that we do not have by now */
	p.cies.e[0].nbma = A("88.88.88.88");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_PURGE_REPLY, "1.1.1.1");
	assert_non_null(neigh(l, "192.168.1.8"));
	p.cies.e[0].nbma = A("8.8.8.8");
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_PURGE_REPLY, "1.1.1.1");
	assert_int_equal(s->p.reqid, 55);
	assert_string_equal(T(&s->p.cies.e[0].proto), "192.168.1.8");
	assert_null(neigh(l, "192.168.1.8"));
	assert_null(shown(l, "192.168.1.8"));
	assert_non_null(strstr(l->w.events, "purged 192.168.1.8 8.8.8.8 by 1.1.1.1"));
	/* in use: asked anew, without waiting */
	resolve(l, "192.168.1.8");
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	/* nothing there: answered all the same, unless N */
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_PURGE_REPLY, "1.1.1.1");
	p.flags = NHRP_F_PURGE_NOREPLY;
	put(l, "1.1.1.1", &p);
	silent(l);
	lab_free(l);
}

static void test_purge_by_whom(void **state)
{
	struct lab *l = direct_spoke();
	struct nhrp_packet p = purge("9.9.9.9", "192.168.1.9", "192.168.1.6",
				     "192.168.1.8");

	(void)state;
	put(l, "9.9.9.9", &p);
	refused(l, REJECT_PURGE);
	assert_non_null(neigh(l, "192.168.1.8"));
	assert_non_null(strstr(l->w.log, "purge of 192.168.1.8 from 9.9.9.9 refused"));
	/* what is configured cannot be purged, by nobody */
	p = purge("1.1.1.1", "192.168.1.1", "192.168.1.6", "192.168.1.1");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_PURGE_REPLY, "1.1.1.1");
	assert_non_null(neigh(l, "192.168.1.1"));
	/* the one that it is about may */
	p = purge("8.8.8.8", "192.168.1.8", "192.168.1.6", "192.168.1.8");
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_PURGE_REPLY, "8.8.8.8");
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

/* Not even an NHS takes away what was registered here. */
static void test_purge_of_registered(void **state)
{
	struct lab *l = lab_new("192.168.1.2", "2.2.2.2");
	struct nhrp_packet p;

	(void)state;
	add_nhs(l, "192.168.1.1", "1.1.1.1");
	l->c->multicast_dynamic = true;
	apply(l);
	p = registration("6.6.6.6", "192.168.1.6", true);
	p.dst_proto = A("192.168.1.2");
	put(l, "6.6.6.6", &p);
	forget_sent(l);
	p = purge("1.1.1.1", "192.168.1.1", "192.168.1.2", "192.168.1.6");
	put(l, "1.1.1.1", &p);
	refused(l, REJECT_PURGE);
	assert_non_null(neigh(l, "192.168.1.6"));
	lab_free(l);
}

/* Two addresses at one NBMA address: the peer stays as long as one of them. */
static void test_shared_peer(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;

	(void)state;
	l->c->map[0] = (struct conf_map){ A("192.168.1.9"), A("6.6.6.6"), 0 };
	l->c->n_map = 1;
	apply(l);
	assert_null(peer(l, "6.6.6.6"));
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	do_register(l, "6.6.6.6", "192.168.1.7", true);
	p = purge("6.6.6.6", "192.168.1.6", "192.168.1.1", "192.168.1.6");
	put(l, "6.6.6.6", &p);
	assert_int_equal(peer(l, "6.6.6.6")->flags, DMVPN_PEER_F_MULTICAST);
	p = purge("6.6.6.6", "192.168.1.7", "192.168.1.1", "192.168.1.7");
	put(l, "6.6.6.6", &p);
	assert_int_equal(peer(l, "6.6.6.6")->flags, 0);
	l->c->n_map = 0;
	apply(l);
	assert_null(peer(l, "6.6.6.6"));
	lab_free(l);
}

static void test_purge_prefix(void **state)
{
	struct lab *l = direct_spoke();
	struct nhrp_packet p = purge("1.1.1.1", "192.168.1.1", "192.168.1.6",
				     "192.168.1.0");

	(void)state;
	p.cies.e[0].prefix = 24;
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_PURGE_REPLY, "1.1.1.1");
	assert_null(neigh(l, "192.168.1.8"));
	assert_non_null(neigh(l, "192.168.1.1"));
	lab_free(l);
}

/* A client takes its registration back; those who asked are told. */
static void test_unregister(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");

	(void)state;
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	/* another may not */
	p = purge("8.8.8.8", "192.168.1.8", "192.168.1.1", "192.168.1.6");
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_PURGE);
	assert_non_null(neigh(l, "192.168.1.6"));
	p = purge("6.6.6.6", "192.168.1.6", "192.168.1.1", "192.168.1.6");
	put(l, "6.6.6.6", &p);
	assert_string_equal(T(&sent(l, NHRP_PURGE_REQUEST,
				    "8.8.8.8")->p.cies.e[0].proto),
			    "192.168.1.6");
	sent(l, NHRP_PURGE_REPLY, "6.6.6.6");
	assert_null(neigh(l, "192.168.1.6"));
	lab_free(l);
}

static void test_purge_again(void **state)
{
	struct iface *i;
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	unsigned int k;

	(void)state;
	i = iface_find(l->engine, IFINDEX, family(l));
	put(l, "8.8.8.8", &p);
	forget_sent(l);
	assert_int_equal(engine_clear(l->engine, IFINDEX, family(l), &p.dst_proto, l->now),
			 1);
	assert_null(neigh(l, "192.168.1.6"));
	assert_int_equal(i->n_pending, 1);
	pass(l, 30 * SECOND);
	for (k = 0; k < 4; k++)
		sent(l, NHRP_PURGE_REQUEST, "8.8.8.8");
	silent(l);
	assert_int_equal(i->n_pending, 0);
	lab_free(l);
}

static void test_purge_answered(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");

	(void)state;
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	engine_clear(l->engine, IFINDEX, family(l), &p.dst_proto, l->now);
	p = sent(l, NHRP_PURGE_REQUEST, "8.8.8.8")->p;
	p.type = NHRP_PURGE_REPLY;
	put(l, "8.8.8.8", &p);
	assert_int_equal(iface_find(l->engine, IFINDEX, family(l))->n_pending, 0);
	pass(l, 30 * SECOND);
	silent(l);
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_UNSOLICITED);
	lab_free(l);
}

static void test_clear(void **state)
{
	struct lab *l = direct_spoke();

	(void)state;
	resolve(l, "192.168.1.7");
	forget_sent(l);
	assert_int_equal(engine_clear(l->engine, IFINDEX, family(l), NULL, l->now), 2);
	assert_null(neigh(l, "192.168.1.8"));
	assert_null(shown(l, "192.168.1.7"));
	assert_non_null(neigh(l, "192.168.1.1"));
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_true(nhs_of(l).up);
	lab_free(l);
}

/* ---- adoption ---- */

/* A new daemon on the kernel that @old leaves behind, @later. */
static struct lab *heir(struct lab *old, uint64_t later)
{
	struct lab *l = calloc(1, sizeof(*l));
	unsigned int k, n = old->n_neighs, peers = old->n_peers;
	struct engine_shortcut cut[KERNEL_MAX];
	unsigned int cuts = old->n_shortcuts;
	struct engine_neigh was[KERNEL_MAX];

	assert_non_null(l);
	*l = *old;
	l->c = l->conf.nhrp + (old->c - old->conf.nhrp);
	memcpy(was, old->neigh, sizeof(was));
	memcpy(cut, old->shortcut, sizeof(cut));
	engine_free(old->engine);
	old->engine = NULL;
	assert_int_equal(old->n_neighs, n);	/* dying tells nobody */
	assert_int_equal(old->n_peers, peers);
	assert_int_equal(old->n_shortcuts, cuts);
	l->n_sent = l->read = l->neigh_sets = l->peer_sets = 0;
	l->shortcut_sets = 0;
	l->w.log[0] = l->w.events[0] = '\0';
	l->now += later;
	l->engine = engine_new(&ops, l);
	assert_non_null(l->engine);
	apply(l);
	for (k = 0; k < n; k++) {
		if (was[k].expires && was[k].expires <= later)
			continue;
		was[k].expires -= was[k].expires ? later : 0;
		was[k].created_ago = 1000 + later;
		engine_adopt(l->engine, IFINDEX, &was[k], l->now);
	}
	for (k = 0; k < cuts; k++) {
		if (cut[k].expires <= later)
			continue;
		cut[k].expires -= later;
		cut[k].created_ago = 1000 + later;
		engine_adopt_shortcut(l->engine, IFINDEX, &cut[k], l->now);
	}
	free(old);
	return l;
}

static void test_adopt_hub(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("10.0.0.6", "192.168.1.6", true);
	const struct engine_entry *e;

	(void)state;
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_REGISTRATION_REPLY, "6.6.6.6");
	do_register(l, "7.7.7.7", "192.168.1.7", false);
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.7");
	put(l, "8.8.8.8", &p);
	l = heir(l, 10 * SECOND);
	silent(l);
	assert_int_equal(l->neigh_sets, 0);
	e = shown(l, "192.168.1.6");
	assert_true(e->registered && e->unique && e->nat);
	assert_string_equal(T(&e->nbma), "6.6.6.6");
	assert_string_equal(T(&e->claimed), "10.0.0.6");
	assert_true(e->created == l->now - 11 * SECOND);
	assert_true(e->expires == l->now + 590 * SECOND);
	assert_false(shown(l, "192.168.1.7")->unique);
	/* nobody else gets the address */
	p = registration("9.9.9.9", "192.168.1.6", true);
	put(l, "9.9.9.9", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "9.9.9.9")->p.cies.e[0].code, 14);
	/* and those who asked are remembered */
	p = registration("70.0.0.7", "192.168.1.7", false);
	put(l, "70.0.0.7", &p);
	sent(l, NHRP_PURGE_REQUEST, "8.8.8.8");
	sent(l, NHRP_REGISTRATION_REPLY, "70.0.0.7");
	/* each goes at its own end */
	pass(l, 593 * SECOND);
	assert_null(shown(l, "192.168.1.6"));
	assert_non_null(shown(l, "192.168.1.7"));
	lab_free(l);
}

static void test_adopt_spoke(void **state)
{
	struct lab *l = direct_spoke();

	(void)state;
	l = heir(l, 10 * SECOND);
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	assert_true(shown(l, "192.168.1.8")->router);
	assert_true(shown(l, "192.168.1.1")->created == l->now - 11 * SECOND);
	/* registers anew; the kernel's NHS flag waits for the verdict */
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	pass(l, 5 * SECOND);
	assert_int_equal(l->peer_sets, 0);
	assert_int_equal(peer(l, "1.1.1.1")->flags, DMVPN_PEER_F_HUB |
			 DMVPN_PEER_F_NHS | DMVPN_PEER_F_MULTICAST);
	pass(l, 3 * SECOND);
	assert_int_equal(peer(l, "1.1.1.1")->flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_MULTICAST);
	lab_free(l);
}

/* Who was told of our address is remembered, so that there is what to show. */
static void test_adopt_asked(void **state)
{
	struct lab *l = direct_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");

	(void)state;
	l = heir(l, 0);
	assert_null(shown(l, "192.168.1.6"));
	put(l, "8.8.8.8", &p);
	assert_int_equal(shown(l, "192.168.1.6")->type, ENTRY_LOCAL);
	l = heir(l, 10 * SECOND);
	assert_int_equal(shown(l, "192.168.1.6")->type, ENTRY_LOCAL);
	assert_true(shown(l, "192.168.1.6")->expires ==
		    shown(l, "192.168.1.8")->expires);
	lab_free(l);
}

static void test_adopt_unconfirmed(void **state)
{
	struct lab *l = registered_spoke();

	(void)state;
	answered(l);
	l = heir(l, 10 * SECOND);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_PROBING);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	lab_free(l);
}

/* What the kernel has from before, it takes data from: asking changes nothing. */
static void test_adopt_probed(void **state)
{
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	struct addr r8 = A("192.168.1.8");
	struct lab *l = heir(direct_spoke(), 590 * SECOND);

	(void)state;
	forget_sent(l);
	engine_used(l->engine, IFINDEX, &r8, l->now);
	assert_non_null(cache_find(iface_find(l->engine, IFINDEX, family(l)), &r8)->ask);
	forget_sent(l);
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(rejected(l, REJECT_PENDING), 0);
	lab_free(l);
}

/* What is not configured any more goes; what is not ours stays. */
static void test_adopt_strangers(void **state)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");
	struct engine_neigh n = { .flags = DMVPN_NEIGH_F_STATIC };

	(void)state;
	l->c->map[0] = (struct conf_map){ A("192.168.1.9"), A("9.9.9.9"), 0 };
	l->c->n_map = 1;
	apply(l);
	n.addr = A("192.168.1.50");	/* an operator's own */
	n.nbma = A("50.50.50.50");
	l->neigh[l->n_neighs++] = n;
	l->c->n_map = 0;
	l = heir(l, SECOND);
	assert_null(neigh(l, "192.168.1.9"));
	assert_non_null(neigh(l, "192.168.1.50"));
	assert_null(shown(l, "192.168.1.50"));
	lab_free(l);
}

/* An entry with a cookie of somebody else's lives until its end. */
static void test_adopt_unknown_cookie(void **state)
{
	struct lab *l = hub();
	struct engine_neigh n = {
		.addr = A("192.168.1.6"), .nbma = A("6.6.6.6"),
		.expires = 30000, .cookie = "who knows", .cookie_len = 9,
	};

	(void)state;
	l->neigh[l->n_neighs++] = n;
	engine_adopt(l->engine, IFINDEX, &n, l->now);
	assert_int_equal(shown(l, "192.168.1.6")->type, ENTRY_DYNAMIC);
	assert_false(shown(l, "192.168.1.6")->registered);
	pass(l, 29 * SECOND);
	assert_non_null(neigh(l, "192.168.1.6"));
	pass(l, 4 * SECOND);
	assert_null(shown(l, "192.168.1.6"));
	lab_free(l);
}

/* An NHS known by name is registered with before name service answers. */
static void test_adopt_named_nhs(void **state)
{
	struct addr nbma = A("1.1.1.1");
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");
	struct nhrp_packet p;

	(void)state;
	add_nhs(l, "192.168.1.1", NULL);
	strcpy(l->c->nhs[0].fqdn, "hub.example.net");
	apply(l);
	engine_name(l->engine, IFINDEX, "hub.example.net", &nbma, 1, l->now);
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	l = heir(l, SECOND);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_int_equal(peer(l, "1.1.1.1")->flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS);
	lab_free(l);
}

static void test_adopt_peers(void **state)
{
	struct lab *l = hub();
	struct addr r6 = A("6.6.6.6"), gone = A("5.5.5.5");

	(void)state;
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	l->peer[l->n_peers++] = (struct kpeer){ gone, DMVPN_PEER_F_MULTICAST,
						0 };
	l = heir(l, SECOND);
	engine_adopt_peer(l->engine, IFINDEX, &r6, 0, DMVPN_PEER_F_MULTICAST,
			  0, l->now);
	engine_adopt_peer(l->engine, IFINDEX, &gone, 0, DMVPN_PEER_F_MULTICAST,
			  0, l->now);
	assert_non_null(peer(l, "6.6.6.6"));
	assert_null(peer(l, "5.5.5.5"));
	lab_free(l);
}

/* Whatever the kernel gives back as a cookie: taken whole or not at all. */
static void test_cookie_garbage(void **state)
{
	struct lab *l = hub();
	struct entry e = { .iface = iface_find(l->engine, IFINDEX, family(l)),
			   .type = ENTRY_DYNAMIC, .proto = A("192.168.1.6"),
			   .claimed = A("10.0.0.6"), .unique = true };
	struct entry back = { 0 };
	uint8_t good[ENGINE_COOKIE_MAX], bad[ENGINE_COOKIE_MAX];
	unsigned int bit, accepted = 0, k;
	size_t len, cut;

	(void)state;
	e.told = calloc(1, sizeof(*e.told));
	for (k = 0; k < CACHE_TOLD_MAX; k++)
		e.told->who[e.told->n++] = A("192.168.1.8");
	len = cache_cookie(&e, good);
	assert_true(len <= ENGINE_COOKIE_MAX);
	back.proto = e.proto;
	back.iface = e.iface;
	assert_true(cache_restore(&back, good, len));
	assert_true(addr_eq(&back.claimed, &e.claimed));
	assert_true(back.unique);
	assert_int_equal(back.told->n, CACHE_TOLD_MAX);
	assert_true(addr_eq(&back.told->who[7], &e.told->who[7]));
	free(back.told);
	for (cut = 0; cut < len; cut++)
		assert_false(cache_restore(&back, good, cut));
	for (bit = 0; bit < len * 8; bit++) {
		memcpy(bad, good, len);
		bad[bit / 8] ^= 1 << bit % 8;
		assert_false(cache_restore(&back, bad, len));
	}
	for (k = 0; k < 200000; k++) {
		for (cut = 0; cut < sizeof(bad); cut++)
			bad[cut] = fake_random(l) >> 24;
		bad[0] = 0xd5;
		bad[1] = 1;
		bad[2] = 6 + bad[2] % 59;
		bad[4] &= 63;
		bad[5] = (bad[5] & 3) * 4;
		back.told = NULL;
		if (cache_restore(&back, bad, bad[2]))
			accepted++;
		free(back.told);
	}
	assert_in_range(accepted, 0, 200000 / 200);
	free(e.told);
	lab_free(l);
}

/* Addresses of IPv6 do not all fit: the rest counts as many. */
static void test_cookie_v6(void **state)
{
	struct entry e = { .proto = A("2001:db8::6"), .claimed = A("10.0.0.6"),
			   .type = ENTRY_DYNAMIC };
	struct entry back = { .proto = e.proto };
	uint8_t cookie[ENGINE_COOKIE_MAX];
	unsigned int k;
	size_t len;

	(void)state;
	e.told = calloc(1, sizeof(*e.told));
	for (k = 0; k < 5; k++)
		e.told->who[e.told->n++] = A("2001:db8::8");
	len = cache_cookie(&e, cookie);
	assert_true(len <= ENGINE_COOKIE_MAX);
	assert_true(cache_restore(&back, cookie, len));
	assert_int_equal(back.told->n, 3);
	assert_true(back.told->overflow);
	free(back.told);
	free(e.told);
}

/* ---- hostile senders ---- */

static void test_rate(void **state)
{
	struct lab *l = busy_hub();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"192.168.1.6");
	unsigned int k;

	(void)state;
	l->deaf = true;
	for (k = 0; k < 3000; k++)
		put(l, "8.8.8.8", &p);
	assert_in_range(rejected(l, REJECT_RATE), 1900, 2010);
	/* R6 is not made to suffer, nor is a newcomer */
	l->deaf = false;
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	do_register(l, "7.7.7.7", "192.168.1.7", true);
	l->now += SECOND;
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	lab_free(l);
}

static uint64_t accounted(struct lab *l)
{
	struct engine_traffic t;
	uint64_t sum = 0;
	unsigned int k;

	assert_true(engine_traffic(l->engine, IFINDEX, family(l), &t));
	for (k = 0; k < __NHRP_TYPE_MAX; k++)
		sum += t.rcvd[k];
	for (k = 0; k < __NHRP_REFUSAL_MAX; k++)
		sum += t.refused[k];
	return sum;
}

static void fix_checksum(uint8_t *b, size_t len)
{
	uint32_t sum = 0;
	size_t k;

	b[12] = b[13] = 0;
	for (k = 0; k < len; k++)
		sum += k & 1 ? b[k] : b[k] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	b[12] = ~sum >> 8;
	b[13] = ~sum;
}

/* Every truncation and every single bit, with and without a good checksum. */
static void mangle(struct lab *l, const char *nbma, struct nhrp_packet *p)
{
	uint8_t good[NHRP_PACKET_MAX], bad[NHRP_PACKET_MAX],
		key[NHRP_AUTH_MAX + 4];
	struct addr from = A(nbma);
	uint64_t before, count = 0;
	size_t len, cut;
	unsigned int bit, fixed;

	nhrp_auth_set(p, KEY, key);
	len = nhrp_encode(p, good, sizeof(good));
	l->deaf = true;
	before = accounted(l) + rejected(l, REJECT_RATE);
	for (cut = 0; cut < len; cut++, count++)
		engine_recv(l->engine, IFINDEX, &from, 0, good, cut, l->now);
	for (fixed = 0; fixed < 2; fixed++) {
		for (bit = 0; bit < len * 8; bit++, count++) {
			memcpy(bad, good, len);
			bad[bit / 8] ^= 1 << bit % 8;
			if (fixed)
				fix_checksum(bad, len);
			l->now += 10;
			engine_recv(l->engine, IFINDEX, &from, 0, bad, len,
				    l->now);
		}
	}
	assert_int_equal(accounted(l) + rejected(l, REJECT_RATE) - before,
			 count);
	l->deaf = false;
}

static void test_mangled(void **state)
{
	struct lab *h = busy_hub(), *s = direct_spoke();
	struct nhrp_packet p;

	(void)state;
	p = registration("6.6.6.6", "192.168.1.6", true);
	mangle(h, "6.6.6.6", &p);
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	mangle(h, "8.8.8.8", &p);
	p = purge("9.9.9.9", "192.168.1.9", "192.168.1.1", "192.168.1.6");
	mangle(h, "9.9.9.9", &p);
	p = packet(NHRP_RESOLUTION_REPLY, 0xf802, 99, "8.8.8.8", "192.168.1.8",
		   "192.168.1.6");
	mangle(h, "6.6.6.6", &p);
	/* what matters is still there, where it was */
	assert_string_equal(T(&shown(h, "192.168.1.6")->nbma), "6.6.6.6");
	assert_string_equal(T(&shown(h, "192.168.1.8")->nbma), "8.8.8.8");
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	mangle(s, "9.9.9.9", &p);
	p = purge("9.9.9.9", "192.168.1.9", "192.168.1.6", "192.168.1.8");
	mangle(s, "9.9.9.9", &p);
	p = packet(NHRP_ERROR_INDICATION, 0, 0, "9.9.9.9", "192.168.1.9",
		   "192.168.1.6");
	mangle(s, "9.9.9.9", &p);
	p = packet(NHRP_TRAFFIC_INDICATION, 0, 0, "1.1.1.1", "192.168.1.1",
		   "192.168.1.6");
	mangle(s, "9.9.9.9", &p);
	assert_string_equal(T(&shown(s, "192.168.1.8")->nbma), "8.8.8.8");
	assert_int_equal(shown(s, "192.168.1.8")->state, ENTRY_UP);
	lab_free(h);
	lab_free(s);
}

/* NBMA addresses are of the underlay's family, whatever is inside. */
static void test_over6(void **state)
{
	struct lab *l = lab_new("192.168.1.1", "3fff::1");
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	l->c->multicast_dynamic = true;
	apply(l);
	do_register(l, "3fff::6", "192.168.1.6", true);
	assert_string_equal(T(&shown(l, "192.168.1.6")->nbma), "3fff::6");
	p = registration("3fff::7", "192.168.1.7", true);
	put(l, "3fff::99", &p);		/* and behind NAT */
	s = sent(l, NHRP_REGISTRATION_REPLY, "3fff::99");
	assert_int_equal(s->p.afn, 2);
	assert_one(s, NHRP_EXT_NAT, "3fff::99", "192.168.1.7");
	assert_string_equal(T(&shown(l, "192.168.1.7")->claimed), "3fff::7");
	p = registration("fe80::8", "192.168.1.8", true);
	put(l, "fe80::8", &p);
	assert_int_equal(rejected(l, REJECT_MARTIAN), 1);
	silent(l);
	lab_free(l);
}

/* A packet that speaks of the other family's NBMA addresses is refused. */
static void test_other_underlay(void **state)
{
	static const char *const own[] = { "1.1.1.1", "3fff::1" };
	static const char *const from[] = { "6.6.6.6", "3fff::6" };
	struct engine_traffic t;
	struct nhrp_packet p;
	struct lab *l;
	unsigned int k;

	(void)state;
	for (k = 0; k < 2; k++) {
		l = lab_new("192.168.1.1", own[k]);
		apply(l);
		p = registration(from[!k], "192.168.1.6", true);
		put(l, from[k], &p);
		assert_true(engine_traffic(l->engine, IFINDEX, family(l), &t));
		assert_int_equal(t.refused[NHRP_BAD_FAMILY], 1);
		silent(l);
		assert_int_equal(l->n_neighs, 0);
		lab_free(l);
	}
}

static void test_sender_martian(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", true);

	(void)state;
	put(l, "1.1.1.1", &p);		/* our own NBMA address */
	put(l, "224.0.0.1", &p);
	assert_int_equal(rejected(l, REJECT_MARTIAN), 2);
	silent(l);
	assert_int_equal(l->n_neighs, 0);
	lab_free(l);
}

/* ---- phase 3: the hub ---- */

/* An IPv4 header and the first bytes of what it carries. */
static size_t head_of(uint8_t *head, const char *src, const char *dst)
{
	struct addr from = A(src), to = A(dst);
	bool v6 = from.len == 16;

	memset(head, 0, v6 ? 40 : 28);
	head[0] = v6 ? 0x60 : 0x45;
	memcpy(head + (v6 ? 8 : 12), from.b, from.len);
	memcpy(head + (v6 ? 24 : 16), to.b, to.len);
	return v6 ? 40 : 28;
}

static void hairpin(struct lab *l, const char *nbma, const char *src,
		    const char *dst)
{
	struct addr from = A(nbma);
	uint8_t head[40];
	size_t len = head_of(head, src, dst);

	engine_redirect(l->engine, IFINDEX, &from, 0, head, len, l->now);
}

static struct lab *redirecting_hub(void)
{
	struct lab *l = busy_hub();

	l->c->redirect = true;
	apply(l);
	return l;
}

static void test_redirect(void **state)
{
	struct lab *l = redirecting_hub();
	struct engine_traffic t;
	uint8_t head[28];
	struct sent *s;

	(void)state;
	hairpin(l, "6.6.6.6", "66.66.66.66", "88.88.88.88");
	s = sent(l, NHRP_TRAFFIC_INDICATION, "6.6.6.6");
	silent(l);
	assert_int_equal(s->p.hops, 1);
	assert_int_equal(s->p.code, 0);
	assert_string_equal(T(&s->p.src_nbma), "1.1.1.1");
	assert_string_equal(T(&s->p.src_proto), "192.168.1.1");
	assert_string_equal(T(&s->p.dst_proto), "66.66.66.66");
	assert_int_equal(s->p.quote_len, head_of(head, "66.66.66.66",
						 "88.88.88.88"));
	assert_memory_equal(s->p.quote, head, sizeof(head));
	assert_exts(&s->p, "7");
	assert_true(engine_traffic(l->engine, IFINDEX, family(l), &t));
	assert_int_equal(t.sent[NHRP_TRAFFIC_INDICATION], 1);
	lab_free(l);
}

static void test_redirect_refused(void **state)
{
	struct lab *l = redirecting_hub();
	struct addr r6 = A("6.6.6.6");
	uint8_t head[1500] = { 0x60 };

	(void)state;
	hairpin(l, "9.9.9.9", "66.66.66.66", "88.88.88.88");
	refused(l, REJECT_STRANGER);
	engine_redirect(l->engine, IFINDEX, &r6, 0, head, 100, l->now);
	refused(l, REJECT_OFF);
	head_of(head, "66.66.66.66", "88.88.88.88");
	engine_redirect(l->engine, IFINDEX, &r6, 0, head, 19, l->now);
	head[0] = 0x44;
	engine_redirect(l->engine, IFINDEX, &r6, 0, head, 28, l->now);
	head[0] = 0x46;
	engine_redirect(l->engine, IFINDEX, &r6, 0, head, 20, l->now);
	assert_int_equal(rejected(l, REJECT_BAD_QUOTE), 3);
	hairpin(l, "6.6.6.6", "66.66.66.66", "224.0.0.5");
	hairpin(l, "6.6.6.6", "0.0.0.0", "88.88.88.88");
	hairpin(l, "6.6.6.6", "192.168.1.1", "88.88.88.88");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 3);
	silent(l);
	/* a long one is cut */
	head[0] = 0x45;
	engine_redirect(l->engine, IFINDEX, &r6, 0, head, 1500, l->now);
	assert_int_equal(sent(l, NHRP_TRAFFIC_INDICATION,
			      "6.6.6.6")->p.quote_len, 128);
	l->c->redirect = false;
	apply(l);
	hairpin(l, "6.6.6.6", "66.66.66.66", "88.88.88.88");
	refused(l, REJECT_REDIRECT_OFF);
	lab_free(l);
}

static void test_redirect_bounded(void **state)
{
	struct lab *l = redirecting_hub();
	struct engine_traffic t;
	unsigned int k;

	(void)state;
	l->deaf = true;
	for (k = 0; k < 10000; k++)
		hairpin(l, "6.6.6.6", "66.66.66.66", "88.88.88.88");
	assert_true(engine_traffic(l->engine, IFINDEX, family(l), &t));
	assert_in_range(t.sent[NHRP_TRAFFIC_INDICATION], 1000, 5000);
	assert_int_equal(t.sent[NHRP_TRAFFIC_INDICATION] +
			 rejected(l, REJECT_RATE), 10000);
	lab_free(l);
}

static void add_route(struct lab *l, const char *prefix, uint8_t plen,
		      unsigned int ifindex, const char *gateway)
{
	struct engine_route *r = &l->fib[l->n_fib++];

	*r = (struct engine_route){ .found = true, .ifindex = ifindex,
				    .prefix = A(prefix), .plen = plen };
	if (gateway)
		r->gateway = A(gateway);
}

/* The hub passes the request on along its routes and never sees the reply. */
static void test_pass_along_the_route(void **state)
{
	struct lab *l = redirecting_hub();
	struct nhrp_packet p = question("6.6.6.6", "192.168.1.6",
					"88.88.88.88");
	struct sent *s;

	(void)state;
	add_route(l, "88.88.88.0", 24, IFINDEX, "192.168.1.8");
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "88.88.88.88");
	assert_string_equal(T(&s->p.src_nbma), "6.6.6.6");
	assert_one(s, NHRP_EXT_FORWARD, "1.1.1.1", "192.168.1.1");
	silent(l);
	/* not back to the one who asks */
	p = question("8.8.8.8", "192.168.1.8", "88.88.88.88");
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "8.8.8.8")->p.cies.e[0].code, 12);
	/* its own network it answers for */
	add_route(l, "11.0.0.0", 16, 9, NULL);
	add_route(l, "11.0.7.0", 24, 10, NULL);
	p = question("8.8.8.8", "192.168.1.8", "11.0.5.1");
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(s->p.cies.e[0].prefix, 23);	/* 11.0.7.0/24 is not */
	lab_free(l);
}

/* ---- phase 3: the spoke ---- */

static void indicate(struct lab *l, const char *nbma, const char *src,
		     const char *dst)
{
	struct nhrp_packet p = packet(NHRP_TRAFFIC_INDICATION, 0, 0, nbma,
				      strchr(src, ':') ? "2001:db8::1" :
				      "192.168.1.1", src);
	uint8_t head[40];

	p.quote_len = head_of(head, src, dst);
	p.quote = head;
	put(l, nbma, &p);
}

/* R6 with its own network and a summary from the hub. */
static struct lab *phase3_spoke(void)
{
	struct lab *l = registered_spoke();

	l->c->shortcut = true;
	apply(l);
	add_route(l, "192.168.1.0", 24, IFINDEX, NULL);
	add_route(l, "66.66.66.0", 24, 9, NULL);
	add_route(l, "88.0.0.0", 8, IFINDEX, "192.168.1.1");
	forget_sent(l);
	return l;
}

static struct sent *asked(struct lab *l, const char *dst)
{
	struct sent *s;

	indicate(l, "1.1.1.1", "66.66.66.66", dst);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.dst_proto), dst);
	return s;
}

/* What R8 answers for a destination behind it. */
static struct nhrp_packet behind(const struct sent *s, const char *nbma,
				 const char *hop, uint8_t plen)
{
	struct nhrp_packet p = answer_to(s, nbma);

	p.cies.e[0].proto = A(hop);
	p.cies.e[0].prefix = plen;
	return p;
}

/* With a shortcut to R8's network by a direct path. */
static struct lab *shortcut_spoke(void)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = behind(asked(l, "88.88.88.88"), "8.8.8.8",
				      "192.168.1.8", 24);

	put(l, "8.8.8.8", &p);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8"), "8.8.8.8");
	put(l, "8.8.8.8", &p);
	silent(l);
	forget_sent(l);
	assert_non_null(shortcut(l, "88.88.88.0", 24));
	return l;
}

static void test_shortcut(void **state)
{
	struct lab *l = phase3_spoke();
	struct sent *s = asked(l, "88.88.88.88");
	const struct engine_entry *e = shown(l, "88.88.88.88");
	struct engine_shortcut *k;
	struct nhrp_packet p;

	(void)state;
	assert_int_equal(s->p.hops, 255);
	assert_int_equal(s->p.cies.e[0].prefix, 0);
	assert_string_equal(T(&s->p.src_nbma), "6.6.6.6");
	assert_string_equal(T(&s->p.src_proto), "192.168.1.6");
	assert_int_equal(e->type, ENTRY_INCOMPLETE);
	assert_int_equal(e->plen, 32);
	assert_string_equal(e->reason, "asked along the route");
	/* R8 answers directly */
	p = behind(s, "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.8");
	silent(l);
	k = shortcut(l, "88.88.88.0", 24);
	assert_string_equal(T(&k->nexthop), "192.168.1.8");
	assert_string_equal(T(&k->via), "192.168.1.1");
	assert_int_equal(k->expires, 600 * SECOND);
	assert_int_equal(k->refresh, 120 * SECOND);
	/* data stays on the hub until the path is proved */
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	assert_null(shown(l, "88.88.88.88"));
	e = shown(l, "88.88.88.0");
	assert_int_equal(e->type, ENTRY_DYNAMIC);
	assert_int_equal(e->state, ENTRY_PROBING);
	assert_int_equal(e->plen, 24);
	assert_string_equal(T(&e->nexthop), "192.168.1.8");
	assert_string_equal(T(&e->nbma), "8.8.8.8");
	assert_string_equal(e->reason, "proving the direct path");
	p = answer_to(s, "8.8.8.8");
	put(l, "8.8.8.8", &p);
	assert_int_equal(shown(l, "88.88.88.0")->state, ENTRY_UP);
	assert_string_equal(shown(l, "88.88.88.0")->reason, "");
	assert_int_equal(l->n_shortcuts, 1);
	assert_non_null(strstr(l->w.events, "shortcut-up 88.88.88.0 8.8.8.8"));
	/* the same answer once more is nobody's */
	p = behind(s, "8.8.8.8", "192.168.1.8", 24);
	p.dst_proto = A("88.88.88.88");
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_UNSOLICITED);
	lab_free(l);
}

static void test_indication_refused(void **state)
{
	static const uint8_t six[40] = { 0x60 };
	struct lab *l = phase3_spoke();
	struct nhrp_packet p;

	(void)state;
	indicate(l, "9.9.9.9", "66.66.66.66", "88.88.88.88");
	assert_int_equal(rejected(l, REJECT_STRANGER), 1);
	indicate(l, "1.1.1.1", "88.1.1.1", "88.88.88.88");
	indicate(l, "1.1.1.1", "192.168.1.7", "88.88.88.88");
	assert_int_equal(rejected(l, REJECT_NOT_OURS), 2);
	indicate(l, "1.1.1.1", "66.66.66.66", "66.66.66.67");
	indicate(l, "1.1.1.1", "66.66.66.66", "99.9.9.9");
	assert_int_equal(rejected(l, REJECT_OFF_TUNNEL), 2);
	indicate(l, "1.1.1.1", "66.66.66.66", "239.1.1.1");
	indicate(l, "1.1.1.1", "0.0.0.0", "88.88.88.88");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 2);
	p = packet(NHRP_TRAFFIC_INDICATION, 0, 0, "1.1.1.1", "192.168.1.1",
		   "66.66.66.66");
	put(l, "1.1.1.1", &p);
	p.quote = six;
	p.quote_len = sizeof(six);
	put(l, "1.1.1.1", &p);
	assert_int_equal(rejected(l, REJECT_BAD_QUOTE), 2);
	silent(l);
	/* once is enough */
	asked(l, "88.88.88.88");
	indicate(l, "1.1.1.1", "66.66.66.66", "88.88.88.88");
	refused(l, REJECT_PENDING);
	l->c->shortcut = false;
	apply(l);
	indicate(l, "1.1.1.1", "66.66.66.66", "88.8.8.8");
	refused(l, REJECT_REDIRECT_OFF);
	lab_free(l);
}

/* A spoke to which the route leads may send one, another spoke may not. */
static void test_indication_by_spoke(void **state)
{
	struct lab *l = shortcut_spoke();

	(void)state;
	indicate(l, "8.8.8.8", "66.66.66.66", "88.1.1.1");
	refused(l, REJECT_STRANGER);
	add_route(l, "88.1.0.0", 16, IFINDEX, "192.168.1.8");
	indicate(l, "8.8.8.8", "66.66.66.66", "88.1.1.1");
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	silent(l);
	lab_free(l);
}

static void test_indication_covered(void **state)
{
	struct lab *l = shortcut_spoke();

	(void)state;
	l->shortcut_sets = 0;
	indicate(l, "1.1.1.1", "66.66.66.66", "88.88.88.89");
	refused(l, REJECT_COVERED);
	assert_int_equal(l->shortcut_sets, 0);
	/* it goes on: has the kernel lost it? */
	l->now += 5 * SECOND;
	indicate(l, "1.1.1.1", "66.66.66.66", "88.88.88.89");
	assert_int_equal(l->shortcut_sets, 1);
	silent(l);
	lab_free(l);
}

/* On the link the destination is the next hop. */
static void test_indication_on_link(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = answer_to(asked(l, "192.168.1.8"), "8.8.8.8");

	(void)state;
	put(l, "1.1.1.1", &p);
	assert_non_null(neigh(l, "192.168.1.8"));
	assert_int_equal(l->n_shortcuts, 0);
	forget_sent(l);
	l->n_fib = 0;
	add_route(l, "66.66.66.0", 24, 9, NULL);
	add_route(l, "88.0.0.0", 8, IFINDEX, NULL);
	l->read = l->n_sent;
	p = behind(asked(l, "88.88.88.88"), "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	assert_string_equal(T(&shortcut(l, "88.88.88.88", 32)->via),
			    "88.88.88.88");
	lab_free(l);
}

static void prefix_becomes(uint8_t said, const char *prefix, uint8_t plen)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p;

	add_route(l, "88.88.80.0", 21, IFINDEX, "192.168.1.7");
	add_route(l, "88.60.0.0", 16, 9, NULL);
	p = behind(asked(l, "88.88.88.88"), "8.8.8.8", "192.168.1.8", said);
	put(l, "8.8.8.8", &p);
	assert_int_equal(l->n_shortcuts, plen ? 1 : 0);
	if (plen) {
		assert_non_null(shortcut(l, prefix, plen));
	} else {
		assert_int_equal(rejected(l, REJECT_BAD_REPLY), 1);
		assert_int_equal(shown(l, "88.88.88.88")->type, ENTRY_NEGATIVE);
		assert_string_equal(shown(l, "88.88.88.88")->reason,
				    "no usable answer");
	}
	lab_free(l);
}

/* No wider than our route, and nothing that has a route of its own. */
static void test_shortcut_prefix(void **state)
{
	(void)state;
	prefix_becomes(24, "88.88.88.0", 24);
	prefix_becomes(32, "88.88.88.88", 32);
	prefix_becomes(0, "88.88.88.88", 32);
	prefix_becomes(255, "88.88.88.88", 32);	/* FRR */
	prefix_becomes(20, "88.88.88.0", 21);	/* beside 88.88.80.0/21 */
	prefix_becomes(12, "88.88.88.0", 21);
	prefix_becomes(8, "88.88.88.0", 21);
	prefix_becomes(7, NULL, 0);
	prefix_becomes(1, NULL, 0);
}

/* The covering route is the limit, and we are not behind anybody. */
static void test_shortcut_own(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p;

	(void)state;
	l->n_fib = 0;
	add_route(l, "88.88.0.0", 16, IFINDEX, "192.168.1.1");
	add_route(l, "192.0.0.0", 8, IFINDEX, "192.168.1.1");
	p = behind(asked(l, "88.88.88.88"), "8.8.8.8", "192.168.1.8", 9);
	put(l, "8.8.8.8", &p);
	assert_non_null(shortcut(l, "88.88.0.0", 16));
	forget_sent(l);
	p = behind(asked(l, "192.1.1.1"), "8.8.8.8", "192.168.1.8", 8);
	put(l, "8.8.8.8", &p);
	assert_non_null(shortcut(l, "192.1.1.1", 32));
	assert_int_equal(l->n_shortcuts, 2);
	/* meanwhile it has become our own network */
	forget_sent(l);
	p = behind(asked(l, "192.2.2.2"), "8.8.8.8", "192.168.1.8", 24);
	add_route(l, "192.2.2.0", 24, 9, NULL);
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_OFF_TUNNEL);
	assert_int_equal(l->n_shortcuts, 2);
	lab_free(l);
}

static void bad_target(void (*spoil)(struct nhrp_packet *p),
		       enum engine_reject why)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = behind(asked(l, "88.88.88.88"), "8.8.8.8",
				      "192.168.1.8", 24);

	spoil(&p);
	put(l, "8.8.8.8", &p);
	refused(l, why);
	assert_int_equal(l->n_shortcuts, 0);
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

static void spoil_hop_own(struct nhrp_packet *p)
{
	p->cies.e[0].proto = A("192.168.1.6");
}

static void spoil_hop_edge(struct nhrp_packet *p)
{
	p->cies.e[0].proto = A("192.168.1.255");
}

static void spoil_hop_outside(struct nhrp_packet *p)
{
	p->cies.e[0].proto = A("192.168.2.8");
}

static void spoil_hop_none(struct nhrp_packet *p)
{
	p->cies.e[0].proto = (struct addr){ 0 };
}

static void test_bad_targets(void **state)
{
	(void)state;
	bad_target(spoil_id, REJECT_UNSOLICITED);
	bad_target(spoil_nbma, REJECT_BAD_REPLY);
	bad_target(spoil_martian, REJECT_BAD_REPLY);
	bad_target(spoil_absent, REJECT_BAD_REPLY);
	bad_target(spoil_hold, REJECT_BAD_REPLY);
	bad_target(spoil_cies, REJECT_BAD_REPLY);
	bad_target(spoil_responder, REJECT_BAD_REPLY);
	bad_target(spoil_hop_own, REJECT_BAD_REPLY);
	bad_target(spoil_hop_edge, REJECT_BAD_REPLY);
	bad_target(spoil_hop_outside, REJECT_BAD_REPLY);
	bad_target(spoil_hop_none, REJECT_BAD_REPLY);
}

/* The hub has it itself: the route says so already. */
static void test_shortcut_to_the_hub(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = behind(asked(l, "88.88.88.88"), "1.1.1.1",
				      "192.168.1.1", 24);

	(void)state;
	put(l, "1.1.1.1", &p);
	silent(l);
	assert_int_equal(l->n_shortcuts, 0);
	assert_null(shown(l, "88.88.88.88"));
	lab_free(l);
}

/* Who answers for its own network cannot move another spoke. */
static void test_shortcut_takes_no_neighbour(void **state)
{
	struct lab *l = shortcut_spoke();
	struct nhrp_packet p = behind(asked(l, "88.7.7.7"), "7.7.7.7",
				      "192.168.1.8", 24);
	struct sent *s;

	(void)state;
	put(l, "7.7.7.7", &p);
	assert_string_equal(T(&neigh(l, "192.168.1.8")->nbma), "8.8.8.8");
	/* but it may be true: the NHS is asked */
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.8");
	p = answer_to(s, "7.7.7.7");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "7.7.7.7");
	assert_string_equal(T(&neigh(l, "192.168.1.8")->nbma), "7.7.7.7");
	lab_free(l);
}

static void test_shortcut_nak(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = answer_to(asked(l, "88.88.88.88"), "8.8.8.8");

	(void)state;
	p.cies.e[0].code = NHRP_CODE_NO_BINDING;
	put(l, "1.1.1.1", &p);
	assert_int_equal(shown(l, "88.88.88.88")->type, ENTRY_NEGATIVE);
	indicate(l, "1.1.1.1", "66.66.66.66", "88.88.88.88");
	refused(l, REJECT_PENDING);
	live(l, 30 * SECOND);
	asked(l, "88.88.88.88");
	lab_free(l);
}

/* No answer: asked again and again, then left alone for a while. */
static void test_shortcut_backoff(void **state)
{
	struct lab *l = phase3_spoke();
	uint32_t id = asked(l, "88.88.88.88")->p.reqid;
	unsigned int k;

	(void)state;
	live(l, 40 * SECOND);
	for (k = 0; k < 4; k++)
		assert_int_equal(sent(l, NHRP_RESOLUTION_REQUEST,
				      "1.1.1.1")->p.reqid, id);
	silent(l);
	live(l, 40 * SECOND);
	assert_int_equal(shown(l, "88.88.88.88")->type, ENTRY_NEGATIVE);
	silent(l);
	lab_free(l);
}

/* No NHS is up; the request goes as soon as one is. */
static void test_shortcut_when_up(void **state)
{
	struct lab *l = spoke();
	struct nhrp_packet p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST,
					      "1.1.1.1"), NULL);

	(void)state;
	l->c->shortcut = true;
	apply(l);
	add_route(l, "88.0.0.0", 8, IFINDEX, "192.168.1.1");
	indicate(l, "1.1.1.1", "66.66.66.66", "88.88.88.88");
	silent(l);
	assert_string_equal(shown(l, "88.88.88.88")->reason,
			    "no NHS is up to ask");
	put(l, "1.1.1.1", &p);
	pass(l, 1);
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	silent(l);
	lab_free(l);
}

static void use_shortcut(struct lab *l)
{
	struct addr prefix = A("88.88.88.0");

	engine_shortcut_used(l->engine, IFINDEX, &prefix, 24, l->now);
}

static void test_shortcut_refresh(void **state)
{
	struct lab *l = shortcut_spoke();
	struct addr prefix = A("88.88.88.0");
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	live(l, 490 * SECOND);
	use_shortcut(l);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.dst_proto), "88.88.88.88");
	assert_null(shown(l, "88.88.88.88"));
	assert_true(shown(l, "88.88.88.0")->used);
	p = behind(s, "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	silent(l);			/* the path is proved already */
	assert_int_equal(shortcut(l, "88.88.88.0", 24)->expires, 600 * SECOND);
	assert_int_equal(neigh(l, "192.168.1.8")->expires, 600 * SECOND);
	/* an event of the old life comes late */
	engine_shortcut_expired(l->engine, IFINDEX, &prefix, 24, l->now);
	assert_int_equal(shown(l, "88.88.88.0")->state, ENTRY_UP);
	lab_free(l);
}

/* A lost answer, or a "no", takes nothing away before its time. */
static void test_shortcut_refresh_lost(void **state)
{
	struct lab *l = shortcut_spoke();
	struct addr prefix = A("88.88.88.0");
	struct nhrp_packet p;

	(void)state;
	live(l, 490 * SECOND);
	use_shortcut(l);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	p.cies.e[0].code = NHRP_CODE_NO_BINDING;
	put(l, "1.1.1.1", &p);
	live(l, 100 * SECOND);
	assert_int_equal(shown(l, "88.88.88.0")->state, ENTRY_UP);
	assert_null(shown(l, "88.88.88.88"));
	live(l, 10 * SECOND);
	l->n_shortcuts = 0;		/* as the kernel does */
	engine_shortcut_expired(l->engine, IFINDEX, &prefix, 24, l->now);
	assert_null(shown(l, "88.88.88.0"));
	assert_non_null(strstr(l->w.events, "holding time over"));
	lab_free(l);
}

static void test_shortcut_expiry_without_event(void **state)
{
	struct lab *l = shortcut_spoke();
	struct nhrp_packet p;

	(void)state;
	live(l, 300 * SECOND);
	p = behind(asked(l, "88.89.1.1"), "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);		/* its next hop lives on */
	live(l, 303 * SECOND);
	assert_null(shown(l, "88.88.88.0"));
	assert_non_null(shown(l, "88.89.1.0"));
	lab_free(l);
}

static struct nhrp_packet purge_of(const char *prefix, uint8_t plen)
{
	struct nhrp_packet p = packet(NHRP_PURGE_REQUEST, 0, 55, "8.8.8.8",
				      "192.168.1.8", "192.168.1.6");

	p.cies.e[0].hold = 0;
	p.cies.e[0].prefix = plen;
	p.cies.e[0].proto = A(prefix);
	return p;
}

static void shortcut_purged(const char *by, const char *prefix, uint8_t plen,
			    bool gone)
{
	struct lab *l = shortcut_spoke();
	struct nhrp_packet p = purge_of(prefix, plen);

	put(l, by, &p);
	assert_int_equal(l->n_shortcuts, !gone);
	if (gone)			/* data wanted it, so it is asked for */
		assert_string_equal(T(&sent(l, NHRP_RESOLUTION_REQUEST,
					    "1.1.1.1")->p.dst_proto),
				    "88.88.88.88");
	else
		assert_int_equal(shown(l, "88.88.88.0")->state, ENTRY_UP);
	lab_free(l);
}

static void test_shortcut_purged(void **state)
{
	(void)state;
	shortcut_purged("8.8.8.8", "88.88.88.0", 24, true);
	shortcut_purged("8.8.8.8", "88.88.0.0", 16, true);
	shortcut_purged("8.8.8.8", "88.88.88.0", 28, true);
	shortcut_purged("8.8.8.8", "88.88.88.7", 32, true);
	shortcut_purged("8.8.8.8", "88.88.88.7", 0, true);
	shortcut_purged("1.1.1.1", "88.88.88.0", 24, true);
	shortcut_purged("8.8.8.8", "192.168.1.8", 32, true);	/* its next hop */
	shortcut_purged("8.8.8.8", "88.88.89.0", 24, false);
	shortcut_purged("9.9.9.9", "88.88.88.0", 24, false);
	shortcut_purged("9.9.9.9", "88.88.88.7", 32, false);
}

static void test_purge_is_answered(void **state)
{
	struct lab *l = shortcut_spoke();
	struct nhrp_packet p = purge_of("88.88.88.0", 24);

	(void)state;
	l->now += 200 * SECOND;		/* not used since: not asked for */
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_PURGE_REPLY, "8.8.8.8");
	silent(l);
	assert_int_equal(l->n_shortcuts, 0);
	lab_free(l);
}

static void routes(struct lab *l)
{
	engine_routes_changed(l->engine, l->now);
	engine_routes_changed(l->engine, l->now);
	live(l, 100);
}

static void test_shortcut_route(void **state)
{
	struct lab *l = shortcut_spoke();
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	routes(l);			/* not this one */
	silent(l);
	assert_int_equal(l->n_shortcuts, 1);
	/* another hub: asked for along the new path */
	l->fib[2].gateway = A("192.168.1.2");
	routes(l);
	assert_int_equal(l->n_shortcuts, 0);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	p = behind(s, "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	silent(l);
	assert_string_equal(T(&shortcut(l, "88.88.88.0", 24)->via),
			    "192.168.1.2");
	/* a more specific route beneath, with the same next hop */
	add_route(l, "88.88.88.128", 25, IFINDEX, "192.168.1.2");
	routes(l);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	p = behind(s, "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	silent(l);
	assert_non_null(shortcut(l, "88.88.88.0", 25));
	/* the route itself */
	l->blind = true;
	l->fib[3].plen = 26;
	l->fib[3].prefix = A("88.88.88.64");
	routes(l);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	p = behind(s, "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	silent(l);
	assert_non_null(shortcut(l, "88.88.88.64", 26));
	/* and out of the tunnel: no reason to ask */
	l->n_fib = 3;
	l->fib[2].ifindex = 9;
	routes(l);
	silent(l);
	assert_int_equal(l->n_shortcuts, 0);
	assert_non_null(strstr(l->w.events, "the route left the tunnel"));
	lab_free(l);
}

/* Thousands are compared in portions, each once. */
static void test_sweep_in_portions(void **state)
{
	struct lab *l = shortcut_spoke();
	struct iface *i = iface_find(l->engine, IFINDEX, family(l));
	struct engine_shortcut k = l->shortcut[0];
	unsigned int n, turns = 0;
	uint64_t end;

	(void)state;
	l->deaf = true;
	for (n = 0; n < 5000; n++) {
		k.prefix.b[1] = 128 | n >> 8;
		k.prefix.b[2] = n;
		memcpy(k.cookie + k.cookie_len - 4, k.prefix.b, 4);
		engine_adopt_shortcut(l->engine, IFINDEX, &k, l->now);
	}
	assert_int_equal(HASH_COUNT(i->shortcuts), 5001);
	live(l, SECOND);
	assert_int_equal(HASH_COUNT(i->shortcuts), 5001);
	l->fib[2].ifindex = 9;
	engine_routes_changed(l->engine, l->now);
	for (end = l->now + SECOND; HASH_COUNT(i->shortcuts); turns++) {
		assert_true(l->now < end);
		n = HASH_COUNT(i->shortcuts);
		live(l, 10);
		assert_in_range(n - HASH_COUNT(i->shortcuts), 0, 512);
		engine_routes_changed(l->engine, l->now);
	}
	assert_true(turns > 10);
	assert_int_equal(i->n_pending, 0);
	/* they may go while they are being looked at */
	l->fib[2].ifindex = IFINDEX;
	for (n = 0; n < 1000; n++) {
		k.prefix.b[2] = n;
		k.prefix.b[1] = 128 | n >> 8;
		engine_adopt_shortcut(l->engine, IFINDEX, &k, l->now);
	}
	live(l, 105);
	assert_true(i->sweep && i->sweep != i->shortcuts);
	k.prefix = i->sweep->key.prefix;
	engine_clear(l->engine, IFINDEX, family(l), &k.prefix, l->now);
	live(l, 5);
	engine_clear(l->engine, IFINDEX, family(l), NULL, l->now);
	live(l, SECOND);
	assert_null(i->sweep);
	lab_free(l);
}

static void test_shortcut_hop_gone(void **state)
{
	struct lab *l = shortcut_spoke();
	struct addr r8 = A("192.168.1.8");

	(void)state;
	l->now += 600 * SECOND;
	engine_expired(l->engine, IFINDEX, &r8, l->now);
	assert_int_equal(l->n_shortcuts, 0);
	assert_null(shown(l, "88.88.88.0"));
	assert_non_null(strstr(l->w.events, "its next hop expired"));
	silent(l);
	lab_free(l);
}

/* Several and overlapping prefixes; the newest answer holds. */
static void test_shortcuts_overlap(void **state)
{
	struct lab *l = shortcut_spoke();
	struct nhrp_packet p;

	(void)state;
	p = behind(asked(l, "88.89.1.1"), "8.8.8.8", "192.168.1.8", 16);
	put(l, "8.8.8.8", &p);
	silent(l);
	assert_non_null(shortcut(l, "88.88.88.0", 24));
	assert_non_null(shortcut(l, "88.89.0.0", 16));
	/* R8 has less than it had, R7 a part of it */
	use_shortcut(l);
	p = behind(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8",
		   "192.168.1.8", 25);
	put(l, "8.8.8.8", &p);
	assert_null(shortcut(l, "88.88.88.0", 24));
	assert_non_null(shortcut(l, "88.88.88.0", 25));
	p = behind(asked(l, "88.88.88.200"), "7.7.7.7", "192.168.1.7", 25);
	put(l, "7.7.7.7", &p);
	assert_string_equal(T(&shortcut(l, "88.88.88.128", 25)->nexthop),
			    "192.168.1.7");
	sent(l, NHRP_RESOLUTION_REQUEST, "7.7.7.7");
	assert_int_equal(l->n_shortcuts, 3);
	/* and now a part of what R8 has */
	p = purge_of("88.89.0.0", 16);
	put(l, "8.8.8.8", &p);
	p = behind(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "7.7.7.7",
		   "192.168.1.7", 16);
	sent(l, NHRP_PURGE_REPLY, "8.8.8.8");
	put(l, "7.7.7.7", &p);
	assert_string_equal(T(&shortcut(l, "88.89.0.0", 16)->nexthop),
			    "192.168.1.7");
	lab_free(l);
}

static void test_shortcut_clear(void **state)
{
	struct addr inside = A("88.88.88.5"), hop = A("192.168.1.8");
	struct lab *l = shortcut_spoke();

	(void)state;
	assert_int_equal(engine_clear(l->engine, IFINDEX, family(l), &inside, l->now), 1);
	assert_int_equal(l->n_shortcuts, 0);
	assert_non_null(neigh(l, "192.168.1.8"));
	silent(l);
	lab_free(l);
	l = shortcut_spoke();
	assert_int_equal(engine_clear(l->engine, IFINDEX, family(l), &hop, l->now), 1);
	assert_int_equal(l->n_shortcuts, 0);
	lab_free(l);
	l = shortcut_spoke();
	assert_int_equal(engine_clear(l->engine, IFINDEX, family(l), NULL, l->now), 2);
	assert_int_equal(l->n_shortcuts, 0);
	assert_int_equal(l->n_neighs, 1);
	lab_free(l);
	l = shortcut_spoke();
	l->c->shortcut = false;
	apply(l);
	assert_int_equal(l->n_shortcuts, 0);
	assert_non_null(neigh(l, "192.168.1.8"));
	lab_free(l);
	l = shortcut_spoke();
	engine_iface_del(l->engine, IFINDEX, l->now);
	assert_int_equal(l->n_shortcuts, 0);
	lab_free(l);
}

static void test_adopt_shortcut(void **state)
{
	struct lab *l = shortcut_spoke();
	const struct engine_entry *e;
	struct engine_shortcut k;
	struct nhrp_packet p;

	(void)state;
	k = l->shortcut[0];
	l = heir(l, 10 * SECOND);
	assert_int_equal(l->shortcut_sets, 0);
	assert_int_equal(l->n_shortcuts, 1);
	e = shown(l, "88.88.88.0");
	assert_int_equal(e->state, ENTRY_UP);
	assert_true(e->created == l->now - 11 * SECOND);
	assert_true(e->expires == l->now + 590 * SECOND);
	assert_string_equal(T(&e->nexthop), "192.168.1.8");
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	use_shortcut(l);		/* it knows what to ask for */
	assert_string_equal(T(&sent(l, NHRP_RESOLUTION_REQUEST,
				    "1.1.1.1")->p.dst_proto), "88.88.88.88");
	/* the route went meanwhile */
	l->n_fib = 2;
	l = heir(l, 10 * SECOND);
	assert_int_equal(l->n_shortcuts, 1);
	live(l, 200);
	assert_int_equal(l->n_shortcuts, 0);
	/* its neighbour is gone, or it is an operator's */
	k.nexthop = A("192.168.1.7");
	l->shortcut[l->n_shortcuts++] = k;
	engine_adopt_shortcut(l->engine, IFINDEX, &k, l->now);
	assert_int_equal(l->n_shortcuts, 0);
	k.cookie_len = 0;
	l->shortcut[l->n_shortcuts++] = k;
	engine_adopt_shortcut(l->engine, IFINDEX, &k, l->now);
	assert_int_equal(l->n_shortcuts, 1);
	assert_null(shown(l, "88.88.88.0"));
	lab_free(l);
}

/* Those who were told of our network hear that it is gone. */
static void test_answer_taken_back(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"66.66.66.66");
	struct sent *s;

	(void)state;
	put(l, "1.1.1.1", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "8.8.8.8")->p.cies.e[0].prefix, 24);
	p = question("7.7.7.7", "192.168.1.7", "66.66.66.200");
	put(l, "1.1.1.1", &p);
	forget_sent(l);
	l->deaf = true;
	live(l, SECOND);		/* probes of no interest */
	l->deaf = false;
	engine_routes_changed(l->engine, l->now);
	l->deaf = true;
	live(l, 8 * SECOND);
	l->deaf = false;
	assert_int_equal(l->n_sent, 0);
	/* a part of it becomes somebody else's */
	add_route(l, "66.66.66.0", 25, IFINDEX, "192.168.1.1");
	engine_routes_changed(l->engine, l->now);
	live(l, 200);
	s = sent(l, NHRP_PURGE_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "192.168.1.8");
	assert_string_equal(T(&s->p.cies.e[0].proto), "66.66.66.0");
	assert_int_equal(s->p.cies.e[0].prefix, 24);
	assert_false(addr_is_set(&s->p.cies.e[0].nbma));
	s = sent(l, NHRP_PURGE_REQUEST, "7.7.7.7");
	silent(l);
	/* told once, and only as long as they believe it */
	p = answer_to(s, NULL);
	put(l, "7.7.7.7", &p);
	routes(l);
	lab_free(l);
}

static void test_answers_bounded(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"66.66.66.66"), other;
	unsigned int k;

	(void)state;
	l->deaf = true;
	l->fib[1] = (struct engine_route){ .found = true, .local = true,
					   .plen = 32 };
	l->fib[1].prefix = A("66.66.66.66");
	l->fib[1].plen = 0;
	for (k = 0; k < 20000; k++) {
		p.dst_proto.b[2] = k >> 8;
		p.dst_proto.b[3] = k;
		put(l, "1.1.1.1", &p);
	}
	/* half of all for one; others still have room */
	assert_int_equal(rejected(l, REJECT_NO_RESOURCES), 20000 -
			 ENGINE_MAX_ANSWERS / 2);
	other = question("7.7.7.7", "192.168.1.7", "66.66.66.66");
	for (k = 0; k < 100; k++) {
		other.dst_proto.b[3] = k;
		put(l, "1.1.1.1", &other);
	}
	assert_int_equal(rejected(l, REJECT_NO_RESOURCES), 20000 -
			 ENGINE_MAX_ANSWERS / 2);
	l->now += 7200 * SECOND;		/* they are forgotten */
	put(l, "1.1.1.1", &p);
	assert_int_equal(rejected(l, REJECT_NO_RESOURCES), 20000 -
			 ENGINE_MAX_ANSWERS / 2);
	lab_free(l);
}

/* Unchecked askers are answered where they are, not where they say. */
static void test_answer_no_reflector(void **state)
{
	struct lab *l = phase3_spoke();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"66.66.66.66");

	(void)state;
	put(l, "9.9.9.9", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "9.9.9.9");
	silent(l);
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

static void test_words(void **state)
{
	unsigned int k, j;

	(void)state;
	for (k = 0; k < __REJECT_MAX; k++) {
		assert_non_null(engine_reject_name(k));
		for (j = 0; j < k; j++)
			assert_string_not_equal(engine_reject_name(k),
						engine_reject_name(j));
	}
	assert_null(engine_reject_name(__REJECT_MAX));
}

struct order {
	unsigned int n;
	struct addr last;
};

static void check_order(void *ctx, const struct engine_entry *e)
{
	struct order *o = ctx;

	assert_true(!o->n++ || memcmp(&o->last, &e->proto,
				      sizeof(o->last)) < 0);
	assert_true(e->plen == 32 || addr_is_set(&e->nexthop));
	o->last = e->proto;
}

static void test_order(void **state)
{
	struct order o = { 0 };
	struct lab *l = hub();

	(void)state;
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	do_register(l, "7.7.7.7", "192.168.1.7", true);
	engine_each_entry(l->engine, check_order, &o);
	assert_int_equal(o.n, 3);
	lab_free(l);
	o.n = 0;
	l = shortcut_spoke();
	asked(l, "88.88.87.1");
	asked(l, "88.88.89.1");
	engine_each_entry(l->engine, check_order, &o);
	assert_int_equal(o.n, 5);
	lab_free(l);
}

#define T_(name) cmocka_unit_test(test_##name)

/* ---- IPv6 ---- */

/* R6 with both its addresses, not yet registered. */
static struct lab *v6_spoke(void)
{
	struct lab *l = lab_new("2001:db8::6", "6.6.6.6");

	l->c->plen = 64;
	l->c->link_local = A("fe80::6");
	l->c->shortcut = true;
	add_nhs(l, "2001:db8::1", "1.1.1.1");
	l->c->nhs[0].multicast = true;
	apply(l);
	return l;
}

static void v6_accept(struct lab *l)
{
	struct nhrp_packet p;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"),
			      NULL);
		put(l, "1.1.1.1", &p);
	}
	silent(l);
	forget_sent(l);
}

static struct lab *v6_registered(void)
{
	struct lab *l = v6_spoke();

	v6_accept(l);
	assert_true(nhs_of(l).up);
	return l;
}

static struct lab *v6_hub(void)
{
	struct lab *l = lab_new("2001:db8::1", "1.1.1.1");

	l->c->plen = 64;
	l->c->link_local = A("fe80::1");
	l->c->multicast_dynamic = l->c->redirect = true;
	apply(l);
	return l;
}

/* Each spoke with both its addresses. */
static struct lab *v6_busy_hub(void)
{
	struct lab *l = v6_hub();

	do_register(l, "6.6.6.6", "2001:db8::6", true);
	do_register(l, "6.6.6.6", "fe80::6", true);
	do_register(l, "8.8.8.8", "2001:db8::8", true);
	do_register(l, "8.8.8.8", "fe80::8", true);
	forget_sent(l);
	return l;
}

/* The link-local address has a registration of its own. */
static void test_v6_register(void **state)
{
	struct lab *l = v6_spoke();
	struct nhrp_packet p, ll;
	struct sent *s;

	(void)state;
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.src_proto), "2001:db8::6");
	assert_string_equal(T(&s->p.dst_proto), "2001:db8::1");
	p = answer_to(s, NULL);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.src_proto), "fe80::6");
	assert_string_equal(T(&s->p.dst_proto), "2001:db8::1");
	assert_true(s->p.flags & NHRP_F_REG_UNIQUE);
	assert_int_equal(s->p.cies.e[0].prefix, 255);
	assert_int_not_equal(s->p.reqid, p.reqid);
	ll = answer_to(s, NULL);
	put(l, "1.1.1.1", &p);
	assert_true(nhs_of(l).up);
	put(l, "1.1.1.1", &ll);
	assert_int_equal(rejected(l, REJECT_UNSOLICITED), 0);
	put(l, "1.1.1.1", &ll);		/* once is enough */
	refused(l, REJECT_UNSOLICITED);
	pass(l, 40 * SECOND);
	silent(l);
	/* all of it is renewed */
	pass(l, 21 * SECOND);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	lab_free(l);
}

/* Without an answer for it three quick tries follow; the NHS is up anyway. */
static void test_v6_link_local_lost(void **state)
{
	struct lab *l = v6_spoke();
	struct nhrp_packet p;
	unsigned int k;

	(void)state;
	for (k = 0; k < 3; k++) {
		p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"),
			      NULL);
		sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
		silent(l);
		put(l, "1.1.1.1", &p);
		assert_true(nhs_of(l).up);
		pass(l, SECOND);
	}
	pass(l, 40 * SECOND);
	silent(l);
	pass(l, 20 * SECOND);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	lab_free(l);
}

static void test_v6_link_local_taken(void **state)
{
	struct lab *l = v6_spoke();
	struct nhrp_packet p;

	(void)state;
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	p.cies.e[0].code = NHRP_CODE_ALREADY_REGISTERED;
	put(l, "1.1.1.1", &p);
	assert_true(nhs_of(l).up);
	assert_non_null(strstr(l->w.log, "NHS 2001:db8::1 (1.1.1.1), link-local fe80::6: registration refused: unique address"));
	pass(l, 40 * SECOND);
	silent(l);
	/* another one is given: it is registered at once */
	l->c->link_local = A("fe80::66");
	apply(l);
	assert_string_equal(T(&sent(l, NHRP_PURGE_REQUEST,
				    "1.1.1.1")->p.cies.e[0].proto),
			    "2001:db8::6");
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&sent(l, NHRP_REGISTRATION_REQUEST,
				    "1.1.1.1")->p.src_proto), "fe80::66");
	lab_free(l);
}

static void test_v6_link_local_prohibited(void **state)
{
	struct lab *l = v6_spoke();
	struct nhrp_packet p, error;
	struct sent *s;

	(void)state;
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	error = packet(NHRP_ERROR_INDICATION, 0, 0, "1.1.1.1", "2001:db8::1",
		       "fe80::6");
	error.code = NHRP_ERROR_PROTOCOL;
	error.quote = s->buf;
	error.quote_len = s->len;
	put(l, "1.1.1.1", &error);
	assert_true(nhs_of(l).up);
	pass(l, 40 * SECOND);
	silent(l);
	lab_free(l);
}

static void test_v6_withdraw(void **state)
{
	struct lab *l = v6_registered();
	struct sent *s;

	(void)state;
	engine_iface_del(l->engine, IFINDEX, l->now);
	s = sent(l, NHRP_PURGE_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.cies.e[0].proto), "2001:db8::6");
	assert_int_equal(s->p.cies.e[0].prefix, 128);
	s = sent(l, NHRP_PURGE_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.cies.e[0].proto), "fe80::6");
	assert_string_equal(T(&s->p.src_proto), "2001:db8::6");
	assert_int_equal(l->n_neighs, 0);
	assert_int_equal(l->n_peers, 0);
	lab_free(l);
}

/* The hub takes link-local addresses that nobody else has. */
static void test_v6_serve(void **state)
{
	struct lab *l = v6_hub();
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	do_register(l, "6.6.6.6", "2001:db8::6", true);
	p = registration("6.6.6.6", "fe80::6", true);
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_REGISTRATION_REPLY, "6.6.6.6");
	assert_int_equal(s->p.cies.e[0].code, 0);
	/* it answers by the address that is good there */
	assert_one(s, NHRP_EXT_RESPONDER, "1.1.1.1", "fe80::1");
	assert_true(neigh(l, "fe80::6")->flags & DMVPN_NEIGH_F_REGISTERED);
	assert_int_equal(peer(l, "6.6.6.6")->flags, DMVPN_PEER_F_MULTICAST);
	/* somebody else's, and the hub's own */
	p = registration("8.8.8.8", "fe80::6", true);
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "8.8.8.8")->p.cies.e[0].code, 14);
	p = registration("8.8.8.8", "fe80::1", true);
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "8.8.8.8")->p.cies.e[0].code, 14);
	assert_int_equal(rejected(l, REJECT_NOT_UNIQUE), 2);
	/* other foreign addresses as ever */
	p = registration("8.8.8.8", "2001:db8:5::8", true);
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "8.8.8.8")->p.cies.e[0].code, 4);
	p = registration("8.8.8.8", "2001:db8::", true);
	put(l, "8.8.8.8", &p);		/* the subnet's routers */
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "8.8.8.8")->p.cies.e[0].code, 4);
	lab_free(l);
}

/* A routing protocol's next hop: asked for by the address of its scope. */
static void test_v6_link_local_hop(void **state)
{
	struct lab *l = v6_registered();
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	resolve(l, "fe80::8");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.src_proto), "fe80::6");
	assert_string_equal(T(&s->p.dst_proto), "fe80::8");
	p = answer_to(s, "8.8.8.8");
	put(l, "1.1.1.1", &p);
	assert_int_equal(neigh(l, "fe80::8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.src_proto), "fe80::6");
	assert_int_equal(s->p.hops, 1);
	p = answer_to(s, "8.8.8.8");
	put(l, "8.8.8.8", &p);
	assert_int_equal(neigh(l, "fe80::8")->flags, 0);
	assert_string_equal(T(&neigh(l, "fe80::8")->nbma), "8.8.8.8");
	resolve(l, "fe80::6");
	resolve(l, "ff02::5");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 2);
	silent(l);
	lab_free(l);
}

/* Asked for our own: the answer has it, and the asker's is learnt. */
static void test_v6_link_local_answer(void **state)
{
	struct lab *l = v6_registered();
	struct nhrp_packet p = question("8.8.8.8", "fe80::8", "fe80::6");
	struct sent *s;

	(void)state;
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	assert_int_equal(s->p.cies.e[0].code, 0);
	assert_int_equal(s->p.cies.e[0].prefix, 128);
	assert_string_equal(T(&s->p.cies.e[0].proto), "fe80::6");
	assert_string_equal(T(&s->p.cies.e[0].nbma), "6.6.6.6");
	assert_one(s, NHRP_EXT_RESPONDER, "6.6.6.6", "fe80::6");
	assert_int_equal(shown(l, "fe80::6")->type, ENTRY_LOCAL);
	assert_null(shown(l, "2001:db8::6"));
	assert_string_equal(T(&neigh(l, "fe80::8")->nbma), "8.8.8.8");
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");	/* the probe */
	/* and by the other address the other */
	p = question("8.8.8.8", "2001:db8::8", "2001:db8::6");
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	assert_string_equal(T(&s->p.cies.e[0].proto), "2001:db8::6");
	assert_int_equal(shown(l, "2001:db8::6")->type, ENTRY_LOCAL);
	lab_free(l);
}

/* The hub passes on what is asked by a link-local address it knows. */
static void test_v6_link_local_passed(void **state)
{
	struct lab *l = v6_busy_hub();
	struct nhrp_packet p = question("6.6.6.6", "fe80::6", "fe80::8");
	struct sent *s;

	(void)state;
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_one(s, NHRP_EXT_FORWARD, "1.1.1.1", "2001:db8::1");
	p = answer_to(s, "8.8.8.8");
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "6.6.6.6");
	assert_string_equal(T(&s->p.cies.e[0].proto), "fe80::8");
	/* its own it answers for, without the FIB */
	p = question("6.6.6.6", "fe80::6", "fe80::1");
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "6.6.6.6");
	assert_string_equal(T(&s->p.cies.e[0].proto), "fe80::1");
	/* nobody has this one, whatever the routes say */
	l->route = (struct engine_route){ .found = true, .ifindex = 9 };
	p = question("6.6.6.6", "fe80::6", "fe80::9");
	put(l, "6.6.6.6", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "6.6.6.6")->p.cies.e[0].code, 12);
	/* not from elsewhere */
	p = question("9.9.9.9", "fe80::6", "fe80::8");
	put(l, "9.9.9.9", &p);
	refused(l, REJECT_SPOOFED);
	lab_free(l);
}

static void test_v6_redirect(void **state)
{
	struct lab *l = v6_busy_hub();
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	hairpin(l, "6.6.6.6", "2001:db8:66::1", "2001:db8:88::1");
	s = sent(l, NHRP_TRAFFIC_INDICATION, "6.6.6.6");
	assert_int_equal(s->p.proto_type, 0x86dd);
	assert_string_equal(T(&s->p.src_proto), "2001:db8::1");
	assert_string_equal(T(&s->p.dst_proto), "2001:db8:66::1");
	assert_int_equal(s->p.quote_len, 40);
	hairpin(l, "6.6.6.6", "fe80::6", "2001:db8:88::1");
	hairpin(l, "6.6.6.6", "2001:db8:66::1", "fe80::8");
	hairpin(l, "6.6.6.6", "2001:db8:66::1", "ff0e::5");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 3);
	hairpin(l, "6.6.6.6", "66.66.66.66", "88.88.88.88");
	refused(l, REJECT_OFF);
	/* the request takes the routed path, by a link-local next hop */
	add_route(l, "2001:db8:88::", 48, IFINDEX, "fe80::8");
	p = question("6.6.6.6", "2001:db8::6", "2001:db8:88::1");
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	assert_string_equal(T(&s->p.dst_proto), "2001:db8:88::1");
	lab_free(l);
}

/* Who asked through a link-local next hop has learnt the other address. */
static void test_v6_told_of_both(void **state)
{
	struct lab *l = v6_busy_hub();
	struct nhrp_packet p = question("6.6.6.6", "2001:db8::6",
					"2001:db8:88::1");
	struct sent *s;

	(void)state;
	add_route(l, "2001:db8:88::", 48, IFINDEX, "fe80::8");
	put(l, "6.6.6.6", &p);
	forget_sent(l);
	p = registration("8.8.8.8", "2001:db8::8", false);
	put(l, "8.8.8.8", &p);		/* may move now */
	forget_sent(l);
	p = registration("8.8.9.9", "2001:db8::8", false);
	put(l, "8.8.9.9", &p);
	s = sent(l, NHRP_PURGE_REQUEST, "6.6.6.6");
	assert_string_equal(T(&s->p.cies.e[0].proto), "2001:db8::8");
	assert_string_equal(T(&s->p.cies.e[0].nbma), "8.8.8.8");
	lab_free(l);
}

/* The summary is routed by the hub's link-local address. */
static struct lab *v6_phase3(void)
{
	struct lab *l = v6_registered();

	add_route(l, "2001:db8::", 64, IFINDEX, NULL);
	add_route(l, "2001:db8:66::", 48, 9, NULL);
	add_route(l, "2001:db8:80::", 44, IFINDEX, "fe80::1");
	return l;
}

static void test_v6_shortcut(void **state)
{
	struct lab *l = v6_phase3();
	struct engine_shortcut *k;
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	indicate(l, "1.1.1.1", "2001:db8:66::1", "2001:db8:88::1");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	assert_string_equal(T(&s->p.src_proto), "2001:db8::6");
	assert_string_equal(T(&s->p.dst_proto), "2001:db8:88::1");
	p = behind(s, "8.8.8.8", "2001:db8::8", 48);
	put(l, "8.8.8.8", &p);
	k = shortcut(l, "2001:db8:88::", 48);
	assert_non_null(k);
	assert_string_equal(T(&k->nexthop), "2001:db8::8");
	assert_string_equal(T(&k->via), "fe80::1");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	p = answer_to(s, "8.8.8.8");
	put(l, "8.8.8.8", &p);
	assert_int_equal(neigh(l, "2001:db8::8")->flags, 0);
	/* a prefix of all addresses is nobody's */
	indicate(l, "1.1.1.1", "2001:db8:66::1", "2001:db8:89::1");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	p = behind(s, "8.8.8.8", "2001:db8::8", 8);
	put(l, "8.8.8.8", &p);
	assert_int_equal(l->n_shortcuts, 1);
	assert_int_equal(rejected(l, REJECT_BAD_REPLY), 1);
	/* what stays on its link is not asked for */
	indicate(l, "1.1.1.1", "2001:db8:66::1", "fe80::8");
	indicate(l, "1.1.1.1", "fe80::6", "2001:db8:88::1");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 2);
	/* the owner takes it back */
	p = packet(NHRP_PURGE_REQUEST, 0, 5, "8.8.8.8", "2001:db8::8",
		   "2001:db8::6");
	p.cies.e[0].prefix = 48;
	p.cies.e[0].proto = A("2001:db8:88::");
	put(l, "8.8.8.8", &p);
	assert_null(shortcut(l, "2001:db8:88::", 48));
	lab_free(l);
}

/* The route leads straight to the node by its other address: no shortcut. */
static void test_v6_shortcut_of_route(void **state)
{
	struct lab *l = v6_phase3();
	struct nhrp_packet p;
	struct sent *s;

	(void)state;
	resolve(l, "fe80::8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "1.1.1.1", &p);
	forget_sent(l);
	add_route(l, "2001:db8:88::", 48, IFINDEX, "fe80::8");
	indicate(l, "1.1.1.1", "2001:db8:66::1", "2001:db8:88::1");
	s = sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	p = behind(s, "8.8.8.8", "2001:db8::8", 48);
	put(l, "8.8.8.8", &p);
	assert_int_equal(l->n_shortcuts, 0);
	assert_int_equal(rejected(l, REJECT_BAD_REPLY), 0);
	lab_free(l);
}

/* It answers for what its routes say, by its address in the subnet. */
static void test_v6_answer_behind(void **state)
{
	struct lab *l = v6_phase3();
	struct nhrp_packet p = question("8.8.8.8", "2001:db8::8",
					"2001:db8:66::9");
	struct sent *s;

	(void)state;
	put(l, "1.1.1.1", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(s->p.cies.e[0].prefix, 48);
	assert_string_equal(T(&s->p.cies.e[0].proto), "2001:db8::6");
	assert_string_equal(T(&neigh(l, "2001:db8::8")->nbma), "8.8.8.8");
	lab_free(l);
}

/* ---- both families over one device ---- */

/* R6, of which IPv4 is what @l->c has. */
static struct lab *dual_spoke(void)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");
	struct conf_nhrp *v6 = &l->conf.nhrp[CONF_IPV6];

	add_nhs(l, "192.168.1.1", "1.1.1.1");
	l->c->nhs[0].priority = 5;
	*v6 = *l->c;
	v6->addr = A("2001:db8::6");
	v6->plen = 64;
	v6->network_id = 2;
	v6->nhs[0].proto = A("2001:db8::1");
	v6->nhs[0].priority = 3;
	v6->nhs[0].multicast = true;
	apply(l);
	return l;
}

/* Their registrations, in the order of the families. */
static void dual_answer(struct lab *l, bool v4, bool v6)
{
	bool answers[] = { v4, v6 };
	struct nhrp_packet p;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"),
			      NULL);
		assert_int_equal(p.proto_type, k ? 0x86dd : 0x0800);
		p.cies.e[0].code = answers[k] ? 0 : NHRP_CODE_PROHIBITED;
		put(l, "1.1.1.1", &p);
	}
	forget_sent(l);
}

static const uint32_t hub_flags = DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS |
				  DMVPN_PEER_F_MULTICAST;

/* What either of them wants, the better priority, one limit for the sender. */
static void test_dual_peer(void **state)
{
	struct lab *l = dual_spoke();

	(void)state;
	dual_answer(l, true, true);
	assert_int_equal(l->n_peers, 1);
	assert_int_equal(peer(l, "1.1.1.1")->flags, hub_flags);
	assert_int_equal(peer(l, "1.1.1.1")->priority, 3);
	assert_non_null(neigh(l, "192.168.1.1"));
	assert_non_null(neigh(l, "2001:db8::1"));
	/* IPv6 ends: what was its own goes */
	l->conf.nhrp[CONF_IPV6].network_id = 0;
	apply(l);
	assert_int_equal(sent(l, NHRP_PURGE_REQUEST,
			      "1.1.1.1")->p.proto_type, 0x86dd);
	silent(l);
	assert_null(neigh(l, "2001:db8::1"));
	assert_non_null(neigh(l, "192.168.1.1"));
	assert_int_equal(peer(l, "1.1.1.1")->flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS);
	assert_int_equal(peer(l, "1.1.1.1")->priority, 5);
	/* and comes back, IPv4 ends */
	l->conf.nhrp[CONF_IPV6].network_id = 2;
	l->conf.nhrp[CONF_IPV4].network_id = 0;
	apply(l);
	l->c = &l->conf.nhrp[CONF_IPV6];
	forget_sent(l);
	assert_null(neigh(l, "192.168.1.1"));
	engine_iface_del(l->engine, IFINDEX, l->now);
	assert_int_equal(l->n_peers, 0);
	lab_free(l);
}

/* An NHS that is down for one family still carries the other. */
static void test_dual_one_down(void **state)
{
	struct lab *l = dual_spoke();

	(void)state;
	dual_answer(l, true, false);
	assert_int_equal(peer(l, "1.1.1.1")->flags, hub_flags);
	assert_int_equal(peer(l, "1.1.1.1")->priority, 5);
	assert_int_equal(shown(l, "192.168.1.1")->state, ENTRY_UP);
	assert_int_equal(shown(l, "2001:db8::1")->state, ENTRY_DOWN);
	lab_free(l);
}

/* After a restart the first "no" of one family takes nothing from the other. */
static void dual_restart(unsigned int first)
{
	struct lab *l = dual_spoke();
	struct addr hub = A("1.1.1.1");
	struct nhrp_packet p[2];
	unsigned int k;

	dual_answer(l, true, true);
	l = heir(l, SECOND);
	engine_adopt_peer(l->engine, IFINDEX, &hub, 0, hub_flags, 3, l->now);
	for (k = 0; k < 2; k++)
		p[k] = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"),
				 NULL);
	p[first].cies.e[0].code = NHRP_CODE_PROHIBITED;
	put(l, "1.1.1.1", &p[first]);
	assert_int_equal(l->peer_sets, 0);
	put(l, "1.1.1.1", &p[!first]);
	assert_int_equal(peer(l, "1.1.1.1")->flags, hub_flags);
	assert_int_equal(peer(l, "1.1.1.1")->priority, first ? 5 : 3);
	lab_free(l);
}

static void test_dual_restart(void **state)
{
	(void)state;
	dual_restart(0);
	dual_restart(1);
}

/* The first "yes" counts at once. */
static void test_dual_first(void **state)
{
	struct lab *l = dual_spoke();
	struct nhrp_packet p;

	(void)state;
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	assert_int_equal(peer(l, "1.1.1.1")->flags, hub_flags);
	lab_free(l);
}

/* An interface in the middle of its configuration tells the kernel nothing. */
static void test_dual_restart_of_one(void **state)
{
	struct lab *l = dual_spoke();
	struct addr hub = A("1.1.1.1");

	(void)state;
	dual_answer(l, true, true);
	/* for IPv4 it gets multicast, no more */
	l->c->n_nhs = 0;
	l->c->map[0].nbma = hub;
	l->c->map[0].multicast = true;
	l->c->n_map = 1;
	l = heir(l, SECOND);
	engine_adopt_peer(l->engine, IFINDEX, &hub, 0, hub_flags, 3, l->now);
	assert_int_equal(l->peer_sets, 0);
	assert_int_equal(peer(l, "1.1.1.1")->flags, hub_flags);
	lab_free(l);
}

/* Both have direct paths to one node; it falls silent for both. */
static void test_dual_oneway(void **state)
{
	static const char *const node[] = { "192.168.1.8", "2001:db8::8" };
	struct lab *l = dual_spoke();
	struct addr r8 = A("8.8.8.8");
	struct nhrp_packet p;
	unsigned int k;

	(void)state;
	dual_answer(l, true, true);
	for (k = 0; k < 2; k++) {
		resolve(l, node[k]);
		p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"),
			      "8.8.8.8");
		put(l, "1.1.1.1", &p);
		p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8"),
			      "8.8.8.8");
		put(l, "8.8.8.8", &p);
		assert_int_equal(neigh(l, node[k])->flags, 0);
	}
	l->now += 10 * SECOND;
	forget_sent(l);
	engine_oneway(l->engine, IFINDEX, &r8, 0, l->now);
	for (k = 0; k < 2; k++)
		sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	silent(l);
	pass(l, 4 * SECOND);
	for (k = 0; k < 2; k++)
		assert_int_equal(neigh(l, node[k])->flags,
				 DMVPN_NEIGH_F_UNCONFIRMED);
	/* the kernel drops the peer with the last of them */
	assert_int_equal(engine_clear(l->engine, IFINDEX, CONF_IPV4, NULL,
				      l->now), 1);
	assert_null(neigh(l, node[0]));
	assert_non_null(neigh(l, node[1]));
	assert_int_equal(engine_clear(l->engine, IFINDEX, CONF_IPV6, NULL,
				      l->now), 1);
	assert_null(neigh(l, node[1]));
	lab_free(l);
}

static void note_order(void *ctx, const struct engine_entry *e)
{
	char *text = ctx;

	strcat(text, T(&e->proto));
	strcat(text, " ");
}

static void test_dual_counters(void **state)
{
	struct lab *l = dual_spoke();
	struct engine_traffic t4, t6;
	char order[128] = "";

	(void)state;
	dual_answer(l, true, true);
	assert_true(engine_traffic(l->engine, IFINDEX, CONF_IPV4, &t4));
	assert_true(engine_traffic(l->engine, IFINDEX, CONF_IPV6, &t6));
	assert_int_equal(t4.sent[NHRP_REGISTRATION_REQUEST], 1);
	assert_int_equal(t6.sent[NHRP_REGISTRATION_REQUEST], 1);
	resolve(l, "2001:db8::6");
	assert_int_equal(rejected(l, REJECT_MARTIAN), 0);
	assert_true(engine_traffic(l->engine, IFINDEX, CONF_IPV6, &t6));
	assert_int_equal(t6.rejected[REJECT_MARTIAN], 1);
	engine_each_entry(l->engine, note_order, order);
	assert_string_equal(order, "192.168.1.1 2001:db8::1 ");
	/* an NHS drained by its NBMA address is so for both */
	assert_int_equal(engine_nhs_drain(l->engine, IFINDEX, &(struct addr){
			 4, { 1, 1, 1, 1 } }, true, l->now), 0);
	assert_true(nhs_of(l).drained);
	lab_free(l);
}

/* ---- IPsec ---- */

/* An SA comes, its peer is @identity. */
static void sa_up(struct lab *l, const char *nbma, const char *identity)
{
	struct addr a = A(nbma);

	l->sa[sa_at(l, &a)].sa = (struct engine_sa){
		.state = ENGINE_SA_UP, .identity = identity, .reason = "" };
	engine_sa(l->engine, IFINDEX, &a, 0, true, false, l->now);
}

static void sa_down(struct lab *l, const char *nbma, const char *why)
{
	struct addr a = A(nbma);

	l->sa[sa_at(l, &a)].sa = (struct engine_sa){
		.state = ENGINE_SA_DOWN, .identity = "", .reason = why };
	engine_sa(l->engine, IFINDEX, &a, 0, false, false, l->now);
}

/* The peer makes one: it may not have it when this end does. */
static void sa_fresh(struct lab *l, const char *nbma)
{
	struct addr a = A(nbma);

	engine_sa(l->engine, IFINDEX, &a, 0, true, true, l->now);
}

/* The path to @nbma is asked whether it works, and does. */
static void prove(struct lab *l, const char *nbma)
{
	struct sent *probe = sent(l, NHRP_RESOLUTION_REQUEST, nbma);
	struct nhrp_packet p = answer_to(probe, nbma);

	assert_int_equal(probe->p.hops, 1);
	put(l, nbma, &p);
	silent(l);
}

static bool needed(struct lab *l, const char *nbma)
{
	struct addr a = A(nbma);

	return l->sa[sa_at(l, &a)].needed;
}

static void protect(struct lab *l)
{
	l->ipsec = true;
	l->conf.ipsec_required = true;
	strcpy(l->conf.protection, "P");
}

static struct lab *sealed_spoke(void)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");

	add_nhs(l, "192.168.1.1", "1.1.1.1");
	protect(l);
	apply(l);
	return l;
}

static struct lab *sealed_registered(void)
{
	struct lab *l = sealed_spoke();
	struct nhrp_packet p;

	sa_up(l, "1.1.1.1", "hub.lab");
	pass(l, 50);
	p = answer_to(sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1"), NULL);
	put(l, "1.1.1.1", &p);
	forget_sent(l);
	assert_true(nhs_of(l).up);
	return l;
}

static struct lab *sealed_hub(void)
{
	struct lab *l = lab_new("192.168.1.1", "1.1.1.1");

	l->c->multicast_dynamic = true;
	protect(l);
	apply(l);
	return l;
}

/* Nothing is sent where nothing arrives, and the reason is told. */
static void test_sa_register(void **state)
{
	struct lab *l = sealed_spoke();

	(void)state;
	silent(l);
	assert_true(needed(l, "1.1.1.1"));
	assert_int_equal(l->needs, 1);
	assert_string_equal(nhs_of(l).reason, "no IPsec SA yet");
	l->sa[0].sa.reason = "the peer does not answer";
	pass(l, 20 * SECOND);
	silent(l);
	assert_false(nhs_of(l).up);
	assert_string_equal(nhs_of(l).reason,
			    "no IPsec SA: the peer does not answer");
	assert_int_equal(nhs_of(l).req_failed, 0);
	sa_up(l, "1.1.1.1", "hub.lab");
	silent(l);			/* the hub hears of it a little later */
	pass(l, 50);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	assert_int_equal(l->needs, 1);
	lab_free(l);
}

/* The NHS is given up soon after its SA went, and back at once with it. */
static void test_sa_nhs_lost(void **state)
{
	struct lab *l = sealed_registered();

	(void)state;
	sa_down(l, "1.1.1.1", "IKE is under way");
	pass(l, 1000);
	assert_true(nhs_of(l).up);
	sa_up(l, "1.1.1.1", "hub.lab");
	live(l, 5 * SECOND);
	assert_true(nhs_of(l).up);
	sa_down(l, "1.1.1.1", "charon has gone");
	pass(l, 5 * SECOND);
	assert_false(nhs_of(l).up);
	assert_string_equal(nhs_of(l).reason, "no IPsec SA: charon has gone");
	assert_int_equal(peer(l, "1.1.1.1")->flags & DMVPN_PEER_F_NHS, 0);
	sa_up(l, "1.1.1.1", "hub.lab");
	live(l, 50);
	assert_true(nhs_of(l).up);
	lab_free(l);
}

/* Somebody else makes SAs, or charon is away: it may work, so it is tried. */
static void test_sa_unknown(void **state)
{
	struct lab *l = lab_new("192.168.1.6", "6.6.6.6");

	(void)state;
	add_nhs(l, "192.168.1.1", "1.1.1.1");
	protect(l);
	l->ipsec = false;
	apply(l);
	sent(l, NHRP_REGISTRATION_REQUEST, "1.1.1.1");
	lab_free(l);
}

/* R4: a peer that was resolved carries data when its SA is there and works. */
static void test_sa_path(void **state)
{
	struct lab *l = sealed_registered();
	struct nhrp_packet p;

	(void)state;
	resolve(l, "192.168.1.8");
	assert_int_equal(l->needs, 1);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "1.1.1.1", &p);
	silent(l);			/* no probe: nothing could arrive */
	assert_true(needed(l, "8.8.8.8"));
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	l->sa[sa_at(l, &l->sa[1].nbma)].sa.reason = "wrong PSK";
	assert_string_equal(shown(l, "192.168.1.8")->reason,
			    "no IPsec SA: wrong PSK");
	resolve(l, "192.168.1.8");
	silent(l);
	sa_up(l, "8.8.8.8", "r8.lab");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	prove(l, "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	assert_non_null(strstr(l->w.events, "confirmed 192.168.1.8 8.8.8.8"));
	/* what is told again of the same SA changes nothing */
	sa_up(l, "8.8.8.8", "r8.lab");
	silent(l);
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	sa_down(l, "8.8.8.8", "its lifetime is over");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	assert_non_null(strstr(l->w.events, "peer-down 192.168.1.8 8.8.8.8 no IPsec SA"));
	sa_up(l, "8.8.8.8", "r8.lab");
	prove(l, "8.8.8.8");
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	/* not needed any more when it has gone */
	live(l, 700 * SECOND);
	assert_null(shown(l, "192.168.1.8"));
	assert_false(needed(l, "8.8.8.8"));
	assert_true(needed(l, "1.1.1.1"));
	assert_int_equal(l->needs, 3);
	engine_iface_del(l->engine, IFINDEX, l->now);
	assert_false(needed(l, "1.1.1.1"));
	lab_free(l);
}

/* Who answers IKE could send before the other end can receive. */
static void test_sa_fresh(void **state)
{
	struct lab *l = sealed_registered();
	struct addr nbma = A("8.8.8.8");
	struct nhrp_packet p;
	struct engine_sa *a;

	(void)state;
	resolve(l, "192.168.1.8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "1.1.1.1", &p);
	sa_up(l, "8.8.8.8", "r8.lab");
	a = &l->sa[sa_at(l, &nbma)].sa;
	/* the probe is lost, but who sends through the SA has it by now */
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	p.hops = 1;
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	prove(l, "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	pass(l, SECOND);
	silent(l);
	/* its charon is another one: it begins, ... */
	a->coming = true;
	sa_fresh(l, "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	assert_non_null(strstr(l->w.events, "peer-down 192.168.1.8 8.8.8.8 the peer makes a new SA"));
	/* an answer would come through the old one */
	silent(l);
	put(l, "8.8.8.8", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	/* ... and is done */
	a->coming = false;
	a->heir = true;
	sa_fresh(l, "8.8.8.8");
	silent(l);			/* the kernel takes it a little later */
	pass(l, 510);
	prove(l, "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	/* an NHS has no other way to it than this one */
	sa_fresh(l, "1.1.1.1");
	assert_true(nhs_of(l).up);
	lab_free(l);
}

/* R8 knows us from before we were started anew, and has made an SA: the kernel
 * would refuse its data. Whose address that is the NHS knows. */
static void test_sa_stranger(void **state)
{
	struct nhrp_packet probe = question("8.8.8.8", "192.168.1.8",
					    "192.168.1.6"), p;
	struct lab *l = sealed_registered();

	(void)state;
	probe.hops = 1;
	sa_up(l, "8.8.8.8", "r8.lab");
	put(l, "8.8.8.8", &probe);
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "8.8.8.8", &probe);
	silent(l);
	assert_int_equal(rejected(l, REJECT_PENDING), 2);
	put(l, "1.1.1.1", &p);
	assert_int_equal(neigh(l, "192.168.1.8")->flags,
			 DMVPN_NEIGH_F_UNCONFIRMED);
	prove(l, "8.8.8.8");
	put(l, "8.8.8.8", &probe);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	lab_free(l);
}

/* A restarted daemon wants the same SAs and finds its paths as they are. */
static void test_sa_adopt(void **state)
{
	struct lab *l = sealed_registered();
	struct nhrp_packet p;

	(void)state;
	sa_up(l, "8.8.8.8", "r8.lab");
	resolve(l, "192.168.1.8");
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "8.8.8.8");
	put(l, "1.1.1.1", &p);
	prove(l, "8.8.8.8");
	assert_int_equal(neigh(l, "192.168.1.8")->flags, 0);
	l->n_sas = l->needs = 0;
	l->ipsec = false;		/* charon is not connected yet */
	l = heir(l, SECOND);
	assert_true(needed(l, "1.1.1.1"));
	assert_true(needed(l, "8.8.8.8"));
	assert_int_equal(shown(l, "192.168.1.8")->state, ENTRY_UP);
	lab_free(l);
}

/* Protection that comes and goes. */
static void test_sa_config(void **state)
{
	struct lab *l = registered_spoke();

	(void)state;
	assert_int_equal(l->needs, 0);
	protect(l);
	apply(l);
	assert_true(needed(l, "1.1.1.1"));
	l->conf.ipsec_required = false;
	l->conf.protection[0] = '\0';
	apply(l);
	assert_false(needed(l, "1.1.1.1"));
	l->c->map[0] = (struct conf_map){ A("192.168.1.9"), A("9.9.9.9"), 0 };
	l->c->map[1] = (struct conf_map){ .nbma = A("4.4.4.4"),
					  .multicast = true };
	l->c->n_map = 2;
	protect(l);
	apply(l);
	assert_true(needed(l, "9.9.9.9"));
	assert_true(needed(l, "4.4.4.4"));
	lab_free(l);
}

/* The hub initiates to nobody who registers, and never for a moment. */
static void test_sa_hub_waits(void **state)
{
	struct lab *l = sealed_hub();

	(void)state;
	sa_up(l, "6.6.6.6", "r6.lab");
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	assert_int_equal(l->needs, 0);
	assert_non_null(strstr(l->w.log, "192.168.1.6 registered from 6.6.6.6 (r6.lab)"));
	lab_free(l);
}

static bool vacant(struct lab *l)
{
	return neigh(l, "192.168.1.6")->flags & DMVPN_NEIGH_F_UNCONFIRMED;
}

/* What somebody registered is never sent to whoever is there after him. */
static void test_sa_vacant(void **state)
{
	struct lab *l = sealed_hub();
	struct nhrp_packet p;

	(void)state;
	sa_up(l, "6.6.6.6", "r6.lab");
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	assert_false(vacant(l));
	/* a charon has gone with that: others may be there by the next one */
	l->sa[0].sa.doubtful = true;
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	p = registration("6.6.6.6", "192.168.1.9", true);
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_NO_IDENTITY);
	/* between two SAs of his; the end; he is back */
	l->sa[0].sa = (struct engine_sa){ .state = ENGINE_SA_DOWN,
		.identity = "", .reason = "", .coming = true };
	sa_fresh(l, "6.6.6.6");
	assert_false(vacant(l));
	sa_down(l, "6.6.6.6", "");
	assert_true(vacant(l));
	assert_string_equal(shown(l, "192.168.1.6")->reason,
			    "no IPsec SA of who registered it");
	sa_up(l, "6.6.6.6", "r6.lab");
	assert_false(vacant(l));
	/* somebody else, at once; he may register, but not that */
	sa_up(l, "6.6.6.6", "r7.lab");
	assert_true(vacant(l));
	assert_non_null(strstr(l->w.log, "192.168.1.6 is not at 6.6.6.6 any more, r7.lab is: nothing goes there"));
	do_register(l, "6.6.6.6", "192.168.1.7", true);
	p = registration("6.6.6.6", "192.168.1.6", true);
	put(l, "6.6.6.6", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "6.6.6.6")->p.cies.e[0].code, 14);
	assert_true(vacant(l));
	p = purge("6.6.6.6", "192.168.1.7", "192.168.1.1", "192.168.1.6");
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_PURGE);
	p = question("6.6.6.6", "192.168.1.6", "192.168.1.7");
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_SPOOFED);
	/* nor is anything about it, or for it, sent there */
	sa_up(l, "8.8.8.8", "r8.lab");
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	p = question("8.8.8.8", "192.168.1.8", "192.168.1.6");
	put(l, "8.8.8.8", &p);
	assert_int_equal(sent(l, NHRP_RESOLUTION_REPLY,
			      "8.8.8.8")->p.cies.e[0].code, NHRP_CODE_NO_BINDING);
	silent(l);
	/* after a restart it is not forgotten whose it is */
	p = registration("6.6.6.6", "192.168.1.6", true);
	l = heir(l, SECOND);
	sa_up(l, "6.6.6.6", "r7.lab");
	assert_true(vacant(l));
	put(l, "6.6.6.6", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "6.6.6.6")->p.cies.e[0].code, 14);
	sa_up(l, "66.0.0.6", "r6.lab");
	do_register(l, "66.0.0.6", "192.168.1.6", true);
	assert_false(vacant(l));
	lab_free(l);
}

/* An answer goes back the way of the request while there is no SA. */
static void test_sa_answer_behind(void **state)
{
	struct lab *l = sealed_registered();
	struct nhrp_packet p = question("8.8.8.8", "192.168.1.8",
					"66.66.66.66");

	(void)state;
	l->route = (struct engine_route){ .found = true, .ifindex = 9,
					  .prefix = A("66.66.66.0"),
					  .plen = 24 };
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "1.1.1.1");
	assert_true(needed(l, "8.8.8.8"));
	sa_up(l, "8.8.8.8", "r8.lab");
	prove(l, "8.8.8.8");
	p = question("8.8.8.8", "192.168.1.8", "66.66.66.66");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	lab_free(l);
}

/* First come, first served, by identity: R10. */
static void test_sa_identity(void **state)
{
	struct lab *l = sealed_hub();
	struct nhrp_packet p = registration("6.6.6.6", "192.168.1.6", false);

	(void)state;
	/* before charon has told of the SA that it came through */
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_NO_IDENTITY);
	sa_up(l, "6.6.6.6", "r6.lab");
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	sa_up(l, "7.7.7.7", "r7.lab");
	p = registration("7.7.7.7", "192.168.1.6", false);
	put(l, "7.7.7.7", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "7.7.7.7")->p.cies.e[0].code, 14);
	assert_non_null(strstr(l->w.log, "registration of 192.168.1.6 from 7.7.7.7 (r7.lab) refused: another identity holds it"));
	/* the same one comes from elsewhere, even if it said unique before */
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	sa_up(l, "66.0.0.6", "r6.lab");
	do_register(l, "66.0.0.6", "192.168.1.6", true);
	assert_string_equal(T(&neigh(l, "192.168.1.6")->nbma), "66.0.0.6");
	/* and after a restart, when charon may be away */
	l = heir(l, SECOND);
	put(l, "7.7.7.7", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "7.7.7.7")->p.cies.e[0].code, 14);
	l->ipsec = false;
	do_register(l, "66.0.0.6", "192.168.1.6", true);
	put(l, "7.7.7.7", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "7.7.7.7")->p.cies.e[0].code, 14);
	l->ipsec = true;
	put(l, "7.7.7.7", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "7.7.7.7")->p.cies.e[0].code, 14);
	/* two behind one address cannot be told apart */
	l->sa[sa_at(l, &(struct addr){ 4, { 7, 7, 7, 7 } })].sa.ambiguous = true;
	p = registration("7.7.7.7", "192.168.1.7", false);
	put(l, "7.7.7.7", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "7.7.7.7")->p.cies.e[0].code, 4);
	lab_free(l);
}

/* An identity that is the address binds to nothing that may move. */
static void test_sa_address_identity(void **state)
{
	struct lab *l = sealed_hub();

	(void)state;
	sa_up(l, "6.6.6.6", "6.6.6.6");
	sa_up(l, "66.0.0.6", "66.0.0.6");
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	do_register(l, "66.0.0.6", "192.168.1.6", false);
	assert_string_equal(T(&neigh(l, "192.168.1.6")->nbma), "66.0.0.6");
	lab_free(l);
}

static void authorize(struct lab *l, const char *identity, const char *prefix,
		      uint8_t plen)
{
	struct conf_authorize *r = &l->c->authorize[l->c->n_authorize++];

	strcpy(r->identity, identity);
	r->prefix = A(prefix);
	r->plen = plen;
}

static void test_sa_authorize(void **state)
{
	struct lab *l = sealed_hub();
	struct nhrp_packet p;

	(void)state;
	authorize(l, "r6.lab", "192.168.1.6", 32);
	authorize(l, "r7.lab", "192.168.1.7", 32);
	authorize(l, "*.pool.lab", "192.168.1.128", 25);
	apply(l);
	sa_up(l, "6.6.6.6", "r6.lab");
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	p = registration("6.6.6.6", "192.168.1.7", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_IDENTITY);
	assert_non_null(strstr(l->w.log, "(r6.lab) refused: no 'authorize' line gives it to that identity"));
	sa_up(l, "6.6.6.6", "a.pool.lab");
	do_register(l, "6.6.6.6", "192.168.1.200", true);
	p = registration("6.6.6.6", "192.168.1.6", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_IDENTITY);
	sa_up(l, "6.6.6.6", "stranger.example");
	p = registration("6.6.6.6", "192.168.1.201", true);
	nak(l, &p, NHRP_CODE_PROHIBITED, REJECT_IDENTITY);
	/* who it is cannot be known: not answered, and asked again */
	forget_sent(l);
	l->ipsec = false;
	p = registration("6.6.6.6", "192.168.1.6", true);
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_NO_IDENTITY);
	lab_free(l);
}

/* ---- who has an SA and means no good ---- */

/* Nobody holds more than some addresses, wherever he comes from. */
static void test_sa_registration_limit(void **state)
{
	struct lab *l = sealed_hub();
	char addr[ADDR_STRLEN];
	struct nhrp_packet p;
	unsigned int k;

	(void)state;
	sa_up(l, "6.6.6.6", "r6.lab");
	sa_up(l, "66.0.0.6", "r6.lab");
	sa_up(l, "7.7.7.7", "r7.lab");
	for (k = 0; k < CONF_REG_LIMIT; k++) {
		snprintf(addr, sizeof(addr), "192.168.1.%u", 60 + k);
		do_register(l, k % 2 ? "6.6.6.6" : "66.0.0.6", addr, false);
	}
	p = registration("6.6.6.6", "192.168.1.70", false);
	nak(l, &p, NHRP_CODE_NO_RESOURCES, REJECT_TOO_MANY);
	assert_non_null(strstr(l->w.log, "192.168.1.70 from 6.6.6.6 (r6.lab) refused: it has as many addresses as 'registration limit' allows"));
	do_register(l, "7.7.7.7", "192.168.1.70", false);
	/* what it has it may renew, move and give back, after a restart, too */
	do_register(l, "66.0.0.6", "192.168.1.61", false);
	l = heir(l, SECOND);
	sa_up(l, "6.6.6.6", "r6.lab");
	p = registration("6.6.6.6", "192.168.1.71", false);
	nak(l, &p, NHRP_CODE_NO_RESOURCES, REJECT_TOO_MANY);
	p = purge("66.0.0.6", "192.168.1.60", "192.168.1.1", "192.168.1.60");
	put(l, "66.0.0.6", &p);
	sent(l, NHRP_PURGE_REPLY, "66.0.0.6");
	do_register(l, "6.6.6.6", "192.168.1.71", false);
	p = registration("6.6.6.6", "192.168.1.72", false);
	nak(l, &p, NHRP_CODE_NO_RESOURCES, REJECT_TOO_MANY);
	lab_free(l);
}

/* Whoever cannot be known is where he is. */
static void test_registration_limit(void **state)
{
	struct lab *l = hub();
	struct nhrp_packet p;

	(void)state;
	l->c->reg_limit = 1;
	apply(l);
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	p = registration("6.6.6.6", "192.168.1.7", false);
	nak(l, &p, NHRP_CODE_NO_RESOURCES, REJECT_TOO_MANY);
	do_register(l, "7.7.7.7", "192.168.1.7", false);
	nak(l, &p, NHRP_CODE_NO_RESOURCES, REJECT_TOO_MANY);
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	lab_free(l);
}

/* An address registered while nobody could tell identities is not free. */
static void test_sa_holder_unknown(void **state)
{
	struct lab *l = sealed_hub();
	struct nhrp_packet p = registration("7.7.7.7", "192.168.1.6", false);

	(void)state;
	l->ipsec = false;
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	l->ipsec = true;
	sa_up(l, "6.6.6.6", "r6.lab");
	sa_up(l, "7.7.7.7", "r7.lab");
	put(l, "7.7.7.7", &p);
	assert_int_equal(sent(l, NHRP_REGISTRATION_REPLY,
			      "7.7.7.7")->p.cies.e[0].code, 14);
	do_register(l, "6.6.6.6", "192.168.1.6", false);
	sa_up(l, "66.0.0.6", "r6.lab");
	do_register(l, "66.0.0.6", "192.168.1.6", false);
	lab_free(l);
}

/* R6, protected, with a summary from the hub. */
static struct lab *sealed_phase3(void)
{
	struct lab *l = sealed_registered();

	l->c->shortcut = true;
	apply(l);
	add_route(l, "192.168.1.0", 24, IFINDEX, NULL);
	add_route(l, "66.66.66.0", 24, 9, NULL);
	add_route(l, "88.0.0.0", 8, IFINDEX, "192.168.1.1");
	forget_sent(l);
	return l;
}

/* R10: at a spoke, too, an answer is for what its sender has by rule. */
static void test_sa_authorize_answer(void **state)
{
	struct lab *l = sealed_phase3();
	struct nhrp_packet p;

	(void)state;
	authorize(l, "r8.lab", "192.168.1.8", 32);
	authorize(l, "r8.lab", "88.88.88.0", 24);
	apply(l);
	sa_up(l, "8.8.8.8", "r8.lab");
	p = behind(asked(l, "88.88.88.88"), "8.8.8.8", "192.168.1.8", 16);
	put(l, "8.8.8.8", &p);
	assert_int_equal(rejected(l, REJECT_IDENTITY), 1);
	assert_int_equal(l->n_shortcuts, 0);
	assert_null(neigh(l, "192.168.1.8"));
	assert_non_null(strstr(l->w.log, "88.88.88.88/16 at 8.8.8.8 (r8.lab) refused: no 'authorize' line gives it to that identity"));
	assert_string_equal(shown(l, "88.88.88.88")->reason,
			    "no 'authorize' line gives it to who is there");
	/* nor is it somebody else */
	p = behind(asked(l, "88.88.88.1"), "8.8.8.8", "192.168.1.9", 24);
	put(l, "8.8.8.8", &p);
	assert_int_equal(rejected(l, REJECT_IDENTITY), 2);
	assert_null(neigh(l, "192.168.1.9"));
	p = behind(asked(l, "88.88.88.2"), "8.8.8.8", "192.168.1.8", 24);
	put(l, "8.8.8.8", &p);
	assert_non_null(shortcut(l, "88.88.88.0", 24));
	prove(l, "8.8.8.8");
	assert_int_equal(rejected(l, REJECT_IDENTITY), 2);
	lab_free(l);
}

/* What the hub has passed on is judged when it is known who is there. */
static void test_sa_authorize_late(void **state)
{
	struct lab *l = sealed_phase3();
	struct nhrp_packet p;

	(void)state;
	authorize(l, "r8.lab", "192.168.1.8", 32);
	authorize(l, "r8.lab", "88.88.88.0", 24);
	authorize(l, "r7.lab", "192.168.1.7", 32);
	apply(l);
	p = behind(asked(l, "88.88.88.88"), "8.8.8.8", "192.168.1.8", 24);
	put(l, "1.1.1.1", &p);
	p = behind(asked(l, "88.77.0.1"), "7.7.7.7", "192.168.1.7", 24);
	put(l, "1.1.1.1", &p);
	assert_int_equal(l->n_shortcuts, 2);
	sa_up(l, "8.8.8.8", "r7.lab");
	assert_null(neigh(l, "192.168.1.8"));
	sa_up(l, "7.7.7.7", "r7.lab");
	assert_non_null(neigh(l, "192.168.1.7"));
	assert_int_equal(l->n_shortcuts, 0);
	assert_int_equal(rejected(l, REJECT_IDENTITY), 2);
	lab_free(l);
}

/* Without rules the NHS is asked whose address an answer speaks of. */
static void test_sa_hearsay(void **state)
{
	struct lab *l = sealed_phase3();
	struct nhrp_packet p;

	(void)state;
	sa_up(l, "8.8.8.8", "r8.lab");
	p = behind(asked(l, "88.88.88.88"), "8.8.8.8", "192.168.1.9", 24);
	put(l, "8.8.8.8", &p);
	assert_null(neigh(l, "192.168.1.9"));
	p = answer_to(sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1"), "9.9.9.9");
	assert_string_equal(T(&p.dst_proto), "192.168.1.9");
	put(l, "1.1.1.1", &p);
	assert_string_equal(T(&neigh(l, "192.168.1.9")->nbma), "9.9.9.9");
	assert_non_null(shortcut(l, "88.88.88.0", 24));
	lab_free(l);
}

/* R6 and R8 at a protected hub. */
static struct lab *sealed_busy_hub(void)
{
	struct lab *l = sealed_hub();

	sa_up(l, "6.6.6.6", "r6.lab");
	sa_up(l, "8.8.8.8", "r8.lab");
	do_register(l, "6.6.6.6", "192.168.1.6", true);
	do_register(l, "8.8.8.8", "192.168.1.8", true);
	return l;
}

static struct nhrp_packet reply(const char *target, const char *hop,
				const char *nbma, uint8_t plen)
{
	struct nhrp_packet p = packet(NHRP_RESOLUTION_REPLY, 0xf802, 99,
				      "8.8.8.8", "192.168.1.8", target);

	p.cies.e[0].nbma = A(nbma);
	p.cies.e[0].proto = A(hop);
	p.cies.e[0].prefix = plen;
	return p;
}

/* Nobody has others begin IKE where he is not: the hub says where he is. */
static void test_sa_lie(void **state)
{
	struct lab *l = sealed_busy_hub();
	struct nhrp_packet p = question("9.9.9.9", "192.168.1.8",
					"192.168.1.6");
	struct nhrp_cie *c;
	struct sent *s;

	(void)state;
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	assert_one(s, NHRP_EXT_NAT, "8.8.8.8", "192.168.1.8");
	c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_NAT)->cies);
	*c = (struct nhrp_cie){ .prefix = 32, .nbma = A("9.9.9.9"),
				.proto = A("192.168.1.8") };
	put(l, "8.8.8.8", &p);
	s = sent(l, NHRP_RESOLUTION_REQUEST, "6.6.6.6");
	assert_one(s, NHRP_EXT_NAT, "8.8.8.8", "192.168.1.8");
	p = question("9.9.9.9", "192.168.1.8", "192.168.1.6");
	p.n_exts = 0;
	put(l, "8.8.8.8", &p);
	refused(l, REJECT_SPOOFED);
	assert_non_null(strstr(l->w.log, "192.168.1.8 refused: it is at 8.8.8.8 and says 9.9.9.9"));
	/* in an answer */
	p = reply("192.168.1.6", "192.168.1.6", "9.9.9.9", 32);
	put(l, "6.6.6.6", &p);
	s = sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	assert_one(s, NHRP_EXT_NAT, "6.6.6.6", "192.168.1.6");
	lab_free(l);
}

/* The hub passes on what its sender may say. */
static void test_sa_pass_reply(void **state)
{
	struct lab *l = sealed_busy_hub();
	struct nhrp_packet p = reply("66.66.66.66", "192.168.1.6", "6.6.6.6", 24);

	(void)state;
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	p = reply("66.66.66.66", "192.168.1.8", "6.6.6.6", 24);
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_SPOOFED);
	assert_non_null(strstr(l->w.log, "answer for 66.66.66.66/24 from 6.6.6.6 (r6.lab) refused: its next hop is not its sender's"));
	p = reply("66.66.66.66", "192.168.1.9", "6.6.6.6", 24);
	put(l, "6.6.6.6", &p);
	assert_int_equal(rejected(l, REJECT_SPOOFED), 2);
	authorize(l, "r6.lab", "192.168.1.6", 32);
	authorize(l, "r6.lab", "66.66.66.0", 24);
	apply(l);
	p = reply("66.66.66.66", "192.168.1.6", "6.6.6.6", 23);
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_IDENTITY);
	p = reply("66.66.66.66", "192.168.1.6", "6.6.6.6", 24);
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_RESOLUTION_REPLY, "8.8.8.8");
	silent(l);
	lab_free(l);
}

/* Another one's address is not taken back with the hub's help, */
static void test_sa_pass_purge(void **state)
{
	struct lab *l = sealed_busy_hub();
	struct nhrp_packet p = purge("6.6.6.6", "192.168.1.6", "192.168.1.8",
				     "192.168.1.9");

	(void)state;
	sa_up(l, "9.9.9.9", "r9.lab");
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_PURGE);
	do_register(l, "9.9.9.9", "192.168.1.9", true);
	put(l, "6.6.6.6", &p);
	assert_int_equal(rejected(l, REJECT_PURGE), 2);
	silent(l);
	p.cies.e[0].proto = A("192.168.1.6");
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_PURGE_REQUEST, "8.8.8.8");
	lab_free(l);
}

/* and another one's prefix is not believed. */
static void test_sa_purge_passed(void **state)
{
	struct lab *l = sealed_phase3();
	struct nhrp_packet p = behind(asked(l, "88.88.88.88"), "8.8.8.8",
				      "192.168.1.8", 24);

	(void)state;
	put(l, "1.1.1.1", &p);
	p = purge_of("88.0.0.0", 8);
	p.src_proto = A("192.168.1.9");
	put(l, "1.1.1.1", &p);
	refused(l, REJECT_PURGE);
	assert_int_equal(l->n_shortcuts, 1);
	p = purge_of("192.168.1.0", 24);
	p.src_proto = A("192.168.1.9");
	put(l, "1.1.1.1", &p);
	sent(l, NHRP_PURGE_REPLY, "1.1.1.1");
	assert_non_null(neigh(l, "192.168.1.8"));
	assert_int_equal(l->n_shortcuts, 1);
	p.src_proto = A("192.168.1.1");
	put(l, "1.1.1.1", &p);
	assert_null(neigh(l, "192.168.1.8"));
	lab_free(l);
}

/* Who calls himself an NHS needs a rule for whom he speaks for. */
static void test_sa_speaks_for(void **state)
{
	struct lab *l = sealed_busy_hub();
	struct nhrp_packet p = question("9.9.9.9", "192.168.1.9", "192.168.1.8");
	struct nhrp_cie *c = nhrp_cie_add(&nhrp_ext_get(&p, NHRP_EXT_FORWARD)->cies);

	(void)state;
	c->nbma = A("6.6.6.6");
	c->proto = A("192.168.1.6");
	put(l, "6.6.6.6", &p);
	refused(l, REJECT_UNKNOWN_REQUESTER);
	authorize(l, "r6.lab", "192.168.1.0", 24);
	apply(l);
	put(l, "6.6.6.6", &p);
	sent(l, NHRP_RESOLUTION_REQUEST, "8.8.8.8");
	lab_free(l);
}

/* A peer's hints do not use up what is there for all. */
static void test_indications_bounded(void **state)
{
	struct lab *l = shortcut_spoke();
	char dst[ADDR_STRLEN];
	unsigned int k;

	(void)state;
	add_route(l, "88.1.0.0", 16, IFINDEX, "192.168.1.8");
	l->deaf = true;
	for (k = 0; k < 200; k++) {
		snprintf(dst, sizeof(dst), "88.1.1.%u", k + 1);
		indicate(l, "8.8.8.8", "66.66.66.66", dst);
	}
	l->deaf = false;
	assert_int_equal(rejected(l, REJECT_RATE), 100);
	indicate(l, "1.1.1.1", "66.66.66.66", "88.2.1.1");
	sent(l, NHRP_RESOLUTION_REQUEST, "1.1.1.1");
	lab_free(l);
}

static void test_sa_cookie(void **state)
{
	struct lab *l = hub();
	struct entry e = { .iface = iface_find(l->engine, IFINDEX, family(l)),
			   .type = ENTRY_DYNAMIC, .proto = A("192.168.1.6"),
			   .claimed = A("10.0.0.6"), .owner = 0x123456789abcdef };
	struct entry back = { .iface = e.iface, .proto = e.proto };
	uint8_t cookie[ENGINE_COOKIE_MAX];
	size_t len, cut;
	unsigned int k;

	(void)state;
	e.told = calloc(1, sizeof(*e.told));
	for (k = 0; k < CACHE_TOLD_MAX; k++)
		e.told->who[e.told->n++] = A("192.168.1.8");
	len = cache_cookie(&e, cookie);
	assert_true(len <= ENGINE_COOKIE_MAX);
	for (cut = 0; cut < len; cut++)
		assert_false(cache_restore(&back, cookie, cut));
	assert_true(cache_restore(&back, cookie, len));
	assert_true(back.owner == e.owner);
	assert_int_equal(back.told->n, CACHE_TOLD_MAX);
	free(back.told);
	free(e.told);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T_(register_format), T_(register_no_unique),
		T_(register_backoff), T_(register_up),
		T_(register_reply_of_others), T_(register_nak),
		T_(register_dynamic_nhs), T_(register_mapped_nhs),
		T_(register_name), T_(register_nat),
		T_(underlay_goes_and_comes), T_(config_diff), T_(iface_del),
		T_(serve_registration), T_(expiry_without_event),
		T_(serve_nat), T_(serve_frr_dynamic), T_(serve_prohibited),
		T_(serve_prefixes), T_(serve_unique), T_(serve_errors),
		T_(errors_bounded), T_(serve_move),
		T_(serve_move_tells_target), T_(told_overflow), T_(table_full),
		T_(ask_format), T_(ask_nonsense), T_(ask_without_nhs),
		T_(ask_backoff), T_(ask_nak), T_(ask_when_up),
		T_(ask_by_priority), T_(pending_bounded),
		T_(answer_is_probed), T_(spoke_serves_nobody), T_(probe_backoff), T_(probe_refused),
		T_(probe_error), T_(no_probe_with_ipsec), T_(answer_with_nat),
		T_(bad_answers), T_(refresh), T_(refresh_nak), T_(own_move),
		T_(answer_for_self), T_(answer_probe), T_(probe_takes_nothing),
		T_(probe_too_early), T_(probe_too_early_ends),
		T_(answer_nat), T_(answer_behind), T_(answer_not_me),
		T_(answer_unknown_extension), T_(answer_without_extensions),
		T_(pass_request), T_(pass_reply), T_(pass_fills_nat),
		T_(pass_no_binding), T_(pass_hops), T_(pass_loop),
		T_(pass_for_the_registered), T_(chain), T_(v6_overlay),
		T_(auth),
		T_(purge_by_nhs), T_(purge_by_whom), T_(purge_prefix),
		T_(purge_of_registered), T_(shared_peer),
		T_(unregister), T_(purge_again), T_(purge_answered), T_(clear),
		T_(adopt_hub), T_(adopt_spoke), T_(adopt_asked),
		T_(adopt_unconfirmed), T_(adopt_probed),
		T_(adopt_strangers), T_(adopt_unknown_cookie),
		T_(adopt_named_nhs), T_(adopt_peers), T_(cookie_garbage),
		T_(cookie_v6), T_(rate), T_(mangled), T_(sender_martian),
		T_(over6), T_(other_underlay),
		T_(redirect), T_(redirect_refused), T_(redirect_bounded),
		T_(pass_along_the_route), T_(shortcut),
		T_(indication_refused), T_(indication_by_spoke),
		T_(indication_covered), T_(indication_on_link),
		T_(shortcut_prefix), T_(shortcut_own), T_(bad_targets),
		T_(shortcut_to_the_hub),
		T_(shortcut_takes_no_neighbour), T_(shortcut_nak),
		T_(shortcut_backoff), T_(shortcut_when_up),
		T_(shortcut_refresh), T_(shortcut_refresh_lost),
		T_(shortcut_expiry_without_event), T_(shortcut_purged),
		T_(purge_is_answered), T_(shortcut_route),
		T_(sweep_in_portions), T_(shortcut_hop_gone),
		T_(shortcuts_overlap), T_(shortcut_clear),
		T_(adopt_shortcut), T_(answer_taken_back),
		T_(answers_bounded), T_(answer_no_reflector),
		T_(words), T_(order),
		T_(v6_register), T_(v6_link_local_lost),
		T_(v6_link_local_taken), T_(v6_link_local_prohibited),
		T_(v6_withdraw), T_(v6_serve), T_(v6_link_local_hop),
		T_(v6_link_local_answer), T_(v6_link_local_passed),
		T_(v6_redirect), T_(v6_told_of_both), T_(v6_shortcut),
		T_(v6_shortcut_of_route), T_(v6_answer_behind),
		T_(dual_peer), T_(dual_one_down), T_(dual_restart), T_(dual_first),
		T_(dual_restart_of_one), T_(dual_oneway), T_(dual_counters),
		T_(sa_register), T_(sa_nhs_lost), T_(sa_unknown), T_(sa_path),
		T_(sa_stranger),
		T_(sa_fresh), T_(sa_adopt), T_(sa_config), T_(sa_hub_waits), T_(sa_vacant), T_(sa_lie),
		T_(sa_answer_behind), T_(sa_identity), T_(sa_address_identity),
		T_(sa_authorize), T_(sa_cookie),
		T_(sa_registration_limit), T_(registration_limit),
		T_(sa_holder_unknown), T_(sa_authorize_answer),
		T_(sa_authorize_late), T_(sa_hearsay), T_(sa_pass_reply),
		T_(sa_pass_purge), T_(sa_purge_passed), T_(sa_speaks_for),
		T_(indications_bounded),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
