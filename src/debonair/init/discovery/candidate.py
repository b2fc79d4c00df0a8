"""What a server may be able to serve, and which of several is the one that is meant, by convention."""

from __future__ import annotations

import re
from dataclasses import dataclass

from debonair.init.discovery.code import Module

SERVED = ("application", "app")
"""The names that servers look for if they are told none, the better one first."""
FACTORIES = ("create_app", "make_app", "create_application", "make_application", "application_factory")
FOR_SERVERS = re.compile(r"(^|/)(\w+_)?wsgi(handler)?\.py$")
_FOR_APPS = ("app.py", "application.py", "__init__.py", "main.py")
_SCRIPTS = ("manage.py", "cli.py")


@dataclass(frozen=True)
class Candidate:
    """Something that a server may be able to serve."""

    entry: str
    """As ``wsgi`` takes it: ``guestbook:app``, ``guestbook:create_app()``."""
    path: str
    """The file that defines it, relative to the project."""
    line: int
    what: str
    """What it is made by, for a person: ``Flask``."""
    wsgi: bool
    """Whether WSGI can serve it."""
    server: str
    """Which other server can, if that is known."""
    listens: str
    """Else what makes its own script listen on ``$SOCKET``, if that is known."""
    rank: tuple[int, ...]
    """The smaller, the more by convention."""

    @property
    def where(self) -> str:
        """Return file and line."""
        return f"{self.path}:{self.line}"


def rank_of(module: Module, short: str, *, call: bool, name: str = "") -> tuple[int, ...]:
    """Return how far something is from convention.

    An object goes before a factory, whose settings somebody else may know; and the file for servers before
    that of the app. ``name`` stands for that of its file.
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
    return (place, conventional, int("/" in module.path))
