"""An app that sleeps: it ends when nobody asks for it, and the next request wakes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from debians import Boot, Builder
from sleepers import Sleeper, fall_asleep, install, memory, page, processes

from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.alone]

APPS = 8
PRIVATE = 1200  # kB of an app asleep; half of it are libcrypto's relocations, which each emperor has
WAKE = 3.0  # seconds; it takes less than a tenth of one where nothing else runs


@pytest.fixture
def machine(boot: Boot) -> Iterator[Container]:
    with boot("trixie") as booted:
        yield booted


@pytest.fixture
def sleeper(tmp_path: Path, build: Builder) -> Sleeper:
    return Sleeper(tmp_path, build)


def test_an_app_sleeps_wakes_and_is_switched_asleep(machine: Container, sleeper: Sleeper) -> None:
    install(machine, sleeper("sleeper", "1.0"))
    fall_asleep(machine, "sleeper")

    # status says so, and wakes nobody
    assert "active, asleep" in machine.run(["sleeper", "status"]).stdout
    facts = json.loads(machine.run(["sleeper", "status", "--json"]).stdout)
    assert (facts["asleep"], facts["healthy"], facts["workers"]) == (True, True, [])
    assert processes(machine, "sleeper") == []

    assert page(machine, "sleeper")[0] == "Hello from sleeper 1.0!"
    assert len(processes(machine, "sleeper")) == 3
    assert "asleep" not in machine.run(["sleeper", "status"]).stdout

    # a switch of a sleeping app, in either direction, leaves nothing of the other release
    fall_asleep(machine, "sleeper")
    install(machine, sleeper("sleeper", "1.1"))
    assert page(machine, "sleeper")[0] == "Hello from sleeper 1.1!"
    fall_asleep(machine, "sleeper")
    machine.run(["sleeper", "rollback"])
    assert page(machine, "sleeper")[0] == "Hello from sleeper 1.0!"
    machine.run(["sleeper", "rollback", "--undo"])
    assert page(machine, "sleeper")[0] == "Hello from sleeper 1.1!"
    left = machine.run(["find", "/run/sleeper"]).stdout
    assert "web-1.1" in left
    assert "web-1.0" not in left
    assert "next/" not in left

    # the emperor lets all write to the socket, the folder only nginx and the app
    fall_asleep(machine, "sleeper")
    folder = machine.run(["stat", "-c", "%A %U %G", "/run/sleeper/sockets/web"]).stdout.split()
    assert folder == ["drwxr-s---", "sleeper", "www-data"]

    # what cannot be woken is an error for who asks, and can be mended
    home = "/usr/lib/sleeper/current/app"
    machine.run(["sh", "-c", f"mv {home}/app.py /srv && rm -r {home}/__pycache__"])
    broken = machine.get("/", headers={"Host": "sleeper.example.org"})
    assert broken.status == 503
    machine.run(["mv", "/srv/app.py", home])
    fall_asleep(machine, "sleeper")
    assert page(machine, "sleeper")[0] == "Hello from sleeper 1.1!"

    # it is not started by a boot either
    machine.reboot()
    assert processes(machine, "sleeper") == []
    assert page(machine, "sleeper")[0] == "Hello from sleeper 1.1!"
    machine.run(["dpkg", "--purge", "sleeper"])
    assert machine.run(["test", "-e", "/run/sleeper"], check=False).status == 1


def test_many_apps_asleep_take_little(machine: Container, sleeper: Sleeper) -> None:
    names = [f"app-{number}" for number in range(APPS)]
    install(machine, *(sleeper(name) for name in names))
    for name in names:
        fall_asleep(machine, name)
    assert max(memory(machine, name).private for name in names) < PRIVATE
    for name in names:
        text, seconds = page(machine, name)
        assert text == f"Hello from {name} 1.0!"
        assert seconds < WAKE
