/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine: the way into the protocol core and out of it. Called by the daemon;
 * checks packets, hands them to their procedure (RFC 2332 section 5), runs
 * what is due, and shows what there is.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"
#include "peer.h"
#include "shortcut.h"

#define COMPLAINT_RATE 1		/* log lines/s about others' packets */
#define COMPLAINT_BURST 10

static const char *const reject_names[] = {
	[REJECT_OFF]			= "off",
	[REJECT_RATE]			= "rate",
	[REJECT_AUTH]			= "auth",
	[REJECT_MARTIAN]		= "martian",
	[REJECT_OWN_SOURCE]		= "own-source",
	[REJECT_LOOP]			= "loop",
	[REJECT_HOPS]			= "hops",
	[REJECT_NOT_FOR_ME]		= "not-for-me",
	[REJECT_UNKNOWN_REQUESTER]	= "unknown-requester",
	[REJECT_SPOOFED]		= "spoofed",
	[REJECT_NO_BINDING]		= "no-binding",
	[REJECT_PROHIBITED]		= "prohibited",
	[REJECT_NOT_UNIQUE]		= "not-unique",
	[REJECT_NO_RESOURCES]		= "no-resources",
	[REJECT_UNSOLICITED]		= "unsolicited",
	[REJECT_NOT_DIRECT]		= "not-direct",
	[REJECT_BAD_REPLY]		= "bad-reply",
	[REJECT_BAD_CIE]		= "bad-cie",
	[REJECT_PURGE]			= "purge-refused",
	[REJECT_UNKNOWN_EXTENSION]	= "unknown-extension",
	[REJECT_NO_NHS]			= "no-nhs",
	[REJECT_UNSENDABLE]		= "unsendable",
	[REJECT_UNSUPPORTED]		= "unsupported",
	[REJECT_REDIRECT_OFF]		= "redirect-off",
	[REJECT_STRANGER]		= "stranger",
	[REJECT_BAD_QUOTE]		= "bad-quote",
	[REJECT_NOT_OURS]		= "not-ours",
	[REJECT_OFF_TUNNEL]		= "off-tunnel",
	[REJECT_COVERED]		= "covered",
	[REJECT_PENDING]		= "pending",
	[REJECT_IDENTITY]		= "identity",
	[REJECT_NO_IDENTITY]		= "no-identity",
	[REJECT_TOO_MANY]		= "too-many",
};

_Static_assert(sizeof(reject_names) / sizeof(*reject_names) == __REJECT_MAX,
	       "every rejection has a word");
_Static_assert(__REJECT_MAX <= sizeof(((struct engine_traffic *)0)->rejected) /
				       sizeof(uint64_t),
	       "and a counter");

const char *engine_reject_name(unsigned int i)
{
	return i < __REJECT_MAX ? reject_names[i] : NULL;
}

void engine_reject(struct iface *i, enum engine_reject why)
{
	i->traffic.rejected[why]++;
}

/* ---- helpers of the procedures ---- */

uint32_t engine_random(struct engine *e)
{
	return e->ops->random(e->ctx);
}

uint64_t engine_jitter(struct engine *e, uint64_t ms)
{
	return ms - engine_random(e) % (ms / 4 + 1);
}

static void say(struct iface *i, enum engine_log level, const char *fmt,
		va_list ap)
{
	struct engine *e = i->engine;
	char text[512];
	int n;

	n = snprintf(text, sizeof(text), "%s: ", i->link->name);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	e->ops->log(e->ctx, level, text);
}

void engine_say(struct iface *i, enum engine_log level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(i, level, fmt, ap);
	va_end(ap);
}

void engine_complain(struct iface *i, const char *fmt, ...)
{
	va_list ap;

	if (!limit_take(&i->complaints, i->engine->now, COMPLAINT_RATE,
			COMPLAINT_BURST)) {
		i->withheld++;
		return;
	}
	if (i->withheld)
		engine_say(i, ENGINE_WARN, "%lu messages withheld",
			   i->withheld);
	i->withheld = 0;
	va_start(ap, fmt);
	say(i, ENGINE_WARN, fmt, ap);
	va_end(ap);
}

void engine_event(struct iface *i, const char *what, const struct addr *proto,
		  const struct addr *nbma, const char *fmt, ...)
{
	struct engine *e = i->engine;
	char text[256];
	va_list ap;

	if (!e->ops->event)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->ops->event(e->ctx, i->link->ifindex, what, proto, nbma, text);
}

/* ---- life ---- */

struct engine *engine_new(const struct engine_ops *ops, void *ctx)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->ops = ops;
	e->ctx = ctx;
	return e;
}

void engine_free(struct engine *e)
{
	struct link *l, *next;

	if (!e)
		return;
	HASH_ITER(hh, e->links, l, next)
		link_free(l);
	free(e);
}

/* NHRP ends for one family, if it runs. */
static void leave(struct iface *i)
{
	struct link *l = i ? i->link : NULL;
	struct entry *entry, *next;
	struct nhs *n;

	if (!i)
		return;
	for (n = i->nhs; n; n = n->next)
		register_withdraw(n);
	shortcut_drop(i, NULL, "the interface leaves NHRP");
	HASH_ITER(hh, i->cache, entry, next)
		cache_del(entry);
	i->conf.n_map = 0;
	nhs_free_all(i);
	cluster_leave(i);
	peer_sync(i);
	iface_free(i);
	link_put(l);
}

static int set_family(struct link *l, enum conf_family f,
		      const struct conf_nhrp *c, const struct addr *local)
{
	struct iface *i = l->family[f];

	if (!i)
		i = iface_add(l, f);
	if (!i)
		return -ENOMEM;
	iface_apply(i, c, local);
	return 0;
}

static void set_link(struct link *l, const struct conf_iface *c)
{
	strcpy(l->name, c->name);
	l->mtu = c->mtu;
	l->secured = c->ipsec_required || c->protection[0];
	l->if_state = c->if_state;
}

static int set_families(struct link *l, const struct conf_iface *c,
			const struct addr *local)
{
	unsigned int f;
	int ret = 0;

	set_link(l, c);
	l->halfway = true;
	for (f = 0; !ret && f < __CONF_FAMILY_MAX; f++)
		if (c->nhrp[f].network_id)
			ret = set_family(l, f, &c->nhrp[f], local);
	l->halfway = false;
	peer_update_all(l);
	link_put(l);
	return ret;
}

int engine_iface_set(struct engine *e, unsigned int ifindex,
		     const struct conf_iface *c, const struct addr *local_nbma,
		     uint64_t now)
{
	struct link *l;
	unsigned int f;

	e->now = now;
	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		if (!c->nhrp[f].network_id)
			leave(iface_find(e, ifindex, f));
	if (!conf_network_id(c))
		return 0;
	l = link_find(e, ifindex);
	if (!l)
		l = link_add(e, ifindex);
	return l ? set_families(l, c, local_nbma) : -ENOMEM;
}

void engine_iface_del(struct engine *e, unsigned int ifindex, uint64_t now)
{
	unsigned int f;

	e->now = now;
	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		leave(iface_find(e, ifindex, f));
}

/* ---- adoption ---- */

/* An NHS without addresses of its own takes those that the kernel has. */
static bool adopt_nhs(struct iface *i, const struct engine_neigh *n)
{
	struct nhs *s;

	for (s = i->nhs; s; s = s->next) {
		if (addr_eq(&s->nbma, &n->nbma) && !addr_is_set(&s->proto)) {
			nhs_learn(s, &n->addr);
			return true;
		}
		if (addr_eq(&s->proto, &n->addr) && !addr_is_set(&s->nbma) &&
		    s->conf.fqdn[0]) {
			s->nbma = n->nbma;
			iface_sync(i);
			register_start(s);
			return true;
		}
	}
	return false;
}

static void adopt_entry(struct entry *e, const struct engine_neigh *n)
{
	struct engine *engine = e->iface->engine;

	e->type = ENTRY_DYNAMIC;
	e->installed = true;
	e->created = engine->now - n->created_ago;
	cache_set_hold(e, (n->expires + 999) / 1000);
	e->expires = engine->now + n->expires;
	e->state = ENTRY_UP;
	e->changed = e->created;
	if (e->asked)
		resolve_note_local(e->iface, &e->proto, e->hold);
	peer_update(e->peer);		/* what it is decides what it needs */
	if (!(n->flags & DMVPN_NEIGH_F_UNCONFIRMED))
		return;
	if (e->registered) {
		e->vacant = true;
		secure_place(e);
	} else if (resolve_needs_proof(e)) {
		e->state = ENTRY_PROBING;
		resolve_prove(e);
	} else {
		cache_install(e);
	}
}

/* Configured, hence installed already; only its age is news. */
static void adopt_age(struct entry *e, const struct engine_neigh *n)
{
	if (addr_eq(&e->nbma, &n->nbma))
		e->created = e->iface->engine->now - n->created_ago;
}

/* Nobody has mark 0, so nobody gets what is for @e until it is back. */
static void forget_mark(struct entry *e)
{
	if (!e->mark)
		return;
	if (cache_set_nbma(e, &e->nbma, 0))
		cache_del(e);
	else
		cache_install(e);
}

void engine_adopt(struct engine *engine, unsigned int ifindex,
		  const struct engine_neigh *n, uint64_t now)
{
	struct iface *i = iface_for(engine, ifindex, &n->addr);
	bool ours, fixed;
	struct entry *e;

	engine->now = now;
	if (!i)
		return;
	e = cache_find(i, &n->addr);
	if (e) {
		adopt_age(e, n);
		return;
	}
	e = cache_add(i, &n->addr);
	if (!e)
		return;
	if (cache_set_nbma(e, &n->nbma, n->mark)) {
		cache_forget(e);
		return;
	}
	ours = cache_restore(e, n->cookie, n->cookie_len);
	fixed = ours && (e->type == ENTRY_STATIC || e->nhs);
	if (!fixed && n->expires && !iface_is_own(i, &n->addr)) {
		adopt_entry(e, n);
		if (secure_is_down(i->link, &e->nbma, e->mark))
			forget_mark(e);
		return;
	}
	cache_forget(e);		/* static: ours, or an operator's */
	if (fixed && !adopt_nhs(i, n))
		engine->ops->neigh_del(engine->ctx, ifindex, &n->addr);
}

void engine_adopt_peer(struct engine *e, unsigned int ifindex,
		       const struct addr *nbma, uint32_t mark, uint32_t flags,
		       uint32_t priority, uint64_t now)
{
	struct link *l = link_find(e, ifindex);
	struct peer *p = l ? peer_find(l, nbma, mark) : NULL;

	e->now = now;
	if (!l)
		return;
	if (!p) {
		e->ops->peer_del(e->ctx, ifindex, nbma, mark);
		return;
	}
	p->told = true;
	p->flags = flags;
	p->priority = priority;
	peer_update(p);
}

/* ---- packets ---- */

/* Whatever is wrong with it, it is not answered (RFC 2332 5.2.7). */
static void error_received(struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct nhrp_packet offender;
	char nbma[ADDR_STRLEN];

	engine_complain(rx->iface, "Error Indication (%u) from %s", p->code,
			addr_text(rx->nbma, nbma));
	if (nhrp_decode(p->quote, p->quote_len, &offender) ||
	    !iface_is_own(rx->iface, &offender.src_proto))
		engine_reject(rx->iface, REJECT_UNSOLICITED);
	else if (offender.type == NHRP_REGISTRATION_REQUEST)
		register_error(rx, &offender);
	else if (offender.type == NHRP_RESOLUTION_REQUEST)
		resolve_error(rx, &offender);
}

static void (*const procedures[__NHRP_TYPE_MAX])(struct rx *rx) = {
	[NHRP_RESOLUTION_REQUEST]	= resolve_request,
	[NHRP_RESOLUTION_REPLY]		= resolve_reply,
	[NHRP_REGISTRATION_REQUEST]	= register_request,
	[NHRP_REGISTRATION_REPLY]	= register_reply,
	[NHRP_PURGE_REQUEST]		= purge_request,
	[NHRP_PURGE_REPLY]		= purge_reply,
	[NHRP_ERROR_INDICATION]		= error_received,
	[NHRP_TRAFFIC_INDICATION]	= redirect_indication,
};

static bool admissible(struct iface *i, const struct addr *nbma, uint32_t mark)
{
	if (!iface_ready(i))
		engine_reject(i, REJECT_OFF);
	else if (!addr_is_nbma(nbma) || addr_eq(nbma, &i->local))
		engine_reject(i, REJECT_MARTIAN);
	else if (!iface_admits(i, nbma, mark))
		engine_reject(i, REJECT_RATE);
	else
		return true;
	return false;
}

/* The packet speaks of the same address families as we do. */
static bool fits(const struct iface *i, const struct nhrp_packet *p)
{
	return p->proto_type == msg_proto_type(i) &&
	       p->src_nbma.len == i->local.len;
}

static void serve(struct rx *rx)
{
	struct iface *i = rx->iface;
	char nbma[ADDR_STRLEN];

	if (!fits(i, rx->p)) {
		i->traffic.refused[NHRP_BAD_FAMILY]++;
		return;
	}
	i->traffic.rcvd[rx->p->type]++;
	if (nhrp_auth_ok(rx->p, i->conf.auth)) {
		procedures[rx->p->type](rx);
		return;
	}
	engine_reject(i, REJECT_AUTH);
	engine_complain(i, "wrong authentication string in %s from %s",
			nhrp_type_name(rx->p->type),
			addr_text(rx->nbma, nbma));
}

/*
 * The family that the packet speaks of (ar$pro.type); the other one counts
 * what is neither's.
 */
static struct iface *receiver(const struct engine *e, unsigned int ifindex,
			      const uint8_t *buf, size_t len)
{
	const struct link *l = link_find(e, ifindex);
	bool v6 = len >= 4 && buf[2] == 0x86 && buf[3] == 0xdd;

	if (!l)
		return NULL;
	return l->family[v6] ? l->family[v6] : l->family[!v6];
}

void engine_recv(struct engine *e, unsigned int ifindex,
		 const struct addr *nbma, uint32_t mark, const uint8_t *buf,
		 size_t len, uint64_t now)
{
	struct iface *i = receiver(e, ifindex, buf, len);
	struct nhrp_packet p;
	struct rx rx = { i, &p, nbma, mark, buf, len };
	enum nhrp_refusal why;
	char text[ADDR_STRLEN];

	e->now = now;
	if (!i || !admissible(i, nbma, mark))
		return;
	why = nhrp_decode(buf, len, &p);
	if (!why) {
		serve(&rx);
		return;
	}
	i->traffic.refused[why]++;
	engine_complain(i, "packet from %s refused: %s", addr_text(nbma, text),
			nhrp_refusal_name(why));
}

/* ---- kernel and name service ---- */

void engine_expired(struct engine *engine, unsigned int ifindex,
		    const struct addr *addr, uint64_t now)
{
	struct iface *i = iface_for(engine, ifindex, addr);
	struct entry *e = i ? cache_find(i, addr) : NULL;

	engine->now = now;
	/* One that was renewed meanwhile is in the kernel again. */
	if (e && e->installed && e->expires &&
	    e->expires <= now + ENGINE_SECOND)
		cache_expire(e);
}

void engine_name(struct engine *e, unsigned int ifindex, const char *fqdn,
		 const struct addr *addrs, unsigned int n, uint64_t now)
{
	const struct link *l = link_find(e, ifindex);
	unsigned int f;
	struct nhs *s;

	e->now = now;
	for (f = 0; l && f < __CONF_FAMILY_MAX; f++)
		for (s = l->family[f] ? l->family[f]->nhs : NULL; s;
		     s = s->next)
			if (!strcmp(s->conf.fqdn, fqdn))
				nhs_resolved(s, addrs, n);
}

void engine_sa(struct engine *e, unsigned int ifindex, const struct addr *nbma,
	       uint32_t mark, bool up, bool fresh, uint64_t now)
{
	struct link *l = link_find(e, ifindex);
	struct peer *p = l ? peer_find(l, nbma, mark) : NULL;
	struct entry *entry, *next;
	unsigned int f;
	struct nhs *n;

	e->now = now;
	if (!p)
		return;
	/* one that is about to come is nothing to register through */
	for (f = 0; !mark && f < __CONF_FAMILY_MAX; f++)
		for (n = l->family[f] ? l->family[f]->nhs : NULL; n;
		     n = n->next)
			if (addr_eq(&n->nbma, nbma) &&
			    !(up && secure_is_down(l, nbma, mark)))
				register_sa(n, up);
	DL_FOREACH_SAFE2(p->entries, entry, next, peer_next) {
		if (entry->registered)
			secure_place(entry);
		else
			resolve_sa(entry, up, fresh);
	}
}

/* Nobody else was at that address, so whoever has moved is this one. */
static bool is_learnt_alone(const struct entry *e)
{
	const struct entry *other;

	DL_FOREACH2(e->peer->entries, other, peer_next)
		if (other != e && other->iface == e->iface)
			return false;
	return e->type == ENTRY_DYNAMIC && !e->nhs;
}

/* Those who were told of @e see its SA move themselves. */
static void move(struct entry *e, const struct addr *nbma)
{
	char proto[ADDR_STRLEN], is[ADDR_STRLEN], was[ADDR_STRLEN];

	engine_say(e->iface, ENGINE_INFO, "%s is at %s now, before at %s",
		   addr_text(&e->proto, proto), addr_text(nbma, is),
		   addr_text(&e->nbma, was));
	e->vacant = false;
	if (cache_set_nbma(e, nbma, e->mark))
		cache_del(e);
	else
		cache_install(e);
}

void engine_moved(struct engine *engine, unsigned int ifindex,
		  const struct addr *old, const struct addr *nbma,
		  uint32_t mark, uint64_t now)
{
	struct link *l = link_find(engine, ifindex);
	struct peer *p = l ? peer_find(l, old, mark) : NULL;
	struct entry *e, *next;

	engine->now = now;
	/* @p goes with its last entry */
	for (e = p ? p->entries : NULL; e; e = next) {
		next = e->peer_next;
		if (e->registered ? secure_is_owner(e, nbma, mark) :
				    is_learnt_alone(e))
			move(e, nbma);
	}
}

void engine_forget_marks(struct engine *engine, unsigned int ifindex,
			 uint64_t now)
{
	struct link *l = link_find(engine, ifindex);
	struct entry *e, *next;
	struct iface *i;
	unsigned int f;

	engine->now = now;
	for (f = 0; l && f < __CONF_FAMILY_MAX; f++) {
		i = l->family[f];
		if (!i)
			continue;
		HASH_ITER(hh, i->cache, e, next)
			if (secure_sa(l, &e->nbma, e->mark).state !=
			    ENGINE_SA_UP)
				forget_mark(e);
	}
}

/* ---- time ---- */

uint64_t engine_deadline(const struct engine *e)
{
	return e->timers.root ? e->timers.root->at : UINT64_MAX;
}

void engine_run(struct engine *e, uint64_t now)
{
	struct timer *t;

	e->now = now;
	while ((t = timer_due(&e->timers, now)))
		t->fn(t);
}

/* ---- operator ---- */

static bool clearable(const struct entry *e)
{
	return e->type != ENTRY_STATIC && !e->nhs;
}

static void clear(struct entry *e)
{
	if (e->registered)
		purge_told(e);
	cache_del(e);
}

unsigned int engine_clear(struct engine *engine, unsigned int ifindex,
			  enum conf_family family, const struct addr *addr,
			  uint64_t now)
{
	struct iface *i = iface_find(engine, ifindex, family);
	struct entry *e, *next;
	unsigned int cleared = 0;
	struct nhs *n;

	engine->now = now;
	if (!i)
		return 0;
	cleared = shortcut_drop(i, addr, "cleared");
	HASH_ITER(hh, i->cache, e, next) {
		if (!clearable(e) || (addr && !addr_eq(addr, &e->proto)))
			continue;
		clear(e);
		cleared++;
	}
	for (n = i->nhs; n && !addr; n = n->next)
		register_start(n);
	return cleared;
}

static const char *reason_of(const struct entry *e, char *buf, size_t len)
{
	const struct nhs *n = e->nhs ? nhs_named(e->iface, &e->proto) : NULL;

	return n ? nhs_reason(n) : resolve_reason(e, buf, len);
}

static void show(const struct entry *e,
		 void (*cb)(void *ctx, const struct engine_entry *), void *ctx)
{
	char reason[128];
	struct engine_entry s = {
		.ifindex = e->iface->link->ifindex,
		.proto = e->proto,
		.plen = e->proto.len * 8,
		.nbma = e->nbma,
		.claimed = e->claimed,
		.type = e->type,
		.state = e->state,
		.nhs = e->nhs,
		.registered = e->registered,
		.unique = e->unique,
		.router = e->router,
		.used = e->used,
		.nat = e->nat,
		.no_socket = e->type == ENTRY_LOCAL,
		.created = e->created,
		.changed = e->changed,
		.expires = e->expires,
		.reason = reason_of(e, reason, sizeof(reason)),
	};

	if (e->type == ENTRY_INCOMPLETE || e->type == ENTRY_NEGATIVE)
		s.nbma = (struct addr){ 0 };
	cb(ctx, &s);
}

static void show_shortcut(const struct shortcut *s,
			  void (*cb)(void *ctx, const struct engine_entry *),
			  void *ctx)
{
	char reason[128];
	struct engine_entry shown = {
		.ifindex = s->iface->link->ifindex,
		.proto = s->key.prefix,
		.plen = s->key.plen,
		.nexthop = s->hop->proto,
		.nbma = s->hop->nbma,
		.claimed = s->hop->claimed,
		.type = ENTRY_DYNAMIC,
		.state = s->hop->state,
		.router = s->hop->router,
		.nat = s->hop->nat,
		.used = s->used,
		.created = s->created,
		.changed = s->created > s->hop->changed ? s->created :
							  s->hop->changed,
		.expires = s->expires,
		.reason = reason_of(s->hop, reason, sizeof(reason)),
	};

	cb(ctx, &shown);
}

/* A destination that is asked for again under its shortcut says nothing. */
static bool is_refresh(const struct entry *e)
{
	return e->target && e->type != ENTRY_DYNAMIC &&
	       shortcut_find(e->iface, &e->proto);
}

/* Both by address; a prefix comes before the addresses in it. */
static void show_iface(struct iface *i,
		       void (*cb)(void *ctx, const struct engine_entry *),
		       void *ctx)
{
	struct shortcut *s;
	struct entry *e;

	cache_sort(i);
	shortcut_sort(i);
	for (e = i->cache, s = i->shortcuts; e || s; ) {
		if (s && (!e || memcmp(&s->key.prefix, &e->proto,
				       sizeof(e->proto)) <= 0)) {
			show_shortcut(s, cb, ctx);
			s = s->hh.next;
			continue;
		}
		if (!is_refresh(e))
			show(e, cb, ctx);
		e = e->hh.next;
	}
}

static int by_ifindex(const struct link *a, const struct link *b)
{
	return a->ifindex < b->ifindex ? -1 : a->ifindex > b->ifindex;
}

void engine_each_entry(struct engine *e,
		       void (*cb)(void *ctx, const struct engine_entry *),
		       void *ctx)
{
	struct iface *i;

	HASH_SORT(e->links, by_ifindex);
	for (i = iface_first(e); i; i = iface_next(i))
		show_iface(i, cb, ctx);
}

static void show_nhs(const struct nhs *n,
		     void (*cb)(void *ctx, const struct engine_nhs_info *),
		     void *ctx)
{
	struct engine_nhs_info s = {
		.ifindex = n->iface->link->ifindex,
		.family = n->iface->family,
		.proto = n->proto,
		.nbma = n->nbma,
		.priority = n->conf.priority,
		.cluster = n->conf.cluster,
		.up = n->state == NHS_UP,
		.active = nhs_carries(n),
		.drained = n->drained,
		.expecting = n->expecting,
		.changed = n->changed,
		.req_sent = n->req_sent,
		.req_failed = n->req_failed,
		.repl_recv = n->repl_recv,
		.last_reply = n->last_reply,
		.next = n->timer.armed ? n->timer.at : 0,
		.reqid = n->reqid,
		.reason = nhs_reason(n),
	};

	cb(ctx, &s);
}

void engine_each_nhs(struct engine *e,
		     void (*cb)(void *ctx, const struct engine_nhs_info *),
		     void *ctx)
{
	struct iface *i;
	struct nhs *n;

	HASH_SORT(e->links, by_ifindex);
	for (i = iface_first(e); i; i = iface_next(i))
		for (n = i->nhs; n; n = n->next)
			show_nhs(n, cb, ctx);
}

bool engine_traffic(const struct engine *e, unsigned int ifindex,
		    enum conf_family family, struct engine_traffic *t)
{
	const struct iface *i = iface_find(e, ifindex, family);

	if (i)
		*t = i->traffic;
	return i != NULL;
}
