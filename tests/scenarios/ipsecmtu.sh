# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Sizes through ESP: what an SA adds is known to the tunnel, for every size of
# path. Who may not be fragmented hears the right size, everything else arrives,
# TCP finds its size by itself and is not slowed down by lost large packets,
# whether the kernel has esp4_offload or not.
# Drawing: lib/seed3.sh; besides
#
#    H4 2001:db8:4::1 -- R4 ------ inet ------ R3 -- lan 172.16.3.1, 2001:db8:3::1
#                            SIZE of path
#
rules R4 R6
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# Captures would be large: `inet` counts.
capture() { :; }
load_module
seed3_underlay 4 5
for n in 3 4 5; do
	delay R$n eth0 0
done
on inet nft -f - <<-NFT
	table ip wire {
		counter clear { }
		counter protected { }
		chain forward {
			type filter hook forward priority 0;
			ip protocol gre counter name clear
			ip protocol esp counter name protected
		}
	}
NFT
# passed clear|protected: how many packets by `inet`
passed() {
	on inet nft -j list counter ip wire "$1" | jq '.nftables[] | .counter.packets // empty'
}
lan R3 lan 172.16.3.1/24 2001:db8:3::1/64
addr R4 lan 2001:db8:4::254/64
addr H4 eth0 2001:db8:4::1/64
on H4 ip -6 route add default via 2001:db8:4::254
# H4 is to hear of more than a few sizes.
on R4 sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
	net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=1000

# The device lets in what Ethernet does: nothing but the path bounds.
wide='s/^ ip nhrp network-id.*/&\n ip mtu 1500/'
inner6='
s/^ ip address 10\.0\.0\.\(.\) .*/&\n ipv6 address 2001:db8::\1\/64/
s/^ ip nhrp map 10\.0\.0\.3 .*/&\n ipv6 nhrp map 2001:db8::3\/128 150.1.3.3/
s/^ ip nhrp nhs 10\.0\.0\.3/&\n ipv6 nhrp nhs 2001:db8::3/
s/^ ip nhrp network-id.*/&\n ipv6 nhrp network-id 345/'
for n in 3 4 5; do
	seed3_secrets R$n
	nhrpd R$n < <(seed3_protected $n | sed "$wide; $inner6")
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
done
# registered6: R4 is with its IPv6 address
registered6() {
	json '[.interfaces[].peers[] | select(.protocol == "2001:db8::4")] | length == 1' \
		on R3 dmvpn -j peer show
}
eventually 20 "R4 is for IPv6, too" registered6
stop_if_failed
seed3_routes
on R3 ip -6 route add 2001:db8:4::/64 via 2001:db8::4
on R4 ip -6 route add 2001:db8:3::/64 via 2001:db8::3

# fitting SIZE: the largest packet inside. Outer IP 20, header and check of
# AES-GCM 16 each; in between a multiple of 4, of which 2 are ESP's own; GRE.
gre=4
fitting() {
	echo $(((($1 - 52) & ~3) - 2 - gre))
}
# pmtu: what R4's kernel takes for that
pmtu() {
	peer R4 Tunnel0 150.1.3.3 pmtu
}
# path SIZE: `inet` lets no larger packet through, both ways
size=1500
path() {
	size=$1
	on inet ip route change 150.1.3.3/32 via 100.64.1.2 mtu lock "$1"
	on inet ip route change 150.1.4.4/32 via 100.64.2.2 mtu lock "$1"
}
# probe do|dont LENGTH ADDRESS: from H4, which knows of no size
probe() {
	local family=-4 headers=28
	case $3 in *:*) family=-6 headers=48 ;; esac
	on H4 ip $family route flush cache
	on H4 ping -n -c 1 -w 2 -M "$1" -s $(($2 - headers)) "$3"
}
# knows MTU: R4 does, when it has sent the largest packet that seemed to fit
knows() {
	probe 'do' "$(pmtu)" 172.16.3.1 > /dev/null || true
	same "$1" "$(pmtu)"
}

# sweep SIZE: lengths round the one that fits
sweep() {
	local fits fits6 length
	fits=$(fitting "$1")
	fits6=$((fits > 1280 ? fits : 1280))
	eventually 10 "$1 bytes: R4 knows that $fits fit" knows "$fits"
	for length in $((fits - 3)) $((fits - 2)) $((fits - 1)) "$fits"; do
		expect "$length bytes pass" probe 'do' "$length" 172.16.3.1
	done
	for length in $((fits6 - 1)) "$fits6"; do
		expect "$length bytes of IPv6 pass" probe 'do' "$length" 2001:db8:3::1
	done
	for length in $((fits + 1)) 1500; do
		expect "$length do not, and H4 hears what does" \
			prints "Frag needed and DF set .mtu = $fits\)" \
			probe 'do' "$length" 172.16.3.1
		expect "in pieces they do" probe dont "$length" 172.16.3.1
	done
	for length in $((fits6 + 1)) 1500; do
		expect "$length bytes of IPv6 do not, and H4 hears what does" \
			prints "Packet too big: mtu=$fits6" probe 'do' "$length" 2001:db8:3::1
	done
}

bytes=1500000
# again HOST: how many segments it has sent once more
again() {
	on "$1" nstat -asz TcpRetransSegs | awk '$1 == "TcpRetransSegs" { print $2 }'
}
# segments: of one transfer
segments() {
	echo $((bytes / ($(fitting $size) - 52)))
}
# transfer WORDS FROM TO:ADDRESS: TCP. Of its segments few go twice: those sent
# before the size was known; where large packets are lost more than a quarter do
transfer() {
	local before
	before=$(again "$2")
	expect "$1: every byte arrives" bulk "$2" "$3" $bytes
	expect "few segments twice" test $(($(again "$2") - before)) -lt $(($(segments) / 7))
}
# sent NBMA: packets of any size, by R4
sent() {
	peer R4 Tunnel0 "$1" tx_packets
}
# large PACKETS: so many for one transfer, less than its segments
large() {
	echo "$1 packets, $(segments) segments"
	[ "$1" -gt 0 ] && [ "$1" -lt $(($(segments) * 7 / 10)) ]
}
# both_ways WORDS: H4 and the hub's network
both_ways() {
	local before
	before=$(sent 150.1.3.3)
	transfer "$1, to the hub" H4 R3:172.16.3.1
	expect "it went in as large packets" large $(($(sent 150.1.3.3) - before))
	transfer "$1, from the hub" R3 H4:172.16.4.1
}

# ---- the kernel cuts before ESP; then with esp4_offload, which UML has ----
both_ways "1500 bytes"
# spi: of R4's SA to the hub
spi() {
	esp R4 | awk '$1 == "150.1.4.4" && $2 == "150.1.3.3" { print $3 }'
}
if [ "$LAB_MACHINE" != uml ]; then
	modprobe esp4_offload
	before=$(spi)
	on R4 dmvpn clear ipsec 150.1.3.3
	eventually 20 "R4 has an SA that knows of esp4_offload" \
		eval 'sa R4 3 && not same "$before" "$(spi)"'
	both_ways "with esp4_offload"
fi
transfer "IPv6, to the hub" H4 R3:2001:db8:3::1
transfer "IPv6, from the hub" R3 H4:2001:db8:4::1
# gro on|off: what comes to R3 and R4 is made large before or behind ESP
gro() {
	on R3 ethtool -K eth0 gro "$1" > /dev/null
	on R4 ethtool -K eth0 gro "$1" > /dev/null
}
gro on
both_ways "with GRO below"
gro off

# ---- sizes of path: ESP pads to four ----
sweep 1500
for size in 1400 1396 1395 700; do
	path $size
	sweep $size
	case $size in 1400 | 700) both_ways "$size bytes" ;; esac
done
transfer "IPv6, whose packets do not fit" H4 R3:2001:db8:3::1

# ---- the path becomes narrow under traffic ----
path 1500
for h in R3 R4 H4; do
	on $h ip route flush cache
done
on R4 tc qdisc replace dev eth0 root tbf rate $((2400 / LAB_SLOW))kbit burst 64kb latency 100ms
while [ ! -e /tmp/enough ]; do
	bulk H4 R3:172.16.3.1 500000 || exit
done > /tmp/narrow 2>&1 &
narrow=$!
# more WORDS: another 100 kB went through
more() {
	local from
	from=$(peer R4 Tunnel0 150.1.3.3 tx_bytes)
	eventually 20 "TCP goes on ($1)" \
		eval 'test "$(peer R4 Tunnel0 150.1.3.3 tx_bytes)" -gt $((from + 100000))'
}
more "1500 bytes"
for size in 1400 700; do
	path $size
	more "$size bytes"
	expect "R4 knows what fits" same "$(fitting $size)" "$(pmtu)"
done
touch /tmp/enough
expect "all of it arrived" wait $narrow
delay R4 eth0 0

# ---- the direct path ----
path 1500
for h in R3 R4 H4; do
	on $h ip route flush cache
done
expect "H4 pings H5" on H4 ping -c 3 172.16.5.1
eventually 20 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 20 "R5 has a shortcut to R4's network" shortcut 5 172.16.4.0/24 4
before=$(sent 150.1.5.5)
transfer "the direct path" H4 H5:172.16.5.1
expect "it went in as large packets" large $(($(sent 150.1.5.5) - before))
transfer "the direct path back" H5 H4:172.16.4.1

# ---- with a key ----
gre=8
for n in 3 4; do
	on R$n tee /etc/nhrpd.conf > /dev/null \
		< <(seed3_protected $n | sed "$wide; $inner6; \$a\\ tunnel key 345")
	on R$n dmvpn reload
done
eventually 40 "R4 is registered with the hub under a key" registered 4
eventually 20 "H4 reaches its network" on H4 ping -c 1 -W 1 172.16.3.1
sweep 1500
path 1400
sweep 1400
both_ways "with a key"

# ---- on the wire ----
expect "not one GRE packet in clear" same 0 "$(passed clear)"
expect "but ESP" test "$(passed protected)" -gt 10000
