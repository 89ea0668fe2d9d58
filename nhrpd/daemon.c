/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon: the engine in its world.
 *
 * Everything that comes in (frames, kernel events, names, time) goes to the
 * engine at once; everything that the engine wants done is queued and leaves
 * at the end of the turn, first the kernel's tables, then the frames: who is
 * told that he is registered can be forwarded to.
 *
 * Start (R2): sockets and subscriptions first, then the devices, then the
 * entries that the kernel still holds; so nothing that happens meanwhile is
 * missed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <linux/dmvpn.h>

#include "control.h"
#include "daemon.h"
#include "device.h"
#include "frame.h"
#include "ipsec.h"
#include "kernel.h"
#include "log.h"
#include "narrow.h"
#include "rtnl.h"

#define RETRY_INTERVAL	10000		/* ms, what no event announces */

struct daemon_iface *daemon_iface(struct daemon *d, unsigned int ifindex)
{
	struct daemon_iface *i;

	for (i = d->ifaces; i; i = i->next)
		if (ifindex && i->ifindex == ifindex)
			return i;
	return NULL;
}

struct daemon_iface *daemon_iface_named(struct daemon *d, const char *name)
{
	struct daemon_iface *i;

	for (i = d->ifaces; i && strcmp(i->name, name); i = i->next)
		;
	return i;
}

/* ---- what the engine wants done ---- */

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct daemon *d = ctx;

	frame_send(d->frame, ifindex, nbma, mark, buf, len);
}

static void op_neigh_set(void *ctx, unsigned int ifindex,
			 const struct engine_neigh *n)
{
	struct daemon *d = ctx;

	kernel_neigh_set(d->kernel, ifindex, n);
}

static void op_neigh_del(void *ctx, unsigned int ifindex,
			 const struct addr *addr)
{
	struct daemon *d = ctx;

	kernel_neigh_del(d->kernel, ifindex, addr);
}

static void op_peer_set(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark, uint32_t flags,
			uint32_t priority)
{
	struct daemon *d = ctx;
	struct daemon_iface *i = daemon_iface(d, ifindex);

	/* a module without multicast refuses the whole request */
	if (flags & DMVPN_PEER_F_MULTICAST && i &&
	    !(i->features & DMVPN_FEATURE_MULTICAST)) {
		flags &= ~(uint32_t)DMVPN_PEER_F_MULTICAST;
		if (!i->mcast_told)
			log_notice("%s: this dmvpn module copies no multicast yet, 'multicast' does nothing",
				   i->name);
		i->mcast_told = true;
	}
	kernel_peer_set(d->kernel, ifindex, nbma, mark, flags, priority,
			i ? device_operators(i, nbma, mark) : NULL);
}

static void op_peer_del(void *ctx, unsigned int ifindex,
			const struct addr *nbma, uint32_t mark)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, ifindex);
	const struct kernel_rank *was = i ? device_operators(i, nbma, mark) :
					    NULL;

	if (was)
		kernel_peer_give_back(d->kernel, ifindex, nbma, mark, was);
	else
		kernel_peer_del(d->kernel, ifindex, nbma, mark);
}

static void op_shortcut_set(void *ctx, unsigned int ifindex,
			    const struct engine_shortcut *s)
{
	struct daemon *d = ctx;

	kernel_shortcut_set(d->kernel, ifindex, s);
}

static void op_shortcut_del(void *ctx, unsigned int ifindex,
			    const struct addr *prefix, uint8_t plen)
{
	struct daemon *d = ctx;

	kernel_shortcut_del(d->kernel, ifindex, prefix, plen);
}

static void op_need(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, bool on)
{
	struct daemon *d = ctx;

	ipsec_need(d->ipsec, ifindex, nbma, mark, on);
}

static struct engine_sa op_sa(void *ctx, unsigned int ifindex,
			      const struct addr *nbma, uint32_t mark)
{
	struct daemon *d = ctx;

	return ipsec_sa(d->ipsec, ifindex, nbma, mark);
}

static void op_carrier(void *ctx, unsigned int ifindex, bool on)
{
	struct daemon *d = ctx;
	struct daemon_iface *i = daemon_iface(d, ifindex);

	if (i)
		device_carrier(d, i, on);
}

static struct engine_route op_route(void *ctx, unsigned int ifindex,
				    const struct addr *dst)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, ifindex);

	return rtnl_route(d->rtnl, i ? i->vrf : 0, ifindex, dst);
}

static uint8_t op_narrow(void *ctx, unsigned int ifindex,
			 const struct addr *dst, uint8_t plen)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, ifindex);

	return narrow_length(d->narrow, i ? i->vrf : 0, dst, plen);
}

static bool asks_for(const struct daemon_iface *i, const char *name)
{
	unsigned int f, n;

	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		for (n = 0; n < i->conf->nhrp[f].n_nhs; n++)
			if (!strcmp(i->conf->nhrp[f].nhs[n].fqdn, name))
				return true;
	return false;
}

/* By name rather than by who asked: the section may be another one by now. */
static void tell_name(struct daemon *d, enum conf_family family,
		      const char *name, const struct addr *addrs,
		      unsigned int n)
{
	struct daemon_iface *i;

	for (i = d->ifaces; i; i = i->next)
		if (i->ifindex && i->conf->underlay == family &&
		    asks_for(i, name))
			engine_name(d->engine, i->ifindex, name, addrs, n,
				    event_now());
}

static void name4_ready(void *ctx, const char *name, const struct addr *addrs,
			unsigned int n)
{
	tell_name(ctx, CONF_IPV4, name, addrs, n);
}

static void name6_ready(void *ctx, const char *name, const struct addr *addrs,
			unsigned int n)
{
	tell_name(ctx, CONF_IPV6, name, addrs, n);
}

static void op_lookup(void *ctx, unsigned int ifindex, const char *fqdn)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, ifindex);
	bool over6 = i && i->conf->underlay == CONF_IPV6;

	if (event_lookup(d->loop, fqdn, over6 ? AF_INET6 : AF_INET,
			 over6 ? name6_ready : name4_ready, d))
		log_err("%s cannot be looked up: out of memory", fqdn);
}

static uint32_t op_random(void *ctx)
{
	uint32_t r;

	(void)ctx;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = random();
	return r;
}

static void op_log(void *ctx, enum engine_log level, const char *text)
{
	(void)ctx;
	log_line((enum log_level)level, "%s", text);
}

static void op_event(void *ctx, unsigned int ifindex, const char *what,
		     const struct addr *proto, const struct addr *nbma,
		     const char *text)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, ifindex);

	control_event(d, i ? i->name : NULL, what, proto, nbma, text);
}

static const struct engine_ops engine_ops = {
	.send = op_send,
	.neigh_set = op_neigh_set,
	.neigh_del = op_neigh_del,
	.peer_set = op_peer_set,
	.peer_del = op_peer_del,
	.shortcut_set = op_shortcut_set,
	.shortcut_del = op_shortcut_del,
	.carrier = op_carrier,
	.need = op_need,
	.sa = op_sa,
	.route = op_route,
	.narrow = op_narrow,
	.lookup = op_lookup,
	.random = op_random,
	.log = op_log,
	.event = op_event,
};

/* ---- what the kernel says ---- */

static void frame_in(void *ctx, unsigned int ifindex, const struct addr *nbma,
		     uint32_t mark, const uint8_t *buf, size_t len)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, ifindex);

	/* EtherType 0x2001 on any other device is nobody's NHRP; the rest of
	 * the mark is the firewall's business */
	if (i && i->running)
		engine_recv(d->engine, ifindex, nbma, mark & i->mark_mask, buf,
			    len, event_now());
}

static void upcall(void *ctx, uint8_t cmd, const struct kernel_upcall *u)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, u->ifindex);
	uint64_t now = event_now();
	char nbma[ADDR_STRLEN];

	if (!i || !i->running)
		return;
	if (cmd == DMVPN_CMD_RESOLVE_NTF)
		engine_resolve(d->engine, u->ifindex, &u->nexthop, &u->src,
			       &u->dst, now);
	else if (cmd == DMVPN_CMD_REDIRECT_NTF && u->head_len)
		engine_redirect(d->engine, u->ifindex, &u->ingress_nbma,
				u->ingress_mark, u->head, u->head_len, now);
	else if (cmd == DMVPN_CMD_ONEWAY_NTF)
		engine_oneway(d->engine, u->ifindex, &u->nbma, u->mark, now);
	else if (cmd == DMVPN_CMD_SA_MISSING_NTF)
		ipsec_missing(d->ipsec, u->ifindex, &u->nbma, u->mark);
	else
		log_debug("%s: upcall %u about peer %s", i->name, cmd,
			  addr_text(&u->nbma, nbma));
}

static void neigh_event(void *ctx, uint8_t cmd, const struct kernel_neigh *n)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, n->ifindex);

	if (!i || !i->running)
		return;
	/* what was set and deleted on request is known to who requested it */
	if (cmd == DMVPN_CMD_NEIGH_EXPIRED_NTF)
		engine_expired(d->engine, n->ifindex, &n->n.addr, event_now());
	else if (cmd == DMVPN_CMD_NEIGH_USED_NTF)
		engine_used(d->engine, n->ifindex, &n->n.addr, event_now());
}

static void shortcut_event(void *ctx, uint8_t cmd,
			   const struct kernel_shortcut *s)
{
	struct daemon *d = ctx;
	const struct daemon_iface *i = daemon_iface(d, s->ifindex);

	if (!i || !i->running)
		return;
	if (cmd == DMVPN_CMD_SHORTCUT_EXPIRED_NTF)
		engine_shortcut_expired(d->engine, s->ifindex, &s->s.prefix,
					s->s.plen, event_now());
	else if (cmd == DMVPN_CMD_SHORTCUT_USED_NTF)
		engine_shortcut_used(d->engine, s->ifindex, &s->s.prefix,
				     s->s.plen, event_now());
}

/* ---- after lost events ---- */

struct key {				/* of a neighbour or a shortcut */
	unsigned int ifindex;
	struct addr addr;
	uint8_t plen;
	bool shortcut;
};

struct keys {
	struct key *k;
	size_t n, room;
	bool failed;			/* out of memory */
};

struct resync {
	struct daemon *d;
	struct keys held;		/* by the kernel */
	struct keys gone;		/* known to the engine alone */
};

static void add_key(struct keys *l, const struct key *key)
{
	struct key *k = l->k;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		k = reallocarray(l->k, l->room, sizeof(*k));
		if (!k) {
			l->failed = true;
			l->room = l->n;
			return;
		}
		l->k = k;
	}
	k[l->n++] = *key;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	if (x->shortcut != y->shortcut)
		return x->shortcut ? 1 : -1;
	if (x->plen != y->plen)
		return x->plen < y->plen ? -1 : 1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

/* In use so shortly before its end that its event may be among the lost. */
static bool used_late(uint32_t expires, uint32_t refresh, bool used,
		      uint64_t used_ago)
{
	return refresh && expires && expires <= refresh && used &&
	       used_ago <= refresh;
}

static void note_held(void *ctx, const struct kernel_neigh *n)
{
	struct resync *r = ctx;
	struct key key = { .ifindex = n->ifindex, .addr = n->n.addr };

	add_key(&r->held, &key);
	if (used_late(n->n.expires, n->n.refresh, n->used, n->used_ago))
		engine_used(r->d->engine, n->ifindex, &n->n.addr, event_now());
}

static void note_held_shortcut(void *ctx, const struct kernel_shortcut *s)
{
	struct resync *r = ctx;
	struct key key = { .ifindex = s->ifindex, .addr = s->s.prefix,
			   .plen = s->s.plen, .shortcut = true };

	add_key(&r->held, &key);
	if (used_late(s->s.expires, s->s.refresh, s->used, s->used_ago))
		engine_shortcut_used(r->d->engine, s->ifindex, &s->s.prefix,
				     s->s.plen, event_now());
}

static void note_gone(void *ctx, const struct engine_entry *e)
{
	struct resync *r = ctx;
	struct key key = { .ifindex = e->ifindex, .addr = e->proto };

	key.shortcut = addr_is_set(&e->nexthop);
	if (key.shortcut)
		key.plen = e->plen;
	if (e->type == ENTRY_DYNAMIC && addr_is_set(&e->nbma) &&
	    !bsearch(&key, r->held.k, r->held.n, sizeof(key), compare_keys))
		add_key(&r->gone, &key);
}

static bool read_held(struct daemon *d, const struct daemon_iface *i,
		      struct resync *r)
{
	if (kernel_each_neigh(d->kernel, i->ifindex, note_held, r))
		return false;
	return !(i->features & DMVPN_FEATURE_SHORTCUT) ||
	       !kernel_each_shortcut(d->kernel, i->ifindex,
				     note_held_shortcut, r);
}

static void tell_gone(struct daemon *d, const struct key *k)
{
	if (k->shortcut)
		engine_shortcut_expired(d->engine, k->ifindex, &k->addr,
					k->plen, event_now());
	else
		engine_expired(d->engine, k->ifindex, &k->addr, event_now());
}

/* What expired unheard is told now. */
static void events_lost(void *ctx)
{
	struct daemon *d = ctx;
	struct resync r = { .d = d };
	struct daemon_iface *i;
	bool whole = true;
	size_t n;

	for (i = d->ifaces; i; i = i->next)
		if (i->running)
			whole &= read_held(d, i, &r);
	if (whole && !r.held.failed) {
		qsort(r.held.k, r.held.n, sizeof(*r.held.k), compare_keys);
		engine_each_entry(d->engine, note_gone, &r);
		for (n = 0; n < r.gone.n; n++)
			tell_gone(d, &r.gone.k[n]);
		log_notice("kernel holds %zu neighbours and shortcuts, %zu had expired unheard",
			   r.held.n, r.gone.n);
	}
	free(r.held.k);
	free(r.gone.k);
}

static const struct kernel_ops kernel_ops = {
	.upcall = upcall,
	.neigh = neigh_event,
	.shortcut = shortcut_event,
	.lost = events_lost,
};

/* ---- turns ---- */

static void look(struct daemon *d)
{
	struct daemon_iface *i;
	bool done = true;

	d->check = false;
	for (i = d->ifaces; i; i = i->next)
		done &= device_look(d, i);
	if (done)
		ipsec_tidy(d->ipsec);
	event_timer_set(d->retry, done ? UINT64_MAX :
			event_now() + RETRY_INTERVAL);
}

static void links_changed(void *ctx)
{
	struct daemon *d = ctx;

	d->check = true;
	/* a route that goes with its device or address goes without a word */
	narrow_changed(d->narrow);
	engine_routes_changed(d->engine, event_now());
}

static void routes_changed(void *ctx)
{
	struct daemon *d = ctx;

	narrow_changed(d->narrow);
	engine_routes_changed(d->engine, event_now());
}

/* A table that had changed has not been read until now. */
static void routes_readable(void *ctx)
{
	struct daemon *d = ctx;

	engine_routes_changed(d->engine, event_now());
}

static const struct rtnl_ops rtnl_ops = {
	.links = links_changed,
	.routes = routes_changed,
};

/* The end of each turn. */
static void turn(void *ctx)
{
	struct daemon *d = ctx;
	uint64_t at;

	if (d->check)
		look(d);
	if (engine_deadline(d->engine) <= event_now())
		engine_run(d->engine, event_now());
	kernel_flush(d->kernel);
	frame_flush(d->frame);
	at = engine_deadline(d->engine);
	if (at != d->timer_at)
		event_timer_set(d->timer, at);
	d->timer_at = at;
}

/* It only has to wake the loop: turn() does the rest. */
static void deadline(void *ctx)
{
	struct daemon *d = ctx;

	d->timer_at = UINT64_MAX;
}

/* ---- configuration ---- */

static void tell_notice(void *ctx, const char *text)
{
	(void)ctx;
	log_notice("%s", text);
}

static bool same_section(const struct conf_iface *a, const struct conf_iface *b)
{
	struct conf_iface x = *a;

	x.line = b->line;		/* where it stands does not matter */
	return !memcmp(&x, b, sizeof(x));
}

static bool same_profile(const struct conf_profile *a,
			 const struct conf_profile *b)
{
	return a == b || (a && b && !memcmp(a, b, sizeof(*a)));
}

static struct daemon_iface *new_iface(const struct conf_iface *c)
{
	struct daemon_iface *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	strcpy(i->name, c->name);
	i->conf = c;
	return i;
}

static void free_ifaces(struct daemon_iface *i)
{
	struct daemon_iface *next;

	for (; i; i = next) {
		next = i->next;
		free(i->operators);
		free(i);
	}
}

static struct daemon_iface *take_iface(struct daemon_iface **from,
				       const char *name)
{
	struct daemon_iface *i;

	for (; (i = *from); from = &i->next)
		if (!strcmp(i->name, name)) {
			*from = i->next;
			i->next = NULL;
			return i;
		}
	return NULL;
}

/* Interfaces for what @conf has and @d has not, in *@fresh. */
static int make_missing(struct daemon *d, const struct conf *conf,
			struct daemon_iface **fresh)
{
	struct daemon_iface *i;
	unsigned int n;

	*fresh = NULL;
	for (n = 0; n < conf->n_ifaces; n++) {
		if (daemon_iface_named(d, conf->iface[n].name))
			continue;
		i = new_iface(&conf->iface[n]);
		if (!i) {
			free_ifaces(*fresh);
			return -ENOMEM;
		}
		i->next = *fresh;
		*fresh = i;
	}
	return 0;
}

/* Puts @conf in force; nothing changes when it fails. */
static int take_conf(struct daemon *d, struct conf *conf)
{
	struct daemon_iface *fresh, *i, **tail, *list = NULL;
	const struct conf_iface *c;
	unsigned int n;

	if (make_missing(d, conf, &fresh))
		return -ENOMEM;
	for (n = 0, tail = &list; n < conf->n_ifaces; n++, tail = &i->next) {
		c = &conf->iface[n];
		i = take_iface(&d->ifaces, c->name);
		if (!i)
			i = take_iface(&fresh, c->name);
		else if (!same_section(i->conf, c) ||
			 !same_profile(conf_profile(d->conf, c->protection),
				       conf_profile(conf, c->protection)))
			i->applied = false;
		i->conf = c;
		*tail = i;
	}
	for (i = d->ifaces; i; i = i->next)
		device_remove(d, i);
	free_ifaces(d->ifaces);
	d->ifaces = list;
	if (d->conf != conf)
		conf_free(d->conf);
	d->conf = conf;
	return 0;
}

int daemon_reload(struct daemon *d)
{
	struct conf *conf = NULL;
	FILE *f = fopen(d->conf_path, "re");
	int ret = -EINVAL;

	d->error[0] = '\0';
	if (f) {
		conf = conf_read(f, d->conf_path, d->error, sizeof(d->error),
				 tell_notice, NULL);
		fclose(f);
	} else {
		ret = -errno;
		snprintf(d->error, sizeof(d->error), "%s: %s", d->conf_path,
			 strerror(errno));
	}
	if (!conf) {
		log_err("configuration not changed: %s", d->error);
		return ret;
	}
	if (strcmp(conf->control_socket, d->conf->control_socket))
		log_notice("%s: 'nhrp control socket' counts from the next start on",
			   d->conf_path);
	if (strcmp(conf->vici_socket, d->conf->vici_socket) &&
	    ipsec_charon(d->ipsec))
		log_notice("%s: 'crypto vici socket' counts from the next start on",
			   d->conf_path);
	if (strcmp(conf->netns, d->conf->netns) && ipsec_xfrm(d->ipsec))
		log_notice("%s: 'crypto netns' counts from the next start on",
			   d->conf_path);
	if (take_conf(d, conf)) {
		conf_free(conf);
		snprintf(d->error, sizeof(d->error), "out of memory");
		return -ENOMEM;
	}
	log_notice("%s read again", d->conf_path);
	d->reloaded = event_now();
	ipsec_reload(d->ipsec);
	look(d);
	return 0;
}

/* ---- start and stop ---- */

static void retry(void *ctx)
{
	struct daemon *d = ctx;

	d->check = true;
}

static void warn_forwarding(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	int c = f ? fgetc(f) : EOF;

	if (c == '0')
		log_warn("%s is 0: this host forwards nothing (not changed)",
			 name);
	if (f)
		fclose(f);
}

static bool wants(const struct daemon *d, enum conf_family family)
{
	const struct daemon_iface *i;

	for (i = d->ifaces; i; i = i->next)
		if (i->conf->nhrp[family].network_id)
			return true;
	return false;
}

static void warn_settings(const struct daemon *d)
{
	if (wants(d, CONF_IPV4))
		warn_forwarding("/proc/sys/net/ipv4/ip_forward",
				"net.ipv4.ip_forward");
	if (wants(d, CONF_IPV6))
		warn_forwarding("/proc/sys/net/ipv6/conf/all/forwarding",
				"net.ipv6.conf.all.forwarding");
}

/*
 * The kernel loads the module when a device of its kind is created; as long as
 * it is not loaded there is no device whose events could be missed.
 */
static void load_module(struct daemon *d)
{
	struct daemon_iface *i;

	for (i = d->ifaces; i; i = i->next)
		if (!device_create(d, i))
			return;
}

static int open_kernel(struct daemon *d)
{
	char err[256] = "";
	int ret;

	ret = kernel_open(&d->kernel, d->loop, &kernel_ops, d, err,
			  sizeof(err));
	if (ret == -ENOENT) {
		/* it may be loaded and have refused the device */
		load_module(d);
		ret = kernel_open(&d->kernel, d->loop, &kernel_ops, d, err,
				  sizeof(err));
	}
	if (ret == -ENOENT)
		log_err("the dmvpn kernel module is not loaded (modprobe dmvpn)");
	else if (ret == -EPERM)
		log_err("%s (CAP_NET_ADMIN is needed)", err);
	else if (ret)
		log_err("%s", err);
	return ret;
}

static int open_sockets(struct daemon *d)
{
	int ret;

	ret = rtnl_open(&d->rtnl, d->loop, &rtnl_ops, d);
	if (ret) {
		log_err("rtnetlink: %s", strerror(-ret));
		return ret;
	}
	d->narrow = narrow_new(d->loop, d->rtnl, routes_readable, d);
	if (!d->narrow) {
		log_err("out of memory");
		return -ENOMEM;
	}
	ret = open_kernel(d);
	if (ret)
		return ret;
	ret = frame_open(&d->frame, d->loop, frame_in, d);
	if (ret)
		log_err("packet socket: %s%s", strerror(-ret),
			ret == -EPERM ? " (CAP_NET_RAW is needed)" : "");
	return ret;
}

static const char *socket_path(const struct daemon *d)
{
	if (d->socket_path)
		return d->socket_path;
	return d->conf->control_socket[0] ? d->conf->control_socket :
	       DAEMON_SOCKET;
}

int daemon_start(struct daemon *d)
{
	int ret;

	d->started = event_now();
	d->reloaded = d->started;
	d->timer_at = UINT64_MAX;
	d->engine = engine_new(&engine_ops, d);
	d->timer = event_timer_new(d->loop, deadline, d);
	d->retry = event_timer_new(d->loop, retry, d);
	d->ipsec = ipsec_new(d);
	if (!d->ipsec || !d->engine || !d->timer || !d->retry || take_conf(d, d->conf)) {
		log_err("out of memory");
		return -ENOMEM;
	}
	/* first: a second daemon finds the socket taken and touches nothing */
	ret = control_open(d, socket_path(d));
	if (!ret)
		ret = open_sockets(d);
	if (ret)
		return ret;
	warn_settings(d);
	look(d);
	return event_after_turn(d->loop, turn, d);
}

void daemon_stop(struct daemon *d)
{
	struct daemon_iface *i;

	control_close(d);
	for (i = d->ifaces; i; i = i->next)
		device_carrier(d, i, true);
	if (d->engine)
		engine_free(d->engine);
	ipsec_free(d->ipsec);
	kernel_close(d->kernel);
	frame_close(d->frame);
	narrow_free(d->narrow);
	rtnl_close(d->rtnl);
	event_timer_free(d->timer);
	event_timer_free(d->retry);
	free_ifaces(d->ifaces);
	d->ifaces = NULL;
}
