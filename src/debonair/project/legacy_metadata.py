"""Metadata in formats that are older than ``[project]``: poetry's, setup.cfg, setup.py, Pipfile.

Each is converted to the keys of ``[project]`` (PEP 621). No code runs: only literal values in a setup.py
count.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError
from debonair.project import pyproject as pyproject_toml
from debonair.project import reader, requirements_file, setup_py

_PERSON = re.compile(r"\s*([^<>]+?)\s*<([^<>@\s]+@[^<>\s]+)>\s*")
_VERSION = re.compile(
    r"^(?:__version__|VERSION|version)\s*(?::[^=\n]+)?=\s*['\"]([0-9][^'\"\n]*)['\"]", re.MULTILINE
)
_MAX_DIGITS = 20


def project(root: Path, tables: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the keys of ``[project]``, and the name of the file that defines them; both may be empty.

    ``tables`` are those of the project's pyproject.toml. Raises ``ProjectError`` for a file that cannot be
    read, and for a requirement that PEP 508 cannot express.
    """
    if poetry := tables.get("tool", {}).get("poetry", {}):
        return _poetry(poetry), "pyproject.toml"
    found, name = dict[str, Any](), ""
    if reader.is_file(root / "setup.py"):
        found, name = _setup_py(root), "setup.py"
    more = _setup_cfg(root) if reader.is_file(root / "setup.cfg") else {}
    if more := {key: value for key, value in more.items() if value}:
        found, name = {**found, **more}, " and ".join([name, "setup.cfg"] if found else ["setup.cfg"])
    return found, name


def pipfile(path: Path, root: Path) -> tuple[str, ...]:
    """Return the requirements of the Pipfile at ``path``, in the project ``root``.

    Raises ``ProjectError`` if the file cannot be read.
    """
    tables = reader.toml(path, root)
    pyproject_toml.check_pipfile(tables, path)
    return tuple(
        found
        for name, value in tables.get("packages", {}).items()
        for found in _requirements(name, value, "Pipfile")
    )


def _poetry(table: Mapping[str, Any]) -> dict[str, Any]:
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
    if python := dependencies.pop("python", ""):
        found["requires-python"] = _specifier(str(python), "[tool.poetry]: python")
    found["dependencies"] = [
        line for name, value in dependencies.items() for line in _requirements(name, value, "[tool.poetry]")
    ]
    return found


def _requirements(name: str, value: object, where: str) -> Iterator[str]:
    """Yield the requirements (PEP 508) for ``value``, the value of a package for poetry or pipenv."""
    if isinstance(value, list):
        for one in value:
            yield from _requirements(name, one, where)
        return
    table: Mapping[str, Any] = value if isinstance(value, dict) else {"version": value}
    _check(name, table, where)
    if table.get("optional") or table.get("path") in {".", "./"}:
        return
    extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
    markers = [table["markers"]] if table.get("markers") else []
    if table.get("python"):
        pythons = _specifier(table["python"], f"{where}: {name}").split(",")
        markers += [re.sub(r"([<>=!~]+)(.+)", r"python_version \1 '\2'", one) for one in pythons if one]
    if len(markers) > 1:  # a marker may contain 'or', and 'and' binds closer
        markers = [f"({one})" if re.search(r"\bor\b", one) else one for one in markers]
    end = f" ; {' and '.join(markers)}" if markers else ""
    if "git" in table:
        at = next((f"@{table[key]}" for key in ("rev", "tag", "ref", "branch") if key in table), "")
        yield f"{name}{extras} @ git+{table['git']}{at}{end}"
    elif "url" in table or "file" in table:
        yield f"{name}{extras} @ {table.get('url') or table['file']}{end}"
    elif "path" in table:
        raise ProjectError(
            f"{where}: {name} is a folder on this machine, but a lock must work on every machine.",
            hint=f"Publish {name} on your index, or move its modules beside the app's own.",
        )
    else:
        yield f"{name}{extras}{_specifier(table.get('version', '*'), f'{where}: {name}')}{end}"


def _check(name: str, table: Mapping[str, Any], where: str) -> None:
    """Raise ``ProjectError`` if a value in the ``table`` of a package has the wrong type."""
    texts = ("version", "python", "markers", "git", "rev", "tag", "ref", "branch", "url", "file", "path")
    wrong = [key for key in texts if not isinstance(table.get(key, ""), str)]
    extras = table.get("extras", [])
    if not isinstance(extras, list) or not all(isinstance(extra, str) for extra in extras):
        wrong.append("extras")
    if wrong:
        raise ProjectError(
            f"{where}: '{wrong[0]}' of {name} is {table[wrong[0]]!r}, which has the wrong type.",
            hint='Write extras as a list: extras = ["x"]'
            if wrong[0] == "extras"
            else f'Write {wrong[0]} = "...".',
        )


def _specifier(constraint: str, where: str) -> str:
    """Convert poetry's version ``constraint`` to a specifier of PEP 440: ``^1.2`` to ``>=1.2,<2.0``.

    Raises ``ProjectError`` with its place ``where`` if it does not name a version.
    """
    parts = list[str]()
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", " ".join(constraint.rpartition("||")[2].split())):
        numbers = re.findall(r"[0-9]+", part.partition("-")[0])
        if part in {"*", ""}:
            continue
        if any(len(number) > _MAX_DIGITS for number in numbers) or not (numbers or part.endswith("*")):
            raise ProjectError(
                f"{where} requires '{part}', which is not a version.", hint='Write it as "^1.2".'
            )
        if part.startswith("^"):
            kept = next((place for place, number in enumerate(numbers) if number != "0"), len(numbers) - 1)
            parts += [f">={part[1:].strip()}", f"<{_next(numbers, kept)}"]
        elif part.startswith("~") and not part.startswith("~="):
            parts += [f">={part[1:].strip()}", f"<{_next(numbers, min(1, len(numbers) - 1))}"]
        elif part[0].isdigit():
            parts.append(f"=={part}")
        else:
            parts.append(part.replace(" ", ""))
    return ",".join(parts)


def _next(numbers: list[str], place: int) -> str:
    return ".".join([*numbers[:place], str(int(numbers[place]) + 1)])


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
