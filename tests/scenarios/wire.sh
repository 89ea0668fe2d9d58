# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the outer packets look like, and what fits: TTL, DSCP, ECN, DF, path
# MTU. Nothing disappears silently whatever its size.
#
#    H eth0 -- lan0 A 1.1.1.1 ---- inet ---- 6.6.6.6 B lan0 10.0.6.6
#    10.0.1.2      192.168.1.1     (its link to B    192.168.1.6
#                                  becomes narrow)
#
rules R6
kernels uml-debug 6.12
timeout 90

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/pair.sh"

underlay A=1.1.1.1 B=6.6.6.6
host_behind A:lan0 10.0.1.1/24 H 10.0.1.2/24
lan B lan0 10.0.6.6/24
load_module
pair
capture B dmvpn0
require "H reaches B" on H ping -c 1 10.0.6.6

# ---- headers: each variant has a payload size of its own ----

# try SIZE SETTINGS... -- PING_OPTIONS...
try() {
	local size=$1 settings=()
	shift
	while [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	shift
	[ ${#settings[@]} = 0 ] || on A dmvpn link set dmvpn0 "${settings[@]}"
	expect "a ping of $size bytes passes with ${settings[*]:-the defaults}" \
		on A ping -c 1 -s "$size" "$@" 10.0.6.6
}
try 101 -- -t 64
try 102 ttl 33 -- -t 64
try 103 ttl inherit -- -t 17
try 104 ttl 255 -- -Q 0xb8
try 105 tos 0x48 -- -Q 0xb8
try 106 tos inherit -- -Q 0xba
try 107 -- -Q 0xbb
try 108 -- -M dont
try 109 df inherit -- -M dont
try 110 -- -M do
try 111 df unset -- -M do
on A dmvpn link set dmvpn0 df set

# RFC 6040: a router marks CE outside.
on inet nft -f - <<-NFT
	table ip congested {
		chain forward {
			type filter hook forward priority 0;
			ip protocol gre ip daddr 6.6.6.6 ip ecn set ce
		}
	}
NFT
try 112 -- -Q 0x02
expect "an outer CE over a packet without ECN is refused" \
	not on A ping -c 1 -W 1 -s 113 -Q 0x00 10.0.6.6
expect "and counted" same 1 "$(dropped B dmvpn0 ecn)"
on inet nft flush ruleset

# ---- sizes ----

# The device's own MTU would hide the path's.
on A ip link set dmvpn0 mtu 1500
expect "a packet without DF that does not fit goes in fragments" on H ping -c 1 -M dont -s 1471 10.0.6.6
expect "and is counted" same 1 "$(counted A dmvpn0 fragmented)"
expect "a packet with DF that does not fit is refused with the right size" \
	prints 'From 10.0.1.1 .*mtu = 1472' on H ping -c 1 -W 2 -M do -s 1472 10.0.6.6
expect "and counted" same 1 "$(dropped A dmvpn0 too-big)"
expect "the largest that fits passes" on H ping -c 1 -M do -s 1444 10.0.6.6
expect "so does what is larger than everything" on H ping -c 1 -M dont -s 4000 10.0.6.6

on inet ip route change 6.6.6.6/32 via 100.64.2.2 mtu lock 1300
# The first one shows A what happened on the way.
on H ping -c 1 -W 1 -M do -s 1400 10.0.6.6 > /dev/null || true
expect "H hears of it" prints 'From 10.0.1.1 .*mtu = 1272|mtu=1272' \
	on H ping -c 1 -W 2 -M do -s 1400 10.0.6.6
expect "A shows the width of the narrow link" same 1272 "$(peer A dmvpn0 6.6.6.6 pmtu)"
for size in 1243 1244 1245 1271 1272 1300 1371 1443 1472; do
	expect "$size bytes without DF pass" on H ping -c 1 -W 2 -M dont -s $size 10.0.6.6
done
expect "1244 bytes with DF pass" on H ping -c 1 -M do -s 1244 10.0.6.6
expect "1245 bytes with DF are refused, not lost" \
	prints 'mtu ?= ?1272' on H ping -c 1 -M do -s 1245 10.0.6.6
expect "TCP finds its size" bulk H B:10.0.6.6 200000
expect "a peer may be given a smaller size" \
	on A dmvpn peer set dmvpn0 nbma 6.6.6.6 mtu 1000
expect "it is used" prints 'mtu = 1000' on H ping -c 1 -M do -s 1100 10.0.6.6
expect "and shown" same 1000 "$(peer A dmvpn0 6.6.6.6 pmtu)"

# ---- as seen on the wire ----

capture_stop
fields=(ip.len gre.key ip.ttl ip.dsfield.dscp ip.dsfield.ecn ip.flags.df)
pcap A eth0 'gre && icmp.type == 8' "${fields[@]}" > /tmp/requests
# outer WORDS SIZE COLUMN VALUES: outer and inner value in the request with
# this payload.
outer() {
	expect "$1" same "$4" "$(awk -v len=$(($2 + 56)),$(($2 + 28)) -v column="$3" \
		'$1 == len { print $column }' /tmp/requests)"
}
outer "the key is on the wire" 101 2 0x0000002a
outer "TTL is 255 by default" 101 3 255,64
outer "TTL is what was set" 102 3 33,64
outer "TTL is inherited" 103 3 17,17
outer "DSCP is inherited by default" 104 4 46,46
outer "DSCP is what was set" 105 4 18,46
outer "ECT is copied out" 106 5 2,2
outer "CE is copied out" 107 5 3,3
outer "DF is set by default" 108 6 1,0
outer "DF clear is inherited" 109 6 0,0
outer "DF set is inherited" 110 6 1,1
outer "DF is never set when told so" 111 6 0,1
expect "a CE from outside is copied in" prints '^3$' \
	pcap B dmvpn0 'icmp.type == 8 && ip.len == 140' ip.dsfield.ecn
expect "too large packets left as outer fragments" prints '^47' \
	pcap A eth0 'ip.flags.mf == 1 && ip.src == 1.1.1.1' ip.proto

unload A:dmvpn0 B:dmvpn0
