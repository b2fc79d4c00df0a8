"""A program that runs another, and ends everything that it started: COMMAND...

``launch.py`` runs this file, with only the standard library. All descendants of the command stay below this
process, even those in a session of their own. On Linux it adopts those whose parent has ended
(PR_SET_CHILD_SUBREAPER in prctl(2)). When the command ends, or when this program receives SIGTERM, it kills
everything that is left.
"""

from __future__ import annotations

# 'signal' is the same functions with enums, whose import takes as long as half of Python's start.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # each module costs milliseconds, for every command
    from types import FrameType
    from typing import NoReturn

_CHILD_SUBREAPER = 36
_PARENT_DEATH_SIGNAL = 1
_PATIENCE = 5.0
_LAUNCHER = 5
"""The number of words of ``run.program`` that start Python and ``launch``."""


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
        _run(sys.argv[1:])
    status = os.waitstatus_to_exitcode(os.waitpid(running[0], 0)[1])
    running.clear()  # the kernel may reuse its process id
    _end([])
    return status if status >= 0 else 128 - status


def _run(command: list[str]) -> NoReturn:
    """Become ``command``; if it is another program of ``launch``, run it without a further Python."""
    if command[:_LAUNCHER] == sys.orig_argv[:_LAUNCHER]:
        __import__("launch").main(command[_LAUNCHER:])
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command of its arguments
    except OSError as refused:
        sys.stderr.write(f"{command[0]}: {refused.strerror}\n")
    os._exit(127)


def _adopt() -> None:
    """Adopt orphaned descendants, and end when the parent process ends, where the kernel supports it."""
    import ctypes  # noqa: PLC0415 - Debonair itself only asks where this file is

    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)
    except (OSError, AttributeError):
        pass


def _end(known: list[int]) -> None:
    """Kill ``known`` and every descendant, also those that they still start, within a time limit."""
    deadline = time.monotonic() + _PATIENCE
    while found := {*known, *_children(os.getpid())}:
        for pid in found:
            try:  # noqa: SIM105 - without contextlib
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        known = []
        # The children of a killed process become ours, and the next round finds them.
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
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
