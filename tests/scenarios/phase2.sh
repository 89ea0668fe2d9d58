# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 2: spokes resolve each other through the hub, then talk
# directly; nothing is lost by the switch.   Drawing: lib/seed2.sh
rules R3 R4 R9
kernels 6.12 6.1 uml-debug
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

# A table without its times, for comparison with the seed's.
timeless() {
	sed -E 's/[0-9]{2}:[0-9]{2}:[0-9]{2}/TT:TT:TT/g; s/ +$//'
}

show_is() {
	local want=$1 got
	shift
	got=$("$@" | timeless)
	diff <(printf '%s\n' "$want") <(printf '%s\n' "$got")
}

load_module
seed2_underlay
seed2_hub
for n in 6 7 8; do
	seed2_spoke $n 'no tunnel destination' 'tunnel mode gre multipoint'
done
eventually 20 "all spokes are registered with the hub" registered 6 7 8
seed2_bgp_hub
seed2_bgp_spoke 6
seed2_bgp_spoke 8
eventually 40 "R8 has R6's network with R6 as next hop" route 8 66.66.66.0/24 192.168.1.6
eventually 40 "R6 has R8's network with R8 as next hop" route 6 88.88.88.0/24 192.168.1.8
stop_if_failed

# ---- from the first packet on ----
events r8 R8 dmvpn monitor
udp_start H8-H6 H8 H6:66.66.66.1
udp_start H6-H8 H6 H8:88.88.88.1
eventually 10 "R8 reaches R6 directly" direct 8 6
eventually 10 "R6 reaches R8 directly" direct 6 8
expect "ping 66.66.66.66" on R8 ping -c 5 -i 0.2 -W 2 66.66.66.66
expect "ping 66.66.66.66 source lo0" on R8 ping -c 5 -i 0.2 -W 2 -I 8.8.8.8 66.66.66.66
expect "ping 66.66.66.66 source lo1" on R8 ping -c 5 -i 0.2 -W 2 -I 88.88.88.88 66.66.66.66
expect "traceroute shows the one hop 192.168.1.6" \
	same "192.168.1.6 66.66.66.1" "$(on H8 traceroute -n -q 1 -w 3 66.66.66.1 |
		awk '$1 ~ /^[0-9]+$/ && $1 > 1 { printf "%s%s", sep, $2; sep = " " }')"
udp_stop H8-H6
udp_stop H6-H8
expect "nothing was lost from the first packet to the direct path" lossless H8-H6 H6-H8

# ---- what an operator sees ----
for pair in '8 6' '6 8'; do
	read -r n peer <<< "$pair"
	expect "R$n: show dmvpn is the seed's" show_is "$(timeless < \
		"$LAB_REPO/tests/golden/seed2-show-dmvpn-R$n.txt")" on "R$n" dmvpn show dmvpn
	expect "R$n: show ip nhrp is the seed's" show_is "$(timeless < \
		"$LAB_REPO/tests/golden/seed2-show-ip-nhrp-R$n.txt")" on "R$n" dmvpn show ip nhrp
done

# ---- what was on the wire ----
capture_stop
id=$(pcap R8 eth0 "nhrp.hdr.op.type == 1 && ip.src == 8.8.8.8 && ip.dst == 1.1.1.1" \
	nhrp.reqid | sed -n 1p)
echo "the resolution request of R8 has id $id"
on_wire() {
	pcap "$1" eth0 "nhrp.hdr.op.type == $2 && ip.src == $3 && ip.dst == $4 && nhrp.reqid == $id" |
		grep -q NHRP
}
expect "resolution request R8 -> R1" on_wire R8 1 8.8.8.8 1.1.1.1
expect "resolution request R1 -> R6" on_wire R6 1 1.1.1.1 6.6.6.6
expect "resolution reply R6 -> R1" on_wire R6 2 6.6.6.6 1.1.1.1
expect "resolution reply R1 -> R8" on_wire R8 2 1.1.1.1 8.8.8.8
way() {
	pcap R8 eth0 "gre && udp && ip.src == 8.8.8.8" ip.dst | cut -d, -f1
}
expect "the first packet went through the hub" same 1.1.1.1 "$(way | sed -n 1p)"
expect "the last packet went directly" same 6.6.6.6 "$(way | sed -n \$p)"
expect "no NHRP packet is malformed or badly summed" not prints . \
	pcap R8 eth0 'nhrp && (_ws.malformed || _ws.expert.severity >= 0x600000)'
