/* SPDX-License-Identifier: GPL-2.0 */
/* upcall: packets tell user space something, within limits. */
#ifndef _DMVPN_UPCALL_H
#define _DMVPN_UPCALL_H

#include "dmvpn.h"

int dmvpn_upcall_init(struct dmvpn_dev *ddev);
void dmvpn_upcall_destroy(struct dmvpn_dev *ddev);

/* All under RCU, in any context. */

/*
 * A packet of @flow had no usable next hop: @nexthop is the routed one or a
 * shortcut's. @ingress: the peer's id or 0.
 */
void dmvpn_upcall_resolve(struct dmvpn_dev *ddev,
			  const struct in6_addr *nexthop,
			  const struct dmvpn_flow *flow, u32 ingress);
/* IPsec is required and @peer has no SA. */
void dmvpn_upcall_sa_missing(struct dmvpn_dev *ddev,
			     const struct dmvpn_peer *peer);
/* @peer is sent to and not heard. False: held back by the limits. */
bool dmvpn_upcall_oneway(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer);

/* True when an upcall about @key may be sent at @now, get_jiffies_64(). */
bool dmvpn_upcall_allowed(struct dmvpn_upcall_limit *limit, u32 key, u64 now);

#endif
