# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The hub's kernel notices packets that come from one spoke and leave to
# another, tells of them within limits that nobody can use up for others, and
# polices NHRP of strangers. No daemon.
#
#    LAN 10.1.0.0/16 - S1 .11 -\             /- S2 .12 - LAN 10.2.0.0/16
#                               H 192.168.1.1
#    172.16.0.1 to .50,        /  192.168.2.1 \- S3 .13 - LAN 10.3.0.0/16
#    forged by `inet`  -------/   dmvpn1, key 2
#
rules R6 R10
kernels uml-debug
nightly 6.12
timeout 180

genl=$lab/genl.py
python=/usr/bin/python3

underlay H=1.1.1.1 S1=11.11.11.11 S2=22.22.22.22 S3=33.33.33.33
load_module
# Nothing but the part about it shall depend on the interval.
hub=(local 1.1.1.1 network-id 7 redirect on redirect-interval 600)
tunnel H dmvpn0 192.168.1.1/24 "${hub[@]}" key 1
tunnel H dmvpn1 192.168.2.1/24 "${hub[@]}" key 2
on H sysctl -q -w net.ipv4.ip_forward=1
on H sysctl -q -w net.ipv4.conf.all.rp_filter=0

# spoke N DEV-OF-H KEY NETWORK
spoke() {
	local nbma=$1$1.$1$1.$1$1.$1$1
	tunnel "S$1" dmvpn0 "192.168.$4.1$1/24" local "$nbma" key "$3"
	on "S$1" dmvpn peer add dmvpn0 "192.168.$4.1" nbma 1.1.1.1
	on "S$1" ip route add 10.0.0.0/8 via "192.168.$4.1"
	lan "S$1" lan0 "10.$1.0.1/16" "10.$1.0.2/16" "10.$1.0.3/16"
	on H dmvpn peer add "$2" "192.168.$4.1$1" nbma "$nbma"
	on H ip route add "10.$1.0.0/16" via "192.168.$4.1$1"
}
spoke 1 dmvpn0 1 1
spoke 2 dmvpn0 1 1
spoke 3 dmvpn1 2 2
for n in {10..19}; do
	echo "addr add 10.2.0.$n/16 dev lan0"
done | on S2 ip -batch -

# from_lan N TARGET [WORD...]: ping from S1's LAN address number N.
from_lan() {
	on S1 ping -c 1 -W 5 -I "10.1.0.$1" "${@:3}" "$2"
}

# told [DEV]: hairpins told of, and not told of.
told() {
	echo "$(counted H "${1:-dmvpn0}" redirect) $(counted H "${1:-dmvpn0}" redirect-suppressed)"
}

# redirect SRC DST: the next event of this pair in $event.
redirect() {
	event=$(next_event up "\"redirect\".*\"src\":\"$1\",\"dst\":\"$2\"" 5)
}

# says FIELDS WANTED: what is in $event.
says() {
	same "$2" "$(jq -r "[$1] | join(\" \")" <<< "$event")"
}
events up H $python "$genl" upcalls 10.

# ---- what is told ----

require "the spokes' LANs reach each other" from_lan 1 10.2.0.1 -s 300
expect "the hairpin is told" redirect 10.1.0.1 10.2.0.1
expect "with device, next hop and both peers" says '.interface, .nexthop, .nbma, .ingress_nbma' \
	'dmvpn0 192.168.1.12 22.22.22.22 11.11.11.11'
expect "with 128 bytes" says '.head | length' 256
expect "which are the packet's: IPv4, its length, TTL 63, ICMP" \
	says '.head | .[0:2], .[4:8], .[16:20]' '45 0148 3f01'
expect "and its addresses" says '.head[24:40]' 0a0100010a020001
expect "so is the answer's" redirect 10.2.0.1 10.1.0.1
expect "with its own peers" says '.interface, .nexthop, .nbma, .ingress_nbma' \
	'dmvpn0 192.168.1.11 11.11.11.11 22.22.22.22'
expect "two in all" same "2 0" "$(told)"
require "ten more pass" on S1 ping -q -c 10 -i 0.1 -I 10.1.0.1 10.2.0.1
expect "none of them is told, all are counted" same "2 20" "$(told)"
require "another address passes" from_lan 1 10.2.0.2
expect "a short packet is there as a whole" redirect 10.1.0.1 10.2.0.2
expect "not a byte more" says '.head | length' 168

# ---- what is none ----

before=$(told)
on H ping -q -c 3 -i 0.1 192.168.1.11
on H ping -q -c 3 -i 0.1 -I 192.168.1.1 10.2.0.1
on S1 ping -q -c 3 -i 0.1 -I 10.1.0.1 192.168.1.1
expect "packets of the hub and for it are none" same "$before" "$(told)"
echo 4500001c000000004011000009090909 0a020003 0009000900080000 |
	on inet inject hairpin 9.9.9.9 1.1.1.1 2000080000000001 1 1 0 3
eventually 5 "a stranger's packets are forwarded" \
	same 3 "$(counted H dmvpn0 unknown-sender)"
expect "and not told: nobody could be" same "$before" "$(told)"
on H dmvpn link set dmvpn0 redirect off
require "with the flag off all passes" from_lan 2 10.2.0.3
expect "and nothing is told" same "$before" "$(told)"
on H dmvpn link set dmvpn0 redirect on
on H nft -f - <<-NFT
	table ip nat {
		chain post {
			type nat hook postrouting priority srcnat;
			ip saddr 10.1.0.3 oifname dmvpn0 snat to 192.168.1.1
		}
	}
NFT
require "what is translated passes" from_lan 3 10.2.0.3
expect "nor is that told: a direct path would not translate" same "$before" "$(told)"
on H nft delete table ip nat

# ---- the interval ----

on H dmvpn link set dmvpn0 redirect-interval 1
expect "the interval is shown" json '.interfaces[0].redirect_interval_seconds == 1' \
	on H dmvpn -j link show dmvpn0
expect "by default it is 8 seconds" json '.interfaces[0].redirect_interval_seconds == 8' \
	on S1 dmvpn -j link show dmvpn0
(exec nsenter -t "${host_pid[S1]}" -n -- \
	ping -q -i 0.2 -w 20 -I 10.1.0.2 10.2.0.3 > /dev/null) &
ping=$!
times=()
for n in 0 1 2 3; do
	expect "redirect $n of a stream is told" redirect 10.1.0.2 10.2.0.3
	times+=("$(jq .time <<< "$event")")
done
kill $ping
# The time is when the event was read, which may be late once, never early.
expect "their distance is 1, 2 and 4 seconds" jq -en --argjson slow "$LAB_SLOW" \
	'[$ARGS.positional[] | tonumber] as $t | [1, 2, 4] | to_entries | map(
	($t[.key + 1] - $t[.key] - .value) | . > -0.3 * $slow and . < 0.5 + 0.3 * $slow) | all' \
	--args "${times[@]}"
on H dmvpn link set dmvpn0 redirect-interval 600

# ---- two devices ----

require "S3, on the other device, is reached" from_lan 1 10.3.0.1
expect "a hairpin between devices of one network-id is told" redirect 10.1.0.1 10.3.0.1
expect "with the device that it came in by" says '.interface, .nexthop, .nbma, .ingress_nbma' \
	'dmvpn0 192.168.2.13 33.33.33.33 11.11.11.11'
expect "and back" redirect 10.3.0.1 10.1.0.1
expect "likewise" says '.interface, .nexthop, .nbma, .ingress_nbma' \
	'dmvpn1 192.168.1.11 11.11.11.11 33.33.33.33'
on H dmvpn link set dmvpn1 network-id 8
before="$(told) $(told dmvpn1)"
require "with another network-id it is reached, too" from_lan 1 10.3.0.2
expect "two clouds make no hairpin" same "$before" "$(told) $(told dmvpn1)"

# ---- fifty who never stop ----

# On a slow machine fewer: it cannot send what so many are allowed.
capture_stop
peers=$((50 / LAB_SLOW))
on H bash -c 'for n in {1..50}; do dmvpn peer add dmvpn0 nbma 172.16.0.$n; done'
on H ip route add 10.200.0.0/16 via 192.168.1.12
on S2 ip route add blackhole 10.200.0.0/16
kill "${events_pid[up]}"
events up H $python "$genl" upcalls 10.1.
tick
start=$now
(exec nsenter -t "${host_pid[inet]}" -n -- inject hairpin 172.16.0.1 1.1.1.1 \
	2000080000000001 $peers 2000 $((10000 / LAB_SLOW)) > "$LAB_OUT/flood.sent" \
	<<< 4500001c00000000401100000a6400010ac800000009000900080000) &
flood=$!

# suppressed N: at least so many were not told since.
suppressed() {
	local now
	now=$(counted H dmvpn0 redirect-suppressed)
	echo "$now"
	[ "$now" -ge "$1" ]
}
eventually 60 "the limits hold back $peers peers with 2,000 flows each" \
	suppressed $((100000 / LAB_SLOW / LAB_SLOW))

# new_pair TARGET: a ping's first packet is told of within 100 ms of leaving.
new_pair() {
	local sent
	sent=$(from_lan 2 "$1" -D | sed -n 's/^\[\([0-9.]*\)\].*time=\([0-9.]*\) ms/\1 - \2 \/ 1000/p')
	redirect 10.1.0.2 "$1" || return
	jq -e "(.time - ($sent)) * 1000 | (\"told after \(.) ms\" | stderr | true) and
		. < 100 * $LAB_SLOW" <<< "$event"
}
for n in {10..14}; do
	expect "meanwhile the new pair 10.2.0.$n is told at once" new_pair "10.2.0.$n"
	grep -h told "$evidence" | sed 's/^/       /'
done
kill "${events_pid[up]}"
events up H $python "$genl" upcalls 192.168.1.1
on H ping -c 1 -W 1 192.168.1.99 > /dev/null || true
expect "and what is not resolved, too" next_event up '"resolve".*"192.168.1.99"' 5
expect "they were not done by then" kill -0 $flood
kill -TERM $flood
wait $flood
tick
most=$((peers * (64 + 2 * (now - start) / 1000) + 100))
read -r told suppressed <<< "$(told)"
expect "of $(< "$LAB_OUT/flood.sent") packets $told were told, at most $most" \
	test "$told" -le $most -a "$suppressed" -gt 0

# ---- nobody listens ----

kill "${events_pid[up]}"
before=$(counted H dmvpn0 upcall-lost)
require "a new pair passes" from_lan 2 10.2.0.15
expect "nobody heard of it" grew upcall-lost 1+ "$before" "$(counted H dmvpn0 upcall-lost)"
events up H $python "$genl" upcalls 10.1.
require "it goes on" from_lan 2 10.2.0.15
expect "who comes now is told, no interval over" redirect 10.1.0.2 10.2.0.15

# ---- NHRP of strangers ----

# Reads the NHRP frames of a device; prints how many came from S1, how many
# from others, when told to end and nothing is left.
ear='import signal, socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x2001))
s.bind(("dmvpn0", 0x2001))
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
n = {True: 0, False: 0}
signal.signal(signal.SIGTERM, lambda *_: s.setblocking(False))
print("ready", flush=True)
try:
    while True:
        n[s.recvfrom(2048)[1][4] == socket.inet_aton("11.11.11.11")] += 1
except BlockingIOError:
    print(n[True], n[False], flush=True)'
hear() {
	exec {heard}< <(exec nsenter -t "${host_pid[H]}" -n -- $python -c "$ear")
	ear_pid=$!
	read -r line <&"$heard"
}

# heard: "FROM-S1 FROM-OTHERS", once the kernel has handed over what came.
heard() {
	kill -TERM $ear_pid
	read -r line <&"$heard"
	echo "$line"
}
nhrp=00010800000000000000001c000000140100010000000000000000

# strangers N PPS: frames of as many NBMA addresses.
strangers() {
	on inet inject hairpin 172.30.0.0 1.1.1.1 2000200100000001 "$1" 1 "$2" "$1" <<< "$nhrp"
}
hear
strangers 500 0 > /dev/null
expect "without a rate all NHRP of strangers arrives" same "0 500" "$(heard)"
on H dmvpn link set dmvpn0 nhrp-rate 50
expect "the rate is shown" json '.interfaces[0].nhrp_rate == 50' on H dmvpn -j link show dmvpn0
hear
tick
start=$now
strangers $((10000 / LAB_SLOW)) $((5000 / LAB_SLOW)) > "$LAB_OUT/strangers" &
strangers=$!
for n in {1..200}; do
	echo "$nhrp"
done | on S1 inject nhrp 11.11.11.11 1.1.1.1 2000200100000001 > /dev/null
wait $strangers
tick
read -r peer others <<< "$(heard)"
most=$((50 + 50 * (now - start + 1000) / 1000))
expect "then all of a peer's" same 200 "$peer"
expect "and of strangers' $others, at most $most" test "$others" -ge 50 -a "$others" -le $most
expect "the others are counted" same $((10000 / LAB_SLOW - others)) \
	"$(dropped H dmvpn0 nhrp-policed)"

kill "${events_pid[up]}"
unload H:dmvpn0 H:dmvpn1 S1:dmvpn0 S2:dmvpn0 S3:dmvpn0
