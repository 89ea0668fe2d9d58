/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path: where a packet to an address goes, asked of the FIB and of the module
 * (DMVPN_CMD_PATH_GET): for `path`, `why` and `show ip cef`.
 */
#ifndef TOOLS_PATH_H
#define TOOLS_PATH_H

#include "../nhrpd/object.h"
#include "cli.h"

/*
 * Takes ADDR [dev NAME] [nexthop A] from the arguments and asks, or reads
 * --from. CLI_OK with an object in *top, for the caller to put, or the exit
 * code after a complaint. Its members: `destination`, `interface` (null: no
 * dmvpn device), `ifindex`, `nexthop`, `how`, `nbma`, `mark`, `prefix`,
 * `prefix_length`, `drop` (DMVPN_PATH_A_*), and `route`, `shortcut`,
 * `neighbour`, `peer`: each an object, or null when there is none.
 */
int path_read(struct cli *c, struct json_object **top);

/* "shortcut 10.5.5.0/24 to 10.0.0.5 at 150.1.5.5"; returns @buf. */
const char *path_text(const struct json_object *top, char buf[256]);
/* "10.0.0.0/8 via 10.0.0.3 dev Tunnel0 proto bgp"; returns @buf. */
const char *path_route_text(const struct json_object *route, char buf[256]);
/* CLI_DOWN when a packet would be lost. */
int path_code(const struct json_object *top);
/* The member `how` is @word. */
bool path_is(const struct json_object *top, const char *word);

#endif
