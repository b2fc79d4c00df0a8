"""The disk space that the cache takes, by kind, and how to free it.

Somebody's other files may be in the same folder, so only names that Debonair gives count. No link is
followed.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from debonair.host.cache import Cache
from debonair.host.file_lock import lock_of
from debonair.host.usage import alone, oldest_run

_HASH = "[0-9a-f]{64}"
_PLACE = "[a-z]+-[a-z0-9]+"
_BLOCK = 512
"""The unit of ``st_blocks``; stat(3type)."""
_INSTANT = 1.0
"""Seconds by which the clock of a file system may be behind that of the machine, and more."""


class Kind(msgspec.Struct, frozen=True):
    """One folder of the cache."""

    name: str
    what: str
    items: str
    """A regular expression of the names in it."""


KINDS = (
    Kind("apt", "lists and packages of Debian", rf"{_PLACE}(\.libraries)?"),
    Kind("collected", "files that 'collect' generated", _HASH),
    Kind("emulators", "programs that emulate another processor", "qemu-[a-z0-9]+"),
    Kind("layers", "packed parts of packages", _HASH),
    Kind("layers-being-made", "locks of an older Debonair", "[0-9a-f]{2}"),
    Kind("libraries", "packages that 'debonair library' built", rf"{_HASH}(\.probed)?"),
    Kind(
        "locks",
        "locks that were read, and notes about builds",
        rf"({_HASH}|build-.*|collect|{_PLACE})(\.[a-z]+)*",
    ),
    Kind("names", "notes whether Debian has a package of a name", r"[0-9a-f]{32}\.taken"),
    Kind("pythons", "Python interpreters", rf"\d\.\d+(-complete)?\.[a-z]+|{_PLACE}-[0-9a-f]{{12}}"),
    Kind("roots", "Debian systems to build and try in", rf"{_PLACE}-[0-9a-f]{{12}}([.-][0-9a-z]+)?"),
    Kind("texts", "rendered units, scripts and documents", _HASH),
    Kind("wheels", "wheels and sdists, fetched or built", _HASH),
)
"""Every folder of the cache."""


class Item(msgspec.Struct, frozen=True):
    """A file or a folder directly in a folder of the cache."""

    kind: Kind
    path: Path
    size: int
    """The disk space that it takes, in bytes."""
    used: float
    """The time of its last use, in seconds."""


def items(cache: Cache) -> Iterator[Item]:
    """Yield everything in ``cache``, sorted by kind and name."""
    for folder in _folders(cache):
        for name in folder.names():
            if (found := folder.find(name)) is not None:
                yield found


def prune(cache: Cache, before: float, *, dry_run: bool = False) -> tuple[list[Item], list[Item]]:
    """Remove the items last used ``before`` that time in seconds; return the removed ones and the failures.

    An item is skipped if a running command has used it, or if its lock is taken. It counts as a failure if
    this user may not remove all of it. A ``dry_run`` removes nothing.
    """
    if not cache.root.is_dir():
        return [], []
    oldest = oldest_run(cache)
    before = (before if oldest is None else min(before, oldest)) - _INSTANT
    removed, stayed = list[Item](), list[Item]()
    for folder in _folders(cache):
        for name in folder.names():
            item = folder.find(name)
            if item is None or item.used >= before or folder.holds(name):
                continue
            if dry_run:
                removed.append(item)
                continue
            try:
                gone = folder.remove(name, before, cache)
            except OSError:
                stayed.append(item)
            else:
                removed += [item] * gone
    return removed, stayed


@dataclass(frozen=True)
class _Folder:
    """An open folder of the cache. Its descriptor cannot lead elsewhere."""

    kind: Kind
    path: Path
    number: int

    def names(self) -> list[str]:
        """Return the names in the folder, sorted."""
        return sorted(os.listdir(self.number))  # noqa: PTH208 - a descriptor has no path

    def find(self, name: str) -> Item | None:
        """Return the item ``name``; None if Debonair does not name items so, or if it is a link."""
        left = rf"\.({self.kind.items})\.[^.]+|\.(removed|unpacking)-.+"  # by commands that were killed
        if not re.fullmatch(rf"{self.kind.items}|{left}", name):
            return None
        try:
            found = os.stat(name, dir_fd=self.number, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            return None
        size = found.st_blocks * _BLOCK
        if stat.S_ISDIR(found.st_mode):
            size += sum(each.st_blocks for each in self._below(name)) * _BLOCK
        return Item(self.kind, self.path / name, size, found.st_mtime)

    def holds(self, name: str) -> bool:
        """Return whether somebody holds the lock of the item ``name``, or ``name`` is such a lock."""
        for path in (name, lock_of(Path(name)).name, re.sub(r"^\.(.+)\.[^.]+$", r".\1.lock", name)):
            with suppress(OSError):
                number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.number)
                with open(number, "rb") as lock:  # noqa: PTH123 - a descriptor has no path
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        return True
        return False

    def remove(self, name: str, before: float, cache: Cache) -> bool:
        """Remove the item ``name``; return False if it was used in the meantime."""
        away = f".removed-{secrets.token_hex(8)}"
        with alone(cache):
            now = os.stat(name, dir_fd=self.number, follow_symlinks=False)
            if now.st_mtime >= before:
                return False
            os.rename(name, away, src_dir_fd=self.number, dst_dir_fd=self.number)
        if stat.S_ISDIR(now.st_mode):
            shutil.rmtree(away, dir_fd=self.number)
        else:
            os.unlink(away, dir_fd=self.number)
        return True

    def _below(self, name: str) -> Iterator[os.stat_result]:
        """Yield what the kernel knows of each file below the folder ``name``, each file once."""
        seen = set[tuple[int, int]]()
        for _, folders, files, number in os.fwalk(name, dir_fd=self.number, follow_symlinks=False):
            for each in (*folders, *files):
                with suppress(FileNotFoundError):
                    found = os.stat(each, dir_fd=number, follow_symlinks=False)
                    if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
                        seen.add((found.st_dev, found.st_ino))
                        yield found


def _folders(cache: Cache) -> Iterator[_Folder]:
    """Open each folder of ``cache`` that exists and is not a link."""
    for kind in KINDS:
        with _opened(cache.root / kind.name) as number:
            if number is not None:
                yield _Folder(kind, cache.root / kind.name, number)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        yield number
    finally:
        os.close(number)
