from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from debonair.host import progress as module
from debonair.host.progress import erase, progress, say, ticking, warn


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Waited(Terminal):
    """A terminal that tells when a text was drawn."""

    def __init__(self, awaited: str = "") -> None:
        super().__init__()
        self.awaited = awaited
        self.seen = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.awaited and self.awaited in text:
            self.seen.set()
        return written


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
        f"Fetching [{'.' * 24}] 0/2",
        f"Fetching [{'#' * 12}{'.' * 12}] 1/2 x.whl",
        f"Fetching [{'#' * 24}] 2/2 {'y' * 39}",
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


def test_nothing_is_glued_to_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2) as bar:
        say("A note.")
        bar.advance()
        erase()  # as before a result
        erase()
    drawn = [f"Fetching [{'.' * 24}] 0/2", "A note.\n", f"Fetching [{'#' * 12}{'.' * 12}] 1/2", ""]
    assert terminal.getvalue().split("\r\x1b[K") == ["", *drawn]


def test_a_bar_fits_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 1) as bar:
        bar.advance(1, "y" * 60)
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn[2] == f"Fetching [{'#' * 12}] 1/1 {'y' * 31}"
    assert len(drawn[2]) == 59


@pytest.mark.parametrize("columns", ["", "0", "wide"])
def test_a_width_that_is_none(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("y" * 200, 1):
        pass
    assert terminal.getvalue() == f"\r\x1b[K{'y' * 79}\r\x1b[K"


def test_a_terminal_that_cannot_erase_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2) as bar, ticking("Building"):
        bar.advance(1, "x.whl")
    assert terminal.getvalue() == ""


def test_only_warnings_are_shown_if_it_is_to_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "quiet", True)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2) as bar:
        bar.advance(1, "x.whl")
        say("A note.")
        warn("A warning.")
    assert terminal.getvalue() == "A warning.\n"


def test_what_is_said_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_a_bar_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2) as bar:
        bar.advance(1, "y" * 60)
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn[2].startswith(f"Fetching [{'#' * 6}{'.' * 6}] 1/2 yyy")
    assert len(drawn[2]) == 59, "a line that is full wraps"


def test_a_sentence_is_not_glued_to_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2):
        say("hello")
        erase()
    assert terminal.getvalue().endswith("0/2\r\x1b[Khello\n"), "nothing is drawn that could be erased"


def test_a_terminal_that_cannot_draw_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with progress("Fetching", 2) as bar, ticking("Building"):
        bar.advance(1, "x.whl")
    assert terminal.getvalue() == ""


class TestTicking:
    @pytest.fixture(autouse=True)
    def _clock(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A second is over at once, and the clock shows what it should show then; no thread is left."""

        class Hurried(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                assert timeout == 1
                return super().wait(0.001)

        before = threading.active_count()
        times = iter([100.0, 100.9, 101.2, 101.3, 165.9, 166.0, *[3_765.0] * 10_000])
        monkeypatch.setattr("debonair.host.progress.Event", Hurried)
        monkeypatch.setattr("debonair.host.progress.time", SimpleNamespace(monotonic=lambda: next(times)))
        yield
        assert threading.active_count() == before

    def test_the_time_is_drawn_over_itself_and_wiped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", terminal := Waited("61:05"))
        with ticking("Building cffi 1.0"):
            assert terminal.seen.wait(10), terminal.getvalue()
        drawn = terminal.getvalue().split("\r\x1b[K")
        assert drawn[:4] == ["", *(f"Building cffi 1.0: {time}" for time in ("0:01", "1:06", "61:05"))]
        assert drawn[-1] == ""

    def fail(self, terminal: Waited) -> None:
        assert terminal.seen.wait(10)
        raise OSError("broken")

    def test_it_is_wiped_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", terminal := Waited("0:01"))
        with pytest.raises(OSError, match="broken"), ticking("Building"):
            self.fail(terminal)
        assert terminal.getvalue().endswith("\r\x1b[K")

    def test_what_is_quick_shows_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Over(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                del timeout
                return super().wait()

        monkeypatch.setattr("debonair.host.progress.Event", Over)
        monkeypatch.setattr(sys, "stderr", terminal := Waited())
        with ticking("Building"):
            pass
        assert terminal.getvalue() == ""

    def test_a_label_is_cut_but_not_its_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "20")
        monkeypatch.setattr(sys, "stderr", terminal := Waited("61:05"))
        with ticking("Fetching the package lists"):
            assert terminal.seen.wait(10), terminal.getvalue()
        assert terminal.getvalue().split("\r\x1b[K")[3] == "Fetching the: 61:05"

    def test_what_a_thread_does_is_shown_behind_the_bar(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", terminal := Waited("61:05 Fetching lists"))
        begun = threading.Event()
        later = SimpleNamespace(monotonic=lambda: 3_765.0 if begun.is_set() else 100.0)
        monkeypatch.setattr("debonair.host.progress.time", later)

        def work() -> None:
            with ticking("Fetching lists"):
                begun.set()
                assert terminal.seen.wait(10), terminal.getvalue()

        with progress("Building", 2):
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
        assert f"Building [{'.' * 24}] 0/2 61:05 Fetching lists" in terminal.getvalue()

    def test_a_pipe_gets_nothing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("debonair.host.progress.Thread", None)
        with ticking("Building"):
            pass
        with pytest.raises(ValueError, match="broken"), ticking("Building"):
            raise ValueError("broken")
        assert capsys.readouterr() == ("", "")
