"""What a project says in files of others' formats: TOML, a version for setuptools, requirements for pip."""

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
        return path.read_text(encoding="utf-8")
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


def requirements(
    root: Path, file: Path, project: dict[str, Any], tables: dict[str, Any]
) -> tuple[str, ...]:
    """Return what the project in ``root`` needs from the package index (PEP 508).

    ``project`` is the table of that name, ``tables`` all of pyproject.toml; ``file`` holds the settings.
    Raises ``ProjectError`` if it cannot be found out.
    """
    if "dependencies" in project.get("dynamic", []):
        declared = tables.get("tool", {}).get("setuptools", {}).get("dynamic", {}).get("dependencies", {})
        files = declared.get("file", []) if isinstance(declared, dict) else []
        names = [files] if isinstance(files, str) else files
        if not names:
            raise ProjectError(
                "pyproject.toml: [project].dependencies is dynamic, and nothing says where it is read.",
                hint="Write the dependencies into [project].dependencies.",
            )
        return tuple(line for name in names for line in _requirement_lines(root / name, file))
    if "dependencies" in project or file.name == "pyproject.toml":
        return tuple(project.get("dependencies", []))
    for name in ("requirements.in", "requirements.txt"):
        if (root / name).is_file():
            return tuple(_requirement_lines(root / name, file))
    return ()


def _requirement_lines(path: Path, file: Path) -> list[str]:
    """Return the requirements of a file in pip's format; none if it is a lock, pinned by hashes."""
    try:
        content = text(path)
    except (FileNotFoundError, IsADirectoryError):
        raise ProjectError(f"{file.name} names {path.name}, which is no file.") from None
    if "--hash=" in content:
        return []
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in content.replace("\\\n", " ").splitlines()]
    for number, line in enumerate(lines, 1):
        if line.startswith("-"):
            raise ProjectError(
                f"{path.name}, line {number}: '{line}' is an option of pip, not a requirement.",
                hint="Write the requirements out, or pin them with hashes.",
            )
    return [line for line in lines if line]
