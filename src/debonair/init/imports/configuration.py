"""Read a configuration of uWSGI as a whole: included files, conditions, and placeholders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from debonair.errors import ProjectError
from debonair.init.imports.forms import Entry, entries, error
from debonair.project import reader

_INCLUDES = ("ini", "yaml", "yml", "json", "js", "xml", "xmlconfig", "config", "include", "inherit")
_CONDITION = re.compile(r"(for|if)(-|$|env|exists|plugin|file|dir|directory)|end-?(if|for)$")
_END = re.compile(r"end-?(if|for)$")
VARIABLES = ("set", "set-placeholder", "set-ph")
_DEEP = 8
"""The most placeholders that lead to each other."""
_DEEPEST = 16
"""The most files that include each other."""
_MOST = 20_000
"""The most options of all files."""
_MOST_FILLED = 4 << 20
"""The most characters of all replaced placeholders."""


def read(path: Path, root: Path, section: str = "uwsgi") -> list[Entry]:
    """Return the options of the file ``path`` and of the files it includes, with placeholders replaced.

    ``section`` is the one that uWSGI reads.
    Included files must be in the folder ``root``. An option is ``ignored`` if uWSGI does not read it, if
    only uWSGI knows whether it does, or if it is too long. uWSGI's manual describes the rules under
    "Configuring uWSGI" and "Configuration logic". Raises ``ProjectError`` with file and line if a file
    cannot be read.
    """
    files = _Files(root)
    found = list(_conditions(files.read(path, section), root))
    return [files.filler.fill(entry) for entry in found]


def placeholders(found: list[Entry]) -> set[str]:
    """Return the names of all placeholders in the lines of ``found``."""
    return {name for entry in found for name in re.findall(r"%\(([^()]+)\)", entry.text)}


class _Files:
    """Files that include each other, all in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: set[tuple[str, str]] = set()
        self.parsed: dict[str, list[Entry]] = {}
        self.many = 0
        self.known: dict[str, str] = {}
        """The values of placeholders: the first one of a name counts."""
        self.filler = _Filler(self.known)

    def read(self, path: Path, section: str, deep: int = 0) -> Iterator[Entry]:
        """Yield the entries of a ``section`` of a file and of its includes, each once."""
        place = os.path.realpath(path)
        found = self._entries(path, place)
        sections = dict.fromkeys(entry.section for entry in found)
        if section not in sections:
            raise _no_section(path, section, list(sections)[:_DEEPEST])
        self.seen.add((place, section))
        for entry in found:
            if entry.section != section:
                continue
            if entry.name in _INCLUDES:
                entry = self.filler.fill(entry)  # noqa: PLW2901 - the name of a file, which is read now
            yield entry
            self._learn(entry)
            if other := _included(entry, self.root):
                other_section = entry.value.partition(":")[2] or "uwsgi"
                if (os.path.realpath(other), other_section) in self.seen:
                    continue
                if deep == _DEEPEST:
                    raise error(
                        entry.file,
                        entry.line,
                        f"files include each other more than {_DEEPEST} deep",
                        "Write the options into one file.",
                    )
                yield from self.read(other, other_section, deep + 1)
        unread = [entry for entry in found if not deep and (place, entry.section) not in self.seen]
        yield from (
            replace(entry, ignored=f"it belongs to the section [{entry.section}]") for entry in unread
        )

    def _learn(self, entry: Entry) -> None:
        if entry.name in VARIABLES:
            name, _, value = entry.value.partition("=")
            self._know(name.strip(), value.strip(), entry.file)
        self._know(entry.name, entry.value, entry.file)

    def _know(self, name: str, value: str, file: Path) -> None:
        if name not in self.known:
            with suppress(OverflowError):  # a long value stays as it is, so that its uses are too long
                value = self.filler.magic(file, value)
            self.known[name] = value

    def _entries(self, path: Path, place: str) -> list[Entry]:
        if place not in self.parsed:
            self.parsed[place] = entries(path, self.root)
            self.many += len(self.parsed[place])
            if self.many > _MOST:
                raise error(
                    path, 1, f"there are more than {_MOST} options", "Remove options: no app needs so many."
                )
        return self.parsed[place]


def _included(entry: Entry, root: Path) -> Path | None:
    """Return the file that ``entry`` includes, if it includes one in the folder ``root``; else None."""
    if entry.name not in _INCLUDES:
        return None
    name = entry.value.partition(":")[0]
    path = Path(os.path.normpath(entry.file.parent / name)) if name else entry.file
    return path if reader.is_file(path) and reader.is_inside(path, root) else None


def _no_section(path: Path, section: str, sections: list[str]) -> ProjectError:
    others = ", ".join(f"[{other}]" for other in sections) or "none"
    names = [name for name in sections if ":" not in name]  # others are not uWSGI's, such as [app:main]
    name = next((name for name in names if name.startswith("prod")), names[-1] if names else "")
    hint = f"Name the section to import: debonair init --import {path.name}:{name}"
    return error(
        path,
        1,
        f"it has no section [{section}] (its sections: {others})",
        hint if name and section == "uwsgi" else "Write uWSGI's options below [uwsgi].",
    )


def _conditions(found: Iterator[Entry], root: Path) -> Iterator[Entry]:
    depth = 0
    for entry in found:
        if _CONDITION.match(entry.name) and not entry.ignored:
            depth = max(0, depth - 1) if _END.match(entry.name) else depth + 1
            yield replace(entry, ignored="a condition of uWSGI; settings have no conditions")
        elif depth:
            yield replace(entry, ignored="it depends on the condition above", missed=True)
        elif entry.name in _INCLUDES:
            there = _included(entry, root) is not None
            why = "read; see there" if there else f"{entry.value} does not exist"
            if not there and reader.is_file(entry.file.parent / entry.value.partition(":")[0]):
                why = f"{entry.value} leads out of the project"
            yield replace(entry, ignored=why, missed=not there)
        elif entry.name in VARIABLES:
            yield replace(entry, ignored="a variable of this file; its value was inserted")
        else:
            yield entry


class _Filler:
    """The values of placeholders, with a limit on the length of all replacements."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.left = _MOST_FILLED

    def fill(self, entry: Entry) -> Entry:
        """Return ``entry`` with uWSGI's values for its placeholders; ``ignored`` if that is too long.

        The limit is needed: a few placeholders that name each other twice expand to gigabytes.
        """
        value = entry.value
        try:
            for _ in range(_DEEP):
                before, value = value, self._once(r"%\(([^()]+)\)", value, self.known)
                if value == before:
                    break
            value = self.magic(entry.file, value)
        except OverflowError:
            return replace(
                entry,
                value="",
                ignored=entry.ignored or f"it is longer than {reader.LONGEST} characters",
                missed=not entry.ignored,
            )
        return replace(entry, value=value)

    def magic(self, file: Path, value: str) -> str:
        """Return ``value`` with uWSGI's own placeholders, which are about the ``file`` that it is in."""
        return self._once(r"%([dpsncve])", value, _magic(file))

    def _once(self, pattern: str, value: str, known: Mapping[str, str]) -> str:
        size = len(value)

        def put(found: re.Match[str]) -> str:
            nonlocal size
            new = known.get(found[1], found[0])
            size += len(new)
            self.left -= len(new)
            if size > reader.LONGEST or self.left < 0:
                raise OverflowError
            return new

        if size > reader.LONGEST:
            raise OverflowError
        return re.sub(pattern, put, value)


def _magic(file: Path) -> dict[str, str]:
    file = file.absolute()
    return {
        "d": f"{file.parent}/", "p": str(file), "s": file.name, "n": file.stem, "c": file.parent.name,
        "v": str(file.parent), "e": file.suffix.removeprefix("."),
    }  # fmt: skip
