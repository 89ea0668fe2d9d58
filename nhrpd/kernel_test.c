/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_test: the readers of netlink messages against crafted ones: whole,
 * cut at every byte, with attributes of wrong length or unknown type.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <cmocka.h>

#include "kernel.h"
#include "netlink.h"
#include "rtnl.h"

static union {
	char buf[4096];
	struct nlmsghdr align;
} msg;

static const struct addr a1 = { .len = 4, .b = { 10, 0, 0, 1 } };
static const struct addr a2 = { .len = 4, .b = { 192, 0, 2, 1 } };
static const struct addr a3 = { .len = 4, .b = { 203, 0, 113, 7 } };

static struct nlmsghdr *begin(uint16_t type, const void *hdr, size_t hdrlen)
{
	struct nlmsghdr *nlh;

	memset(&msg, 0, sizeof(msg));
	nlh = mnl_nlmsg_put_header(msg.buf);
	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, hdrlen), hdr, hdrlen);
	return nlh;
}

static struct nlmsghdr *begin_genl(uint8_t cmd)
{
	struct genlmsghdr genl = { .cmd = cmd, .version = 1 };

	return begin(0x20, &genl, sizeof(genl));
}

static void put_flags(struct nlmsghdr *nlh, uint16_t type, uint32_t value,
		      uint32_t selector)
{
	struct nla_bitfield32 f = { value, selector };

	mnl_attr_put(nlh, type, sizeof(f), &f);
}

/* ---- the module's objects ---- */

static struct nlmsghdr *make_neigh(uint8_t cmd)
{
	struct nlmsghdr *nlh = begin_genl(cmd);

	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, 7);
	netlink_put_addr(nlh, DMVPN_NEIGH_A_ADDR, &a1);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_ID, 99);
	netlink_put_addr(nlh, DMVPN_NEIGH_A_NBMA, &a2);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_MARK, 5);
	put_flags(nlh, DMVPN_NEIGH_A_FLAGS, DMVPN_NEIGH_F_REGISTERED |
		  DMVPN_NEIGH_F_UNIQUE, 0x1f);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_EXPIRES, 7200000);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_REFRESH, 120000);
	mnl_attr_put(nlh, DMVPN_NEIGH_A_COOKIE, 3, "abc");
	mnl_attr_put_u64(nlh, DMVPN_NEIGH_A_USED, 1000);
	mnl_attr_put_u64(nlh, DMVPN_NEIGH_A_CREATED, 1ULL << 40);
	return nlh;
}

static void expect_neigh(const struct kernel_msg *m)
{
	const struct kernel_neigh *k = &m->neigh;

	assert_int_equal(m->type, KERNEL_MSG_NEIGH);
	assert_int_equal(k->ifindex, 7);
	assert_int_equal(k->id, 99);
	assert_true(addr_eq(&k->n.addr, &a1));
	assert_true(addr_eq(&k->n.nbma, &a2));
	assert_int_equal(k->n.mark, 5);
	assert_int_equal(k->n.flags, DMVPN_NEIGH_F_REGISTERED |
			 DMVPN_NEIGH_F_UNIQUE);
	assert_int_equal(k->n.expires, 7200000);
	assert_int_equal(k->n.refresh, 120000);
	assert_int_equal(k->n.cookie_len, 3);
	assert_memory_equal(k->n.cookie, "abc", 3);
	assert_true(k->used);
	assert_int_equal(k->used_ago, 1000);
	assert_true(k->n.created_ago == 1ULL << 40);
}

static void test_neigh(void **state)
{
	static const uint8_t cmds[] = {
		DMVPN_CMD_NEIGH_GET, DMVPN_CMD_NEIGH_EXPIRED_NTF,
		DMVPN_CMD_NEIGH_USED_NTF, DMVPN_CMD_NEIGH_CHANGED_NTF,
		DMVPN_CMD_NEIGH_DELETED_NTF,
	};
	struct kernel_msg m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cmds); i++) {
		assert_int_equal(kernel_parse(make_neigh(cmds[i]), &m), 0);
		assert_int_equal(m.cmd, cmds[i]);
		expect_neigh(&m);
	}
}

static void test_neigh_least(void **state)
{
	struct nlmsghdr *nlh = begin_genl(DMVPN_CMD_NEIGH_GET);
	struct kernel_msg m;

	(void)state;
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, 7);
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
	netlink_put_addr(nlh, DMVPN_NEIGH_A_ADDR, &a1);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_false(addr_is_set(&m.neigh.n.nbma));
	assert_false(m.neigh.used);
	assert_int_equal(m.neigh.n.cookie_len, 0);
}

static struct nlmsghdr *make_shortcut(uint8_t cmd)
{
	struct nlmsghdr *nlh = begin_genl(cmd);
	struct addr net = addr_network(&a3, 24);

	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_IFINDEX, 7);
	netlink_put_addr(nlh, DMVPN_SHORTCUT_A_PREFIX, &net);
	mnl_attr_put_u8(nlh, DMVPN_SHORTCUT_A_PREFIXLEN, 24);
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_ID, 3);
	netlink_put_addr(nlh, DMVPN_SHORTCUT_A_NEXTHOP, &a1);
	netlink_put_addr(nlh, DMVPN_SHORTCUT_A_VIA, &a2);
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_EXPIRES, 7200000);
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_REFRESH, 120000);
	mnl_attr_put(nlh, DMVPN_SHORTCUT_A_COOKIE, 3, "xyz");
	mnl_attr_put_u64(nlh, DMVPN_SHORTCUT_A_USED, 2000);
	mnl_attr_put_u64(nlh, DMVPN_SHORTCUT_A_CREATED, 1ULL << 40);
	return nlh;
}

static void expect_shortcut(const struct kernel_msg *m)
{
	const struct kernel_shortcut *k = &m->shortcut;
	struct addr net = addr_network(&a3, 24);

	assert_int_equal(m->type, KERNEL_MSG_SHORTCUT);
	assert_int_equal(k->ifindex, 7);
	assert_int_equal(k->id, 3);
	assert_true(addr_eq(&k->s.prefix, &net));
	assert_int_equal(k->s.plen, 24);
	assert_true(addr_eq(&k->s.nexthop, &a1));
	assert_true(addr_eq(&k->s.via, &a2));
	assert_int_equal(k->s.expires, 7200000);
	assert_int_equal(k->s.refresh, 120000);
	assert_int_equal(k->s.cookie_len, 3);
	assert_memory_equal(k->s.cookie, "xyz", 3);
	assert_true(k->used);
	assert_int_equal(k->used_ago, 2000);
	assert_true(k->s.created_ago == 1ULL << 40);
}

static void test_shortcut(void **state)
{
	static const uint8_t cmds[] = {
		DMVPN_CMD_SHORTCUT_GET, DMVPN_CMD_SHORTCUT_EXPIRED_NTF,
		DMVPN_CMD_SHORTCUT_USED_NTF, DMVPN_CMD_SHORTCUT_CHANGED_NTF,
		DMVPN_CMD_SHORTCUT_DELETED_NTF,
	};
	struct kernel_msg m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cmds); i++) {
		assert_int_equal(kernel_parse(make_shortcut(cmds[i]), &m), 0);
		assert_int_equal(m.cmd, cmds[i]);
		expect_shortcut(&m);
	}
}

/* The prefix is whole, or it is none. */
static void test_shortcut_prefix(void **state)
{
	struct addr any = addr_v4(0);
	struct kernel_msg m;
	struct nlmsghdr *nlh;
	unsigned int plen;

	(void)state;
	for (plen = 0; plen <= UINT8_MAX; plen++) {
		nlh = begin_genl(DMVPN_CMD_SHORTCUT_GET);
		mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_IFINDEX, 7);
		netlink_put_addr(nlh, DMVPN_SHORTCUT_A_PREFIX, &any);
		assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
		mnl_attr_put_u8(nlh, DMVPN_SHORTCUT_A_PREFIXLEN, plen);
		assert_int_equal(kernel_parse(nlh, &m),
				 plen <= 32 ? 0 : -EBADMSG);
	}
	nlh = begin_genl(DMVPN_CMD_SHORTCUT_GET);
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_IFINDEX, 7);
	mnl_attr_put_u8(nlh, DMVPN_SHORTCUT_A_PREFIXLEN, 24);
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
}

static struct nlmsghdr *make_peer(uint32_t flags, const char *cookie)
{
	struct nlmsghdr *nlh = begin_genl(DMVPN_CMD_PEER_GET);

	mnl_attr_put_u32(nlh, DMVPN_PEER_A_IFINDEX, 7);
	netlink_put_addr(nlh, DMVPN_PEER_A_NBMA, &a2);
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_MARK, 5);
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_ID, 4);
	put_flags(nlh, DMVPN_PEER_A_FLAGS, flags, 0xf);
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_PRIORITY, 9);
	if (cookie)
		mnl_attr_put(nlh, DMVPN_PEER_A_COOKIE, strlen(cookie), cookie);
	return nlh;
}

static void test_peer(void **state)
{
	uint32_t flags = DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS |
			 DMVPN_PEER_F_STATIC;
	struct kernel_msg m;

	(void)state;
	assert_int_equal(kernel_parse(make_peer(flags, KERNEL_PEER_COOKIE),
				      &m), 0);
	assert_int_equal(m.type, KERNEL_MSG_PEER);
	assert_int_equal(m.peer.ifindex, 7);
	assert_true(addr_eq(&m.peer.nbma, &a2));
	assert_int_equal(m.peer.mark, 5);
	assert_int_equal(m.peer.id, 4);
	assert_int_equal(m.peer.flags, flags);
	assert_int_equal(m.peer.priority, 9);
	assert_true(m.peer.ours);
	assert_false(m.peer.taken);
}

/* One that an operator had made is the daemon's and knows what it was. */
static void test_peer_taken(void **state)
{
	uint8_t cookie[] = KERNEL_PEER_COOKIE "\0\3\0\0\0\0";
	size_t flags_at = sizeof(KERNEL_PEER_COOKIE);
	const uint32_t priority = 7;
	struct kernel_msg m;
	struct nlmsghdr *nlh;

	(void)state;
	memcpy(cookie + flags_at + 1, &priority, sizeof(priority));
	nlh = make_peer(DMVPN_PEER_F_STATIC, NULL);
	mnl_attr_put(nlh, DMVPN_PEER_A_COOKIE, sizeof(cookie) - 1, cookie);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_true(m.peer.ours && m.peer.taken);
	assert_int_equal(m.peer.was.flags,
			 DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS);
	assert_int_equal(m.peer.was.priority, priority);
	cookie[flags_at] |= DMVPN_PEER_F_STATIC;	/* nothing of ours */
	nlh = make_peer(DMVPN_PEER_F_STATIC, NULL);
	mnl_attr_put(nlh, DMVPN_PEER_A_COOKIE, sizeof(cookie) - 1, cookie);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_false(m.peer.ours || m.peer.taken);
}

/* A peer that somebody made by hand is never taken for the daemon's. */
static void test_peer_foreign(void **state)
{
	static const char *const cookies[] = {
		NULL, "", "n", "nhrp", "nhrpd ", "NHRPD", "nhrpdnhrpd",
	};
	struct kernel_msg m;
	struct nlmsghdr *nlh;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		nlh = make_peer(DMVPN_PEER_F_STATIC, cookies[i]);
		assert_int_equal(kernel_parse(nlh, &m), 0);
		assert_false(m.peer.ours);
	}
	/* nor one that lives by its neighbours alone */
	assert_int_equal(kernel_parse(make_peer(0, KERNEL_PEER_COOKIE), &m),
			 0);
	assert_false(m.peer.ours);
}

/* Events of peers are the dmvpn command's affair; a newer module's attributes
 * nobody's. */
static void test_unknown(void **state)
{
	struct nlmsghdr *nlh = begin_genl(DMVPN_CMD_PEER_CHANGED_NTF);
	struct kernel_msg m;

	(void)state;
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_IFINDEX, 7);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_int_equal(m.type, KERNEL_MSG_OTHER);
	nlh = begin_genl(DMVPN_CMD_PEER_GET);
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_IFINDEX, 7);
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
	nlh = make_neigh(DMVPN_CMD_NEIGH_GET);
	mnl_attr_put_u32(nlh, 200, 1);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	expect_neigh(&m);
}

/* An older module has fewer counters, a newer one more. */
static void test_dev(void **state)
{
	uint64_t many[__DMVPN_DROP_MAX + 5], few[2] = { 0, 42 };
	struct kernel_msg m;
	struct nlmsghdr *nlh;
	unsigned int i;

	(void)state;
	for (i = 0; i < __DMVPN_DROP_MAX + 5; i++)
		many[i] = i;
	nlh = begin_genl(DMVPN_CMD_DEV_GET);
	mnl_attr_put_u32(nlh, DMVPN_DEV_A_IFINDEX, 7);
	mnl_attr_put_strz(nlh, DMVPN_DEV_A_IFNAME, "Tunnel0");
	mnl_attr_put_u32(nlh, DMVPN_DEV_A_FEATURES, DMVPN_FEATURE_REMOTE);
	mnl_attr_put(nlh, DMVPN_DEV_A_DROPS, sizeof(many), many);
	mnl_attr_put(nlh, DMVPN_DEV_A_COUNTS, sizeof(few), few);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_int_equal(m.type, KERNEL_MSG_DEV);
	assert_string_equal(m.dev.name, "Tunnel0");
	assert_int_equal(m.dev.features, DMVPN_FEATURE_REMOTE);
	assert_false(addr_is_set(&m.dev.local));
	assert_true(m.dev.drops[__DMVPN_DROP_MAX - 1] == __DMVPN_DROP_MAX - 1);
	assert_true(m.dev.counts[1] == 42 && m.dev.counts[2] == 0);
}

static void test_upcall(void **state)
{
	struct nlmsghdr *nlh = begin_genl(DMVPN_CMD_RESOLVE_NTF);
	struct kernel_msg m;

	(void)state;
	mnl_attr_put_u32(nlh, DMVPN_EVENT_A_IFINDEX, 7);
	netlink_put_addr(nlh, DMVPN_EVENT_A_NEXTHOP, &a1);
	netlink_put_addr(nlh, DMVPN_EVENT_A_DST, &a3);
	mnl_attr_put(nlh, DMVPN_EVENT_A_HEAD, 5, "12345");
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_int_equal(m.type, KERNEL_MSG_UPCALL);
	assert_true(addr_eq(&m.upcall.nexthop, &a1));
	assert_false(addr_is_set(&m.upcall.src));
	assert_true(addr_eq(&m.upcall.dst, &a3));
	assert_int_equal(m.upcall.head_len, 5);
	assert_memory_equal(m.upcall.head, "12345", 5);
}

/* A redirect tells both peers and the packet's head. */
static void test_redirect(void **state)
{
	struct nlmsghdr *nlh = begin_genl(DMVPN_CMD_REDIRECT_NTF);
	struct kernel_msg m;

	(void)state;
	mnl_attr_put_u32(nlh, DMVPN_EVENT_A_IFINDEX, 7);
	netlink_put_addr(nlh, DMVPN_EVENT_A_NBMA, &a3);
	netlink_put_addr(nlh, DMVPN_EVENT_A_INGRESS_NBMA, &a2);
	mnl_attr_put_u32(nlh, DMVPN_EVENT_A_INGRESS_MARK, 6);
	mnl_attr_put(nlh, DMVPN_EVENT_A_HEAD, 20, "E2345678901234567890");
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_int_equal(m.type, KERNEL_MSG_UPCALL);
	assert_true(addr_eq(&m.upcall.nbma, &a3));
	assert_true(addr_eq(&m.upcall.ingress_nbma, &a2));
	assert_int_equal(m.upcall.ingress_mark, 6);
	assert_int_equal(m.upcall.head_len, 20);
	assert_int_equal(m.upcall.head[0], 'E');
}

static void test_unknown_command(void **state)
{
	struct kernel_msg m;

	(void)state;
	assert_int_equal(kernel_parse(begin_genl(250), &m), 0);
	assert_int_equal(m.type, KERNEL_MSG_OTHER);
	assert_int_equal(m.cmd, 250);
}

/* ---- broken ones ---- */

/*
 * Every message cut short, in a buffer of just that size: whatever is said of
 * it, nothing behind its end is read (ASan watches).
 */
static void cut_everywhere(const struct nlmsghdr *nlh)
{
	uint32_t whole = nlh->nlmsg_len, len;
	unsigned int refused = 0;
	struct kernel_msg m;

	for (len = sizeof(struct nlmsghdr); len < whole; len++) {
		struct nlmsghdr *cut = malloc(len);

		memcpy(cut, msg.buf, len);
		cut->nlmsg_len = len;
		if (kernel_parse(cut, &m))
			refused++;
		else
			/* first in all objects */
			assert_int_equal(m.neigh.ifindex, 7);
		free(cut);
	}
	/* it is taken only where it ends between two attributes, or in
	 * their padding, behind the address */
	assert_true(refused > (whole - sizeof(struct nlmsghdr)) / 2);
}

static void test_truncated(void **state)
{
	(void)state;
	cut_everywhere(make_neigh(DMVPN_CMD_NEIGH_GET));
	cut_everywhere(make_shortcut(DMVPN_CMD_SHORTCUT_GET));
	cut_everywhere(make_peer(0, KERNEL_PEER_COOKIE));
}

static int count_message(const struct nlmsghdr *nlh, void *ctx)
{
	(void)nlh;
	++*(unsigned int *)ctx;
	return 0;
}

/* Lengths that lie about the datagram: the walk ends there. */
static void test_walk(void **state)
{
	struct nlmsghdr two[2] = { { .nlmsg_len = 16 }, { .nlmsg_len = 16 } };
	static const uint32_t lies[] = { 0, 15, 17, 1000, 0x7fffffff,
					 0x80000000, 0xfffffff0, 0xffffffff };
	unsigned int i, n;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		two[1].nlmsg_len = lies[i];
		n = 0;
		netlink_each(two, sizeof(two), count_message, &n);
		assert_int_equal(n, 1);
	}
	two[1].nlmsg_len = 16;
	for (n = 0, i = 0; i < sizeof(two); i++) {
		netlink_each(two, i, count_message, &n);
		assert_int_equal(n, i < 16 ? 0 : i - 15);
	}
	n = 0;
	netlink_each(two, sizeof(two), count_message, &n);
	assert_int_equal(n, 2);
}

/* An attribute of a wrong size counts as absent, it is never overread. */
static void test_wrong_lengths(void **state)
{
	static const uint8_t bytes[ENGINE_COOKIE_MAX + 1] = { 1 };
	struct kernel_msg m;
	struct nlmsghdr *nlh;
	unsigned int len;

	(void)state;
	for (len = 0; len <= 20; len++) {
		nlh = begin_genl(DMVPN_CMD_NEIGH_GET);
		mnl_attr_put(nlh, DMVPN_NEIGH_A_IFINDEX, len, bytes);
		netlink_put_addr(nlh, DMVPN_NEIGH_A_ADDR, &a1);
		assert_int_equal(kernel_parse(nlh, &m),
				 len == 4 ? 0 : -EBADMSG);
		nlh = begin_genl(DMVPN_CMD_NEIGH_GET);
		mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, 7);
		mnl_attr_put(nlh, DMVPN_NEIGH_A_ADDR, len, bytes);
		assert_int_equal(kernel_parse(nlh, &m),
				 len == 4 || len == 16 ? 0 : -EBADMSG);
	}
	nlh = begin_genl(DMVPN_CMD_NEIGH_GET);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, 7);
	netlink_put_addr(nlh, DMVPN_NEIGH_A_ADDR, &a1);
	mnl_attr_put(nlh, DMVPN_NEIGH_A_COOKIE, sizeof(bytes), bytes);
	mnl_attr_put_u8(nlh, DMVPN_NEIGH_A_EXPIRES, 9);
	assert_int_equal(kernel_parse(nlh, &m), 0);
	assert_int_equal(m.neigh.n.cookie_len, 0);
	assert_int_equal(m.neigh.n.expires, 0);
}

/* A length that runs out of the message, and one too short for itself. */
static void test_lying_attribute(void **state)
{
	struct kernel_msg m;
	struct nlmsghdr *nlh;
	struct nlattr *a;

	(void)state;
	nlh = make_neigh(DMVPN_CMD_NEIGH_GET);
	a = (struct nlattr *)(msg.buf + NLMSG_HDRLEN + GENL_HDRLEN);
	a->nla_len = 0xffff;
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
	a->nla_len = 3;
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
	a->nla_len = 0;
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
}

static void test_no_genl_header(void **state)
{
	struct kernel_msg m;
	struct nlmsghdr *nlh;

	(void)state;
	nlh = begin(0x20, "ab", 2);
	nlh->nlmsg_len = sizeof(*nlh) + 2;
	assert_int_equal(kernel_parse(nlh, &m), -EBADMSG);
}

/* ---- errors ---- */

static struct nlmsghdr *make_error(int error, uint16_t flags, bool quoted,
				   const char *text)
{
	struct nlmsgerr e = { .error = error, .msg.nlmsg_len = sizeof(e.msg) };
	struct nlmsghdr *nlh;

	if (quoted)
		e.msg.nlmsg_len += 8;
	nlh = begin(NLMSG_ERROR, &e, sizeof(e));
	nlh->nlmsg_flags = flags;
	if (quoted)
		mnl_nlmsg_put_extra_header(nlh, 8);
	if (text)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	return nlh;
}

static void test_error(void **state)
{
	char text[24];
	struct nlmsghdr *nlh;

	(void)state;
	nlh = make_error(-ENOSPC, NLM_F_ACK_TLVS | NLM_F_CAPPED, false, "full");
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -ENOSPC);
	assert_string_equal(text, "full");
	nlh = make_error(-ENOSPC, NLM_F_ACK_TLVS, true, "full");
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -ENOSPC);
	assert_string_equal(text, "full");
	nlh = make_error(-ENOENT, NLM_F_CAPPED, false, NULL);
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "No such file or directo");
	nlh = make_error(0, 0, false, NULL);
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	nlh->nlmsg_len = sizeof(*nlh) + 3;
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -EBADMSG);
	nlh = make_error(1, 0, false, NULL);
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -EBADMSG);
	nlh = make_error(INT32_MIN, 0, false, NULL);
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -EBADMSG);
}

/* The quoted request claims to be longer than the whole. */
static void test_lying_error(void **state)
{
	struct nlmsghdr *nlh = make_error(-EPERM, NLM_F_ACK_TLVS, true, "x");
	struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	char text[40];

	(void)state;
	e->msg.nlmsg_len = 0xfffffff0;
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -EPERM);
	assert_string_equal(text, "Operation not permitted");
	e->msg.nlmsg_len = 1;
	assert_int_equal(netlink_error(nlh, text, sizeof(text)), -EPERM);
	assert_string_equal(text, "Operation not permitted");
}

/* ---- rtnetlink ---- */

static void test_link(void **state)
{
	struct ifinfomsg ifi = { .ifi_index = 9, .ifi_flags = IFF_UP };
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, &ifi, sizeof(ifi));
	struct nlattr *info, *data;
	struct addr any = addr_v4(0);
	struct rtnl_link l;

	(void)state;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "Tunnel0");
	mnl_attr_put_u32(nlh, IFLA_MTU, 1476);
	mnl_attr_put_u8(nlh, IFLA_OPERSTATE, 5);	/* IF_OPER_DORMANT */
	mnl_attr_put_u32(nlh, IFLA_MASTER, 3);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "dmvpn");
	mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, "vrf");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	netlink_put_addr(nlh, IFLA_DMVPN_LOCAL, &a2);
	netlink_put_addr(nlh, IFLA_DMVPN_REMOTE, &any);
	mnl_attr_put_u32(nlh, IFLA_DMVPN_KEY, 77);
	mnl_attr_put_u32(nlh, IFLA_DMVPN_LINK, 5);
	mnl_attr_put_u32(nlh, IFLA_DMVPN_ONEWAY_INTERVAL, 3000);
	put_flags(nlh, IFLA_DMVPN_FLAGS, DMVPN_LINK_F_KEY |
		  DMVPN_LINK_F_IPSEC_REQUIRED, 0x1f);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	assert_int_equal(rtnl_parse_link(nlh, &l), 0);
	assert_int_equal(l.ifindex, 9);
	assert_string_equal(l.name, "Tunnel0");
	assert_string_equal(l.kind, "dmvpn");
	assert_true(l.up);
	assert_true(l.dormant);
	assert_int_equal(l.mtu, 1476);
	assert_int_equal(l.vrf, 3);
	assert_true(addr_eq(&l.tunnel.local, &a2));
	assert_false(addr_is_set(&l.tunnel.remote));
	assert_true(l.tunnel.has_key);
	assert_int_equal(l.tunnel.key, 77);
	assert_int_equal(l.tunnel.link, 5);
	assert_int_equal(l.tunnel.oneway_interval, 3000);
	assert_int_equal(l.tunnel.flags, DMVPN_LINK_F_IPSEC_REQUIRED);
	assert_int_equal(l.tunnel.underlay, CONF_IPV4);
	nlh->nlmsg_type = RTM_DELLINK;
	assert_int_equal(rtnl_parse_link(nlh, &l), -ENOENT);
}

static void test_link_over6(void **state)
{
	struct ifinfomsg ifi = { .ifi_index = 9 };
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, &ifi, sizeof(ifi));
	struct addr local = addr_from("\77\377\0\0\0\0\0\0\0\0\0\0\0\0\0\4", 16);
	struct nlattr *info, *data;
	struct rtnl_link l;

	(void)state;
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "dmvpn");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u8(nlh, IFLA_DMVPN_FAMILY, AF_INET6);
	netlink_put_addr(nlh, IFLA_DMVPN_LOCAL, &local);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	assert_int_equal(rtnl_parse_link(nlh, &l), 0);
	assert_int_equal(l.tunnel.underlay, CONF_IPV6);
	assert_true(addr_eq(&l.tunnel.local, &local));
}

/* A bridge's port has a master that is no VRF. */
static void test_link_master(void **state)
{
	struct ifinfomsg ifi = { .ifi_index = 9 };
	struct nlmsghdr *nlh = begin(RTM_NEWLINK, &ifi, sizeof(ifi));
	struct nlattr *info;
	struct rtnl_link l;

	(void)state;
	mnl_attr_put_u32(nlh, IFLA_MASTER, 3);
	assert_int_equal(rtnl_parse_link(nlh, &l), 0);
	assert_int_equal(l.vrf, 0);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, "bridge");
	mnl_attr_nest_end(nlh, info);
	assert_int_equal(rtnl_parse_link(nlh, &l), 0);
	assert_int_equal(l.vrf, 0);
	assert_false(l.up);
	assert_false(l.dormant);
}

static void test_addr(void **state)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_index = 9,
				 .ifa_prefixlen = 24,
				 .ifa_scope = RT_SCOPE_HOST };
	struct nlmsghdr *nlh = begin(RTM_NEWADDR, &ifa, sizeof(ifa));
	unsigned int ifindex;
	struct rtnl_addr a;

	(void)state;
	assert_int_equal(rtnl_parse_addr(nlh, &ifindex, &a), -EBADMSG);
	netlink_put_addr(nlh, IFA_ADDRESS, &a2);
	netlink_put_addr(nlh, IFA_LOCAL, &a1);
	mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_SECONDARY);
	assert_int_equal(rtnl_parse_addr(nlh, &ifindex, &a), 0);
	assert_int_equal(ifindex, 9);
	assert_true(addr_eq(&a.addr, &a1));
	assert_int_equal(a.plen, 24);
	assert_int_equal(a.scope, RT_SCOPE_HOST);
	assert_true(a.secondary);
}

static void test_addr_ipv6(void **state)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET6, .ifa_index = 9,
				 .ifa_prefixlen = 64,
				 .ifa_scope = RT_SCOPE_LINK };
	struct nlmsghdr *nlh = begin(RTM_NEWADDR, &ifa, sizeof(ifa));
	struct addr ll = addr_from("\376\200\0\0\0\0\0\0abcdefgh", 16);
	unsigned int ifindex;
	struct rtnl_addr a;

	(void)state;
	netlink_put_addr(nlh, IFA_ADDRESS, &ll);
	assert_int_equal(rtnl_parse_addr(nlh, &ifindex, &a), 0);
	assert_true(addr_eq(&a.addr, &ll));
	assert_true(addr_is_link_local(&a.addr));
	assert_int_equal(a.plen, 64);
	assert_int_equal(a.scope, RT_SCOPE_LINK);
	assert_false(a.deprecated || a.tentative);
}

/* What an address of the underlay is taken for. */
static void test_addr_flags(void **state)
{
	static const struct {
		uint32_t flags;
		bool deprecated, tentative;
	} row[] = {
		{ IFA_F_PERMANENT, false, false },
		{ IFA_F_DEPRECATED, true, false },
		{ IFA_F_TENTATIVE, false, true },
		{ IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, false, false },
		{ IFA_F_TENTATIVE | IFA_F_DADFAILED, false, true },
	};
	struct ifaddrmsg ifa = { .ifa_family = AF_INET6, .ifa_index = 9 };
	struct nlmsghdr *nlh;
	unsigned int ifindex;
	struct rtnl_addr a;
	size_t k;

	(void)state;
	for (k = 0; k < sizeof(row) / sizeof(*row); k++) {
		nlh = begin(RTM_NEWADDR, &ifa, sizeof(ifa));
		netlink_put_addr(nlh, IFA_ADDRESS, &a1);
		mnl_attr_put_u32(nlh, IFA_FLAGS, row[k].flags);
		assert_int_equal(rtnl_parse_addr(nlh, &ifindex, &a), 0);
		assert_int_equal(a.deprecated, row[k].deprecated);
		assert_int_equal(a.tentative, row[k].tentative);
	}
}

static struct nlmsghdr *begin_route(uint8_t type, uint8_t plen)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_dst_len = plen,
			     .rtm_type = type };

	return begin(RTM_NEWROUTE, &rtm, sizeof(rtm));
}

static void test_route(void **state)
{
	struct nlmsghdr *nlh = begin_route(RTN_UNICAST, 24);
	struct engine_route r;

	(void)state;
	netlink_put_addr(nlh, RTA_DST, &a3);
	mnl_attr_put_u32(nlh, RTA_OIF, 4);
	netlink_put_addr(nlh, RTA_GATEWAY, &a1);
	assert_int_equal(rtnl_parse_route(nlh, 1, &r), 0);
	assert_true(r.found && !r.local);
	assert_int_equal(r.plen, 24);
	assert_true(addr_eq(&r.prefix, &a3));
	assert_true(addr_eq(&r.gateway, &a1));
	assert_int_equal(r.ifindex, 4);
}

static void test_route_kinds(void **state)
{
	struct engine_route r;

	(void)state;
	assert_int_equal(rtnl_parse_route(begin_route(RTN_UNICAST, 0), 1, &r),
			 0);
	assert_true(r.found && addr_is_any(&r.prefix) && !r.plen);
	assert_int_equal(rtnl_parse_route(begin_route(RTN_LOCAL, 0), 1, &r),
			 0);
	assert_true(r.found && r.local);
	assert_int_equal(rtnl_parse_route(begin_route(RTN_BLACKHOLE, 0), 1,
					  &r), 0);
	assert_false(r.found);
	assert_int_equal(rtnl_parse_route(begin_route(RTN_BROADCAST, 0), 1,
					  &r), 0);
	assert_false(r.found);
	assert_int_equal(rtnl_parse_route(begin_route(RTN_UNICAST, 33), 1,
					  &r), -EBADMSG);
}

static void test_route_ipv6(void **state)
{
	struct rtmsg rtm = { .rtm_family = AF_INET6, .rtm_dst_len = 48,
			     .rtm_type = RTN_UNICAST, .rtm_table = 254 };
	struct nlmsghdr *nlh = begin(RTM_NEWROUTE, &rtm, sizeof(rtm));
	struct addr net = addr_from("\x20\x01\x0d\xb8\0\5\0\0"
				    "\0\0\0\0\0\0\0\0", 16);
	struct addr gw = addr_from("\376\200\0\0\0\0\0\0abcdefgh", 16);
	struct engine_route r;
	struct rtnl_prefix p;

	(void)state;
	netlink_put_addr(nlh, RTA_DST, &net);
	netlink_put_addr(nlh, RTA_GATEWAY, &gw);
	mnl_attr_put_u32(nlh, RTA_OIF, 4);
	assert_int_equal(rtnl_parse_route(nlh, 1, &r), 0);
	assert_true(r.found && !r.local);
	assert_int_equal(r.plen, 48);
	assert_true(addr_eq(&r.prefix, &net));
	assert_true(addr_eq(&r.gateway, &gw));
	assert_int_equal(rtnl_parse_prefix(nlh, &p), 0);
	assert_true(addr_eq(&p.prefix, &net));
	assert_int_equal(p.plen, 48);
	assert_int_equal(p.type, RTN_UNICAST);
	assert_int_equal(p.table, 254);
	mnl_attr_put_u32(nlh, RTA_TABLE, 1000);
	assert_int_equal(rtnl_parse_prefix(nlh, &p), 0);
	assert_int_equal(p.table, 1000);
}

/* Three next hops; the one through the interface asked for is told. */
static void test_route_multipath(void **state)
{
	static const struct addr *const gw[] = { &a1, &a2, &a3 };
	struct nlmsghdr *nlh = begin_route(RTN_UNICAST, 0);
	struct nlattr *mp = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	struct rtnexthop *nh;
	struct engine_route r;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		nh = mnl_nlmsg_get_payload_tail(nlh);
		nh->rtnh_ifindex = 10 + i;
		nlh->nlmsg_len += sizeof(*nh);
		netlink_put_addr(nlh, RTA_GATEWAY, gw[i]);
		nh->rtnh_len = sizeof(*nh) + 8;
	}
	mnl_attr_nest_end(nlh, mp);
	for (i = 0; i < 3; i++) {
		assert_int_equal(rtnl_parse_route(nlh, 10 + i, &r), 0);
		assert_int_equal(r.ifindex, 10 + i);
		assert_true(addr_eq(&r.gateway, gw[i]));
	}
	assert_int_equal(rtnl_parse_route(nlh, 99, &r), 0);
	assert_int_equal(r.ifindex, 10);
	nh = (void *)((char *)mp + MNL_ATTR_HDRLEN);
	nh->rtnh_len = 200;
	assert_int_equal(rtnl_parse_route(nlh, 11, &r), -EBADMSG);
	nh->rtnh_len = 0;
	assert_int_equal(rtnl_parse_route(nlh, 11, &r), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neigh),
		cmocka_unit_test(test_neigh_least),
		cmocka_unit_test(test_shortcut),
		cmocka_unit_test(test_shortcut_prefix),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_peer_foreign),
		cmocka_unit_test(test_peer_taken),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_dev),
		cmocka_unit_test(test_upcall),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_unknown_command),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_lying_attribute),
		cmocka_unit_test(test_no_genl_header),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_lying_error),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_over6),
		cmocka_unit_test(test_link_master),
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_route_kinds),
		cmocka_unit_test(test_route_multipath),
		cmocka_unit_test(test_addr_ipv6),
		cmocka_unit_test(test_addr_flags),
		cmocka_unit_test(test_route_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
