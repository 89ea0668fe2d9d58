# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A peer that is sent to and not heard is told of, within the interval and a
# little; nobody else is: not who answers, who only sends, who is idle, or a
# hub. No daemon; A watches.
#
#                      B 2.2.2.2 .2  answers      E 5.5.5.5 .5  is idle
#    A 1.1.1.1 .1 ---  C 3.3.3.3 .3  goes silent  F 6.6.6.6 .6  a silent hub
#                      D 4.4.4.4 .4  sends alone
#
rules R4 R10
kernels uml-debug
nightly 6.12
timeout 90

interval=2000
declare -A nbma=([B]=2.2.2.2 [C]=3.3.3.3 [D]=4.4.4.4 [E]=5.5.5.5 [F]=6.6.6.6)
declare -A number=([B]=2 [C]=3 [D]=4 [E]=5 [F]=6)
underlay A=1.1.1.1 B=2.2.2.2 C=3.3.3.3 D=4.4.4.4 E=5.5.5.5 F=6.6.6.6
load_module
tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42
for h in B C D E F; do
	tunnel $h dmvpn0 192.168.1.${number[$h]}/24 local ${nbma[$h]} key 42
	on $h dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1
	on A dmvpn peer add dmvpn0 192.168.1.${number[$h]} nbma ${nbma[$h]}
	require "A reaches $h" on A ping -c 1 192.168.1.${number[$h]}
done
on A dmvpn peer set dmvpn0 nbma 6.6.6.6 hub

# silent HOST: what it sends does not arrive; until all are heard again.
on inet nft -f - <<-NFT
	table ip t {
		chain forward { type filter hook forward priority 0; }
	}
NFT
silent() { on inet nft add rule ip t forward ip saddr "${nbma[$1]}" drop; }

# told SECONDS WORDS: the next event is about C; $at: when.
told() {
	expect "$2" next_event a '"oneway"' "$1"
	at=$now
	expect "it names the silent peer" prints '"nbma":"3.3.3.3"' tail -n 1 "$LAB_OUT/a.events"
}
# drain: what was told before this moment does not count any more.
drain() {
	while next_event a '"oneway"' 1 > /dev/null; do :; done
}
# ms WORDS LEAST MOST SINCE UNTIL
ms() {
	local took=$(($5 - $4))
	expect "$1 ($took ms)" test $took -ge "$2" -a $took -le $(($3 * LAB_SLOW))
}
both() {
	udp_start "A$1" A:192.168.1.1 "$1:192.168.1.${number[$1]}" 50
	udp_start "${1}A" "$1:192.168.1.${number[$1]}" A:192.168.1.1 50
}
stop() {
	local name
	for name; do
		udp_stop "$name" > /dev/null
	done
}

# ---- off ----

silent C
silent F
listen a A
both C
udp_start AF A:192.168.1.1 F:192.168.1.6 50
expect "without an interval nobody is told of" not next_event a '"oneway"' 3
expect "it is off by default" prints 'oneway-interval 0|^$' \
	on A sh -c 'dmvpn link show dmvpn0 | grep -o "oneway-interval [0-9.]*" || echo'

# ---- who is and who is not ----

on inet nft flush chain ip t forward
silent F
both B
udp_start DA D:192.168.1.4 A:192.168.1.1 50
expect "an interval can be set" on A dmvpn link set dmvpn0 oneway-interval $((interval / 1000))
expect "with both directions up nobody is told of, nor is the silent hub" \
	not next_event a '"oneway"' 5

silent C
tick
cut=$now
told 8 "C goes silent and is told of"
ms "within the interval and 1.5 s" $((interval - 100)) $((interval + 1500)) $cut $at
first=$at
told 8 "while it goes on, again"
# The first may have been read late, and no event is read early.
ms "not before the next interval" $((interval - 200 * LAB_SLOW)) $((interval + 2500)) $first $at
on inet nft flush chain ip t forward
silent F
drain
expect "heard again, it is not told of" not next_event a '"oneway"' 5

silent C
told 8 "silent again, it is"
stop AC
drain
expect "not sent to any more, it is not" not next_event a '"oneway"' 5

# ---- an idle pair ----

both E
expect "a pair that was idle starts to talk and is not told of" \
	not next_event a '"oneway"' 4
stop AE EA
silent E
expect "nor when it is idle again" not next_event a '"oneway"' 3
on A ping -c 1 -W 1 192.168.1.5 > /dev/null || true
expect "nor after a single packet without an answer" not next_event a '"oneway"' 4
expect "in all this nobody was told of but C" not grep -v '3\.3\.3\.3' \
	<(grep '"oneway"' "$LAB_OUT/a.events")
stop CA AB BA DA AF

expect "it can be switched off" on A dmvpn link set dmvpn0 oneway-interval 0
(on A ping -q -i 0.2 -c 25 -W 1 192.168.1.3 || true) > /dev/null &
expect "then nobody is told of" not next_event a '"oneway"' 5
wait $!

unload A:dmvpn0 B:dmvpn0 C:dmvpn0 D:dmvpn0 E:dmvpn0 F:dmvpn0
