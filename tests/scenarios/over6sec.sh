# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Phase 3 over an underlay that is IPv6 and nothing else (over6.sh), protected
# with the strongSwan that Debian ships: SAs between IPv6 addresses, IPv4 and
# IPv6 inside, no packet lost on the way to the direct path, and none in clear,
# not when a charon is killed either.   Drawing: over6.sh
rules R2 R4 R5 R10
nightly uml-debug 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

load_module
seed3_over6
seed3_underlay 4 5
seed3_lans6 4 5
for n in 3 4 5; do
	seed3_secrets R$n
	nhrpd R$n < <(seed3_protected $n | sed "$seed3_both")
done

# ---- without charon ----
eventually 15 "R4 waits for charon" prints "charon is away" \
	eval "on R4 dmvpn -j show | jq -r '.interfaces[0].nhs[0].reason'"
expect "R4 blocks its own GRE in clear" \
	prints "^src $(nbma 4)/128 dst ::/0 proto gre" on R4 ip -6 xfrm policy
for n in 3 4 5; do
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
	eventually 20 "with its IPv6 address, too" registered $n 2001:db8::$n
	eventually 20 "through an SA of the hub's" sa R$n 3
	eventually 20 "which knows who it is" sa R3 $n
done
stop_if_failed
seed3_routes
seed3_routes6 4 5

# ---- the direct path ----
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
udp_start H4-H5-6 H4 H5:2001:db8:5::1 $pps
for pair in '4 5' '5 4'; do
	read -r n peer <<< "$pair"
	eventually 20 "R$n has a shortcut to R$peer's network" \
		shortcut $n 172.16.$peer.0/24 $peer
	eventually 20 "of two SAs that both began one is left at R$n" sa R$n $peer
done
eventually 20 "R4 has one to R5's IPv6 network" shortcut6 4 5
stop_if_failed
expect "the hub is one hop less on the way there" \
	same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
expect "R4 shows who is there" prints "^$(nbma 5) .*up .*r5.lab" on R4 dmvpn show ipsec
for name in H4-H5 H5-H4 H4-H5-6; do
	udp_stop $name
done
expect "not one packet was lost" lossless H4-H5 H5-H4 H4-H5-6

# ---- sizes ----
expect "what fits 1380 arrives whole" on H4 ping -c 1 -W 2 -M do -s 1352 172.16.5.1
expect "what does not, in pieces" on H4 ping -c 1 -W 2 -M dont -s 3000 172.16.5.1

# ---- kill -9 ----
charon_replaced

# ---- on the wire ----
capture_stop
esp_clear 3 4 5
for n in 3 4 5; do
	expect "R$n's wire had no IPv4" same "" "$(outer R$n eth0 ip)"
	expect "its ESP was between public addresses" \
		not grep -vE '^3fff:150::[345] 3fff:150::[345]$' <(outer R$n eth0 esp)
done
