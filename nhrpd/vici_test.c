/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici_test: the session with charon against a server that follows a script:
 * it answers in pieces, late, never, twice, with errors and with nonsense, it
 * goes and comes back. All in one event loop.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "event.h"
#include "vici.h"

#define CLIENTS_MAX	8
#define DEADLINE	150		/* ms */
#define PATIENCE	5000		/* ms until a test has failed */

/* ---- the server ---- */

enum script {
	HONEST,
	BYTEWISE,			/* sends a byte a turn */
	MUTE,				/* takes all and says nothing */
	MUTE_TO_COMMANDS,		/* confirms events, answers no command */
	REFUSES,			/* success=no */
	REFUSES_WITHOUT_A_WORD,
	UNKNOWN_COMMAND,
	UNKNOWN_EVENT,
	TRUNCATES,			/* half of an answer, then closes */
	GARBAGE,			/* an answer that is no packet */
	ENDLESS,			/* announces 4 GB */
	WRONG_ANSWER,			/* a confirmation to a command */
	TWICE,				/* each answer two times */
	DIES_BEHIND_ANSWER,		/* of a stream, which is not ended yet */
	SLOW_STREAM,			/* items that take longer than a deadline */
};

struct client {
	struct event_fd *watch;
	struct event_timer *timer;
	int fd;
	uint8_t in[4096];
	size_t in_len;
	uint8_t out[65536];
	size_t out_len, out_off;
	bool close_after;
	unsigned int items;		/* of a slow stream, left */
};

static struct event_loop *loop;
static char folder[] = "/tmp/vici_testXXXXXX", path[64];
static int listener;
static struct event_fd *accepting;
static struct client *client[CLIENTS_MAX];
static enum script script;
static unsigned int requests, registered, unregistered, accepted;
static struct vici *vici;

static void drop_client(unsigned int i)
{
	event_fd_free(client[i]->watch);
	event_timer_free(client[i]->timer);
	close(client[i]->fd);
	free(client[i]);
	client[i] = NULL;
}

static void say(struct client *c, const void *b, size_t len)
{
	assert_true(c->out_len + len <= sizeof(c->out));
	memcpy(c->out + c->out_len, b, len);
	c->out_len += len;
	event_fd_want(c->watch, EVENT_READ | EVENT_WRITE);
}

static void say_packet(struct client *c, struct vici_writer *w)
{
	int len = vici_finish(w);

	assert_true(len > 0);
	say(c, w->buf, len);
	if (script == TWICE)
		say(c, w->buf, len);
}

static void say_plain(struct client *c, enum vici_type type)
{
	struct vici_writer w;
	uint8_t buf[64];

	vici_start(&w, buf, sizeof(buf), type, NULL);
	say_packet(c, &w);
}

static void say_item(struct client *c, unsigned int i)
{
	struct vici_writer w;
	uint8_t buf[256];

	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "list-sa");
	vici_put(&w, "number", "%u", i);
	say_packet(c, &w);
}

static void say_response(struct client *c)
{
	struct vici_writer w;
	uint8_t buf[256];

	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
	if (script == REFUSES || script == REFUSES_WITHOUT_A_WORD)
		vici_put(&w, "success", "no");
	else
		vici_put(&w, "success", "yes");
	if (script == REFUSES)
		vici_put(&w, "errmsg", "CHILD_SA config 'x' not found");
	say_packet(c, &w);
}

static void take_request(struct client *c, const struct vici_packet *p)
{
	requests++;
	switch (script) {
	case MUTE_TO_COMMANDS:
		return;
	case UNKNOWN_COMMAND:
		say_plain(c, VICI_CMD_UNKNOWN);
		return;
	case TRUNCATES:
		say(c, "\0\0\0\x20\1\3\7succ", 11);
		c->close_after = true;
		return;
	case GARBAGE:
		say(c, "\0\0\0\x04\1\x63\x63\x63", 8);
		return;
	case ENDLESS:
		say(c, "\xff\xff\xff\xff", 4);
		return;
	case WRONG_ANSWER:
		say_plain(c, VICI_EVENT_CONFIRM);
		return;
	case SLOW_STREAM:
		c->items = 6;
		event_timer_set(c->timer, 0);
		return;
	default:
		break;
	}
	if (vici_str_is(&p->name, "list-sas"))
		for (unsigned int i = 0; i < 3; i++)
			say_item(c, i);
	say_response(c);
}

static void take_packet(struct client *c, const struct vici_packet *p)
{
	switch (p->type) {
	case VICI_CMD_REQUEST:
		take_request(c, p);
		return;
	case VICI_EVENT_REGISTER:
		registered++;
		say_plain(c, script == UNKNOWN_EVENT ? VICI_EVENT_UNKNOWN :
			  VICI_EVENT_CONFIRM);
		return;
	case VICI_EVENT_UNREGISTER:
		unregistered++;
		if (script == DIES_BEHIND_ANSWER)
			shutdown(c->fd, SHUT_RDWR);
		say_plain(c, VICI_EVENT_CONFIRM);
		return;
	default:
		fail_msg("a packet of type %d", p->type);
	}
}

static void slow_item(void *ctx)
{
	struct client *c = ctx;

	if (!c->items--) {
		say_response(c);
		return;
	}
	say_item(c, c->items);
	event_timer_set(c->timer, event_now() + DEADLINE / 2);
}

/* False when the client has gone. */
static bool hear(struct client *c)
{
	struct vici_packet p;
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len,
			 0);
	int len;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->in_len += n;
	while (c->in_len >= VICI_HEADER) {
		len = vici_length(c->in);
		assert_true(len > 0);
		if (c->in_len < (size_t)VICI_HEADER + len)
			break;
		assert_int_equal(vici_read(c->in + VICI_HEADER, len, &p), 0);
		if (script != MUTE)
			take_packet(c, &p);
		c->in_len -= VICI_HEADER + len;
		memmove(c->in, c->in + VICI_HEADER + len, c->in_len);
	}
	return true;
}

static bool speak(struct client *c)
{
	size_t len = c->out_len - c->out_off;
	ssize_t n;

	if (script == BYTEWISE && len > 1)
		len = 1;
	n = send(c->fd, c->out + c->out_off, len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN;
	c->out_off += n;
	if (c->out_off < c->out_len)
		return true;
	c->out_off = c->out_len = 0;
	event_fd_want(c->watch, EVENT_READ);
	return !c->close_after;
}

static void client_ready(void *ctx, unsigned int what)
{
	unsigned int i = 0;

	while (client[i] != ctx)
		i++;
	if (what & EVENT_READ && !hear(client[i])) {
		drop_client(i);
		return;
	}
	if (what & EVENT_WRITE && client[i]->out_len && !speak(client[i]))
		drop_client(i);
}

static void take_client(void *ctx, unsigned int what)
{
	unsigned int i = 0;
	struct client *c;

	(void)ctx;
	(void)what;
	while (client[i])
		assert_true(++i < CLIENTS_MAX);
	c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(c->fd >= 0);
	c->watch = event_fd_new(loop, c->fd, EVENT_READ, client_ready, c);
	c->timer = event_timer_new(loop, slow_item, c);
	client[i] = c;
	accepted++;
}

static void start_server(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 8), 0);
	accepting = event_fd_new(loop, listener, EVENT_READ, take_client, NULL);
}

static void stop_server(void)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (client[i])
			drop_client(i);
	if (!accepting)
		return;
	event_fd_free(accepting);
	accepting = NULL;
	close(listener);
	unlink(path);
}

/* ---- the client's user ---- */

static char trace[256];
static unsigned int ups, losts;
static enum vici_trouble why;
static const char *stop_at;		/* when the trace ends so */
static struct event_timer *patience;

static void note(const char *text)
{
	size_t n = strlen(trace), want;

	snprintf(trace + n, sizeof(trace) - n, "%s;", text);
	n = strlen(trace);
	want = stop_at ? strlen(stop_at) : 0;
	if (want && n >= want && !strcmp(trace + n - want, stop_at))
		event_loop_stop(loop);
}

static void on_up(void *ctx)
{
	(void)ctx;
	ups++;
	note("up");
}

static void on_lost(void *ctx, enum vici_trouble t)
{
	(void)ctx;
	losts++;
	why = t;
	assert_false(vici_is_up(vici));
	note("lost");
}

static void on_event(void *ctx, const struct vici_packet *p)
{
	(void)ctx;
	note(vici_str_is(&p->name, "child-updown") ? "child-updown" : "other");
}

static const struct vici_ops ops = {
	.up = on_up, .lost = on_lost, .event = on_event,
};

static const char *const events[] = { "ike-updown", "child-updown", NULL };

static void on_reply(void *ctx, const struct vici_packet *p, const char *error)
{
	char text[64];

	if (!p)
		snprintf(text, sizeof(text), "%s:none", (char *)ctx);
	else if (p->type == VICI_EVENT)
		snprintf(text, sizeof(text), "item");
	else
		snprintf(text, sizeof(text), "%s:%.40s", (char *)ctx,
			 error ? error : "yes");
	note(text);
}

static int send_command(const char *name, const char *stream)
{
	struct vici_writer w;
	uint8_t buf[256];

	vici_start(&w, buf, sizeof(buf), VICI_CMD_REQUEST, name);
	vici_put(&w, "timeout", "-1");
	return vici_send(vici, buf, vici_finish(&w), stream, on_reply,
			 (void *)name);
}

static void too_late(void *ctx)
{
	(void)ctx;
	fail_msg("still waiting; what came: %s", trace);
}

/* Turns the loop until what came ends with @text. */
static void wait_for(const char *text)
{
	stop_at = text;
	event_timer_set(patience, event_now() + PATIENCE);
	assert_int_equal(event_loop_run(loop), 0);
	event_timer_set(patience, UINT64_MAX);
	stop_at = NULL;
}

static void stop_now(void *ctx)
{
	(void)ctx;
	event_loop_stop(loop);
}

static void turn_for(unsigned int ms)
{
	struct event_timer *t = event_timer_new(loop, stop_now, NULL);

	event_timer_set(t, event_now() + ms);
	assert_int_equal(event_loop_run(loop), 0);
	event_timer_free(t);
}

static void begin(enum script s)
{
	script = s;
	vici = vici_new(loop, path, getuid(), events, &ops, NULL);
	assert_non_null(vici);
	vici_set_times(vici, DEADLINE, 20, 80);
}

static int setup(void **state)
{
	(void)state;
	loop = event_loop_new();
	patience = event_timer_new(loop, too_late, NULL);
	memset(trace, 0, sizeof(trace));
	ups = losts = requests = registered = unregistered = accepted = 0;
	why = VICI_NO_TROUBLE;
	start_server();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vici_free(vici);
	vici = NULL;
	stop_server();
	event_timer_free(patience);
	event_loop_free(loop);
	return 0;
}

static uint64_t troubles(enum vici_trouble t)
{
	struct vici_stats s;

	vici_stats(vici, &s);
	return s.troubles[t];
}

/* ---- tests ---- */

/* Two connections, each event confirmed, answers in order. */
static void test_session(void **state)
{
	struct vici_stats s;

	(void)state;
	begin(HONEST);
	assert_int_equal(send_command("early", NULL), -ENOTCONN);
	wait_for("up;");
	assert_int_equal(accepted, 2);
	assert_int_equal(registered, 2);
	assert_int_equal(send_command("a", NULL), 0);
	assert_int_equal(send_command("b", NULL), 0);
	wait_for("b:yes;");
	assert_string_equal(trace, "up;a:yes;b:yes;");
	vici_stats(vici, &s);
	assert_true(s.up && s.sessions == 1 && s.commands == 2 && !s.queued);
}

/* What is streamed comes before the answer; the event is asked for no longer
 * than the command takes. */
static void test_stream(void **state)
{
	(void)state;
	begin(HONEST);
	wait_for("up;");
	assert_int_equal(send_command("list-sas", "list-sa"), 0);
	assert_int_equal(send_command("b", NULL), 0);
	wait_for("b:yes;");
	assert_string_equal(trace, "up;item;item;item;list-sas:yes;b:yes;");
	assert_int_equal(registered, 3);
	assert_int_equal(unregistered, 1);
}

/* All of it a byte at a time. */
/* Answered is answered: not once more when the session ends. */
static void test_stream_ends_late(void **state)
{
	(void)state;
	begin(DIES_BEHIND_ANSWER);
	wait_for("up;");
	assert_int_equal(send_command("list-sas", "list-sa"), 0);
	wait_for("lost;");
	assert_string_equal(trace, "up;item;item;item;list-sas:yes;lost;");
}

static void test_bytewise(void **state)
{
	(void)state;
	begin(BYTEWISE);
	wait_for("up;");
	assert_int_equal(send_command("list-sas", "list-sa"), 0);
	wait_for("list-sas:yes;");
	assert_string_equal(trace, "up;item;item;item;list-sas:yes;");
}

static void tell_all(void)
{
	struct vici_writer w;
	uint8_t buf[64];

	for (unsigned int i = 0; i < CLIENTS_MAX; i++) {
		if (!client[i])
			continue;
		vici_start(&w, buf, sizeof(buf), VICI_EVENT, "child-updown");
		vici_put(&w, "up", "yes");
		say_packet(client[i], &w);
	}
}

/* Events are delivered once; what comes on the other connection is counted. */
static void test_events(void **state)
{
	struct vici_stats s;

	(void)state;
	begin(HONEST);
	wait_for("up;");
	tell_all();
	wait_for("child-updown;");
	turn_for(20);
	assert_string_equal(trace, "up;child-updown;");
	vici_stats(vici, &s);
	assert_int_equal(s.events, 1);
	assert_int_equal(s.unexpected, 1);
}

static void test_refused(void **state)
{
	struct vici_stats s;

	(void)state;
	begin(REFUSES);
	wait_for("up;");
	send_command("a", NULL);
	wait_for("a:CHILD_SA config 'x' not found;");
	script = REFUSES_WITHOUT_A_WORD;
	send_command("b", NULL);
	wait_for("b:no reason given;");
	script = UNKNOWN_COMMAND;
	send_command("c", NULL);
	wait_for("c:unknown command;");
	vici_stats(vici, &s);
	assert_true(s.up && s.refused == 3);
}

/* No answer in time: all that waits is told, and it is tried again. */
static void test_silence(void **state)
{
	(void)state;
	begin(MUTE_TO_COMMANDS);
	wait_for("up;");
	send_command("a", NULL);
	send_command("b", NULL);
	wait_for("lost;a:none;b:none;");
	assert_int_equal(why, VICI_SILENT);
	assert_int_equal(requests, 1);
	script = HONEST;
	wait_for("up;");
	send_command("c", NULL);
	wait_for("c:yes;");
}

/* One that does not even confirm the events is no session. */
static void test_mute(void **state)
{
	(void)state;
	begin(MUTE);
	turn_for(3 * DEADLINE);
	assert_string_equal(trace, "");
	assert_true(troubles(VICI_SILENT) >= 1);
	script = HONEST;
	wait_for("up;");
	assert_string_equal(trace, "up;");
}

/* A stream may last longer than a deadline as long as something comes. */
static void test_slow_stream(void **state)
{
	(void)state;
	begin(SLOW_STREAM);
	wait_for("up;");
	send_command("list-sas", "list-sa");
	wait_for("list-sas:yes;");
	assert_string_equal(trace,
			    "up;item;item;item;item;item;item;list-sas:yes;");
}

static void check_nonsense(enum script s, enum vici_trouble t)
{
	begin(s);
	wait_for("up;");
	send_command("a", NULL);
	wait_for("lost;a:none;");
	assert_int_equal(why, t);
	assert_int_equal(troubles(t), 1);
	script = HONEST;
	wait_for("up;");
	send_command("b", NULL);
	wait_for("b:yes;");
}

static void test_truncated(void **state)
{
	(void)state;
	check_nonsense(TRUNCATES, VICI_CLOSED);
}

static void test_garbage(void **state)
{
	(void)state;
	check_nonsense(GARBAGE, VICI_MALFORMED);
}

static void test_endless(void **state)
{
	(void)state;
	check_nonsense(ENDLESS, VICI_TOO_LONG);
}

static void test_wrong_answer(void **state)
{
	(void)state;
	check_nonsense(WRONG_ANSWER, VICI_MALFORMED);
}

/* An answer to nothing ends the session: the next would be taken for another
 * command's. */
static void test_twice(void **state)
{
	(void)state;
	begin(HONEST);
	wait_for("up;");
	script = TWICE;
	send_command("a", NULL);
	wait_for("a:yes;lost;");
	assert_int_equal(why, VICI_MALFORMED);
}

static void test_old_charon(void **state)
{
	(void)state;
	begin(UNKNOWN_EVENT);
	turn_for(100);
	assert_string_equal(trace, "");
	assert_true(troubles(VICI_UNKNOWN_EVENT) >= 1);
	assert_string_equal(vici_trouble_word(VICI_UNKNOWN_EVENT),
			    "unknown-event");
}

/* Whoever else has bound the path is told nothing. */
static void test_wrong_owner(void **state)
{
	(void)state;
	script = HONEST;
	vici = vici_new(loop, path, getuid() + 1, events, &ops, NULL);
	vici_set_times(vici, DEADLINE, 20, 80);
	turn_for(100);
	assert_string_equal(trace, "");
	assert_int_equal(registered, 0);
	assert_true(troubles(VICI_WRONG_OWNER) >= 2);
}

/* charon comes late, goes, and comes again, several times. */
static void test_restarts(void **state)
{
	(void)state;
	stop_server();
	begin(HONEST);
	turn_for(100);
	assert_true(troubles(VICI_NO_SOCKET) >= 2);
	assert_int_equal(send_command("early", NULL), -ENOTCONN);
	for (int i = 0; i < 3; i++) {
		start_server();
		wait_for("up;");
		send_command("a", NULL);
		wait_for("a:yes;");
		stop_server();
		wait_for("lost;");
		assert_int_equal(why, VICI_CLOSED);
	}
	assert_int_equal(ups, 3);
	assert_int_equal(losts, 3);
}

/* Either connection's end is the session's. */
static void test_half_closed(void **state)
{
	(void)state;
	begin(HONEST);
	for (unsigned int i = 0; i < 2; i++) {
		wait_for("up;");
		for (unsigned int j = 0, n = 0; j < CLIENTS_MAX; j++)
			if (client[j] && n++ == i) {
				drop_client(j);
				break;
			}
		wait_for("lost;");
		turn_for(1);
	}
}

/* Attempts become rarer, up to the limit. */
static void test_backoff(void **state)
{
	(void)state;
	stop_server();
	begin(HONEST);			/* at 0, 20, 60, 140, 220, 300 ... ms */
	turn_for(400);
	assert_in_range(troubles(VICI_NO_SOCKET), 3, 8);
}

static void test_queue_is_bounded(void **state)
{
	unsigned int n = 0;
	struct vici_stats s;

	(void)state;
	begin(MUTE_TO_COMMANDS);
	wait_for("up;");
	while (!send_command("a", NULL))
		n++;
	assert_int_equal(n, VICI_QUEUE_MAX);
	assert_int_equal(send_command("a", NULL), -ENOBUFS);
	vici_stats(vici, &s);
	assert_int_equal(s.overflow, 2);
}

static void send_another(void *ctx, const struct vici_packet *p,
			 const char *error)
{
	(void)ctx;
	(void)error;
	if (p)
		assert_int_equal(send_command("b", NULL), 0);
	else
		assert_int_equal(send_command("b", NULL), -ENOTCONN);
	note(p ? "sent" : "none");
}

/* A reply may send; when the session is lost it cannot. */
static void test_send_from_reply(void **state)
{
	struct vici_writer w;
	uint8_t buf[64];
	int len;

	(void)state;
	begin(HONEST);
	wait_for("up;");
	vici_start(&w, buf, sizeof(buf), VICI_CMD_REQUEST, "a");
	len = vici_finish(&w);
	assert_int_equal(vici_send(vici, buf, len, NULL, send_another, NULL), 0);
	wait_for("sent;b:yes;");
	script = GARBAGE;
	assert_int_equal(vici_send(vici, buf, len, NULL, send_another, NULL), 0);
	wait_for("lost;none;");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(session), T(stream), T(stream_ends_late), T(bytewise), T(events),
		T(refused),
		T(silence), T(mute), T(slow_stream), T(truncated), T(garbage),
		T(endless), T(wrong_answer), T(twice), T(old_charon),
		T(wrong_owner), T(restarts), T(half_closed), T(backoff),
		T(queue_is_bounded), T(send_from_reply),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/vici", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
