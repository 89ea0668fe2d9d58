# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 2 (and its phase 1 as far as that leads there).
# Drawing: lib/seed2.sh
rules R2 R3 R4 R9
kernels 6.12 6.1 uml-debug
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

load_module
seed2_underlay
seed2_hub
for n in 6 7 8; do
	seed2_spoke $n 'tunnel mode gre multipoint'
done
eventually 20 "all spokes are registered with the hub" registered 6 7 8
seed2_bgp_hub
for n in 6 7 8; do
	seed2_bgp_spoke $n
done
eventually 40 "R8 has R6's network with R6 as next hop" route 8 66.66.66.0/24 192.168.1.6
eventually 40 "R6 has R8's network with R8 as next hop" route 6 88.88.88.0/24 192.168.1.8
on R8 dmvpn show || true
