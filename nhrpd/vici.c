/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vici: see vici.h. Everything runs in the loop's thread.
 *
 * Connections send one packet and wait for its answer before the next: charon
 * would not work faster if they did not, and an answer then belongs to the
 * command at the head of the queue. Packets are sent from the connection's own
 * callback alone, so that no caller of vici_send() sees the session end.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* struct ucred */
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vici.h"

#define RETRY_MIN	250		/* ms; charon restarts in 400 */
#define RETRY_MAX	1000		/* a socket that is not there costs nothing */
#define READ_MAX	65536		/* a turn */
#define IN_MIN		4096
#define STREAM_LEN	32
#define SMALL_PACKET	300		/* (un)register, a name of 255 */

enum step {				/* of the command at the head */
	STEP_IDLE,
	STEP_REGISTER,			/* its stream */
	STEP_REQUEST,
	STEP_UNREGISTER,
};

struct command {
	struct command *next;
	vici_reply *cb;
	void *ctx;
	char stream[STREAM_LEN];	/* empty: none */
	size_t len;
	uint8_t packet[];
};

struct conn {
	struct vici *v;
	int fd;				/* -1: closed */
	struct event_fd *watch;
	uint8_t *in;			/* not understood yet */
	size_t in_len, in_size;
	const uint8_t *out;		/* not sent yet: [out_off, out_len) */
	size_t out_off, out_len;
	uint8_t small[SMALL_PACKET];
	void (*idle)(struct vici *v);	/* may send its next packet */
	/* Understands a packet. */
	enum vici_trouble (*take)(struct vici *v, const struct vici_packet *p);
};

struct vici {
	struct event_loop *loop;
	const char *path;
	unsigned int owner;
	const char *const *events;
	unsigned int n_events, confirmed;
	const struct vici_ops *ops;
	void *ctx;
	struct conn cmd, ev;
	enum step step;
	struct command *head, **tail;
	struct event_timer *timer;	/* of the retry, or of the answer */
	uint64_t asked;			/* when what it answers was sent */
	unsigned int deadline, retry_min, retry_max, retry;
	uint64_t up_since;
	struct vici_stats stats;
};

static const struct {
	const char *word, *text;
} troubles[__VICI_TROUBLE_MAX] = {
	[VICI_NO_TROUBLE] = { "none", "" },
	[VICI_NO_SOCKET] = { "no-socket", "nobody listens there" },
	[VICI_WRONG_OWNER] = { "wrong-owner", "the socket is not root's" },
	[VICI_UNSAFE_PATH] = { "unsafe-path",
			       "everybody may write in the socket's folder" },
	[VICI_CLOSED] = { "closed", "it closed the connection" },
	[VICI_SILENT] = { "silent", "it does not answer" },
	[VICI_MALFORMED] = { "malformed", "what it sends makes no sense" },
	[VICI_TOO_LONG] = { "too-long", "it announces a packet too long" },
	[VICI_UNKNOWN_EVENT] = { "unknown-event",
				 "it does not know an event, too old?" },
	[VICI_NO_MEMORY] = { "no-memory", "out of memory" },
	[VICI_SYSTEM] = { "system", "the socket cannot be used" },
};

const char *vici_trouble_word(enum vici_trouble t)
{
	return troubles[t].word;
}

const char *vici_trouble_text(enum vici_trouble t)
{
	return troubles[t].text;
}

/* ---- the session's end ---- */

static void close_conn(struct conn *c)
{
	event_fd_free(c->watch);
	c->watch = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->in);
	c->in = NULL;
	c->in_len = c->in_size = 0;
	c->out = NULL;
	c->out_off = c->out_len = 0;
}

static struct command *pop_command(struct vici *v)
{
	struct command *q = v->head;

	if (!q)
		return NULL;
	v->head = q->next;
	if (!v->head)
		v->tail = &v->head;
	v->stats.queued--;
	return q;
}

static void fail_commands(struct vici *v)
{
	struct command *q;

	/* nothing is added meanwhile: there is no session */
	while ((q = pop_command(v))) {
		if (q->cb)
			q->cb(q->ctx, NULL, NULL);
		free(q);
	}
}

static unsigned int next_retry(struct vici *v, bool was_up, uint64_t now)
{
	unsigned int wait;

	if (was_up && now - v->up_since >= v->retry_max)
		v->retry = v->retry_min;
	wait = v->retry;
	v->retry *= 2;
	if (v->retry > v->retry_max)
		v->retry = v->retry_max;
	return wait;
}

static void end_session(struct vici *v, enum vici_trouble t)
{
	bool was_up = v->stats.up, is_new = v->stats.trouble != t;
	uint64_t now = event_now();

	close_conn(&v->cmd);
	close_conn(&v->ev);
	v->step = STEP_IDLE;
	v->confirmed = 0;
	v->stats.up = false;
	if (was_up || is_new)
		v->stats.since = now;
	v->stats.trouble = t;
	v->stats.troubles[t]++;
	event_timer_set(v->timer, now + next_retry(v, was_up, now));
	if (was_up)
		v->ops->lost(v->ctx, t);
	else if (is_new && v->ops->trouble)
		v->ops->trouble(v->ctx, t);
	fail_commands(v);
}

/* ---- sending ---- */

static void send_packet(struct conn *c, const uint8_t *packet, size_t len)
{
	c->out = packet;
	c->out_off = 0;
	c->out_len = len;
	event_fd_want(c->watch, EVENT_READ | EVENT_WRITE);
	c->v->asked = event_now();
	event_timer_set(c->v->timer, c->v->asked + c->v->deadline);
}

static void send_name(struct conn *c, enum vici_type type, const char *name)
{
	struct vici_writer w;

	vici_start(&w, c->small, sizeof(c->small), type, name);
	send_packet(c, c->small, vici_finish(&w));
}

static enum vici_trouble write_some(struct conn *c)
{
	ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? VICI_NO_TROUBLE :
		       VICI_CLOSED;
	c->out_off += n;
	if (c->out_off == c->out_len) {
		c->out = NULL;
		event_fd_want(c->watch, EVENT_READ);
	}
	return VICI_NO_TROUBLE;
}

/* ---- commands ---- */

static void next_command(struct vici *v)
{
	struct command *q = v->head;

	if (!q) {
		event_fd_want(v->cmd.watch, EVENT_READ);
		event_timer_set(v->timer, UINT64_MAX);
		return;
	}
	v->stats.commands++;
	if (q->stream[0]) {
		v->step = STEP_REGISTER;
		send_name(&v->cmd, VICI_EVENT_REGISTER, q->stream);
		return;
	}
	v->step = STEP_REQUEST;
	send_packet(&v->cmd, q->packet, q->len);
}

static void finish_command(struct vici *v)
{
	free(pop_command(v));
	v->step = STEP_IDLE;
	next_command(v);
}

struct answer {
	bool success;
	char errmsg[160];
};

static const struct vici_field answer_fields[] = {
	VICI_FIELD(answer, success, VICI_YES, "success"),
	VICI_FIELD(answer, errmsg, VICI_TEXT, "errmsg"),
};

/* The response to the head of the queue. */
static void take_response(struct vici *v, const struct vici_packet *p)
{
	struct answer a = { .success = true };
	struct command *q = v->head;

	if (p->type == VICI_CMD_UNKNOWN) {
		a.success = false;
		snprintf(a.errmsg, sizeof(a.errmsg), "unknown command");
	} else {
		vici_fields(&p->body, answer_fields, 2, &a);
	}
	if (!a.success) {
		v->stats.refused++;
		if (!a.errmsg[0])
			snprintf(a.errmsg, sizeof(a.errmsg), "no reason given");
	}
	if (q->cb)
		q->cb(q->ctx, p, a.success ? NULL : a.errmsg);
	q->cb = NULL;			/* once, even if the session ends now */
	if (q->stream[0]) {
		v->step = STEP_UNREGISTER;
		send_name(&v->cmd, VICI_EVENT_UNREGISTER, q->stream);
		return;
	}
	finish_command(v);
}

static enum vici_trouble take_stream(struct vici *v,
				     const struct vici_packet *p)
{
	struct command *q = v->head;

	/* one that was on its way when it was unregistered */
	if (v->step != STEP_REQUEST || !vici_str_is(&p->name, q->stream)) {
		v->stats.unexpected++;
		return VICI_NO_TROUBLE;
	}
	event_timer_set(v->timer, event_now() + v->deadline);
	if (q->cb)
		q->cb(q->ctx, p, NULL);
	return VICI_NO_TROUBLE;
}

static enum vici_trouble take_answer(struct vici *v,
				     const struct vici_packet *p)
{
	if (p->type == VICI_EVENT)
		return take_stream(v, p);
	/* an answer before all of the question was sent answers another */
	if (v->cmd.out)
		return VICI_MALFORMED;
	if (v->step == STEP_REQUEST && (p->type == VICI_CMD_RESPONSE ||
					p->type == VICI_CMD_UNKNOWN)) {
		take_response(v, p);
		return VICI_NO_TROUBLE;
	}
	if (v->step == STEP_REGISTER && p->type == VICI_EVENT_UNKNOWN)
		return VICI_UNKNOWN_EVENT;
	if (p->type != VICI_EVENT_CONFIRM)
		return VICI_MALFORMED;
	if (v->step == STEP_REGISTER) {
		v->step = STEP_REQUEST;
		send_packet(&v->cmd, v->head->packet, v->head->len);
		return VICI_NO_TROUBLE;
	}
	if (v->step != STEP_UNREGISTER)
		return VICI_MALFORMED;
	finish_command(v);
	return VICI_NO_TROUBLE;
}

/* ---- events ---- */

static void begin_session(struct vici *v)
{
	v->stats.up = true;
	v->stats.trouble = VICI_NO_TROUBLE;
	v->stats.since = v->up_since = event_now();
	v->stats.sessions++;
	event_timer_set(v->timer, UINT64_MAX);
	v->ops->up(v->ctx);
}

static void next_event(struct vici *v)
{
	if (v->confirmed < v->n_events)
		send_name(&v->ev, VICI_EVENT_REGISTER,
			  v->events[v->confirmed]);
	else
		begin_session(v);
}

/*
 * A hub's charon that has all its spokes to answer reports what it does and is
 * late with answers. To connect anew and have all listed would delay it more.
 */
static void give_time(struct vici *v)
{
	uint64_t until = event_now() + v->deadline;
	uint64_t most = v->asked + VICI_PATIENCE * (uint64_t)v->deadline;

	if (v->step != STEP_IDLE && until < most)
		event_timer_set(v->timer, until);
}

static enum vici_trouble take_event(struct vici *v,
				    const struct vici_packet *p)
{
	if (p->type == VICI_EVENT) {
		/* those before the last confirmation are in the listing */
		v->stats.events++;
		give_time(v);
		if (v->stats.up)
			v->ops->event(v->ctx, p);
		return VICI_NO_TROUBLE;
	}
	if (v->ev.out || v->confirmed == v->n_events)
		return VICI_MALFORMED;
	if (p->type == VICI_EVENT_UNKNOWN)
		return VICI_UNKNOWN_EVENT;
	if (p->type != VICI_EVENT_CONFIRM)
		return VICI_MALFORMED;
	v->confirmed++;
	next_event(v);
	return VICI_NO_TROUBLE;
}

/* ---- receiving ---- */

static bool make_room(struct conn *c, size_t size)
{
	uint8_t *in;

	if (size <= c->in_size)
		return true;
	in = realloc(c->in, size);
	if (!in)
		return false;
	c->in = in;
	c->in_size = size;
	return true;
}

/* Understands the packets received whole and keeps the rest. */
static enum vici_trouble take_packets(struct conn *c)
{
	enum vici_trouble t = VICI_NO_TROUBLE;
	struct vici_packet p;
	size_t off = 0;
	int len;

	while (!t && c->in_len - off >= VICI_HEADER) {
		len = vici_length(c->in + off);
		if (len < 0)
			return VICI_TOO_LONG;
		if (!make_room(c, VICI_HEADER + len))
			return VICI_NO_MEMORY;
		if (c->in_len - off - VICI_HEADER < (size_t)len)
			break;
		if (vici_read(c->in + off + VICI_HEADER, len, &p))
			return VICI_MALFORMED;
		off += VICI_HEADER + len;
		t = c->take(c->v, &p);
	}
	c->in_len -= off;
	memmove(c->in, c->in + off, c->in_len);
	return t;
}

static enum vici_trouble read_some(struct conn *c)
{
	size_t room;
	ssize_t n;

	if (c->in_len == c->in_size &&
	    !make_room(c, c->in_size ? 2 * c->in_size : IN_MIN))
		return VICI_NO_MEMORY;
	room = c->in_size - c->in_len;
	n = recv(c->fd, c->in + c->in_len, room < READ_MAX ? room : READ_MAX,
		 MSG_DONTWAIT);
	if (!n)
		return VICI_CLOSED;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? VICI_NO_TROUBLE :
		       VICI_CLOSED;
	c->in_len += n;
	return take_packets(c);
}

static void conn_ready(void *ctx, unsigned int what)
{
	enum vici_trouble t = VICI_NO_TROUBLE;
	struct conn *c = ctx;

	if (what & EVENT_READ)
		t = read_some(c);
	if (!t && what & EVENT_WRITE) {
		if (!c->out)
			c->idle(c->v);
		if (c->out)
			t = write_some(c);
	}
	if (t)
		end_session(c->v, t);
}

/* ---- the session's beginning ---- */

static bool may_own(const struct vici *v, unsigned int uid)
{
	return uid == v->owner || (!v->owner && uid == geteuid());
}

/* Who listens; the file may have changed since the folder was looked at. */
static enum vici_trouble check_owner(struct conn *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return VICI_SYSTEM;
	return may_own(c->v, cred.uid) ? VICI_NO_TROUBLE : VICI_WRONG_OWNER;
}

/* In a sticky folder, /tmp, only its owner replaces a file. */
static enum vici_trouble check_path(const struct vici *v)
{
	const char *slash = strrchr(v->path, '/');
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st, file;

	snprintf(folder, sizeof(folder), "%.*s",
		 slash ? (int)(slash - v->path) + 1 : 1, slash ? v->path : ".");
	if (stat(folder, &st) || lstat(v->path, &file))
		return errno == ENOENT ? VICI_NO_SOCKET : VICI_SYSTEM;
	if (st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))
		return VICI_UNSAFE_PATH;
	return may_own(v, file.st_uid) ? VICI_NO_TROUBLE : VICI_WRONG_OWNER;
}

static enum vici_trouble connect_to(struct conn *c)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(c->v->path) >= sizeof(sun.sun_path))
		return VICI_NO_SOCKET;
	strcpy(sun.sun_path, c->v->path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return VICI_SYSTEM;
	if (connect(c->fd, (void *)&sun, sizeof(sun)))
		return errno == EAGAIN ? VICI_SILENT :
		       errno == ENOENT || errno == ECONNREFUSED ?
		       VICI_NO_SOCKET : VICI_SYSTEM;
	c->watch = event_fd_new(c->v->loop, c->fd, EVENT_READ, conn_ready, c);
	return c->watch ? check_owner(c) : VICI_NO_MEMORY;
}

static void nothing_to_send(struct vici *v)
{
	event_fd_want(v->ev.watch, EVENT_READ);
}

static void command_idle(struct vici *v)
{
	if (v->step == STEP_IDLE && v->stats.up)
		next_command(v);
	else
		event_fd_want(v->cmd.watch, EVENT_READ);
}

static void start(struct vici *v)
{
	enum vici_trouble t = check_path(v);

	if (!t)
		t = connect_to(&v->cmd);
	if (!t)
		t = connect_to(&v->ev);
	if (t)
		end_session(v, t);
	else
		next_event(v);
}

/* The retry is due, or an answer is overdue. */
static void time_over(void *ctx)
{
	struct vici *v = ctx;

	if (v->cmd.fd < 0)
		start(v);
	else
		end_session(v, VICI_SILENT);
}

struct vici *vici_new(struct event_loop *loop, const char *path,
		      unsigned int owner, const char *const *events,
		      const struct vici_ops *ops, void *ctx)
{
	struct vici *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->loop = loop;
	v->path = path;
	v->owner = owner;
	v->events = events;
	while (v->n_events < VICI_EVENTS_MAX && events[v->n_events])
		v->n_events++;
	v->ops = ops;
	v->ctx = ctx;
	v->cmd = (struct conn){ .v = v, .fd = -1, .idle = command_idle,
				 .take = take_answer };
	v->ev = (struct conn){ .v = v, .fd = -1, .idle = nothing_to_send,
				.take = take_event };
	v->tail = &v->head;
	v->timer = event_timer_new(loop, time_over, v);
	if (!v->timer) {
		free(v);
		return NULL;
	}
	vici_set_times(v, VICI_DEADLINE, RETRY_MIN, RETRY_MAX);
	event_timer_set(v->timer, 0);
	return v;
}

void vici_free(struct vici *v)
{
	if (!v)
		return;
	close_conn(&v->cmd);
	close_conn(&v->ev);
	v->stats.up = false;
	fail_commands(v);
	event_timer_free(v->timer);
	free(v);
}

bool vici_is_up(const struct vici *v)
{
	return v->stats.up;
}

int vici_send(struct vici *v, const void *packet, size_t len,
	      const char *stream, vici_reply *cb, void *ctx)
{
	struct command *q;

	if (!v->stats.up)
		return -ENOTCONN;
	if (v->stats.queued == VICI_QUEUE_MAX) {
		v->stats.overflow++;
		return -ENOBUFS;
	}
	q = malloc(sizeof(*q) + len);
	if (!q)
		return -ENOMEM;
	*q = (struct command){ .cb = cb, .ctx = ctx, .len = len };
	if (stream)
		snprintf(q->stream, sizeof(q->stream), "%s", stream);
	memcpy(q->packet, packet, len);
	*v->tail = q;
	v->tail = &q->next;
	v->stats.queued++;
	if (v->step == STEP_IDLE)
		event_fd_want(v->cmd.watch, EVENT_READ | EVENT_WRITE);
	return 0;
}

void vici_stats(const struct vici *v, struct vici_stats *s)
{
	*s = v->stats;
}

void vici_set_times(struct vici *v, unsigned int deadline,
		    unsigned int retry_min, unsigned int retry_max)
{
	v->deadline = deadline;
	v->retry = v->retry_min = retry_min;
	v->retry_max = retry_max;
}
