# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Four kinds of GRE on the same local addresses, the stock ones and ours:
# each gets its own packets and nothing else, whoever comes first and whoever
# goes first.
#
#    A 1.1.1.1 ---- inet ---- 6.6.6.6 B     C 8.8.8.8
#
#    to B: own0   ours, no key        172.16.1.0/24
#          own9   ours, key 9         172.16.9.0/24
#          mgre   stock, key 7        172.16.7.0/24
#    to C: p2p    stock, no key       172.16.3.0/24
#
rules R9
kernels uml-debug 6.12 6.1
timeout 120

underlay A=1.1.1.1 B=6.6.6.6 C=8.8.8.8

# make_X and drop_X for each kind; number: the network it is in.
declare -A number=([own0]=1 [own9]=9 [mgre]=7 [p2p]=3)
address() { # DEV HOST
	case $2 in A) echo 172.16.${number[$1]}.1 ;; *) echo 172.16.${number[$1]}.2 ;; esac
}
ours() { # DEV KEY
	tunnel A "$1" "$(address "$1" A)/24" local 1.1.1.1 key "$2"
	tunnel B "$1" "$(address "$1" B)/24" local 6.6.6.6 key "$2"
	on A dmvpn peer add "$1" "$(address "$1" B)" nbma 6.6.6.6
	on B dmvpn peer add "$1" "$(address "$1" A)" nbma 1.1.1.1
}
make() {
	case $1 in
	own0) ours own0 none ;;
	own9) ours own9 9 ;;
	p2p)
		on A ip link add p2p type gre local 1.1.1.1 remote 8.8.8.8 ttl 64
		on C ip link add p2p type gre local 8.8.8.8 remote 1.1.1.1 ttl 64
		addr A p2p 172.16.3.1/24
		addr C p2p 172.16.3.2/24
		;;
	mgre)
		on A ip link add mgre type gre local 1.1.1.1 key 7 ttl 64
		on B ip link add mgre type gre local 6.6.6.6 key 7 ttl 64
		addr A mgre 172.16.7.1/24
		addr B mgre 172.16.7.2/24
		on A ip neigh replace 172.16.7.2 lladdr 6.6.6.6 dev mgre nud permanent
		on B ip neigh replace 172.16.7.1 lladdr 1.1.1.1 dev mgre nud permanent
		;;
	esac
}
drop() {
	local h
	for h in A $([ "$1" = p2p ] && echo C || echo B); do
		on "$h" ip link del "$1"
	done
}
# received DEV...: packets by device.
received() {
	on A ip -j -s link | jq -c '[.[] | {(.ifname): .stats64.rx.packets}] | add |
		[$ARGS.positional[] as $dev | .[$dev]]' --args "$@"
}

# each_its_own DEV...: one ping by the first, two by the second...; each
# device counts its own packets and no others.
each_its_own() {
	local dev n=0 before
	before=$(received "$@")
	for dev; do
		n=$((n + 1))
		expect "$dev works" on A ping -c $n -i 0.2 -W 2 "$(address "$dev" far)"
	done
	expect "$* counted their own packets" jq -n -e \
		--argjson before "$before" --argjson after "$(received "$@")" \
		'[$before, $after, ($after | to_entries | map(.value - $before[.key] == .key + 1) | all)] | .[2]'
}

unload_stock() {
	[ "$LAB_MACHINE" = uml ] || expect "$1" modprobe -r ip_gre
}

# ---- ip_gre first, and ours goes first ----

[ "$LAB_MACHINE" = uml ] || expect "ip_gre is loaded" modprobe ip_gre
make p2p
make mgre
require "our module is loaded beside it" load_module
make own0
make own9
each_its_own p2p mgre own0 own9
drop own0
each_its_own p2p mgre own9
drop own9
expect "our module is removed" rmmod dmvpn
each_its_own p2p mgre
drop mgre
drop p2p

# ---- ours first, and ip_gre goes first ----

unload_stock "ip_gre is removed"
expect "our module is loaded first" load_module
make own0
make own9
[ "$LAB_MACHINE" = uml ] || each_its_own own0 own9
[ "$LAB_MACHINE" = uml ] || expect "ip_gre is loaded under it" modprobe ip_gre
make mgre
make p2p
each_its_own own0 own9 mgre p2p

# ICMP about a packet of the stock tunnel: its path becomes narrow.
on inet ip route change 8.8.8.8/32 via 100.64.3.2 mtu lock 1200
on A ping -c 1 -W 1 -M do -s 1400 172.16.3.2 > /dev/null || true
expect "ICMP errors still reach the stock tunnel" \
	prints 'mtu ?= ?1176' on A ping -c 1 -W 2 -M do -s 1400 172.16.3.2

# What is not ours is left alone: PPTP's version 1, routing, too short.
drops() { on A dmvpn -j show drops | jq -c .interfaces; }
before=$(drops)
for garbage in 3001880b0004000100000001 400008000000000000000000 20 0000; do
	expect "garbage is sent: $garbage" on C frame raw 8.8.8.8 1.1.1.1 $garbage
done
expect "none of it is counted as ours" same "$before" "$(drops)"
on B frame raw 6.6.6.6 1.1.1.1 3001880b0004000100000001
eventually 2 "unless it comes from a peer" \
	eval '[ "$(($(dropped A own0 bad-gre) + $(dropped A own9 bad-gre)))" = 1 ]'
expect "a stranger without a key goes to ip_gre" \
	on C frame raw 8.8.8.8 1.1.1.1 0000080045000014000000004001000008080808ac100101
each_its_own own0 own9 mgre p2p

drop p2p
each_its_own own0 own9 mgre
drop mgre
unload_stock "ip_gre is removed under ours"
each_its_own own0 own9
drop own0
each_its_own own9
drop own9
eventually 10 "our module is removed again" rmmod dmvpn
