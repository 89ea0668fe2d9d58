/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shortcut: prefixes and the neighbours behind which they are.
 *
 * A longest-prefix-match table: one hash table of all prefixes, and for each
 * family a bitmap of the lengths in use, so that a look-up costs one hash
 * look-up for each length there is of its family (usually one or two) and
 * nothing while there is none.
 *
 * RCU. Packets look up under rcu_read_lock(). An entry does not change once it
 * is in the table but for its struct dmvpn_life: dmvpn_shortcut_set() puts a
 * new one in the old one's place in one step, so a packet sees next hop and
 * via of the same request. What is there throughout a look-up is found by it,
 * also while the table grows or shrinks. A look-up goes from long to short and
 * is no snapshot: who sets a shorter prefix before deleting the longer one
 * leaves no gap, the other way round a packet may take the routed next hop.
 */
#ifndef _DMVPN_SHORTCUT_H
#define _DMVPN_SHORTCUT_H

#include "dmvpn.h"
#include "life.h"

int dmvpn_shortcuts_init(struct dmvpn_dev *ddev);
/* All shortcuts must be gone. */
void dmvpn_shortcuts_destroy(struct dmvpn_dev *ddev);

/* What is beyond @len, up to 32 or 128 by the family of @addr, is cut off. */
void dmvpn_prefix_make(struct dmvpn_prefix *prefix,
		       const struct in6_addr *addr, unsigned int len);

/*
 * Under RCU: the longest shortcut for @dst, a packet's destination, that
 * counts: not expired, and learnt under the routed next hop @nexthop or under
 * none. NULL: there is none.
 */
struct dmvpn_shortcut *dmvpn_shortcut_lookup(struct dmvpn_dev *ddev,
					     const struct in6_addr *dst,
					     const struct in6_addr *nexthop);

/* Under the lock; finds expired ones as well. */
struct dmvpn_shortcut *dmvpn_shortcut_find(struct dmvpn_dev *ddev,
					   const struct dmvpn_prefix *prefix);

/* What DMVPN_CMD_SHORTCUT_SET says; an address :: keeps its value. */
struct dmvpn_shortcut_set {
	struct dmvpn_prefix prefix;
	struct in6_addr nexthop;
	struct in6_addr via;
	struct dmvpn_life_set life;
};

/*
 * Under the lock. 0, -EINVAL (new and no next hop), -ENOSPC (limit), -ENOMEM,
 * with a message; on an error nothing has changed. *@out is the shortcut.
 */
int dmvpn_shortcut_set(struct dmvpn_dev *ddev,
		       const struct dmvpn_shortcut_set *set,
		       struct dmvpn_shortcut **out,
		       struct netlink_ext_ack *extack);

/* Under the lock. */
void dmvpn_shortcut_del(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s);
void dmvpn_shortcut_del_all(struct dmvpn_dev *ddev);

/* Under the lock: removes what expired, tells what is in use; true: more to do. */
bool dmvpn_shortcuts_sweep(struct dmvpn_dev *ddev);

#endif
