# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 3 over an underlay that is IPv6 and nothing else, with IPv4
# and IPv6 inside: its configurations but for addresses and mode, and what is
# asked there asked here.
#
#                R3  3fff:150::3   tunnel 10.0.0.3, 2001:db8::3     hub
#                 |
#               inet               3fff:100:N::/64 to each
#              /    \
#  R4 3fff:150::4  R5 3fff:150::5  tunnel 10.0.0.4 .5, 2001:db8::4 ::5
#   172.16.4.0/24  172.16.5.0/24
#  2001:db8:4::/64 2001:db8:5::/64
#    host H4 .1 ::1  host H5 .1 ::1
rules R2 R3 R4 R8
nightly uml-debug 6.12
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_over6
seed3_underlay 4 5
seed3_lans6 4 5
seed3_daemons "$seed3_both
s/^ ip nhrp shortcut/&\n ip nhrp registration no-unique\n ipv6 nhrp registration no-unique/"
for n in 4 5; do
	eventually 20 "R$n is registered with its IPv6 address" registered $n 2001:db8::$n
done
stop_if_failed
seed3_routes
seed3_routes6 4 5
expect "there is no IPv4 between them" same "" "$(on inet ip -4 -o addr show scope global)"
expect "R4's tunnel is over IPv6, from the loopback's address" \
	json '.interfaces[0] | .family == "ipv6" and .local_dev == "Loopback0"' \
	on R4 dmvpn -j link show Tunnel0

# ---- through the hub ----
# The spokes' daemons are stopped, so that there is time to look.
for n in 4 5; do
	nhrpd_kill R$n STOP
done
expect "IPv6 goes through the hub" \
	same "2001:db8:4::254 2001:db8::3 2001:db8::5 2001:db8:5::1" "$(hops H4 2001:db8:5::1)"
expect "IPv4 too" \
	same "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
udp_start H4-H5 H4 H5:172.16.5.1 100
udp_start H5-H4 H5 H4:172.16.4.1 100
udp_start H4-H5-6 H4 H5:2001:db8:5::1 100
udp_start H5-H4-6 H5 H4:2001:db8:4::1 100
for n in 4 5; do
	nhrpd_kill R$n CONT
done

# ---- directly ----
for pair in '4 5' '5 4'; do
	read -r n peer <<< "$pair"
	eventually 15 "R$n has a shortcut to R$peer's IPv4 network" \
		shortcut $n 172.16.$peer.0/24 $peer
	eventually 15 "and to its IPv6 network" shortcut6 $n $peer
done
stop_if_failed
for pair in '4 5' '5 4'; do
	read -r n peer <<< "$pair"
	expect "the hub is one hop less from H$n in IPv4" \
		same "172.16.$n.254 10.0.0.$peer 172.16.$peer.1" "$(hops H$n 172.16.$peer.1)"
	expect "and in IPv6" \
		same "2001:db8:$n::254 2001:db8::$peer 2001:db8:$peer::1" "$(hops H$n 2001:db8:$peer::1)"
	expect "R$n: show ip nhrp has where R$peer is" \
		prints "NBMA address: 3fff:150::$peer\$" on R$n dmvpn show ip nhrp
	expect "R$n: show dmvpn too" prints ' 3fff:150::'$peer on R$n dmvpn show dmvpn
done
expect "R4: the NHS, IPv6's" prints '^2001:db8::3  RE  NBMA Address: 3fff:150::3' \
	on R4 dmvpn show ipv6 nhrp nhs

# ---- nhrpd dies ----
outlived R3 R4
for name in H4-H5 H5-H4 H4-H5-6 H5-H4-6; do
	udp_stop $name
done
expect "not one packet was lost" lossless H4-H5 H5-H4 H4-H5-6 H5-H4-6

# ---- sizes ----
# 1500 - 40 outer, 4 GRE; what is larger and may be fragmented is, outside
eventually 10 "IPv4 fits what is left of the wire" \
	on H4 ping -c 1 -W 2 -M do -s $((1500 - 44 - 28)) 172.16.5.1
expect "not one byte more" not on H4 ping -c 1 -W 2 -M do -s $((1500 - 44 - 27)) 172.16.5.1
expect "a larger packet comes in pieces" on H4 ping -c 1 -W 2 -M dont -s 3000 172.16.5.1
eventually 10 "IPv6's, too" on H4 ping -c 1 -W 2 -s 3000 2001:db8:5::1

# ---- another address ----
on inet ip route add 3fff:150::14/128 via 3fff:100:2::2
addr R4 Loopback0 3fff:150::14/128
on R4 ip addr del 3fff:150::4/128 dev Loopback0
on R4 ip route replace default via 3fff:100:2::1 src 3fff:150::14
eventually 20 "R4 has moved, and the hub knows" \
	json '[.interfaces[].peers[] | select(.protocol == "10.0.0.4" or
		.protocol == "2001:db8::4") | .nbma] | unique == ["3fff:150::14"]' \
	on R3 dmvpn -j peer show
eventually 20 "H4 reaches H5" on H4 ping -c 1 -W 1 172.16.5.1

# ---- what was on the wire ----
capture_stop
expect "R4's wire had no IPv4" same "" "$(outer R4 eth0 ip)"
# One look at NHRP, by another reader of it: "SRC DST TYPE AFN NBMA-LENGTH".
pcap R3 eth0 nhrp ipv6.src ipv6.dst nhrp.hdr.op.type nhrp.hdr.afn nhrp.hdr.shtl.len \
	_ws.malformed _ws.expert.severity |
	awk -F'\t' '{ sub(/,.*/, "", $1); sub(/,.*/, "", $2); fault = $6 != ""
		for (i = split($7, severity, ","); i; i--)
			fault = fault || severity[i] + 0 >= 6291456
		print $1, $2, $3, substr($4, 6), $5, fault ? "bad" : "good" }' > /tmp/packets
cat /tmp/packets
expect "R4 registered with IPv6 NBMA addresses" \
	grep '^3fff:150::4 3fff:150::3 3 2 16 good$' /tmp/packets
expect "the hub told it of a better way" grep '^3fff:150::3 3fff:150::4 8 2 16 good$' /tmp/packets
expect "R4's resolution request went through the hub" \
	grep '^3fff:150::3 3fff:150::5 1 2 16 good$' /tmp/packets
expect "all of NHRP was so" not grep -v ' 2 16 good$' /tmp/packets
