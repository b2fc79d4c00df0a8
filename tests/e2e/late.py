"""Releases of examples/late, and how a booted Debian is taken from one to another under load."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debians import EXAMPLES, Builder
from traffic import Traffic

from debonair.debian.rootfs.machine import Machine


@dataclass(frozen=True)
class Late:
    """One release of the example: its number and its deb."""

    number: str
    deb: Path

    @property
    def version(self) -> str:
        """Debian's."""
        return self.deb.name.split("_")[1]


def releases(folder: Path, build: Builder, target: str, count: int) -> list[Late]:
    """Build releases 1.0, 1.1 and so on for ``target``, from copies of the example below ``folder``."""
    made = []
    for number in (f"1.{minor}" for minor in range(count)):
        source = folder / number
        shutil.copytree(EXAMPLES / "late", source, ignore=shutil.ignore_patterns("dist", "__pycache__"))
        for name in ("pyproject.toml", "late/__init__.py", "late/part.py", "late/templates/page.txt"):
            text = (source / name).read_text()
            assert text.count("1.0") == 1, f"{name} no longer says its release"
            (source / name).write_text(text.replace("1.0", number))
        made.append(Late(number, build(source, target)))
    return made


def begin(machine: Machine, release: Late) -> None:
    """Install the first ``release`` of all, and wait until nginx, which is reloaded for it, leads there."""
    install(machine, release)
    deadline = time.monotonic() + 10
    while served(machine) != release.number:
        assert time.monotonic() < deadline, f"{release.deb.name} was not served"
        time.sleep(0.1)


def install(machine: Machine, release: Late) -> None:
    """Install ``release`` by apt, be it an upgrade or a downgrade."""
    path = f"/srv/{release.deb.name}"
    machine.copy_in(release.deb, path)
    machine.run(["apt-get", "install", "--yes", "--allow-downgrades", path])


def served(machine: Machine) -> str:
    """Return the release that the page is of; several if its parts do not agree."""
    return "/".join(sorted({line.rpartition(": ")[2] for line in machine.get("/").text.splitlines()}))


def upgrade(machine: Machine, traffic: Traffic, sequence: Sequence[Late]) -> None:
    """Install each of ``sequence`` in turn, and see that it is served."""
    for release in sequence:
        with traffic.switch(release.number):
            install(machine, release)
        assert served(machine) == release.number


def rollback(machine: Machine, traffic: Traffic, times: int) -> None:
    """Serve the other release by the app's own command and a short version: back, and then forward."""
    for _ in range(times):
        known = machine.run(["late", "releases"]).stdout.splitlines()
        number = next(line for line in known if "served" not in line).split("-")[0]
        with traffic.switch(number):
            machine.run(["late", "rollback", number])
        assert served(machine) == number
