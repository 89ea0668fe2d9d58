# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A ring of hubs, each with the next one as NHS, and a target that nobody
# knows: no packet circulates, its sender is told, nothing goes back to where
# it came from.
#
#            H1 1.1.1.1 .1
#           /   ^      \
#     S .9 /    |       v           S 9.9.9.9 has H1 as NHS
#     X .7      |        H2 2.2.2.2 .2
#               |       v           X 7.7.7.7 too, but H1 does not know it
#            H3 3.3.3.3 .3
#
rules R4 R6
kernels uml-debug 6.12
timeout 90

declare -A nbma=([H1]=1.1.1.1 [H2]=2.2.2.2 [H3]=3.3.3.3 [S]=9.9.9.9 [X]=7.7.7.7)
declare -A number=([H1]=1 [H2]=2 [H3]=3 [S]=9 [X]=7)
underlay H1=1.1.1.1 H2=2.2.2.2 H3=3.3.3.3 S=9.9.9.9 X=7.7.7.7
load_module
for h in H1 H2 H3 S X; do
	tunnel $h dmvpn0 192.168.1.${number[$h]}/24 local ${nbma[$h]} key 1
done

# knows A B [SETTING...]: A has a neighbour entry for B.
knows() {
	on "$1" dmvpn peer add dmvpn0 192.168.1.${number[$2]} nbma ${nbma[$2]} "${@:3}"
}
knows H1 H2 nhs
knows H2 H3 nhs
knows H3 H1 nhs
knows H2 H1 hub
knows H3 H2 hub
knows H1 H3 hub
knows H1 S
knows H2 S
for h in S X; do
	on $h dmvpn peer add dmvpn0 nbma 1.1.1.1 nhs
done
require "S reaches H1" on S ping -c 1 192.168.1.1

# Pings of different sizes, to be counted on the wires at the end.
# told HOST FROM SIZE TARGET: an ICMP says that there is no way.
told() {
	prints "From 192.168.1.${number[$2]} .*Destination Host Unreachable" \
		on "$1" ping -c 1 -W 3 -s "$3" "$4"
}
listen h2 H2
expect "S is told by H2 that nobody knows the target" told S H2 201 192.168.1.99
expect "H2 has counted why" same 1 "$(dropped H2 dmvpn0 transit-unresolved)"
expect "H1 was allowed to ask its NHS once" same 1 "$(counted H1 dmvpn0 via-nhs)"
expect "H2's resolve event names target, sender and ingress" \
	next_event h2 '"resolve".*"192.168.1.99".*"192.168.1.9".*"ingress_nbma":"1.1.1.1"' 5

expect "H1 is told by H2" told H1 H2 202 192.168.1.99
expect "H2 is told by H3" told H2 H3 203 192.168.1.99
expect "H3 is told by H1" told H3 H1 204 192.168.1.99
expect "X, whom H1 does not know, gets no answer to a way round" \
	not on X ping -c 1 -W 1 -s 205 192.168.1.99
expect "H1 has counted both" same 2 "$(dropped H1 dmvpn0 transit-unresolved)"

# Nobody may have told a hub that the one before it is a hub, too.
for h in H1=3.3.3.3 H2=1.1.1.1 H3=2.2.2.2; do
	on ${h%=*} dmvpn peer set dmvpn0 nbma ${h#*=} no hub
done
expect "S is told by H2 even if no hub is known as one" told S H2 210 192.168.1.99
on H2 dmvpn peer del dmvpn0 192.168.1.9
expect "without a way back it is not, but nothing circulates" \
	not on S ping -c 1 -W 1 -s 211 192.168.1.99

on H1 dmvpn peer add dmvpn0 192.168.1.50 nbma 9.9.9.9
expect "S is told by H1 that its packet would come back" told S H1 206 192.168.1.50
expect "H1 has counted why" same 1 "$(dropped H1 dmvpn0 back-to-ingress)"

# A spoke with one remote: whatever came from there does not return there.
on S dmvpn link set dmvpn0 remote 1.1.1.1
on S ip route add 10.50.0.0/16 dev dmvpn0
on H1 ip route add 10.50.0.0/16 via 192.168.1.9
expect "H1 is told by a point-to-point S" told H1 S 207 10.50.0.1
expect "S has counted why" same 1 "$(dropped S dmvpn0 back-to-ingress)"
on S dmvpn link set dmvpn0 remote any

# Two devices, one cloud or two.
tunnel H1 dmvpn1 192.168.2.1/24 local 1.1.1.1 key 2
tunnel H2 dmvpn1 192.168.2.2/24 local 2.2.2.2 key 2
on H1 dmvpn peer add dmvpn1 192.168.2.2 nbma 2.2.2.2 nhs
on H2 dmvpn peer add dmvpn1 192.168.2.1 nbma 1.1.1.1
on S ip route add 192.168.2.0/24 via 192.168.1.1
require "H1 reaches H2 by the second device" on H1 ping -c 1 192.168.2.2
on H1 dmvpn link set dmvpn0 network-id 7
on H1 dmvpn link set dmvpn1 network-id 7
expect "between devices of one cloud nothing falls back" told S H1 208 192.168.2.99
expect "as counted" same 1 "$(dropped H1 dmvpn1 transit-unresolved)"
before=$(counted H1 dmvpn1 via-nhs)
on H1 dmvpn link set dmvpn1 network-id 8
on S ping -c 1 -W 1 -s 209 192.168.2.99 > /dev/null || true
expect "from another cloud it does" grew via-nhs 1 "$before" "$(counted H1 dmvpn1 via-nhs)"

# ---- every crossing of the underlay by these packets ----
capture_stop
for h in H1 H2 H3 S X; do
	# Not the ICMP errors that quote the packets.
	pcap $h eth0 "gre && icmp.type == 8 && !(icmp.type == 3) &&
		ip.src == ${nbma[$h]}" ip.src ip.len |
		grep "^${nbma[$h]}," || true
done > /tmp/sent
for packet in 201=2 202=1 203=1 204=1 205=1 206=1 207=1 208=1 210=2 211=2; do
	size=${packet%=*}
	expect "the packet of $size bytes crossed the underlay ${packet#*=} times" \
		same "${packet#*=}" "$(grep -c ",$((size + 28))$" /tmp/sent)"
done

unload H1:dmvpn0 H1:dmvpn1 H2:dmvpn0 H2:dmvpn1 H3:dmvpn0 S:dmvpn0 X:dmvpn0
