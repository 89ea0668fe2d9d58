# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What an operator asks and tells: shortcuts by hand, where a packet goes and
# why, Cisco's views of it, a hub that is drained. First without daemons, then
# with the seed's.
#
#     172.16.0.0/16 through the hub B, 172.16.5.0/24 behind C
#
#    A 1.1.1.1 --------\        192.168.1.1
#                       inet -- B 3.3.3.3   192.168.1.3 (hub)
#    C 5.5.5.5 --------/        192.168.1.5
#      lan 172.16.5.1
#
rules R1 R6 R8
kernels uml-debug
nightly 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

underlay A=1.1.1.1 B=3.3.3.3 C=5.5.5.5
require "the module loads" load_module

# ---- no daemon: shortcuts by hand ----

tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42
tunnel B dmvpn0 192.168.1.3/24 local 3.3.3.3 key 42
tunnel C dmvpn0 192.168.1.5/24 local 5.5.5.5 key 42
lan C lan0 172.16.5.1/24
on A dmvpn peer add dmvpn0 192.168.1.3 nbma 3.3.3.3 nhs static
on A ip route add 172.16.0.0/16 via 192.168.1.3
on B dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1
on B dmvpn peer add dmvpn0 192.168.1.5 nbma 5.5.5.5
on B ip route add 172.16.5.0/24 via 192.168.1.5
on C dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1

# path [ARGUMENTS]: how A sends to C's network
path() {
	on A dmvpn path 172.16.5.1 "$@"
}

expect "a packet takes the route's next hop" \
	same "172.16.5.1: neighbour 192.168.1.3 at 3.3.3.3" "$(path)"
expect "A reaches C's network through the hub" on A ping -c 1 172.16.5.1
events A A dmvpn monitor
expect "a shortcut whose next hop is unknown is taken" \
	on A dmvpn shortcut add 172.16.5.0/24 nexthop 192.168.1.5 via 192.168.1.3 expires 600 dev dmvpn0
expect "and told to who watches" next_event A \
	'shortcut-changed dmvpn0 172.16.5.0/24 to 192.168.1.5 while via 192.168.1.3' 10
expect "but not used" same "172.16.5.1: neighbour 192.168.1.3 at 3.3.3.3, as the shortcut \
172.16.5.0/24 to 192.168.1.5 is not usable" "$(path)"
on A dmvpn peer add dmvpn0 192.168.1.5 nbma 5.5.5.5
expect "with its next hop it is" \
	same "172.16.5.1: shortcut 172.16.5.0/24 to 192.168.1.5 at 5.5.5.5" "$(path)"
expect "A reaches C's network by it" on A ping -c 1 172.16.5.1
expect "the packet was counted there" same 1 "$(counted A dmvpn0 via-shortcut)"
expect "a route with another next hop is not overridden" \
	same "172.16.5.1: neighbour 192.168.1.5 at 5.5.5.5" "$(path dev dmvpn0 nexthop 192.168.1.5)"
expect "it is in the table" \
	prints '^  172.16.5.0/24  192.168.1.5  192.168.1.3  9m 5[0-9]s +[0-9]+s +[0-9]+s$' \
	on A dmvpn show shortcut
expect "in JSON too" json '.interfaces[0].shortcuts | length == 1 and (.[0] |
	.prefix == "172.16.5.0/24" and .prefix_length == 24 and .nexthop == "192.168.1.5" and
	.via == "192.168.1.3" and .expires_seconds > 500 and .used_seconds != null)' \
	on A dmvpn -j shortcut show dev dmvpn0
expect "and beneath its peer" prints '^  172.16.5.0/24 +- +shortcut +up .* kernel entry, expires in 9m' \
	on A dmvpn show

# layer WORD PATTERN: a line of `dmvpn why`
layer() {
	prints "^$1 +$2" on A dmvpn why 172.16.5.1
}
expect "why: the route" layer route "172.16.0.0/16 via 192.168.1.3 dev dmvpn0 proto boot"
expect "why: the shortcut" layer shortcut "172.16.5.0/24 to 192.168.1.5 while the route is via 192.168.1.3"
expect "why: the neighbour" layer neighbour "192.168.1.5 at 5.5.5.5, never expires"
expect "why: the peer" layer peer "5.5.5.5 by eth0, pmtu 1472, sent [0-9]+s ago, heard [0-9]+s ago"
expect "why: no daemon" layer nhrp "nhrpd does not answer"
expect "why: the end of it" layer so "shortcut 172.16.5.0/24 to 192.168.1.5 at 5.5.5.5"

# cef STYLE ADDRESS: the view without its numbers, in one line
cef() {
	on A dmvpn show ip cef "$2" --style "$1" | sed -E 's/version [0-9]+/version N/' | paste -sd'|'
}
expect "show ip cef is the seed's" same "172.16.5.0/24, version N, epoch 0|0 packets, 0 bytes|\
  via 192.168.1.5, dmvpn0, 0 dependencies|    next hop 192.168.1.5, dmvpn0|    valid adjacency" \
	"$(cef ios 172.16.5.1)"
expect "show ip cef in IOS-XE's style" same "172.16.5.0/24|  nexthop 192.168.1.5 dmvpn0" \
	"$(cef xe 172.16.5.1)"
expect "show ip cef of another address" same "172.16.0.0/16|  nexthop 192.168.1.3 dmvpn0" \
	"$(cef xe 172.16.6.1)"
expect "show ip cef of a peer" same "192.168.1.5/32|  nexthop 192.168.1.5 dmvpn0" \
	"$(cef xe 192.168.1.5)"
expect "show ip cef of an own address" same "192.168.1.1/32|  receive for dmvpn0" \
	"$(cef xe 192.168.1.1)"
expect "who has no peer is asked for through the hub" \
	same "192.168.1.9: through the hub at 3.3.3.3, as 192.168.1.9 is not usable" \
	"$(on A dmvpn path 192.168.1.9)"
expect "what does not go through a dmvpn device" \
	prints '^3.3.3.3: not through a dmvpn device: .* dev eth0' on A dmvpn path 3.3.3.3
expect "a prefix with host bits is refused" \
	prints "PREFIX wants a prefix without host bits" \
	on A dmvpn shortcut add 172.16.5.1/24 nexthop 192.168.1.5 dev dmvpn0
expect "what is not there cannot be deleted" \
	prints '^dmvpn: shortcut del: dmvpn0 172.16.6.0/24: .*No such' \
	on A dmvpn shortcut del 172.16.6.0/24 dev dmvpn0
expect "the shortcut is deleted" on A dmvpn shortcut del 172.16.5.0/24 dev dmvpn0
expect "and that told" next_event A 'shortcut-deleted dmvpn0 172.16.5.0/24' 10
expect "two more are made" on A dmvpn shortcut add 172.16.0.0/20 nexthop 192.168.1.5 dev dmvpn0
expect "one in the other" on A dmvpn shortcut add 172.16.5.0/25 nexthop 192.168.1.5 dev dmvpn0
expect "and flushed" on A dmvpn shortcut flush dev dmvpn0
expect "the table is empty" same "" "$(shortcuts A)"

# ---- with daemons ----

for end in A B C; do
	expect "$end: the device is deleted" on $end dmvpn link del dmvpn0
done
seed3_underlay 4 5
seed3_daemons
seed3_routes
events R3 R3 dmvpn monitor
expect "H4 reaches H5" on H4 ping -c 1 172.16.5.1
expect "the hub's operator reads who hairpins" next_event R3 \
	'kernel  redirect   Tunnel0 172.16.[45].1 to 172.16.[45].1 hairpins from 150.1.[45].[45] to 150.1.[45].[45]$' 10
eventually 10 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 10 "R5 has one to R4's" shortcut 5 172.16.4.0/24 4
stop_if_failed
on H4 ping -c 1 172.16.5.1 > /dev/null

expect "why has NHRP's word" prints '^nhrp +172.16.5.0/24 up for [0-9]+s' \
	on R4 dmvpn why 172.16.5.1
expect "show has the shortcut beneath its spoke" json '.interfaces[0] | [.peers[] |
	select(.nbma == "150.1.5.5") | .protocol] == ["10.0.0.5", "172.16.5.0"]' \
	on R4 dmvpn -j show
expect "show ip nhrp shortcut" same "172.16.5.0/24 via 10.0.0.5, Tunnel0 created|\
  Type: dynamic, Flags: router used rib|  NBMA address: 150.1.5.5" \
	"$(on R4 dmvpn show ip nhrp shortcut | sed 's/created .*/created/' | paste -sd'|')"
expect "show dmvpn: a route was installed" prints '^ +10.0.0.5 +UP [0-9:]+ DT1$' \
	on R4 dmvpn show dmvpn
on R4 ip route add 172.16.5.0/24 via 10.0.0.3
expect "show dmvpn: the same prefix by the routing table is overridden" \
	prints '^ +10.0.0.5 +UP [0-9:]+ DT2$' on R4 dmvpn show dmvpn
on R4 ip route del 172.16.5.0/24 via 10.0.0.3
expect "show ip nhrp multicast" prints '^Tunnel0 +150.1.3.3 +Flags: nhs' \
	on R4 dmvpn show ip nhrp multicast
expect "show ip nhrp traffic counts the indications" \
	prints '[12] Traffic Indication  [0-9]+ Redirect Suppress' on R3 dmvpn show ip nhrp traffic

duty() {
	prints "^1 +Tu0 +0 +10.0.0.3 +0 +RE +$1\$" on R4 dmvpn show ip nhrp nhs redundancy
}
expect "the hub is active" duty active
expect "it is drained" same "10.0.0.3 is drained" "$(on R4 dmvpn nhs 10.0.0.3 drain)"
expect "and so it reads" duty drained
expect "by its NBMA address it serves again" \
	same "150.1.3.3 serves again" "$(on R4 dmvpn nhs 150.1.3.3 undrain dev Tunnel0)"
expect "and so it reads" duty active
expect "another address is none" not on R4 dmvpn nhs 10.0.0.5 drain

expect "a prefix that is none is not cleared" same "0 entries cleared" \
	"$(on R4 dmvpn clear 172.16.4.0/23)"
expect "a prefix is cleared" same "1 entry cleared" "$(on R4 dmvpn clear 172.16.5.0/24)"
expect "the kernel's shortcut is gone" same "" "$(shortcuts R4)"

# ---- an operator's hub that nhrpd needs for a while ----

tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42
on A dmvpn peer add dmvpn0 nbma 3.3.3.3 nhs priority 5
# rank: what that peer is used for
rank() {
	peer A dmvpn0 3.3.3.3 peer_flags priority
}
# section LINE: A's nhrpd, with this line
section() {
	nhrpd A <<-CONF
		interface dmvpn0
		 ip address 192.168.1.1 255.255.255.0
		 ip nhrp network-id 1
		 $1
		 tunnel source 1.1.1.1
		 tunnel key 42
	CONF
}
is_rank() {
	same "$1" "$(rank)"
}
before=$(rank)
for again in '' ', also after a restart'; do
	section 'ip nhrp nhs 192.168.1.3 nbma 3.3.3.3'
	eventually 20 "nhrpd takes it, and off duty while it does not answer$again" \
		is_rank '["hub","static"] 0'
	nhrpd_kill A
done
section 'ip nhrp shortcut'
eventually 10 "without the line it is what the operator had made" is_rank "$before"
nhrpd_kill A TERM

# completes HOST PATTERN WORDS...: what bash offers behind them, a word a line
completes() {
	local host=$1 pattern=$2
	shift 2
	# shellcheck disable=SC2016
	prints "$pattern" on "$host" bash -c '. "$0/tools/dmvpn.bash"
		COMP_WORDS=(dmvpn "$@") COMP_CWORD=$# && _dmvpn
		printf "%s\n" "${COMPREPLY[@]}"' "$LAB_REPO" "$@"
}
expect "bash completes commands" completes C '^redundancy$' show ip nhrp nhs re
expect "and devices" completes C '^lan0$' path ""
