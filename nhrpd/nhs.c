/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nhs: the list of next hop servers and their states. register.c tells the
 * verdicts, iface.c the configuration, engine.c the answers of name service.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "nhs.h"
#include "peer.h"

const char *nhs_text(const struct nhs *n, char *buf, size_t len)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];
	const char *at = n->conf.fqdn;

	if (addr_is_set(&n->nbma))
		at = addr_text(&n->nbma, nbma);
	snprintf(buf, len, "%s (%s)", addr_is_set(&n->proto) ?
		 addr_text(&n->proto, proto) : "dynamic",
		 *at ? at : "no NBMA address");
	return buf;
}

const char *nhs_reason(const struct nhs *n)
{
	if (n->state == NHS_UP && n->drained)
		return "drained by the operator";
	if (n->state == NHS_UP && !n->serving)
		return "its fallback delay runs";
	if (n->state != NHS_NEW || !n->active)
		return n->reason;
	if (secure_is_down(n->iface->link, &n->nbma, 0))
		return "no IPsec SA yet";
	return addr_is_set(&n->nbma) ? "no answer yet" :
	       n->conf.fqdn[0] ? "its name is being resolved" :
				 "no map line has its NBMA address";
}

struct nhs *nhs_at(const struct iface *i, const struct addr *nbma)
{
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		if (addr_eq(&n->nbma, nbma))
			return n;
	return NULL;
}

struct nhs *nhs_named(const struct iface *i, const struct addr *proto)
{
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		if (addr_is_set(proto) && addr_eq(&n->proto, proto))
			return n;
	return NULL;
}

enum entry_state nhs_entry_state(const struct nhs *n)
{
	if (n->state == NHS_UP)
		return ENTRY_UP;
	return n->state == NHS_NEW ? ENTRY_REGISTERING : ENTRY_DOWN;
}

/*
 * @a is asked before @b: not in reserve, lower priority number, then order of
 * the file.
 */
static bool better(const struct nhs *a, const struct nhs *b)
{
	const struct nhs *n;

	if (nhs_is_reserve(a) != nhs_is_reserve(b))
		return nhs_is_reserve(b);
	if (a->conf.priority != b->conf.priority)
		return a->conf.priority < b->conf.priority;
	for (n = a->next; n; n = n->next)
		if (n == b)
			return true;
	return false;
}

static unsigned int rank(const struct iface *i, const struct nhs *of)
{
	unsigned int r = 0;
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		if (n != of && n->state == NHS_UP && better(n, of))
			r++;
	return r;
}

struct nhs *nhs_best(const struct iface *i, unsigned int nth)
{
	unsigned int up = 0;
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		up += n->state == NHS_UP;
	for (n = i->nhs; n; n = n->next)
		if (n->state == NHS_UP && rank(i, n) == nth % up)
			return n;
	return NULL;
}

void nhs_up(struct nhs *n, unsigned int hold)
{
	uint64_t now = n->iface->engine->now;
	char who[128];

	n->last_reply = now;
	n->reason[0] = '\0';
	if (n->state == NHS_UP)
		return;
	n->state = NHS_UP;
	n->changed = now;
	nhs_text(n, who, sizeof(who));
	engine_say(n->iface, ENGINE_NOTICE,
		   "NHS %s is up, registered in %llu ms, holding time %u s",
		   who, (unsigned long long)(now - n->started), hold);
	engine_event(n->iface, "nhs-up", &n->proto, &n->nbma,
		     "holding time %u s", hold);
	cluster_elect(n->iface);
	resolve_retry_all(n->iface);
}

void nhs_down(struct nhs *n, const char *fmt, ...)
{
	char reason[sizeof(n->reason)], who[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (n->state == NHS_DOWN && !strcmp(reason, n->reason))
		return;
	strcpy(n->reason, reason);
	nhs_text(n, who, sizeof(who));
	engine_say(n->iface, ENGINE_NOTICE, "NHS %s is down: %s", who, reason);
	if (n->state == NHS_DOWN)
		return;
	n->state = NHS_DOWN;
	n->changed = n->iface->engine->now;
	engine_event(n->iface, "nhs-down", &n->proto, &n->nbma, "%s", reason);
	cluster_elect(n->iface);
}

void nhs_learn(struct nhs *n, const struct addr *proto)
{
	if (addr_is_set(&n->conf.proto) || addr_eq(&n->proto, proto) ||
	    addr_is_martian(proto) || addr_is_link_local(proto) ||
	    iface_is_own(n->iface, proto))
		return;
	n->proto = *proto;
	iface_sync(n->iface);
}

void nhs_lookup(struct nhs *n)
{
	struct engine *e = n->iface->engine;

	if (n->conf.fqdn[0] && e->ops->lookup)
		e->ops->lookup(e->ctx, n->iface->link->ifindex, n->conf.fqdn);
}

/* The address behind the one in use; the first when that is not listed. */
static const struct addr *next_name(const struct nhs *n)
{
	unsigned int k;

	for (k = 0; k < n->n_names; k++)
		if (addr_eq(&n->names[k], &n->nbma))
			return &n->names[(k + 1) % n->n_names];
	return &n->names[0];
}

void nhs_resolved(struct nhs *n, const struct addr *addrs, unsigned int count)
{
	const struct addr *to;

	n->n_names = count < NHS_NAMES_MAX ? count : NHS_NAMES_MAX;
	if (n->n_names)
		memcpy(n->names, addrs, n->n_names * sizeof(*addrs));
	if (!n->n_names) {
		if (!addr_is_set(&n->nbma))
			nhs_down(n, "its name does not resolve");
		return;
	}
	if (addr_is_set(&n->nbma) && n->state != NHS_DOWN)
		return;			/* it works, or may still */
	to = next_name(n);
	if (addr_eq(to, &n->nbma))
		return;
	n->nbma = *to;
	iface_sync(n->iface);
	register_start(n);
}

static struct addr mapped(const struct iface *i, const struct addr *proto)
{
	unsigned int k;

	for (k = 0; k < i->conf.n_map; k++)
		if (addr_is_set(proto) && addr_eq(&i->conf.map[k].proto, proto))
			return i->conf.map[k].nbma;
	return (struct addr){ 0 };
}

static bool same(const struct conf_nhs *a, const struct conf_nhs *b)
{
	return addr_eq(&a->proto, &b->proto) && addr_eq(&a->nbma, &b->nbma) &&
	       !strcmp(a->fqdn, b->fqdn);
}

/* Takes the NHS of this line off @list, or makes it. */
static struct nhs *take(struct iface *i, struct nhs **list,
			const struct conf_nhs *c)
{
	struct nhs *n;

	for (; *list; list = &(*list)->next) {
		n = *list;
		if (!same(&n->conf, c))
			continue;
		*list = n->next;
		return n;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->iface = i;
	n->proto = c->proto;
	n->nbma = c->nbma;
	n->changed = i->engine->now;
	return n;
}

static void set_line(struct nhs *n, const struct conf_nhs *c)
{
	struct addr nbma;

	n->conf = *c;
	if (addr_is_set(&c->nbma) || c->fqdn[0])
		return;
	nbma = mapped(n->iface, &c->proto);
	if (addr_eq(&nbma, &n->nbma))
		return;
	n->nbma = nbma;
	register_stop(n);		/* iface_apply() starts it anew */
}

static void nhs_free(struct nhs *n)
{
	register_stop(n);
	free(n);
}

static void drop(struct nhs *n)
{
	char who[128];

	register_withdraw(n);
	nhs_text(n, who, sizeof(who));
	engine_say(n->iface, ENGINE_NOTICE, "NHS %s is not configured any more",
		   who);
	if (n->state == NHS_UP)
		engine_event(n->iface, "nhs-down", &n->proto, &n->nbma,
			     "not configured any more");
	nhs_free(n);
}

void nhs_sync(struct iface *i)
{
	struct nhs *old = i->nhs, **tail = &i->nhs, *n;
	unsigned int k;

	i->nhs = NULL;
	for (k = 0; k < i->conf.n_nhs; k++) {
		n = take(i, &old, &i->conf.nhs[k]);
		if (!n) {
			engine_reject(i, REJECT_NO_RESOURCES);
			continue;
		}
		set_line(n, &i->conf.nhs[k]);
		n->next = NULL;
		*tail = n;
		tail = &n->next;
	}
	while ((n = old)) {
		old = n->next;
		drop(n);
	}
}

void nhs_renew(struct iface *i)
{
	struct nhs *n;

	for (n = i->nhs; n; n = n->next)
		if (n->state == NHS_DOWN)
			n->state = NHS_NEW;
}

void nhs_free_all(struct iface *i)
{
	struct nhs *n;

	timer_stop(&i->engine->timers, &i->election);
	while ((n = i->nhs)) {
		i->nhs = n->next;
		nhs_free(n);
	}
}
