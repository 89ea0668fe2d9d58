# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A direct path that nobody uses any more: its shortcuts expire, then its SA is
# closed at both ends; the hub's stays, and packets bring the path back.
# Drawing: lib/seed3.sh
rules R4
nightly uml-debug 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

hold=15 idle=10

# none HOST N: neither its daemon nor its kernel has an SA to RN
none() {
	not prints "^150.1.$2.$2 up" sas "$1" && not prints "150.1.$2.$2 " esp "$1"
}

load_module
seed3_underlay 4 5
for n in 3 4 5; do
	seed3_secrets R$n
	nhrpd R$n < <(seed3_protected $n "set security-association idle-time $idle" |
		sed "s/registration timeout .*/holdtime $hold/")
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
done
stop_if_failed
seed3_routes

udp_start used H4 H5:172.16.5.1 $pps
eventually 20 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 20 "through an SA" sa R4 5
stop_if_failed
events r4 R4 dmvpn -j monitor
expect "the shortcut is used" \
	next_event r4 '"event":"shortcut-used".*"172.16.5.0/24"' $((2 * hold))
expect "and so is the SA" sa R4 5
udp_stop used
expect "not one packet was lost" lossless used

eventually $((2 * hold)) "idle, the shortcut expires" eval 'same "" "$(shortcuts R4)"'
eventually $((4 * idle + hold)) "R4 has no SA to R5 any more" none R4 5
eventually $((4 * idle + hold)) "nor has R5 one to R4" none R5 4
expect "somebody says why" grep -h 'closed, nobody uses it' \
	"$LAB_OUT/R4-nhrpd.log" "$LAB_OUT/R5-nhrpd.log"
for n in 4 5; do
	expect "R$n's SA to the hub is there" sa R$n 3
done

udp_start again H4 H5:172.16.5.1 $pps
eventually 20 "packets bring the shortcut back" shortcut 4 172.16.5.0/24 5
eventually 20 "and an SA" sa R4 5
udp_stop again
expect "not one of them was lost" lossless again
capture_stop
esp_clear 4 5
