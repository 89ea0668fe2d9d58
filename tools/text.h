/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text: times and amounts for people, and tables with columns that fit. */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#define TEXT_LEN 32

/* "3d 4h", "4m 12s", "8s"; returns @buf. */
const char *text_ago(double seconds, char buf[TEXT_LEN]);
/* "1.2 GiB", "12 KiB", "40 B"; returns @buf. */
const char *text_bytes(uint64_t bytes, char buf[TEXT_LEN]);
/* As IOS: "00:03:08", "6d12h", "3w5d"; returns @buf. */
const char *text_ios(double seconds, char buf[TEXT_LEN]);

#define TABLE_COLUMNS 16

/* Rows of text, printed with columns as wide as their widest cell. */
struct table {
	unsigned int columns;
	unsigned int n;			/* cells */
	unsigned int size;
	char **cell;
};

/* Appends one cell, copied; NULL is "-". Rows end by themselves. */
void table_cell(struct table *t, const char *text);
/* Appends the header's cells; @columns is their number. NULL ends the list. */
void table_head(struct table *t, const char *const *names);
/* Prints each row behind @indent and empties the table. */
void table_print(struct table *t, FILE *out, const char *indent);

#endif
