/* SPDX-License-Identifier: GPL-2.0 */
/* oneway: peers that are sent to and not heard. */
#ifndef _DMVPN_ONEWAY_H
#define _DMVPN_ONEWAY_H

#include "dmvpn.h"

void dmvpn_oneway_init(struct dmvpn_dev *ddev);

/* After IFLA_DMVPN_ONEWAY_INTERVAL was set or changed. */
void dmvpn_oneway_update(struct dmvpn_dev *ddev);

/* Nobody looks any more when this returns. Process context, may sleep. */
void dmvpn_oneway_stop(struct dmvpn_dev *ddev);

/*
 * Looks at one peer: true when it was sent to all the time and not heard for
 * longer than @interval (jiffies, 0: off). By one caller at a time; in KUnit
 * as well.
 */
bool dmvpn_oneway_due(struct dmvpn_peer *peer, unsigned long interval,
		      unsigned long now);

#endif
