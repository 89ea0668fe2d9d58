# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# BIRD: iBGP with recursive next hops over the device; what of them arrives in
# the FIB decides the default of POINTOPOINT.
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
speaker() { # HOST NEIGHBOUR...: BIRD with these neighbours
	local h=$1 peer
	shift
	bird "$h" <<-CONF
		router id 192.168.1.${number[$h]};
		protocol device { scan time 1; }
		protocol direct { ipv4; interface "lan0", "dmvpn0"; }
		protocol kernel {
			ipv4 { export where source = RTS_BGP; };
		}
		$(for peer; do echo "protocol bgp {
			local 192.168.1.${number[$h]} as 65000;
			neighbor 192.168.1.${number[$peer]} as 65000;
			connect delay time 1; connect retry time 2;
			$([ $h != H ] || echo 'rr client;')
			ipv4 { import all; export where net ~ 10.0.0.0/8; };
		}"; done)
	CONF
}
fib() { # the route of A to B's network
	on A ip -j route show 10.0.6.0/24 | jq -c '.[0] | {gateway, dev}'
}

devices off
speaker A H
speaker B H
speaker H A B
eventually 30 "by default BIRD keeps the recursive next hop" \
	eval 'same "{\"gateway\":\"192.168.1.6\",\"dev\":\"dmvpn0\"}" "$(fib)"'
eventually 15 "and traffic flows" on A ping -c 1 -I 10.0.1.1 10.0.6.6
expect "directly" same 10.0.6.6 "$(hops A -s 10.0.1.1 10.0.6.6)"

for h in A B H; do
	on $h dmvpn link del dmvpn0
done
eventually 20 "without the device the route goes" eval 'same "{\"gateway\":null,\"dev\":null}" "$(fib)"'
devices on
eventually 60 "on a POINTOPOINT device BIRD drops the next hop" \
	eval 'same "{\"gateway\":null,\"dev\":\"dmvpn0\"}" "$(fib)"'
expect "so that no neighbour is found for it" not on A ping -c 1 -W 1 -I 10.0.1.1 10.0.6.6
expect "as counted" test "$(dropped A dmvpn0 unresolved)" -ge 1
for h in A B H; do
	on $h birdc down > /dev/null
done
unload A:dmvpn0 B:dmvpn0 H:dmvpn0
