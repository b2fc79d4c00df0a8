"""Suggest the quotes around a string of a TOML file that was written as a number, a date, true or false."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from debonair.project import reader

_Scalar = int | float | bool | date | time
_STEP = re.compile(r"\[(\.\.\.|\d+)\]|([^.\[\]]+)")


def hint(message: str, where: str, tables: Mapping[str, Any], file: Path) -> str:
    """Return what to write instead in ``file``, with ``tables``; empty if quotes do not help.

    ``message`` is msgspec's about the value at ``where``, such as ``project.authors[0].name``. Names in a
    table of the author's own are ``[...]`` in it.
    """
    expected = re.match(r"Expected `([^`]+)`", message)
    if not expected or "str" not in expected[1].split(" | "):
        return ""
    steps = [found[1] or found[2] for found in _STEP.finditer(where)]
    for key, value in _found(tables, steps, ""):
        name = key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key, ensure_ascii=False)
        if isinstance(value, list):
            texts = [item if isinstance(item, str) else _written(key, item, file) for item in value]
            return f"Write it in quotes: {name} = {json.dumps(texts, ensure_ascii=False)}"
        return f"Write it in quotes: {name} = {json.dumps(_written(key, value, file))}"
    return ""


def _found(value: Any, steps: list[str], key: str) -> Iterator[tuple[str, Any]]:
    """Yield the key and value at ``steps`` in ``value``; for an item of a list, that list."""
    if not steps:
        if isinstance(value, _Scalar):
            yield key, value
        return
    first, *rest = steps
    if isinstance(value, list) and first.isdecimal() and int(first) < len(value):
        if rest:
            yield from _found(value[int(first)], rest, key)
        elif all(isinstance(item, str | _Scalar) for item in value):
            yield key, value
    elif isinstance(value, Mapping):
        for name in value if first == "..." else [first]:
            if name in value:
                yield from _found(value[name], rest, name)


def _written(key: str, value: _Scalar, file: Path) -> str:
    """Return ``value`` as ``file`` has it: the number 1.10 is no longer a version once it is read."""
    lines = reader.lines(reader.head(file, file.parent))
    for line in sorted(lines, key=lambda line: key not in line):
        for token in re.findall(r"[^\s,=\[\]{}#\"']+", line):
            try:
                read = tomllib.loads(f"x = {token}")["x"]
            except tomllib.TOMLDecodeError:
                continue
            if type(read) is type(value) and read == value:
                return str(token)
    return str(value).lower() if isinstance(value, bool) else str(value)
