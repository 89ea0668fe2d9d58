/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipsec: `dmvpn show ipsec`: SAs by peer, and why one has none. */
#include <stdarg.h>
#include <string.h>

#include "cell.h"
#include "commands.h"
#include "show.h"
#include "text.h"

__attribute__((format(printf, 3, 4)))
static void note(char *text, size_t size, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list ap;

	if (used && used + 2 < size) {
		strcpy(text + used, ", ");
		used += 2;
	}
	va_start(ap, fmt);
	vsnprintf(text + used, size - used, fmt, ap);
	va_end(ap);
}

static void cell_note(struct table *t, const struct json_object *p)
{
	const char *reason = object_get_str(p, "reason");
	const char *other = object_get_str(p, "turned_away");
	char text[256] = "", ago[TEXT_LEN];

	if (reason)
		note(text, sizeof(text), "%s", reason);
	if (other)
		note(text, sizeof(text), "%s is turned away, set nat-marks",
		     other);
	if (!object_is_null(p, "next_seconds"))
		note(text, sizeof(text), "next attempt in %s",
		     text_ago(object_get_num(p, "next_seconds"), ago));
	if (object_get_bool(p, "ambiguous"))
		note(text, sizeof(text), "several identities at this address");
	if (object_get_bool(p, "stale"))
		note(text, sizeof(text), "charon is away, the SA still works");
	if (object_get_bool(p, "nat"))
		note(text, sizeof(text), "behind NAT");
	if (object_get_uint(p, "mark"))
		note(text, sizeof(text), "mark %u",
		     (unsigned int)object_get_uint(p, "mark"));
	table_cell(t, text);
}

static void print_peers(FILE *out, const struct json_object *ipsec)
{
	static const char *const head[] = {
		"NBMA", "LOCAL", "STATE", "SINCE", "IDENTITY", "NOTE", NULL
	};
	const struct json_object *p;
	struct table t = {};

	table_head(&t, head);
	for (size_t i = 0; i < object_get_len(ipsec, "peers"); i++) {
		p = object_get_at(ipsec, "peers", i);
		table_cell(&t, object_get_str(p, "nbma"));
		table_cell(&t, object_get_str(p, "local"));
		table_cell(&t, object_get_str(p, "state"));
		cell_ago(&t, p, "state_seconds", NULL);
		table_cell(&t, object_get_str(p, "identity"));
		cell_note(&t, p);
	}
	table_print(&t, out, "");
}

/* What has happened; zeros say nothing. */
static void print_counters(FILE *out, const struct json_object *ipsec)
{
	struct json_object *counters = object_get(ipsec, "counters");
	bool any = false;

	json_object_object_foreach(counters, key, value) {
		if (!json_object_get_uint64(value))
			continue;
		fprintf(out, "%s%s %llu", any ? ", " : "\n", key,
			(unsigned long long)json_object_get_uint64(value));
		any = true;
	}
	if (any)
		fputc('\n', out);
}

static void print_text(FILE *out, const struct json_object *ipsec)
{
	const struct json_object *charon = object_get(ipsec, "charon");
	const char *trouble = object_get_str(charon, "trouble");
	const char *reason = object_get_str(charon, "reason");
	const char *refusal = object_get_str(charon, "refusal");
	char ago[TEXT_LEN];

	fprintf(out, "charon  %s  %s%s%s for %s\n",
		object_get_str(charon, "socket"),
		object_get_bool(charon, "up") ? "up" : "DOWN",
		trouble ? ": " : "", trouble ? trouble : "",
		text_ago(object_get_num(charon, "state_seconds"), ago));
	if (reason)
		fprintf(out, "        %s\n", reason);
	if (refusal)
		fprintf(out, "        refused by it: %s\n", refusal);
	fputc('\n', out);
	if (object_get_len(ipsec, "peers"))
		print_peers(out, ipsec);
	else
		fputs("no peers\n", out);
	print_counters(out, ipsec);
}

/* A needed peer without an SA. */
static bool is_down(const struct json_object *ipsec)
{
	const struct json_object *p;
	const char *state;

	for (size_t i = 0; i < object_get_len(ipsec, "peers"); i++) {
		p = object_get_at(ipsec, "peers", i);
		state = object_get_str(p, "state");
		if (object_get_bool(p, "needed") && state &&
		    strcmp(state, "up"))
			return true;
	}
	return false;
}

int cmd_show_ipsec(struct cli *c)
{
	struct json_object *top, *ipsec;
	int code = show_read(c, &top);

	if (code)
		return code;
	ipsec = object_get(top, "ipsec");
	if (c->json) {
		object_print(c->out, ipsec);
	} else if (ipsec) {
		print_text(c->out, ipsec);
	} else {
		fputs(CRYPTO_NONE, c->out);
	}
	code = is_down(ipsec) ? CLI_DOWN : CLI_OK;
	json_object_put(top);
	return code;
}
