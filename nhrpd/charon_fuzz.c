/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * charon_fuzz: throws datagrams at the reader of XFRM messages and packets at
 * the reader of charon's SAs. They may refuse anything; they may not read
 * outside, and what they take lies within limits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charon.h"
#include "netlink.h"
#include "xfrm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "charon_fuzz: %s\n", what);
	abort();
}

static int judge(const struct nlmsghdr *nlh, void *ctx)
{
	struct xfrm_use u;
	struct xfrm_msg m;

	(void)ctx;
	if (xfrm_parse_use(nlh, &u))
		insist(u.sa.spi && memchr(u.encryption, 0, 64) &&
		       memchr(u.integrity, 0, 64), "use");
	if (xfrm_parse(nlh, &m))
		return 0;
	switch (m.type) {
	case XFRM_SA:
	case XFRM_SA_EXPIRED:
		insist(m.sa.spi && addr_is_set(&m.sa.dst), "SA");
		break;
	case XFRM_BLOCK:
	case XFRM_BLOCK_DELETED:
		insist(addr_is_set(&m.block.local), "block");
		insist(m.block.has_key || !m.block.key, "key");
		break;
	default:
		break;
	}
	return 0;
}

static void judge_sas(struct vici_body at)
{
	static struct charon_sa sa;
	struct vici_body section;
	struct vici_str name;
	const char *wrong;

	while (vici_next_section(&at, &name, &section)) {
		if (!charon_read_sa(&name, &section, &sa, &wrong)) {
			insist(wrong, "a word");
			continue;
		}
		insist(sa.ike.id && sa.n <= CHARON_CHILDREN_MAX, "SA");
		insist(memchr(sa.ike.conn, 0, sizeof(sa.ike.conn)) &&
		       memchr(sa.ike.identity, 0, sizeof(sa.ike.identity)),
		       "text");
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
	netlink_each(copy, size, judge, NULL);
	if (!vici_read(copy, size, &p))
		judge_sas(p.body);
	free(copy);
	return 0;
}
