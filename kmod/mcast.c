// SPDX-License-Identifier: GPL-2.0
/*
 * mcast: one multicast or broadcast packet becomes a copy for each peer with
 * DMVPN_PEER_F_MULTICAST but the one that it came from.
 *
 * tx.c hands such packets over. The peers are those that peer.c has marked in
 * dmvpn_dev::peer_ids, in the order of their ids. The first copies are made at
 * once. Beyond these the packet waits in a queue of the device, bounded in
 * packets and memory, with the id to go on from; a work makes small batches of
 * copies and lets others run in between, so that a large cloud's hellos are
 * not in the way of unicast. A peer that goes meanwhile is not found any more,
 * one that comes may get a copy or not; those that stay get one, in order.
 *
 * A copy has headers of its own and shares the rest. It fails alone: the peer
 * without an SA or with a smaller MTU misses it, which is counted, and the
 * sender is not told (RFC 1122 3.2.2: no ICMP errors about multicast).
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>

#include "mcast.h"
#include "peer.h"

#define INLINE_COPIES	16
#define BATCH_COPIES	64
#define QUEUE_PACKETS	1024
#define QUEUE_BYTES	(4U << 20)	/* of skb::truesize */

/* What a packet carries from copy to copy. */
struct mcast_cb {
	unsigned long next;	/* id from which on peers still lack theirs */
	u32 ingress;
};

static struct mcast_cb *mcast_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct mcast_cb) > sizeof(skb->cb));
	return (struct mcast_cb *)skb->cb;
}

static struct dmvpn_peer *next_peer(struct dmvpn_dev *ddev,
				    struct mcast_cb *cb)
{
	struct dmvpn_peer *peer;

	peer = xa_find(&ddev->peer_ids, &cb->next, ULONG_MAX,
		       DMVPN_PEERS_MULTICAST);
	if (peer && cb->next == cb->ingress)
		peer = xa_find_after(&ddev->peer_ids, &cb->next, ULONG_MAX,
				     DMVPN_PEERS_MULTICAST);
	return peer;
}

static void copy_to(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf,
		    struct dmvpn_peer *peer, struct sk_buff *copy)
{
	enum dmvpn_drop drop = DMVPN_DROP_NO_MEMORY;

	if (likely(copy))
		drop = dmvpn_xmit_peer(ddev, conf, copy, peer);
	if (likely(!drop)) {
		dmvpn_count(ddev, DMVPN_COUNT_MULTICAST_COPY);
		return;
	}
	dmvpn_drop_count(ddev, drop);
	DEV_STATS_INC(ddev->dev, tx_dropped);
	kfree_skb(copy);
}

/*
 * Makes up to *@budget copies, the last of which is @skb itself. Returns @skb
 * while peers are left, NULL when it is gone. Under RCU, softirqs off.
 */
static struct sk_buff *fan_out(struct dmvpn_dev *ddev,
			       const struct dmvpn_conf *conf,
			       struct sk_buff *skb, unsigned int *budget)
{
	struct mcast_cb cb = *mcast_cb(skb);
	struct dmvpn_peer *peer = next_peer(ddev, &cb), *next;

	if (!peer) {
		consume_skb(skb);
		return NULL;
	}
	while (*budget) {
		(*budget)--;
		cb.next++;
		next = next_peer(ddev, &cb);
		if (!next) {
			copy_to(ddev, conf, peer, skb);
			return NULL;
		}
		copy_to(ddev, conf, peer, skb_clone(skb, GFP_ATOMIC));
		peer = next;
	}
	*mcast_cb(skb) = cb;
	return skb;
}

/* The sender's socket buffer stays charged: who floods waits for the copies. */
static bool enqueue(struct dmvpn_dev *ddev, struct sk_buff *skb)
{
	struct sk_buff_head *queue = &ddev->mcast_queue;
	bool room;

	spin_lock(&queue->lock);
	room = skb_queue_len(queue) < QUEUE_PACKETS &&
	       ddev->mcast_bytes + skb->truesize <= QUEUE_BYTES;
	if (room) {
		__skb_queue_tail(queue, skb);
		ddev->mcast_bytes += skb->truesize;
	}
	spin_unlock(&queue->lock);
	return room;
}

static struct sk_buff *dequeue(struct dmvpn_dev *ddev)
{
	struct sk_buff *skb;

	spin_lock(&ddev->mcast_queue.lock);
	skb = __skb_dequeue(&ddev->mcast_queue);
	if (skb)
		ddev->mcast_bytes -= skb->truesize;
	spin_unlock(&ddev->mcast_queue.lock);
	return skb;
}

static void put_back(struct dmvpn_dev *ddev, struct sk_buff *skb)
{
	spin_lock(&ddev->mcast_queue.lock);
	__skb_queue_head(&ddev->mcast_queue, skb);
	ddev->mcast_bytes += skb->truesize;
	spin_unlock(&ddev->mcast_queue.lock);
}

/* A batch each time it runs: between two runs others have their turn. */
static void mcast_work(struct work_struct *work)
{
	struct dmvpn_dev *ddev = container_of(work, struct dmvpn_dev,
					      mcast_work);
	unsigned int budget = BATCH_COPIES;
	struct sk_buff *skb = NULL;

	local_bh_disable();
	rcu_read_lock();
	while (budget && (skb = dequeue(ddev)))
		skb = fan_out(ddev, rcu_dereference(ddev->conf), skb, &budget);
	rcu_read_unlock();
	if (skb)
		put_back(ddev, skb);
	local_bh_enable();
	if (!skb_queue_empty_lockless(&ddev->mcast_queue))
		queue_work(system_unbound_wq, work);
}

void dmvpn_mcast_init(struct dmvpn_dev *ddev)
{
	skb_queue_head_init(&ddev->mcast_queue);
	INIT_WORK(&ddev->mcast_work, mcast_work);
}

void dmvpn_mcast_stop(struct dmvpn_dev *ddev)
{
	struct sk_buff *skb;

	cancel_work_sync(&ddev->mcast_work);
	local_bh_disable();
	while ((skb = dequeue(ddev)))
		kfree_skb(skb);
	local_bh_enable();
}

enum dmvpn_drop dmvpn_mcast_xmit(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 struct sk_buff *skb, u32 ingress)
{
	struct mcast_cb cb = { .ingress = ingress };
	unsigned int budget = INLINE_COPIES;

	if (!next_peer(ddev, &cb))
		return DMVPN_DROP_NO_MULTICAST_PEER;
	/* Of no more use, and not to be held while the packet waits. */
	skb_dst_drop(skb);
	skb->skb_iif = 0;	/* a hairpin of multicast needs no redirect */
	*mcast_cb(skb) = cb;
	skb = fan_out(ddev, conf, skb, &budget);
	if (!skb)
		return DMVPN_DROP_UNSPEC;
	if (!enqueue(ddev, skb))
		return DMVPN_DROP_MULTICAST_OVERFLOW;
	queue_work(system_unbound_wq, &ddev->mcast_work);
	return DMVPN_DROP_UNSPEC;
}
