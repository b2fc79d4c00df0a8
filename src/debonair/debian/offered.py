"""The names of Debian's packages, as far as this machine knows them without a network.

They come from the lists of apt, and from those that Debonair has fetched of other suites. If both are old
or missing, a name may be missing too.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from debonair.host.cache import Cache
from debonair.host.memo import remember

_ORIGINS = ("Debian", "Raspbian", "Raspberry Pi Foundation")
_ORIGIN = re.compile(r"^Origin: *(.*?) *$", re.MULTILINE)
_BEGINNING = 4096
"""Characters of a Release file that hold its Origin."""


def packages(names: Collection[str], *, cache: Cache, root: Path = Path("/")) -> set[str]:
    """Return those of ``names`` that Debian, or Raspberry Pi OS, has a package of."""
    found: set[str] = set()
    for index in _indices(cache, root):
        with index.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            lacking = [name for name in names if name not in found]
            found |= {name for name in lacking if text.find(f"\nPackage: {name}\n".encode()) >= 0}
            found |= {name for name in lacking if text[: len(name) + 10] == f"Package: {name}\n".encode()}
    return found


def has(name: str, *, cache: Cache, root: Path = Path("/")) -> bool:
    """Return whether Debian, or Raspberry Pi OS, has a package ``name``; remember it for these indices."""
    stats = [(path, path.stat()) for path in _indices(cache, root)]
    seen = [name, *(f"{path} {found.st_size} {found.st_mtime_ns}" for path, found in stats)]
    key = hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]
    kept = cache.folder("names") / f"{key}.taken"
    return remember(kept, bool, lambda: bool(packages([name], cache=cache, root=root)), cache)


def _indices(cache: Cache, root: Path) -> Iterator[Path]:
    """Yield the plain indices of Debian's packages, one of each suite and architecture."""
    places = [*sorted(cache.folder("apt").glob("*/lists")), root / "var/lib/apt/lists"]
    seen = set()
    for path in (path for place in places for path in sorted(place.glob("*_Packages"))):
        release = path.parent / re.sub(r"(_dists_[^_]+)_.*", r"\1_InRelease", path.name)
        if path.name in seen or not release.is_file() or not path.stat().st_size:
            continue
        with release.open(errors="replace") as file:
            origin = _ORIGIN.search(file.read(_BEGINNING))
        if origin and origin[1] in _ORIGINS:
            seen.add(path.name)
            yield path
