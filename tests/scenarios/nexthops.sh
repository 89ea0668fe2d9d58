# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# 2,000 IPv4 next hops with the kernel's default limits of neighbours, on a
# device as it is by default and on a POINTOPOINT one.
#
#    A 1.1.1.1 ---- inet ---- 6.6.6.6 B        172.16.0.1/16
#
rules R7
kernels uml-debug 6.12
timeout 90

underlay A=1.1.1.1 B=6.6.6.6
load_module

# try off|on: what it measures is for Documentation/pointopoint.md.
try() {
	local before kernel
	tunnel A dmvpn0 172.16.0.1/16 local 1.1.1.1 key 42 pointopoint "$1"
	tunnel B dmvpn0 172.16.0.2/16 local 6.6.6.6 key 42 pointopoint "$1"
	expect "2,000 neighbours are set" \
		on A /usr/bin/python3 "$lab/genl.py" fill dmvpn0 172.16.1.0 2000 6.6.6.6
	# Several rounds, as an older entry must make room for a newer one.
	before=$(peer A dmvpn0 6.6.6.6 tx_packets)
	for round in 1 2 3; do
		on A frame flood 172.16.0.1 172.16.1.0/16 9 2000
	done
	expect "pointopoint $1: no packet to 2,000 next hops is lost" \
		grew "sent to B" 6000 "$before" "$(peer A dmvpn0 6.6.6.6 tx_packets)"
	kernel=$(on A ip -4 neigh show dev dmvpn0 nud all | wc -l)
	case $1 in
	on) expect "pointopoint on: the kernel has one neighbour, not $kernel" test "$kernel" -le 1 ;;
	off) expect "pointopoint off: the kernel keeps $kernel neighbours, below its limit" \
		test "$kernel" -le 1024 ;;
	esac
	unload_devices
}
unload_devices() {
	on A dmvpn link del dmvpn0
	on B dmvpn link del dmvpn0
}
try off
try on
eventually 10 "the module is removed" rmmod dmvpn
