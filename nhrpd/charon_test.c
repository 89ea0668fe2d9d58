/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * charon_test: what charon 5.9.8 has been seen to send, read; what it is sent,
 * as research has found that it works.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "charon.h"

static uint8_t buf[8192];
static struct vici_writer w;

/* A NATed peer on a hub with marks, as dumped. */
static void put_ike(void)
{
	vici_put(&w, "uniqueid", "1");
	vici_put(&w, "version", "2");
	vici_put(&w, "state", "ESTABLISHED");
	vici_put(&w, "local-host", "10.0.1.2");
	vici_put(&w, "local-port", "4500");
	vici_put(&w, "local-id", "10.0.1.2");
	vici_put(&w, "remote-host", "10.0.9.2");
	vici_put(&w, "remote-port", "4500");
	vici_put(&w, "remote-id", "192.168.1.2");
	vici_put(&w, "initiator-spi", "8f3a0b1c2d4e5f60");
	vici_put(&w, "responder-spi", "0123456789abcdef");
	vici_put(&w, "nat-remote", "yes");
	vici_put(&w, "nat-any", "yes");
	vici_put(&w, "encr-alg", "AES_CBC");
	vici_put(&w, "established", "0");
	vici_put_list(&w, "tasks-passive");
	vici_put(&w, NULL, "IKE_AUTH");
	vici_put(&w, NULL, "CHILD_CREATE");
	vici_put_end(&w);
}

static void put_child(const char *name, const char *id, const char *state)
{
	vici_put_section(&w, name);
	vici_put(&w, "name", "gre");
	vici_put(&w, "uniqueid", "%s", id);
	vici_put(&w, "reqid", "1");
	vici_put(&w, "state", "%s", state);
	vici_put(&w, "mode", "TRANSPORT");
	vici_put(&w, "protocol", "ESP");
	vici_put(&w, "encap", "yes");
	vici_put(&w, "spi-in", "ca6a5aea");
	vici_put(&w, "spi-out", "cf14698d");
	vici_put(&w, "mark-in", "00000001");
	vici_put(&w, "mark-out", "0000000a");
	vici_put(&w, "bytes-in", "0");
	vici_put(&w, "packets-in", "3");
	vici_put(&w, "packets-out", "4");
	vici_put(&w, "install-time", "7");
	vici_put_one(&w, "local-ts", "10.0.1.2/32[gre]");
	vici_put_one(&w, "remote-ts", "10.0.9.2/32[gre]");
	vici_put_end(&w);
}

static struct charon_sa read_back(bool right)
{
	struct vici_body section;
	struct vici_packet p;
	const char *wrong;
	struct charon_sa sa;
	struct vici_str name;
	int len = vici_finish(&w);

	assert_true(len > 0);
	assert_int_equal(vici_read(buf + VICI_HEADER, len - VICI_HEADER, &p), 0);
	assert_true(vici_next_section(&p.body, &name, &section));
	assert_int_equal(charon_read_sa(&name, &section, &sa, &wrong), right);
	if (!right)
		assert_non_null(wrong);
	return sa;
}

static void begin(void)
{
	vici_start(&w, buf, sizeof(buf), VICI_EVENT, "list-sa");
	vici_put_section(&w, "nhrp-10.0.1.2-10.0.9.2");
}

static void test_read(void **state)
{
	struct charon_sa sa;

	(void)state;
	begin();
	put_ike();
	vici_put_section(&w, "child-sas");
	put_child("gre-1", "1", "REKEYED");
	put_child("gre-2", "2", "INSTALLED");
	vici_put_end(&w);
	vici_put_end(&w);
	sa = read_back(true);
	assert_string_equal(sa.ike.conn, "nhrp-10.0.1.2-10.0.9.2");
	assert_string_equal(sa.ike.identity, "192.168.1.2");
	assert_int_equal(sa.ike.id, 1);
	assert_true(sa.ike.ispi == 0x8f3a0b1c2d4e5f60ull);
	assert_true(sa.ike.nat && !sa.ike.initiator && !sa.ike.connecting);
	assert_true(sa.ike.rspi == 0x0123456789abcdefull);
	assert_int_equal(sa.ike.remote_port, 4500);
	assert_string_equal(sa.ike.encr, "AES_CBC");
	assert_int_equal(sa.n, 2);
	assert_false(sa.child[0].installed);
	assert_true(sa.child[1].installed && sa.child[1].gre &&
		    sa.child[1].transport);
	assert_int_equal(sa.child[1].spi_in, 0xca6a5aea);
	assert_int_equal(sa.child[1].mark_out, 10);
	assert_int_equal(sa.child[1].age, 7000);
	assert_int_equal(sa.child[1].packets, 7);
}

/* An EAP identity is what was proved; the IKE id is what was claimed. */
static void test_eap(void **state)
{
	struct charon_sa sa;

	(void)state;
	begin();
	put_ike();
	vici_put(&w, "remote-eap-id", "alice");
	vici_put_end(&w);
	sa = read_back(true);
	assert_string_equal(sa.ike.identity, "alice");
	assert_int_equal(sa.n, 0);
}

/* Not GRE between the two: a neighbour's tunnel, or one that is too wide. */
static void test_other_selectors(void **state)
{
	static const char *const ts[] = {
		"10.0.1.2/32", "10.0.1.0/24[gre]", "0.0.0.0/0[gre]",
		"10.0.1.3/32[gre]", "10.0.1.2/32[udp/1701]", "",
	};
	struct charon_sa sa;

	(void)state;
	for (size_t i = 0; i < sizeof(ts) / sizeof(ts[0]); i++) {
		begin();
		put_ike();
		vici_put_section(&w, "child-sas");
		vici_put_section(&w, "c");
		vici_put(&w, "uniqueid", "1");
		vici_put(&w, "protocol", "ESP");
		vici_put(&w, "spi-in", "1");
		vici_put(&w, "spi-out", "2");
		vici_put_one(&w, "local-ts", ts[i]);
		vici_put_one(&w, "remote-ts", "10.0.9.2/32[gre]");
		vici_put_end(&w);
		vici_put_end(&w);
		vici_put_end(&w);
		sa = read_back(true);
		assert_int_equal(sa.n, 1);
		assert_false(sa.child[0].gre);
	}
}

static void test_nonsense(void **state)
{
	(void)state;
	begin();
	vici_put(&w, "uniqueid", "one");
	vici_put_end(&w);
	read_back(false);
	begin();
	vici_put(&w, "local-host", "10.0.0.1");	/* no number */
	vici_put_end(&w);
	read_back(false);
	begin();
	put_ike();
	vici_put_section(&w, "child-sas");
	put_child("gre-1", "x", "INSTALLED");
	vici_put_end(&w);
	vici_put_end(&w);
	read_back(false);
}

struct conn {
	char version[4], mobike[4], unique[8], local[40], remote[40];
};

static const struct vici_field conn_fields[] = {
	VICI_FIELD(conn, version, VICI_TEXT, "version"),
	VICI_FIELD(conn, mobike, VICI_TEXT, "mobike"),
	VICI_FIELD(conn, unique, VICI_TEXT, "unique"),
	VICI_FIELD(conn, local, VICI_ONLY, "local_addrs"),
	VICI_FIELD(conn, remote, VICI_ONLY, "remote_addrs"),
};

struct child {
	char mode[16], ts[32], action[8], mark[16], set[16];
};

static const struct vici_field child_fields[] = {
	VICI_FIELD(child, mode, VICI_TEXT, "mode"),
	VICI_FIELD(child, ts, VICI_ONLY, "remote_ts"),
	VICI_FIELD(child, action, VICI_TEXT, "dpd_action"),
	VICI_FIELD(child, mark, VICI_TEXT, "mark_in"),
	VICI_FIELD(child, set, VICI_TEXT, "set_mark_in"),
};

static int loaded;			/* bytes of the last load() */

static void load(const struct conf_profile *p, const char *remote,
		 struct conn *conn, struct child *child)
{
	struct vici_body section, children, gre, side;
	struct addr local, to;
	struct vici_packet pkt;
	int len;

	addr_parse("2001:db8::1", &local);
	if (remote)
		addr_parse(remote, &to);
	loaded = len = charon_build_load(buf, sizeof(buf), "nhrp-x", p, &local,
				remote ? &to : NULL);
	assert_true(len > 0);
	assert_int_equal(vici_read(buf + VICI_HEADER, len - VICI_HEADER, &pkt),
			 0);
	assert_true(vici_str_is(&pkt.name, "load-conn"));
	assert_true(vici_find_section(&pkt.body, "nhrp-x", &section));
	memset(conn, 0, sizeof(*conn));
	memset(child, 0, sizeof(*child));
	assert_null(vici_fields(&section, conn_fields, 5, conn));
	assert_true(vici_find_section(&section, "local", &side));
	assert_true(vici_find_section(&section, "remote", &side));
	assert_true(vici_find_section(&section, "children", &children));
	assert_true(vici_find_section(&children, CHARON_CHILD, &gre));
	assert_null(vici_fields(&gre, child_fields, 5, child));
}

/* The certificate that the last load() names. */
static const char *cert_file(void)
{
	static char file[64];
	static const struct vici_field fields[] = {
		{ "file", VICI_TEXT, 0, sizeof(file) },
	};
	struct vici_body section, side, cert;
	struct vici_packet pkt;

	vici_read(buf + VICI_HEADER, loaded - VICI_HEADER, &pkt);
	assert_true(vici_find_section(&pkt.body, "nhrp-x", &section));
	assert_true(vici_find_section(&section, "local", &side));
	assert_true(vici_find_section(&side, "cert", &cert));
	assert_null(vici_fields(&cert, fields, 1, file));
	return file;
}

static void test_load(void **state)
{
	struct conf_profile p = { .name = "P", .local_id = "a.lab" };
	struct child child;
	struct conn conn;

	(void)state;
	load(&p, "2001:db8::2", &conn, &child);
	assert_string_equal(conn.version, "2");
	assert_string_equal(conn.mobike, "no");
	assert_string_equal(conn.unique, "no");
	assert_string_equal(conn.local, "2001:db8::1");
	assert_string_equal(conn.remote, "2001:db8::2");
	assert_string_equal(child.mode, "transport");
	assert_string_equal(child.ts, "dynamic[gre]");
	assert_string_equal(child.action, "clear");
	assert_string_equal(child.mark, "");
	strcpy(p.auth, "pubkey");
	strcpy(p.cert, "a.pem");
	load(&p, "2001:db8::2", &conn, &child);
	assert_string_equal(cert_file(), "/etc/swanctl/x509/a.pem");
	strcpy(p.cert, "/root/a.pem");
	load(&p, "2001:db8::2", &conn, &child);
	assert_string_equal(cert_file(), "/root/a.pem");
	p.nat_marks = true;
	load(&p, NULL, &conn, &child);
	assert_string_equal(conn.remote, "%any");
	assert_string_equal(child.mark, "%unique");
	assert_string_equal(child.set, "%same");
}

static void test_load_too_small(void **state)
{
	struct conf_profile p = { .name = "P" };
	struct addr a;

	(void)state;
	addr_parse("10.0.0.1", &a);
	assert_int_equal(charon_build_load(buf, 200, "nhrp-x", &p, &a, &a),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_eap),
		cmocka_unit_test(test_other_selectors),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
