"""Find the files of other tools in a project, and the reader for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from debonair.errors import ProjectError
from debonair.init.imports import compose, dockerfile, gunicorn, heroku, nginx, places, start, units, uwsgi
from debonair.init.imports.account import Imported, merge
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
_CONTENTS = (
    (r"\.ini|\.conf|", r"^\[uwsgi\]", uwsgi.read),
    (r"\.xml", r"<uwsgi[\s>]", uwsgi.read),
    (r"\.ya?ml", r"^[\"']?uwsgi[\"']?:\s*$", uwsgi.read),
    (r"\.json|\.js", r"\A\s*\{\s*\"uwsgi\"\s*:", uwsgi.read),
    (r"\.conf|", r"^[ \t]*server\s*\{", nginx.read),
)
"""The suffix, the contents and the reader of files that may have any name."""
_MOST = 100
"""The most files that are found; who has more has to name the one of this app."""
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


def imported(root: Path, named: Sequence[Path]) -> tuple[Imported, list[str]]:
    """Return the settings of the files ``named`` and those in ``root``, and sentences about lost files.

    A file of ``named`` may have a section behind it, ``uwsgi.ini:production``. It raises ``ProjectError``
    if it is unknown or invalid. A file that is only found is left out then.
    """
    asked = dict.fromkeys(path.absolute() for path in named)
    sectioned = {_section(path)[0] for path in asked}
    parts, notes = list[Imported](), dict[Path, str]()
    present = find(root)
    if left := [path for path in present[:-_MOST] if path not in asked]:
        name = places.shown(left[0], root)
        notes[left[0]] = (
            f"{len(left)} of {len(present)} files of other tools were not read, such as {name}. If this "
            f"app needs one, name it: debonair init --import {name}"
        )
    for path in reversed(dict.fromkeys([*present[-_MOST:], *asked])):
        try:
            parts += [] if path in sectioned and path not in asked else [read(path, root)]
        except ProjectError as wrong:
            if path in asked:
                raise
            what = f"{wrong.message} {wrong.hint}".replace(f"{root}/", "")
            notes[path] = f"{places.shown(path, root)} was left out, because it cannot be imported. {what}"
    found = merge(parts)
    elsewhere = {account.file for account in found.accounts}  # a Procfile may start a section of a file
    return found, [note for path, note in notes.items() if path not in elsewhere]


def read(path: Path, root: Path) -> Imported:
    """Return the settings in the file at ``path``. Raises ``ProjectError`` if it is unknown or invalid."""
    file, section = _section(path)
    if not reader.is_file(file):
        raise ProjectError(f"There is no file {path}.", hint="Name the file to import.")
    if section:
        return uwsgi.read(file, root, section)
    place = _place(path, places.boundary(path, root))
    if place < 0:
        raise ProjectError(
            f"{path.name} is not a kind of file that 'debonair init' imports.",
            hint="It imports uWSGI's files (ini, yaml, xml, json), nginx sites, a Procfile, a Dockerfile, "
            "an app.json and a runtime.txt. It also imports a gunicorn.conf.py, a start script, systemd's "
            "units, and files of supervisor and compose.",
        )
    return _READERS[place][1](path, root)


def _section(path: Path) -> tuple[Path, str]:
    """Return the file that ``path`` names, and its section; empty if ``path`` has none."""
    name, _, section = path.name.rpartition(":")
    file = path.with_name(name) if name else path
    return (file, section) if section and not reader.is_file(path) and reader.is_file(file) else (path, "")


def _place(path: Path, root: Path) -> int:
    """Return the position of the reader for ``path``, a file in ``root``; -1 if there is none."""
    for place, (pattern, _) in enumerate(_READERS):
        if re.fullmatch(pattern, path.name) and (pattern != _SCRIPT or _is_script(path, root)):
            return place
    if not path.suffix and path.name == path.name.upper():  # such as LICENSE
        return -1
    kinds = [(contents, read) for suffix, contents, read in _CONTENTS if re.fullmatch(suffix, path.suffix)]
    head = reader.head(path, root, most=_HEAD) if kinds else ""
    readers = [read for _, read in _READERS]
    found = (read for contents, read in kinds if re.search(contents, head, re.MULTILINE))
    return next((readers.index(read) for read in found), -1)


def _is_script(path: Path, root: Path) -> bool:
    return path.suffix == ".sh" or reader.head(path, root, most=_HEAD).startswith("#!")
