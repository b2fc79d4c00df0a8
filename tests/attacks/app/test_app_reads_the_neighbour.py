"""The attacker wants what belongs to the neighbour: the pages that its site denies, and its service."""

from __future__ import annotations

import pytest
from puppets import NEIGHBOUR, SITE, Puppet

pytestmark = [pytest.mark.boot, pytest.mark.usefixtures("neighbour")]

KEPT = "what the neighbour keeps"

LEAD = """
def lead(path, target):
    if os.path.lexists(path):
        os.rename(path, path + ".mine")
    os.symlink(target, path)
def led(how):
    "Lead each path by which nginx may come to the app to the neighbour; return what that brought."
    result = []
    for place in reversed(places()):
        for name in sorted({*os.listdir(place), "web.sock", "http.sock"}):
            path = os.path.join(place, name)
            try:
                if how == "by a link" and name.endswith("sock"):
                    lead(path, TARGET)
                elif how == "by a chain of links" and name.endswith("sock"):
                    lead(path + ".next", TARGET)
                    lead(path, path + ".next")
                elif how == "by its socket" and name.endswith("sock"):
                    lead(path, TARGET)
                elif how == "by a hard link" and name.endswith("sock"):
                    os.rename(path, path + ".mine")
                    os.link(TARGET, path)
                else:
                    continue
                result.append(path)
            except OSError as refused:
                result.append(f"{path}: {refused}")
        if how == "by a folder":
            try:
                lead(place, os.path.dirname(TARGET))
                result.append(place)
            except OSError as refused:
                result.append(f"{place}: {refused}")
    return result
"""


def ask(puppet: Puppet, path: str) -> str:
    return puppet.machine.get(path, headers={"Host": SITE.host}).text


@pytest.mark.parametrize("how", ["by a link", "by a chain of links", "by a hard link", "by a folder"])
def test_it_is_served_past_the_neighbours_deny(puppet: Puppet, how: str) -> None:
    assert puppet.machine.get("/private", headers={"Host": NEIGHBOUR.host}).status == 403
    targets = puppet.machine.run(["find", "/run/neighbour", "-name", "*sock"]).stdout.split()
    assert targets
    for target in targets:
        result = puppet(f"TARGET = {target!r}\n{LEAD}\nresult = led({how!r})")
        assert "Traceback" not in result
        assert KEPT not in ask(puppet, "/private"), f"{result} led to {target}"
        puppet.machine.run(["systemctl", "restart", "puppet"])


def test_it_is_served_past_the_neighbours_deny_after_the_next_upgrade(puppet: Puppet) -> None:
    """It waits for the socket of the next release, by whose name root is going to link."""
    target = puppet.machine.run(["find", "/run/neighbour", "-name", "web-*.sock"]).stdout.strip()
    puppet.leave(
        "waiter",
        f"""
        import time
        for _ in range(600):
            for path in sockets("sock"):
                if "1.{puppet.number + 1}" in path:
                    time.sleep(1)
                    os.rename(path, path + ".mine")
                    os.symlink({target!r}, path)
            time.sleep(0.05)
        """,
    )
    puppet.upgrade()
    assert KEPT not in ask(puppet, "/private")


def test_it_ends_the_neighbours_service(puppet: Puppet) -> None:
    """Root removes the vassal of the release that is left: the neighbour has one of the same name."""
    version = "1.0-1+deb13"
    if puppet.version() != version:
        puppet.number = -1
        puppet.upgrade()
    puppet.leave(
        "mover",
        f"""
        import time
        while not [path for path in sockets("sock") if "1.{puppet.number + 1}" in path]:
            time.sleep(0.02)
        time.sleep(1)
        for place in places():
            if place.endswith("vassals"):
                os.rename(place, place + ".mine")
                os.symlink("/run/neighbour/vassals", place)
        """,
    )
    before = puppet.machine.run(["find", "/run/neighbour", "-printf", "%p %y %U\n"]).stdout
    done = puppet.upgrade()
    assert puppet.machine.run(["find", "/run/neighbour", "-printf", "%p %y %U\n"]).stdout == before
    assert NEIGHBOUR.get(puppet.machine, "/").text == "the neighbour"
    puppet.taken(done)
