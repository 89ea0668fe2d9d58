/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: which NBMA addresses carry what the hub must carry, and which get
 * multicast. Called by cache.c (references), nhs.c and iface.c (flags).
 *
 * The kernel's flags of an NHS are not touched before the first verdict on
 * its registration: a restarted daemon finds them set, and data may be using
 * them.
 */
#include <stdlib.h>
#include <string.h>

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

struct peer *peer_find(const struct iface *i, const struct addr *nbma,
		       uint32_t mark)
{
	struct peer_key key = key_of(nbma, mark);
	struct peer *p;

	HASH_FIND(hh, i->peers, &key, sizeof(key), p);
	return p;
}

static struct peer *peer_add(struct iface *i, const struct addr *nbma,
			     uint32_t mark)
{
	struct peer *p = peer_find(i, nbma, mark);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->iface = i;
	p->key = key_of(nbma, mark);
	HASH_ADD(hh, i->peers, key, sizeof(p->key), p);
	if (p->hh.tbl)
		return p;
	free(p);
	return NULL;
}

struct peer *peer_get(struct iface *i, const struct addr *nbma, uint32_t mark)
{
	struct peer *p = peer_add(i, nbma, mark);

	if (p)
		p->refs++;
	return p;
}

void peer_put(struct peer *p)
{
	p->refs--;
	peer_update(p);
}

struct wanted {
	bool settled;
	uint32_t flags, priority;
};

static struct wanted want(const struct peer *p)
{
	const struct iface *i = p->iface;
	bool multicast = p->map_multicast ||
			 (p->registered && i->conf.multicast_dynamic);
	struct wanted w = { .settled = true };
	struct nhs *n;

	for (n = i->nhs; n; n = n->next) {
		if (p->key.mark || !addr_eq(&n->nbma, &p->key.nbma))
			continue;
		w.settled = n->state != NHS_NEW;
		w.flags |= DMVPN_PEER_F_HUB;
		multicast |= n->conf.multicast && n->state != NHS_STANDBY;
		if (!nhs_carries(n))
			continue;
		if (!(w.flags & DMVPN_PEER_F_NHS) ||
		    n->conf.priority < w.priority)
			w.priority = n->conf.priority;
		w.flags |= DMVPN_PEER_F_NHS;
	}
	if (multicast)
		w.flags |= DMVPN_PEER_F_MULTICAST;
	return w;
}

static void tell(struct peer *p, const struct wanted *w)
{
	struct engine *e = p->iface->engine;

	if (p->told ? w->flags == p->flags && w->priority == p->priority :
		      !w->flags)
		return;
	e->ops->peer_set(e->ctx, p->iface->ifindex, &p->key.nbma, p->key.mark,
			 w->flags, w->priority);
	p->told = true;
	p->flags = w->flags;
	p->priority = w->priority;
}

static void peer_free(struct peer *p)
{
	HASH_DELETE(hh, p->iface->peers, p);
	free(p);
}

void peer_update(struct peer *p)
{
	struct engine *e = p->iface->engine;
	struct wanted w;

	if (p->refs || p->pinned) {
		w = want(p);
		if (w.settled)
			tell(p, &w);
		return;
	}
	if (p->told)
		e->ops->peer_del(e->ctx, p->iface->ifindex, &p->key.nbma,
				 p->key.mark);
	peer_free(p);
}

static void pin(struct iface *i, const struct addr *nbma, bool map_multicast)
{
	struct peer *p;

	if (!addr_is_set(nbma))
		return;
	p = peer_add(i, nbma, 0);
	if (!p)
		return;
	p->pinned = true;
	p->map_multicast |= map_multicast;
}

void peer_sync(struct iface *i)
{
	struct peer *p, *next;
	unsigned int k;
	struct nhs *n;

	HASH_ITER(hh, i->peers, p, next)
		p->pinned = p->map_multicast = false;
	for (k = 0; k < i->conf.n_map; k++)
		if (i->conf.map[k].multicast)
			pin(i, &i->conf.map[k].nbma, true);
	for (n = i->nhs; n; n = n->next)
		pin(i, &n->nbma, false);
	HASH_ITER(hh, i->peers, p, next)
		peer_update(p);
}

void peer_free_all(struct iface *i)
{
	struct peer *p, *next;

	HASH_ITER(hh, i->peers, p, next)
		peer_free(p);
}
