/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzzer of what a local client may send to the control socket. */
#include <stdlib.h>
#include <string.h>

#include "control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request r;

	if (size > CONTROL_REQUEST_MAX)
		return 0;
	if (control_parse((const char *)data, size, &r))
		return 0;
	/* What is taken is in range, and arguments are where they belong. */
	if ((unsigned int)r.cmd >= __CONTROL_CMD_MAX ||
	    strnlen(r.iface, sizeof(r.iface)) == sizeof(r.iface) ||
	    (r.cmd != CONTROL_CLEAR && r.cmd != CONTROL_NHS_DRAIN &&
	     (*r.iface || r.addr.len)) ||
	    (r.cmd == CONTROL_NHS_DRAIN && !r.addr.len) ||
	    (r.cmd != CONTROL_CLEAR && r.prefix) ||
	    (r.cmd != CONTROL_NHS_DRAIN && r.drain) ||
	    r.plen > 8 * r.addr.len)
		abort();
	return 0;
}
