/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr: IPv4 and IPv6 addresses as values; used by every room of the daemon
 * and by the dmvpn tool. No state, no allocation, no look-ups.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

struct addr addr_from(const void *bytes, size_t len)
{
	struct addr a = { 0 };

	if (len == 4 || len == 16) {
		a.len = len;
		memcpy(a.b, bytes, len);
	}
	return a;
}

struct addr addr_v4(uint32_t be)
{
	return addr_from(&be, sizeof(be));
}

uint32_t addr_to_v4(const struct addr *a)
{
	uint32_t be = 0;

	if (a->len == 4)
		memcpy(&be, a->b, sizeof(be));
	return be;
}

bool addr_parse(const char *text, struct addr *a)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		*a = addr_from(b, 4);
	else if (inet_pton(AF_INET6, text, b) == 1)
		*a = addr_from(b, 16);
	else
		return false;
	return true;
}

bool addr_parse_prefix(const char *text, struct addr *net, uint8_t *plen)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char buf[ADDR_STRLEN];
	struct addr a, head;
	unsigned long n;
	char *end;

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (!addr_parse(buf, &a))
		return false;
	n = a.len * 8u;
	if (slash) {
		/* strtoul() would take blanks and a sign. */
		if (slash[1] < '0' || slash[1] > '9')
			return false;
		n = strtoul(slash + 1, &end, 10);
		if (*end || n > a.len * 8u)
			return false;
	}
	head = addr_network(&a, n);
	if (!addr_eq(&head, &a))
		return false;
	*net = a;
	*plen = n;
	return true;
}

const char *addr_text(const struct addr *a, char buf[ADDR_STRLEN])
{
	if (a->len == 4)
		inet_ntop(AF_INET, a->b, buf, ADDR_STRLEN);
	else if (a->len == 16)
		inet_ntop(AF_INET6, a->b, buf, ADDR_STRLEN);
	else
		strcpy(buf, "none");
	return buf;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool addr_is_set(const struct addr *a)
{
	return a->len != 0;
}

/* The bytes from @from up to, but without, @to are zero. */
static bool zero_between(const struct addr *a, unsigned int from,
			 unsigned int to)
{
	while (from < to)
		if (a->b[from++])
			return false;
	return true;
}

bool addr_is_any(const struct addr *a)
{
	return a->len && zero_between(a, 0, a->len);
}

bool addr_is_martian(const struct addr *a)
{
	if (!a->len || addr_is_any(a))
		return true;
	if (a->len == 4)
		return a->b[0] == 127 || (a->b[0] & 0xf0) == 0xe0 ||
		       addr_to_v4(a) == INADDR_BROADCAST;
	return a->b[0] == 0xff || (zero_between(a, 0, 15) && a->b[15] == 1) ||
	       (zero_between(a, 0, 10) && a->b[10] == 0xff && a->b[11] == 0xff);
}

bool addr_is_link_local(const struct addr *a)
{
	return a->len == 16 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool addr_is_nbma(const struct addr *a)
{
	return !addr_is_martian(a) && !addr_is_link_local(a);
}

bool addr_in_prefix(const struct addr *a, const struct addr *net,
		    unsigned int plen)
{
	struct addr left, right;

	if (!a->len || a->len != net->len || plen > a->len * 8u)
		return false;
	left = addr_network(a, plen);
	right = addr_network(net, plen);
	return addr_eq(&left, &right);
}

struct addr addr_network(const struct addr *a, unsigned int plen)
{
	struct addr net = *a;
	unsigned int i = plen / 8;

	if (i >= a->len)
		return net;
	net.b[i++] &= 0xff00 >> plen % 8;
	memset(net.b + i, 0, a->len - i);
	return net;
}
