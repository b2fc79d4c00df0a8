"""What is in a .deb: its control file, and its files by origin, largest first."""

from __future__ import annotations

import csv
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debonair.deb import archive
from debonair.deb.tree import Entry

_RECORD = re.compile(r"(?P<modules>.*/site-packages)/(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/RECORD")


@dataclass(frozen=True)
class Part:
    """The files of a package that came from one place."""

    origin: str
    """A Python package with its version, ``the app``, or ``Debian``."""
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """The bytes of its files together."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True)
class Inspection:
    """What was found in a .deb."""

    path: Path
    size: int
    """Bytes of the .deb itself."""
    fields: dict[str, str]
    """The fields of its control file."""
    parts: tuple[Part, ...]
    """Largest first."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
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
        """Return it for people: control, then the parts, each with its largest files."""
        lines = [f"{self.path.name}, {self.size:,} bytes", ""]
        lines += [f"{name}: {value}".replace("\n", "\n ") for name, value in self.fields.items()]
        for part in self.parts:
            lines += ["", f"{part.size:>12,}  {part.origin} ({len(part.entries)} files)"]
            lines += [f"{entry.size:>12,}    /{entry.path}" for entry in part.entries[:5]]
        return "\n".join(lines)


def inspect(path: Path) -> Inspection:
    """Read the .deb at ``path``. Raises ``PackageError`` if it is not one."""
    deb = archive.read(path, keep=lambda name: _RECORD.fullmatch(name) is not None)
    owners: dict[str, str] = {}
    for name, data in deb.contents.items():
        if found := _RECORD.fullmatch(name):
            for row in csv.reader(data.decode(errors="replace").splitlines()):
                if not row:
                    continue
                owners[posixpath.normpath(f"{found['modules']}/{row[0]}")] = (
                    f"{found['name']} {found['version']}"
                )
    home = f"usr/lib/{deb.fields.get('Package', '')}/dist/app/"
    parts: dict[str, list[Entry]] = {}
    for entry in deb.entries:
        if entry.kind != "dir":
            origin = owners.get(entry.path) or ("the app" if entry.path.startswith(home) else "Debian")
            parts.setdefault(origin, []).append(entry)
    found_parts = [
        Part(origin, tuple(sorted(entries, key=lambda entry: (-entry.size, entry.path))))
        for origin, entries in parts.items()
    ]
    found_parts.sort(key=lambda part: (-part.size, part.origin))
    return Inspection(path, path.stat().st_size, deb.fields, tuple(found_parts))
