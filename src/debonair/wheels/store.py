"""Wheels that were built and not fetched: kept as others are, with a note of what each came from."""

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
    """Return the wheel that ``note`` names, or None if there is no such note, or no such wheel by now."""
    try:
        file = decoder.unpacked(note.read_bytes(), File)
    except (OSError, msgspec.MsgspecError):
        return None
    return file if place(file, cache).is_file() else None


def keep(filename: str, data: bytes, cache: Cache, *, note: Path) -> File:
    """Keep the wheel ``filename``, whose bytes are ``data``, and name it in ``note``.

    What built it may be anybody's: raises ``WheelError`` if the name is not that of a wheel, but a path.
    """
    try:
        parse_wheel_filename(filename)
    except InvalidWheelFilename as refused:
        raise WheelError(
            f"A build backend named its wheel {filename!r}, which is no name of a wheel."
        ) from refused
    if "/" in filename or "\0" in filename:
        raise WheelError(f"A build backend named its wheel {filename!r}, which is a path.")
    file = File(filename, hashlib.sha256(data).hexdigest(), size=len(data))
    with whole(place(file, cache)) as temporary:
        temporary.write_bytes(data)
    with whole(note) as temporary:
        temporary.write_bytes(msgspec.msgpack.encode(file))
    return file
