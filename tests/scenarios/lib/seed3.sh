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

# seed3_conf N: the seed's lines for RN
seed3_conf() {
	case $1 in
	3) cat <<-'CONF' ;;
		interface Tunnel0
		 ip address 10.0.0.3 255.255.255.0
		 no ip redirects
		 ip nhrp map multicast dynamic
		 ip nhrp network-id 345
		 ip nhrp shortcut
		 ip nhrp redirect
		 no ip split-horizon eigrp 345
		 tunnel source Loopback0
		 tunnel mode gre multipoint
	CONF
	*) cat <<-CONF ;;
		interface Tunnel0
		 ip address 10.0.0.$1 255.255.255.0
		 no ip redirects
		 ip nhrp map 10.0.0.3 150.1.3.3
		 ip nhrp map multicast 150.1.3.3
		 ip nhrp network-id 345
		 ip nhrp nhs 10.0.0.3
		 ip nhrp registration timeout 120
		 ip nhrp shortcut
		 tunnel source Loopback0
		 tunnel mode gre multipoint
	CONF
	esac
}

# seed3_underlay N...: R3, and these spokes with a host each
seed3_underlay() {
	local n
	underlay R3=150.1.3.3@Loopback0
	delay R3 eth0 20
	for n in "$@"; do
		underlay "R$n=150.1.$n.$n@Loopback0"
		host "H$n"
		link "R$n:lan" "H$n:eth0"
		addr "R$n" lan "172.16.$n.254/24"
		addr "H$n" eth0 "172.16.$n.1/24"
		on "H$n" ip route add default via "172.16.$n.254"
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

# registered N: the hub's kernel has the spoke's public address
registered() {
	json "[.interfaces[].peers[] | select(.protocol == \"10.0.0.$1\" and
		.nbma == \"150.1.$1.$1\")] | length == 1" on R3 dmvpn -j peer show
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

# direct A B: A's kernel sends to B's tunnel address without the hub
direct() {
	json "[.interfaces[].peers[] | select(.protocol == \"10.0.0.$2\" and
		.nbma == \"150.1.$2.$2\" and (.flags | index(\"unconfirmed\") | not))] |
		length == 1" on "R$1" dmvpn -j peer show
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
