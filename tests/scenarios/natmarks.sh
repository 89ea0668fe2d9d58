# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Three spokes behind one NAT address with one hub, which tells them apart by
# marks: what is for one of them is never sent to another.
#
#    R3 150.1.3.3               hub, tunnel 10.0.0.3
#        |
#      inet ---- R8 150.1.8.8   tunnel 10.0.0.8
#        |
#      N 150.1.9.9
#     /  |  \
#   R4  R5  R6   192.168.N.2, tunnel 10.0.0.N
#
# RN has 172.16.N.0/24 with host HN .1.
rules R2 R4 R5
nightly uml-debug 6.12
timeout 400

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/nat.sh"

spokes="4 5 6"

# marks: those of the hub's spokes, "ADDRESS NBMA MARK" a line
marks() {
	on R3 dmvpn -j peer show |
		jq -r '.interfaces[].peers[] | "\(.protocol) \(.nbma) \(.mark)"' | sort
}

# marked N: the hub has RN behind the NAT, with a mark
marked() {
	prints "^10.0.0.$1 150.1.9.9 [1-9]" marks
}

# streams start|stop: between H3 and the host of each spoke, both ways
streams() {
	local n
	for n in $spokes; do
		case $1 in
		start)
			udp_start H3-H$n H3 H$n:172.16.$n.1 $((pps / 2))
			udp_start H$n-H3 H$n H3:172.16.3.1 $((pps / 2))
			;;
		stop)
			udp_stop H3-H$n
			udp_stop H$n-H3
			;;
		esac
	done
}

# refused N ADDRESS: RN shows why there is no direct path to the one with it
refused() {
	json "[.interfaces[0].entries[] | select(.protocol == \"$2\" and
		(.reason | test(\"allows no direct path\")))] | length == 1" on R$1 dmvpn -j show
}

load_module
underlay R3=150.1.3.3@Loopback0 R8=150.1.8.8@Loopback0
nat N=150.1.9.9
for n in $spokes; do
	behind N lan$n 192.168.$n.1/24 R$n=192.168.$n.2
done
for n in 3 $spokes 8; do
	site $n
	case $n in
	3) start 3 "set nat-marks" ;;
	*) start $n ;;
	esac
done
for n in $spokes; do
	eventually 40 "R$n is registered with the hub, by a mark" marked $n
	capture R$n Tunnel0 -Q in
done
eventually 40 "so is R8, without NAT" prints "^10.0.0.8 150.1.8.8 [1-9]" marks
stop_if_failed
seed3_routes
marks
expect "no mark is anybody else's" same "" "$(marks | cut -d' ' -f3 | uniq -d)"

# ---- at once ----
streams start
for n in $spokes; do
	on R$n swanctl --rekey --child gre > /dev/null
	on R3 swanctl --rekey --ike nhrpd-any-150.1.3.3 > /dev/null
	on R3 swanctl --rekey --child gre > /dev/null
done
udp_start H4-H5 H4 H5:172.16.5.1 $((pps / 2))
udp_start H8-H6 H8 H6:172.16.6.1 $((pps / 2))
eventually 20 "R4 shows why it has no direct path to R5" refused 4 172.16.5.1
eventually 20 "R8 shows why it has none to R6" refused 8 172.16.6.1
expect "the hub is the way between two at one address" \
	same "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
udp_stop H4-H5
udp_stop H8-H6
streams stop
for n in $spokes; do
	expect "nothing lost between H3 and H$n" lossless H3-H$n H$n-H3
done
expect "nor on the way through the hub" lossless H4-H5 H8-H6

# ---- another mapping ----
# To the spokes nothing is lost but what goes to the old port until the hub knows
# the new one.
streams start
nat N=150.1.9.9 30000-30999
eventually 20 "the NAT has other ports" prints ' > 150\.1\.3\.3\.4500' \
	tcpdump -nn -r "$(pcap_file R3 eth0)" 'udp src portrange 30000-30999'
for n in $spokes; do
	eventually 10 "H3 reaches H$n" on H3 ping -c 1 -W 1 172.16.$n.1
done
streams stop
old=$(unasked N)
for n in $spokes; do
	expect "of what is for H$n no more was lost than went to the old port" \
		lost_early H3-H$n "$old"
done

# ---- the hub's charon counts anew ----
streams start
before=$(marks)
on N nft -f - <<-'NFT'
	table ip hold {
		chain forward {
			type filter hook forward priority 0
			ip saddr 192.168.4.2 drop
		}
	}
NFT
charon_kill R3 KILL
charon R3
eventually 20 "R4 has no mark any more" prints "^10.0.0.4 150.1.9.9 0" marks
for n in 5 6; do
	eventually 60 "R$n is back" marked $n
done
expect "what was R4's mark is another's" prints \
	"^10.0.0.[568] .* $(sed -n 's/^10.0.0.4 .* //p' <<< "$before")\$" marks
expect "and R4 still has none" prints "^10.0.0.4 150.1.9.9 0" marks
on N nft delete table ip hold
eventually 90 "R4 is back" marked 4
for n in $spokes; do
	eventually 10 "H3 reaches H$n" on H3 ping -c 1 -W 1 172.16.$n.1
done

# ---- and so does it while nhrpd is away ----
nhrpd_kill R3 KILL
charon_kill R3 KILL
nhrpd R3 < /dev/null
charon R3
eventually 20 "again all marks are void" prints "^10.0.0.4 150.1.9.9 0" marks
for n in $spokes; do
	eventually 90 "R$n is back" marked $n
	eventually 10 "H3 reaches H$n" on H3 ping -c 1 -W 1 172.16.$n.1
done
streams stop
expect "all came from one address, and none was ignored for that" none_ignored

# ---- on the wire ----
capture_stop
for n in $spokes; do
	expect "R$n never got what is for another" same "" "$(strays $n)"
	expect "but its own" prints . outer R$n Tunnel0 "dst net 172.16.$n.0/24" 1
	udp_esp R$n
done
udp_esp R3
