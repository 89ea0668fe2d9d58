// SPDX-License-Identifier: GPL-2.0
/*
 * test_shortcut: KUnit suite of the table of shortcuts; see test.c. The table
 * is held against a model that knows nothing of tables: an array of prefixes,
 * all of them looked at for each answer. The suite runs once for each family,
 * the model with both at a time.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/etherdevice.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include "shortcut.h"

static bool ipv6;	/* the family of what follows */

static struct in6_addr address(u32 first, u32 last)
{
	struct in6_addr addr = { };

	if (ipv6) {
		addr.s6_addr32[0] = htonl(first);
		addr.s6_addr32[3] = htonl(last);
	} else {
		dmvpn_addr_set4(&addr, htonl(first + last));
	}
	return addr;
}

/* a.b.c.d, or an IPv6 address that begins with these bytes. */
#define A(a, b, c, d) address((a) << 24 | (b) << 16 | (c) << 8 | (d), 0)
#define VIA(n) address(0xc0a80000, n)		/* 192.168.0.n, c0a8::n */
#define NEXTHOP(n) address(0xac100000, n)	/* 172.16.0.n, ac10::n */
#define NONE in6addr_any

static void sweep_never(struct work_struct *work)
{
}

static int shortcut_init(struct kunit *test)
{
	struct dmvpn_dev *ddev = kunit_kzalloc(test, sizeof(*ddev), GFP_KERNEL);
	struct dmvpn_conf *conf = kunit_kzalloc(test, sizeof(*conf),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ddev);
	KUNIT_ASSERT_NOT_NULL(test, conf);
	conf->max_shortcuts = 8192;
	RCU_INIT_POINTER(ddev->conf, conf);
	ddev->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, ddev->dev);
	mutex_init(&ddev->lock);
	INIT_DELAYED_WORK(&ddev->sweep, sweep_never);
	KUNIT_ASSERT_EQ(test, 0, dmvpn_shortcuts_init(ddev));
	test->priv = ddev;
	ipv6 = false;
	return 0;
}

static int shortcut6_init(struct kunit *test)
{
	int err = shortcut_init(test);

	ipv6 = true;
	return err;
}

static void shortcut_exit(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;

	mutex_lock(&ddev->lock);
	dmvpn_shortcut_del_all(ddev);
	mutex_unlock(&ddev->lock);
	cancel_delayed_work_sync(&ddev->sweep);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, 0, ddev->n_shortcuts);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(ddev->shortcut_lens[0],
					     DMVPN_PREFIX_BITS + 1));
	KUNIT_EXPECT_TRUE(test, bitmap_empty(ddev->shortcut_lens[1],
					     DMVPN_PREFIX_BITS + 1));
	dmvpn_shortcuts_destroy(ddev);
	free_netdev(ddev->dev);
}

static int set(struct dmvpn_dev *ddev, struct in6_addr addr, u32 len,
	       struct in6_addr nexthop, struct in6_addr via, u32 expires_ms)
{
	struct dmvpn_shortcut_set set = {
		.nexthop = nexthop,
		.via = via,
		.life.has_expires = true,
		.life.expires_ms = expires_ms,
	};
	struct dmvpn_shortcut *s;
	int err;

	dmvpn_prefix_make(&set.prefix, &addr, len);
	mutex_lock(&ddev->lock);
	err = dmvpn_shortcut_set(ddev, &set, &s, NULL);
	mutex_unlock(&ddev->lock);
	return err;
}

static struct dmvpn_shortcut *find(struct dmvpn_dev *ddev,
				   struct in6_addr addr, u32 len)
{
	struct dmvpn_prefix prefix;
	struct dmvpn_shortcut *s;

	dmvpn_prefix_make(&prefix, &addr, len);
	mutex_lock(&ddev->lock);
	s = dmvpn_shortcut_find(ddev, &prefix);
	mutex_unlock(&ddev->lock);
	return s;
}

static void del(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s)
{
	mutex_lock(&ddev->lock);
	dmvpn_shortcut_del(ddev, s);
	mutex_unlock(&ddev->lock);
}

/* The n of NEXTHOP(n), VIA(n). */
static u32 number(const struct in6_addr *addr)
{
	return ntohl(addr->s6_addr32[3]) & U16_MAX;
}

/* Number of the next hop of what counts for @dst; 0: nothing does. */
static u32 look(struct dmvpn_dev *ddev, struct in6_addr dst,
		struct in6_addr routed)
{
	const struct dmvpn_shortcut *s;
	u32 nexthop;

	rcu_read_lock();
	s = dmvpn_shortcut_lookup(ddev, &dst, &routed);
	nexthop = s ? number(&s->nexthop) : 0;
	rcu_read_unlock();
	return nexthop;
}

static bool bit_of(const struct in6_addr *addr, unsigned int n)
{
	n += 128 - dmvpn_addr_bits(addr);
	return addr->s6_addr[n / 8] >> (7 - n % 8) & 1;
}

static struct in6_addr flip(struct in6_addr addr, unsigned int n)
{
	n += 128 - dmvpn_addr_bits(&addr);
	addr.s6_addr[n / 8] ^= 0x80 >> n % 8;
	return addr;
}

static void prefix_cuts(struct kunit *test)
{
	struct in6_addr full = A(255, 255, 255, 255);
	unsigned int bits = dmvpn_addr_bits(&full), len, i, ones;
	struct dmvpn_prefix p;

	KUNIT_ASSERT_EQ(test, ipv6 ? 128 : 32, bits);
	if (ipv6)
		memset(&full, 0xff, sizeof(full));
	for (len = 0; len <= bits; len++) {
		dmvpn_prefix_make(&p, &full, len);
		KUNIT_EXPECT_EQ(test, len, p.len);
		KUNIT_ASSERT_EQ(test, bits, dmvpn_addr_bits(&p.addr));
		for (i = 0, ones = 0; i < bits; i++)
			ones += bit_of(&p.addr, i);
		KUNIT_EXPECT_EQ(test, len, ones);
		KUNIT_EXPECT_TRUE(test, !len || bit_of(&p.addr, len - 1));
	}
}

static void longest_wins(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	unsigned int len, bits = ipv6 ? 128 : 32;

	/* One prefix of each length round one address. */
	for (len = 0; len <= bits; len++)
		KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 2, 3), len,
					     NEXTHOP(len + 1), NONE, 0));
	for (len = bits; len > 0; len--) {
		KUNIT_EXPECT_EQ(test, len + 1,
				look(ddev, A(10, 1, 2, 3), VIA(1)));
		/* Its last bit turned, the next shorter one is the answer. */
		KUNIT_EXPECT_EQ(test, len,
				look(ddev, flip(A(10, 1, 2, 3), len - 1),
				     VIA(1)));
		del(ddev, find(ddev, A(10, 1, 2, 3), len));
	}
	KUNIT_EXPECT_EQ(test, 1, look(ddev, A(200, 1, 2, 3), VIA(1)));
	del(ddev, find(ddev, A(0, 0, 0, 0), 0));
	KUNIT_EXPECT_EQ(test, 0, look(ddev, A(10, 1, 2, 3), VIA(1)));
}

static void via_guards(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 0, 0), 16, NEXTHOP(1),
				     VIA(1), 0));
	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 2, 0), 24, NEXTHOP(2),
				     VIA(2), 0));
	/* The longer one was learnt under another next hop: as if absent. */
	KUNIT_EXPECT_EQ(test, 1, look(ddev, A(10, 1, 2, 3), VIA(1)));
	KUNIT_EXPECT_EQ(test, 2, look(ddev, A(10, 1, 2, 3), VIA(2)));
	KUNIT_EXPECT_EQ(test, 0, look(ddev, A(10, 1, 2, 3), VIA(3)));
}

static void change_replaces(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_shortcut *s;
	u32 id;

	KUNIT_EXPECT_EQ(test, -EINVAL, set(ddev, A(10, 1, 0, 0), 16, NONE,
					   NONE, 0));
	KUNIT_EXPECT_EQ(test, 0, ddev->n_shortcuts);
	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 0, 0), 16, NEXTHOP(1),
				     VIA(1), 5000));
	id = find(ddev, A(10, 1, 0, 0), 16)->id;
	KUNIT_EXPECT_EQ(test, 1, look(ddev, A(10, 1, 2, 3), VIA(1)));
	/* What is not given stays, the id too. */
	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 0, 0), 16, NEXTHOP(2),
				     NONE, 0));
	s = find(ddev, A(10, 1, 0, 0), 16);
	KUNIT_EXPECT_EQ(test, id, s->id);
	KUNIT_EXPECT_EQ(test, 1, number(&s->via));
	KUNIT_EXPECT_EQ(test, 2, number(&s->nexthop));
	KUNIT_EXPECT_FALSE(test, s->life.has_expiry);
	KUNIT_EXPECT_PTR_EQ(test, s, (struct dmvpn_shortcut *)
				     xa_load(&ddev->shortcut_ids, id));
	KUNIT_EXPECT_EQ(test, 1, ddev->n_shortcuts);
	/* Nothing is left of it when it is made anew. */
	del(ddev, s);
	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 0, 0), 16, NEXTHOP(2),
				     NONE, 0));
	s = find(ddev, A(10, 1, 0, 0), 16);
	KUNIT_EXPECT_GT(test, s->id, id);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_any(&s->via));
}

static void limit_holds(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_conf *conf = rcu_dereference_protected(ddev->conf, true);

	conf->max_shortcuts = 0;
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(ddev, A(0, 0, 0, 0), 0, NEXTHOP(1),
					   NONE, 0));
	conf->max_shortcuts = 2;
	KUNIT_EXPECT_EQ(test, 0, set(ddev, A(10, 0, 0, 0), 8, NEXTHOP(1), NONE,
				     0));
	KUNIT_EXPECT_EQ(test, 0, set(ddev, A(11, 0, 0, 0), 8, NEXTHOP(1), NONE,
				     0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(ddev, A(12, 0, 0, 0), 8, NEXTHOP(1),
					   NONE, 0));
	KUNIT_EXPECT_EQ(test, 0, look(ddev, A(12, 0, 0, 1), VIA(1)));
	/* At the limit what exists can still change. */
	KUNIT_EXPECT_EQ(test, 0, set(ddev, A(11, 0, 0, 0), 8, NEXTHOP(2), NONE,
				     0));
	KUNIT_EXPECT_EQ(test, 2, ddev->n_shortcuts);
}

static void expiry_and_use(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_shortcut *s;

	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 0, 0, 0), 8, NEXTHOP(1), NONE,
				     0));
	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 1, 0, 0), 16, NEXTHOP(2), NONE,
				     3600 * 1000));
	s = find(ddev, A(10, 1, 0, 0), 16);
	KUNIT_EXPECT_EQ(test, 2, look(ddev, A(10, 1, 0, 1), VIA(1)));
	/* Told once, and only when used within the time before the end. */
	s->life.refresh = 7200 * HZ;
	KUNIT_EXPECT_EQ(test, DMVPN_LIFE_NOTHING, dmvpn_life_due(&s->life));
	dmvpn_life_use(&s->life);
	KUNIT_EXPECT_EQ(test, DMVPN_LIFE_WANTED, dmvpn_life_due(&s->life));
	KUNIT_EXPECT_EQ(test, DMVPN_LIFE_NOTHING, dmvpn_life_due(&s->life));
	/* Over: the shorter one answers at once, the sweep removes it. */
	WRITE_ONCE(s->life.expires, jiffies - 1);
	KUNIT_EXPECT_EQ(test, 1, look(ddev, A(10, 1, 0, 1), VIA(1)));
	mutex_lock(&ddev->lock);
	KUNIT_EXPECT_FALSE(test, dmvpn_shortcuts_sweep(ddev));
	mutex_unlock(&ddev->lock);
	KUNIT_EXPECT_NULL(test, find(ddev, A(10, 1, 0, 0), 16));
	KUNIT_EXPECT_EQ(test, 1, ddev->n_shortcuts);
}

/* ---- the model ---- */

#define MODEL 300
#define OPERATIONS 20000

struct model {
	struct in6_addr addr;
	u32 len, nexthop, via;
	bool there, over;
};

static bool covers(const struct model *m, const struct in6_addr *dst)
{
	unsigned int i;

	if (!dmvpn_addr_same_family(&m->addr, dst))
		return false;
	for (i = 0; i < m->len; i++)
		if (bit_of(&m->addr, i) != bit_of(dst, i))
			return false;
	return true;
}

static u32 model_look(const struct model *m, const struct in6_addr *dst,
		      u32 routed)
{
	const struct model *best = NULL;
	unsigned int i;

	for (i = 0; i < MODEL; i++)
		if (m[i].there && !m[i].over && covers(&m[i], dst) &&
		    (!m[i].via || m[i].via == routed) &&
		    (!best || m[i].len > best->len))
			best = &m[i];
	return best ? best->nexthop : 0;
}

/* One of 256; few distinct bits, so that prefixes contain one another. */
static struct in6_addr one_of_few(struct rnd_state *rnd)
{
	return address(0x0a000000 | (prandom_u32_state(rnd) & 0x00c30303), 0);
}

/* One of more, whose last bits differ too. */
static struct in6_addr random_address(struct rnd_state *rnd)
{
	struct in6_addr addr = one_of_few(rnd);
	u32 bits = prandom_u32_state(rnd);

	if (ipv6) {
		addr.s6_addr32[1] = htonl(bits >> 8 & 0x80000001);
		addr.s6_addr32[3] = htonl(bits & 0x81000001);
	}
	return addr;
}

static struct in6_addr cut_to(struct in6_addr addr, u32 len)
{
	struct dmvpn_prefix prefix;

	dmvpn_prefix_make(&prefix, &addr, len);
	return prefix.addr;
}

static void model_init(struct model *m, struct rnd_state *rnd)
{
	unsigned int i, k;

	for (i = 0; i < MODEL; i++) {
		ipv6 = i % 2;
		do {
			m[i].len = prandom_u32_state(rnd) % (ipv6 ? 129 : 33);
			m[i].addr = cut_to(random_address(rnd), m[i].len);
			for (k = 0; k < i; k++)
				if (m[k].len == m[i].len &&
				    ipv6_addr_equal(&m[k].addr, &m[i].addr))
					break;
		} while (k < i);
	}
}

static void model_step(struct kunit *test, struct model *m,
		       struct rnd_state *rnd)
{
	struct dmvpn_dev *ddev = test->priv;
	u32 dice = prandom_u32_state(rnd) % 8;

	ipv6 = !dmvpn_addr_is4(&m->addr);
	if (m->there && dice < 3) {
		del(ddev, find(ddev, m->addr, m->len));
		m->there = false;
	} else if (m->there && dice == 3) {
		WRITE_ONCE(find(ddev, m->addr, m->len)->life.expires,
			   jiffies - 1);
		m->over = true;
	} else {
		u32 via = dice & 1 ? 1 + dice % 3 : 0;

		m->nexthop = prandom_u32_state(rnd) % 1000 + 1;
		m->via = via ?: m->there ? m->via : 0;
		m->there = true;
		m->over = false;
		KUNIT_ASSERT_EQ(test, 0, set(ddev, m->addr, m->len,
					     NEXTHOP(m->nexthop),
					     via ? VIA(via) : NONE,
					     3600 * 1000));
	}
}

static void as_the_model(struct kunit *test)
{
	struct model *m = kunit_kcalloc(test, MODEL, sizeof(*m), GFP_KERNEL);
	unsigned int i, k, wrong = 0, hits[2] = { }, there = 0;
	struct dmvpn_dev *ddev = test->priv;
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&rnd, 20261122 + ipv6);
	model_init(m, &rnd);
	for (i = 0; i < OPERATIONS; i++) {
		model_step(test, &m[prandom_u32_state(&rnd) % MODEL], &rnd);
		for (k = 0; k < 4; k++) {
			struct in6_addr dst;
			u32 want;

			ipv6 = k % 2;
			dst = random_address(&rnd);
			want = model_look(m, &dst, 1 + k);
			wrong += look(ddev, dst, VIA(1 + k)) != want;
			hits[ipv6] += !!want;
		}
		cond_resched();
	}
	for (i = 0; i < MODEL; i++)
		there += m[i].there;
	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_GT(test, hits[0], OPERATIONS / 2);
	KUNIT_EXPECT_GT(test, hits[1], OPERATIONS / 2);
	KUNIT_EXPECT_EQ(test, there, ddev->n_shortcuts);
}

/* ---- readers beside a writer ---- */

#define READERS 2

struct reader {
	struct dmvpn_dev *ddev;
	struct completion done;
	unsigned long looks, none, torn;
	bool stop;
};

/* 10.0.0.0/8 (0a00::/8) is always there; next hop and via of an entry have one number. */
static int read_on(void *arg)
{
	struct reader *r = arg;
	const struct dmvpn_shortcut *s;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, (unsigned long)r);
	while (!READ_ONCE(r->stop)) {
		struct in6_addr dst = one_of_few(&rnd);
		u32 via = 1 + prandom_u32_state(&rnd) % 3;
		struct in6_addr routed = VIA(via);

		rcu_read_lock();
		s = dmvpn_shortcut_lookup(r->ddev, &dst, &routed);
		r->none += !s;
		if (s && !ipv6_addr_any(&s->via))
			r->torn += number(&s->nexthop) != via ||
				   number(&s->via) != via;
		rcu_read_unlock();
		if (!(++r->looks % 64))
			cond_resched();
	}
	kthread_complete_and_exit(&r->done, 0);
}

static void write_on(struct kunit *test, struct rnd_state *rnd)
{
	struct dmvpn_dev *ddev = test->priv;
	u32 len = 9 + prandom_u32_state(rnd) % 24 * (ipv6 ? 5 : 1);
	struct in6_addr addr = cut_to(one_of_few(rnd), len);
	u32 via = 1 + prandom_u32_state(rnd) % 3;
	struct dmvpn_shortcut *s = find(ddev, addr, len);

	if (s && prandom_u32_state(rnd) % 2)
		del(ddev, s);
	else
		KUNIT_EXPECT_EQ(test, 0, set(ddev, addr, len, NEXTHOP(via),
					     VIA(via), 3600 * 1000));
}

static void readers_beside_a_writer(struct kunit *test)
{
	struct reader *r = kunit_kcalloc(test, READERS, sizeof(*r), GFP_KERNEL);
	struct dmvpn_dev *ddev = test->priv;
	struct task_struct *task;
	struct rnd_state rnd;
	unsigned int i, started = 0;

	KUNIT_ASSERT_NOT_NULL(test, r);
	KUNIT_ASSERT_EQ(test, 0, set(ddev, A(10, 0, 0, 0), 8, NEXTHOP(9), NONE,
				     0));
	for (i = 0; i < READERS; i++) {
		r[i].ddev = ddev;
		init_completion(&r[i].done);
		task = kthread_run(read_on, &r[i], "dmvpn-reader");
		if (IS_ERR(task))
			break;
		started++;
	}
	KUNIT_EXPECT_EQ(test, READERS, started);
	prandom_seed_state(&rnd, 1);
	for (i = 0; i < OPERATIONS; i++) {
		write_on(test, &rnd);
		cond_resched();
	}
	for (i = 0; i < started; i++) {
		WRITE_ONCE(r[i].stop, true);
		wait_for_completion(&r[i].done);
		KUNIT_EXPECT_GT(test, r[i].looks, 100);
		KUNIT_EXPECT_EQ(test, 0, r[i].none);
		KUNIT_EXPECT_EQ(test, 0, r[i].torn);
	}
}

static struct kunit_case shortcut_cases[] = {
	KUNIT_CASE(prefix_cuts),
	KUNIT_CASE(longest_wins),
	KUNIT_CASE(via_guards),
	KUNIT_CASE(change_replaces),
	KUNIT_CASE(limit_holds),
	KUNIT_CASE(expiry_and_use),
	KUNIT_CASE(as_the_model),
	KUNIT_CASE(readers_beside_a_writer),
	{ }
};

static struct kunit_suite shortcut_suite = {
	.name = "dmvpn_shortcut",
	.init = shortcut_init,
	.exit = shortcut_exit,
	.test_cases = shortcut_cases,
};

static struct kunit_suite shortcut6_suite = {
	.name = "dmvpn_shortcut6",
	.init = shortcut6_init,
	.exit = shortcut_exit,
	.test_cases = shortcut_cases,
};

kunit_test_suites(&shortcut_suite, &shortcut6_suite);
