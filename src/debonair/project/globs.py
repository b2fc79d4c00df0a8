"""The files of a project that match a pattern (PEP 639, "license-files")."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from debonair.project import reader


def files(root: Path, pattern: str) -> list[str]:
    """Return the paths of the files in the folder ``root`` that match ``pattern``, sorted.

    ``*`` and ``?`` match within a name; ``**`` matches folders. A pattern that leaves the folder matches no
    file. Links are included without following them, because their reader checks where they lead.
    """
    segments = pattern.split("/")
    if ".." in segments or pattern.startswith("/"):
        return []
    plain = next(
        (place for place, part in enumerate(segments[:-1]) if set(part) & set("*?[")), len(segments) - 1
    )
    deepest = {} if "**" in segments else {"deepest": len(segments) - 1 - plain}
    found = [
        here / name
        for here, _, names in reader.below(root.joinpath(*segments[:plain]), **deepest)
        for name in names
    ]
    return sorted(
        str(path.relative_to(root))
        for path in found
        if _fits(path.relative_to(root).parts, segments) and reader.is_file(path)
    )


def texts(root: Path, pattern: str) -> dict[str, str]:
    """Return the texts of the files that match ``pattern``, by their names without a folder.

    Raises ``ProjectError`` if a file cannot be read, is not text, or leads out of the project.
    """
    return {name.rpartition("/")[2]: reader.text(root / name, root) for name in files(root, pattern)}


def _fits(parts: Sequence[str], segments: Sequence[str]) -> bool:
    places = {0}
    for part in segments:
        if part == "**":
            places = set(range(min(places, default=len(parts) + 1), len(parts) + 1))
        else:
            places = {at + 1 for at in places if at < len(parts) and fnmatchcase(parts[at], part)}
    return len(parts) in places
