/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linklocal: see linklocal.h. The pseudorandom function is SipHash-2-4. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "linklocal.h"

#define MACHINE_ID "/etc/machine-id"

struct sip {
	uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static void turn(struct sip *s, unsigned int rounds)
{
	uint64_t *v = s->v;

	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void take(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	turn(s, 2);
	s->v[0] ^= word;
}

static uint64_t load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

/* Of @len bytes; @data has zeroes up to the next multiple of 8 beyond. */
static uint64_t siphash(const uint8_t key[16], const uint8_t *data, size_t len)
{
	uint64_t k0 = load(key), k1 = load(key + 8);
	struct sip s = { { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
			   k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 } };
	size_t i;

	for (i = 0; i + 8 <= len; i += 8)
		take(&s, load(data + i));
	take(&s, load(data + i) | (uint64_t)len << 56);
	s.v[2] ^= 0xff;
	turn(&s, 4);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

struct addr linklocal_from(const uint8_t secret[LINKLOCAL_SECRET],
			   const char *name, const struct addr *proto)
{
	uint8_t text[64] = { 0 }, bytes[16] = { 0xfe, 0x80 };
	size_t len = strnlen(name, 32);
	uint64_t id;

	memcpy(text, proto->b, sizeof(proto->b));
	memcpy(text + sizeof(proto->b), name, len);
	len += sizeof(proto->b);
	/* reserved ones (RFC 5453) are as likely as a copy of another's */
	id = htobe64(siphash(secret, text, len));
	memcpy(bytes + 8, &id, sizeof(id));
	return addr_from(bytes, sizeof(bytes));
}

/* 32 hexadecimal digits; all zero where there is none, which costs secrecy
 * and nothing else. */
static void read_secret(uint8_t secret[LINKLOCAL_SECRET])
{
	FILE *f = fopen(MACHINE_ID, "re");
	unsigned int byte;

	memset(secret, 0, LINKLOCAL_SECRET);
	for (int i = 0; f && i < LINKLOCAL_SECRET &&
	     fscanf(f, "%2x", &byte) == 1; i++)
		secret[i] = byte;
	if (f)
		fclose(f);
}

struct addr linklocal_choose(const char *name, const struct addr *proto)
{
	uint8_t secret[LINKLOCAL_SECRET];

	read_secret(secret);
	return linklocal_from(secret, name, proto);
}
