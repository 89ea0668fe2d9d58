/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timer: deadlines, ordered. A timer is part of the object that it serves, so
 * that setting one can never fail; a pairing heap keeps the earliest on top.
 */
#ifndef NHRPD_TIMER_H
#define NHRPD_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
	uint64_t at;			/* ms of the engine's clock */
	void (*fn)(struct timer *t);
	bool armed;
	struct timer *child, *next, *prev;	/* prev: parent of a first child */
};

struct timers {
	struct timer *root;
};

/* (Re)arms @t, whose fn the caller has set, for @at. O(1) when not armed. */
void timer_set(struct timers *h, struct timer *t, uint64_t at);
/* Disarms @t; fine when it is not armed. */
void timer_stop(struct timers *h, struct timer *t);
/* Takes one timer due at @now off the heap, NULL when none is. */
struct timer *timer_due(struct timers *h, uint64_t now);

#endif
