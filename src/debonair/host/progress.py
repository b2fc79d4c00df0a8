"""Output of long work: a bar on a terminal, nothing in a pipe.

Both use standard error, so that standard output contains only results.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread, current_thread, main_thread

from debonair.host.terminal import plain

_WIDTH = 24


def say(text: str) -> None:
    """Write one line for the user to standard error, also without a terminal.

    Characters in it that would control the terminal are escaped, because it may quote strangers, such as an
    app on trial.
    """
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
            sys.stderr.write(
                f"\r\x1b[K{self.label} [{'#' * filled}{'.' * (_WIDTH - filled)}] "
                f"{self.done}/{self.total} {plain(text[:40])}",
            )
            sys.stderr.flush()


@contextmanager
def ticking(label: str) -> Iterator[None]:
    """Show on a terminal how long the body has been running, in minutes and seconds; quiet in a pipe."""
    done = Event()

    def tick() -> None:
        began = time.monotonic()
        while not done.wait(1):
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            sys.stderr.write(f"\r\x1b[K{label}: {minutes}:{seconds:02}")
            sys.stderr.flush()

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
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


@contextmanager
def progress(label: str, total: int) -> Iterator[Bar]:
    """Show a bar of ``total`` steps while the body runs, and erase it at the end."""
    bar = Bar(label, total, shown=_alone() and total > 0)
    try:
        bar.advance(0)
        yield bar
    finally:
        if bar.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _alone() -> bool:
    """Return whether standard error is a terminal, and no other work draws on its last line."""
    return sys.stderr.isatty() and current_thread() is main_thread()
