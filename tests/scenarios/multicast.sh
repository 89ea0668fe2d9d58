# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Multicast and broadcast on a hub without a daemon: each peer that wants a
# copy gets exactly one, whatever the others do; a flood of it is bounded and
# harms nobody else.
#
#                     A 2.2.2.2 .2      all in 192.168.1.0/24, key 42;
#    H 1.1.1.1 .1 --- B 3.3.3.3 .3      D wants no multicast;
#                     C 4.4.4.4 .4      M stands for 200 spokes,
#                     D 5.5.5.5 .5      10.9.0.1 to .200
#                     M
#
rules R1 R6
kernels uml-debug 6.12
timeout 120

declare -A nbma=([A]=2.2.2.2 [B]=3.3.3.3 [C]=4.4.4.4 [D]=5.5.5.5)
declare -A number=([A]=2 [B]=3 [C]=4 [D]=5)
underlay H=1.1.1.1 A=2.2.2.2 B=3.3.3.3 C=4.4.4.4 D=5.5.5.5 M=6.6.6.6
load_module
# Packets are counted, so the kernels shall send none of their own (MLD).
for h in H A B C D; do
	on $h sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done
tunnel H dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42 ttl 77
for h in A B C D; do
	tunnel $h dmvpn0 192.168.1.${number[$h]}/24 local ${nbma[$h]} key 42
	on $h dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1 hub multicast
	on H dmvpn peer add dmvpn0 192.168.1.${number[$h]} nbma ${nbma[$h]}
done

# to HOST SIZE ADDRESS [OPTION...]: one packet of SIZE + 28 bytes, whose size
# tells it from others on the wires at the end. Nobody answers.
to() {
	on "$1" ping -b -c 1 -W 0.1 -I dmvpn0 -s "$2" "${@:4}" "$3" > /dev/null 2>&1 || true
}
total=0
# copies WORDS N: so many more copies by the hub than the last time.
copies() {
	eventually 5 "$1" eval "grew copies $2 $total \"\$(counted H dmvpn0 multicast-copy)\""
	total=$((total + $2))
}

# ---- who gets what ----

to H 101 224.0.0.5
expect "without a peer that wants it nothing is sent" same 1 \
	"$(dropped H dmvpn0 no-multicast-peer)"
for h in A B C; do
	on H dmvpn peer set dmvpn0 nbma ${nbma[$h]} multicast
done
to H 201 224.0.0.5
to H 202 239.1.1.1
to H 203 192.168.1.255
to H 204 255.255.255.255
copies "each peer that wants it gets a copy" 12
expect "which count with the peer" same "4 0" "$(peer H dmvpn0 2.2.2.2 tx_packets) $(
	peer H dmvpn0 5.5.5.5 tx_packets)"
on H dmvpn peer set dmvpn0 nbma 3.3.3.3 no multicast
to H 205 224.0.0.5
copies "one that wants it no more gets none" 2
on H dmvpn peer set dmvpn0 nbma 3.3.3.3 multicast
expect "a unicast packet is not copied" on H ping -c 1 192.168.1.5
copies "as counted" 0

# ---- one peer's trouble is not the others' ----

on H dmvpn peer set dmvpn0 nbma 3.3.3.3 mtu 600
to H 700 239.1.1.1 -M do
copies "what must not be fragmented misses the peer it does not fit" 2
expect "which is counted" same 1 "$(dropped H dmvpn0 too-big)"
to H 701 239.1.1.1 -M dont
copies "what may be fragmented does not" 3
on H dmvpn peer set dmvpn0 nbma 3.3.3.3 mtu 0
on H ip route add unreachable 4.4.4.4
to H 206 224.0.0.5
copies "a peer without a route misses a copy" 2
expect "which is counted, too" same 1 "$(dropped H dmvpn0 no-route)"
on H ip route del unreachable 4.4.4.4
on H ip xfrm policy add dir out src 1.1.1.1 dst 2.2.2.2 proto gre \
	tmpl proto esp reqid 1 mode transport
for h in A H; do
	on $h ip xfrm state add src 1.1.1.1 dst 2.2.2.2 proto esp spi 0x100 reqid 1 \
		mode transport aead 'rfc4106(gcm(aes))' \
		0x000102030405060708090a0b0c0d0e0f10111213 128
done
on H dmvpn link set dmvpn0 ipsec required
before=$(dropped H dmvpn0 no-sa)
heard=$(peer A dmvpn0 1.1.1.1 rx_packets)
to H 207 224.0.0.5
copies "who has no SA misses a copy when IPsec is required" 1
expect "each is counted" grew no-sa 2 "$before" "$(dropped H dmvpn0 no-sa)"
expect "who has one gets it" grew "heard by A" 1 "$heard" "$(peer A dmvpn0 1.1.1.1 rx_packets)"
on H dmvpn link set dmvpn0 ipsec off
on H ip xfrm policy flush
on H ip xfrm state flush
on H dmvpn link set dmvpn0 remote 5.5.5.5
to H 208 224.0.0.5
on H dmvpn link set dmvpn0 remote any
copies "a point-to-point device sends it to its remote" 0

# ---- what came in does not go back ----

# The hub as a router for directed broadcasts.
for dev in all dmvpn0; do
	on H sysctl -qw net.ipv4.conf.$dev.bc_forwarding=1
done
on H sysctl -qw net.ipv4.ip_forward=1
to A 301 192.168.1.255
copies "what A sends to all goes to all others" 2
for h in B C; do
	on H dmvpn peer set dmvpn0 nbma ${nbma[$h]} no multicast
done
before=$(dropped H dmvpn0 no-multicast-peer)
to A 302 192.168.1.255
eventually 5 "to nobody, if A is the only one" \
	eval 'grew dropped 1 $before "$(dropped H dmvpn0 no-multicast-peer)"'
for h in B C; do
	on H dmvpn peer set dmvpn0 nbma ${nbma[$h]} multicast
done

# ---- a stream with numbers, and large packets ----

for h in A B C; do
	on $h ip addr add 239.1.1.1/32 dev dmvpn0 autojoin
done
declare -A receiver
for h in A B C; do
	exec {fd}< <(exec nsenter -t "${host_pid[$h]}" -n -- \
		useq recv 239.1.1.1 7000 2>&1 1> >(tee "$LAB_OUT/$h.received"))
	receiver[$h]=$!
	read -r line <&"$fd"
	require "$h listens" same ready "$line"
done
nsenter -t "${host_pid[H]}" -n -- useq send 192.168.1.1 239.1.1.1 7000 500 > "$LAB_OUT/sent" &
sender=$!
sleep 2
kill -TERM $sender
wait $sender
for h in A B C; do
	kill -TERM "${receiver[$h]}"
	wait "${receiver[$h]}" || true
	expect "$h has each packet of a stream once, in order" \
		json '.sent > 100 and .received == .sent and .duplicated == 0 and .reordered == 0' \
		jq -cs add "$LAB_OUT/sent" <(grep '^{' "$LAB_OUT/$h.received")
done
total=$(counted H dmvpn0 multicast-copy)

cat > /tmp/gso.py <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "send":
    s.setsockopt(socket.SOL_UDP, 103, 500)      # UDP_SEGMENT
    s.bind(("192.168.1.1", 0))
    s.sendto(b"".join(bytes([n]) * 500 for n in range(20)), ("239.1.1.1", 7001))
else:
    s.bind(("239.1.1.1", 7001))
    s.settimeout(10)
    print("ready", flush=True)
    print("whole" if all(s.recv(9999) == bytes([n]) * 500 for n in range(20)) else "damaged")
PY
exec {fd}< <(exec nsenter -t "${host_pid[B]}" -n -- /usr/bin/python3 /tmp/gso.py recv 2>&1)
read -r line <&"$fd"
nsenter -t "${host_pid[H]}" -n -- /usr/bin/python3 /tmp/gso.py send
read -r line <&"$fd" || true
expect "20 segments in one packet arrive whole" same whole "$line"
total=$(counted H dmvpn0 multicast-copy)

# ---- 200 peers ----

on M sh -c 'for n in $(seq 200); do echo "addr add 10.9.0.$n/32 dev lo"; done | ip -batch -'
on inet ip route add 10.9.0.0/24 via 100.64.6.2
tunnel M dmvpn0 192.168.1.6/24 key 42
# A capture would not hold a burst of this size.
on M nft -f - <<-NFT
	table ip t {
		chain got {
			type filter hook prerouting priority 0
			$(printf 'ip daddr 10.9.0.%d counter accept\n' {1..200})
		}
	}
NFT
# got TIMES: so often did each of the 200 get a packet.
got() {
	json "[.nftables[].rule.expr // empty | .[].counter.packets // empty] |
		length == 200 and min == $1 and max == $1" on M nft -j list chain ip t got
}
on H sh -c 'for n in $(seq 200); do dmvpn peer set dmvpn0 nbma 10.9.0.$n multicast || exit; done'
to H 401 224.0.0.5
copies "one packet becomes 203" 203
eventually 5 "one for each" got 1
to H 402 239.1.1.1
copies "and the next one" 203
eventually 5 "again one for each" got 2
capture_stop
# All pings by NBMA address, outer TTL and size.
pcap H eth0 "gre && icmp.type == 8 && ip.src == 1.1.1.1" ip.dst ip.ttl ip.len |
	awk -F'[,\t]' '{ print $1, $3, $6 - 28 }' > /tmp/wire
# sizes NBMA: which of them went there.
sizes() {
	awk -v nbma="$1" '$1 == nbma { print $3 }' /tmp/wire | sort -n | xargs
}
expect "A got its copies, each once" same "201 202 203 204 205 206 401 402 700 701" \
	"$(sizes 2.2.2.2)"
expect "B got its own" same "201 202 203 204 206 301 401 402 701" "$(sizes 3.3.3.3)"
expect "C got its own" same "201 202 203 204 205 301 401 402 700 701" "$(sizes 4.4.4.4)"
expect "D got what is for it alone" same "56 208" "$(sizes 5.5.5.5)"
expect "link-local groups have the outer TTL 255, others the device's" same "255 77 77 77" \
	"$(awk '$1 == "2.2.2.2" && $3 ~ /^20[1-4]$/ { print $3, $2 }' /tmp/wire | sort |
		sed 's/.* //' | xargs)"

# ---- too much of it ----

# flood N: from six sockets, as one alone waits for its copies.
floods=()
flood() {
	local i
	floods=()
	for i in {1..6}; do
		on H frame flood 192.168.1.1 239.1.1.2 9 "$1" &
		floods+=($!)
	done
}
before=$(counted H dmvpn0 multicast-copy)
udp_start beside H:192.168.1.1 A:192.168.1.2
sleep 0.5
flood 500
wait "${floods[@]}"
lost=$(dropped H dmvpn0 multicast-overflow)
expect "a flood overflows the queue and is counted" test "$lost" -ge 1
# Of what found no room the first 16 peers got theirs.
eventually 60 "what was taken reaches all" eval \
	'same $((203 * (3000 - lost) + 16 * lost + before)) "$(counted H dmvpn0 multicast-copy)"'
udp_stop beside > /dev/null
expect "the unicast stream beside it loses nothing" lossless beside

flood 1000000
sleep 0.5
expect "the device is deleted in the midst of a flood" on H dmvpn link del dmvpn0
for pid in "${floods[@]}"; do
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
done

unload A:dmvpn0 B:dmvpn0 C:dmvpn0 D:dmvpn0 M:dmvpn0
