"""The version that setuptools reads from a project's code, found without running the code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debonair.project import entry_point, reader


def version(root: Path, tables: Mapping[str, Any]) -> str:
    """Return the version that setuptools reads from an attribute, which ``tables`` of pyproject.toml name.

    Empty if setuptools does not read one. Raises ``ProjectError`` if the file cannot be read.
    """
    table = tables.get("tool", {}).get("setuptools", {}).get("dynamic", {}).get("version", {})
    module, _, name = str(table.get("attr", "")).rpartition(".")
    if not re.fullmatch(r"\w+(\.\w+)*", module):
        return ""
    pattern = re.compile(rf"^{re.escape(name)}\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]+)['\"]", re.MULTILINE)
    for base in (root, root / "src"):
        for path in entry_point.module_files(base, module):
            if reader.is_file(path) and (found := pattern.search(reader.text(path, root))):
                return found[1]
    return ""
