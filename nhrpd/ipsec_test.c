/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsec_test: engine, ipsec.c, charon.c and the kernel's policies together, in
 * a network namespace of the test's own, against a charon that answers VICI as
 * 5.9.8 does and makes SAs that are only told of. All in one loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "charon.h"
#include "daemon.h"
#include "fake_charon.h"
#include "fake_world.h"
#include "ipsec.h"
#include "object.h"

#define PATIENCE	10000		/* ms until a test has failed */

static struct fake_charon fake;
static struct daemon d;
static struct daemon_iface iface[2];

/* ---- the engine's world ---- */

static unsigned int registrations;
static struct event_timer *timer, *patience;

static void op_send(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, const uint8_t *buf, size_t len)
{
	struct nhrp_packet p;

	(void)ctx, (void)ifindex, (void)nbma, (void)mark;
	assert_int_equal(nhrp_decode(buf, len, &p), NHRP_OK);
	registrations += p.type == NHRP_REGISTRATION_REQUEST;
}

static void op_need(void *ctx, unsigned int ifindex, const struct addr *nbma,
		    uint32_t mark, bool on)
{
	(void)ctx;
	ipsec_need(d.ipsec, ifindex, nbma, mark, on);
}

static struct engine_sa op_sa(void *ctx, unsigned int ifindex,
			      const struct addr *nbma, uint32_t mark)
{
	(void)ctx;
	return ipsec_sa(d.ipsec, ifindex, nbma, mark);
}

static uint32_t op_random(void *ctx)
{
	(void)ctx;
	return random();
}

static const struct engine_ops ops = {
	.send = op_send, .neigh_set = no_neigh_set,
	.neigh_del = no_neigh_del, .peer_set = no_peer_set,
	.peer_del = no_peer_del, .need = op_need, .sa = op_sa,
	.random = op_random, .log = no_log,
};

/* ---- the loop ---- */

static bool (*until)(void);

static void turn(void *ctx)
{
	(void)ctx;
	if (engine_deadline(d.engine) <= event_now())
		engine_run(d.engine, event_now());
	event_timer_set(timer, engine_deadline(d.engine));
	if (until())
		event_loop_stop(d.loop);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void too_long(void *ctx)
{
	(void)ctx;
	fail_msg("nothing happens; began: %s", fake.began);
}

static void run_until(bool (*what)(void))
{
	until = what;
	event_timer_set(patience, event_now() + PATIENCE);
	assert_int_equal(event_loop_run(d.loop), 0);
	event_timer_set(patience, UINT64_MAX);
}

static bool is_registering(void)
{
	return registrations;
}

static bool is_ended(void)
{
	return fake.terminated;
}

static bool is_far_end_begun(void)
{
	return strstr(fake.began, "nhrp-10.0.0.1-10.0.0.3 ");
}

/* ---- configuration ---- */

/* Two interfaces: a spoke, and one that is given its own lines. */
static struct conf *read_conf(const char *more)
{
	char text[2048], err[256];
	struct conf *c;
	FILE *f;

	snprintf(text, sizeof(text),
		 "crypto vici socket %s\n"
		 "crypto ipsec profile P\n"
		 " set identity local r6.lab\n"
		 "crypto ipsec profile Q\n"
		 "interface Tunnel0\n"
		 " ip address 192.168.1.6 255.255.255.0\n"
		 " ip nhrp network-id 1\n"
		 " ip nhrp nhs 192.168.1.1 nbma 10.0.0.2\n"
		 " tunnel key 42\n"
		 " tunnel protection ipsec profile P\n"
		 "interface Tunnel1\n%s", fake.path, more);
	f = fmemopen(text, strlen(text), "r");
	c = conf_read(f, "f", err, sizeof(err), NULL, NULL);
	fclose(f);
	if (!c)
		fail_msg("%s", err);
	return c;
}

static bool protect(unsigned int k, const char *local, char *why)
{
	struct addr a = A(local);

	iface[k].conf = &d.conf->iface[k];
	if (!ipsec_protect(d.ipsec, &iface[k], &a, why))
		return false;
	return !engine_iface_set(d.engine, iface[k].ifindex, iface[k].conf, &a,
				 event_now());
}

static unsigned int blocks_of(const char *local)
{
	char cmd[128];
	unsigned int n = 0;
	FILE *f;

	snprintf(cmd, sizeof(cmd),
		 "ip xfrm policy | grep -c '%s/32 .*proto gre'", local);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void begin(const char *more)
{
	d.loop = event_loop_new();
	d.conf = read_conf(more);
	d.engine = engine_new(&ops, NULL);
	d.ipsec = ipsec_new(&d);
	timer = event_timer_new(d.loop, nothing, NULL);
	patience = event_timer_new(d.loop, too_long, NULL);
	assert_int_equal(event_after_turn(d.loop, turn, NULL), 0);
	for (unsigned int k = 0; k < 2; k++)
		iface[k] = (struct daemon_iface){ .ifindex = 3 + k,
						  .running = true };
	fake_reset(&fake, d.loop);
	registrations = 0;
}

static void end(void)
{
	engine_free(d.engine);
	ipsec_free(d.ipsec);
	fake_stop(&fake);
	event_timer_free(timer);
	event_timer_free(patience);
	event_loop_free(d.loop);
	conf_free(d.conf);
}

/* ---- tests ---- */

/* From a line in the file to a registration through an SA. */
static void test_spoke(void **state)
{
	struct addr hub = A("10.0.0.2");
	const struct json_object *child;
	char why[DAEMON_REASON];
	struct json_object *o;
	struct engine_sa sa;

	(void)state;
	begin("");
	assert_true(protect(0, "10.0.0.1", why));
	assert_int_equal(blocks_of("10.0.0.1"), 2);	/* before charon */
	sa = ipsec_sa(d.ipsec, 3, &hub, 0);
	assert_int_equal(sa.state, ENGINE_SA_UNKNOWN);
	assert_non_null(strstr(sa.reason, "charon is away"));
	fake_start(&fake);
	registrations = 0;
	run_until(is_registering);
	assert_string_equal(fake.began, "nhrp-10.0.0.1-10.0.0.2 ");
	sa = ipsec_sa(d.ipsec, 3, &hub, 0);
	assert_int_equal(sa.state, ENGINE_SA_UP);
	assert_string_equal(sa.identity, "hub.lab");
	o = ipsec_object(d.ipsec, event_now());
	assert_true(object_get_bool(object_get(o, "charon"), "up"));
	assert_int_equal(object_get_len(o, "peers"), 1);
	assert_string_equal(object_get_str(object_get_at(o, "peers", 0),
					   "state"), "up");
	json_object_put(o);
	/* this charon has nothing in the kernel */
	o = ipsec_crypto_object(d.ipsec, event_now());
	child = object_get_at(object_get_at(o, "peers", 0), "child_sas", 0);
	assert_true(object_get_bool(child, "in_use"));
	assert_string_equal(object_get_str(child, "mode"), "transport");
	assert_string_equal(object_get_str(object_get(child, "inbound"), "spi"),
			    "0x00001001");
	assert_false(object_get_bool(object_get(child, "outbound"),
				     "installed"));
	assert_string_equal(object_get_str(object_get(child, "ike"),
					   "initiator_spi"),
			    "0000000000000001");
	json_object_put(o);
	/* another address: what was needed is needed from there */
	registrations = 0;
	assert_true(protect(0, "10.0.0.11", why));
	assert_int_equal(blocks_of("10.0.0.11"), 2);
	assert_int_equal(blocks_of("10.0.0.1"), 0);
	run_until(is_ended);
	run_until(is_registering);
	assert_string_equal(fake.began, "nhrp-10.0.0.1-10.0.0.2 nhrp-10.0.0.11-10.0.0.2 ");
	/* the section goes */
	fake.terminated = 0;
	engine_iface_del(d.engine, 3, event_now());
	ipsec_leave(d.ipsec, &iface[0]);
	assert_int_equal(blocks_of("10.0.0.11"), 0);
	run_until(is_ended);
	end();
}

/* Blocks of a daemon before this one stay until all is protected. */
static void test_tidy(void **state)
{
	char why[DAEMON_REASON];
	struct addr none = { 0 };

	(void)state;
	assert_int_equal(system("ip xfrm policy add dir out src 10.9.9.9/32 proto gre key 7 action block priority 4000047"), 0);
	begin("");
	fake_start(&fake);
	iface[0].conf = &d.conf->iface[0];
	assert_true(ipsec_protect(d.ipsec, &iface[0], &none, why));
	ipsec_tidy(d.ipsec);
	assert_int_equal(blocks_of("10.9.9.9"), 1);
	assert_true(protect(0, "10.0.0.1", why));
	ipsec_tidy(d.ipsec);
	assert_int_equal(blocks_of("10.9.9.9"), 0);
	assert_int_equal(blocks_of("10.0.0.1"), 2);
	end();
	assert_int_equal(blocks_of("10.0.0.1"), 2);	/* they stay */
	assert_int_equal(system("ip xfrm policy flush"), 0);
}

/* Two tunnels of one address share SAs, and have to share the profile. */
static void test_shared(void **state)
{
	char why[DAEMON_REASON];

	(void)state;
	begin(" tunnel key 43\n tunnel protection ipsec profile Q\n");
	fake_start(&fake);
	assert_true(protect(0, "10.0.0.1", why));
	assert_false(protect(1, "10.0.0.1", why));
	assert_string_equal(why, "tunnel protection: 10.0.0.1 is used with another profile");
	assert_int_equal(blocks_of("10.0.0.1"), 2);
	conf_free(d.conf);
	d.conf = read_conf(" tunnel key 43\n tunnel protection ipsec profile P shared\n");
	assert_true(protect(0, "10.0.0.1", why));
	assert_true(protect(1, "10.0.0.1", why));
	assert_int_equal(blocks_of("10.0.0.1"), 4);
	ipsec_leave(d.ipsec, &iface[1]);
	assert_int_equal(blocks_of("10.0.0.1"), 2);
	end();
	assert_int_equal(system("ip xfrm policy flush"), 0);
}

/* Another profile for the address: begun anew, and blocked all the time. */
static void test_renamed(void **state)
{
	char why[DAEMON_REASON];
	struct sa_info i;
	struct addr local = A("10.0.0.21"), hub = A("10.0.0.3");

	(void)state;
	begin(" tunnel destination 10.0.0.3\n tunnel protection ipsec profile Q\n");
	fake_start(&fake);
	assert_true(protect(1, "10.0.0.21", why));
	assert_true(sa_find(charon_sa(ipsec_charon(d.ipsec)), &local, &hub, 0, &i));
	assert_string_equal(i.source.profile, "Q");
	conf_free(d.conf);
	d.conf = read_conf(" tunnel destination 10.0.0.3\n tunnel protection ipsec profile P\n");
	assert_true(protect(1, "10.0.0.21", why));
	assert_int_equal(blocks_of("10.0.0.21"), 2);
	assert_true(sa_find(charon_sa(ipsec_charon(d.ipsec)), &local, &hub, 0, &i));
	assert_string_equal(i.source.profile, "P");
	assert_int_equal(i.need, 1);
	/* protection ends */
	conf_free(d.conf);
	d.conf = read_conf(" tunnel destination 10.0.0.3\n");
	assert_true(protect(1, "10.0.0.21", why));
	assert_int_equal(blocks_of("10.0.0.21"), 0);
	assert_false(sa_find(charon_sa(ipsec_charon(d.ipsec)), &local, &hub, 0, &i));
	end();
}

/* The far end of a point-to-point tunnel needs no line of NHRP. */
static void test_destination(void **state)
{
	char why[DAEMON_REASON];

	(void)state;
	begin(" tunnel destination 10.0.0.3\n tunnel protection ipsec profile P\n");
	fake_start(&fake);
	fake.deaf = true;
	assert_true(protect(0, "10.0.0.1", why));
	assert_true(protect(1, "10.0.0.1", why));
	run_until(is_far_end_begun);
	end();
	assert_int_equal(system("ip xfrm policy flush"), 0);
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0;
	close(fd);
}

/* A network of our own, as root of it. */
static bool enter_namespace(void)
{
	unsigned int uid = getuid();
	char map[32];

	if (!unshare(CLONE_NEWNET))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	return !getuid();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoke),
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_destination),
	};
	int ret;

	if (!enter_namespace() || system("ip xfrm policy flush")) {
		printf("no network namespace, or no XFRM in it: nothing tested\n");
		return 0;
	}
	if (!fake_init(&fake, "ipsec_test"))
		return 1;
	ret = cmocka_run_group_tests_name("ipsec", tests, NULL, NULL);
	fake_exit(&fake);
	return ret;
}
