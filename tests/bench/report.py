#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of `make bench`, from the raw lines that run.sh writes.

    report.py [--json] FILE

A raw line is: round, case, position in the round, frames sent, seconds,
frames arrived. Own cost of a device in a round: its time per packet less that
of plain forwarding in the same round. Two devices are compared round by round
(the ratio of their own costs) and the median of these ratios is the figure:
the machine's drift touches both alike and drops out. The 90th percentile of
the rates shows the machine when nobody disturbs it.

The control is one device against itself. A comparison counts when its median
lies outside the quartiles of the control's ratios.
"""

import collections
import json
import sys

AGAIN = "-again"
ROUNDS = 60     # with fewer, the machine's drift is in the medians
LOST = 0.001    # a burst that lost more than this share is left out
NAMES = {
    "plain": "plain forwarding",
    "mgre": "stock gre, multipoint",
    "p2p": "stock gre, point-to-point",
    "dmvpn": "dmvpn",
    "floor": "floor",
}


def quantile(values, q):
    """Linear between the nearest two, as most programs have it."""
    values = sorted(values)
    at = q * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def median(values):
    return quantile(values, 0.5)


def read(lines):
    """{round: {case: microseconds per packet}}, bursts left out, heading."""
    rounds = collections.defaultdict(dict)
    left_out = 0
    heading = ""
    for line in lines:
        if line.startswith("#"):
            heading = heading or line[1:].strip()
            continue
        number, case, _, sent, seconds, arrived = line.split()
        sent, arrived = int(sent), int(arrived)
        if not sent or abs(sent - arrived) > LOST * sent:
            left_out += 1
            continue
        rounds[int(number)][case] = float(seconds) / sent * 1e6
    return rounds, left_out, heading


def own_cost(rounds, case):
    """{round: own cost in microseconds}, where the round has both."""
    return {n: r[case] - r["plain"] for n, r in rounds.items()
            if case in r and "plain" in r}


def ratios(over, under):
    """Of two own costs, round by round. A round in which the machine was so
    disturbed that the divisor is not positive says nothing."""
    return [over[n] / under[n] for n in over if under.get(n, 0) > 0]


def spread(values):
    return {"n": len(values), "median": median(values),
            "p25": quantile(values, 0.25), "p75": quantile(values, 0.75)}


def analyse(rounds):
    """Everything that the table shows, as one object."""
    cases = list(dict.fromkeys(case for r in rounds.values() for case in r))
    own = {case: own_cost(rounds, case) for case in cases if case != "plain"}
    result = {"rounds": len(rounds), "cases": {}, "against": {}, "control": {}}
    for case in cases:
        times = [r[case] for r in rounds.values() if case in r]
        entry = {"us": median(times), "p90_pps": 1e6 / quantile(times, 0.1)}
        if own.get(case):
            entry["own_us"] = median(list(own[case].values()))
        result["cases"][case] = entry
    for base in ("mgre", "p2p"):
        for case in own:
            if base in own and case != base and not case.endswith(AGAIN):
                values = ratios(own[case], own[base])
                if values:
                    result["against"].setdefault(base, {})[case] = spread(values)
    for case in own:
        if case.endswith(AGAIN) and case[:-len(AGAIN)] in own:
            values = ratios(own[case], own[case[:-len(AGAIN)]])
            if values:
                result["control"][case[:-len(AGAIN)]] = spread(values)
    mgre = result["against"].get("mgre", {})
    if "floor" in mgre:
        room = 1 - mgre["floor"]["median"]
        result["closes"] = {case: (1 - mgre[case]["median"]) / room
                            for case in mgre if case != "floor" and room > 0}
    return result


def counts(figure, control):
    """Is this figure outside what the same device shows against itself?"""
    return not any(c["p25"] <= figure["median"] <= c["p75"]
                   for c in control.values())


def name(case):
    if case.endswith(AGAIN):
        return NAMES.get(case[:-len(AGAIN)], case) + ", again"
    return NAMES.get(case, case)


def table(result, left_out, heading):
    yield f"{heading}; {result['rounds']} rounds, {left_out} bursts left out for losses"
    yield ""
    yield f"{'':28} {'us/packet':>9} {'p90 pps':>9} {'own us':>7}   own cost, paired median [p25, p75]"
    yield f"{'':28} {'median':>9} {'':>9} {'median':>7}   {'/ stock multipoint':24} / stock point-to-point"
    for case, entry in result["cases"].items():
        own = f"{entry['own_us']:7.3f}" if "own_us" in entry else f"{'-':>7}"
        cells = []
        for base in ("mgre", "p2p"):
            figure = result["against"].get(base, {}).get(case)
            cells.append(f"{figure['median']:.3f} [{figure['p25']:.3f}, {figure['p75']:.3f}]"
                         + ("" if counts(figure, result["control"]) else " ~")
                         if figure else "-")
        yield (f"{name(case):28} {entry['us']:9.3f} {entry['p90_pps']:9,.0f} {own}   "
               f"{cells[0]:24} {cells[1]}").rstrip()
    yield ""
    for case, figure in result["control"].items():
        yield (f"control: {name(case)} against itself: {figure['median']:.3f} "
               f"[{figure['p25']:.3f}, {figure['p75']:.3f}]")
    if not result["control"]:
        yield "control: none in this run; no figure counts"
    else:
        yield "(~: inside the control's spread, so no difference was shown)"
    if result["rounds"] < ROUNDS:
        yield f"fewer than {ROUNDS} rounds: a trial, not a measurement"
    for case, share in result.get("closes", {}).items():
        yield f"{name(case)} closes {100 * share:.0f} % of stock multipoint - floor"


def main(arguments):
    as_json = "--json" in arguments
    files = [a for a in arguments if a != "--json"]
    if len(files) != 1:
        sys.exit(__doc__)
    with open(files[0], encoding="ascii") as lines:
        rounds, left_out, heading = read(lines)
    if not any("plain" in r for r in rounds.values()):
        sys.exit("report: no usable round with plain forwarding")
    result = analyse(rounds)
    if as_json:
        print(json.dumps({**result, "left_out": left_out, "heading": heading}, indent=1))
    else:
        print("\n".join(table(result, left_out, heading)))


if __name__ == "__main__":
    main(sys.argv[1:])
