/* SPDX-License-Identifier: GPL-2.0 */
/* demux: our place on IP protocol 47, beside gre.ko and ip_gre. */
#ifndef _DMVPN_DEMUX_H
#define _DMVPN_DEMUX_H

#include <linux/types.h>

int dmvpn_demux_init(void);
void dmvpn_demux_exit(void);

/* The hook is in place while there is a device. Under RTNL. -EBUSY. */
int dmvpn_demux_get(void);
void dmvpn_demux_put(void);

/* True while ip_gre may have keyless tunnels of its own. */
bool dmvpn_demux_stock_present(void);

#endif
