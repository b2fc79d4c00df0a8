"""Wheels that were built and not fetched: kept as others are, with a note of what each came from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from debonair.cache import Cache, whole
from debonair.fetch import place
from debonair.lock.locked import File


def kept(note: Path, cache: Cache) -> File | None:
    """Return the wheel that ``note`` names, or None if there is no such note, or no such wheel by now."""
    try:
        file = msgspec.msgpack.decode(note.read_bytes(), type=File)
    except (OSError, msgspec.MsgspecError):
        return None
    return file if place(file, cache).is_file() else None


def keep(filename: str, data: bytes, cache: Cache, *, note: Path) -> File:
    """Keep the wheel ``filename``, whose bytes are ``data``, and name it in ``note``."""
    file = File(filename, hashlib.sha256(data).hexdigest(), size=len(data))
    with whole(place(file, cache)) as temporary:
        temporary.write_bytes(data)
    with whole(note) as temporary:
        temporary.write_bytes(msgspec.msgpack.encode(file))
    return file
