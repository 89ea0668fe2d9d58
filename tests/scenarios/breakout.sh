# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Internet break-out: each spoke has a default route on each side, one through
# the hub and one in the VRF of its provider (front-door VRF). Direct paths
# beneath the inner one, and a part of the internet that needs no hub.
#
#   as in lib/seed3.sh; Loopback0 and eth0 of R4 and R5 are in the VRF ISP
#
#       inet ---- W 203.0.113.1    by the hub, which hides the cloud behind
#            \                     150.1.3.3
#             --- V 198.51.100.1   by R4's own line, hidden behind 150.1.4.4
rules R4 R9
nightly uml-debug 6.12
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

pps=$((100 / LAB_SLOW))

load_module
seed3_underlay 4 5
underlay W=203.0.113.1 V=198.51.100.1

# provider N: RN's next hop on its line
provider() {
	on inet ip -j -4 addr show "R$1" | jq -r '.[0].addr_info[0].local'
}
# front_door N: RN's line and public address are in a VRF of their own
front_door() {
	on "R$1" ip -batch - <<-IP
		link add ISP type vrf table 10
		link set ISP up
		link set eth0 master ISP
		link set Loopback0 master ISP
		route add default via $(provider "$1") src 150.1.$1.$1 vrf ISP
	IP
}
# hide HOST ADDRESS: what leaves by its line has this source
hide() {
	on "$1" nft -f - <<-NFT
		table ip t {
			chain out {
				type nat hook postrouting priority srcnat
				oifname eth0 ip saddr 172.16.0.0/16 snat to $2
			}
		}
	NFT
}
front_door 4
front_door 5
hide R3 150.1.3.3
seed3_daemons '/nhrp nhs/,$s/tunnel source.*/&\n tunnel vrf ISP/'
for n in 4 5; do
	on R3 ip route add 172.16.$n.0/24 via 10.0.0.$n
	on R$n ip route add default via 10.0.0.3
done

# ---- a default route on each side ----
via() {
	on R4 ip -j route get "$@" | jq -r '.[0] | .gateway + " " + .dev'
}
expect "the cloud is R4's way to everything" same "10.0.0.3 Tunnel0" "$(via 150.1.3.3)"
expect "the provider is the cloud's" same eth0 "$(via 150.1.3.3 vrf ISP | cut -d' ' -f2)"
expect "show dmvpn detail names the VRF" \
	prints 'Src./Dest. addr: 150.1.4.4/.*Tunnel VRF "ISP"' on R4 dmvpn show dmvpn detail

udp_start H4-W H4 W:203.0.113.1 $pps
seed3_talk $pps
expect "between spokes the way is direct" \
	same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
expect "to the internet it is the hub's" prints "^172.16.4.254 10.0.0.3 .*203.0.113.1$" \
	hops H4 203.0.113.1
expect "of which R4 learns nothing" \
	same "172.16.5.0/24 10.0.0.5" "$(shortcuts R4)"

# ---- some of it needs no hub ----
hide R4 150.1.4.4
on R4 ip route add 198.51.100.0/24 via "$(provider 4)" dev eth0 onlink
on R4 ip route add 172.16.4.0/24 dev lan vrf ISP
udp_start H4-V H4 V:198.51.100.1 $pps
expect "R4 goes to V by itself" not prints '10\.0\.0\.' hops H4 198.51.100.1
eventually 5 "there and back" on H4 ping -c 1 -W 1 198.51.100.1

# ---- the VRF is made anew ----
for stream in H4-W H4-H5 H5-H4 H4-V; do
	udp_stop $stream
done
expect "nothing was lost on any of these ways" lossless H4-W H4-H5 H5-H4 H4-V
on R5 ip link del ISP
expect "without its VRF R5 is not reached" not on H4 ping -c 1 -W 1 172.16.5.1
front_door 5
eventually 20 "with a new one it is" on H4 ping -c 1 -W 1 172.16.5.1
udp_start renewed H4 H5:172.16.5.1 $pps
eventually 20 "directly" eval 'same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"'
udp_stop renewed
expect "and nothing is lost then" lossless renewed

capture_stop
# senders HOST FILTER: who sent these packets
senders() {
	outer "$1" eth0 "$2" | cut -d. -f1-4 | sort -u
}
expect "W saw the hub" same 150.1.3.3 "$(senders W 'udp and dst 203.0.113.1')"
expect "V saw R4" same 150.1.4.4 "$(senders V 'udp and dst 198.51.100.1')"
