/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client: see client.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

int client_open(const struct cli *c, struct client *cl)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *path = c->socket ? c->socket : CLIENT_SOCKET;

	cl->fd = -1;
	cl->tok = NULL;
	cl->off = cl->len = 0;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	cl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (cl->fd < 0)
		return -errno;
	if (connect(cl->fd, (struct sockaddr *)&sa, sizeof(sa)))
		return -errno;
	cl->tok = json_tokener_new();
	return cl->tok ? 0 : -ENOMEM;
}

void client_close(struct client *cl)
{
	if (cl->fd >= 0)
		close(cl->fd);
	cl->fd = -1;
	if (cl->tok)
		json_tokener_free(cl->tok);
	cl->tok = NULL;
}

int client_send(struct client *cl, struct json_object *o)
{
	char line[4096];
	int len = snprintf(line, sizeof(line), "%s\n",
			   json_object_to_json_string_ext(
				   o, JSON_C_TO_STRING_PLAIN));
	ssize_t n;

	if (len >= (int)sizeof(line))
		return -EMSGSIZE;
	for (int off = 0; off < len; off += n) {
		n = send(cl->fd, line + off, len - off, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
	}
	return 0;
}

/* What is in the buffer; *over: it is no JSON. */
static struct json_object *parse(struct client *cl, bool *over)
{
	struct json_object *o;

	*over = false;
	if (cl->off == cl->len)
		return NULL;
	o = json_tokener_parse_ex(cl->tok, cl->buf + cl->off,
				  cl->len - cl->off);
	cl->off += json_tokener_get_parse_end(cl->tok);
	if (o)
		return o;
	*over = json_tokener_get_error(cl->tok) != json_tokener_continue;
	cl->off = cl->len = 0;
	return NULL;
}

static ssize_t fill(struct client *cl, int flags)
{
	ssize_t n = recv(cl->fd, cl->buf, sizeof(cl->buf), flags);

	cl->off = 0;
	cl->len = n > 0 ? n : 0;
	return n;
}

struct json_object *client_next(struct client *cl)
{
	struct json_object *o;
	ssize_t n;
	bool over;

	for (;;) {
		o = parse(cl, &over);
		if (o || over)
			return o;
		n = fill(cl, 0);
		if (!n || (n < 0 && errno != EINTR))
			return NULL;
	}
}

struct json_object *client_poll(struct client *cl, bool *over)
{
	struct json_object *o;
	ssize_t n;

	for (;;) {
		o = parse(cl, over);
		if (o || *over)
			return o;
		n = fill(cl, MSG_DONTWAIT);
		if (n > 0)
			continue;
		*over = !n || (errno != EAGAIN && errno != EINTR);
		return NULL;
	}
}

struct json_object *client_request(const char *cmd)
{
	return object_str(json_object_new_object(), "cmd", cmd);
}

static int take_answer(struct cli *c, struct client *cl,
		       struct json_object **answer)
{
	const struct json_object *error;

	*answer = client_next(cl);
	if (!*answer)
		return cli_fail(c, CLI_UNREACHABLE, "nhrpd hung up");
	error = object_get(*answer, "error");
	if (!error)
		return CLI_OK;
	cli_fail(c, CLI_REFUSED, "%s", object_get_str(error, "text"));
	json_object_put(*answer);
	*answer = NULL;
	return CLI_REFUSED;
}

int client_ask(struct cli *c, struct json_object *o,
	       struct json_object **answer)
{
	struct client cl;
	int err, code;

	*answer = NULL;
	err = client_open(c, &cl);
	if (!err)
		err = client_send(&cl, o);
	if (err)
		code = cli_fail(c, CLI_UNREACHABLE, "nhrpd does not answer: %s",
				strerror(-err));
	else
		code = take_answer(c, &cl, answer);
	client_close(&cl);
	json_object_put(o);
	return code;
}
