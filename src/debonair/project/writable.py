"""The paths beside the code that the app writes to, as the setting ``writable`` names them."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath

from debonair.errors import ProjectError
from debonair.project import reader
from debonair.project.settings import Settings

CODE = (".py", ".pyc", ".pyo", ".pyw", ".pyd", ".so", ".pth")
"""The endings of files that Python loads as code."""
_EXAMPLE = 'Write a path below the folder of the project, such as writable = ["logs", "app.db"].'


def paths(given: Settings, root: Path, file: Path, *, install: str) -> tuple[str, ...]:
    """Return the paths in ``writable``, sorted and without a path below another one.

    Those of folders end in a slash. A path that ``root`` has is what it is there. Any other path is a
    file if its name has an extension, or else a folder. ``install`` is the project's, or empty for a
    command-line tool. Raises ``ProjectError`` for a path that cannot lead to the data folder.
    """
    if given.writable and install != "files":
        raise ProjectError(
            f"{file.name}: 'writable' needs the app's files as they are, but "
            + ("they come from a wheel." if install else "a command-line tool has no data folder."),
            hint='Set install = "files". Or change the app, so that it writes to '
            'os.environ["STATE_DIRECTORY"].'
            if install == "wheel"
            else "Remove 'writable'.",
        )
    found = {path: _checked(path, root, file) for path in sorted(given.writable, key=posixpath.normpath)}
    kept: list[str] = []
    for path in sorted(set(found.values())):
        above = next((other for other in kept if path.startswith(f"{other.rstrip('/')}/")), "")
        if above and not above.endswith("/"):
            raise ProjectError(
                f"{file.name}: 'writable' has '{path}', but '{above}' is a file.",
                hint=f'If it is a folder, write it with a slash at its end: "{above}/".',
            )
        if not above:
            kept.append(path)
    return tuple(kept)


def is_below(path: str, writable: tuple[str, ...]) -> bool:
    """Tell whether ``path`` is one of the paths in ``writable``, or in one of its folders."""
    return any(f"{path}/".startswith(f"{name.rstrip('/')}/") for name in writable)


def problem(path: str) -> str:
    """Return why ``path`` cannot be in ``writable``, whatever files there are; empty if it can."""
    plain = PurePosixPath(path)
    if not path.strip() or plain == PurePosixPath("."):
        return "is the whole project, which contains the app's code"
    if plain.is_absolute():
        return "is not relative"
    if ".." in plain.parts:
        return "leads out of the project"
    if re.search(r"[\\*?\[\]]", path):
        return "is not the path of one file or folder"
    if plain.suffix in CODE:
        return (
            "is code. The app must not be able to change its own code, because an attacker who gets "
            "into the app could then stay in it"
        )
    return ""


def _checked(path: str, root: Path, file: Path) -> str:
    """Return ``path`` in its plain form. Raises ``ProjectError``."""
    if why := problem(path):
        raise ProjectError(f"{file.name}: 'writable' has '{path}', which {why}.", hint=_EXAMPLE)
    plain = posixpath.normpath(path)
    place = root / plain
    if any(each.is_symlink() for each in (place, *list(place.parents)[: plain.count("/")])):
        raise ProjectError(
            f"{file.name}: 'writable' has '{path}', which is a link, or in a folder that is one.",
            hint=f"Name the path without links, or replace the link at {plain} by a file or a folder.",
        )
    if reader.is_folder(place):
        return f"{plain}/"
    if reader.is_file(place):
        if path.endswith("/"):
            raise ProjectError(
                f"{file.name}: 'writable' has the folder '{path}', but {plain} is a file.",
                hint=f'Write "{plain}".',
            )
        return plain
    return f"{plain}/" if path.endswith("/") or not PurePosixPath(plain).suffix else plain
