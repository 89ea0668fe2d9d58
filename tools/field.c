/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field: see field.h. What the kernel sends is checked for its length here. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/netlink.h>

#include "field.h"
#include "netlink.h"

static struct json_object *read_addr(const struct nlattr *a, bool any_is_null)
{
	struct addr addr = addr_from(mnl_attr_get_payload(a),
				     mnl_attr_get_payload_len(a));
	char text[ADDR_STRLEN];

	if (!addr_is_set(&addr) || (any_is_null && addr_is_any(&addr)))
		return NULL;
	return json_object_new_string(addr_text(&addr, text));
}

/* The rows of a table mostly have the same one: asked for once a second. */
static const char *dev_name(unsigned int ifindex)
{
	static char name[IF_NAMESIZE];
	static unsigned int last;
	static time_t at;
	time_t now = time(NULL);

	if (ifindex == last && now == at)
		return name;
	/* It may live in another namespace. */
	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "if%u", ifindex);
	last = ifindex;
	at = now;
	return name;
}

static struct json_object *read_dev(const struct nlattr *a)
{
	unsigned int ifindex = nl_uint(a);

	return ifindex ? json_object_new_string(dev_name(ifindex)) : NULL;
}

static struct json_object *read_hex(const struct nlattr *a)
{
	const uint8_t *p = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);
	struct json_object *o;
	char *text;

	if (!len)
		return NULL;
	text = calloc(2, len + 1);
	for (size_t i = 0; text && i < len; i++)
		sprintf(text + 2 * i, "%02x", p[i]);
	o = text ? json_object_new_string(text) : NULL;
	free(text);
	return o;
}

/* A number that this build has no word for still shows. */
static const char *word_or_number(const struct words *w, unsigned int i,
				  char buf[16])
{
	const char *word = word_of(w, i);

	if (word)
		return word;
	snprintf(buf, 16, "unknown-%u", i);
	return buf;
}

static struct json_object *read_bits(uint32_t bits, const struct words *w)
{
	struct json_object *list = json_object_new_array();
	char buf[16];

	for (unsigned int i = 0; i < 32; i++)
		if (bits & (1u << i))
			json_object_array_add(list, json_object_new_string(
				word_or_number(w, i, buf)));
	return list;
}

static struct json_object *read_flags(const struct nlattr *a,
				      const struct words *w)
{
	struct nla_bitfield32 b = {};

	if (mnl_attr_get_payload_len(a) >= sizeof(b))
		memcpy(&b, mnl_attr_get_payload(a), sizeof(b));
	return read_bits(b.value, w);
}

static struct json_object *read_counters(const struct nlattr *a,
					 const struct words *w)
{
	struct json_object *o = json_object_new_object();
	const char *p = mnl_attr_get_payload(a);
	unsigned int n = mnl_attr_get_payload_len(a) / sizeof(uint64_t);
	char buf[16];
	uint64_t v;

	for (unsigned int i = 1; i < n; i++) {
		memcpy(&v, p + i * sizeof(v), sizeof(v));
		json_object_object_add(o, word_or_number(w, i, buf),
				       json_object_new_uint64(v));
	}
	return o;
}

static struct json_object *read_string(const struct nlattr *a)
{
	const char *p = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);

	return json_object_new_string_len(p, strnlen(p, len));
}

static struct json_object *read_field(const struct nlattr *a,
				      const struct field *f)
{
	char buf[16];

	switch (f->kind) {
	case FIELD_UINT:
		return json_object_new_uint64(nl_uint(a));
	case FIELD_NONZERO:
		return nl_uint(a) ? json_object_new_uint64(nl_uint(a)) : NULL;
	case FIELD_BOOL:
		return json_object_new_boolean(nl_uint(a) != 0);
	case FIELD_ADDR:
		return read_addr(a, false);
	case FIELD_ADDR_OR_ANY:
		return read_addr(a, true);
	case FIELD_SECONDS:
		return object_new_seconds(nl_uint(a) / 1000.0);
	case FIELD_SECONDS_NONZERO:
		return nl_uint(a) ? object_new_seconds(nl_uint(a) / 1000.0) : NULL;
	case FIELD_DEV:
		return read_dev(a);
	case FIELD_STRING:
		return read_string(a);
	case FIELD_HEX:
		return read_hex(a);
	case FIELD_WORD:
		return json_object_new_string(
			word_or_number(f->words, nl_uint(a), buf));
	case FIELD_BITS:
		return read_bits(nl_uint(a), f->words);
	case FIELD_FLAGS:
		return read_flags(a, f->words);
	case FIELD_COUNTERS:
		return read_counters(a, f->words);
	}
	return NULL;
}

struct json_object *field_object(const struct nlattr *const *tb,
				const struct field *f, unsigned int n)
{
	struct json_object *o = json_object_new_object();

	for (; n; n--, f++)
		json_object_object_add(o, f->name, tb[f->attr] ?
				       read_field(tb[f->attr], f) : NULL);
	return o;
}
