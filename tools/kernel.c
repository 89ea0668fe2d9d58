/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel: see kernel.h; and `show kernel|drops|counters`. The field tables
 * are the one place that says how an attribute is called and read.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>

#include <linux/dmvpn.h>

#include "commands.h"
#include "kernel.h"
#include "text.h"

static const struct field dev_fields[] = {
	{ DMVPN_DEV_A_IFNAME, "name", FIELD_STRING, NULL },
	{ DMVPN_DEV_A_IFINDEX, "ifindex", FIELD_UINT, NULL },
	{ DMVPN_DEV_A_LOCAL, "nbma", FIELD_ADDR, NULL },
	{ DMVPN_DEV_A_FEATURES, "features", FIELD_BITS, &words_feature },
	{ DMVPN_DEV_A_PEERS, "peer_count", FIELD_UINT, NULL },
	{ DMVPN_DEV_A_NEIGHS, "neighbour_count", FIELD_UINT, NULL },
	{ DMVPN_DEV_A_SHORTCUTS, "shortcut_count", FIELD_UINT, NULL },
	{ DMVPN_DEV_A_DROPS, "drops", FIELD_COUNTERS, &words_drop },
	{ DMVPN_DEV_A_COUNTS, "counters", FIELD_COUNTERS, &words_count },
};

static const struct field peer_fields[] = {
	{ DMVPN_PEER_A_NBMA, "nbma", FIELD_ADDR, NULL },
	{ DMVPN_PEER_A_MARK, "mark", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_ID, "peer_id", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_FLAGS, "peer_flags", FIELD_FLAGS, &words_peer_flag },
	{ DMVPN_PEER_A_PRIORITY, "priority", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_MTU, "mtu", FIELD_NONZERO, NULL },
	{ DMVPN_PEER_A_CLASSID, "classid", FIELD_NONZERO, NULL },
	{ DMVPN_PEER_A_COOKIE, "peer_cookie", FIELD_HEX, NULL },
	{ DMVPN_PEER_A_PMTU, "pmtu", FIELD_NONZERO, NULL },
	{ DMVPN_PEER_A_OIF, "underlay_dev", FIELD_DEV, NULL },
	{ DMVPN_PEER_A_SADDR, "underlay_source", FIELD_ADDR, NULL },
	{ DMVPN_PEER_A_ESP, "esp", FIELD_BOOL, NULL },
	{ DMVPN_PEER_A_RX_PACKETS, "rx_packets", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_RX_BYTES, "rx_bytes", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_TX_PACKETS, "tx_packets", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_TX_BYTES, "tx_bytes", FIELD_UINT, NULL },
	{ DMVPN_PEER_A_LAST_RX, "last_rx_seconds", FIELD_SECONDS, NULL },
	{ DMVPN_PEER_A_LAST_TX, "last_tx_seconds", FIELD_SECONDS, NULL },
	{ DMVPN_PEER_A_NEIGHS, "neighbour_count", FIELD_UINT, NULL },
};

static const struct field neigh_fields[] = {
	{ DMVPN_NEIGH_A_ADDR, "protocol", FIELD_ADDR, NULL },
	{ DMVPN_NEIGH_A_NBMA, "nbma", FIELD_ADDR, NULL },
	{ DMVPN_NEIGH_A_MARK, "mark", FIELD_UINT, NULL },
	{ DMVPN_NEIGH_A_ID, "id", FIELD_UINT, NULL },
	{ DMVPN_NEIGH_A_FLAGS, "flags", FIELD_FLAGS, &words_neigh_flag },
	{ DMVPN_NEIGH_A_EXPIRES, "expires_seconds", FIELD_SECONDS_NONZERO,
	  NULL },
	{ DMVPN_NEIGH_A_REFRESH, "refresh_seconds", FIELD_SECONDS_NONZERO,
	  NULL },
	{ DMVPN_NEIGH_A_USED, "used_seconds", FIELD_SECONDS, NULL },
	{ DMVPN_NEIGH_A_CREATED, "created_seconds", FIELD_SECONDS, NULL },
	{ DMVPN_NEIGH_A_COOKIE, "cookie", FIELD_HEX, NULL },
};

static const struct field shortcut_fields[] = {
	{ DMVPN_SHORTCUT_A_PREFIX, "prefix", FIELD_ADDR, NULL },
	{ DMVPN_SHORTCUT_A_PREFIXLEN, "prefix_length", FIELD_UINT, NULL },
	{ DMVPN_SHORTCUT_A_ID, "id", FIELD_UINT, NULL },
	{ DMVPN_SHORTCUT_A_NEXTHOP, "nexthop", FIELD_ADDR, NULL },
	{ DMVPN_SHORTCUT_A_VIA, "via", FIELD_ADDR, NULL },
	{ DMVPN_SHORTCUT_A_EXPIRES, "expires_seconds", FIELD_SECONDS_NONZERO,
	  NULL },
	{ DMVPN_SHORTCUT_A_REFRESH, "refresh_seconds", FIELD_SECONDS_NONZERO,
	  NULL },
	{ DMVPN_SHORTCUT_A_USED, "used_seconds", FIELD_SECONDS, NULL },
	{ DMVPN_SHORTCUT_A_CREATED, "created_seconds", FIELD_SECONDS, NULL },
	{ DMVPN_SHORTCUT_A_COOKIE, "cookie", FIELD_HEX, NULL },
};

static const struct field path_fields[] = {
	{ DMVPN_PATH_A_DST, "destination", FIELD_ADDR, NULL },
	{ DMVPN_PATH_A_NEXTHOP, "nexthop", FIELD_ADDR, NULL },
	{ DMVPN_PATH_A_HOW, "how", FIELD_WORD, &words_how },
	{ DMVPN_PATH_A_NBMA, "nbma", FIELD_ADDR, NULL },
	{ DMVPN_PATH_A_MARK, "mark", FIELD_UINT, NULL },
	{ DMVPN_PATH_A_PREFIX, "prefix", FIELD_ADDR, NULL },
	{ DMVPN_PATH_A_PREFIXLEN, "prefix_length", FIELD_UINT, NULL },
	{ DMVPN_PATH_A_DROP, "drop", FIELD_WORD, &words_drop },
};

static const struct field upcall_fields[] = {
	{ DMVPN_EVENT_A_NEXTHOP, "protocol", FIELD_ADDR, NULL },
	{ DMVPN_EVENT_A_NBMA, "nbma", FIELD_ADDR, NULL },
	{ DMVPN_EVENT_A_MARK, "mark", FIELD_UINT, NULL },
	{ DMVPN_EVENT_A_SRC, "source_address", FIELD_ADDR, NULL },
	{ DMVPN_EVENT_A_DST, "destination", FIELD_ADDR, NULL },
	{ DMVPN_EVENT_A_INGRESS_NBMA, "ingress_nbma", FIELD_ADDR, NULL },
	{ DMVPN_EVENT_A_INGRESS_MARK, "ingress_mark", FIELD_UINT, NULL },
};

int kernel_open(struct cli *c, struct nl *nl)
{
	int err = nl_open_dmvpn(nl);

	if (!err)
		return CLI_OK;
	return cli_fail(c, err == -ENOENT ? CLI_UNREACHABLE : CLI_REFUSED,
			"%s", nl->error);
}

/* A prefix reads as one: 10.3.0.0/16; its length stays for those who count. */
static struct json_object *read_object(const struct nlattr *const *tb,
				       const struct field *f, unsigned int n)
{
	struct json_object *o = field_object(tb, f, n);
	const char *prefix = object_get_str(o, "prefix");
	char text[ADDR_STRLEN + 8];

	if (prefix) {
		snprintf(text, sizeof(text), "%s/%u", prefix,
			 (unsigned int)object_get_uint(o, "prefix_length"));
		object_str(o, "prefix", text);
	}
	return o;
}

struct dump {
	const struct field *fields;
	unsigned int n_fields;
	unsigned int max;		/* highest attribute */
	uint16_t a_ifindex;
	unsigned int ifindex;		/* 0: all */
	struct json_object *list;
};

static int dump_one(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *tb[64];
	struct dump *d = ctx;

	nl_attrs(h, sizeof(struct genlmsghdr), tb, d->max);
	if (d->ifindex && (!tb[d->a_ifindex] ||
			   nl_uint(tb[d->a_ifindex]) != d->ifindex))
		return MNL_CB_OK;
	json_object_array_add(d->list,
			      read_object(tb, d->fields, d->n_fields));
	return MNL_CB_OK;
}

static struct json_object *run_dump(struct nl *nl, uint8_t cmd,
				    uint16_t flags, struct dump *d)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, cmd, flags);

	if (d->ifindex)
		mnl_attr_put_u32(h, d->a_ifindex, d->ifindex);
	d->list = json_object_new_array();
	if (!nl_talk(nl, h, dump_one, d))
		return d->list;
	json_object_put(d->list);
	return NULL;
}

struct json_object *kernel_devices(struct nl *nl, unsigned int ifindex)
{
	struct dump d = {
		.fields = dev_fields, .n_fields = ARRAY_SIZE(dev_fields),
		.max = DMVPN_DEV_A_MAX, .a_ifindex = DMVPN_DEV_A_IFINDEX,
		.ifindex = ifindex,
	};

	return run_dump(nl, DMVPN_CMD_DEV_GET, ifindex ? 0 : NLM_F_DUMP, &d);
}

struct json_object *kernel_peers(struct nl *nl, unsigned int ifindex)
{
	struct dump d = {
		.fields = peer_fields, .n_fields = ARRAY_SIZE(peer_fields),
		.max = DMVPN_PEER_A_MAX, .a_ifindex = DMVPN_PEER_A_IFINDEX,
		.ifindex = ifindex,
	};

	return run_dump(nl, DMVPN_CMD_PEER_GET, NLM_F_DUMP, &d);
}

struct json_object *kernel_neighs(struct nl *nl, unsigned int ifindex)
{
	struct dump d = {
		.fields = neigh_fields, .n_fields = ARRAY_SIZE(neigh_fields),
		.max = DMVPN_NEIGH_A_MAX, .a_ifindex = DMVPN_NEIGH_A_IFINDEX,
		.ifindex = ifindex,
	};

	return run_dump(nl, DMVPN_CMD_NEIGH_GET, NLM_F_DUMP, &d);
}

struct json_object *kernel_shortcuts(struct nl *nl, unsigned int ifindex)
{
	struct dump d = {
		.fields = shortcut_fields,
		.n_fields = ARRAY_SIZE(shortcut_fields),
		.max = DMVPN_SHORTCUT_A_MAX,
		.a_ifindex = DMVPN_SHORTCUT_A_IFINDEX, .ifindex = ifindex,
	};

	return run_dump(nl, DMVPN_CMD_SHORTCUT_GET, NLM_F_DUMP, &d);
}

/* ---- one object by its key ---- */

struct get {
	const struct field *fields;
	unsigned int n_fields;
	unsigned int max;
	struct json_object *found;
};

static int get_one(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *tb[64];
	struct get *g = ctx;

	nl_attrs(h, sizeof(struct genlmsghdr), tb, g->max);
	json_object_put(g->found);
	g->found = read_object(tb, g->fields, g->n_fields);
	return MNL_CB_OK;
}

/* The device has the same number in all of them. */
static struct nlmsghdr *get_msg(struct nl *nl, uint8_t cmd,
				unsigned int ifindex)
{
	struct nlmsghdr *h = nl_dmvpn_msg(nl, cmd, 0);

	mnl_attr_put_u32(h, DMVPN_PATH_A_IFINDEX, ifindex);
	return h;
}

static struct json_object *run_get(struct nl *nl, struct nlmsghdr *h,
				   struct get g)
{
	if (!nl_talk(nl, h, get_one, &g))
		return g.found;
	json_object_put(g.found);
	return NULL;
}

struct json_object *kernel_path(struct nl *nl, unsigned int ifindex,
				const struct addr *dst,
				const struct addr *nexthop)
{
	struct nlmsghdr *h = get_msg(nl, DMVPN_CMD_PATH_GET, ifindex);

	nl_put_addr(h, DMVPN_PATH_A_DST, dst);
	nl_put_addr(h, DMVPN_PATH_A_NEXTHOP, nexthop);
	return run_get(nl, h, (struct get){ path_fields,
		       ARRAY_SIZE(path_fields), DMVPN_PATH_A_MAX, NULL });
}

struct json_object *kernel_peer(struct nl *nl, unsigned int ifindex,
				const struct addr *nbma, uint32_t mark)
{
	struct nlmsghdr *h = get_msg(nl, DMVPN_CMD_PEER_GET, ifindex);

	nl_put_addr(h, DMVPN_PEER_A_NBMA, nbma);
	mnl_attr_put_u32(h, DMVPN_PEER_A_MARK, mark);
	return run_get(nl, h, (struct get){ peer_fields,
		       ARRAY_SIZE(peer_fields), DMVPN_PEER_A_MAX, NULL });
}

struct json_object *kernel_neigh(struct nl *nl, unsigned int ifindex,
				 const struct addr *addr)
{
	struct nlmsghdr *h = get_msg(nl, DMVPN_CMD_NEIGH_GET, ifindex);

	nl_put_addr(h, DMVPN_NEIGH_A_ADDR, addr);
	return run_get(nl, h, (struct get){ neigh_fields,
		       ARRAY_SIZE(neigh_fields), DMVPN_NEIGH_A_MAX, NULL });
}

struct json_object *kernel_shortcut(struct nl *nl, unsigned int ifindex,
				    const struct addr *prefix, uint8_t plen)
{
	struct nlmsghdr *h = get_msg(nl, DMVPN_CMD_SHORTCUT_GET, ifindex);

	nl_put_addr(h, DMVPN_SHORTCUT_A_PREFIX, prefix);
	mnl_attr_put_u8(h, DMVPN_SHORTCUT_A_PREFIXLEN, plen);
	return run_get(nl, h, (struct get){ shortcut_fields,
		       ARRAY_SIZE(shortcut_fields), DMVPN_SHORTCUT_A_MAX,
		       NULL });
}

/* ---- neighbours joined with peers ---- */

#define KEY_LEN (ADDR_STRLEN + 16)

static const char *peer_key(const struct json_object *o, char buf[KEY_LEN])
{
	const char *nbma = object_get_str(o, "nbma");

	snprintf(buf, KEY_LEN, "%s/%u", nbma ? nbma : "-",
		 (unsigned int)object_get_uint(o, "mark"));
	return buf;
}

static struct json_object *index_peers(struct json_object *peers)
{
	struct json_object *index = json_object_new_object();
	struct json_object *p;
	char key[KEY_LEN];

	for (size_t i = 0; i < json_object_array_length(peers); i++) {
		p = json_object_array_get_idx(peers, i);
		json_object_object_add(index, peer_key(p, key),
				       json_object_get(p));
	}
	return index;
}

/* Adds to @row what it lacks of @fields: the value from @src, or null. */
static void add_missing(struct json_object *row, const struct field *f,
			unsigned int n, const struct json_object *src)
{
	struct json_object *v;

	for (; n; n--, f++)
		if (!json_object_object_get_ex(row, f->name, &v))
			json_object_object_add(row, f->name, json_object_get(
						       object_get(src, f->name)));
}

static void join(struct json_object *neighs, struct json_object *peers)
{
	struct json_object *index = index_peers(peers);
	struct json_object *used = json_object_new_object();
	struct json_object *row, *peer;
	char key[KEY_LEN];

	for (size_t i = 0; i < json_object_array_length(neighs); i++) {
		row = json_object_array_get_idx(neighs, i);
		peer = object_get(index, peer_key(row, key));
		add_missing(row, peer_fields, ARRAY_SIZE(peer_fields), peer);
		json_object_object_add(used, key, NULL);
	}
	for (size_t i = 0; i < json_object_array_length(peers); i++) {
		peer = json_object_array_get_idx(peers, i);
		if (json_object_object_get_ex(used, peer_key(peer, key), &row))
			continue;
		row = json_object_new_object();
		object_str(row, "protocol", NULL);
		add_missing(row, peer_fields, ARRAY_SIZE(peer_fields), peer);
		add_missing(row, neigh_fields, ARRAY_SIZE(neigh_fields), NULL);
		json_object_array_add(neighs, row);
	}
	json_object_put(used);
	json_object_put(index);
}

struct json_object *kernel_rows(struct nl *nl, unsigned int ifindex)
{
	struct json_object *neighs, *peers;

	neighs = kernel_neighs(nl, ifindex);
	if (!neighs)
		return NULL;
	peers = kernel_peers(nl, ifindex);
	if (!peers) {
		json_object_put(neighs);
		return NULL;
	}
	join(neighs, peers);
	json_object_put(peers);
	return neighs;
}

/* ---- events ---- */

static struct json_object *read_event(const struct nlmsghdr *h, uint8_t cmd,
				      unsigned int *ifindex)
{
	const struct nlattr *tb[64];

	/* The device has this number in all of them. */
	nl_attrs(h, sizeof(struct genlmsghdr), tb, ARRAY_SIZE(tb) - 1);
	if (!tb[DMVPN_EVENT_A_IFINDEX])
		return NULL;
	*ifindex = nl_uint(tb[DMVPN_EVENT_A_IFINDEX]);
	switch (cmd) {
	case DMVPN_CMD_PEER_CHANGED_NTF:
	case DMVPN_CMD_PEER_DELETED_NTF:
		return read_object(tb, peer_fields, ARRAY_SIZE(peer_fields));
	case DMVPN_CMD_NEIGH_CHANGED_NTF:
	case DMVPN_CMD_NEIGH_DELETED_NTF:
	case DMVPN_CMD_NEIGH_EXPIRED_NTF:
	case DMVPN_CMD_NEIGH_USED_NTF:
		return read_object(tb, neigh_fields, ARRAY_SIZE(neigh_fields));
	case DMVPN_CMD_SHORTCUT_CHANGED_NTF:
	case DMVPN_CMD_SHORTCUT_DELETED_NTF:
	case DMVPN_CMD_SHORTCUT_EXPIRED_NTF:
	case DMVPN_CMD_SHORTCUT_USED_NTF:
		return read_object(tb, shortcut_fields,
				   ARRAY_SIZE(shortcut_fields));
	default:
		return read_object(tb, upcall_fields,
				   ARRAY_SIZE(upcall_fields));
	}
}

struct json_object *kernel_event(const struct nlmsghdr *h)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(h);
	struct json_object *o, *body;
	char name[IF_NAMESIZE];
	unsigned int ifindex = 0;
	const char *word;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*g))
		return NULL;
	word = word_of(&words_event, g->cmd);
	body = word ? read_event(h, g->cmd, &ifindex) : NULL;
	if (!body)
		return NULL;
	o = object_str(envelope_new(), "source", "kernel");
	object_str(o, "event", word);
	object_str(o, "interface", if_indextoname(ifindex, name));
	json_object_object_foreach(body, key, value)
		json_object_object_add(o, key, json_object_get(value));
	json_object_put(body);
	return o;
}

/* ---- the rows of each device ---- */

/* NULL with the reason in nl->error. */
static struct json_object *read_all(struct nl *nl, unsigned int ifindex,
				    const char *key,
				    struct json_object *(*read)(struct nl *nl,
						unsigned int ifindex, void *ctx),
				    void *ctx)
{
	struct json_object *devs = kernel_devices(nl, ifindex), *dev, *rows;

	for (size_t i = 0; devs && i < json_object_array_length(devs); i++) {
		dev = json_object_array_get_idx(devs, i);
		rows = read(nl, object_get_uint(dev, "ifindex"), ctx);
		if (!rows) {
			json_object_put(devs);
			return NULL;
		}
		json_object_object_del(dev, "drops");
		json_object_object_del(dev, "counters");
		json_object_object_add(dev, key, rows);
	}
	return devs;
}

static void print_all(struct cli *c, struct json_object *devs,
		      void (*print)(FILE *out, const struct json_object *dev))
{
	struct json_object *top;

	if (c->json) {
		top = envelope_new();
		json_object_object_add(top, "interfaces",
				       json_object_get(devs));
		object_print(c->out, top);
		json_object_put(top);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(devs); i++)
		print(c->out, json_object_array_get_idx(devs, i));
}

int kernel_show(struct cli *c, unsigned int ifindex, const char *key,
		struct json_object *(*read)(struct nl *nl,
					    unsigned int ifindex, void *ctx),
		void *ctx, void (*print)(FILE *out,
					 const struct json_object *dev))
{
	struct json_object *devs;
	struct nl nl;
	int code;

	code = kernel_open(c, &nl);
	if (code)
		goto out;
	devs = read_all(&nl, ifindex, key, read, ctx);
	if (devs) {
		print_all(c, devs, print);
		json_object_put(devs);
	} else {
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
	}
out:
	nl_close(&nl);
	return code;
}

/* ---- show kernel, drops, counters ---- */

int kernel_take_dev(struct cli *c, const char **name, unsigned int *ifindex)
{
	*ifindex = 0;
	*name = cli_next(c);
	if (*name && !strcmp(*name, "dev")) {
		*name = cli_next(c);
		if (!*name)
			return cli_wants(c, "dev", "the name of a device",
					 NULL);
	}
	if (!*name)
		return CLI_OK;
	*ifindex = if_nametoindex(*name);
	if (!*ifindex)
		return cli_fail(c, CLI_REFUSED, "%s: %s", *name,
				strerror(ENODEV));
	return CLI_OK;
}

static void print_counters(FILE *out, const struct json_object *dev,
			   const char *key)
{
	struct json_object *set = object_get(dev, key);
	uint64_t v;

	fprintf(out, "%s %s\n", object_get_str(dev, "name"), key);
	if (!set)
		return;
	json_object_object_foreach(set, word, value) {
		v = json_object_get_uint64(value);
		if (v)
			fprintf(out, "    %-20s %llu\n", word,
				(unsigned long long)v);
	}
}

static void print_device(FILE *out, const struct json_object *dev)
{
	const char *nbma = object_get_str(dev, "nbma");
	char words[256];

	fprintf(out, "%s nbma %s, %u peers, %u neighbours, %u shortcuts\n",
		object_get_str(dev, "name"), nbma ? nbma : "none",
		(unsigned int)object_get_uint(dev, "peer_count"),
		(unsigned int)object_get_uint(dev, "neighbour_count"),
		(unsigned int)object_get_uint(dev, "shortcut_count"));
	fprintf(out, "    module can: %s\n",
		object_get_words(dev, "features", " ", words, sizeof(words)));
}

/* The envelope with `interfaces`; of each only @key besides its name. */
static void print_devices_json(FILE *out, struct json_object *list,
			       const char *key)
{
	struct json_object *top = envelope_new(), *dev, *slim;

	for (size_t i = 0; key && i < json_object_array_length(list); i++) {
		dev = json_object_array_get_idx(list, i);
		slim = json_object_new_object();
		object_str(slim, "name", object_get_str(dev, "name"));
		json_object_object_add(slim, key,
				       json_object_get(object_get(dev, key)));
		json_object_array_put_idx(list, i, slim);
	}
	json_object_object_add(top, "interfaces", json_object_get(list));
	object_print(out, top);
	json_object_put(top);
}

/* @key: "drops", "counters", or NULL for everything. */
static void print_devices(FILE *out, struct json_object *list, const char *key)
{
	struct json_object *dev;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		dev = json_object_array_get_idx(list, i);
		if (!key)
			print_device(out, dev);
		if (!key || !strcmp(key, "drops"))
			print_counters(out, dev, "drops");
		if (!key || !strcmp(key, "counters"))
			print_counters(out, dev, "counters");
	}
}

static int show_devices(struct cli *c, const char *key)
{
	struct json_object *list;
	unsigned int ifindex;
	const char *name;
	struct nl nl;
	int code;

	code = kernel_take_dev(c, &name, &ifindex);
	if (!code)
		code = cli_done(c);
	if (code)
		return code;
	code = kernel_open(c, &nl);
	if (code)
		goto out;
	list = kernel_devices(&nl, ifindex);
	if (!list) {
		code = cli_fail(c, CLI_REFUSED, "%s%s%s", name ? name : "",
				name ? ": " : "", nl.error);
		goto out;
	}
	if (c->json)
		print_devices_json(c->out, list, key);
	else
		print_devices(c->out, list, key);
	json_object_put(list);
out:
	nl_close(&nl);
	return code;
}

int cmd_show_kernel(struct cli *c)
{
	return show_devices(c, NULL);
}

int cmd_show_drops(struct cli *c)
{
	return show_devices(c, "drops");
}

int cmd_show_counters(struct cli *c)
{
	return show_devices(c, "counters");
}
