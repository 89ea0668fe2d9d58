# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The network of the seed's phase 3: its lines as they are there, addresses
# that it leaves open chosen here.
#
#                R3  150.1.3.3   tunnel 10.0.0.3     hub
#                 |
#               inet             50 ms through the hub, 10 ms direct
#              /    \
#    R4 150.1.4.4  R5 150.1.5.5  tunnel 10.0.0.4 .5
#   172.16.4.0/24  172.16.5.0/24
#    host H4 .1     host H5 .1
#
# The hub tells the spokes of nothing but 172.16.0.0/16.

# nbma N: RN's public address
seed3_nbma=150.1.N.N seed3_mode='gre multipoint'
nbma() {
	echo "${seed3_nbma//N/$1}"
}

# seed3_over6: before all else, the underlay is IPv6 and has no IPv4
seed3_over6() {
	seed3_nbma=3fff:150::N seed3_mode='gre multipoint ipv6'
}

# For sed: each `ip` line of the seed gets its `ipv6` one.
# shellcheck disable=SC2034 # of scenarios
seed3_both='
s/^ ip address 10\.0\.0\.\(.\) .*/&\n ipv6 address 2001:db8::\1\/64/
s/^ ip nhrp map 10\.0\.0\.3 \(.*\)/&\n ipv6 nhrp map 2001:db8::3\/128 \1/
s/^ ip nhrp nhs 10\.0\.0\.3/&\n ipv6 nhrp nhs 2001:db8::3/
s/^ ip \(nhrp network-id.*\|nhrp map multicast.*\|nhrp shortcut\|nhrp redirect\|nhrp registration.*\)/&\n ipv6 \1/'

# seed3_conf N: the seed's lines for RN
seed3_conf() {
	case $1 in
	3) cat <<-CONF ;;
		interface Tunnel0
		 ip address 10.0.0.3 255.255.255.0
		 no ip redirects
		 ip nhrp map multicast dynamic
		 ip nhrp network-id 345
		 ip nhrp shortcut
		 ip nhrp redirect
		 no ip split-horizon eigrp 345
		 tunnel source Loopback0
		 tunnel mode $seed3_mode
	CONF
	*) cat <<-CONF ;;
		interface Tunnel0
		 ip address 10.0.0.$1 255.255.255.0
		 no ip redirects
		 ip nhrp map 10.0.0.3 $(nbma 3)
		 ip nhrp map multicast $(nbma 3)
		 ip nhrp network-id 345
		 ip nhrp nhs 10.0.0.3
		 ip nhrp registration timeout 120
		 ip nhrp shortcut
		 tunnel source Loopback0
		 tunnel mode $seed3_mode
	CONF
	esac
}

# seed3_underlay N...: R3, and these spokes with a host each
seed3_underlay() {
	local n
	underlay "R3=$(nbma 3)@Loopback0"
	delay R3 eth0 20
	for n in "$@"; do
		underlay "R$n=$(nbma "$n")@Loopback0"
		host_behind "R$n:lan" "172.16.$n.254/24" "H$n" "172.16.$n.1/24"
		delay "R$n" eth0 5
	done
}

# seed3_daemons [SED-SCRIPT]: nhrpd on R3 and all spokes that there are, their
# configurations unchanged or edited by the script; all are registered
seed3_daemons() {
	local n
	for n in {3..9}; do
		[ -n "${host_pid[R$n]:-}" ] || continue
		nhrpd "R$n" < <(seed3_conf "$n" | sed "${1:-}")
	done
	for n in {4..9}; do
		[ -n "${host_pid[R$n]:-}" ] || continue
		eventually 20 "R$n is registered with the hub" registered "$n"
	done
	stop_if_failed
}

# seed3_routes: the hub has the spokes' networks, they have a summary
seed3_routes() {
	local n
	for n in {4..9}; do
		[ -n "${host_pid[R$n]:-}" ] || continue
		on R3 ip route add "172.16.$n.0/24" via "10.0.0.$n"
		on "R$n" ip route add 172.16.0.0/16 via 10.0.0.3
	done
}

# seed3_bgp ipv4|ipv6: the same by FRR's BGP, between R3, R4 and R5
seed3_bgp() {
	local n hub cloud all net
	case $1 in
	ipv4) hub=10.0.0.3 cloud=10.0.0.0/24 all=172.16.0.0/16 net=172.16.N.0/24 ;;
	ipv6) hub=2001:db8::3 cloud=2001:db8::/64 all=2001:db8::/32 net=2001:db8:N::/64 ;;
	esac
	frr R3 <<-CONF
		hostname R3
		router bgp 65000
		 bgp router-id 10.0.0.3
		 timers bgp 3 10
		 neighbor spokes peer-group
		 neighbor spokes remote-as 65000
		 bgp listen range $cloud peer-group spokes
		 address-family $1 unicast
		  neighbor spokes activate
		  aggregate-address $all summary-only
		 exit-address-family
	CONF
	for n in 4 5; do
		frr R$n <<-CONF
			hostname R$n
			router bgp 65000
			 bgp router-id 10.0.0.$n
			 timers bgp 3 10
			 neighbor $hub remote-as 65000
			 neighbor $hub timers connect 1
			 address-family $1 unicast
			  neighbor $hub activate
			  network ${net/N/$n}
			 exit-address-family
		CONF
	done
}

# seed3_lans6 N...: the spokes' networks and hosts have IPv6 as well
#  2001:db8:N::/64, the host has ::1 in it
seed3_lans6() {
	local n
	for n; do
		addr "R$n" lan "2001:db8:$n::254/64"
		addr "H$n" eth0 "2001:db8:$n::1/64"
		on "H$n" ip -6 route add default via "2001:db8:$n::254"
	done
	# A hub that hairpins spends a host's allowance of ICMPv6 on redirects
	# that it then does not send, and would be a * to traceroute.
	on R3 sysctl -qw net.ipv6.icmp.ratelimit=0
}

# seed3_routes6 N...: the same as seed3_routes for these
seed3_routes6() {
	local n
	for n; do
		on R3 ip route add "2001:db8:$n::/64" via "2001:db8::$n"
		on "R$n" ip route add 2001:db8::/32 via 2001:db8::3
	done
}

# registered N [ADDRESS]: the hub's kernel has the spoke's public address, for
# that tunnel address
registered() {
	json "[.interfaces[].peers[] | select(.protocol == \"${2:-10.0.0.$1}\" and
		.nbma == \"$(nbma "$1")\")] | length == 1" on R3 dmvpn -j peer show
}

# shortcuts HOST: those that its kernel has, "PREFIX NEXTHOP" a line
shortcuts() {
	on "$1" dmvpn -j shortcut show |
		jq -r '.interfaces[].shortcuts[] | "\(.prefix) \(.nexthop)"' | sort
}

# shortcut A PREFIX B: A's kernel has one for PREFIX by B's tunnel address,
# and sends there without the hub
shortcut() {
	prints "^$2 10.0.0.$3\$" shortcuts "R$1" && direct "$1" "$3"
}

# shortcut6 A B: RA's kernel has one to RB's IPv6 network and uses it
shortcut6() {
	prints "^2001:db8:$2::/64 2001:db8::$2\$" shortcuts "R$1" &&
		prints "shortcut 2001:db8:$2::/64 .* at $(nbma "$2")" \
			on "R$1" dmvpn path "2001:db8:$2::1"
}

# direct A B: A's kernel sends to B's tunnel address without the hub
direct() {
	json "[.interfaces[].peers[] | select(.protocol == \"10.0.0.$2\" and
		.nbma == \"$(nbma "$2")\" and (.flags | index(\"unconfirmed\") | not))] |
		length == 1" on "R$1" dmvpn -j peer show
}

# seed3_talk PPS: streams H4-H5 and H5-H4, by shortcuts at both ends from now on
seed3_talk() {
	udp_start H4-H5 H4 H5:172.16.5.1 "$1"
	udp_start H5-H4 H5 H4:172.16.4.1 "$1"
	eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
	eventually 10 "R5 has a shortcut to R4's network" shortcut 5 172.16.4.0/24 4
	stop_if_failed
}

# memory HOST: what its kernel holds for nhrpd
memory() {
	shortcuts "$1"
	on "$1" dmvpn -j peer show | jq -cS '[.interfaces[].peers[] |
		{protocol, nbma, flags, peer_flags}] | sort_by(.protocol)'
}

# outlived HOST...: each one's nhrpd is killed; the kernel keeps all, and the
# next nhrpd takes it back
outlived() {
	local router before
	for router; do
		before=$(memory $router)
		nhrpd_kill $router KILL
		expect "$router: the kernel keeps everything when nhrpd is killed" \
			same "$before" "$(memory $router)"
		nhrpd $router < /dev/null
		eventually 10 "$router: the new nhrpd answers" on $router dmvpn -j show
		eventually 10 "$router: the kernel has what it had" \
			eval "same '$before' \"\$(memory $router)\""
	done
}
