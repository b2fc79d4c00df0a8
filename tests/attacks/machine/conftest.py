"""The attacks of a deb: its postinst is run in each Debian that is to keep it in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rooms import Attack, hostile, room

from debonair.debian.rootfs.machine import Machine


@pytest.fixture(scope="module", params=["booted", "entered", "contained"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with room(request.param) as entered:
        yield entered


@pytest.fixture
def attack(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Attack:
    """Install a deb with this postinst by apt, and return what it wrote to its standard output."""

    def install(postinst: str) -> str:
        shebang, _, body = postinst.partition("\n")
        python = shebang == "#!/usr/bin/python3"
        opened = "import sys; sys.stdout = open('/root/loot', 'w')" if python else "exec >/root/loot 2>&1"
        deb = hostile(tmp_path_factory.mktemp("deb"), f"{shebang}\n{opened}\n{body}")
        machine.copy_in(deb, "/srv/hostile.deb")
        machine.run(["rm", "-f", "/root/loot"])
        machine.run(["apt-get", "install", "--yes", "--reinstall", "/srv/hostile.deb"])
        loot = machine.read("/root/loot")
        assert loot is not None, "the postinst did not run"
        return loot

    return install
