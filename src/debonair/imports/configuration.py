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
VARIABLES = ("set", "set-placeholder", "set-ph")
_DEEP = 8
"""How often a placeholder may lead to another."""


def read(path: Path) -> list[Entry]:
    """Return the options of the file ``path`` and of those that it includes, placeholders filled in.

    Those that uWSGI does not read, or of which only it knows whether it does, are ``ignored``. The rules
    stand in uWSGI's manual under "Configuring uWSGI" and "Configuration logic". Raises ``ProjectError``
    that names file and line if a file cannot be read.
    """
    found = list(_conditions(_file(path, "uwsgi", set())))
    known: dict[str, str] = {}
    for entry in found:
        if entry.name in VARIABLES:
            name, _, value = entry.value.partition("=")
            known.setdefault(name.strip(), value.strip())
        known.setdefault(entry.name, entry.value)
    return [replace(entry, value=_filled(entry.value, entry.file, known)) for entry in found]


def placeholders(found: list[Entry]) -> set[str]:
    """Return the names of all placeholders in the lines of ``found``."""
    return {name for entry in found for name in re.findall(r"%\(([^()]+)\)", entry.text)}


def _file(path: Path, section: str, seen: set[tuple[Path, str]]) -> Iterator[Entry]:
    """Yield the entries of a ``section`` of a file and of what it includes, each once (``seen``)."""
    found = entries(path)
    sections = dict.fromkeys(entry.section for entry in found)
    if section not in sections:
        others = ", ".join(f"[{other}]" for other in sections) or "nothing"
        raise error(
            path, 1, f"there is no section [{section}], but {others}", "uWSGI reads what is below [uwsgi]."
        )
    top = not seen
    seen.add((path, section))
    for entry in found:
        if entry.section != section:
            continue
        yield entry
        if other := _included(entry):
            wanted = entry.value.partition(":")[2] or "uwsgi"
            if (other, wanted) not in seen:
                yield from _file(other, wanted, seen)
    unread = [entry for entry in found if top and (path, entry.section) not in seen]
    yield from (replace(entry, ignored=f"it is of section [{entry.section}]") for entry in unread)


def _included(entry: Entry) -> Path | None:
    """Return the file that ``entry`` includes, if it does and the file is here."""
    if entry.name not in _INCLUDES:
        return None
    name = entry.value.partition(":")[0]
    path = entry.file.parent / name if name else entry.file
    return path if path.is_file() else None


def _conditions(found: Iterator[Entry]) -> Iterator[Entry]:
    depth = 0
    for entry in found:
        if _CONDITION.match(entry.name) and not entry.ignored:
            depth = max(0, depth - 1) if _END.match(entry.name) else depth + 1
            yield replace(entry, ignored="a condition of uWSGI's own; the settings have none")
        elif depth:
            yield replace(entry, ignored="it depends on the condition above", missed=True)
        elif entry.name in _INCLUDES:
            there = _included(entry) is not None
            why = "read, see there" if there else f"{entry.value} is not here"
            yield replace(entry, ignored=why, missed=not there)
        elif entry.name in VARIABLES:
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
