# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# nhrpd is killed and started again on the hub and on spokes under traffic:
# nothing is lost, nothing is forgotten.   Drawing: lib/seed2.sh
rules R2
kernels 6.12 uml-debug
timeout 180

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

load_module
seed2_underlay
seed2_hub
seed2_spokes

# What the daemon and the kernel know, without times and counters. "used" is
# told anew by the kernel.
memory() {
	on "$1" dmvpn -j show | jq -cS '[.interfaces[] | {name, role, entries: [.entries[]? |
		{protocol, nbma, type, flags: (.flags - ["used"])}] | sort_by(.protocol)}]'
}
kernel_memory() {
	on "$1" dmvpn -j peer show | jq -cS '[.interfaces[].peers[] |
		{protocol, nbma, flags, peer_flags}] | sort_by(.protocol)'
}

udp_start up R8 R6:192.168.1.6
udp_start down R6 R8:192.168.1.8
eventually 10 "R8 reaches R6 directly" direct 8 6
eventually 10 "R6 reaches R8 directly" direct 6 8
stop_if_failed

for router in R1 R6 R8; do
	before=$(kernel_memory $router)
	knew=$(memory $router)
	nhrpd_kill $router KILL
	expect "$router: the kernel keeps everything when nhrpd is killed" \
		same "$before" "$(kernel_memory $router)"
	nhrpd $router < /dev/null
	eventually 10 "$router: the new nhrpd answers" on $router dmvpn -j show
	eventually 20 "$router: it knows what the old one knew" \
		eval "same '$knew' \"\$(memory $router)\""
	expect "$router: the kernel has what it had" \
		same "$before" "$(kernel_memory $router)"
done
eventually 20 "spokes are still registered" registered 6 7 8
udp_stop up
udp_stop down
expect "not one packet was lost" lossless up down
for router in R1 R6 R8; do
	expect "$router: entries were taken back" grep -E '[1-9][0-9]* entries taken back' \
		"$LAB_OUT/$router-nhrpd.log"
done
