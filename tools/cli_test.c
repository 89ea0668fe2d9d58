/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the command line: words, abbreviations, values, exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "text.h"

#define ARGS_MAX 32

struct args {
	char text[512];
	char *argv[ARGS_MAX + 1];
	int argc;
};

/* Splits @line at blanks, behind the command's own name. */
static struct args *args_of(struct args *a, const char *line)
{
	a->argc = 0;
	snprintf(a->text, sizeof(a->text), "dmvpn %s", line);
	for (char *p = strtok(a->text, " "); p && a->argc < ARGS_MAX;
	     p = strtok(NULL, " "))
		a->argv[a->argc++] = p;
	a->argv[a->argc] = NULL;
	return a;
}

static void expect_command(const char *line, const char *words, int left)
{
	const struct command *c;
	struct args a;
	char err[256];
	int used;

	args_of(&a, line);
	c = cli_find(commands, a.argc - 1, a.argv + 1, &used, err,
		     sizeof(err));
	if (!c)
		fail_msg("'%s': %s", line, err);
	assert_string_equal(c->words, words);
	assert_int_equal(a.argc - 1 - used, left);
}

static void expect_none(const char *line, const char *why)
{
	struct args a;
	char err[256];
	int used;

	args_of(&a, line);
	assert_null(cli_find(commands, a.argc - 1, a.argv + 1, &used, err,
			     sizeof(err)));
	if (!strstr(err, why))
		fail_msg("'%s': '%s' lacks '%s'", line, err, why);
}

static void test_find(void **state)
{
	(void)state;
	expect_command("", "", 0);
	expect_command("show", "show", 0);
	expect_command("sh", "show", 0);
	expect_command("sh dmvpn", "show dmvpn", 0);
	expect_command("sho dm", "show dmvpn", 0);
	expect_command("sh dmvpn det", "show dmvpn detail", 0);
	expect_command("show dmvpn0", "show", 1);
	expect_command("sh ip nhrp", "show ip nhrp", 0);
	expect_command("s ip n b", "show ip nhrp brief", 0);
	expect_command("s ipv n b", "show ipv6 nhrp brief", 0);
	expect_command("sh ip nhrp dyn 10.0.0.1", "show ip nhrp dynamic", 1);
	expect_command("sh ipv6 cef 2001:db8::1", "show ipv6 cef", 1);
	expect_command("sh dm ipv6 det", "show dmvpn ipv6 detail", 0);
	expect_command("cl ipv6 nhrp all", "clear ipv6 nhrp", 1);
	expect_command("clear Tunnel0", "clear", 1);
	expect_command("sh ip nh nhs d", "show ip nhrp nhs detail", 0);
	expect_command("show ip nhrp Tunnel0", "show ip nhrp", 1);
	expect_command("link add d0 up", "link add", 2);
	expect_command("li a d0 up", "link add", 2);
	expect_command("pe se d0", "peer set", 1);
	expect_command("shortcut a 10.0.0.0/8", "shortcut add", 1);
	expect_command("shortcut show", "shortcut show", 0);
	expect_command("sh sh", "show shortcut", 0);
	expect_command("sh cry ips sa", "show crypto ipsec sa", 0);
	expect_command("sh crypto ikev2 sa", "show crypto ikev2 sa", 0);
	expect_command("sh cry sess det", "show crypto session detail", 0);
	expect_command("cl cry sa peer 1.1.1.1", "clear crypto sa", 2);
	expect_command("clear ipsec 1.1.1.1", "clear ipsec", 1);
	expect_command("cl ip nh", "clear ip nhrp", 0);
	expect_command("sh ip cef 10.5.5.5", "show ip cef", 1);
	expect_command("sh ip nhrp sh", "show ip nhrp shortcut", 0);
	expect_command("sh ip nhrp mul", "show ip nhrp multicast", 0);
	expect_command("sh ip nhrp nhs red", "show ip nhrp nhs redundancy", 0);
	expect_command("pa 10.5.5.5", "path", 1);
	expect_command("w 10.5.5.5", "why", 1);
	expect_command("nhs 10.0.0.3 drain", "nhs", 2);
	expect_command("peer sh d0", "peer show", 1);
	expect_command("conf ch /etc/x", "config check", 1);
	expect_command("m", "monitor", 0);
	expect_none("foo", "no command");
	expect_none("showing", "no command");
	expect_none("show ip", "nhrp");
	expect_none("show ip dmvpn", "nhrp");
	expect_none("link", "add");
	expect_none("link frobnicate", "add");
	expect_none("c", "ambiguous");
	expect_none("p 10.5.5.5", "ambiguous");
	expect_none("shortcu add", "no command");
	expect_none("sh ip nhrp s", "ambiguous");
	expect_none("show d", "ambiguous");
	expect_none("show i", "ambiguous");
}

/* Each command is found by its own words and has something to say. */
static void test_table(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->words; c++) {
		expect_command(c->words, c->words, 0);
		assert_true(strlen(c->help) > 0);
		assert_non_null(c->args);
		assert_non_null(c->run);
	}
}

static void test_number(void **state)
{
	uint64_t v = 77;

	(void)state;
	assert_true(cli_parse_number("0", 10, &v));
	assert_int_equal(v, 0);
	assert_true(cli_parse_number("0x1F", 255, &v));
	assert_int_equal(v, 31);
	assert_true(cli_parse_number("010", 10, &v));
	assert_int_equal(v, 10);
	assert_true(cli_parse_number("4294967295", UINT32_MAX, &v));
	assert_int_equal(v, UINT32_MAX);
	v = 77;
	assert_false(cli_parse_number("4294967296", UINT32_MAX, &v));
	assert_false(cli_parse_number("18446744073709551616", UINT64_MAX, &v));
	assert_false(cli_parse_number(NULL, 10, &v));
	assert_false(cli_parse_number("", 10, &v));
	assert_false(cli_parse_number("-1", 10, &v));
	assert_false(cli_parse_number("+1", 10, &v));
	assert_false(cli_parse_number(" 1", 10, &v));
	assert_false(cli_parse_number("1x", 10, &v));
	assert_false(cli_parse_number("0x", 10, &v));
	assert_int_equal(v, 77);
}

static void test_seconds(void **state)
{
	uint32_t ms = 77;

	(void)state;
	assert_true(cli_parse_seconds("0", &ms));
	assert_int_equal(ms, 0);
	assert_true(cli_parse_seconds("1.5", &ms));
	assert_int_equal(ms, 1500);
	assert_true(cli_parse_seconds("7200", &ms));
	assert_int_equal(ms, 7200000);
	assert_true(cli_parse_seconds("0.0001", &ms));
	assert_int_equal(ms, 1);
	assert_true(cli_parse_seconds("4294967.295", &ms));
	ms = 77;
	assert_false(cli_parse_seconds("4294967.3", &ms));
	assert_false(cli_parse_seconds(NULL, &ms));
	assert_false(cli_parse_seconds("", &ms));
	assert_false(cli_parse_seconds(".", &ms));
	assert_false(cli_parse_seconds("-1", &ms));
	assert_false(cli_parse_seconds("1e3", &ms));
	assert_false(cli_parse_seconds("inf", &ms));
	assert_false(cli_parse_seconds("1.2.3", &ms));
	assert_int_equal(ms, 77);
}

static int run(const char *line)
{
	FILE *out = fopen("/dev/null", "w");
	struct args a;
	int code;

	args_of(&a, line);
	code = cli_main(commands, a.argc, a.argv, out);
	fclose(out);
	return code;
}

/* Refused before the kernel or the daemon is asked. */
static void test_usage(void **state)
{
	static const char *const bad[] = {
		"foo", "link", "show d", "--frob", "--style vrp show dmvpn",
		"show --count 1", "monitor --count 0", "monitor --timeout x",
		"monitor --style xe", "monitor now", "reload now",
		"link add", "link add sixteencharacters", "link add d0 frob 1",
		"link add d0 key", "link add d0 key x", "link add d0 ttl 256",
		"link add d0 tos -1", "link add d0 df maybe", "link add d0 df",
		"link add d0 remote 1.1.1", "link add d0 local dev",
		"link add d0 pointopoint yes", "link add d0 ipsec on",
		"link add d0 mtu 1400 mtu 1400", "link add d0 accept all",
		"link add d0 redirect-interval 1s", "link add d0 m 1",
		"link del", "link del lo now",
		"peer add", "peer add lo", "peer add lo 10.0.0.1",
		"peer add lo 10.0.0.1 nbma", "peer add lo 10.0.0.1 nbma x",
		"peer add lo 10.0.0.1 nbma 1.1.1.1 expires -1",
		"peer add lo 10.0.0.1 reject hub",
		"peer add lo nbma 1.1.1.1 unconfirmed",
		"peer add lo 10.0.0.1 nbma 1.1.1.1 no",
		"peer add lo 10.0.0.1 nbma 1.1.1.1 no priority 1",
		"peer add lo 10.0.0.1 nbma 1.1.1.1 m 1",
		"peer set lo", "peer set lo 10.0.0.1", "peer set lo nbma 1.1.1.1",
		"peer set lo nbma 1.1.1.1 expires 1",
		"peer del lo", "peer del lo 10.0.0.1 static",
		"shortcut add", "shortcut add 10.5.5.0/24",
		"shortcut add 10.5.5.0/24 nexthop 10.0.0.5",
		"shortcut add 10.5.5.0/24 dev lo",
		"shortcut add 10.5.5.5/24 nexthop 10.0.0.5 dev lo",
		"shortcut add 10.5.5.0/33 nexthop 10.0.0.5 dev lo",
		"shortcut add 10.5.5.0/24 nexthop x dev lo",
		"shortcut add 10.5.5.0/24 nexthop 10.0.0.5 via dev lo",
		"shortcut add 10.5.5.0/24 nexthop 10.0.0.5 expires x dev lo",
		"shortcut add 10.5.5.0/24 nexthop 10.0.0.5 dev",
		"shortcut add 10.5.5.0/24 nexthop 10.0.0.5 dev lo lo",
		"shortcut del dev lo", "shortcut del 10.5.5.0/24",
		"shortcut del 10.5.5.0/24 dev lo expires 1",
		"shortcut flush", "shortcut flush 10.5.5.0/24 dev lo",
		"shortcut show lo x", "shortcut show dev",
		"path", "path x", "path 10.5.5.5 nexthop", "path 10.5.5.5 lo",
		"path 10.5.5.5 dev", "path 10.5.5.0/24", "why", "why 10.5.5.5 x",
		"show ip cef", "show ip cef 10.5.5.0/24",
		"nhs", "nhs x drain", "nhs 10.0.0.3", "nhs 10.0.0.3 stop",
		"nhs 10.0.0.3 drain dev lo x", "clear lo 10.5.5.5/24",
		"peer flush lo 10.0.0.1", "peer show lo x", "peer show lo 1.1.1.1 x",
		"show kernel lo x", "clear lo nowhere", "clear a b c",
		"config", "config check", "config check a b", "version now",
		"show crypto", "show crypto ipsec sa peer",
		"show crypto ipsec sa peer x", "show crypto session 1.1.1.1",
		"show crypto ikev2 sa peer 1.1.1.1 x", "clear crypto sa 1.1.1.1",
		"clear crypto sa peer", "clear ipsec x", "clear ipsec 1.1.1.1 x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (run(bad[i]) != CLI_USAGE)
			fail_msg("not refused as usage: %s", bad[i]);
}

static void test_codes(void **state)
{
	(void)state;
	assert_int_equal(run("help"), CLI_OK);
	assert_int_equal(run("help sh ip nhrp"), CLI_OK);
	assert_int_equal(run("-h"), CLI_OK);
	assert_int_equal(run("-V"), CLI_OK);
	assert_int_equal(run("version -j"), CLI_OK);
	assert_int_equal(run("show drops nosuchdevice"), CLI_REFUSED);
	assert_int_equal(run("link set nosuchdevice up"), CLI_REFUSED);
	assert_int_equal(run("link del lo"), CLI_REFUSED);
	assert_int_equal(run("link add d0 link nosuchdevice"), CLI_REFUSED);
	assert_int_equal(run("clear -S /nonexistent"), CLI_UNREACHABLE);
	assert_int_equal(run("reload -S /nonexistent"), CLI_UNREACHABLE);
	assert_int_equal(run("show dmvpn -S /nonexistent"), CLI_UNREACHABLE);
	assert_int_equal(run("nhs 10.0.0.3 drain -S /nonexistent"),
			 CLI_UNREACHABLE);
	assert_int_equal(run("clear 10.5.5.0/24 -S /nonexistent"),
			 CLI_UNREACHABLE);
	assert_int_equal(run("path 10.5.5.5 dev nosuchdevice"), CLI_REFUSED);
	assert_int_equal(run("path 10.5.5.5 dev lo"), CLI_REFUSED);
	assert_int_equal(run("path 127.0.0.1"), CLI_OK);
	assert_int_equal(run("why 127.0.0.1"), CLI_OK);
	assert_int_equal(run("show ip cef 127.0.0.1"), CLI_OK);
	assert_int_equal(run("path 10.5.5.5 --from /nonexistent"), CLI_REFUSED);
	assert_int_equal(run("shortcut flush dev nosuchdevice"), CLI_REFUSED);
	assert_int_equal(run("show --from /nonexistent"), CLI_REFUSED);
	assert_int_equal(run("config check /nonexistent"), CLI_REFUSED);
}

static void test_text(void **state)
{
	char buf[TEXT_LEN];

	(void)state;
	assert_string_equal(text_ago(-1, buf), "0s");
	assert_string_equal(text_ago(59.9, buf), "59s");
	assert_string_equal(text_ago(60, buf), "1m 0s");
	assert_string_equal(text_ago(3599, buf), "59m 59s");
	assert_string_equal(text_ago(3600, buf), "1h 0m");
	assert_string_equal(text_ago(86399, buf), "23h 59m");
	assert_string_equal(text_ago(273600, buf), "3d 4h");
	assert_string_equal(text_bytes(0, buf), "0 B");
	assert_string_equal(text_bytes(1023, buf), "1023 B");
	assert_string_equal(text_bytes(1024, buf), "1.0 KiB");
	assert_string_equal(text_bytes(10240, buf), "10 KiB");
	assert_string_equal(text_bytes(1288490189, buf), "1.2 GiB");
	assert_string_equal(text_bytes(UINT64_MAX, buf), "16 EiB");
	assert_string_equal(text_ios(188, buf), "00:03:08");
	assert_string_equal(text_ios(86399, buf), "23:59:59");
	assert_string_equal(text_ios(86400, buf), "1d00h");
	assert_string_equal(text_ios(561600, buf), "6d12h");
	assert_string_equal(text_ios(26 * 86400, buf), "3w5d");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
