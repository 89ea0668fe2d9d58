#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The codec against others, without a kernel module: tshark must read our golden
# packets as we mean them, and we must read real routers' packets.
#
#   tests/codec.sh
#
# PACKET_TEST      the test program of nhrpd/packet.c; built here when not set
# DMVPN_CAPTURES   folder with nhrp_pdus.tsv; without it ../shared/research/
#                  captures beside the tree, and skipped when that is not there
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
golden=$root/tests/golden/nhrp.hex
captures=${DMVPN_CAPTURES:-$root/../shared/research/captures}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

say() { printf 'codec: %s\n' "$*"; }
die() { say "FAILED: $*"; exit 1; }

# The golden packets as text2pcap wants them, in GRE of protocol 0x2001.
frames() {
	awk 'function flush() {
		if (hex != "")
			print "000000 00 00 20 01" hex
		hex = ""
	}
	/^=/ { flush() }
	/^[ 0-9a-f]/ {
		sub(/#.*/, "")
		gsub(/[ \t]/, "")
		gsub(/../, " &")
		hex = hex $0
	}
	END { flush() }' "$golden"
}

# What must be so, one per line: frame, packet's name, field, value. Where a
# packet does not say otherwise it has a good checksum and no complaint.
expectations() {
	awk -v OFS='\t' 'function flush(field) {
		for (field in want)
			print frame, name, field, want[field]
		split("", want)
	}
	/^=/ {
		flush()
		frame++
		name = $2
		want["nhrp.hdr.chksum.status"] = 1
		want["_ws.expert.message"] = ""
		next
	}
	/^\?/ {
		field = $2
		sub(/^\? [^ ]+ /, "")
		want[field] = $0
	}
	END { flush() }' "$golden"
}

# What tshark reads of frame.number and the fields (-eNAME ...), under a header.
readings() {
	tshark -r "$1" -T fields -E header=y -E occurrence=a \
		-e frame.number "${@:2}" 2>"$tmp/tshark.err" ||
		die "tshark: $(cat "$tmp/tshark.err")"
}

# Prints where the readings (first file) are not as expected (second).
differences() {
	awk -F '\t' '
	NR == 1 { for (i = 2; i <= NF; i++) field[i] = $i; next }
	NR == FNR { for (i in field) read[$1, field[i]] = $i; next }
	!(($1, $3) in read) { print $2 ": " $3 " was not read"; next }
	read[$1, $3] != $4 {
		print $2 ": " $3 " is \"" read[$1, $3] "\", not \"" $4 "\""
	}' "$1" "$2"
}

check_golden() {
	local fields
	frames >"$tmp/frames"
	text2pcap -q -4 192.0.2.1,192.0.2.2 -i 47 "$tmp/frames" "$tmp/golden.pcap"
	expectations >"$tmp/expected"
	mapfile -t fields < <(cut -f 3 "$tmp/expected" | sort -u)
	readings "$tmp/golden.pcap" "${fields[@]/#/-e}" >"$tmp/read"
	differences "$tmp/read" "$tmp/expected" >"$tmp/differences"
	[ ! -s "$tmp/differences" ] || die "$(head -n 20 "$tmp/differences")"
	say "$(wc -l <"$tmp/frames") golden packets," \
		"$(wc -l <"$tmp/expected") statements hold in tshark"
}

check_captures() {
	local pdus=$captures/nhrp_pdus.tsv
	if [ ! -e "$pdus" ]; then
		[ -z "${DMVPN_CAPTURES:-}" ] || die "no $pdus"
		say "no captures here, skipped"
		return
	fi
	if [ -z "${PACKET_TEST:-}" ]; then
		PACKET_TEST=$tmp/packet_test
		"${CC:-cc}" -std=gnu11 -O1 -o "$PACKET_TEST" "$root"/nhrpd/packet_test.c \
			"$root"/nhrpd/packet.c "$root"/nhrpd/addr.c -lcmocka
	fi
	"$PACKET_TEST" "$pdus" || die "captured packets"
}

check_golden
check_captures
