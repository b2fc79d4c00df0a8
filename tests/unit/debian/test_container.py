"""A container: its boot, its ends, and what it leaves."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NoReturn

import pytest
from programs import Process, Programs, stand_in

from debonair.debian.rootfs import cgroup, container, isolation, namespace
from debonair.debian.rootfs.container import BootError, Container
from debonair.errors import MachineError, TrialError


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Programs:
    made = stand_in(monkeypatch)
    made.output = "namespaces are made\n"
    made.answer("is-system-running", "", "starting\n", "running\n")
    # unshare 1 holds 2; nsenter 10 has nspawn 20, which has the container's first process 30
    family = {1: [2], 10: [20], 20: [30]}
    monkeypatch.setattr(namespace, "children", lambda pid, **_: family.get(pid, []))
    monkeypatch.setattr(container, "_is_first", lambda pid: pid == 30)
    monkeypatch.setattr(cgroup, "create", lambda name: nullcontext(Path("/groups") / name))
    monkeypatch.setattr(namespace, "first", lambda: 5000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return made


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pids: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: pids.append(pid))
    return pids


def boot(settings: Mapping[str, str] | None = None) -> AbstractContextManager[Container]:
    return container.boot(
        Path("/root"), suite="trixie", architecture="amd64", name="it", settings=settings or {}
    )


def started(*processes: Process) -> list[Process]:
    return [Process(pid=1), *processes]


def test_it_boots_and_leaves_nothing(programs: Programs, killed: list[int], tmp_path: Path) -> None:
    programs.processes = started(nspawn := Process(pid=10))
    with boot() as machine:
        assert machine.alive
        assert machine.state == "running"
        assert machine.prefix == isolation.door("pid=30", "spaces=user,mnt,pid,uts,ipc,net,cgroup")
        assert machine.network == ("nsenter", "-t", "30", "-n", "--")
        machine.serve("app")
    assert killed == [30]
    assert nspawn.returncode is not None
    assert list(tmp_path.iterdir()) == []
    unshare, spawn = (line for line, _ in programs.started)
    assert "--kill-child" in unshare
    door = shlex.join(isolation.door())
    assert f"sh /groups/it/cgroup.procs nsenter -t 2 -m -p -- {door} env " in spawn
    assert "UNIFIED_HIERARCHY=1 systemd-nspawn " in spawn
    assert "--private-network" in spawn
    assert "--private-users=5000:65536 --private-users-ownership=off " in spawn
    assert "--drop-capability=CAP_AUDIT_CONTROL," in spawn
    assert programs.was_asked("chown 5000:5000 .*/upper$")
    assert programs.was_asked("overlay -o lowerdir=/root,upperdir=")


def test_what_is_laid_over_its_files(programs: Programs, killed: list[int]) -> None:
    programs.processes = started(Process(pid=10))
    with boot({"/etc/systemd/system/a.conf": "[Service]"}):
        assert programs.was_asked("root/etc/systemd/system/a.conf 5000$")
    assert killed


def test_it_is_ended_when_its_user_fails(programs: Programs, killed: list[int]) -> None:
    programs.processes = started(Process(pid=10))
    with (
        pytest.raises(KeyboardInterrupt),
        boot(),
    ):
        raise KeyboardInterrupt
    assert killed == [30]


def test_a_container_that_ends_at_once(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs.processes = started(Process(pid=10, polls=0, status=1))
    monkeypatch.setattr(container, "_is_first", lambda pid: False)
    programs.output += "Failed to mount\n"
    with (
        pytest.raises(BootError, match=r"did not boot trixie \(no systemd\):[^$]*Failed to mount"),
        boot(),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_boot_that_does_not_end(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.processes = started(Process(pid=10))
    waited: list[float] = []

    def run_late(argv: list[str], *, check: bool, timeout: float) -> NoReturn:
        assert argv[-3:] == ["systemctl", "is-system-running", "--wait"]
        assert not check
        waited.append(timeout)
        monkeypatch.setattr(container, "_BOOT_PATIENCE", -1)
        raise MachineError("It did not finish.")

    monkeypatch.setattr(container, "_mount", lambda *_: Path("/merged"))
    monkeypatch.setattr("debonair.host.run.run", run_late)
    with (
        pytest.raises(BootError, match=r"did not boot trixie \(starting\):"),
        boot(),
    ):
        pass
    assert 80 < waited[0] <= 90


def test_an_overlay_that_is_refused(programs: Programs) -> None:
    programs.answer("-t overlay", "mount: wrong fs type", status=32)
    with (
        pytest.raises(BootError, match="wrong fs type"),
        boot(),
    ):
        pass


def test_it_reboots(programs: Programs, killed: list[int]) -> None:
    programs.processes = started(Process(pid=10, status=133), again := Process(pid=10))
    with boot() as machine:
        machine.reboot()
        assert machine.alive
        assert killed == []
        machine.poweroff()
        assert again.returncode == 0
        machine.poweroff()
    assert programs.was_asked("systemctl reboot")


def test_an_end_that_is_another(programs: Programs, killed: list[int]) -> None:
    del killed
    programs.processes = started(Process(pid=10, status=1))
    with (
        pytest.raises(TrialError, match="exited with status 1 at poweroff, not 0"),
        boot() as machine,
    ):
        machine.poweroff()


def test_an_end_that_does_not_come(programs: Programs, killed: list[int]) -> None:
    programs.processes = started(nspawn := Process(pid=10, stubborn=True))
    with (
        pytest.raises(TrialError, match="did not poweroff within"),
        boot() as machine,
    ):
        machine.poweroff()
    assert killed[0] == 30
    assert nspawn.returncode == -9


def test_a_container_that_was_never_started(tmp_path: Path) -> None:
    machine = Container(
        "trixie", "amd64", "it", root=tmp_path, console=tmp_path / "log", holder=1, group=tmp_path
    )
    machine.kill()
    assert not machine.alive


def test_what_is_broken_and_why(programs: Programs, tmp_path: Path) -> None:
    machine = Container(
        "trixie", "amd64", "it", root=tmp_path, console=tmp_path / "log", holder=1, group=tmp_path
    )
    programs.answer("cat /etc/uwsgi-emperor", status=1)
    assert not machine.broken("app"), "a package without services is never broken"
    programs.answer("dpkg-query", "/usr/lib/systemd/system/app.service\n")
    programs.answer("is-failed app.service", status=0)
    programs.answer("systemctl status", "app.service: failed\n")
    programs.answer("journalctl.*app", "Traceback\n")
    programs.answer("journalctl.*nginx", "-- No entries --\n")
    assert machine.broken("app")
    assert machine.evidence("app") == "app.service: failed\n\nTraceback"
    programs.answer("is-failed app.service", status=1)
    assert not machine.broken("app")


def test_the_first_process_of_a_container() -> None:
    assert not container._is_first(os.getpid())
    assert not container._is_first(2**30)
