"""Choose the web server of an app that is not WSGI, and find out whether the project requires it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from debonair.init.discovery.finding import Finding
from debonair.project.catalogue import known
from debonair.project.names import normalised

_REQUIREMENT = re.compile(r"\s*([\w.-]+)\s*(?:\[([^]]*)\])?")
"""The name and the extras of a requirement."""
_COMMAND = ("command",)


def command(server: str, entry: str) -> str:
    """Return the command line by which ``server`` serves ``entry``: ``main:app``, ``main:create_app()``."""
    how = known().servers[server]
    if not entry.endswith("()"):
        return f"{how.command} {entry}"
    return (
        f"{how.command} {how.factory} {entry.removesuffix('()')}"
        if how.factory
        else f"{how.command} '{entry}'"
    )


def program(chosen: Sequence[Finding]) -> str:
    """Return the known server that the command in ``chosen`` runs; empty if there is none."""
    lines = [str(found.value) for found in chosen if found.key == _COMMAND]
    return next((name for line in lines for name in known().servers if line.split()[0] == name), "")


def require(
    chosen: Sequence[Finding], needs: Sequence[Finding], *, locked: bool
) -> tuple[list[Finding], list[str]]:
    """Return ``chosen`` with the place where its server is required, and sentences if it is not.

    If only another server is required, the command runs that one. ``needs`` has the requirements, if they
    are known. ``locked`` tells whether the project has a lock.
    """
    server = program(chosen)
    if not server or not needs:
        return list(chosen), []
    file = needs[0].where.partition(",")[0]
    lines = [str(line) for found in needs for line in found.value]
    required = {each for line in lines for each in _forms(line)}
    for name in (server, *(name for name, how in known().servers.items() if how.asgi)):
        if not required.isdisjoint({name, *known().servers[name].comes_with}):
            line = command(name, str(chosen[0].value))
            return _with_reason(chosen, f"runs the server {name}", line if name != server else ""), []
    add = (
        f'Add it in {file}: dependencies = ["{server}", ...]'
        if file == "pyproject.toml"
        else f"Add a line to {file}: {server}"
    )
    note = (
        f"{file} does not list {server}, the server that 'command' runs. Without it, the build fails. {add}"
        f"{'. Then run ' + repr('debonair lock') + '.' if locked else ''}"
    )
    return _with_reason(chosen, f"needs {server} in {file}"), [note]


def _forms(line: str) -> Iterator[str]:
    """Yield the normalised name in a requirement, alone and with each of its extras."""
    if found := _REQUIREMENT.match(line):
        name = normalised(found[1])
        yield name
        for extra in filter(None, (found[2] or "").split(",")):
            yield f"{name}[{normalised(extra.strip())}]"


def _with_reason(chosen: Sequence[Finding], where: str, line: str = "") -> list[Finding]:
    """Return ``chosen`` with the reason ``where`` for its command, and with another command if given."""
    return [
        replace(found, where=where, value=line or found.value) if found.key == _COMMAND else found
        for found in chosen
    ]
