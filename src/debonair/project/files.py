"""The files of a project in git's terms: which files exist, and their modes and bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from debonair.errors import ProjectError


def walk(root: Path, below: str, excluded: Callable[[str], bool]) -> Iterator[str]:
    """Yield the paths, relative to ``root``, of all files and links in its folder ``below``.

    ``below`` ends with a slash, or is empty. ``excluded`` receives each folder with a slash at its end, and
    an accepted folder is not entered. Raises ``ProjectError`` for a folder that may not be read.
    """
    waiting = [below]  # a list, as recursion would go as deep as the folders
    while waiting:
        folder = waiting.pop()
        with _readable(root / folder):
            items = list(os.scandir(root / folder))
        for item in items:
            path = f"{folder}{item.name}"
            if not item.is_dir(follow_symlinks=False):
                if not excluded(path):
                    yield path
            elif not excluded(f"{path}/"):
                waiting.append(f"{path}/")


def content(path: Path) -> tuple[int, bytes]:
    """Return the mode of the file at ``path``, 0644 or 0755 as in git, and its bytes.

    Raises ``ProjectError`` if the file may not be read.
    """
    with _readable(path):
        return 0o755 if path.stat().st_mode & 0o100 else 0o644, path.read_bytes()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise ProjectError(
            f"{path} is not readable.", hint="Make it readable (chmod +r), or exclude it."
        ) from None
    except OSError as wrong:  # it has disappeared, or its name is too long
        raise ProjectError(
            f"{path} cannot be read: {os.strerror(wrong.errno or 0)}.", hint="Remove or exclude it."
        ) from None
