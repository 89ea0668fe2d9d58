# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Sequence-checked UDP streams (see ../useq.c): what did a path lose, repeat,
# reorder, and for how long was it silent?

declare -A stream_sender stream_receiver
stream_port=20000

# udp_start NAME FROM[:SOURCE] TO:ADDRESS [PPS]: runs until udp_stop.
udp_start() {
	local name=$1 from=${2%%:*} to=${3%%:*} address=${3#*:} pps=${4:-$LAB_PPS}
	local source=0.0.0.0 line fd
	case $2 in *:*) source=${2#*:} ;; esac
	case $address in *:*) [ "$source" != 0.0.0.0 ] || source=:: ;; esac
	stream_port=$((stream_port + 1))
	exec {fd}< <(exec nsenter -t "${host_pid[$to]}" -n -- \
		useq recv "$address" $stream_port 2>&1 1> >(tee "$LAB_OUT/$name.received"))
	stream_receiver[$name]=$!
	read -r line <&"$fd"
	if [ "$line" != ready ]; then
		echo "udp_start $name: $line"
		return 1
	fi
	on "$from" true
	(exec nsenter -t "${host_pid[$from]}" -n -- \
		useq send "$source" "$address" $stream_port "$pps") > "$LAB_OUT/$name.sent" &
	stream_sender[$name]=$!
}

# udp_stop NAME: ends the stream, waits for what is under way, and prints
# {sent, received, lost, duplicated, reordered, max_gap_ms, ..delay_ms..};
# the same is in $LAB_OUT/NAME.udp.json.
udp_stop() {
	local name=$1
	kill -TERM "${stream_sender[$name]}"
	wait "${stream_sender[$name]}" || true
	kill -TERM "${stream_receiver[$name]}"
	wait "${stream_receiver[$name]}" || true
	jq -c -s --arg name "$name" 'add | {name: $name, lost: (.sent - .received)} + .' \
		"$LAB_OUT/$name.sent" <(grep '^{' "$LAB_OUT/$name.received") |
		tee "$LAB_OUT/$name.udp.json"
}

# udp_count NAME FIELD: one number of a stopped stream.
udp_count() {
	jq ".$2" "$LAB_OUT/$1.udp.json"
}

# lossless NAME...: for expect; shows the tallies.
lossless() {
	local name rc=0
	for name in "$@"; do
		cat "$LAB_OUT/$name.udp.json"
		jq -e '.sent > 0 and .lost == 0 and .duplicated == 0' \
			"$LAB_OUT/$name.udp.json" > /dev/null || rc=1
	done
	return $rc
}

# outage NAME MS PPS: for expect; nothing of a stopped stream was missing for
# longer than that, nor more than such a gap explains
outage() {
	jq -e --argjson ms "$2" --argjson pps "$3" '.received > 0 and
		.max_gap_ms <= $ms and .lost <= .max_gap_ms * $pps / 1000 + $pps / 10' \
		"$LAB_OUT/$1.udp.json"
}

# udp_stream A:ADDRESS B:ADDRESS PPS SECONDS: both ways, named A-B and B-A.
udp_stream() {
	local a=${1%%:*} b=${2%%:*}
	udp_start "$a-$b" "$1" "$2" "$3"
	udp_start "$b-$a" "$2" "$1" "$3"
	sleep "$4"
	udp_stop "$a-$b"
	udp_stop "$b-$a"
}
