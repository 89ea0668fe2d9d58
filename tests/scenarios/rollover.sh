# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Another pre-shared key for a network that runs. charon proves itself with the
# secret that it got last and believes all that it has; so all take the new one
# as well, then all use it, then all forget the old one: at no moment are there
# two routers that cannot make an SA, and SAs that there are do not notice.
# Drawing: lib/seed3.sh
rules R4 R5
nightly uml-debug 6.12
timeout 200

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# keys N KEY...: RN's charon has these from now on
keys() {
	local n=$1 i=0 key
	shift
	{
		echo 'secrets {'
		for key; do
			i=$((i + 1))
			echo "ike-$i { secret = \"$key\" }"
		done
		echo '}'
	} | on R$n tee /etc/swanctl/swanctl.conf > /dev/null
	on R$n swanctl --load-creds > /dev/null
}

# spis: of R4's SAs with R5
spis() {
	esp R4 | sed -n '/150\.1\.5\.5/p' | sort
}
# renewed: R4 has one SA with R5, none of those that it had
renewed() {
	sa R4 5 && sa R5 4 && not grep -qFf /tmp/spis <(spis)
}

# step WORDS KEY...: first R3 and R4, then R5; the spokes can make an SA before
# and after
step() {
	local words=$1
	shift
	keys 3 "$@"
	keys 4 "$@"
	anew "$words, R5 does not"
	keys 5 "$@"
	anew "$words, all do"
}
anew() {
	spis > /tmp/spis
	on R4 swanctl --terminate --ike nhrp-150.1.4.4-150.1.5.5 --force > /dev/null ||
		on R4 swanctl --terminate --ike nhrpd-any-150.1.4.4 --force > /dev/null
	eventually 20 "$1: the spokes make another SA" renewed
}

load_module
seed3_underlay 4 5
seed3_charons
seed3_routes
expect "H4 reaches H5" on H4 ping -c 3 172.16.5.1
eventually 20 "the spokes have an SA" sa R4 5
eventually 20 "and no other" sa R5 4
stop_if_failed

for n in 4 5; do
	udp_start R$n-R3 R$n:10.0.0.$n R3:10.0.0.3 $pps
	udp_start R3-R$n R3:10.0.0.3 R$n:10.0.0.$n $pps
done
old="dmvpn in the lab" new="another one"
step "R3 and R4 know the new key" "$new" "$old"
step "R3 and R4 use it" "$old" "$new"
step "R3 and R4 have no other" "$new"
streams=(R4-R3 R5-R3 R3-R4 R3-R5)
for stream in "${streams[@]}"; do
	udp_stop $stream
done
expect "not one packet was lost" lossless "${streams[@]}"

keys 5 "$old"
spis > /tmp/spis
on R4 swanctl --terminate --ike nhrp-150.1.4.4-150.1.5.5 --force > /dev/null ||
	on R4 swanctl --terminate --ike nhrpd-any-150.1.4.4 --force > /dev/null
eventually 20 "the old key is refused" \
	prints '^150.1.5.5 .*AUTHENTICATION_FAILED' on R4 dmvpn show ipsec
expect "R4 has no SA with it" same "" "$(spis)"
expect "and reaches H5 through the hub" on H4 ping -c 1 -W 1 172.16.5.1

# ---- on the wire ----
capture_stop
esp_clear 3 4 5
