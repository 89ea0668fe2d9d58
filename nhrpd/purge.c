/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge: RFC 2332 section 5.2.5 and 5.2.6: telling others that what they were
 * told is void, and being told so.
 *
 * A purge is believed when it comes from the NBMA address that the entry
 * points to, or from an NHS about what was learnt through it. What an NHS has
 * only passed on is its sender's word: with IPsec the NHS sees to it that it
 * speaks of no neighbour but itself, and prefixes are taken from no next hop
 * but the sender. The data of a purged entry goes through the hub until it is
 * asked for anew.
 *
 * Who was told of an address is remembered in its entry and its cookie; who
 * was told of a prefix behind us, here alone: those that a restarted daemon
 * does not know any more keep what they were told until its holding time, and
 * their data finds its way by our routes.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"
#include "peer.h"
#include "shortcut.h"

#define RETRY_FIRST 1000		/* ms */
#define TRIES 4
#define PREFIX_HOST 255

struct purge {				/* one that is not answered yet */
	struct iface *iface;
	uint32_t id;
	struct addr to, nbma;
	uint32_t mark;
	struct addr about, old;
	uint8_t plen;			/* of @about */
	unsigned int tries;
	struct timer timer;
	UT_hash_handle hh;
};

struct answer_key {			/* bytes only: no padding to hash */
	struct addr prefix;
	uint8_t plen;
	struct addr who;
};

struct answer {				/* what one was told of our routes */
	struct answer_key key;
	struct addr nbma;		/* of @who */
	struct addr dst;		/* asked for */
	unsigned int share;		/* whose room it takes */
	uint64_t until;
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

static void answer_free(struct iface *i, struct answer *a)
{
	if (i->recheck == a)
		i->recheck = a->hh.next;
	HASH_DELETE(hh, i->answers, a);
	i->shares[a->share]--;
	free(a);
}

void purge_drop_all(struct iface *i)
{
	struct purge *p, *next;

	HASH_ITER(hh, i->purges, p, next)
		purge_end(p);
	while (i->answers)
		answer_free(i, i->answers);
}

static void emit(struct iface *i, const struct purge *pu, uint16_t flags)
{
	struct nhrp_packet p;
	struct nhrp_cie *c;

	msg_init(i, &p, NHRP_PURGE_REQUEST, flags, pu->id, &pu->to);
	c = nhrp_cie_add(&p.cies);
	c->prefix = pu->plen;
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

static void send_purge(struct iface *i, struct purge *like)
{
	struct purge *p;

	like->iface = i;
	like->timer.fn = due;
	like->id = engine_random(i->engine);
	while (find(i, like->id))
		like->id++;
	p = remember(i, like);
	if (p)
		due(&p->timer);
	else
		emit(i, like, NHRP_F_PURGE_NOREPLY);
}

void purge_send(struct iface *i, const struct addr *to, const struct addr *nbma,
		uint32_t mark, const struct addr *about, const struct addr *old)
{
	struct purge like = {
		.to = *to,
		.nbma = *nbma,
		.mark = mark,
		.about = *about,
		.plen = about->len * 8,
		.old = *old,
	};

	send_purge(i, &like);
}

/* ---- what others were told of our routes ---- */

static void drop_old_answers(struct iface *i)
{
	/* All live equally long, the oldest come first. */
	while (i->answers && i->answers->until <= i->engine->now)
		answer_free(i, i->answers);
}

static unsigned int share_of(const struct iface *i, const struct addr *asker)
{
	uint32_t h = i->link->salt;
	unsigned int k;

	for (k = 0; k < asker->len; k++)
		h = (h ^ asker->b[k]) * 0x01000193;
	return (h ^ h >> 16) % IFACE_SHARES;
}

/* Half of the room is for all, of the other half each share has its own: who
 * asks for everything leaves some to the others. */
static bool is_full(const struct iface *i, unsigned int share)
{
	unsigned int n = HASH_COUNT(i->answers);

	return n >= ENGINE_MAX_ANSWERS ||
	       (n >= ENGINE_MAX_ANSWERS / 2 &&
		i->shares[share] >= ENGINE_MAX_ANSWERS / 2 / IFACE_SHARES);
}

/* A new one, at the end of the list; NULL when there is no room. */
static struct answer *answer_add(struct iface *i, const struct answer_key *key,
				 unsigned int share)
{
	struct answer *a;

	HASH_FIND(hh, i->answers, key, sizeof(*key), a);
	if (a)
		answer_free(i, a);
	if (is_full(i, share))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->key = *key;
	a->share = share;
	HASH_ADD(hh, i->answers, key, sizeof(a->key), a);
	i->shares[share] += a->hh.tbl != NULL;
	if (a->hh.tbl)
		return a;
	free(a);
	return NULL;
}

void purge_note_answer(struct iface *i, const struct addr *who,
		       const struct addr *nbma, const struct addr *asker,
		       const struct addr *dst, uint8_t plen)
{
	struct answer_key key = { addr_network(dst, plen), plen, *who };
	struct answer *a;

	drop_old_answers(i);
	a = answer_add(i, &key, share_of(i, asker));
	if (!a) {
		engine_reject(i, REJECT_NO_RESOURCES);
		return;
	}
	a->nbma = *nbma;
	a->dst = *dst;
	a->until = i->engine->now + i->conf.holdtime * 1000ull;
}

static void take_back(struct iface *i, const struct answer *a)
{
	struct purge like = {
		.to = a->key.who,
		.nbma = a->nbma,
		.about = a->key.prefix,
		.plen = a->key.plen,
	};
	char prefix[ADDR_STRLEN], who[ADDR_STRLEN];

	engine_say(i, ENGINE_INFO, "%s/%u is not behind us any more, %s is told",
		   addr_text(&a->key.prefix, prefix), a->key.plen,
		   addr_text(&a->key.who, who));
	send_purge(i, &like);
}

void purge_check_start(struct iface *i)
{
	drop_old_answers(i);
	i->recheck = i->answers;
}

unsigned int purge_check_answers(struct iface *i, unsigned int left)
{
	struct answer *a;
	uint8_t plen;

	for (; left && i->recheck; left--) {
		a = i->recheck;
		i->recheck = a->hh.next;
		/* Shorter is fine: less than that may have been asked for. */
		if (resolve_covering(i, &a->dst, &plen) && plen <= a->key.plen)
			continue;
		if (iface_ready(i))
			take_back(i, a);
		answer_free(i, a);
	}
	return left;
}

/* ---- what others were told of entries ---- */

static void tell(struct entry *e, const struct addr *who)
{
	struct entry *to = cache_find(e->iface, who);
	struct nhs *n = nhs_best(e->iface, 0);

	if (to == e || (to && to->vacant))
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

/* Not from whoever got its NBMA address after it. */
static bool is_from(const struct rx *rx, const struct entry *e)
{
	return addr_eq(&e->nbma, rx->nbma) && e->mark == rx->mark && !e->vacant;
}

static bool may(const struct rx *rx, const struct entry *e)
{
	if (is_from(rx, e))
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

/* Passed on by the NHS for somebody who is not one himself. */
static bool is_passed_on(const struct rx *rx)
{
	return rx->iface->link->secured && nhs_at(rx->iface, rx->nbma) &&
	       !nhs_named(rx->iface, &rx->p->src_proto);
}

static bool may_shortcut(const struct rx *rx, const struct entry *hop)
{
	if (is_passed_on(rx) && !addr_eq(&rx->p->src_proto, &hop->proto))
		return false;
	return may(rx, hop);
}

static void apply_shortcut(const struct rx *rx, struct shortcut *s,
			   const struct nhrp_cie *c, struct verdict *v)
{
	char nbma[ADDR_STRLEN], why[ADDR_STRLEN + 16];

	if (addr_is_set(&c->nbma) && !addr_eq(&c->nbma, &s->hop->nbma) &&
	    !addr_eq(&c->nbma, &s->hop->claimed))
		return;
	if (!may_shortcut(rx, s->hop)) {
		v->refused++;
		return;
	}
	v->purged++;
	snprintf(why, sizeof(why), "purged by %s", addr_text(rx->nbma, nbma));
	shortcut_withdraw(s, why);
}

/* One address: it, and the shortcut that it is reached by. */
static void apply_host(const struct rx *rx, const struct nhrp_cie *c,
		       struct verdict *v)
{
	struct shortcut *s = shortcut_find(rx->iface, &c->proto);
	struct entry *e;

	if (s)
		apply_shortcut(rx, s, c, v);
	e = cache_find(rx->iface, &c->proto);
	if (e)
		apply(rx, e, c, v);
}

static void apply_prefix(const struct rx *rx, const struct nhrp_cie *c,
			 struct verdict *v)
{
	struct shortcut *s, *after;
	struct entry *e, *next;

	HASH_ITER(hh, rx->iface->shortcuts, s, after)
		if (s->key.plen >= c->prefix &&
		    addr_in_prefix(&s->key.prefix, &c->proto, c->prefix))
			apply_shortcut(rx, s, c, v);
	if (is_passed_on(rx))
		return;			/* nobody is several neighbours */
	HASH_ITER(hh, rx->iface->cache, e, next)
		if (addr_in_prefix(&e->proto, &c->proto, c->prefix))
			apply(rx, e, c, v);
}

static void apply_cie(const struct rx *rx, const struct nhrp_cie *c,
		      struct verdict *v)
{
	struct shortcut *s;

	if (is_host(c)) {
		apply_host(rx, c, v);
		return;
	}
	/* nobody's entry points to a stranger: not worth a walk */
	if (!peer_find(rx->iface->link, rx->nbma, rx->mark)) {
		v->refused++;
		return;
	}
	apply_prefix(rx, c, v);
	/* we may have taken it for a wider one */
	s = shortcut_find(rx->iface, &c->proto);
	if (s && s->key.plen < c->prefix)
		apply_shortcut(rx, s, c, v);
}

static void refuse(struct rx *rx)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	engine_reject(rx->iface, REJECT_PURGE);
	engine_complain(rx->iface, "purge of %s from %s refused: not its own",
			addr_text(&rx->p->cies.e[0].proto, proto),
			addr_text(rx->nbma, nbma));
}

/* A neighbour's address is its own to take back. */
static bool may_speak_of(const struct rx *rx, const struct nhrp_cie *c)
{
	const struct entry *e = cache_find(rx->iface, &c->proto);

	if (!is_host(c) || !iface_on_link(rx->iface, &c->proto))
		return true;		/* its next hop's, who is told sees that */
	if (!e || !e->registered)
		return secure_speaks_for(rx, &c->proto);
	return is_from(rx, e);
}

static bool may_pass(const struct rx *rx)
{
	const struct nhrp_cies *all = &rx->p->cies;
	unsigned int k;

	if (!rx->iface->link->secured || nhs_at(rx->iface, rx->nbma))
		return true;
	for (k = 0; k < all->n; k++)
		if (!may_speak_of(rx, &all->e[k]))
			return false;
	return true;
}

static void pass(struct rx *rx)
{
	struct addr nbma;
	uint32_t mark;

	if (!resolve_may_pass(rx))
		return;
	if (!may_pass(rx))
		refuse(rx);
	else if (msg_way(rx, &rx->p->dst_proto, &nbma, &mark))
		msg_forward(rx, &nbma, mark, NHRP_EXT_FORWARD);
	else
		engine_reject(rx->iface, REJECT_NO_BINDING);
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
