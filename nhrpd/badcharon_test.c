/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * badcharon_test: charon.c and vici.c against a charon that has made an SA and
 * then goes wrong: nonsense, silence, lateness, refusals, a socket that is not
 * his. Whatever it is, the SA stays, the reason is told, and all is well again
 * when charon is. All in one loop; only times are shorter than real.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "charon.h"

#define CLIENTS_MAX	32
#define DEADLINE	200		/* ms that charon has for an answer */
#define PATIENCE	15000		/* ms until a test has failed */

/* ---- charon ---- */

enum script {
	HONEST,
	LATE,				/* each answer, but within its time */
	MUTE,				/* no answer at all */
	REFUSES_LOAD,
	REFUSES_INITIATE,
	REFUSES_LIST,
	LISTS_NONSENSE,
};

struct client {
	struct event_fd *watch;
	struct event_timer *timer;
	int fd;
	bool events, gone;
	uint8_t in[16384];
	size_t in_len;
	uint8_t late[65536];
	size_t late_len;
};

static struct event_loop *loop;
static struct charon *charon;
static enum script script;
static char folder[] = "/tmp/badcharonXXXXXX", path[64];
static int listener = -1;
static struct event_fd *accepting;
static struct client *client[CLIENTS_MAX];
static unsigned int n_clients, initiated, loads;
static bool any_loaded;			/* the connection that peers find */
static char sas[4][SA_CONN_MAX];	/* that it holds, ids from 1 */
static unsigned int n_sas;

static void say_now(struct client *c, const void *b, size_t len)
{
	if (!c->gone)
		assert_int_equal(send(c->fd, b, len, MSG_NOSIGNAL), len);
}

static void say_late(void *ctx)
{
	struct client *c = ctx;

	say_now(c, c->late, c->late_len);
	c->late_len = 0;
}

static void say(struct client *c, struct vici_writer *w)
{
	int len = vici_finish(w);

	assert_true(len > 0);
	if (script == MUTE)
		return;
	if (script != LATE) {
		say_now(c, w->buf, len);
		return;
	}
	assert_true(c->late_len + len <= sizeof(c->late));
	memcpy(c->late + c->late_len, w->buf, len);
	c->late_len += len;
	event_timer_set(c->timer, event_now() + DEADLINE / 2);
}

/* SA number @id between the two addresses in "nhrp-LOCAL-REMOTE". */
static void put_sa(struct vici_writer *w, const char *conn, unsigned int id)
{
	char local[40], remote[40];

	assert_int_equal(sscanf(conn, "nhrp-%39[^-]-%39s", local, remote), 2);
	vici_put_section(w, conn);
	if (script == LISTS_NONSENSE)
		vici_put(w, "uniqueid", "many");
	else
		vici_put(w, "uniqueid", "%u", id);
	vici_put(w, "state", "ESTABLISHED");
	vici_put(w, "initiator", "yes");
	vici_put(w, "local-host", "%s", local);
	vici_put(w, "remote-host", "%s", remote);
	vici_put(w, "remote-id", "hub.lab");
	vici_put(w, "initiator-spi", "%016x", id);
	vici_put_section(w, "child-sas");
	vici_put_section(w, "gre-1");
	vici_put(w, "uniqueid", "%u", id);
	vici_put(w, "state", "INSTALLED");
	vici_put(w, "mode", "TRANSPORT");
	vici_put(w, "protocol", "ESP");
	vici_put(w, "spi-in", "%08x", 0x1000 + id);
	vici_put(w, "spi-out", "%08x", 0x2000 + id);
	vici_put_list(w, "local-ts");
	vici_put(w, NULL, "%s/32[gre]", local);
	vici_put_end(w);
	vici_put_list(w, "remote-ts");
	vici_put(w, NULL, "%s/32[gre]", remote);
	vici_put_end(w);
	vici_put_end(w);
	vici_put_end(w);
	vici_put_end(w);
}

static struct client *events_client(void)
{
	for (unsigned int i = 0; i < n_clients; i++)
		if (client[i]->events && !client[i]->gone)
			return client[i];
	fail_msg("nobody asks for events");
	return NULL;
}

static void say_event(const char *conn, unsigned int id)
{
	struct vici_writer w;
	uint8_t buf[2048];

	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "child-updown");
	vici_put(&w, "up", "yes");
	put_sa(&w, conn, id);
	say(events_client(), &w);
}

static void list_sas(struct client *c)
{
	struct vici_writer w;
	uint8_t buf[2048];

	for (unsigned int i = 0; i < n_sas; i++) {
		vici_start(&w, buf, sizeof(buf), VICI_EVENT, "list-sa");
		put_sa(&w, sas[i], i + 1);
		say(c, &w);
	}
}

static bool refuses(const struct vici_packet *p)
{
	return (script == REFUSES_LOAD && vici_str_is(&p->name, "load-conn")) ||
	       (script == REFUSES_INITIATE &&
		vici_str_is(&p->name, "initiate")) ||
	       (script == REFUSES_LIST && vici_str_is(&p->name, "list-sas"));
}

struct words {
	char ike[SA_CONN_MAX];
};

static const struct vici_field words[] = {
	VICI_FIELD(words, ike, VICI_TEXT, "ike"),
};

/* Makes the SA, or has made it already. */
static void begin_sa(const char *conn)
{
	for (unsigned int i = 0; i < n_sas; i++)
		if (!strcmp(sas[i], conn))
			return;
	assert_true(n_sas < 4);
	strcpy(sas[n_sas++], conn);
	say_event(conn, n_sas);
}

static void take(struct client *c, const struct vici_packet *p)
{
	struct words say_of = { "" };
	struct vici_writer w;
	bool refused = refuses(p);
	uint8_t buf[128];

	if (p->type != VICI_CMD_REQUEST) {
		c->events |= !vici_str_is(&p->name, "list-sa");
		vici_start(&w, buf, sizeof(buf), VICI_EVENT_CONFIRM, NULL);
		say(c, &w);
		return;
	}
	loads += vici_str_is(&p->name, "load-conn");
	vici_fields(&p->body, words, 1, &say_of);
	if (vici_str_is(&p->name, "list-sas") && !refused)
		list_sas(c);
	any_loaded |= vici_str_is(&p->name, "load-conn");
	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
	if (vici_str_is(&p->name, "get-conns")) {
		vici_put_list(&w, "conns");
		if (any_loaded)
			vici_put(&w, NULL, "nhrpd-any-10.0.0.1");
		vici_put_end(&w);
	}
	vici_put(&w, "success", refused ? "no" : "yes");
	if (refused)
		vici_put(&w, "errmsg", "CHILD_SA config 'gre' not found");
	say(c, &w);
	if (vici_str_is(&p->name, "initiate")) {
		initiated++;
		if (!refused)
			begin_sa(say_of.ike);
	}
}

static void ready(void *ctx, unsigned int what)
{
	struct client *c = ctx;
	struct vici_packet p;
	ssize_t n;
	int len;

	(void)what;
	n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
	if (n <= 0) {
		event_fd_want(c->watch, 0);
		c->gone = true;
		return;
	}
	c->in_len += n;
	while (c->in_len >= VICI_HEADER) {
		len = vici_length(c->in);
		if (c->in_len < (size_t)VICI_HEADER + len)
			break;
		assert_int_equal(vici_read(c->in + VICI_HEADER, len, &p), 0);
		take(c, &p);
		c->in_len -= VICI_HEADER + len;
		memmove(c->in, c->in + VICI_HEADER + len, c->in_len);
	}
}

static void take_client(void *ctx, unsigned int what)
{
	struct client *c = calloc(1, sizeof(*c));

	(void)ctx;
	(void)what;
	assert_true(c && n_clients < CLIENTS_MAX);
	client[n_clients++] = c;
	c->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(c->fd >= 0);
	c->timer = event_timer_new(loop, say_late, c);
	c->watch = event_fd_new(loop, c->fd, EVENT_READ, ready, c);
}

static void start_charon(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 8), 0);
	accepting = event_fd_new(loop, listener, EVENT_READ, take_client, NULL);
}

static void stop_charon(void)
{
	while (n_clients) {
		struct client *c = client[--n_clients];

		event_fd_free(c->watch);
		event_timer_free(c->timer);
		close(c->fd);
		free(c);
	}
	event_fd_free(accepting);
	accepting = NULL;
	if (listener >= 0)
		close(listener);
	listener = -1;
	unlink(path);
}

/* ---- nhrpd ---- */

static struct addr local, remote, other;
static unsigned int ups, downs;
static struct event_timer *patience;
static int log_fd = -1, real_stderr = -1;

static void on_up(void *ctx, const struct sa_info *i)
{
	(void)ctx, (void)i;
	ups++;
}

static void on_down(void *ctx, const struct sa_info *i)
{
	(void)ctx, (void)i;
	downs++;
}

static const struct charon_ops ops = { .up = on_up, .down = on_down };

static struct sa_info peer(const struct addr *a)
{
	struct sa_info i = { 0 };

	assert_true(sa_find(charon_sa(charon), &local, a, 0, &i));
	return i;
}

static bool (*until)(void);

static void turn(void *ctx)
{
	(void)ctx;
	if (until && until())
		event_loop_stop(loop);
}

static void too_long(void *ctx)
{
	(void)ctx;
	fail_msg("nothing happens: %s", charon_trouble(charon));
}

static void run_until(bool (*what)(void))
{
	until = what;
	event_timer_set(patience, event_now() + PATIENCE);
	assert_int_equal(event_loop_run(loop), 0);
	event_timer_set(patience, UINT64_MAX);
	until = NULL;
}

static bool is_current(void)
{
	return sa_is_current(charon_sa(charon));
}

static bool is_up(void)
{
	return peer(&remote).state == SA_UP && !peer(&remote).stale;
}

static bool is_stale(void)
{
	return peer(&remote).stale;
}

static bool other_is_up(void)
{
	return peer(&other).state == SA_UP;
}

static bool other_is_refused(void)
{
	return peer(&other).state == SA_BACKOFF;
}

static bool is_troubled(void)
{
	return charon_trouble(charon)[0] && ups + downs < 2 &&
	       strcmp(charon_trouble(charon), "charon is away");
}

static bool is_unlisted(void)
{
	return strstr(charon_trouble(charon), "refuses list-sas");
}

/* What nhrpd logged so far. */
static const char *logged(void)
{
	static char text[16384];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void assert_logged(const char *what)
{
	if (!strstr(logged(), what))
		fail_msg("'%s' is not in the log:\n%s", what, logged());
}

static void begin(unsigned int owner)
{
	struct conf_profile p = { .name = "P" };

	charon = charon_new(loop, path, owner, NULL, &ops, NULL);
	assert_non_null(charon);
	vici_set_times(charon_vici(charon), DEADLINE, 20, 80);
	assert_int_equal(charon_source_set(charon, &p, &local), 0);
	assert_int_equal(event_after_turn(loop, turn, NULL), 0);
}

/* With one SA. */
static void begin_well(void)
{
	start_charon();
	begin(getuid());
	run_until(is_current);
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &remote, 0,
				    event_now()));
	run_until(is_up);
	assert_int_equal(initiated, 1);
}

/* It was up all the time and was not begun a second time. */
static void assert_unharmed(void)
{
	run_until(is_up);
	assert_int_equal(peer(&remote).state, SA_UP);
	assert_int_equal(peer(&remote).children, 1);
	assert_int_equal(downs, 0);
	assert_int_equal(initiated, 1);
}

static int setup(void **state)
{
	(void)state;
	loop = event_loop_new();
	patience = event_timer_new(loop, too_long, NULL);
	ups = downs = initiated = loads = n_sas = 0;
	any_loaded = false;
	script = HONEST;
	assert_int_equal(chmod(folder, 0700), 0);
	log_fd = memfd_create("log", 0);
	real_stderr = dup(2);
	assert_true(log_fd >= 0 && real_stderr >= 0 && dup2(log_fd, 2) == 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(real_stderr, 2);
	close(real_stderr);
	fputs(logged(), stderr);
	close(log_fd);
	charon_free(charon);
	charon = NULL;
	stop_charon();
	event_timer_free(patience);
	event_loop_free(loop);
	return 0;
}

/* ---- nonsense ---- */

/* @bytes on the event connection end the session, and nothing else. */
static void check_bytes(const void *bytes, size_t len, const char *word)
{
	begin_well();
	say_now(events_client(), bytes, len);
	run_until(is_stale);
	assert_logged(word);
	assert_unharmed();
	assert_string_equal(charon_trouble(charon), "");
}

static void test_malformed(void **state)
{
	(void)state;
	check_bytes("\0\0\0\x0f\7\x0c" "child-updown\x63", 19,
		    "charon has gone: malformed: what it sends makes no sense");
}

static void test_too_long(void **state)
{
	(void)state;
	check_bytes("\xff\xff\xff\xff", 4, "charon has gone: too-long");
}

/* Half of a packet, and then the end. */
static void test_truncated(void **state)
{
	struct client *c;

	(void)state;
	begin_well();
	c = events_client();
	say_now(c, "\0\0\0\x40\7\x0c" "child-up", 14);
	shutdown(c->fd, SHUT_RDWR);
	run_until(is_stale);
	assert_logged("charon has gone: closed");
	assert_unharmed();
}

/* Well formed, but a number is none: this event alone is not taken. */
static void test_nonsense_event(void **state)
{
	(void)state;
	begin_well();
	script = LISTS_NONSENSE;
	say_event("nhrp-10.0.0.1-10.0.0.2", 9);
	script = HONEST;
	say_event("nhrp-10.0.0.1-10.0.0.3", 7);
	strcpy(sas[n_sas++], "nhrp-10.0.0.1-10.0.0.3");
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &other, 0,
				    event_now()));
	run_until(other_is_up);
	assert_logged("charon's event makes no sense: uniqueid");
	assert_false(peer(&remote).stale);
}

static void drop_session(void)
{
	shutdown(events_client()->fd, SHUT_RDWR);
}

/* A listing that is not understood does not mean that there are no SAs. */
static void test_nonsense_list(void **state)
{
	(void)state;
	begin_well();
	script = LISTS_NONSENSE;
	drop_session();
	run_until(is_unlisted);
	assert_logged("charon lists an SA that makes no sense: uniqueid");
	assert_int_equal(peer(&remote).state, SA_UP);
	assert_true(peer(&remote).stale);
	script = HONEST;
	assert_unharmed();
}

static void test_refused_list(void **state)
{
	(void)state;
	begin_well();
	script = REFUSES_LIST;
	drop_session();
	run_until(is_unlisted);
	assert_string_equal(charon_trouble(charon),
			    "charon refuses list-sas: CHILD_SA config 'gre' not found");
	assert_true(peer(&remote).stale);
	script = HONEST;
	assert_unharmed();
	assert_string_equal(charon_trouble(charon), "");
}

/* ---- late, never ---- */

static void test_late(void **state)
{
	struct vici_stats st;

	(void)state;
	script = LATE;
	begin_well();
	assert_unharmed();
	vici_stats(charon_vici(charon), &st);
	assert_int_equal(st.sessions, 1);
}

/* It takes a command and does not answer. */
static void test_mute(void **state)
{
	(void)state;
	begin_well();
	script = MUTE;
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &other, 0,
				    event_now()));
	run_until(is_stale);
	assert_logged("charon has gone: silent: it does not answer");
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: it does not answer");
	assert_int_equal(peer(&other).state, SA_WAITING);
	script = HONEST;
	run_until(other_is_up);
	run_until(is_up);
	assert_int_equal(downs, 0);
}

/* ---- refusals ---- */

/* One peer that charon wants nothing of: told, tried again, nobody else's. */
static void check_refused(enum script s)
{
	begin_well();
	script = s;
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &other, 0,
				    event_now()));
	run_until(other_is_refused);
	assert_string_equal(peer(&other).reason,
			    "charon refuses: CHILD_SA config 'gre' not found");
	assert_true(peer(&other).next > event_now());
	assert_logged("10.0.0.3 mark 0: charon refuses: CHILD_SA config");
	assert_true(is_up());
	script = HONEST;
	run_until(other_is_up);
	assert_int_equal(downs, 0);
}

static void test_refused_load(void **state)
{
	(void)state;
	check_refused(REFUSES_LOAD);
}

static void test_refused_initiate(void **state)
{
	(void)state;
	check_refused(REFUSES_INITIATE);
}

/* The connection for whoever comes: a proposal that charon does not know. */
static bool is_told(void)
{
	return charon_refusal(charon)[0];
}

static void test_refused_profile(void **state)
{
	(void)state;
	script = REFUSES_LOAD;
	start_charon();
	begin(getuid());
	run_until(is_told);
	assert_string_equal(charon_refusal(charon),
			    "the connection that peers find: CHILD_SA config 'gre' not found");
	assert_logged("charon refuses: the connection that peers find: CHILD_SA");
}

static bool is_loaded(void)
{
	return any_loaded;
}

/* `swanctl --load-all` takes the connections away; peers must find us again. */
static void test_unloaded(void **state)
{
	(void)state;
	start_charon();
	begin(getuid());
	charon_set_checks(charon, 50, 50);
	run_until(is_current);
	assert_true(any_loaded);
	for (unsigned int i = 0; i < 2; i++) {
		any_loaded = false;
		run_until(is_loaded);
	}
	assert_logged("somebody has unloaded nhrpd-any-10.0.0.1, loaded again");
	assert_int_equal(loads, 3);
}

/* ---- whose socket ---- */

static void test_wrong_owner(void **state)
{
	(void)state;
	start_charon();
	begin(getuid() + 1);
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: the socket is not root's");
	assert_logged("charon is away: wrong-owner: the socket is not root's");
	assert_int_equal(loads, 0);
}

/* A folder in which anybody can put another socket in its place. */
static void test_unsafe_path(void **state)
{
	const char *line = "charon is away: unsafe-path";

	(void)state;
	assert_int_equal(chmod(folder, 0777), 0);
	start_charon();
	begin(getuid());
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: everybody may write in the socket's folder");
	assert_logged(line);
	/* once, however often it is tried */
	assert_null(strstr(strstr(logged(), line) + 1, line));
	assert_int_equal(loads, 0);
	assert_int_equal(chmod(folder, 01777), 0);
	run_until(is_current);
}

static void test_no_socket(void **state)
{
	(void)state;
	begin(getuid());
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: nobody listens there");
	assert_logged("charon is away: no-socket");
	start_charon();
	run_until(is_current);
}

/* ---- the operator's clear ---- */

static void test_clear(void **state)
{
	struct sa *sa;

	(void)state;
	begin_well();
	sa = charon_sa(charon);
	assert_int_equal(sa_clear(sa, &other, event_now()), 0);
	assert_int_equal(sa_clear(sa, &remote, event_now()), 1);
	assert_int_equal(sa_clear(sa, NULL, event_now()), 1);
	script = MUTE;
	assert_non_null(sa_peer_get(sa, &local, &other, 0, event_now()));
	run_until(is_stale);
	/* what is not known to be there is not ended */
	assert_int_equal(sa_clear(sa, NULL, event_now()), 0);
	script = HONEST;
	run_until(is_up);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(malformed), T(too_long), T(truncated), T(nonsense_event),
		T(nonsense_list), T(refused_list), T(late), T(mute),
		T(refused_load), T(refused_initiate), T(refused_profile),
		T(unloaded),
		T(wrong_owner), T(unsafe_path), T(no_socket), T(clear),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/vici", folder);
	assert_true(addr_parse("10.0.0.1", &local) &&
		    addr_parse("10.0.0.2", &remote) &&
		    addr_parse("10.0.0.3", &other));
	failed = cmocka_run_group_tests_name("badcharon", tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
