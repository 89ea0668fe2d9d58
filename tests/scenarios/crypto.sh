# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What an operator sees of IPsec and does about it: Cisco's views hold what the
# kernel and charon hold; a cleared SA comes back; without charon, with a socket
# that is not root's, with a wrong secret and after `swanctl --load-all` the
# reason is told, what works goes on, and all is well again afterwards.
# Drawing: lib/seed3.sh, with one spoke
rules R5 R9 R10
nightly uml-debug 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# session: R4's with the hub, its first lines
session() {
	on R4 dmvpn show crypto session detail peer 150.1.3.3
}

# spis: of R4's SAs, as nhrpd shows them
spis() {
	on R4 dmvpn -j show crypto ipsec sa |
		jq -r '.peers[].child_sas[] | .inbound, .outbound | .spi' | sort
}

# kernel_spis: of R4's SAs, as the kernel has them
kernel_spis() {
	esp R4 | awk '{ print $3 }' | sort
}

# why PATTERN: a line of IPsec's in what R4 says about the hub
why() {
	prints "^ipsec +$1" on R4 dmvpn why 10.0.0.3
}

load_module
seed3_underlay 4
seed3_charons

# ---- what is shown ----
expect "the session is up" prints '^Session status: UP-ACTIVE' session
expect "with who the hub has proved to be" prints 'Phase1_id: r3.lab' session
expect "SPIs are the kernel's" same "$(kernel_spis)" "$(spis)"
expect "R4 pings the hub" on R4 ping -c 3 10.0.0.3
expect "the packets are counted" json '.peers[0].child_sas[0] |
	.in_use and .outbound.packets >= 3 and .inbound.packets >= 3 and
	.inbound.life_seconds > 3000 and .inbound.replay_window > 0' \
	on R4 dmvpn -j show crypto ipsec sa
expect "the transform is what the profile says" prints 'transform: esp-gcm ,' \
	on R4 dmvpn show crypto ipsec sa peer 150.1.3.3
expect "so is the IKE_SA" prints 'Encr: AES-CBC, keysize: 256, PRF: SHA256, Hash: SHA256, DH Grp:19' \
	on R4 dmvpn show crypto ikev2 sa
expect "why: the SA to the hub" why '150.1.3.3 up for .*r3.lab$'

# ---- cleared ----
before=$(spis)
expect "it is cleared" same "SAs of 1 peer cleared" "$(on R4 dmvpn clear crypto sa peer 150.1.3.3)"
eventually 20 "and comes back as another one" \
	eval "sa R4 3 && not same '$before' \"\$(spis)\""
eventually 20 "R4 is registered" registered 4
expect "where there is none there is none to clear" prints 'no SA to that address' \
	on R4 dmvpn clear ipsec 150.1.9.9

# ---- without charon ----
charon_kill R4 KILL
eventually 10 "the SA works without IKE" prints '^Session status: UP-NO-IKE' session
expect "and is told so" why 'charon is away: '
expect "it carries packets" on R4 ping -c 3 10.0.0.3
expect "there is nobody to clear it" prints 'charon is away' on R4 dmvpn clear ipsec
charon R4
eventually 40 "the next charon has one" sa R4 3
eventually 10 "the session is up again" prints '^Session status: UP-ACTIVE' session

# ---- whose socket ----
shown=$(spis)
nhrpd_kill R4 KILL
on R4 chown 1 /run/charon.vici
before=$(kernel_spis)
nhrpd R4 < /dev/null
eventually 10 "a socket that is not root's is refused" \
	prints 'DOWN: wrong-owner' on R4 dmvpn show ipsec
expect "the log says so" prints 'wrong-owner: the socket is not root.s' \
	cat "$LAB_OUT/R4-nhrpd.log"
expect "the kernel has what it had" same "$before" "$(kernel_spis)"
on R4 chown 0 /run/charon.vici
eventually 20 "root's is taken" sa R4 3
expect "with the SA as it is" same "$shown" "$(spis)"

# ---- swanctl --load-all ----
# any: the hub's charon has the connection that spokes find
any() {
	prints '^nhrpd-any-150.1.3.3:' on R3 swanctl --list-conns
}
expect "the hub can be found" any
on R3 swanctl --load-all --noprompt > /dev/null || true
eventually 45 "still, when charon's service was told to reload" any
expect "which the hub's log says" prints 'somebody has unloaded nhrpd-any-150.1.3.3' \
	cat "$LAB_OUT/R3-nhrpd.log"

# ---- a wrong secret ----
seed3_secrets R4 "another one"
on R4 swanctl --load-creds --clear > /dev/null
on R4 dmvpn clear ipsec 150.1.3.3
eventually 20 "a wrong secret is called so" why '150.1.3.3 backoff .*AUTHENTICATION_FAILED'
eventually 10 "in Cisco's words the peer has no IKE" prints ' 10.0.0.3 +IKE ' on R4 dmvpn show dmvpn
expect "and no session" prints '^Session status: DOWN' session
seed3_secrets R4
on R4 swanctl --load-creds --clear > /dev/null
on R4 dmvpn clear ipsec 150.1.3.3
eventually 20 "with the right one all is well, at once" registered 4

capture_stop
esp_clear 3 4
