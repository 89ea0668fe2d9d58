# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of `dmvpn` in bash: its words come from `dmvpn help`, so that
# there is no second list of them; behind a whole command, names of devices.

_dmvpn() {
	local typed=${COMP_WORDS[*]:1:COMP_CWORD-1} current=${COMP_WORDS[COMP_CWORD]}
	local line path rest whole='' words=()

	while IFS= read -r line; do
		# "  show ip nhrp nhs         as on IOS: next hop servers"
		[[ $line =~ ^'  '([a-z][a-z0-9 ]*[a-z0-9])'  ' ]] || continue
		path=${BASH_REMATCH[1]}
		[ "$path" != "$typed" ] || whole=1
		[[ -z $typed || $path == "$typed "* ]] || continue
		rest=${path#"$typed"}
		rest=${rest# }
		words+=("${rest%% *}")
	done < <("${COMP_WORDS[0]}" help 2> /dev/null)
	if [ -n "$whole" ] || [ ${#words[@]} = 0 ]; then
		words+=(dev)
		for path in /sys/class/net/*; do
			words+=("${path##*/}")
		done
	fi
	mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$current" | sort -u)
}

complete -F _dmvpn dmvpn
