/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici_msg_fuzz: throws packets at the readers of VICI messages. They may
 * refuse anything; they may not read outside, and what they take is well
 * formed: every section lies in its parent and is reached once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vici_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "vici_msg_fuzz: %s\n", what);
	abort();
}

struct sample {
	char text[8], only[8];
	bool yes;
	uint32_t dec, hex;
	uint64_t dec64, hex64;
	struct addr addr;
};

static const struct vici_field fields[] = {
	VICI_FIELD(sample, text, VICI_TEXT, "t"),
	VICI_FIELD(sample, only, VICI_ONLY, "o"),
	VICI_FIELD(sample, yes, VICI_YES, "y"),
	VICI_FIELD(sample, dec, VICI_U32, "d"),
	VICI_FIELD(sample, hex, VICI_HEX32, "h"),
	VICI_FIELD(sample, dec64, VICI_U64, "D"),
	VICI_FIELD(sample, hex64, VICI_HEX64, "H"),
	VICI_FIELD(sample, addr, VICI_ADDR, "a"),
};

static void judge_fields(const struct vici_body *at)
{
	struct sample s = { 0 };

	vici_fields(at, fields, sizeof(fields) / sizeof(fields[0]), &s);
	insist(memchr(s.text, 0, sizeof(s.text)), "text");
	insist(memchr(s.only, 0, sizeof(s.only)), "only");
	insist(!s.addr.len || s.addr.len == 4 || s.addr.len == 16, "address");
}

/* Depth first, with a stack of its own. */
static void judge_sections(struct vici_body root)
{
	struct vici_body at[VICI_DEPTH_MAX + 1] = { root };
	unsigned int depth = 0;

	judge_fields(&root);
	for (;;) {
		struct vici_body inner;
		struct vici_str name;

		if (!vici_next_section(&at[depth], &name, &inner)) {
			if (!depth--)
				return;
			continue;
		}
		insist(inner.p <= inner.end && inner.end <= at[depth].end &&
		       (const uint8_t *)name.b <= inner.p, "section outside");
		judge_fields(&inner);
		insist(++depth <= VICI_DEPTH_MAX, "depth");
		at[depth] = inner;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of just this size, so that a byte too many is seen */
	uint8_t *copy = malloc(size ? size : 1);
	struct vici_packet p;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (!vici_read(copy, size, &p))
		judge_sections(p.body);
	free(copy);
	return 0;
}
