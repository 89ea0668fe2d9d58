# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# charon and nhrpd die under load and come back, at a spoke and at the hub; a
# spoke forgets its SAs while the others keep theirs; a spoke is rebooted.
# Drawing: lib/seed3.sh
rules R4 R5
nightly uml-debug 6.12
timeout 600

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# life NAME: streams between the spokes, and from one to the hub
life() {
	udp_start "H4-H5 $1" H4 H5:172.16.5.1 $pps
	udp_start "H5-H4 $1" H5 H4:172.16.4.1 $pps
	udp_start "R5-R3 $1" R5:10.0.0.5 R3:10.0.0.3 $((pps / 2))
}

# lived NAME: all are as they should be, the streams have ended
lived() {
	local way
	all_up "$1" 40
	for way in H4-H5 H5-H4 R5-R3; do
		udp_stop "$way $1"
	done
}

# all_lossless NAME
all_lossless() {
	lossless "H4-H5 $1" "H5-H4 $1" "R5-R3 $1"
}

# no_orphans HOST N...: its kernel has an SA each way to each of those, no more
no_orphans() {
	local host=$1 n
	shift
	esp "$host"
	for n; do
		same 2 "$(esp "$host" | grep -cF "150.1.$n.$n")" || return
	done
}

load_module
seed3_underlay 4 5
seed3_charons
seed3_routes
life begin
eventually 20 "R4 is direct" direct 4 5
eventually 20 "and R5" direct 5 4
lived begin
expect "the search for each other lost nothing" all_lossless begin
stop_if_failed

# ---- charon of a spoke, of the hub ----
life charon
before=$(early R3)
for host in R4 R3; do
	charon_kill $host KILL
	eventually 5 "$host says that charon is away" \
		json '.ipsec.charon.up | not' on $host dmvpn -j show
	charon $host
	eventually 20 "$host hears the new one" json .ipsec.charon.up on $host dmvpn -j show
	all_up "$host's new charon replaces what the old one had" 40
done
lived charon
expect "the spokes lost nothing" lossless "H4-H5 charon" "H5-H4 charon"
# The hub's new charon begins. R5's installs the SA when it answers, and its
# kernel sends on it before the answer is there. Between spokes the hub is the
# way for that long; to the hub there is no other.
expect "nor R5 to the hub, but what came before its SA" \
	lost_early "R5-R3 charon" $(($(early R3) - before))
eventually 60 "R3 has no SA of a dead charon's" no_orphans R3 4 5
eventually 60 "nor R4" no_orphans R4 3 5
eventually 60 "nor R5" no_orphans R5 3 4

# ---- nhrpd of the hub, of a spoke ----
life nhrpd
for host in R3 R4; do
	nhrpd_kill $host KILL
	nhrpd $host < /dev/null
done
lived nhrpd
expect "nhrpd's end lost nothing" all_lossless nhrpd

# ---- charon and nhrpd of the hub at once ----
# The next nhrpd finds in the kernel whom it had SAs with, and begins anew with
# them before it sweeps those.
life both
before=$(early R3)
charon_kill R3 KILL
nhrpd_kill R3 KILL
nhrpd R3 < /dev/null
charon R3
for n in 4 5; do
	eventually 40 "both: the hub has an SA of its new charon's to R$n" sa R3 $n
	eventually 60 "R$n has no other with it" no_orphans R$n 3
done
eventually 60 "nor has the hub" no_orphans R3 4 5
lived both
expect "the spokes lost nothing" lossless "H4-H5 both" "H5-H4 both"
expect "nor R5 to the hub, but what came before its SA" \
	lost_early "R5-R3 both" $(($(early R3) - before))

# ---- the hub's charon is told to end ----
# It closes its SAs. The spokes know and need it no more than to register.
life term
charon_kill R3 TERM
charon R3
lived term
expect "the direct path lost nothing" lossless "H4-H5 term" "H5-H4 term"

# ---- a spoke that forgets ----
# R5 and the hub send on what R4 does not know any more, until its new charon
# tells them: nobody else could.
life orphan
charon_kill R4 KILL
on R4 ip xfrm state flush
charon R4
lived orphan
expect "the others lost nothing" lossless "R5-R3 orphan"
for n in 3 5; do
	eventually 60 "R$n has forgotten the SAs that R4 forgot" no_orphans R$n 4
done

# ---- a spoke that is rebooted ----
life reboot
charon_kill R4 KILL
nhrpd_kill R4 KILL
on R4 ip link del Tunnel0
on R4 ip xfrm state flush
on R4 ip xfrm policy flush
nhrpd R4 < /dev/null
charon R4
eventually 40 "R4 is registered anew" registered 4
on R4 ip route replace 172.16.0.0/16 via 10.0.0.3
lived reboot
expect "the others lost nothing" lossless "R5-R3 reboot"
life end
lived end
expect "and nobody loses anything any more" all_lossless end

capture_stop
esp_clear 3 4 5
