# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Two hubs, one preferred: it is drained, and it dies under traffic. Direct
# paths lose nothing, paths through the hub are back within ten seconds.
#
#       R1 1.1.1.1     R2 2.2.2.2       hubs, 192.168.1.1 preferred, .2
#              \        /
#                 inet
#             /        \
#     R6 6.6.6.6  ...  R9 9.9.9.9       spokes, 192.168.1.6 to .9
#
#   R7 and R9 never ask, so that what they send goes through a hub.
#   R8 registers with one hub at a time (a cluster of one connection).
rules R4
kernels 6.12
nightly uml-debug
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/hubs.sh"

hubs='1 2'
pps=100

underlay R1=1.1.1.1@Loopback0 R2=2.2.2.2@Loopback0 \
	R6=6.6.6.6@Loopback0 R7=7.7.7.7@Loopback0 \
	R8=8.8.8.8@Loopback0 R9=9.9.9.9@Loopback0
load_module
for n in 1 2; do
	nhrpd R$n <<-CONF
		interface Tunnel0
		 ip address 192.168.1.$n 255.255.255.0
		 ip nhrp network-id 1
		 tunnel source Loopback0
	CONF
done
# spoke N CLUSTER LINE...
spoke() {
	local n=$1 cluster=$2
	shift 2
	nhrpd "R$n" <<-CONF
		interface Tunnel0
		 ip address 192.168.1.$n 255.255.255.0
		 ip nhrp network-id 1
		 ip nhrp nhs 192.168.1.1 nbma 1.1.1.1 priority 1 $cluster
		 ip nhrp nhs 192.168.1.2 nbma 2.2.2.2 priority 2 $cluster
		 ip nhrp nhs fallback 5
		$(printf ' %s\n' "$@")
		 tunnel source Loopback0
	CONF
}
spoke 6 ''
for n in 7 9; do
	spoke $n '' 'ip nhrp server-only'
done
spoke 8 'cluster 1' 'ip nhrp nhs cluster 1 max-connections 1' \
	'ip nhrp registration timeout 10'

# down N HUB: RN's daemon says so of that hub (and `show` by its status)
down() {
	local said
	said=$(on "R$1" dmvpn -j show) && return 1
	echo "$said"
	jq -e --arg hub "192.168.1.$2" '[.interfaces[].nhs[] |
		select(.protocol == $hub)][0].up == false' <<< "$said" > /dev/null
}

eventually 20 "R1 has all spokes" at R1 6 7 8 9
eventually 20 "R2 has those that may have two" at R2 6 7 9
expect "but not R8, whose cluster has its connection" not at R2 8
expect "which is said" prints '192.168.1.2 +W ' on R8 dmvpn show ip nhrp nhs
stop_if_failed

# ---- drained ----
udp_start out R6 R8:192.168.1.8 $pps
udp_start back R8 R6:192.168.1.6 $pps
eventually 10 "R6 reaches R8 directly" direct 6 8
eventually 10 "R8 reaches R6 directly" direct 8 6
udp_start drain R7 R9:192.168.1.9 $pps
eventually 5 "R7 sends through the preferred hub" through 7 1
expect "R1 is drained" on R7 dmvpn nhs 192.168.1.1 drain
eventually 5 "R7 sends through the other hub" through 7 2
expect "R1 serves again" on R7 dmvpn nhs 192.168.1.1 undrain
eventually 20 "R7 sends through the preferred hub again" through 7 1
udp_stop drain
expect "neither lost a packet" lossless drain
stop_if_failed

# ---- dead ----
udp_start there R7 R9:192.168.1.9 $pps
udp_start again R9 R7:192.168.1.7 $pps
eventually 5 "both ways go through the preferred hub" eval 'through 7 1 && through 9 1'
on inet ip link set R1 down
for n in 7 9; do
	eventually 15 "R1 is dead: R$n sends through the other hub" through $n 2
done
udp_start after R7 R9:192.168.1.9 $pps
eventually 15 "R7 knows that R1 is down" down 7 1
eventually 30 "R8 registers with R2 instead" at R2 8

# ---- back ----
on inet ip link set R1 up
on inet ip route replace 1.1.1.1/32 via 100.64.1.2
eventually 60 "R1 is back: R7 sends through it again" through 7 1
for stream in there again after out back; do
	udp_stop $stream
done
for stream in there again; do
	expect "the hub path was back within ten seconds ($stream)" \
		jq -e --argjson pps $pps '.received > 0 and .max_gap_ms <= 10000 and
			.lost <= .max_gap_ms * $pps / 1000 + $pps / 10' "$LAB_OUT/$stream.udp.json"
done
expect "from then on nothing was lost, nor by going back" lossless after
expect "the direct path never lost a packet" lossless out back
