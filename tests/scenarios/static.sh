# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# No daemon: two hosts, then three, by `dmvpn link` and `dmvpn peer` alone.
#
#             192.168.1.0/24 on dmvpn0 of A, B and C
#
#    A 1.1.1.1 --------\
#      lan 10.0.1.1     inet -------- B 6.6.6.6
#    C 8.8.8.8 --------/                lan 10.0.6.6
#      (Loopback0, which may change)
#
rules R1 R6 R7 R9
kernels uml-debug 6.12 6.1
timeout 90

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/pair.sh"

underlay A=1.1.1.1 B=6.6.6.6 C=8.8.8.8@Loopback0
require "the module loads" load_module

# ---- two hosts ----

lan A lan0 10.0.1.1/24
lan B lan0 10.0.6.6/24
pair

expect "A reaches B" on A ping -c 3 -i 0.2 -s 56 192.168.1.6
expect "A counts each packet and inner byte to and from B" same "3 252 3 252" \
	"$(peer A dmvpn0 6.6.6.6 tx_packets tx_bytes rx_packets rx_bytes)"
expect "B counts the same" same "3 252 3 252" \
	"$(peer B dmvpn0 1.1.1.1 tx_packets tx_bytes rx_packets rx_bytes)"
expect "what the path carries is shown" same "1472 1.1.1.1 eth0 false" \
	"$(peer A dmvpn0 6.6.6.6 pmtu underlay_source underlay_dev esp)"

before=$(peer A dmvpn0 6.6.6.6 tx_packets)
udp_stream A:10.0.1.1 B:10.0.6.6 "$LAB_PPS" 2
expect "a stream both ways loses nothing" lossless A-B B-A
expect "each of its packets is counted" grew "sent to B" \
	"$(udp_count A-B sent)" "$before" "$(peer A dmvpn0 6.6.6.6 tx_packets)"
expect "a TCP transfer arrives byte for byte" bulk A B:10.0.6.6 1000000
expect "and the other way" bulk B A:10.0.1.1 1000000

# ---- what may change while it works ----

udp_start live A:10.0.1.1 B:10.0.6.6
udp_start back B:10.0.6.6 A:10.0.1.1
for remote in 6.6.6.6 any 6.6.6.6 any; do
	expect "A becomes point-to-point to $remote" on A dmvpn link set dmvpn0 remote $remote
done
expect "B becomes point-to-point" on B dmvpn link set dmvpn0 remote 1.1.1.1
expect "B becomes multipoint again" on B dmvpn link set dmvpn0 remote any
udp_stop live > /dev/null
udp_stop back > /dev/null
expect "none of it lost a packet" lossless live back

expect "the key is changed on A" on A dmvpn link set dmvpn0 key 43
wrong=$(dropped B dmvpn0 wrong-key)
expect "A does not reach B with another key" not on A ping -c 1 -W 1 192.168.1.6
expect "B counted why" grew "wrong-key" 1+ "$wrong" "$(dropped B dmvpn0 wrong-key)"
expect "the key is changed on B" on B dmvpn link set dmvpn0 key 43
expect "A reaches B with it" on A ping -c 1 192.168.1.6
on A dmvpn link set dmvpn0 key none
on B dmvpn link set dmvpn0 key none
expect "A reaches B without a key" on A ping -c 1 192.168.1.6
expect "so does a TCP transfer" bulk A B:10.0.6.6 300000
on A dmvpn link set dmvpn0 key 42
on B dmvpn link set dmvpn0 key 42
expect "A reaches B with the first key again" on A ping -c 1 192.168.1.6

# ---- the steady state ----

before=$(counted A dmvpn0 route-lookup)
sent=$(peer A dmvpn0 6.6.6.6 tx_packets)
on A frame flood 10.0.1.1 10.0.6.6 9 10000
expect "10,000 packets were sent" grew "sent to B" 10000+ \
	"$sent" "$(peer A dmvpn0 6.6.6.6 tx_packets)"
expect "without a single route look-up" same "$before" \
	"$(counted A dmvpn0 route-lookup)"

# ---- a third host, whose address comes from an interface ----

tunnel C dmvpn0 192.168.1.8/24 local dev Loopback0 key 42
on C dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1
on A dmvpn peer add dmvpn0 192.168.1.8 nbma 8.8.8.8
expect "A reaches C" on A ping -c 1 192.168.1.8
expect "C uses the interface's address" same 8.8.8.8 \
	"$(on C dmvpn -j show kernel dmvpn0 | jq -r '.interfaces[0].nbma')"

on inet ip route add 8.8.8.9/32 via 100.64.3.2
on C ip addr add 8.8.8.9/32 dev Loopback0
on C ip route replace default via 100.64.3.1 src 8.8.8.9
on C ip addr del 8.8.8.8/32 dev Loopback0
expect "C follows when the interface's address changes" same 8.8.8.9 \
	"$(on C dmvpn -j show kernel dmvpn0 | jq -r '.interfaces[0].nbma')"
on A dmvpn peer set dmvpn0 192.168.1.8 nbma 8.8.8.9
expect "A reaches C at the new address" on A ping -c 1 192.168.1.8
expect "A forgot the old peer" same null "$(peer A dmvpn0 8.8.8.8 nbma)"
on C ip addr del 8.8.8.9/32 dev Loopback0
expect "C does not send without an address" not on C ping -c 1 -W 1 192.168.1.1
expect "C counted why" test "$(dropped C dmvpn0 no-local)" -ge 1
on C ip addr add 8.8.8.8/32 dev Loopback0
on C ip route replace default via 100.64.3.1 src 8.8.8.8
on A dmvpn peer set dmvpn0 192.168.1.8 nbma 8.8.8.8
expect "C is back with an address" on C ping -c 1 192.168.1.1

# ---- through the hub ----

# C knows only A, A knows all.
expect "C does not reach B without a hub" not on C ping -c 1 -W 1 192.168.1.6
on C dmvpn peer set dmvpn0 nbma 1.1.1.1 nhs
on B dmvpn peer add dmvpn0 192.168.1.8 nbma 8.8.8.8
expect "C reaches B through the hub A" on C ping -c 2 -i 0.2 192.168.1.6
expect "C counted these" same 2 "$(counted C dmvpn0 via-nhs)"
expect "traceroute shows the hub, then B" \
	same "192.168.1.1 192.168.1.6" "$(hops C 192.168.1.6)"

unload A:dmvpn0 B:dmvpn0 C:dmvpn0
