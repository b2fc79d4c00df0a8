"""Find the folders of another machine in the project."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from debonair.project import reader

_PATH_END = r"""[^\s:,;"'=|<>()]*"""
_FOREIGN = re.compile(
    rf"""(?:(?<=[\s:,="'])|^)/(?:home|root|srv|opt|mnt|var/www|usr/local|usr/src)/{_PATH_END}"""
)
"""A path that no package of Debian and no app of Debonair has."""
_ANYWHERE = re.compile(rf"""(?:(?<=[\s:,="'])|^)/(?!/){_PATH_END}""")
_SYSTEM = re.compile(
    r"/(usr/(?!local/|src/)|lib|bin/|sbin/|dev/|proc/|sys/|tmp\b|run/|var/run/|var/lib/APP\b|etc/(ssl/|mime))"
)
"""Paths that every Pi has, or may have."""
DATA = "/var/lib/APP"
"""The folder of the app's data; ``APP`` is the package's name, which is not known yet."""
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
    path = PurePosixPath(posixpath.normpath(text[: reader.LONGEST]))
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


@dataclass(frozen=True)
class Machine:
    """The machine on which the app ran before."""

    root: Path
    """The project's folder."""
    home: str = ""
    """The folder in which the app ran there."""

    def here(self, text: str) -> str:
        """Return ``text`` with the paths of the project relative to its folder, as on the Pi.

        A path below the folder of the app must exist in the project.
        """
        for base in dict.fromkeys([str(self.root), str(self.root.resolve())]):
            text = _below(base).sub(partial(_relative, base), text)
        if self.home.strip("/") and PurePosixPath(self.home).is_absolute():
            text = _below(self.home.rstrip("/")).sub(lambda found: self._there(found[0], self.home), text)
        return _FOREIGN.sub(lambda found: self._there(found[0]), text)

    def foreign(self, text: str) -> str:
        """Return the first path in ``text`` that only the old machine had, or an empty text."""
        home = self.home.rstrip("/")
        below = _below(home) if home and PurePosixPath(home).is_absolute() else _FOREIGN
        found = below.search(text) or _FOREIGN.search(text)
        return found[0] if found else ""

    def absent(self, text: str) -> str:
        """Return the first absolute path in ``text`` that a Pi does not have; empty if it has all.

        Unlike ``foreign``, this does not ask whether the path is one at which people keep their apps.
        """
        found = (each[0] for each in _ANYWHERE.finditer(text))
        return next((path for path in found if path != "/" and not _SYSTEM.match(path)), "")

    def _there(self, path: str, home: str = "") -> str:
        ran_in = inside(self.root, home) if home else None
        if home and PurePosixPath(path).is_relative_to(home):
            rest = PurePosixPath(posixpath.normpath(path)).relative_to(home)
            both = [rest] if ran_in in {None, "."} else [PurePosixPath(ran_in or "") / rest, rest]
            return next((str(place) for place in both if _is_there(self.root, place)), path)
        found = inside(self.root, path)
        return path if found in {None, "."} else str(found)


def _relative(base: str, found: re.Match[str]) -> str:
    plain = PurePosixPath(posixpath.normpath(found[0]))
    return str(plain.relative_to(base)) if plain.is_relative_to(base) else found[0]


def _below(base: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./-]){re.escape(base)}(?:/{_PATH_END}|(?![\w./-]))")


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
