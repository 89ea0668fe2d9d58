// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nhrpgen: many spokes that register with one hub, as fast as it answers.
 *
 *	nhrpgen DEV HUB-NBMA HUB-PROTO NBMA PROTO COUNT KEY PID...
 *
 * Spoke i, below COUNT, is NBMA + i outside and PROTO + i inside. WINDOW
 * requests are under way at a time; what is not answered in two seconds is sent
 * again. DEV is a wire to the hub, whose end has the Ethernet address
 * 02:02:02:02:02:02. KEY 0: none. Prints one line:
 *
 *	answered refused again seconds own-cpu-seconds cpu-seconds-of-PID...
 *
 * A frame is built as RFC 2332, 5.2.3 and the extensions 5.3.1 to 5.3.3 say.
 * Used by hub.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW		256u
#define BATCH		64u
#define AGAIN		2.0	/* seconds */
#define FRAME		256u
#define HOLDING		600

enum { REGISTRATION_REQUEST = 3, REGISTRATION_REPLY = 4 };

struct spoke {
	double sent;		/* 0: not yet */
	bool answered;
};

struct run {
	int fd;
	uint32_t hub_nbma, hub_proto, nbma, proto, key, count;
	uint32_t base;		/* of the request ids: those of this run */
	uint32_t next, pending, answered, refused, again;
	struct spoke *spokes;
};

static void die(const char *what)
{
	fprintf(stderr, "nhrpgen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	return clock_gettime(clock, &t) ? 0 : (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_of(const char *pid)
{
	clockid_t clock;

	return clock_getcpuclockid((pid_t)atoi(pid), &clock) ? 0 : seconds(clock);
}

/* ---- a frame ---- */

static uint8_t *put8(uint8_t *p, unsigned int v)
{
	*p = (uint8_t)v;
	return p + 1;
}

static uint8_t *put16(uint8_t *p, unsigned int v)
{
	return put8(put8(p, v >> 8), v & 0xff);
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (; len > 1; p += 2, len -= 2)
		sum += get16(p);
	if (len)
		sum += (uint32_t)*p << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Registration Request: common header, mandatory part, one entry, empty
 * Responder, Forward and Reverse extensions, End.
 */
static uint8_t *put_nhrp(uint8_t *start, const struct run *r, uint32_t i)
{
	uint8_t *p = start;

	p = put16(put16(p, 1), ETH_P_IP);
	p = put32(p, 0);
	p = put16(p, 255);			/* SNAP's last byte, hop count */
	p = put16(put16(put16(p, 0), 0), 52);	/* size, sum, extensions */
	p = put16(put8(put8(p, 1), REGISTRATION_REQUEST), 0x0400);
	p = put16(put8(put8(p, 4), 4), 0x0002);	/* not unique; NAT known */
	p = put32(put32(p, r->base + i), r->nbma + i);
	p = put32(put32(p, r->proto + i), r->hub_proto);
	p = put16(put8(put8(p, 0), 32), 0);	/* code, prefix */
	p = put32(put16(put16(p, 1400), HOLDING), 0);
	p = put32(put32(put32(p, 0x80030000), 0x80040000), 0x80050000);
	p = put32(p, 0x80000000);
	put16(start + 10, (unsigned int)(p - start));
	put16(start + 12, checksum(start, (size_t)(p - start)));
	return p;
}

static size_t build(uint8_t *frame, const struct run *r, uint32_t i)
{
	uint8_t *ip = frame + ETH_HLEN, *p;

	memset(frame, 2, ETH_ALEN);
	memset(frame + ETH_ALEN, 6, ETH_ALEN);
	put16(frame + 12, ETH_P_IP);
	p = put32(put32(ip, 0x45c00000), 0x4000);
	p = put32(put32(put32(p, 0xff2f0000), r->nbma + i), r->hub_nbma);
	p = put16(put16(p, r->key ? 0x2000 : 0), 0x2001);
	if (r->key)
		p = put32(p, r->key);
	p = put_nhrp(p, r, i);
	put16(ip + 2, (unsigned int)(p - ip));
	put16(ip + 10, checksum(ip, 20));
	return (size_t)(p - frame);
}

/* ---- the exchange ---- */

static void flush(struct run *r, struct mmsghdr *m, unsigned int n)
{
	unsigned int done = 0;

	while (done < n) {
		int sent = sendmmsg(r->fd, m + done, n - done, 0);

		if (sent < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("send");
		done += sent > 0 ? (unsigned int)sent : 0;
	}
}

/* Sends up to BATCH from *@at on: first requests while the window has room, or
 * @again what was not answered in time. How many.
 */
static unsigned int request(struct run *r, uint32_t *at, uint32_t end, double now, bool again)
{
	static uint8_t frames[BATCH][FRAME];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];
	unsigned int n = 0;

	for (; *at < end && n < BATCH && (again || r->pending < WINDOW); (*at)++) {
		struct spoke *s = &r->spokes[*at];

		if (s->answered || (again && now - s->sent < AGAIN))
			continue;
		iov[n] = (struct iovec){ frames[n], build(frames[n], r, *at) };
		m[n].msg_hdr.msg_iov = &iov[n];
		m[n].msg_hdr.msg_iovlen = 1;
		s->sent = now;
		r->pending += !again;
		r->again += again;
		n++;
	}
	flush(r, m, n);
	return n;
}

static void take(struct run *r, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + ETH_HLEN;
	const uint8_t *nhrp = ip + 20 + (r->key ? 8 : 4);
	uint32_t i;

	if (len < (size_t)(nhrp - frame) + 52 || ip[9] != 47 || get16(ip + 22) != 0x2001 ||
	    nhrp[17] != REGISTRATION_REPLY)
		return;
	i = get32(nhrp + 24) - r->base;
	if (i >= r->count || r->spokes[i].answered)
		return;
	r->spokes[i].answered = true;
	r->pending--;
	r->answered++;
	r->refused += nhrp[40] != 0;
}

static void receive(struct run *r)
{
	static uint8_t frames[BATCH][FRAME];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];
	int n;

	for (unsigned int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ frames[i], FRAME };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		n = recvmmsg(r->fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			take(r, frames[i], m[i].msg_len);
	} while (n == (int)BATCH);
}

static void exchange(struct run *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	double checked = seconds(CLOCK_MONOTONIC), limit = checked + 120;

	while (r->answered < r->count) {
		double now = seconds(CLOCK_MONOTONIC);

		while (request(r, &r->next, r->count, now, false))
			;
		if (now - checked > AGAIN / 2) {
			uint32_t from = 0;

			while (request(r, &from, r->next, now, true))
				;
			checked = now;
		}
		if (now > limit) {
			fprintf(stderr, "nhrpgen: %u of %u answered\n", r->answered, r->count);
			exit(1);
		}
		poll(&p, 1, 500);
		receive(r);
	}
}

static int open_socket(const char *dev)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),	/* before tc drops it */
		.sll_ifindex = (int)if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, size = 16 << 20;

	if (fd < 0 || !ll.sll_ifindex ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die(dev);
	return fd;
}

static uint32_t address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		die(text);
	return ntohl(a.s_addr);
}

int main(int argc, char **argv)
{
	struct run r;
	double start, own, cpu[8] = { 0 };

	if (argc < 8 || argc > 16) {
		fputs("usage: nhrpgen DEV HUB-NBMA HUB-PROTO NBMA PROTO COUNT KEY PID...\n", stderr);
		return 2;
	}
	r = (struct run){
		.fd = open_socket(argv[1]),
		.hub_nbma = address(argv[2]), .hub_proto = address(argv[3]),
		.nbma = address(argv[4]), .proto = address(argv[5]),
		.count = (uint32_t)atoi(argv[6]), .key = (uint32_t)atoi(argv[7]),
		.base = (uint32_t)time(NULL) << 20,
	};
	r.spokes = calloc(r.count, sizeof(*r.spokes));
	if (!r.spokes)
		die("memory");
	for (int i = 8; i < argc; i++)
		cpu[i - 8] = cpu_of(argv[i]);
	own = seconds(CLOCK_PROCESS_CPUTIME_ID);
	start = seconds(CLOCK_MONOTONIC);
	exchange(&r);
	printf("%u %u %u %.6f %.6f", r.answered, r.refused, r.again,
	       seconds(CLOCK_MONOTONIC) - start, seconds(CLOCK_PROCESS_CPUTIME_ID) - own);
	for (int i = 8; i < argc; i++)
		printf(" %.6f", cpu_of(argv[i]) - cpu[i - 8]);
	putchar('\n');
	return 0;
}
