/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl: links, addresses and the FIB, over rtnetlink.
 *
 * Questions and changes are answered at once (the kernel does not wait for
 * anything outside itself). What others change is told by calls without
 * details: the caller looks again.
 */
#ifndef NHRPD_RTNL_H
#define NHRPD_RTNL_H

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "engine.h"
#include "event.h"

#define RTNL_KIND "dmvpn"
#define RTNL_ROUTES_INTERVAL 100	/* ms between two calls of ops->routes */

struct rtnl;

struct rtnl_ops {
	/* Links or addresses changed, or it is not known whether; at most once
	 * a turn of the loop. */
	void (*links)(void *ctx);
	/* Routes changed, likewise; the first change is told at once, what
	 * follows within RTNL_ROUTES_INTERVAL together. */
	void (*routes)(void *ctx);
};

/* How a device encapsulates, IFLA_INFO_DATA of include/uapi/linux/dmvpn.h. */
struct rtnl_tunnel {
	enum conf_family underlay;	/* of @local and @remote, for good */
	struct addr local;		/* none: any */
	unsigned int local_dev;		/* ifindex followed, 0: none */
	unsigned int link;		/* ifindex it leaves by, or of its VRF, 0: by route */
	struct addr remote;		/* none: multipoint */
	bool has_key;
	uint32_t key;
	uint32_t network_id;
	uint32_t flags;			/* enum dmvpn_link_flag, without F_KEY */
	uint32_t mark_mask;		/* bits of the mark that tell peers apart */
	uint32_t redirect_interval;	/* ms */
	uint32_t oneway_interval;	/* ms, 0: off */
};

struct rtnl_link {
	unsigned int ifindex;
	char name[IFNAMSIZ];
	char kind[16];			/* "" for a plain device */
	bool up;			/* IFF_UP */
	bool dormant;			/* see rtnl_link_dormant() */
	uint32_t mtu;
	unsigned int vrf;		/* ifindex of its VRF, 0: none */
	struct rtnl_tunnel tunnel;	/* of kind RTNL_KIND */
};

struct rtnl_addr {
	struct addr addr;
	uint8_t plen;
	uint8_t scope;			/* RT_SCOPE_* */
	bool secondary;			/* of IPv6: temporary */
	bool deprecated;
	bool tentative;			/* or found to be a duplicate */
};

struct rtnl_prefix {			/* of one route */
	struct addr prefix;
	uint8_t plen;
	uint8_t type;			/* RTN_* */
	uint32_t table;
};

/* Reads RTM_NEWLINK, RTM_NEWADDR and the answer to RTM_GETROUTE. Pure, for
 * tests and the fuzzer. -EBADMSG, or -ENOENT: no such message. */
int rtnl_parse_link(const struct nlmsghdr *nlh, struct rtnl_link *l);
int rtnl_parse_addr(const struct nlmsghdr *nlh, unsigned int *ifindex,
		    struct rtnl_addr *a);
int rtnl_parse_route(const struct nlmsghdr *nlh, unsigned int prefer,
		     struct engine_route *r);
int rtnl_parse_prefix(const struct nlmsghdr *nlh, struct rtnl_prefix *p);

/* @ops and @ctx must outlive it. */
int rtnl_open(struct rtnl **r, struct event_loop *loop,
	      const struct rtnl_ops *ops, void *ctx);
void rtnl_close(struct rtnl *r);
/* The kernel's words on the last call that failed. */
const char *rtnl_error(const struct rtnl *r);

/* By name, or by @ifindex when it is not 0. -ENODEV: there is none. */
int rtnl_link_get(struct rtnl *r, unsigned int ifindex, const char *name,
		  struct rtnl_link *l);
/* Creates a device of RTNL_KIND, down; the kernel loads the module for it.
 * -EOPNOTSUPP: there is no such module. @mtu 0: the kernel's default. */
int rtnl_link_create(struct rtnl *r, const char *name,
		     const struct rtnl_tunnel *t, uint32_t mtu);
/* Changes what differs between @now and @t, as far as the module can
 * (@features, enum dmvpn_feature: it refuses the rest). 1 when something was
 * changed, 0 when nothing differed. */
int rtnl_link_change(struct rtnl *r, unsigned int ifindex,
		     const struct rtnl_tunnel *now,
		     const struct rtnl_tunnel *t, uint32_t features);
int rtnl_link_mtu(struct rtnl *r, unsigned int ifindex, uint32_t mtu);
int rtnl_link_up(struct rtnl *r, unsigned int ifindex);
/*
 * RFC 2863 `dormant` (Documentation/networking/operstates.rst): the interface
 * waits for a protocol. It is not running for others (no IFF_RUNNING), yet
 * NHRP passes, which it would not without carrier.
 */
int rtnl_link_dormant(struct rtnl *r, unsigned int ifindex, bool dormant);
int rtnl_link_del(struct rtnl *r, unsigned int ifindex);
/* The kernel makes no link-local address for the device; before it is up.
 * -EAFNOSUPPORT: a system without IPv6. */
int rtnl_link_no_ll(struct rtnl *r, unsigned int ifindex);

/* Addresses of an interface in the kernel's order. */
int rtnl_each_addr(struct rtnl *r, unsigned int ifindex,
		   enum conf_family family,
		   void (*cb)(void *ctx, const struct rtnl_addr *a), void *ctx);
/*
 * -EEXIST and -EADDRNOTAVAIL when it is there, or not there, already. An IPv6
 * address is valid at once: nobody hears duplicate address detection here.
 */
int rtnl_addr_add(struct rtnl *r, unsigned int ifindex, const struct addr *a,
		  uint8_t plen);
int rtnl_addr_del(struct rtnl *r, unsigned int ifindex, const struct addr *a,
		  uint8_t plen);
/*
 * The address that DMVPN follows on an interface: the first that is primary,
 * of a wider scope than the link and no loopback address; of IPv6 addresses,
 * whose order says nothing, the lowest, once duplicate address detection is
 * over, deprecated ones last. None when there is none. @plen may be NULL.
 */
struct addr rtnl_primary(struct rtnl *r, unsigned int ifindex,
			 enum conf_family family, uint8_t *plen);
/* The IPv6 link-local address, the lowest of several; none: there is none. */
struct addr rtnl_link_local(struct rtnl *r, unsigned int ifindex);

/*
 * The route that covers @dst, in the table of @vrf (0: none). Of several next
 * hops the one through interface @prefer is told; link-local addresses are
 * that interface's. Not found: no route, or one that leads nowhere.
 */
struct engine_route rtnl_route(struct rtnl *r, unsigned int vrf,
			       unsigned int prefer, const struct addr *dst);
/* The table that this route is in, 0: there is none. */
uint32_t rtnl_table(struct rtnl *r, unsigned int vrf, const struct addr *dst);
/*
 * All routes of a table, in the kernel's order, over a socket of their own.
 * Stops when @cb returns below 0, which is returned.
 */
int rtnl_each_route(enum conf_family family, uint32_t table,
		    int (*cb)(void *ctx, const struct rtnl_prefix *p),
		    void *ctx);
/* Routes have changed, and ops->routes is still to be told. */
bool rtnl_routes_pending(const struct rtnl *r);

#endif
