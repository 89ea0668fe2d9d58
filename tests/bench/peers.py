#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Many neighbours of a dmvpn device, each with a peer of its own.

    peers.py DEV ADDRESS NBMA N     ADDRESS + i is at NBMA + i, for i below N
"""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab"))
sys.dont_write_bytecode = True
os.environ.setdefault("LAB_REPO", os.path.join(sys.path[0], "../.."))
import genl  # noqa: E402


def plus(address, i):
    (number,) = struct.unpack(">I", socket.inet_aton(address))
    return socket.inet_ntoa(struct.pack(">I", number + i))


def main(dev, address, nbma, n):
    ifindex = socket.if_nametoindex(dev)
    netlink = genl.Nl()
    for i in range(int(n)):
        netlink.do("NEIGH_SET", genl.neigh(ifindex, plus(address, i), plus(nbma, i)))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
