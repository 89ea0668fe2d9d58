# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 3 protected, with the strongSwan that Debian ships: nhrpd
# makes the SAs, the spokes find their direct path, and neither the search nor
# the death of a charon or of a daemon nor the end of an SA loses a packet or lets
# one out in clear.
# Drawing: lib/seed3.sh
rules R2 R4 R5 R10
kernels uml-debug
nightly 6.12 6.1
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# forwarded: packets that went through the hub
forwarded() {
	on R3 awk '$1 == "Ip:" && $7 != "ForwDatagrams" { print $7 }' /proc/net/snmp
}

# reason HOST: why its NHS is not up
reason() {
	on "$1" dmvpn -j show | jq -r '.interfaces[0].nhs[0].reason'
}

load_module
seed3_underlay 4 5
for n in 3 4 5; do
	seed3_secrets R$n
	nhrpd R$n < <(seed3_protected $n)
done

# ---- without charon ----
eventually 15 "R4 says why it has no NHS" prints "charon is away" reason R4
expect "R4 blocks GRE in clear" prints 'action block' on R4 ip xfrm policy
for n in 3 4 5; do
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
	eventually 20 "through an SA of the hub's" sa R$n 3
	eventually 20 "which knows who it is" sa R3 $n
done
stop_if_failed
seed3_routes

# ---- the direct path ----
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
eventually 20 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 20 "R5 has a shortcut to R4's network" shortcut 5 172.16.4.0/24 4
eventually 20 "of two SAs that both began one is left at R4" sa R4 5
eventually 20 "and at R5" sa R5 4
stop_if_failed
expect "the hub is one hop less on the way there" \
	same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
expect "R4 shows who is there" prints '^150.1.5.5 .*up .*r5.lab' on R4 dmvpn show ipsec

# ---- kill -9 ----
nhrpd_kill R4 KILL
nhrpd R4 < /dev/null
eventually 20 "the new nhrpd of R4 takes the SAs as they are" sa R4 5
udp_stop H4-H5
udp_stop H5-H4
expect "not one packet was lost" lossless H4-H5 H5-H4

charon_replaced

# ---- an SA that goes ----
# R4's charon ends it. R5 stops sending through it when it hears of that, and R4
# stops receiving when R5 has said so. What R4 sends in between R5 cannot read any
# more: R5's kernel counts it.
eventually 40 "R5 has given up what the dead charon left" sa R5 4
through=$(forwarded)
before=$(early R5)
udp_start to-end H5 H4:172.16.4.1 $pps
udp_start from-end H4 H5:172.16.5.1 $pps
gone=$(esp R5 | grep -F 150.1.4.4)
expect "R4 ends its SA with R5" on R4 swanctl --terminate --ike-id "$(ike R4 5)"
another() {
	sa R5 4 && sa R4 5 && not grep -qF "$gone" <(esp R5)
}
eventually 30 "there is another one" another
for n in 4 5; do
	eventually 20 "R$n is direct again" direct $n $((9 - n))
done
udp_stop to-end
udp_stop from-end
expect "the hub was the way meanwhile" grew forwarded 1+ "$through" "$(forwarded)"
expect "nothing of what R5 sent was lost" lossless to-end
expect "nor of what R4 sent, but what came after R5's end" \
	lost_early from-end $(($(early R5) - before))

# ---- who may be whom ----
on R5 tee /etc/nhrpd.conf < <(seed3_protected 5 | sed 's/address 10.0.0.5/address 10.0.0.4/') > /dev/null
on R5 dmvpn reload
eventually 20 "R5 does not get R4's address" prints '\(14\)' reason R5
expect "the hub says who tried" prints \
	'10.0.0.4 from 150.1.5.5 .r5.lab. refused: another identity holds it' \
	cat "$LAB_OUT/R3-nhrpd.log"
expect "R4 is where it was" registered 4

# ---- on the wire ----
capture_stop
esp_clear 3 4 5
