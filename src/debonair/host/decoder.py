"""Decode bytes or plain values into typed values, safely from any thread.

msgspec analyses a type when it first meets it, and calls Python for that. Meanwhile another thread may use
the unfinished analysis, and the process ends by a segmentation fault (msgspec 0.22; targets are built side
by side). So only one thread at a time may use a new type.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

import msgspec

_Kind = TypeVar("_Kind")
_one_at_a_time = RLock()
_decoders: dict[tuple[object, object], Callable[[bytes | str], Any]] = {}


def unpacked(data: bytes, kind: type[_Kind]) -> _Kind:
    """Decode ``data`` from MessagePack; raises ``MsgspecError`` if it is not of ``kind``."""
    found: _Kind = _decoder(msgspec.msgpack.Decoder, kind)(data)
    return found


def json(data: bytes | str, kind: type[_Kind]) -> _Kind:
    """Decode ``data`` from JSON; raises ``MsgspecError`` if it is not of ``kind``."""
    found: _Kind = _decoder(msgspec.json.Decoder, kind)(data)
    return found


def converted(value: object, kind: type[_Kind], *, strict: bool = True) -> _Kind:
    """Convert a plain ``value`` to ``kind``, as ``msgspec.convert`` does; raises what that raises."""
    with _one_at_a_time:
        found: _Kind = msgspec.convert(value, kind, strict=strict)
    return found


def _decoder(form: Any, kind: object) -> Callable[[bytes | str], Any]:
    with _one_at_a_time:
        if (form, kind) not in _decoders:
            _decoders[form, kind] = form(kind).decode
        return _decoders[form, kind]
