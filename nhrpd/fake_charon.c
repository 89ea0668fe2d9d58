/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_charon: see the header. What is said waits in the client's buffer for
 * the loop's next turn, so that a test may have it late or in pieces.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_charon.h"

#define REFUSAL "CHILD_SA config 'gre' not found"

/* ---- what it says ---- */

static void speak_late(void *ctx)
{
	struct fake_client *c = ctx;

	event_fd_want(c->watch, EVENT_READ | EVENT_WRITE);
}

void fake_say(struct fake_client *c, const void *b, size_t len)
{
	assert_true(c->out_len + len <= sizeof(c->out));
	memcpy(c->out + c->out_len, b, len);
	c->out_len += len;
	if (c->f->late)
		event_timer_set(c->timer, event_now() + c->f->late);
	else
		event_fd_want(c->watch, EVENT_READ | EVENT_WRITE);
}

void fake_say_packet(struct fake_client *c, struct vici_writer *w)
{
	int len = vici_finish(w);

	assert_true(len > 0);
	fake_say(c, w->buf, len);
}

void fake_say_plain(struct fake_client *c, enum vici_type type)
{
	struct vici_writer w;
	uint8_t buf[64];

	vici_start(&w, buf, sizeof(buf), type, NULL);
	fake_say_packet(c, &w);
}

static void put_outcome(struct vici_writer *w, const char *error)
{
	vici_put(w, "success", error ? "no" : "yes");
	if (error && *error)
		vici_put(w, "errmsg", "%s", error);
}

void fake_say_response(struct fake_client *c, const char *error)
{
	struct vici_writer w;
	uint8_t buf[256];

	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
	put_outcome(&w, error);
	fake_say_packet(c, &w);
}

static void put_child(struct vici_writer *w, const char *local,
		      const char *remote, unsigned int id)
{
	char ts[64];

	vici_put_section(w, "gre-1");
	vici_put(w, "uniqueid", "%u", id);
	vici_put(w, "state", "INSTALLED");
	vici_put(w, "mode", "TRANSPORT");
	vici_put(w, "protocol", "ESP");
	vici_put(w, "spi-in", "%08x", 0x1000 + id);
	vici_put(w, "spi-out", "%08x", 0x2000 + id);
	snprintf(ts, sizeof(ts), "%s/32[gre]", local);
	vici_put_one(w, "local-ts", ts);
	snprintf(ts, sizeof(ts), "%s/32[gre]", remote);
	vici_put_one(w, "remote-ts", ts);
	vici_put_end(w);
}

static void put_sa(struct vici_writer *w, const char *conn, unsigned int id,
		   bool nonsense)
{
	char local[40], remote[40];

	assert_int_equal(sscanf(conn, "nhrp-%39[^-]-%39s", local, remote), 2);
	vici_put_section(w, conn);
	if (nonsense)
		vici_put(w, "uniqueid", "many");
	else
		vici_put(w, "uniqueid", "%u", id);
	vici_put(w, "state", "ESTABLISHED");
	vici_put(w, "initiator", "yes");
	vici_put(w, "local-host", "%s", local);
	vici_put(w, "remote-host", "%s", remote);
	vici_put(w, "remote-id", "hub.lab");
	vici_put(w, "initiator-spi", "%016x", id);
	vici_put_section(w, "child-sas");
	put_child(w, local, remote, id);
	vici_put_end(w);
	vici_put_end(w);
}

void fake_say_sa(struct fake_client *c, const char *name, const char *conn,
		 unsigned int id)
{
	struct vici_writer w;
	uint8_t buf[2048];

	vici_start(&w, buf, sizeof(buf), VICI_EVENT, name);
	vici_put(&w, "up", "yes");
	put_sa(&w, conn, id, c->f->nonsense);
	fake_say_packet(c, &w);
}

struct fake_client *fake_events(struct fake_charon *f)
{
	for (unsigned int i = 0; i < FAKE_CLIENTS_MAX; i++)
		if (f->client[i] && f->client[i]->events)
			return f->client[i];
	fail_msg("nobody asks for events");
	return NULL;
}

/* ---- what it does ---- */

unsigned int fake_add_sa(struct fake_charon *f, const char *conn)
{
	assert_true(f->n_sas < FAKE_SAS_MAX);
	snprintf(f->sa[f->n_sas++], SA_CONN_MAX, "%s", conn);
	return f->n_sas;
}

void fake_forget_sa(struct fake_charon *f, unsigned int id)
{
	f->sa[id - 1][0] = '\0';
}

static bool has(char (*names)[SA_CONN_MAX], unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Makes the SA, or has made it already. */
static void begin_sa(struct fake_charon *f, const char *conn)
{
	if (!f->deaf && !has(f->sa, f->n_sas, conn))
		fake_say_sa(fake_events(f), "child-updown", conn,
			    fake_add_sa(f, conn));
}

static void load(struct fake_charon *f, const struct vici_packet *p)
{
	struct vici_body at = p->body, section;
	char name[SA_CONN_MAX];
	struct vici_str s;

	assert_true(vici_next_section(&at, &s, &section));
	snprintf(name, sizeof(name), "%.*s", (int)s.len, s.b);
	if (has(f->conn, f->n_conns, name))
		return;
	assert_true(f->n_conns < FAKE_CONNS_MAX);
	strcpy(f->conn[f->n_conns++], name);
}

static void unload(struct fake_charon *f, const char *name)
{
	for (unsigned int i = 0; i < f->n_conns; i++)
		if (!strcmp(f->conn[i], name))
			strcpy(f->conn[i], f->conn[--f->n_conns]);
}

static void list_sas(struct fake_client *c)
{
	for (unsigned int i = 0; i < c->f->n_sas; i++)
		if (c->f->sa[i][0])
			fake_say_sa(c, "list-sa", c->f->sa[i], i + 1);
}

static void list_conns(struct fake_client *c, const char *error)
{
	struct vici_writer w;
	uint8_t buf[1024];

	vici_start(&w, buf, sizeof(buf), VICI_CMD_RESPONSE, NULL);
	vici_put_list(&w, "conns");
	for (unsigned int i = 0; i < c->f->n_conns; i++)
		vici_put(&w, NULL, "%s", c->f->conn[i]);
	vici_put_end(&w);
	put_outcome(&w, error);
	fake_say_packet(c, &w);
}

struct words {
	char ike[SA_CONN_MAX], name[SA_CONN_MAX];
};

static const struct vici_field words[] = {
	VICI_FIELD(words, ike, VICI_TEXT, "ike"),
	VICI_FIELD(words, name, VICI_TEXT, "name"),
};

static void take_initiate(struct fake_charon *f, const char *conn, bool refused)
{
	size_t len = strlen(f->began);

	f->initiated++;
	snprintf(f->began + len, sizeof(f->began) - len, "%s ", conn);
	if (!refused)
		begin_sa(f, conn);
}

static void take_request(struct fake_client *c, const struct vici_packet *p)
{
	struct fake_charon *f = c->f;
	bool refused = f->refuses && vici_str_is(&p->name, f->refuses);
	const char *error = refused ? REFUSAL : NULL;
	bool is_load = vici_str_is(&p->name, "load-conn");
	struct words say = { "", "" };

	vici_fields(&p->body, words, 2, &say);
	f->loads += is_load;
	f->terminated += vici_str_is(&p->name, "terminate");
	if (is_load && !refused)
		load(f, p);
	if (vici_str_is(&p->name, "unload-conn"))
		unload(f, say.name);
	if (vici_str_is(&p->name, "list-sas") && !refused)
		list_sas(c);
	if (vici_str_is(&p->name, "get-conns"))
		list_conns(c, error);
	else
		fake_say_response(c, error);
	if (vici_str_is(&p->name, "initiate"))
		take_initiate(f, say.ike, refused);
}

static void take(struct fake_client *c, const struct vici_packet *p)
{
	struct fake_charon *f = c->f;

	f->requests += p->type == VICI_CMD_REQUEST;
	f->registered += p->type == VICI_EVENT_REGISTER;
	f->unregistered += p->type == VICI_EVENT_UNREGISTER;
	if (f->mute || (f->take && f->take(c, p)))
		return;
	if (p->type == VICI_CMD_REQUEST) {
		take_request(c, p);
		return;
	}
	assert_true(p->type == VICI_EVENT_REGISTER ||
		    p->type == VICI_EVENT_UNREGISTER);
	c->events |= !vici_str_is(&p->name, "list-sa");
	fake_say_plain(c, VICI_EVENT_CONFIRM);
}

/* ---- its socket ---- */

/* False when the client has gone. */
static bool hear(struct fake_client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len,
			 0);
	struct vici_packet p;
	int len;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->in_len += n;
	while (c->in_len >= VICI_HEADER) {
		len = vici_length(c->in);
		assert_true(len > 0);
		if (c->in_len < (size_t)VICI_HEADER + len)
			break;
		assert_int_equal(vici_read(c->in + VICI_HEADER, len, &p), 0);
		take(c, &p);
		c->in_len -= VICI_HEADER + len;
		memmove(c->in, c->in + VICI_HEADER + len, c->in_len);
	}
	return true;
}

static bool speak(struct fake_client *c)
{
	size_t len = c->out_len - c->out_off;
	ssize_t n;

	if (c->f->bytewise && len > 1)
		len = 1;
	n = send(c->fd, c->out + c->out_off, len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN;
	c->out_off += n;
	if (c->out_off < c->out_len)
		return true;
	c->out_off = c->out_len = 0;
	event_fd_want(c->watch, EVENT_READ);
	return !c->close_after;
}

void fake_drop(struct fake_charon *f, unsigned int i)
{
	event_fd_free(f->client[i]->watch);
	event_timer_free(f->client[i]->timer);
	close(f->client[i]->fd);
	free(f->client[i]);
	f->client[i] = NULL;
}

static void ready(void *ctx, unsigned int what)
{
	struct fake_client *c = ctx;
	unsigned int i = 0;

	while (c->f->client[i] != c)
		i++;
	if ((what & EVENT_READ && !hear(c)) ||
	    (what & EVENT_WRITE && c->out_len && !speak(c)))
		fake_drop(c->f, i);
}

static void take_client(void *ctx, unsigned int what)
{
	struct fake_charon *f = ctx;
	struct fake_client *c = calloc(1, sizeof(*c));
	unsigned int i = 0;

	(void)what;
	assert_non_null(c);
	while (f->client[i])
		assert_true(++i < FAKE_CLIENTS_MAX);
	f->client[i] = c;
	f->accepted++;
	c->f = f;
	c->fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(c->fd >= 0);
	c->timer = event_timer_new(f->loop, speak_late, c);
	c->watch = event_fd_new(f->loop, c->fd, EVENT_READ, ready, c);
}

void fake_start(struct fake_charon *f)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->listener, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	f->accepting = event_fd_new(f->loop, f->listener, EVENT_READ,
				    take_client, f);
}

void fake_stop(struct fake_charon *f)
{
	for (unsigned int i = 0; i < FAKE_CLIENTS_MAX; i++)
		if (f->client[i])
			fake_drop(f, i);
	if (!f->accepting)
		return;
	event_fd_free(f->accepting);
	f->accepting = NULL;
	close(f->listener);
	unlink(f->path);
}

void fake_reset(struct fake_charon *f, struct event_loop *loop)
{
	struct fake_charon fresh = { .loop = loop };

	memcpy(fresh.folder, f->folder, sizeof(fresh.folder));
	memcpy(fresh.path, f->path, sizeof(fresh.path));
	*f = fresh;
}

bool fake_init(struct fake_charon *f, const char *name)
{
	snprintf(f->folder, sizeof(f->folder), "/tmp/%s.XXXXXX", name);
	if (!mkdtemp(f->folder))
		return false;
	snprintf(f->path, sizeof(f->path), "%s/vici", f->folder);
	return true;
}

void fake_exit(struct fake_charon *f)
{
	rmdir(f->folder);
}
