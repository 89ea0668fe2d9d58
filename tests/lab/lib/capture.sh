# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A capture of every wire: $LAB_OUT/HOST-DEV.pcap, taken at its first end.

declare -A capture_pid

# capture HOST DEV [TCPDUMP-WORD...]: starts one; `link` does it for each wire.
capture() {
	local line fd
	exec {fd}< <(exec nsenter -t "${host_pid[$1]}" -n -m -- tcpdump -i "$2" \
		--immediate-mode -U -Z root -n -s 0 -w "$LAB_OUT/$1-$2.pcap" "${@:3}" 2>&1)
	capture_pid[$1-$2]=$!
	while read -r line <&"$fd"; do
		case $line in *'listening on'*) return ;; esac
		echo "tcpdump: $line"
	done
	return 1
}

# capture_stop: before a pcap is looked at.
capture_stop() {
	local pid
	# tcpdump drops what it has not yet read when it is told to end.
	sleep 0.$((2 * LAB_SLOW))
	for pid in "${capture_pid[@]}"; do
		kill -INT "$pid"
	done
	for pid in "${capture_pid[@]}"; do
		wait "$pid" || true
	done
	capture_pid=()
}

# pcap HOST DEV FILTER [FIELD...]: the packets that tshark's display filter
# lets through, one a line; only the named fields, tabs between, if any.
pcap() {
	local file=$LAB_OUT/$1-$2.pcap end=${other_end[$1:$2]:-} filter=$3
	local fields=()
	[ -e "$file" ] || file=$LAB_OUT/${end%%:*}-${end#*:}.pcap
	shift 3
	[ $# = 0 ] || fields=(-T fields "${@/#/-e}")
	tshark -n -r "$file" -Y "$filter" "${fields[@]}" 2>/dev/null
}
