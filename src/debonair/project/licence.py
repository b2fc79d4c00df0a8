"""Find the text of a project's licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debonair.project import globs, reader

_USUAL = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")


def text(root: Path, project: Mapping[str, Any]) -> str:
    """Return the text of the licence of the project in ``root``; ``project`` is its table of that name.

    The text comes from the file that ``license`` names (PEP 621). Otherwise it comes from the first file
    that ``license-files`` names or matches (PEP 639), or from a file with a common name. It is empty if
    there is no such file. Raises ``ProjectError`` if the file cannot be read, or leads out of the project.
    """
    table = project.get("license")
    names: list[str] = [table["file"]] if isinstance(table, dict) and "file" in table else []
    for pattern in (*project.get("license-files", []), *_USUAL):
        names += globs.files(root, pattern) if re.search(r"[*?\[]", pattern) else [pattern]
    for name in names:
        if reader.is_file(path := root / name):
            return reader.data(path, root).decode("utf-8", errors="replace")
    return ""
