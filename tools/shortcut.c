/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shortcut: `dmvpn shortcut`, prefixes behind a neighbour straight into the
 * module (rule R8: they live in the device, not in the FIB).
 */
#include <string.h>

#include <linux/dmvpn.h>

#include "cell.h"
#include "commands.h"
#include "kernel.h"

/* What the command line says. */
struct wish {
	const char *name;
	unsigned int ifindex;
	bool has_prefix;
	struct addr prefix;
	uint8_t plen;
	struct addr nexthop, via;	/* none: not given */
	bool has_expires, has_refresh;
	uint32_t expires, refresh;
};

enum { TAKE_NEXTHOP, TAKE_VIA, TAKE_EXPIRES, TAKE_REFRESH, TAKE_DEV };

static const char *const shortcut_words[] = {
	[TAKE_NEXTHOP]	= "nexthop",
	[TAKE_VIA]	= "via",
	[TAKE_EXPIRES]	= "expires",
	[TAKE_REFRESH]	= "refresh",
	[TAKE_DEV]	= "dev",
};

static int take_word(struct cli *c, struct wish *w, int i)
{
	const char *name = shortcut_words[i];

	switch (i) {
	case TAKE_NEXTHOP:
		return cli_take_addr(c, name, &w->nexthop);
	case TAKE_VIA:
		return cli_take_addr(c, name, &w->via);
	case TAKE_EXPIRES:
		w->has_expires = true;
		return cli_take_seconds(c, name, &w->expires);
	case TAKE_REFRESH:
		w->has_refresh = true;
		return cli_take_seconds(c, name, &w->refresh);
	}
	if (!cli_peek(c))
		return cli_wants(c, name, "the name of a device", NULL);
	return kernel_take_dev(c, &w->name, &w->ifindex);
}

/* [PREFIX] and the words behind; @prefix: one has to be there. */
static int take_wish(struct cli *c, struct wish *w, bool prefix)
{
	const struct words words = { shortcut_words,
				     ARRAY_SIZE(shortcut_words) };
	const char *text;
	int i, err;

	memset(w, 0, sizeof(*w));
	if (prefix) {
		text = cli_next(c);
		if (!text || !addr_parse_prefix(text, &w->prefix, &w->plen))
			return cli_wants(c, "PREFIX",
					 "a prefix without host bits", text);
		w->has_prefix = true;
	}
	while ((text = cli_next(c))) {
		i = word_find(&words, text);
		if (i < 0)
			return cli_usage(c, "'%s' is not understood", text);
		err = take_word(c, w, i);
		if (err)
			return err;
	}
	if (!w->name)
		return cli_usage(c, "dev is missing");
	return CLI_OK;
}

static bool wants_more(const struct wish *w)
{
	return addr_is_set(&w->nexthop) || addr_is_set(&w->via) ||
	       w->has_expires || w->has_refresh;
}

static int act(struct cli *c, const struct wish *w, uint8_t cmd)
{
	char text[ADDR_STRLEN], prefix[ADDR_STRLEN + 8] = "";
	struct nlmsghdr *h;
	struct nl nl;
	int code;

	code = kernel_open(c, &nl);
	if (code)
		goto out;
	h = nl_dmvpn_msg(&nl, cmd, 0);
	mnl_attr_put_u32(h, DMVPN_SHORTCUT_A_IFINDEX, w->ifindex);
	if (w->has_prefix) {
		nl_put_addr(h, DMVPN_SHORTCUT_A_PREFIX, &w->prefix);
		mnl_attr_put_u8(h, DMVPN_SHORTCUT_A_PREFIXLEN, w->plen);
		snprintf(prefix, sizeof(prefix), " %s/%u",
			 addr_text(&w->prefix, text), w->plen);
	}
	if (addr_is_set(&w->nexthop))
		nl_put_addr(h, DMVPN_SHORTCUT_A_NEXTHOP, &w->nexthop);
	if (addr_is_set(&w->via))
		nl_put_addr(h, DMVPN_SHORTCUT_A_VIA, &w->via);
	if (w->has_expires)
		mnl_attr_put_u32(h, DMVPN_SHORTCUT_A_EXPIRES, w->expires);
	if (w->has_refresh)
		mnl_attr_put_u32(h, DMVPN_SHORTCUT_A_REFRESH, w->refresh);
	if (nl_talk(&nl, h, NULL, NULL))
		code = cli_fail(c, CLI_REFUSED, "%s%s: %s", w->name, prefix,
				nl.error);
out:
	nl_close(&nl);
	return code;
}

/* The kernel has only one way to say it: what is there is changed. */
int cmd_shortcut_add(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w, true);

	if (code)
		return code;
	if (!addr_is_set(&w.nexthop))
		return cli_usage(c, "nexthop is missing");
	return act(c, &w, DMVPN_CMD_SHORTCUT_SET);
}

int cmd_shortcut_del(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w, true);

	if (code)
		return code;
	if (wants_more(&w))
		return cli_usage(c, "only dev is understood");
	return act(c, &w, DMVPN_CMD_SHORTCUT_DEL);
}

int cmd_shortcut_flush(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w, false);

	if (code)
		return code;
	if (wants_more(&w))
		return cli_usage(c, "only dev is understood");
	return act(c, &w, DMVPN_CMD_SHORTCUT_FLUSH);
}

/* ---- shortcut show ---- */

static struct json_object *read_rows(struct nl *nl, unsigned int ifindex,
				     void *ctx)
{
	(void)ctx;
	return kernel_shortcuts(nl, ifindex);
}

static void print_shortcuts(FILE *out, const struct json_object *dev)
{
	static const char *const head[] = {
		"PREFIX", "NEXTHOP", "VIA", "EXPIRES", "USED", "CREATED", NULL
	};
	const struct json_object *row;
	struct table t = {};

	fprintf(out, "%s\n", object_get_str(dev, "name"));
	table_head(&t, head);
	for (size_t i = 0; i < object_get_len(dev, "shortcuts"); i++) {
		row = object_get_at(dev, "shortcuts", i);
		table_cell(&t, object_get_str(row, "prefix"));
		table_cell(&t, object_get_str(row, "nexthop"));
		table_cell(&t, object_get_str(row, "via"));
		cell_ago(&t, row, "expires_seconds", "never");
		cell_ago(&t, row, "used_seconds", NULL);
		cell_ago(&t, row, "created_seconds", NULL);
	}
	table_print(&t, out, "  ");
}

int cmd_shortcut_show(struct cli *c)
{
	unsigned int ifindex;
	const char *name;
	int code;

	code = kernel_take_dev(c, &name, &ifindex);
	if (!code)
		code = cli_done(c);
	if (code)
		return code;
	return kernel_show(c, ifindex, "shortcuts", read_rows, NULL,
			   print_shortcuts);
}
