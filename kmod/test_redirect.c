// SPDX-License-Identifier: GPL-2.0
/*
 * test_redirect: KUnit suite of redirect.c's limits and of bucket.h, with a
 * clock of its own.
 */
#include <kunit/test.h>
#include <linux/mm.h>

#include "bucket.h"
#include "redirect.h"

#define INTERVAL	(8 * HZ)
#define START		(1000000ULL * HZ)

static int limits_init(struct kunit *test)
{
	struct dmvpn_dev *ddev = kunit_kzalloc(test, sizeof(*ddev), GFP_KERNEL);
	struct dmvpn_conf conf = { .flags = DMVPN_LINK_F_REDIRECT };
	int err;

	KUNIT_ASSERT_NOT_NULL(test, ddev);
	rtnl_lock();
	err = dmvpn_redirect_init(ddev, &conf);
	rtnl_unlock();
	test->priv = ddev;
	return err;
}

static void limits_exit(struct kunit *test)
{
	dmvpn_redirect_destroy(test->priv);
}

static struct dmvpn_redirect *limits(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;

	return rcu_dereference_protected(ddev->redirect, true);
}

/* A key as good as a hash of what it stands for. */
static u64 key(u32 peer, u32 n)
{
	return (u64)jhash_2words(peer, n, 1) << 32 | jhash_2words(peer, n, 2);
}

static void interval_holds(struct kunit *test)
{
	struct dmvpn_redirect *rd = limits(test);
	atomic64_t peer = { };
	u64 t;

	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 1),
						       INTERVAL, START));
	for (t = START; t < START + INTERVAL; t++)
		if (dmvpn_redirect_allowed(rd, &peer, key(1, 1), INTERVAL, t))
			KUNIT_FAIL(test, "again after %llu", t - START);
	/* Others are not held back by it. */
	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 2),
						       INTERVAL, START));
	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 1),
						       INTERVAL, t));
}

/* The time of the next one for a key whose packets go on each jiffy. */
static u64 next_told(struct dmvpn_redirect *rd, atomic64_t *peer, u64 t)
{
	while (!dmvpn_redirect_allowed(rd, peer, key(1, 1), INTERVAL, t))
		t++;
	return t;
}

static void backoff_grows_and_ends(struct kunit *test)
{
	static const unsigned int waits[] = {
		8, 16, 32, 64, 128, 256, 360, 360, 360
	};
	struct dmvpn_redirect *rd = limits(test);
	u64 told = START, next;
	atomic64_t peer = { };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, told, next_told(rd, &peer, told));
	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		next = next_told(rd, &peer, told + 1);
		KUNIT_EXPECT_EQ(test, (u64)waits[i] * HZ, next - told);
		told = next;
	}
	/* A minute of silence after its end: anew. */
	told = next_told(rd, &peer, told + (360 + 60) * HZ);
	next = next_told(rd, &peer, told + 1);
	KUNIT_EXPECT_EQ(test, 8ULL * HZ, next - told);
	/* A shorter one, and it goes on where it was. */
	told = next_told(rd, &peer, next + (16 + 59) * HZ);
	next = next_told(rd, &peer, told + 1);
	KUNIT_EXPECT_EQ(test, 32ULL * HZ, next - told);
	/* Also across the end of the 32 bits that a slot keeps of the time. */
	told = next_told(rd, &peer, told + U32_MAX - 100);
	next = next_told(rd, &peer, told + 1);
	KUNIT_EXPECT_EQ(test, 8ULL * HZ, next - told);
}

/* A shorter interval counts at once, whatever an old one has left behind. */
static void interval_changes(struct kunit *test)
{
	struct dmvpn_redirect *rd = limits(test);
	atomic64_t peer = { };
	u64 k = key(1, 1);

	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, k,
						       3600 * HZ, START));
	KUNIT_EXPECT_FALSE(test, dmvpn_redirect_allowed(rd, &peer, k, 3600 * HZ,
							START + 3599 * HZ));
	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, k, HZ,
						       START + HZ));
}

static void lost_is_forgotten(struct kunit *test)
{
	struct dmvpn_redirect *rd = limits(test);
	atomic64_t peer = { };
	unsigned int told = 0, i;

	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 1),
						       INTERVAL, START));
	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 2),
						       INTERVAL, START));
	dmvpn_redirect_forget(rd, key(1, 1));
	KUNIT_EXPECT_TRUE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 1),
						       INTERVAL, START));
	KUNIT_EXPECT_FALSE(test, dmvpn_redirect_allowed(rd, &peer, key(1, 2),
							INTERVAL, START));
	/* The bucket bounds even what is never heard. */
	for (i = 0; i < 10 * HZ; i++) {
		told += dmvpn_redirect_allowed(rd, &peer, key(1, 1), INTERVAL,
					       START + i);
		dmvpn_redirect_forget(rd, key(1, 1));
	}
	KUNIT_EXPECT_LE(test, told, 64 + 10 * 2);
	KUNIT_EXPECT_GE(test, told, 64);
}

#define HOSTILE		50
#define FLOWS		2000
#define SECONDS		60

/* What a flood of HOSTILE * FLOWS keys was told in SECONDS. */
struct flood {
	atomic64_t peer[HOSTILE];
	u32 told[HOSTILE];		/* how often */
	u32 last[HOSTILE * FLOWS];	/* jiffies after START, 0: never */
	u32 early, total;
};

/* Each peer sends a packet of each of its flows about every second. */
static void flood_jiffy(struct dmvpn_redirect *rd, struct flood *f, u32 t)
{
	unsigned int p, i, n;

	for (p = 0; p < HOSTILE; p++) {
		for (i = 0; i < FLOWS / HZ; i++) {
			n = (t * (FLOWS / HZ) + i) % FLOWS;
			if (!dmvpn_redirect_allowed(rd, &f->peer[p], key(p, n),
						    INTERVAL, START + t))
				continue;
			f->told[p]++;
			f->total++;
			n += p * FLOWS;
			f->early += f->last[n] && t - f->last[n] < INTERVAL;
			f->last[n] = t;
		}
	}
}

static void hostile_do_not_starve(struct kunit *test)
{
	struct dmvpn_redirect *rd = limits(test);
	struct flood *f = kvzalloc(sizeof(*f), GFP_KERNEL);
	u32 t, p, low = U32_MAX, high = 0;
	atomic64_t fresh;

	KUNIT_ASSERT_NOT_NULL(test, f);
	for (t = 1; t < SECONDS * HZ; t++) {
		flood_jiffy(rd, f, t);
		/* Ten times a second one whom nobody has heard of. */
		if (t % (HZ / 10))
			continue;
		atomic64_set(&fresh, 0);
		if (!dmvpn_redirect_allowed(rd, &fresh, key(HOSTILE + t, 0),
					    INTERVAL, START + t))
			KUNIT_FAIL(test, "a new pair waits at %u", t);
	}
	for (p = 0; p < HOSTILE; p++) {
		low = min(low, f->told[p]);
		high = max(high, f->told[p]);
	}
	kunit_info(test, "%u told, %u to %u a peer, %u before the interval",
		   f->total, low, high, f->early);
	/* Nobody gets more than his share, nobody much less than another. */
	KUNIT_EXPECT_LE(test, high, 64 + SECONDS * 2);
	KUNIT_EXPECT_GE(test, low, SECONDS * 2);
	/* Memory is bounded, so a promise may break, but hardly ever. */
	KUNIT_EXPECT_LE(test, f->early, f->total / 100);
	kvfree(f);
}

/* So many that the device's bucket holds them back, not their own. */
static void crowd_shares(struct kunit *test)
{
	enum { CROWD = 1000 };
	struct dmvpn_redirect *rd = limits(test);
	atomic64_t *peer = kvcalloc(CROWD, sizeof(*peer), GFP_KERNEL);
	u32 *told = kvcalloc(CROWD, sizeof(*told), GFP_KERNEL);
	u32 t, p, n, total = 0, high = 0;

	KUNIT_ASSERT_NOT_NULL(test, peer);
	KUNIT_ASSERT_NOT_NULL(test, told);
	for (t = 0; t < 20 * HZ; t++) {
		for (n = 0; n < CROWD / 4; n++) {
			p = (t * 7919 + n) % CROWD;
			told[p] += dmvpn_redirect_allowed(rd, &peer[p],
							  key(p, t), INTERVAL,
							  START + t);
		}
	}
	for (p = 0; p < CROWD; p++) {
		total += told[p];
		high = max(high, told[p]);
	}
	kunit_info(test, "%u told, at most %u a peer", total, high);
	KUNIT_EXPECT_LE(test, total, 256 + 20 * 512);
	KUNIT_EXPECT_GE(test, total, 20 * 512 * 9 / 10);
	KUNIT_EXPECT_LE(test, high, 4 * total / CROWD);
	kvfree(told);
	kvfree(peer);
}

static void bucket(struct kunit *test)
{
	atomic64_t b = { };
	s64 cost = NSEC_PER_SEC / 100, ns = NSEC_PER_SEC * 5LL;
	unsigned int n, i;

	for (n = 0; dmvpn_bucket_take(&b, ns, cost, 50 * cost); n++)
		;
	KUNIT_EXPECT_EQ(test, 50, n);
	KUNIT_EXPECT_EQ(test, 50 * cost, dmvpn_bucket_used(&b, ns));
	KUNIT_EXPECT_FALSE(test, dmvpn_bucket_take(&b, ns + cost - 1, cost,
						   50 * cost));
	KUNIT_EXPECT_TRUE(test, dmvpn_bucket_take(&b, ns + cost, cost,
						  50 * cost));
	for (n = 0, i = 0; i < 10000; i++)
		n += dmvpn_bucket_take(&b, ns + cost + i * (cost / 10), cost,
				       50 * cost);
	KUNIT_EXPECT_EQ(test, 999, n);
	/* Long idle: full, not more. */
	ns *= 1000;
	KUNIT_EXPECT_EQ(test, 0, dmvpn_bucket_used(&b, ns));
	for (n = 0; dmvpn_bucket_take(&b, ns, cost, 50 * cost); n++)
		;
	KUNIT_EXPECT_EQ(test, 50, n);
}

static struct kunit_case redirect_cases[] = {
	KUNIT_CASE(bucket),
	KUNIT_CASE(interval_holds),
	KUNIT_CASE(backoff_grows_and_ends),
	KUNIT_CASE(interval_changes),
	KUNIT_CASE(lost_is_forgotten),
	KUNIT_CASE(hostile_do_not_starve),
	KUNIT_CASE(crowd_shares),
	{ }
};

static struct kunit_suite redirect_suite = {
	.name = "dmvpn_redirect",
	.init = limits_init,
	.exit = limits_exit,
	.test_cases = redirect_cases,
};

kunit_test_suite(redirect_suite);
