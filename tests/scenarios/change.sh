# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Every attribute of a device changed under traffic, and the device moved
# between namespaces while its underlay stays where it was made.
#
#    A 1.1.1.1, 1.1.1.2 ---- inet ---- 6.6.6.6 B      V: a namespace
#      lan0 10.0.1.1                   lan0 10.0.6.6     without wires
#      w0 100.99.0.1 ------------- 100.99.0.2 w0
#
rules R1 R4 R7
kernels uml-debug
nightly 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/pair.sh"

underlay A=1.1.1.1 B=6.6.6.6
host V
addr A lo 1.1.1.2/32
on inet ip route add 1.1.1.2/32 via 100.64.1.2
link A:w0 B:w0
addr A w0 100.99.0.1/24
addr B w0 100.99.0.2/24
load_module
lan A lan0 10.0.1.1/24
lan B lan0 10.0.6.6/24
pair
require "A reaches B" on A ping -c 1 -I 10.0.1.1 10.0.6.6

# ---- attributes ----

# changes WORD VALUE...: each in its turn, as `link show` says afterwards.
changes() {
	local word=$1 value
	shift
	for value; do
		expect "$word becomes $value" on A dmvpn link set dmvpn0 $word $value
		expect "and is shown" prints " $word $value( |$)" on A dmvpn link show dmvpn0
	done
}
# leaves_by DEV SOURCE: the underlay's route to B now.
leaves_by() {
	expect "packets leave by $1 from $2" \
		eventually_same "$1 $2" peer A dmvpn0 6.6.6.6 underlay_dev underlay_source
}
eventually_same() {
	local try
	for try in {1..20}; do
		same "$1" "$("${@:2}")" && return
		sleep 0.1
	done
	return 1
}

udp_start A-B A:10.0.1.1 B:10.0.6.6
udp_start B-A B:10.0.6.6 A:10.0.1.1
changes ttl 33 inherit 255
changes tos 72 inherit
changes df unset inherit set
changes network-id 7 0
changes redirect-interval 3
changes oneway-interval 3
changes nhrp-rate 10
changes accept known any
changes fallback drop nhs
changes max-peers 1 1000
changes max-neighs 1 1000
changes max-shortcuts 1 1000
changes mtu 600 1400
for value in on off on; do
	expect "redirect becomes $value" on A dmvpn link set dmvpn0 redirect $value
done

on A ip route add 6.6.6.6/32 via 100.99.0.2 metric 9
on A ip route add 6.6.6.6/32 via 100.64.1.1 metric 8
on A ip route add default via 100.99.0.2 table 77
on A ip rule add fwmark 0x70 table 77
leaves_by eth0 1.1.1.1
changes link w0
leaves_by w0 1.1.1.1
changes link eth0
leaves_by eth0 1.1.1.1
expect "link becomes none" on A dmvpn link set dmvpn0 link none
changes mark 112
leaves_by w0 1.1.1.1
changes mark 0
leaves_by eth0 1.1.1.1
changes local any
for address in 1.1.1.2 100.64.1.2; do
	on B dmvpn peer set dmvpn0 192.168.1.1 nbma $address
	case $address in
	1.*) changes local $address any ;;
	*) changes local 'dev eth0' any ;;
	esac
done
on B dmvpn peer set dmvpn0 192.168.1.1 nbma 1.1.1.1
changes local 1.1.1.1
udp_stop A-B > /dev/null
udp_stop B-A > /dev/null
expect "none of it lost a packet" lossless A-B B-A

expect "the mark mask stays while peers exist" \
	prints 'mark mask is fixed' on A dmvpn link set dmvpn0 mark-mask 0xff
expect "so does pointopoint always" \
	prints 'fixed at creation' on A dmvpn link set dmvpn0 pointopoint on
before=$(dropped A dmvpn0 no-sa)
on A dmvpn link set dmvpn0 ipsec required
expect "with IPsec required nothing leaves" not on A ping -c 1 -W 1 192.168.1.6
expect "as counted" grew no-sa 1 "$before" "$(dropped A dmvpn0 no-sa)"
on A dmvpn link set dmvpn0 ipsec off
expect "without it all does" on A ping -c 1 -W 2 192.168.1.6

# ---- namespaces ----

# move FROM TO: under traffic from B to A's LAN.
move() {
	on "$1" ip link set dmvpn0 netns "${host_pid[$2]}"
	on "$2" ip -batch - <<-IP
		addr add 192.168.1.1/24 dev dmvpn0
		link set dmvpn0 up
	IP
	expect "in $2 it reaches B by A's underlay" on "$2" ping -c 1 -W 2 192.168.1.6
	expect "B reaches it" on B ping -c 1 -W 2 192.168.1.1
}
udp_start B-V B:192.168.1.6 A:10.0.1.1
on A dmvpn link set dmvpn0 local dev eth0 link eth0
on B dmvpn peer set dmvpn0 192.168.1.1 nbma 100.64.1.2
for n in 1 2 3; do
	move A V
	expect "a change there keeps the rest ($n)" on V dmvpn link set dmvpn0 ttl $((60 + n))
	expect "packets still pass" on V ping -c 1 -W 2 192.168.1.6
	expect "by A's underlay" same 100.64.1.2 \
		"$(peer V dmvpn0 6.6.6.6 underlay_source)"
	[ $n = 3 ] || move V A
done
expect "A cannot have another one like it" prints 'with this local, remote and key exists' \
	on A dmvpn link add twin local dev eth0 key 42
on V ip link add twin up type dmvpn
expect "V can: its underlay is another" on V dmvpn link set twin local 100.64.1.2 key 42
on A ip addr del 100.64.1.2/30 dev eth0
expect "without A's address it does not send" not on V ping -c 1 -W 1 192.168.1.6
expect "and counts why" grew no-local 1+ 0 "$(dropped V dmvpn0 no-local)"
on A ip addr add 100.64.1.2/30 dev eth0
on A ip route replace 6.6.6.6/32 via 100.64.1.1 metric 8
expect "with it it does" on V ping -c 1 -W 2 192.168.1.6
on V ip link del twin
move V A
udp_stop B-V > /dev/null

unload A:dmvpn0 B:dmvpn0
