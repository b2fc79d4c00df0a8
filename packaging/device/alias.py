#!/usr/bin/python3 -ISB
"""Publishes a second name of this machine in the network, as long as it runs: ``alias.py APP.local``.

Avahi answers mDNS queries for it with a CNAME of the machine's own name. An alias ends with the connection
to D-Bus that created it, so this program stays connected. It runs as the user of Avahi, without a network.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - pathlib takes memory

from bus import Bus, BusError

_AVAHI = "org.freedesktop.Avahi"
_BUS = "org.freedesktop.DBus"
_ANY = -1  # all interfaces, IPv4 and IPv6
_IN, _CNAME, _TTL = 1, 5, 60
_RUNNING = 2  # state of Avahi's server
_COLLISION, _FAILURE = 3, 4  # states of an entry group
_MATCHES = (
    f"type='signal',sender='{_AVAHI}'",
    f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{_AVAHI}'",
)


class TakenError(Exception):
    """Another machine in the network has the name."""


def wire(name: str) -> bytes:
    """Return a host name in the form of DNS (RFC 1035, section 3.1). Raises ``BusError`` if it has none."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    if len(name) > 253 or not all(0 < len(label) < 64 for label in labels):
        raise BusError("Avahi reports a host name that is not valid")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def publish(bus: Bus, name: str) -> str:
    """Publish ``name`` as an alias of the machine; return the entry group of Avahi that holds it."""
    (host,) = bus.call(_AVAHI, "/", f"{_AVAHI}.Server.GetHostNameFqdn").values("s")
    if str(host).rstrip(".").lower() == name.lower():
        return ""  # the machine itself has the name
    (group,) = bus.call(_AVAHI, "/", f"{_AVAHI}.Server.EntryGroupNew").values("o")
    record = (_ANY, _ANY, 0, name, _IN, _CNAME, _TTL, wire(str(host)))
    bus.call(_AVAHI, str(group), f"{_AVAHI}.EntryGroup.AddRecord", "iiusqquay", *record)
    bus.call(_AVAHI, str(group), f"{_AVAHI}.EntryGroup.Commit")
    print(f"{name} is an alias of {host}", flush=True)
    return str(group)


def running(bus: Bus) -> bool:
    """Return whether Avahi knows the machine's name, and takes records."""
    return bus.call(_AVAHI, "/", f"{_AVAHI}.Server.GetState").values("i") == [_RUNNING]


def follow(bus: Bus, name: str) -> None:
    """Keep ``name`` published, whatever happens to Avahi and to the machine's own name."""
    for match in _MATCHES:
        bus.call(_BUS, "/org/freedesktop/DBus", f"{_BUS}.AddMatch", "s", match)
    group = publish(bus, name) if running(bus) else ""
    while True:
        signal = bus.signal(None)
        if signal is None:
            continue
        if signal.member == f"{_BUS}.NameOwnerChanged" and signal.values("sss")[2]:
            group = publish(bus, name) if running(bus) else ""
        elif signal.member == f"{_AVAHI}.Server.StateChanged" and signal.values("is")[0] == _RUNNING:
            if group:
                bus.call(_AVAHI, group, f"{_AVAHI}.EntryGroup.Free")
            group = publish(bus, name)
        elif signal.member == f"{_AVAHI}.EntryGroup.StateChanged" and signal.path == group:
            if signal.values("is")[0] not in {_COLLISION, _FAILURE}:
                continue
            raise TakenError(f"another machine in this network has the name {name}")


def main(name: str) -> int:
    """Publish ``name`` until systemd ends this program; return 1 if that is not possible now."""
    try:
        follow(Bus(), name)
    except (BusError, TakenError, OSError) as refused:
        print(f"{name} is not published: {refused}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
