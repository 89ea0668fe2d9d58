# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The life of SAs under load: rekeyed from either end and from both at once,
# their kernel side flushed or expired behind charon's back.
# Drawing: lib/seed3.sh
rules R4 R5
nightly uml-debug 6.12
timeout 400

# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/lib/ipsec.sh"

# child HOST N: charon's number of its CHILD_SA with RN
child() {
	on "$1" swanctl --list-sas --raw | grep -F " remote-host=150.1.$2.$2 " |
		sed -n -E "s/.* uniqueid=([0-9]+) reqid=[0-9]+ state=INSTALLED .*/\1/p"
}

# life NAME: streams between the spokes from now on
life() {
	udp_start "H4-H5 $1" H4 H5:172.16.5.1 $pps
	udp_start "H5-H4 $1" H5 H4:172.16.4.1 $pps
}

# lived NAME: both ends have one SA to each other, and one to the hub
lived() {
	all_up "$1" 20
	udp_stop "H4-H5 $1"
	udp_stop "H5-H4 $1"
}

# lived_second NAME: the same, and each stream lost less than a second's
lived_second() {
	local way
	lived "$1"
	for way in H4-H5 H5-H4; do
		expect "$way lost less than a second's" \
			lost_at_most $((pps * LAB_SLOW)) "$way $1"
	done
}

# spis HOST N: of its kernel's SAs with RN
spis() {
	esp "$1" | grep -F "150.1.$2.$2" | sort
}

# new_spis BEFORE: R4 has SAs with R5 that were not among those
new_spis() {
	local now
	now=$(spis R4 5)
	echo "$now"
	[ "$(comm -13 <(echo "$1") <(echo "$now") | wc -l)" -ge 2 ]
}

# gone_spis HOST N BEFORE: its kernel has none of those any more
gone_spis() {
	same "" "$(comm -12 <(echo "$3") <(spis "$1" "$2"))"
}

# through_hub: so R4's data goes to R5's network
through_hub() {
	same "172.16.4.254 10.0.0.3 10.0.0.5 172.16.5.1" "$(hops H4 172.16.5.1)"
}

# new_ike BEFORE: so has the IKE_SA
new_ike() {
	not same "$1" "$(ike R4 5)"
}

# at_once OPTION QUESTION HOST...: each of them rekeys its SA with the other
# spoke, whose number QUESTION tells; they are stopped until all are asked to
at_once() {
	local option=$1 question=$2 host id jobs=() pids=()
	shift 2
	for host; do
		id=$($question "$host" $((9 - ${host#R})))
		kill -STOP "${charon_pid[$host]}"
		pids+=("${charon_pid[$host]}")
		(exec nsenter -t "${host_pid[$host]}" -n -m -u -- \
			swanctl --rekey "$option" "$id") &
		jobs+=($!)
		listening $!
	done
	kill -CONT "${pids[@]}"
	wait "${jobs[@]}"
}

# rekeyed WORDS HOST...: a new CHILD_SA by each of these
rekeyed() {
	local words=$1 before
	before=$(spis R4 5)
	shift
	at_once --child-id child "$@"
	eventually 20 "$words: a new CHILD_SA" new_spis "$before"
}

# ike_rekeyed WORDS HOST...: a new IKE_SA
ike_rekeyed() {
	local words=$1 before
	before=$(ike R4 5)
	shift
	at_once --ike-id ike "$@"
	eventually 20 "$words: a new IKE_SA" new_ike "$before"
}

# expire HOST N AGE: the time of its kernel's SAs with RN, which are not older
# than AGE seconds, is over in a moment, and before charon gives the silent peer
# up. (Without the soft limit some kernels would never come to the hard one.)
expire() {
	on "$1" ip xfrm state | awk -v peer="150.1.$2.$2" -v hard=$(($3 + 3 * LAB_SLOW)) '
		$1 == "src" { wanted = $2 == peer || $4 == peer; ends = $0 }
		$1 == "proto" { sa = $0 }
		$1 == "aead" && wanted {
			print "xfrm state update", ends, sa, $0,
				"limit time-soft 1 limit time-hard", hard
		}' > "$LAB_OUT/$1.expire"
	on "$1" ip -batch - < "$LAB_OUT/$1.expire"
}

load_module
seed3_underlay 4 5
seed3_charons
seed3_routes
life begin
eventually 20 "R4 is direct" direct 4 5
eventually 20 "and R5" direct 5 4
lived begin
expect "the search for each other lost nothing" lossless "H4-H5 begin" "H5-H4 begin"
stop_if_failed

# ---- rekeyed ----
life rekey
for try in 1 2; do
	rekeyed "R4 begins" R4
	rekeyed "R5 begins" R5
	rekeyed "both begin" R4 R5
done
ike_rekeyed "R4 begins" R4
ike_rekeyed "R5 begins" R5
ike_rekeyed "both begin" R4 R5
tick
# shellcheck disable=SC2154
made_at=$now
rekeyed "and once more" R4 R5
lived rekey
expect "not one packet was lost" lossless "H4-H5 rekey" "H5-H4 rekey"

# ---- hard expiry ----
# IKE does not get through, so that nothing is rekeyed. Both ends' SAs expire in
# the same second, and what one sends before its own have is lost.
on inet nft -f - <<-NFT
	table ip silence {
		chain forward {
			type filter hook forward priority 0
			ip saddr { 150.1.4.4, 150.1.5.5 } ip daddr { 150.1.4.4, 150.1.5.5 } udp dport { 500, 4500 } counter drop
		}
	}
NFT
life expiry
# charon keeps what was rekeyed for 5 s
eventually 20 "nothing is left of what was rekeyed" one_pair
before=$(spis R4 5)
tick
age=$(((now - made_at) / 1000 + 1))
expire R4 5 $age
expire R5 4 $age
eventually 40 "R4's SAs with R5 expire" gone_spis R4 5 "$before"
eventually 40 "R5's, too" gone_spis R5 4 "$before"
eventually 20 "data goes through the hub" through_hub
on inet nft delete table ip silence
eventually 60 "what has expired is replaced" new_spis "$before"
lived_second expiry

# ---- the kernel's SAs flushed ----
# R4 has no SA, to the hub neither, until charon has made new ones: no way in
# or out. Nothing goes in clear instead.
life states
before=$(spis R4 5)
on R4 ip xfrm state flush
eventually 20 "flushed SAs are made anew" new_spis "$before"
lived_second states

# ---- the policies flushed ----
# the same: no policy leads to an SA, until a rekey installs them
life policies
before=$(spis R4 5)
on R4 ip xfrm policy flush
eventually 5 "the block is back at once" prints 'action block' on R4 ip xfrm policy
eventually 20 "flushed policies are made anew, with SAs" new_spis "$before"
lived_second policies

# ---- still the same ----
life end
rekeyed "at the end" R5
lived end
expect "nothing is lost any more" lossless "H4-H5 end" "H5-H4 end"
capture_stop
esp_clear 3 4 5
