/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module is built for, 6.1 to 6.12 and
 * their distribution backports, and nothing else. The sources read like code
 * for the newest of them. What is there is tested (Kbuild looks into the
 * headers and defines DMVPN_HAVE_*), never the version: stable releases and
 * distributions backport API changes.
 */
#ifndef _DMVPN_COMPAT_H
#define _DMVPN_COMPAT_H

#include <linux/netdevice.h>
#include <net/genetlink.h>
#include <net/ip.h>
#include <net/route.h>

/* 6.6: out of netdevice.h */
#ifdef DMVPN_HAVE_GSO_H
#include <net/gso.h>
#endif

/* 6.12 moved it. */
#ifdef DMVPN_HAVE_UNALIGNED_H
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/* 6.10: dst_rtable() */
#ifndef dst_rtable
#define dst_rtable(_dst) container_of(_dst, struct rtable, dst)
#endif

/* Lockless transmit: a feature until 6.11, then a bit of its own. */
static inline void dmvpn_set_lltx(struct net_device *dev)
{
#ifdef DMVPN_HAVE_LLTX_BIT
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* header_ops::parse gained a device, in stable releases too. */
#define DMVPN_HEADER_PARSE(_without, _with)				\
	__builtin_choose_expr(						\
		__builtin_types_compatible_p(				\
			typeof(((struct header_ops *)NULL)->parse),	\
			int (*)(const struct sk_buff *, unsigned char *)), \
		_without, _with)

/* Attributes of a dump request moved into an embedded genl_info. */
static inline struct nlattr **dmvpn_dump_attrs(struct netlink_callback *cb)
{
#ifdef DMVPN_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

#endif
