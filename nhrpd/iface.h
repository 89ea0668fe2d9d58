/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iface: NHRP of one address family on an interface and what belongs to it;
 * link: the interface, with what both families share.
 */
#ifndef NHRPD_IFACE_H
#define NHRPD_IFACE_H

#include "engine_internal.h"

#define IFACE_STRANGERS 4096		/* shared buckets, power of two */
#define IFACE_SHARES 64			/* the same, of answers */

enum iface_carrier { CARRIER_UNKNOWN, CARRIER_OFF, CARRIER_ON };

struct link {
	struct engine *engine;
	unsigned int ifindex;
	char name[IFNAMSIZ];
	uint16_t mtu;			/* configured */
	bool secured;			/* IPsec proves who is there */
	bool if_state;			/* configured */
	enum iface_carrier carrier;	/* as told */
	struct iface *family[__CONF_FAMILY_MAX];	/* NULL: off */
	bool halfway;			/* not all families are configured */
	struct peer *peers;		/* hash by NBMA address and mark */
	uint32_t salt;
	struct limit strangers[IFACE_STRANGERS];
	UT_hash_handle hh;
};

struct iface {
	struct link *link;
	struct engine *engine;
	enum conf_family family;
	struct conf_nhrp conf;
	struct addr local;		/* own NBMA address, none: no underlay */
	struct addr public;		/* own one as an NHS sees it, if another */
	struct nhs *nhs;		/* in the order of the file */
	struct timer election;		/* a fallback delay is over */
	struct entry *cache;		/* hash by protocol address */
	struct purge *purges;		/* hash by request id */
	struct shortcut *shortcuts;	/* hash by prefix */
	struct shortcut *sweep;		/* next one to compare with the FIB */
	unsigned int plens[129];	/* shortcuts of each length */
	struct answer *answers;		/* hash: whom we told of what, in turn */
	struct answer *recheck;		/* next one to compare with the FIB */
	uint16_t shares[IFACE_SHARES];	/* answers told to those of each */
	struct owner *owners;		/* hash: identities that registered here */
	struct limit redirects;		/* Traffic Indications sent */
	struct limit reasks;		/* withdrawn, and asked for again */
	unsigned int n_pending;		/* asks, probes and purges */
	struct limit errors;		/* Error Indications sent */
	struct limit complaints;	/* log lines about others */
	unsigned long withheld;		/* log lines since the last one */
	uint8_t auth[NHRP_AUTH_MAX + 4];	/* value that packets point to */
	struct engine_traffic traffic;
};

struct link *link_find(const struct engine *e, unsigned int ifindex);
/* NULL when out of memory. */
struct link *link_add(struct engine *e, unsigned int ifindex);
/* Forgets the interface with all that it has; the kernel is not told. */
void link_free(struct link *l);
/* Frees it when no family is left. */
void link_put(struct link *l);

enum conf_family iface_family_of(const struct addr *a);
/* NULL: NHRP does not run there for that family. */
struct iface *iface_find(const struct engine *e, unsigned int ifindex,
			 enum conf_family f);
/* The same for the family of @a. */
struct iface *iface_for(const struct engine *e, unsigned int ifindex,
			const struct addr *a);
/* The same for an event; one for a family that is off is counted as refused. */
struct iface *iface_serving(struct engine *e, unsigned int ifindex,
			    enum conf_family f);
/* All of them, those of one interface together. */
struct iface *iface_first(const struct engine *e);
struct iface *iface_next(const struct iface *i);
/* NULL when out of memory. */
struct iface *iface_add(struct link *l, enum conf_family f);
/* Forgets one family of the interface; the kernel is not told. */
void iface_free(struct iface *i);
/* It has what packets need: an NBMA and a protocol address of its own. */
bool iface_ready(const struct iface *i);
/* @a is in the tunnel's subnet; false when that is not known. */
bool iface_in_subnet(const struct iface *i, const struct addr *a);
/* The subnet's network or (IPv4) broadcast address: nobody's own. */
bool iface_is_edge(const struct iface *i, const struct addr *a);
bool iface_is_own(const struct iface *i, const struct addr *proto);
/*
 * How this node calls itself when it speaks to or of @other: by its link-local
 * address when that is one, too, else by its address in the subnet.
 */
const struct addr *iface_self(const struct iface *i, const struct addr *other);
/* @a may be a neighbour: in the subnet, or link-local. */
bool iface_on_link(const struct iface *i, const struct addr *a);
/* Others may register here; a spoke lets nobody do so. */
bool iface_serves(const struct iface *i);
/* Applies a configuration and an NBMA address; unchanged parts stay. */
void iface_apply(struct iface *i, const struct conf_nhrp *c,
		 const struct addr *local);
/* Makes static entries and peers what configuration and NHSs say. */
void iface_sync(struct iface *i);
/* One more packet of @nbma may be handled now. */
bool iface_admits(struct iface *i, const struct addr *nbma, uint32_t mark);

#endif
