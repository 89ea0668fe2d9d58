# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# FRR's OSPF over the tunnel, with the lines that a Cisco network needs too:
# as a broadcast network whose spokes have priority 0 (phase 2), and as
# point-to-multipoint (phase 3).   Drawing: lib/seed3.sh
rules R4 R9
kernels uml-debug 6.12
nightly 6.1
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5
seed3_daemons
# speaker N PRIORITY
speaker() {
	frr "R$1" <<-CONF
		hostname R$1
		interface Tunnel0
		 ip ospf network broadcast
		 ip ospf priority $2
		 ip ospf hello-interval 1
		 ip ospf dead-interval 6
		router ospf
		 ospf router-id 10.0.0.$1
		 timers throttle spf 0 50 500
		 timers throttle lsa all 100
		 timers lsa min-arrival 50
		 network 10.0.0.0/24 area 0
		 network 172.16.0.0/16 area 0
	CONF
}
speaker 3 10
speaker 4 0
speaker 5 0

# adjacent N STATE: the hub and RN, as the hub sees it
adjacent() {
	prints "^10.0.0.$1 .* Full/$2 " on R3 vtysh -c 'show ip ospf neighbor'
}
# route HOST NET VIA: the FIB's next hop
route() {
	json ".[0].gateway == \"$3\"" on "$1" ip -j route show "$2"
}

# ---- broadcast: next hops are the spokes ----
for n in 4 5; do
	eventually 30 "R$n is adjacent to the hub" adjacent $n DROther
	eventually 30 "the hub has R$n's network" route R3 172.16.$n.0/24 10.0.0.$n
done
eventually 30 "R4 has R5's network, by R5" route R4 172.16.5.0/24 10.0.0.5
eventually 30 "R5 has R4's network, by R4" route R5 172.16.4.0/24 10.0.0.4
stop_if_failed
udp_start H4-H5 H4 H5:172.16.5.1 100
eventually 10 "R4 reaches R5 directly" direct 4 5
eventually 10 "R5 reaches R4 directly" direct 5 4
udp_start H5-H4 H5 H4:172.16.4.1 100

# ---- the hub's nhrpd dies ----
changes() {
	on R3 vtysh -c 'show ip ospf neighbor detail' |
		grep -oE '[0-9]+ state changes' | sort | uniq -c
}
before=$(changes)
nhrpd_kill R3 KILL
nhrpd R3 < /dev/null
eventually 10 "the hub's new nhrpd answers" on R3 dmvpn -j show
sent=$(counted R3 Tunnel0 multicast-copy)
eventually 20 "the hub goes on sending its hellos to both" eval \
	'grew multicast-copy 12+ "$sent" "$(counted R3 Tunnel0 multicast-copy)"'
expect "no adjacency has noticed" same "$before" "$(changes)"
udp_stop H4-H5
udp_stop H5-H4
expect "nothing was lost" lossless H4-H5 H5-H4

# ---- point-to-multipoint: the next hop is the hub, shortcuts do the rest ----
for n in 3 4 5; do
	on R$n vtysh -c 'configure terminal' -c 'interface Tunnel0' \
		-c 'ip ospf network point-to-multipoint'
done
for n in 4 5; do
	eventually 40 "R$n is adjacent again" adjacent $n '(-|DROther)'
done
eventually 30 "R4 has R5's network, by the hub" route R4 172.16.5.0/24 10.0.0.3
eventually 30 "R5 has R4's network, by the hub" route R5 172.16.4.0/24 10.0.0.3
stop_if_failed
udp_start p2mp H4 H5:172.16.5.1 100
eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
udp_stop p2mp
expect "nothing was lost here either" lossless p2mp
