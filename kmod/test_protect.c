// SPDX-License-Identifier: GPL-2.0
/*
 * test_protect: KUnit suite of protect.c: whose ESP a packet came by, with SAs
 * that only a packet's sec_path knows.
 */
#include <kunit/test.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "protect.h"

#ifdef CONFIG_XFRM
#define A(a, b, c, d)	htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))
#define HUB		A(10, 0, 0, 1)
#define SPOKE		A(10, 0, 0, 6)
#define OTHER		A(10, 0, 0, 7)

/* GRE from SPOKE to HUB. */
static int packet_init(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);
	struct iphdr *iph;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->protocol = IPPROTO_GRE;
	iph->saddr = SPOKE;
	iph->daddr = HUB;
	skb->protocol = htons(ETH_P_IP);
	skb->pkt_type = PACKET_HOST;
	skb_put_zero(skb, 4);
	test->priv = skb;
	return 0;
}

static void packet_exit(struct kunit *test)
{
	kfree_skb(test->priv);
}

/* The packet came by that SA too. */
static void came_by(struct kunit *test, u8 proto, u8 mode, __be32 saddr,
		    __be32 daddr)
{
	struct xfrm_state *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	struct sec_path *sp = secpath_set(test->priv);

	KUNIT_ASSERT_NOT_NULL(test, x);
	KUNIT_ASSERT_NOT_NULL(test, sp);
	refcount_set(&x->refcnt, 2);	/* the test's and the packet's */
	x->id.proto = proto;
	x->props.family = AF_INET;
	x->props.mode = mode;
	x->props.saddr.a4 = saddr;
	x->id.daddr.a4 = daddr;
	sp->xvec[sp->len++] = x;
}

static void in_clear(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
}

static void empty_path(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, secpath_set(test->priv));
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
}

static void right_pair(struct kunit *test)
{
	came_by(test, IPPROTO_ESP, XFRM_MODE_TRANSPORT, SPOKE, HUB);
	KUNIT_EXPECT_TRUE(test, dmvpn_protected(test->priv));
}

/* A selector as wide as the world let it pass: another peer's SA. */
static void wrong_sender(struct kunit *test)
{
	came_by(test, IPPROTO_ESP, XFRM_MODE_TRANSPORT, OTHER, HUB);
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
}

static void wrong_receiver(struct kunit *test)
{
	came_by(test, IPPROTO_ESP, XFRM_MODE_TRANSPORT, SPOKE, OTHER);
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
}

/* The outer header of the tunnel is another one. */
static void tunnel_mode(struct kunit *test)
{
	came_by(test, IPPROTO_ESP, XFRM_MODE_TUNNEL, OTHER, OTHER);
	KUNIT_EXPECT_TRUE(test, dmvpn_protected(test->priv));
}

/* It is authentic, and anybody may read it. */
static void ah_only(struct kunit *test)
{
	came_by(test, IPPROTO_AH, XFRM_MODE_TRANSPORT, SPOKE, HUB);
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
}

static void esp_behind_others(struct kunit *test)
{
	came_by(test, IPPROTO_COMP, XFRM_MODE_TRANSPORT, SPOKE, HUB);
	came_by(test, IPPROTO_AH, XFRM_MODE_TRANSPORT, SPOKE, HUB);
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
	came_by(test, IPPROTO_ESP, XFRM_MODE_TRANSPORT, OTHER, HUB);
	KUNIT_EXPECT_FALSE(test, dmvpn_protected(test->priv));
	came_by(test, IPPROTO_ESP, XFRM_MODE_TRANSPORT, SPOKE, HUB);
	KUNIT_EXPECT_TRUE(test, dmvpn_protected(test->priv));
}

/* What pkt_type dmvpn_protect_answer() leaves to GRE of that version. */
static u8 answer_type(struct kunit *test, u8 version)
{
	struct sk_buff *skb = test->priv;
	unsigned int hlen = sizeof(struct iphdr);
	u8 type;

	skb_pull(skb, hlen);
	skb->data[1] = version;
	skb->pkt_type = PACKET_HOST;
	dmvpn_protect_answer(skb);
	type = skb->pkt_type;
	skb_push(skb, hlen);
	return type;
}

/* Only what came encrypted must not be told of in clear. */
static void answers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PACKET_HOST, answer_type(test, 0));
	came_by(test, IPPROTO_ESP, XFRM_MODE_TRANSPORT, SPOKE, HUB);
	KUNIT_EXPECT_EQ(test, PACKET_OTHERHOST, answer_type(test, 0));
	KUNIT_EXPECT_EQ(test, PACKET_HOST, answer_type(test, 1));
}

static struct kunit_case protect_cases[] = {
	KUNIT_CASE(in_clear),
	KUNIT_CASE(empty_path),
	KUNIT_CASE(right_pair),
	KUNIT_CASE(wrong_sender),
	KUNIT_CASE(wrong_receiver),
	KUNIT_CASE(tunnel_mode),
	KUNIT_CASE(ah_only),
	KUNIT_CASE(esp_behind_others),
	KUNIT_CASE(answers),
	{ }
};

static struct kunit_suite protect_suite = {
	.name = "dmvpn_protect",
	.init = packet_init,
	.exit = packet_exit,
	.test_cases = protect_cases,
};

kunit_test_suite(protect_suite);
#endif
