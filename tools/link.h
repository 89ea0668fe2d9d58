/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link: devices as rtnetlink shows them. */
#ifndef TOOLS_LINK_H
#define TOOLS_LINK_H

#include <json-c/json.h>

struct nl;

/*
 * All devices of our kind, or the one called @name: an array for the caller
 * to put, empty when there is none; NULL with a message in nl->error. @nl is
 * of nl_open_route().
 */
struct json_object *link_read(struct nl *nl, const char *name);

#endif
