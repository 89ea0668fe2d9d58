/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cef: `show ip cef`, Cisco's view of where packets go: the FIB's route, or
 * the shortcut that overrides it. IOS 15's layout is that of the seed.
 */
#include <string.h>

#include "commands.h"
#include "path.h"
#include "show.h"

/* What either layout prints. */
struct cef {
	char prefix[64];
	const char *nexthop;		/* NULL: on the link */
	const char *dev;
	bool receive;			/* an address of this host */
	bool valid;			/* what goes there leaves */
	bool known;			/* we know whether */
	bool drop;			/* what goes there is dropped */
	unsigned int version;
};

static const char *route_str(const struct json_object *top, const char *key)
{
	return object_get_str(object_get(top, "route"), key);
}

static bool is_host_route(const struct json_object *top)
{
	return path_is(top, "neighbour") && !route_str(top, "gateway");
}

static void read_cef(const struct json_object *top, struct cef *cef)
{
	const struct json_object *shortcut = object_get(top, "shortcut");
	const char *type = route_str(top, "type");
	const char *dst = object_get_str(top, "destination");
	const struct json_object *decides = object_get(top, "neighbour");

	memset(cef, 0, sizeof(*cef));
	cef->known = object_get_str(top, "how");
	cef->valid = path_is(top, "neighbour") || path_is(top, "shortcut") ||
		     path_is(top, "remote");
	cef->receive = type && !strcmp(type, "local");
	cef->dev = cef->known ? object_get_str(top, "interface") :
		   route_str(top, "dev");
	cef->nexthop = route_str(top, "gateway");
	snprintf(cef->prefix, sizeof(cef->prefix), "%s",
		 route_str(top, "prefix"));
	if (path_is(top, "shortcut")) {
		decides = shortcut;
		cef->nexthop = object_get_str(shortcut, "nexthop");
		snprintf(cef->prefix, sizeof(cef->prefix), "%s",
			 object_get_str(top, "prefix"));
	} else if (is_host_route(top)) {
		cef->nexthop = dst;
		snprintf(cef->prefix, sizeof(cef->prefix), "%s/%d", dst,
			 show_is_v6(dst) ? 128 : 32);
	}
	cef->drop = path_is(top, "none");
	if (cef->nexthop)
		cef->version = object_get_uint(decides, "id");
}

static void print_ios(FILE *out, const struct cef *cef)
{
	fprintf(out, "%s, version %u, epoch 0%s\n0 packets, 0 bytes\n",
		cef->prefix, cef->version, cef->receive ? ", receive" :
		cef->nexthop ? "" : ", attached, connected");
	if (cef->receive)
		return;
	if (!cef->nexthop) {
		fprintf(out, "  via %s, 0 dependencies\n"
			"    valid %s adjacency\n", cef->dev,
			cef->drop ? "drop" : "punt");
		return;
	}
	fprintf(out, "  via %s, %s, 0 dependencies\n    next hop %s, %s\n",
		cef->nexthop, cef->dev, cef->nexthop, cef->dev);
	if (cef->known)
		fprintf(out, "    %s adjacency\n",
			cef->valid ? "valid" : "invalid");
}

static void print_xe(FILE *out, const struct cef *cef)
{
	fprintf(out, "%s\n", cef->prefix);
	if (cef->receive)
		fprintf(out, "  receive for %s\n", cef->dev);
	else if (!cef->nexthop)
		fprintf(out, "  attached to %s\n", cef->dev);
	else
		fprintf(out, "  nexthop %s %s%s\n", cef->nexthop, cef->dev,
			cef->known && !cef->valid ?
			" unusable: no adjacency" : "");
}

static void print_cef(const struct cli *c, const struct json_object *top)
{
	bool v6 = show_is_v6(object_get_str(top, "destination"));
	struct cef cef;

	/* IPv6's table came with the new layout on all of them. */
	if (!object_get(top, "route")) {
		fputs(v6 ? "::/0\n  no route\n" :
		      c->xe ? "0.0.0.0/0\n  no route\n" :
		      "%Prefix not found\n", c->out);
		return;
	}
	read_cef(top, &cef);
	if (!cef.dev)
		cef.dev = "Null0";
	if (c->xe || v6)
		print_xe(c->out, &cef);
	else
		print_ios(c->out, &cef);
}

int cmd_ios_cef(struct cli *c)
{
	bool v6 = strstr(c->command->words, "ipv6");
	const char *addr = cli_peek(c);
	struct json_object *top;
	int code;

	if (addr && show_is_v6(addr) != v6)
		return cli_wants(c, "ADDR", v6 ? "an IPv6 address" :
				 "an IPv4 address", addr);
	code = path_read(c, &top);
	if (code)
		return code;
	if (c->json)
		object_print(c->out, top);
	else
		print_cef(c, top);
	json_object_put(top);
	return CLI_OK;
}
