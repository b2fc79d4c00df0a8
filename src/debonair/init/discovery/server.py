"""Find out whether the project requires the web server that its command runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from debonair.init.discovery.finding import Finding
from debonair.project.catalogue import known
from debonair.project.names import normalised

_WITH_ALL = re.compile(r"(fastapi|fastapi-slim)\s*\[[^]]*\b(standard|all)\b", re.IGNORECASE)
"""Requirements that include uvicorn."""
_COMMAND = ("command",)


def program(chosen: Sequence[Finding]) -> str:
    """Return the known server that the command in ``chosen`` runs; empty if there is none."""
    lines = [str(found.value) for found in chosen if found.key == _COMMAND]
    return next((name for line in lines for name in known().servers if line.split()[0] == name), "")


def require(
    chosen: Sequence[Finding], needs: Sequence[Finding], *, locked: bool
) -> tuple[list[Finding], list[str]]:
    """Return ``chosen`` with the place where its server is required, and sentences if it is not.

    ``needs`` has the requirements, if they are known. ``locked`` tells whether the project has a lock.
    """
    server = program(chosen)
    if not server or not needs:
        return list(chosen), []
    file = needs[0].where.partition(",")[0]
    lines = [str(line) for found in needs for line in found.value]
    names = {normalised(re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0]) for line in lines}
    if server in names or (server == "uvicorn" and any(map(_WITH_ALL.match, lines))):
        return _with_reason(chosen, f"runs the server {server}"), []
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


def _with_reason(chosen: Sequence[Finding], where: str) -> list[Finding]:
    return [replace(found, where=where) if found.key == _COMMAND else found for found in chosen]
