# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The competitor: FRR's nhrpd on a stock multipoint GRE device, as its manual
# says. Used by overlay.sh and hub.sh.
#
#   gre1: key 42, 10.0.0.N/32 on its host, bound to the wire from the beginning
#   (nhrpd takes the device down to bind it later, and loses its address).

# value ROW SIDE NUMBER: one measurement, for report.py
value() {
	echo "value $1 $2 $3" >> "$LAB_OUT/raw"
	echo "$1 $2: $3"
}

# stock_gre HOST DEV LOCAL ADDRESS
stock_gre() {
	on "$1" ip link add gre1 type gre local "$3" dev "$2" key 42 ttl 64
	on "$1" ip addr add "$4/32" dev gre1
	on "$1" ip link set gre1 up
}

# The two rules that nhrpd's manual asks for, in nft's words; 0 is the
# documented rule, after which the kernel tells of a packet within a second;
# 1 makes it tell at once.
#
#   frr_rules HOST THRESHOLD
frr_rules() {
	local at_once='' rarely='ip daddr & 255.255.255.0 . ip saddr & 255.255.255.0'
	rarely="meter pairs size 65535 { $rarely timeout 1m limit rate 4/minute burst 1 packets }"
	[ "$2" = 0 ] || at_once="queue-threshold $2"
	on "$1" nft -f - <<-NFT
		table ip nhrp
		delete table ip nhrp
		table ip nhrp {
			chain hairpins {
				type filter hook forward priority 0;
				iifname gre1 oifname gre1 $rarely log group 1 snaplen 128 $at_once
			}
			chain groups {
				type filter hook output priority 0;
				oifname gre1 ip daddr 224.0.0.0/4 log group 2 $at_once drop
			}
		}
	NFT
}
