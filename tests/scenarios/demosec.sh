# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# demo.sh encrypted (`make demo IPSEC=1`): the same story, told in ESP alone.
rules R3 R4 R5
nightly uml-debug 6.12
timeout 240

# shellcheck disable=SC2034 # of demo.sh
secured=1
# shellcheck source=/dev/null
. "$LAB_REPO/tests/scenarios/demo.sh"
