# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Phase 3 to look at (`make demo`); `make check` runs it as well, so that it
# works on the day it is shown.   Network, lines and addresses: lib/seed3.sh
# With `secured` set (demosec.sh, `make demo IPSEC=1`) all of it is encrypted.
#
# The spokes' daemons are stopped for a while (SIGSTOP) between the first
# packet and the hub's word about it: the data path needs no daemon, and there
# is time to look at the way through the hub.
rules R3 R4
kernels 6.12
timeout 240

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"
secured=${secured:-}

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
		frame.time_relative ip.src ip.dst nhrp.hdr.op.type \
		nhrp.src.prot.addr nhrp.dst.prot.addr nhrp.client.prot.addr \
		nhrp.client.nbma.addr nhrp.prefix |
		awk -F'\t' '
		function first(list) { sub(/,.*/, "", list); return list }
		function last(list) { sub(/.*,/, "", list); return list }
		function router(list) { return "R" substr(list, 7, 1) }
		function say(what) { printf "%8.3f s  %s  %s\n", $1, way, what }
		{ way = router($2) " -> " router($3) }
		$4 == "" && !seen[way]++ { say("ping") }
		$4 == 1 { say("resolution request: who has " $6 "?") }
		$4 == 2 { say("resolution reply: " first($7) " at " first($8) " has " $6 "/" first($9)) }
		$4 == 3 { say("registration request: " $5 " is at " first($2)) }
		$4 == 4 { say("registration reply") }
		$4 == 8 { say("traffic indication: there is a better way to " last($3)) }'
}

cat <<PICTURE

                    R3  150.1.3.3    hub       tunnel 10.0.0.3
                     |  20 ms away
                   inet
         5 ms     /      \\    5 ms
      R4 150.1.4.4    R5 150.1.5.5             tunnel 10.0.0.4 .5
           |               |
    H4 172.16.4.1    H5 172.16.5.1             172.16.4.0/24, 172.16.5.0/24

Kernel $(uname -r), dmvpn.ko and nhrpd as built from this tree.
PICTURE

# secrecy: what the wires carried, by kind, and how it looks.
secrecy() {
	local n kind
	for n in 3 4 5; do
		printf "R%d's wire:" "$n"
		for kind in esp 'udp port 500' 'proto gre'; do
			printf '  %d %s' "$(outer "R$n" eth0 "$kind" | wc -l)" "$kind"
		done
		printf '\n'
	done
	tcpdump -r "$(pcap_file R4 eth0)" -nn esp 2> /dev/null | tail -n 4
	printf '\n'
	esp_clear 3 4 5
}

step "loading the module, making hosts and wires"
load_module
seed3_underlay 4 5
if [ "$secured" ]; then
	step "starting nhrpd and strongSwan's charon on R3, R4 and R5"
	seed3_charons
else
	overhear
	step "starting nhrpd on R3, R4 and R5, with the lines of a router"
	seed3_daemons
fi
seed3_routes

chapter 'Before: the spokes know the hub, and one summary that leads to it'
play R3 cat /etc/nhrpd.conf
play R4 cat /etc/nhrpd.conf
[ ! "$secured" ] || play R4 cat /etc/swanctl/swanctl.conf
play R3 dmvpn show dmvpn
play R4 dmvpn show ip nhrp
play R4 ip route show 172.16.0.0/16

chapter 'First packets: through the hub, 4 hops'
echo "The spokes' daemons are stopped, so that there is time to look: packets do not need them."
for n in 4 5; do
	nhrpd_kill R$n STOP
done
udp_start H4-H5 H4 H5:172.16.5.1
udp_start H5-H4 H5 H4:172.16.4.1
play H4 ping -c 2 -i 0.5 172.16.5.1
play H4 traceroute -n -q 1 -N 1 -w 3 172.16.5.1

chapter 'Redirect: the hub saw a packet leave where it came in, and says so'
echo "R3 sends both spokes a traffic indication; each asks for the other's network along the routed"
echo "way, the other one answers directly, and both install a shortcut for the whole network."
for n in 4 5; do
	nhrpd_kill R$n CONT
done
step "the spokes' daemons go on"
await 10 "R4 has a shortcut to 172.16.5.0/24" shortcut 4 172.16.5.0/24 5
await 10 "R5 has a shortcut to 172.16.4.0/24" shortcut 5 172.16.4.0/24 4
if [ "$secured" ]; then
	await 20 "of two SAs that both began one is left" sa R4 5
fi
play H4 ping -c 2 -i 0.5 172.16.5.1
play H4 traceroute -n -q 1 -N 1 -w 3 172.16.5.1
expect "the hub is one hop less" \
	same "172.16.4.254 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"

chapter 'After: the routing table has the summary, the cloud has the better way'
play R4 ip route show 172.16.0.0/16
play R4 dmvpn show ip cef 172.16.5.1
play R4 dmvpn show ip nhrp
play R4 dmvpn show dmvpn
if [ "$secured" ]; then
	play R4 dmvpn show ipsec
	play R4 ip xfrm state count
fi

chapter 'kill -9: hub and spoke lose their daemons, no packet is lost'
for n in 3 4; do
	nhrpd_kill R$n KILL 2> /dev/null
	step "R$n's nhrpd is dead"
done
play R4 dmvpn shortcut show
play H4 ping -c 2 -i 0.5 172.16.5.1
for n in 3 4; do
	nhrpd R$n < /dev/null
done
await 10 "R4's new nhrpd has adopted what the kernel kept" \
	prints '^172.16.5.0/24 via 10.0.0.5, Tunnel0 ' on R4 dmvpn show ip nhrp
await 10 "R3's has, too" prints ' 150.1.4.4 +10.0.0.4 ' on R3 dmvpn show dmvpn
play R3 dmvpn show ip nhrp

step "ending the streams, reading the captures"
udp_stop H4-H5 > /dev/null
udp_stop H5-H4 > /dev/null
capture_stop
printf '\n%sWhat was said on the wires:%s\n' "$bold" "$plain"
if [ "$secured" ]; then
	secrecy
else
	conversation
fi

total() { jq -s "map(.$1) | add" "$LAB_OUT"/H?-H?.udp.json; }
printf '\n'
expect "nothing was lost, from the first packet to the last" lossless H4-H5 H5-H4
printf '%sShown: R4 and R5 met through R3, were told of a better way, found it, and kept it without their daemons; %d UDP packets meanwhile, %d lost.%s\n' \
	"$bold" "$(total sent)" "$(total lost)" "$plain"
