"""What an app was run with before, read from its own files, and what became of each of their lines.

A reader (``uwsgi``, ``nginx``) takes the path of a file and the project's folder, and returns an
``Imported``. It reads that file and those it includes, runs nothing, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

_CALLED = {"uwsgi": "uWSGI's own protocol (socket, uwsgi_pass)", "http": "HTTP (http-socket, proxy_pass)"}
_TEXT = 44
"""Characters of a line that the account shows."""


@dataclass(frozen=True)
class Account:
    """What became of one line of a foreign file."""

    file: Path
    line: int
    """Counted from 1; 0 for the file as a whole."""
    text: str
    """The line as it stands, stripped; the value of a secret is left out."""
    became: str
    """The key that it became, such as ``uwsgi.harakiri``; empty if it became none."""
    why: str
    """Why it was dropped, or what is to be known of it; may be empty if ``became`` says all."""


@dataclass(frozen=True)
class Imported:
    """What was read of one or more foreign files."""

    accounts: tuple[Account, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a debonair.toml, nested like it."""
    warnings: tuple[str, ...] = ()
    """Known traps, each a sentence with what to do."""
    listens: Mapping[str, str] = field(default_factory=dict)
    """Address to the protocol that the app spoke there: ``uwsgi`` or ``http``."""
    asks: Mapping[str, str] = field(default_factory=dict)
    """Address to the protocol by which the site asked there."""


def merge(parts: Iterable[Imported]) -> Imported:
    """Return ``parts`` as one. What an earlier one has set stands; tables are merged.

    Warnings are added for a site and an app that did not find each other.
    """
    accounts: list[Account] = []
    warnings: list[str] = []
    settings: dict[str, Any] = {}
    listens: dict[str, str] = {}
    asks: dict[str, str] = {}
    for part in parts:
        accounts += part.accounts
        warnings += part.warnings
        settings = _merged(settings, part.settings)
        listens |= part.listens
        asks |= part.asks
    warnings += _strangers(listens, asks)
    return Imported(tuple(accounts), settings, tuple(dict.fromkeys(warnings)), listens, asks)


def table(accounts: Iterable[Account], *, width: int = 108) -> str:
    """Return ``accounts`` as a text for a terminal of ``width`` characters, a block for each file."""
    blocks = []
    for file, group in groupby(accounts, key=lambda account: account.file):
        rows = [
            (str(account.line or ""), _short(account.text), account.became or "dropped", account.why)
            for account in group
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [line for row in rows for line in _row(row, widths, width)]
        blocks.append("\n".join([f"{file}:", *lines]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _row(row: tuple[str, str, str, str], widths: list[int], width: int) -> Iterator[str]:
    number, text, became, why = row
    start = f"  {number:>{widths[0]}}  {text:<{widths[1]}}  {became:<{widths[2]}}"
    first, *others = wrap(why, max(width - len(start) - 2, 24)) or [""]
    yield f"{start}  {first}".rstrip()
    yield from (f"{'':{len(start)}}  {other}" for other in others)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 3].rstrip() + "..."


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(first)
    for key, value in second.items():
        if isinstance(value, Mapping):
            out[key] = _merged(out.get(key, {}), value)
        else:
            out.setdefault(key, value)
    return out


def _strangers(listens: Mapping[str, str], asks: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong between an app that listens and a site that asks."""
    for address, asked in asks.items():
        spoken = listens.get(address, asked)
        if spoken != asked:
            heard = "'invalid request block size' in its log" if spoken == "uwsgi" else "502 in the browser"
            yield (
                f"At {address} the app speaks {_CALLED[spoken]}, and the site {_CALLED[asked]}: {heard}. "
                "Debonair's own site and app both speak uwsgi; there is nothing to do."
            )
    if listens and asks and not listens.keys() & asks.keys():
        yield (
            f"The site asks at {' and '.join(asks)}, the app listens at {' and '.join(listens)}. "
            "Debonair's own find each other; look whether this site is the app's."
        )
