# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Two tunnels between the same addresses, told apart by their keys, share the
# SAs of these addresses: `tunnel protection ipsec profile DMVPN shared`.
#
#   as in lib/seed3.sh, hub and R4 alone, on each of them
#     Tunnel0  10.0.0.0/24  key 345
#     Tunnel1  10.1.0.0/24  key 346
rules R5
nightly uml-debug 6.12
timeout 120

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# twin N: RN's lines of Tunnel0 and the same for Tunnel1
twin() {
	local one
	one=$(seed3_protected "$1" | sed '/no ip split-horizon/d')
	sed -n '/^interface/,$!p' <<< "$one"
	sed -n '/^interface/,$p' <<< "$one" | keyed 345
	sed -n '/^interface/,$p' <<< "$one" |
		sed 's/Tunnel0/Tunnel1/; s/10\.0\.0\./10.1.0./' | keyed 346
}

keyed() {
	sed "s/ network-id .*/ network-id $1/; s/ profile DMVPN\$/& shared/; \$a\\ tunnel key $1"
}

# registered_by DEV: the hub's kernel has R4's public address there
registered_by() {
	prints '^150.1.4.4$' peer R3 "$1" 150.1.4.4 nbma
}

load_module
seed3_underlay 4
for n in 3 4; do
	seed3_secrets R$n
	nhrpd R$n < <(twin $n)
	charon R$n
done
for dev in Tunnel0 Tunnel1; do
	eventually 40 "R4 is registered by $dev" registered_by $dev
done
stop_if_failed
for n in 3 4; do
	expect "R$n blocks GRE in clear of either key" \
		same 4 "$(on R$n ip xfrm policy | grep -c 'action block')"
done
expect "R4 has one SA for both" sa R4 3
expect "and so does its kernel: one each way" same 2 "$(esp R4 | wc -l)"
expect "Tunnel0 carries data" on R4 ping -c 3 -i 0.2 10.0.0.3
expect "Tunnel1 carries data" on R4 ping -c 3 -i 0.2 10.1.0.3

# ---- one of them goes ----
before=$(esp R4)
on R4 tee /etc/nhrpd.conf < <(twin 4 | sed '/^interface Tunnel1/,$d') > /dev/null
expect "R4 has Tunnel0 alone" on R4 dmvpn reload
eventually 10 "the key of the other is not blocked any more" \
	eval 'same 2 "$(on R4 ip xfrm policy | grep -c "action block")"'
expect "the SA stays as it is" same "$before" "$(esp R4)"
expect "and serves" on R4 ping -c 3 -i 0.2 10.0.0.3

capture_stop
esp_clear 3 4
