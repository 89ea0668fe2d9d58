/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: see control.h. Everything runs in the loop's thread. A client has
 * one answer under way; its next request is read when that one has left, so a
 * client that asks but does not read costs one answer. Clients die in reap()
 * alone: events are raised from deep within the engine, also while a client's
 * own `clear` runs, and nobody may be freed there.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* struct ucred, accept4() */
#endif
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "charon.h"
#include "control.h"
#include "daemon.h"
#include "engine.h"
#include "event.h"
#include "frame.h"
#include "ipsec.h"
#include "log.h"
#include "object.h"

#define GROUP		"nhrpd"
#define BACKLOG		16

struct client {
	struct client *next;
	struct control *ctl;
	struct event_fd *watch;
	int fd;
	struct ucred cred;
	bool monitor;
	bool eof;			/* sends nothing more */
	bool dead;			/* for reap() */
	size_t in_len;
	char in[CONTROL_REQUEST_MAX];
	char *out;			/* not sent yet: [off, len) */
	size_t out_off, out_len, out_size;
};

struct control {
	struct daemon *d;
	int fd;
	struct event_fd *watch;
	struct event_timer *reaper;
	struct client *clients;
	unsigned int n_clients;
	size_t out_total;		/* allocated for all clients */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* ---- requests ---- */

enum member {
	HAS_IFACE	= 1 << 0,
	HAS_ADDR	= 1 << 1,
	HAS_NHS		= 1 << 2,
	HAS_DRAIN	= 1 << 3,
	HAS_FAMILY	= 1 << 4,
	HAS_NBMA	= 1 << 5,
};

static const struct {
	const char *word;
	bool changes;			/* for root and ourselves */
	unsigned int takes, needs;	/* enum member */
} cmds[] = {
	[CONTROL_SHOW]		= { "show", false, 0, 0 },
	[CONTROL_CLEAR]		= { "clear", true,
				    HAS_IFACE | HAS_ADDR | HAS_FAMILY, 0 },
	[CONTROL_RELOAD]	= { "reload", true, 0, 0 },
	[CONTROL_NHS_DRAIN]	= { "nhs-drain", true,
				    HAS_IFACE | HAS_NHS | HAS_DRAIN,
				    HAS_NHS | HAS_DRAIN },
	[CONTROL_CRYPTO]	= { "crypto", false, 0, 0 },
	[CONTROL_CLEAR_IPSEC]	= { "clear-ipsec", true, HAS_NBMA, 0 },
	[CONTROL_MONITOR]	= { "monitor", false, 0, 0 },
};

static const char *read_cmd(const char *text, struct control_request *r)
{
	for (unsigned int i = 0; i < __CONTROL_CMD_MAX; i++) {
		if (strcmp(text, cmds[i].word))
			continue;
		r->cmd = i;
		return NULL;
	}
	return "unknown command";
}

/* ADDRESS, or ADDRESS/LENGTH for the one entry of that length. */
static const char *read_addr(const char *text, struct control_request *r)
{
	r->prefix = strchr(text, '/');
	return addr_parse_prefix(text, &r->addr, &r->plen) ? NULL :
	       "bad address";
}

/* A family alone; without the member both are meant. */
static const char *read_family(const char *text, struct control_request *r)
{
	r->family[CONF_IPV4] = !strcmp(text, "ipv4");
	r->family[CONF_IPV6] = !strcmp(text, "ipv6");
	return r->family[CONF_IPV4] || r->family[CONF_IPV6] ? NULL :
	       "family is not ipv4 or ipv6";
}

/* What is not a boolean. */
static const char *read_text(const char *key, const char *text,
			     struct control_request *r, unsigned int *given)
{
	if (!text)
		return "a member is not a string";
	if (!strcmp(key, "cmd"))
		return read_cmd(text, r);
	if (!strcmp(key, "iface")) {
		*given |= HAS_IFACE;
		if (!*text || strlen(text) >= sizeof(r->iface))
			return "bad interface name";
		strcpy(r->iface, text);
		return NULL;
	}
	if (!strcmp(key, "addr")) {
		*given |= HAS_ADDR;
		return read_addr(text, r);
	}
	if (!strcmp(key, "family")) {
		*given |= HAS_FAMILY;
		return read_family(text, r);
	}
	if (!strcmp(key, "nhs") || !strcmp(key, "nbma")) {
		*given |= !strcmp(key, "nhs") ? HAS_NHS : HAS_NBMA;
		return addr_parse(text, &r->addr) ? NULL : "bad address";
	}
	return "unknown member";
}

static const char *read_member(const char *key, struct json_object *value,
			       struct control_request *r, unsigned int *given)
{
	if (!strcmp(key, "drain")) {
		*given |= HAS_DRAIN;
		r->drain = json_object_get_boolean(value);
		return json_object_is_type(value, json_type_boolean) ? NULL :
		       "drain is not true or false";
	}
	return read_text(key, json_object_is_type(value, json_type_string) ?
			 json_object_get_string(value) : NULL, r, given);
}

/* An address has a family of its own. */
static bool narrow_family(struct control_request *r)
{
	enum conf_family family = r->addr.len == 16 ? CONF_IPV6 : CONF_IPV4;

	r->family[!family] = false;
	return r->family[family];
}

static const char *read_request(struct json_object *o,
				struct control_request *r)
{
	unsigned int given = 0;
	const char *why;

	if (!json_object_is_type(o, json_type_object))
		return "not an object";
	if (!object_get_str(o, "cmd"))
		return "no command";
	json_object_object_foreach(o, key, value) {
		why = read_member(key, value, r, &given);
		if (why)
			return why;
	}
	if (given & ~cmds[r->cmd].takes)
		return "unknown member";
	if (given & HAS_ADDR && !narrow_family(r))
		return "addr is of the other family";
	return cmds[r->cmd].needs & ~given ? "a member is missing" : NULL;
}

const char *control_parse(const char *line, size_t len,
			  struct control_request *r)
{
	/* A request is flat; depth 2 is refused by what its members are. */
	struct json_tokener *tok = json_tokener_new_ex(4);
	struct json_object *o;
	const char *why = "not JSON";

	memset(r, 0, sizeof(*r));
	r->family[CONF_IPV4] = r->family[CONF_IPV6] = true;
	if (!tok)
		return "out of memory";
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, line, len);
	if (o && json_tokener_get_parse_end(tok) == len)
		why = read_request(o, r);
	json_object_put(o);
	json_tokener_free(tok);
	return why;
}

/* ---- what there is to show ---- */

static const char *const type_words[] = {
	[ENTRY_STATIC]		= "static",
	[ENTRY_DYNAMIC]		= "dynamic",
	[ENTRY_INCOMPLETE]	= "incomplete",
	[ENTRY_NEGATIVE]	= "negative",
	[ENTRY_LOCAL]		= "local",
};

static const char *const state_words[] = {
	[ENTRY_UP]		= "up",
	[ENTRY_RESOLVING]	= "resolving",
	[ENTRY_PROBING]		= "probing",
	[ENTRY_REGISTERING]	= "registering",
	[ENTRY_DOWN]		= "down",
};

/* Objects under construction, for the engine's callbacks. */
struct show {
	struct daemon *d;
	struct json_object *ifaces;	/* same order as d->ifaces */
	uint64_t now;
};

static double ago(const struct show *s, uint64_t when)
{
	return when < s->now ? (s->now - when) / 1000.0 : 0;
}

static double from_now(const struct show *s, uint64_t when)
{
	return when > s->now ? (when - s->now) / 1000.0 : 0;
}

static void add_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static void add_word(struct json_object *list, const char *word, bool is_so)
{
	if (is_so)
		json_object_array_add(list, json_object_new_string(word));
}

/* In the order in which `show ip nhrp` prints them. */
static struct json_object *entry_flags(const struct engine_entry *e)
{
	struct json_object *f = json_object_new_array();

	add_word(f, "router", e->router);
	add_word(f, "unique", e->unique);
	add_word(f, "registered", e->registered);
	add_word(f, "used", e->used);
	add_word(f, "local", e->type == ENTRY_LOCAL);
	add_word(f, "nat", e->nat);
	add_word(f, "negative", e->type == ENTRY_NEGATIVE);
	add_word(f, "no-socket", e->no_socket);
	return f;
}

static struct json_object *entry_object(const struct show *s,
					const struct engine_entry *e)
{
	struct json_object *o = json_object_new_object();

	object_addr(o, "protocol", &e->proto);
	object_int(o, "prefix_length", e->plen);
	object_addr(o, "nexthop", &e->nexthop);
	object_addr(o, "nbma", &e->nbma);
	object_addr(o, "nbma_claimed", &e->claimed);
	object_str(o, "type", type_words[e->type]);
	object_str(o, "role", e->type == ENTRY_LOCAL ? "local" :
		   e->nhs ? "hub" : "spoke");
	object_str(o, "state", state_words[e->state]);
	object_seconds(o, "state_seconds", ago(s, e->changed));
	json_object_object_add(o, "flags", entry_flags(e));
	object_seconds(o, "created_seconds", ago(s, e->created));
	json_object_object_add(o, "expires_seconds", e->expires ?
		object_new_seconds(from_now(s, e->expires)) : NULL);
	return object_str(o, "reason", e->reason);
}

static struct json_object *nhs_object(const struct show *s,
				      const struct engine_nhs_info *n)
{
	struct json_object *o = json_object_new_object();

	object_str(o, "family", n->family == CONF_IPV6 ? "ipv6" : "ipv4");
	object_addr(o, "protocol", &n->proto);
	object_addr(o, "nbma", &n->nbma);
	object_int(o, "priority", n->priority);
	object_int(o, "cluster", n->cluster);
	add_bool(o, "up", n->up);
	add_bool(o, "expecting", n->expecting);
	add_bool(o, "active", n->active);
	add_bool(o, "drained", n->drained);
	object_seconds(o, "state_seconds", ago(s, n->changed));
	object_int(o, "requests_sent", n->req_sent);
	object_int(o, "requests_failed", n->req_failed);
	object_int(o, "replies_received", n->repl_recv);
	json_object_object_add(o, "last_reply_seconds", n->last_reply ?
		object_new_seconds(ago(s, n->last_reply)) : NULL);
	object_seconds(o, "next_seconds", from_now(s, n->next));
	object_int(o, "request_id", n->reqid);
	return object_str(o, "reason", n->reason);
}

/* The object of that device; NULL: none of the configuration's. */
static struct json_object *shown_iface(const struct show *s,
				       unsigned int ifindex)
{
	const struct daemon_iface *i = s->d->ifaces;

	for (size_t n = 0; i; i = i->next, n++)
		if (ifindex && i->ifindex == ifindex)
			return json_object_array_get_idx(s->ifaces, n);
	return NULL;
}

static void show_entry(void *ctx, const struct engine_entry *e)
{
	struct show *s = ctx;
	struct json_object *iface = shown_iface(s, e->ifindex);

	if (iface)
		json_object_array_add(object_get(iface, "entries"),
				      entry_object(s, e));
}

static void show_nhs(void *ctx, const struct engine_nhs_info *n)
{
	struct show *s = ctx;
	struct json_object *iface = shown_iface(s, n->ifindex);

	if (iface)
		json_object_array_add(object_get(iface, "nhs"),
				      nhs_object(s, n));
}

/* "Resolution Request" is a heading; the member is resolution_request. */
static const char *member_name(const char *heading, char buf[32])
{
	unsigned int i;

	for (i = 0; heading[i] && i < 31; i++)
		buf[i] = heading[i] == ' ' ? '_' : tolower(heading[i]);
	buf[i] = '\0';
	return buf;
}

static struct json_object *packet_counts(const uint64_t *count)
{
	struct json_object *o = json_object_new_object();
	char name[32];

	for (unsigned int i = 1; i < __NHRP_TYPE_MAX; i++)
		json_object_object_add(o, member_name(nhrp_type_name(i), name),
				       json_object_new_uint64(count[i]));
	return o;
}

static struct json_object *traffic_object(const struct engine_traffic *t)
{
	struct json_object *o = json_object_new_object();
	struct json_object *refused = json_object_new_object();
	struct json_object *rejected = json_object_new_object();
	const char *word;

	for (unsigned int i = NHRP_OK + 1; i < __NHRP_REFUSAL_MAX; i++)
		json_object_object_add(refused, nhrp_refusal_name(i),
				json_object_new_uint64(t->refused[i]));
	for (unsigned int i = 0; i < sizeof(t->rejected) / sizeof(uint64_t) &&
	     (word = engine_reject_name(i)); i++)
		json_object_object_add(rejected, word,
				json_object_new_uint64(t->rejected[i]));
	json_object_object_add(o, "sent", packet_counts(t->sent));
	json_object_object_add(o, "received", packet_counts(t->rcvd));
	json_object_object_add(o, "forwarded", packet_counts(t->fwd));
	json_object_object_add(o, "refused", refused);
	json_object_object_add(o, "rejected", rejected);
	return o;
}

static struct json_object *iface_traffic(struct daemon *d,
					 const struct daemon_iface *i,
					 enum conf_family family)
{
	struct engine_traffic t;

	memset(&t, 0, sizeof(t));
	if (!i->ifindex || !engine_traffic(d->engine, i->ifindex, family, &t))
		return NULL;
	return traffic_object(&t);
}

/* `ip nhrp nhs cluster C max-connections M` */
static struct json_object *clusters(const struct conf_nhrp *c)
{
	struct json_object *list = json_object_new_array(), *o;

	for (unsigned int i = 0; i < c->n_cluster; i++) {
		o = object_int(json_object_new_object(), "cluster",
			       c->cluster[i].cluster);
		json_object_array_add(list, object_int(o, "max_connections",
						       c->cluster[i].max));
	}
	return list;
}

/* What `ip` or `ipv6` lines say. */
static void add_family(struct json_object *o, const struct conf_nhrp *n)
{
	object_int(o, "network_id", n->network_id);
	object_int(o, "holdtime_seconds", n->holdtime);
	object_int(o, "registration_seconds", conf_reg_interval(n));
	json_object_object_add(o, "clusters", clusters(n));
	object_int(o, "fallback_seconds", n->fallback ? n->fallback :
		   CONF_FALLBACK);
}

static void add_config(struct json_object *o, const struct conf_iface *c)
{
	add_family(o, &c->nhrp[CONF_IPV4]);
	object_str(o, "source_dev", *c->source_dev ? c->source_dev : NULL);
	object_str(o, "tunnel_vrf", *c->vrf ? c->vrf : NULL);
	object_addr(o, "destination", &c->destination);
	json_object_object_add(o, "key", c->has_key ?
			       json_object_new_int64(c->key) : NULL);
	add_bool(o, "if_state", c->if_state);
	add_bool(o, "ipsec_required", c->ipsec_required);
	object_str(o, "protection", *c->protection ? c->protection : NULL);
}

/* IPv6 of the interface; NULL: it has none. */
static struct json_object *ipv6_object(struct daemon *d,
				       const struct daemon_iface *i)
{
	const struct conf_nhrp *n = i->conf ? &i->conf->nhrp[CONF_IPV6] : NULL;
	const struct daemon_addr *a = &i->addr[CONF_IPV6];
	struct json_object *o;

	if (!n || (!n->network_id && !addr_is_set(&a->addr)))
		return NULL;
	o = json_object_new_object();
	object_addr(o, "protocol", &a->addr);
	object_int(o, "prefix_length", a->plen);
	object_addr(o, "link_local", &i->link_local.addr);
	add_family(o, n);
	object_str(o, "reason", i->ipv6_reason);
	json_object_object_add(o, "traffic", iface_traffic(d, i, CONF_IPV6));
	return o;
}

static struct json_object *iface_object(struct daemon *d,
					const struct daemon_iface *i)
{
	struct json_object *o = json_object_new_object();

	object_str(o, "name", i->name);
	json_object_object_add(o, "ifindex", i->ifindex ?
			       json_object_new_int64(i->ifindex) : NULL);
	add_bool(o, "up", i->up);
	object_str(o, "role", "unknown");
	object_addr(o, "protocol", &i->addr[CONF_IPV4].addr);
	object_int(o, "prefix_length", i->addr[CONF_IPV4].plen);
	object_addr(o, "nbma", &i->local);
	object_int(o, "mtu", i->mtu);
	if (i->conf)
		add_config(o, i->conf);
	json_object_object_add(o, "ipv6", ipv6_object(d, i));
	object_str(o, "reason", *i->reason ? i->reason : i->ipv6_reason);
	json_object_object_add(o, "nhs", json_object_new_array());
	json_object_object_add(o, "entries", json_object_new_array());
	json_object_object_add(o, "traffic", iface_traffic(d, i, CONF_IPV4));
	return o;
}

/* As IOS: who has registered clients is a hub, who has an NHS is a spoke. */
static const char *role_of(const struct json_object *iface)
{
	bool spoke = object_get_len(iface, "nhs") > 0;

	for (size_t i = 0; i < object_get_len(iface, "entries"); i++)
		if (object_has_word(object_get_at(iface, "entries", i),
				    "flags", "registered"))
			return spoke ? "hub-spoke" : "hub";
	return spoke ? "spoke" : "unknown";
}

/* Of all devices: what became of frames before and behind the engine. */
static struct json_object *frames_object(struct daemon *d)
{
	const struct frame_stats *st = frame_stats(d->frame);
	struct json_object *o = json_object_new_object();
	const struct {
		const char *key;
		uint64_t count;
	} counts[] = {
		{ "sent", st->sent },
		{ "received", st->received },
		{ "send_failed", st->send_failed },
		{ "send_full", st->send_full },
		{ "bad_frame", st->bad_frame },
		{ "recv_lost", st->recv_lost },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		json_object_object_add(o, counts[i].key,
				       json_object_new_uint64(counts[i].count));
	return o;
}

static struct json_object *show_all(struct daemon *d)
{
	struct show s = { d, json_object_new_array(), event_now() };
	struct json_object *top = envelope_new(), *o;

	for (const struct daemon_iface *i = d->ifaces; i; i = i->next)
		json_object_array_add(s.ifaces, iface_object(d, i));
	engine_each_nhs(d->engine, show_nhs, &s);
	engine_each_entry(d->engine, show_entry, &s);
	for (size_t i = 0; i < json_object_array_length(s.ifaces); i++) {
		o = json_object_array_get_idx(s.ifaces, i);
		object_str(o, "role", role_of(o));
	}
	object_int(top, "pid", getpid());
	object_seconds(top, "uptime_seconds", ago(&s, d->started));
	object_str(top, "config", d->conf_path);
	object_seconds(top, "reloaded_seconds", ago(&s, d->reloaded));
	object_str(top, "config_error", *d->error ? d->error : NULL);
	json_object_object_add(top, "frames", d->frame ? frames_object(d) :
			       NULL);
	json_object_object_add(top, "ipsec", ipsec_object(d->ipsec, s.now));
	json_object_object_add(top, "interfaces", s.ifaces);
	return top;
}

/* ---- clients ---- */

static void kill_client(struct client *c)
{
	c->dead = true;
	event_fd_want(c->watch, 0);
	event_timer_set(c->ctl->reaper, 0);
}

static void free_client(struct client *c)
{
	event_fd_free(c->watch);
	close(c->fd);
	c->ctl->out_total -= c->out_size;
	c->ctl->n_clients--;
	free(c->out);
	free(c);
}

static void reap(void *ctx)
{
	struct control *ctl = ctx;
	struct client *c;

	for (struct client **p = &ctl->clients; (c = *p); ) {
		if (!c->dead) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		free_client(c);
	}
}

/* What the loop shall watch for follows from what there is to do. */
static void want(struct client *c)
{
	if (c->dead)
		return;
	if (!c->out_len)
		event_fd_want(c->watch, EVENT_READ);
	else if (c->monitor && c->in_len < sizeof(c->in))
		event_fd_want(c->watch, EVENT_WRITE | EVENT_READ);
	else
		event_fd_want(c->watch, EVENT_WRITE);
}

/* Room for @len more bytes; false: the bound of all answers is reached. */
static bool reserve(struct client *c, size_t len)
{
	size_t size = c->out_size ? c->out_size : 4096;
	char *out;

	if (c->out_off) {
		memmove(c->out, c->out + c->out_off, c->out_len);
		c->out_off = 0;
	}
	while (size < c->out_len + len)
		size *= 2;
	if (size == c->out_size)
		return true;
	if (c->ctl->out_total - c->out_size + size > CONTROL_OUT_MAX)
		return false;
	out = realloc(c->out, size);
	if (!out)
		return false;
	c->ctl->out_total += size - c->out_size;
	c->out = out;
	c->out_size = size;
	return true;
}

static bool put_line(struct client *c, const char *line, size_t len)
{
	if (!reserve(c, len + 1))
		return false;
	memcpy(c->out + c->out_len, line, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
	want(c);
	return true;
}

static const char *line_of(struct json_object *o, size_t *len)
{
	return json_object_to_json_string_length(o,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, len);
}

/* Sends @o, which is put. */
static void answer(struct client *c, struct json_object *o)
{
	size_t len;
	const char *line = line_of(o, &len);

	if (!line || !put_line(c, line, len)) {
		log_warn("control: pid %d: no memory for an answer of %zu bytes, cut off",
			 c->cred.pid, len);
		kill_client(c);
	}
	json_object_put(o);
}

static void refuse(struct client *c, const char *code, const char *text)
{
	struct json_object *o = envelope_new();
	struct json_object *e = json_object_new_object();

	object_str(e, "code", code);
	object_str(e, "text", text);
	json_object_object_add(o, "error", e);
	answer(c, o);
}

static bool may_change(const struct client *c)
{
	return !c->cred.uid || c->cred.uid == geteuid();
}

struct find {
	unsigned int ifindex;
	const struct control_request *r;
	bool found;
};

static void find_entry(void *ctx, const struct engine_entry *e)
{
	struct find *f = ctx;

	if (e->ifindex == f->ifindex && e->plen == f->r->plen &&
	    addr_eq(&e->proto, &f->r->addr))
		f->found = true;
}

/* A prefix that there is no entry of must not clear its first address. */
static bool is_asked_for(struct daemon *d, unsigned int ifindex,
			 const struct control_request *r)
{
	struct find f = { .ifindex = ifindex, .r = r };

	if (!r->prefix)
		return true;
	engine_each_entry(d->engine, find_entry, &f);
	return f.found;
}

/* How many entries went. */
static unsigned int clear_iface(struct daemon *d, unsigned int ifindex,
				const struct control_request *r)
{
	const struct addr *addr = addr_is_set(&r->addr) ? &r->addr : NULL;
	unsigned int f, n = 0;

	for (f = 0; f < __CONF_FAMILY_MAX; f++)
		if (r->family[f])
			n += engine_clear(d->engine, ifindex, f, addr,
					  event_now());
	return n;
}

static void run_clear(struct client *c, const struct control_request *r)
{
	struct daemon *d = c->ctl->d;
	unsigned int n = 0;
	bool found = false;

	for (struct daemon_iface *i = d->ifaces; i; i = i->next) {
		if (*r->iface && strcmp(r->iface, i->name))
			continue;
		found = true;
		if (i->ifindex && is_asked_for(d, i->ifindex, r))
			n += clear_iface(d, i->ifindex, r);
	}
	if (!found) {
		refuse(c, "no-interface", "NHRP is not configured there");
		return;
	}
	log_notice("control: uid %u pid %d clears, entries gone: %u", c->cred.uid,
		   c->cred.pid, n);
	answer(c, object_int(envelope_new(), "cleared", n));
}

/* On every interface that uses this server, or the one that is named. */
static void run_nhs_drain(struct client *c, const struct control_request *r)
{
	struct daemon *d = c->ctl->d;
	unsigned int n = 0;
	bool found = false;
	char text[ADDR_STRLEN];

	for (struct daemon_iface *i = d->ifaces; i; i = i->next) {
		if (*r->iface && strcmp(r->iface, i->name))
			continue;
		found = true;
		if (i->ifindex && !engine_nhs_drain(d->engine, i->ifindex,
						    &r->addr, r->drain,
						    event_now()))
			n++;
	}
	if (!found) {
		refuse(c, "no-interface", "NHRP is not configured there");
		return;
	}
	if (!n) {
		refuse(c, "refused", "there is no such next hop server");
		return;
	}
	log_notice("control: uid %u pid %d %s next hop server %s", c->cred.uid,
		   c->cred.pid, r->drain ? "drains" : "undrains",
		   addr_text(&r->addr, text));
	answer(c, object_int(envelope_new(), r->drain ? "drained" :
			     "undrained", n));
}

static struct json_object *show_crypto(struct daemon *d)
{
	struct json_object *top = envelope_new();

	json_object_object_add(top, "ipsec",
			       ipsec_crypto_object(d->ipsec, event_now()));
	return top;
}

/* Of one peer, or of all; each comes back by itself. */
static void run_clear_ipsec(struct client *c, const struct control_request *r)
{
	const struct addr *nbma = addr_is_set(&r->addr) ? &r->addr : NULL;
	struct charon *charon = c->ctl->d->ipsec ?
				ipsec_charon(c->ctl->d->ipsec) : NULL;
	unsigned int n;

	if (!charon) {
		refuse(c, "refused", "nhrpd makes no SAs");
		return;
	}
	if (*charon_trouble(charon)) {
		refuse(c, "refused", charon_trouble(charon));
		return;
	}
	n = sa_clear(charon_sa(charon), nbma, event_now());
	if (!n && nbma) {
		refuse(c, "refused", "no SA to that address is there or needed");
		return;
	}
	log_notice("control: uid %u pid %d clears SAs of %u peers",
		   c->cred.uid, c->cred.pid, n);
	answer(c, object_int(envelope_new(), "cleared", n));
}

static void run_reload(struct client *c)
{
	struct daemon *d = c->ctl->d;

	log_notice("control: uid %u pid %d asks to reload", c->cred.uid,
		   c->cred.pid);
	if (daemon_reload(d))
		refuse(c, "refused", d->error);
	else
		answer(c, object_str(envelope_new(), "reloaded",
				     d->conf_path));
}

static void run(struct client *c, const struct control_request *r)
{
	if (cmds[r->cmd].changes && !may_change(c)) {
		log_notice("control: uid %u pid %d may not %s", c->cred.uid,
			   c->cred.pid, cmds[r->cmd].word);
		refuse(c, "not-permitted", "only root may do that");
		return;
	}
	switch (r->cmd) {
	case CONTROL_SHOW:
		answer(c, show_all(c->ctl->d));
		break;
	case CONTROL_CLEAR:
		run_clear(c, r);
		break;
	case CONTROL_RELOAD:
		run_reload(c);
		break;
	case CONTROL_NHS_DRAIN:
		run_nhs_drain(c, r);
		break;
	case CONTROL_CRYPTO:
		answer(c, show_crypto(c->ctl->d));
		break;
	case CONTROL_CLEAR_IPSEC:
		run_clear_ipsec(c, r);
		break;
	case CONTROL_MONITOR:
		/* The answer says that nothing is missed from here on. */
		c->monitor = true;
		answer(c, object_str(envelope_new(), "monitor", "nhrpd"));
		break;
	case __CONTROL_CMD_MAX:
		break;
	}
}

/* Runs the requests that are whole, until an answer has to leave first. */
static void run_requests(struct client *c)
{
	struct control_request r;
	const char *why;
	size_t len;
	char *end;

	while (!c->dead && !c->out_len &&
	       (end = memchr(c->in, '\n', c->in_len))) {
		len = end - c->in;
		why = control_parse(c->in, len, &r);
		if (why)
			refuse(c, "bad-request", why);
		else
			run(c, &r);
		c->in_len -= len + 1;
		memmove(c->in, end + 1, c->in_len);
	}
	if (!c->dead && !c->out_len && c->in_len == sizeof(c->in)) {
		refuse(c, "bad-request", "too long");
		c->in_len = 0;
		c->eof = true;
	}
}

static void send_out(struct client *c)
{
	ssize_t n = send(c->fd, c->out + c->out_off, c->out_len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			kill_client(c);
		return;
	}
	c->out_off += n;
	c->out_len -= n;
	if (c->out_len)
		return;
	/* A big answer's memory is not kept for the next one. */
	free(c->out);
	c->ctl->out_total -= c->out_size;
	c->out = NULL;
	c->out_off = c->out_size = 0;
}

static void read_in(struct client *c)
{
	size_t room = sizeof(c->in) - c->in_len;
	ssize_t n;

	if (!room)
		return;
	n = recv(c->fd, c->in + c->in_len, room, MSG_DONTWAIT);
	if (n > 0)
		c->in_len += n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		c->eof = true;
}

static void client_ready(void *ctx, unsigned int what)
{
	struct client *c = ctx;

	if (what & EVENT_WRITE && c->out_len)
		send_out(c);
	if (what & EVENT_READ)
		read_in(c);
	if (!c->dead)
		run_requests(c);
	/* Half-closed: what was asked is answered, then it is over. */
	if (c->eof && !c->dead && (c->monitor || !c->out_len))
		kill_client(c);
	want(c);
}

static void new_client(struct control *ctl, int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	socklen_t len = sizeof(c->cred);

	if (!c)
		goto err;
	c->ctl = ctl;
	c->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->cred, &len))
		goto err;
	c->watch = event_fd_new(ctl->d->loop, fd, EVENT_READ, client_ready, c);
	if (!c->watch)
		goto err;
	c->next = ctl->clients;
	ctl->clients = c;
	ctl->n_clients++;
	return;
err:
	log_warn("control: a client is refused: %s", strerror(errno));
	free(c);
	close(fd);
}

static void accept_ready(void *ctx, unsigned int what)
{
	struct control *ctl = ctx;
	int fd = accept4(ctl->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (fd < 0)
		return;
	if (ctl->n_clients < CONTROL_CLIENTS_MAX) {
		new_client(ctl, fd);
		return;
	}
	log_warn("control: a client is refused: there are %u",
		 ctl->n_clients);
	close(fd);
}

void control_event(struct daemon *d, const char *ifname, const char *what,
		   const struct addr *proto, const struct addr *nbma,
		   const char *text)
{
	static const struct addr none;
	struct json_object *o = NULL;
	const char *line = NULL;
	size_t len = 0;

	for (struct client *c = d->control ? d->control->clients : NULL; c;
	     c = c->next) {
		if (!c->monitor || c->dead)
			continue;
		if (!o) {
			o = object_str(envelope_new(), "source", "nhrpd");
			object_str(o, "event", what);
			object_str(o, "interface", ifname);
			object_addr(o, "protocol", proto ? proto : &none);
			object_addr(o, "nbma", nbma ? nbma : &none);
			object_str(o, "text", text);
			line = line_of(o, &len);
		}
		/* Many events in one turn are no fault of the reader's. */
		if (c->out_len + len >= CONTROL_EVENTS_MAX)
			send_out(c);
		if (c->dead || (c->out_len + len < CONTROL_EVENTS_MAX &&
				put_line(c, line, len)))
			continue;
		log_notice("control: monitor uid %u pid %d does not read, cut off",
			   c->cred.uid, c->cred.pid);
		kill_client(c);
	}
	json_object_put(o);
}

/* ---- the socket ---- */

/* Removes the socket of a daemon that died; -EADDRINUSE: it lives. */
static int remove_stale(const struct sockaddr_un *sa)
{
	int fd, err = 0;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		err = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		unlink(sa->sun_path);
	close(fd);
	return err;
}

/* Bound with a mask that gives 0600: opened to the group only when owned. */
static int listen_at(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct group *group;
	mode_t mask;
	int fd, err;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	err = remove_stale(&sa);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
	umask(mask);
	group = getgrnam(GROUP);
	if (!err && group && !chown(path, -1, group->gr_gid) &&
	    chmod(path, 0660))
		err = -errno;
	if (!err && listen(fd, BACKLOG))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

int control_open(struct daemon *d, const char *path)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	int err = -ENOMEM;

	if (!ctl)
		goto err;
	ctl->d = d;
	ctl->fd = listen_at(path);
	err = ctl->fd < 0 ? ctl->fd : 0;
	if (err)
		goto err_free;
	strcpy(ctl->path, path);
	err = -ENOMEM;
	ctl->reaper = event_timer_new(d->loop, reap, ctl);
	if (!ctl->reaper)
		goto err_listen;
	ctl->watch = event_fd_new(d->loop, ctl->fd, EVENT_READ, accept_ready,
				  ctl);
	if (!ctl->watch)
		goto err_timer;
	d->control = ctl;
	return 0;
err_timer:
	event_timer_free(ctl->reaper);
err_listen:
	close(ctl->fd);
	unlink(path);
err_free:
	free(ctl);
err:
	log_err("control: %s: %s", path, strerror(-err));
	return err;
}

void control_close(struct daemon *d)
{
	struct control *ctl = d->control;

	if (!ctl)
		return;
	d->control = NULL;
	for (struct client *c = ctl->clients; c; c = c->next)
		c->dead = true;
	reap(ctl);
	event_fd_free(ctl->watch);
	event_timer_free(ctl->reaper);
	close(ctl->fd);
	unlink(ctl->path);
	free(ctl);
}
