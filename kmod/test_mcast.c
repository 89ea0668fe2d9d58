// SPDX-License-Identifier: GPL-2.0
/*
 * test_mcast: KUnit suites of the copies of multicast and of the peers that
 * are not heard; see test.c. The peers have no underlay, so that each copy
 * ends as a drop with the reason no-route and can be counted there.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/ipv6.h>

#include "mcast.h"
#include "oneway.h"
#include "peer.h"

#define A(a, b, c, d) htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))
#define PEERS	100

static int mcast_init(struct kunit *test)
{
	struct dmvpn_dev *ddev = kunit_kzalloc(test, sizeof(*ddev), GFP_KERNEL);
	struct dmvpn_conf *conf = kunit_kzalloc(test, sizeof(*conf),
						GFP_KERNEL);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, ddev);
	KUNIT_ASSERT_NOT_NULL(test, conf);
	conf->max_peers = PEERS;
	RCU_INIT_POINTER(ddev->conf, conf);
	ddev->net = &init_net;
	ddev->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, ddev->dev);
	ddev->stats = alloc_percpu(struct dmvpn_stats);
	KUNIT_ASSERT_NOT_NULL(test, ddev->stats);
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(ddev->stats, cpu)->syncp);
	mutex_init(&ddev->lock);
	dmvpn_mcast_init(ddev);
	KUNIT_ASSERT_EQ(test, 0, dmvpn_peers_init(ddev));
	test->priv = ddev;
	return 0;
}

static void mcast_exit(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_peer *peer;
	unsigned long id;

	dmvpn_mcast_stop(ddev);
	KUNIT_EXPECT_EQ(test, 0, ddev->mcast_bytes);
	mutex_lock(&ddev->lock);
	xa_for_each(&ddev->peer_ids, id, peer)
		dmvpn_peer_unlink(ddev, peer);
	mutex_unlock(&ddev->lock);
	rcu_barrier();
	dmvpn_peers_destroy(ddev);
	free_percpu(ddev->stats);
	free_netdev(ddev->dev);
}

static struct dmvpn_peer_key at(unsigned int n)
{
	struct dmvpn_peer_key key = { };

	dmvpn_addr_set4(&key.nbma, A(192, 0, 2, n));
	return key;
}

static struct dmvpn_peer *find(struct dmvpn_dev *ddev, unsigned int n)
{
	struct dmvpn_peer_key key = at(n);

	return dmvpn_peer_find(ddev, &key);
}

/* Peer @n of all, with or without copies; its id. */
static u32 want(struct dmvpn_dev *ddev, unsigned int n, bool multicast)
{
	struct dmvpn_peer_key key = at(n);
	struct dmvpn_peer *peer;
	u32 id = 0;

	mutex_lock(&ddev->lock);
	peer = dmvpn_peer_get(ddev, &key, NULL);
	if (!IS_ERR(peer)) {
		peer->flags = DMVPN_PEER_F_STATIC |
			      (multicast ? DMVPN_PEER_F_MULTICAST : 0);
		dmvpn_peer_mark(ddev, peer);
		id = peer->id;
	}
	mutex_unlock(&ddev->lock);
	return id;
}

/* IPv4 and IPv6 take turns. */
static enum dmvpn_drop send(struct kunit *test, u32 ingress)
{
	static bool ipv6;
	struct dmvpn_dev *ddev = test->priv;
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);
	enum dmvpn_drop drop;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 64);
	skb_put_zero(skb, sizeof(struct ipv6hdr));
	skb_reset_network_header(skb);
	skb->protocol = ipv6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	ipv6 = !ipv6;
	local_bh_disable();
	rcu_read_lock();
	drop = dmvpn_mcast_xmit(ddev, rcu_dereference(ddev->conf), skb,
				ingress);
	rcu_read_unlock();
	local_bh_enable();
	if (drop)
		kfree_skb(skb);
	return drop;
}

static u64 copies(struct dmvpn_dev *ddev)
{
	u64 n = 0;
	int cpu;

	while (!skb_queue_empty_lockless(&ddev->mcast_queue))
		flush_work(&ddev->mcast_work);
	flush_work(&ddev->mcast_work);
	for_each_possible_cpu(cpu)
		n += u64_stats_read(&per_cpu_ptr(ddev->stats, cpu)->drops[DMVPN_DROP_NO_ROUTE]);
	return n;
}

static void nobody(struct kunit *test)
{
	u32 id = want(test->priv, 1, false);

	KUNIT_EXPECT_EQ(test, DMVPN_DROP_NO_MULTICAST_PEER, send(test, 0));
	want(test->priv, 1, true);
	KUNIT_EXPECT_EQ(test, DMVPN_DROP_NO_MULTICAST_PEER, send(test, id));
	KUNIT_EXPECT_EQ(test, 0, copies(test->priv));
	KUNIT_EXPECT_EQ(test, DMVPN_DROP_UNSPEC, send(test, 0));
	KUNIT_EXPECT_EQ(test, 1, copies(test->priv));
	want(test->priv, 1, false);
	KUNIT_EXPECT_EQ(test, DMVPN_DROP_NO_MULTICAST_PEER, send(test, 0));
}

/* Any number of peers on both sides of what is copied at once, any ingress. */
static void one_each(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	u32 id[PEERS / 2];
	unsigned int n;
	u64 sent = 0;

	for (n = 0; n < PEERS / 2; n++) {
		/* Every second one does not count. */
		want(ddev, 2 * n, false);
		id[n] = want(ddev, 2 * n + 1, true);
		KUNIT_ASSERT_NE(test, 0, id[n]);
		KUNIT_ASSERT_EQ(test, DMVPN_DROP_UNSPEC, send(test, 0));
		sent += n + 1;
		KUNIT_EXPECT_EQ(test, sent, copies(ddev));
		if (!n)
			continue;
		KUNIT_ASSERT_EQ(test, DMVPN_DROP_UNSPEC, send(test, id[0]));
		KUNIT_ASSERT_EQ(test, DMVPN_DROP_UNSPEC, send(test, id[n / 2]));
		KUNIT_ASSERT_EQ(test, DMVPN_DROP_UNSPEC, send(test, id[n]));
		sent += 3 * n;
		KUNIT_EXPECT_EQ(test, sent, copies(ddev));
	}
}

static void overflow(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	unsigned int n, taken = 0, refused = 0;
	enum dmvpn_drop drop;

	for (n = 0; n < 40; n++)
		want(ddev, n, true);
	/* As if the work were queued and had no turn meanwhile. */
	set_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&ddev->mcast_work));
	for (n = 0; n < 1100; n++) {
		drop = send(test, 0);
		taken += drop == DMVPN_DROP_UNSPEC;
		refused += drop == DMVPN_DROP_MULTICAST_OVERFLOW;
	}
	clear_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&ddev->mcast_work));
	KUNIT_EXPECT_EQ(test, 1024, taken);
	KUNIT_EXPECT_EQ(test, 1100 - 1024, refused);
	queue_work(system_unbound_wq, &ddev->mcast_work);
	/* The first 16 peers need no queue. */
	KUNIT_EXPECT_EQ(test, 40 * taken + 16 * refused, copies(ddev));
	KUNIT_EXPECT_EQ(test, DMVPN_DROP_UNSPEC, send(test, 0));
}

/* Those who go are no more met; the rest gets its copies. */
static void peers_go(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	unsigned int n;

	for (n = 0; n < PEERS; n++)
		want(ddev, n, true);
	for (n = PEERS - 1; n > 20; n--) {
		KUNIT_ASSERT_EQ(test, DMVPN_DROP_UNSPEC, send(test, 0));
		mutex_lock(&ddev->lock);
		dmvpn_peer_unlink(ddev, find(ddev, n));
		mutex_unlock(&ddev->lock);
	}
	KUNIT_EXPECT_GE(test, copies(ddev), (PEERS - 1 - 20) * 20);
}

static struct kunit_case mcast_cases[] = {
	KUNIT_CASE(nobody),
	KUNIT_CASE(one_each),
	KUNIT_CASE(overflow),
	KUNIT_CASE(peers_go),
	{ }
};

static struct kunit_suite mcast_suite = {
	.name = "dmvpn_mcast",
	.init = mcast_init,
	.exit = mcast_exit,
	.test_cases = mcast_cases,
};

/* ---- one way ---- */

#define INTERVAL	1000

/*
 * 10 intervals from @start on: sent to until @sent_until, heard until
 * @heard_until (0: not at all), looked at four times in an interval. Returns
 * when it was told first, 0: never; *@times: how often.
 */
static unsigned long run(struct dmvpn_peer *peer, unsigned long start,
			 unsigned long sent_until, unsigned long heard_until,
			 unsigned int *times)
{
	struct dmvpn_peer_stats *stats = per_cpu_ptr(peer->stats, 0);
	unsigned long t, first = 0;

	*times = 0;
	/* What was before is long over. */
	dmvpn_oneway_due(peer, INTERVAL, start - INTERVAL);
	for (t = 0; t <= 10 * INTERVAL; t += 10) {
		if (sent_until && t <= sent_until)
			stats->last_tx = (start + t) | 1;
		if (heard_until && t <= heard_until)
			stats->last_rx = (start + t) | 1;
		if (t % (INTERVAL / 4) ||
		    !dmvpn_oneway_due(peer, INTERVAL, start + t))
			continue;
		if (!first)
			first = t;
		(*times)++;
		peer->unheard_since = start + t;
	}
	return first;
}

static void oneway_from(struct kunit *test, unsigned long start)
{
	struct dmvpn_dev *ddev = test->priv;
	const unsigned long step = 100 * INTERVAL, half = INTERVAL / 2;
	struct dmvpn_peer *peer;
	unsigned int times;
	unsigned long first;

	mutex_lock(&ddev->lock);
	peer = find(ddev, 1);
	mutex_unlock(&ddev->lock);
	KUNIT_ASSERT_NOT_NULL(test, peer);
	/* Healthy; then heard for a while only. */
	KUNIT_EXPECT_EQ(test, 0, run(peer, start, ULONG_MAX, ULONG_MAX, &times));
	start += step;
	first = run(peer, start, ULONG_MAX, 5 * INTERVAL, &times);
	KUNIT_EXPECT_GE(test, first, 6 * INTERVAL);
	KUNIT_EXPECT_LE(test, first, 6 * INTERVAL + half + half / 2);
	KUNIT_EXPECT_GE(test, times, 3);
	KUNIT_EXPECT_LE(test, times, 4);
	/* An idle pair starts to talk, answered late or not at all. */
	start += step;
	KUNIT_EXPECT_EQ(test, 0, run(peer, start, 1, 1, &times));
	start += step;
	KUNIT_EXPECT_EQ(test, 0, run(peer, start, ULONG_MAX, ULONG_MAX, &times));
	start += step;
	first = run(peer, start, ULONG_MAX, 0, &times);
	KUNIT_EXPECT_GE(test, first, INTERVAL);
	KUNIT_EXPECT_LE(test, first, INTERVAL + half);
	/* A single packet without an answer; the peer alone talks. */
	start += step;
	KUNIT_EXPECT_EQ(test, 0, run(peer, start, 1, 0, &times));
	start += step;
	KUNIT_EXPECT_EQ(test, 0, run(peer, start, 0, ULONG_MAX, &times));
	/* A hub that is no NHS is not watched, nor anybody without interval. */
	start += step;
	peer->flags |= DMVPN_PEER_F_HUB;
	KUNIT_EXPECT_EQ(test, 0, run(peer, start, ULONG_MAX, 0, &times));
	peer->flags &= ~DMVPN_PEER_F_HUB;
	peer->unheard_since = start;
	KUNIT_EXPECT_FALSE(test, dmvpn_oneway_due(peer, 0, start + step));
	KUNIT_EXPECT_EQ(test, 0, peer->unheard_since);
}

static void oneway(struct kunit *test)
{
	KUNIT_ASSERT_NE(test, 0, want(test->priv, 1, false));
	oneway_from(test, 100 * INTERVAL);
}

/* At boot jiffies are five minutes before their wrap. */
static void oneway_wraps(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_NE(test, 0, want(test->priv, 1, false));
	for (i = 0; i < 10; i++)
		oneway_from(test, -i * 100UL * INTERVAL - 3 * INTERVAL);
}

static struct kunit_case oneway_cases[] = {
	KUNIT_CASE(oneway),
	KUNIT_CASE(oneway_wraps),
	{ }
};

static struct kunit_suite oneway_suite = {
	.name = "dmvpn_oneway",
	.init = mcast_init,
	.exit = mcast_exit,
	.test_cases = oneway_cases,
};

kunit_test_suites(&mcast_suite, &oneway_suite);
