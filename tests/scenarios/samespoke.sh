# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Several networks behind one spoke: each has its shortcut, all of them share
# one neighbour, and what becomes of one is nothing to the others.
#
#   as in lib/seed3.sh, and behind R4 and R5 a second network with a host:
#   G4 172.16.44.1, G5 172.16.55.1
rules R4 R8
nightly uml-debug 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

pps=$((100 / LAB_SLOW))

load_module
seed3_underlay 4 5
for n in 4 5; do
	host G$n
	link R$n:lan2 G$n:eth0
	addr R$n lan2 172.16.$n$n.254/24
	addr G$n eth0 172.16.$n$n.1/24
	on G$n ip route add default via 172.16.$n$n.254
done
seed3_daemons
seed3_routes
for n in 4 5; do
	on R3 ip route add 172.16.$n$n.0/24 via 10.0.0.$n
done

# ---- two networks at each end ----
expect "between R5's networks the way is R5" same "172.16.5.254 172.16.55.1" "$(hops H5 172.16.55.1)"
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start G4-G5 G4 G5:172.16.55.1 $pps
udp_start H4-G5 H4 G5:172.16.55.1 $pps
udp_start G5-G4 G5 G4:172.16.44.1 $pps
for net in 172.16.5.0/24 172.16.55.0/24; do
	eventually 10 "R4 has a shortcut to $net" shortcut 4 $net 5
done
eventually 10 "R5 has a shortcut to 172.16.44.0/24" shortcut 5 172.16.44.0/24 4
stop_if_failed
expect "the hub is out of it" same "172.16.44.254 10.0.0.5 172.16.55.1" "$(hops G4 172.16.55.1)"
expect "R4 has the neighbour once" \
	json '[.interfaces[].peers[] | select(.protocol == "10.0.0.5")] | length == 1' \
	on R4 dmvpn -j peer show

# ---- one of them goes ----
on R5 ip link set lan2 down
eventually 10 "R5's second network goes: R4 forgets its shortcut" \
	not prints '^172.16.55.0/24' shortcuts R4
expect "but not the other one" shortcut 4 172.16.5.0/24 5
udp_stop H4-G5 > /dev/null
udp_stop G4-G5 > /dev/null
udp_stop G5-G4 > /dev/null
on R5 ip link set lan2 up
eventually 10 "it is back, through the hub until that tells again" \
	on H4 ping -c 1 -W 1 172.16.55.1
udp_stop H4-H5
expect "the first network lost nothing by that" lossless H4-H5
