# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Hubs in a chain: each is the next hop server of the other, and each spoke
# knows one. A spoke finds the other's spoke through both, and the network
# behind it when it has nothing but a summary (phase 3).
#
#      R1 1.1.1.1 .1 ---- R2 2.2.2.2 .2       192.168.1.0/24
#           |                  |
#      R6 6.6.6.6 .6      R8 8.8.8.8 .8
#      172.16.6.0/24      172.16.8.0/24       hosts H6, H8 .1
#
rules R4 R8
kernels uml-debug
nightly 6.12
timeout 90

underlay R1=1.1.1.1@Loopback0 R2=2.2.2.2@Loopback0 \
	R6=6.6.6.6@Loopback0 R8=8.8.8.8@Loopback0
load_module
# router N HUB LINE...: RN, with R(HUB) as its next hop server
router() {
	nhrpd "R$1" <<-CONF
		interface Tunnel0
		 ip address 192.168.1.$1 255.255.255.0
		 ip nhrp map 192.168.1.$2 $2.$2.$2.$2
		 ip nhrp network-id 1
		 ip nhrp nhs 192.168.1.$2
		$(printf ' %s\n' "${@:3}")
		 tunnel source Loopback0
	CONF
}
router 1 2 'ip nhrp map multicast dynamic' 'ip nhrp redirect'
router 2 1 'ip nhrp map multicast dynamic' 'ip nhrp redirect'
router 6 1 'ip nhrp shortcut'
router 8 2 'ip nhrp shortcut'

# knows A B: A's kernel sends to B without a hub
knows() {
	confirmed "R$1" "192.168.1.$2" "$2.$2.$2.$2"
}
for pair in '1 2' '2 1' '1 6' '2 8'; do
	read -r a b <<< "$pair"
	eventually 20 "R$a has R$b" knows "$a" "$b"
done
stop_if_failed

udp_start out R6 R8:192.168.1.8
udp_start back R8 R6:192.168.1.6
eventually 10 "R6 reaches R8 directly" knows 6 8
eventually 10 "R8 reaches R6 directly" knows 8 6
udp_stop out
udp_stop back
expect "nothing was lost from the first packet to the direct path" lossless out back

# ---- networks behind them ----
for n in 6 8; do
	host_behind R$n:lan 172.16.$n.254/24 H$n 172.16.$n.1/24
done
while read -r router net via; do
	on $router ip route add $net via 192.168.1.$via
done <<-ROUTES
	R6 172.16.0.0/16 1
	R1 172.16.6.0/24 6
	R1 172.16.8.0/24 2
	R2 172.16.6.0/24 1
	R2 172.16.8.0/24 8
	R8 172.16.0.0/16 2
ROUTES
# shortcut A B: A's kernel has one for B's network
shortcut() {
	json "[.interfaces[].shortcuts[] | select(.prefix == \"172.16.$2.0/24\" and
		.nexthop == \"192.168.1.$2\")] | length == 1" on "R$1" dmvpn -j shortcut show
}
udp_start lans H6 H8:172.16.8.1 100
udp_start lans-back H8 H6:172.16.6.1 100
eventually 10 "R6 has a shortcut to R8's network" shortcut 6 8
eventually 10 "R8 has a shortcut to R6's network" shortcut 8 6
udp_stop lans
udp_stop lans-back
expect "nothing was lost here either" lossless lans lans-back

capture_stop
# on_wire HOST SRC DST TYPE
on_wire() {
	prints "^$2.$2.$2.$2	$3.$3.$3.$3" pcap "R$1" eth0 \
		"nhrp.hdr.op.type == $4 && nhrp.dst.prot.addr == 192.168.1.8 &&
		nhrp.src.prot.addr == 192.168.1.6" ip.src ip.dst
}
for leg in '6 1' '1 2' '2 8'; do
	read -r a b <<< "$leg"
	expect "the request went from R$a to R$b" on_wire "$b" "$a" "$b" 1
done
for leg in '8 2' '2 1' '1 6'; do
	read -r a b <<< "$leg"
	expect "the reply went from R$a to R$b" on_wire "$b" "$a" "$b" 2
done
