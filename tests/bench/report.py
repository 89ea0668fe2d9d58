#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of `make bench`, from the raw lines that its parts write.

    report.py [--json | --document MANUAL] FILE

    burst SECTION ROUND CASE POSITION SENT SECONDS ARRIVED      (run.sh)
    value NAME SIDE NUMBER                                      (the others)

Own cost of a device in a round: its time per packet less that of plain
forwarding in the same round. Two devices are compared round by round (the
ratio of their own costs) and the median of these ratios is the figure: the
machine's drift touches both alike and drops out. The 90th percentile of the
rates shows the machine when nobody disturbs it. The control is one device
against itself; a comparison counts when its median lies outside the quartiles
of the control's ratios.

With --document the table replaces the fenced block after `<!-- table -->`.

Of values the median is shown, `none` among them counting as the worst.
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


class Raw:
    """What the files say: {section: {round: {case: us}}}, {name: {side: [..]}}."""

    def __init__(self, lines):
        self.sections = {}
        self.left_out = collections.Counter()
        self.values = collections.defaultdict(lambda: collections.defaultdict(list))
        self.headings = []
        for line in lines:
            kind, *words = line.split() or [""]
            if kind == "burst":
                self.burst(*words)
            elif kind == "value":
                name, side, number = words
                self.values[name][side].append(
                    float("inf") if number == "none" else float(number))
            elif kind == "#":
                self.headings.append(line[1:].strip())

    def burst(self, section, number, case, _, sent, seconds, arrived):
        sent, arrived = int(sent), int(arrived)
        rounds = self.sections.setdefault(section, collections.defaultdict(dict))
        if not sent or abs(sent - arrived) > LOST * sent:
            self.left_out[section] += 1
        else:
            rounds[int(number)][case] = float(seconds) / sent * 1e6

    def value(self, name, side):
        """The median; None: not measured."""
        values = self.values.get(name, {}).get(side)
        return median(values) if values else None


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


def details(section, result, left_out):
    yield f"{section}: {result['rounds']} rounds, {left_out} bursts left out for losses"
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
    for case, figure in result["control"].items():
        yield (f"control: {name(case)} against itself: {figure['median']:.3f} "
               f"[{figure['p25']:.3f}, {figure['p75']:.3f}]"
               "   (~: inside its spread, so no difference was shown)")
    if not result["control"]:
        yield "control: none in this run; no figure counts"
    if result["rounds"] < ROUNDS:
        yield f"fewer than {ROUNDS} rounds: a trial, not a measurement"
    yield ""


# ---- the one table ----

def number(value, unit=""):
    if value is None:
        return "-"
    if value == float("inf"):
        return "never"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit and ' ' + unit}"


def ratio_of(over, under):
    """As text; "-" when either is missing, or nothing was lost."""
    if over is None or not under:
        return "-"
    return "> all" if over == float("inf") else number(over / under) + " x"


def verdict(reached):
    return {None: "-", True: "yes", False: "NO"}[reached]


class Table:
    HEAD = ("", "ours", "theirs", "ratio", "to reach", "reached")

    def __init__(self):
        self.rows = []

    def add(self, what, ours, theirs, ratio, target, reached):
        self.rows.append((what, ours, theirs, ratio, target, verdict(reached)))

    def lines(self):
        rows = [self.HEAD, *self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.HEAD))]
        for row in rows:
            yield "  ".join(cell.rjust(widths[i]) if 1 <= i <= 3 else cell.ljust(widths[i])
                            for i, cell in enumerate(row)).rstrip()


def path_row(table, results, section, what, bases, closes=None, most=None, told=False):
    """A row for each stock device that the section compares ours with; @told:
    without a target."""
    result = results.get(section)
    for base in bases:
        figure = result and result["against"].get(base, {}).get("dmvpn")
        if not figure:
            table.add(what, "-", "-", "-", "not measured", None)
            continue
        own = {case: result["cases"][case]["own_us"] for case in ("dmvpn", base)}
        ratio = figure["median"]
        if told:
            target, reached = "", None
        elif base == "p2p" and not most:
            target, reached = "below point-to-point", ratio < 1
        elif closes:
            share = result.get("closes", {}).get("dmvpn")
            target = f"closes >= 60 % of stock - floor ({100 * (share or 0):.0f} %)"
            reached = share is not None and share >= closes
        else:
            target, reached = f"<= {most:.1f} x", ratio <= most
        table.add(f"{what}, / {NAMES[base]}", number(own["dmvpn"], "us"),
                  number(own[base], "us"), f"{ratio:.2f} x" +
                  ("" if counts(figure, result["control"]) else " ~"), target, reached)


def growth_row(table, results):
    own = {}
    for case in ("dmvpn", "mgre"):
        both = [results[s]["cases"].get(case, {}).get("own_us")
                for s in ("tx-1", "tx-10000") if s in results]
        if len(both) == 2 and None not in both:
            own[case] = both[1] - both[0]
    if len(own) == 2:
        table.add("  its growth from 1 to 10,000 peers", number(own["dmvpn"], "us"),
                  number(own["mgre"], "us"),
                  f"{own['dmvpn'] / own['mgre']:.2f} x" if own["mgre"] > 0 else "-",
                  "<= a third of stock's", own["dmvpn"] <= max(own["mgre"], 0) / 3)


def compare(table, raw, what, row, unit, target, holds, sides, faster=False):
    """Ours against each side; @holds(ours, theirs) tells whether the target is
    reached (None: not for this side); @faster: more is better."""
    ours = raw.value(row, "ours")
    for side, of in sides:
        theirs = raw.value(row, side)
        ratio = ratio_of(ours, theirs) if faster else ratio_of(theirs, ours)
        reached = None if ours is None or theirs is None else holds(ours, theirs)
        table.add(what + (f", / {of}" if of else ""), number(ours, unit),
                  number(theirs, unit), ratio, target if reached is not None else "", reached)


FRR = (("frr-default", "FRR as documented"), ("frr-threshold", "FRR, NFLOG threshold 1"))


# With strongSwan on both sides there is nobody to compare with: FRR's nhrpd
# needs another one, patched.
ESP_ROWS = (
    ("encrypted: first packet -> first direct one", "esp-setup", "ms", "", None),
    ("  packets lost by that", "esp-lost", "", "0", lambda n: n == 0),
    ("  SA deleted: another one after", "esp-gone", "s", "", None),
    ("  packets lost by that", "esp-gone-lost", "", "0", lambda n: n == 0),
    ("  spoke's charon killed: packets lost", "esp-killed-lost", "", "0", lambda n: n == 0),
    ("  hub's charon killed: SAs of all spokes again", "esp-hub", "s", "", None),
    ("  packets lost by that, hub to spoke", "esp-hub-lost", "", "", None),
)


def per_cpu_row(table, raw, name):
    cells = []
    for side in ("ours", "frr"):
        rate, share = raw.value(name, side), raw.value(f"{name}-cpu", side)
        cells.append(rate / share * 100 if rate and share else None)
    table.add("  per second of the daemons' own CPU time", *map(number, cells),
              ratio_of(*cells), "", None)


def share_row(table, raw, name):
    cells = []
    for side in ("ours", "frr"):
        daemon, generator = (raw.value(f"{name}{which}", side)
                             for which in ("-cpu", "-generator-cpu"))
        cells.append(f"{number(daemon)} %, {number(generator)} %")
    table.add("  CPU of the daemon(s), of the generator", *cells, "", "", None)


def build(raw, results):
    table = Table()
    path_row(table, results, "tx-1", "own cost tx, 1 peer", ("mgre", "p2p"), closes=0.6)
    path_row(table, results, "tx-10000", "own cost tx, 10,000 peers", ("mgre",), closes=0.6)
    growth_row(table, results)
    path_row(table, results, "rx-1", "own cost rx, 1 source", ("mgre",), most=0.7)
    path_row(table, results, "rx-10000", "own cost rx, 10,000 sources", ("mgre",), most=0.7)
    path_row(table, results, "churn",
             f"own cost tx, {number(raw.value('churn-rate', 'ours'))} route inserts/s",
             ("mgre",), most=1.0)
    path_row(table, results, "esp-1", "own cost tx, ESP (null), 1 peer", ("p2p", "mgre"),
             most=1.0)
    path_row(table, results, "esp-10000", "own cost tx, ESP (null), 10,000 SAs", ("mgre",),
             most=1.0)
    path_row(table, results, "esp-gcm", "own cost tx, ESP (AES-GCM), 1 peer", ("p2p", "mgre"),
             told=True)
    compare(table, raw, "TCP forwarded, plain wire", "tcp", "Mbit/s", "",
            lambda o, t: None, (("plain", "no tunnel"),), faster=True)
    compare(table, raw, "TCP forwarded", "tcp", "Mbit/s", ">= 1.3 x",
            lambda o, t: o >= 1.3 * t, (("stock", NAMES["mgre"]),), faster=True)
    compare(table, raw, "  packets merged into one", "tcp-merged", "", "",
            lambda o, t: None, (("stock", ""),), faster=True)
    for cipher, words in (("null", "null"), ("gcm", "AES-GCM")):
        gain = 1.5 if cipher == "null" else None
        compare(table, raw, f"TCP forwarded, ESP ({words})", f"tcp-{cipher}", "Mbit/s",
                f">= {gain} x" if gain else "",
                lambda o, t, gain=gain: o >= gain * t if gain else None,
                (("stock", NAMES["mgre"]),), faster=True)
        compare(table, raw, "  packets merged into one", f"tcp-{cipher}-merged", "", "",
                lambda o, t: None, (("stock", ""),), faster=True)
    compare(table, raw, "multicast to 1,000 peers", "multicast", "ms", ">= 20 x",
            lambda o, t: t >= 20 * o,
            (("frr", "FRR as documented"), ("frr-threshold", "FRR, NFLOG threshold 1")))
    compare(table, raw, "hairpin -> redirect on the wire", "near-redirect", "ms", "< 10 ms",
            lambda o, t: o < 10, FRR)
    compare(table, raw, "first packet -> first direct one", "near-setup", "ms",
            ">= 50 x", lambda o, t: t >= 50 * o, FRR[:1])
    compare(table, raw, "first packet -> first direct one", "near-setup", "ms",
            "", lambda o, t: None, FRR[1:])
    compare(table, raw, "  packets lost by that", "near-lost", "", "0",
            lambda o, t: o == 0, FRR)
    compare(table, raw, "  the same, hub path 50 ms, direct 10 ms", "far-setup", "ms", "",
            lambda o, t: None, FRR[1:])
    compare(table, raw, "  packets lost by that", "far-lost", "", "0",
            lambda o, t: o == 0, FRR[1:])
    compare(table, raw, "direct path dead: time without service", "dead", "s", "<= 10 s",
            lambda o, t: o <= 10, (("frr", "FRR, holding time 20 s"),))
    compare(table, raw, "daemons killed under load, packets lost", "killed", "", "0",
            lambda o, t: o == 0, (("frr", "FRR, holding time 20 s"),))
    for what, row, unit, target, holds in ESP_ROWS:
        ours = raw.value(row, "ours")
        table.add(what, number(ours, unit), "", "", target,
                  None if ours is None or not holds else holds(ours))
    for name_, words, least in (("register-new", "new registrations/s", 50),
                                ("register-refresh", "refreshes/s", 20)):
        compare(table, raw, words, name_, "", f">= {least} x",
                lambda o, t, least=least: o >= least * t, (("frr", "FRR"),), faster=True)
        per_cpu_row(table, raw, name_)
        share_row(table, raw, name_)
    compare(table, raw, "memory a peer, daemon", "memory-daemon", "B", "<= 512 B",
            lambda o, t: o <= 512, (("frr", "FRR nhrpd"),))
    zebra = raw.value("memory-zebra", "frr")
    table.add("  and zebra", "", number(zebra, "B"), "", "", None)
    compare(table, raw, "memory a peer, kernel", "memory-kernel", "B", "<= 640 B (1 CPU)",
            lambda o, t: o <= 640, (("frr", "stock tables"),))
    back, peak = (raw.value(f"reboot-{what}", "ours") for what in ("back", "peak"))
    table.add("hub reboot, 1,000 spokes (simulated): back", number(back, "s"), "", "",
              "<= 90 s", None if back is None else back <= 90)
    table.add("  peak of its load over the mean", number(peak, "x"), "", "", "< 3 x",
              None if peak is None else peak < 3)
    return table


MISSING = """not measured: 100,000 peers"""


def document(manual, text):
    with open(manual, encoding="utf-8") as file:
        head, rest = file.read().split("<!-- table -->\n```\n", 1)
    tail = rest.split("```\n", 1)[1]
    with open(manual, "w", encoding="utf-8") as file:
        file.write(f"{head}<!-- table -->\n```\n{text}\n```\n{tail}")


def main(arguments):
    option = arguments.pop(0) if arguments[:1] in (["--json"], ["--document"]) else ""
    manual = arguments.pop(0) if option == "--document" and arguments else ""
    if len(arguments) != 1:
        sys.exit(__doc__)
    with open(arguments[0], encoding="ascii") as lines:
        raw = Raw(lines)
    results = {section: analyse(rounds) for section, rounds in raw.sections.items()
               if any("plain" in r for r in rounds.values())}
    table = build(raw, results)
    if option == "--json":
        print(json.dumps({"sections": results, "values": raw.values,
                          "table": [dict(zip(("what", *Table.HEAD[1:]), row))
                                    for row in table.rows]}, indent=1))
    elif option == "--document":
        rounds = min((r["rounds"] for r in results.values()), default=0)
        document(manual, "\n".join([*table.lines(), "", f"{rounds} rounds for each own cost"
                                    + (f": a trial; {ROUNDS} are a measurement"
                                       if rounds < ROUNDS else "")]))
    else:
        for section, result in results.items():
            print("\n".join(details(section, result, raw.left_out[section])))
        print("\n".join(table.lines()))
        print(MISSING)


if __name__ == "__main__":
    main(sys.argv[1:])
