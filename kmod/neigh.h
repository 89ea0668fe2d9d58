/* SPDX-License-Identifier: GPL-2.0 */
/* neigh: protocol (tunnel) addresses and the peers they are at. */
#ifndef _DMVPN_NEIGH_H
#define _DMVPN_NEIGH_H

#include "dmvpn.h"

int dmvpn_neighs_init(struct dmvpn_dev *ddev);
/* All neighbours must be gone. */
void dmvpn_neighs_destroy(struct dmvpn_dev *ddev);

/* Under RCU, and under the lock; both find expired entries as well. */
struct dmvpn_neigh *dmvpn_neigh_lookup(struct dmvpn_dev *ddev, __be32 addr);
struct dmvpn_neigh *dmvpn_neigh_find(struct dmvpn_dev *ddev, __be32 addr);

/* What DMVPN_CMD_NEIGH_NEW and _SET say; a member without its has_ keeps its value. */
struct dmvpn_neigh_set {
	__be32 addr;
	bool has_peer, has_expires, has_refresh, has_cookie;
	__be32 nbma;
	u32 mark;
	u32 flags, flags_mask;
	u32 expires_ms, refresh_ms;
	const void *cookie;
	u8 cookie_len;
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

/* The work that removes what expired and tells what is in use. */
void dmvpn_neigh_sweep(struct work_struct *work);

static inline bool dmvpn_neigh_expired(const struct dmvpn_neigh *n)
{
	return smp_load_acquire(&n->has_expiry) && /* see apply() */
	       time_after_eq(jiffies, READ_ONCE(n->expires));
}

/* At most one store a second and entry: no line bounces between CPUs. */
static inline void dmvpn_neigh_use(struct dmvpn_neigh *n)
{
	if (unlikely(!READ_ONCE(n->ever_used) ||
		     jiffies - READ_ONCE(n->used) >= HZ)) {
		WRITE_ONCE(n->used, jiffies);
		WRITE_ONCE(n->ever_used, true);
	}
}

#endif
