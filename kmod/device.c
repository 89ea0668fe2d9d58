// SPDX-License-Identifier: GPL-2.0
/*
 * device: the netdevice, its configuration and its life.
 *
 * A device belongs to two namespaces: the one it is in (inner packets) and
 * the one it was made in (outer packets, "underlay"), which it does not keep
 * alive: when the underlay namespace goes, its devices go, wherever they are.
 *
 * Configuration changes build a new struct dmvpn_conf, publish it, wait until
 * no packet uses the old one, and only then forget the cached routes, which
 * depend on it.
 */
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/rtnetlink.h>

#include "demux.h"
#include "dmvpn.h"
#include "gre.h"
#include "mcast.h"
#include "neigh.h"
#include "oneway.h"
#include "peer.h"
#include "redirect.h"
#include "route.h"
#include "shortcut.h"
#include "upcall.h"

#define LINK_FLAGS_KNOWN (DMVPN_LINK_F_KEY | DMVPN_LINK_F_IPSEC_REQUIRED | \
			  DMVPN_LINK_F_POINTOPOINT | DMVPN_LINK_F_REDIRECT | \
			  DMVPN_LINK_F_STRICT_SOURCE)
#define LINK_FLAGS_DONE (DMVPN_LINK_F_KEY | DMVPN_LINK_F_IPSEC_REQUIRED | \
			 DMVPN_LINK_F_POINTOPOINT | DMVPN_LINK_F_REDIRECT | \
			 DMVPN_LINK_F_STRICT_SOURCE)
#define REDIRECT_INTERVAL_MAX	65535000	/* ms */
#define MTU_IPSEC	1400	/* leaves room for ESP in any usual suite */

static unsigned int dmvpn_net_id __read_mostly;
static struct rtnl_link_ops dmvpn_link_ops;

struct dmvpn_net *dmvpn_net(struct net *net)
{
	return net_generic(net, dmvpn_net_id);
}

bool dmvpn_is_dmvpn(const struct net_device *dev)
{
	return dev->rtnl_link_ops == &dmvpn_link_ops;
}

/* ---- demultiplexing ---- */

static void demux_add(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf)
{
	hlist_add_head_rcu(&ddev->demux_node,
			   dmvpn_net_bucket(dmvpn_net(ddev->net), conf->key));
}

/* Would no packet tell the two devices apart? */
static bool same_tunnel(const struct dmvpn_conf *a, const struct dmvpn_conf *b)
{
	return !((a->flags ^ b->flags) & DMVPN_LINK_F_KEY) &&
	       a->key == b->key && a->remote == b->remote &&
	       a->local_dev == b->local_dev &&
	       (a->local_dev || a->local == b->local);
}

static int conf_check_unique(struct net *net, const struct dmvpn_dev *self,
			     const struct dmvpn_conf *conf,
			     struct netlink_ext_ack *extack)
{
	struct dmvpn_net *dn = dmvpn_net(net);
	const struct dmvpn_conf *other;
	struct dmvpn_dev *ddev;
	unsigned int i;

	ASSERT_RTNL();
	for (i = 0; i < ARRAY_SIZE(dn->devs); i++) {
		hlist_for_each_entry(ddev, &dn->devs[i], demux_node) {
			other = rtnl_dereference(ddev->conf);
			if (ddev == self || !same_tunnel(conf, other))
				continue;
			NL_SET_ERR_MSG(extack,
				       "a device with this local, remote and key exists");
			return -EEXIST;
		}
	}
	return 0;
}

/* ---- the local address ---- */

/* The first address that others can reach, 0: none. Under RTNL. */
static __be32 primary_address(struct net *net, int ifindex)
{
	struct net_device *dev = __dev_get_by_index(net, ifindex);
	struct in_device *in_dev = dev ? __in_dev_get_rtnl(dev) : NULL;
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return 0;
	in_dev_for_each_ifa_rtnl(ifa, in_dev)
		if (!(ifa->ifa_flags & IFA_F_SECONDARY) &&
		    ifa->ifa_scope < RT_SCOPE_LINK)
			return ifa->ifa_local;
	return 0;
}

static void show_addresses(struct dmvpn_dev *ddev,
			   const struct dmvpn_conf *conf)
{
	__dev_addr_set(ddev->dev, &conf->local, sizeof(conf->local));
	memcpy(ddev->dev->broadcast, &conf->remote, sizeof(conf->remote));
}

/* Under RTNL and the lock; frees the old configuration. */
static void conf_publish(struct dmvpn_dev *ddev, struct dmvpn_conf *conf)
{
	struct dmvpn_conf *old = dmvpn_conf_locked(ddev);

	if (old->key != conf->key) {
		hlist_del_init_rcu(&ddev->demux_node);
		synchronize_net();	/* no reader follows into the new list */
		demux_add(ddev, conf);
	}
	rcu_assign_pointer(ddev->conf, conf);
	synchronize_net();
	dmvpn_routes_flush(ddev);
	show_addresses(ddev, conf);
	kfree_rcu(old, rcu);
}

static void follow(struct dmvpn_dev *ddev)
{
	struct dmvpn_conf *conf, *old;
	__be32 local;

	mutex_lock(&ddev->lock);
	old = dmvpn_conf_locked(ddev);
	local = primary_address(ddev->net, old->local_dev);
	if (local == old->local)
		goto out;
	conf = kmemdup(old, sizeof(*old), GFP_KERNEL);
	if (!conf) {
		netdev_err(ddev->dev, "no memory for a new local address\n");
		goto out;
	}
	conf->local = local;
	conf_publish(ddev, conf);
	call_netdevice_notifiers(NETDEV_CHANGEADDR, ddev->dev);
out:
	mutex_unlock(&ddev->lock);
}

static int address_event(struct notifier_block *nb, unsigned long event,
			 void *ptr)
{
	const struct in_ifaddr *ifa = ptr;
	struct net_device *dev = ifa->ifa_dev->dev;
	struct dmvpn_net *dn = dmvpn_net(dev_net(dev));
	struct dmvpn_dev *ddev;
	unsigned int i;

	ASSERT_RTNL();
	if (!dn->n_devs)
		return NOTIFY_DONE;
	for (i = 0; i < ARRAY_SIZE(dn->devs); i++)
		hlist_for_each_entry(ddev, &dn->devs[i], demux_node)
			if (rtnl_dereference(ddev->conf)->local_dev ==
			    dev->ifindex)
				follow(ddev);
	return NOTIFY_DONE;
}

static struct notifier_block address_notifier = {
	.notifier_call = address_event,
};

/* ---- netdevice ---- */

static int dmvpn_dev_init(struct net_device *dev)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	int err = -ENOMEM;
	int cpu;

	ddev->dev = dev;
	ddev->seed = get_random_u32();
	mutex_init(&ddev->lock);
	INIT_DELAYED_WORK(&ddev->sweep, dmvpn_sweep);
	dmvpn_mcast_init(ddev);
	dmvpn_oneway_init(ddev);
	INIT_HLIST_NODE(&ddev->demux_node);

	ddev->stats = alloc_percpu(struct dmvpn_stats);
	if (!ddev->stats)
		return err;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(ddev->stats, cpu)->syncp);
	ddev->ingress = kvcalloc(DMVPN_INGRESS_SLOTS, sizeof(*ddev->ingress),
				 GFP_KERNEL_ACCOUNT);
	if (!ddev->ingress)
		goto err_stats;
	err = dmvpn_redirect_init(ddev, rtnl_dereference(ddev->conf));
	if (err)
		goto err_ingress;
	err = dmvpn_upcall_init(ddev);
	if (err)
		goto err_redirect;
	err = gro_cells_init(&ddev->gro_cells, dev);
	if (err)
		goto err_upcall;
	err = dmvpn_peers_init(ddev);
	if (err)
		goto err_gro;
	err = dmvpn_neighs_init(ddev);
	if (err)
		goto err_peers;
	err = dmvpn_shortcuts_init(ddev);
	if (err)
		goto err_neighs;
	mutex_lock(&ddev->lock);
	err = dmvpn_remote_set(ddev, dmvpn_conf_locked(ddev)->remote, NULL);
	mutex_unlock(&ddev->lock);
	if (err)
		goto err_shortcuts;
	err = dmvpn_demux_get();
	if (err)
		goto err_remote;
	demux_add(ddev, rtnl_dereference(ddev->conf));
	dmvpn_net(ddev->net)->n_devs++;
	if (rtnl_dereference(ddev->conf)->oneway_interval)
		dmvpn_oneway_update(ddev);
	return 0;

err_remote:
	mutex_lock(&ddev->lock);
	dmvpn_remote_set(ddev, 0, NULL);
	mutex_unlock(&ddev->lock);
err_shortcuts:
	dmvpn_shortcuts_destroy(ddev);
err_neighs:
	dmvpn_neighs_destroy(ddev);
err_peers:
	dmvpn_peers_destroy(ddev);
err_gro:
	gro_cells_destroy(&ddev->gro_cells);
err_upcall:
	dmvpn_upcall_destroy(ddev);
err_redirect:
	dmvpn_redirect_destroy(ddev);
err_ingress:
	kvfree(ddev->ingress);
err_stats:
	free_percpu(ddev->stats);
	return err;
}

/* No packet finds the device any more when this returns. */
static void dmvpn_dev_uninit(struct net_device *dev)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	struct dmvpn_peer *peer;
	unsigned long id;

	hlist_del_init_rcu(&ddev->demux_node);
	dmvpn_net(ddev->net)->n_devs--;
	dmvpn_demux_put();
	mutex_lock(&ddev->lock);
	ddev->dying = true;
	mutex_unlock(&ddev->lock);
	cancel_delayed_work_sync(&ddev->sweep);
	dmvpn_oneway_stop(ddev);
	synchronize_net();
	dmvpn_mcast_stop(ddev);

	mutex_lock(&ddev->lock);
	dmvpn_shortcut_del_all(ddev);
	dmvpn_neigh_del_all(ddev);
	dmvpn_remote_set(ddev, 0, NULL);
	xa_for_each(&ddev->peer_ids, id, peer)
		dmvpn_peer_unlink(ddev, peer);
	mutex_unlock(&ddev->lock);
}

/* Nobody holds the device any more. */
static void dmvpn_dev_free(struct net_device *dev)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);

	dmvpn_shortcuts_destroy(ddev);
	dmvpn_neighs_destroy(ddev);
	dmvpn_peers_destroy(ddev);
	gro_cells_destroy(&ddev->gro_cells);
	dmvpn_upcall_destroy(ddev);
	dmvpn_redirect_destroy(ddev);
	kvfree(ddev->ingress);
	free_percpu(ddev->stats);
	kfree(rcu_replace_pointer(ddev->conf, NULL, true));
	mutex_destroy(&ddev->lock);
}

/*
 * A hub sends packets back out of the device they came in by all day long,
 * and ICMP redirects would tell spokes to bypass it before they can. IPv6 has
 * no knob for those who send them, so nobody here believes them.
 *
 * A link-local address made of the NBMA address (EUI-64 of this device type)
 * is that of two spokes when both are behind a NAT, and there is none without
 * a local address; so it is made of a secret unless user space chose a mode.
 */
static int dmvpn_dev_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);
	struct inet6_dev *in6_dev = __in6_dev_get(dev);

	if (in_dev)
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
	IPV4_DEVCONF_ALL(dev_net(dev), SEND_REDIRECTS) = false;
	if (!in6_dev)
		return 0;
	WRITE_ONCE(in6_dev->cnf.accept_redirects, 0);
	if (in6_dev->cnf.addr_gen_mode == IN6_ADDR_GEN_MODE_EUI64)
		WRITE_ONCE(in6_dev->cnf.addr_gen_mode,
			   IN6_ADDR_GEN_MODE_RANDOM);
	return 0;
}

static int dmvpn_dev_stop(struct net_device *dev)
{
	dmvpn_mcast_stop(netdev_priv(dev));
	return 0;
}

static int dmvpn_dev_iflink(const struct net_device *dev)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	int link;

	rcu_read_lock();
	link = rcu_dereference(ddev->conf)->link;
	rcu_read_unlock();
	return link;
}

static const struct net_device_ops dmvpn_netdev_ops = {
	.ndo_init		= dmvpn_dev_init,
	.ndo_uninit		= dmvpn_dev_uninit,
	.ndo_open		= dmvpn_dev_open,
	.ndo_stop		= dmvpn_dev_stop,
	.ndo_start_xmit		= dmvpn_xmit,
	.ndo_get_stats64	= dev_get_tstats64,
	.ndo_get_iflink		= dmvpn_dev_iflink,
};

static const struct device_type dmvpn_type = {
	.name = "dmvpn",
};

static void dmvpn_setup(struct net_device *dev)
{
	const netdev_features_t features = NETIF_F_SG | NETIF_F_FRAGLIST |
					   NETIF_F_HIGHDMA | NETIF_F_HW_CSUM |
					   NETIF_F_GSO_SOFTWARE;

	dev->netdev_ops = &dmvpn_netdev_ops;
	dev->header_ops = &dmvpn_header_ops;
	dev->type = ARPHRD_IPGRE;
	SET_NETDEV_DEVTYPE(dev, &dmvpn_type);
	dev->flags = IFF_NOARP | IFF_MULTICAST;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->addr_len = sizeof(__be32);
	dev->hard_header_len = 0;
	dev->needed_headroom = LL_MAX_HEADER + sizeof(struct iphdr) + 8;
	dev->min_mtu = IPV4_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU - sizeof(struct iphdr) - 8;
	dev->features |= features;
	dev->hw_features |= features;
	dev->hw_enc_features |= features;
	dmvpn_set_lltx(dev);
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
	dev->priv_destructor = dmvpn_dev_free;
	netif_keep_dst(dev);
}

/* ---- rtnetlink ---- */

static const struct nla_policy dmvpn_link_policy[IFLA_DMVPN_MAX + 1] = {
	[0] = { .strict_start_type = IFLA_DMVPN_LOCAL },
	[IFLA_DMVPN_LOCAL]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[IFLA_DMVPN_LOCAL_DEV]	= { .type = NLA_U32 },
	[IFLA_DMVPN_REMOTE]	= NLA_POLICY_RANGE(NLA_BINARY, 4, 16),
	[IFLA_DMVPN_LINK]	= { .type = NLA_U32 },
	[IFLA_DMVPN_KEY]	= { .type = NLA_U32 },
	[IFLA_DMVPN_FLAGS]	= NLA_POLICY_BITFIELD32(LINK_FLAGS_KNOWN),
	[IFLA_DMVPN_TTL]	= { .type = NLA_U8 },
	[IFLA_DMVPN_TOS]	= { .type = NLA_U8 },
	[IFLA_DMVPN_DF]		= NLA_POLICY_MAX(NLA_U8, __DMVPN_DF_MAX - 1),
	[IFLA_DMVPN_MARK_MASK]	= { .type = NLA_U32 },
	[IFLA_DMVPN_MARK]	= { .type = NLA_U32 },
	[IFLA_DMVPN_NETWORK_ID]	= { .type = NLA_U32 },
	[IFLA_DMVPN_ACCEPT]	= NLA_POLICY_MAX(NLA_U8,
						 __DMVPN_ACCEPT_MAX - 1),
	[IFLA_DMVPN_FALLBACK]	= NLA_POLICY_MAX(NLA_U8,
						 __DMVPN_FALLBACK_MAX - 1),
	[IFLA_DMVPN_MAX_PEERS]	= { .type = NLA_U32 },
	[IFLA_DMVPN_MAX_NEIGHS]	= { .type = NLA_U32 },
	[IFLA_DMVPN_MAX_SHORTCUTS] = { .type = NLA_U32 },
	[IFLA_DMVPN_REDIRECT_INTERVAL] = { .type = NLA_U32 },
	[IFLA_DMVPN_ONEWAY_INTERVAL] = { .type = NLA_U32 },
	[IFLA_DMVPN_NHRP_RATE]	= { .type = NLA_U32 },
};

static int validate_address(const struct nlattr *attr,
			    struct netlink_ext_ack *extack)
{
	__be32 addr;

	if (!attr)
		return 0;
	if (nla_len(attr) == sizeof(struct in6_addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "IPv6 underlay is not supported by this module version");
		return -EOPNOTSUPP;
	}
	if (nla_len(attr) != sizeof(__be32)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	addr = nla_get_in_addr(attr);
	if (ipv4_is_multicast(addr) || ipv4_is_lbcast(addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "not a unicast address");
		return -EINVAL;
	}
	return 0;
}

static int validate_max_shortcuts(const struct nlattr *attr,
				  struct netlink_ext_ack *extack)
{
	if (!attr || nla_get_u32(attr) <= DMVPN_LIMIT_MAX)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "the limit of shortcuts is 0 to 1048576");
	return -ERANGE;
}

static int validate_limit(const struct nlattr *attr,
			  struct netlink_ext_ack *extack)
{
	if (!attr || (nla_get_u32(attr) && nla_get_u32(attr) <= DMVPN_LIMIT_MAX))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "a limit is 1 to 1048576");
	return -ERANGE;
}

static int validate_interval(const struct nlattr *attr,
			     struct netlink_ext_ack *extack)
{
	if (!attr || (nla_get_u32(attr) &&
		      nla_get_u32(attr) <= REDIRECT_INTERVAL_MAX))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "the redirect interval is 1 to 65535000 ms");
	return -ERANGE;
}

static int dmvpn_validate(struct nlattr *tb[], struct nlattr *data[],
			  struct netlink_ext_ack *extack)
{
	struct nla_bitfield32 flags;
	int err;

	if (tb[IFLA_ADDRESS] || tb[IFLA_BROADCAST]) {
		NL_SET_ERR_MSG(extack,
			       "addresses are set by the local and remote attributes");
		return -EOPNOTSUPP;
	}
	if (!data)
		return 0;
	err = validate_address(data[IFLA_DMVPN_LOCAL], extack) ?:
	      validate_address(data[IFLA_DMVPN_REMOTE], extack) ?:
	      validate_limit(data[IFLA_DMVPN_MAX_PEERS], extack) ?:
	      validate_limit(data[IFLA_DMVPN_MAX_NEIGHS], extack) ?:
	      validate_max_shortcuts(data[IFLA_DMVPN_MAX_SHORTCUTS], extack) ?:
	      validate_interval(data[IFLA_DMVPN_REDIRECT_INTERVAL], extack);
	if (err)
		return err;
	if (data[IFLA_DMVPN_LOCAL] && data[IFLA_DMVPN_LOCAL_DEV] &&
	    nla_get_u32(data[IFLA_DMVPN_LOCAL_DEV]) &&
	    nla_get_in_addr(data[IFLA_DMVPN_LOCAL])) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_LOCAL_DEV],
				    "local is an address or follows an interface, not both");
		return -EINVAL;
	}
	if (data[IFLA_DMVPN_TOS] &&
	    nla_get_u8(data[IFLA_DMVPN_TOS]) != DMVPN_TOS_INHERIT &&
	    nla_get_u8(data[IFLA_DMVPN_TOS]) & INET_ECN_MASK) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_TOS],
				    "the ECN bits of tos must be zero (1: inherit)");
		return -EINVAL;
	}
	if (!data[IFLA_DMVPN_FLAGS])
		return 0;
	flags = nla_get_bitfield32(data[IFLA_DMVPN_FLAGS]);
	if (flags.value & ~LINK_FLAGS_DONE) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_FLAGS],
				    "flag not supported by this module version");
		return -EOPNOTSUPP;
	}
	if (flags.selector & DMVPN_LINK_F_KEY &&
	    !(flags.value & DMVPN_LINK_F_KEY) == !!data[IFLA_DMVPN_KEY]) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_FLAGS],
				    "key flag and key contradict each other");
		return -EINVAL;
	}
	return 0;
}

static const struct dmvpn_conf conf_defaults = {
	.ttl = 255,
	.tos = DMVPN_TOS_INHERIT,
	.df = DMVPN_DF_SET,
	.max_peers = 1U << 17,
	.max_neighs = 1U << 17,
	.max_shortcuts = 1U << 16,
	.redirect_interval = 8000,
};

static void conf_set_key(struct dmvpn_conf *conf, struct nlattr *data[])
{
	struct nla_bitfield32 flags;

	if (data[IFLA_DMVPN_FLAGS]) {
		flags = nla_get_bitfield32(data[IFLA_DMVPN_FLAGS]);
		conf->flags = (conf->flags & ~flags.selector) |
			      (flags.value & flags.selector);
	}
	if (data[IFLA_DMVPN_KEY]) {
		conf->key = nla_get_u32(data[IFLA_DMVPN_KEY]);
		conf->flags |= DMVPN_LINK_F_KEY;
	}
	if (!(conf->flags & DMVPN_LINK_F_KEY))
		conf->key = 0;
	conf->hlen = dmvpn_gre_hlen(conf->flags & DMVPN_LINK_F_KEY);
}

static int conf_set_local(struct dmvpn_conf *conf, struct net *net,
			  struct nlattr *data[],
			  struct netlink_ext_ack *extack)
{
	if (data[IFLA_DMVPN_LOCAL]) {
		conf->local = nla_get_in_addr(data[IFLA_DMVPN_LOCAL]);
		conf->local_dev = 0;
	}
	if (!data[IFLA_DMVPN_LOCAL_DEV])
		return 0;
	conf->local_dev = nla_get_u32(data[IFLA_DMVPN_LOCAL_DEV]);
	if (conf->local_dev && !__dev_get_by_index(net, conf->local_dev)) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_LOCAL_DEV],
				    "no such interface in the underlay namespace");
		return -ENODEV;
	}
	if (conf->local_dev)
		conf->local = primary_address(net, conf->local_dev);
	else if (!data[IFLA_DMVPN_LOCAL])
		conf->local = 0;
	return 0;
}

static int conf_set_link(struct dmvpn_conf *conf, struct net *net,
			 const struct net_device *self, struct nlattr *data[],
			 struct netlink_ext_ack *extack)
{
	struct net_device *link;

	if (!data[IFLA_DMVPN_LINK])
		return 0;
	conf->link = nla_get_u32(data[IFLA_DMVPN_LINK]);
	if (!conf->link)
		return 0;
	link = __dev_get_by_index(net, conf->link);
	if (!link) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_LINK],
				    "no such interface in the underlay namespace");
		return -ENODEV;
	}
	if (link == self) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_LINK],
				    "a device cannot be its own underlay");
		return -ELOOP;
	}
	return 0;
}

static void set_u8(u8 *member, const struct nlattr *attr)
{
	if (attr)
		*member = nla_get_u8(attr);
}

static void set_u32(u32 *member, const struct nlattr *attr)
{
	if (attr)
		*member = nla_get_u32(attr);
}

/* Applies attributes to *@conf; under RTNL. */
static int conf_set(struct dmvpn_conf *conf, struct net *net,
		    const struct net_device *self, struct nlattr *data[],
		    struct netlink_ext_ack *extack)
{
	struct nlattr *none[IFLA_DMVPN_MAX + 1] = { };

	if (!data)
		data = none;
	conf_set_key(conf, data);
	if (data[IFLA_DMVPN_REMOTE])
		conf->remote = nla_get_in_addr(data[IFLA_DMVPN_REMOTE]);
	set_u8(&conf->ttl, data[IFLA_DMVPN_TTL]);
	set_u8(&conf->tos, data[IFLA_DMVPN_TOS]);
	set_u8(&conf->df, data[IFLA_DMVPN_DF]);
	set_u8(&conf->accept, data[IFLA_DMVPN_ACCEPT]);
	set_u8(&conf->fallback, data[IFLA_DMVPN_FALLBACK]);
	set_u32(&conf->mark_mask, data[IFLA_DMVPN_MARK_MASK]);
	set_u32(&conf->mark, data[IFLA_DMVPN_MARK]);
	set_u32(&conf->network_id, data[IFLA_DMVPN_NETWORK_ID]);
	set_u32(&conf->max_peers, data[IFLA_DMVPN_MAX_PEERS]);
	set_u32(&conf->max_neighs, data[IFLA_DMVPN_MAX_NEIGHS]);
	set_u32(&conf->max_shortcuts, data[IFLA_DMVPN_MAX_SHORTCUTS]);
	set_u32(&conf->redirect_interval, data[IFLA_DMVPN_REDIRECT_INTERVAL]);
	set_u32(&conf->oneway_interval, data[IFLA_DMVPN_ONEWAY_INTERVAL]);
	set_u32(&conf->nhrp_rate, data[IFLA_DMVPN_NHRP_RATE]);
	if (conf->mark & conf->mark_mask) {
		NL_SET_ERR_MSG(extack, "mark and mark mask overlap");
		return -EINVAL;
	}
	return conf_set_local(conf, net, data, extack) ?:
	       conf_set_link(conf, net, self, data, extack);
}

static unsigned int default_mtu(struct net *net, const struct dmvpn_conf *conf)
{
	struct net_device *link = conf->link ?
				  __dev_get_by_index(net, conf->link) : NULL;
	unsigned int mtu = link ? link->mtu : ETH_DATA_LEN;

	mtu -= min_t(unsigned int, mtu, sizeof(struct iphdr) + conf->hlen);
	if (conf->flags & DMVPN_LINK_F_IPSEC_REQUIRED)
		mtu = min_t(unsigned int, mtu, MTU_IPSEC);
	return clamp_t(unsigned int, mtu, IPV4_MIN_MTU, IP_MAX_MTU);
}

static int dmvpn_newlink(struct net *src_net, struct net_device *dev,
			 struct nlattr *tb[], struct nlattr *data[],
			 struct netlink_ext_ack *extack)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	struct dmvpn_conf *conf;
	int err;

	conf = kmemdup(&conf_defaults, sizeof(*conf), GFP_KERNEL_ACCOUNT);
	if (!conf)
		return -ENOMEM;
	ddev->dev = dev;
	ddev->net = src_net;
	err = conf_set(conf, src_net, dev, data, extack) ?:
	      conf_check_unique(src_net, NULL, conf, extack);
	if (err) {
		kfree(conf);
		return err;
	}
	if (conf->flags & DMVPN_LINK_F_POINTOPOINT)
		dev->flags |= IFF_POINTOPOINT;
	if (!tb[IFLA_MTU])
		dev->mtu = default_mtu(src_net, conf);
	rcu_assign_pointer(ddev->conf, conf);
	show_addresses(ddev, conf);
	err = register_netdevice(dev);
	/* Without ndo_uninit() nobody has freed it. */
	if (err)
		kfree(rcu_replace_pointer(ddev->conf, NULL, true));
	return err;
}

static int check_change(struct dmvpn_dev *ddev, const struct dmvpn_conf *old,
			const struct dmvpn_conf *conf,
			struct netlink_ext_ack *extack)
{
	if ((old->flags ^ conf->flags) & DMVPN_LINK_F_POINTOPOINT) {
		NL_SET_ERR_MSG(extack, "pointopoint is fixed at creation");
		return -EOPNOTSUPP;
	}
	if (old->mark_mask != conf->mark_mask && ddev->n_peers) {
		NL_SET_ERR_MSG(extack, "the mark mask is fixed while peers exist");
		return -EBUSY;
	}
	return conf_check_unique(ddev->net, ddev, conf, extack);
}

static int dmvpn_changelink(struct net_device *dev, struct nlattr *tb[],
			    struct nlattr *data[],
			    struct netlink_ext_ack *extack)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	struct dmvpn_conf *conf, *old;
	bool oneway;
	int err;

	mutex_lock(&ddev->lock);
	old = dmvpn_conf_locked(ddev);
	conf = kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!conf)
		goto out;
	err = conf_set(conf, ddev->net, dev, data, extack) ?:
	      check_change(ddev, old, conf, extack) ?:
	      dmvpn_redirect_init(ddev, conf) ?:
	      dmvpn_remote_set(ddev, conf->remote, extack);
	if (err) {
		kfree(conf);
		goto out;
	}
	oneway = old->oneway_interval != conf->oneway_interval;
	conf_publish(ddev, conf);
	if (oneway)
		dmvpn_oneway_update(ddev);
out:
	mutex_unlock(&ddev->lock);
	return err;
}

static size_t dmvpn_link_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(__be32)) * 2 +	/* local, remote */
	       nla_total_size(sizeof(u32)) * 12 +
	       nla_total_size(sizeof(struct nla_bitfield32)) +
	       nla_total_size(sizeof(u8)) * 5;
}

static int dmvpn_fill_link(struct sk_buff *skb, const struct net_device *dev)
{
	const struct dmvpn_dev *ddev = netdev_priv(dev);
	const struct dmvpn_conf *c = rtnl_dereference(ddev->conf);

	if (nla_put_in_addr(skb, IFLA_DMVPN_LOCAL, c->local) ||
	    nla_put_u32(skb, IFLA_DMVPN_LOCAL_DEV, c->local_dev) ||
	    nla_put_in_addr(skb, IFLA_DMVPN_REMOTE, c->remote) ||
	    nla_put_u32(skb, IFLA_DMVPN_LINK, c->link) ||
	    (c->flags & DMVPN_LINK_F_KEY &&
	     nla_put_u32(skb, IFLA_DMVPN_KEY, c->key)) ||
	    nla_put_bitfield32(skb, IFLA_DMVPN_FLAGS, c->flags,
			       LINK_FLAGS_DONE) ||
	    nla_put_u8(skb, IFLA_DMVPN_TTL, c->ttl) ||
	    nla_put_u8(skb, IFLA_DMVPN_TOS, c->tos) ||
	    nla_put_u8(skb, IFLA_DMVPN_DF, c->df) ||
	    nla_put_u32(skb, IFLA_DMVPN_MARK_MASK, c->mark_mask) ||
	    nla_put_u32(skb, IFLA_DMVPN_MARK, c->mark) ||
	    nla_put_u32(skb, IFLA_DMVPN_NETWORK_ID, c->network_id) ||
	    nla_put_u8(skb, IFLA_DMVPN_ACCEPT, c->accept) ||
	    nla_put_u8(skb, IFLA_DMVPN_FALLBACK, c->fallback) ||
	    nla_put_u32(skb, IFLA_DMVPN_MAX_PEERS, c->max_peers) ||
	    nla_put_u32(skb, IFLA_DMVPN_MAX_NEIGHS, c->max_neighs) ||
	    nla_put_u32(skb, IFLA_DMVPN_MAX_SHORTCUTS, c->max_shortcuts) ||
	    nla_put_u32(skb, IFLA_DMVPN_REDIRECT_INTERVAL,
			c->redirect_interval) ||
	    nla_put_u32(skb, IFLA_DMVPN_ONEWAY_INTERVAL, c->oneway_interval) ||
	    nla_put_u32(skb, IFLA_DMVPN_NHRP_RATE, c->nhrp_rate))
		return -EMSGSIZE;
	return 0;
}

static struct net *dmvpn_link_net(const struct net_device *dev)
{
	const struct dmvpn_dev *ddev = netdev_priv(dev);

	return ddev->net;
}

static struct rtnl_link_ops dmvpn_link_ops __read_mostly = {
	.kind		= "dmvpn",
	.priv_size	= sizeof(struct dmvpn_dev),
	.setup		= dmvpn_setup,
	.maxtype	= IFLA_DMVPN_MAX,
	.policy		= dmvpn_link_policy,
	.validate	= dmvpn_validate,
	.newlink	= dmvpn_newlink,
	.changelink	= dmvpn_changelink,
	.get_size	= dmvpn_link_size,
	.fill_info	= dmvpn_fill_link,
	.get_link_net	= dmvpn_link_net,
};

/* ---- namespaces ---- */

/* Devices that went to another namespace must not outlive their underlay. */
static void __net_exit dmvpn_exit_batch(struct list_head *nets)
{
	struct hlist_node *tmp;
	struct dmvpn_dev *ddev;
	struct dmvpn_net *dn;
	LIST_HEAD(kill);
	struct net *net;
	unsigned int i;

	rtnl_lock();
	list_for_each_entry(net, nets, exit_list) {
		dn = dmvpn_net(net);
		for (i = 0; i < ARRAY_SIZE(dn->devs); i++)
			hlist_for_each_entry_safe(ddev, tmp, &dn->devs[i],
						  demux_node)
				unregister_netdevice_queue(ddev->dev, &kill);
	}
	unregister_netdevice_many(&kill);
	rtnl_unlock();
}

static struct pernet_operations dmvpn_net_ops = {
	.exit_batch	= dmvpn_exit_batch,
	.id		= &dmvpn_net_id,
	.size		= sizeof(struct dmvpn_net),
};

int dmvpn_device_init(void)
{
	int err;

	err = register_pernet_device(&dmvpn_net_ops);
	if (err)
		return err;
	err = register_inetaddr_notifier(&address_notifier);
	if (err)
		goto err_net;
	err = rtnl_link_register(&dmvpn_link_ops);
	if (err)
		goto err_notifier;
	return 0;

err_notifier:
	unregister_inetaddr_notifier(&address_notifier);
err_net:
	unregister_pernet_device(&dmvpn_net_ops);
	return err;
}

void dmvpn_device_exit(void)
{
	rtnl_link_unregister(&dmvpn_link_ops);
	unregister_inetaddr_notifier(&address_notifier);
	unregister_pernet_device(&dmvpn_net_ops);
}
