/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linklocal: the IPv6 link-local address of a tunnel, for device.c.
 *
 * Chosen as RFC 7217 does: the same at each start, different on each interface
 * and host, telling nothing of either. The kernel's own is made of the NBMA
 * address: it changes with it, and two spokes behind NATs may have the same.
 */
#ifndef NHRPD_LINKLOCAL_H
#define NHRPD_LINKLOCAL_H

#include "addr.h"

#define LINKLOCAL_PLEN	64
#define LINKLOCAL_SECRET 16		/* bytes */

/*
 * The address for interface @name. The tunnel address @proto goes into it: it
 * is the host's own in the whole cloud, also where machines were copied with
 * their /etc/machine-id, which is the secret.
 */
struct addr linklocal_choose(const char *name, const struct addr *proto);

/* The same with another secret. Pure, for tests. */
struct addr linklocal_from(const uint8_t secret[LINKLOCAL_SECRET],
			   const char *name, const struct addr *proto);

#endif
