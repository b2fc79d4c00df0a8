"""Read the output of a program until the program ends, within limits of time and size.

A program may leave others behind that hold its output open. The end of the program itself counts.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from debonair.host import interruption

LIMIT = 512 << 20
"""Most bytes that a program may write; the largest output read this way is a deb in base64."""
_ROUND = 0.05
"""Seconds between two checks whether a program has ended that left its output open."""
_LATE = 0.25
"""Seconds to continue reading after the program has ended, if another process has its output open."""
_GRACE = 8.0
_CHUNK = 1 << 16


class Deadline(Exception):  # noqa: N818 - an event, not an error that users see
    """The program did not end in time; it was killed."""


class Flood(Exception):  # noqa: N818 - as above
    """The program wrote more than ``limit`` bytes; it was killed."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


def listen(
    process: subprocess.Popen[bytes], given: bytes, *, timeout: float | None, limit: int = LIMIT
) -> tuple[bytes, bytes]:
    """Write the input of ``process``, wait for its end, and return the output of its two pipes.

    Raises ``Deadline`` if it does not end within ``timeout`` seconds, and ``Flood`` if it writes more than
    ``limit`` bytes. The process has ended whenever this raises, also on Ctrl-C.
    """
    with _ended(process):
        deadline = None if timeout is None else time.monotonic() + timeout
        output = _pump(process, given, deadline, limit)
        with suppress(subprocess.TimeoutExpired):
            process.wait(None if deadline is None else max(deadline - time.monotonic(), 0))
        if process.returncode is None:
            raise Deadline
    return output


def _pump(
    process: subprocess.Popen[bytes], given: bytes, deadline: float | None, limit: int
) -> tuple[bytes, bytes]:
    """Copy until all pipes are closed, ``process`` has ended, or the ``deadline`` has passed."""
    out, err = process.stdout, process.stderr
    if out is None or err is None:
        raise ValueError("output is read from exactly two pipes")
    buffers: dict[IO[bytes], bytearray] = {out: bytearray(), err: bytearray()}
    rest = memoryview(given)
    over = 0.0
    with selectors.DefaultSelector() as pipes:
        for pipe in buffers:
            pipes.register(pipe, selectors.EVENT_READ)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            pipes.register(process.stdin, selectors.EVENT_WRITE)
        while pipes.get_map() and not (over and time.monotonic() > over):
            interruption.check()
            for key, _ in pipes.select(_ROUND):
                if key.fileobj is process.stdin:
                    rest = _give(process.stdin, rest)
                    if not rest:
                        pipes.unregister(process.stdin)
                        _close(process.stdin)
                elif data := os.read(key.fd, _CHUNK):
                    buffers[key.fileobj].extend(data)  # type: ignore[index]
                else:
                    pipes.unregister(key.fileobj)
            if sum(map(len, buffers.values())) > limit:
                raise Flood(limit)
            if not over and process.poll() is not None:
                over = time.monotonic() + _LATE
            elif deadline is not None and time.monotonic() > deadline:
                break
    return bytes(buffers[out]), bytes(buffers[err])


def _give(pipe: IO[bytes], rest: memoryview) -> memoryview:
    """Write as much of ``rest`` as fits into ``pipe``; return the remainder, nothing if nobody reads it."""
    try:
        return rest[os.write(pipe.fileno(), rest[:_CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[len(rest) :]


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Terminate ``process`` if the body fails, and close its pipes in any case."""
    try:
        yield
    except BaseException:
        process.terminate()  # a supervisor also ends everything that it started
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE if process.poll() is None else 0)
        process.kill()
        process.wait()
        raise
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()
