/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nhs: the next hop servers that an interface registers with and asks. The
 * register procedure drives them; this file owns the list and their states.
 */
#ifndef NHRPD_NHS_H
#define NHRPD_NHS_H

#include "engine_internal.h"

#define NHS_NAMES_MAX 8

enum nhs_state {
	NHS_NEW,			/* no verdict yet */
	NHS_UP,
	NHS_DOWN,
	NHS_STANDBY,			/* its cluster has enough without it */
};

struct nhs {
	struct iface *iface;
	struct conf_nhs conf;
	struct addr proto;		/* configured or learnt */
	struct addr nbma;		/* configured, mapped or looked up */
	enum nhs_state state;
	bool expecting;			/* a registration is unanswered */
	bool active;			/* registered with, not standby */
	bool fresh;			/* active, but not started yet */
	bool serving;			/* one of the connections of its cluster */
	bool drained;			/* by the operator */
	bool hasty;			/* silent: asked every second */
	uint32_t reqid;
	/* our link-local address, registered beside the other (IPv6) */
	uint32_t ll_reqid;
	bool ll_expecting, ll_registered;
	uint8_t ll_code;		/* why it is not */
	unsigned int ll_tries;		/* since the last answer */
	unsigned int tries;		/* since the last success */
	uint64_t started;		/* first packet of this series */
	uint64_t changed;
	uint64_t req_sent, req_failed, repl_recv;
	uint64_t last_reply;
	uint64_t checked;		/* last asked because it was silent */
	char reason[128];		/* why it is down or standby */
	struct addr names[NHS_NAMES_MAX];	/* addresses of conf.fqdn */
	unsigned int n_names;
	struct timer timer;
	struct nhs *next;
};

/* Follows the configuration: keeps, makes, withdraws. */
void nhs_sync(struct iface *i);
/* What was down only because the interface was gets its chance. */
void nhs_renew(struct iface *i);
/* Forgets all, silently. */
void nhs_free_all(struct iface *i);
/* The NHS that has this NBMA address, or this protocol address. */
struct nhs *nhs_at(const struct iface *i, const struct addr *nbma);
struct nhs *nhs_named(const struct iface *i, const struct addr *proto);
/* The best one that is up, on later tries (@nth > 0) the next ones; those in
 * reserve come last. */
struct nhs *nhs_best(const struct iface *i, unsigned int nth);
/* State changes; they log and tell the kernel. */
void nhs_up(struct nhs *n, unsigned int hold);
void nhs_down(struct nhs *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The protocol address that a reply told, for `nhs dynamic`. */
void nhs_learn(struct nhs *n, const struct addr *proto);
/* The name resolves to these addresses. */
void nhs_resolved(struct nhs *n, const struct addr *addrs, unsigned int count);
/* Asks for the name's addresses again; nothing without a name. */
void nhs_lookup(struct nhs *n);
/* Why it carries no data, "" when nothing keeps it from that. */
const char *nhs_reason(const struct nhs *n);
/* The state of its entry. */
enum entry_state nhs_entry_state(const struct nhs *n);
/* "192.168.1.1 (1.1.1.1)" in @buf; returns @buf. */
const char *nhs_text(const struct nhs *n, char *buf, size_t len);

/* cluster.c */
/* Decides who is registered with; starts nobody, but withdraws. */
void cluster_cast(struct iface *i);
/* The same, starts them, and tells the kernel. After each change of state. */
void cluster_elect(struct iface *i);
/* NHRP leaves the interface: its carrier is nobody's business any more. */
void cluster_leave(struct iface *i);
/* Up, but not used while another one is: drained, or its fallback delay runs. */
bool nhs_is_reserve(const struct nhs *n);
/* Data without a direct path may go to it. */
bool nhs_carries(const struct nhs *n);

#endif
