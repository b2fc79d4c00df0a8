"""Write a file of settings: the keys of a debonair.toml, each with a comment about its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from debonair.host import toml
from debonair.host.terminal import plain

_LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*")
_ORDER = ("package", "version", "description", "maintainer", "wsgi", "server", "command")
_MAX_COLUMN = 60

Line = tuple[tuple[str, ...], Any, str]
"""The name of a key with its tables, its value, and a comment."""


def text(lines: Iterable[Line], *, prefix: str, head: str) -> str:
    """Return the TOML of ``lines``, sorted into tables below ``prefix``, under the comment ``head``.

    A comment may contain the name of a file, and so a line break. It stays on one line all the same.
    """
    tables = dict[tuple[str, ...], list[Line]]()
    for line in lines:
        tables.setdefault(line[0][:-1], []).append(line)
    blocks = []
    for table in sorted({(), *tables}, key=lambda name: (len(name) > 0, name)):
        name = ".".join([*([prefix] if prefix else []), *map(toml.key, table)])
        items = sorted(tables.get(table, []), key=_place)
        block = [f"[{name}]"] if name else []
        block += [f"# {head}"] if not table else []
        blocks.append("\n".join([*block, *_aligned(items)]))
    return "\n\n".join(blocks) + "\n"


def _place(line: Line) -> int:
    key = line[0][-1]
    return _ORDER.index(key) if len(line[0]) == 1 and key in _ORDER else len(_ORDER)


def _aligned(items: Sequence[Line]) -> Iterator[str]:
    lines = [(f"{toml.key(key[-1])} = {value(found)}", comment) for key, found, comment in items]
    width = max((len(code) for code, _ in lines if len(code) <= _MAX_COLUMN), default=0)
    for code, comment in lines:
        yield f"{code:<{width}}  # {_one_line(comment)}" if comment else code


def _one_line(comment: str) -> str:
    return plain(comment).replace("\n", "\\n")


def value(found: Any) -> str:
    """Return ``found`` as TOML; a text with quotation marks is easier to read without escapes."""
    if isinstance(found, str) and '"' in found and _LITERAL.fullmatch(found):
        return f"'{found}'"
    return toml.value(found)
