/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of narrow's set of routes against a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "narrow.h"

static struct narrow_set set_of(const char *const *routes)
{
	struct narrow_set s = { 0 };
	struct addr a;
	uint8_t plen;

	for (; *routes; routes++) {
		assert_true(addr_parse_prefix(*routes, &a, &plen));
		assert_int_equal(narrow_add(&s, &a, plen), 0);
	}
	narrow_sort(&s);
	return s;
}

static uint8_t ask(const struct narrow_set *s, const char *dst, uint8_t plen)
{
	struct addr a;

	assert_true(addr_parse(dst, &a));
	return narrow_find(s, &a, plen);
}

static void test_examples(void **state)
{
	static const char *const v4[] = {
		"0.0.0.0/0", "172.16.0.0/16", "172.16.50.128/25",
		"172.16.5.0/24", "10.0.0.0/24", NULL
	};
	static const char *const v6[] = {
		"::/0", "2001:db8:5::/48", "2001:db8:5:8000::/64", NULL
	};
	struct narrow_set s = set_of(v4);

	(void)state;
	assert_int_equal(ask(&s, "172.16.50.1", 16), 25);
	assert_int_equal(ask(&s, "172.16.51.1", 16), 24);
	assert_int_equal(ask(&s, "172.16.4.1", 16), 24);
	assert_int_equal(ask(&s, "172.16.200.1", 16), 17);
	assert_int_equal(ask(&s, "172.16.5.1", 24), 24);
	assert_int_equal(ask(&s, "10.0.0.1", 24), 24);
	assert_int_equal(ask(&s, "10.0.0.0", 24), 24);
	free(s.route);
	s = set_of(v6);
	assert_int_equal(ask(&s, "2001:db8:5::1", 48), 49);
	assert_int_equal(ask(&s, "2001:db8:5:8001::1", 48), 64);
	assert_int_equal(ask(&s, "2001:db8:5:8000::1", 64), 64);
	free(s.route);
}

static void test_empty(void **state)
{
	struct narrow_set s = { 0 };

	(void)state;
	narrow_sort(&s);
	assert_int_equal(ask(&s, "10.0.0.1", 8), 8);
}

/* Longer and longer until nothing is in it. */
static uint8_t naive(const struct narrow_set *s, const struct addr *dst,
		     uint8_t plen)
{
	unsigned int length;
	size_t i;

	for (length = plen; length < 8u * dst->len; length++) {
		for (i = 0; i < s->n; i++)
			if (s->route[i].plen > plen &&
			    addr_in_prefix(&s->route[i].prefix, dst, length))
				break;
		if (i == s->n)
			break;
	}
	return length;
}

/* Few different bits, so that prefixes nest and share their beginnings. */
static struct addr random_addr(unsigned int *seed, uint8_t len)
{
	struct addr a = { .len = len };

	for (unsigned int i = 0; i < len; i++)
		a.b[i] = rand_r(seed) & 1 ? 0 : rand_r(seed) & 0x81;
	return a;
}

static void compare(unsigned int *seed, uint8_t len)
{
	struct narrow_set s = { 0 };
	struct addr a, dst;
	uint8_t plen;

	for (int n = rand_r(seed) % 40; n; n--) {
		plen = rand_r(seed) % (8 * len + 1);
		a = random_addr(seed, len);
		a = addr_network(&a, plen);
		assert_int_equal(narrow_add(&s, &a, plen), 0);
	}
	narrow_sort(&s);
	for (int n = 0; n < 40; n++) {
		dst = random_addr(seed, len);
		plen = rand_r(seed) % (8 * len + 1);
		assert_int_equal(narrow_find(&s, &dst, plen),
				 naive(&s, &dst, plen));
	}
	free(s.route);
}

static void test_model(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 2000; i++)
		compare(&seed, i % 2 ? 16 : 4);
}

static void test_bound(void **state)
{
	struct narrow_set s = { 0 };
	struct addr a = addr_v4(0);

	(void)state;
	for (int i = 0; i < NARROW_ROUTES; i++)
		assert_int_equal(narrow_add(&s, &a, 32), 0);
	assert_int_equal(narrow_add(&s, &a, 32), -E2BIG);
	free(s.route);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
