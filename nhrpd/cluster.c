/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cluster: which of several next hop servers are registered with and which
 * carry data, as IOS does it: of a cluster with `max-connections M` the M
 * best that answer. nhs.c and iface.c call it whenever a state changes.
 *
 * A better one that comes back is registered with at once, and takes over
 * when it has been up for the fallback delay. Only then the worse one is
 * withdrawn from, so that at no moment nobody carries data.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "nhs.h"
#include "peer.h"

/* How many of @c may be connected; 0: all. */
static unsigned int limit_of(const struct iface *i, uint8_t c)
{
	unsigned int k;

	for (k = 0; k < i->conf.n_cluster; k++)
		if (i->conf.cluster[k].cluster == c)
			return i->conf.cluster[k].max;
	return 0;
}

static unsigned int fallback_delay(const struct iface *i)
{
	return i->conf.fallback ? i->conf.fallback : CONF_FALLBACK;
}

/* The members of a cluster, best first. */
struct cluster {
	struct iface *iface;
	uint8_t number;
	unsigned int max, n;
	unsigned int serving;		/* they hold a connection */
	struct nhs *m[CONF_NHS_MAX];
};

static void collect(struct cluster *c)
{
	struct nhs *n;
	unsigned int k;

	for (n = c->iface->nhs; n; n = n->next) {
		if (n->conf.cluster != c->number)
			continue;
		for (k = c->n++; k && c->m[k - 1]->conf.priority >
				       n->conf.priority; k--)
			c->m[k] = c->m[k - 1];
		c->m[k] = n;
	}
}

static void serve(struct cluster *c, struct nhs *n, bool serving)
{
	if (n->serving == serving)
		return;
	n->serving = serving;
	c->serving += serving ? 1 : -1;
}

/* The place of the worst one that serves; @c->n: none does. */
static unsigned int worst(const struct cluster *c)
{
	unsigned int k = c->n;

	while (k--)
		if (c->m[k]->serving)
			return k;
	return c->n;
}

/* Those that keep their place. A drained one does not take any. */
static void keep(struct cluster *c)
{
	unsigned int k;

	for (k = 0; k < c->n; k++)
		c->serving += c->m[k]->serving;
	for (k = 0; k < c->n; k++)
		if (c->m[k]->state != NHS_UP || c->m[k]->drained)
			serve(c, c->m[k], false);
	while (c->serving > c->max)
		serve(c, c->m[worst(c)], false);
}

/* Who is up takes a free place, or after the delay that of a worse one. */
static void take_places(struct cluster *c, uint64_t *again)
{
	uint64_t ready, now = c->iface->engine->now;
	unsigned int k, w;

	for (k = 0; k < c->n; k++) {
		struct nhs *n = c->m[k];

		if (n->state != NHS_UP || n->serving || n->drained)
			continue;
		ready = n->changed + fallback_delay(c->iface) * 1000ull;
		w = worst(c);
		if (c->serving == c->max && (w < k || now < ready)) {
			if (w > k && ready < *again)
				*again = ready;
			continue;
		}
		if (c->serving == c->max)
			serve(c, c->m[w], false);
		serve(c, n, true);
	}
}

static void activate(struct nhs *n)
{
	n->active = true;
	n->fresh = true;
	if (n->state != NHS_UP)
		n->state = NHS_NEW;	/* worth waiting for its verdict */
}

static void retire(struct cluster *c, struct nhs *n)
{
	bool was = n->active && n->state != NHS_NEW;
	char who[128];

	if (n->active) {
		register_withdraw(n);
		register_stop(n);
	}
	n->active = n->fresh = false;
	snprintf(n->reason, sizeof(n->reason), c->serving == c->max ?
		 "standby: cluster %u has its %u connection%s" :
		 "standby: better ones of cluster %u are tried (%u connection%s)",
		 c->number, c->max, c->max == 1 ? "" : "s");
	/* Until then the kernel keeps what it had before a restart. */
	if (n->state == NHS_STANDBY || c->serving < c->max)
		return;
	n->state = NHS_STANDBY;
	n->changed = c->iface->engine->now;
	if (!was)
		return;
	engine_say(c->iface, ENGINE_NOTICE, "NHS %s is %s",
		   nhs_text(n, who, sizeof(who)), n->reason);
	engine_event(c->iface, "nhs-standby", &n->proto, &n->nbma, "%s",
		     n->reason);
}

/* Those that serve, and as many better ones as could, are registered with. */
static void cast(struct cluster *c)
{
	unsigned int k, ahead = 0;

	for (k = 0; k < c->n; k++) {
		struct nhs *n = c->m[k];

		if (!n->serving && !(n->drained && n->active) && ahead >= c->max)
			retire(c, n);
		else if (!n->active)
			activate(n);
		ahead += !n->drained && n->active && (n->state == NHS_UP ||
						      n->state == NHS_NEW);
	}
}

static void elect(struct iface *i, uint8_t number, uint64_t *again)
{
	struct cluster c = { .iface = i, .number = number };
	unsigned int k;

	c.max = limit_of(i, number);
	collect(&c);
	if (c.max) {
		keep(&c);
		take_places(&c, again);
		cast(&c);
		return;
	}
	for (k = 0; k < c.n; k++) {
		c.m[k]->serving = c.m[k]->state == NHS_UP;
		if (!c.m[k]->active)
			activate(c.m[k]);
	}
}

static bool first_of_cluster(const struct nhs *n)
{
	const struct nhs *m;

	for (m = n->iface->nhs; m != n; m = m->next)
		if (m->conf.cluster == n->conf.cluster)
			return false;
	return true;
}

/* ---- who carries data ---- */

/* It is up, but others are used as long as there are any. */
bool nhs_is_reserve(const struct nhs *n)
{
	return n->drained || !n->serving;
}

bool nhs_carries(const struct nhs *n)
{
	const struct nhs *m;

	if (n->state != NHS_UP || !nhs_is_reserve(n))
		return n->state == NHS_UP;
	for (m = n->iface->nhs; m; m = m->next)
		if (m->state == NHS_UP && !nhs_is_reserve(m))
			return false;
	return true;
}

/* Those that carry first: there is no moment without one. */
static void tell_kernel(struct iface *i, bool carries)
{
	struct nhs *n;
	struct peer *p;

	for (n = i->nhs; n; n = n->next) {
		p = nhs_carries(n) == carries ? peer_find(i->link, &n->nbma, 0) : NULL;
		if (p)
			peer_update(p);
	}
}

static void show_states(struct iface *i)
{
	struct entry *e;
	struct nhs *n;

	for (n = i->nhs; n; n = n->next) {
		e = cache_find(i, &n->proto);
		if (e && e->nhs)
			cache_set_state(e, nhs_entry_state(n));
	}
	tell_kernel(i, true);
	tell_kernel(i, false);
}

/* ---- carrier ---- */

/* Up; or was before this daemon started, and has no verdict yet. */
static bool is_uplink(const struct nhs *n)
{
	const struct peer *p;

	if (n->state != NHS_NEW)
		return n->state == NHS_UP;
	p = peer_find(n->iface->link, &n->nbma, 0);
	return p && p->told && p->flags & DMVPN_PEER_F_NHS;
}

enum uplink { NO_NHS, NO_UPLINK, UPLINK };

/* Of either family: the carrier is the device's. */
static enum uplink find_uplink(const struct link *l)
{
	enum uplink found = NO_NHS;
	const struct nhs *n;
	unsigned int f;

	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		for (n = l->family[f] ? l->family[f]->nhs : NULL; n;
		     n = n->next) {
			if (is_uplink(n))
				return UPLINK;
			found = NO_UPLINK;
		}
	return found;
}

static void set_carrier(struct iface *i)
{
	struct link *l = i->link;
	struct engine *e = l->engine;
	enum uplink uplink = find_uplink(l);
	enum iface_carrier to = !l->if_state || uplink != NO_UPLINK ?
				CARRIER_ON : CARRIER_OFF;

	if (!e->ops->carrier || l->carrier == to)
		return;
	/* That it was on before this daemon started is no news. */
	if (l->if_state && uplink != NO_NHS &&
	    (to == CARRIER_OFF || l->carrier == CARRIER_OFF))
		engine_say(i, ENGINE_NOTICE, "if-state: %s", to == CARRIER_ON ?
			   "an NHS is up" : "no NHS is up");
	l->carrier = to;
	e->ops->carrier(e->ctx, l->ifindex, to == CARRIER_ON);
}

/* ---- the way in ---- */

static void due(struct timer *t)
{
	struct iface *i = (struct iface *)((char *)t -
					   offsetof(struct iface, election));

	if (i->link->carrier == CARRIER_UNKNOWN)
		set_carrier(i);
	cluster_elect(i);
}

/* What the kernel held before is adopted before the first timer runs. */
static void plan(struct iface *i, uint64_t again)
{
	if (i->link->carrier == CARRIER_UNKNOWN && i->engine->ops->carrier)
		again = i->engine->now;
	if (again == UINT64_MAX) {
		timer_stop(&i->engine->timers, &i->election);
		return;
	}
	i->election.fn = due;
	timer_set(&i->engine->timers, &i->election, again);
}

void cluster_cast(struct iface *i)
{
	uint64_t again = UINT64_MAX;
	struct nhs *n;

	for (n = i->nhs; n && iface_ready(i); n = n->next)
		if (first_of_cluster(n))
			elect(i, n->conf.cluster, &again);
	plan(i, again);
}

void cluster_elect(struct iface *i)
{
	struct nhs *n;

	cluster_cast(i);
	show_states(i);
	if (i->link->carrier != CARRIER_UNKNOWN)
		set_carrier(i);
	for (n = i->nhs; n; n = n->next)
		if (n->fresh)
			register_start(n);
}

void cluster_leave(struct iface *i)
{
	if (i->link->carrier != CARRIER_UNKNOWN)
		set_carrier(i);
}

/* ---- drain ---- */

static void drain_one(struct nhs *n, bool drain)
{
	const char *text = drain ? "drained by the operator" : "serves again";
	char who[128];

	if (n->drained == drain)
		return;
	n->drained = drain;
	engine_say(n->iface, ENGINE_NOTICE, "NHS %s: %s",
		   nhs_text(n, who, sizeof(who)), text);
	engine_event(n->iface, "nhs-drain", &n->proto, &n->nbma, "%s", text);
}

static bool drain_all(struct iface *i, const struct addr *nhs, bool drain)
{
	bool found = false;
	struct nhs *n;

	for (n = i->nhs; n; n = n->next) {
		if (!addr_is_set(nhs) || (!addr_eq(&n->proto, nhs) &&
					  !addr_eq(&n->nbma, nhs)))
			continue;
		drain_one(n, drain);
		found = true;
	}
	if (found)
		cluster_elect(i);
	return found;
}

int engine_nhs_drain(struct engine *e, unsigned int ifindex,
		     const struct addr *nhs, bool drain, uint64_t now)
{
	const struct link *l = link_find(e, ifindex);
	bool found = false;
	unsigned int f;

	e->now = now;
	for (f = 0; l && f < __CONF_FAMILY_MAX; f++)
		if (l->family[f])
			found |= drain_all(l->family[f], nhs, drain);
	return found ? 0 : -ENOENT;
}
