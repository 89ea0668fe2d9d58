/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel: generic netlink family "dmvpn".
 *
 * Four sockets, so that none waits for another: `req` carries batched changes
 * and brings back refusals, `ask` questions and dumps, `events` what must not
 * be lost (when the kernel says that it was, ops->lost compares with a dump),
 * `upcalls` hints that packets trigger and that may be lost.
 *
 * Requests carry no NLM_F_ACK: the kernel answers a message of a batch only
 * when it refuses it, so a thousand registrations cost one sendmsg() and no
 * receive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>

#include "kernel.h"
#include "log.h"
#include "netlink.h"

#define REQUEST_MAX	512		/* longest request */
#define REQUESTS	4096		/* remembered for error messages */
#define RCVBUF		(8 << 20)

#define NEIGH_FLAGS (DMVPN_NEIGH_F_STATIC | DMVPN_NEIGH_F_UNCONFIRMED | \
		     DMVPN_NEIGH_F_REJECT | DMVPN_NEIGH_F_REGISTERED |	\
		     DMVPN_NEIGH_F_UNIQUE)
#define PEER_FLAGS (DMVPN_PEER_F_HUB | DMVPN_PEER_F_NHS | \
		    DMVPN_PEER_F_MULTICAST)

/* Of a request under way: what to name when the kernel refuses it. */
struct request {
	uint32_t seq;
	uint8_t cmd;
	uint8_t plen;			/* of a shortcut */
	unsigned int ifindex;
	struct addr addr;
};

struct kernel {
	const struct kernel_ops *ops;
	void *ctx;
	struct netlink req, ask, events, upcalls;
	struct event_fd *watch_req, *watch_events, *watch_upcalls;
	uint16_t family;
	uint32_t mcgrp_events, mcgrp_upcalls;
	struct request request[REQUESTS];	/* by seq */
	struct log_limit complaint;
	size_t len;				/* of the batch */
	char batch[NETLINK_BUF] __attribute__((aligned(8)));
};

static const char *const cmd_names[__DMVPN_CMD_MAX] = {
	[DMVPN_CMD_PEER_SET] = "set peer",
	[DMVPN_CMD_PEER_DEL] = "delete peer",
	[DMVPN_CMD_NEIGH_SET] = "set neighbour",
	[DMVPN_CMD_NEIGH_DEL] = "delete neighbour",
	[DMVPN_CMD_SHORTCUT_SET] = "set shortcut",
	[DMVPN_CMD_SHORTCUT_DEL] = "delete shortcut",
};

/* ---- reading ---- */

/* An older kernel sends fewer, a newer one more than this version knows. */
static void read_counters(const struct nlattr *a, uint64_t *to, size_t n)
{
	size_t have;

	if (!a)
		return;
	have = mnl_attr_get_payload_len(a) / sizeof(*to);
	memcpy(to, mnl_attr_get_payload(a), (have < n ? have : n) * sizeof(*to));
}

/* bitfield32 where the kernel follows the header, plain u32 as well */
static uint32_t read_flags(const struct nlattr *a)
{
	struct nla_bitfield32 f;

	if (!a || mnl_attr_get_payload_len(a) != sizeof(f))
		return netlink_u32(a, 0);
	memcpy(&f, mnl_attr_get_payload(a), sizeof(f));
	return f.value & f.selector;
}

static int parse_dev(const struct nlmsghdr *nlh, struct kernel_msg *m)
{
	const struct nlattr *tb[__DMVPN_DEV_A_MAX];
	struct kernel_dev *d = &m->dev;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, DMVPN_DEV_A_MAX))
		return -EBADMSG;
	d->ifindex = netlink_u32(tb[DMVPN_DEV_A_IFINDEX], 0);
	if (!d->ifindex)
		return -EBADMSG;
	netlink_str(tb[DMVPN_DEV_A_IFNAME], d->name, sizeof(d->name));
	d->features = netlink_u32(tb[DMVPN_DEV_A_FEATURES], 0);
	d->local = netlink_addr(tb[DMVPN_DEV_A_LOCAL]);
	d->peers = netlink_u32(tb[DMVPN_DEV_A_PEERS], 0);
	d->neighs = netlink_u32(tb[DMVPN_DEV_A_NEIGHS], 0);
	d->shortcuts = netlink_u32(tb[DMVPN_DEV_A_SHORTCUTS], 0);
	read_counters(tb[DMVPN_DEV_A_DROPS], d->drops, __DMVPN_DROP_MAX);
	read_counters(tb[DMVPN_DEV_A_COUNTS], d->counts, __DMVPN_COUNT_MAX);
	m->type = KERNEL_MSG_DEV;
	return 0;
}

/* How many bytes it has; one that is too long counts as none. */
static uint8_t read_cookie(const struct nlattr *a,
			   uint8_t cookie[ENGINE_COOKIE_MAX])
{
	size_t len = a ? mnl_attr_get_payload_len(a) : 0;

	if (!len || len > ENGINE_COOKIE_MAX)
		return 0;
	memcpy(cookie, mnl_attr_get_payload(a), len);
	return len;
}

static int parse_neigh(const struct nlmsghdr *nlh, struct kernel_msg *m)
{
	const struct nlattr *tb[__DMVPN_NEIGH_A_MAX];
	struct kernel_neigh *k = &m->neigh;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, DMVPN_NEIGH_A_MAX))
		return -EBADMSG;
	k->ifindex = netlink_u32(tb[DMVPN_NEIGH_A_IFINDEX], 0);
	k->n.addr = netlink_addr(tb[DMVPN_NEIGH_A_ADDR]);
	if (!k->ifindex || !addr_is_set(&k->n.addr))
		return -EBADMSG;
	k->id = netlink_u32(tb[DMVPN_NEIGH_A_ID], 0);
	k->n.nbma = netlink_addr(tb[DMVPN_NEIGH_A_NBMA]);
	k->n.mark = netlink_u32(tb[DMVPN_NEIGH_A_MARK], 0);
	k->n.flags = read_flags(tb[DMVPN_NEIGH_A_FLAGS]);
	k->n.expires = netlink_u32(tb[DMVPN_NEIGH_A_EXPIRES], 0);
	k->n.refresh = netlink_u32(tb[DMVPN_NEIGH_A_REFRESH], 0);
	k->n.created_ago = netlink_u64(tb[DMVPN_NEIGH_A_CREATED], 0);
	k->used = tb[DMVPN_NEIGH_A_USED] != NULL;
	k->used_ago = netlink_u64(tb[DMVPN_NEIGH_A_USED], 0);
	k->n.cookie_len = read_cookie(tb[DMVPN_NEIGH_A_COOKIE], k->n.cookie);
	m->type = KERNEL_MSG_NEIGH;
	return 0;
}

static int parse_shortcut(const struct nlmsghdr *nlh, struct kernel_msg *m)
{
	const struct nlattr *tb[__DMVPN_SHORTCUT_A_MAX];
	struct kernel_shortcut *k = &m->shortcut;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, DMVPN_SHORTCUT_A_MAX))
		return -EBADMSG;
	k->ifindex = netlink_u32(tb[DMVPN_SHORTCUT_A_IFINDEX], 0);
	k->s.prefix = netlink_addr(tb[DMVPN_SHORTCUT_A_PREFIX]);
	k->s.plen = netlink_u8(tb[DMVPN_SHORTCUT_A_PREFIXLEN], UINT8_MAX);
	if (!k->ifindex || !addr_is_set(&k->s.prefix) ||
	    k->s.plen > 8 * k->s.prefix.len)
		return -EBADMSG;
	k->id = netlink_u32(tb[DMVPN_SHORTCUT_A_ID], 0);
	k->s.nexthop = netlink_addr(tb[DMVPN_SHORTCUT_A_NEXTHOP]);
	k->s.via = netlink_addr(tb[DMVPN_SHORTCUT_A_VIA]);
	k->s.expires = netlink_u32(tb[DMVPN_SHORTCUT_A_EXPIRES], 0);
	k->s.refresh = netlink_u32(tb[DMVPN_SHORTCUT_A_REFRESH], 0);
	k->s.created_ago = netlink_u64(tb[DMVPN_SHORTCUT_A_CREATED], 0);
	k->used = tb[DMVPN_SHORTCUT_A_USED] != NULL;
	k->used_ago = netlink_u64(tb[DMVPN_SHORTCUT_A_USED], 0);
	k->s.cookie_len = read_cookie(tb[DMVPN_SHORTCUT_A_COOKIE],
				      k->s.cookie);
	m->type = KERNEL_MSG_SHORTCUT;
	return 0;
}

/* KERNEL_PEER_COOKIE, and of an operator's peer its flags and priority. */
#define PEER_COOKIE	(sizeof(KERNEL_PEER_COOKIE) - 1)
#define PEER_COOKIE_WAS	(PEER_COOKIE + 6)

static void read_peer_cookie(const struct nlattr *a, struct kernel_peer *p)
{
	size_t len = a ? mnl_attr_get_payload_len(a) : 0;
	const uint8_t *c = a ? mnl_attr_get_payload(a) : NULL;

	if (!(p->flags & DMVPN_PEER_F_STATIC) ||
	    (len != PEER_COOKIE && len != PEER_COOKIE_WAS) ||
	    memcmp(c, KERNEL_PEER_COOKIE, PEER_COOKIE))
		return;
	if (len == PEER_COOKIE) {
		p->ours = true;
	} else if (!c[PEER_COOKIE] && !(c[PEER_COOKIE + 1] & ~PEER_FLAGS)) {
		p->ours = p->taken = true;
		p->was.flags = c[PEER_COOKIE + 1];
		memcpy(&p->was.priority, c + PEER_COOKIE + 2,
		       sizeof(p->was.priority));
	}
}

static size_t put_peer_cookie(uint8_t c[PEER_COOKIE_WAS],
			      const struct kernel_rank *was)
{
	memcpy(c, KERNEL_PEER_COOKIE, PEER_COOKIE);
	if (!was)
		return PEER_COOKIE;
	c[PEER_COOKIE] = 0;
	c[PEER_COOKIE + 1] = was->flags & PEER_FLAGS;
	memcpy(c + PEER_COOKIE + 2, &was->priority, sizeof(was->priority));
	return PEER_COOKIE_WAS;
}

static int parse_peer(const struct nlmsghdr *nlh, struct kernel_msg *m)
{
	const struct nlattr *tb[__DMVPN_PEER_A_MAX];
	struct kernel_peer *p = &m->peer;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, DMVPN_PEER_A_MAX))
		return -EBADMSG;
	p->ifindex = netlink_u32(tb[DMVPN_PEER_A_IFINDEX], 0);
	p->nbma = netlink_addr(tb[DMVPN_PEER_A_NBMA]);
	if (!p->ifindex || !addr_is_set(&p->nbma))
		return -EBADMSG;
	p->id = netlink_u32(tb[DMVPN_PEER_A_ID], 0);
	p->mark = netlink_u32(tb[DMVPN_PEER_A_MARK], 0);
	p->flags = read_flags(tb[DMVPN_PEER_A_FLAGS]);
	p->priority = netlink_u32(tb[DMVPN_PEER_A_PRIORITY], 0);
	read_peer_cookie(tb[DMVPN_PEER_A_COOKIE], p);
	m->type = KERNEL_MSG_PEER;
	return 0;
}

static int parse_upcall(const struct nlmsghdr *nlh, struct kernel_msg *m)
{
	const struct nlattr *tb[__DMVPN_EVENT_A_MAX];
	struct kernel_upcall *u = &m->upcall;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, DMVPN_EVENT_A_MAX))
		return -EBADMSG;
	u->ifindex = netlink_u32(tb[DMVPN_EVENT_A_IFINDEX], 0);
	if (!u->ifindex)
		return -EBADMSG;
	u->nexthop = netlink_addr(tb[DMVPN_EVENT_A_NEXTHOP]);
	u->src = netlink_addr(tb[DMVPN_EVENT_A_SRC]);
	u->dst = netlink_addr(tb[DMVPN_EVENT_A_DST]);
	u->nbma = netlink_addr(tb[DMVPN_EVENT_A_NBMA]);
	u->mark = netlink_u32(tb[DMVPN_EVENT_A_MARK], 0);
	u->ingress_nbma = netlink_addr(tb[DMVPN_EVENT_A_INGRESS_NBMA]);
	u->ingress_mark = netlink_u32(tb[DMVPN_EVENT_A_INGRESS_MARK], 0);
	if (tb[DMVPN_EVENT_A_HEAD]) {
		u->head = mnl_attr_get_payload(tb[DMVPN_EVENT_A_HEAD]);
		u->head_len = mnl_attr_get_payload_len(tb[DMVPN_EVENT_A_HEAD]);
	}
	m->type = KERNEL_MSG_UPCALL;
	return 0;
}

int kernel_parse(const struct nlmsghdr *nlh, struct kernel_msg *m)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	memset(m, 0, sizeof(*m));
	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return -EBADMSG;
	m->cmd = genl->cmd;
	switch (genl->cmd) {
	case DMVPN_CMD_DEV_GET:
		return parse_dev(nlh, m);
	case DMVPN_CMD_NEIGH_GET:
	case DMVPN_CMD_NEIGH_CHANGED_NTF:
	case DMVPN_CMD_NEIGH_DELETED_NTF:
	case DMVPN_CMD_NEIGH_EXPIRED_NTF:
	case DMVPN_CMD_NEIGH_USED_NTF:
		return parse_neigh(nlh, m);
	case DMVPN_CMD_SHORTCUT_GET:
	case DMVPN_CMD_SHORTCUT_CHANGED_NTF:
	case DMVPN_CMD_SHORTCUT_DELETED_NTF:
	case DMVPN_CMD_SHORTCUT_EXPIRED_NTF:
	case DMVPN_CMD_SHORTCUT_USED_NTF:
		return parse_shortcut(nlh, m);
	case DMVPN_CMD_PEER_GET:
		return parse_peer(nlh, m);
	case DMVPN_CMD_RESOLVE_NTF:
	case DMVPN_CMD_REDIRECT_NTF:
	case DMVPN_CMD_ONEWAY_NTF:
	case DMVPN_CMD_SA_MISSING_NTF:
		return parse_upcall(nlh, m);
	default:
		return 0;
	}
}

/* ---- what comes on its own ---- */

static int take_notification(const struct nlmsghdr *nlh, void *ctx)
{
	struct kernel *k = ctx;
	struct kernel_msg m;
	char more[40];

	if (nlh->nlmsg_type != k->family)
		return 0;
	if (kernel_parse(nlh, &m)) {
		if (log_allowed(&k->complaint, event_now(), more))
			log_warn("kernel: event %u is broken, ignored%s",
				 m.cmd, more);
		return 0;
	}
	if (m.type == KERNEL_MSG_UPCALL)
		k->ops->upcall(k->ctx, m.cmd, &m.upcall);
	else if (m.type == KERNEL_MSG_NEIGH)
		k->ops->neigh(k->ctx, m.cmd, &m.neigh);
	else if (m.type == KERNEL_MSG_SHORTCUT)
		k->ops->shortcut(k->ctx, m.cmd, &m.shortcut);
	return 0;
}

/*
 * Reads @nl until it is empty, some datagrams at a time so that one socket
 * does not starve the rest. True when messages were lost.
 */
static bool drain(struct netlink *nl,
		  int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx)
{
	static char buf[NETLINK_BUF] __attribute__((aligned(8)));
	bool lost = false;
	unsigned int i;
	ssize_t len;

	for (i = 0; i < 64; i++) {
		len = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		if (len >= 0)
			netlink_each(buf, len, cb, ctx);
		else if (errno == ENOBUFS || errno == ENOSPC)
			lost = true;
		else if (errno != EINTR)
			break;
	}
	return lost;
}

static void events_ready(void *ctx, unsigned int what)
{
	struct kernel *k = ctx;

	(void)what;
	if (drain(&k->events, take_notification, k)) {
		log_warn("kernel: events were lost, comparing with a dump");
		k->ops->lost(k->ctx);
	}
}

static void upcalls_ready(void *ctx, unsigned int what)
{
	struct kernel *k = ctx;

	(void)what;
	/* whoever misses one sees the next packet's */
	if (drain(&k->upcalls, take_notification, k))
		log_debug("kernel: upcalls were lost");
}

static bool is_shortcut(const struct request *r)
{
	return r->cmd == DMVPN_CMD_SHORTCUT_SET ||
	       r->cmd == DMVPN_CMD_SHORTCUT_DEL;
}

static bool is_delete(const struct request *r)
{
	return r->cmd == DMVPN_CMD_NEIGH_DEL || r->cmd == DMVPN_CMD_PEER_DEL ||
	       r->cmd == DMVPN_CMD_SHORTCUT_DEL;
}

static int take_refusal(const struct nlmsghdr *nlh, void *ctx)
{
	struct kernel *k = ctx;
	const struct request *r = &k->request[nlh->nlmsg_seq % REQUESTS];
	char text[200], addr[ADDR_STRLEN], plen[8] = "";
	enum log_level level = LOG_L_ERR;
	int err;

	if (nlh->nlmsg_type != NLMSG_ERROR)
		return 0;
	err = netlink_error(nlh, text, sizeof(text));
	if (!err)
		return 0;
	if (r->seq != nlh->nlmsg_seq) {
		log_err("kernel: a request was refused: %s", text);
		return 0;
	}
	/* what was to go is gone already: expired, or with its device */
	if (err == -ENODEV || (err == -ENOENT && is_delete(r)))
		level = LOG_L_DEBUG;
	if (is_shortcut(r))
		snprintf(plen, sizeof(plen), "/%u", r->plen);
	log_line(level, "kernel: %s %s%s on interface %u: %s",
		 cmd_names[r->cmd], addr_text(&r->addr, addr), plen,
		 r->ifindex, text);
	return 0;
}

static void refusals_ready(void *ctx, unsigned int what)
{
	struct kernel *k = ctx;

	(void)what;
	if (drain(&k->req, take_refusal, k))
		log_warn("kernel: more requests were refused than fit the socket, some are not logged");
}

/* ---- the family ---- */

static void read_group(const struct nlattr *group, struct kernel *k)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GRP_ID + 1];
	char name[GENL_NAMSIZ];
	uint32_t id;

	if (netlink_nest(group, tb, CTRL_ATTR_MCAST_GRP_ID))
		return;
	netlink_str(tb[CTRL_ATTR_MCAST_GRP_NAME], name, sizeof(name));
	id = netlink_u32(tb[CTRL_ATTR_MCAST_GRP_ID], 0);
	if (!strcmp(name, DMVPN_MCGRP_EVENTS))
		k->mcgrp_events = id;
	else if (!strcmp(name, DMVPN_MCGRP_UPCALLS))
		k->mcgrp_upcalls = id;
}

static int take_family(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[CTRL_ATTR_MCAST_GROUPS + 1], *group;
	struct kernel *k = ctx;

	if (netlink_attrs(nlh, GENL_HDRLEN, tb, CTRL_ATTR_MCAST_GROUPS))
		return -EBADMSG;
	if (!tb[CTRL_ATTR_FAMILY_ID] || !tb[CTRL_ATTR_MCAST_GROUPS] ||
	    mnl_attr_get_payload_len(tb[CTRL_ATTR_FAMILY_ID]) != 2)
		return -EBADMSG;
	k->family = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	mnl_attr_for_each_nested(group, tb[CTRL_ATTR_MCAST_GROUPS])
		read_group(group, k);
	return 0;
}

static struct nlmsghdr *put_genl(struct netlink *nl, void *buf, uint16_t type,
				 uint16_t flags, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = netlink_put(nl, buf, type, flags);
	struct genlmsghdr *genl;

	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static int find_family(struct kernel *k)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int ret;

	nlh = put_genl(&k->ask, buf, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, DMVPN_GENL_NAME);
	ret = netlink_talk(&k->ask, nlh, take_family, k);
	if (ret)
		return ret;
	return k->mcgrp_events && k->mcgrp_upcalls ? 0 : -EPROTO;
}

static int subscribe(struct kernel *k, struct event_loop *loop)
{
	int ret;

	ret = netlink_join(&k->events, k->mcgrp_events);
	if (!ret)
		ret = netlink_join(&k->upcalls, k->mcgrp_upcalls);
	if (ret)
		return ret;
	k->watch_req = event_fd_new(loop, netlink_fd(&k->req), EVENT_READ,
				    refusals_ready, k);
	k->watch_events = event_fd_new(loop, netlink_fd(&k->events),
				       EVENT_READ, events_ready, k);
	k->watch_upcalls = event_fd_new(loop, netlink_fd(&k->upcalls),
					EVENT_READ, upcalls_ready, k);
	return k->watch_req && k->watch_events && k->watch_upcalls ?
	       0 : -ENOMEM;
}

static int open_sockets(struct kernel *k)
{
	int ret;

	ret = netlink_open(&k->ask, NETLINK_GENERIC, RCVBUF, true);
	if (!ret)
		ret = netlink_open(&k->req, NETLINK_GENERIC, RCVBUF, false);
	if (!ret)
		ret = netlink_open(&k->events, NETLINK_GENERIC, RCVBUF, false);
	if (!ret)
		ret = netlink_open(&k->upcalls, NETLINK_GENERIC, RCVBUF, false);
	return ret;
}

int kernel_open(struct kernel **out, struct event_loop *loop,
		const struct kernel_ops *ops, void *ctx, char *err,
		size_t errlen)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int ret;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	k->ops = ops;
	k->ctx = ctx;
	ret = open_sockets(k);
	if (!ret)
		ret = find_family(k);
	if (!ret)
		ret = subscribe(k, loop);
	if (ret) {
		snprintf(err, errlen, "generic netlink family %s: %s",
			 DMVPN_GENL_NAME, k->ask.err[0] ? k->ask.err :
			 strerror(-ret));
		kernel_close(k);
		return ret;
	}
	*out = k;
	return 0;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	if (k->len)
		kernel_flush(k);
	event_fd_free(k->watch_req);
	event_fd_free(k->watch_events);
	event_fd_free(k->watch_upcalls);
	netlink_close(&k->req);
	netlink_close(&k->ask);
	netlink_close(&k->events);
	netlink_close(&k->upcalls);
	free(k);
}

/* ---- changes ---- */

void kernel_flush(struct kernel *k)
{
	if (!k->len)
		return;
	if (mnl_socket_sendto(k->req.sock, k->batch, k->len) < 0)
		log_err("kernel: %zu bytes of requests lost: %s", k->len,
			strerror(errno));
	k->len = 0;
}

/* Begins a message in the batch; end_request() ends it. */
static struct nlmsghdr *begin_request(struct kernel *k, uint8_t cmd,
				      unsigned int ifindex,
				      const struct addr *addr)
{
	struct nlmsghdr *nlh;
	struct request *r;

	if (sizeof(k->batch) - k->len < REQUEST_MAX)
		kernel_flush(k);
	nlh = put_genl(&k->req, k->batch + k->len, k->family, 0, cmd,
		       DMVPN_GENL_VERSION);
	r = &k->request[nlh->nlmsg_seq % REQUESTS];
	r->seq = nlh->nlmsg_seq;
	r->cmd = cmd;
	r->plen = 0;
	r->ifindex = ifindex;
	r->addr = *addr;
	return nlh;
}

static void end_request(struct kernel *k, const struct nlmsghdr *nlh)
{
	k->len += MNL_ALIGN(nlh->nlmsg_len);
}

static void put_flags(struct nlmsghdr *nlh, uint16_t type, uint32_t value,
		      uint32_t selector)
{
	struct nla_bitfield32 f = { .value = value & selector,
				    .selector = selector };

	mnl_attr_put(nlh, type, sizeof(f), &f);
}

void kernel_neigh_set(struct kernel *k, unsigned int ifindex,
		      const struct engine_neigh *n)
{
	struct nlmsghdr *nlh = begin_request(k, DMVPN_CMD_NEIGH_SET,
					     ifindex, &n->addr);

	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, ifindex);
	netlink_put_addr(nlh, DMVPN_NEIGH_A_ADDR, &n->addr);
	if (addr_is_set(&n->nbma)) {
		netlink_put_addr(nlh, DMVPN_NEIGH_A_NBMA, &n->nbma);
		if (n->mark)
			mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_MARK, n->mark);
	}
	put_flags(nlh, DMVPN_NEIGH_A_FLAGS, n->flags, NEIGH_FLAGS);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_EXPIRES, n->expires);
	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_REFRESH, n->refresh);
	mnl_attr_put(nlh, DMVPN_NEIGH_A_COOKIE, n->cookie_len, n->cookie);
	end_request(k, nlh);
}

void kernel_neigh_del(struct kernel *k, unsigned int ifindex,
		      const struct addr *addr)
{
	struct nlmsghdr *nlh = begin_request(k, DMVPN_CMD_NEIGH_DEL,
					     ifindex, addr);

	mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, ifindex);
	netlink_put_addr(nlh, DMVPN_NEIGH_A_ADDR, addr);
	end_request(k, nlh);
}

static struct nlmsghdr *begin_shortcut(struct kernel *k, uint8_t cmd,
				       unsigned int ifindex,
				       const struct addr *prefix, uint8_t plen)
{
	struct nlmsghdr *nlh = begin_request(k, cmd, ifindex, prefix);

	k->request[nlh->nlmsg_seq % REQUESTS].plen = plen;
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_IFINDEX, ifindex);
	netlink_put_addr(nlh, DMVPN_SHORTCUT_A_PREFIX, prefix);
	mnl_attr_put_u8(nlh, DMVPN_SHORTCUT_A_PREFIXLEN, plen);
	return nlh;
}

void kernel_shortcut_set(struct kernel *k, unsigned int ifindex,
			 const struct engine_shortcut *s)
{
	struct nlmsghdr *nlh = begin_shortcut(k, DMVPN_CMD_SHORTCUT_SET,
					      ifindex, &s->prefix, s->plen);

	netlink_put_addr(nlh, DMVPN_SHORTCUT_A_NEXTHOP, &s->nexthop);
	if (addr_is_set(&s->via))
		netlink_put_addr(nlh, DMVPN_SHORTCUT_A_VIA, &s->via);
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_EXPIRES, s->expires);
	mnl_attr_put_u32(nlh, DMVPN_SHORTCUT_A_REFRESH, s->refresh);
	mnl_attr_put(nlh, DMVPN_SHORTCUT_A_COOKIE, s->cookie_len, s->cookie);
	end_request(k, nlh);
}

void kernel_shortcut_del(struct kernel *k, unsigned int ifindex,
			 const struct addr *prefix, uint8_t plen)
{
	end_request(k, begin_shortcut(k, DMVPN_CMD_SHORTCUT_DEL, ifindex,
				      prefix, plen));
}

static void put_peer_key(struct nlmsghdr *nlh, unsigned int ifindex,
			 const struct addr *nbma, uint32_t mark)
{
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_IFINDEX, ifindex);
	netlink_put_addr(nlh, DMVPN_PEER_A_NBMA, nbma);
	if (mark)
		mnl_attr_put_u32(nlh, DMVPN_PEER_A_MARK, mark);
}

static void set_peer(struct kernel *k, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark,
		     const struct kernel_rank *rank, const uint8_t *cookie,
		     size_t len)
{
	struct nlmsghdr *nlh = begin_request(k, DMVPN_CMD_PEER_SET,
					     ifindex, nbma);

	put_peer_key(nlh, ifindex, nbma, mark);
	put_flags(nlh, DMVPN_PEER_A_FLAGS, rank->flags, PEER_FLAGS);
	mnl_attr_put_u32(nlh, DMVPN_PEER_A_PRIORITY, rank->priority);
	mnl_attr_put(nlh, DMVPN_PEER_A_COOKIE, len, cookie);
	end_request(k, nlh);
}

void kernel_peer_set(struct kernel *k, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark, uint32_t flags,
		     uint32_t priority, const struct kernel_rank *was)
{
	struct kernel_rank rank = { flags, priority };
	uint8_t cookie[PEER_COOKIE_WAS];

	set_peer(k, ifindex, nbma, mark, &rank, cookie,
		 put_peer_cookie(cookie, was));
}

void kernel_peer_give_back(struct kernel *k, unsigned int ifindex,
			   const struct addr *nbma, uint32_t mark,
			   const struct kernel_rank *was)
{
	set_peer(k, ifindex, nbma, mark, was, NULL, 0);
}

void kernel_peer_del(struct kernel *k, unsigned int ifindex,
		     const struct addr *nbma, uint32_t mark)
{
	struct nlmsghdr *nlh = begin_request(k, DMVPN_CMD_PEER_DEL,
					     ifindex, nbma);

	put_peer_key(nlh, ifindex, nbma, mark);
	end_request(k, nlh);
}

/* ---- questions ---- */

struct question {
	uint16_t family;
	unsigned int ifindex;		/* 0: all */
	void (*neigh)(void *ctx, const struct kernel_neigh *n);
	void (*shortcut)(void *ctx, const struct kernel_shortcut *s);
	void (*peer)(void *ctx, const struct kernel_peer *p);
	struct kernel_dev *dev;
	void *ctx;
};

static int take_object(const struct nlmsghdr *nlh, void *ctx)
{
	struct question *q = ctx;
	struct kernel_msg m;

	if (nlh->nlmsg_type != q->family || kernel_parse(nlh, &m))
		return -EBADMSG;
	if (m.type == KERNEL_MSG_NEIGH && q->neigh) {
		if (!q->ifindex || q->ifindex == m.neigh.ifindex)
			q->neigh(q->ctx, &m.neigh);
	} else if (m.type == KERNEL_MSG_SHORTCUT && q->shortcut) {
		if (!q->ifindex || q->ifindex == m.shortcut.ifindex)
			q->shortcut(q->ctx, &m.shortcut);
	} else if (m.type == KERNEL_MSG_PEER && q->peer) {
		if (!q->ifindex || q->ifindex == m.peer.ifindex)
			q->peer(q->ctx, &m.peer);
	} else if (m.type == KERNEL_MSG_DEV && q->dev) {
		*q->dev = m.dev;
	}
	return 0;
}

static int ask(struct kernel *k, uint8_t cmd, uint16_t flags,
	       struct question *q)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int ret;

	kernel_flush(k);		/* the answer counts it in */
	q->family = k->family;
	nlh = put_genl(&k->ask, buf, k->family, flags, cmd,
		       DMVPN_GENL_VERSION);
	/* number 1 in all objects */
	if (q->ifindex)
		mnl_attr_put_u32(nlh, DMVPN_NEIGH_A_IFINDEX, q->ifindex);
	ret = netlink_talk(&k->ask, nlh, take_object, q);
	/* a dump under churn is of several pieces; each object that was there
	 * throughout is in it all the same */
	return ret == -EINTR ? 0 : ret;
}

int kernel_each_neigh(struct kernel *k, unsigned int ifindex,
		      void (*cb)(void *ctx, const struct kernel_neigh *n),
		      void *ctx)
{
	struct question q = { .ifindex = ifindex, .neigh = cb, .ctx = ctx };
	int ret = ask(k, DMVPN_CMD_NEIGH_GET, NLM_F_DUMP, &q);

	if (ret)
		log_err("kernel: dump of neighbours: %s", k->ask.err);
	return ret;
}

int kernel_each_shortcut(struct kernel *k, unsigned int ifindex,
			 void (*cb)(void *ctx, const struct kernel_shortcut *s),
			 void *ctx)
{
	struct question q = { .ifindex = ifindex, .shortcut = cb, .ctx = ctx };
	int ret = ask(k, DMVPN_CMD_SHORTCUT_GET, NLM_F_DUMP, &q);

	if (ret)
		log_err("kernel: dump of shortcuts: %s", k->ask.err);
	return ret;
}

int kernel_each_peer(struct kernel *k, unsigned int ifindex,
		     void (*cb)(void *ctx, const struct kernel_peer *p),
		     void *ctx)
{
	struct question q = { .ifindex = ifindex, .peer = cb, .ctx = ctx };
	int ret = ask(k, DMVPN_CMD_PEER_GET, NLM_F_DUMP, &q);

	if (ret)
		log_err("kernel: dump of peers: %s", k->ask.err);
	return ret;
}

int kernel_dev_get(struct kernel *k, unsigned int ifindex,
		   struct kernel_dev *dev)
{
	struct question q = { .ifindex = ifindex, .dev = dev };

	memset(dev, 0, sizeof(*dev));
	return ask(k, DMVPN_CMD_DEV_GET, 0, &q);
}
