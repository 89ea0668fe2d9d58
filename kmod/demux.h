/* SPDX-License-Identifier: GPL-2.0 */
/* demux: our place on IP protocol 47, beside gre.ko and ip_gre or alone. */
#ifndef _DMVPN_DEMUX_H
#define _DMVPN_DEMUX_H

#include <linux/types.h>

int dmvpn_demux_init(void);
void dmvpn_demux_exit(void);

/*
 * The hook is in place while there is a device with an underlay of the family.
 * Under RTNL. -EADDRINUSE: GRE over IPv6 is somebody else's; -EAFNOSUPPORT.
 */
int dmvpn_demux_get(bool ipv6);
void dmvpn_demux_put(bool ipv6);

/* False when dmvpn_demux_get(true) is going to fail. Under RTNL. */
bool dmvpn_demux_free6(void);

/* True while ip_gre may have keyless tunnels of its own. */
bool dmvpn_demux_stock_present(void);

#endif
