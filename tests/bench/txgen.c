/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * txgen: sends one frame many times, as fast as a packet socket can.
 *
 *	txgen dev NAME frame HEX [count N] [seconds S]
 *	      [spread N at BYTE [sum BYTE]]
 *
 * The frame is complete, link-layer header included, so it can be anything;
 * HEX is in lower case, blanks and colons in it are ignored. With `spread`, the big-endian 32-bit
 * number at byte `at` counts up from the template's value through N values
 * and over again, and the 16-bit Internet checksum at byte `sum` follows it:
 * N destinations (or sources) in turn, the worst case for every cache.
 *
 * Ends after `count` frames or `seconds`, whichever comes first, and prints
 * one line: frames sent, seconds taken. The queueing discipline is bypassed;
 * a frame that the device refuses ends the run with an error, as a rate with
 * unnoticed losses means nothing.
 *
 * Used by run.sh. Obeys packet_mmap (TPACKET_V2 transmit ring).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAMES		512u	/* in the ring; one system call sends them all */
#define SLOT		2048u
#define DATA		(TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))
#define FRAME_MAX	(SLOT - DATA)

struct plan {
	const char *dev;
	uint8_t frame[FRAME_MAX];
	size_t len;
	uint64_t count;		/* 0: no limit */
	double seconds;		/* 0: no limit */
	uint32_t spread;	/* values, 1: none */
	size_t at, sum;		/* byte offsets; sum 0: no checksum */
};

static void usage(void)
{
	fputs("usage: txgen dev NAME frame HEX [count N] [seconds S]\n"
	      "             [spread N at BYTE [sum BYTE]]\n", stderr);
	exit(2);
}

static void die(const char *what)
{
	fprintf(stderr, "txgen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static void parse_frame(struct plan *plan, const char *hex)
{
	int high = -1;

	for (; *hex; hex++) {
		int value = nibble(*hex);

		if (*hex == ' ' || *hex == ':' || *hex == '\n')
			continue;
		if (value < 0 || plan->len == sizeof(plan->frame))
			usage();
		if (high < 0) {
			high = value;
			continue;
		}
		plan->frame[plan->len++] = (uint8_t)(high << 4 | value);
		high = -1;
	}
	if (high >= 0 || plan->len < ETH_HLEN)
		usage();
}

static uint64_t parse_number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > max)
		usage();
	return value;
}

static double parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value > 0 && value < 1e6))
		usage();
	return value;
}

static void parse(struct plan *plan, int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const char *word = argv[i], *value = argv[i + 1];

		if (!value)
			usage();
		if (!strcmp(word, "dev"))
			plan->dev = value;
		else if (!strcmp(word, "frame"))
			parse_frame(plan, value);
		else if (!strcmp(word, "count"))
			plan->count = parse_number(value, UINT64_MAX);
		else if (!strcmp(word, "seconds"))
			plan->seconds = parse_seconds(value);
		else if (!strcmp(word, "spread"))
			plan->spread = (uint32_t)parse_number(value, UINT32_MAX);
		else if (!strcmp(word, "at"))
			plan->at = parse_number(value, FRAME_MAX);
		else if (!strcmp(word, "sum"))
			plan->sum = parse_number(value, FRAME_MAX);
		else
			usage();
	}
	if (!plan->dev || !plan->len || (!plan->count && !plan->seconds) ||
	    !plan->spread || (plan->spread > 1 && !plan->at) ||
	    plan->at + 4 > plan->len || plan->sum + 2 > plan->len)
		usage();
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
static void replace16(uint8_t *frame, size_t at, uint16_t value, size_t sum)
{
	if (sum) {
		uint32_t acc = (uint16_t)~get16(frame + sum);

		acc += (uint16_t)~get16(frame + at);
		acc += value;
		acc = (acc & 0xffff) + (acc >> 16);
		acc = (acc & 0xffff) + (acc >> 16);
		put16(frame + sum, (uint16_t)~acc);
	}
	put16(frame + at, value);
}

static void aim(uint8_t *frame, const struct plan *plan, uint32_t value)
{
	replace16(frame, plan->at, (uint16_t)(value >> 16), plan->sum);
	replace16(frame, plan->at + 2, (uint16_t)value, plan->sum);
}

static int open_ring(const struct plan *plan, uint8_t **ring)
{
	struct tpacket_req req = {
		.tp_block_size = SLOT * 16,
		.tp_block_nr = FRAMES / 16,
		.tp_frame_size = SLOT,
		.tp_frame_nr = FRAMES,
	};
	/* Protocol 0: nothing is received on this socket. */
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int version = TPACKET_V2, one = 1;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		die("socket");
	to.sll_ifindex = (int)if_nametoindex(plan->dev);
	if (!to.sll_ifindex)
		die(plan->dev);
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)) ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to)))
		die("packet socket");
	*ring = mmap(NULL, (size_t)SLOT * FRAMES, PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	if (*ring == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < FRAMES; i++)
		memcpy(*ring + i * SLOT + DATA, plan->frame, plan->len);
	return fd;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void hand_over(uint8_t *slot, uint32_t len)
{
	struct tpacket2_hdr *header = (struct tpacket2_hdr *)(void *)slot;

	if (__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE) {
		errno = EBUSY;
		die("ring");
	}
	header->tp_len = len;
	__atomic_store_n(&header->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
}

/* A blocking send() returns when the device let go of every frame given. */
static uint64_t transmit(int fd, uint8_t *ring, const struct plan *plan, double start)
{
	uint32_t first = (uint32_t)get16(plan->frame + plan->at) << 16 |
			 get16(plan->frame + plan->at + 2);
	uint32_t slot = 0, turn = 0;
	uint64_t sent = 0;

	while ((!plan->count || sent < plan->count) &&
	       (!plan->seconds || now() - start < plan->seconds)) {
		uint32_t batch = FRAMES;

		if (plan->count && plan->count - sent < batch)
			batch = (uint32_t)(plan->count - sent);
		for (uint32_t i = 0; i < batch; i++) {
			uint8_t *at = ring + (size_t)slot * SLOT;

			if (plan->spread > 1)
				aim(at + DATA, plan, first + turn);
			hand_over(at, (uint32_t)plan->len);
			slot = slot + 1 == FRAMES ? 0 : slot + 1;
			turn = turn + 1 >= plan->spread ? 0 : turn + 1;
		}
		if (send(fd, NULL, 0, 0) < 0)
			die("send");
		sent += batch;
	}
	return sent;
}

int main(int argc, char **argv)
{
	struct plan plan = { .spread = 1 };
	uint8_t *ring;
	uint64_t sent;
	double start;
	int fd;

	parse(&plan, argc, argv);
	fd = open_ring(&plan, &ring);
	start = now();
	sent = transmit(fd, ring, &plan, start);
	printf("%llu %.9f\n", (unsigned long long)sent, now() - start);
	return 0;
}
