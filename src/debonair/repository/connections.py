"""Limits of time and size for the clients of a web server: a slow client must not keep others out."""

from __future__ import annotations

import io
import socket
import time
from http.client import LineTooLong
from typing import Any

MOST_TOGETHER = 128
"""Most connections at the same time."""
MOST_EACH = 32
"""Most connections from one address."""
_HEAD_BYTES = 1 << 14
_HEAD_SECONDS = 20
"""Seconds from the start, or the end of an answer, to the end of the next request's head."""
_ANSWER_SECONDS = 60
_BYTES_A_SECOND = 1 << 13
"""The slowest rate of an answer; it has the seconds above in addition."""


class Patient(io.RawIOBase):
    """The input from a client, until its time or its bytes run out; ``sink`` takes the output."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = 0
        self._until = 0.0
        self.sink = Sink(self)

    def begin(self) -> None:
        """Start the time for a request."""
        self._left = _HEAD_BYTES
        self._until = time.monotonic() + _HEAD_SECONDS

    def answer(self, count: int) -> None:
        """Start the time for an answer of ``count`` bytes."""
        self._until = time.monotonic() + _ANSWER_SECONDS + count / _BYTES_A_SECOND

    def readable(self) -> bool:
        """Return true, for the library."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read available bytes. Raises ``TimeoutError`` if they are late, ``LineTooLong`` if too many."""
        if self._left <= 0:
            raise LineTooLong("head")
        self._wait()
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def give(self, data: Any) -> None:
        """Send ``data``. Raises ``TimeoutError`` if that takes too long."""
        self._wait()
        self._connection.sendall(data)

    def _wait(self) -> None:
        if (left := self._until - time.monotonic()) <= 0:
            raise TimeoutError("too slow")
        self._connection.settimeout(left)


class Sink(io.BufferedIOBase):
    """The output of a server, without a buffer."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    def writable(self) -> bool:
        """Return true, for the library."""
        return True

    def write(self, data: Any, /) -> int:
        """Send ``data``, all of it."""
        self._patient.give(data)
        with memoryview(data) as view:
            return view.nbytes
