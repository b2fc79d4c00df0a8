#!/usr/bin/python3 -IB
"""Copies each SQLite database of the app, before a release that may change it is tried.

It is run as the app's user: root has no business in a folder that someone else may write to.
"""

from __future__ import annotations

import glob
import sqlite3
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

_KEPT = 5  # copies of each database
_MAGIC = b"SQLite format 3\0"
_STAMP = "????????T??????Z"
_HALF = ".half"


def back_up(data: Path) -> list[Path]:
    """Copy each SQLite database below ``data`` to its ``backups``, while it is in use; return the copies.

    They lie there as in ``data``, with the time (UTC) behind their names. They are whole: SQLite's own
    online backup makes them. Only the last few are kept. Raises ``sqlite3.Error``.
    """
    folder = data / "backups"
    for half in folder.rglob(f"*{_HALF}"):  # of a backup that was cut
        half.unlink()
    found = [path for path in sorted(data.rglob("*")) if folder not in path.parents and _is_sqlite(path)]
    if not found:
        return []
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copies = []
    for path in found:
        folder.mkdir(mode=0o700, exist_ok=True)
        copy = folder / path.relative_to(data).with_name(f"{path.name}.{stamp}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        half = copy.with_name(f"{copy.name}{_HALF}")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as target:
            source.backup(target)
        half.replace(copy)
        copies.append(copy)
        for old in sorted(copy.parent.glob(f"{glob.escape(path.name)}.{_STAMP}"))[:-_KEPT]:
            old.unlink()
    return copies


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                return file.read(len(_MAGIC)) == _MAGIC
    return False


if __name__ == "__main__":
    for made in back_up(Path(sys.argv[1])):
        print(made)
