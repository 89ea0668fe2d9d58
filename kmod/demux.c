// SPDX-License-Identifier: GPL-2.0
/*
 * demux: receives GRE before gre.ko does and hands on what is not ours.
 *
 * gre.ko owns the slot of protocol 47 and gives each GRE version to one
 * module; version 0 is ip_gre's. There is no place for a second one, so this
 * file puts a handler of its own into the slot, and calls the one that was
 * there for every packet that no dmvpn device claims. That handler is in
 * gre.ko, which cannot be unloaded meanwhile because we use its symbols;
 * ip_gre may come and go behind it.
 *
 * The hook is there only while devices exist. If somebody else interposed on
 * top of us, it cannot be taken out: then it stays, with a reference to this
 * module, and hands on everything.
 *
 * GRE over IPv6 has no gre.ko: ip6_gre takes the slot itself, may go at any
 * time, and offers nothing that a reference could be held by. So nobody stands
 * in front of it: the slot is ours while devices with an IPv6 underlay exist,
 * they are refused while it is somebody else's, and ip6_gre does not load while
 * it is ours.
 *
 * An upstream series would let gre_add_protocol() take several handlers a
 * version instead; see Documentation/architecture.md.
 */
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/gre.h>
#include <net/protocol.h>
#include <net/xfrm.h>

#include "demux.h"
#include "dmvpn.h"

static const struct net_protocol __rcu **gre_slot =
	(const struct net_protocol __rcu **)&inet_protos[IPPROTO_GRE];
static const struct net_protocol *next;	/* whom we stand in front of */
static unsigned int users;		/* RTNL */
static unsigned int users6;		/* RTNL */
static bool hooked;			/* RTNL */
static bool stock_present;

static int demux_rcv(struct sk_buff *skb)
{
	const struct net_protocol *behind = READ_ONCE(next);

	if (dmvpn_rcv(skb))
		return 0;
	if (behind)
		return behind->handler(skb);
	kfree_skb(skb);
	return 0;
}

static int demux_err(struct sk_buff *skb, u32 info)
{
	const struct net_protocol *behind = READ_ONCE(next);

	if (dmvpn_rcv_error(skb, info))
		return 0;
	return behind && behind->err_handler ?
	       behind->err_handler(skb, info) : 0;
}

static const struct net_protocol dmvpn_protocol = {
	.handler = demux_rcv,
	.err_handler = demux_err,
};

static int hook(void)
{
	const struct net_protocol *old;

	do {
		old = rcu_access_pointer(*gre_slot);
		WRITE_ONCE(next, old);
	} while (unrcu_pointer(cmpxchg(gre_slot, RCU_INITIALIZER(old),
				       RCU_INITIALIZER(&dmvpn_protocol))) != old);
	return 0;
}

static bool unhook(void)
{
	if (unrcu_pointer(cmpxchg(gre_slot, RCU_INITIALIZER(&dmvpn_protocol),
				  RCU_INITIALIZER(next))) != &dmvpn_protocol)
		return false;
	synchronize_net();
	return true;
}

static int get4(void)
{
	int err;

	if (!hooked) {
		err = hook();
		if (err)
			return err;
		hooked = true;
		__module_get(THIS_MODULE);
	}
	users++;
	return 0;
}

static void put4(void)
{
	if (--users || !hooked)
		return;
	if (!unhook()) {
		pr_warn("dmvpn: another handler of GRE was put on top of ours; the module stays\n");
		return;
	}
	hooked = false;
	module_put(THIS_MODULE);
}

#if IS_ENABLED(CONFIG_IPV6)
/* As ip6_gre answers, but not in clear what came encrypted. */
static int demux_rcv6(struct sk_buff *skb)
{
	if (dmvpn_rcv6(skb))
		return 0;
	if (!secpath_exists(skb))
		icmpv6_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0);
	kfree_skb(skb);
	return 0;
}

static int demux_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		      u8 code, int offset, __be32 info)
{
	return dmvpn_rcv_error6(skb, type, offset, info) ? 0 : -ENOENT;
}

static const struct inet6_protocol dmvpn_protocol6 = {
	.handler = demux_rcv6,
	.err_handler = demux_err6,
	.flags = INET6_PROTO_FINAL,
};

bool dmvpn_demux_free6(void)
{
	ASSERT_RTNL();
	return users6 || !rcu_access_pointer(inet6_protos[IPPROTO_GRE]);
}

static int get6(void)
{
	if (!users6) {
		if (inet6_add_protocol(&dmvpn_protocol6, IPPROTO_GRE))
			return -EADDRINUSE;
		__module_get(THIS_MODULE);
	}
	users6++;
	return 0;
}

/* Whoever put a handler on top of ours keeps the module. */
static void put6(void)
{
	if (--users6)
		return;
	if (inet6_del_protocol(&dmvpn_protocol6, IPPROTO_GRE))
		pr_warn("dmvpn: another handler of GRE over IPv6 was put on top of ours; the module stays\n");
	else
		module_put(THIS_MODULE);
}
#else
bool dmvpn_demux_free6(void)
{
	return false;
}

static int get6(void)
{
	return -EAFNOSUPPORT;
}

static void put6(void)
{
}
#endif

int dmvpn_demux_get(bool ipv6)
{
	ASSERT_RTNL();
	return ipv6 ? get6() : get4();
}

void dmvpn_demux_put(bool ipv6)
{
	ASSERT_RTNL();
	if (ipv6)
		put6();
	else
		put4();
}

bool dmvpn_demux_stock_present(void)
{
	return READ_ONCE(stock_present);
}

static int ip_gre_notify(struct notifier_block *nb, unsigned long state,
			 void *data)
{
	const struct module *mod = data;

	if (strcmp(mod->name, "ip_gre"))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING || state == MODULE_STATE_LIVE)
		WRITE_ONCE(stock_present, true);
	else if (state == MODULE_STATE_GOING)
		WRITE_ONCE(stock_present, false);
	return NOTIFY_OK;
}

static struct notifier_block ip_gre_notifier = {
	.notifier_call = ip_gre_notify,
};

static int no_rcv(struct sk_buff *skb)
{
	kfree_skb(skb);
	return 0;
}

static const struct gre_protocol ip_gre_probe = {
	.handler = no_rcv,
};

/* Nothing tells whether ip_gre is here but that its place is taken. */
static bool ip_gre_present(void)
{
	if (gre_add_protocol(&ip_gre_probe, GREPROTO_CISCO))
		return true;
	gre_del_protocol(&ip_gre_probe, GREPROTO_CISCO);
	return false;
}

int dmvpn_demux_init(void)
{
	int err = register_module_notifier(&ip_gre_notifier);

	if (err)
		return err;
	if (ip_gre_present())
		WRITE_ONCE(stock_present, true);
	return 0;
}

void dmvpn_demux_exit(void)
{
	unregister_module_notifier(&ip_gre_notifier);
}
