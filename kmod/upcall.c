// SPDX-License-Identifier: GPL-2.0
/*
 * upcall: the events that packets trigger.
 *
 * Memory is fixed and nothing is allocated before the limits have agreed: one
 * upcall a second about the same thing (a slot each; things that share a slot
 * take turns), and a token bucket for the device. Upcalls are hints: whoever
 * misses one sees the next packet's.
 */
#include <linux/slab.h>

#include "bucket.h"
#include "netlink.h"
#include "upcall.h"

#define UPCALL_INTERVAL	HZ
#define UPCALL_COST	(NSEC_PER_SEC / 256)	/* a second and device */
#define UPCALL_DEPTH	(128 * UPCALL_COST)

int dmvpn_upcall_init(struct dmvpn_dev *ddev)
{
	ddev->limit = kzalloc(sizeof(*ddev->limit), GFP_KERNEL_ACCOUNT);
	if (!ddev->limit)
		return -ENOMEM;
	return 0;
}

void dmvpn_upcall_destroy(struct dmvpn_dev *ddev)
{
	kfree(ddev->limit);
}

bool dmvpn_upcall_allowed(struct dmvpn_upcall_limit *limit, u32 key, u64 now)
{
	u64 *slot = &limit->slot[jhash_1word(key, 0) % DMVPN_UPCALL_SLOTS];
	u64 val = READ_ONCE(*slot);

	/* An end further away than the interval is one of long ago. */
	if (val >> 32 == key && (u32)val - (u32)now - 1 < UPCALL_INTERVAL)
		return false;
	if (!dmvpn_bucket_take(&limit->bucket, dmvpn_bucket_time(now),
			       UPCALL_COST, UPCALL_DEPTH))
		return false;
	WRITE_ONCE(*slot, (u64)key << 32 | (u32)(now + UPCALL_INTERVAL));
	return true;
}

/* False: held back by the limits. */
static bool upcall(struct dmvpn_dev *ddev, u32 key,
		   const struct dmvpn_event *event)
{
	if (!dmvpn_upcall_allowed(ddev->limit, key, get_jiffies_64())) {
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL_SUPPRESSED);
		return false;
	}
	if (dmvpn_nl_upcall(ddev, event))
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL_LOST);
	else
		dmvpn_count(ddev, DMVPN_COUNT_UPCALL);
	return true;
}

void dmvpn_upcall_resolve(struct dmvpn_dev *ddev,
			  const struct in6_addr *nexthop,
			  const struct dmvpn_flow *flow, u32 ingress)
{
	struct dmvpn_event event = {
		.cmd = DMVPN_CMD_RESOLVE_NTF,
		.nexthop = *nexthop,
		.src = flow->saddr,
		.dst = flow->daddr,
	};

	if (ingress)
		event.ingress = xa_load(&ddev->peer_ids, ingress);
	upcall(ddev, dmvpn_addr_word(nexthop, ddev->seed), &event);
}

static u32 peer_word(const struct dmvpn_dev *ddev,
		     const struct dmvpn_peer *peer, u8 cmd)
{
	return jhash_2words(dmvpn_addr_word(&peer->key.nbma, ddev->seed),
			    peer->key.mark, cmd);
}

void dmvpn_upcall_sa_missing(struct dmvpn_dev *ddev,
			     const struct dmvpn_peer *peer)
{
	struct dmvpn_event event = {
		.cmd = DMVPN_CMD_SA_MISSING_NTF,
		.peer = peer,
	};

	upcall(ddev, peer_word(ddev, peer, event.cmd), &event);
}

bool dmvpn_upcall_oneway(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer)
{
	struct dmvpn_event event = {
		.cmd = DMVPN_CMD_ONEWAY_NTF,
		.peer = peer,
	};

	return upcall(ddev, peer_word(ddev, peer, event.cmd), &event);
}
