/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xfrm: what nhrpd itself does with the kernel's IPsec, over XFRM netlink.
 *
 * Blocking policies: GRE of a protected tunnel's local address (and key, where
 * the module looks it up) is dropped where no SA covers it. Their priority is
 * lower than that of any policy of charon. They stay when nhrpd ends, whatever
 * ends it, and come back when somebody flushes policies.
 *
 * SAs: their end is told (sa.h), those that a dead charon left are listed and
 * deleted.
 */
#ifndef NHRPD_XFRM_H
#define NHRPD_XFRM_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "event.h"

/* How our blocking policies are known again; strongSwan's end below 400000. */
#define XFRM_BLOCK_PRIORITY	4000047

struct xfrm;

struct xfrm_block {
	struct addr local;
	bool has_key;			/* this GRE key alone */
	uint32_t key;
};

struct xfrm_sa {			/* addresses as in the outer header */
	struct addr src, dst;
	uint32_t spi;			/* host order, as charon writes it */
	uint32_t reqid;
	uint32_t mark, mark_mask;
	uint32_t set_mark;		/* what its packets get */
	uint64_t added;			/* seconds since 1970 */
	bool transport;
	bool encap;			/* in UDP: NAT is between */
};

/* What else the kernel tells of an SA, to be shown. No keys. */
struct xfrm_use {
	struct xfrm_sa sa;
	uint64_t bytes, packets;
	uint64_t hard_seconds;		/* lifetime; 0: without end */
	uint32_t replay_window;		/* packets; 0: no protection */
	uint32_t replayed, forged;	/* packets refused */
	uint32_t key_bits, icv_bits;
	char encryption[64], integrity[64];	/* in the kernel's words */
};

enum xfrm_msg_type {
	XFRM_OTHER,			/* of no interest, or not understood */
	XFRM_SA,			/* of a dump */
	XFRM_SA_DELETED,
	XFRM_SA_EXPIRED,		/* @hard */
	XFRM_SAS_FLUSHED,
	XFRM_BLOCK,			/* one of ours, of a dump */
	XFRM_BLOCK_DELETED,
	XFRM_POLICIES_FLUSHED,
};

struct xfrm_msg {
	enum xfrm_msg_type type;
	bool hard;
	bool out;			/* of a block: direction */
	struct xfrm_sa sa;
	struct xfrm_block block;
};

/*
 * Reads one message. Pure, for tests and the fuzzer. -EBADMSG: too short for
 * what it says it is. ESP only; all else is XFRM_OTHER.
 */
int xfrm_parse(const struct nlmsghdr *nlh, struct xfrm_msg *m);

/* Reads one SA of a dump. Pure. False: broken, or not an ESP SA. */
bool xfrm_parse_use(const struct nlmsghdr *nlh, struct xfrm_use *u);

/* The request for one direction of @b, in @nlh with type and flags set: all
 * attributes that it needs. @del: to delete it. Pure. */
void xfrm_build_block(struct nlmsghdr *nlh, const struct xfrm_block *b,
		      bool out, bool del);
void xfrm_build_sa_del(struct nlmsghdr *nlh, const struct xfrm_sa *sa);

struct xfrm_ops {
	/* An ESP SA has gone; @hard: its lifetime was over. */
	void (*sa_gone)(void *ctx, uint32_t spi, bool hard);
	/* All SAs, or all policies, were flushed, or events were lost: what
	 * charon installed may be gone. */
	void (*flushed)(void *ctx);
};

struct xfrm_counts {
	uint64_t blocks_set, blocks_restored, sa_deleted, expired, flushes;
	uint64_t malformed, lost, errors;
};

/*
 * Opens the sockets, in the network namespace of that file; "": in our own.
 * @ops and @ctx must outlive it. -errno, text in @err.
 */
int xfrm_open(struct xfrm **x, struct event_loop *loop, const char *netns,
	      const struct xfrm_ops *ops, void *ctx, char *err, size_t errlen);
/* Leaves the policies. NULL is fine. */
void xfrm_close(struct xfrm *x);

/* Counted: the policies go with the last del of an equal block. -errno,
 * logged; -ENOMEM. A block whose policy cannot be set is not held. */
int xfrm_block_add(struct xfrm *x, const struct xfrm_block *b);
void xfrm_block_del(struct xfrm *x, const struct xfrm_block *b);
/* Deletes the blocks in the kernel that nobody added: a daemon before this one
 * left them. Call when all that is configured has been added. -errno. */
int xfrm_block_tidy(struct xfrm *x);

/* Asked and answered at once: all ESP SAs. -errno, logged. */
int xfrm_each_sa(struct xfrm *x,
		 void (*cb)(void *ctx, const struct xfrm_sa *sa), void *ctx);
/* The same with what is to be shown of them. */
int xfrm_each_use(struct xfrm *x,
		  void (*cb)(void *ctx, const struct xfrm_use *u), void *ctx);
/* How many packets went through it; 0 as well when it has gone. Errors are
 * counted. */
uint64_t xfrm_sa_packets(struct xfrm *x, const struct xfrm_sa *sa);
/* 0 as well when it has gone already. -errno, logged. */
int xfrm_sa_del(struct xfrm *x, const struct xfrm_sa *sa);

void xfrm_counts(const struct xfrm *x, struct xfrm_counts *s);

#endif
