/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_charon: a charon for the tests of what talks to one (vici_test.c,
 * badcharon_test.c, ipsec_test.c), in the test's own event loop; no part of the
 * daemon. It answers VICI as 5.9.8 does and makes SAs that are only told of,
 * unless it is told to go wrong. Whatever it cannot do fails the test.
 */
#ifndef NHRPD_FAKE_CHARON_H
#define NHRPD_FAKE_CHARON_H

#include "event.h"
#include "sa.h"
#include "vici_msg.h"

#define FAKE_CLIENTS_MAX	32
#define FAKE_SAS_MAX		4
#define FAKE_CONNS_MAX		8

struct fake_charon;

struct fake_client {
	struct fake_charon *f;
	struct event_fd *watch;
	struct event_timer *timer;	/* it is time to say what is late */
	int fd;
	bool events;			/* it has asked for those of SAs */
	bool close_after;		/* once all is said */
	uint8_t in[16384], out[65536];
	size_t in_len, out_len, out_off;
};

struct fake_charon {
	struct event_loop *loop;
	char folder[40], path[64];	/* of its socket */
	int listener;
	struct event_fd *accepting;
	struct fake_client *client[FAKE_CLIENTS_MAX];	/* NULL: a free place */

	/* What it does wrong; none of it: honest. */
	bool mute;			/* takes nothing and says nothing */
	bool deaf;			/* makes no SA */
	bool nonsense;			/* ids of SAs are no numbers */
	bool bytewise;			/* sends a byte a turn */
	unsigned int late;		/* ms until an answer is sent */
	const char *refuses;		/* that command */
	/* Takes a packet itself, true, or leaves it; NULL is fine. */
	bool (*take)(struct fake_client *c, const struct vici_packet *p);

	/* What it has seen. */
	unsigned int accepted, registered, unregistered, requests;
	unsigned int loads, initiated, terminated;
	char began[1024];		/* names of connections, a blank each */
	char conn[FAKE_CONNS_MAX][SA_CONN_MAX];	/* loaded, by name */
	unsigned int n_conns;
	char sa[FAKE_SAS_MAX][SA_CONN_MAX];	/* it has; ids from 1 */
	unsigned int n_sas;
};

/* Once a program: a folder for its socket; false: none to be had. */
bool fake_init(struct fake_charon *f, const char *name);
void fake_exit(struct fake_charon *f);
/* An honest one without SAs, in @loop; it does not listen yet. */
void fake_reset(struct fake_charon *f, struct event_loop *loop);

void fake_start(struct fake_charon *f);
/* Closes everything; fine when it does not listen. */
void fake_stop(struct fake_charon *f);
/* Closes client[@i]. */
void fake_drop(struct fake_charon *f, unsigned int i);

/* The connection that carries events. */
struct fake_client *fake_events(struct fake_charon *f);
void fake_say(struct fake_client *c, const void *b, size_t len);
/* Finishes @w, and says it. */
void fake_say_packet(struct fake_client *c, struct vici_writer *w);
/* A packet of nothing but its type. */
void fake_say_plain(struct fake_client *c, enum vici_type type);
/* success=yes, or no with @error; "": without a word. */
void fake_say_response(struct fake_client *c, const char *error);
/* The event @name of SA number @id between the addresses in @conn,
 * "nhrp-LOCAL-REMOTE". */
void fake_say_sa(struct fake_client *c, const char *name, const char *conn,
		 unsigned int id);
/* It has that SA from now on; its id. */
unsigned int fake_add_sa(struct fake_charon *f, const char *conn);
/* It does not have SA number @id any more, and tells nobody. */
void fake_forget_sa(struct fake_charon *f, unsigned int id);

#endif
