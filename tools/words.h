/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words: the operator's words for the numbers of the kernel's interface, the
 * same in text, JSON, command lines and manual (rule R6), and the one way of
 * matching abbreviated words.
 */
#ifndef TOOLS_WORDS_H
#define TOOLS_WORDS_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A table indexed by number (or by bit, for flags); holes are NULL. */
struct words {
	const char *const *word;
	unsigned int n;
};

extern const struct words words_drop;		/* enum dmvpn_drop */
extern const struct words words_count;		/* enum dmvpn_count */
extern const struct words words_df;		/* enum dmvpn_df */
extern const struct words words_family;		/* AF_INET, AF_INET6 */
extern const struct words words_accept;		/* enum dmvpn_accept */
extern const struct words words_fallback;	/* enum dmvpn_fallback */
extern const struct words words_event;		/* enum dmvpn_cmd, *_NTF only */
extern const struct words words_how;		/* enum dmvpn_path_how */
extern const struct words words_feature;	/* bits of enum dmvpn_feature */
extern const struct words words_link_flag;	/* bits of enum dmvpn_link_flag */
extern const struct words words_peer_flag;	/* bits of enum dmvpn_peer_flag */
extern const struct words words_neigh_flag;	/* bits of enum dmvpn_neigh_flag */

/* The word for @i, NULL when the table has none. */
const char *word_of(const struct words *w, unsigned int i);

#define WORD_UNKNOWN	(-1)
#define WORD_AMBIGUOUS	(-2)

/*
 * The index of @text: the whole word, else the only one it begins. Words that
 * occur twice count once (the first). WORD_UNKNOWN or WORD_AMBIGUOUS.
 */
int word_find(const struct words *w, const char *text);

#endif
