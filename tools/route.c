/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route: see route.h. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"
#include "route.h"
#include "words.h"

static struct addr read_addr(const struct nlattr *a)
{
	return addr_from(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
}

static struct addr read_gateway(const struct nlattr *const *tb)
{
	const struct rtvia *via;

	if (tb[RTA_GATEWAY])
		return read_addr(tb[RTA_GATEWAY]);
	if (!tb[RTA_VIA] ||
	    mnl_attr_get_payload_len(tb[RTA_VIA]) < sizeof(*via))
		return addr_from(NULL, 0);
	via = mnl_attr_get_payload(tb[RTA_VIA]);
	return addr_from(via->rtvia_addr,
			 mnl_attr_get_payload_len(tb[RTA_VIA]) - sizeof(*via));
}

bool route_parse(const struct nlmsghdr *h, struct route *r)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[RTA_VIA + 1];
	static const uint8_t zero[16];

	memset(r, 0, sizeof(*r));
	if (h->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(h) < sizeof(*rtm))
		return false;
	nl_attrs(h, sizeof(*rtm), tb, RTA_VIA);
	r->type = rtm->rtm_type;
	r->protocol = rtm->rtm_protocol;
	/* The default route has no RTA_DST. */
	r->prefix = tb[RTA_DST] ? read_addr(tb[RTA_DST]) :
		    addr_from(zero, rtm->rtm_family == AF_INET6 ? 16 : 4);
	r->plen = rtm->rtm_dst_len;
	if (tb[RTA_OIF])
		r->ifindex = nl_uint(tb[RTA_OIF]);
	r->gateway = read_gateway(tb);
	return true;
}

static int take_route(const struct nlmsghdr *h, void *ctx)
{
	route_parse(h, ctx);
	return MNL_CB_OK;
}

static bool ask(struct nl *nl, unsigned int vrf, unsigned int flags,
		const struct addr *dst, struct route *r)
{
	struct nlmsghdr *h = nl_route_msg(nl, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(h, sizeof(*rtm));

	memset(r, 0, sizeof(*r));
	rtm->rtm_family = dst->len == 16 ? AF_INET6 : AF_INET;
	rtm->rtm_dst_len = 8 * dst->len;
	rtm->rtm_flags = flags;
	nl_put_addr(h, RTA_DST, dst);
	if (vrf)
		mnl_attr_put_u32(h, RTA_OIF, vrf);
	return !nl_talk(nl, h, take_route, r) && r->type != RTN_UNSPEC;
}

bool route_match(struct nl *nl, unsigned int vrf, const struct addr *dst,
		 struct route *r)
{
	return ask(nl, vrf, RTM_F_FIB_MATCH, dst, r);
}

bool route_get(struct nl *nl, unsigned int vrf, const struct addr *dst,
	       struct route *r)
{
	struct route match;

	/* Which of several next hops a packet takes, only this one tells. */
	if (!ask(nl, vrf, 0, dst, r))
		return false;
	if (!route_match(nl, vrf, dst, &match))
		return false;
	r->prefix = match.prefix;
	r->plen = match.plen;
	r->protocol = match.protocol;
	/* An address of this host is on an interface, not on the loopback. */
	if (r->type == RTN_LOCAL && match.ifindex)
		r->ifindex = match.ifindex;
	return true;
}

static int take_vrf(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *tb[IFLA_LINKINFO + 1];
	const struct nlattr *info[IFLA_INFO_SLAVE_KIND + 1];
	unsigned int *vrf = ctx;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	nl_attrs(h, sizeof(struct ifinfomsg), tb, IFLA_LINKINFO);
	if (!tb[IFLA_MASTER] || !tb[IFLA_LINKINFO])
		return MNL_CB_OK;
	nl_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_SLAVE_KIND);
	if (info[IFLA_INFO_SLAVE_KIND] &&
	    !strcmp(mnl_attr_get_str(info[IFLA_INFO_SLAVE_KIND]), "vrf"))
		*vrf = nl_uint(tb[IFLA_MASTER]);
	return MNL_CB_OK;
}

unsigned int route_vrf(struct nl *nl, unsigned int ifindex)
{
	struct nlmsghdr *h = nl_route_msg(nl, RTM_GETLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	unsigned int vrf = 0;

	ifi->ifi_index = ifindex;
	nl_talk(nl, h, take_vrf, &vrf);
	return vrf;
}

/* As `ip route` calls them; others show as numbers. */
static const char *const types[] = {
	[RTN_UNICAST]		= "unicast",
	[RTN_LOCAL]		= "local",
	[RTN_BROADCAST]		= "broadcast",
	[RTN_ANYCAST]		= "anycast",
	[RTN_MULTICAST]		= "multicast",
	[RTN_BLACKHOLE]		= "blackhole",
	[RTN_UNREACHABLE]	= "unreachable",
	[RTN_PROHIBIT]		= "prohibit",
	[RTN_THROW]		= "throw",
};

static const char *const protocols[] = {
	[RTPROT_REDIRECT]	= "redirect",
	[RTPROT_KERNEL]		= "kernel",
	[RTPROT_BOOT]		= "boot",
	[RTPROT_STATIC]		= "static",
	[RTPROT_RA]		= "ra",
	[RTPROT_ZEBRA]		= "zebra",
	[RTPROT_BIRD]		= "bird",
	[RTPROT_DHCP]		= "dhcp",
	[RTPROT_BABEL]		= "babel",
	[RTPROT_BGP]		= "bgp",
	[RTPROT_ISIS]		= "isis",
	[RTPROT_OSPF]		= "ospf",
	[RTPROT_RIP]		= "rip",
	[RTPROT_EIGRP]		= "eigrp",
};

static void add_word(struct json_object *o, const char *key,
		     const struct words *w, unsigned int i)
{
	const char *word = word_of(w, i);
	char buf[16];

	snprintf(buf, sizeof(buf), "%u", i);
	object_str(o, key, word ? word : buf);
}

struct json_object *route_object(const struct route *r)
{
	const struct words type = { types, ARRAY_SIZE(types) };
	const struct words protocol = { protocols, ARRAY_SIZE(protocols) };
	struct json_object *o = json_object_new_object();
	char name[IF_NAMESIZE], text[ADDR_STRLEN], prefix[ADDR_STRLEN + 8];

	snprintf(prefix, sizeof(prefix), "%s/%u", addr_text(&r->prefix, text),
		 r->plen);
	object_str(o, "prefix", prefix);
	object_int(o, "prefix_length", r->plen);
	object_addr(o, "gateway", &r->gateway);
	object_str(o, "dev", if_indextoname(r->ifindex, name));
	add_word(o, "type", &type, r->type);
	add_word(o, "protocol", &protocol, r->protocol);
	return o;
}
