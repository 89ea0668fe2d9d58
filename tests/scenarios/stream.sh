# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A multicast stream from behind the hub to hosts behind all spokes, on static
# multicast routes: one copy a spoke, and unicast beside it comes to no harm.
#
#   S 172.16.3.1 - R3    as in lib/seed3.sh, with a third spoke R6
#                        to 239.1.1.1, which H4, H5 and H6 have joined
rules R4 R9
nightly uml-debug 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

group=239.1.1.1

load_module
seed3_underlay 4 5 6
host S
link R3:lan S:eth0
addr R3 lan 172.16.3.254/24
addr S eth0 172.16.3.1/24
on S ip route add default via 172.16.3.254
seed3_daemons
seed3_routes

# mroute HOST FROM TO: it forwards the stream so, for as long as this lives
cat > /tmp/mroute.py <<'PY'
import signal, socket, struct, sys
INIT, ADD_VIF, ADD_MFC, USE_IFINDEX = 200, 202, 204, 8
origin, group = (socket.inet_aton(a) for a in sys.argv[1:3])
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
s.setsockopt(socket.IPPROTO_IP, INIT, 1)
for vif, dev in enumerate(sys.argv[3:5]):
    s.setsockopt(socket.IPPROTO_IP, ADD_VIF, struct.pack("=HBBIi4x", vif, USE_IFINDEX,
                 1, 0, socket.if_nametoindex(dev)))
ttls = bytes([0, 1]) + bytes(30)                # out of the second one
s.setsockopt(socket.IPPROTO_IP, ADD_MFC, struct.pack("=4s4sH32s2xIIIi", origin, group, 0,
             ttls, 0, 0, 0, 0))
print("ready", flush=True)
signal.pause()
PY
mroute() {
	local line fd
	exec {fd}< <(exec nsenter -t "${host_pid[$1]}" -n -- \
		/usr/bin/python3 /tmp/mroute.py 172.16.3.1 $group "$2" "$3" 2>&1)
	read -r line <&"$fd"
	require "$1 forwards the stream" same ready "$line"
}
mroute R3 lan Tunnel0
for n in 4 5 6; do
	mroute R$n Tunnel0 lan
	on H$n ip addr add $group/32 dev eth0 autojoin
done

# ---- unicast, direct and through the hub ----
udp_start H4-H5 H4 H5:172.16.5.1 $((100 / LAB_SLOW))
eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
udp_start S-H6 S H6:172.16.6.1 $((100 / LAB_SLOW))
stop_if_failed
told=$(counted R3 Tunnel0 redirect)
copied=$(counted R3 Tunnel0 multicast-copy)

# ---- the stream ----
declare -A receiver
for n in 4 5 6; do
	exec {fd}< <(exec nsenter -t "${host_pid[H$n]}" -n -- \
		useq recv $group 7000 2>&1 1> >(tee "$LAB_OUT/H$n.received"))
	receiver[$n]=$!
	read -r line <&"$fd"
	require "H$n listens" same ready "$line"
done
nsenter -t "${host_pid[S]}" -n -- useq send 172.16.3.1 $group 7000 $((500 / LAB_SLOW)) > "$LAB_OUT/S.sent" &
sender=$!
enough() {
	[ "$(($(counted R3 Tunnel0 multicast-copy) - copied))" -ge 1500 ]
}
eventually 30 "the hub sends three copies of five hundred packets" enough
kill -TERM $sender
wait $sender
for n in 4 5 6; do
	kill -TERM "${receiver[$n]}"
	wait "${receiver[$n]}" || true
	expect "H$n has each packet once" \
		json '.sent > 0 and .received == .sent and .duplicated == 0' \
		jq -cs add "$LAB_OUT/S.sent" <(grep '^{' "$LAB_OUT/H$n.received")
done
udp_stop H4-H5
udp_stop S-H6
expect "unicast beside it lost nothing" lossless H4-H5 S-H6
sent=$(jq .sent "$LAB_OUT/S.sent")
# Each arrived once everywhere, and no more than that left the hub.
expect "the hub sent three copies of each" grew copies $((3 * sent)) "$copied" \
	"$(counted R3 Tunnel0 multicast-copy)"
expect "it tells nobody of a better way for the stream" \
	same "$told" "$(counted R3 Tunnel0 redirect)"
