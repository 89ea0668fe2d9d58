/* SPDX-License-Identifier: GPL-2.0 */
/* mcast: copies of multicast and broadcast packets to the peers that want them. */
#ifndef _DMVPN_MCAST_H
#define _DMVPN_MCAST_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dst_metadata.h>
#include <net/route.h>

#include "dmvpn.h"

/*
 * To everybody: a group, 255.255.255.255, or a subnet's broadcast address. An
 * IP packet whose header is readable.
 */
static inline bool dmvpn_is_multicast(const struct sk_buff *skb)
{
	__be32 daddr = ip_hdr(skb)->daddr;

	if (skb->protocol == htons(ETH_P_IPV6))
		return ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
	return ipv4_is_multicast(daddr) || ipv4_is_lbcast(daddr) ||
	       (skb_valid_dst(skb) &&
		dst_rtable(skb_dst(skb))->rt_type == RTN_BROADCAST);
}

void dmvpn_mcast_init(struct dmvpn_dev *ddev);

/*
 * No copy is made any more when this returns, unless a packet comes later.
 * Process context, may sleep.
 */
void dmvpn_mcast_stop(struct dmvpn_dev *ddev);

/*
 * tx, under RCU, softirqs off: copies of @skb, an inner IP packet with its
 * header readable, to every peer with DMVPN_PEER_F_MULTICAST but the one with
 * the id @ingress (0: none). DMVPN_DROP_UNSPEC: the packet is taken; else the
 * caller counts and frees it: DMVPN_DROP_NO_MULTICAST_PEER,
 * DMVPN_DROP_MULTICAST_OVERFLOW.
 */
enum dmvpn_drop dmvpn_mcast_xmit(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 struct sk_buff *skb, u32 ingress);

#endif
