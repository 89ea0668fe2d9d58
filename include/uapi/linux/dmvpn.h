/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
/*
 * dmvpn: multipoint GRE with an NBMA cache in the kernel.
 *
 * Two interfaces:
 *
 *  - rtnetlink, `ip link add NAME type dmvpn`: the device and how it
 *    encapsulates (enum dmvpn_link_attr in IFLA_INFO_DATA);
 *  - generic netlink, family "dmvpn": peers, neighbours, shortcuts, counters
 *    and events. One object per message; a batch is several messages in one
 *    datagram. Every command needs CAP_NET_ADMIN in the user namespace that
 *    owns the device's network namespace, dumps included.
 *
 * Conventions that hold for every attribute below unless it says otherwise:
 *
 *  - integers are in host byte order; addresses are in network byte order;
 *  - an address is 4 bytes (IPv4) or 16 bytes (IPv6), its length tells which;
 *    v4-mapped IPv6 addresses are refused. Protocol (inner) addresses are of
 *    both families, the NBMA addresses of a device of one (IFLA_DMVPN_FAMILY);
 *  - times are unsigned milliseconds; a "time ago" counts back from now;
 *  - "ro" attributes are sent by the kernel and refused in requests;
 *  - an attribute or flag that this module version knows but does not
 *    implement is refused with EOPNOTSUPP and a message (extack); what is
 *    implemented is told by DMVPN_DEV_A_FEATURES;
 *  - unknown attributes are refused with EINVAL (in link messages rtnetlink
 *    itself skips those beyond the last one the module knows).
 *
 * Documentation/netlink/specs/dmvpn.yaml describes the same in YNL; a test
 * keeps the two equal.
 */
#ifndef _UAPI_LINUX_DMVPN_H
#define _UAPI_LINUX_DMVPN_H

#include <linux/types.h>

#define DMVPN_GENL_NAME		"dmvpn"
#define DMVPN_GENL_VERSION	1

/* Changes that user space asked for, expiry, state: few, must not be lost. */
#define DMVPN_MCGRP_EVENTS	"events"
/* What packets trigger: rate limited, lossy, never needed for correctness. */
#define DMVPN_MCGRP_UPCALLS	"upcalls"

/* EtherType of NHRP in GRE (RFC 2332) and on packet sockets of the device. */
#define DMVPN_ETH_P_NHRP	0x2001

#define DMVPN_COOKIE_MAX	64	/* bytes of DMVPN_*_A_COOKIE */
#define DMVPN_HEAD_MAX		128	/* bytes of DMVPN_EVENT_A_HEAD */

/**
 * enum dmvpn_df - may routers on the way fragment: DF of the outer IPv4 header.
 * An outer IPv6 packet has no such bit: "cleared" is, that this host fragments
 * it when it does not fit, which only it can
 * @DMVPN_DF_SET: set, so that path MTU discovery works; cleared only for an
 *	inner packet that does not fit and may be fragmented, or is IPv6 of up
 *	to 1280 bytes (default)
 * @DMVPN_DF_INHERIT: copied from an inner IPv4 packet, set for inner IPv6
 * @DMVPN_DF_UNSET: never set; what does not fit is fragmented outside
 */
enum dmvpn_df {
	DMVPN_DF_SET,
	DMVPN_DF_INHERIT,
	DMVPN_DF_UNSET,
	__DMVPN_DF_MAX
};

/**
 * enum dmvpn_accept - data from an NBMA address that is no peer
 * @DMVPN_ACCEPT_ANY: taken in and counted: the far side may have resolved
 *	this side first (default; refused all the same with
 *	DMVPN_LINK_F_IPSEC_REQUIRED)
 * @DMVPN_ACCEPT_KNOWN: refused, reason `unknown-sender`
 */
enum dmvpn_accept {
	DMVPN_ACCEPT_ANY,
	DMVPN_ACCEPT_KNOWN,
	__DMVPN_ACCEPT_MAX
};

/**
 * enum dmvpn_fallback - a packet whose next hop is not usable
 * @DMVPN_FALLBACK_NHS: goes to the best peer with DMVPN_PEER_F_NHS; without
 *	one the sender gets ICMP host unreachable, with IPv6 address
 *	unreachable (default)
 * @DMVPN_FALLBACK_DROP: is dropped and the sender told
 */
enum dmvpn_fallback {
	DMVPN_FALLBACK_NHS,
	DMVPN_FALLBACK_DROP,
	__DMVPN_FALLBACK_MAX
};

/**
 * enum dmvpn_link_flag - bits of IFLA_DMVPN_FLAGS
 * @DMVPN_LINK_F_KEY: GRE key on send and required on receive; IFLA_DMVPN_KEY
 *	sets it, clearing the bit removes the key
 * @DMVPN_LINK_F_IPSEC_REQUIRED: nothing leaves or enters without ESP
 * @DMVPN_LINK_F_POINTOPOINT: IFF_POINTOPOINT: one entry of the IP neighbour
 *	table serves all next hops; only when the device is created
 * @DMVPN_LINK_F_REDIRECT: tell of hairpins (DMVPN_CMD_REDIRECT_NTF)
 * @DMVPN_LINK_F_STRICT_SOURCE: refuse packets whose inner source the sending
 *	peer does not hold
 */
enum dmvpn_link_flag {
	DMVPN_LINK_F_KEY		= 1 << 0,
	DMVPN_LINK_F_IPSEC_REQUIRED	= 1 << 1,
	DMVPN_LINK_F_POINTOPOINT	= 1 << 2,
	DMVPN_LINK_F_REDIRECT		= 1 << 3,
	DMVPN_LINK_F_STRICT_SOURCE	= 1 << 4,
};

/**
 * enum dmvpn_link_attr - IFLA_INFO_DATA of kind "dmvpn"
 * @IFLA_DMVPN_LOCAL: address; own NBMA address, also the only one accepted as
 *	outer destination; 0.0.0.0 or :: any (chosen by the route)
 * @IFLA_DMVPN_LOCAL_DEV: u32 ifindex in the underlay namespace; the local
 *	address follows this interface's primary address (a loopback too);
 *	0: none. Excludes IFLA_DMVPN_LOCAL
 * @IFLA_DMVPN_REMOTE: address; all data goes to this peer and only it is
 *	heard (tunnel destination); 0.0.0.0 or :: multipoint. May change at any
 *	time
 * @IFLA_DMVPN_LINK: u32 ifindex in the underlay namespace; the outer packet
 *	leaves by this interface or its VRF; 0: by the route
 * @IFLA_DMVPN_KEY: u32; GRE key, implies DMVPN_LINK_F_KEY
 * @IFLA_DMVPN_FLAGS: bitfield32 of enum dmvpn_link_flag
 * @IFLA_DMVPN_TTL: u8; outer TTL of data, 0: inner TTL. NHRP and link-local
 *	multicast always leave with 255. Default 255
 * @IFLA_DMVPN_TOS: u8; outer DSCP of data (the two ECN bits zero), or 1:
 *	inner DSCP (default). NHRP leaves with 0xc0 (CS6). ECN follows RFC 6040
 * @IFLA_DMVPN_DF: u8; enum dmvpn_df
 * @IFLA_DMVPN_MARK_MASK: u32; these bits of the packet mark belong to a
 *	peer's identity. Default 0. Fixed while peers exist
 * @IFLA_DMVPN_MARK: u32; mark of outer packets outside of the mask; default 0
 * @IFLA_DMVPN_NETWORK_ID: u32; devices with the same number are one cloud for
 *	the loop rule and for redirects; 0: this device alone (default)
 * @IFLA_DMVPN_ACCEPT: u8; enum dmvpn_accept
 * @IFLA_DMVPN_FALLBACK: u8; enum dmvpn_fallback
 * @IFLA_DMVPN_MAX_PEERS: u32, 1 to 2^20; default 2^17
 * @IFLA_DMVPN_MAX_NEIGHS: u32, 1 to 2^20; default 2^17
 * @IFLA_DMVPN_MAX_SHORTCUTS: u32, 0 to 2^20; default 2^16
 * @IFLA_DMVPN_REDIRECT_INTERVAL: u32 ms, 1 to 65535000; least time between two
 *	redirects for one pair, doubled while they go on; default 8000
 * @IFLA_DMVPN_ONEWAY_INTERVAL: u32 ms; sent but nothing received for so long
 *	raises DMVPN_CMD_ONEWAY_NTF; 0: off
 * @IFLA_DMVPN_NHRP_RATE: u32 packets/s; NHRP frames of unknown senders passed
 *	on to packet sockets; 0: no limit
 * @IFLA_DMVPN_FAMILY: u8; AF_INET or AF_INET6: of all NBMA addresses of the
 *	device, fixed when it is created. Default: that of IFLA_DMVPN_LOCAL and
 *	IFLA_DMVPN_REMOTE, without these AF_INET. An IPv6 device is refused
 *	(EADDRINUSE) while another module, ip6_gre, has GRE over IPv6, and
 *	keeps it out in turn. Its link-layer address has 16 bytes, that of NHRP
 *	frames on packet sockets too
 */
enum dmvpn_link_attr {
	IFLA_DMVPN_UNSPEC,
	IFLA_DMVPN_LOCAL,
	IFLA_DMVPN_LOCAL_DEV,
	IFLA_DMVPN_REMOTE,
	IFLA_DMVPN_LINK,
	IFLA_DMVPN_KEY,
	IFLA_DMVPN_FLAGS,
	IFLA_DMVPN_TTL,
	IFLA_DMVPN_TOS,
	IFLA_DMVPN_DF,
	IFLA_DMVPN_MARK_MASK,
	IFLA_DMVPN_MARK,
	IFLA_DMVPN_NETWORK_ID,
	IFLA_DMVPN_ACCEPT,
	IFLA_DMVPN_FALLBACK,
	IFLA_DMVPN_MAX_PEERS,
	IFLA_DMVPN_MAX_NEIGHS,
	IFLA_DMVPN_MAX_SHORTCUTS,
	IFLA_DMVPN_REDIRECT_INTERVAL,
	IFLA_DMVPN_ONEWAY_INTERVAL,
	IFLA_DMVPN_NHRP_RATE,
	IFLA_DMVPN_FAMILY,
	__IFLA_DMVPN_MAX
};

#define IFLA_DMVPN_MAX (__IFLA_DMVPN_MAX - 1)

/**
 * enum dmvpn_cmd - commands and notifications
 * @DMVPN_CMD_DEV_GET: do (by ifindex) and dump: configuration that links do
 *	not show, features, counters
 * @DMVPN_CMD_PEER_NEW: create a peer by (NBMA, mark); EEXIST when there is
 *	one. Otherwise as DMVPN_CMD_PEER_SET
 * @DMVPN_CMD_PEER_SET: create or change a peer by (NBMA, mark). A peer made
 *	or set in this way stays until DMVPN_CMD_PEER_DEL. ENOSPC: limit
 *	reached
 * @DMVPN_CMD_PEER_DEL: delete a peer by (NBMA, mark) with its neighbours
 * @DMVPN_CMD_PEER_GET: do and dump. Dumps are ordered by id: what existed
 *	throughout appears exactly once
 * @DMVPN_CMD_NEIGH_NEW: create a neighbour by address; EEXIST when there is
 *	one. Otherwise as DMVPN_CMD_NEIGH_SET
 * @DMVPN_CMD_NEIGH_SET: create or change a neighbour by address. A missing
 *	peer is created and lives as long as it has neighbours. On change,
 *	attributes not given keep their value; giving EXPIRES starts it anew
 * @DMVPN_CMD_NEIGH_DEL: delete a neighbour by address; with DMVPN_NEIGH_A_NBMA
 *	only when it still points there (ENOENT otherwise)
 * @DMVPN_CMD_NEIGH_GET: do and dump, as for peers
 * @DMVPN_CMD_NEIGH_FLUSH: delete all neighbours of the device but those with
 *	DMVPN_NEIGH_F_STATIC; with DMVPN_NEIGH_A_NBMA those of one peer
 * @DMVPN_CMD_SHORTCUT_SET: create or change a shortcut by prefix
 * @DMVPN_CMD_SHORTCUT_DEL: delete a shortcut by prefix
 * @DMVPN_CMD_SHORTCUT_GET: do and dump, as for peers
 * @DMVPN_CMD_SHORTCUT_FLUSH: delete all shortcuts of the device
 * @DMVPN_CMD_PATH_GET: where would a packet to DMVPN_PATH_A_DST go
 * @DMVPN_CMD_RESOLVE_NTF: upcall: a packet had no usable next hop
 * @DMVPN_CMD_REDIRECT_NTF: upcall: a packet came and left in one cloud
 * @DMVPN_CMD_ONEWAY_NTF: upcall: a direct peer is sent to but not heard
 * @DMVPN_CMD_SA_MISSING_NTF: upcall: IPsec required and no SA for the peer
 * @DMVPN_CMD_PEER_CHANGED_NTF: event: a peer was set; this and the events
 *	below carry the object as in a GET, cookie included
 * @DMVPN_CMD_PEER_DELETED_NTF: event: a peer was deleted on request
 * @DMVPN_CMD_NEIGH_CHANGED_NTF: event: a neighbour was set
 * @DMVPN_CMD_NEIGH_DELETED_NTF: event: a neighbour was deleted on request
 * @DMVPN_CMD_NEIGH_EXPIRED_NTF: event: a neighbour expired and is gone
 * @DMVPN_CMD_NEIGH_USED_NTF: event: a neighbour is in use within its refresh
 *	time
 * @DMVPN_CMD_SHORTCUT_CHANGED_NTF: event: a shortcut was set
 * @DMVPN_CMD_SHORTCUT_DELETED_NTF: event: a shortcut was deleted on request
 * @DMVPN_CMD_SHORTCUT_EXPIRED_NTF: event: a shortcut expired and is gone
 * @DMVPN_CMD_SHORTCUT_USED_NTF: event: a shortcut is in use within its refresh
 *	time
 */
enum dmvpn_cmd {
	DMVPN_CMD_UNSPEC,
	DMVPN_CMD_DEV_GET,
	DMVPN_CMD_PEER_NEW,
	DMVPN_CMD_PEER_SET,
	DMVPN_CMD_PEER_DEL,
	DMVPN_CMD_PEER_GET,
	DMVPN_CMD_NEIGH_NEW,
	DMVPN_CMD_NEIGH_SET,
	DMVPN_CMD_NEIGH_DEL,
	DMVPN_CMD_NEIGH_GET,
	DMVPN_CMD_NEIGH_FLUSH,
	DMVPN_CMD_SHORTCUT_SET,
	DMVPN_CMD_SHORTCUT_DEL,
	DMVPN_CMD_SHORTCUT_GET,
	DMVPN_CMD_SHORTCUT_FLUSH,
	DMVPN_CMD_PATH_GET,
	DMVPN_CMD_RESOLVE_NTF,
	DMVPN_CMD_REDIRECT_NTF,
	DMVPN_CMD_ONEWAY_NTF,
	DMVPN_CMD_SA_MISSING_NTF,
	DMVPN_CMD_PEER_CHANGED_NTF,
	DMVPN_CMD_PEER_DELETED_NTF,
	DMVPN_CMD_NEIGH_CHANGED_NTF,
	DMVPN_CMD_NEIGH_DELETED_NTF,
	DMVPN_CMD_NEIGH_EXPIRED_NTF,
	DMVPN_CMD_NEIGH_USED_NTF,
	DMVPN_CMD_SHORTCUT_CHANGED_NTF,
	DMVPN_CMD_SHORTCUT_DELETED_NTF,
	DMVPN_CMD_SHORTCUT_EXPIRED_NTF,
	DMVPN_CMD_SHORTCUT_USED_NTF,
	__DMVPN_CMD_MAX
};

#define DMVPN_CMD_MAX (__DMVPN_CMD_MAX - 1)

/**
 * enum dmvpn_feature - bits of DMVPN_DEV_A_FEATURES: what this module does
 * @DMVPN_FEATURE_REMOTE: IFLA_DMVPN_REMOTE
 * @DMVPN_FEATURE_IPSEC_REQUIRED: DMVPN_LINK_F_IPSEC_REQUIRED
 * @DMVPN_FEATURE_MULTICAST: copies of multicast and broadcast to peers with
 *	DMVPN_PEER_F_MULTICAST
 * @DMVPN_FEATURE_SHORTCUT: DMVPN_CMD_SHORTCUT_*
 * @DMVPN_FEATURE_REDIRECT: DMVPN_LINK_F_REDIRECT, DMVPN_CMD_REDIRECT_NTF
 * @DMVPN_FEATURE_ONEWAY: IFLA_DMVPN_ONEWAY_INTERVAL, DMVPN_CMD_ONEWAY_NTF
 * @DMVPN_FEATURE_PATH_GET: DMVPN_CMD_PATH_GET
 * @DMVPN_FEATURE_INNER_IPV6: IPv6 carried inside: neighbours, shortcuts, paths
 *	and upcalls with addresses of 16 bytes
 * @DMVPN_FEATURE_OUTER_IPV6: IPv6 NBMA addresses, IFLA_DMVPN_FAMILY
 * @DMVPN_FEATURE_STRICT_SOURCE: DMVPN_LINK_F_STRICT_SOURCE
 * @DMVPN_FEATURE_NHRP_RATE: IFLA_DMVPN_NHRP_RATE
 */
enum dmvpn_feature {
	DMVPN_FEATURE_REMOTE		= 1 << 0,
	DMVPN_FEATURE_IPSEC_REQUIRED	= 1 << 1,
	DMVPN_FEATURE_MULTICAST		= 1 << 2,
	DMVPN_FEATURE_SHORTCUT		= 1 << 3,
	DMVPN_FEATURE_REDIRECT		= 1 << 4,
	DMVPN_FEATURE_ONEWAY		= 1 << 5,
	DMVPN_FEATURE_PATH_GET		= 1 << 6,
	DMVPN_FEATURE_INNER_IPV6	= 1 << 7,
	DMVPN_FEATURE_OUTER_IPV6	= 1 << 8,
	DMVPN_FEATURE_STRICT_SOURCE	= 1 << 9,
	DMVPN_FEATURE_NHRP_RATE		= 1 << 10,
};

/**
 * enum dmvpn_drop - why a packet was not forwarded; index into
 * DMVPN_DEV_A_DROPS. The word after the constant is the same in every output.
 * @DMVPN_DROP_UNRESOLVED: `unresolved`: no usable next hop and no NHS
 * @DMVPN_DROP_TRANSIT_UNRESOLVED: `transit-unresolved`: the same for a packet
 *	that came in through the cloud and must not be sent around in it
 * @DMVPN_DROP_BACK_TO_INGRESS: `back-to-ingress`: the next hop is the peer
 *	that the packet came from
 * @DMVPN_DROP_NO_ROUTE: `no-route`: no underlay route to the NBMA address
 * @DMVPN_DROP_ROUTE_LOOP: `route-loop`: the underlay route leads into the
 *	tunnel itself
 * @DMVPN_DROP_NO_LOCAL: `no-local`: the interface that the local address
 *	follows has none
 * @DMVPN_DROP_NO_SA: `no-sa`: IPsec required, no SA for the peer, no other way
 * @DMVPN_DROP_CLEARTEXT: `cleartext`: IPsec required, received without ESP of
 *	its sender, or ICMP about such a packet; or netfilter changed it so that
 *	it would have left in clear
 * @DMVPN_DROP_TOO_BIG: `too-big`: does not fit the path; the sender was told
 * @DMVPN_DROP_BAD_INNER: `bad-inner`: inner header truncated or inconsistent
 * @DMVPN_DROP_UNSUPPORTED: `unsupported`: protocol that this device does not
 *	carry
 * @DMVPN_DROP_NO_MEMORY: `no-memory`
 * @DMVPN_DROP_BAD_GRE: `bad-gre`: a peer of this device sent a GRE header
 *	that is truncated or has refused bits (handed on, see `wrong-key`)
 * @DMVPN_DROP_BAD_CHECKSUM: `bad-checksum`: GRE checksum
 * @DMVPN_DROP_WRONG_KEY: `wrong-key`: a peer of this device sent with a key
 *	of no device here. The packet is not lost to others: it is handed on to
 *	ip_gre, which may know it
 * @DMVPN_DROP_UNKNOWN_SENDER: `unknown-sender`: data from no peer, refused
 * @DMVPN_DROP_ECN: `ecn`: RFC 6040: outer CE over an inner non-ECT packet
 * @DMVPN_DROP_NO_MULTICAST_PEER: `no-multicast-peer`
 * @DMVPN_DROP_RECURSION: `recursion`: tunnels nested too deeply
 * @DMVPN_DROP_SPOOFED: `spoofed`: strict source check
 * @DMVPN_DROP_NHRP_POLICED: `nhrp-policed`: NHRP of unknown senders beyond
 *	IFLA_DMVPN_NHRP_RATE
 * @DMVPN_DROP_REJECTED: `rejected`: the neighbour has DMVPN_NEIGH_F_REJECT
 * @DMVPN_DROP_NO_HEADER: `no-header`: an NHRP frame without NBMA address
 * @DMVPN_DROP_BACKLOG: `backlog`: received faster than this host handles it:
 *	the queue of the processor is full (net.core.netdev_max_backlog)
 * @DMVPN_DROP_MULTICAST_OVERFLOW: `multicast-overflow`: more multicast than
 *	the copying worker may hold; what it had no room for was not copied
 */
enum dmvpn_drop {
	DMVPN_DROP_UNSPEC,
	DMVPN_DROP_UNRESOLVED,
	DMVPN_DROP_TRANSIT_UNRESOLVED,
	DMVPN_DROP_BACK_TO_INGRESS,
	DMVPN_DROP_NO_ROUTE,
	DMVPN_DROP_ROUTE_LOOP,
	DMVPN_DROP_NO_LOCAL,
	DMVPN_DROP_NO_SA,
	DMVPN_DROP_CLEARTEXT,
	DMVPN_DROP_TOO_BIG,
	DMVPN_DROP_BAD_INNER,
	DMVPN_DROP_UNSUPPORTED,
	DMVPN_DROP_NO_MEMORY,
	DMVPN_DROP_BAD_GRE,
	DMVPN_DROP_BAD_CHECKSUM,
	DMVPN_DROP_WRONG_KEY,
	DMVPN_DROP_UNKNOWN_SENDER,
	DMVPN_DROP_ECN,
	DMVPN_DROP_NO_MULTICAST_PEER,
	DMVPN_DROP_RECURSION,
	DMVPN_DROP_SPOOFED,
	DMVPN_DROP_NHRP_POLICED,
	DMVPN_DROP_REJECTED,
	DMVPN_DROP_NO_HEADER,
	DMVPN_DROP_BACKLOG,
	DMVPN_DROP_MULTICAST_OVERFLOW,
	__DMVPN_DROP_MAX
};

/**
 * enum dmvpn_count - what happened besides drops; index into
 * DMVPN_DEV_A_COUNTS
 * @DMVPN_COUNT_VIA_NHS: `via-nhs`: packets sent through the hub for want of a
 *	usable next hop
 * @DMVPN_COUNT_UNKNOWN_SENDER: `unknown-sender`: data taken from no peer
 * @DMVPN_COUNT_ROUTE_LOOKUP: `route-lookup`: underlay route looked up
 * @DMVPN_COUNT_UPCALL: `upcall`: upcalls sent
 * @DMVPN_COUNT_UPCALL_SUPPRESSED: `upcall-suppressed`: by the rate limits
 * @DMVPN_COUNT_UPCALL_LOST: `upcall-lost`: nobody listened, or no memory
 * @DMVPN_COUNT_FRAGMENTED: `fragmented`: sent with DF clear for its size, of
 *	IPv6 outside: in fragments
 * @DMVPN_COUNT_VIA_SHORTCUT: `via-shortcut`: packets sent by a shortcut
 * @DMVPN_COUNT_REDIRECT: `redirect`: hairpins that user space was told of
 * @DMVPN_COUNT_REDIRECT_SUPPRESSED: `redirect-suppressed`: hairpins that it
 *	was not told of: interval, back-off or rate
 * @DMVPN_COUNT_MULTICAST_COPY: `multicast-copy`: copies sent of multicast and
 *	broadcast packets
 */
enum dmvpn_count {
	DMVPN_COUNT_UNSPEC,
	DMVPN_COUNT_VIA_NHS,
	DMVPN_COUNT_UNKNOWN_SENDER,
	DMVPN_COUNT_ROUTE_LOOKUP,
	DMVPN_COUNT_UPCALL,
	DMVPN_COUNT_UPCALL_SUPPRESSED,
	DMVPN_COUNT_UPCALL_LOST,
	DMVPN_COUNT_FRAGMENTED,
	DMVPN_COUNT_VIA_SHORTCUT,
	DMVPN_COUNT_REDIRECT,
	DMVPN_COUNT_REDIRECT_SUPPRESSED,
	DMVPN_COUNT_MULTICAST_COPY,
	__DMVPN_COUNT_MAX
};

/**
 * enum dmvpn_dev_attr - DMVPN_CMD_DEV_GET
 * @DMVPN_DEV_A_IFINDEX: u32; the request's key
 * @DMVPN_DEV_A_IFNAME: string, ro
 * @DMVPN_DEV_A_FEATURES: u32, ro; enum dmvpn_feature
 * @DMVPN_DEV_A_LOCAL: address, ro; the local NBMA address in use now, absent
 *	when there is none
 * @DMVPN_DEV_A_PEERS: u32, ro; how many there are
 * @DMVPN_DEV_A_NEIGHS: u32, ro
 * @DMVPN_DEV_A_SHORTCUTS: u32, ro
 * @DMVPN_DEV_A_DROPS: binary, ro; u64 array indexed by enum dmvpn_drop
 * @DMVPN_DEV_A_COUNTS: binary, ro; u64 array indexed by enum dmvpn_count
 */
enum dmvpn_dev_attr {
	DMVPN_DEV_A_UNSPEC,
	DMVPN_DEV_A_IFINDEX,
	DMVPN_DEV_A_IFNAME,
	DMVPN_DEV_A_FEATURES,
	DMVPN_DEV_A_LOCAL,
	DMVPN_DEV_A_PEERS,
	DMVPN_DEV_A_NEIGHS,
	DMVPN_DEV_A_SHORTCUTS,
	DMVPN_DEV_A_DROPS,
	DMVPN_DEV_A_COUNTS,
	__DMVPN_DEV_A_MAX
};

#define DMVPN_DEV_A_MAX (__DMVPN_DEV_A_MAX - 1)

/**
 * enum dmvpn_peer_flag - bits of DMVPN_PEER_A_FLAGS
 * @DMVPN_PEER_F_HUB: forwards for others; nothing that came from it falls
 *	back to an NHS
 * @DMVPN_PEER_F_NHS: may carry what has no usable next hop (and is a hub)
 * @DMVPN_PEER_F_MULTICAST: gets a copy of multicast and broadcast
 * @DMVPN_PEER_F_STATIC: ro; was made by DMVPN_CMD_PEER_NEW or _SET
 */
enum dmvpn_peer_flag {
	DMVPN_PEER_F_HUB	= 1 << 0,
	DMVPN_PEER_F_NHS	= 1 << 1,
	DMVPN_PEER_F_MULTICAST	= 1 << 2,
	DMVPN_PEER_F_STATIC	= 1 << 3,
};

/**
 * enum dmvpn_peer_attr - DMVPN_CMD_PEER_*
 * @DMVPN_PEER_A_IFINDEX: u32; key
 * @DMVPN_PEER_A_NBMA: address of the device's IFLA_DMVPN_FAMILY; key; neither
 *	zero, multicast nor broadcast, of IPv6 not link-local
 * @DMVPN_PEER_A_MARK: u32; key; within IFLA_DMVPN_MARK_MASK; default 0
 * @DMVPN_PEER_A_ID: u32, ro; stable, never 0
 * @DMVPN_PEER_A_FLAGS: bitfield32 of enum dmvpn_peer_flag
 * @DMVPN_PEER_A_PRIORITY: u32; among NHSs, 0 is best; default 0
 * @DMVPN_PEER_A_MTU: u32; upper bound of the inner packet's size, 0: none
 * @DMVPN_PEER_A_CLASSID: u32; skb priority of packets to the peer (tc class)
 * @DMVPN_PEER_A_COOKIE: binary, up to DMVPN_COOKIE_MAX bytes; the kernel
 *	keeps and returns it
 * @DMVPN_PEER_A_PMTU: u32, ro; what fits now, absent while no route is held
 * @DMVPN_PEER_A_OIF: u32 ifindex, ro; underlay interface, likewise
 * @DMVPN_PEER_A_SADDR: address, ro; outer source address, likewise
 * @DMVPN_PEER_A_ESP: u8, ro; 1: the route held goes through ESP
 * @DMVPN_PEER_A_RX_PACKETS: u64, ro
 * @DMVPN_PEER_A_RX_BYTES: u64, ro; inner bytes
 * @DMVPN_PEER_A_TX_PACKETS: u64, ro
 * @DMVPN_PEER_A_TX_BYTES: u64, ro; inner bytes
 * @DMVPN_PEER_A_LAST_RX: u64 ms ago, ro; absent: never
 * @DMVPN_PEER_A_LAST_TX: u64 ms ago, ro; absent: never
 * @DMVPN_PEER_A_NEIGHS: u32, ro; neighbours that point here
 * @DMVPN_PEER_A_PAD: alignment
 */
enum dmvpn_peer_attr {
	DMVPN_PEER_A_UNSPEC,
	DMVPN_PEER_A_IFINDEX,
	DMVPN_PEER_A_NBMA,
	DMVPN_PEER_A_MARK,
	DMVPN_PEER_A_ID,
	DMVPN_PEER_A_FLAGS,
	DMVPN_PEER_A_PRIORITY,
	DMVPN_PEER_A_MTU,
	DMVPN_PEER_A_CLASSID,
	DMVPN_PEER_A_COOKIE,
	DMVPN_PEER_A_PMTU,
	DMVPN_PEER_A_OIF,
	DMVPN_PEER_A_SADDR,
	DMVPN_PEER_A_ESP,
	DMVPN_PEER_A_RX_PACKETS,
	DMVPN_PEER_A_RX_BYTES,
	DMVPN_PEER_A_TX_PACKETS,
	DMVPN_PEER_A_TX_BYTES,
	DMVPN_PEER_A_LAST_RX,
	DMVPN_PEER_A_LAST_TX,
	DMVPN_PEER_A_NEIGHS,
	DMVPN_PEER_A_PAD,
	__DMVPN_PEER_A_MAX
};

#define DMVPN_PEER_A_MAX (__DMVPN_PEER_A_MAX - 1)

/**
 * enum dmvpn_neigh_flag - bits of DMVPN_NEIGH_A_FLAGS
 * @DMVPN_NEIGH_F_STATIC: spared by DMVPN_CMD_NEIGH_FLUSH
 * @DMVPN_NEIGH_F_UNCONFIRMED: known but not usable: no exchange with the peer
 *	was seen on the direct path yet; data goes through the hub
 * @DMVPN_NEIGH_F_REJECT: negative: dropped, and the sender told
 * @DMVPN_NEIGH_F_REGISTERED: the peer registered it here (information)
 * @DMVPN_NEIGH_F_UNIQUE: registered as unique (information)
 */
enum dmvpn_neigh_flag {
	DMVPN_NEIGH_F_STATIC		= 1 << 0,
	DMVPN_NEIGH_F_UNCONFIRMED	= 1 << 1,
	DMVPN_NEIGH_F_REJECT		= 1 << 2,
	DMVPN_NEIGH_F_REGISTERED	= 1 << 3,
	DMVPN_NEIGH_F_UNIQUE		= 1 << 4,
};

/**
 * enum dmvpn_neigh_attr - DMVPN_CMD_NEIGH_*
 * @DMVPN_NEIGH_A_IFINDEX: u32; key
 * @DMVPN_NEIGH_A_ADDR: address; key; protocol (tunnel) address, unicast,
 *	link-local ones too
 * @DMVPN_NEIGH_A_ID: u32, ro; stable, never 0
 * @DMVPN_NEIGH_A_NBMA: address; the peer; needed when the entry is new, unless
 *	it has DMVPN_NEIGH_F_REJECT
 * @DMVPN_NEIGH_A_MARK: u32; the peer's mark
 * @DMVPN_NEIGH_A_FLAGS: bitfield32 of enum dmvpn_neigh_flag
 * @DMVPN_NEIGH_A_EXPIRES: u32 ms from now, 0: never (default). Once over, the
 *	entry counts as absent at once; the event follows within about a second
 * @DMVPN_NEIGH_A_REFRESH: u32 ms; an entry used within so long before its end
 *	raises one DMVPN_CMD_NEIGH_USED_NTF; 0: none (default)
 * @DMVPN_NEIGH_A_COOKIE: binary, up to DMVPN_COOKIE_MAX bytes
 * @DMVPN_NEIGH_A_USED: u64 ms ago, ro, to the second; absent: never used
 * @DMVPN_NEIGH_A_CREATED: u64 ms ago, ro
 * @DMVPN_NEIGH_A_PAD: alignment
 */
enum dmvpn_neigh_attr {
	DMVPN_NEIGH_A_UNSPEC,
	DMVPN_NEIGH_A_IFINDEX,
	DMVPN_NEIGH_A_ADDR,
	DMVPN_NEIGH_A_ID,
	DMVPN_NEIGH_A_NBMA,
	DMVPN_NEIGH_A_MARK,
	DMVPN_NEIGH_A_FLAGS,
	DMVPN_NEIGH_A_EXPIRES,
	DMVPN_NEIGH_A_REFRESH,
	DMVPN_NEIGH_A_COOKIE,
	DMVPN_NEIGH_A_USED,
	DMVPN_NEIGH_A_CREATED,
	DMVPN_NEIGH_A_PAD,
	__DMVPN_NEIGH_A_MAX
};

#define DMVPN_NEIGH_A_MAX (__DMVPN_NEIGH_A_MAX - 1)

/**
 * enum dmvpn_shortcut_attr - DMVPN_CMD_SHORTCUT_*
 * @DMVPN_SHORTCUT_A_IFINDEX: u32; key
 * @DMVPN_SHORTCUT_A_PREFIX: address; key; host bits zero, not multicast
 * @DMVPN_SHORTCUT_A_PREFIXLEN: u8; key
 * @DMVPN_SHORTCUT_A_ID: u32, ro; stable, never 0
 * @DMVPN_SHORTCUT_A_NEXTHOP: address of a neighbour, which need not exist yet,
 *	of the prefix's family; needed when the entry is new
 * @DMVPN_SHORTCUT_A_VIA: address; the routed next hop that the shortcut was
 *	learnt under; it counts only while the route still has this next hop.
 *	Without it, it counts under any. IPv6 also for an IPv4 prefix, as
 *	routes have it
 * @DMVPN_SHORTCUT_A_EXPIRES: u32 ms from now, 0: never
 * @DMVPN_SHORTCUT_A_REFRESH: u32 ms, as for neighbours
 * @DMVPN_SHORTCUT_A_COOKIE: binary, up to DMVPN_COOKIE_MAX bytes
 * @DMVPN_SHORTCUT_A_USED: u64 ms ago, ro; absent: never used
 * @DMVPN_SHORTCUT_A_CREATED: u64 ms ago, ro
 * @DMVPN_SHORTCUT_A_PAD: alignment
 */
enum dmvpn_shortcut_attr {
	DMVPN_SHORTCUT_A_UNSPEC,
	DMVPN_SHORTCUT_A_IFINDEX,
	DMVPN_SHORTCUT_A_PREFIX,
	DMVPN_SHORTCUT_A_PREFIXLEN,
	DMVPN_SHORTCUT_A_ID,
	DMVPN_SHORTCUT_A_NEXTHOP,
	DMVPN_SHORTCUT_A_VIA,
	DMVPN_SHORTCUT_A_EXPIRES,
	DMVPN_SHORTCUT_A_REFRESH,
	DMVPN_SHORTCUT_A_COOKIE,
	DMVPN_SHORTCUT_A_USED,
	DMVPN_SHORTCUT_A_CREATED,
	DMVPN_SHORTCUT_A_PAD,
	__DMVPN_SHORTCUT_A_MAX
};

#define DMVPN_SHORTCUT_A_MAX (__DMVPN_SHORTCUT_A_MAX - 1)

/**
 * enum dmvpn_path_attr - DMVPN_CMD_PATH_GET
 * @DMVPN_PATH_A_IFINDEX: u32; key
 * @DMVPN_PATH_A_DST: address; inner destination; key
 * @DMVPN_PATH_A_NEXTHOP: address; the routed next hop; in requests it stands
 *	for the route, without it the FIB of the device's VRF is asked (by the
 *	destination alone). Absent in answers: no route leads into the device
 * @DMVPN_PATH_A_NBMA: address, ro; the peer chosen, absent: none
 * @DMVPN_PATH_A_MARK: u32, ro
 * @DMVPN_PATH_A_HOW: u8, ro; enum dmvpn_path_how
 * @DMVPN_PATH_A_PREFIX: address, ro; the shortcut that counts; when its
 *	neighbour is not usable, DMVPN_PATH_A_HOW tells what is taken instead
 * @DMVPN_PATH_A_PREFIXLEN: u8, ro
 * @DMVPN_PATH_A_DROP: u32, ro; enum dmvpn_drop when nothing was chosen
 */
enum dmvpn_path_attr {
	DMVPN_PATH_A_UNSPEC,
	DMVPN_PATH_A_IFINDEX,
	DMVPN_PATH_A_DST,
	DMVPN_PATH_A_NEXTHOP,
	DMVPN_PATH_A_NBMA,
	DMVPN_PATH_A_MARK,
	DMVPN_PATH_A_HOW,
	DMVPN_PATH_A_PREFIX,
	DMVPN_PATH_A_PREFIXLEN,
	DMVPN_PATH_A_DROP,
	__DMVPN_PATH_A_MAX
};

#define DMVPN_PATH_A_MAX (__DMVPN_PATH_A_MAX - 1)

/**
 * enum dmvpn_path_how - how a peer was chosen
 * @DMVPN_PATH_NONE: it was not
 * @DMVPN_PATH_REMOTE: the device's remote
 * @DMVPN_PATH_NEIGH: a neighbour for the next hop
 * @DMVPN_PATH_SHORTCUT: a shortcut
 * @DMVPN_PATH_NHS: through the hub
 */
enum dmvpn_path_how {
	DMVPN_PATH_NONE,
	DMVPN_PATH_REMOTE,
	DMVPN_PATH_NEIGH,
	DMVPN_PATH_SHORTCUT,
	DMVPN_PATH_NHS,
};

/**
 * enum dmvpn_event_attr - upcalls (DMVPN_CMD_RESOLVE_NTF and its like)
 * @DMVPN_EVENT_A_IFINDEX: u32; of a redirect the device that the packet came
 *	in by
 * @DMVPN_EVENT_A_NEXTHOP: address; the next hop that is not usable, of a
 *	redirect the routed one
 * @DMVPN_EVENT_A_SRC: address; inner source
 * @DMVPN_EVENT_A_DST: address; inner destination
 * @DMVPN_EVENT_A_NBMA: address; the peer meant (oneway, sa-missing), or the
 *	one the packet left to (redirect)
 * @DMVPN_EVENT_A_MARK: u32; its mark
 * @DMVPN_EVENT_A_INGRESS_NBMA: address; the peer a transit packet came from,
 *	absent: not known
 * @DMVPN_EVENT_A_INGRESS_MARK: u32; its mark
 * @DMVPN_EVENT_A_HEAD: binary; up to DMVPN_HEAD_MAX first bytes of the inner
 *	packet (redirect)
 */
enum dmvpn_event_attr {
	DMVPN_EVENT_A_UNSPEC,
	DMVPN_EVENT_A_IFINDEX,
	DMVPN_EVENT_A_NEXTHOP,
	DMVPN_EVENT_A_SRC,
	DMVPN_EVENT_A_DST,
	DMVPN_EVENT_A_NBMA,
	DMVPN_EVENT_A_MARK,
	DMVPN_EVENT_A_INGRESS_NBMA,
	DMVPN_EVENT_A_INGRESS_MARK,
	DMVPN_EVENT_A_HEAD,
	__DMVPN_EVENT_A_MAX
};

#define DMVPN_EVENT_A_MAX (__DMVPN_EVENT_A_MAX - 1)

#endif /* _UAPI_LINUX_DMVPN_H */
