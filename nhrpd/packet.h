/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet: NHRP bytes <-> structs (RFC 2332 section 5, Cisco's extensions).
 *
 * Pure: no descriptor, no clock, no allocation, no state. A packet is decoded
 * whole before anybody acts on it; what the decoder accepts, the encoder turns
 * back into the same bytes. All multi-byte struct fields are in host order,
 * addresses are in network order.
 */
#ifndef NHRPD_PACKET_H
#define NHRPD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define NHRP_PACKET_MAX		1500	/* longest packet decoded or encoded */
#define NHRP_CIES_MAX		16	/* CIEs of one list */
#define NHRP_EXTS_MAX		12	/* extensions of one packet */
#define NHRP_AUTH_MAX		8	/* bytes of Cisco's cleartext key */
#define NHRP_HOPS_DEFAULT	255	/* RFC 2332 5.1, as IOS */

enum nhrp_type {			/* ar$op.type */
	NHRP_RESOLUTION_REQUEST = 1,
	NHRP_RESOLUTION_REPLY,
	NHRP_REGISTRATION_REQUEST,
	NHRP_REGISTRATION_REPLY,
	NHRP_PURGE_REQUEST,
	NHRP_PURGE_REPLY,
	NHRP_ERROR_INDICATION,
	NHRP_TRAFFIC_INDICATION,	/* Cisco: redirect */
	__NHRP_TYPE_MAX
};

/* Flags of types 1 to 6 (RFC 2332 5.2). */
#define NHRP_F_ROUTER		0x8000	/* Q: resolution */
#define NHRP_F_AUTHORITATIVE	0x4000	/* A: resolution */
#define NHRP_F_DEST_STABLE	0x2000	/* D: resolution reply */
#define NHRP_F_UNIQUE		0x1000	/* U: resolution */
#define NHRP_F_SOURCE_STABLE	0x0800	/* S: resolution */
#define NHRP_F_REG_UNIQUE	0x8000	/* U: registration */
#define NHRP_F_PURGE_NOREPLY	0x8000	/* N: purge */
#define NHRP_F_NAT		0x0002	/* Cisco: knows the NAT extension */

enum nhrp_code {			/* CIE codes */
	NHRP_CODE_SUCCESS = 0,
	NHRP_CODE_PROHIBITED = 4,
	NHRP_CODE_NO_RESOURCES = 5,
	NHRP_CODE_NO_BINDING = 12,
	NHRP_CODE_NOT_UNIQUE = 13,	/* resolution */
	NHRP_CODE_ALREADY_REGISTERED = 14,
};

enum nhrp_error {			/* codes of Error Indications */
	NHRP_ERROR_UNKNOWN_EXTENSION = 1,
	NHRP_ERROR_LOOP = 3,
	NHRP_ERROR_UNREACHABLE = 6,
	NHRP_ERROR_PROTOCOL = 7,
	NHRP_ERROR_TOO_BIG = 8,
	NHRP_ERROR_INVALID_EXTENSION = 9,
	NHRP_ERROR_INVALID_REPLY = 10,
	NHRP_ERROR_AUTH = 11,
	NHRP_ERROR_HOPS = 15,
};

enum nhrp_ext_type {			/* 14 bits */
	NHRP_EXT_END = 0,
	NHRP_EXT_RESPONDER = 3,
	NHRP_EXT_FORWARD = 4,		/* forward transit NHS record */
	NHRP_EXT_REVERSE = 5,		/* reverse transit NHS record */
	NHRP_EXT_AUTH = 7,
	NHRP_EXT_VENDOR = 8,
	NHRP_EXT_NAT = 9,		/* Cisco NAT address */
};

/* Client Information Entry, RFC 2332 5.2.0.1. */
struct nhrp_cie {
	uint8_t code;			/* enum nhrp_code */
	uint8_t prefix;			/* bits; 0 and 255: the address alone */
	uint16_t mtu;			/* bytes */
	uint16_t hold;			/* seconds */
	uint8_t preference;
	uint16_t unused;		/* as received; 0 */
	struct addr nbma;		/* len 0: absent, see the header */
	struct addr nbma_sub;		/* subaddress as received; len 0 */
	struct addr proto;		/* len 0: absent */
};

struct nhrp_cies {
	unsigned int n;
	struct nhrp_cie e[NHRP_CIES_MAX];
};

struct nhrp_ext {
	uint16_t type;			/* 14 bits, enum nhrp_ext_type */
	bool compulsory;
	bool unused;			/* the u bit as received; false */
	bool has_cies;			/* value is @cies, else @data */
	struct nhrp_cies cies;		/* responder, transit records, NAT;
					 * NAT with another value: @data */
	uint16_t len;
	const uint8_t *data;		/* into the buffer decoded, or caller's */
};

struct nhrp_packet {
	uint16_t afn;			/* 1 IPv4, 2 IPv6 */
	uint16_t proto_type;		/* 0x0800, 0x86dd */
	uint8_t snap[5];
	uint8_t hops;
	uint8_t type;			/* enum nhrp_type */
	uint16_t flags;			/* NHRP_F_*; as received for types 7, 8 */
	uint32_t reqid;			/* types 1 to 6 */
	struct addr src_nbma;
	struct addr src_nbma_sub;
	struct addr src_proto;
	struct addr dst_proto;
	uint16_t code;			/* type 7: enum nhrp_error; type 8: 0 */
	uint16_t offset;		/* type 7: into the offender; type 8: 0 */
	struct nhrp_cies cies;		/* types 1 to 6 */
	uint16_t quote_len;		/* types 7, 8: the packet quoted */
	const uint8_t *quote;		/* into the buffer decoded, or caller's */
	bool has_exts;			/* false: ar$extoff is 0 */
	unsigned int n_exts;		/* without End */
	struct nhrp_ext ext[NHRP_EXTS_MAX];
};

/*
 * Reserved fields are in the structs so that a packet passed on is the packet
 * received; for a new one they are 0. A type/length octet of an address must
 * hold just the length (the E.164 bit is as wrong as bit 7), End must be
 * compulsory and empty.
 */

/* Why a packet was refused; nhrp_refusal_name() gives the counter's word. */
enum nhrp_refusal {
	NHRP_OK,
	NHRP_BAD_LENGTH,		/* ar$pktsz < 28, > frame, or too long */
	NHRP_BAD_CHECKSUM,
	NHRP_BAD_VERSION,
	NHRP_BAD_TYPE,			/* ar$op.type unknown */
	NHRP_BAD_FAMILY,		/* afn or pro.type not carried */
	NHRP_BAD_ADDRESS,		/* a length that does not fit its family,
					 * a subaddress above 16 bytes */
	NHRP_BAD_EXTOFF,		/* ar$extoff outside */
	NHRP_BAD_CIE,			/* runs past its part */
	NHRP_BAD_PREFIX,
	NHRP_TOO_MANY_CIES,
	NHRP_BAD_EXTENSION,		/* runs past the packet, too short for
					 * its type, or no End */
	NHRP_DUPLICATE_EXTENSION,
	NHRP_TOO_MANY_EXTENSIONS,
	__NHRP_REFUSAL_MAX
};

/* The refusal's word, e.g. "bad-checksum"; same in log, JSON and manual. */
const char *nhrp_refusal_name(enum nhrp_refusal why);

/* "Resolution Request" and so on; "unknown" outside of the range. */
const char *nhrp_type_name(unsigned int type);

/*
 * Decodes one NHRP packet of @len bytes at @buf. On NHRP_OK every field of
 * *p is set; quote and extension data point into @buf, which must outlive
 * them. Otherwise *p is undefined. Bytes behind ar$pktsz are ignored, as are
 * bytes behind the End extension.
 */
enum nhrp_refusal nhrp_decode(const uint8_t *buf, size_t len,
			      struct nhrp_packet *p);

/*
 * Encodes *p into @buf, which overlaps nothing that *p points to. Returns the
 * length, or -EMSGSIZE when @size or NHRP_PACKET_MAX is too small, or -EINVAL
 * for a struct that no packet can express (wrong lengths and prefixes, CIEs
 * where a quote belongs, duplicate extensions, extensions without @has_exts).
 * The checksum, ar$pktsz and ar$extoff are computed; End is appended when
 * @has_exts. Nothing is written behind @size; on failure @buf is undefined.
 */
int nhrp_encode(const struct nhrp_packet *p, uint8_t *buf, size_t size);

/* The extension of this type, or NULL. */
const struct nhrp_ext *nhrp_ext_find(const struct nhrp_packet *p,
				     unsigned int type);
struct nhrp_ext *nhrp_ext_get(struct nhrp_packet *p, unsigned int type);

/*
 * Appends an extension with an empty value and returns it, NULL when the
 * packet is full. @has_cies and @compulsory are set as the type demands.
 */
struct nhrp_ext *nhrp_ext_add(struct nhrp_packet *p, unsigned int type);

/* Appends a zeroed CIE, NULL when the list is full. */
struct nhrp_cie *nhrp_cie_add(struct nhrp_cies *list);

/*
 * Cisco's cleartext authentication: true when @key is NULL or empty, or the
 * packet carries just this key (1 to NHRP_AUTH_MAX bytes).
 */
bool nhrp_auth_ok(const struct nhrp_packet *p, const char *key);

/*
 * Replaces or appends the authentication extension (hop by hop: a received
 * one is never passed on); removes it when @key is NULL or empty. @store
 * holds the value, NHRP_AUTH_MAX + 4 bytes, and must outlive the packet.
 * -ENOSPC when the packet is full, -EINVAL for a longer key.
 */
int nhrp_auth_set(struct nhrp_packet *p, const char *key, uint8_t *store);

#endif
