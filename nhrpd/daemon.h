/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon: the engine in its world: devices, sockets, configuration.
 *
 * main.c builds one struct daemon and turns its loop; control.c reads it to
 * answer the operator. Everything runs in the loop's thread.
 */
#ifndef NHRPD_DAEMON_H
#define NHRPD_DAEMON_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "config.h"
#include "engine.h"
#include "event.h"

#define DAEMON_CONF	"/etc/nhrpd.conf"
#define DAEMON_REASON	200
#define DAEMON_SOCKET	"/run/nhrpd.sock"	/* control socket's default */

struct control;
struct frame;
struct ipsec;
struct kernel;
struct kernel_peer;
struct narrow;
struct rtnl;

/* An address of the device. */
struct daemon_addr {
	struct addr addr;		/* none: there is none */
	uint8_t plen;
	bool added;			/* by this process */
};

/* One `interface` of the configuration and what is there of it now. */
struct daemon_iface {
	struct daemon_iface *next;	/* in the order of the file */
	char name[IFNAMSIZ];
	const struct conf_iface *conf;	/* into daemon.conf */
	unsigned int ifindex;		/* 0: no device at the moment */
	bool created;			/* by this process, not adopted */
	bool up;			/* IFF_UP */
	struct addr local;		/* own NBMA address, none: none now */
	struct daemon_addr addr[__CONF_FAMILY_MAX];	/* protocol, in use */
	struct daemon_addr link_local;	/* of IPv6, in use */
	bool runs[__CONF_FAMILY_MAX];	/* NHRP, for this family */
	uint32_t features;		/* enum dmvpn_feature, of the module */
	uint32_t mtu;			/* of the device */
	uint32_t mark_mask;		/* of it: these bits tell peers apart */
	unsigned int vrf;		/* ifindex of its VRF, 0: none */
	char reason[DAEMON_REASON];	/* why NHRP does not run; "": it does */
	char ipv6_reason[DAEMON_REASON];	/* the same for IPv6 alone */
	/* device.c only */
	bool running;			/* the engine has it */
	bool applied;			/* @conf was written to the device */
	bool changed;			/* @conf is new to the engine */
	bool vanished;			/* an adopted device went away */
	struct kernel_peer *operators;	/* peers that an operator had made */
	size_t n_operators;
	bool mcast_told;		/* told that the module does not copy */
	bool dormant;			/* `if-state nhrp`: no NHS is up */
	bool inet6;			/* IPv6 addresses were written since
					 * the device came up */
};

struct daemon {
	struct event_loop *loop;
	struct engine *engine;
	struct conf *conf;		/* in force */
	struct kernel *kernel;		/* genetlink; see kernel.h */
	struct rtnl *rtnl;		/* rtnetlink; see rtnl.h */
	struct frame *frame;		/* packet socket; see frame.h */
	struct ipsec *ipsec;		/* protected tunnels; see ipsec.h */
	struct narrow *narrow;		/* routes beneath a prefix */
	struct control *control;
	struct daemon_iface *ifaces;
	const char *conf_path;
	const char *socket_path;	/* of -S, NULL: the configuration's */
	uint64_t started;		/* event_now() */
	uint64_t reloaded;		/* event_now() of the last success */
	char error[256];		/* why the last reload was refused */
	/* daemon.c only */
	struct event_timer *timer;	/* engine_deadline() */
	uint64_t timer_at;		/* what @timer is set to */
	struct event_timer *retry;	/* while an interface has a reason */
	bool check;			/* look at links and addresses again */
};

/*
 * Brings up everything that @d->conf (read by the caller, from @d->conf_path)
 * asks for: sockets, devices, adoption, control socket. -errno after a log
 * line that tells why; daemon_stop() is due then, too.
 */
int daemon_start(struct daemon *d);
/* Closes everything. The kernel keeps devices, peers, neighbours and
 * shortcuts; a device that waits for an NHS waits no longer. */
void daemon_stop(struct daemon *d);

/*
 * Reads the configuration again and applies the difference. A file with an
 * error changes nothing: -EINVAL, and @d->error has the one line why.
 */
int daemon_reload(struct daemon *d);

/* By index or by name; NULL: not one of ours. */
struct daemon_iface *daemon_iface(struct daemon *d, unsigned int ifindex);
struct daemon_iface *daemon_iface_named(struct daemon *d, const char *name);

#endif
