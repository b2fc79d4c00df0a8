"""A configuration of uWSGI as a whole: the files that it includes, its conditions, and its placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from debonair.imports.forms import Entry, entries, error

_INCLUDES = ("ini", "yaml", "yml", "json", "js", "xml", "xmlconfig", "config", "include", "inherit")
_CONDITION = re.compile(r"(for|if)(-|$|env|exists|plugin|file|dir|directory)|end-?(if|for)$")
_END = re.compile(r"end-?(if|for)$")
_VARIABLES = ("set", "set-placeholder", "set-ph")
_DEEP = 8
"""How often a placeholder may lead to another, and a file to a file."""


def read(path: Path) -> list[Entry]:
    """Return the options of the file ``path`` and of those that it includes, placeholders filled in.

    Those that uWSGI does not read, or of which only it knows whether it does, are ``ignored``. The rules
    stand in uWSGI's manual under "Configuring uWSGI" and "Configuration logic". Raises ``ProjectError``
    that names file and line if a file cannot be read.
    """
    found = list(_conditions(_file(path, "uwsgi", deep=0)))
    known: dict[str, str] = {}
    for entry in found:
        if entry.name in _VARIABLES:
            name, _, value = entry.value.partition("=")
            known.setdefault(name.strip(), value.strip())
        known.setdefault(entry.name, entry.value)
    return [replace(entry, value=_filled(entry.value, entry.file, known)) for entry in found]


def placeholders(found: list[Entry]) -> set[str]:
    """Return the names of all placeholders in the lines of ``found``."""
    return {name for entry in found for name in re.findall(r"%\(([^()]+)\)", entry.text)}


def _file(path: Path, section: str, *, deep: int) -> Iterator[Entry]:
    found = entries(path)
    sections = dict.fromkeys(entry.section for entry in found)
    if section not in sections:
        others = ", ".join(f"[{other}]" for other in sections) or "nothing"
        raise error(
            path, 1, f"there is no section [{section}], but {others}", "uWSGI reads what is below [uwsgi]."
        )
    for entry in found:
        if entry.section != section:
            if not deep:
                yield replace(entry, ignored=f"it is of section [{entry.section}]")
            continue
        yield entry
        if entry.name in _INCLUDES and deep < _DEEP:
            name, _, wanted = entry.value.partition(":")
            other = path.parent / name if name else path
            if (
                not wanted.startswith("/")
                and other.is_file()
                and (other, wanted or "uwsgi") != (path, section)
            ):
                yield from _file(other, wanted or "uwsgi", deep=deep + 1)


def _conditions(found: Iterator[Entry]) -> Iterator[Entry]:
    depth = 0
    for entry in found:
        if _CONDITION.match(entry.name) and not entry.ignored:
            depth = max(0, depth - 1) if _END.match(entry.name) else depth + 1
            yield replace(entry, ignored="a condition of uWSGI's own; the settings have none")
        elif depth:
            yield replace(entry, ignored="it depends on the condition above", missed=True)
        elif entry.name in _INCLUDES:
            name = entry.value.partition(":")[0]
            there = not name or (entry.file.parent / name).is_file()
            why = "read, see below" if there else f"{name} is not here"
            yield replace(entry, ignored=why, missed=not there)
        elif entry.name in _VARIABLES:
            yield replace(entry, ignored="a variable of this file, filled in where it is used")
        else:
            yield entry


def _filled(value: str, file: Path, known: dict[str, str]) -> str:
    """Return ``value`` with what uWSGI would put for its placeholders, and for those of the file's path."""
    for _ in range(_DEEP):
        before, value = value, re.sub(r"%\(([^()]+)\)", lambda found: known.get(found[1], found[0]), value)
        if value == before:
            break
    magic = {
        "d": f"{file.parent}/", "p": str(file), "s": file.name, "n": file.stem, "c": file.parent.name,
        "v": str(file.parent), "e": file.suffix.removeprefix("."),
    }  # fmt: skip
    return re.sub(r"%([dpsncve])", lambda found: magic[found[1]], value)
