/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_try: attempts to get an SA: when they begin, and what became of them.
 */
#include "sa_internal.h"

#define BACKOFF_MIN	1000		/* ms */
#define STALE_TRIES	3		/* until what a dead charon left is given up */
#define TRYING_MAX	16		/* attempts for whom an old SA serves */
#define CROWDED		200		/* ms until such a one looks again */

/* Our charon may get its secrets late: that says nothing of the peer. */
static bool lacks_secret(const char *why)
{
	return strstr(why, "no shared key found") ||
	       strstr(why, "no private key found");
}

/*
 * Since this was asked last packets have come by what a dead charon left: the
 * peer has it still, whatever keeps the new charon from making another one.
 */
static bool still_carries(struct sa_peer *p)
{
	uint64_t n = 0, before = p->carried;
	struct child *c;

	DL_FOREACH(p->children, c)
		n += p->s->ops->carried(p->s->ctx, c->c.spi_in);
	p->carried = n;
	return n > before;
}

void sa_peer_backoff(struct sa_peer *p, const char *why)
{
	uint64_t wait = BACKOFF_MIN << (p->failures < 6 ? p->failures : 6);

	if (wait > SA_BACKOFF_MAX)
		wait = SA_BACKOFF_MAX;
	p->failures++;
	set_trying(p, false);
	p->up_ike = 0;
	set_reason(p, why);
	sa_peer_log(p, SA_NOTICE, why);
	if (!still_carries(p) && p->failures >= STALE_TRIES &&
	    !lacks_secret(why)) {
		p->bereft = false;
		sa_peer_drop_orphans(p);
	}
	if (!is_wanted(p)) {
		stop_timer(p, &p->t_try);
		set_state(p, SA_IDLE);
		return;
	}
	set_state(p, SA_BACKOFF);
	/* a hub's spokes have all been refused at the same time */
	set_timer(p, &p->t_try, wait / 2 + random_below(p->s, wait));
}

void sa_peer_initiate(struct sa_peer *p)
{
	struct sa *s = p->s;

	stop_timer(p, &p->t_try);
	if (has_current(p) || !p->src || !is_wanted(p))
		return;
	if (!s->ready || s->resync || !p->conn[0]) {
		set_state(p, SA_WAITING);
		set_reason(p, p->conn[0] ? "charon is away" :
			   "the peer has to begin, it is behind NAT");
		return;
	}
	s->counts[SA_COUNT_ATTEMPT]++;
	set_trying(p, true);
	p->loaded = true;
	p->listing = p->again = p->refused = false;
	p->up_ike = 0;
	p->said[0] = '\0';
	set_state(p, SA_CONNECTING);
	if (!p->reason[0])
		set_reason(p, "IKE is under way");
	set_timer(p, &p->t_try, SA_ATTEMPT);
	s->ops->load(s->ctx, p->conn, &p->src->src, &p->key.remote);
	s->ops->initiate(s->ctx, p->conn);
}

/*
 * All begin at the same time: not all at once, and not before charon has its
 * secrets, whose absence is not reported. What a charon left behind serves
 * until then; the oldest peer, an NHS where there is one, goes first, so that
 * the way through it is whole while the others' SAs are replaced.
 */
void sa_peer_initiate_spread(struct sa_peer *p)
{
	uint32_t wait = SA_SETTLE;

	if (!p->children)
		set_state(p, SA_BACKOFF);
	else if (p != p->s->peers)
		wait += SA_SETTLE;
	set_timer(p, &p->t_try, wait + random_below(p->s, spread_of(p->s)));
}

/* What became of the attempt is asked when its time is over. */
static void end_attempt(struct sa_peer *p)
{
	struct sa *s = p->s;

	if (p->up_ike) {
		s->counts[SA_COUNT_CHILD_REFUSED]++;
		s->ops->terminate(s->ctx, p->up_ike, false);
		p->up_ike = 0;
		set_trying(p, false);
		if (p->state == SA_CONNECTING)
			sa_peer_backoff(p, "the peer refuses the CHILD_SA (proposal, selectors or mode)");
		return;
	}
	p->listing = true;
	p->answered = false;
	s->ops->list(s->ctx, p->conn, 0);
	/* no answer at all: the session's end clears this */
}

void sa_try_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_try);

	if (p->trying)
		end_attempt(p);
	else if (is_served_by_dead(p) && p->s->n_trying >= TRYING_MAX)
		/* no more at once than charon can do: nothing is lost yet */
		set_timer(p, t, CROWDED / 2 + random_below(p->s, CROWDED));
	else if (is_wanted(p))
		sa_peer_initiate(p);
	sa_peer_settle(p);
}

/* ---- how it ends ---- */

/* The attempt has brought this. */
void sa_attempt_done(struct sa_peer *p, const struct sa_ike *ike)
{
	if (!ike->initiator || strcmp(ike->conn, p->conn))
		return;
	set_trying(p, false);
	p->up_ike = 0;
}

/* What it says first is the cause, the rest are consequences. */
void sa_said(struct sa *s, const char *conn, const char *words)
{
	struct sa_peer *p = sa_peer_by_conn(s, conn);

	if (!p || p->said[0] ||
	    (p->state != SA_CONNECTING && p->state != SA_BACKOFF))
		return;
	snprintf(p->said, sizeof(p->said), "charon: %.110s", words);
	if (p->state == SA_BACKOFF)
		set_reason(p, p->said);
}

void sa_refused(struct sa *s, const char *conn, bool load, const char *why,
		uint64_t now)
{
	struct sa_peer *p = sa_peer_by_conn(s, conn);
	char text[SA_REASON_MAX];

	s->now = now;
	s->counts[SA_COUNT_COMMAND_REFUSED]++;
	if (!p || !p->trying)
		return;
	snprintf(text, sizeof(text), "charon refuses: %.100s", why);
	if (!load) {
		/* perhaps since there is an SA: look */
		p->refused = true;
		set_reason(p, text);
		set_timer(p, &p->t_try, 0);
		return;
	}
	set_trying(p, false);
	if (p->state == SA_CONNECTING)
		sa_peer_backoff(p, text);
	sa_peer_settle(p);
}

/* The attempt, if it was one, has failed. */
void sa_attempt_down(struct sa *s, const struct sa_ike *ike)
{
	struct sa_peer *p = sa_peer_by_conn(s, ike->conn);

	if (!p || !ike->initiator || !p->trying ||
	    (!ike->connecting && p->up_ike != ike->id))
		return;
	set_trying(p, false);
	s->counts[SA_COUNT_IKE_REFUSED]++;
	if (p->state == SA_CONNECTING)
		sa_peer_backoff(p, p->said[0] ? p->said :
			"the peer refuses (authentication, identity or IKE proposal)");
	else
		stop_timer(p, &p->t_try);
	sa_peer_settle(p);
}

/* The time of the attempt was over, this is all that became of it. */
void sa_attempt_listed(struct sa *s, const char *conn, bool ok)
{
	struct sa_peer *p = sa_peer_by_conn(s, conn);
	char why[SA_REASON_MAX];

	if (!p || !p->listing)
		return;
	p->listing = false;
	if (!ok) {
		set_timer(p, &p->t_try, RELIST);
		return;
	}
	if (p->answered) {
		set_timer(p, &p->t_try, SA_ATTEMPT);
		return;
	}
	set_trying(p, false);
	if (p->state == SA_CONNECTING && p->again) {
		sa_peer_initiate(p);
	} else if (p->state == SA_CONNECTING && p->refused) {
		snprintf(why, sizeof(why), "%s", p->reason);
		sa_peer_backoff(p, why);
	} else if (p->state == SA_CONNECTING) {
		s->counts[SA_COUNT_NO_ANSWER]++;
		sa_peer_backoff(p, p->said[0] ? p->said :
			"the peer does not answer IKE, or charon has no secret for it");
	}
	sa_peer_settle(p);
}
