from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from debonair.host.modes import discard_output, kept


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal, of which this process is in the foreground."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    yield theirs
    os.close(ours)
    os.close(theirs)


def silence(terminal: int) -> None:
    """Turn off the echo, as what asks for a passphrase does."""
    modes = termios.tcgetattr(terminal)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, modes)


def echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def test_the_echo_is_back_after_a_failure(terminal: int) -> None:
    def interrupted() -> None:
        with kept(os.ttyname(terminal)):
            silence(terminal)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert echoes(terminal)


def test_a_command_in_the_background_changes_nothing(
    terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
    monkeypatch.setattr(os, "killpg", lambda *_: None)
    with kept(os.ttyname(terminal)):
        silence(terminal)
    assert not echoes(terminal)


def test_the_foreground_of_a_group_that_is_gone_comes_back(
    terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: int) -> None:
        raise ProcessLookupError

    given: list[int] = []
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: 4_000_000)
    monkeypatch.setattr(os, "killpg", gone)
    monkeypatch.setattr(os, "tcsetpgrp", lambda _, group: given.append(group))
    with kept(os.ttyname(terminal)):
        silence(terminal)
    assert given == [os.getpgrp()]
    assert echoes(terminal)


def test_without_a_terminal_nothing_is_kept() -> None:
    with kept("/nowhere/tty"):
        pass


def test_output_to_a_closed_terminal_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    replaced: list[int] = []
    real = termios.tcgetattr
    nothing = os.open(os.devnull, os.O_RDONLY)
    monkeypatch.setattr(termios, "tcgetattr", lambda number: real(theirs if number == 2 else nothing))
    monkeypatch.setattr(os, "dup2", lambda _, number: replaced.append(number))
    discard_output()
    assert replaced == []
    os.close(ours)
    discard_output()
    os.close(theirs)
    os.close(nothing)
    assert replaced == [2]
