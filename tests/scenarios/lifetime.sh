# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Devices, namespaces and the module itself go while packets flow.
#
#    A 1.1.1.1 ---- inet ---- 6.6.6.6 B       V: a namespace without wires
#
#    over: a namespace for the device, under: one for its underlay, both of
#    which can be deleted;  under u0 10.7.7.1/24 ---- 10.7.7.2/24 v0 B
#
rules R1 R9
kernels uml-debug 6.12
timeout 90

underlay A=1.1.1.1 B=6.6.6.6
host V
load_module
ends() {
	tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42
	on A dmvpn peer add dmvpn0 192.168.1.6 nbma 6.6.6.6
}
ends
tunnel B dmvpn0 192.168.1.6/24 local 6.6.6.6 key 42
on B dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1
require "A reaches B" on A ping -c 1 192.168.1.6

expect "the module cannot be removed while there are devices" not rmmod dmvpn

# ---- deletion under traffic ----

udp_start there A:192.168.1.1 B:192.168.1.6
udp_start back B:192.168.1.6 A:192.168.1.1
for n in 1 2 3; do
	expect "A's device is deleted under traffic ($n)" on A dmvpn link del dmvpn0
	ends
	expect "and made again" on A ping -c 1 -W 2 192.168.1.6
done
for n in 1 2 3; do
	on A dmvpn peer del dmvpn0 nbma 6.6.6.6
	on A dmvpn peer add dmvpn0 192.168.1.6 nbma 6.6.6.6
done
expect "a peer may come and go under traffic" on A ping -c 1 -W 2 192.168.1.6
udp_stop there > /dev/null
udp_stop back > /dev/null
expect "the streams did flow" jq -s -e 'all(.received > 0)' \
	"$LAB_OUT/there.udp.json" "$LAB_OUT/back.udp.json"

# ---- another namespace for the device ----

on A ip link set dmvpn0 netns "${host_pid[V]}"
on V ip addr add 192.168.1.1/24 dev dmvpn0
on V ip link set dmvpn0 up
expect "V reaches B by A's underlay" on V ping -c 1 192.168.1.6
expect "B reaches V" on B ping -c 1 192.168.1.1
expect "the table came along" same 6.6.6.6 "$(neighbour V dmvpn0 192.168.1.6 nbma)"
expect "A does not see it any more" not on A dmvpn peer show dmvpn0
on V dmvpn link del dmvpn0

# ---- namespaces that go ----

# stage: under with a wire to B, over with a device of under.
stage() {
	ip netns add under
	ip netns add over
	ip link add u0 netns under type veth peer name v0 netns "${host_pid[B]}"
	ip -n under addr add 10.7.7.1/24 dev u0
	ip -n under link set u0 up
	ip -n under link set lo up
	addr B v0 10.7.7.2/24
	ip netns exec under dmvpn link add t0 local 10.7.7.1 key 42 up
	ip -n under link set t0 netns over
	ip -n over addr add 192.168.1.7/24 dev t0
	ip -n over link set t0 up
	ip netns exec over dmvpn peer add t0 192.168.1.6 nbma 10.7.7.2
	on B dmvpn link add dmvpn7 local 10.7.7.2 key 42 up
	on B ip addr add 192.168.1.6/32 dev dmvpn7
	on B dmvpn peer add dmvpn7 192.168.1.7 nbma 10.7.7.1
	on B ip route replace 192.168.1.7/32 dev dmvpn7
	expect "over reaches B by under" ip netns exec over ping -c 1 -W 2 192.168.1.6
	(exec nsenter -t "${host_pid[B]}" -n ping -q -i 0.01 192.168.1.7 > /dev/null) 2>/dev/null &
	ping=$!
}
unstage() {
	kill $ping 2>/dev/null || true
	wait $ping 2>/dev/null || true
	on B dmvpn link del dmvpn7
	on B ip link del v0 2>/dev/null || true
}
gone() { ! ip -n "$1" link show "$2" 2>/dev/null; }

stage
ip netns del over
eventually 10 "with over its device goes, under traffic" \
	eval '[ "$(ip netns exec under dmvpn -j show kernel | jq ".interfaces | length")" = 0 ]'
ip netns del under
unstage

stage
ip netns del under
eventually 10 "with under the device in over goes, under traffic" gone over t0
ip netns del over
unstage

stage
ip netns del under
ip netns del over
unstage
eventually 10 "both at once" eval '! ip netns | grep -E "over|under"'

# ---- the module under incoming GRE ----

on B dmvpn link del dmvpn0
eventually 10 "the module is removed" rmmod dmvpn
stop=/tmp/stop
gre=200008000000002a45000014000000004001000006060606c0a80101
(until [ -e $stop ]; do on B frame raw 6.6.6.6 1.1.1.1 $gre 200; done) &
for n in 1 2 3 4 5; do
	expect "the module comes under incoming GRE ($n)" load_module
	ends
	eventually 2 "it receives" eval '[ "$(on A ip -j -s link show dmvpn0 |
		jq ".[0].stats64.rx.packets")" -gt 0 ]'
	on A dmvpn link del dmvpn0
	eventually 10 "and goes" rmmod dmvpn
done
touch $stop
wait $!
