"""A deb of somebody else, and the Debians that keep it in: one to try it, one to build in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from debonair.cache import Cache
from debonair.trial.bed import Bed
from debonair.trial.machine import Machine
from debonair.trial.privilege import Privilege
from debonair.trial.root import Root

CONTAINED = Privilege(root=True, mounts=False, chroots=True)
CONTROL = """\
Package: hostile
Version: {version}
Architecture: all
Maintainer: Mallory <mallory@example.org>
Description: does in its postinst what nobody asked for
"""

Hostile = Callable[[str], Path]
Attack = Callable[[str], str]


def bed(privilege: Privilege | None = None) -> Bed:
    cache = Cache.of(os.environ)
    return Bed(cache, os.environ, privilege) if privilege else Bed(cache, os.environ)


def room(name: str, suite: str = "trixie") -> AbstractContextManager[Machine]:
    """A Debian as 'try' boots it, as sdists are built in it, or the same in somebody's container."""
    if name == "booted":
        return bed().boot(suite)
    return bed(CONTAINED if name == "contained" else None).enter(Root(suite, bed_architecture()))


def bed_architecture() -> str:
    return subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    """Builds a deb with a postinst."""

    def build(postinst: str) -> Path:
        folder = tmp_path_factory.mktemp("deb")
        (folder / "hostile/DEBIAN").mkdir(parents=True, mode=0o755)
        (folder / "hostile").chmod(0o755)
        (folder / "hostile/DEBIAN/control").write_text(CONTROL.format(version=folder.name.lstrip("deb")))
        (folder / "hostile/DEBIAN/postinst").write_text(postinst)
        (folder / "hostile/DEBIAN/postinst").chmod(0o755)
        deb = folder / "hostile_1.0+deb13_all.deb"
        words = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", folder / "hostile", deb]
        subprocess.run(words, check=True, capture_output=True)
        return deb

    return build


@pytest.fixture(scope="module", params=["booted", "entered", "contained"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with room(request.param) as entered:
        yield entered


@pytest.fixture
def attack(machine: Machine, hostile: Hostile) -> Attack:
    """Install a deb with this postinst by apt, and return what it wrote to its standard output."""

    def install(postinst: str) -> str:
        shebang, _, body = postinst.partition("\n")
        python = shebang == "#!/usr/bin/python3"
        opened = "import sys; sys.stdout = open('/root/loot', 'w')" if python else "exec >/root/loot 2>&1"
        deb = hostile(f"{shebang}\n{opened}\n{body}")
        machine.copy_in(deb, "/srv/hostile.deb")
        machine.run(["rm", "-f", "/root/loot"])
        machine.run(["apt-get", "install", "--yes", "--allow-downgrades", "/srv/hostile.deb"])
        loot = machine.read("/root/loot")
        assert loot is not None, "the postinst did not run"
        return loot

    return install
