/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event_test: the loop's promises: order within a turn, timers that are set
 * anew, watches and timers freed by their own callback, names, log limits.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "event.h"
#include "log.h"

static struct event_loop *loop;
static char trace[64];

static void note(char c)
{
	size_t n = strlen(trace);

	if (n + 1 < sizeof(trace))
		trace[n] = c;
}

static int setup(void **state)
{
	(void)state;
	memset(trace, 0, sizeof(trace));
	loop = event_loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	event_loop_free(loop);
	return 0;
}

static void hook_a(void *ctx)
{
	(void)ctx;
	note('a');
}

static void hook_b(void *ctx)
{
	(void)ctx;
	note('b');
}

static void stop(void *ctx)
{
	(void)ctx;
	note('.');
	event_loop_stop(loop);
}

/* Hooks run in order, before the first turn and after each. */
static void test_turn(void **state)
{
	struct event_timer *t = event_timer_new(loop, stop, NULL);

	(void)state;
	assert_int_equal(event_after_turn(loop, hook_a, NULL), 0);
	assert_int_equal(event_after_turn(loop, hook_b, NULL), 0);
	event_timer_set(t, 0);		/* long over: at once */
	assert_int_equal(event_loop_run(loop), 0);
	assert_string_equal(trace, "ab.ab");
	event_timer_free(t);
}

static void tick(void *ctx)
{
	note(*(const char *)ctx);
}

/* They fire in the order of their times, once; a timer set anew forgets. */
static void test_timers(void **state)
{
	struct event_timer *one = event_timer_new(loop, tick, "1");
	struct event_timer *two = event_timer_new(loop, tick, "2");
	struct event_timer *never = event_timer_new(loop, tick, "n");
	struct event_timer *end = event_timer_new(loop, stop, NULL);
	uint64_t now = event_now();

	(void)state;
	event_timer_set(never, now + 5);
	event_timer_set(never, UINT64_MAX);
	event_timer_set(one, now + 60);
	event_timer_set(one, now + 10);
	event_timer_set(two, now + 40);
	event_timer_set(end, now + 100);
	assert_int_equal(event_loop_run(loop), 0);
	assert_string_equal(trace, "12.");
	assert_true(event_now() >= now + 100);
	event_timer_free(one);
	event_timer_free(two);
	event_timer_free(never);
	event_timer_free(end);
	event_timer_free(NULL);
}

static struct event_fd *watch;
static int fds[2];

static void read_one(void *ctx, unsigned int what)
{
	char c;

	(void)ctx;
	assert_int_equal(what, EVENT_READ);
	assert_int_equal(read(fds[0], &c, 1), 1);
	note(c);
	if (c == '!') {
		event_fd_free(watch);	/* itself */
		event_loop_stop(loop);
	}
}

static void test_fd(void **state)
{
	(void)state;
	assert_int_equal(pipe(fds), 0);
	watch = event_fd_new(loop, fds[0], EVENT_READ, read_one, NULL);
	assert_non_null(watch);
	assert_int_equal(write(fds[1], "xyz!", 4), 4);
	assert_int_equal(event_loop_run(loop), 0);
	assert_string_equal(trace, "xyz!");
	close(fds[0]);
	close(fds[1]);
	event_fd_free(NULL);
}

static void write_ready(void *ctx, unsigned int what)
{
	(void)ctx;
	assert_int_equal(what, EVENT_WRITE);
	note('w');
	if (strlen(trace) == 3)
		event_fd_want(watch, 0);
}

/* Paused, a descriptor that is ready stays unheard. */
static void test_fd_pause(void **state)
{
	struct event_timer *end = event_timer_new(loop, stop, NULL);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	watch = event_fd_new(loop, fds[1], 0, write_ready, NULL);
	event_fd_want(watch, EVENT_WRITE);
	event_timer_set(end, event_now() + 50);
	assert_int_equal(event_loop_run(loop), 0);
	assert_string_equal(trace, "www.");
	event_fd_free(watch);
	event_timer_free(end);
	close(fds[0]);
	close(fds[1]);
}

static void test_signal(void **state)
{
	(void)state;
	assert_int_equal(event_signal(loop, SIGUSR1, stop, NULL), 0);
	raise(SIGUSR1);
	assert_int_equal(event_loop_run(loop), 0);
	assert_string_equal(trace, ".");
}

static bool returned;
static unsigned int answers, addresses;

static void answer(void *ctx, const char *name, const struct addr *addrs,
		   unsigned int n)
{
	assert_true(returned);		/* never within event_lookup() */
	assert_ptr_equal(ctx, trace);
	if (!strcmp(name, "192.0.2.7")) {
		assert_int_equal(n, 1);
		assert_int_equal(addrs[0].b[3], 7);
	} else if (!strcmp(name, "3fff::7")) {
		assert_int_equal(n, 1);
		assert_int_equal(addrs[0].len, 16);
		assert_int_equal(addrs[0].b[15], 7);
	} else {
		assert_string_equal(name, "localhost");
	}
	addresses += n;
	if (++answers == 4)
		event_loop_stop(loop);
}

/* Without a server: an address, and /etc/hosts; one of them twice at a time. */
static void test_lookup(void **state)
{
	char longest[300];

	(void)state;
	returned = false;
	answers = addresses = 0;
	assert_int_equal(event_lookup(loop, "192.0.2.7", AF_INET, answer, trace), 0);
	assert_int_equal(event_lookup(loop, "localhost", AF_INET, answer, trace), 0);
	assert_int_equal(event_lookup(loop, "192.0.2.7", AF_INET, answer, trace), 0);
	assert_int_equal(event_lookup(loop, "3fff::7", AF_INET6, answer, trace), 0);
	returned = true;
	assert_int_equal(event_loop_run(loop), 0);
	assert_true(addresses >= 4);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_true(event_lookup(loop, longest, AF_INET, answer, trace) < 0);
	assert_true(event_lookup(loop, "", AF_INET, answer, trace) < 0);
}

/* A loop may go while a name is looked up: no callback, no leak. */
static void test_lookup_abandoned(void **state)
{
	(void)state;
	assert_int_equal(event_lookup(loop, "localhost", AF_INET, answer, NULL), 0);
}

static void test_log_limit(void **state)
{
	struct log_limit l = { 0 };
	char more[40];

	(void)state;
	assert_true(log_allowed(&l, 1000, more));
	assert_string_equal(more, "");
	assert_false(log_allowed(&l, 1001, more));
	assert_false(log_allowed(&l, 1000 + LOG_INTERVAL - 1, more));
	assert_true(log_allowed(&l, 1000 + LOG_INTERVAL, more));
	assert_string_equal(more, " (2 more since)");
	assert_true(log_allowed(&l, 1000 + 2 * LOG_INTERVAL, more));
	assert_string_equal(more, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_turn),
		TEST(test_timers),
		TEST(test_fd),
		TEST(test_fd_pause),
		TEST(test_signal),
		TEST(test_lookup),
		TEST(test_lookup_abandoned),
		TEST(test_log_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
