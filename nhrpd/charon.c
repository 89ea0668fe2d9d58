/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * charon: see charon.h. Translates between the core's words and VICI's
 * (strongSwan's vici/README.md), holds the note of the kernel's SAs from which
 * those of a dead charon are swept. No decision about a peer is made here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uthash.h>
#include <utlist.h>

#include "charon.h"
#include "log.h"

#define PACKET_SIZE	4096
#define NOTED_MAX	131072		/* SAs of a snapshot */
#define IKE_NAT_PORT	4500
#define RECALL_EACH	10		/* ms between two of them */
#define CHECK_FIRST	2000		/* ms; charon's own service is quicker */
#define CHECK_EACH	30000
#define CERT_FOLDER	"/etc/swanctl/x509/"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct source {
	struct source *next;
	struct conf_profile profile;
	struct addr local;
	unsigned int refs;
	bool checked, found;		/* charon had its connection before */
	bool open;			/* charon has it */
};

struct recall {				/* see sa_ops.recall */
	struct recall *next;
	struct sa_ike ike;
	bool initiated;
	char conn[SA_CONN_MAX];
};

struct noted {				/* an SA that the kernel had */
	struct xfrm_sa sa;
	bool listed;			/* charon knows it */
	bool young;
	UT_hash_handle hh;		/* by sa.spi */
};

struct asked {				/* a command under way */
	struct asked *next;		/* of those that could not be sent */
	struct charon *c;
	bool load;
	bool broken;			/* a listing, in part */
	uint32_t ike, child;
	char conn[SA_CONN_MAX];
};

struct charon {
	const struct charon_ops *ops;
	void *ctx;
	struct xfrm *xfrm;
	struct vici *vici;
	struct sa *sa;
	struct event_timer *timer;
	uint64_t deadline;
	struct source *sources;
	struct noted *noted;
	struct asked *unsent;		/* listings */
	struct recall *recalls;
	struct event_timer *recall_timer;
	struct event_timer *check;	/* whether peers still find us */
	unsigned int check_first, check_each;
	struct log_limit complaint, sayings, strangers;
	bool unlisted;			/* it would not list its SAs */
	char trouble[SA_REASON_MAX], refusal[SA_REASON_MAX];
	uint8_t packet[PACKET_SIZE];
};

/* ---- reading ---- */

struct ike_words {
	struct sa_ike i;
	char state[16], id[SA_IDENTITY_MAX], eap_id[SA_IDENTITY_MAX];
	bool nat_local;
};

static const struct vici_field ike_fields[] = {
	VICI_FIELD(ike_words, i.id, VICI_U32, "uniqueid"),
	VICI_FIELD(ike_words, i.local, VICI_ADDR, "local-host"),
	VICI_FIELD(ike_words, i.remote, VICI_ADDR, "remote-host"),
	VICI_FIELD(ike_words, i.ispi, VICI_HEX64, "initiator-spi"),
	VICI_FIELD(ike_words, i.initiator, VICI_YES, "initiator"),
	VICI_FIELD(ike_words, state, VICI_TEXT, "state"),
	VICI_FIELD(ike_words, id, VICI_TEXT, "remote-id"),
	VICI_FIELD(ike_words, eap_id, VICI_TEXT, "remote-eap-id"),
	VICI_FIELD(ike_words, nat_local, VICI_YES, "nat-local"),
	VICI_FIELD(ike_words, i.nat_remote, VICI_YES, "nat-remote"),
	VICI_FIELD(ike_words, i.rspi, VICI_HEX64, "responder-spi"),
	VICI_FIELD(ike_words, i.local_port, VICI_U32, "local-port"),
	VICI_FIELD(ike_words, i.remote_port, VICI_U32, "remote-port"),
	VICI_FIELD(ike_words, i.established, VICI_U32, "established"),
	VICI_FIELD(ike_words, i.key_bits, VICI_U32, "encr-keysize"),
	VICI_FIELD(ike_words, i.encr, VICI_TEXT, "encr-alg"),
	VICI_FIELD(ike_words, i.integ, VICI_TEXT, "integ-alg"),
	VICI_FIELD(ike_words, i.prf, VICI_TEXT, "prf-alg"),
	VICI_FIELD(ike_words, i.dh, VICI_TEXT, "dh-group"),
};

struct child_words {
	struct sa_child c;
	char state[16], mode[16], protocol[8];
	char local_ts[ADDR_STRLEN + 16], remote_ts[ADDR_STRLEN + 16];
	uint32_t age;			/* seconds */
	uint64_t in, out;
};

static const struct vici_field child_fields[] = {
	VICI_FIELD(child_words, c.id, VICI_U32, "uniqueid"),
	VICI_FIELD(child_words, c.spi_in, VICI_HEX32, "spi-in"),
	VICI_FIELD(child_words, c.spi_out, VICI_HEX32, "spi-out"),
	VICI_FIELD(child_words, c.mark_in, VICI_HEX32, "mark-in"),
	VICI_FIELD(child_words, c.mark_out, VICI_HEX32, "mark-out"),
	VICI_FIELD(child_words, state, VICI_TEXT, "state"),
	VICI_FIELD(child_words, mode, VICI_TEXT, "mode"),
	VICI_FIELD(child_words, protocol, VICI_TEXT, "protocol"),
	VICI_FIELD(child_words, local_ts, VICI_ONLY, "local-ts"),
	VICI_FIELD(child_words, remote_ts, VICI_ONLY, "remote-ts"),
	VICI_FIELD(child_words, age, VICI_U32, "install-time"),
	VICI_FIELD(child_words, in, VICI_U64, "packets-in"),
	VICI_FIELD(child_words, out, VICI_U64, "packets-out"),
};

static bool read_ike(const struct vici_str *name, const struct vici_body *at,
		     struct sa_ike *ike, const char **wrong)
{
	struct ike_words w = { 0 };

	*wrong = vici_fields(at, ike_fields, ARRAY_SIZE(ike_fields), &w);
	if (*wrong)
		return false;
	*wrong = "uniqueid";
	if (!w.i.id)
		return false;
	snprintf(w.i.conn, sizeof(w.i.conn), "%.*s", (int)name->len, name->b);
	w.i.connecting = !strcmp(w.state, "CONNECTING") ||
			 !strcmp(w.state, "CREATED");
	w.i.nat = w.nat_local || w.i.nat_remote;
	snprintf(w.i.identity, sizeof(w.i.identity), "%s",
		 w.eap_id[0] ? w.eap_id : w.id);
	*ike = w.i;
	return true;
}

/* A selector of one host's GRE, as charon writes it. */
static bool is_gre_of(const char *ts, const struct addr *a)
{
	char text[ADDR_STRLEN], want[ADDR_STRLEN + 16];

	snprintf(want, sizeof(want), "%s/%u[gre]", addr_text(a, text),
		 8 * a->len);
	return !strcmp(ts, want);
}

static bool read_child(const struct vici_body *at, const struct sa_ike *ike,
		       struct sa_child *c, const char **wrong)
{
	struct child_words w = { 0 };

	*wrong = vici_fields(at, child_fields, ARRAY_SIZE(child_fields), &w);
	/* several selectors: somebody else's */
	if (*wrong && strcmp(*wrong, "local-ts") && strcmp(*wrong, "remote-ts"))
		return false;
	*wrong = "uniqueid";
	if (!w.c.id)
		return false;
	/* REKEYED is about to go and no event will say so */
	w.c.installed = !strcmp(w.state, "INSTALLED") ||
			!strcmp(w.state, "REKEYING") ||
			!strcmp(w.state, "UPDATING");
	w.c.transport = !strcmp(w.mode, "TRANSPORT");
	w.c.gre = !strcmp(w.protocol, "ESP") && w.c.spi_in && w.c.spi_out &&
		  is_gre_of(w.local_ts, &ike->local) &&
		  is_gre_of(w.remote_ts, &ike->remote);
	w.c.age = w.age < UINT32_MAX / 1000 ? w.age * 1000 : UINT32_MAX;
	w.c.packets = w.in + w.out;
	*c = w.c;
	*wrong = NULL;
	return true;
}

bool charon_read_sa(const struct vici_str *name, const struct vici_body *at,
		    struct charon_sa *sa, const char **wrong)
{
	struct vici_body children, one;
	struct vici_str child;

	sa->n = 0;
	if (!read_ike(name, at, &sa->ike, wrong))
		return false;
	*wrong = NULL;
	if (!vici_find_section(at, "child-sas", &children))
		return true;
	while (sa->n < CHARON_CHILDREN_MAX &&
	       vici_next_section(&children, &child, &one))
		if (!read_child(&one, &sa->ike, &sa->child[sa->n++], wrong))
			return false;
	return true;
}

/* ---- requests ---- */

/* charon reads the file itself, and now. */
static void put_cert(struct vici_writer *w, const char *file)
{
	vici_put_section(w, "cert");
	vici_put(w, "file", "%s%s", file[0] == '/' ? "" : CERT_FOLDER, file);
	vici_put_end(w);
}

static void put_auth(struct vici_writer *w, const char *side,
		     const struct conf_profile *p, const char *id,
		     bool local)
{
	vici_put_section(w, side);
	vici_put(w, "auth", "%s", p->auth[0] ? p->auth : "psk");
	if (id[0])
		vici_put(w, "id", "%s", id);
	if (local && p->cert[0])
		put_cert(w, p->cert);
	vici_put_end(w);
}

/* Who is at an address of his own needs no mark. */
static void put_child(struct vici_writer *w, const struct conf_profile *p,
		      bool any)
{
	vici_put_section(w, "children");
	vici_put_section(w, CHARON_CHILD);
	vici_put(w, "mode", "transport");
	vici_put_one(w, "local_ts", "dynamic[gre]");
	vici_put_one(w, "remote_ts", "dynamic[gre]");
	vici_put_one(w, "esp_proposals", p->esp_proposal[0] ?
		     p->esp_proposal : "aes128gcm16-ecp256");
	vici_put(w, "rekey_time", "%us", p->rekey ? p->rekey : 3600);
	/* nhrpd decides what happens next */
	vici_put(w, "start_action", "none");
	vici_put(w, "close_action", "none");
	vici_put(w, "dpd_action", "clear");
	if (p->nat_marks && any) {
		vici_put(w, "mark_in", "%%unique");
		vici_put(w, "mark_out", "%%unique");
		vici_put(w, "mark_in_sa", "no");
		vici_put(w, "set_mark_in", "%%same");
	}
	vici_put_end(w);
	vici_put_end(w);
}

/* @there: a peer that was there, by its name, behind NAT at its port. */
static int build_load(uint8_t *buf, size_t size, const char *conn,
		      const struct conf_profile *p, const struct addr *local,
		      const struct addr *remote, const struct sa_ike *there)
{
	struct vici_writer w;
	char text[ADDR_STRLEN];

	vici_start(&w, buf, size, VICI_CMD_REQUEST, "load-conn");
	vici_put_section(&w, conn);
	vici_put(&w, "version", "2");
	vici_put(&w, "mobike", "no");
	vici_put(&w, "unique", "no");
	vici_put(&w, "keyingtries", "1");
	vici_put(&w, "dpd_delay", "%us", p->dpd ? p->dpd : 10);
	vici_put_one(&w, "proposals", p->ike_proposal[0] ? p->ike_proposal :
		     "aes256-sha256-ecp256");
	vici_put_one(&w, "local_addrs", addr_text(local, text));
	vici_put_one(&w, "remote_addrs", remote ? addr_text(remote, text) :
		     "%any");
	if (there && there->nat_remote) {
		vici_put(&w, "local_port", "%u", IKE_NAT_PORT);
		vici_put(&w, "remote_port", "%u", there->remote_port);
	}
	put_auth(&w, "local", p, p->local_id, true);
	put_auth(&w, "remote", p, there ? there->identity : p->remote_id,
		 false);
	put_child(&w, p, !remote || there);
	vici_put_end(&w);
	return vici_finish(&w);
}

int charon_build_load(uint8_t *buf, size_t size, const char *conn,
		      const struct conf_profile *p, const struct addr *local,
		      const struct addr *remote)
{
	return build_load(buf, size, conn, p, local, remote, NULL);
}

static void complain(struct charon *c, const char *what, const char *word)
{
	char more[40];

	if (log_allowed(&c->complaint, event_now(), more))
		log_warn("ipsec: %s: %s%s", what, word, more);
}

static void note_refusal(struct charon *c, const char *what, const char *error)
{
	snprintf(c->refusal, sizeof(c->refusal), "%s: %s", what, error);
	complain(c, "charon refuses", c->refusal);
}

static int send_packet(struct charon *c, int len, const char *stream,
		       vici_reply *cb, void *ctx)
{
	if (len > 0)
		len = vici_send(c->vici, c->packet, len, stream, cb, ctx);
	if (len < 0)
		complain(c, "command not sent", strerror(-len));
	return len;
}

static struct asked *ask(struct charon *c, const char *conn)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->c = c;
	if (conn)
		snprintf(a->conn, sizeof(a->conn), "%s", conn);
	return a;
}

static void take_conn_answer(void *ctx, const struct vici_packet *p,
			     const char *error)
{
	struct asked *a = ctx;

	if (p && error)
		sa_refused(a->c->sa, a->conn, a->load, error, event_now());
	free(a);
}

static void send_conn(struct charon *c, const char *conn, bool load, int len)
{
	struct asked *a = ask(c, conn);

	if (!a)
		return;
	a->load = load;
	if (send_packet(c, len, NULL, take_conn_answer, a))
		free(a);		/* the attempt's time will be over */
}

static struct source *find_source(struct charon *c, const struct addr *local)
{
	struct source *s;

	LL_FOREACH(c->sources, s)
		if (addr_eq(&s->local, local))
			return s;
	return NULL;
}

static void op_load(void *ctx, const char *conn, const struct sa_source *src,
		    const struct addr *remote)
{
	struct charon *c = ctx;
	struct source *s = find_source(c, &src->local);

	if (s)
		send_conn(c, conn, true,
			  charon_build_load(c->packet, sizeof(c->packet), conn,
					    &s->profile, &s->local, remote));
}

static void op_initiate(void *ctx, const char *conn)
{
	struct charon *c = ctx;
	struct vici_writer w;

	vici_start(&w, c->packet, sizeof(c->packet), VICI_CMD_REQUEST,
		   "initiate");
	vici_put(&w, "ike", "%s", conn);
	vici_put(&w, "child", CHARON_CHILD);
	vici_put(&w, "timeout", "-1");	/* never let it wait, see vici.h */
	send_conn(c, conn, false, vici_finish(&w));
}

static void op_unload(void *ctx, const char *conn)
{
	struct charon *c = ctx;
	struct vici_writer w;

	vici_start(&w, c->packet, sizeof(c->packet), VICI_CMD_REQUEST,
		   "unload-conn");
	vici_put(&w, "name", "%s", conn);
	/* one that is not there is as good as one that is unloaded */
	send_packet(c, vici_finish(&w), NULL, NULL, NULL);
}

static void op_terminate(void *ctx, uint32_t ike, bool force)
{
	struct charon *c = ctx;
	struct vici_writer w;

	vici_start(&w, c->packet, sizeof(c->packet), VICI_CMD_REQUEST,
		   "terminate");
	vici_put(&w, "ike-id", "%u", ike);
	if (force)
		vici_put(&w, "force", "yes");
	vici_put(&w, "timeout", "-1");
	send_packet(c, vici_finish(&w), NULL, NULL, NULL);
}

/* It does not have that one any more, and would not say so otherwise: when
 * rekeys collide the loser's new child goes without an event. */
static void take_rekey_answer(void *ctx, const struct vici_packet *p,
			      const char *error)
{
	struct asked *a = ctx;

	if (p && error)
		sa_child_down(a->c->sa, a->child, event_now());
	free(a);
}

static void op_rekey(void *ctx, uint32_t child)
{
	struct charon *c = ctx;
	struct asked *a = ask(c, NULL);
	struct vici_writer w;

	if (!a)
		return;
	a->child = child;
	vici_start(&w, c->packet, sizeof(c->packet), VICI_CMD_REQUEST,
		   "rekey");
	vici_put(&w, "child-id", "%u", child);
	if (send_packet(c, vici_finish(&w), NULL, take_rekey_answer, a))
		free(a);		/* asked again later */
}

/* ---- the kernel's SAs ---- */

static void forget_noted(struct charon *c)
{
	struct noted *n, *tmp;

	HASH_ITER(hh, c->noted, n, tmp) {
		HASH_DELETE(hh, c->noted, n);
		free(n);
	}
}

static struct noted *find_noted(struct charon *c, uint32_t spi)
{
	struct noted *n;

	HASH_FIND(hh, c->noted, &spi, sizeof(spi), n);
	return n;
}

/* Of our addresses, as our connections have it. */
static void note_sa(void *ctx, const struct xfrm_sa *sa)
{
	struct charon *c = ctx;
	struct noted *n;

	if (!sa->transport || !sa->reqid || find_noted(c, sa->spi) ||
	    (!find_source(c, &sa->src) && !find_source(c, &sa->dst)) ||
	    HASH_COUNT(c->noted) == NOTED_MAX)
		return;
	n = calloc(1, sizeof(*n));
	if (!n)
		return;
	n->sa = *sa;
	n->young = sa->added + SA_YOUNG / 1000 >= (uint64_t)time(NULL);
	HASH_ADD(hh, c->noted, sa.spi, sizeof(n->sa.spi), n);
}

static void op_snapshot(void *ctx)
{
	struct charon *c = ctx;

	forget_noted(c);
	/* half of a list would make the rest look missing */
	if (c->xfrm && xfrm_each_sa(c->xfrm, note_sa, c))
		forget_noted(c);
}

static bool op_installed(void *ctx, uint32_t spi)
{
	struct charon *c = ctx;

	return !c->noted || find_noted(c, spi);
}

static uint64_t op_carried(void *ctx, uint32_t spi)
{
	struct charon *c = ctx;
	struct noted *n = find_noted(c, spi);

	return n ? xfrm_sa_packets(c->xfrm, &n->sa) : 0;
}

static void op_sweep(void *ctx)
{
	struct charon *c = ctx;
	struct noted *n, *tmp;
	unsigned int swept = 0;

	HASH_ITER(hh, c->noted, n, tmp)
		if (!n->listed && !n->young && !xfrm_sa_del(c->xfrm, &n->sa))
			swept++;
	if (swept)
		log_notice("ipsec: deleted %u SAs that a charon before this one left",
			   swept);
	forget_noted(c);
}

static void mark_listed(struct charon *c, const struct sa_child *child)
{
	struct noted *in = find_noted(c, child->spi_in);
	struct noted *out = find_noted(c, child->spi_out);

	if (in)
		in->listed = true;
	if (out)
		out->listed = true;
}

/* ---- whom peers find ---- */

static void any_name(const struct source *s, char conn[SA_CONN_MAX])
{
	char a[ADDR_STRLEN];

	snprintf(conn, SA_CONN_MAX, CHARON_ANY_PREFIX "%s",
		 addr_text(&s->local, a));
}

static void take_any_answer(void *ctx, const struct vici_packet *p,
			    const char *error)
{
	if (p && error)
		note_refusal(ctx, "the connection that peers find", error);
}

static void load_any(struct charon *c, struct source *s)
{
	char conn[SA_CONN_MAX];

	if (!vici_is_up(c->vici))
		return;
	s->open = true;
	any_name(s, conn);
	send_packet(c, charon_build_load(c->packet, sizeof(c->packet), conn,
					 &s->profile, &s->local, NULL),
		    NULL, take_any_answer, c);
}

/* No charon knows them: their marks are others' soon. */
static void sweep_marks(struct charon *c, const struct source *s)
{
	struct noted *n, *tmp;

	HASH_ITER(hh, c->noted, n, tmp) {
		if (n->listed || (!n->sa.mark && !n->sa.set_mark) ||
		    (!addr_eq(&n->sa.src, &s->local) &&
		     !addr_eq(&n->sa.dst, &s->local)))
			continue;
		xfrm_sa_del(c->xfrm, &n->sa);
		HASH_DELETE(hh, c->noted, n);
		free(n);
	}
}

/*
 * Marks are counted from 1 by each charon. A new one is not found by peers
 * before nothing is left of the old one's marks: no SA, and no neighbour that
 * the next one with that mark would get the packets of.
 */
static void let_in(struct charon *c)
{
	struct source *s;

	LL_FOREACH(c->sources, s) {
		if (s->open || !s->checked || !sa_is_current(c->sa))
			continue;
		if (!s->found)
			sweep_marks(c, s);
		if (c->ops->forget_marks)
			c->ops->forget_marks(c->ctx, &s->local);
		load_any(c, s);
	}
}

/* ---- listings ---- */

static bool is_ours(const struct vici_str *conn)
{
	const char *both[] = { SA_CONN_PREFIX, CHARON_ANY_PREFIX };

	for (unsigned int i = 0; i < ARRAY_SIZE(both); i++)
		if (conn->len >= strlen(both[i]) &&
		    !memcmp(conn->b, both[i], strlen(both[i])))
			return true;
	return false;
}

/* False: one that may be ours is not understood. To take the listing as whole
 * would be to give that SA up. */
static bool take_listed(struct charon *c, const struct vici_packet *p)
{
	struct vici_body at = p->body, section;
	static struct charon_sa sa;
	struct vici_str name;
	const char *wrong;
	bool whole = true;

	while (vici_next_section(&at, &name, &section)) {
		if (!charon_read_sa(&name, &section, &sa, &wrong)) {
			complain(c, "charon lists an SA that makes no sense",
				 wrong);
			whole &= !is_ours(&name);
			continue;
		}
		for (unsigned int i = 0; i < sa.n; i++)
			mark_listed(c, &sa.child[i]);
		sa_listed(c->sa, &sa.ike, sa.child, sa.n, event_now());
	}
	return whole;
}

/* Who has a mark or is behind NAT has to come by himself. */
static void replace_orphans(struct charon *c)
{
	struct noted *n, *tmp;

	HASH_ITER(hh, c->noted, n, tmp)
		if (!n->listed && !n->young && !n->sa.encap && !n->sa.mark &&
		    find_source(c, &n->sa.src))
			sa_orphan(c->sa, &n->sa.src, &n->sa.dst, event_now());
}

static void take_list(void *ctx, const struct vici_packet *p,
		      const char *error)
{
	struct asked *a = ctx;
	bool all, ok;

	if (p && p->type == VICI_EVENT) {
		a->broken |= !take_listed(a->c, p);
		return;
	}
	all = !a->conn[0] && !a->ike;
	ok = p && !error && !a->broken;
	a->c->unlisted = p && (error || a->broken);
	if (a->c->unlisted)
		note_refusal(a->c, "list-sas", error ? error :
			     "it lists an SA that makes no sense");
	sa_list_done(a->c->sa, a->conn[0] ? a->conn : NULL, a->ike, ok,
		     event_now());
	if (all && ok)
		replace_orphans(a->c);
	let_in(a->c);
	free(a);
}

static void op_list(void *ctx, const char *conn, uint32_t ike)
{
	struct charon *c = ctx;
	struct asked *a = ask(c, conn);
	struct vici_writer w;

	if (!a)
		return;
	a->ike = ike;
	vici_start(&w, c->packet, sizeof(c->packet), VICI_CMD_REQUEST,
		   "list-sas");
	if (conn)
		vici_put(&w, "ike", "%s", conn);
	if (ike)
		vici_put(&w, "ike-id", "%u", ike);
	/* the core is told after this call, by after_turn() */
	if (send_packet(c, vici_finish(&w), "list-sa", take_list, a))
		LL_PREPEND(c->unsent, a);
}

static void note_any(struct charon *c, const char *conn)
{
	char name[SA_CONN_MAX];
	struct source *s;

	LL_FOREACH(c->sources, s) {
		any_name(s, name);
		s->found |= !strcmp(name, conn);
	}
}

/* For @answer, with @c. */
static void ask_conns(struct charon *c, vici_reply *answer)
{
	struct vici_writer w;

	vici_start(&w, c->packet, sizeof(c->packet), VICI_CMD_REQUEST,
		   "get-conns");
	send_packet(c, vici_finish(&w), NULL, answer, c);
}

static void take_conns(void *ctx, const struct vici_packet *p,
		       const char *error)
{
	struct charon *c = ctx;
	char conn[SA_CONN_MAX];
	struct source *s;
	struct vici_body items;
	struct vici_str item;

	if (!p || error || !vici_find_list(&p->body, "conns", &items))
		return;
	while (vici_next_item(&items, &item)) {
		snprintf(conn, sizeof(conn), "%.*s", (int)item.len, item.b);
		sa_conn_found(c->sa, conn);
		note_any(c, conn);
	}
	LL_FOREACH(c->sources, s)
		s->checked = true;
	let_in(c);
}

static bool has_item(struct vici_body items, const char *text)
{
	struct vici_str item;

	while (vici_next_item(&items, &item))
		if (vici_str_is(&item, text))
			return true;
	return false;
}

/*
 * `swanctl --load-all`, which charon's service runs when it starts and when it
 * is told to reload, unloads all that is not in its files: ours.
 */
static void take_check(void *ctx, const struct vici_packet *p,
		       const char *error)
{
	struct charon *c = ctx;
	char name[SA_CONN_MAX];
	struct vici_body items;
	struct source *s;

	if (!p || error || !vici_find_list(&p->body, "conns", &items))
		return;
	LL_FOREACH(c->sources, s) {
		any_name(s, name);
		if (!s->open || has_item(items, name))
			continue;
		log_notice("ipsec: somebody has unloaded %s, loaded again",
			   name);
		load_any(c, s);
	}
}

static void check_conns(void *ctx)
{
	struct charon *c = ctx;

	if (!vici_is_up(c->vici))
		return;
	ask_conns(c, take_check);
	event_timer_set(c->check, event_now() + c->check_each);
}

/* ---- who was there when charon was replaced ---- */

static void op_recall(void *ctx, const struct sa_ike *ike)
{
	char a[ADDR_STRLEN], b[ADDR_STRLEN];
	struct charon *c = ctx;
	struct recall *r;

	if (!ike->identity[0])
		return;			/* it comes by itself */
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->ike = *ike;
	snprintf(r->conn, sizeof(r->conn), SA_CONN_PREFIX "%s-%s-%u",
		 addr_text(&ike->local, a), addr_text(&ike->remote, b),
		 ike->remote_port);
	LL_PREPEND(c->recalls, r);
	event_timer_set(c->recall_timer, event_now() + SA_SETTLE);
}

static void begin_recall(struct charon *c, struct recall *r)
{
	struct source *s = find_source(c, &r->ike.local);

	r->initiated = true;
	if (!s || !vici_is_up(c->vici))
		return;
	send_conn(c, r->conn, true,
		  build_load(c->packet, sizeof(c->packet), r->conn,
			     &s->profile, &s->local, &r->ike.remote, &r->ike));
	op_initiate(c, r->conn);
}

static void recall_next(void *ctx)
{
	struct charon *c = ctx;
	struct recall *r;

	LL_FOREACH(c->recalls, r)
		if (!r->initiated)
			break;
	if (!r)
		return;
	begin_recall(c, r);
	event_timer_set(c->recall_timer, event_now() + RECALL_EACH);
}

/* The IKE_SA of that connection is up, or will not be. */
static void end_recall(struct charon *c, const char *conn)
{
	struct recall *r, *tmp;

	LL_FOREACH_SAFE(c->recalls, r, tmp) {
		if (!r->initiated || strcmp(r->conn, conn))
			continue;
		op_unload(c, conn);
		LL_DELETE(c->recalls, r);
		free(r);
	}
}

static void forget_recalls(struct charon *c)
{
	struct recall *r, *tmp;

	LL_FOREACH_SAFE(c->recalls, r, tmp)
		free(r);
	c->recalls = NULL;
}

/* ---- events ---- */

struct event_head {
	bool up;
	struct addr remote;
	uint32_t remote_port;
};

static const struct vici_field head_fields[] = {
	VICI_FIELD(event_head, up, VICI_YES, "up"),
	VICI_FIELD(event_head, remote, VICI_ADDR, "remote-host"),
	VICI_FIELD(event_head, remote_port, VICI_U32, "remote-port"),
};

static bool is_any(const char *conn)
{
	return !strncmp(conn, CHARON_ANY_PREFIX, strlen(CHARON_ANY_PREFIX));
}

/* Who came and was not let in; take_said() has the reason. */
static void note_stranger(struct charon *c, const struct sa_ike *ike)
{
	char a[ADDR_STRLEN], more[40];

	if (ike->connecting && !ike->initiator && is_any(ike->conn) &&
	    log_allowed(&c->strangers, event_now(), more))
		log_notice("ipsec: %s (%s) is not let in%s",
			   addr_text(&ike->remote, a), ike->identity, more);
}

static void ike_updown(struct charon *c, const struct event_head *h,
		       const struct charon_sa *sa)
{
	if (h->up) {
		sa_ike_up(c->sa, &sa->ike, event_now());
		return;
	}
	note_stranger(c, &sa->ike);
	sa_ike_down(c->sa, &sa->ike, event_now());
	end_recall(c, sa->ike.conn);
}

static void child_updown(struct charon *c, const struct event_head *h,
			 const struct charon_sa *sa)
{
	if (h->up)
		end_recall(c, sa->ike.conn);
	for (unsigned int i = 0; i < sa->n; i++) {
		if (h->up)
			sa_child_up(c->sa, &sa->ike, &sa->child[i],
				    event_now());
		else
			sa_child_down(c->sa, sa->child[i].id, event_now());
	}
}

static void ike_update(struct charon *c, const struct event_head *h,
		       const struct charon_sa *sa)
{
	struct sa_ike moved = sa->ike;

	/* the section still has the old address */
	moved.remote = h->remote;
	moved.remote_port = h->remote_port;
	if (!moved.connecting)
		sa_ike_moved(c->sa, &moved, event_now());
}

static const struct {
	const char *name;
	void (*take)(struct charon *c, const struct event_head *h,
		     const struct charon_sa *sa);
} events[] = {
	{ "ike-updown", ike_updown },
	{ "child-updown", child_updown },
	{ "ike-update", ike_update },
};

static bool read_part(const struct vici_str *name, const struct vici_body *at,
		      const char *part, struct charon_sa *sa)
{
	struct vici_body section;
	const char *wrong;

	return vici_find_section(at, part, &section) &&
	       charon_read_sa(name, &section, sa, &wrong);
}

/* { NAME { old { IKE_SA } new { IKE_SA } } } */
static bool ike_rekey(struct charon *c, const struct vici_str *name,
		      const struct vici_body *at)
{
	static struct charon_sa old, new;

	if (!read_part(name, at, "old", &old) ||
	    !read_part(name, at, "new", &new))
		return false;
	sa_ike_rekeyed(c->sa, old.ike.id, &new.ike, event_now());
	return true;
}

/* { NAME { IKE_SA child-sas { CHILD { old { CHILD_SA } new { CHILD_SA } } } } } */
static bool child_rekey(struct charon *c, const struct vici_str *name,
			const struct vici_body *at)
{
	struct vici_body children, pair, part;
	struct sa_child old, new;
	struct vici_str child;
	const char *wrong;
	struct sa_ike ike;

	if (!read_ike(name, at, &ike, &wrong) ||
	    !vici_find_section(at, "child-sas", &children) ||
	    !vici_next_section(&children, &child, &pair) ||
	    !vici_find_section(&pair, "old", &part) ||
	    !read_child(&part, &ike, &old, &wrong) ||
	    !vici_find_section(&pair, "new", &part) ||
	    !read_child(&part, &ike, &new, &wrong))
		return false;
	sa_child_rekeyed(c->sa, &ike, old.id, &new, event_now());
	return true;
}

static void take_updown(struct charon *c, unsigned int which,
			const struct event_head *h,
			const struct vici_str *name,
			const struct vici_body *at)
{
	static struct charon_sa sa;
	const char *wrong;

	if (charon_read_sa(name, at, &sa, &wrong))
		events[which].take(c, h, &sa);
	else
		complain(c, "charon's event makes no sense", wrong);
}

static void take_section(struct charon *c, const struct vici_packet *p,
			 const struct event_head *h,
			 const struct vici_str *name,
			 const struct vici_body *at)
{
	bool fine = true;

	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		if (vici_str_is(&p->name, events[i].name))
			take_updown(c, i, h, name, at);
	if (vici_str_is(&p->name, "ike-rekey"))
		fine = ike_rekey(c, name, at);
	else if (vici_str_is(&p->name, "child-rekey"))
		fine = child_rekey(c, name, at);
	if (!fine)
		complain(c, "charon's event makes no sense", "rekey");
}

/* ---- why IKE fails: charon says so in its log alone ---- */

struct said {
	char conn[SA_CONN_MAX], msg[SA_REASON_MAX];
};

static const struct vici_field said_fields[] = {
	VICI_FIELD(said, conn, VICI_TEXT, "ikesa-name"),
	VICI_FIELD(said, msg, VICI_TEXT, "msg"),
};

/* What it says then, of all that it says. */
static const char *const telling[] = {
	"certificate invalid (", "certificate was revoked",
	"no issuer certificate found", "no trusted ", "no private key found",
	"no shared key found", "MAC mismatched", "constraint check failed",
	"no matching peer config found", "no proposal chosen",
	"received AUTHENTICATION_FAILED", "received NO_PROPOSAL_CHOSEN",
	"received TS_UNACCEPTABLE",
};

static void take_said(struct charon *c, const struct vici_packet *p)
{
	struct said s = { 0 };
	char more[40];

	vici_fields(&p->body, said_fields, ARRAY_SIZE(said_fields), &s);
	if (strncmp(s.conn, SA_CONN_PREFIX, strlen(SA_CONN_PREFIX)) &&
	    !is_any(s.conn))
		return;
	for (unsigned int i = 0; i < ARRAY_SIZE(telling); i++)
		if (strstr(s.msg, telling[i])) {
			sa_said(c->sa, s.conn, s.msg);
			if (log_allowed(&c->sayings, event_now(), more))
				log_notice("ipsec: charon of %s: %s%s", s.conn,
					   s.msg, more);
			return;
		}
}

static void on_event(void *ctx, const struct vici_packet *p)
{
	struct vici_body at = p->body, section;
	struct event_head h = { 0 };
	struct charon *c = ctx;
	struct vici_str name;

	if (vici_str_is(&p->name, "log")) {
		take_said(c, p);
		return;
	}
	/* not ours to judge: "%any" and the like */
	vici_fields(&p->body, head_fields, ARRAY_SIZE(head_fields), &h);
	while (vici_next_section(&at, &name, &section))
		if (!vici_str_is(&name, "(unnamed)"))
			take_section(c, p, &h, &name, &section);
}

/* ---- the session ---- */

/* Peers may come from now on; with marks, from let_in() on. */
static void open_source(struct charon *c, struct source *s)
{
	if (!s->profile.nat_marks || s->open)
		load_any(c, s);
}

static void on_up(void *ctx)
{
	struct charon *c = ctx;
	struct source *s;

	log_notice("ipsec: charon is there");
	c->refusal[0] = '\0';
	c->unlisted = false;
	LL_FOREACH(c->sources, s)
		open_source(c, s);
	sa_session_up(c->sa, event_now());
	ask_conns(c, take_conns);
	event_timer_set(c->check, event_now() + c->check_first);
}

static void on_lost(void *ctx, enum vici_trouble t)
{
	struct charon *c = ctx;
	struct source *s;

	log_warn("ipsec: charon has gone: %s: %s", vici_trouble_word(t),
		 vici_trouble_text(t));
	sa_session_lost(c->sa, event_now());
	forget_recalls(c);
	LL_FOREACH(c->sources, s)
		s->checked = s->found = s->open = false;
}

static void on_trouble(void *ctx, enum vici_trouble t)
{
	(void)ctx;
	log_warn("ipsec: charon is away: %s: %s", vici_trouble_word(t),
		 vici_trouble_text(t));
}

static const char *const event_names[] = {
	"ike-updown", "child-updown", "ike-rekey", "child-rekey",
	"ike-update", "log", NULL,
};

static const struct vici_ops vici_ops = {
	.up = on_up, .lost = on_lost, .event = on_event,
	.trouble = on_trouble,
};

static void op_up(void *ctx, const struct sa_info *i)
{
	struct charon *c = ctx;

	c->ops->up(c->ctx, i);
}

static void op_moved(void *ctx, const struct sa_info *i,
		     const struct addr *old)
{
	struct charon *c = ctx;

	if (c->ops->moved)
		c->ops->moved(c->ctx, i, old);
}

static void op_down(void *ctx, const struct sa_info *i)
{
	struct charon *c = ctx;

	c->ops->down(c->ctx, i);
}

static uint32_t op_random(void *ctx)
{
	(void)ctx;
	return (uint32_t)random();
}

static void op_log(void *ctx, enum sa_log level, const char *text)
{
	(void)ctx;
	log_line((enum log_level)level, "%s", text);
}

static const struct sa_ops sa_ops = {
	.load = op_load, .unload = op_unload, .initiate = op_initiate,
	.recall = op_recall, .terminate = op_terminate, .rekey = op_rekey, .list = op_list,
	.snapshot = op_snapshot, .sweep = op_sweep,
	.installed = op_installed, .carried = op_carried, .up = op_up, .down = op_down,
	.moved = op_moved,
	.random = op_random, .log = op_log,
};

static void fail_unsent(struct charon *c)
{
	struct asked *a, *tmp, *list = c->unsent;

	c->unsent = NULL;
	LL_FOREACH_SAFE(list, a, tmp) {
		sa_list_done(c->sa, a->conn[0] ? a->conn : NULL, a->ike, false,
			     event_now());
		free(a);
	}
}

static void after_turn(void *ctx)
{
	struct charon *c = ctx;
	uint64_t deadline;

	fail_unsent(c);
	deadline = sa_deadline(c->sa);
	if (deadline == c->deadline)
		return;
	c->deadline = deadline;
	event_timer_set(c->timer, deadline);
}

static void time_over(void *ctx)
{
	struct charon *c = ctx;

	c->deadline = UINT64_MAX;
	sa_run(c->sa, event_now());
}

struct charon *charon_new(struct event_loop *loop, const char *path,
			  unsigned int owner, struct xfrm *xfrm,
			  const struct charon_ops *ops, void *ctx)
{
	struct charon *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->ops = ops;
	c->ctx = ctx;
	c->xfrm = xfrm;
	c->deadline = UINT64_MAX;
	c->sa = sa_new(&sa_ops, c);
	c->timer = event_timer_new(loop, time_over, c);
	c->recall_timer = event_timer_new(loop, recall_next, c);
	c->check = event_timer_new(loop, check_conns, c);
	charon_set_checks(c, CHECK_FIRST, CHECK_EACH);
	c->vici = vici_new(loop, path, owner, event_names, &vici_ops, c);
	if (!c->sa || !c->timer || !c->recall_timer || !c->check || !c->vici ||
	    event_after_turn(loop, after_turn, c)) {
		charon_free(c);
		return NULL;
	}
	return c;
}

void charon_free(struct charon *c)
{
	struct source *s, *tmp;
	struct asked *a, *atmp;

	if (!c)
		return;
	vici_free(c->vici);
	event_timer_free(c->timer);
	event_timer_free(c->recall_timer);
	event_timer_free(c->check);
	forget_recalls(c);
	sa_free(c->sa);
	forget_noted(c);
	LL_FOREACH_SAFE(c->unsent, a, atmp)
		free(a);
	LL_FOREACH_SAFE(c->sources, s, tmp)
		free(s);
	free(c);
}

struct sa *charon_sa(struct charon *c)
{
	return c->sa;
}

struct vici *charon_vici(struct charon *c)
{
	return c->vici;
}

const char *charon_trouble(struct charon *c)
{
	struct vici_stats st;

	vici_stats(c->vici, &st);
	if (!st.up && st.trouble)
		snprintf(c->trouble, sizeof(c->trouble), "charon is away: %s",
			 vici_trouble_text(st.trouble));
	else if (!st.up)
		snprintf(c->trouble, sizeof(c->trouble), "charon is away");
	else if (c->unlisted)
		snprintf(c->trouble, sizeof(c->trouble), "charon refuses %.100s",
			 c->refusal);
	else
		snprintf(c->trouble, sizeof(c->trouble), "%s",
			 sa_is_current(c->sa) ? "" :
			 "charon has not listed its SAs yet");
	return c->trouble;
}

void charon_set_checks(struct charon *c, unsigned int first, unsigned int each)
{
	c->check_first = first;
	c->check_each = each;
}

const char *charon_refusal(struct charon *c)
{
	return c->refusal;
}

static void renew_source(struct charon *c, struct source *s)
{
	open_source(c, s);
	sa_reload(c->sa, &s->local);
}

void charon_reload(struct charon *c)
{
	struct source *s;

	LL_FOREACH(c->sources, s)
		if (s->profile.cert[0])
			renew_source(c, s);
}

int charon_source_set(struct charon *c, const struct conf_profile *p,
		      const struct addr *local)
{
	struct sa_source src = {
		.local = *local,
		.nat_marks = p->nat_marks,
		.idle = (p->idle ? p->idle : 120) * 1000,
	};
	struct source *s = find_source(c, local);
	int ret;

	snprintf(src.profile, sizeof(src.profile), "%s", p->name);
	ret = sa_source_set(c->sa, &src);
	if (ret)
		return ret;
	if (s) {
		s->refs++;
		if (memcmp(&s->profile, p, sizeof(*p))) {
			s->profile = *p;
			renew_source(c, s);
		}
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		sa_source_del(c->sa, local, event_now());
		return -ENOMEM;
	}
	s->profile = *p;
	s->local = *local;
	s->refs = 1;
	LL_PREPEND(c->sources, s);
	open_source(c, s);
	if (!s->open && vici_is_up(c->vici))
		ask_conns(c, take_conns);
	return 0;
}

bool charon_source_is(struct charon *c, const struct conf_profile *p,
		      const struct addr *local)
{
	const struct source *s = find_source(c, local);

	return s && !memcmp(&s->profile, p, sizeof(*p));
}

const char *charon_source_profile(struct charon *c, const struct addr *local)
{
	const struct source *s = find_source(c, local);

	return s ? s->profile.name : "";
}

void charon_source_del(struct charon *c, const struct addr *local)
{
	struct source *s = find_source(c, local);
	char conn[SA_CONN_MAX], a[ADDR_STRLEN];

	if (!s)
		return;
	sa_source_del(c->sa, local, event_now());
	if (--s->refs)
		return;
	snprintf(conn, sizeof(conn), CHARON_ANY_PREFIX "%s",
		 addr_text(local, a));
	if (vici_is_up(c->vici))
		op_unload(c, conn);
	LL_DELETE(c->sources, s);
	free(s);
}

void charon_sa_gone(void *ctx, uint32_t spi, bool hard)
{
	struct charon *c = ctx;

	sa_spi_gone(c->sa, spi, hard, event_now());
}

void charon_flushed(void *ctx)
{
	struct charon *c = ctx;

	sa_flushed(c->sa, event_now());
}
