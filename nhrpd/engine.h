/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine: the protocol core of nhrpd, without descriptors and without a clock.
 *
 * Everything comes in through the functions below and goes out through struct
 * engine_ops; @now is milliseconds of a clock that only goes forward. The
 * daemon drives one engine with real sockets, a unit test drives hundreds of
 * them with a simulated network. No call blocks, none keeps a pointer to its
 * arguments unless it says so.
 *
 * The kernel owns what packets need (neighbours, peers, expiry); the engine
 * decides what is in there and remembers the rest of an entry in the kernel's
 * cookie, so that a restarted daemon takes back what it knew.
 */
#ifndef NHRPD_ENGINE_H
#define NHRPD_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "config.h"
#include "packet.h"

#define ENGINE_COOKIE_MAX 64		/* DMVPN_COOKIE_MAX */

struct engine;

/* A neighbour as the kernel holds it (enum dmvpn_neigh_flag for @flags). */
struct engine_neigh {
	struct addr addr;		/* protocol address */
	struct addr nbma;
	uint32_t mark;
	uint32_t flags;
	uint32_t expires;		/* ms from now, 0: never */
	uint32_t refresh;		/* ms before expiry, 0: no event */
	uint64_t created_ago;		/* ms; only in adoption */
	uint8_t cookie[ENGINE_COOKIE_MAX];
	uint8_t cookie_len;
};

/* A shortcut as the kernel holds it (phase 3). */
struct engine_shortcut {
	struct addr prefix;		/* host bits zero */
	uint8_t plen;
	struct addr nexthop;		/* protocol address of a neighbour */
	struct addr via;		/* routed next hop it was learnt under */
	uint32_t expires;		/* ms from now, 0: never */
	uint32_t refresh;		/* ms before expiry, 0: no event */
	uint64_t created_ago;		/* ms; only in adoption */
	uint8_t cookie[ENGINE_COOKIE_MAX];
	uint8_t cookie_len;
};

struct engine_route {			/* the FIB's answer for one address */
	bool found;
	bool local;			/* an address of this host */
	unsigned int ifindex;		/* egress */
	struct addr gateway;		/* none: on link */
	struct addr prefix;		/* the route that matched */
	uint8_t plen;
};

enum engine_sa_state {
	ENGINE_SA_UNKNOWN,		/* somebody else makes SAs, or charon is away */
	ENGINE_SA_DOWN,
	ENGINE_SA_UP,
};

struct engine_sa {			/* what IPsec says of a peer */
	enum engine_sa_state state;
	const char *identity;		/* authenticated, of one that is up */
	bool ambiguous;			/* several are at that address */
	const char *reason;		/* why not up, or "" */
	bool coming;			/* the peer is about to make another */
	bool heir;			/* the kernel goes on with the one before */
	bool doubtful;			/* somebody else may send from there */
};

enum engine_log { ENGINE_ERR, ENGINE_WARN, ENGINE_NOTICE, ENGINE_INFO, ENGINE_DEBUG };

struct engine_ops {
	/* Sends one NHRP packet; loss is the network's business. */
	void (*send)(void *ctx, unsigned int ifindex, const struct addr *nbma,
		     uint32_t mark, const uint8_t *buf, size_t len);
	/* Creates or replaces a neighbour in the kernel. */
	void (*neigh_set)(void *ctx, unsigned int ifindex,
			  const struct engine_neigh *n);
	void (*neigh_del)(void *ctx, unsigned int ifindex,
			  const struct addr *addr);
	/* Sets a peer's flags (enum dmvpn_peer_flag) and NHS priority. */
	void (*peer_set)(void *ctx, unsigned int ifindex,
			 const struct addr *nbma, uint32_t mark,
			 uint32_t flags, uint32_t priority);
	void (*peer_del)(void *ctx, unsigned int ifindex,
			 const struct addr *nbma, uint32_t mark);
	/* Creates or replaces a shortcut in the kernel, deletes one. */
	void (*shortcut_set)(void *ctx, unsigned int ifindex,
			     const struct engine_shortcut *s);
	void (*shortcut_del)(void *ctx, unsigned int ifindex,
			     const struct addr *prefix, uint8_t plen);
	/* An NHS of the interface is up, or none is (`if-state nhrp`). Only
	 * called when that changes. May be NULL. */
	void (*carrier)(void *ctx, unsigned int ifindex, bool on);
	/* Data or NHRP of ours goes to that peer, which is protected: it needs
	 * an SA, or does not any more. May be NULL. */
	void (*need)(void *ctx, unsigned int ifindex, const struct addr *nbma,
		     uint32_t mark, bool on);
	/* Asks for the SA to a peer; answers at once, with text that holds
	 * until the next call. May be NULL: none is known. */
	struct engine_sa (*sa)(void *ctx, unsigned int ifindex,
			       const struct addr *nbma, uint32_t mark);
	/* Asks the FIB; answers at once. */
	struct engine_route (*route)(void *ctx, unsigned int ifindex,
				     const struct addr *dst);
	/* The shortest length, @plen or longer, of a prefix around @dst that
	 * holds no route longer than @plen. May be NULL: @plen it is. */
	uint8_t (*narrow)(void *ctx, unsigned int ifindex,
			  const struct addr *dst, uint8_t plen);
	/* Resolves a name; the answer comes by engine_name(), not from within
	 * this call. May be NULL. */
	void (*lookup)(void *ctx, unsigned int ifindex, const char *fqdn);
	uint32_t (*random)(void *ctx);
	void (*log)(void *ctx, enum engine_log level, const char *text);
	/* Something an operator may watch: `dmvpn monitor`. May be NULL. */
	void (*event)(void *ctx, unsigned int ifindex, const char *what,
		      const struct addr *proto, const struct addr *nbma,
		      const char *text);
};

/* NULL when out of memory. @ops and @ctx must outlive the engine. */
struct engine *engine_new(const struct engine_ops *ops, void *ctx);
/* Forgets everything; the kernel's entries stay. */
void engine_free(struct engine *e);

/*
 * An interface comes under NHRP, or its configuration or NBMA address
 * changed. @c is copied and holds both families: one with network-id 0 is off
 * (all of it ends as with engine_iface_del()), one without a protocol address
 * stops all its traffic. IPv6's @link_local, none or the device's, is an
 * address of this node's beside @addr. @local_nbma none: no underlay address
 * at the moment, nothing is sent. Unchanged parts are not disturbed; a changed
 * NBMA address registers anew at once. -ENOMEM.
 *
 * Below, the family is that of the addresses passed or of the packet.
 */
int engine_iface_set(struct engine *e, unsigned int ifindex,
		     const struct conf_iface *c, const struct addr *local_nbma,
		     uint64_t now);
/* The interface leaves NHRP, both families: unregisters (purge) and forgets. */
void engine_iface_del(struct engine *e, unsigned int ifindex, uint64_t now);

/* Takes back a neighbour that the kernel held before this daemon started;
 * call between engine_iface_set() and the first engine_run(). */
void engine_adopt(struct engine *e, unsigned int ifindex,
		  const struct engine_neigh *n, uint64_t now);

/*
 * Takes back a peer whose flags this daemon set before (DMVPN_CMD_PEER_SET;
 * how the caller knows that is its business). After the neighbours; a peer
 * that nothing needs any more is deleted.
 */
void engine_adopt_peer(struct engine *e, unsigned int ifindex,
		       const struct addr *nbma, uint32_t mark, uint32_t flags,
		       uint32_t priority, uint64_t now);

/* Takes back a shortcut that the kernel held, after the neighbours. */
void engine_adopt_shortcut(struct engine *e, unsigned int ifindex,
			   const struct engine_shortcut *s, uint64_t now);

/* An NHRP packet came in; @nbma and @mark are the outer source. */
void engine_recv(struct engine *e, unsigned int ifindex,
		 const struct addr *nbma, uint32_t mark, const uint8_t *buf,
		 size_t len, uint64_t now);
/* Kernel: a packet from @src to @dst had no usable @nexthop. */
void engine_resolve(struct engine *e, unsigned int ifindex,
		    const struct addr *nexthop, const struct addr *src,
		    const struct addr *dst, uint64_t now);
/* Kernel: the neighbour expired / is in use shortly before its end. */
void engine_expired(struct engine *e, unsigned int ifindex,
		    const struct addr *addr, uint64_t now);
void engine_used(struct engine *e, unsigned int ifindex,
		 const struct addr *addr, uint64_t now);
/* The same of a shortcut. */
void engine_shortcut_expired(struct engine *e, unsigned int ifindex,
			     const struct addr *prefix, uint8_t plen,
			     uint64_t now);
void engine_shortcut_used(struct engine *e, unsigned int ifindex,
			  const struct addr *prefix, uint8_t plen,
			  uint64_t now);
/*
 * Kernel: a packet came from the peer @nbma and left to another peer of the
 * cloud. @head has its first @len bytes, from the IP header on; the sender is
 * told (Traffic Indication) when `ip nhrp redirect` is configured.
 */
void engine_redirect(struct engine *e, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark,
		     const uint8_t *head, size_t len, uint64_t now);
/* Kernel: the peer is sent to, but not heard for some seconds. */
void engine_oneway(struct engine *e, unsigned int ifindex,
		   const struct addr *nbma, uint32_t mark, uint64_t now);
/*
 * The peer has an SA now, or has lost its last one; ops->sa tells the same
 * already. @fresh: the peer makes it and may not have it yet, whatever there
 * was before. Does not change what is needed from within.
 */
void engine_sa(struct engine *e, unsigned int ifindex, const struct addr *nbma,
	       uint32_t mark, bool up, bool fresh, uint64_t now);
/* NAT gave the peer another address: so have what it registered, and what was
 * learnt to be there when nothing else was. */
void engine_moved(struct engine *e, unsigned int ifindex,
		  const struct addr *old, const struct addr *nbma,
		  uint32_t mark, uint64_t now);
/*
 * charon begins to count anew: registrations by a mark that no SA has keep
 * their holder and lose the mark, which may be somebody else's next.
 */
void engine_forget_marks(struct engine *e, unsigned int ifindex, uint64_t now);
/* The FIB changed: shortcuts are compared with their covering routes. */
void engine_routes_changed(struct engine *e, uint64_t now);
/* Answer to ops->lookup; @n 0: the name does not resolve now. */
void engine_name(struct engine *e, unsigned int ifindex, const char *fqdn,
		 const struct addr *addrs, unsigned int n, uint64_t now);

/* When engine_run() has something to do next; UINT64_MAX: never. */
uint64_t engine_deadline(const struct engine *e);
void engine_run(struct engine *e, uint64_t now);

/* Operator: forget learnt entries (all of @family when @addr is NULL), register
 * anew. How many went. */
unsigned int engine_clear(struct engine *e, unsigned int ifindex,
			  enum conf_family family, const struct addr *addr,
			  uint64_t now);

/*
 * Operator: an NHS (by protocol or NBMA address) is drained before
 * maintenance, or serves again: it stays registered with, but nothing is
 * sent through it as long as another one is up. -ENOENT: no such NHS.
 */
int engine_nhs_drain(struct engine *e, unsigned int ifindex,
		     const struct addr *nhs, bool drain, uint64_t now);

/* ---- what there is to show ---- */

enum entry_type {			/* words of `show ip nhrp` */
	ENTRY_STATIC,			/* a map line */
	ENTRY_DYNAMIC,			/* learnt */
	ENTRY_INCOMPLETE,		/* asked for */
	ENTRY_NEGATIVE,			/* refused or not answered */
	ENTRY_LOCAL,			/* this host's own answer to others */
};

enum entry_state {			/* words of `dmvpn show` */
	ENTRY_UP,
	ENTRY_RESOLVING,		/* asked, no answer yet */
	ENTRY_PROBING,			/* answered, direct path not yet proved */
	ENTRY_REGISTERING,		/* an NHS that has not answered */
	ENTRY_DOWN,
};

struct engine_entry {
	unsigned int ifindex;
	struct addr proto;
	uint8_t plen;			/* shorter than an address: a shortcut */
	struct addr nexthop;		/* of a shortcut, else none */
	struct addr nbma;		/* none while incomplete */
	struct addr claimed;		/* differs from @nbma behind NAT, else none */
	enum entry_type type;
	enum entry_state state;
	bool nhs, registered, unique, router, used, nat, no_socket;
	uint64_t created;		/* now's clock */
	uint64_t changed;		/* when @state was entered */
	uint64_t expires;		/* now's clock, 0: never */
	const char *reason;		/* why not up, or what comes next; may be "" */
};

struct engine_nhs_info {
	unsigned int ifindex;
	enum conf_family family;
	struct addr proto, nbma;	/* each may be none, not known yet */
	uint8_t priority, cluster;
	bool up, expecting;
	bool active;			/* among those that data may go to */
	bool drained;
	uint64_t changed;		/* since when up or down */
	uint64_t req_sent, req_failed, repl_recv;
	uint64_t last_reply;		/* now's clock, 0: never */
	uint64_t next;			/* next registration */
	uint32_t reqid;
	const char *reason;
};

struct engine_traffic {			/* `show ip nhrp traffic` */
	uint64_t sent[__NHRP_TYPE_MAX], rcvd[__NHRP_TYPE_MAX],
		 fwd[__NHRP_TYPE_MAX];
	uint64_t refused[__NHRP_REFUSAL_MAX];	/* by the decoder */
	/* by the engine, see engine_reject_name() */
	uint64_t rejected[40];
};

/* The word for rejected[@i], NULL behind the last one. */
const char *engine_reject_name(unsigned int i);

/* Calls @cb for each entry, ordered by interface, family and address. */
void engine_each_entry(struct engine *e,
		       void (*cb)(void *ctx, const struct engine_entry *),
		       void *ctx);
void engine_each_nhs(struct engine *e,
		     void (*cb)(void *ctx, const struct engine_nhs_info *),
		     void *ctx);
/* False when NHRP does not run there for @family. */
bool engine_traffic(const struct engine *e, unsigned int ifindex,
		    enum conf_family family, struct engine_traffic *t);

#endif
