/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ingress: which peer did a transit packet come from?
 *
 * Nothing in an skb survives from a receiving netdevice to a sending one and
 * is ours to use. So the receiver writes the peer's id into a small table
 * under the packet's address pair, and the sender reads it there.
 *
 * A slot is one u64, tag and id, written whole: a reader sees a true pair or
 * another tag. Pairs that share a slot evict one another, then the ingress
 * peer is unknown (0); so it is behind NAT. In the steady state the slot
 * already holds the value and is only read.
 */
#ifndef _DMVPN_INGRESS_H
#define _DMVPN_INGRESS_H

#include "dmvpn.h"

/* An address as the functions below take it. */
static inline u32 dmvpn_ingress_word4(__be32 addr)
{
	return (__force u32)addr;
}

static inline u32 dmvpn_ingress_word(const struct dmvpn_dev *ddev,
				     const struct in6_addr *addr)
{
	return dmvpn_addr_word(addr, ddev->seed);
}

static inline u64 *dmvpn_ingress_slot(const struct dmvpn_dev *ddev,
				      u32 s, u32 d, u32 *tag)
{
	*tag = jhash_2words(d, s, ~ddev->seed);
	return &ddev->ingress[jhash_2words(s, d, ddev->seed) %
			      DMVPN_INGRESS_SLOTS];
}

/*
 * tx: the device of @ddev's cloud that @iif (skb_iif) is, NULL: none. A VRF
 * hides it: packets came in by the VRF's own device.
 */
static inline struct dmvpn_dev *dmvpn_ingress_dev(struct dmvpn_dev *ddev,
						  const struct dmvpn_conf *conf,
						  int iif)
{
	struct net_device *in;
	struct dmvpn_dev *other;

	if (!iif)
		return NULL;
	if (likely(iif == ddev->dev->ifindex))
		return ddev;
	if (!conf->network_id)
		return NULL;
	in = dev_get_by_index_rcu(dev_net(ddev->dev), iif);
	if (!in || !dmvpn_is_dmvpn(in))
		return NULL;
	other = netdev_priv(in);
	return rcu_dereference(other->conf)->network_id == conf->network_id ?
	       other : NULL;
}

/* rx, in softirq; @id 0: a sender that is no peer. */
static inline void dmvpn_ingress_note(struct dmvpn_dev *ddev, u32 saddr,
				      u32 daddr, u32 id)
{
	u32 tag;
	u64 *slot = dmvpn_ingress_slot(ddev, saddr, daddr, &tag);
	u64 val = (u64)tag << 32 | id;

	if (READ_ONCE(*slot) != val)
		WRITE_ONCE(*slot, val);
}

/* tx: the peer's id, 0: not known. */
static inline u32 dmvpn_ingress_peer(const struct dmvpn_dev *ddev,
				     u32 saddr, u32 daddr)
{
	u32 tag;
	u64 *slot = dmvpn_ingress_slot(ddev, saddr, daddr, &tag);
	u64 val = READ_ONCE(*slot);

	return val >> 32 == tag ? (u32)val : 0;
}

static inline u32 dmvpn_ingress_of(const struct dmvpn_dev *ddev,
				   const struct dmvpn_flow *flow)
{
	return dmvpn_ingress_peer(ddev, dmvpn_ingress_word(ddev, &flow->saddr),
				  dmvpn_ingress_word(ddev, &flow->daddr));
}

#endif
