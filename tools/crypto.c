/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crypto: Cisco's views of IPsec, `show crypto …`, and the clearing of SAs.
 *
 * The layout is IOS's; lines for which there are no data (compression, flow
 * numbers, volume limits) are left out, and who has no SA has a `State:` line
 * with the reason, see Documentation/cli.md.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "text.h"

/* ---- what there is ---- */

/* The daemon's answer, or the file of --from. */
static int read_crypto(struct cli *c, struct json_object **top)
{
	if (!c->from)
		return client_ask(c, client_request("crypto"), top);
	*top = json_object_from_file(c->from);
	if (*top && json_object_object_get_ex(*top, "ipsec", NULL))
		return CLI_OK;
	json_object_put(*top);
	*top = NULL;
	return cli_fail(c, CLI_REFUSED, "%s: not what `show crypto -j` prints",
			c->from);
}

/* Leaves only the peer with that NBMA address. */
static void keep_peer(struct json_object *ipsec, const struct addr *nbma)
{
	struct json_object *list = object_get(ipsec, "peers");
	const char *text;
	struct addr a;

	for (size_t i = object_get_len(ipsec, "peers"); i--; ) {
		text = object_get_str(json_object_array_get_idx(list, i),
				      "nbma");
		if (!text || !addr_parse(text, &a) || !addr_eq(&a, nbma))
			json_object_array_del_idx(list, i, 1);
	}
}

/* [peer ADDR]; none: all. */
static int take_peer(struct cli *c, struct addr *nbma)
{
	const char *word = cli_peek(c);
	int code = CLI_OK;

	memset(nbma, 0, sizeof(*nbma));
	if (word && !strcmp(word, "peer")) {
		cli_next(c);
		code = cli_take_addr(c, "peer", nbma);
	}
	return code ? code : cli_done(c);
}

static int view(struct cli *c, void (*print)(FILE *out,
					     const struct json_object *ipsec))
{
	struct json_object *top, *ipsec;
	struct addr nbma;
	int code = take_peer(c, &nbma);

	if (!code)
		code = read_crypto(c, &top);
	if (code)
		return code;
	ipsec = object_get(top, "ipsec");
	if (addr_is_set(&nbma))
		keep_peer(ipsec, &nbma);
	if (c->json)
		object_print(c->out, ipsec);
	else if (ipsec)
		print(c->out, ipsec);
	else
		fputs(CRYPTO_NONE, c->out);
	json_object_put(top);
	return CLI_OK;
}

static void each_peer(FILE *out, const struct json_object *ipsec,
		      void (*print)(FILE *out, const struct json_object *peer))
{
	for (size_t i = 0; i < object_get_len(ipsec, "peers"); i++)
		print(out, object_get_at(ipsec, "peers", i));
}

/* ---- Cisco's words ---- */

/* Of charon's; what is not here is printed as charon writes it. */
static const struct {
	const char *charon, *cisco;
} words[] = {
	{ "AES_CBC", "AES-CBC" },
	{ "AES_CTR", "AES-CTR" },
	{ "AES_GCM_16", "AES-GCM" },
	{ "HMAC_SHA1_96", "SHA96" },
	{ "HMAC_SHA2_256_128", "SHA256" },
	{ "HMAC_SHA2_384_192", "SHA384" },
	{ "HMAC_SHA2_512_256", "SHA512" },
	{ "PRF_HMAC_SHA1", "SHA1" },
	{ "PRF_HMAC_SHA2_256", "SHA256" },
	{ "PRF_HMAC_SHA2_384", "SHA384" },
	{ "PRF_HMAC_SHA2_512", "SHA512" },
	{ "MODP_2048", "14" },
	{ "MODP_3072", "15" },
	{ "MODP_4096", "16" },
	{ "ECP_256", "19" },
	{ "ECP_384", "20" },
	{ "ECP_521", "21" },
	{ "CURVE_25519", "31" },
};

static const char *cisco(const struct json_object *o, const char *key,
			 const char *none)
{
	const char *word = object_get_str(o, key);

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].charon))
			return words[i].cisco;
	return word ? word : none;
}

/*
 * Of the kernel's, which counts the four bytes of GCM's salt as key; IOS does
 * not write 128.
 */
static const struct {
	const char *kernel, *cisco;
	unsigned int salt;		/* bits */
} transforms[] = {
	{ "rfc4106(gcm(aes))", "esp-gcm", 32 },
	{ "rfc4543(gcm(aes))", "esp-gmac", 32 },
	{ "cbc(aes)", "esp-aes", 0 },
	{ "ecb(cipher_null)", "esp-null", 0 },
	{ "hmac(sha1)", "esp-sha-hmac", 0 },
	{ "hmac(sha256)", "esp-sha256-hmac", 0 },
	{ "hmac(sha384)", "esp-sha384-hmac", 0 },
	{ "hmac(sha512)", "esp-sha512-hmac", 0 },
};

static void print_transform(FILE *out, const char *kernel, unsigned int bits)
{
	const char *name = kernel;

	if (!kernel)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(transforms); i++) {
		if (strcmp(kernel, transforms[i].kernel))
			continue;
		name = transforms[i].cisco;
		bits -= bits > transforms[i].salt ? transforms[i].salt : 0;
	}
	if (bits > 128 && !strcmp(name, "esp-aes"))
		fprintf(out, " esp-%u-aes", bits);
	else if (bits > 128)
		fprintf(out, " %s %u", name, bits);
	else
		fprintf(out, " %s", name);
}

static unsigned int spi_of(const struct json_object *half)
{
	const char *spi = object_get_str(half, "spi");

	return spi ? strtoul(spi, NULL, 0) : 0;
}

static const struct json_object *child_at(const struct json_object *peer,
					  size_t i)
{
	return object_get_at(peer, "child_sas", i);
}

/* The child that packets to the peer take; NULL: none. */
static const struct json_object *in_use(const struct json_object *peer)
{
	for (size_t i = 0; i < object_get_len(peer, "child_sas"); i++)
		if (object_get_bool(child_at(peer, i), "in_use"))
			return child_at(peer, i);
	return NULL;
}

/* Ports of IKE: 500, or 4500 behind NAT. */
static unsigned int port(const struct json_object *peer, const char *key)
{
	unsigned int n = object_get_uint(object_get(in_use(peer), "ike"), key);

	return n ? n : 500;
}

static uint64_t sum(const struct json_object *peer, const char *half,
		    const char *key)
{
	uint64_t n = 0;

	for (size_t i = 0; i < object_get_len(peer, "child_sas"); i++)
		n += object_get_uint(object_get(child_at(peer, i), half), key);
	return n;
}

static unsigned long long refused(const struct json_object *peer)
{
	return sum(peer, "inbound", "replayed") +
	       sum(peer, "inbound", "forged");
}

static void print_iface(FILE *out, const char *head,
			const struct json_object *peer)
{
	char names[256];

	object_get_words(peer, "interfaces", " ", names, sizeof(names));
	fprintf(out, "%s%s\n", head, *names ? names : "none");
}

/* Ours: what IOS does not tell. */
static void print_state(FILE *out, const char *in,
			const struct json_object *peer)
{
	const char *reason = object_get_str(peer, "reason");
	char ago[TEXT_LEN], next[TEXT_LEN];

	fprintf(out, "%sState: %s for %s%s%s", in,
		object_get_str(peer, "state"),
		text_ios(object_get_num(peer, "state_seconds"), ago),
		reason ? ", " : "", reason ? reason : "");
	if (!object_is_null(peer, "next_seconds"))
		fprintf(out, ", next attempt in %s", text_ios(
			object_get_num(peer, "next_seconds"), next));
	if (object_get_uint(peer, "mark"))
		fprintf(out, ", mark %u",
			(unsigned int)object_get_uint(peer, "mark"));
	fputc('\n', out);
}

/* ---- show crypto ipsec sa ---- */

static void print_ident(FILE *out, const char *which, const char *addr)
{
	bool v6 = addr && strchr(addr, ':');

	fprintf(out, "   %s ident (addr/mask/prot/port): (%s/%s/47/0)\n", which,
		addr, v6 ? "128" : "255.255.255.255");
}

static void print_half(FILE *out, const struct json_object *peer,
		       const struct json_object *child, const char *which)
{
	const struct json_object *half = object_get(child, which);
	const struct json_object *ike = object_get(child, "ike");
	const char *mode = object_get_str(child, "mode");
	unsigned int spi = spi_of(half);

	fprintf(out, "      spi: 0x%X(%u)\n", spi, spi);
	if (!object_get_bool(half, "installed")) {
		fputs("        Status: not in the kernel\n", out);
		return;
	}
	fputs("        transform:", out);
	print_transform(out, object_get_str(half, "encryption"),
			object_get_uint(half, "key_bits"));
	print_transform(out, object_get_str(half, "integrity"), 0);
	fprintf(out, " ,\n        in use settings ={%s%s, }\n",
		mode && !strcmp(mode, "tunnel") ? "Tunnel" : "Transport",
		object_get_bool(peer, "nat") ? " UDP-Encaps" : "");
	fprintf(out, "        conn id: %u\n",
		(unsigned int)object_get_uint(ike, "id"));
	if (!object_is_null(half, "life_seconds"))
		fprintf(out, "        sa timing: remaining key lifetime (sec): %.0f\n",
			object_get_num(half, "life_seconds"));
	if (!strcmp(which, "inbound"))
		fprintf(out, "        replay detection support: %s\n",
			object_get_uint(half, "replay_window") ? "Y" : "N");
	fputs("        Status: ACTIVE(ACTIVE)\n", out);
}

static void print_halves(FILE *out, const struct json_object *peer,
			 const char *which)
{
	fprintf(out, "\n     %s esp sas:\n", which);
	for (size_t i = 0; i < object_get_len(peer, "child_sas"); i++)
		print_half(out, peer, child_at(peer, i), which);
}

static void print_packets(FILE *out, const struct json_object *peer)
{
	unsigned long long in = sum(peer, "inbound", "packets");
	unsigned long long outward = sum(peer, "outbound", "packets");

	fprintf(out, "    #pkts encaps: %llu, #pkts encrypt: %llu, #pkts digest: %llu\n",
		outward, outward, outward);
	fprintf(out, "    #pkts decaps: %llu, #pkts decrypt: %llu, #pkts verify: %llu\n",
		in, in, in);
	fprintf(out, "    #recv errors %llu\n", refused(peer));
}

static void print_sa(FILE *out, const struct json_object *peer)
{
	const char *local = object_get_str(peer, "local");
	const char *nbma = object_get_str(peer, "nbma");
	unsigned int spi = spi_of(object_get(in_use(peer), "outbound"));

	fputc('\n', out);
	print_iface(out, "interface: ", peer);
	fprintf(out, "    Crypto map tag: %s, local addr %s\n\n",
		object_get_str(peer, "profile"), local);
	print_ident(out, "local ", local);
	print_ident(out, "remote", nbma);
	fprintf(out, "   current_peer %s port %u\n", nbma,
		port(peer, "remote_port"));
	print_packets(out, peer);
	fprintf(out, "\n     local crypto endpt.: %s, remote crypto endpt.: %s\n",
		local, nbma);
	fprintf(out, "     current outbound spi: 0x%X(%u)\n", spi, spi);
	print_state(out, "     ", peer);
	print_halves(out, peer, "inbound");
	print_halves(out, peer, "outbound");
}

static void show_sas(FILE *out, const struct json_object *ipsec)
{
	each_peer(out, ipsec, print_sa);
}

int cmd_crypto_sa(struct cli *c)
{
	return view(c, show_sas);
}

/* ---- show crypto ikev2 sa ---- */

/* The IKE_SA of that child has not been printed with one before it. */
static bool is_first(const struct json_object *peer, size_t i)
{
	uint64_t id = object_get_uint(object_get(child_at(peer, i), "ike"),
				      "id");

	while (i--)
		if (object_get_uint(object_get(child_at(peer, i), "ike"),
				    "id") == id)
			return false;
	return true;
}

static void print_ike(FILE *out, const struct json_object *peer,
		      const struct json_object *child)
{
	const struct json_object *ike = object_get(child, "ike");
	char local[64], remote[64];

	snprintf(local, sizeof(local), "%s/%u", object_get_str(peer, "local"),
		 (unsigned int)object_get_uint(ike, "local_port"));
	snprintf(remote, sizeof(remote), "%s/%u", object_get_str(peer, "nbma"),
		 (unsigned int)object_get_uint(ike, "remote_port"));
	fprintf(out, "%-9u %-21s %-21s %-20s %s\n",
		(unsigned int)object_get_uint(ike, "id"), local, remote,
		"none/none", object_get_bool(child, "stale") ? "STALE" :
		"READY");
	fprintf(out, "      Encr: %s, keysize: %u, PRF: %s, Hash: %s, DH Grp:%s\n",
		cisco(ike, "encryption", "None"),
		(unsigned int)object_get_uint(ike, "key_bits"),
		cisco(ike, "prf", "None"), cisco(ike, "integrity", "None"),
		cisco(ike, "dh", "None"));
	fprintf(out, "      Active Time: %.0f sec\n", object_get_num(ike, "seconds"));
	fprintf(out, "      Initiator of SA : %s\n      Remote id: %s\n",
		object_get_bool(ike, "initiator") ? "Yes" : "No",
		object_get_str(peer, "identity"));
}

static void print_ikes(FILE *out, const struct json_object *ipsec, bool v6)
{
	const struct json_object *peer;
	const char *nbma;
	bool any = false;

	for (size_t i = 0; i < object_get_len(ipsec, "peers"); i++) {
		peer = object_get_at(ipsec, "peers", i);
		nbma = object_get_str(peer, "nbma");
		if (!nbma || !strchr(nbma, ':') == v6)
			continue;
		for (size_t k = 0; k < object_get_len(peer, "child_sas"); k++) {
			if (!any)
				fprintf(out, " IPv%c Crypto IKEv2 SA\n\n"
					"Tunnel-id Local                 Remote                fvrf/ivrf            Status\n",
					v6 ? '6' : '4');
			any = true;
			if (is_first(peer, k))
				print_ike(out, peer, child_at(peer, k));
		}
	}
	if (any)
		fputc('\n', out);
}

static void show_ikes(FILE *out, const struct json_object *ipsec)
{
	print_ikes(out, ipsec, false);
	print_ikes(out, ipsec, true);
}

int cmd_crypto_ikev2(struct cli *c)
{
	return view(c, show_ikes);
}

/* ---- show crypto session ---- */

static const char *session_status(const struct json_object *peer)
{
	const char *state = object_get_str(peer, "state");

	if (state && !strcmp(state, "up"))
		return object_get_bool(peer, "stale") ? "UP-NO-IKE" :
		       "UP-ACTIVE";
	return state && !strcmp(state, "connecting") ? "DOWN-NEGOTIATING" :
	       "DOWN";
}

static void print_flow(FILE *out, const struct json_object *peer)
{
	fprintf(out, "  IPSEC FLOW: permit 47 host %s host %s\n",
		object_get_str(peer, "local"), object_get_str(peer, "nbma"));
	fprintf(out, "        Active SAs: %u, origin: crypto map\n",
		2 * (unsigned int)object_get_len(peer, "child_sas"));
}

static void print_life(FILE *out, const struct json_object *peer,
		       const char *half, const char *head,
		       unsigned long long dropped)
{
	const struct json_object *o = object_get(in_use(peer), half);

	fprintf(out, "        %s %llu drop %llu", head,
		(unsigned long long)sum(peer, half, "packets"), dropped);
	if (!object_is_null(o, "life_seconds"))
		fprintf(out, " life (Sec) %.0f",
			object_get_num(o, "life_seconds"));
	fputc('\n', out);
}

static void print_session(FILE *out, const struct json_object *peer,
			  bool detail)
{
	const char *identity = object_get_str(peer, "identity");

	fputc('\n', out);
	print_iface(out, "Interface: ", peer);
	fprintf(out, "Session status: %s\n", session_status(peer));
	fprintf(out, "Peer: %s port %u\n", object_get_str(peer, "nbma"),
		port(peer, "remote_port"));
	if (detail && identity)
		fprintf(out, "      Phase1_id: %s\n", identity);
	if (in_use(peer))
		fprintf(out, "  IKEv2 SA: local %s/%u remote %s/%u %s\n",
			object_get_str(peer, "local"), port(peer, "local_port"),
			object_get_str(peer, "nbma"), port(peer, "remote_port"),
			object_get_bool(peer, "stale") ? "Inactive" : "Active");
	print_flow(out, peer);
	if (!detail)
		return;
	print_life(out, peer, "inbound", "Inbound:  #pkts dec'ed",
		   refused(peer));
	print_life(out, peer, "outbound", "Outbound: #pkts enc'ed", 0);
	print_state(out, "        ", peer);
}

static void print_brief(FILE *out, const struct json_object *peer)
{
	print_session(out, peer, false);
}

static void print_detail(FILE *out, const struct json_object *peer)
{
	print_session(out, peer, true);
}

static void show_sessions(FILE *out, const struct json_object *ipsec)
{
	fputs("Crypto session current status\n", out);
	each_peer(out, ipsec, print_brief);
}

static void show_details(FILE *out, const struct json_object *ipsec)
{
	fputs("Crypto session current status\n", out);
	each_peer(out, ipsec, print_detail);
}

int cmd_crypto_session(struct cli *c)
{
	return view(c, show_sessions);
}

int cmd_crypto_session_detail(struct cli *c)
{
	return view(c, show_details);
}

/* ---- clear ---- */

/* `clear crypto sa [peer ADDR]`, `clear ipsec [[peer] ADDR]`. */
int cmd_clear_ipsec(struct cli *c)
{
	struct json_object *o, *answer;
	const char *word = cli_peek(c);
	struct addr nbma = { 0 };
	unsigned int n;
	int code = CLI_OK;

	if (word && strcmp(word, "peer") &&
	    !strcmp(c->command->words, "clear ipsec"))
		code = cli_take_addr(c, "ADDR", &nbma);
	if (!code)
		code = addr_is_set(&nbma) ? cli_done(c) : take_peer(c, &nbma);
	if (code)
		return code;
	o = client_request("clear-ipsec");
	if (addr_is_set(&nbma))
		object_addr(o, "nbma", &nbma);
	code = client_ask(c, o, &answer);
	if (code)
		return code;
	n = object_get_uint(answer, "cleared");
	if (c->json)
		object_print(c->out, answer);
	else
		fprintf(c->out, "SAs of %u peer%s cleared\n", n,
			n == 1 ? "" : "s");
	json_object_put(answer);
	return CLI_OK;
}
