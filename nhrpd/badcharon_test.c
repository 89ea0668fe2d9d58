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
#include <unistd.h>

#include <cmocka.h>

#include "charon.h"
#include "fake_charon.h"

#define DEADLINE	200		/* ms that charon has for an answer */
#define PATIENCE	15000		/* ms until a test has failed */

static struct fake_charon fake;

/* ---- nhrpd ---- */

static struct event_loop *loop;
static struct charon *charon;
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

	charon = charon_new(loop, fake.path, owner, NULL, &ops, NULL);
	assert_non_null(charon);
	vici_set_times(charon_vici(charon), DEADLINE, 20, 80);
	assert_int_equal(charon_source_set(charon, &p, &local), 0);
	assert_int_equal(event_after_turn(loop, turn, NULL), 0);
}

/* With one SA. */
static void begin_well(void)
{
	fake_start(&fake);
	begin(getuid());
	run_until(is_current);
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &remote, 0,
				    event_now()));
	run_until(is_up);
	assert_int_equal(fake.initiated, 1);
}

/* It was up all the time and was not begun a second time. */
static void assert_unharmed(void)
{
	run_until(is_up);
	assert_int_equal(peer(&remote).state, SA_UP);
	assert_int_equal(peer(&remote).children, 1);
	assert_int_equal(downs, 0);
	assert_int_equal(fake.initiated, 1);
}

static int setup(void **state)
{
	(void)state;
	loop = event_loop_new();
	patience = event_timer_new(loop, too_long, NULL);
	ups = downs = 0;
	fake_reset(&fake, loop);
	assert_int_equal(chmod(fake.folder, 0700), 0);
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
	fake_stop(&fake);
	event_timer_free(patience);
	event_loop_free(loop);
	return 0;
}

/* ---- nonsense ---- */

/* @bytes on the event connection end the session, and nothing else. */
static void check_bytes(const void *bytes, size_t len, const char *word)
{
	begin_well();
	fake_say(fake_events(&fake), bytes, len);
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
	struct fake_client *c;

	(void)state;
	begin_well();
	c = fake_events(&fake);
	fake_say(c, "\0\0\0\x40\7\x0c" "child-up", 14);
	c->close_after = true;
	run_until(is_stale);
	assert_logged("charon has gone: closed");
	assert_unharmed();
}

/* Well formed, but a number is none: this event alone is not taken. */
static void test_nonsense_event(void **state)
{
	const char *another = "nhrp-10.0.0.1-10.0.0.3";

	(void)state;
	begin_well();
	fake.nonsense = true;
	fake_say_sa(fake_events(&fake), "child-updown", "nhrp-10.0.0.1-10.0.0.2", 9);
	fake.nonsense = false;
	fake_say_sa(fake_events(&fake), "child-updown", another,
		    fake_add_sa(&fake, another));
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &other, 0,
				    event_now()));
	run_until(other_is_up);
	assert_logged("charon's event makes no sense: uniqueid");
	assert_false(peer(&remote).stale);
}

static void drop_session(void)
{
	shutdown(fake_events(&fake)->fd, SHUT_RDWR);
}

/* A listing that is not understood does not mean that there are no SAs. */
static void test_nonsense_list(void **state)
{
	(void)state;
	begin_well();
	fake.nonsense = true;
	drop_session();
	run_until(is_unlisted);
	assert_logged("charon lists an SA that makes no sense: uniqueid");
	assert_int_equal(peer(&remote).state, SA_UP);
	assert_true(peer(&remote).stale);
	fake.nonsense = false;
	assert_unharmed();
}

static void test_refused_list(void **state)
{
	(void)state;
	begin_well();
	fake.refuses = "list-sas";
	drop_session();
	run_until(is_unlisted);
	assert_string_equal(charon_trouble(charon),
			    "charon refuses list-sas: CHILD_SA config 'gre' not found");
	assert_true(peer(&remote).stale);
	fake.refuses = NULL;
	assert_unharmed();
	assert_string_equal(charon_trouble(charon), "");
}

/* ---- late, never ---- */

static void test_late(void **state)
{
	struct vici_stats st;

	(void)state;
	fake.late = DEADLINE / 2;
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
	fake.mute = true;
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &other, 0,
				    event_now()));
	run_until(is_stale);
	assert_logged("charon has gone: silent: it does not answer");
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: it does not answer");
	assert_int_equal(peer(&other).state, SA_WAITING);
	fake.mute = false;
	run_until(other_is_up);
	run_until(is_up);
	assert_int_equal(downs, 0);
}

/* ---- refusals ---- */

/* One peer that charon wants nothing of: told, tried again, nobody else's. */
static void check_refused(const char *command)
{
	begin_well();
	fake.refuses = command;
	assert_non_null(sa_peer_get(charon_sa(charon), &local, &other, 0,
				    event_now()));
	run_until(other_is_refused);
	assert_string_equal(peer(&other).reason,
			    "charon refuses: CHILD_SA config 'gre' not found");
	assert_true(peer(&other).next > event_now());
	assert_logged("10.0.0.3 mark 0: charon refuses: CHILD_SA config");
	assert_true(is_up());
	fake.refuses = NULL;
	run_until(other_is_up);
	assert_int_equal(downs, 0);
}

static void test_refused_load(void **state)
{
	(void)state;
	check_refused("load-conn");
}

static void test_refused_initiate(void **state)
{
	(void)state;
	check_refused("initiate");
}

/* The connection for whoever comes: a proposal that charon does not know. */
static bool is_told(void)
{
	return charon_refusal(charon)[0];
}

static void test_refused_profile(void **state)
{
	(void)state;
	fake.refuses = "load-conn";
	fake_start(&fake);
	begin(getuid());
	run_until(is_told);
	assert_string_equal(charon_refusal(charon),
			    "the connection that peers find: CHILD_SA config 'gre' not found");
	assert_logged("charon refuses: the connection that peers find: CHILD_SA");
}

static bool is_loaded(void)
{
	return fake.n_conns;
}

/* `swanctl --load-all` takes the connections away; peers must find us again. */
static void test_unloaded(void **state)
{
	(void)state;
	fake_start(&fake);
	begin(getuid());
	charon_set_checks(charon, 50, 50);
	run_until(is_current);
	assert_true(is_loaded());
	for (unsigned int i = 0; i < 2; i++) {
		fake.n_conns = 0;
		run_until(is_loaded);
	}
	assert_logged("somebody has unloaded nhrpd-any-10.0.0.1, loaded again");
	assert_int_equal(fake.loads, 3);
}

static bool is_begun_anew(void)
{
	return fake.initiated == 2 && is_up();
}

/* When two rekeys collide charon drops the loser's new child without an event;
 * that it does not have it shows when the kernel has lost that and it is asked
 * to rekey it. */
static void test_phantom_child(void **state)
{
	(void)state;
	begin_well();
	fake_forget_sa(&fake, 1);
	fake.refuses = "rekey";
	charon_sa_gone(charon, 0x2001, false);
	run_until(is_begun_anew);
	assert_int_equal(peer(&remote).children, 1);
}

/* ---- whose socket ---- */

static void test_wrong_owner(void **state)
{
	(void)state;
	fake_start(&fake);
	begin(getuid() + 1);
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: the socket is not root's");
	assert_logged("charon is away: wrong-owner: the socket is not root's");
	assert_int_equal(fake.loads, 0);
}

/* A folder in which anybody can put another socket in its place. */
static void test_unsafe_path(void **state)
{
	const char *line = "charon is away: unsafe-path";

	(void)state;
	assert_int_equal(chmod(fake.folder, 0777), 0);
	fake_start(&fake);
	begin(getuid());
	run_until(is_troubled);
	assert_string_equal(charon_trouble(charon),
			    "charon is away: everybody may write in the socket's folder");
	assert_logged(line);
	/* once, however often it is tried */
	assert_null(strstr(strstr(logged(), line) + 1, line));
	assert_int_equal(fake.loads, 0);
	assert_int_equal(chmod(fake.folder, 01777), 0);
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
	fake_start(&fake);
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
	fake.mute = true;
	assert_non_null(sa_peer_get(sa, &local, &other, 0, event_now()));
	run_until(is_stale);
	/* what is not known to be there is not ended */
	assert_int_equal(sa_clear(sa, NULL, event_now()), 0);
	fake.mute = false;
	run_until(is_up);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(malformed), T(too_long), T(truncated), T(nonsense_event),
		T(nonsense_list), T(refused_list), T(late), T(mute),
		T(refused_load), T(refused_initiate), T(refused_profile),
		T(unloaded), T(phantom_child),
		T(wrong_owner), T(unsafe_path), T(no_socket), T(clear),
	};
	int failed;

	if (!fake_init(&fake, "badcharon"))
		return 1;
	assert_true(addr_parse("10.0.0.1", &local) &&
		    addr_parse("10.0.0.2", &remote) &&
		    addr_parse("10.0.0.3", &other));
	failed = cmocka_run_group_tests_name("badcharon", tests, NULL, NULL);
	fake_exit(&fake);
	return failed;
}
