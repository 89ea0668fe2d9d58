/* SPDX-License-Identifier: GPL-2.0 */
/* protect: `ipsec required` beyond the choice of a route, see protect.c. */
#ifndef _DMVPN_PROTECT_H
#define _DMVPN_PROTECT_H

#include "dmvpn.h"

/*
 * ip_local_out() or ip6_local_out() for an outer packet that must be protected:
 * skb->dev is the tunnel, the route one with ESP. Takes the packet; under RCU,
 * softirqs off. -ENOKEY: it would have left without ESP; else as those.
 */
int dmvpn_protected_out(struct net *net, struct sk_buff *skb);

/*
 * True when a received packet came by ESP from whom its outer header names;
 * the network header is that header.
 */
bool dmvpn_protected(const struct sk_buff *skb);

/*
 * For GRE over IPv4 that no device claims, before others get it: they shall not tell in
 * clear what came encrypted. @skb->data is the GRE header.
 */
void dmvpn_protect_answer(struct sk_buff *skb);

#endif
