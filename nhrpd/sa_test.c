/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa_test: the core of the SAs between two simulated hosts.
 *
 *      nhrpd A (sa.c)                      nhrpd B (sa.c)
 *         |  commands, events, listings       |
 *      charon A  <--- IKE: delay, loss --->  charon B
 *         |                                   |
 *      kernel A  <--------- ESP --------->  kernel B
 *
 * charon behaves as research with strongSwan 5.9.8 has found it: events come
 * late but in order, listings may be older than events, silence for a silent
 * peer, an IKE_SA without child for a refused one, INITIAL_CONTACT evicts
 * without a word to the evicted, the kernel's SAs outlive a kill. ESP is looked
 * at every 10 ms: `dark` is an SA that the other end does not have; without an
 * SA the packet would take the hub. Everything is drawn from one seed
 * (SA_SEEDS, SA_ONLY=TEST, SA_VERBOSE in the environment).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sa.h"

#define SECOND		1000ull
#define MINUTE		(60 * SECOND)
#define IKES_MAX	64
#define KSAS_MAX	512
#define EVENTS_MAX	4096
#define DPD_DELAY	10000
#define TRIES_MAX	4
#define IDLE		30000

enum ike_state { NONE, CONNECTING, ESTABLISHED, DELETING };

enum msg_type { INIT, AUTH, CHILD, REKEY_IKE, DPD, DELETE };

struct msg {
	enum msg_type type;
	bool response, from_initiator;
	uint32_t mid;
	uint64_t ispi, rspi;
	uint32_t spi, old_spi;		/* of the sender's new child, its old */
	uint64_t new_spi;		/* REKEY_IKE */
	bool contact;			/* INITIAL_CONTACT */
	bool no_auth, no_child, tunnel;
};

struct ikesa {
	enum ike_state state;
	uint32_t id;
	char conn[SA_CONN_MAX];
	bool initiator;
	uint64_t ispi, rspi;
	uint32_t child, spi_in, spi_out;	/* child 0: none */
	uint64_t born, last_in;
	bool tunnel;
	bool pending, want_delete, want_rekey, want_ike_rekey, want_child;
	struct msg request;
	unsigned int tries;
	uint64_t resend, wait;
	uint32_t mid, peer_mid;		/* next of each end */
	bool answered;
	struct msg answer;		/* the last one, for a repeated request */
};

struct ksa {
	uint32_t spi;
	bool in;
	uint64_t born;
};

struct node {
	struct world *w;
	unsigned int id;
	struct addr addr;
	/* charon */
	bool charon, deaf, wrong_psk, refuses_child, tunnel;
	unsigned int epoch;		/* of charon */
	bool loaded;			/* the per-peer connection */
	uint32_t next_ike, next_child;
	struct ikesa ike[IKES_MAX];
	uint64_t say_at, do_at;		/* queues in order */
	/* kernel */
	struct ksa ksa[KSAS_MAX];
	unsigned int n_ksa;
	uint32_t policy;		/* SPI, 0: none */
	struct ksa noted[KSAS_MAX];
	unsigned int n_noted;
	bool orphan[KSAS_MAX];
	/* nhrpd */
	struct sa *sa;
	unsigned int generation;	/* of nhrpd */
	struct sa_peer *peer;
	bool told_up, want;
	unsigned int ups, downs, initiates, loads, unloads;
	uint64_t dark, open;		/* ms */
	uint64_t dark_since, longest_dark;
};

enum event_type { TO_CHARON, TO_NHRPD, COMMAND, SESSION };

enum note_type { IKE_UP, IKE_DOWN, CHILD_UP, CHILD_DOWN, CHILD_REKEY,
		 IKE_REKEY, LISTED, LIST_DONE, GONE, HARD, FLUSHED };

enum command_type { LOAD, UNLOAD, INITIATE, TERMINATE, FORCE, REKEY, LIST };

struct event {
	uint64_t at, seq;
	enum event_type type;
	unsigned int node, epoch, generation;
	struct msg msg;
	enum note_type note;
	enum command_type command;
	struct sa_ike ike;
	struct sa_child child;
	bool has_child;
	uint32_t id, old;
	char conn[SA_CONN_MAX];
};

struct world {
	uint64_t now, seq, rng;
	unsigned int rtt, loss;		/* ms, percent */
	bool no_contact;		/* no remote identity: no INITIAL_CONTACT */
	struct node node[2];
	struct event event[EVENTS_MAX];
	unsigned int n_events;
	bool verbose;
};

static struct world world;

static uint32_t rnd(struct world *w, uint32_t n)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (uint32_t)(w->rng >> 32) % n;
}

static void say(struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct node *n, const char *fmt, ...)
{
	va_list args;

	if (!world.verbose)
		return;
	printf("%9.3f %c ", world.now / 1000.0, 'A' + n->id);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static struct event *post(struct world *w, enum event_type type,
			  unsigned int node, uint64_t at)
{
	struct event *e = &w->event[w->n_events++];

	assert_true(w->n_events < EVENTS_MAX);
	memset(e, 0, sizeof(*e));
	e->at = at;
	e->seq = ++w->seq;
	e->type = type;
	e->node = node;
	e->epoch = w->node[node].epoch;
	e->generation = w->node[node].generation;
	return e;
}

static struct node *other(struct node *n)
{
	return &n->w->node[!n->id];
}

/* ---- kernel ---- */

static struct ksa *find_ksa(struct node *n, uint32_t spi, bool in)
{
	for (unsigned int i = 0; i < n->n_ksa; i++)
		if (n->ksa[i].spi == spi && n->ksa[i].in == in)
			return &n->ksa[i];
	return NULL;
}

static void add_ksa(struct node *n, uint32_t spi, bool in)
{
	assert_true(n->n_ksa < KSAS_MAX);
	n->ksa[n->n_ksa++] = (struct ksa){ spi, in, n->w->now };
}

static struct event *note(struct node *n, enum note_type what);

/* The kernel tells who listens, charon or not. */
static void kernel_note(struct node *n, enum note_type what, uint32_t spi)
{
	struct event *e = post(n->w, TO_NHRPD, n->id,
			       n->w->now + rnd(n->w, 5));

	e->note = what;
	e->id = spi;
	e->epoch = 0;
}

static void del_ksa(struct node *n, uint32_t spi, bool in)
{
	struct ksa *k = find_ksa(n, spi, in);

	if (!k)
		return;
	*k = n->ksa[--n->n_ksa];
	kernel_note(n, GONE, spi);
}

/* ---- charon ---- */

/* An event of charon: later, but in order. */
static struct event *note(struct node *n, enum note_type what)
{
	uint64_t at = n->w->now + 1 + rnd(n->w, 5);
	struct event *e;

	if (at < n->say_at)
		at = n->say_at;
	n->say_at = at;
	e = post(n->w, TO_NHRPD, n->id, at);
	e->note = what;
	return e;
}

static struct sa_ike describe(struct node *n, const struct ikesa *k)
{
	struct sa_ike i = {
		.id = k->id, .local = n->addr, .remote = other(n)->addr,
		.ispi = k->ispi, .initiator = k->initiator,
		.connecting = k->state == CONNECTING,
	};

	snprintf(i.conn, sizeof(i.conn), "%s", k->conn);
	snprintf(i.identity, sizeof(i.identity), "node%u.lab", !n->id);
	return i;
}

static struct sa_child describe_child(struct node *n, const struct ikesa *k)
{
	return (struct sa_child){
		.id = k->child, .spi_in = k->spi_in, .spi_out = k->spi_out,
		.age = n->w->now - k->born, .installed = true,
		.transport = !k->tunnel, .gre = true,
	};
}

static void note_ike(struct node *n, enum note_type what, struct ikesa *k)
{
	struct event *e = note(n, what);

	e->ike = describe(n, k);
	e->id = k->id;
	e->has_child = k->child != 0;
	if (e->has_child)
		e->child = describe_child(n, k);
}

static struct ikesa *new_ike(struct node *n)
{
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state != NONE)
			continue;
		memset(k, 0, sizeof(*k));
		k->id = ++n->next_ike;
		k->last_in = n->w->now;
		return k;
	}
	fail_msg("too many IKE_SAs at %c", 'A' + n->id);
	return NULL;
}

static void transmit(struct node *n, const struct msg *m)
{
	struct world *w = n->w;

	if (rnd(w, 100) < w->loss)
		return;
	post(w, TO_CHARON, !n->id, w->now + w->rtt / 2 + rnd(w, 2))->msg = *m;
}

static void request(struct node *n, struct ikesa *k, struct msg m)
{
	m.ispi = k->ispi;
	m.rspi = k->rspi;
	m.from_initiator = k->initiator;
	m.mid = k->mid;
	k->pending = true;
	k->request = m;
	k->tries = 0;
	k->wait = 2000;			/* as the drop-in file has it */
	k->resend = n->w->now + k->wait;
	transmit(n, &m);
}

static void respond(struct node *n, struct ikesa *k, const struct msg *to,
		    struct msg m)
{
	m.type = to->type;
	m.response = true;
	m.mid = to->mid;
	m.ispi = to->ispi;
	m.rspi = k->rspi;
	m.from_initiator = k->initiator;
	k->peer_mid = to->mid + 1;
	k->answered = true;
	k->answer = m;
	transmit(n, &m);
}

/* The policy's SA is the last one that charon still has. */
static void fall_back(struct node *n)
{
	uint64_t born = 0;

	n->policy = 0;
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state == NONE || !k->child || k->born < born)
			continue;
		born = k->born;
		n->policy = k->spi_out;
	}
}

static void uninstall(struct node *n, struct ikesa *k)
{
	uint32_t out = k->spi_out;

	if (!k->child)
		return;
	del_ksa(n, k->spi_in, true);
	del_ksa(n, out, false);
	k->child = 0;
	if (n->policy == out)
		fall_back(n);
}

static void destroy(struct node *n, struct ikesa *k)
{
	note_ike(n, IKE_DOWN, k);
	if (k->child)
		note_ike(n, CHILD_DOWN, k);
	uninstall(n, k);
	k->state = NONE;
}

static uint32_t new_spi(struct world *w)
{
	return 0xc0000000u | rnd(w, 0x3fffffff);
}

static void install(struct node *n, struct ikesa *k, uint32_t spi_in,
		    uint32_t spi_out)
{
	k->child = ++n->next_child;
	k->spi_in = spi_in;
	k->spi_out = spi_out;
	k->born = n->w->now;
	add_ksa(n, spi_in, true);
	add_ksa(n, spi_out, false);
	n->policy = spi_out;
}

static bool has_contact(struct node *n, const struct ikesa *but)
{
	for (unsigned int i = 0; i < IKES_MAX; i++)
		if (n->ike[i].state == ESTABLISHED && &n->ike[i] != but)
			return true;
	return false;
}

static struct ikesa *find_sa(struct node *n, const struct msg *m)
{
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state != NONE && k->ispi == m->ispi &&
		    k->initiator != m->from_initiator &&
		    (k->rspi == m->rspi || m->type == INIT))
			return k;
	}
	return NULL;
}

static void take_init(struct node *n, const struct msg *m)
{
	struct ikesa *k = new_ike(n);

	snprintf(k->conn, sizeof(k->conn), "any");
	if (n->loaded)
		snprintf(k->conn, sizeof(k->conn), "nhrp-10.0.0.%u-10.0.0.%u",
			 n->id + 1, !n->id + 1);
	k->state = CONNECTING;
	k->ispi = m->ispi;
	k->rspi = (uint64_t)rnd(n->w, UINT32_MAX) << 32 | k->id;
	respond(n, k, m, (struct msg){ 0 });
}

static void evict(struct node *n, struct ikesa *but)
{
	for (unsigned int i = 0; i < IKES_MAX; i++)
		if (n->ike[i].state == ESTABLISHED && &n->ike[i] != but)
			destroy(n, &n->ike[i]);
}

static void take_auth(struct node *n, struct ikesa *k, const struct msg *m)
{
	uint32_t spi = new_spi(n->w);
	struct msg r = { .spi = spi, .tunnel = n->tunnel };

	if (n->wrong_psk || other(n)->wrong_psk) {
		respond(n, k, m, (struct msg){ .no_auth = true });
		destroy(n, k);
		return;
	}
	if (m->contact)
		evict(n, k);
	k->state = ESTABLISHED;
	note_ike(n, IKE_UP, k);
	if (n->refuses_child) {
		respond(n, k, m, (struct msg){ .no_child = true });
		return;
	}
	k->tunnel = n->tunnel;
	install(n, k, spi, m->spi);
	note_ike(n, CHILD_UP, k);
	respond(n, k, m, r);
}

static void note_rekey(struct node *n, struct ikesa *k, uint32_t old)
{
	struct event *e;

	note_ike(n, old ? CHILD_REKEY : CHILD_UP, k);
	e = &n->w->event[n->w->n_events - 1];
	e->old = old;
}

/* A new CHILD_SA, in place of the old one if there was one. */
static void replace_child(struct node *n, struct ikesa *k, uint32_t spi_in,
			  uint32_t spi_out)
{
	uint32_t old = k->child, old_in = k->spi_in, old_out = k->spi_out;

	install(n, k, spi_in, spi_out);
	note_rekey(n, k, old);
	if (!old)
		return;
	/* a moment later in truth; the other end does the same */
	del_ksa(n, old_out, false);
	del_ksa(n, old_in, true);
}

static void take_child(struct node *n, struct ikesa *k, const struct msg *m)
{
	uint32_t spi = new_spi(n->w);

	if (n->refuses_child || (m->old_spi && m->old_spi != k->spi_out)) {
		respond(n, k, m, (struct msg){ .no_child = true });
		return;
	}
	replace_child(n, k, spi, m->spi);
	respond(n, k, m, (struct msg){ .spi = spi });
}

static void renew_ike(struct node *n, struct ikesa *k, bool initiator,
		      uint64_t ispi, uint64_t rspi)
{
	uint32_t old = k->id;
	struct event *e;

	k->id = ++n->next_ike;
	k->initiator = initiator;
	k->ispi = ispi;
	k->rspi = rspi;
	k->mid = k->peer_mid = 0;
	k->answered = false;
	note_ike(n, IKE_REKEY, k);
	e = &n->w->event[n->w->n_events - 1];
	e->old = old;
}

static void take_request(struct node *n, struct ikesa *k, const struct msg *m)
{
	uint64_t rspi;

	if (k->answered && m->mid + 1 == k->peer_mid) {
		transmit(n, &k->answer);
		return;
	}
	if (m->mid != k->peer_mid)
		return;
	switch (m->type) {
	case AUTH:
		take_auth(n, k, m);
		return;
	case CHILD:
		take_child(n, k, m);
		return;
	case REKEY_IKE:
		/* collisions: as charon, one side gives way */
		if (k->pending) {
			respond(n, k, m, (struct msg){ .no_child = true });
			return;
		}
		rspi = (uint64_t)rnd(n->w, UINT32_MAX) << 32 | k->id;
		respond(n, k, m, (struct msg){ .new_spi = rspi });
		renew_ike(n, k, false, m->new_spi, rspi);
		return;
	case DELETE:
		respond(n, k, m, (struct msg){ 0 });
		destroy(n, k);
		return;
	default:
		respond(n, k, m, (struct msg){ 0 });
	}
}

static void begin_auth(struct node *n, struct ikesa *k, const struct msg *m)
{
	struct msg r = { .type = AUTH, .spi = new_spi(n->w),
			 .contact = !n->w->no_contact &&
				    !has_contact(n, k) };

	k->rspi = m->rspi;
	k->mid = 1;
	request(n, k, r);
}

static void end_auth(struct node *n, struct ikesa *k, const struct msg *m)
{
	if (m->no_auth) {
		destroy(n, k);
		return;
	}
	k->mid++;
	k->state = ESTABLISHED;
	note_ike(n, IKE_UP, k);
	if (m->no_child)
		return;
	k->tunnel = m->tunnel;
	install(n, k, k->request.spi, m->spi);
	note_ike(n, CHILD_UP, k);
}

static void take_response(struct node *n, struct ikesa *k,
			  const struct msg *m)
{
	if (!k->pending || m->mid != k->request.mid ||
	    m->type != k->request.type)
		return;
	k->pending = false;
	switch (m->type) {
	case INIT:
		begin_auth(n, k, m);
		return;
	case AUTH:
		end_auth(n, k, m);
		return;
	case DELETE:
		destroy(n, k);
		return;
	case CHILD:
		k->mid++;
		if (!m->no_child)
			replace_child(n, k, k->request.spi, m->spi);
		return;
	case REKEY_IKE:
		k->mid++;
		if (!m->no_child)
			renew_ike(n, k, true, k->request.new_spi, m->new_spi);
		return;
	default:
		k->mid++;
	}
}

static void charon_receives(struct node *n, const struct msg *m)
{
	struct ikesa *k = find_sa(n, m);

	if (!n->charon || n->deaf)
		return;
	if (!k) {
		if (m->type == INIT && !m->response)
			take_init(n, m);
		return;
	}
	k->last_in = n->w->now;
	if (!m->response && m->type == INIT)
		transmit(n, &k->answer);
	else if (m->response)
		take_response(n, k, m);
	else
		take_request(n, k, m);
}

static void charon_begins(struct node *n, struct ikesa *k)
{
	struct world *w = n->w;

	if (k->want_delete) {
		k->want_delete = false;
		k->state = DELETING;
		request(n, k, (struct msg){ .type = DELETE });
	} else if (k->want_rekey || k->want_child) {
		struct msg m = { .type = CHILD, .spi = new_spi(w),
				 .old_spi = k->child ? k->spi_in : 0 };

		k->want_rekey = k->want_child = false;
		if (k->child || !m.old_spi)
			request(n, k, m);
	} else if (k->want_ike_rekey) {
		k->want_ike_rekey = false;
		request(n, k, (struct msg){
			.type = REKEY_IKE,
			.new_spi = (uint64_t)rnd(w, UINT32_MAX) << 32 | k->id });
	} else if (w->now - k->last_in >= DPD_DELAY) {
		k->last_in = w->now;
		request(n, k, (struct msg){ .type = DPD });
	}
}

static void charon_works(struct node *n)
{
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state == NONE)
			continue;
		if (!k->pending) {
			if (k->state == ESTABLISHED)
				charon_begins(n, k);
			else if (!k->initiator &&
				 n->w->now - k->last_in > 30000)
				k->state = NONE;	/* half open */
			continue;
		}
		if (n->w->now < k->resend)
			continue;
		if (k->tries++ == TRIES_MAX) {
			/* no event for one that was never up */
			if (k->state == CONNECTING)
				k->state = NONE;
			else
				destroy(n, k);
			continue;
		}
		k->wait += k->wait / 2;
		k->resend = n->w->now + k->wait;
		transmit(n, &k->request);
	}
}

/* ---- commands ---- */

static void charon_initiates(struct node *n, const char *conn)
{
	struct ikesa *k;

	for (unsigned int i = 0; i < IKES_MAX; i++) {
		k = &n->ike[i];
		if (k->state == NONE || strcmp(k->conn, conn))
			continue;
		if (k->state == ESTABLISHED && !k->child)
			k->want_child = true;
		return;
	}
	if (!n->loaded)
		return;
	k = new_ike(n);
	k->state = CONNECTING;
	k->initiator = true;
	k->ispi = (uint64_t)rnd(n->w, UINT32_MAX) << 32 | k->id << 1 | n->id;
	snprintf(k->conn, sizeof(k->conn), "%s", conn);
	request(n, k, (struct msg){ .type = INIT });
}

static void charon_terminates(struct node *n, uint32_t id, bool force)
{
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state == NONE || k->id != id)
			continue;
		if (k->state == CONNECTING) {
			destroy(n, k);
		} else if (force) {
			request(n, k, (struct msg){ .type = DELETE });
			destroy(n, k);
		} else {
			k->want_delete = k->state == ESTABLISHED;
		}
		return;
	}
}

static void charon_rekeys(struct node *n, uint32_t child)
{
	for (unsigned int i = 0; i < IKES_MAX; i++)
		if (n->ike[i].state == ESTABLISHED && n->ike[i].child == child)
			n->ike[i].want_rekey = true;
}

/* Says what is so now, but says it later. */
static void charon_lists(struct node *n, const struct event *cmd)
{
	uint64_t at = n->w->now + 1 + rnd(n->w, 30);
	struct event *e;

	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state == NONE ||
		    (cmd->conn[0] && strcmp(cmd->conn, k->conn)) ||
		    (cmd->id && cmd->id != k->id))
			continue;
		e = post(n->w, TO_NHRPD, n->id, at);
		e->note = LISTED;
		e->ike = describe(n, k);
		e->has_child = k->child != 0;
		e->child = describe_child(n, k);
	}
	e = post(n->w, TO_NHRPD, n->id, at);
	e->note = LIST_DONE;
	e->id = cmd->id;
	memcpy(e->conn, cmd->conn, sizeof(e->conn));
}

static void charon_obeys(struct node *n, const struct event *e)
{
	switch (e->command) {
	case LOAD:
		n->loaded = true;
		break;
	case UNLOAD:
		n->loaded = false;
		break;
	case INITIATE:
		charon_initiates(n, e->conn);
		break;
	case TERMINATE:
	case FORCE:
		charon_terminates(n, e->id, e->command == FORCE);
		break;
	case REKEY:
		charon_rekeys(n, e->id);
		break;
	case LIST:
		charon_lists(n, e);
		break;
	}
}

/* ---- nhrpd ---- */

static struct event *command(struct node *n, enum command_type what)
{
	uint64_t at = n->w->now + 1 + rnd(n->w, 3);
	struct event *e;

	if (at < n->do_at)
		at = n->do_at;
	n->do_at = at;
	e = post(n->w, COMMAND, n->id, at);
	e->command = what;
	return e;
}

static void op_load(void *ctx, const char *conn, const struct sa_source *src,
		    const struct addr *remote)
{
	struct node *n = ctx;

	assert_string_equal(src->profile, "P");
	assert_true(addr_eq(remote, &other(n)->addr));
	n->loads++;
	snprintf(command(n, LOAD)->conn, SA_CONN_MAX, "%s", conn);
}

static void op_unload(void *ctx, const char *conn)
{
	struct node *n = ctx;

	n->unloads++;
	snprintf(command(n, UNLOAD)->conn, SA_CONN_MAX, "%s", conn);
}

static void op_initiate(void *ctx, const char *conn)
{
	struct node *n = ctx;

	say(n, "initiates");
	n->initiates++;
	snprintf(command(n, INITIATE)->conn, SA_CONN_MAX, "%s", conn);
}

static void op_terminate(void *ctx, uint32_t ike, bool force)
{
	struct node *n = ctx;

	say(n, "terminates %u%s", ike, force ? " by force" : "");
	command(n, force ? FORCE : TERMINATE)->id = ike;
}

static void op_rekey(void *ctx, uint32_t child)
{
	command(ctx, REKEY)->id = child;
}

static void op_list(void *ctx, const char *conn, uint32_t ike)
{
	struct event *e = command(ctx, LIST);

	e->id = ike;
	if (conn)
		snprintf(e->conn, sizeof(e->conn), "%s", conn);
}

static void op_snapshot(void *ctx)
{
	struct node *n = ctx;

	memcpy(n->noted, n->ksa, sizeof(n->ksa));
	n->n_noted = n->n_ksa;
	for (unsigned int i = 0; i < n->n_noted; i++)
		n->orphan[i] = n->w->now - n->noted[i].born > 5000;
}

/* What charon has is nobody's orphan. */
static void mark_listed(struct node *n, const struct sa_child *c)
{
	for (unsigned int i = 0; i < n->n_noted; i++)
		if (n->noted[i].spi == c->spi_in ||
		    n->noted[i].spi == c->spi_out)
			n->orphan[i] = false;
}

static void op_sweep(void *ctx)
{
	struct node *n = ctx;

	for (unsigned int i = 0; i < n->n_noted; i++) {
		if (!n->orphan[i])
			continue;
		say(n, "sweeps %x", n->noted[i].spi);
		for (unsigned int j = 0; j < IKES_MAX; j++)
			assert_false(n->ike[j].state != NONE &&
				     n->ike[j].child &&
				     (n->ike[j].spi_in == n->noted[i].spi ||
				      n->ike[j].spi_out == n->noted[i].spi));
		del_ksa(n, n->noted[i].spi, n->noted[i].in);
	}
	n->n_noted = 0;
}

static bool op_installed(void *ctx, uint32_t spi)
{
	struct node *n = ctx;

	for (unsigned int i = 0; i < n->n_noted; i++)
		if (n->noted[i].in && n->noted[i].spi == spi)
			return true;
	return false;
}

static uint64_t op_carried(void *ctx, uint32_t spi)
{
	(void)ctx;
	(void)spi;
	return 0;
}

static void op_up(void *ctx, const struct sa_info *i)
{
	struct node *n = ctx;

	if (!n->told_up)
		n->ups++;
	n->told_up = true;
	assert_true(i->state == SA_UP || i->coming);
	if (i->identity[0])
		assert_string_equal(i->identity,
				    n->id ? "node0.lab" : "node1.lab");
}

static void op_down(void *ctx, const struct sa_info *i)
{
	struct node *n = ctx;

	assert_true(n->told_up);
	assert_true(i->reason[0]);
	say(n, "DOWN: %s", i->reason);
	n->told_up = false;
	n->downs++;
}

static uint32_t op_random(void *ctx)
{
	struct node *n = ctx;

	return rnd(n->w, UINT32_MAX);
}

static void op_log(void *ctx, enum sa_log level, const char *text)
{
	(void)level;
	say(ctx, "%s", text);
}

static const struct sa_ops ops = {
	.load = op_load, .unload = op_unload, .initiate = op_initiate,
	.terminate = op_terminate, .rekey = op_rekey, .list = op_list,
	.snapshot = op_snapshot, .sweep = op_sweep,
	.installed = op_installed, .carried = op_carried,
	.up = op_up, .down = op_down, .random = op_random, .log = op_log,
};

static void replace_orphans(struct node *n, uint64_t now)
{
	for (unsigned int i = 0; i < n->n_noted; i++)
		if (n->orphan[i] && !n->noted[i].in)
			sa_orphan(n->sa, &n->addr, &other(n)->addr, now);
}

static void nhrpd_hears(struct node *n, const struct event *e)
{
	struct sa *s = n->sa;
	uint64_t now = n->w->now;

	switch (e->note) {
	case IKE_UP:
		sa_ike_up(s, &e->ike, now);
		break;
	case IKE_DOWN:
		say(n, "hears of IKE_SA %u down", e->id);
		sa_ike_down(s, &e->ike, now);
		break;
	case CHILD_UP:
		say(n, "hears of child %u of IKE_SA %u, %s", e->child.id,
		    e->ike.id, e->ike.initiator ? "ours" : "theirs");
		sa_child_up(s, &e->ike, &e->child, now);
		break;
	case CHILD_DOWN:
		sa_child_down(s, e->child.id, now);
		break;
	case CHILD_REKEY:
		sa_child_rekeyed(s, &e->ike, e->old, &e->child, now);
		break;
	case IKE_REKEY:
		sa_ike_rekeyed(s, e->old, &e->ike, now);
		break;
	case LISTED:
		if (e->has_child)
			mark_listed(n, &e->child);
		sa_listed(s, &e->ike, &e->child, e->has_child, now);
		break;
	case LIST_DONE:
		sa_list_done(s, e->conn[0] ? e->conn : NULL, e->id, true, now);
		if (!e->conn[0] && !e->id)
			replace_orphans(n, now);
		break;
	case GONE:
	case HARD:
		sa_spi_gone(s, e->id, e->note == HARD, now);
		break;
	case FLUSHED:
		sa_flushed(s, now);
		break;
	}
}

static void start_nhrpd(struct node *n)
{
	struct sa_source src = { .local = n->addr, .profile = "P",
				 .idle = IDLE };

	n->sa = sa_new(&ops, n);
	assert_non_null(n->sa);
	assert_int_equal(sa_source_set(n->sa, &src), 0);
	n->generation++;
	n->told_up = false;
	n->n_noted = 0;
	n->peer = NULL;
	if (n->charon)
		post(n->w, SESSION, n->id, n->w->now + 1 + rnd(n->w, 50));
}

static void need(struct node *n)
{
	n->want = true;
	n->peer = sa_peer_get(n->sa, &n->addr, &other(n)->addr, 0, n->w->now);
	assert_non_null(n->peer);
}

static void stop_nhrpd(struct node *n)
{
	sa_free(n->sa);
	n->sa = NULL;
	n->generation++;
}

/* ---- the world ---- */

static void dispatch(struct world *w, const struct event *e)
{
	struct node *n = &w->node[e->node];

	/* of a charon or nhrpd that is no more */
	if (e->epoch && e->epoch != n->epoch)
		return;
	if (e->type != TO_CHARON && e->generation != n->generation)
		return;
	switch (e->type) {
	case TO_CHARON:
		charon_receives(n, &e->msg);
		break;
	case TO_NHRPD:
		if (n->sa)
			nhrpd_hears(n, e);
		break;
	case COMMAND:
		if (n->charon)
			charon_obeys(n, e);
		break;
	case SESSION:
		if (n->sa)
			sa_session_up(n->sa, w->now);
		break;
	}
}

static struct event *next_event(struct world *w)
{
	struct event *first = NULL;

	for (unsigned int i = 0; i < w->n_events; i++) {
		struct event *e = &w->event[i];

		if (!first || e->at < first->at ||
		    (e->at == first->at && e->seq < first->seq))
			first = e;
	}
	return first;
}

static void look_at(struct node *n, unsigned int ms)
{
	struct node *to = other(n);

	if (!n->policy || !find_ksa(n, n->policy, false)) {
		n->open += ms;
		n->dark_since = 0;
		/* the module tells, at most once a second */
		if (n->sa && n->w->now % 1000 == 0)
			sa_missing(n->sa, &n->addr, &to->addr, 0, n->w->now);
		return;
	}
	if (find_ksa(to, n->policy, true)) {
		n->dark_since = 0;
		for (unsigned int i = 0; i < IKES_MAX; i++)
			if (to->ike[i].child &&
			    to->ike[i].spi_in == n->policy)
				to->ike[i].last_in = n->w->now;
		return;
	}
	n->dark += ms;
	if (!n->dark_since)
		n->dark_since = n->w->now;
	if (n->w->now - n->dark_since + ms > n->longest_dark)
		n->longest_dark = n->w->now - n->dark_since + ms;
}

static void step_to(struct world *w, uint64_t until)
{
	struct event *first, e;

	for (;;) {
		first = next_event(w);
		if (!first || first->at > until)
			break;
		e = *first;
		/* keeps the order of what is posted at one time: by seq */
		*first = w->event[--w->n_events];
		if (e.at > w->now)
			w->now = e.at;
		dispatch(w, &e);
	}
	w->now = until;
}

static void run(uint64_t ms)
{
	struct world *w = &world;
	uint64_t end = w->now + ms;

	while (w->now < end) {
		step_to(w, w->now + 1);
		for (int i = 0; i < 2; i++) {
			struct node *n = &w->node[i];

			if (n->sa && sa_deadline(n->sa) <= w->now)
				sa_run(n->sa, w->now);
			if (w->now % 10)
				continue;
			if (n->charon)
				charon_works(n);
			look_at(n, 10);
		}
	}
}

static void start_charon(struct node *n)
{
	n->charon = true;
	n->epoch++;
	n->loaded = false;
	n->next_ike = n->next_child = 0;
	memset(n->ike, 0, sizeof(n->ike));
	if (n->sa)
		post(n->w, SESSION, n->id, n->w->now + 1 + rnd(n->w, 250));
}

static void kill_charon(struct node *n)
{
	n->charon = false;
	n->epoch++;
	memset(n->ike, 0, sizeof(n->ike));
	if (n->sa)
		sa_session_lost(n->sa, n->w->now);
}

/* SIGTERM: says good-bye, and takes SAs and policies along. */
static void stop_charon(struct node *n)
{
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state != ESTABLISHED)
			continue;
		request(n, k, (struct msg){ .type = DELETE });
		uninstall(n, k);
	}
	n->policy = 0;
	kill_charon(n);
}

static void reboot(struct node *n)
{
	kill_charon(n);
	stop_nhrpd(n);
	n->n_ksa = 0;
	n->policy = 0;
}

static void start_world(uint64_t seed, unsigned int rtt, unsigned int loss)
{
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	w->rng = seed * 0x9e3779b97f4a7c15ull + 1;
	w->rtt = rtt;
	w->loss = loss;
	w->now = 1000000;
	w->verbose = getenv("SA_VERBOSE") != NULL;
	say(&w->node[0], "seed %u", (unsigned int)seed);
	for (int i = 0; i < 10; i++)
		rnd(w, 2);
	for (int i = 0; i < 2; i++) {
		struct node *n = &w->node[i];

		n->w = w;
		n->id = i;
		addr_parse(i ? "10.0.0.2" : "10.0.0.1", &n->addr);
		start_charon(n);
		start_nhrpd(n);
	}
}

static void end_world(void)
{
	for (int i = 0; i < 2; i++)
		if (world.node[i].sa)
			stop_nhrpd(&world.node[i]);
}

static unsigned int count_ikes(struct node *n, enum ike_state state)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < IKES_MAX; i++)
		count += n->ike[i].state == state;
	return count;
}

static struct node *A = &world.node[0], *B = &world.node[1];

/* Both ends have one and the same SA, and data flows both ways through it. */
static void expect_one_sa(void)
{
	uint64_t dark = A->dark + B->dark, open = A->open + B->open;

	for (int i = 0; i < 2; i++) {
		struct node *n = &world.node[i];

		assert_true(n->told_up);
		assert_int_equal(count_ikes(n, ESTABLISHED), 1);
		assert_int_equal(count_ikes(n, CONNECTING), 0);
		for (unsigned int j = 0; j < n->n_ksa; j++)
			say(n, "has %x, %s, %u ms old", n->ksa[j].spi,
			    n->ksa[j].in ? "in" : "out",
			    (unsigned int)(world.now - n->ksa[j].born));
		assert_int_equal(n->n_ksa, 2);
	}
	run(500);
	assert_int_equal(A->dark + B->dark, dark);
	assert_int_equal(A->open + B->open, open);
}

static unsigned int seeds(unsigned int n)
{
	const char *more = getenv("SA_SEEDS");

	return more ? (unsigned int)atoi(more) : n;
}

#define EACH_SEED(seed, n) \
	for (uint64_t seed = 1; seed <= seeds(n); end_world(), seed++)

static void bring_up(uint64_t seed, unsigned int rtt)
{
	start_world(seed, rtt, 0);
	run(500);
	need(A);
	need(B);
	run(35 * SECOND);
	expect_one_sa();
}

/* ---- tests ---- */

/* One end needs it: up within four round trips of IKE, no attempt more. */
static void test_one_side(void **state)
{
	(void)state;
	EACH_SEED(seed, 50) {
		start_world(seed, 20, 0);
		run(500);
		need(A);
		run(200);
		assert_true(A->told_up && B->told_up);
		run(30 * SECOND);
		expect_one_sa();
		assert_int_equal(A->initiates, 1);
		assert_int_equal(B->initiates, 0);
	}
}

/* Both begin, 0, 20 or 200 ms apart: no flap, one left, next to nothing lost. */
static void test_simultaneous(void **state)
{
	static const unsigned int apart[] = { 0, 1, 20, 100, 200 };
	static const unsigned int rtts[] = { 0, 20, 200 };

	(void)state;
	for (unsigned int i = 0; i < 15; i++)
		EACH_SEED(seed, 12) {
			unsigned int rtt = rtts[i % 3];

			start_world(seed, rtt, 0);
			run(500);
			need(A);
			run(apart[i / 3]);
			need(B);
			run(35 * SECOND);
			expect_one_sa();
			assert_int_equal(A->ups + B->ups, 2);
			assert_int_equal(A->downs + B->downs, 0);
			assert_true(A->longest_dark <= rtt + 20);
			assert_true(B->longest_dark <= rtt + 20);
		}
}

/* The same where a tenth of IKE's packets is lost. */
static void test_simultaneous_loss(void **state)
{
	(void)state;
	EACH_SEED(seed, 60) {
		start_world(seed, 20, 10);
		run(500);
		need(A);
		run(rnd(&world, 50));
		need(B);
		run(2 * MINUTE);
		world.loss = 0;
		run(MINUTE);
		expect_one_sa();
	}
}

/* No answer, no event: time is kept here, attempts get rarer, none is left
 * behind; when the peer speaks again it is up. */
static void test_silent_peer(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		start_world(seed, 20, 0);
		B->deaf = true;
		run(500);
		need(A);
		run(5 * MINUTE);
		assert_in_range(A->initiates, 5, 14);
		assert_false(A->told_up);
		assert_true(sa_counts(A->sa)[SA_COUNT_NO_ANSWER] >= 4);
		assert_true(count_ikes(A, CONNECTING) <= 1);
		B->deaf = false;
		run(90 * SECOND);
		expect_one_sa();
		assert_int_equal(A->downs, 0);
	}
}

static void check_refusal(bool *why, enum sa_count counted)
{
	EACH_SEED(seed, 20) {
		start_world(seed, 20, 0);
		*why = true;
		run(500);
		need(A);
		run(2 * MINUTE);
		assert_true(sa_counts(A->sa)[counted] >= 3);
		assert_in_range(A->initiates, 3, 10);
		assert_int_equal(A->ups + B->ups, 0);
		assert_true(count_ikes(A, ESTABLISHED) <= 1);
		*why = false;
		run(90 * SECOND);
		expect_one_sa();
	}
}

static void test_wrong_psk(void **state)
{
	(void)state;
	check_refusal(&B->wrong_psk, SA_COUNT_IKE_REFUSED);
}

/* The reason is what charon says first, and said before the next attempt. */
static void test_said(void **state)
{
	const char *conn = "nhrp-10.0.0.1-10.0.0.2";
	struct sa_info i;

	(void)state;
	start_world(1, 20, 0);
	B->wrong_psk = true;
	run(500);
	need(A);
	run(500);
	assert_true(sa_find(A->sa, &A->addr, &B->addr, 0, &i));
	assert_int_equal(i.state, SA_BACKOFF);
	assert_non_null(strstr(i.reason, "the peer refuses"));
	sa_said(A->sa, conn, "the cause");
	sa_said(A->sa, conn, "a consequence");
	sa_said(A->sa, "nhrp-10.0.0.1-10.0.0.9", "of somebody else");
	assert_true(sa_find(A->sa, &A->addr, &B->addr, 0, &i));
	assert_string_equal(i.reason, "charon: the cause");
	B->wrong_psk = false;
	run(90 * SECOND);
	assert_true(sa_find(A->sa, &A->addr, &B->addr, 0, &i));
	assert_int_equal(i.state, SA_UP);
	assert_string_equal(i.reason, "");
	sa_said(A->sa, conn, "too late");
	assert_true(sa_find(A->sa, &A->addr, &B->addr, 0, &i));
	assert_string_equal(i.reason, "");
	end_world();
}

static void test_refused_child(void **state)
{
	(void)state;
	check_refusal(&B->refuses_child, SA_COUNT_CHILD_REFUSED);
}

/* The peer makes a tunnel of it: no SA of ours. */
static void test_wrong_mode(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		start_world(seed, 20, 0);
		B->tunnel = true;
		run(500);
		need(A);
		run(MINUTE);
		assert_false(A->told_up);
		assert_true(sa_counts(A->sa)[SA_COUNT_WRONG_MODE] >= 3);
		B->tunnel = false;
		run(90 * SECOND);
		expect_one_sa();
	}
}

/* Rekeys of CHILD_SA and IKE_SA from both ends are nothing to talk about. */
static void test_rekey(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		for (int i = 0; i < 100; i++) {
			struct node *n = &world.node[rnd(&world, 2)];

			for (unsigned int j = 0; j < IKES_MAX; j++) {
				if (n->ike[j].state != ESTABLISHED)
					continue;
				if (rnd(&world, 3))
					n->ike[j].want_rekey = true;
				else
					n->ike[j].want_ike_rekey = true;
			}
			run(100 + rnd(&world, 1000));
		}
		run(2 * SECOND);
		expect_one_sa();
		assert_int_equal(A->ups + B->ups, 2);
		assert_int_equal(A->downs + B->downs, 0);
		assert_true(sa_counts(A->sa)[SA_COUNT_REKEYED] > 20);
	}
}

/* kill -9 of charon: ESP goes on, nobody is told, the SAs of the dead one are
 * replaced and swept. */
static void test_charon_killed(void **state)
{
	(void)state;
	EACH_SEED(seed, 30) {
		struct node *n = &world.node[seed & 1];

		bring_up(seed, 20);
		run(seed & 2 ? 0 : MINUTE);
		world.no_contact = seed & 4;
		kill_charon(n);
		run(rnd(&world, 5000));
		start_charon(n);
		run(30 * SECOND);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
		assert_true(A->dark + B->dark <= 200);
	}
}

/* The hub's: it needs nobody, and the spoke would notice half a minute later.
 * The hub begins, while the old SAs still serve. */
static void test_hub_charon_killed(void **state)
{
	(void)state;
	EACH_SEED(seed, 30) {
		start_world(seed, 20, 0);
		run(500);
		need(A);
		run(35 * SECOND);
		expect_one_sa();
		world.no_contact = seed & 1;
		kill_charon(B);
		run(rnd(&world, 5000));
		start_charon(B);
		run(5 * SECOND);
		assert_int_equal(B->initiates, 1);
		run(MINUTE);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
		assert_true(A->dark + B->dark <= 200);
	}
}

/* Together with its nhrpd, which then knows of none of its SAs but what the
 * kernel has. */
static void test_hub_killed(void **state)
{
	(void)state;
	EACH_SEED(seed, 30) {
		start_world(seed, 20, 0);
		run(500);
		need(A);
		run(35 * SECOND);
		expect_one_sa();
		world.no_contact = seed & 1;
		kill_charon(B);
		stop_nhrpd(B);
		run(rnd(&world, 5000));
		start_nhrpd(B);
		run(rnd(&world, 2000));
		start_charon(B);
		run(5 * SECOND);
		assert_int_equal(B->initiates, 1);
		run(MINUTE);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
		assert_true(A->dark + B->dark <= 200);
	}
}

/* Both at once. */
static void test_both_charons_killed(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		kill_charon(A);
		kill_charon(B);
		run(rnd(&world, 3000));
		start_charon(A);
		run(rnd(&world, 3000));
		start_charon(B);
		run(2 * MINUTE);
		expect_one_sa();
		assert_true(A->dark + B->dark <= 3000);
	}
}

/* SIGTERM: SAs go at once; when charon is back they come again. */
static void test_charon_stopped(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		struct node *n = &world.node[seed & 1];

		bring_up(seed, 20);
		stop_charon(n);
		run(5 * SECOND);
		assert_false(A->told_up || B->told_up);
		start_charon(n);
		run(90 * SECOND);
		expect_one_sa();
	}
}

/* A new nhrpd reads the list: it initiates nothing and ends nothing. */
static void test_nhrpd_restarted(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		unsigned int before;
		uint64_t dark;

		bring_up(seed, 20);
		before = A->initiates + B->initiates;
		dark = A->dark + B->dark;
		stop_nhrpd(A);
		run(rnd(&world, 30000));
		start_nhrpd(A);
		need(A);
		run(MINUTE);
		expect_one_sa();
		assert_int_equal(A->initiates + B->initiates, before);
		assert_int_equal(B->downs, 0);
		assert_int_equal(A->dark + B->dark, dark);
	}
}

/* While nhrpd is away the SA goes, or a second one comes. */
static void test_changed_meanwhile(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		stop_nhrpd(A);
		kill_charon(B);
		run(rnd(&world, 2000));
		start_charon(B);
		run(rnd(&world, 10000));
		start_nhrpd(A);
		need(A);
		run(MINUTE);
		expect_one_sa();
	}
}

/* The peer has lost everything and comes back within a minute. */
static void test_peer_rebooted(void **state)
{
	(void)state;
	EACH_SEED(seed, 60) {
		bring_up(seed, 20);
		reboot(B);
		run(rnd(&world, MINUTE));
		start_charon(B);
		start_nhrpd(B);
		need(B);
		run(90 * SECOND);
		expect_one_sa();
	}
}

/* The operator flushes policies, or SAs: charon does not notice, we do. */
static void test_flush(void **state)
{
	(void)state;
	EACH_SEED(seed, 30) {
		struct node *n = &world.node[rnd(&world, 2)];

		bring_up(seed, 20);
		n->policy = 0;
		if (seed & 1)
			n->n_ksa = 0;
		kernel_note(n, FLUSHED, 0);
		run(20 * SECOND);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
		assert_true(sa_counts(n->sa)[SA_COUNT_VANISHED] >= 1);
	}
}

/* And again, while it is still watched what became of the first time. */
static void test_flush_twice(void **state)
{
	(void)state;
	EACH_SEED(seed, 30) {
		struct node *n = &world.node[rnd(&world, 2)];

		bring_up(seed, 20);
		for (int i = 0; i < 2; i++) {
			n->policy = 0;
			kernel_note(n, FLUSHED, 0);
			run(3 * SECOND);
			assert_int_not_equal(n->policy, 0);
		}
		run(20 * SECOND);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
	}
}

/* One SA of the pair is deleted by hand. */
static void test_deleted(void **state)
{
	(void)state;
	EACH_SEED(seed, 30) {
		struct node *n = &world.node[rnd(&world, 2)];

		bring_up(seed, 20);
		del_ksa(n, n->ksa[seed & 1].spi, n->ksa[seed & 1].in);
		run(20 * SECOND);
		expect_one_sa();
		assert_true(A->dark + B->dark <= 2000);
	}
}

/* charon drops the child and, if it can, makes another. */
static void expire(struct node *n)
{
	while (n->n_ksa) {
		uint32_t spi = n->ksa[0].spi;

		n->ksa[0] = n->ksa[--n->n_ksa];
		kernel_note(n, HARD, spi);
	}
	for (unsigned int i = 0; i < IKES_MAX; i++) {
		struct ikesa *k = &n->ike[i];

		if (k->state != ESTABLISHED || !k->child)
			continue;
		note_ike(n, CHILD_DOWN, k);
		k->child = 0;
		k->want_child = true;
	}
}

/* With a path the next one comes on the same IKE_SA, and nobody is told. */
static void test_expiry(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		expire(A);
		run(20 * SECOND);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
	}
}

/* The path is cut, SAs live out: told when it is so, not when charon has
 * given up. */
static void test_hard_expiry(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		world.loss = 100;
		expire(A);
		run(SA_HOLD + 100);
		assert_false(A->told_up);
		run(10 * SECOND);
		world.loss = 0;
		run(2 * MINUTE);
		expect_one_sa();
	}
}

/* Nobody needs it any more: closed after a while without traffic. */
static void test_idle(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		sa_peer_put(A->sa, A->peer, world.now);
		sa_peer_put(B->sa, B->peer, world.now);
		run(IDLE / 2);
		assert_true(A->told_up && B->told_up);
		run(4 * IDLE);
		assert_false(A->told_up || B->told_up);
		assert_int_equal(A->n_ksa + B->n_ksa, 0);
		assert_int_equal(count_ikes(A, ESTABLISHED), 0);
		assert_false(A->loaded || B->loaded);
		assert_int_equal(sa_deadline(A->sa), UINT64_MAX);
	}
}

/* Only one end has lost its need: the other brings it back, once. */
static void test_idle_one_side(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		bring_up(seed, 20);
		sa_peer_put(A->sa, A->peer, world.now);
		run(10 * MINUTE);
		expect_one_sa();
		assert_true(B->downs <= 1);
	}
}

/* A never reaches B (NAT), B reaches A: up, and A's attempt is cancelled. */
static void test_one_way(void **state)
{
	(void)state;
	EACH_SEED(seed, 20) {
		start_world(seed, 20, 0);
		B->deaf = true;
		run(500);
		need(A);
		run(3000);
		/* A's packets are lost from here on; B's exchange is not */
		for (unsigned int i = 0; i < IKES_MAX; i++)
			A->ike[i].request.ispi ^= 1;
		B->deaf = false;
		need(B);
		run(MINUTE);
		expect_one_sa();
		assert_int_equal(A->downs + B->downs, 0);
		assert_int_equal(A->initiates, 1);
		assert_int_equal(sa_counts(A->sa)[SA_COUNT_CANCELLED], 1);
	}
}

static void wreck(void)
{
	struct node *n = &world.node[rnd(&world, 2)];

	switch (rnd(&world, 12)) {
	case 0:
		kill_charon(n);
		break;
	case 1:
		stop_charon(n);
		break;
	case 2:
		if (n->sa)
			stop_nhrpd(n);
		break;
	case 3:
		n->deaf = true;
		break;
	case 4:
		n->wrong_psk = true;
		break;
	case 5:
		n->refuses_child = true;
		break;
	case 6:
		world.loss = rnd(&world, 100);
		break;
	case 7:
		if (n->sa)
			reboot(n);
		break;
	case 8:
		n->policy = 0;
		n->n_ksa = 0;
		kernel_note(n, FLUSHED, 0);
		break;
	case 9:
		if (n->n_ksa)
			del_ksa(n, n->ksa[0].spi, n->ksa[0].in);
		break;
	case 10:
		world.rtt = rnd(&world, 300);
		break;
	case 11:
		n->tunnel = true;
		break;
	}
}

static void heal(void)
{
	for (int i = 0; i < 2; i++) {
		struct node *n = &world.node[i];

		n->deaf = n->wrong_psk = n->refuses_child = n->tunnel = false;
		if (!n->charon)
			start_charon(n);
		if (!n->sa) {
			start_nhrpd(n);
			need(n);
		}
	}
	world.loss = 0;
}

/* Everything in any order; when all is well again so are the SAs. */
static void test_chaos(void **state)
{
	(void)state;
	EACH_SEED(seed, 60) {
		bring_up(seed, seed % 100);
		world.no_contact = seed & 1;
		for (int i = 0; i < 20; i++) {
			wreck();
			run(rnd(&world, 8000));
			if (rnd(&world, 2))
				heal();
		}
		heal();
		world.rtt = 20;
		run(3 * MINUTE);
		expect_one_sa();
	}
}

/* ---- without a simulated charon: marks, identities, strangers ---- */

static struct {
	char trace[512];
	unsigned int loads, terminates, unloads, lists, initiates, sweeps;
	unsigned int rekeys;
	uint64_t carried;
} plain;

static void plain_load(void *ctx, const char *conn,
		       const struct sa_source *src, const struct addr *remote)
{
	(void)ctx;
	(void)conn;
	(void)src;
	(void)remote;
	plain.loads++;
}

static void plain_word(void *ctx, const char *conn)
{
	(void)ctx;
	(void)conn;
}

static void plain_terminate(void *ctx, uint32_t ike, bool force)
{
	(void)ctx;
	(void)ike;
	(void)force;
	plain.terminates++;
}

static void plain_rekey(void *ctx, uint32_t child)
{
	(void)ctx;
	(void)child;
	plain.rekeys++;
}

static void plain_list(void *ctx, const char *conn, uint32_t ike)
{
	(void)ctx;
	(void)conn;
	(void)ike;
	plain.lists++;
}

static void plain_initiate(void *ctx, const char *conn)
{
	(void)ctx;
	(void)conn;
	plain.initiates++;
}

static void plain_sweep(void *ctx)
{
	(void)ctx;
	plain.sweeps++;
}

static void plain_nothing(void *ctx)
{
	(void)ctx;
}

static bool plain_installed(void *ctx, uint32_t spi)
{
	(void)ctx;
	(void)spi;
	return true;
}

static uint64_t plain_carried(void *ctx, uint32_t spi)
{
	(void)ctx;
	(void)spi;
	return plain.carried;
}

static bool plain_quiet;		/* too many to be traced */

static void plain_trace(char sign, const struct sa_info *i)
{
	size_t n = strlen(plain.trace);
	char a[ADDR_STRLEN];

	if (plain_quiet)
		return;
	snprintf(plain.trace + n, sizeof(plain.trace) - n, "%c%s/%u %u %s%s;",
		 sign, addr_text(&i->remote, a), i->mark, i->tx_mark,
		 i->identity, i->ambiguous ? "?" : "");
}

static void plain_up(void *ctx, const struct sa_info *i)
{
	(void)ctx;
	if (i->state == SA_UP)
		plain_trace('+', i);
}

static void plain_down(void *ctx, const struct sa_info *i)
{
	(void)ctx;
	plain_trace('-', i);
}

static void plain_recall(void *ctx, const struct sa_ike *ike)
{
	size_t n = strlen(plain.trace);

	(void)ctx;
	if (!plain_quiet)
		snprintf(plain.trace + n, sizeof(plain.trace) - n, "!%s;",
			 ike->identity);
}

/* What was needed there is needed here, as the daemon has it. */
static struct {
	struct sa *s;
	struct sa_peer *need;
} mover;

static void plain_moved(void *ctx, const struct sa_info *i,
			const struct addr *old)
{
	struct sa_peer *was = mover.need;

	(void)ctx;
	(void)old;
	if (!was)
		return;
	mover.need = sa_peer_get(mover.s, &i->source.local, &i->remote,
				 i->mark, 3000);
	sa_peer_put(mover.s, was, 3000);
}

static uint32_t plain_random(void *ctx)
{
	(void)ctx;
	return 0;
}

static void plain_log(void *ctx, enum sa_log level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static const struct sa_ops plain_ops = {
	.load = plain_load, .unload = plain_word, .initiate = plain_initiate,
	.terminate = plain_terminate, .rekey = plain_rekey,
	.list = plain_list, .snapshot = plain_nothing, .sweep = plain_sweep,
	.installed = plain_installed, .carried = plain_carried,
	.up = plain_up, .down = plain_down,
	.recall = plain_recall, .moved = plain_moved,
	.random = plain_random, .log = plain_log,
};

static struct addr hub, nat;

static struct sa *plain_new(bool nat_marks)
{
	struct sa_source src = { .profile = "P", .nat_marks = nat_marks,
				 .idle = IDLE };
	struct sa *s = sa_new(&plain_ops, NULL);

	memset(&plain, 0, sizeof(plain));
	addr_parse("10.0.1.2", &hub);
	addr_parse("10.0.9.2", &nat);
	src.local = hub;
	assert_int_equal(sa_source_set(s, &src), 0);
	sa_session_up(s, 1000);
	sa_list_done(s, NULL, 0, true, 1001);
	return s;
}

static uint32_t plain_port;		/* at the NAT, of the next one */

/* IKE_SA and child @n of identity @id behind the NAT, mark @mark. */
static void plain_child(struct sa *s, unsigned int n, const char *id,
			uint32_t mark, uint64_t now)
{
	struct sa_ike ike = { .id = n, .local = hub, .remote = nat,
			      .remote_port = plain_port,
			      .conn = "nhrpd-any-10.0.1.2", .ispi = n };
	struct sa_child c = { .id = n, .spi_in = 100 + n, .spi_out = 200 + n,
			      .mark_in = mark, .mark_out = mark,
			      .installed = true, .transport = true,
			      .gre = true };

	snprintf(ike.identity, sizeof(ike.identity), "%s", id);
	sa_child_up(s, &ike, &c, now);
}

/* Two behind one address are two peers, each with its mark; one that comes
 * again has another. */
static void test_marks(void **state)
{
	struct sa *s = plain_new(true);

	(void)state;
	plain_child(s, 1, "n1", 1, 2000);
	plain_child(s, 2, "n2", 2, 2010);
	assert_string_equal(plain.trace,
			    "+10.0.9.2/1 1 n1;+10.0.9.2/2 2 n2;");
	plain.trace[0] = '\0';
	sa_child_down(s, 1, 3000);
	plain_child(s, 3, "n1", 3, 3007);
	sa_run(s, 4000);
	assert_string_equal(plain.trace, "+10.0.9.2/3 3 n1;-10.0.9.2/1 0 ;");
	sa_free(s);
}

/* Nobody behind NAT is initiated to; who needs it waits. */
static void test_marks_are_not_initiated(void **state)
{
	struct sa *s = plain_new(true);
	struct sa_peer *p = sa_peer_get(s, &hub, &nat, 7, 2000);
	struct sa_info i;

	(void)state;
	sa_peer_info(p, &i);
	assert_int_equal(i.state, SA_WAITING);
	assert_int_equal(plain.loads, 0);
	plain_child(s, 1, "n1", 7, 3000);
	assert_string_equal(plain.trace, "+10.0.9.2/7 7 n1;");
	sa_peer_put(s, p, 4000);
	sa_free(s);
}

/* Without marks two identities at one address cannot be told apart: said. */
static void test_ambiguous(void **state)
{
	struct sa *s = plain_new(false);

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	plain_child(s, 2, "n2", 0, 2010);
	assert_string_equal(plain.trace,
			    "+10.0.9.2/0 0 n1;+10.0.9.2/0 0 n2?;");
	plain.trace[0] = '\0';
	sa_child_down(s, 1, 3000);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n2;");
	assert_int_equal(plain.terminates, 0);
	sa_free(s);
}

/* IKE_SA @n of @id, its child not installed yet. */
static void plain_ike(struct sa *s, unsigned int n, const char *id, uint64_t now)
{
	struct sa_ike ike = { .id = n, .local = hub, .remote = nat,
			      .remote_port = plain_port,
			      .conn = "nhrpd-any-10.0.1.2", .ispi = n };

	snprintf(ike.identity, sizeof(ike.identity), "%s", id);
	sa_ike_up(s, &ike, now);
}

/* Who is behind another port of that address is not let in: at once, each
 * time, and told once. */
static void test_crowded(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_info i;

	(void)state;
	plain_port = 4500;
	plain_child(s, 1, "n1", 0, 2000);
	plain_port = 1024;
	plain_ike(s, 2, "n2", 2010);
	assert_int_equal(plain.terminates, 1);
	plain_child(s, 2, "n2", 0, 2011);
	assert_int_equal(plain.terminates, 1);
	plain_child(s, 3, "n2", 0, 5000);
	assert_int_equal(plain.terminates, 2);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n1;");
	assert_int_equal(sa_counts(s)[SA_COUNT_CROWDED], 2);
	assert_true(sa_find(s, &hub, &nat, 0, &i));
	assert_string_equal(i.identity, "n1");
	assert_string_equal(i.crowd, "n2");
	assert_false(i.ambiguous);
	/* the same host as before, from another port */
	plain_child(s, 4, "n1", 0, 6000);
	assert_int_equal(plain.terminates, 2);
	/* the first one has gone */
	sa_child_down(s, 1, 7000);
	sa_child_down(s, 4, 7000);
	sa_run(s, 7000 + SA_HOLD);
	plain_child(s, 5, "n2", 0, 9000);
	assert_int_equal(plain.terminates, 2);
	assert_true(sa_find(s, &hub, &nat, 0, &i));
	assert_string_equal(i.identity, "n2");
	plain_port = 0;
	sa_free(s);
}

/* @n as a listing has it, its IKE_SA of @age seconds. */
static void plain_listed(struct sa *s, unsigned int n, const char *id,
			 uint32_t port, uint32_t age, uint64_t now)
{
	struct sa_ike ike = { .id = n, .local = hub, .remote = nat,
			      .remote_port = port, .established = age,
			      .conn = "nhrpd-any-10.0.1.2", .ispi = n };
	struct sa_child c = { .id = n, .spi_in = 100 + n, .spi_out = 200 + n,
			      .installed = true, .transport = true,
			      .age = age * 1000, .gre = true };

	snprintf(ike.identity, sizeof(ike.identity), "%s", id);
	sa_listed(s, &ike, &c, 1, now);
}

/* A daemon that was away finds both: the first one stays. So does one whose
 * charon was replaced, until it is known that he does not come back. */
static void test_crowded_listing(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_info i;

	(void)state;
	sa_session_up(s, 100000);
	plain_listed(s, 2, "n2", 1024, 5, 100001);
	plain_listed(s, 1, "n1", 4500, 50, 100001);
	sa_list_done(s, NULL, 0, true, 100002);
	assert_int_equal(plain.terminates, 1);
	assert_true(sa_find(s, &hub, &nat, 0, &i));
	assert_string_equal(i.identity, "n1");
	assert_int_equal(i.children, 1);
	assert_false(i.ambiguous);

	sa_session_lost(s, 110000);
	sa_session_up(s, 111000);
	plain_listed(s, 3, "n2", 1024, 0, 111001);
	sa_list_done(s, NULL, 0, true, 111002);
	assert_int_equal(plain.terminates, 2);
	assert_true(sa_find(s, &hub, &nat, 0, &i));
	assert_string_equal(i.identity, "n1");
	assert_true(i.stale);
	sa_free(s);
}

/* Down and up within a moment (INITIAL_CONTACT): nobody hears of an end. */
static void test_hold(void **state)
{
	struct sa *s = plain_new(false);

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	sa_child_down(s, 1, 3000);
	plain_child(s, 2, "n1", 0, 3000 + SA_HOLD - 1);
	sa_run(s, 3000 + 2 * SA_HOLD);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n1;+10.0.9.2/0 0 n1;");
	sa_child_down(s, 2, 9000);
	sa_run(s, 9000 + SA_HOLD);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n1;+10.0.9.2/0 0 n1;-10.0.9.2/0 0 ;");
	sa_free(s);
}

/* An SA of the peer's making is told from its beginning, if there is one in
 * use already; one of ours, or a rekey, is not as fresh. */
static void test_fresh(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .id = 2, .local = hub, .remote = nat,
			      .conn = "nhrpd-any-10.0.1.2", .ispi = 2 };
	struct sa_child c = { .id = 7, .spi_in = 107, .spi_out = 207,
			      .installed = true, .transport = true,
			      .gre = true };
	struct sa_info i;

	(void)state;
	sa_ike_up(s, &ike, 1500);
	assert_string_equal(plain.trace, "");
	plain_child(s, 1, "", 0, 2000);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 ;");
	sa_ike_up(s, &ike, 20000);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 ;+10.0.9.2/0 0 ;");
	assert_true(sa_find(s, &hub, &nat, 0, &i) && i.coming);
	/* nothing comes of it */
	plain.trace[0] = '\0';
	sa_run(s, 20000 + SA_CHILD_WAIT);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 ;");
	assert_true(sa_find(s, &hub, &nat, 0, &i) && !i.coming);
	plain.trace[0] = '\0';
	ike.id = 1;
	sa_child_rekeyed(s, &ike, 1, &c, 30000);
	ike.initiator = true;
	ike.id = 3;
	c.id = 8;
	c.spi_in++;
	c.spi_out++;
	sa_ike_up(s, &ike, 40000);
	sa_child_up(s, &ike, &c, 40000);
	assert_string_equal(plain.trace, "");
	sa_free(s);
}

/* NAT gives the peer another address under way. */
static void test_moved(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .id = 1, .local = hub,
			      .conn = "nhrpd-any-10.0.1.2" };

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	addr_parse("10.0.9.3", &ike.remote);
	sa_ike_moved(s, &ike, 3000);
	sa_run(s, 4000);
	assert_string_equal(plain.trace,
			    "+10.0.9.2/0 0 n1;+10.0.9.3/0 0 n1;-10.0.9.2/0 0 ;");
	sa_free(s);
}

/* The same of one that is needed: the need moves along, nothing is begun. */
static void test_moved_need(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .id = 1, .local = hub,
			      .conn = "nhrpd-any-10.0.1.2" };
	struct sa_info i;

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	mover.s = s;
	mover.need = sa_peer_get(s, &hub, &nat, 0, 2500);
	addr_parse("10.0.9.3", &ike.remote);
	sa_ike_moved(s, &ike, 3000);
	sa_peer_info(mover.need, &i);
	assert_int_equal(i.need, 1);
	assert_int_equal(i.state, SA_UP);
	sa_run(s, 30000);
	assert_int_equal(plain.initiates, 0);
	assert_false(sa_find(s, &hub, &nat, 0, &i));
	sa_peer_put(s, mover.need, 30000);
	memset(&mover, 0, sizeof(mover));
	sa_free(s);
}

/* An administrator's own connections are none of ours. */
static void test_foreign(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .id = 1, .local = hub, .remote = nat,
			      .conn = "site-to-site" };
	struct sa_child c = { .id = 1, .spi_in = 1, .spi_out = 2,
			      .installed = true };

	(void)state;
	sa_child_up(s, &ike, &c, 2000);		/* not GRE, a tunnel */
	c.gre = true;
	sa_child_up(s, &ike, &c, 2000);		/* a tunnel */
	c.transport = true;
	ike.local = nat;
	sa_child_up(s, &ike, &c, 2000);		/* not our address */
	assert_string_equal(plain.trace, "");
	assert_int_equal(plain.terminates, 0);
	assert_int_equal(sa_counts(s)[SA_COUNT_FOREIGN], 3);
	sa_free(s);
}

/* Devices may share a source, if they mean the same profile. */
static void test_shared_source(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_source src = { .profile = "P", .local = hub };

	(void)state;
	assert_int_equal(sa_source_set(s, &src), 0);
	strcpy(src.profile, "Q");
	assert_int_equal(sa_source_set(s, &src), -EEXIST);
	plain_child(s, 1, "n1", 0, 2000);
	sa_source_del(s, &hub, 3000);
	assert_int_equal(plain.terminates, 0);
	sa_source_del(s, &hub, 4000);
	assert_int_equal(plain.terminates, 1);
	sa_run(s, 5000);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n1;-10.0.9.2/0 0 ;");
	assert_null(sa_peer_get(s, &hub, &nat, 0, 6000));
	sa_free(s);
}

/* Who had a mark of a dead charon's is begun with, the mark is void at once. */
static void test_recalled(void **state)
{
	struct sa *s = plain_new(true);
	struct sa_info i;

	(void)state;
	plain_child(s, 1, "n1", 7, 2000);
	sa_session_lost(s, 3000);
	assert_true(sa_find(s, &hub, &nat, 7, &i) && i.state == SA_UP);
	sa_session_up(s, 4000);
	sa_list_done(s, NULL, 0, true, 4001);
	assert_true(!sa_find(s, &hub, &nat, 7, &i) || i.state != SA_UP);
	plain_child(s, 1, "n2", 7, 4100);	/* others count from 1 again */
	sa_run(s, 4001 + SA_HOLD);
	assert_string_equal(plain.trace,
			    "+10.0.9.2/7 7 n1;!n1;+10.0.9.2/7 7 n2;");
	sa_free(s);
}

/* The numbers of a new charon begin at 1 again: SPIs tell SAs apart. */
static void test_numbers_again(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .id = 1, .local = hub, .remote = nat,
			      .conn = "nhrpd-any-10.0.1.2",
			      .identity = "n1" };
	struct sa_child c = { .id = 1, .spi_in = 900, .spi_out = 901,
			      .installed = true, .transport = true,
			      .gre = true };

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	sa_session_lost(s, 3000);
	sa_session_up(s, 4000);
	sa_child_down(s, 1, 4001);	/* of the new one, not ours */
	sa_listed(s, &ike, &c, 1, 4002);	/* older than its end */
	sa_list_done(s, NULL, 0, true, 4003);
	sa_run(s, 4003 + SA_SETTLE);	/* its replacement is tried, not for the last time */
	sa_refused(s, "nhrp-10.0.1.2-10.0.9.2", true, "no", 6000);
	sa_run(s, 6000 + SA_HOLD);
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n1;");
	assert_int_equal(sa_counts(s)[SA_COUNT_STALE_LISTING], 1);
	sa_free(s);
}

/* What a dead charon left outlives any number of attempts while packets come by
 * it, and no more than three of them when none do. */
static void test_still_carries(void **state)
{
	const uint64_t each = 2 * SA_BACKOFF_MAX;
	struct sa *s = plain_new(false);
	uint64_t now = 4000;
	struct sa_info i;

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	sa_session_lost(s, 3000);
	sa_session_up(s, now);
	sa_list_done(s, NULL, 0, true, now);
	for (unsigned int k = 0; k < 6; k++) {
		plain.carried++;
		sa_run(s, now += each);
		sa_refused(s, "nhrp-10.0.1.2-10.0.9.2", true, "no", now);
	}
	assert_int_equal(plain.initiates, 6);
	assert_true(sa_find(s, &hub, &nat, 0, &i) && i.stale);
	sa_run(s, now += each);
	sa_refused(s, "nhrp-10.0.1.2-10.0.9.2", true, "no", now);
	sa_run(s, now += each);
	assert_int_equal(plain.initiates, 7);
	assert_int_equal(plain.sweeps, 1);
	assert_false(sa_find(s, &hub, &nat, 0, &i));
	assert_string_equal(plain.trace, "+10.0.9.2/0 0 n1;-10.0.9.2/0 0 ;");
	sa_free(s);
}

static struct sa_ike many_ike(unsigned int n)
{
	struct sa_ike ike = { .id = n, .local = hub, .ispi = n,
			      .conn = "nhrpd-any-10.0.1.2" };
	char text[32];

	snprintf(text, sizeof(text), "20.%u.%u.%u", n >> 16, n >> 8 & 255,
		 n & 255);
	addr_parse(text, &ike.remote);
	snprintf(ike.identity, sizeof(ike.identity), "spoke%u.lab", n);
	return ike;
}

static struct sa_child many_child(unsigned int n)
{
	return (struct sa_child){
		.id = n, .spi_in = 0x10000000 + n, .spi_out = 0x20000000 + n,
		.installed = true, .transport = true, .gre = true,
	};
}

/*
 * The losers of two colliding rekeys, one ten seconds after the other: charon
 * does not tell of their end, holds each for a while, and then refuses to rekey
 * it. None of them ends the IKE_SA.
 */
static void test_losers(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = many_ike(1);
	struct sa_child c[] = { many_child(1), many_child(2), many_child(3) };

	(void)state;
	for (unsigned int n = 0; n < 3; n++)
		sa_child_up(s, &ike, &c[n], 2000);
	sa_spi_gone(s, c[0].spi_in, false, 3000);
	sa_run(s, 3000 + SA_FIX_WAIT);
	assert_int_equal(plain.rekeys, 1);
	sa_spi_gone(s, c[1].spi_in, false, 13900);
	sa_run(s, 4000 + SA_ATTEMPT);
	assert_int_equal(plain.rekeys, 3);
	sa_child_down(s, 1, 14001);		/* refused; the other one is not */
	sa_run(s, 4000 + 2 * SA_ATTEMPT);
	assert_int_equal(plain.rekeys, 4);
	sa_child_down(s, 2, 24001);
	sa_run(s, 4000 + 3 * SA_ATTEMPT);
	assert_int_equal(plain.rekeys, 4);
	assert_int_equal(plain.terminates, 0);
	sa_free(s);
}

/* One that charon says it rekeyed, and that the kernel goes on missing, is ended
 * after two rekeys, however often it is missed meanwhile. */
static void test_missed(void **state)
{
	struct sa *s = plain_new(false);

	(void)state;
	plain_child(s, 1, "n1", 0, 2000);
	for (uint64_t now = 20000; now < 20000 + 2 * SA_ATTEMPT; now += 2000) {
		sa_missing(s, &hub, &nat, 0, now);
		sa_run(s, now);
	}
	assert_int_equal(plain.rekeys, 2);
	assert_int_equal(plain.terminates, 0);
	sa_run(s, 20000 + 2 * SA_ATTEMPT);
	assert_int_equal(plain.rekeys, 2);
	assert_int_equal(plain.terminates, 1);
	sa_free(s);
}

/*
 * An SA that is closed at once was turned away: the next one takes its time.
 * One that somebody ended later is made anew at once, however often.
 */
static void test_turned_away(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .local = hub, .remote = nat, .initiator = true,
			      .conn = "nhrp-10.0.1.2-10.0.9.2" };
	struct sa_peer *p = sa_peer_get(s, &hub, &nat, 0, 2000);
	struct sa_child c = many_child(1);
	uint64_t now = 3000;
	struct sa_info i;

	(void)state;
	for (unsigned int n = 1; n <= 7; n++) {
		ike.id = c.id = n;
		sa_child_up(s, &ike, &c, now);
		now += n <= 4 ? SA_TURNED_AWAY : SA_TURNED_AWAY / 2;
		sa_child_down(s, n, now);
		sa_peer_info(p, &i);
		assert_int_equal(i.state, SA_BACKOFF);
		assert_true(n <= 5 ? i.next < now + 1000 : i.next >= now + 1000);
		sa_run(s, now = i.next);
		assert_int_equal(plain.initiates, 1 + n);
	}
	sa_free(s);
}

/* A hub that is slow is not asked anew as long as charon waits for it. */
static void test_slow_peer(void **state)
{
	struct sa *s = plain_new(false);
	struct sa_ike ike = { .id = 1, .local = hub, .remote = nat, .ispi = 5,
			      .conn = "nhrp-10.0.1.2-10.0.9.2",
			      .initiator = true, .connecting = true };
	struct sa_peer *p = sa_peer_get(s, &hub, &nat, 0, 2000);
	struct sa_info i;

	(void)state;
	ike.rspi = 6;
	for (uint64_t now = 2000 + SA_ATTEMPT; now < 30000; now += SA_ATTEMPT) {
		sa_run(s, now);
		sa_listed(s, &ike, NULL, 0, now);
		sa_list_done(s, ike.conn, 0, true, now);
	}
	assert_int_equal(plain.lists, 1 + 3);	/* the first was of all */
	assert_int_equal(plain.initiates, 1);
	assert_int_equal(plain.terminates, 0);
	/* charon has given up */
	sa_run(s, 32000);
	sa_list_done(s, ike.conn, 0, true, 32000);
	sa_peer_info(p, &i);
	assert_int_equal(i.state, SA_BACKOFF);
	assert_int_equal(sa_counts(s)[SA_COUNT_NO_ANSWER], 1);
	/* the next one is not answered at all */
	sa_run(s, i.next);
	ike.rspi = 0;
	sa_run(s, i.next + SA_ATTEMPT);
	sa_listed(s, &ike, NULL, 0, i.next + SA_ATTEMPT);
	sa_list_done(s, ike.conn, 0, true, i.next + SA_ATTEMPT);
	assert_int_equal(plain.terminates, 1);
	assert_int_equal(sa_counts(s)[SA_COUNT_NO_ANSWER], 2);
	sa_free(s);
}

/* ---- many peers ---- */

/* What a hub of @n spokes goes through: they come, a new nhrpd reads the list,
 * all are rekeyed, found again by SPI and by address, and go. Seconds of CPU. */
static double play_many(unsigned int n)
{
	struct sa *s = plain_new(false);
	clock_t begun = clock();
	struct sa_child c, next;
	struct sa_ike ike;
	struct sa_info i;
	unsigned int k;

	for (k = 1; k <= n; k++) {
		ike = many_ike(k);
		c = many_child(k);
		sa_child_up(s, &ike, &c, 2000);
	}
	sa_session_up(s, 20000);
	for (k = 1; k <= n; k++) {
		ike = many_ike(k);
		c = many_child(k);
		sa_listed(s, &ike, &c, 1, 20001);
	}
	sa_list_done(s, NULL, 0, true, 20002);
	for (k = 1; k <= n; k++) {
		ike = many_ike(k);
		next = many_child(n + k);
		sa_child_rekeyed(s, &ike, k, &next, 30000);
		sa_missing(s, &hub, &ike.remote, 0, 40000);
		assert_true(sa_find(s, &hub, &ike.remote, 0, &i));
		assert_int_equal(i.state, SA_UP);
		assert_int_equal(i.children, 1);
	}
	for (k = 1; k <= n; k++)
		sa_spi_gone(s, 0x10000000 + n + k, true, 50000);
	sa_run(s, 50000 + 2 * SA_HOLD);
	ike = many_ike(n);
	assert_false(sa_find(s, &hub, &ike.remote, 0, &i));
	assert_int_equal(sa_counts(s)[SA_COUNT_UP], n);
	assert_int_equal(sa_counts(s)[SA_COUNT_DOWN], n);
	sa_free(s);
	return (double)(clock() - begun) / CLOCKS_PER_SEC;
}

static void refuse_all(struct sa *s, unsigned int n, uint64_t now)
{
	char conn[SA_CONN_MAX], a[ADDR_STRLEN];
	struct sa_ike ike;

	while (n) {
		ike = many_ike(n--);
		snprintf(conn, sizeof(conn), SA_CONN_PREFIX "10.0.1.2-%s",
			 addr_text(&ike.remote, a));
		sa_refused(s, conn, true, "no", now);
	}
}

/*
 * A hub's charon has died and 200 spokes do not know: it begins, spread over
 * two seconds, but no more than 16 at once while what the dead one left
 * serves, each three times when it is refused; that is not swept before.
 */
static void test_paced(void **state)
{
	struct sa *s = plain_new(false);
	const unsigned int n = 200;
	unsigned int k, before = 0;
	struct sa_child c;
	struct sa_ike ike;
	uint64_t now;

	(void)state;
	plain_quiet = true;
	for (k = 1; k <= n; k++) {
		ike = many_ike(k);
		c = many_child(k);
		sa_child_up(s, &ike, &c, 2000);
	}
	sa_session_up(s, 20000);
	sa_list_done(s, NULL, 0, true, 20001);
	sa_run(s, 20001 + SA_SETTLE - 1);
	assert_int_equal(plain.initiates, 0);
	for (now = 21500; plain.initiates < 3 * n && now < 200000; now += 500) {
		sa_run(s, now);
		assert_true(plain.initiates <= before + 16);
		assert_int_equal(plain.sweeps, 0);
		if (now % 2000)
			continue;
		refuse_all(s, n, now);
		before = plain.initiates;
	}
	assert_int_equal(plain.initiates, 3 * n);
	refuse_all(s, n, now);
	sa_run(s, now + SA_SWEEP_WAIT);
	assert_int_equal(plain.sweeps, 1);
	assert_int_equal(sa_counts(s)[SA_COUNT_DOWN], n);
	plain_quiet = false;
	sa_free(s);
}

/* Ten times the spokes take about ten times as long, not a hundred times. */
static void test_many(void **state)
{
	double few, many;

	(void)state;
	plain_quiet = true;
	few = play_many(1000);
	many = play_many(10000);
	plain_quiet = false;
	print_message("1,000 spokes: %.0f us each, 10,000: %.0f us\n",
		      few * 1000, many * 100);
	assert_true(many < 40 * few);
}

int main(void)
{
#define T(name) cmocka_unit_test(test_##name)
	const struct CMUnitTest tests[] = {
		T(one_side), T(simultaneous), T(simultaneous_loss),
		T(silent_peer), T(wrong_psk), T(said), T(refused_child),
		T(wrong_mode),
		T(rekey), T(charon_killed), T(hub_charon_killed), T(hub_killed),
		T(both_charons_killed),
		T(charon_stopped), T(nhrpd_restarted), T(changed_meanwhile),
		T(peer_rebooted), T(flush), T(flush_twice), T(deleted), T(expiry), T(hard_expiry),
		T(idle), T(idle_one_side), T(one_way), T(chaos),
		T(marks), T(marks_are_not_initiated), T(ambiguous), T(crowded),
		T(crowded_listing), T(hold), T(fresh),
		T(moved), T(moved_need), T(foreign), T(shared_source), T(numbers_again),
		T(recalled), T(still_carries), T(losers), T(missed), T(turned_away), T(slow_peer),
		T(many), T(paced),
	};

	cmocka_set_test_filter(getenv("SA_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
