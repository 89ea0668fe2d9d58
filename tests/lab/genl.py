#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Generic netlink as no well-meaning program speaks it; for netlink.sh.

  genl.py malformed DEV    everything wrong, one message each, is refused
  genl.py random DEV N     N random damages of good messages; nothing to expect
                           but that the kernel survives
  genl.py refused [UID]    every command, dump and group, without privilege; UID: as
                           that user, who need not be able to read this file
  genl.py batch DEV        several messages in one datagram
  genl.py events DEV       an event carries what a GET answers
  genl.py churn DEV N S    S seconds of dumps while N neighbours come and go
  genl.py shortcuts DEV N S   the same with shortcuts
  genl.py turmoil DEV S    S seconds of random changes in batches by two writers, who
                           change the link as well, and of dumps; DEV may come and go
  genl.py path DEV DST     how, next hop and peer of DST by the kernel's look-up
  genl.py upcalls [SOURCE]   a line of JSON for each upcall, from inner sources that
                           begin so; its time is when it was read
  genl.py fill DEV ADDR N NBMA   N neighbours from ADDR on, all at one peer
  genl.py faults DEV       each allocation of each change fails once

Numbers come from the UAPI header. Prints what was tried; exit status 1 and a
line for each thing that is not as it should be.
"""
import errno
import json
import os
import random
import re
import socket
import struct
import sys
import time

HEADER = os.path.join(os.environ.get("LAB_REPO", "."), "include/uapi/linux/dmvpn.h")
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
SOL_NETLINK, ADD_MEMBERSHIP, EXT_ACK, GET_STRICT = 270, 1, 11, 12
RTM_NEWLINK, RTM_DELLINK = 16, 17
NESTED = 0x8000

bad = []


def complain(words):
    if words not in bad:
        print(words)
    bad.append(words)


def constants():
    """Every enumerator of the header, counted as the compiler does."""
    text = re.sub(r"/\*.*?\*/", "", open(HEADER).read(), flags=re.S)
    known = {}
    for body in re.findall(r"enum \w+ \{(.*?)\}", text, flags=re.S):
        value = 0
        for item in body.split(","):
            name, _, given = item.strip().partition("=")
            if not name:
                continue
            value = eval(given, {}, known) if given else value
            known[name.strip()] = value
            value += 1
    return known


C = constants()


def ip(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def text(address):
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def u32(value):
    return struct.pack("=I", value)


def bits(value, mask):
    return struct.pack("=II", value, mask)


def attr(number, payload, length=None):
    length = 4 + len(payload) if length is None else length
    return struct.pack("=HH", length, number) + payload + b"\0" * (-len(payload) % 4)


def attrs(pairs):
    return b"".join(attr(n, p) for n, p in pairs)


def parse(data):
    out = []
    while len(data) >= 4:
        length, number = struct.unpack_from("=HH", data)
        if length < 4:
            break
        out.append((number & 0x3fff, data[4:length]))
        data = data[(length + 3) & ~3:]
    return out


class Nl:
    def __init__(self, protocol=16):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.sock.bind((0, 0))
        self.sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, GET_STRICT, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.settimeout(20)
        self.seq = 0
        self.text = ""
        if protocol == 16:
            self.resolve()

    def resolve(self):
        for number, payload in self.ask(16, 3, attrs([(2, b"dmvpn\0")]))[0]:
            if number == 1:
                self.family = struct.unpack("=H", payload)[0]
            if number == 7:
                groups = [dict(parse(g)) for _, g in parse(payload)]
                self.groups = {g[1].rstrip(b"\0").decode(): struct.unpack("=I", g[2])[0]
                               for g in groups}

    def message(self, kind, payload, flags=NLM_F_REQUEST | NLM_F_ACK):
        self.seq += 1
        return struct.pack("=IHHII", 16 + len(payload), kind, flags, self.seq, 0) + payload

    def answers(self):
        """(type, payload) of what comes until an ack, an error or the end."""
        while True:
            data = self.sock.recv(1 << 16)
            while len(data) >= 16:
                length, kind, _, seq, _ = struct.unpack_from("=IHHII", data)
                body = data[16:length]
                data = data[(length + 3) & ~3:]
                if kind == 2:
                    self.text = self.extack(body)
                    yield kind, struct.unpack_from("=i", body)[0], seq
                    if seq == self.seq:
                        return
                elif kind == 3:
                    if len(body) >= 4 and struct.unpack_from("=i", body)[0] < 0:
                        yield 2, struct.unpack_from("=i", body)[0], seq
                    return
                else:
                    yield kind, body, seq

    @staticmethod
    def extack(body):
        (inner,) = struct.unpack_from("=I", body, 4)
        for skip in (20, 4 + ((inner + 3) & ~3)):
            for number, payload in parse(body[skip:]):
                if number == 1 and payload.endswith(b"\0") and payload[:-1].isascii():
                    return payload[:-1].decode()
        return ""

    def send(self, data):
        self.sock.send(data)

    def ask(self, kind, cmd, payload, flags=NLM_F_REQUEST | NLM_F_ACK):
        """Attributes of each object answered; OSError on an error."""
        self.send(self.message(kind, struct.pack("=BBH", cmd, 1, 0) + payload, flags))
        out = []
        for kind, body, _ in self.answers():
            if kind != 2:
                out.append(parse(body[4:]))
            elif body:
                raise OSError(-body, self.text or os.strerror(-body))
        return out

    def do(self, cmd, pairs, flags=NLM_F_REQUEST | NLM_F_ACK):
        return self.ask(self.family, C["DMVPN_CMD_" + cmd], attrs(pairs), flags)

    def dump(self, cmd, pairs=()):
        return self.do(cmd, pairs, NLM_F_REQUEST | NLM_F_DUMP)


def names(prefix):
    """{ATTRIBUTE: number} of one set."""
    return {n[len(prefix):]: v for n, v in C.items()
            if n.startswith(prefix) and v}


ADDRESS = {"NBMA", "ADDR", "PREFIX", "NEXTHOP", "VIA", "DST"}
RO = {"DEV": {"IFNAME", "FEATURES", "LOCAL", "PEERS", "NEIGHS", "SHORTCUTS", "DROPS", "COUNTS"},
      "PEER": {"ID", "PMTU", "OIF", "SADDR", "ESP", "RX_PACKETS", "RX_BYTES", "TX_PACKETS",
               "TX_BYTES", "LAST_RX", "LAST_TX", "NEIGHS", "PAD"},
      "NEIGH": {"ID", "USED", "CREATED", "PAD"},
      "SHORTCUT": {"ID", "USED", "CREATED", "PAD"},
      "PATH": {"NBMA", "MARK", "HOW", "PREFIX", "PREFIXLEN", "DROP"}}
BASE = {
    "DEV_GET": {},
    "PEER_NEW": {"NBMA": ip("203.0.113.7")}, "PEER_SET": {"NBMA": ip("203.0.113.7")},
    "PEER_DEL": {"NBMA": ip("203.0.113.7")}, "PEER_GET": {"NBMA": ip("203.0.113.7")},
    "NEIGH_NEW": {"ADDR": ip("10.9.9.9"), "NBMA": ip("203.0.113.7")},
    "NEIGH_SET": {"ADDR": ip("10.9.9.9"), "NBMA": ip("203.0.113.7")},
    "NEIGH_DEL": {"ADDR": ip("10.9.9.9")}, "NEIGH_GET": {"ADDR": ip("10.9.9.9")},
    "NEIGH_FLUSH": {},
    "SHORTCUT_SET": {"PREFIX": ip("10.0.0.0"), "PREFIXLEN": b"\x08",
                     "NEXTHOP": ip("10.9.9.9")},
    "SHORTCUT_DEL": {"PREFIX": ip("10.0.0.0"), "PREFIXLEN": b"\x08"},
    "SHORTCUT_GET": {"PREFIX": ip("10.0.0.0"), "PREFIXLEN": b"\x08"},
    "SHORTCUT_FLUSH": {}, "PATH_GET": {"DST": ip("10.0.0.1")},
}
# The same in IPv6, whatever may be.
SIX = {"ADDR": ip("2001:db8::9"), "PREFIX": ip("a00::"), "NEXTHOP": ip("2001:db8::9"),
       "DST": ip("2001:db8::1")}
BASE6 = {cmd: {name: SIX.get(name, payload) for name, payload in pairs.items()}
         for cmd, pairs in BASE.items()}


def kind_of(cmd):
    return cmd.partition("_")[0]


def base(cmd, ifindex, requests=None):
    """The good request, by attribute name."""
    return {"IFINDEX": u32(ifindex), **(requests or BASE)[cmd]}


def damages(kind, name, six):
    """(words, payload) of everything that this attribute must not be beside
    addresses of one family."""
    if name in RO[kind]:
        for size in (0, 1, 4, 8):
            yield f"read-only with {size} bytes", b"\1" * size
        return
    if name in ADDRESS:
        for size in (0, 1, 3, 5, 8, 15, 17, 32):
            yield f"address of {size} bytes", b"\1" * size
        wrong = ["::ffff:10.0.0.0", "224.0.0.0", "ff02::1", "ff00::"]
        if name != "PREFIX":
            wrong += ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1"]
        if name == "NBMA":
            wrong += ["2001:db8::1"]
        if kind == "SHORTCUT" and name == "NEXTHOP" and not six:
            wrong += ["2001:db8::1"]
        if six and name in ("NEXTHOP", "VIA"):
            wrong += ["10.0.0.1"]
        for address in wrong:
            yield address, ip(address)
        return
    if name == "COOKIE":
        yield "65 bytes", b"c" * 65
        yield "4000 bytes", b"c" * 4000
        return
    if name == "FLAGS":
        for size in (0, 4, 7, 9, 16):
            yield f"{size} bytes", b"\0" * size
        yield "unknown flag", bits(1 << 31, 1 << 31)
        yield "value without selector", bits(1, 0)
        if kind == "PEER":
            yield "read-only flag", bits(C["DMVPN_PEER_F_STATIC"], C["DMVPN_PEER_F_STATIC"])
        return
    if name == "PREFIXLEN":
        for payload in (b"", b"\0\0", b"\xff", b"\x81" if six else b"\x21"):
            yield repr(payload), payload
        yield "with host bits behind it", b"\x04"
        return
    for size in (0, 1, 2, 3, 5, 8):
        yield f"{size} bytes", b"\1" * size
    if name == "IFINDEX":
        yield "0", u32(0)
        yield "of lo", u32(1)
        yield "of nobody", u32(99999)
        yield "beyond int", u32(0xffffffff)
    if name == "MARK" and kind in ("PEER", "NEIGH"):
        yield "outside of the mask", u32(1)
    if name == "MTU":
        yield "beyond the largest packet", u32(65536)


def counts(nl, ifindex):
    got = dict(nl.do("DEV_GET", [(1, u32(ifindex))])[0])
    return [got[C["DMVPN_DEV_A_" + what]] for what in ("PEERS", "NEIGHS", "SHORTCUTS")]


class Trial:
    """Messages that must be refused."""

    def __init__(self, ifindex):
        self.nl = Nl()
        self.ifindex = ifindex
        self.before = counts(self.nl, ifindex)
        self.tried = 0

    def refused(self, words, data, want=None):
        self.tried += 1
        self.nl.send(data)
        error = 0
        for kind, body, _ in self.nl.answers():
            if kind == 2:
                error = -body
        if not error or want and error != want:
            complain(f"{words}: {'accepted' if not error else errno.errorcode[error]}")
        return error

    def raw(self, words, payload, want=None):
        return self.refused(words, self.nl.message(self.nl.family, payload), want)

    def cmd(self, words, cmd, payload, want=None):
        number = C["DMVPN_CMD_" + cmd] if isinstance(cmd, str) else cmd
        return self.raw(f"{cmd}: {words}", struct.pack("=BBH", number, 1, 0) + payload, want)


def malformed(dev):
    ifindex = socket.if_nametoindex(dev)
    t = Trial(ifindex)
    for cmd, six in [(cmd, six) for cmd in BASE for six in (False, True)]:
        kind = kind_of(cmd)
        set_ = names(f"DMVPN_{kind}_A_")
        good = base(cmd, ifindex, BASE6 if six else BASE)

        def encode(pairs, set_=set_):
            return attrs((set_[n], p) for n, p in pairs.items())
        for name in good:
            if cmd == "NEIGH_SET" and name == "NBMA":
                continue    # may be missing when the entry exists
            t.cmd(f"without {name}", cmd, encode({n: p for n, p in good.items() if n != name}))
        for name in set_:
            if name == "MAX":
                continue
            for words, payload in damages(kind, name, six):
                t.cmd(f"{name} {words}", cmd, encode({**good, name: payload}))
        whole = encode(good)
        top = max(set_.values())
        for number in (0, top + 1, 200, 0x3fff):
            if number:
                t.cmd(f"attribute {number}", cmd, whole + attr(number, u32(1)), errno.EINVAL)
        t.cmd("nested ifindex", cmd, attr(1 | NESTED, u32(ifindex)) + whole[8:])
        t.cmd("attribute longer than the message", cmd, whole + attr(2, u32(1), 400))
        t.cmd("attribute shorter than its header", cmd, whole + attr(2, u32(1), 3))
        t.cmd("odd bytes at the end", cmd, whole + b"\1\2\3")
        t.raw(f"{cmd}: reserved header bits", struct.pack("=BBH", C["DMVPN_CMD_" + cmd], 1, 7) +
              whole, errno.EINVAL)
    for number in (0, C["__DMVPN_CMD_MAX"], 255):
        t.cmd("unknown command", number, b"", errno.EOPNOTSUPP)
    for number in range(C["DMVPN_CMD_RESOLVE_NTF"], C["__DMVPN_CMD_MAX"]):
        t.cmd("an event as request", number, attr(1, u32(ifindex)), errno.EOPNOTSUPP)
    for size in range(4):
        t.raw(f"header of {size} bytes", b"\1" * size, errno.EINVAL)
    if counts(t.nl, ifindex) != t.before:
        complain("the tables have changed")
    links(t)
    print(f"{t.tried} messages refused" if not bad else f"{t.tried} messages")


LINK_BAD = {
    "LOCAL": [b"", b"\1" * 3, b"\1" * 5, b"\1" * 17, ip("224.0.0.1"),
              ip("255.255.255.255"), ip("ff02::1"), ip("fe80::1"), ip("::ffff:1.1.1.1")],
    "REMOTE": [b"", b"\1" * 3, ip("224.0.0.1"), ip("255.255.255.255"), ip("ff02::1"),
               ip("fe80::1"), ip("::ffff:1.1.1.1")],
    "FAMILY": [b"", b"\0", b"\1", b"\xff", b"\2\0"],
    "FLAGS": [b"\0" * 4, bits(1 << 31, 1 << 31), bits(1, 0), bits(1, 1),
              bits(32, 32)],
    "DF": [b"\3", b"", u32(0)], "ACCEPT": [b"\2", b""], "FALLBACK": [b"\2", b""],
    "TOS": [b"\2", b"\3", b"", b"\0\0"], "TTL": [b"", b"\0\0"],
    "MAX_PEERS": [u32(0), u32(0x100001), b""], "MAX_NEIGHS": [u32(0), u32(0x100001)],
    "LINK": [u32(99999), u32(0xffffffff)], "LOCAL_DEV": [u32(99999), b""],
    "MAX_SHORTCUTS": [u32(0x100001), u32(0xffffffff), b""], "REDIRECT_INTERVAL": [u32(0), u32(65535001), u32(0xffffffff), b""], "ONEWAY_INTERVAL": [b"", b"\1"],
    "NHRP_RATE": [b"", b"\1"],
}


def link_message(nl, name, data, kind=RTM_NEWLINK, flags=0x600):
    info = attrs([(1, b"dmvpn\0"), (2 | NESTED, data)])
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attrs([(3, name.encode() + b"\0"),
                                                          (18 | NESTED, info)])
    return nl.message(kind, body, NLM_F_REQUEST | NLM_F_ACK | flags)


def links(t):
    """The same for what makes a device."""
    route, t.nl = t.nl, Nl(0)
    set_ = names("IFLA_DMVPN_")
    for name, payloads in LINK_BAD.items():
        for payload in payloads:
            t.refused(f"link with {name} {payload.hex() or 'empty'}",
                      link_message(t.nl, "bad0", attr(set_[name], payload)))
    # The kernel's rtnetlink itself skips attributes with a number beyond the
    # last one and what is left over at the end.
    for data, words in ((attrs([(set_["LOCAL"], ip("1.2.3.4")), (set_["LOCAL_DEV"], u32(1))]),
                         "local twice"),
                        (attrs([(set_["MARK"], u32(3)), (set_["MARK_MASK"], u32(1))]),
                         "mark within the mask")):
        t.refused(f"link with {words}", link_message(t.nl, "bad0", data))
    if any(name == "bad0" for _, name in socket.if_nameindex()):
        complain("a refused link is there")
    t.nl = route


def random_damage(dev, n):
    ifindex = socket.if_nametoindex(dev)
    nl = Nl()
    rnd = random.Random(1)
    for _ in range(n):
        cmd = rnd.choice(list(BASE))
        set_ = names(f"DMVPN_{kind_of(cmd)}_A_")
        pairs = base(cmd, ifindex, rnd.choice((BASE, BASE6)))
        data = bytearray(nl.message(nl.family, struct.pack("=BBH", C["DMVPN_CMD_" + cmd], 1, 0) +
                                    attrs((set_[k], p) for k, p in pairs.items())))
        for _ in range(rnd.randint(1, 4)):
            at = rnd.randrange(16, len(data))
            data[at] = rnd.randrange(256)
        nl.send(bytes(data))
        for _ in nl.answers():
            pass
    for o in nl.dump("PEER_GET", [(1, u32(ifindex))]):
        nl.do("PEER_DEL", [a for a in o if a[0] <= 2])
    nl.do("NEIGH_FLUSH", [(1, u32(ifindex))])
    nl.do("SHORTCUT_FLUSH", [(1, u32(ifindex))])
    print(f"{n} damaged messages")


def refused(uid=None):
    if uid:
        os.setgroups([])
        os.setresgid(int(uid), int(uid), int(uid))
        os.setresuid(int(uid), int(uid), int(uid))
    nl = Nl()
    tried = 0

    def forbidden(words, call):
        nonlocal tried
        tried += 1
        try:
            call()
            complain(f"{words}: allowed")
        except OSError as e:
            if e.errno != errno.EPERM:
                complain(f"{words}: {e}")
    for cmd in BASE:
        set_ = names(f"DMVPN_{kind_of(cmd)}_A_")
        pairs = [(set_[n], p) for n, p in base(cmd, 2).items()]
        forbidden(cmd, lambda: nl.do(cmd, pairs))
    for cmd in ("DEV_GET", "PEER_GET", "NEIGH_GET", "SHORTCUT_GET"):
        forbidden(f"dump {cmd}", lambda: nl.dump(cmd))
    for name, number in nl.groups.items():
        forbidden(f"group {name}", lambda: Nl().sock.setsockopt(
            SOL_NETLINK, ADD_MEMBERSHIP, number))
    print(f"{tried} requests refused" if not bad else f"{tried} requests")


def neigh(ifindex, addr, nbma, *more):
    return [(1, u32(ifindex)), (C["DMVPN_NEIGH_A_ADDR"], ip(addr)),
            (C["DMVPN_NEIGH_A_NBMA"], ip(nbma)), *more]


def shortcut(ifindex, prefix, length, nexthop, *more):
    return [(1, u32(ifindex)), (C["DMVPN_SHORTCUT_A_PREFIX"], ip(prefix)),
            (C["DMVPN_SHORTCUT_A_PREFIXLEN"], bytes([length])),
            (C["DMVPN_SHORTCUT_A_NEXTHOP"], ip(nexthop)), *more]


def batch(dev):
    ifindex = socket.if_nametoindex(dev)
    nl = Nl()

    def message(cmd, pairs):
        return nl.message(nl.family, struct.pack("=BBH", C["DMVPN_CMD_" + cmd], 1, 0) +
                          attrs(pairs))
    first = nl.seq + 1
    nl.send(message("NEIGH_NEW", neigh(ifindex, "10.8.0.1", "203.0.113.1")) +
            message("NEIGH_NEW", neigh(ifindex, "10.8.0.2", "203.0.113.1")) +
            message("NEIGH_NEW", neigh(ifindex, "10.8.0.1", "203.0.113.1")) +
            message("NEIGH_SET", neigh(ifindex, "10.8.0.3", "203.0.113.2")) +
            message("NEIGH_DEL", neigh(ifindex, "10.8.0.2", "203.0.113.1")))
    got = [body for kind, body, seq in nl.answers() if kind == 2 and seq >= first]
    if got != [0, 0, -errno.EEXIST, 0, 0]:
        complain(f"answers {got}")
    held = sorted(text(dict(o)[C["DMVPN_NEIGH_A_ADDR"]])
                  for o in nl.dump("NEIGH_GET", [(1, u32(ifindex))]))
    if held != ["10.8.0.1", "10.8.0.3"]:
        complain(f"the table holds {held}")
    nl.do("NEIGH_FLUSH", [(1, u32(ifindex))])
    print("5 messages, 5 answers")


def events(dev):
    ifindex = socket.if_nametoindex(dev)
    nl, ear = Nl(), Nl()
    ear.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, ear.groups["events"])
    moving = {"NEIGH": ("EXPIRES", "USED", "CREATED"), "PEER": (),
              "SHORTCUT": ("EXPIRES", "USED", "CREATED")}
    cookie = bytes(range(64))
    for kind, cmd, pairs, keys in (
            ("NEIGH", "NEIGH_SET", neigh(ifindex, "10.8.0.1", "203.0.113.1",
             (C["DMVPN_NEIGH_A_EXPIRES"], u32(60000)), (C["DMVPN_NEIGH_A_COOKIE"], cookie),
             (C["DMVPN_NEIGH_A_FLAGS"], bits(1, 1))), (2,)),
            ("SHORTCUT", "SHORTCUT_SET", shortcut(ifindex, "10.8.0.0", 13, "10.9.9.9",
             (C["DMVPN_SHORTCUT_A_VIA"], ip("10.8.0.1")),
             (C["DMVPN_SHORTCUT_A_EXPIRES"], u32(60000)),
             (C["DMVPN_SHORTCUT_A_REFRESH"], u32(5000)),
             (C["DMVPN_SHORTCUT_A_COOKIE"], cookie)), (2, 3)),
            ("PEER", "PEER_SET", [(1, u32(ifindex)), (2, ip("203.0.113.1")),
             (C["DMVPN_PEER_A_COOKIE"], cookie), (C["DMVPN_PEER_A_PRIORITY"], u32(3)),
             (C["DMVPN_PEER_A_FLAGS"], bits(3, 3))], (2,))):
        nl.do(cmd, pairs)
        event = parse(ear.sock.recv(65536)[20:])
        answer = nl.do(f"{kind}_GET", [(1, u32(ifindex)),
                                       *((key, dict(pairs)[key]) for key in keys)])[0]
        skip = {C[f"DMVPN_{kind}_A_{n}"] for n in moving[kind]}
        if [n for n, _ in event] != [n for n, _ in answer]:
            complain(f"{kind}: attributes {[n for n, _ in event]} and {[n for n, _ in answer]}")
        if [a for a in event if a[0] not in skip] != [a for a in answer if a[0] not in skip]:
            complain(f"{kind}: event {event} is not {answer}")
        if dict(event)[C[f"DMVPN_{kind}_A_COOKIE"]] != cookie:
            complain(f"{kind}: the cookie is not what was given")
    nl.do("PEER_DEL", [(1, u32(ifindex)), (2, ip("203.0.113.1"))])
    told = [parse(ear.sock.recv(65536)[20:]) for _ in range(2)]
    if len(told) != 2:
        complain("a deleted peer's neighbour was not announced")
    nl.do("SHORTCUT_FLUSH", [(1, u32(ifindex))])
    if dict(parse(ear.sock.recv(65536)[20:]))[C["DMVPN_SHORTCUT_A_COOKIE"]] != cookie:
        complain("a flushed shortcut was not announced")
    print("events as answers")


def fill(dev, addr, n, nbma):
    ifindex = socket.if_nametoindex(dev)
    nl = Nl()
    prefix, last = ip(addr)[:-4], ip(addr)[-4:]
    (first,) = struct.unpack(">I", last)
    for i in range(n):
        nl.do("NEIGH_SET", neigh(ifindex, text(prefix + struct.pack(">I", first + i)), nbma))
    print(f"{n} neighbours")


def an_entry(kind, ifindex, addr, number):
    """The key of one and what else it needs; 2 is the address in both sets."""
    if kind == "NEIGH":
        return 2, neigh(ifindex, addr, f"203.0.114.{number % 250 + 1}")
    return 3, shortcut(ifindex, addr, 32, f"10.9.9.{number % 250 + 1}")


def churn(kind, dev, n, seconds):
    ifindex = socket.if_nametoindex(dev)
    nl = Nl()
    keep = [socket.inet_ntoa(struct.pack(">I", 0x0a800000 + 3 * i + 1)) for i in range(500)]
    for addr in keep:
        nl.do(f"{kind}_SET", an_entry(kind, ifindex, addr, 0)[1])
    end = time.monotonic() + seconds
    children = []
    for which in range(2):
        pid = os.fork()
        if not pid:
            os._exit(churner(kind, ifindex, n // 2, which, end))
        children.append(pid)
    dumps = 0
    wanted = {ip(a) for a in keep}
    while time.monotonic() < end:
        seen = [dict(o) for o in nl.dump(f"{kind}_GET", [(1, u32(ifindex))])]
        ids = [struct.unpack("=I", o[C[f"DMVPN_{kind}_A_ID"]]) for o in seen]
        held = [o[2] for o in seen if o[2] in wanted]
        if ids != sorted(set(ids)):
            complain("an entry came twice, or not in the order of the ids")
        if sorted(held) != sorted(wanted):
            complain(f"{len(held)} of {len(wanted)} lasting entries, {len(set(held))} different")
        dumps += 1
    changes = 0
    for pid in children:
        if os.waitpid(pid, 0)[1]:
            complain("a writer failed")
    left = len(nl.dump(f"{kind}_GET", [(1, u32(ifindex))]))
    nl.do(f"{kind}_FLUSH", [(1, u32(ifindex))])
    if not dumps:
        complain("no dump came to its end")
    print(f"{dumps} dumps, {left} entries at the end")


def churner(kind, ifindex, n, which, end):
    nl = Nl()
    rnd = random.Random(which)
    first = 0x0a900000 + which * n
    new = "NEIGH_NEW" if kind == "NEIGH" else "SHORTCUT_SET"
    present = set()

    def entry(i):
        return an_entry(kind, ifindex, socket.inet_ntoa(struct.pack(">I", first + i)), i)
    try:
        for i in range(n):
            nl.do(f"{kind}_SET", entry(i)[1])
            present.add(i)
        while time.monotonic() < end:
            i = rnd.randrange(n)
            key, pairs = entry(i)
            if i in present:
                nl.do(f"{kind}_DEL", pairs[:key])
                present.remove(i)
            else:
                nl.do(new, pairs)
                present.add(i)
    except OSError as e:
        print(f"writer {which}: {e}")
        return 1
    return 0


def a_neighbour(rnd):
    """Of 256, at one of 64 peers, for up to three seconds."""
    flag = C["DMVPN_NEIGH_F_UNCONFIRMED"]
    expires = rnd.randrange(1, 3000)
    return [(C["DMVPN_NEIGH_A_ADDR"], ip(f"10.8.0.{rnd.randrange(1, 255)}")),
            (C["DMVPN_NEIGH_A_NBMA"], ip(f"172.16.0.{rnd.randrange(1, 65)}")),
            (C["DMVPN_NEIGH_A_FLAGS"], bits(rnd.choice((0, flag)), flag)),
            (C["DMVPN_NEIGH_A_EXPIRES"], u32(expires)),
            (C["DMVPN_NEIGH_A_REFRESH"], u32(expires // 2)),
            (C["DMVPN_NEIGH_A_COOKIE"], rnd.randbytes(rnd.randrange(65)))]


def a_shortcut(rnd):
    """Within 10.9.0.0/16."""
    length = rnd.randrange(16, 33)
    prefix = 0x0a090000 | rnd.getrandbits(16) & -1 << 32 - length
    return [(C["DMVPN_SHORTCUT_A_PREFIX"], struct.pack(">I", prefix)),
            (C["DMVPN_SHORTCUT_A_PREFIXLEN"], bytes([length])),
            (C["DMVPN_SHORTCUT_A_NEXTHOP"], ip(f"10.8.0.{rnd.randrange(1, 255)}")),
            (C["DMVPN_SHORTCUT_A_EXPIRES"], u32(rnd.randrange(1, 3000)))]


def a_peer(rnd):
    every = C["DMVPN_PEER_F_HUB"] | C["DMVPN_PEER_F_NHS"] | C["DMVPN_PEER_F_MULTICAST"]
    return [(C["DMVPN_PEER_A_NBMA"], ip(f"172.16.0.{rnd.randrange(1, 65)}")),
            (C["DMVPN_PEER_A_FLAGS"], bits(rnd.getrandbits(3), every)),
            (C["DMVPN_PEER_A_PRIORITY"], u32(rnd.randrange(4)))]


def a_change(rnd):
    """A command and its attributes but for the device."""
    cmd = rnd.choices(("NEIGH_SET", "SHORTCUT_SET", "PEER_SET", "NEIGH_DEL", "SHORTCUT_DEL",
                       "PEER_DEL", "PATH_GET", "NEIGH_FLUSH", "SHORTCUT_FLUSH"),
                      (40, 40, 10, 10, 10, 5, 5, 0.2, 0.2))[0]
    if cmd.endswith("_FLUSH"):
        return cmd, []
    if cmd == "PATH_GET":
        return cmd, [(C["DMVPN_PATH_A_DST"], ip(f"10.9.{rnd.randrange(256)}.1"))]
    pairs = {"NEIGH": a_neighbour, "SHORTCUT": a_shortcut, "PEER": a_peer}[kind_of(cmd)](rnd)
    return cmd, pairs[:1 + (kind_of(cmd) == "SHORTCUT")] if cmd.endswith("_DEL") else pairs


def a_link(rnd):
    """What may change at any time; mostly so that all kinds of packets flow."""
    redirect = C["DMVPN_LINK_F_REDIRECT"]
    return rnd.choice((
        [(C["IFLA_DMVPN_FLAGS"], bits(rnd.choice((0, redirect, redirect)), redirect))],
        [(C["IFLA_DMVPN_KEY"], u32(rnd.choice((42, 42, 42, 43))))],
        [(C["IFLA_DMVPN_TTL"], bytes([rnd.choice((0, 64, 255))]))],
        [(C["IFLA_DMVPN_DF"], bytes([rnd.randrange(3)]))],
        [(C["IFLA_DMVPN_NETWORK_ID"], u32(rnd.randrange(3)))],
        [(C["IFLA_DMVPN_REDIRECT_INTERVAL"], u32(rnd.randrange(1, 50)))],
        [(C["IFLA_DMVPN_ONEWAY_INTERVAL"], u32(rnd.choice((0, 100))))],
        [(C["IFLA_DMVPN_NHRP_RATE"], u32(rnd.choice((0, 100))))],
        [(C["IFLA_DMVPN_MAX_SHORTCUTS"], u32(rnd.choice((100, 65536))))],
        [(C["IFLA_DMVPN_REMOTE"], ip(rnd.choice(3 * ("0.0.0.0",) + ("172.16.0.1",))))]))


# What a change may be answered when others change things as well. EBUSY: the
# peer is the link's remote.
MEANWHILE = {0, errno.EEXIST, errno.ENOENT, errno.ENOSPC, errno.ENODEV, errno.EBUSY}


def strike(nl, route, dev, ifindex, rnd):
    """One batch and a change of the link; how many changes were made."""
    first = nl.seq + 1
    batch = b""
    for _ in range(rnd.randint(1, 40)):
        cmd, pairs = a_change(rnd)
        batch += nl.message(nl.family, struct.pack("=BBH", C["DMVPN_CMD_" + cmd], 1, 0) +
                            attrs([(1, u32(ifindex)), *pairs]))
    nl.send(batch)
    errors = [-body for kind, body, seq in nl.answers() if kind == 2 and seq >= first]
    route.send(link_message(route, dev, attrs(a_link(rnd)), RTM_NEWLINK, 0))
    errors += [-body for kind, body, _ in route.answers() if kind == 2]
    for error in set(errors) - MEANWHILE:
        complain(f"a change was refused: {os.strerror(error)}")
    if errno.ENODEV in errors:
        raise OSError(errno.ENODEV, "gone")
    return errors.count(0)


def look(nl, route, dev, ifindex, rnd):
    """A dump of everything; ids come once and in order."""
    for kind in ("PEER", "NEIGH", "SHORTCUT"):
        ids = [struct.unpack("=I", dict(o)[C[f"DMVPN_{kind}_A_ID"]])[0]
               for o in nl.dump(f"{kind}_GET", [(1, u32(ifindex))])]
        if ids != sorted(set(ids)):
            complain(f"{kind}: an entry came twice, or not in the order of the ids")
    return 1


def index_of(dev):
    try:
        return socket.if_nametoindex(dev)
    except OSError:             # it carries no number
        raise OSError(errno.ENODEV, dev) from None


def while_there(act, dev, seed, end):
    """Acts on the device again and again, whenever there is one; how much came of it."""
    rnd = random.Random(seed)
    done = 0
    while time.monotonic() < end:
        try:
            nl, route, ifindex = Nl(), Nl(0), index_of(dev)
            while time.monotonic() < end:
                done += act(nl, route, dev, ifindex, rnd)
        except OSError as e:
            if e.errno not in (errno.ENODEV, errno.ENOENT):
                complain(f"{act.__name__}: {e}")
            time.sleep(0.05)
    return done


def turmoil(dev, seconds):
    end = time.monotonic() + seconds
    children = []
    for seed, act in enumerate((strike, strike, look)):
        out, into = os.pipe()
        if not os.fork():
            done = while_there(act, dev, seed, end)
            os.write(into, f"{done}".encode())
            sys.stdout.flush()
            os._exit(1 if bad else 0)
        os.close(into)
        children.append(out)
    done = [int(os.read(out, 20) or 0) for out in children]
    for _ in children:
        if os.wait()[1]:
            complain("a child failed")
    if 0 in done:
        complain("somebody did nothing")
    print(f"{done[0]} and {done[1]} changes, {done[2]} dumps")


def path(dev, dst):
    nl = Nl()
    got = dict(nl.do("PATH_GET", [(1, u32(socket.if_nametoindex(dev))),
                                  (C["DMVPN_PATH_A_DST"], ip(dst))])[0])
    how = {v: n[len("DMVPN_PATH_"):].lower() for n, v in C.items()
           if n.startswith("DMVPN_PATH_") and not n.startswith("DMVPN_PATH_A_")}
    print(how[got[C["DMVPN_PATH_A_HOW"]][0]],
          *(text(got[C[f"DMVPN_PATH_A_{name}"]])
            if C[f"DMVPN_PATH_A_{name}"] in got else "-" for name in ("NEXTHOP", "NBMA")))


def upcalls(source=""):
    ear = Nl()
    ear.sock.settimeout(None)
    ear.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, ear.groups["upcalls"])
    events = {v: n[len("DMVPN_CMD_"):-len("_NTF")].lower() for n, v in C.items()
              if n.startswith("DMVPN_CMD_") and n.endswith("_NTF")}
    while True:
        try:
            data = ear.sock.recv(65536)
        except OSError:
            continue            # some were lost: upcalls are hints
        o = dict(parse(data[20:]))
        said = {"time": time.time(), "event": events[data[16]],
                "interface": socket.if_indextoname(struct.unpack("=I", o[1])[0])}
        for word in ("SRC", "DST", "NEXTHOP", "NBMA", "INGRESS_NBMA"):
            if C[f"DMVPN_EVENT_A_{word}"] in o:
                said[word.lower()] = text(o[C[f"DMVPN_EVENT_A_{word}"]])
        said["head"] = o.get(C["DMVPN_EVENT_A_HEAD"], b"").hex()
        if said.get("src", "").startswith(source):
            print(json.dumps(said, separators=(",", ":")), flush=True)


def faults(dev):
    """fail-nth makes the n-th allocation of this thread's next call fail."""
    for point in ("failslab", "fail_page_alloc"):
        for name, value in (("verbose", "0"), ("ignore-gfp-wait", "N"),
                            ("ignore-gfp-highmem", "N"), ("min-order", "0")):
            path = f"/sys/kernel/debug/{point}/{name}"
            if os.path.exists(path):
                open(path, "w").write(value)
    ifindex = socket.if_nametoindex(dev)
    nl, route = Nl(), Nl(0)
    local = C["IFLA_DMVPN_LOCAL"]
    remote = C["IFLA_DMVPN_REMOTE"]
    nl.do("NEIGH_SET", neigh(ifindex, "10.8.0.1", "203.0.113.1"))
    nl.do("SHORTCUT_SET", shortcut(ifindex, "10.8.0.0", 16, "10.8.0.1"))
    hub = bits(3, 3)

    def link(name, pairs, flags=0x600):
        route.send(link_message(route, name, attrs(pairs), RTM_NEWLINK, flags))
        return next((-body for kind, body, _ in route.answers() if kind == 2), 0)

    def unlink(name):
        route.send(link_message(route, name, b"", RTM_DELLINK, 0))
        return list(route.answers())

    def state():
        return (counts(nl, ifindex), sorted(n for _, n in socket.if_nameindex()),
                [[a for a in o if a[0] in (2, 4, 5)]
                 for cmd in ("NEIGH_GET", "SHORTCUT_GET")
                 for o in nl.dump(cmd, [(1, u32(ifindex))])])

    def genl(cmd, pairs):
        def call():
            try:
                nl.do(cmd, pairs)
            except OSError as e:
                return e.errno
            return 0
        return call
    peer = [(1, u32(ifindex)), (2, ip("203.0.113.9")), (C["DMVPN_PEER_A_FLAGS"], hub)]
    redirect = C["DMVPN_LINK_F_REDIRECT"]
    new = [(local, ip("10.255.0.1")), (remote, ip("203.0.113.50")),
           (C["IFLA_DMVPN_FLAGS"], bits(redirect, redirect))]
    trials = (
        ("a new device", lambda: link("fault0", new), lambda: unlink("fault0")),
        ("a changed device", lambda: link(dev, [(remote, ip("203.0.113.60"))], 0),
         lambda: link(dev, [(remote, ip("0.0.0.0"))], 0)),
        ("a new peer", genl("PEER_NEW", peer), lambda: nl.do("PEER_DEL", peer[:2])),
        ("a new neighbour", genl("NEIGH_NEW", neigh(ifindex, "10.8.0.9", "203.0.113.9")),
         lambda: nl.do("NEIGH_DEL", [(1, u32(ifindex)), (2, ip("10.8.0.9"))])),
        ("a new shortcut", genl("SHORTCUT_SET", shortcut(ifindex, "10.9.0.0", 16, "10.8.0.1")),
         lambda: nl.do("SHORTCUT_DEL", shortcut(ifindex, "10.9.0.0", 16, "10.8.0.1")[:3])),
        ("a changed shortcut",
         genl("SHORTCUT_SET", shortcut(ifindex, "10.8.0.0", 16, "10.8.0.2")),
         lambda: nl.do("SHORTCUT_SET", shortcut(ifindex, "10.8.0.0", 16, "10.8.0.1"))),
        ("a moved neighbour", genl("NEIGH_SET", neigh(ifindex, "10.8.0.1", "203.0.113.9")),
         lambda: nl.do("NEIGH_SET", neigh(ifindex, "10.8.0.1", "203.0.113.1"))),
    )
    total = 0
    # Opened once: an open in between would be what fails.
    fail = os.open(f"/proc/self/task/{os.getpid()}/fail-nth", os.O_RDWR)
    for words, act, undo in trials:
        before = state()
        for nth in range(1, 400):
            os.pwrite(fail, str(nth).encode(), 0)
            try:
                error = act()
            except OSError as e:
                error = e.errno
            left = int(os.pread(fail, 20, 0))
            os.pwrite(fail, b"0", 0)
            # What a failed call left unread belongs to no later one.
            for sock in (nl.sock, route.sock):
                sock.setblocking(False)
                try:
                    while sock.recv(65536):
                        pass
                except BlockingIOError:
                    pass
                except OSError:
                    pass
                sock.settimeout(20)
            # ENOBUFS: the request did not leave, or its answer did not come.
            if error in (0, errno.ENOBUFS):
                try:
                    undo()
                except OSError as e:
                    if not error:
                        complain(f"{words}: allocation {nth}: cannot be undone: {e}")
            if state() != before:
                complain(f"{words}: allocation {nth} failed ({error}) and left a trace")
                before = state()
            if left:
                break
            total += 1
        else:
            complain(f"{words}: no end of allocations")
    nl.do("NEIGH_FLUSH", [(1, u32(ifindex))])
    nl.do("SHORTCUT_FLUSH", [(1, u32(ifindex))])
    if total < 20:
        complain(f"only {total} allocations failed")
    print(f"{total} failed allocations")


def main():
    what, *args = sys.argv[1:] or [""]
    try:
        call = {"malformed": malformed, "refused": refused, "batch": batch, "events": events,
                "faults": faults,
                "random": lambda dev, n: random_damage(dev, int(n)),
                "fill": lambda dev, addr, n, nbma: fill(dev, addr, int(n), nbma),
                "churn": lambda dev, n, s: churn("NEIGH", dev, int(n), float(s)),
                "shortcuts": lambda dev, n, s: churn("SHORTCUT", dev, int(n), float(s)),
                "turmoil": lambda dev, s: turmoil(dev, float(s)),
                "path": path, "upcalls": upcalls}[what]
    except KeyError:
        sys.exit(__doc__)
    call(*args)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
