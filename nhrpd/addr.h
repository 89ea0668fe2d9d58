/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addr: an IPv4 or IPv6 address, protocol or NBMA, in network byte order. */
#ifndef NHRPD_ADDR_H
#define NHRPD_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR_STRLEN 46

/*
 * @len is 0 (none), 4 or 16. Bytes behind @len are always zero, so that two
 * addresses are equal when the structs are; struct addr is a hash key.
 */
struct addr {
	uint8_t len;
	uint8_t b[16];
};

/* From @len (0, 4 or 16) bytes; any other length gives no address. */
struct addr addr_from(const void *bytes, size_t len);
/* From an IPv4 address in network byte order. */
struct addr addr_v4(uint32_t be);
/* The IPv4 address in network byte order; 0 for anything else. */
uint32_t addr_to_v4(const struct addr *a);
/* Reads dotted IPv4 or IPv6 text; false and *a untouched when it is neither. */
bool addr_parse(const char *text, struct addr *a);
/*
 * Reads ADDRESS/LENGTH, an address alone being its own prefix. False and both
 * untouched when it is neither, or has bits behind its length.
 */
bool addr_parse_prefix(const char *text, struct addr *net, uint8_t *plen);
/* Text of *a in @buf ("none" for no address); returns @buf. */
const char *addr_text(const struct addr *a, char buf[ADDR_STRLEN]);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_is_set(const struct addr *a);
/* All bits zero (0.0.0.0, ::), with a length. */
bool addr_is_any(const struct addr *a);
/* Multicast, limited broadcast, loopback, any, v4-mapped: nobody's own unicast
 * address. */
bool addr_is_martian(const struct addr *a);
/* IPv6, fe80::/10. */
bool addr_is_link_local(const struct addr *a);
/* What a host of any link of an underlay may have: neither of both. */
bool addr_is_nbma(const struct addr *a);
/* Both are of one family and agree in the first @plen bits. */
bool addr_in_prefix(const struct addr *a, const struct addr *net,
		    unsigned int plen);
/* *a with the bits behind @plen cleared. */
struct addr addr_network(const struct addr *a, unsigned int plen);

#endif
