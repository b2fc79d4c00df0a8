"""The settings from the files of other tools, with an account of each line in them.

A reader (``uwsgi``, ``nginx``) takes the path of a file and the project's folder, and returns an
``Imported``. It reads the file and the files that it includes. It runs nothing and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import wrap
from typing import Any

_CALLED = {"uwsgi": "uWSGI's own protocol (socket, uwsgi_pass)", "http": "HTTP (http-socket, proxy_pass)"}
WEBSOCKETS = (
    "the site passed websockets to the app, which uWSGI behind the package's site does not receive. If the "
    'app uses them, give it its own server: server = "command", command = "gunicorn --threads 100 --bind '
    'unix:$SOCKET MODULE:CALLABLE"'
)
_ADDED = {"plugins", "pythonpath"}
"""Options of uWSGI that list what an app can use, so that those of several files add up."""
_TEXT = 40
"""The most characters of a line in the account."""


@dataclass(frozen=True)
class Account:
    """The account of one line of a foreign file."""

    file: Path
    line: int
    """The number of the line, from 1; 0 for the whole file."""
    text: str
    """The line itself, stripped; the value of a secret is left out."""
    became: str
    """The key that the line became, such as ``uwsgi.harakiri``; empty if it was dropped."""
    why: str
    """The reason why it was dropped, or a note about it; may be empty if ``became`` is clear."""


@dataclass(frozen=True)
class Taken:
    """The meaning of a part of a line, such as one option of a program."""

    text: str
    """The part, without the value of a secret."""
    became: str
    """As in ``Account``."""
    why: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """Values that must not be shown."""


@dataclass(frozen=True)
class Imported:
    """The contents of one or more foreign files."""

    accounts: tuple[Account, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a debonair.toml, with the same nesting."""
    warnings: tuple[str, ...] = ()
    """Known problems, each a sentence with the remedy."""
    listens: Mapping[str, str] = field(default_factory=dict)
    """The protocol of each address on which the app listened: ``uwsgi`` or ``http``."""
    asks: Mapping[str, str] = field(default_factory=dict)
    """The protocol of each address to which the site sent requests."""
    when_served_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further warnings that hold only for this value of the setting ``server``."""


def merge(parts: Iterable[Imported]) -> Imported:
    """Merge ``parts``. The first value of a setting wins; tables, ``exclude`` and plugins are merged.

    Warnings are added if a site and an app use different addresses or protocols.
    """
    accounts: list[Account] = []
    warnings: list[str] = []
    settings: dict[str, Any] = {}
    listens: dict[str, str] = {}
    asks: dict[str, str] = {}
    served: dict[str, tuple[str, ...]] = {}
    first: dict[str, Account] = {}
    for part in parts:
        warnings += part.warnings
        settings = merged(settings, part.settings)
        accounts += [_judged(each, part.settings, settings, first) for each in part.accounts]
        listens |= part.listens
        asks |= part.asks
        for server, more in part.when_served_by.items():
            served[server] = tuple(dict.fromkeys((*served.get(server, ()), *more)))
    warnings += _strangers(listens, asks)
    lines = tuple(dict.fromkeys(accounts))  # one file may be read for two others
    return Imported(lines, settings, tuple(dict.fromkeys(warnings)), listens, asks, served)


def _judged(
    account: Account, own: Mapping[str, Any], chosen: Mapping[str, Any], first: dict[str, Account]
) -> Account:
    """Return ``account`` with the place of the value that was taken instead of its ``own`` one.

    ``chosen`` has the values that are taken, and ``first`` the account of each of them so far.
    """
    keys = account.became.split(", ") if account.became else []
    lost = [key for key in keys if _at(own, key) is not None and _at(own, key) != _at(chosen, key)]
    for key in keys:
        if key not in lost:
            first.setdefault(key, account)
    taken = {key: first[key] for key in lost if key in first}
    if not taken:
        return account
    places = {
        key: f"{one.file.name}:{one.line}" if one.line else one.file.name for key, one in taken.items()
    }
    kept = [key for key in keys if key not in taken]
    if len(keys) > 1:
        why = f"but {' and '.join(f'{place} has {key}' for key, place in places.items())}"
    else:
        place = places[keys[0]]
        same = taken[keys[0]].file == account.file
        why = f"{place} replaces it" if same else f"the value in {place} takes precedence"
    return replace(account, became=", ".join(kept), why=why)


def _at(settings: Mapping[str, Any], key: str) -> Any:
    """Return the value of ``key``, such as ``uwsgi.harakiri``; None for none, or a list that adds up."""
    value: Any = settings
    for name in key.split("."):
        value = (
            value.get(name)
            if isinstance(value, Mapping) and name not in {*_ADDED, "exclude", "static"}
            else None
        )
    return value


def table(accounts: Iterable[Account], *, width: int = 108) -> str:
    """Return ``accounts`` as text for a terminal of ``width`` characters, with a block for each file."""
    files: dict[Path, list[Account]] = {}
    for account in accounts:
        files.setdefault(account.file, []).append(account)
    blocks = []
    for file, found in files.items():
        rows = [
            (
                str(one.line or ""),
                _short(one.text),
                ": ".join(filter(None, (one.became or "dropped", one.why))),
            )
            for one in sorted(found, key=lambda account: (account.line == 0, account.line))
        ]
        numbers, texts = (max(len(row[column]) for row in rows) for column in range(2))
        indent = " " * (numbers + texts + 6)
        lines = [
            f"  {number:>{numbers}}  {text:<{texts}}  "
            + f"\n{indent}".join(wrap(what, max(width - len(indent), 24), break_on_hyphens=False))
            for number, text, what in rows
        ]
        blocks.append("\n".join([f"{file}:", *lines]) + "\n")
    return "\n".join(blocks)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 3].rstrip() + "..."


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of both; the first value of a key wins, except for lists that add up."""
    out = dict(first)
    for key, value in second.items():
        if key == "uwsgi" and isinstance(value, Mapping):
            out[key] = _options(out.get(key, {}), value)
        elif isinstance(value, Mapping):
            out[key] = merged(out.get(key, {}), value)
        elif key == "exclude":
            out[key] = [*out.get(key, []), *value]
        else:
            out.setdefault(key, value)
    return out


def _options(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return uWSGI's options of both. The options of one file may need plugins that the other lacks."""
    out = merged(first, second)
    for name in first.keys() & second.keys() & _ADDED:
        both = [each for value in (first[name], second[name]) for each in _names(value)]
        names = list(dict.fromkeys(both))
        out[name] = first[name] if len(names) == len(_names(first[name])) else names
    return out


def _names(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [name for each in values for name in str(each).split(",")]


def _strangers(listens: Mapping[str, str], asks: Mapping[str, str]) -> Iterator[str]:
    """Yield the mismatches between an app that listens and a site that sends requests."""
    for address, asked in asks.items():
        spoken = listens.get(address, asked)
        if spoken != asked:
            heard = "'invalid request block size' in its log" if spoken == "uwsgi" else "502 in the browser"
            yield (
                f"At {address}, the app uses {_CALLED[spoken]}, but the site uses {_CALLED[asked]} (error: "
                f"{heard}). Debonair's own site and app both use uwsgi; you do not need to change anything."
            )
    if listens and asks and not listens.keys() & asks.keys():
        yield (
            f"The site sends requests to {' and '.join(asks)}, but the app listens on "
            f"{' and '.join(listens)}. Debonair connects its own site to its own app. Check that this site "
            "belongs to the app."
        )
