"""The terminal of this command: its modes, and the process group in its foreground.

A program that is ended, such as one that asks for a passphrase, may leave a terminal without echo. A shell
in another pid namespace takes the foreground, and cannot return it.
"""

from __future__ import annotations

import errno
import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def kept(path: str = "/dev/tty") -> Iterator[None]:
    """Restore the terminal at ``path`` after the body, unless this command is in the background then."""
    try:
        terminal = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # no terminal, as in a CI job
        yield
        return
    try:
        modes = termios.tcgetattr(terminal)
        yield
    finally:
        with suppress(OSError, termios.error):  # the terminal may be gone
            _restore(terminal, modes)
        os.close(terminal)


def _restore(terminal: int, modes: list[Any]) -> None:
    """Return the foreground of ``terminal`` to this command if its group is gone, and set its ``modes``."""
    ours = os.getpgrp()
    front = os.tcgetpgrp(terminal)
    # A change from the background would stop this process.
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    try:
        if front != ours and not _exists(front):
            os.tcsetpgrp(terminal, ours)
            front = ours
        if front == ours and termios.tcgetattr(terminal) != modes:
            termios.tcsetattr(terminal, termios.TCSANOW, modes)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)


def _exists(group: int) -> bool:
    """Return whether any process is in the process ``group``."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def discard_output() -> None:
    """Write to nowhere from now on, where the terminal is closed: every message would fail."""
    for number in (0, 1, 2):
        try:
            termios.tcgetattr(number)
        except termios.error as wrong:
            if wrong.args[0] == errno.EIO:
                nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
                os.dup2(nowhere, number)
                os.close(nowhere)
