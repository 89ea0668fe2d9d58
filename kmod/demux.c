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
 * An upstream series would let gre_add_protocol() take several handlers a
 * version instead; see Documentation/architecture.md.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/gre.h>
#include <net/protocol.h>

#include "demux.h"
#include "dmvpn.h"

static const struct net_protocol __rcu **gre_slot =
	(const struct net_protocol __rcu **)&inet_protos[IPPROTO_GRE];
static const struct net_protocol *next;	/* whom we stand in front of */
static unsigned int users;		/* RTNL */
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

int dmvpn_demux_get(void)
{
	int err;

	ASSERT_RTNL();
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

void dmvpn_demux_put(void)
{
	ASSERT_RTNL();
	if (--users || !hooked)
		return;
	if (!unhook()) {
		pr_warn("dmvpn: another handler of GRE was put on top of ours; the module stays\n");
		return;
	}
	hooked = false;
	module_put(THIS_MODULE);
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
