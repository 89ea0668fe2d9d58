// SPDX-License-Identifier: GPL-2.0
/*
 * route: underlay routes, looked up once and used until they go stale.
 *
 * A peer holds one reference to its route in dmvpn_peer::dst. Packets use it
 * without a reference of their own: dst_release() frees after a grace period,
 * so what was read under RCU stays. dst->ops->check() sees FIB changes, new
 * path MTUs, changed xfrm policies and dead SAs, so that a route is asked for
 * anew exactly when it must be, and a route through an SA is never believed
 * longer than the SA lives.
 *
 * An IPv6 route has its state beside it: a cookie for check(), and a source
 * address that is not stored at once. A sequence lock of the peer keeps the
 * three together; packets read it, and only who renews the route writes.
 *
 * That a peer has no SA is remembered for NO_SA_MS, so that a flood to a peer
 * without one does not become a flood of xfrm look-ups.
 *
 * A new SA takes the place of one that is still valid HEIR_MS late: whoever
 * answers IKE installs it before the other end can (RFC 7296 2.8 has that end
 * listen on both), and the daemon needs a moment to lead packets elsewhere.
 * One to another port is another host's behind the same NAT address, or the
 * same host's behind another NAT: who it is the daemon finds out.
 * Not towards an NHS: who registers begins IKE, so the NHS was first, and to
 * wait were to send on what it is told to delete.
 */
#include <linux/ip.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "route.h"

#define NO_SA_MS 10
#define HEIR_MS 500		/* nhrpd/resolve.c waits for its end */
#define HEIR_OTHER_MS 5000	/* nhrpd/sa.c turns it away, or ends the old */

static struct xfrm_state *esp_of(const struct dst_entry *dst)
{
#ifdef CONFIG_XFRM
	for (; dst && dst->xfrm;
	     dst = xfrm_dst_child((struct dst_entry *)dst))
		if (dst->xfrm->id.proto == IPPROTO_ESP)
			return dst->xfrm;
#endif
	return NULL;
}

bool dmvpn_dst_esp(const struct dst_entry *dst)
{
	return esp_of(dst);
}

/* NAT gives each host behind an address a port of its own; 0: no NAT. */
static u16 far_port(const struct xfrm_state *x)
{
	return x->encap ? ntohs(x->encap->encap_dport) : 0;
}

bool dmvpn_route_outlives(struct dmvpn_peer *peer, const struct dst_entry *old,
			  const struct dst_entry *dst)
{
	const struct xfrm_state *was = esp_of(old), *heir = esp_of(dst);

	if (!was || !heir || was->id.spi == heir->id.spi ||
	    READ_ONCE(was->km.state) != XFRM_STATE_VALID ||
	    READ_ONCE(peer->flags) & DMVPN_PEER_F_NHS)
		return false;
	if (READ_ONCE(peer->heir) != heir->id.spi) {
		WRITE_ONCE(peer->heir_at, jiffies +
			   msecs_to_jiffies(far_port(was) == far_port(heir) ?
					    HEIR_MS : HEIR_OTHER_MS));
		WRITE_ONCE(peer->heir, heir->id.spi);
	}
	return time_before(jiffies, READ_ONCE(peer->heir_at));
}

static u8 route_tos(const struct dmvpn_conf *conf)
{
	return conf->tos == DMVPN_TOS_INHERIT ? 0 : conf->tos;
}

static struct dst_entry *lookup4(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 const struct in6_addr *daddr, u32 mark,
				 struct in6_addr *saddr)
{
	struct flowi4 fl4 = {
		.flowi4_oif = conf->link,
		.flowi4_mark = mark,
		.flowi4_tos = route_tos(conf),
		.flowi4_proto = IPPROTO_GRE,
		/* xfrm policies may be of one tunnel */
		.fl4_gre_key = conf->flags & DMVPN_LINK_F_KEY ?
			       cpu_to_be32(conf->key) : 0,
		.daddr = dmvpn_addr_get4(daddr),
		.saddr = dmvpn_addr_get4(&conf->local),
	};
	struct rtable *rt = ip_route_output_flow(ddev->net, &fl4, NULL);

	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_type != RTN_UNICAST && rt->rt_type != RTN_LOCAL) {
		ip_rt_put(rt);
		return ERR_PTR(-ENETUNREACH);
	}
	dmvpn_addr_set4(saddr, fl4.saddr);
	return &rt->dst;
}

#if IS_ENABLED(CONFIG_IPV6)
/*
 * ip6_dst_lookup_flow() keeps to the interface only as long as it has a source
 * address to choose as well.
 */
static struct dst_entry *output_flow6(struct net *net, struct flowi6 *fl6)
{
	struct dst_entry *dst;
	int err;

	if (ipv6_addr_any(&fl6->saddr))
		return ip6_dst_lookup_flow(net, NULL, fl6, NULL);
	dst = ip6_route_output_flags(net, NULL, fl6, fl6->flowi6_oif ?
						     RT6_LOOKUP_F_IFACE : 0);
	err = dst->error;
	if (err) {
		dst_release(dst);
		return ERR_PTR(err);
	}
	return xfrm_lookup_route(net, dst, flowi6_to_flowi(fl6), NULL, 0);
}

static struct dst_entry *lookup6(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 const struct in6_addr *daddr, u32 mark,
				 struct in6_addr *saddr)
{
	struct flowi6 fl6 = {
		.flowi6_oif = conf->link,
		.flowi6_mark = mark,
		.flowlabel = ip6_make_flowinfo(route_tos(conf), 0),
		.flowi6_proto = IPPROTO_GRE,
		.fl6_gre_key = conf->flags & DMVPN_LINK_F_KEY ?
			       cpu_to_be32(conf->key) : 0,
		.daddr = *daddr,
		.saddr = conf->local,
	};
	struct dst_entry *dst;

	/* NHRP frames go wherever a packet socket says. */
	if (!(ipv6_addr_type(daddr) & IPV6_ADDR_UNICAST))
		return ERR_PTR(-ENETUNREACH);
	dst = output_flow6(ddev->net, &fl6);
	if (!IS_ERR(dst))
		*saddr = fl6.saddr;
	return dst;
}

static u32 cookie6(const struct dst_entry *dst)
{
	return rt6_get_cookie(dst_rt6_info(dst));
}
#else
static struct dst_entry *lookup6(struct dmvpn_dev *ddev,
				 const struct dmvpn_conf *conf,
				 const struct in6_addr *daddr, u32 mark,
				 struct in6_addr *saddr)
{
	return ERR_PTR(-EAFNOSUPPORT);
}

static u32 cookie6(const struct dst_entry *dst)
{
	return 0;
}
#endif

struct dst_entry *dmvpn_route_lookup(struct dmvpn_dev *ddev,
				     const struct dmvpn_conf *conf,
				     const struct in6_addr *daddr, u32 mark,
				     struct in6_addr *saddr)
{
	bool required = conf->flags & DMVPN_LINK_F_IPSEC_REQUIRED;
	struct dst_entry *dst;
	int err = 0;

	if (conf->local_dev && ipv6_addr_any(&conf->local))
		return ERR_PTR(-EADDRNOTAVAIL);
	dmvpn_count(ddev, DMVPN_COUNT_ROUTE_LOOKUP);
	dst = conf->ipv6 ? lookup6(ddev, conf, daddr, mark, saddr) :
			   lookup4(ddev, conf, daddr, mark, saddr);
	/* A policy that blocks what has no SA is no lack of a route. */
	if (dst == ERR_PTR(-EPERM) && required)
		return ERR_PTR(-ENOKEY);
	if (IS_ERR(dst))
		return dst;
	if (dst->dev == ddev->dev)
		err = -ELOOP;
	else if (required && !dmvpn_dst_esp(dst))
		err = -ENOKEY;
	if (!err)
		return dst;
	dst_release(dst);
	return ERR_PTR(err);
}

/* All that is stored together is read together. */
static struct dst_entry *read6(struct dmvpn_peer *peer, struct in6_addr *saddr,
			       u32 *cookie)
{
	struct dst_entry *dst;
	unsigned int seq;

	do {
		seq = read_seqbegin(&peer->route6);
		dst = rcu_dereference(peer->dst);
		*saddr = peer->saddr6;
		*cookie = peer->dst_cookie;
	} while (read_seqretry(&peer->route6, seq));
	return dst;
}

struct dst_entry *dmvpn_route_held6(struct dmvpn_peer *peer,
				    struct in6_addr *saddr)
{
	struct dst_entry *dst;
	u32 cookie;

	dst = read6(peer, saddr, &cookie);
	return dst && dmvpn_route_valid(dst, cookie) ? dst : NULL;
}

/*
 * Two CPUs may both renew: each stores its own route and releases what it found
 * there. Released routes live until this RCU section ends.
 */
static void hold(const struct dmvpn_conf *conf, struct dmvpn_peer *peer,
		 struct dst_entry *dst, const struct in6_addr *saddr)
{
	struct dst_entry *old;

	if (likely(!conf->ipv6)) {
		WRITE_ONCE(peer->saddr, dmvpn_addr_get4(saddr));
		old = unrcu_pointer(xchg(&peer->dst, RCU_INITIALIZER(dst)));
	} else {
		write_seqlock_bh(&peer->route6);
		old = unrcu_pointer(xchg(&peer->dst, RCU_INITIALIZER(dst)));
		peer->saddr6 = *saddr;
		peer->dst_cookie = cookie6(dst);
		write_sequnlock_bh(&peer->route6);
	}
	dst_release(old);
}

/* The route that @peer had until now, good or not, with its source address. */
static struct dst_entry *had(const struct dmvpn_conf *conf,
			     struct dmvpn_peer *peer, struct in6_addr *saddr)
{
	u32 cookie;

	if (unlikely(conf->ipv6))
		return read6(peer, saddr, &cookie);
	dmvpn_addr_set4(saddr, READ_ONCE(peer->saddr));
	return rcu_dereference(peer->dst);
}

static struct dst_entry *route_renew(struct dmvpn_dev *ddev,
				     const struct dmvpn_conf *conf,
				     struct dmvpn_peer *peer,
				     struct in6_addr *saddr)
{
	struct dst_entry *dst, *old;
	struct in6_addr old_saddr;

	if (READ_ONCE(peer->no_sa) &&
	    time_before(jiffies, READ_ONCE(peer->no_sa_until)))
		return ERR_PTR(-ENOKEY);

	dst = dmvpn_route_lookup(ddev, conf, &peer->key.nbma,
				 peer->key.mark | conf->mark, saddr);
	if (IS_ERR(dst)) {
		if (dst == ERR_PTR(-ENOKEY)) {
			WRITE_ONCE(peer->no_sa_until,
				   jiffies + msecs_to_jiffies(NO_SA_MS));
			WRITE_ONCE(peer->no_sa, true);
		}
		return dst;
	}
	if (READ_ONCE(peer->no_sa))
		WRITE_ONCE(peer->no_sa, false);
	old = had(conf, peer, &old_saddr);
	if (old && dmvpn_route_outlives(peer, old, dst)) {
		dst_release(dst);
		*saddr = old_saddr;
		return old;
	}
	hold(conf, peer, dst, saddr);
	return dst;
}

struct dst_entry *dmvpn_route_get(struct dmvpn_dev *ddev,
				  const struct dmvpn_conf *conf,
				  struct dmvpn_peer *peer,
				  struct in6_addr *saddr)
{
	struct dst_entry *dst = dmvpn_route_held(conf, peer, saddr);

	return likely(dst) ? dst : route_renew(ddev, conf, peer, saddr);
}

enum dmvpn_drop dmvpn_route_drop(int err)
{
	switch (err) {
	case -ENOKEY:
		return DMVPN_DROP_NO_SA;
	case -ELOOP:
		return DMVPN_DROP_ROUTE_LOOP;
	case -EADDRNOTAVAIL:
		return DMVPN_DROP_NO_LOCAL;
	default:
		return DMVPN_DROP_NO_ROUTE;
	}
}

void dmvpn_routes_flush(struct dmvpn_dev *ddev)
{
	struct dmvpn_peer *peer;
	unsigned long id;

	lockdep_assert_held(&ddev->lock);
	xa_for_each(&ddev->peer_ids, id, peer) {
		WRITE_ONCE(peer->no_sa, false);
		dst_release(unrcu_pointer(xchg(&peer->dst, NULL)));
	}
}
