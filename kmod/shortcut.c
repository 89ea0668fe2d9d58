// SPDX-License-Identifier: GPL-2.0
/*
 * shortcut: the table of prefixes that override the routed next hop (NHRP
 * shortcuts, RFC 2332 and draft-detienne-dmvpn). User space fills it, tx.c
 * looks into it for each packet; see shortcut.h for how.
 *
 * Both families are in one hash table, but have their own lengths: an IPv4
 * packet never looks for an IPv6 prefix, nor the other way round.
 */
#include "netlink.h"
#include "shortcut.h"

static u32 prefix_hash(const void *key, u32 len, u32 seed)
{
	const struct dmvpn_prefix *prefix = key;

	return jhash_2words(dmvpn_addr_word(&prefix->addr, seed), prefix->len,
			    seed);
}

static int prefix_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct dmvpn_shortcut *s = obj;
	const struct dmvpn_prefix *prefix = arg->key;

	return prefix->len != s->prefix.len ||
	       !ipv6_addr_equal(&prefix->addr, &s->prefix.addr);
}

static const struct rhashtable_params shortcut_params = {
	.head_offset = offsetof(struct dmvpn_shortcut, node),
	.key_offset = offsetof(struct dmvpn_shortcut, prefix),
	.key_len = sizeof(struct dmvpn_prefix),
	.hashfn = prefix_hash,
	.obj_cmpfn = prefix_differs,
	.automatic_shrinking = true,
};

int dmvpn_shortcuts_init(struct dmvpn_dev *ddev)
{
	xa_init_flags(&ddev->shortcut_ids, XA_FLAGS_ALLOC1);
	return rhashtable_init(&ddev->shortcuts, &shortcut_params);
}

void dmvpn_shortcuts_destroy(struct dmvpn_dev *ddev)
{
	rhashtable_destroy(&ddev->shortcuts);
	xa_destroy(&ddev->shortcut_ids);
}

static void cut(struct dmvpn_prefix *prefix, unsigned int len)
{
	unsigned int bits = dmvpn_addr_bits(&prefix->addr);
	unsigned int end = DMVPN_PREFIX_BITS - bits + len, word = end / 32;

	prefix->len = len;
	if (end % 32)
		prefix->addr.s6_addr32[word++] &= htonl(~0U << (32 - end % 32));
	for (; word < DMVPN_PREFIX_BITS / 32; word++)
		prefix->addr.s6_addr32[word] = 0;
}

void dmvpn_prefix_make(struct dmvpn_prefix *prefix,
		       const struct in6_addr *addr, unsigned int len)
{
	prefix->addr = *addr;
	cut(prefix, len);
}

static bool counts(const struct dmvpn_shortcut *s,
		   const struct in6_addr *nexthop)
{
	return (ipv6_addr_any(&s->via) || ipv6_addr_equal(&s->via, nexthop)) &&
	       !dmvpn_life_expired(&s->life);
}

/* Index of the lengths of an address's family. */
static unsigned int family(const struct in6_addr *addr)
{
	return !dmvpn_addr_is4(addr);
}

struct dmvpn_shortcut *dmvpn_shortcut_lookup(struct dmvpn_dev *ddev,
					     const struct in6_addr *dst,
					     const struct in6_addr *nexthop)
{
	const unsigned long *lens = ddev->shortcut_lens[family(dst)];
	unsigned int len, end = dmvpn_addr_bits(dst) + 1;
	struct dmvpn_prefix key = { .addr = *dst };
	struct dmvpn_shortcut *s;

	while ((len = find_last_bit(lens, end)) < end) {
		cut(&key, len);
		s = rhashtable_lookup(&ddev->shortcuts, &key, shortcut_params);
		if (s && counts(s, nexthop))
			return s;
		end = len;
		/* Pairs with insert(): not there any more, so see what came. */
		smp_rmb();
	}
	return NULL;
}

struct dmvpn_shortcut *dmvpn_shortcut_find(struct dmvpn_dev *ddev,
					   const struct dmvpn_prefix *prefix)
{
	lockdep_assert_held(&ddev->lock);
	return rhashtable_lookup_fast(&ddev->shortcuts, prefix,
				      shortcut_params);
}

static int insert(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s)
{
	unsigned int f = family(&s->prefix.addr);
	u32 len = s->prefix.len;
	int err;

	if (ddev->n_shortcuts >= dmvpn_conf_locked(ddev)->max_shortcuts)
		return -ENOSPC;
	err = xa_alloc_cyclic(&ddev->shortcut_ids, &s->id, s, xa_limit_31b,
			      &ddev->next_shortcut_id, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err;
	err = rhashtable_lookup_insert_fast(&ddev->shortcuts, &s->node,
					    shortcut_params);
	if (err) {
		xa_erase(&ddev->shortcut_ids, s->id);
		return err;
	}
	if (!ddev->shortcut_len_count[f][len]++)
		set_bit(len, ddev->shortcut_lens[f]);
	WRITE_ONCE(ddev->n_shortcuts, ddev->n_shortcuts + 1);
	/* Pairs with dmvpn_shortcut_lookup(): before any later removal. */
	smp_wmb();
	return 0;
}

static int replace(struct dmvpn_dev *ddev, struct dmvpn_shortcut *old,
		   struct dmvpn_shortcut *s)
{
	int err = rhashtable_replace_fast(&ddev->shortcuts, &old->node,
					  &s->node, shortcut_params);

	if (err)
		return err;
	/* The index is in use: nothing is allocated. */
	xa_store(&ddev->shortcut_ids, s->id, s, GFP_KERNEL);
	kfree_rcu(old, rcu);
	return 0;
}

static struct dmvpn_shortcut *entry_new(const struct dmvpn_shortcut *old)
{
	struct dmvpn_shortcut *s;

	if (old)
		return kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT);
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (s)
		s->life.created = jiffies;
	return s;
}

int dmvpn_shortcut_set(struct dmvpn_dev *ddev,
		       const struct dmvpn_shortcut_set *set,
		       struct dmvpn_shortcut **out,
		       struct netlink_ext_ack *extack)
{
	struct dmvpn_shortcut *old = dmvpn_shortcut_find(ddev, &set->prefix);
	struct dmvpn_shortcut *s;
	int err;

	if (!old && ipv6_addr_any(&set->nexthop)) {
		NL_SET_ERR_MSG(extack, "next hop missing");
		return -EINVAL;
	}
	s = entry_new(old);
	if (!s)
		return -ENOMEM;
	s->prefix = set->prefix;
	if (!ipv6_addr_any(&set->nexthop))
		s->nexthop = set->nexthop;
	if (!ipv6_addr_any(&set->via))
		s->via = set->via;
	dmvpn_life_apply(ddev, &s->life, &set->life);
	err = old ? replace(ddev, old, s) : insert(ddev, s);
	if (err) {
		if (err == -ENOSPC)
			NL_SET_ERR_MSG(extack,
				       "limit of shortcuts reached (max_shortcuts)");
		kfree(s);
		return err;
	}
	*out = s;
	return 0;
}

void dmvpn_shortcut_del(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s)
{
	unsigned int f = family(&s->prefix.addr);

	lockdep_assert_held(&ddev->lock);
	rhashtable_remove_fast(&ddev->shortcuts, &s->node, shortcut_params);
	xa_erase(&ddev->shortcut_ids, s->id);
	if (!--ddev->shortcut_len_count[f][s->prefix.len])
		clear_bit(s->prefix.len, ddev->shortcut_lens[f]);
	WRITE_ONCE(ddev->n_shortcuts, ddev->n_shortcuts - 1);
	kfree_rcu(s, rcu);
}

void dmvpn_shortcut_del_all(struct dmvpn_dev *ddev)
{
	struct dmvpn_shortcut *s;
	unsigned long id;

	lockdep_assert_held(&ddev->lock);
	xa_for_each(&ddev->shortcut_ids, id, s) {
		dmvpn_shortcut_del(ddev, s);
		cond_resched();
	}
}

static bool sweep_one(struct dmvpn_dev *ddev, struct dmvpn_shortcut *s)
{
	switch (dmvpn_life_due(&s->life)) {
	case DMVPN_LIFE_OVER:
		dmvpn_nl_shortcut_event(ddev, s,
					DMVPN_CMD_SHORTCUT_EXPIRED_NTF);
		dmvpn_shortcut_del(ddev, s);
		return false;
	case DMVPN_LIFE_WANTED:
		dmvpn_nl_shortcut_event(ddev, s, DMVPN_CMD_SHORTCUT_USED_NTF);
		return true;
	default:
		return s->life.has_expiry;
	}
}

bool dmvpn_shortcuts_sweep(struct dmvpn_dev *ddev)
{
	struct dmvpn_shortcut *s;
	bool more = false;
	unsigned long id;

	lockdep_assert_held(&ddev->lock);
	xa_for_each(&ddev->shortcut_ids, id, s) {
		more |= sweep_one(ddev, s);
		cond_resched();
	}
	return more;
}
