/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici_msg: the packets of charon's VICI protocol, built and read. No I/O.
 *
 * A packet is a type, for some types a name, and elements: KEY = value, lists
 * of values, and sections, which hold elements again. Packets are checked once
 * and whole by vici_read(); what the other readers walk is well formed then.
 * Depth, sizes and counts are bounded; nothing is allocated and nothing calls
 * itself.
 */
#ifndef NHRPD_VICI_MSG_H
#define NHRPD_VICI_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define VICI_HEADER	4		/* a packet's length, big endian */
#define VICI_PACKET_MAX	(512 * 1024)	/* charon's own limit */
#define VICI_DEPTH_MAX	8		/* of sections; charon uses 4 */

enum vici_type {
	VICI_CMD_REQUEST,
	VICI_CMD_RESPONSE,
	VICI_CMD_UNKNOWN,
	VICI_EVENT_REGISTER,
	VICI_EVENT_UNREGISTER,
	VICI_EVENT_CONFIRM,
	VICI_EVENT_UNKNOWN,
	VICI_EVENT,
	__VICI_TYPE_MAX
};

/* ---- building ---- */

struct vici_writer {
	uint8_t *buf;
	size_t len, size;
	unsigned int depth;		/* open sections */
	bool list;			/* an open list */
	int error;			/* the first one; all else is skipped */
};

/*
 * Begins a packet in @buf, header included; @name NULL for types without one.
 * Errors are kept in the writer until vici_finish().
 */
void vici_start(struct vici_writer *w, uint8_t *buf, size_t size,
		enum vici_type type, const char *name);
/* @key NULL within a list: an item. Values are text; at most 65535 bytes. */
void vici_put(struct vici_writer *w, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void vici_put_section(struct vici_writer *w, const char *name);
void vici_put_list(struct vici_writer *w, const char *name);
/* Ends the list, or else the section, that was begun last. */
void vici_put_end(struct vici_writer *w);
/* A list of one item. */
void vici_put_one(struct vici_writer *w, const char *name, const char *value);
/* The packet's length with its header; -EMSGSIZE: @buf is too small or a name
 * too long, -EINVAL: sections and lists do not match. */
int vici_finish(struct vici_writer *w);

/* ---- reading ---- */

struct vici_str {			/* not terminated; may hold any byte */
	const char *b;
	size_t len;
};

struct vici_body {			/* the elements of one section */
	const uint8_t *p, *end;
};

struct vici_packet {
	enum vici_type type;
	struct vici_str name;		/* empty for types without one */
	struct vici_body body;
};

/*
 * The length of the packet that begins at @head (VICI_HEADER bytes), header
 * not included; -EMSGSIZE: longer than VICI_PACKET_MAX, or empty.
 */
int vici_length(const uint8_t *head);
/*
 * Reads a packet of @len bytes, header not included. *p points into @buf.
 * -EBADMSG: truncated, an unknown type or element, nested too deep, lists and
 * sections that do not match.
 */
int vici_read(const uint8_t *buf, size_t len, struct vici_packet *p);

bool vici_str_is(const struct vici_str *s, const char *text);
/* Takes the next section of *at out of it; false: no more. */
bool vici_next_section(struct vici_body *at, struct vici_str *name,
		       struct vici_body *section);
/* The first section of that name. */
bool vici_find_section(const struct vici_body *at, const char *name,
		       struct vici_body *section);

/* The first list of that name; its items. */
bool vici_find_list(const struct vici_body *at, const char *name,
		    struct vici_body *items);
bool vici_next_item(struct vici_body *items, struct vici_str *value);

enum vici_kind {
	VICI_TEXT,			/* char[size]; cut, other than printable as '?' */
	VICI_YES,			/* bool: the value is "yes" */
	VICI_U32,			/* uint32_t, decimal */
	VICI_U64,			/* uint64_t, decimal */
	VICI_HEX32,			/* uint32_t, hexadecimal without 0x */
	VICI_HEX64,			/* uint64_t, the same */
	VICI_ADDR,			/* struct addr; "%any": none */
	VICI_ONLY,			/* char[size]: the one item of a list */
};

/* A table of these says which keys of a section go where in a struct. */
struct vici_field {
	const char *key;
	enum vici_kind kind;
	size_t off, size;
};

#define VICI_FIELD(s, member, k, word) \
	{ (word), (k), offsetof(struct s, member), \
	  sizeof(((struct s *)0)->member) }

/*
 * Reads the keys of @table (@n lines) that stand in *at itself, not in its
 * sections, into the struct @to; what is absent stays as it is. NULL, or the
 * first key whose value makes no sense; the field stays as it is then and the
 * others are read.
 */
const char *vici_fields(const struct vici_body *at,
			const struct vici_field *table, size_t n, void *to);

#endif
