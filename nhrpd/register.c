/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * register: RFC 2332 section 5.2.3 and 5.2.4, both sides.
 *
 * Client: each NHS has a series of requests with one id, sent again after 1
 * and 2 s. 4 s later the NHS is down. Trying goes on forever, first after 24 s
 * and then every 32 s. All times are a random quarter shorter at most. An NHS
 * that has fallen silent is asked every second (live.c).
 *
 * IOS doubles from 2 to 64 s. We do not: at any moment of an outage so many
 * spokes are between their short gaps that the first second of a rebooted hub
 * sees 3.7 times the mean load (sim_test.c measures it); and with long gaps
 * the last ones are late.
 *
 * The link-local address of IPv6, which routing protocols have as next hop, is
 * registered in a request of its own right behind the first, as IOS does. It
 * decides nothing; as long as no answer came the NHS is asked anew after a
 * second, three times.
 *
 * Server: a registration becomes a neighbour at the NBMA address that the
 * packet came from; what it claims to come from is only remembered.
 */
#include <stddef.h>
#include <stdio.h>

#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"
#include "peer.h"

#define TRIES_TO_DOWN 3
#define LL_TRIES 3
#define PREFIX_HOST 255
#define IDENTITY_TEXT (CONF_IDENTITY_MAX + 4)
#define SA_GRACE 50			/* ms until the NHS knows of an SA, too */

/* ---- client ---- */

/* A request to register @self, an address of ours. */
static void send_request(struct nhs *n, uint32_t id, const struct addr *self)
{
	struct iface *i = n->iface;
	struct addr none = { .len = self->len };
	bool known = addr_is_set(&n->proto), unique = !i->conf.no_unique;
	struct nhrp_packet p;

	msg_init(i, &p, NHRP_REGISTRATION_REQUEST,
		 NHRP_F_NAT | (unique ? NHRP_F_REG_UNIQUE : 0), id,
		 known ? &n->proto : self);
	p.src_proto = *self;
	if (!known)
		p.hops = 1;		/* nobody knows where to pass it on */
	msg_add_cie(i, &p, unique ? PREFIX_HOST : self->len * 8);
	msg_add_exts(i, &p);
	msg_add_nat(msg_nat(&p), &n->nbma, known ? &n->proto : &none);
	msg_send(i, &n->nbma, 0, &p);
}

static void again(struct nhs *n, uint64_t ms)
{
	struct engine *e = n->iface->engine;

	if (n->active)
		timer_set(&e->timers, &n->timer, e->now + engine_jitter(e, ms));
}

/* Waits as long as it takes after this try. */
static void back_off(struct nhs *n)
{
	static const unsigned int gaps[] = { 1, 2, 4, 24, 32 };	/* s */
	unsigned int last = sizeof(gaps) / sizeof(*gaps) - 1;
	unsigned int s = gaps[n->tries < last ? n->tries : last];

	if (n->hasty && n->tries < TRIES_TO_DOWN)
		s = 1;
	again(n, s * 1000ull);
	n->tries++;
}

/* Why the NHS cannot even be asked; NULL: it can. */
static const char *obstacle(const struct nhs *n)
{
	if (!addr_is_set(&n->nbma))
		return n->conf.fqdn[0] ? "its name does not resolve" :
		       "no map line has its NBMA address";
	if (secure_is_down(n->iface->link, &n->nbma, 0))
		return "no IPsec SA";
	return NULL;
}

/* It is down, for that reason and what IPsec has to say. */
static void fail(struct nhs *n, const char *why)
{
	struct engine_sa sa = secure_sa(n->iface->link, &n->nbma, 0);

	n->hasty = false;
	if (sa.state != ENGINE_SA_UP && sa.reason[0])
		nhs_down(n, "%s: %s", why, sa.reason);
	else
		nhs_down(n, "%s", why);
}

/* Sends one request; if that cannot be, the next try may find a way. */
static void try(struct nhs *n)
{
	const struct iface *i = n->iface;

	back_off(n);
	if (n->state == NHS_DOWN || !addr_is_set(&n->nbma))
		nhs_lookup(n);
	if (obstacle(n)) {
		n->expecting = n->ll_expecting = false;
		return;
	}
	n->expecting = true;
	n->req_sent++;
	send_request(n, n->reqid, &i->conf.addr);
	if (!addr_is_set(&i->conf.link_local))
		return;
	n->ll_expecting = true;
	n->ll_tries++;
	send_request(n, n->ll_reqid, &i->conf.link_local);
}

static void new_series(struct nhs *n)
{
	if (!n->active)
		return;
	n->reqid = engine_random(n->iface->engine);
	n->ll_reqid = engine_random(n->iface->engine);
	n->started = n->iface->engine->now;
	try(n);
}

/* The third request was not answered either. */
static void give_up(struct nhs *n)
{
	fail(n, n->hasty ? "not heard, no answer to registrations" :
			   "no answer to registrations");
	back_off(n);
	nhs_lookup(n);			/* it may have moved */
}

static void due(struct timer *t)
{
	struct nhs *n = (struct nhs *)((char *)t - offsetof(struct nhs, timer));

	const char *why = obstacle(n);

	if (!iface_ready(n->iface))
		return;
	n->req_failed += n->expecting;
	if (n->expecting && n->tries == TRIES_TO_DOWN) {
		give_up(n);
	} else if (n->expecting) {
		try(n);
	} else {
		if (why && n->tries >= TRIES_TO_DOWN)
			fail(n, why);
		new_series(n);
	}
}

void register_stop(struct nhs *n)
{
	timer_stop(&n->iface->engine->timers, &n->timer);
	n->expecting = false;
	n->ll_expecting = false;
	n->hasty = false;
	n->tries = n->ll_tries = 0;
}

void register_start(struct nhs *n)
{
	register_stop(n);
	n->timer.fn = due;
	n->fresh = false;
	if (iface_ready(n->iface))
		new_series(n);
}

void register_hasten(struct nhs *n, uint64_t at)
{
	struct engine *e = n->iface->engine;

	n->hasty = true;
	if (n->expecting && at < e->now + ENGINE_SECOND)
		at = e->now + ENGINE_SECOND;
	if (n->timer.armed && at < n->timer.at)
		timer_set(&e->timers, &n->timer, at);
}

void register_sa(struct nhs *n, bool up)
{
	struct engine *e = n->iface->engine;

	if (!n->active || !iface_ready(n->iface))
		return;
	if (!up) {
		register_hasten(n, e->now);
		return;
	}
	/* whoever is there now may be a new one that knows nothing of us */
	register_stop(n);
	n->timer.fn = due;
	timer_set(&e->timers, &n->timer, e->now + SA_GRACE);
}

void register_withdraw(struct nhs *n)
{
	struct iface *i = n->iface;

	if (n->state != NHS_UP || !iface_ready(i))
		return;
	purge_send(i, &n->proto, &n->nbma, 0, &i->conf.addr, &i->local);
	if (n->ll_registered)
		purge_send(i, &n->proto, &n->nbma, 0, &i->conf.link_local,
			   &i->local);
	n->ll_registered = false;
}

static const char *nak_text(unsigned int code)
{
	switch (code) {
	case NHRP_CODE_PROHIBITED:
		return "registration refused: administratively prohibited (4)";
	case NHRP_CODE_NO_RESOURCES:
		return "registration refused: insufficient resources (5)";
	case NHRP_CODE_ALREADY_REGISTERED:
		return "registration refused: unique address registered already from elsewhere (14)";
	}
	return "registration refused";
}

/* The NAT extension tells how the NHS sees us when that differs. */
static void note_public(struct nhs *n, const struct nhrp_packet *p)
{
	const struct addr *public = msg_public(p, &n->iface->conf.addr);
	struct iface *i = n->iface;
	char text[ADDR_STRLEN];
	struct addr none = { 0 };

	if (!public || addr_eq(public, &i->local) || !addr_is_nbma(public))
		public = &none;
	if (addr_eq(public, &i->public))
		return;
	i->public = *public;
	if (addr_is_set(public))
		engine_say(i, ENGINE_NOTICE, "behind NAT, public address %s",
			   addr_text(public, text));
	else
		engine_say(i, ENGINE_NOTICE, "no NAT any more");
}

static void learn_proto(struct nhs *n, const struct nhrp_packet *p)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_RESPONDER);

	if (e && e->has_cies && e->cies.n)
		nhs_learn(n, &e->cies.e[0].proto);
	else
		nhs_learn(n, &p->dst_proto);	/* FRR puts it there */
}

/* All is answered: until it has to be renewed. */
static void rest(struct nhs *n)
{
	if (n->ll_expecting && n->ll_tries < LL_TRIES)
		again(n, ENGINE_SECOND);
	else
		again(n, conf_reg_interval(&n->iface->conf) * 1000ull);
}

static void registered(struct nhs *n, const struct nhrp_packet *p)
{
	n->tries = 0;
	n->hasty = false;
	note_public(n, p);
	learn_proto(n, p);
	nhs_up(n, p->cies.n ? p->cies.e[0].hold : n->iface->conf.holdtime);
	rest(n);
}

static void ll_registered(struct nhs *n)
{
	n->ll_expecting = false;
	n->ll_registered = true;
	n->ll_code = 0;
	n->ll_tries = 0;
	if (n->state == NHS_UP && !n->expecting)
		rest(n);
}

static void ll_refused(struct nhs *n, uint8_t code, const char *why)
{
	const struct addr *a = &n->iface->conf.link_local;
	char text[ADDR_STRLEN], who[128];

	n->ll_expecting = n->ll_registered = false;
	if (n->state == NHS_UP && !n->expecting)
		rest(n);
	if (n->ll_code != code)
		engine_say(n->iface, ENGINE_WARN, "NHS %s, link-local %s: %s",
			   nhs_text(n, who, sizeof(who)), addr_text(a, text),
			   why);
	n->ll_code = code;
}

static bool is_ll(const struct nhs *n, uint32_t id)
{
	return n->ll_expecting && n->ll_reqid == id;
}

static struct nhs *find_series(const struct rx *rx, uint32_t id)
{
	struct nhs *n;

	for (n = rx->iface->nhs; n; n = n->next)
		if (((n->expecting && n->reqid == id) || is_ll(n, id)) &&
		    addr_eq(&n->nbma, rx->nbma))
			return n;
	return NULL;
}

void register_reply(struct rx *rx)
{
	struct nhrp_packet *p = rx->p;
	struct nhs *n = find_series(rx, p->reqid);
	uint8_t code = p->cies.n ? p->cies.e[0].code : 0;

	if (!n || !iface_is_own(rx->iface, &p->src_proto)) {
		engine_reject(rx->iface, REJECT_UNSOLICITED);
		return;
	}
	if (is_ll(n, p->reqid)) {
		if (code)
			ll_refused(n, code, nak_text(code));
		else
			ll_registered(n);
		return;
	}
	n->expecting = false;
	n->repl_recv++;
	if (code)
		nhs_down(n, "%s", nak_text(code));
	else
		registered(n, p);
}

void register_error(struct rx *rx, const struct nhrp_packet *offender)
{
	struct nhs *n = find_series(rx, offender->reqid);

	if (n && is_ll(n, offender->reqid))
		ll_refused(n, NHRP_CODE_PROHIBITED, "Error Indication");
	else if (n)
		nhs_down(n, "Error Indication (%u)", rx->p->code);
	else
		engine_reject(rx->iface, REJECT_UNSOLICITED);
}

/* ---- server ---- */

static bool is_configured(const struct entry *e)
{
	return e && (e->type == ENTRY_STATIC || e->nhs);
}

/* Why an address may not be registered, or NULL. */
static const char *prohibited(const struct rx *rx, const struct nhrp_cie *c)
{
	const struct addr *a = &rx->p->src_proto;
	const struct iface *i = rx->iface;
	const struct entry *e = cache_find(i, a);

	if (!iface_serves(i))
		return "this node is a spoke (it has an NHS, and neither 'map multicast dynamic' nor 'redirect')";
	if (addr_eq(a, &i->conf.addr))
		return "it is the address of this node";
	if (i->conf.plen && !iface_on_link(i, a))
		return "it is outside of the tunnel's subnet";
	if (iface_is_edge(i, a))
		return "it is the subnet's network or broadcast address";
	if (addr_is_set(&c->proto) && !addr_eq(&c->proto, a))
		return "it is not the sender's own address";
	if (c->prefix && c->prefix != PREFIX_HOST && c->prefix != a->len * 8)
		return "it is a prefix";
	if (!c->hold)
		return "it has no holding time";
	if (is_configured(e) && !addr_eq(&e->nbma, rx->nbma))
		return "it is configured here";
	return NULL;
}

/* @owner: who is known to ask, 0: not known. */
static bool held_by_another(const struct rx *rx, const struct entry *e,
			    uint64_t owner)
{
	if (addr_eq(&rx->p->src_proto, &rx->iface->conf.link_local))
		return true;
	if (e && owner && e->owner == owner)
		return false;
	return e && e->registered && e->unique &&
	       (!addr_eq(&e->nbma, rx->nbma) || e->mark != rx->mark);
}

/* " (spoke1.example)", or nothing. */
static const char *identity_text(const struct rx *rx, char buf[IDENTITY_TEXT])
{
	const char *id = secure_identity(rx);

	snprintf(buf, IDENTITY_TEXT, id[0] ? " (%s)" : "%s", id);
	return buf;
}

static enum nhrp_code refuse(const struct rx *rx, enum engine_reject count,
			     enum nhrp_code code, const char *why)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN], who[IDENTITY_TEXT];

	engine_reject(rx->iface, count);
	engine_complain(rx->iface, "registration of %s from %s%s refused: %s",
			addr_text(&rx->p->src_proto, proto),
			addr_text(rx->nbma, nbma), identity_text(rx, who), why);
	return code;
}

/* What a registration says goes into @e. */
static void take_over(const struct rx *rx, struct entry *e,
		      const struct nhrp_cie *c)
{
	const struct nhrp_packet *p = rx->p;
	const struct addr *claimed = addr_is_set(&c->nbma) ? &c->nbma :
							     &p->src_nbma;

	e->type = ENTRY_DYNAMIC;
	e->unique = p->flags & NHRP_F_REG_UNIQUE;
	e->nat = p->flags & NHRP_F_NAT;
	e->claimed = (struct addr){ 0 };
	if (!addr_eq(claimed, rx->nbma))
		e->claimed = *claimed;
	e->vacant = false;
	peer_set_registered(e, true);
	cache_set_hold(e, c->hold);
	cache_set_state(e, ENTRY_UP);
	cache_install(e);
}

static void tell_registered(const struct rx *rx, const struct entry *e,
			    const struct addr *old)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN], was[ADDR_STRLEN];
	char who[IDENTITY_TEXT];

	addr_text(&e->proto, proto);
	addr_text(&e->nbma, nbma);
	identity_text(rx, who);
	if (addr_is_set(old))
		engine_say(rx->iface, ENGINE_INFO,
			   "%s registered from %s%s, before from %s, holding time %u s",
			   proto, nbma, who, addr_text(old, was), e->hold);
	else
		engine_say(rx->iface, ENGINE_INFO,
			   "%s registered from %s%s, holding time %u s", proto,
			   nbma, who, e->hold);
	engine_event(rx->iface, "registered", &e->proto, &e->nbma,
		     "holding time %u s", e->hold);
}

/* Moves @e to where the registration came from; those told of it learn so. */
static enum nhrp_code take_in(struct rx *rx, struct entry *e,
			      const struct nhrp_cie *c, uint64_t owner)
{
	bool was = e->registered;
	bool moved = !addr_eq(&e->nbma, rx->nbma) || e->mark != rx->mark;
	struct addr old = was ? e->nbma : (struct addr){ 0 };

	if ((!was || owner) && !secure_own(e, owner))
		return NHRP_CODE_NO_RESOURCES;
	resolve_cancel(e);
	if (was && moved)
		purge_told(e);
	if (moved && cache_set_nbma(e, rx->nbma, rx->mark))
		return NHRP_CODE_NO_RESOURCES;
	take_over(rx, e, c);
	if (!was || moved)
		tell_registered(rx, e, &old);
	return NHRP_CODE_SUCCESS;
}

static enum nhrp_code admit(struct rx *rx, const struct nhrp_cie *c)
{
	struct entry *e = cache_find(rx->iface, &rx->p->src_proto);
	const char *why = prohibited(rx, c);
	enum nhrp_code code;
	enum engine_reject count;
	bool fresh = !e;
	uint64_t owner;

	if (why)
		return refuse(rx, REJECT_PROHIBITED, NHRP_CODE_PROHIBITED, why);
	if (is_configured(e))
		return NHRP_CODE_SUCCESS;	/* hubs of a chain, each other's NHS */
	why = secure_objection(rx, e, &owner, &code, &count);
	if (why)
		return refuse(rx, count, code, why);
	if (held_by_another(rx, e, owner))
		return refuse(rx, REJECT_NOT_UNIQUE,
			      NHRP_CODE_ALREADY_REGISTERED,
			      "it is unique and somebody else's");
	if (fresh)
		e = cache_add(rx->iface, &rx->p->src_proto);
	code = e ? take_in(rx, e, c, owner) : NHRP_CODE_NO_RESOURCES;
	if (code && e && fresh)
		cache_forget(e);
	return code;
}

/* The sender learns that its packets come from another address. */
static void tell_public(struct rx *rx)
{
	struct nhrp_cies *nat = msg_nat(rx->p);

	if (nat && !addr_eq(&rx->p->src_nbma, rx->nbma))
		msg_add_nat(nat, rx->nbma, &rx->p->src_proto);
}

static void answer(struct rx *rx, enum nhrp_code code)
{
	struct nhrp_cie *c = &rx->p->cies.e[0];

	c->code = code;
	if (code)
		c->hold = 0;
	if (addr_eq(&rx->p->dst_proto, &rx->p->src_proto))
		rx->p->dst_proto = rx->iface->conf.addr;
	msg_turn(rx->iface, rx->p, NHRP_REGISTRATION_REPLY);
	tell_public(rx);
	msg_send(rx->iface, rx->nbma, rx->mark, rx->p);
}

static bool for_me(const struct rx *rx)
{
	return iface_is_own(rx->iface, &rx->p->dst_proto) ||
	       addr_eq(&rx->p->dst_proto, &rx->p->src_proto);
}

void register_request(struct rx *rx)
{
	struct nhrp_packet *p = rx->p;
	struct iface *i = rx->iface;

	if (addr_is_martian(&p->src_proto)) {
		engine_reject(i, REJECT_MARTIAN);
		msg_error(rx, NHRP_ERROR_PROTOCOL);
	} else if (!for_me(rx)) {
		engine_reject(i, REJECT_NOT_FOR_ME);
		msg_error(rx, NHRP_ERROR_UNREACHABLE);
	} else if (p->cies.n != 1) {
		engine_reject(i, REJECT_BAD_CIE);
		msg_error(rx, NHRP_ERROR_PROTOCOL);
	} else if (msg_has_unknown(p)) {
		engine_reject(i, REJECT_UNKNOWN_EXTENSION);
		msg_error(rx, NHRP_ERROR_UNKNOWN_EXTENSION);
	} else if (secure_too_early(rx)) {
		engine_reject(i, REJECT_NO_IDENTITY);
	} else {
		answer(rx, admit(rx, &p->cies.e[0]));
	}
}
