# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The seed's phase 3 (lib/seed3.sh) protected, with the strongSwan that Debian
# ships: profile DMVPN, a key that all share, identities rN.lab.

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/seed3.sh"

# Packets a second of a stream: with more a slow kernel does nothing but ESP.
pps=$((100 / LAB_SLOW))

# seed3_protected N [PROFILE-LINE...]: the seed's lines for RN, and what
# protects them; more lines of the profile when there are some
seed3_protected() {
	local n=$1
	shift
	cat <<-CONF
		crypto ipsec profile DMVPN
		 set identity local r$n.lab
		 set identity remote *.lab
		$([ $# = 0 ] || printf ' %s\n' "$@")
		$(seed3_conf "$n")
		 tunnel protection ipsec profile DMVPN
	CONF
}

# seed3_secrets HOST [KEY]: its charon's files, with that pre-shared key
seed3_secrets() {
	charon_conf "$1" <<-SECRETS
		secrets { ike-all { secret = "${2:-dmvpn in the lab}" } }
	SECRETS
}

# seed3_charons [PROFILE-LINE...]: nhrpd and charon on R3 and all spokes that
# there are; all are registered through an SA
seed3_charons() {
	local n routers=()
	for n in {3..9}; do
		[ -z "${host_pid[R$n]:-}" ] || routers+=("$n")
	done
	for n in "${routers[@]}"; do
		seed3_secrets "R$n"
		nhrpd "R$n" < <(seed3_protected "$n" "$@")
	done
	for n in "${routers[@]}"; do
		charon "R$n"
	done
	for n in "${routers[@]:1}"; do
		eventually 40 "R$n is registered with the hub" registered "$n"
		expect "through an SA of the hub's" sa "R$n" 3
	done
	stop_if_failed
}

# sas HOST: what its daemon says of its SAs
sas() {
	on "$1" dmvpn -j show |
		jq -r '.ipsec.peers[] | "\(.nbma) \(.state) \(.stale) \(.sas) \(.identity)"'
}

# sa HOST N [STATE]: it has one SA to RN, which is who it is; with another
# state than up: that is its state
sa() {
	local rest=
	[ "${3:-up}" != up ] || rest="false 1 r$2.lab\$"
	prints "^$(nbma "$2") ${3:-up} $rest" sas "$1"
}

# all_up WORDS SECONDS: the spokes R4 and R5 and the hub have one SA to each
# other, each within that time, and the spokes send directly
all_up() {
	local n
	for n in 4 5; do
		eventually "$2" "$1: R$n has one SA to R$((9 - n))" sa R$n $((9 - n))
		eventually "$2" "and one to the hub" sa R$n 3
		eventually "$2" "which has one to it" sa R3 $n
		eventually 20 "R$n sends directly" direct $n $((9 - n))
	done
}

# esp HOST: its kernel's SAs, "SOURCE DESTINATION SPI" a line
esp() {
	on "$1" ip xfrm state |
		awk '$1 == "src" { ends = $2 " " $4 } $1 == "proto" { print ends, $4 }'
}

# one_pair: between R4's and R5's kernels is one SA each way, the same at both ends
one_pair() {
	local own
	own=$(esp R4 | grep -F 150.1.5.5 | sort)
	same "$own" "$(esp R5 | grep -F 150.1.4.4 | sort)" &&
		same 2 "$(wc -l <<< "$own")"
}

# none_ignored: the hub's charon took whoever came, as nhrpd's file for it says
none_ignored() {
	not on R3 grep -m 1 "ignoring IKE_SA setup" /var/log/charon.log
}

# ike HOST N: charon's number of its IKE_SA to RN
ike() {
	local at
	at=$(nbma "$2")
	on "$1" swanctl --list-sas --raw |
		sed -n -E "s/.*\{uniqueid=([0-9]+) .* remote-host=${at//./\\.} .*/\1/p"
}

# early HOST: packets that came for an SA that its kernel did not have, yet or
# any more, or not with its policy: charon takes that away first
early() {
	on "$1" awk '$1 ~ /^Xfrm(InNoStates|InStateInvalid|InTmplMismatch|InPolBlock|AcquireError)$/ { n += $2 }
		END { print n }' /proc/net/xfrm_stat
}

# lost_early NAME COUNT: of that stream no more was lost than came early
lost_early() {
	local lost
	lost=$(udp_count "$1" lost)
	echo "$lost lost, $2 came early"
	[ "$lost" -le "$2" ]
}

# lost_at_most N NAME
lost_at_most() {
	cat "$LAB_OUT/$2.udp.json"
	[ "$(udp_count "$2" lost)" -le "$1" ]
}

# charon_replaced: R4's charon is killed under traffic, another one comes.
# R5's charon, which answers, has the kernel send through the new SA before it
# tells anybody, R4's before all; nhrpd leads the rest round by the hub. What
# goes out in between finds no SA at R4: R4's kernel counts it.
charon_replaced() {
	local before
	before=$(early R4)
	udp_start from-R4 H4 H5:172.16.5.1 $pps
	udp_start to-R4 H5 H4:172.16.4.1 $pps
	charon_kill R4 KILL
	charon R4
	eventually 40 "R4's new charon has an SA to R5" sa R4 5
	eventually 40 "and to the hub" sa R4 3
	udp_stop from-R4
	udp_stop to-R4
	expect "nothing of what R4 sent was lost" lossless from-R4
	expect "nor of what R5 sent, but what came before its SA" \
		lost_early to-R4 $(($(early R4) - before))
}

# esp_clear N...: what the routers' wires carried was never GRE in clear, and
# ESP was among it; after capture_stop
esp_clear() {
	local n
	for n; do
		expect "not one GRE packet of R$n in clear" \
			same "" "$(outer "R$n" eth0 'proto gre')"
		expect "but ESP" prints . outer "R$n" eth0 esp 1
	done
}

# ca NAME: a certificate authority, in /tmp
ca() {
	openssl ecparam -name prime256v1 -genkey -noout -out "/tmp/$1.key"
	openssl req -x509 -new -key "/tmp/$1.key" -out "/tmp/$1.pem" -days 30 \
		-subj "/O=Lab/CN=$1" -addext keyUsage=critical,keyCertSign
}

# certificate N CA [DAYS]: a new key of RN's and what CA says of it, with another
# serial number, in place of those it had; it trusts the CA `lab`
serial=0
certificate() {
	local n=$1 ca=/tmp/$2 to=/etc/swanctl
	serial=$((serial + 1))
	openssl ecparam -name prime256v1 -genkey -noout |
		on "R$n" tee "$to/private/own.pem" > /tmp/own.key
	openssl req -new -key /tmp/own.key -subj "/O=Lab/CN=R$n $serial" |
		openssl x509 -req -CA "$ca.pem" -CAkey "$ca.key" -set_serial $serial \
			-days "${3:-30}" -extfile <(echo "subjectAltName=DNS:r$n.lab") |
		on "R$n" tee "$to/x509/own.pem" > /dev/null
	on "R$n" tee "$to/x509ca/lab.pem" < /tmp/lab.pem > /dev/null
}
