# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Protected tunnels whose underlay is elsewhere: in a VRF (front-door VRF), and
# in a network namespace of its own with charon in it. Stock strongSwan, direct
# path between the two, nothing lost, nothing in clear.
#
#                      R3  150.1.3.3   tunnel 10.0.0.3, hub
#                       |
#                     inet
#                     /   \
#     R4 150.1.4.4, VRF ISP  150.1.5.5 in namespace wan, the host W5
#     tunnel 10.0.0.4        R5  tunnel 10.0.0.5, no other line
#     172.16.4.0/24 H4       172.16.5.0/24 H5
#
rules R4 R5 R9
nightly uml-debug 6.12
timeout 200

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

load_module
seed3_underlay 4
underlay W5=150.1.5.5@Loopback0
host R5 H5
link R5:lan H5:eth0
addr R5 lan 172.16.5.254/24
addr H5 eth0 172.16.5.1/24
on H5 ip route add default via 172.16.5.254
for n in 3 4 5; do
	seed3_secrets R$n
done
nhrpd R3 < <(seed3_protected 3)
charon R3

# ---- R4: the line is in a VRF ----
on R4 ip -batch - <<-IP
	link add ISP type vrf table 10
	link set ISP up
	link set eth0 master ISP
	link set Loopback0 master ISP
	route add default via $(on inet ip -j -4 addr show R4 | jq -r '.[0].addr_info[0].local') vrf ISP
IP
# charon's sockets are in no VRF: they hear the one, and answer by its table.
on R4 sysctl -qw net.ipv4.udp_l3mdev_accept=1
on R4 ip rule add from 150.1.4.4 lookup 10
nhrpd R4 < <(seed3_protected 4 | sed 's/tunnel source.*/&\n tunnel vrf ISP/')
charon R4

# ---- R5: the line is in a namespace ----
on R5 ip netns attach wan "${host_pid[W5]}"
on W5 dmvpn link add Tunnel0 local 150.1.5.5
on W5 ip link set Tunnel0 netns "${host_pid[R5]}"
nhrpd R5 < <(
	echo 'crypto netns /run/netns/wan'
	seed3_protected 5 | sed 's/tunnel source.*/tunnel source 150.1.5.5/'
)
# Its network is W5's, its files and its socket are R5's.
(exec nsenter -t "${host_pid[W5]}" -n nsenter -t "${host_pid[R5]}" -m -u \
	/usr/sbin/charon-systemd) < /dev/null >> "$LAB_OUT/R5-charon.out" 2>&1 &
eventually 20 "charon of R5 has its secrets" on R5 swanctl --load-creds

for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
	expect "through an SA of the hub's" sa R$n 3
done
expect "R5's policies are where its line is" prints 'action block' on W5 ip xfrm policy
expect "and nowhere else" same "" "$(on R5 ip xfrm policy)"
stop_if_failed
seed3_routes

# ---- the direct path ----
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
for n in 4 5; do
	eventually 20 "R$n has a shortcut" shortcut $n 172.16.$((9 - n)).0/24 $((9 - n))
	eventually 20 "and one SA" sa R$n $((9 - n))
done
expect "the hub is one hop less" \
	same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"

# ---- a queue of the VRF's own ----
on R4 tc qdisc add dev ISP root pfifo limit 100
expect "with a queue in the VRF R4 sends through ESP as before" \
	on H4 ping -c 3 -i 0.2 -W 1 172.16.5.1

# ---- nhrpd dies ----
for n in 4 5; do
	nhrpd_kill R$n KILL
	nhrpd R$n < /dev/null
	eventually 20 "the new nhrpd of R$n takes the SAs as they are" sa R$n $((9 - n))
done
udp_stop H4-H5
udp_stop H5-H4
expect "not one packet was lost" lossless H4-H5 H5-H4

# ---- an SA that the kernel has lost, and policies ----
on W5 ip xfrm policy flush
eventually 10 "blocking policies come back" prints 'action block' on W5 ip xfrm policy
on W5 ip xfrm state flush
on W5 ip xfrm policy flush
eventually 40 "R5 has an SA to the hub again" sa R5 3
eventually 20 "and reaches it" on R5 ping -c 1 -W 1 10.0.0.3

# ---- on the wire ----
capture_stop
for n in R3 R4 W5; do
	expect "not one GRE packet of $n in clear" same "" "$(outer $n eth0 'proto gre')"
	expect "but ESP" prints . outer $n eth0 esp 1
done
