# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A host behind a spoke that scans the whole cloud, and then a network that is
# reached by the hub, takes nobody's memory and disturbs nobody: upcalls,
# requests, entries and shortcuts stay within their limits, what was refused is
# forgotten, and a second scan takes no more than the first.
#
#                R3  150.1.3.3   tunnel 10.0.0.3/16   hub
#                 |              172.16.0.0/16 by whom it belongs to,
#               inet             172.17.0.0/16 by R5
#              /    \
#    R4 150.1.4.4  R5 150.1.5.5  tunnel 10.0.0.4/16 .5/16, nobody else
#  LAN 172.16.4.0/24  172.16.5.0/24, and the rest of the world by its default route
#    host H4 .1 scans   host H5 .1
#
rules R4 R10
nightly uml-debug 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

# So many addresses of a /16, spread over all of it.
addresses=$((32768 / LAB_SLOW))
pps=$((2000 / LAB_SLOW))

load_module
seed3_underlay 4 5
capture_stop
seed3_daemons 's/^\( ip address .*\) 255.255.255.0$/\1 255.255.0.0/'
seed3_routes
on R3 ip route add 172.17.0.0/16 via 10.0.0.5
on R4 ip route add 172.17.0.0/16 via 10.0.0.3
for n in 50 51 52; do
	lan R4 lan$n 172.16.$n.254/24
	on R3 ip route add 172.16.$n.0/24 via 10.0.0.4
done
seed3_talk $((LAB_PPS / LAB_SLOW))

# ---- what there is ----

# rss HOST: kilobytes of its nhrpd; slab: of the kernel's small objects
rss() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/${nhrpd_pid[$1]}/status"
}
slab() {
	awk '$1 == "Slab:" { print $2 }' /proc/meminfo
}
# entries HOST [JQ]: how many its nhrpd has
entries() {
	on "$1" dmvpn -j show | jq "[.interfaces[0].entries[] | select(${2:-true})] | length"
}
# tables HOST: peers and neighbours of its kernel
tables() {
	on "$1" dmvpn -j show kernel | jq -c '.interfaces[0] | [.peer_count, .neighbour_count]'
}
shortcut_count() {
	on R4 dmvpn -j show kernel | jq '.interfaces[0].shortcut_count'
}
# at_most MOST GOT
at_most() {
	echo "$2, at most $1"
	[ "$2" -le "$1" ]
}

# ---- a scan ----

# scan NETWORK N [COUNT]: H4 sends to all of it, or to so many addresses all over
# it, and meanwhile R5 learns of R4's network N; $took: in how many seconds
scan() {
	local start scanner
	tick
	start=$now
	(exec nsenter -t "${host_pid[H4]}" -n -- \
		inject scan 172.16.4.1 "$1" 65536 $pps "${3:-$addresses}" > /dev/null) &
	scanner=$!
	eventually 5 "while H4 scans $1/16 others resolve as ever" resolves "$2"
	wait $scanner
	tick
	took=$(((now - start + 999) / 1000))
}
# resolves N: R5 has a shortcut to R4's address in its network N
resolves() {
	on H5 ping -q -c 1 -W 2 "172.16.$1.254" > /dev/null || true
	prints "^172.16.$1.254/32 10.0.0.4\$" shortcuts R5
}
kernels_before="$(tables R3) $(tables R4)"
hub_before=$(entries R3)
entries_before=$(entries R4)
rss_before=$(rss R4)
hub_rss=$(rss R3)
slab_before=$(slab)
told=$(counted R4 Tunnel0 upcall)

scan 10.0.0.0 50
told=$(($(counted R4 Tunnel0 upcall) - told))
expect "R4's nhrpd takes no more than 1 kB for each of $told" \
	at_most $((rss_before + told + 1024)) "$(rss R4)"
expect "nhrpd was told of $told of $addresses addresses in $took s" \
	at_most $((128 + 256 * (took + 1))) $told
# A kernel too slow to send more than that in $took s tells of all.
expect "of the rest it was not" at_most $((told + $(counted R4 Tunnel0 upcall-suppressed) + 64)) \
	$addresses
some=$(($(entries R4) - entries_before))
expect "it has $some entries more, one each and no more" test $some -gt 50 -a $some -le $told
expect "no more than its limit are asked for" at_most 4096 "$(entries R4 '.state == "resolving"')"
expect "the hub has none more" same "$hub_before" "$(entries R3)"
expect "the kernels have none more" same "$kernels_before" "$(tables R3) $(tables R4)"
# To show them all takes more, once.
rss_shown=$(rss R4)
expect "the hub's takes none" at_most $((hub_rss + 1024)) "$(rss R3)"

# ---- targets behind the hub ----

# R5 answers for one address at a time, since its route there is the default.
before=$(shortcut_count)
scan 172.17.0.0 51 $((addresses / 4))
some=$(($(shortcut_count) - before))
expect "the hub told of so few of $((addresses / 4)) hairpins in $took s that R4 has $some shortcuts" \
	test $some -gt 10 -a $some -le $((64 + 2 * (took + 2)))
expect "R4's nhrpd is not much larger" at_most $((rss_shown + 2048)) "$(rss R4)"

# ---- what was refused is forgotten ----

forgotten() {
	same 0 "$(entries R4 '.type == "negative" or .type == "incomplete"')"
}
eventually 90 "what nobody has is forgotten after its time" forgotten
scan 10.0.0.0 52 $((addresses / 4))
expect "another scan takes no more than the first" at_most $((rss_shown + 2048)) "$(rss R4)"
# A debug kernel keeps what was freed for a while, on purpose.
if [ ! -e /sys/kernel/debug/kmemleak ]; then
	expect "nor has the kernel's memory grown" at_most $((slab_before + 8192)) "$(slab)"
	sed 's/^/       /' "$evidence"
fi
udp_stop H4-H5 > /dev/null
udp_stop H5-H4 > /dev/null
expect "in all this not one packet of others was lost" lossless H4-H5 H5-H4
