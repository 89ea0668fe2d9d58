/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_fuzz: a hub and a spoke that talk to each other, and a stranger who
 * says what the fuzzer likes, to both, from anybody's NBMA address. IPv4 and
 * IPv6 share their devices. The input is a list of steps, an octet each with
 * its arguments; packets get the right checksum. What reaches the kernel must be sane whatever was said.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "engine.h"
#include "iface.h"
#include "packet_check.h"
#include "shortcut.h"

#define IFINDEX 1
#define SAS 8
#define QUEUE 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz;

struct node {
	struct fuzz *f;
	struct engine *engine;
	struct conf_iface conf;
	struct addr nbma;
	unsigned int needs;		/* SAs */
	uint8_t sa[SAS];
};

struct fuzz {
	const uint8_t *p, *end;
	uint64_t now;
	uint32_t rng;
	bool v6;			/* the step at hand */
	bool ipsec, over6;		/* all of it */
	struct node node[2];		/* hub, spoke */
	unsigned int queued;
	struct {
		struct addr from, to;
		size_t len;
		uint8_t buf[NHRP_PACKET_MAX];
	} queue[QUEUE];
};

static void must(bool what)
{
	if (!what)
		abort();
}

static struct addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	uint8_t bytes[] = { a, b, c, d };

	return addr_from(bytes, 4);
}

static struct addr v6(uint8_t scope, uint8_t net, uint8_t sub, uint8_t host)
{
	uint8_t bytes[16] = { 0x20, 1, 0x0d, 0xb8, [5] = net, [6] = sub,
			      [15] = host };
	uint8_t local[16] = { 0xfe, 0x80, [15] = host };

	return addr_from(scope ? local : bytes, 16);
}

/* A node of the cloud; in IPv6 half of them by their link-local address. */
static struct addr at(const struct fuzz *f, uint8_t host)
{
	return f->v6 ? v6(host & 0x80, 0, 0, host & 0x7f) : v4(10, 0, 0, host);
}

static bool is_own(const struct node *n, const struct addr *a)
{
	return addr_eq(a, &n->conf.nhrp[CONF_IPV4].addr) ||
	       addr_eq(a, &n->conf.nhrp[CONF_IPV6].addr) ||
	       addr_eq(a, &n->conf.nhrp[CONF_IPV6].link_local);
}

static bool is_whole(const struct addr *a)
{
	return a->len == 4 || a->len == 16;
}

/* Of the underlay; over IPv6 one is of its link only. */
static struct addr nbma_of(const struct fuzz *f, uint8_t host)
{
	uint8_t bytes[16] = { 0x3f, 0xff, [15] = host };

	if (!f->over6)
		return v4(1, 1, 1, host);
	return host ? addr_from(bytes, 16) : v6(1, 0, 0, 1);
}

static bool is_nbma(const struct fuzz *f, const struct addr *a)
{
	return a->len == (f->over6 ? 16 : 4);
}

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct node *n = ctx;
	struct fuzz *f = n->f;
	struct nhrp_packet p;

	(void)mark;
	must(ifindex == IFINDEX && is_nbma(n->f, nbma));
	must(nhrp_decode(buf, len, &p) == NHRP_OK && p.hops);
	must(p.proto_type == (p.src_proto.len == 16 ? 0x86dd : 0x0800));
	if (f->queued == QUEUE)
		return;
	f->queue[f->queued].from = n->nbma;
	f->queue[f->queued].to = *nbma;
	f->queue[f->queued].len = len;
	memcpy(f->queue[f->queued++].buf, buf, len);
}

static void op_neigh_set(void *ctx, unsigned int ifindex,
			 const struct engine_neigh *neigh)
{
	struct node *n = ctx;

	must(ifindex == IFINDEX && is_whole(&neigh->addr));
	must(is_nbma(n->f, &neigh->nbma) && addr_is_nbma(&neigh->nbma));
	must(!addr_is_martian(&neigh->addr));
	must(!is_own(n, &neigh->addr));
	must(!addr_eq(&neigh->nbma, &n->nbma));
	must(!(neigh->flags & DMVPN_NEIGH_F_REJECT));
	must(neigh->expires || neigh->flags & DMVPN_NEIGH_F_STATIC);
	must(neigh->expires <= 65535000 && neigh->refresh <= 120000);
	must(neigh->cookie_len && neigh->cookie_len <= ENGINE_COOKIE_MAX);
}

static void op_neigh_del(void *ctx, unsigned int ifindex,
			 const struct addr *addr)
{
	(void)ctx;
	must(ifindex == IFINDEX && is_whole(addr));
}

static void op_peer_set(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark, uint32_t flags,
			uint32_t priority)
{
	const struct node *n = ctx;

	(void)mark;
	(void)flags;
	(void)priority;
	must(ifindex == IFINDEX && is_nbma(n->f, nbma));
}

static void op_peer_del(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark)
{
	op_peer_set(ctx, ifindex, nbma, mark, 0, 0);
}

static void op_shortcut_set(void *ctx, unsigned int ifindex,
			    const struct engine_shortcut *s)
{
	struct node *n = ctx;
	struct addr net = addr_network(&s->prefix, s->plen);

	must(ifindex == IFINDEX && is_whole(&s->prefix) &&
	     s->plen <= s->prefix.len * 8);
	must(addr_eq(&net, &s->prefix) && s->plen >= 8);
	must(!addr_is_link_local(&s->prefix));
	must(!addr_is_martian(&s->nexthop) && s->via.len == s->prefix.len &&
	     s->nexthop.len == s->prefix.len);
	must(!is_own(n, &s->nexthop));
	must(s->expires && s->expires <= 65535000 && s->refresh <= 120000);
	must(s->cookie_len && s->cookie_len <= ENGINE_COOKIE_MAX);
}

static void op_shortcut_del(void *ctx, unsigned int ifindex,
			    const struct addr *prefix, uint8_t plen)
{
	(void)ctx;
	must(ifindex == IFINDEX && is_whole(prefix) && plen <= prefix->len * 8);
}

static void op_need(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, bool on)
{
	struct node *n = ctx;

	(void)mark;
	must(ifindex == IFINDEX && is_nbma(n->f, nbma));
	must(n->f->ipsec && (on || n->needs));
	n->needs += on ? 1 : -1;
}

static struct engine_sa op_sa(void *ctx, unsigned int ifindex,
			      const struct addr *nbma, uint32_t mark)
{
	static const char *const names[] = { "", "a", "b", "1.1.1.3" };
	struct node *n = ctx;
	uint8_t is = n->sa[nbma->b[nbma->len - 1] % SAS];

	(void)mark;
	must(ifindex == IFINDEX && n->f->ipsec);
	return (struct engine_sa){ is % 3, names[is >> 2 & 3], is & 16, "",
				   is & 32, is & 64 };
}

static struct engine_route op_route(void *ctx, unsigned int ifindex,
				    const struct addr *dst)
{
	uint8_t last = dst->b[dst->len - 1];
	struct engine_route r = { .found = last & 1, .plen = dst->len * 6,
				  .ifindex = ifindex + (last >> 1 & 1),
				  .local = last & 4 };

	(void)ctx;
	must(!addr_is_link_local(dst));
	r.prefix = addr_network(dst, r.plen);
	if (last & 8)
		r.gateway = dst->len == 16 ? v6(last & 16, 0, 0, dst->b[6]) :
					     v4(10, 0, 0, dst->b[2]);
	return r;
}

static uint8_t op_narrow(void *ctx, unsigned int ifindex,
			 const struct addr *dst, uint8_t plen)
{
	(void)ctx;
	(void)ifindex;
	return plen < dst->len * 8 ? plen + (dst->b[1] & 1) : plen;
}

static uint32_t op_random(void *ctx)
{
	struct node *n = ctx;

	return n->f->rng = n->f->rng * 1664525 + 1013904223;
}

static void op_log(void *ctx, enum engine_log level, const char *text)
{
	(void)ctx;
	(void)level;
	must(strlen(text));
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
	.random = op_random,
	.log = op_log,
};

static void apply(struct node *n)
{
	must(!engine_iface_set(n->engine, IFINDEX, &n->conf, &n->nbma,
			       n->f->now));
}

static void configure(struct node *n, enum conf_family family, unsigned int id)
{
	struct conf_nhrp *c = &n->conf.nhrp[family];

	n->f->v6 = family == CONF_IPV6;
	c->addr = at(n->f, id + 1);
	c->plen = n->f->v6 ? 64 : 24;
	if (n->f->v6)
		c->link_local = at(n->f, 0x81 + id);
	c->network_id = 1;
	c->holdtime = 600;
	c->multicast_dynamic = c->redirect = !id;
	c->shortcut = id;
	c->n_nhs = 2 * id;		/* the second one is not there */
	c->nhs[0].proto = at(n->f, 1);
	c->nhs[0].nbma = nbma_of(n->f, 1);
	c->nhs[1].proto = at(n->f, 3);
	c->nhs[1].nbma = nbma_of(n->f, 3);
	c->n_cluster = id;
	c->cluster[0].max = 1;
}

static void node_new(struct fuzz *f, unsigned int id)
{
	struct node *n = &f->node[id];

	n->f = f;
	n->nbma = nbma_of(f, id + 1);
	strcpy(n->conf.name, "Tunnel0");
	configure(n, CONF_IPV4, id);
	configure(n, CONF_IPV6, id);
	n->conf.ipsec_required = f->ipsec;
	n->engine = engine_new(&ops, n);
	must(n->engine);
	apply(n);
}

static uint8_t take(struct fuzz *f)
{
	return f->p < f->end ? *f->p++ : 0;
}

/* What was sent arrives; what goes to nobody is lost. */
static void settle(struct fuzz *f)
{
	struct addr to;
	unsigned int k, id;

	for (k = 0; k < f->queued; k++) {
		to = f->queue[k].to;
		for (id = 0; id < 2; id++)
			if (addr_eq(&to, &f->node[id].nbma))
				engine_recv(f->node[id].engine, IFINDEX,
					    &f->queue[k].from, 0,
					    f->queue[k].buf, f->queue[k].len,
					    f->now);
	}
	f->queued = 0;
}

static void step_packet(struct fuzz *f, struct node *n)
{
	struct addr from = nbma_of(f, take(f) % 5);
	size_t len = take(f), there = f->end - f->p;
	uint8_t buf[256];

	if (len > there)
		len = there;
	memcpy(buf, f->p, len);
	f->p += len;
	if (len >= 28)
		check_set16(buf + 10, len);
	check_repair(buf, len);
	engine_recv(n->engine, IFINDEX, &from, 0, buf, len, f->now);
}

/* Behind some node. */
static struct addr net(struct fuzz *f)
{
	uint8_t a = take(f), b = take(f);

	return f->v6 ? v6(a == 255, a, b, 0) : v4(a, b, 0, 0);
}

/* A packet that is well made, whatever it says. */
static void step_speak(struct fuzz *f, struct node *n)
{
	struct addr from = nbma_of(f, take(f) % 5);
	struct nhrp_packet p = {
		.afn = f->over6 ? 2 : 1,
		.proto_type = f->v6 ? 0x86dd : 0x0800,
		.hops = take(f), .type = 1 + take(f) % NHRP_PURGE_REPLY,
		.flags = take(f) << 8 | NHRP_F_NAT, .reqid = take(f),
		.src_nbma = from, .src_proto = at(f, take(f)),
		.dst_proto = at(f, take(f)),
	};
	struct nhrp_cie *c = nhrp_cie_add(&p.cies);
	uint8_t buf[NHRP_PACKET_MAX], says = take(f);
	int len;

	c->hold = take(f) * 10;
	c->code = says & 1 ? take(f) : 0;
	c->prefix = says & 2 ? take(f) % (f->v6 ? 129 : 33) : 255;
	if (says & 4)
		c->nbma = nbma_of(f, take(f) % 5);
	if (says & 8)
		c->proto = says & 16 ? net(f) : at(f, take(f));
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER);
	nhrp_ext_add(&p, NHRP_EXT_FORWARD);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE);
	nhrp_ext_add(&p, NHRP_EXT_NAT);
	len = nhrp_encode(&p, buf, sizeof(buf));
	must(len > 0);
	engine_recv(n->engine, IFINDEX, &from, 0, buf, len, f->now);
}

static void step_adopt(struct fuzz *f, struct node *n)
{
	struct engine_neigh neigh = {
		.addr = at(f, take(f)),
		.nbma = nbma_of(f, 3 + take(f) % 3),
		.flags = take(f) & 31,
		.expires = take(f) * 1000,
		.cookie_len = take(f) % (ENGINE_COOKIE_MAX + 1),
	};
	unsigned int k;

	for (k = 0; k < neigh.cookie_len; k++)
		neigh.cookie[k] = take(f);
	if (addr_is_martian(&neigh.addr))
		return;
	engine_adopt(n->engine, IFINDEX, &neigh, f->now);
}

static void step_redirect(struct fuzz *f, struct node *n)
{
	struct addr from = nbma_of(f, take(f) % 5);
	uint8_t head[40] = { f->v6 ? 0x60 : 0x45 };
	unsigned int k;

	for (k = f->v6 ? 8 : 12; k < (f->v6 ? 40 : 20); k++)
		head[k] = take(f);
	engine_redirect(n->engine, IFINDEX, &from, 0, head,
			take(f) % (sizeof(head) + 1), f->now);
}

static void step_adopt_shortcut(struct fuzz *f, struct node *n)
{
	struct engine_shortcut s = {
		.prefix = net(f),
		.plen = 8 + take(f) % (f->v6 ? 121 : 25),
		.nexthop = at(f, take(f)),
		.via = at(f, 0x81),
		.expires = take(f) * 1000,
		.cookie_len = take(f) % (ENGINE_COOKIE_MAX + 1),
	};
	unsigned int k;

	s.prefix = addr_network(&s.prefix, s.plen);
	for (k = 0; k < s.cookie_len; k++)
		s.cookie[k] = take(f);
	engine_adopt_shortcut(n->engine, IFINDEX, &s, f->now);
}

static void step_shortcut_event(struct fuzz *f, struct node *n)
{
	struct addr a = net(f);
	uint8_t plen = take(f);

	if (plen & 64)
		engine_shortcut_expired(n->engine, IFINDEX, &a, plen & 63,
					f->now);
	else
		engine_shortcut_used(n->engine, IFINDEX, &a, plen & 63, f->now);
}

static void step_sa(struct fuzz *f, struct node *n, const struct addr *a)
{
	uint8_t *is = &n->sa[a->b[3] % SAS];

	*is = take(f);
	engine_sa(n->engine, IFINDEX, a, 0, *is % 3 == ENGINE_SA_UP, *is & 64,
		  f->now);
}

static void step(struct fuzz *f)
{
	uint8_t what = take(f);
	struct node *n = &f->node[what & 1];
	struct addr a;

	f->v6 = what & 128;
	switch (what >> 1 & 15) {
	case 0:
	case 1:
		step_packet(f, n);
		return;
	case 2:
		a = at(f, take(f));
		engine_resolve(n->engine, IFINDEX, &a, &a, &a, f->now);
		return;
	case 3:
		a = at(f, take(f));
		engine_used(n->engine, IFINDEX, &a, f->now);
		return;
	case 4:
		a = at(f, take(f));
		engine_expired(n->engine, IFINDEX, &a, f->now);
		return;
	case 5:
		f->now += take(f) * 100u;
		engine_run(f->node[0].engine, f->now);
		engine_run(f->node[1].engine, f->now);
		return;
	case 6:
		step_adopt(f, n);
		return;
	case 7:
		a = at(f, take(f));
		engine_clear(n->engine, IFINDEX, f->v6 ? CONF_IPV6 : CONF_IPV4,
			     a.b[a.len - 1] ? &a : NULL, f->now);
		return;
	case 8:
		step_redirect(f, n);
		return;
	case 9:
		step_adopt_shortcut(f, n);
		return;
	case 10:
		step_shortcut_event(f, n);
		return;
	case 11:
		engine_routes_changed(n->engine, f->now);
		return;
	case 12:
		a = nbma_of(f, take(f) % 5);
		if (what & 64 && f->ipsec)
			step_sa(f, n, &a);
		else
			engine_oneway(n->engine, IFINDEX, &a, 0, f->now);
		return;
	case 13:
		a = at(f, take(f) % 4);
		engine_nhs_drain(n->engine, IFINDEX, &a, what & 64, f->now);
		return;
	case 14:
	case 15:
		step_speak(f, n);
		return;
	}
}

static void look(void *ctx, const struct engine_entry *e)
{
	struct fuzz *f = ctx;

	must(e->reason && is_whole(&e->proto));
	must(e->type != ENTRY_DYNAMIC || is_nbma(f, &e->nbma));
	must(e->state != ENTRY_UP || is_nbma(f, &e->nbma));
	must(e->created <= f->now);
}

static void check(struct fuzz *f, struct node *n)
{
	unsigned int family;
	struct iface *i;

	for (family = 0; family < __CONF_FAMILY_MAX; family++) {
		i = iface_find(n->engine, IFINDEX, family);
		must(i->n_pending <= ENGINE_MAX_PENDING);
		must(HASH_COUNT(i->shortcuts) <= ENGINE_MAX_SHORTCUTS);
	}
	engine_each_entry(n->engine, look, f);
}

/* Who has left needs nothing. */
static void leave(struct node *n)
{
	engine_iface_del(n->engine, IFINDEX, n->f->now);
	must(!n->needs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz *f = calloc(1, sizeof(*f));

	if (!f)
		return 0;
	f->p = data;
	f->end = data + size;
	f->now = 1000000;
	f->ipsec = size && data[size - 1] & 1;
	f->over6 = size && data[size - 1] & 2;
	node_new(f, 0);
	node_new(f, 1);
	settle(f);
	while (f->p < f->end) {
		settle(f);
		step(f);
	}
	check(f, &f->node[0]);
	check(f, &f->node[1]);
	leave(&f->node[0]);
	leave(&f->node[1]);
	engine_free(f->node[0].engine);
	engine_free(f->node[1].engine);
	free(f);
	return 0;
}
