# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Routers behind NAT, in the protected network of lib/ipsec.sh.

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# nat HOST=ADDRESS [PORTS]: a NAT router of the underlay with that one public
# address, which keeps ports while it can, or gives others out of a range; nobody
# comes in unasked. Again: it was replaced by another one, which knows nobody.
nat() {
	[ -n "${host_pid[${1%%=*}]:-}" ] || underlay "$1"
	on "${1%%=*}" nft -f - <<-NFT
		flush ruleset
		table ip nat {
			chain in {
				type filter hook input priority filter
				iifname eth0 ct state new counter drop
			}
			chain out {
				type nat hook postrouting priority srcnat
				oifname eth0 ${2:+meta l4proto udp} snat to ${1#*=}${2:+:$2}
			}
		}
	NFT
	on "${1%%=*}" python3 -c 'import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)	# conntrack -F
s.send(struct.pack("=IHHIIBBH", 20, 0x102, 5, 1, 0, 0, 0, 0))
raise SystemExit(-struct.unpack_from("=i", s.recv(4096), 16)[0])'
}

# unasked HOST: packets that came in unasked since it is there
unasked() {
	on "$1" nft -j list chain ip nat in | jq '[.. | .counter? // empty | .packets] | add'
}

# static_nat HOST=ADDRESS INSIDE: that address is INSIDE's, whoever begins
static_nat() {
	underlay "$1"
	on "${1%%=*}" nft -f - <<-NFT
		table ip nat {
			chain in {
				type nat hook prerouting priority dstnat
				iifname eth0 ip daddr ${1#*=} dnat to $2
			}
			chain out {
				type nat hook postrouting priority srcnat
				oifname eth0 ip saddr $2 snat to ${1#*=}
			}
		}
	NFT
}

# behind HOST DEV GATEWAY/LENGTH RN=ADDRESS: a router there
behind() {
	local name=${4%%=*}
	host "$name"
	link "$1:$2" "$name:eth0"
	addr "$1" "$2" "$3"
	addr "$name" eth0 "${4#*=}/${3#*/}"
	on "$name" ip route add default via "${3%/*}"
}

# site N: a network behind RN with a host
site() {
	host "H$1"
	link "R$1:lan" "H$1:eth0"
	addr "R$1" lan "172.16.$1.254/24"
	addr "H$1" eth0 "172.16.$1.1/24"
	on "H$1" ip route add default via "172.16.$1.254"
}

# protected N [PROFILE-LINE...]: as seed3_protected; behind a NAT from eth0
protected() {
	local dev=eth0
	on "R$1" ip link show Loopback0 > /dev/null 2>&1 && dev=Loopback0
	seed3_protected "$@" | sed "s/source Loopback0/source $dev/"
}

# start N [PROFILE-LINE...]: nhrpd and charon of RN
start() {
	seed3_secrets "R$1"
	nhrpd "R$1" < <(protected "$@")
	charon "R$1"
}

# strays N: what came to RN by the tunnel and is not for it; its Tunnel0 is
# captured, -Q in
strays() {
	outer "R$1" Tunnel0 "ip and not dst net 172.16.$1.0/24 and not dst host 10.0.0.$1 and
		not dst net 224.0.0.0/4"
}

# udp_esp HOST: ESP in UDP, and nothing in clear, was on its wire
udp_esp() {
	expect "not one GRE packet of $1 in clear" same "" "$(outer "$1" eth0 'proto gre')"
	expect "but ESP in UDP" prints . outer "$1" eth0 'udp port 4500 and udp[8:4] != 0' 1
}
