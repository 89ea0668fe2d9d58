# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Bad input of every kind, from a known peer (R6), from a stranger (X) and
# from the operator's side: each piece is refused with a reason and counted
# once, nobody's entry changes, and the stream between R6 and R8 loses nothing.
#
#        R1  1.1.1.1   the hub         R7  7.7.7.7   comes late
#         |                             |
#        inet --------------------------+-- X  9.9.0.1   in no cloud
#       /    \
#  R6 6.6.6.6  R8 8.8.8.8    tunnel 192.168.1.0/24, key 42, "longest8"
#
rules R6 R10
kernels 6.12 uml-debug
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

key=6c6f6e6765737438			# "longest8"
gre=200020010000002a			# NHRP in key 42
lines=('ip nhrp authentication longest8' 'ip nhrp registration timeout 3600' 'tunnel key 42')

load_module
underlay R1=1.1.1.1@Loopback0 R6=6.6.6.6@Loopback0 R7=7.7.7.7@Loopback0 \
	R8=8.8.8.8@Loopback0 X=9.9.0.1
seed2_hub "${lines[@]:0:1}" "${lines[2]}"
for n in 6 8; do
	seed2_spoke $n "${lines[@]}" 'tunnel mode gre multipoint'
done
eventually 20 "both spokes are registered with the hub" registered 6 8
udp_start up R6 R8:192.168.1.8
udp_start down R8 R6:192.168.1.6
eventually 10 "R6 reaches R8 directly" direct 6 8
eventually 10 "R8 reaches R6 directly" direct 8 6
stop_if_failed

# ---- tools ----

# golden NAME [OLD/NEW...]: a golden packet with the addresses of this
# network: .11 is R6, .12 R8, .1 the hub; further substitutions on its digits.
golden() {
	local name=$1 hex change
	shift
	hex=$(sed -n "/^= $name\$/,/^\$/{/^[0-9a-f ]/{s/#.*//;s/[ \t]//g;p}}" \
		"$LAB_REPO/tests/golden/nhrp.hex" | tr -d '\n')
	for change in c000020b/06060606 c633640b/c0a80106 c000020c/08080808 \
		c633640c/c0a80108 c0000201/01010101 c6336401/c0a80101 "$@"; do
		hex=${hex//${change%/*}/${change#*/}}
	done
	echo "$hex"
}

# signed HEX [KEY]: the packet with an authentication extension before End.
signed() {
	local value=00000001${2-$key}
	printf '%s8007%04x%s80000000\n' "${1%80000000}" $((${#value} / 2)) "$value"
}

# inject MODE HOST SRC DST ARG...: lines of standard input as packets.
inject() {
	local mode=$1 from=$2
	shift 2
	on "$from" inject "$mode" "$@"
}

# tally HOST: what nhrpd has counted of packets that came in. Each is refused
# by the decoder, stopped at the door or received; a received one may be
# rejected afterwards.
tally() {
	on "$1" dmvpn -j show | jq -c '.frames as $frames | .interfaces[0].traffic |
		(.rejected | .rate + .off) as $door | {
		frames: $frames.received, bad_frame: $frames.bad_frame,
		refused: (.refused | add), received: (.received | add), door: $door,
		rejected: ((.rejected | add) - $door),
		each: (.refused + .rejected)}'
}

# since BEFORE HOST: the growth since then, zeros left out of .each.
since() {
	jq -cn --argjson a "$1" --argjson b "$(tally "$2")" \
		'[$a, $b] | map(del(.each)) as $n | ($n[1] | with_entries(.value -= $n[0][.key])) +
		{each: (.[0].each as $was | .[1].each | with_entries(.value -= ($was[.key] // 0)) |
			with_entries(select(.value != 0)))}'
}

# counted_since BEFORE HOST N FILTER: N packets came, each counted once, and
# the filter holds of the growth.
counted_since() {
	local grown
	grown=$(since "$1" "$2")
	echo "$3 packets: $grown"
	jq -e --argjson n "$3" ".frames == \$n and .bad_frame == 0 and
		.refused + .door + .received == \$n and .rejected <= .received and ($4)" \
		<<< "$grown" > /dev/null
}

# entries HOST [JQ]: what the daemon knows but for times and use; JQ selects.
entries() {
	on "$1" dmvpn -j show | jq -cS "[.interfaces[0].entries[] | select(${2:-true}) |
		{protocol, prefix_length, nbma, nbma_claimed, type, state,
		flags: (.flags - [\"used\"])}] | sort_by(.protocol)"
}

# neighbours HOST [JQ]: what the kernel has.
neighbours() {
	on "$1" dmvpn -j peer show | jq -cS "[.interfaces[0].peers[] | select(${2:-true}) |
		{protocol, nbma, flags, peer_flags}] | sort_by(.protocol)"
}

drops() {
	on "$1" dmvpn -j show drops Tunnel0 | jq -c '.interfaces[0].drops'
}

# ---- every truncation and every bit, from a known peer ----

# The hub is asked to do things; R8, a spoke, is told things.
to_hub=(
	"$(golden registration-request-key)"
	"$(signed "$(golden resolution-request c0a80108/c0a80101)")"
	"$(signed "$(golden purge-request 01010101c0a80101/06060606c0a80106 c0a80106/c0a80101 \
		06060606c0a80101/06060606c0a80106)")"
)
to_spoke=(
	"$(signed "$(golden resolution-reply 06060606c0a80106c0a80108/08080808c0a80108c0a80106)")"
	"$(signed "$(golden error-loop-extensions)")"
	"$(signed "$(golden traffic-indication)")"
)
printf '%s\n' "${to_hub[@]}" > "$LAB_OUT/to_hub"
printf '%s\n' "${to_spoke[@]}" > "$LAB_OUT/to_spoke"

# Entries of R6 itself are R6's to change, by a packet that happens to be
# legal; the hub's own one comes when somebody asks for it.
others='.nbma != "6.6.6.6" and .type != "local"'
hub_before=$(entries R1 "$others")$(neighbours R1 "$others")
spoke_before=$(entries R8)$(neighbours R8)
drops_before=$(drops R1)$(drops R8)

# bombard HOW HUB SPOKE: both at once, as fast as a peer may send; HUB and
# SPOKE must hold of what each has counted. A frame of no bytes is the module's
# to drop, one for each packet cut.
bombard() {
	local hub spoke pid sent
	hub=$(tally R1)
	spoke=$(tally R8)
	inject mutate R6 6.6.6.6 8.8.8.8 $gre "$1" 190 900 \
		< "$LAB_OUT/to_spoke" > "$LAB_OUT/spoke.sent" &
	pid=$!
	sent=$(inject mutate R6 6.6.6.6 1.1.1.1 $gre "$1" 190 900 < "$LAB_OUT/to_hub")
	wait $pid
	eventually 10 "$sent mutations, $1, are each counted once by the hub" \
		counted_since "$hub" R1 $((sent - ${#to_hub[@]})) "$2"
	grep packets "$evidence"
	sent=$(< "$LAB_OUT/spoke.sent")
	eventually 10 "$sent mutations, $1, are each counted once by the spoke" \
		counted_since "$spoke" R8 $((sent - ${#to_spoke[@]})) "$3"
	grep packets "$evidence"
	expect "the hub has nobody else's entry changed" same "$hub_before" \
		"$(entries R1 "$others")$(neighbours R1 "$others")"
	expect "the spoke has no entry changed" same "$spoke_before" \
		"$(entries R8)$(neighbours R8)"
}

bombard wrong '.refused == $n' '.refused == $n'
bombard repaired '.door == 0' '.door == 0 and .rejected == .received'
expect "the hub's module dropped the empty ones alone" same \
	"{\"bad-inner\":$((2 * ${#to_hub[@]}))}" "$(drops_since "$hub_drops" R1)"
expect "so did the spoke's" same \
	"{\"bad-inner\":$((2 * ${#to_spoke[@]}))}" "$(drops_since "$spoke_drops" R8)"

# ---- GRE, from a known peer and from a stranger ----

# An inner UDP packet from R6 to the hub, to a port that nobody has.
inner=4500001c00000000401177720c0a80106
inner=4500001c000000004011$(printf %04x 0x776c)c0a80106c0a8010100090009000800
inner=${inner}00

hub_drops=$(drops R1)
bad_gre=0
for bit in 0 2 4 5 6 7 8 9 10 11 12 13 14 15; do
	[ $bit != 2 ] || continue		# K: tested as wrong-key
	[ $bit != 3 ] || continue		# S: legal
	[ $bit != 0 ] || continue		# C: tested as bad-checksum
	flags=$((0x2000 ^ (0x8000 >> bit)))
	printf '%04x08000000002a%s\n' $flags $inner
	bad_gre=$((bad_gre + 1))
done > "$LAB_OUT/gre"
