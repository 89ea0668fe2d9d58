/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log: one line an event, to stderr or syslog.
 *
 * Under systemd (JOURNAL_STREAM set) a line on stderr starts with its
 * priority, "<6>", and carries no time; else with the local time.
 */
#ifndef NHRPD_LOG_H
#define NHRPD_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Same order and values as enum engine_log. */
enum log_level { LOG_L_ERR, LOG_L_WARN, LOG_L_NOTICE, LOG_L_INFO, LOG_L_DEBUG };

/* @syslog: to syslog instead of stderr. Lines above @max are not written. */
void log_open(bool to_syslog, enum log_level max);
/* True when a line of this level would be written. */
bool log_wants(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)	log_line(LOG_L_ERR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_L_WARN, __VA_ARGS__)
#define log_notice(...)	log_line(LOG_L_NOTICE, __VA_ARGS__)
#define log_info(...)	log_line(LOG_L_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_L_DEBUG, __VA_ARGS__)

/* What a packet can trigger is logged at most once in LOG_INTERVAL. */
#define LOG_INTERVAL 10000		/* ms */

struct log_limit {
	uint64_t next;			/* ms */
	unsigned long held;		/* lines held back since the last one */
};

/*
 * True when a line may be written at @now; @more then says how many were held
 * back since the last one, e.g. " (7 more since)", or is empty.
 */
bool log_allowed(struct log_limit *l, uint64_t now, char more[40]);

#endif
