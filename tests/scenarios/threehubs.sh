# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Three hubs in a cluster of which two are in use, two of them known by name
# alone: one dies, then another one, the first comes back at another address.
# Direct paths lose nothing, paths through a hub are back within ten seconds.
#
#    R1 1.1.1.1, then 11.11.11.11   R2 2.2.2.2   R3 3.3.3.3    192.168.1.1 .2 .3
#                         \            |           /
#                                    inet
#                         /       |        |        \
#                      R6        R7        R8         R9       192.168.1.6 to .9
#
#   R7 and R9 never ask, so that what they send goes through a hub.
rules R4
nightly uml-debug 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/hubs.sh"

hubs='1 2 3'
pps=$((100 / LAB_SLOW))

underlay R1=1.1.1.1@Loopback0 R2=2.2.2.2@Loopback0 R3=3.3.3.3@Loopback0 \
	R6=6.6.6.6@Loopback0 R7=7.7.7.7@Loopback0 \
	R8=8.8.8.8@Loopback0 R9=9.9.9.9@Loopback0
load_module
for n in 1 2 3; do
	nhrpd R$n <<-CONF
		interface Tunnel0
		 ip address 192.168.1.$n 255.255.255.0
		 ip nhrp network-id 1
		 tunnel source Loopback0
		 tunnel key 1
	CONF
done
# names ADDRESS: where the spokes find the first hub from now on
names() {
	local n
	for n in 6 7 8 9; do
		on R$n tee /etc/hosts > /dev/null <<-HOSTS
			$1 hub1.example.net
			2.2.2.2 hub2.example.net
		HOSTS
	done
}
# spoke N LINE...
spoke() {
	nhrpd "R$1" <<-CONF
		interface Tunnel0
		 ip address 192.168.1.$1 255.255.255.0
		 ip nhrp network-id 1
		 ip nhrp nhs dynamic nbma hub1.example.net priority 1 cluster 1
		 ip nhrp nhs dynamic nbma hub2.example.net priority 2 cluster 1
		 ip nhrp nhs 192.168.1.3 nbma 3.3.3.3 priority 3 cluster 1
		 ip nhrp nhs cluster 1 max-connections 2
		 ip nhrp nhs fallback 5
		 ip nhrp registration timeout 10
		$(printf ' %s\n' "${@:2}")
		 tunnel source Loopback0
		 tunnel key 1
	CONF
}
names 1.1.1.1
spoke 6
spoke 8
spoke 7 'ip nhrp server-only'
spoke 9 'ip nhrp server-only'

# says N ADDRESS...: where RN has which next hop server, best first
says() {
	same "${*:2}" "$(on "R$1" dmvpn -j show | jq -r '.interfaces[].nhs[] |
		"\(.protocol)@\(.nbma)"' | xargs)"
}
for n in 1 2; do
	eventually 20 "R$n has all spokes" at R$n 6 7 8 9
done
expect "R3 has none: two are enough" eval 'for n in 6 7 8 9; do not at R3 $n || exit; done'
expect "which is said" prints '192.168.1.3 +W ' on R8 dmvpn show ip nhrp nhs
expect "the hubs' tunnel addresses are learnt" \
	says 6 192.168.1.1@1.1.1.1 192.168.1.2@2.2.2.2 192.168.1.3@3.3.3.3
stop_if_failed

udp_start out R6 R8:192.168.1.8 $pps
udp_start back R8 R6:192.168.1.6 $pps
eventually 10 "R6 reaches R8 directly" direct 6 8
eventually 10 "R8 reaches R6 directly" direct 8 6

# dies HUB NEXT STREAM: under traffic
dies() {
	udp_start "$3-there" R7 R9:192.168.1.9 $pps
	udp_start "$3-again" R9 R7:192.168.1.7 $pps
	eventually 10 "both ways go through R$1" eval "through 7 $1 && through 9 $1"
	on inet ip link set "R$1" down
	for n in 7 9; do
		eventually 15 "R$1 is dead: R$n sends through R$2" through $n "$2"
	done
	for stream in "$3-there" "$3-again"; do
		udp_stop "$stream"
		expect "the hub path was back within ten seconds ($stream)" \
			outage "$stream" 10000 $pps
	done
}
dies 1 2 first
eventually 30 "the third hub takes the free place" at R3 6 7 8 9
stop_if_failed
dies 2 3 second

# ---- back, elsewhere ----
udp_start after R7 R9:192.168.1.9 $pps
on inet ip link set R1 up
on R1 ip addr add 11.11.11.11/32 dev Loopback0
on R1 ip addr del 1.1.1.1/32 dev Loopback0
on inet ip route add 11.11.11.11/32 via 100.64.1.2
on R1 ip route replace default via 100.64.1.1 src 11.11.11.11
names 11.11.11.11
for n in 6 7 8 9; do
	eventually 60 "R$n finds the first hub at its new address" \
		says $n 192.168.1.1@11.11.11.11 192.168.1.2@2.2.2.2 192.168.1.3@3.3.3.3
done
eventually 60 "R7 sends through it" through 7 1
on inet ip link set R2 up
on inet ip route replace 2.2.2.2/32 via 100.64.2.2
eventually 60 "the second hub is back" at R2 6 7 8 9
# nobody at R3: the two better ones are in use again
nobody() {
	json '[.interfaces[].peers[] | select(.protocol != null)] | length == 0' \
		on R3 dmvpn -j peer show
}
eventually 30 "so that the third one is let go" nobody
udp_stop after
udp_stop out
udp_stop back
expect "coming back cost nothing" lossless after
expect "the direct path never lost a packet" lossless out back
