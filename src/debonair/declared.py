"""What a project says in files of others' formats: text, TOML, a version for setuptools."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from debonair import wsgi
from debonair.errors import ProjectError


def toml(path: Path) -> dict[str, Any]:
    """Return the tables of the TOML file ``path``. Raises ``ProjectError`` if it is none."""
    try:
        return tomllib.loads(text(path))
    except tomllib.TOMLDecodeError as wrong:
        raise ProjectError(f"{path} is not valid TOML: {wrong}.", hint="Mend it at that line.") from None


def text(path: Path) -> str:
    """Return the text of the file ``path``. Raises ``ProjectError`` if it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")  # Windows' editors put a mark at the beginning
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    except PermissionError:
        raise ProjectError(f"{path} may not be read.") from None


def version(root: Path, tables: dict[str, Any]) -> str:
    """Return a version that setuptools reads from an attribute, without running anything."""
    declared = tables.get("tool", {}).get("setuptools", {}).get("dynamic", {}).get("version", {})
    module, _, name = str(declared.get("attr", "")).rpartition(".")
    for base in (root, root / "src"):
        for path in wsgi.module_files(base, module) if module else ():
            if path.is_file():
                pattern = rf"^{re.escape(name)}\s*(?::[^=]+)?=\s*['\"]([^'\"]+)['\"]"
                if found := re.search(pattern, text(path), re.MULTILINE):
                    return str(found[1])
    return ""
