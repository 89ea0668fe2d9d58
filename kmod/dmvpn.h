/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dmvpn: structures shared by the files of the module.
 *
 * Locking. Two kinds of context meet here:
 *
 *  - packets: ndo_start_xmit, the GRE handler, the ICMP error handler. They
 *    hold rcu_read_lock() and nothing else, and change only counters, time
 *    stamps, cached routes (of IPv6 under dmvpn_peer::route6) and rate limits;
 *  - configuration: rtnetlink (under RTNL), generic netlink and the sweep
 *    work. They hold dmvpn_dev::lock, which nests inside RTNL, and publish
 *    with RCU.
 *
 * An object found under RCU stays readable until rcu_read_unlock(); whoever
 * holds dmvpn_dev::lock may keep it for as long.
 */
#ifndef _DMVPN_H
#define _DMVPN_H

#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/seqlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/dst.h>
#include <net/gro_cells.h>
#include <uapi/linux/dmvpn.h>

#include "addr.h"
#include "compat.h"

/* What this module implements of the UAPI. */
#define DMVPN_FEATURES (DMVPN_FEATURE_REMOTE | DMVPN_FEATURE_IPSEC_REQUIRED | \
			DMVPN_FEATURE_SHORTCUT | DMVPN_FEATURE_PATH_GET | \
			DMVPN_FEATURE_MULTICAST | DMVPN_FEATURE_ONEWAY | \
			DMVPN_FEATURE_REDIRECT | DMVPN_FEATURE_NHRP_RATE | \
			DMVPN_FEATURE_INNER_IPV6 | DMVPN_FEATURE_OUTER_IPV6 | \
			DMVPN_FEATURE_STRICT_SOURCE)

#define DMVPN_LIMIT_MAX		0x100000
#define DMVPN_TTL_CONTROL	255
#define DMVPN_TOS_CONTROL	0xc0	/* CS6 */
#define DMVPN_TOS_INHERIT	1
#define DMVPN_INGRESS_SLOTS	4096
#define DMVPN_UPCALL_SLOTS	256
#define DMVPN_PREFIX_BITS	128

/**
 * struct dmvpn_conf - configuration of a device, replaced as a whole (RCU)
 * @local: address configured or followed, ::: any (@local_dev 0) or none now
 * @remote: ::: multipoint
 * @ipv6: the underlay's family, the same as long as the device lives
 * @hlen: length of the GRE header on send
 * @outer_hlen: with that of the outer IP header
 *
 * The other members are the link attributes of the same name.
 */
struct dmvpn_conf {
	struct in6_addr local;
	struct in6_addr remote;
	int local_dev;
	int link;
	u32 key;
	u32 flags;
	u32 mark_mask;
	u32 mark;
	u32 network_id;
	u32 max_peers;
	u32 max_neighs;
	u32 max_shortcuts;
	u32 redirect_interval;
	u32 oneway_interval;
	u32 nhrp_rate;
	bool ipv6;
	u8 hlen;
	u8 outer_hlen;
	u8 ttl;
	u8 tos;
	u8 df;
	u8 accept;
	u8 fallback;
	struct rcu_head rcu;
};

/* Counters of a device, per CPU. */
struct dmvpn_stats {
	u64_stats_t drops[__DMVPN_DROP_MAX];
	u64_stats_t counts[__DMVPN_COUNT_MAX];
	struct u64_stats_sync syncp;
};

/* Counters of a peer, per CPU; the time stamps are jiffies, 0: never. */
struct dmvpn_peer_stats {
	u64_stats_t rx_packets;
	u64_stats_t rx_bytes;
	u64_stats_t tx_packets;
	u64_stats_t tx_bytes;
	struct u64_stats_sync syncp;
	unsigned long last_rx;
	unsigned long last_tx;
};

/* What tells one peer from another. */
struct dmvpn_peer_key {
	struct in6_addr nbma;
	u32 mark;
};

/**
 * struct dmvpn_peer - an NBMA address that packets are sent to
 * @node: in dmvpn_dev::peers
 * @key: constant
 * @flags: enum dmvpn_peer_flag; written under the lock, read by packets
 * @id: index in dmvpn_dev::peer_ids; constant
 * @dst: underlay route held, or NULL; see route.c
 * @saddr: outer source address that goes with @dst, of an IPv4 underlay
 * @saddr6: the same of IPv6
 * @dst_cookie: what dst->ops->check() of IPv6 wants to know
 * @route6: keeps @dst, @saddr6 and @dst_cookie together
 * @no_sa_until: jiffies until which "no SA" is believed without asking xfrm
 * @no_sa: @no_sa_until means something
 * @heir: SPI of the SA that is to be used from @heir_at (jiffies) on, or as
 *	soon as the one before it is gone; see route.c
 * @neighs: neighbours that point here, under the lock
 * @unheard_since: jiffies, 0: heard, or not sent to; only oneway.c's
 * @redirects: bucket of the redirects for packets that came from the peer
 */
struct dmvpn_peer {
	/* All that a packet over IPv4 looks at is in one cache line. */
	struct rhash_head node;
	struct dmvpn_peer_key key;
	u32 flags;
	struct dst_entry __rcu *dst;
	struct dmvpn_peer_stats __percpu *stats;
	__be32 saddr;
	u32 mtu;
	u32 classid;
	u32 id;

	struct in6_addr saddr6;
	u32 dst_cookie;
	u32 priority;
	seqlock_t route6;
	unsigned long no_sa_until;
	unsigned long heir_at;
	__be32 heir;
	bool no_sa;
	u8 cookie_len;
	atomic64_t redirects;
	u32 neighs;
	unsigned long unheard_since;
	u8 cookie[DMVPN_COOKIE_MAX];
	struct rcu_head rcu;
};

static_assert(offsetof(struct dmvpn_peer, saddr6) <= 64);

/**
 * struct dmvpn_life - how long an entry counts; see life.h
 * @expires: jiffies, meaningful with @has_expiry
 * @used: jiffies of the last second in which a packet used the entry
 * @refresh: jiffies before @expires, 0: none
 * @created: jiffies
 * @ever_used: @used means something
 * @told_used: the one "used" event of this lifetime was sent
 *
 * Packets read @expires and @has_expiry and write @used and @ever_used; all
 * else is under the lock.
 */
struct dmvpn_life {
	unsigned long expires;
	unsigned long used;
	bool has_expiry;
	bool ever_used;
	bool told_used;
	u8 cookie_len;
	unsigned long refresh;
	unsigned long created;
	u8 cookie[DMVPN_COOKIE_MAX];
};

/**
 * struct dmvpn_neigh - protocol address to peer
 * @node: in dmvpn_dev::neighs
 * @addr: constant
 * @flags: enum dmvpn_neigh_flag; written under the lock, read by packets
 * @peer: NULL only with DMVPN_NEIGH_F_REJECT
 * @id: index in dmvpn_dev::neigh_ids; constant
 */
struct dmvpn_neigh {
	struct rhash_head node;
	struct in6_addr addr;
	u32 flags;
	struct dmvpn_peer __rcu *peer;
	struct dmvpn_life life;
	u32 id;
	struct rcu_head rcu;
};

/* The first @len bits of an address of its family; those behind are zero. */
struct dmvpn_prefix {
	struct in6_addr addr;
	u32 len;
};

/**
 * struct dmvpn_shortcut - prefix to neighbour; constant but for @life
 * @node: in dmvpn_dev::shortcuts
 * @nexthop: protocol address of a neighbour, which need not exist
 * @via: the routed next hop under which it counts, ::: under any
 * @id: index in dmvpn_dev::shortcut_ids
 */
struct dmvpn_shortcut {
	struct rhash_head node;
	struct dmvpn_prefix prefix;
	struct in6_addr nexthop;
	struct in6_addr via;
	struct dmvpn_life life;
	u32 id;
	struct rcu_head rcu;
};

/* The peers with DMVPN_PEER_F_NHS, best first. */
struct dmvpn_nhs_list {
	struct rcu_head rcu;
	unsigned int n;
	struct dmvpn_peer *peer[] __counted_by(n);
};

/**
 * struct dmvpn_upcall_limit - how often packets may call user space
 * @slot: per key: high half its tag, low half the jiffies of the next upcall
 * @bucket: of the whole device
 */
struct dmvpn_upcall_limit {
	u64 slot[DMVPN_UPCALL_SLOTS];
	atomic64_t bucket;
};

struct dmvpn_redirect;

/**
 * struct dmvpn_dev - private data of the netdevice
 * @net: underlay namespace; holds no reference, see device.c
 * @remote: peer of IFLA_DMVPN_REMOTE, or NULL
 * @ingress: which peer the packets of an address pair came from, ingress.h
 * @redirect: limits of DMVPN_LINK_F_REDIRECT, NULL: it never was set
 * @nhrp_strangers: bucket of the NHRP frames that come from no peer
 * @mcast_queue: packets whose copies are not all made yet, see mcast.c
 * @mcast_bytes: memory they hold; under the lock of @mcast_queue
 * @oneway: looks for peers that are sent to and not heard, see oneway.c
 * @follow: looks for the IPv6 address to follow, see device.c
 * @n_shortcuts: written under the lock; packets look no further while it is 0
 * @shortcut_lens: the prefix lengths in use of IPv4 and of IPv6
 * @shortcut_len_count: how many shortcuts have a length; under the lock
 */
struct dmvpn_dev {
	struct net_device *dev;
	struct net *net;
	struct dmvpn_conf __rcu *conf;
	struct dmvpn_peer __rcu *remote;
	struct dmvpn_nhs_list __rcu *nhs;
	u32 n_shortcuts;
	struct dmvpn_stats __percpu *stats;
	struct rhashtable peers;
	struct rhashtable neighs;
	struct rhashtable shortcuts;
	unsigned long shortcut_lens[2][BITS_TO_LONGS(DMVPN_PREFIX_BITS + 1)];
	u64 *ingress;
	u32 seed;
	struct gro_cells gro_cells;
	struct hlist_node demux_node;
	struct dmvpn_upcall_limit *limit;
	struct dmvpn_redirect __rcu *redirect;
	atomic64_t nhrp_strangers;
	struct sk_buff_head mcast_queue;
	unsigned int mcast_bytes;
	struct work_struct mcast_work;
	struct delayed_work oneway;
	struct delayed_work follow;

	struct mutex lock;	/* protects all that follows and the tables */
	bool dying;
	u32 n_peers;
	u32 n_neighs;
	u32 next_peer_id;
	u32 next_neigh_id;
	u32 next_shortcut_id;
	u32 shortcut_len_count[2][DMVPN_PREFIX_BITS + 1];
	struct xarray peer_ids;
	struct xarray neigh_ids;
	struct xarray shortcut_ids;
	struct delayed_work sweep;
};

/* Of an NBMA address: in the outer header, before NHRP frames and in netlink. */
static inline unsigned int dmvpn_nbma_len(const struct dmvpn_conf *conf)
{
	return conf->ipv6 ? sizeof(struct in6_addr) : sizeof(__be32);
}

static inline struct dmvpn_conf *dmvpn_conf_locked(struct dmvpn_dev *ddev)
{
	return rcu_dereference_protected(ddev->conf,
					 lockdep_is_held(&ddev->lock));
}

static inline void dmvpn_drop_count(struct dmvpn_dev *ddev,
				    enum dmvpn_drop reason)
{
	struct dmvpn_stats *stats = get_cpu_ptr(ddev->stats);
	unsigned long flags;

	flags = u64_stats_update_begin_irqsave(&stats->syncp);
	u64_stats_inc(&stats->drops[reason]);
	u64_stats_update_end_irqrestore(&stats->syncp, flags);
	put_cpu_ptr(ddev->stats);
}

static inline void dmvpn_count(struct dmvpn_dev *ddev, enum dmvpn_count what)
{
	struct dmvpn_stats *stats = get_cpu_ptr(ddev->stats);
	unsigned long flags;

	flags = u64_stats_update_begin_irqsave(&stats->syncp);
	u64_stats_inc(&stats->counts[what]);
	u64_stats_update_end_irqrestore(&stats->syncp, flags);
	put_cpu_ptr(ddev->stats);
}

/* device.c */
struct dmvpn_net {
	/* Devices whose underlay is here, by GRE key; RTNL writes, RCU reads. */
	struct hlist_head devs[64];
	unsigned int n_devs;
};

/* Where the devices with this GRE key are; 0: the keyless ones as well. */
static inline struct hlist_head *dmvpn_net_bucket(struct dmvpn_net *dn, u32 key)
{
	return &dn->devs[hash_32(key, ilog2(ARRAY_SIZE(dn->devs)))];
}

bool dmvpn_is_dmvpn(const struct net_device *dev);
struct dmvpn_net *dmvpn_net(struct net *net);
int dmvpn_device_init(void);
void dmvpn_device_exit(void);

/* header.c */
extern const struct header_ops dmvpn_header_ops;

/* tx.c */
netdev_tx_t dmvpn_xmit(struct sk_buff *skb, struct net_device *dev);

/**
 * struct dmvpn_flow - what decides a packet's way
 * @saddr: its inner source address
 * @daddr: its inner destination
 * @nexthop: by the route; of an IPv4 packet this may be an IPv6 address
 * @iif: where it came in (skb_iif), 0: made here
 */
struct dmvpn_flow {
	struct in6_addr saddr;
	struct in6_addr daddr;
	struct in6_addr nexthop;
	int iif;
};

/*
 * An inner IP packet, header readable, to @peer; under RCU, softirqs off.
 * DMVPN_DROP_UNSPEC: the packet is gone; else the caller counts and frees.
 */
enum dmvpn_drop dmvpn_xmit_peer(struct dmvpn_dev *ddev,
				const struct dmvpn_conf *conf,
				struct sk_buff *skb, struct dmvpn_peer *peer);

/**
 * struct dmvpn_path - where a packet would go
 * @dst: asked for
 * @nexthop: asked for, or ::: look into the FIB, in the device's VRF. Returned
 *	is what was used; ::: no route of @dst leads into the device
 * @how: DMVPN_PATH_NONE: nowhere, because of @drop if there is a next hop
 * @key: the peer, unless @how is DMVPN_PATH_NONE
 * @prefix: the shortcut that counts, when @matched; its neighbour need not be
 *	usable, then @how tells what is taken instead
 */
struct dmvpn_path {
	struct in6_addr dst;
	struct in6_addr nexthop;
	enum dmvpn_path_how how;
	enum dmvpn_drop drop;
	struct dmvpn_peer_key key;
	struct dmvpn_prefix prefix;
	bool matched;
};

/*
 * Answers by the code that sends packets: a packet of this host's to @path's
 * destination would go there now. No counter of packets, no use and no event
 * comes of it. Process context.
 */
void dmvpn_path_get(struct dmvpn_dev *ddev, struct dmvpn_path *path);

/*
 * DMVPN_LINK_F_STRICT_SOURCE: @peer may send from @saddr: that is its own
 * protocol address, or our routes or shortcuts lead through it there. A hub
 * and the one end of IFLA_DMVPN_REMOTE carry what is others'. Under RCU,
 * softirqs off.
 */
bool dmvpn_peer_holds(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer,
		      const struct in6_addr *saddr);

/* rx.c: true when the packet was ours (and is gone); called under RCU */
bool dmvpn_rcv(struct sk_buff *skb);
bool dmvpn_rcv6(struct sk_buff *skb);

/*
 * rx.c: ICMP about a packet that we sent; true when it was ours. @skb->data is
 * that packet's IP header, from which the GRE header is @offset bytes away.
 */
bool dmvpn_rcv_error(struct sk_buff *skb, u32 info);
bool dmvpn_rcv_error6(struct sk_buff *skb, u8 type, int offset, __be32 info);

#endif
