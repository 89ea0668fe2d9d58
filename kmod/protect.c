// SPDX-License-Identifier: GPL-2.0
/*
 * protect: nothing leaves and nothing enters without ESP, whatever the rest of
 * the system does with a packet on its way. Called by tx.c and rx.c for devices
 * with DMVPN_LINK_F_IPSEC_REQUIRED.
 *
 * Out: route.c gives no route without ESP, but netfilter may change it
 * afterwards: a rule that rewrites an address or a mark (masquerading of a
 * loopback's address is a common one) makes the kernel look for a policy again,
 * and where none fits it sends in clear. So the packet is looked at once more
 * behind the last hook.
 *
 * In: the core checks an SA in transport mode against its selector alone, which
 * may be as wide as the world; whose SA it was is checked here. In tunnel mode
 * it takes nothing that no policy asks for.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/xfrm.h>

#include "protect.h"
#include "route.h"

/*
 * What is larger than the path is cut before ESP. The core does the same where
 * there is no esp4_offload. Where there is, it leaves that for behind ESP, and
 * __dev_queue_xmit() looks for the TCP header where transport mode has put the
 * inner transport header, at GRE (stock's as well): what it takes for a header's
 * length is a nibble of the inner TTL, or of the id when there is a key, and if
 * that is below 5 it drops the packet as malicious (SKB_BAD_GSO).
 */
static int cut(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *seg, *next, *segs = skb_gso_segment(skb, 0);
	int err = 0;

	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(skb);
		return segs ? PTR_ERR(segs) : -EINVAL;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		err = dst_output(net, sk, seg) ?: err;
	}
	return err;
}

static int last_look(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	if (unlikely(!dmvpn_dst_esp(skb_dst(skb)))) {
		kfree_skb_reason(skb, SKB_DROP_REASON_XFRM_POLICY);
		return -ENOKEY;
	}
	/* xfrm_output() of the family need not ask POST_ROUTING a second time. */
	if (skb->protocol == htons(ETH_P_IPV6))
		IP6CB(skb)->flags |= IP6SKB_REROUTED;
	else
		IPCB(skb)->flags |= IPSKB_REROUTED;
	return skb_is_gso(skb) ? cut(net, sk, skb) : dst_output(net, sk, skb);
}

static int post_routing(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	return NF_HOOK(skb->protocol == htons(ETH_P_IPV6) ? NFPROTO_IPV6 :
							    NFPROTO_IPV4,
		       NF_INET_POST_ROUTING, net, sk, skb,
		       skb->dev, skb_dst(skb)->dev, last_look);
}

/*
 * A VRF with a queueing discipline takes what is sent in it through its device,
 * and routes it anew behind that: the route with ESP is kept instead, as the
 * core does with what has been through ESP. NULL: a hook of the VRF's took it.
 */
static struct sk_buff *in_vrf(struct sk_buff *skb, u16 family)
{
	struct dst_entry *dst = dst_clone(skb_dst(skb));

	skb = l3mdev_l3_out(NULL, skb, family);
	if (!skb || skb_dst(skb) == dst) {
		dst_release(dst);
		return skb;
	}
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
	return skb;
}

/* What ip6_local_out() and xfrm6_output() do, the last look in between. */
static int protected_out6(struct net *net, struct sk_buff *skb)
{
	unsigned int len = skb->len - sizeof(struct ipv6hdr);

	ipv6_hdr(skb)->payload_len = len <= IPV6_MAXPLEN ? htons(len) : 0;
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	if (netif_is_l3_slave(skb_dst(skb)->dev))
		skb = in_vrf(skb, AF_INET6);
	if (unlikely(!skb))
		return 0;
	skb->protocol = htons(ETH_P_IPV6);
	return NF_HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, net, NULL, skb, NULL,
		       skb_dst(skb)->dev, post_routing);
}

/* The same with ip_local_out() and xfrm4_output(). */
static int protected_out4(struct net *net, struct sk_buff *skb)
{
	struct iphdr *iph = ip_hdr(skb);

	iph->tot_len = skb->len <= IP_MAX_MTU ? htons(skb->len) : 0;
	ip_send_check(iph);
	if (netif_is_l3_slave(skb_dst(skb)->dev))
		skb = in_vrf(skb, AF_INET);
	if (unlikely(!skb))
		return 0;
	skb->protocol = htons(ETH_P_IP);
	return NF_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, net, NULL, skb, NULL,
		       skb_dst(skb)->dev, post_routing);
}

int dmvpn_protected_out(struct net *net, struct sk_buff *skb)
{
	return ip_hdr(skb)->version == 6 ? protected_out6(net, skb) :
					   protected_out4(net, skb);
}

#ifdef CONFIG_XFRM
static bool is_between(const struct xfrm_state *x, const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->version == 6)
		return x->props.family == AF_INET6 &&
		       ipv6_addr_equal(&x->props.saddr.in6, &ip6h->saddr) &&
		       ipv6_addr_equal(&x->id.daddr.in6, &ip6h->daddr);
	return x->props.family == AF_INET &&
	       x->props.saddr.a4 == iph->saddr &&
	       x->id.daddr.a4 == iph->daddr;
}

static bool is_esp_of(const struct xfrm_state *x, const struct sk_buff *skb)
{
	return x->id.proto == IPPROTO_ESP &&
	       (x->props.mode != XFRM_MODE_TRANSPORT || is_between(x, skb));
}
#endif

bool dmvpn_protected(const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	const struct sec_path *sp = skb_sec_path(skb);
	int i;

	for (i = 0; sp && i < sp->len; i++)
		if (is_esp_of(sp->xvec[i], skb))
			return true;
#endif
	return false;
}

/*
 * ip_gre answers what it has no tunnel for with ICMP that quotes it. That is
 * only sent about packets to this host; one for a tunnel becomes such a one
 * again there. PPTP (version 1) wants it as it is, and answers nothing.
 */
void dmvpn_protect_answer(struct sk_buff *skb)
{
	if (secpath_exists(skb) && skb->len > 1 && !(skb->data[1] & 7))
		skb->pkt_type = PACKET_OTHERHOST;
}
