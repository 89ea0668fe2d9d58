/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live: paths that are in use but have fallen silent. The kernel tells so
 * after CONF_ONEWAY seconds (engine_oneway()), again and again as long as it
 * lasts. Silence proves nothing, as traffic may well go one way, so the other
 * end is asked: a direct peer on the very path (RFC 2332 section 5.2.1, the
 * probe of resolve.c), an NHS by a registration (5.2.3). Three questions in
 * three seconds without an answer, and data takes another way.
 */
#include <stdio.h>

#include <utlist.h>

#include "cache.h"
#include "iface.h"
#include "nhs.h"
#include "peer.h"

#define GUARD (CONF_ONEWAY * 1000ull)	/* ms between two checks of a path */

static bool learnt(const struct entry *e)
{
	return e->type == ENTRY_DYNAMIC && !e->registered && !e->nhs;
}

/* @silent: since when nothing came, as far as we know. */
static void check(struct entry *e, uint64_t silent)
{
	uint64_t now = e->iface->engine->now;

	if (!learnt(e) || e->state != ENTRY_UP || e->probe ||
	    now < e->changed + GUARD || now < e->checked + GUARD)
		return;
	e->checked = now;
	e->silent = silent;
	resolve_probe(e);
}

void live_lost(struct entry *e)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN], why[64];
	uint64_t now = e->iface->engine->now;

	snprintf(why, sizeof(why), "not heard on the direct path for %llu s",
		 (unsigned long long)(now - e->silent + 500) / 1000);
	engine_say(e->iface, ENGINE_NOTICE, "%s at %s: %s, data goes to the NHS",
		   addr_text(&e->proto, proto), addr_text(&e->nbma, nbma), why);
	cache_leave_state(e, ENTRY_PROBING, why);
	e->lost = true;
	cache_install(e);
}

void live_suspected(const struct rx *rx)
{
	struct entry *e = cache_find(rx->iface, &rx->p->src_proto);
	uint64_t now = rx->iface->engine->now;

	if (!e || !addr_eq(&e->nbma, rx->nbma) || e->mark != rx->mark)
		return;
	if (!e->lost) {
		check(e, now);
	} else if (now >= e->checked + GUARD) {
		e->checked = now;
		resolve_probe(e);
	}
}

/* There is, or can be, another one to go to. */
static bool replaceable(const struct nhs *n)
{
	const struct nhs *m;

	for (m = n->iface->nhs; m; m = m->next)
		if (m != n && (m->state == NHS_UP || !m->active))
			return true;
	return false;
}

/*
 * A spoke that sends and never gets anything back asks once in so long. To be
 * more patient with it would cost it as much when the hub has gone.
 */
static void check_nhs(struct nhs *n)
{
	uint64_t now = n->iface->engine->now;

	if (n->state != NHS_UP || n->hasty || !replaceable(n))
		return;
	n->checked = n->checked + GUARD > now ? n->checked + GUARD : now;
	register_hasten(n, n->checked);
}

static void check_all_nhs(struct iface *i, const struct addr *nbma)
{
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		if (addr_eq(&n->nbma, nbma))
			check_nhs(n);
}

void engine_oneway(struct engine *engine, unsigned int ifindex,
		   const struct addr *nbma, uint32_t mark, uint64_t now)
{
	struct link *l = link_find(engine, ifindex);
	struct peer *p = l ? peer_find(l, nbma, mark) : NULL;
	struct entry *e;
	unsigned int f;

	engine->now = now;
	if (!p)
		return;
	for (f = 0; !mark && f < __CONF_FAMILY_MAX; f++)
		if (l->family[f] && iface_ready(l->family[f]))
			check_all_nhs(l->family[f], nbma);
	/* Registered spokes keep what they have for their holding time. */
	DL_FOREACH2(p->entries, e, peer_next)
		if (iface_ready(e->iface))
			check(e, now - GUARD);
}
