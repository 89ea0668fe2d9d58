/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limit: a token bucket, so that no sender can make us work without end. */
#ifndef NHRPD_LIMIT_H
#define NHRPD_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {				/* all zero: full */
	uint64_t last;			/* ms */
	uint32_t used;			/* thousandths of a token */
};

/* Takes one token of @burst that come back at @rate a second. */
static inline bool limit_take(struct limit *l, uint64_t now, uint32_t rate,
			      uint32_t burst)
{
	uint64_t back = (now - l->last) * rate;

	l->used = back >= l->used ? 0 : l->used - (uint32_t)back;
	l->last = now;
	if (l->used + 1000 > burst * 1000)
		return false;
	l->used += 1000;
	return true;
}

#endif
