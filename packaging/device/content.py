"""Compare the content of folders: paths, modes, links and bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
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


def same(one: Path, other: Path, added: Collection[str]) -> bool:
    """Return whether two folders have the same files, by name and by inode or bytes.

    ``added`` are the paths that only the ``other`` one has, and that do not count.
    """
    mine = _files(one)
    theirs = {name: path for name, path in _files(other).items() if name not in added}
    return mine.keys() == theirs.keys() and all(_alike(path, theirs[name]) for name, path in mine.items())


def _files(folder: Path) -> dict[str, Path]:
    """Return the files and links in ``folder`` by their paths; no link is followed."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {str(path.relative_to(folder)): path for path in paths}


def _alike(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)  # noqa: PTH115
    return one.samefile(other) or (
        one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    )
