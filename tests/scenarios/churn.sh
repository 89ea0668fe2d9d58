# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Two writers change all that can be changed, tables and link, while packets
# flow in, out and through, somebody dumps and somebody listens. Then the
# device, its namespaces and the module go amid it. What the kernel has to say
# against that is in its log, which every run is judged by.
#
#    A 1.1.1.1 ---- inet ---- 6.6.6.6 B
#                    forges 172.16.0.1 to .64, who send to all of 10.8.0.0/24
#
#    over: a namespace for the device, under: one for its packets
#    under u0 10.7.7.1/24 ---- 10.7.7.2/24 v0 B
#
rules R10
nightly uml-debug 6.12
timeout 240

genl=$lab/genl.py
python=/usr/bin/python3
# A slow machine has enough to do with what is changed.
pps=$((LAB_SLOW > 1 ? 200 : 4000))
gre=200008000000002a
udp=4500001c0000000040110000ac1000010a0800010009000900080000

underlay A=1.1.1.1 B=6.6.6.6
capture_stop
for name in A inet; do
	on $name sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
done

# device: A's and B's, as every round begins
device() {
	tunnel A dmvpn0 10.8.200.1/16 local 1.1.1.1 key 42 network-id 7 redirect on
	on A ip -batch - <<-IP
		route add 10.9.0.0/16 via 10.8.0.1
		route add 224.0.0.0/4 dev dmvpn0
	IP
	on A dmvpn peer add dmvpn0 10.8.200.2 nbma 6.6.6.6 static
}
far_device() {
	tunnel B dmvpn0 10.8.200.2/16 local 6.6.6.6 key 42
	on B dmvpn peer add dmvpn0 10.8.200.1 nbma 1.1.1.1
}
load_module
device
far_device

# keep NAME COMMAND...: runs to the end of the scenario
declare -A busy
keep() {
	"${@:2}" > "$LAB_OUT/$1.kept" 2>&1 <&0 &
	busy[$1]=$!
}
# inside HOST COMMAND...: becomes it
inside() {
	exec nsenter -t "${host_pid[$1]}" -n -- "${@:2}"
}
alive() {
	local name
	for name in "${!busy[@]}"; do
		kill -0 "${busy[$name]}" || { echo "$name has ended"; return 1; }
	done
}

# turmoil: begins; calm: it is over
turmoil() {
	inside A $python "$genl" turmoil dmvpn0 $((LAB_SLOW > 1 ? 10 : 6)) \
		> "$LAB_OUT/turmoil" 2>&1 &
	turmoil=$!
}
calm() {
	local rc=0
	wait $turmoil || rc=$?
	cat "$LAB_OUT/turmoil"
	return $rc
}

keep neighbours inside A inject scan 10.8.200.1 10.8.0.0 256 $pps
keep shortcuts inside A inject scan 10.8.200.1 10.9.0.0 65536 $pps
keep multicast inside A inject scan 10.8.200.1 224.0.0.0 1024 $((pps / 4))
keep transit inside inet inject hairpin 172.16.0.1 1.1.1.1 $gre 64 256 $pps <<< $udp
keep monitor inside A dmvpn -j monitor

# ---- tables and link ----

turmoil
expect "two change everything, one dumps it" calm
sed 's/^/       /' "$evidence"
expect "packets flowed all the time, and events" alive
# as_new: the last change of its link taken back, it works as ever
as_new() {
	on A dmvpn link set dmvpn0 remote any key 42 ttl 255
	on A ping -c 1 -W 5 10.8.200.2
}
expect "the device is as good as new" as_new

# counts WORD...: each of them has grown
counts() {
	local word
	for word; do
		echo "$word: $(counted A dmvpn0 "$word")"
		[ "$(counted A dmvpn0 "$word")" -gt 0 ] || return
	done
}
expect "they took every way" counts via-nhs via-shortcut multicast-copy upcall

# ---- the device goes ----

turmoil
for n in 1 2 3; do
	sleep 1
	expect "the device is deleted amid it ($n)" on A dmvpn link del dmvpn0
	device
done
expect "those who change it go on with the next" calm
sed 's/^/       /' "$evidence"
expect "so do packets and events" alive

# ---- its namespaces go ----

# stage: a device in over whose packets are under's, and the same turmoil
stage() {
	ip netns add under
	ip netns add over
	ip link add u0 netns under type veth peer name v0 netns "${host_pid[B]}"
	ip -n under addr add 10.7.7.1/24 dev u0
	ip -n under link set u0 up
	addr B v0 10.7.7.2/24
	ip netns exec under dmvpn link add dmvpn0 local 10.7.7.1 key 42 redirect on
	ip -n under link set dmvpn0 netns over
	ip -n over addr add 10.8.200.1/16 dev dmvpn0
	ip -n over link set dmvpn0 up
	ip -n over route add 10.9.0.0/16 via 10.8.0.1
	ip netns exec over $python "$genl" turmoil dmvpn0 60 &> "$LAB_OUT/staged" & disown
	ip netns exec over inject scan 10.8.200.1 10.8.0.0 256 $pps > /dev/null & disown
	inside B inject hairpin 172.16.0.1 10.7.7.1 $gre 64 256 $pps <<< $udp > /dev/null &
	hairpin=$!
	eventually 10 "a device in other namespaces is as busy" busy_peers
}
busy_peers() {
	json '.interfaces[0].peer_count > 10' ip netns exec over dmvpn -j show kernel
}
devices() {
	ip netns exec "$1" dmvpn -j show kernel | jq '.interfaces | length'
}
# empty over: whoever works there is killed
empty() {
	ip netns pids over | xargs -r kill -KILL
}
unstage() {
	kill -TERM $hairpin
	wait $hairpin || true
	on B ip link del v0 2>/dev/null || true
}
none() {
	! ip netns | grep -E 'over|under'
}

stage
ip netns del under
eventually 10 "the packets' namespace goes, and the device" eval '[ "$(devices over)" = 0 ]'
empty
ip netns del over
unstage

stage
empty
ip netns del over
eventually 10 "its own goes, and the device" eval '[ "$(devices under)" = 0 ]'
ip netns del under
unstage

stage
empty
ip netns del over
ip netns del under
unstage
eventually 10 "both go at once" none

# ---- the module goes ----

turmoil
for n in 1 2; do
	sleep 1
	on A dmvpn link del dmvpn0
	on B dmvpn link del dmvpn0
	eventually 10 "the module is removed amid it ($n)" rmmod dmvpn
	load_module
	device
	far_device
done
expect "those who change it go on with the next" calm
sed 's/^/       /' "$evidence"
expect "packets do" alive
expect "the device is as good as new" as_new
kill -TERM "${busy[@]}"
unload A:dmvpn0 B:dmvpn0
