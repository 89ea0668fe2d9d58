/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device: one `interface` section made true: device, address, MTU, and the
 * engine told of it. Called by daemon.c only.
 *
 * device_look() compares what is with what should be and acts on the
 * difference; it may be called at any time and does nothing when all is well.
 */
#ifndef NHRPD_DEVICE_H
#define NHRPD_DEVICE_H

#include "daemon.h"

struct kernel_rank;

/* Creates or adopts the device, writes the section to it when that is due, and
 * keeps the engine up to date. True when nothing is left to wait for; else
 * i->reason says what is (logged when it changes). */
bool device_look(struct daemon *d, struct daemon_iface *i);

/* `if-state nhrp`: the interface runs, for all others of this host, while an
 * NHS is up (@on). Nothing happens when that is so already. */
void device_carrier(struct daemon *d, struct daemon_iface *i, bool on);

/* What a peer was that an operator had made before NHRP began on the device;
 * NULL: none such. Valid until the next device_look() or device_remove(). */
const struct kernel_rank *device_operators(const struct daemon_iface *i,
					   const struct addr *nbma,
					   uint32_t mark);

/* Creates the device when there is none of that name: the kernel loads the
 * module for it. 0, -EEXIST when a device of that name is there, or -errno
 * with the reason in i->reason. */
int device_create(struct daemon *d, struct daemon_iface *i);

/* The section is gone: NHRP ends here (unregisters), and what this process
 * added goes, the device or the address. @i stays the caller's. */
void device_remove(struct daemon *d, struct daemon_iface *i);

#endif
