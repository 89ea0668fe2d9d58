/* SPDX-License-Identifier: GPL-2.0 */
/* peer: the NBMA addresses of a device, and which of them are NHSs. */
#ifndef _DMVPN_PEER_H
#define _DMVPN_PEER_H

#include "dmvpn.h"

/* In dmvpn_dev::peer_ids: the peers with DMVPN_PEER_F_MULTICAST. */
#define DMVPN_PEERS_MULTICAST	XA_MARK_1

int dmvpn_peers_init(struct dmvpn_dev *ddev);
/* All peers must be gone, and a grace period over. */
void dmvpn_peers_destroy(struct dmvpn_dev *ddev);

/* Under RCU, and under the lock; NULL when there is none. */
struct dmvpn_peer *dmvpn_peer_lookup(struct dmvpn_dev *ddev,
				     const struct dmvpn_peer_key *key);
struct dmvpn_peer *dmvpn_peer_find(struct dmvpn_dev *ddev,
				   const struct dmvpn_peer_key *key);

/*
 * The functions below want the lock. The peer returned is the existing one or
 * a new one without flags; a new one goes with dmvpn_peer_put() unless it got
 * DMVPN_PEER_F_STATIC or a neighbour meanwhile. ERR_PTR: -ENOSPC (limit, with
 * a message), -ENOMEM.
 */
struct dmvpn_peer *dmvpn_peer_get(struct dmvpn_dev *ddev,
				  const struct dmvpn_peer_key *key,
				  struct netlink_ext_ack *extack);
void dmvpn_peer_put(struct dmvpn_dev *ddev, struct dmvpn_peer *peer);

/* Unlinks a peer that no neighbour points to. */
void dmvpn_peer_unlink(struct dmvpn_dev *ddev, struct dmvpn_peer *peer);

/*
 * Makes the list of NHSs anew after flags or a priority changed. -ENOMEM: the
 * old list stays.
 */
int dmvpn_nhs_rebuild(struct dmvpn_dev *ddev);

/* Takes @peer's DMVPN_PEER_F_MULTICAST over into the marks after it changed. */
void dmvpn_peer_mark(struct dmvpn_dev *ddev, const struct dmvpn_peer *peer);

/* The device's remote, ::: none. */
int dmvpn_remote_set(struct dmvpn_dev *ddev, const struct in6_addr *remote,
		     struct netlink_ext_ack *extack);

struct dmvpn_peer_totals {
	u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
	unsigned long last_rx, last_tx;		/* jiffies, 0: never */
};

void dmvpn_peer_totals(const struct dmvpn_peer *peer,
		       struct dmvpn_peer_totals *t);

/* When it was last heard and sent to, jiffies, 0: never. In any context. */
void dmvpn_peer_last(const struct dmvpn_peer *peer, unsigned long *rx,
		     unsigned long *tx);

static inline void dmvpn_peer_rx(struct dmvpn_peer *peer, unsigned int len)
{
	struct dmvpn_peer_stats *stats = this_cpu_ptr(peer->stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->rx_packets);
	u64_stats_add(&stats->rx_bytes, len);
	u64_stats_update_end(&stats->syncp);
	WRITE_ONCE(stats->last_rx, jiffies | 1);
}

static inline void dmvpn_peer_tx(struct dmvpn_peer *peer, unsigned int len)
{
	struct dmvpn_peer_stats *stats = this_cpu_ptr(peer->stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->tx_packets);
	u64_stats_add(&stats->tx_bytes, len);
	u64_stats_update_end(&stats->syncp);
	WRITE_ONCE(stats->last_tx, jiffies | 1);
}

#endif
