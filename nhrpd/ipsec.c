/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsec: see ipsec.h. What is needed is remembered by interface and peer; the
 * references to the core of sa.h follow from it and from the interface's
 * address, and are taken anew when that changes: first the new, then the old
 * ones go, so that a shared SA is not closed in between.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "charon.h"
#include "ipsec.h"
#include "log.h"
#include "xfrm.h"

struct use {				/* a tunnel that is ours */
	struct use *next;
	const struct daemon_iface *iface;
	struct addr local;
	struct xfrm_block block;
	struct sa_peer *fixed;		/* of `tunnel destination`, or NULL */
	struct addr from, to;		/* that it is of */
};

struct need_key {
	unsigned int ifindex;
	struct addr nbma;
	uint32_t mark;
};

struct need {
	struct need_key key;
	struct sa_peer *peer;		/* NULL: not ours, or no memory */
	UT_hash_handle hh;
};

struct ipsec {
	struct daemon *d;
	struct charon *charon;
	struct xfrm *xfrm;
	struct event_timer *kick;	/* for a turn after what charon told */
	struct use *uses;
	struct need *needs;
	bool tidied;
	char reason[SA_REASON_MAX];	/* of the last ipsec_sa() */
	char identity[SA_IDENTITY_MAX];
	char path[CONF_SOCKET_MAX];
};

static struct use *find_use(const struct ipsec *s, unsigned int ifindex)
{
	struct use *u;

	LL_FOREACH(s->uses, u)
		if (ifindex && u->iface->ifindex == ifindex)
			return u;
	return NULL;
}

static struct use *use_of(const struct ipsec *s, const struct daemon_iface *i)
{
	struct use *u;

	LL_FOREACH(s->uses, u)
		if (u->iface == i)
			return u;
	return NULL;
}

/* ---- what charon and the kernel tell ---- */

/* Two tunnels may share an address, and its SAs. */
static void tell_engine(struct ipsec *s, const struct sa_info *i, bool up)
{
	struct use *u;

	LL_FOREACH(s->uses, u)
		if (u->iface->running &&
		    addr_eq(&u->local, &i->source.local))
			engine_sa(s->d->engine, u->iface->ifindex, &i->remote,
				  i->mark, up, i->fresh, event_now());
	event_timer_set(s->kick, 0);
}

static void sa_up(void *ctx, const struct sa_info *i)
{
	tell_engine(ctx, i, true);
}

static void sa_down(void *ctx, const struct sa_info *i)
{
	tell_engine(ctx, i, false);
}

static void sa_moved(void *ctx, const struct sa_info *i, const struct addr *old)
{
	struct ipsec *s = ctx;
	struct use *u;

	LL_FOREACH(s->uses, u)
		if (u->iface->running && addr_eq(&u->local, &i->source.local))
			engine_moved(s->d->engine, u->iface->ifindex, old,
				     &i->remote, i->mark, event_now());
	event_timer_set(s->kick, 0);
}

static void forget_marks(void *ctx, const struct addr *local)
{
	struct ipsec *s = ctx;
	struct use *u;

	LL_FOREACH(s->uses, u)
		if (u->iface->running && addr_eq(&u->local, local))
			engine_forget_marks(s->d->engine, u->iface->ifindex,
					    event_now());
	event_timer_set(s->kick, 0);
}

static const struct charon_ops charon_ops = {
	.up = sa_up, .down = sa_down, .moved = sa_moved,
	.forget_marks = forget_marks,
};

static void sa_gone(void *ctx, uint32_t spi, bool hard)
{
	struct ipsec *s = ctx;

	if (s->charon)
		charon_sa_gone(s->charon, spi, hard);
}

static void flushed(void *ctx)
{
	struct ipsec *s = ctx;

	if (s->charon)
		charon_flushed(s->charon);
}

static const struct xfrm_ops xfrm_ops = {
	.sa_gone = sa_gone, .flushed = flushed,
};

/* The daemon does the rest at the end of each turn. */
static void kicked(void *ctx)
{
	(void)ctx;
}

/* ---- life ---- */

struct ipsec *ipsec_new(struct daemon *d)
{
	struct ipsec *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->d = d;
	s->kick = event_timer_new(d->loop, kicked, s);
	if (s->kick)
		return s;
	free(s);
	return NULL;
}

void ipsec_free(struct ipsec *s)
{
	struct need *n, *ntmp;
	struct use *u, *utmp;

	if (!s)
		return;
	charon_free(s->charon);
	xfrm_close(s->xfrm);
	event_timer_free(s->kick);
	HASH_ITER(hh, s->needs, n, ntmp) {
		HASH_DELETE(hh, s->needs, n);
		free(n);
	}
	LL_FOREACH_SAFE(s->uses, u, utmp)
		free(u);
	free(s);
}

static int open_xfrm(struct ipsec *s, char *why, size_t len)
{
	return s->xfrm ? 0 : xfrm_open(&s->xfrm, s->d->loop, s->d->conf->netns,
				       &xfrm_ops, s, why, len);
}

/* Once, for as long as the daemon runs. */
static bool open_all(struct ipsec *s, char *why)
{
	const char *path = s->d->conf->vici_socket;

	if (open_xfrm(s, why, DAEMON_REASON))
		return false;
	if (s->charon)
		return true;
	strcpy(s->path, path[0] ? path : VICI_SOCKET);
	s->charon = charon_new(s->d->loop, s->path, 0, s->xfrm, &charon_ops, s);
	if (!s->charon)
		snprintf(why, DAEMON_REASON, "IPsec: out of memory");
	return s->charon;
}

/* ---- who needs what ---- */

static struct need *find_need(struct ipsec *s, const struct need_key *key)
{
	struct need *n;

	HASH_FIND(hh, s->needs, key, sizeof(*key), n);
	return n;
}

/* Padding is hashed, too. */
static void set_key(struct need_key *key, unsigned int ifindex,
		    const struct addr *nbma, uint32_t mark)
{
	memset(key, 0, sizeof(*key));
	key->ifindex = ifindex;
	key->nbma = *nbma;
	key->mark = mark;
}

/* A reference for where the tunnel is now, in place of an older one. */
static void refer(struct ipsec *s, struct need *n, const struct use *u)
{
	struct sa_peer *old = n->peer;

	n->peer = NULL;
	if (u)
		n->peer = sa_peer_get(charon_sa(s->charon), &u->local,
				      &n->key.nbma, n->key.mark, event_now());
	if (old)
		sa_peer_put(charon_sa(s->charon), old, event_now());
}

static void refer_all(struct ipsec *s, unsigned int ifindex,
		      const struct use *u)
{
	struct need *n, *tmp;

	HASH_ITER(hh, s->needs, n, tmp)
		if (n->key.ifindex == ifindex)
			refer(s, n, u);
}

/* The far end of a point-to-point tunnel is needed, whoever is behind it. */
static void refer_fixed(struct ipsec *s, struct use *u, const struct addr *to)
{
	struct sa_peer *old = u->fixed;

	if (addr_eq(&u->to, to) && addr_eq(&u->from, &u->local))
		return;
	u->fixed = NULL;
	if (addr_is_set(to))
		u->fixed = sa_peer_get(charon_sa(s->charon), &u->local, to, 0,
				       event_now());
	if (old)
		sa_peer_put(charon_sa(s->charon), old, event_now());
	u->from = u->local;
	u->to = *to;
}

static void forget_fixed(struct ipsec *s, struct use *u)
{
	struct addr none = { 0 };

	refer_fixed(s, u, &none);
}

void ipsec_need(struct ipsec *s, unsigned int ifindex, const struct addr *nbma,
		uint32_t mark, bool on)
{
	struct need_key key;
	struct need *n;

	set_key(&key, ifindex, nbma, mark);
	n = find_need(s, &key);
	if (!on && n) {
		refer(s, n, NULL);
		HASH_DELETE(hh, s->needs, n);
		free(n);
	}
	if (!on || n)
		return;
	n = calloc(1, sizeof(*n));
	if (!n) {
		log_err("ipsec: out of memory");
		return;
	}
	n->key = key;
	HASH_ADD(hh, s->needs, key, sizeof(n->key), n);
	refer(s, n, find_use(s, ifindex));
}

struct engine_sa ipsec_sa(struct ipsec *s, unsigned int ifindex,
			  const struct addr *nbma, uint32_t mark)
{
	struct engine_sa sa = { .identity = "", .reason = "" };
	const struct use *u = find_use(s, ifindex);
	struct sa_info i;

	if (!u)
		return sa;
	sa.reason = charon_trouble(s->charon);
	if (!*sa.reason)
		sa.state = ENGINE_SA_DOWN;
	if (!sa_find(charon_sa(s->charon), &u->local, nbma, mark, &i))
		return sa;
	/* also one that works although charon has gone */
	if (i.state == SA_UP)
		sa.state = ENGINE_SA_UP;
	snprintf(s->identity, sizeof(s->identity), "%s", i.identity);
	snprintf(s->reason, sizeof(s->reason), "%s", i.reason);
	sa.identity = s->identity;
	if (sa.state != ENGINE_SA_UNKNOWN)
		sa.reason = s->reason;
	sa.ambiguous = i.ambiguous;
	sa.coming = i.coming;
	sa.heir = i.children > 1;
	sa.doubtful = i.stale || *i.crowd;
	return sa;
}

void ipsec_missing(struct ipsec *s, unsigned int ifindex,
		   const struct addr *nbma, uint32_t mark)
{
	const struct use *u = find_use(s, ifindex);

	if (u)
		sa_missing(charon_sa(s->charon), &u->local, nbma, mark,
			   event_now());
}

/* ---- tunnels ---- */

/* Of a tunnel without a key it is the GRE without one. */
static struct xfrm_block block_of(const struct conf_iface *c,
				  const struct addr *local)
{
	return (struct xfrm_block){
		.local = *local,
		.has_key = true,
		.key = c->has_key ? c->key : 0,
	};
}

static bool same_block(const struct xfrm_block *a, const struct xfrm_block *b)
{
	return addr_eq(&a->local, &b->local) && a->key == b->key;
}

static void leave(struct ipsec *s, const struct addr *local,
		  const struct xfrm_block *block)
{
	if (!addr_is_set(local))
		return;
	charon_source_del(s->charon, local);
	xfrm_block_del(s->xfrm, block);
}

void ipsec_leave(struct ipsec *s, const struct daemon_iface *i)
{
	struct use *u = use_of(s, i);

	if (!u)
		return;
	LL_DELETE(s->uses, u);
	refer_all(s, i->ifindex, NULL);
	forget_fixed(s, u);
	leave(s, &u->local, &u->block);
	free(u);
}

/* Blocked before it is used, used before the old one is left. */
static bool move(struct ipsec *s, struct use *u, const struct addr *local,
		 const struct conf_profile *p, char *why)
{
	struct xfrm_block block = block_of(u->iface->conf, local);
	struct addr old = u->local;
	struct xfrm_block old_block = u->block;
	char text[ADDR_STRLEN];
	int ret = xfrm_block_add(s->xfrm, &block);

	if (ret) {
		snprintf(why, DAEMON_REASON, "no blocking policy: %s",
			 strerror(-ret));
		return false;
	}
	ret = charon_source_set(s->charon, p, local);
	if (ret) {
		xfrm_block_del(s->xfrm, &block);
		snprintf(why, DAEMON_REASON, ret == -EEXIST ?
			 "tunnel protection: %s is used with another profile" :
			 "tunnel protection of %s: out of memory",
			 addr_text(local, text));
		return false;
	}
	u->local = *local;
	u->block = block;
	if (!addr_eq(&old, local))
		refer_all(s, u->iface->ifindex, u);
	refer_fixed(s, u, &u->iface->conf->destination);
	leave(s, &old, &old_block);
	return true;
}

static bool is_shared(const struct ipsec *s, const struct use *of)
{
	const struct use *u;

	LL_FOREACH(s->uses, u)
		if (u != of && addr_eq(&u->local, &of->local))
			return true;
	return false;
}

/*
 * Another profile for the address: what was made with the old one ends. The
 * block stays meanwhile, by a reference of its own.
 */
static bool begin_anew(struct ipsec *s, struct use *u, const struct addr *local,
		       const struct conf_profile *p, char *why)
{
	struct xfrm_block block = u->block;
	struct addr none = { 0 };
	bool ok;

	xfrm_block_add(s->xfrm, &block);
	refer_all(s, u->iface->ifindex, NULL);
	forget_fixed(s, u);
	leave(s, &u->local, &u->block);
	u->local = none;
	ok = move(s, u, local, p, why);
	xfrm_block_del(s->xfrm, &block);
	return ok;
}

static struct use *add_use(struct ipsec *s, const struct daemon_iface *i,
			   char *why)
{
	struct use *u;

	if (!open_all(s, why))
		return NULL;
	u = calloc(1, sizeof(*u));
	if (!u) {
		snprintf(why, DAEMON_REASON, "IPsec: out of memory");
		return NULL;
	}
	u->iface = i;
	LL_PREPEND(s->uses, u);
	return u;
}

bool ipsec_protect(struct ipsec *s, const struct daemon_iface *i,
		   const struct addr *local, char *why)
{
	const struct conf_profile *p = conf_profile(s->d->conf,
						    i->conf->protection);
	struct use *u = use_of(s, i);
	struct xfrm_block block;

	if (!p || !i->conf->protection[0]) {
		ipsec_leave(s, i);
		return true;
	}
	if (!u)
		u = add_use(s, i, why);
	if (!u)
		return false;
	if (!addr_is_set(local))
		return true;
	block = block_of(i->conf, local);
	if (addr_eq(&u->local, local) && same_block(&u->block, &block) &&
	    charon_source_is(s->charon, p, local)) {
		refer_fixed(s, u, &i->conf->destination);
		return true;
	}
	if (addr_eq(&u->local, local) && !is_shared(s, u) &&
	    strcmp(charon_source_profile(s->charon, local), p->name))
		return begin_anew(s, u, local, p, why);
	return move(s, u, local, p, why);
}

void ipsec_reload(struct ipsec *s)
{
	if (s->charon)
		charon_reload(s->charon);
}

void ipsec_tidy(struct ipsec *s)
{
	bool opened = s->xfrm;
	struct use *u;
	char err[256];

	if (s->tidied)
		return;
	/* one that waits for its address may have a block of its own there */
	LL_FOREACH(s->uses, u)
		if (!addr_is_set(&u->local))
			return;
	s->tidied = true;
	/* nobody is protected, maybe since the last start; and a system
	 * without XFRM has no policies either */
	if (open_xfrm(s, err, sizeof(err)))
		return;
	xfrm_block_tidy(s->xfrm);
	if (opened)
		return;
	xfrm_close(s->xfrm);
	s->xfrm = NULL;
}

/* ---- what there is to show ---- */

struct charon *ipsec_charon(const struct ipsec *s)
{
	return s->charon;
}

struct xfrm *ipsec_xfrm(const struct ipsec *s)
{
	return s->xfrm;
}

const char *ipsec_socket(const struct ipsec *s)
{
	return s->path;
}

const char *ipsec_iface(const struct ipsec *s, const struct addr *local,
			unsigned int n)
{
	const struct use *u;

	LL_FOREACH(s->uses, u)
		if (addr_eq(&u->local, local) && !n--)
			return u->iface->name;
	return NULL;
}
