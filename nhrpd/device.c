/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device: one `interface` section made true.
 *
 * A device of the section's name and of kind dmvpn is adopted, else one is
 * created. The section is written to the device once (at start, after a
 * reload, when the device is new); later changes by the operator with `ip` are
 * followed, not fought. (The kernel takes IPv6 addresses off a device that goes
 * down, or has too small an MTU: they are written again afterwards.) An adopted
 * device that is deleted is waited for, one that this process created is
 * created again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/dmvpn.h>

#include "control.h"
#include "device.h"
#include "frame.h"
#include "ipsec.h"
#include "kernel.h"
#include "linklocal.h"
#include "log.h"
#include "rtnl.h"

#define MTU_IPSEC	1400	/* room for ESP on the usual 1500 */
#define MTU_OVER6	20	/* the outer header has so much more */
#define MTU_IPV6	1280	/* RFC 8200, 5 */
#define REDIRECT_TIMEOUT 8	/* seconds, IOS */

/* Says why the interface does not run, once; always false. */
__attribute__((format(printf, 3, 0)))
static bool wait_as(struct daemon_iface *i, char reason[DAEMON_REASON],
		    const char *fmt, va_list ap)
{
	char text[DAEMON_REASON];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (strcmp(text, reason)) {
		strcpy(reason, text);
		log_warn("%s: %s", i->name, text);
	}
	return false;
}

__attribute__((format(printf, 2, 3)))
static bool wait_for(struct daemon_iface *i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	wait_as(i, i->reason, fmt, ap);
	va_end(ap);
	return false;
}

/* What stops one family and not the other; of IPv6 it has a place of its own,
 * since IPv4 may run meanwhile. */
__attribute__((format(printf, 3, 4)))
static bool family_waits(struct daemon_iface *i, enum conf_family family,
			 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	wait_as(i, family == CONF_IPV6 ? i->ipv6_reason : i->reason, fmt, ap);
	va_end(ap);
	return false;
}

/* ---- outside of the device ---- */

/* Turns a switch of the system off when it is on. */
static void switch_off(const char *dev, const char *what)
{
	char path[128], now = '0';
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", dev,
		 what);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		log_warn("%s stays as it is: %s", path, strerror(errno));
		return;
	}
	if (read(fd, &now, 1) == 1 && now != '0') {
		if (pwrite(fd, "0\n", 2, 0) == 2)
			log_notice("%s: 0, it was %c", path, now);
		else
			log_warn("%s stays %c: %s", path, now,
				 strerror(errno));
	}
	close(fd);
}

/* ---- what the section asks for ---- */

/* `Loopback0` of a router is this system's `lo`, unless there is one. */
static unsigned int source_index(struct daemon *d, const char *name)
{
	struct rtnl_link l;

	if (!rtnl_link_get(d->rtnl, 0, name, &l))
		return l.ifindex;
	if (!strcmp(name, "Loopback0") && !rtnl_link_get(d->rtnl, 0, "lo", &l))
		return l.ifindex;
	return 0;
}

static unsigned int vrf_index(struct daemon *d, const char *name)
{
	struct rtnl_link l;

	if (rtnl_link_get(d->rtnl, 0, name, &l) || strcmp(l.kind, "vrf"))
		return 0;
	return l.ifindex;
}

/* Of both families the shorter interval, in ms; 0: neither tells. */
static uint32_t redirect_interval(const struct conf_iface *c)
{
	const struct conf_nhrp *n;
	uint32_t least = 0, ms;
	unsigned int f;

	for (f = 0; f < __CONF_FAMILY_MAX; f++) {
		n = &c->nhrp[f];
		ms = 1000 * (n->redirect_timeout ? n->redirect_timeout :
			     REDIRECT_TIMEOUT);
		if (n->redirect && (!least || ms < least))
			least = ms;
	}
	return least;
}

/* *@t is what the section wants of a device that is *@now. */
static bool want_tunnel(struct daemon *d, struct daemon_iface *i,
			const struct rtnl_tunnel *now, struct rtnl_tunnel *t)
{
	const struct conf_iface *c = i->conf;
	uint32_t interval = redirect_interval(c);
	const struct conf_profile *p = conf_profile(d->conf, c->protection);

	*t = *now;
	t->underlay = c->underlay;
	/* charon gives any number to an SA */
	if (p && p->nat_marks)
		t->mark_mask = UINT32_MAX;
	if (c->source_dev[0]) {
		t->local_dev = source_index(d, c->source_dev);
		if (!t->local_dev)
			return wait_for(i, "tunnel source %s: no such interface",
					c->source_dev);
	} else if (addr_is_set(&c->source)) {
		t->local_dev = 0;
		t->local = c->source;
	}
	if (c->vrf[0]) {
		t->link = vrf_index(d, c->vrf);
		if (!t->link)
			return wait_for(i, "tunnel vrf %s: no such VRF", c->vrf);
	}
	t->remote = c->destination;
	t->has_key = c->has_key;
	t->key = c->key;
	t->network_id = conf_network_id(c);
	t->flags &= ~(uint32_t)(DMVPN_LINK_F_IPSEC_REQUIRED |
				DMVPN_LINK_F_REDIRECT |
				DMVPN_LINK_F_STRICT_SOURCE);
	if (c->ipsec_required)
		t->flags |= DMVPN_LINK_F_IPSEC_REQUIRED;
	if (c->strict_source)
		t->flags |= DMVPN_LINK_F_STRICT_SOURCE;
	if (interval) {
		t->flags |= DMVPN_LINK_F_REDIRECT;
		t->redirect_interval = interval;
	}
	/* who asks an NHS talks to others directly, whom no timer watches */
	if (!addr_is_set(&c->destination))
		t->oneway_interval = c->nhrp[CONF_IPV4].n_nhs ||
				     c->nhrp[CONF_IPV6].n_nhs ?
				     CONF_ONEWAY * 1000 : 0;
	return true;
}

static const char *underlay_name(enum conf_family f)
{
	return f == CONF_IPV6 ? "IPv6" : "IPv4";
}

/* A new device. A module that knows one underlay makes that, unasked. */
static bool finish_device(struct daemon *d, struct daemon_iface *i,
			  const struct rtnl_link *l)
{
	if (l->tunnel.underlay == i->conf->underlay) {
		/* on a system without IPv6 it makes none anyway */
		rtnl_link_no_ll(d->rtnl, l->ifindex);
		return true;
	}
	rtnl_link_del(d->rtnl, l->ifindex);
	i->created = false;
	return wait_for(i, "this dmvpn module carries nothing over %s",
			underlay_name(i->conf->underlay));
}

int device_create(struct daemon *d, struct daemon_iface *i)
{
	static const struct rtnl_tunnel fresh;
	struct rtnl_tunnel t;
	struct rtnl_link l;
	int ret;

	if (!rtnl_link_get(d->rtnl, 0, i->name, &l))
		return -EEXIST;
	if (!want_tunnel(d, i, &fresh, &t))
		return -ENODEV;
	ret = rtnl_link_create(d->rtnl, i->name, &t, i->conf->mtu);
	if (ret) {
		wait_for(i, "the device cannot be created: %s",
			 rtnl_error(d->rtnl));
		return ret;
	}
	i->created = true;
	if (!rtnl_link_get(d->rtnl, 0, i->name, &l) && !finish_device(d, i, &l))
		return -EOPNOTSUPP;
	log_notice("%s: device created", i->name);
	return 0;
}

/* ---- the device ---- */

void device_carrier(struct daemon *d, struct daemon_iface *i, bool on)
{
	if (!i->ifindex || i->dormant == !on)
		return;
	if (rtnl_link_dormant(d->rtnl, i->ifindex, !on)) {
		log_warn("%s: if-state nhrp: %s", i->name,
			 rtnl_error(d->rtnl));
		return;
	}
	i->dormant = !on;
	log_info("%s: %s", i->name, on ? "running again" : "dormant");
}

static void forget_operators(struct daemon_iface *i)
{
	free(i->operators);
	i->operators = NULL;
	i->n_operators = 0;
}

/* NHRP ends on the device at hand, whatever becomes of it. */
static void leave(struct daemon *d, struct daemon_iface *i)
{
	if (i->running)
		engine_iface_del(d->engine, i->ifindex, event_now());
	i->running = false;
	i->applied = false;
	forget_operators(i);
	i->inet6 = false;
	i->ifindex = 0;
	i->up = false;
	i->dormant = false;
	i->vrf = 0;
	i->local = addr_from(NULL, 0);
	memset(i->addr, 0, sizeof(i->addr));
	memset(&i->link_local, 0, sizeof(i->link_local));
	memset(i->runs, 0, sizeof(i->runs));
}

static void lose(struct daemon *d, struct daemon_iface *i)
{
	log_warn("%s: the device is gone", i->name);
	i->vanished = !i->created;
	i->created = false;
	leave(d, i);
	control_event(d, i->name, "interface-down", NULL, NULL,
		      "the device is gone");
}

/* A device keeps it for life: one of ours is made anew, another's is not. */
static bool right_underlay(const struct daemon_iface *i,
			   const struct rtnl_link *l)
{
	return strcmp(l->kind, RTNL_KIND) ||
	       l->tunnel.underlay == i->conf->underlay;
}

/* Finds the device or makes it; its link in *@l. */
static bool find_device(struct daemon *d, struct daemon_iface *i,
			struct rtnl_link *l)
{
	int ret = rtnl_link_get(d->rtnl, 0, i->name, l);

	/* deleted, or deleted and made anew since the last look */
	if (i->ifindex && (ret == -ENODEV || (!ret && l->ifindex != i->ifindex)))
		lose(d, i);
	if (!ret && !right_underlay(i, l)) {
		if (!i->created)
			return wait_for(i, "the device is over %s, its section over %s: delete the one or mend the other",
					underlay_name(l->tunnel.underlay),
					underlay_name(i->conf->underlay));
		rtnl_link_del(d->rtnl, l->ifindex);
		lose(d, i);
		ret = -ENODEV;
	}
	if (ret == -ENODEV && i->vanished)
		return wait_for(i, "the device was deleted, waiting for it to come back");
	if (ret == -ENODEV) {
		if (device_create(d, i))
			return false;
		ret = rtnl_link_get(d->rtnl, 0, i->name, l);
	}
	if (ret)
		return wait_for(i, "the device cannot be read: %s",
				rtnl_error(d->rtnl));
	if (strcmp(l->kind, RTNL_KIND))
		return wait_for(i, "a device of this name exists and is no %s device (%s)",
				RTNL_KIND, l->kind[0] ? l->kind : "no virtual one");
	if (!i->ifindex && !i->created)
		log_notice("%s: device adopted", i->name);
	i->ifindex = l->ifindex;
	i->vanished = false;
	return true;
}

static bool write_tunnel(struct daemon *d, struct daemon_iface *i,
			 const struct rtnl_link *l)
{
	struct rtnl_tunnel t;
	int ret;

	if (!want_tunnel(d, i, &l->tunnel, &t))
		return false;
	if (redirect_interval(i->conf) &&
	    !(i->features & DMVPN_FEATURE_REDIRECT))
		log_notice("%s: this dmvpn module tells of no redirects yet, 'ip nhrp redirect' does nothing",
			   i->name);
	if ((i->conf->nhrp[CONF_IPV4].shortcut ||
	     i->conf->nhrp[CONF_IPV6].shortcut) &&
	    !(i->features & DMVPN_FEATURE_SHORTCUT))
		log_notice("%s: this dmvpn module has no shortcuts yet, 'ip nhrp shortcut' does nothing",
			   i->name);
	ret = rtnl_link_change(d->rtnl, i->ifindex, &l->tunnel, &t,
			       i->features);
	if (ret < 0)
		return wait_for(i, "the device refuses its configuration: %s",
				rtnl_error(d->rtnl));
	if (ret)
		log_notice("%s: device changed", i->name);
	return true;
}

static void write_mtu(struct daemon *d, struct daemon_iface *i,
		      const struct rtnl_link *l)
{
	bool over6 = i->conf->underlay == CONF_IPV6;
	uint32_t most = MTU_IPSEC - (over6 ? MTU_OVER6 : 0);
	uint32_t mtu = i->conf->mtu;

	if (!mtu && i->conf->ipsec_required && l->mtu > most)
		mtu = most;
	if (!mtu || mtu == l->mtu)
		return;
	if (rtnl_link_mtu(d->rtnl, i->ifindex, mtu))
		log_warn("%s: MTU %u: %s", i->name, mtu, rtnl_error(d->rtnl));
	else
		log_info("%s: MTU %u, it was %u", i->name, mtu, l->mtu);
}

static void remove_address(struct daemon *d, struct daemon_iface *i,
			   struct daemon_addr *a)
{
	char text[ADDR_STRLEN];

	if (!a->added)
		return;
	a->added = false;
	if (!rtnl_addr_del(d->rtnl, i->ifindex, &a->addr, a->plen))
		log_info("%s: address %s/%u removed", i->name,
			 addr_text(&a->addr, text), a->plen);
}

/* Puts @addr on the device in place of what this process put there as *@a
 * before; no address: nothing is. */
static bool write_address(struct daemon *d, struct daemon_iface *i,
			  struct daemon_addr *a, const struct addr *addr,
			  uint8_t plen)
{
	char text[ADDR_STRLEN];
	int ret;

	/* first, or the new one became its secondary and went with it */
	if (!addr_eq(&a->addr, addr) || a->plen != plen)
		remove_address(d, i, a);
	if (!addr_is_set(addr)) {
		a->addr = *addr;
		return true;
	}
	ret = rtnl_addr_add(d->rtnl, i->ifindex, addr, plen);
	if (ret && ret != -EEXIST)
		return family_waits(i, addr->len == 16 ? CONF_IPV6 : CONF_IPV4,
				    "address %s/%u: %s", addr_text(addr, text),
				    plen, rtnl_error(d->rtnl));
	a->added |= !ret;
	a->addr = *addr;
	a->plen = plen;
	return true;
}

/*
 * A new device waits for its first NHS. One that was there stays as it is
 * until the engine has judged: a restart of the daemon stops nobody.
 */
static void write_if_state(struct daemon *d, struct daemon_iface *i,
			   const struct rtnl_link *l)
{
	i->dormant = l->dormant;
	if (i->conf->if_state && i->created && !i->running)
		device_carrier(d, i, false);
}

/* Where packets of the tunnel come from, be it down. */
static struct addr source_nbma(struct daemon *d, const struct rtnl_link *l)
{
	if (l->tunnel.local_dev)
		return rtnl_primary(d->rtnl, l->tunnel.local_dev,
				    l->tunnel.underlay, NULL);
	return l->tunnel.local;
}

/* Nothing leaves in clear, and peers' SAs are begun from this address. */
static bool protect(struct daemon *d, struct daemon_iface *i,
		    const struct rtnl_link *l)
{
	struct addr local = { 0 };
	char why[DAEMON_REASON];

	if (i->conf->protection[0])
		local = source_nbma(d, l);
	return ipsec_protect(d->ipsec, i, &local, why) ||
	       wait_for(i, "%s", why);
}

/* The device as it is now that its section was written, and before it is up. */
static bool protect_first(struct daemon *d, struct daemon_iface *i)
{
	struct rtnl_link l;

	if (rtnl_link_get(d->rtnl, i->ifindex, NULL, &l))
		return wait_for(i, "the device cannot be read: %s",
				rtnl_error(d->rtnl));
	return protect(d, i, &l);
}

/* Writes the section to the device. */
static bool apply(struct daemon *d, struct daemon_iface *i,
		  const struct rtnl_link *l)
{
	struct kernel_dev dev;
	int ret;

	ret = kernel_dev_get(d->kernel, i->ifindex, &dev);
	if (ret)
		return wait_for(i, "the dmvpn module does not know the device: %s",
				strerror(-ret));
	i->features = dev.features;
	i->mcast_told = false;
	switch_off("all", "send_redirects");
	switch_off(i->name, "send_redirects");
	if (!write_tunnel(d, i, l) ||
	    !write_address(d, i, &i->addr[CONF_IPV4],
			   &i->conf->nhrp[CONF_IPV4].addr,
			   i->conf->nhrp[CONF_IPV4].plen))
		return false;
	write_mtu(d, i, l);
	write_if_state(d, i, l);
	if (!protect_first(d, i))
		return false;
	if (rtnl_link_up(d->rtnl, i->ifindex))
		return wait_for(i, "the device does not come up: %s",
				rtnl_error(d->rtnl));
	i->applied = true;
	i->changed = true;
	i->inet6 = false;
	return true;
}

/* ---- IPv6 addresses ---- */

/* What stands in the way of IPv6 on the device; NULL: nothing. */
static const char *obstacle6(const struct daemon_iface *i,
			     const struct rtnl_link *l)
{
	if (!(i->features & DMVPN_FEATURE_INNER_IPV6))
		return "this dmvpn module carries no IPv6";
	if (l->mtu < MTU_IPV6)
		return "IPv6 needs an MTU of 1280 or more";
	return NULL;
}

/*
 * The device's link-local address. Where IPv6 was off for a while (too small an
 * MTU) the kernel begins anew and makes one, which is not wanted on a device
 * that is ours.
 */
static struct addr find_link_local(struct daemon *d, struct daemon_iface *i)
{
	struct addr has = rtnl_link_local(d->rtnl, i->ifindex);

	if (i->inet6 || !i->created || !addr_is_set(&has) ||
	    !addr_is_set(&i->link_local.addr) ||
	    addr_eq(&has, &i->link_local.addr))
		return has;
	rtnl_link_no_ll(d->rtnl, i->ifindex);
	rtnl_addr_del(d->rtnl, i->ifindex, &has, LINKLOCAL_PLEN);
	return addr_from(NULL, 0);
}

/*
 * A link-local address is needed as soon as NHRP runs for IPv6: the one that is
 * configured, that the device has, or one of our choice.
 */
static bool write_link_local(struct daemon *d, struct daemon_iface *i)
{
	const struct conf_nhrp *n = &i->conf->nhrp[CONF_IPV6];
	struct daemon_addr *a = &i->link_local;
	struct addr has;

	if (i->inet6 && (addr_is_set(&n->link_local) || !n->network_id))
		return true;
	has = find_link_local(d, i);
	if (addr_is_set(&n->link_local) || !n->network_id)
		return write_address(d, i, a, &n->link_local, LINKLOCAL_PLEN);
	if (addr_is_set(&has)) {
		a->added &= addr_eq(&a->addr, &has);
		a->addr = has;
		a->plen = LINKLOCAL_PLEN;
		return true;
	}
	has = linklocal_choose(i->name, &i->addr[CONF_IPV6].addr);
	return write_address(d, i, a, &has, LINKLOCAL_PLEN);
}

/* The kernel has taken IPv6 addresses off the device, be it for a moment. */
static bool lost_inet6(struct daemon *d, const struct daemon_iface *i,
		       const struct rtnl_link *l)
{
	struct addr has;

	if (!l->up || obstacle6(i, l))
		return true;
	if (!i->inet6 || !i->conf->nhrp[CONF_IPV6].network_id ||
	    !addr_is_set(&i->link_local.addr))
		return false;
	has = rtnl_link_local(d->rtnl, i->ifindex);
	return !addr_is_set(&has);
}

/* After the device came up, and when the section is new. Not while it is down:
 * the kernel would take them off again. */
static bool write_inet6(struct daemon *d, struct daemon_iface *i,
			const struct rtnl_link *l)
{
	const struct conf_nhrp *n = &i->conf->nhrp[CONF_IPV6];
	struct daemon_addr *a = &i->addr[CONF_IPV6];

	if (lost_inet6(d, i, l)) {
		i->inet6 = false;
		a->added = false;
		i->link_local.added = false;
	}
	if (!l->up || obstacle6(i, l))
		return true;
	if (!i->inet6 && !write_address(d, i, a, &n->addr, n->plen))
		return false;
	if (!addr_is_set(&n->addr))
		a->addr = rtnl_primary(d->rtnl, i->ifindex, CONF_IPV6,
				       &a->plen);
	if (addr_is_set(&a->addr) && !write_link_local(d, i))
		return false;
	i->inet6 = true;
	return true;
}

/* ---- the engine ---- */

static struct addr local_nbma(struct daemon *d, const struct rtnl_link *l)
{
	return l->up ? source_nbma(d, l) : addr_from(NULL, 0);
}

struct list {
	void *items;
	size_t n, room;
	bool failed;			/* out of memory */
};

static void append(struct list *l, const void *item, size_t size)
{
	void *items;

	if (l->n == l->room) {
		items = reallocarray(l->items, 2 * l->room + 64, size);
		if (!items) {
			l->failed = true;
			return;
		}
		l->items = items;
		l->room = 2 * l->room + 64;
	}
	memcpy((char *)l->items + size * l->n++, item, size);
}

/* What the kernel held before the engine says anything about the device. */
struct held {
	struct list neighs;		/* struct engine_neigh */
	struct list peers;		/* struct kernel_peer, the daemon's */
	struct list operators;		/* struct kernel_peer, and who made it */
	struct list shortcuts;		/* struct engine_shortcut */
};

static void keep_neigh(void *ctx, const struct kernel_neigh *k)
{
	struct held *h = ctx;

	append(&h->neighs, &k->n, sizeof(k->n));
}

/*
 * An operator's peer is none of the engine's business, unless the configuration
 * names it; then it becomes what it was when the engine needs it no more.
 */
static void keep_peer(void *ctx, const struct kernel_peer *p)
{
	struct kernel_peer made = *p;
	struct held *h = ctx;

	if (p->ours)
		append(&h->peers, p, sizeof(*p));
	if (p->ours ? !p->taken : !(p->flags & DMVPN_PEER_F_STATIC))
		return;
	if (!p->taken)
		made.was = (struct kernel_rank){
			p->flags & ~(uint32_t)DMVPN_PEER_F_STATIC, p->priority
		};
	append(&h->operators, &made, sizeof(made));
}

const struct kernel_rank *device_operators(const struct daemon_iface *i,
					   const struct addr *nbma,
					   uint32_t mark)
{
	size_t n;

	for (n = 0; n < i->n_operators; n++)
		if (addr_eq(&i->operators[n].nbma, nbma) &&
		    i->operators[n].mark == mark)
			return &i->operators[n].was;
	return NULL;
}

static void keep_shortcut(void *ctx, const struct kernel_shortcut *k)
{
	struct held *h = ctx;

	append(&h->shortcuts, &k->s, sizeof(k->s));
}

static int read_held(struct daemon *d, const struct daemon_iface *i,
		     struct held *h)
{
	int ret;

	ret = kernel_each_neigh(d->kernel, i->ifindex, keep_neigh, h);
	if (!ret)
		ret = kernel_each_peer(d->kernel, i->ifindex, keep_peer, h);
	if (!ret && i->features & DMVPN_FEATURE_SHORTCUT)
		ret = kernel_each_shortcut(d->kernel, i->ifindex,
					   keep_shortcut, h);
	if (!ret && (h->neighs.failed || h->peers.failed ||
		     h->operators.failed || h->shortcuts.failed))
		ret = -ENOMEM;
	return ret;
}

static void adopt(struct daemon *d, unsigned int ifindex, const struct held *h,
		  uint64_t now)
{
	const struct engine_neigh *n = h->neighs.items;
	const struct kernel_peer *p = h->peers.items;
	const struct engine_shortcut *s = h->shortcuts.items;
	size_t i;

	for (i = 0; i < h->neighs.n; i++)
		engine_adopt(d->engine, ifindex, &n[i], now);
	for (i = 0; i < h->peers.n; i++)
		engine_adopt_peer(d->engine, ifindex, &p[i].nbma, p[i].mark,
				  p[i].flags & ~(uint32_t)DMVPN_PEER_F_STATIC,
				  p[i].priority, now);
	for (i = 0; i < h->shortcuts.n; i++)
		engine_adopt_shortcut(d->engine, ifindex, &s[i], now);
}

static void free_held(struct held *h)
{
	free(h->neighs.items);
	free(h->peers.items);
	free(h->shortcuts.items);
}

/* "10.0.0.4/24 and 2001:db8::4/64" */
static const char *protocol_text(const struct daemon_iface *i, char buf[128])
{
	const struct daemon_addr *a = i->addr;
	char v4[ADDR_STRLEN], v6[ADDR_STRLEN];
	int len = 0;

	*buf = '\0';
	if (i->runs[CONF_IPV4])
		len = snprintf(buf, 128, "%s/%u", addr_text(&a[CONF_IPV4].addr,
							    v4),
			       a[CONF_IPV4].plen);
	if (i->runs[CONF_IPV6])
		snprintf(buf + len, 128 - len, "%s%s/%u", len ? " and " : "",
			 addr_text(&a[CONF_IPV6].addr, v6), a[CONF_IPV6].plen);
	return buf;
}

/* Starts NHRP on the device and takes back what the kernel holds of before. */
static bool enter(struct daemon *d, struct daemon_iface *i,
		  const struct conf_iface *c)
{
	char nbma[ADDR_STRLEN], proto[128];
	uint64_t now = event_now();
	struct held h = { 0 };
	int ret;

	ret = read_held(d, i, &h);
	forget_operators(i);
	i->operators = h.operators.items;
	i->n_operators = h.operators.n;
	if (!ret)
		ret = engine_iface_set(d->engine, i->ifindex, c, &i->local,
				       now);
	if (!ret)
		adopt(d, i->ifindex, &h, now);
	free_held(&h);
	if (ret)
		return wait_for(i, "NHRP cannot start: %s", strerror(-ret));
	i->running = true;
	log_notice("%s: NHRP runs: %s on NBMA %s, network-id %u, %zu entries taken back, %zu of them shortcuts",
		   i->name, protocol_text(i, proto),
		   addr_text(&i->local, nbma), conf_network_id(c),
		   h.neighs.n + h.shortcuts.n, h.shortcuts.n);
	return true;
}

static bool update(struct daemon *d, struct daemon_iface *i,
		   const struct conf_iface *c, const struct addr *before)
{
	char was[ADDR_STRLEN], is[ADDR_STRLEN];

	if (engine_iface_set(d->engine, i->ifindex, c, &i->local,
			     event_now()))
		return wait_for(i, "NHRP cannot change: out of memory");
	if (!addr_eq(before, &i->local)) {
		log_notice("%s: NBMA address %s, it was %s", i->name,
			   addr_text(&i->local, is), addr_text(before, was));
		control_event(d, i->name, "local-nbma", NULL, &i->local, NULL);
	}
	return true;
}

/* NHRP can run for IPv4, as far as the device goes. */
static bool ready4(struct daemon *d, struct daemon_iface *i)
{
	const struct conf_nhrp *n = &i->conf->nhrp[CONF_IPV4];
	struct daemon_addr *a = &i->addr[CONF_IPV4];

	a->addr = n->addr;
	a->plen = n->plen;
	if (!addr_is_set(&n->addr))
		a->addr = rtnl_primary(d->rtnl, i->ifindex, CONF_IPV4,
				       &a->plen);
	if (n->network_id && !addr_is_set(&a->addr))
		return wait_for(i, "the device has no IPv4 address");
	return n->network_id;
}

/* The same for IPv6. */
static bool ready6(struct daemon *d, struct daemon_iface *i,
		   const struct rtnl_link *l)
{
	const struct conf_nhrp *n = &i->conf->nhrp[CONF_IPV6];
	const char *why = obstacle6(i, l);

	if (!write_inet6(d, i, l))
		return false;
	if (n->network_id && why)
		return family_waits(i, CONF_IPV6, "%s", why);
	if (n->network_id && !addr_is_set(&i->addr[CONF_IPV6].addr))
		return family_waits(i, CONF_IPV6,
				    "the device has no IPv6 address");
	i->ipv6_reason[0] = '\0';
	return n->network_id;
}

/* What the engine gets to see: the device's addresses, and only families and
 * features that are there. */
static struct conf_iface seen(const struct daemon_iface *i)
{
	struct conf_iface c = *i->conf;
	struct conf_nhrp *n;
	unsigned int f;

	for (f = 0; f < __CONF_FAMILY_MAX; f++) {
		n = &c.nhrp[f];
		n->shortcut &= (i->features & DMVPN_FEATURE_SHORTCUT) != 0;
		n->addr = i->addr[f].addr;
		n->plen = i->addr[f].plen;
		if (!i->runs[f])
			n->network_id = 0;
	}
	c.nhrp[CONF_IPV6].link_local = i->link_local.addr;
	return c;
}

/* Nothing that the engine knows of the device differs. */
static bool is_same(const struct daemon_iface *a, const struct daemon_iface *b)
{
	unsigned int f;

	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		if (a->runs[f] != b->runs[f] ||
		    a->addr[f].plen != b->addr[f].plen ||
		    !addr_eq(&a->addr[f].addr, &b->addr[f].addr))
			return false;
	return addr_eq(&a->link_local.addr, &b->link_local.addr) &&
	       addr_eq(&a->local, &b->local);
}

/* NHRP can run for no family: ends it. */
static bool stop(struct daemon *d, struct daemon_iface *i)
{
	if (i->running)
		engine_iface_del(d->engine, i->ifindex, event_now());
	i->running = false;
	if (!conf_network_id(i->conf))
		return wait_for(i, "no 'ip nhrp network-id': NHRP is off here");
	if (!i->conf->nhrp[CONF_IPV4].network_id)
		return wait_for(i, "%s", i->ipv6_reason);
	return false;
}

static bool follow(struct daemon *d, struct daemon_iface *i,
		   const struct rtnl_link *l)
{
	struct daemon_iface before = *i;
	struct conf_iface c;
	bool same;

	if (!protect(d, i, l))
		return false;
	i->up = l->up;
	i->mtu = l->mtu;
	i->mark_mask = l->tunnel.mark_mask;
	i->vrf = l->vrf;
	i->local = local_nbma(d, l);
	i->changed = false;
	i->runs[CONF_IPV4] = ready4(d, i);
	i->runs[CONF_IPV6] = ready6(d, i, l);
	if (!i->runs[CONF_IPV4] && !i->runs[CONF_IPV6])
		return stop(d, i);
	same = i->running && !before.changed && is_same(i, &before);
	c = seen(i);
	if (!same && !(i->running ? update(d, i, &c, &before.local) :
		       enter(d, i, &c)))
		return false;
	if (!i->up)
		return wait_for(i, "the device is down");
	if (!addr_is_set(&i->local))
		return wait_for(i, "no NBMA address: the tunnel source has none");
	if (i->conf->nhrp[CONF_IPV4].network_id && !i->runs[CONF_IPV4])
		return false;
	i->reason[0] = '\0';
	return !i->ipv6_reason[0];
}

static bool gone(struct daemon *d, unsigned int ifindex)
{
	struct rtnl_link l;

	return ifindex && rtnl_link_get(d->rtnl, ifindex, NULL, &l) == -ENODEV;
}

/* What the section names was deleted and made anew: another index by now. */
static bool underlay_renewed(struct daemon *d, const struct daemon_iface *i,
			     const struct rtnl_tunnel *t)
{
	const struct conf_iface *c = i->conf;

	return (c->source_dev[0] && gone(d, t->local_dev) &&
		source_index(d, c->source_dev)) ||
	       (c->vrf[0] && gone(d, t->link) && vrf_index(d, c->vrf));
}

bool device_look(struct daemon *d, struct daemon_iface *i)
{
	struct rtnl_link l;

	if (!find_device(d, i, &l))
		return false;
	if (underlay_renewed(d, i, &l.tunnel))
		i->applied = false;
	if (!i->applied) {
		if (!apply(d, i, &l))
			return false;
		if (rtnl_link_get(d->rtnl, i->ifindex, NULL, &l))
			return wait_for(i, "the device cannot be read: %s",
					rtnl_error(d->rtnl));
	}
	return follow(d, i, &l);
}

void device_remove(struct daemon *d, struct daemon_iface *i)
{
	unsigned int ifindex = i->ifindex;

	if (i->running)
		engine_iface_del(d->engine, ifindex, event_now());
	i->running = false;
	device_carrier(d, i, true);
	/* what the engine had to say leaves while there is a device */
	kernel_flush(d->kernel);
	frame_flush(d->frame);
	if (ifindex && i->created) {
		if (rtnl_link_del(d->rtnl, ifindex))
			log_warn("%s: cannot be deleted: %s", i->name,
				 rtnl_error(d->rtnl));
	} else if (ifindex) {
		remove_address(d, i, &i->addr[CONF_IPV4]);
		remove_address(d, i, &i->addr[CONF_IPV6]);
		remove_address(d, i, &i->link_local);
	}
	/* last: until then it may still send */
	ipsec_leave(d->ipsec, i);
	log_notice("%s: no longer configured%s", i->name,
		   i->created ? ", device deleted" : "");
}
