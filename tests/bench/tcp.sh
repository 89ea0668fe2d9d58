# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# TCP in bulk, forwarded through a tunnel, by sender and wires without
# offloads: what the tunnel device merges at its far end is its own work.
# Run by `bench`.
#
#   S ---- A ==== plain, stock gre, dmvpn ==== B ---- K    chosen by K's address
#
# The tunnels once more protected by ESP: between addresses of their own and
# with static keys, null (no cipher, no hash, so that these hide nothing) and
# AES-GCM (of which the guest has no fast one).
#
# Acknowledgements go back without a tunnel. Interleaved rounds, begun with
# another case each time, for the reasons told in run.sh.
rules R6
kernels uml
timeout 600

# shellcheck source=/dev/null
. "$LAB_REPO/tests/bench/frr.sh"

capture() { :; }
rounds=30
cases=(plain stock ours stock-null ours-null stock-gcm ours-gcm)
declare -A address=([plain]=10.2.0.2) dev
declare -A mib=([plain]=32 [stock]=32 [ours]=32 [stock-null]=16 [ours-null]=16
	[stock-gcm]=4 [ours-gcm]=4)

host S A B K
link S:eth0 A:lan
link A:wan B:wan
link B:lan K:eth0
addr S eth0 10.1.0.2/24
addr A lan 10.1.0.1/24
addr A wan 192.0.2.1/24
addr B wan 192.0.2.2/24
addr B lan 10.2.0.1/24
addr K eth0 10.2.0.2/24
on S ip route add default via 10.1.0.1 mtu lock 1400
on K ip route add default via 10.2.0.1
on B ip route add 10.1.0.0/24 via 192.0.2.1
on S ethtool -K eth0 tso off gso off
for end in A:lan A:wan B:wan; do
	on "${end%:*}" ethtool -K "${end#*:}" gro off tso off gso off
done

load_module
on A ip route add 10.2.0.0/24 via 192.0.2.2

# keys CIPHER: as `ip xfrm state` has them
keys() {
	case $1 in
	null) echo auth digest_null "''" enc "ecb(cipher_null)" "''" ;;
	gcm) echo aead "rfc4106(gcm(aes))" "0x$(printf '%040d' 7)" 128 ;;
	esac
}

# protect HOST NET HERE THERE CIPHER: GRE from NET.HERE to NET.THERE, and back
protect() {
	on "$1" ip -batch - <<-IP
		xfrm state add src $2.$3 dst $2.$4 proto esp spi 0x$3$4 reqid 1 mode transport $(keys "$5")
		xfrm state add src $2.$4 dst $2.$3 proto esp spi 0x$4$3 reqid 1 mode transport $(keys "$5")
		xfrm policy add src $2.$3 dst $2.$4 proto gre dir out tmpl src $2.$3 dst $2.$4 proto esp reqid 1 mode transport
	IP
}

# tunnels N CIPHER STOCK OURS: a pair of each between 192.0.(2 + N).1 and .2,
# to 10.(30 + N).0.2 by stock gre and to 10.(40 + N).0.2 by dmvpn, at K
tunnels() {
	local n=$1 cipher=$2 name here there net=192.0.$((2 + $1)) ipsec=required
	[ "$cipher" != none ] || ipsec=off
	for here in 1 2; do
		there=$((3 - here)) name=A
		[ $here = 1 ] || name=B
		[ "$n" = 0 ] || addr $name wan $net.$here/24
		[ "$cipher" = none ] || protect $name $net $here $there "$cipher"
		on $name ip link add "gre$n" type gre local $net.$here key 42 ttl 64
		addr $name "gre$n" 10.9.$((30 + n)).$here/24
		on $name ip neigh replace 10.9.$((30 + n)).$there lladdr $net.$there \
			dev "gre$n" nud permanent
		tunnel $name "dmvpn$n" 10.9.$((40 + n)).$here/24 local $net.$here key 43 \
			ttl 64 ipsec $ipsec
		on $name dmvpn peer add "dmvpn$n" 10.9.$((40 + n)).$there nbma $net.$there
	done
	dev[$3]=gre$n address[$3]=10.$((30 + n)).0.2
	dev[$4]=dmvpn$n address[$4]=10.$((40 + n)).0.2
	addr K lo "${address[$3]}/32" "${address[$4]}/32"
	on B ip route add "${address[$3]}" via 10.2.0.2
	on B ip route add "${address[$4]}" via 10.2.0.2
	on A ip route add "${address[$3]}" via 10.9.$((30 + n)).2
	on A ip route add "${address[$4]}" via 10.9.$((40 + n)).2
}
tunnels 0 none stock ours
tunnels 1 null stock-null ours-null
tunnels 2 gcm stock-gcm ours-gcm

exec {results}< <(exec nsenter -t "${host_pid[K]}" -n -- bulk recv 5001 2>&1)
receiver=$!
read -r line <&"$results"
[ "$line" = ready ]

# packets HOST DEV rx|tx
packets() {
	on "$1" cat "/sys/class/net/$2/statistics/$3_packets"
}

for ((round = 0; round < rounds; round++)); do
	for ((i = 0; i < ${#cases[@]}; i++)); do
		case=${cases[(i + round) % ${#cases[@]}]}
		[ "$case" = plain ] || in=$(packets B "${dev[$case]}" rx)
		out=$(packets B lan tx)
		bytes=$((mib[$case] << 20))
		on S bulk send "${address[$case]}" 5001 $bytes
		read -r -t 60 got seconds <&"$results"
		[ "$got" = $bytes ]
		side=${case%-*} row=tcp
		[ "$side" = "$case" ] || row=tcp-${case#*-}
		value "$row" "$side" "$(awk "BEGIN { print $got * 8 / $seconds / 1e6 }")"
		[ "$case" = plain ] || value "$row-merged" "$side" "$(awk "BEGIN {
			print ($(packets B "${dev[$case]}" rx) - $in) / ($(packets B lan tx) - $out) }")"
	done
done
kill "$receiver"
expect "$rounds rounds of ${#cases[@]} connections" true
