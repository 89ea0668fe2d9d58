/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_dmvpn: a plug-in for iproute2, so that `ip link add NAME type dmvpn
 * SETTING...` and `ip -d link show` know our settings. `ip` loads it as
 * LIBDIR/ip/link_dmvpn.so (or from $IP_LIB_DIR) when it meets the kind.
 *
 * The interface is iproute2's internal one (struct link_util of ip_common.h,
 * the same in 6.1 and 6.15) and is promised by nobody: what is used of it is
 * kept to two callbacks, and what is called in `ip` itself is weak. Without the
 * plug-in nothing is lost that `dmvpn link` does not have.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/dmvpn.h>

#include "cli.h"
#include "link.h"
#include "netlink.h"
#include "../nhrpd/object.h"

struct rtattr;

struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *lu, int argc, char **argv,
			 struct nlmsghdr *n);
	void (*print_opt)(struct link_util *lu, FILE *f, struct rtattr *tb[]);
	void (*print_xstats)(struct link_util *lu, FILE *f,
			     struct rtattr *xstats);
	void (*print_help)(struct link_util *lu, int argc, char **argv,
			   FILE *f);
	int (*parse_ifla_xstats)(struct link_util *lu, int argc, char **argv);
	int (*print_ifla_xstats)(struct nlmsghdr *n, void *arg);
};

/* Of `ip`: json_print.h. */
#define PRINT_JSON	2
#define COLOR_NONE	6
bool is_json_context(void) __attribute__((weak));
int print_color_string(int type, int color, const char *key, const char *fmt,
		       const char *value) __attribute__((weak));

static void print_help(struct link_util *lu, int argc, char **argv, FILE *f)
{
	(void)lu, (void)argc, (void)argv;
	fputs("Usage: ... dmvpn [SETTING]...\n"
	      "See `dmvpn help link add`.\n", f);
}

static int parse_opt(struct link_util *lu, int argc, char **argv,
		     struct nlmsghdr *n)
{
	struct cli c = { .argc = argc, .argv = argv, .out = stdout };

	if (argc && !strcmp(argv[0], "help")) {
		print_help(lu, argc, argv, stdout);
		return -1;
	}
	return link_put_settings(&c, n) ? -1 : 0;
}

/* All as strings: types are for `dmvpn link show -j`. */
static void print_json(struct json_object *o)
{
	char words[128];

	if (!print_color_string)
		return;
	json_object_object_foreach(o, key, value) {
		if (!value)
			continue;
		print_color_string(PRINT_JSON, COLOR_NONE, key, "%s",
				   json_object_is_type(value, json_type_array) ?
				   object_get_words(o, key, " ", words,
						    sizeof(words)) :
				   json_object_get_string(value));
	}
}

/* `ip` has put a blank before us and wants one behind. */
static void print_text(FILE *f, const struct json_object *o)
{
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	if (!mem)
		return;
	link_print_settings(mem, o);
	fclose(mem);
	if (text && len)
		fprintf(f, "%s ", text + 1);
	free(text);
}

/* A struct rtattr is a struct nlattr by another name. */
static void print_opt(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	struct json_object *o;

	(void)lu;
	if (!tb)
		return;
	o = link_settings((const struct nlattr *const *)tb);
	if (is_json_context && is_json_context())
		print_json(o);
	else
		print_text(f, o);
	json_object_put(o);
}

/* What `ip` looks for by its name. */
extern struct link_util dmvpn_link_util;

__attribute__((visibility("default")))
struct link_util dmvpn_link_util = {
	.id = "dmvpn",
	.maxattr = IFLA_DMVPN_MAX,
	.parse_opt = parse_opt,
	.print_opt = print_opt,
	.print_help = print_help,
};
