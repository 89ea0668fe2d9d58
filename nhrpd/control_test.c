/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the control socket: a child process is the daemon, with the real
 * loop and a real engine that talks to nobody; the test is its client, on a
 * socket in a scratch folder. One byte on a pipe has the child raise events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"
#include "fake_world.h"
#include "log.h"
#include "object.h"

#define IFINDEX	3
#define NOBODY	65534
#define WAIT_S	10

static const char conf_text[] =
	"interface dmvpn0\n"
	" ip address 10.0.0.2 255.255.255.0\n"
	" ip nhrp network-id 1\n"
	" ip nhrp map 10.0.0.1 192.0.2.1\n"
	" ip nhrp nhs 10.0.0.1\n"
	" ipv6 address 2001:db8::2/64\n"
	" ipv6 nhrp network-id 1\n"
	" ipv6 nhrp nhs 2001:db8::1 nbma 192.0.2.1\n"
	" ipv6 nhrp nhs dynamic nbma 192.0.2.9\n"
	" tunnel source 192.0.2.2\n"
	" tunnel key 42\n"
	" tunnel mode gre multipoint\n";

struct world {
	pid_t child;
	int order;			/* bytes to the child */
	char dir[64], path[80], conf_path[96];
	/* the child's */
	struct daemon d;
	struct daemon_iface iface;
	int orders;
};

/* ---- an engine that talks to nobody ---- */

static uint32_t not_random(void *ctx)
{
	(void)ctx;
	return 4;
}

/* As daemon.c does it: an event can be raised while a client is served. */
static void tell(void *ctx, unsigned int ifindex, const char *what,
		 const struct addr *proto, const struct addr *nbma,
		 const char *text)
{
	struct world *w = ctx;

	(void)ifindex;
	control_event(&w->d, w->iface.name, what, proto, nbma, text);
}

static const struct engine_ops ops = {
	.send = no_send, .neigh_set = no_neigh_set, .neigh_del = no_neigh_del,
	.peer_set = no_peer_set, .peer_del = no_peer_del, .route = no_route,
	.random = not_random, .log = no_log, .event = tell,
};

/* ---- the child ---- */

/* 'e': one event; 'f': more than a monitor may lag. */
static void take_order(void *ctx, unsigned int what)
{
	struct addr proto = addr_v4(htonl(0x0a000007));
	struct world *w = ctx;
	char order = 0, text[1001];

	(void)what;
	if (read(w->orders, &order, 1) != 1)
		event_loop_stop(w->d.loop);
	if (order == 'e')
		control_event(&w->d, "dmvpn0", "peer-up", &proto, NULL,
			      "text \"q\"");
	memset(text, 'x', 1000);
	text[1000] = '\0';
	for (int i = 0; order == 'f' && i < 4 * (CONTROL_EVENTS_MAX >> 10); i++)
		control_event(&w->d, NULL, "flood", NULL, NULL, text);
}

static void die(const char *what)
{
	fprintf(stderr, "child: %s\n", what);
	_exit(99);
}

static void start_engine(struct world *w)
{
	char err[256];
	FILE *f;

	f = fmemopen((void *)conf_text, strlen(conf_text), "r");
	w->d.conf = conf_read(f, "test", err, sizeof(err), NULL, NULL);
	fclose(f);
	if (!w->d.conf)
		die(err);
	strcpy(w->iface.name, "dmvpn0");
	w->iface.ifindex = IFINDEX;
	w->iface.up = true;
	w->iface.mtu = 1476;
	w->iface.local = addr_v4(htonl(0xc0000202));
	w->iface.conf = conf_find(w->d.conf, "dmvpn0");
	w->iface.addr[CONF_IPV4].addr = w->iface.conf->nhrp[CONF_IPV4].addr;
	w->iface.addr[CONF_IPV4].plen = w->iface.conf->nhrp[CONF_IPV4].plen;
	w->iface.addr[CONF_IPV6].addr = w->iface.conf->nhrp[CONF_IPV6].addr;
	w->iface.addr[CONF_IPV6].plen = w->iface.conf->nhrp[CONF_IPV6].plen;
	w->d.ifaces = &w->iface;
	w->d.engine = engine_new(&ops, w);
	if (!w->d.engine ||
	    engine_iface_set(w->d.engine, IFINDEX, w->iface.conf,
			     &w->iface.local, event_now()))
		die("no engine");
	engine_run(w->d.engine, event_now());
}

/* Runs until the test closes the pipe. Leaks fail the test: see teardown. */
static void be_daemon(struct world *w, int ready)
{
	struct event_fd *watch;

	log_open(false, LOG_L_ERR);
	w->d.conf_path = w->conf_path;
	w->d.started = w->d.reloaded = event_now();
	w->d.loop = event_loop_new();
	if (!w->d.loop)
		die("no loop");
	start_engine(w);
	watch = event_fd_new(w->d.loop, w->orders, EVENT_READ, take_order, w);
	if (!watch || control_open(&w->d, w->path))
		die("no socket");
	if (write(ready, "", 1) != 1 || event_loop_run(w->d.loop))
		die("no loop");
	control_close(&w->d);
	if (w->d.control || !access(w->path, F_OK))
		die("the socket is still there");
	event_fd_free(watch);
	engine_free(w->d.engine);
	event_loop_free(w->d.loop);
	conf_free(w->d.conf);
	free(w);
	exit(0);
}

/* ---- the world ---- */

static void start_child(struct world *w)
{
	int order[2], ready[2];
	char byte;

	assert_int_equal(pipe(order), 0);
	assert_int_equal(pipe(ready), 0);
	fflush(NULL);
	w->child = fork();
	assert_true(w->child >= 0);
	if (!w->child) {
		close(order[1]);
		close(ready[0]);
		w->orders = order[0];
		be_daemon(w, ready[1]);
	}
	close(order[0]);
	close(ready[1]);
	w->order = order[1];
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	*state = w;
	strcpy(w->dir, "/tmp/control_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	snprintf(w->path, sizeof(w->path), "%s/sock", w->dir);
	snprintf(w->conf_path, sizeof(w->conf_path), "%s/nowhere.conf",
		 w->dir);
	start_child(w);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	int status;

	close(w->order);
	assert_int_equal(waitpid(w->child, &status, 0), w->child);
	assert_int_equal(status, 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static void order(struct world *w, char what)
{
	assert_int_equal(write(w->order, &what, 1), 1);
}

static int dial(struct world *w)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
				    sizeof(wait)), 0);
	strcpy(sa.sun_path, w->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* The next line of @fd as an object; NULL: hung up. */
static struct json_object *hear(int fd)
{
	static char line[1 << 16];
	struct json_object *o;
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, line + len, 1, 0)) == 1 && line[len] != '\n')
		assert_true(++len < sizeof(line));
	assert_true(n >= 0);		/* EAGAIN: it took too long */
	if (!n) {
		assert_int_equal(len, 0);
		return NULL;
	}
	line[len] = '\0';
	o = json_tokener_parse(line);
	assert_non_null(o);
	assert_int_equal(object_get_uint(o, "version"), 1);
	assert_non_null(object_get_str(o, "time"));
	return o;
}

static struct json_object *ask(struct world *w, const char *request)
{
	int fd = dial(w);
	struct json_object *o;

	say(fd, request);
	o = hear(fd);
	close(fd);
	return o;
}

static void expect_error(struct json_object *o, const char *code)
{
	assert_non_null(o);
	assert_string_equal(object_get_str(object_get(o, "error"), "code"),
			    code);
	assert_non_null(object_get_str(object_get(o, "error"), "text"));
	json_object_put(o);
}

/* ---- requests ---- */

static const char *parse(const char *text, struct control_request *r)
{
	return control_parse(text, strlen(text), r);
}

static void test_parse(void **state)
{
	static const char *const refused[] = {
		"", " ", "{", "}", "[]", "1", "null", "\"show\"", "{}",
		"{\"cmd\":\"dance\"}", "{\"cmd\":1}", "{\"cmd\":null}",
		"{\"cmd\":[\"show\"]}", "{\"cmd\":\"show\"} x",
		"{\"cmd\":\"show\"}{\"cmd\":\"show\"}",
		"{\"cmd\":\"show\",\"iface\":\"dmvpn0\"}",
		"{\"cmd\":\"reload\",\"addr\":\"10.0.0.1\"}",
		"{\"cmd\":\"clear\",\"adress\":\"10.0.0.1\"}",
		"{\"cmd\":\"clear\",\"addr\":\"10.0.0\"}",
		"{\"cmd\":\"clear\",\"addr\":\"\"}",
		"{\"cmd\":\"clear\",\"addr\":7}",
		"{\"cmd\":\"clear\",\"iface\":\"\"}",
		"{\"cmd\":\"clear\",\"iface\":\"sixteencharacter\"}",
		"{\"cmd\":\"clear\",\"addr\":\"10.0.0.1/24\"}",
		"{\"cmd\":\"clear\",\"addr\":\"10.0.0.0/33\"}",
		"{\"cmd\":\"clear\",\"nhs\":\"10.0.0.1\"}",
		"{\"cmd\":\"clear\",\"drain\":true}",
		"{\"cmd\":\"clear\",\"nbma\":\"10.0.0.1\"}",
		"{\"cmd\":\"clear-ipsec\",\"addr\":\"10.0.0.1\"}",
		"{\"cmd\":\"clear-ipsec\",\"nbma\":\"10.0.0.0/24\"}",
		"{\"cmd\":\"clear-ipsec\",\"nbma\":null}",
		"{\"cmd\":\"crypto\",\"nbma\":\"10.0.0.1\"}",
		"{\"cmd\":\"clear\",\"family\":\"ipx\"}",
		"{\"cmd\":\"clear\",\"family\":\"ipv6\","
			"\"addr\":\"10.0.0.1\"}",
		"{\"cmd\":\"show\",\"family\":\"ipv6\"}",
		"{\"cmd\":\"nhs-drain\"}",
		"{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\"}",
		"{\"cmd\":\"nhs-drain\",\"drain\":true}",
		"{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\",\"drain\":1}",
		"{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\",\"drain\":\"yes\"}",
		"{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.0/8\",\"drain\":true}",
		"{\"cmd\":\"nhs-drain\",\"addr\":\"10.0.0.1\",\"drain\":true}",
		"{'cmd':'show'}", "{\"cmd\":\"show\",}",
		"[[[[[[[[[[]]]]]]]]]]",
	};
	struct control_request r;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (!parse(refused[i], &r))
			fail_msg("taken: %s", refused[i]);
	assert_non_null(control_parse("{\"cmd\":\"show\0\"}", 15, &r));
	assert_null(parse("{\"cmd\":\"show\"}", &r));
	assert_int_equal(r.cmd, CONTROL_SHOW);
	assert_null(parse("{\"cmd\":\"monitor\"}", &r));
	assert_int_equal(r.cmd, CONTROL_MONITOR);
	assert_null(parse("{\"cmd\":\"reload\"}", &r));
	assert_int_equal(r.cmd, CONTROL_RELOAD);
	assert_null(parse("{\"cmd\":\"clear\"}", &r));
	assert_int_equal(r.cmd, CONTROL_CLEAR);
	assert_false(addr_is_set(&r.addr));
	assert_string_equal(r.iface, "");
	assert_null(parse("{\"addr\":\"10.0.0.1\",\"cmd\":\"clear\","
			  "\"iface\":\"fifteencharacte\"}", &r));
	assert_int_equal(addr_to_v4(&r.addr), htonl(0x0a000001));
	assert_string_equal(r.iface, "fifteencharacte");
	assert_false(r.prefix);
	assert_null(parse("{\"cmd\":\"clear\",\"addr\":\"10.5.5.0/24\"}", &r));
	assert_true(r.prefix);
	assert_int_equal(addr_to_v4(&r.addr), htonl(0x0a050500));
	assert_int_equal(r.plen, 24);
	assert_null(parse("{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\","
			  "\"drain\":false,\"iface\":\"dmvpn0\"}", &r));
	assert_int_equal(r.cmd, CONTROL_NHS_DRAIN);
	assert_null(parse("{\"cmd\":\"clear-ipsec\"}", &r));
	assert_int_equal(r.cmd, CONTROL_CLEAR_IPSEC);
	assert_false(addr_is_set(&r.addr));
	assert_null(parse("{\"cmd\":\"clear-ipsec\",\"nbma\":\"2001:db8::1\"}",
			  &r));
	assert_int_equal(r.addr.len, 16);
	assert_null(parse("{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\","
			  "\"drain\":false,\"iface\":\"dmvpn0\"}", &r));
	assert_int_equal(addr_to_v4(&r.addr), htonl(0x0a000001));
	assert_false(r.drain);
	assert_null(parse("{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\","
			  "\"drain\":true}", &r));
	assert_true(r.drain);
}

static void test_show(void **state)
{
	struct world *w = *state;
	struct json_object *o = ask(w, "{\"cmd\":\"show\"}\n");
	const struct json_object *iface, *nhs, *entry;

	assert_int_equal(object_get_uint(o, "pid"), w->child);
	assert_int_equal(object_get_len(o, "interfaces"), 1);
	iface = object_get_at(o, "interfaces", 0);
	assert_string_equal(object_get_str(iface, "name"), "dmvpn0");
	assert_string_equal(object_get_str(iface, "role"), "spoke");
	assert_string_equal(object_get_str(iface, "protocol"), "10.0.0.2");
	assert_string_equal(object_get_str(iface, "nbma"), "192.0.2.2");
	assert_int_equal(object_get_uint(iface, "key"), 42);
	assert_true(object_is_null(iface, "destination"));
	assert_int_equal(object_get_len(iface, "nhs"), 3);
	nhs = object_get_at(iface, "nhs", 2);
	assert_string_equal(object_get_str(nhs, "family"), "ipv6");
	nhs = object_get_at(iface, "nhs", 0);
	assert_string_equal(object_get_str(nhs, "family"), "ipv4");
	assert_string_equal(object_get_str(nhs, "protocol"), "10.0.0.1");
	assert_false(object_get_bool(nhs, "up"));
	assert_true(object_is_null(nhs, "last_reply_seconds"));
	assert_non_null(object_get(nhs, "active"));
	assert_false(object_get_bool(nhs, "drained"));
	assert_true(object_get_len(iface, "entries") >= 1);
	entry = object_get_at(iface, "entries", 0);
	assert_string_equal(object_get_str(entry, "protocol"), "10.0.0.1");
	assert_string_equal(object_get_str(entry, "nbma"), "192.0.2.1");
	assert_string_equal(object_get_str(entry, "type"), "static");
	assert_string_equal(object_get_str(entry, "role"), "hub");
	assert_string_equal(object_get_str(entry, "state"), "registering");
	assert_true(object_is_null(entry, "expires_seconds"));
	assert_int_equal(object_get_uint(entry, "prefix_length"), 32);
	assert_true(object_is_null(entry, "nexthop"));
	assert_non_null(object_get(object_get(object_get(iface, "traffic"),
				   "sent"), "registration_request"));
	assert_non_null(object_get(object_get(object_get(iface, "traffic"),
				   "refused"), "bad-checksum"));
	json_object_put(o);
}

static void test_show_ipv6(void **state)
{
	struct world *w = *state;
	struct json_object *o = ask(w, "{\"cmd\":\"show\"}\n");
	const struct json_object *iface, *ipv6, *entry = NULL;
	size_t n;

	iface = object_get_at(o, "interfaces", 0);
	ipv6 = object_get(iface, "ipv6");
	assert_string_equal(object_get_str(ipv6, "protocol"), "2001:db8::2");
	assert_int_equal(object_get_uint(ipv6, "prefix_length"), 64);
	assert_int_equal(object_get_uint(ipv6, "network_id"), 1);
	assert_non_null(object_get(object_get(object_get(ipv6, "traffic"),
				   "sent"), "registration_request"));
	for (n = 0; n < object_get_len(iface, "entries"); n++)
		if (!strcmp(object_get_str(object_get_at(iface, "entries", n),
					   "protocol"), "2001:db8::1"))
			entry = object_get_at(iface, "entries", n);
	assert_string_equal(object_get_str(entry, "nbma"), "192.0.2.1");
	assert_int_equal(object_get_uint(entry, "prefix_length"), 128);
	json_object_put(o);
}

static void test_refusals(void **state)
{
	struct world *w = *state;

	expect_error(ask(w, "garbage\n"), "bad-request");
	expect_error(ask(w, "\n"), "bad-request");
	expect_error(ask(w, "{\"cmd\":\"clear\",\"iface\":\"eth0\"}\n"),
		     "no-interface");
}

static void test_clear_and_reload(void **state)
{
	struct world *w = *state;
	struct json_object *o;

	o = ask(w, "{\"cmd\":\"clear\",\"iface\":\"dmvpn0\"}\n");
	assert_non_null(object_get(o, "cleared"));
	json_object_put(o);
	o = ask(w, "{\"cmd\":\"clear\",\"addr\":\"10.0.0.77\"}\n");
	assert_non_null(object_get(o, "cleared"));
	assert_int_equal(object_get_uint(o, "cleared"), 0);
	json_object_put(o);
	/* A prefix without entry clears nothing, its first address neither. */
	o = ask(w, "{\"cmd\":\"clear\",\"addr\":\"10.0.0.1/31\"}\n");
	expect_error(o, "bad-request");
	o = ask(w, "{\"cmd\":\"clear\",\"addr\":\"10.0.0.0/31\"}\n");
	assert_non_null(object_get(o, "cleared"));
	assert_int_equal(object_get_uint(o, "cleared"), 0);
	json_object_put(o);
	/* There is no such file: refused, with the daemon's own words. */
	o = ask(w, "{\"cmd\":\"reload\"}\n");
	assert_non_null(strstr(object_get_str(object_get(o, "error"), "text"),
			       "nowhere.conf"));
	expect_error(o, "refused");
}

static void test_nhs_drain(void **state)
{
	struct world *w = *state;
	struct json_object *o;
	const struct json_object *nhs;

	expect_error(ask(w, "{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.77\","
			 "\"drain\":true}\n"), "refused");
	expect_error(ask(w, "{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\","
			 "\"drain\":true,\"iface\":\"eth0\"}\n"),
		     "no-interface");
	/* By protocol address, and by NBMA address. */
	o = ask(w, "{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\","
		"\"drain\":true}\n");
	assert_int_equal(object_get_uint(o, "drained"), 1);
	json_object_put(o);
	o = ask(w, "{\"cmd\":\"show\"}\n");
	nhs = object_get_at(object_get_at(o, "interfaces", 0), "nhs", 0);
	assert_true(object_get_bool(nhs, "drained"));
	json_object_put(o);
	o = ask(w, "{\"cmd\":\"nhs-drain\",\"nhs\":\"192.0.2.1\","
		"\"drain\":false,\"iface\":\"dmvpn0\"}\n");
	assert_int_equal(object_get_uint(o, "undrained"), 1);
	json_object_put(o);
	o = ask(w, "{\"cmd\":\"show\"}\n");
	nhs = object_get_at(object_get_at(o, "interfaces", 0), "nhs", 0);
	assert_false(object_get_bool(nhs, "drained"));
	json_object_put(o);
}

/* Where nhrpd makes no SAs there is nothing to show, or to clear. */
static void test_no_ipsec(void **state)
{
	struct world *w = *state;
	struct json_object *o = ask(w, "{\"cmd\":\"crypto\"}\n");

	assert_true(json_object_object_get_ex(o, "ipsec", NULL));
	assert_true(object_is_null(o, "ipsec"));
	json_object_put(o);
	expect_error(ask(w, "{\"cmd\":\"clear-ipsec\"}\n"), "refused");
}

/* Who is neither root nor the daemon's user may look, not change. */
static void test_permission(void **state)
{
	struct world *w = *state;
	struct json_object *o;
	int fd;

	if (getuid())
		skip();
	assert_int_equal(chmod(w->path, 0666), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	fd = dial(w);
	assert_int_equal(seteuid(0), 0);
	say(fd, "{\"cmd\":\"clear\"}\n");
	expect_error(hear(fd), "not-permitted");
	say(fd, "{\"cmd\":\"reload\"}\n");
	expect_error(hear(fd), "not-permitted");
	say(fd, "{\"cmd\":\"clear-ipsec\"}\n");
	expect_error(hear(fd), "not-permitted");
	say(fd, "{\"cmd\":\"nhs-drain\",\"nhs\":\"10.0.0.1\",\"drain\":true}\n");
	expect_error(hear(fd), "not-permitted");
	say(fd, "{\"cmd\":\"show\"}\n");
	o = hear(fd);
	assert_non_null(object_get(o, "interfaces"));
	json_object_put(o);
	close(fd);
}

/* ---- streams ---- */

static void test_pieces(void **state)
{
	const char *request = "{\"cmd\":\"show\"}\n";
	struct world *w = *state;
	int fd = dial(w), other = dial(w);

	for (const char *p = request; *p; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		/* The other client's answer makes the loop turn. */
		say(other, "x\n");
		expect_error(hear(other), "bad-request");
	}
	json_object_put(hear(fd));
	close(other);
	/* Several at once, and half-closed: all are answered, then it ends. */
	say(fd, "{\"cmd\":\"show\"}\n?\n{\"cmd\":\"show\"}\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	json_object_put(hear(fd));
	expect_error(hear(fd), "bad-request");
	json_object_put(hear(fd));
	assert_null(hear(fd));
	close(fd);
}

static void test_too_long(void **state)
{
	struct world *w = *state;
	char text[CONTROL_REQUEST_MAX + 1];
	int fd = dial(w);

	memset(text, 'a', CONTROL_REQUEST_MAX);
	text[CONTROL_REQUEST_MAX] = '\0';
	say(fd, text);
	expect_error(hear(fd), "bad-request");
	assert_null(hear(fd));
	close(fd);
	/* The longest that fits is looked at. */
	fd = dial(w);
	text[CONTROL_REQUEST_MAX - 1] = '\n';
	say(fd, text);
	expect_error(hear(fd), "bad-request");
	say(fd, "{\"cmd\":\"show\"}\n");
	json_object_put(hear(fd));
	close(fd);
}

static void test_too_many(void **state)
{
	struct world *w = *state;
	int fd[CONTROL_CLIENTS_MAX + 1];

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fd[i] = dial(w);
		say(fd[i], "?\n");
		expect_error(hear(fd[i]), "bad-request");
	}
	fd[CONTROL_CLIENTS_MAX] = dial(w);
	assert_null(hear(fd[CONTROL_CLIENTS_MAX]));
	close(fd[CONTROL_CLIENTS_MAX]);
	/* Room is made again. */
	close(fd[0]);
	for (int i = 0; i < 2; i++) {
		say(fd[1], "?\n");
		expect_error(hear(fd[1]), "bad-request");
	}
	json_object_put(ask(w, "{\"cmd\":\"show\"}\n"));
	for (int i = 1; i < CONTROL_CLIENTS_MAX; i++)
		close(fd[i]);
}

static int dial_monitor(struct world *w)
{
	struct json_object *o;
	int fd = dial(w);

	say(fd, "{\"cmd\":\"monitor\"}\n");
	o = hear(fd);
	assert_string_equal(object_get_str(o, "monitor"), "nhrpd");
	json_object_put(o);
	return fd;
}

static void test_monitor(void **state)
{
	struct world *w = *state;
	struct json_object *o;
	int fd = dial_monitor(w), other = dial(w);

	order(w, 'e');
	o = hear(fd);
	assert_string_equal(object_get_str(o, "source"), "nhrpd");
	assert_string_equal(object_get_str(o, "event"), "peer-up");
	assert_string_equal(object_get_str(o, "interface"), "dmvpn0");
	assert_string_equal(object_get_str(o, "protocol"), "10.0.0.7");
	assert_true(object_is_null(o, "nbma"));
	assert_string_equal(object_get_str(o, "text"), "text \"q\"");
	json_object_put(o);
	/* Only who asked is told. */
	say(other, "?\n");
	expect_error(hear(other), "bad-request");
	/* A monitor may still ask. */
	say(fd, "?\n");
	expect_error(hear(fd), "bad-request");
	close(fd);
	close(other);
}

/* One that does not read is cut, in the middle of what it was told. */
static void test_slow_monitor(void **state)
{
	struct world *w = *state;
	int slow = dial_monitor(w), fd;
	struct json_object *o;
	size_t got = 0;
	char sink[4096];
	ssize_t n;

	order(w, 'f');
	fd = dial_monitor(w);
	while ((n = recv(slow, sink, sizeof(sink), 0)) > 0)
		got += n;
	assert_int_equal(n, 0);
	assert_true(got < 4 * CONTROL_EVENTS_MAX);
	close(slow);
	/* The others are served on. */
	order(w, 'e');
	o = hear(fd);
	assert_string_equal(object_get_str(o, "event"), "peer-up");
	json_object_put(o);
	close(fd);
}

/* Nobody is there any more: nothing happens, nothing leaks. */
static void test_hang_up(void **state)
{
	struct world *w = *state;
	int fd = dial_monitor(w);

	say(fd, "{\"cmd\":\"show\"}\n{\"cmd\":\"clear\"}\n");
	close(fd);
	order(w, 'e');
	json_object_put(ask(w, "{\"cmd\":\"show\"}\n"));
	order(w, 'e');
	json_object_put(ask(w, "{\"cmd\":\"show\"}\n"));
}

/* ---- the socket ---- */

static void test_socket(void **state)
{
	struct daemon second = { .loop = event_loop_new() };
	struct world *w = *state;
	struct stat st;

	log_open(false, LOG_L_ERR);
	assert_non_null(second.loop);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	assert_int_equal(control_open(&second, w->path), -EADDRINUSE);
	assert_null(second.control);
	control_close(&second);
	assert_int_equal(control_open(&second, "/nonexistent/folder/sock"),
			 -ENOENT);
	event_loop_free(second.loop);
	/* Killed, it leaves its socket behind; the next one takes the place. */
	assert_int_equal(kill(w->child, SIGKILL), 0);
	assert_int_equal(waitpid(w->child, NULL, 0), w->child);
	assert_int_equal(access(w->path, F_OK), 0);
	close(w->order);
	start_child(w);
	json_object_put(ask(w, "{\"cmd\":\"show\"}\n"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		TEST(test_show),
		TEST(test_show_ipv6),
		TEST(test_refusals),
		TEST(test_clear_and_reload),
		TEST(test_nhs_drain),
		TEST(test_permission),
		TEST(test_no_ipsec),
		TEST(test_pieces),
		TEST(test_too_long),
		TEST(test_too_many),
		TEST(test_monitor),
		TEST(test_slow_monitor),
		TEST(test_hang_up),
		TEST(test_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
