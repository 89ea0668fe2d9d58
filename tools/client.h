/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client: the daemon's control socket, from the operator's side. */
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include "../nhrpd/object.h"
#include "cli.h"

#define CLIENT_SOCKET "/run/nhrpd.sock"

struct client {
	int fd;				/* -1: not connected */
	struct json_tokener *tok;
	size_t off, len;		/* of buf: not parsed yet */
	char buf[65536];
};

/* Connects to -S, or the default. 0 or -errno, without a word. */
int client_open(const struct cli *c, struct client *cl);
/* Harmless on one that never opened. */
void client_close(struct client *cl);

/* Sends @o as one line. -errno. */
int client_send(struct client *cl, struct json_object *o);

/*
 * The next object, for the caller to put; blocks. NULL: the daemon hung up,
 * or sent what is no JSON.
 */
struct json_object *client_next(struct client *cl);
/* The same without blocking: NULL with *over false when there is none yet. */
struct json_object *client_poll(struct client *cl, bool *over);

/*
 * Asks one question. CLI_OK with the answer in *answer, or the exit code
 * after a complaint; an answer with `error` is CLI_REFUSED. @o is put.
 */
int client_ask(struct cli *c, struct json_object *o,
	       struct json_object **answer);

/* {"cmd":@cmd} */
struct json_object *client_request(const char *cmd);

#endif
