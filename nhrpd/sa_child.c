/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_child: CHILD_SAs and the IKE_SAs they belong to, as charon tells of them,
 * and which of several is used.
 */
#include <stdlib.h>

#include "sa_internal.h"

#define CHILDREN_MAX	65536		/* charon is trusted, but has bugs too */
#define SOON		300		/* ms; both ends do not try at once */

/* ---- by number and SPI ---- */

struct ike *sa_ike_find(struct sa *s, uint32_t id)
{
	struct ike *k;

	HASH_FIND(hh, s->ikes, &id, sizeof(id), k);
	return k;
}

struct child *sa_child_find(struct sa *s, uint32_t id)
{
	struct child *c;

	HASH_FIND(hh_id, s->by_id, &id, sizeof(id), c);
	return c;
}

static struct child *find_spi_in(struct sa *s, uint32_t spi)
{
	struct child *c;

	HASH_FIND(hh_in, s->by_in, &spi, sizeof(spi), c);
	return c;
}

struct child *sa_child_by_spi(struct sa *s, uint32_t spi)
{
	struct child *c = find_spi_in(s, spi);

	if (!c)
		HASH_FIND(hh_out, s->by_out, &spi, sizeof(spi), c);
	return c;
}

/* ---- what belongs to what ---- */

static struct ike *take_ike(struct sa *s, const struct sa_ike *in)
{
	uint64_t age = in->established * 1000ull;
	struct ike *k = sa_ike_find(s, in->id);
	bool is_new = !k;

	if (is_new)
		k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->i = *in;
	k->born = s->now > age ? s->now - age : 0;
	if (!is_new)
		return k;
	k->current = true;
	HASH_ADD(hh, s->ikes, i.id, sizeof(k->i.id), k);
	return k;
}

void sa_ike_drop(struct sa *s, struct ike *k)
{
	if (k->children)
		return;
	if (k->current)
		HASH_DELETE(hh, s->ikes, k);
	free(k);
}

static void leave_ike(struct sa *s, struct child *c)
{
	struct ike *k = c->ike;

	DL_DELETE2(k->children, c, iprev, inext);
	c->ike = NULL;
	sa_ike_drop(s, k);
}

static void join_ike(struct child *c, struct ike *k)
{
	c->ike = k;
	DL_APPEND2(k->children, c, iprev, inext);
}

static void leave_peer(struct child *c)
{
	struct sa_peer *p = c->peer;

	DL_DELETE(p->children, c);
	p->n_children--;
	if (p->chosen == c)
		p->chosen = NULL;
	c->peer = NULL;
}

static void join_peer(struct child *c, struct sa_peer *p)
{
	c->peer = p;
	DL_APPEND(p->children, c);
	p->n_children++;
}

static void hash_child(struct sa *s, struct child *c)
{
	c->current = true;
	s->dead[c->c.id % DEAD_MAX] = 0;
	HASH_ADD(hh_id, s->by_id, c.id, sizeof(c->c.id), c);
	HASH_ADD(hh_in, s->by_in, c.spi_in, sizeof(c->c.spi_in), c);
	HASH_ADD(hh_out, s->by_out, c.spi_out, sizeof(c->c.spi_out), c);
}

void sa_child_outdate(struct sa *s, struct child *c)
{
	if (c->current)
		HASH_DELETE(hh_id, s->by_id, c);
	c->current = false;
}

static void unhash_child(struct sa *s, struct child *c)
{
	sa_child_outdate(s, c);
	HASH_DELETE(hh_in, s->by_in, c);
	HASH_DELETE(hh_out, s->by_out, c);
}

void sa_child_drop(struct sa *s, struct child *c)
{
	if (c->current)
		note_dead(s, c->c.id);
	unhash_child(s, c);
	leave_peer(c);
	leave_ike(s, c);
	s->n_children--;
	free(c);
}

/* ---- which one is used ---- */

static bool together(const struct child *a, const struct child *b)
{
	return a->line <= b->line + SA_SIMULTANEOUS &&
	       b->line <= a->line + SA_SIMULTANEOUS;
}

/*
 * Which of two both ends want to keep. Two that came up together: that with
 * the lower SPI, which both ends know; all else: the newer one.
 */
static bool is_better(const struct child *a, const struct child *b)
{
	if (a->current != b->current)
		return a->current;
	if (a->ike != b->ike && together(a, b) &&
	    a->ike->i.initiator != b->ike->i.initiator &&
	    a->ike->i.ispi != b->ike->i.ispi)
		return a->ike->i.ispi < b->ike->i.ispi;
	return a->line > b->line || (a->line == b->line && a->c.id > b->c.id);
}

void sa_peer_choose(struct sa_peer *p)
{
	struct child *c;

	p->chosen = p->children;
	DL_FOREACH(p->children, c)
		if (c != p->chosen && is_better(c, p->chosen))
			p->chosen = c;
}

static bool has_two_ikes(const struct sa_peer *p)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (c->current && c->ike != p->chosen->ike)
			return true;
	return false;
}

/* A charon that knew them is gone, and there is a better one. */
void sa_peer_drop_stale(struct sa_peer *p)
{
	struct child *c, *tmp;

	if (!has_current(p))
		return;
	DL_FOREACH_SAFE(p->children, c, tmp) {
		if (c->current)
			continue;
		p->s->counts[SA_COUNT_ORPHAN]++;
		sa_child_drop(p->s, c);
	}
}

/* A charon that knew them is gone, and there will be nothing better soon. */
void sa_peer_drop_orphans(struct sa_peer *p)
{
	struct child *c, *tmp;

	if (!is_stale(p))
		return;
	DL_FOREACH_SAFE(p->children, c, tmp) {
		p->s->counts[SA_COUNT_ORPHAN]++;
		sa_child_drop(p->s, c);
	}
	if (p->told)
		set_timer(p, &p->t_hold, SA_HOLD);
}

/* The peer has an SA more than before, or another one. */
static void gained_child(struct sa_peer *p, bool fresh)
{
	bool first = p->told && p->n_children == 1;
	struct sa *s = p->s;

	if (!s->resync)
		sa_peer_drop_stale(p);
	if (has_current(p))
		p->bereft = false;
	sa_peer_choose(p);
	if (p->state != SA_UP) {
		set_state(p, SA_UP);
		p->up_since = s->now;
	}
	stop_timer(p, &p->t_hold);
	if (!p->trying)
		stop_timer(p, &p->t_try);
	if (has_two_ikes(p) && !p->t_tie.armed) {
		s->counts[SA_COUNT_DUPLICATE]++;
		p->tied = p->moved = false;
		set_timer(p, &p->t_tie, SA_TIE_WAIT);
	}
	if (p->mine && !p->need && !p->t_idle.armed && p->src)
		set_timer(p, &p->t_idle, p->src->src.idle);
	if (fresh || first)
		stop_timer(p, &p->t_coming);
	sa_peer_announce(p, fresh || first);
}

void sa_peer_went_down(struct sa_peer *p, const char *why)
{
	struct sa *s = p->s;

	stop_timer(p, &p->t_tie);
	stop_timer(p, &p->t_idle);
	stop_timer(p, &p->t_fix);
	stop_timer(p, &p->t_coming);
	set_reason(p, why);
	if (p->told) {
		set_timer(p, &p->t_hold, SA_HOLD);
		set_timer(p, &p->t_coming, SA_HOLD);
	}
	if (s->now - p->up_since >= SA_STABLE)
		p->failures = 0;
	if (p->trying) {
		/* it may have found that SA in its way, or be under way */
		set_state(p, SA_CONNECTING);
		p->again = p->need != 0;
		set_timer(p, &p->t_try, SOON);
	} else if (!p->need) {
		set_state(p, SA_IDLE);
	} else if (p->failures || !s->ready || !p->conn[0]) {
		if (s->ready && p->conn[0])
			sa_peer_backoff(p, why);
		else
			sa_peer_initiate(p);
	} else {
		/* the peer may be doing the same; not again if it closes all */
		p->failures += s->now - p->up_since < SA_TURNED_AWAY;
		set_state(p, SA_BACKOFF);
		set_timer(p, &p->t_try, random_below(s, SOON));
	}
	if (p->told)
		sa_peer_announce(p, true);	/* it may be back any moment */
}

/* The peer has an SA less; it may be freed here. */
void sa_peer_lost_child(struct sa_peer *p, const char *why)
{
	if (p->children) {
		sa_peer_choose(p);
		if (p->t_tie.armed && !has_two_ikes(p))
			stop_timer(p, &p->t_tie);
		sa_peer_announce(p, false);
		return;
	}
	if (p->state == SA_UP)
		sa_peer_went_down(p, why);
	else if (p->told && !p->t_hold.armed)
		set_timer(p, &p->t_hold, SA_HOLD);
	sa_peer_settle(p);
}

void sa_child_forget(struct sa *s, struct child *c, const char *why)
{
	struct sa_peer *p = c->peer;

	sa_child_drop(s, c);
	sa_peer_lost_child(p, why);
}

/* The newest SA that was begun here; NULL: none. */
static struct child *newest_own(struct sa_peer *p)
{
	struct child *c, *found = NULL;

	DL_FOREACH(p->children, c)
		if (c->current && c->ike->i.initiator &&
		    (!found || c->born >= found->born))
			found = c;
	return found;
}

/*
 * Whoever began the one that stays ends the others: it is certain that the
 * winner lives at this end. Each end sends on the SA that its charon installed
 * last, which may be the loser, so the winner is rekeyed before: that leads
 * both to it while either is received.
 *
 * When the peer should have done that and has not, there are two reasons. Of
 * two that came together it does not know its own any more: INITIAL_CONTACT of
 * this end made it forget that, and this end's own is the one that lives. One
 * that came later is of a new charon, which does not know the others.
 */
void sa_tie_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_tie);
	struct child *c, *own, *keep = p->chosen;
	struct sa *s = p->s;

	if (!keep->ike->i.initiator && !p->tied) {
		p->tied = true;
		set_timer(p, &p->t_tie, SA_TIE_LATE);
		return;
	}
	own = newest_own(p);
	if (own && together(own, keep))
		keep = own;
	if (!p->moved && !p->tied) {
		p->moved = true;
		s->ops->rekey(s->ctx, keep->c.id);
		set_timer(p, &p->t_tie, SA_TIE_MOVE);
		return;
	}
	DL_FOREACH(p->children, c) {
		if (!c->current || c->ike == keep->ike || c->ike->children != c)
			continue;
		s->counts[SA_COUNT_DUPLICATE_ENDED]++;
		s->ops->terminate(s->ctx, c->ike->i.id, p->tied);
	}
}

/* ---- charon's events ---- */

/* The peer that an SA is of; made when there is none yet. */
static struct sa_peer *peer_of(struct sa *s, struct source *src,
			       const struct sa_ike *ike,
			       const struct sa_child *c)
{
	struct sa_peer *p = sa_peer_by_conn(s, ike->conn);
	uint32_t mark = src->src.nat_marks ? c->mark_in : 0;

	/* what we began is what it was begun for, whatever its mark is */
	if (p && ike->initiator && addr_eq(&p->key.remote, &ike->remote))
		return p;
	p = sa_peer_find(s, &ike->local, &ike->remote, mark);
	return p ? p : sa_peer_make(s, src, &ike->remote, mark);
}

/* Ours, but not what was asked for: it would not protect the tunnel. */
static void refuse_child(struct sa *s, const struct sa_ike *ike,
			 const struct sa_child *c)
{
	struct sa_peer *p = sa_peer_by_conn(s, ike->conn);

	s->counts[c->gre ? SA_COUNT_WRONG_MODE : SA_COUNT_WRONG_SELECTOR]++;
	s->ops->terminate(s->ctx, ike->id, false);
	if (p && p->state == SA_CONNECTING && ike->initiator)
		sa_peer_backoff(p, c->gre ? "the peer wants tunnel mode" :
			"the peer narrowed the selectors to something else");
}

static bool is_usable(struct sa *s, struct source *src,
		      const struct sa_ike *ike, const struct sa_child *c)
{
	if (!src || (!is_ours(ike->conn) && (!c->gre || !c->transport))) {
		s->counts[SA_COUNT_FOREIGN]++;
		return false;
	}
	if (!c->gre || !c->transport) {
		refuse_child(s, ike, c);
		return false;
	}
	return c->installed && addr_is_set(&ike->remote);
}

/*
 * Another host than that of @c, behind the same NAT address: NAT gives each a
 * port of its own. The same host may have got another name.
 */
bool sa_is_other_host(const struct child *c, const struct sa_ike *ike)
{
	return c->ike->i.remote_port != ike->remote_port &&
	       strcmp(c->ike->i.identity, ike->identity);
}

static bool is_intruder(const struct sa_peer *p, const struct sa_ike *ike)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (sa_is_other_host(c, ike))
			return true;
	return false;
}

/*
 * Without marks what is for one of two at an address goes by the SA that came
 * last. Who was first keeps it, the other one has to go: not even a refusal
 * would reach him. The module waits for this (kmod/route.c).
 */
void sa_turn_away(struct sa_peer *p, const struct sa_ike *ike)
{
	char text[2 * SA_IDENTITY_MAX + 100];
	struct sa *s = p->s;
	bool known = !strcmp(p->crowd, ike->identity) && is_crowded(p);

	if (p->crowd_ike == ike->id)
		return;
	p->crowd_ike = ike->id;
	p->crowd_at = s->now;
	snprintf(p->crowd, sizeof(p->crowd), "%s", ike->identity);
	s->counts[SA_COUNT_CROWDED]++;
	s->ops->terminate(s->ctx, ike->id, true);
	if (known)
		return;
	snprintf(text, sizeof(text),
		 "%s is not let in, %s is at that address: 'set nat-marks' tells them apart",
		 ike->identity, p->children->ike->i.identity);
	sa_peer_log(p, SA_WARN, text);
}

void sa_child_take(struct sa *s, const struct sa_ike *in,
		   const struct sa_child *c, bool fresh)
{
	struct source *src = sa_source_find(s, &in->local);
	struct child *child, *old;
	struct sa_peer *p;
	struct ike *k;

	if (!is_usable(s, src, in, c))
		return;
	if (s->n_children == CHILDREN_MAX) {
		s->counts[SA_COUNT_OVERFLOW]++;
		return;
	}
	p = peer_of(s, src, in, c);
	/* of a listing it is not known yet who was first */
	if (p && !s->resync && is_intruder(p, in)) {
		sa_turn_away(p, in);
		return;
	}
	k = p ? take_ike(s, in) : NULL;
	child = k ? calloc(1, sizeof(*child)) : NULL;
	if (!child) {
		s->counts[SA_COUNT_OVERFLOW]++;
		if (k)
			sa_ike_drop(s, k);
		if (p)
			sa_peer_settle(p);
		return;
	}
	child->c = *c;
	child->born = child->line = s->now > c->age ? s->now - c->age : 0;
	join_ike(child, k);
	join_peer(child, p);
	s->n_children++;
	old = find_spi_in(s, c->spi_in);	/* of a session before */
	if (!old)
		old = sa_child_find(s, c->id);	/* whose end was not heard */
	if (old && old->peer == p)
		sa_child_drop(s, old);
	else if (old)
		sa_child_forget(s, old, "another peer's now");
	hash_child(s, child);
	sa_attempt_done(p, in);
	gained_child(p, fresh);
}

void sa_child_up(struct sa *s, const struct sa_ike *ike,
		 const struct sa_child *c, uint64_t now)
{
	s->now = now;
	sa_child_take(s, ike, c, !ike->initiator);
}

void sa_child_down(struct sa *s, uint32_t id, uint64_t now)
{
	struct child *c = sa_child_find(s, id);

	s->now = now;
	if (c)
		sa_child_forget(s, c, "the SA was closed");
	else
		note_dead(s, id);
}

void sa_child_rekeyed(struct sa *s, const struct sa_ike *ike,
		      uint32_t old_child, const struct sa_child *c,
		      uint64_t now)
{
	struct child *old, *heir;

	s->now = now;
	s->counts[SA_COUNT_REKEYED]++;
	sa_child_take(s, ike, c, false);
	/* the new one first: the peer is never without */
	old = sa_child_find(s, old_child);
	heir = sa_child_find(s, c->id);
	if (old && heir)
		heir->line = old->line;
	if (old && old != heir)
		sa_child_forget(s, old, !heir ? "rekeyed to an SA of no use" :
				"rekeyed to an SA of another peer");
	note_dead(s, old_child);
}

/* Nothing came of the peer's IKE_SA. */
void sa_coming_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_coming);

	if (p->children)
		sa_peer_announce(p, true);
}

void sa_ike_up(struct sa *s, const struct sa_ike *ike, uint64_t now)
{
	struct sa_peer *p = sa_peer_by_conn(s, ike->conn);

	s->now = now;
	if (!ike->initiator) {
		p = sa_peer_find(s, &ike->local, &ike->remote, 0);
		if (p && p->src && !p->src->src.nat_marks &&
		    is_intruder(p, ike)) {
			sa_turn_away(p, ike);
			return;
		}
		if (p && p->told) {
			set_timer(p, &p->t_coming, SA_CHILD_WAIT);
			if (p->state == SA_UP)
				sa_peer_announce(p, true);
		}
		return;
	}
	if (!p || !p->trying)
		return;
	p->up_ike = ike->id;
	if (p->t_try.at > now + SA_CHILD_WAIT)
		set_timer(p, &p->t_try, SA_CHILD_WAIT);
}

void sa_ike_down(struct sa *s, const struct sa_ike *ike, uint64_t now)
{
	struct ike *k = sa_ike_find(s, ike->id);

	s->now = now;
	sa_attempt_down(s, ike);
	/* the last child takes the IKE_SA with it */
	while (k) {
		sa_child_forget(s, k->children, "the IKE_SA was closed");
		k = sa_ike_find(s, ike->id);
	}
}

void sa_ike_rekeyed(struct sa *s, uint32_t old_ike, const struct sa_ike *ike,
		    uint64_t now)
{
	struct ike *old = sa_ike_find(s, old_ike), *k;
	struct child *c, *tmp;

	s->now = now;
	if (!old || old_ike == ike->id)
		return;
	k = take_ike(s, ike);
	if (!k)
		return;
	DL_CONCAT2(k->children, old->children, iprev, inext);
	DL_FOREACH_SAFE2(k->children, c, tmp, inext)
		c->ike = k;
	old->children = NULL;
	sa_ike_drop(s, old);
}

static void move_child(struct child *c, struct sa_peer *to)
{
	struct sa_peer *from = c->peer;
	struct sa *s = to->s;
	struct sa_info i;

	leave_peer(c);
	join_peer(c, to);
	gained_child(to, false);
	sa_peer_info(to, &i);
	from->need++;			/* who is told may need it no more */
	if (s->ops->moved && !from->children)
		s->ops->moved(s->ctx, &i, &from->key.remote);
	from->need--;
	sa_peer_lost_child(from, "the peer's address changed");
}

void sa_ike_moved(struct sa *s, const struct sa_ike *ike, uint64_t now)
{
	struct source *src = sa_source_find(s, &ike->local);
	struct ike *k = sa_ike_find(s, ike->id);
	struct child *c, *tmp;
	struct sa_peer *p;

	s->now = now;
	if (!k || !src || !addr_is_set(&ike->remote))
		return;
	k->i.remote = ike->remote;
	k->i.remote_port = ike->remote_port;
	k->i.local = ike->local;
	DL_FOREACH_SAFE2(k->children, c, tmp, inext) {
		p = peer_of(s, src, &k->i, &c->c);
		if (p && p != c->peer && is_intruder(p, &k->i))
			sa_turn_away(p, &k->i);
		else if (p && p != c->peer)
			move_child(c, p);
	}
}
