/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addr_test: text, families, prefixes and nobody's addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "addr.h"

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static void reads_and_writes_text(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1",
		"2001:db8::1", "fe80::11",
		"2001:db8:1111:2222:3333:4444:5555:6666",
	};
	char buf[ADDR_STRLEN];
	struct addr a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		a = addr(texts[i]);
		assert_string_equal(addr_text(&a, buf), texts[i]);
		assert_int_equal(a.len, strchr(texts[i], ':') ? 16 : 4);
	}
	a = addr_from(NULL, 0);
	assert_string_equal(addr_text(&a, buf), "none");
}

static void refuses_other_text(void **state)
{
	static const char *const texts[] = {
		"", "none", "192.0.2", "192.0.2.256", "192.0.2.1/24",
		" 192.0.2.1", "192.0.2.1 ", "2001:db8::1::2", "fe80::1%eth0",
		"g::1",
	};
	const struct addr before = addr("192.0.2.7");
	struct addr a = before;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_false(addr_parse(texts[i], &a));
		assert_true(addr_eq(&a, &before));
	}
}

static void is_equal_when_the_bytes_are(void **state)
{
	static const uint8_t bytes[17] = { 192, 0, 2, 1, 9, 9 };
	const struct addr a = addr("192.0.2.1");
	struct addr b = addr_from(bytes, 4);
	unsigned int len;

	(void)state;
	assert_true(addr_eq(&a, &b));
	assert_memory_equal(&a, &b, sizeof(a));
	b = addr_v4(htonl(0xc0000201));
	assert_true(addr_eq(&a, &b));
	assert_int_equal(addr_to_v4(&a), htonl(0xc0000201));
	b = addr("c000:201::");
	assert_false(addr_eq(&a, &b));
	assert_int_equal(addr_to_v4(&b), 0);
	for (len = 0; len <= sizeof(bytes); len++) {
		b = addr_from(bytes, len);
		assert_int_equal(b.len, len == 4 || len == 16 ? len : 0);
		assert_int_equal(addr_is_set(&b), len == 4 || len == 16);
	}
}

static void knows_nobodys_addresses(void **state)
{
	static const struct {
		const char *text;
		bool any, martian;
	} t[] = {
		{ "0.0.0.0", true, true },
		{ "127.0.0.1", false, true },
		{ "127.255.0.9", false, true },
		{ "126.255.255.255", false, false },
		{ "128.0.0.0", false, false },
		{ "223.255.255.255", false, false },
		{ "224.0.0.0", false, true },
		{ "239.255.255.255", false, true },
		{ "240.0.0.1", false, false },
		{ "255.255.255.254", false, false },
		{ "255.255.255.255", false, true },
		{ "192.0.2.1", false, false },
		{ "::", true, true },
		{ "::1", false, true },
		{ "::2", false, false },
		{ "100::1", false, false },
		{ "fe80::1", false, false },
		{ "feff::1", false, false },
		{ "ff02::1", false, true },
		{ "::ffff:192.0.2.1", false, true },
		{ "2001:db8::1", false, false },
	};
	const struct addr none = { 0 };
	struct addr a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		a = addr(t[i].text);
		assert_int_equal(addr_is_any(&a), t[i].any);
		assert_int_equal(addr_is_martian(&a), t[i].martian);
	}
	assert_false(addr_is_any(&none));
	assert_true(addr_is_martian(&none));
}

static void knows_prefixes(void **state)
{
	static const struct {
		const char *addr;
		unsigned int plen;
		const char *net, *outside;
	} t[] = {
		{ "192.0.2.129", 0, "0.0.0.0", NULL },
		{ "192.0.2.129", 1, "128.0.0.0", "127.255.255.255" },
		{ "192.0.2.129", 23, "192.0.2.0", "192.0.4.0" },
		{ "192.0.2.129", 24, "192.0.2.0", "192.0.3.129" },
		{ "192.0.2.129", 25, "192.0.2.128", "192.0.2.127" },
		{ "192.0.2.129", 31, "192.0.2.128", "192.0.2.130" },
		{ "192.0.2.129", 32, "192.0.2.129", "192.0.2.128" },
		{ "2001:db8::ffff", 0, "::", NULL },
		{ "2001:db8::ffff", 33, "2001:db8::", "2001:db8:8000::" },
		{ "2001:db8::ffff", 121, "2001:db8::ff80", "2001:db8::ff7f" },
		{ "2001:db8::ffff", 128, "2001:db8::ffff", "2001:db8::fffe" },
	};
	struct addr a, net, got, outside;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		a = addr(t[i].addr);
		net = addr(t[i].net);
		got = addr_network(&a, t[i].plen);
		assert_true(addr_eq(&got, &net));
		assert_true(addr_in_prefix(&a, &net, t[i].plen));
		assert_true(addr_in_prefix(&net, &a, t[i].plen));
		if (!t[i].outside)
			continue;
		outside = addr(t[i].outside);
		assert_false(addr_in_prefix(&outside, &net, t[i].plen));
	}
}

static void reads_prefixes(void **state)
{
	static const char *const bad[] = {
		"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/24",
		"10.0.0/24", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8",
		"10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/18446744073709551617",
		"2001:db8::1/64", "2001:db8::/129", "10.0.0.0/255.0.0.0",
		"00000000000000000000000000000000000000000000010.0.0.0/8",
	};
	static const struct {
		const char *text, *net;
		uint8_t plen;
	} good[] = {
		{ "10.0.0.0/8", "10.0.0.0", 8 },
		{ "10.5.5.5", "10.5.5.5", 32 },
		{ "10.5.5.5/32", "10.5.5.5", 32 },
		{ "0.0.0.0/0", "0.0.0.0", 0 },
		{ "2001:db8::/64", "2001:db8::", 64 },
		{ "2001:db8::1", "2001:db8::1", 128 },
	};
	struct addr net = addr("192.0.2.1"), same = net, want;
	uint8_t plen = 77;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (addr_parse_prefix(bad[i], &net, &plen))
			fail_msg("taken: %s", bad[i]);
	assert_true(addr_eq(&net, &same) && plen == 77);
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(addr_parse_prefix(good[i].text, &net, &plen));
		want = addr(good[i].net);
		assert_true(addr_eq(&net, &want));
		assert_int_equal(plen, good[i].plen);
	}
}

static void keeps_families_apart(void **state)
{
	const struct addr none = { 0 }, four = addr("0.0.0.0"), six = addr("::");
	struct addr got;

	(void)state;
	assert_false(addr_in_prefix(&four, &six, 0));
	assert_false(addr_in_prefix(&six, &four, 0));
	assert_false(addr_in_prefix(&none, &none, 0));
	assert_false(addr_in_prefix(&four, &four, 33));
	assert_true(addr_in_prefix(&six, &six, 128));
	assert_false(addr_in_prefix(&six, &six, 129));
	got = addr_network(&none, 24);
	assert_true(addr_eq(&got, &none));
	got = addr_network(&six, 4000);
	assert_true(addr_eq(&got, &six));
}

static void knows_link_local_addresses(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} t[] = {
		{ "fe80::1", true }, { "febf:ffff::1", true },
		{ "fec0::1", false }, { "fe7f::1", false },
		{ "2001:db8::1", false }, { "ff02::1", false },
		{ "169.254.0.1", false }, { "254.128.0.1", false },
	};
	struct addr a, none = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		assert_true(addr_parse(t[i].text, &a));
		assert_int_equal(addr_is_link_local(&a), t[i].is);
	}
	assert_false(addr_is_link_local(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_text),
		cmocka_unit_test(refuses_other_text),
		cmocka_unit_test(is_equal_when_the_bytes_are),
		cmocka_unit_test(knows_nobodys_addresses),
		cmocka_unit_test(knows_link_local_addresses),
		cmocka_unit_test(knows_prefixes),
		cmocka_unit_test(reads_prefixes),
		cmocka_unit_test(keeps_families_apart),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
