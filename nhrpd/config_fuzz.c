/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_fuzz: throws text at conf_read(), bare and as the inside of an
 * interface section. A refusal has its one line, what is taken has names that
 * can be found and lists within their limits, and a second reading agrees.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "config_fuzz: %s\n", what);
	abort();
}

static struct conf *read_once(const char *text, size_t len, char *err,
			      size_t errlen)
{
	FILE *f = fmemopen((void *)text, len, "r");
	struct conf *c;

	insist(f != NULL, "fmemopen");
	c = conf_read(f, "f", err, errlen, NULL, NULL);
	fclose(f);
	return c;
}

static void check_iface(const struct conf *c, const struct conf_iface *i)
{
	insist(conf_find(c, i->name) == i, "two sections of one name");
	insist(i->n_nhs <= CONF_NHS_MAX && i->n_map <= CONF_MAP_MAX &&
	       i->n_cluster <= CONF_CLUSTER_MAX, "limits");
	insist(memchr(i->auth, 0, sizeof(i->auth)) &&
	       memchr(i->protection, 0, sizeof(i->protection)) &&
	       memchr(i->source_dev, 0, sizeof(i->source_dev)), "strings");
	insist(conf_reg_interval(i) >= 1 &&
	       i->reg_interval < i->holdtime, "intervals");
	insist(!addr_is_set(&i->addr) || (i->plen && i->plen <= 32), "plen");
}

static void judge(const char *text, size_t len)
{
	char err[256], again[256];
	struct conf *c, *d;
	unsigned int n;

	if (!len)			/* fmemopen() refuses that */
		return;
	c = read_once(text, len, err, sizeof(err));
	d = read_once(text, len, again, sizeof(again));
	insist(!c == !d && !strcmp(err, again), "two readings differ");
	insist(c ? !err[0] : !strncmp(err, "f:", 2), "error text");
	for (n = 0; c && n < c->n_ifaces; n++)
		check_iface(c, &c->iface[n]);
	conf_free(c);
	conf_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "interface Tunnel0\n";
	char *text = malloc(sizeof(head) + size);

	if (!text)
		return 0;
	judge((const char *)data, size);
	memcpy(text, head, sizeof(head) - 1);
	if (size)
		memcpy(text + sizeof(head) - 1, data, size);
	judge(text, sizeof(head) - 1 + size);
	free(text);
	return 0;
}
