# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The module's netlink interfaces against callers that are wrong, hostile or
# many. One host, no wire.
#
#    A lo 1.1.1.1   dmvpn0 192.168.1.1         B: another namespace
#
rules R10
kernels uml-debug 6.12
timeout 120

host A B
addr A lo 1.1.1.1/32
load_module
tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 1
genl=$lab/genl.py
python=/usr/bin/python3

expect "everything malformed is refused" on A $python "$genl" malformed dmvpn0
expect "random damage is survived" on A $python "$genl" random dmvpn0 $((4000 / LAB_SLOW))
expect "a batch is answered message by message" on A $python "$genl" batch dmvpn0
expect "events say what answers say" on A $python "$genl" events dmvpn0

# ---- who may ----

expect "a user without privilege may do nothing" \
	on A $python "$genl" refused 65534
expect "nor may root of another user namespace" \
	on A unshare --user --map-root-user $python "$genl" refused
expect "another namespace does not see the device" \
	same 0 "$(on B dmvpn -j show kernel | jq '.interfaces | length')"
expect "and cannot name it" not on B dmvpn peer add dmvpn0 192.168.1.9 nbma 9.9.9.9
listen b B
on A dmvpn peer add dmvpn0 192.168.1.9 nbma 9.9.9.9
tunnel B own0 192.168.2.1/24
on B dmvpn peer add own0 192.168.2.9 nbma 9.9.9.9
expect "nor does it hear of it" prints '192.168.2.9' next_event b 'interface' 5

# ---- limits ----

on A dmvpn peer flush dmvpn0
on A dmvpn link set dmvpn0 max-peers 2 max-neighs 3
for n in 1 2; do
	expect "peer $n of 2" on A dmvpn peer add dmvpn0 192.168.1.10$n nbma 9.9.9.$n
done
expect "a third peer is refused with the limit's name" \
	prints 'max_peers' on A dmvpn peer add dmvpn0 192.168.1.103 nbma 9.9.9.3
expect "a third neighbour is not" on A dmvpn peer add dmvpn0 192.168.1.103 nbma 9.9.9.1
expect "a fourth is" prints 'max_neighs' on A dmvpn peer add dmvpn0 192.168.1.104 nbma 9.9.9.1
expect "nor is a point-to-point peer made beyond the limit" \
	not on A dmvpn link set dmvpn0 remote 9.9.9.9
expect "so 2 peers and 3 neighbours are there" same "2 3" "$(on A dmvpn -j show kernel |
	jq -r '.interfaces[0] | "\(.peer_count) \(.neighbour_count)"')"
on A dmvpn peer flush dmvpn0
expect "peers go with their last neighbour" same "0 0" "$(on A dmvpn -j show kernel |
	jq -r '.interfaces[0] | "\(.peer_count) \(.neighbour_count)"')"
on A dmvpn link set dmvpn0 max-peers 10000 max-neighs 10000

# ---- many at once ----

expect "dumps are exact while entries come and go" \
	on A $python "$genl" churn dmvpn0 5000 $((5 * (LAB_SLOW > 1 ? 2 : 1)))
if [ -e /sys/kernel/debug/failslab ]; then
	expect "a failed allocation changes nothing" on A $python "$genl" faults dmvpn0
fi

unload A:dmvpn0 B:own0
