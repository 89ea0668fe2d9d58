/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main: nhrpd's options, signals and loop. The daemon stays in the foreground;
 * whoever starts it keeps it running.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

enum { OPT_LOG = 256 };

struct options {
	const char *conf;
	const char *socket;
	bool check;
	bool debug;
	bool to_syslog;
};

static void usage(FILE *to)
{
	fprintf(to,
		"usage: nhrpd [options]\n"
		"  -f FILE      configuration (default " DAEMON_CONF ")\n"
		"  -t           check the configuration and exit\n"
		"  -S SOCKET    control socket (default " DAEMON_SOCKET ")\n"
		"  -d           log debugging lines too\n"
		"  --log WHERE  stderr (default) or syslog\n"
		"  -h           this help\n");
}

static int read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "log", required_argument, NULL, OPT_LOG },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "f:tS:dh", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			o->conf = optarg;
			break;
		case 't':
			o->check = true;
			break;
		case 'S':
			o->socket = optarg;
			break;
		case 'd':
			o->debug = true;
			break;
		case OPT_LOG:
			o->to_syslog = !strcmp(optarg, "syslog");
			if (o->to_syslog || !strcmp(optarg, "stderr"))
				break;
			fprintf(stderr, "nhrpd: --log %s: stderr or syslog\n",
				optarg);
			return -EINVAL;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	usage(stderr);
	return -EINVAL;
}

static void tell_notice(void *ctx, const char *text)
{
	(void)ctx;
	log_notice("%s", text);
}

static struct conf *read_conf(const char *path)
{
	FILE *f = fopen(path, "re");
	struct conf *conf;
	char err[512];

	if (!f) {
		log_err("%s: %s", path, strerror(errno));
		return NULL;
	}
	conf = conf_read(f, path, err, sizeof(err), tell_notice, NULL);
	fclose(f);
	if (!conf)
		log_err("%s", err);
	return conf;
}

/* Tells the service manager, when there is one that wants to know. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (!path || !path[0] || strlen(path) >= sizeof(sun.sun_path))
		return;
	strcpy(sun.sun_path, path);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';	/* abstract */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		   (struct sockaddr *)&sun, len) < 0)
		log_debug("service manager: %s", strerror(errno));
	close(fd);
}

static void on_stop(void *ctx)
{
	struct daemon *d = ctx;

	event_loop_stop(d->loop);
}

static void on_reload(void *ctx)
{
	daemon_reload(ctx);
}

static int catch_signals(struct daemon *d)
{
	int ret;

	signal(SIGPIPE, SIG_IGN);
	ret = event_signal(d->loop, SIGTERM, on_stop, d);
	if (!ret)
		ret = event_signal(d->loop, SIGINT, on_stop, d);
	if (!ret)
		ret = event_signal(d->loop, SIGHUP, on_reload, d);
	return ret;
}

static int run(struct daemon *d)
{
	int ret;

	d->loop = event_loop_new();
	if (!d->loop)
		return -ENOMEM;
	ret = catch_signals(d);
	if (!ret)
		ret = daemon_start(d);
	if (!ret) {
		notify("READY=1");
		ret = event_loop_run(d->loop);
		log_notice("ends; the kernel keeps devices and neighbours");
		notify("STOPPING=1");
	}
	daemon_stop(d);
	event_loop_free(d->loop);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o = { .conf = DAEMON_CONF };
	struct daemon d = { 0 };
	int ret = 0;

	if (read_options(&o, argc, argv))
		return 2;
	log_open(o.to_syslog, o.debug ? LOG_L_DEBUG : LOG_L_INFO);
	d.conf_path = o.conf;
	d.socket_path = o.socket;
	d.conf = read_conf(o.conf);
	if (!d.conf)
		return EXIT_FAILURE;
	if (o.check)
		printf("%s: %u interface%s, no errors\n", o.conf,
		       d.conf->n_ifaces, d.conf->n_ifaces == 1 ? "" : "s");
	else
		ret = run(&d);
	conf_free(d.conf);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
