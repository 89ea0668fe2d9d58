#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every data path of design.md's table, one after the other in one guest.
#
#   paths.sh RAW ROUNDS
set -euo pipefail

run=$(dirname "$0")/run.sh
both="plain mgre dmvpn dmvpn-again"

measure() { "$run" raw "$raw" rounds "$rounds" "$@"; }

raw=$1 rounds=$2
measure section tx-1 cases "$both p2p floor"
measure section tx-10000 peers 10000 cases "$both floor"
measure section rx-1 way rx cases "$both p2p"
measure section rx-10000 way rx peers 10000 cases "$both"
measure section churn churn 1000 cases "$both"
measure section esp-1 cipher null cases "$both p2p"
measure section esp-10000 cipher null peers 10000 cases "$both"
measure section esp-gcm cipher gcm cases "$both p2p"
