/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet: the wire format of NHRP, RFC 2332 section 5, with Cisco's Traffic
 * Indication, NAT extension and cleartext key. Called by the engine only.
 *
 * Both directions run through the same check_*() functions, and bytes are
 * touched by struct reader and struct writer alone, which know their end.
 * Reserved bits are kept as received: a transit NHS changes only what it
 * means to change.
 */
#include <errno.h>
#include <string.h>

#include "packet.h"

#define FIXED_LEN	28		/* up to the first address */
#define VERSION		1
#define PKTSZ_AT	10		/* filled in when the rest is there */
#define CHECKSUM_AT	12
#define EXTOFF_AT	14
#define SUBADDR_MAX	16
#define PREFIX_HOST	255

#define EXT_COMPULSORY	0x8000
#define EXT_UNUSED	0x4000
#define EXT_TYPE	0x3fff
#define EXT_END		(EXT_COMPULSORY | NHRP_EXT_END)

#define AUTH_HEAD_LEN	4
/* Reserved, then the SPI by which Cisco says "the rest is a clear key". */
static const uint8_t auth_head[AUTH_HEAD_LEN] = { 0, 0, 0, 1 };

/* What follows the addresses, by ar$op.type. */
static const struct kind {
	const char *name;
	bool quotes;			/* another packet, else CIEs */
} kinds[__NHRP_TYPE_MAX] = {
	[NHRP_RESOLUTION_REQUEST]	= { "Resolution Request", false },
	[NHRP_RESOLUTION_REPLY]		= { "Resolution Reply", false },
	[NHRP_REGISTRATION_REQUEST]	= { "Registration Request", false },
	[NHRP_REGISTRATION_REPLY]	= { "Registration Reply", false },
	[NHRP_PURGE_REQUEST]		= { "Purge Request", false },
	[NHRP_PURGE_REPLY]		= { "Purge Reply", false },
	[NHRP_ERROR_INDICATION]		= { "Error Indication", true },
	[NHRP_TRAFFIC_INDICATION]	= { "Traffic Indication", true },
};

enum value { RAW, CIES, CIES_OR_RAW };

/* RFC 2735 gives type 9 another content than Cisco, hence the tolerance. */
static const struct ext_kind {
	uint16_t type;
	bool compulsory;
	bool repeats;
	enum value value;
	uint16_t min_len;		/* of a raw value, bytes */
} ext_kinds[] = {
	{ NHRP_EXT_RESPONDER,	true,	false,	CIES,		0 },
	{ NHRP_EXT_FORWARD,	true,	false,	CIES,		0 },
	{ NHRP_EXT_REVERSE,	true,	false,	CIES,		0 },
	{ NHRP_EXT_AUTH,	true,	false,	RAW,		AUTH_HEAD_LEN },
	{ NHRP_EXT_VENDOR,	false,	true,	RAW,		3 },
	{ NHRP_EXT_NAT,		false,	false,	CIES_OR_RAW,	0 },
};

static const struct ext_kind unknown_ext = { .value = RAW };

static const char *const refusal_names[__NHRP_REFUSAL_MAX] = {
	[NHRP_OK]			= "ok",
	[NHRP_BAD_LENGTH]		= "bad-length",
	[NHRP_BAD_CHECKSUM]		= "bad-checksum",
	[NHRP_BAD_VERSION]		= "bad-version",
	[NHRP_BAD_TYPE]			= "bad-type",
	[NHRP_BAD_FAMILY]		= "bad-family",
	[NHRP_BAD_ADDRESS]		= "bad-address",
	[NHRP_BAD_EXTOFF]		= "bad-extoff",
	[NHRP_BAD_CIE]			= "bad-cie",
	[NHRP_BAD_PREFIX]		= "bad-prefix",
	[NHRP_TOO_MANY_CIES]		= "too-many-cies",
	[NHRP_BAD_EXTENSION]		= "bad-extension",
	[NHRP_DUPLICATE_EXTENSION]	= "duplicate-extension",
	[NHRP_TOO_MANY_EXTENSIONS]	= "too-many-extensions",
};

const char *nhrp_refusal_name(enum nhrp_refusal why)
{
	return (unsigned int)why < __NHRP_REFUSAL_MAX ? refusal_names[why] :
							"unknown";
}

const char *nhrp_type_name(unsigned int type)
{
	return type && type < __NHRP_TYPE_MAX ? kinds[type].name : "unknown";
}

/* Bytes of an NBMA address of this family, 0 when it is not carried. */
static unsigned int nbma_width(const struct nhrp_packet *p)
{
	return p->afn == 1 ? 4 : p->afn == 2 ? 16 : 0;
}

static unsigned int proto_width(const struct nhrp_packet *p)
{
	return p->proto_type == 0x0800 ? 4 : p->proto_type == 0x86dd ? 16 : 0;
}

static const struct ext_kind *ext_kind(unsigned int type)
{
	size_t i;

	for (i = 0; i < sizeof(ext_kinds) / sizeof(*ext_kinds); i++)
		if (ext_kinds[i].type == type)
			return &ext_kinds[i];
	return &unknown_ext;
}

/* What packets and structs have to obey alike. */

static enum nhrp_refusal check_header(const struct nhrp_packet *p)
{
	unsigned int nbma = nbma_width(p), proto = proto_width(p);

	if (!p->type || p->type >= __NHRP_TYPE_MAX)
		return NHRP_BAD_TYPE;
	if (!nbma || !proto)
		return NHRP_BAD_FAMILY;
	if (p->src_nbma.len != nbma || p->src_nbma_sub.len > SUBADDR_MAX ||
	    p->src_proto.len != proto || p->dst_proto.len != proto)
		return NHRP_BAD_ADDRESS;
	return NHRP_OK;
}

static enum nhrp_refusal check_cie(const struct nhrp_packet *p,
				   const struct nhrp_cie *c)
{
	if ((c->nbma.len && c->nbma.len != nbma_width(p)) ||
	    c->nbma_sub.len > SUBADDR_MAX ||
	    (c->proto.len && c->proto.len != proto_width(p)))
		return NHRP_BAD_ADDRESS;
	if (c->prefix > proto_width(p) * 8 && c->prefix != PREFIX_HOST)
		return NHRP_BAD_PREFIX;
	return NHRP_OK;
}

/* The extension at @i against its kind and against those before it. */
static enum nhrp_refusal check_ext(const struct nhrp_packet *p, unsigned int i)
{
	const struct nhrp_ext *e = &p->ext[i];
	const struct ext_kind *kind = ext_kind(e->type);

	if (e->type == NHRP_EXT_END || e->type > EXT_TYPE)
		return NHRP_BAD_EXTENSION;
	if (!e->has_cies && e->len < kind->min_len)
		return NHRP_BAD_EXTENSION;
	while (i-- && !kind->repeats)
		if (p->ext[i].type == e->type)
			return NHRP_DUPLICATE_EXTENSION;
	return NHRP_OK;
}

/*
 * Internet checksum of @len bytes, 0 when they hold their own right checksum.
 * An odd last byte is the high half of a word (RFC 1071).
 */
static uint16_t checksum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;		/* 1500 bytes cannot overflow it */
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += b[i] << 8 | b[i + 1];
	if (len & 1)
		sum += b[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/*
 * Reading. Once a read would pass the end, it and all later ones give zeros
 * and @overrun stays set, so that it is asked once behind a row of reads.
 */
struct reader {
	const uint8_t *p;
	const uint8_t *end;
	bool overrun;
};

static size_t left(const struct reader *r)
{
	return r->end - r->p;
}

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (n > left(r)) {
		r->p = r->end;
		r->overrun = true;
		return NULL;
	}
	r->p += n;
	return p;
}

/* The next @n bytes as a reader of their own. */
static struct reader take_part(struct reader *r, size_t n)
{
	const uint8_t *p = take(r, n);

	return (struct reader){ .p = p, .end = p ? p + n : p };
}

static uint8_t get8(struct reader *r)
{
	const uint8_t *p = take(r, 1);

	return p ? p[0] : 0;
}

static uint16_t get16(struct reader *r)
{
	const uint8_t *p = take(r, 2);

	return p ? p[0] << 8 | p[1] : 0;
}

static uint32_t get32(struct reader *r)
{
	uint32_t high = get16(r);

	return high << 16 | get16(r);
}

static void get_bytes(struct reader *r, void *to, size_t n)
{
	const uint8_t *p = take(r, n);

	if (p)
		memcpy(to, p, n);
}

/* An address starts as its length, which a check_*() sees before its bytes. */
static struct addr get_addr_len(struct reader *r)
{
	return (struct addr){ .len = get8(r) };
}

static void get_addr(struct reader *r, struct addr *a)
{
	get_bytes(r, a->b, a->len);
}

static enum nhrp_refusal read_cie(struct reader *r,
				  const struct nhrp_packet *p,
				  struct nhrp_cie *c)
{
	enum nhrp_refusal why;

	c->code = get8(r);
	c->prefix = get8(r);
	c->unused = get16(r);
	c->mtu = get16(r);
	c->hold = get16(r);
	c->nbma = get_addr_len(r);
	c->nbma_sub = get_addr_len(r);
	c->proto = get_addr_len(r);
	c->preference = get8(r);
	why = check_cie(p, c);
	if (why)
		return why;
	get_addr(r, &c->nbma);
	get_addr(r, &c->nbma_sub);
	get_addr(r, &c->proto);
	return r->overrun ? NHRP_BAD_CIE : NHRP_OK;
}

/* CIEs up to the end of @r. */
static enum nhrp_refusal read_cies(struct reader *r,
				   const struct nhrp_packet *p,
				   struct nhrp_cies *list)
{
	enum nhrp_refusal why;

	for (list->n = 0; left(r); list->n++) {
		if (list->n == NHRP_CIES_MAX)
			return NHRP_TOO_MANY_CIES;
		why = read_cie(r, p, &list->e[list->n]);
		if (why)
			return why;
	}
	return NHRP_OK;
}

static enum nhrp_refusal read_value(struct reader *r,
				    const struct nhrp_packet *p,
				    struct nhrp_ext *e)
{
	enum value value = ext_kind(e->type)->value;
	struct reader as_cies = *r;
	enum nhrp_refusal why;

	e->has_cies = value != RAW;
	e->len = 0;
	e->data = NULL;
	e->cies.n = 0;
	if (e->has_cies) {
		why = read_cies(&as_cies, p, &e->cies);
		if (!why || value == CIES)
			return why;
		e->has_cies = false;
		e->cies.n = 0;
	}
	e->len = left(r);
	e->data = r->p;
	return NHRP_OK;
}

static enum nhrp_refusal read_ext(struct reader *value, unsigned int head,
				  struct nhrp_packet *p)
{
	enum nhrp_refusal why;
	struct nhrp_ext *e;

	if (p->n_exts == NHRP_EXTS_MAX)
		return NHRP_TOO_MANY_EXTENSIONS;
	e = &p->ext[p->n_exts];
	e->type = head & EXT_TYPE;
	e->compulsory = head & EXT_COMPULSORY;
	e->unused = head & EXT_UNUSED;
	why = read_value(value, p, e);
	if (!why)
		why = check_ext(p, p->n_exts);
	if (!why)
		p->n_exts++;
	return why;
}

/* Extensions up to End; what comes behind it does not count. */
static enum nhrp_refusal read_exts(struct reader *r, struct nhrp_packet *p)
{
	enum nhrp_refusal why;
	struct reader value;
	unsigned int head;

	for (;;) {
		head = get16(r);
		value = take_part(r, get16(r));
		if (r->overrun)
			return NHRP_BAD_EXTENSION;
		if (head == EXT_END && !left(&value))
			return NHRP_OK;
		why = read_ext(&value, head, p);
		if (why)
			return why;
	}
}

static enum nhrp_refusal read_header(struct reader *r, struct nhrp_packet *p,
				     size_t *extoff)
{
	enum nhrp_refusal why;

	p->afn = get16(r);
	p->proto_type = get16(r);
	get_bytes(r, p->snap, sizeof(p->snap));
	p->hops = get8(r);
	take(r, 4);			/* ar$pktsz, ar$chksum: seen already */
	*extoff = get16(r);
	if (get8(r) != VERSION)
		return NHRP_BAD_VERSION;
	p->type = get8(r);
	p->src_nbma = get_addr_len(r);
	p->src_nbma_sub = get_addr_len(r);
	p->src_proto = get_addr_len(r);
	p->dst_proto = get_addr_len(r);
	p->flags = get16(r);
	why = check_header(p);
	if (why)
		return why;
	p->reqid = p->code = p->offset = 0;
	if (kinds[p->type].quotes) {
		p->code = get16(r);
		p->offset = get16(r);
	} else {
		p->reqid = get32(r);
	}
	get_addr(r, &p->src_nbma);
	get_addr(r, &p->src_nbma_sub);
	get_addr(r, &p->src_proto);
	get_addr(r, &p->dst_proto);
	return r->overrun ? NHRP_BAD_LENGTH : NHRP_OK;
}

/* The CIEs or the quoted packet, all of @r. */
static enum nhrp_refusal read_body(struct reader *r, struct nhrp_packet *p)
{
	p->cies.n = 0;
	p->quote = NULL;
	p->quote_len = 0;
	if (!kinds[p->type].quotes)
		return read_cies(r, p, &p->cies);
	p->quote_len = left(r);
	p->quote = r->p;
	return NHRP_OK;
}

/* ar$pktsz, or 0 when the frame cannot hold such a packet. */
static size_t packet_len(const uint8_t *buf, size_t len)
{
	size_t pktsz;

	if (len < FIXED_LEN)
		return 0;
	pktsz = buf[PKTSZ_AT] << 8 | buf[PKTSZ_AT + 1];
	if (pktsz < FIXED_LEN || pktsz > len || pktsz > NHRP_PACKET_MAX)
		return 0;
	return pktsz;
}

enum nhrp_refusal nhrp_decode(const uint8_t *buf, size_t len,
			      struct nhrp_packet *p)
{
	size_t pktsz = packet_len(buf, len), extoff;
	struct reader r = { .p = buf, .end = buf + pktsz }, body;
	enum nhrp_refusal why;

	if (!pktsz)
		return NHRP_BAD_LENGTH;
	if (checksum(buf, pktsz))
		return NHRP_BAD_CHECKSUM;
	why = read_header(&r, p, &extoff);
	if (why)
		return why;
	p->has_exts = extoff != 0;
	p->n_exts = 0;
	if (p->has_exts && (extoff < (size_t)(r.p - buf) || extoff > pktsz))
		return NHRP_BAD_EXTOFF;
	body = take_part(&r, p->has_exts ? extoff - (r.p - buf) : left(&r));
	why = read_body(&body, p);
	if (!why && p->has_exts)
		why = read_exts(&r, p);
	return why;
}

/*
 * Writing. Once a write would pass the end, it and all later ones write
 * nothing and @full stays set.
 */
struct writer {
	uint8_t *start;
	uint8_t *p;
	uint8_t *end;
	bool full;
};

static size_t written(const struct writer *w)
{
	return w->p - w->start;
}

static void put_bytes(struct writer *w, const void *from, size_t n)
{
	if (w->full || n > (size_t)(w->end - w->p)) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->p, from, n);
	w->p += n;
}

static void put8(struct writer *w, uint8_t v)
{
	put_bytes(w, &v, 1);
}

static void put16(struct writer *w, uint16_t v)
{
	put8(w, v >> 8);
	put8(w, v);
}

static void put32(struct writer *w, uint32_t v)
{
	put16(w, v >> 16);
	put16(w, v);
}

static void put_addr(struct writer *w, const struct addr *a)
{
	put_bytes(w, a->b, a->len);
}

/* Sets a field that was written as 0 because it was not known yet. */
static void set16(struct writer *w, size_t at, uint16_t v)
{
	if (w->full)
		return;
	w->start[at] = v >> 8;
	w->start[at + 1] = v;
}

static void write_cies(struct writer *w, const struct nhrp_cies *list)
{
	const struct nhrp_cie *c;

	for (c = list->e; c < list->e + list->n; c++) {
		put8(w, c->code);
		put8(w, c->prefix);
		put16(w, c->unused);
		put16(w, c->mtu);
		put16(w, c->hold);
		put8(w, c->nbma.len);
		put8(w, c->nbma_sub.len);
		put8(w, c->proto.len);
		put8(w, c->preference);
		put_addr(w, &c->nbma);
		put_addr(w, &c->nbma_sub);
		put_addr(w, &c->proto);
	}
}

static void write_ext(struct writer *w, const struct nhrp_ext *e)
{
	size_t value;

	put16(w, e->type | (e->compulsory ? EXT_COMPULSORY : 0) |
		 (e->unused ? EXT_UNUSED : 0));
	put16(w, 0);
	value = written(w);
	if (e->has_cies)
		write_cies(w, &e->cies);
	else
		put_bytes(w, e->data, e->len);
	set16(w, value - 2, written(w) - value);
}

static void write_header(struct writer *w, const struct nhrp_packet *p)
{
	put16(w, p->afn);
	put16(w, p->proto_type);
	put_bytes(w, p->snap, sizeof(p->snap));
	put8(w, p->hops);
	put16(w, 0);			/* ar$pktsz */
	put16(w, 0);			/* ar$chksum */
	put16(w, 0);			/* ar$extoff */
	put8(w, VERSION);
	put8(w, p->type);
	put8(w, p->src_nbma.len);
	put8(w, p->src_nbma_sub.len);
	put8(w, p->src_proto.len);
	put8(w, p->dst_proto.len);
	put16(w, p->flags);
	if (kinds[p->type].quotes) {
		put16(w, p->code);
		put16(w, p->offset);
	} else {
		put32(w, p->reqid);
	}
	put_addr(w, &p->src_nbma);
	put_addr(w, &p->src_nbma_sub);
	put_addr(w, &p->src_proto);
	put_addr(w, &p->dst_proto);
}

static bool cies_fit(const struct nhrp_packet *p, const struct nhrp_cies *list)
{
	unsigned int i;

	if (list->n > NHRP_CIES_MAX)
		return false;
	for (i = 0; i < list->n; i++)
		if (check_cie(p, &list->e[i]))
			return false;
	return true;
}

static bool ext_fits(const struct nhrp_packet *p, unsigned int i)
{
	const struct nhrp_ext *e = &p->ext[i];
	enum value value = ext_kind(e->type)->value;

	if (check_ext(p, i))
		return false;
	if (!e->has_cies)
		return value != CIES && (e->data || !e->len);
	return value != RAW && cies_fit(p, &e->cies);
}

/* Some packet can say all that the struct says. */
static bool expressible(const struct nhrp_packet *p)
{
	unsigned int i;

	if (check_header(p) || !cies_fit(p, &p->cies))
		return false;
	if (kinds[p->type].quotes ? p->cies.n : p->quote_len)
		return false;
	if (p->quote_len && !p->quote)
		return false;
	if (p->n_exts > (p->has_exts ? NHRP_EXTS_MAX : 0))
		return false;
	for (i = 0; i < p->n_exts; i++)
		if (!ext_fits(p, i))
			return false;
	return true;
}

int nhrp_encode(const struct nhrp_packet *p, uint8_t *buf, size_t size)
{
	struct writer w = { .start = buf, .p = buf };
	unsigned int i;

	if (!expressible(p))
		return -EINVAL;
	w.end = buf + (size < NHRP_PACKET_MAX ? size : NHRP_PACKET_MAX);
	write_header(&w, p);
	write_cies(&w, &p->cies);
	put_bytes(&w, p->quote, p->quote_len);
	if (p->has_exts) {
		set16(&w, EXTOFF_AT, written(&w));
		for (i = 0; i < p->n_exts; i++)
			write_ext(&w, &p->ext[i]);
		put16(&w, EXT_END);
		put16(&w, 0);
	}
	set16(&w, PKTSZ_AT, written(&w));
	if (w.full)
		return -EMSGSIZE;
	set16(&w, CHECKSUM_AT, checksum(buf, written(&w)));
	return written(&w);
}

const struct nhrp_ext *nhrp_ext_find(const struct nhrp_packet *p,
				     unsigned int type)
{
	unsigned int i;

	for (i = 0; i < p->n_exts; i++)
		if (p->ext[i].type == type)
			return &p->ext[i];
	return NULL;
}

struct nhrp_ext *nhrp_ext_get(struct nhrp_packet *p, unsigned int type)
{
	return (struct nhrp_ext *)nhrp_ext_find(p, type);
}

struct nhrp_ext *nhrp_ext_add(struct nhrp_packet *p, unsigned int type)
{
	const struct ext_kind *kind = ext_kind(type);
	struct nhrp_ext *e;

	if (p->n_exts == NHRP_EXTS_MAX)
		return NULL;
	e = &p->ext[p->n_exts++];
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->compulsory = kind->compulsory;
	e->has_cies = kind->value != RAW;
	p->has_exts = true;
	return e;
}

struct nhrp_cie *nhrp_cie_add(struct nhrp_cies *list)
{
	struct nhrp_cie *c;

	if (list->n == NHRP_CIES_MAX)
		return NULL;
	c = &list->e[list->n++];
	memset(c, 0, sizeof(*c));
	return c;
}

bool nhrp_auth_ok(const struct nhrp_packet *p, const char *key)
{
	const struct nhrp_ext *e;
	size_t n;

	if (!key || !*key)
		return true;
	e = nhrp_ext_find(p, NHRP_EXT_AUTH);
	n = strlen(key);
	return e && e->len == AUTH_HEAD_LEN + n &&
	       !memcmp(e->data, auth_head, AUTH_HEAD_LEN) &&
	       !memcmp(e->data + AUTH_HEAD_LEN, key, n);
}

static void ext_del(struct nhrp_packet *p, struct nhrp_ext *e)
{
	size_t behind = p->ext + --p->n_exts - e;

	memmove(e, e + 1, behind * sizeof(*e));
}

int nhrp_auth_set(struct nhrp_packet *p, const char *key, uint8_t *store)
{
	struct nhrp_ext *e = nhrp_ext_get(p, NHRP_EXT_AUTH);
	size_t n = key ? strlen(key) : 0;

	if (n > NHRP_AUTH_MAX)
		return -EINVAL;
	if (!n) {
		if (e)
			ext_del(p, e);
		return 0;
	}
	if (!e)
		e = nhrp_ext_add(p, NHRP_EXT_AUTH);
	if (!e)
		return -ENOSPC;
	memcpy(store, auth_head, AUTH_HEAD_LEN);
	memcpy(store + AUTH_HEAD_LEN, key, n);
	e->compulsory = true;
	e->unused = false;
	e->len = AUTH_HEAD_LEN + n;
	e->data = store;
	return 0;
}
