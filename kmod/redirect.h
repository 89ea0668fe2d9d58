/* SPDX-License-Identifier: GPL-2.0 */
/* redirect: tells user space of hairpins, within limits. */
#ifndef _DMVPN_REDIRECT_H
#define _DMVPN_REDIRECT_H

#include "dmvpn.h"

/*
 * Under RTNL, before a @conf with DMVPN_LINK_F_REDIRECT is published. What is
 * there stays until the device goes. -ENOMEM
 */
int dmvpn_redirect_init(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf);
/* Nobody uses the device any more. */
void dmvpn_redirect_destroy(struct dmvpn_dev *ddev);

/*
 * tx, under RCU, for a packet that was received and is certain to leave to
 * @to; @flow is its own. The network header is the inner one, not yet
 * encapsulated.
 */
void dmvpn_redirect_check(struct dmvpn_dev *ddev,
			  const struct dmvpn_conf *conf,
			  const struct sk_buff *skb,
			  const struct dmvpn_flow *flow,
			  const struct dmvpn_peer *to);

/**
 * dmvpn_redirect_allowed - may this hairpin be told of now?
 * @rd: the limits of the device that the packet leaves by
 * @peer: the bucket of the peer that it came from
 * @key: hash of what counts as the same hairpin, all 64 bits of it
 * @interval: jiffies, not 0
 * @now: get_jiffies_64()
 *
 * Any context, several processors at once. Changes nothing when the answer is
 * false; true takes a token of each bucket and starts the key's interval.
 */
bool dmvpn_redirect_allowed(struct dmvpn_redirect *rd, atomic64_t *peer,
			    u64 key, u32 interval, u64 now);

/* It could not be told after all: the key's next packet may try again. */
void dmvpn_redirect_forget(struct dmvpn_redirect *rd, u64 key);

#endif
