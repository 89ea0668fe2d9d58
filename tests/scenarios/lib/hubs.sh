# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Several hubs and their spokes: router N has the public address N.N.N.N and
# the tunnel address 192.168.1.N; $hubs are the numbers of the hubs.

# at HUB N...: these spokes are registered there
at() {
	local hub=$1 n peers
	shift
	peers=$(on "$hub" dmvpn -j peer show)
	for n; do
		jq -e --arg a "192.168.1.$n" '[.interfaces[].peers[] |
			select(.protocol == $a)] | length == 1' <<< "$peers" || return
	done
}

# direct A B: A's kernel sends to B without a hub
direct() {
	confirmed "R$1" "192.168.1.$2" "$2.$2.$2.$2"
}

# sent N: how many packets RN sent to each hub
sent() {
	on "R$1" dmvpn -j peer show | jq -c --arg hubs "$hubs" '
		([.interfaces[].peers[] | { (.protocol // ""): .tx_packets }] | add) as $tx |
		[$hubs | split(" ")[] | { (.): ($tx["192.168.1.\(.)"] // 0) }] | add'
}

# through N HUB: what RN sends goes through that hub; the others get no more
# than NHRP itself has for them
through() {
	local before after
	before=$(sent "$1")
	after=$(sent "$1")
	echo "$before to $after"
	jq -ne --arg hub "$2" --argjson before "$before" --argjson after "$after" \
		'($after | with_entries(.value -= $before[.key])) as $sent |
			$sent[$hub] > 0 and ($sent | del(.[$hub]) | add) * 10 <= $sent[$hub]'
}
