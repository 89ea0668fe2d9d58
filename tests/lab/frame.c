// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that no ordinary program sends, and a TCP transfer that checks
 * every byte. Addresses are IPv4 or IPv6.
 *
 *   frame raw SRC DST HEX [COUNT]      an IP packet of protocol 47 (GRE);
 *                                      HEX begins with the GRE header
 *   frame nhrp DEV NBMA HEX            a frame of EtherType 0x2001
 *   frame hear DEV                     prints sender and payload of the first
 *                                      frame of that type that comes
 *   frame flood SRC DST PORT N [PPS]   N UDP packets of 32 bytes to PORT, the
 *                                      next address for each packet when DST
 *                                      has /LEN; errors do not matter
 *   frame bulk-recv ADDR PORT          prints "ready", takes one connection,
 *                                      prints the bytes that came as they
 *                                      were sent; fails at the first other
 *   frame bulk-send ADDR PORT BYTES    sends them
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NHRP 0x2001

static void fail(const char *what)
{
	fprintf(stderr, "frame: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct in_addr address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1) {
		fprintf(stderr, "frame: '%s' is no address\n", text);
		exit(2);
	}
	return a;
}

/* Of either family; its size. */
static socklen_t endpoint(struct sockaddr_storage *to, const char *text,
			  const char *port)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
	struct sockaddr_in *four = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(atoi(port));
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_addr = address(text);
	four->sin_port = htons(atoi(port));
	return sizeof(*four);
}

/* The last 32 bits of an address, network byte order. */
static uint32_t *last_word(struct sockaddr_storage *to)
{
	if (to->ss_family == AF_INET6)
		return &((struct sockaddr_in6 *)to)->sin6_addr.s6_addr32[3];
	return &((struct sockaddr_in *)to)->sin_addr.s_addr;
}

static size_t unhex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	int used;

	while (n < size && sscanf(text, " %2hhx%n", &out[n], &used) == 1) {
		text += used;
		n++;
	}
	if (*text) {
		fprintf(stderr, "frame: not hexadecimal: '%s'\n", text);
		exit(2);
	}
	return n;
}

static int raw(char **arg, int count)
{
	struct sockaddr_storage from, to;
	socklen_t size = endpoint(&from, arg[0], "0");
	int s = socket(from.ss_family, SOCK_RAW, IPPROTO_GRE);
	uint8_t buf[2048];
	size_t n = unhex(arg[2], buf, sizeof(buf));

	endpoint(&to, arg[1], "0");
	if (s < 0 || bind(s, (struct sockaddr *)&from, size))
		fail("raw socket");
	while (count--)
		if (sendto(s, buf, n, 0, (struct sockaddr *)&to, size) < 0)
			fail("send");
	return 0;
}

static int nhrp(char **arg)
{
	union {
		struct sockaddr_ll ll;
		uint8_t room[offsetof(struct sockaddr_ll, sll_addr) + 16];
	} to = {
		.ll.sll_family = AF_PACKET,
		.ll.sll_protocol = htons(NHRP),
		.ll.sll_ifindex = if_nametoindex(arg[0]),
	};
	uint8_t *nbma = to.room + offsetof(struct sockaddr_ll, sll_addr);
	int s = socket(AF_PACKET, SOCK_DGRAM, 0);
	uint8_t buf[2048];
	size_t n = unhex(arg[2], buf, sizeof(buf));
	socklen_t size;

	to.ll.sll_halen = inet_pton(AF_INET6, arg[1], nbma) == 1 ? 16 : 4;
	if (to.ll.sll_halen == 4)
		*(struct in_addr *)nbma = address(arg[1]);
	size = to.ll.sll_halen == 4 ? sizeof(to.ll) : sizeof(to.room);
	if (s < 0 || sendto(s, buf, n, 0, (struct sockaddr *)&to, size) < 0)
		fail("packet socket");
	return 0;
}

static int hear(char **arg)
{
	union {
		struct sockaddr_ll ll;
		uint8_t room[offsetof(struct sockaddr_ll, sll_addr) + 16];
	} from = {
		.ll.sll_family = AF_PACKET,
		.ll.sll_protocol = htons(NHRP),
		.ll.sll_ifindex = if_nametoindex(arg[0]),
	};
	socklen_t size = sizeof(from);
	int s = socket(AF_PACKET, SOCK_DGRAM, htons(NHRP));
	char text[INET6_ADDRSTRLEN];
	uint8_t buf[2048];
	ssize_t n;

	if (s < 0 || bind(s, (struct sockaddr *)&from, sizeof(from.ll)))
		fail("packet socket");
	n = recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &size);
	if (n < 0)
		fail("receive");
	inet_ntop(from.ll.sll_halen == 16 ? AF_INET6 : AF_INET,
		  from.room + offsetof(struct sockaddr_ll, sll_addr), text,
		  sizeof(text));
	printf("%s ", text);
	for (ssize_t i = 0; i < n; i++)
		printf("%02x", buf[i]);
	putchar('\n');
	return 0;
}

static int flood(char **arg, unsigned int n, unsigned int pps)
{
	struct timespec pause = { .tv_nsec = pps ? 1000000000 / pps : 0 };
	struct sockaddr_storage from, to;
	char *slash = strchr(arg[1], '/');
	uint8_t buf[32] = { 0 };
	socklen_t size;
	uint32_t first;
	int s;

	if (slash)
		*slash = '\0';
	endpoint(&from, arg[0], "0");
	size = endpoint(&to, arg[1], arg[2]);
	first = ntohl(*last_word(&to));
	s = socket(from.ss_family, SOCK_DGRAM, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&from, size))
		fail("udp socket");
	for (unsigned int i = 0; i < n; i++) {
		if (slash)
			*last_word(&to) = htonl(first + i);
		/* ICMP about an earlier packet is no reason to stop. */
		if (sendto(s, buf, sizeof(buf), 0, (struct sockaddr *)&to,
			   size) < 0 && errno == ENOBUFS)
			fail("send");
		if (pps)
			nanosleep(&pause, NULL);
	}
	return 0;
}

static uint8_t pattern(uint64_t at)
{
	return (at * 2654435761u) >> 13;
}

static int tcp(char **arg, struct sockaddr_storage *a, socklen_t *size)
{
	int s, one = 1;

	*size = endpoint(a, arg[0], arg[1]);
	s = socket(a->ss_family, SOCK_STREAM, 0);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		fail("tcp socket");
	return s;
}

static int bulk_recv(char **arg)
{
	struct sockaddr_storage a;
	socklen_t size;
	int s = tcp(arg, &a, &size), c;
	static uint8_t buf[65536];
	uint64_t got = 0;
	ssize_t n;

	if (bind(s, (struct sockaddr *)&a, size) || listen(s, 1))
		fail("listen");
	puts("ready");
	fflush(stdout);
	c = accept(s, NULL, NULL);
	if (c < 0)
		fail("accept");
	while ((n = read(c, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++, got++) {
			if (buf[i] == pattern(got))
				continue;
			printf("byte %llu is wrong\n", (unsigned long long)got);
			return 1;
		}
	}
	if (n < 0)
		fail("read");
	printf("%llu\n", (unsigned long long)got);
	return 0;
}

static int bulk_send(char **arg)
{
	struct sockaddr_storage a;
	socklen_t alen;
	int s = tcp(arg, &a, &alen);
	uint64_t left = strtoull(arg[2], NULL, 10), at = 0;
	static uint8_t buf[65536];
	size_t size;
	ssize_t n;

	if (connect(s, (struct sockaddr *)&a, alen))
		fail("connect");
	while (left) {
		size = left < sizeof(buf) ? left : sizeof(buf);
		for (size_t i = 0; i < size; i++)
			buf[i] = pattern(at + i);
		n = write(s, buf, size);
		if (n < 0)
			fail("write");
		at += n;
		left -= n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "raw") && (argc == 5 || argc == 6))
		return raw(argv + 2, argc == 6 ? atoi(argv[5]) : 1);
	if (!strcmp(what, "nhrp") && argc == 5)
		return nhrp(argv + 2);
	if (!strcmp(what, "hear") && argc == 3)
		return hear(argv + 2);
	if (!strcmp(what, "flood") && (argc == 6 || argc == 7))
		return flood(argv + 2, atoi(argv[5]), argc == 7 ? atoi(argv[6]) : 0);
	if (!strcmp(what, "bulk-recv") && argc == 4)
		return bulk_recv(argv + 2);
	if (!strcmp(what, "bulk-send") && argc == 5)
		return bulk_send(argv + 2);
	fprintf(stderr, "usage: see %s\n", __FILE__);
	return 2;
}
