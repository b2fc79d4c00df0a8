"""A file of a project, which anybody may have written: how much of it is read, from where, and as what.

A project may be somebody else's, just cloned. So a file is read only if it is one (a fifo would be waited
for), lies in the project (a link may lead to a key of the author's), and is no larger than a file of its
kind. Everything that reads a project's files reads them here.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from debonair.errors import ProjectError

MOST = 1 << 20
"""Bytes of a file that a person wrote."""
MOST_OF_A_LOCK = 1 << 25
"""Bytes of a lock, which a program wrote."""
LONGEST = 4096
"""Characters of one value; nginx takes no more either."""
_DEEPEST = 64
"""Tables within tables."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def data(path: Path, root: Path | None = None, *, most: int = MOST) -> bytes:
    """Return the bytes of the file ``path``, at most so many.

    If ``root``, the project's folder, is given, the file must be in it, wherever links lead. Raises
    ``ProjectError`` for what is no file, is somewhere else, may not be read, or is larger.
    """
    if "\0" in str(path):
        raise ProjectError(f"{path} is no name of a file.", hint="Take the zero out of it.")
    if root is not None and not is_inside(path, root):
        raise ProjectError(
            f"{path} leads out of the project, to {os.path.realpath(path)}.",
            hint="Put the file itself into the project.",
        )
    found, whole = _begin(path, most)
    if not whole:
        raise ProjectError(
            f"{path} is larger than {most >> 10} KiB, which no file of its kind is.",
            hint="Make it smaller, or take it out of the project's folder.",
        )
    return found


def head(path: Path, root: Path, *, most: int = MOST) -> str:
    """Return the beginning of the text in ``path``, a file of the project in ``root``, as far as it is one.

    It is empty if ``data`` would refuse it for another reason than its size.
    """
    if not is_inside(path, root):
        return ""
    try:
        return _begin(path, most)[0].decode("utf-8-sig", errors="replace").replace("\0", "")
    except ProjectError:
        return ""


def text(path: Path, root: Path | None = None, *, most: int = MOST) -> str:
    """Return the text of the file ``path``. Raises what ``data`` does, and if it is not UTF-8."""
    found = data(path, root, most=most)
    if found[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ProjectError(f"{path} is UTF-16, and not UTF-8 text.", hint="Save it as UTF-8.")
    return decoded(found, path)


def decoded(found: bytes, path: Path, encoding: str = "utf-8-sig") -> str:
    """Return ``found``, the bytes of ``path``, as text. Raises ``ProjectError`` if they are none."""
    try:
        said = found.decode(encoding)  # Windows' editors put a mark at the beginning
    except UnicodeDecodeError as wrong:
        line = found.count(b"\n", 0, wrong.start) + 1
        raise ProjectError(
            f"{path} is not UTF-8 text, see line {line}.", hint="Save it as UTF-8."
        ) from None
    if "\0" in said:
        line = said.count("\n", 0, said.index("\0")) + 1
        raise ProjectError(f"{path} has a byte of zero in line {line}.", hint="Save it as UTF-8 text.")
    return said


def toml(path: Path, root: Path | None = None) -> dict[str, Any]:
    """Return the tables of the TOML file ``path``. Raises ``ProjectError`` if it is none."""
    said = text(path, root)
    try:
        found = tomllib.loads(said)
    except RecursionError:
        raise _deep(path) from None
    except ValueError as wrong:  # that of an integer of thousands of digits is no TOMLDecodeError
        raise ProjectError(f"{path} is not valid TOML: {wrong}.", hint="Mend it at that line.") from None
    if depth(found) > _DEEPEST:
        raise _deep(path)
    return found


def depth(value: object) -> int:
    """Return how many tables and lists are within each other in ``value``."""
    level, found = [value], 0
    while level := [inner for outer in level for inner in _inner(outer)]:
        found += 1
    return found


def lines(said: str) -> list[str]:
    """Return the lines of a text as its reader sees them.

    ``str.splitlines`` ends a line at six more characters, which an editor shows within one.
    """
    return said.replace("\r\n", "\n").split("\n")


def is_file(path: Path) -> bool:
    """Tell whether there is a file ``path``; a path that is too long or holds a zero is none."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for a name that is too long


def is_folder(path: Path) -> bool:
    """Tell whether there is a folder ``path``, as ``is_file`` does."""
    return os.path.isdir(path)  # noqa: PTH112


def is_inside(path: Path, root: Path) -> bool:
    """Tell whether ``path`` is in the folder ``root``, wherever links lead."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
    except (OSError, ValueError):  # a zero in it
        return False


def below(folder: Path, *, deepest: int = _DEEPEST) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield ``folder`` and those in it, each with the names of its folders and of its other items.

    Links are not followed. The list of folders may be cut, as with ``os.walk``, whose calls would be as
    deep as the folders are; what lies deeper than ``deepest`` is not visited.
    """
    waiting = [(folder, 0)]
    while waiting:
        here, deep = waiting.pop()
        try:
            items = sorted(os.scandir(here), key=lambda item: item.name)
        except OSError:
            continue
        folders = [item.name for item in items if item.is_dir(follow_symlinks=False)]
        names = [item.name for item in items if not item.is_dir(follow_symlinks=False)]
        yield here, folders, names
        if deep < deepest:
            waiting += [(here / name, deep + 1) for name in reversed(folders)]


def unfit(said: str) -> str:
    """Return why a text cannot be a setting, as the end of a sentence; empty if it can."""
    if len(said) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if _BREAK.search(said):
        return "has a line break"
    return "has a control character" if _CONTROL.search(said) else ""


def _begin(path: Path, most: int) -> tuple[bytes, bool]:
    """Return the first bytes of a file, and whether these are all."""
    try:
        # a device is not even opened: some act on it
        if not stat.S_ISREG(path.stat().st_mode):
            raise ProjectError(f"{path} is no file.", hint="Put a file there, or nothing.")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            found = file.read(most + 1)
    except PermissionError:
        raise ProjectError(f"{path} may not be read.") from None
    except (OSError, ValueError) as wrong:
        why = getattr(wrong, "strerror", None) or wrong
        raise ProjectError(f"{path} cannot be read: {why}.") from None
    return found[:most], len(found) <= most


def _inner(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _deep(path: Path) -> ProjectError:
    return ProjectError(
        f"{path} has tables or lists more than {_DEEPEST} deep in each other.", hint="Write them flat."
    )
