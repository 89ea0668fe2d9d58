/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_list: what charon lists: of an attempt, of an SA that may be idle, and all
 * of them when it is there anew.
 */
#include "sa_internal.h"

#define RELIST_MAX	32000		/* and after many of them */
#define SWEEP_AGAIN	5000		/* ms; old SAs are in use still */

static void listed_child(struct sa *s, const struct sa_ike *ike,
			 const struct sa_child *c)
{
	struct child *known = sa_child_find(s, c->id);

	if (!c->installed)
		return;
	if (is_dead(s, c->id)) {
		s->counts[SA_COUNT_STALE_LISTING]++;
		return;
	}
	if (known && known->c.spi_in == c->spi_in)
		known->c.packets = c->packets;
	else
		sa_child_take(s, ike, c, false);
}

/*
 * A hub whose spokes all come at once answers late. To begin anew would be to
 * make it do the expensive part once more. charon knows when to give up.
 */
static bool is_under_way(const struct sa_peer *p, const struct sa_ike *ike)
{
	return p && p->listing && p->state == SA_CONNECTING && !p->again &&
	       !p->refused && ike->initiator && ike->connecting && ike->rspi;
}

/*
 * What is left of our attempts is ended: one that is not answered; an IKE_SA
 * without a child, and one that the time of an attempt went by on.
 */
void sa_listed(struct sa *s, const struct sa_ike *ike,
	       const struct sa_child *c, unsigned int n, uint64_t now)
{
	struct sa_peer *p = sa_peer_by_conn(s, ike->conn);

	s->now = now;
	for (unsigned int i = 0; i < n; i++)
		listed_child(s, ike, &c[i]);
	if (!is_ours(ike->conn) || n)
		return;
	if (is_under_way(p, ike)) {
		p->answered = true;
		return;
	}
	if (!p || !p->listing)
		if (ike->connecting || !ike->initiator || (p && p->trying))
			return;
	if (ike->connecting && !ike->initiator)
		return;
	s->counts[SA_COUNT_CANCELLED]++;
	s->ops->terminate(s->ctx, ike->id, p && p->listing);
}

/* ---- is it used ---- */

static uint64_t all_packets(const struct sa_peer *p)
{
	uint64_t n = 0;
	struct child *c;

	DL_FOREACH(p->children, c)
		n += c->c.packets;
	return n;
}

/* Whether an SA that nobody needs here is in use all the same. */
static void idle_listed(struct sa *s, uint32_t ike, bool ok)
{
	struct ike *k = sa_ike_find(s, ike);
	struct sa_peer *p = k ? k->children->peer : NULL;
	uint64_t packets;

	if (!p || p->need || !p->src)
		return;
	packets = all_packets(p);
	set_timer(p, &p->t_idle, p->src->src.idle);
	if (!ok || packets != p->idle_packets) {
		p->idle_packets = packets;
		return;
	}
	s->counts[SA_COUNT_IDLE_CLOSED]++;
	sa_peer_log(p, SA_INFO, "closed, nobody uses it");
	p->mine = false;		/* if the peer brings it back, it has need */
	sa_peer_close(p, false);
}

void sa_idle_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_idle);

	if (p->chosen && p->chosen->current && p->s->ready)
		p->s->ops->list(p->s->ctx, NULL, p->chosen->ike->i.id);
}

/* ---- all of them ---- */

static void list_all(struct sa *s)
{
	s->noted = s->now;
	s->ops->snapshot(s->ctx);
	s->ops->list(s->ctx, NULL, 0);
}

void sa_begin_resync(struct sa *s)
{
	s->resync = true;
	s->counts[SA_COUNT_RESYNC]++;
	list_all(s);
}

void sa_relist_timer(struct timer *t)
{
	struct sa *s = container(t, struct sa, t_relist);

	if (s->ready)
		sa_begin_resync(s);
}

/* Somebody's turn to get another SA has not come. */
static bool are_served_by_dead(const struct sa *s)
{
	struct sa_peer *p, *tmp;

	HASH_ITER(hh, s->peers, p, tmp)
		if (is_served_by_dead(p))
			return true;
	return false;
}

/* An SA that was young when the kernel's were noted might have been about to
 * be listed; a second look sees it old. */
void sa_sweep_timer(struct timer *t)
{
	struct sa *s = container(t, struct sa, t_sweep);

	if (are_served_by_dead(s)) {
		timer_set(&s->timers, t, s->now + SWEEP_AGAIN);
		return;
	}
	s->ops->sweep(s->ctx);
	if (s->audited || !s->ready || s->resync)
		return;
	s->audited = true;
	list_all(s);
}

static void recall(const struct sa_peer *p)
{
	if (p->src && p->s->ops->recall)
		p->s->ops->recall(p->s->ctx, &p->chosen->ike->i);
}

static uint64_t came(const struct child *c)
{
	return c->line < c->ike->born ? c->line : c->ike->born;
}

/* Others may have come while nobody looked. */
static void keep_first(struct sa_peer *p)
{
	struct child *c, *tmp, *first = p->children;

	DL_FOREACH(p->children, c)
		if (came(c) < came(first))
			first = c;
	DL_FOREACH_SAFE(p->children, c, tmp) {
		if (!sa_is_other_host(first, &c->ike->i))
			continue;
		sa_turn_away(p, &c->ike->i);
		sa_child_drop(p->s, c);
	}
	if (p->children)
		sa_peer_choose(p);
}

/* What the listing named is current now; the rest charon does not have. */
static void resync_peer(struct sa_peer *p)
{
	p->bereft = false;
	keep_first(p);
	sa_peer_drop_stale(p);
	if (has_current(p)) {
		sa_peer_choose(p);
		sa_peer_announce(p, false);
	} else if ((p->need || p->children) && p->conn[0] && p->src) {
		/* the peer would find out in half a minute, by its DPD */
		p->bereft = !p->need;
		p->failures = 0;
		if (p->children && p->chosen->ike->i.nat_remote)
			recall(p);
		sa_peer_initiate_spread(p);
	} else if (p->children) {
		recall(p);
		sa_peer_drop_orphans(p);
		sa_peer_lost_child(p, "charon has lost it");
		return;
	}
	sa_peer_settle(p);
}

static uint64_t relist_wait(struct sa *s)
{
	uint64_t wait = (uint64_t)RELIST << (s->broken < 5 ? s->broken++ : 5);

	return wait < RELIST_MAX ? wait : RELIST_MAX;
}

static void resync_done(struct sa *s, bool ok)
{
	struct sa_peer *p, *tmp;

	if (!ok) {
		if (s->resync)
			timer_set(&s->timers, &s->t_relist, s->now +
				  relist_wait(s));
		return;
	}
	s->broken = 0;
	sa_suspect_missing(s);
	timer_set(&s->timers, &s->t_sweep, s->now + SA_SWEEP_WAIT);
	if (!s->resync)
		return;
	s->resync = s->audited = false;
	HASH_ITER(hh, s->peers, p, tmp)
		resync_peer(p);
}

void sa_list_done(struct sa *s, const char *conn, uint32_t ike, bool ok,
		  uint64_t now)
{
	s->now = now;
	if (!s->ready)
		return;
	if (conn)
		sa_attempt_listed(s, conn, ok);
	else if (ike)
		idle_listed(s, ike, ok);
	else
		resync_done(s, ok);
}

void sa_orphan(struct sa *s, const struct addr *local,
	       const struct addr *remote, uint64_t now)
{
	struct source *src = sa_source_find(s, local);
	struct sa_peer *p;

	s->now = now;
	if (!src || !sa_is_current(s))
		return;
	p = sa_peer_find(s, local, remote, 0);
	if (!p)
		p = sa_peer_make(s, src, remote, 0);
	if (!p || is_wanted(p) || p->children)
		return;
	p->bereft = true;
	sa_peer_initiate_spread(p);
}

void sa_conn_found(struct sa *s, const char *conn)
{
	struct sa_peer *p = sa_peer_by_conn(s, conn);

	if (is_ours(conn) && (!p || !is_wanted(p)))
		s->ops->unload(s->ctx, conn);
}
