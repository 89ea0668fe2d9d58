# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The life of an entry: used ones are refreshed and never miss a packet, idle
# ones end with their holding time, and one whose NBMA address changed is
# direct again soon.   Drawing: lib/seed2.sh
rules R4
kernels 6.12 uml-debug
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

hold=21

load_module
seed2_underlay
seed2_hub "ip nhrp holdtime $hold"
seed2_spokes "ip nhrp holdtime $hold" 'ip nhrp registration no-unique'

# ---- used ----
events r8 R8 dmvpn -j monitor
udp_start up R8 R6:192.168.1.6
eventually 10 "R8 reaches R6 directly" direct 8 6
expect "the kernel tells that the entry is used" \
	next_event r8 '"event":"used".*"protocol":"192.168.1.6"' $hold
left() {
	on R8 dmvpn -j peer show | jq '.interfaces[].peers[] |
		select(.protocol == "192.168.1.6") | .expires_seconds'
}
renewed() {
	local seconds
	seconds=$(left)
	echo "$seconds s left"
	jq -ne "$seconds > $hold * 0.67"
}
eventually 5 "it gets a new holding time" renewed
eventually $hold "before its end" renewed
udp_stop up
expect "nothing was lost meanwhile" lossless up

# ---- idle ----
expect "the idle entry ends with its holding time" \
	next_event r8 '"event":"expired".*"protocol":"192.168.1.6"' $((hold + 5))
eventually 2 "nhrpd has forgotten it too" \
	json '[.interfaces[].entries[] | select(.protocol == "192.168.1.6")] | length == 0' \
	on R8 dmvpn -j show

# ---- moved ----
udp_start down R8 R6:192.168.1.6
eventually 10 "R8 reaches R6 directly again" direct 8 6
readdress 6 6.6.6.60
eventually 10 "R6 moved: R8 reaches it directly at the new address" direct 8 6 6.6.6.60
# By R8's log: asking costs seconds of its own on a slow machine.
direct_at=$(awk '/192.168.1.6 is direct, 6.6.6.60 / { print $1; exit }' "$LAB_OUT/R8-nhrpd.log")
took=$(($(date -d "$direct_at" +%s%3N) - moved_at))
echo "direct again after $took ms"
expect "within ten seconds" [ $took -le 10000 ]
udp_stop down
cat "$LAB_OUT/down.udp.json"
