"""Metadata in formats that are older than ``[project]``: poetry's, setup.cfg, setup.py, Pipfile.

Each is converted to the keys of ``[project]`` (PEP 621). No code runs: only literal values in a setup.py
count.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError
from debonair.project import groups, package_table, reader, requirements_file, setup_py
from debonair.project import pyproject as pyproject_toml
from debonair.project.package_table import Source
from debonair.project.requirements_file import Requirements

_PERSON = re.compile(r"\s*([^<>]+?)\s*<([^<>@\s]+@[^<>\s]+)>\s*")
_PIPFILE = {"source", "packages", "dev-packages", "requires", "scripts", "pipenv"}
"""The tables of a Pipfile; any other is a group of packages."""
_VERSION = re.compile(
    r"^(?:__version__|VERSION|version)\s*(?::[^=\n]+)?=\s*['\"]([0-9][^'\"\n]*)['\"]", re.MULTILINE
)


def project(root: Path, tables: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the keys of ``[project]``, and the name of the file that defines them; both may be empty.

    ``tables`` are those of the project's pyproject.toml. Raises ``ProjectError`` for a file that cannot be
    read, and for a requirement that PEP 508 cannot express.
    """
    if poetry := tables.get("tool", {}).get("poetry", {}):
        return _poetry(poetry, reader.head(root / "pyproject.toml", root)), "pyproject.toml"
    found, name = dict[str, Any](), ""
    if reader.is_file(root / "setup.py"):
        found, name = _setup_py(root), "setup.py"
    more = _setup_cfg(root) if reader.is_file(root / "setup.cfg") else {}
    if more := {key: value for key, value in more.items() if value}:
        found, name = {**found, **more}, " and ".join([name, "setup.cfg"] if found else ["setup.cfg"])
    return found, name


def pipfile(path: Path, root: Path) -> Requirements:
    """Return the requirements of the Pipfile at ``path``, in the project ``root``.

    Raises ``ProjectError`` if the file cannot be read, or takes a package from a private index.
    """
    tables = reader.toml(path, root)
    pyproject_toml.check_pipfile(tables, path)
    listed = tables.get("source", [])
    source = Source("Pipfile", reader.head(path, root), _indexes(listed))
    if listed and tables.get("packages"):  # pipenv takes packages without an index from the first one
        source.check_index(listed[0].get("name", ""), "[[source]]")
    others = {
        name: table for name, table in tables.items() if name not in _PIPFILE and isinstance(table, dict)
    }
    return Requirements(
        tuple(
            found
            for name, value in tables.get("packages", {}).items()
            for found in package_table.requirements(name, value, source)
        ),
        itself=any(map(package_table.is_itself, tables.get("packages", {}).values())),
        source="Pipfile",
        notes=tuple(groups.notes(others, source, "[packages]")),
    )


def _poetry(table: Mapping[str, Any], text: str) -> dict[str, Any]:
    found = {key: table[key] for key in ("name", "version", "description", "license") if table.get(key)}
    found["scripts"] = {
        name: place for name, place in table.get("scripts", {}).items() if isinstance(place, str)
    }
    found["authors"] = [
        {"name": person[1], "email": person[2]}
        for author in table.get("authors", [])
        if (person := _PERSON.fullmatch(author))
    ]
    found["urls"] = {key: table[key] for key in ("homepage", "repository") if key in table}
    dependencies = dict(table.get("dependencies", {}))
    listed = table.get("source", [])
    source = Source("pyproject.toml", text, _indexes(listed))
    if python := dependencies.pop("python", ""):
        found["requires-python"] = package_table.specifier(str(python), "python", source)
    for each in listed if dependencies else ():
        if each.get("url") and each.get("priority") not in {"supplemental", "explicit"}:
            source.check_index(each.get("name", ""), "[[tool.poetry.source]]")
    found["dependencies"] = [
        line
        for name, value in dependencies.items()
        for line in package_table.requirements(name, value, source)
    ]
    more = {name: group.get("dependencies", {}) for name, group in table.get("group", {}).items()}
    found["notes"] = list(groups.notes(more, source, "[tool.poetry.dependencies]"))
    return found


def _indexes(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the addresses of the package indexes in a table, by their names; PyPI may have no address."""
    return {each.get("name", ""): each["url"] for each in listed if each.get("url")}


def _setup_cfg(root: Path) -> dict[str, Any]:
    path = root / "setup.cfg"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(reader.text(path, root), "setup.cfg")
    except configparser.Error as wrong:
        raise ProjectError(
            f"{path} cannot be read: {' '.join(str(wrong).split())}.",
            hint="Fix the syntax error on that line.",
        ) from None
    metadata = dict(parser["metadata"]) if parser.has_section("metadata") else {}
    options = dict(parser["options"]) if parser.has_section("options") else {}
    points = dict(parser["options.entry_points"]) if parser.has_section("options.entry_points") else {}
    version = metadata.get("version", "")
    if version.startswith(("attr:", "file:")):
        version = _version_elsewhere(root, metadata.get("name", ""), version)
    return _table(
        metadata | {"version": version},
        dependencies=_listed(root, options["install_requires"]) if "install_requires" in options else None,
        python=options.get("python_requires", ""),
        scripts=points.get("console_scripts", "").splitlines(),
    )


def _listed(root: Path, value: str) -> list[str]:
    """Return the requirements that setup.cfg lists, directly or in the files that it names."""
    lines = [line.strip() for line in value.splitlines() if line.strip() and line.strip()[0] != "#"]
    if not value.strip().startswith("file:"):
        return lines
    found = list[str]()
    for name in re.split(r"[,\s]+", value.strip().removeprefix("file:").strip()):
        if not reader.is_file(path := root / name):
            raise ProjectError(
                f"{root / 'setup.cfg'}: 'install_requires' names the file {name}, which does not exist.",
                hint="Create the file, or write the requirements there, one per line.",
            )
        found += requirements_file.read(path, root).requirements
    return found


def _setup_py(root: Path) -> dict[str, Any]:
    """Return the literal arguments of the call of ``setup()`` in setup.py."""
    arguments = setup_py.read(root / "setup.py", root)
    metadata = {name: value for name, value in arguments.items() if isinstance(value, str)}
    if not metadata.get("name"):
        return {}
    if "version" not in metadata:
        metadata["version"] = _version_elsewhere(root, metadata["name"], "")
    needs = arguments.get("install_requires")
    needs = needs.splitlines() if isinstance(needs, str) else needs
    points = arguments.get("entry_points")
    scripts = points.get("console_scripts", []) if isinstance(points, dict) else []
    found = _table(
        metadata,
        dependencies=needs if isinstance(needs, list) else None,
        python=metadata.get("python_requires", ""),
        scripts=scripts if isinstance(scripts, list) else [scripts],
    )
    if not isinstance(needs, list) and "install_requires" in arguments:
        found["dynamic"] = ["dependencies"]
    return found


def _table(
    metadata: Mapping[str, str], *, dependencies: Sequence[str] | None, python: str, scripts: Sequence[str]
) -> dict[str, Any]:
    kinds = {"name": "name", "version": "version", "description": "description", "summary": "description"}
    found: dict[str, Any] = {
        kind: metadata[key].strip() for key, kind in kinds.items() if metadata.get(key, "").strip()
    }
    people = [
        {"name": metadata.get(kind, ""), "email": metadata.get(f"{kind}_email", "")}
        for kind in ("maintainer", "author")
    ]
    found["authors"] = [person for person in people if all(person.values())]
    found["urls"] = {"homepage": metadata["url"]} if metadata.get("url") else {}
    found["scripts"] = {
        name.strip(): place.partition("[")[0].strip()
        for name, equals, place in (str(line).partition("=") for line in scripts)
        if equals
    }
    if dependencies is not None:
        found["dependencies"] = [str(line).strip() for line in dependencies]
    return {**found, "requires-python": python} if python else found


def _version_elsewhere(root: Path, name: str, reference: str) -> str:
    """Return the version in the code of the package ``name``, or at the place that ``reference`` names."""
    if reference.startswith("file:"):
        file = root / reference[5:].strip()
        return reader.text(file, root).strip() if reader.is_file(file) else ""
    names = dict.fromkeys((re.sub(r"[-.]", "_", name.lower()), name))
    folders = [
        root / base / each for base in ("", "src") for each in names if re.fullmatch(r"[\w.-]+", each)
    ]
    if reference.startswith("attr:"):
        module = reference[5:].strip().rpartition(".")[0]
        if re.fullmatch(r"\w+(\.\w+)*", module):
            folders = [root.joinpath(base, *module.split(".")) for base in ("", "src")] + folders
    for folder in folders:
        files = (
            folder.parent / f"{folder.name}.py",
            *(
                folder / f"{part}.py"
                for part in ("__init__", "version", "_version", "__version__", "__about__")
            ),
        )
        for file in files:
            if reader.is_file(file) and (found := _VERSION.search(reader.text(file, root))):
                return found[1]
    return ""
