/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel: the module's tables as objects, straight over generic netlink, so
 * that they can be seen when no daemon runs.
 */
#ifndef TOOLS_KERNEL_H
#define TOOLS_KERNEL_H

#include "cli.h"
#include "netlink.h"
#include "field.h"

/*
 * Opens @nl to the module. CLI_OK, or the exit code after a complaint;
 * nl_close() is due in both cases.
 */
int kernel_open(struct cli *c, struct nl *nl);

/*
 * New arrays, for the caller to put; NULL with the reason in nl->error.
 *
 * kernel_devices(): every device of the namespace, or the one of that index
 * (-ENODEV in errno when there is none).
 * kernel_peers(), kernel_neighs(): what @ifindex holds, in the order of ids.
 * kernel_rows(): neighbours joined with the peers they point to; a peer that
 * no neighbour points to has `protocol` null, a neighbour without peer has
 * `nbma` null.
 */
struct json_object *kernel_devices(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_peers(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_neighs(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_rows(struct nl *nl, unsigned int ifindex);

/* One notification as an object, NULL when it is none that we know. */
struct json_object *kernel_event(const struct nlmsghdr *h);

/*
 * Takes an optional device name from the arguments. CLI_OK with *ifindex 0
 * when none is given; CLI_REFUSED after a complaint when it does not exist.
 */
int kernel_take_dev(struct cli *c, const char **name, unsigned int *ifindex);

#endif
