"""The content of a .deb: its control file, and its files by origin, largest first."""

from __future__ import annotations

import csv
import io
import itertools
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debonair.deb import archive, deb822
from debonair.deb.reader import MOST_ENTRIES
from debonair.deb.tar import Member
from debonair.deb.tree import Entry

if TYPE_CHECKING:
    from debonair.deb.reader_pool import Pool

RECORD = re.compile(r"(?P<modules>.*/site-packages)/(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/RECORD")
"""Path of the file in which pip and other installers list the files of a Python package."""


@dataclass(frozen=True)
class Part:
    """The files of a package that come from one place."""

    origin: str
    """A Python package with its version, ``the app``, or ``Debian``."""
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Total bytes of its files."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True)
class Inspection:
    """Everything that was found in a .deb."""

    path: Path
    size: int
    """Bytes of the .deb itself."""
    fields: dict[str, str]
    """The fields of its control file."""
    parts: tuple[Part, ...]
    """Largest first."""

    def as_json(self) -> dict[str, Any]:
        """Return the inspection as values for JSON."""
        return {
            "file": self.path.name,
            "size": self.size,
            "control": self.fields,
            "parts": [
                {
                    "origin": part.origin,
                    "size": part.size,
                    "files": [{"path": f"/{entry.path}", "size": entry.size} for entry in part.entries],
                }
                for part in self.parts
            ],
        }

    def as_text(self) -> str:
        """Return the inspection as text: control, then the parts, each with its largest files."""
        lines = [f"{self.path.name}, {self.size:,} bytes", ""]
        lines += deb822.text(self.fields).splitlines()
        for part in self.parts:
            lines += ["", f"{part.size:>12,}  {part.origin} ({len(part.entries)} files)"]
            lines += [f"{entry.size:>12,}    /{entry.path}" for entry in part.entries[:5]]
        return "\n".join(lines)


def inspect(path: Path, pool: Pool | None = None) -> Inspection:
    """Read the .deb at ``path``, in a process of ``pool`` if there is one.

    Raises ``PackageError`` if it is not a .deb that dpkg installs.
    """
    data = archive.load(path)
    if pool is None:
        deb = archive.parse(path, data, keep=lambda name: RECORD.fullmatch(name) is not None)
        return _sorted(path, len(data), deb.fields, deb.entries, deb.contents)
    found, kept = pool.contents(path, data, [RECORD.pattern])
    entries = [archive.entry(Member(*each)) for each in found.members]
    return _sorted(path, len(data), found.fields, entries, kept)


def owners(records: Mapping[str, bytes]) -> dict[str, str]:
    """Return the Python package of each file, by path, from all the RECORDs; other files are left out.

    It reads at most as many rows as a package can have files.
    """
    found: dict[str, str] = {}
    left = MOST_ENTRIES
    for name, data in records.items():
        record = RECORD.fullmatch(name)
        if record is None:
            continue
        rows = csv.reader(io.StringIO(data.decode(errors="replace"), newline=""))
        try:
            for row in itertools.islice(rows, left):
                left -= 1
                if row:
                    file = posixpath.normpath(f"{record['modules']}/{row[0]}")
                    found[file] = f"{record['name']} {record['version']}"
        except csv.Error:
            continue
    return found


def _sorted(
    path: Path, size: int, fields: dict[str, str], entries: Iterable[Entry], records: Mapping[str, bytes]
) -> Inspection:
    """Return the files of a .deb by origin, the largest origin first."""
    known = owners(records)
    home = f"usr/lib/{fields.get('Package', '')}/dist/app/"
    parts: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind != "dir":
            origin = known.get(entry.path) or ("the app" if entry.path.startswith(home) else "Debian")
            parts.setdefault(origin, []).append(entry)
    found = [
        Part(origin, tuple(sorted(entries, key=lambda entry: (-entry.size, entry.path))))
        for origin, entries in parts.items()
    ]
    found.sort(key=lambda part: (-part.size, part.origin))
    return Inspection(path, size, fields, tuple(found))
