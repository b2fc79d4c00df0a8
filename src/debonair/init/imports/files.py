"""Find the files of other tools in a project, and the reader for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from debonair.errors import ProjectError
from debonair.init.imports import compose, dockerfile, gunicorn, heroku, nginx, places, start, units, uwsgi
from debonair.init.imports.account import Imported
from debonair.project import reader

_FOLDERS = (
    "", "bin", "scripts", "deploy", "deployment", "deploy/systemd", "systemd", "supervisor", "conf",
    "config", "etc", "etc/systemd/system", "server", "uwsgi", "nginx", "docker", "contrib",
    "sites-available", "nginx/sites-available", "etc/nginx/sites-available", "sites-enabled",
)  # fmt: skip
_SCRIPT = (
    r"(docker[-_]?)?(entrypoint|start|run|boot|launch|serve|gunicorn[-_]start)"
    r"([-_](app|web|server))?(\.sh)?"
)
_READERS: tuple[tuple[str, Callable[[Path, Path], Imported]], ...] = (
    (r"(docker-)?compose([._-][\w-]+)?\.ya?ml", compose.read),
    (r"supervisord?([._-][\w-]+)?\.(conf|ini)|[\w-]+[._-]supervisord?\.(conf|ini)", units.supervisor),
    (r".+\.(service|timer)", units.unit),
    (_SCRIPT, start.read_script),
    (r"runtime\.txt", heroku.runtime),
    (r"app\.json", heroku.app_json),
    (r"Dockerfile", dockerfile.read),
    (r"Procfile", heroku.procfile),
    (r"gunicorn([._-]?(conf|config|cfg|settings))?\.py", gunicorn.configuration),
    (r"(.*[._-])?nginx([._-].*)?\.conf|.*\.nginx|nginx[._-]?site", nginx.read),
    (r"(.*[._-])?uwsgi([._-].*)?\.(ini|ya?ml|xml|json)", uwsgi.read),
)
_HEAD = 256 << 10
"""The most bytes to search in a file whose name does not tell its kind."""
_SERVER = re.compile(r"^[ \t]*server\s*\{", re.MULTILINE)
_ONLY_AT_THE_TOP = re.compile(r"runtime\.txt|app\.json|Dockerfile|Procfile")


def find(root: Path) -> list[Path]:
    """Return the files of other tools in the project at ``root``; the last one takes precedence."""
    folders = [root / folder for folder in _FOLDERS if reader.is_inside(root / folder, root)]
    found = [
        here / name
        for folder in folders
        for here, _, names in reader.below(folder, deepest=0)
        for name in names
        if reader.is_file(here / name)
        and (folder == root or not _ONLY_AT_THE_TOP.fullmatch(name))
        and _place(here / name, root) >= 0
    ]
    return sorted(dict.fromkeys(found), key=lambda path: (_place(path, root), path))


def read(path: Path, root: Path) -> Imported:
    """Return the settings in the file at ``path``. Raises ``ProjectError`` if it is unknown or invalid."""
    if not reader.is_file(path):
        raise ProjectError(f"There is no file {path}.", hint="Name the file to import.")
    place = _place(path, places.boundary(path, root))
    if place < 0:
        raise ProjectError(
            f"{path.name} is not a kind of file that 'debonair init' imports.",
            hint="It imports uWSGI's files (ini, yaml, xml, json), nginx sites, a Procfile, a Dockerfile, "
            "an app.json and a runtime.txt. It also imports a gunicorn.conf.py, a start script, systemd's "
            "units, and files of supervisor and compose.",
        )
    return _READERS[place][1](path, root)


def _place(path: Path, root: Path) -> int:
    """Return the position of the reader for ``path``, a file in ``root``; -1 if there is none."""
    for place, (pattern, _) in enumerate(_READERS):
        if re.fullmatch(pattern, path.name) and (pattern != _SCRIPT or _is_script(path, root)):
            return place
    # Other files may have any name; their contents tell the kind.
    if path.suffix == ".ini" and re.search(
        r"^\[uwsgi\]", reader.head(path, root, most=_HEAD), re.MULTILINE
    ):
        return len(_READERS) - 1
    if path.suffix in {"", ".conf"} and path.name != path.name.upper():
        return len(_READERS) - 2 if _SERVER.search(reader.head(path, root, most=_HEAD)) else -1
    return -1


def _is_script(path: Path, root: Path) -> bool:
    return path.suffix == ".sh" or reader.head(path, root, most=_HEAD).startswith("#!")
