/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink: see netlink.h. The answer loop is ours and not mnl_cb_run()
 * because only so the extack attributes behind an error can be read.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/dmvpn.h>

#include "netlink.h"

static int fail(struct nl *nl, int err, const char *what)
{
	snprintf(nl->error, sizeof(nl->error), "%s: %s", what, strerror(err));
	return -err;
}

static int open_bus(struct nl *nl, int bus)
{
	int on = 1;

	memset(nl, 0, sizeof(*nl));
	nl->seq = time(NULL);
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->sock)
		return fail(nl, errno, "netlink socket");
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return fail(nl, errno, "netlink bind");
	/* Old kernels lack them: then there is only errno to tell. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

int nl_open_route(struct nl *nl)
{
	return open_bus(nl, NETLINK_ROUTE);
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

struct nlmsghdr *nl_route_msg(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h;

	memset(nl->req, 0, sizeof(nl->req));
	h = mnl_nlmsg_put_header(nl->req);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	h->nlmsg_seq = ++nl->seq;
	return h;
}

static struct nlmsghdr *genl_msg(struct nl *nl, uint16_t family, uint8_t cmd,
				 uint8_t version, uint16_t flags)
{
	struct nlmsghdr *h = nl_route_msg(nl, family, flags);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	g->cmd = cmd;
	g->version = version;
	return h;
}

struct nlmsghdr *nl_dmvpn_msg(struct nl *nl, uint8_t cmd, uint16_t flags)
{
	return genl_msg(nl, nl->family, cmd, DMVPN_GENL_VERSION, flags);
}

void nl_put_addr(struct nlmsghdr *h, uint16_t attr, const struct addr *a)
{
	mnl_attr_put(h, attr, a->len, a->b);
}

void nl_put_flags(struct nlmsghdr *h, uint16_t attr, uint32_t value,
		  uint32_t selector)
{
	struct nla_bitfield32 b = { .value = value, .selector = selector };

	mnl_attr_put(h, attr, sizeof(b), &b);
}

struct collect {
	const struct nlattr **tb;
	unsigned int max;
};

static int collect_one(const struct nlattr *a, void *ctx)
{
	struct collect *c = ctx;

	if (mnl_attr_get_type(a) <= c->max)
		c->tb[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

void nl_attrs(const struct nlmsghdr *h, size_t offset,
	      const struct nlattr **tb, unsigned int max)
{
	struct collect c = { tb, max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse(h, offset, collect_one, &c);
}

void nl_nested(const struct nlattr *nest, const struct nlattr **tb,
	       unsigned int max)
{
	struct collect c = { tb, max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse_nested(nest, collect_one, &c);
}

uint64_t nl_uint(const struct nlattr *a)
{
	const void *p = mnl_attr_get_payload(a);
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch (mnl_attr_get_payload_len(a)) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&v2, p, sizeof(v2));
		return v2;
	case 4:
		memcpy(&v4, p, sizeof(v4));
		return v4;
	case 8:
		memcpy(&v8, p, sizeof(v8));
		return v8;
	}
	return 0;
}

/* The extack message behind @offset bytes of payload, or NULL. */
static const char *extack(const struct nlmsghdr *h, size_t offset)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    mnl_nlmsg_get_payload_len(h) < offset)
		return NULL;
	nl_attrs(h, offset, tb, NLMSGERR_ATTR_MAX);
	if (!tb[NLMSGERR_ATTR_MSG] ||
	    mnl_attr_validate(tb[NLMSGERR_ATTR_MSG], MNL_TYPE_NUL_STRING) < 0)
		return NULL;
	return mnl_attr_get_str(tb[NLMSGERR_ATTR_MSG]);
}

/* NLMSG_ERROR and NLMSG_DONE begin with an error number. */
static int finish(struct nl *nl, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	size_t offset = h->nlmsg_type == NLMSG_DONE ? sizeof(int) : sizeof(*e);
	const char *text;
	int err;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(int))
		return 0;
	err = e->error < 0 ? -e->error : e->error;
	if (!err)
		return 0;
	/* Without NETLINK_CAP_ACK the request itself comes before the text. */
	if (h->nlmsg_type == NLMSG_ERROR && !(h->nlmsg_flags & NLM_F_CAPPED) &&
	    mnl_nlmsg_get_payload_len(h) >= sizeof(*e))
		offset += e->msg.nlmsg_len - sizeof(e->msg);
	text = extack(h, offset);
	if (!text)
		snprintf(nl->error, sizeof(nl->error), "%s", strerror(err));
	else
		snprintf(nl->error, sizeof(nl->error), "%s (%s)", text,
			 strerror(err));
	return -err;
}

int nl_talk(struct nl *nl, struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
	const struct nlmsghdr *r;
	ssize_t got;
	int len;

	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return fail(nl, errno, "netlink send");
	for (;;) {
		got = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
		if (got < 0)
			return fail(nl, errno, "netlink receive");
		r = (const struct nlmsghdr *)nl->buf;
		for (len = got; mnl_nlmsg_ok(r, len);
		     r = mnl_nlmsg_next(r, &len)) {
			if (r->nlmsg_seq != nl->seq)
				continue;
			if (r->nlmsg_type == NLMSG_ERROR ||
			    r->nlmsg_type == NLMSG_DONE)
				return finish(nl, r);
			if (cb && r->nlmsg_type >= NLMSG_MIN_TYPE)
				cb(r, ctx);
		}
	}
}

static int read_group(const struct nlattr *group, void *ctx)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1];
	struct nl *nl = ctx;
	const char *name;

	nl_nested(group, tb, CTRL_ATTR_MCAST_GRP_MAX);
	if (!tb[CTRL_ATTR_MCAST_GRP_NAME] || !tb[CTRL_ATTR_MCAST_GRP_ID])
		return MNL_CB_OK;
	name = mnl_attr_get_str(tb[CTRL_ATTR_MCAST_GRP_NAME]);
	if (!strcmp(name, DMVPN_MCGRP_EVENTS))
		nl->grp_events = nl_uint(tb[CTRL_ATTR_MCAST_GRP_ID]);
	else if (!strcmp(name, DMVPN_MCGRP_UPCALLS))
		nl->grp_upcalls = nl_uint(tb[CTRL_ATTR_MCAST_GRP_ID]);
	return MNL_CB_OK;
}

static int read_family(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];
	struct nl *nl = ctx;

	nl_attrs(h, sizeof(struct genlmsghdr), tb, CTRL_ATTR_MAX);
	if (tb[CTRL_ATTR_FAMILY_ID])
		nl->family = nl_uint(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		mnl_attr_parse_nested(tb[CTRL_ATTR_MCAST_GROUPS], read_group,
				      nl);
	return MNL_CB_OK;
}

int nl_open_dmvpn(struct nl *nl)
{
	struct nlmsghdr *h;
	int err;

	err = open_bus(nl, NETLINK_GENERIC);
	if (err)
		return err;
	h = genl_msg(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, DMVPN_GENL_NAME);
	err = nl_talk(nl, h, read_family, nl);
	if (err == -ENOENT)
		snprintf(nl->error, sizeof(nl->error),
			 "the kernel module dmvpn is not loaded");
	return err;
}
