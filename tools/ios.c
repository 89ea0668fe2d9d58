/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ios: Cisco's own views, for those who think in them. `ip` and `ipv6` are the
 * same views of another family; `show dmvpn` has a section for each.
 *
 * `show dmvpn` and `show ip nhrp` have IOS 15's layout unless --style xe asks
 * for IOS-XE's; the other views look the same on both. What differs from a
 * router, and why, is said in Documentation/cli.md.
 */
#include <ctype.h>
#include <string.h>

#include "commands.h"
#include "show.h"
#include "text.h"

static void each_iface(const struct cli *c, const struct json_object *top,
		       void (*print)(const struct cli *c,
				     const struct json_object *iface))
{
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++)
		print(c, object_get_at(top, "interfaces", i));
}

/* Which entries and servers a view is about. */
struct filter {
	bool v4, v6;
	const char *type;		/* NULL: all */
	struct addr addr;		/* none: all */
	uint8_t plen;
	bool prefix;			/* this very prefix, not what covers it */
};

/* The command says `ipv6`. */
static bool is_v6(const struct cli *c)
{
	return strstr(c->command->words, "ipv6");
}

static bool is_type(const struct json_object *entry, const char *type)
{
	const char *t = object_get_str(entry, "type");

	return t && !strcmp(t, type);
}

/* No NBMA address is known. */
static bool is_incomplete(const struct json_object *entry)
{
	return is_type(entry, "incomplete") || is_type(entry, "negative");
}

/* The word behind `Type:`. */
static const char *type_of(const struct json_object *entry)
{
	if (is_type(entry, "static"))
		return "static";
	return is_incomplete(entry) ? "incomplete" : "dynamic";
}

static bool is_about(const struct json_object *entry, const struct filter *f)
{
	unsigned int plen = object_get_uint(entry, "prefix_length");
	const char *text = object_get_str(entry, "protocol");
	struct addr a;

	if (!addr_is_set(&f->addr))
		return true;
	if (!text || !addr_parse(text, &a))
		return false;
	return f->prefix ? plen == f->plen && addr_eq(&a, &f->addr) :
			   addr_in_prefix(&f->addr, &a, plen);
}

/* A server whose address is not known yet belongs to the family it was
 * configured for, which its `family` tells. */
static bool is_of_family(const struct json_object *o, const struct filter *f)
{
	const char *protocol = object_get_str(o, "protocol");
	const char *family = object_get_str(o, "family");

	return (protocol ? show_is_v6(protocol) :
		family && !strcmp(family, "ipv6")) ? f->v6 : f->v4;
}

static void keep(struct json_object *iface, const struct filter *f)
{
	struct json_object *list = object_get(iface, "entries"), *o;

	for (size_t i = object_get_len(iface, "entries"); i--; ) {
		o = json_object_array_get_idx(list, i);
		if (!is_of_family(o, f) || !is_about(o, f) ||
		    (f->type && strcmp(f->type, type_of(o))))
			json_object_array_del_idx(list, i, 1);
	}
	list = object_get(iface, "nhs");
	for (size_t i = object_get_len(iface, "nhs"); i--; )
		if (!is_of_family(json_object_array_get_idx(list, i), f))
			json_object_array_del_idx(list, i, 1);
}

/* IPsec has that address in mind and has no SA to it. */
static bool is_without_sa(const struct json_object *ipsec, const char *nbma)
{
	const struct json_object *p;
	const char *text, *state;

	for (size_t i = 0; nbma && i < object_get_len(ipsec, "peers"); i++) {
		p = object_get_at(ipsec, "peers", i);
		text = object_get_str(p, "nbma");
		state = object_get_str(p, "state");
		if (text && state && !strcmp(text, nbma))
			return strcmp(state, "up");
	}
	return false;
}

/* Says of entries that they wait for IKE. */
static void note_ike(struct json_object *iface,
		     const struct json_object *ipsec)
{
	struct json_object *e;

	if (!ipsec || !object_get_str(iface, "protection"))
		return;
	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		e = object_get_at(iface, "entries", i);
		json_object_object_add(e, "without_sa", json_object_new_boolean(
			is_without_sa(ipsec, object_get_str(e, "nbma"))));
	}
}

/* Takes [NAME]; in JSON the daemon's answer stays whole, whatever the view. */
static int view_some(struct cli *c, const struct filter *f, const char *head,
		     void (*print)(const struct cli *c,
				   const struct json_object *top))
{
	struct json_object *top;
	int code;

	code = show_read(c, &top);
	if (code)
		return code;
	if (c->json) {
		object_print(c->out, top);
	} else {
		for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
			keep(object_get_at(top, "interfaces", i), f);
			note_ike(object_get_at(top, "interfaces", i),
				 object_get(top, "ipsec"));
		}
		fputs(head, c->out);
		print(c, top);
	}
	json_object_put(top);
	return CLI_OK;
}

/* The family that the command names. */
static int view_all(struct cli *c, void (*print)(const struct cli *c,
						 const struct json_object *top))
{
	struct filter f = { .v4 = !is_v6(c), .v6 = is_v6(c) };

	return view_some(c, &f, "", print);
}

/* What is configured and counted for the family: IPv4's is the interface's. */
static const struct json_object *family_of(const struct cli *c,
					   const struct json_object *iface)
{
	return is_v6(c) ? object_get(iface, "ipv6") : iface;
}

/* Packets to this prefix follow a shortcut. */
static bool is_route(const struct json_object *entry)
{
	return object_has_word(entry, "flags", "rib");
}

/* The tunnel address behind `via`: of a prefix, another one's. */
static const char *next_hop(const struct json_object *iface,
			    const struct json_object *entry)
{
	const char *protocol = object_get_str(entry, "protocol");
	const char *nexthop = object_get_str(entry, "nexthop");
	bool v6 = protocol && show_is_v6(protocol);
	bool prefix = protocol && object_get_uint(entry, "prefix_length") <
		      (v6 ? 128 : 32);

	if (!nexthop && prefix && is_type(entry, "local"))
		nexthop = object_get_str(v6 ? object_get(iface, "ipv6") :
					 iface, "protocol");
	return nexthop ? nexthop : protocol;
}

static bool is_up(const struct json_object *entry)
{
	const char *s = object_get_str(entry, "state");

	return s && !strcmp(s, "up");
}

/* The layer that is missing. */
static const char *state_word(const struct json_object *entry)
{
	if (is_up(entry))
		return "UP";
	return object_get_bool(entry, "without_sa") ? "IKE" : "NHRP";
}

/* Tunnel0 is Tu0; our own names are short enough. */
static const char *short_name(const struct json_object *iface, char buf[32])
{
	const char *name = object_get_str(iface, "name");

	snprintf(buf, 32, "%s%s", !strncmp(name, "Tunnel", 6) ? "Tu" : "",
		 !strncmp(name, "Tunnel", 6) ? name + 6 : name);
	return buf;
}

/* ---- show dmvpn ---- */

/* The seed's image knows no shortcuts; later ones add their line. */
#define IOS_LEGEND \
	"Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete\n" \
	"        N - NATed, L - Local, X - No Socket\n"
#define IOS_LEGEND_ROUTE \
	"        T1 - Route Installed, T2 - Nexthop-override\n"
#define IOS_LEGEND_END \
	"        # Ent --> Number of NHRP entries with same NBMA peer\n\n"

#define XE_LEGEND \
	"Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete\n" \
	"\tN - NATed, L - Local, X - No Socket\n" \
	"\tT1 - Route Installed, T2 - Nexthop-override, B - BGP\n" \
	"\tC - CTS Capable, I2 - Temporary\n" \
	"\t# Ent --> Number of NHRP entries with same NBMA peer\n" \
	"\tNHS Status: E --> Expecting Replies, R --> Responding, " \
		"W --> Waiting\n" \
	"\tUpDn Time --> Up or Down Time for a Tunnel\n" \
	"=====================================" \
	"=====================================\n\n"

#define HEAD_LINE "# Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb"
#define RULE_LINE "----- --------------- --------------- ----- -------- -----"
#define NBMA_COLUMN 15

/* Who has registered clients is a hub, who has an NHS is a spoke. */
static const char *type_word(const struct json_object *iface, bool v6)
{
	const struct filter f = { .v4 = !v6, .v6 = v6 };
	bool hub = false, spoke = false;
	const struct json_object *o;

	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++)
		spoke |= is_of_family(object_get_at(iface, "nhs", i), &f);
	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		o = object_get_at(iface, "entries", i);
		hub |= is_of_family(o, &f) &&
		       object_has_word(o, "flags", "registered");
	}
	if (hub)
		return spoke ? "Hub/Spoke" : "Hub";
	return spoke ? "Spoke" : "Unknown";
}

static const char *attributes(const struct json_object *entry, char buf[8])
{
	char *p = buf;

	*p++ = is_type(entry, "static") ? 'S' : is_incomplete(entry) ? 'I' :
	       'D';
	if (object_get_str(entry, "nbma_claimed"))
		*p++ = 'N';
	if (is_type(entry, "local"))
		*p++ = 'L';
	if (object_has_word(entry, "flags", "no-socket"))
		*p++ = 'X';
	if (is_route(entry)) {
		*p++ = 'T';
		*p++ = object_has_word(entry, "flags", "nho") ? '2' : '1';
	}
	*p = '\0';
	return buf;
}

/* What has never been up has no time. */
static const char *up_down(const struct json_object *entry, char buf[TEXT_LEN])
{
	double state = object_get_num(entry, "state_seconds");

	if (!is_up(entry) &&
	    object_get_num(entry, "created_seconds") - state < 1)
		return "never";
	return text_ios(state, buf);
}

static const char *nbma_of(const struct json_object *entry)
{
	const char *nbma = object_get_str(entry, "nbma");

	return nbma ? nbma : "UNKNOWN";
}

/*
 * The rows of `show dmvpn`: the family's entries but local ones, as arrays by
 * NBMA peer in the order of their first ones. What has no NBMA address stands
 * alone. For the caller to put.
 */
static struct json_object *group_entries(const struct json_object *iface,
					 bool v6)
{
	const struct filter f = { .v4 = !v6, .v6 = v6 };
	struct json_object *groups = json_object_new_object(), *e, *list;
	const char *nbma;
	char key[32];

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		e = object_get_at(iface, "entries", i);
		if (is_type(e, "local") || !is_of_family(e, &f))
			continue;
		nbma = object_get_str(e, "nbma");
		snprintf(key, sizeof(key), "#%zu", i);
		list = object_get(groups, nbma ? nbma : key);
		if (!list) {
			list = json_object_new_array();
			json_object_object_add(groups, nbma ? nbma : key,
					       list);
		}
		json_object_array_add(list, json_object_get(e));
	}
	return groups;
}

/* Groups with an NBMA address. */
static unsigned int nbma_peers(struct json_object *groups)
{
	unsigned int n = 0;

	json_object_object_foreach(groups, key, list) {
		(void)list;
		n += *key != '#';
	}
	return n;
}

/*
 * One row; @detail adds the target network. Further entries of a peer leave
 * its count and address blank. IOS ranges the NBMA address right and the
 * attributes left, IOS-XE the other way round. An IPv6 one may need a line of
 * its own.
 */
static void print_entry(const struct cli *c, const struct json_object *iface,
			const struct json_object *entry, bool detail,
			const char *ent)
{
	const char *tunnel = next_hop(iface, entry);
	const char *nbma = *ent || detail ? nbma_of(entry) : "";
	char attrb[8], time[TEXT_LEN], target[64];
	int width = detail ? 5 : 6;

	snprintf(target, sizeof(target), "%s/%u",
		 object_get_str(entry, "protocol"), (unsigned int)
		 object_get_uint(entry, "prefix_length"));
	if (strlen(nbma) > NBMA_COLUMN) {
		fprintf(c->out, "%*s %s\n", width, ent, nbma);
		ent = nbma = "";
	}
	fprintf(c->out, c->xe ? "%*s %-15s %15s %5s %8s " :
		"%*s %15s %15s %5s %8s ", width, ent, nbma, tunnel,
		state_word(entry), up_down(entry, time));
	attributes(entry, attrb);
	if (detail)
		fprintf(c->out, c->xe ? "%5s %18s\n" : "%-5s %18s\n", attrb,
			target);
	else
		fprintf(c->out, c->xe ? "%5s\n" : "%s\n", attrb);
}

static void print_entries(const struct cli *c, const struct json_object *iface,
			  struct json_object *groups, bool detail)
{
	char ent[16];

	json_object_object_foreach(groups, key, list) {
		/* IOS counts what it knows the NBMA address of. */
		snprintf(ent, sizeof(ent), "%zu", *key == '#' ? (size_t)0 :
			 json_object_array_length(list));
		for (size_t i = 0; i < json_object_array_length(list); i++)
			print_entry(c, iface,
				    json_object_array_get_idx(list, i),
				    detail, i ? "" : ent);
	}
}

/* An IPv6 address fits no column: each entry is a block of lines. */
static void print_block(const struct cli *c, const struct json_object *iface,
			const struct json_object *entry, const char *no,
			size_t n)
{
	char attrb[8], time[TEXT_LEN];

	if (*no)
		fprintf(c->out, "%5s.Peer NBMA Address: %s\n", no,
			nbma_of(entry));
	fprintf(c->out, "        Tunnel IPv6 Address: %s\n"
		"        IPv6 Target Network: %s/%u\n"
		"        # Ent: %zu, Status: %s, UpDn Time: %s, "
		"Cache Attrib: %s\n", next_hop(iface, entry),
		object_get_str(entry, "protocol"), (unsigned int)
		object_get_uint(entry, "prefix_length"), n,
		state_word(entry), up_down(entry, time),
		attributes(entry, attrb));
}

static void print_blocks(const struct cli *c, const struct json_object *iface,
			 struct json_object *groups)
{
	unsigned int peer = 0;
	char no[16];
	size_t n;

	json_object_object_foreach(groups, key, list) {
		(void)key;
		n = json_object_array_length(list);
		snprintf(no, sizeof(no), "%u", ++peer);
		for (size_t i = 0; i < n; i++)
			print_block(c, iface,
				    json_object_array_get_idx(list, i),
				    i ? "" : no, n);
	}
}

static void print_dmvpn4(const struct cli *c, const struct json_object *iface)
{
	struct json_object *groups = group_entries(iface, false);

	if (!json_object_object_length(groups))
		goto out;
	fprintf(c->out, c->xe ? "Interface: %s, IPv4 NHRP Details \n"
		"Type:%s, NHRP Peers:%u, \n\n" :
		"%s, Type:%s, NHRP Peers:%u,\n",
		object_get_str(iface, "name"), type_word(iface, false),
		nbma_peers(groups));
	fputs(" " HEAD_LINE "\n " RULE_LINE "\n", c->out);
	print_entries(c, iface, groups, false);
	fputc('\n', c->out);
out:
	json_object_put(groups);
}

static void print_dmvpn6(const struct cli *c, const struct json_object *iface)
{
	struct json_object *groups = group_entries(iface, true);

	if (!json_object_object_length(groups))
		goto out;
	fprintf(c->out, "Interface: %s, IPv6 NHRP Details \n"
		"Type:%s, Total NBMA Peers (v4/v6): %u\n",
		object_get_str(iface, "name"), type_word(iface, true),
		nbma_peers(groups));
	print_blocks(c, iface, groups);
	fputc('\n', c->out);
out:
	json_object_put(groups);
}

/* The other family's section is empty when the command names one. */
static void print_dmvpn(const struct cli *c, const struct json_object *iface)
{
	print_dmvpn4(c, iface);
	print_dmvpn6(c, iface);
}

static bool has_route(const struct json_object *top)
{
	const struct json_object *iface;

	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		for (size_t k = 0; k < object_get_len(iface, "entries"); k++)
			if (is_route(object_get_at(iface, "entries", k)))
				return true;
	}
	return false;
}

static void print_legend(const struct cli *c, const struct json_object *top)
{
	if (c->xe)
		fputs(XE_LEGEND, c->out);
	else
		fprintf(c->out, "%s%s%s", IOS_LEGEND,
			has_route(top) ? IOS_LEGEND_ROUTE : "",
			IOS_LEGEND_END);
}

static void show_dmvpn(const struct cli *c, const struct json_object *top)
{
	print_legend(c, top);
	each_iface(c, top, print_dmvpn);
}

/* `show dmvpn`, or one family of it. */
static int view_dmvpn(struct cli *c, void (*print)(const struct cli *c,
						   const struct json_object *))
{
	bool v4 = strstr(c->command->words, "ipv4");
	struct filter f = { .v4 = !is_v6(c), .v6 = !v4 };

	return view_some(c, &f, "", print);
}

int cmd_ios_dmvpn(struct cli *c)
{
	return view_dmvpn(c, show_dmvpn);
}

/* ---- show ip nhrp nhs ---- */

/* Who is registered with goes on expecting replies, so R comes with E. */
static const char *nhs_status(const struct json_object *nhs)
{
	if (object_get_bool(nhs, "up"))
		return "RE";
	if (show_nhs_waits(nhs))
		return "W";
	return object_get_uint(nhs, "requests_sent") ? "E" : "W";
}

static void print_nhs(const struct cli *c, const struct json_object *nhs,
		      bool detail)
{
	const char *protocol = object_get_str(nhs, "protocol");
	const char *nbma = object_get_str(nhs, "nbma");
	char text[TEXT_LEN];

	fprintf(c->out, "%s  %2s  ", protocol ? protocol : "dynamic",
		nhs_status(nhs));
	fprintf(c->out, "NBMA Address: %s priority = %u cluster = %u",
		nbma ? nbma : "UNKNOWN",
		(unsigned int)object_get_uint(nhs, "priority"),
		(unsigned int)object_get_uint(nhs, "cluster"));
	if (detail) {
		fprintf(c->out, "  req-sent %u  req-failed %u  repl-recv %u ",
			(unsigned int)object_get_uint(nhs, "requests_sent"),
			(unsigned int)object_get_uint(nhs, "requests_failed"),
			(unsigned int)object_get_uint(nhs,
						      "replies_received"));
		if (!object_is_null(nhs, "last_reply_seconds"))
			fprintf(c->out, "(%s ago)", text_ios(object_get_num(
				nhs, "last_reply_seconds"), text));
	}
	fputc('\n', c->out);
}

static void print_all_nhs(const struct cli *c, const struct json_object *iface,
			  bool detail)
{
	if (!object_get_len(iface, "nhs"))
		return;
	fprintf(c->out, "%s:\n", object_get_str(iface, "name"));
	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++)
		print_nhs(c, object_get_at(iface, "nhs", i), detail);
}

static void print_nhs_plain(const struct cli *c,
			    const struct json_object *iface)
{
	print_all_nhs(c, iface, false);
}

static void print_nhs_detail(const struct cli *c,
			     const struct json_object *iface)
{
	print_all_nhs(c, iface, true);
}

/* Requests on their way, behind all interfaces. */
static void print_pending(const struct cli *c, const struct json_object *top)
{
	const struct json_object *iface, *nhs;
	char name[32];

	fputs("\n\nPending Registration Requests:\n", c->out);
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		for (size_t k = 0; k < object_get_len(iface, "nhs"); k++) {
			nhs = object_get_at(iface, "nhs", k);
			if (object_get_bool(nhs, "up") ||
			    !object_get_bool(nhs, "expecting"))
				continue;
			fprintf(c->out, "Registration Request: Reqid %u, "
				"Ret %u  NHS %s expired (%s)\n",
				(unsigned int)object_get_uint(nhs,
							      "request_id"),
				(unsigned int)object_get_num(nhs,
							     "next_seconds"),
				object_get_str(nhs, "protocol") ?
				object_get_str(nhs, "protocol") : "dynamic",
				short_name(iface, name));
		}
	}
}

#define NHS_LEGEND "Legend:\tE=Expecting replies, R=Responding, W=Waiting, " \
		   "D=Dynamic\n"

static void show_nhs(const struct cli *c, const struct json_object *top)
{
	fputs(NHS_LEGEND, c->out);
	each_iface(c, top, print_nhs_plain);
}

int cmd_ios_nhs(struct cli *c)
{
	return view_all(c, show_nhs);
}

static void show_nhs_detail(const struct cli *c, const struct json_object *top)
{
	fputs(NHS_LEGEND, c->out);
	each_iface(c, top, print_nhs_detail);
	print_pending(c, top);
}

int cmd_ios_nhs_detail(struct cli *c)
{
	return view_all(c, show_nhs_detail);
}

/* ---- show ip nhrp nhs redundancy ---- */

/* What IOS calls the queue, in words that say what data does. */
static const char *nhs_duty(const struct json_object *nhs)
{
	if (object_get_bool(nhs, "drained"))
		return "drained";
	if (object_get_bool(nhs, "active"))
		return "active";
	if (show_nhs_waits(nhs))
		return "waiting";
	return object_get_bool(nhs, "up") ? "standby" : "down";
}

static void print_servers(const struct cli *c, const struct json_object *top)
{
	const struct json_object *iface, *nhs;
	const char *protocol;
	unsigned int no = 0;
	char name[32];

	fprintf(c->out, "%-4s %-10s %-7s %-15s %-8s %-9s %s\n", "No.",
		"Interface", "Cluster", "NHS", "Priority", "Cur-State",
		"Cur-Duty");
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		for (size_t k = 0; k < object_get_len(iface, "nhs"); k++) {
			nhs = object_get_at(iface, "nhs", k);
			protocol = object_get_str(nhs, "protocol");
			fprintf(c->out, "%-4u %-10s %-7u %-15s %-8u %-9s %s\n",
				++no, short_name(iface, name), (unsigned int)
				object_get_uint(nhs, "cluster"),
				protocol ? protocol : "dynamic", (unsigned int)
				object_get_uint(nhs, "priority"),
				nhs_status(nhs), nhs_duty(nhs));
		}
	}
}

struct cluster {
	unsigned int total, responding, expecting, waiting;
};

static struct cluster count_cluster(const struct json_object *iface,
				    unsigned int number)
{
	const struct json_object *nhs;
	struct cluster sum = {};

	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++) {
		nhs = object_get_at(iface, "nhs", i);
		if (object_get_uint(nhs, "cluster") != number)
			continue;
		sum.total++;
		sum.responding += *nhs_status(nhs) == 'R';
		sum.expecting += *nhs_status(nhs) == 'E';
		sum.waiting += *nhs_status(nhs) == 'W';
	}
	return sum;
}

/* 0: no limit. */
static unsigned int max_connections(const struct json_object *family,
				    unsigned int number)
{
	const struct json_object *o;

	for (size_t i = 0; i < object_get_len(family, "clusters"); i++) {
		o = object_get_at(family, "clusters", i);
		if (object_get_uint(o, "cluster") == number)
			return object_get_uint(o, "max_connections");
	}
	return 0;
}

static void print_cluster(const struct cli *c, const struct json_object *iface,
			  unsigned int no, unsigned int number)
{
	const struct json_object *family = family_of(c, iface);
	unsigned int max = max_connections(family, number);
	struct cluster sum = count_cluster(iface, number);
	char name[32], limit[16] = "Not Set";

	if (max)
		snprintf(limit, sizeof(limit), "%u", max);
	fprintf(c->out, "%-4u %-10s %-7u %-7s %-7s %-9u %-10u %-9u %-7u %u\n",
		no, short_name(iface, name), number,
		max ? "Enable" : "Disable", limit, sum.total, sum.responding,
		sum.expecting, sum.waiting, (unsigned int)
		object_get_uint(family, "fallback_seconds"));
}

static void print_clusters(const struct cli *c, const struct json_object *top)
{
	const struct json_object *iface;
	unsigned int no = 0;

	fprintf(c->out, "\n%-4s %-10s %-7s %-7s %-7s %-9s %-10s %-9s %-7s %s\n",
		"No.", "Interface", "Cluster", "Status", "Max-Con",
		"Total-NHS", "Responding", "Expecting", "Waiting", "Fallback");
	for (size_t i = 0; i < object_get_len(top, "interfaces"); i++) {
		iface = object_get_at(top, "interfaces", i);
		for (unsigned int n = 0; n <= 255; n++)
			if (count_cluster(iface, n).total)
				print_cluster(c, iface, ++no, n);
	}
}

static void show_redundancy(const struct cli *c, const struct json_object *top)
{
	fputs(NHS_LEGEND, c->out);
	print_servers(c, top);
	print_clusters(c, top);
}

int cmd_ios_nhs_redundancy(struct cli *c)
{
	return view_all(c, show_redundancy);
}

/* ---- show dmvpn detail ---- */

static void print_nhs_list(const struct cli *c,
			   const struct json_object *iface, bool v6)
{
	const struct filter f = { .v4 = !v6, .v6 = v6 };
	const struct json_object *nhs;
	bool any = false;

	for (size_t i = 0; i < object_get_len(iface, "nhs"); i++) {
		nhs = object_get_at(iface, "nhs", i);
		if (!is_of_family(nhs, &f))
			continue;
		if (!any)
			fprintf(c->out, "\nIPv%d NHS:\n", v6 ? 6 : 4);
		any = true;
		print_nhs(c, nhs, false);
	}
}

static void print_detail4(const struct cli *c, const struct json_object *iface)
{
	struct json_object *groups = group_entries(iface, false);

	print_nhs_list(c, iface, false);
	fprintf(c->out, "Type:%s, Total NBMA Peers (v4/v6): %u\n",
		type_word(iface, false), nbma_peers(groups));
	if (json_object_object_length(groups)) {
		fputs("\n" HEAD_LINE "    Target Network\n"
		      RULE_LINE " -----------------\n", c->out);
		print_entries(c, iface, groups, true);
	}
	json_object_put(groups);
}

static void print_detail6(const struct cli *c, const struct json_object *iface)
{
	struct json_object *groups = group_entries(iface, true);

	print_nhs_list(c, iface, true);
	fprintf(c->out, "Type:%s, Total NBMA Peers (v4/v6): %u\n",
		type_word(iface, true), nbma_peers(groups));
	print_blocks(c, iface, groups);
	json_object_put(groups);
}

/* The device has NHRP for the family. */
static bool runs(const struct json_object *family)
{
	return object_get_uint(family, "network_id");
}

static void print_dmvpn_detail(const struct cli *c,
			       const struct json_object *iface)
{
	const struct json_object *ipv6 = object_get(iface, "ipv6");
	const char *address = object_get_str(iface, "protocol");
	const char *source = object_get_str(iface, "nbma");
	const char *dest = object_get_str(iface, "destination");
	const char *profile = object_get_str(iface, "protection");
	const char *state = object_get_bool(iface, "up") ? "up" : "down";
	const char *vrf = object_get_str(iface, "tunnel_vrf");

	if (!address)
		address = object_get_str(ipv6, "protocol");
	fprintf(c->out, "Interface %s is %s/%s, Addr. is %s, VRF \"%s\" \n",
		object_get_str(iface, "name"), state, state,
		address ? address : "unassigned", c->xe ? "global" : "");
	fprintf(c->out, "   Tunnel Src./Dest. addr: %s/%s, "
		"Tunnel VRF \"%s\"\n", source ? source : "UNKNOWN",
		dest ? dest : c->xe ? "Multipoint" : "MGRE",
		vrf ? vrf : c->xe ? "global" : "");
	fprintf(c->out, "   Protocol/Transport: \"%s%s\", Protect \"%s\" \n",
		dest ? "GRE/IP" : "multi-GRE/IP",
		source && strchr(source, ':') ? "v6" : "",
		profile ? profile : "");
	if (c->xe && object_get(iface, "if_state"))
		fprintf(c->out, "   Interface State Control: %s\n",
			object_get_bool(iface, "if_state") ? "Enabled" :
			"Disabled");
	if (!is_v6(c) && (runs(iface) || !runs(ipv6)))
		print_detail4(c, iface);
	if (runs(ipv6) && !strstr(c->command->words, "ipv4"))
		print_detail6(c, iface);
	fputc('\n', c->out);
}

static void show_dmvpn_detail(const struct cli *c,
			      const struct json_object *top)
{
	print_legend(c, top);
	each_iface(c, top, print_dmvpn_detail);
}

int cmd_ios_dmvpn_detail(struct cli *c)
{
	return view_dmvpn(c, show_dmvpn_detail);
}

/* ---- show ip nhrp ---- */

/*
 * `no-socket` has a line of its own. IOS 15 prints `nat` for who is behind one,
 * IOS-XE for all who know the NAT extension. `used` means process switched in
 * IOS 15, which is what happens to a static hub's traffic and not to that of a
 * resolved peer; a prefix has it on both.
 */
static bool is_printed(const struct cli *c, const struct json_object *entry,
		       const char *flag)
{
	if (!strcmp(flag, "no-socket"))
		return false;
	if (c->xe)
		return true;
	if (!strcmp(flag, "used"))
		return is_type(entry, "static") || is_route(entry);
	return strcmp(flag, "nat") || object_get_str(entry, "nbma_claimed");
}

/* The flags with a blank before each. */
static const char *flags_of(const struct cli *c,
			    const struct json_object *entry, char buf[128])
{
	bool negative = object_has_word(entry, "flags", "negative");
	size_t used;

	/* IOS calls negative what is only asked for yet, too. */
	used = snprintf(buf, 128, "%s", is_incomplete(entry) && !negative ?
			" negative" : "");
	for (size_t i = 0; i < object_get_len(entry, "flags"); i++) {
		const char *w = json_object_get_string(
			object_get_at(entry, "flags", i));

		if (w && is_printed(c, entry, w) && used < 96)
			used += snprintf(buf + used, 128 - used, " %.32s", w);
	}
	/* A prefix is no next hop. */
	if (c->xe && is_up(entry) && !is_type(entry, "local") &&
	    !is_route(entry) && used < 96)
		used += snprintf(buf + used, 128 - used, " nhop");
	if (c->xe && used < 96)
		snprintf(buf + used, 128 - used, " ");
	return buf;
}

static void print_times(const struct cli *c, const struct json_object *entry)
{
	char text[TEXT_LEN];

	fprintf(c->out, "created %s, ",
		text_ios(object_get_num(entry, "created_seconds"), text));
	if (object_is_null(entry, "expires_seconds"))
		fputs("never expire\n", c->out);
	else
		fprintf(c->out, "expire %s\n", text_ios(
			object_get_num(entry, "expires_seconds"), text));
}

static void print_cache_entry(const struct cli *c,
			      const struct json_object *iface,
			      const struct json_object *entry)
{
	const char *claimed = object_get_str(entry, "nbma_claimed");
	const char *protocol = object_get_str(entry, "protocol");
	const char *in = c->xe ? "   " : "  ";
	char flags[128];

	fprintf(c->out, "%s/%u", protocol,
		(unsigned int)object_get_uint(entry, "prefix_length"));
	if (!is_incomplete(entry))
		fprintf(c->out, " via %s", next_hop(iface, entry));
	if (c->xe || is_v6(c))
		fprintf(c->out, "\n%s%s ", in, object_get_str(iface, "name"));
	else
		fprintf(c->out, ", %s ", object_get_str(iface, "name"));
	print_times(c, entry);
	fprintf(c->out, "%sType: %s, Flags:%s\n", in, type_of(entry),
		flags_of(c, entry, flags));
	if (is_incomplete(entry))
		return;
	fprintf(c->out, "%sNBMA address: %s\n", in, nbma_of(entry));
	if (claimed)
		fprintf(c->out, "%s  (Claimed NBMA address: %s)\n", in,
			claimed);
	if (object_has_word(entry, "flags", "no-socket"))
		fputs("    (no-socket)\n", c->out);
}

static void print_nhrp(const struct cli *c, const struct json_object *iface)
{
	for (size_t i = 0; i < object_get_len(iface, "entries"); i++)
		print_cache_entry(c, iface, object_get_at(iface, "entries",
							  i));
}

/* The plain case: a head, then each interface by @print. Takes
 * [ADDR|PREFIX] [NAME]. */
static int view_cache(struct cli *c, const char *type, const char *head,
		      void (*print)(const struct cli *c,
				    const struct json_object *top))
{
	struct filter f = { .v4 = !is_v6(c), .v6 = is_v6(c), .type = type };
	const char *arg = cli_peek(c);

	if (arg && addr_parse_prefix(arg, &f.addr, &f.plen)) {
		cli_next(c);
		f.prefix = strchr(arg, '/');
		if ((f.addr.len == 16) != f.v6)
			return cli_wants(c, "ADDR", f.v6 ? "an IPv6 address" :
					 "an IPv4 address", arg);
	}
	return view_some(c, &f, head, print);
}

static void show_nhrp(const struct cli *c, const struct json_object *top)
{
	each_iface(c, top, print_nhrp);
}

int cmd_ios_nhrp(struct cli *c)
{
	return view_cache(c, NULL, "", show_nhrp);
}

int cmd_ios_nhrp_dynamic(struct cli *c)
{
	return view_cache(c, "dynamic", "", show_nhrp);
}

int cmd_ios_nhrp_static(struct cli *c)
{
	return view_cache(c, "static", "", show_nhrp);
}

int cmd_ios_nhrp_incomplete(struct cli *c)
{
	return view_cache(c, "incomplete", "", show_nhrp);
}

static void print_routes(const struct cli *c, const struct json_object *iface)
{
	for (size_t i = 0; i < object_get_len(iface, "entries"); i++)
		if (is_route(object_get_at(iface, "entries", i)))
			print_cache_entry(c, iface, object_get_at(
						  iface, "entries", i));
}

static void show_shortcuts(const struct cli *c, const struct json_object *top)
{
	each_iface(c, top, print_routes);
}

int cmd_ios_nhrp_shortcut(struct cli *c)
{
	return view_cache(c, NULL, "", show_shortcuts);
}

/* With what IOS shows nowhere: the state and why. */
static void print_nhrp_detail(const struct cli *c,
			      const struct json_object *iface)
{
	const struct json_object *e;
	const char *reason;
	char text[TEXT_LEN];

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		e = object_get_at(iface, "entries", i);
		print_cache_entry(c, iface, e);
		reason = object_get_str(e, "reason");
		fprintf(c->out, "%sState: %s for %s%s%s\n",
			c->xe ? "   " : "  ", object_get_str(e, "state"),
			text_ios(object_get_num(e, "state_seconds"), text),
			reason && *reason ? ", " : "", reason ? reason : "");
	}
}

static void show_nhrp_detail(const struct cli *c, const struct json_object *top)
{
	each_iface(c, top, print_nhrp_detail);
}

int cmd_ios_nhrp_detail(struct cli *c)
{
	return view_cache(c, NULL, "", show_nhrp_detail);
}

/* ---- show ip nhrp brief ---- */

#define STARS "**************************************"
#define EQUALS "======================================"

#define BRIEF_HEAD \
	STARS STARS "\n" \
	"    NOTE: Link-Local, No-socket and Incomplete entries are not " \
		"displayed\n" \
	STARS STARS "\n" \
	"Legend: Type --> S - Static, D - Dynamic\n" \
	"        Flags --> u - unique, r - registered, e - temporary, " \
		"c - claimed\n" \
	"        a - authoritative, t - route\n" \
	EQUALS EQUALS "\n\n" \
	"Intf     NextHop Address                                    " \
		"NBMA Address\n" \
	"         Target Network                              T/Flag\n" \
	"-------- ------------------------------------------- ------ " \
		"----------------\n"

static bool is_link_local(const struct json_object *entry)
{
	struct addr a;

	return addr_parse(object_get_str(entry, "protocol"), &a) &&
	       addr_is_link_local(&a);
}

static void print_brief(const struct cli *c, const struct json_object *iface)
{
	const struct json_object *e;
	char name[32], target[64], flags[8];

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		e = object_get_at(iface, "entries", i);
		if (is_incomplete(e) || is_link_local(e) ||
		    object_has_word(e, "flags", "no-socket"))
			continue;
		snprintf(target, sizeof(target), "%s/%u",
			 object_get_str(e, "protocol"),
			 (unsigned int)object_get_uint(e, "prefix_length"));
		snprintf(flags, sizeof(flags), "%c/%s%s%s%s",
			 toupper((unsigned char)*type_of(e)),
			 object_has_word(e, "flags", "unique") ? "u" : "",
			 object_has_word(e, "flags", "registered") ? "r" : "",
			 object_get_str(e, "nbma_claimed") ? "c" : "",
			 is_route(e) ? "t" : "");
		fprintf(c->out, "%-8s %-43s        %s\n",
			short_name(iface, name), next_hop(iface, e),
			nbma_of(e));
		fprintf(c->out, "         %-43s %-6s\n", target, flags);
	}
}

static void show_brief(const struct cli *c, const struct json_object *top)
{
	each_iface(c, top, print_brief);
}

int cmd_ios_nhrp_brief(struct cli *c)
{
	return view_cache(c, NULL, BRIEF_HEAD, show_brief);
}

/* ---- show ip nhrp multicast ---- */

#define MULTICAST_HEAD "  I/F     NBMA address  \n"

static void print_multicast(const struct cli *c,
			    const struct json_object *iface)
{
	const struct json_object *o;

	for (size_t i = 0; i < object_get_len(iface, "multicast"); i++) {
		o = object_get_at(iface, "multicast", i);
		fprintf(c->out, "%-10s %-15s Flags: %-16s (Enabled)\n",
			object_get_str(iface, "name"),
			object_get_str(o, "nbma"),
			object_get_str(o, "learnt"));
	}
}

/* NBMA peers: the same for both families. */
static void show_multicast(const struct cli *c, const struct json_object *top)
{
	fputs(MULTICAST_HEAD, c->out);
	each_iface(c, top, print_multicast);
}

int cmd_ios_multicast(struct cli *c)
{
	return view_all(c, show_multicast);
}

/* ---- show ip nhrp traffic ---- */

static const struct {
	const char *member, *heading;
} packets[] = {
	{ "resolution_request", "Resolution Request" },
	{ "resolution_reply", "Resolution Reply" },
	{ "registration_request", "Registration Request" },
	{ "registration_reply", "Registration Reply" },
	{ "purge_request", "Purge Request" },
	{ "purge_reply", "Purge Reply" },
	{ "error_indication", "Error Indication" },
	{ "traffic_indication", "Traffic Indication" },
};

/* @suppressed: hairpins that were not told of; no packets. */
static void print_direction(FILE *out, const char *heading,
			    const struct json_object *count,
			    unsigned long long suppressed)
{
	unsigned long long total = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(packets); i++)
		total += object_get_uint(count, packets[i].member);
	fprintf(out, "   %s: Total %llu", heading, total);
	for (unsigned int i = 0; i < ARRAY_SIZE(packets); i++)
		fprintf(out, "%s%llu %s  ", i % 3 ? "" : "\n         ",
			(unsigned long long)object_get_uint(
				count, packets[i].member), packets[i].heading);
	fprintf(out, "%llu Redirect Suppress  \n", suppressed);
}

/* Ours: what was refused, by reason; nothing is dropped in silence. */
static void print_reasons(FILE *out, const char *heading,
			  struct json_object *count)
{
	if (!count)
		return;
	json_object_object_foreach(count, word, value)
		if (json_object_get_uint64(value))
			fprintf(out, "   %s: %llu %s\n", heading,
				(unsigned long long)
				json_object_get_uint64(value), word);
}

static void print_traffic(const struct cli *c, const struct json_object *iface)
{
	const struct json_object *t = object_get(family_of(c, iface),
						 "traffic");

	if (!t)
		return;
	fprintf(c->out, "%s:\n", object_get_str(iface, "name"));
	print_direction(c->out, "Sent", object_get(t, "sent"), object_get_uint(
			object_get(iface, "counters"), "redirect-suppressed"));
	print_direction(c->out, "Rcvd", object_get(t, "received"), 0);
	print_direction(c->out, "Fwd", object_get(t, "forwarded"), 0);
	print_reasons(c->out, "Refused", object_get(t, "refused"));
	print_reasons(c->out, "Rejected", object_get(t, "rejected"));
}

static void show_traffic(const struct cli *c, const struct json_object *top)
{
	each_iface(c, top, print_traffic);
}

int cmd_ios_traffic(struct cli *c)
{
	return view_all(c, show_traffic);
}

/* ---- show ip nhrp summary ---- */

static void print_summary(const struct cli *c, const struct json_object *iface)
{
	unsigned int all = 0, stat = 0, dyn = 0, inc = 0, local = 0;
	unsigned int route = 0, nho = 0;
	const struct json_object *e;

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++) {
		e = object_get_at(iface, "entries", i);
		all++;
		local += is_type(e, "local");
		stat += is_type(e, "static");
		dyn += is_type(e, "dynamic") || is_type(e, "local");
		inc += is_incomplete(e);
		route += is_route(e);
		nho += object_has_word(e, "flags", "nho");
	}
	fprintf(c->out, "%s: %s NHRP cache %u entr%s\n",
		object_get_str(iface, "name"), is_v6(c) ? "IPv6" : "IP", all,
		all == 1 ? "y" : "ies");
	fprintf(c->out, "    %u static   %u dynamic    %u incomplete\n", stat,
		dyn, inc);
	fprintf(c->out, "%u Remote\n", all - local);
	if (route)
		fprintf(c->out, "    %u route\n        %u rib (%u H %u nho)\n",
			route, route, route - nho, nho);
	fprintf(c->out, "%u Local\n", local);
}

static void show_summary(const struct cli *c, const struct json_object *top)
{
	each_iface(c, top, print_summary);
}

int cmd_ios_summary(struct cli *c)
{
	return view_all(c, show_summary);
}
