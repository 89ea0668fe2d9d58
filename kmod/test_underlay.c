// SPDX-License-Identifier: GPL-2.0
/*
 * test_underlay: KUnit suite of what differs between an IPv4 and an IPv6
 * underlay without a packet on it; see test.c, whose suite dmvpn_tables6 has
 * peers at IPv6 addresses.
 */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "dmvpn.h"
#include "peer.h"

static const u8 nbma6[] = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8,
			    192, 0, 2, 1 };
static const u8 nbma4[] = { 192, 0, 2, 1 };

/* ---- keys ---- */

static int keys_init(struct kunit *test)
{
	struct dmvpn_dev *ddev = kunit_kzalloc(test, sizeof(*ddev), GFP_KERNEL);
	struct dmvpn_conf *conf = kunit_kzalloc(test, sizeof(*conf),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ddev);
	KUNIT_ASSERT_NOT_NULL(test, conf);
	conf->max_peers = 1000;
	RCU_INIT_POINTER(ddev->conf, conf);
	mutex_init(&ddev->lock);
	KUNIT_ASSERT_EQ(test, 0, dmvpn_peers_init(ddev));
	test->priv = ddev;
	return 0;
}

static void keys_exit(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_peer *peer;
	unsigned long id;

	mutex_lock(&ddev->lock);
	xa_for_each(&ddev->peer_ids, id, peer)
		dmvpn_peer_unlink(ddev, peer);
	mutex_unlock(&ddev->lock);
	rcu_barrier();
	dmvpn_peers_destroy(ddev);
}

/* Makes the peer of @key; false: there was one. */
static bool is_new(struct dmvpn_dev *ddev, const struct dmvpn_peer_key *key)
{
	struct dmvpn_peer *peer;
	bool missing;

	mutex_lock(&ddev->lock);
	missing = !dmvpn_peer_find(ddev, key);
	peer = dmvpn_peer_get(ddev, key, NULL);
	mutex_unlock(&ddev->lock);
	return missing && !IS_ERR(peer) &&
	       !memcmp(&peer->key, key, sizeof(*key));
}

/* One bit of address or mark makes another peer, and finds itself again. */
static void keys_differ(struct kunit *test)
{
	struct dmvpn_dev *ddev = test->priv;
	struct dmvpn_peer_key key = { };
	unsigned int bit;

	memcpy(&key.nbma, nbma6, sizeof(nbma6));
	KUNIT_EXPECT_TRUE(test, is_new(ddev, &key));
	for (bit = 0; bit < 128; bit++) {
		key.nbma.s6_addr[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_TRUE(test, is_new(ddev, &key));
		KUNIT_EXPECT_FALSE(test, is_new(ddev, &key));
		key.nbma.s6_addr[bit / 8] ^= 1 << bit % 8;
	}
	for (bit = 0; bit < 32; bit++) {
		key.mark = 1U << bit;
		KUNIT_EXPECT_TRUE(test, is_new(ddev, &key));
	}
	/* The IPv4 address that it ends in is somebody else. */
	key.mark = 0;
	dmvpn_addr_set4(&key.nbma, *(__be32 *)nbma4);
	KUNIT_EXPECT_TRUE(test, is_new(ddev, &key));
	KUNIT_EXPECT_EQ(test, 1 + 128 + 32 + 1, ddev->n_peers);
}

/* ---- the link-layer header of NHRP frames ---- */

static struct sk_buff *frame_new(struct kunit *test, struct net_device *dev)
{
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 64);
	skb->dev = dev;
	return skb;
}

static void header_of(struct kunit *test, const u8 *nbma, unsigned int len)
{
	struct net_device *dev = alloc_etherdev(0);
	struct sk_buff *skb;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->header_ops = &dmvpn_header_ops;
	dev->addr_len = len;
	skb = frame_new(test, dev);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			dev_hard_header(skb, dev, DMVPN_ETH_P_NHRP, NULL, NULL,
					0));
	KUNIT_EXPECT_EQ(test, 0, dev_hard_header(skb, dev, ETH_P_IPV6, nbma,
						 NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, skb->len);
	KUNIT_EXPECT_EQ(test, (int)len,
			dev_hard_header(skb, dev, DMVPN_ETH_P_NHRP, nbma, NULL,
					0));
	KUNIT_EXPECT_EQ(test, len, skb->len);
	KUNIT_EXPECT_MEMEQ(test, skb->data, nbma, len);
	kfree_skb(skb);
	free_netdev(dev);
}

static void header_create(struct kunit *test)
{
	header_of(test, nbma4, sizeof(nbma4));
	header_of(test, nbma6, sizeof(nbma6));
}

/* What a packet socket is told of who sent an NHRP frame. */
static void header_parse(struct kunit *test)
{
	struct net_device *dev = alloc_etherdev(0);
	u8 haddr[MAX_ADDR_LEN] = { };
	struct ipv6hdr *ip6h;
	struct sk_buff *skb;
	struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->header_ops = &dmvpn_header_ops;
	skb = frame_new(test, dev);
	skb->protocol = htons(DMVPN_ETH_P_NHRP);
	ip6h = skb_put_zero(skb, sizeof(*ip6h));
	skb_reset_mac_header(skb);
	ip6h->version = 6;
	memcpy(&ip6h->saddr, nbma6, sizeof(nbma6));
	KUNIT_EXPECT_EQ(test, (int)sizeof(nbma6), dev_parse_header(skb, haddr));
	KUNIT_EXPECT_MEMEQ(test, haddr, nbma6, sizeof(nbma6));
	iph = (struct iphdr *)ip6h;
	iph->version = 4;
	memcpy(&iph->saddr, nbma4, sizeof(nbma4));
	KUNIT_EXPECT_EQ(test, (int)sizeof(nbma4), dev_parse_header(skb, haddr));
	KUNIT_EXPECT_MEMEQ(test, haddr, nbma4, sizeof(nbma4));
	skb->protocol = htons(ETH_P_IPV6);
	KUNIT_EXPECT_EQ(test, 0, dev_parse_header(skb, haddr));
	kfree_skb(skb);
	free_netdev(dev);
}

static struct kunit_case underlay_cases[] = {
	KUNIT_CASE(keys_differ),
	KUNIT_CASE(header_create),
	KUNIT_CASE(header_parse),
	{ }
};

static struct kunit_suite underlay_suite = {
	.name = "dmvpn_underlay",
	.init = keys_init,
	.exit = keys_exit,
	.test_cases = underlay_cases,
};

kunit_test_suites(&underlay_suite);
