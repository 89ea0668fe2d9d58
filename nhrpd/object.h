/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * object: what daemon and command tell each other and the operator is a JSON
 * object; text is printed from the object, so that nothing exists in one form
 * only. Linked into both.
 *
 * Conventions (also in Documentation/cli.md): units are in the names
 * (`expires_seconds`), times are seconds with milliseconds as fraction, "ago"
 * or "from now"; a key is always there, null when it does not apply; flags
 * are arrays of words.
 */
#ifndef NHRPD_OBJECT_H
#define NHRPD_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "addr.h"

#define OBJECT_VERSION 1

/* Members; strings may be NULL, which is null. They return @o. */
struct json_object *object_str(struct json_object *o, const char *key,
			       const char *value);
struct json_object *object_int(struct json_object *o, const char *key,
			       int64_t value);
struct json_object *object_seconds(struct json_object *o, const char *key,
				   double value);
/* "none" is null. */
struct json_object *object_addr(struct json_object *o, const char *key,
				const struct addr *a);

/* A number of seconds, printed with milliseconds. */
struct json_object *object_new_seconds(double value);

/* Reading: what is absent or of another type is NULL, 0 or false. */
struct json_object *object_get(const struct json_object *o, const char *key);
const char *object_get_str(const struct json_object *o, const char *key);
double object_get_num(const struct json_object *o, const char *key);
uint64_t object_get_uint(const struct json_object *o, const char *key);
bool object_get_bool(const struct json_object *o, const char *key);
bool object_is_null(const struct json_object *o, const char *key);
/* The array's members; a missing one has none. */
size_t object_get_len(const struct json_object *o, const char *key);
struct json_object *object_get_at(const struct json_object *o, const char *key,
			   size_t i);
/* The array of words @key has @word. */
bool object_has_word(const struct json_object *o, const char *key, const char *word);
/* The array of words, joined by @sep. */
const char *object_get_words(const struct json_object *o, const char *key,
		      const char *sep, char *buf, size_t size);

/* {"version":1,"time":"2026-11-21T20:00:00Z"}: the head of every answer. */
struct json_object *envelope_new(void);
/* One line, as all JSON output is. */
void object_print(FILE *out, const struct json_object *o);

#endif
