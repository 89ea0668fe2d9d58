# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 2: spokes resolve each other through the hub, then talk
# directly; nothing is lost by the switch.   Drawing: lib/seed2.sh
rules R3 R4 R9
kernels 6.12 uml-debug
nightly 6.1
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

# A table without its times and versions, for comparison with the seed's.
timeless() {
	sed -E 's/[0-9]{2}:[0-9]{2}:[0-9]{2}/TT:TT:TT/g; s/version [0-9]+/version N/; s/ +$//'
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
seed2_spokes 'no tunnel destination'
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
	same "88.88.88.88 192.168.1.6 66.66.66.1" "$(hops H8 66.66.66.1)"
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
expect "R8: show ip cef is the seed's" show_is "$(timeless < \
	"$LAB_REPO/tests/golden/seed2-show-ip-cef-R8.txt")" on R8 dmvpn show ip cef 66.66.66.66

# ---- what was on the wire ----
capture_stop
# One look at each capture: "SRC[,INNER] DST[,INNER] NHRP-TYPE ID" a packet.
for n in 6 8; do
	pcap "R$n" eth0 'nhrp || (gre && udp && ip.src == 8.8.8.8)' \
		ip.src ip.dst nhrp.hdr.op.type nhrp.reqid > "/tmp/R$n.packets"
done
id=$(awk '$1 == "8.8.8.8" && $2 == "1.1.1.1" && $3 == 1 { print $4; exit }' /tmp/R8.packets)
echo "the resolution request of R8 has id $id"
on_wire() {
	awk -v src="$3" -v dst="$4" -v type="$2" -v id="$id" \
		'$1 == src && $2 == dst && $3 == type && $4 == id { found = 1; print } END { exit !found }' \
		"/tmp/$1.packets"
}
expect "resolution request R8 -> R1" on_wire R8 1 8.8.8.8 1.1.1.1
expect "resolution request R1 -> R6" on_wire R6 1 1.1.1.1 6.6.6.6
expect "resolution reply R6 -> R1" on_wire R6 2 6.6.6.6 1.1.1.1
expect "resolution reply R1 -> R8" on_wire R8 2 1.1.1.1 8.8.8.8
data_ways() {
	awk -F '[,\t]' '/,/ && $1 == "8.8.8.8" { print $3 }' /tmp/R8.packets
}
expect "the first packet went through the hub" same 1.1.1.1 "$(data_ways | sed -n 1p)"
expect "the last packet went directly" same 6.6.6.6 "$(data_ways | sed -n \$p)"
expect "no NHRP packet is malformed or badly summed" not prints . \
	pcap R8 eth0 'nhrp && (_ws.malformed || _ws.expert.severity >= 0x600000)'
