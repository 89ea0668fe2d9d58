/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa: which peers have security associations, and what to do when not. A core
 * without descriptors and without a clock, as the engine is: charon's events
 * come in through the functions below, commands go out through struct sa_ops,
 * @now is milliseconds of a clock that only goes forward.
 *
 * A peer is (local NBMA, remote NBMA, mark); whoever needs its SA holds a
 * reference. The core initiates when there is need and no SA, takes what the
 * peer initiates, lets one of two remain when both did, and keeps its own time
 * since charon does not tell of every failure. It never initiates while any SA
 * to the peer is installed.
 *
 * Two ends that initiate at once get two IKE_SAs. Both ends know both pairs of
 * SPIs, so both choose the one with the lower initiator's SPI, whatever NAT
 * made of the addresses; its initiator ends the other one a little later. What
 * came up long after the other replaces it. Another identity behind the same
 * NAT address is no replacement: without marks it is turned away as long as the
 * first one has an SA.
 *
 * Event order: of one connection to charon as sent. Listings come on another
 * one and may be older than events that were heard before them: what is known
 * to be gone is not taken from a listing again.
 */
#ifndef NHRPD_SA_H
#define NHRPD_SA_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "config.h"

#define SA_CONN_PREFIX	"nhrp-"		/* of the connections that are ours */
#define SA_CONN_MAX	104		/* nhrp-ADDRESS-ADDRESS */
#define SA_IDENTITY_MAX	CONF_IDENTITY_MAX
#define SA_REASON_MAX	128

#define SA_ATTEMPT	10000		/* ms until the peer has to have answered */
#define SA_CHILD_WAIT	3000		/* ms from IKE_SA to CHILD_SA */
#define SA_TIE_WAIT	2000		/* ms until one of two is ended */
#define SA_TIE_MOVE	2000		/* ms for a rekey before that, and to use it */
#define SA_TIE_LATE	4000		/* ms more that the peer has for it */
#define SA_SIMULTANEOUS	3000		/* ms; further apart: replaced */
#define SA_HOLD		1000		/* ms without SA before it is told */
#define SA_STABLE	10000		/* ms up: the backoff begins anew */
#define SA_TURNED_AWAY	1000		/* ms up: the peer does not want it */
#define SA_BACKOFF_MAX	60000		/* ms */
#define SA_SETTLE	1000		/* ms that a new charon is left alone */
#define SA_SWEEP_WAIT	20000		/* ms until a dead charon's SAs go */
#define SA_YOUNG	5000		/* ms; before, it may be in the making */
#define SA_FIX_WAIT	1000		/* ms until a lost SA is rekeyed */
#define SA_CROWD	120000		/* ms that one who was turned away is shown */

struct sa;
struct sa_peer;

enum sa_state {				/* words of `show` */
	SA_IDLE,			/* nobody needs it */
	SA_WAITING,			/* for charon, or for the peer */
	SA_CONNECTING,
	SA_BACKOFF,
	SA_UP,
	__SA_STATE_MAX
};

enum sa_count {
	SA_COUNT_ATTEMPT,
	SA_COUNT_UP,
	SA_COUNT_DOWN,
	SA_COUNT_NO_ANSWER,
	SA_COUNT_IKE_REFUSED,
	SA_COUNT_CHILD_REFUSED,
	SA_COUNT_COMMAND_REFUSED,
	SA_COUNT_WRONG_MODE,
	SA_COUNT_WRONG_SELECTOR,
	SA_COUNT_FOREIGN,		/* children that are not ours */
	SA_COUNT_CANCELLED,
	SA_COUNT_DUPLICATE,
	SA_COUNT_DUPLICATE_ENDED,
	SA_COUNT_EXPIRED,
	SA_COUNT_VANISHED,		/* from the kernel, behind charon's back */
	SA_COUNT_REKEYED,
	SA_COUNT_IDLE_CLOSED,
	SA_COUNT_RESYNC,
	SA_COUNT_ORPHAN,
	SA_COUNT_STALE_LISTING,
	SA_COUNT_CROWDED,		/* another host at a peer's address */
	SA_COUNT_OVERFLOW,
	__SA_COUNT_MAX
};

const char *sa_state_word(enum sa_state state);
const char *sa_count_word(enum sa_count c);

/* An IKE_SA as charon tells of it; fields that it left out are zero. */
struct sa_ike {
	uint32_t id;			/* charon's uniqueid, a session's own */
	char conn[SA_CONN_MAX];
	struct addr local, remote;
	uint64_t ispi;			/* the initiator's SPI */
	bool initiator;			/* it is us */
	bool connecting;		/* not authenticated yet */
	bool nat;			/* on either side */
	bool nat_remote;
	char identity[SA_IDENTITY_MAX];	/* authenticated; EAP before IKE id */
	/* to be shown, no more: */
	uint64_t rspi;
	uint32_t local_port, remote_port;
	uint32_t established;		/* seconds, when it was told */
	uint32_t key_bits;
	char encr[20], integ[24], prf[24], dh[16];	/* in charon's words */
};

struct sa_child {
	uint32_t id;			/* charon's uniqueid */
	uint32_t spi_in, spi_out;
	uint32_t mark_in, mark_out;
	uint32_t age;			/* ms since it was installed */
	bool installed;			/* or being replaced: usable */
	bool transport;
	bool gre;			/* GRE between the two hosts, no more */
	uint64_t packets;		/* both ways */
};

/* Where IPsec is used from; one profile for each local address. */
struct sa_source {
	struct addr local;
	char profile[64];
	bool nat_marks;			/* peers behind one NAT: by mark */
	uint32_t idle;			/* ms unneeded and unused until closed */
};

struct sa_info {
	struct sa_source source;
	struct addr remote;
	uint32_t mark;			/* of the key */
	uint32_t tx_mark;		/* for packets to the peer */
	enum sa_state state;
	const char *conn;
	const char *identity;		/* of the SA in use, or "" */
	bool ambiguous;			/* SAs of several identities */
	bool nat;
	bool stale;			/* charon is away, or lost it */
	bool fresh;			/* the peer may not have it yet */
	bool coming;			/* not settled: another is about to be made */
	unsigned int need;		/* references */
	unsigned int children;
	uint64_t since;			/* now's clock: of @state */
	uint64_t next;			/* next attempt; 0: none set */
	const char *reason;		/* why not up, or "" */
	const char *crowd;		/* another who wants that address, or "" */
};

enum sa_log { SA_ERR, SA_WARN, SA_NOTICE, SA_INFO, SA_DEBUG };

/* None of these may call back into the core. */
struct sa_ops {
	/* Commands to charon; their failure comes by sa_refused(), or not. */
	void (*load)(void *ctx, const char *conn, const struct sa_source *src,
		     const struct addr *remote);
	void (*unload)(void *ctx, const char *conn);
	void (*initiate)(void *ctx, const char *conn);
	/* Begins with a peer that has a mark or is behind NAT, where it last
	 * was: a charon of ours took @ike to the grave. May be NULL. */
	void (*recall)(void *ctx, const struct sa_ike *ike);
	void (*terminate)(void *ctx, uint32_t ike, bool force);
	void (*rekey)(void *ctx, uint32_t child);
	/* Lists the SAs of @conn, or with @ike that one, or all (NULL, 0):
	 * sa_listed() for each, then sa_list_done() with the same. */
	void (*list)(void *ctx, const char *conn, uint32_t ike);
	/* Notes which SAs the kernel has, before a listing of all, ... */
	void (*snapshot)(void *ctx);
	/* ... and much later deletes those of them that were older than
	 * SA_YOUNG then and that charon did not list, whoever's they are. */
	void (*sweep)(void *ctx);
	/* The kernel had this inbound SA when they were noted; true when that
	 * is not known. */
	bool (*installed)(void *ctx, uint32_t spi);
	/* Packets that came by this inbound SA until now; 0 when not known. */
	uint64_t (*carried)(void *ctx, uint32_t spi);
	/*
	 * The peer has an SA, or another mark or identity than told before.
	 * With @i->fresh each time that the peer makes one: the responder's
	 * kernel sends on it before the initiator can receive. Told when that
	 * begins and when it is done; also when the last one went, with
	 * @i->coming and without an SA, since the next may be here before that
	 * is told as the end.
	 */
	void (*up)(void *ctx, const struct sa_info *i);
	/* Its only SA was of @old before, NAT gave it another address. May get
	 * and put peers. NULL is fine. */
	void (*moved)(void *ctx, const struct sa_info *i,
		      const struct addr *old);
	/* It had one and has none; @i->reason says why. */
	void (*down)(void *ctx, const struct sa_info *i);
	uint32_t (*random)(void *ctx);
	void (*log)(void *ctx, enum sa_log level, const char *text);
};

/* NULL when out of memory. @ops and @ctx must outlive it. */
struct sa *sa_new(const struct sa_ops *ops, void *ctx);
/* Tells and ends nothing: SAs outlive the daemon. References die with it. */
void sa_free(struct sa *s);

/* -EEXIST: the address has another profile; -ENOMEM. Counted: each set wants
 * a del. The last del ends the SAs of that address. */
int sa_source_set(struct sa *s, const struct sa_source *src);
void sa_source_del(struct sa *s, const struct addr *local, uint64_t now);

/*
 * The SA to @remote is needed, until sa_peer_put(). One with a mark is not
 * initiated: the peer, behind NAT, has to. NULL: no such source, or no memory.
 */
struct sa_peer *sa_peer_get(struct sa *s, const struct addr *local,
			    const struct addr *remote, uint32_t mark,
			    uint64_t now);
void sa_peer_put(struct sa *s, struct sa_peer *p, uint64_t now);

/* charon is there, all it told before is void; charon is not there. */
void sa_session_up(struct sa *s, uint64_t now);
void sa_session_lost(struct sa *s, uint64_t now);

/* What connections of @local are made of has changed: those that charon has are
 * loaded again, since peers that begin may find one of them. SAs stay. */
void sa_reload(struct sa *s, const struct addr *local);

/* charon's events. */
void sa_ike_up(struct sa *s, const struct sa_ike *ike, uint64_t now);
void sa_ike_down(struct sa *s, const struct sa_ike *ike, uint64_t now);
void sa_child_up(struct sa *s, const struct sa_ike *ike,
		 const struct sa_child *c, uint64_t now);
void sa_child_down(struct sa *s, uint32_t child, uint64_t now);
void sa_child_rekeyed(struct sa *s, const struct sa_ike *ike,
		      uint32_t old_child, const struct sa_child *c,
		      uint64_t now);
void sa_ike_rekeyed(struct sa *s, uint32_t old_ike, const struct sa_ike *ike,
		    uint64_t now);
/* Why an attempt fails, in its words; before or after the event. */
void sa_said(struct sa *s, const char *conn, const char *words);
/* NAT gave the peer another address: @ike with that in @remote. */
void sa_ike_moved(struct sa *s, const struct sa_ike *ike, uint64_t now);

/* Answers to ops->list: an IKE_SA with @n children. @ok false: not complete. */
void sa_listed(struct sa *s, const struct sa_ike *ike,
	       const struct sa_child *c, unsigned int n, uint64_t now);
void sa_list_done(struct sa *s, const char *conn, uint32_t ike, bool ok,
		  uint64_t now);
/*
 * After all were listed: the kernel sends to @remote by an SA that charon does
 * not have, of a charon that died with the daemon before this one. The peer
 * may need it, and would miss it half a minute late.
 */
void sa_orphan(struct sa *s, const struct addr *local,
	       const struct addr *remote, uint64_t now);
/* charon holds a connection of that name. */
void sa_conn_found(struct sa *s, const char *conn);
/* charon refused load or initiate of @conn, @load which; in its words. */
void sa_refused(struct sa *s, const char *conn, bool load, const char *why,
		uint64_t now);

/* The kernel's events. @hard: the lifetime is over; else it was deleted. */
void sa_spi_gone(struct sa *s, uint32_t spi, bool hard, uint64_t now);
/* A packet for the peer found no SA, though charon may say that there is one. */
void sa_missing(struct sa *s, const struct addr *local,
		const struct addr *remote, uint32_t mark, uint64_t now);
/* All policies, or all SAs, were flushed from outside. */
void sa_flushed(struct sa *s, uint64_t now);

/* When sa_run() has something to do next; UINT64_MAX: never. */
uint64_t sa_deadline(const struct sa *s);
void sa_run(struct sa *s, uint64_t now);

void sa_peer_info(const struct sa_peer *p, struct sa_info *i);
void sa_each_peer(struct sa *s, void (*cb)(void *ctx, const struct sa_info *),
		  void *ctx);

/* A CHILD_SA of a peer, with the IKE_SA that it belongs to. */
struct sa_pair {
	const struct sa_ike *ike;
	const struct sa_child *child;
	uint64_t born, ike_born;	/* now's clock; 0: before it began */
	bool in_use;			/* the one that packets to the peer take */
	bool current;			/* charon has it */
};

void sa_each_child(struct sa *s, const struct addr *local,
		   const struct addr *remote, uint32_t mark,
		   void (*cb)(void *ctx, const struct sa_pair *), void *ctx);

/*
 * The operator's wish: ends the SAs to @remote, or NULL: to all, without
 * waiting for the peer, and forgets its failures. Who is needed is begun anew.
 * How many peers that was; 0 while charon is away.
 */
unsigned int sa_clear(struct sa *s, const struct addr *remote, uint64_t now);

/* False: nothing is known of such a peer. */
bool sa_find(struct sa *s, const struct addr *local, const struct addr *remote,
	     uint32_t mark, struct sa_info *i);
/* charon is there and has told what it holds. */
bool sa_is_current(const struct sa *s);
/* __SA_COUNT_MAX of them. */
const uint64_t *sa_counts(const struct sa *s);

#endif
