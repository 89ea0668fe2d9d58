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
#define ARGS_MAX	2
#define ERROR_WORD_MAX	40
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What may be given only once in a section; `no …` makes room again. */
enum slot {
	SLOT_NONE,
	SLOT_ADDRESS,
	SLOT_MTU,
	SLOT_AUTH,
	SLOT_NETWORK_ID,
	SLOT_HOLDTIME,
	SLOT_REG_TIMEOUT,
	SLOT_REDIRECT,
	SLOT_FALLBACK,
	SLOT_SOURCE,
	SLOT_VRF,
	SLOT_DESTINATION,
	SLOT_MODE,
	SLOT_KEY,
	SLOT_PROTECTION,
	SLOT_CONTROL,
	__SLOT_MAX
};

struct args {
	unsigned int n;			/* A, M, P, N and W */
	const char *word[ARGS_MAX];	/* as written */
	struct addr addr[ARGS_MAX];	/* A, M, P */
	uint8_t plen;			/* M, P */
	uint32_t num;			/* the last N */
	uint32_t nums[ARGS_MAX];	/* N, at the place of its word */
	char *const *rest;		/* * */
	unsigned int n_rest;
	size_t off;			/* of the line's field in the section */
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
	unsigned int seen[__SLOT_MAX];	/* line of the slot's value, 0: none */
	bool p2p;			/* `tunnel mode gre ip` */
	unsigned int nhs_line[CONF_NHS_MAX];
	unsigned int control_line;
};

/*
 * @form: words, of which some stand for arguments: A an IPv4 address, M a
 * netmask, P address/length, N a number from @min to @max, W a word, * the
 * rest of the line. @foreign: whose line it is, when it is not ours.
 */
struct line {
	const char *form;
	int (*take)(struct parser *p, const struct args *a);
	enum slot slot;
	uint32_t min, max;
	uint32_t dflt;			/* the number when there is no N */
	size_t off;			/* of the field, for take_on() and so on */
	bool global;			/* not in an interface section */
	const char *foreign;
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

static bool read_v4(const char *word, struct addr *a)
{
	return addr_parse(word, a) && a->len == 4;
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

static bool read_prefix(const char *word, struct addr *a, uint8_t *plen)
{
	const char *slash = strchr(word, '/');
	char text[ADDR_STRLEN];
	uint32_t num;

	if (!slash || (size_t)(slash - word) >= sizeof(text))
		return false;
	memcpy(text, word, slash - word);
	text[slash - word] = '\0';
	if (!read_v4(text, a) || !read_num(slash + 1, 0, 32, &num))
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
	p->c->holdtime = CONF_HOLDTIME;
	return 0;
}

static int take_end(struct parser *p, const struct args *a)
{
	(void)a;
	return finish_iface(p);
}

static int take_nothing(struct parser *p, const struct args *a)
{
	(void)p;
	(void)a;
	return 0;
}

/* Lines that only set one field of the section, at a->off in it. */
static void *field_of(struct parser *p, const struct args *a)
{
	return (char *)p->c + a->off;
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

static int take_ipv6(struct parser *p, const struct args *a)
{
	(void)a;
	return refuse(p, "ipv6", "IPv6 is not supported yet");
}

static int take_control(struct parser *p, const struct args *a)
{
	if (p->control_line)
		return refuse(p, a->word[0], "given before in line %u",
			      p->control_line);
	if (a->word[0][0] != '/')
		return refuse(p, a->word[0], "not an absolute path");
	if (strlen(a->word[0]) >= sizeof(p->conf->control_socket))
		return refuse(p, a->word[0],
			      "longer than %zu characters, the most a socket may have",
			      sizeof(p->conf->control_socket) - 1);
	strcpy(p->conf->control_socket, a->word[0]);
	p->control_line = p->line;
	return 0;
}

static int take_address(struct parser *p, const struct args *a)
{
	struct addr net = addr_network(&a->addr[0], a->plen);

	if (addr_is_martian(&a->addr[0]))
		return refuse(p, a->word[0], "not a unicast address");
	if (!a->plen)
		return refuse(p, a->word[a->n - 1], "a network of all addresses");
	if (a->plen < 31 && addr_eq(&net, &a->addr[0]))
		return refuse(p, a->word[0],
			      "the network itself, not an address in it");
	p->c->addr = a->addr[0];
	p->c->plen = a->plen;
	return 0;
}

static int take_no_address(struct parser *p, const struct args *a)
{
	(void)a;
	p->c->addr = addr_from(NULL, 0);
	p->c->plen = 0;
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
	strcpy(p->c->auth, a->word[0]);
	return 0;
}

static int take_no_auth(struct parser *p, const struct args *a)
{
	(void)a;
	memset(p->c->auth, 0, sizeof(p->c->auth));
	return 0;
}

static int add_map(struct parser *p, const char *word,
		   const struct conf_map *map)
{
	struct conf_iface *c = p->c;

	if (c->n_map == CONF_MAP_MAX)
		return refuse(p, word, "more than %d map lines", CONF_MAP_MAX);
	c->map[c->n_map++] = *map;
	return 0;
}

static const struct conf_map *find_map(const struct conf_iface *c,
				       const struct addr *proto)
{
	unsigned int i;

	for (i = 0; i < c->n_map; i++)
		if (addr_is_set(proto) && addr_eq(&c->map[i].proto, proto))
			return &c->map[i];
	return NULL;
}

static int take_map(struct parser *p, const struct args *a)
{
	struct conf_map map = { .proto = a->addr[0], .nbma = a->addr[1] };

	if (check_unicast(p, a->word[0], &a->addr[0]) ||
	    check_unicast(p, a->word[1], &a->addr[1]))
		return -EINVAL;
	if (find_map(p->c, &map.proto))
		return refuse(p, a->word[0], "mapped twice");
	return add_map(p, a->word[0], &map);
}

static int take_map_multicast(struct parser *p, const struct args *a)
{
	struct conf_map map = { .nbma = a->addr[0], .multicast = true };
	unsigned int i;

	if (check_unicast(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	for (i = 0; i < p->c->n_map; i++)
		if (p->c->map[i].multicast &&
		    addr_eq(&p->c->map[i].nbma, &map.nbma))
			return refuse(p, a->word[0], "gets multicast already");
	return add_map(p, a->word[0], &map);
}

static int set_nhs_nbma(struct parser *p, struct conf_nhs *nhs,
			const char *word)
{
	if (read_v4(word, &nhs->nbma))
		return check_unicast(p, word, &nhs->nbma);
	if (!valid_fqdn(word))
		return refuse(p, word,
			      "neither an IPv4 address nor a host name");
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
	struct conf_iface *c = p->c;
	unsigned int given = 0;
	int took;

	for (; n; w += took, n -= took) {
		took = take_nhs_option(p, nhs, w, n, &given);
		if (took < 0)
			return took;
	}
	if (c->n_nhs == CONF_NHS_MAX)
		return refuse(p, word, "more than %d nhs lines", CONF_NHS_MAX);
	p->nhs_line[c->n_nhs] = p->line;
	c->nhs[c->n_nhs++] = *nhs;
	return 0;
}

static int take_nhs(struct parser *p, const struct args *a)
{
	struct conf_nhs nhs = { .proto = a->addr[0] };
	unsigned int i;

	if (check_unicast(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	for (i = 0; i < p->c->n_nhs; i++)
		if (addr_eq(&p->c->nhs[i].proto, &nhs.proto))
			return refuse(p, a->word[0], "given before in line %u",
				      p->nhs_line[i]);
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

static struct conf_cluster *find_cluster(struct conf_iface *c, uint8_t number)
{
	unsigned int i;

	for (i = 0; i < c->n_cluster; i++)
		if (c->cluster[i].cluster == number)
			return &c->cluster[i];
	return NULL;
}

static int take_cluster(struct parser *p, const struct args *a)
{
	struct conf_iface *c = p->c;
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
	struct conf_iface *c = p->c;
	struct conf_cluster *old = find_cluster(c, a->nums[0]);

	if (!old)
		return 0;
	*old = c->cluster[--c->n_cluster];
	memset(&c->cluster[c->n_cluster], 0, sizeof(*old));
	return 0;
}

static int take_redirect(struct parser *p, const struct args *a)
{
	p->c->redirect = true;
	p->c->redirect_timeout = a->num;	/* 0 without `timeout` */
	return 0;
}

static int take_no_redirect(struct parser *p, const struct args *a)
{
	(void)a;
	p->c->redirect = false;
	p->c->redirect_timeout = 0;
	return 0;
}

static int take_source_addr(struct parser *p, const struct args *a)
{
	if (check_unicast(p, a->word[0], &a->addr[0]))
		return -EINVAL;
	p->c->source = a->addr[0];
	return 0;
}

static int take_source_dev(struct parser *p, const struct args *a)
{
	const char *word = a->word[0];

	if (word[strspn(word, "0123456789.")] == '\0' || !valid_ifname(word))
		return refuse(p, word,
			      "neither an IPv4 address nor an interface name");
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
	if (check_unicast(p, a->word[0], &a->addr[0]))
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
			      p->seen[SLOT_DESTINATION]);
	c->destination = addr_from(NULL, 0);
	return 0;
}

static int take_mode_multipoint(struct parser *p, const struct args *a)
{
	(void)a;
	p->p2p = false;
	return 0;
}

static int take_mode_p2p(struct parser *p, const struct args *a)
{
	(void)a;
	p->p2p = true;
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

#define AT(field) .off = offsetof(struct conf_iface, field)

#define ROUTING	"belongs to the routing daemon"
#define SYSTEM	"belongs to the system"
#define TODO	"is not implemented yet"
#define NFTABLES "is a rule of nftables (Packet sizes in configuration.md)"

static const struct line lines[] = {
	{ "interface W", .take = take_interface, .global = true },
	{ "end", .take = take_end, .global = true },
	{ "exit", .take = take_end, .global = true },
	{ "nhrp control socket W", .take = take_control, .global = true },
	{ "no shutdown", .take = take_nothing },
	/* NHRP runs on a device that sends no ICMP redirects: always so */
	{ "no ip redirects", .take = take_nothing },
	{ "ip address A M", .take = take_address, .slot = SLOT_ADDRESS },
	{ "ip address P", .take = take_address, .slot = SLOT_ADDRESS },
	{ "no ip address", .take = take_no_address, .slot = SLOT_ADDRESS },
	{ "ip mtu N", .take = take_u16, .slot = SLOT_MTU,
	  .min = 68, .max = 65535, AT(mtu) },
	{ "no ip mtu", .take = take_u16, .slot = SLOT_MTU, AT(mtu) },
	{ "ip nhrp authentication W", .take = take_auth, .slot = SLOT_AUTH },
	{ "no ip nhrp authentication", .take = take_no_auth,
	  .slot = SLOT_AUTH },
	{ "no ip nhrp authentication W", .take = take_no_auth,
	  .slot = SLOT_AUTH },
	{ "ip nhrp map A A", .take = take_map },
	{ "ip nhrp map multicast A", .take = take_map_multicast },
	{ "ip nhrp map multicast dynamic", .take = take_on,
	  AT(multicast_dynamic) },
	{ "no ip nhrp map multicast dynamic", .take = take_off,
	  AT(multicast_dynamic) },
	{ "ip nhrp network-id N", .take = take_u32, .slot = SLOT_NETWORK_ID,
	  .min = 1, .max = UINT32_MAX, AT(network_id) },
	{ "no ip nhrp network-id", .take = take_u32, .slot = SLOT_NETWORK_ID,
	  AT(network_id) },
	{ "ip nhrp nhs cluster N max-connections N", .take = take_cluster,
	  .max = 255 },
	{ "no ip nhrp nhs cluster N max-connections", .take = take_no_cluster,
	  .max = 255 },
	{ "no ip nhrp nhs cluster N max-connections N",
	  .take = take_no_cluster, .max = 255 },
	{ "ip nhrp nhs fallback N", .take = take_u16, .slot = SLOT_FALLBACK,
	  .min = 1, .max = 65535, AT(fallback) },
	{ "no ip nhrp nhs fallback", .take = take_u16, .slot = SLOT_FALLBACK,
	  AT(fallback) },
	{ "ip nhrp nhs A *", .take = take_nhs },
	{ "ip nhrp nhs dynamic *", .take = take_nhs_dynamic },
	{ "ip nhrp holdtime N", .take = take_u16, .slot = SLOT_HOLDTIME,
	  .min = 1, .max = 65535, AT(holdtime) },
	{ "no ip nhrp holdtime", .take = take_u16, .slot = SLOT_HOLDTIME,
	  .dflt = CONF_HOLDTIME, AT(holdtime) },
	{ "ip nhrp registration timeout N", .take = take_u16,
	  .slot = SLOT_REG_TIMEOUT, .min = 1, .max = 65535,
	  AT(reg_interval) },
	{ "no ip nhrp registration timeout", .take = take_u16,
	  .slot = SLOT_REG_TIMEOUT, AT(reg_interval) },
	{ "ip nhrp registration no-unique", .take = take_on, AT(no_unique) },
	{ "no ip nhrp registration no-unique", .take = take_off,
	  AT(no_unique) },
	{ "ip nhrp shortcut", .take = take_on, AT(shortcut) },
	{ "no ip nhrp shortcut", .take = take_off, AT(shortcut) },
	{ "ip nhrp redirect", .take = take_redirect, .slot = SLOT_REDIRECT },
	{ "ip nhrp redirect timeout N", .take = take_redirect,
	  .slot = SLOT_REDIRECT, .min = 1, .max = 65535 },
	{ "no ip nhrp redirect", .take = take_no_redirect,
	  .slot = SLOT_REDIRECT },
	{ "ip nhrp server-only", .take = take_on, AT(server_only) },
	{ "no ip nhrp server-only", .take = take_off, AT(server_only) },
	{ "if-state nhrp", .take = take_on, AT(if_state) },
	{ "no if-state nhrp", .take = take_off, AT(if_state) },
	{ "tunnel source A", .take = take_source_addr, .slot = SLOT_SOURCE },
	{ "tunnel source W", .take = take_source_dev, .slot = SLOT_SOURCE },
	{ "no tunnel source", .take = take_no_source, .slot = SLOT_SOURCE },
	{ "tunnel vrf W", .take = take_vrf, .slot = SLOT_VRF },
	{ "no tunnel vrf", .take = take_no_vrf, .slot = SLOT_VRF },
	{ "no tunnel vrf W", .take = take_no_vrf, .slot = SLOT_VRF },
	{ "tunnel destination A", .take = take_destination,
	  .slot = SLOT_DESTINATION },
	{ "no tunnel destination", .take = take_no_destination,
	  .slot = SLOT_DESTINATION },
	{ "no tunnel destination A", .take = take_no_destination,
	  .slot = SLOT_DESTINATION },
	{ "tunnel mode gre multipoint", .take = take_mode_multipoint,
	  .slot = SLOT_MODE },
	{ "tunnel mode gre ip", .take = take_mode_p2p, .slot = SLOT_MODE },
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
	{ "ipv6 *", .take = take_ipv6, .global = true },
	{ "no ipv6 *", .take = take_ipv6, .global = true },

	{ "ip split-horizon *", .foreign = ROUTING },
	{ "no ip split-horizon *", .foreign = ROUTING },
	{ "ip next-hop-self *", .foreign = ROUTING },
	{ "no ip next-hop-self *", .foreign = ROUTING },
	{ "ip hello-interval *", .foreign = ROUTING },
	{ "ip hold-time *", .foreign = ROUTING },
	{ "ip summary-address *", .foreign = ROUTING },
	{ "ip bandwidth-percent *", .foreign = ROUTING },
	{ "ip ospf *", .foreign = ROUTING },
	{ "no ip ospf *", .foreign = ROUTING },
	{ "ip pim *", .foreign = ROUTING },
	{ "bandwidth *", .foreign = ROUTING },
	{ "no bandwidth *", .foreign = ROUTING },
	{ "delay *", .foreign = ROUTING },
	{ "no delay *", .foreign = ROUTING },
	{ "description *", .foreign = SYSTEM },
	{ "keepalive *", .foreign = SYSTEM },
	{ "no keepalive *", .foreign = SYSTEM },
	{ "load-interval *", .foreign = SYSTEM },
	{ "no ip proxy-arp *", .foreign = SYSTEM },
	{ "ip virtual-reassembly *", .foreign = SYSTEM },
	{ "no ip virtual-reassembly *", .foreign = SYSTEM },
	{ "ip tcp adjust-mss N", .min = 500, .max = 65495, .foreign = NFTABLES },
	{ "no ip tcp adjust-mss *", .foreign = NFTABLES },
	{ "ip nhrp max-send *", .foreign = TODO },
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
	return pl.len == 1 && strchr("AMPNW*", *pl.s);
}

static bool fits(const struct line *l, struct place pl, const char *word)
{
	struct addr a;
	uint32_t num;
	uint8_t plen;

	if (!is_arg(pl))
		return pl.len == strlen(word) && !memcmp(pl.s, word, pl.len);
	switch (*pl.s) {
	case 'A':
		return read_v4(word, &a);
	case 'M':
		return read_mask(word, &a, &plen);
	case 'P':
		return read_prefix(word, &a, &plen);
	case 'N':
		return read_num(word, l->min, l->max, &num);
	default:
		return true;
	}
}

static void describe(const struct line *l, struct place pl, char *buf,
		     size_t size)
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
		snprintf(buf, size, "an IPv4 address");
		break;
	case 'M':
		snprintf(buf, size, "a netmask");
		break;
	case 'P':
		snprintf(buf, size, "an IPv4 address/length");
		break;
	case 'N':
		snprintf(buf, size, "a number from %u to %u", l->min, l->max);
		break;
	default:
		snprintf(buf, size, "a word");
		break;
	}
}

/* Adds what the lines in @alive allow at place @at, each once. */
static unsigned int collect_expected(const bool *alive, unsigned int at,
				     bool foreign, char items[][40],
				     unsigned int max)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < ARRAY_SIZE(lines) && n < max; i++) {
		if (!alive[i] || (lines[i].foreign != NULL) != foreign)
			continue;
		describe(&lines[i], place_of(lines[i].form, at), items[n],
			 sizeof(items[n]));
		for (j = 0; j < n && strcmp(items[j], items[n]); j++)
			;
		n += j == n;
	}
	return n;
}

/* "a, b or c"; lines of others are not advertised beside ours. */
static void list_expected(const bool *alive, unsigned int at, char *buf,
			  size_t size)
{
	char items[16][40];
	size_t len = 0;
	unsigned int i, n;

	n = collect_expected(alive, at, false, items, ARRAY_SIZE(items));
	if (!n)
		n = collect_expected(alive, at, true, items,
				     ARRAY_SIZE(items));
	buf[0] = '\0';
	for (i = 0; i < n && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s",
				!i ? "" : i == n - 1 ? " or " : ", ", items[i]);
}

/* Takes the lines out of @alive whose place @at is not @word; true: none left,
 * and @alive is as it was. */
static bool narrow(bool *alive, unsigned int at, const char *word)
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
			left[i] = fits(&lines[i], pl, word);
		else		/* a rest goes on to the end of the line */
			left[i] = strchr(lines[i].form, '*') != NULL;
		any |= left[i];
	}
	if (any)
		memcpy(alive, left, sizeof(left));
	return !any;
}

static void collect_args(const struct line *l, char *const *w, unsigned int n,
			 struct args *a)
{
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->num = l->dflt;
	a->off = l->off;
	for (i = 0; i < n; i++) {
		struct place pl = place_of(l->form, i);

		if (!is_arg(pl))
			continue;
		if (*pl.s == '*') {
			a->rest = w + i;
			a->n_rest = n - i;
			return;
		}
		a->word[a->n] = w[i];
		if (*pl.s == 'A')
			read_v4(w[i], &a->addr[a->n]);
		else if (*pl.s == 'M')
			read_mask(w[i], &a->addr[a->n], &a->plen);
		else if (*pl.s == 'P')
			read_prefix(w[i], &a->addr[a->n], &a->plen);
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
		if (!narrow(alive, i, w[i]))
			continue;
		list_expected(alive, i, expected, sizeof(expected));
		refuse(p, w[i], "expected %s", expected);
		return NULL;
	}
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct place pl = place_of(lines[i].form, n);

		if (alive[i] && (!pl.len || *pl.s == '*'))
			return &lines[i];
	}
	list_expected(alive, n, expected, sizeof(expected));
	refuse(p, w[n - 1], "expected %s behind it", expected);
	return NULL;
}

static int take_slot(struct parser *p, const struct line *l, char *const *w,
		     unsigned int n)
{
	if (l->slot == SLOT_NONE)
		return 0;
	if (!strncmp(l->form, "no ", 3))
		return 0;		/* freed once the line was taken */
	if (p->seen[l->slot])
		return refuse(p, w[n - 1], "given before in line %u",
			      p->seen[l->slot]);
	p->seen[l->slot] = p->line;
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

static int take_words(struct parser *p, char *const *w, unsigned int n)
{
	const struct line *l = match(p, w, n);
	struct args a;
	int ret;

	if (!l)
		return -EINVAL;
	if (!l->global && !p->c)
		return refuse(p, w[0], "belongs into an interface section");
	if (l->foreign) {
		tell_foreign(p, l, w, n);
		return 0;
	}
	ret = take_slot(p, l, w, n);
	if (ret)
		return ret;
	collect_args(l, w, n, &a);
	ret = l->take(p, &a);
	if (!ret && l->slot && !strncmp(l->form, "no ", 3))
		p->seen[l->slot] = 0;
	return ret;
}

/* ---- what only the whole section or file shows ---- */

static int finish_nhs(struct parser *p, struct conf_nhs *nhs,
		      unsigned int line)
{
	const struct conf_iface *c = p->c;
	char text[ADDR_STRLEN];

	if (addr_is_set(&c->addr) && addr_eq(&nhs->proto, &c->addr))
		return refuse_at(p, line, addr_text(&nhs->proto, text),
				 "this interface's own address");
	if (addr_is_set(&nhs->nbma) || nhs->fqdn[0] ||
	    find_map(c, &nhs->proto))
		return 0;
	/* the only peer of a point-to-point tunnel needs no map line */
	if (addr_is_set(&c->destination)) {
		nhs->nbma = c->destination;
		return 0;
	}
	return refuse_at(p, line, addr_text(&nhs->proto, text),
			 "neither nbma here nor an 'ip nhrp map' line tells its NBMA address");
}

static int finish_tunnel(struct parser *p)
{
	const struct conf_iface *c = p->c;
	bool dest = addr_is_set(&c->destination);
	char text[ADDR_STRLEN];

	if (p->p2p && !dest)
		return refuse_at(p, p->seen[SLOT_MODE], "ip",
				 "a point-to-point tunnel needs 'tunnel destination'");
	if (p->seen[SLOT_MODE] && !p->p2p && dest)
		return refuse_at(p, p->seen[SLOT_DESTINATION],
				 addr_text(&c->destination, text),
				 "a multipoint tunnel (line %u) has no destination",
				 p->seen[SLOT_MODE]);
	if (addr_is_set(&c->source) && addr_eq(&c->source, &c->destination))
		return refuse_at(p, p->seen[SLOT_DESTINATION],
				 addr_text(&c->destination, text),
				 "source and destination are one address");
	return 0;
}

/* The section at hand is complete. */
static int finish_iface(struct parser *p)
{
	struct conf_iface *c = p->c;
	char text[ADDR_STRLEN];
	unsigned int i;
	int ret;

	if (!c)
		return 0;
	if (find_map(c, &c->addr))
		return refuse_at(p, p->seen[SLOT_ADDRESS],
				 addr_text(&c->addr, text),
				 "an 'ip nhrp map' line gives it to somebody else");
	if (c->reg_interval >= c->holdtime) {
		snprintf(text, sizeof(text), "%u", c->reg_interval);
		return refuse_at(p, p->seen[SLOT_REG_TIMEOUT], text,
				 "must be shorter than the holding time, %u",
				 c->holdtime);
	}
	ret = finish_tunnel(p);
	for (i = 0; !ret && i < c->n_nhs; i++)
		ret = finish_nhs(p, &c->nhs[i], p->nhs_line[i]);
	if (ret)
		return ret;
	memset(p->seen, 0, sizeof(p->seen));
	p->p2p = false;
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
	return !strcmp(a->source_dev, b->source_dev) &&
	       addr_eq(&a->source, &b->source) &&
	       a->has_key == b->has_key && a->key == b->key;
}

static int finish_conf(struct parser *p)
{
	const struct conf *conf = p->conf;
	unsigned int i, j;

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

unsigned int conf_reg_interval(const struct conf_iface *c)
{
	unsigned int third = c->holdtime / 3;

	if (c->reg_interval)
		return c->reg_interval;
	if (third > CONF_REG_INTERVAL)
		return CONF_REG_INTERVAL;
	return third ? third : 1;
}
