/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * redirect: Traffic Indications (Cisco's type 8; there is no RFC). A hub sends
 * one to the peer whose packet it carries on to another peer; who gets one
 * asks for the destination along the routed path.
 *
 * An indication makes us send a request, no more. It is believed when it comes
 * from the node to which we send the packet that it quotes.
 */
#include "cache.h"
#include "iface.h"
#include "msg.h"
#include "nhs.h"
#include "peer.h"
#include "shortcut.h"

/*
 * The kernel tells of a pair of peers once an interval and is fair to all
 * peers; this keeps the queue to the socket short, whatever it tells.
 */
#define REDIRECT_RATE 2000		/* indications/s */
#define REDIRECT_BURST 4000
#define QUOTE_MAX 128			/* bytes */

/* Hints of a peer that is no NHS: each may keep a request open for a minute. */
#define HINT_RATE 20			/* indications/s */
#define HINT_BURST 100

struct heads {				/* of a quoted packet */
	struct addr src, dst;
};

static bool parse_v4(const uint8_t *q, size_t len, struct heads *h)
{
	size_t ihl = (q[0] & 15) * 4;

	if (q[0] >> 4 != 4 || ihl < 20 || ihl > len)
		return false;
	h->src = addr_from(q + 12, 4);
	h->dst = addr_from(q + 16, 4);
	return true;
}

static bool parse_v6(const uint8_t *q, size_t len, struct heads *h)
{
	if (len < 40 || q[0] >> 4 != 6)
		return false;
	h->src = addr_from(q + 8, 16);
	h->dst = addr_from(q + 24, 16);
	return true;
}

/* The addresses of a packet of the interface's family, maybe cut short. */
static bool parse(const struct iface *i, const uint8_t *q, size_t len,
		  struct heads *h)
{
	if (len < 20)
		return false;
	return i->family == CONF_IPV4 ? parse_v4(q, len, h) :
					parse_v6(q, len, h);
}

/* No router carries packets from or to there. */
static bool stays_here(const struct addr *a)
{
	return addr_is_martian(a) || addr_is_link_local(a);
}

/* ---- the hub ---- */

static void indicate(struct iface *i, const struct addr *nbma, uint32_t mark,
		     const struct addr *src, const uint8_t *head, size_t len)
{
	struct nhrp_packet p;

	/* Towards the sender: IOS and FRR name the source here. */
	msg_init(i, &p, NHRP_TRAFFIC_INDICATION, 0, 0, src);
	p.hops = 1;
	p.quote = head;
	p.quote_len = len < QUOTE_MAX ? len : QUOTE_MAX;
	msg_send(i, nbma, mark, &p);
}

void engine_redirect(struct engine *e, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark,
		     const uint8_t *head, size_t len, uint64_t now)
{
	bool v6 = len && head[0] >> 4 == 6;
	struct iface *i = iface_serving(e, ifindex, v6 ? CONF_IPV6 : CONF_IPV4);
	struct heads h;

	e->now = now;
	if (!i)
		return;
	if (!iface_ready(i))
		engine_reject(i, REJECT_OFF);
	else if (!i->conf.redirect)
		engine_reject(i, REJECT_REDIRECT_OFF);
	else if (!peer_find(i->link, nbma, mark))
		engine_reject(i, REJECT_STRANGER);
	else if (!parse(i, head, len, &h))
		engine_reject(i, REJECT_BAD_QUOTE);
	else if (stays_here(&h.src) || stays_here(&h.dst) ||
		 iface_is_own(i, &h.src) || iface_is_own(i, &h.dst))
		engine_reject(i, REJECT_MARTIAN);
	else if (!limit_take(&i->redirects, now, REDIRECT_RATE,
			     REDIRECT_BURST))
		engine_reject(i, REJECT_RATE);
	else
		indicate(i, nbma, mark, &h.src, head, len);
}

/* ---- the spoke ---- */

/* What has this next hop goes to the node that the packet came from. */
static bool is_sender(const struct rx *rx, const struct addr *via)
{
	const struct entry *e = cache_find(rx->iface, via);

	if (!e || !e->installed || e->state == ENTRY_PROBING)
		return nhs_at(rx->iface, rx->nbma);	/* through the hub */
	return addr_eq(&e->nbma, rx->nbma) && e->mark == rx->mark;
}

/* Who would get packets to @src from us has not got them from us. */
static bool is_ours(const struct rx *rx, const struct addr *src)
{
	struct addr via;

	return !shortcut_via(rx->iface, src, &via, NULL) ||
	       !is_sender(rx, &via);
}

/* A shortcut that is learnt, but may not have reached the kernel. */
static bool is_covered(struct iface *i, const struct addr *dst,
		       const struct addr *via)
{
	struct shortcut *s = shortcut_find(i, dst);

	if (!s || !addr_eq(&s->via, via))
		return false;
	if (s->created + ENGINE_SECOND <= i->engine->now)
		shortcut_install(s);
	return true;
}

/* Asks for @dst, to which our packets go by @via. */
static void take_hint(struct rx *rx, const struct addr *dst,
		      const struct addr *via)
{
	struct iface *i = rx->iface;

	if (!nhs_at(i, rx->nbma) && !is_sender(rx, via))
		engine_reject(i, REJECT_STRANGER);
	else if (is_covered(i, dst, via))
		engine_reject(i, REJECT_COVERED);
	else if (!nhs_at(i, rx->nbma) &&
		 !limit_take(&peer_find(i->link, rx->nbma, rx->mark)->hints,
			     i->engine->now, HINT_RATE, HINT_BURST))
		engine_reject(i, REJECT_RATE);
	else if (!resolve_want(i, dst, true))
		engine_reject(i, REJECT_PENDING);
}

void redirect_indication(struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct iface *i = rx->iface;
	struct addr via;
	struct heads h;

	if (!i->conf.shortcut)
		engine_reject(i, REJECT_REDIRECT_OFF);
	else if (!peer_find(i->link, rx->nbma, rx->mark))
		engine_reject(i, REJECT_STRANGER);
	else if (!parse(i, p->quote, p->quote_len, &h))
		engine_reject(i, REJECT_BAD_QUOTE);
	else if (stays_here(&h.dst) || stays_here(&h.src))
		engine_reject(i, REJECT_MARTIAN);
	else if (!is_ours(rx, &h.src))
		engine_reject(i, REJECT_NOT_OURS);
	else if (!shortcut_via(i, &h.dst, &via, NULL))
		engine_reject(i, REJECT_OFF_TUNNEL);
	else
		take_hint(rx, &h.dst, &via);
}
