// SPDX-License-Identifier: GPL-2.0
/*
 * oneway: peers that are sent to and not heard.
 *
 * Packets do no more for it than leave their time stamps with the peer. While
 * IFLA_DMVPN_ONEWAY_INTERVAL is set, a work compares these several times in an
 * interval and tells user space, which asks the peer whether it lives. A hub
 * that is no NHS is left out: there is nothing to choose instead of it.
 *
 * The work holds no lock: it walks the peers under RCU in the order of their
 * ids, a batch at a time, and dmvpn_peer::unheard_since is its own. That is
 * the moment from which the silence counts: the work first saw that a packet
 * was sent after the last one heard, or user space was told. A pair that was
 * idle has none, so that its old last_rx means nothing when it starts to talk.
 */
#include "oneway.h"
#include "peer.h"
#include "upcall.h"

#define PERIOD_MIN	(HZ / 4)
#define PERIOD_MAX	(HZ / 2)
#define BATCH		256

bool dmvpn_oneway_due(struct dmvpn_peer *peer, unsigned long interval,
		      unsigned long now)
{
	u32 role = READ_ONCE(peer->flags) & (DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS);
	unsigned long rx, tx;

	dmvpn_peer_last(peer, &rx, &tx);
	if (!interval || !tx || time_after(now, tx + interval) ||
	    role == DMVPN_PEER_F_HUB) {
		peer->unheard_since = 0;
		return false;
	}
	/* Heard: the next silence begins with what was sent after that. */
	if (!peer->unheard_since ||
	    (rx && time_after_eq(rx, peer->unheard_since)))
		peer->unheard_since = !rx || time_after(tx, rx) ? tx : 0;
	return peer->unheard_since &&
	       time_after(now, peer->unheard_since + interval);
}

/* A batch of the peers from the id *@id on; false: there are no more. */
static bool look(struct dmvpn_dev *ddev, unsigned long interval,
		 unsigned long *id)
{
	struct dmvpn_peer *peer;
	unsigned int n = BATCH;

	rcu_read_lock();
	peer = xa_find(&ddev->peer_ids, id, ULONG_MAX, XA_PRESENT);
	while (peer && n--) {
		/* Held back by the limits, it is due again the next time. */
		if (dmvpn_oneway_due(peer, interval, jiffies) &&
		    dmvpn_upcall_oneway(ddev, peer))
			peer->unheard_since = jiffies | 1;
		peer = xa_find_after(&ddev->peer_ids, id, ULONG_MAX,
				     XA_PRESENT);
	}
	rcu_read_unlock();
	return peer;
}

static unsigned long interval_of(const struct dmvpn_dev *ddev)
{
	unsigned long interval;

	rcu_read_lock();
	interval = msecs_to_jiffies(rcu_dereference(ddev->conf)->oneway_interval);
	rcu_read_unlock();
	return interval;
}

/* Switched off, it runs once more, so that no peer keeps an old moment. */
static void oneway_work(struct work_struct *work)
{
	struct dmvpn_dev *ddev = container_of(to_delayed_work(work),
					      struct dmvpn_dev, oneway);
	unsigned long interval = interval_of(ddev), id = 0;

	while (look(ddev, interval, &id))
		cond_resched();
	if (interval)
		queue_delayed_work(system_power_efficient_wq, &ddev->oneway,
				   clamp_t(unsigned long, interval / 2,
					   PERIOD_MIN, PERIOD_MAX));
}

void dmvpn_oneway_init(struct dmvpn_dev *ddev)
{
	INIT_DELAYED_WORK(&ddev->oneway, oneway_work);
}

void dmvpn_oneway_update(struct dmvpn_dev *ddev)
{
	mod_delayed_work(system_power_efficient_wq, &ddev->oneway, 0);
}

void dmvpn_oneway_stop(struct dmvpn_dev *ddev)
{
	cancel_delayed_work_sync(&ddev->oneway);
}
