# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A rebooted hub, which has forgotten everything, has all spokes back within
# 90 s at default timers.   Drawing: lib/seed2.sh
rules R4
kernels 6.12
nightly uml-debug
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

load_module
seed2_underlay
seed2_hub
seed2_spokes

nhrpd_kill R1 KILL
on R1 ip link del Tunnel0
nhrpd R1 < /dev/null
eventually 20 "the hub is back and knows nobody" \
	json '.interfaces[] | select(.name == "Tunnel0") | .entries == []' on R1 dmvpn -j show
tick
# shellcheck disable=SC2154
back_at=$now
eventually 100 "all spokes are registered again" registered 6 7 8
tick
echo "all spokes back after $((now - back_at)) ms"
expect "within 90 s" [ $((now - back_at)) -le 90000 ]
expect "spokes reach each other through it" on R8 ping -c 3 -i 0.3 -W 5 192.168.1.6
