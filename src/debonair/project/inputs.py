"""Refuse a project whose usual files are something else, such as a fifo.

Other readers take such a path for a missing file. Then ``init`` and ``lock`` would replace it, and
``build`` would ignore what the author expects it to read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError
from debonair.project import dependencies, pyproject, reader

_FILES = (
    "pyproject.toml", "debonair.toml", *dependencies.FILES, "Pipfile", "Pipfile.lock", "setup.py",
    "setup.cfg", "poetry.lock", "pdm.lock", "pylock.toml", "uv.lock", "uv.toml",
)  # fmt: skip
_FOREIGN = ("Procfile", "Dockerfile", "app.json", "runtime.txt")
"""Files of other tools; a folder of that name has another meaning."""
_KINDS = {
    stat.S_IFIFO: "a fifo",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


def check(root: Path) -> None:
    """Raise ``ProjectError`` if a file that Debonair reads or writes in ``root`` exists, but is no file."""
    for name in (*_FILES, *_FOREIGN):
        path = root / name
        if reader.is_file(path) or not os.path.lexists(path):
            continue
        kind = _kind(path)
        if name in _FOREIGN and kind == _KINDS[stat.S_IFDIR]:
            continue
        raise ProjectError(
            f"{path} is {kind}, not a file.",
            hint=f"Replace it by a file, or remove it: {'rmdir' if kind == 'a folder' else 'rm'} {name}",
        )


def _kind(path: Path) -> str:
    try:
        return _KINDS.get(stat.S_IFMT(path.stat().st_mode), "of an unknown kind")
    except OSError:
        return "a link that leads to no file"


def tables(root: Path) -> dict[str, Any]:
    """Check the files in ``root``, and return its pyproject.toml; empty if it has no such file.

    Raises ``ProjectError`` if there is no folder ``root``, or if a file is not valid.
    """
    if not root.is_dir():
        raise ProjectError(f"There is no folder {root}.")
    check(root)
    file = root / "pyproject.toml"
    found = reader.toml(file, root) if reader.is_file(file) else {}
    pyproject.check(found, file)
    return found
