/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iface: an interface's configuration, turned into NHSs, static entries and
 * peers, and the packet budget of those who send to it. Called by engine.c;
 * iface_sync() by nhs.c whenever an NHS's addresses change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "nhs.h"
#include "peer.h"
#include "shortcut.h"

/*
 * A registered spoke that reboots asks for all its peers at once; somebody
 * unknown has only a registration to send, but may share a bucket.
 */
#define KNOWN_RATE 200			/* packets/s */
#define KNOWN_BURST 1000
#define STRANGER_RATE 100
#define STRANGER_BURST 200

/* ---- links ---- */

struct link *link_find(const struct engine *e, unsigned int ifindex)
{
	struct link *l;

	HASH_FIND(hh, e->links, &ifindex, sizeof(ifindex), l);
	return l;
}

struct link *link_add(struct engine *e, unsigned int ifindex)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->engine = e;
	l->ifindex = ifindex;
	l->salt = engine_random(e);
	HASH_ADD(hh, e->links, ifindex, sizeof(l->ifindex), l);
	if (l->hh.tbl)
		return l;
	free(l);
	return NULL;
}

void link_free(struct link *l)
{
	unsigned int f;

	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		if (l->family[f])
			iface_free(l->family[f]);
	peer_free_all(l);
	HASH_DELETE(hh, l->engine->links, l);
	free(l);
}

void link_put(struct link *l)
{
	if (!l->family[CONF_IPV4] && !l->family[CONF_IPV6])
		link_free(l);
}

/* ---- families of links ---- */

enum conf_family iface_family_of(const struct addr *a)
{
	return a->len == 16 ? CONF_IPV6 : CONF_IPV4;
}

struct iface *iface_find(const struct engine *e, unsigned int ifindex,
			 enum conf_family f)
{
	const struct link *l = link_find(e, ifindex);

	return l ? l->family[f] : NULL;
}

struct iface *iface_for(const struct engine *e, unsigned int ifindex,
			const struct addr *a)
{
	return iface_find(e, ifindex, iface_family_of(a));
}

struct iface *iface_serving(struct engine *e, unsigned int ifindex,
			    enum conf_family f)
{
	struct link *l = link_find(e, ifindex);

	if (!l)
		return NULL;
	if (!l->family[f])
		engine_reject(l->family[!f], REJECT_OFF);
	return l->family[f];
}

static struct iface *first_from(const struct link *l, unsigned int f)
{
	for (; l; l = l->hh.next, f = 0)
		for (; f < __CONF_FAMILY_MAX; f++)
			if (l->family[f])
				return l->family[f];
	return NULL;
}

struct iface *iface_first(const struct engine *e)
{
	return first_from(e->links, 0);
}

struct iface *iface_next(const struct iface *i)
{
	return first_from(i->link, i->family + 1);
}

struct iface *iface_add(struct link *l, enum conf_family f)
{
	struct iface *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->link = l;
	i->engine = l->engine;
	i->family = f;
	l->family[f] = i;
	return i;
}

void iface_free(struct iface *i)
{
	shortcut_free_all(i);
	cache_free_all(i);
	secure_free_all(i);
	purge_drop_all(i);
	nhs_free_all(i);
	i->link->family[i->family] = NULL;
	free(i);
}

/* ---- addresses ---- */

bool iface_ready(const struct iface *i)
{
	return addr_is_set(&i->local) && addr_is_set(&i->conf.addr);
}

bool iface_in_subnet(const struct iface *i, const struct addr *a)
{
	return addr_is_set(&i->conf.addr) && i->conf.plen &&
	       addr_in_prefix(a, &i->conf.addr, i->conf.plen);
}

bool iface_is_edge(const struct iface *i, const struct addr *a)
{
	struct addr edge = addr_network(a, i->conf.plen);
	unsigned int k;

	if (i->conf.plen > a->len * 8 - 2 || !iface_in_subnet(i, a))
		return false;
	if (addr_eq(a, &edge))
		return true;
	for (k = i->conf.plen; k < a->len * 8u; k++)
		edge.b[k / 8] |= 0x80 >> k % 8;
	return a->len == 4 && addr_eq(a, &edge);
}

bool iface_is_own(const struct iface *i, const struct addr *proto)
{
	return addr_eq(proto, &i->conf.addr) ||
	       (addr_is_set(proto) && addr_eq(proto, &i->conf.link_local));
}

const struct addr *iface_self(const struct iface *i, const struct addr *other)
{
	return addr_is_link_local(other) && addr_is_set(&i->conf.link_local) ?
	       &i->conf.link_local : &i->conf.addr;
}

bool iface_on_link(const struct iface *i, const struct addr *a)
{
	return iface_in_subnet(i, a) || addr_is_link_local(a);
}

/* ---- configuration ---- */

/*
 * Without a line for it, a hub is known by its lines: it has no NHS itself,
 * or lines that only a hub needs. On a spoke any stranger could otherwise
 * register the address of another spoke and get its data.
 */
bool iface_serves(const struct iface *i)
{
	return !i->nhs || i->conf.multicast_dynamic || i->conf.redirect ||
	       i->conf.server_only;
}

static bool fixed(const struct entry *e)
{
	return e->type == ENTRY_STATIC || e->nhs;
}

/* Makes @e, whatever it was, a mapping that only configuration changes. */
static void fix(struct entry *e, const struct addr *nbma, bool nhs,
		enum entry_type type)
{
	bool same = fixed(e) && e->installed && e->nhs == nhs &&
		    e->type == type && !e->mark && addr_eq(&e->nbma, nbma);

	e->stale = false;
	if (same)
		return;
	resolve_cancel(e);
	peer_set_registered(e, false);
	secure_own(e, 0);
	if (cache_set_nbma(e, nbma, 0))
		return;
	e->type = type;
	e->nhs = nhs;
	e->unique = e->router = e->nat = false;
	e->claimed = (struct addr){ 0 };
	cache_set_hold(e, 0);
	cache_install(e);
}

static struct entry *fix_addr(struct iface *i, const struct addr *proto,
			      const struct addr *nbma, bool nhs,
			      enum entry_type type)
{
	struct entry *e;

	if (!addr_is_set(proto) || !addr_is_set(nbma) ||
	    iface_is_own(i, proto))
		return NULL;
	e = cache_find(i, proto);
	if (!e)
		e = cache_add(i, proto);
	if (e)
		fix(e, nbma, nhs, type);
	return e;
}

void iface_sync(struct iface *i)
{
	struct entry *e, *next;
	unsigned int k;
	struct nhs *n;

	HASH_ITER(hh, i->cache, e, next)
		e->stale = fixed(e);
	for (k = 0; k < i->conf.n_map; k++) {
		const struct conf_map *m = &i->conf.map[k];

		if (nhs_named(i, &m->proto))
			continue;
		e = fix_addr(i, &m->proto, &m->nbma, false, ENTRY_STATIC);
		if (e)
			cache_set_state(e, ENTRY_UP);
	}
	for (n = i->nhs; n; n = n->next) {
		e = fix_addr(i, &n->proto, &n->nbma, true,
			     n->conf.fqdn[0] ? ENTRY_DYNAMIC : ENTRY_STATIC);
		if (e)
			cache_set_state(e, nhs_entry_state(n));
	}
	HASH_ITER(hh, i->cache, e, next)
		if (e->stale)
			cache_del(e);
	peer_sync(i);
}

/* Old local entries speak of an address that is not ours any more. */
static void drop_local(struct iface *i)
{
	struct entry *e, *next;

	HASH_ITER(hh, i->cache, e, next)
		if (e->type == ENTRY_LOCAL || iface_is_own(i, &e->proto))
			cache_del(e);
}

/* What a registration says is not what the NHS was told last. */
static bool says_other(const struct conf_nhrp *a, const struct conf_nhrp *b)
{
	return !addr_eq(&a->addr, &b->addr) ||
	       !addr_eq(&a->link_local, &b->link_local) ||
	       a->holdtime != b->holdtime ||
	       a->no_unique != b->no_unique || strcmp(a->auth, b->auth);
}

/* Registers with NHSs that are new, or with @all. */
static void start_nhs(struct iface *i, bool all)
{
	struct nhs *n;

	for (n = i->nhs; n; n = n->next) {
		if (!all && n->timer.armed)
			continue;
		if (iface_ready(i)) {
			register_start(n);
			continue;
		}
		register_stop(n);
		nhs_down(n, "%s", addr_is_set(&i->local) ?
			 "the interface has no address" :
			 "the tunnel source has no address");
	}
}

/* The address that we give up is withdrawn as long as we can. */
static void withdraw_all(struct iface *i)
{
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		register_withdraw(n);
}

void iface_apply(struct iface *i, const struct conf_nhrp *c,
		 const struct addr *local)
{
	bool had = iface_ready(i);
	bool moved = !addr_eq(local, &i->local);
	bool renamed = !addr_eq(&c->addr, &i->conf.addr) ||
		       !addr_eq(&c->link_local, &i->conf.link_local);
	bool other = says_other(c, &i->conf);

	if (had && renamed)
		withdraw_all(i);
	i->conf = *c;
	i->local = *local;
	if (moved)
		i->public = (struct addr){ 0 };
	if (moved || renamed)
		drop_local(i);
	if (renamed || !c->shortcut)
		shortcut_drop(i, NULL, "by configuration");
	nhs_sync(i);
	if (!had && iface_ready(i))
		nhs_renew(i);
	cluster_cast(i);
	iface_sync(i);
	start_nhs(i, moved || other);
	cluster_elect(i);
	if (moved && had && iface_ready(i))
		resolve_moved(i);
}

/* ---- who may send ---- */

static struct limit *stranger(struct link *l, const struct addr *nbma,
			      uint32_t mark)
{
	uint32_t h = l->salt ^ mark;
	unsigned int k;

	for (k = 0; k < nbma->len; k++)
		h = (h ^ nbma->b[k]) * 16777619;
	h ^= h >> 16;
	return &l->strangers[h & (IFACE_STRANGERS - 1)];
}

bool iface_admits(struct iface *i, const struct addr *nbma, uint32_t mark)
{
	uint64_t now = i->engine->now;
	struct peer *p;

	if (nhs_at(i, nbma))
		return true;
	p = peer_find(i->link, nbma, mark);
	if (p)
		return limit_take(&p->limit, now, KNOWN_RATE, KNOWN_BURST);
	return limit_take(stranger(i->link, nbma, mark), now, STRANGER_RATE,
			  STRANGER_BURST);
}
