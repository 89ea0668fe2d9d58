# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Builds for the runner: programs once, the module once for each kernel.

# record VERDICT KIND NAME SECONDS [KERNEL]: one line of the records.
record() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "${5:--}" >> "$work/records"
}

# logged LOG COMMAND...: quiet unless it fails.
logged() {
	local log=$1
	shift
	"$@" > "$log" 2>&1 && return
	tail -n 30 "$log" >&2
	return 1
}

build_programs() {
	local helper
	mkdir -p "$build/bin"
	for helper in useq frame inject; do
		cc -O2 -Wall -Wextra -o "$work/$helper" "$lab/$helper.c"
		mv "$work/$helper" "$build/bin/$helper"
	done
	[ -e "$repo/Makefile" ] || return 0
	if ! logged "$results/programs.log" flock "$build/.programs.lock" make -C "$repo" -j "$(nproc)" programs; then
		say "the programs do not build"
		record FAIL build programs 0
	fi
}

# build_kernel K: leaves build/K/dmvpn.ko.
build_kernel() {
	local kernel=$1 tree options=()
	case $kernel in
	uml-debug)
		tree=$("$lab/uml-kernel" debug)
		options=(ARCH=um DMVPN_KUNIT=y)
		;;
	uml)
		tree=$("$lab/uml-kernel" fast)
		options=(ARCH=um)
		;;
	native) tree=/lib/modules/$(uname -r)/build ;;
	*) tree=/usr/src/linux-headers-$("$lab/debian-kernel" --version "$kernel") ;;
	esac
	say "module for $kernel"
	if ! logged "$results/module-$kernel.log" \
		"$lab/module" "$tree" "$build/$kernel" "${options[@]}"; then
		say "the module does not build for $kernel"
		record FAIL build module 0 "$kernel"
	fi
}
