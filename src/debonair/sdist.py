"""The wheel of an sdist, built once, if it is pure Python: then it is the same for every target."""

from __future__ import annotations

import hashlib
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import msgspec

from debonair.cache import Cache, whole
from debonair.errors import LockError
from debonair.fetch import place
from debonair.lock.locked import File
from debonair.lock.resolve import Uv
from debonair.progress import say

_OLDEST = 315532800 + 86400  # zip knows no time before 1980, in any time zone


class Built(msgspec.Struct, frozen=True):
    """What came of building an sdist."""

    file: File | None
    """The wheel, if it is pure; it lies in the cache."""
    why: str = ""
    """Why there is none."""


def build(source: File, cache: Cache, uv: Uv, *, once: bool = False) -> Built:
    """Return the pure wheel of ``source``, an sdist that lies in ``cache``.

    It is built by ``uv`` in an environment of its own, once; the wheel is kept, and so is the knowledge
    that it is not pure. One that failed is tried again, as another build backend may do better, unless
    it is to be tried ``once``. Building runs code of the sdist, on this machine. Raises ``NetworkError``
    if the build backend cannot be fetched.
    """
    kept = cache.folder("locks") / f"{source.sha256}.built"
    try:
        built = msgspec.msgpack.decode(kept.read_bytes(), type=Built)
        if built.file is None or place(built.file, cache).is_file():
            return built
    except (OSError, msgspec.MsgspecError):
        pass
    say(f"Building a wheel of {source.filename}...")
    try:
        built = _build(source, cache, uv)
    except LockError as failed:
        built = Built(None, f"its sdist does not build here without a compiler: {failed.message}")
        if not once:
            return built
    with whole(kept) as temporary:
        temporary.write_bytes(msgspec.msgpack.encode(built))
    return built


def _build(source: File, cache: Cache, uv: Uv) -> Built:
    path = place(source, cache)
    with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
        wheel = uv.build(path, Path(folder), newest(path))
        if not wheel.name.endswith("-none-any.whl"):
            return Built(None, f"its sdist builds to {wheel.name}, which is not pure Python")
        data = wheel.read_bytes()
        file = File(wheel.name, hashlib.sha256(data).hexdigest(), size=len(data))
        with whole(place(file, cache)) as temporary:
            temporary.write_bytes(data)
    return Built(file)


def newest(path: Path) -> int:
    """Return the newest time (seconds) in the sdist ``path``: the time of its release."""
    try:
        if zipfile.is_zipfile(path):
            return _OLDEST
        with tarfile.open(path) as archive:
            return max([_OLDEST, *(int(member.mtime) for member in archive)])
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError):
        return _OLDEST
