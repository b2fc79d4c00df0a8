"""Choose the names that the package's site answers to, from those of an existing site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from debonair.init.imports.directives import Directive
from debonair.project import reader
from debonair.tree.service.site import HOME

_NONE = {"_", "localhost", "127.0.0.1", "::1", "[::1]", ""}
"""Names that no other machine requests."""
_MACHINE = re.compile(
    r"\$hostname|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[?[0-9a-f.]*:[0-9a-f:.]*\]?|raspberrypi(\.[a-z.]+)?", re.I
)
"""Names of one Pi itself. A package is for any Pi."""


class Names:
    """The names of a site so far."""

    def __init__(self, server: Directive | None) -> None:
        inside = server.block if server else ()
        defaults = {"default_server", "default"}
        self.chosen: list[str] = []
        """The names that only this site has."""
        self.is_machines = any(
            defaults & {*inner.words}
            if inner.name == "listen"
            else any(_MACHINE.fullmatch(word) for word in inner.words if word not in _NONE)
            for inner in inside
            if inner.name in {"listen", "server_name"}
        )
        """True if the site answers at the Pi's own name and address, too."""

    def add(self, words: Iterable[str]) -> list[str]:
        """Add the ``words`` of a directive ``server_name``; return those that the site is to answer to."""
        fit = [word for word in words if not re.search(r"[;{}\"'#\s]", word) and not reader.unfit(word)]
        named = [word for word in fit if word not in _NONE and not _MACHINE.fullmatch(word)]
        self.chosen += named
        return named

    def setting(self) -> str:
        """Return the setting; empty if the default has all of the names."""
        every = [*self.chosen, *(HOME if self.is_machines else ())]
        return " ".join(dict.fromkeys(every)) if self.chosen else ""


def told(names: Sequence[str]) -> str:
    """Return the warning that the site has only ``names``."""
    return (
        f"the site answers only to {' and '.join(names)}. Requests to the Pi's own name or address get "
        "nginx's default page. To answer to all names of a home network, remove server-name"
    )
