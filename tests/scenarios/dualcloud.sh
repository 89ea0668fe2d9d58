# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Two hubs with a cloud each, on each spoke two tunnels of one source address
# and two keys. BIRD prefers the first cloud and tells the spokes of nothing
# but a summary (phase 3). The hub of it dies; a provider of R6 dies.
#
#     R1 1.1.1.1 ---- backbone ---- R2 2.2.2.2
#     10.1.0.1 key 1                10.2.0.1 key 2     Tunnel1, Tunnel2
#              \                   /
#                      inet
#          /         /     |a    |b
#      R4 4.4.4.4  R5 5.5.5.5   R6          172.16.N.0/24, host HN
#
#   R6 has two providers, a for Tunnel1 and b for Tunnel2, strict about which
#   packets come in by which. It obeys no redirects: what it sends goes through
#   a hub.
rules R4 R8 R9
nightly uml-debug 6.12
timeout 240

pps=$((100 / LAB_SLOW))

underlay R1=1.1.1.1@Loopback0 R2=2.2.2.2@Loopback0 \
	R4=4.4.4.4@Loopback0 R5=5.5.5.5@Loopback0
link R1:backbone R2:backbone
addr R1 backbone 10.0.0.1/30
addr R2 backbone 10.0.0.2/30
host R6
declare -A table=([a]=1 [b]=2)
for isp in a b; do
	link R6:isp$isp inet:R6$isp
	addr R6 isp$isp 100.65.${table[$isp]}.2/30
	addr inet R6$isp 100.65.${table[$isp]}.1/30
	on R6 ip -batch - <<-IP
		route add default via 100.65.${table[$isp]}.1 metric ${table[$isp]}
		route add default via 100.65.${table[$isp]}.1 table ${table[$isp]}
		rule add from 100.65.${table[$isp]}.2 lookup ${table[$isp]}
	IP
	on R6 sysctl -qw net.ipv4.conf.isp$isp.rp_filter=1
done
for n in 4 5 6; do
	host_behind R$n:lan 172.16.$n.254/24 H$n 172.16.$n.1/24
done
for end in R1:eth0 R2:eth0; do
	delay ${end%:*} ${end#*:} 20
done
for end in R4:eth0 R5:eth0 R6:ispa R6:ispb; do
	delay ${end%:*} ${end#*:} 5
done
load_module

# tunnel_hub CLOUD
tunnel_hub() {
	cat <<-CONF
		interface Tunnel$1
		 ip address 10.$1.0.1 255.255.255.0
		 ip nhrp network-id $1
		 ip nhrp redirect
		 tunnel source Loopback0
		 tunnel key $1
	CONF
}
# tunnel_spoke CLOUD N SOURCE [LINE]
tunnel_spoke() {
	cat <<-CONF
		interface Tunnel$1
		 ip address 10.$1.0.$2 255.255.255.0
		 ip nhrp network-id $1
		 ip nhrp nhs 10.$1.0.1 nbma $1.$1.$1.$1
		 tunnel source $3
		 tunnel key $1
		 ${4:-}
	CONF
}
bird_common() { # ID NETWORKS
	cat <<-CONF
		router id $1;
		protocol device { scan time 1; }
		protocol direct { ipv4; interface "Tunnel*", "lan", "backbone"; }
		protocol kernel { ipv4 { export where source = RTS_BGP; }; }
		template bgp session {
			hold time 6; keepalive time 2;
			connect delay time 1; connect retry time 1; error wait time 1, 1;
		}
	CONF
}
bird_hub() { # CLOUD
	bird_common "10.$1.0.1"
	cat <<-CONF
		protocol static { ipv4; route 172.16.0.0/16 unreachable; }
		protocol bgp spokes from session {
			local 10.$1.0.1 as 65000;
			neighbor range 10.$1.0.0/24 as 65000;
			rr client;
			ipv4 { import all; export where source = RTS_STATIC; };
		}
		protocol bgp twin from session {
			local 10.0.0.$1 as 65000;
			neighbor 10.0.0.$((3 - $1)) as 65000;
			ipv4 {
				import filter { bgp_local_pref = 50; accept; };
				export where source = RTS_BGP;
				next hop self;
			};
		}
	CONF
}
bird_spoke() { # N
	local cloud
	bird_common "172.16.$1.254"
	for cloud in 1 2; do
		cat <<-CONF
			protocol bgp cloud$cloud from session {
				local 10.$cloud.0.$1 as 65000;
				neighbor 10.$cloud.0.1 as 65000;
				ipv4 {
					import filter { bgp_local_pref = $((300 - cloud * 100)); accept; };
					export where net = 172.16.$1.0/24;
				};
			}
		CONF
	done
}
for n in 1 2; do
	nhrpd R$n < <(tunnel_hub $n)
	bird R$n < <(bird_hub $n)
done
for n in 4 5; do
	nhrpd R$n < <(for cloud in 1 2; do
		tunnel_spoke $cloud $n Loopback0 'ip nhrp shortcut'
	done)
	bird R$n < <(bird_spoke $n)
done
nhrpd R6 < <(tunnel_spoke 1 6 ispa; tunnel_spoke 2 6 ispb)
bird R6 < <(bird_spoke 6)

# prefers N CLOUD: RN's FIB sends all other networks there
prefers() {
	json ".[0].gateway == \"10.$2.0.1\" and .[0].dev == \"Tunnel$2\"" \
		on "R$1" ip -j route show 172.16.0.0/16
}
# hub_route CLOUD N DEV: the hub's FIB has RN's network
hub_route() {
	json ".[0].dev == \"$3\"" on "R$1" ip -j route show "172.16.$2.0/24"
}
# shortcuts N: those that its kernel has, "DEV PREFIX NEXTHOP" a line
shortcuts() {
	on "R$1" dmvpn -j shortcut show | jq -r '.interfaces[] | .name as $dev |
		.shortcuts[] | "\($dev) \(.prefix) \(.nexthop)"' | sort | xargs
}
# direct N CLOUD M: RN sends to RM's network directly, in that cloud alone
direct() {
	prints "Tunnel$2 172.16.$3.0/24 10.$2.0.$3" shortcuts "$1" &&
		not prints "Tunnel$((3 - $2)) 172.16.$3.0/24" shortcuts "$1"
}
back_within_ten_seconds() { # STREAM...
	local stream
	for stream; do
		udp_stop "$stream"
		expect "$stream was back within ten seconds" outage "$stream" 10000 $pps
	done
}

for n in 4 5 6; do
	eventually 40 "R$n prefers the first cloud" prefers $n 1
	for hub in 1 2; do
		eventually 40 "R$hub has R$n's network by its own cloud" hub_route $hub $n Tunnel$hub
	done
done
stop_if_failed

# ---- the first cloud ----
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
eventually 10 "R4 reaches R5's network directly, in the first cloud" direct 4 1 5
eventually 10 "R5 reaches R4's network directly, in the first cloud" direct 5 1 4
udp_start H4-H6 H4 H6:172.16.6.1 $pps
udp_start H6-H4 H6 H4:172.16.4.1 $pps
eventually 10 "R4 reaches R6's network directly" direct 4 1 6
stop_if_failed

# ---- its hub dies ----
on inet ip link set R1 down
for n in 4 5 6; do
	eventually 20 "R1 is dead: R$n prefers the second cloud" prefers $n 2
done
eventually 10 "R4 reaches R5's network directly, in the second cloud" direct 4 2 5
eventually 10 "R5 reaches R4's network directly, in the second cloud" direct 5 2 4
eventually 10 "R4 reaches R6's network directly, by its other provider" direct 4 2 6
back_within_ten_seconds H6-H4
udp_stop H4-H6
expect "the direct path to R6 lost nothing" lossless H4-H6

# ---- and comes back ----
udp_start again-H6-H4 H6 H4:172.16.4.1 $pps
on inet ip link set R1 up
on inet ip route replace 1.1.1.1/32 via 100.64.1.2
for n in 4 5 6; do
	eventually 60 "R1 is back: R$n prefers the first cloud" prefers $n 1
done
eventually 10 "R4 reaches R5's network directly, in the first cloud" direct 4 1 5
eventually 10 "R5 reaches R4's network directly, in the first cloud" direct 5 1 4
for stream in H4-H5 H5-H4 again-H6-H4; do
	udp_stop $stream
done
expect "direct paths lost nothing by any of that" lossless H4-H5 H5-H4
expect "nor did the way through the hub by its return" lossless again-H6-H4
stop_if_failed

# ---- a provider dies ----
udp_start to-R6 H4 H6:172.16.6.1 $pps
udp_start from-R6 H6 H4:172.16.4.1 $pps
eventually 10 "R4 reaches R6's network directly" direct 4 1 6
on inet ip link set R6a down
eventually 20 "R6 prefers the cloud of its other provider" prefers 6 2
expect "R4 need not know" prefers 4 1
eventually 10 "R1 has R6's network by the other hub" hub_route 1 6 backbone
back_within_ten_seconds to-R6 from-R6
udp_stream H4:172.16.4.1 H6:172.16.6.1 $pps 1
expect "and nothing is lost then" lossless H4-H6 H6-H4

# ---- what was on the wires ----
capture_stop
# keyed HOST DEV KEY: all GRE there has this key
keyed() {
	prints GRE tcpdump -r "$(pcap_file "$1" "$2")" -nn -c 1 'ip proto 47' &&
		same '' "$(outer "$1" "$2" "ip proto 47 and (ip[20:2] != 0x2000 or ip[24:4] != $3)")"
}
expect "R1 heard and said nothing of the other cloud" keyed R1 eth0 1
expect "nor did R2" keyed R2 eth0 2
expect "R6: the first cloud is with the first provider" keyed R6 ispa 1
expect "R6: the second one with the second" keyed R6 ispb 2
# GRE keys, each with the cloud that its NHRP speaks of
clouds() {
	pcap R4 eth0 nhrp gre.key nhrp.src.prot.addr |
		sed -E 's/^0x0*([0-9]+)\t10\.([0-9])\..*/\1 \2/' | sort -u | xargs
}
expect "R4: NHRP of each cloud has its key" same "1 1 2 2" "$(clouds)"
