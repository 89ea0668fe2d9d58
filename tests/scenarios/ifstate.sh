# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# if-state nhrp: for the rest of the host the tunnel runs while an NHS is up,
# and FRR's routes through it with it; no restart of the daemon disturbs that.
# Besides: which peers a new daemon takes for its own.   Drawing: lib/seed3.sh
rules R2 R9
kernels uml-debug
nightly 6.12
timeout 180

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4

# state STATE: of R4's tunnel, and FRR's route through it is as that says
state() {
	local via=''
	[ "$1" = DORMANT ] || via=10.0.0.3
	json ".[0].operstate == \"$1\"" on R4 ip -j link show Tunnel0 &&
		same "$via" "$(on R4 ip -j route show 172.16.0.0/16 | jq -r '.[0].gateway // ""')"
}
# restart SIGNAL: R4's daemon
restart() {
	nhrpd_kill R4 "$1"
	nhrpd R4 < /dev/null
	eventually 10 "the new nhrpd answers" on R4 dmvpn -j show
}

# ---- the tunnel waits for its hub ----
nhrpd R4 < <(seed3_conf 4 | sed '/network-id/a\ if-state nhrp
	/timeout/s/120/5/')
eventually 10 "R4 has its tunnel" on R4 ip link show Tunnel0
frr R4 <<-CONF
	ip route 172.16.0.0/16 10.0.0.3
CONF
expect "without a hub it waits" state DORMANT
nhrpd R3 < <(seed3_conf 3)
# it asks less and less often: after 1, 2, 4 ... seconds
eventually 40 "with a hub it runs: registrations pass while it waits" state UP
expect "R4 reaches the hub" on R4 ping -c 1 10.0.0.3

# ---- restarts ----
events link R4 ip -o monitor link dev Tunnel0
restart KILL
eventually 10 "R4's NHS is up anew" \
	json '.interfaces[0].nhs[0].up and .interfaces[0].nhs[0].replies_received > 0' \
	on R4 dmvpn -j show
on R4 ip link set Tunnel0 mtu 1470
expect "the end of what happened" next_event link 'mtu 1470' 5
expect "a restart is seen by nobody" not grep -q DORMANT "$LAB_OUT/link.events"
expect "it still runs" state UP

# ---- the hub goes ----
nhrpd_kill R3 KILL
on R3 ip link del Tunnel0
eventually 40 "without the hub it waits again" state DORMANT
restart KILL
expect "so it does with a new nhrpd" state DORMANT
nhrpd_kill R4 TERM
eventually 10 "when nhrpd ends nobody waits" state UP
nhrpd R4 < /dev/null
eventually 40 "when it begins it waits" state DORMANT
on R4 sed -i '/if-state/d' /etc/nhrpd.conf
nhrpd_kill R4 HUP
eventually 10 "without the line it runs" state UP

# ---- whose peers ----
peers() {
	on R4 dmvpn -j peer show | jq -r '.interfaces[].peers[] |
		select(.peer_flags | index("static")) | .nbma' | sort | tr '\n' ' '
}
on R4 dmvpn peer add Tunnel0 10.0.0.77 nbma 150.1.9.9 hub
expect "one is nhrpd's, one made by hand" same "150.1.3.3 150.1.9.9 " "$(peers)"
nhrpd_kill R4 KILL
on R4 sed -i '/150.1.3.3/d; /nhrp nhs/d' /etc/nhrpd.conf
nhrpd R4 < /dev/null
eventually 10 "what nothing needs goes, what was made by hand stays" \
	eval 'same "150.1.9.9 " "$(peers)"'
