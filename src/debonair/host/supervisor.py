"""A program that runs another, and ends everything that it started: supervisor.py COMMAND...

This file is run by its path, with only the standard library. All descendants of the command stay below this
process, even those in a session of their own. On Linux it adopts those whose parent has ended
(PR_SET_CHILD_SUBREAPER in prctl(2)). When the command ends, or when this program receives SIGTERM, it kills
everything that is left.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

_CHILD_SUBREAPER = 36
_PARENT_DEATH_SIGNAL = 1
_PATIENCE = 5.0


def main() -> int:
    """Run the command and end its descendants; return its exit status, as a shell reports it."""
    running: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        _end(running)
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    _adopt()
    running.append(os.fork())
    if not running[0]:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command of its arguments
        except OSError as refused:
            sys.stderr.write(f"{sys.argv[1]}: {refused.strerror}\n")
        os._exit(127)
    status = os.waitstatus_to_exitcode(os.waitpid(running[0], 0)[1])
    running.clear()  # the kernel may reuse its process id
    _end([])
    return status if status >= 0 else 128 - status


def _adopt() -> None:
    """Adopt orphaned descendants, and end when the parent process ends, where the kernel supports it."""
    import ctypes  # noqa: PLC0415 - Debonair itself only asks where this file is

    with suppress(OSError, AttributeError):
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)


def _end(known: list[int]) -> None:
    """Kill ``known`` and every descendant, also those that they still start, within a time limit."""
    deadline = time.monotonic() + _PATIENCE
    while found := {*known, *_children(os.getpid())}:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        known = []
        # The children of a killed process become ours, and the next round finds them.
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() > deadline:
            return
        time.sleep(0.005)


def _children(pid: int) -> list[int]:
    try:
        # pathlib would double the time that this program takes to start, which is part of every command.
        with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except OSError:  # gone, or not Linux
        return []


if __name__ == "__main__":
    sys.exit(main())
