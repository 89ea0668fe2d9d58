# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# TCP in bulk, forwarded through a tunnel, by sender and wires without
# offloads: what the tunnel device merges at its far end is its own work.
# Run by `bench`.
#
#   S ---- A ==== plain, stock gre, dmvpn ==== B ---- K    chosen by K's address
#
# Acknowledgements go back without a tunnel. Interleaved rounds, begun with
# another case each time, for the reasons told in run.sh.
rules R6
kernels uml
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/bench/frr.sh"

capture() { :; }
rounds=30 bytes=$((32 << 20))
cases=(plain stock ours)
declare -A address=([plain]=10.2.0.2 [stock]=10.3.0.2 [ours]=10.4.0.2)
declare -A dev=([stock]=gre1 [ours]=dmvpn0)

host S A B K
link S:eth0 A:lan
link A:wan B:wan
link B:lan K:eth0
addr S eth0 10.1.0.2/24
addr A lan 10.1.0.1/24
addr A wan 192.0.2.1/24
addr B wan 192.0.2.2/24
addr B lan 10.2.0.1/24
addr K eth0 10.2.0.2/24
addr K lo 10.3.0.2/32 10.4.0.2/32
on S ip route add default via 10.1.0.1 mtu lock 1400
on K ip route add default via 10.2.0.1
on B ip route add 10.1.0.0/24 via 192.0.2.1
on B ip route add 10.3.0.2 via 10.2.0.2
on B ip route add 10.4.0.2 via 10.2.0.2
on S ethtool -K eth0 tso off gso off
for end in A:lan A:wan B:wan; do
	on "${end%:*}" ethtool -K "${end#*:}" gro off tso off gso off
done

load_module
for n in 1 2; do
	name=A there=2
	[ $n = 1 ] || name=B there=1
	on $name ip link add gre1 type gre local 192.0.2.$n key 42 ttl 64
	addr $name gre1 10.9.3.$n/24
	on $name ip neigh replace 10.9.3.$there lladdr 192.0.2.$there dev gre1 nud permanent
	tunnel $name dmvpn0 10.9.4.$n/24 local 192.0.2.$n key 43 ttl 64
	on $name dmvpn peer add dmvpn0 10.9.4.$there nbma 192.0.2.$there
done
on A ip route add 10.2.0.0/24 via 192.0.2.2
on A ip route add 10.3.0.2 via 10.9.3.2
on A ip route add 10.4.0.2 via 10.9.4.2

exec {results}< <(exec nsenter -t "${host_pid[K]}" -n -- bulk recv 5001 2>&1)
receiver=$!
read -r line <&"$results"
[ "$line" = ready ]

# packets HOST DEV rx|tx
packets() {
	on "$1" cat "/sys/class/net/$2/statistics/$3_packets"
}

for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#cases[@]}; i++)); do
		case=${cases[(i + round) % ${#cases[@]}]}
		[ "$case" = plain ] || in=$(packets B "${dev[$case]}" rx)
		out=$(packets B lan tx)
		on S bulk send "${address[$case]}" 5001 $bytes
		read -r -t 60 got seconds <&"$results"
		[ "$got" = $bytes ]
		value tcp "$case" "$(awk "BEGIN { print $got * 8 / $seconds / 1e6 }")"
		[ "$case" = plain ] || value tcp-merged "$case" "$(awk "BEGIN {
			print ($(packets B "${dev[$case]}" rx) - $in) / ($(packets B lan tx) - $out) }")"
	done
done
kill "$receiver"
expect "$rounds rounds of ${#cases[@]} connections" true
