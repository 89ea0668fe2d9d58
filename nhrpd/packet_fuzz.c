/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet_fuzz: throws bytes at nhrp_decode(): as they are, then with the right
 * checksum, which a fuzzer cannot guess, then with the right size as well.
 * What is accepted must encode to the same bytes. The golden packets of
 * tests/golden/nhrp.hex are good seeds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "packet_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const uint8_t *b, size_t len)
{
	enum nhrp_refusal why;
	const char *wrong = check_bytes(b, len, &why);

	if (wrong) {
		fprintf(stderr, "packet_fuzz: %s (%s)\n", wrong,
			nhrp_refusal_name(why));
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	judge(data, size);
	if (size)
		memcpy(copy, data, size);
	check_repair(copy, size);
	judge(copy, size);
	if (size >= 28 && size <= NHRP_PACKET_MAX) {
		check_set16(copy + 10, size);
		check_repair(copy, size);
		judge(copy, size);
	}
	free(copy);
	return 0;
}
