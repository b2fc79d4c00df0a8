"""Output of long work: what is done now and for how long, on a terminal; nothing in a pipe.

All of it is on the last line of the terminal, which one thread redraws. Work in any thread is shown there.
It uses standard error, so that standard output contains only results.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, RLock, Thread

from debonair.host.terminal import plain

_WIDTH = 24
_NARROW = 70  # columns below which the bar has half its width
_USUAL = 80
_ERASE = "\r\x1b[K"

quiet = False
"""If true, no progress and no note is shown, only warnings."""


def say(text: str) -> None:
    """Write one line for the user to standard error, also without a terminal, unless ``quiet``.

    Characters in it that would control the terminal are escaped, because it may quote strangers, such as an
    app on trial.
    """
    if not quiet:
        warn(text)


def warn(text: str) -> None:
    """Write one line for the user to standard error, as ``say`` does, even if ``quiet``."""
    with _line.lock:
        _line.erase()
        sys.stderr.write(plain(text) + "\n")
        sys.stderr.flush()


def erase() -> None:
    """Erase the line of progress, before something else is written to the terminal."""
    with _line.lock:
        _line.erase()


class Work:
    """Something that takes time; ``label`` names it. It is not drawn in its first second."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.began = time.monotonic()

    @property
    def clock(self) -> str:
        """The time since its beginning, in minutes and seconds; empty in the first second."""
        seconds = int(time.monotonic() - self.began)
        return f"{seconds // 60}:{seconds % 60:02}" if seconds else ""


class Bar(Work):
    """A bar of ``total`` steps behind ``label``; it is quiet unless ``shown``."""

    def __init__(self, label: str, total: int, *, shown: bool) -> None:
        super().__init__(label)
        self.total = total
        self.done = 0
        self.shown = shown
        self.text = ""

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Advance by ``steps``; ``text`` names the step that just finished."""
        self.done += steps
        self.text = text
        if self.shown:
            _line.draw()

    def drawn(self, columns: int) -> str:
        """Return the bar itself, for a terminal of so many ``columns``."""
        width = _WIDTH if columns >= _NARROW else _WIDTH // 2
        filled = width * self.done // max(self.total, 1)
        return f"{self.label} [{'#' * filled}{'.' * (width - filled)}] {self.done}/{self.total}"


class _Line:
    """The last line of the terminal; it shows the newest bar, and the newest work that is no bar."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.works: list[Work] = []
        self.drawn = False
        self._ended = Event()
        self._clock: Thread | None = None

    def begin(self, work: Work) -> None:
        """Show ``work`` from now on."""
        with self.lock:
            self.works.append(work)
            if self._clock is None:
                self._ended = Event()
                self._clock = Thread(target=self._tick, args=(self._ended,), daemon=True)
                self._clock.start()

    def end(self, work: Work) -> None:
        """Show ``work`` no longer; without any other, nothing is drawn and no thread is left."""
        with self.lock:
            self.works.remove(work)
            self.erase()
            last, clock = not self.works, self._clock
            if last:
                self._clock = None
                self._ended.set()
        if last and clock:
            clock.join()

    def erase(self) -> None:
        """Erase the line if something is drawn there."""
        if self.drawn:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
            self.drawn = False

    def draw(self) -> None:
        """Draw the line again."""
        with self.lock:
            if text := self._text(_columns()):
                sys.stderr.write(_ERASE + text)
                sys.stderr.flush()
                self.drawn = True

    def _tick(self, ended: Event) -> None:
        while not ended.wait(1):
            with self.lock:
                if not ended.is_set():
                    self.draw()

    def _text(self, columns: int) -> str:
        bars = [work for work in self.works if isinstance(work, Bar)]
        others = [work for work in self.works if not isinstance(work, Bar) and work.clock]
        if not bars:
            if not others:
                return ""
            clock = others[-1].clock
            return f"{plain(others[-1].label)[: columns - len(clock) - 3]}: {clock}"
        begun = " ".join(part for part in (bars[-1].drawn(columns), bars[-1].clock) if part)
        done = others[-1].label if others else bars[-1].text
        return f"{begun} {plain(done)}"[: columns - 1].rstrip()


_line = _Line()


@contextmanager
def ticking(label: str) -> Iterator[None]:
    """Show on a terminal that ``label`` is what is done in the body, and for how long."""
    if not _terminal():
        yield
        return
    _line.begin(work := Work(label))
    try:
        yield
    finally:
        _line.end(work)


@contextmanager
def progress(label: str, total: int) -> Iterator[Bar]:
    """Show a bar of ``total`` steps while the body runs, and erase it at the end."""
    bar = Bar(label, total, shown=total > 0 and _terminal())
    if not bar.shown:
        yield bar
        return
    _line.begin(bar)
    try:
        bar.advance(0)
        yield bar
    finally:
        _line.end(bar)


def _terminal() -> bool:
    """Return whether standard error is a terminal on which a line can be drawn again."""
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _columns() -> int:
    """Return the width of the terminal; standard output may be a pipe, and have none."""
    if (chosen := os.environ.get("COLUMNS", "")).isdecimal() and int(chosen):
        return int(chosen)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL
    except (OSError, ValueError):  # not a terminal of the system
        return _USUAL
