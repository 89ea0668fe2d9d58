// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input in bulk: one process sends thousands of packets, since starting
 * one takes long on a debug kernel. Lines of hexadecimal digits come from
 * standard input; how many packets were sent goes to standard output.
 *
 *   inject gre SRC DST [TOS]        each line: a GRE packet as it stands
 *   inject icmp SRC DST             each line: an ICMP message; its checksum is
 *                                   put right
 *   inject nhrp SRC DST GRE [PPS]   each line: an NHRP packet; its length and
 *                                   checksum are put right, GRE goes before it
 *   inject mutate SRC DST GRE HOW PPS BURST
 *                                   of each such packet every truncation and
 *                                   every single-bit flip. HOW is `wrong`:
 *                                   length and checksum are the whole
 *                                   packet's; `repaired`: they are right
 *   inject flood SRC DST GRE PROTO PPS
 *                                   the line's packet until SIGTERM, each time
 *                                   from the next of 50,000 NBMA addresses and
 *                                   for the next of 512 protocol addresses
 *   inject hairpin SRC DST GRE PEERS FLOWS PPS [COUNT]
 *                                   the line is an IPv4 packet, sent COUNT times
 *                                   or until SIGTERM: each time from the next of
 *                                   PEERS NBMA and inner source addresses, and
 *                                   after them all to the next of FLOWS inner
 *                                   destinations
 *   inject scan SRC DST ADDRESSES PPS [COUNT]
 *                                   no line: UDP to the discard port of each of
 *                                   ADDRESSES (a power of two) from DST on, in
 *                                   scattered order, COUNT packets or until
 *                                   SIGTERM
 *   inject tunnel DEV NBMA [PPS]    each line: an NHRP packet, put right as with
 *                                   `nhrp`, through the tunnel device
 *   inject control PATH             standard input to a unix socket and the
 *                                   answer to standard output
 *
 * SRC may be any address: the IPv4 header is ours. PPS 0: no pause; the first
 * BURST packets leave at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PIECE		1400		/* bytes of a fragment, times 8 */
#define PKTSZ_AT	10
#define CHECKSUM_AT	12
#define SRC_NBMA_AT	28
#define ETH_NHRP	0x2001
#define SRC_PROTO_AT	32

static struct {
	int fd;
	uint32_t src, dst;
	uint8_t tos, protocol;
	uint8_t gre[16];
	size_t gre_len;
	unsigned int pps, burst;
	bool careless;
	unsigned long sent;
	double start;
} out = { .protocol = IPPROTO_GRE };

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1) {
		fprintf(stderr, "inject: '%s' is no address\n", text);
		exit(2);
	}
	return ntohl(a.s_addr);
}

static size_t unhex(const char *text, uint8_t *to, size_t size)
{
	size_t n = 0;
	int used;

	while (n < size && sscanf(text, " %2hhx%n", &to[n], &used) == 1) {
		text += used;
		n++;
	}
	if (text[strspn(text, " \n")]) {
		fprintf(stderr, "inject: not hexadecimal: '%s'\n", text);
		exit(2);
	}
	return n;
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Until the next packet may leave. */
static void pace(void)
{
	struct timespec pause = { .tv_nsec = 2000000 };

	if (!out.start)
		out.start = now();
	while (out.pps && out.sent >= out.burst &&
	       out.sent - out.burst >= (now() - out.start) * out.pps)
		nanosleep(&pause, NULL);
}

static void send_ip(const uint8_t *payload, size_t len, unsigned int at,
		    bool more)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t buf[sizeof(struct iphdr) + PIECE];
	ssize_t sent;
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tos = out.tos,
		.id = htons(out.sent + 1),
		.frag_off = htons(at / 8 | (more ? 0x2000 : 0)),
		.ttl = 64,
		.protocol = out.protocol,
		.saddr = htonl(out.src),
		.daddr = htonl(out.dst),
	};

	to.sin_addr.s_addr = ip.daddr;
	memcpy(buf, &ip, sizeof(ip));
	memcpy(buf + sizeof(ip), payload, len);
	do
		sent = sendto(out.fd, buf, sizeof(ip) + len, 0,
			      (struct sockaddr *)&to, sizeof(to));
	while (sent < 0 && errno == ENOBUFS);
	if (sent < 0 && !out.careless)
		fail("send");
}

static void send_gre(const uint8_t *p, size_t len)
{
	size_t at = 0;

	pace();
	for (; len - at > PIECE; at += PIECE)
		send_ip(p + at, PIECE, at, true);
	send_ip(p + at, len - at, at, false);
	out.sent++;
}

/* What the device has no room for, or no way to, is its to count. */
static void send_frame(const uint8_t *p, size_t len,
		       const struct sockaddr_ll *to)
{
	pace();
	if (sendto(out.fd, p, len, 0, (const struct sockaddr *)to,
		   sizeof(*to)) < 0 && errno != ENOBUFS)
		fail("send");
	out.sent++;
}

static struct sockaddr_ll open_tunnel(char **arg)
{
	uint32_t nbma = htonl(address(arg[1]));
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_NHRP),
		.sll_ifindex = if_nametoindex(arg[0]),
		.sll_halen = sizeof(nbma),
	};

	memcpy(to.sll_addr, &nbma, sizeof(nbma));
	out.fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (out.fd < 0 || !to.sll_ifindex)
		fail(arg[0]);
	return to;
}

static void send_nhrp(const uint8_t *p, size_t len)
{
	uint8_t buf[8192];

	memcpy(buf, out.gre, out.gre_len);
	memcpy(buf + out.gre_len, p, len);
	send_gre(buf, out.gre_len + len);
}

static unsigned int sum(const uint8_t *b, size_t len)
{
	uint32_t s = 0;
	size_t i;

	for (i = 0; i < len; i++)
		s += i & 1 ? b[i] : b[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* The checksum over as much as the length field says and there is. */
static void repair(uint8_t *p, size_t len)
{
	size_t pktsz;

	if (len < CHECKSUM_AT + 2)
		return;
	pktsz = p[PKTSZ_AT] << 8 | p[PKTSZ_AT + 1];
	put16(p + CHECKSUM_AT, 0);
	put16(p + CHECKSUM_AT, sum(p, pktsz < len ? pktsz : len));
}

static void put_right(uint8_t *p, size_t len)
{
	if (len >= PKTSZ_AT + 2)
		put16(p + PKTSZ_AT, len);
	repair(p, len);
}

static void mutate(const uint8_t *p, size_t len, bool repaired)
{
	uint8_t m[4096];
	size_t n;

	for (n = 0; n < len; n++) {
		memcpy(m, p, n);
		if (repaired)
			put_right(m, n);
		send_nhrp(m, n);
	}
	for (n = 0; n < len * 8; n++) {
		memcpy(m, p, len);
		m[n / 8] ^= 0x80 >> n % 8;
		if (repaired)
			repair(m, len);
		send_nhrp(m, len);
	}
}

static void flood(uint8_t *p, size_t len, uint32_t proto)
{
	uint32_t first = out.src, nbma, addr;

	signal(SIGTERM, stop);
	while (!stopped) {
		out.src = first + out.sent % 50000;
		nbma = htonl(out.src);
		addr = htonl(proto + out.sent % 512);
		memcpy(p + SRC_NBMA_AT, &nbma, sizeof(nbma));
		memcpy(p + SRC_PROTO_AT, &addr, sizeof(addr));
		repair(p, len);
		send_nhrp(p, len);
	}
}

static void add32(uint8_t *p, uint32_t to, uint32_t n)
{
	put16(p, (to + n) >> 16);
	put16(p + 2, (to + n) & 0xffff);
}

static void hairpin(uint8_t *p, size_t len, unsigned int peers,
		    unsigned int flows, unsigned long count)
{
	uint32_t first = out.src, saddr, daddr;

	memcpy(&saddr, p + 12, sizeof(saddr));
	memcpy(&daddr, p + 16, sizeof(daddr));
	signal(SIGTERM, stop);
	while (!stopped && (!count || out.sent < count)) {
		out.src = first + out.sent % peers;
		add32(p + 12, ntohl(saddr), out.sent % peers);
		add32(p + 16, ntohl(daddr), out.sent / peers % flows);
		put16(p + 10, 0);
		put16(p + 10, sum(p, 20));
		send_nhrp(p, len);
	}
}

/* Whether there is a way to them is not this program's business. */
static void scan(unsigned int addresses, unsigned long count)
{
	static const uint8_t discard[8] = { 0, 9, 0, 9, 0, 8 };
	uint32_t first = out.dst;

	out.protocol = IPPROTO_UDP;
	out.careless = true;
	signal(SIGTERM, stop);
	while (!stopped && (!count || out.sent < count)) {
		out.dst = first + out.sent * 40503 % addresses;
		send_gre(discard, sizeof(discard));
	}
	printf("%lu\n", out.sent);
}

static int control(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[65536];
	ssize_t n;

	strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
	if (s < 0 || connect(s, (struct sockaddr *)&sun, sizeof(sun)))
		fail(path);
	/* A daemon that has heard enough may hang up. */
	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (send(s, buf, n, MSG_NOSIGNAL) < 0)
			break;
	shutdown(s, SHUT_WR);
	while ((n = read(s, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	return 0;
}

static void open_socket(char **arg)
{
	out.src = address(arg[0]);
	out.dst = address(arg[1]);
	out.fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (out.fd < 0)
		fail("raw socket");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	static char line[20000];
	struct sockaddr_ll to = { 0 };
	uint8_t p[4096];
	size_t len;
	int want = !strcmp(mode, "gre") ? 4 : !strcmp(mode, "nhrp") ? 5 :
		   !strcmp(mode, "icmp") ? 4 :
		   !strcmp(mode, "mutate") ? 8 : !strcmp(mode, "flood") ? 7 :
		   !strcmp(mode, "hairpin") ? 8 : !strcmp(mode, "tunnel") ? 4 :
		   !strcmp(mode, "scan") ? 6 : 0;

	if (!strcmp(mode, "control") && argc == 3)
		return control(argv[2]);
	if (!want || argc < want) {
		fprintf(stderr, "inject: see the top of its source\n");
		return 2;
	}
	if (*mode == 't')
		to = open_tunnel(argv + 2);
	else
		open_socket(argv + 2);
	if (*mode == 's') {
		out.pps = atoi(argv[5]);
		scan(atoi(argv[4]), argc > 6 ? atol(argv[6]) : 0);
		return 0;
	}
	if (*mode == 't')
		out.pps = argc > 4 ? atoi(argv[4]) : 0;
	else if (*mode == 'i')
		out.protocol = IPPROTO_ICMP;
	else if (*mode == 'g')
		out.tos = argc > 4 ? strtoul(argv[4], NULL, 0) : 0;
	else
		out.gre_len = unhex(argv[4], out.gre, sizeof(out.gre));
	if (*mode == 'm') {
		out.pps = atoi(argv[6]);
		out.burst = atoi(argv[7]);
	} else if (*mode == 'n') {
		out.pps = argc > 5 ? atoi(argv[5]) : 0;
	} else if (*mode == 'f') {
		out.pps = atoi(argv[6]);
	} else if (*mode == 'h') {
		out.pps = atoi(argv[7]);
	}
	while (fgets(line, sizeof(line), stdin)) {
		len = unhex(line, p, sizeof(p));
		if (*mode == 'i') {
			put16(p + 2, 0);
			put16(p + 2, sum(p, len));
		}
		if (*mode == 'g' || *mode == 'i') {
			send_gre(p, len);
			continue;
		}
		if (*mode == 'h') {
			hairpin(p, len, atoi(argv[5]), atoi(argv[6]),
				argc > 8 ? atol(argv[8]) : 0);
			continue;
		}
		put_right(p, len);
		if (*mode == 't')
			send_frame(p, len, &to);
		else if (*mode == 'n')
			send_nhrp(p, len);
		else if (*mode == 'm')
			mutate(p, len, !strcmp(argv[5], "repaired"));
		else
			flood(p, len, address(argv[5]));
	}
	printf("%lu\n", out.sent);
	return 0;
}
