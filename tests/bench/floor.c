// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: the least that a GRE device can cost on this machine.
 *
 * One header made of the module's parameters, one route resolved when the
 * device comes up and held until it goes down, ip_local_out(). No peers, no
 * counters, no path MTU, no offloads, nothing received: what `make bench`
 * measures here no device can beat, and what a real one adds to it is the
 * price of what it does. Never to be used for anything else.
 *
 *	insmod floor.ko saddr=198.51.100.1 daddr=198.51.100.2 key=42
 *	ip link add floor0 type dmvpn-floor
 *	ip link set floor0 up		(the route to daddr must be there)
 */
#include <linux/if_arp.h>
#include <linux/if_tunnel.h>
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/rtnetlink.h>

static char *saddr = "0.0.0.0";
module_param(saddr, charp, 0444);
MODULE_PARM_DESC(saddr, "outer source address");

static char *daddr = "0.0.0.0";
module_param(daddr, charp, 0444);
MODULE_PARM_DESC(daddr, "outer destination address");

static uint key;
module_param(key, uint, 0444);
MODULE_PARM_DESC(key, "GRE key");

struct floor_header {
	struct iphdr ip;
	struct gre_base_hdr gre;
	__be32 key;
} __packed;

struct floor {
	struct floor_header header;
	struct dst_entry *route;	/* held while the device is up */
};

static void fill_header(struct floor_header *header)
{
	memset(header, 0, sizeof(*header));
	header->ip.version = 4;
	header->ip.ihl = sizeof(header->ip) / 4;
	header->ip.ttl = 64;
	header->ip.frag_off = htons(IP_DF);
	header->ip.protocol = IPPROTO_GRE;
	header->ip.saddr = in_aton(saddr);
	header->ip.daddr = in_aton(daddr);
	header->gre.flags = htons(0x2000);	/* key present, on the wire */
	header->gre.protocol = htons(ETH_P_IP);
	header->key = htonl(key);
}

static int floor_open(struct net_device *dev)
{
	struct floor *floor = netdev_priv(dev);
	struct flowi4 fl4 = { .flowi4_proto = IPPROTO_GRE };
	struct rtable *rt;

	fill_header(&floor->header);
	fl4.saddr = floor->header.ip.saddr;
	fl4.daddr = floor->header.ip.daddr;
	rt = ip_route_output_key(dev_net(dev), &fl4);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (rt->dst.dev == dev) {
		ip_rt_put(rt);
		return -ELOOP;
	}
	floor->route = &rt->dst;
	dev->needed_headroom = LL_RESERVED_SPACE(rt->dst.dev) +
			       sizeof(floor->header);
	return 0;
}

static int floor_stop(struct net_device *dev)
{
	struct floor *floor = netdev_priv(dev);

	dst_release(floor->route);
	floor->route = NULL;
	return 0;
}

static netdev_tx_t floor_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct floor *floor = netdev_priv(dev);

	if (skb_cow_head(skb, dev->needed_headroom)) {
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	memcpy(skb_push(skb, sizeof(floor->header)), &floor->header,
	       sizeof(floor->header));
	skb_reset_network_header(skb);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	skb->protocol = htons(ETH_P_IP);
	skb->ignore_df = 1;
	/* The caller is in an RCU read section: no reference per packet. */
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, floor->route);
	ip_local_out(dev_net(dev), NULL, skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops floor_netdev_ops = {
	.ndo_open	= floor_open,
	.ndo_stop	= floor_stop,
	.ndo_start_xmit	= floor_xmit,
};

static void floor_setup(struct net_device *dev)
{
	dev->netdev_ops = &floor_netdev_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->mtu = ETH_DATA_LEN - sizeof(struct floor_header);
	dev->lltx = true;
	dev->needs_free_netdev = true;
	/* The inner route is not looked at: let the core drop it early. */
	dev->priv_flags |= IFF_XMIT_DST_RELEASE;
}

static struct rtnl_link_ops floor_link_ops __read_mostly = {
	.kind		= "dmvpn-floor",
	.priv_size	= sizeof(struct floor),
	.setup		= floor_setup,
};

static int __init floor_init(void)
{
	return rtnl_link_register(&floor_link_ops);
}

static void __exit floor_exit(void)
{
	rtnl_link_unregister(&floor_link_ops);
}

module_init(floor_init);
module_exit(floor_exit);

MODULE_DESCRIPTION("dmvpn bench: the least that a GRE device can cost");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK("dmvpn-floor");
