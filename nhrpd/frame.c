/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame: NHRP packets on the wire; called by daemon.c.
 *
 * AF_PACKET/SOCK_DGRAM, EtherType 0x2001, bound to no device: devices come and
 * go, the caller knows which are its own. sll_addr is the NBMA address, the
 * source of what comes in and the destination of what goes out; the mark goes
 * along as control data both ways. Queues are fixed memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/dmvpn.h>

#include "frame.h"
#include "log.h"
#include "packet.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75			/* Linux 5.19 */
#endif

#define BATCH		64		/* packets in one system call */
#define BATCHES		8		/* read in a row before others run */
#define BUF_SIZE	2048		/* longer than any packet taken */
#define CONTROL		CMSG_SPACE(sizeof(uint32_t))
#define RCVBUF		(8 << 20)
#define SNDBUF		(4 << 20)

/* The kernel takes and gives as many bytes as sll_halen says; IPv6's 16 are
 * more than the struct of its header has. */
union lladdr {
	struct sockaddr_ll ll;
	uint8_t room[offsetof(struct sockaddr_ll, sll_addr) + 16];
};

struct slot {
	struct iovec iov;
	union lladdr to;		/* or from */
	union {				/* aligned for CMSG_FIRSTHDR() */
		char buf[CONTROL];
		struct cmsghdr align;
	} control;
	uint8_t data[BUF_SIZE];
};

struct frame {
	int fd;
	struct event_fd *watch;
	frame_cb cb;
	void *ctx;
	struct frame_stats stats;
	struct log_limit complaint, bad, lost, full;
	unsigned int first, n;		/* queued: tx[first] to tx[n - 1] */
	struct mmsghdr tx_msg[BATCH], rx_msg[BATCH];
	struct slot tx[BATCH], rx[BATCH];
};

/* ---- receiving ---- */

static uint32_t read_mark(struct msghdr *msg)
{
	struct cmsghdr *c;
	uint32_t mark = 0;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK &&
		    c->cmsg_len == CMSG_LEN(sizeof(mark)))
			memcpy(&mark, CMSG_DATA(c), sizeof(mark));
	return mark;
}

static struct addr nbma_of(const struct slot *s)
{
	return addr_from(s->to.room + offsetof(struct sockaddr_ll, sll_addr),
			 s->to.ll.sll_halen);
}

static void take_frame(struct frame *f, struct mmsghdr *m, struct slot *s)
{
	struct addr nbma = nbma_of(s);
	char more[40];

	if (!addr_is_set(&nbma) || m->msg_hdr.msg_flags & MSG_TRUNC) {
		f->stats.bad_frame++;
		if (log_allowed(&f->bad, event_now(), more))
			log_warn("frame: on interface %d, too long or without NBMA address%s",
				 s->to.ll.sll_ifindex, more);
		return;
	}
	f->stats.received++;
	f->cb(f->ctx, s->to.ll.sll_ifindex, &nbma, read_mark(&m->msg_hdr),
	      s->data, m->msg_len);
}

/* The kernel writes into names and lengths: set up anew each time. */
static void ready_slots(struct frame *f)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		struct msghdr *h = &f->rx_msg[i].msg_hdr;
		struct slot *s = &f->rx[i];

		s->iov.iov_base = s->data;
		s->iov.iov_len = sizeof(s->data);
		h->msg_name = &s->to;
		h->msg_namelen = sizeof(s->to);
		h->msg_iov = &s->iov;
		h->msg_iovlen = 1;
		h->msg_control = &s->control;
		h->msg_controllen = CONTROL;
		h->msg_flags = 0;
	}
}

/* One batch; false when there was no more to read. */
static bool receive(struct frame *f)
{
	int i, n;

	ready_slots(f);
	n = recvmmsg(f->fd, f->rx_msg, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++)
		take_frame(f, &f->rx_msg[i], &f->rx[i]);
	return n == BATCH;
}

/* Asking resets the kernel's counter. */
static void read_losses(struct frame *f)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);
	char more[40];

	if (getsockopt(f->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) ||
	    !st.tp_drops)
		return;
	f->stats.recv_lost += st.tp_drops;
	if (log_allowed(&f->lost, event_now(), more))
		log_warn("frame: %llu frames lost so far, more came in than are read",
			 (unsigned long long)f->stats.recv_lost);
}

static void fd_ready(void *ctx, unsigned int what)
{
	struct frame *f = ctx;
	unsigned int i = 0;

	while (what & EVENT_READ && i < BATCHES && receive(f))
		i++;
	if (i == BATCHES)		/* only then can there be losses */
		read_losses(f);
	if (what & EVENT_WRITE)
		frame_flush(f);
}

/* ---- sending ---- */

static void tell_failure(struct frame *f, const struct slot *s, int err)
{
	struct addr nbma = nbma_of(s);
	char text[ADDR_STRLEN], more[40];

	f->stats.send_failed++;
	if (log_allowed(&f->complaint, event_now(), more))
		log_warn("frame: to %s on interface %d: %s%s",
			 addr_text(&nbma, text), s->to.ll.sll_ifindex,
			 strerror(err), more);
}

void frame_flush(struct frame *f)
{
	bool full = false;
	int n;

	while (f->first < f->n && !full) {
		n = sendmmsg(f->fd, f->tx_msg + f->first, f->n - f->first,
			     MSG_DONTWAIT);
		if (n > 0) {
			f->first += n;
			f->stats.sent += n;
		} else if (errno == EAGAIN) {
			full = true;
		} else if (errno != EINTR) {
			tell_failure(f, &f->tx[f->first++], errno);
		}
	}
	if (!full)
		f->first = f->n = 0;
	event_fd_want(f->watch, full ? EVENT_READ | EVENT_WRITE : EVENT_READ);
}

static void put_mark(struct msghdr *h, struct slot *s, uint32_t mark)
{
	struct cmsghdr *c;

	h->msg_control = NULL;
	h->msg_controllen = 0;
	if (!mark)
		return;
	h->msg_control = &s->control;
	h->msg_controllen = CONTROL;
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SO_MARK;
	c->cmsg_len = CMSG_LEN(sizeof(mark));
	memcpy(CMSG_DATA(c), &mark, sizeof(mark));
}

void frame_send(struct frame *f, unsigned int ifindex, const struct addr *nbma,
		uint32_t mark, const uint8_t *buf, size_t len)
{
	struct msghdr *h;
	struct slot *s;
	char more[40];

	if (f->n == BATCH)
		frame_flush(f);
	if (f->n == BATCH) {
		f->stats.send_full++;
		if (log_allowed(&f->full, event_now(), more))
			log_warn("frame: the socket does not drain, a packet is not sent%s",
				 more);
		return;
	}
	if (len > NHRP_PACKET_MAX || !addr_is_set(nbma)) {
		f->stats.send_failed++;
		return;
	}
	s = &f->tx[f->n];
	h = &f->tx_msg[f->n++].msg_hdr;
	memset(&s->to, 0, sizeof(s->to));
	s->to.ll.sll_family = AF_PACKET;
	s->to.ll.sll_protocol = htons(DMVPN_ETH_P_NHRP);
	s->to.ll.sll_ifindex = ifindex;
	s->to.ll.sll_halen = nbma->len;
	memcpy(s->to.room + offsetof(struct sockaddr_ll, sll_addr), nbma->b,
	       nbma->len);
	memcpy(s->data, buf, len);
	s->iov.iov_base = s->data;
	s->iov.iov_len = len;
	h->msg_name = &s->to;
	h->msg_namelen = sizeof(s->to);
	h->msg_iov = &s->iov;
	h->msg_iovlen = 1;
	put_mark(h, s, mark);
}

/* ---- the socket ---- */

static void set_size(int fd, int force, int plain, int size)
{
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

int frame_open(struct frame **out, struct event_loop *loop, frame_cb cb,
	       void *ctx)
{
	struct frame *f = calloc(1, sizeof(*f));
	int ret, one = 1;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	f->cb = cb;
	f->ctx = ctx;
	f->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       htons(DMVPN_ETH_P_NHRP));
	if (f->fd < 0) {
		ret = -errno;
		goto err_free;
	}
	set_size(f->fd, SO_RCVBUFFORCE, SO_RCVBUF, RCVBUF);
	set_size(f->fd, SO_SNDBUFFORCE, SO_SNDBUF, SNDBUF);
	/* before 5.19 marks are not told: no two peers behind one address */
	setsockopt(f->fd, SOL_SOCKET, SO_RCVMARK, &one, sizeof(one));
	f->watch = event_fd_new(loop, f->fd, EVENT_READ, fd_ready, f);
	if (!f->watch) {
		ret = -ENOMEM;
		goto err_close;
	}
	*out = f;
	return 0;

err_close:
	close(f->fd);
err_free:
	free(f);
	return ret;
}

void frame_close(struct frame *f)
{
	if (!f)
		return;
	frame_flush(f);
	event_fd_free(f->watch);
	close(f->fd);
	free(f);
}

const struct frame_stats *frame_stats(struct frame *f)
{
	read_losses(f);
	return &f->stats;
}
