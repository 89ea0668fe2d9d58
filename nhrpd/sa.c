/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa: see sa.h. Driven by charon.c, in tests by a simulated pair of charons.
 * Here are sources and peers, what is told of them and asked for; attempts are
 * sa_try's, SAs sa_child's, listings sa_list's.
 */
#include <errno.h>
#include <stdlib.h>

#include "sa_internal.h"

static const char *const state_words[__SA_STATE_MAX] = {
	[SA_IDLE]	= "idle",
	[SA_WAITING]	= "waiting",
	[SA_CONNECTING]	= "connecting",
	[SA_BACKOFF]	= "backoff",
	[SA_UP]		= "up",
};

static const char *const count_words[__SA_COUNT_MAX] = {
	[SA_COUNT_ATTEMPT]		= "attempt",
	[SA_COUNT_UP]			= "up",
	[SA_COUNT_DOWN]			= "down",
	[SA_COUNT_NO_ANSWER]		= "no-answer",
	[SA_COUNT_IKE_REFUSED]		= "ike-refused",
	[SA_COUNT_CHILD_REFUSED]	= "child-refused",
	[SA_COUNT_COMMAND_REFUSED]	= "command-refused",
	[SA_COUNT_WRONG_MODE]		= "wrong-mode",
	[SA_COUNT_WRONG_SELECTOR]	= "wrong-selector",
	[SA_COUNT_FOREIGN]		= "foreign",
	[SA_COUNT_CANCELLED]		= "cancelled",
	[SA_COUNT_DUPLICATE]		= "duplicate",
	[SA_COUNT_DUPLICATE_ENDED]	= "duplicate-ended",
	[SA_COUNT_EXPIRED]		= "expired",
	[SA_COUNT_VANISHED]		= "vanished",
	[SA_COUNT_REKEYED]		= "rekeyed",
	[SA_COUNT_IDLE_CLOSED]		= "idle-closed",
	[SA_COUNT_RESYNC]		= "resync",
	[SA_COUNT_ORPHAN]		= "orphan",
	[SA_COUNT_STALE_LISTING]	= "stale-listing",
	[SA_COUNT_CROWDED]		= "crowded",
	[SA_COUNT_OVERFLOW]		= "overflow",
};

const char *sa_state_word(enum sa_state state)
{
	return state_words[state];
}

const char *sa_count_word(enum sa_count c)
{
	return count_words[c];
}

const uint64_t *sa_counts(const struct sa *s)
{
	return s->counts;
}

/* ---- what is told ---- */

void sa_peer_log(struct sa_peer *p, enum sa_log level, const char *what)
{
	char text[SA_REASON_MAX + SA_CONN_MAX + 32], a[ADDR_STRLEN];

	snprintf(text, sizeof(text), "ipsec: %s mark %u: %s",
		 addr_text(&p->key.remote, a), p->key.mark, what);
	p->s->ops->log(p->s->ctx, level, text);
}

static bool is_ambiguous(const struct sa_peer *p)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (strcmp(c->ike->i.identity, p->children->ike->i.identity))
			return true;
	return false;
}

void sa_peer_info(const struct sa_peer *p, struct sa_info *i)
{
	const struct child *c = p->chosen;

	*i = (struct sa_info){
		.remote = p->key.remote,
		.mark = p->key.mark,
		.tx_mark = c ? c->c.mark_out : 0,
		.state = p->state,
		.conn = p->conn,
		.identity = c ? c->ike->i.identity : "",
		.ambiguous = is_ambiguous(p),
		.nat = c && c->ike->i.nat,
		.stale = is_stale(p),
		.coming = p->t_coming.armed,
		.need = p->need,
		.children = p->n_children,
		.since = p->since,
		.next = p->t_try.armed && p->state == SA_BACKOFF ?
			p->t_try.at : 0,
		.reason = p->state == SA_UP ? "" : p->reason,
		.crowd = is_crowded(p) ? p->crowd : "",
	};
	if (p->src)
		i->source = p->src->src;
	else
		i->source.local = p->key.local;
}

void sa_peer_announce(struct sa_peer *p, bool fresh)
{
	struct sa_info i;

	sa_peer_info(p, &i);
	i.fresh = fresh;
	if (!fresh && p->told && p->told_mark == i.tx_mark &&
	    p->told_ambiguous == i.ambiguous &&
	    !strcmp(p->told_identity, i.identity))
		return;
	if (!p->told) {
		p->s->counts[SA_COUNT_UP]++;
		sa_peer_log(p, SA_INFO, "up");
	}
	p->told = true;
	p->told_mark = i.tx_mark;
	p->told_ambiguous = i.ambiguous;
	snprintf(p->told_identity, sizeof(p->told_identity), "%s", i.identity);
	p->s->ops->up(p->s->ctx, &i);
}

/* It has been without an SA for a while, not just between two. */
static void tell_down(struct sa_peer *p)
{
	struct sa_info i;

	if (!p->told || p->children)
		return;
	p->told = false;
	p->s->counts[SA_COUNT_DOWN]++;
	sa_peer_log(p, SA_NOTICE, p->reason);
	sa_peer_info(p, &i);
	p->s->ops->down(p->s->ctx, &i);
}

/* ---- sources and peers ---- */

struct source *sa_source_find(struct sa *s, const struct addr *local)
{
	struct source *src;

	HASH_FIND(hh, s->sources, local, sizeof(*local), src);
	return src;
}

struct sa_peer *sa_peer_find(struct sa *s, const struct addr *local,
			     const struct addr *remote, uint32_t mark)
{
	struct peer_key key;
	struct sa_peer *p;

	memset(&key, 0, sizeof(key));
	key.local = *local;
	key.remote = *remote;
	key.mark = mark;
	HASH_FIND(hh, s->peers, &key, sizeof(key), p);
	return p;
}

struct sa_peer *sa_peer_by_conn(struct sa *s, const char *conn)
{
	struct sa_peer *p;

	HASH_FIND(hh_conn, s->by_conn, conn, strlen(conn), p);
	return p;
}

static void hold_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_hold);

	tell_down(p);
	sa_peer_settle(p);
}

struct sa_peer *sa_peer_make(struct sa *s, struct source *src,
			     const struct addr *remote, uint32_t mark)
{
	struct sa_peer *p = calloc(1, sizeof(*p));
	char a[ADDR_STRLEN], b[ADDR_STRLEN];

	if (!p)
		return NULL;
	p->s = s;
	p->src = src;
	p->key.local = src->src.local;
	p->key.remote = *remote;
	p->key.mark = mark;
	p->since = s->now;
	p->t_try.fn = sa_try_timer;
	p->t_hold.fn = hold_timer;
	p->t_tie.fn = sa_tie_timer;
	p->t_idle.fn = sa_idle_timer;
	p->t_fix.fn = sa_fix_timer;
	p->t_coming.fn = sa_coming_timer;
	HASH_ADD(hh, s->peers, key, sizeof(p->key), p);
	if (mark)
		return p;
	snprintf(p->conn, sizeof(p->conn), SA_CONN_PREFIX "%s-%s",
		 addr_text(&p->key.local, a), addr_text(remote, b));
	HASH_ADD_KEYPTR(hh_conn, s->by_conn, p->conn, strlen(p->conn), p);
	return p;
}

static void free_peer(struct sa_peer *p)
{
	struct sa *s = p->s;

	stop_timer(p, &p->t_try);
	stop_timer(p, &p->t_hold);
	stop_timer(p, &p->t_tie);
	stop_timer(p, &p->t_idle);
	stop_timer(p, &p->t_fix);
	stop_timer(p, &p->t_coming);
	HASH_DELETE(hh, s->peers, p);
	if (p->conn[0])
		HASH_DELETE(hh_conn, s->by_conn, p);
	free(p);
}

void sa_peer_settle(struct sa_peer *p)
{
	if (is_wanted(p) || p->children || p->trying || p->t_hold.armed)
		return;
	if (p->loaded && p->s->ready)
		p->s->ops->unload(p->s->ctx, p->conn);
	free_peer(p);
}

void sa_peer_close(struct sa_peer *p, bool force)
{
	struct sa *s = p->s;
	struct child *c;

	DL_FOREACH(p->children, c)
		if (c->current && c->ike->children == c)
			s->ops->terminate(s->ctx, c->ike->i.id, force);
}

/* ---- the session ---- */

/* Numbers begin anew with charon: only SPIs tell an SA from now on. */
static void outdate_all(struct sa *s)
{
	struct child *c, *tmp;
	struct ike *k, *ktmp;

	HASH_ITER(hh_id, s->by_id, c, tmp)
		sa_child_outdate(s, c);
	HASH_ITER(hh, s->ikes, k, ktmp) {
		HASH_DELETE(hh, s->ikes, k);
		k->current = false;
		sa_ike_drop(s, k);
	}
	memset(s->dead, 0, sizeof(s->dead));
}

static void peer_without_charon(struct sa_peer *p)
{
	struct child *c, *tmp;

	set_trying(p, false);
	p->listing = p->bereft = false;
	p->up_ike = p->crowd_ike = 0;
	stop_timer(p, &p->t_try);
	stop_timer(p, &p->t_tie);
	stop_timer(p, &p->t_idle);
	stop_timer(p, &p->t_fix);
	stop_timer(p, &p->t_coming);
	/* charon's last deed */
	DL_FOREACH_SAFE(p->children, c, tmp)
		if (c->suspect)
			sa_child_drop(p->s, c);
	if (p->children)
		sa_peer_choose(p);
	if (p->state == SA_UP && !p->children) {
		sa_peer_lost_child(p, "charon has gone and closed it");
		return;
	}
	if (!p->children && p->need)
		sa_peer_initiate(p);		/* waits */
	else if (!p->children)
		set_state(p, SA_IDLE);
	sa_peer_settle(p);
}

void sa_session_lost(struct sa *s, uint64_t now)
{
	struct sa_peer *p, *tmp;

	s->now = now;
	if (!s->ready)
		return;
	s->ready = s->resync = false;
	s->broken = 0;
	timer_stop(&s->timers, &s->t_relist);
	timer_stop(&s->timers, &s->t_sweep);
	outdate_all(s);
	HASH_ITER(hh, s->peers, p, tmp)
		peer_without_charon(p);
}

void sa_session_up(struct sa *s, uint64_t now)
{
	s->now = now;
	if (s->ready)
		sa_session_lost(s, now);
	s->ready = true;
	sa_begin_resync(s);
}

void sa_reload(struct sa *s, const struct addr *local)
{
	struct sa_peer *p, *tmp;

	HASH_ITER(hh, s->peers, p, tmp)
		if (s->ready && p->loaded && p->src &&
		    addr_eq(&p->key.local, local))
			s->ops->load(s->ctx, p->conn, &p->src->src,
				     &p->key.remote);
}

/* ---- the user's side ---- */

struct sa *sa_new(const struct sa_ops *ops, void *ctx)
{
	struct sa *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ops = ops;
	s->ctx = ctx;
	s->t_sweep.fn = sa_sweep_timer;
	s->t_relist.fn = sa_relist_timer;
	return s;
}

void sa_free(struct sa *s)
{
	struct source *src, *tmp;
	struct sa_peer *p, *ptmp;
	struct child *c, *ctmp;

	if (!s)
		return;
	HASH_ITER(hh, s->peers, p, ptmp) {
		DL_FOREACH_SAFE(p->children, c, ctmp)
			sa_child_drop(s, c);
		free_peer(p);
	}
	HASH_ITER(hh, s->sources, src, tmp) {
		HASH_DELETE(hh, s->sources, src);
		free(src);
	}
	free(s);
}

int sa_source_set(struct sa *s, const struct sa_source *src)
{
	struct source *old = sa_source_find(s, &src->local);
	struct sa_peer *p, *tmp;

	if (old && strcmp(old->src.profile, src->profile))
		return -EEXIST;
	if (old) {
		old->refs++;
		return 0;
	}
	old = calloc(1, sizeof(*old));
	if (!old)
		return -ENOMEM;
	old->src = *src;
	old->refs = 1;
	HASH_ADD(hh, s->sources, src.local, sizeof(old->src.local), old);
	/* those whose references outlived a source that is back */
	HASH_ITER(hh, s->peers, p, tmp)
		if (!p->src && addr_eq(&p->key.local, &src->local))
			p->src = old;
	return 0;
}

static void peer_without_source(struct sa_peer *p)
{
	struct child *c, *tmp;

	p->src = NULL;
	p->bereft = false;
	sa_peer_close(p, false);
	stop_timer(p, &p->t_try);
	set_trying(p, false);
	DL_FOREACH_SAFE(p->children, c, tmp)
		sa_child_drop(p->s, c);
	if (p->state == SA_UP)
		sa_peer_went_down(p, "the local address has gone");
	set_state(p, SA_IDLE);
	sa_peer_settle(p);
}

void sa_source_del(struct sa *s, const struct addr *local, uint64_t now)
{
	struct source *src = sa_source_find(s, local);
	struct sa_peer *p, *tmp;

	s->now = now;
	if (!src || --src->refs)
		return;
	HASH_ITER(hh, s->peers, p, tmp)
		if (p->src == src)
			peer_without_source(p);
	HASH_DELETE(hh, s->sources, src);
	free(src);
}

struct sa_peer *sa_peer_get(struct sa *s, const struct addr *local,
			    const struct addr *remote, uint32_t mark,
			    uint64_t now)
{
	struct source *src = sa_source_find(s, local);
	struct sa_peer *p;

	s->now = now;
	if (!src)
		return NULL;
	p = sa_peer_find(s, local, remote, mark);
	if (!p)
		p = sa_peer_make(s, src, remote, mark);
	if (!p)
		return NULL;
	p->mine = true;
	stop_timer(p, &p->t_idle);
	if (!p->need++ && !p->children && !p->trying)
		sa_peer_initiate(p);
	return p;
}

void sa_peer_put(struct sa *s, struct sa_peer *p, uint64_t now)
{
	s->now = now;
	if (--p->need)
		return;
	if (p->state == SA_UP && p->src) {
		p->idle_packets = UINT64_MAX;
		set_timer(p, &p->t_idle, p->src->src.idle);
	} else if (!p->trying && !p->bereft) {
		stop_timer(p, &p->t_try);
		set_state(p, SA_IDLE);
	}
	sa_peer_settle(p);
}

uint64_t sa_deadline(const struct sa *s)
{
	return s->timers.root ? s->timers.root->at : UINT64_MAX;
}

void sa_run(struct sa *s, uint64_t now)
{
	struct timer *t;

	s->now = now;
	while ((t = timer_due(&s->timers, now)))
		t->fn(t);
}

bool sa_find(struct sa *s, const struct addr *local, const struct addr *remote,
	     uint32_t mark, struct sa_info *i)
{
	const struct sa_peer *p = sa_peer_find(s, local, remote, mark);

	if (p)
		sa_peer_info(p, i);
	return p != NULL;
}

bool sa_is_current(const struct sa *s)
{
	return s->ready && !s->resync;
}

void sa_each_child(struct sa *s, const struct addr *local,
		   const struct addr *remote, uint32_t mark,
		   void (*cb)(void *ctx, const struct sa_pair *), void *ctx)
{
	struct sa_peer *p = sa_peer_find(s, local, remote, mark);
	struct child *c;

	if (!p)
		return;
	DL_FOREACH(p->children, c)
		cb(ctx, &(struct sa_pair){
			.ike = &c->ike->i, .child = &c->c, .born = c->born,
			.ike_born = c->ike->born, .in_use = c == p->chosen,
			.current = c->current,
		});
}

static bool clear_peer(struct sa_peer *p)
{
	p->failures = 0;
	if (p->children)
		sa_peer_close(p, true);	/* its end begins the next one */
	else if (p->need && !p->trying)
		sa_peer_initiate(p);
	return p->children || p->need;
}

unsigned int sa_clear(struct sa *s, const struct addr *remote, uint64_t now)
{
	struct sa_peer *p, *tmp;
	unsigned int n = 0;

	s->now = now;
	if (!sa_is_current(s))
		return 0;
	HASH_ITER(hh, s->peers, p, tmp)
		if (!remote || addr_eq(&p->key.remote, remote))
			n += clear_peer(p);
	return n;
}

void sa_each_peer(struct sa *s, void (*cb)(void *ctx, const struct sa_info *),
		  void *ctx)
{
	struct sa_peer *p, *tmp;
	struct sa_info i;

	HASH_ITER(hh, s->peers, p, tmp) {
		sa_peer_info(p, &i);
		cb(ctx, &i);
	}
}
