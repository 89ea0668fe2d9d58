# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# One large packet or many small ones: whatever offloads are on at the device
# or below it, every byte arrives, checksums are right on the wire, congestion
# marks go in and out as RFC 6040 says, and no size of path is a black hole.
#
#    H eth0 -- lan0 A 1.1.1.1 ---- inet ---- 6.6.6.6 B lan0 10.0.6.1 ... .9
#    10.0.1.2      192.168.1.1              192.168.1.6
#
rules R6
nightly uml-debug 6.12
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/pair.sh"

underlay A=1.1.1.1 B=6.6.6.6
host_behind A:lan0 10.0.1.1/24 H 10.0.1.2/24
lan B lan0 10.0.6.{1..9}/24
load_module
pair
capture B dmvpn0
require "H reaches B" on H ping -c 1 10.0.6.6

# ---- segments and checksums: each variant has an address of its own ----

bytes=$((2000000 / LAB_SLOW))
segments=$((bytes / (1472 - 40 - 12)))
# What B's stack gets from the device, counted a packet of any size.
on B nft -f - <<-NFT
	table ip stack {
		counter taken { }
		chain pre {
			type filter hook prerouting priority 0;
			iifname dmvpn0 tcp dport 5001 counter name taken
		}
	}
NFT
taken() {
	on B nft -j list counter ip stack taken | jq '.nftables[] | .counter.packets // empty'
}

# transfer WORDS FROM N: TCP to 10.0.6.N; sets how many packets went through
# A's xmit, came through B's receive, and reached B's stack.
transfer() {
	local was
	was=("$(peer A dmvpn0 6.6.6.6 tx_packets)" "$(peer B dmvpn0 1.1.1.1 rx_packets)" "$(taken)")
	expect "$1: every byte arrives" bulk "$2" "B:10.0.6.$3" $bytes
	xmitted=$(($(peer A dmvpn0 6.6.6.6 tx_packets) - was[0]))
	received=$(($(peer B dmvpn0 1.1.1.1 rx_packets) - was[1]))
	handed=$(($(taken) - was[2]))
	echo "     $segments segments: $xmitted sent, $received received, $handed handed on"
}
few() { echo "$1 of $segments"; test "$1" -lt $((segments / 3)); }
many() { echo "$1 of $segments"; test "$1" -ge $segments; }

# offload HOST DEV FEATURE on|off...
offload() {
	on "$1" ethtool -K "$2" "${@:3}" > /dev/null
}
ends=(A:eth0 inet:A inet:B B:eth0)

transfer "with all offloads" A 1
expect "one large packet goes through xmit" few $xmitted
expect "and through receive" few $received
transfer "forwarded with all offloads" H 2
expect "large packets are forwarded as such" few $xmitted

for end in "${ends[@]}"; do
	offload "${end%:*}" "${end#*:}" tso off gso off tx off rx off
done
transfer "without offloads below" A 3
expect "a large packet goes through xmit all the same" few $xmitted
expect "each segment is received for itself" many $received
expect "and GRO makes large ones of them again" few $handed
offload B dmvpn0 gro off
transfer "without GRO" H 4
expect "each segment is handed on" many $handed
offload B dmvpn0 gro on

offload A dmvpn0 tso off gso off
transfer "without GSO on the device" A 5
expect "each segment goes through xmit" many $xmitted
transfer "forwarded without GSO on the device" H 6
expect "large packets are cut before it" many $xmitted
offload A dmvpn0 tx off
transfer "without checksum offload on the device" H 7
offload A dmvpn0 tx on tso on gso on
on A dmvpn link set dmvpn0 df unset
transfer "without DF" A 8
expect "large packets again" few $xmitted
on A dmvpn link set dmvpn0 df set

offload B eth0 gro on
transfer "with GRO below" A 9
expect "large packets are received" few $received
# Ten datagrams handed to the kernel as one.
datagrams='import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_UDP, 103, 1000)		# UDP_SEGMENT
s.sendto(b"x" * 10000, ("10.0.6.6", 9))'
sent=$(peer A dmvpn0 6.6.6.6 tx_packets)
received=$(peer B dmvpn0 1.1.1.1 rx_packets)
on A /usr/bin/python3 -c "$datagrams"
expect "ten datagrams go through xmit as one packet" \
	grew sent 1 "$sent" "$(peer A dmvpn0 6.6.6.6 tx_packets)"
expect "and come as ten" grew received 10 "$received" "$(peer B dmvpn0 1.1.1.1 rx_packets)"

for end in "${ends[@]}"; do
	offload "${end%:*}" "${end#*:}" tx on tso on gso on rx on
done
offload B eth0 gro off

# ---- congestion and class: the class tells `inet` what to mark ----

on inet nft -f - <<-NFT
	table ip marks {
		chain forward {
			type filter hook forward priority 0;
			ip protocol != gre accept
			ip daddr != 6.6.6.6 accept
			ip dscp cs1 ip ecn set not-ect
			ip dscp cs2 ip ecn set ect0
			ip dscp cs3 ip ecn set ect1
			ip dscp cs4 ip ecn set ce
			ip dscp af11 ip dscp set ef
		}
	}
NFT
# mark CLASS ECN: a ping whose size tells what it began with.
mark() {
	on A ping -c 1 -W 1 -s $((200 + $1 + $2)) -Q $(($1 + $2)) 10.0.6.6
}
for class in 32 64 96 128; do
	for ecn in 0 1 2 3; do
		if [ $class$ecn = 1280 ]; then
			expect "CE over a packet without ECN is refused" not mark $class $ecn
		else
			expect "class $class, ECN $ecn passes" mark $class $ecn
		fi
	done
done
expect "the one is counted" same 1 "$(dropped B dmvpn0 ecn)"
expect "class 40 passes" mark 40 0
on A dmvpn link set dmvpn0 tos 0x48
for ecn in 0 1 2 3; do
	expect "class 24, ECN $ecn passes under a fixed class" mark 24 $ecn
done
on A dmvpn link set dmvpn0 tos inherit

# Marks of large packets.
on inet nft add rule ip marks forward ip ecn ect0 numgen inc mod 7 0 ip ecn set ce
for h in A B; do
	on $h sysctl -q -w net.ipv4.tcp_ecn=1
done
# net HOST COUNTER
net() {
	on "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}
transfer "with congestion" A 2
expect "B got the marks" test "$(net B IpExtInCEPkts)" -gt 0
expect "and A heard of them" test "$(net A TcpExtTCPDeliveredCE)" -gt 0
on inet nft flush ruleset

# ---- sizes ----

for mtu in 576 1280 1500 4000 9000; do
	on A ip link set dmvpn0 mtu $mtu
	on B ip link set dmvpn0 mtu $mtu
	expect "MTU $mtu: TCP passes" bulk H B:10.0.6.1 200000
	expect "MTU $mtu: the other way, too" bulk B H:10.0.1.2 200000
done

# The path becomes narrow under traffic: `inet` says so, then A's own link.
on A tc qdisc replace dev eth0 root tbf rate $((4000 / LAB_SLOW))kbit burst 64kb latency 100ms
bulk H B:10.0.6.1 6000000 > /tmp/narrow 2>&1 &
narrow=$!
# more WHERE: another 100 kB went through.
more() {
	local from
	from=$(peer A dmvpn0 6.6.6.6 tx_bytes)
	eventually 20 "TCP goes on ($1)" \
		eval 'test "$(peer A dmvpn0 6.6.6.6 tx_bytes)" -gt $((from + 100000))'
}
more "1500 bytes"
for mtu in 1400 1000 600; do
	on inet ip route change 6.6.6.6/32 via 100.64.2.2 mtu lock $mtu
	more "$mtu bytes"
	expect "A knows" same $((mtu - 28)) "$(peer A dmvpn0 6.6.6.6 pmtu)"
done
on A ip link set eth0 mtu 580
more "580 bytes, A's own link"
on A tc qdisc del dev eth0 root
expect "all of it arrived" wait $narrow
on A ip link set eth0 mtu 1500

# A firewall eats what `inet` says: the clamp of Documentation/configuration.md.
on inet ip route change 6.6.6.6/32 via 100.64.2.2 mtu lock 1300
on A ip route flush cache
on A ip link set dmvpn0 mtu 1472
on A nft -f - <<-NFT
	table ip eaten {
		chain input {
			type filter hook input priority 0;
			iifname eth0 ip protocol icmp drop
		}
	}
NFT
expect "large packets disappear" not on H ping -c 1 -W 1 -M do -s 1400 10.0.6.6
on A nft -f - <<-NFT
	table inet mss {
		chain forward {
			type filter hook forward priority mangle;
			oifname dmvpn0 tcp flags syn tcp option maxseg size set 1232
			iifname dmvpn0 tcp flags syn tcp option maxseg size set 1232
		}
	}
NFT
expect "with the clamp TCP passes" bulk H B:10.0.6.1 200000

# ---- as seen on the wire ----

capture_stop
# tos FILE FILTER: "LENGTH TOS" of each outermost header.
tos() {
	tcpdump -r "$LAB_OUT/$1.pcap" -nn -v "$2" 2> /dev/null |
		sed -n -E 's/^[^ ]+ IP \(tos 0x([0-9a-f]+).*, length ([0-9]+)\).*/\2 \1/p'
}
tos A-eth0 'ip proto 47 and ip src 1.1.1.1 and ip[37] = 1' > /tmp/outside
tos B-dmvpn0 'icmp[icmptype] = icmp-echo' > /tmp/inside
# mark_is WORDS FILE ADDED CLASS ECN TOS: of the ping with class and ECN.
mark_is() {
	expect "$1" same "$(printf %x "$6")" \
		"$(awk -v len=$((200 + $4 + $5 + 28 + $3)) '$1 == len { print $2 }' "/tmp/$2")"
}
for ecn in 0 1 2 3; do
	mark_is "ECN $ecn: goes out as it is" outside 28 32 $ecn $((32 + ecn))
	mark_is "under a fixed class, too" outside 28 24 $ecn $((0x48 + ecn))
	mark_is "and the class inside stays" inside 0 24 $ecn $((24 + ecn))
	mark_is "under one without ECN it stays" inside 0 32 $ecn $((32 + ecn))
	mark_is "under ECT(0) it stays" inside 0 64 $ecn $((64 + ecn))
done
mark_is "ECT(1) over none is not taken in" inside 0 96 0 96
mark_is "ECT(1) over ECT(1) stays" inside 0 96 1 97
mark_is "ECT(1) over ECT(0) is taken in" inside 0 96 2 97
mark_is "ECT(1) over CE is not" inside 0 96 3 99
for ecn in 1 2 3; do
	mark_is "CE over ECN $ecn is taken in" inside 0 128 $ecn 131
done
mark_is "another class outside is not" inside 0 40 0 40
# checksums N VERDICT: how many of the packets to 10.0.6.N as they left A.
checksums() {
	tcpdump -r "$LAB_OUT/A-eth0.pcap" -nn -vv \
		"ip proto 47 and ip src 1.1.1.1 and ip[44:4] = 0x0a0006$(printf %02x "$1")" \
		2> /dev/null | grep -c "$2" || true
}
expect "with offloads checksums are left to whom they are offloaded" \
	test "$(checksums 1 '(incorrect')" -gt 0
for n in 3 4 5 6 7 8 9; do
	expect "no checksum to 10.0.6.$n is wrong" same 0 "$(checksums $n '(incorrect')"
	expect "those that were caught are right" test "$(checksums $n '(correct)')" -gt 20
done
