# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the kernel says on its own: entries that end or are in use, next hops
# that nobody resolved; each in time, none too often.
#
#    A 1.1.1.1 ---- inet ---- 6.6.6.6 B      192.168.1.1, .6 .66 .67 .68
#
rules R6 R10
kernels uml-debug 6.12
timeout 60

underlay A=1.1.1.1 B=6.6.6.6
load_module
tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42
tunnel B dmvpn0 192.168.1.6/24 local 6.6.6.6 key 42
on B ip addr add 192.168.1.66/32 dev dmvpn0
on B ip addr add 192.168.1.67/32 dev dmvpn0
on A dmvpn peer add dmvpn0 192.168.1.6 nbma 6.6.6.6
on B dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1
require "A reaches B" on A ping -c 1 192.168.1.6

# ---- the end of an entry ----

listen expiry A
on A dmvpn peer add dmvpn0 192.168.1.66 nbma 6.6.6.6 expires $((2 * LAB_SLOW))
expect "an entry with an end works" on A ping -c 1 192.168.1.66
expect "its end is told" next_event expiry '"expired".*"192.168.1.66"' 5
before=$(dropped A dmvpn0 unresolved)
expect "then the sender is told that there is no way" \
	prints 'From 192.168.1.1 .*Destination Host Unreachable' on A ping -c 1 192.168.1.66
expect "and the packet is counted" grew unresolved 1 "$before" "$(dropped A dmvpn0 unresolved)"
expect "the entry is gone" same null "$(neighbour A dmvpn0 192.168.1.66 protocol)"
expect "the resolve event names next hop, sender and target" next_event expiry \
	'"resolve".*"protocol":"192.168.1.66".*"192.168.1.1".*"192.168.1.66"' 5

# ---- an entry in use near its end ----

life=$((3 * LAB_SLOW))
on A dmvpn peer add dmvpn0 192.168.1.67 nbma 6.6.6.6 expires $life refresh $((life - 1))
on A dmvpn peer add dmvpn0 192.168.1.68 nbma 6.6.6.6 expires $life refresh $((life - 1))
(exec nsenter -t "${host_pid[A]}" -n ping -q -i 0.3 192.168.1.67 > /dev/null) &
ping=$!
expect "a used entry is told before its end" next_event expiry '"used".*"192.168.1.67"' $life
on A dmvpn peer set dmvpn0 192.168.1.67 expires 60
expect "an unused one ends" next_event expiry '"expired".*"192.168.1.68"' 6
expect "the refreshed one stays" same 192.168.1.67 "$(neighbour A dmvpn0 192.168.1.67 protocol)"
kill $ping
wait $ping 2>/dev/null || true
expect "the unused one was not told as used" \
	not grep -q '"used".*"192.168.1.68"' "$LAB_OUT/expiry.events"

# ---- not too often ----

sums() { # the counters of upcalls, as one line
	on A dmvpn -j show counters dmvpn0 | jq -r '.interfaces[0].counters |
		"\(.upcall) \(.["upcall-suppressed"]) \(.["upcall-lost"])"'
}
# bounded - PACKETS BEFORE AFTER SECONDS RATE BURST: each packet is counted,
# and so many upcalls at the most.
bounded() {
	local was=($3) is=($4) seconds=$5 rate=$6 burst=$7
	echo "in $seconds s: $3 to $4"
	[ $((is[0] + is[1] + is[2] - was[0] - was[1] - was[2])) = "$2" ] &&
		[ $((is[0] - was[0])) -ge 1 ] &&
		[ $((is[0] - was[0])) -le $((burst + rate * (seconds + 1))) ]
}
before=$(sums)
start=$SECONDS
on A frame flood 192.168.1.1 192.168.1.99 9 2000
expect "one next hop asks once a second" bounded "" 2000 "$before" "$(sums)" \
	$((SECONDS - start)) 1 1
on A ip route add 10.99.0.0/16 dev dmvpn0
before=$(sums)
start=$SECONDS
on A frame flood 192.168.1.1 10.99.0.1/16 9 3000
expect "many next hops stay below the device's rate" bounded "" 3000 "$before" "$(sums)" \
	$((SECONDS - start)) 256 128
expect "A still reaches B" on A ping -c 1 192.168.1.6

unload A:dmvpn0 B:dmvpn0
