/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * msg: what all packets of this node have in common: source, extensions, key,
 * hop count (RFC 2332 sections 5.2 and 5.3, Cisco's NAT extension). Called by
 * the procedures; packet.c turns the result into bytes.
 */
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"

#define ERROR_RATE 10			/* Error Indications/s */
#define ERROR_BURST 20
#define ERROR_QUOTE 1024		/* bytes of the offender */

static uint8_t width(const struct addr *a)
{
	return a->len * 8;
}

uint16_t msg_proto_type(const struct iface *i)
{
	return i->family == CONF_IPV6 ? 0x86dd : 0x0800;
}

void msg_init(struct iface *i, struct nhrp_packet *p, enum nhrp_type type,
	      uint16_t flags, uint32_t id, const struct addr *dst)
{
	memset(p, 0, offsetof(struct nhrp_packet, ext));
	p->afn = i->local.len == 16 ? 2 : 1;
	p->proto_type = msg_proto_type(i);
	p->hops = NHRP_HOPS_DEFAULT;
	p->type = type;
	p->flags = flags;
	p->reqid = id;
	p->src_nbma = i->local;
	p->src_proto = *iface_self(i, dst);
	p->dst_proto = *dst;
}

void msg_add_exts(struct iface *i, struct nhrp_packet *p)
{
	nhrp_ext_add(p, NHRP_EXT_RESPONDER);
	nhrp_ext_add(p, NHRP_EXT_FORWARD);
	nhrp_ext_add(p, NHRP_EXT_REVERSE);
	nhrp_auth_set(p, i->conf.auth, i->auth);
	nhrp_ext_add(p, NHRP_EXT_NAT);
}

struct nhrp_cie *msg_add_cie(struct iface *i, struct nhrp_packet *p,
			     uint8_t prefix)
{
	struct nhrp_cie *c = nhrp_cie_add(&p->cies);

	c->prefix = prefix;
	c->mtu = i->link->mtu;
	c->hold = i->conf.holdtime;
	return c;
}

struct nhrp_cie *msg_add_self(struct iface *i, struct nhrp_cies *list,
			      const struct addr *self, uint8_t prefix)
{
	struct nhrp_cie *c = nhrp_cie_add(list);

	if (!c)
		return NULL;
	c->prefix = prefix;
	c->mtu = i->link->mtu;
	c->hold = i->conf.holdtime;
	c->nbma = i->local;
	c->proto = *self;
	return c;
}

void msg_add_nat(struct nhrp_cies *list, const struct addr *nbma,
		 const struct addr *proto)
{
	struct nhrp_cie *c = nhrp_cie_add(list);

	if (!c)
		return;
	c->prefix = width(proto);
	c->nbma = *nbma;
	c->proto = *proto;
}

struct nhrp_cies *msg_nat(struct nhrp_packet *p)
{
	struct nhrp_ext *e = nhrp_ext_get(p, NHRP_EXT_NAT);

	return e && e->has_cies ? &e->cies : NULL;
}

const struct addr *msg_public(const struct nhrp_packet *p,
			      const struct addr *proto)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_NAT);
	unsigned int k;

	for (k = 0; e && e->has_cies && k < e->cies.n; k++)
		if (addr_is_set(&e->cies.e[k].nbma) &&
		    addr_eq(&e->cies.e[k].proto, proto))
			return &e->cies.e[k].nbma;
	return NULL;
}

void msg_turn(struct iface *i, struct nhrp_packet *p, enum nhrp_type type)
{
	struct nhrp_ext *e = nhrp_ext_get(p, NHRP_EXT_RESPONDER);
	const struct addr *self = iface_self(i, &p->src_proto);

	p->type = type;
	p->hops = NHRP_HOPS_DEFAULT;
	if (!e)
		return;
	e->cies.n = 0;
	msg_add_self(i, &e->cies, self, width(self));
}

bool msg_has_unknown(const struct nhrp_packet *p)
{
	unsigned int k;

	for (k = 0; k < p->n_exts; k++) {
		if (!p->ext[k].compulsory)
			continue;
		switch (p->ext[k].type) {
		case NHRP_EXT_RESPONDER:
		case NHRP_EXT_FORWARD:
		case NHRP_EXT_REVERSE:
		case NHRP_EXT_AUTH:
		case NHRP_EXT_VENDOR:
		case NHRP_EXT_NAT:
			continue;
		}
		return true;
	}
	return false;
}

bool msg_lists_us(const struct iface *i, const struct nhrp_packet *p,
		  enum nhrp_ext_type type)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, type);
	unsigned int k;

	for (k = 0; e && e->has_cies && k < e->cies.n; k++)
		if (iface_is_own(i, &e->cies.e[k].proto))
			return true;
	return false;
}

static bool emit(struct iface *i, const struct addr *nbma, uint32_t mark,
		 struct nhrp_packet *p)
{
	struct engine *e = i->engine;
	uint8_t buf[NHRP_PACKET_MAX];
	int len = nhrp_auth_set(p, i->conf.auth, i->auth);

	if (!len)
		len = nhrp_encode(p, buf, sizeof(buf));
	if (len < 0) {
		engine_reject(i, REJECT_UNSENDABLE);
		return false;
	}
	e->ops->send(e->ctx, i->link->ifindex, nbma, mark, buf, len);
	return true;
}

void msg_send(struct iface *i, const struct addr *nbma, uint32_t mark,
	      struct nhrp_packet *p)
{
	if (emit(i, nbma, mark, p))
		i->traffic.sent[p->type]++;
}

/* False: full, or there already. */
static bool record(struct iface *i, struct nhrp_packet *p,
		   enum nhrp_ext_type type)
{
	struct nhrp_ext *e = nhrp_ext_get(p, type);

	if (!e || msg_has_unknown(p))
		return true;		/* RFC 2332 5.3: not to be touched */
	return msg_add_self(i, &e->cies, &i->conf.addr,
			    width(&i->conf.addr));
}

void msg_forward(struct rx *rx, const struct addr *nbma, uint32_t mark,
		 enum nhrp_ext_type type)
{
	struct nhrp_packet *p = rx->p;
	struct iface *i = rx->iface;

	if (p->hops <= 1) {
		engine_reject(i, REJECT_HOPS);
		msg_error(rx, NHRP_ERROR_HOPS);
		return;
	}
	if (msg_lists_us(i, p, type) || !record(i, p, type)) {
		engine_reject(i, REJECT_LOOP);
		msg_error(rx, NHRP_ERROR_LOOP);
		return;
	}
	p->hops--;
	if (emit(i, nbma, mark, p))
		i->traffic.fwd[p->type]++;
}

void msg_error(struct rx *rx, enum nhrp_error code)
{
	struct iface *i = rx->iface;
	struct nhrp_packet p;

	if (!limit_take(&i->errors, i->engine->now, ERROR_RATE, ERROR_BURST))
		return;
	msg_init(i, &p, NHRP_ERROR_INDICATION, 0, 0, &rx->p->src_proto);
	p.code = code;
	p.quote = rx->buf;
	p.quote_len = rx->len < ERROR_QUOTE ? rx->len : ERROR_QUOTE;
	msg_send(i, rx->nbma, rx->mark, &p);
}

static bool entry_way(const struct iface *i, const struct addr *proto,
		      struct addr *nbma, uint32_t *mark)
{
	const struct entry *e = cache_find(i, proto);

	if (!e || !e->installed || e->state == ENTRY_PROBING || e->vacant)
		return false;
	*nbma = e->nbma;
	*mark = e->mark;
	return true;
}

/* Who passed the request on to us, or to the node whose record is ours. */
static const struct addr *previous_hop(const struct rx *rx)
{
	const struct nhrp_ext *e = nhrp_ext_find(rx->p, NHRP_EXT_FORWARD);
	unsigned int k;

	for (k = 1; e && e->has_cies && k < e->cies.n; k++)
		if (iface_is_own(rx->iface, &e->cies.e[k].proto))
			return &e->cies.e[k - 1].proto;
	return NULL;
}

bool msg_way(struct rx *rx, const struct addr *proto, struct addr *nbma,
	     uint32_t *mark)
{
	const struct addr *hop = previous_hop(rx);
	struct iface *i = rx->iface;
	struct nhs *n;

	if (!entry_way(i, proto, nbma, mark) &&
	    !(hop && entry_way(i, hop, nbma, mark))) {
		n = nhs_best(i, 0);
		if (!n)
			return false;
		*nbma = n->nbma;
		*mark = 0;
	}
	return !addr_eq(nbma, rx->nbma) || *mark != rx->mark;
}
