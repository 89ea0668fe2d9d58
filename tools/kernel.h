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
 * kernel_shortcuts(): likewise; -EOPNOTSUPP from a module without them.
 * kernel_rows(): neighbours joined with the peers they point to; a peer that
 * no neighbour points to has `protocol` null, a neighbour without peer has
 * `nbma` null.
 */
struct json_object *kernel_devices(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_peers(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_neighs(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_shortcuts(struct nl *nl, unsigned int ifindex);
struct json_object *kernel_rows(struct nl *nl, unsigned int ifindex);

/*
 * One object each, for the caller to put; NULL with the reason in nl->error.
 *
 * kernel_path(): DMVPN_CMD_PATH_GET for @dst, routed to @nexthop.
 * kernel_peer(), kernel_neigh(), kernel_shortcut(): by key.
 */
struct json_object *kernel_path(struct nl *nl, unsigned int ifindex,
				const struct addr *dst,
				const struct addr *nexthop);
struct json_object *kernel_peer(struct nl *nl, unsigned int ifindex,
				const struct addr *nbma, uint32_t mark);
struct json_object *kernel_neigh(struct nl *nl, unsigned int ifindex,
				 const struct addr *addr);
struct json_object *kernel_shortcut(struct nl *nl, unsigned int ifindex,
				    const struct addr *prefix, uint8_t plen);

/*
 * Shows what @read gives of the device @ifindex, or of all (0), as the member
 * @key of each: in JSON, or one after the other by @print. Returns the exit
 * code.
 */
int kernel_show(struct cli *c, unsigned int ifindex, const char *key,
		struct json_object *(*read)(struct nl *nl,
					    unsigned int ifindex, void *ctx),
		void *ctx, void (*print)(FILE *out,
					 const struct json_object *dev));

/* One notification as an object, NULL when it is none that we know. */
struct json_object *kernel_event(const struct nlmsghdr *h);

/*
 * Takes an optional device name from the arguments, behind `dev` or not.
 * CLI_OK with *ifindex 0
 * when none is given; CLI_REFUSED after a complaint when it does not exist.
 */
int kernel_take_dev(struct cli *c, const char **name, unsigned int *ifindex);

#endif
