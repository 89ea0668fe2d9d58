// SPDX-License-Identifier: GPL-2.0
/*
 * netlink: the generic netlink family; include/uapi/linux/dmvpn.h documents
 * it. One object per message. Requests find their device by ifindex in the
 * caller's namespace and work under the device's lock; dumps walk a device
 * after the other in the order of stable ids and hold nothing between two
 * buffers.
 */
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/ip.h>

#include "neigh.h"
#include "netlink.h"
#include "peer.h"
#include "route.h"
#include "shortcut.h"

#define PEER_FLAGS_SET	(DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS | \
			 DMVPN_PEER_F_MULTICAST)
#define NEIGH_FLAGS_SET	(DMVPN_NEIGH_F_STATIC | DMVPN_NEIGH_F_UNCONFIRMED | \
			 DMVPN_NEIGH_F_REJECT | DMVPN_NEIGH_F_REGISTERED | \
			 DMVPN_NEIGH_F_UNIQUE)

enum { GROUP_EVENTS, GROUP_UPCALLS };

static struct genl_family dmvpn_family;

static const struct genl_multicast_group dmvpn_groups[] = {
	[GROUP_EVENTS] = {
		.name = DMVPN_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[GROUP_UPCALLS] = {
		.name = DMVPN_MCGRP_UPCALLS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/* ---- policies ---- */

#define POLICY_ADDR	NLA_POLICY_RANGE(NLA_BINARY, 4, 16)
#define POLICY_COOKIE	NLA_POLICY_RANGE(NLA_BINARY, 0, DMVPN_COOKIE_MAX)
#define POLICY_RO	{ .type = NLA_REJECT }

static const struct nla_policy dev_policy[DMVPN_DEV_A_MAX + 1] = {
	[DMVPN_DEV_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
};

/* Not const for kernels before 6.7. */
static struct netlink_range_validation mtu_range = {
	.max = IP_MAX_MTU,
};

static const struct nla_policy peer_policy[DMVPN_PEER_A_MAX + 1] = {
	[DMVPN_PEER_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[DMVPN_PEER_A_NBMA]	= POLICY_ADDR,
	[DMVPN_PEER_A_MARK]	= { .type = NLA_U32 },
	[DMVPN_PEER_A_FLAGS]	= NLA_POLICY_BITFIELD32(PEER_FLAGS_SET),
	[DMVPN_PEER_A_PRIORITY]	= { .type = NLA_U32 },
	[DMVPN_PEER_A_MTU]	= NLA_POLICY_FULL_RANGE(NLA_U32, &mtu_range),
	[DMVPN_PEER_A_CLASSID]	= { .type = NLA_U32 },
	[DMVPN_PEER_A_COOKIE]	= POLICY_COOKIE,
};

static const struct nla_policy neigh_policy[DMVPN_NEIGH_A_MAX + 1] = {
	[DMVPN_NEIGH_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[DMVPN_NEIGH_A_ADDR]	= POLICY_ADDR,
	[DMVPN_NEIGH_A_NBMA]	= POLICY_ADDR,
	[DMVPN_NEIGH_A_MARK]	= { .type = NLA_U32 },
	[DMVPN_NEIGH_A_FLAGS]	= NLA_POLICY_BITFIELD32(NEIGH_FLAGS_SET),
	[DMVPN_NEIGH_A_EXPIRES]	= { .type = NLA_U32 },
	[DMVPN_NEIGH_A_REFRESH]	= { .type = NLA_U32 },
	[DMVPN_NEIGH_A_COOKIE]	= POLICY_COOKIE,
};

static const struct nla_policy shortcut_policy[DMVPN_SHORTCUT_A_MAX + 1] = {
	[DMVPN_SHORTCUT_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[DMVPN_SHORTCUT_A_PREFIX]	= POLICY_ADDR,
	[DMVPN_SHORTCUT_A_PREFIXLEN]	= NLA_POLICY_MAX(NLA_U8, 128),
	[DMVPN_SHORTCUT_A_NEXTHOP]	= POLICY_ADDR,
	[DMVPN_SHORTCUT_A_VIA]		= POLICY_ADDR,
	[DMVPN_SHORTCUT_A_EXPIRES]	= { .type = NLA_U32 },
	[DMVPN_SHORTCUT_A_REFRESH]	= { .type = NLA_U32 },
	[DMVPN_SHORTCUT_A_COOKIE]	= POLICY_COOKIE,
};

static const struct nla_policy path_policy[DMVPN_PATH_A_MAX + 1] = {
	[DMVPN_PATH_A_IFINDEX]	= NLA_POLICY_MIN(NLA_U32, 1),
	[DMVPN_PATH_A_DST]	= POLICY_ADDR,
	[DMVPN_PATH_A_NEXTHOP]	= POLICY_ADDR,
};

/* ---- reading requests ---- */

/*
 * The device of the request with its lock held, or ERR_PTR. The attribute of
 * the ifindex is number 1 in every set.
 */
static struct dmvpn_dev *lock_device(struct net *net, struct nlattr **attrs,
				     struct netlink_ext_ack *extack)
{
	struct dmvpn_dev *ddev;
	struct net_device *dev;

	BUILD_BUG_ON(DMVPN_DEV_A_IFINDEX != 1 || DMVPN_PEER_A_IFINDEX != 1 ||
		     DMVPN_NEIGH_A_IFINDEX != 1 ||
		     DMVPN_SHORTCUT_A_IFINDEX != 1 ||
		     DMVPN_PATH_A_IFINDEX != 1);
	if (!attrs[1]) {
		NL_SET_ERR_MSG(extack, "ifindex missing");
		return ERR_PTR(-EINVAL);
	}
	dev = dev_get_by_index(net, nla_get_u32(attrs[1]));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[1], "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (!dmvpn_is_dmvpn(dev)) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[1], "not a dmvpn device");
		dev_put(dev);
		return ERR_PTR(-EOPNOTSUPP);
	}
	ddev = netdev_priv(dev);
	mutex_lock(&ddev->lock);
	if (ddev->dying) {
		mutex_unlock(&ddev->lock);
		dev_put(dev);
		NL_SET_ERR_MSG_ATTR(extack, attrs[1], "device is going away");
		return ERR_PTR(-ENODEV);
	}
	return ddev;
}

static void unlock_device(struct dmvpn_dev *ddev)
{
	struct net_device *dev = ddev->dev;

	mutex_unlock(&ddev->lock);
	dev_put(dev);
}

static int get_address(const struct nlattr *attr, struct in6_addr *addr,
		       struct netlink_ext_ack *extack)
{
	if (!attr) {
		NL_SET_ERR_MSG(extack, "address missing");
		return -EINVAL;
	}
	if (nla_len(attr) == sizeof(__be32)) {
		dmvpn_addr_set4(addr, nla_get_in_addr(attr));
		return 0;
	}
	if (nla_len(attr) != sizeof(*addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	*addr = nla_get_in6_addr(attr);
	if (ipv6_addr_v4mapped(addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an IPv4 address has 4 bytes");
		return -EINVAL;
	}
	return 0;
}

/* Can it be somebody's own? */
static bool is_unicast(const struct in6_addr *addr)
{
	__be32 a = dmvpn_addr_get4(addr);

	if (!dmvpn_addr_is4(addr))
		return !ipv6_addr_any(addr) && !ipv6_addr_loopback(addr) &&
		       !ipv6_addr_is_multicast(addr);
	return !ipv4_is_zeronet(a) && !ipv4_is_multicast(a) &&
	       !ipv4_is_lbcast(a) && !ipv4_is_loopback(a);
}

static int get_unicast(const struct nlattr *attr, struct in6_addr *addr,
		       struct netlink_ext_ack *extack)
{
	int err = get_address(attr, addr, extack);

	if (err)
		return err;
	if (!is_unicast(addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "not a unicast address");
		return -EINVAL;
	}
	return 0;
}

static int get_nbma(struct dmvpn_dev *ddev, const struct nlattr *attr,
		    struct in6_addr *nbma, struct netlink_ext_ack *extack)
{
	bool ipv6 = dmvpn_conf_locked(ddev)->ipv6;
	int err = get_unicast(attr, nbma, extack);

	if (err)
		return err;
	if (ipv6 && dmvpn_addr_is4(nbma)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "NBMA addresses of this device are IPv6");
		return -EINVAL;
	}
	if (!ipv6 && !dmvpn_addr_is4(nbma)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "NBMA addresses of this device are IPv4");
		return -EINVAL;
	}
	if (ipv6_addr_type(nbma) & IPV6_ADDR_LINKLOCAL) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a link-local address is no NBMA address");
		return -EINVAL;
	}
	return 0;
}

/* May be missing (:: then). IPv4 routes have IPv6 next hops, not vice versa. */
static int get_routed(const struct nlattr *attr, const struct in6_addr *dst,
		      struct in6_addr *nexthop, struct netlink_ext_ack *extack)
{
	int err = attr ? get_unicast(attr, nexthop, extack) : 0;

	if (err || !attr)
		return err;
	if (dmvpn_addr_is4(nexthop) && !dmvpn_addr_is4(dst)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an IPv4 next hop of IPv6");
		return -EINVAL;
	}
	return 0;
}

static int get_mark(struct dmvpn_dev *ddev, const struct nlattr *attr,
		    u32 *mark, struct netlink_ext_ack *extack)
{
	*mark = attr ? nla_get_u32(attr) : 0;
	if (!(*mark & ~dmvpn_conf_locked(ddev)->mark_mask))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "mark has bits outside of the mark mask");
	return -EINVAL;
}

static int get_peer_key(struct dmvpn_dev *ddev, struct nlattr **attrs,
			struct dmvpn_peer_key *key,
			struct netlink_ext_ack *extack)
{
	return get_nbma(ddev, attrs[DMVPN_PEER_A_NBMA], &key->nbma, extack) ?:
	       get_mark(ddev, attrs[DMVPN_PEER_A_MARK], &key->mark, extack);
}

/* ---- filling answers ---- */

/* @then may be a tick ahead: those who note a time avoid 0 with `jiffies | 1`. */
static u64 ms_ago(unsigned long then)
{
	unsigned long now = jiffies;

	return time_after(now, then) ? jiffies_to_msecs(now - then) : 0;
}

/* In as many bytes as its family has; nothing for ::. */
static int put_addr(struct sk_buff *skb, int attr, const struct in6_addr *addr)
{
	if (ipv6_addr_any(addr))
		return 0;
	if (dmvpn_addr_is4(addr))
		return nla_put_in_addr(skb, attr, dmvpn_addr_get4(addr));
	return nla_put_in6_addr(skb, attr, addr);
}

static int fill_peer_route(struct sk_buff *skb, struct dmvpn_dev *ddev,
			   struct dmvpn_peer *peer)
{
	const struct dmvpn_conf *conf = dmvpn_conf_locked(ddev);
	struct in6_addr saddr;
	struct dst_entry *dst;
	int err = 0;

	rcu_read_lock();
	dst = dmvpn_route_held(conf, peer, &saddr);
	if (dst)
		err = nla_put_u32(skb, DMVPN_PEER_A_PMTU,
				  dmvpn_peer_mtu(conf, peer, dst)) ?:
		      nla_put_u32(skb, DMVPN_PEER_A_OIF, dst->dev->ifindex) ?:
		      put_addr(skb, DMVPN_PEER_A_SADDR, &saddr) ?:
		      nla_put_u8(skb, DMVPN_PEER_A_ESP, dmvpn_dst_esp(dst));
	rcu_read_unlock();
	return err;
}

static int put_u64(struct sk_buff *skb, int attr, u64 val)
{
	return nla_put_u64_64bit(skb, attr, val, DMVPN_PEER_A_PAD);
}

static int fill_peer_totals(struct sk_buff *skb, const struct dmvpn_peer *peer)
{
	struct dmvpn_peer_totals t;

	dmvpn_peer_totals(peer, &t);
	return put_u64(skb, DMVPN_PEER_A_RX_PACKETS, t.rx_packets) ?:
	       put_u64(skb, DMVPN_PEER_A_RX_BYTES, t.rx_bytes) ?:
	       put_u64(skb, DMVPN_PEER_A_TX_PACKETS, t.tx_packets) ?:
	       put_u64(skb, DMVPN_PEER_A_TX_BYTES, t.tx_bytes) ?:
	       (t.last_rx ? put_u64(skb, DMVPN_PEER_A_LAST_RX,
				    ms_ago(t.last_rx)) : 0) ?:
	       (t.last_tx ? put_u64(skb, DMVPN_PEER_A_LAST_TX,
				    ms_ago(t.last_tx)) : 0);
}

static int fill_peer(struct sk_buff *skb, struct dmvpn_dev *ddev,
		     struct dmvpn_peer *peer)
{
	return nla_put_u32(skb, DMVPN_PEER_A_IFINDEX, ddev->dev->ifindex) ?:
	       put_addr(skb, DMVPN_PEER_A_NBMA, &peer->key.nbma) ?:
	       nla_put_u32(skb, DMVPN_PEER_A_MARK, peer->key.mark) ?:
	       nla_put_u32(skb, DMVPN_PEER_A_ID, peer->id) ?:
	       nla_put_bitfield32(skb, DMVPN_PEER_A_FLAGS, peer->flags,
				  PEER_FLAGS_SET | DMVPN_PEER_F_STATIC) ?:
	       nla_put_u32(skb, DMVPN_PEER_A_PRIORITY, peer->priority) ?:
	       nla_put_u32(skb, DMVPN_PEER_A_MTU, peer->mtu) ?:
	       nla_put_u32(skb, DMVPN_PEER_A_CLASSID, peer->classid) ?:
	       nla_put(skb, DMVPN_PEER_A_COOKIE, peer->cookie_len,
		       peer->cookie) ?:
	       nla_put_u32(skb, DMVPN_PEER_A_NEIGHS, peer->neighs) ?:
	       fill_peer_route(skb, ddev, peer) ?:
	       fill_peer_totals(skb, peer);
}

static u32 ms_left(const struct dmvpn_life *life)
{
	if (!life->has_expiry)
		return 0;
	return dmvpn_life_expired(life) ? 1 :
	       max(1U, jiffies_to_msecs(life->expires - jiffies));
}

/* Neighbours and shortcuts have the same attributes from EXPIRES to PAD. */
enum {
	LIFE_REFRESH	= DMVPN_NEIGH_A_REFRESH - DMVPN_NEIGH_A_EXPIRES,
	LIFE_COOKIE	= DMVPN_NEIGH_A_COOKIE - DMVPN_NEIGH_A_EXPIRES,
	LIFE_USED	= DMVPN_NEIGH_A_USED - DMVPN_NEIGH_A_EXPIRES,
	LIFE_CREATED	= DMVPN_NEIGH_A_CREATED - DMVPN_NEIGH_A_EXPIRES,
	LIFE_PAD	= DMVPN_NEIGH_A_PAD - DMVPN_NEIGH_A_EXPIRES,
};

static_assert(DMVPN_SHORTCUT_A_EXPIRES + LIFE_REFRESH ==
	      (int)DMVPN_SHORTCUT_A_REFRESH &&
	      DMVPN_SHORTCUT_A_EXPIRES + LIFE_COOKIE ==
	      (int)DMVPN_SHORTCUT_A_COOKIE &&
	      DMVPN_SHORTCUT_A_EXPIRES + LIFE_USED ==
	      (int)DMVPN_SHORTCUT_A_USED &&
	      DMVPN_SHORTCUT_A_EXPIRES + LIFE_CREATED ==
	      (int)DMVPN_SHORTCUT_A_CREATED &&
	      DMVPN_SHORTCUT_A_EXPIRES + LIFE_PAD ==
	      (int)DMVPN_SHORTCUT_A_PAD);

/* @first: the set's EXPIRES. */
static int fill_life(struct sk_buff *skb, const struct dmvpn_life *life,
		     int first)
{
	int pad = first + LIFE_PAD;

	return nla_put_u32(skb, first, ms_left(life)) ?:
	       nla_put_u32(skb, first + LIFE_REFRESH,
			   jiffies_to_msecs(life->refresh)) ?:
	       nla_put(skb, first + LIFE_COOKIE, life->cookie_len,
		       life->cookie) ?:
	       (READ_ONCE(life->ever_used) ?
		nla_put_u64_64bit(skb, first + LIFE_USED,
				  ms_ago(READ_ONCE(life->used)), pad) : 0) ?:
	       nla_put_u64_64bit(skb, first + LIFE_CREATED,
				 ms_ago(life->created), pad);
}

static void read_life(struct nlattr **attrs, int first,
		      struct dmvpn_life_set *set)
{
	const struct nlattr *expires = attrs[first];
	const struct nlattr *refresh = attrs[first + LIFE_REFRESH];
	const struct nlattr *cookie = attrs[first + LIFE_COOKIE];

	set->has_expires = expires;
	set->expires_ms = expires ? nla_get_u32(expires) : 0;
	set->has_refresh = refresh;
	set->refresh_ms = refresh ? nla_get_u32(refresh) : 0;
	set->has_cookie = cookie;
	set->cookie = cookie ? nla_data(cookie) : NULL;
	set->cookie_len = cookie ? nla_len(cookie) : 0;
}

static int fill_neigh(struct sk_buff *skb, struct dmvpn_dev *ddev,
		      struct dmvpn_neigh *n)
{
	const struct dmvpn_peer *peer =
		rcu_dereference_protected(n->peer,
					  lockdep_is_held(&ddev->lock));

	return nla_put_u32(skb, DMVPN_NEIGH_A_IFINDEX, ddev->dev->ifindex) ?:
	       put_addr(skb, DMVPN_NEIGH_A_ADDR, &n->addr) ?:
	       nla_put_u32(skb, DMVPN_NEIGH_A_ID, n->id) ?:
	       (peer ? put_addr(skb, DMVPN_NEIGH_A_NBMA, &peer->key.nbma) ?:
		       nla_put_u32(skb, DMVPN_NEIGH_A_MARK, peer->key.mark) :
		       0) ?:
	       nla_put_bitfield32(skb, DMVPN_NEIGH_A_FLAGS, n->flags,
				  NEIGH_FLAGS_SET) ?:
	       fill_life(skb, &n->life, DMVPN_NEIGH_A_EXPIRES);
}

static int put_prefix(struct sk_buff *skb, int attr, int len_attr,
		      const struct dmvpn_prefix *prefix)
{
	unsigned int size = dmvpn_addr_bits(&prefix->addr) / 8;

	return nla_put(skb, attr, size, &prefix->addr.s6_addr[16 - size]) ?:
	       nla_put_u8(skb, len_attr, prefix->len);
}

static int fill_shortcut(struct sk_buff *skb, struct dmvpn_dev *ddev,
			 const struct dmvpn_shortcut *s)
{
	return nla_put_u32(skb, DMVPN_SHORTCUT_A_IFINDEX,
			   ddev->dev->ifindex) ?:
	       put_prefix(skb, DMVPN_SHORTCUT_A_PREFIX,
			  DMVPN_SHORTCUT_A_PREFIXLEN, &s->prefix) ?:
	       nla_put_u32(skb, DMVPN_SHORTCUT_A_ID, s->id) ?:
	       put_addr(skb, DMVPN_SHORTCUT_A_NEXTHOP, &s->nexthop) ?:
	       put_addr(skb, DMVPN_SHORTCUT_A_VIA, &s->via) ?:
	       fill_life(skb, &s->life, DMVPN_SHORTCUT_A_EXPIRES);
}

static int fill_path(struct sk_buff *skb, struct dmvpn_dev *ddev,
		     const struct dmvpn_path *path)
{
	return nla_put_u32(skb, DMVPN_PATH_A_IFINDEX, ddev->dev->ifindex) ?:
	       put_addr(skb, DMVPN_PATH_A_DST, &path->dst) ?:
	       put_addr(skb, DMVPN_PATH_A_NEXTHOP, &path->nexthop) ?:
	       (path->how != DMVPN_PATH_NONE ?
		put_addr(skb, DMVPN_PATH_A_NBMA, &path->key.nbma) ?:
		nla_put_u32(skb, DMVPN_PATH_A_MARK, path->key.mark) : 0) ?:
	       nla_put_u8(skb, DMVPN_PATH_A_HOW, path->how) ?:
	       (path->matched ? put_prefix(skb, DMVPN_PATH_A_PREFIX,
					   DMVPN_PATH_A_PREFIXLEN,
					   &path->prefix) : 0) ?:
	       (path->drop ? nla_put_u32(skb, DMVPN_PATH_A_DROP,
					 path->drop) : 0);
}

static void sum_counters(const struct dmvpn_dev *ddev, u64 *drops, u64 *counts)
{
	const struct dmvpn_stats *s;
	unsigned int start, i;
	struct {
		u64 drops[__DMVPN_DROP_MAX];
		u64 counts[__DMVPN_COUNT_MAX];
	} one;
	int cpu;

	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(ddev->stats, cpu);
		do {
			start = u64_stats_fetch_begin(&s->syncp);
			for (i = 0; i < __DMVPN_DROP_MAX; i++)
				one.drops[i] = u64_stats_read(&s->drops[i]);
			for (i = 0; i < __DMVPN_COUNT_MAX; i++)
				one.counts[i] = u64_stats_read(&s->counts[i]);
		} while (u64_stats_fetch_retry(&s->syncp, start));
		for (i = 0; i < __DMVPN_DROP_MAX; i++)
			drops[i] += one.drops[i];
		for (i = 0; i < __DMVPN_COUNT_MAX; i++)
			counts[i] += one.counts[i];
	}
}

static int fill_dev(struct sk_buff *skb, struct dmvpn_dev *ddev)
{
	u64 drops[__DMVPN_DROP_MAX] = { }, counts[__DMVPN_COUNT_MAX] = { };
	const struct dmvpn_conf *conf = dmvpn_conf_locked(ddev);

	sum_counters(ddev, drops, counts);
	return nla_put_u32(skb, DMVPN_DEV_A_IFINDEX, ddev->dev->ifindex) ?:
	       nla_put_string(skb, DMVPN_DEV_A_IFNAME, ddev->dev->name) ?:
	       nla_put_u32(skb, DMVPN_DEV_A_FEATURES, DMVPN_FEATURES) ?:
	       put_addr(skb, DMVPN_DEV_A_LOCAL, &conf->local) ?:
	       nla_put_u32(skb, DMVPN_DEV_A_PEERS, ddev->n_peers) ?:
	       nla_put_u32(skb, DMVPN_DEV_A_NEIGHS, ddev->n_neighs) ?:
	       nla_put_u32(skb, DMVPN_DEV_A_SHORTCUTS, ddev->n_shortcuts) ?:
	       nla_put(skb, DMVPN_DEV_A_DROPS, sizeof(drops), drops) ?:
	       nla_put(skb, DMVPN_DEV_A_COUNTS, sizeof(counts), counts);
}

/* ---- do ---- */

typedef int (*fill_fn)(struct sk_buff *skb, struct dmvpn_dev *ddev, void *obj);

static int fill_message(struct sk_buff *skb, u32 portid, u32 seq, int flags,
			u8 cmd, fill_fn fill, struct dmvpn_dev *ddev,
			void *obj)
{
	void *hdr = genlmsg_put(skb, portid, seq, &dmvpn_family, flags, cmd);

	if (!hdr)
		return -EMSGSIZE;
	if (fill(skb, ddev, obj)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int fill_dev_obj(struct sk_buff *skb, struct dmvpn_dev *ddev, void *obj)
{
	return fill_dev(skb, ddev);
}

static int fill_peer_obj(struct sk_buff *skb, struct dmvpn_dev *ddev,
			 void *obj)
{
	return fill_peer(skb, ddev, obj);
}

static int fill_neigh_obj(struct sk_buff *skb, struct dmvpn_dev *ddev,
			  void *obj)
{
	return fill_neigh(skb, ddev, obj);
}

static int fill_shortcut_obj(struct sk_buff *skb, struct dmvpn_dev *ddev,
			     void *obj)
{
	return fill_shortcut(skb, ddev, obj);
}

static int fill_path_obj(struct sk_buff *skb, struct dmvpn_dev *ddev,
			 void *obj)
{
	return fill_path(skb, ddev, obj);
}

static int answer(struct genl_info *info, u8 cmd, fill_fn fill,
		  struct dmvpn_dev *ddev, void *obj)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	int err;

	if (!msg)
		return -ENOMEM;
	err = fill_message(msg, info->snd_portid, info->snd_seq, 0, cmd, fill,
			   ddev, obj);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return genlmsg_reply(msg, info);
}

/* Somebody else changed it: those who keep a picture of the tables see it. */
static void announce(struct dmvpn_dev *ddev, u8 cmd, fill_fn fill, void *obj,
		     u32 portid)
{
	struct net *net = dev_net(ddev->dev);
	struct sk_buff *msg;

	if (!genl_has_listeners(&dmvpn_family, net, GROUP_EVENTS))
		return;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg || fill_message(msg, 0, 0, 0, cmd, fill, ddev, obj)) {
		nlmsg_free(msg);
		/* Listeners must know that their picture is not complete. */
		genl_set_err(&dmvpn_family, net, portid, GROUP_EVENTS, -ENOBUFS);
		return;
	}
	genlmsg_multicast_netns(&dmvpn_family, net, msg, portid, GROUP_EVENTS,
				GFP_KERNEL);
}

void dmvpn_nl_neigh_event(struct dmvpn_dev *ddev, struct dmvpn_neigh *n,
			  u8 cmd)
{
	announce(ddev, cmd, fill_neigh_obj, n, 0);
}

void dmvpn_nl_shortcut_event(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s,
			     u8 cmd)
{
	announce(ddev, cmd, fill_shortcut_obj, s, 0);
}

static int dev_get(struct sk_buff *skb, struct genl_info *info)
{
	struct dmvpn_dev *ddev = lock_device(genl_info_net(info), info->attrs,
					     info->extack);
	int err;

	if (IS_ERR(ddev))
		return PTR_ERR(ddev);
	err = answer(info, DMVPN_CMD_DEV_GET, fill_dev_obj, ddev, NULL);
	unlock_device(ddev);
	return err;
}

/* What decides the order of the NHSs. */
static void apply_rank(struct dmvpn_peer *peer, struct nlattr **attrs)
{
	struct nla_bitfield32 flags;

	if (attrs[DMVPN_PEER_A_FLAGS]) {
		flags = nla_get_bitfield32(attrs[DMVPN_PEER_A_FLAGS]);
		WRITE_ONCE(peer->flags, (peer->flags & ~flags.selector) |
					(flags.value & flags.selector));
	}
	if (attrs[DMVPN_PEER_A_PRIORITY])
		peer->priority = nla_get_u32(attrs[DMVPN_PEER_A_PRIORITY]);
}

static void apply_rest(struct dmvpn_peer *peer, struct nlattr **attrs)
{
	if (attrs[DMVPN_PEER_A_MTU])
		WRITE_ONCE(peer->mtu, nla_get_u32(attrs[DMVPN_PEER_A_MTU]));
	if (attrs[DMVPN_PEER_A_CLASSID])
		WRITE_ONCE(peer->classid,
			   nla_get_u32(attrs[DMVPN_PEER_A_CLASSID]));
	if (attrs[DMVPN_PEER_A_COOKIE]) {
		peer->cookie_len = nla_len(attrs[DMVPN_PEER_A_COOKIE]);
		nla_memcpy(peer->cookie, attrs[DMVPN_PEER_A_COOKIE],
			   sizeof(peer->cookie));
	}
}

static int peer_set_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct netlink_ext_ack *extack = info->extack;
	struct dmvpn_peer_key key;
	struct dmvpn_peer *peer;
	u32 old_flags, old_priority;
	int err;

	err = get_peer_key(ddev, info->attrs, &key, extack);
	if (err)
		return err;
	peer = dmvpn_peer_find(ddev, &key);
	if (peer && info->genlhdr->cmd == DMVPN_CMD_PEER_NEW) {
		NL_SET_ERR_MSG(extack, "peer exists");
		return -EEXIST;
	}
	peer = dmvpn_peer_get(ddev, &key, extack);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	old_flags = peer->flags;
	old_priority = peer->priority;
	apply_rank(peer, info->attrs);
	peer->flags |= DMVPN_PEER_F_STATIC;
	if ((old_flags ^ peer->flags) & DMVPN_PEER_F_NHS ||
	    (peer->flags & DMVPN_PEER_F_NHS && old_priority != peer->priority)) {
		err = dmvpn_nhs_rebuild(ddev);
		if (err) {
			WRITE_ONCE(peer->flags, old_flags);
			peer->priority = old_priority;
			dmvpn_peer_put(ddev, peer);
			return err;
		}
	}
	dmvpn_peer_mark(ddev, peer);
	apply_rest(peer, info->attrs);
	announce(ddev, DMVPN_CMD_PEER_CHANGED_NTF, fill_peer_obj, peer,
		 info->snd_portid);
	return 0;
}

/* Those of one peer, or of all when it is NULL; @spare has their flags. */
static void del_neighs(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer,
		       u32 spare, u32 portid)
{
	struct dmvpn_neigh *n;
	unsigned long id;

	xa_for_each(&ddev->neigh_ids, id, n) {
		if (n->flags & spare ||
		    (peer && rcu_access_pointer(n->peer) != peer))
			continue;
		announce(ddev, DMVPN_CMD_NEIGH_DELETED_NTF, fill_neigh_obj, n, portid);
		dmvpn_neigh_del(ddev, n);
		cond_resched();
	}
}

static int peer_del_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_peer_key key;
	struct dmvpn_peer *peer;
	int err;

	err = get_peer_key(ddev, info->attrs, &key, info->extack);
	if (err)
		return err;
	peer = dmvpn_peer_find(ddev, &key);
	if (!peer) {
		NL_SET_ERR_MSG(info->extack, "no such peer");
		return -ENOENT;
	}
	if (peer == rcu_access_pointer(ddev->remote)) {
		NL_SET_ERR_MSG(info->extack,
			       "the peer is the device's remote; change that first");
		return -EBUSY;
	}
	peer->flags |= DMVPN_PEER_F_STATIC; /* stays while they go */
	del_neighs(ddev, peer, 0, info->snd_portid);
	announce(ddev, DMVPN_CMD_PEER_DELETED_NTF, fill_peer_obj, peer,
		 info->snd_portid);
	dmvpn_peer_unlink(ddev, peer);
	return 0;
}

static int peer_get_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_peer_key key;
	struct dmvpn_peer *peer;
	int err;

	err = get_peer_key(ddev, info->attrs, &key, info->extack);
	if (err)
		return err;
	peer = dmvpn_peer_find(ddev, &key);
	if (!peer) {
		NL_SET_ERR_MSG(info->extack, "no such peer");
		return -ENOENT;
	}
	return answer(info, DMVPN_CMD_PEER_GET, fill_peer_obj, ddev, peer);
}

static int read_neigh(struct dmvpn_dev *ddev, struct nlattr **attrs,
		      struct dmvpn_neigh_set *set,
		      struct netlink_ext_ack *extack)
{
	struct nla_bitfield32 flags;
	int err;

	err = get_unicast(attrs[DMVPN_NEIGH_A_ADDR], &set->addr, extack);
	if (err)
		return err;
	if (attrs[DMVPN_NEIGH_A_NBMA]) {
		err = get_nbma(ddev, attrs[DMVPN_NEIGH_A_NBMA],
			       &set->peer.nbma, extack) ?:
		      get_mark(ddev, attrs[DMVPN_NEIGH_A_MARK],
			       &set->peer.mark, extack);
		if (err)
			return err;
		set->has_peer = true;
	}
	if (attrs[DMVPN_NEIGH_A_FLAGS]) {
		flags = nla_get_bitfield32(attrs[DMVPN_NEIGH_A_FLAGS]);
		set->flags = flags.value;
		set->flags_mask = flags.selector;
	}
	read_life(attrs, DMVPN_NEIGH_A_EXPIRES, &set->life);
	return 0;
}

static int neigh_set_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_neigh_set set = { };
	struct dmvpn_neigh *n;
	int err;

	err = read_neigh(ddev, info->attrs, &set, info->extack) ?:
	      dmvpn_neigh_set(ddev, &set,
			      info->genlhdr->cmd == DMVPN_CMD_NEIGH_NEW, &n,
			      info->extack);
	if (err)
		return err;
	announce(ddev, DMVPN_CMD_NEIGH_CHANGED_NTF, fill_neigh_obj, n,
		 info->snd_portid);
	return 0;
}

/* The neighbour asked for, or ERR_PTR with a message. */
static struct dmvpn_neigh *get_neigh(struct dmvpn_dev *ddev,
				     struct genl_info *info)
{
	struct dmvpn_neigh_set set = { };
	const struct dmvpn_peer *peer;
	struct dmvpn_neigh *n;
	int err;

	err = read_neigh(ddev, info->attrs, &set, info->extack);
	if (err)
		return ERR_PTR(err);
	n = dmvpn_neigh_find(ddev, &set.addr);
	if (n && set.has_peer) {
		peer = rcu_dereference_protected(n->peer,
						 lockdep_is_held(&ddev->lock));
		if (!peer || memcmp(&peer->key, &set.peer, sizeof(set.peer)))
			n = NULL;
	}
	if (!n) {
		NL_SET_ERR_MSG(info->extack, "no such neighbour");
		return ERR_PTR(-ENOENT);
	}
	return n;
}

static int neigh_del_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_neigh *n = get_neigh(ddev, info);

	if (IS_ERR(n))
		return PTR_ERR(n);
	announce(ddev, DMVPN_CMD_NEIGH_DELETED_NTF, fill_neigh_obj, n,
		 info->snd_portid);
	dmvpn_neigh_del(ddev, n);
	return 0;
}

static int neigh_get_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_neigh *n = get_neigh(ddev, info);

	if (IS_ERR(n))
		return PTR_ERR(n);
	return answer(info, DMVPN_CMD_NEIGH_GET, fill_neigh_obj, ddev, n);
}

static int neigh_flush_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_peer_key key = { };
	struct dmvpn_peer *peer = NULL;
	int err;

	/* Who names an address did not mean all of them. */
	if (info->attrs[DMVPN_NEIGH_A_ADDR] ||
	    (info->attrs[DMVPN_NEIGH_A_MARK] &&
	     !info->attrs[DMVPN_NEIGH_A_NBMA])) {
		NL_SET_ERR_MSG(info->extack,
			       "a flush is of the device or of one NBMA address");
		return -EINVAL;
	}
	if (info->attrs[DMVPN_NEIGH_A_NBMA]) {
		err = get_nbma(ddev, info->attrs[DMVPN_NEIGH_A_NBMA],
			       &key.nbma, info->extack) ?:
		      get_mark(ddev, info->attrs[DMVPN_NEIGH_A_MARK],
			       &key.mark, info->extack);
		if (err)
			return err;
		peer = dmvpn_peer_find(ddev, &key);
		if (!peer) {
			NL_SET_ERR_MSG(info->extack, "no such peer");
			return -ENOENT;
		}
	}
	del_neighs(ddev, peer, DMVPN_NEIGH_F_STATIC, info->snd_portid);
	return 0;
}

static int get_prefix(struct nlattr **attrs, struct dmvpn_prefix *prefix,
		      struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = attrs[DMVPN_SHORTCUT_A_PREFIX];
	const struct nlattr *len = attrs[DMVPN_SHORTCUT_A_PREFIXLEN];
	struct in6_addr addr;
	int err;

	err = get_address(attr, &addr, extack);
	if (err)
		return err;
	if (ipv6_addr_is_multicast(&addr) ||
	    (dmvpn_addr_is4(&addr) && ipv4_is_multicast(dmvpn_addr_get4(&addr)))) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "multicast has no shortcuts");
		return -EINVAL;
	}
	if (!len) {
		NL_SET_ERR_MSG(extack, "prefix length missing");
		return -EINVAL;
	}
	if (nla_get_u8(len) > dmvpn_addr_bits(&addr)) {
		NL_SET_ERR_MSG_ATTR(extack, len,
				    "longer than the prefix's address");
		return -EINVAL;
	}
	dmvpn_prefix_make(prefix, &addr, nla_get_u8(len));
	if (!ipv6_addr_equal(&prefix->addr, &addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "host bits are set");
		return -EINVAL;
	}
	return 0;
}

/* The neighbour that a prefix is behind, :: when it is not given. */
static int get_behind(const struct nlattr *attr,
		      const struct dmvpn_prefix *prefix, struct in6_addr *addr,
		      struct netlink_ext_ack *extack)
{
	int err = attr ? get_unicast(attr, addr, extack) : 0;

	if (err || !attr || dmvpn_addr_same_family(addr, &prefix->addr))
		return err;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "a next hop of another family than the prefix");
	return -EINVAL;
}

static int read_shortcut(struct nlattr **attrs, struct dmvpn_shortcut_set *set,
			 struct netlink_ext_ack *extack)
{
	int err;

	err = get_prefix(attrs, &set->prefix, extack) ?:
	      get_behind(attrs[DMVPN_SHORTCUT_A_NEXTHOP], &set->prefix,
			 &set->nexthop, extack) ?:
	      get_routed(attrs[DMVPN_SHORTCUT_A_VIA], &set->prefix.addr,
			 &set->via, extack);
	if (err)
		return err;
	read_life(attrs, DMVPN_SHORTCUT_A_EXPIRES, &set->life);
	return 0;
}

static int shortcut_set_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_shortcut_set set = { };
	struct dmvpn_shortcut *s;
	int err;

	err = read_shortcut(info->attrs, &set, info->extack) ?:
	      dmvpn_shortcut_set(ddev, &set, &s, info->extack);
	if (err)
		return err;
	announce(ddev, DMVPN_CMD_SHORTCUT_CHANGED_NTF, fill_shortcut_obj, s,
		 info->snd_portid);
	return 0;
}

/* The shortcut asked for, or ERR_PTR with a message. */
static struct dmvpn_shortcut *get_shortcut(struct dmvpn_dev *ddev,
					   struct genl_info *info)
{
	struct dmvpn_shortcut_set set = { };
	struct dmvpn_shortcut *s;
	int err;

	err = read_shortcut(info->attrs, &set, info->extack);
	if (err)
		return ERR_PTR(err);
	s = dmvpn_shortcut_find(ddev, &set.prefix);
	if (!s) {
		NL_SET_ERR_MSG(info->extack, "no such shortcut");
		return ERR_PTR(-ENOENT);
	}
	return s;
}

static void shortcut_del_one(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s,
			     u32 portid)
{
	announce(ddev, DMVPN_CMD_SHORTCUT_DELETED_NTF, fill_shortcut_obj, s,
		 portid);
	dmvpn_shortcut_del(ddev, s);
}

static int shortcut_del_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_shortcut *s = get_shortcut(ddev, info);

	if (IS_ERR(s))
		return PTR_ERR(s);
	shortcut_del_one(ddev, s, info->snd_portid);
	return 0;
}

static int shortcut_get_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_shortcut *s = get_shortcut(ddev, info);

	if (IS_ERR(s))
		return PTR_ERR(s);
	return answer(info, DMVPN_CMD_SHORTCUT_GET, fill_shortcut_obj, ddev, s);
}

static int shortcut_flush_locked(struct dmvpn_dev *ddev,
				 struct genl_info *info)
{
	struct dmvpn_shortcut *s;
	unsigned long id;
	int i;

	/* Who says more than the device did not mean all of them. */
	for (i = DMVPN_SHORTCUT_A_IFINDEX + 1; i <= DMVPN_SHORTCUT_A_MAX; i++) {
		if (!info->attrs[i])
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[i],
				    "a flush is of all shortcuts of the device");
		return -EINVAL;
	}
	xa_for_each(&ddev->shortcut_ids, id, s) {
		shortcut_del_one(ddev, s, info->snd_portid);
		cond_resched();
	}
	return 0;
}

static int path_get_locked(struct dmvpn_dev *ddev, struct genl_info *info)
{
	struct dmvpn_path path = { };
	int err;

	err = get_unicast(info->attrs[DMVPN_PATH_A_DST], &path.dst,
			  info->extack) ?:
	      get_routed(info->attrs[DMVPN_PATH_A_NEXTHOP], &path.dst,
			 &path.nexthop, info->extack);
	if (err)
		return err;
	dmvpn_path_get(ddev, &path);
	return answer(info, DMVPN_CMD_PATH_GET, fill_path_obj, ddev, &path);
}

static int with_device(struct genl_info *info,
		       int (*fn)(struct dmvpn_dev *ddev,
				 struct genl_info *info))
{
	struct dmvpn_dev *ddev = lock_device(genl_info_net(info), info->attrs,
					     info->extack);
	int err;

	if (IS_ERR(ddev))
		return PTR_ERR(ddev);
	err = fn(ddev, info);
	unlock_device(ddev);
	return err;
}

static int peer_set(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, peer_set_locked);
}

static int peer_del(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, peer_del_locked);
}

static int peer_get(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, peer_get_locked);
}

static int neigh_set(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, neigh_set_locked);
}

static int neigh_del(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, neigh_del_locked);
}

static int neigh_get(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, neigh_get_locked);
}

static int neigh_flush(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, neigh_flush_locked);
}

static int shortcut_set(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, shortcut_set_locked);
}

static int shortcut_del(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, shortcut_del_locked);
}

static int shortcut_get(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, shortcut_get_locked);
}

static int shortcut_flush(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, shortcut_flush_locked);
}

static int path_query(struct sk_buff *skb, struct genl_info *info)
{
	return with_device(info, path_get_locked);
}

/* ---- dump ---- */

/*
 * Position of a dump: a device and the last id sent. Ids only grow, so what
 * exists throughout is met exactly once whatever comes and goes meanwhile.
 */
struct dump_ctx {
	int ifindex;
	unsigned long id;
};

static struct dump_ctx *dump_ctx(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct dump_ctx) > sizeof(cb->ctx));
	return (struct dump_ctx *)cb->ctx;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		    fill_fn fill, struct dmvpn_dev *ddev, void *obj)
{
	return fill_message(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			    NLM_F_MULTI, cmd, fill, ddev, obj);
}

static int dump_table(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		      fill_fn fill, struct dmvpn_dev *ddev,
		      struct xarray *table)
{
	struct dump_ctx *ctx = dump_ctx(cb);
	unsigned long id;
	void *obj;
	int err;

	xa_for_each_start(table, id, obj, ctx->id + 1) {
		err = dump_one(skb, cb, cmd, fill, ddev, obj);
		if (err)
			return err;
		ctx->id = id;
	}
	return 0;
}

static int dump_device(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		       struct dmvpn_dev *ddev)
{
	switch (cmd) {
	case DMVPN_CMD_PEER_GET:
		return dump_table(skb, cb, cmd, fill_peer_obj, ddev,
				  &ddev->peer_ids);
	case DMVPN_CMD_NEIGH_GET:
		return dump_table(skb, cb, cmd, fill_neigh_obj, ddev,
				  &ddev->neigh_ids);
	case DMVPN_CMD_SHORTCUT_GET:
		return dump_table(skb, cb, cmd, fill_shortcut_obj, ddev,
				  &ddev->shortcut_ids);
	default:
		return dump_one(skb, cb, cmd, fill_dev_obj, ddev, NULL);
	}
}

/* The first dmvpn device of the namespace whose ifindex is >= @ifindex. */
static int next_ifindex(struct net *net, int ifindex)
{
	struct net_device *dev;
	int best = 0;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		if (dmvpn_is_dmvpn(dev) && dev->ifindex >= ifindex &&
		    (!best || dev->ifindex < best))
			best = dev->ifindex;
	rcu_read_unlock();
	return best;
}

static struct dmvpn_dev *dump_lock(struct net *net, int ifindex)
{
	struct net_device *dev = dev_get_by_index(net, ifindex);
	struct dmvpn_dev *ddev;

	if (!dev)
		return NULL;
	if (!dmvpn_is_dmvpn(dev)) {
		dev_put(dev);
		return NULL;
	}
	ddev = netdev_priv(dev);
	mutex_lock(&ddev->lock);
	if (!ddev->dying)
		return ddev;
	unlock_device(ddev);
	return NULL;
}

static int dump(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	struct nlattr **attrs = dmvpn_dump_attrs(cb);
	struct net *net = sock_net(skb->sk);
	struct dump_ctx *ctx = dump_ctx(cb);
	int only = attrs && attrs[1] ? nla_get_u32(attrs[1]) : 0;
	struct dmvpn_dev *ddev;
	int err = 0;

	if (only && !ctx->ifindex) {
		ddev = lock_device(net, attrs, cb->extack);
		if (IS_ERR(ddev))
			return PTR_ERR(ddev);
		unlock_device(ddev);
	}
	for (;;) {
		int ifindex = only ?: next_ifindex(net, max(ctx->ifindex, 1));

		if (!ifindex || (only && ctx->ifindex > only))
			break;
		if (ifindex != ctx->ifindex)
			ctx->id = 0;
		ctx->ifindex = ifindex;
		ddev = dump_lock(net, ifindex);
		if (ddev) {
			err = dump_device(skb, cb, cmd, ddev);
			unlock_device(ddev);
			if (err)
				break;
		}
		ctx->ifindex = ifindex + 1;
		ctx->id = 0;
	}
	return err && !skb->len ? err : skb->len;
}

static int dev_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, DMVPN_CMD_DEV_GET);
}

static int peer_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, DMVPN_CMD_PEER_GET);
}

static int neigh_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, DMVPN_CMD_NEIGH_GET);
}

static int shortcut_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, DMVPN_CMD_SHORTCUT_GET);
}

/* ---- upcalls ---- */

static int put_peer(struct sk_buff *skb, int nbma, int mark,
		    const struct dmvpn_peer *peer)
{
	if (!peer)
		return 0;
	return put_addr(skb, nbma, &peer->key.nbma) ?:
	       nla_put_u32(skb, mark, peer->key.mark);
}

static int put_head(struct sk_buff *msg, const struct sk_buff *skb)
{
	unsigned int at, len;
	struct nlattr *attr;

	if (!skb)
		return 0;
	at = skb_network_offset(skb);
	len = min_t(unsigned int, skb->len - at, DMVPN_HEAD_MAX);
	attr = nla_reserve(msg, DMVPN_EVENT_A_HEAD, len);
	return attr ? skb_copy_bits(skb, at, nla_data(attr), len) : -EMSGSIZE;
}

int dmvpn_nl_upcall(struct dmvpn_dev *ddev, const struct dmvpn_event *event)
{
	struct net *net = dev_net(ddev->dev);
	struct sk_buff *msg;
	void *hdr;

	if (!genl_has_listeners(&dmvpn_family, net, GROUP_UPCALLS))
		return -ESRCH;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put(msg, 0, 0, &dmvpn_family, 0, event->cmd);
	if (!hdr ||
	    nla_put_u32(msg, DMVPN_EVENT_A_IFINDEX, ddev->dev->ifindex) ||
	    put_addr(msg, DMVPN_EVENT_A_NEXTHOP, &event->nexthop) ||
	    put_addr(msg, DMVPN_EVENT_A_SRC, &event->src) ||
	    put_addr(msg, DMVPN_EVENT_A_DST, &event->dst) ||
	    put_peer(msg, DMVPN_EVENT_A_NBMA, DMVPN_EVENT_A_MARK,
		     event->peer) ||
	    put_peer(msg, DMVPN_EVENT_A_INGRESS_NBMA,
		     DMVPN_EVENT_A_INGRESS_MARK, event->ingress) ||
	    put_head(msg, event->head)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_multicast_netns(&dmvpn_family, net, msg, 0,
				       GROUP_UPCALLS, GFP_ATOMIC);
}

/* ---- the family ---- */

#define OP(_cmd, _doit, _dumpit, _set)					\
	{								\
		.cmd = (_cmd),						\
		.doit = (_doit),					\
		.dumpit = (_dumpit),					\
		.policy = _set ## _policy,				\
		.maxattr = ARRAY_SIZE(_set ## _policy) - 1,		\
		.flags = GENL_UNS_ADMIN_PERM,				\
	}

static const struct genl_ops dmvpn_ops[] = {
	OP(DMVPN_CMD_DEV_GET, dev_get, dev_dump, dev),
	OP(DMVPN_CMD_PEER_NEW, peer_set, NULL, peer),
	OP(DMVPN_CMD_PEER_SET, peer_set, NULL, peer),
	OP(DMVPN_CMD_PEER_DEL, peer_del, NULL, peer),
	OP(DMVPN_CMD_PEER_GET, peer_get, peer_dump, peer),
	OP(DMVPN_CMD_NEIGH_NEW, neigh_set, NULL, neigh),
	OP(DMVPN_CMD_NEIGH_SET, neigh_set, NULL, neigh),
	OP(DMVPN_CMD_NEIGH_DEL, neigh_del, NULL, neigh),
	OP(DMVPN_CMD_NEIGH_GET, neigh_get, neigh_dump, neigh),
	OP(DMVPN_CMD_NEIGH_FLUSH, neigh_flush, NULL, neigh),
	OP(DMVPN_CMD_SHORTCUT_SET, shortcut_set, NULL, shortcut),
	OP(DMVPN_CMD_SHORTCUT_DEL, shortcut_del, NULL, shortcut),
	OP(DMVPN_CMD_SHORTCUT_GET, shortcut_get, shortcut_dump, shortcut),
	OP(DMVPN_CMD_SHORTCUT_FLUSH, shortcut_flush, NULL, shortcut),
	OP(DMVPN_CMD_PATH_GET, path_query, NULL, path),
};

static struct genl_family dmvpn_family __ro_after_init = {
	.name		= DMVPN_GENL_NAME,
	.version	= DMVPN_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= dmvpn_ops,
	.n_ops		= ARRAY_SIZE(dmvpn_ops),
	.resv_start_op	= DMVPN_CMD_UNSPEC + 1,
	.mcgrps		= dmvpn_groups,
	.n_mcgrps	= ARRAY_SIZE(dmvpn_groups),
};

int __init dmvpn_nl_init(void)
{
	return genl_register_family(&dmvpn_family);
}

void dmvpn_nl_exit(void)
{
	genl_unregister_family(&dmvpn_family);
}
