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
 * The loop rule. A packet that this host or one behind it sends may always
 * fall back to an NHS. A transit packet, one that came in through the cloud,
 * may only when it is known which peer it came from, and that peer is no hub,
 * not the NHS itself, and the one behind which our routes see the sender: what
 * a hub forwarded comes from another. Otherwise hubs with an unknown target
 * would send it around among them until its TTL ends.
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "gre.h"
#include "ingress.h"
#include "mcast.h"
#include "neigh.h"
#include "peer.h"
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
	__be32 daddr;
	__be32 saddr;
	u32 mark;
	u8 how;				/* enum dmvpn_path_how */
	bool question;			/* no packet: nothing is counted or told */
	const struct dmvpn_shortcut *shortcut;	/* the one that counts */
};

/* Came in through this device? *@ingress: the peer's id, 0: not known. */
static bool is_transit(const struct dmvpn_dev *ddev, const struct iphdr *iph,
		       int iif, u32 *ingress)
{
	struct net_device *dev = ddev->dev;

	*ingress = 0;
	if (!iif)
		return false;
	if (likely(iif == dev->ifindex)) {
		*ingress = dmvpn_ingress_peer(ddev, iph->saddr, iph->daddr);
		return true;
	}
	/* In a VRF skb_iif is the VRF's, for the LANs in it as well. */
	if (netif_is_l3_slave(dev) &&
	    iif == l3mdev_master_ifindex_rcu(dev))
		*ingress = dmvpn_ingress_peer(ddev, iph->saddr, iph->daddr);
	return *ingress;
}

static __be32 route_next_hop(const struct rtable *rt, __be32 daddr)
{
	return rt->rt_gw_family == AF_INET ? rt->rt_gw4 : daddr;
}

/* By the FIB, in the device's VRF; 0: it does not lead into the device. */
static __be32 routed_next_hop(struct dmvpn_dev *ddev, __be32 daddr)
{
	struct flowi4 fl4 = {
		.flowi4_oif = l3mdev_master_ifindex_rcu(ddev->dev),
		.daddr = daddr,
	};
	struct rtable *rt = ip_route_output_key(dev_net(ddev->dev), &fl4);
	__be32 nexthop = 0;

	if (IS_ERR(rt))
		return 0;
	if (rt->dst.dev == ddev->dev)
		nexthop = route_next_hop(rt, daddr);
	ip_rt_put(rt);
	return nexthop;
}

static __be32 next_hop(struct dmvpn_dev *ddev, const struct sk_buff *skb)
{
	__be32 daddr = ip_hdr(skb)->daddr;

	if (likely(skb_valid_dst(skb)))
		return route_next_hop(dst_rtable(skb_dst(skb)), daddr);
	/* Packet sockets, tc and BPF choose the device without a route. */
	return routed_next_hop(ddev, daddr) ?: daddr;
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
	v->daddr = peer->key.nbma;
	v->mark = peer->key.mark | conf->mark;
	return true;
}

/* By our own routes, is @from the peer through which @saddr is reached? */
static bool lives_behind(struct dmvpn_dev *ddev, __be32 saddr,
			 const struct dmvpn_peer *from)
{
	__be32 nexthop = routed_next_hop(ddev, saddr);
	const struct dmvpn_neigh *n =
		nexthop ? dmvpn_neigh_lookup(ddev, nexthop) : NULL;

	return n && rcu_access_pointer(n->peer) == from;
}

static enum dmvpn_drop via_nhs(struct dmvpn_dev *ddev,
			       const struct dmvpn_conf *conf,
			       const struct iphdr *iph, bool transit,
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
		    !lives_behind(ddev, iph->saddr, from))
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
				  const struct iphdr *iph, __be32 nexthop,
				  int iif, bool transit, u32 ingress,
				  struct verdict *v)
{
	/* Other devices of the cloud: asked only when it may matter. */
	if (!transit)
		transit = dmvpn_ingress_dev(ddev, conf, iif);
	if (!v->question)
		dmvpn_upcall_resolve(ddev, nexthop, iph, ingress);
	return via_nhs(ddev, conf, iph, transit, ingress, v);
}

/*
 * The way of a shortcut. Anything but DMVPN_DROP_UNSPEC and
 * DMVPN_DROP_BACK_TO_INGRESS: there is none that can be used now.
 */
static enum dmvpn_drop by_shortcut(struct dmvpn_dev *ddev,
				   const struct dmvpn_conf *conf,
				   const struct iphdr *iph, __be32 nexthop,
				   u32 ingress, struct verdict *v)
{
	struct dmvpn_shortcut *s = dmvpn_shortcut_lookup(ddev, iph->daddr,
							 nexthop);
	enum dmvpn_drop drop = DMVPN_DROP_UNRESOLVED;
	struct dmvpn_neigh *n;
	struct dmvpn_peer *peer;
	u32 flags;

	if (!s)
		return drop;
	v->shortcut = s;
	n = dmvpn_neigh_lookup(ddev, s->nexthop);
	if (n && dmvpn_life_expired(&n->life))
		n = NULL;
	flags = n ? READ_ONCE(n->flags) : DMVPN_NEIGH_F_UNCONFIRMED;
	if (!v->question) {
		dmvpn_life_use(&s->life);
		if (n)
			dmvpn_life_use(&n->life);
		/* Who is to find, or to prove, the path must know that it is wanted. */
		if (flags & DMVPN_NEIGH_F_UNCONFIRMED)
			dmvpn_upcall_resolve(ddev, s->nexthop, iph, ingress);
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
				   const struct iphdr *iph, __be32 nexthop,
				   int iif, bool transit, u32 ingress,
				   struct verdict *v)
{
	struct dmvpn_neigh *n = dmvpn_neigh_lookup(ddev, nexthop);
	u32 flags = n ? READ_ONCE(n->flags) : 0;
	struct dmvpn_peer *peer;
	enum dmvpn_drop drop;

	if (!n || dmvpn_life_expired(&n->life))
		return unresolved(ddev, conf, iph, nexthop, iif, transit,
				  ingress, v);
	if (!v->question)
		dmvpn_life_use(&n->life);
	if (flags & DMVPN_NEIGH_F_REJECT)
		return DMVPN_DROP_REJECTED;
	peer = rcu_dereference(n->peer);
	if (flags & DMVPN_NEIGH_F_UNCONFIRMED || !peer)
		return unresolved(ddev, conf, iph, nexthop, iif, transit,
				  ingress, v);
	if (ingress && peer->id == ingress)
		return DMVPN_DROP_BACK_TO_INGRESS;
	if (set_route(ddev, conf, peer, v, &drop)) {
		v->how = DMVPN_PATH_NEIGH;
		return DMVPN_DROP_UNSPEC;
	}
	/* The SA is gone or not there yet: unusable for this packet. */
	if (drop == DMVPN_DROP_NO_SA &&
	    via_nhs(ddev, conf, iph, transit, ingress, v) == DMVPN_DROP_UNSPEC)
		return DMVPN_DROP_UNSPEC;
	return drop;
}

/* @nexthop: by the route; @iif: where the packet came in, 0: made here. */
static enum dmvpn_drop choose(struct dmvpn_dev *ddev,
			      const struct dmvpn_conf *conf,
			      const struct iphdr *iph, __be32 nexthop, int iif,
			      struct verdict *v)
{
	struct dmvpn_peer *remote = rcu_dereference(ddev->remote);
	enum dmvpn_drop drop = DMVPN_DROP_UNSPEC;
	bool transit;
	u32 ingress;

	if (remote) {
		/* Nobody else is heard, so that is where it came from. */
		if (iif == ddev->dev->ifindex)
			return DMVPN_DROP_BACK_TO_INGRESS;
		if (set_route(ddev, conf, remote, v, &drop))
			v->how = DMVPN_PATH_REMOTE;
		return drop;
	}
	transit = is_transit(ddev, iph, iif, &ingress);
	if (READ_ONCE(ddev->n_shortcuts)) {
		drop = by_shortcut(ddev, conf, iph, nexthop, ingress, v);
		if (!drop || drop == DMVPN_DROP_BACK_TO_INGRESS)
			return drop;
	}
	return by_next_hop(ddev, conf, iph, nexthop, iif, transit, ingress, v);
}

void dmvpn_path_get(struct dmvpn_dev *ddev, struct dmvpn_path *path)
{
	const struct iphdr iph = { .daddr = path->dst };
	struct verdict v = { .question = true };

	rcu_read_lock();
	if (!path->nexthop)
		path->nexthop = routed_next_hop(ddev, path->dst);
	if (path->nexthop)
		path->drop = choose(ddev, rcu_dereference(ddev->conf), &iph,
				    path->nexthop, 0, &v);
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
	switch (drop) {
	case DMVPN_DROP_TOO_BIG:
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			      htonl(mtu));
		break;
	case DMVPN_DROP_UNRESOLVED:
	case DMVPN_DROP_TRANSIT_UNRESOLVED:
	case DMVPN_DROP_BACK_TO_INGRESS:
	case DMVPN_DROP_NO_ROUTE:
	case DMVPN_DROP_REJECTED:
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
		break;
	default:
		break;
	}
}

static bool fits(const struct sk_buff *skb, u32 mtu)
{
	return skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
				 skb->len <= mtu;
}

/*
 * The outer DF bit in *@df, or DMVPN_DROP_TOO_BIG for a packet that must not
 * be fragmented and does not fit; then the path MTU is noted with its route.
 */
static enum dmvpn_drop fit(struct dmvpn_dev *ddev,
			   const struct dmvpn_conf *conf, struct sk_buff *skb,
			   const struct verdict *v, u32 *mtu, __be16 *df)
{
	__be16 inner_df = ip_hdr(skb)->frag_off & htons(IP_DF);

	*mtu = dmvpn_peer_mtu(v->peer, v->dst, conf->hlen);
	switch (conf->df) {
	case DMVPN_DF_UNSET:
		*df = 0;
		return DMVPN_DROP_UNSPEC;
	case DMVPN_DF_INHERIT:
		*df = inner_df;
		break;
	default:
		*df = htons(IP_DF);
		break;
	}
	if (likely(fits(skb, *mtu)))
		return DMVPN_DROP_UNSPEC;
	if (inner_df) {
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
			    sizeof(struct iphdr) + hlen;

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
	iph->saddr = v->saddr;
	iph->daddr = v->daddr;
	/*
	 * With DF the id names no fragments (RFC 6864); a per-CPU number is
	 * enough for those on the way who look at it all the same.
	 */
	if (df)
		iph->id = htons(this_cpu_add_return(outer_id, segs) - segs);
	else
		__ip_select_ident(net, iph, segs);
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
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	push_ip(ddev->net, skb, v, tos, ttl, df);

	err = ip_local_out(ddev->net, NULL, skb);
	if (unlikely(net_xmit_eval(err))) {
		DEV_STATS_INC(ddev->dev, tx_errors);
		return;
	}
	dev_sw_netstats_tx_add(ddev->dev, 1, len);
	if (v->peer)
		dmvpn_peer_tx(v->peer, len);
}

static u8 outer_ttl(const struct dmvpn_conf *conf, const struct iphdr *iph)
{
	if (ipv4_is_local_multicast(iph->daddr))
		return DMVPN_TTL_CONTROL;
	return conf->ttl ?: iph->ttl;
}

static u8 outer_tos(const struct dmvpn_conf *conf, const struct iphdr *iph)
{
	u8 tos = conf->tos == DMVPN_TOS_INHERIT ? iph->tos : conf->tos;

	/* RFC 6040 4.1 copies CE too, what INET_ECN_encapsulate() does not. */
	return (tos & ~INET_ECN_MASK) | (iph->tos & INET_ECN_MASK);
}

static enum dmvpn_drop send_ip(struct dmvpn_dev *ddev,
			       const struct dmvpn_conf *conf,
			       struct sk_buff *skb, const struct verdict *v,
			       u32 *mtu)
{
	enum dmvpn_drop drop;
	u8 tos, ttl;
	__be16 df;

	drop = fit(ddev, conf, skb, v, mtu, &df);
	if (drop)
		return drop;
	tos = outer_tos(conf, ip_hdr(skb));
	ttl = outer_ttl(conf, ip_hdr(skb));
	if (!make_room(ddev->dev, skb, v->dst, conf->hlen) ||
	    iptunnel_handle_offloads(skb, SKB_GSO_GRE))
		return DMVPN_DROP_NO_MEMORY;
	if (conf->flags & DMVPN_LINK_F_REDIRECT && skb->skb_iif)
		dmvpn_redirect_check(ddev, conf, skb, v->peer,
				     next_hop(ddev, skb));
	send(ddev, conf, skb, v, htons(ETH_P_IP), tos, ttl, df);
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
	return send_ip(ddev, conf, skb, &v, &mtu);
}

/*
 * Behind a queue there is no recursion: a packet whose underlay leads back into
 * its tunnel comes round again and again. Its headers tell. @skb: GRE inside.
 */
static bool nested_too_deeply(const struct sk_buff *skb)
{
	unsigned int depth, at = skb_network_offset(skb);
	u8 gre_buf[DMVPN_GRE_MAX];
	const struct iphdr *iph;
	struct iphdr iph_buf;
	struct dmvpn_gre gre;
	const u8 *head;

	for (depth = 0; depth < NESTING_MAX; depth++) {
		iph = skb_header_pointer(skb, at, sizeof(iph_buf), &iph_buf);
		if (!iph || iph->version != 4 || iph->protocol != IPPROTO_GRE ||
		    iph->frag_off & htons(IP_OFFSET))
			return false;
		at += iph->ihl * 4;
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
	struct verdict v = { };
	enum dmvpn_drop drop;
	u32 ingress;

	if (!pskb_network_may_pull(skb, sizeof(struct iphdr)) ||
	    ip_hdr(skb)->version != 4 || ip_hdr(skb)->ihl < 5)
		return DMVPN_DROP_BAD_INNER;
	if (unlikely(ip_hdr(skb)->protocol == IPPROTO_GRE) &&
	    nested_too_deeply(skb))
		return DMVPN_DROP_RECURSION;
	if (unlikely(dmvpn_is_multicast(skb)) &&
	    !rcu_access_pointer(ddev->remote)) {
		is_transit(ddev, ip_hdr(skb), skb->skb_iif, &ingress);
		return dmvpn_mcast_xmit(ddev, conf, skb, ingress);
	}
	drop = choose(ddev, conf, ip_hdr(skb), next_hop(ddev, skb),
		      skb->skb_iif, &v);
	return drop ?: send_ip(ddev, conf, skb, &v, mtu);
}

/* The NBMA address stands before the network header, see header.c. */
static enum dmvpn_drop xmit_nhrp(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 struct sk_buff *skb)
{
	struct verdict v = { };
	enum dmvpn_drop drop;
	struct dmvpn_peer *peer;
	u32 mark = skb->mark | conf->mark;

	if (skb_network_offset(skb) != sizeof(__be32) ||
	    !pskb_may_pull(skb, sizeof(__be32)))
		return DMVPN_DROP_NO_HEADER;
	v.daddr = get_unaligned((__be32 *)skb->data);
	skb_pull(skb, sizeof(__be32));
	peer = dmvpn_peer_lookup(ddev, v.daddr, skb->mark & conf->mark_mask);
	if (peer) {
		if (!set_route(ddev, conf, peer, &v, &drop))
			return drop;
	} else {
		v.dst = dmvpn_route_lookup(ddev, conf, v.daddr, mark, &v.saddr);
		if (IS_ERR(v.dst))
			return dmvpn_route_drop(PTR_ERR(v.dst));
	}
	v.mark = mark;
	if (!make_room(ddev->dev, skb, v.dst, conf->hlen)) {
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
	else if (likely(skb->protocol == htons(ETH_P_IP)))
		drop = xmit_ip(ddev, conf, skb, &mtu);
	else if (skb->protocol == htons(DMVPN_ETH_P_NHRP))
		drop = xmit_nhrp(ddev, conf, skb);
	else
		drop = DMVPN_DROP_UNSUPPORTED;
	if (unlikely(drop)) {
		dmvpn_drop_count(ddev, drop);
		DEV_STATS_INC(dev, tx_dropped);
		if (skb->protocol == htons(ETH_P_IP))
			tell_sender(skb, drop, mtu);
		kfree_skb(skb);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}
