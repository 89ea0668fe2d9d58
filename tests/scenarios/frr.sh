# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# FRR: iBGP over the device by a route reflector; the next hops in the FIB, on
# a device as it is by default and on a POINTOPOINT one.
# Drawing: lib/reflector.sh
rules R9
kernels uml-debug 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/reflector.sh"

reflector_underlay
load_module

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

reflected "by default FRR keeps the next hop"
devices on
eventually 60 "on a POINTOPOINT device FRR keeps it too" fib '"192.168.1.6"'
eventually 15 "and traffic flows" on A ping -c 1 -I 10.0.1.1 10.0.6.6
unload A:dmvpn0 B:dmvpn0 H:dmvpn0
