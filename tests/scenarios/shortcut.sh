# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Shortcuts without a daemon: when they count, that they lose nothing, and that
# they need no route. The hub H has all neighbours; A and B know one another's
# networks by a summary through H.
#
#              192.168.1.0/24 on dmvpn0 of H, A and B
#
#    A 6.6.6.6 .6 -------\
#      lan 10.6.0.6/16    inet ------ H 1.1.1.1 .1
#    B 8.8.8.8 .8 -------/
#      lan 10.8.1.8 10.8.2.8 /16
#
rules R1 R4 R8
kernels uml-debug 6.12
timeout 150

declare -A nbma=([H]=1.1.1.1 [A]=6.6.6.6 [B]=8.8.8.8)
declare -A number=([H]=1 [A]=6 [B]=8)
genl=$lab/genl.py
python=/usr/bin/python3

underlay H=1.1.1.1 A=6.6.6.6 B=8.8.8.8
load_module
for h in H A B; do
	tunnel $h dmvpn0 192.168.1.${number[$h]}/24 local ${nbma[$h]} key 1
done
lan A lan0 10.6.0.6/16
lan B lan0 10.8.1.8/16 10.8.2.8/16
for h in A B; do
	on H dmvpn peer add dmvpn0 192.168.1.${number[$h]} nbma ${nbma[$h]}
	on H ip route add 10.${number[$h]}.0.0/16 via 192.168.1.${number[$h]}
	on $h dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1 nhs
	on $h ip route add 10.0.0.0/8 via 192.168.1.1
done
on A dmvpn peer add dmvpn0 192.168.1.8 nbma 8.8.8.8
on B dmvpn peer add dmvpn0 192.168.1.6 nbma 6.6.6.6

# path HOST ADDRESS: how, next hop and peer; by the kernel's own look-up.
path() {
	on "$1" $python "$genl" path dmvpn0 "$2"
}
# matched HOST ADDRESS: the prefix that counts.
matched() {
	on "$1" dmvpn -j path "$2" dev dmvpn0 | jq -r .prefix
}
add() {
	on "$1" dmvpn shortcut add "${@:2}" dev dmvpn0
}
del() {
	on "$1" dmvpn shortcut del "$2" dev dmvpn0
}
shortcuts() {
	on A dmvpn -j show kernel | jq '.interfaces[0].shortcut_count'
}
# direct_grows PEER-HOST COMMAND...: the command's packets go from A to it.
direct_grows() {
	local peer=${nbma[$1]} before
	before=$(peer A dmvpn0 "$peer" tx_packets)
	"${@:2}" || return
	grew "sent to $peer" 5 "$before" "$(peer A dmvpn0 "$peer" tx_packets)"
}
five() {
	on A ping -c 5 -i 0.2 -W 2 -I 10.6.0.6 "$1"
}

# ---- a hit ----

expect "without a shortcut the hub is the way" same "neigh 192.168.1.1 1.1.1.1" \
	"$(path A 10.8.1.8)"
expect "and packets take it" direct_grows H five 10.8.1.8
add A 10.8.0.0/16 nexthop 192.168.1.8 via 192.168.1.1
add B 10.6.0.0/16 nexthop 192.168.1.6 via 192.168.1.1
expect "with one the kernel answers so" same "shortcut 192.168.1.1 8.8.8.8" "$(path A 10.8.1.8)"
expect "and packets go directly" direct_grows B five 10.8.1.8
expect "each of them counted" same 5 "$(counted A dmvpn0 via-shortcut)"
expect "the shortcut is known to be used" json \
	'.interfaces[0].shortcuts[0] | .used_seconds < 60 and .nexthop == "192.168.1.8"' \
	on A dmvpn -j shortcut show dev dmvpn0
expect "traceroute shows the one hop" same "10.8.1.8" \
	"$(hops A -s 10.6.0.6 10.8.1.8)"
expect "no route was made for it (R8)" same "10.0.0.0/8" \
	"$(on A ip -j route show dev dmvpn0 | jq -r '.[] | select(.gateway) | .dst')"
before=$(counted A dmvpn0 via-shortcut)
path A 10.8.1.8 > /dev/null
expect "asking is not using" same "$before" "$(counted A dmvpn0 via-shortcut)"
add A 10.8.2.0/24 nexthop 192.168.1.1 via 192.168.1.1
expect "the longest prefix counts" same "10.8.2.0/24 10.8.0.0/16" \
	"$(matched A 10.8.2.8) $(matched A 10.8.3.8)"
expect "and where it leads" same "shortcut 192.168.1.1 1.1.1.1" "$(path A 10.8.2.8)"
del A 10.8.2.0/24

# ---- what changes under traffic loses nothing (R4) ----

listen a A
udp_start A-B A:10.6.0.6 B:10.8.1.8
udp_start A-B2 A:10.6.0.6 B:10.8.2.8

on A ip route add 10.8.2.0/24 via 192.168.1.9
on A dmvpn peer add dmvpn0 192.168.1.9 nbma 1.1.1.1
expect "a more specific route wins (via guard)" same "neigh 192.168.1.9 1.1.1.1" "$(path A 10.8.2.8)"
expect "for what it covers" same "shortcut 192.168.1.1 8.8.8.8" "$(path A 10.8.1.8)"
on A ip route del 10.8.2.0/24
expect "and when it goes, the shortcut counts again" same "shortcut 192.168.1.1 8.8.8.8" \
	"$(path A 10.8.2.8)"
on A ip route add 10.8.99.0/24 dev lan0
expect "a route out of another device wins, too" same "none - -" "$(path A 10.8.99.1)"

on A dmvpn peer set dmvpn0 192.168.1.8 unconfirmed
expect "while the neighbour is unconfirmed the hub is the way" \
	same "neigh 192.168.1.1 1.1.1.1" "$(path A 10.8.1.8)"
expect "and packets take it, whatever the shortcut says" \
	same "10.8.0.0/16" "$(matched A 10.8.1.8)"
on A dmvpn peer set dmvpn0 192.168.1.8 no unconfirmed
expect "confirmed, it is used" same "shortcut 192.168.1.1 8.8.8.8" "$(path A 10.8.1.8)"

on A dmvpn peer del dmvpn0 192.168.1.8
expect "without the neighbour the hub is the way" \
	same "neigh 192.168.1.1 1.1.1.1" "$(path A 10.8.1.8)"
expect "and user space is asked for it" next_event a '"resolve".*"192.168.1.8"' 5
on A dmvpn peer add dmvpn0 192.168.1.8 nbma 8.8.8.8
expect "there again, it is used" same "shortcut 192.168.1.1 8.8.8.8" "$(path A 10.8.1.8)"

add A 10.8.1.0/24 nexthop 192.168.1.8 via 192.168.1.1 expires 3 refresh 2
expect "use near its end is told" next_event a '"shortcut-used".*"10.8.1.0/24"' 6
expect "and then its end" next_event a '"shortcut-expired".*"10.8.1.0/24"' 6
expect "use was told once" same 1 \
	"$(grep -c '"shortcut-used".*"10.8.1.0/24"' "$LAB_OUT/a.events")"
expect "the shorter prefix took over" same "10.8.0.0/16" "$(matched A 10.8.1.8)"

for _ in {1..10}; do
	del A 10.8.0.0/16
	add A 10.8.0.0/16 nexthop 192.168.1.8 via 192.168.1.1
	on A dmvpn shortcut flush dev dmvpn0
	add A 10.8.0.0/16 nexthop 192.168.1.1 via 192.168.1.1
	add A 10.8.0.0/16 nexthop 192.168.1.8
done
expect "a change keeps what it does not name" json \
	'.interfaces[0].shortcuts[0].via == "192.168.1.1"' on A dmvpn -j shortcut show dev dmvpn0
expect "dumps are exact while 2,000 shortcuts come and go" \
	on A $python "$genl" shortcuts dmvpn0 2000 3
expect "which left none behind" same 0 "$(shortcuts)"
udp_stop A-B > /dev/null
udp_stop A-B2 > /dev/null
expect "none of it lost a packet" lossless A-B A-B2

# ---- what is refused ----

on H ip route add 10.9.0.0/16 via 192.168.1.8
add H 10.9.0.0/16 nexthop 192.168.1.6
expect "A is told by H that its packet would come back" \
	prints 'From 192.168.1.1 .*Destination Host Unreachable' on A ping -c 1 -W 3 10.9.0.1
expect "H has counted why" same 1 "$(dropped H dmvpn0 back-to-ingress)"
add A 10.8.0.0/16 nexthop 192.168.1.8
on A dmvpn link set dmvpn0 remote 1.1.1.1
expect "a device with a remote knows no shortcuts" \
	same "remote 192.168.1.1 1.1.1.1" "$(path A 10.8.1.8)"
on A dmvpn link set dmvpn0 remote any
expect "one without does" same "shortcut 192.168.1.1 8.8.8.8" "$(path A 10.8.1.8)"

on A dmvpn link set dmvpn0 max-shortcuts 2
expect "the second of 2" add A 10.10.0.0/16 nexthop 192.168.1.8
expect "a third is refused with the limit's name" \
	prints max_shortcuts add A 10.11.0.0/16 nexthop 192.168.1.8
expect "at the limit one can change" add A 10.10.0.0/16 nexthop 192.168.1.1
on A dmvpn shortcut flush dev dmvpn0
on A dmvpn link set dmvpn0 max-shortcuts 0
expect "with the limit 0 there is none" \
	prints max_shortcuts add A 10.8.0.0/16 nexthop 192.168.1.8
expect "what is not there cannot be deleted" prints 'no such shortcut' del A 10.8.0.0/16

unload H:dmvpn0 A:dmvpn0 B:dmvpn0
