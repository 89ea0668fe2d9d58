# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Another certificate authority for a network that runs: all trust both, then
# one router after the other gets a certificate of the new one, then the old
# one is forgotten. At no moment are there two routers that cannot make an SA,
# and SAs that there are do not notice. R5 names its certificate's FILE, which
# is replaced in place. Drawing: lib/seed3.sh
rules R4 R5
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# trusts N CA...: these are RN's from now on, and no others
trusts() {
	local n=$1 name
	shift
	on R$n sh -c 'rm -f /etc/swanctl/x509ca/*'
	for name; do
		on R$n tee "/etc/swanctl/x509ca/$name.pem" < "/tmp/$name.pem" > /dev/null
	done
}

# spis: of R4's SAs with R5
spis() {
	esp R4 | sed -n '/150\.1\.5\.5/p' | sort
}
# renewed: the spokes have one SA, none of those that they had
renewed() {
	sa R4 5 && sa R5 4 && not grep -qFf /tmp/spis <(spis)
}
# ends HOST N: it has RN's SA made anew
ends() {
	spis > /tmp/spis
	on "$1" swanctl --terminate --ike-id "$(ike "$1" "$2")" --force > /dev/null
}
anew() {
	ends R4 5
	eventually 30 "$1: the spokes make another SA" renewed
}

# chain N M: what RN's charon believed RM by, last: "CERTIFICATE by CA"
chain() {
	sed -n -E '/CFG.   using certificate/ { s/.*CN=(.*)"$/\1/; h }
		/CFG.   using trusted ca certificate/ { s/.*CN=(.*)"$/\1/; x; G; s/\n/ by /; p; x }' \
		"$LAB_OUT/R$1/charon.log" | grep "^R$2 " | tail -n 1
}

# rekeyed N: its SA with the hub has other keys
rekeyed() {
	not grep -qFf /tmp/hub <(esp R$1)
}

load_module
seed3_underlay 4 5
ca lab
ca next
for n in 3 4 5; do
	certificate $n lab
	charon_conf R$n < /dev/null
	nhrpd R$n < <(seed3_protected $n \
		"set authentication certificate$([ $n != 5 ] || echo ' own.pem')")
	charon R$n
done
for n in 4 5; do
	eventually 40 "R$n is registered with the hub" registered $n
	expect "by its certificate of the old CA" prints "^R$n .* by lab\$" chain 3 $n
done
seed3_routes
expect "H4 reaches H5" on H4 ping -c 3 172.16.5.1
eventually 20 "the spokes have an SA" sa R4 5
eventually 20 "and no other" sa R5 4
stop_if_failed
for n in 4 5; do
	udp_start R$n-R3 R$n:10.0.0.$n R3:10.0.0.3 $((pps / 2))
	udp_start R3-R$n R3:10.0.0.3 R$n:10.0.0.$n $((pps / 2))
done

# ---- the new one beside the old one ----
for n in 3 4 5; do
	trusts $n lab next
	on R$n swanctl --load-creds > /dev/null
done
anew "both are trusted"
expect "R4 believes R5 by the old CA" prints ' by lab$' chain 4 5

# ---- one after the other ----
for n in 5 4 3; do
	certificate $n next
	trusts $n lab next
	on R$n swanctl --load-creds > /dev/null
	[ $n != 5 ] || on R$n dmvpn reload
	anew "R$n is the new CA's"
done
expect "R4 believes R5 by the new CA, the file that was replaced" \
	same "R5 $((serial - 2)) by next" "$(chain 4 5)"
expect "and R5 believes R4" same "R4 $((serial - 1)) by next" "$(chain 5 4)"
# What is there is rekeyed as ever.
for n in 4 5; do
	esp R$n | grep -F 150.1.3.3 > /tmp/hub
	on R$n swanctl --rekey --ike nhrp-150.1.$n.$n-150.1.3.3 > /dev/null
	on R$n swanctl --rekey --child gre --ike nhrp-150.1.$n.$n-150.1.3.3 > /dev/null
	eventually 20 "R$n has other keys with the hub, which knows it by the old CA" rekeyed $n
done

# ---- the old one is forgotten ----
for n in 3 4 5; do
	trusts $n next
	on R$n swanctl --load-creds --clear > /dev/null
done
anew "the old CA is forgotten"
streams=(R4-R3 R5-R3 R3-R4 R3-R5)
for stream in "${streams[@]}"; do
	udp_stop $stream
done
expect "not one packet was lost" lossless "${streams[@]}"

# ---- only the new one counts ----
for n in 4 5; do
	on R$n swanctl --terminate --ike nhrp-150.1.$n.$n-150.1.3.3 --force > /dev/null
done
eventually 40 "the hub believes R4 by the new CA" prints "^R4 $((serial - 1)) by next\$" chain 3 4
eventually 40 "and R5" prints "^R5 $((serial - 2)) by next\$" chain 3 5
eventually 40 "R4 has an SA with the hub" sa R4 3
certificate 5 lab
trusts 5 lab next
on R5 swanctl --load-creds --clear > /dev/null
on R5 dmvpn reload
ends R5 3
eventually 40 "a certificate of the old CA is refused" \
	prints "no issuer certificate found for .O=Lab, CN=R5 $serial\"" cat "$LAB_OUT/R3/charon.log"
expect "R5 has no SA with the hub" not sa R5 3

# ---- on the wire ----
capture_stop
esp_clear 3 4 5
