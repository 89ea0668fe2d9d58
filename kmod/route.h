/* SPDX-License-Identifier: GPL-2.0 */
/* route: the way of the outer packet, one cached underlay route per peer. */
#ifndef _DMVPN_ROUTE_H
#define _DMVPN_ROUTE_H

#include "dmvpn.h"

/*
 * Under RCU, which also keeps the route returned: no reference is taken.
 * *@saddr is the outer source address (v4-mapped). ERR_PTR: -ENOKEY: IPsec is required and
 * there is no SA; -ELOOP: the route leads into the device; -EADDRNOTAVAIL: no
 * local address; else: no route.
 */
struct dst_entry *dmvpn_route_get(struct dmvpn_dev *ddev,
				  const struct dmvpn_conf *conf,
				  struct dmvpn_peer *peer,
				  struct in6_addr *saddr);

/* The same for an address that is no peer; the caller owns a reference. */
struct dst_entry *dmvpn_route_lookup(struct dmvpn_dev *ddev,
				     const struct dmvpn_conf *conf,
				     const struct in6_addr *daddr, u32 mark,
				     struct in6_addr *saddr);

static inline bool dmvpn_route_valid(struct dst_entry *dst, u32 cookie)
{
	return !dst->obsolete || dst->ops->check(dst, cookie);
}

struct dst_entry *dmvpn_route_held6(struct dmvpn_peer *peer,
				    struct in6_addr *saddr);

/* The route that @peer holds, or NULL: it has to be looked up anew. Likewise. */
static inline struct dst_entry *dmvpn_route_held(const struct dmvpn_conf *conf,
						 struct dmvpn_peer *peer,
						 struct in6_addr *saddr)
{
	struct dst_entry *dst;

	if (unlikely(conf->ipv6))
		return dmvpn_route_held6(peer, saddr);
	dst = rcu_dereference(peer->dst);
	if (unlikely(!dst || !dmvpn_route_valid(dst, 0)))
		return NULL;
	dmvpn_addr_set4(saddr, READ_ONCE(peer->saddr));
	return dst;
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
static inline u32 dmvpn_peer_mtu(const struct dmvpn_conf *conf,
				 const struct dmvpn_peer *peer,
				 const struct dst_entry *dst)
{
	u32 outer = conf->outer_hlen;
	u32 mtu = max_t(u32, dst_mtu(dst), IPV4_MIN_MTU + outer) - outer;
	u32 wanted = READ_ONCE(peer->mtu);

	return wanted ? min(mtu, wanted) : mtu;
}

#endif
