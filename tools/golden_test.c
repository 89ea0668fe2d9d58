/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what is printed: fixed inputs through the real commands, compared
 * with the files in golden/. GOLDEN_UPDATE=1 writes them anew; look at the
 * difference before you believe it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../nhrpd/object.h"
#include "commands.h"

static const struct golden {
	const char *input;		/* golden/INPUT.json */
	const char *name;		/* golden/INPUT.NAME.txt */
	const char *line;		/* what is typed */
	int code;
} goldens[] = {
	{ "phase2-r6", "show", "show", CLI_OK },
	{ "phase2-r6", "show-dmvpn", "show dmvpn", CLI_OK },
	{ "phase2-r6", "show-dmvpn-xe", "show dmvpn --style xe", CLI_OK },
	{ "phase2-r6", "show-dmvpn-detail", "show dmvpn detail", CLI_OK },
	{ "phase2-r6", "show-ip-nhrp", "show ip nhrp", CLI_OK },
	{ "phase2-r6", "show-ip-nhrp-xe", "show ip nhrp --style xe", CLI_OK },
	{ "phase2-r6", "show-ip-nhrp-brief", "show ip nhrp brief", CLI_OK },
	{ "phase2-r6", "show-ip-nhrp-nhs", "show ip nhrp nhs", CLI_OK },
	{ "phase2-r6", "show-ip-nhrp-nhs-detail", "show ip nhrp nhs detail",
	  CLI_OK },
	{ "phase2-r6", "show-ip-nhrp-traffic", "show ip nhrp traffic", CLI_OK },
	{ "phase2-r6", "show-ip-nhrp-summary", "show ip nhrp summary", CLI_OK },
	{ "phase3-r4", "show", "show", CLI_OK },
	{ "phase3-r4", "show-dmvpn", "show dmvpn", CLI_OK },
	{ "phase3-r4", "show-dmvpn-xe", "show dmvpn --style xe", CLI_OK },
	{ "phase3-r4", "show-dmvpn-detail", "show dmvpn detail", CLI_OK },
	{ "phase3-r4", "show-dmvpn-detail-xe", "show dmvpn detail --style xe",
	  CLI_OK },
	{ "phase3-r4", "show-ip-nhrp", "show ip nhrp", CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-xe", "show ip nhrp --style xe", CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-brief", "show ip nhrp brief", CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-shortcut", "show ip nhrp shortcut",
	  CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-multicast", "show ip nhrp multicast",
	  CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-nhs", "show ip nhrp nhs", CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-nhs-redundancy",
	  "show ip nhrp nhs redundancy", CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-traffic", "show ip nhrp traffic", CLI_OK },
	{ "phase3-r4", "show-ip-nhrp-summary", "show ip nhrp summary", CLI_OK },
	/* the same over IPv6 */
	{ "over6-r4", "show", "show", CLI_OK },
	{ "over6-r4", "show-dmvpn", "show dmvpn", CLI_OK },
	{ "over6-r4", "show-dmvpn-xe", "show dmvpn --style xe", CLI_OK },
	{ "over6-r4", "show-dmvpn-detail", "show dmvpn detail", CLI_OK },
	{ "over6-r4", "show-ip-nhrp", "show ip nhrp", CLI_OK },
	{ "over6-r4", "show-ip-nhrp-brief", "show ip nhrp brief", CLI_OK },
	{ "over6-r4", "show-ip-nhrp-multicast", "show ip nhrp multicast",
	  CLI_OK },
	{ "over6-r4", "show-ip-nhrp-nhs", "show ip nhrp nhs", CLI_OK },
	{ "path-shortcut", "path", "path 172.16.5.1", CLI_OK },
	{ "path-shortcut", "why", "why 172.16.5.1", CLI_OK },
	{ "path-shortcut", "show-ip-cef", "show ip cef 172.16.5.1", CLI_OK },
	{ "path-shortcut", "show-ip-cef-xe",
	  "show ip cef 172.16.5.1 --style xe", CLI_OK },
	{ "path-hub", "path", "path 66.66.66.66", CLI_OK },
	{ "path-hub", "why", "why 66.66.66.66", CLI_OK },
	{ "path-hub", "show-ip-cef", "show ip cef 66.66.66.66", CLI_OK },
	{ "path-hub", "show-ip-cef-xe", "show ip cef 66.66.66.66 --style xe",
	  CLI_OK },
	{ "path-ipsec", "why", "why 66.66.66.66", CLI_OK },
	{ "path-away", "why", "why 66.66.66.66", CLI_OK },
	{ "path-guard", "path", "path 172.16.5.1", CLI_OK },
	{ "path-guard", "why", "why 172.16.5.1", CLI_OK },
	{ "path-guard", "show-ip-cef", "show ip cef 172.16.5.1", CLI_OK },
	{ "path-drop", "path", "path 10.0.0.99", CLI_DOWN },
	{ "path-drop", "why", "why 10.0.0.99", CLI_DOWN },
	{ "path-drop", "show-ip-cef", "show ip cef 10.0.0.99", CLI_OK },
	{ "path-link", "path", "path 10.0.0.5", CLI_OK },
	{ "path-link", "show-ip-cef", "show ip cef 10.0.0.5", CLI_OK },
	{ "path-none", "path", "path 172.16.5.1", CLI_DOWN },
	{ "path-none", "why", "why 172.16.5.1", CLI_DOWN },
	{ "path-none", "show-ip-cef", "show ip cef 172.16.5.1", CLI_OK },
	{ "path-none", "show-ip-cef-xe", "show ip cef 172.16.5.1 --style xe",
	  CLI_OK },
	{ "path-local", "path", "path 10.0.0.4", CLI_OK },
	{ "path-local", "show-ip-cef", "show ip cef 10.0.0.4", CLI_OK },
	{ "path-local", "show-ip-cef-xe", "show ip cef 10.0.0.4 --style xe",
	  CLI_OK },
	{ "path-ipv6", "path", "path 2001:db8:5::1", CLI_OK },
	{ "path-ipv6", "why", "why 2001:db8:5::1", CLI_OK },
	{ "path-ipv6", "show-ipv6-cef", "show ipv6 cef 2001:db8:5::1", CLI_OK },
	{ "ipv6-r4", "show", "show", CLI_OK },
	{ "ipv6-r4", "show-dmvpn", "show dmvpn", CLI_OK },
	{ "ipv6-r4", "show-dmvpn-ipv4", "show dmvpn ipv4", CLI_OK },
	{ "ipv6-r4", "show-dmvpn-ipv6-xe", "show dmvpn ipv6 --style xe",
	  CLI_OK },
	{ "ipv6-r4", "show-dmvpn-detail", "show dmvpn detail", CLI_OK },
	{ "ipv6-r4", "show-dmvpn-ipv6-detail", "show dmvpn ipv6 detail",
	  CLI_OK },
	{ "ipv6-r4", "show-ip-nhrp", "show ip nhrp", CLI_OK },
	{ "ipv6-r4", "show-ip-nhrp-static", "show ip nhrp static", CLI_OK },
	{ "ipv6-r4", "show-ip-nhrp-dynamic", "show ip nhrp dynamic 172.16.5.1",
	  CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp", "show ipv6 nhrp", CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-xe", "show ipv6 nhrp --style xe", CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-incomplete", "show ipv6 nhrp incomplete",
	  CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-prefix",
	  "show ipv6 nhrp 2001:db8:5::/64 Tunnel0", CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-brief", "show ipv6 nhrp brief", CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-nhs", "show ipv6 nhrp nhs", CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-nhs-redundancy",
	  "show ipv6 nhrp nhs redundancy", CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-traffic", "show ipv6 nhrp traffic",
	  CLI_OK },
	{ "ipv6-r4", "show-ipv6-nhrp-summary", "show ipv6 nhrp summary",
	  CLI_OK },
	{ "ike", "show-dmvpn", "show dmvpn", CLI_OK },
	{ "ike", "show", "show", CLI_OK },
	{ "ipsec", "show-ipsec", "show ipsec", CLI_DOWN },
	{ "crypto", "show-crypto-ipsec-sa", "show crypto ipsec sa", CLI_OK },
	{ "crypto", "show-crypto-ipsec-sa-peer",
	  "show crypto ipsec sa peer 7.7.7.7", CLI_OK },
	{ "crypto", "show-crypto-ikev2-sa", "show crypto ikev2 sa", CLI_OK },
	{ "crypto", "show-crypto-session", "show crypto session", CLI_OK },
	{ "crypto", "show-crypto-session-detail", "show crypto session detail",
	  CLI_OK },
	{ "crypto", "show-crypto-json",
	  "show crypto ipsec sa peer 8.8.8.8 -j", CLI_OK },
	{ "ipsec-away", "show-ipsec", "show ipsec", CLI_DOWN },
	{ "ipsec-away", "show-crypto-session", "show crypto session", CLI_OK },
	{ "corners", "show-ipsec", "show ipsec", CLI_OK },
	{ "corners", "show", "show", CLI_DOWN },
	{ "corners", "show-one", "show dmvpn0", CLI_DOWN },
	{ "corners", "show-json", "show -j", CLI_DOWN },
	{ "corners", "show-dmvpn", "show dmvpn", CLI_OK },
	{ "corners", "show-dmvpn-xe", "show dmvpn --style xe", CLI_OK },
	{ "corners", "show-dmvpn-detail", "show dmvpn detail", CLI_OK },
	{ "corners", "show-dmvpn-detail-xe", "show dmvpn detail --style xe",
	  CLI_OK },
	{ "corners", "show-ip-nhrp", "show ip nhrp", CLI_OK },
	{ "corners", "show-ip-nhrp-xe", "show ip nhrp --style xe", CLI_OK },
	{ "corners", "show-ip-nhrp-detail", "show ip nhrp detail", CLI_OK },
	{ "corners", "show-ip-nhrp-brief", "show ip nhrp brief", CLI_OK },
	{ "corners", "show-ip-nhrp-nhs-detail", "show ip nhrp nhs detail",
	  CLI_OK },
	{ "corners", "show-ip-nhrp-traffic", "show ip nhrp traffic", CLI_OK },
	{ "corners", "show-ip-nhrp-summary", "show ip nhrp summary", CLI_OK },
};

static void golden_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%.*s/golden/%s",
		 (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
}

/* What the command prints, for the caller to free. */
static char *run(const struct golden *g, int *code)
{
	char line[256], name[64], path[256], *argv[16], *text = NULL;
	size_t len = 0;
	int argc = 0;
	FILE *out;

	snprintf(name, sizeof(name), "%s.json", g->input);
	golden_path(path, sizeof(path), name);
	snprintf(line, sizeof(line), "dmvpn %s --from", g->line);
	for (char *p = strtok(line, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc++] = path;
	argv[argc] = NULL;
	out = open_memstream(&text, &len);
	*code = cli_main(commands, argc, argv, out);
	fclose(out);
	return text;
}

static char *read_all(const char *path)
{
	char *text = calloc(1, 1 << 16);
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s: cannot open; run from the top folder", path);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return text;
}

static void write_all(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void compare(const struct golden *g)
{
	char name[128], path[256];
	char *text, *want;
	int code;

	snprintf(name, sizeof(name), "%s.%s.txt", g->input, g->name);
	golden_path(path, sizeof(path), name);
	text = run(g, &code);
	if (code != g->code)
		fail_msg("%s: exit code %d, not %d", name, code, g->code);
	if (getenv("GOLDEN_UPDATE"))
		write_all(path, text);
	want = read_all(path);
	if (strcmp(text, want))
		fail_msg("%s differs; printed:\n%s", name, text);
	free(want);
	free(text);
}

static void test_goldens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++)
		compare(&goldens[i]);
}

/* The JSON of `show` can be given to `show --from` again: nothing is lost. */
static void round_trip(const char *input, int want)
{
	const struct golden text = { input, "", "show", 0 };
	const struct golden json = { input, "", "show -j", 0 };
	char path[] = "/tmp/golden_test.XXXXXX";
	char *argv[] = { "dmvpn", "show", "--from", path, NULL };
	char *first, *second = NULL;
	size_t len = 0;
	int code, fd;
	FILE *out;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	first = run(&json, &code);
	write_all(path, first);
	free(first);
	first = run(&text, &code);
	out = open_memstream(&second, &len);
	assert_int_equal(cli_main(commands, 4, argv, out), want);
	fclose(out);
	assert_string_equal(first, second);
	free(first);
	free(second);
	close(fd);
	remove(path);
}

static void test_round_trip(void **state)
{
	(void)state;
	round_trip("corners", CLI_DOWN);
	round_trip("phase3-r4", CLI_OK);
	round_trip("ipv6-r4", CLI_OK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goldens),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
