"""Keep wheels that were built here like fetched ones, with a note of the inputs of each."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from debonair.errors import WheelError
from debonair.host import decoder
from debonair.host.cache import Cache, whole
from debonair.lock.download import place
from debonair.lock.model import File


def kept(note: Path, cache: Cache) -> File | None:
    """Return the wheel that ``note`` names; None if the note or the wheel does not exist."""
    try:
        file = decoder.unpacked(note.read_bytes(), File)
    except (OSError, msgspec.MsgspecError):
        return None
    return file if place(file, cache).is_file() else None


def keep(filename: str, data: bytes, cache: Cache, *, note: Path) -> File:
    """Keep the wheel ``filename`` with the bytes ``data`` in the cache, and name it in ``note``.

    Strangers' code may have chosen the name. Raises ``WheelError`` if it is not the name of a wheel, or if
    it is a path.
    """
    try:
        parse_wheel_filename(filename)
    except InvalidWheelFilename as refused:
        raise WheelError(
            f"A build backend named its wheel {filename!r}, which is not a valid name of a wheel."
        ) from refused
    if "/" in filename or "\0" in filename:
        raise WheelError(f"A build backend named its wheel {filename!r}, which is a path.")
    file = File(filename, hashlib.sha256(data).hexdigest(), size=len(data))
    with whole(place(file, cache)) as temporary:
        temporary.write_bytes(data)
    with whole(note) as temporary:
        temporary.write_bytes(msgspec.msgpack.encode(file))
    return file
