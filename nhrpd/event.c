/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event: the event loop over libevent, whose headers no other file includes.
 *
 * Timers are descriptors of CLOCK_BOOTTIME, since libevent's own stand still
 * while the machine is suspended. Names are resolved with evdns, which reads
 * /etc/resolv.conf and /etc/hosts anew whenever no lookup is under way, so a
 * changed resolver counts from the next lookup on.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "event.h"

#define HOOKS_MAX	8
#define SIGNALS_MAX	8
#define LOOKUP_ADDRS	8

struct lookup;

struct event_loop {
	struct event_base *base;
	struct evdns_base *dns;		/* made by the first lookup */
	struct lookup *lookups;		/* under way */
	bool stop;
	unsigned int n_hooks;
	struct {
		void (*cb)(void *ctx);
		void *ctx;
	} hook[HOOKS_MAX];
	unsigned int n_signals;
	struct event_sig {
		struct event *ev;
		void (*cb)(void *ctx);
		void *ctx;
	} signal[SIGNALS_MAX];
};

struct event_fd {
	struct event_base *base;
	struct event *ev;
	int fd;
	unsigned int what;
	void (*cb)(void *ctx, unsigned int what);
	void *ctx;
};

struct event_timer {
	struct event_fd *watch;
	int fd;
	void (*cb)(void *ctx);
	void *ctx;
};

struct lookup {
	struct lookup *next;
	struct event_loop *loop;
	struct event *start;		/* the turn after event_lookup() */
	int family;
	void (*cb)(void *ctx, const char *name, const struct addr *addrs,
		   unsigned int n);
	void *ctx;
	char name[];
};

uint64_t event_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the loop ---- */

struct event_loop *event_loop_new(void)
{
	struct event_loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->base = event_base_new();
	if (!l->base) {
		free(l);
		return NULL;
	}
	return l;
}

static void free_lookups(struct event_loop *l)
{
	struct lookup *q;

	while ((q = l->lookups)) {
		l->lookups = q->next;
		event_free(q->start);
		free(q);
	}
}

void event_loop_free(struct event_loop *l)
{
	unsigned int i;

	if (!l)
		return;
	/* without calling back: what would be called may be gone */
	if (l->dns)
		evdns_base_free(l->dns, 0);
	free_lookups(l);
	for (i = 0; i < l->n_signals; i++)
		event_free(l->signal[i].ev);
	event_base_free(l->base);
	free(l);
}

static void run_hooks(struct event_loop *l)
{
	unsigned int i;

	for (i = 0; i < l->n_hooks; i++)
		l->hook[i].cb(l->hook[i].ctx);
}

int event_loop_run(struct event_loop *l)
{
	run_hooks(l);
	while (!l->stop) {
		if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
			return -EIO;
		run_hooks(l);
	}
	l->stop = false;
	return 0;
}

void event_loop_stop(struct event_loop *l)
{
	l->stop = true;
}

int event_after_turn(struct event_loop *l, void (*cb)(void *ctx), void *ctx)
{
	if (l->n_hooks == HOOKS_MAX)
		return -ENOMEM;
	l->hook[l->n_hooks].cb = cb;
	l->hook[l->n_hooks++].ctx = ctx;
	return 0;
}

/* ---- descriptors ---- */

static void fd_ready(evutil_socket_t fd, short what, void *arg)
{
	struct event_fd *f = arg;
	unsigned int ready = 0;

	(void)fd;
	if (what & EV_READ)
		ready |= EVENT_READ;
	if (what & EV_WRITE)
		ready |= EVENT_WRITE;
	f->cb(f->ctx, ready);		/* may free f */
}

struct event_fd *event_fd_new(struct event_loop *l, int fd, unsigned int what,
			      void (*cb)(void *ctx, unsigned int what),
			      void *ctx)
{
	struct event_fd *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->base = l->base;
	f->fd = fd;
	f->cb = cb;
	f->ctx = ctx;
	f->ev = event_new(f->base, fd, EV_PERSIST, fd_ready, f);
	if (!f->ev) {
		free(f);
		return NULL;
	}
	event_fd_want(f, what);
	return f;
}

void event_fd_want(struct event_fd *f, unsigned int what)
{
	short ev = EV_PERSIST;

	if (what == f->what)
		return;
	f->what = what;
	event_del(f->ev);
	if (!what)
		return;
	if (what & EVENT_READ)
		ev |= EV_READ;
	if (what & EVENT_WRITE)
		ev |= EV_WRITE;
	event_assign(f->ev, f->base, f->fd, ev, fd_ready, f);
	event_add(f->ev, NULL);
}

void event_fd_free(struct event_fd *f)
{
	if (!f)
		return;
	event_free(f->ev);
	free(f);
}

/* ---- timers ---- */

static void timer_ready(void *ctx, unsigned int what)
{
	struct event_timer *t = ctx;
	uint64_t fired;

	(void)what;
	/* nothing to read: it was set anew after it had fired */
	if (read(t->fd, &fired, sizeof(fired)) == sizeof(fired))
		t->cb(t->ctx);		/* may free t */
}

struct event_timer *event_timer_new(struct event_loop *l,
				    void (*cb)(void *ctx), void *ctx)
{
	struct event_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cb = cb;
	t->ctx = ctx;
	t->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->fd < 0)
		goto err_free;
	t->watch = event_fd_new(l, t->fd, EVENT_READ, timer_ready, t);
	if (!t->watch)
		goto err_close;
	return t;

err_close:
	close(t->fd);
err_free:
	free(t);
	return NULL;
}

void event_timer_set(struct event_timer *t, uint64_t when)
{
	struct itimerspec its = { 0 };

	if (when != UINT64_MAX) {
		its.it_value.tv_sec = when / 1000;
		its.it_value.tv_nsec = when % 1000 * 1000000;
		/* all zero would disarm it */
		its.it_value.tv_nsec += !when;
	}
	timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &its, NULL);
}

void event_timer_free(struct event_timer *t)
{
	if (!t)
		return;
	event_fd_free(t->watch);
	close(t->fd);
	free(t);
}

/* ---- signals ---- */

static void signal_ready(evutil_socket_t signo, short what, void *arg)
{
	struct event_sig *s = arg;

	(void)signo;
	(void)what;
	s->cb(s->ctx);
}

int event_signal(struct event_loop *l, int signo, void (*cb)(void *ctx),
		 void *ctx)
{
	struct event_sig *s = &l->signal[l->n_signals];

	if (l->n_signals == SIGNALS_MAX)
		return -ENOMEM;
	s->cb = cb;
	s->ctx = ctx;
	s->ev = evsignal_new(l->base, signo, signal_ready, s);
	if (!s->ev)
		return -ENOMEM;
	l->n_signals++;
	event_add(s->ev, NULL);
	return 0;
}

/* ---- names ---- */

static void unlink_lookup(struct lookup *q)
{
	struct lookup **at = &q->loop->lookups;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
}

static void name_ready(int result, struct evutil_addrinfo *res, void *arg)
{
	struct addr addrs[LOOKUP_ADDRS];
	struct evutil_addrinfo *ai;
	struct lookup *q = arg;
	unsigned int n = 0;

	for (ai = result ? NULL : res; ai && n < LOOKUP_ADDRS;
	     ai = ai->ai_next) {
		const struct sockaddr_in *v4 = (const void *)ai->ai_addr;
		const struct sockaddr_in6 *v6 = (const void *)ai->ai_addr;

		if (ai->ai_family != q->family)
			continue;
		addrs[n++] = ai->ai_family == AF_INET6 ?
			     addr_from(&v6->sin6_addr, 16) :
			     addr_v4(v4->sin_addr.s_addr);
	}
	if (res)
		evutil_freeaddrinfo(res);
	unlink_lookup(q);
	q->cb(q->ctx, q->name, addrs, n);
	event_free(q->start);
	free(q);
}

/* Resolver configuration is read when nothing is under way with the old. */
static int refresh_dns(struct event_loop *l, const struct lookup *q)
{
	if (l->dns && (l->lookups != q || q->next))
		return 0;
	if (l->dns)
		evdns_base_free(l->dns, 0);
	l->dns = evdns_base_new(l->base,
				EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!l->dns)
		return -ENOMEM;
	/* without a resolv.conf the name may still stand in /etc/hosts */
	evdns_base_resolv_conf_parse(l->dns, DNS_OPTIONS_ALL,
				     "/etc/resolv.conf");
	return 0;
}

static void start_lookup(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *q = arg;
	struct evutil_addrinfo hints = {
		.ai_family = q->family,
		.ai_socktype = SOCK_DGRAM,	/* one answer an address */
		.ai_protocol = IPPROTO_UDP,
	};

	(void)fd;
	(void)what;
	if (refresh_dns(q->loop, q))
		name_ready(EVUTIL_EAI_MEMORY, NULL, q);
	else
		evdns_getaddrinfo(q->loop->dns, q->name, NULL, &hints,
				  name_ready, q);
}

int event_lookup(struct event_loop *l, const char *name, int family,
		 void (*cb)(void *ctx, const char *name,
			    const struct addr *addrs, unsigned int n),
		 void *ctx)
{
	static const struct timeval now = { 0 };
	size_t len = strlen(name);
	struct lookup *q;

	if (!len || len > 253)
		return -EINVAL;
	q = calloc(1, sizeof(*q) + len + 1);
	if (!q)
		return -ENOMEM;
	q->loop = l;
	q->family = family;
	q->cb = cb;
	q->ctx = ctx;
	strcpy(q->name, name);
	q->start = evtimer_new(l->base, start_lookup, q);
	if (!q->start) {
		free(q);
		return -ENOMEM;
	}
	q->next = l->lookups;
	l->lookups = q;
	event_add(q->start, &now);
	return 0;
}
