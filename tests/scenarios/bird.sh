# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# BIRD: iBGP with recursive next hops over the device; what of them arrives in
# the FIB decides the default of POINTOPOINT.   Drawing: lib/reflector.sh
rules R9
kernels uml-debug 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/reflector.sh"

reflector_underlay
load_module

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

reflected "by default BIRD keeps the recursive next hop"
devices on
eventually 60 "on a POINTOPOINT device BIRD drops the next hop" fib null
expect "so that no neighbour is found for it" not on A ping -c 1 -W 1 -I 10.0.1.1 10.0.6.6
expect "as counted" test "$(dropped A dmvpn0 unresolved)" -ge 1
for h in A B H; do
	on $h birdc down > /dev/null
done
unload A:dmvpn0 B:dmvpn0 H:dmvpn0
