/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsec_show: what `dmvpn show ipsec` has to tell: charon, each peer with the
 * reason why it has no SA, and what was counted. Called by control.c.
 */
#include <string.h>

#include "charon.h"
#include "ipsec.h"
#include "object.h"
#include "xfrm.h"

static void add_count(struct json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_uint64(n));
}

static void add_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

struct json_object *ipsec_peer_object(const struct sa_info *i, uint64_t now)
{
	struct json_object *o = json_object_new_object();

	object_addr(o, "nbma", &i->remote);
	object_addr(o, "local", &i->source.local);
	object_int(o, "mark", i->mark);
	object_str(o, "profile", i->source.profile);
	object_str(o, "state", sa_state_word(i->state));
	object_seconds(o, "state_seconds", now > i->since ?
		       (now - i->since) / 1000.0 : 0);
	object_str(o, "identity", *i->identity ? i->identity : NULL);
	add_bool(o, "ambiguous", i->ambiguous);
	add_bool(o, "nat", i->nat);
	add_bool(o, "stale", i->stale);
	add_bool(o, "needed", i->need);
	object_int(o, "sas", i->children);
	object_str(o, "connection", *i->conn ? i->conn : NULL);
	json_object_object_add(o, "next_seconds", i->next ? object_new_seconds(
		i->next > now ? (i->next - now) / 1000.0 : 0) : NULL);
	return object_str(o, "reason", *i->reason ? i->reason : NULL);
}

struct peers {
	struct json_object *list;
	uint64_t now;
};

static void show_peer(void *ctx, const struct sa_info *i)
{
	struct peers *p = ctx;

	json_object_array_add(p->list, ipsec_peer_object(i, p->now));
}

static int by_nbma(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;
	struct addr p = { 0 }, q = { 0 };

	addr_parse(object_get_str(*x, "nbma"), &p);
	addr_parse(object_get_str(*y, "nbma"), &q);
	return memcmp(&p, &q, sizeof(p));
}

static struct json_object *charon_object(struct charon *c, const char *path,
					 uint64_t now)
{
	struct json_object *o = json_object_new_object();
	struct vici_stats st;

	vici_stats(charon_vici(c), &st);
	object_str(o, "socket", path);
	add_bool(o, "up", st.up);
	object_str(o, "trouble", st.up ? NULL : vici_trouble_word(st.trouble));
	object_seconds(o, "state_seconds", now > st.since ?
		       (now - st.since) / 1000.0 : 0);
	add_count(o, "sessions", st.sessions);
	add_count(o, "commands", st.commands);
	add_count(o, "refused", st.refused);
	add_count(o, "events", st.events);
	return o;
}

static struct json_object *counts_object(struct charon *c, struct xfrm *x)
{
	const uint64_t *n = sa_counts(charon_sa(c));
	struct json_object *o = json_object_new_object();
	struct xfrm_counts k;

	for (unsigned int i = 0; i < __SA_COUNT_MAX; i++)
		add_count(o, sa_count_word(i), n[i]);
	xfrm_counts(x, &k);
	add_count(o, "blocks-set", k.blocks_set);
	add_count(o, "blocks-restored", k.blocks_restored);
	add_count(o, "flushes", k.flushes);
	add_count(o, "swept", k.sa_deleted);
	add_count(o, "kernel-errors", k.errors + k.malformed + k.lost);
	return o;
}

struct json_object *ipsec_object(const struct ipsec *s, uint64_t now)
{
	struct charon *c = s ? ipsec_charon(s) : NULL;
	struct peers p = { NULL, now };
	struct json_object *o;

	if (!c)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "charon",
			       charon_object(c, ipsec_socket(s), now));
	p.list = json_object_new_array();
	sa_each_peer(charon_sa(c), show_peer, &p);
	json_object_array_sort(p.list, by_nbma);
	json_object_object_add(o, "peers", p.list);
	json_object_object_add(o, "counters",
			       counts_object(c, ipsec_xfrm(s)));
	return o;
}
