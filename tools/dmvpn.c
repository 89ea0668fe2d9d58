/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dmvpn: the operator's command. What it can do stands in commands.c. */
#include "commands.h"

int main(int argc, char **argv)
{
	return cli_main(commands, argc, argv, stdout);
}
