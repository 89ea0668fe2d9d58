# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Hosts and the wires between them.
#
# A host is a process that holds its own network, mounts and name: its own
# /run /tmp /var/log, and an /etc of which it may change anything. What it
# writes to /var/log is kept in $LAB_OUT/HOST/.

declare -A host_pid other_end

# host NAME...
host() {
	local name line fd
	for name in "$@"; do
		mkdir -p "$LAB_OUT/$name"
		exec {fd}< <(exec unshare --net --mount --uts --propagation private \
			"$lab/host" "$name" 2>&1)
		host_pid[$name]=$!
		read -r line <&"$fd" || line='no answer'
		if [ "$line" != ready ]; then
			echo "host $name: $line"
			return 1
		fi
	done
}

# on HOST COMMAND...
on() {
	local name=$1
	shift
	nsenter -t "${host_pid[$name]:?no such host: $name}" -n -m -u -- "$@"
}

# link A:DEV B:DEV: a wire, up at both ends, captured (see capture.sh).
link() {
	local a=${1%%:*} adev=${1#*:} b=${2%%:*} bdev=${2#*:}
	ip link add "$adev" netns "${host_pid[$a]}" up type veth \
		peer name "$bdev" netns "${host_pid[$b]}"
	on "$b" ip link set "$bdev" up
	other_end[$1]=$2
	other_end[$2]=$1
	capture "$a" "$adev"
}

# addr HOST DEV ADDRESS/LENGTH...
addr() {
	local dev=$2
	on "$1" ip -batch - <<< "$(addr_lines "$dev" "${@:3}")"
}

# addr_lines DEV ADDRESS/LENGTH...: for ip -batch.
addr_lines() {
	local dev=$1 address nodad
	shift
	for address in "$@"; do
		nodad=
		case $address in *:*) nodad=nodad ;; esac
		echo "addr add $address dev $dev $nodad"
	done
	echo "link set $dev up"
}

# lan HOST DEV ADDRESS/LENGTH...: a network behind the host, always up.
lan() {
	on "$1" ip link add "$2" type dummy
	addr "$@"
}

# host_behind HOST:DEV ADDRESS/LENGTH NAME ADDRESS/LENGTH: a host by that name on
# a wire of HOST, its way out
host_behind() {
	host "$3"
	link "$1" "$3:eth0"
	addr "${1%:*}" "${1#*:}" "$2"
	addr "$3" eth0 "$4"
	on "$3" ip route add default via "${2%/*}"
}

# delay HOST DEV MS: each direction of that wire takes so much longer.
delay() {
	local end
	for end in "$1:$2" "${other_end[$1:$2]}"; do
		on "${end%%:*}" tc qdisc replace dev "${end#*:}" root \
			netem delay "$3ms" limit 100000
	done
}

# underlay HOST=ADDRESS[@DEV]...: a star of all hosts round the router
# `inet`, each reached at its public address. The address is on DEV: `lo` when
# not said, `eth0`, or a new dummy device (Loopback0).
#
#   HOST eth0 ---- 100.64.N.0/30 ---- HOST inet     N in the order of naming
#         or 3fff:100:N::/64, for an IPv6 address
underlay_count=0
underlay() {
	local spec name address dev inet own all
	[ -n "${host_pid[inet]:-}" ] || host inet
	for spec in "$@"; do
		name=${spec%%=*}
		address=${spec#*=}
		dev=lo
		case $address in *@*) dev=${address#*@} address=${address%@*} ;; esac
		underlay_count=$((underlay_count + 1))
		inet=100.64.$underlay_count.1/30 own=100.64.$underlay_count.2/30 all=32
		case $address in *:*)
			inet=3fff:100:$underlay_count::1/64
			own=3fff:100:$underlay_count::2/64 all=128
			;;
		esac
		[ -n "${host_pid[$name]:-}" ] || host "$name"
		link "$name:eth0" "inet:$name"
		on inet ip -batch - <<-IP
			$(addr_lines "$name" "$inet")
			route add $address/$all via ${own%/*}
		IP
		case $dev in
		lo | eth0) ;;
		*) on "$name" ip link add "$dev" type dummy ;;
		esac
		on "$name" ip -batch - <<-IP
			$(addr_lines eth0 "$own")
			$(addr_lines "$dev" "$address/$all")
			route add default via ${inet%/*} src $address
		IP
	done
}

# load_module [PARAMETER=VALUE...]
load_module() {
	local module=$build/$LAB_KERNEL/dmvpn.ko dependency
	if [ "$LAB_MACHINE" != uml ]; then
		for dependency in $(modinfo -F depends "$module" | tr , ' '); do
			modprobe "$dependency"
		done
	fi
	insmod "$module" "$@"
}

# hops HOST [OPTION...] ADDRESS: the way there, as traceroute sees it, one probe
# at a time (a host that gets many at once does not answer them all)
hops() {
	on "$1" traceroute -n -q 1 -N 1 -w 3 "${@:2}" |
		awk '$1 ~ /^[0-9]+$/ { printf "%s%s", sep, $2; sep = " " }'
}
