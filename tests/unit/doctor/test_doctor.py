"""``debonair doctor``: each task is possible or not, and what to type then."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from programs import Programs, stand_in

from debonair import doctor
from debonair.cli import doctor as cli
from debonair.cli.main import main
from debonair.debian import mirror as mirrors
from debonair.debian.rootfs import emulation, isolation
from debonair.debian.rootfs.isolation import Degree
from debonair.debian.rootfs.privilege import Privilege
from debonair.doctor import tasks
from debonair.errors import Error, MachineError, NetworkError
from debonair.host import sandbox
from debonair.host.sandbox import Sandbox
from debonair.lock.uv import Uv

ROOT = Privilege(root=True, mounts=True, chroots=True)
USER = Privilege(root=False, mounts=True, chroots=True)


@pytest.fixture(autouse=True)
def _able(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that can do everything."""
    monkeypatch.setenv("DEBONAIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000_000))
    monkeypatch.setattr(tasks, "program", lambda: "/bin/uv")
    monkeypatch.setattr(Uv, "files", lambda *_: b"")
    monkeypatch.setattr(mirrors, "mirror", lambda _: SimpleNamespace(uri="https://mirror.example"))
    monkeypatch.setattr(mirrors, "reach", lambda *_: None)
    monkeypatch.setattr(sandbox, "needed", lambda *_: Sandbox("unshare", Path(), Path()))
    monkeypatch.setattr(emulation, "check", lambda _: ("arm64", "armhf"))
    monkeypatch.setattr(tasks, "host_architecture", lambda: "amd64")
    monkeypatch.setattr(isolation, "granted", lambda _: Degree.USERS)
    monkeypatch.setattr(Privilege, "here", lambda: ROOT)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return stand_in(monkeypatch)


def lacking(message: str, kind: type[Error] = MachineError) -> Callable[..., Any]:
    def lack(*_: object, **__: object) -> Any:
        raise kind(f"{message}.", hint="Fix it: sudo fix")

    return lack


def examined(*words: str) -> Result:
    done = CliRunner().invoke(main, ["doctor", *words])
    assert "Traceback" not in done.output
    return done


def test_the_command_line_knows_every_task() -> None:
    assert list(doctor.TASKS) == list(cli._TASKS)


def test_a_machine_that_can_do_everything() -> None:
    done = examined()
    assert done.exit_code == 0
    assert [line.split()[:2] for line in done.stdout.splitlines() if line[0] != " "] == [
        [name, "yes"] for name in doctor.TASKS
    ]


def test_a_lack_is_told_with_what_to_type_within_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "needed", lacking("This machine has no sandbox for it, " * 4))
    done = examined("sdists", "ssh")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("sdists   no  This machine has no sandbox")
    assert "             -> Fix it: sudo fix" in lines
    assert lines[-2].startswith("ssh      yes ")
    assert max(map(len, lines)) <= 60


def test_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "reach", lacking("No answer", NetworkError))
    done = examined("--json", "build", "bucket")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == [
        {"task": "build", "able": False, "detail": "No answer.", "hint": "Fix it: sudo fix"},
        {"task": "bucket", "able": True, "detail": "the library for buckets is installed", "hint": ""},
    ]


def test_no_order_reaches_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uv, "files", lacking("\x1b[2J", NetworkError))
    assert "\x1b" not in examined("lock").stdout


def test_an_unknown_task() -> None:
    assert examined("fly").exit_code == 2


@pytest.mark.parametrize(
    ("task", "place", "name"),
    [
        ("lock", tasks, "program"),
        ("lock", Uv, "files"),
        ("build", mirrors, "mirror"),
        ("build", mirrors, "reach"),
        ("sdists", sandbox, "needed"),
        ("try", isolation, "granted"),
        ("emulate", emulation, "check"),
    ],
)
def test_each_step_of_a_task_counts(
    task: str, place: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, lacking("Not here"))
    done = examined(task)
    assert done.exit_code == 1
    assert "Not here." in done.stdout


@pytest.mark.parametrize(
    ("task", "program"),
    [
        ("build", "apt-get"),
        ("try", "mmdebstrap"),
        ("try", "systemd-nspawn"),
        ("publish", "gpg"),
        ("publish", "gpgv"),
        ("ssh", "ssh"),
    ],
)
def test_each_program_of_a_task_counts(task: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> str:
        return lacking(f"'{name}' is missing")() if name == program else f"/bin/{name}"

    monkeypatch.setattr("debonair.host.run.find", find)
    done = examined(task)
    assert done.exit_code == 1
    assert f"'{program}' is missing." in done.stdout


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=tasks.ROOM - 1))
    done = examined("cache")
    assert done.exit_code == 1
    assert "debonair cache prune --older-than 30d" in " ".join(done.stdout.split())


def test_a_cache_that_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    done = examined("cache")
    assert done.exit_code == 1
    assert "not a folder" in " ".join(done.stdout.split())


def test_no_library_for_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "'.[bucket]'" in " ".join(examined("bucket").stdout.split())


@pytest.mark.parametrize(
    ("privilege", "degree", "words"),
    [
        (USER, Degree.ACCOUNT, "in a user namespace of this account, without systemd -> To boot a Debian"),
        (ROOT, Degree.NAMESPACE, "in a namespace, without systemd"),
        (Privilege(root=True, mounts=False, chroots=True), Degree.CHROOT, "by a plain chroot, without"),
    ],
)
def test_how_a_debian_runs(
    privilege: Privilege, degree: Degree, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Privilege, "here", lambda: privilege)
    monkeypatch.setattr(isolation, "granted", lambda _: degree)
    done = examined("try")
    assert done.exit_code == 0
    assert words in " ".join(done.stdout.split())


def test_sdists_that_are_built_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "needed", lambda *_: Sandbox("", Path(), Path()))
    assert "without a sandbox" in examined("sdists").stdout


def test_uv_does_not_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], str]] = []

    def files(uv: Uv, pins: list[str], python: str) -> bytes:
        del python
        seen.append((pins, uv.environ["UV_HTTP_TIMEOUT"]))
        return b""

    monkeypatch.setattr(Uv, "files", files)
    examined("lock")
    os.environ["UV_HTTP_TIMEOUT"] = "1"
    try:
        examined("lock")
    finally:
        del os.environ["UV_HTTP_TIMEOUT"]
    assert seen == [(["pip"], "10"), (["pip"], "1")]
