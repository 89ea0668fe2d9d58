/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dmvpn: structures shared by the files of the module.
 *
 * Locking. Two kinds of context meet here:
 *
 *  - packets: ndo_start_xmit, the GRE handler, the ICMP error handler. They
 *    hold rcu_read_lock() and nothing else, and change only counters, time
 *    stamps, cached routes and rate limits;
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
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/dst.h>
#include <net/gro_cells.h>
#include <uapi/linux/dmvpn.h>

#include "compat.h"

/* What this module implements of the UAPI. */
#define DMVPN_FEATURES (DMVPN_FEATURE_REMOTE | DMVPN_FEATURE_IPSEC_REQUIRED)

#define DMVPN_LIMIT_MAX		0x100000
#define DMVPN_TTL_CONTROL	255
#define DMVPN_TOS_CONTROL	0xc0	/* CS6 */
#define DMVPN_TOS_INHERIT	1
#define DMVPN_INGRESS_SLOTS	1024
#define DMVPN_UPCALL_SLOTS	256

/**
 * struct dmvpn_conf - configuration of a device, replaced as a whole (RCU)
 * @local: address configured or followed, 0: any (@local_dev 0) or none now
 * @hlen: length of the GRE header on send
 *
 * The other members are the link attributes of the same name.
 */
struct dmvpn_conf {
	__be32 local;
	__be32 remote;
	int local_dev;
	int link;
	u32 key;
	u32 flags;
	u32 mark_mask;
	u32 mark;
	u32 network_id;
	u32 max_peers;
	u32 max_neighs;
	u8 hlen;
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
	__be32 nbma;
	u32 mark;
};

/**
 * struct dmvpn_peer - an NBMA address that packets are sent to
 * @node: in dmvpn_dev::peers
 * @key: constant
 * @flags: enum dmvpn_peer_flag; written under the lock, read by packets
 * @id: index in dmvpn_dev::peer_ids; constant
 * @dst: underlay route held, or NULL; see route.c
 * @saddr: outer source address that goes with @dst
 * @no_sa_until: jiffies until which "no SA" is believed without asking xfrm
 * @no_sa: @no_sa_until means something
 * @neighs: neighbours that point here, under the lock
 */
struct dmvpn_peer {
	struct rhash_head node;
	struct dmvpn_peer_key key;
	u32 flags;
	u32 id;
	struct dst_entry __rcu *dst;
	__be32 saddr;
	u32 mtu;
	u32 classid;
	u32 priority;
	struct dmvpn_peer_stats __percpu *stats;
	unsigned long no_sa_until;
	bool no_sa;
	u8 cookie_len;
	u32 neighs;
	u8 cookie[DMVPN_COOKIE_MAX];
	struct rcu_head rcu;
};

/**
 * struct dmvpn_neigh - protocol address to peer
 * @node: in dmvpn_dev::neighs
 * @addr: constant
 * @flags: enum dmvpn_neigh_flag; written under the lock, read by packets
 * @peer: NULL only with DMVPN_NEIGH_F_REJECT
 * @expires: jiffies, meaningful with @has_expiry
 * @used: jiffies of the last second in which a packet used the entry
 * @ever_used: @used means something
 * @told_used: the one DMVPN_CMD_NEIGH_USED_NTF of this lifetime was sent
 */
struct dmvpn_neigh {
	struct rhash_head node;
	__be32 addr;
	u32 flags;
	struct dmvpn_peer __rcu *peer;
	unsigned long expires;
	unsigned long used;
	bool has_expiry;
	bool ever_used;
	bool told_used;
	u8 cookie_len;
	u32 id;
	unsigned long refresh;
	unsigned long created;
	u8 cookie[DMVPN_COOKIE_MAX];
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
 * @credit: of the whole device, refilled by time
 */
struct dmvpn_upcall_limit {
	u64 slot[DMVPN_UPCALL_SLOTS];
	spinlock_t lock;	/* protects @credit and @refilled */
	u64 credit;
	unsigned long refilled;
};

/**
 * struct dmvpn_dev - private data of the netdevice
 * @net: underlay namespace; holds no reference, see device.c
 * @remote: peer of IFLA_DMVPN_REMOTE, or NULL
 * @ingress: which peer the packets of an address pair came from, ingress.c
 */
struct dmvpn_dev {
	struct net_device *dev;
	struct net *net;
	struct dmvpn_conf __rcu *conf;
	struct dmvpn_peer __rcu *remote;
	struct dmvpn_nhs_list __rcu *nhs;
	struct dmvpn_stats __percpu *stats;
	struct rhashtable peers;
	struct rhashtable neighs;
	u64 *ingress;
	u32 seed;
	struct gro_cells gro_cells;
	struct hlist_node demux_node;
	struct dmvpn_upcall_limit *limit;

	struct mutex lock;	/* protects all that follows and the tables */
	bool dying;
	u32 n_peers;
	u32 n_neighs;
	u32 next_peer_id;
	u32 next_neigh_id;
	struct xarray peer_ids;
	struct xarray neigh_ids;
	struct delayed_work sweep;
};

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

/* rx.c: true when the packet was ours (and is gone); called under RCU */
bool dmvpn_rcv(struct sk_buff *skb);
bool dmvpn_rcv_error(struct sk_buff *skb, u32 info);

#endif
