/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_internal: what the files of the SAs' core share.
 *
 * Four kinds of objects: sources (configured), peers, their children (CHILD_SAs
 * that are installed) and the IKE_SAs these belong to. A child is found by
 * charon's number, which lives as long as charon's session, and by its SPIs,
 * which live as long as the SA. After a session is lost the children stay until
 * the listing of the next one has or has not named them.
 *
 * What a timer of a peer does next follows from the peer's state alone. Where a
 * function may free the peer that it is given, its comment says so.
 */
#ifndef NHRPD_SA_INTERNAL_H
#define NHRPD_SA_INTERNAL_H

#include <stdio.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "sa.h"
#include "timer.h"

#define DEAD_MAX	16384		/* remembered numbers of gone children */
#define SPREAD_EACH	10		/* ms a peer when all begin at once */
#define SPREAD_MAX	120000		/* ms */
#define RELIST		1000		/* ms after a listing that broke */

struct source {
	struct sa_source src;
	unsigned int refs;
	UT_hash_handle hh;		/* by src.local */
};

struct ike {
	struct sa_ike i;
	uint64_t born;			/* 0: before our time */
	bool current;			/* hashed: of this session */
	struct child *children;		/* by iprev, inext */
	UT_hash_handle hh;		/* by i.id */
};

struct child {
	struct sa_child c;
	struct ike *ike;
	struct sa_peer *peer;
	uint64_t born;
	uint64_t line;			/* when the first was that it replaces */
	bool current;			/* charon's number holds in this session */
	bool suspect;			/* not in the kernel any more */
	unsigned int fixes;		/* times rekeyed for that */
	struct child *prev, *next;	/* of the peer */
	struct child *iprev, *inext;	/* of the IKE_SA */
	UT_hash_handle hh_id, hh_in, hh_out;
};

struct peer_key {
	struct addr local, remote;
	uint32_t mark;
};

struct sa_peer {
	struct sa *s;
	struct source *src;		/* NULL: its address has gone */
	struct peer_key key;
	char conn[SA_CONN_MAX];
	enum sa_state state;
	uint64_t since, up_since;
	unsigned int need, failures;
	bool mine;			/* needed, or was until it is closed */
	bool bereft;			/* a dead charon's: one attempt to replace */
	bool loaded;			/* charon has its connection */
	bool tied;			/* the peer had its time to end one */
	bool moved;			/* both ends were led to the one that stays */
	bool trying;			/* an attempt of ours is under way */
	bool listing;			/* asked what became of it */
	bool answered;			/* by the peer, which is not done with it */
	bool again;			/* and the next one is not to wait */
	bool refused;			/* by charon, @reason says why */
	uint32_t up_ike;		/* IKE_SA of the attempt, no child yet */
	struct child *children, *chosen;
	unsigned int n_children;
	bool told, told_ambiguous;
	uint32_t told_mark;
	char told_identity[SA_IDENTITY_MAX];
	char reason[SA_REASON_MAX];
	char said[SA_REASON_MAX];	/* by charon, of the last attempt */
	uint64_t idle_packets, carried;
	char crowd[SA_IDENTITY_MAX];	/* who was turned away last, and when */
	uint64_t crowd_at;
	uint32_t crowd_ike;
	struct timer t_try;		/* attempt's end, or its beginning */
	struct timer t_hold;		/* no SA: tell */
	struct timer t_tie;		/* two SAs: end one */
	struct timer t_idle;		/* unneeded: still used? */
	struct timer t_fix;		/* SAs missing in the kernel */
	struct timer t_coming;		/* the peer's new IKE_SA, no child yet */
	UT_hash_handle hh, hh_conn;
};

struct sa {
	const struct sa_ops *ops;
	void *ctx;
	uint64_t now;
	bool ready;			/* charon is there */
	bool resync;			/* and its list is being read */
	unsigned int broken;		/* listings in a row */
	uint64_t noted;			/* when the kernel's SAs were */
	bool audited;			/* SAs too young then were looked at again */
	struct source *sources;
	struct sa_peer *peers, *by_conn;
	struct ike *ikes;
	struct child *by_id, *by_in, *by_out;
	unsigned int n_children;
	unsigned int n_trying;		/* peers with an attempt under way */
	uint32_t dead[DEAD_MAX];	/* by number modulo */
	struct timers timers;
	struct timer t_sweep, t_relist;
	uint64_t counts[__SA_COUNT_MAX];
};

#define container(t, type, member) \
	((type *)((char *)t - offsetof(type, member)))

static inline void set_timer(struct sa_peer *p, struct timer *t, uint64_t in)
{
	timer_set(&p->s->timers, t, p->s->now + in);
}

static inline void stop_timer(struct sa_peer *p, struct timer *t)
{
	timer_stop(&p->s->timers, t);
}

static inline void set_state(struct sa_peer *p, enum sa_state state)
{
	if (p->state == state)
		return;
	p->state = state;
	p->since = p->s->now;
}

static inline void set_trying(struct sa_peer *p, bool trying)
{
	if (p->trying != trying)
		p->s->n_trying += trying ? 1 : -1;
	p->trying = trying;
}

static inline void set_reason(struct sa_peer *p, const char *why)
{
	snprintf(p->reason, sizeof(p->reason), "%s", why);
}

static inline uint32_t random_below(struct sa *s, uint32_t n)
{
	return n ? s->ops->random(s->ctx) % n : 0;
}

static inline bool is_ours(const char *conn)
{
	return !strncmp(conn, SA_CONN_PREFIX, strlen(SA_CONN_PREFIX));
}

static inline bool is_stale(const struct sa_peer *p)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (c->current)
			return false;
	return p->children != NULL;
}

/* An SA of this session is there; stale ones do not count. */
static inline bool has_current(const struct sa_peer *p)
{
	return p->children && !is_stale(p);
}

/* Somebody else wants to be at that address. */
static inline bool is_crowded(const struct sa_peer *p)
{
	return p->crowd[0] && p->s->now < p->crowd_at + SA_CROWD;
}

/* Somebody here needs it, or the peer did and may not know yet that a charon
 * of ours took it to the grave. */
static inline bool is_wanted(const struct sa_peer *p)
{
	return p->need || p->bereft;
}

/* A dead charon's SA does until there is another one. */
static inline bool is_served_by_dead(const struct sa_peer *p)
{
	return p->bereft || (p->need && is_stale(p));
}

/* ms over which all peers are spread when something concerns all of them */
static inline uint32_t spread_of(const struct sa *s)
{
	uint32_t spread = HASH_COUNT(s->peers) * SPREAD_EACH;

	return spread < SPREAD_MAX ? spread : SPREAD_MAX;
}

static inline void note_dead(struct sa *s, uint32_t id)
{
	s->dead[id % DEAD_MAX] = id;
}

static inline bool is_dead(const struct sa *s, uint32_t id)
{
	return s->dead[id % DEAD_MAX] == id;
}

/* ---- sa: sources, peers, and what is told of them ---- */

void sa_peer_log(struct sa_peer *p, enum sa_log level, const char *what);
/* Tells what the user does not know yet; with @fresh in any case. */
void sa_peer_announce(struct sa_peer *p, bool fresh);

struct source *sa_source_find(struct sa *s, const struct addr *local);
struct sa_peer *sa_peer_find(struct sa *s, const struct addr *local,
			     const struct addr *remote, uint32_t mark);
/* By the connection's name; only those that we initiate have one. */
struct sa_peer *sa_peer_by_conn(struct sa *s, const char *conn);
/* NULL: out of memory. Freed by sa_peer_settle(). */
struct sa_peer *sa_peer_make(struct sa *s, struct source *src,
			     const struct addr *remote, uint32_t mark);
/* Frees it when nobody needs it and nothing is left of it. */
void sa_peer_settle(struct sa_peer *p);
/* Has charon end its IKE_SAs; with @force without asking the peer. */
void sa_peer_close(struct sa_peer *p, bool force);

/* ---- sa_try: attempts ---- */

/* Begins, unless there is an SA, or waits for what it takes to begin. */
void sa_peer_initiate(struct sa_peer *p);
/* The same for one of many, later. */
void sa_peer_initiate_spread(struct sa_peer *p);
/* The attempt, or the SA, has failed; the next one is later. */
void sa_peer_backoff(struct sa_peer *p, const char *why);
/* It has brought @ike a child; @ike has gone; its connection is listed, the
 * last two may free the peer. */
void sa_attempt_done(struct sa_peer *p, const struct sa_ike *ike);
void sa_attempt_down(struct sa *s, const struct sa_ike *ike);
void sa_attempt_listed(struct sa *s, const char *conn, bool ok);
void sa_try_timer(struct timer *t);

/* ---- sa_child: children and IKE_SAs ---- */

struct ike *sa_ike_find(struct sa *s, uint32_t id);
/* Frees it if it has no children. */
void sa_ike_drop(struct sa *s, struct ike *k);
struct child *sa_child_find(struct sa *s, uint32_t id);
struct child *sa_child_by_spi(struct sa *s, uint32_t spi);
/* charon has it: makes it, and its peer and IKE_SA when they are new. */
void sa_child_take(struct sa *s, const struct sa_ike *in,
		   const struct sa_child *c, bool fresh);
/* From then on its number is not known, only its SPIs are. */
void sa_child_outdate(struct sa *s, struct child *c);
/* Frees it; the caller goes on with sa_peer_lost_child() for the peer. */
void sa_child_drop(struct sa *s, struct child *c);
/* Both of these; the peer may be freed here. */
void sa_child_forget(struct sa *s, struct child *c, const char *why);
void sa_peer_lost_child(struct sa_peer *p, const char *why);
/* The last SA has gone. */
void sa_peer_went_down(struct sa_peer *p, const char *why);
void sa_peer_choose(struct sa_peer *p);
/* What a dead charon left: there is a better one; there will be none soon. */
void sa_peer_drop_stale(struct sa_peer *p);
void sa_peer_drop_orphans(struct sa_peer *p);
/* Another host than that of @c, at the same address. */
bool sa_is_other_host(const struct child *c, const struct sa_ike *ike);
void sa_turn_away(struct sa_peer *p, const struct sa_ike *ike);
void sa_tie_timer(struct timer *t);
void sa_coming_timer(struct timer *t);

/* ---- sa_list: what charon lists ---- */

void sa_begin_resync(struct sa *s);
void sa_idle_timer(struct timer *t);
void sa_relist_timer(struct timer *t);
void sa_sweep_timer(struct timer *t);

/* ---- sa_fix: what the kernel has lost ---- */

void sa_suspect_missing(struct sa *s);
void sa_fix_timer(struct timer *t);

#endif
