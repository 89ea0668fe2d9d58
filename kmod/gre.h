/* SPDX-License-Identifier: GPL-2.0 */
/* gre: the GRE header (RFC 2784, RFC 2890), without any packet structure. */
#ifndef _DMVPN_GRE_H
#define _DMVPN_GRE_H

#include <linux/errno.h>
#include <linux/types.h>
#include <net/gre.h>

#include "compat.h"

#define DMVPN_GRE_MAX 16	/* longest header parsed: C, K and S */

struct dmvpn_gre {
	__be16 proto;
	bool has_key;
	bool has_csum;
	u32 key;		/* 0 without a key */
	u8 hlen;
};

/*
 * Parses the header at @p of which @len bytes are at hand. Returns 0;
 * -EMSGSIZE when the header is longer than @len; -EPROTO for what no dmvpn
 * device ever accepts: another version (PPTP), source routing, recursion
 * control or reserved bits (RFC 2784 2.3 wants those discarded).
 */
static inline int dmvpn_gre_parse(const u8 *p, unsigned int len,
				  struct dmvpn_gre *gre)
{
	__be16 flags;

	if (len < 4)
		return -EMSGSIZE;
	flags = get_unaligned((const __be16 *)p);
	if (flags & ~(GRE_CSUM | GRE_KEY | GRE_SEQ))
		return -EPROTO;
	gre->proto = get_unaligned((const __be16 *)(p + 2));
	gre->has_csum = flags & GRE_CSUM;
	gre->has_key = flags & GRE_KEY;
	gre->hlen = 4 + 4 * gre->has_csum + 4 * gre->has_key +
		    4 * !!(flags & GRE_SEQ);
	if (len < gre->hlen)
		return -EMSGSIZE;
	gre->key = gre->has_key ?
		   get_unaligned_be32(p + 4 + 4 * gre->has_csum) : 0;
	return 0;
}

static inline u8 dmvpn_gre_hlen(bool has_key)
{
	return has_key ? 8 : 4;
}

/* Writes dmvpn_gre_hlen(@has_key) bytes at @p. */
static inline void dmvpn_gre_build(u8 *p, bool has_key, u32 key, __be16 proto)
{
	put_unaligned(has_key ? GRE_KEY : cpu_to_be16(0), (__be16 *)p);
	put_unaligned(proto, (__be16 *)(p + 2));
	if (has_key)
		put_unaligned_be32(key, p + 4);
}

#endif
