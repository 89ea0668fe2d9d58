# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The suites: sources, userspace, KUnit, scenarios.

# declared WORD FILE: what a scenario's line "WORD ..." says.
declared() {
	sed -n "s/^$1 \+//p" "$2" | head -n 1
}

# What tests/lint says, a tool a case.
lint_suite() {
	local tool start=$SECONDS
	for tool in checkpatch sparse format shellcheck; do
		if logged "$results/lint-$tool.log" "$repo/tests/lint" $tool; then
			record ok lint $tool 0
		else
			record FAIL lint $tool 0
		fi
	done
	say "4 readers of the sources in $((SECONDS - start)) s"
}

# Userspace: what tests/unit says of each program and script.
unit_suite() {
	local start=$SECONDS word name suites=0 rc=0
	if ! grep -q '^unit:' "$repo/Makefile" 2>/dev/null; then
		say "no userspace suites yet"
		return
	fi
	say "userspace suites"
	logged "$results/unit.log" make -C "$repo" -j "$(nproc)" unit || rc=$?
	while read -r word name _; do
		[ "$word" = ok ] || word=FAIL
		record "$word" unit "$name" 0
		suites=$((suites + 1))
	done < <(grep -E '^(ok|FAILED) ' "$results/unit.log")
	# A suite that does not build has no line of its own.
	if [ $rc != 0 ] && ! grep -q '^FAILED ' "$results/unit.log"; then
		record FAIL unit "make unit" 0
	fi
	say "$suites userspace suites in $((SECONDS - start)) s"
}

# The lab's own judge must know a fault when it sees one.
lab_suite() {
	if logged "$results/lab.log" "$lab/kernel-reports-test"; then
		record ok unit "kernel reports" 0
	else
		record FAIL unit "kernel reports" 0
	fi
}

# insmod says nothing of failed cases: the KTAP in debugfs does.
kunit_suite() {
	local out=$results/uml-debug/kunit start=$SECONDS cases case rc=0
	mkdir -p "$out"
	if [ ! -e "$build/uml-debug/dmvpn.ko" ]; then
		record FAIL kunit "no module" 0 uml-debug
		return
	fi
	LAB_KUNIT=1 "$lab/boot" --quiet --out "$out" --see "$build" --timeout 600 uml-debug -- \
		sh -c "insmod '$build/uml-debug/dmvpn.ko' &&
			cat /sys/kernel/debug/kunit/*/results > '$out/ktap'" || rc=$?
	[ $rc = 0 ] || record FAIL kunit "the guest (status $rc)" $((SECONDS - start)) uml-debug
	# Cases are indented by one level, their parameters by two.
	cases=$(sed -n -E 's/^    (ok|not ok) [0-9]+ /\1\t/p' "$out/ktap" 2>/dev/null || true)
	if [ -z "$cases" ]; then
		say "KUnit ran no case"
		record FAIL kunit "any case at all" 0 uml-debug
		return
	fi
	while IFS=$'\t' read -r word case; do
		[ "$word" = ok ] || word=FAIL
		record "$word" kunit "$case" 0 uml-debug
	done <<< "$cases"
	say "KUnit: $(wc -l <<< "$cases") cases in $((SECONDS - start)) s"
}

# run_scenario KERNEL FILE
run_scenario() {
	local kernel=$1 file=$2 name out limit lock slow=1 word=ok rc=0 start=$SECONDS
	name=$(basename "$file" .sh)
	out=$results/$kernel/$name
	mkdir -p "$out"
	exec {lock}> "$out.lock"
	flock $lock
	find "$out" -mindepth 1 -delete
	limit=$(declared timeout "$file")
	# Beside other guests and on slow kernels all takes longer; the limit
	# only has to end what hangs.
	case $kernel in uml | native) ;; *) slow=5 ;; esac
	if grep -q '^[^#]*load_module' "$file" && [ ! -e "$build/$kernel/dmvpn.ko" ]; then
		rc=no-module
	else
		setpriv --pdeathsig TERM "$lab/boot" --quiet --out "$out" \
			--see "$build" --see "$file" --env DMVPN_BUILD="$build" \
			--timeout $((${limit:-60} * slow + 30)) \
			"$kernel" -- "$lab/scenario" "$file" > "$out/boot.log" 2>&1 || rc=$?
	fi
	[ $rc = 0 ] || word=FAIL
	scenario_json "$kernel" "$name" "$file" $word $rc $((SECONDS - start)) > "$out/results.json"
	cp "$out/results.json" "$work/run.$kernel.$name.json"
	record $word scenario "$name" $((SECONDS - start)) "$kernel"
	printf '%-4s %-12s %-10s %4d s\n' $word "$name" "$kernel" $((SECONDS - start))
	[ $word = ok ] && return
	grep -A12 '^FAIL' "$out/output" 2>/dev/null | sed 's/^/     /' || true
	sed 's/^/     /' "$out/boot.log" 2>/dev/null || true
	[ $rc != no-module ] || echo "     there is no module for this kernel"
	echo "     see $out"
}

scenario_json() {
	jq -n --arg kernel "$1" --arg name "$2" --arg verdict "$4" --arg status "$5" \
		--argjson seconds "$6" --arg rules "$(declared rules "$3")" \
		--rawfile verdicts <(cat "$results/$1/$2/verdicts" 2>/dev/null || true) \
		--rawfile reports <(cat "$results/$1/$2/reports" 2>/dev/null || true) '{
		kernel: $kernel, scenario: $name, verdict: $verdict, status: $status,
		seconds: $seconds, rules: ($rules | split(" ") - [""]),
		reports: ($reports | split("\n") - [""]),
		assertions: [$verdicts | split("\n")[] | split("\t") |
			select(.[0] == "ok" or .[0] == "FAIL") |
			{verdict: .[0], seconds: (.[1] | tonumber / 1000), words: .[2]}]}'
}

# All planned runs, some at a time, each line of output whole.
scenarios() {
	local kernel file running=0
	# The caches are filled before the clock of any guest runs.
	for kernel in 6.12 6.1; do
		if grep -q "^$kernel " "$work/plan"; then
			"$lab/debian-kernel" "$kernel" > /dev/null
			"$lab/kvm" > /dev/null
		fi
	done
	# Paths of the plan may hold spaces: the file is the rest of the line.
	while read -r kernel file; do
		if [ $running -ge "$guests" ]; then
			wait -n || true
			running=$((running - 1))
		fi
		run_scenario "$kernel" "$file" < /dev/null &
		running=$((running + 1))
	done < "$work/plan"
	wait
}
