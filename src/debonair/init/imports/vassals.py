"""Find the vassals of an emperor in the project."""

from __future__ import annotations

import fnmatch
from pathlib import Path, PurePosixPath

from debonair.init.imports import places
from debonair.init.imports.forms import SUFFIXES, Entry
from debonair.project import reader


def find(root: Path, emperor: Entry, home: str) -> list[Path]:
    """Return the configurations in the folder that an option ``emperor`` names, or that match its pattern.

    ``home`` is the folder in which the emperor ran.
    """
    path = PurePosixPath(emperor.value.removeprefix("dir://").removeprefix("glob://"))
    pattern = path.name if "*" in path.name else "*"
    folder = str(path.parent if "*" in path.name else path)
    beside = places.inside(root, str(emperor.file.absolute().parent / folder))
    place = beside or places.inside(root, folder, home)
    if place is None or not reader.is_folder(root / place):
        return []
    names = (name for _, _, names in reader.below(root / place, deepest=0) for name in names)
    found = (root / place / name for name in sorted(names) if fnmatch.fnmatchcase(name, pattern))
    return [path for path in found if path.suffix in SUFFIXES and path.resolve() != emperor.file.resolve()]
