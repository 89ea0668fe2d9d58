/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * why: `dmvpn why`, one line a layer from the route to the peer, what NHRP and
 * IPsec have to say about it, and what follows for a packet.
 */
#include <string.h>

#include "cell.h"
#include "client.h"
#include "commands.h"
#include "path.h"

/* ---- NHRP's part ---- */

/* The daemon's entry for @o's prefix or address covers @addr; its length. */
static int covers(const struct json_object *entry, const struct addr *addr)
{
	const char *text = object_get_str(entry, "protocol");
	const char *type = object_get_str(entry, "type");
	unsigned int plen = object_get_uint(entry, "prefix_length");
	struct addr a;

	if (!text || !addr_parse(text, &a) || (type && !strcmp(type, "local")))
		return -1;
	return addr_in_prefix(addr, &a, plen) ? (int)plen : -1;
}

/* The entry of @iface that says most about the address @text. */
static struct json_object *best_entry(const struct json_object *iface,
				      const char *text)
{
	struct json_object *best = NULL, *entry;
	struct addr addr;
	int length, most = -1;

	if (!text || !addr_parse(text, &addr))
		return NULL;
	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		entry = object_get_at(iface, "entries", i);
		length = covers(entry, &addr);
		if (length > most) {
			most = length;
			best = entry;
		}
	}
	return best;
}

static struct json_object *find_iface(const struct json_object *daemon,
				      const char *name)
{
	struct json_object *iface;
	const char *n;

	for (size_t i = 0; name && i < object_get_len(daemon, "interfaces");
	     i++) {
		iface = object_get_at(daemon, "interfaces", i);
		n = object_get_str(iface, "name");
		if (n && !strcmp(n, name))
			return iface;
	}
	return NULL;
}

/* NULL: it does not answer, or not to us. */
static struct json_object *ask_daemon(struct cli *c)
{
	struct json_object *o = client_request("show"), *answer = NULL;
	struct client cl;

	if (!client_open(c, &cl) && !client_send(&cl, o))
		answer = client_next(&cl);
	client_close(&cl);
	json_object_put(o);
	if (answer && object_get(answer, "error")) {
		json_object_put(answer);
		answer = NULL;
	}
	return answer;
}

/* ---- IPsec's part ---- */

/* The peers of @all that have that address, once each. */
static void add_sas(struct json_object *list, const struct json_object *all,
		    const char *nbma)
{
	struct json_object *p;
	const char *text;

	for (size_t i = 0; nbma && i < json_object_array_length(list); i++) {
		text = object_get_str(json_object_array_get_idx(list, i),
				      "nbma");
		if (text && !strcmp(text, nbma))
			return;
	}
	for (size_t i = 0; nbma && i < object_get_len(all, "peers"); i++) {
		p = object_get_at(all, "peers", i);
		text = object_get_str(p, "nbma");
		if (text && !strcmp(text, nbma))
			json_object_array_add(list, json_object_get(p));
	}
}

/* `ipsec`: charon, and the SAs to whom the packet goes or should go: the peer,
 * the address that NHRP has found, servers that are down. NULL: no SAs here. */
static struct json_object *ipsec_of(const struct json_object *all,
				    const struct json_object *top,
				    const struct json_object *entry,
				    const struct json_object *iface)
{
	struct json_object *o, *list, *nhs;

	if (!all || !object_get_str(iface, "protection"))
		return NULL;
	o = json_object_new_object();
	list = json_object_new_array();
	json_object_object_add(o, "charon", json_object_get(
				       object_get(all, "charon")));
	json_object_object_add(o, "peers", list);
	add_sas(list, all, object_get_str(entry, "nbma"));
	add_sas(list, all, object_get_str(object_get(top, "peer"), "nbma"));
	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++) {
		nhs = object_get_at(iface, "nhs", i);
		if (!object_get_bool(nhs, "up"))
			add_sas(list, all, object_get_str(nhs, "nbma"));
	}
	return o;
}

/* Adds `nhrp`, the entry that decides, `nhrp_running` and `ipsec`. */
static void add_nhrp(struct cli *c, struct json_object *top)
{
	struct json_object *daemon = ask_daemon(c), *iface, *entry;

	iface = find_iface(daemon, object_get_str(top, "interface"));
	entry = best_entry(iface, object_get_str(top, "destination"));
	if (!entry)
		entry = best_entry(iface, object_get_str(top, "nexthop"));
	json_object_object_add(top, "nhrp_running",
			       json_object_new_boolean(daemon != NULL));
	json_object_object_add(top, "nhrp", json_object_get(entry));
	json_object_object_add(top, "ipsec",
			       ipsec_of(object_get(daemon, "ipsec"), top, entry,
					iface));
	json_object_put(daemon);
}

/* ---- text ---- */

static const char *ago(const struct json_object *o, const char *key,
		       const char *none, char buf[TEXT_LEN])
{
	return object_is_null(o, key) ? none :
	       text_ago(object_get_num(o, key), buf);
}

static void print_route(FILE *out, const struct json_object *top)
{
	const struct json_object *route = object_get(top, "route");
	char buf[256];

	fprintf(out, "route      %s\n",
		route ? path_route_text(route, buf) : "none");
}

static void print_shortcut(FILE *out, const struct json_object *top)
{
	const struct json_object *s = object_get(top, "shortcut");
	const char *via = object_get_str(s, "via");
	char end[TEXT_LEN], used[TEXT_LEN];

	if (!s)
		return;
	fprintf(out, "shortcut   %s to %s", object_get_str(s, "prefix"),
		object_get_str(s, "nexthop"));
	if (via)
		fprintf(out, " while the route is via %s", via);
	fprintf(out, ", expires in %s, used %s ago\n",
		ago(s, "expires_seconds", "no time", end),
		ago(s, "used_seconds", "never", used));
}

static void print_neighbour(FILE *out, const struct json_object *top)
{
	const struct json_object *n = object_get(top, "neighbour");
	const char *nbma = object_get_str(n, "nbma");
	char flags[128], end[TEXT_LEN];

	if (path_is(top, "remote"))
		return;
	if (!n) {
		fprintf(out, "neighbour  %s is none\n",
			object_get_str(top, "nexthop"));
		return;
	}
	object_get_words(n, "flags", " ", flags, sizeof(flags));
	fprintf(out, "neighbour  %s at %s", object_get_str(n, "protocol"),
		nbma ? nbma : "no NBMA address");
	if (object_is_null(n, "expires_seconds"))
		fputs(", never expires", out);
	else
		fprintf(out, ", expires in %s",
			ago(n, "expires_seconds", "", end));
	fprintf(out, "%s%s\n", *flags ? ", " : "", flags);
}

static void print_peer(FILE *out, const struct json_object *top)
{
	const struct json_object *p = object_get(top, "peer");
	const char *dev = object_get_str(p, "underlay_dev");
	char rx[TEXT_LEN], tx[TEXT_LEN];

	if (!p)
		return;
	fprintf(out, "peer       %s", object_get_str(p, "nbma"));
	if (dev)
		fprintf(out, " by %s, pmtu %u", dev,
			(unsigned int)object_get_uint(p, "pmtu"));
	fprintf(out, ", sent %s%s, heard %s%s\n",
		ago(p, "last_tx_seconds", "never", tx),
		object_is_null(p, "last_tx_seconds") ? "" : " ago",
		ago(p, "last_rx_seconds", "never", rx),
		object_is_null(p, "last_rx_seconds") ? "" : " ago");
}

static void print_nhrp(FILE *out, const struct json_object *top)
{
	const struct json_object *e = object_get(top, "nhrp");
	const char *reason = object_get_str(e, "reason");
	char prefix[64], since[TEXT_LEN];

	if (!object_get_bool(top, "nhrp_running")) {
		fputs("nhrp       nhrpd does not answer\n", out);
		return;
	}
	if (!e) {
		fputs("nhrp       knows nothing and has not asked\n", out);
		return;
	}
	fprintf(out, "nhrp       %s %s for %s%s%s\n",
		prefix_text(e, "protocol", prefix), object_get_str(e, "state"),
		ago(e, "state_seconds", "0s", since),
		reason && *reason ? ": " : "", reason ? reason : "");
}

static void print_sa(FILE *out, const struct json_object *p)
{
	const char *reason = object_get_str(p, "reason");
	const char *identity = object_get_str(p, "identity");
	char since[TEXT_LEN], next[TEXT_LEN];

	fprintf(out, "ipsec      %s %s for %s", object_get_str(p, "nbma"),
		object_get_str(p, "state"), ago(p, "state_seconds", "0s",
						since));
	if (reason)
		fprintf(out, ": %s", reason);
	else if (identity)
		fprintf(out, ", %s", identity);
	if (!object_is_null(p, "next_seconds"))
		fprintf(out, ", next attempt in %s",
			ago(p, "next_seconds", "", next));
	fputc('\n', out);
}

static void print_ipsec(FILE *out, const struct json_object *top)
{
	const struct json_object *ipsec = object_get(top, "ipsec");
	const char *reason = object_get_str(object_get(ipsec, "charon"),
					    "reason");

	if (reason)
		fprintf(out, "ipsec      %s\n", reason);
	for (size_t i = 0; i < object_get_len(ipsec, "peers"); i++)
		print_sa(out, object_get_at(ipsec, "peers", i));
}

static void print_why(FILE *out, const struct json_object *top)
{
	char buf[256];

	print_route(out, top);
	if (object_get_str(top, "how")) {
		print_shortcut(out, top);
		print_neighbour(out, top);
		print_peer(out, top);
		print_nhrp(out, top);
		print_ipsec(out, top);
	}
	fprintf(out, "so         %s\n", path_text(top, buf));
}

int cmd_why(struct cli *c)
{
	struct json_object *top;
	int code;

	code = path_read(c, &top);
	if (code)
		return code;
	if (!c->from)
		add_nhrp(c, top);
	if (c->json)
		object_print(c->out, top);
	else
		print_why(c->out, top);
	code = path_code(top);
	json_object_put(top);
	return code;
}
