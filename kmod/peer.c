// SPDX-License-Identifier: GPL-2.0
/*
 * peer: a table by (NBMA address, mark).
 *
 * A peer lives as long as somebody wants it: neighbours that point to it, the
 * user who set it (DMVPN_PEER_F_STATIC), or the device's remote. Removal has
 * three phases: unlinked from the table, the id and the list of NHSs, so that
 * no packet finds it anew; left alone for a grace period, in which a packet
 * that found it before may still store a route in it; freed with that route.
 */
#include <linux/sort.h>

#include "peer.h"

static u32 key_hash(const void *data, u32 len, u32 seed)
{
	const struct dmvpn_peer_key *key = data;

	return jhash_2words(dmvpn_addr_word(&key->nbma, seed), key->mark, seed);
}

/* rhashtable's own comparison calls memcmp(), the dearest part of a look-up. */
static int key_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct dmvpn_peer_key *key = arg->key;
	const struct dmvpn_peer *p = obj;

	return !ipv6_addr_equal(&p->key.nbma, &key->nbma) ||
	       p->key.mark != key->mark;
}

static const struct rhashtable_params peer_params = {
	.head_offset = offsetof(struct dmvpn_peer, node),
	.key_offset = offsetof(struct dmvpn_peer, key),
	.key_len = sizeof(struct dmvpn_peer_key),
	.hashfn = key_hash,
	.obj_cmpfn = key_differs,
	.automatic_shrinking = true,
};

int dmvpn_peers_init(struct dmvpn_dev *ddev)
{
	xa_init_flags(&ddev->peer_ids, XA_FLAGS_ALLOC1);
	return rhashtable_init(&ddev->peers, &peer_params);
}

void dmvpn_peers_destroy(struct dmvpn_dev *ddev)
{
	rhashtable_destroy(&ddev->peers);
	xa_destroy(&ddev->peer_ids);
}

struct dmvpn_peer *dmvpn_peer_lookup(struct dmvpn_dev *ddev,
				     const struct dmvpn_peer_key *key)
{
	return rhashtable_lookup(&ddev->peers, key, peer_params);
}

struct dmvpn_peer *dmvpn_peer_find(struct dmvpn_dev *ddev,
				   const struct dmvpn_peer_key *key)
{
	lockdep_assert_held(&ddev->lock);
	return rhashtable_lookup_fast(&ddev->peers, key, peer_params);
}

static void peer_free(struct dmvpn_peer *peer)
{
	dst_release(rcu_dereference_protected(peer->dst, true));
	free_percpu(peer->stats);
	kfree(peer);
}

static void peer_free_rcu(struct rcu_head *rcu)
{
	peer_free(container_of(rcu, struct dmvpn_peer, rcu));
}

static struct dmvpn_peer *peer_alloc(const struct dmvpn_peer_key *key)
{
	struct dmvpn_peer *peer;
	int cpu;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL_ACCOUNT);
	if (!peer)
		return NULL;
	peer->stats = alloc_percpu_gfp(struct dmvpn_peer_stats,
				       GFP_KERNEL_ACCOUNT);
	if (!peer->stats) {
		kfree(peer);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(peer->stats, cpu)->syncp);
	seqlock_init(&peer->route6);
	peer->key = *key;
	return peer;
}

static struct dmvpn_peer *peer_create(struct dmvpn_dev *ddev,
				      const struct dmvpn_peer_key *key,
				      struct netlink_ext_ack *extack)
{
	struct dmvpn_peer *peer;
	int err;

	if (ddev->n_peers >= dmvpn_conf_locked(ddev)->max_peers) {
		NL_SET_ERR_MSG(extack, "limit of peers reached (max_peers)");
		return ERR_PTR(-ENOSPC);
	}
	peer = peer_alloc(key);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	err = xa_alloc_cyclic(&ddev->peer_ids, &peer->id, peer, xa_limit_31b,
			      &ddev->next_peer_id, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto err_free;
	err = rhashtable_lookup_insert_fast(&ddev->peers, &peer->node,
					    peer_params);
	if (err)
		goto err_id;
	ddev->n_peers++;
	return peer;

err_id:
	xa_erase(&ddev->peer_ids, peer->id);
err_free:
	peer_free(peer);
	return ERR_PTR(err);
}

struct dmvpn_peer *dmvpn_peer_get(struct dmvpn_dev *ddev,
				  const struct dmvpn_peer_key *key,
				  struct netlink_ext_ack *extack)
{
	struct dmvpn_peer *peer = dmvpn_peer_find(ddev, key);

	return peer ?: peer_create(ddev, key, extack);
}

static bool is_remote(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer)
{
	return peer == rcu_access_pointer(ddev->remote);
}

static void nhs_publish(struct dmvpn_dev *ddev, struct dmvpn_nhs_list *list)
{
	list = rcu_replace_pointer(ddev->nhs, list,
				   lockdep_is_held(&ddev->lock));
	if (list)
		kfree_rcu(list, rcu);
}

void dmvpn_peer_unlink(struct dmvpn_dev *ddev, struct dmvpn_peer *peer)
{
	lockdep_assert_held(&ddev->lock);
	WARN_ON_ONCE(peer->neighs);

	rhashtable_remove_fast(&ddev->peers, &peer->node, peer_params);
	xa_erase(&ddev->peer_ids, peer->id);
	ddev->n_peers--;
	if (peer->flags & DMVPN_PEER_F_NHS) {
		WRITE_ONCE(peer->flags, peer->flags & ~DMVPN_PEER_F_NHS);
		/* Without memory rather no hub than one that is freed. */
		if (dmvpn_nhs_rebuild(ddev))
			nhs_publish(ddev, NULL);
	}
	call_rcu(&peer->rcu, peer_free_rcu);
}

void dmvpn_peer_put(struct dmvpn_dev *ddev, struct dmvpn_peer *peer)
{
	if (!peer->neighs && !(peer->flags & DMVPN_PEER_F_STATIC) &&
	    !is_remote(ddev, peer))
		dmvpn_peer_unlink(ddev, peer);
}

static int by_priority(const void *a, const void *b)
{
	const struct dmvpn_peer *x = *(struct dmvpn_peer * const *)a;
	const struct dmvpn_peer *y = *(struct dmvpn_peer * const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->id < y->id ? -1 : 1;
}

int dmvpn_nhs_rebuild(struct dmvpn_dev *ddev)
{
	struct dmvpn_nhs_list *list = NULL;
	struct dmvpn_peer *peer;
	unsigned long id;
	unsigned int n = 0;

	lockdep_assert_held(&ddev->lock);
	xa_for_each(&ddev->peer_ids, id, peer)
		n += !!(peer->flags & DMVPN_PEER_F_NHS);
	if (n) {
		list = kzalloc(struct_size(list, peer, n),
			       GFP_KERNEL_ACCOUNT);
		if (!list)
			return -ENOMEM;
		list->n = n;
		n = 0;
		xa_for_each(&ddev->peer_ids, id, peer)
			if (peer->flags & DMVPN_PEER_F_NHS)
				list->peer[n++] = peer;
		sort(list->peer, n, sizeof(list->peer[0]), by_priority, NULL);
	}
	nhs_publish(ddev, list);
	return 0;
}

void dmvpn_peer_mark(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer)
{
	lockdep_assert_held(&ddev->lock);
	if (peer->flags & DMVPN_PEER_F_MULTICAST)
		xa_set_mark(&ddev->peer_ids, peer->id, DMVPN_PEERS_MULTICAST);
	else
		xa_clear_mark(&ddev->peer_ids, peer->id,
			      DMVPN_PEERS_MULTICAST);
}

int dmvpn_remote_set(struct dmvpn_dev *ddev, const struct in6_addr *remote,
		     struct netlink_ext_ack *extack)
{
	struct dmvpn_peer_key key = { .nbma = *remote };
	struct dmvpn_peer *old, *peer = NULL;

	lockdep_assert_held(&ddev->lock);
	if (!ipv6_addr_any(remote)) {
		peer = dmvpn_peer_get(ddev, &key, extack);
		if (IS_ERR(peer))
			return PTR_ERR(peer);
	}
	old = rcu_replace_pointer(ddev->remote, peer,
				  lockdep_is_held(&ddev->lock));
	if (old && old != peer)
		dmvpn_peer_put(ddev, old);
	return 0;
}

static unsigned long later(unsigned long a, unsigned long b)
{
	return !a || (b && time_after(b, a)) ? b : a;
}

void dmvpn_peer_last(const struct dmvpn_peer *peer, unsigned long *rx,
		     unsigned long *tx)
{
	const struct dmvpn_peer_stats *s;
	int cpu;

	*rx = 0;
	*tx = 0;
	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(peer->stats, cpu);
		*rx = later(*rx, READ_ONCE(s->last_rx));
		*tx = later(*tx, READ_ONCE(s->last_tx));
	}
}

void dmvpn_peer_totals(const struct dmvpn_peer *peer,
		       struct dmvpn_peer_totals *t)
{
	const struct dmvpn_peer_stats *s;
	unsigned int start;
	u64 rxp, rxb, txp, txb;
	int cpu;

	memset(t, 0, sizeof(*t));
	dmvpn_peer_last(peer, &t->last_rx, &t->last_tx);
	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(peer->stats, cpu);
		do {
			start = u64_stats_fetch_begin(&s->syncp);
			rxp = u64_stats_read(&s->rx_packets);
			rxb = u64_stats_read(&s->rx_bytes);
			txp = u64_stats_read(&s->tx_packets);
			txb = u64_stats_read(&s->tx_bytes);
		} while (u64_stats_fetch_retry(&s->syncp, start));
		t->rx_packets += rxp;
		t->rx_bytes += rxb;
		t->tx_packets += txp;
		t->tx_bytes += txb;
	}
}
