"""What a process may do, and the lock and namespaces it may hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import Process, Programs, stand_in

from debonair.debian.rootfs import namespace
from debonair.debian.rootfs.privilege import Privilege
from debonair.errors import MachineError


@pytest.mark.parametrize(
    ("effective", "mounts", "chroots"),
    [("000001ffffffffff", True, True), ("00000000a80425fb", False, True), ("0", False, False)],
)
def test_root_is_not_always_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, effective: str, *, mounts: bool, chroots: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text(f"Name:\tx\nCapEff:\t{effective}\nSeccomp:\t0\n")
    assert Privilege.here(tmp_path) == Privilege(root=True, mounts=mounts, chroots=chroots)


def test_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Privilege.here() == Privilege(root=False, mounts=True, chroots=True)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return stand_in(monkeypatch)


def test_namespaces_are_entered_by_the_pid_that_is_in_them(programs: Programs, tmp_path: Path) -> None:
    programs.output = "namespaces are made\n"
    children = tmp_path / "4000/task/4000/children"
    children.parent.mkdir(parents=True)
    children.write_text("4711 ")
    with namespace.hold(["--pid", "--fork"], log=tmp_path / "log", proc=tmp_path) as pid:
        assert pid == 4711
    with namespace.hold(["--mount"], log=tmp_path / "log", proc=tmp_path) as pid:
        assert pid == 4000
    assert programs.started[0][0].startswith("unshare --pid --fork -- sh -c ")


def test_a_kernel_that_refuses(programs: Programs, tmp_path: Path) -> None:
    programs.output = "unshare: Operation not permitted\n"
    programs.processes.append(Process(polls=2, status=1))
    with (
        pytest.raises(MachineError, match="Operation not permitted"),
        namespace.hold(["--user"], log=tmp_path / "log"),
    ):
        pass


def test_a_holder_that_does_not_end_is_ended(programs: Programs, tmp_path: Path) -> None:
    programs.output = "namespaces are made\n"
    stubborn = Process(stubborn=True)
    programs.processes.append(stubborn)
    with namespace.hold([], log=tmp_path / "log"):
        assert not stubborn.told
    assert stubborn.told == ["kill"]


def test_a_process_that_is_gone_has_no_children(tmp_path: Path) -> None:
    assert namespace.children(1, proc=tmp_path) == []
