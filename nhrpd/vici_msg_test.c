/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici_msg_test: the packets that charon's documentation shows, byte for byte,
 * every way to be malformed, and limits.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vici_msg.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t buf[VICI_HEADER + VICI_PACKET_MAX + 1];
static struct vici_writer w;

static struct vici_packet reread(void)
{
	int len = vici_finish(&w);
	struct vici_packet p;

	assert_true(len > VICI_HEADER);
	assert_int_equal(vici_length(buf), len - VICI_HEADER);
	assert_int_equal(vici_read(buf + VICI_HEADER, len - VICI_HEADER, &p), 0);
	return p;
}

/* The encoding example of strongSwan's vici/README.md. */
static void test_bytes(void **state)
{
	static const uint8_t right[] = {
		0, 0, 0, 69, 7, 4, 't', 'e', 's', 't',
		3, 4, 'k', 'e', 'y', '1', 0, 6, 'v', 'a', 'l', 'u', 'e', '1',
		1, 8, 's', 'e', 'c', 't', 'i', 'o', 'n', '1',
		1, 11, 's', 'u', 'b', '-', 's', 'e', 'c', 't', 'i', 'o', 'n',
		3, 4, 'k', 'e', 'y', '2', 0, 1, '2',
		2,
		4, 5, 'l', 'i', 's', 't', '1',
		5, 0, 1, 'a', 5, 0, 0,
		6,
		2,
	};

	(void)state;
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "test");
	vici_put(&w, "key1", "value%d", 1);
	vici_put_section(&w, "section1");
	vici_put_section(&w, "sub-section");
	vici_put(&w, "key2", "%d", 2);
	vici_put_end(&w);
	vici_put_list(&w, "list1");
	vici_put(&w, NULL, "a");
	vici_put(&w, NULL, "%s", "");
	vici_put_end(&w);
	vici_put_end(&w);
	assert_int_equal(vici_finish(&w), sizeof(right));
	assert_memory_equal(buf, right, sizeof(right));
}

struct sample {
	char text[8], only[8];
	bool yes;
	uint32_t dec, hex;
	uint64_t big;
	struct addr addr;
};

static const struct vici_field fields[] = {
	VICI_FIELD(sample, text, VICI_TEXT, "text"),
	VICI_FIELD(sample, only, VICI_ONLY, "only"),
	VICI_FIELD(sample, yes, VICI_YES, "yes"),
	VICI_FIELD(sample, dec, VICI_U32, "dec"),
	VICI_FIELD(sample, hex, VICI_HEX32, "hex"),
	VICI_FIELD(sample, big, VICI_HEX64, "big"),
	VICI_FIELD(sample, addr, VICI_ADDR, "addr"),
};

static void test_fields(void **state)
{
	struct sample s = { .dec = 7 };
	struct vici_packet p;

	(void)state;
	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
	vici_put(&w, "text", "longer\nthan that");
	vici_put_section(&w, "inner");
	vici_put(&w, "dec", "1");	/* not this section's */
	vici_put_end(&w);
	vici_put_list(&w, "other");
	vici_put(&w, NULL, "x");
	vici_put(&w, NULL, "y");
	vici_put_end(&w);
	vici_put_one(&w, "only", "one");
	vici_put(&w, "only", "a key, not a list");
	vici_put(&w, "yes", "yes");
	vici_put(&w, "hex", "ca6a5aea");
	vici_put(&w, "big", "ffffffffffffffff");
	vici_put(&w, "addr", "10.0.1.2");
	p = reread();
	assert_int_equal(p.type, VICI_CMD_RESPONSE);
	assert_null(vici_fields(&p.body, fields, ARRAY_SIZE(fields), &s));
	assert_string_equal(s.text, "longer?");
	assert_string_equal(s.only, "one");
	assert_true(s.yes);
	assert_int_equal(s.dec, 7);
	assert_int_equal(s.hex, 0xca6a5aea);
	assert_true(s.big == UINT64_MAX);
	assert_int_equal(s.addr.len, 4);
}

/* What makes no sense is named, and the rest is read. */
static void test_bad_fields(void **state)
{
	static const char *const bad[][2] = {
		{ "dec", "" }, { "dec", "4294967296" }, { "dec", "-1" },
		{ "dec", "1x" }, { "dec", "99999999999999999999999999" },
		{ "hex", "100000000" }, { "hex", "0x1" }, { "hex", "CA" },
		{ "big", "10000000000000000" }, { "addr", "10.0.0" },
		{ "addr", "1234567890123456789012345678901234567890123456" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sample s = { .dec = 7, .hex = 8, .big = 9 };
		struct vici_packet p;

		vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
		vici_put(&w, bad[i][0], "%s", bad[i][1]);
		vici_put(&w, "text", "there");
		p = reread();
		assert_string_equal(vici_fields(&p.body, fields,
						ARRAY_SIZE(fields), &s),
				    bad[i][0]);
		assert_int_equal(s.dec + s.hex + s.big, 7 + 8 + 9);
		assert_false(addr_is_set(&s.addr));
		assert_string_equal(s.text, "there");
	}
}

/* A list that should have one item and has none, or two. */
static void test_not_only(void **state)
{
	struct sample s = { 0 };
	struct vici_packet p;

	(void)state;
	for (int n = 0; n <= 2; n += 2) {
		vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
		vici_put_list(&w, "only");
		for (int i = 0; i < n; i++)
			vici_put(&w, NULL, "x");
		vici_put_end(&w);
		p = reread();
		assert_string_equal(vici_fields(&p.body, fields,
						ARRAY_SIZE(fields), &s),
				    "only");
	}
}

static void test_sections(void **state)
{
	struct vici_packet p;
	struct vici_body at, found, deep;
	struct vici_str name;
	unsigned int n = 0;

	(void)state;
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "child-updown");
	vici_put(&w, "up", "yes");
	for (int i = 0; i < 3; i++) {
		char text[] = { 's', '0' + i, '\0' };

		vici_put_section(&w, text);
		vici_put_section(&w, "deep");
		vici_put(&w, "dec", "%d", i);
		vici_put_end(&w);
		vici_put_end(&w);
	}
	p = reread();
	assert_true(vici_str_is(&p.name, "child-updown"));
	at = p.body;
	while (vici_next_section(&at, &name, &found)) {
		struct sample s = { 0 };

		assert_int_equal(name.b[1] - '0', n);
		assert_true(vici_find_section(&found, "deep", &deep));
		assert_null(vici_fields(&deep, fields, ARRAY_SIZE(fields), &s));
		assert_int_equal(s.dec, n++);
	}
	assert_int_equal(n, 3);
	assert_true(vici_find_section(&p.body, "s2", &found));
	assert_false(vici_find_section(&p.body, "deep", &found));
}

static void test_list(void **state)
{
	struct vici_body items;
	struct vici_packet p;
	struct vici_str item;

	(void)state;
	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
	vici_put_section(&w, "inner");
	vici_put_one(&w, "conns", "not this");
	vici_put_end(&w);
	vici_put_one(&w, "other", "nor this");
	vici_put_list(&w, "conns");
	vici_put(&w, NULL, "a");
	vici_put(&w, NULL, "b");
	vici_put_end(&w);
	vici_put_one(&w, "more", "nor that");
	p = reread();
	assert_true(vici_find_list(&p.body, "conns", &items));
	assert_true(vici_next_item(&items, &item) && vici_str_is(&item, "a"));
	assert_true(vici_next_item(&items, &item) && vici_str_is(&item, "b"));
	assert_false(vici_next_item(&items, &item));
	assert_false(vici_next_item(&items, &item));
	assert_false(vici_find_list(&p.body, "none", &items));
}

/* Every way to misuse the writer, and its limits. */
static void test_writer_refuses(void **state)
{
	static char big[VICI_PACKET_MAX];
	char name[257];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	memset(name, 'n', sizeof(name) - 1);
	name[256] = '\0';

	vici_start(&w, buf, sizeof(buf), VICI_EVENT, NULL);
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, "x");
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, name);
	assert_int_equal(vici_finish(&w), -EMSGSIZE);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, name + 1);
	assert_true(vici_finish(&w) > 0);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	vici_put_end(&w);
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	vici_put_section(&w, "s");
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	vici_put(&w, NULL, "an item without a list");
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	vici_put_list(&w, "l");
	vici_put_section(&w, "s");
	vici_put_end(&w);
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	for (int i = 0; i <= VICI_DEPTH_MAX; i++)
		vici_put_section(&w, "s");
	for (int i = 0; i <= VICI_DEPTH_MAX; i++)
		vici_put_end(&w);
	assert_int_equal(vici_finish(&w), -EINVAL);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	vici_put(&w, "k", "%s", big + sizeof(big) - 1 - 65536);
	assert_int_equal(vici_finish(&w), -EMSGSIZE);
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "x");
	vici_put(&w, "k", "%s", big + sizeof(big) - 1 - 65535);
	assert_true(vici_finish(&w) > 65535);
	for (size_t size = 0; size < 30; size++) {
		uint8_t *small = malloc(size ? size : 1);

		assert_non_null(small);
		vici_start(&w, small, size, VICI_EVENT, "event");
		vici_put(&w, "key", "%s", "value567");
		vici_put_section(&w, "s");
		vici_put_end(&w);
		assert_int_equal(vici_finish(&w), -EMSGSIZE);
		free(small);
	}
}

/* Each is one byte or one bracket away from being right. */
static void test_reader_refuses(void **state)
{
	static const struct {
		const char *b;
		size_t len;
	} bad[] = {
#define B(s) { s, sizeof(s) - 1 }
		B(""),			/* no type */
		B("\x08"),		/* no such type */
		B("\x07"),		/* no name */
		B("\x07\x02x"),		/* a name cut */
		B("\x01\x00"),		/* element 0 */
		B("\x01\x07"),		/* element 7 */
		B("\x01\x02"),		/* an end without a start */
		B("\x01\x01\x01s"),	/* a start without an end */
		B("\x01\x01\x02s\x02"),	/* a section's name cut */
		B("\x01\x03\x01k"),	/* a key without value */
		B("\x01\x03\x01k\x00"),	/* half a length */
		B("\x01\x03\x01k\x00\x02v"),
		B("\x01\x05\x00\x01i"),	/* an item outside of a list */
		B("\x01\x06"),
		B("\x01\x04\x01l"),	/* a list not closed */
		B("\x01\x04\x01l\x02"),
		B("\x01\x04\x01l\x04\x01l\x06\x06"),
		B("\x01\x04\x01l\x03\x01k\x00\x00\x06"),
		B("\x01\x04\x01l\x01\x01s\x02\x06"),
		B("\x01\x01\x01s\x04\x01l\x02\x06"),
#undef B
	};
	struct vici_packet p;
	uint8_t *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		copy = malloc(bad[i].len ? bad[i].len : 1);
		assert_non_null(copy);
		memcpy(copy, bad[i].b, bad[i].len);
		assert_int_equal(vici_read(copy, bad[i].len, &p), -EBADMSG);
		free(copy);
	}
}

static void test_depth(void **state)
{
	uint8_t deep[1 + 3 * (VICI_DEPTH_MAX + 1) + VICI_DEPTH_MAX + 1];
	struct vici_packet p;

	(void)state;
	for (unsigned int n = VICI_DEPTH_MAX; n <= VICI_DEPTH_MAX + 1; n++) {
		deep[0] = VICI_CMD_RESPONSE;
		for (unsigned int i = 0; i < n; i++)
			memcpy(deep + 1 + 3 * i, "\x01\x01s", 3);
		memset(deep + 1 + 3 * n, 2, n);
		assert_int_equal(vici_read(deep, 1 + 4 * n, &p),
				 n > VICI_DEPTH_MAX ? -EBADMSG : 0);
	}
}

static void test_length(void **state)
{
	(void)state;
	assert_int_equal(vici_length((const uint8_t *)"\0\0\0\1"), 1);
	assert_int_equal(vici_length((const uint8_t *)"\0\0\0\0"), -EMSGSIZE);
	assert_int_equal(vici_length((const uint8_t *)"\0\x08\0\0"),
			 VICI_PACKET_MAX);
	assert_int_equal(vici_length((const uint8_t *)"\0\x08\0\1"), -EMSGSIZE);
	assert_int_equal(vici_length((const uint8_t *)"\xff\xff\xff\xff"),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_not_only),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_reader_refuses),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
