/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve: RFC 2332 section 5.2.1 and 5.2.2: asking for an address, passing
 * requests and replies on as an NHS, answering for ourselves and for what is
 * behind us. A next hop is asked for at an NHS; a destination (phase 3) along
 * the route to it, and the answer comes straight from the node that has it.
 *
 * What an answer says is not yet used for data: on plain GRE a path is proved
 * by one exchange on that very path. So the asker, and the one asked, send a
 * probe: a Resolution Request for the peer's own address straight to its NBMA
 * address, with a hop count that lets nobody else answer. Until the reply
 * comes back from there the kernel sends data through the hub.
 *
 * With IPsec a path needs an SA first, which the kernel looks at for each
 * packet. Having one is no proof: who answers IKE sends before the other end
 * can receive. A probe is. Until then the hub carries the data, and answers go
 * back the way the request came. The same each time that the peer makes an SA
 * anew, from when its IKE_SA is there: the kernel takes the new one at once.
 *
 * An answer of "no" harms no data either; it only keeps us from asking again
 * for a while.
 */
#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"
#include "peer.h"
#include "shortcut.h"

#define ASK_FIRST 2000			/* ms; then 4, 8, 16, 32 s */
#define ASK_TRIES 5
#define PROBE_FIRST 250			/* ms; doubled up to PROBE_MAX */
#define PROBE_MAX 60000
#define PROBE_FRESH 60			/* ms until the peer has a new SA, too */
#define PROBE_HEIR 510			/* ms until the kernel takes it */
#define PROBE_QUICK 5			/* tries before it looks hopeless */
#define CHECK_GAP 1000			/* ms, of a path in use (live.c) */
#define CHECK_TRIES 3
#define LOST_MAX 30000			/* ms, of a path that worked before */
#define HOLDOFF_FIRST 30		/* seconds */
#define HOLDOFF_MAX 180
#define SIBLINGS_MAX 8			/* addresses that one node registers */
#define STRANGERS_MAX (ENGINE_MAX_PENDING / 4)	/* of the requests under way */
#define CODE_NEXT_DOOR 255		/* of no NAK */
#define CODE_FORBIDDEN 254		/* the same */

#define REQUEST_FLAGS (NHRP_F_ROUTER | NHRP_F_AUTHORITATIVE | \
		       NHRP_F_SOURCE_STABLE | NHRP_F_NAT)

bool resolve_needs_proof(const struct entry *e)
{
	const struct link *l = e->iface->link;

	return !l->secured ||
	       secure_sa(l, &e->nbma, e->mark).state != ENGINE_SA_UNKNOWN;
}

/* ---- requests of our own ---- */

static struct engine *engine_of(const struct entry *e)
{
	return e->iface->engine;
}

static struct request *request_of(struct timer *t)
{
	return (struct request *)((char *)t - offsetof(struct request, timer));
}

static struct request *request_new(struct entry *e,
				   void (*fn)(struct timer *t))
{
	struct request *r = NULL;

	if (e->iface->n_pending < ENGINE_MAX_PENDING)
		r = calloc(1, sizeof(*r));
	if (!r) {
		engine_reject(e->iface, REJECT_NO_RESOURCES);
		return NULL;
	}
	e->iface->n_pending++;
	r->entry = e;
	r->id = engine_random(engine_of(e));
	r->timer.fn = fn;
	return r;
}

static void request_end(struct request **r)
{
	struct entry *e;

	if (!*r)
		return;
	e = (*r)->entry;
	timer_stop(&engine_of(e)->timers, &(*r)->timer);
	e->iface->n_pending--;
	free(*r);
	*r = NULL;
}

void resolve_cancel(struct entry *e)
{
	request_end(&e->ask);
	request_end(&e->probe);
}

static void again(struct request *r, uint64_t ms)
{
	struct engine *engine = engine_of(r->entry);

	timer_set(&engine->timers, &r->timer,
		  engine->now + engine_jitter(engine, ms));
}

static void send_request(struct request *r, const struct addr *nbma,
			 uint32_t mark, uint8_t hops)
{
	struct iface *i = r->entry->iface;
	struct nhrp_packet p;

	r->sent = i->engine->now;
	msg_init(i, &p, NHRP_RESOLUTION_REQUEST, REQUEST_FLAGS, r->id,
		 &r->entry->proto);
	p.hops = hops;
	msg_add_cie(i, &p, 0);
	msg_add_exts(i, &p);
	if (addr_is_set(&i->public))
		msg_add_nat(msg_nat(&p), &i->public, &p.src_proto);
	msg_send(i, nbma, mark, &p);
}

/* Remembers a "no", for longer each time. */
static void refuse(struct entry *e, uint8_t code)
{
	unsigned int holdoff = e->type == ENTRY_NEGATIVE ? e->holdoff * 2 :
							   HOLDOFF_FIRST;

	if (holdoff > HOLDOFF_MAX)
		holdoff = HOLDOFF_MAX;
	resolve_cancel(e);
	cache_set_state(e, ENTRY_DOWN);
	cache_unset_nbma(e);
	e->type = ENTRY_NEGATIVE;
	e->code = code;
	e->holdoff = holdoff;
	/* It outlives its time a little, so that it knows how to go on. */
	cache_set_hold(e, 2 * holdoff);
}

static bool held_off(const struct entry *e)
{
	return e->type == ENTRY_NEGATIVE && !e->ask &&
	       engine_of(e)->now < e->changed + e->holdoff * 1000ull;
}

static void give_up(struct entry *e)
{
	char text[ADDR_STRLEN];

	engine_complain(e->iface, "no answer to Resolution Requests for %s",
			addr_text(&e->proto, text));
	if (e->type == ENTRY_DYNAMIC)
		request_end(&e->ask);	/* lives on until its holding time */
	else
		refuse(e, NHRP_CODE_SUCCESS);
}

/* Routed there, and not through the hub for the moment. */
static const struct entry *next_hop(const struct entry *e)
{
	const struct entry *hop;
	struct addr via;

	if (!e->target || !shortcut_via(e->iface, &e->proto, &via, NULL))
		return NULL;
	hop = cache_find(e->iface, &via);
	return hop && hop->installed && hop->state == ENTRY_UP ? hop : NULL;
}

static void ask_due(struct timer *t)
{
	struct request *r = request_of(t);
	struct entry *e = r->entry;
	const struct entry *hop = next_hop(e);
	struct nhs *n = nhs_best(e->iface, r->tries);

	if (r->tries == ASK_TRIES) {
		give_up(e);
		return;
	}
	again(r, (uint64_t)ASK_FIRST << r->tries++);
	if (!iface_ready(e->iface))
		return;
	if (hop)
		send_request(r, &hop->nbma, hop->mark, NHRP_HOPS_DEFAULT);
	else if (n)
		send_request(r, &n->nbma, 0, NHRP_HOPS_DEFAULT);
}

void resolve_ask(struct entry *e)
{
	if (e->ask)
		return;
	if (!e->iface->nhs || e->iface->conf.server_only) {
		engine_reject(e->iface, REJECT_NO_NHS);
		return;
	}
	e->ask = request_new(e, ask_due);
	if (!e->ask)
		return;
	if (e->type != ENTRY_DYNAMIC) {
		cache_set_hold(e, 0);	/* the request has an end */
		cache_set_state(e, ENTRY_RESOLVING);
	}
	ask_due(&e->ask->timer);
}

static uint64_t probe_delay(const struct entry *e, unsigned int tries)
{
	if (e->state == ENTRY_UP)
		return CHECK_GAP;
	if (e->lost && tries > 6)
		return LOST_MAX;
	return tries < 8 ? (uint64_t)PROBE_FIRST << tries : PROBE_MAX;
}

static void probe_due(struct timer *t)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];
	struct request *r = request_of(t);
	struct entry *e = r->entry;

	if (e->state == ENTRY_UP && r->tries == CHECK_TRIES)
		live_lost(e);
	if (r->tries >= PROBE_QUICK && e->wanted <= r->sent) {
		request_end(&e->probe);	/* until data wants the path again */
		return;
	}
	if (r->tries == PROBE_QUICK)
		engine_complain(e->iface,
				"%s: no reply on the direct path from %s",
				addr_text(&e->proto, proto),
				addr_text(&e->nbma, nbma));
	again(r, probe_delay(e, r->tries++));
	if (iface_ready(e->iface))
		send_request(r, &e->nbma, e->mark, 1);
}

void resolve_probe(struct entry *e)
{
	if (!e->probe)
		e->probe = request_new(e, probe_due);
	else if (e->probe->tries <= PROBE_QUICK)
		return;
	if (!e->probe)
		return;
	e->probe->tries = 0;
	probe_due(&e->probe->timer);
}

void resolve_prove(struct entry *e)
{
	struct engine_sa sa = secure_sa(e->iface->link, &e->nbma, e->mark);

	/* else resolve_sa() goes on, through the SA that stays */
	if (sa.state != ENGINE_SA_DOWN && !sa.coming)
		resolve_probe(e);
}

/* The same through a new SA, not through one that the kernel had before it. */
static void prove_fresh(struct entry *e)
{
	struct engine_sa sa = secure_sa(e->iface->link, &e->nbma, e->mark);

	if (sa.state != ENGINE_SA_DOWN && !sa.coming)
		e->probe = request_new(e, probe_due);
	if (e->probe)
		timer_set(&engine_of(e)->timers, &e->probe->timer,
			  engine_of(e)->now +
			  (sa.heir ? PROBE_HEIR : PROBE_FRESH));
}

/* "no IPsec SA: charon is away" */
static const char *sa_reason(const struct entry *e, char *buf, size_t len)
{
	struct engine_sa sa = secure_sa(e->iface->link, &e->nbma, e->mark);

	snprintf(buf, len, sa.reason[0] ? "no IPsec SA: %s" : "no IPsec SA%s",
		 sa.reason);
	return buf;
}

const char *resolve_reason(const struct entry *e, char *buf, size_t len)
{
	char nbma[ADDR_STRLEN];

	if (e->vacant)
		return "no IPsec SA of who registered it";
	switch (e->state) {
	case ENTRY_RESOLVING:
		if (next_hop(e))
			return "asked along the route";
		return nhs_best(e->iface, 0) ? "asked the NHS" :
					       "no NHS is up to ask";
	case ENTRY_PROBING:
		if (secure_is_down(e->iface->link, &e->nbma, e->mark))
			return sa_reason(e, buf, len);
		if (!e->lost && e->probe && e->probe->tries <= PROBE_QUICK)
			return "proving the direct path";
		snprintf(buf, len, "no reply on the direct path from %s",
			 addr_text(&e->nbma, nbma));
		return buf;
	case ENTRY_DOWN:
		if (e->type != ENTRY_NEGATIVE)
			return "";
		if (!e->code && e->target)
			return "no usable answer";
		if (!e->code)
			return "the NHS does not answer";
		if (e->code == NHRP_CODE_NO_BINDING)
			return "nobody has registered it (12)";
		if (e->code == NHRP_CODE_PROHIBITED)
			return "the NHS allows no direct path (4)";
		if (e->code == CODE_NEXT_DOOR)
			return "behind the same NAT as this node";
		if (e->code == CODE_FORBIDDEN)
			return "no 'authorize' line gives it to who is there";
		snprintf(buf, len, "refused by the NHS (%u)", e->code);
		return buf;
	}
	return "";
}

void resolve_retry_all(struct iface *i)
{
	struct entry *e, *next;

	HASH_ITER(hh, i->cache, e, next) {
		if (e->type == ENTRY_NEGATIVE && !e->ask)
			cache_del(e);
		else if (e->ask)
			timer_set(&i->engine->timers, &e->ask->timer,
				  i->engine->now + 1);
	}
}

void resolve_moved(struct iface *i)
{
	struct entry *e, *next;

	HASH_ITER(hh, i->cache, e, next) {
		if (e->type != ENTRY_DYNAMIC || e->nhs || e->registered ||
		    !resolve_needs_proof(e))
			continue;
		request_end(&e->probe);
		cache_set_state(e, ENTRY_PROBING);
		cache_install(e);
		resolve_prove(e);
	}
}

/* ---- what the kernel tells ---- */

static void want(struct entry *e)
{
	e->wanted = engine_of(e)->now;
	if (e->type == ENTRY_INCOMPLETE ||
	    (e->type == ENTRY_NEGATIVE && !held_off(e)))
		resolve_ask(e);
	else if (e->type == ENTRY_DYNAMIC && e->state == ENTRY_PROBING &&
		 !e->probe)
		resolve_prove(e);
	else if (e->installed && e->state == ENTRY_UP && !e->vacant)
		cache_install(e);	/* the kernel seems to have lost it */
}

/* The kernel's event that an entry expired may come after this one. */
static struct entry *find_alive(struct iface *i, const struct addr *proto)
{
	struct entry *e = cache_find(i, proto);

	if (!e || !e->installed || !e->expires ||
	    e->expires > i->engine->now)
		return e;
	cache_expire(e);
	return NULL;
}

bool resolve_want(struct iface *i, const struct addr *a, bool target)
{
	struct entry *e = find_alive(i, a);
	bool idle = !e || !e->ask;

	if (target && addr_is_link_local(a)) {
		engine_reject(i, REJECT_MARTIAN);	/* behind nobody */
		return true;
	}
	if (!e && (!i->nhs || i->conf.server_only)) {
		engine_reject(i, REJECT_NO_NHS);
		return true;
	}
	if (!e)
		e = cache_add(i, a);
	if (!e)
		return true;
	if (idle && e->type != ENTRY_DYNAMIC)
		e->target = target;
	want(e);
	if (e->type == ENTRY_INCOMPLETE && !e->ask) {
		cache_del(e);		/* nobody would ever take it away */
		return true;
	}
	return idle && e->ask;
}

void engine_resolve(struct engine *engine, unsigned int ifindex,
		    const struct addr *nexthop, const struct addr *src,
		    const struct addr *dst, uint64_t now)
{
	struct iface *i = iface_serving(engine, ifindex,
					iface_family_of(nexthop));

	(void)src;
	(void)dst;
	engine->now = now;
	if (!i)
		return;
	if (!iface_ready(i)) {
		engine_reject(i, REJECT_OFF);
		return;
	}
	if (addr_is_martian(nexthop) || iface_is_own(i, nexthop)) {
		engine_reject(i, REJECT_MARTIAN);
		return;
	}
	resolve_want(i, nexthop, false);
}

void engine_used(struct engine *engine, unsigned int ifindex,
		 const struct addr *addr, uint64_t now)
{
	struct iface *i = iface_for(engine, ifindex, addr);
	struct entry *e = i ? cache_find(i, addr) : NULL;

	engine->now = now;
	if (!e)
		return;
	e->used = true;
	e->wanted = now;
	if (e->type == ENTRY_DYNAMIC && !e->registered && !e->nhs)
		resolve_ask(e);
}

/* ---- answers ---- */

struct binding {			/* what a packet says of an address */
	struct addr proto, nbma;
	struct addr claimed;		/* none, or the one behind the NAT */
	uint16_t hold;
	bool router, nat;
};

static struct binding binding_of(const struct nhrp_packet *p,
			   const struct addr *proto, const struct addr *nbma,
			   uint16_t hold)
{
	const struct addr *public = msg_public(p, proto);
	struct binding b = {
		.proto = *proto,
		.nbma = public ? *public : *nbma,
		.hold = hold,
		.router = p->flags & NHRP_F_ROUTER,
		.nat = p->flags & NHRP_F_NAT,
	};

	if (public && !addr_eq(public, nbma))
		b.claimed = *nbma;
	return b;
}

/* Behind the NAT that we are behind: what is sent there comes back to it. */
static bool is_next_door(const struct iface *i, const struct binding *b)
{
	return addr_is_set(&i->public) && addr_eq(&b->nbma, &i->public);
}

static bool reachable(const struct iface *i, const struct binding *b)
{
	return addr_is_set(&b->nbma) && addr_is_nbma(&b->nbma) &&
	       !addr_eq(&b->nbma, &i->local) && !is_next_door(i, b);
}

static bool usable(const struct iface *i, const struct binding *b)
{
	return b->hold && reachable(i, b);
}

static void tell_resolved(struct entry *e)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	engine_say(e->iface, ENGINE_INFO,
		   "%s resolved to %s, holding time %u s",
		   addr_text(&e->proto, proto), addr_text(&e->nbma, nbma),
		   e->hold);
	engine_event(e->iface, "resolved", &e->proto, &e->nbma,
		     "holding time %u s", e->hold);
}

/*
 * @e becomes what @b says. A path that is proved stays so as long as it is
 * the same; a new one is proved first.
 */
static void learn(struct entry *e, const struct binding *b)
{
	bool same = e->type == ENTRY_DYNAMIC && !e->mark &&
		    addr_eq(&e->nbma, &b->nbma);

	if (!same) {
		request_end(&e->probe);
		if (cache_set_nbma(e, &b->nbma, 0))
			return;
	}
	e->type = ENTRY_DYNAMIC;
	e->claimed = b->claimed;
	e->router = b->router;
	e->nat = b->nat;
	cache_set_hold(e, b->hold);
	if (!same && resolve_needs_proof(e))
		cache_set_state(e, ENTRY_PROBING);
	else if (!same)
		cache_set_state(e, ENTRY_UP);
	cache_install(e);
	if (!same)
		tell_resolved(e);
	if (e->state == ENTRY_PROBING)
		resolve_prove(e);
}

/* Entries that no answer of others may change. */
static bool settled(const struct entry *e)
{
	return e->type == ENTRY_STATIC || e->type == ENTRY_LOCAL || e->nhs ||
	       e->registered;
}

static bool from(const struct rx *rx, const struct entry *e)
{
	return addr_eq(&e->nbma, rx->nbma) && e->mark == rx->mark && !e->vacant;
}

/* The path is proved by @how: data may take it. */
static void confirm(struct entry *e, const char *how)
{
	unsigned long long ms = engine_of(e)->now - e->changed;
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	request_end(&e->probe);
	if (e->state != ENTRY_PROBING)
		return;
	cache_set_state(e, ENTRY_UP);
	cache_install(e);
	engine_say(e->iface, ENGINE_INFO,
		   "%s is direct, %s %s after %llu ms",
		   addr_text(&e->proto, proto), addr_text(&e->nbma, nbma), how,
		   ms);
	engine_event(e->iface, "confirmed", &e->proto, &e->nbma,
		     "after %llu ms", ms);
}

/* secure_forbids(), told. */
static bool forbidden(struct iface *i, const struct addr *nbma,
		      const struct addr *a, uint8_t plen)
{
	char what[ADDR_STRLEN], where[ADDR_STRLEN];

	if (!secure_forbids(i, nbma, 0, a, plen))
		return false;
	engine_reject(i, REJECT_IDENTITY);
	engine_complain(i, "%s/%u at %s (%s) refused: no 'authorize' line gives it to that identity",
			addr_text(a, what), plen, addr_text(nbma, where),
			secure_sa(i->link, nbma, 0).identity);
	return true;
}

static bool forbidden_host(struct iface *i, const struct binding *b)
{
	return forbidden(i, &b->nbma, &b->proto, b->proto.len * 8);
}

/* It is known now who is there: what no rule gives him goes. False: so does @e. */
static bool unmask(struct entry *e)
{
	struct shortcut *s, *next;

	if (forbidden(e->iface, &e->nbma, &e->proto, e->proto.len * 8)) {
		refuse(e, CODE_FORBIDDEN);
		return false;
	}
	for (s = e->shortcuts; s; s = next) {
		next = s->next;
		if (forbidden(e->iface, &e->nbma, &s->key.prefix, s->key.plen))
			shortcut_withdraw(s, "no 'authorize' line gives it to who is there");
	}
	return true;
}

void resolve_sa(struct entry *e, bool up, bool fresh)
{
	if (e->type != ENTRY_DYNAMIC || e->nhs)
		return;
	if (up && !unmask(e))
		return;
	if (e->state == ENTRY_UP && (fresh || !up)) {
		cache_leave_state(e, ENTRY_PROBING,
				  up ? "the peer makes a new SA" : "no IPsec SA");
		cache_install(e);
	}
	if (e->state != ENTRY_PROBING)
		return;
	request_end(&e->probe);		/* it may have gone nowhere */
	if (up && fresh)
		prove_fresh(e);
	else if (up)
		resolve_prove(e);
}

/* Who asks through an SA can hear through it: no need to wait for the time of
 * the next probe. It is no proof, there may be a newer SA to answer through. */
static void heard_from(const struct rx *rx)
{
	struct entry *e = cache_find(rx->iface, &rx->p->src_proto);

	if (e && e->probe && !e->lost && e->state == ENTRY_PROBING &&
	    from(rx, e) &&
	    secure_sa(e->iface->link, rx->nbma, rx->mark).state == ENGINE_SA_UP)
		probe_due(&e->probe->timer);
}

static unsigned int code_of(const struct nhrp_packet *p)
{
	unsigned int code = p->cies.n ? p->cies.e[0].code : 0;

	return code == 11 ? NHRP_CODE_NO_BINDING : code;	/* FRR */
}

static void probe_answered(struct rx *rx, struct entry *e)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];
	unsigned int code = code_of(rx->p);

	if (!addr_eq(rx->nbma, &e->nbma) || rx->mark != e->mark) {
		engine_reject(rx->iface, REJECT_NOT_DIRECT);
		return;
	}
	if (!code) {
		confirm(e, "answered on that path");
		return;
	}
	engine_complain(e->iface, "%s says that it is not %s (%u)",
			addr_text(&e->nbma, nbma), addr_text(&e->proto, proto),
			code);
	refuse(e, code);
}

/* Neighbours are in the tunnel's subnet, unless it is one address (as FRR). */
static bool may_be_hop(const struct iface *i, const struct addr *a)
{
	return !addr_is_martian(a) && !iface_is_own(i, a) &&
	       a->len == i->conf.addr.len && !iface_is_edge(i, a) &&
	       (iface_on_link(i, a) || i->conf.plen == a->len * 8);
}

/* No NHS says so, nor who is there where rules say who that may be. Without
 * IPsec anybody could be the NHS. */
static bool is_hearsay(const struct rx *rx, const struct binding *b)
{
	const struct iface *i = rx->iface;

	return i->link->secured && !nhs_at(i, rx->nbma) &&
	       (!i->conf.n_authorize || !addr_eq(&b->nbma, rx->nbma));
}

/* The NHS is asked whose address it is; NULL: it cannot be. */
static struct entry *verify_hop(struct entry *e)
{
	e->target = false;
	resolve_ask(e);
	if (e->ask || e->type != ENTRY_INCOMPLETE)
		return e;
	cache_del(e);			/* nobody would ever take it away */
	return NULL;
}

/*
 * The neighbour that @b speaks of. An answer that came straight from somebody
 * does not move one that is known, and with IPsec does not make one: the NHS
 * is asked whose address it is.
 */
static struct entry *know_hop(const struct rx *rx, const struct binding *b)
{
	struct iface *i = rx->iface;
	struct entry *e = cache_find(i, &b->proto);

	if (e && settled(e))
		return e;
	if (e && e->type == ENTRY_DYNAMIC && !addr_eq(&e->nbma, &b->nbma)) {
		resolve_ask(e);
		return e;
	}
	if (!e)
		e = cache_add(i, &b->proto);
	if (!e)
		return NULL;
	if (e->type != ENTRY_DYNAMIC && is_hearsay(rx, b))
		return verify_hop(e);
	request_end(&e->ask);
	e->target = false;
	learn(e, b);
	if (e->installed)
		return e;
	cache_del(e);			/* out of memory */
	return NULL;
}

static void refuse_useless(struct entry *e, const struct binding *b)
{
	engine_reject(e->iface, REJECT_BAD_REPLY);
	refuse(e, is_next_door(e->iface, b) ? CODE_NEXT_DOOR :
					      NHRP_CODE_SUCCESS);
}

/* What a target's answer speaks of; 0 and what is too long mean one address. */
static uint8_t answered_plen(const struct nhrp_cie *c, const struct addr *dst)
{
	return c->prefix && c->prefix < dst->len * 8 ? c->prefix : dst->len * 8;
}

/* The node that a destination is behind has answered. */
static void target_answered(struct rx *rx, struct entry *e)
{
	const struct nhrp_cie *c = &rx->p->cies.e[0];
	const struct addr *from = addr_is_set(&c->proto) ? &c->proto : &e->proto;
	struct binding b = binding_of(rx->p, from, &c->nbma, c->hold);
	struct iface *i = rx->iface;
	struct addr dst = e->proto;
	struct entry *hop;

	if (!usable(i, &b) || !may_be_hop(i, &b.proto)) {
		refuse_useless(e, &b);
		return;
	}
	if (forbidden_host(i, &b) ||
	    forbidden(i, &b.nbma, &dst, answered_plen(c, &dst))) {
		refuse(e, CODE_FORBIDDEN);
		return;
	}
	hop = know_hop(rx, &b);
	e = cache_find(i, &dst);
	if (hop && !shortcut_learn(hop, &dst, c->prefix, b.hold) && e)
		refuse(e, NHRP_CODE_SUCCESS);
	else if (e && e != hop)
		cache_del(e);
}

static void answered(struct rx *rx, struct entry *e)
{
	const struct nhrp_packet *p = rx->p;
	const struct nhrp_cie *c = &p->cies.e[0];
	unsigned int code = code_of(p);
	struct binding b;

	request_end(&e->ask);
	if (code && e->type == ENTRY_DYNAMIC)
		return;			/* it lives on until its holding time */
	if (code) {
		refuse(e, code);
		return;
	}
	if (e->target) {
		target_answered(rx, e);
		return;
	}
	b = binding_of(p, &e->proto, &c->nbma, c->hold);
	if (!usable(rx->iface, &b)) {
		if (e->type != ENTRY_DYNAMIC)
			refuse_useless(e, &b);
		else
			engine_reject(rx->iface, REJECT_BAD_REPLY);
	} else if (!forbidden_host(rx->iface, &b)) {
		learn(e, &b);
	} else if (e->type != ENTRY_DYNAMIC) {
		refuse(e, CODE_FORBIDDEN);
	}
}

/* A reply that somebody here may have asked for, with one usable CIE. */
static bool sound(const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;

	if (msg_lists_us(rx->iface, p, NHRP_EXT_RESPONDER))
		return false;
	return p->cies.n != 0;
}

/* A next hop answers for itself. */
static bool speaks_of(const struct nhrp_packet *p, const struct entry *e)
{
	const struct nhrp_cie *c = &p->cies.e[0];

	return c->code || e->target || !addr_is_set(&c->proto) ||
	       addr_eq(&c->proto, &e->proto);
}

static bool is_answer(const struct nhrp_packet *p, const struct request *r)
{
	return r && r->id == p->reqid;
}

static bool known(const struct entry *e)
{
	return e && (e->registered || e->type == ENTRY_STATIC || e->nhs);
}

/* What a reply that passes here says is its sender's to say; else why not. */
static const char *misanswer(const struct rx *rx, const struct nhrp_cie *c,
			     enum engine_reject *count)
{
	const struct addr *dst = &rx->p->dst_proto;
	const struct addr *hop = addr_is_set(&c->proto) ? &c->proto : dst;
	const struct entry *e = cache_find(rx->iface, hop);

	*count = REJECT_SPOOFED;
	if (known(e) ? !from(rx, e) : !secure_speaks_for(rx, hop))
		return "its next hop is not its sender's";
	*count = REJECT_IDENTITY;
	if (secure_forbids(rx->iface, rx->nbma, rx->mark, hop, hop->len * 8) ||
	    secure_forbids(rx->iface, rx->nbma, rx->mark, dst,
			   answered_plen(c, dst)))
		return "no 'authorize' line gives it to that identity";
	return NULL;
}

/* Who is asked has to answer for himself, where it can be known who he is. */
static bool may_answer(const struct rx *rx)
{
	char dst[ADDR_STRLEN], nbma[ADDR_STRLEN];
	const struct nhrp_cies *all = &rx->p->cies;
	const struct nhrp_cie *c;
	enum engine_reject count;
	const char *why = NULL;

	if (!rx->iface->link->secured || nhs_at(rx->iface, rx->nbma))
		return true;
	for (c = all->e; c < all->e + all->n && !why; c++)
		why = c->code ? NULL : misanswer(rx, c, &count);
	if (!why)
		return true;
	engine_reject(rx->iface, count);
	engine_complain(rx->iface, "answer for %s/%u from %s (%s) refused: %s",
			addr_text(&rx->p->dst_proto, dst),
			answered_plen(c - 1, &rx->p->dst_proto),
			addr_text(rx->nbma, nbma), secure_identity(rx), why);
	return false;
}

static bool fill_nat(struct nhrp_cies *nat, const struct entry *who)
{
	bool found = false;
	unsigned int k;

	for (k = 0; k < nat->n; k++) {
		if (!addr_eq(&nat->e[k].proto, &who->proto))
			continue;
		nat->e[k].nbma = who->nbma;
		found = true;
	}
	return found;
}

/*
 * Where @who is, its NHS knows: a NATed spoke may not know its public address
 * of today, and one that says another one would have others begin IKE there.
 * @says: where it says to be. False: it cannot be put right.
 */
static bool locate(struct rx *rx, const struct entry *who,
		   const struct addr *says)
{
	struct nhrp_cies *nat = msg_nat(rx->p);
	char proto[ADDR_STRLEN], is[ADDR_STRLEN], claim[ADDR_STRLEN];

	if (!who || !who->registered || !from(rx, who))
		return true;
	if ((nat && fill_nat(nat, who)) || addr_eq(says, &who->nbma))
		return true;
	if (nat && nat->n < NHRP_CIES_MAX) {
		msg_add_nat(nat, &who->nbma, &who->proto);
		return true;
	}
	if (!rx->iface->link->secured)
		return true;
	engine_reject(rx->iface, REJECT_SPOOFED);
	engine_complain(rx->iface, "%s of %s refused: it is at %s and says %s, and no NAT extension tells",
			nhrp_type_name(rx->p->type),
			addr_text(&who->proto, proto),
			addr_text(&who->nbma, is), addr_text(says, claim));
	return false;
}

/* What an answer passed on says of where its next hop is. */
static bool locate_responder(struct rx *rx, const struct entry *who)
{
	const struct nhrp_cie *c = rx->p->cies.n ? &rx->p->cies.e[0] : NULL;

	return !c || c->code || locate(rx, who, &c->nbma);
}

/* Who has answered. */
static const struct entry *responder(const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;

	return cache_find(rx->iface, p->cies.n && addr_is_set(&p->cies.e[0].proto) ?
			  &p->cies.e[0].proto : &p->dst_proto);
}

static void pass_reply(struct rx *rx)
{
	struct addr nbma;
	uint32_t mark;

	if (msg_lists_us(rx->iface, rx->p, NHRP_EXT_RESPONDER)) {
		engine_reject(rx->iface, REJECT_LOOP);
		msg_error(rx, NHRP_ERROR_LOOP);
	} else if (!peer_find(rx->iface->link, rx->nbma, rx->mark)) {
		engine_reject(rx->iface, REJECT_UNKNOWN_REQUESTER);
	} else if (!msg_way(rx, &rx->p->src_proto, &nbma, &mark)) {
		engine_reject(rx->iface, REJECT_NO_BINDING);
	} else if (may_answer(rx) && locate_responder(rx, responder(rx))) {
		msg_forward(rx, &nbma, mark, NHRP_EXT_REVERSE);
	}
}

void resolve_reply(struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct entry *e = cache_find(rx->iface, &p->dst_proto);

	if (!iface_is_own(rx->iface, &p->src_proto))
		pass_reply(rx);
	else if (!sound(rx))
		engine_reject(rx->iface, REJECT_BAD_REPLY);
	else if (!e || (!is_answer(p, e->probe) && !is_answer(p, e->ask)))
		engine_reject(rx->iface, REJECT_UNSOLICITED);
	else if (!speaks_of(p, e))
		engine_reject(rx->iface, REJECT_BAD_REPLY);
	else if (is_answer(p, e->probe))
		probe_answered(rx, e);
	else
		answered(rx, e);
}

void resolve_error(struct rx *rx, const struct nhrp_packet *offender)
{
	struct entry *e = cache_find(rx->iface, &offender->dst_proto);

	if (e && e->ask && e->ask->id == offender->reqid &&
	    nhs_at(rx->iface, rx->nbma) && e->type != ENTRY_DYNAMIC)
		refuse(e, NHRP_CODE_NO_BINDING);
	else if (e && e->probe && e->probe->id == offender->reqid &&
		 addr_eq(rx->nbma, &e->nbma))
		refuse(e, NHRP_CODE_NO_BINDING);
	else
		engine_reject(rx->iface, REJECT_UNSOLICITED);
}

/* ---- requests of others ---- */

/* Where we would send data for the one who asks. */
static struct binding requester(const struct nhrp_packet *p)
{
	return binding_of(p, &p->src_proto, &p->src_nbma,
		    p->cies.n ? p->cies.e[0].hold : 0);
}

/*
 * Who asks for us will soon send to us, so both directions become direct at
 * once. Only an NHS is believed: it has checked who asks.
 */
static void learn_requester(struct iface *i, const struct binding *b,
			    bool stable)
{
	struct entry *e = cache_find(i, &b->proto);

	if (!stable || !usable(i, b) || !may_be_hop(i, &b->proto) ||
	    forbidden_host(i, b))
		return;
	if (!e)
		e = cache_add(i, &b->proto);
	if (e && !settled(e)) {
		request_end(&e->ask);
		learn(e, b);
	}
}

void resolve_note_local(struct iface *i, const struct addr *who,
			unsigned int hold)
{
	const struct addr *self = iface_self(i, who);
	struct entry *e = cache_find(i, self);
	uint64_t expires = i->engine->now + hold * 1000ull;

	if (!e)
		e = cache_add(i, self);
	if (!e)
		return;
	e->type = ENTRY_LOCAL;
	e->nbma = i->local;
	e->router = e->unique = true;
	cache_set_state(e, ENTRY_UP);
	if (e->expires < expires)
		cache_set_hold(e, hold);
}

static void note_asked(struct iface *i, const struct addr *who)
{
	struct entry *e = cache_find(i, who);

	if (e)
		cache_note_asked(e);
	resolve_note_local(i, who, i->conf.holdtime);
}

static void fill_reply(struct iface *i, struct nhrp_packet *p, uint8_t prefix)
{
	const struct addr *self = iface_self(i, &p->dst_proto);
	struct nhrp_cies *nat = msg_nat(p);

	p->flags = (p->flags & REQUEST_FLAGS) | NHRP_F_DEST_STABLE |
		   NHRP_F_UNIQUE;
	p->cies.n = 0;
	msg_add_self(i, &p->cies, self, prefix);
	if (nat) {
		nat->n = 0;
		if (addr_is_set(&i->public))
			msg_add_nat(nat, &i->public, self);
	}
	msg_turn(i, p, NHRP_RESOLUTION_REPLY);
}

/* Who that is, the NHS knows. Strangers leave room for what we want ourselves. */
static void introduce(const struct rx *rx)
{
	const struct addr *who = &rx->p->src_proto;
	struct entry *e = cache_find(rx->iface, who);

	if ((e && settled(e)) || !may_be_hop(rx->iface, who) ||
	    rx->iface->n_pending >= STRANGERS_MAX)
		return;
	if (e && e->type == ENTRY_DYNAMIC)
		resolve_ask(e);
	else
		resolve_want(rx->iface, who, false);
}

/*
 * A probe from a node that our kernel takes no data from: answered now, it
 * would send some. We may be asking for it ourselves: our request has told it
 * of us, its answer is still on the way. With IPsec it may be one that knows
 * us from before we were started anew. It tries again until we know it.
 */
static bool too_early(const struct rx *rx)
{
	const struct entry *e = cache_find(rx->iface, &rx->p->src_proto);

	if (peer_find(rx->iface->link, rx->nbma, rx->mark))
		return false;
	if (rx->iface->link->secured) {
		introduce(rx);
		return true;
	}
	return e && e->ask && !addr_is_set(&e->nbma);
}

/* Asked for our tunnel address: back along the path of the request. */
static void answer_self(struct rx *rx)
{
	bool stable = rx->p->flags & NHRP_F_SOURCE_STABLE;
	struct binding b = requester(rx->p);
	struct iface *i = rx->iface;

	if (too_early(rx)) {
		engine_reject(i, REJECT_PENDING);
		return;
	}
	fill_reply(i, rx->p, i->conf.addr.len * 8);
	msg_send(i, rx->nbma, rx->mark, rx->p);
	if (nhs_at(i, rx->nbma)) {
		learn_requester(i, &b, stable);
	} else {
		live_suspected(rx);
		heard_from(rx);
	}
	note_asked(i, &b.proto);
}

/* An NHS that is registered here passed the packet on, as its record says. */
static bool from_nhs_below(const struct rx *rx)
{
	const struct nhrp_ext *x = nhrp_ext_find(rx->p, NHRP_EXT_FORWARD);
	const struct entry *e;

	if (!x || !x->has_cies || !x->cies.n)
		return false;
	e = cache_find(rx->iface, &x->cies.e[x->cies.n - 1].proto);
	return known(e) && from(rx, e);
}

static bool may_pass(const struct rx *rx)
{
	const struct entry *e = cache_find(rx->iface, &rx->p->src_proto);

	return nhs_at(rx->iface, rx->nbma) || (known(e) && from(rx, e)) ||
	       (!known(e) && from_nhs_below(rx) &&
		secure_speaks_for(rx, &rx->p->src_proto));
}

uint8_t resolve_narrow(struct iface *i, const struct addr *dst, uint8_t plen)
{
	struct engine *e = i->engine;

	return e->ops->narrow ? e->ops->narrow(e->ctx, i->link->ifindex, dst, plen) :
				plen;
}

static bool covering(struct iface *i, const struct addr *dst,
		     const struct engine_route *r, uint8_t *plen)
{
	if (!r->found || (!r->local && r->ifindex == i->link->ifindex))
		return false;
	/* a default route is not an answer for everything */
	*plen = r->local || !r->plen ? dst->len * 8 :
				       resolve_narrow(i, dst, r->plen);
	return true;
}

bool resolve_covering(struct iface *i, const struct addr *dst, uint8_t *plen)
{
	struct engine_route r;

	if (addr_is_link_local(dst))
		return false;
	r = i->engine->ops->route(i->engine->ctx, i->link->ifindex, dst);
	return covering(i, dst, &r, plen);
}

/* 0 and 255 are "any" here: IOS and FRR mean it so in requests. */
static uint8_t clamp(const struct rx *rx, uint8_t plen)
{
	uint8_t host = rx->p->dst_proto.len * 8;
	uint8_t widest = rx->p->cies.n ? rx->p->cies.e[0].prefix : 0;

	return widest <= host && widest > plen ? widest : plen;
}

static bool may_send(struct iface *i, const struct binding *b)
{
	const struct entry *e = cache_find(i, &b->proto);

	if (!i->link->secured)
		return true;
	return secure_sa(i->link, &b->nbma, 0).state == ENGINE_SA_UP &&
	       !(e && e->state == ENTRY_PROBING);
}

/*
 * Asked for what is behind us: straight to the one who asks, since the data
 * will come from there; back to the sender if nobody has checked who asks, or
 * if there is no SA yet, or one that the other end may have lost.
 */
static void answer_behind(struct rx *rx, uint8_t plen)
{
	bool stable = rx->p->flags & NHRP_F_SOURCE_STABLE;
	struct binding b = requester(rx->p);
	struct iface *i = rx->iface;
	bool checked = may_pass(rx) && may_send(i, &b);

	if (!reachable(i, &b)) {
		engine_reject(i, REJECT_MARTIAN);
		return;
	}
	plen = clamp(rx, plen);
	fill_reply(i, rx->p, plen);
	if (checked)
		msg_send(i, &b.nbma, 0, rx->p);
	else
		msg_send(i, rx->nbma, rx->mark, rx->p);
	if (nhs_at(i, rx->nbma))
		learn_requester(i, &b, stable);
	purge_note_answer(i, &b.proto, checked ? &b.nbma : rx->nbma,
			  checked ? &b.proto : rx->nbma, &rx->p->dst_proto,
			  plen);
}

static void answer_no(struct rx *rx, enum nhrp_code code)
{
	struct nhrp_packet *p = rx->p;
	struct nhrp_cie *c;

	engine_reject(rx->iface, REJECT_NO_BINDING);
	p->flags &= REQUEST_FLAGS;
	p->cies.n = 0;
	c = nhrp_cie_add(&p->cies);
	c->code = code;
	msg_turn(rx->iface, p, NHRP_RESOLUTION_REPLY);
	msg_send(rx->iface, rx->nbma, rx->mark, p);
}

bool resolve_may_pass(struct rx *rx)
{
	const struct entry *e = cache_find(rx->iface, &rx->p->src_proto);
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	if (may_pass(rx))
		return true;
	engine_reject(rx->iface, known(e) ? REJECT_SPOOFED :
					    REJECT_UNKNOWN_REQUESTER);
	engine_complain(rx->iface, "%s of %s from %s refused: %s",
			nhrp_type_name(rx->p->type),
			addr_text(&rx->p->src_proto, proto),
			addr_text(rx->nbma, nbma),
			known(e) ? "registered from elsewhere" :
				   "not registered here");
	return false;
}


/*
 * @who is about to learn of the node at @dst; of which of its addresses, its
 * answer says: with a link-local next hop it is another one.
 */
static void note_told(struct entry *dst, const struct addr *who)
{
	const struct iface *i = dst->iface;
	struct entry *e;

	cache_note_told(dst, who);
	if (!addr_is_link_local(&dst->proto) ||
	    dst->peer->registered[i->family] > SIBLINGS_MAX)
		return;
	DL_FOREACH2(dst->peer->entries, e, peer_next)
		if (e->registered && e->iface == i)
			cache_note_told(e, who);
}

/* Asker and asked both learn of the other from what passes here. */
static void note_both(struct entry *src, struct entry *dst, struct rx *rx,
		      const struct addr *target)
{
	if (dst && dst->registered)
		note_told(dst, &rx->p->src_proto);
	if (src && src->registered)
		cache_note_told(src, target);
}

/*
 * Behind one NAT address with others, which our marks tell apart: whoever
 * sends there without them meets any.
 */
static bool is_crowded(const struct entry *e)
{
	const struct peer *p;

	for (p = e && e->mark ? e->iface->link->peers : NULL; p; p = p->hh.next)
		if (p != e->peer && p->entries &&
		    addr_eq(&p->key.nbma, &e->nbma))
			return true;
	return false;
}

/* Passes a request on towards @hop, the target or the router before it. */
static void pass_request(struct rx *rx, const struct addr *hop)
{
	struct entry *src = cache_find(rx->iface, &rx->p->src_proto);
	struct entry *dst = cache_find(rx->iface, hop);
	struct nhs *n = nhs_best(rx->iface, 0);

	if (!resolve_may_pass(rx))
		return;
	if (is_crowded(src) || is_crowded(dst)) {
		answer_no(rx, NHRP_CODE_PROHIBITED);
		return;
	}
	if (!locate(rx, src, &rx->p->src_nbma))
		return;
	if (known(dst) && !dst->vacant && !from(rx, dst)) {
		note_both(src, dst, rx, hop);
		msg_forward(rx, &dst->nbma, dst->mark, NHRP_EXT_FORWARD);
	} else if (!known(dst) && n && !nhs_at(rx->iface, rx->nbma)) {
		note_both(src, NULL, rx, hop);
		msg_forward(rx, &n->nbma, 0, NHRP_EXT_FORWARD);
	} else {
		answer_no(rx, NHRP_CODE_NO_BINDING);
	}
}

static void by_route(struct rx *rx)
{
	const struct addr *dst = &rx->p->dst_proto;
	struct iface *i = rx->iface;
	struct engine_route r = i->engine->ops->route(i->engine->ctx,
						      i->link->ifindex, dst);

	uint8_t plen;

	if (!r.found)
		answer_no(rx, NHRP_CODE_NO_BINDING);
	else if (covering(i, dst, &r, &plen))
		answer_behind(rx, plen);
	else
		pass_request(rx, addr_is_set(&r.gateway) ? &r.gateway : dst);
}

void resolve_request(struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct iface *i = rx->iface;
	bool self = iface_is_own(i, &p->dst_proto);

	if (addr_is_martian(&p->src_proto) || addr_is_martian(&p->dst_proto)) {
		engine_reject(i, REJECT_MARTIAN);
		msg_error(rx, NHRP_ERROR_PROTOCOL);
	} else if (iface_is_own(i, &p->src_proto)) {
		engine_reject(i, REJECT_OWN_SOURCE);
	} else if (self && msg_has_unknown(p)) {
		engine_reject(i, REJECT_UNKNOWN_EXTENSION);
		msg_error(rx, NHRP_ERROR_UNKNOWN_EXTENSION);
	} else if (self) {
		answer_self(rx);
	} else if (iface_on_link(i, &p->dst_proto)) {
		pass_request(rx, &p->dst_proto);
	} else {
		by_route(rx);
	}
}
