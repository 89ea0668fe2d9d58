/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: which NBMA addresses carry what the hub must carry, and which get
 * multicast. Called by cache.c (references), nhs.c and iface.c (flags). One that
 * both address families use gets what either of them wants.
 *
 * The kernel's flags of an NHS are not touched before the first verdict on
 * its registration: a restarted daemon finds them set, and data may be using
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "cache.h"
#include "iface.h"
#include "nhs.h"
#include "peer.h"

static struct peer_key key_of(const struct addr *nbma, uint32_t mark)
{
	struct peer_key k;

	memset(&k, 0, sizeof(k));	/* padding is hashed, too */
	k.nbma = *nbma;
	k.mark = mark;
	return k;
}

struct peer *peer_find(const struct link *l, const struct addr *nbma,
		       uint32_t mark)
{
	struct peer_key key = key_of(nbma, mark);
	struct peer *p;

	HASH_FIND(hh, l->peers, &key, sizeof(key), p);
	return p;
}

static struct peer *peer_add(struct link *l, const struct addr *nbma,
			     uint32_t mark)
{
	struct peer *p = peer_find(l, nbma, mark);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->link = l;
	p->key = key_of(nbma, mark);
	HASH_ADD(hh, l->peers, key, sizeof(p->key), p);
	if (p->hh.tbl)
		return p;
	free(p);
	return NULL;
}

int peer_join(struct entry *e, const struct addr *nbma, uint32_t mark)
{
	struct peer *p = peer_add(e->iface->link, nbma, mark);

	if (!p)
		return -ENOMEM;
	if (p != e->peer) {
		peer_leave(e);
		e->peer = p;
		DL_PREPEND2(p->entries, e, peer_prev, peer_next);
		p->registered[e->iface->family] += e->registered;
	}
	peer_update(p);
	return 0;
}

void peer_leave(struct entry *e)
{
	struct peer *p = e->peer;

	if (!p)
		return;
	DL_DELETE2(p->entries, e, peer_prev, peer_next);
	p->registered[e->iface->family] -= e->registered;
	e->peer = NULL;
	peer_update(p);
}

void peer_set_registered(struct entry *e, bool registered)
{
	if (e->registered == registered)
		return;
	e->registered = registered;
	e->peer->registered[e->iface->family] += registered ? 1 : -1;
	peer_update(e->peer);
}

struct wanted {
	bool waits;			/* an NHS has no verdict yet */
	uint32_t flags, priority;
};

/* What one family wants of @p goes into @w, too. */
static void want(const struct peer *p, const struct iface *i, struct wanted *w)
{
	bool multicast = p->map_multicast[i->family] ||
			 (p->registered[i->family] &&
			  i->conf.multicast_dynamic);
	struct nhs *n;

	for (n = i->nhs; n; n = n->next) {
		if (p->key.mark || !addr_eq(&n->nbma, &p->key.nbma))
			continue;
		w->waits |= n->state == NHS_NEW;
		w->flags |= DMVPN_PEER_F_HUB;
		multicast |= n->conf.multicast && n->state != NHS_STANDBY;
		if (!nhs_carries(n))
			continue;
		if (!(w->flags & DMVPN_PEER_F_NHS) ||
		    n->conf.priority < w->priority)
			w->priority = n->conf.priority;
		w->flags |= DMVPN_PEER_F_NHS;
	}
	if (multicast)
		w->flags |= DMVPN_PEER_F_MULTICAST;
}

static void tell(struct peer *p, const struct wanted *w)
{
	struct engine *e = p->link->engine;

	if (p->told ? w->flags == p->flags && w->priority == p->priority :
		      !w->flags)
		return;
	e->ops->peer_set(e->ctx, p->link->ifindex, &p->key.nbma, p->key.mark,
			 w->flags, w->priority);
	p->told = true;
	p->flags = w->flags;
	p->priority = w->priority;
}

/* Data of ours goes there. Who only registered here begins himself; an NHS in
 * standby is not sent to. */
static bool is_goal(const struct entry *e)
{
	return !e->nhs && (e->type == ENTRY_STATIC ||
			   (e->type == ENTRY_DYNAMIC && !e->registered));
}

/* An SA of our making: to whom we register with, ask, or send. */
static bool wants_sa(const struct peer *p)
{
	const struct nhs *n;
	const struct entry *e;
	unsigned int f;

	for (f = 0; f < __CONF_FAMILY_MAX; f++) {
		if (p->map_multicast[f])
			return true;
		n = p->link->family[f] && !p->key.mark ?
		    p->link->family[f]->nhs : NULL;
		for (; n; n = n->next)
			if (n->active && addr_eq(&n->nbma, &p->key.nbma))
				return true;
	}
	DL_FOREACH2(p->entries, e, peer_next)
		if (is_goal(e))
			return true;
	return false;
}

static void tell_need(struct peer *p, bool need)
{
	struct engine *e = p->link->engine;

	if (!e->ops->need || p->needs_sa == need)
		return;
	p->needs_sa = need;
	e->ops->need(e->ctx, p->link->ifindex, &p->key.nbma, p->key.mark,
		     need);
}

static void peer_free(struct peer *p)
{
	HASH_DELETE(hh, p->link->peers, p);
	free(p);
}

static bool needed(const struct peer *p)
{
	return p->entries || p->pinned[CONF_IPV4] || p->pinned[CONF_IPV6];
}

void peer_update(struct peer *p)
{
	struct engine *e = p->link->engine;
	struct wanted w = { 0 };
	unsigned int f;

	if (!needed(p)) {
		tell_need(p, false);
		if (p->told)
			e->ops->peer_del(e->ctx, p->link->ifindex,
					 &p->key.nbma, p->key.mark);
		peer_free(p);
		return;
	}
	/* not in the middle: its last user may be the next one's first */
	if (!p->link->halfway)
		tell_need(p, p->link->secured && wants_sa(p));
	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		if (p->link->family[f])
			want(p, p->link->family[f], &w);
	/* One family's "no" must not take from the other what it has. */
	if (!p->link->halfway && (!w.waits || w.flags & DMVPN_PEER_F_NHS))
		tell(p, &w);
}

void peer_update_all(struct link *l)
{
	struct peer *p, *next;

	HASH_ITER(hh, l->peers, p, next)
		peer_update(p);
}

static void pin(struct iface *i, const struct addr *nbma, bool map_multicast)
{
	struct peer *p;

	if (!addr_is_set(nbma))
		return;
	p = peer_add(i->link, nbma, 0);
	if (!p)
		return;
	p->pinned[i->family] = true;
	p->map_multicast[i->family] |= map_multicast;
}

void peer_sync(struct iface *i)
{
	struct peer *p, *next;
	unsigned int k;
	struct nhs *n;

	HASH_ITER(hh, i->link->peers, p, next)
		p->pinned[i->family] = p->map_multicast[i->family] = false;
	for (k = 0; k < i->conf.n_map; k++)
		if (i->conf.map[k].multicast)
			pin(i, &i->conf.map[k].nbma, true);
	for (n = i->nhs; n; n = n->next)
		pin(i, &n->nbma, false);
	peer_update_all(i->link);
}

void peer_free_all(struct link *l)
{
	struct peer *p, *next;

	HASH_ITER(hh, l->peers, p, next)
		peer_free(p);
}
