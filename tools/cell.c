/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cell: see cell.h. */
#include <string.h>

#include "cell.h"

void cell_ago(struct table *t, const struct json_object *row, const char *key,
	      const char *none)
{
	char buf[TEXT_LEN];

	table_cell(t, object_is_null(row, key) ? none :
		   text_ago(object_get_num(row, key), buf));
}

void cell_plain(struct table *t, const struct json_object *row,
		const char *key)
{
	struct json_object *v = object_get(row, key);

	table_cell(t, v ? json_object_get_string(v) : NULL);
}

void cell_bytes(struct table *t, const struct json_object *row,
		const char *key)
{
	char buf[TEXT_LEN];

	table_cell(t, object_is_null(row, key) ? NULL :
		   text_bytes(object_get_uint(row, key), buf));
}

const char *prefix_text(const struct json_object *row, const char *key,
			char buf[64])
{
	unsigned int plen = object_get_uint(row, "prefix_length");
	const char *text = object_get_str(row, key);

	if (!text)
		return NULL;
	if (object_is_null(row, "prefix_length") ||
	    plen == (strchr(text, ':') ? 128 : 32))
		snprintf(buf, 64, "%s", text);
	else
		snprintf(buf, 64, "%s/%u", text, plen);
	return buf;
}
