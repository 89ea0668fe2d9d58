/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bucket: a token bucket in one word, without a lock.
 *
 * The word is the time at which all that was taken will have been refilled
 * (GCRA): taking adds @cost to it, and a bucket is empty when it is @depth
 * ahead of now. Zeroed memory is a full bucket. Whoever gets nothing has only
 * read, so a flood that a bucket holds back moves no cache line.
 *
 * Times are nanoseconds, to the jiffy: cost is NSEC_PER_SEC / rate, depth is
 * burst * cost.
 */
#ifndef _DMVPN_BUCKET_H
#define _DMVPN_BUCKET_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/time64.h>

/* The time that the functions below want, of get_jiffies_64(). */
static inline s64 dmvpn_bucket_time(u64 now)
{
	return now * (NSEC_PER_SEC / HZ);
}

/* How much of the depth is taken at the time @ns. */
static inline s64 dmvpn_bucket_used(const atomic64_t *bucket, s64 ns)
{
	return max_t(s64, atomic64_read(bucket) - ns, 0);
}

/* True when @cost was there and is taken; any context. */
static inline bool dmvpn_bucket_take(atomic64_t *bucket, s64 ns, s64 cost,
				     s64 depth)
{
	s64 old = atomic64_read(bucket), full;

	do {
		full = max(old, ns) + cost;
		if (full - ns > depth)
			return false;
	} while (!atomic64_try_cmpxchg(bucket, &old, full));
	return true;
}

#endif
