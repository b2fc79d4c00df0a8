"""Find the folders of another machine in the project."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from debonair.project import reader

_MOST_PARTS = 64
"""The most folders of a path to search for."""


def boundary(path: Path, root: Path) -> Path:
    """Return the folder that must contain all files read for the file ``path``.

    It is the project's folder, ``root``. If the author names a file elsewhere, it is the folder of that
    file.
    """
    plain = Path(os.path.normpath(path.absolute()))
    return root if plain.is_relative_to(root.absolute()) else plain.parent


def shown(path: Path, root: Path) -> str:
    """Return ``path`` for a message: relative to the project's folder, if it is inside."""
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def inside(root: Path, text: str, home: str = "") -> str | None:
    """Return the place of ``text``, a path in a foreign file, in the project, relative to ``root``.

    A path on the app's old machine, such as ``/home/pi/app/static``, is taken relative to ``home``, the
    folder in which the app ran there. Otherwise the longest end of the path that exists in the project
    counts. The project's own folder is ``.``; the result is ``None`` if there is no such file or folder.
    """
    path = PurePosixPath(text)
    if ".." in path.parts or len(path.parts) > _MOST_PARTS or reader.unfit(text):
        return None
    if not path.is_absolute():
        return str(path) if _is_there(root, path) else None
    for base in (str(root), home):
        if base and path.is_relative_to(base) and _is_there(root, rest := path.relative_to(base)):
            return str(rest)
    parts = path.parts[1:]
    ends = ("/".join(parts[first:]) for first in range(len(parts)))
    found = next((end for end in ends if _is_there(root, PurePosixPath(end))), None)
    return "." if found is None and path.name == root.name else found


def _is_there(root: Path, path: PurePosixPath) -> bool:
    place = root / path
    return (reader.is_file(place) or reader.is_folder(place)) and reader.is_inside(place, root)


def static(root: Path, found: dict[str, str], url: str, folder: str, home: str = "") -> tuple[str, str]:
    """Add to ``found`` the ``folder`` that was served at ``url``; return the key, and a reason.

    The setting ``static`` supports only folders of the project below a prefix.
    """
    prefix = f"/{url.strip('/')}/"
    place = inside(root, folder, home)
    if prefix == "//":
        return "", "the app answers all of /; 'static' needs a prefix for each folder"
    if not re.fullmatch(r"/([^\s{};\"'\\/]+/)+", prefix) or reader.unfit(prefix):
        return "", "it is not a URL prefix, which a setting needs"
    if place is None or place == ".":
        return "", f"{folder} is not in the project; the app's own data is in /var/lib/APP"
    if not reader.is_folder(root / place):
        return "", "it is a single file, but 'static' needs folders"
    found[prefix] = place
    uploads = "; move uploads of visitors to /var/lib/APP" if re.search("media|upload", prefix) else ""
    return "static", f"{prefix} = {place}{uploads}"


def address(text: str) -> str:
    """Return an address to listen on in a normal form, so that two can be compared.

    The form is a port of the local machine, or the name of a socket.
    """
    text = re.sub(r"^(https?|uwsgi)://", "", text.strip()[: reader.LONGEST]).rstrip("/")
    for part in reversed(re.split("[/:]", text)):
        if socket := re.match(r".+\.sock\w*", part):
            return socket[0]
    return re.sub(r"^(127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\]|\*)?:(?=\d+$)", "localhost:", text)
