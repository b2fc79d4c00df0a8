"""The applications that a server may be able to serve, in the order of convention."""

from __future__ import annotations

import re
from dataclasses import dataclass

from debonair.init.discovery.code import Module
from debonair.project.entry_point import FACTORIES, SERVED

FOR_SERVERS = re.compile(r"(^|/)(\w+_)?wsgi(handler)?\.py$")
FOR_ASGI = re.compile(r"(^|/)(\w+_)?asgi\.py$")
_FOR_APPS = ("app.py", "application.py", "__init__.py", "main.py")
_SCRIPTS = ("manage.py", "cli.py")
_ASIDE = {
    *("archive", "archived", "backup", "backups", "deprecated", "legacy", "old"),
    *("demo", "demos", "example", "examples", "sample", "samples"),
    *("doc", "docs", "test", "tests"),
}
"""The names of folders whose applications are not the one that people use."""


@dataclass(frozen=True)
class Candidate:
    """An object that a server may be able to serve."""

    entry: str
    """The value for ``wsgi``: ``guestbook:app``, ``guestbook:create_app()``."""
    path: str
    """The file that defines it, relative to the project."""
    line: int
    what: str
    """The name of what made it, for people: ``Flask``."""
    wsgi: bool
    """True if WSGI can serve it."""
    server: str
    """The other server that can serve it; empty if unknown."""
    listens: str
    """Otherwise, the call that makes its own script listen on ``$SOCKET``; empty if unknown."""
    rank: tuple[int, ...]
    """The smaller, the more conventional."""

    @property
    def where(self) -> str:
        """Return file and line."""
        return f"{self.path}:{self.line}"


def is_aside(path: str) -> bool:
    """Tell whether the file at ``path`` is in a folder for tests, examples or older versions."""
    return not _ASIDE.isdisjoint(path.lower().split("/")[:-1])


def rank_of(module: Module, short: str, *, call: bool, name: str = "") -> tuple[int, ...]:
    """Return how far a candidate is from convention.

    An object ranks before a factory, because another file may know the factory's settings. A file for
    servers ranks before the app's own. Folders for examples and the like come last. ``name`` replaces the
    name of the module's file.
    """
    name = name or module.path.rpartition("/")[2]
    if call:
        place = 5
    elif FOR_SERVERS.search(module.path):
        place = 0
    elif name in _FOR_APPS:
        place = 1 + _FOR_APPS.index(name) // 2
    else:
        place = 4 if name in _SCRIPTS else 3
    served = SERVED.index(short) if short in SERVED else len(SERVED)
    conventional = (FACTORIES.index(short) if short in FACTORIES else len(FACTORIES)) if call else served
    return (int(is_aside(module.path)), place, conventional, int("/" in module.path))
