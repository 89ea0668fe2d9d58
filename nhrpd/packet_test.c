/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet_test: the codec against golden packets, damage and chance.
 *
 *   packet_test		all tests; golden packets from $DMVPN_GOLDEN or
 *				tests/golden/nhrp.hex
 *   packet_test FILE.tsv	only the captured packets in FILE, one a line:
 *				name, outer source, destination, key, type,
 *				request id, checksum verdict, hex
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "packet_check.h"

#define GOLDEN_MAX	100
#define RANDOM_ROUNDS	200000
#define ALL_REASONS	((1u << __NHRP_REFUSAL_MAX) - 1)

struct golden {
	char name[48];
	uint8_t b[NHRP_PACKET_MAX];
	size_t n;
};

static struct golden golden[GOLDEN_MAX];
static size_t n_golden;

/* Appends the hex digits of @line up to a comment; spaces group them. */
static size_t add_hex(uint8_t *b, size_t n, size_t max, const char *line)
{
	unsigned int octet;
	int used;

	while (n < max && sscanf(line, " %2x%n", &octet, &used) == 1) {
		b[n++] = octet;
		line += used;
	}
	return n;
}

static int read_golden(void **state)
{
	const char *path = getenv("DMVPN_GOLDEN");
	FILE *f = fopen(path ? path : "tests/golden/nhrp.hex", "r");
	struct golden *g = golden;	/* the last one begun, if any */
	char line[512];

	(void)state;
	if (!f) {
		perror("golden packets (run from the top of the tree)");
		return -1;
	}
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '=' && n_golden < GOLDEN_MAX) {
			g = &golden[n_golden++];
			sscanf(line, "= %47s", g->name);
		} else if (isxdigit((unsigned char)line[0]) || line[0] == ' ') {
			g->n = add_hex(g->b, g->n, sizeof(g->b), line);
		}
	}
	fclose(f);
	return n_golden < 30;
}

static const struct golden *find(const char *name)
{
	size_t i;

	for (i = 0; i < n_golden; i++)
		if (!strcmp(golden[i].name, name))
			return &golden[i];
	fail_msg("no golden packet %s", name);
	return NULL;
}

/* Into a struct full of something else: the decoder sets every field. */
static void decode_golden(const char *name, struct nhrp_packet *p)
{
	const struct golden *g = find(name);

	memset(p, 0xa5, sizeof(*p));
	assert_int_equal(nhrp_decode(g->b, g->n, p), NHRP_OK);
}

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static void assert_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_text(a, buf), text);
}

/* Chance that is the same on every run (xorshift64). */
static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 32) % below;
}

static void fill(uint8_t *b, size_t n)
{
	while (n--)
		*b++ = any(256);
}

/* The verdict on damaged bytes; whatever is accepted must be sound. */
static enum nhrp_refusal judge(const char *name, const char *damage, size_t at,
			       const uint8_t *b, size_t len)
{
	enum nhrp_refusal why;
	const char *wrong = check_bytes(b, len, &why);

	if (wrong)
		fail_msg("%s, %s %zu: %s", name, damage, at, wrong);
	return why;
}

/* Golden packets. */

static void golden_packets_round_trip(void **state)
{
	uint8_t out[NHRP_PACKET_MAX], fixed[NHRP_PACKET_MAX];
	struct nhrp_packet p;
	const struct golden *g;
	enum nhrp_refusal why;
	unsigned int types = 0;

	(void)state;
	for (g = golden; g < golden + n_golden; g++) {
		memcpy(fixed, g->b, g->n);
		check_repair(fixed, g->n);
		if (memcmp(fixed, g->b, g->n))
			fail_msg("%s: the checksum should be %02x%02x", g->name,
				 fixed[12], fixed[13]);
		why = nhrp_decode(g->b, g->n, &p);
		if (why)
			fail_msg("%s: %s", g->name, nhrp_refusal_name(why));
		assert_int_equal(nhrp_encode(&p, out, sizeof(out)), g->n);
		assert_memory_equal(out, g->b, g->n);
		judge(g->name, "whole", g->n, g->b, g->n);
		types |= 1u << p.type;
	}
	assert_int_equal(types, (1u << __NHRP_TYPE_MAX) - 2);
}

static void registration_means_what_it_says(void **state)
{
	struct nhrp_packet p;
	const struct nhrp_ext *e;

	(void)state;
	decode_golden("registration-reply-nat", &p);
	assert_int_equal(p.afn, 1);
	assert_int_equal(p.proto_type, 0x0800);
	assert_int_equal(p.hops, 255);
	assert_int_equal(p.type, NHRP_REGISTRATION_REPLY);
	assert_int_equal(p.flags, NHRP_F_REG_UNIQUE | NHRP_F_NAT);
	assert_int_equal(p.reqid, 2);
	assert_addr(&p.src_nbma, "192.0.2.11");
	assert_addr(&p.src_proto, "198.51.100.11");
	assert_addr(&p.dst_proto, "198.51.100.1");
	assert_int_equal(p.code, 0);
	assert_int_equal(p.offset, 0);
	assert_int_equal(p.quote_len, 0);
	assert_null(p.quote);
	assert_int_equal(p.cies.n, 1);
	assert_int_equal(p.cies.e[0].code, NHRP_CODE_SUCCESS);
	assert_int_equal(p.cies.e[0].prefix, 32);
	assert_int_equal(p.cies.e[0].mtu, 1400);
	assert_int_equal(p.cies.e[0].hold, 600);
	assert_false(addr_is_set(&p.cies.e[0].nbma));
	assert_true(p.has_exts);
	assert_int_equal(p.n_exts, 5);
	e = nhrp_ext_find(&p, NHRP_EXT_NAT);
	assert_true(e && e->has_cies && !e->compulsory);
	assert_int_equal(e->cies.n, 2);
	assert_addr(&e->cies.e[0].nbma, "192.0.2.1");
	assert_addr(&e->cies.e[1].nbma, "203.0.113.5");
	assert_addr(&e->cies.e[1].proto, "198.51.100.11");
	e = nhrp_ext_find(&p, NHRP_EXT_AUTH);
	assert_true(e && !e->has_cies && e->compulsory);
	assert_int_equal(e->len, 10);
	assert_memory_equal(e->data, "\0\0\0\1secret", 10);
	e = nhrp_ext_find(&p, NHRP_EXT_FORWARD);
	assert_true(e && e->has_cies && !e->cies.n);
	assert_null(nhrp_ext_find(&p, NHRP_EXT_VENDOR));
	assert_null(nhrp_ext_find(&p, NHRP_EXT_END));
}

static void indications_quote(void **state)
{
	const struct golden *offender = find("registration-request-odd");
	struct nhrp_packet p;

	(void)state;
	decode_golden("error-auth-odd", &p);
	assert_int_equal(p.code, NHRP_ERROR_AUTH);
	assert_int_equal(p.offset, 64);
	assert_int_equal(p.reqid, 0);
	assert_int_equal(p.quote_len, 61);
	assert_memory_equal(p.quote, offender->b, 61);
	assert_false(p.has_exts);
	decode_golden("traffic-indication-key", &p);
	assert_int_equal(p.code, 0);
	assert_addr(&p.dst_proto, "203.0.113.10");
	assert_int_equal(p.quote_len, 28);
	assert_memory_equal(p.quote + 16, "\xcb\x00\x71\x82", 4);
	assert_int_equal(p.cies.n, 0);
	assert_int_equal(p.n_exts, 4);
	assert_true(nhrp_auth_ok(&p, "secret"));
}

static void families_mix(void **state)
{
	struct nhrp_packet p;

	(void)state;
	decode_golden("v6-over-v4-resolution-reply", &p);
	assert_int_equal(p.afn, 1);
	assert_int_equal(p.proto_type, 0x86dd);
	assert_addr(&p.src_nbma, "192.0.2.11");
	assert_addr(&p.dst_proto, "2001:db8:22::5");
	assert_int_equal(p.cies.e[0].prefix, 48);
	assert_addr(&p.cies.e[0].nbma, "192.0.2.12");
	assert_addr(&p.cies.e[0].proto, "2001:db8:1::12");
	decode_golden("v4-over-v6-resolution-reply", &p);
	assert_int_equal(p.afn, 2);
	assert_int_equal(p.proto_type, 0x0800);
	assert_addr(&p.cies.e[0].nbma, "2001:db8:ffff::12");
	assert_addr(&p.cies.e[0].proto, "198.51.100.12");
}

static void strange_content_is_kept(void **state)
{
	struct nhrp_packet p;
	const struct nhrp_ext *e;

	(void)state;
	decode_golden("unknown-extensions", &p);
	assert_int_equal(p.n_exts, 7);
	assert_int_equal(p.ext[3].type, NHRP_EXT_VENDOR);
	assert_int_equal(p.ext[3].len, 5);
	assert_int_equal(p.ext[4].len, 3);
	assert_int_equal(p.ext[6].type, 0x1201);
	assert_true(p.ext[6].compulsory && !p.ext[6].has_cies);
	assert_memory_equal(p.ext[6].data, "\xff", 1);
	decode_golden("device-capabilities", &p);
	e = nhrp_ext_find(&p, NHRP_EXT_NAT);
	assert_true(e && !e->has_cies && !e->cies.n);
	assert_int_equal(e->len, 8);
	decode_golden("subaddress-odd", &p);
	assert_int_equal(p.src_nbma_sub.len, 3);
	assert_memory_equal(p.src_nbma_sub.b, "\xa1\xa2\xa3", 4);
	decode_golden("reserved", &p);
	assert_int_equal(p.cies.e[0].unused, 0x0102);
	assert_true(p.ext[1].unused);
	assert_int_equal(p.snap[4], 5);
}

/* One CIE that does not fit makes the whole value raw. */
static void strange_nat_content_is_kept(void **state)
{
	const struct golden *g = find("registration-reply-nat");
	uint8_t b[NHRP_PACKET_MAX];
	const struct nhrp_ext *e;
	struct nhrp_packet p;

	(void)state;
	memset(&p, 0xff, sizeof(p));
	memcpy(b, g->b, g->n);
	assert_int_equal(nhrp_decode(b, g->n, &p), NHRP_OK);
	e = nhrp_ext_find(&p, NHRP_EXT_NAT);
	assert_true(e && e->has_cies && !e->len && !e->data);
	b[g->n - 16] = 3;		/* length of the second NBMA address */
	check_repair(b, g->n);
	assert_int_equal(nhrp_decode(b, g->n, &p), NHRP_OK);
	e = nhrp_ext_find(&p, NHRP_EXT_NAT);
	assert_true(e && !e->has_cies && !e->cies.n);
	assert_int_equal(e->len, 40);
	assert_ptr_equal(e->data, b + g->n - 44);
}

/* What the engine builds. */

static void start(struct nhrp_packet *p, unsigned int type, const char *nbma,
		  const char *src, const char *dst)
{
	memset(p, 0, sizeof(*p));
	p->type = type;
	p->hops = NHRP_HOPS_DEFAULT;
	p->src_nbma = addr(nbma);
	p->src_proto = addr(src);
	p->dst_proto = addr(dst);
	p->afn = p->src_nbma.len == 4 ? 1 : 2;
	p->proto_type = p->src_proto.len == 4 ? 0x0800 : 0x86dd;
}

static struct nhrp_cie *add_cie(struct nhrp_cies *list, unsigned int prefix,
				unsigned int hold)
{
	struct nhrp_cie *c = nhrp_cie_add(list);

	assert_non_null(c);
	c->prefix = prefix;
	c->mtu = 1400;
	c->hold = hold;
	return c;
}

static void assert_encodes(const struct nhrp_packet *p, const char *name)
{
	const struct golden *g = find(name);
	uint8_t out[NHRP_PACKET_MAX];

	assert_int_equal(nhrp_encode(p, out, sizeof(out)), g->n);
	assert_memory_equal(out, g->b, g->n);
}

static void builds_a_registration(void **state)
{
	uint8_t store[NHRP_AUTH_MAX + 4];
	struct nhrp_packet p;
	struct nhrp_cie *c;

	(void)state;
	start(&p, NHRP_REGISTRATION_REQUEST, "192.0.2.11", "198.51.100.11",
	      "198.51.100.1");
	p.flags = NHRP_F_REG_UNIQUE | NHRP_F_NAT;
	p.reqid = 2;
	add_cie(&p.cies, 32, 600);
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER);
	nhrp_ext_add(&p, NHRP_EXT_FORWARD);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE);
	assert_int_equal(nhrp_auth_set(&p, "longest8", store), 0);
	c = add_cie(&nhrp_ext_add(&p, NHRP_EXT_NAT)->cies, 32, 0);
	c->nbma = addr("192.0.2.1");
	c->proto = addr("198.51.100.1");
	assert_encodes(&p, "registration-request-key");
}

static void builds_indications(void **state)
{
	const struct golden *offender = find("resolution-request");
	struct nhrp_packet p;

	(void)state;
	start(&p, NHRP_ERROR_INDICATION, "192.0.2.1", "198.51.100.1",
	      "198.51.100.11");
	p.code = NHRP_ERROR_UNREACHABLE;
	p.offset = 36;
	p.quote = offender->b;
	p.quote_len = offender->n;
	assert_encodes(&p, "error-unreachable");
	start(&p, NHRP_PURGE_REQUEST, "192.0.2.1", "198.51.100.1",
	      "198.51.100.11");
	p.reqid = 18;
	assert_encodes(&p, "purge-request-empty");
}

/* Damage. */

static void ignores_what_lies_behind(void **state)
{
	uint8_t b[NHRP_PACKET_MAX + 100], out[NHRP_PACKET_MAX];
	const struct golden *g = find("registration-request");
	struct nhrp_packet p;

	(void)state;
	memset(b, 0xff, sizeof(b));
	memcpy(b, g->b, g->n);
	assert_int_equal(nhrp_decode(b, sizeof(b), &p), NHRP_OK);
	check_set16(b + 10, g->n + 17);
	check_sum(b, g->n + 17);
	assert_int_equal(nhrp_decode(b, g->n + 17, &p), NHRP_OK);
	assert_int_equal(nhrp_encode(&p, out, sizeof(out)), g->n);
	assert_memory_equal(out, g->b, g->n);
}

static void truncation_is_refused(void **state)
{
	uint8_t *b;
	const struct golden *g;
	size_t n;

	(void)state;
	for (g = golden; g < golden + n_golden; g++) {
		for (n = 0; n < g->n; n++) {
			b = malloc(n + 1);	/* ASan watches its end */
			assert_non_null(b);
			memcpy(b, g->b, n);
			b = realloc(b, n ? n : 1);
			assert_non_null(b);
			assert_int_equal(judge(g->name, "cut at", n, b, n),
					 NHRP_BAD_LENGTH);
			free(b);
		}
	}
}

/* The sender itself cut it: size and checksum agree. */
static void honest_truncation_is_sound(void **state)
{
	uint8_t b[NHRP_PACKET_MAX];
	unsigned int accepted = 0;
	const struct golden *g;
	size_t n;

	(void)state;
	for (g = golden; g < golden + n_golden; g++) {
		for (n = 28; n < g->n; n++) {
			memcpy(b, g->b, n);
			check_set16(b + 10, n);
			check_sum(b, n);
			if (!judge(g->name, "ends at", n, b, n))
				accepted++;
		}
	}
	assert_int_not_equal(accepted, 0);	/* shorter lists and quotes */
}

static void flipped_bits_are_refused(void **state)
{
	uint8_t b[NHRP_PACKET_MAX];
	const struct golden *g;
	enum nhrp_refusal why;
	size_t bit;

	(void)state;
	for (g = golden; g < golden + n_golden; g++) {
		for (bit = 0; bit < g->n * 8; bit++) {
			memcpy(b, g->b, g->n);
			b[bit / 8] ^= 0x80 >> bit % 8;
			why = judge(g->name, "bit", bit, b, g->n);
			if (why != NHRP_BAD_CHECKSUM && why != NHRP_BAD_LENGTH)
				fail_msg("%s, bit %zu: %s", g->name, bit,
					 nhrp_refusal_name(why));
		}
	}
}

static void flipped_bits_under_a_good_checksum_are_sound(void **state)
{
	uint8_t b[NHRP_PACKET_MAX];
	unsigned int seen = 0;
	const struct golden *g;
	size_t bit;

	(void)state;
	for (g = golden; g < golden + n_golden; g++) {
		for (bit = 0; bit < g->n * 8; bit++) {
			memcpy(b, g->b, g->n);
			b[bit / 8] ^= 0x80 >> bit % 8;
			check_repair(b, g->n);
			seen |= 1u << judge(g->name, "bit", bit, b, g->n);
		}
	}
	assert_int_equal(seen, ALL_REASONS & ~(1u << NHRP_BAD_CHECKSUM));
}

static void random_damage_is_sound(void **state)
{
	uint8_t b[NHRP_PACKET_MAX];
	unsigned int round, hits, accepted = 0;
	const struct golden *g;

	(void)state;
	seed = 20250101;
	for (round = 0; round < RANDOM_ROUNDS; round++) {
		g = &golden[any(n_golden)];
		memcpy(b, g->b, g->n);
		for (hits = 1 + any(4); hits; hits--)
			b[any(g->n)] = any(256);
		check_repair(b, g->n);
		if (!judge(g->name, "round", round, b, g->n))
			accepted++;
	}
	assert_in_range(accepted, RANDOM_ROUNDS / 20, RANDOM_ROUNDS);
}

/*
 * One change to a golden packet and the reason to refuse it. @at counts from
 * the start, or from ar$extoff when @in_exts.
 */
static const struct refusal {
	const char *name;
	bool in_exts;
	unsigned int at, octet;
	enum nhrp_refusal why;
} refusals[] = {
	{ "registration-request", false, 10, 0xff, NHRP_BAD_LENGTH },
	{ "registration-request", false, 11, 27, NHRP_BAD_LENGTH },
	{ "registration-request", false, 11, 28, NHRP_BAD_LENGTH },
	{ "registration-request", false, 11, 39, NHRP_BAD_LENGTH },
	{ "registration-request", false, 11, 40, NHRP_BAD_EXTOFF },
	{ "registration-request", false, 16, 0, NHRP_BAD_VERSION },
	{ "registration-request", false, 16, 2, NHRP_BAD_VERSION },
	{ "registration-request", false, 17, 0, NHRP_BAD_TYPE },
	{ "registration-request", false, 17, 9, NHRP_BAD_TYPE },
	{ "registration-request", false, 17, 128, NHRP_BAD_TYPE },
	{ "registration-request", false, 1, 0, NHRP_BAD_FAMILY },
	{ "registration-request", false, 1, 3, NHRP_BAD_FAMILY },
	{ "registration-request", false, 0, 1, NHRP_BAD_FAMILY },
	{ "registration-request", false, 3, 0x80, NHRP_BAD_FAMILY },
	{ "registration-request", false, 1, 2, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 18, 0, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 18, 16, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 18, 0x84, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 18, 0x44, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 19, 17, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 19, 0x40, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 20, 0, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 20, 16, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 21, 6, NHRP_BAD_ADDRESS },
	{ "v6-over-v4-registration-request", false, 21, 4, NHRP_BAD_ADDRESS },
	{ "v4-over-v6-registration-request", false, 18, 4, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 14, 0xff, NHRP_BAD_EXTOFF },
	{ "registration-request", false, 15, 93, NHRP_BAD_EXTOFF },
	{ "registration-request", false, 15, 39, NHRP_BAD_EXTOFF },
	{ "registration-request", false, 15, 1, NHRP_BAD_EXTOFF },
	{ "registration-request", false, 15, 92, NHRP_BAD_ADDRESS },
	{ "purge-request-empty", false, 15, 40, NHRP_BAD_EXTENSION },
	{ "registration-request", false, 15, 51, NHRP_BAD_CIE },
	{ "registration-request", false, 48, 4, NHRP_BAD_CIE },
	{ "registration-request", false, 48, 16, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 48, 0x80, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 49, 16, NHRP_BAD_CIE },
	{ "registration-request", false, 49, 17, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 50, 16, NHRP_BAD_ADDRESS },
	{ "registration-request", false, 41, 33, NHRP_BAD_PREFIX },
	{ "registration-request", false, 41, 254, NHRP_BAD_PREFIX },
	{ "v6-over-v4-registration-request", false, 65, 129, NHRP_BAD_PREFIX },
	{ "registration-reply", true, 5, 33, NHRP_BAD_PREFIX },
	{ "registration-reply", true, 12, 3, NHRP_BAD_ADDRESS },
	{ "registration-reply", true, 3, 19, NHRP_BAD_CIE },
	{ "registration-request", true, 2, 0xff, NHRP_BAD_EXTENSION },
	{ "registration-request", true, 39, 1, NHRP_BAD_EXTENSION },
	{ "registration-request", true, 36, 0, NHRP_BAD_EXTENSION },
	{ "registration-request", true, 37, 10, NHRP_BAD_EXTENSION },
	{ "registration-request", true, 13, 0, NHRP_BAD_EXTENSION },
	{ "registration-request-key", true, 13, 0, NHRP_BAD_EXTENSION },
	{ "registration-request-key", true, 15, 3, NHRP_BAD_EXTENSION },
	{ "unknown-extensions", true, 15, 2, NHRP_BAD_EXTENSION },
	{ "registration-request", true, 5, 3, NHRP_DUPLICATE_EXTENSION },
	{ "registration-request", true, 13, 5, NHRP_DUPLICATE_EXTENSION },
};

static void damage_has_its_reason(void **state)
{
	const struct refusal *r = refusals;
	uint8_t b[NHRP_PACKET_MAX];
	const struct golden *g;
	enum nhrp_refusal why;
	size_t at;

	(void)state;
	for (; r < refusals + sizeof(refusals) / sizeof(*refusals); r++) {
		g = find(r->name);
		memcpy(b, g->b, g->n);
		at = r->at + (r->in_exts ? b[14] << 8 | b[15] : 0);
		assert_in_range(at, 0, g->n - 1);
		assert_int_not_equal(b[at], r->octet);
		b[at] = r->octet;
		check_repair(b, g->n);
		why = judge(r->name, "octet", at, b, g->n);
		if (why != r->why)
			fail_msg("%s, octet %zu %02x: %s, not %s", r->name, at,
				 r->octet, nhrp_refusal_name(why),
				 nhrp_refusal_name(r->why));
	}
}

static void checksum_is_checked(void **state)
{
	const struct golden *g = find("error-auth-odd");
	uint8_t b[NHRP_PACKET_MAX];
	struct nhrp_packet p;
	unsigned int sum;

	(void)state;
	assert_true(g->n & 1);
	memcpy(b, g->b, g->n);
	for (sum = 0; sum <= 0xffff; sum++) {
		check_set16(b + 12, sum);
		assert_int_equal(nhrp_decode(b, g->n, &p),
				 memcmp(b, g->b, g->n) ? NHRP_BAD_CHECKSUM :
							 NHRP_OK);
	}
}

/* Limits. */

static void holds_so_many_cies(void **state)
{
	uint8_t b[NHRP_PACKET_MAX];
	struct nhrp_packet p;
	size_t n;
	int i;

	(void)state;
	start(&p, NHRP_PURGE_REQUEST, "192.0.2.1", "198.51.100.1",
	      "198.51.100.11");
	for (i = 0; i < NHRP_CIES_MAX; i++)
		add_cie(&p.cies, i, i);
	assert_null(nhrp_cie_add(&p.cies));
	n = nhrp_encode(&p, b, sizeof(b));
	assert_int_equal(n, 40 + NHRP_CIES_MAX * 12);
	assert_int_equal(judge("CIEs", "all", 0, b, n), NHRP_OK);
	memset(b + n, 0, 12);
	check_set16(b + 10, n + 12);
	check_sum(b, n + 12);
	assert_int_equal(nhrp_decode(b, n + 12, &p), NHRP_TOO_MANY_CIES);
}

static void holds_so_many_extensions(void **state)
{
	uint8_t b[NHRP_PACKET_MAX];
	struct nhrp_packet p;
	size_t n;
	int i;

	(void)state;
	start(&p, NHRP_PURGE_REQUEST, "192.0.2.1", "198.51.100.1",
	      "198.51.100.11");
	for (i = 0; i < NHRP_EXTS_MAX; i++)
		assert_non_null(nhrp_ext_add(&p, 0x3800 + i));
	assert_null(nhrp_ext_add(&p, NHRP_EXT_NAT));
	assert_int_equal(nhrp_auth_set(&p, "secret", b), -ENOSPC);
	n = nhrp_encode(&p, b, sizeof(b));
	assert_int_equal(n, 40 + NHRP_EXTS_MAX * 4 + 4);
	assert_int_equal(judge("extensions", "all", 0, b, n), NHRP_OK);
	memcpy(b + n - 4, "\x01\x00\x00\x00\x80\x00\x00\x00", 8);
	check_set16(b + 10, n + 4);
	check_sum(b, n + 4);
	assert_int_equal(nhrp_decode(b, n + 4, &p), NHRP_TOO_MANY_EXTENSIONS);
}

static void holds_so_many_bytes(void **state)
{
	uint8_t quote[NHRP_PACKET_MAX] = { 0 }, b[NHRP_PACKET_MAX + 100];
	struct nhrp_packet p;

	(void)state;
	start(&p, NHRP_TRAFFIC_INDICATION, "192.0.2.1", "198.51.100.1",
	      "203.0.113.10");
	p.quote = quote;
	p.quote_len = NHRP_PACKET_MAX - 40;
	assert_int_equal(nhrp_encode(&p, b, sizeof(b)), NHRP_PACKET_MAX);
	assert_int_equal(nhrp_decode(b, sizeof(b), &p), NHRP_OK);
	p.quote = quote;
	p.quote_len++;
	assert_int_equal(nhrp_encode(&p, b, sizeof(b)), -EMSGSIZE);
	check_set16(b + 10, NHRP_PACKET_MAX + 1);
	check_sum(b, NHRP_PACKET_MAX + 1);
	assert_int_equal(nhrp_decode(b, sizeof(b), &p), NHRP_BAD_LENGTH);
}

static void never_writes_behind_the_end(void **state)
{
	uint8_t b[NHRP_PACKET_MAX], guard[NHRP_PACKET_MAX];
	const struct golden *g;
	struct nhrp_packet p;
	size_t size;
	int n;

	(void)state;
	memset(guard, 0xa5, sizeof(guard));
	for (g = golden; g < golden + n_golden; g++) {
		assert_int_equal(nhrp_decode(g->b, g->n, &p), NHRP_OK);
		for (size = 0; size <= g->n + 1; size++) {
			memset(b, 0xa5, sizeof(b));
			n = nhrp_encode(&p, b, size);
			assert_int_equal(n, size < g->n ? -EMSGSIZE :
							  (int)g->n);
			assert_memory_equal(b + size, guard,
					    sizeof(b) - size);
		}
	}
}

/* A registration reply that a test spoils in one way. */
static struct nhrp_packet *sound_packet(void)
{
	static struct nhrp_packet p;

	decode_golden("registration-reply-nat", &p);
	return &p;
}

static void assert_inexpressible(struct nhrp_packet *p, const char *what)
{
	uint8_t b[NHRP_PACKET_MAX];

	if (nhrp_encode(p, b, sizeof(b)) != -EINVAL)
		fail_msg("%s was encoded", what);
}

#define INEXPRESSIBLE(change) do {			\
	struct nhrp_packet *p = sound_packet();		\
							\
	change;						\
	assert_inexpressible(p, #change);		\
} while (0)

static void refuses_to_express(void **state)
{
	static const uint8_t bytes[4];

	(void)state;
	INEXPRESSIBLE(p->type = 0);
	INEXPRESSIBLE(p->type = __NHRP_TYPE_MAX);
	INEXPRESSIBLE(p->afn = 3);
	INEXPRESSIBLE(p->afn = 2);
	INEXPRESSIBLE(p->proto_type = 0x0806);
	INEXPRESSIBLE(p->proto_type = 0x86dd);
	INEXPRESSIBLE(p->src_nbma.len = 0);
	INEXPRESSIBLE(p->src_nbma_sub.len = 17);
	INEXPRESSIBLE(p->src_proto.len = 16);
	INEXPRESSIBLE(p->dst_proto.len = 0);
	INEXPRESSIBLE(p->cies.n = NHRP_CIES_MAX + 1);
	INEXPRESSIBLE(p->cies.e[0].prefix = 33);
	INEXPRESSIBLE(p->cies.e[0].nbma.len = 16);
	INEXPRESSIBLE(p->cies.e[0].nbma_sub.len = 17);
	INEXPRESSIBLE(p->cies.e[0].proto.len = 16);
	INEXPRESSIBLE(p->type = NHRP_ERROR_INDICATION);
	INEXPRESSIBLE((p->quote = bytes, p->quote_len = 4));
	INEXPRESSIBLE((p->type = NHRP_TRAFFIC_INDICATION, p->cies.n = 0,
		       p->quote_len = 4, p->quote = NULL));
	INEXPRESSIBLE(p->has_exts = false);
	INEXPRESSIBLE(p->n_exts = NHRP_EXTS_MAX + 1);
	INEXPRESSIBLE(p->ext[1].type = NHRP_EXT_RESPONDER);
	INEXPRESSIBLE(p->ext[3].type = NHRP_EXT_END);
	INEXPRESSIBLE(p->ext[3].type = 0x4001);
	INEXPRESSIBLE(p->ext[1].type = 0x3801);
	INEXPRESSIBLE(p->ext[1].has_cies = false);
	INEXPRESSIBLE(p->ext[0].cies.n = NHRP_CIES_MAX + 1);
	INEXPRESSIBLE(p->ext[0].cies.e[0].prefix = 33);
	INEXPRESSIBLE(p->ext[4].cies.e[1].prefix = 33);
	INEXPRESSIBLE(p->ext[3].len = 3);
	INEXPRESSIBLE(p->ext[3].data = NULL);
	INEXPRESSIBLE(p->ext[3].has_cies = true);
}

/* Chance. */

static void random_addr(struct addr *a, unsigned int len)
{
	memset(a, 0, sizeof(*a));
	a->len = len;
	fill(a->b, len);
}

static void random_cies(const struct nhrp_packet *p, struct nhrp_cies *list,
			unsigned int max)
{
	unsigned int n = any(4) ? any(3) : any(max + 1);
	struct nhrp_cie *c;

	while (n--) {
		c = nhrp_cie_add(list);
		c->code = any(256);
		c->prefix = any(8) ? any(p->src_proto.len * 8 + 1) : 255;
		c->unused = any(8) ? 0 : any(0x10000);
		c->mtu = any(0x10000);
		c->hold = any(0x10000);
		c->preference = any(256);
		random_addr(&c->nbma, any(2) ? p->src_nbma.len : 0);
		random_addr(&c->nbma_sub, any(8) ? 0 : any(17));
		random_addr(&c->proto, any(2) ? p->src_proto.len : 0);
	}
}

/* An extension of any type that the packet does not have yet. */
static void random_ext(struct nhrp_packet *p, const uint8_t *bytes)
{
	unsigned int type = any(4) ? 1 + any(12) : 1 + any(0x3fff);
	struct nhrp_ext *e;

	if (type != NHRP_EXT_VENDOR && nhrp_ext_find(p, type))
		return;
	e = nhrp_ext_add(p, type);
	if (!e)
		return;
	e->compulsory = any(2);
	e->unused = !any(8);
	if (type == NHRP_EXT_NAT && !any(4))
		e->has_cies = false;
	if (e->has_cies) {
		random_cies(p, &e->cies, 5);
		return;
	}
	/* A raw NAT value is no CIE list: shorter than one. */
	e->len = type == NHRP_EXT_NAT ? 1 + any(11) : 4 + any(20);
	e->data = bytes + any(8);
}

static void random_packet(struct nhrp_packet *p, const uint8_t *bytes)
{
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->afn = 1 + any(2);
	p->proto_type = any(2) ? 0x0800 : 0x86dd;
	if (!any(8))
		fill(p->snap, sizeof(p->snap));
	p->hops = any(256);
	p->type = 1 + any(__NHRP_TYPE_MAX - 1);
	p->flags = any(0x10000);
	random_addr(&p->src_nbma, p->afn == 1 ? 4 : 16);
	random_addr(&p->src_nbma_sub, any(8) ? 0 : any(17));
	random_addr(&p->src_proto, p->proto_type == 0x0800 ? 4 : 16);
	random_addr(&p->dst_proto, p->src_proto.len);
	if (p->type >= NHRP_ERROR_INDICATION) {
		p->code = any(0x10000);
		p->offset = any(0x10000);
		p->quote_len = any(200);
		p->quote = bytes + any(8);
	} else {
		p->reqid = any(UINT32_MAX);
		random_cies(p, &p->cies, NHRP_CIES_MAX);
	}
	p->has_exts = any(4);
	for (i = p->has_exts ? any(NHRP_EXTS_MAX + 1) : 0; i; i--)
		random_ext(p, bytes);
}

static void random_packets_round_trip(void **state)
{
	uint8_t b[NHRP_PACKET_MAX], bytes[256];
	unsigned int round, fitted = 0;
	struct nhrp_packet p, again;
	int n;

	(void)state;
	seed = 2332;
	fill(bytes, sizeof(bytes));
	for (round = 0; fitted < RANDOM_ROUNDS; round++) {
		random_packet(&p, bytes);
		n = nhrp_encode(&p, b, sizeof(b));
		if (n == -EMSGSIZE)
			continue;
		if (n < 0 || nhrp_decode(b, n, &again) || !check_same(&p, &again))
			fail_msg("round %u: %d", round, n);
		fitted++;
	}
	assert_in_range(round, RANDOM_ROUNDS, RANDOM_ROUNDS * 2);
}

/* Extensions and names. */

static void extensions_know_their_shape(void **state)
{
	struct nhrp_packet p = { 0 };
	struct nhrp_ext *e;

	(void)state;
	e = nhrp_ext_add(&p, NHRP_EXT_RESPONDER);
	assert_true(p.has_exts && e->compulsory && e->has_cies);
	e = nhrp_ext_add(&p, NHRP_EXT_AUTH);
	assert_true(e->compulsory && !e->has_cies);
	e = nhrp_ext_add(&p, NHRP_EXT_VENDOR);
	assert_true(!e->compulsory && !e->has_cies);
	e = nhrp_ext_add(&p, NHRP_EXT_NAT);
	assert_true(!e->compulsory && e->has_cies);
	e = nhrp_ext_add(&p, 0x3801);
	assert_true(!e->compulsory && !e->has_cies);
	assert_ptr_equal(nhrp_ext_get(&p, NHRP_EXT_AUTH), &p.ext[1]);
	assert_ptr_equal(nhrp_ext_find(&p, 0x3801), &p.ext[4]);
	assert_null(nhrp_ext_get(&p, NHRP_EXT_REVERSE));
}

static void keys_are_compared(void **state)
{
	struct nhrp_packet p;

	(void)state;
	decode_golden("resolution-request-transit", &p);
	assert_true(nhrp_auth_ok(&p, "secret"));
	assert_true(nhrp_auth_ok(&p, ""));
	assert_true(nhrp_auth_ok(&p, NULL));
	assert_false(nhrp_auth_ok(&p, "secre"));
	assert_false(nhrp_auth_ok(&p, "secrets"));
	assert_false(nhrp_auth_ok(&p, "Secret"));
	assert_false(nhrp_auth_ok(&p, "a key far too long"));
	nhrp_ext_get(&p, NHRP_EXT_AUTH)->data = (const uint8_t *)"\0\0\0\2secret";
	assert_false(nhrp_auth_ok(&p, "secret"));
	decode_golden("resolution-request", &p);
	assert_false(nhrp_auth_ok(&p, "secret"));
	assert_true(nhrp_auth_ok(&p, NULL));
}

static void keys_are_replaced(void **state)
{
	uint8_t store[NHRP_AUTH_MAX + 4], b[NHRP_PACKET_MAX];
	struct nhrp_packet p;
	int n;

	(void)state;
	decode_golden("resolution-request-transit", &p);
	p.ext[3].compulsory = false;
	p.ext[3].unused = true;
	assert_int_equal(nhrp_auth_set(&p, "other", store), 0);
	assert_int_equal(p.n_exts, 5);
	assert_int_equal(p.ext[3].type, NHRP_EXT_AUTH);
	n = nhrp_encode(&p, b, sizeof(b));
	assert_int_equal(n, find("resolution-request-transit")->n - 1);
	assert_int_equal(nhrp_decode(b, n, &p), NHRP_OK);
	assert_true(nhrp_auth_ok(&p, "other"));
	assert_true(p.ext[3].compulsory && !p.ext[3].unused);
	assert_int_equal(nhrp_auth_set(&p, "nine char", store), -EINVAL);
	assert_int_equal(nhrp_auth_set(&p, NULL, store), 0);
	assert_int_equal(p.n_exts, 4);
	assert_int_equal(p.ext[3].type, NHRP_EXT_NAT);
	assert_false(nhrp_auth_ok(&p, "other"));
	assert_int_equal(nhrp_auth_set(&p, "", store), 0);
	assert_int_equal(p.n_exts, 4);
	decode_golden("traffic-indication-bare", &p);
	assert_int_equal(nhrp_auth_set(&p, "x", store), 0);
	assert_true(p.has_exts);
	assert_true(nhrp_auth_ok(&p, "x"));
}

static void names_are_words(void **state)
{
	unsigned int i, j;
	const char *c;

	(void)state;
	for (i = 0; i < __NHRP_REFUSAL_MAX; i++) {
		for (c = nhrp_refusal_name(i); *c; c++)
			assert_true(islower((unsigned char)*c) || *c == '-');
		for (j = 0; j < i; j++)
			assert_string_not_equal(nhrp_refusal_name(i),
						nhrp_refusal_name(j));
	}
	assert_string_equal(nhrp_refusal_name(NHRP_BAD_CHECKSUM), "bad-checksum");
	assert_string_equal(nhrp_refusal_name(__NHRP_REFUSAL_MAX), "unknown");
	assert_string_equal(nhrp_type_name(0), "unknown");
	assert_string_equal(nhrp_type_name(1), "Resolution Request");
	assert_string_equal(nhrp_type_name(8), "Traffic Indication");
	assert_string_equal(nhrp_type_name(9), "unknown");
}

/* Captured packets. */

/* "TrafficIndication" is "Traffic Indication". */
static bool same_name(const char *a, const char *b)
{
	for (; *b; b++)
		if (*b != ' ' && *a++ != *b)
			return false;
	return !*a;
}

/* What is wrong with the packet of one line, or NULL. */
static const char *judge_captured(char *const *column)
{
	uint8_t b[2 * NHRP_PACKET_MAX], out[NHRP_PACKET_MAX];
	size_t len = add_hex(b, 0, sizeof(b), column[7]);
	enum nhrp_refusal why;
	struct nhrp_packet p;
	const char *wrong = check_bytes(b, len, &why);

	if (wrong || why) {
		printf("%s: %s\n", column[0], nhrp_refusal_name(why));
		return wrong ? wrong : strcmp(column[6], "ok") ? NULL : "refused";
	}
	if (strcmp(column[6], "ok"))
		return "accepted";
	nhrp_decode(b, len, &p);
	if (!same_name(column[4], nhrp_type_name(p.type)) ||
	    p.reqid != strtoul(column[5], NULL, 10))
		return "is another packet";
	if (nhrp_encode(&p, out, sizeof(out)) != (int)len || memcmp(out, b, len))
		return "encodes to other bytes";
	return NULL;
}

static int judge_captures(const char *path)
{
	char line[4 * NHRP_PACKET_MAX], *column[8], *rest;
	unsigned int good = 0, bad = 0, i;
	FILE *f = fopen(path, "r");
	const char *wrong;

	if (!f) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#')
			continue;
		for (i = 0, rest = line; i < 8; i++)
			column[i] = rest ? strsep(&rest, "\t\n") : NULL;
		wrong = column[7] ? judge_captured(column) : "no packet";
		if (wrong)
			printf("%s: %s\n", column[0], wrong);
		*(wrong ? &bad : &good) += 1;
	}
	fclose(f);
	printf("%u captured packets as expected, %u not\n", good, bad);
	return bad || !good;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_packets_round_trip),
		cmocka_unit_test(registration_means_what_it_says),
		cmocka_unit_test(indications_quote),
		cmocka_unit_test(families_mix),
		cmocka_unit_test(strange_content_is_kept),
		cmocka_unit_test(strange_nat_content_is_kept),
		cmocka_unit_test(builds_a_registration),
		cmocka_unit_test(builds_indications),
		cmocka_unit_test(ignores_what_lies_behind),
		cmocka_unit_test(truncation_is_refused),
		cmocka_unit_test(honest_truncation_is_sound),
		cmocka_unit_test(flipped_bits_are_refused),
		cmocka_unit_test(flipped_bits_under_a_good_checksum_are_sound),
		cmocka_unit_test(random_damage_is_sound),
		cmocka_unit_test(damage_has_its_reason),
		cmocka_unit_test(checksum_is_checked),
		cmocka_unit_test(holds_so_many_cies),
		cmocka_unit_test(holds_so_many_extensions),
		cmocka_unit_test(holds_so_many_bytes),
		cmocka_unit_test(never_writes_behind_the_end),
		cmocka_unit_test(refuses_to_express),
		cmocka_unit_test(random_packets_round_trip),
		cmocka_unit_test(extensions_know_their_shape),
		cmocka_unit_test(keys_are_compared),
		cmocka_unit_test(keys_are_replaced),
		cmocka_unit_test(names_are_words),
	};

	if (argc > 1)
		return judge_captures(argv[1]);
	return cmocka_run_group_tests_name("packet", tests, read_golden, NULL);
}
