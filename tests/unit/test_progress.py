from __future__ import annotations

import io
import sys

import pytest

from debonair.progress import progress, say


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Fetching", 2) as bar:
        bar.advance(text="x.whl")
    assert bar.done == 1
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2) as bar:
        bar.advance(1, "x.whl")
        bar.advance(1, "y" * 60)
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn == [
        "",
        f"Fetching [{'.' * 24}] 0/2 ",
        f"Fetching [{'#' * 12}{'.' * 12}] 1/2 x.whl",
        f"Fetching [{'#' * 24}] 2/2 {'y' * 40}",
        "",
    ]


def test_it_is_wiped_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with pytest.raises(ValueError, match="broken"), progress("Fetching", 2):
        raise ValueError("broken")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_nothing_to_do_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 0):
        pass
    assert terminal.getvalue() == ""


def test_what_is_said_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")
