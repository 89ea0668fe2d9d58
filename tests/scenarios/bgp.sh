# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# FRR's BGP over phase 3: the hub tells the spokes of nothing but a summary,
# and shortcuts live as long as it does.   Drawing: lib/seed3.sh
rules R4 R8 R9
kernels uml-debug
nightly 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5
seed3_daemons
frr R3 <<-CONF
	hostname R3
	router bgp 65000
	 bgp router-id 10.0.0.3
	 timers bgp 3 10
	 neighbor spokes peer-group
	 neighbor spokes remote-as 65000
	 bgp listen range 10.0.0.0/24 peer-group spokes
	 address-family ipv4 unicast
	  aggregate-address 172.16.0.0/16 summary-only
	 exit-address-family
CONF
for n in 4 5; do
	frr R$n <<-CONF
		hostname R$n
		router bgp 65000
		 bgp router-id 10.0.0.$n
		 timers bgp 3 10
		 neighbor 10.0.0.3 remote-as 65000
		 neighbor 10.0.0.3 timers connect 1
		 address-family ipv4 unicast
		  network 172.16.$n.0/24
		 exit-address-family
	CONF
done

# routes HOST: what BGP made of the cloud, "NET VIA" a line
routes() {
	on "$1" ip -j route show proto bgp | jq -r '.[] | "\(.dst) \(.gateway)"' | sort
}
for n in 4 5; do
	eventually 40 "R$n has the summary and nothing else" \
		eval "same '172.16.0.0/16 10.0.0.3' \"\$(routes R$n)\""
done
stop_if_failed

udp_start H4-H5 H4 H5:172.16.5.1 100
udp_start H5-H4 H5 H4:172.16.4.1 100
eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 10 "R5 has a shortcut to R4's network" shortcut 5 172.16.4.0/24 4
expect "BGP has not seen them" same '172.16.0.0/16 10.0.0.3' "$(routes R4)"
udp_stop H4-H5
udp_stop H5-H4
expect "nothing was lost" lossless H4-H5 H5-H4

# ---- the summary goes, and comes back ----
on R3 vtysh -c 'configure terminal' -c 'router bgp 65000' -c 'neighbor spokes shutdown'
for n in 4 5; do
	eventually 30 "R$n: without the summary there is no shortcut" \
		eval "same '' \"\$(shortcuts R$n)\""
done
on R3 vtysh -c 'configure terminal' -c 'router bgp 65000' -c 'no neighbor spokes shutdown'
eventually 40 "R4 has the summary again" eval 'same "172.16.0.0/16 10.0.0.3" "$(routes R4)"'
eventually 10 "and reaches R5's network" on H4 ping -c 1 -W 1 172.16.5.1
eventually 10 "by a shortcut" shortcut 4 172.16.5.0/24 5
