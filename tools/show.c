/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show: `dmvpn show`, one line per peer.
 *
 * The daemon tells what NHRP knows, the kernel what packets meet; join() puts
 * the two together into `peers`, from which text is printed. Each source alone
 * is enough: without daemon the kernel's table is shown, without privilege the
 * daemon's. An input that has `peers` already (--from) is taken as it is.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "cell.h"
#include "client.h"
#include "commands.h"
#include "kernel.h"
#include "link.h"
#include "route.h"
#include "show.h"

bool show_is_v6(const char *address)
{
	return strchr(address, ':');
}

/* ---- the daemon's part ---- */

static int read_file(struct cli *c, struct json_object **top)
{
	*top = json_object_from_file(c->from);
	if (*top && object_get(*top, "interfaces"))
		return CLI_OK;
	json_object_put(*top);
	*top = NULL;
	return cli_fail(c, CLI_REFUSED, "%s: not what `show -j` prints",
			c->from);
}

/* Leaves only interface @name; false: there is none. */
static bool keep_iface(struct json_object *top, const char *name)
{
	struct json_object *list = object_get(top, "interfaces");
	const char *n;

	for (size_t i = object_get_len(top, "interfaces"); i--; ) {
		n = object_get_str(json_object_array_get_idx(list, i), "name");
		if (!n || strcmp(n, name))
			json_object_array_del_idx(list, i, 1);
	}
	return object_get_len(top, "interfaces") > 0;
}

/* ---- the kernel's part ---- */

/* The device's counters, NULL when the kernel does not tell. */
static struct json_object *read_counters(struct nl *nl, unsigned int ifindex)
{
	struct json_object *devs = kernel_devices(nl, ifindex), *counters;

	counters = devs && json_object_array_length(devs) ?
		   object_get(json_object_array_get_idx(devs, 0), "counters") :
		   NULL;
	json_object_get(counters);
	json_object_put(devs);
	return counters;
}

static void add_kernel_rows(struct json_object *top, struct nl *nl)
{
	struct json_object *iface;
	unsigned int ifindex;

	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		ifindex = object_get_uint(iface, "ifindex");
		if (!ifindex)
			continue;
		json_object_object_add(iface, "kernel_rows",
				       kernel_rows(nl, ifindex));
		json_object_object_add(iface, "kernel_shortcuts",
				       kernel_shortcuts(nl, ifindex));
		json_object_object_add(iface, "counters",
				       read_counters(nl, ifindex));
	}
}

static bool has_iface(const struct json_object *top, uint64_t ifindex)
{
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++)
		if (object_get_uint(object_get_at(top, "interfaces", i),
				    "ifindex") == ifindex)
			return true;
	return false;
}

/* A device that the daemon has nothing to do with, in the daemon's form. */
static struct json_object *bare_iface(const struct json_object *link)
{
	static const char *const same[] = {
		"name", "ifindex", "up", "mtu", "key",
	};
	struct json_object *o = json_object_new_object();

	for (unsigned int i = 0; i < ARRAY_SIZE(same); i++)
		json_object_object_add(o, same[i], json_object_get(
				object_get(link, same[i])));
	object_str(o, "role", "unknown");
	object_str(o, "protocol", NULL);
	object_str(o, "ipv6", NULL);
	json_object_object_add(o, "nbma", json_object_get(
			object_get(link, "local")));
	object_str(o, "destination", object_get_str(link, "remote"));
	json_object_object_add(o, "ipsec_required", json_object_new_boolean(
			object_has_word(link, "flags", "ipsec-required")));
	object_str(o, "reason", NULL);
	json_object_object_add(o, "nhs", json_object_new_array());
	json_object_object_add(o, "entries", json_object_new_array());
	object_str(o, "traffic", NULL);
	return o;
}

/* Devices that only the kernel knows. */
static void add_bare_ifaces(struct json_object *top)
{
	struct json_object *links = NULL, *link;
	struct nl nl;

	if (!nl_open_route(&nl))
		links = link_read(&nl, NULL);
	for (size_t i = 0; links && i < json_object_array_length(links); i++) {
		link = json_object_array_get_idx(links, i);
		if (!has_iface(top, object_get_uint(link, "ifindex")))
			json_object_array_add(object_get(top, "interfaces"),
					      bare_iface(link));
	}
	json_object_put(links);
	nl_close(&nl);
}

/* False: the kernel does not tell (no module, no privilege). */
static bool add_kernel(struct json_object *top, char *why, size_t whylen)
{
	bool told = false;
	struct nl nl;

	add_bare_ifaces(top);
	if (!nl_open_dmvpn(&nl)) {
		struct json_object *probe = kernel_devices(&nl, 0);

		told = probe != NULL;
		json_object_put(probe);
		if (told)
			add_kernel_rows(top, &nl);
	}
	snprintf(why, whylen, "%s", told ? "" : nl.error);
	nl_close(&nl);
	return told;
}

/* The kernel's rows by protocol and by NBMA address, shortcuts by prefix. */
struct rows {
	struct json_object *by_protocol, *by_nbma, *by_prefix;
};

static struct rows index_rows(const struct json_object *iface)
{
	struct rows r = { json_object_new_object(), json_object_new_object(),
			  json_object_new_object() };
	const char *protocol, *nbma, *prefix;
	struct json_object *row;

	for (size_t i = 0; i < object_get_len(iface, "kernel_rows"); i++) {
		row = object_get_at(iface, "kernel_rows", i);
		protocol = object_get_str(row, "protocol");
		nbma = object_get_str(row, "nbma");
		if (protocol)
			json_object_object_add(r.by_protocol, protocol,
					       json_object_get(row));
		if (nbma)
			json_object_object_add(r.by_nbma, nbma,
					       json_object_get(row));
	}
	for (size_t i = 0; i < object_get_len(iface, "kernel_shortcuts"); i++) {
		row = object_get_at(iface, "kernel_shortcuts", i);
		prefix = object_get_str(row, "prefix");
		if (prefix)
			json_object_object_add(r.by_prefix, prefix,
					       json_object_get(row));
	}
	return r;
}

static bool is_up(const struct json_object *entry)
{
	const char *state = object_get_str(entry, "state");

	return state && !strcmp(state, "up");
}

/* A prefix behind a peer: its data goes by the device's own table. */
static bool is_shortcut(const struct json_object *entry)
{
	const char *type = object_get_str(entry, "type");

	return object_get_str(entry, "nexthop") &&
	       !(type && !strcmp(type, "local"));
}

/* The kernel's row that packets to @entry meet, or NULL. */
static struct json_object *row_of(const struct rows *rows,
				  const struct json_object *entry)
{
	const char *protocol = object_get_str(entry, "protocol");
	char prefix[64];

	if (!protocol)
		return NULL;
	if (!is_shortcut(entry))
		return object_get(rows->by_protocol, protocol);
	snprintf(prefix, sizeof(prefix), "%s/%u", protocol,
		 (unsigned int)object_get_uint(entry, "prefix_length"));
	return object_get(rows->by_prefix, prefix);
}

static void put_rows(struct rows *r)
{
	json_object_put(r->by_protocol);
	json_object_put(r->by_nbma);
	json_object_put(r->by_prefix);
}

/* ---- what is in use ---- */

/*
 * The daemon learns of use shortly before an entry's end, the kernel sees each
 * packet: an entry that carried one within this time is `used`.
 */
#define USED_SECONDS 120

/* Puts `used` where IOS has it, behind these. */
static void add_used(struct json_object *entry)
{
	static const char *const before[] = {
		"router", "unique", "registered", "implicit",
	};
	static const struct words first = { before, ARRAY_SIZE(before) };
	struct json_object *flags = json_object_new_array();
	struct json_object *old = object_get(entry, "flags");
	size_t n = object_get_len(entry, "flags"), i = 0;

	for (; i < n && word_find(&first, json_object_get_string(
			json_object_array_get_idx(old, i))) >= 0; i++)
		json_object_array_add(flags, json_object_get(
				json_object_array_get_idx(old, i)));
	json_object_array_add(flags, json_object_new_string("used"));
	for (; i < n; i++)
		json_object_array_add(flags, json_object_get(
				json_object_array_get_idx(old, i)));
	json_object_object_add(entry, "flags", flags);
}

static void mark_used(const struct json_object *iface, const struct rows *rows)
{
	struct json_object *entry, *row;

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		entry = object_get_at(iface, "entries", i);
		row = row_of(rows, entry);
		if (!object_is_null(row, "used_seconds") &&
		    object_get_num(row, "used_seconds") <= USED_SECONDS &&
		    !object_has_word(entry, "flags", "used"))
			add_used(entry);
	}
}

/* ---- what shortcuts override ---- */

static void add_flag(struct json_object *entry, const char *word)
{
	if (!object_has_word(entry, "flags", word))
		json_object_array_add(object_get(entry, "flags"),
				      json_object_new_string(word));
}

/*
 * IOS' words: `rib`, packets to the prefix follow the shortcut; `nho`, and the
 * routing table has this very prefix, whose next hop is overridden.
 */
static void mark_shortcut(struct nl *nl, unsigned int vrf,
			  struct json_object *entry)
{
	struct route r;
	struct addr a;

	add_flag(entry, "rib");
	if (addr_parse(object_get_str(entry, "protocol"), &a) &&
	    route_match(nl, vrf, &a, &r) && addr_eq(&r.prefix, &a) &&
	    r.plen == object_get_uint(entry, "prefix_length"))
		add_flag(entry, "nho");
}

static void mark_shortcuts(struct json_object *top)
{
	struct json_object *iface, *entry;
	unsigned int vrf;
	struct nl nl;

	if (nl_open_route(&nl))
		goto out;
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		vrf = route_vrf(&nl, object_get_uint(iface, "ifindex"));
		for (size_t k = 0; k < object_get_len(iface, "entries"); k++) {
			entry = object_get_at(iface, "entries", k);
			if (is_shortcut(entry) && is_up(entry))
				mark_shortcut(&nl, vrf, entry);
		}
	}
out:
	nl_close(&nl);
}

/* ---- for Cisco's views ---- */

/* Who made a peer a receiver of multicast: IOS' words. */
static const char *multicast_flag(const struct json_object *iface,
				  const char *nbma)
{
	const struct json_object *o;
	const char *s;

	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++) {
		s = object_get_str(object_get_at(iface, "nhs", i), "nbma");
		if (s && !strcmp(s, nbma))
			return "nhs";
	}
	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		o = object_get_at(iface, "entries", i);
		s = object_get_str(o, "nbma");
		if (s && !strcmp(s, nbma) &&
		    object_has_word(o, "flags", "registered"))
			return "dynamic";
	}
	return "static";
}

/* `multicast`: the peers that get copies; null when nobody tells. */
static struct json_object *multicast(const struct json_object *iface)
{
	struct json_object *list, *seen, *o;
	const char *nbma;

	if (!object_get(iface, "kernel_rows"))
		return json_object_get(object_get(iface, "multicast"));
	list = json_object_new_array();
	seen = json_object_new_object();
	for (size_t i = 0; i < object_get_len(iface, "kernel_rows"); i++) {
		o = object_get_at(iface, "kernel_rows", i);
		nbma = object_get_str(o, "nbma");
		if (!nbma || !object_has_word(o, "peer_flags", "multicast") ||
		    json_object_object_get_ex(seen, nbma, NULL))
			continue;
		json_object_object_add(seen, nbma, NULL);
		o = object_str(json_object_new_object(), "nbma", nbma);
		json_object_array_add(list, object_str(o, "learnt",
					multicast_flag(iface, nbma)));
	}
	json_object_put(seen);
	return list;
}

static void use_kernel(struct json_object *top)
{
	struct json_object *iface;
	struct rows rows;

	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		rows = index_rows(iface);
		mark_used(iface, &rows);
		put_rows(&rows);
		json_object_object_add(iface, "multicast", multicast(iface));
		json_object_object_del(iface, "kernel_rows");
		json_object_object_del(iface, "kernel_shortcuts");
	}
}

/* The kernel's part is welcome here, but nobody misses it. */
static void add_use(struct json_object *top)
{
	struct nl nl;

	if (!nl_open_dmvpn(&nl))
		add_kernel_rows(top, &nl);
	nl_close(&nl);
}

int show_read(struct cli *c, struct json_object **top)
{
	const char *name = cli_next(c);
	int code;

	if (cli_done(c))
		return CLI_USAGE;
	if (c->from)
		code = read_file(c, top);
	else
		code = client_ask(c, client_request("show"), top);
	if (code)
		return code;
	if (name && !keep_iface(*top, name)) {
		json_object_put(*top);
		return cli_fail(c, CLI_REFUSED,
				"%s: NHRP is not configured there", name);
	}
	if (!c->from) {
		add_use(*top);
		mark_shortcuts(*top);
	}
	use_kernel(*top);
	return CLI_OK;
}

/* ---- join ---- */

static struct json_object *find_nhs(const struct json_object *iface,
				    const char *protocol)
{
	struct json_object *nhs;
	const char *p;

	for (size_t i = 0; protocol && i < object_get_len(iface, "nhs"); i++) {
		nhs = object_get_at(iface, "nhs", i);
		p = object_get_str(nhs, "protocol");
		if (p && !strcmp(p, protocol))
			return nhs;
	}
	return NULL;
}

bool show_nhs_waits(const struct json_object *nhs)
{
	return object_get_str(nhs, "nbma") && !object_get_bool(nhs, "up") &&
	       !object_get_bool(nhs, "expecting") &&
	       object_get_num(nhs, "next_seconds") <= 0;
}

static const char *expiry(const struct json_object *o, char *buf, size_t size)
{
	char text[TEXT_LEN];

	if (object_is_null(o, "expires_seconds"))
		return "never expires";
	snprintf(buf, size, "expires in %s",
		 text_ago(object_get_num(o, "expires_seconds"), text));
	return buf;
}

/* Why, or what comes next: always a few words for a human. */
static void add_note(struct json_object *peer, const struct json_object *entry,
		     const struct json_object *nhs)
{
	const char *reason = object_get_str(entry, "reason");
	const char *type = object_get_str(entry, "type");
	char text[TEXT_LEN], end[64], note[128];

	if (reason && *reason)
		snprintf(note, sizeof(note), "%s", reason);
	else if (nhs && object_get_bool(nhs, "up"))
		snprintf(note, sizeof(note), "registered, renews in %s",
			 text_ago(object_get_num(nhs, "next_seconds"), text));
	else if (type && !strcmp(type, "static"))
		snprintf(note, sizeof(note), "static");
	else
		snprintf(note, sizeof(note), "%s%s%s",
			 object_has_word(entry, "flags", "registered") ?
			 "registered here, " : "",
			 expiry(entry, end, sizeof(end)),
			 object_has_word(entry, "flags", "used") ?
			 ", in use" : "");
	object_str(peer, "note", note);
}

static void copy(struct json_object *to, const struct json_object *from,
		 const char *key)
{
	json_object_object_add(to, key,
			       json_object_get(object_get(from, key)));
}

static struct json_object *join_entry(const struct json_object *iface,
				      const struct json_object *entry,
				      const struct rows *rows)
{
	static const char *const same[] = {
		"protocol", "prefix_length", "nexthop", "nbma", "nbma_claimed",
		"type", "role", "state", "state_seconds", "expires_seconds", "flags",
	};
	const char *protocol = object_get_str(entry, "protocol");
	const char *nbma = object_get_str(entry, "nbma");
	struct json_object *p = json_object_new_object(), *row, *nhs;

	for (unsigned int i = 0; i < ARRAY_SIZE(same); i++)
		copy(p, entry, same[i]);
	nhs = find_nhs(iface, protocol);
	add_note(p, entry, nhs);
	if (show_nhs_waits(nhs))
		object_str(p, "state", "waiting");
	row = row_of(rows, entry);
	if (is_shortcut(entry))
		object_str(p, "role", "shortcut");
	else if (!row && nbma)
		row = object_get(rows->by_nbma, nbma);
	json_object_object_add(p, "kernel", json_object_get(row));
	return p;
}

/* Of a whole address. */
static unsigned int full_length(const struct json_object *o)
{
	const char *protocol = object_get_str(o, "protocol");

	return protocol && show_is_v6(protocol) ? 128 : 32;
}

/* A neighbour or peer that NHRP has no entry for. */
static struct json_object *join_row(struct json_object *row)
{
	struct json_object *p = json_object_new_object();
	bool hub = object_has_word(row, "peer_flags", "hub") ||
		   object_has_word(row, "peer_flags", "nhs");
	char end[64], note[96];

	copy(p, row, "protocol");
	object_int(p, "prefix_length", full_length(row));
	object_str(p, "nexthop", NULL);
	copy(p, row, "nbma");
	object_str(p, "nbma_claimed", NULL);
	object_str(p, "type", "kernel");
	object_str(p, "role", hub ? "hub" : "spoke");
	object_str(p, "state",
		   object_has_word(row, "flags", "reject") ? "rejected" :
		   object_has_word(row, "flags", "unconfirmed") ? "probing" :
		   "up");
	json_object_object_add(p, "state_seconds", json_object_get(
			object_get(row, "created_seconds")));
	copy(p, row, "expires_seconds");
	copy(p, row, "flags");
	if (object_get_str(row, "protocol"))
		snprintf(note, sizeof(note), "kernel entry, %s",
			 expiry(row, end, sizeof(end)));
	else
		snprintf(note, sizeof(note), "no address maps here; %s",
			 object_get_words(row, "peer_flags", " ", end,
					  sizeof(end)));
	object_str(p, "note", note);
	json_object_object_add(p, "kernel", json_object_get(row));
	return p;
}

/* A shortcut that NHRP has no entry for. */
static struct json_object *join_shortcut(struct json_object *row)
{
	struct json_object *p = json_object_new_object();
	const char *prefix = object_get_str(row, "prefix");
	char end[64], note[96];

	json_object_object_add(p, "protocol", json_object_new_string_len(
				prefix, strcspn(prefix, "/")));
	copy(p, row, "prefix_length");
	copy(p, row, "nexthop");
	object_str(p, "nbma", NULL);
	object_str(p, "nbma_claimed", NULL);
	object_str(p, "type", "kernel");
	object_str(p, "role", "shortcut");
	object_str(p, "state", "up");
	json_object_object_add(p, "state_seconds", json_object_get(
			object_get(row, "created_seconds")));
	copy(p, row, "expires_seconds");
	json_object_object_add(p, "flags", json_object_new_array());
	snprintf(note, sizeof(note), "kernel entry, %s",
		 expiry(row, end, sizeof(end)));
	object_str(p, "note", note);
	json_object_object_add(p, "kernel", json_object_get(row));
	return p;
}

/* A server that has no entry yet, since its address is not known. */
static struct json_object *join_nhs(const struct json_object *nhs)
{
	struct json_object *p = json_object_new_object();

	copy(p, nhs, "protocol");
	object_int(p, "prefix_length", full_length(nhs));
	object_str(p, "nexthop", NULL);
	copy(p, nhs, "nbma");
	object_str(p, "nbma_claimed", NULL);
	object_str(p, "type", "static");
	object_str(p, "role", "hub");
	object_str(p, "state", object_get_bool(nhs, "up") ? "up" :
		   show_nhs_waits(nhs) ? "waiting" : "registering");
	copy(p, nhs, "state_seconds");
	object_str(p, "expires_seconds", NULL);
	json_object_object_add(p, "flags", json_object_new_array());
	object_str(p, "note", object_get_str(nhs, "reason"));
	object_str(p, "kernel", NULL);
	return p;
}

/* Entries that NHRP has, the local ones left out; marks them in @seen. */
static void join_entries(const struct json_object *iface,
			 const struct rows *rows, struct json_object *seen,
			 struct json_object *peers)
{
	struct json_object *o;
	const char *s;
	char prefix[64];

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		o = object_get_at(iface, "entries", i);
		if ((s = object_get_str(o, "nbma")) && !is_shortcut(o))
			json_object_object_add(seen, s, NULL);
		if ((s = object_get_str(o, "protocol"))) {
			snprintf(prefix, sizeof(prefix), "%s/%u", s,
				 (unsigned int)object_get_uint(
					 o, "prefix_length"));
			json_object_object_add(seen, is_shortcut(o) ? prefix :
					       s, NULL);
		}
		s = object_get_str(o, "type");
		if (!s || strcmp(s, "local"))
			json_object_array_add(peers,
					      join_entry(iface, o, rows));
	}
}

static bool is_new(const struct json_object *seen, const char *key)
{
	return !key || !json_object_object_get_ex(seen, key, NULL);
}

/* What only the kernel has, or only the configuration. */
static void join_others(const struct json_object *iface,
			const struct json_object *seen,
			struct json_object *peers)
{
	struct json_object *o;
	const char *s;

	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++) {
		o = object_get_at(iface, "nhs", i);
		if (is_new(seen, object_get_str(o, "protocol")))
			json_object_array_add(peers, join_nhs(o));
	}
	for (size_t i = 0; i < object_get_len(iface, "kernel_rows"); i++) {
		o = object_get_at(iface, "kernel_rows", i);
		s = object_get_str(o, "protocol");
		if (is_new(seen, s ? s : object_get_str(o, "nbma")))
			json_object_array_add(peers, join_row(o));
	}
	for (size_t i = 0; i < object_get_len(iface, "kernel_shortcuts"); i++) {
		o = object_get_at(iface, "kernel_shortcuts", i);
		s = object_get_str(o, "prefix");
		if (s && is_new(seen, s))
			json_object_array_add(peers, join_shortcut(o));
	}
}

static void append(struct json_object *to, const struct json_object *from,
		   const char *key)
{
	for (size_t i = 0; i < object_get_len(from, key); i++)
		json_object_array_add(to, json_object_get(
				object_get_at(from, key, i)));
}

/* The same rows, each shortcut beneath its peer. */
static struct json_object *sort_shortcuts(const struct json_object *peers)
{
	struct json_object *by_nexthop = json_object_new_object();
	struct json_object *sorted = json_object_new_array(), *o;
	const char *protocol, *nexthop;
	size_t n = json_object_array_length(peers);

	for (size_t i = 0; i < n; i++) {
		o = json_object_array_get_idx(peers, i);
		nexthop = object_get_str(o, "nexthop");
		if (!nexthop)
			continue;
		if (!object_get(by_nexthop, nexthop))
			json_object_object_add(by_nexthop, nexthop,
					       json_object_new_array());
		json_object_array_add(object_get(by_nexthop, nexthop),
				      json_object_get(o));
	}
	for (size_t i = 0; i < n; i++) {
		o = json_object_array_get_idx(peers, i);
		if (object_get_str(o, "nexthop"))
			continue;
		json_object_array_add(sorted, json_object_get(o));
		protocol = object_get_str(o, "protocol");
		if (!protocol)
			continue;
		append(sorted, by_nexthop, protocol);
		json_object_object_del(by_nexthop, protocol);
	}
	json_object_object_foreach(by_nexthop, key, list) {
		(void)list;
		append(sorted, by_nexthop, key);
	}
	json_object_put(by_nexthop);
	return sorted;
}

static void join(struct json_object *iface)
{
	struct json_object *peers = json_object_new_array();
	struct json_object *seen = json_object_new_object();
	struct rows rows = index_rows(iface);

	mark_used(iface, &rows);
	join_entries(iface, &rows, seen, peers);
	join_others(iface, seen, peers);
	json_object_object_del(iface, "kernel_rows");
	json_object_object_del(iface, "kernel_shortcuts");
	json_object_object_add(iface, "peers", sort_shortcuts(peers));
	json_object_put(peers);
	json_object_put(seen);
	put_rows(&rows);
}

/* ---- text ---- */

static bool has(const struct json_object *o, const char *key, const char *word)
{
	const char *s = object_get_str(o, key);

	return !word || (s && !strcmp(s, word));
}

static unsigned int count(const struct json_object *iface, const char *role,
			  const char *state)
{
	const struct json_object *p;
	unsigned int n = 0;

	for (size_t i = 0; i < object_get_len(iface, "peers"); i++) {
		p = object_get_at(iface, "peers", i);
		n += has(p, "role", role) && has(p, "state", state);
	}
	return n;
}

/* Who has the address of @row: an NBMA address, behind NAT with the one that
 * is claimed; else what there is. */
static const char *peer_key(const struct json_object *row, size_t i,
			    char key[128])
{
	const char *nbma = object_get_str(row, "nbma");
	const char *claimed = object_get_str(row, "nbma_claimed");

	if (nbma)
		snprintf(key, 128, "%s/%s", nbma, claimed ? claimed : "");
	else
		snprintf(key, 128, "#%zu", i);
	return key;
}

/* Hubs or spokes: one that has several addresses is up when all of them are. */
static unsigned int count_peers(const struct json_object *iface,
				const char *role, unsigned int *up)
{
	struct json_object *down = json_object_new_object();
	const struct json_object *p;
	unsigned int n;
	char key[128];

	for (size_t i = 0; i < object_get_len(iface, "peers"); i++) {
		p = object_get_at(iface, "peers", i);
		if (!has(p, "role", role))
			continue;
		peer_key(p, i, key);
		json_object_object_add(down, key, json_object_new_boolean(
				!has(p, "state", "up") ||
				object_get_bool(down, key)));
	}
	n = json_object_object_length(down);
	*up = n;
	json_object_object_foreach(down, nbma, value) {
		(void)nbma;
		*up -= json_object_get_boolean(value);
	}
	json_object_put(down);
	return n;
}

static void print_ipv6(FILE *out, const struct json_object *ipv6)
{
	const char *protocol = object_get_str(ipv6, "protocol");
	const char *link_local = object_get_str(ipv6, "link_local");

	if (protocol)
		fprintf(out, "  %s/%u", protocol, (unsigned int)
			object_get_uint(ipv6, "prefix_length"));
	if (link_local)
		fprintf(out, "  %s", link_local);
}

static void print_head(FILE *out, const struct json_object *iface)
{
	const char *protocol = object_get_str(iface, "protocol");
	const char *nbma = object_get_str(iface, "nbma");
	const char *reason = object_get_str(iface, "reason");

	fprintf(out, "%s  %s", object_get_str(iface, "name"),
		object_get_str(iface, "role"));
	if (protocol)
		fprintf(out, "  %s/%u", protocol, (unsigned int)
			object_get_uint(iface, "prefix_length"));
	print_ipv6(out, object_get(iface, "ipv6"));
	fprintf(out, "  nbma %s", nbma ? nbma : "none");
	if (object_get_str(iface, "destination"))
		fprintf(out, "  destination %s",
			object_get_str(iface, "destination"));
	fprintf(out, "  mtu %u", (unsigned int)object_get_uint(iface, "mtu"));
	if (!object_is_null(iface, "key"))
		fprintf(out, "  key %u",
			(unsigned int)object_get_uint(iface, "key"));
	if (object_get_bool(iface, "ipsec_required"))
		fputs("  ipsec required", out);
	if (!object_get_bool(iface, "up"))
		fputs("  DOWN", out);
	if (reason && *reason)
		fprintf(out, ": %s", reason);
	fputc('\n', out);
}

static void print_sums(FILE *out, const struct json_object *iface)
{
	unsigned int n, up;

	fputs("    ", out);
	n = count_peers(iface, "hub", &up);
	if (n)
		fprintf(out, "%u of %u hub%s up, ", up, n, n == 1 ? "" : "s");
	n = count_peers(iface, "spoke", &up);
	fprintf(out, "%u of %u spokes up", up, n);
	n = count(iface, NULL, "resolving");
	if (n)
		fprintf(out, ", %u resolving", n);
	n = count(iface, "shortcut", NULL);
	if (n)
		fprintf(out, ", %u shortcut%s", n, n == 1 ? "" : "s");
	fputc('\n', out);
}

/* An address, or a prefix; set in beneath its peer. */
static void cell_peer(struct table *t, const struct json_object *p)
{
	const char *nexthop = object_get_str(p, "nexthop");
	char prefix[64], text[72];
	const char *s = prefix_text(p, "protocol", prefix);

	snprintf(text, sizeof(text), "%s%s", nexthop ? "  " : "", s ? s : "-");
	table_cell(t, text);
}

/* The NBMA address, with ":n" for NAT. */
static void cell_nbma(struct table *t, const struct json_object *p)
{
	const char *nbma = object_get_str(p, "nbma");
	char text[64];

	if (nbma && object_get_str(p, "nbma_claimed")) {
		snprintf(text, sizeof(text), strchr(nbma, ':') ? "[%s]:n" :
			 "%s:n", nbma);
		nbma = text;
	}
	table_cell(t, nbma);
}

static void print_peers(FILE *out, const struct json_object *iface)
{
	static const char *const head[] = {
		"PEER", "NBMA", "ROLE", "STATE", "SINCE", "RX", "TX", "NOTE",
		NULL
	};
	const struct json_object *p, *kernel;
	struct table t = {};

	table_head(&t, head);
	for (size_t i = 0; i < object_get_len(iface, "peers"); i++) {
		p = object_get_at(iface, "peers", i);
		kernel = object_get(p, "kernel");
		cell_peer(&t, p);
		cell_nbma(&t, p);
		table_cell(&t, object_get_str(p, "role"));
		table_cell(&t, object_get_str(p, "state"));
		cell_ago(&t, p, "state_seconds", NULL);
		cell_bytes(&t, kernel, "rx_bytes");
		cell_bytes(&t, kernel, "tx_bytes");
		table_cell(&t, object_get_str(p, "note"));
	}
	table_print(&t, out, "");
}

static void print_iface(FILE *out, const struct json_object *iface)
{
	print_head(out, iface);
	print_sums(out, iface);
	fputc('\n', out);
	if (object_get_len(iface, "peers"))
		print_peers(out, iface);
	else
		fputs("no peers\n", out);
}

/* ---- show ---- */

/* A negative answer is a fact about the far side, not a fault here. */
static bool has_down_peer(const struct json_object *iface)
{
	const struct json_object *p;
	const char *state, *type;

	for (size_t i = 0; i < object_get_len(iface, "peers"); i++) {
		p = object_get_at(iface, "peers", i);
		state = object_get_str(p, "state");
		type = object_get_str(p, "type");
		if (state && type && strcmp(type, "negative") &&
		    (!strcmp(state, "down") || !strcmp(state, "registering")))
			return true;
	}
	return false;
}

static bool is_down(const struct json_object *top)
{
	const struct json_object *iface;

	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		if (!object_get_bool(iface, "up") || has_down_peer(iface))
			return true;
	}
	return false;
}

static void print_text(FILE *out, const struct json_object *top)
{
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		if (i)
			fputc('\n', out);
		print_iface(out, object_get_at(top, "interfaces", i));
	}
}

/* What the daemon tells, or nothing of it; @note is for people. */
static int read_daemon(struct cli *c, struct json_object **top,
		       const char **note)
{
	struct json_object *o = client_request("show");
	struct client cl;
	int err;

	*top = NULL;
	err = client_open(c, &cl);
	if (!err)
		err = client_send(&cl, o);
	if (!err)
		*top = client_next(&cl);
	client_close(&cl);
	json_object_put(o);
	if (*top && !object_get(*top, "error"))
		return CLI_OK;
	if (err == -EACCES)
		return cli_fail(c, CLI_REFUSED,
				"only root and group nhrpd may ask nhrpd");
	json_object_put(*top);
	*note = "nhrpd is not running: this is the kernel's view";
	*top = object_str(envelope_new(), "pid", NULL);
	json_object_object_add(*top, "interfaces", json_object_new_array());
	return CLI_OK;
}

/* Both parts. CLI_UNREACHABLE when neither tells anything. */
static int read_both(struct cli *c, struct json_object **top)
{
	const char *note = NULL;
	char why[256];
	bool told;
	int code;

	code = read_daemon(c, top, &note);
	if (code)
		return code;
	told = add_kernel(*top, why, sizeof(why));
	if (note && !told) {
		json_object_put(*top);
		return cli_fail(c, CLI_UNREACHABLE,
				"nhrpd is not running, and %s", why);
	}
	if (note)
		fprintf(stderr, "note: %s\n", note);
	mark_shortcuts(*top);
	object_str(*top, "kernel_error", told ? NULL : why);
	return CLI_OK;
}

int cmd_show(struct cli *c)
{
	const char *name = cli_next(c);
	struct json_object *top;
	int code;

	if (cli_done(c))
		return CLI_USAGE;
	code = c->from ? read_file(c, &top) : read_both(c, &top);
	if (code)
		return code;
	if (name && !keep_iface(top, name)) {
		code = cli_fail(c, CLI_REFUSED, "%s: no such dmvpn device",
				name);
		goto out;
	}
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++)
		if (!object_get(object_get_at(top, "interfaces", i), "peers"))
			join(object_get_at(top, "interfaces", i));
	if (c->json)
		object_print(c->out, top);
	else
		print_text(c->out, top);
	code = is_down(top) ? CLI_DOWN : CLI_OK;
out:
	json_object_put(top);
	return code;
}
