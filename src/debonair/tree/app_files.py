"""The application's own files: which of them go into the package, and how."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair.deb.tree import Source
from debonair.errors import ProjectError
from debonair.project import layout
from debonair.wheels import bytecode

if TYPE_CHECKING:
    from debonair.debian.interpreter import Interpreter
    from debonair.project.model import Project
    from debonair.target.model import Target


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

    Modes are 0644 or 0755 as git has them, whatever the umask was. Raises ``ProjectError`` for a link
    that leaves the project, and if nothing is left.
    """
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    include = GitIgnoreSpec.from_lines(project.include)
    exclude = GitIgnoreSpec.from_lines(project.exclude)
    found = [
        _read(project, path)
        for path in sorted(walk(project.root, "", exclude.match_file))
        if include.match_file(path)
    ]
    if not found:
        raise ProjectError(
            f"{project.config_file.name}: 'include' and 'exclude' leave no file of {project.root}.",
            hint="Look at the patterns; they are those of a .gitignore.",
        )
    return tuple(found)


def sources(
    files: tuple[AppFile, ...],
    project: Project,
    target: Target,
    interpreter: Interpreter | None,
    *,
    mtime: int,
) -> list[Source]:
    """Return ``files`` at their place in the package, with the bytecode of those that are modules."""
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


def walk(root: Path, below: str, excluded: Callable[[str], bool]) -> Iterator[str]:
    """Yield the paths, relative to ``root``, of all files and links under its folder ``below``.

    ``below`` ends with a slash, or is empty; folders are given to ``excluded`` with a slash at their end,
    and not entered if it accepts them. Raises ``ProjectError`` for a folder that may not be read.
    """
    waiting = [below]  # calls would be as deep as the folders are
    while waiting:
        folder = waiting.pop()
        with _readable(root / folder):
            items = list(os.scandir(root / folder))
        for item in items:
            path = f"{folder}{item.name}"
            if not item.is_dir(follow_symlinks=False):
                if not excluded(path):
                    yield path
            elif not excluded(f"{path}/"):
                waiting.append(f"{path}/")


def content(path: Path) -> tuple[int, bytes]:
    """Return the mode of the file at ``path``, 0644 or 0755 as git has it, and its bytes.

    Raises ``ProjectError`` if it may not be read.
    """
    with _readable(path):
        return 0o755 if path.stat().st_mode & 0o100 else 0o644, path.read_bytes()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise ProjectError(f"{path} may not be read.", hint="Make it readable, or exclude it.") from None
    except OSError as wrong:  # it is gone, or its name is too long
        raise ProjectError(
            f"{path} cannot be read: {os.strerror(wrong.errno or 0)}.", hint="Remove or exclude it."
        ) from None


def _read(project: Project, path: str) -> AppFile:
    full = project.root / path
    if full.is_symlink():
        target = os.readlink(full)  # noqa: PTH115 - the text of the link, not what it leads to
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
