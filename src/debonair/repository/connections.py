"""How long and how much a web server bears of who connects to it: a slow one must not keep others out."""

from __future__ import annotations

import io
import socket
import time
from http.client import LineTooLong
from typing import Any

MOST_TOGETHER = 128
"""Connections at the same time."""
MOST_EACH = 32
"""Of one address."""
_HEAD_BYTES = 1 << 14
_HEAD_SECONDS = 20
"""From the end of an answer, or the beginning, to the end of the next request's head."""
_ANSWER_SECONDS = 60
_BYTES_A_SECOND = 1 << 13
"""Beyond those seconds an answer goes out as fast as that, or not to its end."""


class Patient(io.RawIOBase):
    """What a client sends, until its time or its bytes are over; ``sink`` takes what it gets."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = 0
        self._until = 0.0
        self.sink = Sink(self)

    def begin(self) -> None:
        """Wait for a request from now on."""
        self._left = _HEAD_BYTES
        self._until = time.monotonic() + _HEAD_SECONDS

    def answer(self, count: int) -> None:
        """Give time for an answer of ``count`` bytes from now on."""
        self._until = time.monotonic() + _ANSWER_SECONDS + count / _BYTES_A_SECOND

    def readable(self) -> bool:
        """Tell the library that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what is there. Raises ``TimeoutError`` if it is late, ``LineTooLong`` if it is too much."""
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
    """What a server writes to, without a buffer."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    def writable(self) -> bool:
        """Tell the library that it can be written to."""
        return True

    def write(self, data: Any, /) -> int:
        """Send ``data``, all of it."""
        self._patient.give(data)
        with memoryview(data) as view:
            return view.nbytes
