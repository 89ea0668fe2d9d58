/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route: what the FIB says about one address, for `path`, `why` and `show`. */
#ifndef TOOLS_ROUTE_H
#define TOOLS_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "../nhrpd/addr.h"
#include "../nhrpd/object.h"

struct nl;
struct nlmsghdr;

struct route {
	uint8_t type;			/* RTN_*; RTN_UNSPEC: no route */
	uint8_t protocol;		/* RTPROT_* */
	unsigned int ifindex;		/* egress */
	struct addr gateway;		/* none: on link */
	struct addr prefix;		/* the route that matched */
	uint8_t plen;
};

/*
 * The route to @dst as a packet would meet it, in the table of @vrf (ifindex,
 * 0: none), or by the device of a link-local address. @nl is of nl_open_route(). False: there is none, nl->error says
 * why.
 */
bool route_get(struct nl *nl, unsigned int vrf, const struct addr *dst,
	       struct route *r);
/* The matched prefix alone; half the work. */
bool route_match(struct nl *nl, unsigned int vrf, const struct addr *dst,
		 struct route *r);
/* The VRF that @ifindex is in, 0: none. */
unsigned int route_vrf(struct nl *nl, unsigned int ifindex);

/* `prefix`, `prefix_length`, `gateway`, `dev`, `type`, `protocol`. */
struct json_object *route_object(const struct route *r);

/* Reads an RTM_NEWROUTE. Pure, for tests. False: it is none. */
bool route_parse(const struct nlmsghdr *h, struct route *r);

#endif
