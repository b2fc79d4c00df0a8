"""A package in the tables of poetry or pipenv, as requirements (PEP 508)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from debonair.errors import ProjectError
from debonair.project import reader, version_constraint
from debonair.project.requirements_file import is_public

_MARKERS = (
    "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "platform_release",
    "platform_system", "platform_version", "python_version", "python_full_version", "implementation_name",
    "implementation_version",
)  # fmt: skip
"""The variables of a marker, which pipenv accepts as keys."""
_VCS = ("git", "hg", "svn", "bzr")


@dataclass(frozen=True)
class Source:
    """The file that declares packages."""

    name: str
    text: str
    """Its text, in which lines are found; empty if it is not known."""
    indexes: Mapping[str, str]
    """The addresses of the package indexes that it declares, by name."""

    def where(self, key: str, table: str = "") -> str:
        """Return the file, the line of ``key``, and ``key``: ``Pipfile, line 3: flask``.

        ``table`` replaces ``key`` in the text, if ``key`` is the name of something in that table.
        """
        name = rf"""["']?{re.escape(key)}["']?"""
        line = re.compile(
            rf"""\s*(?:(?:[\w-]+\.)*{name}\s*[.=]|\[.*\b{name}(?:\.dependencies)?\]|name\s*=\s*{name})"""
        )
        lines = enumerate(reader.lines(self.text), 1)
        number = next((number for number, text in lines if line.match(text)), 0)
        return f"{self.name}{f', line {number}' if number else ''}: {f'{table} {key}' if table else key}"

    def check_index(self, name: str, table: str = "", package: str = "") -> None:
        """Raise ``ProjectError`` if the index ``name`` is private: its packages must come from it alone.

        ``package`` is the package that names it, or else ``table`` declares it for all packages.
        """
        url = self.indexes.get(name, name)
        if is_public(url) or (name.lower() == "pypi" and name not in self.indexes):
            return
        where = f"{self.where(package)} is on" if package else f"{self.where(name, table)} is"
        shown = f"the package index {name}" + (f" ({url})" if url != name else "")
        raise ProjectError(
            f"{where} {shown}, but a lock cannot take its index from {self.name}.",
            hint="Write the requirements into requirements.in, which Debonair reads instead. Set the index "
            "for uv: UV_INDEX=ADDRESS, or [[tool.uv.index]] in pyproject.toml.",
        )


def requirements(name: str, value: object, source: Source) -> Iterator[str]:
    """Yield the requirements for ``value``, the value of the package ``name`` for poetry or pipenv.

    Raises ``ProjectError`` for a value that PEP 508 cannot express, and for a package on a private index.
    """
    if isinstance(value, list):
        for one in value:
            yield from requirements(name, one, source)
        return
    table: Mapping[str, Any] = value if isinstance(value, dict) else {"version": value}
    _check(name, table, source)
    if table.get("optional") or is_itself(table):
        return
    if index := table.get("index") or table.get("source"):
        source.check_index(index, package=name)
    extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
    markers = _markers(name, table, source)
    if len(markers) > 1:  # a marker may contain 'or', and 'and' binds closer
        markers = [f"({one})" if re.search(r"\bor\b", one) else one for one in markers]
    end = f" ; {' and '.join(markers)}" if markers else ""
    part = f"#subdirectory={table['subdirectory']}" if table.get("subdirectory") else ""
    if vcs := next((kind for kind in _VCS if kind in table), ""):
        at = next((f"@{table[key]}" for key in ("rev", "tag", "ref", "branch") if key in table), "")
        yield f"{name}{extras} @ {vcs}+{_address(table[vcs])}{at}{part}{end}"
    elif "url" in table or "file" in table:
        yield f"{name}{extras} @ {table.get('url') or table['file']}{part}{end}"
    elif "path" in table:
        raise ProjectError(
            f"{source.where(name)} is a folder or file on this machine, but a lock must work on every "
            "machine.",
            hint=f"Publish {name} on your index, or move its modules beside the app's own.",
        )
    else:
        yield f"{name}{extras}{specifier(table.get('version', '*'), name, source)}{end}"


def is_itself(value: object) -> bool:
    """Tell whether ``value``, of a package, is the project's own folder: ``{path = "."}``."""
    path = value.get("path") if isinstance(value, dict) else None
    return isinstance(path, str) and bool(path) and posixpath.normpath(path) == "."


def specifier(constraint: str, name: str, source: Source) -> str:
    """Return the ``constraint`` of the package ``name`` as a specifier. Raises ``ProjectError``."""
    try:
        return version_constraint.specifier(constraint)
    except ValueError as wrong:
        raise ProjectError(
            f"{source.where(name)} requires '{wrong}', which is not a version.", hint='Write it as "^1.2".'
        ) from None


def _address(text: str) -> str:
    """Return ``text``, the address of a repository, as a URL; ``git@host:path`` is a short form of ssh."""
    short = re.fullmatch(r"(?:ssh://)?([\w.-]+@[\w.-]+):([^/\d].*)", text)
    return f"ssh://{short[1]}/{short[2]}" if short else text.removeprefix("git+")


def _markers(name: str, table: Mapping[str, Any], source: Source) -> list[str]:
    """Return the parts of the marker, all of which must be true."""
    markers = [table["markers"]] if table.get("markers") else []
    if table.get("python"):
        pythons = specifier(table["python"], name, source).split(",")
        markers += [re.sub(r"([<>=!~]+)(.+)", r"python_version \1 '\2'", one) for one in pythons if one]
    if table.get("platform"):
        either = [
            " and ".join(map(_platform, re.split(r" ?, ?", one)))
            for one in re.split(r" ?\|\|? ?", " ".join(table["platform"].split()))
        ]
        markers.append(" or ".join(either))
    return markers + [f"{key} {table[key].strip()}" for key in _MARKERS if table.get(key)]


def _platform(text: str) -> str:
    """Return one condition of poetry's key ``platform``, such as ``win32`` or ``!=darwin``, as a marker."""
    operator, name = re.fullmatch(r"([!=]*)\s*(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"sys_platform {operator if operator in {'==', '!='} else '=='} '{name}'"


def _check(name: str, table: Mapping[str, Any], source: Source) -> None:
    """Raise ``ProjectError`` if a value in the ``table`` of a package has the wrong type."""
    texts = (
        "version", "python", "platform", "markers", "rev", "tag", "ref", "branch", "subdirectory", "url",
        "file", "path", "index", "source",
    )  # fmt: skip
    wrong = [key for key in (*texts, *_VCS, *_MARKERS) if not isinstance(table.get(key, ""), str)]
    extras = table.get("extras", [])
    if not isinstance(extras, list) or not all(isinstance(extra, str) for extra in extras):
        wrong.append("extras")
    if wrong:
        raise ProjectError(
            f"{source.where(name)}: '{wrong[0]}' is {table[wrong[0]]!r}, which has the wrong type.",
            hint='Write extras as a list: extras = ["x"]'
            if wrong[0] == "extras"
            else f'Write {wrong[0]} = "...".',
        )
