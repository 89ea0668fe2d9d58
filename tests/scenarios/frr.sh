# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# FRR: iBGP over the device by a route reflector; the next hops in the FIB, on
# a device as it is by default and on a POINTOPOINT one.
#
#    A 1.1.1.1 ------- inet ------- B 6.6.6.6
#    lan 10.0.1.1   \          /    lan 10.0.6.6
#                     5.5.5.5 H    route reflector
#
rules R9
kernels uml-debug 6.12
timeout 120

declare -A nbma=([A]=1.1.1.1 [B]=6.6.6.6 [H]=5.5.5.5)
declare -A number=([A]=1 [B]=6 [H]=5)
underlay A=1.1.1.1 B=6.6.6.6 H=5.5.5.5
lan A lan0 10.0.1.1/24
lan B lan0 10.0.6.6/24
load_module

devices() {
	local h
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
speaker() { # HOST NEIGHBOUR...: BGP with these neighbours
	local h=$1 peer
	shift
	frr "$h" <<-CONF
		hostname $h
		router bgp 65000
		 bgp router-id 192.168.1.${number[$h]}
		 timers bgp 3 10
		$(for peer; do
			echo " neighbor 192.168.1.${number[$peer]} remote-as 65000"
			echo " neighbor 192.168.1.${number[$peer]} timers connect 1"
		done)
		 address-family ipv4 unicast
		$([ $h = H ] || echo "  network 10.0.${number[$h]}.0/24")
		$([ $h != H ] || for peer; do
			echo "  neighbor 192.168.1.${number[$peer]} route-reflector-client"
		done)
		 exit-address-family
	CONF
}
fib() { # the route of A to B's network
	on A ip -j route show 10.0.6.0/24 | jq -c '.[0] | {gateway, dev}'
}

devices off
speaker A H
speaker B H
speaker H A B
eventually 30 "by default FRR keeps the next hop" \
	eval 'same "{\"gateway\":\"192.168.1.6\",\"dev\":\"dmvpn0\"}" "$(fib)"'
eventually 15 "and traffic flows" on A ping -c 1 -I 10.0.1.1 10.0.6.6
expect "directly" same 10.0.6.6 "$(hops A -s 10.0.1.1 10.0.6.6)"

for h in A B H; do
	on $h dmvpn link del dmvpn0
done
eventually 20 "without the device the route goes" eval 'same "{\"gateway\":null,\"dev\":null}" "$(fib)"'
devices on
eventually 60 "on a POINTOPOINT device FRR keeps it too" \
	eval 'same "{\"gateway\":\"192.168.1.6\",\"dev\":\"dmvpn0\"}" "$(fib)"'
eventually 15 "and traffic flows" on A ping -c 1 -I 10.0.1.1 10.0.6.6
unload A:dmvpn0 B:dmvpn0 H:dmvpn0
