/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commands: the functions behind the table in commands.c. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

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
/* kernel.c */
int cmd_show_kernel(struct cli *c);
int cmd_show_drops(struct cli *c);
int cmd_show_counters(struct cli *c);
/* show.c */
int cmd_show(struct cli *c);
/* ios.c: Cisco's own views */
int cmd_ios_dmvpn(struct cli *c);
int cmd_ios_dmvpn_detail(struct cli *c);
int cmd_ios_nhrp(struct cli *c);
int cmd_ios_nhrp_brief(struct cli *c);
int cmd_ios_nhrp_detail(struct cli *c);
int cmd_ios_nhs(struct cli *c);
int cmd_ios_nhs_detail(struct cli *c);
int cmd_ios_traffic(struct cli *c);
int cmd_ios_summary(struct cli *c);
/* monitor.c */
int cmd_monitor(struct cli *c);
/* daemon.c */
int cmd_clear(struct cli *c);
int cmd_reload(struct cli *c);
int cmd_config_check(struct cli *c);
/* commands.c */
int cmd_help(struct cli *c);
int cmd_version(struct cli *c);

#endif
