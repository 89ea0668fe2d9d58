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
 *
 * The family of the underlay is decided when the device is made: its type and
 * the length of its addresses depend on it.
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
#define FOLLOW_PERIOD	(HZ / 4)	/* while an address is tentative */

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
	return a->ipv6 == b->ipv6 &&
	       !((a->flags ^ b->flags) & DMVPN_LINK_F_KEY) &&
	       a->key == b->key &&
	       ipv6_addr_equal(&a->remote, &b->remote) &&
	       a->local_dev == b->local_dev &&
	       (a->local_dev || ipv6_addr_equal(&a->local, &b->local));
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

/* The first address that others can reach, ::: none. Under RTNL. */
static struct in6_addr primary4(const struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);
	struct in6_addr addr = in6addr_any;
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return addr;
	in_dev_for_each_ifa_rtnl(ifa, in_dev)
		if (!(ifa->ifa_flags & IFA_F_SECONDARY) &&
		    ifa->ifa_scope < RT_SCOPE_LINK) {
			dmvpn_addr_set4(&addr, ifa->ifa_local);
			break;
		}
	return addr;
}

#if IS_ENABLED(CONFIG_IPV6)
/* Others can reach it, and it stays longer than an afternoon. */
static bool may_follow(const struct inet6_ifaddr *ifa)
{
	return !(ifa->flags & (IFA_F_TEMPORARY | IFA_F_DADFAILED)) &&
	       !(ipv6_addr_type(&ifa->addr) &
		 (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK | IPV6_ADDR_MAPPED));
}

static bool is_tentative(const struct inet6_ifaddr *ifa)
{
	return (ifa->flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) ==
	       IFA_F_TENTATIVE;
}

/* Is @a to be followed rather than @b? The kernel's order is not stable. */
static bool goes_first(const struct inet6_ifaddr *a,
		       const struct inet6_ifaddr *b)
{
	u32 deprecated = (a->flags ^ b->flags) & IFA_F_DEPRECATED;

	if (deprecated)
		return !(a->flags & IFA_F_DEPRECATED);
	return ipv6_addr_cmp(&a->addr, &b->addr) < 0;
}

/* *@again: there is one that may become usable, of which nobody tells. */
static struct in6_addr primary6(const struct net_device *dev, bool *again)
{
	struct inet6_dev *in6_dev = __in6_dev_get(dev);
	struct in6_addr addr = in6addr_any;
	const struct inet6_ifaddr *ifa, *best = NULL;

	*again = false;
	if (!in6_dev)
		return addr;
	read_lock_bh(&in6_dev->lock);
	list_for_each_entry(ifa, &in6_dev->addr_list, if_list) {
		if (!may_follow(ifa))
			continue;
		if (is_tentative(ifa))
			*again = true;
		else if (!best || goes_first(ifa, best))
			best = ifa;
	}
	if (best)
		addr = best->addr;
	read_unlock_bh(&in6_dev->lock);
	return addr;
}
#else
static struct in6_addr primary6(const struct net_device *dev, bool *again)
{
	*again = false;
	return in6addr_any;
}
#endif

static struct in6_addr primary_address(struct net *net, int ifindex, bool ipv6,
				       bool *again)
{
	const struct net_device *dev = __dev_get_by_index(net, ifindex);

	*again = false;
	if (!dev)
		return in6addr_any;
	return ipv6 ? primary6(dev, again) : primary4(dev);
}

/* The bytes that @conf's family has of an address. */
static const void *address_bytes(const struct dmvpn_conf *conf,
				 const struct in6_addr *addr)
{
	return conf->ipv6 ? addr->s6_addr : &addr->s6_addr[12];
}

static void show_addresses(struct dmvpn_dev *ddev,
			   const struct dmvpn_conf *conf)
{
	__dev_addr_set(ddev->dev, address_bytes(conf, &conf->local),
		       dmvpn_nbma_len(conf));
	memcpy(ddev->dev->broadcast, address_bytes(conf, &conf->remote),
	       dmvpn_nbma_len(conf));
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
	struct in6_addr local;
	bool again;

	mutex_lock(&ddev->lock);
	old = dmvpn_conf_locked(ddev);
	local = primary_address(ddev->net, old->local_dev, old->ipv6, &again);
	if (again)
		queue_delayed_work(system_power_efficient_wq, &ddev->follow,
				   FOLLOW_PERIOD);
	if (ipv6_addr_equal(&local, &old->local))
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
			    dev->ifindex &&
			    !rtnl_dereference(ddev->conf)->ipv6)
				follow(ddev);
	return NOTIFY_DONE;
}

static struct notifier_block address_notifier = {
	.notifier_call = address_event,
};

/*
 * The notifier of IPv6 addresses calls with and without RTNL, also in atomic
 * context, and is silent when a tentative address becomes usable.
 */
static void follow_work(struct work_struct *work)
{
	struct dmvpn_dev *ddev = container_of(to_delayed_work(work),
					      struct dmvpn_dev, follow);

	/* Whoever waits for this work's end may hold it. */
	if (!rtnl_trylock()) {
		queue_delayed_work(system_power_efficient_wq, &ddev->follow, 1);
		return;
	}
	if (rtnl_dereference(ddev->conf)->local_dev)
		follow(ddev);
	rtnl_unlock();
}

/* After IFLA_DMVPN_LOCAL_DEV was set. */
static void follow_soon(struct dmvpn_dev *ddev, const struct dmvpn_conf *conf)
{
	if (conf->ipv6 && conf->local_dev)
		mod_delayed_work(system_power_efficient_wq, &ddev->follow, 0);
}

#if IS_ENABLED(CONFIG_IPV6)
static int address6_event(struct notifier_block *nb, unsigned long event,
			  void *ptr)
{
	const struct inet6_ifaddr *ifa = ptr;
	struct net_device *dev = ifa->idev->dev;
	struct dmvpn_net *dn = dmvpn_net(dev_net(dev));
	const struct dmvpn_conf *conf;
	struct dmvpn_dev *ddev;
	unsigned int i;

	if (!READ_ONCE(dn->n_devs))
		return NOTIFY_DONE;
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(dn->devs); i++)
		hlist_for_each_entry_rcu(ddev, &dn->devs[i], demux_node) {
			conf = rcu_dereference(ddev->conf);
			if (conf->local_dev == dev->ifindex)
				follow_soon(ddev, conf);
		}
	rcu_read_unlock();
	return NOTIFY_DONE;
}

static struct notifier_block address6_notifier = {
	.notifier_call = address6_event,
};

static int register_address6(void)
{
	return register_inet6addr_notifier(&address6_notifier);
}

static void unregister_address6(void)
{
	unregister_inet6addr_notifier(&address6_notifier);
}
#else
static int register_address6(void)
{
	return 0;
}

static void unregister_address6(void)
{
}
#endif

/* ---- netdevice ---- */

static int dmvpn_dev_init(struct net_device *dev)
{
	struct dmvpn_dev *ddev = netdev_priv(dev);
	const struct dmvpn_conf *conf = rtnl_dereference(ddev->conf);
	int err = -ENOMEM;
	int cpu;

	ddev->dev = dev;
	ddev->seed = get_random_u32();
	mutex_init(&ddev->lock);
	INIT_DELAYED_WORK(&ddev->sweep, dmvpn_sweep);
	dmvpn_mcast_init(ddev);
	dmvpn_oneway_init(ddev);
	INIT_DELAYED_WORK(&ddev->follow, follow_work);
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
	err = dmvpn_redirect_init(ddev, conf);
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
	err = dmvpn_remote_set(ddev, &conf->remote, NULL);
	mutex_unlock(&ddev->lock);
	if (err)
		goto err_shortcuts;
	err = dmvpn_demux_get(conf->ipv6);
	if (err)
		goto err_remote;
	demux_add(ddev, conf);
	WRITE_ONCE(dmvpn_net(ddev->net)->n_devs,
		   dmvpn_net(ddev->net)->n_devs + 1);
	if (conf->oneway_interval)
		dmvpn_oneway_update(ddev);
	follow_soon(ddev, conf);
	return 0;

err_remote:
	mutex_lock(&ddev->lock);
	dmvpn_remote_set(ddev, &in6addr_any, NULL);
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
	WRITE_ONCE(dmvpn_net(ddev->net)->n_devs,
		   dmvpn_net(ddev->net)->n_devs - 1);
	dmvpn_demux_put(rtnl_dereference(ddev->conf)->ipv6);
	mutex_lock(&ddev->lock);
	ddev->dying = true;
	mutex_unlock(&ddev->lock);
	cancel_delayed_work_sync(&ddev->sweep);
	dmvpn_oneway_stop(ddev);
	synchronize_net();
	cancel_delayed_work_sync(&ddev->follow);
	dmvpn_mcast_stop(ddev);

	mutex_lock(&ddev->lock);
	dmvpn_shortcut_del_all(ddev);
	dmvpn_neigh_del_all(ddev);
	dmvpn_remote_set(ddev, &in6addr_any, NULL);
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

static unsigned int ip_hlen(bool ipv6)
{
	return ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

static void set_family(struct net_device *dev, bool ipv6)
{
	unsigned int hlen = ip_hlen(ipv6) + dmvpn_gre_hlen(true);

	dev->type = ipv6 ? ARPHRD_IP6GRE : ARPHRD_IPGRE;
	dev->addr_len = ipv6 ? sizeof(struct in6_addr) : sizeof(__be32);
	dev->needed_headroom = LL_MAX_HEADER + hlen;
	dev->max_mtu = IP_MAX_MTU - hlen;
}

static void dmvpn_setup(struct net_device *dev)
{
	const netdev_features_t features = NETIF_F_SG | NETIF_F_FRAGLIST |
					   NETIF_F_HIGHDMA | NETIF_F_HW_CSUM |
					   NETIF_F_GSO_SOFTWARE;

	dev->netdev_ops = &dmvpn_netdev_ops;
	dev->header_ops = &dmvpn_header_ops;
	SET_NETDEV_DEVTYPE(dev, &dmvpn_type);
	dev->flags = IFF_NOARP | IFF_MULTICAST;
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->hard_header_len = 0;
	dev->min_mtu = IPV4_MIN_MTU;
	set_family(dev, false);
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
	[IFLA_DMVPN_FAMILY]	= { .type = NLA_U8 },
};

/* Or any. */
static bool is_unicast4(__be32 addr)
{
	return !ipv4_is_multicast(addr) && !ipv4_is_lbcast(addr);
}

/* Or any. Link-local addresses are of many links. */
static bool is_unicast6(const struct in6_addr *addr)
{
	int type = ipv6_addr_type(addr);

	return type == IPV6_ADDR_ANY ||
	       (type & IPV6_ADDR_UNICAST && !(type & IPV6_ADDR_LINKLOCAL));
}

static bool is_zero(const struct nlattr *attr)
{
	return !memchr_inv(nla_data(attr), 0, nla_len(attr));
}

static int validate_address(const struct nlattr *attr,
			    struct netlink_ext_ack *extack)
{
	bool unicast;

	if (!attr)
		return 0;
	switch (nla_len(attr)) {
	case sizeof(__be32):
		unicast = is_unicast4(nla_get_in_addr(attr));
		break;
	case sizeof(struct in6_addr):
		unicast = is_unicast6(nla_data(attr));
		break;
	default:
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	if (unicast)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "not a unicast address");
	return -EINVAL;
}

static int validate_family(const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	if (!attr || nla_get_u8(attr) == AF_INET ||
	    nla_get_u8(attr) == AF_INET6)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "the family is IPv4 or IPv6");
	return -EINVAL;
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
	      validate_family(data[IFLA_DMVPN_FAMILY], extack) ?:
	      validate_limit(data[IFLA_DMVPN_MAX_PEERS], extack) ?:
	      validate_limit(data[IFLA_DMVPN_MAX_NEIGHS], extack) ?:
	      validate_max_shortcuts(data[IFLA_DMVPN_MAX_SHORTCUTS], extack) ?:
	      validate_interval(data[IFLA_DMVPN_REDIRECT_INTERVAL], extack);
	if (err)
		return err;
	if (data[IFLA_DMVPN_LOCAL] && data[IFLA_DMVPN_LOCAL_DEV] &&
	    nla_get_u32(data[IFLA_DMVPN_LOCAL_DEV]) &&
	    !is_zero(data[IFLA_DMVPN_LOCAL])) {
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
	conf->outer_hlen = ip_hlen(conf->ipv6) + conf->hlen;
}

/* Does the request want a device whose underlay is IPv6? */
static bool wants_ipv6(struct nlattr *data[])
{
	const struct nlattr *local, *remote;

	if (!data)
		return false;
	if (data[IFLA_DMVPN_FAMILY])
		return nla_get_u8(data[IFLA_DMVPN_FAMILY]) == AF_INET6;
	local = data[IFLA_DMVPN_LOCAL];
	remote = data[IFLA_DMVPN_REMOTE];
	return (local && nla_len(local) == sizeof(struct in6_addr)) ||
	       (remote && nla_len(remote) == sizeof(struct in6_addr));
}

static int conf_check_family(const struct dmvpn_conf *conf,
			     struct nlattr *data[],
			     struct netlink_ext_ack *extack)
{
	const struct nlattr *family = data[IFLA_DMVPN_FAMILY];

	if (!family ||
	    nla_get_u8(family) == (conf->ipv6 ? AF_INET6 : AF_INET))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, family, "the family is fixed at creation");
	return -EOPNOTSUPP;
}

/* A zero address means the same in both families. */
static int conf_set_address(const struct dmvpn_conf *conf,
			    const struct nlattr *attr, struct in6_addr *addr,
			    struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	if (is_zero(attr)) {
		*addr = in6addr_any;
		return 0;
	}
	if (nla_len(attr) != dmvpn_nbma_len(conf)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an address of another family than the device's");
		return -EINVAL;
	}
	if (conf->ipv6)
		*addr = nla_get_in6_addr(attr);
	else
		dmvpn_addr_set4(addr, nla_get_in_addr(attr));
	return 0;
}

static int conf_set_local(struct dmvpn_conf *conf, struct net *net,
			  struct nlattr *data[],
			  struct netlink_ext_ack *extack)
{
	bool again;
	int err;

	err = conf_set_address(conf, data[IFLA_DMVPN_LOCAL], &conf->local,
			       extack);
	if (err)
		return err;
	if (data[IFLA_DMVPN_LOCAL])
		conf->local_dev = 0;
	if (!data[IFLA_DMVPN_LOCAL_DEV])
		return 0;
	conf->local_dev = nla_get_u32(data[IFLA_DMVPN_LOCAL_DEV]);
	if (conf->local_dev && !__dev_get_by_index(net, conf->local_dev)) {
		NL_SET_ERR_MSG_ATTR(extack, data[IFLA_DMVPN_LOCAL_DEV],
				    "no such interface in the underlay namespace");
		return -ENODEV;
	}
	if (conf->local_dev)
		conf->local = primary_address(net, conf->local_dev, conf->ipv6,
					      &again);
	else if (!data[IFLA_DMVPN_LOCAL])
		conf->local = in6addr_any;
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
	return conf_check_family(conf, data, extack) ?:
	       conf_set_address(conf, data[IFLA_DMVPN_REMOTE], &conf->remote,
				extack) ?:
	       conf_set_local(conf, net, data, extack) ?:
	       conf_set_link(conf, net, self, data, extack);
}

static unsigned int default_mtu(struct net *net, const struct dmvpn_conf *conf)
{
	struct net_device *link = conf->link ?
				  __dev_get_by_index(net, conf->link) : NULL;
	unsigned int mtu = link ? link->mtu : ETH_DATA_LEN;

	mtu -= min_t(unsigned int, mtu, conf->outer_hlen);
	if (conf->flags & DMVPN_LINK_F_IPSEC_REQUIRED)
		mtu = min_t(unsigned int, mtu, MTU_IPSEC -
			    (ip_hlen(conf->ipv6) - ip_hlen(false)));
	return clamp_t(unsigned int, mtu, IPV4_MIN_MTU, IP_MAX_MTU);
}

static int check_ipv6(struct netlink_ext_ack *extack)
{
	if (!ipv6_mod_enabled()) {
		NL_SET_ERR_MSG(extack, "IPv6 is disabled in this kernel");
		return -EAFNOSUPPORT;
	}
	if (!dmvpn_demux_free6()) {
		NL_SET_ERR_MSG(extack,
			       "another module has GRE over IPv6; unload it (ip6_gre)");
		return -EADDRINUSE;
	}
	return 0;
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
	conf->ipv6 = wants_ipv6(data);
	set_family(dev, conf->ipv6);
	err = (conf->ipv6 ? check_ipv6(extack) : 0) ?:
	      conf_set(conf, src_net, dev, data, extack) ?:
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
	      dmvpn_remote_set(ddev, &conf->remote, extack);
	if (err) {
		kfree(conf);
		goto out;
	}
	oneway = old->oneway_interval != conf->oneway_interval;
	conf_publish(ddev, conf);
	if (oneway)
		dmvpn_oneway_update(ddev);
	follow_soon(ddev, conf);
out:
	mutex_unlock(&ddev->lock);
	return err;
}

static size_t dmvpn_link_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(struct in6_addr)) * 2 + /* local, remote */
	       nla_total_size(sizeof(u32)) * 12 +
	       nla_total_size(sizeof(struct nla_bitfield32)) +
	       nla_total_size(sizeof(u8)) * 6;
}

static int dmvpn_fill_link(struct sk_buff *skb, const struct net_device *dev)
{
	const struct dmvpn_dev *ddev = netdev_priv(dev);
	const struct dmvpn_conf *c = rtnl_dereference(ddev->conf);

	if (nla_put(skb, IFLA_DMVPN_LOCAL, dmvpn_nbma_len(c),
		    address_bytes(c, &c->local)) ||
	    nla_put_u32(skb, IFLA_DMVPN_LOCAL_DEV, c->local_dev) ||
	    nla_put(skb, IFLA_DMVPN_REMOTE, dmvpn_nbma_len(c),
		    address_bytes(c, &c->remote)) ||
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
	    nla_put_u32(skb, IFLA_DMVPN_NHRP_RATE, c->nhrp_rate) ||
	    nla_put_u8(skb, IFLA_DMVPN_FAMILY, c->ipv6 ? AF_INET6 : AF_INET))
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
	err = register_address6();
	if (err)
		goto err_notifier;
	err = rtnl_link_register(&dmvpn_link_ops);
	if (err)
		goto err_notifier6;
	return 0;

err_notifier6:
	unregister_address6();
err_notifier:
	unregister_inetaddr_notifier(&address_notifier);
err_net:
	unregister_pernet_device(&dmvpn_net_ops);
	return err;
}

void dmvpn_device_exit(void)
{
	rtnl_link_unregister(&dmvpn_link_ops);
	unregister_address6();
	unregister_inetaddr_notifier(&address_notifier);
	unregister_pernet_device(&dmvpn_net_ops);
}
