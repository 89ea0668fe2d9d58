// SPDX-License-Identifier: GPL-2.0
/*
 * tx: from an inner packet to an outer one.
 *
 * Three steps: choose the peer (a shortcut's neighbour, else the next hop's, or
 * the hub while that is not usable), make the packet fit its path, encapsulate.
 * In the steady state the module looks up no route, allocates nothing and
 * writes nothing that another CPU reads: tables are read under RCU, the
 * underlay route is the peer's own, counters are per CPU.
 *
 * IPv4 and IPv6 inside differ where headers and routes are read and where the
 * sender is told something; in between a packet is a struct dmvpn_flow. Those
 * outside differ where the outer header is written and sent.
 *
 * The loop rule. A packet that this host or one behind it sends may always
 * fall back to an NHS. A transit packet, one that came in through the cloud,
 * may only when it is known which peer it came from, and that peer is no hub,
 * not the NHS itself, and the one behind which our routes see the sender: what
 * a hub forwarded comes from another. Otherwise hubs with an unknown target
 * would send it around among them until its TTL ends.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ip_tunnels.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "gre.h"
#include "ingress.h"
#include "mcast.h"
#include "neigh.h"
#include "peer.h"
#include "protect.h"
#include "redirect.h"
#include "route.h"
#include "shortcut.h"
#include "upcall.h"

#define NESTING_MAX	4	/* tunnels in tunnels */
#define HEADROOM_MAX	512

static DEFINE_PER_CPU(u16, outer_id);

/* Everything that is decided about a packet before it is touched. */
struct verdict {
	struct dmvpn_peer *peer;	/* NULL: an NHRP frame to no peer */
	struct dst_entry *dst;		/* noref under RCU when @peer */
	const struct in6_addr *daddr;
	struct in6_addr saddr;
	u32 mark;
	u8 how;				/* enum dmvpn_path_how */
	bool question;			/* no packet: nothing is counted or told */
	const struct dmvpn_shortcut *shortcut;	/* the one that counts */
};

/* Came in through this device? *@ingress: the peer's id, 0: not known. */
static bool is_transit(const struct dmvpn_dev *ddev,
		       const struct dmvpn_flow *flow, u32 *ingress)
{
	struct net_device *dev = ddev->dev;

	*ingress = 0;
	if (!flow->iif)
		return false;
	if (likely(flow->iif == dev->ifindex)) {
		*ingress = dmvpn_ingress_of(ddev, flow);
		return true;
	}
	/* In a VRF skb_iif is the VRF's, for the LANs in it as well. */
	if (netif_is_l3_slave(dev) &&
	    flow->iif == l3mdev_master_ifindex_rcu(dev))
		*ingress = dmvpn_ingress_of(ddev, flow);
	return *ingress;
}

static void next_hop4(const struct rtable *rt, __be32 daddr,
		      struct in6_addr *nexthop)
{
	if (unlikely(rt->rt_gw_family == AF_INET6))
		*nexthop = rt->rt_gw6;
	else
		dmvpn_addr_set4(nexthop, rt->rt_gw_family ? rt->rt_gw4 : daddr);
}

/* By the FIB, in the device's VRF; false: it does not lead into the device. */
static bool routed_next_hop4(struct dmvpn_dev *ddev, __be32 daddr,
			     struct in6_addr *nexthop)
{
	struct flowi4 fl4 = {
		.flowi4_oif = l3mdev_master_ifindex_rcu(ddev->dev),
		.daddr = daddr,
	};
	struct rtable *rt = ip_route_output_key(dev_net(ddev->dev), &fl4);
	bool found;

	if (IS_ERR(rt))
		return false;
	found = rt->dst.dev == ddev->dev;
	if (found)
		next_hop4(rt, daddr, nexthop);
	ip_rt_put(rt);
	return found;
}

#if IS_ENABLED(CONFIG_IPV6)
/* The same. A link-local address is looked for on the device alone. */
static bool routed_next_hop6(struct dmvpn_dev *ddev,
			     const struct in6_addr *daddr,
			     struct in6_addr *nexthop)
{
	bool local = ipv6_addr_type(daddr) & IPV6_ADDR_LINKLOCAL;
	struct flowi6 fl6 = {
		.flowi6_oif = local ? ddev->dev->ifindex :
				      l3mdev_master_ifindex_rcu(ddev->dev),
		.daddr = *daddr,
	};
	struct dst_entry *dst;
	bool found;

	if (!ipv6_mod_enabled())
		return false;
	dst = ip6_route_output(dev_net(ddev->dev), NULL, &fl6);
	found = !dst->error && dst->dev == ddev->dev;
	if (found)
		*nexthop = *rt6_nexthop(dst_rt6_info(dst), daddr);
	dst_release(dst);
	return found;
}
#else
static bool routed_next_hop6(struct dmvpn_dev *ddev,
			     const struct in6_addr *daddr,
			     struct in6_addr *nexthop)
{
	return false;
}
#endif

static bool routed_next_hop(struct dmvpn_dev *ddev,
			    const struct in6_addr *daddr,
			    struct in6_addr *nexthop)
{
	return dmvpn_addr_is4(daddr) ?
	       routed_next_hop4(ddev, dmvpn_addr_get4(daddr), nexthop) :
	       routed_next_hop6(ddev, daddr, nexthop);
}

static bool set_route(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf,
		      struct dmvpn_peer *peer, struct verdict *v,
		      enum dmvpn_drop *drop)
{
	struct dst_entry *dst = dmvpn_route_get(ddev, conf, peer, &v->saddr);

	if (IS_ERR(dst)) {
		*drop = dmvpn_route_drop(PTR_ERR(dst));
		if (*drop == DMVPN_DROP_NO_SA && !v->question)
			dmvpn_upcall_sa_missing(ddev, peer);
		return false;
	}
	v->peer = peer;
	v->dst = dst;
	v->daddr = &peer->key.nbma;
	v->mark = peer->key.mark | conf->mark;
	return true;
}

static bool is_at(struct dmvpn_dev *ddev, const struct in6_addr *addr,
		  const struct dmvpn_peer *peer)
{
	const struct dmvpn_neigh *n = dmvpn_neigh_lookup(ddev, addr);

	return n && rcu_access_pointer(n->peer) == peer;
}

/* By our own routes, is @from the peer through which @saddr is reached? */
static bool lives_behind(struct dmvpn_dev *ddev, const struct in6_addr *saddr,
			 const struct dmvpn_peer *from)
{
	struct in6_addr nexthop;

	return routed_next_hop(ddev, saddr, &nexthop) &&
	       is_at(ddev, &nexthop, from);
}

bool dmvpn_peer_holds(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer,
		      const struct in6_addr *saddr)
{
	const struct dmvpn_shortcut *s;
	struct in6_addr nexthop;

	if (READ_ONCE(peer->flags) & DMVPN_PEER_F_HUB ||
	    rcu_access_pointer(ddev->remote) == peer ||
	    is_at(ddev, saddr, peer))
		return true;
	if (!routed_next_hop(ddev, saddr, &nexthop))
		return false;
	if (is_at(ddev, &nexthop, peer))
		return true;
	s = READ_ONCE(ddev->n_shortcuts) ?
	    dmvpn_shortcut_lookup(ddev, saddr, &nexthop) : NULL;
	return s && is_at(ddev, &s->nexthop, peer);
}

static enum dmvpn_drop via_nhs(struct dmvpn_dev *ddev,
			       const struct dmvpn_conf *conf,
			       const struct dmvpn_flow *flow, bool transit,
			       u32 ingress, struct verdict *v)
{
	const struct dmvpn_nhs_list *list = rcu_dereference(ddev->nhs);
	const struct dmvpn_peer *from = NULL;
	enum dmvpn_drop drop = transit ? DMVPN_DROP_TRANSIT_UNRESOLVED :
					 DMVPN_DROP_UNRESOLVED;
	unsigned int i;

	if (!list || conf->fallback == DMVPN_FALLBACK_DROP)
		return drop;
	if (transit) {
		from = ingress ? xa_load(&ddev->peer_ids, ingress) : NULL;
		if (!from || READ_ONCE(from->flags) &
			     (DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS) ||
		    !lives_behind(ddev, &flow->saddr, from))
			return drop;
	}
	for (i = 0; i < list->n; i++)
		if (list->peer[i] != from &&
		    set_route(ddev, conf, list->peer[i], v, &drop)) {
			v->how = DMVPN_PATH_NHS;
			if (!v->question)
				dmvpn_count(ddev, DMVPN_COUNT_VIA_NHS);
			return DMVPN_DROP_UNSPEC;
		}
	return drop;
}

static enum dmvpn_drop unresolved(struct dmvpn_dev *ddev,
				  const struct dmvpn_conf *conf,
				  const struct dmvpn_flow *flow, bool transit,
				  u32 ingress, struct verdict *v)
{
	/* Other devices of the cloud: asked only when it may matter. */
	if (!transit)
		transit = dmvpn_ingress_dev(ddev, conf, flow->iif);
	if (!v->question)
		dmvpn_upcall_resolve(ddev, &flow->nexthop, flow, ingress);
	return via_nhs(ddev, conf, flow, transit, ingress, v);
}

/*
 * The way of a shortcut. Anything but DMVPN_DROP_UNSPEC and
 * DMVPN_DROP_BACK_TO_INGRESS: there is none that can be used now.
 */
static enum dmvpn_drop by_shortcut(struct dmvpn_dev *ddev,
				   const struct dmvpn_conf *conf,
				   const struct dmvpn_flow *flow, u32 ingress,
				   struct verdict *v)
{
	struct dmvpn_shortcut *s = dmvpn_shortcut_lookup(ddev, &flow->daddr,
							 &flow->nexthop);
	enum dmvpn_drop drop = DMVPN_DROP_UNRESOLVED;
	struct dmvpn_neigh *n;
	struct dmvpn_peer *peer;
	u32 flags;

	if (!s)
		return drop;
	v->shortcut = s;
	n = dmvpn_neigh_lookup(ddev, &s->nexthop);
	if (n && dmvpn_life_expired(&n->life))
		n = NULL;
	flags = n ? READ_ONCE(n->flags) : DMVPN_NEIGH_F_UNCONFIRMED;
	if (!v->question) {
		dmvpn_life_use(&s->life);
		if (n)
			dmvpn_life_use(&n->life);
		/* Who is to find, or to prove, the path must know that it is wanted. */
		if (flags & DMVPN_NEIGH_F_UNCONFIRMED)
			dmvpn_upcall_resolve(ddev, &s->nexthop, flow, ingress);
	}
	if (flags & (DMVPN_NEIGH_F_REJECT | DMVPN_NEIGH_F_UNCONFIRMED))
		return drop;
	peer = rcu_dereference(n->peer);
	if (!peer)
		return drop;
	if (ingress && peer->id == ingress)
		return DMVPN_DROP_BACK_TO_INGRESS;
	if (!set_route(ddev, conf, peer, v, &drop))
		return drop;
	v->how = DMVPN_PATH_SHORTCUT;
	if (!v->question)
		dmvpn_count(ddev, DMVPN_COUNT_VIA_SHORTCUT);
	return DMVPN_DROP_UNSPEC;
}

static enum dmvpn_drop by_next_hop(struct dmvpn_dev *ddev,
				   const struct dmvpn_conf *conf,
				   const struct dmvpn_flow *flow, bool transit,
				   u32 ingress, struct verdict *v)
{
	struct dmvpn_neigh *n = dmvpn_neigh_lookup(ddev, &flow->nexthop);
	u32 flags = n ? READ_ONCE(n->flags) : 0;
	struct dmvpn_peer *peer;
	enum dmvpn_drop drop;

	if (!n || dmvpn_life_expired(&n->life))
		return unresolved(ddev, conf, flow, transit, ingress, v);
	if (!v->question)
		dmvpn_life_use(&n->life);
	if (flags & DMVPN_NEIGH_F_REJECT)
		return DMVPN_DROP_REJECTED;
	peer = rcu_dereference(n->peer);
	if (flags & DMVPN_NEIGH_F_UNCONFIRMED || !peer)
		return unresolved(ddev, conf, flow, transit, ingress, v);
	if (ingress && peer->id == ingress)
		return DMVPN_DROP_BACK_TO_INGRESS;
	if (set_route(ddev, conf, peer, v, &drop)) {
		v->how = DMVPN_PATH_NEIGH;
		return DMVPN_DROP_UNSPEC;
	}
	/* The SA is gone or not there yet: unusable for this packet. */
	if (drop == DMVPN_DROP_NO_SA &&
	    via_nhs(ddev, conf, flow, transit, ingress, v) == DMVPN_DROP_UNSPEC)
		return DMVPN_DROP_UNSPEC;
	return drop;
}

static enum dmvpn_drop choose(struct dmvpn_dev *ddev,
			      const struct dmvpn_conf *conf,
			      const struct dmvpn_flow *flow, struct verdict *v)
{
	struct dmvpn_peer *remote = rcu_dereference(ddev->remote);
	enum dmvpn_drop drop = DMVPN_DROP_UNSPEC;
	bool transit;
	u32 ingress;

	if (remote) {
		/* Nobody else is heard, so that is where it came from. */
		if (flow->iif == ddev->dev->ifindex)
			return DMVPN_DROP_BACK_TO_INGRESS;
		if (set_route(ddev, conf, remote, v, &drop))
			v->how = DMVPN_PATH_REMOTE;
		return drop;
	}
	transit = is_transit(ddev, flow, &ingress);
	if (READ_ONCE(ddev->n_shortcuts)) {
		drop = by_shortcut(ddev, conf, flow, ingress, v);
		if (!drop || drop == DMVPN_DROP_BACK_TO_INGRESS)
			return drop;
	}
	return by_next_hop(ddev, conf, flow, transit, ingress, v);
}

void dmvpn_path_get(struct dmvpn_dev *ddev, struct dmvpn_path *path)
{
	struct dmvpn_flow flow = { .daddr = path->dst };
	struct verdict v = { .question = true };

	rcu_read_lock();
	if (!ipv6_addr_any(&path->nexthop) ||
	    routed_next_hop(ddev, &path->dst, &path->nexthop)) {
		flow.nexthop = path->nexthop;
		path->drop = choose(ddev, rcu_dereference(ddev->conf), &flow,
				    &v);
	}
	if (v.peer) {
		path->how = v.how;
		path->key = v.peer->key;
	}
	if (v.shortcut) {
		path->prefix = v.shortcut->prefix;
		path->matched = true;
	}
	rcu_read_unlock();
}

/* The sender learns what path MTU discovery needs, or that there is no way. */
static void tell_sender(struct sk_buff *skb, enum dmvpn_drop drop, u32 mtu)
{
	bool v4 = skb->protocol == htons(ETH_P_IP);

	if (!v4 && (skb->protocol != htons(ETH_P_IPV6) || !ipv6_mod_enabled()))
		return;
	switch (drop) {
	case DMVPN_DROP_TOO_BIG:
		if (v4)
			icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				      htonl(mtu));
		else
			icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		break;
	case DMVPN_DROP_UNRESOLVED:
	case DMVPN_DROP_TRANSIT_UNRESOLVED:
	case DMVPN_DROP_BACK_TO_INGRESS:
	case DMVPN_DROP_NO_ROUTE:
	case DMVPN_DROP_REJECTED:
		if (v4)
			icmp_ndo_send(skb, ICMP_DEST_UNREACH,
				      ICMP_HOST_UNREACH, 0);
		else
			icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH,
					ICMPV6_ADDR_UNREACH, 0);
		break;
	default:
		break;
	}
}

/* What an outer header takes from the inner one. */
struct inner {
	u8 tos;
	u8 ttl;
	bool link_local;	/* multicast of the link alone */
	bool df;		/* nobody on the way may fragment it */
	u16 min_mtu;		/* what fits this must not be refused */
};

static struct inner read_inner(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct iphdr *iph = ip_hdr(skb);

	if (likely(skb->protocol != htons(ETH_P_IPV6)))
		return (struct inner) {
			.tos = iph->tos,
			.ttl = iph->ttl,
			.link_local = ipv4_is_local_multicast(iph->daddr),
			.df = iph->frag_off & htons(IP_DF),
		};
	return (struct inner) {
		.tos = ipv6_get_dsfield(ip6h),
		.ttl = ip6h->hop_limit,
		.link_local = ipv6_addr_is_multicast(&ip6h->daddr) &&
			      IPV6_ADDR_MC_SCOPE(&ip6h->daddr) ==
			      IPV6_ADDR_SCOPE_LINKLOCAL,
		.df = true,
		.min_mtu = IPV6_MIN_MTU,
	};
}

static bool fits(const struct sk_buff *skb, u32 mtu)
{
	return skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
				 skb->len <= mtu;
}

/*
 * The outer DF bit in *@df, or DMVPN_DROP_TOO_BIG for a packet that must not
 * be fragmented and does not fit; then the path MTU is noted with its route.
 * IPv6 has packets that must not be fragmented nor refused (RFC 8200 5): they
 * are fragmented outside.
 */
static enum dmvpn_drop fit(struct dmvpn_dev *ddev,
			   const struct dmvpn_conf *conf, struct sk_buff *skb,
			   const struct inner *in, const struct verdict *v,
			   u32 *mtu, __be16 *df)
{
	*mtu = dmvpn_peer_mtu(conf, v->peer, v->dst);
	switch (conf->df) {
	case DMVPN_DF_UNSET:
		*df = 0;
		return DMVPN_DROP_UNSPEC;
	case DMVPN_DF_INHERIT:
		*df = in->df ? htons(IP_DF) : 0;
		break;
	default:
		*df = htons(IP_DF);
		break;
	}
	if (likely(fits(skb, *mtu)))
		return DMVPN_DROP_UNSPEC;
	*mtu = max_t(u32, *mtu, in->min_mtu);
	if (in->df && !(in->min_mtu && fits(skb, *mtu))) {
		skb_dst_update_pmtu_no_confirm(skb, *mtu);
		return DMVPN_DROP_TOO_BIG;
	}
	*df = 0;
	dmvpn_count(ddev, DMVPN_COUNT_FRAGMENTED);
	return DMVPN_DROP_UNSPEC;
}

static bool make_room(struct net_device *dev, struct sk_buff *skb,
		      const struct dst_entry *dst, u8 hlen)
{
	unsigned int room = LL_RESERVED_SPACE(dst->dev) + dst->header_len +
			    hlen;

	if (skb_cow_head(skb, room))
		return false;
	/* Who makes packets for this device leaves so much from now on. */
	room = min_t(unsigned int, room, HEADROOM_MAX);
	if (unlikely(room > READ_ONCE(dev->needed_headroom)))
		WRITE_ONCE(dev->needed_headroom, room);
	return true;
}

static void push_ip(struct net *net, struct sk_buff *skb,
		    const struct verdict *v, u8 tos, u8 ttl, __be16 df)
{
	unsigned int segs = skb_shinfo(skb)->gso_segs ?: 1;
	struct iphdr *iph;

	skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	iph = ip_hdr(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->frag_off = df;
	iph->protocol = IPPROTO_GRE;
	iph->tos = tos;
	iph->ttl = ttl;
	iph->saddr = dmvpn_addr_get4(&v->saddr);
	iph->daddr = dmvpn_addr_get4(v->daddr);
	/*
	 * With DF the id names no fragments (RFC 6864); a per-CPU number is
	 * enough for those on the way who look at it all the same.
	 */
	if (df)
		iph->id = htons(this_cpu_add_return(outer_id, segs) - segs);
	else
		__ip_select_ident(net, iph, segs);
}

/* Without DF this host fragments what does not fit; nobody else can. */
static void push_ip6(struct sk_buff *skb, const struct verdict *v, u8 tos,
		     u8 hop_limit, __be16 df)
{
	struct ipv6hdr *ip6h;

	skb_push(skb, sizeof(*ip6h));
	skb_reset_network_header(skb);
	ip6h = ipv6_hdr(skb);
	ip6_flow_hdr(ip6h, tos, 0);
	ip6h->nexthdr = IPPROTO_GRE;
	ip6h->hop_limit = hop_limit;
	ip6h->saddr = v->saddr;
	ip6h->daddr = *v->daddr;
	skb->ignore_df = !df;
}

static int out(struct net *net, struct sk_buff *skb,
	       const struct dmvpn_conf *conf)
{
	if (conf->flags & DMVPN_LINK_F_IPSEC_REQUIRED)
		return dmvpn_protected_out(net, skb);
	return likely(!conf->ipv6) ? ip_local_out(net, NULL, skb) :
				     ip6_local_out(net, NULL, skb);
}

/*
 * Encapsulates and sends; takes the packet over. @df as for the wire. The
 * route is used without a reference where the verdict has none.
 */
static void send(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf,
		 struct sk_buff *skb, const struct verdict *v, __be16 proto,
		 u8 tos, u8 ttl, __be16 df)
{
	bool keyed = conf->flags & DMVPN_LINK_F_KEY;
	u32 classid = v->peer ? READ_ONCE(v->peer->classid) : 0;
	unsigned int len = skb->len;
	int err;

	skb_scrub_packet(skb, !net_eq(ddev->net, dev_net(ddev->dev)));
	skb_clear_hash_if_not_l4(skb);
	if (v->peer)
		skb_dst_set_noref(skb, v->dst);
	else
		skb_dst_set(skb, v->dst);
	skb->mark = v->mark;
	if (classid)
		skb->priority = classid;
	dmvpn_gre_build(skb_push(skb, conf->hlen), keyed, conf->key, proto);
	skb_reset_transport_header(skb);
	skb_set_inner_protocol(skb, proto);
	if (likely(!conf->ipv6)) {
		memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
		push_ip(ddev->net, skb, v, tos, ttl, df);
	} else {
		memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
		push_ip6(skb, v, tos, ttl, df);
	}
	err = out(ddev->net, skb, conf);
	if (unlikely(net_xmit_eval(err))) {
		DEV_STATS_INC(ddev->dev, tx_errors);
		if (err == -ENOKEY)
			dmvpn_drop_count(ddev, DMVPN_DROP_CLEARTEXT);
		return;
	}
	dev_sw_netstats_tx_add(ddev->dev, 1, len);
	if (v->peer)
		dmvpn_peer_tx(v->peer, len);
}

static u8 outer_ttl(const struct dmvpn_conf *conf, const struct inner *in)
{
	if (in->link_local)
		return DMVPN_TTL_CONTROL;
	return conf->ttl ?: in->ttl;
}

static u8 outer_tos(const struct dmvpn_conf *conf, const struct inner *in)
{
	u8 tos = conf->tos == DMVPN_TOS_INHERIT ? in->tos : conf->tos;

	/* RFC 6040 4.1 copies CE too, what INET_ECN_encapsulate() does not. */
	return (tos & ~INET_ECN_MASK) | (in->tos & INET_ECN_MASK);
}

/* @flow: NULL for a copy of multicast. */
static enum dmvpn_drop send_ip(struct dmvpn_dev *ddev,
			       const struct dmvpn_conf *conf,
			       struct sk_buff *skb,
			       const struct dmvpn_flow *flow,
			       const struct verdict *v, u32 *mtu)
{
	struct inner in = read_inner(skb);
	enum dmvpn_drop drop;
	__be16 df;

	drop = fit(ddev, conf, skb, &in, v, mtu, &df);
	if (drop)
		return drop;
	if (!make_room(ddev->dev, skb, v->dst, conf->outer_hlen) ||
	    iptunnel_handle_offloads(skb, SKB_GSO_GRE))
		return DMVPN_DROP_NO_MEMORY;
	if (conf->flags & DMVPN_LINK_F_REDIRECT && flow && flow->iif)
		dmvpn_redirect_check(ddev, conf, skb, flow, v->peer);
	send(ddev, conf, skb, v, skb->protocol, outer_tos(conf, &in),
	     outer_ttl(conf, &in), df);
	return DMVPN_DROP_UNSPEC;
}

enum dmvpn_drop dmvpn_xmit_peer(struct dmvpn_dev *ddev,
				const struct dmvpn_conf *conf,
				struct sk_buff *skb, struct dmvpn_peer *peer)
{
	struct verdict v = { };
	enum dmvpn_drop drop;
	u32 mtu;

	if (!set_route(ddev, conf, peer, &v, &drop))
		return drop;
	return send_ip(ddev, conf, skb, NULL, &v, &mtu);
}

/*
 * False: no such header. Packet sockets, tc and BPF choose the device without
 * a route.
 */
static bool read_flow4(struct dmvpn_dev *ddev, struct sk_buff *skb,
		       struct dmvpn_flow *flow)
{
	const struct iphdr *iph;

	if (!pskb_network_may_pull(skb, sizeof(*iph)) ||
	    ip_hdr(skb)->version != 4 || ip_hdr(skb)->ihl < 5)
		return false;
	iph = ip_hdr(skb);
	dmvpn_addr_set4(&flow->saddr, iph->saddr);
	dmvpn_addr_set4(&flow->daddr, iph->daddr);
	if (likely(skb_valid_dst(skb)))
		next_hop4(dst_rtable(skb_dst(skb)), iph->daddr, &flow->nexthop);
	else if (!routed_next_hop4(ddev, iph->daddr, &flow->nexthop))
		flow->nexthop = flow->daddr;
	return true;
}

static bool read_flow6(struct dmvpn_dev *ddev, struct sk_buff *skb,
		       struct dmvpn_flow *flow)
{
	const struct ipv6hdr *ip6h;

	if (!pskb_network_may_pull(skb, sizeof(*ip6h)) ||
	    ipv6_hdr(skb)->version != 6)
		return false;
	ip6h = ipv6_hdr(skb);
	if (ipv6_addr_v4mapped(&ip6h->saddr) ||
	    ipv6_addr_v4mapped(&ip6h->daddr))
		return false;
	flow->saddr = ip6h->saddr;
	flow->daddr = ip6h->daddr;
	/* BPF may leave an IPv4 route with a packet that it sends here. */
	if (likely(skb_valid_dst(skb) &&
		   skb_dst(skb)->ops->family == AF_INET6))
		flow->nexthop = *rt6_nexthop(dst_rt6_info(skb_dst(skb)),
					     &ip6h->daddr);
	else if (!routed_next_hop6(ddev, &ip6h->daddr, &flow->nexthop))
		flow->nexthop = flow->daddr;
	return true;
}

/* Of the IP header at @at; 0: what follows is no GRE header. */
static unsigned int len_before_gre(const struct sk_buff *skb, unsigned int at)
{
	const struct ipv6hdr *ip6h;
	const struct iphdr *iph;
	struct ipv6hdr buf6;
	struct iphdr buf;

	iph = skb_header_pointer(skb, at, sizeof(buf), &buf);
	if (!iph)
		return 0;
	if (iph->version == 4)
		return iph->protocol == IPPROTO_GRE &&
		       !(iph->frag_off & htons(IP_OFFSET)) ? iph->ihl * 4 : 0;
	ip6h = skb_header_pointer(skb, at, sizeof(buf6), &buf6);
	return ip6h && ip6h->version == 6 && ip6h->nexthdr == IPPROTO_GRE ?
	       sizeof(*ip6h) : 0;
}

static bool carries_gre(const struct sk_buff *skb)
{
	return (skb->protocol == htons(ETH_P_IP) ? ip_hdr(skb)->protocol :
						   ipv6_hdr(skb)->nexthdr) ==
	       IPPROTO_GRE;
}

/*
 * Behind a queue there is no recursion: a packet whose underlay leads back into
 * its tunnel comes round again and again. Its headers tell. @skb: GRE inside.
 */
static bool nested_too_deeply(const struct sk_buff *skb)
{
	unsigned int depth, len, at = skb_network_offset(skb);
	u8 gre_buf[DMVPN_GRE_MAX];
	struct dmvpn_gre gre;
	const u8 *head;

	for (depth = 0; depth < NESTING_MAX; depth++) {
		len = len_before_gre(skb, at);
		if (!len)
			return false;
		at += len;
		head = skb_header_pointer(skb, at, sizeof(gre_buf), gre_buf);
		if (!head || dmvpn_gre_parse(head, sizeof(gre_buf), &gre))
			return false;
		at += gre.hlen;
	}
	return true;
}

static enum dmvpn_drop xmit_ip(struct dmvpn_dev *ddev,
			       const struct dmvpn_conf *conf,
			       struct sk_buff *skb, u32 *mtu)
{
	struct dmvpn_flow flow;
	struct verdict v = { };
	enum dmvpn_drop drop;
	u32 ingress;

	if (unlikely(!(skb->protocol == htons(ETH_P_IP) ?
		       read_flow4(ddev, skb, &flow) :
		       read_flow6(ddev, skb, &flow))))
		return DMVPN_DROP_BAD_INNER;
	flow.iif = skb->skb_iif;
	if (unlikely(carries_gre(skb)) && nested_too_deeply(skb))
		return DMVPN_DROP_RECURSION;
	if (unlikely(dmvpn_is_multicast(skb)) &&
	    !rcu_access_pointer(ddev->remote)) {
		is_transit(ddev, &flow, &ingress);
		return dmvpn_mcast_xmit(ddev, conf, skb, ingress);
	}
	drop = choose(ddev, conf, &flow, &v);
	return drop ?: send_ip(ddev, conf, skb, &flow, &v, mtu);
}

/* The NBMA address stands before the network header, see header.c. */
static enum dmvpn_drop xmit_nhrp(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 struct sk_buff *skb)
{
	struct dmvpn_peer_key key = { .mark = skb->mark & conf->mark_mask };
	unsigned int len = dmvpn_nbma_len(conf);
	struct verdict v = { .daddr = &key.nbma };
	enum dmvpn_drop drop;
	struct dmvpn_peer *peer;
	u32 mark = skb->mark | conf->mark;

	if (skb_network_offset(skb) != len || !pskb_may_pull(skb, len))
		return DMVPN_DROP_NO_HEADER;
	if (conf->ipv6)
		memcpy(&key.nbma, skb->data, len);
	else
		dmvpn_addr_set4(&key.nbma, get_unaligned((__be32 *)skb->data));
	skb_pull(skb, len);
	peer = dmvpn_peer_lookup(ddev, &key);
	if (peer) {
		if (!set_route(ddev, conf, peer, &v, &drop))
			return drop;
	} else {
		v.dst = dmvpn_route_lookup(ddev, conf, &key.nbma, mark,
					   &v.saddr);
		if (IS_ERR(v.dst))
			return dmvpn_route_drop(PTR_ERR(v.dst));
	}
	v.mark = mark;
	if (!make_room(ddev->dev, skb, v.dst, conf->outer_hlen)) {
		if (!peer)
			dst_release(v.dst);
		return DMVPN_DROP_NO_MEMORY;
	}
	send(ddev, conf, skb, &v, htons(DMVPN_ETH_P_NHRP), DMVPN_TOS_CONTROL,
	     DMVPN_TTL_CONTROL, 0);
	return DMVPN_DROP_UNSPEC;
}

netdev_tx_t dmvpn_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	const struct dmvpn_conf *conf;
	enum dmvpn_drop drop;
	u32 mtu = 0;

	rcu_read_lock();
	conf = rcu_dereference(ddev->conf);
	if (unlikely(dev_recursion_level() > NESTING_MAX))
		drop = DMVPN_DROP_RECURSION;
	else if (likely(skb->protocol == htons(ETH_P_IP) ||
			skb->protocol == htons(ETH_P_IPV6)))
		drop = xmit_ip(ddev, conf, skb, &mtu);
	else if (skb->protocol == htons(DMVPN_ETH_P_NHRP))
		drop = xmit_nhrp(ddev, conf, skb);
	else
		drop = DMVPN_DROP_UNSUPPORTED;
	if (unlikely(drop)) {
		dmvpn_drop_count(ddev, drop);
		DEV_STATS_INC(dev, tx_dropped);
		tell_sender(skb, drop, mtu);
		kfree_skb(skb);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}
