/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli: from argv to a command of the table: options, abbreviated words,
 * arguments, exit codes. It knows no command by name.
 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../nhrpd/addr.h"
#include "words.h"

/* Exit codes, the same for every command. */
enum cli_exit {
	CLI_OK,
	CLI_DOWN,			/* shown, and something is down */
	CLI_USAGE,
	CLI_UNREACHABLE,		/* no daemon, or no kernel module */
	CLI_REFUSED,			/* by kernel, daemon or parser */
};

#define CLI_TAKES_STYLE	1u		/* --style, --from */
#define CLI_TAKES_COUNT	2u		/* --count, --timeout */
/* Not abbreviated in its first word: `sh` is show on every router. */
#define CLI_WHOLE	4u

struct cli;

struct command {
	const char *words;		/* "show ip nhrp" */
	const char *args;		/* "[NAME]", or "" */
	const char *help;		/* one line */
	int (*run)(struct cli *c);	/* returns enum cli_exit */
	unsigned int takes;		/* CLI_TAKES_*, CLI_WHOLE */
};

struct cli {
	const struct command *table;	/* ends with words NULL */
	const struct command *command;
	int argc;			/* arguments left for the command */
	char **argv;
	FILE *out;
	bool json;			/* -j */
	bool xe;			/* --style xe */
	const char *socket;		/* -S */
	const char *from;		/* --from: a file instead of the daemon */
	unsigned long count;		/* --count, 0: no limit */
	double timeout;			/* --timeout, seconds, 0: none */
};

/* Reads the options, finds the command in @table and runs it. */
int cli_main(const struct command *table, int argc, char **argv, FILE *out);

/*
 * The command that argv[0..@argc) names, with *used words of it; *used is 0
 * for none. NULL with a message in @err: unknown, unfinished or ambiguous.
 */
const struct command *cli_find(const struct command *table, int argc,
			       char *const *argv, int *used, char *err,
			       size_t errlen);

/* The next argument, NULL when there is none (left). */
const char *cli_next(struct cli *c);
const char *cli_peek(const struct cli *c);

/* "dmvpn: COMMAND: text" on stderr; returns @code. */
int cli_fail(const struct cli *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, and where the usage is told; returns CLI_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "NAME wants WHAT, not TEXT" or "NAME wants WHAT". Returns CLI_USAGE. */
int cli_wants(const struct cli *c, const char *name, const char *what,
	      const char *text);
/* CLI_OK when no argument is left, else the complaint. */
int cli_done(const struct cli *c);

/*
 * The next argument as the value of @name: a number, seconds (to ms), an
 * address. CLI_OK, or the exit code after a complaint.
 */
int cli_take_u32(struct cli *c, const char *name, uint32_t *v);
int cli_take_seconds(struct cli *c, const char *name, uint32_t *ms);
int cli_take_addr(struct cli *c, const char *name, struct addr *a);

/* Decimal, 0x hexadecimal; at most @max. False: it is not. */
bool cli_parse_number(const char *text, uint64_t max, uint64_t *value);
/* Seconds, with fraction, to milliseconds that fit 32 bits. */
bool cli_parse_seconds(const char *text, uint32_t *ms);

#endif
