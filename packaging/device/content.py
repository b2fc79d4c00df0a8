"""The content of a release's folder: its digest, and whether two folders have the same files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def digest(folder: Path) -> str:
    """Return a short name for the content of ``folder``: paths, modes, links and bytes."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        about = [str(path.relative_to(folder)), f"{path.lstat().st_mode:o}"]
        if path.is_symlink():
            about.append(os.readlink(path))  # noqa: PTH115 - the text of the link
        elif path.is_file():
            with path.open("rb") as file:
                about.append(hashlib.file_digest(file, "sha256").hexdigest())
        whole.update("\0".join([*about, ""]).encode(errors="surrogateescape"))
    return whole.hexdigest()[:8]


def same(one: Path, other: Path, *, without: str) -> bool:
    """Return whether two folders have the same files, by name and by inode or bytes.

    The file ``without`` of the ``other`` folder does not count.
    """
    mine = {str(path.relative_to(one)): path for path in one.rglob("*") if not path.is_dir()}
    theirs = {str(path.relative_to(other)): path for path in other.rglob("*") if not path.is_dir()}
    theirs.pop(without, None)
    return mine.keys() == theirs.keys() and all(_alike(path, theirs[name]) for name, path in mine.items())


def _alike(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)  # noqa: PTH115
    return one.samefile(other) or (
        one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    )
