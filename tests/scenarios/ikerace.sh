# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Two spokes begin IKE with each other at the same time, over an underlay of
# 0, 20 and 200 ms: of two SAs each keeps the same one, and no packet is lost.
# Drawing: lib/seed3.sh
#
# The charons are stopped while both daemons ask them to begin, so that they
# do it at once. That they did is in nhrpd's counter "duplicate".
rules R4 R5
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# stop_charons: those of both spokes
stop_charons() {
	kill -STOP "${charon_pid[R4]}" "${charon_pid[R5]}"
}

# ike_count HOST WHAT: of nhrpd's counters
ike_count() {
	on "$1" dmvpn -j show | jq --arg word "$2" '.ipsec.counters[$word]'
}

duplicates() {
	echo $(($(ike_count R4 duplicate) + $(ike_count R5 duplicate)))
}

# note_asked: how often each daemon has asked its charon until now
note_asked() {
	asked=("$(ike_count R4 attempt)" "$(ike_count R5 attempt)")
}

# both_asked: once more since then
both_asked() {
	grew R4 1+ "${asked[0]}" "$(ike_count R4 attempt)" &&
		grew R5 1+ "${asked[1]}" "$(ike_count R5 attempt)"
}

# both_began BEFORE: that was two SAs
both_began() {
	grew duplicate 1+ "$1" "$(duplicates)"
}

none_left() {
	not grep -F 150.1.5.5 <<< "$(esp R4)" && not grep -F 150.1.4.4 <<< "$(esp R5)"
}

# parted: they have no SA, and want one as soon as their charons run
parted() {
	note_asked
	kill -STOP "${nhrpd_pid[R4]}" "${nhrpd_pid[R5]}"
	on R4 swanctl --terminate --ike nhrp-150.1.4.4-150.1.5.5 ||
		on R4 swanctl --terminate --ike nhrpd-any-150.1.4.4
	eventually 10 "their SA is ended" none_left
	stop_charons
	kill -CONT "${nhrpd_pid[R4]}" "${nhrpd_pid[R5]}"
}

# race WORDS [SECONDS]: what both begin at once, or R5 so much later, comes to
# one SA
race() {
	local before
	before=$(duplicates)
	udp_start "H4-H5 $1" H4 H5:172.16.5.1 $pps
	udp_start "H5-H4 $1" H5 H4:172.16.4.1 $pps
	eventually 20 "$1: both ask their charon" both_asked
	kill -CONT "${charon_pid[R4]}"
	[ $# = 1 ] || sleep "$2"
	kill -CONT "${charon_pid[R5]}"
	eventually 20 "both began" both_began "$before"
	eventually 20 "one SA is left at R4" sa R4 5
	eventually 20 "and at R5" sa R5 4
	eventually 5 "it is the same one" one_pair
	eventually 20 "R4 sends directly" direct 4 5
	eventually 20 "R5 too" direct 5 4
	udp_stop "H4-H5 $1"
	udp_stop "H5-H4 $1"
	expect "not one packet was lost" lossless "H4-H5 $1" "H5-H4 $1"
}

load_module
seed3_underlay 4 5
seed3_charons
seed3_routes

# ---- how far they are from each other ----
delay R4 eth0 0
delay R5 eth0 0
note_asked
stop_charons
race "0 ms"
parted
delay R4 eth0 5
delay R5 eth0 5
race "20 ms"
parted
delay R4 eth0 50
delay R5 eth0 50
race "200 ms"

# ---- one begins when the other's first message is there ----
# R4's own SA is complete before R5 makes another one.
parted
race "R5 later" 0.15

capture_stop
esp_clear 3 4 5
