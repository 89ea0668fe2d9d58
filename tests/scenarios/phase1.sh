# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 1: a multipoint hub, spokes with `tunnel destination`. The
# hub learns public addresses that nobody told it; BGP gives every network
# with the originating spoke as next hop; all traffic crosses the hub.
# Drawing: lib/seed2.sh
rules R4 R9
kernels 6.12 uml-debug
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

load_module
seed2_underlay
seed2_hub
for n in 6 7 8; do
	seed2_spoke $n 'tunnel destination 1.1.1.1' 'ip nhrp registration no-unique'
done
eventually 20 "the hub has learnt all spokes' public addresses" registered 6 7 8
seed2_bgp_hub
seed2_bgp_spoke 6
seed2_bgp_spoke 8
eventually 40 "R8 has R6's network with R6 as next hop" route 8 66.66.66.0/24 192.168.1.6
eventually 40 "R6 has R8's network with R8 as next hop" route 6 88.88.88.0/24 192.168.1.8
expect "the cloud never hears of public addresses" \
	not prints '^[1678]\.' on R8 ip -o route show dev Tunnel0
stop_if_failed

udp_start H8-H6 H8 H6:66.66.66.1
udp_start H6-H8 H6 H8:88.88.88.1
expect "traceroute shows the hub, then the spoke" \
	same "88.88.88.88 192.168.1.1 192.168.1.6 66.66.66.1" "$(hops H8 66.66.66.1)"

# A spoke's provider gives it another address.
readdress 7 7.7.7.70
moved() {
	json '[.interfaces[].peers[] | select(.protocol == "192.168.1.7" and .nbma == "7.7.7.70")] | length == 1' \
		on R1 dmvpn -j peer show
}
eventually 10 "R7 with a new public address is registered with it" moved
expect "and reaches the hub" on R7 ping -c 2 -i 0.2 -W 4 192.168.1.1

udp_stop H8-H6
udp_stop H6-H8
expect "nothing was lost" lossless H8-H6 H6-H8
capture_stop
expect "no tunnel packet of R8 went anywhere but to the hub" \
	same "8.8.8.8 1.1.1.1" "$(outer R8 eth0 'proto gre and src host 8.8.8.8' | sort -u)"
