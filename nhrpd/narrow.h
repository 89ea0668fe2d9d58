/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * narrow: is there a more specific route beneath a prefix? daemon.c asks for
 * the engine, whose answers must not promise what lies elsewhere.
 *
 * The routes of a table are read when they are asked for and have changed
 * since, and not more often than a tenth of the time allows: a routing daemon
 * that learns a full feed costs no more than that. Meanwhile the old answer
 * holds, and narrow_ops->again is called when there is a new one.
 */
#ifndef NHRPD_NARROW_H
#define NHRPD_NARROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "event.h"

#define NARROW_ROUTES	131072		/* of a table; beyond: single addresses */
#define NARROW_TABLES	8		/* kept at a time */

struct narrow;
struct rtnl;

/* @rtnl, @again and @ctx must outlive it; NULL: out of memory. */
struct narrow *narrow_new(struct event_loop *loop, struct rtnl *rtnl,
			  void (*again)(void *ctx), void *ctx);
void narrow_free(struct narrow *n);
/* Routes may have changed: what was read counts no more. NULL is fine. */
void narrow_changed(struct narrow *n);

/*
 * The shortest length, @plen or longer, of a prefix around @dst that holds no
 * route longer than @plen, in the table where the route to @dst is. Addresses
 * of this host are no routes here. All of @dst when there are more than
 * NARROW_ROUTES, @plen when nothing leads to @dst.
 */
uint8_t narrow_length(struct narrow *n, unsigned int vrf,
		      const struct addr *dst, uint8_t plen);

/* ---- for tests: the routes of one table, pure ---- */

struct narrow_route {
	struct addr prefix;
	uint8_t plen;
};

struct narrow_set {
	struct narrow_route *route;
	size_t n, room;
};

/* -ENOMEM, or -E2BIG beyond NARROW_ROUTES. */
int narrow_add(struct narrow_set *s, const struct addr *prefix, uint8_t plen);
/* After the last narrow_add(). */
void narrow_sort(struct narrow_set *s);
uint8_t narrow_find(const struct narrow_set *s, const struct addr *dst,
		    uint8_t plen);

#endif
