/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commands: the one table of what `dmvpn` can do, from which come parsing,
 * abbreviations, usage lines and help.
 */
#include "commands.h"

#ifndef DMVPN_VERSION
#define DMVPN_VERSION "unversioned"
#endif

#define LINK_SETTINGS \
	"[family ipv4|ipv6] [local A|any|dev IF] [remote A|any]\n" \
	"          [link IF|none] [key N|none] [ttl N|inherit] [tos N|inherit]\n" \
	"          [df set|inherit|unset] [mark N] [mark-mask N] [network-id N]\n" \
	"          [accept any|known] [fallback nhs|drop]\n" \
	"          [max-peers N] [max-neighs N] [max-shortcuts N] [nhrp-rate N]\n" \
	"          [redirect-interval S] [oneway-interval S] [ipsec required|off]\n" \
	"          [pointopoint on|off] [redirect on|off] [strict-source on|off]\n" \
	"          [mtu N] [up|down]"

#define PEER_SETTINGS \
	"[mark N] [expires S] [refresh S] [static] [unconfirmed]\n" \
	"          [reject] [registered] [unique] [hub] [nhs] [multicast] [priority N]\n" \
	"          [mtu N] [classid N]"

#define CACHE "[ADDR|PREFIX] [NAME]"

/* Cisco's views of NHRP, the same for either family. */
#define NHRP_VIEWS(ip) \
	{ "show " ip " nhrp", CACHE, "as on IOS: the NHRP cache", \
	  cmd_ios_nhrp, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp dynamic", CACHE, "entries that were learnt", \
	  cmd_ios_nhrp_dynamic, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp static", CACHE, "entries that are configured", \
	  cmd_ios_nhrp_static, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp incomplete", CACHE, "entries that are asked for", \
	  cmd_ios_nhrp_incomplete, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp brief", CACHE, "as on IOS", cmd_ios_nhrp_brief, \
	  CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp detail", CACHE, "as on IOS", \
	  cmd_ios_nhrp_detail, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp shortcut", CACHE, \
	  "as on IOS: prefixes that shortcuts lead to", \
	  cmd_ios_nhrp_shortcut, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp multicast", "[NAME]", \
	  "as on IOS: who gets copies of multicast", cmd_ios_multicast, \
	  CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp nhs", "[NAME]", "as on IOS: next hop servers", \
	  cmd_ios_nhs, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp nhs detail", "[NAME]", "as on IOS", \
	  cmd_ios_nhs_detail, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp nhs redundancy", "[NAME]", \
	  "as on IOS: which servers are active", cmd_ios_nhs_redundancy, \
	  CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp traffic", "[NAME]", \
	  "as on IOS: packets by type", cmd_ios_traffic, CLI_TAKES_STYLE }, \
	{ "show " ip " nhrp summary", "[NAME]", \
	  "as on IOS: entries by type", cmd_ios_summary, CLI_TAKES_STYLE }, \
	{ "show " ip " cef", "ADDR [dev NAME]", \
	  "as on IOS: the route, or the shortcut that overrides it", \
	  cmd_ios_cef, CLI_TAKES_STYLE }

const struct command commands[] = {
	{ "", "", "the same as show", cmd_show, CLI_TAKES_STYLE },
	{ "show", "[NAME]", "one line per peer, all layers joined",
	  cmd_show, CLI_TAKES_STYLE },
	{ "show dmvpn", "[NAME]", "as on IOS", cmd_ios_dmvpn,
	  CLI_TAKES_STYLE },
	{ "show dmvpn detail", "[NAME]", "as on IOS", cmd_ios_dmvpn_detail,
	  CLI_TAKES_STYLE },
	{ "show dmvpn ipv4", "[NAME]", "the same, one family", cmd_ios_dmvpn,
	  CLI_TAKES_STYLE },
	{ "show dmvpn ipv4 detail", "[NAME]", "as on IOS",
	  cmd_ios_dmvpn_detail, CLI_TAKES_STYLE },
	{ "show dmvpn ipv6", "[NAME]", "the same, one family", cmd_ios_dmvpn,
	  CLI_TAKES_STYLE },
	{ "show dmvpn ipv6 detail", "[NAME]", "as on IOS",
	  cmd_ios_dmvpn_detail, CLI_TAKES_STYLE },
	NHRP_VIEWS("ip"),
	NHRP_VIEWS("ipv6"),
	{ "show ipsec", "", "SAs by peer, and why one has none",
	  cmd_show_ipsec, CLI_TAKES_STYLE },
	{ "show crypto ipsec sa", "[peer ADDR]", "as on IOS: SAs",
	  cmd_crypto_sa, CLI_TAKES_STYLE },
	{ "show crypto ikev2 sa", "[peer ADDR]", "as on IOS: IKE_SAs",
	  cmd_crypto_ikev2, CLI_TAKES_STYLE },
	{ "show crypto session", "[peer ADDR]", "as on IOS: one block a peer",
	  cmd_crypto_session, CLI_TAKES_STYLE },
	{ "show crypto session detail", "[peer ADDR]", "as on IOS",
	  cmd_crypto_session_detail, CLI_TAKES_STYLE },
	{ "show shortcut", "[NAME]", "the kernel's shortcuts",
	  cmd_shortcut_show, 0 },
	{ "show kernel", "[NAME]", "what the module holds and counts",
	  cmd_show_kernel, 0 },
	{ "show drops", "[NAME]", "packets dropped, by reason",
	  cmd_show_drops, 0 },
	{ "show counters", "[NAME]", "what else the module counts",
	  cmd_show_counters, 0 },
	{ "link add", "NAME " LINK_SETTINGS,
	  "create a device", cmd_link_add, 0 },
	{ "link set", "NAME " LINK_SETTINGS,
	  "change a device while it works", cmd_link_set, 0 },
	{ "link del", "NAME", "delete a device", cmd_link_del, 0 },
	{ "link show", "[NAME]", "devices and how they encapsulate",
	  cmd_link_show, 0 },
	{ "peer add", "NAME [ADDR] nbma N " PEER_SETTINGS,
	  "a neighbour and its peer, straight into the kernel",
	  cmd_peer_add, 0 },
	{ "peer set", "NAME ADDR|nbma N [nbma N] [no] " PEER_SETTINGS,
	  "change one; what is not named stays", cmd_peer_set, 0 },
	{ "peer del", "NAME ADDR|nbma N [mark N]",
	  "delete a neighbour, or a peer with its neighbours",
	  cmd_peer_del, 0 },
	{ "peer flush", "NAME [nbma N [mark N]]",
	  "delete all neighbours that are not static", cmd_peer_flush, 0 },
	{ "peer show", "[NAME] [ADDR]", "the kernel's neighbours and peers",
	  cmd_peer_show, 0 },
	{ "shortcut add", "PREFIX nexthop A [via A] [expires S] [refresh S] dev NAME",
	  "a prefix behind a neighbour, straight into the kernel",
	  cmd_shortcut_add, CLI_WHOLE },
	{ "shortcut del", "PREFIX dev NAME", "delete one", cmd_shortcut_del,
	  CLI_WHOLE },
	{ "shortcut flush", "dev NAME", "delete all", cmd_shortcut_flush,
	  CLI_WHOLE },
	{ "shortcut show", "[dev NAME]", "the kernel's shortcuts",
	  cmd_shortcut_show, CLI_WHOLE },
	{ "path", "ADDR [dev NAME] [nexthop A]",
	  "where a packet goes, in one sentence", cmd_path, CLI_TAKES_STYLE },
	{ "why", "ADDR [dev NAME] [nexthop A]",
	  "the same, layer by layer", cmd_why, CLI_TAKES_STYLE },
	{ "nhs", "ADDR drain|undrain [dev NAME]",
	  "send nothing through a server before its maintenance", cmd_nhs, 0 },
	{ "monitor", "[--count N] [--timeout S]",
	  "events of kernel and daemon as they come", cmd_monitor,
	  CLI_TAKES_COUNT },
	{ "clear", "[NAME] [ADDR|PREFIX|all]",
	  "forget learnt entries, register anew", cmd_clear, 0 },
	{ "clear ip nhrp", "[NAME] [ADDR|PREFIX|all]", "the same, IPv4 only",
	  cmd_clear, 0 },
	{ "clear ipv6 nhrp", "[NAME] [ADDR|PREFIX|all]",
	  "the same, IPv6 only", cmd_clear, 0 },
	{ "clear ipsec", "[ADDR]", "end SAs; who is needed comes back",
	  cmd_clear_ipsec, 0 },
	{ "clear crypto sa", "[peer ADDR]", "the same, as on IOS",
	  cmd_clear_ipsec, 0 },
	{ "reload", "", "read the configuration again", cmd_reload, 0 },
	{ "config apply", "", "the same as reload", cmd_reload, 0 },
	{ "config check", "FILE", "read a configuration, change nothing",
	  cmd_config_check, 0 },
	{ "help", "[COMMAND]", "this list, or one command's usage",
	  cmd_help, 0 },
	{ "version", "", "the version of this command", cmd_version, 0 },
	{ }
};

static int help_one(struct cli *c)
{
	const struct command *command;
	char err[256];
	int used;

	command = cli_find(c->table, c->argc, c->argv, &used, err,
			   sizeof(err));
	if (!command)
		return cli_usage(c, "%s", err);
	fprintf(c->out, "dmvpn %s %s\n    %s\n", command->words,
		command->args, command->help);
	return CLI_OK;
}

int cmd_help(struct cli *c)
{
	if (c->argc)
		return help_one(c);
	fputs("usage: dmvpn [-j] [-S SOCKET] [COMMAND [ARGUMENTS]]\n"
	      "Words may be abbreviated; -j prints JSON.\n\n", c->out);
	for (const struct command *i = c->table; i->words; i++)
		fprintf(c->out, "  %-30s  %s\n", *i->words ? i->words : "-",
			i->help);
	fputs("\nexit status: 0 ok, 1 something is down, 2 usage, "
	      "3 daemon or module\nunreachable, 4 refused\n", c->out);
	return CLI_OK;
}

int cmd_version(struct cli *c)
{
	struct json_object *o;

	if (cli_done(c))
		return CLI_USAGE;
	if (!c->json) {
		fprintf(c->out, "dmvpn %s\n", DMVPN_VERSION);
		return CLI_OK;
	}
	o = object_str(envelope_new(), "dmvpn", DMVPN_VERSION);
	object_print(c->out, o);
	json_object_put(o);
	return CLI_OK;
}
