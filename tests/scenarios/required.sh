# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# `ipsec required`, with SAs made by hand: nothing in clear either way, the
# hub instead of a peer without an SA, and no packet lost by that.
#
#    A 1.1.1.1 ------- inet ------- B 6.6.6.6       X 7.7.7.7, a stranger
#             \                    /
#              ----- H 5.5.5.5 ----    the hub, NHS of A and B
#
rules R4 R5 R6
kernels uml-debug 6.12
timeout 90

declare -A nbma=([A]=1.1.1.1 [B]=6.6.6.6 [H]=5.5.5.5 [X]=7.7.7.7)
declare -A number=([A]=1 [B]=6 [H]=5 [X]=7)
underlay A=1.1.1.1 B=6.6.6.6 H=5.5.5.5 X=7.7.7.7
load_module
for h in A B H; do
	tunnel $h dmvpn0 192.168.1.${number[$h]}/24 local ${nbma[$h]} key 1 ipsec required
done
knows() {
	on "$1" dmvpn peer add dmvpn0 192.168.1.${number[$2]} nbma ${nbma[$2]} "${@:3}"
}
knows A B
knows B A
knows H A
knows H B
nhrp=0001080000000000002030400044000001000404

# ---- no SA ----

listen a A
expect "without an SA A does not reach B" not on A ping -c 1 -W 1 192.168.1.6
expect "A has counted why" same 1 "$(dropped A dmvpn0 no-sa)"
expect "A says which SA is missing" next_event a '"sa-missing".*"nbma":"6.6.6.6"' 5
on A frame nhrp dmvpn0 6.6.6.6 $nhrp
on A frame nhrp dmvpn0 9.9.9.9 $nhrp
expect "NHRP does not leave either, whether to a peer or not" \
	same 3 "$(dropped A dmvpn0 no-sa)"
on A ip xfrm policy add dir out src 1.1.1.0/24 proto gre action block priority 10000
expect "a blocking policy changes nothing" not on A ping -c 1 -W 1 192.168.1.6
expect "not even the reason" same 4 "$(dropped A dmvpn0 no-sa)"

# GRE with key 1: an IPv4 packet, then NHRP.
inner=45000014000000004001000007070707c0a80106
expect "clear GRE reaches B" on X frame raw 7.7.7.7 6.6.6.6 2000080000000001$inner
expect "from a known peer too" on H frame raw 5.5.5.5 6.6.6.6 2000080000000001$inner
expect "and clear NHRP" on X frame raw 7.7.7.7 6.6.6.6 2000200100000001$nhrp
eventually 5 "B refuses and counts all three" \
	eval 'same 3 "$(dropped B dmvpn0 cleartext)"'
expect "B has heard nothing" same "0 0" "$(peer B dmvpn0 1.1.1.1 rx_packets) $(
	on B ip -j -s link show dmvpn0 | jq '.[0].stats64.rx.packets')"

# ---- SAs ----

gcm=(mode transport reqid 1 aead 'rfc4106(gcm(aes))'
	0x000102030405060708090a0b0c0d0e0f10111213 128)
# sa add|delete FROM TO [PROTO]: one direction, on both ends; the one that
# does not lose packets first.
sa() {
	local h ends=("$3" "$2") from=${nbma[$2]} to=${nbma[$3]} proto=${4:-esp} how=()
	local spi=0x${number[$2]}${number[$3]}00
	case $1-$proto in
	add-esp) how=("${gcm[@]}") ;;
	add-ah) how=(mode transport reqid 1 auth 'hmac(sha256)' 0x0001020304050607) ;;
	esac
	[ "$1" = add ] || ends=("$2" "$3")
	for h in "${ends[@]}"; do
		on "$h" ip xfrm state "$1" src "$from" dst "$to" proto "$proto" spi "$spi" "${how[@]}"
	done
}
# protect HOST: what leaves as GRE needs an SA.
protect() {
	on "$1" ip xfrm policy add dir out src ${nbma[$1]}/32 dst 0.0.0.0/0 proto gre \
		priority 100 tmpl proto esp reqid 1 mode transport
}
for h in A B H; do
	protect $h
done
for h in 'A B' 'B A'; do
	sa add $h
done
eventually 2 "with SAs A reaches B" on A ping -c 1 -W 1 192.168.1.6
expect "A shows that the path is protected" same true "$(peer A dmvpn0 6.6.6.6 esp)"
expect "and what is left of the MTU" test "$(peer A dmvpn0 6.6.6.6 pmtu)" -lt 1472
expect "a large transfer passes" bulk A B:192.168.1.6 200000

# ---- an SA is of one peer ----

sa add X B
on X ip xfrm state flush
on X ip addr add 1.1.1.1/32 dev lo
on X ip xfrm state add src 1.1.1.1 dst 6.6.6.6 proto esp spi 0x7600 "${gcm[@]}"
on X ip xfrm policy add dir out src 1.1.1.1/32 dst 6.6.6.6/32 proto gre \
	tmpl proto esp reqid 1 mode transport
before=$(dropped B dmvpn0 cleartext)
heard=$(peer B dmvpn0 1.1.1.1 rx_packets)
expect "X uses its SA with A's address" on X frame raw 1.1.1.1 6.6.6.6 2000080000000001$inner
eventually 5 "which B does not take for A" \
	eval 'grew cleartext 1 "$before" "$(dropped B dmvpn0 cleartext)"'
expect "nor count as A's" same "$heard" "$(peer B dmvpn0 1.1.1.1 rx_packets)"
sa delete X B 2> /dev/null || true
on X ip xfrm policy flush
on X ip addr del 1.1.1.1/32 dev lo

# Nobody sees GRE on the way, so who writes about it lies: ICMP, fragmentation
# needed, MTU 600, about A's GRE to B.
before=$(dropped A dmvpn0 cleartext)
pmtu=$(peer A dmvpn0 6.6.6.6 pmtu)
on X inject icmp 7.7.7.7 1.1.1.1 <<< \
	03040000000002584500006400004000402f000001010101060606062000080000000001 > /dev/null
eventually 5 "A counts ICMP about GRE that nobody can have seen" \
	eval 'grew cleartext 1 "$before" "$(dropped A dmvpn0 cleartext)"'
on A ping -c 1 -W 1 192.168.1.6 > /dev/null
expect "and does not believe it" same "$pmtu" "$(peer A dmvpn0 6.6.6.6 pmtu)"

# ---- netfilter gives GRE another address, for which there is no SA ----

# rewritten CHAIN: what a ping is told
rewritten() {
	local before
	on A nft "add table ip t; add chain ip t c { type $1; }; add rule ip t c $2"
	before=$(dropped A dmvpn0 cleartext)
	expect "no ping passes with '$2'" not on A ping -c 1 -W 1 192.168.1.6
	expect "it does not leave in clear but is counted" \
		grew cleartext 1 "$before" "$(dropped A dmvpn0 cleartext)"
	on A nft delete table ip t
	expect "it passes without" on A ping -c 1 -W 1 192.168.1.6
}
rewritten 'nat hook postrouting priority 100' 'ip protocol gre masquerade'
rewritten 'route hook output priority 0' 'ip protocol gre ip saddr set 100.64.1.2'

# ---- nobody answers about what came encrypted with what it said ----

on B ip link add stock type gre local 6.6.6.6 key 9
on B ip link set dmvpn0 down
expect "B's device is down" not on A ping -c 1 -W 1 192.168.1.6
on B ip link set dmvpn0 up
expect "and up again" on A ping -c 1 -W 1 192.168.1.6

# ---- an SA goes while packets flow ----

for h in 'A H' 'H A' 'B H' 'H B'; do
	sa add $h
done
for h in A B; do
	knows $h H nhs
	expect "$h reaches the hub" on $h ping -c 1 192.168.1.5
done
udp_start across A:192.168.1.1 B:192.168.1.6
before=$(counted A dmvpn0 via-nhs)
sa delete A B
eventually 2 "A sends through the hub at once" \
	eval 'grew via-nhs 3+ "$before" "$(counted A dmvpn0 via-nhs)"'
direct=$(peer A dmvpn0 6.6.6.6 tx_packets)
sa add A B
eventually 1 "and directly again when the SA is back" \
	eval 'grew direct 3+ "$direct" "$(peer A dmvpn0 6.6.6.6 tx_packets)"'
udp_stop across > /dev/null
expect "neither switch lost a packet" lossless across

# ---- AH is not ESP ----

sa delete A B
on A ip xfrm policy add dir out src 1.1.1.1/32 dst 6.6.6.6/32 proto gre \
	priority 50 tmpl proto ah reqid 1 mode transport
sa add A B ah
before=$(counted A dmvpn0 via-nhs)
expect "A does not take AH for protection" on A ping -c 1 192.168.1.6
expect "but goes through the hub" grew via-nhs 1 "$before" "$(counted A dmvpn0 via-nhs)"
on X ip xfrm policy add dir out src 7.7.7.7/32 dst 6.6.6.6/32 proto gre \
	tmpl proto ah reqid 1 mode transport
sa add X B ah
before=$(dropped B dmvpn0 cleartext)
on X frame raw 7.7.7.7 6.6.6.6 2000080000000001$inner
eventually 5 "nor does B on what comes in" \
	eval 'grew cleartext 1 "$before" "$(dropped B dmvpn0 cleartext)"'

# ---- and when nothing is required ----

capture_stop
for h in A B; do
	on $h ip xfrm policy flush
	on $h ip xfrm state flush
	on $h dmvpn link set dmvpn0 ipsec off
done
expect "without the requirement A reaches B in clear" on A ping -c 1 192.168.1.6

# But for what was forged above, of 7.7.7.7 inside.
for h in A B H; do
	expect "until then no GRE in clear left $h" same "" \
		"$(outer $h eth0 "proto gre and not dst host ${nbma[$h]} and
			not ip[40:4] = 0x07070707")"
	expect "nor an answer about GRE" same "" \
		"$(outer $h eth0 "icmp[icmptype] = 3 and icmp[17] = 47 and not src host 7.7.7.7")"
done
expect "but ESP did" prints ' 6.6.6.6$' outer A eth0 esp
expect "and the stranger's AH came to B" prints '^7.7.7.7 ' outer B eth0 ah
unload A:dmvpn0 B:dmvpn0 H:dmvpn0
