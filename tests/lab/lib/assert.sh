# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Assertions: a name in words, a command, a verdict with evidence.
#
# Every verdict is a line "ok|FAIL <seconds> <words>" for people and the same
# with tabs in $LAB_OUT/verdicts for the runner.

verdicts=$LAB_OUT/verdicts
evidence=/tmp/evidence
failures=0
: > "$verdicts"

# The runner reads these lines of a scenario before it boots anything.
rules() { :; }
kernels() { :; }
nightly() { :; }
timeout() {
	[ $# = 1 ] || command timeout "$@"
}

# tick: the time in milliseconds, in $now. (A subshell for it would cost
# more than what it measures on a debug kernel.)
tick() {
	now=$((${EPOCHREALTIME/[.,]/} / 1000))
}

# verdict RC WORDS COMMAND...: records and prints one.
verdict() {
	local rc=$1 words=$2 word=ok ms
	shift 2
	tick
	ms=$((now - scenario_start))
	if [ "$rc" != 0 ]; then
		word=FAIL
		failures=$((failures + 1))
	fi
	printf '%s\t%d\t%s\n' $word "$ms" "$words" >> "$verdicts"
	printf '%-4s %4d.%03d  %s\n' $word $((ms / 1000)) $((ms % 1000)) "$words"
	[ $word = FAIL ] || return 0
	printf '       command: %s\n       status %s, output:\n' "$*" "$rc"
	head -n 40 "$evidence" | sed 's/^/       | /'
}

# expect WORDS COMMAND...: the command succeeds. A failure is recorded and
# the scenario goes on.
expect() {
	local words=$1 rc=0
	shift
	"$@" > "$evidence" 2>&1 || rc=$?
	verdict $rc "$words" "$@"
}

# require WORDS COMMAND...: as expect, but nothing after it makes sense
# without it.
require() {
	expect "$@"
	stop_if_failed
}

stop_if_failed() {
	[ $failures = 0 ] || exit 1
}

# eventually SECONDS WORDS COMMAND...: the command succeeds before the
# deadline (longer on slow kernels). For what has no event to wait for.
eventually() {
	local words=$2 rc deadline
	tick
	deadline=$((now + $1 * 1000 * LAB_SLOW))
	shift 2
	while :; do
		rc=0
		"$@" > "$evidence" 2>&1 || rc=$?
		tick
		if [ $rc = 0 ] || [ $now -ge $deadline ]; then
			break
		fi
		# Asking takes the time that the answer needs.
		sleep "0.$LAB_SLOW"
	done
	verdict $rc "$words" "$@"
}

# not COMMAND...: succeeds when the command fails.
not() {
	! "$@"
}

# same WANTED GOT
same() {
	[ "$1" = "$2" ] && return
	printf 'wanted: %s\ngot:    %s\n' "$1" "$2"
	return 1
}

# prints PATTERN COMMAND...: the command's output has a line that matches
# the extended regular expression.
prints() {
	local pattern=$1 output
	shift
	output=$("$@" 2>&1) || true
	printf '%s\n' "$output"
	grep -qE -- "$pattern" <<< "$output"
}

# json FILTER COMMAND...: jq's FILTER is true of the command's output, and
# the command succeeds.
json() {
	local filter=$1 output
	shift
	output=$("$@") || return
	printf '%s\n' "$output"
	jq -e "$filter" <<< "$output" > /dev/null
}
