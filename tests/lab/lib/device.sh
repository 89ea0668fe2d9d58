# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# dmvpn devices without a daemon: made, asked and removed with `dmvpn`.

# tunnel HOST DEV ADDRESS/LENGTH [SETTING...]: a device that is up.
tunnel() {
	local name=$1 dev=$2 address=$3
	shift 3
	on "$name" dmvpn link add "$dev" "$@" up
	on "$name" ip addr add "$address" dev "$dev"
}

# dropped HOST DEV REASON: how many packets.
dropped() {
	on "$1" dmvpn -j show drops "$2" |
		jq --arg word "$3" '.interfaces[0].drops[$word]'
}

# counted HOST DEV WHAT: how often.
counted() {
	on "$1" dmvpn -j show counters "$2" |
		jq --arg word "$3" '.interfaces[0].counters[$word]'
}

# peer HOST DEV NBMA FIELD...: members of the peer's object; null: absent.
peer() {
	local name=$1 dev=$2 nbma=$3
	shift 3
	on "$name" dmvpn -j peer show "$dev" | jq -r --arg nbma "$nbma" \
		'[.interfaces[0].peers[] | select(.nbma == $nbma)][0] as $peer |
		[$ARGS.positional[] as $field | $peer[$field]] |
		map(tostring) | join(" ")' --args "$@"
}

# neighbour HOST DEV ADDRESS FIELD...: the same by protocol address.
neighbour() {
	local name=$1 dev=$2 address=$3
	shift 3
	on "$name" dmvpn -j peer show "$dev" "$address" | jq -r \
		'.interfaces[0].peers[0] as $peer |
		[$ARGS.positional[] as $field | $peer[$field]] |
		map(tostring) | join(" ")' --args "$@"
}

# confirmed HOST ADDRESS NBMA: its kernel sends to that neighbour there, not
# through a hub
confirmed() {
	json "[.interfaces[].peers[] | select(.protocol == \"$2\" and .nbma == \"$3\" and
		(.flags | index(\"unconfirmed\") | not))] | length == 1" \
		on "$1" dmvpn -j peer show
}

# grew WORDS BY BEFORE AFTER: a counter's growth is BY, or at least that
# with a plus sign behind it.
grew() {
	local by=$(($4 - $3))
	echo "$1: $3 to $4"
	case $2 in
	*+) [ $by -ge "${2%+}" ] ;;
	*) [ $by = "$2" ] ;;
	esac
}

# listen NAME HOST: the kernel's events as JSON, for next_event; returns when
# the monitor hears them.
listen() {
	local try
	events "$1" "$2" dmvpn -j monitor
	for try in {1..200}; do
		if on "$2" grep -qE "^[0-9a-f]+ 16 +${events_pid[$1]} +0*[1-9a-f]" \
			/proc/net/netlink; then
			return
		fi
		sleep 0.05
	done
	echo "listen $1: no monitor after $try tries"
	return 1
}

# bulk FROM TO:ADDRESS BYTES: one TCP connection, every byte checked.
bulk() {
	local from=$1 to=${2%%:*} address=${2#*:} line got fd receiver
	exec {fd}< <(exec nsenter -t "${host_pid[$to]}" -n -- \
		frame bulk-recv "$address" 5001 2>&1)
	receiver=$!
	read -r line <&"$fd"
	[ "$line" = ready ] || { echo "bulk-recv: $line"; return 1; }
	if ! command timeout $((20 * LAB_SLOW)) nsenter -t "${host_pid[$from]}" -n -- \
		frame bulk-send "$address" 5001 "$3"; then
		kill "$receiver"
		echo "bulk-send failed"
		return 1
	fi
	read -r -t $((5 * LAB_SLOW)) got <&"$fd" || got=nothing
	exec {fd}<&-
	same "$3" "$got"
}

# unload HOST:DEV...: deletes the devices and removes the module, so that the
# sanitizers see the end of all objects.
unload() {
	local end
	for end; do
		expect "$end is deleted" on "${end%%:*}" dmvpn link del "${end#*:}"
	done
	eventually 10 "the module is removed" rmmod dmvpn
}
