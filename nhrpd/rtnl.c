/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl: links, addresses and the FIB, over rtnetlink; called by daemon.c.
 *
 * Three sockets: `ask` for questions and changes, `watch` and `routes` for
 * what others change. Nothing is cached: the caller asks again when told that
 * something changed, so that a lost message costs a look and not a wrong state.
 *
 * A full feed of a routing daemon must cost next to nothing: `routes` has a
 * buffer for a few messages and rests between two looks at it; the kernel
 * throws away what does not fit, which says the same as the messages did.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <linux/dmvpn.h>

#include "netlink.h"
#include "rtnl.h"

#define REQUEST_MAX	1024
#define RCVBUF		(1 << 20)
#define RCVBUF_ROUTES	(8 << 10)
#define DUMP_TRIES	5

struct rtnl {
	struct netlink ask, watch, routes;
	struct event_fd *watch_fd, *routes_fd;
	struct event_timer *rest;	/* until @routes_fd is read again */
	const struct rtnl_ops *ops;
	void *ctx;
};

const char *rtnl_error(const struct rtnl *r)
{
	return r->ask.err;
}

/* ---- reading ---- */

static struct addr set_or_none(struct addr a)
{
	return addr_is_any(&a) ? addr_from(NULL, 0) : a;
}

static int read_tunnel(const struct nlattr *data, struct rtnl_tunnel *t)
{
	const struct nlattr *tb[__IFLA_DMVPN_MAX];
	struct nla_bitfield32 f = { 0 };

	if (netlink_nest(data, tb, IFLA_DMVPN_MAX))
		return -EBADMSG;
	t->underlay = netlink_u8(tb[IFLA_DMVPN_FAMILY], AF_INET) == AF_INET6 ?
		      CONF_IPV6 : CONF_IPV4;
	t->local = set_or_none(netlink_addr(tb[IFLA_DMVPN_LOCAL]));
	t->local_dev = netlink_u32(tb[IFLA_DMVPN_LOCAL_DEV], 0);
	t->link = netlink_u32(tb[IFLA_DMVPN_LINK], 0);
	t->remote = set_or_none(netlink_addr(tb[IFLA_DMVPN_REMOTE]));
	t->key = netlink_u32(tb[IFLA_DMVPN_KEY], 0);
	t->network_id = netlink_u32(tb[IFLA_DMVPN_NETWORK_ID], 0);
	t->mark_mask = netlink_u32(tb[IFLA_DMVPN_MARK_MASK], 0);
	t->redirect_interval =
		netlink_u32(tb[IFLA_DMVPN_REDIRECT_INTERVAL], 0);
	t->oneway_interval = netlink_u32(tb[IFLA_DMVPN_ONEWAY_INTERVAL], 0);
	if (tb[IFLA_DMVPN_FLAGS] &&
	    mnl_attr_get_payload_len(tb[IFLA_DMVPN_FLAGS]) == sizeof(f))
		memcpy(&f, mnl_attr_get_payload(tb[IFLA_DMVPN_FLAGS]),
		       sizeof(f));
	t->has_key = f.value & DMVPN_LINK_F_KEY;
	t->flags = f.value & ~(uint32_t)DMVPN_LINK_F_KEY;
	return 0;
}

static int read_linkinfo(const struct nlattr *info, struct rtnl_link *l)
{
	const struct nlattr *tb[IFLA_INFO_SLAVE_KIND + 1];
	char slave[16];

	if (netlink_nest(info, tb, IFLA_INFO_SLAVE_KIND))
		return -EBADMSG;
	netlink_str(tb[IFLA_INFO_KIND], l->kind, sizeof(l->kind));
	netlink_str(tb[IFLA_INFO_SLAVE_KIND], slave, sizeof(slave));
	if (strcmp(slave, "vrf"))
		l->vrf = 0;		/* another kind of master */
	if (tb[IFLA_INFO_DATA] && !strcmp(l->kind, RTNL_KIND))
		return read_tunnel(tb[IFLA_INFO_DATA], &l->tunnel);
	return 0;
}

int rtnl_parse_link(const struct nlmsghdr *nlh, struct rtnl_link *l)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_LINKINFO + 1];

	memset(l, 0, sizeof(*l));
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return -ENOENT;
	if (netlink_attrs(nlh, sizeof(*ifi), tb, IFLA_LINKINFO))
		return -EBADMSG;
	l->ifindex = ifi->ifi_index;
	l->up = ifi->ifi_flags & IFF_UP;
	l->dormant = netlink_u8(tb[IFLA_OPERSTATE], IF_OPER_UNKNOWN) ==
		     IF_OPER_DORMANT;
	l->mtu = netlink_u32(tb[IFLA_MTU], 0);
	l->vrf = netlink_u32(tb[IFLA_MASTER], 0);
	netlink_str(tb[IFLA_IFNAME], l->name, sizeof(l->name));
	if (!tb[IFLA_LINKINFO]) {
		l->vrf = 0;
		return 0;
	}
	return read_linkinfo(tb[IFLA_LINKINFO], l);
}

int rtnl_parse_addr(const struct nlmsghdr *nlh, unsigned int *ifindex,
		    struct rtnl_addr *a)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_FLAGS + 1];
	uint32_t flags;

	memset(a, 0, sizeof(*a));
	if (nlh->nlmsg_type != RTM_NEWADDR)
		return -ENOENT;
	if (netlink_attrs(nlh, sizeof(*ifa), tb, IFA_FLAGS))
		return -EBADMSG;
	*ifindex = ifa->ifa_index;
	/* IFA_ADDRESS is the far end on point-to-point links */
	a->addr = netlink_addr(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]);
	if (!addr_is_set(&a->addr))
		return -EBADMSG;
	a->plen = ifa->ifa_prefixlen;
	a->scope = ifa->ifa_scope;
	flags = netlink_u32(tb[IFA_FLAGS], ifa->ifa_flags);
	a->secondary = flags & IFA_F_SECONDARY;
	a->deprecated = flags & IFA_F_DEPRECATED;
	a->tentative = flags & IFA_F_DADFAILED ||
		       (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC));
	return 0;
}

static struct addr read_via(const struct nlattr *a)
{
	const struct rtvia *via;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(*via))
		return addr_from(NULL, 0);
	via = mnl_attr_get_payload(a);
	return addr_from(via->rtvia_addr,
			 mnl_attr_get_payload_len(a) - sizeof(*via));
}

static struct addr read_gateway(const struct nlattr **tb)
{
	if (tb[RTA_GATEWAY])
		return netlink_addr(tb[RTA_GATEWAY]);
	return read_via(tb[RTA_VIA]);
}

/* Takes the first next hop, or the one through @prefer. */
static int read_multipath(const struct nlattr *mp, unsigned int prefer,
			  struct engine_route *r)
{
	const char *p = mnl_attr_get_payload(mp);
	size_t left = mnl_attr_get_payload_len(mp), step;
	const struct nlattr *tb[RTA_VIA + 1];
	const struct rtnexthop *nh;

	for (; left >= sizeof(*nh); p += step, left -= step) {
		nh = (const void *)p;
		if (nh->rtnh_len < sizeof(*nh) || nh->rtnh_len > left ||
		    netlink_sort(nh + 1, nh->rtnh_len - sizeof(*nh), tb,
				 RTA_VIA))
			return -EBADMSG;
		if (!r->ifindex || (unsigned int)nh->rtnh_ifindex == prefer) {
			r->ifindex = nh->rtnh_ifindex;
			r->gateway = read_gateway(tb);
		}
		if (r->ifindex == prefer)
			break;
		step = RTNH_ALIGN(nh->rtnh_len);
		if (step > left)
			break;
	}
	return 0;
}

/* What all routes have; their attributes in @tb, of RTA_VIA + 1 places. */
static int read_route(const struct nlmsghdr *nlh, const struct nlattr **tb,
		      struct rtnl_prefix *p)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	static const uint8_t zero[16];

	memset(p, 0, sizeof(*p));
	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return -ENOENT;
	if (netlink_attrs(nlh, sizeof(*rtm), tb, RTA_VIA))
		return -EBADMSG;
	p->prefix = netlink_addr(tb[RTA_DST]);
	if (!addr_is_set(&p->prefix))	/* the default route has no RTA_DST */
		p->prefix = addr_from(zero, rtm->rtm_family == AF_INET6 ?
				      16 : 4);
	if (rtm->rtm_dst_len > 8 * p->prefix.len)
		return -EBADMSG;
	p->plen = rtm->rtm_dst_len;
	p->type = rtm->rtm_type;
	p->table = netlink_u32(tb[RTA_TABLE], rtm->rtm_table);
	return 0;
}

int rtnl_parse_prefix(const struct nlmsghdr *nlh, struct rtnl_prefix *p)
{
	const struct nlattr *tb[RTA_VIA + 1];

	return read_route(nlh, tb, p);
}

int rtnl_parse_route(const struct nlmsghdr *nlh, unsigned int prefer,
		     struct engine_route *r)
{
	const struct nlattr *tb[RTA_VIA + 1];
	struct rtnl_prefix p;
	int ret;

	memset(r, 0, sizeof(*r));
	ret = read_route(nlh, tb, &p);
	if (ret || (p.type != RTN_UNICAST && p.type != RTN_LOCAL))
		return ret;
	r->prefix = p.prefix;
	r->plen = p.plen;
	r->local = p.type == RTN_LOCAL;
	r->ifindex = netlink_u32(tb[RTA_OIF], 0);
	r->gateway = read_gateway(tb);
	r->found = true;
	if (tb[RTA_MULTIPATH] && !r->ifindex)
		return read_multipath(tb[RTA_MULTIPATH], prefer, r);
	return 0;
}

/* ---- the sockets ---- */

/* What changed does not matter, nor does what was lost. */
static void empty(struct netlink *nl)
{
	static char buf[NETLINK_BUF];
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (mnl_socket_recvfrom(nl->sock, buf, sizeof(buf)) < 0 &&
		    errno == EAGAIN)
			break;
}

static void watch_ready(void *ctx, unsigned int what)
{
	struct rtnl *r = ctx;

	(void)what;
	empty(&r->watch);
	r->ops->links(r->ctx);
}

static void routes_ready(void *ctx, unsigned int what)
{
	struct rtnl *r = ctx;

	(void)what;
	empty(&r->routes);
	event_fd_want(r->routes_fd, 0);
	event_timer_set(r->rest, event_now() + RTNL_ROUTES_INTERVAL);
	r->ops->routes(r->ctx);
}

static void rest_over(void *ctx)
{
	struct rtnl *r = ctx;

	event_fd_want(r->routes_fd, EVENT_READ);
}

static int join(struct rtnl *r)
{
	int ret;

	ret = netlink_join(&r->watch, RTNLGRP_LINK);
	if (!ret)
		ret = netlink_join(&r->watch, RTNLGRP_IPV4_IFADDR);
	if (!ret)
		ret = netlink_join(&r->watch, RTNLGRP_IPV6_IFADDR);
	if (!ret)
		ret = netlink_join(&r->routes, RTNLGRP_IPV4_ROUTE);
	if (!ret)
		ret = netlink_join(&r->routes, RTNLGRP_IPV6_ROUTE);
	/* a route changes with its next-hop object, with no word of its own */
	if (!ret)
		ret = netlink_join(&r->routes, RTNLGRP_NEXTHOP);
	return ret;
}

static int watch(struct rtnl *r, struct event_loop *loop)
{
	int ret = join(r);

	if (ret)
		return ret;
	r->watch_fd = event_fd_new(loop, netlink_fd(&r->watch), EVENT_READ,
				   watch_ready, r);
	r->routes_fd = event_fd_new(loop, netlink_fd(&r->routes), EVENT_READ,
				    routes_ready, r);
	r->rest = event_timer_new(loop, rest_over, r);
	return r->watch_fd && r->routes_fd && r->rest ? 0 : -ENOMEM;
}

int rtnl_open(struct rtnl **out, struct event_loop *loop,
	      const struct rtnl_ops *ops, void *ctx)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int ret;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->ops = ops;
	r->ctx = ctx;
	ret = netlink_open(&r->ask, NETLINK_ROUTE, RCVBUF, true);
	if (!ret)
		ret = netlink_open(&r->watch, NETLINK_ROUTE, RCVBUF, false);
	if (!ret)
		ret = netlink_open(&r->routes, NETLINK_ROUTE, RCVBUF_ROUTES,
				   false);
	if (!ret)
		ret = watch(r, loop);
	if (ret) {
		rtnl_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	event_timer_free(r->rest);
	event_fd_free(r->watch_fd);
	event_fd_free(r->routes_fd);
	netlink_close(&r->ask);
	netlink_close(&r->watch);
	netlink_close(&r->routes);
	free(r);
}

/* ---- links ---- */

static struct nlmsghdr *put_link(struct rtnl *r, void *buf, uint16_t type,
				 uint16_t flags, unsigned int ifindex,
				 unsigned int change)
{
	struct nlmsghdr *nlh = netlink_put(&r->ask, buf, type, flags);
	struct ifinfomsg *ifi;

	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	ifi->ifi_change = change;
	ifi->ifi_flags = change;
	return nlh;
}

static int take_link(const struct nlmsghdr *nlh, void *ctx)
{
	return rtnl_parse_link(nlh, ctx);
}

int rtnl_link_get(struct rtnl *r, unsigned int ifindex, const char *name,
		  struct rtnl_link *l)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int ret;

	nlh = put_link(r, buf, RTM_GETLINK, 0, ifindex, 0);
	if (!ifindex)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	ret = netlink_talk(&r->ask, nlh, take_link, l);
	if (!ret && !l->ifindex)
		ret = -ENODEV;
	return ret;
}

static uint8_t address_family(enum conf_family family)
{
	return family == CONF_IPV6 ? AF_INET6 : AF_INET;
}

/* None is 0.0.0.0 of either underlay. */
static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct addr *a)
{
	struct addr any = addr_v4(0);

	netlink_put_addr(nlh, type, addr_is_set(a) ? a : &any);
}

static void put_flags(struct nlmsghdr *nlh, uint32_t value, uint32_t selector)
{
	struct nla_bitfield32 f = { .value = value & selector,
				    .selector = selector };

	mnl_attr_put(nlh, IFLA_DMVPN_FLAGS, sizeof(f), &f);
}

/* The attributes of @t that differ from @now; how many. */
static unsigned int put_tunnel(struct nlmsghdr *nlh,
			       const struct rtnl_tunnel *now,
			       const struct rtnl_tunnel *t, uint32_t features)
{
	uint32_t flags = t->flags, select = t->flags ^ now->flags;
	unsigned int n = 0;

	if (t->underlay != now->underlay) {
		mnl_attr_put_u8(nlh, IFLA_DMVPN_FAMILY,
				address_family(t->underlay));
		n++;
	}
	if (!(features & DMVPN_FEATURE_REDIRECT))
		select &= ~(uint32_t)DMVPN_LINK_F_REDIRECT;
	if (!(features & DMVPN_FEATURE_STRICT_SOURCE))
		select &= ~(uint32_t)DMVPN_LINK_F_STRICT_SOURCE;
	if (t->has_key && (!now->has_key || t->key != now->key)) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_KEY, t->key);
		n++;
	}
	if (!t->has_key && now->has_key)
		select |= DMVPN_LINK_F_KEY;
	if (select) {
		put_flags(nlh, flags, select);
		n++;
	}
	if (t->local_dev && t->local_dev != now->local_dev) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_LOCAL_DEV, t->local_dev);
		n++;
	} else if (!t->local_dev && (now->local_dev ||
				     !addr_eq(&t->local, &now->local))) {
		put_addr(nlh, IFLA_DMVPN_LOCAL, &t->local);
		n++;
	}
	if (t->link != now->link) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_LINK, t->link);
		n++;
	}
	if (!addr_eq(&t->remote, &now->remote)) {
		put_addr(nlh, IFLA_DMVPN_REMOTE, &t->remote);
		n++;
	}
	if (t->mark_mask != now->mark_mask) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_MARK_MASK, t->mark_mask);
		n++;
	}
	if (t->network_id != now->network_id) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_NETWORK_ID, t->network_id);
		n++;
	}
	return n;
}

/* Likewise those that only some modules know. */
static unsigned int put_intervals(struct nlmsghdr *nlh,
				  const struct rtnl_tunnel *now,
				  const struct rtnl_tunnel *t,
				  uint32_t features)
{
	unsigned int n = 0;

	if (features & DMVPN_FEATURE_REDIRECT && t->redirect_interval &&
	    t->redirect_interval != now->redirect_interval) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_REDIRECT_INTERVAL,
				 t->redirect_interval);
		n++;
	}
	if (features & DMVPN_FEATURE_ONEWAY &&
	    t->oneway_interval != now->oneway_interval) {
		mnl_attr_put_u32(nlh, IFLA_DMVPN_ONEWAY_INTERVAL,
				 t->oneway_interval);
		n++;
	}
	return n;
}

/* IFLA_LINKINFO with what differs; how many attributes do. */
static unsigned int put_linkinfo(struct nlmsghdr *nlh,
				 const struct rtnl_tunnel *now,
				 const struct rtnl_tunnel *t, uint32_t features)
{
	struct nlattr *info, *data;
	unsigned int n;

	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, RTNL_KIND);
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	n = put_tunnel(nlh, now, t, features);
	n += put_intervals(nlh, now, t, features);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return n;
}

int rtnl_link_create(struct rtnl *r, const char *name,
		     const struct rtnl_tunnel *t, uint32_t mtu)
{
	static const struct rtnl_tunnel fresh;
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = put_link(r, buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	if (mtu)
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	/* the rest comes by change, once the module's features are known */
	put_linkinfo(nlh, &fresh, t, 0);
	return netlink_talk(&r->ask, nlh, NULL, NULL);
}

int rtnl_link_change(struct rtnl *r, unsigned int ifindex,
		     const struct rtnl_tunnel *now,
		     const struct rtnl_tunnel *t, uint32_t features)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int ret;

	nlh = put_link(r, buf, RTM_NEWLINK, 0, ifindex, 0);
	if (!put_linkinfo(nlh, now, t, features))
		return 0;
	ret = netlink_talk(&r->ask, nlh, NULL, NULL);
	return ret ? ret : 1;
}

int rtnl_link_mtu(struct rtnl *r, unsigned int ifindex, uint32_t mtu)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = put_link(r, buf, RTM_NEWLINK, 0, ifindex, 0);

	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return netlink_talk(&r->ask, nlh, NULL, NULL);
}

int rtnl_link_up(struct rtnl *r, unsigned int ifindex)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));

	return netlink_talk(&r->ask, put_link(r, buf, RTM_NEWLINK, 0, ifindex,
					      IFF_UP), NULL, NULL);
}

int rtnl_link_dormant(struct rtnl *r, unsigned int ifindex, bool dormant)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = put_link(r, buf, RTM_NEWLINK, 0, ifindex, 0);

	mnl_attr_put_u8(nlh, IFLA_LINKMODE, dormant ? IF_LINK_MODE_DORMANT :
			IF_LINK_MODE_DEFAULT);
	mnl_attr_put_u8(nlh, IFLA_OPERSTATE, dormant ? IF_OPER_DORMANT :
			IF_OPER_UP);
	return netlink_talk(&r->ask, nlh, NULL, NULL);
}

int rtnl_link_del(struct rtnl *r, unsigned int ifindex)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));

	return netlink_talk(&r->ask, put_link(r, buf, RTM_DELLINK, 0, ifindex,
					      0), NULL, NULL);
}

int rtnl_link_no_ll(struct rtnl *r, unsigned int ifindex)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = put_link(r, buf, RTM_NEWLINK, 0, ifindex, 0);
	struct nlattr *spec, *inet6;

	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE,
			IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	return netlink_talk(&r->ask, nlh, NULL, NULL);
}

/* ---- addresses ---- */

static struct nlmsghdr *put_ifa(struct rtnl *r, void *buf, uint16_t type,
				uint16_t flags, unsigned int ifindex,
				uint8_t family, uint8_t plen)
{
	struct nlmsghdr *nlh = netlink_put(&r->ask, buf, type, flags);
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = family;
	ifa->ifa_prefixlen = plen;
	ifa->ifa_index = ifindex;
	if (family == AF_INET6 && type == RTM_NEWADDR)
		ifa->ifa_flags = IFA_F_NODAD;
	return nlh;
}

/* The same for one address. */
static struct nlmsghdr *put_address(struct rtnl *r, void *buf, uint16_t type,
				    uint16_t flags, unsigned int ifindex,
				    const struct addr *a, uint8_t plen)
{
	struct nlmsghdr *nlh;

	nlh = put_ifa(r, buf, type, flags, ifindex,
		      a->len == 16 ? AF_INET6 : AF_INET, plen);
	netlink_put_addr(nlh, IFA_LOCAL, a);
	if (type == RTM_NEWADDR)
		netlink_put_addr(nlh, IFA_ADDRESS, a);
	return nlh;
}

struct addrs {
	unsigned int ifindex, n;
	struct rtnl_addr a[64];
};

static int take_addr(const struct nlmsghdr *nlh, void *ctx)
{
	struct addrs *list = ctx;
	struct rtnl_addr a;
	unsigned int ifindex;
	int ret = rtnl_parse_addr(nlh, &ifindex, &a);

	if (ret)
		return ret;
	if (ifindex == list->ifindex &&
	    list->n < sizeof(list->a) / sizeof(list->a[0]))
		list->a[list->n++] = a;
	return 0;
}

int rtnl_each_addr(struct rtnl *r, unsigned int ifindex,
		   enum conf_family family,
		   void (*cb)(void *ctx, const struct rtnl_addr *a), void *ctx)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct addrs list = { .ifindex = ifindex };
	unsigned int i, tries = 0;
	int ret;

	do {
		list.n = 0;
		ret = netlink_talk(&r->ask, put_ifa(r, buf, RTM_GETADDR,
						    NLM_F_DUMP, ifindex,
						    address_family(family), 0),
				   take_addr, &list);
	} while (ret == -EINTR && ++tries < DUMP_TRIES);
	for (i = 0; !ret && i < list.n; i++)
		cb(ctx, &list.a[i]);
	return ret;
}

int rtnl_addr_add(struct rtnl *r, unsigned int ifindex, const struct addr *a,
		  uint8_t plen)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));

	return netlink_talk(&r->ask, put_address(r, buf, RTM_NEWADDR,
						 NLM_F_CREATE | NLM_F_EXCL,
						 ifindex, a, plen), NULL, NULL);
}

int rtnl_addr_del(struct rtnl *r, unsigned int ifindex, const struct addr *a,
		  uint8_t plen)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));

	return netlink_talk(&r->ask, put_address(r, buf, RTM_DELADDR, 0,
						 ifindex, a, plen), NULL, NULL);
}

/* IPv4's first, IPv6's lowest; the module does the same (kmod/device.c). */
static void prefer(struct rtnl_addr *best, const struct rtnl_addr *a)
{
	bool better = a->deprecated != best->deprecated ? best->deprecated :
		      memcmp(a->addr.b, best->addr.b, 16) < 0;

	if (!addr_is_set(&best->addr) || (a->addr.len == 16 && better))
		*best = *a;
}

static void choose_primary(void *ctx, const struct rtnl_addr *a)
{
	if (!a->secondary && !a->tentative && a->scope < RT_SCOPE_LINK &&
	    !addr_is_martian(&a->addr))
		prefer(ctx, a);
}

struct addr rtnl_primary(struct rtnl *r, unsigned int ifindex,
			 enum conf_family family, uint8_t *plen)
{
	struct rtnl_addr best = { 0 };

	rtnl_each_addr(r, ifindex, family, choose_primary, &best);
	if (plen)
		*plen = best.plen;
	return best.addr;
}

static void choose_link_local(void *ctx, const struct rtnl_addr *a)
{
	if (a->scope == RT_SCOPE_LINK)
		prefer(ctx, a);
}

struct addr rtnl_link_local(struct rtnl *r, unsigned int ifindex)
{
	struct rtnl_addr best = { 0 };

	rtnl_each_addr(r, ifindex, CONF_IPV6, choose_link_local, &best);
	return best.addr;
}

/* ---- the FIB ---- */

struct lookup {
	unsigned int prefer;
	struct engine_route *route;
};

static int take_route(const struct nlmsghdr *nlh, void *ctx)
{
	struct lookup *q = ctx;

	return rtnl_parse_route(nlh, q->prefer, q->route);
}

/* @oif: a VRF, or the interface that a link-local address belongs to. */
static struct nlmsghdr *put_route(struct rtnl *r, void *buf, unsigned int oif,
				  unsigned int flags, const struct addr *dst)
{
	struct nlmsghdr *nlh = netlink_put(&r->ask, buf, RTM_GETROUTE, 0);
	struct rtmsg *rtm;

	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = dst->len == 16 ? AF_INET6 : AF_INET;
	rtm->rtm_dst_len = 8 * dst->len;
	rtm->rtm_flags = flags;
	netlink_put_addr(nlh, RTA_DST, dst);
	if (oif)
		mnl_attr_put_u32(nlh, RTA_OIF, oif);
	return nlh;
}

static int ask_route(struct rtnl *r, unsigned int vrf, unsigned int flags,
		     const struct addr *dst, struct lookup *q)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	unsigned int oif = addr_is_link_local(dst) ? q->prefer : vrf;

	return netlink_talk(&r->ask, put_route(r, buf, oif, flags, dst),
			    take_route, q);
}

struct engine_route rtnl_route(struct rtnl *r, unsigned int vrf,
			       unsigned int prefer, const struct addr *dst)
{
	struct engine_route fib = { 0 }, hop = { 0 };
	struct lookup q = { .prefer = prefer, .route = &fib };

	if (ask_route(r, vrf, RTM_F_FIB_MATCH, dst, &q) || !fib.found)
		return (struct engine_route){ 0 };
	if (fib.ifindex)
		return fib;
	/* a next-hop object tells its hops only where a packet would go */
	q.route = &hop;
	if (ask_route(r, vrf, 0, dst, &q) || !hop.found)
		return (struct engine_route){ 0 };
	fib.ifindex = hop.ifindex;
	fib.gateway = hop.gateway;
	return fib;
}

static int take_prefix(const struct nlmsghdr *nlh, void *ctx)
{
	return rtnl_parse_prefix(nlh, ctx);
}

uint32_t rtnl_table(struct rtnl *r, unsigned int vrf, const struct addr *dst)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct rtnl_prefix p = { 0 };

	if (netlink_talk(&r->ask, put_route(r, buf, vrf, RTM_F_FIB_MATCH, dst),
			 take_prefix, &p))
		return 0;
	return p.table;
}

struct walk {
	uint32_t table;
	int (*cb)(void *ctx, const struct rtnl_prefix *p);
	void *ctx;
};

static int walk_route(const struct nlmsghdr *nlh, void *ctx)
{
	struct rtnl_prefix p;
	struct walk *w = ctx;
	int ret = rtnl_parse_prefix(nlh, &p);

	/* IPv6 dumps what was learnt of single destinations, too */
	if (ret || p.table != w->table ||
	    ((const struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_flags &
	    RTM_F_CLONED)
		return ret;
	return w->cb(w->ctx, &p);
}

static int dump_routes(struct netlink *nl, enum conf_family family,
		       struct walk *w)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	int one = 1;

	/* without it the kernel tells of all tables, which costs time only */
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one,
			      sizeof(one));
	nlh = netlink_put(nl, buf, RTM_GETROUTE, NLM_F_DUMP);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = address_family(family);
	mnl_attr_put_u32(nlh, RTA_TABLE, w->table);
	return netlink_talk(nl, nlh, walk_route, w);
}

int rtnl_each_route(enum conf_family family, uint32_t table,
		    int (*cb)(void *ctx, const struct rtnl_prefix *p),
		    void *ctx)
{
	struct walk w = { .table = table, .cb = cb, .ctx = ctx };
	struct netlink nl = { 0 };
	int ret;

	/* its own socket: the rest of a dump that was cut short goes with it */
	ret = netlink_open(&nl, NETLINK_ROUTE, RCVBUF, true);
	if (!ret)
		ret = dump_routes(&nl, family, &w);
	netlink_close(&nl);
	/* what changed meanwhile is told as a change */
	return ret == -EINTR || ret == -ENOENT ? 0 : ret;
}

bool rtnl_routes_pending(const struct rtnl *r)
{
	struct pollfd pfd = { .fd = netlink_fd(&r->routes), .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}
