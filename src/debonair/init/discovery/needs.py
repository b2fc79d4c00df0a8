"""Find the packages that an app needs from its imports, for a project that does not declare them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debonair.init.discovery.code import Module
from debonair.project import reader
from debonair.project.catalogue import known
from debonair.project.names import normalised

_LISTS = {"INSTALLED_APPS", "MIDDLEWARE"}
"""The names of lists from which Django imports modules."""


@dataclass(frozen=True)
class Need:
    """A package that the app imports."""

    package: str
    """The package's name on the package index."""
    imported: str
    """The imported name, in full if that decides the package."""
    where: str
    """The file and line of the first import."""
    guessed: bool
    """True if the package's name is only the name of the import."""


def needs(modules: Sequence[Module], starts: Sequence[str], folders: Sequence[Path]) -> list[Need]:
    """Return the packages that the app imports, sorted by name.

    ``starts`` are texts that name modules of the app, such as its WSGI callable; only modules that these
    reach count. ``folders`` are those with the app's own modules. Python's standard library does not count.
    Libraries for the board do not count either, because Debian provides them.
    """
    found = dict[str, Need]()
    app_modules = {module.name.partition(".")[0] for module in modules}
    seen = set[tuple[str, Path]]()
    for module in reached(modules, starts):
        for name, line in _all(module):
            top = name.partition(".")[0]
            if (
                top[:1] in {"", "_"}
                or not top.isidentifier()
                or top in sys.stdlib_module_names
                or top in known().gone
                or top in known().hardware
                or top in app_modules
            ):
                continue
            here = (name, Path(module.path).parent)
            if here in seen or _is_beside(top, here[1], folders):
                seen.add(here)
                continue
            seen.add(here)
            key = next((key for key in _heads(name) if key in known().packages), "")
            package = known().packages.get(key, normalised(top))
            where = f"{module.path}:{line}"
            found.setdefault(package, Need(package, key or top, where, guessed=not key))
    return [found[package] for package in sorted(found)]


def requirements_text(found: Sequence[Need], server: str) -> str:
    """Return ``found`` as a requirements file, with the place of each import in the code.

    ``server`` is the web server that the app needs in addition, if any.
    """
    lines = ["# Written by 'debonair init' from the app's imports. You can edit it."]
    for need in found:
        guess = "; a guess from the module's name" if need.guessed else ""
        lines.append(f"{need.package}  # {need.where} imports {need.imported}{guess}")
    if server and server not in {need.package for need in found}:
        lines.append(f"{server}  # the server that 'command' runs")
    return "\n".join(lines) + "\n"


def reached(modules: Sequence[Module], starts: Sequence[str]) -> list[Module]:
    """Return the modules that ``starts`` name, and those that they import or name: whole packages."""
    tops = {module.name.partition(".")[0] for module in modules}
    waiting = [top for top in sorted(tops) if any(re.search(rf"\b{top}\b", start) for start in starts)]
    seen = set[str](waiting)
    while waiting:
        top = waiting.pop()
        for module in modules:
            if module.name.partition(".")[0] != top:
                continue
            named = [name for name, _ in module.imports()]
            named += [str(n.value) for n in module.nodes if isinstance(n, ast.Constant)]
            more = {name.partition(".")[0] for name in named} & tops - seen
            seen |= more
            waiting += sorted(more)
    return [module for module in modules if module.name.partition(".")[0] in seen]


def _all(module: Module) -> Iterator[tuple[str, int]]:
    yield from module.needs()
    for node in module.nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=items)) if name in _LISTS:
                for item in items:
                    if isinstance(item, ast.Constant):
                        yield str(item.value), item.lineno
            case _:
                pass


def _is_beside(top: str, parent: Path, folders: Sequence[Path]) -> bool:
    """Tell whether the module or package ``top`` is in one of ``folders``, or beside its importer."""
    beside = [folder / parent for folder in folders[:1]]
    return any(
        reader.is_file(folder / f"{top}.py")
        or any(name.endswith(".py") for _, _, names in reader.below(folder / top) for name in names)
        for folder in (*folders, *beside)
    )


def _heads(name: str) -> Iterator[str]:
    """Yield ``name`` and its parent packages, the longest first."""
    while name:
        yield name
        name = name.rpartition(".")[0]
