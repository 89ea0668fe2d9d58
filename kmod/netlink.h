/* SPDX-License-Identifier: GPL-2.0 */
/* netlink: the generic netlink family "dmvpn". */
#ifndef _DMVPN_NETLINK_H
#define _DMVPN_NETLINK_H

#include "dmvpn.h"

int dmvpn_nl_init(void);
void dmvpn_nl_exit(void);

/* Events with the object as in a GET, to DMVPN_MCGRP_EVENTS; the lock. */
void dmvpn_nl_neigh_event(struct dmvpn_dev *ddev, struct dmvpn_neigh *n,
			  u8 cmd);

void dmvpn_nl_shortcut_event(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s,
			     u8 cmd);

/* What a packet has to say; addresses that are :: are left out. */
struct dmvpn_event {
	u8 cmd;
	struct in6_addr nexthop, src, dst;
	const struct dmvpn_peer *peer;
	const struct dmvpn_peer *ingress;
	const struct sk_buff *head;	/* its first bytes from the IP header on */
};

/* To DMVPN_MCGRP_UPCALLS; under RCU, any context. -ESRCH, -ENOMEM: lost. */
int dmvpn_nl_upcall(struct dmvpn_dev *ddev, const struct dmvpn_event *event);

#endif
