/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli: see cli.h. The words of a command are matched one after the other,
 * each against the words that the table's commands still in the race have at
 * this place: a whole word wins over what it begins.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define WORDS_MAX 128			/* different words at one place */

/* The @i-th word of @words in @buf; false: it has fewer. */
static bool nth_word(const char *words, int i, char buf[32])
{
	size_t len;

	for (; i && *words; i--) {
		words += strcspn(words, " ");
		words += strspn(words, " ");
	}
	len = strcspn(words, " ");
	if (!len || len >= 32)
		return false;
	memcpy(buf, words, len);
	buf[len] = '\0';
	return true;
}

/* @words begins with the first @n words of @path. */
static bool in_race(const char *words, const char *path)
{
	size_t len = strlen(path);

	return !strncmp(words, path, len) &&
	       (!len || words[len] == ' ' || !words[len]);
}

/*
 * What the commands under @path have as word number @i; names in @text.
 * @typed is there already, or NULL.
 */
static struct words choices(const struct command *table, const char *path,
			    int i, const char *typed,
			    char text[WORDS_MAX][32],
			    const char *word[WORDS_MAX])
{
	struct words w = { word, 0 };

	for (; table->words && w.n < WORDS_MAX; table++) {
		if (!in_race(table->words, path) ||
		    !nth_word(table->words, i, text[w.n]))
			continue;
		if (!i && typed && table->takes & CLI_WHOLE &&
		    strcmp(typed, text[w.n]))
			continue;
		word[w.n] = text[w.n];
		w.n++;
	}
	return w;
}

static const struct command *exact(const struct command *table,
				   const char *path)
{
	for (; table->words; table++)
		if (!strcmp(table->words, path))
			return table;
	return NULL;
}

/* "link wants add, del, set or show", each word once. */
static void tell_choices(const struct words *w, const char *path, char *err,
			 size_t errlen)
{
	size_t used = snprintf(err, errlen, "%s%swants one of:", path,
			       *path ? " " : "");

	for (unsigned int i = 0; i < w->n && used < errlen; i++)
		if (word_find(w, w->word[i]) == (int)i)
			used += snprintf(err + used, errlen - used, " %s",
					 w->word[i]);
}

const struct command *cli_find(const struct command *table, int argc,
			       char *const *argv, int *used, char *err,
			       size_t errlen)
{
	char text[WORDS_MAX][32], path[128] = "";
	const char *word[WORDS_MAX];
	const struct command *c;
	struct words w;
	int found;

	for (*used = 0; ; ++*used) {
		w = choices(table, path, *used,
			    *used < argc ? argv[*used] : NULL, text, word);
		if (*used == argc || !w.n)
			break;
		found = word_find(&w, argv[*used]);
		if (found == WORD_AMBIGUOUS) {
			snprintf(err, errlen, "'%s' is ambiguous",
				 argv[*used]);
			return NULL;
		}
		if (found == WORD_UNKNOWN)
			break;
		snprintf(path + strlen(path), sizeof(path) - strlen(path),
			 "%s%s", *path ? " " : "", word[found]);
	}
	/* The command without words takes no arguments: they are typos. */
	c = exact(table, path);
	if (c && (*path || !argc))
		return c;
	if (*used < argc && !*path)
		snprintf(err, errlen, "'%s' is no command; see dmvpn help",
			 argv[*used]);
	else
		tell_choices(&w, path, err, errlen);
	return NULL;
}

const char *cli_peek(const struct cli *c)
{
	return c->argc ? c->argv[0] : NULL;
}

const char *cli_next(struct cli *c)
{
	if (!c->argc)
		return NULL;
	c->argc--;
	return *c->argv++;
}

static void complain(const struct cli *c, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void complain(const struct cli *c, const char *fmt, va_list ap)
{
	fflush(c->out);
	fputs("dmvpn: ", stderr);
	if (c->command)
		fprintf(stderr, "%s: ", c->command->words);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int cli_fail(const struct cli *c, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(c, fmt, ap);
	va_end(ap);
	return code;
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(c, fmt, ap);
	va_end(ap);
	if (c->command)
		fprintf(stderr, "see: dmvpn help %s\n", c->command->words);
	return CLI_USAGE;
}

int cli_wants(const struct cli *c, const char *name, const char *what,
	      const char *text)
{
	if (!text)
		return cli_usage(c, "%s wants %s", name, what);
	return cli_usage(c, "%s wants %s, not '%s'", name, what, text);
}

int cli_done(const struct cli *c)
{
	if (!c->argc)
		return CLI_OK;
	return cli_usage(c, "'%s' is not understood", c->argv[0]);
}

bool cli_parse_number(const char *text, uint64_t max, uint64_t *value)
{
	bool hex = text && text[0] == '0' && (text[1] | 0x20) == 'x';
	unsigned long long v;
	char *end;

	/* strtoull() would take blanks and a sign. */
	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, hex ? 16 : 10);
	if (errno || *end || v > max || (hex && !text[2]))
		return false;
	*value = v;
	return true;
}

bool cli_parse_seconds(const char *text, uint32_t *ms)
{
	double v;
	char *end;

	if (!text || !*text || strspn(text, "0123456789.") != strlen(text))
		return false;
	v = strtod(text, &end);
	if (*end || v * 1000 > UINT32_MAX)
		return false;
	*ms = lround(v * 1000);
	/* 0 has a meaning of its own; what is nearly 0 shall not get it. */
	if (!*ms && v > 0)
		*ms = 1;
	return true;
}

int cli_take_u32(struct cli *c, const char *name, uint32_t *v)
{
	const char *text = cli_next(c);
	uint64_t n;

	if (!cli_parse_number(text, UINT32_MAX, &n))
		return cli_wants(c, name, "a number", text);
	*v = n;
	return CLI_OK;
}

int cli_take_seconds(struct cli *c, const char *name, uint32_t *ms)
{
	const char *text = cli_next(c);

	if (!cli_parse_seconds(text, ms))
		return cli_wants(c, name, "seconds", text);
	return CLI_OK;
}

int cli_take_addr(struct cli *c, const char *name, struct addr *a)
{
	const char *text = cli_next(c);

	if (!text || !addr_parse(text, a))
		return cli_wants(c, name, "an address", text);
	return CLI_OK;
}

enum { OPT_STYLE = 256, OPT_FROM, OPT_COUNT, OPT_TIMEOUT };

static const struct option options[] = {
	{ "json",	no_argument,		NULL, 'j' },
	{ "socket",	required_argument,	NULL, 'S' },
	{ "help",	no_argument,		NULL, 'h' },
	{ "version",	no_argument,		NULL, 'V' },
	{ "style",	required_argument,	NULL, OPT_STYLE },
	{ "from",	required_argument,	NULL, OPT_FROM },
	{ "count",	required_argument,	NULL, OPT_COUNT },
	{ "timeout",	required_argument,	NULL, OPT_TIMEOUT },
	{ }
};

/* One option into @c; *word gets what -h and -V stand for. */
static int take_option(struct cli *c, int opt, unsigned int *given,
		       const char **word)
{
	uint64_t count;
	uint32_t ms;

	switch (opt) {
	case 'j':
		c->json = true;
		return CLI_OK;
	case 'S':
		c->socket = optarg;
		return CLI_OK;
	case 'h':
		*word = "help";
		return CLI_OK;
	case 'V':
		*word = "version";
		return CLI_OK;
	case OPT_FROM:
		*given |= CLI_TAKES_STYLE;
		c->from = optarg;
		return CLI_OK;
	case OPT_STYLE:
		*given |= CLI_TAKES_STYLE;
		c->xe = !strcmp(optarg, "xe");
		if (c->xe || !strcmp(optarg, "ios"))
			return CLI_OK;
		return cli_wants(c, "--style", "ios or xe", optarg);
	case OPT_COUNT:
		*given |= CLI_TAKES_COUNT;
		if (!cli_parse_number(optarg, UINT32_MAX, &count) || !count)
			return cli_wants(c, "--count", "a number", optarg);
		c->count = count;
		return CLI_OK;
	case OPT_TIMEOUT:
		*given |= CLI_TAKES_COUNT;
		if (!cli_parse_seconds(optarg, &ms) || !ms)
			return cli_wants(c, "--timeout", "seconds", optarg);
		c->timeout = ms / 1000.0;
		return CLI_OK;
	}
	/* getopt_long() has told what is wrong. */
	return CLI_USAGE;
}

int cli_main(const struct command *table, int argc, char **argv, FILE *out)
{
	struct cli c = { .table = table, .out = out };
	const char *word = NULL;
	unsigned int given = 0;
	char err[256];
	int opt, used, code;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "jS:hV", options, NULL)) != -1) {
		code = take_option(&c, opt, &given, &word);
		if (code)
			return code;
	}
	c.argc = argc - optind;
	c.argv = argv + optind;
	if (word) {
		c.command = exact(table, word);
		return c.command->run(&c);
	}
	c.command = cli_find(table, c.argc, c.argv, &used, err, sizeof(err));
	if (!c.command)
		return cli_usage(&c, "%s", err);
	c.argc -= used;
	c.argv += used;
	if (given & ~c.command->takes)
		return cli_usage(&c, "an option is not for this command");
	return c.command->run(&c);
}
