/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show: what the daemon has to show, for `show` and for Cisco's views. */
#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H

#include "../nhrpd/object.h"
#include "cli.h"

/*
 * The daemon's answer to `show`, or the file of --from, for the caller to put.
 * Takes an optional [NAME] from the arguments and leaves only that interface.
 * CLI_OK, or the exit code after a complaint.
 */
int show_read(struct cli *c, struct json_object **top);

/* An address, or a prefix, is of IPv6. */
bool show_is_v6(const char *address);

/* Not registered with, since others have the connections of its cluster. */
bool show_nhs_waits(const struct json_object *nhs);

#endif
