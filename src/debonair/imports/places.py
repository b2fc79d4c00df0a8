"""Folders of another machine, found again in the project."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath


def inside(root: Path, text: str, home: str = "") -> str | None:
    """Return the place in the project of ``text``, a path in a foreign file: relative to ``root``.

    A path on the machine where the app ran, ``/home/pi/app/static``, is taken from ``home`` on, the folder
    that the app ran in there, and else found by its end: what of it is in the project, the longest first.
    The project's own folder is ``.``; ``None`` if there is no such file or folder.
    """
    path = PurePosixPath(text)
    if ".." in path.parts:
        return None
    if not path.is_absolute():
        return str(path) if (root / path).exists() else None
    for base in (str(root), home):
        if base and path.is_relative_to(base) and (root / (rest := path.relative_to(base))).exists():
            return str(rest)
    parts = path.parts[1:]
    ends = ("/".join(parts[first:]) for first in range(len(parts)))
    found = next((end for end in ends if (root / end).exists()), None)
    return "." if found is None and path.name == root.name else found


def static(root: Path, found: dict[str, str], url: str, folder: str, home: str = "") -> tuple[str, str]:
    """Add to ``found`` the ``folder`` that was served at ``url``; return what it became, and why.

    The settings have folders of the project below a prefix (``static``), and nothing else.
    """
    prefix = f"/{url.strip('/')}/"
    place = inside(root, folder, home)
    if prefix == "//":
        return "", "all of / is the app's; 'static' has a prefix for each folder"
    if place is None or place == ".":
        return "", f"{folder} is not in the project; what the app writes is in /var/lib/APP"
    if not (root / place).is_dir():
        return "", "a single file; 'static' has folders"
    found[prefix] = place
    uploads = (
        "; what visitors upload belongs into /var/lib/APP" if re.search("media|upload", prefix) else ""
    )
    return "static", f"{prefix} = {place}{uploads}"


def address(text: str) -> str:
    """Return an address that something listens at in one form, so that two can be compared.

    That is a port of the local machine, or the name of a socket.
    """
    text = re.sub(r"^(https?|uwsgi)://", "", text.strip()).rstrip("/")
    if socket := re.match(r"(?:unix:)?/*(?:.*/)?([^/:]+\.sock\w*)", text):
        return socket[1]
    return re.sub(r"^(127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\]|\*)?:(?=\d+$)", "localhost:", text)
