// SPDX-License-Identifier: GPL-2.0
/*
 * header: how packet sockets see the device.
 *
 * Only NHRP frames (EtherType 0x2001) have a link-layer header, and it is the
 * NBMA address, of 4 or 16 bytes as the underlay has them: nhrpd reads the
 * sender's from sll_addr and writes the receiver's there. All other packets
 * have none, so that data pays nothing and the IP layer never needs a
 * neighbour's hardware address.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip_tunnels.h>

#include "dmvpn.h"

static int header_create(struct sk_buff *skb, struct net_device *dev,
			 unsigned short type, const void *daddr,
			 const void *saddr, unsigned int len)
{
	if (type != DMVPN_ETH_P_NHRP)
		return 0;
	if (!daddr)
		return -EINVAL;
	memcpy(skb_push(skb, dev->addr_len), daddr, dev->addr_len);
	return dev->addr_len;
}

/* rx.c leaves the mac header of an NHRP frame at the outer IP header. */
static int nbma_source(const struct sk_buff *skb, unsigned char *haddr)
{
	if (skb->protocol != htons(DMVPN_ETH_P_NHRP) ||
	    skb->pkt_type == PACKET_OUTGOING)
		return 0;
	if (((struct iphdr *)skb_mac_header(skb))->version == 6) {
		memcpy(haddr, &((struct ipv6hdr *)skb_mac_header(skb))->saddr,
		       sizeof(struct in6_addr));
		return sizeof(struct in6_addr);
	}
	memcpy(haddr, &((struct iphdr *)skb_mac_header(skb))->saddr,
	       sizeof(__be32));
	return sizeof(__be32);
}

static int __maybe_unused parse(const struct sk_buff *skb, unsigned char *haddr)
{
	return nbma_source(skb, haddr);
}

static int __maybe_unused parse_dev(const struct sk_buff *skb,
				    const struct net_device *dev,
				    unsigned char *haddr)
{
	return nbma_source(skb, haddr);
}

const struct header_ops dmvpn_header_ops = {
	.create		= header_create,
	.parse		= DMVPN_HEADER_PARSE(parse, parse_dev),
	.parse_protocol	= ip_tunnel_parse_protocol,
};
