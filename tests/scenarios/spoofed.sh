# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A hub that is strict about sources: a peer sends from its own tunnel address,
# from what routes or shortcuts reach through it, and from nothing else. In both
# families, without a daemon.
#
#                  H 1.1.1.1  ::1
#                  |
#                 inet        tunnel 10.0.0.0/24, 2001:db8::/64 on dmvpn0
#                /    \
#    A 6.6.6.6 ::6   B 8.8.8.8 ::8    behind them 10.6.0.0/16, 2001:db8:6::/48
#                                     and 10.8.0.0/16, 2001:db8:8::/48
rules R10
nightly uml-debug 6.12 6.1
timeout 180

underlay H=1.1.1.1 A=6.6.6.6 B=8.8.8.8
load_module
declare -A nbma=([H]=1.1.1.1 [A]=6.6.6.6 [B]=8.8.8.8)
declare -A number=([H]=1 [A]=6 [B]=8)
for h in H A B; do
	tunnel $h dmvpn0 10.0.0.${number[$h]}/24 local ${nbma[$h]} key 1
	addr $h dmvpn0 2001:db8::${number[$h]}/64
done
on H dmvpn link set dmvpn0 strict-source on
for h in A B; do
	n=${number[$h]}
	for prefix in 10.0.0. 2001:db8::; do
		on H dmvpn peer add dmvpn0 $prefix$n nbma ${nbma[$h]}
		on $h dmvpn peer add dmvpn0 ${prefix}1 nbma 1.1.1.1 nhs
	done
	on H ip route add 10.$n.0.0/16 via 10.0.0.$n
	on H ip route add 2001:db8:$n::/48 via 2001:db8::$n
done
# What A may send from, and what it may not: B's, H's own, and nobody's.
good=(10.6.0.1 2001:db8:6::1)
bad=(10.0.0.8 10.8.0.1 10.0.0.99 10.99.0.1 2001:db8::8 2001:db8:8::1 2001:db8::99 2001:db8:99::1)
on A ip link add lan0 type dummy
for address in "${good[@]}" "${bad[@]}"; do
	case $address in
	*:*) addr A lan0 "$address/128" ;;
	*) addr A lan0 "$address/32" ;;
	esac
done

hub() {
	case $1 in
	*:*) echo 2001:db8::1 ;;
	*) echo 10.0.0.1 ;;
	esac
}
# echoes: requests that H's stack has got, of both families
echoes() {
	on H nstat -asz IcmpInEchos Icmp6InEchos | awk '/InEchos/ { n += $2 } END { print n }'
}
# sends ADDRESS: A sends H one request from there
sends() {
	on A ping -c 1 -W 1 -I "$1" "$(hub "$1")" > /dev/null || true
}
# arrives ADDRESS [N]: H gets it; with N 0 it is dropped as spoofed
arrives() {
	local n=${2:-1} got dropped
	got=$(echoes)
	dropped=$(dropped H dmvpn0 spoofed)
	sends "$1"
	grew "requests" "$n" "$got" "$(echoes)" &&
		grew spoofed $((1 - n)) "$dropped" "$(dropped H dmvpn0 spoofed)"
}

expect "H says what it does" prints strict-source on H dmvpn link show dmvpn0
for address in 10.0.0.6 2001:db8::6 "${good[@]}"; do
	expect "A sends from $address" arrives "$address"
done
for address in "${bad[@]}"; do
	expect "but not from $address" arrives "$address" 0
done

# ---- what H has learnt ----
on H dmvpn shortcut add 10.8.0.0/24 nexthop 10.0.0.6 dev dmvpn0
on H dmvpn shortcut add 2001:db8:8::/64 nexthop 2001:db8::6 dev dmvpn0
for address in 10.8.0.1 2001:db8:8::1; do
	expect "by a shortcut A may send from $address" arrives "$address"
done

# ---- a route that goes, and the switch ----
on H ip route del 10.6.0.0/16
on H ip route del 2001:db8:6::/48
for address in "${good[@]}"; do
	expect "without a route A may not send from $address" arrives "$address" 0
done
on H dmvpn link set dmvpn0 strict-source off
for address in "${good[@]}" 10.99.0.1 2001:db8:99::1; do
	expect "H is not strict any more: $address" arrives "$address"
done
