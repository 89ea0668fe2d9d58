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

static void check_family(const struct conf_nhrp *n, unsigned int width)
{
	unsigned int k;

	insist(n->n_nhs <= CONF_NHS_MAX && n->n_map <= CONF_MAP_MAX &&
	       n->n_cluster <= CONF_CLUSTER_MAX, "limits");
	insist(memchr(n->auth, 0, sizeof(n->auth)), "strings");
	insist(conf_reg_interval(n) >= 1 &&
	       n->reg_interval < n->holdtime, "intervals");
	insist(!addr_is_set(&n->addr) ||
	       (n->addr.len * 8u == width && n->plen && n->plen <= width),
	       "plen");
	insist(!addr_is_set(&n->link_local) ||
	       (width == 128 && addr_is_link_local(&n->link_local)),
	       "link-local");
	for (k = 0; k < n->n_map; k++)
		insist((n->map[k].multicast ||
			n->map[k].proto.len * 8u == width) &&
		       n->map[k].nbma.len == 4, "map");
	for (k = 0; k < n->n_nhs; k++)
		insist(!addr_is_set(&n->nhs[k].proto) ||
		       n->nhs[k].proto.len * 8u == width, "nhs");
}

static void check_iface(const struct conf *c, const struct conf_iface *i)
{
	insist(conf_find(c, i->name) == i, "two sections of one name");
	insist(memchr(i->protection, 0, sizeof(i->protection)) &&
	       memchr(i->source_dev, 0, sizeof(i->source_dev)), "strings");
	check_family(&i->nhrp[CONF_IPV4], 32);
	check_family(&i->nhrp[CONF_IPV6], 128);
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
