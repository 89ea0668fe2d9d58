/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event: the event loop. Only event.c knows which library turns it.
 *
 * One thread. A turn is: run what is ready, then the after-turn hooks, then
 * sleep. Whatever is batched (netlink requests, NHRP frames) leaves in a hook,
 * so that one turn costs one system call a socket. Times are milliseconds of
 * CLOCK_BOOTTIME: holding times go on while the machine is suspended.
 */
#ifndef NHRPD_EVENT_H
#define NHRPD_EVENT_H

#include <stdint.h>

#include "addr.h"

#define EVENT_READ	1u
#define EVENT_WRITE	2u

struct event_loop;
struct event_fd;
struct event_timer;

/* Now, in milliseconds of CLOCK_BOOTTIME. */
uint64_t event_now(void);

/* NULL when out of memory. Free everything added to the loop before it. */
struct event_loop *event_loop_new(void);
void event_loop_free(struct event_loop *l);
/* Turns until event_loop_stop(), then may be called again. 0, or -errno when
 * the loop cannot go on. */
int event_loop_run(struct event_loop *l);
/* The loop ends after this turn; may be called from any callback. */
void event_loop_stop(struct event_loop *l);
/* Calls @cb after each turn, hooks in the order in which they were added;
 * once before the first turn too. -ENOMEM. */
int event_after_turn(struct event_loop *l, void (*cb)(void *ctx), void *ctx);

/*
 * Watches @fd for @what (EVENT_*); @cb gets what is ready (an error or hang-up
 * counts as EVENT_READ). NULL when out of memory. The descriptor stays the
 * caller's: free the watch, then close. Freeing within @cb is fine.
 */
struct event_fd *event_fd_new(struct event_loop *l, int fd, unsigned int what,
			      void (*cb)(void *ctx, unsigned int what),
			      void *ctx);
/* Watches for @what from now on, 0: pauses. */
void event_fd_want(struct event_fd *f, unsigned int what);
/* NULL is fine. */
void event_fd_free(struct event_fd *f);

/* A timer that is not set. NULL when out of memory or descriptors. */
struct event_timer *event_timer_new(struct event_loop *l,
				    void (*cb)(void *ctx), void *ctx);
/* Fires once at @when of event_now(), at once when that is over; replaces
 * what was set; UINT64_MAX: never. */
void event_timer_set(struct event_timer *t, uint64_t when);
/* NULL is fine. */
void event_timer_free(struct event_timer *t);

/* Calls @cb in the loop when @signo arrives. Lives as long as the loop. */
int event_signal(struct event_loop *l, int signo, void (*cb)(void *ctx),
		 void *ctx);

/*
 * Looks the addresses of @name up, of AF_INET or AF_INET6. @cb comes exactly once, later and
 * never within this call, unless the loop is freed before; @n 0: the name
 * does not resolve now. -ENOMEM or -EINVAL without a callback.
 */
int event_lookup(struct event_loop *l, const char *name, int family,
		 void (*cb)(void *ctx, const char *name,
			    const struct addr *addrs, unsigned int n),
		 void *ctx);

#endif
