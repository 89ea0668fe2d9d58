# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# FRR's EIGRP over the tunnel: adjacency by multicast, LAN routes at the hub.
# FRR does not have what a hub needs to pass a spoke's networks on to another
# spoke (`no ip split-horizon eigrp`; its `ip summary-address` does nothing):
# the spokes' summary is a static route.   Drawing: lib/seed3.sh
rules R4 R9
kernels uml-debug
nightly 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5
seed3_daemons
for n in 3 4 5; do
	frr R$n <<-CONF
		hostname R$n
		router eigrp 345
		 eigrp router-id 10.0.0.$n
		 network 10.0.0.0/24
		$([ $n = 3 ] || echo " network 172.16.$n.0/24")
	CONF
done

# route HOST NET VIA: the FIB's next hop
route() {
	json ".[0].gateway == \"$3\"" on "$1" ip -j route show "$2"
}
for n in 4 5; do
	eventually 30 "R$n is the hub's neighbour" \
		prints "10.0.0.$n +Tunnel0" on R3 vtysh -c 'show ip eigrp neighbor'
	eventually 30 "the hub has R$n's network" route R3 172.16.$n.0/24 10.0.0.$n
	on R$n ip route add 172.16.0.0/16 via 10.0.0.3
done
stop_if_failed
udp_start H4-H5 H4 H5:172.16.5.1 100
eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
udp_stop H4-H5
expect "nothing was lost" lossless H4-H5
