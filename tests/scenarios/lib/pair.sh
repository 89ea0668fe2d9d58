# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Two ends without a daemon.
#
#          192.168.1.1/24          192.168.1.6/24    dmvpn0, key 42
#    A 1.1.1.1 ------------ inet ------------ B 6.6.6.6
#      10.0.1.0/24                              10.0.6.0/24

# pair: each end's device, with the other end and what is behind it
pair() {
	tunnel A dmvpn0 192.168.1.1/24 local 1.1.1.1 key 42
	tunnel B dmvpn0 192.168.1.6/24 local 6.6.6.6 key 42
	on A dmvpn peer add dmvpn0 192.168.1.6 nbma 6.6.6.6
	on B dmvpn peer add dmvpn0 192.168.1.1 nbma 1.1.1.1
	on A ip route add 10.0.6.0/24 via 192.168.1.6
	on B ip route add 10.0.1.0/24 via 192.168.1.1
}
