# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The lab itself, without a module of ours: hosts, wires, captures, streams,
# events, FRR, and that a fault in the kernel's log would be noticed.
#
#    A eth0 ---- inet ---- eth0 B        1.1.1.1 and 6.6.6.6 by way of inet,
#      eth1 ------------------ eth1      10.0.0.0/24 directly
#
kernels 6.12 6.1 uml-debug
timeout 60

underlay A=1.1.1.1 B=6.6.6.6@Loopback0
link A:eth1 B:eth1
addr A eth1 10.0.0.1/24
addr B eth1 10.0.0.2/24

expect "hosts have names of their own" same B "$(on B hostname)"
expect "direct wire answers" on A ping -c 3 -i 0.2 10.0.0.2
expect "public addresses answer through inet" on A ping -c 1 -I 1.1.1.1 6.6.6.6

delay A eth0 20
expect "a delayed wire is slow both ways" \
	prints 'time=(4[0-9]|[5-9][0-9]|[1-9][0-9][0-9])' on A ping -c 1 6.6.6.6

events links B ip -o monitor link
on B ip link add probe type dummy
expect "an event is waited for" next_event links probe 10

udp_stream A:1.1.1.1 B:6.6.6.6 "$LAB_PPS" 2
expect "a stream over the delayed wire loses nothing" lossless A-B B-A
expect "its packets took the time of the wire" \
	jq -e '.min_delay_ms >= 20' "$LAB_OUT/A-B.udp.json"
udp_start gone A B:10.0.0.2
on B ip link set eth1 down
sleep 0.5
udp_stop gone
expect "a stream into a dead wire counts its losses" not lossless gone

frr A <<-CONF
	hostname A
	router bgp 65000
	 no bgp ebgp-requires-policy
	 neighbor 6.6.6.6 remote-as 65000
CONF
expect "FRR's zebra runs on A" prints 'eth0 .*up' on A vtysh -c 'show interface brief'
expect "FRR's bgpd runs on A" prints 65000 on A vtysh -c 'show running-config'
bird B <<-CONF
	router id 6.6.6.6;
	protocol device {}
CONF
expect "BIRD runs on B" prints 'Router ID is 6.6.6.6' on B birdc show status
expect "FRR does not run on B" not on B test -e /run/frr/zebra.pid

capture_stop
expect "the capture has the pings" prints '^1.1.1.1.*6.6.6.6' \
	pcap A eth0 'icmp.type == 8' ip.src ip.dst
expect "a wire's capture is found from its other end" prints ICMP pcap B eth1 icmp
