# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
# Private folders over a shared read-only root; for a guest and for each of
# the hosts in it.

# place LIKE PATH   something at PATH to mount LIKE on
place() {
	[ -e "$2" ] && return
	if [ -d "$1" ]; then
		mkdir -p "$2"
	else
		mkdir -p "${2%/*}" && : > "$2"
	fi
}

# cover PATH...   private /run /tmp /var/...; what PATHs name stays visible
cover() {
	local stage=/mnt path n=0

	mount -t tmpfs tmpfs "$stage" || return
	for path in "$@"; do
		n=$((n + 1))
		place "$path" "$stage/$n" && mount --bind "$path" "$stage/$n" || return
	done
	for path in /run /tmp /var/tmp /var/log /var/lib/frr; do
		[ -d "$path" ] || continue
		mount -t tmpfs -o mode=1777 tmpfs "$path" || return
	done
	chmod 755 /run /var/log
	n=0
	for path in "$@"; do
		n=$((n + 1))
		place "$stage/$n" "$path" && mount --bind "$stage/$n" "$path" || return
	done
	umount -l "$stage"
}
