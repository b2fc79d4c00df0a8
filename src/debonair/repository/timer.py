"""The units that sign a repository again before its indices expire (systemd.timer(5))."""

from __future__ import annotations

import re
from pathlib import Path

from debonair.errors import RepositoryError
from debonair.repository.excerpt import shown
from debonair.template import fill

_NOT_IN_A_UNIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, other line breaks, and bytes that are not UTF-8; a unit is lines of text."""


def units(name: str, program: Path, place: str) -> dict[str, str]:
    """Return the units for the repository ``name`` in ``place``, by file name; they run ``program``.

    Raises ``RepositoryError`` for a path with a line break or another control character.
    """
    values = {"name": name, "program": _word(str(program)), "place": _word(place)}
    return {
        f"{_unit(name)}.{kind}": fill(f"packaging/repo/renew.{kind}.in", values)
        for kind in ("service", "timer")
    }


def write(folder: Path, texts: dict[str, str]) -> None:
    """Write units into ``folder``, the user's own. Raises ``RepositoryError`` if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as refused:
        raise RepositoryError(f"{folder} is not writable: {refused.strerror}.") from refused


def _unit(name: str) -> str:
    return f"debonair-renew-{name}"


def _word(text: str) -> str:
    """Return a word of ExecStart (systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers")."""
    if _NOT_IN_A_UNIT.search(text):
        raise RepositoryError(
            f"A timer cannot name '{shown(text)}': the path has a line break or another control character.",
            hint="Rename the folder, then run the command again.",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
