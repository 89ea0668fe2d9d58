/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link: devices over rtnetlink; what the `ip` plug-in shares with `dmvpn`. */
#ifndef TOOLS_LINK_H
#define TOOLS_LINK_H

#include <stdio.h>

#include <json-c/json.h>

struct cli;
struct nl;
struct nlattr;
struct nlmsghdr;

/*
 * All devices of our kind, or the one called @name: an array for the caller
 * to put, empty when there is none; NULL with a message in nl->error. @nl is
 * of nl_open_route().
 */
struct json_object *link_read(struct nl *nl, const char *name);

/*
 * Settings from the arguments left in @c, put into @h as they stand in
 * IFLA_INFO_DATA. CLI_OK, or the exit code after a complaint.
 */
int link_put_settings(struct cli *c, struct nlmsghdr *h);
/* IFLA_INFO_DATA's attributes as a new object, as `link show -j` has them. */
struct json_object *link_settings(const struct nlattr *const *tb);
/* The same as text, " local 1.1.1.1 remote any" and so on. */
void link_print_settings(FILE *out, const struct json_object *o);

#endif
