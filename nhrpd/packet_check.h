/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet_check: what the codec must obey on any input. Shared by packet_test.c
 * and packet_fuzz.c, no part of the daemon. Its checksum is another one than
 * the codec's on purpose.
 */
#ifndef NHRPD_PACKET_CHECK_H
#define NHRPD_PACKET_CHECK_H

#include <errno.h>
#include <string.h>

#include "packet.h"

static inline size_t check_pktsz(const uint8_t *b)
{
	return b[10] << 8 | b[11];
}

static inline void check_set16(uint8_t *b, unsigned int v)
{
	b[0] = v >> 8;
	b[1] = v;
}

/* Gives the @len bytes of a packet the checksum that they should have. */
static inline void check_sum(uint8_t *b, size_t len)
{
	unsigned long total = 0;
	size_t i;

	check_set16(b + 12, 0);
	for (i = 0; i < len; i++)
		total += i & 1 ? b[i] : b[i] * 256ul;
	total %= 0xffff;
	check_set16(b + 12, 0xffff - (total ? total : 0xffff));
}

/* Repairs the checksum of a packet that may be broken otherwise. */
static inline void check_repair(uint8_t *b, size_t len)
{
	if (len >= 28 && check_pktsz(b) >= 28 && check_pktsz(b) <= len)
		check_sum(b, check_pktsz(b));
}

static inline bool check_same_cies(const struct nhrp_cies *a,
				   const struct nhrp_cies *b)
{
	const struct nhrp_cie *x = a->e, *y = b->e;
	unsigned int i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++, x++, y++)
		if (x->code != y->code || x->prefix != y->prefix ||
		    x->mtu != y->mtu || x->hold != y->hold ||
		    x->preference != y->preference || x->unused != y->unused ||
		    !addr_eq(&x->nbma, &y->nbma) ||
		    !addr_eq(&x->nbma_sub, &y->nbma_sub) ||
		    !addr_eq(&x->proto, &y->proto))
			return false;
	return true;
}

static inline bool check_same_ext(const struct nhrp_ext *a,
				  const struct nhrp_ext *b)
{
	return a->type == b->type && a->compulsory == b->compulsory &&
	       a->unused == b->unused && a->has_cies == b->has_cies &&
	       check_same_cies(&a->cies, &b->cies) && a->len == b->len &&
	       (!a->len || !memcmp(a->data, b->data, a->len));
}

static inline bool check_same(const struct nhrp_packet *a,
			      const struct nhrp_packet *b)
{
	unsigned int i;

	if (a->afn != b->afn || a->proto_type != b->proto_type ||
	    memcmp(a->snap, b->snap, sizeof(a->snap)) || a->hops != b->hops ||
	    a->type != b->type || a->flags != b->flags || a->reqid != b->reqid ||
	    a->code != b->code || a->offset != b->offset ||
	    !addr_eq(&a->src_nbma, &b->src_nbma) ||
	    !addr_eq(&a->src_nbma_sub, &b->src_nbma_sub) ||
	    !addr_eq(&a->src_proto, &b->src_proto) ||
	    !addr_eq(&a->dst_proto, &b->dst_proto) ||
	    !check_same_cies(&a->cies, &b->cies) ||
	    a->quote_len != b->quote_len || a->has_exts != b->has_exts ||
	    a->n_exts != b->n_exts)
		return false;
	if (a->quote_len && memcmp(a->quote, b->quote, a->quote_len))
		return false;
	for (i = 0; i < a->n_exts; i++)
		if (!check_same_ext(&a->ext[i], &b->ext[i]))
			return false;
	return true;
}

/* Whatever was decoded can be passed on under a key of our own. */
static inline const char *check_key(struct nhrp_packet *p)
{
	static struct nhrp_packet again;
	uint8_t store[NHRP_AUTH_MAX + 4], b[NHRP_PACKET_MAX];
	int n;

	if (nhrp_auth_set(p, "key", store))
		return p->n_exts == NHRP_EXTS_MAX ? NULL : "takes no key";
	n = nhrp_encode(p, b, sizeof(b));
	if (n == -EMSGSIZE)
		return NULL;
	if (n < 0 || nhrp_decode(b, n, &again) || !nhrp_auth_ok(&again, "key"))
		return "does not carry its key";
	return nhrp_auth_set(p, NULL, store) || nhrp_auth_ok(p, "key") ?
		"does not lose its key" : NULL;
}

/*
 * Decodes @b; when that succeeds the packet must encode to the same bytes,
 * what lies behind ar$pktsz and End left out. Returns what is wrong, or NULL;
 * *why is the decoder's verdict.
 */
static inline const char *check_bytes(const uint8_t *b, size_t len,
				      enum nhrp_refusal *why)
{
	static const uint8_t end[] = { 0x80, 0, 0, 0 };
	static struct nhrp_packet p, again;
	uint8_t out[NHRP_PACKET_MAX], want[NHRP_PACKET_MAX];
	int n;

	*why = nhrp_decode(b, len, &p);
	if (*why)
		return NULL;
	n = nhrp_encode(&p, out, sizeof(out));
	if (n < 28 || (size_t)n > check_pktsz(b))
		return "does not encode";
	memcpy(want, b, n);
	if ((size_t)n < check_pktsz(b)) {
		if (!p.has_exts || memcmp(b + n - 4, end, 4))
			return "lost bytes that were not behind End";
		check_set16(want + 10, n);
	}
	check_sum(want, n);
	if (memcmp(out, want, n))
		return "encodes to other bytes";
	if (nhrp_encode(&p, out, n) != n ||
	    nhrp_encode(&p, out, n - 1) != -EMSGSIZE)
		return "does not keep to the room given";
	if (nhrp_decode(want, n, &again) || !check_same(&p, &again))
		return "decodes to another packet";
	return check_key(&p);
}

#endif
