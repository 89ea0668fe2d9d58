/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xfrm: see xfrm.h. The kernel's interface is linux/xfrm.h; numbers there are
 * in host order except for SPIs, ports and marks' addresses.
 *
 * A GRE key stands in a selector as its upper half in the source port, its
 * lower half in the destination port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/xfrm.h>

#include <utlist.h>

#include "log.h"
#include "netlink.h"
#include "xfrm.h"

#define RCVBUF		(4 << 20)
#define REQUEST_MAX	1024

struct held {				/* a block that is to be there */
	struct held *next;
	struct xfrm_block b;
	unsigned int refs;
};

struct xfrm {
	const struct xfrm_ops *ops;
	void *ctx;
	struct netlink ask, events;
	struct event_fd *watch;
	struct event_timer *restore;	/* after the datagram that told of it */
	struct held *held;
	struct log_limit complaint;
	struct xfrm_counts stats;
};

/* ---- messages ---- */

static uint16_t family_of(const struct addr *a)
{
	return a->len == 16 ? AF_INET6 : AF_INET;
}

static struct addr read_addr(const xfrm_address_t *a, uint16_t family)
{
	if (family == AF_INET)
		return addr_from(a, 4);
	if (family == AF_INET6)
		return addr_from(a, 16);
	return (struct addr){ 0 };
}

static void write_addr(xfrm_address_t *to, const struct addr *a)
{
	memcpy(to, a->b, a->len);
}

/* Host to any, or any to host; GRE; the key where there is one. */
static void write_selector(struct xfrm_selector *sel,
			   const struct xfrm_block *b, bool out)
{
	sel->family = family_of(&b->local);
	sel->proto = IPPROTO_GRE;
	write_addr(out ? &sel->saddr : &sel->daddr, &b->local);
	*(out ? &sel->prefixlen_s : &sel->prefixlen_d) = 8 * b->local.len;
	if (!b->has_key)
		return;
	sel->sport = htons(b->key >> 16);
	sel->dport = htons(b->key & 0xffff);
	sel->sport_mask = sel->dport_mask = htons(0xffff);
}

/* False: not one that write_selector() has written. */
static bool read_selector(const struct xfrm_selector *sel,
			  struct xfrm_block *b, bool out)
{
	struct xfrm_selector same;
	uint32_t ports = (uint32_t)ntohs(sel->sport) << 16 | ntohs(sel->dport);

	memset(b, 0, sizeof(*b));
	b->local = read_addr(out ? &sel->saddr : &sel->daddr, sel->family);
	b->has_key = sel->sport_mask && sel->dport_mask;
	b->key = b->has_key ? ports : 0;
	memset(&same, 0, sizeof(same));
	write_selector(&same, b, out);
	return addr_is_set(&b->local) && !memcmp(&same, sel, sizeof(same));
}

void xfrm_build_block(struct nlmsghdr *nlh, const struct xfrm_block *b,
		      bool out, bool del)
{
	struct xfrm_userpolicy_info *p;
	struct xfrm_userpolicy_id *id;

	if (del) {
		nlh->nlmsg_type = XFRM_MSG_DELPOLICY;
		id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));
		write_selector(&id->sel, b, out);
		id->dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
		return;
	}
	/* creates, or replaces what is there */
	nlh->nlmsg_type = XFRM_MSG_UPDPOLICY;
	p = mnl_nlmsg_put_extra_header(nlh, sizeof(*p));
	write_selector(&p->sel, b, out);
	p->lft.soft_byte_limit = p->lft.hard_byte_limit = XFRM_INF;
	p->lft.soft_packet_limit = p->lft.hard_packet_limit = XFRM_INF;
	p->priority = XFRM_BLOCK_PRIORITY;
	p->dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
	p->action = XFRM_POLICY_BLOCK;
	p->share = XFRM_SHARE_ANY;
}

/* A request of @type about that SA. */
static void build_sa_id(struct nlmsghdr *nlh, uint16_t type,
			const struct xfrm_sa *sa)
{
	struct xfrm_mark mark = { .v = sa->mark, .m = sa->mark_mask };
	xfrm_address_t src = { 0 };
	struct xfrm_usersa_id *id;

	nlh->nlmsg_type = type;
	id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));
	write_addr(&id->daddr, &sa->dst);
	id->spi = htonl(sa->spi);
	id->family = family_of(&sa->dst);
	id->proto = IPPROTO_ESP;
	write_addr(&src, &sa->src);
	mnl_attr_put(nlh, XFRMA_SRCADDR, sizeof(src), &src);
	if (sa->mark_mask)
		mnl_attr_put(nlh, XFRMA_MARK, sizeof(mark), &mark);
}

void xfrm_build_sa_del(struct nlmsghdr *nlh, const struct xfrm_sa *sa)
{
	build_sa_id(nlh, XFRM_MSG_DELSA, sa);
}

static void read_mark(const struct nlattr *a, struct xfrm_sa *sa)
{
	struct xfrm_mark mark;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(mark))
		return;
	memcpy(&mark, mnl_attr_get_payload(a), sizeof(mark));
	sa->mark = mark.v;
	sa->mark_mask = mark.m;
}

/* False: not ESP. */
static bool read_sa(const struct xfrm_usersa_info *i, struct xfrm_sa *sa)
{
	sa->src = read_addr(&i->saddr, i->family);
	sa->dst = read_addr(&i->id.daddr, i->family);
	sa->spi = ntohl(i->id.spi);
	sa->reqid = i->reqid;
	sa->added = i->curlft.add_time;
	sa->transport = i->mode == XFRM_MODE_TRANSPORT;
	return i->id.proto == IPPROTO_ESP && sa->spi &&
	       addr_is_set(&sa->dst);
}

static int parse_sa(const struct nlmsghdr *nlh, struct xfrm_msg *m)
{
	const struct nlattr *tb[XFRMA_SET_MARK + 1];
	struct xfrm_usersa_info i;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(i) ||
	    netlink_attrs(nlh, sizeof(i), tb, XFRMA_SET_MARK))
		return -EBADMSG;
	memcpy(&i, mnl_nlmsg_get_payload(nlh), sizeof(i));
	read_mark(tb[XFRMA_MARK], &m->sa);
	m->sa.set_mark = netlink_u32(tb[XFRMA_SET_MARK], 0);
	m->sa.encap = tb[XFRMA_ENCAP];
	m->type = read_sa(&i, &m->sa) ? XFRM_SA : XFRM_OTHER;
	return 0;
}

/* All three begin with the name and the key's length; what follows differs. */
static void read_algorithm(const struct nlattr *a, char name[64],
			   uint32_t *key_bits)
{
	struct xfrm_algo alg;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(alg))
		return;
	memcpy(&alg, mnl_attr_get_payload(a), sizeof(alg));
	snprintf(name, 64, "%.63s", alg.alg_name);
	if (key_bits)
		*key_bits = alg.alg_key_len;
}

static void read_icv(const struct nlattr *a, size_t off, uint32_t *bits)
{
	if (a && mnl_attr_get_payload_len(a) >= off + sizeof(*bits))
		memcpy(bits, (char *)mnl_attr_get_payload(a) + off,
		       sizeof(*bits));
}

static void read_window(const struct nlattr *a, uint32_t *window)
{
	struct xfrm_replay_state_esn esn;

	if (!a || mnl_attr_get_payload_len(a) < sizeof(esn))
		return;
	memcpy(&esn, mnl_attr_get_payload(a), sizeof(esn));
	*window = esn.replay_window;
}

bool xfrm_parse_use(const struct nlmsghdr *nlh, struct xfrm_use *u)
{
	const struct nlattr *tb[XFRMA_REPLAY_ESN_VAL + 1];
	struct xfrm_usersa_info i;

	memset(u, 0, sizeof(*u));
	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(i) ||
	    netlink_attrs(nlh, sizeof(i), tb, XFRMA_REPLAY_ESN_VAL))
		return false;
	memcpy(&i, mnl_nlmsg_get_payload(nlh), sizeof(i));
	u->bytes = i.curlft.bytes;
	u->packets = i.curlft.packets;
	u->hard_seconds = i.lft.hard_add_expires_seconds;
	u->replay_window = i.replay_window;
	u->replayed = i.stats.replay;
	u->forged = i.stats.integrity_failed;
	read_window(tb[XFRMA_REPLAY_ESN_VAL], &u->replay_window);
	read_algorithm(tb[XFRMA_ALG_CRYPT], u->encryption, &u->key_bits);
	read_algorithm(tb[XFRMA_ALG_AEAD], u->encryption, &u->key_bits);
	read_algorithm(tb[XFRMA_ALG_AUTH_TRUNC], u->integrity, NULL);
	read_icv(tb[XFRMA_ALG_AEAD], offsetof(struct xfrm_algo_aead,
					      alg_icv_len), &u->icv_bits);
	read_icv(tb[XFRMA_ALG_AUTH_TRUNC],
		 offsetof(struct xfrm_algo_auth, alg_trunc_len), &u->icv_bits);
	read_mark(tb[XFRMA_MARK], &u->sa);
	return read_sa(&i, &u->sa);
}

static int parse_sa_deleted(const struct nlmsghdr *nlh, struct xfrm_msg *m)
{
	struct xfrm_usersa_id id;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(id))
		return -EBADMSG;
	memcpy(&id, mnl_nlmsg_get_payload(nlh), sizeof(id));
	m->sa.dst = read_addr(&id.daddr, id.family);
	m->sa.spi = ntohl(id.spi);
	m->type = id.proto == IPPROTO_ESP && m->sa.spi ? XFRM_SA_DELETED :
		  XFRM_OTHER;
	return 0;
}

static int parse_expire(const struct nlmsghdr *nlh, struct xfrm_msg *m)
{
	struct xfrm_user_expire e;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(e))
		return -EBADMSG;
	memcpy(&e, mnl_nlmsg_get_payload(nlh), sizeof(e));
	m->hard = e.hard;
	m->type = read_sa(&e.state, &m->sa) ? XFRM_SA_EXPIRED : XFRM_OTHER;
	return 0;
}

static int parse_sas_flushed(const struct nlmsghdr *nlh, struct xfrm_msg *m)
{
	struct xfrm_usersa_flush f;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(f))
		return -EBADMSG;
	memcpy(&f, mnl_nlmsg_get_payload(nlh), sizeof(f));
	m->type = f.proto == IPPROTO_ESP || !f.proto || f.proto == 255 ?
		  XFRM_SAS_FLUSHED : XFRM_OTHER;
	return 0;
}

static int parse_policies_flushed(const struct nlmsghdr *nlh,
				  struct xfrm_msg *m)
{
	(void)nlh;
	m->type = XFRM_POLICIES_FLUSHED;
	return 0;
}

static int parse_policy(const struct nlmsghdr *nlh, struct xfrm_msg *m)
{
	struct xfrm_userpolicy_info p;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(p))
		return -EBADMSG;
	memcpy(&p, mnl_nlmsg_get_payload(nlh), sizeof(p));
	m->out = p.dir == XFRM_POLICY_OUT;
	if (p.priority == XFRM_BLOCK_PRIORITY &&
	    p.action == XFRM_POLICY_BLOCK &&
	    (p.dir == XFRM_POLICY_OUT || p.dir == XFRM_POLICY_IN) &&
	    read_selector(&p.sel, &m->block, m->out))
		m->type = XFRM_BLOCK;
	return 0;
}

/* The policy is an attribute of this one, the header only names it. */
static int parse_policy_deleted(const struct nlmsghdr *nlh,
				struct xfrm_msg *m)
{
	struct xfrm_userpolicy_id id;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(id))
		return -EBADMSG;
	memcpy(&id, mnl_nlmsg_get_payload(nlh), sizeof(id));
	m->out = id.dir == XFRM_POLICY_OUT;
	if (read_selector(&id.sel, &m->block, m->out))
		m->type = XFRM_BLOCK_DELETED;
	return 0;
}

static const struct {
	uint16_t type;
	int (*parse)(const struct nlmsghdr *nlh, struct xfrm_msg *m);
} parsers[] = {
	{ XFRM_MSG_NEWSA, parse_sa },
	{ XFRM_MSG_DELSA, parse_sa_deleted },
	{ XFRM_MSG_EXPIRE, parse_expire },
	{ XFRM_MSG_FLUSHSA, parse_sas_flushed },
	{ XFRM_MSG_NEWPOLICY, parse_policy },
	{ XFRM_MSG_DELPOLICY, parse_policy_deleted },
	{ XFRM_MSG_FLUSHPOLICY, parse_policies_flushed },
};

int xfrm_parse(const struct nlmsghdr *nlh, struct xfrm_msg *m)
{
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		if (parsers[i].type == nlh->nlmsg_type)
			return parsers[i].parse(nlh, m);
	return 0;
}

/* ---- blocks ---- */

static bool block_eq(const struct xfrm_block *a, const struct xfrm_block *b)
{
	return addr_eq(&a->local, &b->local) && a->has_key == b->has_key &&
	       (!a->has_key || a->key == b->key);
}

static struct held *find_held(struct xfrm *x, const struct xfrm_block *b)
{
	struct held *h;

	LL_FOREACH(x->held, h)
		if (block_eq(&h->b, b))
			return h;
	return NULL;
}

static int talk_block(struct xfrm *x, const struct xfrm_block *b, bool out,
		      bool del)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8))), a[ADDR_STRLEN];
	struct nlmsghdr *nlh = netlink_put(&x->ask, buf, 0, 0);
	int ret;

	xfrm_build_block(nlh, b, out, del);
	ret = netlink_talk(&x->ask, nlh, NULL, NULL);
	if (del && ret == -ENOENT)
		return 0;
	if (ret) {
		x->stats.errors++;
		log_err("xfrm: %s blocking policy of %s: %s",
			del ? "delete" : "set", addr_text(&b->local, a),
			x->ask.err);
	}
	return ret;
}

/* Inbound first: what comes in in clear may make something go out. */
static int set_block(struct xfrm *x, const struct xfrm_block *b)
{
	int ret = talk_block(x, b, false, false);

	if (!ret)
		ret = talk_block(x, b, true, false);
	if (!ret)
		x->stats.blocks_set++;
	return ret;
}

static void unset_block(struct xfrm *x, const struct xfrm_block *b)
{
	talk_block(x, b, true, true);
	talk_block(x, b, false, true);
}

int xfrm_block_add(struct xfrm *x, const struct xfrm_block *b)
{
	struct held *h = find_held(x, b);
	int ret;

	if (h) {
		h->refs++;
		return 0;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->b = *b;
	h->refs = 1;
	ret = set_block(x, b);
	if (ret) {
		unset_block(x, b);
		free(h);
		return ret;
	}
	LL_PREPEND(x->held, h);
	return 0;
}

void xfrm_block_del(struct xfrm *x, const struct xfrm_block *b)
{
	struct held *h = find_held(x, b);

	if (!h || --h->refs)
		return;
	/* first, or its end would bring it back */
	LL_DELETE(x->held, h);
	unset_block(x, b);
	free(h);
}

static void restore_blocks(void *ctx)
{
	struct xfrm *x = ctx;
	struct held *h;

	LL_FOREACH(x->held, h) {
		if (set_block(x, &h->b))
			event_timer_set(x->restore, event_now() + 1000);
		else
			x->stats.blocks_restored++;
	}
}

struct strays {
	struct xfrm *x;
	struct held *found;
};

static int note_stray(const struct nlmsghdr *nlh, void *ctx)
{
	struct strays *s = ctx;
	struct xfrm_msg m;
	struct held *h;

	if (xfrm_parse(nlh, &m) || m.type != XFRM_BLOCK ||
	    find_held(s->x, &m.block))
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->b = m.block;
	LL_PREPEND(s->found, h);
	return 0;
}

int xfrm_block_tidy(struct xfrm *x)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = netlink_put(&x->ask, buf, XFRM_MSG_GETPOLICY,
					   NLM_F_DUMP);
	struct strays s = { .x = x };
	struct held *h, *tmp;
	int ret;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct xfrm_userpolicy_id));
	ret = netlink_talk(&x->ask, nlh, note_stray, &s);
	if (ret) {
		x->stats.errors++;
		log_err("xfrm: list of policies: %s", x->ask.err);
	}
	LL_FOREACH_SAFE(s.found, h, tmp) {
		unset_block(x, &h->b);
		free(h);
	}
	return ret;
}

/* ---- SAs ---- */

struct walk {
	void (*cb)(void *ctx, const struct xfrm_sa *sa);
	void (*use)(void *ctx, const struct xfrm_use *u);
	void *ctx;
};

static int take_sa(const struct nlmsghdr *nlh, void *ctx)
{
	struct walk *w = ctx;
	struct xfrm_msg m;

	if (!xfrm_parse(nlh, &m) && m.type == XFRM_SA)
		w->cb(w->ctx, &m.sa);
	return 0;
}

static int take_use(const struct nlmsghdr *nlh, void *ctx)
{
	struct xfrm_use u;
	struct walk *w = ctx;

	if (xfrm_parse_use(nlh, &u))
		w->use(w->ctx, &u);
	return 0;
}

static int dump_sas(struct xfrm *x, mnl_cb_t take, struct walk *w)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = netlink_put(&x->ask, buf, XFRM_MSG_GETSA,
					   NLM_F_DUMP);
	int ret;

	ret = netlink_talk(&x->ask, nlh, take, w);
	if (ret) {
		x->stats.errors++;
		log_err("xfrm: list of SAs: %s", x->ask.err);
	}
	return ret;
}

int xfrm_each_sa(struct xfrm *x,
		 void (*cb)(void *ctx, const struct xfrm_sa *sa), void *ctx)
{
	return dump_sas(x, take_sa, &(struct walk){ .cb = cb, .ctx = ctx });
}

int xfrm_each_use(struct xfrm *x,
		  void (*cb)(void *ctx, const struct xfrm_use *u), void *ctx)
{
	return dump_sas(x, take_use, &(struct walk){ .use = cb, .ctx = ctx });
}

static void take_packets(void *ctx, const struct xfrm_use *u)
{
	*(uint64_t *)ctx = u->packets;
}

uint64_t xfrm_sa_packets(struct xfrm *x, const struct xfrm_sa *sa)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = netlink_put(&x->ask, buf, 0, 0);
	uint64_t packets = 0;
	struct walk w = { .use = take_packets, .ctx = &packets };
	int ret;

	build_sa_id(nlh, XFRM_MSG_GETSA, sa);
	ret = netlink_talk(&x->ask, nlh, take_use, &w);
	if (ret && ret != -ESRCH)
		x->stats.errors++;
	return packets;
}

int xfrm_sa_del(struct xfrm *x, const struct xfrm_sa *sa)
{
	char buf[REQUEST_MAX] __attribute__((aligned(8))), a[ADDR_STRLEN];
	struct nlmsghdr *nlh = netlink_put(&x->ask, buf, 0, 0);
	int ret;

	xfrm_build_sa_del(nlh, sa);
	ret = netlink_talk(&x->ask, nlh, NULL, NULL);
	if (ret == -ESRCH)
		return 0;
	if (ret) {
		x->stats.errors++;
		log_err("xfrm: delete SA %08x to %s: %s", sa->spi,
			addr_text(&sa->dst, a), x->ask.err);
	} else {
		x->stats.sa_deleted++;
	}
	return ret;
}

/* ---- events ---- */

/* Not from within the datagram: a flush tells of each policy. */
static void restore_soon(struct xfrm *x)
{
	if (x->held)
		event_timer_set(x->restore, 0);
}

static int take_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct xfrm *x = ctx;
	struct xfrm_msg m;
	char more[40];

	if (xfrm_parse(nlh, &m)) {
		x->stats.malformed++;
		if (log_allowed(&x->complaint, event_now(), more))
			log_warn("xfrm: event %u is broken, ignored%s",
				 nlh->nlmsg_type, more);
		return 0;
	}
	switch (m.type) {
	case XFRM_SA_EXPIRED:
		if (!m.hard)
			break;
		x->stats.expired++;
		x->ops->sa_gone(x->ctx, m.sa.spi, true);
		break;
	case XFRM_SA_DELETED:
		x->ops->sa_gone(x->ctx, m.sa.spi, false);
		break;
	case XFRM_POLICIES_FLUSHED:
		restore_soon(x);
		/* fall through */
	case XFRM_SAS_FLUSHED:
		x->stats.flushes++;
		x->ops->flushed(x->ctx);
		break;
	case XFRM_BLOCK_DELETED:
		if (find_held(x, &m.block))
			restore_soon(x);
		break;
	default:
		break;
	}
	return 0;
}

static void events_ready(void *ctx, unsigned int what)
{
	static char buf[NETLINK_BUF] __attribute__((aligned(8)));
	struct xfrm *x = ctx;
	ssize_t len;

	(void)what;
	/* some datagrams at a time: one socket does not starve the rest */
	for (unsigned int i = 0; i < 64; i++) {
		len = mnl_socket_recvfrom(x->events.sock, buf, sizeof(buf));
		if (len >= 0) {
			netlink_each(buf, len, take_event, x);
		} else if (errno == ENOBUFS || errno == ENOSPC) {
			log_warn("xfrm: events were lost, all SAs are looked at");
			x->stats.lost++;
			restore_soon(x);
			x->ops->flushed(x->ctx);
		} else if (errno != EINTR) {
			break;
		}
	}
}

static int subscribe(struct xfrm *x)
{
	static const unsigned int groups[] = {
		XFRMNLGRP_EXPIRE, XFRMNLGRP_SA, XFRMNLGRP_POLICY,
	};
	int ret = 0;

	for (unsigned int i = 0; !ret && i < 3; i++)
		ret = netlink_join(&x->events, groups[i]);
	return ret;
}

static int open_here(struct xfrm *x)
{
	int ret = netlink_open(&x->ask, NETLINK_XFRM, RCVBUF, true);

	if (!ret)
		ret = netlink_open(&x->events, NETLINK_XFRM, RCVBUF, false);
	return ret ? ret : subscribe(x);
}

/* A socket stays in the namespace in which it was opened. */
static int open_there(struct xfrm *x, int netns)
{
	int ret, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	ret = setns(netns, CLONE_NEWNET) ? -errno : open_here(x);
	if (setns(home, CLONE_NEWNET)) {
		log_err("no way back from another network namespace: %s",
			strerror(errno));
		abort();
	}
	close(home);
	return ret;
}

static int open_in(struct xfrm *x, const char *path)
{
	int ret, netns;

	if (!path[0])
		return open_here(x);
	netns = open(path, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return -errno;
	ret = open_there(x, netns);
	close(netns);
	return ret;
}

int xfrm_open(struct xfrm **to, struct event_loop *loop, const char *netns,
	      const struct xfrm_ops *ops, void *ctx, char *err, size_t errlen)
{
	struct xfrm *x = calloc(1, sizeof(*x));
	int ret;

	if (!x)
		return -ENOMEM;
	x->ops = ops;
	x->ctx = ctx;
	ret = open_in(x, netns);
	if (ret) {
		snprintf(err, errlen, "XFRM netlink%s%s: %s",
			 netns[0] ? " of " : "", netns, strerror(-ret));
		goto err;
	}
	ret = -ENOMEM;
	snprintf(err, errlen, "out of memory");
	x->restore = event_timer_new(loop, restore_blocks, x);
	if (!x->restore)
		goto err;
	x->watch = event_fd_new(loop, netlink_fd(&x->events), EVENT_READ,
				events_ready, x);
	if (!x->watch)
		goto err;
	*to = x;
	return 0;
err:
	xfrm_close(x);
	return ret;
}

void xfrm_close(struct xfrm *x)
{
	struct held *h, *tmp;

	if (!x)
		return;
	event_fd_free(x->watch);
	event_timer_free(x->restore);
	netlink_close(&x->events);
	netlink_close(&x->ask);
	LL_FOREACH_SAFE(x->held, h, tmp)
		free(h);
	free(x);
}

void xfrm_counts(const struct xfrm *x, struct xfrm_counts *s)
{
	*s = x->stats;
}
