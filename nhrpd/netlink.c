/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink: sockets, questions and careful attributes for rtnl.c and kernel.c.
 *
 * Every length is checked here, once: what the callers get from tb[] lies
 * within its message, and the typed readers give a default for a size that
 * does not fit. The kernel is trusted to mean well, not to be of our version.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

#define ERRNO_MAX 4095			/* the kernel's MAX_ERRNO */

static void set_options(struct netlink *nl, int rcvbuf)
{
	int fd = mnl_socket_get_fd(nl->sock), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	/* an older kernel without one of these only says less */
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one,
			      sizeof(one));
}

int netlink_open(struct netlink *nl, int protocol, int rcvbuf, bool block)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(protocol, SOCK_CLOEXEC |
				    (block ? 0 : SOCK_NONBLOCK));
	if (!nl->sock)
		return -errno;
	set_options(nl, rcvbuf);
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		ret = -errno;
		goto err;
	}
	nl->portid = mnl_socket_get_portid(nl->sock);
	if (!block)
		return 0;
	nl->buf = malloc(NETLINK_BUF);
	if (nl->buf)
		return 0;
	ret = -ENOMEM;
err:
	netlink_close(nl);
	return ret;
}

void netlink_close(struct netlink *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
	free(nl->buf);
	nl->buf = NULL;
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

int netlink_join(struct netlink *nl, unsigned int group)
{
	if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		return -errno;
	return 0;
}

struct nlmsghdr *netlink_put(struct netlink *nl, void *buf, uint16_t type,
			     uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	return nlh;
}

/* ---- question and answer ---- */

/* Finds the kernel's text among the attributes behind an error. */
static void read_text(const struct nlmsghdr *nlh, char *text, size_t size)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];
	size_t hdrlen = sizeof(*e);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* the request is quoted between, unless the kernel left it out */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < sizeof(e->msg))
			return;
		hdrlen += e->msg.nlmsg_len - sizeof(e->msg);
	}
	if (hdrlen > mnl_nlmsg_get_payload_len(nlh) ||
	    netlink_attrs(nlh, hdrlen, tb, NLMSGERR_ATTR_MSG))
		return;
	netlink_str(tb[NLMSGERR_ATTR_MSG], text, size);
}

int netlink_error(const struct nlmsghdr *nlh, char *text, size_t size)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	text[0] = '\0';
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ||
	    e->error > 0 || e->error < -ERRNO_MAX)
		return -EBADMSG;
	read_text(nlh, text, size);
	if (e->error && !text[0])
		snprintf(text, size, "%s", strerror(-e->error));
	return e->error;
}

/* One datagram, or -ETIMEDOUT; MSG_TRUNC in *flags when it was too long. */
static ssize_t receive(struct netlink *nl, int *flags)
{
	struct pollfd pfd = { .fd = netlink_fd(nl), .events = POLLIN };
	struct iovec iov = { .iov_base = nl->buf, .iov_len = NETLINK_BUF };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t len;
	int n;

	do
		n = poll(&pfd, 1, NETLINK_TIMEOUT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	len = recvmsg(netlink_fd(nl), &msg, MSG_DONTWAIT);
	*flags = msg.msg_flags;
	return len < 0 ? -errno : len;
}

struct talk {
	struct netlink *nl;
	uint32_t seq;
	int (*cb)(const struct nlmsghdr *nlh, void *ctx);
	void *ctx;
	bool done;
	bool changed;			/* a dump that is not of one piece */
	int error;			/* of the kernel, or of the callback */
};

static int take_answer(const struct nlmsghdr *nlh, void *ctx)
{
	struct talk *t = ctx;
	int ret;

	/* the rest of an answer that timed out before */
	if (nlh->nlmsg_seq != t->seq)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		t->changed = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		t->done = true;
		ret = netlink_error(nlh, t->nl->err, sizeof(t->nl->err));
		if (ret)
			t->error = ret;
		return 0;
	}
	if (nlh->nlmsg_type == NLMSG_DONE) {
		t->done = true;
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(ret) && !t->error) {
			memcpy(&ret, mnl_nlmsg_get_payload(nlh), sizeof(ret));
			t->error = ret < 0 ? ret : 0;
		}
		return 0;
	}
	if (t->cb && !t->error) {
		ret = t->cb(nlh, t->ctx);
		if (ret < 0)
			t->error = ret;
	}
	return 0;
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh,
		 int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx)
{
	struct talk t = { .nl = nl, .seq = nlh->nlmsg_seq, .cb = cb,
			  .ctx = ctx };
	ssize_t len;
	int flags = 0;

	nl->err[0] = '\0';
	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		t.error = -errno;
	while (!t.done && !t.error) {
		len = receive(nl, &flags);
		if (len < 0)
			t.error = len;
		else if (flags & MSG_TRUNC)
			t.error = -EMSGSIZE;
		else
			netlink_each(nl->buf, len, take_answer, &t);
	}
	if (t.error && !nl->err[0])
		snprintf(nl->err, sizeof(nl->err), "%s", strerror(-t.error));
	if (!t.error && t.changed)
		return -EINTR;
	return t.error;
}

int netlink_each(const void *buf, size_t len,
		 int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx)
{
	const struct nlmsghdr *nlh = buf;
	size_t step;
	int ret;

	/* not mnl_nlmsg_ok(): it takes a length beyond 2^31 for a small one */
	while (len >= sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= len) {
		ret = cb(nlh, ctx);
		if (ret < 0)
			return ret;
		step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
		if (step >= len)
			break;
		len -= step;
		nlh = (const void *)((const char *)nlh + step);
	}
	return 0;
}

/* ---- attributes ---- */

int netlink_sort(const void *attrs, size_t size, const struct nlattr **tb,
		 unsigned int max)
{
	const struct nlattr *a = attrs;
	int len = size;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	while (len > 0) {
		int step;

		if (!mnl_attr_ok(a, len))
			return -EBADMSG;
		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
		step = MNL_ALIGN(mnl_attr_get_len(a));
		len -= step;
		a = (const void *)((const char *)a + step);
	}
	return 0;
}

int netlink_attrs(const struct nlmsghdr *nlh, size_t hdrlen,
		  const struct nlattr **tb, unsigned int max)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	size_t skip = MNL_ALIGN(hdrlen);

	if (len < hdrlen)
		return -EBADMSG;
	if (len < skip)
		skip = len;
	return netlink_sort(mnl_nlmsg_get_payload_offset(nlh, skip),
			    len - skip, tb, max);
}

int netlink_nest(const struct nlattr *nest, const struct nlattr **tb,
		 unsigned int max)
{
	return netlink_sort(mnl_attr_get_payload(nest),
			    mnl_attr_get_payload_len(nest), tb, max);
}

uint8_t netlink_u8(const struct nlattr *a, uint8_t dflt)
{
	if (!a || mnl_attr_get_payload_len(a) != sizeof(uint8_t))
		return dflt;
	return mnl_attr_get_u8(a);
}

uint32_t netlink_u32(const struct nlattr *a, uint32_t dflt)
{
	if (!a || mnl_attr_get_payload_len(a) != sizeof(uint32_t))
		return dflt;
	return mnl_attr_get_u32(a);
}

uint64_t netlink_u64(const struct nlattr *a, uint64_t dflt)
{
	if (!a || mnl_attr_get_payload_len(a) != sizeof(uint64_t))
		return dflt;
	return mnl_attr_get_u64(a);
}

struct addr netlink_addr(const struct nlattr *a)
{
	if (!a)
		return addr_from(NULL, 0);
	return addr_from(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
}

void netlink_str(const struct nlattr *a, char *buf, size_t size)
{
	size_t len;

	buf[0] = '\0';
	if (!a)
		return;
	len = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	if (len >= size)
		return;
	memcpy(buf, mnl_attr_get_payload(a), len);
	buf[len] = '\0';
}

void netlink_put_addr(struct nlmsghdr *nlh, uint16_t type,
		      const struct addr *a)
{
	mnl_attr_put(nlh, type, a->len, a->b);
}
