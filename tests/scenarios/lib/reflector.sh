# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# iBGP over the device, without nhrpd: H reflects A's and B's routes.
#
#    A 1.1.1.1 ------- inet ------- B 6.6.6.6
#    lan 10.0.1.1   \          /    lan 10.0.6.6
#                     5.5.5.5 H    route reflector
#
declare -A nbma=([A]=1.1.1.1 [B]=6.6.6.6 [H]=5.5.5.5)
declare -A number=([A]=1 [B]=6 [H]=5)

reflector_underlay() {
	underlay A=1.1.1.1 B=6.6.6.6 H=5.5.5.5
	lan A lan0 10.0.1.1/24
	lan B lan0 10.0.6.6/24
}

# devices on|off: those of all three, POINTOPOINT or not, with all peers
devices() {
	local h other
	for h in A B H; do
		tunnel $h dmvpn0 192.168.1.${number[$h]}/24 local ${nbma[$h]} key 42 pointopoint "$1"
	done
	for h in A H B; do
		for other in A H B; do
			[ $h = $other ] || on $h dmvpn peer add dmvpn0 \
				192.168.1.${number[$other]} nbma ${nbma[$other]}
		done
	done
}

# reflected WORDS: A has B's network with B as next hop, and reaches it; uses
# the scenario's `speaker HOST NEIGHBOUR...`. Then the devices are gone.
reflected() {
	local h
	devices off
	speaker A H
	speaker B H
	speaker H A B
	eventually 30 "$1" fib '"192.168.1.6"'
	eventually 15 "and traffic flows" on A ping -c 1 -I 10.0.1.1 10.0.6.6
	expect "directly" same 10.0.6.6 "$(hops A -s 10.0.1.1 10.0.6.6)"
	for h in A B H; do
		on $h dmvpn link del dmvpn0
	done
	eventually 20 "without the device the route goes" fib null null
}

# fib GATEWAY [DEV]: A's route to B's network, as JSON
fib() {
	same "[$1,${2:-\"dmvpn0\"}]" \
		"$(on A ip -j route show 10.0.6.0/24 | jq -c '.[0] | [.gateway, .dev]')"
}
