/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secure: what the engine makes of IPsec: whether there is an SA to somebody,
 * and who may register what (beyond RFC 2332, which trusts whoever can send).
 * Called by register.c and resolve.c; the SAs are the daemon's business.
 *
 * With an `authorize` line an identity has what the lines give it and nothing
 * else. Without one the first identity that registers an address has it until
 * it expires; another one is refused, the same may come from elsewhere. Nobody
 * registers more addresses than `registration limit` says.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "iface.h"
#include "nhs.h"
#include "peer.h"

struct owner {				/* an identity that registered */
	uint64_t id;			/* hashed */
	unsigned int held;		/* addresses */
	UT_hash_handle hh;
};

struct engine_sa secure_sa(const struct link *l, const struct addr *nbma,
			   uint32_t mark)
{
	const struct engine *e = l->engine;

	if (!l->secured || !e->ops->sa)
		return (struct engine_sa){ .identity = "", .reason = "" };
	return e->ops->sa(e->ctx, l->ifindex, nbma, mark);
}

bool secure_is_down(const struct link *l, const struct addr *nbma,
		    uint32_t mark)
{
	return secure_sa(l, nbma, mark).state == ENGINE_SA_DOWN;
}

const char *secure_identity(const struct rx *rx)
{
	struct engine_sa sa = secure_sa(rx->iface->link, rx->nbma, rx->mark);

	return sa.state == ENGINE_SA_UP ? sa.identity : "";
}

/*
 * FNV-1a: kept in the cookie, where names do not fit. Nobody gains by finding
 * another name of the same value: names are given by who issues certificates.
 */
static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h ? h : 1;
}

/* The peer's own address says nothing that the packet does not. */
static uint64_t owner_of(const struct rx *rx, const struct engine_sa *sa)
{
	char nbma[ADDR_STRLEN];

	if (sa->state != ENGINE_SA_UP || !sa->identity[0] ||
	    !strcmp(sa->identity, addr_text(rx->nbma, nbma)))
		return 0;
	return hash(sa->identity);
}

/* By who has registered it, from where he has. */
static bool is_renewal(const struct rx *rx, const struct engine_sa *sa)
{
	const struct entry *e = cache_find(rx->iface, &rx->p->src_proto);

	return e && e->registered && addr_eq(&e->nbma, rx->nbma) &&
	       e->mark == rx->mark && e->owner == owner_of(rx, sa);
}

/* In doubt: the next charon may have let in somebody else there who is not known
 * yet, or one who is turned away may have been quicker than that. */
bool secure_too_early(const struct rx *rx)
{
	struct engine_sa sa = secure_sa(rx->iface->link, rx->nbma, rx->mark);

	return sa.state == ENGINE_SA_DOWN ||
	       (sa.state == ENGINE_SA_UNKNOWN && rx->iface->conf.n_authorize) ||
	       (sa.doubtful && !is_renewal(rx, &sa));
}

/* ---- by rule ---- */

static bool allowed(const struct conf_nhrp *c, const char *identity,
		    const struct addr *a, uint8_t plen)
{
	const struct conf_authorize *r;

	for (r = c->authorize; r < c->authorize + c->n_authorize; r++)
		if (r->plen <= plen && addr_in_prefix(a, &r->prefix, r->plen) &&
		    !fnmatch(r->identity, identity, 0))
			return true;
	return !c->n_authorize;
}

bool secure_forbids(const struct iface *i, const struct addr *nbma,
		    uint32_t mark, const struct addr *a, uint8_t plen)
{
	struct engine_sa sa;

	if (!i->conf.n_authorize || nhs_at(i, nbma))
		return false;
	sa = secure_sa(i->link, nbma, mark);
	if (sa.state == ENGINE_SA_DOWN)
		return false;
	return sa.state != ENGINE_SA_UP || sa.ambiguous ||
	       !allowed(&i->conf, sa.identity, a, plen);
}

bool secure_speaks_for(const struct rx *rx, const struct addr *a)
{
	const struct iface *i = rx->iface;

	if (!i->link->secured || nhs_at(i, rx->nbma))
		return true;
	return i->conf.n_authorize &&
	       !secure_is_down(i->link, rx->nbma, rx->mark) &&
	       !secure_forbids(i, rx->nbma, rx->mark, a, a->len * 8);
}

/* ---- who came first ---- */

static struct owner *owner_find(const struct iface *i, uint64_t id)
{
	struct owner *o;

	HASH_FIND(hh, i->owners, &id, sizeof(id), o);
	return o;
}

static struct owner *owner_add(struct iface *i, uint64_t id)
{
	struct owner *o = owner_find(i, id);

	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->id = id;
	HASH_ADD(hh, i->owners, id, sizeof(o->id), o);
	if (o->hh.tbl)
		return o;
	free(o);
	return NULL;
}

static void owner_put(struct iface *i, uint64_t id)
{
	struct owner *o = owner_find(i, id);

	if (!o || --o->held)
		return;
	HASH_DELETE(hh, i->owners, o);
	free(o);
}

bool secure_own(struct entry *e, uint64_t owner)
{
	struct owner *o = NULL;

	if (e->owner == owner)
		return true;
	if (owner) {
		o = owner_add(e->iface, owner);
		if (!o) {
			engine_reject(e->iface, REJECT_NO_RESOURCES);
			return false;
		}
		o->held++;
	}
	if (e->owner)
		owner_put(e->iface, e->owner);
	e->owner = owner;
	return true;
}

void secure_free_all(struct iface *i)
{
	struct owner *o, *next;

	HASH_ITER(hh, i->owners, o, next) {
		HASH_DELETE(hh, i->owners, o);
		free(o);
	}
}

bool secure_is_owner(const struct entry *e, const struct addr *nbma,
		     uint32_t mark)
{
	struct engine_sa sa = secure_sa(e->iface->link, nbma, mark);

	return sa.state == ENGINE_SA_UP && !sa.ambiguous && e->owner &&
	       e->owner == hash(sa.identity);
}

/* Between two SAs of his nothing is decided: the next may be here before that
 * is told as the end. */
static bool is_vacant(const struct entry *e)
{
	struct engine_sa sa = secure_sa(e->iface->link, &e->nbma, e->mark);

	if (!e->owner || sa.state == ENGINE_SA_UNKNOWN)
		return false;
	if (sa.state == ENGINE_SA_DOWN && sa.coming)
		return e->vacant;
	return sa.state == ENGINE_SA_DOWN || sa.ambiguous ||
	       e->owner != hash(sa.identity);
}

void secure_place(struct entry *e)
{
	bool vacant = is_vacant(e);
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];
	struct engine_sa sa;

	if (e->vacant == vacant)
		return;
	e->vacant = vacant;
	cache_install(e);
	sa = secure_sa(e->iface->link, &e->nbma, e->mark);
	if (vacant && sa.state == ENGINE_SA_UP)
		engine_say(e->iface, ENGINE_NOTICE,
			   "%s is not at %s any more, %s is: nothing goes there",
			   addr_text(&e->proto, proto),
			   addr_text(&e->nbma, nbma), sa.identity);
}

static bool is_at(const struct rx *rx, const struct entry *e)
{
	return addr_eq(&e->nbma, rx->nbma) && e->mark == rx->mark;
}

/* Who cannot be told apart is who he was as long as he stays where he is. */
static bool is_holder(const struct rx *rx, const struct entry *e,
		      uint64_t owner)
{
	if (!e || !e->registered || e->owner == owner)
		return true;
	return (!owner || !e->owner) && is_at(rx, e);
}

/* One more is more than one may have: an identity, else an NBMA address. */
static bool too_many(const struct rx *rx, const struct entry *e, uint64_t owner)
{
	const struct iface *i = rx->iface;
	unsigned int limit = i->conf.reg_limit ? i->conf.reg_limit :
						 CONF_REG_LIMIT;
	const struct owner *o = owner ? owner_find(i, owner) : NULL;
	const struct peer *p = peer_find(i->link, rx->nbma, rx->mark);

	if (e && e->registered &&
	    (is_at(rx, e) || (owner && e->owner == owner)))
		return false;
	if (owner)
		return o && o->held >= limit;
	return p && p->registered[i->family] >= limit;
}

const char *secure_objection(const struct rx *rx, const struct entry *e,
			     uint64_t *owner, enum nhrp_code *code,
			     enum engine_reject *count)
{
	struct engine_sa sa = secure_sa(rx->iface->link, rx->nbma, rx->mark);

	*owner = owner_of(rx, &sa);
	*code = NHRP_CODE_PROHIBITED;
	*count = REJECT_NO_IDENTITY;
	if (sa.ambiguous)
		return "several identities are at that address, it cannot be told whose it is";
	*count = REJECT_IDENTITY;
	if (!allowed(&rx->iface->conf, sa.identity, &rx->p->src_proto,
		     rx->p->src_proto.len * 8))
		return "no 'authorize' line gives it to that identity";
	*code = NHRP_CODE_ALREADY_REGISTERED;
	*count = REJECT_NOT_UNIQUE;
	if (!is_holder(rx, e, *owner))
		return "another identity holds it";
	*code = NHRP_CODE_NO_RESOURCES;
	*count = REJECT_TOO_MANY;
	return too_many(rx, e, *owner) ?
	       "it has as many addresses as 'registration limit' allows" : NULL;
}
