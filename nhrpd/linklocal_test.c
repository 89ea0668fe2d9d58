/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of linklocal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "linklocal.h"

static const uint8_t secret[LINKLOCAL_SECRET] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
};

static struct addr choose(const uint8_t *key, const char *name,
			  const char *proto)
{
	struct addr a;

	assert_true(addr_parse(proto, &a));
	return linklocal_from(key, name, &a);
}

/* Each of what goes in makes another address; the same makes the same. */
static void test_parts(void **state)
{
	static const uint8_t other[LINKLOCAL_SECRET] = { 1 };
	struct addr a = choose(secret, "Tunnel0", "2001:db8::1"), b;

	(void)state;
	assert_true(addr_is_link_local(&a));
	b = choose(secret, "Tunnel0", "2001:db8::1");
	assert_true(addr_eq(&a, &b));
	b = choose(secret, "Tunnel1", "2001:db8::1");
	assert_false(addr_eq(&a, &b));
	b = choose(secret, "Tunnel0", "2001:db8::2");
	assert_false(addr_eq(&a, &b));
	b = choose(other, "Tunnel0", "2001:db8::1");
	assert_false(addr_eq(&a, &b));
}

/*
 * Vector of SipHash-2-4's reference code for the 16 bytes 00 to 0f (no name):
 * 3f2acc7f57c29bdb as a number.
 */
static void test_vector(void **state)
{
	struct addr a = choose(secret, "",
			       "1:203:405:607:809:a0b:c0d:e0f"), want;

	(void)state;
	assert_true(addr_parse("fe80::3f2a:cc7f:57c2:9bdb", &want));
	assert_true(addr_eq(&a, &want));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_vector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
