/* SPDX-License-Identifier: GPL-2.0 */
/* route: the way of the outer packet, one cached underlay route per peer. */
#ifndef _DMVPN_ROUTE_H
#define _DMVPN_ROUTE_H

#include "dmvpn.h"

/*
 * Under RCU, which also keeps the route returned: no reference is taken.
 * *@saddr is the outer source address. ERR_PTR: -ENOKEY: IPsec is required and
 * there is no SA; -ELOOP: the route leads into the device; -EADDRNOTAVAIL: no
 * local address; else: no route.
 */
struct dst_entry *dmvpn_route_get(struct dmvpn_dev *ddev,
				  const struct dmvpn_conf *conf,
				  struct dmvpn_peer *peer, __be32 *saddr);

/* The same for an address that is no peer; the caller owns a reference. */
struct dst_entry *dmvpn_route_lookup(struct dmvpn_dev *ddev,
				     const struct dmvpn_conf *conf,
				     __be32 daddr, u32 mark, __be32 *saddr);

/* False when the route has to be looked up anew. */
static inline bool dmvpn_route_valid(struct dst_entry *dst)
{
	return !dst->obsolete || dst->ops->check(dst, 0);
}

/* The drop reason for an error of the above. */
enum dmvpn_drop dmvpn_route_drop(int err);

/* True when a packet over @dst is protected by ESP. */
bool dmvpn_dst_esp(const struct dst_entry *dst);

/*
 * Is the SA of @old, which was used until now, to be used before that of @dst?
 * Under RCU; notes in @peer since when there is that one. For route.c alone,
 * and its test.
 */
bool dmvpn_route_outlives(struct dmvpn_peer *peer, const struct dst_entry *old,
			  const struct dst_entry *dst);

/*
 * Forgets the routes of all peers. Under the lock, after a grace period since
 * the configuration they depend on was replaced: a packet that still saw the
 * old one may store a route until then.
 */
void dmvpn_routes_flush(struct dmvpn_dev *ddev);

/* Inner packet size that fits @dst, and that @peer wants. */
static inline u32 dmvpn_peer_mtu(const struct dmvpn_peer *peer,
				 const struct dst_entry *dst, u8 gre_hlen)
{
	u32 outer = sizeof(struct iphdr) + gre_hlen;
	u32 mtu = max_t(u32, dst_mtu(dst), IPV4_MIN_MTU + outer) - outer;
	u32 wanted = READ_ONCE(peer->mtu);

	return wanted ? min(mtu, wanted) : mtu;
}

#endif
