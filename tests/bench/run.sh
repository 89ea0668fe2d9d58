#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The own cost of a tunnel device on transmit, measured in this guest.
#
#	 src             dut                            sink
#	txgen            forwards                       drops at tc ingress
#	 in0 ---veth--- in0  [device under test]  out0 ---veth--- out0
#	                     10.16n.0.0/12 -> device n
#	                     100.64.0.0/10 -> out0 (the underlay: NBMA addresses)
#
# Every device is there all the time; the destination chooses one. A round
# sends COUNT packets through each in turn, and begins with another one each
# time. The machine's speed drifts by a third within a minute, so nothing is
# compared but what lies next to each other in one round; `X` is accompanied
# by `X-again`, the same device once more, which shows what is noise.
# What is written is raw; report.py next to this file makes the table.
#
# Usage, as root in a guest of its own (`make bench`, or
# tests/lab/boot uml -- tests/bench/run.sh):
#
#	run.sh [rounds N] [count N] [peers N] [cases "WORD..."] [raw FILE]
#
#	peers	neighbours (and so destinations, round robin) of a multipoint
#		device, and inner destinations of the others
#	cases	of: plain mgre p2p floor dmvpn, and each with `-again`
#
# DMVPN_BUILD	has bin/{txgen,dmvpn} and $LAB_KERNEL/{dmvpn,floor}.ko
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=${DMVPN_BUILD:-$here/../../build}
modules=$build/${LAB_KERNEL:-uml}

rounds=60 count=50000 peers=1 raw=
cases="plain mgre p2p dmvpn dmvpn-again floor"

key=42
local_nbma=192.0.2.1
base_nbma=$((100 << 24 | 64 << 16 | 1))		# 100.64.0.1

die() { echo "bench: $*" >&2; exit 1; }
say() { echo "bench: $*" >&2; }

while [ $# -gt 1 ]; do
	case $1 in
	rounds | count | peers | cases | raw) declare "$1=$2" ;;
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
	local format=$1 inner i
	inner=$(first "$2")
	for ((i = 0; i < peers; i++)); do
		# shellcheck disable=SC2059
		printf "$format\n" "$(dotted $((inner + i)))" "$(dotted $((base_nbma + i)))"
	done
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
	insmod "$modules/floor.ko" saddr=$local_nbma \
		daddr="$(dotted $base_nbma)" key=$((key + 2))
	ip -n dut link add floor type dmvpn-floor
	ip -n dut link set floor up
	ip -n dut route add "$(prefix floor)" dev floor
}

device_dmvpn() {
	local nbma inner
	[ -e /sys/module/dmvpn ] || insmod "$modules/dmvpn.ko"
	in_ns dut "$build/bin/dmvpn" link add dmvpn local $local_nbma \
		key $((key + 3)) ttl 64 up
	ip -n dut route add "$(prefix dmvpn)" dev dmvpn
	each_peer "%s %s" dmvpn | while read -r inner nbma; do
		in_ns dut "$build/bin/dmvpn" peer add dmvpn "$inner" nbma "$nbma"
	done
}

# An Ethernet frame with a 60 byte UDP packet to the first address of a case.
frame() {
	local dst sum=0 i
	dst=$(printf '%08x' "$(first "$1")")
	local ip=4500003c000000004011%04xc0000206$dst
	local zeroed
	# shellcheck disable=SC2059
	zeroed=$(printf "$ip" 0)
	for ((i = 0; i < 40; i += 4)); do sum=$((sum + 16#${zeroed:i:4})); done
	sum=$(((sum & 0xffff) + (sum >> 16)))
	sum=$((~((sum & 0xffff) + (sum >> 16)) & 0xffff))
	# shellcheck disable=SC2059
	printf "020000000002020000000001""0800$ip"'1000200000280000%064d' $sum 0
}

arrived() { in_ns sink sed -n 's/^ *out0: *[0-9]* *\([0-9]*\).*/\1/p' /proc/net/dev; }

# One measurement: prints frames sent, seconds taken, frames that arrived.
burst() {
	local before after line
	before=$(arrived)
	line=$(in_ns src "$build/bin/txgen" dev in0 frame "${frames[$1]}" \
		count "$count" spread "$peers" at 30 sum 24)
	after=$(arrived)
	echo "$line $((after - before))"
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
[[ $peers =~ ^[1-9][0-9]{0,5}$ ]] || die "peers: 1 to 999999"
[ -x "$build/bin/txgen" ] || die "no $build/bin/txgen; make bench builds it"

# A namespace with a name outlives its processes, and keeps the modules busy.
tidy() {
	local ns
	for ns in src dut sink; do ip netns del $ns 2>/dev/null || true; done
}
trap tidy EXIT
hosts
headroom
for device in plain mgre p2p dmvpn floor; do
	if wanted $device; then
		say "setting up $device"
		device_$device
	fi
done
check

raw=${raw:-$(mktemp /tmp/bench.XXXXXX)}
echo "# kernel $(uname -r), $peers peers, $count packets a burst" > "$raw"
echo "# round case position sent seconds arrived" >> "$raw"
for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#order[@]}; i++)); do
		case=${order[(i + round) % ${#order[@]}]}
		echo "$round $case $i $(burst "$case")" >> "$raw"
	done
	[ $(((round + 1) % 10)) != 0 ] || say "round $((round + 1)) of $rounds"
done
python3 "$here/report.py" "$raw"
