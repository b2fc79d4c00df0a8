"""The addresses at which visitors reach the app, each tested by asking nginx which app answers there."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import call
import own_port
import visit
from nginx_site import Site
from person import sudo
from release import Home, Release
from visit import Door

_SETTLED = 5.0  # seconds for nginx to open a new port after a reload
_POLL = 0.2  # seconds
_AVAHI = "avahi-daemon.service"
_NOWHERE = ("192.0.2.1", 9)  # an address of the documentation (RFC 5737), to which nothing is sent


@dataclass(frozen=True)
class Addresses:
    """Where the app answers on this machine."""

    urls: tuple[str, ...] = ()
    """The addresses that work, the easiest first."""
    own: str = ""
    """The address of the machine itself; empty if the site does not answer to the names of any machine."""
    owner: str = ""
    """The app that answers at ``own``; empty if that is unknown."""
    taken: tuple[str, ...] = ()
    """Which other site answers at an address of the app, each in a sentence."""
    failing: str = ""
    """Where nginx has the app, but does not show its page, in a sentence; empty if it does."""


def find(site: Site, release: Release, *, pages: bool = False) -> Addresses:
    """Return the addresses of the app, whose served release this is.

    With ``pages``, the health page is requested at each of them, through nginx.
    """
    block = visit.block_of(_text(site.file), release)
    own = Door(80, _machine())
    apps = {door: visit.app_at(door) for door in _candidates(site.home, block, own.host)}
    mine = [door for door, app in apps.items() if app == site.home.package]
    failing = next(filter(None, (visit.closed(site, release, door) for door in mine if pages)), "")
    found = Addresses(
        tuple(map(_url, mine)), taken=tuple(_taken(site, release, apps, own.host)), failing=failing
    )
    if 80 not in visit.ports(block) or not own_port.names_any(block):
        return found
    return replace(found, own=_url(own), owner=visit.app_at(own))


def printed(home: Home) -> str:
    """Return a sentence with the app's addresses, after a switch; empty without addresses."""
    release, deadline = home.serving(), time.monotonic() + _SETTLED
    if release is None or call.state("nginx.service") != "active":
        return ""
    found = find(Site(home), release)
    # After a reload, nginx's old processes may still answer for a moment, and they do not know the app.
    while not _is_settled(found, home.package) and time.monotonic() < deadline:
        time.sleep(_POLL)
        found = find(Site(home), release)
    *others, last = found.urls or ("",)
    return f"its addresses: {', '.join(others)} and {last}" if others else last and f"its address: {last}"


def _is_settled(found: Addresses, package: str) -> bool:
    """Return whether all answers came from nginx's new processes, as far as they tell."""
    if found.owner == package:
        return found.own in found.urls
    return bool(found.urls and (found.owner or not found.own))


def shown_by(found: Addresses, package: str) -> str:
    """Return who answers at the machine's own address, if it is another app; else nothing."""
    return f"{found.own} shows {found.owner}" if found.owner not in {"", package} else ""


def publish(home: Home) -> None:
    """Start the unit that publishes ``APP.local``, if the package has one and Avahi runs.

    An earlier version of the package may have had one.
    """
    unit, forbidden = alias_unit(home), Path("/usr/sbin/policy-rc.d").exists()
    if not forbidden and call.state(_AVAHI) == "active" and call.systemctl("restart", unit)[0]:
        call.systemctl("stop", unit)


def alias_unit(home: Home) -> str:
    """Return the name of the unit that publishes ``APP.local`` in the network."""
    return f"{home.package}.local.service"


def _taken(site: Site, release: Release, apps: dict[Door, str], machine: str) -> Iterator[str]:
    """Yield which of the doors belong to another site; ``apps`` are the apps that nginx names there.

    The first app has the names of the ``machine``, so another app there is correct. In an edited site,
    the answer may be its owner's own.
    """
    if not visit.is_named(release) or _text(site.file) != _text(site.written):
        return
    shared = {machine, _ip()}
    for door, app in apps.items():
        if app == site.home.package or (app and door.port == 80 and door.host in shared):
            continue
        status = 0 if app else visit.ask(door, release.health)[0]
        if app or status:
            who = app or f"a site that this package has not written (it answers {status})"
            yield f"{_url(door)} shows {who}: {sudo()}nginx -T | less"


def _candidates(home: Home, block: str, machine: str) -> Iterator[Door]:
    """Yield where the server ``block`` may answer, on a ``machine`` of that name."""
    words, alias = visit.names(block), f"{home.package}.local"
    everywhere = own_port.names_any(block)
    names = [machine] if everywhere else visit.plain_names(words)
    if alias in words and call.state(alias_unit(home)) == "active":
        names.append(alias)
    if everywhere:
        names.append(_ip())
    for tls in (False, True):
        ports = visit.ports(block, tls=tls)
        for name in dict.fromkeys(names):
            for port in ports if re.fullmatch(r"[0-9.]+", name) else ports[:1]:
                yield Door(port, name, tls)


def _machine() -> str:
    """Return the name under which others in the network find this machine: by mDNS, or its address."""
    name = os.uname().nodename.partition(".")[0]
    return f"{name}.local" if name and call.state(_AVAHI) == "active" else _ip()


def _ip() -> str:
    """Return the IPv4 address of this machine in its network; that of the loopback without a network."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_NOWHERE)
            return str(probe.getsockname()[0])
    except OSError:
        pass
    listed = call.call("hostname", "--all-ip-addresses")[1].split()
    return next((one for one in listed if re.fullmatch(r"[0-9.]+", one)), "127.0.0.1")


def _url(door: Door) -> str:
    return f"{door.scheme}://{door.authority}/"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
