# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Nobody's flood is anybody else's trouble: a stranger's, whose NHRP the kernel
# polices before nhrpd sees it; a registered spoke's; that of fifty spokes who
# hairpin without end and ignore what they are told. Meanwhile R4 and R5
# register, resolve and talk as if nothing happened.
#
#                R3  150.1.3.3   tunnel 10.0.0.3     hub
#                 |
#               inet ------ X 9.9.0.1 in no cloud, forges 9.9.0.0/16
#              /  |  \      forges 172.30.0.1 to .50, whom R3 knows
#    R4 .4.4  R5 .5.5  R6 .6.6   tunnel 10.0.0.4 .5 .6
#  LAN 172.16.4.0/24    172.16.5.0/24, 172.16.50.0/24 and on
#    host H4 .1           host H5 .1
#
rules R4 R6 R10
nightly uml-debug 6.12
timeout 180

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5 6
underlay X=9.9.0.1
# Answers to those who do not exist end here.
on inet ip route add blackhole 172.30.0.0/24
on inet ip route add 9.9.0.0/16 via 100.64.5.2
on X ip route add blackhole 9.9.0.0/16
capture_stop
on R3 sysctl -q -w net.ipv4.conf.all.rp_filter=0
nhrpd R3 < <(seed3_conf 3
	for n in {1..50}; do
		echo " ip nhrp map 10.0.0.$((100 + n)) 172.30.0.$n"
	done)
# So that there is always one under way.
for n in 4 5 6; do
	nhrpd R$n < <(seed3_conf $n | sed 's/registration timeout 120/registration timeout 1/')
done
for n in 4 5 6; do
	eventually 20 "R$n is registered with the hub" registered $n
done
seed3_routes
for n in {50..79}; do
	lan R5 lan$n 172.16.$n.254/24
	on R3 ip route add 172.16.$n.0/24 via 10.0.0.5
done
stop_if_failed
pps=$((1000 / LAB_SLOW))
seed3_talk $((LAB_PPS / LAB_SLOW))

# ---- what nobody may disturb ----

# registrations N FIELD: of RN with the hub
registrations() {
	on "R$1" dmvpn -j show | jq ".interfaces[0].nhs[0].$2"
}
answered() {
	grew "answers to R$1" 5+ "$2" "$(registrations "$1" replies_received)"
}
# inside HOST COMMAND...: becomes it
inside() {
	exec nsenter -t "${host_pid[$1]}" -n -- "${@:2}"
}
# resolves N: R4 has a shortcut to R5's address in its network N
resolves() {
	on H4 ping -q -c 1 -W 2 "172.16.$1.254" > /dev/null || true
	prints "^172.16.$1.254/32 10.0.0.5\$" shortcuts R4
}
# undisturbed N WORDS: amid them R4 resolves three addresses, R4 and R5 register
undisturbed() {
	local n replies
	for n in 4 5; do
		replies[n]=$(registrations $n replies_received)
	done
	for n in 0 1 2; do
		eventually 5 "amid $2 R4 resolves an address" resolves $(($1 + n))
	done
	for n in 4 5; do
		eventually 20 "amid $2 R$n's registrations are answered" answered $n "${replies[n]}"
		expect "and the hub is up for it" same true "$(registrations $n up)"
	done
}

# hub FILTER: of what R3 has counted
hub() {
	on R3 dmvpn -j show | jq "$1"
}
no_frame_was_lost() {
	same 0 "$(hub .frames.recv_lost)"
}

# ask NBMA TUNNEL TARGET: a Resolution Request, in digits
ask() {
	echo "0001 0800 0000000000 ff 0000 0000 0034 01 01 04 00 04 04 c802 00000007 $1 $2 $3" \
		00 00 0000 0578 0258 00 00 00 00 80030000 80040000 80050000 80000000
}

gre=00002001

# ---- a stranger's, from 50,000 addresses ----

rate=100
on R3 dmvpn link set Tunnel0 nhrp-rate $rate
heard=$(hub '.interfaces[0].traffic.rejected["unknown-requester"]')
ask 09090001 0a0000c8 0a000005 > "$LAB_OUT/ask"
tick
start=$now
inside X inject flood 9.9.1.0 150.1.3.3 $gre 10.0.0.200 $pps \
	< "$LAB_OUT/ask" > "$LAB_OUT/stranger.sent" &
flood=$!
undisturbed 50 "a stranger's flood"
expect "it was not done by then" kill -0 $flood
kill -TERM $flood
wait $flood
tick
sent=$(< "$LAB_OUT/stranger.sent")
most=$((rate + rate * (now - start + 2000) / 1000))
heard=$(($(hub '.interfaces[0].traffic.rejected["unknown-requester"]') - heard))
policed=$(dropped R3 Tunnel0 nhrp-policed)
expect "of $sent requests nhrpd heard $heard, at most $most" test $heard -gt 0 -a $heard -le $most
expect "the kernel policed $policed of them" test $((policed + heard)) -ge $((sent * 9 / 10))
expect "nhrpd's socket lost nothing" no_frame_was_lost

# ---- a registered spoke's ----

asks=$(for n in {0..255}; do
	printf -v n %02x $n
	ask 96010606 0a000006 0a0000$n
done)
stopped=$(hub .interfaces[0].traffic.rejected.rate)
inside R6 inject nhrp 150.1.6.6 150.1.3.3 $gre $((2 * pps)) < <(yes "$asks") &
flood=$!
undisturbed 53 "a spoke's flood"
# 200 a second, and 1000 at once, are what a spoke may send.
stops() {
	[ $(($(hub .interfaces[0].traffic.rejected.rate) - stopped)) -gt $pps ]
}
eventually 30 "nhrpd stops them at the door" stops
expect "they were not done by then" kill -0 $flood
kill $flood
wait $flood || true
expect "nhrpd's socket lost nothing" no_frame_was_lost
expect "R3's registered spokes are as they were" registered 6

# ---- fifty who hairpin 100,000 flows and ignore what they are told ----

on R3 ip route add 10.200.0.0/16 via 10.0.0.5
on R5 ip route add blackhole 10.200.0.0/16
capture R4 eth0 proto gre
told=$(hub '.interfaces[0].traffic.sent.traffic_indication')
inside inet inject hairpin 172.30.0.1 150.1.3.3 00000800 50 2000 $((10000 / LAB_SLOW)) \
	> "$LAB_OUT/hairpin.sent" <<< 4500001c00000000401100000a6400010ac800000009000900080000 &
flood=$!
# On a slow machine not all of them come to pass.
suppressed() {
	grew redirect-suppressed $((100000 / LAB_SLOW / LAB_SLOW))+ 0 \
		"$(counted R3 Tunnel0 redirect-suppressed)"
}
eventually 60 "hairpins of all peers are held back" suppressed
undisturbed 56 "hairpins"
expect "they were not done by then" kill -0 $flood
kill -TERM $flood
wait $flood
told=$(($(hub '.interfaces[0].traffic.sent.traffic_indication') - told))
expect "of $(< "$LAB_OUT/hairpin.sent") hairpins $told were told" test $told -gt 50
expect "nhrpd's socket lost nothing" no_frame_was_lost

udp_stop H4-H5 > /dev/null
udp_stop H5-H4 > /dev/null
expect "in all this R4 and R5 lost no packet" lossless H4-H5 H5-H4

# at FILTER: when the first such packet passed R4's wire
at() {
	tcpdump -r "$(pcap_file R4 eth0)" -tt -nn -c 1 "$1" 2> /dev/null | cut -d' ' -f1
}
# in_time N: from R4's first packet to its network N to R3's indication of it
in_time() {
	local dst sent told
	dst=$(printf '0xac10%02xfe' "$1")
	sent=$(at "src 150.1.4.4 and ip[22:2] = 0x0800 and ip[40:4] = $dst")
	told=$(at "src 150.1.3.3 and ip[22:2] = 0x2001 and ip[41] = 8 and ip[80:4] = $dst")
	jq -en "(($told - $sent) * 1000 | floor) | (\"told after \(.) ms \" | stderr | true) and
		. < 50 + 100 * $LAB_SLOW"
}
capture_stop
for n in 56 57 58; do
	expect "amid hairpins the new pair is told in 100 ms and the way there and back" in_time $n
	grep -h told "$evidence" | sed 's/^/       /'
done
