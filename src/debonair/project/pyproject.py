"""The types of the keys in a pyproject.toml that Debonair reads (packaging.python.org specifies them).

Other modules read the values. This one only refuses a wrong type before they look at the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from debonair.errors import ProjectError
from debonair.host import decoder
from debonair.project import unquoted


class _Person(msgspec.Struct, frozen=True):
    name: str = ""
    email: str = ""


class _Project(msgspec.Struct, frozen=True, rename="kebab"):
    name: str = ""
    version: str = ""
    description: str = ""
    license: str | dict[str, str] = ""
    license_files: list[str] = []
    requires_python: str = ""
    dependencies: list[str] = []
    dynamic: list[str] = []
    authors: list[_Person] = []
    maintainers: list[_Person] = []
    scripts: dict[str, str] = {}
    urls: dict[str, str] = {}


class _Version(msgspec.Struct, frozen=True):
    attr: str = ""
    file: str | list[str] = ""


class _Dependencies(msgspec.Struct, frozen=True):
    file: str | list[str] = ""


class _Dynamic(msgspec.Struct, frozen=True):
    version: _Version = _Version()
    dependencies: _Dependencies = _Dependencies()


class _Setuptools(msgspec.Struct, frozen=True):
    dynamic: _Dynamic = _Dynamic()


class _Index(msgspec.Struct, frozen=True):
    name: str = ""
    url: str = ""
    priority: str = ""


class _PdmIndex(_Index, frozen=True):
    include_packages: list[str] = []


class _Pdm(msgspec.Struct, frozen=True):
    source: list[_PdmIndex] = []


class _Uv(msgspec.Struct, frozen=True):
    sources: dict[str, dict[str, Any] | list[dict[str, Any]]] = {}


class _Group(msgspec.Struct, frozen=True):
    dependencies: dict[str, Any] = {}


class _Poetry(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""
    description: str = ""
    license: str = ""
    homepage: str = ""
    repository: str = ""
    authors: list[str] = []
    scripts: dict[str, Any] = {}
    dependencies: dict[str, str | dict[str, Any] | list[dict[str, Any]]] = {}
    group: dict[str, _Group] = {}
    source: list[_Index] = []


class _Backend(msgspec.Struct, frozen=True, rename="kebab"):
    requires: list[str] = []
    build_backend: str = ""
    backend_path: list[str] = []


class _Tool(msgspec.Struct, frozen=True):
    setuptools: _Setuptools = _Setuptools()
    poetry: _Poetry = _Poetry()
    pdm: _Pdm = _Pdm()
    uv: _Uv = _Uv()
    debonair: dict[str, Any] = {}


class _Tables(msgspec.Struct, frozen=True, rename="kebab"):
    project: _Project = _Project()
    dependency_groups: dict[str, list[Any]] = {}
    tool: _Tool = _Tool()
    build_system: _Backend = _Backend()


class _Pipfile(msgspec.Struct, frozen=True):
    packages: dict[str, str | dict[str, Any]] = {}
    source: list[_Index] = []


def check(tables: Mapping[str, Any], file: Path) -> None:
    """Raise ``ProjectError`` with ``file`` and the key if a value in ``tables`` has the wrong type.

    ``tables`` are those of a pyproject.toml. Keys that Debonair does not read are ignored.
    """
    _check(
        tables,
        _Tables,
        file,
        "The Python Packaging User Guide describes the keys of pyproject.toml.",
    )


def check_pipfile(tables: Mapping[str, Any], file: Path) -> None:
    """Raise the same errors as ``check``, for the ``tables`` of a Pipfile."""
    _check(tables, _Pipfile, file, 'Write each package as in: flask = "*"')


def _check(tables: Mapping[str, Any], kind: type, file: Path, hint: str) -> None:
    try:
        decoder.converted(tables, kind)
    except msgspec.ValidationError as wrong:
        message, _, where = str(wrong).partition(" - at `$.")
        raise ProjectError(
            f"{file.name}: '{where.rstrip('`')}' is wrong: {plain(message)}.",
            hint=unquoted.hint(message, where.rstrip("`"), tables, file) or hint,
        ) from None


def plain(message: str) -> str:
    """Return msgspec's message about a value of the wrong type, in the terms of TOML."""
    words = {
        "`str`": "a string",
        "`int`": "a number",
        "`float`": "a decimal number",
        "`bool`": "true or false",
        "`array`": "a list",
        "`object`": "a table",
        "`date`": "a date",
        "`time`": "a time",
        "`datetime`": "a date with a time",
    }
    for code, word in words.items():
        message = message.replace(code, word)
    return message[:1].lower() + message[1:]
