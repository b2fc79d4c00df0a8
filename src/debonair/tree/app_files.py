"""The application's own files: which of them go into the package, and how."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from debonair.deb.tree import Source
from debonair.errors import ProjectError, unreadable
from debonair.project import layout
from debonair.project.files import content, walk
from debonair.wheels import bytecode

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from debonair.debian.interpreter import Interpreter
    from debonair.project import Project
    from debonair.target import Target


class AppFile(msgspec.Struct, frozen=True):
    """A file or a link of the project that goes into the package."""

    path: str
    """Relative to the project's folder."""
    mode: int
    data: bytes = b""
    target: str = ""
    """Where a link points to; empty for a file."""


def collect(project: Project) -> tuple[AppFile, ...]:
    """Return the project's files that its ``include`` and ``exclude`` choose, sorted by path.

    Modes are 0644 or 0755, as git stores them, whatever the umask was. Raises ``ProjectError`` for a link
    that leaves the project, and if no file remains.
    """
    include, exclude = _patterns(project, "include"), _patterns(project, "exclude")
    found = [
        _read(project, path)
        for path in sorted(walk(project.root, "", exclude.match_file))
        if include.match_file(path)
    ]
    if not found:
        raise ProjectError(
            f"{project.config_file.name}: 'include' and 'exclude' leave no file of {project.root}.",
            hint="Check the patterns; they have the format of a .gitignore.",
        )
    return tuple(found)


def _patterns(project: Project, key: Literal["include", "exclude"]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    with unreadable(
        ProjectError,
        f"{project.config_file.name}: '{key}' has a pattern that a .gitignore does not allow",
        "Correct it, or leave it out.",
    ):
        return GitIgnoreSpec.from_lines(getattr(project, key))


def sources(
    files: tuple[AppFile, ...],
    project: Project,
    target: Target,
    interpreter: Interpreter | None,
    *,
    mtime: int,
) -> list[Source]:
    """Return ``files`` at their paths in the package, with the bytecode of those that are modules."""
    root = f"{layout.dist(project.package)}/app"
    running = f"{layout.current(project.package)}/app"
    out = [
        Source.link(f"{root}/{file.path}", file.target, mtime=mtime)
        if file.target
        else Source.file(f"{root}/{file.path}", file.data, mode=file.mode, mtime=mtime)
        for file in files
    ]
    if interpreter is not None:
        modules = {
            f"{running}/{file.path}": file
            for file in files
            if file.path.endswith(".py") and not file.target
        }
        found = bytecode.compiled(((path, file.data) for path, file in modules.items()), interpreter)
        out += [
            Source.file(
                f"{root}/{bytecode.cache_path(modules[path].path, target.python)}", data, mtime=mtime
            )
            for path, data in found.items()
        ]
    return out


def _read(project: Project, path: str) -> AppFile:
    full = project.root / path
    if full.is_symlink():
        target = os.readlink(full)  # noqa: PTH115 - the text of the link, not its destination
        inside = Path(os.path.realpath(full)).is_relative_to(project.root.resolve())
        if target.startswith("/") or not inside or not full.exists():
            raise ProjectError(
                f"The link {full} leads to {target}, which is not in the project.",
                hint="Replace it by the file, or exclude it.",
            )
        return AppFile(path, 0o777, target=target)
    if not full.is_file():
        raise ProjectError(f"{full} is neither a file nor a folder.", hint="Remove or exclude it.")
    mode, data = content(full)
    return AppFile(path, mode, data)
