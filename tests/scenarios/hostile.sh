# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A spoke with a certificate like everybody's turns bad. R6 wants R5's tunnel
# address, takes back what is R5's, answers for R5, claims R5's networks, sends
# as if it were R5, and floods. It gains nothing, each attempt is counted and
# logged with its name, and R4 and R5 go on without losing a packet.
#
#                R3  150.1.3.3   tunnel 10.0.0.3     hub
#                 |
#               inet             50 ms through the hub, 10 ms direct
#             /   |   \
#        R4 .4.4 R5 .5.5 R6 .6.6   tunnel 10.0.0.4 .5 .6   R6 is bad
#      host H4    H5      H6       172.16.4.1, .5.1, .6.1
#         R5 has 172.16.70.0/24 and on, R6 has 172.16.66.0/24
#
rules R4 R5 R10
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# router N: as the seed has it, with a certificate, registering all the time
router() {
	seed3_protected "$1" "set authentication certificate" |
		sed 's/registration timeout 120/registration timeout 1/'
}

# ---- tools ----

# hex ADDRESS: its digits
hex() {
	# shellcheck disable=SC2046,SC2086
	printf '%02x%02x%02x%02x' ${1//./ }
}

# packet TYPE SOURCE DESTINATION [CIE]: R6's packet, between these addresses of
# the tunnel; TYPE with its flags
packet() {
	local cie=${4-}
	cie=${cie// /}
	printf '0001080000000000 00ff 0000 0000 %04x 01%s 04000404 %s %08x %s%s%s %s %s\n' \
		$((40 + ${#cie} / 2)) "${1%/*}" "${1#*/}" $((RANDOM << 15 | RANDOM)) \
		"$(hex 150.1.6.6)" "$(hex "$2")" "$(hex "$3")" "$cie" \
		80030000800400008005000080000000
}
# cie PREFIX HOLD [NBMA ADDRESS]
cie() {
	if [ $# = 2 ]; then
		printf '00%02x00000578%04x00000000' "$1" "$2"
	else
		printf '00%02x00000578%04x04000400%s%s' "$1" "$2" "$(hex "$3")" "$(hex "$4")"
	fi
}
register() { packet 03/0002 "$1" 10.0.0.3 "$(cie 32 600)"; }
ask() { packet 01/c802 "$1" "$2" "$(cie 0 600)"; }
# answer TARGET TO PREFIX NBMA HOP; a reply has the asker as its source
answer() { packet 02/f802 "$2" "$1" "$(cie "$3" 600 "$4" "$5")"; }
# purge TO PREFIX ABOUT
purge() { packet 05/0000 10.0.0.6 "$1" "$(cie "$2" 0 150.1.5.5 "$3")"; }
# indicate TO SOURCE DESTINATION: that packet of TO's went the long way
indicate() {
	local quote
	quote=45000054123400003f010000$(hex "$2")$(hex "$3")0800f9dd00070001
	printf '0001080000000000 00ff 0000 0000 0044 %s %s%s%s %s %s\n' \
		"01080400 04040000 00000000" "$(hex 150.1.6.6)" "$(hex 10.0.0.6)" "$(hex "$1")" "$quote" 80000000
}

# rejected HOST WORD: what its nhrpd has counted
rejected() {
	on "$1" dmvpn -j show | jq ".interfaces[0].traffic.rejected[\"$2\"]"
}

# known: whom the others' kernels know but R6, and where
known() {
	local n
	for n in 3 4 5; do
		on R$n dmvpn -j peer show
	done | jq -cS '[.interfaces[].peers[] | select(.nbma != "150.1.6.6") |
		{protocol, nbma, flags: (.flags - ["used"])}] | sort_by(.protocol)'
}

# refused HOST WORD N [TEXT]: N of the packets from standard input, which R6
# sends to HOST through their tunnel, are counted there under WORD; the log
# says TEXT
refused() {
	local before where=150.1.${1#R}.${1#R} sent
	before=$(rejected "$1" "$2")
	sent=$(on R6 inject tunnel Tunnel0 "$where")
	eventually 10 "$sent sent to $1, $3 of them $2" counted_since "$1" "$2" "$3" "$before"
	[ -z "${4-}" ] || expect "as its log says" prints "$4" cat "$LAB_OUT/$1-nhrpd.log"
}
counted_since() {
	grew "$2" "$3" "$4" "$(rejected "$1" "$2")"
}
unchanged() {
	expect "R3, R4 and R5 know whom they knew" same "$was" "$(known)"
}

# talks N: H6 talks with HN, R6 sends it directly
talks() {
	on H6 ping -q -c 1 -W 1 "172.16.$1.1" && direct 6 "$1"
}

load_module
seed3_underlay 4 5 6
ca lab
for n in 3 4 5 6; do
	charon_conf R$n < /dev/null
	certificate $n lab
	nhrpd R$n < <(router $n)
	charon R$n
done
for n in 4 5 6; do
	eventually 40 "R$n is registered with the hub" registered $n
done
stop_if_failed
seed3_routes
for n in {70..75}; do
	lan R5 lan$n 172.16.$n.254/24
	on R3 ip route add 172.16.$n.0/24 via 10.0.0.5
done
on R3 ip route add 172.16.66.0/24 via 10.0.0.6
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
eventually 20 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 20 "R5 has one to R4's" shortcut 5 172.16.4.0/24 4
# Everybody talks with R6, too.
for n in 4 5; do
	eventually 20 "R6 is direct with R$n" talks $n
	eventually 20 "R$n with R6" direct $n 6
done
stop_if_failed
was=$(known)

# ---- a neighbour's address ----
refused R3 not-unique 1 \
	'registration of 10.0.0.5 from 150.1.6.6 \(r6.lab\) refused: another identity holds it' \
	< <(register 10.0.0.5)
unchanged

# ---- what others have ----
refused R3 purge-refused 1 'purge of 10.0.0.5 from 150.1.6.6 refused' \
	< <(purge 10.0.0.3 32 10.0.0.5)
refused R3 purge-refused 1 'purge of 10.0.0.5 from 150.1.6.6 refused' \
	< <(purge 10.0.0.4 32 10.0.0.5)
refused R4 purge-refused 2 'purge of 172.16.5.0 from 150.1.6.6 refused' \
	< <(purge 10.0.0.4 32 10.0.0.5; purge 10.0.0.4 24 172.16.5.0)
before=$(rejected R4 purge-refused)
purge 10.0.0.4 16 172.16.0.0 | on R6 inject tunnel Tunnel0 150.1.3.3 > /dev/null
eventually 10 "through the hub R4 refuses, too" counted_since R4 purge-refused 1 "$before"
expect "and says so" prints 'purge of 172.16.0.0 from 150.1.3.3 refused' \
	cat "$LAB_OUT/R4-nhrpd.log"
expect "its shortcut is there" shortcut 4 172.16.5.0/24 5
unchanged

# ---- answers for others ----
refused R4 unsolicited 2 < <(answer 10.0.0.5 10.0.0.4 32 150.1.6.6 10.0.0.5
	answer 172.16.70.1 10.0.0.4 24 150.1.6.6 10.0.0.6)
refused R3 spoofed 1 "answer for 172.16.70.1/24 from 150.1.6.6 .r6.lab. refused: its next hop is not its sender's" \
	< <(answer 172.16.70.1 10.0.0.4 24 150.1.6.6 10.0.0.5)
refused R3 spoofed 1 'Resolution Request of 10.0.0.5 from 150.1.6.6 refused' \
	< <(ask 10.0.0.5 10.0.0.4)

# ---- a third party's address as its own ----
# elsewhere: the packets from standard input say that R6 is at 150.1.9.9
elsewhere() {
	sed "s/$(hex 150.1.6.6)/$(hex 150.1.9.9)/"
}
forwarded() {
	on R3 dmvpn -j show | jq '[.interfaces[0].traffic.forwarded[]] | add'
}
passed_on() {
	grew forwarded 1+ "$before" "$(forwarded)"
}
refused R3 spoofed 1 'Resolution Request of 10.0.0.6 refused: it is at 150.1.6.6 and says 150.1.9.9' \
	< <(ask 10.0.0.6 10.0.0.4 | elsewhere)
before=$(forwarded)
ask 10.0.0.6 10.0.0.4 | elsewhere | sed 's/80000000$/0009000080000000/' |
	on R6 inject tunnel Tunnel0 150.1.3.3 > /dev/null
eventually 10 "with a NAT extension the hub passes it on, put right" passed_on
expect "R4 begins IKE with nobody there" not prints '^150.1.9.9 ' sas R4
unchanged

# ---- R5's address on the outside ----
on R6 nft -f - <<-NFT
	table ip forge {
		chain out {
			type filter hook postrouting priority 300;
			ip protocol esp ip daddr 150.1.3.3 ip saddr set 150.1.5.5
		}
	}
NFT
# mismatches: ESP that came from elsewhere than its SA's peer
mismatches() {
	on R3 awk '$1 == "XfrmInStateMismatch" { print $2 }' /proc/net/xfrm_stat
}
before=$(mismatches)
heard=$(rejected R3 not-unique)
register 10.0.0.5 | on R6 inject tunnel Tunnel0 150.1.3.3 > /dev/null
forged() {
	grew XfrmInStateMismatch 1+ "$before" "$(mismatches)"
}
eventually 10 "the hub's kernel drops what R6 sends as R5" forged
expect "nhrpd never hears of it" same "$heard" "$(rejected R3 not-unique)"
on R6 nft delete table ip forge
unchanged

# ---- floods ----

# replies N: registrations of RN that were answered
replies() {
	on "R$1" dmvpn -j show | jq '.interfaces[0].nhs[0].replies_received'
}
answered() {
	grew "answers to R$1" 3+ "$2" "$(replies "$1")"
}
# resolves N: R4 has a shortcut to R5's network N
resolves() {
	on H4 ping -q -c 1 -W 1 "172.16.$1.254" > /dev/null || true
	prints "^172.16.$1.254/32 10.0.0.5\$" shortcuts R4
}
# series ADDRESS PACKET: it for many last bytes of this address in it
series() {
	local n last
	for n in {100..250}; do
		printf -v last %02x $n
		echo "${2//$1/${1%??}$last}"
	done
}
# flood HOST PPS: R6 sends the lines of standard input again and again
flood() {
	local lines
	lines=$(cat)
	(exec nsenter -t "${host_pid[R6]}" -n -- inject tunnel Tunnel0 "150.1.${1#R}.${1#R}" "$2") \
		< <(yes "$lines" 2> /dev/null) > /dev/null &
	flood=$!
}
# undisturbed N WORDS: amid that flood R4 resolves, R4 and R5 register; it ends
undisturbed() {
	local n replied
	for n in 4 5; do
		replied[n]=$(replies $n)
	done
	eventually 10 "amid $2 R4 resolves an address" resolves "$1"
	for n in 4 5; do
		eventually 20 "amid $2 R$n's registrations are answered" answered $n "${replied[n]}"
	done
	expect "it was not done by then" kill -0 $flood
	kill $flood
	wait $flood || true
	unchanged
}
# several times what a peer may send, also where the kernel is slow
rate=$((2000 / LAB_SLOW))

before=$(rejected R3 too-many)
flood R3 $((150 / LAB_SLOW)) < <(series 0a0000fe "$(register 10.0.0.254)")
eventually 20 "more than 8 addresses R6 does not get" counted_since R3 too-many 50+ "$before"
expect "the log says whom" prints \
	"from 150.1.6.6 .r6.lab. refused: it has as many addresses as 'registration limit' allows" \
	cat "$LAB_OUT/R3-nhrpd.log"
undisturbed 70 "registrations"
expect "it has 8" same 8 "$(on R3 dmvpn -j peer show |
	jq '[.interfaces[].peers[] | select(.nbma == "150.1.6.6")] | length')"

before=$(rejected R3 rate)
flood R3 $rate < <(series 0a0000fe "$(ask 10.0.0.6 10.0.0.254)")
eventually 30 "requests stop at the hub's door" counted_since R3 rate 100+ "$before"
undisturbed 71 "requests"

before=$(rejected R4 stranger)
flood R4 $rate < <(series ac1050fe "$(indicate 10.0.0.4 172.16.4.1 172.16.80.254)")
eventually 30 "R4 believes no hint about another's packets" \
	counted_since R4 stranger 100+ "$before"
undisturbed 72 "indications"

# ---- by rule ----
for n in 3 4 5; do
	on R$n tee /etc/nhrpd.conf < <(router $n
		cat <<-CONF
			 ip nhrp authorize r4.lab 10.0.0.4 172.16.4.0/24
			 ip nhrp authorize r5.lab 10.0.0.5 172.16.5.0/24 172.16.70.0/23 172.16.72.0/22
			 ip nhrp authorize r6.lab 10.0.0.6 172.16.6.0/24 172.16.66.0/24
		CONF
		[ $n != 3 ] || echo ' tunnel strict-source'
	) > /dev/null
	expect "R$n takes the rules" on R$n dmvpn reload
done
refused R3 identity 1 \
	"registration of 10.0.0.99 from 150.1.6.6 .r6.lab. refused: no 'authorize' line gives it to that identity" \
	< <(register 10.0.0.99)

# R6 says that 172.16.64.0/18 is behind it, in which R5's 172.16.70.0/24 is.
on R6 ip link add wide type dummy
addr R6 wide 172.16.66.254/17
before=$(rejected R4 identity)
claimed() {
	on H4 ping -q -c 1 -W 1 172.16.66.1 > /dev/null || true
	counted_since R4 identity 1+ "$before"
}
eventually 20 "R6's claim is refused by R4" claimed
expect "which says so" prints \
	"172.16.66.1/18 at 150.1.6.6 .r6.lab. refused: no 'authorize' line gives it to that identity" \
	cat "$LAB_OUT/R4-nhrpd.log"
expect "nothing goes to R6 but what is its own" same "172.16.6.0/24 10.0.0.6" \
	"$(shortcuts R4 | grep ' 10.0.0.6$')"
eventually 10 "R4 still resolves what R5 has" resolves 73
refused R3 identity 1 \
	"answer for 172.16.70.1/24 from 150.1.6.6 .r6.lab. refused: no 'authorize' line gives it to that identity" \
	< <(answer 172.16.70.1 10.0.0.4 24 150.1.6.6 10.0.0.6)

# ---- inside the tunnel ----
eventually 10 "R3 is strict about sources" prints strict-source on R3 dmvpn link show Tunnel0
on R6 ip addr add 172.16.5.9/32 dev lo
before=$(dropped R3 Tunnel0 spoofed)
expect "R6 sends from its own addresses" on R6 ping -c 1 -W 5 -I 172.16.6.254 10.0.0.3
on R6 ping -c 3 -i 0.2 -W 1 -I 172.16.5.9 10.0.0.3 > /dev/null || true
expect "what it sends from R5's the hub drops" grew spoofed 3 "$before" "$(dropped R3 Tunnel0 spoofed)"
unchanged

udp_stop H4-H5
udp_stop H5-H4
expect "in all this H4 and H5 lost no packet" lossless H4-H5 H5-H4
capture_stop
esp_clear 3 4 5 6
