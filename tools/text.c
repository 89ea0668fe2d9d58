/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text: see text.h. */
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define MINUTE	60
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)
#define WEEK	(7 * DAY)

const char *text_ago(double seconds, char buf[TEXT_LEN])
{
	unsigned long s = seconds > 0 ? seconds : 0;

	if (s >= DAY)
		snprintf(buf, TEXT_LEN, "%lud %luh", s / DAY, s % DAY / HOUR);
	else if (s >= HOUR)
		snprintf(buf, TEXT_LEN, "%luh %lum", s / HOUR,
			 s % HOUR / MINUTE);
	else if (s >= MINUTE)
		snprintf(buf, TEXT_LEN, "%lum %lus", s / MINUTE, s % MINUTE);
	else
		snprintf(buf, TEXT_LEN, "%lus", s);
	return buf;
}

const char *text_bytes(uint64_t bytes, char buf[TEXT_LEN])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB",
					    "PiB", "EiB" };
	double v = bytes;
	unsigned int u = 0;

	for (; v >= 1024 && u < 6; u++)
		v /= 1024;
	snprintf(buf, TEXT_LEN, u && v < 10 ? "%.1f %s" : "%.0f %s", v,
		 unit[u]);
	return buf;
}

const char *text_ios(double seconds, char buf[TEXT_LEN])
{
	unsigned long s = seconds > 0 ? seconds : 0;

	if (s >= WEEK)
		snprintf(buf, TEXT_LEN, "%luw%lud", s / WEEK, s % WEEK / DAY);
	else if (s >= DAY)
		snprintf(buf, TEXT_LEN, "%lud%02luh", s / DAY, s % DAY / HOUR);
	else
		snprintf(buf, TEXT_LEN, "%02lu:%02lu:%02lu", s / HOUR,
			 s % HOUR / MINUTE, s % MINUTE);
	return buf;
}

void table_cell(struct table *t, const char *text)
{
	if (t->n == t->size) {
		t->size = t->size ? 2 * t->size : 64;
		t->cell = realloc(t->cell, t->size * sizeof(*t->cell));
		if (!t->cell)
			abort();
	}
	t->cell[t->n] = strdup(text ? text : "-");
	if (!t->cell[t->n++])
		abort();
}

void table_head(struct table *t, const char *const *names)
{
	for (t->columns = 0; names[t->columns]; t->columns++)
		table_cell(t, names[t->columns]);
}

static void print_row(const struct table *t, unsigned int row,
		      const int *width, FILE *out, const char *indent)
{
	fputs(indent, out);
	for (unsigned int c = 0; c < t->columns; c++) {
		const char *cell = t->cell[row * t->columns + c];

		/* No blanks at the end of a line. */
		if (c + 1 == t->columns)
			fputs(cell, out);
		else
			fprintf(out, "%-*s  ", width[c], cell);
	}
	fputc('\n', out);
}

void table_print(struct table *t, FILE *out, const char *indent)
{
	int width[TABLE_COLUMNS] = {};

	for (unsigned int i = 0; i < t->n; i++) {
		int len = strlen(t->cell[i]);

		if (len > width[i % t->columns])
			width[i % t->columns] = len;
	}
	for (unsigned int row = 0; row < t->n / t->columns; row++)
		print_row(t, row, width, out, indent);
	for (unsigned int i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	memset(t, 0, sizeof(*t));
}
