// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copies: how long until the last copy of one multicast packet has left.
 *
 *	copies DEV UNDERLAY GROUP WAIT
 *
 * Sends one UDP packet to GROUP by the tunnel device DEV, sleeps WAIT seconds
 * and then counts the GRE packets that left by UNDERLAY with its mark inside;
 * the kernel's time stamps tell when, so that counting disturbs nothing.
 * Prints: copies, microseconds from before the send to the last copy.
 * Used by hub.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RCVBUF (64 << 20)

static void die(const char *what)
{
	fprintf(stderr, "copies: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t microseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

static int watch(const char *dev)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(dev),
	};
	int s = socket(AF_PACKET, SOCK_DGRAM, 0), size = RCVBUF, one = 1;

	if (s < 0 || !ll.sll_ifindex ||
	    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(s, (struct sockaddr *)&ll, sizeof(ll)))
		die(dev);
	return s;
}

static int64_t send_one(const char *dev, const char *group, uint64_t mark)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct ip_mreqn by = { .imr_ifindex = (int)if_nametoindex(dev) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct timespec start;

	if (s < 0 || inet_pton(AF_INET, group, &to.sin_addr) != 1 ||
	    setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)))
		die(group);
	clock_gettime(CLOCK_REALTIME, &start);
	/* Where a firewall hands the packet to a daemon and then drops it, the
	 * sender is told so: EPERM.
	 */
	if (sendto(s, &mark, sizeof(mark), 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
	    errno != EPERM)
		die("send");
	close(s);
	return microseconds(&start);
}

/* The time stamp of the next packet; 0: there is none; -1: another packet. */
static int64_t next(int s, uint64_t mark)
{
	char data[256], control[64];
	struct sockaddr_ll from;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s, &m, MSG_DONTWAIT);
	struct cmsghdr *c;
	struct timespec t;

	if (n < 0)
		return 0;
	if (from.sll_pkttype != PACKET_OUTGOING || !memmem(data, (size_t)n, &mark, sizeof(mark)))
		return -1;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			return microseconds(&t);
		}
	return -1;
}

int main(int argc, char **argv)
{
	uint64_t mark = 0x5eedf00d00000000ULL | (uint64_t)getpid();
	int64_t start, last = 0, t;
	unsigned int n = 0;
	int s;

	if (argc != 5) {
		fputs("usage: copies DEV UNDERLAY GROUP WAIT\n", stderr);
		return 2;
	}
	s = watch(argv[2]);
	start = send_one(argv[1], argv[3], mark);
	usleep((useconds_t)(atof(argv[4]) * 1e6));
	while ((t = next(s, mark)))
		if (t > 0) {
			n++;
			if (t > last)
				last = t;
		}
	printf("%u %lld\n", n, n ? (long long)(last - start) : 0);
	return 0;
}
