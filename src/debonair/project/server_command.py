"""The server of the app's requests: uWSGI, or the app's own web server (``server = "command"``).

The second is for apps without WSGI: Tornado, and apps for an ASGI server such as uvicorn.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path

from debonair.errors import ProjectError
from debonair.project.settings import Settings, defaults

_SERVERS = ("daphne", "granian", "gunicorn", "hypercorn", "uvicorn")
"""Servers that a project may forget among its dependencies, although its command names them."""


def command(given: Settings, *, file: Path, prefix: str) -> str:
    """Return the command line of the app's own web server; empty if uWSGI serves the app.

    Raises ``ProjectError`` if a setting of one server is given together with the other. The error names
    ``file``, and the key below its table ``prefix``.
    """
    place = f"{prefix}." if prefix else ""
    line = given.command.strip()
    if given.server == "uwsgi":
        if line:
            raise ProjectError(
                f"{file.name}: '{place}command' is a web server of the app's own, and '{place}server' is "
                '"uwsgi".',
                hint='Say server = "command", or leave the command out.',
            )
        return ""
    if not line:
        raise ProjectError(
            f"{file.name}: '{place}server' is \"command\", and there is no '{place}command'.",
            hint='Write what starts the web server: command = "uvicorn --uds $SOCKET my_app:app"',
        )
    for key, instead in _not_kept(given):
        raise ProjectError(
            f"{file.name}: '{place}{key}' is for uWSGI, which does not serve an app with server = "
            '"command".',
            hint=f"Leave it out. {instead}",
        )
    return line


def check(line: str, *, file: Path, commands: Collection[str]) -> None:
    """Raise ``ProjectError`` if ``line`` begins with a missing server, or a misspelling of a command.

    ``commands`` are those that the app installs. Any other name may be a command of Debian's, or a path.
    """
    program = line.split(maxsplit=1)[0]
    close = difflib.get_close_matches(program, {*commands, *_SERVERS}, n=1, cutoff=0.8)
    if close and program not in commands:
        brings = close[0] in commands
        raise ProjectError(
            f"{file.name}: 'command' begins with '{program}', which no package of the app's lock brings.",
            hint=f"Did you mean '{close[0]}'?" if brings else f"Add {close[0]} to the dependencies.",
        )


def _not_kept(given: Settings) -> Iterator[tuple[str, str]]:
    """Yield the keys that are set but apply only to uWSGI, each with an alternative."""
    if given.wsgi:
        yield "wsgi", "'command' names the app to its server."
    if given.sleep_after:
        yield "sleep-after", "The server would have to end by itself, and to be started by a request."
    for name, value in given.uwsgi.items():
        if defaults()["uwsgi"].get(name) != value:
            yield (
                f"uwsgi.{name}",
                "How many processes there are, and for how long, are options of 'command'.",
            )
