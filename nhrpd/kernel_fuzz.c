/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_fuzz: throws datagrams at the readers of netlink messages, as the
 * kernel's module of any version, or of none, might send them. They may refuse
 * anything; they may not read outside, and what they take lies within limits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "netlink.h"
#include "rtnl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "kernel_fuzz: %s\n", what);
	abort();
}

static void check_addr(const struct addr *a)
{
	insist(a->len == 0 || a->len == 4 || a->len == 16, "address length");
}

static void judge_genl(const struct nlmsghdr *nlh)
{
	struct kernel_msg m;

	if (kernel_parse(nlh, &m))
		return;
	switch (m.type) {
	case KERNEL_MSG_NEIGH:
		insist(m.neigh.ifindex && addr_is_set(&m.neigh.n.addr), "key");
		check_addr(&m.neigh.n.nbma);
		insist(m.neigh.n.cookie_len <= ENGINE_COOKIE_MAX, "cookie");
		break;
	case KERNEL_MSG_SHORTCUT:
		insist(m.shortcut.ifindex &&
		       addr_is_set(&m.shortcut.s.prefix), "key");
		insist(m.shortcut.s.plen <= 8 * m.shortcut.s.prefix.len,
		       "prefix");
		check_addr(&m.shortcut.s.nexthop);
		check_addr(&m.shortcut.s.via);
		insist(m.shortcut.s.cookie_len <= ENGINE_COOKIE_MAX, "cookie");
		break;
	case KERNEL_MSG_PEER:
		insist(m.peer.ifindex && addr_is_set(&m.peer.nbma), "key");
		insist(!m.peer.ours || m.peer.flags & DMVPN_PEER_F_STATIC,
		       "a peer of nobody's");
		break;
	case KERNEL_MSG_DEV:
		insist(m.dev.ifindex, "key");
		insist(memchr(m.dev.name, 0, sizeof(m.dev.name)), "name");
		break;
	case KERNEL_MSG_UPCALL:
		insist(m.upcall.ifindex, "key");
		check_addr(&m.upcall.dst);
		insist(!m.upcall.head_len ||
		       (const char *)m.upcall.head + m.upcall.head_len <=
		       (const char *)nlh + nlh->nlmsg_len, "head");
		break;
	default:
		break;
	}
}

static void judge_rtnl(const struct nlmsghdr *nlh)
{
	struct engine_route route;
	struct rtnl_prefix prefix;
	struct rtnl_link link;
	struct rtnl_addr addr;
	unsigned int ifindex;

	if (!rtnl_parse_link(nlh, &link))
		insist(memchr(link.kind, 0, sizeof(link.kind)), "kind");
	if (!rtnl_parse_addr(nlh, &ifindex, &addr))
		insist(addr_is_set(&addr.addr), "address");
	if (!rtnl_parse_prefix(nlh, &prefix))
		insist(prefix.plen <= 8 * prefix.prefix.len, "prefix");
	if (!rtnl_parse_route(nlh, 1, &route) && route.found)
		insist(route.plen <= 8 * route.prefix.len, "prefix");
}

static int judge(const struct nlmsghdr *nlh, void *ctx)
{
	char text[40];

	(void)ctx;
	judge_genl(nlh);
	judge_rtnl(nlh);
	netlink_error(nlh, text, sizeof(text));
	insist(memchr(text, 0, sizeof(text)), "text");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of just this size, so that a byte too many is seen */
	void *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	netlink_each(copy, size, judge, NULL);
	free(copy);
	return 0;
}
