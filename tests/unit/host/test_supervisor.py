"""What ends with a program: all that is below it, and what that starts meanwhile; nothing runs here."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from debonair.host import run, supervisor


class Left(BaseException):
    """A process that leaves at once, with its status."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pids: list[int] = []

    def kill(pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        pids.append(pid)
        if pid == 6:
            raise ProcessLookupError

    def leave(status: int) -> NoReturn:
        raise Left(status)

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return pids


def below(monkeypatch: pytest.MonkeyPatch, *rounds: list[int]) -> None:
    """Let these be found below, one list after the other, the last for ever."""
    found = list(rounds)
    monkeypatch.setattr(supervisor, "_children", lambda _: found.pop(0) if len(found) > 1 else found[0])


def test_each_round_ends_what_it_finds(monkeypatch: pytest.MonkeyPatch, killed: list[int]) -> None:
    below(monkeypatch, [5, 6], [7], [])
    waits = [(5, 0), (0, 0)]

    def wait(*_: int) -> tuple[int, int]:
        if not waits:
            raise ChildProcessError
        return waits.pop(0)

    monkeypatch.setattr(os, "waitpid", wait)
    supervisor._end([4])
    assert killed == [4, 5, 6, 7]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch, killed: list[int]) -> None:
    below(monkeypatch, [5])
    monkeypatch.setattr(os, "waitpid", lambda *_: (0, 0))
    monkeypatch.setattr(supervisor, "_PATIENCE", -1)
    supervisor._end([])
    assert killed == [5]


@pytest.mark.parametrize(("waited", "status"), [(3 << 8, 3), (0, 0), (signal.SIGTERM, 143)])
def test_the_status_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, killed: list[int], waited: int, status: int
) -> None:
    told: dict[int, Callable[..., Any]] = {}
    below(monkeypatch, [])
    monkeypatch.setattr("_signal.signal", told.__setitem__)
    monkeypatch.setattr(supervisor, "_adopt", lambda: None)
    monkeypatch.setattr(os, "fork", lambda: 8)
    monkeypatch.setattr(os, "waitpid", lambda *_: (8, waited))
    assert supervisor.main() == status
    assert killed == []

    def interrupted(*_: int) -> NoReturn:
        told[signal.SIGTERM](signal.SIGTERM, None)
        raise AssertionError("it goes on")

    monkeypatch.setattr(os, "waitpid", lambda pid, _=0: interrupted() if pid == 8 else (0, 0))
    with pytest.raises(Left, match="143"):
        supervisor.main()
    assert killed == [8]


def test_a_command_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, killed: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    def execute(*_: object) -> NoReturn:
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr("_signal.signal", lambda *_: None)
    monkeypatch.setattr(supervisor, "_adopt", lambda: None)
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "execvp", execute)
    monkeypatch.setattr(sys, "argv", ["supervise.py", "nothing"])
    with pytest.raises(Left, match="127"):
        supervisor.main()
    assert capsys.readouterr().err == "nothing: No such file\n"
    assert killed == []


def test_another_program_of_debonairs_own_needs_no_further_python(
    monkeypatch: pytest.MonkeyPatch, killed: list[int]
) -> None:
    words: list[str] = []

    def launched(given: list[str]) -> NoReturn:
        words.extend(given)
        raise SystemExit(3)

    monkeypatch.setitem(sys.modules, "launch", SimpleNamespace(main=launched))
    monkeypatch.setattr(sys, "orig_argv", [*run.program(supervisor.__file__), "x"])
    with pytest.raises(SystemExit, match="3"):
        supervisor._run([*run.program("/d/enter.py"), "--", "true"])
    assert words == ["/d/enter.py", "--", "true"]
    assert killed == []


def test_children_are_those_of_the_kernel() -> None:
    assert os.getpid() in supervisor._children(os.getppid())
    assert supervisor._children(2**30) == []
