/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: the lines of IOS and FRR that a DMVPN needs, read into structs.
 *
 * One table holds every line: its words, what stands in the places of the
 * arguments, its limits and the function that takes it. The reader walks the
 * table word by word, so that a refused line names the word where it left
 * everything known and what was expected there. Called at start, on reload and
 * by `dmvpn config check`; a refusal leaves nothing behind.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define LINE_MAX_LEN	512
#define WORDS_MAX	32
#define IFACES_MAX	256
#define PROFILES_MAX	64
#define ARGS_MAX	2
#define ERROR_WORD_MAX	40
#define MTU_MIN_V6	1280		/* RFC 8200 section 5 */
#define MODE_P2P	1		/* of `tunnel mode gre …` */
#define MODE_OVER6	2
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What may be given only once in a section; `no …` makes room again. */
enum slot {
	SLOT_NONE,
	SLOT_ADDRESS,
	SLOT_LINK_LOCAL,
	SLOT_MTU,
	SLOT_AUTH,
	SLOT_NETWORK_ID,
	SLOT_HOLDTIME,
	SLOT_REG_TIMEOUT,
	SLOT_REG_LIMIT,
	SLOT_REDIRECT,
	SLOT_FALLBACK,
	SLOT_SOURCE,
	SLOT_VRF,
	SLOT_DESTINATION,
	SLOT_MODE,
	SLOT_KEY,
	SLOT_PROTECTION,
	SLOT_CONTROL,
	SLOT_ID_LOCAL,
	SLOT_ID_REMOTE,
	SLOT_AUTHENTICATION,
	SLOT_IKE,
	SLOT_ESP,
	SLOT_LIFETIME,
	SLOT_IDLE,
	__SLOT_MAX
};

struct args {
	unsigned int n;			/* A, B, M, P, N and W */
	const char *word[ARGS_MAX];	/* as written */
	struct addr addr[ARGS_MAX];	/* A, B, M, P */
	uint8_t plen;			/* M, P */
	uint32_t num;			/* the last N */
	uint32_t nums[ARGS_MAX];	/* N, at the place of its word */
	char *const *rest;		/* * */
	unsigned int n_rest;
	size_t off;			/* of the line's field, see field_of() */
	size_t size;			/* of the field, where it is text */
	bool nhrp, profile;
};

struct parser {
	const char *name;		/* of the file */
	unsigned int line;
	char *err;
	size_t errlen;
	void (*notice)(void *ctx, const char *text);
	void *ctx;
	struct conf *conf;
	struct conf_iface *c;		/* the section, NULL: none */
	struct conf_profile *prof;	/* the same */
	enum conf_family family;	/* of the line at hand */
	struct conf_nhrp *n;		/* of @family in @c */
	/* line of the slot's value, 0: none; IPv4's for what has no family */
	unsigned int seen[__CONF_FAMILY_MAX][__SLOT_MAX];
	bool p2p, over6;		/* of `tunnel mode gre …` */
	uint16_t mtu[__CONF_FAMILY_MAX];
	unsigned int nhs_line[__CONF_FAMILY_MAX][CONF_NHS_MAX];
	unsigned int map_line[__CONF_FAMILY_MAX][CONF_MAP_MAX];
	unsigned int control_line, vici_line, netns_line;
	unsigned int protection_line[IFACES_MAX];
};

/*
 * @form: words, of which some stand for arguments: F `ip` or `ipv6`, which is
 * the family of the line's A (an address) and P (address/length), B an NBMA
 * address (of either family: finish_underlay()), M a netmask, N a number from @min to @max, W a word, * the rest of
 * the line. @foreign: whose line it is, when it is not ours.
 */
struct line {
	const char *form;
	int (*take)(struct parser *p, const struct args *a);
	enum slot slot;
	uint32_t min, max;
	uint32_t dflt;			/* the number when there is no N */
	size_t off;			/* of the field, for take_on() and so on */
	bool nhrp;			/* the field is of the line's family */
	bool profile;			/* of a `crypto ipsec profile` section */
	size_t size;			/* of a field that is text */
	bool global;			/* not in an interface section */
	const char *foreign;
};

static const struct {
	const char *word, *name;
} families[__CONF_FAMILY_MAX] = {
	[CONF_IPV4]	= { "ip", "IPv4" },
	[CONF_IPV6]	= { "ipv6", "IPv6" },
};

/* Words of strangers come back to terminals and logs: printable ones only. */
static void print_word(char *buf, size_t size, const char *word)
{
	size_t i;

	for (i = 0; word[i] && i < size - 1; i++)
		buf[i] = isprint((unsigned char)word[i]) ? word[i] : '?';
	buf[i] = '\0';
}

static void write_error(struct parser *p, unsigned int line, const char *word,
			const char *fmt, va_list ap)
{
	char shown[ERROR_WORD_MAX + 1];
	int n;

	print_word(shown, sizeof(shown), word);
	n = snprintf(p->err, p->errlen, "%s:%u: word '%s': ", p->name, line,
		     shown);
	if (n >= 0 && (size_t)n < p->errlen)
		vsnprintf(p->err + n, p->errlen - n, fmt, ap);
}

/* Refuses the line at hand; always -EINVAL. */
__attribute__((format(printf, 3, 4)))
static int refuse(struct parser *p, const char *word, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_error(p, p->line, word, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The same for a line that was taken before and proves wrong in the end. */
__attribute__((format(printf, 4, 5)))
static int refuse_at(struct parser *p, unsigned int line, const char *word,
		     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_error(p, line, word, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- arguments ---- */

static bool read_addr(const char *word, enum conf_family f, struct addr *a)
{
	return addr_parse(word, a) && a->len == (f == CONF_IPV6 ? 16 : 4);
}

static bool read_v4(const char *word, struct addr *a)
{
	return read_addr(word, CONF_IPV4, a);
}

static bool read_mask(const char *word, struct addr *a, uint8_t *plen)
{
	uint32_t m = 0, host;
	int i;

	if (!read_v4(word, a))
		return false;
	for (i = 0; i < 4; i++)
		m = m << 8 | a->b[i];
	host = ~m;
	if (host & (host + 1))
		return false;
	*plen = m ? 32 - __builtin_popcount(host) : 0;
	return true;
}

static bool read_num(const char *word, uint32_t min, uint32_t max,
		     uint32_t *num)
{
	unsigned long long v;
	char *end;

	/* strtoull() takes signs and blanks, this dialect does not */
	if (!isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	v = strtoull(word, &end, 10);
	if (errno || *end || v < min || v > max)
		return false;
	*num = v;
	return true;
}

static bool read_prefix(const char *word, enum conf_family f, struct addr *a,
			uint8_t *plen)
{
	const char *slash = strchr(word, '/');
	char text[ADDR_STRLEN];
	uint32_t num;

	if (!slash || (size_t)(slash - word) >= sizeof(text))
		return false;
	memcpy(text, word, slash - word);
	text[slash - word] = '\0';
	if (!read_addr(text, f, a) ||
	    !read_num(slash + 1, 0, a->len * 8, &num))
		return false;
	*plen = num;
	return true;
}

static bool valid_ifname(const char *word)
{
	size_t i, len = strlen(word);

	if (!len || len >= IFNAMSIZ || !strcmp(word, ".") ||
	    !strcmp(word, ".."))
		return false;
	for (i = 0; i < len; i++)
		if (!isgraph((unsigned char)word[i]) || strchr("/:%", word[i]))
			return false;
	return true;
}

static bool valid_fqdn(const char *word)
{
	size_t len = strlen(word), label = 0;
	bool letter = false;
	const char *s;

	if (len >= CONF_FQDN_MAX)
		return false;
	for (s = word; *s; s++) {
		if (*s == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_')
			return false;
		if (++label > 63)
			return false;
		letter |= isalpha((unsigned char)*s) != 0;
	}
	return letter;			/* "1.2.3" is a mistyped address */
}

/* An address that a host on the other side can own. */
static int check_unicast(struct parser *p, const char *word,
			 const struct addr *a)
{
	if (addr_is_martian(a))
		return refuse(p, word, "not a unicast address");
	return 0;
}

/* The same for the underlay, which may have many links. */
static int check_nbma(struct parser *p, const char *word, const struct addr *a)
{
	if (addr_is_link_local(a))
		return refuse(p, word,
			      "a link-local address is no NBMA address");
	return check_unicast(p, word, a);
}

/* ---- the lines ---- */

static int finish_iface(struct parser *p);

static int take_interface(struct parser *p, const struct args *a)
{
	struct conf *conf = p->conf;
	const struct conf_iface *old;
	struct conf_iface *iface;
	int ret;

	ret = finish_iface(p);
	if (ret)
		return ret;
	p->prof = NULL;
	memset(p->seen, 0, sizeof(p->seen));
	if (!valid_ifname(a->word[0]))
		return refuse(p, a->word[0], "not an interface name");
	old = conf_find(conf, a->word[0]);
	if (old)
		return refuse(p, a->word[0], "has its section in line %u",
			      old->line);
	if (conf->n_ifaces == IFACES_MAX)
		return refuse(p, a->word[0], "more than %d interfaces",
			      IFACES_MAX);
	iface = reallocarray(conf->iface, conf->n_ifaces + 1, sizeof(*iface));
	if (!iface)
		return refuse(p, a->word[0], "out of memory");
	conf->iface = iface;
	p->c = &iface[conf->n_ifaces++];
	memset(p->c, 0, sizeof(*p->c));
	strcpy(p->c->name, a->word[0]);
	p->c->line = p->line;
	p->c->nhrp[CONF_IPV4].holdtime = CONF_HOLDTIME;
	p->c->nhrp[CONF_IPV6].holdtime = CONF_HOLDTIME;
	return 0;
}

static int take_end(struct parser *p, const struct args *a)
{
	(void)a;
	p->prof = NULL;
	return finish_iface(p);
}

static int take_profile(struct parser *p, const struct args *a)
{
	struct conf *conf = p->conf;
	struct conf_profile *all;
	int ret = finish_iface(p);

	if (ret)
		return ret;
	if (strlen(a->word[0]) >= CONF_PROFILE_MAX)
		return refuse(p, a->word[0], "longer than %d characters",
			      CONF_PROFILE_MAX - 1);
	if (conf_profile(conf, a->word[0]))
		return refuse(p, a->word[0], "has its section already");
	if (conf->n_profiles == PROFILES_MAX)
		return refuse(p, a->word[0], "more than %d profiles",
			      PROFILES_MAX);
	all = reallocarray(conf->profile, conf->n_profiles + 1, sizeof(*all));
	if (!all)
		return refuse(p, a->word[0], "out of memory");
	conf->profile = all;
	p->prof = &all[conf->n_profiles++];
	memset(p->prof, 0, sizeof(*p->prof));
	memset(p->seen, 0, sizeof(p->seen));
	strcpy(p->prof->name, a->word[0]);
	return 0;
}

static int take_nothing(struct parser *p, const struct args *a)
{
	(void)p;
	(void)a;
	return 0;
}

/* Lines that only set one field of the section, or of a family in it. */
static void *field_of(struct parser *p, const struct args *a)
{
	if (a->profile)
		return (char *)p->prof + a->off;
	return (a->nhrp ? (char *)p->n : (char *)p->c) + a->off;
}

static int take_on(struct parser *p, const struct args *a)
{
	*(bool *)field_of(p, a) = true;
	return 0;
}

static int take_off(struct parser *p, const struct args *a)
{
	*(bool *)field_of(p, a) = false;
	return 0;
}

static int take_text(struct parser *p, const struct args *a)
{
	if (strlen(a->word[0]) >= a->size)
		return refuse(p, a->word[0], "longer than %zu characters",
			      a->size - 1);
	strcpy(field_of(p, a), a->word[0]);
	return 0;
}

static int take_u16(struct parser *p, const struct args *a)
{
	*(uint16_t *)field_of(p, a) = a->num;
	return 0;
}

static int take_u32(struct parser *p, const struct args *a)
{
	*(uint32_t *)field_of(p, a) = a->num;
	return 0;
}

/* The device has one MTU for both: finish_mtu(). */
static int take_mtu(struct parser *p, const struct args *a)
{
	p->mtu[p->family] = a->num;
	return 0;
}

static int take_socket(struct parser *p, const char *path, char to[CONF_SOCKET_MAX],
		       unsigned int *line)
{
	if (*line)
		return refuse(p, path, "given before in line %u", *line);
	if (path[0] != '/')
		return refuse(p, path, "not an absolute path");
	if (strlen(path) >= CONF_SOCKET_MAX)
		return refuse(p, path,
			      "longer than %d characters, the most a socket may have",
			      CONF_SOCKET_MAX - 1);
	strcpy(to, path);
	*line = p->line;
	return 0;
}

static int take_control(struct parser *p, const struct args *a)
{
	return take_socket(p, a->word[0], p->conf->control_socket,
			   &p->control_line);
}

static int take_vici(struct parser *p, const struct args *a)
{
	return take_socket(p, a->word[0], p->conf->vici_socket, &p->vici_line);
}

static int take_netns(struct parser *p, const struct args *a)
{
	return take_socket(p, a->word[0], p->conf->netns, &p->netns_line);
}

static int take_psk(struct parser *p, const struct args *a)
{
	(void)a;
	strcpy(p->prof->auth, "psk");
	return 0;
}

static int take_pubkey(struct parser *p, const struct args *a)
{
	(void)a;
	strcpy(p->prof->auth, "pubkey");
	return 0;
}

static int take_certificate(struct parser *p, const struct args *a)
{
	strcpy(p->prof->auth, "pubkey");
	return take_text(p, a);
}

static int take_address(struct parser *p, const struct args *a)
{
	struct addr net = addr_network(&a->addr[0], a->plen);

	if (addr_is_martian(&a->addr[0]))
		return refuse(p, a->word[0], "not a unicast address");
	if (addr_is_link_local(&a->addr[0]))
		return refuse(p, a->word[0],
			      "a link-local address has 'link-local' behind it and no length");
	if (!a->plen)
		return refuse(p, a->word[a->n - 1], "a network of all addresses");
	if (a->plen < net.len * 8 - 1 && addr_eq(&net, &a->addr[0]))
		return refuse(p, a->word[0],
			      "the network itself, not an address in it");
	p->n->addr = a->addr[0];
	p->n->plen = a->plen;
	return 0;
}

static int take_no_address(struct parser *p, const struct args *a)
{
	(void)a;
	p->n->addr = addr_from(NULL, 0);
	p->n->plen = 0;
	p->n->link_local = addr_from(NULL, 0);
	p->seen[p->family][SLOT_LINK_LOCAL] = 0;
	return 0;
}

static int take_link_local(struct parser *p, const struct args *a)
{
	if (!addr_is_link_local(&a->addr[0]))
		return refuse(p, a->word[0], "not a link-local address");
	p->n->link_local = a->addr[0];
	return 0;
}

static int take_auth(struct parser *p, const struct args *a)
{
	size_t len = strlen(a->word[0]);

	/* a secret is not repeated in messages */
	if (len > NHRP_AUTH_MAX)
		return refuse(p, "authentication",
			      "the key has %zu characters, a packet holds at most %d",
			      len, NHRP_AUTH_MAX);
	strcpy(p->n->auth, a->word[0]);
	return 0;
}

static int take_no_auth(struct parser *p, const struct args *a)
{
	(void)a;
	memset(p->n->auth, 0, sizeof(p->n->auth));
	return 0;
}

static int add_map(struct parser *p, const char *word,
		   const struct conf_map *map)
{
	struct conf_nhrp *n = p->n;

	if (n->n_map == CONF_MAP_MAX)
		return refuse(p, word, "more than %d map lines", CONF_MAP_MAX);
	p->map_line[p->family][n->n_map] = p->line;
	n->map[n->n_map++] = *map;
	return 0;
}

static const struct conf_map *find_map(const struct conf_nhrp *n,
				       const struct addr *proto)
{
	unsigned int i;

	for (i = 0; i < n->n_map; i++)
		if (addr_is_set(proto) && addr_eq(&n->map[i].proto, proto))
			return &n->map[i];
	return NULL;
}

static int take_map(struct parser *p, const struct args *a)
{
	struct conf_map map = { .proto = a->addr[0], .nbma = a->addr[1] };

	if (check_unicast(p, a->word[0], &a->addr[0]) ||
	    check_nbma(p, a->word[1], &a->addr[1]))
		return -EINVAL;
	if (a->plen && a->plen != map.proto.len * 8)
		return refuse(p, a->word[0], "only single addresses are mapped");
	if (find_map(p->n, &map.proto))
		return refuse(p, a->word[0], "mapped twice");
	return add_map(p, a->word[0], &map);
}

static int take_map_multicast(struct parser *p, const struct args *a)
{
	struct conf_map map = { .nbma = a->addr[0], .multicast = true };
	unsigned int i;

	if (check_nbma(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	for (i = 0; i < p->n->n_map; i++)
		if (p->n->map[i].multicast &&
		    addr_eq(&p->n->map[i].nbma, &map.nbma))
			return refuse(p, a->word[0], "gets multicast already");
	return add_map(p, a->word[0], &map);
}

static int set_nhs_nbma(struct parser *p, struct conf_nhs *nhs,
			const char *word)
{
	if (addr_parse(word, &nhs->nbma))
		return check_nbma(p, word, &nhs->nbma);
	if (!valid_fqdn(word))
		return refuse(p, word, "neither an address nor a host name");
	strcpy(nhs->fqdn, word);
	return 0;
}

static int set_nhs_number(struct parser *p, const char *word, uint8_t *to)
{
	uint32_t num;

	if (!read_num(word, 0, 255, &num))
		return refuse(p, word, "expected a number from 0 to 255");
	*to = num;
	return 0;
}

/* One option of an `nhs` line at @w; how many words it took, or -EINVAL. */
static int take_nhs_option(struct parser *p, struct conf_nhs *nhs,
			   char *const *w, unsigned int n, unsigned int *given)
{
	static const char *const names[] = { "nbma", "priority", "cluster" };
	unsigned int i;
	int ret;

	if (!strcmp(w[0], "multicast") && (*given & 1)) {
		nhs->multicast = true;
		return 1;
	}
	for (i = 0; i < ARRAY_SIZE(names) && strcmp(w[0], names[i]); i++)
		;
	if (i == ARRAY_SIZE(names))
		return refuse(p, w[0],
			      "expected nbma, multicast (behind nbma), priority or cluster");
	if (*given & 1u << i)
		return refuse(p, w[0], "given twice");
	*given |= 1u << i;
	if (n < 2)
		return refuse(p, w[0], "expected a value behind it");
	if (i == 0)
		ret = set_nhs_nbma(p, nhs, w[1]);
	else
		ret = set_nhs_number(p, w[1],
				     i == 1 ? &nhs->priority : &nhs->cluster);
	return ret ? ret : 2;
}

static int add_nhs(struct parser *p, struct conf_nhs *nhs, const char *word,
		   char *const *w, unsigned int n)
{
	struct conf_nhrp *c = p->n;
	unsigned int given = 0;
	int took;

	for (; n; w += took, n -= took) {
		took = take_nhs_option(p, nhs, w, n, &given);
		if (took < 0)
			return took;
	}
	if (c->n_nhs == CONF_NHS_MAX)
		return refuse(p, word, "more than %d nhs lines", CONF_NHS_MAX);
	p->nhs_line[p->family][c->n_nhs] = p->line;
	c->nhs[c->n_nhs++] = *nhs;
	return 0;
}

static int take_nhs(struct parser *p, const struct args *a)
{
	struct conf_nhs nhs = { .proto = a->addr[0] };
	unsigned int i;

	if (check_unicast(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	for (i = 0; i < p->n->n_nhs; i++)
		if (addr_eq(&p->n->nhs[i].proto, &nhs.proto))
			return refuse(p, a->word[0], "given before in line %u",
				      p->nhs_line[p->family][i]);
	return add_nhs(p, &nhs, a->word[0], a->rest, a->n_rest);
}

static int take_nhs_dynamic(struct parser *p, const struct args *a)
{
	struct conf_nhs nhs = { 0 };

	if (!a->n_rest || strcmp(a->rest[0], "nbma"))
		return refuse(p, a->n_rest ? a->rest[0] : "dynamic",
			      a->n_rest ? "expected nbma" :
			      "expected nbma behind it");
	return add_nhs(p, &nhs, "dynamic", a->rest, a->n_rest);
}

static struct conf_cluster *find_cluster(struct conf_nhrp *c, uint8_t number)
{
	unsigned int i;

	for (i = 0; i < c->n_cluster; i++)
		if (c->cluster[i].cluster == number)
			return &c->cluster[i];
	return NULL;
}

static int take_cluster(struct parser *p, const struct args *a)
{
	struct conf_nhrp *c = p->n;
	struct conf_cluster *new = &c->cluster[c->n_cluster];

	if (!a->nums[1])
		return refuse(p, a->word[1],
			      "expected a number from 1 to 255 ('no' in front: no limit)");
	if (find_cluster(c, a->nums[0]))
		return refuse(p, a->word[0], "this cluster has its limit already");
	if (c->n_cluster == CONF_CLUSTER_MAX)
		return refuse(p, a->word[0], "more than %d clusters with a limit",
			      CONF_CLUSTER_MAX);
	new->cluster = a->nums[0];
	new->max = a->nums[1];
	c->n_cluster++;
	return 0;
}

static int take_no_cluster(struct parser *p, const struct args *a)
{
	struct conf_nhrp *c = p->n;
	struct conf_cluster *old = find_cluster(c, a->nums[0]);

	if (!old)
		return 0;
	*old = c->cluster[--c->n_cluster];
	memset(&c->cluster[c->n_cluster], 0, sizeof(*old));
	return 0;
}

static int take_redirect(struct parser *p, const struct args *a)
{
	p->n->redirect = true;
	p->n->redirect_timeout = a->num;	/* 0 without `timeout` */
	return 0;
}

static int take_no_redirect(struct parser *p, const struct args *a)
{
	(void)a;
	p->n->redirect = false;
	p->n->redirect_timeout = 0;
	return 0;
}

/* One identity, and whatever it may have. */
static int take_authorize(struct parser *p, const struct args *a)
{
	struct conf_nhrp *n = p->n;
	struct conf_authorize *to;
	unsigned int i;

	if (strlen(a->word[0]) >= CONF_IDENTITY_MAX)
		return refuse(p, a->word[0], "longer than %d characters",
			      CONF_IDENTITY_MAX - 1);
	if (!a->n_rest)
		return refuse(p, a->word[0],
			      "expected an address or a prefix behind it");
	for (i = 0; i < a->n_rest; i++) {
		if (n->n_authorize == CONF_AUTHORIZE_MAX)
			return refuse(p, a->rest[i], "more than %d prefixes in authorize lines",
				      CONF_AUTHORIZE_MAX);
		to = &n->authorize[n->n_authorize++];
		strcpy(to->identity, a->word[0]);
		if (read_prefix(a->rest[i], p->family, &to->prefix, &to->plen))
			continue;
		if (!read_addr(a->rest[i], p->family, &to->prefix))
			return refuse(p, a->rest[i],
				      "expected an %s address or address/length",
				      families[p->family].name);
		to->plen = to->prefix.len * 8;
	}
	return 0;
}

static int take_source_addr(struct parser *p, const struct args *a)
{
	if (check_nbma(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	p->c->source = a->addr[0];
	return 0;
}

static int take_source_dev(struct parser *p, const struct args *a)
{
	const char *word = a->word[0];

	if (word[strspn(word, "0123456789.")] == '\0' || !valid_ifname(word))
		return refuse(p, word,
			      "neither an address nor an interface name");
	if (!strcmp(word, p->c->name))
		return refuse(p, word, "a tunnel cannot be its own source");
	strcpy(p->c->source_dev, word);
	return 0;
}

static int take_no_source(struct parser *p, const struct args *a)
{
	(void)a;
	p->c->source = addr_from(NULL, 0);
	memset(p->c->source_dev, 0, sizeof(p->c->source_dev));
	return 0;
}

static int take_vrf(struct parser *p, const struct args *a)
{
	const char *word = a->word[0];

	if (!valid_ifname(word) || !strcmp(word, p->c->name))
		return refuse(p, word, "not the name of a VRF");
	strcpy(p->c->vrf, word);
	return 0;
}

static int take_no_vrf(struct parser *p, const struct args *a)
{
	(void)a;
	memset(p->c->vrf, 0, sizeof(p->c->vrf));
	return 0;
}

static int take_destination(struct parser *p, const struct args *a)
{
	if (check_nbma(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	p->c->destination = a->addr[0];
	return 0;
}

static int take_no_destination(struct parser *p, const struct args *a)
{
	struct conf_iface *c = p->c;

	if (a->n && addr_is_set(&c->destination) &&
	    !addr_eq(&c->destination, &a->addr[0]))
		return refuse(p, a->word[0], "not the destination of line %u",
			      p->seen[CONF_IPV4][SLOT_DESTINATION]);
	c->destination = addr_from(NULL, 0);
	return 0;
}

static int take_mode(struct parser *p, const struct args *a)
{
	p->p2p = a->num & MODE_P2P;
	p->over6 = a->num & MODE_OVER6;
	return 0;
}

static int take_key(struct parser *p, const struct args *a)
{
	p->c->has_key = true;
	p->c->key = a->num;
	return 0;
}

static int take_no_key(struct parser *p, const struct args *a)
{
	(void)a;
	p->c->has_key = false;
	p->c->key = 0;
	return 0;
}

static int take_protection(struct parser *p, const struct args *a)
{
	if (strlen(a->word[0]) >= sizeof(p->c->protection))
		return refuse(p, a->word[0], "longer than %zu characters",
			      sizeof(p->c->protection) - 1);
	strcpy(p->c->protection, a->word[0]);
	p->protection_line[p->conf->n_ifaces - 1] = p->line;
	p->c->ipsec_required = true;
	return 0;
}

static int take_no_protection(struct parser *p, const struct args *a)
{
	(void)a;
	memset(p->c->protection, 0, sizeof(p->c->protection));
	p->c->ipsec_required = false;
	return 0;
}

#define SET(field)	.off = offsetof(struct conf_profile, field), \
			.size = sizeof(((struct conf_profile *)0)->field), \
			.profile = true
#define AT(field)	.off = offsetof(struct conf_iface, field)
#define NHRP(field)	.off = offsetof(struct conf_nhrp, field), .nhrp = true

#define ROUTING	"belongs to the routing daemon"
#define SYSTEM	"belongs to the system"
#define TODO	"is not implemented yet"
#define NFTABLES "is a rule of nftables (Packet sizes in configuration.md)"

static const struct line lines[] = {
	{ "interface W", .take = take_interface, .global = true },
	{ "end", .take = take_end, .global = true },
	{ "exit", .take = take_end, .global = true },
	{ "nhrp control socket W", .take = take_control, .global = true },
	{ "crypto vici socket W", .take = take_vici, .global = true },
	{ "crypto netns W", .take = take_netns, .global = true },
	{ "crypto ipsec profile W", .take = take_profile, .global = true },
	{ "set identity local W", .take = take_text, .slot = SLOT_ID_LOCAL,
	  SET(local_id) },
	{ "set identity remote W", .take = take_text, .slot = SLOT_ID_REMOTE,
	  SET(remote_id) },
	{ "set authentication psk", .take = take_psk,
	  .slot = SLOT_AUTHENTICATION, SET(auth) },
	{ "set authentication certificate", .take = take_pubkey,
	  .slot = SLOT_AUTHENTICATION, SET(auth) },
	{ "set authentication certificate W", .take = take_certificate,
	  .slot = SLOT_AUTHENTICATION, SET(cert) },
	{ "set ike-proposal W", .take = take_text, .slot = SLOT_IKE,
	  SET(ike_proposal) },
	{ "set esp-proposal W", .take = take_text, .slot = SLOT_ESP,
	  SET(esp_proposal) },
	{ "set security-association lifetime seconds N", .take = take_u32,
	  .slot = SLOT_LIFETIME, .min = 120, .max = 2592000, SET(rekey) },
	{ "set security-association idle-time N", .take = take_u32,
	  .slot = SLOT_IDLE, .min = 10, .max = 86400, SET(idle) },
	{ "set nat-marks", .take = take_on, SET(nat_marks) },
	{ "no shutdown", .take = take_nothing },
	/* NHRP runs on a device that sends no ICMP redirects: always so */
	{ "no F redirects", .take = take_nothing },
	{ "ip address A M", .take = take_address, .slot = SLOT_ADDRESS },
	{ "F address P", .take = take_address, .slot = SLOT_ADDRESS },
	{ "no F address", .take = take_no_address, .slot = SLOT_ADDRESS },
	{ "ipv6 address A link-local", .take = take_link_local,
	  .slot = SLOT_LINK_LOCAL },
	/* an IPv6 address or NHRP does that; nothing without NHRP */
	{ "ipv6 enable", .take = take_nothing },
	{ "ip mtu N", .take = take_mtu, .slot = SLOT_MTU,
	  .min = 68, .max = 65535 },
	{ "ipv6 mtu N", .take = take_mtu, .slot = SLOT_MTU,
	  .min = MTU_MIN_V6, .max = 65535 },
	{ "no F mtu", .take = take_mtu, .slot = SLOT_MTU },
	{ "F nhrp authentication W", .take = take_auth, .slot = SLOT_AUTH },
	{ "no F nhrp authentication", .take = take_no_auth,
	  .slot = SLOT_AUTH },
	{ "no F nhrp authentication W", .take = take_no_auth,
	  .slot = SLOT_AUTH },
	{ "F nhrp map A B", .take = take_map },
	{ "ipv6 nhrp map P B", .take = take_map },
	{ "F nhrp map multicast B", .take = take_map_multicast },
	{ "F nhrp map multicast dynamic", .take = take_on,
	  NHRP(multicast_dynamic) },
	{ "no F nhrp map multicast dynamic", .take = take_off,
	  NHRP(multicast_dynamic) },
	{ "F nhrp network-id N", .take = take_u32, .slot = SLOT_NETWORK_ID,
	  .min = 1, .max = UINT32_MAX, NHRP(network_id) },
	{ "no F nhrp network-id", .take = take_u32, .slot = SLOT_NETWORK_ID,
	  NHRP(network_id) },
	{ "F nhrp nhs cluster N max-connections N", .take = take_cluster,
	  .max = 255 },
	{ "no F nhrp nhs cluster N max-connections", .take = take_no_cluster,
	  .max = 255 },
	{ "no F nhrp nhs cluster N max-connections N",
	  .take = take_no_cluster, .max = 255 },
	{ "F nhrp nhs fallback N", .take = take_u16, .slot = SLOT_FALLBACK,
	  .min = 1, .max = 65535, NHRP(fallback) },
	{ "no F nhrp nhs fallback", .take = take_u16, .slot = SLOT_FALLBACK,
	  NHRP(fallback) },
	{ "F nhrp nhs A *", .take = take_nhs },
	{ "F nhrp nhs dynamic *", .take = take_nhs_dynamic },
	{ "F nhrp holdtime N", .take = take_u16, .slot = SLOT_HOLDTIME,
	  .min = 1, .max = 65535, NHRP(holdtime) },
	{ "no F nhrp holdtime", .take = take_u16, .slot = SLOT_HOLDTIME,
	  .dflt = CONF_HOLDTIME, NHRP(holdtime) },
	{ "F nhrp registration timeout N", .take = take_u16,
	  .slot = SLOT_REG_TIMEOUT, .min = 1, .max = 65535,
	  NHRP(reg_interval) },
	{ "no F nhrp registration timeout", .take = take_u16,
	  .slot = SLOT_REG_TIMEOUT, NHRP(reg_interval) },
	{ "F nhrp registration limit N", .take = take_u16,
	  .slot = SLOT_REG_LIMIT, .min = 1, .max = 65535, NHRP(reg_limit) },
	{ "no F nhrp registration limit", .take = take_u16,
	  .slot = SLOT_REG_LIMIT, NHRP(reg_limit) },
	{ "F nhrp registration no-unique", .take = take_on, NHRP(no_unique) },
	{ "no F nhrp registration no-unique", .take = take_off,
	  NHRP(no_unique) },
	{ "F nhrp shortcut", .take = take_on, NHRP(shortcut) },
	{ "no F nhrp shortcut", .take = take_off, NHRP(shortcut) },
	{ "F nhrp redirect", .take = take_redirect, .slot = SLOT_REDIRECT },
	{ "F nhrp redirect timeout N", .take = take_redirect,
	  .slot = SLOT_REDIRECT, .min = 1, .max = 65535 },
	{ "no F nhrp redirect", .take = take_no_redirect,
	  .slot = SLOT_REDIRECT },
	{ "F nhrp authorize W *", .take = take_authorize },
	{ "F nhrp server-only", .take = take_on, NHRP(server_only) },
	{ "no F nhrp server-only", .take = take_off, NHRP(server_only) },
	{ "if-state nhrp", .take = take_on, AT(if_state) },
	{ "no if-state nhrp", .take = take_off, AT(if_state) },
	{ "tunnel source B", .take = take_source_addr, .slot = SLOT_SOURCE },
	{ "tunnel source W", .take = take_source_dev, .slot = SLOT_SOURCE },
	{ "no tunnel source", .take = take_no_source, .slot = SLOT_SOURCE },
	{ "tunnel vrf W", .take = take_vrf, .slot = SLOT_VRF },
	{ "no tunnel vrf", .take = take_no_vrf, .slot = SLOT_VRF },
	{ "no tunnel vrf W", .take = take_no_vrf, .slot = SLOT_VRF },
	{ "tunnel destination B", .take = take_destination,
	  .slot = SLOT_DESTINATION },
	{ "no tunnel destination", .take = take_no_destination,
	  .slot = SLOT_DESTINATION },
	{ "no tunnel destination B", .take = take_no_destination,
	  .slot = SLOT_DESTINATION },
	{ "tunnel mode gre multipoint", .take = take_mode, .slot = SLOT_MODE },
	{ "tunnel mode gre multipoint ipv6", .take = take_mode,
	  .slot = SLOT_MODE, .dflt = MODE_OVER6 },
	{ "tunnel mode gre ip", .take = take_mode, .slot = SLOT_MODE,
	  .dflt = MODE_P2P },
	{ "tunnel mode gre ipv6", .take = take_mode, .slot = SLOT_MODE,
	  .dflt = MODE_P2P | MODE_OVER6 },
	{ "tunnel strict-source", .take = take_on, AT(strict_source) },
	{ "no tunnel strict-source", .take = take_off, AT(strict_source) },
	{ "tunnel key N", .take = take_key, .slot = SLOT_KEY,
	  .max = UINT32_MAX },
	{ "no tunnel key", .take = take_no_key, .slot = SLOT_KEY },
	{ "tunnel protection ipsec profile W", .take = take_protection,
	  .slot = SLOT_PROTECTION },
	{ "tunnel protection ipsec profile W shared", .take = take_protection,
	  .slot = SLOT_PROTECTION },
	{ "no tunnel protection", .take = take_no_protection,
	  .slot = SLOT_PROTECTION },
	{ "no tunnel protection ipsec profile W", .take = take_no_protection,
	  .slot = SLOT_PROTECTION },

	{ "F split-horizon *", .foreign = ROUTING },
	{ "no F split-horizon *", .foreign = ROUTING },
	{ "F next-hop-self *", .foreign = ROUTING },
	{ "no F next-hop-self *", .foreign = ROUTING },
	{ "F hello-interval *", .foreign = ROUTING },
	{ "F hold-time *", .foreign = ROUTING },
	{ "F summary-address *", .foreign = ROUTING },
	{ "F bandwidth-percent *", .foreign = ROUTING },
	{ "F ospf *", .foreign = ROUTING },
	{ "no F ospf *", .foreign = ROUTING },
	{ "F pim *", .foreign = ROUTING },
	{ "ipv6 eigrp *", .foreign = ROUTING },
	{ "no ipv6 eigrp *", .foreign = ROUTING },
	{ "ipv6 rip *", .foreign = ROUTING },
	{ "ospfv3 *", .foreign = ROUTING },
	{ "no ospfv3 *", .foreign = ROUTING },
	{ "bandwidth *", .foreign = ROUTING },
	{ "no bandwidth *", .foreign = ROUTING },
	{ "delay *", .foreign = ROUTING },
	{ "no delay *", .foreign = ROUTING },
	{ "description *", .foreign = SYSTEM },
	{ "keepalive *", .foreign = SYSTEM },
	{ "no keepalive *", .foreign = SYSTEM },
	{ "load-interval *", .foreign = SYSTEM },
	{ "no ip proxy-arp *", .foreign = SYSTEM },
	{ "ipv6 nd *", .foreign = SYSTEM },
	{ "no ipv6 nd *", .foreign = SYSTEM },
	{ "F virtual-reassembly *", .foreign = SYSTEM },
	{ "no F virtual-reassembly *", .foreign = SYSTEM },
	{ "F tcp adjust-mss N", .min = 500, .max = 65495, .foreign = NFTABLES },
	{ "no F tcp adjust-mss *", .foreign = NFTABLES },
	{ "F nhrp max-send *", .foreign = TODO },
	{ "tunnel path-mtu-discovery *",
	  .foreign = "is always so" },
};

/* ---- matching ---- */

/* One place of a form: a word, or the letter of an argument. */
struct place {
	const char *s;
	size_t len;			/* 0: the form ends here */
};

static struct place place_of(const char *form, unsigned int i)
{
	struct place pl = { form, strcspn(form, " ") };

	while (i-- && pl.len) {
		pl.s += pl.len;
		pl.s += *pl.s == ' ';
		pl.len = strcspn(pl.s, " ");
	}
	return pl;
}

static bool is_arg(struct place pl)
{
	return pl.len == 1 && strchr("ABFMPNW*", *pl.s);
}

static bool fits(enum conf_family f, const struct line *l, struct place pl,
		 const char *word)
{
	struct addr a;
	uint32_t num;
	uint8_t plen;

	if (!is_arg(pl))
		return pl.len == strlen(word) && !memcmp(pl.s, word, pl.len);
	switch (*pl.s) {
	case 'A':
		return read_addr(word, f, &a);
	case 'B':
		return addr_parse(word, &a);
	case 'F':
		return !strcmp(word, families[f].word);
	case 'M':
		return read_mask(word, &a, &plen);
	case 'P':
		return read_prefix(word, f, &a, &plen);
	case 'N':
		return read_num(word, l->min, l->max, &num);
	default:
		return true;
	}
}

static void describe(enum conf_family f, const struct line *l, struct place pl,
		     char *buf, size_t size)
{
	if (!pl.len) {
		snprintf(buf, size, "the end of the line");
		return;
	}
	if (!is_arg(pl)) {
		snprintf(buf, size, "%.*s", (int)pl.len, pl.s);
		return;
	}
	switch (*pl.s) {
	case 'A':
		snprintf(buf, size, "an %s address", families[f].name);
		break;
	case 'B':
		snprintf(buf, size, "an NBMA address");
		break;
	case 'F':
		snprintf(buf, size, "%s", families[f].word);
		break;
	case 'M':
		snprintf(buf, size, "a netmask");
		break;
	case 'P':
		snprintf(buf, size, "an %s address/length", families[f].name);
		break;
	case 'N':
		snprintf(buf, size, "a number from %u to %u", l->min, l->max);
		break;
	default:
		snprintf(buf, size, "a word");
		break;
	}
}

/* What there is to say where a line goes on; each once. */
struct expected {
	unsigned int n;
	char item[16][40];
};

static void expect(struct expected *x, enum conf_family f, const struct line *l,
		   struct place pl)
{
	unsigned int i;

	if (x->n == ARRAY_SIZE(x->item))
		return;
	describe(f, l, pl, x->item[x->n], sizeof(x->item[0]));
	for (i = 0; i < x->n && strcmp(x->item[i], x->item[x->n]); i++)
		;
	x->n += i == x->n;
}

/* Adds what the lines in @alive allow at place @at. */
static void collect_expected(enum conf_family f, const bool *alive,
			     unsigned int at, bool foreign, struct expected *x)
{
	unsigned int i, other;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct place pl = place_of(lines[i].form, at);

		if (!alive[i] || (lines[i].foreign != NULL) != foreign)
			continue;
		/* the first word, or the one behind `no`: either family */
		for (other = 0; is_arg(pl) && *pl.s == 'F' &&
		     other < __CONF_FAMILY_MAX; other++)
			expect(x, other, &lines[i], pl);
		expect(x, f, &lines[i], pl);
	}
}

/* "a, b or c"; lines of others are not advertised beside ours. */
static void list_expected(enum conf_family f, const bool *alive,
			  unsigned int at, char *buf, size_t size)
{
	struct expected x = { 0 };
	size_t len = 0;
	unsigned int i;

	collect_expected(f, alive, at, false, &x);
	if (!x.n)
		collect_expected(f, alive, at, true, &x);
	buf[0] = '\0';
	for (i = 0; i < x.n && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s",
				!i ? "" : i == x.n - 1 ? " or " : ", ",
				x.item[i]);
}

/* Takes the lines out of @alive whose place @at is not @word; true: none left,
 * and @alive is as it was. */
static bool narrow(enum conf_family f, bool *alive, unsigned int at,
		   const char *word)
{
	bool left[ARRAY_SIZE(lines)];
	bool any = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct place pl;

		left[i] = false;
		if (!alive[i])
			continue;
		pl = place_of(lines[i].form, at);
		if (pl.len)
			left[i] = fits(f, &lines[i], pl, word);
		else		/* a rest goes on to the end of the line */
			left[i] = strchr(lines[i].form, '*') != NULL;
		any |= left[i];
	}
	if (any)
		memcpy(alive, left, sizeof(left));
	return !any;
}

static void collect_args(enum conf_family f, const struct line *l,
			 char *const *w, unsigned int n, struct args *a)
{
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->num = l->dflt;
	a->off = l->off;
	a->nhrp = l->nhrp;
	a->profile = l->profile;
	a->size = l->size;
	for (i = 0; i < n; i++) {
		struct place pl = place_of(l->form, i);

		if (!is_arg(pl) || *pl.s == 'F')
			continue;
		if (*pl.s == '*') {
			a->rest = w + i;
			a->n_rest = n - i;
			return;
		}
		a->word[a->n] = w[i];
		if (*pl.s == 'A' || *pl.s == 'B')
			addr_parse(w[i], &a->addr[a->n]);
		else if (*pl.s == 'M')
			read_mask(w[i], &a->addr[a->n], &a->plen);
		else if (*pl.s == 'P')
			read_prefix(w[i], f, &a->addr[a->n], &a->plen);
		else if (*pl.s == 'N' &&
			 read_num(w[i], l->min, l->max, &a->nums[a->n]))
			a->num = a->nums[a->n];
		a->n++;
	}
}

/* The table's line for these words; NULL: refused. */
static const struct line *match(struct parser *p, char *const *w,
				unsigned int n)
{
	bool alive[ARRAY_SIZE(lines)];
	char expected[512];
	unsigned int i;

	memset(alive, true, sizeof(alive));
	for (i = 0; i < n; i++) {
		if (!narrow(p->family, alive, i, w[i]))
			continue;
		list_expected(p->family, alive, i, expected, sizeof(expected));
		refuse(p, w[i], "expected %s", expected);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct place pl = place_of(lines[i].form, n);

		if (alive[i] && (!pl.len || *pl.s == '*'))
			return &lines[i];
	}
	list_expected(p->family, alive, n, expected, sizeof(expected));
	refuse(p, w[n - 1], "expected %s behind it", expected);
	return NULL;
}

static int take_slot(struct parser *p, const struct line *l, char *const *w,
		     unsigned int n)
{
	unsigned int *seen = &p->seen[p->family][l->slot];

	if (l->slot == SLOT_NONE)
		return 0;
	if (!strncmp(l->form, "no ", 3))
		return 0;		/* freed once the line was taken */
	if (*seen)
		return refuse(p, w[n - 1], "given before in line %u", *seen);
	*seen = p->line;
	return 0;
}

static void tell_foreign(struct parser *p, const struct line *l,
			 char *const *w, unsigned int n)
{
	char text[LINE_MAX_LEN + 128], words[LINE_MAX_LEN];
	size_t len = 0;
	unsigned int i;

	if (!p->notice)
		return;
	words[0] = '\0';
	for (i = 0; i < n && len < sizeof(words) - 1; i++) {
		if (i)
			words[len++] = ' ';
		print_word(words + len, sizeof(words) - len, w[i]);
		len += strlen(words + len);
	}
	snprintf(text, sizeof(text), "%s:%u: '%s' %s, nothing done", p->name,
		 p->line, words, l->foreign);
	p->notice(p->ctx, text);
}

/* The family of a line is that of its first word, or of the one behind `no`. */
static enum conf_family family_of(char *const *w, unsigned int n)
{
	unsigned int at = n > 1 && !strcmp(w[0], "no");

	return strcmp(w[at], families[CONF_IPV6].word) ? CONF_IPV4 : CONF_IPV6;
}

static int take_words(struct parser *p, char *const *w, unsigned int n)
{
	const struct line *l;
	struct args a;
	int ret;

	p->family = family_of(w, n);
	p->n = p->c ? &p->c->nhrp[p->family] : NULL;
	l = match(p, w, n);
	if (!l)
		return -EINVAL;
	if (l->profile && !p->prof)
		return refuse(p, w[0],
			      "belongs into a 'crypto ipsec profile' section");
	if (!l->global && !l->profile && !p->c)
		return refuse(p, w[0], "belongs into an interface section");
	if (l->foreign) {
		tell_foreign(p, l, w, n);
		return 0;
	}
	ret = take_slot(p, l, w, n);
	if (ret)
		return ret;
	collect_args(p->family, l, w, n, &a);
	ret = l->take(p, &a);
	if (!ret && l->slot && !strncmp(l->form, "no ", 3))
		p->seen[p->family][l->slot] = 0;
	return ret;
}

/* ---- what only the whole section or file shows ---- */

/* Something in the section at hand that is taken, but not as it says. */
__attribute__((format(printf, 2, 3)))
static void tell(struct parser *p, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	va_list ap;
	int n;

	if (!p->notice)
		return;
	n = snprintf(text, sizeof(text), "%s:%u: %s: ", p->name, p->c->line,
		     p->c->name);
	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < sizeof(text))
		vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	p->notice(p->ctx, text);
}

static int finish_nhs(struct parser *p, struct conf_nhs *nhs,
		      unsigned int line)
{
	const struct conf_nhrp *n = p->n;
	char text[ADDR_STRLEN];

	if (addr_is_set(&n->addr) && addr_eq(&nhs->proto, &n->addr))
		return refuse_at(p, line, addr_text(&nhs->proto, text),
				 "this interface's own address");
	if (addr_is_set(&nhs->nbma) || nhs->fqdn[0] ||
	    find_map(n, &nhs->proto))
		return 0;
	/* the only peer of a point-to-point tunnel needs no map line */
	if (addr_is_set(&p->c->destination)) {
		nhs->nbma = p->c->destination;
		return 0;
	}
	return refuse_at(p, line, addr_text(&nhs->proto, text),
			 "neither nbma here nor an '%s nhrp map' line tells its NBMA address",
			 families[p->family].word);
}

/* No map line may claim an address of ours. */
static int finish_own(struct parser *p, const struct addr *own, enum slot slot)
{
	char text[ADDR_STRLEN];

	if (!find_map(p->n, own))
		return 0;
	return refuse_at(p, p->seen[p->family][slot], addr_text(own, text),
			 "an '%s nhrp map' line gives it to somebody else",
			 families[p->family].word);
}

static int finish_family(struct parser *p, enum conf_family f)
{
	struct conf_nhrp *n = &p->c->nhrp[f];
	char text[ADDR_STRLEN];
	unsigned int i;
	int ret;

	p->family = f;
	p->n = n;
	if (n->reg_interval >= n->holdtime) {
		snprintf(text, sizeof(text), "%u", n->reg_interval);
		return refuse_at(p, p->seen[f][SLOT_REG_TIMEOUT], text,
				 "must be shorter than the holding time, %u",
				 n->holdtime);
	}
	ret = finish_own(p, &n->addr, SLOT_ADDRESS);
	if (!ret)
		ret = finish_own(p, &n->link_local, SLOT_LINK_LOCAL);
	for (i = 0; !ret && i < n->n_nhs; i++)
		ret = finish_nhs(p, &n->nhs[i], p->nhs_line[f][i]);
	return ret;
}

/* Of two values the one that both families can live with. */
static int finish_mtu(struct parser *p)
{
	uint16_t v4 = p->mtu[CONF_IPV4], v6 = p->mtu[CONF_IPV6];
	char text[8];

	p->c->mtu = !v4 || (v6 && v6 < v4) ? v6 : v4;
	snprintf(text, sizeof(text), "%u", v4);
	if (v4 && v4 < MTU_MIN_V6 && p->c->nhrp[CONF_IPV6].network_id)
		return refuse_at(p, p->seen[CONF_IPV4][SLOT_MTU], text,
				 "IPv6 needs an MTU of %d", MTU_MIN_V6);
	if (v4 && v6 && v4 != v6)
		tell(p, "'ip mtu' and 'ipv6 mtu' differ: the device has one, %u",
		     p->c->mtu);
	return 0;
}

static void finish_ids(struct parser *p)
{
	uint32_t v4 = p->c->nhrp[CONF_IPV4].network_id;
	uint32_t v6 = p->c->nhrp[CONF_IPV6].network_id;

	if (v4 && v6 && v4 != v6)
		tell(p, "the network-ids of IPv4 and IPv6 differ: the device has IPv4's, %u",
		     v4);
}

/* The mode tells, else the tunnel's own addresses; an interface has both. */
static enum conf_family underlay_of(const struct parser *p)
{
	const struct conf_iface *c = p->c;
	const struct addr *a = addr_is_set(&c->source) ? &c->source :
							 &c->destination;

	if (p->seen[CONF_IPV4][SLOT_MODE])
		return p->over6 ? CONF_IPV6 : CONF_IPV4;
	return a->len == 16 ? CONF_IPV6 : CONF_IPV4;
}

static int check_underlay(struct parser *p, unsigned int line,
			  const struct addr *a)
{
	enum conf_family is = a->len == 16 ? CONF_IPV6 : CONF_IPV4;
	char text[ADDR_STRLEN];

	if (!addr_is_set(a) || is == p->c->underlay)
		return 0;
	return refuse_at(p, line, addr_text(a, text),
			 "an %s address, but the tunnel is over %s (see 'tunnel mode')",
			 families[is].name, families[p->c->underlay].name);
}

static int check_underlay_of(struct parser *p, enum conf_family f)
{
	const struct conf_nhrp *n = &p->c->nhrp[f];
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < n->n_nhs; i++)
		ret = check_underlay(p, p->nhs_line[f][i], &n->nhs[i].nbma);
	for (i = 0; !ret && i < n->n_map; i++)
		ret = check_underlay(p, p->map_line[f][i], &n->map[i].nbma);
	return ret;
}

/* All NBMA addresses are of one family. */
static int finish_underlay(struct parser *p)
{
	const unsigned int *seen = p->seen[CONF_IPV4];
	unsigned int f;
	int ret;

	p->c->underlay = underlay_of(p);
	ret = check_underlay(p, seen[SLOT_SOURCE], &p->c->source);
	if (!ret)
		ret = check_underlay(p, seen[SLOT_DESTINATION],
				     &p->c->destination);
	for (f = 0; !ret && f < __CONF_FAMILY_MAX; f++)
		ret = check_underlay_of(p, f);
	return ret;
}

static int finish_tunnel(struct parser *p)
{
	const struct conf_iface *c = p->c;
	bool dest = addr_is_set(&c->destination);
	char text[ADDR_STRLEN];

	if (p->p2p && !dest)
		return refuse_at(p, p->seen[CONF_IPV4][SLOT_MODE],
				 families[c->underlay].word,
				 "a point-to-point tunnel needs 'tunnel destination'");
	if (p->seen[CONF_IPV4][SLOT_MODE] && !p->p2p && dest)
		return refuse_at(p, p->seen[CONF_IPV4][SLOT_DESTINATION],
				 addr_text(&c->destination, text),
				 "a multipoint tunnel (line %u) has no destination",
				 p->seen[CONF_IPV4][SLOT_MODE]);
	if (addr_is_set(&c->source) && addr_eq(&c->source, &c->destination))
		return refuse_at(p, p->seen[CONF_IPV4][SLOT_DESTINATION],
				 addr_text(&c->destination, text),
				 "source and destination are one address");
	return 0;
}

/* The section at hand is complete. */
static int finish_iface(struct parser *p)
{
	int ret;

	if (!p->c)
		return 0;
	ret = finish_underlay(p);
	if (!ret)
		ret = finish_tunnel(p);
	if (!ret)
		ret = finish_family(p, CONF_IPV4);
	if (!ret)
		ret = finish_family(p, CONF_IPV6);
	if (!ret)
		ret = finish_mtu(p);
	if (ret)
		return ret;
	finish_ids(p);
	memset(p->seen, 0, sizeof(p->seen));
	memset(p->mtu, 0, sizeof(p->mtu));
	p->p2p = p->over6 = false;
	p->c = NULL;
	return 0;
}

/* Both would claim every packet that comes in for the one. */
static bool collide(const struct conf_iface *a, const struct conf_iface *b)
{
	if (!a->source_dev[0] && !addr_is_set(&a->source))
		return false;
	if (!addr_eq(&a->destination, &b->destination))
		return false;
	return a->underlay == b->underlay &&
	       !strcmp(a->source_dev, b->source_dev) &&
	       addr_eq(&a->source, &b->source) &&
	       a->has_key == b->has_key && a->key == b->key;
}

/*
 * A name that has no section among others is a slip. With no section at all
 * somebody else makes the SAs.
 */
static int finish_protection(struct parser *p, unsigned int i)
{
	const struct conf_iface *c = &p->conf->iface[i];
	bool ours = c->protection[0] && conf_profile(p->conf, c->protection);
	char text[LINE_MAX_LEN];

	if (!ours && (c->nhrp[CONF_IPV4].n_authorize ||
		      c->nhrp[CONF_IPV6].n_authorize))
		return refuse_at(p, c->line, c->name,
				 "authorize lines need identities: 'tunnel protection' and its 'crypto ipsec profile' section");
	if (!c->protection[0] || ours)
		return 0;
	if (p->conf->n_profiles)
		return refuse_at(p, p->protection_line[i], c->protection,
				 "there is no 'crypto ipsec profile' section of that name");
	snprintf(text, sizeof(text),
		 "%s:%u: %s: without a 'crypto ipsec profile %s' section somebody else has to make the SAs",
		 p->name, p->protection_line[i], c->name, c->protection);
	if (p->notice)
		p->notice(p->ctx, text);
	return 0;
}

static int finish_conf(struct parser *p)
{
	const struct conf *conf = p->conf;
	unsigned int i, j;
	int ret;

	for (i = 0; i < conf->n_ifaces; i++) {
		ret = finish_protection(p, i);
		if (ret)
			return ret;
	}
	for (i = 0; i < conf->n_ifaces; i++)
		for (j = 0; j < i; j++)
			if (collide(&conf->iface[i], &conf->iface[j]))
				return refuse_at(p, conf->iface[i].line,
						 conf->iface[i].name,
						 "same source, destination and key as %s",
						 conf->iface[j].name);
	return 0;
}

/* ---- lines and the file ---- */

static int take_line(struct parser *p, char *text)
{
	char *w[WORDS_MAX], *save, *word;
	unsigned int n = 0;

	for (word = strtok_r(text, " \t\r\n\v\f", &save); word;
	     word = strtok_r(NULL, " \t\r\n\v\f", &save)) {
		if (!n && (*word == '!' || *word == '#'))
			return 0;
		if (n == WORDS_MAX)
			return refuse(p, word, "more than %d words in a line",
				      WORDS_MAX);
		w[n++] = word;
	}
	return n ? take_words(p, w, n) : 0;
}

static int read_lines(struct parser *p, FILE *f)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	while (!ret && (len = getline(&text, &size, f)) >= 0) {
		p->line++;
		if (strlen(text) != (size_t)len)
			ret = refuse(p, text, "a zero byte: not a text file");
		else if (len > LINE_MAX_LEN)
			ret = refuse(p, text, "a line of more than %d characters",
				     LINE_MAX_LEN);
		else
			ret = take_line(p, text);
	}
	if (!ret && ferror(f))
		ret = refuse(p, "", "cannot be read further");
	free(text);
	return ret;
}

struct conf *conf_read(FILE *f, const char *name, char *err, size_t errlen,
		       void (*notice)(void *ctx, const char *text), void *ctx)
{
	struct parser p = {
		.name = name,
		.err = err,
		.errlen = errlen,
		.notice = notice,
		.ctx = ctx,
	};
	int ret;

	if (errlen)
		err[0] = '\0';
	p.conf = calloc(1, sizeof(*p.conf));
	if (!p.conf) {
		refuse(&p, "", "out of memory");
		return NULL;
	}
	ret = read_lines(&p, f);
	if (!ret)
		ret = finish_iface(&p);
	if (!ret)
		ret = finish_conf(&p);
	if (ret) {
		conf_free(p.conf);
		return NULL;
	}
	return p.conf;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	free(c->iface);
	free(c->profile);
	free(c);
}

struct conf_iface *conf_find(const struct conf *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->n_ifaces; i++)
		if (!strcmp(c->iface[i].name, name))
			return &c->iface[i];
	return NULL;
}

const struct conf_profile *conf_profile(const struct conf *c, const char *name)
{
	unsigned int i;

	for (i = 0; i < c->n_profiles; i++)
		if (!strcmp(c->profile[i].name, name))
			return &c->profile[i];
	return NULL;
}

uint32_t conf_network_id(const struct conf_iface *c)
{
	uint32_t id = c->nhrp[CONF_IPV4].network_id;

	return id ? id : c->nhrp[CONF_IPV6].network_id;
}

unsigned int conf_reg_interval(const struct conf_nhrp *c)
{
	unsigned int third = c->holdtime / 3;

	if (c->reg_interval)
		return c->reg_interval;
	if (third > CONF_REG_INTERVAL)
		return CONF_REG_INTERVAL;
	return third ? third : 1;
}
