"""What a project says of itself in older forms than ``[project]``: poetry's, setup.cfg, setup.py, Pipfile.

Each is read into what would stand in ``[project]`` (PEP 621). Nothing is run: of a setup.py only what
stands there as a value counts.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from debonair import declared
from debonair.errors import ProjectError

_PERSON = re.compile(r"\s*([^<>]+?)\s*<([^<>@\s]+@[^<>\s]+)>\s*")
_VERSION = re.compile(
    r"^(?:__version__|VERSION|version)\s*(?::[^=]+)?=\s*['\"]([0-9][^'\"]*)['\"]", re.MULTILINE
)


def project(root: Path, tables: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return what would stand in ``[project]``, and the name of the file that says it; both may be empty.

    ``tables`` are those of the project's pyproject.toml. Raises ``ProjectError`` for a file that cannot be
    read, and for a requirement that has no form in PEP 508.
    """
    if poetry := tables.get("tool", {}).get("poetry", {}):
        return _poetry(poetry), "pyproject.toml"
    found, name = dict[str, Any](), ""
    if (root / "setup.py").is_file():
        found, name = _setup_py(root), "setup.py"
    more = _setup_cfg(root) if (root / "setup.cfg").is_file() else {}
    if more := {key: value for key, value in more.items() if value}:
        found, name = {**found, **more}, " and ".join([name, "setup.cfg"] if found else ["setup.cfg"])
    return found, name


def pipfile(path: Path) -> tuple[str, ...]:
    """Return the requirements of the Pipfile at ``path``. Raises ``ProjectError`` if it cannot be read."""
    packages = declared.toml(path).get("packages", {})
    return tuple(found for name, said in packages.items() for found in _requirements(name, said, "Pipfile"))


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
        found["requires-python"] = _specifier(python)
    found["dependencies"] = [
        line for name, said in dependencies.items() for line in _requirements(name, said, "[tool.poetry]")
    ]
    return found


def _requirements(name: str, said: object, where: str) -> Iterator[str]:
    """Yield the requirements (PEP 508) that poetry's or pipenv's ``said`` of a package is."""
    if isinstance(said, list):
        for one in said:
            yield from _requirements(name, one, where)
        return
    table: Mapping[str, Any] = said if isinstance(said, dict) else {"version": said}
    if table.get("optional") or table.get("path") in {".", "./"}:
        return
    extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
    marker = str(table.get("markers", ""))
    if "python" in table:
        pythons = _specifier(str(table["python"])).split(",")
        marker = " and ".join(
            filter(
                None,
                [marker, *(re.sub(r"([<>=!~]+)(.+)", r"python_version \1 '\2'", one) for one in pythons)],
            )
        )
    end = f" ; {marker}" if marker else ""
    if "git" in table:
        at = next((f"@{table[key]}" for key in ("rev", "tag", "ref", "branch") if key in table), "")
        yield f"{name}{extras} @ git+{table['git']}{at}{end}"
    elif "url" in table or "file" in table:
        yield f"{name}{extras} @ {table.get('url') or table['file']}{end}"
    elif "path" in table:
        raise ProjectError(
            f"{where}: {name} is a folder of this machine, and a lock is for every machine.",
            hint=f"Publish {name} on your index, or put its modules beside the app's own.",
        )
    else:
        yield f"{name}{extras}{_specifier(str(table.get('version', '*')))}{end}"


def _specifier(said: str) -> str:
    """Return the version specifier (PEP 440) that poetry's ``said`` is: ``^1.2`` for ``>=1.2,<2.0``."""
    parts = list[str]()
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", said.rpartition("||")[2].strip()):
        numbers = re.findall(r"\d+", part.partition("-")[0])
        if part in {"*", ""}:
            continue
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
        parser.read_string(declared.text(path), "setup.cfg")
    except configparser.Error as wrong:
        raise ProjectError(
            f"{path} cannot be read: {' '.join(str(wrong).split())}.", hint="Mend it."
        ) from None
    metadata = dict(parser["metadata"]) if parser.has_section("metadata") else {}
    options = dict(parser["options"]) if parser.has_section("options") else {}
    points = dict(parser["options.entry_points"]) if parser.has_section("options.entry_points") else {}
    version = metadata.get("version", "")
    if version.startswith(("attr:", "file:")):
        version = _version_elsewhere(root, metadata.get("name", ""), version)
    return _table(
        metadata | {"version": version},
        dependencies=[line for line in options.get("install_requires", "").splitlines() if line.strip()]
        if "install_requires" in options
        else None,
        python=options.get("python_requires", ""),
        scripts=points.get("console_scripts", "").splitlines(),
    )


def _setup_py(root: Path) -> dict[str, Any]:
    """Return what the call of ``setup()`` says in values; names stand for what they were last given."""
    path = root / "setup.py"
    try:
        tree = ast.parse(declared.text(path), filename=str(path))
    except (SyntaxError, ValueError):  # of Python 2, maybe
        return {}
    known = dict[str, Any]()
    said = dict[str, Any]()
    given = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and (value := _value(node.value, known)) is not None:
                    known[target.id] = value
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setup":
            keywords = {word.arg: word.value for word in node.keywords if word.arg}
            given |= set(keywords)
            said |= {name: _value(value, known) for name, value in keywords.items()}
    metadata = {name: value for name, value in said.items() if isinstance(value, str)}
    if not metadata.get("name"):
        return {}
    if "version" not in metadata:
        metadata["version"] = _version_elsewhere(root, metadata["name"], "")
    needs = said.get("install_requires")
    points = said.get("entry_points")
    scripts = points.get("console_scripts", []) if isinstance(points, dict) else []
    found = _table(
        metadata,
        dependencies=needs.splitlines() if isinstance(needs, str) else needs,
        python=metadata.get("python_requires", ""),
        scripts=scripts if isinstance(scripts, list) else [scripts],
    )
    if needs is None and "install_requires" in given:
        found["dynamic"] = ["dependencies"]
    return found


def _table(
    metadata: Mapping[str, str], *, dependencies: list[str] | None, python: str, scripts: list[str]
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


def _version_elsewhere(root: Path, name: str, said: str) -> str:
    """Return the version that stands in the code of the package ``name``, or where ``said`` says."""
    package = re.sub(r"[-.]", "_", name.lower())
    folders = [root / base / each for base in ("", "src") for each in dict.fromkeys((package, name))]
    if said.startswith("file:") and (file := root / said[5:].strip()).is_file():
        return declared.text(file).strip()
    if said.startswith("attr:"):
        module = said[5:].strip().rpartition(".")[0].split(".")
        folders = [root.joinpath(base, *module) for base in ("", "src")] + folders
    for folder in folders:
        names = (
            folder.with_suffix(".py"),
            *(
                folder / f"{part}.py"
                for part in ("__init__", "version", "_version", "__version__", "__about__")
            ),
        )
        for file in names:
            if file.is_file() and (found := _VERSION.search(declared.text(file))):
                return found[1]
    return ""


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Return the value that an expression plainly is, ``None`` if it would have to be run."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            values = [_value(item, known) for item in items]
            return None if None in values else values
        case ast.Dict(keys=keys, values=items):
            return {
                key.value: value
                for key, item in zip(keys, items, strict=True)
                if isinstance(key, ast.Constant) and (value := _value(item, known)) is not None
            }
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = _value(left, known), _value(right, known)
            return first + second if type(first) is type(second) and first is not None else None
        case ast.Constant(value=value):
            return value
    return None
