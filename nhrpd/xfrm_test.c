/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xfrm_test: XFRM messages, built and read without a kernel. What the kernel
 * does with them is a scenario's business.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/xfrm.h>

#include <cmocka.h>

#include "xfrm.h"

static char buf[4096] __attribute__((aligned(8)));

static struct xfrm_block block(const char *local, bool has_key, uint32_t key)
{
	struct xfrm_block b = { .has_key = has_key, .key = key };

	assert_true(addr_parse(local, &b.local));
	return b;
}

static struct nlmsghdr *begin(uint16_t type)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	return nlh;
}

/* As `ip xfrm policy add dir out src 10.0.2.2/32 dst 0.0.0.0/0 proto gre
 * priority 4000047 action block` would say it. */
static void test_block(void **state)
{
	struct xfrm_block b = block("10.0.2.2", false, 0);
	struct nlmsghdr *nlh = begin(0);
	struct xfrm_userpolicy_info *p;

	(void)state;
	xfrm_build_block(nlh, &b, true, false);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_UPDPOLICY);
	assert_int_equal(mnl_nlmsg_get_payload_len(nlh), sizeof(*p));
	p = mnl_nlmsg_get_payload(nlh);
	assert_int_equal(p->sel.family, AF_INET);
	assert_int_equal(p->sel.saddr.a4, inet_addr("10.0.2.2"));
	assert_int_equal(p->sel.prefixlen_s, 32);
	assert_int_equal(p->sel.daddr.a4, 0);
	assert_int_equal(p->sel.prefixlen_d, 0);
	assert_int_equal(p->sel.proto, IPPROTO_GRE);
	assert_int_equal(p->sel.sport_mask | p->sel.dport_mask, 0);
	assert_int_equal(p->dir, XFRM_POLICY_OUT);
	assert_int_equal(p->action, XFRM_POLICY_BLOCK);
	assert_true(p->priority > 399744);
	assert_true(p->lft.hard_byte_limit == XFRM_INF);
	assert_true(p->lft.hard_packet_limit == XFRM_INF);
	assert_true(p->lft.hard_add_expires_seconds == 0);
}

static void test_block_in_v6_key(void **state)
{
	struct xfrm_block b = block("2001:db8::1", true, 0x12345678);
	struct nlmsghdr *nlh = begin(0);
	struct xfrm_userpolicy_info *p;

	(void)state;
	xfrm_build_block(nlh, &b, false, false);
	p = mnl_nlmsg_get_payload(nlh);
	assert_int_equal(p->sel.family, AF_INET6);
	assert_memory_equal(&p->sel.daddr, b.local.b, 16);
	assert_int_equal(p->sel.prefixlen_d, 128);
	assert_int_equal(p->sel.prefixlen_s, 0);
	assert_int_equal(ntohs(p->sel.sport), 0x1234);
	assert_int_equal(ntohs(p->sel.dport), 0x5678);
	assert_int_equal(p->sel.sport_mask, 0xffff);
	assert_int_equal(p->dir, XFRM_POLICY_IN);
}

/* What is built is read again; what differs in anything is not ours. */
static void test_own_blocks(void **state)
{
	static const char *const locals[] = { "10.0.2.2", "2001:db8::1" };
	struct xfrm_userpolicy_info *p;
	struct xfrm_block b;
	struct xfrm_msg m;

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct nlmsghdr *nlh = begin(0);

		b = block(locals[i & 1], i & 2, i & 2 ? 42 : 0);
		xfrm_build_block(nlh, &b, i & 4, false);
		nlh->nlmsg_type = XFRM_MSG_NEWPOLICY;
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_BLOCK);
		assert_int_equal(m.out, !!(i & 4));
		assert_true(addr_eq(&m.block.local, &b.local));
		assert_int_equal(m.block.has_key, b.has_key);
		assert_int_equal(m.block.key, b.key);

		p = mnl_nlmsg_get_payload(nlh);
		p->priority--;
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_OTHER);
		p->priority++;
		p->sel.prefixlen_s ^= 1;
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_OTHER);
		p->sel.prefixlen_s ^= 1;
		p->sel.proto = IPPROTO_UDP;
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_OTHER);
		p->sel.proto = IPPROTO_GRE;
		p->dir = XFRM_POLICY_FWD;
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_OTHER);

		nlh = begin(0);
		xfrm_build_block(nlh, &b, i & 4, true);
		assert_int_equal(nlh->nlmsg_type, XFRM_MSG_DELPOLICY);
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_BLOCK_DELETED);
		assert_true(addr_eq(&m.block.local, &b.local));
		assert_int_equal(m.block.key, b.key);
	}
}

static struct nlmsghdr *sa_message(void)
{
	struct xfrm_mark mark = { .v = 2, .m = 0xffffffff };
	struct nlmsghdr *nlh = begin(XFRM_MSG_NEWSA);
	struct xfrm_usersa_info *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));

	i->family = AF_INET;
	i->saddr.a4 = inet_addr("10.0.1.2");
	i->id.daddr.a4 = inet_addr("10.0.9.2");
	i->id.spi = htonl(0xc47ade2d);
	i->id.proto = IPPROTO_ESP;
	i->mode = XFRM_MODE_TRANSPORT;
	i->reqid = 2;
	i->curlft.add_time = 1700000000;
	mnl_attr_put(nlh, XFRMA_MARK, sizeof(mark), &mark);
	return nlh;
}

static void test_sa(void **state)
{
	struct nlmsghdr *nlh = sa_message();
	struct xfrm_usersa_id *id;
	struct xfrm_msg m, del;

	(void)state;
	assert_int_equal(xfrm_parse(nlh, &m), 0);
	assert_int_equal(m.type, XFRM_SA);
	assert_int_equal(m.sa.spi, 0xc47ade2d);
	assert_int_equal(m.sa.reqid, 2);
	assert_int_equal(m.sa.mark, 2);
	assert_int_equal(m.sa.mark_mask, 0xffffffff);
	assert_true(m.sa.transport);
	assert_true(m.sa.added == 1700000000);

	nlh = begin(0);
	xfrm_build_sa_del(nlh, &m.sa);
	assert_int_equal(nlh->nlmsg_type, XFRM_MSG_DELSA);
	id = mnl_nlmsg_get_payload(nlh);
	assert_int_equal(id->daddr.a4, inet_addr("10.0.9.2"));
	assert_int_equal(id->proto, IPPROTO_ESP);
	/* with a mark it is not found without it */
	assert_int_equal(mnl_nlmsg_get_payload_len(nlh),
			 MNL_ALIGN(sizeof(*id)) +
			 MNL_ATTR_HDRLEN + sizeof(xfrm_address_t) +
			 MNL_ATTR_HDRLEN + sizeof(struct xfrm_mark));
	assert_int_equal(xfrm_parse(nlh, &del), 0);
	assert_int_equal(del.type, XFRM_SA_DELETED);
	assert_int_equal(del.sa.spi, 0xc47ade2d);
}

/* What is shown: names and lengths, no key. */
static void test_use(void **state)
{
	struct nlmsghdr *nlh = sa_message();
	struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(nlh);
	struct xfrm_replay_state_esn esn = { .replay_window = 64 };
	struct xfrm_algo_aead aead = { .alg_key_len = 160, .alg_icv_len = 128 };
	struct xfrm_use u;

	(void)state;
	i->curlft.bytes = 1ull << 40;
	i->curlft.packets = 9;
	i->lft.hard_add_expires_seconds = 3960;
	i->stats.replay = 3;
	i->stats.integrity_failed = 4;
	i->replay_window = 32;
	strcpy(aead.alg_name, "rfc4106(gcm(aes))");
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(aead), &aead);
	mnl_attr_put(nlh, XFRMA_REPLAY_ESN_VAL, sizeof(esn), &esn);
	assert_true(xfrm_parse_use(nlh, &u));
	assert_int_equal(u.sa.spi, 0xc47ade2d);
	assert_int_equal(u.sa.mark, 2);
	assert_true(u.bytes == 1ull << 40 && u.packets == 9);
	assert_int_equal(u.hard_seconds, 3960);
	assert_int_equal(u.replay_window, 64);
	assert_int_equal(u.replayed, 3);
	assert_int_equal(u.forged, 4);
	assert_string_equal(u.encryption, "rfc4106(gcm(aes))");
	assert_int_equal(u.key_bits, 160);
	assert_int_equal(u.icv_bits, 128);
	assert_string_equal(u.integrity, "");
	i->id.proto = IPPROTO_AH;
	assert_false(xfrm_parse_use(nlh, &u));
	i->id.proto = IPPROTO_ESP;
	nlh->nlmsg_type = XFRM_MSG_DELSA;
	assert_false(xfrm_parse_use(nlh, &u));
}

/* Attributes too short for what they say they are tell nothing. */
static void test_use_short(void **state)
{
	struct nlmsghdr *nlh = sa_message();
	struct xfrm_algo_auth auth = { .alg_trunc_len = 128 };
	struct xfrm_use u;

	(void)state;
	memset(auth.alg_name, 'x', sizeof(auth.alg_name));
	mnl_attr_put(nlh, XFRMA_ALG_CRYPT, 8, "cbc(aes)");
	mnl_attr_put(nlh, XFRMA_ALG_AUTH_TRUNC, sizeof(auth), &auth);
	assert_true(xfrm_parse_use(nlh, &u));
	assert_string_equal(u.encryption, "");
	assert_int_equal(strlen(u.integrity), 63);
	assert_int_equal(u.icv_bits, 128);
	nlh->nlmsg_len = NLMSG_HDRLEN + 8;
	assert_false(xfrm_parse_use(nlh, &u));
}

/* AH and IPComp are none of ours. */
static void test_not_esp(void **state)
{
	struct nlmsghdr *nlh = sa_message();
	struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(nlh);
	struct xfrm_msg m;

	(void)state;
	i->id.proto = IPPROTO_AH;
	assert_int_equal(xfrm_parse(nlh, &m), 0);
	assert_int_equal(m.type, XFRM_OTHER);
}

static void test_expire(void **state)
{
	struct nlmsghdr *nlh = begin(XFRM_MSG_EXPIRE);
	struct xfrm_user_expire *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));
	struct xfrm_msg m;

	(void)state;
	e->state.family = AF_INET6;
	e->state.id.proto = IPPROTO_ESP;
	e->state.id.spi = htonl(7);
	e->state.id.daddr.a6[3] = 1;
	for (int hard = 0; hard < 2; hard++) {
		e->hard = hard;
		assert_int_equal(xfrm_parse(nlh, &m), 0);
		assert_int_equal(m.type, XFRM_SA_EXPIRED);
		assert_int_equal(m.hard, hard);
		assert_int_equal(m.sa.spi, 7);
	}
}

static void test_flushes(void **state)
{
	struct nlmsghdr *nlh = begin(XFRM_MSG_FLUSHPOLICY);
	struct xfrm_usersa_flush *f;
	struct xfrm_msg m;

	(void)state;
	assert_int_equal(xfrm_parse(nlh, &m), 0);
	assert_int_equal(m.type, XFRM_POLICIES_FLUSHED);
	nlh = begin(XFRM_MSG_FLUSHSA);
	f = mnl_nlmsg_put_extra_header(nlh, sizeof(*f));
	f->proto = IPPROTO_ESP;
	assert_int_equal(xfrm_parse(nlh, &m), 0);
	assert_int_equal(m.type, XFRM_SAS_FLUSHED);
	f->proto = IPPROTO_AH;
	assert_int_equal(xfrm_parse(nlh, &m), 0);
	assert_int_equal(m.type, XFRM_OTHER);
}

/* Each message, cut anywhere within its header. */
static void test_truncated(void **state)
{
	static const struct {
		uint16_t type;
		size_t len;
	} msgs[] = {
		{ XFRM_MSG_NEWSA, sizeof(struct xfrm_usersa_info) },
		{ XFRM_MSG_DELSA, sizeof(struct xfrm_usersa_id) },
		{ XFRM_MSG_EXPIRE, sizeof(struct xfrm_user_expire) },
		{ XFRM_MSG_FLUSHSA, sizeof(struct xfrm_usersa_flush) },
		{ XFRM_MSG_NEWPOLICY, sizeof(struct xfrm_userpolicy_info) },
		{ XFRM_MSG_DELPOLICY, sizeof(struct xfrm_userpolicy_id) },
	};
	struct xfrm_msg m;

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		for (size_t len = 0; len < msgs[i].len; len++) {
			struct nlmsghdr *nlh = malloc(NLMSG_HDRLEN + len);

			assert_non_null(nlh);
			memset(nlh, 0, NLMSG_HDRLEN + len);
			nlh->nlmsg_len = NLMSG_HDRLEN + len;
			nlh->nlmsg_type = msgs[i].type;
			assert_int_equal(xfrm_parse(nlh, &m), -EBADMSG);
			free(nlh);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_block_in_v6_key),
		cmocka_unit_test(test_own_blocks),
		cmocka_unit_test(test_sa),
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_use_short),
		cmocka_unit_test(test_not_esp),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_flushes),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
