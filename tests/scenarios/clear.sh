# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Never in clear (R5): whichever of device, nhrpd and charon comes first, dies or
# comes back, and whatever somebody does to policies, while traffic asks for a
# way all the time. From outside nothing gets in. GRE tunnels of the same
# addresses that are none of ours work meanwhile. (Keys, certificates, rekeys
# and flushed SAs are the scenarios ike* and certs, whose captures are as clean.)
#
#    drawing: lib/seed3.sh, the tunnel with key 42; and
#    R4 ---- plain, key 7 ---- X 7.7.7.7, a stranger
#    R4 ---- twin,  key 7 ---- R5, between the addresses of the protected one
rules R5
nightly uml-debug 6.12
timeout 300

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# protected N: the section of RN
protected() {
	seed3_protected "$1"
	echo ' tunnel key 42'
}

# stock DEV NET HOST LOCAL HOST REMOTE: a GRE tunnel of the kernel's own
stock() {
	on "$3" ip link add "$1" type gre local "$4" remote "$6" key 7 ttl 64
	on "$5" ip link add "$1" type gre local "$6" remote "$4" key 7 ttl 64
	addr "$3" "$1" "$2.1/24"
	addr "$5" "$1" "$2.2/24"
}

# routes N: RN has its tunnel, and sends the others' networks there
routes() {
	local n
	if [ "$1" != 3 ]; then
		on R$1 ip route replace 172.16.0.0/16 via 10.0.0.3
		return
	fi
	for n in 4 5; do
		on R3 ip route replace 172.16.$n.0/24 via 10.0.0.$n || return
	done
}

# starts WORD...: d4 is R4's device made by hand and up at once, n4 its nhrpd,
# c4 its charon
starts() {
	local word n
	for word; do
		n=${word#?}
		case $word in
		d*) on R$n dmvpn link add Tunnel0 local 150.1.$n.$n key 42 ipsec required up ;;
		c*) charon R$n ;;
		n*)
			nhrpd R$n < /dev/null
			eventually 10 "$*: R$n has its tunnel" routes $n
			;;
		esac
	done
}

# ends WORD...: in this order on each router: n: its nhrpd is killed, c: its
# charon, d: the device is deleted; then nothing of them is left
ends() {
	local n word
	for n in 3 4 5; do
		for word; do
			case $word in
			d) on R$n ip link del Tunnel0 ;;
			c) charon_kill R$n KILL ;;
			n) nhrpd_kill R$n KILL ;;
			esac
		done
		on R$n ip link del Tunnel0 2> /dev/null || true
		on R$n ip xfrm state flush
		on R$n ip xfrm policy flush
	done
}

# xfrm HOST COUNTER...: the sum of these of the kernel's own
xfrm() {
	on "$1" awk -v pattern="^Xfrm(${*:2}) " '$0 ~ pattern { n += $2 } END { print n + 0 }' \
		/proc/net/xfrm_stat
}

# forged FROM: GRE of that address comes to R4 in clear: for the networks
# behind it with the right key and with a wrong one, and NHRP
inner=450000140000000040011986ac100542ac100401
forged() {
	on X inject gre "$1" 150.1.4.4 <<-HEX > /dev/null
		200008000000002a$inner
		200020010000002a0001080000000000002030400044000001000404
		200008000000002b$inner
	HEX
}

# rx HOST: packets that came in through its tunnel
rx() {
	on "$1" ip -j -s link show Tunnel0 | jq '.[0].stats64.rx.packets'
}

load_module
seed3_underlay 4 5
underlay X=7.7.7.7
declare -A mac
for n in 3 4 5; do
	mac[$n]=$(on R$n cat /sys/class/net/eth0/address)
	seed3_secrets R$n
	on R$n tee /etc/nhrpd.conf < <(protected $n) > /dev/null
	# Where the tunnel is not: nothing of the networks goes elsewhere.
	on R$n ip route add blackhole 172.16.0.0/16 metric 9999
done
stock plain 10.7.0 R4 150.1.4.4 X 7.7.7.7
stock twin 10.7.1 R4 150.1.4.4 R5 150.1.5.5
udp_start plain R4:10.7.0.1 X:10.7.0.2 $((pps / 2))
udp_start H4-H5 H4 H5:172.16.5.1 $((pps / 2))
udp_start H5-H4 H5 H4:172.16.4.1 $((pps / 2))

# ---- who comes first ----

expect "the stock tunnel between the same addresses works" \
	on R4 ping -c 1 -W 2 10.7.1.2
for order in 'n4 c5 n3 c4 n5 c3 / d n c' 'd4 c3 n5 c4 n3 n4 c5 / n d c' \
	'n3 c3 n5 n4 c4 c5 / c n d' 'c5 c4 d3 n5 n4 c3 n3'; do
	# shellcheck disable=SC2086
	starts ${order%/*}
	for n in 4 5; do
		eventually 40 "$order: R$n is registered with the hub" registered $n
		eventually 20 "by an SA" sa R$n 3
	done
	eventually 20 "R4 is direct to R5" direct 4 5
	stop_if_failed
	case $order in
	*/*) ends ${order#*/} ;;
	esac
done
expect "what is sent comes" on H4 ping -c 1 -W 2 172.16.5.1
expect "the stock tunnel works beside SAs" on R4 ping -c 1 -W 2 10.7.1.2

# ---- from outside ----

refused=$(xfrm R4 'InPolBlock|InTmplMismatch')
forged 150.1.3.3
forged 7.7.7.7
eventually 5 "the kernel's policies refuse what is forged" \
	eval 'grew refused 5+ $refused "$(xfrm R4 "InPolBlock|InTmplMismatch")"'

# ---- policies of somebody else ----

# allowed [TEMPLATE...]: R4's operator lets GRE to the hub out by such a policy
allowed() {
	local before gre=(src 150.1.4.4/32 dst 150.1.3.3/32 proto gre key 42)
	on R4 ip xfrm policy add dir out "${gre[@]}" \
		priority 1 "$@"
	before=$(dropped R4 Tunnel0 no-sa)
	expect "R4 does not reach the hub by 'action allow $*'" \
		not on R4 ping -c 1 -W 1 10.0.0.3
	expect "and says why" grew no-sa 1+ "$before" "$(dropped R4 Tunnel0 no-sa)"
	on R4 ip xfrm policy delete dir out "${gre[@]}"
	eventually 5 "it does without" on R4 ping -c 1 -W 1 10.0.0.3
}
allowed
allowed tmpl proto esp reqid 77 mode transport level use

# ---- all policies and SAs are flushed at both ends ----

for h in R3 R4; do
	on $h ip xfrm policy flush
	on $h ip xfrm state flush
done
for h in R3 R4; do
	eventually 10 "the blocking policies of $h are back" \
		eval "same 2 \"\$(on $h ip xfrm policy | grep -c 'action block priority 4000047')\""
done
eventually 40 "R4 has an SA to the hub again" on R4 ping -c 1 -W 1 10.0.0.3

# ---- the second line ----

nhrpd_kill R4 KILL
charon_kill R4 TERM
expect "charon took its SAs along" same "" "$(esp R4)"
on R4 ip xfrm policy > "$LAB_OUT/alone"
expect "the blocks stay" same 2 "$(grep -c 'action block priority 4000047' "$LAB_OUT/alone")"
on R4 dmvpn link set Tunnel0 ipsec off
blocked=$(xfrm R4 OutPolBlock)
heard=$(rx R4)
refused=$(xfrm R4 InPolBlock)
expect "nothing leaves the device that requires nothing any more" \
	not on R4 ping -c 1 -W 1 10.0.0.3
expect "the policy blocks it" grew blocked 1+ "$blocked" "$(xfrm R4 OutPolBlock)"
forged 150.1.3.3
forged 7.7.7.7
eventually 5 "and what comes in" eval 'grew blocked 4+ $refused "$(xfrm R4 InPolBlock)"'
expect "nothing came" same "$heard" "$(rx R4)"
expect "the stock tunnel works" on R4 ping -c 1 -W 2 10.7.0.2

# Now the other way round: no policy, but the device.
on R4 dmvpn link set Tunnel0 ipsec required
on R4 ip xfrm policy flush
before=$(dropped R4 Tunnel0 cleartext)
forged 150.1.3.3
forged 7.7.7.7
eventually 5 "the module refuses alone" \
	eval 'grew cleartext 4+ $before "$(dropped R4 Tunnel0 cleartext)"'
expect "nothing came in" same "$heard" "$(rx R4)"
expect "and sends nothing" not on R4 ping -c 1 -W 1 10.0.0.3
starts n4 c4
eventually 40 "R4 has an SA again" sa R4 3

# ---- another address ----

gateway=$(on inet ip -j route get 150.1.5.5 | jq -r '.[0].gateway')
on inet ip route add 150.1.5.55/32 via "$gateway"
gateway=$(on R5 ip -j route show default | jq -r '.[0].gateway')
on R5 ip addr add 150.1.5.55/32 dev Loopback0
on R5 ip addr del 150.1.5.5/32 dev Loopback0
on R5 ip route replace default via "$gateway" src 150.1.5.55
eventually 40 "R5 is registered from another address" \
	prints '^10.0.0.5 150.1.5.55$' eval "on R3 dmvpn -j peer show |
		jq -r '.interfaces[].peers[] | \"\(.protocol) \(.nbma)\"'"
expect "which is blocked in clear, the other is not any more" \
	same "150.1.5.55" "$(on R5 ip xfrm policy | grep -B 1 'action block priority 4000047' |
		sed -n -E 's/^src ([0-9.]+)\/32 .*/\1/p')"

# ---- on the wire ----

udp_stop plain
udp_stop H4-H5 > /dev/null
udp_stop H5-H4 > /dev/null
expect "the stock tunnel to the stranger has lost nothing" lossless plain
capture_stop

# sent N FILTER: what RN put on its wire; what is forged comes from inet
sent() {
	outer R$1 eth0 "ether src ${mac[$1]} and ($2)" | sort | uniq -c || echo "bad filter"
}
stock='ip[20:2] = 0x2000 and ip[24:4] = 7'
# ICMP errors: about IKE where nobody takes it, about ESP to where R5 was; and
# about the wrong key, to whoever forged it
other='udp port 500 or udp port 4500 or
	((icmp[icmptype] = 3 or icmp[icmptype] = 11) and (icmp[17] = 17 or icmp[17] = 50)) or
	(icmp[icmptype] = 3 and icmp[17] = 47 and icmp[32:4] = 43)'
for n in 3 4 5; do
	expect "not one GRE packet of R$n in clear but of stock tunnels" \
		same "" "$(sent $n "proto gre and not ($stock)")"
	expect "nor anything else but ESP and IKE" \
		same "" "$(sent $n "ip and not proto gre and not esp and not ($other)")"
	expect "and ESP there is" prints . sent $n esp
done
expect "the same eyes see R4's stock tunnels in clear" \
	prints '150.1.4.4 7.7.7.7' sent 4 "proto gre"
expect "between the same addresses as well, before there were SAs" \
	prints '150.1.4.4 150.1.5.5' sent 4 "proto gre"
expect "nothing forged went on to the LAN" same "" \
	"$(outer R4 lan 'src host 172.16.5.66')"
