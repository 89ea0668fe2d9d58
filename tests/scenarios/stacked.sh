# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Tunnels in tunnels, as deep as is allowed, and tunnels whose underlay leads
# into themselves, at once or after a route change: refused, counted, and the
# host goes on.
#
#    A 1.1.1.1 ------ inet ------ 6.6.6.6 B
#      g0   172.16.0.1 .2   stock GRE over eth0
#      mid  172.17.0.1 .2   dmvpn over g0
#      top  172.18.0.1 .2   dmvpn over mid
#      t1 ... t5            dmvpn over one another, t1 over eth0
#      own  192.168.1.1 .6  dmvpn over eth0, LANs 10.0.1.1 and 10.0.6.6
#      d1, d2               each one's peer is behind the other
#
rules R4 R6
kernels uml-debug
nightly 6.12
timeout 120

underlay A=1.1.1.1 B=6.6.6.6
# Packets are counted, so the kernels shall send none of their own (MLD).
for h in A B; do
	on $h sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done
load_module

# ---- dmvpn over dmvpn over gre ----

[ "$LAB_MACHINE" = uml ] || modprobe ip_gre
on A ip link add g0 type gre local 1.1.1.1 remote 6.6.6.6 ttl 64
on B ip link add g0 type gre local 6.6.6.6 remote 1.1.1.1 ttl 64
addr A g0 172.16.0.1/24
addr B g0 172.16.0.2/24
# over DEV LINK NET BELOW KEY: on both hosts, NET.1 and .2 over BELOW.1 and .2
over() {
	pair "$1" "$3.1" "$3.2" "$4.1" "$4.2" key "$5" link "$2"
}
# pair DEV A-ADDRESS B-ADDRESS A-NBMA B-NBMA SETTING...
pair() {
	tunnel A "$1" "$2/24" local "$4" "${@:6}"
	tunnel B "$1" "$3/24" local "$5" "${@:6}"
	on A dmvpn peer add "$1" "$3" nbma "$5"
	on B dmvpn peer add "$1" "$2" nbma "$4"
}
over mid g0 172.17.0 172.16.0 2
over top mid 172.18.0 172.17.0 3
expect "dmvpn over dmvpn over gre works" on A ping -c 3 -i 0.2 172.18.0.2
mtu=$((1500 - 24 - 28 - 28))
expect "the uppermost is so much smaller" same $mtu "$(on A ip -j link show top | jq '.[0].mtu')"
expect "what fits passes" on A ping -c 1 -M do -s $((mtu - 28)) 172.18.0.2
expect "one byte more is refused, not lost" \
	prints "mtu ?= ?$mtu" on A ping -c 1 -W 1 -M do -s $((mtu - 27)) 172.18.0.2
expect "large packets pass in fragments" on A ping -c 1 -M dont -s 4000 172.18.0.2
expect "TCP passes" bulk A B:172.18.0.2 1000000

# ---- how deep ----

pair t1 172.20.1.1 172.20.1.2 1.1.1.1 6.6.6.6 key 1
for n in 2 3 4 5; do
	over t$n t$((n - 1)) 172.20.$n 172.20.$((n - 1)) 1$n
done
expect "four in one another work" on A ping -c 1 -W 2 172.20.4.2
expect "a fifth does not" not on A ping -c 1 -W 1 172.20.5.2
expect "and the lowest says why" same 1 "$(dropped A t1 recursion)"

# ---- the underlay in the tunnel itself ----

pair own 192.168.1.1 192.168.1.6 1.1.1.1 6.6.6.6 key 4
lan A lan0 10.0.1.1/24
lan B lan0 10.0.6.6/24
on A ip route add 10.0.6.0/24 via 192.168.1.6
on B ip route add 10.0.1.0/24 via 192.168.1.1
expect "a device as its own underlay is refused" \
	prints 'own underlay' on A dmvpn link set own link own
require "A reaches B" on A ping -c 1 192.168.1.6
lookups=$(counted A own route-lookup)
udp_start A-B A:10.0.1.1 B:10.0.6.6
for route in 6.6.6.6/32 6.0.0.0/8 0.0.0.0/1; do
	before=$(dropped A own route-loop)
	on A ip route add $route via 192.168.1.6
	eventually 5 "$route through the tunnel is refused under traffic" \
		eval 'test "$(dropped A own route-loop)" -gt $((before + 10))'
	expect "as the question where a packet goes says" \
		prints '"drop":"route-loop"' on A dmvpn -j path 10.0.6.6 dev own
	on A ip route del $route via 192.168.1.6
	expect "without it all is as before" on A ping -c 1 -W 2 -I 10.0.1.1 10.0.6.6
done
udp_stop A-B
expect "nothing but what was counted was lost" same "$(dropped A own route-loop)" \
	"$(udp_count A-B lost)"
expect "the route was not looked up for each packet that passed" \
	test "$(($(counted A own route-lookup) - lookups))" -le $(($(udp_count A-B lost) + 12))
on A ip route add 6.6.6.6/32 via 192.168.1.6
before=$(dropped A own route-loop)
on A frame nhrp own 6.6.6.6 00
on A frame nhrp own 6.6.6.7 00
expect "NHRP is refused, too, to a peer and to a stranger behind it" \
	grew route-loop 1 "$before" "$(dropped A own route-loop)"
on A ip route del 6.6.6.6/32

# ---- two devices, each one's underlay in the other ----

tunnel A d1 172.21.1.1/24 local 1.1.1.1 key 21
tunnel A d2 172.21.2.1/24 local 1.1.1.1 key 22
on A dmvpn peer add d1 172.22.1.1 nbma 172.22.2.1
on A dmvpn peer add d2 172.22.2.1 nbma 172.22.1.1
on A ip -batch - <<-IP
	route add 172.22.1.0/24 dev d1
	route add 172.22.2.0/24 dev d2
IP
recursions() {
	echo $(($(dropped A d1 recursion) + $(dropped A d2 recursion)))
}
expect "the last packet of a chain without an end is refused" \
	not on A ping -c 1 -W 1 172.22.1.1
expect "and counted" same 1 "$(recursions)"
before=$(recursions)
on A frame flood 172.21.1.1 172.22.1.1 9 1000
expect "so are 1,000" grew recursion 1000 "$before" "$(recursions)"
on A dmvpn link set d1 remote 172.22.2.1
on A dmvpn link set d2 remote 172.22.1.1
before=$(recursions)
on A frame flood 172.21.1.1 172.22.1.1 9 1000
expect "and point-to-point" grew recursion 1000 "$before" "$(recursions)"
expect "other tunnels do not mind" on A ping -c 1 -W 2 192.168.1.6

# Behind a queue a packet comes round without any recursion.
for dev in d1 d2; do
	on A tc qdisc replace dev $dev root fq_codel
done
for df in set unset; do
	on A dmvpn link set d1 df $df
	on A dmvpn link set d2 df $df
	before=$(recursions)
	on A frame flood 172.21.1.1 172.22.1.1 9 100
	eventually 10 "with queues and df $df 100 are refused as soon" \
		eval 'same $((before + 100)) "$(recursions)"'
done
on A ping -c 1 -W 1 -M dont -s 1440 172.22.1.1 > /dev/null || true
eventually 5 "so is each fragment of what became too large" \
	eval 'test "$(recursions)" -gt $((before + 101))'
for dev in d1 d2; do
	expect "the queue of $dev is empty" json '.[0].backlog == 0' \
		on A tc -j -s qdisc show dev $dev root
done
expect "other tunnels do not mind" on A ping -c 1 -W 2 192.168.1.6

unload A:d1 A:d2 A:own A:t5 A:t4 A:t3 A:t2 A:t1 A:top A:mid \
	B:own B:t5 B:t4 B:t3 B:t2 B:t1 B:top B:mid
