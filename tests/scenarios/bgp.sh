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
seed3_bgp ipv4

# routes HOST: what BGP made of the cloud, "NET VIA" a line
routes() {
	on "$1" ip -j route show proto bgp | jq -r '.[] | "\(.dst) \(.gateway)"' | sort
}
for n in 4 5; do
	eventually 40 "R$n has the summary and nothing else" \
		eval "same '172.16.0.0/16 10.0.0.3' \"\$(routes R$n)\""
done
stop_if_failed

seed3_talk 100
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
