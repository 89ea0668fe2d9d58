# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A capture of every wire: $LAB_OUT/HOST-DEV.pcap, taken at its first end.

declare -A capture_pid

# capture HOST DEV [TCPDUMP-WORD...]: starts one; `link` does it for each wire.
capture() {
	local line fd at_once=(--immediate-mode -U)
	# A wake-up and a write for each packet is much for a slow kernel.
	[ "$LAB_SLOW" = 1 ] || at_once=()
	exec {fd}< <(exec nsenter -t "${host_pid[$1]}" -n -m -- tcpdump -i "$2" \
		"${at_once[@]}" -Z root -n -s 0 -w "$LAB_OUT/$1-$2.pcap" "${@:3}" 2>&1)
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
	sleep $((LAB_SLOW / 2)).2
	for pid in "${capture_pid[@]}"; do
		kill -INT "$pid"
	done
	for pid in "${capture_pid[@]}"; do
		wait "$pid" || true
	done
	capture_pid=()
}

# pcap_file HOST DEV: where the capture of that wire is, taken at either end.
pcap_file() {
	local file=$LAB_OUT/$1-$2.pcap end=${other_end[$1:$2]:-}
	[ -e "$file" ] || file=$LAB_OUT/${end%%:*}-${end#*:}.pcap
	echo "$file"
}

# pcap HOST DEV FILTER [FIELD...]: the packets that tshark's display filter
# lets through, one a line; only the named fields, tabs between, if any.
pcap() {
	local file filter=$3 fields=()
	file=$(pcap_file "$1" "$2")
	shift 3
	[ $# = 0 ] || fields=(-T fields "${@/#/-e}")
	tshark -n -r "$file" -Y "$filter" "${fields[@]}" 2>/dev/null
}

# outer HOST DEV FILTER [COUNT]: source and destination of the packets that
# tcpdump's filter lets through, or of the first COUNT of them, one a line.
# tshark takes ten seconds to start on a slow kernel; for questions about the
# outer header it is not needed.
outer() {
	tcpdump -r "$(pcap_file "$1" "$2")" -nn -q ${4:+-c "$4"} "$3" 2>/dev/null |
		sed -n -E 's/^[^ ]+ IP6? ([0-9a-f:.]+) > ([0-9a-f:.]+): .*/\1 \2/p'
}
