// SPDX-License-Identifier: GPL-2.0
/*
 * dmvpn: multipoint GRE with the NBMA cache, fan-out and loop rules of a
 * Dynamic Multipoint VPN in the kernel. nhrpd fills the tables.
 *
 * The way of a packet: device.c tx.c route.c out, demux.c rx.c in. The way of
 * a configuration: device.c (rtnetlink), netlink.c (generic netlink) into
 * peer.c, neigh.c and shortcut.c.
 */
#include <linux/module.h>

#include "demux.h"
#include "dmvpn.h"
#include "netlink.h"

static int __init dmvpn_init(void)
{
	int err;

	err = dmvpn_demux_init();
	if (err)
		return err;
	err = dmvpn_nl_init();
	if (err)
		goto err_demux;
	err = dmvpn_device_init();
	if (err)
		goto err_nl;
	return 0;

err_nl:
	dmvpn_nl_exit();
err_demux:
	dmvpn_demux_exit();
	return err;
}

static void __exit dmvpn_exit(void)
{
	dmvpn_device_exit();
	dmvpn_nl_exit();
	dmvpn_demux_exit();
	/* Peers are freed by call_rcu() into this module. */
	rcu_barrier();
}

module_init(dmvpn_init);
module_exit(dmvpn_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Dynamic Multipoint VPN (mGRE with an NBMA cache)");
MODULE_AUTHOR("dmvpn developers");
MODULE_ALIAS_RTNL_LINK("dmvpn");
MODULE_ALIAS_GENL_FAMILY(DMVPN_GENL_NAME);
