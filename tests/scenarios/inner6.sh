# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# IPv6 carried inside, without a daemon: what IPv4 inside has, in the other
# family, and what only IPv6 has: link-local addresses, a smallest MTU, the
# kernel's table of next hops.
#
#            2001:db8::/64 and fe80:: on dmvpn0 of H, A and B
#
#    C eth0 -- lan0 A 6.6.6.6 ::6 ---\
#    2001:db8:6::2   2001:db8:6::1    inet ----- H 1.1.1.1 ::1
#                   B 8.8.8.8 ::8 ---/
#                     lan0 2001:db8:8:1::8, 2001:db8:8:2::8, 10.8.0.8
#
rules R1 R4 R6 R8
kernels uml-debug
nightly 6.12 6.1
timeout 180

declare -A nbma=([H]=1.1.1.1 [A]=6.6.6.6 [B]=8.8.8.8)
declare -A number=([H]=1 [A]=6 [B]=8)
genl=$lab/genl.py
python=/usr/bin/python3

underlay H=1.1.1.1 A=6.6.6.6 B=8.8.8.8
load_module

# link_local HOST DEV: those that it has.
link_local() {
	on "$1" ip -6 -j addr show dev "$2" scope link | jq -r '.[].addr_info[]?.local'
}
path() {
	on "$1" $python "$genl" path dmvpn0 "$2"
}
# sent PEER-HOST: packets that A's kernel has sent to it.
sent() {
	peer A dmvpn0 "${nbma[$1]}" tx_packets
}
# grows PEER-HOST COMMAND...: the command's packets go from A to it.
grows() {
	local before
	before=$(sent "$1")
	"${@:2}" || return
	grew "sent to $1" 1+ "$before" "$(sent "$1")"
}
ping6() {
	on "$1" ping -6 -c 1 -W 5 "${@:2}"
}

# ---- a device that nobody has told anything ----

on A dmvpn link add bare0 local 6.6.6.6 key 9 up
on A dmvpn link add bare1 key 10 up
for dev in bare0 bare1; do
	expect "$dev has one link-local address" same 1 "$(link_local A $dev | wc -l)"
	expect "not made of any IPv4 address" not prints ':5efe:|:0?606:0?606$|:6440:' link_local A $dev
	expect "and $dev believes no ICMP redirect" same 0 \
		"$(on A sysctl -n net.ipv6.conf.$dev.accept_redirects)"
	on A dmvpn link del $dev
done
on A dmvpn link add bare0 local 6.6.6.6 key 9
on A ip link set bare0 addrgenmode none
on A ip link set bare0 up
expect "a mode that somebody chose stays" same "" "$(link_local A bare0)"
on A dmvpn link del bare0

# ---- both ways ----

for h in H A B; do
	# On B as if there were but one next hop.
	tunnel $h dmvpn0 2001:db8::${number[$h]}/64 local ${nbma[$h]} key 1 \
		pointopoint "$([ $h = B ] && echo on || echo off)"
	on $h ip -6 addr flush dev dmvpn0 scope link
	addr $h dmvpn0 fe80::${number[$h]}/64
done
host C
link A:lan0 C:eth0
addr A lan0 2001:db8:6::1/64
addr C eth0 2001:db8:6::2/64
on C ip route add default via 2001:db8:6::1
lan B lan0 2001:db8:8:1::8/64 2001:db8:8:2::8/64 10.8.0.8/16
lan A lan4 10.6.0.6/16
for h in A B; do
	for prefix in 2001:db8:: fe80::; do
		on H dmvpn peer add dmvpn0 $prefix${number[$h]} nbma ${nbma[$h]}
		on $h dmvpn peer add dmvpn0 ${prefix}1 nbma 1.1.1.1 nhs
	done
	on H ip route add 2001:db8:${number[$h]}::/48 via 2001:db8::${number[$h]}
	on $h ip route add 2001:db8::/32 via 2001:db8::1
done
capture B dmvpn0

expect "A reaches H" ping6 A 2001:db8::1
expect "and by its link-local address" ping6 A fe80::1%dmvpn0
expect "H reaches A" ping6 H 2001:db8::6
listen a A
expect "A reaches B through the hub (R4)" grows H ping6 A 2001:db8::8
expect "which is counted" test "$(counted A dmvpn0 via-nhs)" -ge 1
expect "its link-local address, too" grows H ping6 A fe80::8%dmvpn0
expect "and user space is asked for it" next_event a '"resolve".*"2001:db8::8"' 5
expect "the kernel says how" same "nhs 2001:db8::8 1.1.1.1" "$(path A 2001:db8::8)"
for prefix in 2001:db8:: fe80::; do
	on A dmvpn peer add dmvpn0 ${prefix}8 nbma 8.8.8.8
	on B dmvpn peer add dmvpn0 ${prefix}6 nbma 6.6.6.6
done
expect "with a neighbour A reaches B directly" grows B ping6 A 2001:db8::8
expect "IPv4 by an IPv6 next hop goes there, too" on A ip route add 10.8.0.0/16 via inet6 2001:db8::8
on B ip route add 10.6.0.0/16 via inet6 2001:db8::6
expect "and arrives" grows B on A ping -c 1 -W 5 -I 10.6.0.6 10.8.0.8

udp_start A-B A:2001:db8::6 B:2001:db8::8
expect "a TCP transfer arrives byte for byte" grows B bulk A B:2001:db8::8 3000000
expect "the other way, too" bulk B A:2001:db8::6 1000000
on A ethtool -K dmvpn0 tso off gso off tx off sg off > /dev/null
expect "without offloads the bytes are the same" bulk A B:2001:db8::8 300000
on A ethtool -K dmvpn0 sg on tx on gso on tso on > /dev/null
udp_stop A-B > /dev/null
expect "none of it lost a packet of a stream beside it" lossless A-B
before=$(sent B)
expect "segments stay together until they leave" bulk A B:2001:db8::8 3000000
after=$(sent B)
# 2,140 of them fit the device.
expect "and are counted so: $((after - before))" test $((after - before)) -lt 1500

# ---- shortcuts ----

expect "C reaches B's network by the hub" grows H ping6 C 2001:db8:8:1::8
on A dmvpn shortcut add 2001:db8:8::/48 nexthop 2001:db8::8 via 2001:db8::1 dev dmvpn0
expect "with a shortcut the kernel says so" same "shortcut 2001:db8::1 8.8.8.8" \
	"$(path A 2001:db8:8:1::8)"
expect "and packets go directly" grows B ping6 C 2001:db8:8:1::8
on A dmvpn shortcut add 2001:db8:8:2::/64 nexthop 2001:db8::1 dev dmvpn0
expect "the longest prefix counts" same "shortcut 2001:db8::1 1.1.1.1" "$(path A 2001:db8:8:2::8)"
on A dmvpn shortcut del 2001:db8:8:2::/64 dev dmvpn0
expect "IPv4 does not know of it" same "neigh 2001:db8::8 8.8.8.8" "$(path A 10.8.0.8)"
on A dmvpn peer set dmvpn0 2001:db8::8 unconfirmed
expect "while its neighbour is unconfirmed the hub is the way" \
	same "neigh 2001:db8::1 1.1.1.1" "$(path A 2001:db8:8:1::8)"
expect "and packets take it" grows H ping6 C 2001:db8:8:1::8
on A dmvpn peer set dmvpn0 2001:db8::8 no unconfirmed

# ---- what a hub tells ----

on H dmvpn link set dmvpn0 redirect on
events up H $python "$genl" upcalls
on A dmvpn shortcut flush dev dmvpn0
expect "through the hub again" ping6 C 2001:db8:8:1::8
expect "which tells user space of it, once a direction" \
	next_event up '"redirect","interface":"dmvpn0","src":"2001:db8:6::2","dst":"2001:db8:8:1::8","nexthop":"2001:db8::8","nbma":"8.8.8.8","ingress_nbma":"6.6.6.6"' 5
expect "A is told when its packet would come back" prints 'Address unreachable' \
	bash -c "nsenter -t ${host_pid[H]} -n ip route add 2001:db8:9::/48 via 2001:db8::6
		nsenter -t ${host_pid[A]} -n ping -6 -c 1 -W 3 2001:db8:9::1"
expect "H has counted why" test "$(dropped H dmvpn0 back-to-ingress)" -ge 1
on H dmvpn peer add dmvpn0 2001:db8::66 reject
expect "a negative entry is told as such" prints 'Address unreachable' ping6 H 2001:db8::66
expect "and counted" test "$(dropped H dmvpn0 rejected)" -ge 1

# ---- multicast ----

on A dmvpn peer set dmvpn0 nbma 1.1.1.1 multicast
on A dmvpn link set dmvpn0 ttl 33
expect "who is there on the link? H" prints 'from fe80::1%dmvpn0' \
	ping6 A -L -s 99 -t 7 ff02::1%dmvpn0
expect "and unicast has the hop limit of the device" ping6 A -s 98 -t 7 2001:db8::1
on A dmvpn link set dmvpn0 ttl inherit
expect "or that of the packet" ping6 A -s 97 -t 7 2001:db8::1
on A dmvpn link set dmvpn0 ttl 255
expect "the traffic class goes along" ping6 A -s 96 -Q 0xba 2001:db8::8

# RFC 6040: a router marks CE outside.
on inet nft -f - <<-NFT
	table ip congested {
		chain forward {
			type filter hook forward priority 0;
			ip protocol gre ip daddr 8.8.8.8 ip ecn set ce
		}
	}
NFT
expect "an outer CE over ECT arrives" ping6 A -s 95 -Q 0x02 2001:db8::8
expect "over a packet without ECN it is refused" not on A ping -6 -c 1 -W 1 -Q 0 2001:db8::8
expect "and counted" test "$(dropped B dmvpn0 ecn)" -ge 1
on inet nft flush ruleset

# ---- sizes ----

for h in H A B; do
	on $h ip link set dmvpn0 mtu 1500
done
on A dmvpn shortcut add 2001:db8:8::/48 nexthop 2001:db8::8 dev dmvpn0
expect "the largest that fits passes" ping6 C -M do -s 1424 2001:db8:8:1::8
expect "a larger one is refused with the right size" prints 'From 2001:db8:6::1 .*mtu=1472' \
	ping6 C -M do -s 1425 2001:db8:8:1::8
expect "and counted" same 1 "$(dropped A dmvpn0 too-big)"
on inet ip route change 8.8.8.8/32 via 100.64.3.2 mtu lock 1200
# The first one shows A what happened on the way.
ping6 C -W 1 -M do -s 1400 2001:db8:8:1::8 > /dev/null || true
expect "C hears of no size below 1280" prints 'mtu=1280|mtu: 1280' \
	ping6 C -M do -s 1400 2001:db8:8:1::8
expect "A shows the width of the narrow link" same 1172 "$(peer A dmvpn0 8.8.8.8 pmtu)"
expect "1280 bytes pass, in fragments outside" ping6 C -M do -s 1232 2001:db8:8:1::8
expect "which is counted" test "$(counted A dmvpn0 fragmented)" -ge 1
expect "a byte more does not" prints 'mtu=1280|mtu: 1280' ping6 C -M do -s 1233 2001:db8:8:1::8
for h in A C; do
	on $h ip -6 route flush cache
done
before=$(dropped A dmvpn0 too-big)
expect "TCP finds its size" bulk C B:2001:db8:8:1::8 200000
expect "told for segments that were not yet cut" grew too-big 1+ "$before" \
	"$(dropped A dmvpn0 too-big)"
on inet ip route change 8.8.8.8/32 via 100.64.3.2

# ---- what is no packet, and no address ----

bad=$(dropped B dmvpn0 bad-inner)
gre=2000-86dd-00000001
zero=00000000
for inner in 6000 4500$zero$zero$zero$zero$zero$zero$zero$zero$zero$zero \
	60000000-0000-3b40-0000000000000000-0000ffff-0a000001-20010db8-$zero-$zero-00000008 \
	60000000-0000-3b40-20010db8-$zero-$zero-00000006-0000000000000000-0000ffff-0a000001; do
	packet=$gre-$inner
	on A frame raw 6.6.6.6 8.8.8.8 "${packet//-/}"
done
eventually 5 "B has counted four that were none" \
	bash -c "nsenter -t ${host_pid[B]} -n -m -u dmvpn -j show drops dmvpn0 |
		jq -e '.interfaces[0].drops[\"bad-inner\"] == $((bad + 4))'"
expect "a group is nobody's neighbour" prints 'not a unicast address' \
	on A dmvpn peer add dmvpn0 ff02::1 nbma 8.8.8.8
expect "nor the neighbour behind whom the other family is" prints 'of another family' \
	on A dmvpn shortcut add 10.9.0.0/16 nexthop 2001:db8::8 dev dmvpn0
expect "nor is any NBMA address here IPv6" prints 'NBMA addresses of this device are IPv4' \
	on A dmvpn peer add dmvpn0 2001:db8::99 nbma 2001:db8::1

# ---- more next hops than the kernel's own table has room for ----

many=$((10000 / LAB_SLOW))
expect "$many neighbours" on A $python "$genl" fill dmvpn0 2001:db8::a:0 $many 8.8.8.8
before=$(sent B)
expect "a packet to each" on A frame flood 2001:db8::6 2001:db8::a:0/64 9 $many
expect "none is lost to net.ipv6.neigh.default.gc_thresh3" grew "sent to B" $many+ \
	"$before" "$(sent B)"
on A ip -s -s ntable show name ndisc_cache > "$LAB_OUT/ndisc_cache" || true
grep . /proc/net/stat/ndisc_cache >> "$LAB_OUT/ndisc_cache"

# ---- as seen on the wire ----

capture_stop
pcap A eth0 'gre && ipv6 && icmpv6.type == 128' ipv6.plen ip.ttl ip.dsfield ip.flags.df \
	ipv6.hlim gre.key > /tmp/requests
# seen WORDS SIZE COLUMN VALUE: of the request with this payload.
seen() {
	expect "$1" same "$4" "$(awk -v len=$(($2 + 8)) -v column="$3" \
		'$1 == len && !found { print $column; found = 1 }' /tmp/requests)"
}
seen "link-local multicast leaves with 255" 99 2 255
seen "unicast with the TTL of the device" 98 2 33
seen "or the inner hop limit" 97 2 7
seen "DSCP and ECT are those of the traffic class" 96 3 0xba
seen "DF is set" 96 4 1
seen "the key is there" 96 6 0x00000001
expect "a CE from outside is copied in" prints '^3$' \
	pcap B dmvpn0 'icmpv6.type == 128 && ipv6.plen == 103' ipv6.tclass.ecn

unload H:dmvpn0 A:dmvpn0 B:dmvpn0
