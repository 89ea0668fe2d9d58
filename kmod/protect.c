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
#include <linux/netfilter_ipv4.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/l3mdev.h>
#include <net/xfrm.h>

#include "protect.h"
#include "route.h"

static int last_look(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	if (unlikely(!dmvpn_dst_esp(skb_dst(skb)))) {
		kfree_skb_reason(skb, SKB_DROP_REASON_XFRM_POLICY);
		return -ENOKEY;
	}
	/* xfrm4_output() need not ask POST_ROUTING a second time. */
	IPCB(skb)->flags |= IPSKB_REROUTED;
	return dst_output(net, sk, skb);
}

static int post_routing(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	return NF_HOOK(NFPROTO_IPV4, NF_INET_POST_ROUTING, net, sk, skb,
		       skb->dev, skb_dst(skb)->dev, last_look);
}

/* What ip_local_out() and xfrm4_output() do, the last look in between. */
int dmvpn_protected_out(struct net *net, struct sk_buff *skb)
{
	struct iphdr *iph = ip_hdr(skb);

	iph->tot_len = skb->len <= IP_MAX_MTU ? htons(skb->len) : 0;
	ip_send_check(iph);
	skb = l3mdev_ip_out(NULL, skb);
	if (unlikely(!skb))
		return 0;
	skb->protocol = htons(ETH_P_IP);
	return NF_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, net, NULL, skb, NULL,
		       skb_dst(skb)->dev, post_routing);
}

#ifdef CONFIG_XFRM
static bool is_esp_of(const struct xfrm_state *x, const struct iphdr *iph)
{
	return x->id.proto == IPPROTO_ESP &&
	       (x->props.mode != XFRM_MODE_TRANSPORT ||
		(x->props.saddr.a4 == iph->saddr &&
		 x->id.daddr.a4 == iph->daddr));
}
#endif

bool dmvpn_protected(const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	const struct sec_path *sp = skb_sec_path(skb);
	int i;

	for (i = 0; sp && i < sp->len; i++)
		if (is_esp_of(sp->xvec[i], ip_hdr(skb)))
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
