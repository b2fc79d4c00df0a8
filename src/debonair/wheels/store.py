"""Keep wheels that were built here like fetched ones."""

from __future__ import annotations

import hashlib

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from debonair.errors import WheelError
from debonair.host.cache import Cache, whole
from debonair.host.usage import used
from debonair.lock.download import place
from debonair.lock.model import File


def has(file: File, cache: Cache) -> bool:
    """Return whether ``cache`` still has the wheel ``file``."""
    return used(place(file, cache), cache)


def keep(filename: str, data: bytes, cache: Cache) -> File:
    """Keep the wheel ``filename`` with the bytes ``data`` in the cache.

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
    return file
