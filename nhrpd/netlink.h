/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink: a netlink socket and the question-and-answer on it, over libmnl.
 * What rtnl.c and kernel.c share; it knows no family.
 */
#ifndef NHRPD_NETLINK_H
#define NHRPD_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define NETLINK_TIMEOUT	2000		/* ms a question waits for its answer */
#define NETLINK_BUF	32768		/* of one datagram */

struct netlink {
	struct mnl_socket *sock;	/* NULL: closed */
	uint32_t portid;
	uint32_t seq;			/* of the last request */
	void *buf;			/* of netlink_talk() */
	char err[200];			/* the kernel's words on the last error */
};

/*
 * Opens a socket of @protocol (NETLINK_ROUTE, NETLINK_GENERIC) with @rcvbuf
 * bytes of receive buffer, beyond the system's limit when the caller may.
 * @block: for netlink_talk(); else the descriptor does not block. -errno.
 */
int netlink_open(struct netlink *nl, int protocol, int rcvbuf, bool block);
/* Safe on a zeroed or closed one. */
void netlink_close(struct netlink *nl);
int netlink_fd(const struct netlink *nl);
int netlink_join(struct netlink *nl, unsigned int group);

/* A message begun in @buf (NETLINK_BUF bytes) with the next number. */
struct nlmsghdr *netlink_put(struct netlink *nl, void *buf, uint16_t type,
			     uint16_t flags);

/*
 * Sends @nlh and hands each message of the answer to @cb (may be NULL) until
 * the kernel has said all; NLM_F_ACK is added unless it is a dump. 0, -errno
 * of the kernel with its text in @nl->err, -ETIMEDOUT after NETLINK_TIMEOUT of
 * silence, -EINTR for a dump that changed while it was read (ask again), or
 * what @cb returned below 0.
 */
int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh,
		 int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx);

/*
 * The error of an NLMSG_ERROR (0: an acknowledgement), with the kernel's text
 * or that of errno in @text. -EBADMSG for a message that is too short.
 */
int netlink_error(const struct nlmsghdr *nlh, char *text, size_t size);

/* Walks the messages of a datagram; stops at the first that does not fit or
 * when @cb returns below 0, which it returns. */
int netlink_each(const void *buf, size_t len,
		 int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx);

/*
 * Sorts attributes into @tb by type, @max + 1 places: those of a nest, those of
 * a message behind @hdrlen bytes of its family's header, those in @size bytes.
 * Unknown types are skipped: a newer kernel may say more. -EBADMSG when one
 * runs out of its container.
 */
int netlink_sort(const void *attrs, size_t size, const struct nlattr **tb,
		 unsigned int max);
int netlink_attrs(const struct nlmsghdr *nlh, size_t hdrlen,
		  const struct nlattr **tb, unsigned int max);
int netlink_nest(const struct nlattr *nest, const struct nlattr **tb,
		 unsigned int max);

/* Values with a default for an attribute that is absent or of another size. */
uint8_t netlink_u8(const struct nlattr *a, uint8_t dflt);
uint32_t netlink_u32(const struct nlattr *a, uint32_t dflt);
uint64_t netlink_u64(const struct nlattr *a, uint64_t dflt);
/* No address when absent or of a length that is none. */
struct addr netlink_addr(const struct nlattr *a);
/* Copies a string, always terminated; empty when absent or too long. */
void netlink_str(const struct nlattr *a, char *buf, size_t size);

void netlink_put_addr(struct nlmsghdr *nlh, uint16_t type,
		      const struct addr *a);

#endif
