// SPDX-License-Identifier: GPL-2.0
/*
 * neigh: a table by protocol address, IPv4 and IPv6; see addr.h.
 *
 * Only user space adds entries, so packets cannot make the table grow.
 */
#include "neigh.h"
#include "netlink.h"
#include "peer.h"

static u32 addr_hash(const void *addr, u32 len, u32 seed)
{
	return jhash_1word(dmvpn_addr_word(addr, seed), seed);
}

static int addr_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct dmvpn_neigh *n = obj;

	return !ipv6_addr_equal(arg->key, &n->addr);
}

static const struct rhashtable_params neigh_params = {
	.head_offset = offsetof(struct dmvpn_neigh, node),
	.key_offset = offsetof(struct dmvpn_neigh, addr),
	.key_len = sizeof(struct in6_addr),
	.hashfn = addr_hash,
	.obj_cmpfn = addr_differs,
	.automatic_shrinking = true,
};

int dmvpn_neighs_init(struct dmvpn_dev *ddev)
{
	xa_init_flags(&ddev->neigh_ids, XA_FLAGS_ALLOC1);
	return rhashtable_init(&ddev->neighs, &neigh_params);
}

void dmvpn_neighs_destroy(struct dmvpn_dev *ddev)
{
	rhashtable_destroy(&ddev->neighs);
	xa_destroy(&ddev->neigh_ids);
}

struct dmvpn_neigh *dmvpn_neigh_lookup(struct dmvpn_dev *ddev,
				       const struct in6_addr *addr)
{
	return rhashtable_lookup(&ddev->neighs, addr, neigh_params);
}

struct dmvpn_neigh *dmvpn_neigh_find(struct dmvpn_dev *ddev,
				     const struct in6_addr *addr)
{
	lockdep_assert_held(&ddev->lock);
	return rhashtable_lookup_fast(&ddev->neighs, addr, neigh_params);
}

static struct dmvpn_peer *neigh_peer(struct dmvpn_dev *ddev,
				     const struct dmvpn_neigh *n)
{
	return rcu_dereference_protected(n->peer,
					 lockdep_is_held(&ddev->lock));
}

static void point_to(struct dmvpn_dev *ddev, struct dmvpn_neigh *n,
		     struct dmvpn_peer *peer)
{
	struct dmvpn_peer *old = neigh_peer(ddev, n);

	if (old == peer)
		return;
	peer->neighs++;
	rcu_assign_pointer(n->peer, peer);
	if (old) {
		old->neighs--;
		dmvpn_peer_put(ddev, old);
	}
}

static struct dmvpn_neigh *entry_create(struct dmvpn_dev *ddev,
					const struct in6_addr *addr,
					struct netlink_ext_ack *extack)
{
	struct dmvpn_neigh *n;
	int err;

	if (ddev->n_neighs >= dmvpn_conf_locked(ddev)->max_neighs) {
		NL_SET_ERR_MSG(extack,
			       "limit of neighbours reached (max_neighs)");
		return ERR_PTR(-ENOSPC);
	}
	n = kzalloc(sizeof(*n), GFP_KERNEL_ACCOUNT);
	if (!n)
		return ERR_PTR(-ENOMEM);
	n->addr = *addr;
	n->life.created = jiffies;
	err = xa_alloc_cyclic(&ddev->neigh_ids, &n->id, n, xa_limit_31b,
			      &ddev->next_neigh_id, GFP_KERNEL_ACCOUNT);
	if (err < 0) {
		kfree(n);
		return ERR_PTR(err);
	}
	return n;
}

int dmvpn_neigh_set(struct dmvpn_dev *ddev, const struct dmvpn_neigh_set *set,
		    bool excl, struct dmvpn_neigh **out,
		    struct netlink_ext_ack *extack)
{
	struct dmvpn_peer *peer = NULL;
	struct dmvpn_neigh *n, *new = NULL;
	u32 flags;
	int err;

	lockdep_assert_held(&ddev->lock);
	n = dmvpn_neigh_find(ddev, &set->addr);
	if (n && excl) {
		NL_SET_ERR_MSG(extack, "neighbour exists");
		return -EEXIST;
	}
	flags = ((n ? n->flags : 0) & ~set->flags_mask) |
		(set->flags & set->flags_mask);
	if (!set->has_peer && !(n && rcu_access_pointer(n->peer)) &&
	    !(flags & DMVPN_NEIGH_F_REJECT)) {
		NL_SET_ERR_MSG(extack, "NBMA address missing");
		return -EINVAL;
	}
	if (!n) {
		n = entry_create(ddev, &set->addr, extack);
		if (IS_ERR(n))
			return PTR_ERR(n);
		new = n;
	}
	if (set->has_peer) {
		peer = dmvpn_peer_get(ddev, &set->peer, extack);
		if (IS_ERR(peer)) {
			err = PTR_ERR(peer);
			goto err_new;
		}
		point_to(ddev, n, peer);
	}
	WRITE_ONCE(n->flags, flags);
	dmvpn_life_apply(ddev, &n->life, &set->life);
	if (new) {
		err = rhashtable_lookup_insert_fast(&ddev->neighs, &new->node,
						    neigh_params);
		if (err)
			goto err_peer;
		ddev->n_neighs++;
	}
	*out = n;
	return 0;

err_peer:
	if (peer) {
		peer->neighs--;
		dmvpn_peer_put(ddev, peer);
	}
err_new:
	if (new) {
		xa_erase(&ddev->neigh_ids, new->id);
		kfree_rcu(new, rcu);
	}
	return err;
}

void dmvpn_neigh_del(struct dmvpn_dev *ddev, struct dmvpn_neigh *n)
{
	struct dmvpn_peer *peer = neigh_peer(ddev, n);

	lockdep_assert_held(&ddev->lock);
	rhashtable_remove_fast(&ddev->neighs, &n->node, neigh_params);
	xa_erase(&ddev->neigh_ids, n->id);
	ddev->n_neighs--;
	if (peer) {
		peer->neighs--;
		dmvpn_peer_put(ddev, peer);
	}
	kfree_rcu(n, rcu);
}

void dmvpn_neigh_del_all(struct dmvpn_dev *ddev)
{
	struct dmvpn_neigh *n;
	unsigned long id;

	lockdep_assert_held(&ddev->lock);
	xa_for_each(&ddev->neigh_ids, id, n) {
		dmvpn_neigh_del(ddev, n);
		cond_resched();
	}
}

static bool sweep_one(struct dmvpn_dev *ddev, struct dmvpn_neigh *n)
{
	switch (dmvpn_life_due(&n->life)) {
	case DMVPN_LIFE_OVER:
		dmvpn_nl_neigh_event(ddev, n, DMVPN_CMD_NEIGH_EXPIRED_NTF);
		dmvpn_neigh_del(ddev, n);
		return false;
	case DMVPN_LIFE_WANTED:
		dmvpn_nl_neigh_event(ddev, n, DMVPN_CMD_NEIGH_USED_NTF);
		return true;
	default:
		return n->life.has_expiry;
	}
}

bool dmvpn_neighs_sweep(struct dmvpn_dev *ddev)
{
	struct dmvpn_neigh *n;
	bool more = false;
	unsigned long id;

	lockdep_assert_held(&ddev->lock);
	xa_for_each(&ddev->neigh_ids, id, n) {
		more |= sweep_one(ddev, n);
		cond_resched();
	}
	return more;
}
