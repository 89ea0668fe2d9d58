/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secure: what the engine makes of IPsec: whether there is an SA to somebody,
 * and who may register what (beyond RFC 2332, which trusts whoever can send).
 * Called by register.c and resolve.c; the SAs are the daemon's business.
 *
 * With an `authorize` line an identity has what the lines give it and nothing
 * else. Without one the first identity that registers an address has it until
 * it expires; another one is refused, the same may come from elsewhere.
 */
#include <fnmatch.h>
#include <string.h>

#include "cache.h"
#include "iface.h"

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

bool secure_too_early(const struct rx *rx)
{
	struct engine_sa sa = secure_sa(rx->iface->link, rx->nbma, rx->mark);

	return sa.state == ENGINE_SA_DOWN ||
	       (sa.state == ENGINE_SA_UNKNOWN && rx->iface->conf.n_authorize);
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

static bool allowed(const struct conf_nhrp *c, const char *identity,
		    const struct addr *a)
{
	unsigned int k;

	for (k = 0; k < c->n_authorize; k++)
		if (addr_in_prefix(a, &c->authorize[k].prefix,
				   c->authorize[k].plen) &&
		    !fnmatch(c->authorize[k].identity, identity, 0))
			return true;
	return !c->n_authorize;
}

/* Who cannot be told apart is who he was as long as he stays where he is. */
static bool is_holder(const struct rx *rx, const struct entry *e,
		      uint64_t owner)
{
	if (!e || !e->registered || !e->owner || e->owner == owner)
		return true;
	return !owner && addr_eq(&e->nbma, rx->nbma) && e->mark == rx->mark;
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
	if (!allowed(&rx->iface->conf, sa.identity, &rx->p->src_proto))
		return "no 'authorize' line gives it to that identity";
	if (is_holder(rx, e, *owner))
		return NULL;
	*code = NHRP_CODE_ALREADY_REGISTERED;
	*count = REJECT_NOT_UNIQUE;
	return "another identity holds it";
}
