/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa: see sa.h. Driven by charon.c, in tests by a simulated pair of charons.
 *
 * Four kinds of objects: sources (configured), peers, their children (CHILD_SAs
 * that are installed) and the IKE_SAs these belong to. A child is found by
 * charon's number, which lives as long as charon's session, and by its SPIs,
 * which live as long as the SA. After a session is lost the children stay until
 * the listing of the next one has or has not named them.
 *
 * What a timer of a peer does next follows from the peer's state alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "sa.h"
#include "timer.h"

#define CHILDREN_MAX	65536		/* charon is trusted, but has bugs too */
#define DEAD_MAX	16384		/* remembered numbers of gone children */
#define BACKOFF_MIN	1000		/* ms */
#define SOON		300		/* ms; both ends do not try at once */
#define SPREAD_EACH	10		/* ms a peer when all begin at once */
#define SPREAD_MAX	120000		/* ms */
#define STALE_TRIES	3		/* until what a dead charon left is given up */
#define FIX_TRIES	2		/* charon holds what it closed for 5 s */
#define RELIST		1000		/* ms after a listing that broke, */
#define RELIST_MAX	32000		/* and after many of them */
#define TRYING_MAX	16		/* attempts for whom an old SA serves */
#define CROWDED		200		/* ms until such a one looks again */
#define SWEEP_AGAIN	5000		/* ms; old SAs are in use still */

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

#define container(t, type, member) \
	((type *)((char *)t - offsetof(type, member)))

static bool is_ours(const char *conn)
{
	return !strncmp(conn, SA_CONN_PREFIX, strlen(SA_CONN_PREFIX));
}

static uint32_t random_below(struct sa *s, uint32_t n)
{
	return n ? s->ops->random(s->ctx) % n : 0;
}

static void set_timer(struct sa_peer *p, struct timer *t, uint64_t in)
{
	timer_set(&p->s->timers, t, p->s->now + in);
}

static void stop_timer(struct sa_peer *p, struct timer *t)
{
	timer_stop(&p->s->timers, t);
}

static void set_state(struct sa_peer *p, enum sa_state state)
{
	if (p->state == state)
		return;
	p->state = state;
	p->since = p->s->now;
}

static void set_trying(struct sa_peer *p, bool trying)
{
	if (p->trying != trying)
		p->s->n_trying += trying ? 1 : -1;
	p->trying = trying;
}

static void set_reason(struct sa_peer *p, const char *why)
{
	snprintf(p->reason, sizeof(p->reason), "%s", why);
}

static void log_peer(struct sa_peer *p, enum sa_log level, const char *what)
{
	char text[SA_REASON_MAX + SA_CONN_MAX + 32], a[ADDR_STRLEN];

	snprintf(text, sizeof(text), "ipsec: %s mark %u: %s",
		 addr_text(&p->key.remote, a), p->key.mark, what);
	p->s->ops->log(p->s->ctx, level, text);
}

/* ---- what is told ---- */

static bool is_ambiguous(const struct sa_peer *p)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (strcmp(c->ike->i.identity, p->children->ike->i.identity))
			return true;
	return false;
}

/* Somebody else wants to be at that address. */
static bool is_crowded(const struct sa_peer *p)
{
	return p->crowd[0] && p->s->now < p->crowd_at + SA_CROWD;
}

static bool is_stale(const struct sa_peer *p)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (c->current)
			return false;
	return p->children != NULL;
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

static void announce(struct sa_peer *p, bool fresh)
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
		log_peer(p, SA_INFO, "up");
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
	log_peer(p, SA_NOTICE, p->reason);
	sa_peer_info(p, &i);
	p->s->ops->down(p->s->ctx, &i);
}

/* ---- sources and peers ---- */

static struct source *find_source(struct sa *s, const struct addr *local)
{
	struct source *src;

	HASH_FIND(hh, s->sources, local, sizeof(*local), src);
	return src;
}

static struct sa_peer *find_peer(struct sa *s, const struct addr *local,
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

/* By the connection's name; only those that we initiate have one. */
static struct sa_peer *find_conn(struct sa *s, const char *conn)
{
	struct sa_peer *p;

	HASH_FIND(hh_conn, s->by_conn, conn, strlen(conn), p);
	return p;
}

static void try_timer(struct timer *t);
static void hold_timer(struct timer *t);
static void tie_timer(struct timer *t);
static void idle_timer(struct timer *t);
static void fix_timer(struct timer *t);
static void coming_timer(struct timer *t);

static struct sa_peer *make_peer(struct sa *s, struct source *src,
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
	p->t_try.fn = try_timer;
	p->t_hold.fn = hold_timer;
	p->t_tie.fn = tie_timer;
	p->t_idle.fn = idle_timer;
	p->t_fix.fn = fix_timer;
	p->t_coming.fn = coming_timer;
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

/* Somebody here needs it, or the peer did and may not know yet that a charon
 * of ours took it to the grave. */
static bool is_wanted(const struct sa_peer *p)
{
	return p->need || p->bereft;
}

/* Nobody needs it and nothing is left of it: forgets it. */
static void settle(struct sa_peer *p)
{
	if (is_wanted(p) || p->children || p->trying || p->t_hold.armed)
		return;
	if (p->loaded && p->s->ready)
		p->s->ops->unload(p->s->ctx, p->conn);
	free_peer(p);
}

/* ---- attempts ---- */

static void drop_orphans(struct sa_peer *p);

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

static void backoff(struct sa_peer *p, const char *why)
{
	uint64_t wait = BACKOFF_MIN << (p->failures < 6 ? p->failures : 6);

	if (wait > SA_BACKOFF_MAX)
		wait = SA_BACKOFF_MAX;
	p->failures++;
	set_trying(p, false);
	p->up_ike = 0;
	set_reason(p, why);
	log_peer(p, SA_NOTICE, why);
	if (!still_carries(p) && p->failures >= STALE_TRIES &&
	    !lacks_secret(why)) {
		p->bereft = false;
		drop_orphans(p);
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

/* An SA of this session is there; stale ones do not count. */
static bool has_current(const struct sa_peer *p)
{
	return p->children && !is_stale(p);
}

static void initiate(struct sa_peer *p)
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

/* ms over which all peers are spread when something concerns all of them */
static uint32_t spread_of(const struct sa *s)
{
	uint32_t spread = HASH_COUNT(s->peers) * SPREAD_EACH;

	return spread < SPREAD_MAX ? spread : SPREAD_MAX;
}

/*
 * All begin at the same time: not all at once, and not before charon has its
 * secrets, whose absence is not reported. What a charon left behind serves
 * until then; the oldest peer, an NHS where there is one, goes first, so that
 * the way through it is whole while the others' SAs are replaced.
 */
static void initiate_spread(struct sa_peer *p)
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
			backoff(p, "the peer refuses the CHILD_SA (proposal, selectors or mode)");
		return;
	}
	p->listing = true;
	p->answered = false;
	s->ops->list(s->ctx, p->conn, 0);
	/* no answer at all: the session's end clears this */
}

/* A dead charon's SA does until there is another one. */
static bool is_served_by_dead(const struct sa_peer *p)
{
	return p->bereft || (p->need && is_stale(p));
}

static void try_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_try);

	if (p->trying)
		end_attempt(p);
	else if (is_served_by_dead(p) && p->s->n_trying >= TRYING_MAX)
		/* no more at once than charon can do: nothing is lost yet */
		set_timer(p, t, CROWDED / 2 + random_below(p->s, CROWDED));
	else if (is_wanted(p))
		initiate(p);
	settle(p);
}

static void hold_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_hold);

	tell_down(p);
	settle(p);
}

/* ---- children ---- */

static void note_dead(struct sa *s, uint32_t id)
{
	s->dead[id % DEAD_MAX] = id;
}

static bool is_dead(const struct sa *s, uint32_t id)
{
	return s->dead[id % DEAD_MAX] == id;
}

static struct ike *find_ike(struct sa *s, uint32_t id)
{
	struct ike *k;

	HASH_FIND(hh, s->ikes, &id, sizeof(id), k);
	return k;
}

static struct child *find_child(struct sa *s, uint32_t id)
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

static struct child *find_spi(struct sa *s, uint32_t spi)
{
	struct child *c = find_spi_in(s, spi);

	if (!c)
		HASH_FIND(hh_out, s->by_out, &spi, sizeof(spi), c);
	return c;
}

static struct ike *take_ike(struct sa *s, const struct sa_ike *in)
{
	uint64_t age = in->established * 1000ull;
	struct ike *k = find_ike(s, in->id);
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

static void drop_ike(struct sa *s, struct ike *k)
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
	drop_ike(s, k);
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

/* From then on its number is not known, only its SPIs are. */
static void outdate_child(struct sa *s, struct child *c)
{
	if (c->current)
		HASH_DELETE(hh_id, s->by_id, c);
	c->current = false;
}

static void unhash_child(struct sa *s, struct child *c)
{
	outdate_child(s, c);
	HASH_DELETE(hh_in, s->by_in, c);
	HASH_DELETE(hh_out, s->by_out, c);
}

/* The caller goes on with lost_child() for the peer. */
static void drop_child(struct sa *s, struct child *c)
{
	if (c->current)
		note_dead(s, c->c.id);
	unhash_child(s, c);
	leave_peer(c);
	leave_ike(s, c);
	s->n_children--;
	free(c);
}

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

static void choose(struct sa_peer *p)
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
static void drop_stale(struct sa_peer *p)
{
	struct child *c, *tmp;

	if (!has_current(p))
		return;
	DL_FOREACH_SAFE(p->children, c, tmp) {
		if (c->current)
			continue;
		p->s->counts[SA_COUNT_ORPHAN]++;
		drop_child(p->s, c);
	}
}

/* A charon that knew them is gone, and there will be nothing better soon. */
static void drop_orphans(struct sa_peer *p)
{
	struct child *c, *tmp;

	if (!is_stale(p))
		return;
	DL_FOREACH_SAFE(p->children, c, tmp) {
		p->s->counts[SA_COUNT_ORPHAN]++;
		drop_child(p->s, c);
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
		drop_stale(p);
	if (has_current(p))
		p->bereft = false;
	choose(p);
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
	announce(p, fresh || first);
}

/* The last SA has gone. */
static void went_down(struct sa_peer *p, const char *why)
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
			backoff(p, why);
		else
			initiate(p);
	} else {
		/* the peer may be doing the same; not again if it closes all */
		p->failures += s->now - p->up_since < SA_TURNED_AWAY;
		set_state(p, SA_BACKOFF);
		set_timer(p, &p->t_try, random_below(s, SOON));
	}
	if (p->told)
		announce(p, true);	/* it may be back any moment */
}

/* The peer has an SA less; it may be freed here. */
static void lost_child(struct sa_peer *p, const char *why)
{
	if (p->children) {
		choose(p);
		if (p->t_tie.armed && !has_two_ikes(p))
			stop_timer(p, &p->t_tie);
		announce(p, false);
		return;
	}
	if (p->state == SA_UP)
		went_down(p, why);
	else if (p->told && !p->t_hold.armed)
		set_timer(p, &p->t_hold, SA_HOLD);
	settle(p);
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
static void tie_timer(struct timer *t)
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
	struct sa_peer *p = find_conn(s, ike->conn);
	uint32_t mark = src->src.nat_marks ? c->mark_in : 0;

	/* what we began is what it was begun for, whatever its mark is */
	if (p && ike->initiator && addr_eq(&p->key.remote, &ike->remote))
		return p;
	p = find_peer(s, &ike->local, &ike->remote, mark);
	return p ? p : make_peer(s, src, &ike->remote, mark);
}

/* Ours, but not what was asked for: it would not protect the tunnel. */
static void refuse_child(struct sa *s, const struct sa_ike *ike,
			 const struct sa_child *c)
{
	struct sa_peer *p = find_conn(s, ike->conn);

	s->counts[c->gre ? SA_COUNT_WRONG_MODE : SA_COUNT_WRONG_SELECTOR]++;
	s->ops->terminate(s->ctx, ike->id, false);
	if (p && p->state == SA_CONNECTING && ike->initiator)
		backoff(p, c->gre ? "the peer wants tunnel mode" :
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

/* The attempt has brought this. */
static void end_trying(struct sa_peer *p, const struct sa_ike *ike)
{
	if (!ike->initiator || strcmp(ike->conn, p->conn))
		return;
	set_trying(p, false);
	p->up_ike = 0;
}

static void forget_child(struct sa *s, struct child *c, const char *why)
{
	struct sa_peer *p = c->peer;

	drop_child(s, c);
	lost_child(p, why);
}

/*
 * Another host than that of @c, behind the same NAT address: NAT gives each a
 * port of its own. The same host may have got another name.
 */
static bool is_other_host(const struct child *c, const struct sa_ike *ike)
{
	return c->ike->i.remote_port != ike->remote_port &&
	       strcmp(c->ike->i.identity, ike->identity);
}

static bool is_intruder(const struct sa_peer *p, const struct sa_ike *ike)
{
	struct child *c;

	DL_FOREACH(p->children, c)
		if (is_other_host(c, ike))
			return true;
	return false;
}

/*
 * Without marks what is for one of two at an address goes by the SA that came
 * last. Who was first keeps it, the other one has to go: not even a refusal
 * would reach him. The module waits for this (kmod/route.c).
 */
static void turn_away(struct sa_peer *p, const struct sa_ike *ike)
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
	log_peer(p, SA_WARN, text);
}

static void take_child(struct sa *s, const struct sa_ike *in,
		       const struct sa_child *c, bool fresh)
{
	struct source *src = find_source(s, &in->local);
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
		turn_away(p, in);
		return;
	}
	k = p ? take_ike(s, in) : NULL;
	child = k ? calloc(1, sizeof(*child)) : NULL;
	if (!child) {
		s->counts[SA_COUNT_OVERFLOW]++;
		if (k)
			drop_ike(s, k);
		if (p)
			settle(p);
		return;
	}
	child->c = *c;
	child->born = child->line = s->now > c->age ? s->now - c->age : 0;
	join_ike(child, k);
	join_peer(child, p);
	s->n_children++;
	old = find_spi_in(s, c->spi_in);	/* of a session before */
	if (!old)
		old = find_child(s, c->id);	/* whose end was not heard */
	if (old && old->peer == p)
		drop_child(s, old);
	else if (old)
		forget_child(s, old, "another peer's now");
	hash_child(s, child);
	end_trying(p, in);
	gained_child(p, fresh);
}

void sa_child_up(struct sa *s, const struct sa_ike *ike,
		 const struct sa_child *c, uint64_t now)
{
	s->now = now;
	take_child(s, ike, c, !ike->initiator);
}

void sa_child_down(struct sa *s, uint32_t id, uint64_t now)
{
	struct child *c = find_child(s, id);

	s->now = now;
	if (c)
		forget_child(s, c, "the SA was closed");
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
	take_child(s, ike, c, false);
	/* the new one first: the peer is never without */
	old = find_child(s, old_child);
	heir = find_child(s, c->id);
	if (old && heir)
		heir->line = old->line;
	if (old && old != heir)
		forget_child(s, old, !heir ? "rekeyed to an SA of no use" :
			     "rekeyed to an SA of another peer");
	note_dead(s, old_child);
}

/* Nothing came of the peer's IKE_SA. */
static void coming_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_coming);

	if (p->children)
		announce(p, true);
}

void sa_ike_up(struct sa *s, const struct sa_ike *ike, uint64_t now)
{
	struct sa_peer *p = find_conn(s, ike->conn);

	s->now = now;
	if (!ike->initiator) {
		p = find_peer(s, &ike->local, &ike->remote, 0);
		if (p && p->src && !p->src->src.nat_marks &&
		    is_intruder(p, ike)) {
			turn_away(p, ike);
			return;
		}
		if (p && p->told) {
			set_timer(p, &p->t_coming, SA_CHILD_WAIT);
			if (p->state == SA_UP)
				announce(p, true);
		}
		return;
	}
	if (!p || !p->trying)
		return;
	p->up_ike = ike->id;
	if (p->t_try.at > now + SA_CHILD_WAIT)
		set_timer(p, &p->t_try, SA_CHILD_WAIT);
}

/* The attempt, if it was one, has failed. */
static void attempt_down(struct sa *s, const struct sa_ike *ike)
{
	struct sa_peer *p = find_conn(s, ike->conn);

	if (!p || !ike->initiator || !p->trying ||
	    (!ike->connecting && p->up_ike != ike->id))
		return;
	set_trying(p, false);
	s->counts[SA_COUNT_IKE_REFUSED]++;
	if (p->state == SA_CONNECTING)
		backoff(p, p->said[0] ? p->said :
			"the peer refuses (authentication, identity or IKE proposal)");
	else
		stop_timer(p, &p->t_try);
	settle(p);
}

/* What it says first is the cause, the rest are consequences. */
void sa_said(struct sa *s, const char *conn, const char *words)
{
	struct sa_peer *p = find_conn(s, conn);

	if (!p || p->said[0] ||
	    (p->state != SA_CONNECTING && p->state != SA_BACKOFF))
		return;
	snprintf(p->said, sizeof(p->said), "charon: %.110s", words);
	if (p->state == SA_BACKOFF)
		set_reason(p, p->said);
}

void sa_ike_down(struct sa *s, const struct sa_ike *ike, uint64_t now)
{
	struct ike *k = find_ike(s, ike->id);

	s->now = now;
	attempt_down(s, ike);
	/* the last child takes the IKE_SA with it */
	while (k) {
		forget_child(s, k->children, "the IKE_SA was closed");
		k = find_ike(s, ike->id);
	}
}

void sa_ike_rekeyed(struct sa *s, uint32_t old_ike, const struct sa_ike *ike,
		    uint64_t now)
{
	struct ike *old = find_ike(s, old_ike), *k;
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
	drop_ike(s, old);
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
	lost_child(from, "the peer's address changed");
}

void sa_ike_moved(struct sa *s, const struct sa_ike *ike, uint64_t now)
{
	struct source *src = find_source(s, &ike->local);
	struct ike *k = find_ike(s, ike->id);
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
			turn_away(p, &k->i);
		else if (p && p != c->peer)
			move_child(c, p);
	}
}

/* ---- listings ---- */

static void listed_child(struct sa *s, const struct sa_ike *ike,
			 const struct sa_child *c)
{
	struct child *known = find_child(s, c->id);

	if (!c->installed)
		return;
	if (is_dead(s, c->id)) {
		s->counts[SA_COUNT_STALE_LISTING]++;
		return;
	}
	if (known && known->c.spi_in == c->spi_in)
		known->c.packets = c->packets;
	else
		take_child(s, ike, c, false);
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
	struct sa_peer *p = find_conn(s, ike->conn);

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

/* The time of the attempt was over, this is all that became of it. */
static void attempt_listed(struct sa *s, const char *conn, bool ok)
{
	struct sa_peer *p = find_conn(s, conn);
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
		initiate(p);
	} else if (p->state == SA_CONNECTING && p->refused) {
		snprintf(why, sizeof(why), "%s", p->reason);
		backoff(p, why);
	} else if (p->state == SA_CONNECTING) {
		s->counts[SA_COUNT_NO_ANSWER]++;
		backoff(p, p->said[0] ? p->said :
			"the peer does not answer IKE, or charon has no secret for it");
	}
	settle(p);
}

static uint64_t all_packets(const struct sa_peer *p)
{
	uint64_t n = 0;
	struct child *c;

	DL_FOREACH(p->children, c)
		n += c->c.packets;
	return n;
}

static void close_peer(struct sa_peer *p, bool force)
{
	struct sa *s = p->s;
	struct child *c;

	DL_FOREACH(p->children, c)
		if (c->current && c->ike->children == c)
			s->ops->terminate(s->ctx, c->ike->i.id, force);
}

/* Whether an SA that nobody needs here is in use all the same. */
static void idle_listed(struct sa *s, uint32_t ike, bool ok)
{
	struct ike *k = find_ike(s, ike);
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
	log_peer(p, SA_INFO, "closed, nobody uses it");
	p->mine = false;		/* if the peer brings it back, it has need */
	close_peer(p, false);
}

static void idle_timer(struct timer *t)
{
	struct sa_peer *p = container(t, struct sa_peer, t_idle);

	if (p->chosen && p->chosen->current && p->s->ready)
		p->s->ops->list(p->s->ctx, NULL, p->chosen->ike->i.id);
}

static void list_all(struct sa *s)
{
	s->noted = s->now;
	s->ops->snapshot(s->ctx);
	s->ops->list(s->ctx, NULL, 0);
}

static void begin_resync(struct sa *s)
{
	s->resync = true;
	s->counts[SA_COUNT_RESYNC]++;
	list_all(s);
}

static void relist_timer(struct timer *t)
{
	struct sa *s = container(t, struct sa, t_relist);

	if (s->ready)
		begin_resync(s);
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
static void sweep_timer(struct timer *t)
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
static void suspect_missing(struct sa *s)
{
	struct child *c, *tmp;

	HASH_ITER(hh_in, s->by_in, c, tmp)
		if (c->current && c->born + SA_YOUNG < s->noted &&
		    !s->ops->installed(s->ctx, c->c.spi_in))
			suspect_child(s, c, 0);
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
		if (!is_other_host(first, &c->ike->i))
			continue;
		turn_away(p, &c->ike->i);
		drop_child(p->s, c);
	}
	if (p->children)
		choose(p);
}

/* What the listing named is current now; the rest charon does not have. */
static void resync_peer(struct sa_peer *p)
{
	p->bereft = false;
	keep_first(p);
	drop_stale(p);
	if (has_current(p)) {
		choose(p);
		announce(p, false);
	} else if ((p->need || p->children) && p->conn[0] && p->src) {
		/* the peer would find out in half a minute, by its DPD */
		p->bereft = !p->need;
		p->failures = 0;
		if (p->children && p->chosen->ike->i.nat_remote)
			recall(p);
		initiate_spread(p);
	} else if (p->children) {
		recall(p);
		drop_orphans(p);
		lost_child(p, "charon has lost it");
		return;
	}
	settle(p);
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
	suspect_missing(s);
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
		attempt_listed(s, conn, ok);
	else if (ike)
		idle_listed(s, ike, ok);
	else
		resync_done(s, ok);
}

void sa_orphan(struct sa *s, const struct addr *local,
	       const struct addr *remote, uint64_t now)
{
	struct source *src = find_source(s, local);
	struct sa_peer *p;

	s->now = now;
	if (!src || !sa_is_current(s))
		return;
	p = find_peer(s, local, remote, 0);
	if (!p)
		p = make_peer(s, src, remote, 0);
	if (!p || is_wanted(p) || p->children)
		return;
	p->bereft = true;
	initiate_spread(p);
}

void sa_conn_found(struct sa *s, const char *conn)
{
	struct sa_peer *p = find_conn(s, conn);

	if (is_ours(conn) && (!p || !is_wanted(p)))
		s->ops->unload(s->ctx, conn);
}

void sa_refused(struct sa *s, const char *conn, bool load, const char *why,
		uint64_t now)
{
	struct sa_peer *p = find_conn(s, conn);
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
		backoff(p, text);
	settle(p);
}

/* ---- the session ---- */

/* Numbers begin anew with charon: only SPIs tell an SA from now on. */
static void outdate_all(struct sa *s)
{
	struct child *c, *tmp;
	struct ike *k, *ktmp;

	HASH_ITER(hh_id, s->by_id, c, tmp)
		outdate_child(s, c);
	HASH_ITER(hh, s->ikes, k, ktmp) {
		HASH_DELETE(hh, s->ikes, k);
		k->current = false;
		drop_ike(s, k);
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
			drop_child(p->s, c);
	if (p->children)
		choose(p);
	if (p->state == SA_UP && !p->children) {
		lost_child(p, "charon has gone and closed it");
		return;
	}
	if (!p->children && p->need)
		initiate(p);		/* waits */
	else if (!p->children)
		set_state(p, SA_IDLE);
	settle(p);
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
	begin_resync(s);
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

/* ---- the kernel's events ---- */

static void expire_child(struct sa *s, struct child *c)
{
	s->counts[SA_COUNT_EXPIRED]++;
	/* charon deletes it and makes a new one, if the IKE_SA still lives */
	forget_child(s, c, "its lifetime is over and it was not rekeyed");
}

void sa_spi_gone(struct sa *s, uint32_t spi, bool hard, uint64_t now)
{
	struct child *c = find_spi(s, spi);

	s->now = now;
	if (c && hard)
		expire_child(s, c);
	else if (c && !c->current)
		forget_child(s, c, "charon has gone and closed it");
	else if (c)
		suspect_child(s, c, SA_FIX_WAIT);
}

void sa_missing(struct sa *s, const struct addr *local,
		const struct addr *remote, uint32_t mark, uint64_t now)
{
	struct sa_peer *p = find_peer(s, local, remote, mark);

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
static void fix_timer(struct timer *t)
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

/* ---- the user's side ---- */

struct sa *sa_new(const struct sa_ops *ops, void *ctx)
{
	struct sa *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ops = ops;
	s->ctx = ctx;
	s->t_sweep.fn = sweep_timer;
	s->t_relist.fn = relist_timer;
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
			drop_child(s, c);
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
	struct source *old = find_source(s, &src->local);
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
	close_peer(p, false);
	stop_timer(p, &p->t_try);
	set_trying(p, false);
	DL_FOREACH_SAFE(p->children, c, tmp)
		drop_child(p->s, c);
	if (p->state == SA_UP)
		went_down(p, "the local address has gone");
	set_state(p, SA_IDLE);
	settle(p);
}

void sa_source_del(struct sa *s, const struct addr *local, uint64_t now)
{
	struct source *src = find_source(s, local);
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
	struct source *src = find_source(s, local);
	struct sa_peer *p;

	s->now = now;
	if (!src)
		return NULL;
	p = find_peer(s, local, remote, mark);
	if (!p)
		p = make_peer(s, src, remote, mark);
	if (!p)
		return NULL;
	p->mine = true;
	stop_timer(p, &p->t_idle);
	if (!p->need++ && !p->children && !p->trying)
		initiate(p);
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
	settle(p);
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
	const struct sa_peer *p = find_peer(s, local, remote, mark);

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
	struct sa_peer *p = find_peer(s, local, remote, mark);
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
		close_peer(p, true);	/* its end begins the next one */
	else if (p->need && !p->trying)
		initiate(p);
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
