/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: `dmvpn peer`, neighbours and peers straight into the module (rule R1:
 * a device with static peers works with no daemon at all).
 *
 * On the command line both are one thing: a protocol address at an NBMA
 * address. Settings that only peers have make the peer an object of its own.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <linux/dmvpn.h>
#include <linux/genetlink.h>

#include "cell.h"
#include "commands.h"
#include "kernel.h"

struct flags {
	uint32_t value;
	uint32_t mask;			/* bits named */
};

struct number {
	bool given;
	uint32_t v;
};

/* What the command line says. */
struct wish {
	const char *name;
	unsigned int ifindex;
	struct addr addr;		/* none: the peer alone */
	struct addr nbma;		/* none: not given */
	struct number mark, expires, refresh, priority, mtu, classid;
	struct flags peer, neigh;
};

enum word_kind {
	TAKE_NBMA, TAKE_NUMBER, TAKE_SECONDS, TAKE_PEER_FLAG, TAKE_NEIGH_FLAG,
};

static const struct {
	const char *word;
	enum word_kind kind;
	uint32_t what;			/* flag, or a number's place in the wish */
} peer_words[] = {
	{ "nbma", TAKE_NBMA, 0 },
	{ "mark", TAKE_NUMBER, offsetof(struct wish, mark) },
	{ "expires", TAKE_SECONDS, offsetof(struct wish, expires) },
	{ "refresh", TAKE_SECONDS, offsetof(struct wish, refresh) },
	{ "priority", TAKE_NUMBER, offsetof(struct wish, priority) },
	{ "mtu", TAKE_NUMBER, offsetof(struct wish, mtu) },
	{ "classid", TAKE_NUMBER, offsetof(struct wish, classid) },
	{ "hub", TAKE_PEER_FLAG, DMVPN_PEER_F_HUB },
	{ "nhs", TAKE_PEER_FLAG, DMVPN_PEER_F_NHS },
	{ "multicast", TAKE_PEER_FLAG, DMVPN_PEER_F_MULTICAST },
	{ "static", TAKE_NEIGH_FLAG, DMVPN_NEIGH_F_STATIC },
	{ "unconfirmed", TAKE_NEIGH_FLAG, DMVPN_NEIGH_F_UNCONFIRMED },
	{ "reject", TAKE_NEIGH_FLAG, DMVPN_NEIGH_F_REJECT },
	{ "registered", TAKE_NEIGH_FLAG, DMVPN_NEIGH_F_REGISTERED },
	{ "unique", TAKE_NEIGH_FLAG, DMVPN_NEIGH_F_UNIQUE },
};

static int find_word(const char *word)
{
	const char *names[ARRAY_SIZE(peer_words)];
	struct words w = { names, ARRAY_SIZE(peer_words) };

	for (unsigned int i = 0; i < w.n; i++)
		names[i] = peer_words[i].word;
	return word_find(&w, word);
}

static int take_flag(struct flags *f, uint32_t bit, bool no)
{
	f->mask |= bit;
	f->value = no ? f->value & ~bit : f->value | bit;
	return CLI_OK;
}

static int take_number(struct cli *c, struct wish *w, int i,
		       int (*take)(struct cli *c, const char *name,
				   uint32_t *v))
{
	struct number *n = (void *)((char *)w + peer_words[i].what);

	n->given = true;
	return take(c, peer_words[i].word, &n->v);
}

static int take_word(struct cli *c, struct wish *w, int i, bool no)
{
	const char *name = peer_words[i].word;

	if (no && peer_words[i].kind != TAKE_PEER_FLAG &&
	    peer_words[i].kind != TAKE_NEIGH_FLAG)
		return cli_usage(c, "no %s: only flags can be taken off", name);
	switch (peer_words[i].kind) {
	case TAKE_NBMA:
		return cli_take_addr(c, name, &w->nbma);
	case TAKE_NUMBER:
		return take_number(c, w, i, cli_take_u32);
	case TAKE_SECONDS:
		return take_number(c, w, i, cli_take_seconds);
	case TAKE_PEER_FLAG:
		return take_flag(&w->peer, peer_words[i].what, no);
	case TAKE_NEIGH_FLAG:
		return take_flag(&w->neigh, peer_words[i].what, no);
	}
	return CLI_USAGE;
}

static int take_words(struct cli *c, struct wish *w)
{
	const char *word;
	int i, err;
	bool no;

	while ((word = cli_next(c))) {
		no = !strcmp(word, "no");
		if (no)
			word = cli_next(c);
		if (!word)
			return cli_wants(c, "no", "a flag", NULL);
		i = find_word(word);
		if (i == WORD_AMBIGUOUS)
			return cli_usage(c, "'%s' is ambiguous", word);
		if (i < 0)
			return cli_usage(c, "'%s' is not understood", word);
		err = take_word(c, w, i, no);
		if (err)
			return err;
	}
	return CLI_OK;
}

/* NAME [ADDR] and the words behind. */
static int take_wish(struct cli *c, struct wish *w)
{
	int err;

	memset(w, 0, sizeof(*w));
	if (!cli_peek(c))
		return cli_wants(c, "NAME", "the name of a device", NULL);
	err = kernel_take_dev(c, &w->name, &w->ifindex);
	if (err)
		return err;
	if (cli_peek(c) && addr_parse(cli_peek(c), &w->addr))
		cli_next(c);
	return take_words(c, w);
}

static bool wants_neigh(const struct wish *w)
{
	return w->neigh.mask || w->expires.given || w->refresh.given;
}

static bool wants_peer(const struct wish *w)
{
	return w->peer.mask || w->priority.given || w->mtu.given ||
	       w->classid.given;
}

static void put_number(struct nlmsghdr *h, uint16_t attr,
		       const struct number *n)
{
	if (n->given)
		mnl_attr_put_u32(h, attr, n->v);
}

/* @cmd: DMVPN_CMD_NEIGH_NEW or _SET */
static int neigh_set(struct nl *nl, const struct wish *w, uint8_t cmd)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, cmd, 0);

	mnl_attr_put_u32(h, DMVPN_NEIGH_A_IFINDEX, w->ifindex);
	nl_put_addr(h, DMVPN_NEIGH_A_ADDR, &w->addr);
	if (addr_is_set(&w->nbma))
		nl_put_addr(h, DMVPN_NEIGH_A_NBMA, &w->nbma);
	put_number(h, DMVPN_NEIGH_A_MARK, &w->mark);
	if (w->neigh.mask)
		nl_put_flags(h, DMVPN_NEIGH_A_FLAGS, w->neigh.value,
			     w->neigh.mask);
	put_number(h, DMVPN_NEIGH_A_EXPIRES, &w->expires);
	put_number(h, DMVPN_NEIGH_A_REFRESH, &w->refresh);
	return nl_talk(nl, h, NULL, NULL);
}

/* The peer's key is the first thing in PEER_SET and PEER_DEL. */
static struct nlmsghdr *peer_msg(struct nl *nl, const struct wish *w,
				 uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, cmd, flags);

	mnl_attr_put_u32(h, DMVPN_PEER_A_IFINDEX, w->ifindex);
	nl_put_addr(h, DMVPN_PEER_A_NBMA, &w->nbma);
	put_number(h, DMVPN_PEER_A_MARK, &w->mark);
	return h;
}

/* @cmd: DMVPN_CMD_PEER_NEW or _SET */
static int peer_set(struct nl *nl, const struct wish *w, uint8_t cmd)
{
	struct nlmsghdr *h = peer_msg(nl, w, cmd, 0);

	if (w->peer.mask)
		nl_put_flags(h, DMVPN_PEER_A_FLAGS, w->peer.value,
			     w->peer.mask);
	put_number(h, DMVPN_PEER_A_PRIORITY, &w->priority);
	put_number(h, DMVPN_PEER_A_MTU, &w->mtu);
	put_number(h, DMVPN_PEER_A_CLASSID, &w->classid);
	return nl_talk(nl, h, NULL, NULL);
}

/* By address, and by NBMA address as a guard when both are given. */
static int neigh_del(struct nl *nl, const struct wish *w)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, DMVPN_CMD_NEIGH_DEL, 0);

	mnl_attr_put_u32(h, DMVPN_NEIGH_A_IFINDEX, w->ifindex);
	nl_put_addr(h, DMVPN_NEIGH_A_ADDR, &w->addr);
	if (addr_is_set(&w->nbma))
		nl_put_addr(h, DMVPN_NEIGH_A_NBMA, &w->nbma);
	put_number(h, DMVPN_NEIGH_A_MARK, &w->mark);
	return nl_talk(nl, h, NULL, NULL);
}

static int peer_del(struct nl *nl, const struct wish *w)
{
	return nl_talk(nl, peer_msg(nl, w, DMVPN_CMD_PEER_DEL, 0), NULL, NULL);
}

static int neigh_flush(struct nl *nl, struct wish *w)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, DMVPN_CMD_NEIGH_FLUSH, 0);

	mnl_attr_put_u32(h, DMVPN_NEIGH_A_IFINDEX, w->ifindex);
	if (addr_is_set(&w->nbma))
		nl_put_addr(h, DMVPN_NEIGH_A_NBMA, &w->nbma);
	put_number(h, DMVPN_NEIGH_A_MARK, &w->mark);
	return nl_talk(nl, h, NULL, NULL);
}

/* Neighbour first: it can be there already, and then nothing is changed. */
static int add_both(struct nl *nl, struct wish *w)
{
	char why[sizeof(nl->error)];
	int err = 0;

	if (addr_is_set(&w->addr))
		err = neigh_set(nl, w, DMVPN_CMD_NEIGH_NEW);
	if (err || (addr_is_set(&w->addr) && !wants_peer(w)))
		return err;
	err = peer_set(nl, w, addr_is_set(&w->addr) ? DMVPN_CMD_PEER_SET :
						      DMVPN_CMD_PEER_NEW);
	if (err && addr_is_set(&w->addr)) {
		memcpy(why, nl->error, sizeof(why));
		neigh_del(nl, w);
		memcpy(nl->error, why, sizeof(why));
	}
	return err;
}

static int read_peer_of(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *tb[DMVPN_NEIGH_A_MAX + 1];
	struct wish *w = ctx;

	nl_attrs(h, sizeof(struct genlmsghdr), tb, DMVPN_NEIGH_A_MAX);
	if (tb[DMVPN_NEIGH_A_NBMA])
		w->nbma = addr_from(
			mnl_attr_get_payload(tb[DMVPN_NEIGH_A_NBMA]),
			mnl_attr_get_payload_len(tb[DMVPN_NEIGH_A_NBMA]));
	if (tb[DMVPN_NEIGH_A_MARK]) {
		w->mark.v = nl_uint(tb[DMVPN_NEIGH_A_MARK]);
		w->mark.given = true;
	}
	return MNL_CB_OK;
}

/* Whom the neighbour points to now, into w->nbma and w->mark. */
static int find_peer(struct nl *nl, struct wish *w)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, DMVPN_CMD_NEIGH_GET, 0);

	mnl_attr_put_u32(h, DMVPN_NEIGH_A_IFINDEX, w->ifindex);
	nl_put_addr(h, DMVPN_NEIGH_A_ADDR, &w->addr);
	return nl_talk(nl, h, read_peer_of, w);
}

static int set_both(struct nl *nl, struct wish *w)
{
	int err;

	if (addr_is_set(&w->addr) &&
	    (wants_neigh(w) || addr_is_set(&w->nbma))) {
		err = neigh_set(nl, w, DMVPN_CMD_NEIGH_SET);
		if (err)
			return err;
	}
	if (addr_is_set(&w->addr) && !wants_peer(w))
		return 0;
	if (!addr_is_set(&w->nbma)) {
		err = find_peer(nl, w);
		if (err)
			return err;
	}
	return peer_set(nl, w, DMVPN_CMD_PEER_SET);
}

static int del_one(struct nl *nl, struct wish *w)
{
	return addr_is_set(&w->addr) ? neigh_del(nl, w) : peer_del(nl, w);
}

static int act(struct cli *c, struct wish *w,
	       int (*action)(struct nl *nl, struct wish *w))
{
	char text[ADDR_STRLEN];
	struct nl nl;
	int code;

	code = kernel_open(c, &nl);
	if (!code && action(&nl, w))
		code = cli_fail(c, CLI_REFUSED, "%s %s: %s", w->name,
				addr_text(addr_is_set(&w->addr) ? &w->addr :
					  &w->nbma, text), nl.error);
	nl_close(&nl);
	return code;
}

int cmd_peer_add(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w);

	if (code)
		return code;
	if (!addr_is_set(&w.nbma) && !(w.neigh.value & DMVPN_NEIGH_F_REJECT))
		return cli_usage(c, "nbma is missing");
	if (!addr_is_set(&w.nbma) && (wants_peer(&w) || !addr_is_set(&w.addr)))
		return cli_usage(c, "a peer needs nbma");
	if (!addr_is_set(&w.addr) && wants_neigh(&w))
		return cli_usage(c, "ADDR is missing");
	return act(c, &w, add_both);
}

int cmd_peer_set(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w);

	if (code)
		return code;
	if (!addr_is_set(&w.addr) && !addr_is_set(&w.nbma))
		return cli_usage(c, "ADDR or nbma is missing");
	if (!addr_is_set(&w.addr) && wants_neigh(&w))
		return cli_usage(c, "ADDR is missing");
	if (!wants_neigh(&w) && !wants_peer(&w) &&
	    !(addr_is_set(&w.addr) && addr_is_set(&w.nbma)))
		return cli_usage(c, "nothing to change");
	return act(c, &w, set_both);
}

int cmd_peer_del(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w);

	if (code)
		return code;
	if (!addr_is_set(&w.addr) && !addr_is_set(&w.nbma))
		return cli_usage(c, "ADDR or nbma is missing");
	if (wants_neigh(&w) || wants_peer(&w))
		return cli_usage(c, "only nbma and mark are understood");
	return act(c, &w, del_one);
}

int cmd_peer_flush(struct cli *c)
{
	struct wish w;
	int code = take_wish(c, &w);

	if (code)
		return code;
	if (addr_is_set(&w.addr) || wants_neigh(&w) || wants_peer(&w))
		return cli_usage(c, "only nbma and mark are understood");
	return act(c, &w, neigh_flush);
}

/* ---- peer show ---- */

/* Drops rows that are not about @addr from @rows. */
static void keep_addr(struct json_object *rows, const struct addr *addr)
{
	const char *text;
	struct addr a;

	for (size_t i = json_object_array_length(rows); i--;) {
		text = object_get_str(json_object_array_get_idx(rows, i), "protocol");
		if (!text || !addr_parse(text, &a) || !addr_eq(&a, addr))
			json_object_array_del_idx(rows, i, 1);
	}
}

static struct json_object *read_rows(struct nl *nl, unsigned int ifindex,
				     void *ctx)
{
	struct json_object *rows = kernel_rows(nl, ifindex);
	const struct addr *addr = ctx;

	if (rows && addr_is_set(addr))
		keep_addr(rows, addr);
	return rows;
}

static void cell_traffic(struct table *t, const struct json_object *row,
			 const char *packets, const char *bytes)
{
	char buf[TEXT_LEN], text[2 * TEXT_LEN];

	if (object_is_null(row, packets)) {
		table_cell(t, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%llu/%s",
		 (unsigned long long)object_get_uint(row, packets),
		 text_bytes(object_get_uint(row, bytes), buf));
	table_cell(t, text);
}

/* The neighbour's flags and the peer's, each word once. */
static void cell_flags(struct table *t, const struct json_object *row)
{
	char text[256];
	size_t used;

	object_get_words(row, "flags", " ", text, sizeof(text));
	used = strlen(text);
	for (size_t i = 0; i < object_get_len(row, "peer_flags"); i++) {
		const char *word = json_object_get_string(
			object_get_at(row, "peer_flags", i));

		if (object_has_word(row, "flags", word) || used > 200)
			continue;
		used += snprintf(text + used, sizeof(text) - used, "%s%.32s",
				 used ? " " : "", word);
	}
	table_cell(t, *text ? text : NULL);
}

static void print_peers(FILE *out, const struct json_object *dev)
{
	static const char *const head[] = {
		"ADDRESS", "NBMA", "EXPIRES", "USED", "PMTU", "ESP", "RX",
		"TX", "FLAGS", NULL
	};
	const struct json_object *row;
	struct table t = {};

	fprintf(out, "%s\n", object_get_str(dev, "name"));
	table_head(&t, head);
	for (size_t i = 0; i < object_get_len(dev, "peers"); i++) {
		row = object_get_at(dev, "peers", i);
		table_cell(&t, object_get_str(row, "protocol"));
		table_cell(&t, object_get_str(row, "nbma"));
		cell_ago(&t, row, "expires_seconds",
			 object_get_str(row, "protocol") ? "never" : NULL);
		cell_ago(&t, row, "used_seconds", NULL);
		cell_plain(&t, row, "pmtu");
		table_cell(&t, object_is_null(row, "esp") ? NULL :
			   object_get_bool(row, "esp") ? "yes" : "no");
		cell_traffic(&t, row, "rx_packets", "rx_bytes");
		cell_traffic(&t, row, "tx_packets", "tx_bytes");
		cell_flags(&t, row);
	}
	table_print(&t, out, "  ");
}

int cmd_peer_show(struct cli *c)
{
	struct addr addr = {};
	unsigned int ifindex;
	const char *name;
	int code;

	code = kernel_take_dev(c, &name, &ifindex);
	if (code)
		return code;
	if (cli_peek(c))
		code = cli_take_addr(c, "ADDR", &addr);
	if (!code)
		code = cli_done(c);
	if (code)
		return code;
	return kernel_show(c, ifindex, "peers", read_rows, &addr, print_peers);
}
