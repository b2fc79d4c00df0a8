"""Output of long work: a bar on a terminal, nothing in a pipe.

Both use standard error, so that standard output contains only results. A bar is erased before anything else
is printed, so that no line begins with the rest of a bar.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread, current_thread, main_thread

from debonair.host.terminal import plain

_WIDTH = 24
_USUAL = 80
_ERASE = "\r\x1b[K"

quiet = False
"""If true, no progress and no note is shown, only warnings."""


def _columns() -> int:
    """Return the width of the terminal; standard output may be a pipe, and have none."""
    if (chosen := os.environ.get("COLUMNS", "")).isdecimal() and int(chosen):
        return int(chosen)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL
    except (OSError, ValueError):  # not a terminal of the system
        return _USUAL


class _Line:
    """The last line of the terminal, which a bar or a clock draws again and again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drawn = False

    def draw(self, text: str) -> None:
        """Draw ``text`` over the line; it is cut to fit, because a wrapped line cannot be erased."""
        with self._lock:
            self._drawn = True
            sys.stderr.write(_ERASE + text[: _columns() - 1])
            sys.stderr.flush()

    def erase(self) -> None:
        """Erase what was drawn, if anything was."""
        with self._lock:
            if self._drawn:
                self._drawn = False
                sys.stderr.write(_ERASE)
                sys.stderr.flush()


_line = _Line()
erase = _line.erase
"""Erases the bar, if there is one: call this before you print anything else. It is drawn again later."""


def say(text: str) -> None:
    """Write one line for the user to standard error, also without a terminal, unless ``quiet``.

    Characters in it that would control the terminal are escaped, because it may quote strangers, such as an
    app on trial.
    """
    if not quiet:
        warn(text)


def warn(text: str) -> None:
    """Write one line for the user to standard error, as ``say`` does, even if ``quiet``."""
    erase()
    sys.stderr.write(plain(text) + "\n")
    sys.stderr.flush()


class Bar:
    """A bar of ``total`` steps behind ``label``, which redraws itself; it is quiet unless ``shown``."""

    def __init__(self, label: str, total: int, *, shown: bool) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.shown = shown

    def advance(self, steps: int = 1, text: str = "") -> None:
        """Advance by ``steps``; ``text`` names the step that just finished."""
        self.done += steps
        if self.shown:
            filled = _WIDTH * self.done // max(self.total, 1)
            _line.draw(
                f"{self.label} [{'#' * filled}{'.' * (_WIDTH - filled)}] "
                f"{self.done}/{self.total} {plain(text[:40])}",
            )


@contextmanager
def ticking(label: str) -> Iterator[None]:
    """Show on a terminal how long the body has been running, in minutes and seconds; quiet in a pipe."""
    done = Event()

    def tick() -> None:
        began = time.monotonic()
        while not done.wait(1):
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            _line.draw(f"{label}: {minutes}:{seconds:02}")

    if not _alone():
        yield
        return
    clock = Thread(target=tick, daemon=True)
    clock.start()
    try:
        yield
    finally:
        done.set()
        clock.join()
        erase()


@contextmanager
def progress(label: str, total: int) -> Iterator[Bar]:
    """Show a bar of ``total`` steps while the body runs, and erase it at the end."""
    bar = Bar(label, total, shown=_alone() and total > 0)
    try:
        bar.advance(0)
        yield bar
    finally:
        erase()


def _alone() -> bool:
    """Return whether standard error is a terminal that can erase a line, and only this work draws on it."""
    able = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return able and not quiet and current_thread() is main_thread()
