/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cell: a member of an object as one cell of a table. */
#ifndef TOOLS_CELL_H
#define TOOLS_CELL_H

#include "../nhrpd/object.h"
#include "text.h"

/* Seconds as "4m 12s"; @none (may be NULL) when it is null. */
void cell_ago(struct table *t, const struct json_object *row, const char *key,
	      const char *none);
/* A number or a word as it is. */
void cell_plain(struct table *t, const struct json_object *row,
		const char *key);
/* "1.2 GiB" */
void cell_bytes(struct table *t, const struct json_object *row,
		const char *key);

/*
 * The member @key with its `prefix_length` behind a slash; no slash when it
 * is a whole address. NULL when it is null. Returns @buf otherwise.
 */
const char *prefix_text(const struct json_object *row, const char *key,
			char buf[64]);

#endif
