"""Changes of files that are whole or not done at all, also after a power cut (fsync(2), rename(2))."""

from __future__ import annotations

import os
from pathlib import Path


def replace_link(link: Path, target: str) -> None:
    """Make ``link`` a symbolic link to ``target`` in one step: it is never absent."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def write(file: Path, text: str) -> None:
    """Write ``file`` whole or not at all, whenever the power fails (fsync(2))."""
    new = file.with_name(f".{file.name}.new")
    with new.open("w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
    flush(file.parent)


def sync(folder: Path) -> None:
    """Flush the changes in ``folder`` and below it, so that they survive a power cut."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
        flush(path)


def flush(folder: Path) -> None:
    """Flush the names in ``folder``, or the bytes of a file, to survive a power cut (fsync(2))."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
