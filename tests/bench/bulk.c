// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bulk: TCP throughput with next to no work at the ends.
 *
 *	bulk recv PORT			prints "ready"; then, for each connection,
 *					bytes and seconds from its first byte to
 *					its last; ends when it is killed
 *	bulk send ADDRESS PORT BYTES
 *
 * The receiver throws the bytes away in the kernel (MSG_TRUNC, tcp(7)), so
 * that what is measured is the path. Used by tcp.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256 << 10)

static char chunk[CHUNK];

static void die(const char *what)
{
	fprintf(stderr, "bulk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int tcp_socket(const char *address, const char *port, struct sockaddr_in *a)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	*a = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};
	if (s < 0 || inet_pton(AF_INET, address, &a->sin_addr) != 1 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die(address);
	return s;
}

static void drain(int s)
{
	uint64_t got = 0;
	double start = 0;
	ssize_t n;

	while ((n = recv(s, chunk, sizeof(chunk), MSG_TRUNC)) > 0) {
		if (!got)
			start = now();
		got += (uint64_t)n;
	}
	if (n < 0)
		die("recv");
	printf("%llu %.9f\n", (unsigned long long)got, now() - start);
	fflush(stdout);
}

static void receive(const char *port)
{
	struct sockaddr_in a;
	int s = tcp_socket("0.0.0.0", port, &a);

	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 8))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int c = accept(s, NULL, NULL);

		if (c < 0)
			die("accept");
		drain(c);
		close(c);
	}
}

static void transmit(const char *address, const char *port, uint64_t left)
{
	struct sockaddr_in a;
	int s = tcp_socket(address, port, &a);

	if (connect(s, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	while (left) {
		ssize_t n = write(s, chunk, left < CHUNK ? left : CHUNK);

		if (n < 0)
			die("write");
		left -= (uint64_t)n;
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "recv")) {
		receive(argv[2]);
	} else if (argc == 5 && !strcmp(argv[1], "send")) {
		transmit(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	} else {
		fputs("usage: bulk recv PORT | send ADDRESS PORT BYTES\n", stderr);
		return 2;
	}
	return 0;
}
