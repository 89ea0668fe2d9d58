/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici_msg: VICI packets (strongSwan's vici/README.md), pure. Called by vici.c,
 * which moves them, and by charon.c, which knows what they mean.
 *
 * An element is a type byte, then a name of 8 bits' length (sections, lists,
 * keys) and a value of 16 bits' length (keys, items). next_element() alone
 * looks at bytes, everything else walks by it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vici_msg.h"

#define NAME_MAX_LEN	255
#define VALUE_MAX_LEN	65535

enum element_type {
	SECTION_START = 1,
	SECTION_END,
	KEY_VALUE,
	LIST_START,
	LIST_ITEM,
	LIST_END,
	__ELEMENT_MAX
};

static const struct {
	bool name, value;
} elements[__ELEMENT_MAX] = {
	[SECTION_START]	= { true, false },
	[KEY_VALUE]	= { true, true },
	[LIST_START]	= { true, false },
	[LIST_ITEM]	= { false, true },
};

static const bool type_has_name[__VICI_TYPE_MAX] = {
	[VICI_CMD_REQUEST]	= true,
	[VICI_EVENT_REGISTER]	= true,
	[VICI_EVENT_UNREGISTER]	= true,
	[VICI_EVENT]		= true,
};

/* ---- building ---- */

static void fail(struct vici_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

static void put_bytes(struct vici_writer *w, const void *b, size_t len)
{
	if (w->error)
		return;
	if (len > w->size - w->len) {
		fail(w, -EMSGSIZE);
		return;
	}
	memcpy(w->buf + w->len, b, len);
	w->len += len;
}

static void put_byte(struct vici_writer *w, uint8_t b)
{
	put_bytes(w, &b, 1);
}

static void put_name(struct vici_writer *w, const char *name)
{
	size_t len = strlen(name);

	if (len > NAME_MAX_LEN) {
		fail(w, -EMSGSIZE);
		return;
	}
	put_byte(w, len);
	put_bytes(w, name, len);
}

void vici_start(struct vici_writer *w, uint8_t *buf, size_t size,
		enum vici_type type, const char *name)
{
	static const uint8_t header[VICI_HEADER];

	*w = (struct vici_writer){ .buf = buf, .size = size };
	if (type >= __VICI_TYPE_MAX || type_has_name[type] != !!name)
		fail(w, -EINVAL);
	put_bytes(w, header, sizeof(header));
	put_byte(w, type);
	if (name)
		put_name(w, name);
}

void vici_put(struct vici_writer *w, const char *key, const char *fmt, ...)
{
	size_t at, room;
	va_list args;
	int len;

	if (!key != w->list)
		fail(w, -EINVAL);
	put_byte(w, key ? KEY_VALUE : LIST_ITEM);
	if (key)
		put_name(w, key);
	at = w->len;
	put_bytes(w, "\0", 2);
	if (w->error)
		return;
	room = w->size - w->len;
	va_start(args, fmt);
	len = vsnprintf((char *)w->buf + w->len, room, fmt, args);
	va_end(args);
	/* its closing NUL must fit too, though it is not sent */
	if (len < 0 || len > VALUE_MAX_LEN || (size_t)len >= room) {
		fail(w, -EMSGSIZE);
		return;
	}
	w->buf[at] = len >> 8;
	w->buf[at + 1] = len & 0xff;
	w->len += len;
}

void vici_put_section(struct vici_writer *w, const char *name)
{
	if (w->list || w->depth == VICI_DEPTH_MAX)
		fail(w, -EINVAL);
	put_byte(w, SECTION_START);
	put_name(w, name);
	w->depth++;
}

void vici_put_list(struct vici_writer *w, const char *name)
{
	if (w->list)
		fail(w, -EINVAL);
	put_byte(w, LIST_START);
	put_name(w, name);
	w->list = true;
}

void vici_put_end(struct vici_writer *w)
{
	if (w->list) {
		put_byte(w, LIST_END);
		w->list = false;
		return;
	}
	if (!w->depth) {
		fail(w, -EINVAL);
		return;
	}
	put_byte(w, SECTION_END);
	w->depth--;
}

void vici_put_one(struct vici_writer *w, const char *name, const char *value)
{
	vici_put_list(w, name);
	vici_put(w, NULL, "%s", value);
	vici_put_end(w);
}

int vici_finish(struct vici_writer *w)
{
	uint32_t len = w->len - VICI_HEADER;

	if (w->depth || w->list)
		fail(w, -EINVAL);
	if (w->len > VICI_HEADER + VICI_PACKET_MAX)
		fail(w, -EMSGSIZE);
	if (w->error)
		return w->error;
	for (int i = 0; i < VICI_HEADER; i++)
		w->buf[i] = len >> (8 * (VICI_HEADER - 1 - i));
	return w->len;
}

/* ---- reading ---- */

struct element {
	enum element_type type;
	struct vici_str name, value;
};

/* Takes a string behind a length of @lensize bytes. */
static bool take_str(struct vici_body *at, unsigned int lensize,
		     struct vici_str *s)
{
	size_t left = at->end - at->p, len;

	if (left < lensize)
		return false;
	len = at->p[0];
	if (lensize == 2)
		len = len << 8 | at->p[1];
	if (len > left - lensize)
		return false;
	s->b = (const char *)at->p + lensize;
	s->len = len;
	at->p += lensize + len;
	return true;
}

/* False: the end, or nonsense; only there at->p is not at->end. */
static bool next_element(struct vici_body *at, struct element *e)
{
	struct vici_body from = *at;

	*e = (struct element){ 0 };
	if (from.p == from.end)
		return false;
	e->type = *from.p++;
	if (!e->type || e->type >= __ELEMENT_MAX)
		return false;
	if (elements[e->type].name && !take_str(&from, 1, &e->name))
		return false;
	if (elements[e->type].value && !take_str(&from, 2, &e->value))
		return false;
	*at = from;
	return true;
}

/* Lists hold items alone, sections all else; each is closed where it was
 * opened. */
static bool check_body(struct vici_body at)
{
	unsigned int depth = 0;
	bool list = false;
	struct element e;

	while (next_element(&at, &e)) {
		if (list != (e.type == LIST_ITEM || e.type == LIST_END))
			return false;
		if (e.type == LIST_START || e.type == LIST_END)
			list = !list;
		if (e.type == SECTION_START && depth++ == VICI_DEPTH_MAX)
			return false;
		if (e.type == SECTION_END && !depth--)
			return false;
	}
	return at.p == at.end && !depth && !list;
}

int vici_length(const uint8_t *head)
{
	uint32_t len = (uint32_t)head[0] << 24 | head[1] << 16 | head[2] << 8 |
		       head[3];

	return len && len <= VICI_PACKET_MAX ? (int)len : -EMSGSIZE;
}

int vici_read(const uint8_t *buf, size_t len, struct vici_packet *p)
{
	struct vici_body at = { buf, buf + len };

	*p = (struct vici_packet){ 0 };
	if (!len || *at.p >= __VICI_TYPE_MAX)
		return -EBADMSG;
	p->type = *at.p++;
	if (type_has_name[p->type] && !take_str(&at, 1, &p->name))
		return -EBADMSG;
	p->body = at;
	return check_body(at) ? 0 : -EBADMSG;
}

bool vici_str_is(const struct vici_str *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->b, text, s->len);
}

/* Behind the end of a section whose start has been taken; *body is what it
 * holds. */
static void take_section(struct vici_body *at, struct vici_body *body)
{
	unsigned int depth = 1;
	struct element e;

	*body = (struct vici_body){ at->p, at->p };
	while (next_element(at, &e)) {
		if (e.type == SECTION_START)
			depth++;
		if (e.type == SECTION_END && !--depth)
			return;
		body->end = at->p;
	}
}

bool vici_next_section(struct vici_body *at, struct vici_str *name,
		       struct vici_body *section)
{
	struct element e;

	while (next_element(at, &e)) {
		if (e.type != SECTION_START)
			continue;
		*name = e.name;
		take_section(at, section);
		return true;
	}
	return false;
}

bool vici_find_section(const struct vici_body *at, const char *name,
		       struct vici_body *section)
{
	struct vici_body from = *at;
	struct vici_str found;

	while (vici_next_section(&from, &found, section))
		if (vici_str_is(&found, name))
			return true;
	return false;
}

bool vici_find_list(const struct vici_body *at, const char *name,
		    struct vici_body *items)
{
	struct vici_body from = *at, skipped;
	struct element e;

	while (next_element(&from, &e)) {
		if (e.type == SECTION_START)
			take_section(&from, &skipped);
		if (e.type != LIST_START || !vici_str_is(&e.name, name))
			continue;
		*items = from;
		return true;
	}
	return false;
}

bool vici_next_item(struct vici_body *items, struct vici_str *value)
{
	struct element e;

	if (!next_element(items, &e) || e.type != LIST_ITEM) {
		items->p = items->end;
		return false;
	}
	*value = e.value;
	return true;
}

/* ---- fields ---- */

static void read_text(const struct vici_str *s, char *to, size_t size)
{
	size_t len = s->len < size ? s->len : size - 1;

	for (size_t i = 0; i < len; i++)
		to[i] = s->b[i] >= ' ' && s->b[i] <= '~' ? s->b[i] : '?';
	to[len] = '\0';
}

static bool read_number(const struct vici_str *s, unsigned int base,
			uint64_t max, uint64_t *to)
{
	uint64_t n = 0;
	unsigned int digit;

	if (!s->len)
		return false;
	for (size_t i = 0; i < s->len; i++) {
		char c = s->b[i];

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			return false;
		if (n > (max - digit) / base)
			return false;
		n = n * base + digit;
	}
	*to = n;
	return true;
}

static bool read_addr(const struct vici_str *s, struct addr *to)
{
	char text[ADDR_STRLEN];

	if (s->len >= sizeof(text))
		return false;
	read_text(s, text, sizeof(text));
	if (text[0] == '%') {
		*to = (struct addr){ 0 };
		return true;
	}
	return addr_parse(text, to);
}

static bool read_field(const struct vici_field *f, const struct vici_str *s,
		       void *to)
{
	bool hex = f->kind == VICI_HEX32 || f->kind == VICI_HEX64;
	uint64_t n = 0;
	uint32_t n32;

	switch (f->kind) {
	case VICI_TEXT:
	case VICI_ONLY:
		read_text(s, to, f->size);
		return true;
	case VICI_YES:
		*(bool *)to = vici_str_is(s, "yes");
		return true;
	case VICI_ADDR:
		return read_addr(s, to);
	case VICI_U32:
	case VICI_HEX32:
		if (!read_number(s, hex ? 16 : 10, UINT32_MAX, &n))
			return false;
		n32 = n;
		memcpy(to, &n32, sizeof(n32));
		return true;
	case VICI_U64:
	case VICI_HEX64:
		if (!read_number(s, hex ? 16 : 10, UINT64_MAX, &n))
			return false;
		memcpy(to, &n, sizeof(n));
		return true;
	}
	return false;
}

static const struct vici_field *find_field(const struct vici_str *key,
					   bool list,
					   const struct vici_field *table,
					   size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list == (table[i].kind == VICI_ONLY) &&
		    vici_str_is(key, table[i].key))
			return &table[i];
	return NULL;
}

/* The items of a list whose start has been taken: the one, or false. */
static bool take_only(struct vici_body *at, struct vici_str *only)
{
	unsigned int n = 0;
	struct element e;

	while (next_element(at, &e) && e.type == LIST_ITEM) {
		*only = e.value;
		n++;
	}
	return n == 1;
}

const char *vici_fields(const struct vici_body *at,
			const struct vici_field *table, size_t n, void *to)
{
	const char *wrong = NULL;
	struct vici_body from = *at, skipped;
	const struct vici_field *f;
	struct element e;
	bool fine;

	while (next_element(&from, &e)) {
		if (e.type == SECTION_START) {
			take_section(&from, &skipped);
			continue;
		}
		f = find_field(&e.name, e.type == LIST_START, table, n);
		fine = e.type != LIST_START || take_only(&from, &e.value);
		if (!f)
			continue;
		if (fine)
			fine = read_field(f, &e.value, (char *)to + f->off);
		if (!fine && !wrong)
			wrong = f->key;
	}
	return wrong;
}
