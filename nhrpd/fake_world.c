/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_world: see the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_world.h"

struct addr A(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

const char *T(const struct addr *a)
{
	static char text[4][ADDR_STRLEN];
	static unsigned int k;

	return addr_text(a, text[k++ % 4]);
}

struct conf_nhrp *fake_conf(struct conf_iface *conf, const char *addr)
{
	struct conf_nhrp *c = &conf->nhrp[strchr(addr, ':') ? CONF_IPV6 :
					  CONF_IPV4];

	strcpy(conf->name, "Tunnel0");
	conf->mtu = 1400;
	c->addr = A(addr);
	c->plen = 24;
	c->network_id = 1;
	c->holdtime = 7200;
	return c;
}

uint32_t fake_random(void *ctx)
{
	struct fake_world *w = ctx;

	return w->rng = w->rng * 1664525 + 1013904223;
}

static void append(char *to, size_t size, const char *text)
{
	size_t used = strlen(to);

	if (used + strlen(text) + 2 > size)
		to[used = 0] = '\0';
	snprintf(to + used, size - used, "%s\n", text);
}

void fake_log(void *ctx, enum engine_log level, const char *text)
{
	struct fake_world *w = ctx;

	(void)level;
	append(w->log, sizeof(w->log), text);
}

void fake_event(void *ctx, unsigned int ifindex, const char *what,
		const struct addr *proto, const struct addr *nbma,
		const char *text)
{
	struct fake_world *w = ctx;
	char line[512];

	(void)ifindex;
	snprintf(line, sizeof(line), "%s %s %s %s", what, T(proto), T(nbma),
		 text);
	append(w->events, sizeof(w->events), line);
}

void no_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
	     uint32_t mark, const uint8_t *buf, size_t len)
{
	(void)ctx, (void)ifindex, (void)nbma, (void)mark, (void)buf, (void)len;
}

void no_neigh_set(void *ctx, unsigned int ifindex, const struct engine_neigh *n)
{
	(void)ctx, (void)ifindex, (void)n;
}

void no_neigh_del(void *ctx, unsigned int ifindex, const struct addr *addr)
{
	(void)ctx, (void)ifindex, (void)addr;
}

void no_peer_set(void *ctx, unsigned int ifindex, const struct addr *nbma,
		 uint32_t mark, uint32_t flags, uint32_t priority)
{
	(void)ctx, (void)ifindex, (void)nbma, (void)mark, (void)flags;
	(void)priority;
}

void no_peer_del(void *ctx, unsigned int ifindex, const struct addr *nbma,
		 uint32_t mark)
{
	(void)ctx, (void)ifindex, (void)nbma, (void)mark;
}

struct engine_route no_route(void *ctx, unsigned int ifindex,
			     const struct addr *dst)
{
	(void)ctx, (void)ifindex, (void)dst;
	return (struct engine_route){ .found = false };
}

void no_log(void *ctx, enum engine_log level, const char *text)
{
	(void)ctx, (void)level, (void)text;
}
