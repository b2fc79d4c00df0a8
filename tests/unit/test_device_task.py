from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pi
import pytest
import task
from release import Home, Release


class Process:
    """A process that ends, or does not until it is killed, or is interrupted."""

    pid = 4711

    def __init__(
        self, output: bytes, status: int, *, late: bool = False, interrupted: bool = False
    ) -> None:
        self.output, self.returncode, self.late, self.interrupted = output, status, late, interrupted

    def __call__(self, argv: list[str], **given: Any) -> Process:
        self.argv, self.given = argv, given
        return self

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def communicate(self, timeout: float | None = None) -> tuple[bytes, None]:
        if self.interrupted:
            raise KeyboardInterrupt
        if self.late:
            assert timeout is not None
            self.late = False
            raise subprocess.TimeoutExpired("x", timeout)
        return self.output, None


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    monkeypatch.setattr(pwd, "getpwnam", {"guestbook": pi.ACCOUNT}.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, *, path: None if name == "nix" else f"/bin/{name}")
    return pi.serve(pi.home(tmp_path), "1.0")


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda *given: found.append(given))
    return found


def run(home: Home, release: Release, process: Process, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr(subprocess, "Popen", process)
    return task.as_app(home, release, ["sh", "-c", "x"], seconds=5)


def test_it_is_the_apps_user_with_the_apps_variables(
    tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(b"hello\n", 3)
    monkeypatch.setenv("PASSWORD", "of root")
    assert run(Home("guestbook", tmp_path), release, process, monkeypatch) == (3, "hello")
    assert process.argv == ["/bin/sh", "-c", "x"]
    given = process.given
    assert (given["user"], given["group"], given["extra_groups"]) == (990, 980, [])
    assert given["cwd"] == tmp_path / "var/lib/guestbook"
    assert given["umask"] == 0o077
    assert given["env"]["STATE_DIRECTORY"] == "/var/lib/guestbook"
    assert given["env"]["PATH"].startswith(f"{release.folder}/venv/bin:")
    assert "PASSWORD" not in given["env"]


def test_the_apps_user_stays_that_user(
    tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 990)
    process = Process(b"", 0)
    (tmp_path / "var/lib/guestbook").rmdir()
    assert run(Home("guestbook", tmp_path), release, process, monkeypatch) == (0, "")
    assert (process.given["user"], process.given["group"]) == (None, None)
    assert process.given["cwd"] == Path("/")


def test_a_command_that_is_not_there(tmp_path: Path, release: Release) -> None:
    found = task.as_app(Home("guestbook", tmp_path), release, ["nix"], seconds=5)
    assert found == (127, "there is no command 'nix'")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (b"so far\n", "so far\nit did not end within 5 seconds"),
        (b"", "it did not end within 5 seconds"),
    ],
)
def test_what_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path,
    release: Release,
    killed: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    output: bytes,
    said: str,
) -> None:
    process = Process(output, -9, late=True)
    assert run(Home("guestbook", tmp_path), release, process, monkeypatch) == (124, said)
    assert process.given["start_new_session"] is True
    assert killed == [(4711, signal.SIGKILL)]


def test_ctrl_c_ends_it_too(
    tmp_path: Path, release: Release, killed: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(b"", 0, interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        run(Home("guestbook", tmp_path), release, process, monkeypatch)
    assert killed == [(4711, signal.SIGKILL)]


def test_what_has_ended_meanwhile_is_not_ended_again(
    tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", gone)
    found = run(Home("guestbook", tmp_path), release, Process(b"x", 0, late=True), monkeypatch)
    assert found[0] == 124


def test_of_much_output_the_end_is_kept(
    tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"".join(b"line %d\n" % number for number in range(100))
    _, said = run(Home("guestbook", tmp_path), release, Process(lines, 1), monkeypatch)
    assert said.splitlines()[0] == "line 80"
    assert said.splitlines()[-1] == "line 99"


def test_of_a_traceback_all_is_kept_and_nothing_before_it(
    tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = b"noise\nTraceback (most recent call last):\n  x\nValueError: \xff no\n"
    _, said = run(Home("guestbook", tmp_path), release, Process(output, 1), monkeypatch)
    assert said == "Traceback (most recent call last):\n  x\nValueError: \ufffd no"


def test_of_much_without_a_traceback_the_end_is_kept() -> None:
    assert task.tail("\n".join(map(str, range(50)))) == "\n".join(map(str, range(30, 50)))


def test_requests_are_not_kept_beside_anything_else() -> None:
    requests = ["[pid: 7|app: 0|req: 1/1] GET / => generated 9 bytes (HTTP/1.1 500)"] * 30
    assert task.tail("\n".join(["no file", *requests])) == "no file"
    assert task.tail("\n".join(requests)) == "\n".join(requests[:20])


def test_a_traceback_is_kept_though_the_program_was_started_again() -> None:
    said = ["Traceback (most recent call last):", *["  x"] * 40, "ValueError: no", *["again"] * 40]
    kept = task.tail("\n".join(said)).splitlines()
    assert len(kept) == 20
    assert kept[-5:] == ["ValueError: no", *["again"] * 4]


def test_of_a_traceback_that_is_cut_the_end_is_kept() -> None:
    assert task.tail("Traceback (most recent call last):\n  x") == "Traceback (most recent call last):\n  x"
