# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What Linux may do to packets on their way in and out of the device: NAT, a
# flowtable, queueing disciplines and tc filters. Redirect detection and next
# hops stay right under each, shortcuts are found, nothing is lost.
#
#   as in lib/seed3.sh, the hosts with addresses .1 to .9, and
#   R3 lan 172.16.3.254/24 ---- host H3 172.16.3.1
#
rules R4 R8
nightly uml-debug 6.12
timeout 150

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

load_module
seed3_underlay 4 5
host H3
link R3:lan H3:eth0
addr R3 lan 172.16.3.254/24
addr H3 eth0 172.16.3.1/24
on H3 ip route add default via 172.16.3.254
for n in 4 5; do
	addr H$n eth0 172.16.$n.{2..9}/24
done
seed3_daemons
seed3_routes

# start N: streams between the hosts' Nth addresses, beginning at the hub.
start() {
	on R4 dmvpn clear 172.16.5.0/24 > /dev/null
	on R5 dmvpn clear 172.16.4.0/24 > /dev/null
	udp_start there H4:172.16.4.$1 H5:172.16.5.$1 100
	udp_start back H5:172.16.5.$1 H4:172.16.4.$1 100
}
# direct_after WORDS: both spokes find the direct path, and nothing was lost.
direct_after() {
	eventually 15 "$1: R4 has a shortcut" shortcut 4 172.16.5.0/24 5
	eventually 15 "$1: R5 has a shortcut" shortcut 5 172.16.4.0/24 4
	udp_stop there > /dev/null
	udp_stop back > /dev/null
	expect "$1: nothing was lost" lossless there back
}
hub_told() {
	counted R3 Tunnel0 redirect
}

# ---- NAT ----

# nat HOST: what leaves HOST by the tunnel for a LAN gets the tunnel's address.
nat() {
	on "$1" nft -f - <<-NFT
		table ip nat {
			chain post {
				type nat hook postrouting priority srcnat;
				oifname Tunnel0 ip daddr 172.16.0.0/16 masquerade
			}
		}
	NFT
}
nat R3
before=$(hub_told)
start 1
expect "TCP passes the hub that translates" bulk H4 H5:172.16.5.1 300000
udp_stop there > /dev/null
udp_stop back > /dev/null
expect "so do streams" lossless there back
expect "nobody is told of a path without translation" same "$before" "$(hub_told)"
expect "there is no shortcut" same "" "$(shortcuts R4)$(shortcuts R5)"
on R3 nft flush ruleset
start 2
direct_after "without it"
expect "now they were told" grew told 2+ "$before" "$(hub_told)"

nat R4
on R5 nft -f - <<-NFT
	table ip seen {
		counter translated { }
		chain forward {
			type filter hook forward priority 0;
			ip saddr 10.0.0.4 ip daddr 172.16.5.3 counter name translated
		}
	}
NFT
start 3
direct_after "a spoke that translates"
expect "H5 sees the spoke" json '.nftables[] | .counter.packets // 0 | . > 0' \
	on R5 nft -j list counter ip seen translated
expect "TCP goes directly" bulk H4 H5:172.16.5.3 300000
expect "in one hop" same "172.16.4.254 10.0.0.5 172.16.5.3" "$(hops H4 172.16.5.3)"
on R4 nft flush ruleset
on R5 nft flush ruleset

# ---- tc ----

# Every packet of the hub's device is queued on its way out, and takes a turn
# through another device on its way in.
on R3 ip link add ifb0 up type ifb
on R3 tc -batch - <<-TC
	qdisc replace dev Tunnel0 root handle 1: htb default 1
	class add dev Tunnel0 parent 1: classid 1:1 htb rate 1gbit quantum 60000
	qdisc add dev Tunnel0 parent 1:1 fq_codel
	qdisc add dev Tunnel0 clsact
	filter add dev Tunnel0 ingress matchall action mirred egress redirect dev ifb0
TC
before=$(hub_told)
start 4
direct_after "a hub that queues both ways"
expect "its hairpins were told" grew told 2+ "$before" "$(hub_told)"
expect "by way of the queue" json '.[0].packets > 0' on R3 tc -j -s qdisc show dev Tunnel0 root
expect "and the other device" json '.[0].stats64.tx.packets > 0' on R3 ip -j -s link show ifb0
expect "TCP passes" bulk H4 H3:172.16.3.1 300000
for dir in root clsact; do
	on R3 tc qdisc del dev Tunnel0 $dir
done

# Peers in classes of the underlay's queue.
on R3 tc -batch - <<-TC
	qdisc replace dev eth0 root handle 1: htb default 9
	class add dev eth0 parent 1: classid 1:9 htb rate 1gbit quantum 60000
	class add dev eth0 parent 1: classid 1:4 htb rate 1gbit quantum 60000
	class add dev eth0 parent 1: classid 1:5 htb rate 1gbit quantum 60000
	qdisc add dev eth0 parent 1:5 fq_codel
TC
class() {
	on R3 tc -s class show dev eth0 classid 1:$1 | awk '$1 == "Sent" { print $4 }'
}
for n in 4 5; do
	expect "R$n's packets get class 1:$n" \
		on R3 dmvpn peer set Tunnel0 nbma 150.1.$n.$n classid $((0x10000 + n))
done
on H3 ping -q -c 5 -i 0.2 172.16.4.1 > /dev/null
expect "they are queued there" grew "class 1:4" 5+ 0 "$(class 4)"
others=$(class 5)
on H3 ping -q -c 5 -i 0.2 172.16.4.1 > /dev/null
expect "and not in another's" grew "class 1:5" 0 "$others" "$(class 5)"

# A filter that chooses the device, without a route, and one that marks.
on R4 tc -batch - <<-TC
	qdisc add dev lan clsact
	filter add dev lan ingress protocol ip flower dst_ip 172.16.5.0/24 action mirred egress redirect dev Tunnel0
	qdisc add dev Tunnel0 clsact
	filter add dev Tunnel0 egress matchall action skbedit mark 7
TC
start 5
direct_after "a spoke whose filter sends"
before=$(counted R4 Tunnel0 via-shortcut)
on H4 ping -q -c 5 -i 0.2 -W 2 172.16.5.5 > /dev/null
expect "what the filter sends takes the shortcut" \
	grew via-shortcut 5+ "$before" "$(counted R4 Tunnel0 via-shortcut)"
# Without a route nobody can be told of a size: the sender has to know it.
on H4 ip route change default via 172.16.4.254 mtu 1400
expect "TCP passes" bulk H4 H5:172.16.5.5 300000
for dev in lan Tunnel0; do
	on R4 tc qdisc del dev $dev clsact
done

# ---- a flowtable ----
# Connections that were seen both ways bypass the routing code. (The UML kernels
# are built without flowtables.)

if [ "$LAB_MACHINE" != uml ]; then
	for h in R3 R4; do
		on $h nft -f - <<-NFT
			table ip fast {
				flowtable ft {
					hook ingress priority 0
					devices = { Tunnel0, lan }
				}
				counter slow { }
				chain forward {
					type filter hook forward priority 0
					udp dport 20000-21000 counter name slow flow add @ft
					tcp dport 5001 flow add @ft
				}
			}
		NFT
	done
	# slow HOST: stream packets that took the slow path.
	slow() {
		on "$1" nft -j list counter ip fast slow | jq '.nftables[] | .counter.packets // empty'
	}
	before=$(hub_told)
	start 6
	eventually 15 "offloaded: R4 has a shortcut" shortcut 4 172.16.5.0/24 5
	on R4 dmvpn clear 172.16.5.0/24
	eventually 15 "offloaded: and another one" shortcut 4 172.16.5.0/24 5
	direct_after "offloaded"
	expect "hairpins were told" grew told 2+ "$before" "$(hub_told)"
	expect "R4 forwarded them by its flowtable" \
		test "$(slow R4)" -lt $(($(udp_count there sent) / 4))
	udp_start H3-H4 H3:172.16.3.1 H4:172.16.4.1 100
	udp_start H4-H3 H4:172.16.4.1 H3:172.16.3.1 100
	expect "TCP passes between the hub's LAN and R4's" bulk H3 H4:172.16.4.1 1000000
	expect "and back" bulk H4 H3:172.16.3.1 1000000
	udp_stop H3-H4 > /dev/null
	udp_stop H4-H3 > /dev/null
	expect "nothing was lost there" lossless H3-H4 H4-H3
	expect "the hub forwarded it by its flowtable" \
		test "$(slow R3)" -lt $((($(udp_count H3-H4 sent) + $(udp_count H4-H3 sent)) / 4))
fi
