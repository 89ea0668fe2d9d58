# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# IPv6 inside, beside IPv4 on the same devices: phase 3 between IPv6 networks
# with a routing daemon that uses link-local next hops, and what is asked of
# IPv4 (nothing lost, nothing forgotten) asked of IPv6.
#
#                R3  150.1.3.3   tunnel 10.0.0.3, 2001:db8::3     hub
#                 |
#               inet
#              /    \
#    R4 150.1.4.4  R5 150.1.5.5  tunnel 10.0.0.4 .5, 2001:db8::4 ::5
#   172.16.4.0/24  172.16.5.0/24
#  2001:db8:4::/64 2001:db8:5::/64
#    host H4 .1 ::1  host H5 .1 ::1
rules R2 R3 R4 R8
kernels 6.12 uml-debug
nightly 6.1
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5
seed3_lans6 4 5
seed3_daemons "$seed3_both"
seed3_routes

# link_local N: RN's own on the tunnel
link_local() {
	on "R$1" ip -6 -j addr show dev Tunnel0 scope link |
		jq -r '[.[].addr_info[]?.local // empty] | join(" ")'
}
# bound N ADDRESS: the hub's kernel has that address at RN's public one
bound() {
	json "[.interfaces[].peers[] | select(.protocol == \"$2\" and
		.nbma == \"150.1.$1.$1\")] | length == 1" on R3 dmvpn -j peer show
}
for n in 4 5; do
	eventually 20 "R$n is registered with its IPv6 address" bound $n 2001:db8::$n
	eventually 10 "and with its link-local one" bound $n "$(link_local $n)"
done
stop_if_failed
hub=$(link_local 3)

seed3_bgp ipv6
# routes HOST: what BGP made of the cloud, "NET VIA" a line
routes() {
	on "$1" ip -6 -j route show proto bgp | jq -r '.[] | "\(.dst) \(.gateway)"' | sort
}
for n in 4 5; do
	eventually 40 "R$n has the summary, behind the hub's link-local address" \
		eval "same '2001:db8::/32 $hub' \"\$(routes R$n)\""
done
stop_if_failed

# ---- through the hub, then directly ----
# The spokes' daemons are stopped, so that there is time to look.
for n in 4 5; do
	nhrpd_kill R$n STOP
done
# (Before the streams: what a hub sends back costs Linux' IPv6 the allowance
# for ICMP errors to the same host.)
expect "traffic goes through the hub" \
	same "2001:db8:4::254 2001:db8::3 2001:db8::5 2001:db8:5::1" "$(hops H4 2001:db8:5::1)"
udp_start H4-H5 H4 H5:2001:db8:5::1 100
udp_start H5-H4 H5 H4:2001:db8:4::1 100
udp_start v4 H4 H5:172.16.5.1 50
for n in 4 5; do
	nhrpd_kill R$n CONT
done
eventually 15 "R4 has a shortcut to R5's network" shortcut6 4 5
eventually 15 "R5 has a shortcut to R4's network" shortcut6 5 4
eventually 15 "IPv4 has its own" shortcut 4 172.16.5.0/24 5
stop_if_failed
expect "the hub is one hop less on the way there" \
	same "2001:db8:4::254 2001:db8::5 2001:db8:5::1" "$(hops H4 2001:db8:5::1)"
expect "and on the way back" \
	same "2001:db8:5::254 2001:db8::4 2001:db8:4::1" "$(hops H5 2001:db8:4::1)"
expect "BGP has not seen them" same "2001:db8::/32 $hub" "$(routes R4)"

# ---- what an operator sees ----
expect "show ipv6 nhrp has the prefix" \
	prints '^2001:db8:5::/64 via 2001:db8::5$' on R4 dmvpn show ipv6 nhrp
expect "and not IPv4's" not prints '172\.16|10\.0\.0' on R4 dmvpn show ipv6 nhrp
expect "show ip nhrp has IPv4's alone" not prints '2001:|fe80:' on R4 dmvpn show ip nhrp
expect "show ipv6 nhrp nhs" prints '^2001:db8::3  RE  NBMA Address: 150.1.3.3' \
	on R4 dmvpn show ipv6 nhrp nhs
expect "show ipv6 nhrp traffic counts IPv6's packets" \
	json '.interfaces[0].ipv6.traffic.sent.registration_request > 0 and
		.interfaces[0].ipv6.traffic.received.traffic_indication > 0' \
	on R4 dmvpn -j show ipv6 nhrp traffic
expect "show ipv6 cef tells the next hop" prints 'nexthop 2001:db8::5 Tunnel0' \
	on R4 dmvpn show ipv6 cef 2001:db8:5::1
expect "show dmvpn has a section for either family" \
	prints 'IPv6 NHRP Details' on R4 dmvpn show dmvpn
expect "with the spoke" prints 'Tunnel IPv6 Address: 2001:db8::5' \
	on R4 dmvpn show dmvpn ipv6

# ---- nhrpd dies ----
outlived R3 R4
expect "R4: the new nhrpd knows the shortcut" \
	prints '^2001:db8:5::/64 via 2001:db8::5$' on R4 dmvpn show ipv6 nhrp
for name in H4-H5 H5-H4 v4; do
	udp_stop $name
done
expect "not one packet was lost" lossless H4-H5 H5-H4 v4

# ---- the device ----
# Down or with too small an MTU the kernel takes IPv6 addresses away.
own=$(link_local 5)
expect "the link-local address is not made of the NBMA address" \
	not prints '5efe:' echo "$own"
on R5 sh -c 'ip link set Tunnel0 down; ip link set Tunnel0 up'
addresses() { # N: all of IPv6 on the tunnel
	on "R$1" ip -6 -j addr show dev Tunnel0 |
		jq -r '[.[].addr_info[]?.local // empty] | sort | join(" ")'
}
eventually 10 "down and up again it has the same addresses" \
	eval "same '2001:db8::5 $own' \"\$(addresses 5)\""
on R5 ip link set Tunnel0 mtu 1200
eventually 10 "too small an MTU is told, and IPv4 goes on" \
	json '.interfaces[0] | .reason == "IPv6 needs an MTU of 1280 or more" and
		([.nhs[] | select(.family == "ipv4")][0].up)' on R5 dmvpn -j show ip nhrp
on R5 ip link set Tunnel0 mtu 1400
eventually 10 "it has the same addresses again" \
	eval "same '2001:db8::5 $own' \"\$(addresses 5)\""
eventually 20 "and reaches the hub" on R5 ping -c 1 -W 1 2001:db8::3

# ---- IPv6 alone ----
nhrpd_kill R5 TERM
on R5 dmvpn link del Tunnel0
nhrpd R5 < <(seed3_conf 5 | sed "$seed3_both" | grep -v '^ ip ')
eventually 10 "a new device has the same link-local address" \
	eval "same '$own' \"\$(link_local 5)\""
eventually 20 "NHRP runs for IPv6 alone" \
	json '.interfaces[0] | .protocol == null and .reason == "" and
		([.nhs[] | [.family, .up]] == [["ipv6", true]])' on R5 dmvpn -j show
eventually 10 "and R5 reaches the hub" on R5 ping -c 1 -W 1 2001:db8::3
