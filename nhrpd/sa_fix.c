/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_fix: SAs that the kernel has ended or lost.
 */
#include "sa_internal.h"

#define FIX_TRIES	2		/* charon holds what it closed for 5 s */

static bool has_suspect(const struct sa_peer *p)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (c->suspect)
			return true;
	return false;
}

static void suspect_child(struct sa *s, struct child *c, uint64_t wait)
{
	struct sa_peer *p = c->peer;
	/* else it waits for what is mended already */
	bool under_way = p->t_fix.armed && has_suspect(p);

	if (!under_way || !c->suspect)
		c->fixes = 0;
	c->suspect = true;
	if (!under_way)
		timer_set(&s->timers, &p->t_fix, s->now + wait);
}

/* charon has it, the kernel had not, and it is not that new. */
void sa_suspect_missing(struct sa *s)
{
	struct child *c, *tmp;

	HASH_ITER(hh_in, s->by_in, c, tmp)
		if (c->current && c->born + SA_YOUNG < s->noted &&
		    !s->ops->installed(s->ctx, c->c.spi_in))
			suspect_child(s, c, 0);
}

static void expire_child(struct sa *s, struct child *c)
{
	s->counts[SA_COUNT_EXPIRED]++;
	/* charon deletes it and makes a new one, if the IKE_SA still lives */
	sa_child_forget(s, c, "its lifetime is over and it was not rekeyed");
}

void sa_spi_gone(struct sa *s, uint32_t spi, bool hard, uint64_t now)
{
	struct child *c = sa_child_by_spi(s, spi);

	s->now = now;
	if (c && hard)
		expire_child(s, c);
	else if (c && !c->current)
		sa_child_forget(s, c, "charon has gone and closed it");
	else if (c)
		suspect_child(s, c, SA_FIX_WAIT);
}

void sa_missing(struct sa *s, const struct addr *local,
		const struct addr *remote, uint32_t mark, uint64_t now)
{
	struct sa_peer *p = sa_peer_find(s, local, remote, mark);

	s->now = now;
	/* one that was just installed might not have been in time */
	if (p && p->chosen && p->chosen->born + SA_YOUNG < now)
		suspect_child(s, p->chosen, 0);
}

void sa_flushed(struct sa *s, uint64_t now)
{
	struct child *c, *tmp;

	s->now = now;
	HASH_ITER(hh_in, s->by_in, c, tmp)
		suspect_child(s, c, random_below(s, spread_of(s)));
}

/*
 * SAs or policies have gone from the kernel and charon does not know: a rekey
 * installs both anew. What is not rekeyed either is closed.
 */
void sa_fix_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_fix);
	struct sa *s = p->s;
	bool left = false;
	struct child *c;

	DL_FOREACH(p->children, c) {
		if (!c->suspect || !c->current || !s->ready)
			continue;
		if (c->fixes == FIX_TRIES) {
			s->ops->terminate(s->ctx, c->ike->i.id, true);
			continue;
		}
		left = true;
		c->fixes++;
		s->counts[SA_COUNT_VANISHED]++;
		s->ops->rekey(s->ctx, c->c.id);
	}
	if (left)
		set_timer(p, &p->t_fix, SA_ATTEMPT);
}
