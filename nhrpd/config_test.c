/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_test: every line that the dialect has, every refusal with its exact
 * words, every limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static char err[512];
static char notices[8192];
static unsigned int n_notices;

static void keep_notice(void *ctx, const char *text)
{
	assert_ptr_equal(ctx, notices);
	n_notices++;
	strncat(notices, text, sizeof(notices) - strlen(notices) - 1);
	strncat(notices, "\n", sizeof(notices) - strlen(notices) - 1);
}

static struct conf *read_bytes(const void *bytes, size_t len)
{
	FILE *f = len ? fmemopen((void *)bytes, len, "r") :
		  fopen("/dev/null", "r");
	struct conf *c;

	notices[0] = '\0';
	n_notices = 0;
	strcpy(err, "stale");
	c = conf_read(f, "f", err, sizeof(err), keep_notice, notices);
	fclose(f);
	if (c)
		assert_string_equal(err, "");
	return c;
}

static struct conf *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* One interface section, Tunnel0, of these lines; it must be taken. */
static struct conf *section(const char *lines)
{
	char text[4096];
	struct conf *c;

	snprintf(text, sizeof(text), "interface Tunnel0\n%s", lines);
	c = read_text(text);
	if (!c)
		fail_msg("refused: %s", err);
	assert_int_equal(c->n_ifaces, 1);
	return c;
}

static void expect_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_text(a, buf), text);
}

/* ---- what is taken ---- */

static void test_empty(void **state)
{
	struct conf *c = read_text("");

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->n_ifaces, 0);
	assert_string_equal(c->control_socket, "");
	assert_null(conf_find(c, "Tunnel0"));
	conf_free(c);
	conf_free(NULL);
}

static void test_defaults(void **state)
{
	struct conf *c = section("");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV4];

	(void)state;
	assert_ptr_equal(conf_find(c, "Tunnel0"), i);
	assert_int_equal(i->line, 1);
	assert_int_equal(n->holdtime, 7200);
	assert_int_equal(n->reg_interval, 0);
	assert_int_equal(n->network_id, 0);
	assert_int_equal(i->mtu, 0);
	assert_false(n->shortcut || n->redirect || n->server_only ||
		     n->no_unique || n->multicast_dynamic || i->has_key ||
		     i->ipsec_required || i->if_state);
	assert_int_equal(n->fallback, 0);
	assert_int_equal(n->n_cluster, 0);
	expect_addr(&n->addr, "none");
	expect_addr(&i->source, "none");
	expect_addr(&i->destination, "none");
	assert_int_equal(n->n_nhs + n->n_map, 0);
	conf_free(c);
}

/* The three routers of the phase 3 document, word for word. */
static void test_phase3_hub(void **state)
{
	struct conf *c = section(" ip address 10.0.0.3 255.255.255.0\n"
				 " no ip redirects\n"
				 " ip nhrp map multicast dynamic\n"
				 " ip nhrp network-id 345\n"
				 " ip nhrp shortcut\n"
				 " ip nhrp redirect\n"
				 " no ip split-horizon eigrp 345\n"
				 " tunnel source Loopback0\n"
				 " tunnel mode gre multipoint\n");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV4];

	(void)state;
	expect_addr(&n->addr, "10.0.0.3");
	assert_int_equal(n->plen, 24);
	assert_true(n->multicast_dynamic && n->shortcut && n->redirect);
	assert_int_equal(n->network_id, 345);
	assert_string_equal(i->source_dev, "Loopback0");
	assert_int_equal(n->n_map, 0);
	assert_string_equal(notices,
			    "f:8: 'no ip split-horizon eigrp 345' belongs to the routing daemon, nothing done\n");
	conf_free(c);
}

static void check_phase3_spoke(const char *addr)
{
	char text[512];
	struct conf_iface *i;
	struct conf_nhrp *n;
	struct conf *c;

	snprintf(text, sizeof(text), " ip address %s 255.255.255.0\n"
				     " no ip redirects\n"
				     " ip nhrp map 10.0.0.3 150.1.3.3\n"
				     " ip nhrp map multicast 150.1.3.3\n"
				     " ip nhrp network-id 345\n"
				     " ip nhrp nhs 10.0.0.3\n"
				     " ip nhrp registration timeout 120\n"
				     " ip nhrp shortcut\n"
				     " tunnel source Loopback0\n"
				     " tunnel mode gre multipoint\n", addr);
	c = section(text);
	i = &c->iface[0];
	n = &i->nhrp[CONF_IPV4];
	expect_addr(&n->addr, addr);
	assert_true(n->shortcut && !n->redirect);
	assert_int_equal(n->network_id, 345);
	assert_string_equal(i->source_dev, "Loopback0");
	assert_int_equal(n->n_map, 2);
	expect_addr(&n->map[0].proto, "10.0.0.3");
	expect_addr(&n->map[0].nbma, "150.1.3.3");
	assert_false(n->map[0].multicast);
	expect_addr(&n->map[1].proto, "none");
	expect_addr(&n->map[1].nbma, "150.1.3.3");
	assert_true(n->map[1].multicast);
	assert_int_equal(n->n_nhs, 1);
	expect_addr(&n->nhs[0].proto, "10.0.0.3");
	expect_addr(&n->nhs[0].nbma, "none");
	assert_int_equal(conf_reg_interval(n), 120);
	assert_int_equal(n_notices, 0);
	conf_free(c);
}

static void test_phase3_spokes(void **state)
{
	(void)state;
	check_phase3_spoke("10.0.0.4");
	check_phase3_spoke("10.0.0.5");
}

/* Phase 2: the section that turns a spoke multipoint. */
static void test_phase2(void **state)
{
	struct conf *c = section(" no tunnel destination 1.1.1.1\n"
				 " tunnel mode gre multipoint\n"
				 "end\n");

	(void)state;
	expect_addr(&c->iface[0].destination, "none");
	conf_free(c);
}

static void test_every_value(void **state)
{
	struct conf *c = section(" ip address 10.1.2.3/16\n"
				 " ip mtu 1400\n"
				 " ip nhrp authentication 12345678\n"
				 " ip nhrp holdtime 600\n"
				 " ip nhrp registration no-unique\n"
				 " ip nhrp registration limit 2\n"
				 " ip nhrp redirect timeout 9\n"
				 " ip nhrp server-only\n"
				 " ip nhrp nhs fallback 60\n"
				 " if-state nhrp\n"
				 " tunnel source 192.0.2.1\n"
				 " tunnel destination 192.0.2.2\n"
				 " tunnel mode gre ip\n"
				 " tunnel key 4294967295\n"
				 " tunnel strict-source\n"
				 " tunnel protection ipsec profile P shared\n"
				 " no shutdown\n");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV4];

	(void)state;
	expect_addr(&n->addr, "10.1.2.3");
	assert_int_equal(n->plen, 16);
	assert_int_equal(i->mtu, 1400);
	assert_string_equal(n->auth, "12345678");
	assert_int_equal(n->holdtime, 600);
	assert_true(n->no_unique && n->redirect && n->server_only);
	assert_int_equal(n->reg_limit, 2);
	assert_int_equal(n->redirect_timeout, 9);
	assert_int_equal(n->fallback, 60);
	assert_true(i->if_state && i->strict_source);
	expect_addr(&i->source, "192.0.2.1");
	expect_addr(&i->destination, "192.0.2.2");
	assert_true(i->has_key);
	assert_int_equal(i->key, UINT32_MAX);
	assert_true(i->ipsec_required);
	assert_string_equal(i->protection, "P");
	assert_string_equal(notices, "f:17: Tunnel0: without a 'crypto ipsec profile P' section somebody else has to make the SAs\n");
	conf_free(c);
}

/* A `no` line takes back what the section said before. */
static void test_every_no(void **state)
{
	struct conf *c = section(" ip address 10.1.2.3/16\n no ip address\n"
				 " ip mtu 1400\n no ip mtu\n"
				 " ip nhrp authentication k\n"
				 " no ip nhrp authentication k\n"
				 " no ip nhrp authentication\n"
				 " ip nhrp network-id 1\n no ip nhrp network-id\n"
				 " ip nhrp holdtime 600\n no ip nhrp holdtime\n"
				 " ip nhrp registration timeout 5\n"
				 " no ip nhrp registration timeout\n"
				 " ip nhrp registration no-unique\n"
				 " no ip nhrp registration no-unique\n"
				 " ip nhrp redirect timeout 9\n"
				 " no ip nhrp redirect\n"
				 " ip nhrp shortcut\n no ip nhrp shortcut\n"
				 " ip nhrp server-only\n"
				 " no ip nhrp server-only\n"
				 " ip nhrp nhs fallback 60\n"
				 " no ip nhrp nhs fallback\n"
				 " ip nhrp nhs cluster 1 max-connections 2\n"
				 " no ip nhrp nhs cluster 1 max-connections 2\n"
				 " ip nhrp nhs cluster 1 max-connections 2\n"
				 " no ip nhrp nhs cluster 1 max-connections\n"
				 " no ip nhrp nhs cluster 9 max-connections\n"
				 " if-state nhrp\n no if-state nhrp\n"
				 " ip nhrp map multicast dynamic\n"
				 " no ip nhrp map multicast dynamic\n"
				 " tunnel source 192.0.2.1\n no tunnel source\n"
				 " tunnel source eth0\n no tunnel source\n"
				 " tunnel vrf ISP\n no tunnel vrf\n"
				 " tunnel vrf ISP\n no tunnel vrf ISP\n"
				 " tunnel destination 1.1.1.1\n"
				 " no tunnel destination 1.1.1.1\n"
				 " tunnel destination 1.1.1.1\n"
				 " no tunnel destination\n"
				 " tunnel key 1\n no tunnel key\n"
				 " tunnel protection ipsec profile P\n"
				 " no tunnel protection ipsec profile P\n"
				 " tunnel protection ipsec profile P\n"
				 " no tunnel protection\n");
	struct conf *none = section("");

	(void)state;
	/* read twice, or the padding between fields would count */
	assert_memory_equal(&c->iface[0], &none->iface[0],
			    sizeof(c->iface[0]));
	conf_free(c);
	conf_free(none);
}

static void test_ipsec(void **state)
{
	struct conf *c = read_text("crypto vici socket /run/other.vici\n"
				   "crypto netns /run/netns/wan\n"
				   "crypto ipsec profile HUB\n"
				   " set identity local hub.lab\n"
				   " set identity remote *.lab\n"
				   " set authentication certificate hub.pem\n"
				   " set ike-proposal aes256-sha256-ecp256\n"
				   " set esp-proposal aes256gcm16-ecp256\n"
				   " set security-association lifetime seconds 900\n"
				   " set security-association idle-time 60\n"
				   " set nat-marks\n"
				   "crypto ipsec profile PLAIN\n"
				   " set authentication psk\n"
				   "crypto ipsec profile ANY\n"
				   " set authentication certificate\n"
				   "interface Tunnel0\n"
				   " ip nhrp authorize r6.lab 10.0.0.6 66.0.0.0/8\n"
				   " ip nhrp authorize *.pool.lab 10.0.0.128/25\n"
				   " tunnel protection ipsec profile HUB\n");
	const struct conf_profile *p;
	struct conf_nhrp *n;

	(void)state;
	if (!c)
		fail_msg("refused: %s", err);
	assert_int_equal(n_notices, 0);
	assert_string_equal(c->vici_socket, "/run/other.vici");
	assert_string_equal(c->netns, "/run/netns/wan");
	assert_int_equal(c->n_profiles, 3);
	p = conf_profile(c, "HUB");
	assert_string_equal(p->local_id, "hub.lab");
	assert_string_equal(p->remote_id, "*.lab");
	assert_string_equal(p->auth, "pubkey");
	assert_string_equal(p->cert, "hub.pem");
	assert_string_equal(p->ike_proposal, "aes256-sha256-ecp256");
	assert_string_equal(p->esp_proposal, "aes256gcm16-ecp256");
	assert_int_equal(p->rekey, 900);
	assert_int_equal(p->idle, 60);
	assert_true(p->nat_marks);
	p = conf_profile(c, "PLAIN");
	assert_string_equal(p->auth, "psk");
	assert_string_equal(p->local_id, "");
	assert_false(p->nat_marks);
	p = conf_profile(c, "ANY");
	assert_string_equal(p->auth, "pubkey");
	assert_string_equal(p->cert, "");
	assert_null(conf_profile(c, "OTHER"));
	n = &c->iface[0].nhrp[CONF_IPV4];
	assert_int_equal(n->n_authorize, 3);
	assert_string_equal(n->authorize[1].identity, "r6.lab");
	expect_addr(&n->authorize[0].prefix, "10.0.0.6");
	assert_int_equal(n->authorize[0].plen, 32);
	assert_int_equal(n->authorize[1].plen, 8);
	assert_string_equal(n->authorize[2].identity, "*.pool.lab");
	conf_free(c);
}

static void test_nhs_forms(void **state)
{
	struct conf *c = section(" ip nhrp nhs 10.0.0.1 nbma 1.1.1.1\n"
				 " ip nhrp nhs 10.0.0.2 nbma hub-2.example.net multicast\n"
				 " ip nhrp nhs 10.0.0.3 nbma 3.3.3.3 multicast priority 255 cluster 7\n"
				 " ip nhrp nhs 10.0.0.4 priority 0 nbma 4.4.4.4\n"
				 " ip nhrp nhs dynamic nbma 5.5.5.5 multicast\n"
				 " ip nhrp nhs dynamic nbma hub.example.net\n");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV4];

	(void)state;
	assert_int_equal(n->n_nhs, 6);
	expect_addr(&n->nhs[0].nbma, "1.1.1.1");
	assert_false(n->nhs[0].multicast);
	expect_addr(&n->nhs[1].nbma, "none");
	assert_string_equal(n->nhs[1].fqdn, "hub-2.example.net");
	assert_true(n->nhs[1].multicast);
	assert_int_equal(n->nhs[2].priority, 255);
	assert_int_equal(n->nhs[2].cluster, 7);
	assert_true(n->nhs[2].multicast);
	expect_addr(&n->nhs[3].nbma, "4.4.4.4");
	expect_addr(&n->nhs[4].proto, "none");
	assert_true(n->nhs[4].multicast);
	assert_string_equal(n->nhs[5].fqdn, "hub.example.net");
	conf_free(c);
}

static void test_clusters(void **state)
{
	struct conf *c = section(" ip nhrp nhs cluster 0 max-connections 2\n"
				 " ip nhrp nhs cluster 7 max-connections 255\n"
				 " ip nhrp nhs cluster 255 max-connections 1\n"
				 " no ip nhrp nhs cluster 7 max-connections\n");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV4];

	(void)state;
	assert_int_equal(n->n_cluster, 2);
	assert_int_equal(n->cluster[0].cluster, 0);
	assert_int_equal(n->cluster[0].max, 2);
	assert_int_equal(n->cluster[1].cluster, 255);
	assert_int_equal(n->cluster[1].max, 1);
	conf_free(c);
}

/* The peer of a point-to-point tunnel is the NHS's NBMA address. */
static void test_nhs_of_destination(void **state)
{
	struct conf *c = section(" ip nhrp nhs 192.168.1.1\n"
				 " tunnel destination 1.1.1.1\n");

	(void)state;
	expect_addr(&c->iface[0].nhrp[CONF_IPV4].nhs[0].nbma, "1.1.1.1");
	conf_free(c);
}

/* NBMA addresses are IPv6 where the mode, or the tunnel's own address, is. */
static void test_over6(void **state)
{
	struct conf *c = section(" ip nhrp map multicast 2001:db8::3\n"
				 " ip nhrp map 10.0.0.2 2001:db8::2\n"
				 " ip nhrp nhs 10.0.0.3 nbma 2001:db8::3\n"
				 " ipv6 nhrp nhs dynamic nbma hub.example\n"
				 " tunnel source eth0\n"
				 " tunnel mode gre multipoint ipv6\n");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV4];

	(void)state;
	assert_int_equal(i->underlay, CONF_IPV6);
	expect_addr(&n->map[0].nbma, "2001:db8::3");
	expect_addr(&n->map[1].nbma, "2001:db8::2");
	expect_addr(&n->nhs[0].nbma, "2001:db8::3");
	conf_free(c);
	c = section(" tunnel source 2001:db8::1\n");
	assert_int_equal(c->iface[0].underlay, CONF_IPV6);
	conf_free(c);
	c = section(" tunnel mode gre ipv6\n"
		    " tunnel destination 2001:db8::3\n"
		    " ip nhrp nhs 10.0.0.3\n");
	assert_int_equal(c->iface[0].underlay, CONF_IPV6);
	expect_addr(&c->iface[0].nhrp[CONF_IPV4].nhs[0].nbma, "2001:db8::3");
	conf_free(c);
	c = section(" tunnel source eth0\n");
	assert_int_equal(c->iface[0].underlay, CONF_IPV4);
	conf_free(c);
}

static void test_layout(void **state)
{
	struct conf *c = read_text("! comment\n"
				   "#comment\n"
				   "\n"
				   "nhrp control socket /run/x.sock\r\n"
				   "interface Tunnel0\r\n"
				   "\t ip\tnhrp   network-id  7 \r\n"
				   " ! ip nhrp foo\n"
				   "exit\n"
				   "interface Tunnel1\n"
				   " ip nhrp network-id 8\n"
				   "end");

	(void)state;
	if (!c)
		fail_msg("refused: %s", err);
	assert_string_equal(c->control_socket, "/run/x.sock");
	assert_int_equal(c->n_ifaces, 2);
	assert_int_equal(c->iface[0].nhrp[CONF_IPV4].network_id, 7);
	assert_int_equal(c->iface[1].nhrp[CONF_IPV4].network_id, 8);
	assert_int_equal(c->iface[1].line, 9);
	assert_ptr_equal(conf_find(c, "Tunnel1"), &c->iface[1]);
	conf_free(c);
}

/* ---- IPv6 ---- */

static void test_v6(void **state)
{
	struct conf *c = section(" ipv6 enable\n"
				 " ipv6 address 2001:db8::6/64\n"
				 " ipv6 address fe80::6 link-local\n"
				 " no ipv6 redirects\n"
				 " ipv6 mtu 1400\n"
				 " ipv6 nhrp map multicast 1.1.1.1\n"
				 " ipv6 nhrp map 2001:db8::1/128 1.1.1.1\n"
				 " ipv6 nhrp map 2001:db8::2 1.1.1.2\n"
				 " ipv6 nhrp network-id 6\n"
				 " ipv6 nhrp nhs 2001:db8::1 priority 3\n"
				 " ipv6 nhrp nhs 2001:db8::3 nbma hub.example.net multicast\n"
				 " ipv6 nhrp nhs dynamic nbma 3.3.3.3\n"
				 " tunnel source eth0\n");
	struct conf_iface *i = &c->iface[0];
	struct conf_nhrp *n = &i->nhrp[CONF_IPV6];

	(void)state;
	expect_addr(&n->addr, "2001:db8::6");
	assert_int_equal(n->plen, 64);
	expect_addr(&n->link_local, "fe80::6");
	assert_int_equal(i->mtu, 1400);
	assert_int_equal(n->n_map, 3);
	expect_addr(&n->map[0].nbma, "1.1.1.1");
	assert_true(n->map[0].multicast);
	expect_addr(&n->map[1].proto, "2001:db8::1");
	expect_addr(&n->map[2].nbma, "1.1.1.2");
	assert_int_equal(n->n_nhs, 3);
	assert_int_equal(n->nhs[0].priority, 3);
	expect_addr(&n->nhs[1].proto, "2001:db8::3");
	assert_string_equal(n->nhs[1].fqdn, "hub.example.net");
	expect_addr(&n->nhs[2].nbma, "3.3.3.3");
	assert_int_equal(n->network_id, 6);
	assert_int_equal(i->nhrp[CONF_IPV4].network_id, 0);
	assert_int_equal(conf_network_id(i), 6);
	assert_int_equal(n_notices, 0);
	conf_free(c);
}

/* What says nothing of addresses, in the words of IPv4 and of IPv6. */
static void test_v6_mirrors_v4(void **state)
{
	static const char *const lines[] = {
		"authentication 12345678", "network-id 7", "holdtime 600",
		"registration timeout 5", "registration no-unique",
		"redirect timeout 9", "shortcut", "server-only",
		"map multicast dynamic", "map multicast 1.1.1.1",
		"nhs fallback 60", "nhs cluster 1 max-connections 2",
		"nhs cluster 2 max-connections 2",
		"nhs dynamic nbma hub.example.net multicast priority 2 cluster 1",
	};
	static const char *const nos[] = {
		"authentication", "network-id", "holdtime",
		"registration timeout", "registration no-unique", "redirect",
		"shortcut", "server-only", "map multicast dynamic",
		"nhs fallback", "nhs cluster 1 max-connections",
	};
	char v4[2048] = "", v6[2048] = "", line[128];
	struct conf *c, *d;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines) + ARRAY_SIZE(nos); i++) {
		bool no = i >= ARRAY_SIZE(lines);
		const char *words = no ? nos[i - ARRAY_SIZE(lines)] : lines[i];

		snprintf(line, sizeof(line), " %sip nhrp %s\n",
			 no ? "no " : "", words);
		strcat(v4, line);
		snprintf(line, sizeof(line), " %sipv6 nhrp %s\n",
			 no ? "no " : "", words);
		strcat(v6, line);
		c = section(v4);
		d = section(v6);
		assert_memory_equal(&c->iface[0].nhrp[CONF_IPV4],
				    &d->iface[0].nhrp[CONF_IPV6],
				    sizeof(struct conf_nhrp));
		assert_memory_equal(&c->iface[0].nhrp[CONF_IPV6],
				    &d->iface[0].nhrp[CONF_IPV4],
				    sizeof(struct conf_nhrp));
		conf_free(c);
		conf_free(d);
	}
}

static void test_v6_no(void **state)
{
	struct conf *c = section(" ipv6 address 2001:db8::6/64\n"
				 " ipv6 address fe80::6 link-local\n"
				 " no ipv6 address\n"
				 " ipv6 address fe80::7 link-local\n"
				 " no ipv6 address\n"
				 " ipv6 mtu 1400\n no ipv6 mtu\n");
	struct conf *none = section("");

	(void)state;
	assert_memory_equal(&c->iface[0], &none->iface[0],
			    sizeof(c->iface[0]));
	conf_free(c);
	conf_free(none);
}

/* One device, one MTU and one network-id on the wire's side. */
static void test_both(void **state)
{
	struct conf *c = section(" ip address 10.0.0.6/24\n"
				 " ipv6 address 2001:db8::6/64\n"
				 " ip nhrp network-id 4\n"
				 " ipv6 nhrp network-id 6\n"
				 " ip nhrp holdtime 60\n"
				 " ip mtu 1400\n ipv6 mtu 1380\n");
	struct conf_iface *i = &c->iface[0];

	(void)state;
	assert_int_equal(conf_network_id(i), 4);
	assert_int_equal(i->nhrp[CONF_IPV6].network_id, 6);
	assert_int_equal(i->nhrp[CONF_IPV4].holdtime, 60);
	assert_int_equal(i->nhrp[CONF_IPV6].holdtime, 7200);
	assert_int_equal(i->mtu, 1380);
	assert_string_equal(notices,
			    "f:1: Tunnel0: 'ip mtu' and 'ipv6 mtu' differ: the device has one, 1380\n"
			    "f:1: Tunnel0: the network-ids of IPv4 and IPv6 differ: the device has IPv4's, 4\n");
	conf_free(c);
}

/* Lines that belong to others: one notice each, nothing else. */
static void test_foreign(void **state)
{
	static const char *const lines[] = {
		"ip split-horizon eigrp 1", "no ip split-horizon",
		"ip next-hop-self eigrp 1", "no ip next-hop-self eigrp 1",
		"ip hello-interval eigrp 1 5", "ip hold-time eigrp 1 15",
		"ip summary-address eigrp 1 10.0.0.0 255.0.0.0",
		"ip bandwidth-percent eigrp 1 50",
		"ip ospf network broadcast", "no ip ospf cost",
		"ip pim sparse-mode", "bandwidth 1000", "no bandwidth",
		"delay 10", "no delay", "description to the hub, by cable",
		"keepalive 10 3", "no keepalive", "load-interval 30",
		"no ip proxy-arp", "ip virtual-reassembly in",
		"no ip virtual-reassembly", "ip tcp adjust-mss 1360",
		"no ip tcp adjust-mss", "ip nhrp max-send 100 every 10",
		"tunnel path-mtu-discovery", "ipv6 ospf network broadcast",
		"no ipv6 ospf cost", "ospfv3 1 ipv6 area 0",
		"no ospfv3 1 cost", "ipv6 eigrp 1", "no ipv6 eigrp 1",
		"no ipv6 split-horizon eigrp 1", "ipv6 hold-time eigrp 1 15",
		"ipv6 nd ra suppress", "no ipv6 nd ra suppress",
		"ipv6 tcp adjust-mss 1340", "no ipv6 tcp adjust-mss",
		"ipv6 nhrp max-send 100 every 10",
	};
	char text[256], quoted[256];
	struct conf *c, *none = section("");
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		snprintf(text, sizeof(text), " %s\n", lines[i]);
		c = section(text);
		assert_int_equal(n_notices, 1);
		snprintf(quoted, sizeof(quoted), "f:2: '%s' ", lines[i]);
		assert_non_null(strstr(notices, quoted));
		assert_non_null(strstr(notices, ", nothing done\n"));
		assert_memory_equal(&c->iface[0], &none->iface[0],
				    sizeof(c->iface[0]));
		conf_free(c);
	}
	conf_free(none);
}

static void test_notice_may_be_null(void **state)
{
	static const char text[] = "interface Tunnel0\n bandwidth 1\n";
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	struct conf *c = conf_read(f, "f", err, sizeof(err), NULL, NULL);

	(void)state;
	assert_non_null(c);
	conf_free(c);
	fclose(f);
}

static void test_reg_interval(void **state)
{
	struct conf_nhrp c = { .holdtime = 7200 };

	(void)state;
	assert_int_equal(conf_reg_interval(&c), 60);
	c.holdtime = 90;
	assert_int_equal(conf_reg_interval(&c), 30);
	c.holdtime = 2;
	assert_int_equal(conf_reg_interval(&c), 1);
	c.reg_interval = 17;
	assert_int_equal(conf_reg_interval(&c), 17);
}

/* ---- what is refused ---- */

struct refusal {
	const char *lines;		/* of a section, from line 2 on */
	const char *error;
};

static const struct refusal refusals[] = {
	/* unknown words */
	{ " ip nhrp foo", "f:2: word 'foo': expected authentication, map, network-id, nhs, holdtime, registration, shortcut, redirect, authorize or server-only" },
	{ " ip nhrp", "f:2: word 'nhrp': expected authentication, map, network-id, nhs, holdtime, registration, shortcut, redirect, authorize or server-only behind it" },
	{ " tunnel mode ipip", "f:2: word 'ipip': expected gre" },
	{ " tunnel mode gre multipoint ip", "f:2: word 'ip': expected the end of the line or ipv6" },
	{ " frobnicate", "f:2: word 'frobnicate': expected interface, end, exit, nhrp, crypto, set, no, ip, ipv6, if-state or tunnel" },
	{ " ip nhrp short", "f:2: word 'short': expected authentication, map, network-id, nhs, holdtime, registration, shortcut, redirect, authorize or server-only" },
	{ " ip\x1bnhrp", "f:2: word 'ip?nhrp': expected interface, end, exit, nhrp, crypto, set, no, ip, ipv6, if-state or tunnel" },
	{ " no ip nhrp map 1.1.1.1 2.2.2.2", "f:2: word '1.1.1.1': expected multicast" },
	{ " ipv6 nhrp foo", "f:2: word 'foo': expected authentication, map, network-id, nhs, holdtime, registration, shortcut, redirect, authorize or server-only" },
	{ " no frobnicate", "f:2: word 'frobnicate': expected shutdown, ip, ipv6, if-state or tunnel" },
	/* families */
	{ " ip address 2001:db8::1/64", "f:2: word '2001:db8::1/64': expected an IPv4 address or an IPv4 address/length" },
	{ " ipv6 address 10.0.0.1/24", "f:2: word '10.0.0.1/24': expected an IPv6 address/length or an IPv6 address" },
	{ " ipv6 address 2001:db8::1", "f:2: word '2001:db8::1': expected link-local behind it" },
	{ " ipv6 address 2001:db8::1/129", "f:2: word '2001:db8::1/129': expected an IPv6 address/length or an IPv6 address" },
	{ " ipv6 address 2001:db8::/64", "f:2: word '2001:db8::/64': the network itself, not an address in it" },
	{ " ipv6 address fe80::1/64", "f:2: word 'fe80::1/64': a link-local address has 'link-local' behind it and no length" },
	{ " ipv6 address 2001:db8::1 link-local", "f:2: word '2001:db8::1': not a link-local address" },
	{ " ipv6 address ff02::1/64", "f:2: word 'ff02::1/64': not a unicast address" },
	{ " ipv6 address fe80::1 link-local\n ipv6 address fe80::2 link-local", "f:3: word 'link-local': given before in line 2" },
	{ " ip mtu 1000\n ipv6 nhrp network-id 1", "f:2: word '1000': IPv6 needs an MTU of 1280" },
	{ " ipv6 mtu 1279", "f:2: word '1279': expected a number from 1280 to 65535" },
	{ " ipv6 nhrp map 10.0.0.1 1.1.1.1", "f:2: word '10.0.0.1': expected an IPv6 address, an IPv6 address/length or multicast" },
	{ " ipv6 nhrp map 2001:db8::1/64 1.1.1.1", "f:2: word '2001:db8::1/64': only single addresses are mapped" },
	{ " ipv6 nhrp map multicast hub", "f:2: word 'hub': expected an NBMA address or dynamic" },
	{ " ipv6 nhrp nhs 10.0.0.1", "f:2: word '10.0.0.1': expected cluster, fallback, an IPv6 address or dynamic" },
	{ " ipv6 nhrp nhs 2001:db8::1", "f:2: word '2001:db8::1': neither nbma here nor an 'ipv6 nhrp map' line tells its NBMA address" },
	{ " ipv6 nhrp map 2001:db8::1 1.1.1.1\n ipv6 address 2001:db8::1/64", "f:3: word '2001:db8::1': an 'ipv6 nhrp map' line gives it to somebody else" },
	{ " ipv6 nhrp map fe80::1 1.1.1.1\n ipv6 address fe80::1 link-local", "f:3: word 'fe80::1': an 'ipv6 nhrp map' line gives it to somebody else" },
	{ " ipv6 nhrp holdtime 60\n ipv6 nhrp registration timeout 60", "f:3: word '60': must be shorter than the holding time, 60" },
	/* the underlay's: what the mode says, else source and destination */
	{ " ipv6 nhrp map 2001:db8::1 2001:db8::2", "f:2: word '2001:db8::2': an IPv6 address, but the tunnel is over IPv4 (see 'tunnel mode')" },
	{ " ip nhrp map multicast 2001:db8::2", "f:2: word '2001:db8::2': an IPv6 address, but the tunnel is over IPv4 (see 'tunnel mode')" },
	{ " ipv6 nhrp nhs 2001:db8::1 nbma 2001:db8::2", "f:2: word '2001:db8::2': an IPv6 address, but the tunnel is over IPv4 (see 'tunnel mode')" },
	{ " tunnel source 2001:db8::1\n tunnel mode gre multipoint", "f:2: word '2001:db8::1': an IPv6 address, but the tunnel is over IPv4 (see 'tunnel mode')" },
	{ " tunnel mode gre multipoint ipv6\n tunnel source 1.1.1.1", "f:3: word '1.1.1.1': an IPv4 address, but the tunnel is over IPv6 (see 'tunnel mode')" },
	{ " ip nhrp nhs 10.0.0.1 nbma 1.1.1.1\n tunnel source 2001:db8::1", "f:2: word '1.1.1.1': an IPv4 address, but the tunnel is over IPv6 (see 'tunnel mode')" },
	{ " tunnel source 2001:db8::1\n tunnel destination 1.1.1.1", "f:3: word '1.1.1.1': an IPv4 address, but the tunnel is over IPv6 (see 'tunnel mode')" },
	{ " tunnel source eth0\n tunnel mode gre multipoint ipv6\n ip nhrp map 10.0.0.1 1.1.1.1", "f:4: word '1.1.1.1': an IPv4 address, but the tunnel is over IPv6 (see 'tunnel mode')" },
	{ " tunnel source fe80::1", "f:2: word 'fe80::1': a link-local address is no NBMA address" },
	{ " tunnel destination ::ffff:1.1.1.1", "f:2: word '::ffff:1.1.1.1': not a unicast address" },
	{ " tunnel mode gre ipv6", "f:2: word 'ipv6': a point-to-point tunnel needs 'tunnel destination'" },
	/* addresses */
	{ " ip address 10.0.0.1", "f:2: word '10.0.0.1': expected a netmask behind it" },
	{ " ip address 10.0.0.1 255.0.255.0", "f:2: word '255.0.255.0': expected a netmask" },
	{ " ip address 10.0.0.1 0.0.0.0", "f:2: word '0.0.0.0': a network of all addresses" },
	{ " ip address 10.0.0.1/0", "f:2: word '10.0.0.1/0': a network of all addresses" },
	{ " ip address 10.0.0.1/33", "f:2: word '10.0.0.1/33': expected an IPv4 address or an IPv4 address/length" },
	{ " ip address fe80::1/64", "f:2: word 'fe80::1/64': expected an IPv4 address or an IPv4 address/length" },
	{ " ip address 224.0.0.1/24", "f:2: word '224.0.0.1/24': not a unicast address" },
	{ " ip address 10.0.0.0/24", "f:2: word '10.0.0.0/24': the network itself, not an address in it" },
	{ " ip address 10.0.0.1/24\n ip address 10.0.0.2/24", "f:3: word '10.0.0.2/24': given before in line 2" },
	/* numbers */
	{ " ip mtu 67", "f:2: word '67': expected a number from 68 to 65535" },
	{ " ip mtu 65536", "f:2: word '65536': expected a number from 68 to 65535" },
	{ " ip nhrp network-id 0", "f:2: word '0': expected a number from 1 to 4294967295" },
	{ " ip nhrp network-id 4294967296", "f:2: word '4294967296': expected a number from 1 to 4294967295" },
	{ " ip nhrp holdtime 0", "f:2: word '0': expected a number from 1 to 65535" },
	{ " ip nhrp holdtime 65536", "f:2: word '65536': expected a number from 1 to 65535" },
	{ " ip nhrp holdtime 1h", "f:2: word '1h': expected a number from 1 to 65535" },
	{ " ip nhrp holdtime -1", "f:2: word '-1': expected a number from 1 to 65535" },
	{ " ip nhrp holdtime +1", "f:2: word '+1': expected a number from 1 to 65535" },
	{ " ip nhrp holdtime", "f:2: word 'holdtime': expected a number from 1 to 65535 behind it" },
	{ " ip nhrp registration timeout 65536", "f:2: word '65536': expected a number from 1 to 65535" },
	{ " ip nhrp redirect timeout 0", "f:2: word '0': expected a number from 1 to 65535" },
	{ " tunnel key 4294967296", "f:2: word '4294967296': expected a number from 0 to 4294967295" },
	{ " ip tcp adjust-mss 499", "f:2: word '499': expected a number from 500 to 65495" },
	/* NHRP */
	{ " ip nhrp authentication 123456789", "f:2: word 'authentication': the key has 9 characters, a packet holds at most 8" },
	{ " ip nhrp map 10.0.0.1", "f:2: word '10.0.0.1': expected an NBMA address behind it" },
	{ " ip nhrp map 10.0.0.1 hub", "f:2: word 'hub': expected an NBMA address" },
	{ " ip nhrp map 10.0.0.1 224.0.0.5", "f:2: word '224.0.0.5': not a unicast address" },
	{ " ip nhrp map 127.0.0.1 1.1.1.1", "f:2: word '127.0.0.1': not a unicast address" },
	{ " ip nhrp map 10.0.0.1 1.1.1.1\n ip nhrp map 10.0.0.1 2.2.2.2", "f:3: word '10.0.0.1': mapped twice" },
	{ " ip nhrp map multicast 224.0.0.5", "f:2: word '224.0.0.5': not a unicast address" },
	{ " ip nhrp map multicast 1.1.1.1\n ip nhrp map multicast 1.1.1.1", "f:3: word '1.1.1.1': gets multicast already" },
	{ " ip nhrp nhs 10.0.0.1", "f:2: word '10.0.0.1': neither nbma here nor an 'ip nhrp map' line tells its NBMA address" },
	{ " ip nhrp nhs 0.0.0.0", "f:2: word '0.0.0.0': not a unicast address" },
	{ " ip nhrp nhs 10.0.0.1 nbma", "f:2: word 'nbma': expected a value behind it" },
	{ " ip nhrp nhs 10.0.0.1 nbma 1.1.1", "f:2: word '1.1.1': neither an address nor a host name" },
	{ " ip nhrp nhs 10.0.0.1 nbma a..b", "f:2: word 'a..b': neither an address nor a host name" },
	{ " ip nhrp nhs 10.0.0.1 nbma ::1", "f:2: word '::1': not a unicast address" },
	{ " ip nhrp nhs 10.0.0.1 nbma 255.255.255.255", "f:2: word '255.255.255.255': not a unicast address" },
	{ " ip nhrp nhs 10.0.0.1 multicast", "f:2: word 'multicast': expected nbma, multicast (behind nbma), priority or cluster" },
	{ " ip nhrp nhs 10.0.0.1 nbma 1.1.1.1 nbma 2.2.2.2", "f:2: word 'nbma': given twice" },
	{ " ip nhrp nhs 10.0.0.1 nbma 1.1.1.1 priority 256", "f:2: word '256': expected a number from 0 to 255" },
	{ " ip nhrp nhs 10.0.0.1 nbma 1.1.1.1 cluster x", "f:2: word 'x': expected a number from 0 to 255" },
	{ " ip nhrp nhs 10.0.0.1 nbma 1.1.1.1\n ip nhrp nhs 10.0.0.1 nbma 2.2.2.2", "f:3: word '10.0.0.1': given before in line 2" },
	{ " ip nhrp nhs cluster 256 max-connections 1", "f:2: word '256': expected a number from 0 to 255" },
	{ " ip nhrp nhs cluster 1 max-connections 0", "f:2: word '0': expected a number from 1 to 255 ('no' in front: no limit)" },
	{ " ip nhrp nhs cluster 1 max-connections 256", "f:2: word '256': expected a number from 0 to 255" },
	{ " ip nhrp nhs cluster 1", "f:2: word '1': expected max-connections behind it" },
	{ " ip nhrp nhs cluster 1 max-connections 1\n ip nhrp nhs cluster 1 max-connections 2", "f:3: word '1': this cluster has its limit already" },
	{ " ip nhrp nhs fallback 0", "f:2: word '0': expected a number from 1 to 65535" },
	{ " ip nhrp nhs fallback 1\n ip nhrp nhs fallback 2", "f:3: word '2': given before in line 2" },
	{ " if-state", "f:2: word 'if-state': expected nhrp behind it" },
	{ " if-state line-protocol", "f:2: word 'line-protocol': expected nhrp" },
	{ " ip nhrp nhs dynamic", "f:2: word 'dynamic': expected nbma behind it" },
	{ " ip nhrp nhs dynamic priority 1", "f:2: word 'priority': expected nbma" },
	{ " ip address 10.0.0.1/24\n ip nhrp nhs 10.0.0.1 nbma 1.1.1.1", "f:3: word '10.0.0.1': this interface's own address" },
	{ " ip address 10.0.0.1/24\n ip nhrp map 10.0.0.1 1.1.1.1", "f:2: word '10.0.0.1': an 'ip nhrp map' line gives it to somebody else" },
	{ " ip nhrp holdtime 60\n ip nhrp registration timeout 60", "f:3: word '60': must be shorter than the holding time, 60" },
	/* tunnel */
	{ " tunnel source 1.2.3.4.5", "f:2: word '1.2.3.4.5': neither an address nor an interface name" },
	{ " tunnel source Tunnel0", "f:2: word 'Tunnel0': a tunnel cannot be its own source" },
	{ " tunnel source 0123456789abcdef", "f:2: word '0123456789abcdef': neither an address nor an interface name" },
	{ " tunnel source 127.0.0.1", "f:2: word '127.0.0.1': not a unicast address" },
	{ " tunnel source 1.1.1.1\n tunnel source eth0", "f:3: word 'eth0': given before in line 2" },
	{ " tunnel vrf", "f:2: word 'vrf': expected a word behind it" },
	{ " tunnel vrf Tunnel0", "f:2: word 'Tunnel0': not the name of a VRF" },
	{ " tunnel vrf 0123456789abcdef", "f:2: word '0123456789abcdef': not the name of a VRF" },
	{ " tunnel vrf ISP\n tunnel vrf ISP", "f:3: word 'ISP': given before in line 2" },
	{ " tunnel destination 239.1.1.1", "f:2: word '239.1.1.1': not a unicast address" },
	{ " tunnel destination hub", "f:2: word 'hub': expected an NBMA address" },
	{ " tunnel destination 1.1.1.1\n no tunnel destination 2.2.2.2", "f:3: word '2.2.2.2': not the destination of line 2" },
	{ " tunnel destination 1.1.1.1\n tunnel mode gre multipoint", "f:2: word '1.1.1.1': a multipoint tunnel (line 3) has no destination" },
	{ " tunnel mode gre ip", "f:2: word 'ip': a point-to-point tunnel needs 'tunnel destination'" },
	{ " tunnel source 1.1.1.1\n tunnel destination 1.1.1.1", "f:3: word '1.1.1.1': source and destination are one address" },
	{ " tunnel protection ipsec profile", "f:2: word 'profile': expected a word behind it" },
	{ " tunnel protection ipsec profile 0123456789012345678901234567890123456789012345678901234567890123", "f:2: word '0123456789012345678901234567890123456789': longer than 63 characters" },
	/* the file */
	{ "interface Tunnel0", "f:2: word 'Tunnel0': has its section in line 1" },
	{ "interface a/b", "f:2: word 'a/b': not an interface name" },
	{ "interface ..", "f:2: word '..': not an interface name" },
	{ "interface 0123456789abcdef", "f:2: word '0123456789abcdef': not an interface name" },
	{ "end\n ip nhrp shortcut", "f:3: word 'ip': belongs into an interface section" },
	{ "exit\n bandwidth 1", "f:3: word 'bandwidth': belongs into an interface section" },
	{ " ip nhrp nhs 10.0.0.1\nend", "f:2: word '10.0.0.1': neither nbma here nor an 'ip nhrp map' line tells its NBMA address" },
	{ "nhrp control socket run/x", "f:2: word 'run/x': not an absolute path" },
	{ "nhrp control socket /a\nnhrp control socket /b", "f:3: word '/b': given before in line 2" },
	{ "crypto vici socket run/x", "f:2: word 'run/x': not an absolute path" },
	{ "crypto vici socket /a\ncrypto vici socket /b", "f:3: word '/b': given before in line 2" },
	{ "crypto ipsec profile P\ncrypto ipsec profile P", "f:3: word 'P': has its section already" },
	{ "crypto ipsec profile P\n ip nhrp shortcut", "f:3: word 'ip': belongs into an interface section" },
	{ " set nat-marks", "f:2: word 'set': belongs into a 'crypto ipsec profile' section" },
	{ "crypto ipsec profile P\nend\n set nat-marks", "f:4: word 'set': belongs into a 'crypto ipsec profile' section" },
	{ "crypto ipsec profile P\ninterface b\n set nat-marks", "f:4: word 'set': belongs into a 'crypto ipsec profile' section" },
	{ "crypto ipsec profile P\n set authentication psk\n set authentication certificate x", "f:4: word 'x': given before in line 3" },
	{ "crypto ipsec profile P\n set security-association idle-time 9", "f:3: word '9': expected a number from 10 to 86400" },
	{ " tunnel protection ipsec profile Q\ncrypto ipsec profile P", "f:2: word 'Q': there is no 'crypto ipsec profile' section of that name" },
	{ " ip nhrp authorize a.lab", "f:2: word 'a.lab': expected an address or a prefix behind it" },
	{ " ip nhrp authorize a.lab 10.0.0.1 2001:db8::1", "f:2: word '2001:db8::1': expected an IPv4 address or address/length" },
	{ " ip nhrp authorize a.lab 10.0.0.1\n tunnel protection ipsec profile P", "f:1: word 'Tunnel0': authorize lines need identities: 'tunnel protection' and its 'crypto ipsec profile' section" },
	{ " tunnel source eth0\ninterface Tunnel1\n tunnel source eth0", "f:3: word 'Tunnel1': same source, destination and key as Tunnel0" },
};

static void test_refusals(void **state)
{
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		snprintf(text, sizeof(text), "interface Tunnel0\n%s\n",
			 refusals[i].lines);
		if (read_text(text))
			fail_msg("taken: %s", refusals[i].lines);
		assert_string_equal(err, refusals[i].error);
	}
}

/* Two tunnels on one source are fine when a key or a far end tells them
 * apart. */
static void test_no_collision(void **state)
{
	static const char *const second[] = {
		" tunnel source eth0\n tunnel key 0\n",
		" tunnel source eth0\n tunnel destination 1.1.1.1\n",
		" tunnel source eth1\n", " tunnel source 1.1.1.1\n", "",
	};
	char text[256];
	struct conf *c;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(second); i++) {
		snprintf(text, sizeof(text),
			 "interface a\n tunnel source eth0\ninterface b\n%s",
			 second[i]);
		c = read_text(text);
		if (!c)
			fail_msg("refused: %s", err);
		conf_free(c);
	}
}

/* ---- limits ---- */

/* @n lines made of @fmt and 1 to @n, behind the section's first line. */
static char *many(const char *fmt, unsigned int n)
{
	char *text, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	unsigned int i;

	fputs("interface Tunnel0\n", f);
	for (i = 1; i <= n; i++) {
		line = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		assert_true(asprintf(&line, fmt, i / 200, i % 200 + 1) > 0);
#pragma GCC diagnostic pop
		fputs(line, f);
		free(line);
	}
	fclose(f);
	return text;
}

static void expect_limit(const char *fmt, unsigned int max, const char *error)
{
	char *text = many(fmt, max);
	struct conf *c = read_text(text);

	free(text);
	if (!c)
		fail_msg("refused: %s", err);
	conf_free(c);
	text = many(fmt, max + 1);
	c = read_text(text);
	free(text);
	assert_null(c);
	assert_string_equal(err, error);
}

static void test_limits(void **state)
{
	(void)state;
	expect_limit(" ip nhrp map 10.0.%u.%u 1.1.1.1\n", CONF_MAP_MAX,
		     "f:258: word '10.0.1.58': more than 256 map lines");
	expect_limit(" ip nhrp nhs 10.0.%u.%u nbma 1.1.1.1\n", CONF_NHS_MAX,
		     "f:18: word '10.0.0.18': more than 16 nhs lines");
	expect_limit(" ip nhrp nhs cluster %u%u max-connections 1\n",
		     CONF_CLUSTER_MAX,
		     "f:18: word '018': more than 16 clusters with a limit");
	expect_limit("interface t%u.%u\n", 255,
		     "f:257: word 't1.57': more than 256 interfaces");
}

static void test_long_line(void **state)
{
	char text[600];

	(void)state;
	memset(text, ' ', sizeof(text));
	text[511] = '\n';
	text[512] = '\0';
	conf_free(read_text(text));
	assert_string_equal(err, "");
	text[511] = ' ';
	text[512] = '\n';
	text[513] = '\0';
	assert_null(read_text(text));
	assert_string_equal(err,
			    "f:1: word '                                        ': a line of more than 512 characters");
}

static void test_many_words(void **state)
{
	char text[256] = "interface";
	unsigned int i;

	(void)state;
	for (i = 0; i < 32; i++)
		strcat(text, " x");
	assert_null(read_text(text));
	assert_string_equal(err, "f:1: word 'x': more than 32 words in a line");
}

static void test_zero_byte(void **state)
{
	static const char text[] = "interface Tunnel0\n ip\0 nhrp shortcut\n";

	(void)state;
	assert_null(read_bytes(text, sizeof(text) - 1));
	assert_string_equal(err,
			    "f:2: word ' ip': a zero byte: not a text file");
}

static void test_socket_length(void **state)
{
	char text[256] = "nhrp control socket /";

	(void)state;
	while (strlen(text) < strlen("nhrp control socket ") + 107)
		strcat(text, "x");
	conf_free(read_text(text));
	assert_string_equal(err, "");
	strcat(text, "x");
	assert_null(read_text(text));
	assert_non_null(strstr(err, "longer than 107 characters"));
}

/* The message is cut, never overrun, and always terminated. */
static void test_short_error(void **state)
{
	static const char text[] = "nonsense\n";
	char small[24];
	size_t size;

	(void)state;
	for (size = 1; size <= sizeof(small); size++) {
		FILE *f = fmemopen((void *)text, strlen(text), "r");

		memset(small, 'x', sizeof(small));
		assert_null(conf_read(f, "f", small, size, NULL, NULL));
		assert_true(strlen(small) == size - 1);
		if (size < sizeof(small))
			assert_true(small[size] == 'x');
		fclose(f);
	}
}

static void test_directory(void **state)
{
	FILE *f = fopen("/", "r");

	(void)state;
	assert_non_null(f);
	assert_null(conf_read(f, "f", err, sizeof(err), NULL, NULL));
	assert_string_equal(err, "f:0: word '': cannot be read further");
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_phase3_hub),
		cmocka_unit_test(test_phase3_spokes),
		cmocka_unit_test(test_phase2),
		cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_every_no),
		cmocka_unit_test(test_ipsec),
		cmocka_unit_test(test_nhs_forms),
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_nhs_of_destination),
		cmocka_unit_test(test_over6),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_v6_mirrors_v4),
		cmocka_unit_test(test_v6_no),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_notice_may_be_null),
		cmocka_unit_test(test_reg_interval),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_collision),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_many_words),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_socket_length),
		cmocka_unit_test(test_short_error),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
