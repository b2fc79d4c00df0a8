"""Find the latest version among the tags of a project's git repository, without running git.

A stranger's repository may have a configuration that makes git run programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.version import InvalidVersion, Version

from debonair.project import reader

_TAG = re.compile(r"[0-9a-f]{40,64} refs/tags/(\S+)")
_NUMBER = re.compile(r"(?:.*[-_/])?v?([0-9][\w.+!-]*)")
_MOST = 16 << 20
"""The most bytes of the file of packed tags."""


def latest(root: Path) -> tuple[str, str]:
    """Return the highest version that the repository in ``root`` has a tag for, and the tag; or nothing."""
    found = dict[Version, str]()
    for tag in _tags(root / ".git", root):
        if number := _NUMBER.fullmatch(tag[: reader.LONGEST]):
            try:
                found[Version(number[1])] = tag
            except InvalidVersion:
                continue
    finals = [version for version in found if not version.is_prerelease]
    best = max(finals or found, default=None)
    return (str(best), found[best]) if best is not None else ("", "")


def _tags(git: Path, root: Path) -> Iterator[str]:
    for line in reader.lines(reader.head(git / "packed-refs", root, most=_MOST)):
        if found := _TAG.fullmatch(line):
            yield found[1]
    folder = git / "refs/tags"
    if not reader.is_inside(folder, root):
        return
    for here, _, names in reader.below(folder):
        yield from (str((here / name).relative_to(folder)) for name in names)
