# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 3, its configurations unchanged: the spokes know a summary,
# the hub tells them of a better way, they find it and use it; nothing is lost
# by that, nor by the death of the hub's daemon.   Drawing: lib/seed3.sh
rules R2 R3 R4 R8
kernels 6.12 uml-debug 6.1
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5
seed3_daemons
seed3_routes

# ---- through the hub ----
# The spokes' daemons are stopped, so that there is time to look: the data
# path does not need them.
for n in 4 5; do
	nhrpd_kill R$n STOP
done
udp_start H4-H5 H4 H5:172.16.5.1 100
udp_start H5-H4 H5 H4:172.16.4.1 100
expect "traffic goes through the hub" \
	same "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
for n in 4 5; do
	nhrpd_kill R$n CONT
done

# ---- directly ----
eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 10 "R5 has a shortcut to R4's network" shortcut 5 172.16.4.0/24 4
stop_if_failed
expect "the hub is one hop less on the way there" \
	same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
expect "and on the way back" \
	same "172.16.5.254 10.0.0.4 172.16.4.1" "$(hops H5 172.16.4.1)"
expect "R4's packets go by the shortcut" \
	grew via-shortcut 1+ 0 "$(counted R4 Tunnel0 via-shortcut)"
expect "R4's routing table has only the summary" \
	same 10.0.0.3 "$(on R4 ip -j route get 172.16.5.1 | jq -r '.[0].gateway')"

# ---- what an operator sees ----
for pair in '4 5' '5 4'; do
	read -r n peer <<< "$pair"
	expect "R$n: show ip nhrp has the prefix" \
		prints "^172.16.$peer.0/24 via 10.0.0.$peer, Tunnel0 " on R$n dmvpn show ip nhrp
	expect "R$n: and where its spoke is" \
		prints "NBMA address: 150.1.$peer.$peer" on R$n dmvpn show ip nhrp
	expect "R$n: show dmvpn has the spoke" \
		prints " 150.1.$peer.$peer +10.0.0.$peer +UP +[0-9:]+ +D" on R$n dmvpn show dmvpn
	expect "R$n: show ip cef tells the next hop" \
		prints "via 10.0.0.$peer, Tunnel0" on R$n dmvpn show ip cef 172.16.$peer.1
done

# ---- nhrpd dies ----
outlived R3 R4
expect "R4: the new nhrpd knows the shortcut" \
	prints '^172.16.5.0/24 via 10.0.0.5, Tunnel0 ' on R4 dmvpn show ip nhrp

udp_stop H4-H5
udp_stop H5-H4
expect "not one packet was lost" lossless H4-H5 H5-H4

# ---- what was on the wire ----
capture_stop
# One look at each capture, at what NHRP said: "SRC DST TYPE FAULT TIME".
for n in 3 4; do
	pcap R$n eth0 'ip.proto == 47 && nhrp' ip.src ip.dst nhrp.hdr.op.type \
		_ws.malformed _ws.expert.severity frame.time_relative |
		awk -F'\t' '{ sub(/,.*/, "", $1); sub(/,.*/, "", $2)
			fault = $4 != ""	# or the worst that tshark says: a warning
			for (i = split($5, severity, ","); i; i--)
				fault = fault || severity[i] + 0 >= 6291456
			print $1, $2, $3, fault ? "bad" : "good", $6 }' > /tmp/R$n.packets
done
cat /tmp/R3.packets
# at HOST SRC DST TYPE: how many passed its wire
at() {
	grep -c "^$2 $3 $4 " "/tmp/$1.packets" || true
}
hub=150.1.3.3 r4=150.1.4.4 r5=150.1.5.5
# once SPOKE: it was told once, or again when it used the hub for another eight
# seconds (on a kernel that needs so long for the assertions above)
once() {
	awk -v to="$1" '$2 == to && $3 == 8 { print; if (n++ && $5 < last + 7.9) soon = 1; last = $5 }
		END { exit !n || soon }' /tmp/R3.packets
}
expect "one traffic indication to R4" once $r4
expect "one traffic indication to R5" once $r5
expect "R4's resolution request came to the hub" same 1 "$(at R3 $r4 $hub 1)"
expect "and went on to R5" same 1 "$(at R3 $hub $r5 1)"
expect "R5's came to the hub" same 1 "$(at R3 $r5 $hub 1)"
expect "and went on to R4" same 1 "$(at R3 $hub $r4 1)"
expect "the hub never saw a resolution reply" not grep ' 2 [a-z]* [0-9.]*$' /tmp/R3.packets
expect "R5 answered R4 directly" grep "^$r5 $r4 2 " /tmp/R4.packets
expect "no NHRP packet is malformed or badly summed" not grep " bad " /tmp/R3.packets /tmp/R4.packets
