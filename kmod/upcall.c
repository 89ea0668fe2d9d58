// SPDX-License-Identifier: GPL-2.0
/*
 * upcall: the events that packets trigger.
 *
 * Memory is fixed and nothing is allocated before the limits have agreed: one
 * upcall a second about the same thing (a slot each; things that share a slot
 * take turns), and a token bucket for the device. Upcalls are hints: whoever
 * misses one sees the next packet's.
 */
#include <linux/ip.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "netlink.h"
#include "upcall.h"

#define UPCALL_INTERVAL	HZ
#define UPCALL_RATE	256	/* per second and device */
#define UPCALL_BURST	128

int dmvpn_upcall_init(struct dmvpn_dev *ddev)
{
	ddev->limit = kzalloc(sizeof(*ddev->limit), GFP_KERNEL_ACCOUNT);
	if (!ddev->limit)
		return -ENOMEM;
	spin_lock_init(&ddev->limit->lock);
	ddev->limit->credit = UPCALL_BURST * HZ;
	ddev->limit->refilled = jiffies;
	return 0;
}

void dmvpn_upcall_destroy(struct dmvpn_dev *ddev)
{
	kfree(ddev->limit);
}

/* Credit counts tokens in units of 1/HZ, so that no time is rounded away. */
static bool take_token(struct dmvpn_upcall_limit *limit, unsigned long now)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&limit->lock, flags);
	limit->credit = min_t(u64, UPCALL_BURST * HZ, limit->credit +
			      (u64)(now - limit->refilled) * UPCALL_RATE);
	limit->refilled = now;
	taken = limit->credit >= HZ;
	if (taken)
		limit->credit -= HZ;
	spin_unlock_irqrestore(&limit->lock, flags);
	return taken;
}

bool dmvpn_upcall_allowed(struct dmvpn_upcall_limit *limit, u32 key,
			  unsigned long now)
{
	u64 *slot = &limit->slot[jhash_1word(key, 0) % DMVPN_UPCALL_SLOTS];
	u64 val = READ_ONCE(*slot);

	if (val >> 32 == key && (s32)((u32)now - (u32)val) < 0)
		return false;
	if (!take_token(limit, now))
		return false;
	/* The low half is 0 only by accident and then lets one more pass. */
	WRITE_ONCE(*slot, (u64)key << 32 | (u32)(now + UPCALL_INTERVAL));
	return true;
}

static void upcall(struct dmvpn_dev *ddev, u32 key,
		   const struct dmvpn_event *event)
{
	if (!dmvpn_upcall_allowed(ddev->limit, key, jiffies))
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL_SUPPRESSED);
	else if (dmvpn_nl_upcall(ddev, event))
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL_LOST);
	else
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL);
}

void dmvpn_upcall_resolve(struct dmvpn_dev *ddev, __be32 nexthop,
			  const struct iphdr *iph, u32 ingress)
{
	struct dmvpn_event event = {
		.cmd = DMVPN_CMD_RESOLVE_NTF,
		.nexthop = nexthop,
		.src = iph->saddr,
		.dst = iph->daddr,
	};

	if (ingress)
		event.ingress = xa_load(&ddev->peer_ids, ingress);
	upcall(ddev, (__force u32)nexthop, &event);
}

void dmvpn_upcall_sa_missing(struct dmvpn_dev *ddev,
			     const struct dmvpn_peer *peer)
{
	struct dmvpn_event event = {
		.cmd = DMVPN_CMD_SA_MISSING_NTF,
		.peer = peer,
	};

	upcall(ddev, jhash_2words((__force u32)peer->key.nbma, peer->key.mark,
				  DMVPN_CMD_SA_MISSING_NTF), &event);
}
