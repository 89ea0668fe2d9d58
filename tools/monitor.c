/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor: `dmvpn monitor`, the kernel's events and the daemon's, one a line
 * as they come. Either source alone is enough.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "commands.h"
#include "kernel.h"

struct monitor {
	struct cli *c;
	unsigned long left;		/* --count, 0: no limit */
	bool full;			/* the count is reached */
	bool kernel, daemon;		/* sources that there are */
	struct client client;
	struct nl nl;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void print_time(FILE *out)
{
	struct timespec ts;
	struct tm tm;
	char text[16];

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(out, "%s.%03ld", text, ts.tv_nsec / 1000000);
}

static void print_member(FILE *out, const struct json_object *o,
			 const char *key, const char *word)
{
	struct json_object *v = object_get(o, key);

	if (v)
		fprintf(out, " %s%s%s", word, *word ? " " : "",
			json_object_get_string(v));
}

static bool is_event(const struct json_object *o, const char *word)
{
	const char *event = object_get_str(o, "event");

	return event && !strcmp(event, word);
}

/* Whose packets came and left in one cloud, and between which peers. */
static void print_redirect(FILE *out, const struct json_object *o)
{
	print_member(out, o, "source_address", "");
	print_member(out, o, "destination", "to");
	fputs(" hairpins", out);
	print_member(out, o, "ingress_nbma", "from");
	print_member(out, o, "nbma", "to");
}

static void print_objects(FILE *out, const struct json_object *o)
{
	print_member(out, o, "prefix", "");
	print_member(out, o, "nexthop", "to");
	print_member(out, o, "via", "while via");
	print_member(out, o, "protocol", "");
	print_member(out, o, "nbma", "nbma");
	print_member(out, o, "source_address", "from");
	print_member(out, o, "destination", "to");
	print_member(out, o, "ingress_nbma", "came from");
	print_member(out, o, "expires_seconds", "expires");
}

void monitor_print(FILE *out, const struct json_object *o)
{
	bool kernel = !strcmp(object_get_str(o, "source"), "kernel");
	char words[128];

	fprintf(out, "  %-6s  %-10s", object_get_str(o, "source"),
		object_get_str(o, "event"));
	print_member(out, o, "interface", "");
	if (kernel && is_event(o, "redirect"))
		print_redirect(out, o);
	else
		print_objects(out, o);
	if (kernel && is_event(o, "oneway"))
		fputs(" is sent to, but not heard", out);
	if (*object_get_words(o, "flags", ",", words, sizeof(words)) ||
	    *object_get_words(o, "peer_flags", ",", words, sizeof(words)))
		fprintf(out, " %s", words);
	if (object_get_str(o, "text") && *object_get_str(o, "text"))
		fprintf(out, ": %s", object_get_str(o, "text"));
	fputc('\n', out);
}

static void print_line(FILE *out, const struct json_object *o)
{
	print_time(out);
	monitor_print(out, o);
}

/* Prints @o and puts it. */
static void tell(struct monitor *m, struct json_object *o)
{
	if (!o || m->full)
		goto out;
	if (m->c->json)
		object_print(m->c->out, o);
	else
		print_line(m->c->out, o);
	fflush(m->c->out);
	if (m->left && !--m->left)
		m->full = true;
out:
	json_object_put(o);
}

static void kernel_ready(struct monitor *m)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)m->nl.buf;
	ssize_t got;
	int len;

	got = mnl_socket_recvfrom(m->nl.sock, m->nl.buf, sizeof(m->nl.buf));
	if (got < 0) {
		/* Events were lost; whoever reads them must know. */
		if (errno == ENOBUFS)
			tell(m, object_str(object_str(envelope_new(),
				"source", "kernel"), "event", "lost"));
		return;
	}
	for (len = got; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len))
		if (h->nlmsg_type == m->nl.family)
			tell(m, kernel_event(h));
}

static void daemon_ready(struct monitor *m)
{
	struct json_object *o;
	bool over;

	while ((o = client_poll(&m->client, &over)))
		tell(m, o);
	if (!over)
		return;
	m->daemon = false;
	client_close(&m->client);
	fprintf(stderr, "dmvpn: monitor: nhrpd hung up\n");
}

static void join(struct monitor *m, uint32_t group)
{
	if (group && !mnl_socket_setsockopt(m->nl.sock,
					    NETLINK_ADD_MEMBERSHIP, &group,
					    sizeof(group)))
		m->kernel = true;
}

/* True when the daemon has said that it sends events from here on. */
static bool subscribe(struct monitor *m)
{
	struct json_object *o = client_request("monitor"), *answer;
	bool ok;

	ok = !client_open(m->c, &m->client) && !client_send(&m->client, o);
	json_object_put(o);
	answer = ok ? client_next(&m->client) : NULL;
	ok = answer && !object_get(answer, "error");
	json_object_put(answer);
	return ok;
}

static int open_sources(struct monitor *m)
{
	if (!nl_open_dmvpn(&m->nl)) {
		join(m, m->nl.grp_events);
		join(m, m->nl.grp_upcalls);
		if (!m->kernel)
			snprintf(m->nl.error, sizeof(m->nl.error),
				 "the module's events: %s", strerror(errno));
	}
	m->daemon = subscribe(m);
	if (m->daemon || m->kernel)
		return CLI_OK;
	return cli_fail(m->c, CLI_UNREACHABLE, "nhrpd does not answer, and %s",
			m->nl.error);
}

/* Milliseconds until @end; -1: for ever. */
static int left_ms(double end)
{
	double ms = (end - now()) * 1000;

	if (!end)
		return -1;
	return ms <= 0 ? 0 : ms > 3600000 ? 3600000 : (int)ms + 1;
}

static int turn(struct monitor *m)
{
	double end = m->c->timeout ? now() + m->c->timeout : 0;
	struct pollfd p[2];

	while (!m->full && (m->kernel || m->daemon)) {
		p[0].fd = m->kernel ? mnl_socket_get_fd(m->nl.sock) : -1;
		p[1].fd = m->daemon ? m->client.fd : -1;
		p[0].events = p[1].events = POLLIN;
		p[0].revents = p[1].revents = 0;
		if (poll(p, 2, left_ms(end)) < 0 && errno != EINTR)
			return cli_fail(m->c, CLI_UNREACHABLE, "poll: %s",
					strerror(errno));
		if (p[0].revents)
			kernel_ready(m);
		if (p[1].revents)
			daemon_ready(m);
		if (end && now() >= end)
			break;
	}
	/* With --count, too few in --timeout is for scripts to notice. */
	return m->left ? CLI_DOWN : CLI_OK;
}

int cmd_monitor(struct cli *c)
{
	static struct monitor m;	/* big buffers */
	int code;

	if (cli_done(c))
		return CLI_USAGE;
	m = (struct monitor){ .c = c, .left = c->count, .client.fd = -1 };
	code = open_sources(&m);
	if (!code)
		code = turn(&m);
	client_close(&m.client);
	nl_close(&m.nl);
	return code;
}
