"""Write the report of ``debonair init``: findings, imported lines of other tools, and next steps."""

from __future__ import annotations

import itertools
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from debonair.host.terminal import plain
from debonair.init.imports.account import table
from debonair.init.model import Draft

_MAX_NAME = 28
_MAX_VALUE = 48
_FEW = 6
_MIN_REASON = 24
"""The fewest characters of a column for reasons."""


def found(draft: Draft, *, columns: int = 0) -> str:
    """Return the first part of the report about ``draft``: the findings; ``columns`` is as in ``text``."""
    return "\n".join(_found(draft, _width(columns))) + "\n\n"


def text(draft: Draft, *, columns: int = 0) -> str:
    """Return the rest of the report; its prose is ``columns`` wide, or as wide as the terminal if 0."""
    width = _width(columns)
    accounts = [
        replace(account, file=_short(account.file, draft.root)) for account in draft.imported.accounts
    ]
    blocks = [
        table(accounts, width=width).rstrip("\n"),
        "\n".join(_notes(draft, width)),
        "\n".join(_written(draft)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def next_steps(draft: Draft) -> str:
    """Return the end of the report: the commands to type next."""
    folder = "" if draft.root == Path.cwd() else f" {draft.root}"
    debs = f"{draft.root / 'dist' if folder else 'dist'}/*.deb"
    return f"Next:\n    debonair build{folder}\n    debonair try {debs}\n"


def _width(columns: int) -> int:
    return min(columns or shutil.get_terminal_size((100, 24)).columns, 120)


def _found(draft: Draft, width: int) -> Iterator[str]:
    yield f"Found in {draft.root}:"
    rows = [(found.name, _shown(found.value), found.where) for found in draft.findings]
    yield from _table([(plain(one), plain(two), plain(three)) for one, two, three in rows], width)


def _short(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def _notes(draft: Draft, width: int) -> Iterator[str]:
    if draft.notes:
        yield "To know:"
    for note in draft.notes:
        yield textwrap.fill(
            plain(note), width, initial_indent="  - ", subsequent_indent="    ", break_long_words=False
        )


def _written(draft: Draft) -> Iterator[str]:
    place = draft.file.relative_to(draft.root)
    if draft.present:
        yield f"{place} already has settings, and was not changed. These settings would have been written:"
    else:
        yield f"Written {'into' if place.name == 'pyproject.toml' else 'to'} {place}:"
    yield ""
    yield textwrap.indent(draft.text.rstrip("\n"), "    ")
    if draft.requirements:
        yield ""
        yield "This would be its requirements.txt:" if draft.present else "Written to requirements.txt:"
        yield ""
        yield textwrap.indent(draft.requirements.rstrip("\n"), "    ")
    for each in draft.files:
        yield ""
        yield (f"This would be its {each.name}:" if draft.present else f"Written to {each.name}:")
        yield ""
        yield textwrap.indent(each.text.rstrip("\n"), "    ")


def _table(rows: list[tuple[str, str, str]], width: int) -> Iterator[str]:
    """Yield the lines of a table. If three columns do not fit, the third is below the second one."""
    first = min(max((len(row[0]) for row in rows), default=0), _MAX_NAME)
    second = max((len(row[1]) for row in rows if len(row[1]) <= _MAX_VALUE), default=0)
    indent = first + 4
    second = min(second, (width - indent) // 2)
    if width - indent - second - 2 < _MIN_REASON:
        second = max(width - indent, _MIN_REASON)
    rest = width - indent - second - 2
    for one, two, three in rows:
        values = textwrap.wrap(two, second, break_on_hyphens=False)
        reasons = textwrap.wrap(three, rest if rest > 0 else second, break_on_hyphens=False)
        names = textwrap.wrap(one, first, break_on_hyphens=False)
        if rest <= 0:
            values, reasons = values + reasons, []
        for name, value, reason in itertools.zip_longest(names, values, reasons, fillvalue=""):
            yield f"  {name:<{first}}  {value:<{second}}  {reason}".rstrip()


def _shown(value: Any) -> str:
    if isinstance(value, list):
        whole = ", ".join(str(item) for item in value) or "none"
        return whole if len(whole) <= _MAX_VALUE or len(value) < _FEW else f"{len(value)} of them"
    return str(value).lower() if isinstance(value, bool) else str(value)
