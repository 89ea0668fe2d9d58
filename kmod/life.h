/* SPDX-License-Identifier: GPL-2.0 */
/*
 * life: how long an entry of a table counts, and who is told about it. The
 * same for neighbours and shortcuts; struct dmvpn_life is part of both.
 */
#ifndef _DMVPN_LIFE_H
#define _DMVPN_LIFE_H

#include "dmvpn.h"

/* What a request says of it; a member without its has_ keeps its value. */
struct dmvpn_life_set {
	bool has_expires, has_refresh, has_cookie;
	u32 expires_ms, refresh_ms;	/* 0: never, none */
	const void *cookie;
	u8 cookie_len;			/* up to DMVPN_COOKIE_MAX */
};

/* Under the lock of the entry's device; starts the sweep when there is need. */
void dmvpn_life_apply(struct dmvpn_dev *ddev, struct dmvpn_life *life,
		      const struct dmvpn_life_set *set);

enum dmvpn_life_due {
	DMVPN_LIFE_NOTHING,
	DMVPN_LIFE_OVER,	/* tell that it expired, and delete it */
	DMVPN_LIFE_WANTED,	/* tell, once, that it is in use near its end */
};

/* What the sweep has to do about an entry now; under the lock. */
enum dmvpn_life_due dmvpn_life_due(struct dmvpn_life *life);

/*
 * The work of dmvpn_dev::sweep. Once a second, as long as anything has an
 * expiry, it goes through the tables; dmvpn_life_apply() sets it going.
 */
void dmvpn_sweep(struct work_struct *work);

/* Under RCU or the lock. */
static inline bool dmvpn_life_expired(const struct dmvpn_life *life)
{
	/* Pairs with dmvpn_life_apply(). */
	return smp_load_acquire(&life->has_expiry) &&
	       time_after_eq(jiffies, READ_ONCE(life->expires));
}

/* A packet used it. At most one store a second: no line bounces between CPUs. */
static inline void dmvpn_life_use(struct dmvpn_life *life)
{
	if (unlikely(!READ_ONCE(life->ever_used) ||
		     jiffies - READ_ONCE(life->used) >= HZ)) {
		WRITE_ONCE(life->used, jiffies);
		WRITE_ONCE(life->ever_used, true);
	}
}

#endif
