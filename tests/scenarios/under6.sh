# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# IPv6 outside, without a daemon: IPv4 and IPv6 inside over GRE over IPv6,
# with and without IPsec.
#
#    192.168.1.0/24 and 2001:db8:1::/64 on dmvpn0 of A, B and C
#
#    A 2001:db8::a --------\
#                           inet ------ B 2001:db8::b
#    C 2001:db8::c --------/            X 2001:db8::f, a stranger
#      (Loopback0, which may change)
#
rules R1 R4 R6 R7
kernels uml-debug
nightly 6.12
timeout 150

underlay A=2001:db8::a B=2001:db8::b C=2001:db8::c@Loopback0 X=2001:db8::f
load_module

# ---- what is refused ----

if modprobe ip6_gre 2> /dev/null; then
	expect "ip6_gre has GRE over IPv6, and the message names it" \
		prints 'unload it \(ip6_gre\)' on A dmvpn link add dmvpn0 local 2001:db8::a
	expect "IPv4 does not mind" on A dmvpn link add dmvpn0 local 1.1.1.1
	on A dmvpn link del dmvpn0
	rmmod ip6_gre
fi
on A dmvpn link add four0 local 1.1.1.1 key 4
expect "a device over IPv4 takes no IPv6 peer" \
	prints 'NBMA addresses of this device are IPv4' on A dmvpn peer add four0 10.4.0.2 nbma 2001:db8::b
expect "nor a local address" prints "another family than the device's" \
	on A dmvpn link set four0 local 2001:db8::a
expect "nor the other family" prints 'fixed at creation' on A dmvpn link set four0 family ipv6
expect "two families make no device" prints "another family than the device's" \
	on A dmvpn link add six0 local 2001:db8::a remote 6.6.6.6
for local in ff02::1 fe80::1 ::ffff:1.1.1.1; do
	expect "$local is nobody's address" not on A dmvpn link add six0 family ipv6 local $local
done

tunnel A dmvpn0 192.168.1.1/24 local 2001:db8::a key 42
tunnel B dmvpn0 192.168.1.6/24 local 2001:db8::b key 42
capture B dmvpn0
expect "a device over IPv6 takes no IPv4 peer" \
	prints 'NBMA addresses of this device are IPv6' on A dmvpn peer add dmvpn0 192.168.1.9 nbma 6.6.6.6
expect "nor a link-local one" prints 'link-local' on A dmvpn peer add dmvpn0 192.168.1.9 nbma fe80::1
expect "nor the same tunnel twice" prints 'exists' on A dmvpn link add six0 local 2001:db8::a key 42
expect "its type and address are shown" json \
	'.[0].link_type == "gre6" and .[0].address == "2001:db8::a"' \
	on A ip -j link show dmvpn0
if [ "$LAB_MACHINE" != uml ]; then
	expect "and now ip6_gre stays outside" not modprobe ip6_gre
fi

# ---- both families inside ----

for h in A:1 B:6; do
	addr ${h%:*} dmvpn0 2001:db8:1::${h#*:}/64
done
for a in 192.168.1. 2001:db8:1::; do
	on A dmvpn peer add dmvpn0 ${a}6 nbma 2001:db8::b
	on B dmvpn peer add dmvpn0 ${a}1 nbma 2001:db8::a
done
ping() {
	on "$1" ping -c 1 -W 2 "${@:2}"
}
expect "A reaches B" on A ping -c 3 -i 0.2 -s 56 192.168.1.6
expect "A counts each packet and inner byte to and from B" same "3 252 3 252" \
	"$(peer A dmvpn0 2001:db8::b tx_packets tx_bytes rx_packets rx_bytes)"
expect "by IPv6, too" ping A 2001:db8:1::6
expect "what the path carries is shown" same "1452 2001:db8::a eth0 false" \
	"$(peer A dmvpn0 2001:db8::b pmtu underlay_source underlay_dev esp)"
for a in 192.168.1. 2001:db8:1::; do
	udp_stream A:${a}1 B:${a}6 "$LAB_PPS" 2
	expect "a stream both ways loses nothing (${a}6)" lossless A-B B-A
	before=$(peer A dmvpn0 2001:db8::b tx_packets)
	expect "a TCP transfer arrives byte for byte" bulk A B:${a}6 2000000
	after=$(peer A dmvpn0 2001:db8::b tx_packets)
	# 1,430 of them fit the device.
	expect "its segments stay together until they leave: $((after - before))" \
		test $((after - before)) -lt 1000
	expect "and the other way" bulk B A:${a}1 1000000
done
on A ethtool -K dmvpn0 tso off gso off tx off sg off > /dev/null
expect "without offloads the bytes are the same" bulk A B:192.168.1.6 300000
on A ethtool -K dmvpn0 sg on tx on gso on tso on > /dev/null
before=$(counted A dmvpn0 route-lookup)
on A frame flood 192.168.1.1 192.168.1.6 9 5000
expect "none of it asks for a route" same "$before" "$(counted A dmvpn0 route-lookup)"

# ---- multicast, NHRP ----

for h in A:1 B:6; do
	addr ${h%:*} dmvpn0 fe80::${h#*:}/64
done
on A dmvpn peer set dmvpn0 nbma 2001:db8::b multicast
on B dmvpn peer add dmvpn0 fe80::1 nbma 2001:db8::a
expect "who is there on the link? B" prints 'from fe80::6%dmvpn0' \
	ping A -6 -L -s 99 -t 7 ff02::1%dmvpn0
expect "of which a copy is counted" test "$(counted A dmvpn0 multicast-copy)" -ge 1

nhrp=0001080000000000002030400044000001000404
for from in 2001:db8::a 2001:db8::c; do
	events ear B frame hear dmvpn0
	if [ $from = 2001:db8::c ]; then
		on C frame raw $from 2001:db8::b 200020010000002a$nhrp
	else
		on A frame nhrp dmvpn0 2001:db8::b $nhrp
	fi
	expect "a packet socket hears NHRP of $from with that address" next_event ear "^$from $nhrp\$" 5
done
expect "a frame with an IPv4 address has none" not on A frame nhrp dmvpn0 6.6.6.6 $nhrp

# ---- sizes ----

expect "the largest that fits passes" ping A -M do -s 1424 192.168.1.6
on A ip link set dmvpn0 mtu 1500
on B ip link set dmvpn0 mtu 1500
expect "a larger one that may be fragmented is" ping A -M dont -s 1472 192.168.1.6
expect "outside, and counted" test "$(counted A dmvpn0 fragmented)" -ge 1
expect "one that may not is refused with the right size" prints 'mtu ?= ?1452' \
	ping A -M do -s 1425 192.168.1.6
expect "and counted" same 1 "$(dropped A dmvpn0 too-big)"
on inet ip link set B mtu 1300
on B ip link set eth0 mtu 1300
# The first one shows A what happened on the way.
ping A -M do -s 1400 192.168.1.6 > /dev/null || true
expect "the narrow link is told by: mtu = 1252" prints 'mtu ?= ?1252' \
	ping A -M do -s 1400 192.168.1.6
expect "A shows the width of the narrow link" same 1252 "$(peer A dmvpn0 2001:db8::b pmtu)"
expect "IPv6 inside hears of no size below 1280" prints 'mtu ?[:=] ?1280' \
	ping A -6 -M do -s 1400 2001:db8:1::6
expect "1280 bytes of it pass, in fragments outside" ping A -6 -M do -s 1232 2001:db8:1::6
expect "TCP finds its size" bulk A B:2001:db8:1::6 200000
expect "that of IPv4, too" bulk A B:192.168.1.6 200000
on inet ip link set B mtu 1500
on B ip link set eth0 mtu 1500
on A ip -6 route flush cache
on A ip route flush cache

# ---- keys ----

on A dmvpn link set dmvpn0 key 43
wrong=$(dropped B dmvpn0 wrong-key)
expect "A does not reach B with another key" not ping A 192.168.1.6
expect "B counted why" grew wrong-key 1+ "$wrong" "$(dropped B dmvpn0 wrong-key)"
for h in A B; do
	on $h dmvpn link set dmvpn0 key none
done
expect "A reaches B without a key" ping A 192.168.1.6
expect "so does a TCP transfer" bulk A B:192.168.1.6 300000
on A dmvpn link set dmvpn0 remote 2001:db8::b
expect "and as a point-to-point tunnel" ping A 192.168.1.6
on A dmvpn link set dmvpn0 remote any local any
expect "the route says from where, when nobody else does" ping A 192.168.1.6
expect "which is shown" same 2001:db8::a "$(peer A dmvpn0 2001:db8::b underlay_source)"
on A dmvpn link set dmvpn0 local 2001:db8::a link lo
expect "lo is no way to B" not ping A 192.168.1.6
expect "A counts that" test "$(dropped A dmvpn0 no-route)" -ge 1
on A dmvpn link set dmvpn0 link eth0
expect "eth0 is" ping A 192.168.1.6

# ---- ECN: a router marks CE outside ----

on inet nft -f - <<-NFT
	table ip6 congested {
		chain forward {
			type filter hook forward priority 0;
			ip6 nexthdr gre ip6 daddr 2001:db8::b ip6 ecn set ce
		}
	}
NFT
expect "an outer CE over ECT arrives" ping A -s 95 -Q 0x02 192.168.1.6
expect "over a packet without ECN it is refused" not on A ping -c 1 -W 1 -Q 0 2001:db8:1::6
expect "and counted" test "$(dropped B dmvpn0 ecn)" -ge 1
on inet nft flush ruleset

# ---- an address that comes from an interface ----

tunnel C dmvpn0 192.168.1.8/24 local dev Loopback0 family ipv6
on C dmvpn peer add dmvpn0 192.168.1.1 nbma 2001:db8::a
on A dmvpn peer add dmvpn0 192.168.1.8 nbma 2001:db8::c
expect "C reaches A" ping C 192.168.1.1
is_at() {
	same "$1" "$(on C dmvpn -j show kernel dmvpn0 | jq -r '.interfaces[0].nbma')"
}
on C ip addr del 2001:db8::c/128 dev Loopback0
eventually 5 "it follows when the address goes" is_at null
expect "C does not send without an address" not ping C 192.168.1.1
expect "and counts why" test "$(dropped C dmvpn0 no-local)" -ge 1
addr C Loopback0 2001:db8::c/128
eventually 5 "and when it is back" is_at 2001:db8::c
on C ip route replace default via 3fff:100:3::1 src 2001:db8::c
expect "so is C" ping C 192.168.1.1

# ---- IPsec required, SAs by hand ----

for h in A B; do
	on $h dmvpn link set dmvpn0 ipsec required
done
expect "without an SA A does not reach B" not ping A 192.168.1.6
expect "A has counted why" test "$(dropped A dmvpn0 no-sa)" -ge 1
inner=45000014000000004001000007070707c0a80106
before=$(dropped B dmvpn0 cleartext)
expect "clear GRE reaches B" on C frame raw 2001:db8::c 2001:db8::b 00000800$inner
eventually 5 "which refuses and counts it" \
	eval 'grew cleartext 1 "$before" "$(dropped B dmvpn0 cleartext)"'

gcm=(proto esp mode transport reqid 1 aead 'rfc4106(gcm(aes))'
	0x000102030405060708090a0b0c0d0e0f10111213 128)
for h in A B; do
	on $h ip xfrm state add src 2001:db8::a dst 2001:db8::b spi 0x1600 "${gcm[@]}"
	on $h ip xfrm state add src 2001:db8::b dst 2001:db8::a spi 0x6100 "${gcm[@]}"
	on $h ip xfrm policy add dir out src ::/0 dst ::/0 proto gre \
		tmpl proto esp reqid 1 mode transport
done
eventually 2 "with SAs A reaches B" ping A 192.168.1.6
expect "A shows that the path is protected" same true "$(peer A dmvpn0 2001:db8::b esp)"
pmtu=$(peer A dmvpn0 2001:db8::b pmtu)
expect "and what is left of the MTU: $pmtu" test "$pmtu" -lt 1456
expect "a large transfer passes" bulk A B:192.168.1.6 300000
expect "IPv6, too" bulk B A:2001:db8:1::1 300000
expect "and what does not fit, in fragments" ping A -M dont -s 1472 192.168.1.6

# An SA is of one peer: X has the keys, and says that it is A.
on X ip addr add 2001:db8::a/128 dev lo nodad
on B ip xfrm state add src 2001:db8::f dst 2001:db8::b spi 0xf600 "${gcm[@]}"
on X ip xfrm state add src 2001:db8::a dst 2001:db8::b spi 0xf600 "${gcm[@]}"
on X ip xfrm policy add dir out src ::/0 dst ::/0 proto gre \
	tmpl proto esp reqid 1 mode transport
before=$(dropped B dmvpn0 cleartext)
expect "X uses its SA with A's address" on X frame raw 2001:db8::a 2001:db8::b 00000800$inner
eventually 5 "which B does not take for A" \
	eval 'grew cleartext 1 "$before" "$(dropped B dmvpn0 cleartext)"'

# Netfilter gives GRE another address, for which there is no SA.
on A ip xfrm policy update dir out src 2001:db8::a/128 dst 2001:db8::b/128 proto gre \
	tmpl proto esp reqid 1 mode transport
on A ip xfrm policy delete dir out src ::/0 dst ::/0 proto gre
expect "A still reaches B" ping A 192.168.1.6
on A nft 'add table ip6 t; add chain ip6 t c { type nat hook postrouting priority 100; };
	add rule ip6 t c ip6 nexthdr gre masquerade'
before=$(dropped A dmvpn0 cleartext)
expect "no ping passes with a masquerade" not ping A 192.168.1.6
expect "it does not leave in clear but is counted" \
	grew cleartext 1+ "$before" "$(dropped A dmvpn0 cleartext)"
on A nft delete table ip6 t
expect "it passes without" ping A 192.168.1.6

# ---- as seen on the wire ----

capture_stop
expect "GRE came from and to the right addresses" prints '^2001:db8::a 2001:db8::b$' \
	outer A eth0 'ip6 proto 47'
pcap A eth0 'gre && icmpv6.type == 128' ipv6.plen ipv6.hlim gre.key > /tmp/requests
expect "link-local multicast leaves with a hop limit of 255" prints '255,7' cat /tmp/requests
expect "and with the key" prints '0x0000002a' cat /tmp/requests
expect "a CE from outside was copied in" prints '^3$' \
	pcap B dmvpn0 'icmp.type == 8 && ip.len == 123' ip.dsfield.ecn
expect "ESP left A" prints ' 2001:db8::b$' outer A eth0 'ip6 proto 50'
unload A:dmvpn0 A:four0 B:dmvpn0 C:dmvpn0
