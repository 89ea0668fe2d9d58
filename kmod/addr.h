/* SPDX-License-Identifier: GPL-2.0 */
/*
 * addr: addresses of both families in one type, those inside and NBMA's.
 *
 * An IPv4 address is kept v4-mapped (RFC 4291 2.5.5.2) and :: is none, so one
 * table, one look-up and one event serve both families. Nothing else is
 * v4-mapped: such addresses are refused in requests and in inner IPv6 headers,
 * where one would pass for an IPv4 address of the tables. (In outer headers it
 * would not: the NBMA addresses of a device are of one family.)
 *
 * What an IPv4 address costs is what its 32 bits cost: hashes take the one
 * word, prefixes are cut in it.
 */
#ifndef _DMVPN_ADDR_H
#define _DMVPN_ADDR_H

#include <linux/jhash.h>
#include <net/ipv6.h>

static inline void dmvpn_addr_set4(struct in6_addr *addr, __be32 a)
{
	ipv6_addr_set_v4mapped(a, addr);
}

static inline bool dmvpn_addr_is4(const struct in6_addr *addr)
{
	return ipv6_addr_v4mapped(addr);
}

static inline __be32 dmvpn_addr_get4(const struct in6_addr *addr)
{
	return addr->s6_addr32[3];
}

static inline unsigned int dmvpn_addr_bits(const struct in6_addr *addr)
{
	return dmvpn_addr_is4(addr) ? 32 : 128;
}

static inline bool dmvpn_addr_same_family(const struct in6_addr *a,
					  const struct in6_addr *b)
{
	return dmvpn_addr_is4(a) == dmvpn_addr_is4(b);
}

/* An address in a word: an IPv4 address itself, of an IPv6 address a hash. */
static inline u32 dmvpn_addr_word(const struct in6_addr *addr, u32 seed)
{
	if (likely(dmvpn_addr_is4(addr)))
		return (__force u32)addr->s6_addr32[3];
	return jhash2((__force const u32 *)addr->s6_addr32,
		      ARRAY_SIZE(addr->s6_addr32), seed);
}

#endif
