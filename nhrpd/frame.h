/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame: NHRP packets on the wire, through one packet socket for all devices
 * (EtherType 0x2001; the link-layer address is the NBMA address).
 *
 * What is sent in one turn of the loop leaves with one sendmmsg(), what came
 * in is fetched with recvmmsg().
 */
#ifndef NHRPD_FRAME_H
#define NHRPD_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "event.h"

struct frame;

struct frame_stats {
	uint64_t sent, received;
	uint64_t send_failed;		/* refused by the kernel */
	uint64_t send_full;		/* the socket did not drain in time */
	uint64_t bad_frame;		/* too long, or without NBMA address */
	uint64_t recv_lost;		/* dropped by the kernel, queue full */
};

typedef void (*frame_cb)(void *ctx, unsigned int ifindex,
			 const struct addr *nbma, uint32_t mark,
			 const uint8_t *buf, size_t len);

/* @cb gets frames of every device of the namespace. -errno. */
int frame_open(struct frame **f, struct event_loop *loop, frame_cb cb,
	       void *ctx);
/* Sends what is queued. NULL is fine. */
void frame_close(struct frame *f);

/* Queues one packet of at most NHRP_PACKET_MAX bytes. */
void frame_send(struct frame *f, unsigned int ifindex, const struct addr *nbma,
		uint32_t mark, const uint8_t *buf, size_t len);
/* Sends the queue; call once a turn. */
void frame_flush(struct frame *f);

const struct frame_stats *frame_stats(struct frame *f);

#endif
