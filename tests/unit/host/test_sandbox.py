"""How the sandbox is asked for; what it keeps out is seen in tests/integration and tests/attacks."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from debonair.errors import LockError, MachineError
from debonair.host import run, sandbox
from debonair.host.sandbox import FailedError, Sandbox

PYTHON, PREFIX = Path("/opt/python/bin/python3.13"), Path("/opt/python")


class Process:
    """Stands in for what was started: it writes what it was told to, and ends."""

    def __init__(self, status: int = 0, *, late: bool = False) -> None:
        self.status, self.late, self.killed = status, late, False

    def wait(self, timeout: float | None = None) -> int:
        if self.late and timeout:
            raise subprocess.TimeoutExpired("it", timeout)
        return self.status

    def kill(self) -> None:
        self.killed = True


class Machine:
    """Stands in for ``run.start``."""

    def __init__(self) -> None:
        self.process = Process()
        self.words: list[str] = []
        self.given = b""
        self.out, self.output = b"", b""

    def start(self, argv: Sequence[str], *, output: Path, stdin: int, pass_fds: Sequence[int]) -> Process:
        self.words = list(argv)
        self.given = os.read(stdin, 1 << 20)
        output.write_bytes(self.output)
        (out,) = pass_fds
        os.write(out, self.out)
        return self.process


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(run, "start", made.start)
    return made


@pytest.fixture
def _user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


@pytest.fixture
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def within(words: list[str]) -> list[str]:
    """The words of the command itself, with its environment."""
    last = len(words) - 1 - words[::-1].index("env")
    return words[last:]


class TestRun:
    def test_it_has_what_it_is_given_and_nothing_else(self, machine: Machine) -> None:
        machine.out, machine.output = b"a wheel", b"building\n"
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("source/"))
        made = Sandbox("unshare", PYTHON, PREFIX)
        out, output = made.run(["x", "{folder}/y", "{out}"], data.getvalue(), {"HOME": "{folder}/home"})
        assert (out, output) == (b"a wheel", "building\n")
        assert machine.words[:3] == ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        command = within(machine.words)
        assert command[:5] == ["env", "-i", "HOME=/build/home", "x", "/build/y"]
        assert command[5].isdecimal()
        with tarfile.open(fileobj=io.BytesIO(machine.given)) as archive:
            assert [member.name for member in archive] == ["source/"]
        assert machine.process.killed, "and with it all that it has started"

    def test_what_fails_has_its_last_line(self, machine: Machine) -> None:
        machine.process.status, machine.output = 1, b"Traceback\n\x1b[31mValueError: \xff no\n"
        with pytest.raises(FailedError) as caught:
            Sandbox("unshare", PYTHON, PREFIX).run(["x"], b"", {})
        assert caught.value.message == " [31mValueError: \N{REPLACEMENT CHARACTER} no"
        assert caught.value.output.startswith("Traceback\n")

    def test_what_fails_without_a_word(self, machine: Machine) -> None:
        machine.process.status = 3
        with pytest.raises(FailedError, match=r"^it exited with status 3$"):
            Sandbox("unshare", PYTHON, PREFIX).run(["x"], b"", {})

    def test_the_end_of_much_is_read(self, machine: Machine) -> None:
        machine.output = b"x" * 1_000_000 + b"\nthe end\n"
        _, output = Sandbox("unshare", PYTHON, PREFIX).run(["x"], b"", {})
        assert output.endswith("\nthe end\n")
        assert len(output) <= 1 << 16

    def test_too_much_comes_out(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox, "_MOST", 1 << 20)
        machine.out = bytes((1 << 20) + 1)
        with pytest.raises(LockError, match=r"Its output exceeds 1 MiB\."):
            Sandbox("unshare", PYTHON, PREFIX).run(["x"], b"", {})

    def test_what_never_ends_is_ended(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        machine.process.late = True
        hours = itertools.count(step=3600)
        monkeypatch.setattr(time, "monotonic", lambda: next(hours))
        with pytest.raises(LockError, match=r"It did not finish within 30 minutes\."):
            Sandbox("unshare", PYTHON, PREFIX).run(["x"], b"", {})
        assert machine.process.killed


class TestWays:
    @pytest.mark.usefixtures("_user")
    def test_of_a_user_by_unshare(self, machine: Machine) -> None:
        Sandbox("unshare", PYTHON, PREFIX).run(["x"], b"", {})
        words = machine.words
        assert words[3:5] == ["sh", "-c"]
        assert "oom_score_adj" in words[5]
        assert words[7:10] == ["setpriv", "--pdeathsig", "KILL"]
        assert {"--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--kill-child"} <= {
            *words
        }
        at = words.index("--", 7)
        assert words[at - 2 : at] == ["", "/opt/python"], "no other user; what is bound"

    @pytest.mark.usefixtures("_root")
    def test_of_root_by_unshare(self, machine: Machine) -> None:
        Sandbox("unshare", PYTHON, Path("/usr")).run(["x"], b"", {})
        words = machine.words
        at = words.index("--", 7)
        assert words[at - 1] == "65534", "another user, and nothing to bind"
        assert "--user" not in words[:at], "that is made by the other user"

    @pytest.mark.usefixtures("_user")
    def test_of_a_user_by_bubblewrap(self, machine: Machine) -> None:
        Sandbox("bwrap", PYTHON, PREFIX).run(["x"], b"", {})
        words = machine.words
        assert words[7] == "bwrap"
        assert {"--unshare-all", "--die-with-parent", "--new-session"} <= {*words}
        bound = [words[at + 1] for at, word in enumerate(words) if word.startswith("--ro-bind")]
        assert {"/usr", "/opt/python"} <= {*bound}
        assert not {"/", "/home", "/etc", "/var", "/run", "/tmp"} & {*bound}

    def test_none_at_all(self, machine: Machine) -> None:
        Sandbox("", PYTHON, PREFIX).run(["x", "{folder}"], b"", {})
        assert "unshare" not in machine.words
        folder = Path(within(machine.words)[-1])
        assert folder.name == "build"
        assert folder.parent.name.startswith("debonair-")


class TestFind:
    @pytest.fixture(autouse=True)
    def _anew(self) -> Iterator[None]:
        sandbox.find.cache_clear()
        yield
        sandbox.find.cache_clear()

    @pytest.mark.usefixtures("_user")
    def test_the_first_that_works(self, machine: Machine) -> None:
        found, why = sandbox.find()
        assert found
        assert (found.kind, why) == ("unshare", "")
        assert sandbox.find()[0] is found

    @pytest.mark.usefixtures("_user")
    def test_the_second_if_the_first_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def tried(made: Sandbox, *_: object) -> tuple[bytes, str]:
            if made.kind == "unshare":
                raise FailedError("unshare: Operation not permitted", 1)
            return b"here", ""

        monkeypatch.setattr(Sandbox, "run", tried)
        found, _ = sandbox.find()
        assert found
        assert found.kind == "bwrap"

    @pytest.mark.usefixtures("_user")
    def test_why_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def tried(made: Sandbox, *_: object) -> Any:
            raise MachineError(f"no {made.kind}")

        monkeypatch.setattr(Sandbox, "run", tried)
        assert sandbox.find() == (None, "unshare: no unshare; bwrap: no bwrap")

    @pytest.mark.usefixtures("_root")
    def test_bubblewrap_would_leave_root_what_is_roots(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def tried(made: Sandbox, *_: object) -> Any:
            raise MachineError(f"no {made.kind}")

        monkeypatch.setattr(Sandbox, "run", tried)
        assert sandbox.find() == (None, "unshare: no unshare")

    def test_a_python_that_is_the_home_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
        monkeypatch.setenv("HOME", str(tmp_path / "me"))
        found, why = sandbox.find()
        assert found is None
        assert "a folder that contains the home folder" in why


class TestNeeded:
    @pytest.mark.parametrize("value", ["", "0", "no"])
    def test_without_one_nothing_is_run(self, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox, "find", lambda: (None, "unshare: Operation not permitted"))
        with pytest.raises(MachineError, match=r"^m 1 is built by code of others.*not permitted") as caught:
            sandbox.needed({sandbox.VARIABLE: value}, "m 1 is built")
        assert "sudo apt install bubblewrap" in caught.value.hint
        assert "--allow-unsandboxed-sdists" in caught.value.hint

    def test_unless_that_is_allowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sandbox, "find", lambda: (None, "no"))
        assert sandbox.needed({sandbox.VARIABLE: "1"}, "m 1 is built").kind == ""

    def test_one_that_there_is_is_used_though_none_is_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = Sandbox("unshare", PYTHON, PREFIX)
        monkeypatch.setattr(sandbox, "find", lambda: (made, ""))
        assert sandbox.needed({sandbox.VARIABLE: "1"}, "m 1 is built") is made
