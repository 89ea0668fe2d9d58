/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge: RFC 2332 section 5.2.5 and 5.2.6: telling others that what they were
 * told is void, and being told so.
 *
 * A purge is believed when it comes from the NBMA address that the entry
 * points to, or from an NHS about what was learnt through it. The data of a
 * purged entry goes through the hub until it is asked for anew.
 */
#include <stddef.h>
#include <stdlib.h>

#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"
#include "peer.h"

#define RETRY_FIRST 1000		/* ms */
#define TRIES 4
#define PREFIX_HOST 255

struct purge {				/* one that is not answered yet */
	struct iface *iface;
	uint32_t id;
	struct addr to, nbma;
	uint32_t mark;
	struct addr about, old;
	unsigned int tries;
	struct timer timer;
	UT_hash_handle hh;
};

/* ---- sending ---- */

static void purge_end(struct purge *p)
{
	timer_stop(&p->iface->engine->timers, &p->timer);
	HASH_DELETE(hh, p->iface->purges, p);
	p->iface->n_pending--;
	free(p);
}

void purge_drop_all(struct iface *i)
{
	struct purge *p, *next;

	HASH_ITER(hh, i->purges, p, next)
		purge_end(p);
}

static void emit(struct iface *i, const struct purge *pu, uint16_t flags)
{
	struct nhrp_packet p;
	struct nhrp_cie *c;

	msg_init(i, &p, NHRP_PURGE_REQUEST, flags, pu->id, &pu->to);
	c = nhrp_cie_add(&p.cies);
	c->prefix = pu->about.len * 8;
	c->nbma = pu->old;
	c->proto = pu->about;
	msg_add_exts(i, &p);
	msg_send(i, &pu->nbma, pu->mark, &p);
}

static void due(struct timer *t)
{
	struct purge *p = (struct purge *)((char *)t -
					   offsetof(struct purge, timer));
	struct engine *e = p->iface->engine;

	if (p->tries == TRIES || !iface_ready(p->iface)) {
		purge_end(p);
		return;
	}
	timer_set(&e->timers, &p->timer,
		  e->now + engine_jitter(e, (uint64_t)RETRY_FIRST << p->tries++));
	emit(p->iface, p, 0);
}

/* NULL: too many wait for an answer already. */
static struct purge *remember(struct iface *i, const struct purge *like)
{
	struct purge *p;

	if (i->n_pending >= ENGINE_MAX_PENDING)
		return NULL;
	p = malloc(sizeof(*p));
	if (!p)
		return NULL;
	*p = *like;
	HASH_ADD(hh, i->purges, id, sizeof(p->id), p);
	if (p->hh.tbl) {
		i->n_pending++;
		return p;
	}
	free(p);
	return NULL;
}

static struct purge *find(const struct iface *i, uint32_t id)
{
	struct purge *p;

	HASH_FIND(hh, i->purges, &id, sizeof(id), p);
	return p;
}

void purge_send(struct iface *i, const struct addr *to, const struct addr *nbma,
		uint32_t mark, const struct addr *about, const struct addr *old)
{
	struct purge like = {
		.iface = i,
		.id = engine_random(i->engine),
		.to = *to,
		.nbma = *nbma,
		.mark = mark,
		.about = *about,
		.old = *old,
		.timer.fn = due,
	};
	struct purge *p;

	while (find(i, like.id))
		like.id++;
	p = remember(i, &like);
	if (p)
		due(&p->timer);
	else
		emit(i, &like, NHRP_F_PURGE_NOREPLY);
}

static void tell(struct entry *e, const struct addr *who)
{
	struct entry *to = cache_find(e->iface, who);
	struct nhs *n = nhs_best(e->iface, 0);

	if (to == e)
		return;
	if (to && to->registered)
		purge_send(e->iface, who, &to->nbma, to->mark, &e->proto,
			   &e->nbma);
	else if (n)
		purge_send(e->iface, who, &n->nbma, 0, &e->proto, &e->nbma);
}

static void tell_all(struct entry *e)
{
	struct entry *to, *next;

	HASH_ITER(hh, e->iface->cache, to, next)
		if (to->registered)
			tell(e, &to->proto);
}

void purge_told(struct entry *e)
{
	struct told *t = e->told;
	unsigned int k;

	if (!t)
		return;
	e->told = NULL;
	if (t->overflow)
		tell_all(e);
	for (k = 0; !t->overflow && k < t->n; k++)
		tell(e, &t->who[k]);
	free(t);
}

void purge_reply(struct rx *rx)
{
	struct purge *p = find(rx->iface, rx->p->reqid);

	if (p && iface_is_own(rx->iface, &rx->p->src_proto))
		purge_end(p);
	else
		engine_reject(rx->iface, REJECT_UNSOLICITED);
}

/* ---- receiving ---- */

struct verdict {
	unsigned int purged, refused;
};

static bool may(const struct rx *rx, const struct entry *e)
{
	if (addr_eq(&e->nbma, rx->nbma) && e->mark == rx->mark)
		return true;
	return !e->registered && nhs_at(rx->iface, rx->nbma);
}

/* A purge of an older NBMA address does not mean what we know by now. */
static bool meant(const struct entry *e, const struct nhrp_cie *c)
{
	if (e->type != ENTRY_DYNAMIC || e->nhs)
		return false;
	return !addr_is_set(&c->nbma) || addr_eq(&c->nbma, &e->nbma) ||
	       addr_eq(&c->nbma, &e->claimed);
}

static void apply(const struct rx *rx, struct entry *e,
		  const struct nhrp_cie *c, struct verdict *v)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	if (!meant(e, c))
		return;
	if (!may(rx, e)) {
		v->refused++;
		return;
	}
	v->purged++;
	engine_say(e->iface, ENGINE_INFO, "%s purged by %s",
		   addr_text(&e->proto, proto), addr_text(rx->nbma, nbma));
	engine_event(e->iface, "purged", &e->proto, &e->nbma, "by %s", nbma);
	purge_told(e);
	cache_del(e);
}

static bool is_host(const struct nhrp_cie *c)
{
	return !c->prefix || c->prefix == PREFIX_HOST ||
	       c->prefix == c->proto.len * 8;
}

static void apply_cie(const struct rx *rx, const struct nhrp_cie *c,
		      struct verdict *v)
{
	struct entry *e, *next;

	if (is_host(c)) {
		e = cache_find(rx->iface, &c->proto);
		if (e)
			apply(rx, e, c, v);
		return;
	}
	/* nobody's entry points to a stranger: not worth a walk */
	if (!peer_find(rx->iface, rx->nbma, rx->mark)) {
		v->refused++;
		return;
	}
	HASH_ITER(hh, rx->iface->cache, e, next)
		if (addr_in_prefix(&e->proto, &c->proto, c->prefix))
			apply(rx, e, c, v);
}

static void pass(struct rx *rx)
{
	struct addr nbma;
	uint32_t mark;

	if (!resolve_may_pass(rx))
		return;
	if (msg_way(rx, &rx->p->dst_proto, &nbma, &mark))
		msg_forward(rx, &nbma, mark, NHRP_EXT_FORWARD);
	else
		engine_reject(rx->iface, REJECT_NO_BINDING);
}

static void refuse(struct rx *rx)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	engine_reject(rx->iface, REJECT_PURGE);
	engine_complain(rx->iface, "purge of %s from %s refused: not its own",
			addr_text(&rx->p->cies.e[0].proto, proto),
			addr_text(rx->nbma, nbma));
}

static void done(struct rx *rx)
{
	if (rx->p->flags & NHRP_F_PURGE_NOREPLY)
		return;
	msg_turn(rx->iface, rx->p, NHRP_PURGE_REPLY);
	msg_send(rx->iface, rx->nbma, rx->mark, rx->p);
}

void purge_request(struct rx *rx)
{
	struct nhrp_packet *p = rx->p;
	struct verdict v = { 0 };
	unsigned int k;

	if (!iface_is_own(rx->iface, &p->dst_proto)) {
		pass(rx);
		return;
	}
	for (k = 0; k < p->cies.n; k++)
		if (addr_is_set(&p->cies.e[k].proto))
			apply_cie(rx, &p->cies.e[k], &v);
	if (v.refused && !v.purged)
		refuse(rx);
	else
		done(rx);
}
