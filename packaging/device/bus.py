"""The system's D-Bus, as far as a client needs it that calls methods and waits for signals.

The wire format is in the D-Bus Specification. Messages here contain only strings, object paths, numbers and
arrays of bytes. Everything that is read has a limit, and must have exactly the expected form.
"""

from __future__ import annotations

import os
import socket
import struct
import time

SOCKET = "/run/dbus/system_bus_socket"
_PATIENCE = 20.0  # seconds for an answer
_MOST = 65536  # bytes of a message
_LINE = 400  # bytes of a line of the handshake
_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4
_PATH, _INTERFACE, _MEMBER, _REPLY_SERIAL, _DESTINATION, _SENDER, _SIGNATURE = 1, 2, 3, 5, 6, 7, 8
_PLACE = {_PATH: b"o", _SIGNATURE: b"g"}
_SIZES = {"i": ("<i", 4), "u": ("<I", 4), "q": ("<H", 2)}


class BusError(Exception):
    """The bus refused a call, or its answer has an unexpected form."""


class Message:
    """A message from the bus."""

    def __init__(self, kind: int, fields: dict[int, str | int], body: bytes) -> None:
        self.kind, self.fields, self.body = kind, fields, body

    @property
    def member(self) -> str:
        """The interface and the name of a signal, with a dot between them."""
        return f"{self.fields.get(_INTERFACE, '')}.{self.fields.get(_MEMBER, '')}"

    @property
    def path(self) -> str:
        """The object of a signal."""
        return str(self.fields.get(_PATH, ""))

    def values(self, signature: str) -> list[str | int]:
        """Return the values of the body. Raises ``BusError`` if it has another ``signature``."""
        if self.fields.get(_SIGNATURE, "") != signature:
            raise BusError(f"an answer has the form {self.fields.get(_SIGNATURE, '')!r}, not {signature!r}")
        at, found = 0, []
        for letter in signature:
            value, at = _value(self.body, at, letter)
            found.append(value)
        return found


class Bus:
    """A connection to the bus, which ends with this object."""

    def __init__(self, path: str = SOCKET) -> None:
        self.serial, self.signals = 0, []  # type: int, list[Message]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(_PATIENCE)
        self.socket.connect(path)
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        if not self._line().startswith(b"OK "):
            raise BusError("the bus does not accept this user")
        self.socket.sendall(b"BEGIN\r\n")
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Hello")

    def call(
        self, to: str, path: str, method: str, signature: str = "", *values: str | int | bytes
    ) -> Message:
        """Call a ``method``, named after its interface, and return the answer.

        Raises ``BusError``, or ``OSError`` without an answer.
        """
        self.serial += 1
        self.socket.sendall(message(self.serial, to, path, method, signature, *values))
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = self._message(deadline)
            if found.kind == _SIGNAL:
                self.signals = [*self.signals, found][-100:]
            elif found.fields.get(_REPLY_SERIAL) == self.serial:
                if found.kind == _ERROR:
                    raise BusError(f"{method} was refused")
                return found

    def signal(self, seconds: float | None) -> Message | None:
        """Return the next signal, waiting for at most ``seconds``; None if there was no signal."""
        if self.signals:
            return self.signals.pop(0)
        self.socket.settimeout(seconds)
        try:
            begin = self.socket.recv(1)
        except TimeoutError:
            return None
        found = self._message(time.monotonic() + _PATIENCE, begin)
        return found if found.kind == _SIGNAL else None

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            part = self.socket.recv(1)
            if not part or len(line) > _LINE:
                raise BusError("the bus does not speak its protocol")
            line += part
        return line

    def _message(self, deadline: float, begin: bytes = b"") -> Message:
        head = self._read(16, deadline, begin)
        if head[:1] != b"l" or head[3] != 1:
            raise BusError("the bus does not speak its protocol")
        body, _, fields = struct.unpack("<III", head[4:])
        padded = (fields + 7) // 8 * 8
        if body > _MOST or fields > _MOST:
            raise BusError("a message is too long")
        rest = self._read(padded + body, deadline)
        return Message(head[1], _fields(rest[:fields]), rest[padded:])

    def _read(self, size: int, deadline: float, begin: bytes = b"") -> bytes:
        data = begin
        while len(data) < size:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the bus closed the connection")
            data += part
        return data


def message(
    serial: int, to: str, path: str, method: str, signature: str = "", *values: str | int | bytes
) -> bytes:
    """Return the bytes of a call of ``method``, the name of which follows that of its interface."""
    interface, _, member = method.rpartition(".")
    body = b""
    for letter, value in zip(signature.replace("ay", "y"), values, strict=True):
        body += _bytes(len(body), letter, value)
    fields = b""
    named = {_PATH: path, _INTERFACE: interface, _MEMBER: member, _DESTINATION: to, _SIGNATURE: signature}
    for code, text in named.items():
        if text:
            fields += _pad(len(fields), 8) + struct.pack("<BB", code, 1) + _PLACE.get(code, b"s") + b"\0"
            fields += _bytes(len(fields), "g" if code == _SIGNATURE else "s", text)
    head = struct.pack("<cBBBIII", b"l", _CALL, 0, 1, len(body), serial, len(fields)) + fields
    return head + _pad(len(head), 8) + body


def _bytes(at: int, letter: str, value: str | int | bytes) -> bytes:
    """Return ``value`` as it is written at the offset ``at``."""
    if letter in _SIZES and isinstance(value, int):
        form, size = _SIZES[letter]
        return _pad(at, size) + struct.pack(form, value)
    data = value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else b""
    if letter == "g":
        return struct.pack("<B", len(data)) + data + b"\0"
    return _pad(at, 4) + struct.pack("<I", len(data)) + data + (b"" if letter == "y" else b"\0")


def _value(data: bytes, at: int, letter: str) -> tuple[str | int, int]:
    """Return the value of type ``letter`` at the offset ``at``, and the offset after it."""
    try:
        if letter in _SIZES:
            form, size = _SIZES[letter]
            at += len(_pad(at, size))
            return struct.unpack_from(form, data, at)[0], at + size
        if letter in "so":
            at += len(_pad(at, 4))
            length, at = struct.unpack_from("<I", data, at)[0], at + 4
        elif letter == "g":
            length, at = data[at], at + 1
        else:
            raise BusError(f"a message has a value of the unexpected type {letter!r}")
        text = data[at : at + length]
        if len(text) != length or data[at + length] != 0:
            raise BusError("a message is cut off")
        return text.decode(), at + length + 1
    except (struct.error, IndexError, UnicodeDecodeError):
        raise BusError("a message is malformed") from None


def _fields(data: bytes) -> dict[int, str | int]:
    """Return the header fields of a message, by their number."""
    found: dict[int, str | int] = {}
    at = 0
    while at < len(data):
        at += len(_pad(at, 8))
        code = data[at] if at < len(data) else 0
        letter, at = _value(data, at + 1, "g")
        found[code], at = _value(data, at, str(letter)[:1] or "?")
    return found


def _pad(at: int, size: int) -> bytes:
    return bytes(-at % size)
