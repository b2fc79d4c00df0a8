"""The version that a build backend takes from a project's files, found without running the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from debonair.project import entry_point, reader

_ASSIGNED = re.compile(
    r"^(?:__version__|VERSION|version)\s*(?::[^=\n]+)?=\s*['\"]v?([0-9][^'\"\n]*)['\"]", re.MULTILINE
)
"""The line in a file of Python that pdm, hatchling and flit look for."""
_LINE = re.compile(r"v?([0-9][\w.+!-]*)")


def version(root: Path, tables: Mapping[str, Any]) -> str:
    """Return the version that the build backend in ``tables``, of pyproject.toml, reads from a file.

    Empty if no file has it: the version comes from git's tags, for example, or from a program. Raises
    ``ProjectError`` if the file cannot be read.
    """
    poetry = _table(tables, "poetry").get("version", "")
    if isinstance(poetry, str) and poetry.strip("0.") and not from_tags(tables):
        return poetry
    return next(filter(None, (*_setuptools(root, tables), *_in_files(root, tables))), "")


def from_tags(tables: Mapping[str, Any]) -> str:
    """Return the tool that takes the version from git's tags, by ``tables``; empty if none does."""
    required = tables.get("build-system", {}).get("requires", [])
    names = {re.split(r"[^\w.-]", str(line).strip())[0].lower().replace("_", "-") for line in required}
    tools = {
        "setuptools_scm": "setuptools-scm" in names or bool(_table(tables, "setuptools_scm")),
        "hatch-vcs": _table(tables, "hatch", "version").get("source") == "vcs",
        "uv-dynamic-versioning": _table(tables, "hatch", "version").get("source")
        == "uv-dynamic-versioning",
        "pdm": _table(tables, "pdm", "version").get("source") == "scm",
        "poetry-dynamic-versioning": _table(tables, "poetry-dynamic-versioning").get("enable") is True,
        "versioningit": bool(_table(tables, "versioningit")),
    }
    return next((name for name, is_used in tools.items() if is_used), "")


def _setuptools(root: Path, tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the versions in the attribute and in the file that setuptools is told to read."""
    table = _table(tables, "setuptools", "dynamic", "version")
    module, _, name = str(table.get("attr", "")).rpartition(".")
    if re.fullmatch(r"\w+(\.\w+)*", module):
        pattern = re.compile(rf"^{re.escape(name)}\s*(?::[^=\n]+)?=\s*['\"]([^'\"\n]+)['\"]", re.MULTILINE)
        for base in (root, root / "src"):
            for path in entry_point.module_files(base, module):
                if reader.is_file(path) and (found := pattern.search(reader.text(path, root))):
                    yield found[1]
    files = table.get("file", [])
    for file in [files] if isinstance(files, str) else files:
        if reader.is_file(root / file) and (
            found := _LINE.fullmatch(reader.text(root / file, root).strip())
        ):
            yield found[1]


def _in_files(root: Path, tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the versions in the files of Python that pdm, hatchling or flit read."""
    names = [
        table["path"]
        for table in (_table(tables, "pdm", "version"), _table(tables, "hatch", "version"))
        if isinstance(table.get("path"), str) and table.get("source") not in {"scm", "vcs", "call"}
    ]
    if str(tables.get("build-system", {}).get("build-backend", "")).startswith("flit"):
        module = str(
            _table(tables, "flit", "module").get("name") or tables.get("project", {}).get("name", "")
        )
        plain = module.replace("-", "_").replace(".", "/")
        names += [f"{base}{plain}{end}" for base in ("", "src/") for end in ("/__init__.py", ".py")]
    for name in names:
        if reader.is_file(root / name):
            text = reader.text(root / name, root)
            found = _ASSIGNED.search(text) or _LINE.fullmatch(text.strip())
            yield found[1] if found else ""


def _table(tables: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return the table ``names`` below ``[tool]``; empty if the file does not have it."""
    found: Any = tables.get("tool", {})
    for name in names:
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}
