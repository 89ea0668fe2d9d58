# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How fast two spokes find each other, and what they lose when something dies:
# ours as in scenarios/lib/seed3.sh, and the same network once more with FRR's
# nhrpd on stock GRE, in the same guest.   Run by `bench`.
#
#        R3  hub            F3  hub             H4 -> H5, L4 -> L5 and so on:
#         |                  |                  one-way streams of 1,000
#       inet ---------------inet                packets/s, a new pair each time
#      / ... \            / ... \
#    R4 ..   R8         F4 ..   F8
#    H4 ..   H8         L4 ..   L8              172.16.4.0/24 .. 172.16.8.0/24
#
# FRR gets a holding time of 20 s (its default is two hours), since all that it
# recovers from it recovers by that.
rules R4
kernels uml
timeout 600

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"
# shellcheck source=/dev/null
. "$LAB_REPO/tests/bench/frr.sh"

# Only what is needed is captured: each capture takes its share of the one CPU.
eval "real_$(declare -f capture)"
capture() { :; }
spokes=(4 5 6 7 8)
holding=20
declare -A nbma=([R3]=150.1.3.3 [F3]=100.64.7.2)

# ---- the two networks ----

ours() {
	load_module
	seed3_underlay "${spokes[@]}"
	seed3_daemons
	seed3_routes
}

frr_hub() {
	stock_gre F3 eth0 "${nbma[F3]}" 10.0.0.3
	frr_rules F3 0
	frr F3 <<-CONF
		nhrp nflog-group 1
		interface gre1
		 ip nhrp network-id 345
		 ip nhrp holdtime $holding
		 ip nhrp registration no-unique
		 ip nhrp redirect
	CONF
}

frr_spoke() {
	local n=$1
	stock_gre "F$n" eth0 "${nbma[F$n]}" "10.0.0.$n"
	on "F$n" ip -batch - <<-IP
		route add 10.0.0.0/24 via 10.0.0.3 dev gre1 onlink
		route add 172.16.0.0/16 via 10.0.0.3 dev gre1 onlink
	IP
	on F3 ip route add "172.16.$n.0/24" via "10.0.0.$n" dev gre1 onlink
	frr "F$n" <<-CONF
		interface gre1
		 ip nhrp network-id 345
		 ip nhrp holdtime $holding
		 ip nhrp nhs 10.0.0.3 nbma ${nbma[F3]}
		 ip nhrp registration no-unique
		 ip nhrp shortcut
	CONF
}

theirs() {
	local n
	underlay F3=150.2.3.3
	frr_hub
	for n in "${spokes[@]}"; do
		underlay "F$n=150.2.$n.$n"
		nbma[F$n]=100.64.$underlay_count.2
		host "L$n"
		link "F$n:lan" "L$n:eth0"
		addr "F$n" lan "172.16.$n.254/24"
		addr "L$n" eth0 "172.16.$n.1/24"
		on "L$n" ip route add default via "172.16.$n.254"
		frr_spoke "$n"
	done
	for n in "${spokes[@]}"; do
		eventually 60 "FRR: F$n is registered with the hub" \
			prints "10.0.0.$n +${nbma[F$n]}" on F3 vtysh -c 'show ip nhrp cache'
	done
	stop_if_failed
}

# distance HUB-MS SPOKE-MS
distance() {
	local n
	for n in R F; do
		delay ${n}3 eth0 "$1"
		for s in "${spokes[@]}"; do
			delay "$n$s" eth0 "$2"
		done
	done
}

# ---- one pair ----

# spy HOST DEV NAME [WORD...]: GRE packets of that wire, into NAME.pcap
spy() {
	real_capture "$1" "$2" -B 16384 "${@:4}" 'ip proto 47'
	mv "$LAB_OUT/$1-$2.pcap" "$LAB_OUT/$3.pcap"
}

found() {
	if [ "$1" = ours ]; then
		shortcut "$2" "172.16.$3.0/24" "$3"
	else
		json 'length == 1' on "F$2" ip -j route show "172.16.$3.0/24"
	fi
}

# pause SECONDS: nothing is started, and so no time taken from who meets
exec {nothing}<> <(:)
pause() { read -r -t "$1" -u "$nothing" || true; }

# pair ROW SIDE I J: they meet while packets flow
tries=()
pair() {
	local side=$2 i=$3 j=$4 host=H name
	[ "$side" = ours ] || host=L
	name=$1-$side-$i-$j
	udp_start "$name" "$host$i" "$host$j:172.16.$j.1" 1000
	pause 2
	eventually 20 "$name: direct" found "${side%-*}" "$i" "$j"
	udp_stop "$name" > /dev/null
	value "$1-lost" "$side" "$(udp_count "$name" lost)"
	tries+=("$*")
}

# when FILE FILTER [AFTER]: the first such packet's time
when() {
	tcpdump -tt -nn -q -r "$LAB_OUT/$1.pcap" "$2" 2> /dev/null |
		awk -v after="${3:-0}" '$1 > after && !n++ { print $1 }'
}

# times ROW SIDE I J: what the captures say of that pair
times() {
	local row=$1 side=$2 i=$3 j=$4 n=F gre=28 flow hub first told direct
	[ "$side" != ours ] || n=R gre=24
	flow="ip[$((gre + 12)):4] = 0xac10$(printf %02x "$i")01 and
		ip[$((gre + 16)):4] = 0xac10$(printf %02x "$j")01"
	hub=${nbma[${n}3]}
	first=$(when hub-$n "dst host $hub and $flow")
	told=$(when hub-$n "src host $hub and dst host ${nbma[$n$i]} and
		ip[22:2] = 0x2001 and ip[$((gre + 17))] = 8" "$first")
	value "$row-redirect" "$side" "$(ms "$first" "$told")"
	first=$(when middle "src host ${nbma[$n$i]} and dst host $hub and $flow")
	direct=$(when middle "src host ${nbma[$n$i]} and dst host ${nbma[$n$j]} and $flow")
	value "$row-setup" "$side" "$(ms "$first" "$direct")"
}

ms() {
	awk -v from="$1" -v to="$2" 'BEGIN {
		if (from == "" || to == "") print "none"
		else printf "%.3f\n", (to - from) * 1000 }'
}

# ---- a path that dies ----

# The underlay carries nothing any more between R4 and R5, and F4 and F5.
dead() {
	local n a b
	{
		echo 'table ip dead {'
		echo 'chain forward {'
		echo 'type filter hook forward priority 0;'
		for n in R F; do
			a=${nbma[${n}4]} b=${nbma[${n}5]}
			echo "ip saddr { $a, $b } ip daddr { $a, $b } drop"
		done
		echo '}'
		echo '}'
	} | on inet nft -f -
}

# ---- a daemon that dies ----

frr_nhrpd_again() {
	local n
	for n in F3 F4; do
		on $n sh -c 'kill -KILL $(cat /run/frr/nhrpd.pid)'
		on $n /usr/lib/frr/nhrpd -d -F traditional -P 0
		on $n vtysh -b
	done
}

our_nhrpd_again() {
	local n
	for n in R3 R4; do
		nhrpd_kill $n KILL 2> /dev/null
		nhrpd $n < /dev/null
	done
}

# killed SIDE HOST HUB SECONDS COMMAND...
killed() {
	local side=$1 host=$2 hub=$3 seconds=$4
	shift 4
	udp_start "killed-$side-direct" "${host}4" "${host}5:172.16.5.1" 1000
	udp_start "killed-$side-hub" "$hub" "${host}4:172.16.4.1" 1000
	sleep 1
	"$@" > "$LAB_OUT/killed-$side" 2>&1
	sleep "$seconds"
	udp_stop "killed-$side-direct"
	udp_stop "killed-$side-hub"
	value killed "$side" $(($(udp_count "killed-$side-direct" lost) +
		$(udp_count "killed-$side-hub" lost)))
}

# ---- all of it ----

ours
for n in "${spokes[@]}"; do nbma[R$n]=150.1.$n.$n; done
theirs
distance 0 0
spy R3 eth0 hub-R
spy F3 eth0 hub-F
spy inet any middle -Q in
for p in '4 5' '4 6' '4 7' '4 8' '5 6'; do
	# shellcheck disable=SC2086
	pair near ours $p
done
for p in '4 5' '4 6' '4 7' '4 8'; do
	# shellcheck disable=SC2086
	pair near frr-default $p
done
frr_rules F3 1
for p in '5 6' '5 7' '5 8'; do
	# shellcheck disable=SC2086
	pair near frr-threshold $p
done
distance 20 5
for p in '5 7' '5 8' '6 7'; do
	# shellcheck disable=SC2086
	pair far ours $p
done
for p in '6 7' '6 8' '7 8'; do
	# shellcheck disable=SC2086
	pair far frr-threshold $p
done
capture_stop
for p in "${tries[@]}"; do
	# shellcheck disable=SC2086
	times $p
done

for side in ours frr; do
	host=H
	[ $side = ours ] || host=L
	udp_start "dead-$side-out" "${host}4" "${host}5:172.16.5.1" 100
	udp_start "dead-$side-back" "${host}5" "${host}4:172.16.4.1" 100
done
eventually 20 "R5 reaches R4 directly" found ours 5 4
eventually 20 "F4 reaches F5 directly" found frr 4 5
eventually 20 "F5 reaches F4 directly" found frr 5 4
sleep 1
dead
sleep $((2 * holding + 5))
for side in ours frr; do
	udp_stop "dead-$side-out"
	udp_stop "dead-$side-back"
	value dead $side "$(jq -s 'map(.lost) | max / 100' "$LAB_OUT/dead-$side-"*.udp.json)"
done
on inet nft delete table ip dead

for n in '4 5' '5 4'; do
	# shellcheck disable=SC2086
	eventually 60 "R${n% *} reaches R${n#* } directly again" found ours $n
done
killed ours H R3 15 our_nhrpd_again
killed frr L F3 $((2 * holding + 5)) frr_nhrpd_again
