# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 3 protected, with the strongSwan that Debian ships: nhrpd
# makes the SAs, the spokes find their direct path, and neither the search nor
# the death of a charon or of a daemon loses a packet or lets one out in clear.
# Drawing: lib/seed3.sh
rules R2 R4 R5 R10
kernels uml-debug
nightly 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

# protected N: the seed's lines, and what protects them
protected() {
	cat <<-CONF
		crypto ipsec profile DMVPN
		 set identity local r$1.lab
		 set identity remote *.lab
		$(seed3_conf "$1")
		 tunnel protection ipsec profile DMVPN
	CONF
}

# sas HOST: what its daemon says of its SAs
sas() {
	on "$1" dmvpn -j show |
		jq -r '.ipsec.peers[] | "\(.nbma) \(.state) \(.stale) \(.sas) \(.identity)"'
}

# sa HOST N: it has one SA to RN, which is who it is
sa() {
	prints "^150.1.$2.$2 up false 1 r$2.lab\$" sas "$1"
}

# reason HOST: why its NHS is not up
reason() {
	on "$1" dmvpn -j show | jq -r '.interfaces[0].nhs[0].reason'
}

load_module
seed3_underlay 4 5
for n in 3 4 5; do
	charon_conf R$n <<-'SECRETS'
		secrets { ike-all { secret = "dmvpn in the lab" } }
	SECRETS
	nhrpd R$n < <(protected $n)
done

# ---- without charon ----
eventually 15 "R4 says why it has no NHS" prints "charon is away" reason R4
expect "R4 blocks GRE in clear" prints 'action block' on R4 ip xfrm policy
for n in 3 4 5; do
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
	expect "through an SA of the hub's" sa R$n 3
	expect "which knows who it is" sa R3 $n
done
stop_if_failed
seed3_routes

# ---- the direct path ----
udp_start H4-H5 H4 H5:172.16.5.1 100
udp_start H5-H4 H5 H4:172.16.4.1 100
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
charon_kill R4 KILL
charon R4
eventually 40 "R4's new charon has an SA to R5" sa R4 5
eventually 40 "and to the hub" sa R4 3
udp_stop H4-H5
udp_stop H5-H4
expect "not one packet was lost" lossless H4-H5 H5-H4

# ---- an SA that goes ----
udp_start across H4 H5:172.16.5.1 100
before=$(counted R4 Tunnel0 via-nhs)
on R4 swanctl --terminate --ike nhrp-150.1.4.4-150.1.5.5 --force > /dev/null || true
on R4 swanctl --terminate --ike nhrpd-any-150.1.4.4 --force > /dev/null || true
eventually 30 "it comes back" sa R4 5
eventually 10 "and the direct path with it" shortcut 4 172.16.5.0/24 5
udp_stop across
expect "the hub was the way meanwhile" \
	grew via-nhs 1+ "$before" "$(counted R4 Tunnel0 via-nhs)"

# ---- who may be whom ----
on R5 tee /etc/nhrpd.conf < <(protected 5 | sed 's/address 10.0.0.5/address 10.0.0.4/') > /dev/null
on R5 dmvpn reload
eventually 20 "R5 does not get R4's address" prints '\(14\)' reason R5
expect "the hub says who tried" prints \
	'10.0.0.4 from 150.1.5.5 .r5.lab. refused: another identity holds it' \
	cat "$LAB_OUT/R3-nhrpd.log"
expect "R4 is where it was" registered 4

# ---- on the wire ----
capture_stop
for n in 3 4 5; do
	expect "not one GRE packet of R$n in clear" same "" "$(outer R$n eth0 'proto gre')"
	expect "but ESP" prints . outer R$n eth0 esp
done
