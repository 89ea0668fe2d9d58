/* SPDX-License-Identifier: GPL-2.0 */
/* neigh: protocol (tunnel) addresses and the peers they are at. */
#ifndef _DMVPN_NEIGH_H
#define _DMVPN_NEIGH_H

#include "dmvpn.h"
#include "life.h"

int dmvpn_neighs_init(struct dmvpn_dev *ddev);
/* All neighbours must be gone. */
void dmvpn_neighs_destroy(struct dmvpn_dev *ddev);

/* Under RCU, and under the lock; both find expired entries as well. */
struct dmvpn_neigh *dmvpn_neigh_lookup(struct dmvpn_dev *ddev,
				       const struct in6_addr *addr);
struct dmvpn_neigh *dmvpn_neigh_find(struct dmvpn_dev *ddev,
				     const struct in6_addr *addr);

/* What DMVPN_CMD_NEIGH_NEW and _SET say; a member without its has_ keeps its value. */
struct dmvpn_neigh_set {
	struct in6_addr addr;
	bool has_peer;
	struct dmvpn_peer_key peer;
	u32 flags, flags_mask;
	struct dmvpn_life_set life;
};

/*
 * Under the lock. @excl: there must be none yet. 0, -EEXIST, -EINVAL (new and
 * no peer), -ENOSPC (limit), -ENOMEM, with a message; on an error nothing has
 * changed. *@out is the neighbour.
 */
int dmvpn_neigh_set(struct dmvpn_dev *ddev, const struct dmvpn_neigh_set *set,
		    bool excl, struct dmvpn_neigh **out,
		    struct netlink_ext_ack *extack);

/* Under the lock; a peer that nobody wants any more goes too. */
void dmvpn_neigh_del(struct dmvpn_dev *ddev, struct dmvpn_neigh *n);

/* Under the lock. */
void dmvpn_neigh_del_all(struct dmvpn_dev *ddev);

/* Under the lock: removes what expired, tells what is in use; true: more to do. */
bool dmvpn_neighs_sweep(struct dmvpn_dev *ddev);

#endif
