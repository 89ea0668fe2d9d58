# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# NAT: a hub whose public address is its NAT router's, spokes behind NATs, both
# with the same private address, and one without NAT.
#
#    R3 10.9.0.3        tunnel 10.0.0.3      hub
#        |
#    N3 150.1.3.3       both ways (static)
#        |
#      inet ---- R6 150.1.6.6     tunnel 10.0.0.6
#     /    \
#  N4        N5         150.1.4.4, 150.1.5.5: who is behind them begins
#   |          |
#  R4          R5       192.168.1.2, both; tunnel 10.0.0.4 .5
#
# RN has 172.16.N.0/24 with host HN .1.
rules R2 R4 R5
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/nat.sh"

# seen N: what the hub shows of RN's addresses
seen() {
	on R3 dmvpn -j show | jq -r --arg who "10.0.0.$1" '.interfaces[0].entries[] |
		select(.protocol == $who) | "\(.nbma) \(.nbma_claimed) \(.flags | index("nat") != null)"'
}

# goes WANTED HOST ADDRESS: those are the hops
goes() {
	same "$1" "$(hops "$2" "$3")"
}

# why N M: RN says why there is no direct path to RM
why() {
	json "[.interfaces[0].entries[] | select(.protocol == \"10.0.0.$2\" and
		(.reason | test(\"no IPsec SA|no reply on the direct path\")))] | length == 1" \
		on R$1 dmvpn -j show
}

# moved N: RN's kernel has R4 at the new address
moved() {
	json '[.interfaces[].peers[] | select(.protocol == "10.0.0.4" and
		.nbma == "150.1.4.44")] | length == 1' on R$1 dmvpn -j peer show
}

load_module
static_nat N3=150.1.3.3 10.9.0.3
behind N3 lan 10.9.0.1/24 R3=10.9.0.3
delay R3 eth0 20
for n in 4 5; do
	nat N$n=150.1.$n.$n
	behind N$n lan 192.168.1.1/24 R$n=192.168.1.2
done
underlay R6=150.1.6.6@Loopback0
for n in 4 5 6; do
	site $n
	delay R$n eth0 5
done
for n in 3 4 5 6; do
	start $n
done

# ---- to the hub ----
for n in 4 5 6; do
	eventually 40 "R$n is registered with the hub" registered $n
	expect "through an SA of the hub's" sa R$n 3
	expect "which knows who it is" sa R3 $n
done
stop_if_failed
seed3_routes
for n in 4 5; do
	expect "the hub shows where R$n is, and where it says that it is" \
		same "150.1.$n.$n 192.168.1.2 true" "$(seen $n)"
	expect "R$n knows its public address" prints "behind NAT, public address 150.1.$n.$n" \
		cat "$LAB_OUT/R$n-nhrpd.log"
done
expect "so does show dmvpn" prints '150.1.4.4 +10.0.0.4 +UP .* DN$' on R3 dmvpn show dmvpn

# ---- direct paths ----
for pair in 4-6 5-6 4-5; do
	a=${pair%-*} b=${pair#*-}
	udp_start H$a-H$b H$a H$b:172.16.$b.1 $((pps / 2))
	udp_start H$b-H$a H$b H$a:172.16.$a.1 $((pps / 2))
	eventually 20 "R$a has a shortcut to R$b's network" shortcut $a 172.16.$b.0/24 $b
	eventually 20 "R$b has a shortcut to R$a's network" shortcut $b 172.16.$a.0/24 $a
	eventually 10 "the hub is out of it" \
		goes "172.16.$a.254 10.0.0.$b 172.16.$b.1" H$a 172.16.$b.1
	udp_stop H$a-H$b
	udp_stop H$b-H$a
	expect "and nothing was lost" lossless H$a-H$b H$b-H$a
done
stop_if_failed

# ---- other ports, a new one for each destination ----
udp_start H4-H6 H4 H6:172.16.6.1 $((pps / 2))
udp_start H4-H5 H4 H5:172.16.5.1 $((pps / 2))
udp_start H5-H4 H5 H4:172.16.4.1 $((pps / 2))
nat N4=150.1.4.4 30000-30999
eventually 10 "H6 reaches H4" on H6 ping -c 1 -W 1 172.16.4.1
eventually 10 "without the hub" goes "172.16.6.254 10.0.0.4 172.16.4.1" H6 172.16.4.1
udp_stop H4-H6
eventually 30 "between R4 and R5 the hub is the way" \
	goes "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" H4 172.16.5.1
for n in 4 5; do
	eventually 60 "R$n shows why" why $n $((9 - n))
done
udp_stop H4-H5
udp_stop H5-H4

# ---- another address ----
udp_start H4-H6 H4 H6:172.16.6.1 $((pps / 2))
on inet ip route add 150.1.4.44 via "$(on inet ip route get 150.1.4.4 | awk '{ print $3; exit }')"
nat N4=150.1.4.44
eventually 10 "R6, to which it sends, has R4 where it is now" moved 6
expect "H6 reaches H4" on H6 ping -c 1 -W 5 172.16.4.1
expect "still without the hub" goes "172.16.6.254 10.0.0.4 172.16.4.1" H6 172.16.4.1
udp_stop H4-H6
expect "no more was lost than until charon had moved the SA" outage H4-H6 1000 $((pps / 2))
on H4 ping -c 1 -W 1 172.16.3.1 > /dev/null || true
eventually 10 "so has the hub" moved 3
eventually 10 "H5 reaches H4" on H5 ping -c 1 -W 1 172.16.4.1

# ---- on the wire ----
capture_stop
for n in 3 4 5; do
	udp_esp R$n
done
