# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Hubs in a chain: each is the next hop server of the other, and each spoke
# knows one. A spoke finds the other's spoke through both.
#
#      R1 1.1.1.1 .1 ---- R2 2.2.2.2 .2       192.168.1.0/24
#           |                  |
#      R6 6.6.6.6 .6      R8 8.8.8.8 .8
#
rules R4
kernels uml-debug
timeout 60

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
router 1 2 'ip nhrp map multicast dynamic'
router 2 1 'ip nhrp map multicast dynamic'
router 6 1
router 8 2

# knows A B: A's kernel sends to B without a hub
knows() {
	json "[.interfaces[].peers[] | select(.protocol == \"192.168.1.$2\" and
		.nbma == \"$2.$2.$2.$2\" and (.flags | index(\"unconfirmed\") | not))] | length == 1" \
		on "R$1" dmvpn -j peer show
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
