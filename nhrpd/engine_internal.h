/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_internal: what the files of the protocol core share. The rooms are
 * iface (an interface, and a family on it), cache (entries), peer (NBMA addresses), nhs (servers
 * used), cluster (which of them), msg (packets as this node fills them),
 * shortcut (prefixes with a next hop of their own), and the procedures
 * register, resolve, redirect, live and purge; engine.c dispatches.
 */
#ifndef NHRPD_ENGINE_INTERNAL_H
#define NHRPD_ENGINE_INTERNAL_H

#define HASH_NONFATAL_OOM 1		/* element's hh.tbl is NULL instead */

#include <uthash.h>

#include "../include/uapi/linux/dmvpn.h"
#include "addr.h"
#include "config.h"
#include "engine.h"
#include "limit.h"
#include "packet.h"
#include "timer.h"

struct entry;
struct iface;
struct link;
struct nhs;
struct shortcut;

#define ENGINE_SECOND 1000		/* ms */

/*
 * Bounds of what others can make us remember, an interface. Pending are
 * outstanding requests, probes and purges.
 */
#define ENGINE_MAX_ENTRIES 131072
#define ENGINE_MAX_PENDING 4096
#define ENGINE_MAX_SHORTCUTS 65536
#define ENGINE_MAX_ANSWERS 16384	/* remembered, to be purged */

/* Why the engine did not do what a packet or an event asked for. */
enum engine_reject {
	REJECT_OFF,			/* no address of its own at the moment */
	REJECT_RATE,			/* more packets than a sender may send */
	REJECT_AUTH,			/* missing or wrong key */
	REJECT_MARTIAN,			/* nobody's own unicast address */
	REJECT_OWN_SOURCE,		/* claims to come from this node */
	REJECT_LOOP,			/* passed here before */
	REJECT_HOPS,			/* hop count used up */
	REJECT_NOT_FOR_ME,		/* registration meant for another */
	REJECT_UNKNOWN_REQUESTER,	/* wants to be passed on, but is unknown */
	REJECT_SPOOFED,			/* sender does not hold that address */
	REJECT_NO_BINDING,		/* nobody registered the target */
	REJECT_PROHIBITED,		/* registration of a foreign address */
	REJECT_NOT_UNIQUE,		/* address is held by another */
	REJECT_NO_RESOURCES,		/* table full or out of memory */
	REJECT_UNSOLICITED,		/* reply to nothing that was asked */
	REJECT_NOT_DIRECT,		/* probe answered on another path */
	REJECT_BAD_REPLY,		/* reply that cannot be used */
	REJECT_BAD_CIE,			/* missing, or more than one */
	REJECT_PURGE,			/* purge by one who may not */
	REJECT_UNKNOWN_EXTENSION,	/* compulsory */
	REJECT_NO_NHS,			/* nobody to ask */
	REJECT_UNSENDABLE,		/* too long with what we add */
	REJECT_UNSUPPORTED,		/* type without a procedure here */
	REJECT_REDIRECT_OFF,		/* redirect, shortcut: not configured */
	REJECT_STRANGER,		/* indication: we send nothing there */
	REJECT_BAD_QUOTE,		/* indication: no packet of this family */
	REJECT_NOT_OURS,		/* indication: we did not send that */
	REJECT_OFF_TUNNEL,		/* the route does not lead through here */
	REJECT_COVERED,			/* indication: known already */
	REJECT_PENDING,			/* asked for already, answer awaited */
	REJECT_IDENTITY,		/* against `authorize` */
	REJECT_NO_IDENTITY,		/* who registers is not known */
	REJECT_TOO_MANY,		/* addresses for one that registers */
	__REJECT_MAX
};

struct engine {
	const struct engine_ops *ops;
	void *ctx;
	uint64_t now;			/* of the call being served */
	struct timers timers;
	struct link *links;		/* hash by ifindex */
	struct timer sweep;		/* the FIB changed: shortcut.c */
	bool sweep_wanted, sweeping;
};

/* A packet being handled. */
struct rx {
	struct iface *iface;
	struct nhrp_packet *p;		/* handlers may change it */
	const struct addr *nbma;	/* outer source */
	uint32_t mark;
	const uint8_t *buf;
	size_t len;
};

/* Random ms between three quarters of @ms and @ms. */
uint64_t engine_jitter(struct engine *e, uint64_t ms);
uint32_t engine_random(struct engine *e);

/* One log line, "NAME: TEXT". */
void engine_say(struct iface *i, enum engine_log level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for what packets of others trigger: rate limited. */
void engine_complain(struct iface *i, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* ops->event. */
void engine_event(struct iface *i, const char *what, const struct addr *proto,
		  const struct addr *nbma, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void engine_reject(struct iface *i, enum engine_reject why);

/* register.c */
void register_start(struct nhs *n);	/* a new series, now */
void register_stop(struct nhs *n);
/* Asks an NHS that is up at @at, and gives up 3 s later without an answer. */
void register_hasten(struct nhs *n, uint64_t at);
/* The NHS got an SA: it is registered with at once; or lost it. */
void register_sa(struct nhs *n, bool up);
void register_withdraw(struct nhs *n);	/* tells the NHS that we are gone */
void register_request(struct rx *rx);
void register_reply(struct rx *rx);
/* @rx is an Error Indication about @offender, a registration of ours. */
void register_error(struct rx *rx, const struct nhrp_packet *offender);

/* resolve.c */
void resolve_ask(struct entry *e);	/* unless asked already */
void resolve_probe(struct entry *e);	/* unless being probed already */
void resolve_cancel(struct entry *e);	/* both */
/* Data may not take the path to @e yet; false: somebody else protects it. */
bool resolve_needs_proof(const struct entry *e);
/* Has it proved by a probe, when there is the SA that it needs. */
void resolve_prove(struct entry *e);
/* The peer that @e points to got an SA, or lost it; @fresh: see engine_sa(). */
void resolve_sa(struct entry *e, bool up, bool fresh);
/* Why an entry is not up; "" when it is. Static or in @buf. */
const char *resolve_reason(const struct entry *e, char *buf, size_t len);
void resolve_request(struct rx *rx);
void resolve_reply(struct rx *rx);
/* Our own entry, there for show: @who knows us by it for @hold seconds. */
void resolve_note_local(struct iface *i, const struct addr *who,
			unsigned int hold);
/* The sender may have packets passed on; a refusal is counted and logged. */
bool resolve_may_pass(struct rx *rx);
void resolve_error(struct rx *rx, const struct nhrp_packet *offender);
/* An NHS came up: what was refused or waits is asked again. */
void resolve_retry_all(struct iface *i);
/* Own NBMA address changed: direct paths have to be proved again. */
void resolve_moved(struct iface *i);

/* What a request for @dst is answered with; false: not by this node. */
bool resolve_covering(struct iface *i, const struct addr *dst, uint8_t *plen);
/* @plen, or longer: nothing in the FIB beneath it is more specific. */
uint8_t resolve_narrow(struct iface *i, const struct addr *dst, uint8_t plen);
/*
 * Data wants @a: asks or probes. @target: @a is a destination, not a next hop.
 * False: that is being done, or was refused a moment ago.
 */
bool resolve_want(struct iface *i, const struct addr *a, bool target);

/* redirect.c: a Traffic Indication */
void redirect_indication(struct rx *rx);

/* secure.c */
/* What IPsec says of the peer; unknown where nobody here makes SAs. */
struct engine_sa secure_sa(const struct link *l, const struct addr *nbma,
			   uint32_t mark);
/* It is known that the peer has no SA: nothing would arrive. */
bool secure_is_down(const struct link *l, const struct addr *nbma,
		    uint32_t mark);
/*
 * A registration came through an SA that is not known of yet, or its sender
 * has to be known and is not: better not answered than refused.
 */
bool secure_too_early(const struct rx *rx);
/* The sender's identity, or "". */
const char *secure_identity(const struct rx *rx);
/*
 * Whoever is at @nbma has an identity, or none that can be told, that no
 * `authorize` line gives @a/@plen. False without such lines, for an NHS, and
 * as long as he has no SA: nothing of ours goes there before he has one.
 */
bool secure_forbids(const struct iface *i, const struct addr *nbma,
		    uint32_t mark, const struct addr *a, uint8_t plen);
/*
 * The sender may speak of @a, which is not registered here, as the NHS of
 * whoever has it: in a protected cloud that takes an `authorize` line.
 */
bool secure_speaks_for(const struct rx *rx, const struct addr *a);
/*
 * Who may register what. NULL: he may, and *@owner is whom the address belongs
 * to, 0: nobody in particular; else why not, *@code with it and what to count.
 */
const char *secure_objection(const struct rx *rx, const struct entry *e,
			     uint64_t *owner, enum nhrp_code *code,
			     enum engine_reject *count);
/* @e, registered, is now that identity's, 0: nobody's; false: out of memory. */
bool secure_own(struct entry *e, uint64_t owner);
/* The identity that registered @e has an SA from there. */
bool secure_is_owner(const struct entry *e, const struct addr *nbma,
		     uint32_t mark);
/*
 * An SA came or went where @e, registered, is: nothing of ours goes there but
 * to the identity that registered it. Where none is known, it is who he was.
 */
void secure_place(struct entry *e);
void secure_free_all(struct iface *i);	/* whose was what */

/* live.c */
/* Three probes of @e, which was up, were not answered. */
void live_lost(struct entry *e);
/* A probe came from a peer: maybe it does not hear us, or hears us again. */
void live_suspected(const struct rx *rx);

/* purge.c */
/* Tells @to (at @nbma) that what it knows of @about at @old is void. */
void purge_send(struct iface *i, const struct addr *to, const struct addr *nbma,
		uint32_t mark, const struct addr *about, const struct addr *old);
/* Remembers that @who, at @nbma, was told of the prefix around @dst. @asker is
 * who is known to have asked: he pays for the room that this takes. */
void purge_note_answer(struct iface *i, const struct addr *who,
		       const struct addr *nbma, const struct addr *asker,
		       const struct addr *dst, uint8_t plen);
/*
 * The FIB changed: whoever was told of a prefix that is not so any more hears
 * of it. Looks at @batch of them at most, returns how many of these are left;
 * purge_check_start() begins at the first.
 */
void purge_check_start(struct iface *i);
unsigned int purge_check_answers(struct iface *i, unsigned int batch);
/* Tells all who were told of @e that it is void now. */
void purge_told(struct entry *e);
void purge_drop_all(struct iface *i);
void purge_request(struct rx *rx);
void purge_reply(struct rx *rx);

#endif
