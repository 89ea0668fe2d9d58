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
kernels uml-debug
nightly 6.12
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
# A slow machine has enough to do with what follows.
udp_start up R6 R8:192.168.1.8 $((LAB_PPS / LAB_SLOW))
udp_start down R8 R6:192.168.1.6 $((LAB_PPS / LAB_SLOW))
eventually 10 "R6 reaches R8 directly" direct 6 8
eventually 10 "R8 reaches R6 directly" direct 8 6
stop_if_failed

# ---- tools ----

# The golden packets' digits by name.
declare -A golden_packet
while read -r name hex; do
	golden_packet[$name]=$hex
done < <(awk '/^= / { if (name) print name, hex; name = $2; hex = "" }
	/^ *[0-9a-f]/ { sub(/#.*/, ""); gsub(/[ \t]/, ""); hex = hex $0 }
	END { print name, hex }' "$LAB_REPO/tests/golden/nhrp.hex")

# golden NAME [OLD/NEW...]: such a packet with the addresses of this network,
# .11 is R6, .12 R8, .1 the hub; then further substitutions on its digits.
golden() {
	local hex=${golden_packet[$1]:?no such packet: $1} change
	for change in c000020b/06060606 c633640b/c0a80106 c000020c/08080808 \
		c633640c/c0a80108 c0000201/01010101 c6336401/c0a80101 "${@:2}"; do
		hex=${hex//${change%/*}/${change#*/}}
	done
	printf '%s\n' "$hex"
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
		(.rejected.rate + .rejected.off) as $door | {
		frames: $frames.received, lost: $frames.recv_lost,
		bad_frame: $frames.bad_frame, sent: ([.sent, .forwarded | add] | add),
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

# drops_since BEFORE HOST: what the module dropped since then.
drops_since() {
	jq -cnS --argjson a "$1" --argjson b "$(drops "$2")" \
		'$b | with_entries(.value -= $a[.key]) | with_entries(select(.value != 0))'
}

# expected FILE: the tally of its first column, which names a counter or "ok".
expected() {
	jq -cRnS '[inputs | split(" ")[0] | select(. != "ok")] | group_by(.) |
		map({key: .[0], value: length}) | from_entries' "$1"
}

# packets FILE: the second column.
packets() {
	cut -d' ' -f2 "$1"
}

# ---- every truncation and every bit, from known peers ----

# R6 asks the hub to do things; the hub tells R8 things, as fast as it can.
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
hub_drops=$(drops R1)
spoke_drops=$(drops R8)

# bombard HOW HUB SPOKE: both at once; HUB and SPOKE must hold of what each has
# counted. R6 keeps to the rate of a peer (when this machine pauses, some are
# stopped at the door all the same), an NHS has none. A frame of no bytes is the
# module's to drop, one for each packet cut. The spoke answers the hub.
bombard() {
	local hub spoke pid sent told answers
	hub=$(tally R1)
	spoke=$(tally R8)
	inject mutate R1 1.1.1.1 8.8.8.8 $gre "$1" 0 0 \
		< "$LAB_OUT/to_spoke" > "$LAB_OUT/spoke.sent" &
	pid=$!
	sent=$(inject mutate R6 6.6.6.6 1.1.1.1 $gre "$1" 190 900 < "$LAB_OUT/to_hub")
	wait $pid
	told=$(< "$LAB_OUT/spoke.sent")
	eventually 10 "$told mutations, $1, are each counted once by the spoke" \
		counted_since "$spoke" R8 $((told - ${#to_spoke[@]})) "$3"
	grep packets "$evidence"
	answers=$(since "$spoke" R8 | jq .sent)
	eventually 10 "$sent mutations, $1, are each counted once by the hub" \
		counted_since "$hub" R1 $((sent - ${#to_hub[@]} + answers)) "$2"
	grep packets "$evidence"
	expect "the hub has nobody else's entry changed" same "$hub_before" \
		"$(entries R1 "$others")$(neighbours R1 "$others")"
	expect "the spoke has no entry changed" same "$spoke_before" \
		"$(entries R8)$(neighbours R8)"
}

bombard wrong '.received == 0 and .door < $n / 2' '.refused == $n'
bombard repaired '.door < $n / 2' '.door == 0 and .rejected == .received'
expect "the hub's module dropped the empty ones alone" same \
	"{\"bad-inner\":$((2 * ${#to_hub[@]}))}" "$(drops_since "$hub_drops" R1)"
expect "so did the spoke's" same \
	"{\"bad-inner\":$((2 * ${#to_spoke[@]}))}" "$(drops_since "$spoke_drops" R8)"

# ---- GRE, from a known peer and from a stranger ----

# snmp HOST PROTOCOL NAME: a counter of the stack.
snmp() {
	on "$1" cat /proc/net/snmp | awk -v p="$2:" -v name="$3" '$1 == p {
		for (i = 2; i <= NF; i++) {
			if (name == $i) column = i
			else if (i == column && $i ~ /^[0-9]/) print $i
		}}'
}

# From R6 to the hub, UDP to a port that nobody has.
udp=4500001c000000004011f779c0a80106c0a801010009000900080000
{
	echo "ok 200008000000002a$udp"
	echo "ok 300008000000002a00000001$udp"
	echo "wrong-key 200008000000002b$udp"
	echo "wrong-key 00000800$udp"
	for bit in 1 4 5 6 7 8 9 10 11 12 13 14 15; do
		printf 'bad-gre %04x08000000002a%s\n' $((0x2000 | 0x8000 >> bit)) $udp
	done
	for length in 0 1 2 3 4 5 6 7; do
		printf 'bad-gre %.*s\n' $((2 * length)) 200008000000002a
	done
	for length in 4 7 8 11; do
		printf 'bad-gre %.*s\n' $((2 * length)) a0000800123400000000002a
	done
	echo "bad-checksum a0000800123400000000002a$udp"
	echo "bad-inner 200008000000002a"
	echo "bad-inner 200008000000002a${udp:0:38}"
	echo "bad-inner 200008000000002a6${udp:1}"
	echo "bad-inner $gre"
	echo "bad-inner 200086dd0000002a$udp"
	echo "unsupported 200088470000002a$udp"
	echo "unsupported 200065580000002a$udp"
	echo "unsupported 200000000000002a$udp"
	# These two are for IP to refuse: header length, header checksum.
	echo "ok 200008000000002a44${udp:2}"
	echo "ok 200008000000002a4501${udp:4}"
} > "$LAB_OUT/gre"
echo "ecn 200008000000002a$udp" > "$LAB_OUT/ecn"

before=$(drops R1)
ports=$(snmp R1 Udp NoPorts)
headers=$(snmp R1 Ip InHdrErrors)
strangers=$(counted R1 Tunnel0 unknown-sender)
packets "$LAB_OUT/gre" | inject gre R6 6.6.6.6 1.1.1.1 > "$LAB_OUT/sent"
packets "$LAB_OUT/ecn" | inject gre R6 6.6.6.6 1.1.1.1 3 > "$LAB_OUT/sent"
packets "$LAB_OUT/gre" | inject gre X 9.9.0.1 1.1.1.1 > "$LAB_OUT/sent"
gre_is_counted() {
	# A stranger's key and header are nobody's affair here.
	same "$(cat "$LAB_OUT/gre" "$LAB_OUT/ecn" <(grep -Ev '^(bad-gre|wrong-key) ' \
		"$LAB_OUT/gre") > "$LAB_OUT/all"; expected "$LAB_OUT/all")" \
		"$(drops_since "$before" R1)"
}
eventually 5 "each bad GRE packet is counted under its reason" gre_is_counted
expect "good ones pass" grew "UDP to no port" 4 "$ports" "$(snmp R1 Udp NoPorts)"
expect "bad inner headers are IP's to count" grew "IP header errors" 4 "$headers" \
	"$(snmp R1 Ip InHdrErrors)"
expect "data of a stranger is taken and counted" grew unknown-sender 8 \
	"$strangers" "$(counted R1 Tunnel0 unknown-sender)"

before=$(tally R1)
{
	echo "bad-length $(printf '%03200d' 0)"
	echo "oversize $(printf '%06000d' 0)"
} > "$LAB_OUT/long"
packets "$LAB_OUT/long" | inject nhrp R6 6.6.6.6 1.1.1.1 $gre > "$LAB_OUT/sent"
long_is_counted() {
	json '.bad_frame == 1 and .each == {"bad-length": 1}' since "$before" R1
}
eventually 5 "NHRP frames that are too long are counted" long_is_counted

# ---- NHRP of a stranger who has the key, or has it not ----

# register ADDRESS ID [OLD/NEW...]: X registers this protocol address.
register() {
	golden registration-request-key 06060606/09090001 "c0a80106/$1" \
		"800200000002/8002$2" "${@:3}"
}
# error HEX: an Error Indication of X for the hub about this packet.
error() {
	local quote=$1 total=0 i
	for ((i = 0; i < ${#quote}; i += 4)); do
		[ $i = 24 ] || total=$((total + 16#${quote:i:4}))
	done
	total=$((~((total & 0xffff) + (total >> 16)) & 0xffff))
	quote=${quote:0:24}$(printf %04x $total)${quote:28}
	signed "$(printf '000108000000000000ff00000000%04x010704000404000000060000%s%s80000000' \
		$((40 + ${#quote} / 2)) 09090001c0a80163c0a80101 "$quote")"
}
stranger=(06060606/09090001 c0a80106/c0a80163)
{
	echo "not-unique $(register c0a80106 000000a1)"
	echo "prohibited $(register c0a80101 000000a2)"
	echo "prohibited $(register 0a090909 000000a3)"
	echo "prohibited $(register c0a80163 000000a4 0020000005780258/0018000005780258)"
	echo "prohibited $(register c0a80163 000000a5 0020000005780258/0020000005780000)"
	echo "martian $(register e0000005 000000a6)"
	echo "martian $(register 7f000001 000000a7)"
	echo "martian $(register 00000000 000000a8)"
	echo "not-for-me $(register c0a80163 000000a9 c0a80163c0a80101/c0a80163c0a8014d)"
	echo "auth $(golden registration-request "${stranger[@]}")"
	echo "auth $(signed "$(golden registration-request "${stranger[@]}")" 6c6f6e6765737439)"
	echo "auth $(signed "$(golden registration-request "${stranger[@]}")" 6c6f6e67657374)"
	echo "auth $(signed "$(golden registration-request "${stranger[@]}")" ${key}38)"
	echo "auth $(signed "$(golden registration-request "${stranger[@]}")" '')"
	echo "unknown-requester $(signed "$(golden resolution-request "${stranger[@]}")")"
	echo "unknown-requester $(signed "$(golden purge-request c0a80106/c0a80108 \
		01010101c0a80101/09090001c0a80163)")"
	for n in 6 8; do
		echo "purge-refused $(signed "$(golden purge-request c0a80106/c0a80101 \
			01010101c0a80101/09090001c0a80163 08080808c0a80108/0${n}0${n}0${n}0${n}c0a8010$n)")"
	done
	echo "purge-refused $(signed "$(golden purge-request c0a80106/c0a80101 \
		01010101c0a80101/09090001c0a80163 0020000005780000/0018000005780000)")"
	echo "unsolicited $(signed "$(golden registration-reply 06060606c0a80106/01010101c0a80101)")"
	echo "unsolicited $(signed "$(golden resolution-reply 06060606c0a80106/01010101c0a80101)")"
	echo "unsolicited $(signed "$(golden purge-reply)")"
	echo "unsolicited $(signed "$(golden error-loop-extensions)")"
	for packet in registration-request-addresses resolution-request; do
		echo "unsolicited $(error "$(golden $packet c0a80106c0a80101/c0a80101c0a80108 \
			c0a80106c0a80108/c0a80101c0a80108)")"
	done
	echo "redirect-off $(signed "$(golden traffic-indication)")"
	echo "unknown-extension $(register c0a80163 000000aa 80040000/8004000081230000)"
	# It may register what is free, and take back what is its own.
	echo "ok $(register c0a80163 000000ab)"
	echo "ok $(signed "$(golden purge-request c0a80106/c0a80101 \
		01010101c0a80101/09090001c0a80163 08080808c0a80108/09090001c0a80163)")"
} > "$LAB_OUT/nhrp"
before=$(tally R1)
packets "$LAB_OUT/nhrp" | inject nhrp X 9.9.0.1 1.1.1.1 $gre > "$LAB_OUT/sent"
nhrp_is_counted() {
	same "$(expected "$LAB_OUT/nhrp")" "$(since "$before" R1 | jq -cS .each)"
}
eventually 5 "each NHRP packet of a stranger is counted under its reason" nhrp_is_counted
expect "what he registered, he took back" same '[]' \
	"$(entries R1 '.protocol == "192.168.1.99"')"
before=$(tally R1)
signed "$(golden resolution-request 06060606c0a80106c0a80108/08080808c0a80108c0a80106)" |
	inject nhrp R6 6.6.6.6 1.1.1.1 $gre > "$LAB_OUT/sent"
spoofed_is_counted() {
	json '.each == {"spoofed": 1}' since "$before" R1
}
eventually 5 "a spoke that speaks for another is refused" spoofed_is_counted
expect "the hub has nobody else's entry changed" same "$hub_before" \
	"$(entries R1 "$others")$(neighbours R1 "$others")"

# ---- thousands of strangers ----

# Fewer where each takes its time.
strangers=$((20000 / LAB_SLOW))

memory() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/${nhrpd_pid[$1]}/status"
}

# Their answers end here.
on inet ip route add 9.9.0.0/16 via 100.64.5.2
on X ip route add blackhole 9.9.0.0/16

# What the underlay loses on its way is nobody's here.
on R1 nft -f - <<-NFT
	table ip flood {
		counter arrived { }
		chain in {
			type filter hook prerouting priority raw;
			ip saddr 9.9.0.0/16 ip protocol gre counter name arrived
		}
	}
NFT
arrived() {
	on R1 nft -j list counter ip flood arrived | jq '.nftables[] | .counter.packets // empty'
}

backlog() {
	drops R1 | jq '.backlog'
}

before=$(tally R1)
backlog=$(backlog)
size=$(memory R1)
register c0a80110 000000b0 > "$LAB_OUT/flood"
(exec nsenter -t "${host_pid[X]}" -n -- inject flood 9.9.1.0 1.1.1.1 $gre 192.168.1.16 \
	$((2000 / LAB_SLOW))) < "$LAB_OUT/flood" > "$LAB_OUT/flood.sent" &
flood=$!
# The operator takes back what a mutation of R6's registration had taken.
on R1 dmvpn clear 192.168.1.7 > /dev/null
seed2_spoke 7 "${lines[@]}" 'tunnel mode gre multipoint'
eventually 10 "amid strangers a new spoke registers" registered 7
expect "they were not done by then" kill -0 $flood
eventually 20 "$strangers of them came" json ".frames + .lost >= $strangers" since "$before" R1
kill -TERM $flood
wait $flood
# What the socket had no room for is counted as well.
flood_is_counted() {
	local arrived dropped
	arrived=$(arrived)
	dropped=$(($(backlog) - backlog))
	echo "sent $(< "$LAB_OUT/flood.sent"), arrived $arrived, backlog $dropped"
	json ".frames + .lost + $dropped >= $arrived and
		.refused + .door + .received == .frames" since "$before" R1
}
expect "most of them arrived" test "$(arrived)" -ge $strangers
eventually 10 "each of them is counted" flood_is_counted
grep -Eo '^sent.*|"each.*' "$evidence"
expect "the hub's memory is bounded" test $(($(memory R1) - size)) -lt 4096
expect "they hold no more than what was free" test 256 -ge \
	"$(on R1 dmvpn -j show | jq '.interfaces[0].entries | length')"
expect "who was registered still is" same "$hub_before" \
	"$(entries R1 "$others and (.nbma | startswith(\"9.9.\") or . == \"7.7.7.7\" | not)")$(neighbours \
	R1 "$others and (.nbma | startswith(\"9.9.\") or . == \"7.7.7.7\" | not)")"

# ---- configurations ----

# check LINE WORD TEXT: nhrpd -t refuses the file for this word of this line.
check() {
	local said rc=0
	printf '%b\n' "$3" > /tmp/bad.conf
	said=$("$build/bin/nhrpd" -t -f /tmp/bad.conf 2>&1) || rc=$?
	echo "status $rc: $said"
	[[ $rc = 1 && $said = *"error: /tmp/bad.conf:$1: word '$2': "* ]]
}
while read -r line word text; do
	expect "refused, line $line, '$word': ${text#*'\n'}" check "$line" "$word" "$text"
done <<'BAD'
1 bogus bogus
1 ip ip nhrp network-id 1
2 Tunnel0 interface Tunnel0\ninterface Tunnel0
2 holdtme interface Tunnel0\nip nhrp holdtme 600
2 65536 interface Tunnel0\nip nhrp holdtime 65536
2 seconds interface Tunnel0\nip nhrp holdtime 600 seconds
2 192.168.1.256 interface Tunnel0\nip address 192.168.1.256 255.255.255.0
2 255.0.255.0 interface Tunnel0\nip address 192.168.1.1 255.0.255.0
2 192.168.1.0/24 interface Tunnel0\nip address 192.168.1.0/24
2 authentication interface Tunnel0\nip nhrp authentication ninechars
2 224.0.0.1 interface Tunnel0\nip nhrp map 192.168.1.1 224.0.0.1
2 192.168.1.1 interface Tunnel0\nip nhrp nhs 192.168.1.1
2 256 interface Tunnel0\nip nhrp nhs 192.168.1.1 nbma 1.1.1.1 priority 256
3 60 interface Tunnel0\nip nhrp holdtime 60\nip nhrp registration timeout 60
3 2 interface Tunnel0\nip nhrp network-id 1\nip nhrp network-id 2
2 ip interface Tunnel0\ntunnel mode gre ip
2 2001:db8::2 interface Tunnel0\nipv6 nhrp map 2001:db8::8 2001:db8::2
3 Tunnel1 interface Tunnel0\ntunnel source eth0\ninterface Tunnel1\ntunnel source eth0
BAD

# A reload that is refused changes nothing, one that is not changes what is new.
spoke_before=$(entries R8)$(neighbours R8)
on R8 cp /etc/nhrpd.conf /tmp/good.conf
on R8 sh -c 'echo " ip nhrp holdtme 600" >> /etc/nhrpd.conf'
bad_line=$(on R8 wc -l /etc/nhrpd.conf | cut -d' ' -f1)
nhrpd_kill R8 HUP
eventually 5 "R8 says what is wrong with its file" \
	json ".config_error | startswith(\"/etc/nhrpd.conf:$bad_line: word 'holdtme': \")" \
	on R8 dmvpn -j show
expect "so does its log" grep -F "/etc/nhrpd.conf:$bad_line: word 'holdtme': " \
	"$LAB_OUT/R8-nhrpd.log"
expect "reload by command is refused alike" prints "/etc/nhrpd.conf:$bad_line: word 'holdtme'" \
	on R8 dmvpn reload
expect "nothing has changed" same "$spoke_before" "$(entries R8)$(neighbours R8)"
on R8 sh -c '(cat /tmp/good.conf; echo " ip nhrp map 192.168.1.50 5.5.5.5") > /etc/nhrpd.conf'
nhrpd_kill R8 HUP
eventually 5 "the corrected file is in force" json '.config_error == null and
	([.interfaces[0].entries[] | select(.protocol == "192.168.1.50" and .nbma == "5.5.5.5")] | length) == 1' \
	on R8 dmvpn -j show
expect "nothing else has changed" same "$spoke_before" \
	"$(entries R8 '.protocol != "192.168.1.50"')$(neighbours R8 '.protocol != "192.168.1.50"')"

# ---- control requests ----

# ask TEXT [PROGRAM...]: what R1's nhrpd answers to these bytes.
ask() {
	local text=$1
	shift
	printf '%b' "$text" | on R1 "$@" inject control /run/nhrpd.sock
}
# All on one connection: CODE and the request, the last one never ends.
{
	echo 'bad-request hello'
	printf '%s\n' 'bad-request \0\0\0'
	echo 'bad-request '
	echo 'bad-request ["show"]'
	echo 'bad-request [[[[[[[[[[[[[[[['
	echo 'bad-request {"cmd":"show"'
	echo 'bad-request {"cmd":"show"}{"cmd":"show"}'
	echo 'bad-request {"iface":"Tunnel0"}'
	echo 'bad-request {"cmd":"reboot"}'
	echo 'bad-request {"cmd":7}'
	echo 'bad-request {"cmd":{"cmd":"show"}}'
	echo 'bad-request {"cmd":"clear","adr":"192.168.1.6"}'
	echo 'bad-request {"cmd":"clear","addr":"192.168.1.600"}'
	echo 'no-interface {"cmd":"clear","iface":"Tunnel7"}'
	echo "bad-request {\"cmd\":\"clear\",\"iface\":\"$(printf '%0999d' 0)\"}"
	echo "bad-request $(printf '%06000d' 0)"
} > "$LAB_OUT/requests"
ask "$(cut -d' ' -f2- "$LAB_OUT/requests" | sed 's/$/\\n/' | tr -d '\n')" > "$LAB_OUT/answers"
expect "each bad request is refused with its code and a text" same \
	"$(cut -d' ' -f1 "$LAB_OUT/requests")" \
	"$(jq -r '.error | select(.text | length > 3).code' "$LAB_OUT/answers")"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
expect "nobody may not even connect" prints 'Permission denied' ask '{"cmd":"show"}\n' "${nobody[@]}"
on R1 chmod 666 /run/nhrpd.sock
expect "let in, he may neither clear nor reload, but see" same \
	'["not-permitted","not-permitted",null]' "$(ask \
	'{"cmd":"clear"}\n{"cmd":"reload"}\n{"cmd":"show"}\n' "${nobody[@]}" | jq -cs 'map(.error.code)')"
on R1 chmod 660 /run/nhrpd.sock
expect "nobody's entry was cleared" json '[.interfaces[0].entries[] |
	select(.protocol == "192.168.1.8" and (.flags | index("registered")))] | length == 1' \
	on R1 dmvpn -j show

# ---- after all that ----

udp_stop up
udp_stop down
expect "not one packet of the stream was lost" lossless up down
for n in 1 6 7 8; do
	expect "R$n: nhrpd lives" kill -0 "${nhrpd_pid[R$n]}"
done
capture_stop
tcpdump -r "$LAB_OUT/X-eth0.pcap" -w "$LAB_OUT/X-answers.pcap" dst host 9.9.0.1 2> /dev/null
pcap X answers 'nhrp.hdr.op.type == 4 && nhrp.reqid < 0xb0 && !icmp' nhrp.reqid nhrp.code |
	cut -d, -f1 > "$LAB_OUT/naks"
# nak ID CODE: the code in the reply to the stranger's registration.
nak() {
	expect "registration $1 was answered with code $2" same "$2" \
		"$(awk -v id="$1" '$1 == id { print $2 }' "$LAB_OUT/naks")"
}
nak 0x000000a1 14
for id in 2 3 4 5; do
	nak 0x000000a$id 4
done
nak 0x000000ab 0
