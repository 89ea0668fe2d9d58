# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A spoke whose IKE is not answered, whose child is refused, whose secret is
# another one: both stay on the hub without a packet lost, say why, try again
# ever more rarely, and are direct when it is mended.   Drawing: lib/seed3.sh
rules R4 R5
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# why HOST N: it has no SA to RN
why() {
	on "$1" dmvpn -j show | jq -r --arg nbma "150.1.$2.$2" \
		'.ipsec.peers[] | select(.nbma == $nbma) | .reason'
}

# attempts HOST: of its charon's IKE, so far
attempts() {
	on "$1" dmvpn -j show | jq '.ipsec.counters.attempt'
}

# tries_again N BEFORE
tries_again() {
	grew attempt 2+ "$2" "$(attempts "R$1")"
}

# failing WORDS N REASON: it does not get an SA, data stays on the hub, RN says why
failing() {
	local tries
	tries=$(attempts "R$2")
	udp_start "H4-H5 $1" H4 H5:172.16.5.1 $((pps / 2))
	udp_start "H5-H4 $1" H5 H4:172.16.4.1 $((pps / 2))
	eventually 40 "$1: R$2 says why" prints "$3" why "R$2" $((9 - $2))
	expect "people can read it" prints "150.1.$((9 - $2)).$((9 - $2)) .*$3" \
		on "R$2" dmvpn show ipsec
	eventually 40 "it tries again" tries_again "$2" "$tries"
	expect "data goes by the hub" same "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" \
		"$(hops H4 172.16.5.1)"
}

# mended WORDS: the direct path comes, and nothing was lost
mended() {
	eventually 70 "$1: R4 is direct when it is mended" direct 4 5
	eventually 70 "and R5" direct 5 4
	eventually 20 "by one SA" sa R4 5
	expect "one hop less" same "172.16.4.254 10.0.0.5 172.16.5.1" \
		"$(hops H4 172.16.5.1)"
	udp_stop "H4-H5 $1"
	udp_stop "H5-H4 $1"
	expect "$1: not one packet was lost" lossless "H4-H5 $1" "H5-H4 $1"
	stop_if_failed
}

# forget: the spokes have no SA, nor failures to be patient for
forget() {
	local n
	for n in 4 5; do
		on R$n dmvpn clear ipsec "150.1.$((9 - n)).$((9 - n))"
	done
	for n in 4 5; do
		eventually 10 "R$n has no SA with R$((9 - n))" \
			not prints "^150.1.$((9 - n)).$((9 - n)) up" sas "R$n"
	done
}

# secret [KEY]: R5's from now on; without: that of all. (It keeps its SA with
# the hub, which was made with the one before.)
secret() {
	seed3_secrets R5 "$@"
	on R5 swanctl --load-creds --clear
}

load_module
seed3_underlay 4 5
# spokes that agree with the hub, but not with each other
for n in 3 4 5; do
	seed3_secrets R$n
done
nhrpd R3 < <(seed3_protected 3 'set esp-proposal aes128gcm16-aes256gcm16-ecp256')
nhrpd R4 < <(seed3_protected 4)
nhrpd R5 < <(seed3_protected 5 'set esp-proposal aes256gcm16-ecp256')
for n in 3 4 5; do
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
done
stop_if_failed
seed3_routes

# ---- refused child ----
failing child 4 'the peer refuses the CHILD_SA'
on R5 tee /etc/nhrpd.conf < <(seed3_protected 5) > /dev/null
on R5 dmvpn reload
mended child

# ---- wrong secret ----
secret "another one"
forget
failing secret 4 'received AUTHENTICATION_FAILED'
secret
mended secret

# ---- silence ----
on inet nft -f - <<-NFT
	table ip silence {
		chain forward {
			type filter hook forward priority 0
			ip saddr { 150.1.4.4, 150.1.5.5 } ip daddr { 150.1.4.4, 150.1.5.5 } udp dport { 500, 4500 } counter drop
		}
	}
NFT
forget
failing silence 4 'the peer does not answer IKE'
on inet nft delete table ip silence
mended silence

capture_stop
esp_clear 3 4 5
