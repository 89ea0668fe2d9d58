# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The scenario library; see Documentation or the comment over each function.
# Each file below has one subject.

lab=$LAB_REPO/tests/lab
build=${DMVPN_BUILD:-$LAB_REPO/build}
export PATH=$build/bin:$PATH

# shellcheck source=/dev/null
. "$lab/lib/assert.sh"
# shellcheck source=/dev/null
. "$lab/lib/hosts.sh"
# shellcheck source=/dev/null
. "$lab/lib/capture.sh"
# shellcheck source=/dev/null
. "$lab/lib/events.sh"
# shellcheck source=/dev/null
. "$lab/lib/stream.sh"
# shellcheck source=/dev/null
. "$lab/lib/daemons.sh"
# shellcheck source=/dev/null
. "$lab/lib/device.sh"
# shellcheck source=/dev/null
. "$lab/lib/charon.sh"
