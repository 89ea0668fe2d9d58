/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsec_show: what `dmvpn show ipsec` has to tell: charon, each peer with the
 * reason why it has no SA, and what was counted; for `show crypto` each SA,
 * with the kernel's part of it. Called by control.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	object_str(o, "turned_away", *i->crowd ? i->crowd : NULL);
	add_bool(o, "nat", i->nat);
	add_bool(o, "stale", i->stale);
	add_bool(o, "needed", i->need);
	object_int(o, "sas", i->children);
	object_str(o, "connection", *i->conn ? i->conn : NULL);
	json_object_object_add(o, "next_seconds", i->next ? object_new_seconds(
		i->next > now ? (i->next - now) / 1000.0 : 0) : NULL);
	return object_str(o, "reason", *i->reason ? i->reason : NULL);
}

/* ---- SAs ---- */

#define USES_MAX 131072			/* SAs of the kernel that are looked at */

struct uses {				/* by destination and SPI */
	struct xfrm_use *use;
	size_t n, size;
};

static void note_use(void *ctx, const struct xfrm_use *u)
{
	struct uses *k = ctx;
	struct xfrm_use *more;

	if (k->n == k->size) {
		if (k->size >= USES_MAX)
			return;
		k->size = k->size ? 2 * k->size : 64;
		more = reallocarray(k->use, k->size, sizeof(*more));
		if (!more) {
			k->size = k->n;
			return;
		}
		k->use = more;
	}
	k->use[k->n++] = *u;
}

static int by_spi(const void *a, const void *b)
{
	const struct xfrm_use *x = a, *y = b;

	if (x->sa.spi != y->sa.spi)
		return x->sa.spi < y->sa.spi ? -1 : 1;
	return memcmp(&x->sa.dst, &y->sa.dst, sizeof(x->sa.dst));
}

static const struct xfrm_use *find_use(const struct uses *k, uint32_t spi,
				       const struct addr *dst)
{
	struct xfrm_use key;

	memset(&key, 0, sizeof(key));
	key.sa.spi = spi;
	key.sa.dst = *dst;
	return k->n ? bsearch(&key, k->use, k->n, sizeof(key), by_spi) : NULL;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

/* What is left of its lifetime, by the clock that the kernel notes it in. */
static struct json_object *life_object(const struct xfrm_use *u)
{
	uint64_t now = time(NULL), end = u->sa.added + u->hard_seconds;

	return u->hard_seconds ? object_new_seconds(end > now ? end - now : 0) :
	       NULL;
}

static struct json_object *half_object(const struct uses *k, uint32_t spi,
				       uint32_t mark, const struct addr *dst)
{
	const struct xfrm_use *u = find_use(k, spi, dst);
	struct json_object *o = json_object_new_object();
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", spi);
	object_str(o, "spi", text);
	object_int(o, "mark", mark);
	add_bool(o, "installed", u);
	if (!u)
		return o;
	add_count(o, "bytes", u->bytes);
	add_count(o, "packets", u->packets);
	json_object_object_add(o, "life_seconds", life_object(u));
	object_str(o, "encryption", or_null(u->encryption));
	object_int(o, "key_bits", u->key_bits);
	object_str(o, "integrity", or_null(u->integrity));
	object_int(o, "icv_bits", u->icv_bits);
	object_int(o, "replay_window", u->replay_window);
	object_int(o, "replayed", u->replayed);
	return object_int(o, "forged", u->forged);
}

static struct json_object *ike_object(const struct sa_ike *ike, double age)
{
	struct json_object *o = json_object_new_object();
	char text[24];

	object_int(o, "id", ike->id);
	add_bool(o, "initiator", ike->initiator);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)ike->ispi);
	object_str(o, "initiator_spi", text);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)ike->rspi);
	object_str(o, "responder_spi", text);
	object_int(o, "local_port", ike->local_port);
	object_int(o, "remote_port", ike->remote_port);
	object_str(o, "encryption", or_null(ike->encr));
	object_int(o, "key_bits", ike->key_bits);
	object_str(o, "integrity", or_null(ike->integ));
	object_str(o, "prf", or_null(ike->prf));
	object_str(o, "dh", or_null(ike->dh));
	return object_seconds(o, "seconds", age);
}

/* ---- peers ---- */

struct peers {
	const struct ipsec *s;
	struct json_object *list;
	struct uses *uses;		/* NULL: no SAs one by one */
	const struct sa_info *peer;
	struct json_object *sas;	/* of @peer */
	uint64_t now;
};

static double ago(const struct peers *p, uint64_t when)
{
	return p->now > when ? (p->now - when) / 1000.0 : 0;
}

static void show_child(void *ctx, const struct sa_pair *c)
{
	struct peers *p = ctx;
	struct json_object *o = json_object_new_object();

	add_bool(o, "in_use", c->in_use);
	add_bool(o, "stale", !c->current);
	object_str(o, "mode", c->child->transport ? "transport" : "tunnel");
	object_seconds(o, "seconds", ago(p, c->born));
	json_object_object_add(o, "inbound",
			       half_object(p->uses, c->child->spi_in,
					   c->child->mark_in,
					   &p->peer->source.local));
	json_object_object_add(o, "outbound",
			       half_object(p->uses, c->child->spi_out,
					   c->child->mark_out,
					   &p->peer->remote));
	json_object_object_add(o, "ike", ike_object(c->ike,
						    ago(p, c->ike_born)));
	json_object_array_add(p->sas, o);
}

static struct json_object *iface_names(const struct ipsec *s,
				       const struct addr *local)
{
	struct json_object *list = json_object_new_array();
	const char *name;

	for (unsigned int n = 0; (name = ipsec_iface(s, local, n)); n++)
		json_object_array_add(list, json_object_new_string(name));
	return list;
}

static void show_peer(void *ctx, const struct sa_info *i)
{
	struct peers *p = ctx;
	struct json_object *o = ipsec_peer_object(i, p->now);

	json_object_array_add(p->list, o);
	if (!p->uses)
		return;
	p->peer = i;
	p->sas = json_object_new_array();
	json_object_object_add(o, "interfaces",
			       iface_names(p->s, &i->source.local));
	sa_each_child(charon_sa(ipsec_charon(p->s)), &i->source.local,
		      &i->remote, i->mark, show_child, p);
	json_object_object_add(o, "child_sas", p->sas);
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
	object_str(o, "reason", or_null(charon_trouble(c)));
	object_str(o, "refusal", or_null(charon_refusal(c)));
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

static struct json_object *all_object(const struct ipsec *s,
				      struct uses *uses, uint64_t now)
{
	struct charon *c = s ? ipsec_charon(s) : NULL;
	struct peers p = { .s = s, .uses = uses, .now = now };
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

struct json_object *ipsec_object(const struct ipsec *s, uint64_t now)
{
	return all_object(s, NULL, now);
}

struct json_object *ipsec_crypto_object(const struct ipsec *s, uint64_t now)
{
	struct json_object *o;
	struct uses k = { 0 };

	/* half of a list shows the rest as not installed: it is logged */
	if (s && ipsec_xfrm(s))
		xfrm_each_use(ipsec_xfrm(s), note_use, &k);
	if (k.n)
		qsort(k.use, k.n, sizeof(*k.use), by_spi);
	o = all_object(s, &k, now);
	free(k.use);
	return o;
}
