/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iface: one interface under NHRP and what belongs to it. */
#ifndef NHRPD_IFACE_H
#define NHRPD_IFACE_H

#include "engine_internal.h"

#define IFACE_STRANGERS 4096		/* shared buckets, power of two */

enum iface_carrier { CARRIER_UNKNOWN, CARRIER_OFF, CARRIER_ON };

struct iface {
	struct engine *engine;
	unsigned int ifindex;
	struct conf_iface conf;
	struct addr local;		/* own NBMA address, none: no underlay */
	struct addr public;		/* own one as an NHS sees it, if another */
	struct nhs *nhs;		/* in the order of the file */
	struct timer election;		/* a fallback delay is over */
	enum iface_carrier carrier;	/* as told */
	struct entry *cache;		/* hash by protocol address */
	struct peer *peers;		/* hash by NBMA address and mark */
	struct purge *purges;		/* hash by request id */
	struct shortcut *shortcuts;	/* hash by prefix */
	struct shortcut *sweep;		/* next one to compare with the FIB */
	unsigned int plens[129];	/* shortcuts of each length */
	struct answer *answers;		/* hash: whom we told of what, in turn */
	struct answer *recheck;		/* next one to compare with the FIB */
	struct limit redirects;		/* Traffic Indications sent */
	struct limit reasks;		/* withdrawn, and asked for again */
	unsigned int n_pending;		/* asks, probes and purges */
	struct limit errors;		/* Error Indications sent */
	struct limit complaints;	/* log lines about others */
	unsigned long withheld;		/* log lines since the last one */
	uint32_t salt;
	struct limit strangers[IFACE_STRANGERS];
	uint8_t auth[NHRP_AUTH_MAX + 4];	/* value that packets point to */
	struct engine_traffic traffic;
	UT_hash_handle hh;
};

struct iface *iface_find(const struct engine *e, unsigned int ifindex);
/* NULL when out of memory. */
struct iface *iface_add(struct engine *e, unsigned int ifindex);
/* Forgets the interface with all that it has; the kernel is not told. */
void iface_free(struct iface *i);
/* It has what packets need: an NBMA and a protocol address of its own. */
bool iface_ready(const struct iface *i);
/* @a is in the tunnel's subnet; false when that is not known. */
bool iface_in_subnet(const struct iface *i, const struct addr *a);
/* The subnet's network or broadcast address: nobody's own (IPv4). */
bool iface_is_edge(const struct iface *i, const struct addr *a);
bool iface_is_own(const struct iface *i, const struct addr *proto);
/* Others may register here; a spoke lets nobody do so. */
bool iface_serves(const struct iface *i);
/* Applies a configuration and an NBMA address; unchanged parts stay. */
void iface_apply(struct iface *i, const struct conf_iface *c,
		 const struct addr *local);
/* Makes static entries and peers what configuration and NHSs say. */
void iface_sync(struct iface *i);
/* One more packet of @nbma may be handled now. */
bool iface_admits(struct iface *i, const struct addr *nbma, uint32_t mark);

#endif
