# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a hub does for its peers: registrations a second, memory a peer, copies
# of a multicast packet; ours and FRR's, in the same guest, one after the
# other, before the same generator (nhrpgen.c).   Run by `bench`.
#
#   H our hub  192.0.2.1 ---\                 spoke i:   NBMA 20.0.0.1 + i
#                            G nhrpgen                   tunnel 10.64.0.1 + i
#   F FRR      192.0.2.1 ---/
#
# Generator, kernel and daemons share the one CPU of the guest.
rules R3
kernels uml
timeout 600

# shellcheck source=/dev/null
. "$LAB_REPO/tests/bench/frr.sh"

capture() { :; }
few=1000 many=10000
declare -A dev=([H]=Tunnel0 [F]=gre1) side=([H]=ours [F]=frr)

# The kernel's default for a whole machine is 1,024 neighbours; FRR's hub would
# stop there without a word.
sysctl -qw net.ipv4.neigh.default.gc_thresh{1,2,3}=1000000

# wire HUB: to the generator, which throws away what the hub sends to nobody
wire() {
	link "G:$1" "$1:eth0"
	on "$1" ip link set eth0 address 02:02:02:02:02:02
	on "$1" ip -batch - <<-IP
		addr add 192.0.2.1/30 dev eth0
		neigh replace 192.0.2.2 lladdr 06:06:06:06:06:06 dev eth0 nud permanent
		route add 20.0.0.0/8 via 192.0.2.2
	IP
	on G tc qdisc add dev "$1" clsact
	on G tc filter add dev "$1" ingress matchall action drop
}

our_hub() {
	load_module
	nhrpd H <<-CONF
		interface Tunnel0
		 ip address 10.0.0.1 255.0.0.0
		 ip nhrp map multicast dynamic
		 ip nhrp network-id 1
		 ip nhrp holdtime 600
		 tunnel source eth0
		 tunnel mode gre multipoint
		 tunnel key 42
	CONF
	eventually 10 "our hub is there" on H dmvpn -j show
	daemons=("${nhrpd_pid[H]}")
}

frr_hub() {
	stock_gre F eth0 192.0.2.1 10.0.0.1
	frr_rules F 0
	frr F <<-CONF
		nhrp multicast-nflog-group 2
		interface gre1
		 ip nhrp network-id 1
		 ip nhrp holdtime 600
		 ip nhrp registration no-unique
		 ip nhrp map multicast dynamic
	CONF
	daemons=("$(on F cat /run/frr/nhrpd.pid)" "$(on F cat /run/frr/zebra.pid)")
}

# entries HUB: those that its kernel can send to
entries() {
	case $1 in
	H) on H dmvpn -j peer show | grep -o '"nbma":' | wc -l ;;
	F) on F ip neigh show dev gre1 | wc -l ;;
	esac
}

has() { [ "$(entries "$1")" -ge "$2" ]; }

# register ROW HUB FIRST COUNT: prints what nhrpgen does
register() {
	local line answered refused again seconds own cpu
	line=$(on G nhrpgen "$2" 192.0.2.1 10.0.0.1 "20.$(($3 >> 16)).$(($3 >> 8 & 255)).$(($3 & 255))" \
		"10.$((64 + ($3 >> 16))).$(($3 >> 8 & 255)).$(($3 & 255))" "$4" 42 "${daemons[@]}")
	read -r answered refused again seconds own cpu <<< "$line"
	echo "$1 ${side[$2]}: $line"
	expect "${side[$2]}: no registration is refused" same "$4 0" "$answered $refused"
	value "$1" "${side[$2]}" "$(awk "BEGIN { print $answered / $seconds }")"
	value "$1-cpu" "${side[$2]}" "$(awk -v t="$seconds" '{ for (i = 1; i <= NF; i++) n += $i
		printf "%.1f\n", 100 * n / t }' <<< "$cpu")"
	value "$1-generator-cpu" "${side[$2]}" "$(awk "BEGIN { print 100 * $own / $seconds }")"
	value "$1-again" "${side[$2]}" "$again"
}

kernel_memory() {
	awk '/^(Slab|Percpu|VmallocUsed):/ { n += $2 } END { print n * 1024 }' /proc/meminfo
}

# resident: of each daemon, in bytes
resident() {
	local pid
	for pid in "${daemons[@]}"; do
		awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$pid/status"
	done
}

# fan_out HUB SIDE TIMES WAIT
fan_out() {
	local n copies time
	for ((n = 0; n < $3; n++)); do
		read -r copies time <<< "$(on "$1" copies "${dev[$1]}" eth0 224.0.0.77 "$4")"
		echo "$2: $copies copies in $time us"
		[ "$copies" = $few ] || time=none
		[ "$time" = none ] || time=$(awk "BEGIN { print $time / 1000 }")
		value multicast "$2" "$time"
	done
}

# growth HUB WHAT BEFORE AFTER: bytes a peer
growth() {
	value "memory-$2" "${side[$1]}" $((($4 - $3) / many))
}

# play HUB: all of it, for one
play() {
	local hub=$1 kernel memory after i
	mapfile -t memory < <(resident)
	kernel=$(kernel_memory)
	register first "$hub" 1 $few
	eventually 60 "${side[$hub]}: the kernel has $few peers" has "$hub" $few
	if [ "$hub" = H ]; then
		fan_out H ours 10 0.5
	else
		fan_out F frr 3 4
		frr_rules F 1
		fan_out F frr-threshold 5 1.5
	fi
	register register-new "$hub" $((few + 1)) $((many - few))
	eventually 120 "${side[$hub]}: the kernel has $many peers" has "$hub" "$many"
	register register-refresh "$hub" 1 "$many"
	mapfile -t after < <(resident)
	growth "$hub" kernel "$kernel" "$(kernel_memory)"
	growth "$hub" daemon "${memory[0]}" "${after[0]}"
	for ((i = 1; i < ${#after[@]}; i++)); do
		growth "$hub" zebra "${memory[i]}" "${after[i]}"
	done
}

host H F G
wire H
wire F
our_hub
play H
frr_hub
play F
