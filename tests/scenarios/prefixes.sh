# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The life of a learnt shortcut: used, idle, under a newer route, with networks
# inside networks, with a network that goes, and where there is none.
#
#   as in lib/seed3.sh, with a third spoke R6 and
#   R5: 172.16.50.0/24 with 172.16.50.128/25 elsewhere inside of it
#   R6: 172.16.5.128/25, which is a part of R5's network, with H6
rules R4 R8
kernels uml-debug
nightly 6.12
timeout 180

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

hold=20
pps=$((100 / LAB_SLOW))

load_module
seed3_underlay 4 5 6
lan R5 lan0 172.16.50.1/24
lan R5 lan1 172.16.50.129/25
seed3_daemons "s/registration timeout .*/holdtime $hold/"
seed3_routes
on R3 ip route add 172.16.50.0/24 via 10.0.0.5

# ---- used ----
events r4 R4 dmvpn -j monitor
udp_start H4-H5 H4 H5:172.16.5.1 $pps
eventually 10 "R4 has a shortcut" shortcut 4 172.16.5.0/24 5
stop_if_failed
expect "the kernel tells that it is used" \
	next_event r4 '"event":"shortcut-used".*"172.16.5.0/24"' $hold
left() {
	on R4 dmvpn -j shortcut show | jq '.interfaces[].shortcuts[] |
		select(.prefix == "172.16.5.0/24") | .expires_seconds'
}
renewed() {
	local seconds
	seconds=$(left)
	echo "$seconds s left"
	jq -ne "$seconds > $hold * 0.67"
}
eventually $hold "it gets a new holding time" renewed

# ---- a newer, more specific route ----
# R6 forwards, and may not fall back to the hub for others, so it has to know
# R5 before; asked along the new route, R5 answers again.
on R6 ip route add 172.16.5.0/24 via 10.0.0.5
on R6 ping -c 1 -W 2 10.0.0.5
eventually 10 "R6 knows the way to R5" direct 6 5
on R4 ip route add 172.16.5.1/32 via 10.0.0.6
eventually 15 "it has a shortcut of its own" shortcut 4 172.16.5.1/32 5
expect "the one under the old route is gone" not prints '^172.16.5.0/24' shortcuts R4
on R4 ip route del 172.16.5.1/32
eventually 15 "without it the network has one again" shortcut 4 172.16.5.0/24 5
expect "and the address has none" not prints '^172.16.5.1/32' shortcuts R4
udp_stop H4-H5
expect "nothing was lost by any of that" lossless H4-H5

# ---- idle ----
expect "the idle shortcut ends with its holding time" \
	next_event r4 '"event":"shortcut-expired".*"172.16.5.0/24"' $((hold + 5))
eventually 2 "nhrpd has forgotten it too" \
	not prints '^172.16.5.0/24' on R4 dmvpn show ip nhrp

# ---- networks inside networks ----
on H4 ping -c 3 -i 0.2 172.16.50.2 || true	# nobody is there
covers() { # what R4 has for the lower half, which it was asked for
	shortcuts R4 | awk '/^172.16.50\./ { print $1 }'
}
eventually 10 "R4 has a shortcut for the lower half and no more" \
	eval 'same 172.16.50.0/25 "$(covers)"'

# ---- another spoke has a part of one ----
# As routing would tell R5 of it; R4 has the summary still.
link R6:lan2 H6:eth1
addr R6 lan2 172.16.5.129/25
addr H6 eth1 172.16.5.130/25
on H6 ip route add 172.16.5.0/25 via 172.16.5.129
on R3 ip route add 172.16.5.128/25 via 10.0.0.6
on R5 ip route add 172.16.5.128/25 via 10.0.0.3
on H5 ip route add 172.16.5.128/25 via 172.16.5.254
udp_start whole H4 H5:172.16.5.1 $pps
udp_start part H4 H6:172.16.5.130 $pps
udp_start inside H5 H6:172.16.5.130 $pps
eventually 15 "R4 has a shortcut for the part, to R6" shortcut 4 172.16.5.128/25 6
eventually 15 "and for the rest, to R5" shortcut 4 172.16.5.0/25 5
eventually 15 "R5 has one for what is not its own" shortcut 5 172.16.5.128/25 6
expect "of the network that is nobody's whole there is none" \
	not prints '^172.16.5.0/24' shortcuts R4
for stream in whole part inside; do
	udp_stop $stream
done
expect "nothing was lost" lossless whole part inside
on R6 ip link set lan2 down
on R3 ip route del 172.16.5.128/25
on R5 ip route del 172.16.5.128/25
on H5 ip route del 172.16.5.128/25
eventually 10 "the part goes: R4 forgets it" not prints '^172.16.5.128/25' shortcuts R4

# ---- the network goes ----
udp_start gone H4 H5:172.16.5.1 $pps
eventually 10 "R4 has a shortcut again" shortcut 4 172.16.5.0/24 5
on R5 ip link set lan down
eventually 10 "R5's network goes: R4 is told, and forgets it" \
	not prints '^172.16.5.0/24' shortcuts R4
udp_stop gone > /dev/null
on R5 ip link set lan up

# ---- both networks behind one spoke ----
on R3 ip route add 172.16.44.0/24 via 10.0.0.4
told=$(counted R3 Tunnel0 redirect)
before=$(dropped R3 Tunnel0 back-to-ingress)
expect "what would come back to its spoke is refused" \
	prints 'Unreachable' on H4 ping -c 1 -W 3 172.16.44.1
expect "and counted" grew back-to-ingress 1 "$before" "$(dropped R3 Tunnel0 back-to-ingress)"
expect "the hub does not tell of a better way that is none" \
	grew redirect 0 "$told" "$(counted R3 Tunnel0 redirect)"

capture_stop
expect "R4 was told of the network that went by a purge" prints '^150.1.(3.3|5.5)' \
	pcap R4 eth0 'nhrp.hdr.op.type == 5 && ip.dst == 150.1.4.4' ip.src
