"""What is read of a program that writes, and of one that does not end; here it is a pair of pipes."""

from __future__ import annotations

import os
import subprocess
from typing import IO, Any, cast

import pytest

from debonair.host.output import Deadline, Flood, listen


class Piped:
    """A program that has written ``output``, and ends at once or when it is told to."""

    def __init__(self, output: bytes, *, ends: bool = True, keeps: bool = False) -> None:
        read, self.held = os.pipe()
        os.write(self.held, output)
        self.stdout: IO[bytes] = os.fdopen(read, "rb")
        empty, end = os.pipe()
        os.close(end)
        self.stderr: IO[bytes] = os.fdopen(empty, "rb")
        self.stdin = None
        self.returncode = 0 if ends else None
        self.told: list[str] = []
        if not keeps:
            os.close(self.held)

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            raise subprocess.TimeoutExpired("it", timeout or 0)
        return self.returncode

    def terminate(self) -> None:
        self.told.append("terminate")

    def kill(self) -> None:
        self.told.append("kill")
        self.returncode = -9


def heard(process: Piped, **more: Any) -> tuple[bytes, bytes]:
    more = {"timeout": None, **more}
    return listen(cast("subprocess.Popen[bytes]", process), b"", **more)


def test_what_it_wrote() -> None:
    process = Piped(b"said")
    assert heard(process) == (b"said", b"")
    assert process.told == []
    assert process.stdout.closed


def test_a_pipe_that_others_hold_is_not_waited_for() -> None:
    process = Piped(b"said", keeps=True)
    assert heard(process) == (b"said", b"")
    os.close(process.held)


@pytest.mark.parametrize("keeps", [False, True])
def test_what_does_not_end_is_ended(*, keeps: bool) -> None:
    process = Piped(b"", ends=False, keeps=keeps)
    with pytest.raises(Deadline):
        heard(process, timeout=0.01)
    assert process.told == ["terminate", "kill"]


def test_what_writes_too_much_is_ended() -> None:
    process = Piped(b"x" * 100)
    with pytest.raises(Flood):
        heard(process, limit=99)
    assert process.told == ["terminate", "kill"]
