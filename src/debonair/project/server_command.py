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
                f"{file.name}: '{place}command' starts the app's own web server, but '{place}server' is "
                '"uwsgi".',
                hint="Set server = \"command\", or remove 'command'.",
            )
        return ""
    if not line:
        raise ProjectError(
            f"{file.name}: '{place}server' is \"command\", but there is no '{place}command'.",
            hint='Set the command that starts the web server: command = "uvicorn --uds $SOCKET my_app:app"',
        )
    for key, instead in _not_kept(given):
        raise ProjectError(
            f"{file.name}: '{place}{key}' is a setting for uWSGI, which does not serve an app with server "
            '= "command".',
            hint=f"Remove it. {instead}",
        )
    return line


def check(line: str, *, file: Path, commands: Collection[str], source: str) -> None:
    """Raise ``ProjectError`` if ``line`` begins with a missing server, or a misspelling of a command.

    ``commands`` are those that the app installs. Any other name may be a command of Debian's, or a path.
    ``source`` is the name of the file that lists the requirements, if there is one.
    """
    program = line.split(maxsplit=1)[0]
    close = difflib.get_close_matches(program, {*commands, *_SERVERS}, n=1, cutoff=0.8)
    if close and program not in commands:
        brings = close[0] in commands
        raise ProjectError(
            f"{file.name}: 'command' starts '{program}', which no package in the app's lock installs.",
            hint=f"Did you mean '{close[0]}'?"
            if brings
            else f"Add {close[0]} to {'the dependencies in ' if source == 'pyproject.toml' else ''}"
            f"{source or 'requirements.txt'}, then run 'debonair lock'.",
        )


def _not_kept(given: Settings) -> Iterator[tuple[str, str]]:
    """Yield the keys that are set but apply only to uWSGI, each with an alternative."""
    if given.wsgi:
        yield "wsgi", "'command' itself names the app to its server."
    if given.sleep_after:
        yield "sleep-after", "The server must be able to exit and to be started by a request."
    for name, value in given.uwsgi.items():
        if defaults()["uwsgi"].get(name) != value:
            yield (
                f"uwsgi.{name}",
                "Set the number of processes, and their limits, by options in 'command'.",
            )
