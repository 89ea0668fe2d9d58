// SPDX-License-Identifier: GPL-2.0
/*
 * test_route: KUnit suite of route.c's choice between an SA that is used and
 * the one that the kernel has since, with routes that nothing else knows.
 */
#include <kunit/test.h>
#include <net/dst.h>
#include <net/xfrm.h>

#include "dmvpn.h"
#include "route.h"

#ifdef CONFIG_XFRM
struct sas {
	struct dmvpn_peer peer;
	struct dst_entry was, heir;
	struct xfrm_state old, new;
	struct xfrm_encap_tmpl encap;
};

/* Two routes to the peer, both by ESP; nothing was chosen yet. */
static int sas_init(struct kunit *test)
{
	struct sas *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->old.id.proto = IPPROTO_ESP;
	s->new.id.proto = IPPROTO_ESP;
	s->old.id.spi = htonl(0x1001);
	s->new.id.spi = htonl(0x1002);
	s->old.km.state = XFRM_STATE_VALID;
	s->new.km.state = XFRM_STATE_VALID;
	s->was.xfrm = &s->old;
	s->heir.xfrm = &s->new;
	test->priv = s;
	return 0;
}

static bool outlives(struct kunit *test)
{
	struct sas *s = test->priv;

	return dmvpn_route_outlives(&s->peer, &s->was, &s->heir);
}

/* For a while, counted from the first packet that might have taken the heir. */
static void for_a_while(struct kunit *test)
{
	unsigned long end, start = jiffies;
	struct sas *s = test->priv;

	KUNIT_EXPECT_TRUE(test, outlives(test));
	end = s->peer.heir_at;
	KUNIT_EXPECT_TRUE(test, time_after(end, start));
	KUNIT_EXPECT_TRUE(test, time_before(end, jiffies + HZ));
	outlives(test);
	KUNIT_EXPECT_EQ(test, end, s->peer.heir_at);
	s->peer.heir_at = jiffies - 1;
	KUNIT_EXPECT_FALSE(test, outlives(test));
	/* the next heir has a while of its own */
	s->new.id.spi = htonl(0x1003);
	KUNIT_EXPECT_TRUE(test, outlives(test));
}

static void same_sa(struct kunit *test)
{
	struct sas *s = test->priv;

	s->new.id.spi = s->old.id.spi;
	KUNIT_EXPECT_FALSE(test, outlives(test));
}

static void not_valid(struct kunit *test)
{
	struct sas *s = test->priv;

	s->old.km.state = XFRM_STATE_EXPIRED;
	KUNIT_EXPECT_FALSE(test, outlives(test));
	s->old.km.state = XFRM_STATE_DEAD;
	KUNIT_EXPECT_FALSE(test, outlives(test));
}

/* What is not ESP protects nothing. */
static void no_esp(struct kunit *test)
{
	struct sas *s = test->priv;

	s->old.id.proto = IPPROTO_COMP;
	KUNIT_EXPECT_FALSE(test, outlives(test));
	s->was.xfrm = NULL;
	KUNIT_EXPECT_FALSE(test, outlives(test));
	s->was.xfrm = &s->old;
	s->old.id.proto = IPPROTO_ESP;
	s->heir.xfrm = NULL;
	KUNIT_EXPECT_FALSE(test, outlives(test));
}

/* Who registers was second, so its NHS deletes the old one. */
static void towards_nhs(struct kunit *test)
{
	struct sas *s = test->priv;

	s->peer.flags = DMVPN_PEER_F_NHS;
	KUNIT_EXPECT_FALSE(test, outlives(test));
}

/* Another port at the NAT: the daemon has time to find out who it is. */
static void other_port(struct kunit *test)
{
	unsigned long start = jiffies;
	struct sas *s = test->priv;

	s->old.encap = &s->encap;
	s->encap.encap_dport = htons(4500);
	KUNIT_EXPECT_TRUE(test, outlives(test));
	KUNIT_EXPECT_TRUE(test, time_after(s->peer.heir_at, start + HZ));
	/* the same one */
	s->new.encap = &s->encap;
	s->new.id.spi = htonl(0x1003);
	KUNIT_EXPECT_TRUE(test, outlives(test));
	KUNIT_EXPECT_TRUE(test, time_before(s->peer.heir_at, jiffies + HZ));
}

static struct kunit_case route_cases[] = {
	KUNIT_CASE(for_a_while),
	KUNIT_CASE(same_sa),
	KUNIT_CASE(not_valid),
	KUNIT_CASE(no_esp),
	KUNIT_CASE(towards_nhs),
	KUNIT_CASE(other_port),
	{ }
};

static struct kunit_suite route_suite = {
	.name = "dmvpn_route",
	.init = sas_init,
	.test_cases = route_cases,
};

kunit_test_suite(route_suite);
#endif
