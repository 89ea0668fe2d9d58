// SPDX-License-Identifier: GPL-2.0
/*
 * test: KUnit suites, built in with DMVPN_KUNIT=y and run when the module is
 * loaded into a kernel with KUnit. They work on a device that is not
 * registered, so no packet meets it.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>

#include "dmvpn.h"
#include "gre.h"
#include "ingress.h"
#include "neigh.h"
#include "peer.h"
#include "shortcut.h"
#include "upcall.h"

#define A(a, b, c, d) htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))

static bool ipv6;	/* the family of protocol addresses */
static bool ipv6_nbma;	/* and of NBMA addresses */

/* 10.0.b.a, or an IPv6 address that ends so. */
static struct in6_addr in(u8 b, u8 a)
{
	struct in6_addr addr;

	dmvpn_addr_set4(&addr, A(10, 0, b, a));
	if (ipv6)
		addr.s6_addr32[0] = htonl(0x20010db8);
	return addr;
}

static struct dmvpn_peer_key at(__be32 nbma, u32 mark)
{
	struct dmvpn_peer_key key = { .mark = mark };

	dmvpn_addr_set4(&key.nbma, nbma);
	if (ipv6_nbma)
		key.nbma.s6_addr32[0] = htonl(0x20010db8);
	return key;
}

/* ---- gre ---- */

static void gre_round_trip(struct kunit *test)
{
	static const u32 keys[] = { 0, 1, 42, 0x80000000, U32_MAX };
	struct dmvpn_gre gre;
	unsigned int i;
	u8 buf[8];

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		dmvpn_gre_build(buf, true, keys[i], htons(ETH_P_IP));
		KUNIT_ASSERT_EQ(test, 0,
				dmvpn_gre_parse(buf, sizeof(buf), &gre));
		KUNIT_EXPECT_TRUE(test, gre.has_key);
		KUNIT_EXPECT_EQ(test, keys[i], gre.key);
		KUNIT_EXPECT_EQ(test, 8, gre.hlen);
		KUNIT_EXPECT_EQ(test, htons(ETH_P_IP), gre.proto);
	}
	dmvpn_gre_build(buf, false, 0, htons(DMVPN_ETH_P_NHRP));
	KUNIT_ASSERT_EQ(test, 0, dmvpn_gre_parse(buf, 4, &gre));
	KUNIT_EXPECT_FALSE(test, gre.has_key);
	KUNIT_EXPECT_EQ(test, 0, gre.key);
	KUNIT_EXPECT_EQ(test, 4, gre.hlen);
}

static void gre_options(struct kunit *test)
{
	/* checksum, key 42, sequence number */
	static const u8 all[] = { 0xb0, 0, 8, 0, 1, 2, 0, 0,
				  0, 0, 0, 42, 9, 9, 9, 9 };
	struct dmvpn_gre gre;
	unsigned int len;

	KUNIT_ASSERT_EQ(test, 0, dmvpn_gre_parse(all, sizeof(all), &gre));
	KUNIT_EXPECT_EQ(test, 16, gre.hlen);
	KUNIT_EXPECT_EQ(test, 42, gre.key);
	KUNIT_EXPECT_TRUE(test, gre.has_csum);
	for (len = 0; len < sizeof(all); len++)
		KUNIT_EXPECT_EQ(test, -EMSGSIZE,
				dmvpn_gre_parse(all, len, &gre));
}

/* Every combination of the first two bytes: only C, K and S are accepted. */
static void gre_flags(struct kunit *test)
{
	struct dmvpn_gre gre;
	unsigned int flags;
	u8 buf[16] = { };
	int want;

	for (flags = 0; flags <= U16_MAX; flags++) {
		put_unaligned_be16(flags, buf);
		want = flags & ~0xb000 ? -EPROTO : 0;
		if (dmvpn_gre_parse(buf, sizeof(buf), &gre) != want)
			KUNIT_FAIL(test, "flags 0x%04x", flags);
	}
}

static struct kunit_case gre_cases[] = {
	KUNIT_CASE(gre_round_trip),
	KUNIT_CASE(gre_options),
	KUNIT_CASE(gre_flags),
	{ }
};

static struct kunit_suite gre_suite = {
	.name = "dmvpn_gre",
	.test_cases = gre_cases,
};

/* ---- tables ---- */

static void sweep_never(struct work_struct *work)
{
}

static int tables_init(struct kunit *test)
{
	struct dmvpn_dev *ddev = kunit_kzalloc(test, sizeof(*ddev), GFP_KERNEL);
	struct dmvpn_conf *conf = kunit_kzalloc(test, sizeof(*conf),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ddev);
	KUNIT_ASSERT_NOT_NULL(test, conf);
	conf->max_peers = 100;
	conf->max_neighs = 200;
	RCU_INIT_POINTER(ddev->conf, conf);
	ddev->net = &init_net;
	ddev->seed = 12345;
	ddev->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, ddev->dev);
	ddev->ingress = kunit_kcalloc(test, DMVPN_INGRESS_SLOTS, sizeof(u64),
				      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ddev->ingress);
	mutex_init(&ddev->lock);
	INIT_DELAYED_WORK(&ddev->sweep, sweep_never);
	KUNIT_ASSERT_EQ(test, 0, dmvpn_peers_init(ddev));
	KUNIT_ASSERT_EQ(test, 0, dmvpn_neighs_init(ddev));
	KUNIT_ASSERT_EQ(test, 0, dmvpn_shortcuts_init(ddev));
	test->priv = ddev;
	ipv6 = false;
	ipv6_nbma = false;
	return 0;
}

static int tables6_init(struct kunit *test)
{
	int err = tables_init(test);

	ipv6 = true;
	ipv6_nbma = true;
	return err;
}

static void tables_exit(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_peer *peer;
	unsigned long id;

	mutex_lock(&ddev->lock);
	dmvpn_neigh_del_all(ddev);
	xa_for_each(&ddev->peer_ids, id, peer)
		dmvpn_peer_unlink(ddev, peer);
	mutex_unlock(&ddev->lock);
	cancel_delayed_work_sync(&ddev->sweep);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, 0, ddev->n_peers);
	KUNIT_EXPECT_EQ(test, 0, ddev->n_neighs);
	dmvpn_shortcuts_destroy(ddev);
	dmvpn_neighs_destroy(ddev);
	dmvpn_peers_destroy(ddev);
	free_netdev(ddev->dev);
}

static int set(struct dmvpn_dev *ddev, struct in6_addr addr, __be32 nbma,
	       u32 expires)
{
	struct dmvpn_neigh_set set = {
		.addr = addr,
		.has_peer = !!nbma,
		.peer = at(nbma, 0),
		.life.has_expires = true,
		.life.expires_ms = expires,
	};
	struct dmvpn_neigh *n;

	return dmvpn_neigh_set(ddev, &set, false, &n, NULL);
}

static struct dmvpn_neigh *find(struct dmvpn_dev *ddev, struct in6_addr addr)
{
	return dmvpn_neigh_find(ddev, &addr);
}

static struct dmvpn_peer *peer_find(struct dmvpn_dev *ddev, __be32 nbma,
				    u32 mark)
{
	struct dmvpn_peer_key key = at(nbma, mark);

	return dmvpn_peer_find(ddev, &key);
}

static struct dmvpn_peer *peer_get(struct dmvpn_dev *ddev, __be32 nbma,
				   u32 mark)
{
	struct dmvpn_peer_key key = at(nbma, mark);

	return dmvpn_peer_get(ddev, &key, NULL);
}

static void neigh_owns_peer(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct in6_addr a = in(0, 1), b = in(0, 2);
	__be32 n1 = A(1, 1, 1, 1), n2 = A(2, 2, 2, 2);

	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n1, 0));
	KUNIT_ASSERT_EQ(test, 0, set(ddev, b, n1, 0));
	KUNIT_ASSERT_NOT_NULL(test, peer_find(ddev, n1, 0));
	KUNIT_EXPECT_EQ(test, 2, peer_find(ddev, n1, 0)->neighs);
	/* Pointed elsewhere: the first peer stays for the other one. */
	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n2, 0));
	KUNIT_EXPECT_EQ(test, 1, peer_find(ddev, n1, 0)->neighs);
	KUNIT_EXPECT_EQ(test, 2, ddev->n_peers);
	dmvpn_neigh_del(ddev, find(ddev, b));
	KUNIT_EXPECT_NULL(test, peer_find(ddev, n1, 0));
	KUNIT_EXPECT_NULL(test, find(ddev, b));
	KUNIT_EXPECT_NOT_NULL(test, find(ddev, a));
}

static void static_peer_stays(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct in6_addr a = in(0, 1);
	__be32 n1 = A(1, 1, 1, 1);
	struct dmvpn_peer *peer = peer_get(ddev, n1, 7);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, peer);
	peer->flags |= DMVPN_PEER_F_STATIC;
	/* The mark is part of the key: this is another peer. */
	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n1, 0));
	KUNIT_EXPECT_EQ(test, 2, ddev->n_peers);
	dmvpn_neigh_del(ddev, find(ddev, a));
	KUNIT_EXPECT_PTR_EQ(test, peer, peer_find(ddev, n1, 7));
	KUNIT_EXPECT_NULL(test, peer_find(ddev, n1, 0));
}

static void limits_hold(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	unsigned int i;

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, 0, set(ddev, in(0, i), A(1, 1, 1, i), 0));
	/* No room for another peer: neither it nor the neighbour appears. */
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(ddev, in(1, 0), A(1, 1, 2, 0), 0));
	KUNIT_EXPECT_NULL(test, find(ddev, in(1, 0)));
	/* The other family counts as well, and is another address. */
	for (i = 0; i < 100; i++) {
		ipv6 = !ipv6;
		KUNIT_EXPECT_NULL(test, find(ddev, in(0, i)));
		KUNIT_ASSERT_EQ(test, 0, set(ddev, in(0, i), A(1, 1, 1, i), 0));
		ipv6 = !ipv6;
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(ddev, in(2, 0), A(1, 1, 1, 0), 0));
	KUNIT_EXPECT_EQ(test, 100, ddev->n_peers);
	KUNIT_EXPECT_EQ(test, 200, ddev->n_neighs);
	/* At the limit what exists can still change. */
	KUNIT_EXPECT_EQ(test, 0, set(ddev, in(0, 5), A(1, 1, 1, 9), 5));
}

static void peer_missing(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL, set(ddev, in(0, 1), 0, 0));
	KUNIT_EXPECT_EQ(test, 0, ddev->n_neighs);
}

static void ids_only_grow(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	u32 last = 0, id;
	int i;

	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_EQ(test, 0, set(ddev, in(0, 1), A(1, 1, 1, 1), 0));
		id = find(ddev, in(0, 1))->id;
		KUNIT_ASSERT_GT(test, id, last);
		last = id;
		dmvpn_neigh_del(ddev, find(ddev, in(0, 1)));
	}
}

static void run_sweep(struct dmvpn_dev *ddev)
{
	mutex_unlock(&ddev->lock);
	dmvpn_sweep(&ddev->sweep.work);
	mutex_lock(&ddev->lock);
}

static void expiry(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct in6_addr a = in(0, 1), b = in(0, 2);
	__be32 n1 = A(1, 1, 1, 1);
	struct dmvpn_neigh *n;

	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n1, 3600 * 1000));
	KUNIT_ASSERT_EQ(test, 0, set(ddev, b, n1, 0));
	n = find(ddev, a);
	KUNIT_EXPECT_FALSE(test, dmvpn_life_expired(&n->life));
	KUNIT_EXPECT_FALSE(test, dmvpn_life_expired(&find(ddev, b)->life));
	run_sweep(ddev);
	KUNIT_EXPECT_EQ(test, 2, ddev->n_neighs);
	WRITE_ONCE(n->life.expires, jiffies - 1);
	KUNIT_EXPECT_TRUE(test, dmvpn_life_expired(&n->life));
	run_sweep(ddev);
	KUNIT_EXPECT_NULL(test, find(ddev, a));
	KUNIT_EXPECT_NOT_NULL(test, find(ddev, b));
	/* Renewed before its end: lives on. */
	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n1, 1));
	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n1, 3600 * 1000));
	run_sweep(ddev);
	KUNIT_EXPECT_NOT_NULL(test, find(ddev, a));
}

static void nhs_order(struct kunit *test)
{
	static const u32 priorities[] = { 5, 0, 3, 0, 9 };
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_nhs_list *list;
	struct dmvpn_peer *peer;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		peer = peer_get(ddev, A(1, 1, 1, i), 0);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, peer);
		peer->priority = priorities[i];
		peer->flags |= DMVPN_PEER_F_NHS | DMVPN_PEER_F_STATIC;
	}
	KUNIT_ASSERT_EQ(test, 0, dmvpn_nhs_rebuild(ddev));
	list = rcu_dereference_protected(ddev->nhs, true);
	KUNIT_ASSERT_NOT_NULL(test, list);
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(priorities), list->n);
	for (i = 1; i < list->n; i++)
		KUNIT_EXPECT_LE(test, list->peer[i - 1]->priority,
				list->peer[i]->priority);
	KUNIT_EXPECT_LT(test, list->peer[0]->id, list->peer[1]->id);
	/* The last one gone, there is no list. */
	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		dmvpn_peer_unlink(ddev, peer_find(ddev, A(1, 1, 1, i), 0));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(ddev->nhs));
}

/* The pair numbered @i, as the table takes it. */
static void pair(const struct dmvpn_dev *ddev, u32 i, u32 *saddr, u32 *daddr)
{
	struct in6_addr s = { }, d = { };

	dmvpn_addr_set4(&s, htonl(i));
	dmvpn_addr_set4(&d, htonl(~i));
	if (ipv6) {
		swap(s.s6_addr32[0], s.s6_addr32[3]);
		d.s6_addr32[0] = htonl(0xfe800000);
	}
	*saddr = dmvpn_ingress_word(ddev, &s);
	*daddr = dmvpn_ingress_word(ddev, &d);
}

static void ingress(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	unsigned int i, wrong = 0, known = 0;
	u32 s, d, id;

	pair(ddev, 0, &s, &d);
	KUNIT_EXPECT_EQ(test, 0, dmvpn_ingress_peer(ddev, s, d));
	/* Ten times as many pairs as slots: forgotten, but never confused. */
	for (i = 0; i < 10 * DMVPN_INGRESS_SLOTS; i++) {
		pair(ddev, i, &s, &d);
		dmvpn_ingress_note(ddev, s, d, i + 1);
	}
	for (i = 0; i < 10 * DMVPN_INGRESS_SLOTS; i++) {
		pair(ddev, i, &s, &d);
		id = dmvpn_ingress_peer(ddev, s, d);
		known += id == i + 1;
		wrong += id && id != i + 1;
	}
	KUNIT_EXPECT_EQ(test, 0, wrong);
	KUNIT_EXPECT_GT(test, known, DMVPN_INGRESS_SLOTS / 2);
	/* The receiver does not go by way of a mapped address. */
	ipv6 = false;
	pair(ddev, 7, &s, &d);
	KUNIT_EXPECT_EQ(test, s, dmvpn_ingress_word4(htonl(7)));
	KUNIT_EXPECT_EQ(test, d, dmvpn_ingress_word4(htonl(~7)));
}

/* Nothing an IPv4 address could be taken for, nor the other way round. */
static void addresses(struct kunit *test)
{
	struct in6_addr a, b;

	dmvpn_addr_set4(&a, A(192, 0, 2, 1));
	KUNIT_EXPECT_TRUE(test, dmvpn_addr_is4(&a));
	KUNIT_EXPECT_EQ(test, A(192, 0, 2, 1), dmvpn_addr_get4(&a));
	KUNIT_EXPECT_EQ(test, (__force u32)A(192, 0, 2, 1),
			dmvpn_addr_word(&a, 1));
	dmvpn_addr_set4(&b, 0);
	KUNIT_EXPECT_FALSE(test, ipv6_addr_any(&b));
	b = a;
	b.s6_addr32[2] = 0;
	KUNIT_EXPECT_FALSE(test, dmvpn_addr_is4(&b));
	KUNIT_EXPECT_FALSE(test, dmvpn_addr_same_family(&a, &b));
	KUNIT_EXPECT_NE(test, dmvpn_addr_word(&b, 1), dmvpn_addr_word(&b, 2));
	KUNIT_EXPECT_EQ(test, 128, dmvpn_addr_bits(&b));
	KUNIT_EXPECT_EQ(test, 32, dmvpn_addr_bits(&a));
}

static bool holds(struct dmvpn_dev *ddev, __be32 nbma, struct in6_addr saddr)
{
	bool yes;

	local_bh_disable();
	rcu_read_lock();
	yes = dmvpn_peer_holds(ddev, peer_find(ddev, nbma, 0), &saddr);
	rcu_read_unlock();
	local_bh_enable();
	return yes;
}

/* No route of init_net leads into this device: neighbours are what counts. */
static void strict_source(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	__be32 n1 = A(1, 1, 1, 1), n2 = A(2, 2, 2, 2);
	struct in6_addr a = in(0, 1), b = in(0, 2);

	KUNIT_ASSERT_EQ(test, 0, set(ddev, a, n1, 0));
	KUNIT_ASSERT_EQ(test, 0, set(ddev, b, n2, 0));
	KUNIT_EXPECT_TRUE(test, holds(ddev, n1, a));
	KUNIT_EXPECT_TRUE(test, holds(ddev, n2, b));
	KUNIT_EXPECT_FALSE(test, holds(ddev, n1, b));
	KUNIT_EXPECT_FALSE(test, holds(ddev, n1, in(0, 3)));
	KUNIT_EXPECT_FALSE(test, holds(ddev, n1, in6addr_any));
	/* Two addresses of one peer; one is taken back. */
	KUNIT_ASSERT_EQ(test, 0, set(ddev, b, n1, 0));
	KUNIT_EXPECT_TRUE(test, holds(ddev, n1, b));
	dmvpn_neigh_del(ddev, find(ddev, b));
	KUNIT_EXPECT_FALSE(test, holds(ddev, n1, b));
	/* A hub carries what is others'. */
	peer_find(ddev, n1, 0)->flags |= DMVPN_PEER_F_HUB;
	KUNIT_EXPECT_TRUE(test, holds(ddev, n1, in(0, 3)));
}

/* A case runs in a thread of its own, which must leave without locks. */
#define WITH_LOCK(_case)						\
	static void _case ## _locked(struct kunit *test)		\
	{								\
		struct dmvpn_dev *ddev = test->priv;			\
									\
		mutex_lock(&ddev->lock);				\
		_case(test);						\
		mutex_unlock(&ddev->lock);				\
	}

WITH_LOCK(neigh_owns_peer)
WITH_LOCK(static_peer_stays)
WITH_LOCK(limits_hold)
WITH_LOCK(peer_missing)
WITH_LOCK(ids_only_grow)
WITH_LOCK(expiry)
WITH_LOCK(nhs_order)
WITH_LOCK(ingress)
WITH_LOCK(addresses)
WITH_LOCK(strict_source)

#define LOCKED_CASE(_case) { .run_case = _case ## _locked, .name = #_case }

static struct kunit_case table_cases[] = {
	LOCKED_CASE(neigh_owns_peer),
	LOCKED_CASE(static_peer_stays),
	LOCKED_CASE(limits_hold),
	LOCKED_CASE(peer_missing),
	LOCKED_CASE(ids_only_grow),
	LOCKED_CASE(expiry),
	LOCKED_CASE(nhs_order),
	LOCKED_CASE(ingress),
	LOCKED_CASE(addresses),
	LOCKED_CASE(strict_source),
	{ }
};

static struct kunit_suite table_suite = {
	.name = "dmvpn_tables",
	.init = tables_init,
	.exit = tables_exit,
	.test_cases = table_cases,
};

static struct kunit_suite table6_suite = {
	.name = "dmvpn_tables6",
	.init = tables6_init,
	.exit = tables_exit,
	.test_cases = table_cases,
};

/* ---- upcall limits ---- */

static struct dmvpn_upcall_limit *limit_new(struct kunit *test)
{
	struct dmvpn_dev *ddev = kunit_kzalloc(test, sizeof(*ddev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ddev);
	KUNIT_ASSERT_EQ(test, 0, dmvpn_upcall_init(ddev));
	return ddev->limit;
}

static void upcall_once_a_second(struct kunit *test)
{
	struct dmvpn_upcall_limit *limit = limit_new(test);
	unsigned long now = jiffies;

	KUNIT_EXPECT_TRUE(test, dmvpn_upcall_allowed(limit, 7, now));
	KUNIT_EXPECT_FALSE(test, dmvpn_upcall_allowed(limit, 7, now));
	KUNIT_EXPECT_FALSE(test, dmvpn_upcall_allowed(limit, 7, now + HZ - 1));
	KUNIT_EXPECT_TRUE(test, dmvpn_upcall_allowed(limit, 7, now + HZ));
	/* Another key is not held back by it. */
	KUNIT_EXPECT_TRUE(test, dmvpn_upcall_allowed(limit, 8, now + HZ));
	kfree(limit);
}

/* IPv6 next hops that differ in one bit, wherever it is, are different keys. */
static void upcall_keys(struct kunit *test)
{
	struct dmvpn_upcall_limit *limit = limit_new(test);
	unsigned int bit, held = 0;
	unsigned long now = jiffies;
	struct in6_addr addr;
	u32 key;

	for (bit = 0; bit < 128; bit++, now += HZ) {
		ipv6 = true;
		addr = in(0, 1);
		key = dmvpn_addr_word(&addr, 12345);
		KUNIT_EXPECT_TRUE(test, dmvpn_upcall_allowed(limit, key, now));
		KUNIT_EXPECT_FALSE(test, dmvpn_upcall_allowed(limit, key, now));
		addr.s6_addr[bit / 8] ^= 1 << bit % 8;
		key = dmvpn_addr_word(&addr, 12345);
		held += !dmvpn_upcall_allowed(limit, key, now);
	}
	KUNIT_EXPECT_EQ(test, 0, held);
	kfree(limit);
}

static void upcall_bucket(struct kunit *test)
{
	struct dmvpn_upcall_limit *limit = limit_new(test);
	unsigned long now = jiffies;
	unsigned int key = 1, sent = 0, s;

	/* A scan: ever new keys, four a jiffy, 100 seconds of it. */
	for (s = 0; s < 100 * HZ; s++) {
		sent += dmvpn_upcall_allowed(limit, key++, now + s);
		sent += dmvpn_upcall_allowed(limit, key++, now + s);
		sent += dmvpn_upcall_allowed(limit, key++, now + s);
		sent += dmvpn_upcall_allowed(limit, key++, now + s);
	}
	KUNIT_EXPECT_LE(test, sent, 100 * 256 + 128);
	KUNIT_EXPECT_GE(test, sent, 99 * 256);
	kfree(limit);
}

static struct kunit_case upcall_cases[] = {
	KUNIT_CASE(upcall_once_a_second),
	KUNIT_CASE(upcall_keys),
	KUNIT_CASE(upcall_bucket),
	{ }
};

static struct kunit_suite upcall_suite = {
	.name = "dmvpn_upcall",
	.test_cases = upcall_cases,
};

kunit_test_suites(&gre_suite, &table_suite, &table6_suite, &upcall_suite);
