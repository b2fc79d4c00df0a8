"""The packages that a project needs from the package index, whichever file declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError
from debonair.host import terminal
from debonair.project import reader, requirement, requirements_file
from debonair.project.requirements_file import Requirements

FILES = (
    "requirements.in", "requirements.txt", "requirements/production.txt", "requirements/prod.txt",
    "requirements/base.txt", "requirements/common.txt", "requirements/requirements.txt",
)  # fmt: skip
"""The requirements files to look for; the first one that exists counts."""


def of(
    root: Path,
    file: Path,
    *,
    project: Mapping[str, Any],
    tables: Mapping[str, Any],
    older: Mapping[str, Any],
    older_file: str = "",
) -> Requirements:
    """Return the requirements of the project in ``root``.

    ``project`` is the table of that name, and ``tables`` is all of pyproject.toml. ``older`` has the keys
    of ``[project]`` as read from an older format in ``older_file``. ``file`` holds the settings. Files for
    pip take precedence over a Pipfile, and a Pipfile over the metadata of a build backend.

    Raises ``ProjectError`` if the requirements cannot be determined. Raises it, too, if a requirement has a
    line break, because uv receives them as lines.
    """
    found = _found(root, file, project=project, tables=tables, older=older, older_file=older_file)
    check((*found.requirements, *found.constraints), found.source or file.name)
    return found


def check(lines: Iterable[str], where: str) -> None:
    """Raise ``ProjectError`` if one of ``lines`` from the file or key ``where`` is not a requirement."""
    for line in lines:
        if wrong := reader.unfit(line):
            raise ProjectError(
                f"{where}: the requirement '{terminal.line(line)}' {wrong}.", hint="Write it on one line."
            )
        requirement.check(line, f"{where}: '{terminal.line(line)}'")


def _found(
    root: Path,
    file: Path,
    *,
    project: Mapping[str, Any],
    tables: Mapping[str, Any],
    older: Mapping[str, Any],
    older_file: str,
) -> Requirements:
    if "dependencies" in project.get("dynamic", []):
        names = _dynamic(tables)
        if not names and "dependencies" not in older:
            raise ProjectError(
                "pyproject.toml: [project].dependencies is dynamic, but no file defines its value.",
                hint="Write the dependencies into [project].dependencies.",
            )
        if names:
            return replace(_files(names, root, file), notes=_notes(root, tables))
        return _older(older, older_file)
    if "dependencies" in project or file.name == "pyproject.toml":
        listed = tuple(project.get("dependencies", []))
        return Requirements(listed, source="pyproject.toml", notes=_notes(root, tables))
    for name in FILES:
        if reader.is_file(root / name):
            return replace(_with_own(requirements_file.read(root / name, root), older), source=name)
    if reader.is_file(root / "Pipfile"):
        from debonair.project import legacy_metadata  # noqa: PLC0415 - few projects have a Pipfile

        return _with_own(legacy_metadata.pipfile(root / "Pipfile", root), older)
    if "dependencies" in older.get("dynamic", []) and "dependencies" not in older:
        raise ProjectError(
            "setup.py computes 'install_requires', but Debonair does not run setup.py.",
            hint="Write the app's requirements into requirements.in, one per line.",
        )
    return _older(older, older_file)


def _with_own(found: Requirements, older: Mapping[str, Any]) -> Requirements:
    """Return ``found`` with the project's own requirements, if the file lists the project itself."""
    own = tuple(older.get("dependencies", ())) if found.itself else ()
    return replace(found, requirements=tuple(dict.fromkeys((*found.requirements, *own))), itself=False)


def _older(older: Mapping[str, Any], source: str) -> Requirements:
    return Requirements(
        tuple(older.get("dependencies", ())), source=source, notes=tuple(older.get("notes", ()))
    )


def _notes(root: Path, tables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return sentences about the dependency groups (PEP 735) that the package does not have."""
    if not (listed := tables.get("dependency-groups")):
        return ()
    from debonair.project import groups  # noqa: PLC0415 - few projects have groups
    from debonair.project.package_table import Source  # noqa: PLC0415

    source = Source("pyproject.toml", reader.head(root / "pyproject.toml", root), {})
    return tuple(groups.notes(listed, source, "[project].dependencies"))


def _dynamic(tables: Mapping[str, Any]) -> list[str]:
    """Return the files from which setuptools reads the dependencies."""
    table = tables.get("tool", {}).get("setuptools", {}).get("dynamic", {}).get("dependencies", {})
    files = table.get("file", []) if isinstance(table, dict) else []
    return [files] if isinstance(files, str) else list(files)


def _files(names: list[str], root: Path, file: Path) -> Requirements:
    for name in names:
        if not reader.is_file(root / name):
            raise ProjectError(f"{file.name} names the file {name}, which does not exist.")
    read = [requirements_file.read(root / name, root) for name in names]
    return Requirements(
        tuple(line for found in read for line in found.requirements),
        tuple(line for found in read for line in found.constraints),
        source=", ".join(names),
        prereleases=any(found.prereleases for found in read),
    )
