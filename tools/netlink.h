/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink: one blocking netlink socket over libmnl, with the kernel's own
 * words (extack) for whatever it refuses. Used by the command's `link` and
 * `peer`, by what reads the kernel's tables, and by `monitor`.
 */
#ifndef TOOLS_NETLINK_H
#define TOOLS_NETLINK_H

#include <stdint.h>

#include <libmnl/libmnl.h>

#include "../nhrpd/addr.h"

struct nl {
	struct mnl_socket *sock;
	uint32_t seq;
	uint16_t family;		/* genl id of "dmvpn" */
	uint32_t grp_events;		/* its multicast groups, 0: none */
	uint32_t grp_upcalls;
	char error[256];		/* why the last call failed */
	char req[4096];
	char buf[65536];
};

/* Opens a NETLINK_ROUTE socket. -errno. Close with nl_close(). */
int nl_open_route(struct nl *nl);
/*
 * Opens a NETLINK_GENERIC socket and looks the family up, which loads the
 * module when it can be found. -ENOENT: there is no module.
 */
int nl_open_dmvpn(struct nl *nl);
/* Harmless on a socket that never opened or was closed. */
void nl_close(struct nl *nl);

/*
 * Begins the one request of @nl; the answer comes to nl_talk(). Attributes
 * are put with mnl_attr_put_*(); what is put must fit nl->req.
 */
struct nlmsghdr *nl_route_msg(struct nl *nl, uint16_t type, uint16_t flags);
struct nlmsghdr *nl_dmvpn_msg(struct nl *nl, uint8_t cmd, uint16_t flags);

void nl_put_addr(struct nlmsghdr *h, uint16_t attr, const struct addr *a);
/* A bitfield32: @value within @selector. */
void nl_put_flags(struct nlmsghdr *h, uint16_t attr, uint32_t value,
		  uint32_t selector);

/*
 * Sends the request and calls @cb (may be NULL) for each answer until the
 * kernel says that it is done. 0 or -errno; then nl->error tells the kernel's
 * reason. @cb returns MNL_CB_OK.
 */
int nl_talk(struct nl *nl, struct nlmsghdr *h, mnl_cb_t cb, void *ctx);

/* Attributes behind @offset bytes of payload into @tb (@max + 1 entries);
 * types beyond @max are left out. */
void nl_attrs(const struct nlmsghdr *h, size_t offset,
	      const struct nlattr **tb, unsigned int max);
void nl_nested(const struct nlattr *nest, const struct nlattr **tb,
	       unsigned int max);

/* An unsigned integer of 1, 2, 4 or 8 bytes; 0 for anything else. */
uint64_t nl_uint(const struct nlattr *a);

#endif
