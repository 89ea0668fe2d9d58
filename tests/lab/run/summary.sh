# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the runner says at the end, and its exit status.

# A table of scenarios by kernels: seconds, with a mark at what failed.
scenario_table() {
	awk -F'\t' '$2 == "scenario" {
		if (!($3 in row)) { row[$3] = ++rows; names[rows] = $3 }
		if (!($5 in column)) { column[$5] = ++columns; kernels[columns] = $5 }
		cell[$3, $5] = ($1 == "ok" ? "ok" : "FAIL") " " $4 " s"
	}
	END {
		if (!rows) exit
		printf "\n%-16s", "scenario"
		for (c = 1; c <= columns; c++) printf "  %-12s", kernels[c]
		print ""
		for (r = 1; r <= rows; r++) {
			printf "%-16s", names[r]
			for (c = 1; c <= columns; c++) {
				value = cell[names[r], kernels[c]]
				printf "  %-12s", value == "" ? "-" : value
			}
			print ""
		}
	}' "$work/records"
}

# Rules by scenarios: x where it is proved on every kernel it ran on.
rule_matrix() {
	jq -r '.runs | group_by(.scenario)[] |
		{name: .[0].scenario, rules: .[0].rules,
		 mark: (if all(.verdict == "ok") then "x" else "!" end)} |
		select(.rules != []) as $s |
		[$s.name] + [("R1 R2 R3 R4 R5 R6 R7 R8 R9 R10" | split(" "))[] as $r |
			if $s.rules | index([$r]) then $s.mark else "." end] | @tsv' \
		"$work/results.json" |
		awk -F'\t' 'NR == 1 {
			printf "\n%-16s", "rule proved by"
			for (i = 1; i <= 10; i++) printf " %3s", "R" i
			print ""
		}
		{
			printf "%-16s", $1
			for (i = 2; i <= NF; i++) printf " %3s", $i
			print ""
		}'
}

# A rule that no scenario proves is a failure of the suite.
unproved_rules() {
	local rule
	for rule in "${required_rules[@]}"; do
		jq -e --arg rule "$rule" '.runs | group_by(.scenario) |
			any(.[]; all(.verdict == "ok") and (.[0].rules | index([$rule])))' \
			"$work/results.json" > /dev/null ||
			record FAIL rule "$rule is proved by no scenario" 0
	done
}

# summary WHOLE
summary() {
	local passed failed
	find "$work" -name 'run.*.json' -exec cat {} + |
		jq -s --argjson seconds $((SECONDS - started)) \
			'{seconds: $seconds, runs: .}' > "$work/results.json"
	[ -z "$1" ] || unproved_rules
	scenario_table
	rule_matrix
	echo
	grep '^FAIL' "$work/records" | awk -F'\t' '{ print "FAIL " $2 ": " $3 ($5 == "-" ? "" : " on " $5) }' || true
	passed=$(grep -c '^ok' "$work/records" || true)
	failed=$(grep -c '^FAIL' "$work/records" || true)
	jq --rawfile records "$work/records" '. + {records: [$records | split("\n")[] |
		select(. != "") | split("\t") | {verdict: .[0], kind: .[1], name: .[2], kernel: .[4]}]}' \
		"$work/results.json" > "$results/results.json"
	if [ $((passed + failed)) = 0 ]; then
		echo "nothing was run" >&2
		failed=1
	fi
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
