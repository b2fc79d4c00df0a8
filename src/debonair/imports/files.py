"""Which files of other tools a project has, and who reads each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from debonair.errors import ProjectError
from debonair.imports import Imported, dockerfile, heroku, nginx, uwsgi

_FOLDERS = (
    "", "deploy", "deployment", "conf", "config", "etc", "server", "uwsgi", "nginx", "docker", "contrib",
    "sites-available", "nginx/sites-available", "etc/nginx/sites-available", "sites-enabled",
)  # fmt: skip
_READERS: tuple[tuple[str, Callable[[Path, Path], Imported]], ...] = (
    (r"runtime\.txt", heroku.runtime),
    (r"app\.json", heroku.app_json),
    (r"Dockerfile", dockerfile.read),
    (r"Procfile", heroku.procfile),
    (r"(.*[._-])?nginx([._-].*)?\.conf|.*\.nginx|nginx[._-]?site", nginx.read),
    (r"(.*[._-])?uwsgi([._-].*)?\.(ini|ya?ml|xml|json)", uwsgi.read),
)
_ONLY_AT_THE_TOP = re.compile(r"runtime\.txt|app\.json|Dockerfile|Procfile")


def find(root: Path) -> list[Path]:
    """Return the files of other tools in the project at ``root``, the one that counts most last."""
    found = [
        path
        for folder in _FOLDERS
        for path in sorted((root / folder).glob("*"))
        if path.is_file()
        and (not folder or not _ONLY_AT_THE_TOP.fullmatch(path.name))
        and _place(path) >= 0
    ]
    return sorted(dict.fromkeys(found), key=lambda path: (_place(path), path))


def read(path: Path, root: Path) -> Imported:
    """Return what the file at ``path`` says. Raises ``ProjectError`` if nobody reads it or it is wrong."""
    if not path.is_file():
        raise ProjectError(f"There is no file {path}.", hint="Name the file to import.")
    place = _place(path)
    if place < 0:
        raise ProjectError(
            f"{path.name} is of no kind that is imported.",
            hint="Those are uWSGI's files (ini, yaml, xml, json), nginx sites, a Procfile, a Dockerfile, "
            "an app.json and a runtime.txt.",
        )
    return _READERS[place][1](path, root)


def _place(path: Path) -> int:
    """Return which of the readers reads ``path``, -1 for none."""
    for place, (pattern, _) in enumerate(_READERS):
        if re.fullmatch(pattern, path.name):
            return place
    # Other files have any name; what is in them says what they are.
    if path.suffix == ".ini" and _has(path, rb"^\[uwsgi\]"):
        return len(_READERS) - 1
    if path.suffix in {"", ".conf"} and path.name != path.name.upper() and _has(path, rb"^\s*server\s*\{"):
        return len(_READERS) - 2
    return -1


def _has(path: Path, pattern: bytes) -> bool:
    try:
        return re.search(pattern, path.read_bytes(), re.MULTILINE) is not None
    except OSError:
        return False
