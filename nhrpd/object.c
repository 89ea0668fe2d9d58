/* SPDX-License-Identifier: GPL-2.0-or-later */
/* object: see object.h. */
#include <string.h>
#include <time.h>

#include "object.h"

struct json_object *object_str(struct json_object *o, const char *key,
			       const char *value)
{
	json_object_object_add(o, key,
			       value ? json_object_new_string(value) : NULL);
	return o;
}

struct json_object *object_int(struct json_object *o, const char *key,
			       int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
	return o;
}

struct json_object *object_new_seconds(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", value);
	return json_object_new_double_s(value, text);
}

struct json_object *object_seconds(struct json_object *o, const char *key,
				   double value)
{
	json_object_object_add(o, key, object_new_seconds(value));
	return o;
}

struct json_object *object_addr(struct json_object *o, const char *key,
				const struct addr *a)
{
	char text[ADDR_STRLEN];

	return object_str(o, key, addr_is_set(a) ? addr_text(a, text) : NULL);
}

struct json_object *object_get(const struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!o || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return v;
}

const char *object_get_str(const struct json_object *o, const char *key)
{
	struct json_object *v = object_get(o, key);

	return json_object_is_type(v, json_type_string) ?
	       json_object_get_string(v) : NULL;
}

double object_get_num(const struct json_object *o, const char *key)
{
	return json_object_get_double(object_get(o, key));
}

uint64_t object_get_uint(const struct json_object *o, const char *key)
{
	return json_object_get_uint64(object_get(o, key));
}

bool object_get_bool(const struct json_object *o, const char *key)
{
	return json_object_get_boolean(object_get(o, key));
}

bool object_is_null(const struct json_object *o, const char *key)
{
	return !object_get(o, key);
}

size_t object_get_len(const struct json_object *o, const char *key)
{
	struct json_object *v = object_get(o, key);

	return json_object_is_type(v, json_type_array) ?
	       json_object_array_length(v) : 0;
}

struct json_object *object_get_at(const struct json_object *o, const char *key,
			   size_t i)
{
	return json_object_array_get_idx(object_get(o, key), i);
}

bool object_has_word(const struct json_object *o, const char *key, const char *word)
{
	for (size_t i = 0; i < object_get_len(o, key); i++) {
		const char *w = json_object_get_string(object_get_at(o, key, i));

		if (w && !strcmp(w, word))
			return true;
	}
	return false;
}

const char *object_get_words(const struct json_object *o, const char *key,
		      const char *sep, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < object_get_len(o, key) && used < size; i++) {
		const char *w = json_object_get_string(object_get_at(o, key, i));

		used += snprintf(buf + used, size - used, "%s%s",
				 i ? sep : "", w ? w : "");
	}
	return buf;
}

struct json_object *envelope_new(void)
{
	struct json_object *o = json_object_new_object();
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	object_int(o, "version", OBJECT_VERSION);
	return object_str(o, "time", text);
}

void object_print(FILE *out, const struct json_object *o)
{
	fprintf(out, "%s\n", json_object_to_json_string_ext(
		(struct json_object *)o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
