/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_world: what the tests of the engine have in common: words for addresses,
 * an interface, and operations that do nothing or only note what they are told.
 * No part of the daemon.
 */
#ifndef NHRPD_FAKE_WORLD_H
#define NHRPD_FAKE_WORLD_H

#include "engine.h"

/* An address; what is none fails the test. */
struct addr A(const char *text);
/* Its text, until three more have been asked for. */
const char *T(const struct addr *a);

/* Tunnel0 with @addr/24 in @conf, which is empty; its part for that family. */
struct conf_nhrp *fake_conf(struct conf_iface *conf, const char *addr);

/* The context of the operations below begins with this. */
struct fake_world {
	uint32_t rng;
	char log[8192], events[8192];	/* lines; begins anew when full */
};

uint32_t fake_random(void *ctx);
void fake_log(void *ctx, enum engine_log level, const char *text);
/* "WHAT PROTO NBMA TEXT" */
void fake_event(void *ctx, unsigned int ifindex, const char *what,
		const struct addr *proto, const struct addr *nbma,
		const char *text);

/* These do nothing, with any context. */
void no_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
	     uint32_t mark, const uint8_t *buf, size_t len);
void no_neigh_set(void *ctx, unsigned int ifindex,
		  const struct engine_neigh *n);
void no_neigh_del(void *ctx, unsigned int ifindex, const struct addr *addr);
void no_peer_set(void *ctx, unsigned int ifindex, const struct addr *nbma,
		 uint32_t mark, uint32_t flags, uint32_t priority);
void no_peer_del(void *ctx, unsigned int ifindex, const struct addr *nbma,
		 uint32_t mark);
struct engine_route no_route(void *ctx, unsigned int ifindex,
			     const struct addr *dst);
void no_log(void *ctx, enum engine_log level, const char *text);

#endif
