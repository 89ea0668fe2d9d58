/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the words: the tables say what the kernel's header says (rule R6),
 * and abbreviations are matched as promised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/dmvpn.h>

#include "words.h"

#define HEADER "/../include/uapi/linux/dmvpn.h"

static FILE *open_header(void)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%.*s" HEADER,
		 (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: cannot open; run from the top folder", path);
	return f;
}

/* "@DMVPN_DROP_NO_ROUTE: `no-route`" gives NO_ROUTE and no-route. */
static bool documented(const char *line, const char *prefix, char name[64],
		       char word[64])
{
	const char *p = strchr(line, '@');

	if (!p || strncmp(p + 1, prefix, strlen(prefix)))
		return false;
	return sscanf(p + 1 + strlen(prefix), "%63[A-Z0-9_]: `%63[a-z-]`",
		      name, word) == 2;
}

/* The word's own spelling of the constant: no-route for NO_ROUTE. */
static void spell(const char *name, char word[64])
{
	size_t i;

	for (i = 0; name[i]; i++)
		word[i] = name[i] == '_' ? '-' : tolower(name[i]);
	word[i] = '\0';
}

static bool has(const struct words *w, const char *word)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->word[i] && !strcmp(w->word[i], word))
			return true;
	return false;
}

static unsigned int count_documented(const struct words *w, const char *prefix)
{
	char line[256], name[64], word[64], own[64];
	unsigned int n = 0;
	FILE *f = open_header();

	while (fgets(line, sizeof(line), f)) {
		if (!documented(line, prefix, name, word))
			continue;
		n++;
		spell(name, own);
		assert_string_equal(word, own);
		if (!has(w, word))
			fail_msg("%s is documented, but no word of ours", word);
	}
	fclose(f);
	return n;
}

static void test_header(void **state)
{
	(void)state;
	assert_int_equal(count_documented(&words_drop, "DMVPN_DROP_"),
			 __DMVPN_DROP_MAX - 1);
	assert_int_equal(count_documented(&words_count, "DMVPN_COUNT_"),
			 __DMVPN_COUNT_MAX - 1);
}

static void test_places(void **state)
{
	(void)state;
	assert_string_equal(word_of(&words_drop, DMVPN_DROP_UNRESOLVED),
			    "unresolved");
	assert_string_equal(word_of(&words_drop, DMVPN_DROP_MULTICAST_OVERFLOW),
			    "multicast-overflow");
	assert_string_equal(word_of(&words_count, DMVPN_COUNT_MULTICAST_COPY),
			    "multicast-copy");
	assert_string_equal(word_of(&words_event, DMVPN_CMD_RESOLVE_NTF),
			    "resolve");
	assert_string_equal(word_of(&words_how, DMVPN_PATH_NHS), "nhs");
	assert_null(word_of(&words_drop, DMVPN_DROP_UNSPEC));
	assert_null(word_of(&words_drop, __DMVPN_DROP_MAX));
	assert_null(word_of(&words_event, DMVPN_CMD_PEER_SET));
}

static unsigned int bit(const struct words *w, const char *word)
{
	int i = word_find(w, word);

	assert_true(i >= 0);
	return 1u << i;
}

static void test_bits(void **state)
{
	(void)state;
	assert_int_equal(bit(&words_link_flag, "ipsec-required"),
			 DMVPN_LINK_F_IPSEC_REQUIRED);
	assert_int_equal(bit(&words_link_flag, "redirect"),
			 DMVPN_LINK_F_REDIRECT);
	assert_int_equal(bit(&words_peer_flag, "hub"), DMVPN_PEER_F_HUB);
	assert_int_equal(bit(&words_peer_flag, "nhs"), DMVPN_PEER_F_NHS);
	assert_int_equal(bit(&words_peer_flag, "multicast"),
			 DMVPN_PEER_F_MULTICAST);
	assert_int_equal(bit(&words_neigh_flag, "unconfirmed"),
			 DMVPN_NEIGH_F_UNCONFIRMED);
	assert_int_equal(bit(&words_neigh_flag, "reject"),
			 DMVPN_NEIGH_F_REJECT);
	assert_int_equal(bit(&words_neigh_flag, "registered"),
			 DMVPN_NEIGH_F_REGISTERED);
	assert_int_equal(bit(&words_feature, "ipsec-required"),
			 DMVPN_FEATURE_IPSEC_REQUIRED);
	assert_int_equal(bit(&words_feature, "path-get"),
			 DMVPN_FEATURE_PATH_GET);
	assert_int_equal(bit(&words_feature, "outer-ipv6"),
			 DMVPN_FEATURE_OUTER_IPV6);
}

static void test_find(void **state)
{
	static const char *const list[] = {
		"show", NULL, "shop", "set", "show", "sets",
	};
	const struct words w = { list, ARRAY_SIZE(list) };

	(void)state;
	assert_int_equal(word_find(&w, "show"), 0);
	assert_int_equal(word_find(&w, "shop"), 2);
	assert_int_equal(word_find(&w, "sho"), WORD_AMBIGUOUS);
	assert_int_equal(word_find(&w, "s"), WORD_AMBIGUOUS);
	/* A whole word wins over what it begins. */
	assert_int_equal(word_find(&w, "set"), 3);
	assert_int_equal(word_find(&w, "sets"), 5);
	assert_int_equal(word_find(&w, "se"), WORD_AMBIGUOUS);
	assert_int_equal(word_find(&w, "showing"), WORD_UNKNOWN);
	assert_int_equal(word_find(&w, ""), WORD_UNKNOWN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
