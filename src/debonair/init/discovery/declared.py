"""Find where a project declares its requirements, and which of them the package cannot use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from debonair.errors import ProjectError
from debonair.init.discovery.code import Module
from debonair.init.discovery.finding import Finding
from debonair.project import reader, requirements_file
from debonair.project.catalogue import known
from debonair.project.names import normalised

_NAME = re.compile(r"(reqs|requirements([._-](prod|production|base|common|main))?)\.(txt|in)")
_NOT_THE_APP = {
    "build", "dist", "doc", "docs", "env", "example", "examples", "node_modules", "site-packages", "test",
    "tests", "venv", "virtualenv",
}  # fmt: skip
_DEEPEST = 3
"""The most folders in which to search for a requirements file."""


def elsewhere(root: Path) -> list[str]:
    """Return the requirements files of the project that have an unusual place, the least nested first."""
    found = []
    for here, folders, names in reader.below(root, deepest=_DEEPEST):
        folders[:] = [name for name in folders if name not in _NOT_THE_APP and name[0] not in "._"]
        found += [
            (here / name).relative_to(root).as_posix()
            for name in names
            if _NAME.fullmatch(name) and reader.is_file(here / name) and reader.is_inside(here / name, root)
        ]
    return sorted(found, key=lambda path: (path.count("/"), path))


def included(root: Path) -> tuple[str, list[Finding], list[str]]:
    """Return a requirements file for the one that the project has elsewhere; its contents; and notes.

    Without such a file, all are empty. If there are several, only the notes name them.
    """
    files = elsewhere(root)
    if len(files) > 1:
        note = (
            f"The project has several requirements files: {', '.join(files[:5])}. Choose one, and write "
            f"its name into requirements.txt: -r {files[0]}"
        )
        return "", [], [note]
    for name in files:
        try:
            lines = requirements_file.read(root / name, root).requirements
        except ProjectError as wrong:
            return "", [], [f"{wrong.message} {wrong.hint}"]
        if not lines:
            note = f"{name} lists no requirements that another file can include. Move it: mv {name} ."
            return "", [], [note]
        note = f"{name} lists the app's requirements. Debonair wrote a requirements.txt that includes it."
        text = f"# Written by 'debonair init'. You can edit it.\n-r {name}\n"
        return text, [Finding("requirements", list(lines), name)], [note]
    return "", [], []


def line_of(root: Path, source: str, package: str) -> str:
    """Return the file and line at which ``source`` requires ``package``, a normalised name.

    It is only the file if the line is unknown, as in a pyproject.toml.
    """
    if Path(source).suffix in {".txt", ".in"}:
        for number, line in requirements_file.lines(reader.head(root / source, root)):
            if name_of(line) == package:
                return f"{source}, line {number}"
    return source


def name_of(requirement: str) -> str:
    """Return the normalised name of the package that ``requirement`` (PEP 508) names."""
    return normalised(re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0])


def replaced(
    root: Path, needs: Sequence[Finding], modules: Sequence[Module], chosen: Sequence[Finding]
) -> Iterator[str]:
    """Yield a sentence about each of the requirements ``needs`` that Debian provides.

    ``chosen`` tells whether uWSGI serves the app, whose ``modules`` may use another server themselves.
    """
    is_wsgi = any(found.key == ("wsgi",) for found in chosen)
    imported = {name.partition(".")[0] for module in modules for name, _ in module.imports()}
    debian = {
        name: (each.debian, module in imported)
        for module, each in known().hardware.items()
        for name in each.left_out
    }
    for found in needs:
        for name in map(name_of, found.value):
            where = line_of(root, found.where, name)
            if is_wsgi and name in {"uwsgi", "pyuwsgi"}:
                yield (
                    f"{where}: The package leaves out {name}, because Debian's uWSGI serves the app. You "
                    "can remove that line."
                )
            elif is_wsgi and name in {"gunicorn", "waitress"} - imported:
                yield (
                    f"{where}: Debian's uWSGI serves the app, so the package does not need {name}. You can "
                    "remove that line."
                )
            package, in_depends = debian.get(name, ("", False))
            if in_depends:
                yield (
                    f"{where}: The package leaves out {name}, because it does not work from the package "
                    f"index. The Debian package {package} replaces it. You can remove that line."
                )
            elif package:
                yield (
                    f"{where}: {name} does not work from the package index. Remove that line. The Debian "
                    f'package replaces it: depends = ["{package}"], system-site-packages = true'
                )
