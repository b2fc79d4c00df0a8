"""Read the files of a project safely: each has a size limit, a place and a type.

A stranger may have written the project, which was just cloned. So a file is read only if it is a regular
file, because reading a fifo would wait. It must be inside the project, because a link may lead to a private
key of the author. It must not be larger than files of its kind. Every reader of a project's files uses this
module.
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
"""The most bytes of a file that a person wrote."""
MOST_OF_A_LOCK = 1 << 25
"""The most bytes of a lock, which a program wrote."""
LONGEST = 4096
"""The most characters of one value; nginx has the same limit."""
_DEEPEST = 64
"""The most tables inside each other."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def data(path: Path, root: Path | None = None, *, most: int = MOST, shown: str = "") -> bytes:
    """Return the bytes of the file ``path``, at most ``most``; errors name it ``shown``, or else ``path``.

    With ``root``, the project's folder, the file must be inside it after following all links. Raises
    ``ProjectError`` if the path is not a file, is outside, may not be read, or is larger.
    """
    name = shown or str(path)
    if "\0" in str(path):
        raise ProjectError(f"{name} is not a valid file name.", hint="Remove the zero byte from it.")
    if root is not None and not is_inside(path, root):
        raise ProjectError(
            f"{name} leads out of the project, to {os.path.realpath(path)}.",
            hint="Put the file itself into the project.",
        )
    found, whole = _begin(path, most, name)
    if not whole:
        raise ProjectError(
            f"{name} is larger than {most >> 10} KiB, the limit for such a file.",
            hint="Make it smaller, or move it out of the project's folder.",
        )
    return found


def head(path: Path, root: Path, *, most: int = MOST) -> str:
    """Return the first ``most`` bytes of ``path``, a file of the project in ``root``, as text.

    It is empty if ``data`` would refuse the file for another reason than its size.
    """
    if not is_inside(path, root):
        return ""
    try:
        return _begin(path, most, str(path))[0].decode("utf-8-sig", errors="replace").replace("\0", "")
    except ProjectError:
        return ""


def text(path: Path, root: Path | None = None, *, most: int = MOST) -> str:
    """Return the text of the file ``path``. Raises what ``data`` does, and also if it is not UTF-8."""
    found = data(path, root, most=most)
    if found[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ProjectError(f"{path} is UTF-16, but must be UTF-8.", hint="Save it as UTF-8.")
    return decoded(found, path)


def decoded(found: bytes, path: Path, encoding: str = "utf-8-sig") -> str:
    """Return ``found``, the bytes of ``path``, as text. Raises ``ProjectError`` if they are not text."""
    try:
        content = found.decode(encoding)  # editors on Windows put a byte order mark at the start
    except UnicodeDecodeError as wrong:
        line = found.count(b"\n", 0, wrong.start) + 1
        raise ProjectError(
            f"{path} is not UTF-8 text: see line {line}.", hint="Save it as UTF-8."
        ) from None
    if "\0" in content:
        line = content.count("\n", 0, content.index("\0")) + 1
        raise ProjectError(f"{path} has a zero byte in line {line}.", hint="Save it as UTF-8 text.")
    return content


def toml(path: Path, root: Path | None = None) -> dict[str, Any]:
    """Return the tables of the TOML file ``path``. Raises ``ProjectError`` if it is not valid TOML."""
    content = text(path, root)
    try:
        found = tomllib.loads(content)
    except RecursionError:
        raise _deep(path) from None
    except ValueError as wrong:  # an integer with thousands of digits raises no TOMLDecodeError
        raise ProjectError(
            f"{path} is not valid TOML: {wrong}.", hint="Fix the syntax error on that line."
        ) from None
    if depth(found) > _DEEPEST:
        raise _deep(path)
    return found


def depth(value: object) -> int:
    """Return how deeply tables and lists are nested in ``value``."""
    level, found = [value], 0
    while level := [inner for outer in level for inner in _inner(outer)]:
        found += 1
    return found


def lines(content: str) -> list[str]:
    """Return the lines of a text as its reader sees them.

    ``str.splitlines`` also splits at six more characters, which an editor shows within a line.
    """
    return content.replace("\r\n", "\n").split("\n")


def is_file(path: Path) -> bool:
    """Tell whether the file ``path`` exists; False if the path is too long or contains a NUL."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises for a name that is too long


def is_folder(path: Path) -> bool:
    """Tell whether the folder ``path`` exists, with the same exceptions as ``is_file``."""
    return os.path.isdir(path)  # noqa: PTH112


def is_inside(path: Path, root: Path) -> bool:
    """Tell whether ``path`` is in the folder ``root`` after following all links."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
    except (OSError, ValueError):  # the path contains a NUL
        return False


def below(folder: Path, *, deepest: int = _DEEPEST) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield ``folder`` and all folders in it, each with the names of its folders and of its other items.

    Links are not followed. The caller may shorten the list of folders, as with ``os.walk``. Unlike
    ``os.walk``, this does not recurse, so deep folders cannot exhaust the stack. Folders deeper than
    ``deepest`` are not visited.
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


def unfit(value: str) -> str:
    """Return why ``value`` cannot be a setting, as the end of a sentence; empty if it can."""
    return f"is longer than {LONGEST} characters" if len(value) > LONGEST else control(value)


def control(value: str) -> str:
    """Return which control character ``value`` has, as the end of a sentence; empty if it has none."""
    if _BREAK.search(value):
        return "has a line break"
    return "has a control character" if _CONTROL.search(value) else ""


def _begin(path: Path, most: int, name: str) -> tuple[bytes, bool]:
    """Return the first bytes of a file, and whether these are all; errors call it ``name``."""
    try:
        # Do not even open a device: opening has effects on some.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ProjectError(f"{name} is not a regular file.", hint="Replace it by a file, or remove it.")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            found = file.read(most + 1)
    except PermissionError:
        raise ProjectError(f"{name} is not readable.") from None
    except (OSError, ValueError) as wrong:
        why = getattr(wrong, "strerror", None) or wrong
        raise ProjectError(f"{name} cannot be read: {why}.") from None
    return found[:most], len(found) <= most


def _inner(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _deep(path: Path) -> ProjectError:
    return ProjectError(
        f"{path} has tables or lists that are nested more than {_DEEPEST} deep.", hint="Write them flat."
    )
