/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log: one line an event, to stderr or syslog. Every room of the daemon writes
 * through log_line(); nothing else writes to stderr once the daemon runs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "log.h"

static bool to_syslog_;
static bool to_journal_;
static enum log_level max_ = LOG_L_INFO;

static const int priority[] = {
	[LOG_L_ERR] = LOG_ERR,
	[LOG_L_WARN] = LOG_WARNING,
	[LOG_L_NOTICE] = LOG_NOTICE,
	[LOG_L_INFO] = LOG_INFO,
	[LOG_L_DEBUG] = LOG_DEBUG,
};

static const char *const names[] = {
	[LOG_L_ERR] = "error",
	[LOG_L_WARN] = "warning",
	[LOG_L_NOTICE] = "notice",
	[LOG_L_INFO] = "info",
	[LOG_L_DEBUG] = "debug",
};

void log_open(bool to_syslog, enum log_level max)
{
	to_syslog_ = to_syslog;
	to_journal_ = getenv("JOURNAL_STREAM") != NULL;
	max_ = max;
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);	/* one write a line */
	if (to_syslog)
		openlog("nhrpd", LOG_PID, LOG_DAEMON);
}

bool log_wants(enum log_level level)
{
	return level <= max_;
}

static void print_time(void)
{
	struct timespec ts;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld ", text, ts.tv_nsec / 1000000);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	if (to_syslog_) {
		vsyslog(priority[level], fmt, ap);
	} else {
		flockfile(stderr);
		if (to_journal_) {
			fprintf(stderr, "<%d>", priority[level]);
		} else {
			print_time();
			fprintf(stderr, "%s: ", names[level]);
		}
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
		funlockfile(stderr);
	}
	va_end(ap);
}

bool log_allowed(struct log_limit *l, uint64_t now, char more[40])
{
	if (now < l->next) {
		l->held++;
		return false;
	}
	l->next = now + LOG_INTERVAL;
	more[0] = '\0';
	if (l->held)
		snprintf(more, 40, " (%lu more since)", l->held);
	l->held = 0;
	return true;
}
