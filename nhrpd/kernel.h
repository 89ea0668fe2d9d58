/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel: the dmvpn module as the daemon sees it, generic netlink family
 * "dmvpn" (include/uapi/linux/dmvpn.h).
 *
 * Requests that change something are batched and leave with kernel_flush();
 * the kernel answers only when it refuses one, and that is logged with the
 * object and the kernel's text. Questions are answered at once.
 */
#ifndef NHRPD_KERNEL_H
#define NHRPD_KERNEL_H

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/dmvpn.h>

#include "addr.h"
#include "engine.h"
#include "event.h"

/* DMVPN_PEER_A_COOKIE of the peers that nhrpd sets; whoever makes a peer by
 * hand gives it another one, or none, and keeps it. */
#define KERNEL_PEER_COOKIE	"nhrpd"

struct kernel;

struct kernel_neigh {
	unsigned int ifindex;
	uint32_t id;
	struct engine_neigh n;
	bool used;			/* ever */
	uint64_t used_ago;		/* ms */
};

struct kernel_shortcut {
	unsigned int ifindex;
	uint32_t id;
	struct engine_shortcut s;
	bool used;			/* ever */
	uint64_t used_ago;		/* ms */
};

/* What data may use a peer for. */
struct kernel_rank {
	uint32_t flags;			/* enum dmvpn_peer_flag */
	uint32_t priority;
};

struct kernel_peer {
	unsigned int ifindex;
	uint32_t id;
	struct addr nbma;
	uint32_t mark;
	uint32_t flags;			/* enum dmvpn_peer_flag */
	uint32_t priority;
	bool ours;			/* set by kernel_peer_set(), any process's */
	bool taken;			/* ours, but an operator's before */
	struct kernel_rank was;		/* of one that is @taken, then */
};

struct kernel_dev {
	unsigned int ifindex;
	char name[IFNAMSIZ];
	uint32_t features;		/* enum dmvpn_feature */
	struct addr local;		/* in use now, or none */
	uint32_t peers, neighs, shortcuts;
	uint64_t drops[__DMVPN_DROP_MAX];
	uint64_t counts[__DMVPN_COUNT_MAX];
};

struct kernel_upcall {
	unsigned int ifindex;
	struct addr nexthop, src, dst;
	struct addr nbma, ingress_nbma;	/* none: not told */
	uint32_t mark, ingress_mark;
	const uint8_t *head;		/* into the message */
	uint16_t head_len;
};

enum kernel_msg_type {
	KERNEL_MSG_OTHER,		/* of no interest, or not understood */
	KERNEL_MSG_DEV,
	KERNEL_MSG_NEIGH,
	KERNEL_MSG_SHORTCUT,
	KERNEL_MSG_PEER,
	KERNEL_MSG_UPCALL,
};

struct kernel_msg {
	uint8_t cmd;			/* enum dmvpn_cmd */
	enum kernel_msg_type type;
	union {
		struct kernel_dev dev;
		struct kernel_neigh neigh;
		struct kernel_shortcut shortcut;
		struct kernel_peer peer;
		struct kernel_upcall upcall;
	};
};

/*
 * Reads one message of the family. Pure: no socket is needed, for tests and
 * the fuzzer. -EBADMSG: broken, or without the attributes that make sense of
 * it. Attributes that this version does not know are skipped.
 */
int kernel_parse(const struct nlmsghdr *nlh, struct kernel_msg *m);

struct kernel_ops {
	/* An upcall, @cmd of enum dmvpn_cmd. */
	void (*upcall)(void *ctx, uint8_t cmd, const struct kernel_upcall *u);
	/* EXPIRED, USED, CHANGED or DELETED of a neighbour. */
	void (*neigh)(void *ctx, uint8_t cmd, const struct kernel_neigh *n);
	/* The same of a shortcut. */
	void (*shortcut)(void *ctx, uint8_t cmd,
			 const struct kernel_shortcut *s);
	/* Events were lost: compare with a dump. */
	void (*lost)(void *ctx);
};

/*
 * Finds the family, opens the sockets and subscribes to its events; calls
 * come from then on. @ops and @ctx must outlive it. -ENOENT: there is no such
 * family, the module is not loaded; other -errno with text in @err.
 */
int kernel_open(struct kernel **k, struct event_loop *loop,
		const struct kernel_ops *ops, void *ctx, char *err,
		size_t errlen);
/* Sends what is batched, forgets what was not answered. NULL is fine. */
void kernel_close(struct kernel *k);

/* Batched; a missing object is created. */
void kernel_neigh_set(struct kernel *k, unsigned int ifindex,
		      const struct engine_neigh *n);
void kernel_neigh_del(struct kernel *k, unsigned int ifindex,
		      const struct addr *addr);
void kernel_shortcut_set(struct kernel *k, unsigned int ifindex,
			 const struct engine_shortcut *s);
void kernel_shortcut_del(struct kernel *k, unsigned int ifindex,
			 const struct addr *prefix, uint8_t plen);
/* The peer's cookie says from then on that it is the daemon's (kernel_peer
 * tells it as @ours): KERNEL_PEER_COOKIE, and behind it @was when an operator
 * had made the peer; else NULL. */
void kernel_peer_set(struct kernel *k, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark, uint32_t flags,
		     uint32_t priority, const struct kernel_rank *was);
/* The operator's peer is what it was, and nobody's of the daemon's. */
void kernel_peer_give_back(struct kernel *k, unsigned int ifindex,
			   const struct addr *nbma, uint32_t mark,
			   const struct kernel_rank *was);
void kernel_peer_del(struct kernel *k, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark);
/* Sends the batch; call once a turn. */
void kernel_flush(struct kernel *k);

/* Asked and answered at once, @ifindex 0: all devices. What was batched before
 * is sent first. -errno, logged. */
int kernel_each_neigh(struct kernel *k, unsigned int ifindex,
		      void (*cb)(void *ctx, const struct kernel_neigh *n),
		      void *ctx);
int kernel_each_shortcut(struct kernel *k, unsigned int ifindex,
			 void (*cb)(void *ctx, const struct kernel_shortcut *s),
			 void *ctx);
int kernel_each_peer(struct kernel *k, unsigned int ifindex,
		     void (*cb)(void *ctx, const struct kernel_peer *p),
		     void *ctx);
/* -ENODEV: no device of ours. */
int kernel_dev_get(struct kernel *k, unsigned int ifindex,
		   struct kernel_dev *dev);

#endif
