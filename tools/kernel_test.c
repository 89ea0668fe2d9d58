/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the kernel's messages: attributes to objects, events told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/dmvpn.h>

#include "commands.h"
#include "kernel.h"
#include "route.h"

static char buf[4096];

static struct nlmsghdr *message(uint8_t cmd)
{
	struct nlmsghdr *h;
	struct genlmsghdr *g;

	memset(buf, 0, sizeof(buf));
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = 30;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->cmd = cmd;
	return h;
}

static void put_addr(struct nlmsghdr *h, uint16_t attr, const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	nl_put_addr(h, attr, &a);
}

static void test_resolve(void **state)
{
	struct nlmsghdr *h = message(DMVPN_CMD_RESOLVE_NTF);
	struct json_object *o;

	(void)state;
	mnl_attr_put_u32(h, DMVPN_EVENT_A_IFINDEX, 1);
	put_addr(h, DMVPN_EVENT_A_NEXTHOP, "192.168.1.6");
	put_addr(h, DMVPN_EVENT_A_SRC, "8.8.8.8");
	put_addr(h, DMVPN_EVENT_A_DST, "66.66.66.66");
	o = kernel_event(h);
	assert_string_equal(object_get_str(o, "source"), "kernel");
	assert_string_equal(object_get_str(o, "event"), "resolve");
	assert_string_equal(object_get_str(o, "interface"), "lo");
	assert_string_equal(object_get_str(o, "protocol"), "192.168.1.6");
	assert_string_equal(object_get_str(o, "source_address"), "8.8.8.8");
	assert_string_equal(object_get_str(o, "destination"), "66.66.66.66");
	assert_true(object_is_null(o, "ingress_nbma"));
	json_object_put(o);
}

static void test_neigh(void **state)
{
	struct nlmsghdr *h = message(DMVPN_CMD_NEIGH_EXPIRED_NTF);
	struct json_object *o;
	char words[64];

	(void)state;
	mnl_attr_put_u32(h, DMVPN_NEIGH_A_IFINDEX, 1);
	put_addr(h, DMVPN_NEIGH_A_ADDR, "10.0.0.7");
	mnl_attr_put_u32(h, DMVPN_NEIGH_A_ID, 7);
	put_addr(h, DMVPN_NEIGH_A_NBMA, "192.0.2.7");
	mnl_attr_put_u32(h, DMVPN_NEIGH_A_MARK, 0x10000);
	nl_put_flags(h, DMVPN_NEIGH_A_FLAGS, 1u << 31 | DMVPN_NEIGH_F_UNIQUE |
		     DMVPN_NEIGH_F_REGISTERED, ~0u);
	mnl_attr_put_u32(h, DMVPN_NEIGH_A_EXPIRES, 1500);
	mnl_attr_put_u32(h, DMVPN_NEIGH_A_REFRESH, 0);
	mnl_attr_put(h, DMVPN_NEIGH_A_COOKIE, 3, "\x00\xab\x10");
	mnl_attr_put_u64(h, DMVPN_NEIGH_A_CREATED, 90061001);
	o = kernel_event(h);
	assert_string_equal(object_get_str(o, "event"), "expired");
	assert_string_equal(object_get_str(o, "protocol"), "10.0.0.7");
	assert_string_equal(object_get_str(o, "nbma"), "192.0.2.7");
	assert_int_equal(object_get_uint(o, "mark"), 0x10000);
	assert_string_equal(object_get_words(o, "flags", " ", words, 64),
			    "registered unique unknown-31");
	assert_string_equal(json_object_get_string(
		object_get(o, "expires_seconds")), "1.500");
	assert_true(object_is_null(o, "refresh_seconds"));
	assert_true(object_is_null(o, "used_seconds"));
	assert_string_equal(object_get_str(o, "cookie"), "00ab10");
	assert_string_equal(json_object_get_string(
		object_get(o, "created_seconds")), "90061.001");
	json_object_put(o);
}

static void test_peer(void **state)
{
	struct nlmsghdr *h = message(DMVPN_CMD_PEER_CHANGED_NTF);
	struct json_object *o;

	(void)state;
	mnl_attr_put_u32(h, DMVPN_PEER_A_IFINDEX, 1);
	put_addr(h, DMVPN_PEER_A_NBMA, "2001:db8::7");
	mnl_attr_put_u32(h, DMVPN_PEER_A_MARK, 0);
	mnl_attr_put_u32(h, DMVPN_PEER_A_ID, 9);
	nl_put_flags(h, DMVPN_PEER_A_FLAGS, DMVPN_PEER_F_NHS, ~0u);
	mnl_attr_put_u64(h, DMVPN_PEER_A_TX_BYTES, UINT64_MAX);
	o = kernel_event(h);
	assert_string_equal(object_get_str(o, "event"), "peer-changed");
	assert_string_equal(object_get_str(o, "nbma"), "2001:db8::7");
	assert_true(object_has_word(o, "peer_flags", "nhs"));
	assert_int_equal(object_get_uint(o, "peer_id"), 9);
	assert_string_equal(json_object_to_json_string(
		object_get(o, "tx_bytes")), "18446744073709551615");
	json_object_put(o);
}

static void test_shortcut(void **state)
{
	struct nlmsghdr *h = message(DMVPN_CMD_SHORTCUT_DELETED_NTF);
	struct json_object *o;

	(void)state;
	mnl_attr_put_u32(h, DMVPN_SHORTCUT_A_IFINDEX, 1);
	put_addr(h, DMVPN_SHORTCUT_A_PREFIX, "10.3.0.0");
	mnl_attr_put_u8(h, DMVPN_SHORTCUT_A_PREFIXLEN, 16);
	put_addr(h, DMVPN_SHORTCUT_A_NEXTHOP, "10.0.0.7");
	o = kernel_event(h);
	assert_string_equal(object_get_str(o, "prefix"), "10.3.0.0/16");
	assert_int_equal(object_get_uint(o, "prefix_length"), 16);
	assert_string_equal(object_get_str(o, "nexthop"), "10.0.0.7");
	assert_true(object_is_null(o, "via"));
	json_object_put(o);
}

static void put_prefix(struct nlmsghdr *h)
{
	mnl_attr_put_u32(h, DMVPN_SHORTCUT_A_IFINDEX, 1);
	put_addr(h, DMVPN_SHORTCUT_A_PREFIX, "10.3.0.0");
	mnl_attr_put_u8(h, DMVPN_SHORTCUT_A_PREFIXLEN, 16);
	put_addr(h, DMVPN_SHORTCUT_A_NEXTHOP, "10.0.0.7");
}

static struct nlmsghdr *redirect(void)
{
	struct nlmsghdr *h = message(DMVPN_CMD_REDIRECT_NTF);

	mnl_attr_put_u32(h, DMVPN_EVENT_A_IFINDEX, 1);
	put_addr(h, DMVPN_EVENT_A_SRC, "172.16.4.1");
	put_addr(h, DMVPN_EVENT_A_DST, "172.16.5.1");
	put_addr(h, DMVPN_EVENT_A_NBMA, "150.1.5.5");
	put_addr(h, DMVPN_EVENT_A_INGRESS_NBMA, "150.1.4.4");
	mnl_attr_put(h, DMVPN_EVENT_A_HEAD, 20, "12345678901234567890");
	return h;
}

static void expect_line(struct nlmsghdr *h, const char *want)
{
	struct json_object *o = kernel_event(h);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(o);
	monitor_print(out, o);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	json_object_put(o);
}

/* What an operator reads of hairpins, silent peers and shortcuts. */
static void test_lines(void **state)
{
	struct nlmsghdr *h;

	(void)state;
	expect_line(redirect(), "  kernel  redirect   lo 172.16.4.1 to "
		    "172.16.5.1 hairpins from 150.1.4.4 to 150.1.5.5\n");
	h = message(DMVPN_CMD_REDIRECT_NTF);
	mnl_attr_put_u32(h, DMVPN_EVENT_A_IFINDEX, 1);
	put_addr(h, DMVPN_EVENT_A_SRC, "172.16.4.1");
	put_addr(h, DMVPN_EVENT_A_DST, "172.16.5.1");
	expect_line(h, "  kernel  redirect   lo 172.16.4.1 to 172.16.5.1 "
		    "hairpins\n");
	h = message(DMVPN_CMD_ONEWAY_NTF);
	mnl_attr_put_u32(h, DMVPN_EVENT_A_IFINDEX, 1);
	put_addr(h, DMVPN_EVENT_A_NBMA, "150.1.5.5");
	expect_line(h, "  kernel  oneway     lo nbma 150.1.5.5 is sent to, "
		    "but not heard\n");
	h = message(DMVPN_CMD_SHORTCUT_CHANGED_NTF);
	put_prefix(h);
	put_addr(h, DMVPN_SHORTCUT_A_VIA, "10.0.0.3");
	mnl_attr_put_u32(h, DMVPN_SHORTCUT_A_EXPIRES, 7200000);
	expect_line(h, "  kernel  shortcut-changed lo 10.3.0.0/16 to 10.0.0.7 "
		    "while via 10.0.0.3 expires 7200.000\n");
	h = message(DMVPN_CMD_SHORTCUT_EXPIRED_NTF);
	put_prefix(h);
	expect_line(h, "  kernel  shortcut-expired lo 10.3.0.0/16 to "
		    "10.0.0.7\n");
}

static struct nlmsghdr *route(uint8_t family, uint8_t plen, const char *dst,
			      const char *gateway)
{
	struct nlmsghdr *h;
	struct rtmsg *rtm;

	memset(buf, 0, sizeof(buf));
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = RTM_NEWROUTE;
	rtm = mnl_nlmsg_put_extra_header(h, sizeof(*rtm));
	rtm->rtm_family = family;
	rtm->rtm_dst_len = plen;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_protocol = RTPROT_BGP;
	if (dst)
		put_addr(h, RTA_DST, dst);
	if (gateway)
		put_addr(h, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(h, RTA_OIF, 1);
	return h;
}

static void expect_route(const struct nlmsghdr *h, const char *want)
{
	struct json_object *o;
	struct route r;

	assert_true(route_parse(h, &r));
	o = route_object(&r);
	assert_string_equal(json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
		want);
	json_object_put(o);
}

static void test_route(void **state)
{
	struct nlmsghdr *h;
	struct route r;

	(void)state;
	expect_route(route(AF_INET, 16, "172.16.0.0", "10.0.0.3"),
		     "{\"prefix\":\"172.16.0.0/16\",\"prefix_length\":16,"
		     "\"gateway\":\"10.0.0.3\",\"dev\":\"lo\","
		     "\"type\":\"unicast\",\"protocol\":\"bgp\"}");
	expect_route(route(AF_INET6, 0, NULL, NULL),
		     "{\"prefix\":\"::/0\",\"prefix_length\":0,"
		     "\"gateway\":null,\"dev\":\"lo\","
		     "\"type\":\"unicast\",\"protocol\":\"bgp\"}");
	/* An IPv4 route through an IPv6 next hop (RFC 5549). */
	h = route(AF_INET, 24, "172.16.5.0", NULL);
	mnl_attr_put(h, RTA_VIA, 18, "\x0a\x00\xfe\x80\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\x05");
	expect_route(h, "{\"prefix\":\"172.16.5.0/24\",\"prefix_length\":24,"
		     "\"gateway\":\"fe80::5\",\"dev\":\"lo\","
		     "\"type\":\"unicast\",\"protocol\":\"bgp\"}");
	/* Words that this build does not know show as numbers. */
	h = route(AF_INET, 24, "172.16.5.0", NULL);
	((struct rtmsg *)mnl_nlmsg_get_payload(h))->rtm_protocol = 201;
	assert_true(route_parse(h, &r));
	assert_int_equal(r.protocol, 201);
	h->nlmsg_type = RTM_DELROUTE;
	assert_false(route_parse(h, &r));
	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_len = sizeof(*h) + 4;
	assert_false(route_parse(h, &r));
}

/* What is no event, or says too little, is none; odd lengths do not hurt. */
static void test_odd(void **state)
{
	struct nlmsghdr *h = message(DMVPN_CMD_PEER_SET);
	struct json_object *o;

	(void)state;
	mnl_attr_put_u32(h, DMVPN_EVENT_A_IFINDEX, 1);
	assert_null(kernel_event(h));
	assert_null(kernel_event(message(DMVPN_CMD_RESOLVE_NTF)));
	assert_null(kernel_event(message(200)));
	h = message(DMVPN_CMD_RESOLVE_NTF);
	h->nlmsg_len = sizeof(*h);
	assert_null(kernel_event(h));
	h = message(DMVPN_CMD_NEIGH_EXPIRED_NTF);
	mnl_attr_put_u32(h, DMVPN_NEIGH_A_IFINDEX, 1);
	mnl_attr_put(h, DMVPN_NEIGH_A_ADDR, 5, "12345");
	mnl_attr_put(h, DMVPN_NEIGH_A_FLAGS, 3, "123");
	mnl_attr_put(h, DMVPN_NEIGH_A_EXPIRES, 0, NULL);
	mnl_attr_put(h, 63, 4, "1234");
	mnl_attr_put(h, 1000, 4, "1234");
	o = kernel_event(h);
	assert_true(object_is_null(o, "protocol"));
	assert_int_equal(object_get_len(o, "flags"), 0);
	assert_true(object_is_null(o, "expires_seconds"));
	json_object_put(o);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_neigh),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_shortcut),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
