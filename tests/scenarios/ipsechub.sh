# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# A hub's charon dies, and later is restarted, with a hundred spokes behind it:
# all are back soon, not all at the same moment, and two spokes with a direct
# path of their own do not notice.
#
#                   R3  150.1.3.3   hub
#                    |
#        .--------- inet ---------.
#    R4, R5 as in lib/seed3.sh    S0 ... S9   ten spokes each: an address
#    H4 ->  <- H5                             10.1.S.1 to .10, an identity and
#                                             a tunnel 10.0.0.100 to .199 each
rules R4 R5 R10
nightly uml-debug 6.12
timeout 600

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

tens=(0 1 2 3 4 5 6 7 8 9)
# thirteen of each daemon are too many for a kernel with sanitizers or without KVM
[ "$LAB_SLOW" = 1 ] || tens=(0 1 2)
spokes=$((10 * ${#tens[@]} + 2))

# ten S: the lines of its ten spokes
ten() {
	local n
	for n in {0..9}; do
		cat <<-CONF
			crypto ipsec profile P$n
			 set identity local s$1-$n.lab
			 set identity remote *.lab
			interface Tunnel$n
			 ip address 10.0.0.$((100 + 10 * $1 + n)) 255.255.255.0
			 ip nhrp map 10.0.0.3 150.1.3.3
			 ip nhrp network-id 345
			 ip nhrp nhs 10.0.0.3
			 tunnel source 10.1.$1.$((n + 1))
			 tunnel mode gre multipoint
			 tunnel protection ipsec profile P$n
		CONF
	done
}

# ten_host S
ten_host() {
	underlay "S$1=10.1.$1.1"
	addr "S$1" lo "10.1.$1."{2..10}/32
	on inet ip route add "10.1.$1.0/24" via "100.64.$underlay_count.2"
	seed3_secrets "S$1"
	nhrpd "S$1" < <(ten "$1")
}

# up: how many peers the hub has an SA of its charon's to
up() {
	on R3 dmvpn -j show | jq '[.ipsec.peers[] | select(.state == "up" and
		(.stale | not) and .sas == 1) | .identity] | unique | length'
}
all_up() {
	same $spokes "$(up)"
}
# peers: how many the hub's kernel can send to
peers() {
	on R3 dmvpn -j peer show | jq '.interfaces[0].peers | length'
}
all_registered() {
	same $spokes "$(peers)"
}

load_module
seed3_underlay 4 5
for s in "${tens[@]}"; do
	ten_host "$s"
done
seed3_charons
for s in "${tens[@]}"; do
	charon "S$s"
done
eventually 90 "the hub has an SA to each of $spokes spokes" all_up
eventually 30 "and each is registered" all_registered
stop_if_failed
seed3_routes
udp_start H4-H5 H4 H5:172.16.5.1 $pps
udp_start H5-H4 H5 H4:172.16.4.1 $pps
eventually 20 "R4 has a shortcut to R5's network" shortcut 4 172.16.5.0/24 5
eventually 20 "R5 has a shortcut to R4's network" shortcut 5 172.16.4.0/24 4
udp_stop H4-H5 > /dev/null
udp_stop H5-H4 > /dev/null
stop_if_failed

# ---- it dies ----
udp_start direct H4 H5:172.16.5.1 $pps
udp_start back H5 H4:172.16.4.1 $pps
udp_start hub R3 H4:172.16.4.1 $pps
charon_kill R3 KILL
killed=$EPOCHREALTIME
charon R3
eventually 60 "killed: the hub has an SA of its new charon's to each spoke" all_up
killed_back=$EPOCHREALTIME
sleep 25
expect "still when the SAs of the old one have been swept" all_up
udp_stop hub > /dev/null
expect "who talked with the hub lost nothing" lossless hub

# ---- it is restarted ----
charon_kill R3 TERM
stopped=$EPOCHREALTIME
sleep 3
charon R3
eventually 60 "stopped: the hub has an SA to each spoke again" all_up
stopped_back=$EPOCHREALTIME
eventually 30 "and each is registered" all_registered
udp_stop direct > /dev/null
udp_stop back > /dev/null
expect "the direct path between two spokes lost nothing all the time" lossless direct back

# ---- on the wire ----
capture_stop
tshark -n -r "$(pcap_file R3 eth0)" -Y "isakmp.exchangetype == 34" -T fields \
	-e frame.time_epoch -e isakmp.flags -e isakmp.ispi -e ip.src \
	> "$LAB_OUT/begun" 2> /dev/null
# pace WORDS FROM TO IN-ALL AT-ONCE: IKE_SAs begun between the two times, by
# the hub or by spokes; that many, of them within a tenth of a second
pace() {
	awk -v from="$2" -v to="$3" -v words="$1" -v bound="$4" -v crowd="$5" \
		-v least=$spokes '
		$1 < from || $1 > to || $2 != "0x08" { next }
		{ packets++ }
		!seen[$3]++ { at[++n] = $1; hub += $4 == "150.1.3.3" }
		END {
			for (i = 1; i <= n; i++) {
				while (at[i] - at[j + 1] > 0.1) j++
				if (i - j > most) most = i - j
			}
			printf "%s: back after %.1f s; %d IKE_SAs begun, %d by the hub, ", \
				words, to - from, n, hub
			printf "%d packets for it, at most %d begun in 0.1 s\n", packets, most
			exit !(n >= least && n <= bound && most <= crowd)
		}' "$LAB_OUT/begun" | tee -a "$LAB_OUT/pace"
	return "${PIPESTATUS[0]}"
}
expect "killed: the hub began one after the other, each spoke once or twice" \
	pace killed "$killed" "$killed_back" $((2 * spokes)) $((spokes / 2))
expect "stopped: no spoke began more than four times" \
	pace stopped "$stopped" "$stopped_back" $((4 * spokes)) $spokes
cat "$LAB_OUT/pace"
expect "its charon ignored nobody" none_ignored
esp_clear 3 4 5
for s in "${tens[@]}"; do
	expect "nor of S$s" same "" "$(outer "S$s" eth0 'proto gre')"
done
