/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field: netlink attributes become members of an object, by a table. */
#ifndef TOOLS_FIELD_H
#define TOOLS_FIELD_H

#include "../nhrpd/object.h"
#include "words.h"

struct nlattr;

enum field_kind {
	FIELD_UINT,			/* u8 to u64 */
	FIELD_NONZERO,			/* the same, 0 is null */
	FIELD_BOOL,
	FIELD_ADDR,
	FIELD_ADDR_OR_ANY,		/* all bits zero is null */
	FIELD_SECONDS,			/* from ms */
	FIELD_SECONDS_NONZERO,		/* from ms, 0 is null */
	FIELD_DEV,			/* ifindex to name, 0 is null */
	FIELD_STRING,
	FIELD_HEX,			/* opaque bytes */
	FIELD_WORD,			/* enum, by @words */
	FIELD_BITS,			/* u32, by @words */
	FIELD_FLAGS,			/* bitfield32, by @words */
	FIELD_COUNTERS,			/* u64 array, by @words */
};

/* How one netlink attribute becomes one member of an object. */
struct field {
	uint16_t attr;
	const char *name;
	enum field_kind kind;
	const struct words *words;
};

/* A new object from the attributes @tb, indexed by type. */
struct json_object *field_object(const struct nlattr *const *tb,
				const struct field *f, unsigned int n);

#endif
