/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipsec: which tunnels are protected by SAs of ours, from which address, and
 * which of their peers need one. Between the engine and devices on one side
 * and charon.h, xfrm.h on the other; called by daemon.c, device.c, control.c.
 *
 * A tunnel is ours when the file has a `crypto ipsec profile` section of the
 * name in its `tunnel protection` line; charon and XFRM are opened when the
 * first such tunnel comes. SAs and blocking policies outlive the daemon.
 */
#ifndef NHRPD_IPSEC_H
#define NHRPD_IPSEC_H

#include "daemon.h"

struct charon;
struct json_object;
struct sa_info;
struct ipsec;
struct xfrm;

/* NULL: out of memory. Opens nothing yet. */
struct ipsec *ipsec_new(struct daemon *d);
/* The engine has gone, the loop does not turn any more. NULL is fine. */
void ipsec_free(struct ipsec *s);

/*
 * The tunnel's section and address are these now: what is not protected by us
 * any more is left, what is, is blocked in clear, then charon takes it. Before
 * the device comes up and after each change; nothing happens when there is
 * none. @local none: no address at the moment, all stays as it was. False:
 * the tunnel must not run, @why (DAEMON_REASON) says why.
 */
bool ipsec_protect(struct ipsec *s, const struct daemon_iface *i,
		   const struct addr *local, char *why);
/* The section or the device has gone. */
void ipsec_leave(struct ipsec *s, const struct daemon_iface *i);
/* The operator's `reload`: files of certificates are read again. */
void ipsec_reload(struct ipsec *s);
/* All tunnels are protected: blocks that a daemon before this one left go. */
void ipsec_tidy(struct ipsec *s);

/* engine_ops.need and engine_ops.sa. */
void ipsec_need(struct ipsec *s, unsigned int ifindex, const struct addr *nbma,
		uint32_t mark, bool on);
struct engine_sa ipsec_sa(struct ipsec *s, unsigned int ifindex,
			  const struct addr *nbma, uint32_t mark);
/* DMVPN_CMD_SA_MISSING_NTF */
void ipsec_missing(struct ipsec *s, unsigned int ifindex,
		   const struct addr *nbma, uint32_t mark);

/* For `show`; NULL: not opened. */
struct charon *ipsec_charon(const struct ipsec *s);
struct xfrm *ipsec_xfrm(const struct ipsec *s);
/* charon's socket. */
const char *ipsec_socket(const struct ipsec *s);
/* The name of the @n-th tunnel with that address; NULL: there are fewer. */
const char *ipsec_iface(const struct ipsec *s, const struct addr *local,
			unsigned int n);

/* ipsec_show.c: the member `ipsec` of `show`, NULL when there is nothing to
 * show; the same with each SA and what the kernel tells of it; one peer. */
struct json_object *ipsec_object(const struct ipsec *s, uint64_t now);
struct json_object *ipsec_crypto_object(const struct ipsec *s, uint64_t now);
struct json_object *ipsec_peer_object(const struct sa_info *i, uint64_t now);

#endif
