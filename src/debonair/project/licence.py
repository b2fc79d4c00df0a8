"""The text of a project's licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debonair.project import globs, reader

_USUAL = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING")


def text(root: Path, project: Mapping[str, Any]) -> str:
    """Return the text of the licence of the project in ``root``, ``project`` being its table of that name.

    It is that of the file that ``license`` names (PEP 621), else of the first that ``license-files`` name
    or match (PEP 639), else of one that is called so; empty if there is none. Raises ``ProjectError`` if it
    cannot be read, or leads out of the project.
    """
    table = project.get("license")
    names: list[str] = [table["file"]] if isinstance(table, dict) and "file" in table else []
    for pattern in (*project.get("license-files", []), *_USUAL):
        names += globs.files(root, pattern) if re.search(r"[*?\[]", pattern) else [pattern]
    for name in names:
        if reader.is_file(path := root / name):
            return reader.data(path, root).decode("utf-8", errors="replace")
    return ""
