#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The own cost of a tunnel device, measured in this guest.
#
#	 src             dut                            sink
#	txgen            forwards                       drops at tc ingress
#	 in0 ---veth--- in0  [device under test]  out0 ---veth--- out0
#	                     10.16n.0.0/12 -> device n
#	                     100.64.0.0/10 -> out0 (the underlay: NBMA addresses)
#
# Every device is there all the time; on transmit the destination chooses one,
# on receive the key: what comes in is GRE, what goes out is the inner packet,
# by plain forwarding. A round sends COUNT packets through each in turn, and
# begins with another one each time. The machine's speed drifts by a third
# within a minute, so nothing is compared but what lies next to each other in
# one round; `X` is accompanied by `X-again`, the same device once more, which
# shows what is noise. What is written is raw; report.py makes the table.
#
# Usage, as root in a guest of its own (`make bench`, or
# tests/lab/boot uml -- tests/bench/run.sh):
#
#	run.sh [section NAME] [way tx|rx] [peers N] [churn N] [cipher WORD]
#	       [rounds N] [count N] [cases "WORD..."] [raw FILE]
#
#	peers	neighbours (and so destinations or sources, round robin) of a
#		multipoint device, and inner destinations of the others
#	churn	routes added (and as many deleted) a second meanwhile, if the
#		one processor has the time; how many there were is in the raw file
#	cipher	null or gcm: all devices are protected by ESP with static keys, one
#		SA and one policy for each peer, as IKE makes them; null is no
#		cipher and no hash, so that these hide nothing. On transmit
#		only: what ESP has decrypted waits for a work queue, and a
#		burst would end before its packets have arrived
#	cases	of: plain mgre p2p floor dmvpn, and each with `-again`
#	raw	file to append to
#
# DMVPN_BUILD	has bin/{txgen,dmvpn} and $LAB_KERNEL/{dmvpn,floor}.ko
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=${DMVPN_BUILD:-$here/../../build}
modules=$build/${LAB_KERNEL:-uml}

section=tx-1 way=tx peers=1 churn=0 cipher=none rounds=60 count=50000 raw=
cases="plain mgre p2p dmvpn dmvpn-again floor"

key=42
local_nbma=192.0.2.1
base_nbma=$((100 << 24 | 64 << 16 | 1))		# 100.64.0.1

die() { echo "bench: $*" >&2; exit 1; }
say() { echo "bench: $*" >&2; }

while [ $# -gt 1 ]; do
	case $1 in
	section | way | peers | churn | cipher | rounds | count | cases | raw) declare "$1=$2" ;;
	*) die "what is '$1'? See the top of $0" ;;
	esac
	shift 2
done
[ $# = 0 ] || die "'$1' needs a value"

dotted() { echo "$(($1 >> 24 & 255)).$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"; }

# The number of a case's destination prefix 10.(16 * number).0.0/12.
number() {
	local devices=(plain mgre p2p dmvpn floor) i
	for i in "${!devices[@]}"; do
		[ "${devices[i]}" != "${1%-again}" ] || { echo "$i"; return; }
	done
	die "no case '$1'"
}
first() { echo $((10 << 24 | 16 * $(number "$1") << 16 | 1)); }
prefix() { echo "10.$((16 * $(number "$1"))).0.0/12"; }
wanted() { [[ " $cases " = *" $1 "* || " $cases " = *" $1-again "* ]]; }

in_ns() { local ns=$1; shift; nsenter --net="/run/netns/$ns" "$@"; }

hosts() {
	local ns
	# What a hub of this size needs: each next hop in use is a neighbour of
	# the kernel's, and at its default of 1,024 it makes and forgets one for
	# every packet. (Stock's are permanent here, which it does not count.)
	sysctl -qw net.ipv4.neigh.default.gc_thresh{1,2,3}=1000000
	for ns in src dut sink; do
		ip netns add $ns
		ip -n $ns link set lo up
		# No packet but ours: IPv6 greets every new link.
		in_ns $ns sysctl -qw net.ipv6.conf.{all,default}.disable_ipv6=1
	done
	ip link add in0 netns src address 02:00:00:00:00:01 type veth \
		peer name in0 netns dut address 02:00:00:00:00:02
	ip link add out0 netns dut address 02:00:00:00:00:03 type veth \
		peer name out0 netns sink address 02:00:00:00:00:04
	for ns in src dut; do ip -n $ns link set in0 up; done
	for ns in dut sink; do ip -n $ns link set out0 up; done
	in_ns sink tc qdisc add dev out0 clsact
	in_ns sink tc filter add dev out0 ingress matchall action drop
	in_ns dut sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv4.conf.{all,default,in0,out0}.rp_filter=0
	ip -n dut address add 192.0.2.5/30 dev in0
	ip -n dut address add $local_nbma/30 dev out0
	ip -n dut neigh replace 192.0.2.2 lladdr 02:00:00:00:00:04 dev out0 nud permanent
	ip -n dut route add 100.64.0.0/10 via 192.0.2.2
}

# A driver leaves NET_SKB_PAD bytes in front of what it receives; a veth
# leaves none, and every device that encapsulates would pay for a copy of the
# packet that no real one makes. A bridge asks its ports for headroom.
headroom() {
	ip -n src link add br0 type bridge
	ip -n src link add pad0 type gretap remote 192.0.2.6
	ip -n src link set in0 master br0
	ip -n src link set pad0 master br0
}

# For each peer a line of the format given: inner next hop, NBMA address.
each_peer() {
	awk -v format="$1\n" -v inner="$(first "$2")" -v nbma=$base_nbma -v n="$peers" '
		function dotted(a) { return int(a / 2 ^ 24) "." int(a / 2 ^ 16) % 256 \
			"." int(a / 256) % 256 "." a % 256 }
		BEGIN { for (i = 0; i < n; i++)
			printf format, dotted(inner + i), dotted(nbma + i) }'
}

device_plain() {
	ip -n dut route add "$(prefix plain)" via 192.0.2.2
}

device_mgre() {
	ip -n dut link add mgre type gre local $local_nbma key $key ttl 64
	ip -n dut link set mgre up
	ip -n dut route add "$(prefix mgre)" dev mgre
	each_peer "neigh replace %s lladdr %s dev mgre nud permanent" mgre |
		ip -n dut -batch -
}

device_p2p() {
	ip -n dut link add p2p type gre local $local_nbma \
		remote "$(dotted $base_nbma)" key $((key + 1)) ttl 64
	ip -n dut link set p2p up
	ip -n dut route add "$(prefix p2p)" dev p2p
}

device_floor() {
	[ -e /sys/module/floor ] || insmod "$modules/floor.ko" \
		saddr=$local_nbma daddr="$(dotted $base_nbma)" key=$((key + 3))
	ip -n dut link add floor type dmvpn-floor
	ip -n dut link set floor up
	ip -n dut route add "$(prefix floor)" dev floor
}

device_dmvpn() {
	local ipsec=required
	[ $cipher != none ] || ipsec=off
	[ -e /sys/module/dmvpn ] || insmod "$modules/dmvpn.ko"
	in_ns dut "$build/bin/dmvpn" link add dmvpn local $local_nbma \
		key $((key + 2)) ttl 64 ipsec $ipsec up
	ip -n dut route add "$(prefix dmvpn)" dev dmvpn
	in_ns dut /usr/bin/python3 "$here/peers.py" dmvpn \
		"$(dotted "$(first dmvpn)")" "$(dotted $base_nbma)" "$peers"
}

# ESP for all that goes to a peer.
protect() {
	local keys="auth digest_null '' enc ecb(cipher_null) ''"
	[ $cipher = null ] || keys="aead rfc4106(gcm(aes)) 0x$(printf '%040d' 7) 128"
	each_peer "%s %s" mgre | awk -v keys="$keys" -v here=$local_nbma '{
		ends = "src " here " dst " $2
		print "xfrm state add " ends " proto esp spi " 65536 + NR " reqid 1 mode transport " keys
		print "xfrm policy add " ends " proto gre dir out tmpl " ends " proto esp reqid 1 mode transport"
	}' | ip -n dut -batch -
}

# An IPv4 header in hex: LENGTH PROTOCOL SOURCE DESTINATION, all hex.
ip_header() {
	local sum=0 i zeroed header
	zeroed=4500${1}0000000040${2}0000$3$4
	for ((i = 0; i < 40; i += 4)); do sum=$((sum + 16#${zeroed:i:4})); done
	sum=$(((sum & 0xffff) + (sum >> 16)))
	printf -v header '%s%04x%s' "${zeroed:0:20}" \
		$((~((sum & 0xffff) + (sum >> 16)) & 0xffff)) "${zeroed:24}"
	echo "$header"
}

# An Ethernet frame with a 60 byte UDP packet: on transmit to the first address
# of a case; on receive to the plain one, in GRE with the key of the case.
frame() {
	local inner outer='' to=$1
	[ $way = tx ] || to=plain
	inner=$(ip_header 003c 11 c0000206 "$(printf %08x "$(first "$to")")")
	inner+=$(printf '1000200000280000%064d' 0)
	if [ $way = rx ] && [ "$1" != plain ]; then
		outer=$(ip_header 0058 2f "$(printf %08x $base_nbma)" c0000201)
		outer+=20000800$(printf %08x $((key + $(number "$1") - 1)))
	fi
	[ ${#outer} = 0 ] || [ ${#outer} = 56 ] || die "outer header of ${#outer}"
	echo "0200000000020200000000010800$outer$inner"
}

arrived() { in_ns sink sed -n 's/^ *out0: *[0-9]* *\([0-9]*\).*/\1/p' /proc/net/dev; }

# One measurement: prints frames sent, seconds taken, frames that arrived.
burst() {
	local before after line
	before=$(arrived)
	line=$(in_ns src "$build/bin/txgen" dev in0 frame "${frames[$1]}" \
		count "$count" spread "$peers" at $at sum 24)
	after=$(arrived)
	echo "$line $((after - before))"
}

# Routes that nobody uses come and go, $churn each a second: a program that is
# fed from here, so that nothing is started meanwhile.
churn_routes() {
	local start=${EPOCHREALTIME/[.,]/} made=0 due batch nothing
	exec {nothing}<> <(:)
	while :; do
		batch=
		due=$(((${EPOCHREALTIME/[.,]/} - start) * churn / 1000000))
		for (( ; made < due; made++)); do
			batch+="route add 203.0.113.$((made % 250)) via 192.0.2.2"$'\n'
			batch+="route del 203.0.113.$((made % 250))"$'\n'
		done
		printf '%s' "$batch" 2> /dev/null || return
		echo $((made * 1000000 / (${EPOCHREALTIME/[.,]/} - start + 1))) > /tmp/churned
		read -r -t 0.02 -u "$nothing" || true
	done | ip -n dut -batch -
}

# A case that loses packets is faster than it should be; better no figure.
check() {
	local case sent arrived
	for case in "${order[@]}"; do
		read -r sent _ arrived <<< "$(count=2000 burst "$case")"
		[ "$sent" = "$arrived" ] ||
			die "$case: $arrived of $sent packets reach the sink"
	done
}

read -ra order <<< "$cases"
declare -A frames
for case in "${order[@]}"; do frames[$case]=$(frame "$case"); done
at=30
[ $way = tx ] || at=26		# the destination, or the source
[[ $way =~ ^[tr]x$ ]] || die "way: tx or rx"
[[ $cipher =~ ^(none|null|gcm)$ ]] || die "cipher: none, null or gcm"
[ $way = tx ] || [ "$cipher" = none ] || die "with a cipher: way tx"
[[ $peers =~ ^[1-9][0-9]{0,5}$ ]] || die "peers: 1 to 999999"
[ -x "$build/bin/txgen" ] || die "no $build/bin/txgen; make bench builds it"

# A namespace with a name outlives its processes, and keeps the modules busy.
tidy() {
	local ns
	[ -z "$churner" ] || kill -- -$churner
	for ns in src dut sink; do ip netns del $ns 2>/dev/null || true; done
}
churner=
trap tidy EXIT
hosts
headroom
for device in plain mgre p2p dmvpn floor; do
	if wanted $device; then
		say "setting up $device"
		device_$device
	fi
done
[ $cipher = none ] || protect
check

raw=${raw:-$(mktemp /tmp/bench.XXXXXX)}
echo "# section $section: $way, $peers peers, $churn routes/s, cipher $cipher, $count packets a burst, kernel $(uname -r)" >> "$raw"
if [ "$churn" != 0 ]; then
	set -m
	churn_routes &
	churner=$!
	set +m
fi
for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#order[@]}; i++)); do
		case=${order[(i + round) % ${#order[@]}]}
		echo "burst $section $round $case $i $(burst "$case")" >> "$raw"
	done
	[ $(((round + 1) % 20)) != 0 ] || say "$section: round $((round + 1)) of $rounds"
done
[ "$churn" = 0 ] || echo "value churn-rate ours $(cat /tmp/churned)" >> "$raw"
