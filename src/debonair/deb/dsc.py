"""A Debian source package of the format 3.0 (quilt): two tarballs and the .dsc that names them.

deb-src-control(5), dsc(5) and dpkg-source(1) define the format.
"""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from collections.abc import Iterable, Mapping

from debonair.deb import deb822, xz
from debonair.deb.tree import Source, pack

FORMAT = "3.0 (quilt)"
STANDARDS = "4.7.2"
"""The version of Debian Policy that the rendered debian/ folders follow."""
_SUMS = {"Checksums-Sha1": "sha1", "Checksums-Sha256": "sha256", "Files": "md5"}


def tarball(sources: Iterable[Source], *, mtime: int, preset: int = 6) -> bytes:
    """Return the .tar.xz of ``sources`` and of their parent folders, sorted by path.

    ``mtime``, in seconds, is that of those folders; ``preset`` is xz's, 0 to 9. The same arguments give the
    same bytes everywhere.
    """
    files = {source.path: source for source in sources}
    folders = {parent for path in files for parent in _parents(path)}
    members = [*files.values(), *(Source.directory(path, mtime=mtime) for path in folders)]
    packed = pack(sorted(members, key=lambda member: member.path)) + b"\0" * (2 * tarfile.BLOCKSIZE)
    return xz.splice([xz.compress(packed, preset=preset)])


def text(fields: Mapping[str, str], files: Mapping[str, bytes]) -> str:
    """Return the .dsc with ``fields`` in their order, for ``files``: bytes by name."""
    stanza = {"Format": FORMAT, **{name: value for name, value in fields.items() if value}}
    for field, algorithm in _SUMS.items():
        stanza[field] = ""
        for name, data in sorted(files.items()):
            digest = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
            stanza[field] += f"\n{digest} {len(data)} {name}"
    return deb822.text(stanza)


def _parents(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
