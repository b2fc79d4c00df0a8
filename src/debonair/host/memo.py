"""Make something once, and keep it in the cache: a value, a file or a folder.

Two builds at the same time, in threads or in processes, make the same thing once: the second one waits for
the first. A kept value appears whole or not at all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, overload

import msgspec

from debonair.host import decoder
from debonair.host.cache import Cache, disk, whole
from debonair.host.file_lock import lock_of, making
from debonair.host.interruption import unfinished
from debonair.host.usage import used

_Kind = TypeVar("_Kind")


def _any(value: object) -> bool:
    del value
    return True


def recall(
    path: Path, kind: type[_Kind], cache: Cache, *, fits: Callable[[_Kind], bool] = _any
) -> _Kind | None:
    """Return the value at ``path`` in ``cache``; None if it is missing, damaged or does not fit."""
    if not used(path, cache):
        return None
    try:
        value = decoder.unpacked(path.read_bytes(), kind)
    except (OSError, msgspec.MsgspecError):
        return None  # damaged, or written by another version of Debonair
    return value if fits(value) else None


@overload
def remember(
    place: Path | Callable[[], Path],
    kind: type[_Kind],
    make: Callable[[], _Kind],
    cache: Cache,
    *,
    fits: Callable[[_Kind], bool] = ...,
    lock: Path | None = ...,
) -> _Kind: ...
@overload
def remember(
    place: Path | Callable[[], Path],
    kind: type[_Kind],
    make: Callable[[], _Kind | None],
    cache: Cache,
    *,
    fits: Callable[[_Kind], bool] = ...,
    lock: Path | None = ...,
) -> _Kind | None: ...
def remember(
    place: Path | Callable[[], Path],
    kind: type[_Kind],
    make: Callable[[], _Kind | None],
    cache: Cache,
    *,
    fits: Callable[[_Kind], bool] = _any,
    lock: Path | None = None,
) -> _Kind | None:
    """Return the value at ``place`` in ``cache``; ``make`` and keep it if it is missing or does not fit.

    ``place`` names everything that the value was made from. If ``make`` changes that, as it does when it
    writes a lock, ``place`` is a function, and ``lock`` the path that its makers lock instead. None is not
    kept. Raises what ``make`` raises, and ``MachineError`` if the cache is not writable.
    """

    def path() -> Path:
        return place if isinstance(place, Path) else place()

    if (kept := recall(path(), kind, cache, fits=fits)) is not None:
        return kept
    with making(lock or path()):
        if (kept := recall(path(), kind, cache, fits=fits)) is not None:
            return kept
        value = make()
        if value is not None:
            keep(path(), value)
    return value


def keep(path: Path, value: object) -> None:
    """Keep ``value`` at ``path``, which is in the cache."""
    with whole(path) as temporary:
        temporary.write_bytes(msgspec.msgpack.encode(value))


def file(path: Path, make: Callable[[Path], object], cache: Cache) -> Path:
    """Return ``path``, a file in ``cache``; if it is missing, ``make`` writes it to the path that it gets.

    Raises what ``make`` raises, and ``MachineError`` if the cache is not writable.
    """
    if used(path, cache):
        return path
    with making(path):
        if not used(path, cache):
            _clear(path)
            with whole(path) as temporary:
                make(temporary)
    return path


def folder(path: Path, make: Callable[[Path], object], cache: Cache) -> Path:
    """Return ``path``, a folder in ``cache``; if it is missing, ``make`` fills the folder that it gets.

    Raises what ``make`` raises, and ``MachineError`` if the cache is not writable.
    """
    if used(path, cache):
        return path
    with making(path), disk(path):
        if not used(path, cache):
            _clear(path)
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            with unfinished(temporary):
                try:
                    make(temporary)
                    temporary.rename(path)
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
    return path


def _clear(path: Path) -> None:
    """Remove what killed makers of ``path`` left beside it."""
    for left in set(path.parent.glob(f".{path.name}.*")) - {lock_of(path)}:
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
