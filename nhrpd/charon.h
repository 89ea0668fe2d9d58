/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * charon: strongSwan's daemon as nhrpd uses it: sa.c's core on a VICI session
 * (vici.c) and the kernel's SAs (xfrm.c).
 *
 * Connections are loaded over VICI: one for each source that takes whatever
 * peer comes, and one for each peer just before it is initiated. What charon
 * needs from its own files are secrets and certificates.
 */
#ifndef NHRPD_CHARON_H
#define NHRPD_CHARON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "config.h"
#include "event.h"
#include "sa.h"
#include "vici.h"
#include "xfrm.h"

#define CHARON_CHILD		"gre"	/* of every connection of ours */
#define CHARON_ANY_PREFIX	"nhrpd-any-"
#define CHARON_CHILDREN_MAX	64	/* of one IKE_SA that are looked at */

struct charon_ops {
	void (*up)(void *ctx, const struct sa_info *i);
	void (*down)(void *ctx, const struct sa_info *i);
	/* NULL is fine, here and below. */
	void (*moved)(void *ctx, const struct sa_info *i,
		      const struct addr *old);
	/* Of @local's marks only those count that have an SA; before charon
	 * hands out any other. */
	void (*forget_marks)(void *ctx, const struct addr *local);
};

struct charon;

/*
 * The load-conn request, in @buf; its length, or -EMSGSIZE. @remote NULL: for
 * whatever peer comes. Pure.
 */
int charon_build_load(uint8_t *buf, size_t size, const char *conn,
		      const struct conf_profile *p, const struct addr *local,
		      const struct addr *remote);

/* An IKE_SA with its CHILD_SAs, as in list-sa and in the events. */
struct charon_sa {
	struct sa_ike ike;
	unsigned int n;
	struct sa_child child[CHARON_CHILDREN_MAX];
};

/* Reads the section @name of an event. False, with the key in *wrong, when it
 * makes no sense. Pure. */
bool charon_read_sa(const struct vici_str *name, const struct vici_body *at,
		    struct charon_sa *sa, const char **wrong);

/* @path: charon's socket; @owner: whose it must be. NULL: no memory. */
struct charon *charon_new(struct event_loop *loop, const char *path,
			  unsigned int owner, struct xfrm *xfrm,
			  const struct charon_ops *ops, void *ctx);
/* SAs and connections stay. The loop does not turn any more. NULL is fine. */
void charon_free(struct charon *c);

/* The core: references to peers, lists, counters. */
struct sa *charon_sa(struct charon *c);
struct vici *charon_vici(struct charon *c);

/* Why nothing can be asked of charon, as part of a sentence; "": it can. */
const char *charon_trouble(struct charon *c);
/* For tests: how long a session is old when it is first looked whether charon
 * still has the connections that peers find, and how often then; ms. */
void charon_set_checks(struct charon *c, unsigned int first, unsigned int each);

/* What charon refused last, in its words, since the session began; "". */
const char *charon_refusal(struct charon *c);

/*
 * IPsec of profile @p is used from @local; @p is copied. Counted, see
 * sa_source_set(). What is new in @p counts for SAs made from then on.
 */
int charon_source_set(struct charon *c, const struct conf_profile *p,
		      const struct addr *local);
/* Certificates that profiles name may be others in the same file. */
void charon_reload(struct charon *c);
/* It is used from there, and the profile is exactly @p. */
bool charon_source_is(struct charon *c, const struct conf_profile *p,
		      const struct addr *local);
/* The name of the profile there; "": none. */
const char *charon_source_profile(struct charon *c, const struct addr *local);
void charon_source_del(struct charon *c, const struct addr *local);

/* For xfrm_ops; @ctx is the charon. */
void charon_sa_gone(void *ctx, uint32_t spi, bool hard);
void charon_flushed(void *ctx);

#endif
