"""Run programs of the system, with a limit on their time and on the output that is kept."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

_KEPT = 64_000  # bytes of the end of the output
PATIENCE = 30.0
"""Seconds for a question to systemd, dpkg or nginx; a longer one hangs."""
TIMED_OUT, MISSING = 124, 127  # as in timeout(1) and sh(1)


class Deadline:
    """The end of a job of several steps: no step gets more time than the whole job has left."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def left(self, most: float) -> float:
        """Return the seconds for a step that would take ``most``; 0 if the time is over."""
        return max(0.0, min(most, self.end - time.monotonic()))


def call(
    *argv: str,
    seconds: float = PATIENCE,
    env: Mapping[str, str] | None = None,
    errors: bool = False,
    most: int = _KEPT,
) -> tuple[int, str]:
    """Run ``argv`` and return its status and the end of its output, with its ``errors`` if requested.

    The end has ``most`` bytes.

    It waits for the program, not for the end of its output, because a child may hold that open. The status
    is 124 if the program was ended after ``seconds``, and 127 if there is no such program.
    """
    try:
        process = subprocess.Popen(
            argv,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return MISSING, ""
    assert process.stdout  # noqa: S101 - Popen was called with a pipe
    try:
        with process.stdout as output:
            os.set_blocking(output.fileno(), False)
            ended, data = _follow(process, output.fileno(), seconds, most)
    finally:
        _end(process)
    return process.returncode if ended else TIMED_OUT, data.decode(errors="replace")


def _follow(process: subprocess.Popen[bytes], output: int, seconds: float, most: int) -> tuple[bool, bytes]:
    """Read until ``process`` ends; return whether it did within ``seconds``, and the end of its output."""
    deadline, buffer, is_open = Deadline(seconds), bytearray(), True
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            if is_open:
                selector.select(0 if ended else deadline.left(0.05))
                is_open = _read(output, buffer, most)
                if not is_open:
                    selector.unregister(output)
            elif not ended:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(deadline.left(1.0))
            if ended or not deadline.left(1.0):
                return ended, bytes(buffer)


def _read(output: int, buffer: bytearray, most: int) -> bool:
    """Add available output to ``buffer``, keeping its end; return whether more may come."""
    for _ in range(64):  # then the caller checks the clock again, however fast the program writes
        try:
            part = os.read(output, 65536)
        except BlockingIOError:
            return True
        if not part:
            return False
        buffer += part
        del buffer[:-most]
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        if process.poll() is None:
            os.killpg(process.pid, 9)
    process.wait()


def systemd_runs() -> bool:
    """Return whether systemd runs here (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")  # noqa: PTH112 - os is here already


def systemctl(*words: str, seconds: float = PATIENCE) -> tuple[int, str]:
    """Ask systemd with ``words`` and return status and output; 127 without systemd."""
    return call("systemctl", *words, seconds=seconds, errors=True) if systemd_runs() else (MISSING, "")


def state(unit: str) -> str:
    """Return the state of a unit, such as ``active`` or ``failed``; empty where systemd does not run."""
    return systemctl("show", "--property=ActiveState", "--value", unit)[1].strip()


def shown(unit: str, name: str) -> str:
    """Return a property of a unit, as systemd has it."""
    return systemctl("show", f"--property={name}", "--value", unit)[1].strip()


def words_of(argv: Sequence[str]) -> list[str]:
    """Return ``argv`` in the form for systemd-run(1), which then replaces no variable."""
    return [word.replace("$", "$$") for word in argv]
