/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words: see words.h. The tables grow with include/uapi/linux/dmvpn.h. */
#include <string.h>
#include <sys/socket.h>

#include <linux/dmvpn.h>

#include "words.h"

static const char *const drops[] = {
	[DMVPN_DROP_UNRESOLVED]		= "unresolved",
	[DMVPN_DROP_TRANSIT_UNRESOLVED]	= "transit-unresolved",
	[DMVPN_DROP_BACK_TO_INGRESS]	= "back-to-ingress",
	[DMVPN_DROP_NO_ROUTE]		= "no-route",
	[DMVPN_DROP_ROUTE_LOOP]		= "route-loop",
	[DMVPN_DROP_NO_LOCAL]		= "no-local",
	[DMVPN_DROP_NO_SA]		= "no-sa",
	[DMVPN_DROP_CLEARTEXT]		= "cleartext",
	[DMVPN_DROP_TOO_BIG]		= "too-big",
	[DMVPN_DROP_BAD_INNER]		= "bad-inner",
	[DMVPN_DROP_UNSUPPORTED]	= "unsupported",
	[DMVPN_DROP_NO_MEMORY]		= "no-memory",
	[DMVPN_DROP_BAD_GRE]		= "bad-gre",
	[DMVPN_DROP_BAD_CHECKSUM]	= "bad-checksum",
	[DMVPN_DROP_WRONG_KEY]		= "wrong-key",
	[DMVPN_DROP_UNKNOWN_SENDER]	= "unknown-sender",
	[DMVPN_DROP_ECN]		= "ecn",
	[DMVPN_DROP_NO_MULTICAST_PEER]	= "no-multicast-peer",
	[DMVPN_DROP_RECURSION]		= "recursion",
	[DMVPN_DROP_SPOOFED]		= "spoofed",
	[DMVPN_DROP_NHRP_POLICED]	= "nhrp-policed",
	[DMVPN_DROP_REJECTED]		= "rejected",
	[DMVPN_DROP_NO_HEADER]		= "no-header",
	[DMVPN_DROP_BACKLOG]		= "backlog",
	[DMVPN_DROP_MULTICAST_OVERFLOW]	= "multicast-overflow",
};
_Static_assert(ARRAY_SIZE(drops) == __DMVPN_DROP_MAX, "a drop without word");

static const char *const counts[] = {
	[DMVPN_COUNT_VIA_NHS]		= "via-nhs",
	[DMVPN_COUNT_UNKNOWN_SENDER]	= "unknown-sender",
	[DMVPN_COUNT_ROUTE_LOOKUP]	= "route-lookup",
	[DMVPN_COUNT_UPCALL]		= "upcall",
	[DMVPN_COUNT_UPCALL_SUPPRESSED]	= "upcall-suppressed",
	[DMVPN_COUNT_UPCALL_LOST]	= "upcall-lost",
	[DMVPN_COUNT_FRAGMENTED]	= "fragmented",
	[DMVPN_COUNT_VIA_SHORTCUT]	= "via-shortcut",
	[DMVPN_COUNT_REDIRECT]		= "redirect",
	[DMVPN_COUNT_REDIRECT_SUPPRESSED] = "redirect-suppressed",
	[DMVPN_COUNT_MULTICAST_COPY]	= "multicast-copy",
};
_Static_assert(ARRAY_SIZE(counts) == __DMVPN_COUNT_MAX, "a count without word");

static const char *const dfs[] = {
	[DMVPN_DF_SET]		= "set",
	[DMVPN_DF_INHERIT]	= "inherit",
	[DMVPN_DF_UNSET]	= "unset",
};
_Static_assert(ARRAY_SIZE(dfs) == __DMVPN_DF_MAX, "a DF mode without word");

static const char *const families[] = {
	[AF_INET]	= "ipv4",
	[AF_INET6]	= "ipv6",
};

static const char *const accepts[] = {
	[DMVPN_ACCEPT_ANY]	= "any",
	[DMVPN_ACCEPT_KNOWN]	= "known",
};
_Static_assert(ARRAY_SIZE(accepts) == __DMVPN_ACCEPT_MAX,
	       "an accept mode without word");

static const char *const fallbacks[] = {
	[DMVPN_FALLBACK_NHS]	= "nhs",
	[DMVPN_FALLBACK_DROP]	= "drop",
};
_Static_assert(ARRAY_SIZE(fallbacks) == __DMVPN_FALLBACK_MAX,
	       "a fallback without word");

static const char *const events[] = {
	[DMVPN_CMD_RESOLVE_NTF]		= "resolve",
	[DMVPN_CMD_REDIRECT_NTF]	= "redirect",
	[DMVPN_CMD_ONEWAY_NTF]		= "oneway",
	[DMVPN_CMD_SA_MISSING_NTF]	= "sa-missing",
	[DMVPN_CMD_PEER_CHANGED_NTF]	= "peer-changed",
	[DMVPN_CMD_PEER_DELETED_NTF]	= "peer-deleted",
	[DMVPN_CMD_NEIGH_CHANGED_NTF]	= "changed",
	[DMVPN_CMD_NEIGH_DELETED_NTF]	= "deleted",
	[DMVPN_CMD_NEIGH_EXPIRED_NTF]	= "expired",
	[DMVPN_CMD_NEIGH_USED_NTF]	= "used",
	[DMVPN_CMD_SHORTCUT_CHANGED_NTF] = "shortcut-changed",
	[DMVPN_CMD_SHORTCUT_DELETED_NTF] = "shortcut-deleted",
	[DMVPN_CMD_SHORTCUT_EXPIRED_NTF] = "shortcut-expired",
	[DMVPN_CMD_SHORTCUT_USED_NTF]	= "shortcut-used",
};
_Static_assert(ARRAY_SIZE(events) == __DMVPN_CMD_MAX, "an event without word");

static const char *const hows[] = {
	[DMVPN_PATH_NONE]	= "none",
	[DMVPN_PATH_REMOTE]	= "remote",
	[DMVPN_PATH_NEIGH]	= "neighbour",
	[DMVPN_PATH_SHORTCUT]	= "shortcut",
	[DMVPN_PATH_NHS]	= "nhs",
};

/* Flags: one word a bit, in the order of the bits. */
static const char *const features[] = {
	"remote", "ipsec-required", "multicast", "shortcut", "redirect",
	"oneway", "path-get", "inner-ipv6", "outer-ipv6", "strict-source",
	"nhrp-rate",
};
_Static_assert(1 << (ARRAY_SIZE(features) - 1) == DMVPN_FEATURE_NHRP_RATE,
	       "a feature without word");

static const char *const link_flags[] = {
	"key", "ipsec-required", "pointopoint", "redirect", "strict-source",
};
_Static_assert(1 << (ARRAY_SIZE(link_flags) - 1) == DMVPN_LINK_F_STRICT_SOURCE,
	       "a link flag without word");

static const char *const peer_flags[] = {
	"hub", "nhs", "multicast", "static",
};
_Static_assert(1 << (ARRAY_SIZE(peer_flags) - 1) == DMVPN_PEER_F_STATIC,
	       "a peer flag without word");

static const char *const neigh_flags[] = {
	"static", "unconfirmed", "reject", "registered", "unique",
};
_Static_assert(1 << (ARRAY_SIZE(neigh_flags) - 1) == DMVPN_NEIGH_F_UNIQUE,
	       "a neighbour flag without word");

const struct words words_drop = { drops, ARRAY_SIZE(drops) };
const struct words words_count = { counts, ARRAY_SIZE(counts) };
const struct words words_df = { dfs, ARRAY_SIZE(dfs) };
const struct words words_family = { families, ARRAY_SIZE(families) };
const struct words words_accept = { accepts, ARRAY_SIZE(accepts) };
const struct words words_fallback = { fallbacks, ARRAY_SIZE(fallbacks) };
const struct words words_event = { events, ARRAY_SIZE(events) };
const struct words words_how = { hows, ARRAY_SIZE(hows) };
const struct words words_feature = { features, ARRAY_SIZE(features) };
const struct words words_link_flag = { link_flags, ARRAY_SIZE(link_flags) };
const struct words words_peer_flag = { peer_flags, ARRAY_SIZE(peer_flags) };
const struct words words_neigh_flag = { neigh_flags, ARRAY_SIZE(neigh_flags) };

const char *word_of(const struct words *w, unsigned int i)
{
	return i < w->n ? w->word[i] : NULL;
}

int word_find(const struct words *w, const char *text)
{
	size_t len = strlen(text);
	int found = WORD_UNKNOWN;

	for (unsigned int i = 0; len && i < w->n; i++) {
		if (!w->word[i] || strncmp(w->word[i], text, len))
			continue;
		if (!w->word[i][len])
			return i;
		if (found == WORD_UNKNOWN)
			found = i;
		else if (found < 0 || strcmp(w->word[found], w->word[i]))
			found = WORD_AMBIGUOUS;
	}
	return found;
}
