/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici_test: the session with charon against a server that follows a script:
 * it answers in pieces, late, never, twice, with errors and with nonsense, it
 * goes and comes back. All in one event loop.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "event.h"
#include "fake_charon.h"
#include "vici.h"

#define DEADLINE	150		/* ms */
#define PATIENCE	5000		/* ms until a test has failed */

/* ---- the server ---- */

/* What it answers instead of what it should. */
enum script {
	HONEST,
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
	BUSY,				/* events meanwhile, and then the answer */
	ENTIRELY_BUSY,			/* events and never an answer */
};

static struct event_loop *loop;
static struct fake_charon fake;
static enum script script;
static struct vici *vici;
static struct event_timer *slow;
static struct fake_client *slow_to;
static unsigned int slow_items;		/* left */

static void slow_item(void *ctx)
{
	(void)ctx;
	if (!slow_items--) {
		fake_say_response(slow_to, NULL);
		return;
	}
	if (script == SLOW_STREAM)
		fake_say_sa(slow_to, "list-sa", fake.sa[0], slow_items);
	else
		fake_say_sa(fake_events(&fake), "child-updown", fake.sa[0],
			    slow_items);
	event_timer_set(slow, event_now() + DEADLINE / 2);
}

static void begin_slowly(struct fake_client *c, unsigned int items)
{
	slow_to = c;
	slow_items = items;
	event_timer_set(slow, 0);
}

static bool take_request(struct fake_client *c)
{
	switch (script) {
	case MUTE_TO_COMMANDS:
		return true;
	case REFUSES:
		fake_say_response(c, "CHILD_SA config 'x' not found");
		return true;
	case REFUSES_WITHOUT_A_WORD:
		fake_say_response(c, "");
		return true;
	case UNKNOWN_COMMAND:
		fake_say_plain(c, VICI_CMD_UNKNOWN);
		return true;
	case TRUNCATES:
		fake_say(c, "\0\0\0\x20\1\3\7succ", 11);
		c->close_after = true;
		return true;
	case GARBAGE:
		fake_say(c, "\0\0\0\x04\1\x63\x63\x63", 8);
		return true;
	case ENDLESS:
		fake_say(c, "\xff\xff\xff\xff", 4);
		return true;
	case WRONG_ANSWER:
		fake_say_plain(c, VICI_EVENT_CONFIRM);
		return true;
	case TWICE:
		fake_say_response(c, NULL);
		return false;
	case SLOW_STREAM:
	case BUSY:
		begin_slowly(c, 6);
		return true;
	case ENTIRELY_BUSY:
		begin_slowly(c, UINT_MAX);
		return true;
	default:
		return false;
	}
}

static bool take(struct fake_client *c, const struct vici_packet *p)
{
	if (p->type == VICI_CMD_REQUEST)
		return take_request(c);
	if (script == UNKNOWN_EVENT && p->type == VICI_EVENT_REGISTER) {
		fake_say_plain(c, VICI_EVENT_UNKNOWN);
		return true;
	}
	if (script == DIES_BEHIND_ANSWER && p->type == VICI_EVENT_UNREGISTER)
		shutdown(c->fd, SHUT_RDWR);
	return false;
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
	vici = vici_new(loop, fake.path, getuid(), events, &ops, NULL);
	assert_non_null(vici);
	vici_set_times(vici, DEADLINE, 20, 80);
}

static int setup(void **state)
{
	(void)state;
	loop = event_loop_new();
	patience = event_timer_new(loop, too_late, NULL);
	memset(trace, 0, sizeof(trace));
	ups = losts = 0;
	why = VICI_NO_TROUBLE;
	slow = event_timer_new(loop, slow_item, NULL);
	fake_reset(&fake, loop);
	fake.take = take;
	fake_add_sa(&fake, "nhrp-10.0.0.1-10.0.0.2");
	fake_add_sa(&fake, "nhrp-10.0.0.1-10.0.0.3");
	fake_add_sa(&fake, "nhrp-10.0.0.1-10.0.0.4");
	fake_start(&fake);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vici_free(vici);
	vici = NULL;
	fake_stop(&fake);
	event_timer_free(slow);
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
	assert_int_equal(fake.accepted, 2);
	assert_int_equal(fake.registered, 2);
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
	assert_int_equal(fake.registered, 3);
	assert_int_equal(fake.unregistered, 1);
}

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

/* All of it a byte at a time. */
static void test_bytewise(void **state)
{
	(void)state;
	fake.bytewise = true;
	begin(HONEST);
	wait_for("up;");
	assert_int_equal(send_command("list-sas", "list-sa"), 0);
	wait_for("list-sas:yes;");
	assert_string_equal(trace, "up;item;item;item;list-sas:yes;");
}

static void tell_all(void)
{
	for (unsigned int i = 0; i < FAKE_CLIENTS_MAX; i++)
		if (fake.client[i])
			fake_say_sa(fake.client[i], "child-updown",
				    fake.sa[0], 1);
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
	assert_int_equal(fake.requests, 1);
	script = HONEST;
	wait_for("up;");
	send_command("c", NULL);
	wait_for("c:yes;");
}

/* One that does not even confirm the events is no session. */
static void test_mute(void **state)
{
	(void)state;
	fake.mute = true;
	begin(HONEST);
	turn_for(3 * DEADLINE);
	assert_string_equal(trace, "");
	assert_true(troubles(VICI_SILENT) >= 1);
	fake.mute = false;
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

/* Nor is one that has no time for an answer while it reports events gone, */
static void test_busy(void **state)
{
	struct vici_stats s;

	(void)state;
	begin(BUSY);
	wait_for("up;");
	send_command("a", NULL);
	wait_for("a:yes;");
	vici_stats(vici, &s);
	assert_true(s.events == 6 && s.sessions == 1 && !losts);
}

/* for a while. */
static void test_entirely_busy(void **state)
{
	struct vici_stats s;

	(void)state;
	begin(ENTIRELY_BUSY);
	wait_for("up;");
	send_command("a", NULL);
	wait_for("lost;a:none;");
	assert_int_equal(why, VICI_SILENT);
	vici_stats(vici, &s);
	assert_in_range(s.events, 6, 12);
	event_timer_set(slow, UINT64_MAX);
	script = HONEST;
	wait_for("up;");
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
	vici = vici_new(loop, fake.path, getuid() + 1, events, &ops, NULL);
	vici_set_times(vici, DEADLINE, 20, 80);
	turn_for(100);
	assert_string_equal(trace, "");
	assert_int_equal(fake.registered, 0);
	assert_true(troubles(VICI_WRONG_OWNER) >= 2);
}

/* charon comes late, goes, and comes again, several times. */
static void test_restarts(void **state)
{
	(void)state;
	fake_stop(&fake);
	begin(HONEST);
	turn_for(100);
	assert_true(troubles(VICI_NO_SOCKET) >= 2);
	assert_int_equal(send_command("early", NULL), -ENOTCONN);
	for (int i = 0; i < 3; i++) {
		fake_start(&fake);
		wait_for("up;");
		send_command("a", NULL);
		wait_for("a:yes;");
		fake_stop(&fake);
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
		for (unsigned int j = 0, n = 0; j < FAKE_CLIENTS_MAX; j++)
			if (fake.client[j] && n++ == i) {
				fake_drop(&fake, j);
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
	fake_stop(&fake);
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
		T(silence), T(mute), T(slow_stream), T(busy), T(entirely_busy),
		T(truncated), T(garbage), T(endless), T(wrong_answer), T(twice), T(old_charon),
		T(wrong_owner), T(restarts), T(half_closed), T(backoff),
		T(queue_is_bounded), T(send_from_reply),
	};
	int failed;

	if (!fake_init(&fake, "vici_test"))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_exit(&fake);
	return failed;
}
