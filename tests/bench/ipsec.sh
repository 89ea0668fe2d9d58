# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How fast two spokes find each other and what they lose, when all of it is
# encrypted by the strongSwan that Debian ships: network of lib/seed3.sh with
# five spokes, no delay but the machine's own.   Run by `bench`.
#
#        R3  hub             H4 -> H5 and so on: one-way streams of 1,000
#         |                  packets/s, a new pair each time
#       inet
#      / ... \
#    R4 ..   R8
#    H4 ..   H8              172.16.4.0/24 .. 172.16.8.0/24
rules R4 R5
kernels uml
timeout 600

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# Only what is needed is captured: each capture takes its share of the one CPU.
eval "real_$(declare -f capture)"
capture() { :; }
spokes=(4 5 6 7 8)
pps=1000

# value ROW NUMBER: one measurement, for report.py
value() {
	echo "value $1 ours $2" >> "$LAB_OUT/raw"
	echo "$1: $2"
}

# since SECONDS: how long ago that was
since() {
	bc <<< "$EPOCHREALTIME - $1"
}

# pause SECONDS: nothing is started, and so no time taken from who meets
exec {nothing}<> <(:)
pause() { read -r -t "$1" -u "$nothing" || true; }

load_module
seed3_underlay "${spokes[@]}"
for n in 3 "${spokes[@]}"; do
	delay "R$n" eth0 0
done
seed3_charons
seed3_routes

# ---- two that meet ----

real_capture inet any -B 16384 -Q in esp
mv "$LAB_OUT/inet-any.pcap" "$LAB_OUT/middle.pcap"

tries=()
# pair I J: they meet while packets flow
pair() {
	local name=meet-$1-$2 begun=$EPOCHREALTIME
	udp_start "$name" "H$1" "H$2:172.16.$2.1" $pps
	pause 2
	eventually 20 "$name: direct" shortcut "$1" "172.16.$2.0/24" "$2"
	eventually 20 "$name: of one SA" sa "R$1" "$2"
	udp_stop "$name" > /dev/null
	value esp-lost "$(udp_count "$name" lost)"
	tries+=("$1 $2 $begun")
}

# when FILTER AFTER: the first such packet's time
when() {
	tcpdump -tt -nn -q -r "$LAB_OUT/middle.pcap" "$1" 2> /dev/null |
		awk -v after="$2" '$1 > after && !n++ { print $1 }'
}

# met I J BEGUN: what the capture says of that pair. The flow's packets are those
# of the length that most packets of the direct path have.
met() {
	local from="src host 150.1.$1.$1" to="dst host 150.1.$2.$2" length first direct
	length=$(tcpdump -nn -v -r "$LAB_OUT/middle.pcap" "$from and $to" 2> /dev/null |
		sed -n 's/.*, length \([0-9]*\))$/\1/p' | sort | uniq -c | sort -rn |
		awk 'NR == 1 { print $2 }')
	first=$(when "$from and dst host 150.1.3.3 and ip[2:2] = ${length:-0}" "$3")
	direct=$(when "$from and $to and ip[2:2] = ${length:-0}" "$3")
	value esp-setup "$(awk -v from="$first" -v to="$direct" 'BEGIN {
		if (from == "" || to == "") print "none"
		else printf "%.3f\n", (to - from) * 1000 }')"
}

for p in '4 5' '4 6' '4 7' '4 8' '5 6' '5 7' '5 8'; do
	# shellcheck disable=SC2086
	pair $p
done
capture_stop
for p in "${tries[@]}"; do
	# shellcheck disable=SC2086
	met $p
done
stop_if_failed

# ---- an SA that is deleted ----

# esp_of HOST A B: the SPIs of its kernel's SAs from A to B
esp_of() {
	esp "$1" | awk -v a="$2" -v b="$3" '$1 == a && $2 == b { print $3 }'
}

# anew: R4 has one SA to R5, and not the one of before
anew() {
	local now
	now=$(esp_of R4 150.1.4.4 150.1.5.5)
	[ -n "$now" ] && [ "$now" != "$before" ] && sa R4 5
}

for try in 1 2 3; do
	udp_start gone-$try H4 H5:172.16.5.1 $pps
	pause 1
	before=$(esp_of R4 150.1.4.4 150.1.5.5)
	begun=$EPOCHREALTIME
	on R4 dmvpn clear ipsec 150.1.5.5 > /dev/null
	eventually 30 "R4 has another SA to R5" anew
	value esp-gone "$(since "$begun")"
	udp_stop gone-$try > /dev/null
	value esp-gone-lost "$(udp_count gone-$try lost)"
	pause 11
done

# ---- a charon that is killed ----

udp_start killed-direct H4 H5:172.16.5.1 $pps
udp_start killed-back H5 H4:172.16.4.1 $pps
pause 1
charon_kill R4 KILL 2> /dev/null
charon R4
eventually 40 "R4's new charon has an SA to R5" sa R4 5
eventually 40 "and to the hub" sa R4 3
pause 25
udp_stop killed-direct > /dev/null
udp_stop killed-back > /dev/null
value esp-killed-lost "$(($(udp_count killed-direct lost) + $(udp_count killed-back lost)))"

# back: the hub's charon has an SA to each spoke
back() {
	same "${#spokes[@]}" "$(sas R3 | grep -c '^150\.1\.[4-8]\.[4-8] up false 1 ')"
}
udp_start hub R3 H4:172.16.4.1 $pps
pause 1
begun=$EPOCHREALTIME
charon_kill R3 KILL 2> /dev/null
charon R3
eventually 60 "the hub's new charon has an SA to each spoke" back
value esp-hub "$(since "$begun")"
pause 25
udp_stop hub > /dev/null
value esp-hub-lost "$(udp_count hub lost)"
