#!/usr/bin/python3 -IB
"""Copies each SQLite database of the app, before trying a release that may change it.

It runs as the app's user in the app's sandbox, because root must not work in a folder that someone else may
write to. Only this program may write to the folder of the copies, so that no other part of the app can
change one.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from text import printable

_KEPT = 5  # copies of each database
_MAGIC = b"SQLite format 3\0"
_NUMBER = re.compile(r"\.(\d{6})\.\d{8}T\d{6}Z")
_HALF = ".half"
_PAGES = 1000  # pages to copy in one step
_LOCKED = 10.0  # seconds to wait for a lock
_DEPTH = 32  # depth of nested folders to search


def back_up(data: Path, folder: Path) -> list[tuple[Path, str]]:
    """Copy each SQLite database below ``data`` to ``folder``, while it is in use; return the copies.

    Each copy comes with its problem, or an empty text. A file that only starts like a database, or that is
    locked, is copied byte by byte. Copies have the same paths in ``folder`` as in ``data``. A number that
    counts up and the time (UTC) follow the name, because a clock may go back. They are complete, because
    SQLite's own online backup writes them. Only the last few are kept. Raises ``OSError`` for a file that
    cannot be read or written at all.
    """
    for half in folder.rglob(
        f"*{_HALF}"
    ):  # from an interrupted backup; the app may name a folder like that
        if not half.is_dir():
            half.unlink()
    earlier = data / "backups"  # from a version that kept the copies among the data
    found = [path for path in sorted(_files(data)) if earlier not in path.parents and _is_sqlite(path)]
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copies = []
    for path in found:
        place = (folder / path.relative_to(data)).parent
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = _numbered(place, path.name)
        number = 1 + max(before, default=0)
        copy = place / f"{path.name}.{number:06}.{stamp}"
        half = copy.with_name(f"{copy.name}{_HALF}")
        if _is_hollow(path, place):
            copies.append(
                (path, f"{path} is a sparse file larger than the free disk space; it was not copied.")
            )
            continue
        copies.append((copy, _copied(path, half)))
        half.replace(copy)
        _flush(copy)
        _flush(place)
        for old in sorted(before)[: max(len(before) + 1 - _KEPT, 0)]:
            before[old].unlink()
    return copies


def _copied(path: Path, copy: Path) -> str:
    """Copy one database; if it could only be copied byte by byte, return why."""
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, pages=_PAGES, progress=_patience())
    except sqlite3.Error as wrong:  # the running app may hold a lock permanently
        shutil.copyfile(path, copy)
        return f"SQLite cannot copy {path} ({wrong}); it was copied as it is, byte by byte."
    return ""


def _is_hollow(path: Path, place: Path) -> bool:
    """Return whether a file is mostly holes, and larger than the free space: SQLite writes no such file."""
    found = path.stat()
    return found.st_blocks * 512 < found.st_size // 2 and found.st_size > shutil.disk_usage(place).free


def _patience() -> Callable[[int, int, int], None]:
    """Return a callback that aborts a backup without progress: SQLite itself waits forever for a lock."""
    seen = (-1, time.monotonic())

    def look(_: int, remaining: int, total: int) -> None:
        nonlocal seen
        del total
        if remaining != seen[0]:
            seen = remaining, time.monotonic()
        elif time.monotonic() - seen[1] > _LOCKED:
            raise sqlite3.OperationalError("it is locked")

    return look


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


def _flush(path: Path) -> None:
    """Flush a file, or the names in a folder, so that it survives a power cut (fsync(2))."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _numbered(place: Path, name: str) -> dict[int, Path]:
    """Return the copies of the database ``name`` in ``place`` by their numbers."""
    found = {}
    for path in place.glob(f"{glob.escape(name)}.*"):
        if numbered := _NUMBER.fullmatch(path.name.removeprefix(name)):
            found[int(numbered[1])] = path
    return found


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                return file.read(len(_MAGIC)) == _MAGIC
    return False


if __name__ == "__main__":
    for _, problem in back_up(Path(sys.argv[1]), Path(sys.argv[2])):
        if problem:
            print(printable(problem))  # the names of files are the app's
