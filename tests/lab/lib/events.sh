# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Waiting for something to be said instead of asking again and again.

declare -A events_fd events_pid

# events NAME HOST COMMAND...: listens to a command that prints a line for
# each event (`ip monitor`, `dmvpn monitor`); all of it is in
# $LAB_OUT/NAME.events. Start it before what causes the event.
events() {
	local name=$1 who=$2 fd
	shift 2
	exec {fd}< <(exec nsenter -t "${host_pid[$who]}" -n -m -u -- "$@" 2>&1)
	events_fd[$name]=$fd
	events_pid[$name]=$!
	: > "$LAB_OUT/$name.events"
	listening "${events_pid[$name]}"
}

# listening PID: waits until the program waits for its first event; what
# happened before is not told. It does when it has a socket and is asleep,
# and is so again a moment later.
listening() {
	local deadline seen=0
	tick
	deadline=$((now + 10000 * LAB_SLOW))
	while [ $seen -lt 2 ]; do
		tick
		if [ "$now" -ge $deadline ]; then
			echo "process $1 does not listen"
			return 1
		fi
		sleep 0.05
		if asleep_with_socket "$1"; then
			seen=$((seen + 1))
		else
			seen=0
		fi
	done
}

asleep_with_socket() {
	local stat fd
	read -r stat < "/proc/$1/stat" || return
	case ${stat##*) } in S*) ;; *) return 1 ;; esac
	for fd in "/proc/$1/fd/"*; do
		[ ! -S "$fd" ] || return 0
	done
	return 1
}

# next_event NAME PATTERN SECONDS: reads on to the next line that matches
# and prints it; fails at the deadline (longer on slow kernels).
next_event() {
	local line left seconds deadline
	tick
	deadline=$((now + $3 * 1000 * LAB_SLOW))
	while tick && left=$((deadline - now)) && [ $left -gt 0 ]; do
		printf -v seconds '%d.%03d' $((left / 1000)) $((left % 1000))
		read -r -t "$seconds" line <&"${events_fd[$1]}" || break
		printf '%s\n' "$line" >> "$LAB_OUT/$1.events"
		if [[ $line =~ $2 ]]; then
			printf '%s\n' "$line"
			return
		fi
	done
	echo "no event like '$2' within $3 s (x $LAB_SLOW)"
	tail -n 10 "$LAB_OUT/$1.events"
	return 1
}

# wait_event HOST PATTERN SECONDS COMMAND...: both in one, for a command
# that also tells how things stand when it starts.
wait_event() {
	local who=$1 pattern=$2 seconds=$3 rc=0
	shift 3
	events "wait-$who" "$who" "$@"
	next_event "wait-$who" "$pattern" "$seconds" || rc=$?
	kill "${events_pid[wait-$who]}" 2>/dev/null || true
	return $rc
}
