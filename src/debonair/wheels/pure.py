"""Build the wheel of an sdist, once, if it is pure Python: every target can then use the same wheel.

The build runs in a sandbox, with tools that are locked (``build_tools``).
"""

from __future__ import annotations

import hashlib
import platform
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import local

import msgspec

from debonair.deb.tree import Source
from debonair.errors import LockError, unreadable
from debonair.host.cache import Cache
from debonair.host.clock import NEWEST
from debonair.host.memo import remember
from debonair.host.progress import say
from debonair.lock import build_tools
from debonair.lock.download import place
from debonair.lock.model import File
from debonair.wheels import build_system, store
from debonair.wheels.backend import Job
from debonair.wheels.model import Choice, Obtain

_FORMAT = 1
"""Increased whenever the same inputs would produce another wheel than before."""

_OLDEST = 315532800 + 86400  # zip has no times before 1980; the day makes that true in any time zone


class Built(msgspec.Struct, frozen=True):
    """The result of building an sdist."""

    file: File | None
    """The wheel in the cache, if it is pure."""
    why: str = ""
    """The reason why there is no wheel."""


_building = local()
"""The hashes of the sdists that this thread is building, each as a tool for the one before it."""


def build(
    choice: Choice,
    folder: Path,
    cache: Cache,
    environ: Mapping[str, str],
    *,
    obtain: Obtain,
    once: bool = False,
) -> Built:
    """Return the pure wheel of ``choice``, an sdist in ``cache``.

    It is built once, with the lock of the build tools in ``folder``, the project's. The cache keeps the
    wheel, or the fact that it is not pure. A failed build is tried again, because another version of the
    build backend may succeed, unless ``once`` is set. ``obtain`` gets the packages for the build. Raises
    ``NetworkError`` if one cannot be fetched, and ``MachineError`` if this machine does not allow a
    sandbox.
    """
    source, lock = choice.file, build_tools.path(folder, choice.name)
    busy: frozenset[str] = getattr(_building, "sdists", frozenset())
    if source.sha256 in busy:
        raise LockError(f"{choice.name} {choice.version} requires itself for its build.")

    def make() -> Built:
        say(f"Building a wheel of {source.filename}...")
        _building.sdists = busy | {source.sha256}
        try:
            return _build(choice, lock, cache, environ, obtain)
        except LockError as failed:
            if not once:
                raise
            return _failed(failed)
        finally:
            _building.sdists = busy

    try:
        return remember(
            partial(_note, source, lock, cache),
            Built,
            make,
            cache,
            fits=lambda built: built.file is None or store.has(built.file, cache),
            lock=cache.folder("locks") / source.sha256,
        )
    except LockError as failed:
        return _failed(failed)


def describe(path: Path, title: str, cache: Cache, environ: Mapping[str, str], *, obtain: Obtain) -> bytes:
    """Return METADATA of the sdist ``path``, as its backend prepares it. Raises as ``build`` does.

    ``title`` names the sdist in errors. The lock of its backend's packages is made for this call alone.
    """
    key = hashlib.sha256(f"{_FORMAT} {platform.python_version()} {sha256(path)}".encode()).hexdigest()

    def make() -> bytes:
        say(f"Determining the requirements of {path.name}, in a sandbox...")
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            job = _job(path, title, environ, obtain)
            return job.metadata(build_tools.path(Path(folder), ""), cache)

    return remember(cache.folder("locks") / f"{key}.metadata", bytes, make, cache)


def sha256(path: Path) -> str:
    """Return the hash of the file ``path`` in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build(choice: Choice, lock: Path, cache: Cache, environ: Mapping[str, str], obtain: Obtain) -> Built:
    title = f"{choice.name} {choice.version}"
    job = _job(place(choice.file, cache), title, environ, obtain, name=choice.name, version=choice.version)
    name, data = job.wheel(lock, cache)
    if not name.endswith("-none-any.whl"):
        return Built(None, f"its sdist builds {name}, which is not pure Python")
    return Built(store.keep(name, data, cache))


def _failed(failed: LockError) -> Built:
    if "Command '['false', " in failed.message:  # the stand-in for a compiler
        return Built(None, "its sdist must be compiled")
    return Built(None, f"its sdist does not build without a compiler: {failed.message}")


def _job(
    path: Path, title: str, environ: Mapping[str, str], obtain: Obtain, *, name: str = "", version: str = ""
) -> Job:
    mtime = newest(path)
    given = Source.file(path.name, path.read_bytes(), mtime=mtime)
    described = partial(describe, obtain=obtain)
    return Job(title, name, version, build_system.read(path), [given], mtime, environ, obtain, described)


def _note(source: File, lock: Path, cache: Cache) -> Path:
    """Return the path of the note about building ``source``; all that decides the result names it."""
    lock_data = lock.read_bytes() if lock.is_file() else b""
    parts = (_FORMAT, source.sha256, platform.python_version(), hashlib.sha256(lock_data).hexdigest())
    key = hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()
    return cache.folder("locks") / f"{key}.built"


def newest(path: Path) -> int:
    """Return the newest time (seconds) in the sdist ``path``, which is the time of its release."""
    try:
        with unreadable(LockError, f"{path.name} cannot be read"):
            if zipfile.is_zipfile(path):
                return _OLDEST
            with tarfile.open(path) as archive:
                return min(NEWEST, max([_OLDEST, *(int(member.mtime) for member in archive)]))
    except LockError:
        return _OLDEST
