/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msg: NHRP packets as this node fills, passes on and sends them. */
#ifndef NHRPD_MSG_H
#define NHRPD_MSG_H

#include "engine_internal.h"

/* ar$pro.type of the interface's packets. */
uint16_t msg_proto_type(const struct iface *i);
/* A packet of our own, with no CIE and no extension yet; see iface_self(). */
void msg_init(struct iface *i, struct nhrp_packet *p, enum nhrp_type type,
	      uint16_t flags, uint32_t id, const struct addr *dst);
/* Extensions in the order of IOS: responder, records, key, NAT; empty. */
void msg_add_exts(struct iface *i, struct nhrp_packet *p);
/* The one CIE of a request: our holding time and MTU, no addresses. */
struct nhrp_cie *msg_add_cie(struct iface *i, struct nhrp_packet *p,
			     uint8_t prefix);
/* Appends this node as @self to a list (responder, records, reply). */
struct nhrp_cie *msg_add_self(struct iface *i, struct nhrp_cies *list,
			      const struct addr *self, uint8_t prefix);
/* Appends a NAT CIE; holding time 0, host prefix. */
void msg_add_nat(struct nhrp_cies *list, const struct addr *nbma,
		 const struct addr *proto);
/* The NAT extension's list of CIEs, NULL without one. */
struct nhrp_cies *msg_nat(struct nhrp_packet *p);
/* The public NBMA address that the NAT extension has for @proto, or NULL. */
const struct addr *msg_public(const struct nhrp_packet *p,
			      const struct addr *proto);
/* Makes a request the reply to itself: type, hop count, responder. */
void msg_turn(struct iface *i, struct nhrp_packet *p, enum nhrp_type type);
/* A compulsory extension that this node does not know. */
bool msg_has_unknown(const struct nhrp_packet *p);
/* An address of ours is in the list of extension @type. */
bool msg_lists_us(const struct iface *i, const struct nhrp_packet *p,
		  enum nhrp_ext_type type);

/* Signs, encodes, counts and sends. */
void msg_send(struct iface *i, const struct addr *nbma, uint32_t mark,
	      struct nhrp_packet *p);
/*
 * Passes a packet on one hop: hop count, transit record @record, key. An
 * Error Indication goes back when it may not go on.
 */
void msg_forward(struct rx *rx, const struct addr *nbma, uint32_t mark,
		 enum nhrp_ext_type record);
/* Sends an Error Indication about the packet, within the rate limit. */
void msg_error(struct rx *rx, enum nhrp_error code);
/* Where packets to @proto go, for replies and purges in transit. */
bool msg_way(struct rx *rx, const struct addr *proto, struct addr *nbma,
	     uint32_t *mark);

#endif
