# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Certificates in place of a shared key: an expired one and one of another CA
# are refused, and why is said; nothing leaves in clear meanwhile. Then all keys
# and certificates are replaced under traffic (pre-shared keys: rollover.sh).
# Drawing: lib/seed3.sh
rules R4 R5 R10
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# refused WORDS: R5 shows that it is refused, the hub's log says who and why
refused() {
	prints '^150.1.3.3 .*AUTHENTICATION_FAILED' on R5 dmvpn show ipsec &&
		prints "$1" cat "$LAB_OUT/R3-nhrpd.log" &&
		prints '150.1.5.5 .r5.lab. is not let in' cat "$LAB_OUT/R3-nhrpd.log"
}

load_module
seed3_underlay 4 5
ca lab
ca other
certificate 3 lab
certificate 4 lab
certificate 5 lab -1
for n in 3 4 5; do
	charon_conf R$n < /dev/null
	nhrpd R$n < <(seed3_protected $n "set authentication certificate")
	charon R$n
done
eventually 40 "R4 is registered with the hub" registered 4
expect "through an SA of the hub's" sa R4 3
expect "which knows who it is" sa R3 4
stop_if_failed
seed3_routes

# ---- who has no good one ----
eventually 20 "an expired certificate is refused" refused 'certificate invalid'
certificate 5 other
on R5 swanctl --load-creds --clear > /dev/null
eventually 30 "one of another CA is refused" refused 'no issuer certificate found'
expect "R5 has no way" not on H5 ping -c 1 -W 1 172.16.4.1
certificate 5 lab
on R5 swanctl --load-creds --clear > /dev/null
eventually 40 "with a good one R5 is registered" registered 5
stop_if_failed

# ---- the direct path, new keys and certificates ----
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
for n in 4 5; do
	eventually 20 "R$n has a shortcut" shortcut $n 172.16.$((9 - n)).0/24 $((9 - n))
	eventually 20 "and one SA" sa R$n $((9 - n))
done
stop_if_failed

# certs N: which certificates of RN the hub has seen, the last one last
certs() {
	sed -n -E "s/.*received end entity cert .O=Lab, CN=(R$1 [0-9]+).*/\1/p" \
		"$LAB_OUT/R3/charon.log"
}
for n in 3 4 5; do
	certificate $n lab
	on R$n swanctl --load-creds > /dev/null
done
udp_stop H4-H5
udp_stop H5-H4
expect "not one packet was lost" lossless H4-H5 H5-H4

# Who wants new SAs has them: what the one who begins sends is not lost either.
esp R4 | grep '150\.1\.3\.3' > /tmp/spis
udp_start R4-R3 R4:10.0.0.4 R3:10.0.0.3 $pps
on R4 swanctl --rekey --reauth --ike nhrp-150.1.4.4-150.1.3.3 > /dev/null
renewed() {
	sa R4 3 && sa R3 4 && not grep -qFf /tmp/spis <(esp R4)
}
eventually 20 "R4 has other SAs with the hub" renewed
expect "by its new certificate" same "R4 $((serial - 1))" "$(certs 4 | tail -n 1)"
expect "R4 is where it was" registered 4
udp_stop R4-R3
expect "not one packet was lost" lossless R4-R3

# ---- on the wire ----
capture_stop
esp_clear 3 4 5
