/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commands: the functions behind the table in commands.c. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "../nhrpd/object.h"
#include "cli.h"

/* The table: every command, its arguments and its help. */
extern const struct command commands[];

/* link.c */
int cmd_link_add(struct cli *c);
int cmd_link_set(struct cli *c);
int cmd_link_del(struct cli *c);
int cmd_link_show(struct cli *c);
/* peer.c */
int cmd_peer_add(struct cli *c);
int cmd_peer_set(struct cli *c);
int cmd_peer_del(struct cli *c);
int cmd_peer_flush(struct cli *c);
int cmd_peer_show(struct cli *c);
/* shortcut.c */
int cmd_shortcut_add(struct cli *c);
int cmd_shortcut_del(struct cli *c);
int cmd_shortcut_flush(struct cli *c);
int cmd_shortcut_show(struct cli *c);
/* path.c, why.c */
int cmd_path(struct cli *c);
int cmd_why(struct cli *c);
/* kernel.c */
int cmd_show_kernel(struct cli *c);
int cmd_show_drops(struct cli *c);
int cmd_show_counters(struct cli *c);
/* ipsec.c */
int cmd_show_ipsec(struct cli *c);
#define CRYPTO_NONE \
	"nhrpd makes no SAs: no tunnel has a 'crypto ipsec profile' section\n"
/* crypto.c */
int cmd_crypto_sa(struct cli *c);
int cmd_crypto_ikev2(struct cli *c);
int cmd_crypto_session(struct cli *c);
int cmd_crypto_session_detail(struct cli *c);
int cmd_clear_ipsec(struct cli *c);
/* show.c */
int cmd_show(struct cli *c);
/* ios.c: Cisco's own views */
int cmd_ios_dmvpn(struct cli *c);
int cmd_ios_dmvpn_detail(struct cli *c);
int cmd_ios_nhrp(struct cli *c);
int cmd_ios_nhrp_dynamic(struct cli *c);
int cmd_ios_nhrp_static(struct cli *c);
int cmd_ios_nhrp_incomplete(struct cli *c);
int cmd_ios_nhrp_brief(struct cli *c);
int cmd_ios_nhrp_detail(struct cli *c);
int cmd_ios_nhrp_shortcut(struct cli *c);
int cmd_ios_multicast(struct cli *c);
int cmd_ios_nhs(struct cli *c);
int cmd_ios_nhs_detail(struct cli *c);
int cmd_ios_nhs_redundancy(struct cli *c);
int cmd_ios_traffic(struct cli *c);
int cmd_ios_summary(struct cli *c);
/* cef.c */
int cmd_ios_cef(struct cli *c);
/* monitor.c */
int cmd_monitor(struct cli *c);
/* One event as a line, without its time. */
void monitor_print(FILE *out, const struct json_object *event);
/* daemon.c */
int cmd_clear(struct cli *c);
int cmd_reload(struct cli *c);
int cmd_nhs(struct cli *c);
int cmd_config_check(struct cli *c);
/* commands.c */
int cmd_help(struct cli *c);
int cmd_version(struct cli *c);

#endif
