// SPDX-License-Identifier: GPL-2.0
/*
 * A sequence-checked UDP stream: says exactly what a path lost.
 *
 *   useq recv ADDRESS PORT              prints "ready", receives until SIGTERM and
 *                                       then until nothing came for a second; JSON
 *   useq send SOURCE ADDRESS PORT PPS   sends until SIGTERM; JSON
 *
 * Both ends share one clock (they are hosts of one guest), so that the delay
 * of each packet tells which path it took. Packets of the stream that the
 * sender's own host refused count as sent: whoever routes them lost them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS	1000
#define MAX_SEQ		(1U << 26)
#define NSEC		1000000000LL

struct packet {
	uint64_t seq;
	int64_t sent_at;
	char padding[48];
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "useq: %s: %s\n", what, strerror(errno));
	exit(1);
}

static socklen_t address(struct sockaddr_storage *to, const char *text, int port)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
	struct sockaddr_in *four = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		return sizeof(*six);
	}
	errno = EINVAL;
	fail(text);
	return 0;
}

static int bound_socket(const char *text, int port)
{
	struct sockaddr_storage at;
	socklen_t len = address(&at, text, port);
	int fd = socket(at.ss_family, SOCK_DGRAM, 0);
	int size = 16 << 20;

	if (fd < 0)
		fail("socket");
	/* A receiver that was not scheduled for a while is no loss. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&at, len) < 0)
		fail(text);
	return fd;
}

static double ms(int64_t ns)
{
	return ns / 1e6;
}

/* A sender that fell behind goes on from now: a burst is another test. */
static void wait_for_turn(int64_t *next, int64_t interval)
{
	struct timespec t;

	*next += interval;
	if (*next < now() - 10 * interval)
		*next = now();
	t.tv_sec = *next / NSEC;
	t.tv_nsec = *next % NSEC;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int send_stream(const char *source, const char *to_text, int port, int pps)
{
	struct packet p = { .seq = 0 };
	struct sockaddr_storage to;
	socklen_t len = address(&to, to_text, port);
	int fd = bound_socket(source, 0), hops = 16;
	uint64_t refused = 0;
	int64_t next = now(), last = next, gap = 0;

	/* A stream to a group is to pass routers, too. */
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
	while (!stopped && p.seq < MAX_SEQ) {
		p.sent_at = now();
		if (p.sent_at - last > gap)
			gap = p.sent_at - last;
		last = p.sent_at;
		if (sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, len) < 0)
			refused++;
		p.seq++;
		wait_for_turn(&next, NSEC / pps);
	}
	printf("{\"sent\": %llu, \"refused\": %llu, \"max_send_gap_ms\": %.1f}\n",
	       (unsigned long long)p.seq, (unsigned long long)refused, ms(gap));
	return 0;
}

struct tally {
	uint8_t *seen;
	uint64_t room, received, duplicated, reordered, highest;
	int64_t last, gap, delay_min, delay_max, delay_last;
};

static bool first_time(struct tally *t, uint64_t seq)
{
	if (seq >= t->room) {
		uint64_t room = (seq + 4096) * 2;

		t->seen = realloc(t->seen, room);
		if (!t->seen)
			fail("memory");
		memset(t->seen + t->room, 0, room - t->room);
		t->room = room;
	}
	if (t->seen[seq])
		return false;
	t->seen[seq] = 1;
	return true;
}

static void count(struct tally *t, const struct packet *p)
{
	int64_t at = now(), delay = at - p->sent_at;

	if (!first_time(t, p->seq)) {
		t->duplicated++;
		return;
	}
	if (t->received && p->seq < t->highest)
		t->reordered++;
	else
		t->highest = p->seq;
	if (t->received && at - t->last > t->gap)
		t->gap = at - t->last;
	if (!t->received || delay < t->delay_min)
		t->delay_min = delay;
	if (delay > t->delay_max)
		t->delay_max = delay;
	t->delay_last = delay;
	t->last = at;
	t->received++;
}

static int receive_stream(const char *text, int port)
{
	int fd = bound_socket(text, port);
	struct tally t = { .seen = NULL };
	struct packet p;

	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int n = poll(&pfd, 1, GRACE_MS);

		if (n == 0 && stopped)
			break;
		if (n <= 0)
			continue;
		if (recv(fd, &p, sizeof(p), 0) == sizeof(p) && p.seq < MAX_SEQ)
			count(&t, &p);
	}
	printf("{\"received\": %llu, \"duplicated\": %llu, \"reordered\": %llu, "
	       "\"max_gap_ms\": %.1f, \"min_delay_ms\": %.1f, \"max_delay_ms\": %.1f, "
	       "\"last_delay_ms\": %.1f}\n",
	       (unsigned long long)t.received, (unsigned long long)t.duplicated,
	       (unsigned long long)t.reordered, ms(t.gap), ms(t.delay_min),
	       ms(t.delay_max), ms(t.delay_last));
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction on_stop = { .sa_handler = stop };

	sigaction(SIGTERM, &on_stop, NULL);
	sigaction(SIGINT, &on_stop, NULL);
	if (argc == 4 && strcmp(argv[1], "recv") == 0)
		return receive_stream(argv[2], atoi(argv[3]));
	if (argc == 6 && strcmp(argv[1], "send") == 0 && atoi(argv[5]) > 0)
		return send_stream(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	fputs("usage: useq recv ADDRESS PORT | useq send SOURCE ADDRESS PORT PPS\n", stderr);
	return 2;
}
