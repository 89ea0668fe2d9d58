/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path: see path.h; and `dmvpn path`. The FIB chooses device and next hop, the
 * module what becomes of that next hop: both are asked, in this order, as a
 * packet meets them.
 */
#include <net/if.h>
#include <string.h>

#include "commands.h"
#include "kernel.h"
#include "link.h"
#include "path.h"
#include "route.h"

/* What the command line says. */
struct question {
	struct addr dst;
	struct addr nexthop;		/* none: the route's */
	const char *name;		/* NULL: the route's device */
	unsigned int ifindex;
};

static int take_question(struct cli *c, struct question *q)
{
	const char *word;
	int err;

	memset(q, 0, sizeof(*q));
	err = cli_take_addr(c, "ADDR", &q->dst);
	while (!err && (word = cli_peek(c))) {
		if (!strcmp(word, "dev")) {
			err = kernel_take_dev(c, &q->name, &q->ifindex);
			continue;
		}
		cli_next(c);
		if (strcmp(word, "nexthop"))
			return cli_usage(c, "'%s' is not understood", word);
		err = cli_take_addr(c, "nexthop", &q->nexthop);
	}
	return err;
}

/* ---- asking ---- */

static void add(struct json_object *o, const char *key, struct json_object *v)
{
	json_object_object_add(o, key, v);
}

static struct json_object *new_answer(const struct question *q)
{
	static const char *const none[] = {
		"interface", "ifindex", "nexthop", "how", "nbma", "mark",
		"prefix", "prefix_length", "drop", "route", "shortcut",
		"neighbour", "peer",
	};
	struct json_object *top = envelope_new();

	object_addr(top, "destination", &q->dst);
	for (unsigned int i = 0; i < ARRAY_SIZE(none); i++)
		add(top, none[i], NULL);
	return top;
}

static bool is_ours(struct nl *nl, unsigned int ifindex)
{
	char name[IF_NAMESIZE];
	struct json_object *list;
	bool found;

	if (!ifindex || !if_indextoname(ifindex, name))
		return false;
	list = link_read(nl, name);
	found = list && json_object_array_length(list);
	json_object_put(list);
	return found;
}

/* The FIB's part; *q gets device and next hop. */
static void ask_fib(struct nl *nl, struct question *q, struct json_object *top)
{
	unsigned int oif = q->ifindex;
	struct route r;

	/* a link-local address is one of the device's */
	if (oif && !addr_is_link_local(&q->dst))
		oif = route_vrf(nl, oif);
	if (route_get(nl, oif, &q->dst, &r))
		add(top, "route", route_object(&r));
	if (!q->ifindex)
		q->ifindex = r.ifindex;
	/* Without a next hop of its own, the destination is on the link. */
	if (!addr_is_set(&q->nexthop))
		q->nexthop = q->ifindex == r.ifindex &&
			     addr_is_set(&r.gateway) ? r.gateway : q->dst;
}

static bool read_addr(const struct json_object *o, const char *key,
		      struct addr *a)
{
	const char *text = object_get_str(o, key);

	return text && addr_parse(text, a);
}

/* What the answer names, each as the module holds it now. */
static void add_objects(struct nl *nl, const struct question *q,
			struct json_object *top)
{
	struct addr a, neigh = q->nexthop;
	const char *prefix = object_get_str(top, "prefix");
	uint8_t plen;

	if (prefix && addr_parse_prefix(prefix, &a, &plen))
		add(top, "shortcut", kernel_shortcut(nl, q->ifindex, &a, plen));
	if (path_is(top, "shortcut"))
		read_addr(object_get(top, "shortcut"), "nexthop", &neigh);
	if (!path_is(top, "remote"))
		add(top, "neighbour", kernel_neigh(nl, q->ifindex, &neigh));
	if (read_addr(top, "nbma", &a))
		add(top, "peer", kernel_peer(nl, q->ifindex, &a,
					     object_get_uint(top, "mark")));
}

/* The module's part. */
static int ask_module(struct cli *c, const struct question *q,
		      struct json_object *top)
{
	struct json_object *path;
	char name[IF_NAMESIZE];
	struct nl nl;
	int code;

	code = kernel_open(c, &nl);
	if (code)
		goto out;
	path = kernel_path(&nl, q->ifindex, &q->dst, &q->nexthop);
	if (!path) {
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
		goto out;
	}
	object_str(top, "interface", if_indextoname(q->ifindex, name));
	object_int(top, "ifindex", q->ifindex);
	json_object_object_foreach(path, key, value)
		add(top, key, json_object_get(value));
	json_object_put(path);
	object_addr(top, "nexthop", &q->nexthop);
	add_objects(&nl, q, top);
out:
	nl_close(&nl);
	return code;
}

static bool is_local(const struct json_object *top)
{
	const char *type = object_get_str(object_get(top, "route"), "type");

	return type && !strcmp(type, "local");
}

static int ask(struct cli *c, struct question *q, struct json_object *top)
{
	struct nl nl;
	int code;

	if (nl_open_route(&nl)) {
		code = cli_fail(c, CLI_REFUSED, "%s", nl.error);
		goto out;
	}
	ask_fib(&nl, q, top);
	code = CLI_OK;
	if (q->name && !is_ours(&nl, q->ifindex))
		code = cli_fail(c, CLI_REFUSED, "%s: no dmvpn device", q->name);
	else if (q->name || (!is_local(top) && is_ours(&nl, q->ifindex)))
		code = ask_module(c, q, top);
out:
	nl_close(&nl);
	return code;
}

static int read_file(struct cli *c, struct json_object **top)
{
	*top = json_object_from_file(c->from);
	if (*top && object_get(*top, "destination"))
		return CLI_OK;
	json_object_put(*top);
	*top = NULL;
	return cli_fail(c, CLI_REFUSED, "%s: not what `path -j` prints",
			c->from);
}

int path_read(struct cli *c, struct json_object **top)
{
	struct question q;
	int code;

	*top = NULL;
	code = take_question(c, &q);
	if (code)
		return code;
	if (c->from)
		return read_file(c, top);
	*top = new_answer(&q);
	code = ask(c, &q, *top);
	if (code) {
		json_object_put(*top);
		*top = NULL;
	}
	return code;
}

/* ---- telling ---- */

bool path_is(const struct json_object *top, const char *word)
{
	const char *how = object_get_str(top, "how");

	return how && !strcmp(how, word);
}

int path_code(const struct json_object *top)
{
	bool lost = object_get_str(top, "how") ? path_is(top, "none") :
		    !object_get(top, "route");

	return lost ? CLI_DOWN : CLI_OK;
}

static const char *text_or(const char *text, const char *other)
{
	return text ? text : other;
}

const char *path_route_text(const struct json_object *route, char buf[256])
{
	const char *gateway = object_get_str(route, "gateway");
	const char *type = object_get_str(route, "type");

	snprintf(buf, 256, "%s%s%s%s%s dev %s proto %s",
		 type && strcmp(type, "unicast") ? type : "",
		 type && strcmp(type, "unicast") ? " " : "",
		 text_or(object_get_str(route, "prefix"), "none"),
		 gateway ? " via " : "", text_or(gateway, ""),
		 text_or(object_get_str(route, "dev"), "none"),
		 text_or(object_get_str(route, "protocol"), "none"));
	return buf;
}

/* The shortcut that matched, and where it leads. */
static const char *shortcut_text(const struct json_object *top, char buf[128])
{
	snprintf(buf, 128, "shortcut %s to %s",
		 text_or(object_get_str(top, "prefix"), "none"),
		 text_or(object_get_str(object_get(top, "shortcut"), "nexthop"),
			 "none"));
	return buf;
}

const char *path_text(const struct json_object *top, char buf[256])
{
	const char *nexthop = text_or(object_get_str(top, "nexthop"), "none");
	const char *nbma = text_or(object_get_str(top, "nbma"), "none");
	bool matched = object_get_str(top, "prefix");
	char route[256], text[128];

	shortcut_text(top, text);
	if (path_is(top, "shortcut"))
		snprintf(buf, 256, "%s at %s", text, nbma);
	else if (path_is(top, "neighbour"))
		snprintf(buf, 256, "neighbour %s at %s%s%s%s", nexthop, nbma,
			 matched ? ", as the " : "", matched ? text : "",
			 matched ? " is not usable" : "");
	else if (path_is(top, "nhs"))
		snprintf(buf, 256, "through the hub at %s, as %s is not usable",
			 nbma, nexthop);
	else if (path_is(top, "remote"))
		snprintf(buf, 256, "the device's remote %s", nbma);
	else if (object_get_str(top, "how"))
		snprintf(buf, 256, "dropped: %s",
			 text_or(object_get_str(top, "drop"), "none"));
	else if (!object_get(top, "route"))
		snprintf(buf, 256, "no route");
	else if (is_local(top))
		snprintf(buf, 256, "an address of this host");
	else
		snprintf(buf, 256, "not through a dmvpn device: %.200s",
			 path_route_text(object_get(top, "route"), route));
	return buf;
}

int cmd_path(struct cli *c)
{
	struct json_object *top;
	char buf[256];
	int code;

	code = path_read(c, &top);
	if (code)
		return code;
	if (c->json)
		object_print(c->out, top);
	else
		fprintf(c->out, "%s: %s\n", object_get_str(top, "destination"),
			path_text(top, buf));
	code = path_code(top);
	json_object_put(top);
	return code;
}
