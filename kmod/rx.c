// SPDX-License-Identifier: GPL-2.0
/*
 * rx: from a GRE packet to the device it belongs to.
 *
 * demux.c calls with skb->data at the GRE header, the network header at the
 * outer IP header, raw sockets and the xfrm input policy already served.
 * Until a device claims the packet nothing in it is changed.
 *
 * Which device: the underlay's family and the key must match, the local and
 * the remote address where the device has them. A keyless device shares its
 * kind of packet with ip_gre: it claims NHRP and what comes from its peers;
 * keyless data of strangers is claimed only when there is no ip_gre that may
 * know them. GRE over IPv6 is shared with nobody.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip6_route.h>
#include <net/ip_tunnels.h>
#include <net/ndisc.h>
#include <net/route.h>

#include "bucket.h"
#include "demux.h"
#include "dmvpn.h"
#include "gre.h"
#include "ingress.h"
#include "peer.h"
#include "protect.h"

/* What the outer header says; addresses as in addr.h. */
struct outer {
	struct in6_addr local;
	struct in6_addr remote;
	bool ipv6;
	u8 tos;
};

/* @iph: of a packet that came in. */
static struct outer outer4(const struct iphdr *iph)
{
	struct outer o = { .tos = iph->tos };

	dmvpn_addr_set4(&o.local, iph->daddr);
	dmvpn_addr_set4(&o.remote, iph->saddr);
	return o;
}

static struct outer outer6(const struct ipv6hdr *ip6h)
{
	return (struct outer) {
		.local = ip6h->daddr,
		.remote = ip6h->saddr,
		.ipv6 = true,
		.tos = ipv6_get_dsfield(ip6h),
	};
}

static bool conf_hears(const struct dmvpn_conf *conf, const struct outer *o)
{
	if (conf->ipv6 != o->ipv6)
		return false;
	if (ipv6_addr_any(&conf->local) ? conf->local_dev :
	    !ipv6_addr_equal(&conf->local, &o->local))
		return false;
	return ipv6_addr_any(&conf->remote) ||
	       ipv6_addr_equal(&conf->remote, &o->remote);
}

/* A device that is more exact about the addresses goes first. */
static unsigned int exactness(const struct dmvpn_conf *conf)
{
	return 1 + !ipv6_addr_any(&conf->local) +
	       2 * !ipv6_addr_any(&conf->remote);
}

static struct dmvpn_peer *sender(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 const struct outer *o, u32 mark)
{
	struct dmvpn_peer_key key = {
		.nbma = o->remote,
		.mark = mark & conf->mark_mask,
	};

	return dmvpn_peer_lookup(ddev, &key);
}

static bool is_ip(__be16 proto)
{
	return likely(proto == htons(ETH_P_IP)) || proto == htons(ETH_P_IPV6);
}

static bool claims(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf,
		   const struct sk_buff *skb, const struct outer *o,
		   const struct dmvpn_gre *gre)
{
	if (gre->has_key || gre->proto == htons(DMVPN_ETH_P_NHRP))
		return true;
	if (o->ipv6 || !dmvpn_demux_stock_present())
		return is_ip(gre->proto);
	return sender(ddev, conf, o, skb->mark);
}

static struct dmvpn_dev *find_device(struct net *net,
				     const struct sk_buff *skb,
				     const struct outer *o,
				     const struct dmvpn_gre *gre,
				     const struct dmvpn_conf **confp)
{
	const struct dmvpn_conf *conf;
	struct dmvpn_dev *ddev, *best = NULL;
	unsigned int score = 0;

	hlist_for_each_entry_rcu(ddev, dmvpn_net_bucket(dmvpn_net(net), gre->key),
				 demux_node) {
		conf = rcu_dereference(ddev->conf);
		if (!(ddev->dev->flags & IFF_UP) ||
		    gre->has_key != !!(conf->flags & DMVPN_LINK_F_KEY) ||
		    gre->key != conf->key ||
		    !conf_hears(conf, o) || exactness(conf) <= score ||
		    !claims(ddev, conf, skb, o, gre))
			continue;
		best = ddev;
		*confp = conf;
		score = exactness(conf);
	}
	return best;
}

/*
 * Nobody claimed the packet. When it came from a peer of one of our devices,
 * an operator will look for the reason there.
 */
static void count_unclaimed(struct net *net, const struct sk_buff *skb,
			    const struct outer *o, enum dmvpn_drop reason)
{
	struct dmvpn_net *dn = dmvpn_net(net);
	const struct dmvpn_conf *conf;
	struct dmvpn_dev *ddev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dn->devs); i++) {
		hlist_for_each_entry_rcu(ddev, &dn->devs[i], demux_node) {
			conf = rcu_dereference(ddev->conf);
			if (conf_hears(conf, o) &&
			    sender(ddev, conf, o, skb->mark)) {
				dmvpn_drop_count(ddev, reason);
				return;
			}
		}
	}
}

/* Strangers share IFLA_DMVPN_NHRP_RATE, a second's worth of it at once. */
static bool may_call(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf)
{
	return !conf->nhrp_rate ||
	       dmvpn_bucket_take(&ddev->nhrp_strangers,
				 dmvpn_bucket_time(get_jiffies_64()),
				 NSEC_PER_SEC / conf->nhrp_rate, NSEC_PER_SEC);
}

static enum dmvpn_drop admit(struct dmvpn_dev *ddev,
			     const struct dmvpn_conf *conf,
			     struct sk_buff *skb, const struct dmvpn_gre *gre,
			     const struct dmvpn_peer *peer)
{
	bool required = conf->flags & DMVPN_LINK_F_IPSEC_REQUIRED;

	if (required && !dmvpn_protected(skb))
		return DMVPN_DROP_CLEARTEXT;
	if (gre->has_csum && skb_checksum_simple_validate(skb))
		return DMVPN_DROP_BAD_CHECKSUM;
	if (gre->proto == htons(DMVPN_ETH_P_NHRP))
		return peer || may_call(ddev, conf) ? DMVPN_DROP_UNSPEC :
						      DMVPN_DROP_NHRP_POLICED;
	if (!is_ip(gre->proto))
		return DMVPN_DROP_UNSUPPORTED;
	if (peer)
		return DMVPN_DROP_UNSPEC;
	if (required || conf->accept == DMVPN_ACCEPT_KNOWN)
		return DMVPN_DROP_UNKNOWN_SENDER;
	dmvpn_count(ddev, DMVPN_COUNT_UNKNOWN_SENDER);
	return DMVPN_DROP_UNSPEC;
}

/* The stack has taken the packet, or freed it for want of room. */
static enum dmvpn_drop handed_over(struct dmvpn_dev *ddev, int verdict)
{
	if (unlikely(verdict == NET_RX_DROP))
		dmvpn_drop_count(ddev, DMVPN_DROP_BACKLOG);
	return DMVPN_DROP_UNSPEC;
}

/*
 * The mac header stays at the outer IP header for header_ops.parse. A frame of
 * no bytes is dropped here: packet sockets would do so and tell nobody.
 */
static enum dmvpn_drop deliver_nhrp(struct dmvpn_dev *ddev,
				    struct sk_buff *skb)
{
	if (!skb->len)
		return DMVPN_DROP_BAD_INNER;
	skb_set_mac_header(skb, skb_network_offset(skb));
	skb_reset_network_header(skb);
	dev_sw_netstats_rx_add(ddev->dev, skb->len);
	return handed_over(ddev, netif_rx(skb));
}

/* The inner addresses as the ingress table takes them; false: no such header. */
static bool read_inner(const struct dmvpn_dev *ddev, struct sk_buff *skb,
		       u32 *saddr, u32 *daddr)
{
	const struct ipv6hdr *ip6h;
	const struct iphdr *iph;

	if (likely(skb->protocol == htons(ETH_P_IP))) {
		if (!pskb_may_pull(skb, sizeof(*iph)) ||
		    ip_hdr(skb)->version != 4)
			return false;
		iph = ip_hdr(skb);
		*saddr = dmvpn_ingress_word4(iph->saddr);
		*daddr = dmvpn_ingress_word4(iph->daddr);
		return true;
	}
	if (!pskb_may_pull(skb, sizeof(*ip6h)) || ipv6_hdr(skb)->version != 6)
		return false;
	ip6h = ipv6_hdr(skb);
	*saddr = dmvpn_ingress_word(ddev, &ip6h->saddr);
	*daddr = dmvpn_ingress_word(ddev, &ip6h->daddr);
	return !ipv6_addr_v4mapped(&ip6h->saddr) &&
	       !ipv6_addr_v4mapped(&ip6h->daddr);
}

static u8 inner_tos(const struct sk_buff *skb)
{
	return likely(skb->protocol == htons(ETH_P_IP)) ?
	       ip_hdr(skb)->tos : ipv6_get_dsfield(ipv6_hdr(skb));
}

static bool is_spoofed(struct dmvpn_dev *ddev, const struct sk_buff *skb,
		       const struct dmvpn_peer *peer)
{
	struct in6_addr saddr;

	if (skb->protocol == htons(ETH_P_IPV6))
		saddr = ipv6_hdr(skb)->saddr;
	else
		dmvpn_addr_set4(&saddr, ip_hdr(skb)->saddr);
	return !peer || !dmvpn_peer_holds(ddev, peer, &saddr);
}

static enum dmvpn_drop deliver_ip(struct dmvpn_dev *ddev,
				  const struct dmvpn_conf *conf,
				  struct sk_buff *skb, u8 outer_tos,
				  const struct dmvpn_peer *peer)
{
	u32 saddr, daddr;

	/* No link-layer header at all, so that GRO compares none. */
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	if (!read_inner(ddev, skb, &saddr, &daddr))
		return DMVPN_DROP_BAD_INNER;
	if (unlikely(conf->flags & DMVPN_LINK_F_STRICT_SOURCE) &&
	    is_spoofed(ddev, skb, peer))
		return DMVPN_DROP_SPOOFED;
	if (INET_ECN_decapsulate(skb, outer_tos, inner_tos(skb)) > 1)
		return DMVPN_DROP_ECN;
	dmvpn_ingress_note(ddev, saddr, daddr, peer ? peer->id : 0);
	dev_sw_netstats_rx_add(ddev->dev, skb->len);
	return handed_over(ddev, gro_cells_receive(&ddev->gro_cells, skb));
}

static void receive(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf,
		    struct sk_buff *skb, const struct outer *o,
		    const struct dmvpn_gre *gre)
{
	struct dmvpn_peer *peer = sender(ddev, conf, o, skb->mark);
	enum dmvpn_drop drop = admit(ddev, conf, skb, gre, peer);

	if (drop)
		goto drop;
	if (iptunnel_pull_header(skb, gre->hlen, gre->proto,
				 !net_eq(ddev->net, dev_net(ddev->dev)))) {
		drop = DMVPN_DROP_NO_MEMORY;
		goto drop;
	}
	if (peer)
		dmvpn_peer_rx(peer, skb->len);
	skb->dev = ddev->dev;
	if (gre->proto == htons(DMVPN_ETH_P_NHRP))
		drop = deliver_nhrp(ddev, skb);
	else
		drop = deliver_ip(ddev, conf, skb, o->tos, peer);
	if (!drop)
		return;
drop:
	dmvpn_drop_count(ddev, drop);
	DEV_STATS_INC(ddev->dev, rx_dropped);
	kfree_skb(skb);
}

static bool claim(struct sk_buff *skb, const struct outer *o)
{
	struct net *net = dev_net(skb->dev);
	const struct dmvpn_conf *conf = NULL;
	struct dmvpn_dev *ddev;
	struct dmvpn_gre gre;

	if (dmvpn_gre_parse(skb->data, skb_headlen(skb), &gre)) {
		count_unclaimed(net, skb, o, DMVPN_DROP_BAD_GRE);
		return false;
	}
	ddev = find_device(net, skb, o, &gre, &conf);
	if (!ddev) {
		count_unclaimed(net, skb, o, DMVPN_DROP_WRONG_KEY);
		return false;
	}
	receive(ddev, conf, skb, o, &gre);
	return true;
}

static bool pull_gre(struct sk_buff *skb)
{
	return pskb_may_pull(skb, min_t(unsigned int, skb->len, DMVPN_GRE_MAX));
}

bool dmvpn_rcv(struct sk_buff *skb)
{
	struct outer o;

	/* Not FOU or GUE, which hand over with another outer protocol. */
	if (ip_hdr(skb)->protocol != IPPROTO_GRE || !pull_gre(skb))
		return false;
	o = outer4(ip_hdr(skb));
	if (claim(skb, &o))
		return true;
	dmvpn_protect_answer(skb);
	return false;
}

bool dmvpn_rcv6(struct sk_buff *skb)
{
	struct outer o;

	/* The same; there may be other headers between the two. */
	if (skb_network_header(skb)[IP6CB(skb)->nhoff] != IPPROTO_GRE ||
	    !pull_gre(skb))
		return false;
	o = outer6(ipv6_hdr(skb));
	return claim(skb, &o);
}

/*
 * Routers see ESP, and write about that. Of GRE that is to be protected only
 * this host can tell, or who sends by ESP himself.
 */
static bool may_know(const struct dmvpn_conf *conf, const struct sk_buff *skb)
{
	return !(conf->flags & DMVPN_LINK_F_IPSEC_REQUIRED) ||
	       skb->dev->flags & IFF_LOOPBACK || dmvpn_protected(skb);
}

/*
 * Whose packet an ICMP message is about, of which the core guarantees the GRE
 * header's first 8 bytes. What gives it away as ours is that it went to a peer
 * of a device with this key. @o: seen from here, so that the packet's source is
 * local. *@confp is NULL when the device must not believe the message.
 */
static struct dmvpn_dev *blamed(struct net *net, const struct sk_buff *skb,
				const struct outer *o, int offset,
				const struct dmvpn_conf **confp,
				struct dmvpn_peer **peer)
{
	const struct dmvpn_conf *conf;
	struct dmvpn_dev *ddev;
	struct dmvpn_gre gre;

	if (dmvpn_gre_parse(skb->data + offset, 8, &gre))
		return NULL;
	hlist_for_each_entry_rcu(ddev, dmvpn_net_bucket(dmvpn_net(net), gre.key),
				 demux_node) {
		conf = rcu_dereference(ddev->conf);
		if (gre.has_key != !!(conf->flags & DMVPN_LINK_F_KEY) ||
		    gre.key != conf->key || !conf_hears(conf, o))
			continue;
		*peer = sender(ddev, conf, o, conf->mark_mask ? skb->mark : 0);
		if (!*peer)
			continue;
		*confp = conf;
		if (!may_know(conf, skb)) {
			dmvpn_drop_count(ddev, DMVPN_DROP_CLEARTEXT);
			*confp = NULL;
		}
		return ddev;
	}
	return NULL;
}

bool dmvpn_rcv_error(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct net *net = dev_net(skb->dev);
	const struct dmvpn_conf *conf;
	struct dmvpn_peer *peer;
	struct outer o = { };

	if (iph->protocol != IPPROTO_GRE)
		return false;
	dmvpn_addr_set4(&o.local, iph->saddr);
	dmvpn_addr_set4(&o.remote, iph->daddr);
	if (!blamed(net, skb, &o, iph->ihl * 4, &conf, &peer))
		return false;
	if (!conf)
		return true;
	if (icmp_hdr(skb)->type == ICMP_DEST_UNREACH &&
	    icmp_hdr(skb)->code == ICMP_FRAG_NEEDED)
		ipv4_update_pmtu(skb, net, info, conf->link, IPPROTO_GRE);
	else if (icmp_hdr(skb)->type == ICMP_REDIRECT)
		ipv4_redirect(skb, net, conf->link, IPPROTO_GRE);
	return true;
}

#if IS_ENABLED(CONFIG_IPV6)
bool dmvpn_rcv_error6(struct sk_buff *skb, u8 type, int offset, __be32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	struct outer o = {
		.local = ip6h->saddr,
		.remote = ip6h->daddr,
		.ipv6 = true,
	};
	struct net *net = dev_net(skb->dev);
	const struct dmvpn_conf *conf;
	struct dmvpn_peer *peer;

	if (!blamed(net, skb, &o, offset, &conf, &peer))
		return false;
	if (!conf)
		return true;
	if (type == ICMPV6_PKT_TOOBIG)
		ip6_update_pmtu(skb, net, info, conf->link,
				peer->key.mark | conf->mark,
				sock_net_uid(net, NULL));
	else if (type == NDISC_REDIRECT)
		ip6_redirect(skb, net, skb->dev->ifindex,
			     peer->key.mark | conf->mark,
			     sock_net_uid(net, NULL));
	return true;
}
#endif
