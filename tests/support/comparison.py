"""The differences of two debs, member by member, so that a failed comparison shows where to look."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from debonair.deb import archive
from debonair.deb.tree import Entry

_SHOWN = 12
"""Lines of one text's differences to show."""


def differences(one: Path, other: Path) -> list[str]:
    """Return a line for each difference of two debs; empty if they are the same bytes."""
    first, second = (archive.read(path, keep=lambda _: True) for path in (one, other))
    found = [
        *_contents("control.tar", first.members, second.members),
        *_entries(first.entries, second.entries),
        *_contents("data.tar", first.contents, second.contents),
    ]
    if not found and one.read_bytes() != other.read_bytes():
        found.append("The members are the same, and the archives around them differ.")
    return found


def _entries(first: tuple[Entry, ...], second: tuple[Entry, ...]) -> Iterator[str]:
    if [entry.path for entry in first] != [entry.path for entry in second]:
        lines = difflib.unified_diff(
            [entry.path for entry in first], [entry.path for entry in second], lineterm="", n=0
        )
        yield "data.tar: other paths, or in another order:\n" + "\n".join(islice(lines, _SHOWN))
    by_path = {entry.path: entry for entry in second}
    for entry in first:
        peer = by_path.get(entry.path, entry)
        for name in ("kind", "mode", "mtime", "size", "target"):
            values = getattr(entry, name), getattr(peer, name)
            if values[0] != values[1]:
                yield f"data.tar: {name} of {entry.path}: {values[0]} and {values[1]}"


def _contents(where: str, first: Mapping[str, bytes], second: Mapping[str, bytes]) -> Iterator[str]:
    for path in sorted({*first, *second}):
        if path not in first or path not in second:
            yield f"{where}: {path} is in one only"
        elif first[path] != second[path]:
            yield f"{where}: bytes of {path}:\n" + "\n".join(_lines(first[path], second[path]))


def _lines(first: bytes, second: bytes) -> Iterator[str]:
    try:
        one, other = (data.decode().splitlines() for data in (first, second))
    except UnicodeDecodeError:
        at = next(
            (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
            min(len(first), len(second)),
        )
        yield f"from byte {at} on: {first[at : at + 24]!r} and {second[at : at + 24]!r}"
    else:
        yield from islice(difflib.unified_diff(one, other, lineterm="", n=0), _SHOWN)
