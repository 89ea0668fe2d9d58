# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Phase 2 to look at (`make demo`); `make check` runs it as well, so that it
# works on the day it is shown.   Network and addresses: lib/seed2.sh
#
# nhrpd on R8 is stopped for a while (SIGSTOP) between the first packet and
# the resolution: the data path needs no daemon, and there is time to look at
# the way through the hub.
rules R3 R4
kernels 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed2.sh"

bold='' dim='' plain=''
[ -z "${DEMO_COLOUR:-}" ] || bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'

# step WORDS: what is being done or waited for.
step() {
	tick
	printf '%s[%3d s] %s%s\n' "$dim" $(((now - scenario_start) / 1000)) "$*" "$plain"
}

chapter() { printf '\n%s=== %s ===%s\n' "$bold" "$*" "$plain"; }

# play HOST COMMAND...: as an operator would type it, and its output.
play() {
	local name=$1
	shift
	printf '\n%s%s# %s%s\n' "$bold" "$name" "$*" "$plain"
	on "$name" "$@" 2>&1
}

# await SECONDS WORDS COMMAND...: silent when it works.
await() {
	step "waiting: $2"
	eventually "$@" > "$LAB_OUT/await"
	[ "$failures" = 0 ] || cat "$LAB_OUT/await"
	stop_if_failed
}

# Every NHRP message, and the first ping on each leg of its way, as they reach
# the router in the middle.
overhear() {
	capture inet any -Q in \
		'ip proto 47 and (ip[22:2] = 0x2001 or (ip[22:2] = 0x800 and ip[33] = 1))' > /dev/null
}

# Who said what, a line a message.
conversation() {
	pcap inet any 'nhrp || icmp.type == 8' \
		frame.time_relative ip.src ip.dst nhrp.hdr.op.type nhrp.reqid \
		nhrp.src.prot.addr nhrp.dst.prot.addr nhrp.client.prot.addr \
		nhrp.client.nbma.addr |
		awk -F'\t' '
		function first(list) { sub(/,.*/, "", list); return list }
		function router(list) { return "R" substr(list, 1, 1) }
		function say(what) { printf "%8.3f s  %s  %s\n", $1, way, what }
		{ way = router($2) " -> " router($3) }
		$4 == "" && !seen[way]++ { say("ping") }
		$4 == 1 { say("resolution request " $5 ": who is " $7 "?") }
		$4 == 2 { say("resolution reply   " $5 ": " first($8) " is at " first($9)) }
		$4 == 3 { say("registration request " $5 ": " $6 " is at " $2) }
		$4 == 4 { say("registration reply   " $5) }'
}

cat <<PICTURE

                    R1  1.1.1.1   hub       tunnel 192.168.1.1
                     |  100 ms away
                   inet
         5 ms    /   |   \\    5 ms
       R6 6.6.6.6    |    R8 8.8.8.8        tunnel 192.168.1.6 .7 .8
          |      R7 7.7.7.7      |
       H6 66.66.66.1      H8 88.88.88.1     66.66.66.0/24, 88.88.88.0/24

Kernel $(uname -r), dmvpn.ko and nhrpd as built from this tree, BGP by FRR.
PICTURE

step "loading the module, making hosts and wires"
load_module
seed2_underlay
delay R1 eth0 100
overhear
step "starting nhrpd on R1, R6, R7 and R8"
seed2_hub
for n in 6 7 8; do
	seed2_spoke $n 'no tunnel destination' 'tunnel mode gre multipoint'
done
for n in 1 6 8; do
	step "starting FRR's BGP on R$n"
	if [ $n = 1 ]; then seed2_bgp_hub; else seed2_bgp_spoke $n; fi > /dev/null 2>&1
done
await 20 "all spokes are registered with the hub" registered 6 7 8
await 40 "R8 has R6's network, with R6 as next hop" route 8 66.66.66.0/24 192.168.1.6
await 40 "R6 has R8's network, with R8 as next hop" route 6 88.88.88.0/24 192.168.1.8

chapter 'Before: spokes know the hub, and routes whose next hop nobody knows yet'
play R1 dmvpn show
play R8 dmvpn show dmvpn
play R8 dmvpn show ip nhrp
play R8 ip route show 66.66.66.0/24

chapter 'First packets: through the hub'
echo "R8's daemon is stopped, so that there is time to look: packets do not need it."
nhrpd_kill R8 STOP
udp_start H8-H6 H8 H6:66.66.66.1
udp_start H6-H8 H6 H8:88.88.88.1
play H8 ping -c 2 -i 0.5 66.66.66.1
play H8 traceroute -n -q 1 -w 3 66.66.66.1

chapter 'Resolution: R8 asks R1, R1 asks R6, R6 answers the same way back'
nhrpd_kill R8 CONT
step "R8's daemon goes on"
await 10 "R8 reaches R6 directly" direct 8 6
await 10 "R6 reaches R8 directly" direct 6 8
play H8 ping -c 2 -i 0.5 66.66.66.1
play H8 traceroute -n -q 1 -w 3 66.66.66.1
step "ending the streams, reading the captures"
udp_stop H8-H6 > /dev/null
udp_stop H6-H8 > /dev/null
capture_stop
printf '\n%sWhat was said on the wires:%s\n' "$bold" "$plain"
conversation

chapter 'After: each spoke knows the other'
play R8 dmvpn show dmvpn
play R8 dmvpn show ip nhrp
play R6 dmvpn show ip nhrp
play R8 dmvpn show

total() { jq -s "map(.$1) | add" "$LAB_OUT"/H?-H?.udp.json; }
printf '\n'
expect "nothing was lost between hub path and direct path" lossless H8-H6 H6-H8
printf '%sShown: R6 and R8 registered with R1, met through it and talk directly; %d UDP packets meanwhile, %d lost.%s\n' \
	"$bold" "$(total sent)" "$(total lost)" "$plain"
