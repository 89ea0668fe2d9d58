# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The direct path between two spokes goes dead, both ways and one way, while
# both reach the hub: they are back on the hub within ten seconds at default
# timers, lose nothing from then on, and are direct again when the path is.
#
#   as in lib/seed3.sh; `inet` drops what goes from R4 to R5, or back
rules R4
kernels uml-debug 6.12
nightly 6.1
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

pps=100

load_module
seed3_underlay 4 5
seed3_daemons
seed3_routes

# dead FROM TO...: pairs that the underlay does not carry any more
dead() {
	on inet nft -f - <<-NFT
		table ip dead {
			chain forward {
				type filter hook forward priority 0;
				$(while [ $# -gt 0 ]; do
					echo "ip saddr 150.1.$1.$1 ip daddr 150.1.$2.$2 drop"
					shift 2
				done)
			}
		}
	NFT
}

# apart A B: A's kernel does not send to B directly any more
apart() { not direct "$1" "$2"; }

both_direct() {
	eventually "$1" "R4 sends to R5 directly" shortcut 4 172.16.5.0/24 5
	eventually "$1" "R5 sends to R4 directly" shortcut 5 172.16.4.0/24 4
	stop_if_failed
}

# short NAME...: the stream's one silence was no longer than ten seconds, and
# all that it lost was lost in it (plus the packets that were under way)
short() {
	local name
	for name in "$@"; do
		cat "$LAB_OUT/$name.udp.json"
		jq -e --argjson pps $pps '.received > 0 and .duplicated == 0 and
			.max_gap_ms <= 10000 and .lost <= .max_gap_ms * $pps / 1000 + $pps / 10' \
			"$LAB_OUT/$name.udp.json" > /dev/null || return
	done
}

# dies NAME PAIRS...: the story of one death, with streams both ways
dies() {
	local name=$1
	shift
	udp_start "$name-out" H4 H5:172.16.5.1 $pps
	udp_start "$name-back" H5 H4:172.16.4.1 $pps
	both_direct 60
	dead "$@"
	eventually 15 "$name: R4 sends through the hub" apart 4 5
	eventually 15 "$name: R5 sends through the hub" apart 5 4
	udp_start "$name-after" H4 H5:172.16.5.1 $pps
	udp_start "$name-answer" H5 H4:172.16.4.1 $pps
	expect "$name: traffic goes through the hub" \
		same "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
	on inet nft delete table ip dead
	both_direct 60
	for stream in out back after answer; do
		udp_stop "$name-$stream"
	done
	expect "$name: back on the hub within ten seconds" short "$name-out" "$name-back"
	expect "$name: nothing is lost from then on" lossless "$name-after" "$name-answer"
}

dies both-ways 4 5 5 4
dies one-way 4 5
