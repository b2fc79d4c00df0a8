#!/usr/bin/python3 -IB
"""Copies each SQLite database of the app, before trying a release that may change it.

It runs as the app's user in the app's sandbox, because root must not work in a folder that someone else may
write to. Only this program may write to the folder of the copies, so that no other part of the app can
change one. The app chooses the files: whatever they are, they take a limited time and space. A file that
cannot be copied is reported, and never prevents the release.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent))

from durable import flush
from text import printable

_KEPT = 5  # copies of each database
_MAGIC = b"SQLite format 3\0"
_COPY = r"\.(\d{6})\.\d{8}T\d{6}Z"
_NUMBER, _HALF = re.compile(_COPY), re.compile(f".*{_COPY}\\.half(-journal|-wal|-shm)?", re.DOTALL)
_PAGES = 1000  # pages to copy in one step
_LOCKED = 10.0  # seconds to wait for locks, of all databases together
_STEP = 0.1  # seconds between two attempts to get a lock
_PART = 2**20  # bytes to copy in one step
_SPARE = 2**28  # bytes of the disk that no copy may use
_DEPTH = 32  # depth of nested folders to search


class Limits:
    """The time for all copies together, and the part of it in which to wait for locks."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self.locked = _LOCKED

    def check(self) -> None:
        """Raise ``TimeoutError`` if the time is over."""
        if time.monotonic() > self.end:
            raise TimeoutError("there was no time left")

    def progress(self) -> Callable[[int, int, int], None]:
        """Return a callback that aborts a backup, because SQLite itself waits forever for a lock."""

        def look(status: int, remaining: int, total: int) -> None:
            del remaining, total
            self.check()
            if status & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                if self.locked <= 0:
                    raise sqlite3.OperationalError("it is locked")
                self.locked -= _STEP

        return look


def back_up(
    data: Path, folder: Path, seconds: float, *, after_refusal: bool = False
) -> list[tuple[Path, str]]:
    """Copy each SQLite database below ``data`` to ``folder``, while it is in use; return the copies.

    Each copy comes with its problem, or an empty text. A file that only starts like a database, or that is
    locked, is copied byte by byte. A file that cannot be copied is in the place of its copy; all copies
    together take ``seconds``. Copies have the same paths in ``folder`` as in ``data``. A number that counts
    up and the time (UTC) follow the name, because a clock may go back. They are complete, because SQLite's
    own online backup writes them. Only the last few are kept. ``after_refusal`` of a release, the first few
    and this one are kept. Otherwise, a few attempts to install a release that damages its data would remove
    the last good copy.
    """
    for half in folder.rglob("*.half*"):  # from an interrupted backup
        if _HALF.fullmatch(half.name) and not half.is_dir():
            half.unlink()
    limits, stamp = Limits(seconds), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copies, path = [], data
    try:
        for path in _databases(data, limits):
            try:
                place = (folder / path.relative_to(data)).parent
                copies.append(_kept(path, place, stamp, limits, after_refusal=after_refusal))
            except (OSError, sqlite3.Error, ValueError) as wrong:
                limits.check()
                why = getattr(wrong, "strerror", None) or wrong
                copies.append((path, f"{path} was not copied: {why}."))
    except TimeoutError:
        copies.append((path, f"{path} and what follows it were not copied within {seconds:.0f} seconds."))
    return copies


def _kept(path: Path, place: Path, stamp: str, limits: Limits, *, after_refusal: bool) -> tuple[Path, str]:
    """Copy one database to ``place`` and remove excess copies; return the copy and its problem."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = _numbered(place, path.name)
    copy = place / f"{path.name}.{1 + max(before, default=0):06}.{stamp}"
    half = copy.with_name(f"{copy.name}.half")
    size = path.stat().st_size
    if _is_hollow(path, limits):
        return path, f"{path} was not copied: it is a sparse file, most of which is empty."
    if size > shutil.disk_usage(place).free - _SPARE:
        return (
            path,
            f"{path} was not copied: less than {_SPARE // 1_000_000} MB of the disk would stay free.",
        )
    try:
        problem = _copied(path, half, size, limits)
        half.replace(copy)
    except BaseException:
        with suppress(OSError):
            half.unlink()
        raise
    flush(copy)
    flush(place)
    excess = max(len(before) + 1 - _KEPT, 0)
    for old in sorted(before, reverse=after_refusal)[:excess]:
        before[old].unlink()
    return copy, problem


def _copied(path: Path, copy: Path, size: int, limits: Limits) -> str:
    """Copy one database; if it could only be copied byte by byte, return why."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, pages=_PAGES, progress=limits.progress(), sleep=_STEP)
    except sqlite3.Error as wrong:  # the running app may hold a lock permanently
        with _opened(path) as file, copy.open("wb") as target_file:
            while size > 0 and (part := file.read(min(_PART, size))):
                limits.check()
                target_file.write(part)
                size -= len(part)
        return f"SQLite cannot copy {path} ({wrong}); it was copied as it is, byte by byte."
    return ""


def _is_hollow(path: Path, limits: Limits) -> bool:
    """Return whether a file is mostly holes: SQLite writes no such file, and a copy would fill the disk.

    Blocks alone do not show that, because some file systems compress.
    """
    with _opened(path) as file:
        found, data, place = os.fstat(file.fileno()), 0, 0
        if found.st_blocks * 512 >= found.st_size // 2:
            return False
        while place < found.st_size:
            limits.check()
            try:
                begin = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError as wrong:
                if wrong.errno != errno.ENXIO:  # this file system does not tell where the holes are
                    return False
                break  # only a hole is left
            place = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            data += place - begin
    return data < found.st_size // 2


def _databases(data: Path, limits: Limits) -> list[Path]:
    """Return the SQLite databases below ``data``, sorted. Raises ``TimeoutError``."""
    earlier = data / "backups"  # from a version that kept the copies among the data
    found = []
    for path in _files(data):
        limits.check()
        if earlier not in path.parents and _is_sqlite(path):
            found.append(path)
    return sorted(found)


def _files(data: Path) -> Iterator[Path]:
    """Yield the files below ``data``, down to a maximum depth: the app may nest folders without end."""
    folders = [(data, 0)]
    while folders:
        folder, depth = folders.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)
                elif depth < _DEPTH:
                    folders.append((Path(entry.path), depth + 1))


def _numbered(place: Path, name: str) -> dict[int, Path]:
    """Return the copies of the database ``name`` in ``place`` by their numbers."""
    found = {}
    for path in place.glob(f"{glob.escape(name)}.*"):
        numbered = _NUMBER.fullmatch(path.name.removeprefix(name))
        if numbered and not path.is_dir():  # a folder of the data may have such a name
            found[int(numbered[1])] = path
    return found


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError), _opened(path) as file:
        return file.read(len(_MAGIC)) == _MAGIC
    return False


def _opened(path: Path) -> BinaryIO:
    """Open a regular file. Raises ``OSError`` for all else: a link, or a fifo, which would never open."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("it is not a regular file")
    return file


if __name__ == "__main__":
    again = sys.argv[4:] == ["after-refusal"]
    for _, problem in back_up(
        Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), after_refusal=again
    ):
        if problem:
            print(printable(problem))  # the names of files are the app's
