/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon: `dmvpn clear`, `reload`, `nhs` and `config check`. */
#include <errno.h>
#include <string.h>

#include "../nhrpd/config.h"
#include "client.h"
#include "commands.h"

static void print_cleared(struct cli *c, const struct json_object *answer)
{
	unsigned int n = object_get_uint(answer, "cleared");

	if (c->json)
		object_print(c->out, answer);
	else
		fprintf(c->out, "%u %s cleared\n", n,
			n == 1 ? "entry" : "entries");
}

/* [NAME] [ADDR|PREFIX|all]: what reads as an address is one. */
int cmd_clear(struct cli *c)
{
	struct json_object *o = client_request("clear"), *answer;
	struct addr addr;
	uint8_t plen;
	const char *arg;
	int code;

	if (strcmp(c->command->words, "clear"))
		object_str(o, "family", strstr(c->command->words, "ipv6") ?
			   "ipv6" : "ipv4");
	arg = cli_next(c);
	if (arg && strcmp(arg, "all") && !addr_parse_prefix(arg, &addr, &plen)) {
		object_str(o, "iface", arg);
		arg = cli_next(c);
	}
	if (arg && strcmp(arg, "all")) {
		if (!addr_parse_prefix(arg, &addr, &plen)) {
			json_object_put(o);
			return cli_wants(c, "ADDR",
					 "an address, a prefix or all", arg);
		}
		object_str(o, "addr", arg);
	}
	if (cli_done(c)) {
		json_object_put(o);
		return CLI_USAGE;
	}
	code = client_ask(c, o, &answer);
	if (!code)
		print_cleared(c, answer);
	json_object_put(answer);
	return code;
}

/* ADDR drain|undrain [[dev] NAME] */
int cmd_nhs(struct cli *c)
{
	static const char *const verbs[] = { "drain", "undrain" };
	const struct words w = { verbs, ARRAY_SIZE(verbs) };
	struct json_object *o, *answer;
	const char *verb, *name;
	struct addr addr;
	char text[ADDR_STRLEN];
	int code, i;

	code = cli_take_addr(c, "ADDR", &addr);
	if (code)
		return code;
	verb = cli_next(c);
	i = verb ? word_find(&w, verb) : WORD_UNKNOWN;
	if (i < 0)
		return cli_wants(c, "nhs", "drain or undrain", verb);
	name = cli_next(c);
	if (name && !strcmp(name, "dev") && cli_peek(c))
		name = cli_next(c);
	if (cli_done(c))
		return CLI_USAGE;
	o = object_addr(client_request("nhs-drain"), "nhs", &addr);
	json_object_object_add(o, "drain", json_object_new_boolean(!i));
	if (name)
		object_str(o, "iface", name);
	code = client_ask(c, o, &answer);
	if (code)
		return code;
	if (c->json)
		object_print(c->out, answer);
	else
		fprintf(c->out, "%s %s\n", addr_text(&addr, text), i ?
			"serves again" : "is drained");
	json_object_put(answer);
	return CLI_OK;
}

int cmd_reload(struct cli *c)
{
	struct json_object *answer;
	int code;

	if (cli_done(c))
		return CLI_USAGE;
	code = client_ask(c, client_request("reload"), &answer);
	if (code)
		return code;
	if (c->json)
		object_print(c->out, answer);
	else
		fprintf(c->out, "%s is in force\n",
			object_get_str(answer, "reloaded"));
	json_object_put(answer);
	return CLI_OK;
}

static void add_notice(void *ctx, const char *text)
{
	json_object_array_add(ctx, json_object_new_string(text));
}

static void print_check(struct cli *c, const char *file,
			struct json_object *notices, const struct conf *conf,
			const char *err)
{
	struct json_object *top;

	if (c->json) {
		top = object_str(envelope_new(), "file", file);
		object_str(top, "error", conf ? NULL : err);
		json_object_object_add(top, "notices",
				       json_object_get(notices));
		object_print(c->out, top);
		json_object_put(top);
		return;
	}
	for (size_t i = 0; i < json_object_array_length(notices); i++)
		fprintf(c->out, "%s\n", json_object_get_string(
				json_object_array_get_idx(notices, i)));
	if (conf)
		fprintf(c->out, "%s: ok, %u interface%s\n", file,
			conf->n_ifaces, conf->n_ifaces == 1 ? "" : "s");
}

int cmd_config_check(struct cli *c)
{
	const char *file = cli_next(c);
	struct json_object *notices;
	struct conf *conf;
	char err[256];
	int code;
	FILE *f;

	if (!file)
		return cli_wants(c, "FILE", "the name of a file", NULL);
	if (cli_done(c))
		return CLI_USAGE;
	f = fopen(file, "re");
	if (!f)
		return cli_fail(c, CLI_REFUSED, "%s: %s", file,
				strerror(errno));
	notices = json_object_new_array();
	conf = conf_read(f, file, err, sizeof(err), add_notice, notices);
	fclose(f);
	print_check(c, file, notices, conf, err);
	code = conf ? CLI_OK : cli_fail(c, CLI_REFUSED, "%s", err);
	json_object_put(notices);
	conf_free(conf);
	return code;
}
