/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: `dmvpn link`, devices over rtnetlink. One table of settings serves
 * the command line in one direction and `link show` in the other.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include <linux/dmvpn.h>

#include "commands.h"
#include "field.h"
#include "link.h"
#include "netlink.h"

#define LINK_KIND "dmvpn"

enum setting_kind {
	SET_LOCAL,			/* address, or `dev IF` */
	SET_ADDR,
	SET_DEV,
	SET_U32,
	SET_TTL,			/* u8, `inherit` is 0 */
	SET_TOS,			/* u8, `inherit` is 1 */
	SET_KEY,			/* u32, or `none` */
	SET_SECONDS,			/* u32 ms */
	SET_WORD,			/* u8, by words */
	SET_FLAG,			/* a bit of IFLA_DMVPN_FLAGS, on or off */
	SET_REQUIRED,			/* the same, required or off */
	SET_MTU,			/* of the device */
	SET_UP,				/* IFF_UP, no value */
	SET_DOWN,
};

struct setting {
	const char *word;
	enum setting_kind kind;
	uint16_t attr;
	const char *json;		/* member in `link show -j` */
	const struct words *words;
	uint32_t flag;
};

static const struct setting settings[] = {
	{ "family", SET_WORD, IFLA_DMVPN_FAMILY, "family", &words_family, 0 },
	{ "local", SET_LOCAL, IFLA_DMVPN_LOCAL, "local", NULL, 0 },
	{ "remote", SET_ADDR, IFLA_DMVPN_REMOTE, "remote", NULL, 0 },
	{ "link", SET_DEV, IFLA_DMVPN_LINK, "link", NULL, 0 },
	{ "key", SET_KEY, IFLA_DMVPN_KEY, "key", NULL, 0 },
	{ "ttl", SET_TTL, IFLA_DMVPN_TTL, "ttl", NULL, 0 },
	{ "tos", SET_TOS, IFLA_DMVPN_TOS, "tos", NULL, 0 },
	{ "df", SET_WORD, IFLA_DMVPN_DF, "df", &words_df, 0 },
	{ "mark", SET_U32, IFLA_DMVPN_MARK, "mark", NULL, 0 },
	{ "mark-mask", SET_U32, IFLA_DMVPN_MARK_MASK, "mark_mask", NULL, 0 },
	{ "network-id", SET_U32, IFLA_DMVPN_NETWORK_ID, "network_id", NULL, 0 },
	{ "accept", SET_WORD, IFLA_DMVPN_ACCEPT, "accept", &words_accept, 0 },
	{ "fallback", SET_WORD, IFLA_DMVPN_FALLBACK, "fallback",
	  &words_fallback, 0 },
	{ "max-peers", SET_U32, IFLA_DMVPN_MAX_PEERS, "max_peers", NULL, 0 },
	{ "max-neighs", SET_U32, IFLA_DMVPN_MAX_NEIGHS, "max_neighs", NULL, 0 },
	{ "max-shortcuts", SET_U32, IFLA_DMVPN_MAX_SHORTCUTS, "max_shortcuts",
	  NULL, 0 },
	{ "redirect-interval", SET_SECONDS, IFLA_DMVPN_REDIRECT_INTERVAL,
	  "redirect_interval_seconds", NULL, 0 },
	{ "oneway-interval", SET_SECONDS, IFLA_DMVPN_ONEWAY_INTERVAL,
	  "oneway_interval_seconds", NULL, 0 },
	{ "nhrp-rate", SET_U32, IFLA_DMVPN_NHRP_RATE, "nhrp_rate", NULL, 0 },
	{ "ipsec", SET_REQUIRED, 0, "ipsec-required", NULL,
	  DMVPN_LINK_F_IPSEC_REQUIRED },
	{ "pointopoint", SET_FLAG, 0, "pointopoint", NULL,
	  DMVPN_LINK_F_POINTOPOINT },
	{ "redirect", SET_FLAG, 0, "redirect", NULL, DMVPN_LINK_F_REDIRECT },
	{ "strict-source", SET_FLAG, 0, "strict-source", NULL,
	  DMVPN_LINK_F_STRICT_SOURCE },
	{ "mtu", SET_MTU, 0, NULL, NULL, 0 },
	{ "up", SET_UP, 0, NULL, NULL, 0 },
	{ "down", SET_DOWN, 0, NULL, NULL, 0 },
};

/* What does not go into IFLA_INFO_DATA as it is read. */
struct wanted {
	uint32_t flags, flag_mask;	/* enum dmvpn_link_flag */
	uint32_t mtu;
	int up;				/* 1 up, -1 down */
};

static const struct setting *find_setting(const char *word)
{
	const char *names[ARRAY_SIZE(settings)];
	struct words w = { names, ARRAY_SIZE(settings) };
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(settings); i++)
		names[i] = settings[i].word;
	i = word_find(&w, word);
	return i < 0 ? NULL : &settings[i];
}

static int take_number(struct cli *c, const char *name, const char *text,
		       uint64_t max, uint64_t *v)
{
	if (cli_parse_number(text, max, v))
		return CLI_OK;
	return cli_wants(c, name, "a number", text);
}

static int put_dev(struct cli *c, struct nlmsghdr *h, const char *name,
		   uint16_t attr, const char *text)
{
	uint32_t ifindex = 0;

	if (!text)
		return cli_wants(c, name, "an interface", NULL);
	if (strcmp(text, "none")) {
		ifindex = if_nametoindex(text);
		if (!ifindex)
			return cli_fail(c, CLI_REFUSED, "%s %s: %s", name,
					text, strerror(ENODEV));
	}
	mnl_attr_put_u32(h, attr, ifindex);
	return CLI_OK;
}

static int put_addr(struct cli *c, struct nlmsghdr *h, const struct setting *s,
		    const char *text)
{
	struct addr a = addr_v4(0);	/* none, of either family */

	if (!text || (strcmp(text, "any") && !addr_parse(text, &a)))
		return cli_wants(c, s->word, "an address", text);
	nl_put_addr(h, s->attr, &a);
	return CLI_OK;
}

/* A u8 that may be the word `inherit`, which is @inherit. */
static int put_u8(struct cli *c, struct nlmsghdr *h, const struct setting *s,
		  const char *text, uint8_t inherit)
{
	uint64_t v = inherit;

	if ((!text || strcmp(text, "inherit")) &&
	    !cli_parse_number(text, UINT8_MAX, &v))
		return cli_wants(c, s->word, "0 to 255 or inherit", text);
	mnl_attr_put_u8(h, s->attr, v);
	return CLI_OK;
}

static int put_u32(struct cli *c, struct nlmsghdr *h, const struct setting *s,
		   const char *text)
{
	uint64_t v;

	if (take_number(c, s->word, text, UINT32_MAX, &v))
		return CLI_USAGE;
	mnl_attr_put_u32(h, s->attr, v);
	return CLI_OK;
}

static int put_seconds(struct cli *c, struct nlmsghdr *h,
		       const struct setting *s, const char *text)
{
	uint32_t ms;

	if (!cli_parse_seconds(text, &ms))
		return cli_wants(c, s->word, "seconds", text);
	mnl_attr_put_u32(h, s->attr, ms);
	return CLI_OK;
}

/* "a or b or c" */
static const char *choices(const struct words *w, char buf[64])
{
	size_t len = 0;

	for (unsigned int i = 0; i < w->n && len < 64; i++)
		if (w->word[i])
			len += snprintf(buf + len, 64 - len, "%s%s",
					len ? " or " : "", w->word[i]);
	return buf;
}

static int put_word(struct cli *c, struct nlmsghdr *h, const struct setting *s,
		    const char *text)
{
	int i = text ? word_find(s->words, text) : WORD_UNKNOWN;
	char what[64];

	if (i < 0)
		return cli_wants(c, s->word, choices(s->words, what), text);
	mnl_attr_put_u8(h, s->attr, i);
	return CLI_OK;
}

static int take_flag(struct cli *c, const struct setting *s, const char *on,
		     const char *text, struct wanted *w)
{
	char what[32];

	snprintf(what, sizeof(what), "%s or off", on);
	if (!text || (strcmp(text, on) && strcmp(text, "off")))
		return cli_wants(c, s->word, what, text);
	w->flag_mask |= s->flag;
	if (strcmp(text, "off"))
		w->flags |= s->flag;
	else
		w->flags &= ~s->flag;
	return CLI_OK;
}

static int take_mtu(struct cli *c, const char *text, struct wanted *w)
{
	uint64_t v;

	if (take_number(c, "mtu", text, UINT32_MAX, &v))
		return CLI_USAGE;
	w->mtu = v;
	return CLI_OK;
}

/* One setting, its word already read, into the message or into @w. */
static int take_setting(struct cli *c, struct nlmsghdr *h,
			const struct setting *s, struct wanted *w)
{
	const char *text;

	switch (s->kind) {
	case SET_UP:
		w->up = 1;
		return CLI_OK;
	case SET_DOWN:
		w->up = -1;
		return CLI_OK;
	default:
		break;
	}
	text = cli_next(c);
	switch (s->kind) {
	case SET_LOCAL:
		if (text && !strcmp(text, "dev"))
			return put_dev(c, h, "local dev",
				       IFLA_DMVPN_LOCAL_DEV, cli_next(c));
		return put_addr(c, h, s, text);
	case SET_ADDR:
		return put_addr(c, h, s, text);
	case SET_DEV:
		return put_dev(c, h, s->word, s->attr, text);
	case SET_KEY:
		if (text && !strcmp(text, "none")) {
			w->flag_mask |= DMVPN_LINK_F_KEY;
			return CLI_OK;
		}
		return put_u32(c, h, s, text);
	case SET_U32:
		return put_u32(c, h, s, text);
	case SET_TTL:
		return put_u8(c, h, s, text, 0);
	case SET_TOS:
		return put_u8(c, h, s, text, 1);
	case SET_SECONDS:
		return put_seconds(c, h, s, text);
	case SET_WORD:
		return put_word(c, h, s, text);
	case SET_FLAG:
		return take_flag(c, s, "on", text, w);
	case SET_REQUIRED:
		return take_flag(c, s, "required", text, w);
	case SET_MTU:
		return take_mtu(c, text, w);
	default:
		return CLI_USAGE;
	}
}

/* IFLA_INFO_DATA's attributes from the arguments left, other things to @w. */
static int put_settings(struct cli *c, struct nlmsghdr *h, struct wanted *w)
{
	uint32_t seen[ARRAY_SIZE(settings)] = {};
	const struct setting *s;
	const char *word;
	int err;

	while ((word = cli_next(c))) {
		s = find_setting(word);
		if (!s)
			return cli_usage(c, "'%s' is not understood", word);
		if (seen[s - settings]++)
			return cli_usage(c, "%s is given twice", s->word);
		err = take_setting(c, h, s, w);
		if (err)
			return err;
	}
	if (w->flag_mask)
		nl_put_flags(h, IFLA_DMVPN_FLAGS, w->flags, w->flag_mask);
	return CLI_OK;
}

int link_put_settings(struct cli *c, struct nlmsghdr *h)
{
	struct wanted w = {};
	int err;

	err = put_settings(c, h, &w);
	if (!err && (w.mtu || w.up))
		err = cli_usage(c, "mtu, up and down come before type");
	return err;
}

static int put_linkinfo(struct cli *c, struct nlmsghdr *h, struct wanted *w)
{
	struct nlattr *info, *data;
	int err;

	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, LINK_KIND);
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	err = put_settings(c, h, w);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return err;
}

static int take_name(struct cli *c, const char **name)
{
	*name = cli_next(c);
	if (!*name)
		return cli_wants(c, "NAME", "the name of a device", NULL);
	if (!**name || strlen(*name) >= IFNAMSIZ)
		return cli_usage(c, "'%s' is no name for a device", *name);
	return CLI_OK;
}

/* RTM_NEWLINK: creates @name when @ifindex is 0, else changes it. */
static int set_link(struct cli *c, struct nl *nl, const char *name,
		    unsigned int ifindex)
{
	struct nlmsghdr *h = nl_route_msg(nl, RTM_NEWLINK, ifindex ? 0 :
					  NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	struct wanted w = {};
	int err;

	ifi->ifi_index = ifindex;
	if (!ifindex)
		mnl_attr_put_strz(h, IFLA_IFNAME, name);
	err = put_linkinfo(c, h, &w);
	if (err)
		return err;
	if (w.mtu)
		mnl_attr_put_u32(h, IFLA_MTU, w.mtu);
	if (w.up) {
		ifi->ifi_change = IFF_UP;
		ifi->ifi_flags = w.up > 0 ? IFF_UP : 0;
	}
	if (nl_talk(nl, h, NULL, NULL))
		return cli_fail(c, CLI_REFUSED, "%s: %s", name, nl->error);
	return CLI_OK;
}

static const struct field link_fields[] = {
	{ IFLA_DMVPN_FAMILY, "family", FIELD_WORD, &words_family },
	{ IFLA_DMVPN_LOCAL, "local", FIELD_ADDR_OR_ANY, NULL },
	{ IFLA_DMVPN_LOCAL_DEV, "local_dev", FIELD_DEV, NULL },
	{ IFLA_DMVPN_REMOTE, "remote", FIELD_ADDR_OR_ANY, NULL },
	{ IFLA_DMVPN_LINK, "link", FIELD_DEV, NULL },
	{ IFLA_DMVPN_KEY, "key", FIELD_UINT, NULL },
	{ IFLA_DMVPN_FLAGS, "flags", FIELD_FLAGS, &words_link_flag },
	{ IFLA_DMVPN_TTL, "ttl", FIELD_UINT, NULL },
	{ IFLA_DMVPN_TOS, "tos", FIELD_UINT, NULL },
	{ IFLA_DMVPN_DF, "df", FIELD_WORD, &words_df },
	{ IFLA_DMVPN_MARK_MASK, "mark_mask", FIELD_UINT, NULL },
	{ IFLA_DMVPN_MARK, "mark", FIELD_UINT, NULL },
	{ IFLA_DMVPN_NETWORK_ID, "network_id", FIELD_UINT, NULL },
	{ IFLA_DMVPN_ACCEPT, "accept", FIELD_WORD, &words_accept },
	{ IFLA_DMVPN_FALLBACK, "fallback", FIELD_WORD, &words_fallback },
	{ IFLA_DMVPN_MAX_PEERS, "max_peers", FIELD_UINT, NULL },
	{ IFLA_DMVPN_MAX_NEIGHS, "max_neighs", FIELD_UINT, NULL },
	{ IFLA_DMVPN_MAX_SHORTCUTS, "max_shortcuts", FIELD_UINT, NULL },
	{ IFLA_DMVPN_REDIRECT_INTERVAL, "redirect_interval_seconds",
	  FIELD_SECONDS, NULL },
	{ IFLA_DMVPN_ONEWAY_INTERVAL, "oneway_interval_seconds",
	  FIELD_SECONDS, NULL },
	{ IFLA_DMVPN_NHRP_RATE, "nhrp_rate", FIELD_UINT, NULL },
};

/* Numbers that stand for something else than themselves. */
static void say_what_is_meant(struct json_object *o)
{
	if (!object_has_word(o, "flags", "key"))
		object_str(o, "key", NULL);
	if (!object_is_null(o, "ttl") && object_get_uint(o, "ttl") == 0)
		object_str(o, "ttl", "inherit");
	if (!object_is_null(o, "tos") && object_get_uint(o, "tos") == 1)
		object_str(o, "tos", "inherit");
}

struct json_object *link_settings(const struct nlattr *const *tb)
{
	struct json_object *o = field_object(tb, link_fields,
					     ARRAY_SIZE(link_fields));

	say_what_is_meant(o);
	return o;
}

static struct json_object *link_object(const struct ifinfomsg *ifi,
				       const struct nlattr **tb,
				       const struct nlattr *info)
{
	const struct nlattr *data[IFLA_DMVPN_MAX + 1] = {};
	struct json_object *o, *enc;

	if (info)
		nl_nested(info, data, IFLA_DMVPN_MAX);
	o = json_object_new_object();
	object_str(o, "name", mnl_attr_get_str(tb[IFLA_IFNAME]));
	object_int(o, "ifindex", ifi->ifi_index);
	json_object_object_add(o, "up",
			       json_object_new_boolean(ifi->ifi_flags & IFF_UP));
	object_int(o, "mtu", tb[IFLA_MTU] ? nl_uint(tb[IFLA_MTU]) : 0);
	enc = link_settings(data);
	json_object_object_foreach(enc, key, value)
		json_object_object_add(o, key, json_object_get(value));
	json_object_put(enc);
	return o;
}

struct collect {
	const char *name;		/* NULL: all */
	struct json_object *list;
};

static int collect_link(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct collect *col = ctx;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	nl_attrs(h, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_LINKINFO] || !tb[IFLA_IFNAME])
		return MNL_CB_OK;
	nl_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	if (!info[IFLA_INFO_KIND] ||
	    strcmp(mnl_attr_get_str(info[IFLA_INFO_KIND]), LINK_KIND))
		return MNL_CB_OK;
	if (!col->name ||
	    !strcmp(mnl_attr_get_str(tb[IFLA_IFNAME]), col->name))
		json_object_array_add(col->list, link_object(
				ifi, tb, info[IFLA_INFO_DATA]));
	return MNL_CB_OK;
}

struct json_object *link_read(struct nl *nl, const char *name)
{
	struct nlmsghdr *h = nl_route_msg(nl, RTM_GETLINK, NLM_F_DUMP);
	struct collect col = { name, json_object_new_array() };
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	struct nlattr *info;

	ifi->ifi_family = AF_UNSPEC;
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, LINK_KIND);
	mnl_attr_nest_end(h, info);
	if (!nl_talk(nl, h, collect_link, &col))
		return col.list;
	json_object_put(col.list);
	return NULL;
}

/* The index of our device @name; 0 after a complaint. */
static unsigned int find_link(struct cli *c, struct nl *nl, const char *name)
{
	struct json_object *list = link_read(nl, name);
	unsigned int ifindex = 0;

	if (!list) {
		cli_fail(c, CLI_REFUSED, "%s: %s", name, nl->error);
		return 0;
	}
	if (json_object_array_length(list))
		ifindex = object_get_uint(json_object_array_get_idx(list, 0),
				   "ifindex");
	else if (if_nametoindex(name))
		cli_fail(c, CLI_REFUSED, "%s: not a dmvpn device", name);
	else
		cli_fail(c, CLI_REFUSED, "%s: %s", name, strerror(ENODEV));
	json_object_put(list);
	return ifindex;
}

int cmd_link_add(struct cli *c)
{
	const char *name;
	struct nl nl;
	int code;

	code = take_name(c, &name);
	if (code)
		return code;
	if (nl_open_route(&nl))
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
	else
		code = set_link(c, &nl, name, 0);
	nl_close(&nl);
	return code;
}

int cmd_link_set(struct cli *c)
{
	unsigned int ifindex;
	const char *name;
	struct nl nl;
	int code;

	code = take_name(c, &name);
	if (code)
		return code;
	if (nl_open_route(&nl)) {
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
	} else {
		ifindex = find_link(c, &nl, name);
		code = ifindex ? set_link(c, &nl, name, ifindex) : CLI_REFUSED;
	}
	nl_close(&nl);
	return code;
}

static int del_link(struct cli *c, struct nl *nl, const char *name)
{
	struct nlmsghdr *h;
	struct ifinfomsg *ifi;
	unsigned int ifindex = find_link(c, nl, name);

	if (!ifindex)
		return CLI_REFUSED;
	h = nl_route_msg(nl, RTM_DELLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	if (nl_talk(nl, h, NULL, NULL))
		return cli_fail(c, CLI_REFUSED, "%s: %s", name, nl->error);
	return CLI_OK;
}

int cmd_link_del(struct cli *c)
{
	const char *name;
	struct nl nl;
	int code;

	code = take_name(c, &name);
	if (!code)
		code = cli_done(c);
	if (code)
		return code;
	if (nl_open_route(&nl))
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
	else
		code = del_link(c, &nl, name);
	nl_close(&nl);
	return code;
}

/* One setting in the command's own words, so that it can be typed again. */
static void print_setting(FILE *out, const struct setting *s,
			  const struct json_object *o)
{
	struct json_object *v = s->json ? object_get(o, s->json) : NULL;

	switch (s->kind) {
	case SET_LOCAL:
		if (object_get_str(o, "local_dev"))
			fprintf(out, " local dev %s", object_get_str(o, "local_dev"));
		else
			fprintf(out, " local %s",
				v ? json_object_get_string(v) : "any");
		break;
	case SET_ADDR:
		fprintf(out, " %s %s", s->word,
			v ? json_object_get_string(v) : "any");
		break;
	case SET_FLAG:
	case SET_REQUIRED:
		if (object_has_word(o, "flags", s->json))
			fprintf(out, " %s %s", s->word,
				s->kind == SET_FLAG ? "on" : "required");
		break;
	case SET_SECONDS:
		if (v)
			fprintf(out, " %s %g", s->word,
				json_object_get_double(v));
		break;
	default:
		if (v)
			fprintf(out, " %s %s", s->word,
				json_object_get_string(v));
	}
}

void link_print_settings(FILE *out, const struct json_object *o)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].json)
			print_setting(out, &settings[i], o);
}

static void print_link(FILE *out, const struct json_object *o)
{
	fputs(object_get_str(o, "name"), out);
	link_print_settings(out, o);
	fprintf(out, " mtu %u %s\n", (unsigned int)object_get_uint(o, "mtu"),
		object_get_bool(o, "up") ? "up" : "down");
}

static int show_links(struct cli *c, struct json_object *list)
{
	struct json_object *top;

	if (!c->json) {
		for (size_t i = 0; i < json_object_array_length(list); i++)
			print_link(c->out, json_object_array_get_idx(list, i));
		json_object_put(list);
		return CLI_OK;
	}
	top = envelope_new();
	json_object_object_add(top, "interfaces", list);
	object_print(c->out, top);
	json_object_put(top);
	return CLI_OK;
}

int cmd_link_show(struct cli *c)
{
	const char *name = cli_next(c);
	struct json_object *list;
	struct nl nl;
	int code;

	if (cli_done(c))
		return CLI_USAGE;
	if (nl_open_route(&nl)) {
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
		goto out;
	}
	code = CLI_REFUSED;
	if (name && !find_link(c, &nl, name))
		goto out;
	list = link_read(&nl, name);
	if (list)
		code = show_links(c, list);
	else
		cli_fail(c, code, "%s", nl.error);
out:
	nl_close(&nl);
	return code;
}
