# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The network of the seed's phases 1 and 2: addresses and lines as there.
#
#                     R1  1.1.1.1   tunnel 192.168.1.1
#                      |
#                    inet           50 ms through the hub, 10 ms direct
#                  /   |   \
#         R6 6.6.6.6  R7 7.7.7.7  R8 8.8.8.8    tunnel 192.168.1.6 .7 .8
#   LAN 66.66.66.0/24  77.77.77.0/24  88.88.88.0/24
#     host H6 .1                       host H8 .1
#
# The public address of a router is its Loopback0; the underlay knows it, the
# cloud never hears of it. Routing over the tunnel is FRR's BGP with the hub
# as route reflector, so that next hops stay those of the originating spokes.

seed2_underlay() {
	underlay R1=1.1.1.1@Loopback0 R6=6.6.6.6@Loopback0 \
		R7=7.7.7.7@Loopback0 R8=8.8.8.8@Loopback0
	lan R7 lo1 77.77.77.77/24
	local n
	for n in 6 8; do
		host_behind "R$n:lan" "$n$n.$n$n.$n$n.$n$n/24" "H$n" "$n$n.$n$n.$n$n.1/24"
	done
	delay R1 eth0 20
	delay R6 eth0 5
	delay R7 eth0 5
	delay R8 eth0 5
}

# seed2_hub [LINE...]: more lines for the tunnel
seed2_hub() {
	nhrpd R1 <<-CONF
		interface Tunnel0
		 ip address 192.168.1.1 255.255.255.0
		 no ip redirects
		 ip nhrp network-id 1
		$(printf ' %s\n' "$@")
		 tunnel source Loopback0
		 tunnel mode gre multipoint
	CONF
}

# seed2_spoke N LINE...: spoke RN; the lines end its tunnel
seed2_spoke() {
	local n=$1
	shift
	nhrpd "R$n" <<-CONF
		interface Tunnel0
		 ip address 192.168.1.$n 255.255.255.0
		 no ip redirects
		 ip nhrp map 192.168.1.1 1.1.1.1
		 ip nhrp network-id 1
		 ip nhrp nhs 192.168.1.1
		$(printf ' %s\n' "$@")
		 tunnel source Loopback0
	CONF
}

# seed2_spokes LINE...: R6, R7 and R8 with a multipoint tunnel, all registered
seed2_spokes() {
	local n
	for n in 6 7 8; do
		seed2_spoke $n "$@" 'tunnel mode gre multipoint'
	done
	eventually 20 "all spokes are registered with the hub" registered 6 7 8
	stop_if_failed
}

seed2_bgp_hub() {
	frr R1 <<-CONF
		hostname R1
		router bgp 65000
		 bgp router-id 192.168.1.1
		 timers bgp 3 10
		 neighbor spokes peer-group
		 neighbor spokes remote-as 65000
		 bgp listen range 192.168.1.0/24 peer-group spokes
		 address-family ipv4 unicast
		  neighbor spokes route-reflector-client
		 exit-address-family
	CONF
}

seed2_bgp_spoke() {
	local n=$1
	frr "R$n" <<-CONF
		hostname R$n
		router bgp 65000
		 bgp router-id 192.168.1.$n
		 timers bgp 3 10
		 neighbor 192.168.1.1 remote-as 65000
		 neighbor 192.168.1.1 timers connect 1
		 address-family ipv4 unicast
		  network $n$n.$n$n.$n$n.0/24
		 exit-address-family
	CONF
}

# registered N...: the hub's kernel has the spokes' public addresses
registered() {
	local n peers
	peers=$(on R1 dmvpn -j peer show)
	echo "$peers"
	for n in "$@"; do
		jq -e --arg a "192.168.1.$n" --arg n "$n.$n.$n.$n" '.interfaces[].peers[] |
			select(.protocol == $a and .nbma == $n)' <<< "$peers" > /dev/null || return
	done
}

# direct A B [NBMA]: A's kernel sends to B without the hub
direct() {
	confirmed "R$1" "192.168.1.$2" "${3:-$2.$2.$2.$2}"
}

# route A NET VIA: A's FIB sends NET to this next hop
route() {
	json ".[0].gateway == \"$3\"" on "R$1" ip -j route show "$2"
}

# readdress N ADDRESS: RN's provider gives it another public address; at the
# time $moved_at, in milliseconds
readdress() {
	local gateway
	gateway=$(on inet ip -j route get "$1.$1.$1.$1" | jq -r '.[0].gateway')
	on inet ip route add "$2/32" via "$gateway"
	gateway=$(on "R$1" ip -j route show default | jq -r '.[0].gateway')
	tick
	# shellcheck disable=SC2034,SC2154
	moved_at=$now
	on "R$1" ip addr add "$2/32" dev Loopback0
	on "R$1" ip addr del "$1.$1.$1.$1/32" dev Loopback0
	# The kernel took the route away with its source address.
	on "R$1" ip route replace default via "$gateway" src "$2"
}
