"""The files of a project, as git has them: which there are, and what is in one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from debonair.errors import ProjectError


def walk(root: Path, below: str, excluded: Callable[[str], bool]) -> Iterator[str]:
    """Yield the paths, relative to ``root``, of all files and links under its folder ``below``.

    ``below`` ends with a slash, or is empty; folders are given to ``excluded`` with a slash at their end,
    and not entered if it accepts them. Raises ``ProjectError`` for a folder that may not be read.
    """
    waiting = [below]  # calls would be as deep as the folders are
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
    """Return the mode of the file at ``path``, 0644 or 0755 as git has it, and its bytes.

    Raises ``ProjectError`` if it may not be read.
    """
    with _readable(path):
        return 0o755 if path.stat().st_mode & 0o100 else 0o644, path.read_bytes()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise ProjectError(f"{path} may not be read.", hint="Make it readable, or exclude it.") from None
    except OSError as wrong:  # it is gone, or its name is too long
        raise ProjectError(
            f"{path} cannot be read: {os.strerror(wrong.errno or 0)}.", hint="Remove or exclude it."
        ) from None
