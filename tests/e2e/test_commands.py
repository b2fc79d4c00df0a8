"""Workers and timers: they run beside the app, in its sandbox, and go with the release that is served."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from debians import EXAMPLES, Boot, Builder

from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

BEATS = "/var/lib/hello-pi/beats"
TIDIED = "/var/lib/hello-pi/tidied"
BEAT = """
import os, sys, time
from pathlib import Path

if __name__ == "__main__":
    while True:
        with Path(os.environ["STATE_DIRECTORY"], "beats").open("a") as file:
            print(os.environ["GREETING"], "VERSION", os.environ["SECRET_KEY"][:4], file=file)
        time.sleep(0.2)
"""
WORKER = '[workers]\nbeat = "exec python3 app.py"\n'
TIMER = '[timers]\ntidy = {command = "touch $STATE_DIRECTORY/tidied", calendar = "*:*:0/1"}\n'


@pytest.fixture
def machine(boot: Boot) -> Iterator[Container]:
    with boot("trixie") as booted:
        yield booted


@pytest.fixture
def make(tmp_path: Path, build: Builder) -> Callable[..., Path]:
    def made(version: str, tables: str = WORKER + TIMER, code: str = "") -> Path:
        root = tmp_path / version
        shutil.copytree(EXAMPLES / "hello", root, ignore=shutil.ignore_patterns("dist"))
        config = root / "debonair.toml"
        text = config.read_text().replace('version = "1.0"', f'version = "{version}"')
        config.write_text(f'{text}\n[service.environment]\nGREETING = "beat"\n{tables}')
        with (root / "app.py").open("a") as file:
            file.write(BEAT.replace("VERSION", version) + code)
        return build(root, "trixie-amd64")

    return made


def install(machine: Container, deb: Path) -> None:
    machine.copy_in(deb, f"/srv/{deb.name}")
    machine.run(["dpkg", "--install", f"/srv/{deb.name}"])


def active(machine: Container, unit: str) -> str:
    return machine.run(["systemctl", "is-active", unit], check=False).stdout.strip()


def new_beats(machine: Container, *, none: bool = False) -> set[str]:
    """Return what the worker writes next; ``none`` is expected within a second."""
    machine.run(["rm", "-f", BEATS])
    deadline = time.monotonic() + (1 if none else 30)
    while not (found := (machine.read(BEATS) or "").splitlines()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return {" ".join(line.split()[:2]) for line in found}


def test_workers_and_timers_go_with_their_release(machine: Container, make: Callable[..., Path]) -> None:
    install(machine, make("1.0"))
    assert new_beats(machine) == {"beat 1.0"}
    deadline = time.monotonic() + 10
    while machine.read(TIDIED) is None:
        assert time.monotonic() < deadline, "the timer never ran"
        time.sleep(0.2)
    units = ["hello-pi-beat.service", "hello-pi-tidy.service", "hello-pi-tidy.timer"]
    judged = machine.run(["systemd-analyze", "verify", "--man=no", *units])
    assert (judged.stdout, judged.stderr) == ("", "")
    assert machine.run(["stat", "-c", "%U %a", BEATS]).stdout.strip() == "hello-pi 600"
    secret = str(machine.read("/etc/hello-pi/env")).partition("SECRET_KEY=")[2][:4]
    assert secret in str(machine.read(BEATS))

    # an upgrade, a rollback, and the way back
    install(machine, make("1.1"))
    assert new_beats(machine) == {"beat 1.1"}
    machine.run(["hello-pi", "rollback"])
    assert new_beats(machine) == {"beat 1.0"}
    machine.run(["hello-pi", "rollback", "--undo"])
    assert new_beats(machine) == {"beat 1.1"}

    # one that is refused changes nothing
    broken = make("1.2", code="import nothing_of_that_name\n")
    install(machine, broken)
    assert machine.run(["hello-pi", "status"], check=False).status == 3
    assert new_beats(machine) == {"beat 1.1"}

    # a release without them stops them, and one with them starts them again
    install(machine, make("1.3", ""))
    assert [active(machine, unit) for unit in units] == ["inactive"] * 3
    assert new_beats(machine, none=True) == set()
    install(machine, make("1.4"))
    assert new_beats(machine) == {"beat 1.4"}

    # they stop and start with the app, and with the machine
    machine.run(["systemctl", "stop", "hello-pi"])
    assert new_beats(machine, none=True) == set()
    machine.run(["systemctl", "start", "hello-pi"])
    assert new_beats(machine) == {"beat 1.4"}
    machine.reboot()
    assert new_beats(machine) == {"beat 1.4"}
    assert active(machine, "hello-pi-tidy.timer") == "active"
    machine.run(["dpkg", "--purge", "hello-pi"])
    assert [active(machine, unit) for unit in units] == ["inactive"] * 3
    assert machine.run(["find", "/usr", "/etc", "/var/lib/systemd", "-name", "*hello-pi*"]).stdout == ""
