"""Packages that a pyproject.toml takes from another place than the default index.

Such a name may be free on the public index, where anybody can publish a package of that name. So a lock
never looks for it there. The tables are those of uv ('Package sources'), poetry and pdm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from debonair.errors import LockError
from debonair.lock import index_config
from debonair.project import package_table, reader
from debonair.project.names import normalised
from debonair.project.package_table import Source
from debonair.project.requirements_file import is_public

if TYPE_CHECKING:
    from debonair.project import Project

_FILE = "pyproject.toml"


def of_uv(project: Project) -> list[str]:
    """Return the requirements of ``project`` that [tool.uv.sources] takes from a place of its own."""
    sources = _tables(project).get("uv", {}).get("sources", {})
    return sorted(name for name in _names(project) if name in {*map(normalised, sources)})


def check(project: Project, environ: Mapping[str, str]) -> None:
    """Raise ``LockError`` if poetry or pdm takes a requirement from a place that uv is not told of.

    ``environ`` may configure an index for uv.
    """
    tables, names = _tables(project), _names(project)
    configured = index_config.addresses(environ, project.root)
    poetry, pdm = tables.get("poetry", {}), tables.get("pdm", {})
    listed = [*poetry.get("source", []), *pdm.get("source", [])]
    source = Source(
        _FILE,
        reader.head(project.root / _FILE, project.root),
        {each.get("name", ""): each.get("url", "") for each in listed},
    )
    private = {
        each.get("name", ""): each["url"]
        for each in listed
        if each.get("url")
        and not is_public(each["url"])
        and index_config.address(each["url"]) not in configured
    }
    for each in poetry.get("source", []) if names else []:
        if each.get("name") in private and each.get("priority") not in {"supplemental", "explicit"}:
            raise _private(source.where(each["name"], "[[tool.poetry.source]]"), each["url"])
    for each in pdm.get("source", []):
        patterns = each.get("include_packages", ["*"])
        if each.get("name") in private and any(fnmatch(name, text) for name in names for text in patterns):
            raise _private(source.where(each["name"], "[[tool.pdm.source]]"), each["url"])
    for name, value in _poetry(poetry):
        if normalised(name) not in names:
            continue
        if value.get("source") in private:
            raise _private(source.where(name), private[value["source"]])
        found = list(package_table.requirements(name, {**value, "source": ""}, source))
        if elsewhere := [line for line in found if " @ " in line]:
            raise LockError(
                f"{source.where(name)} is not taken from an index, but [project].dependencies does not "
                "name its address.",
                hint=f'Write it there: "{elsewhere[0]}"',
            )


def _private(where: str, url: str) -> LockError:
    return LockError(
        f"{where} is on the package index {url}, which is not configured for uv. The lock could contain a "
        "stranger's package of the same name.",
        hint=f"Configure it for uv, which resolves the requirements: UV_INDEX={url}, or [[tool.uv.index]] "
        f"with this url in {_FILE}.",
    )


def _tables(project: Project) -> Mapping[str, Any]:
    """Return the tables of [tool]; empty if the requirements are not those of pyproject.toml."""
    if project.requirements_file != _FILE:
        return {}
    found: Mapping[str, Any] = reader.toml(project.root / _FILE, project.root).get("tool", {})
    return found


def _names(project: Project) -> set[str]:
    """Return the names of the requirements that come from an index."""
    found = set[str]()
    for text in project.requirements:
        with suppress(InvalidRequirement):  # the resolution refuses it
            parsed = Requirement(text)
            found |= set() if parsed.url else {normalised(parsed.name)}
    return found


def _poetry(table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in table.get("dependencies", {}).items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield name, one
