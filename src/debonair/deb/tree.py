"""The plan of a package's files: complete, sorted, free of collisions before one byte is written."""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from debonair.deb import xz
from debonair.errors import PackageError

Kind = Literal["file", "dir", "link"]

_LONGEST = 246  # bytes of a name: file systems allow 255, and dpkg appends '.dpkg-new' while it unpacks
_TAR_TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


class Entry(msgspec.Struct, frozen=True):
    """One member of a package, without its bytes."""

    path: str
    """Below the root, with neither a leading nor a trailing slash."""
    kind: Kind
    mode: int
    """Permission bits; a link's are 0o777."""
    mtime: int
    """Seconds since the epoch, UTC."""
    size: int = 0
    """Bytes of a file; 0 for anything else."""
    md5: str = ""
    """Hexadecimal MD5 of a file's bytes, as dpkg's md5sums file wants it; else empty."""
    target: str = ""
    """Where a link points to; else empty."""


class Source(msgspec.Struct, frozen=True):
    """One member to pack, with its bytes."""

    path: str
    kind: Kind
    mode: int
    mtime: int
    data: bytes = b""
    target: str = ""

    @classmethod
    def file(cls, path: str, data: bytes, *, mtime: int, mode: int = 0o644) -> Source:
        """Return a file with ``data`` at ``path``."""
        return cls(path, "file", mode, mtime, data=data)

    @classmethod
    def directory(cls, path: str, *, mtime: int, mode: int = 0o755) -> Source:
        """Return a directory at ``path``."""
        return cls(path, "dir", mode, mtime)

    @classmethod
    def link(cls, path: str, target: str, *, mtime: int) -> Source:
        """Return a symbolic link at ``path`` that points to ``target``."""
        return cls(path, "link", 0o777, mtime, target=target)

    def entry(self) -> Entry:
        """Return the entry that describes this member."""
        md5 = hashlib.md5(self.data, usedforsecurity=False).hexdigest() if self.kind == "file" else ""
        return Entry(self.path, self.kind, self.mode, self.mtime, len(self.data), md5, self.target)


class Layer(msgspec.Struct, frozen=True):
    """Members that were packed and compressed together, once."""

    name: str
    """Where they come from, for display: ``Flask 3.1.3``."""
    entries: tuple[Entry, ...]
    block: xz.Block
    """Their tar members, compressed."""


class Tree(msgspec.Struct, frozen=True):
    """Every member of a package, layer by layer, in the order in which they are written."""

    layers: tuple[Layer, ...]

    @property
    def entries(self) -> list[Entry]:
        """All entries, sorted by path."""
        return sorted((entry for layer in self.layers for entry in layer.entries), key=lambda e: e.path)

    @property
    def size(self) -> int:
        """The total bytes of all files."""
        return sum(entry.size for layer in self.layers for entry in layer.entries)

    def installed_size(self) -> int:
        """Return the disk space in KiB as deb-substvars(5) counts Installed-Size.

        Each file is rounded up to whole KiB, and everything else counts as one.
        """
        return sum(
            -(-entry.size // 1024) if entry.kind == "file" else 1
            for layer in self.layers
            for entry in layer.entries
        )


def layer(name: str, sources: Iterable[Source], *, preset: int = 6) -> Layer:
    """Pack and compress ``sources`` into one layer, folder by folder.

    ``preset`` is xz's, 0 to 9. Raises ``PackageError`` for a path that leaves the package's root or occurs
    twice.
    """
    return shared([(name, sources)], preset=preset)[0]


def shared(parts: Sequence[tuple[str, Iterable[Source]]], *, preset: int = 6) -> tuple[Layer, ...]:
    """Return a layer of each of ``parts``, a name and its sources, all packed and compressed together.

    The first layer has the block of them all, and the others have an empty one. Many small blocks would be
    larger than one, because each block starts without earlier data to refer to. ``preset`` and errors are
    those of ``layer``. Two parts may have the same path here, which ``assemble`` refuses.
    """
    listed = [(name, list(sources)) for name, sources in parts]
    for name, sources in listed:
        _refuse_collisions((name, source.path) for source in sources)
    members = [(number, source) for number, (_, sources) in enumerate(listed) for source in sources]
    # Sorted by folder, the result is 1.4 % smaller than by path, and folders still precede their content.
    members.sort(key=lambda member: (posixpath.dirname(member[1].path), member[1].path))
    names = [name for name, _ in parts]
    entries: list[list[Entry]] = [[] for _ in parts]
    for number, source in members:
        check_path(names[number], source.path)
        entries[number].append(source.entry())
    block = xz.compress(pack(source for _, source in members), preset=preset)
    return tuple(
        Layer(name, tuple(entries[number]), xz.EMPTY if number else block)
        for number, name in enumerate(names)
    )


def assemble(layers: Sequence[Layer], *, mtime: int) -> Tree:
    """Put ``layers`` together into one tree, behind a first layer of all their directories.

    Directories are in no other layer, because two wheels may share one, and dpkg wants a directory before
    its content. A directory that a layer states itself (for example with its own mode) is taken from that
    layer. ``mtime`` is that of the directories that are added. Raises ``PackageError`` if two layers state
    one path, or if one has a file where another has a directory.
    """
    _refuse_collisions((part.name, entry.path) for part in layers for entry in part.entries)
    stated = {entry.path: (entry, part.name) for part in layers for entry in part.entries}
    parents: set[str] = set()
    for path, (_, name) in stated.items():
        parent = posixpath.dirname(path)
        while parent and parent not in parents:
            found = stated.get(parent)
            if found and found[0].kind != "dir":
                raise PackageError(
                    f"{found[1]} has a {found[0].kind} '{parent}' where {name} needs a directory "
                    f"for '{path}'.",
                    hint="These two packages cannot be installed together; remove one of them.",
                )
            if not found:
                parents.add(parent)
            parent = posixpath.dirname(parent)
    folders = [Source.directory(path, mtime=mtime) for path in parents]
    # These are only names: a higher preset saves 20 bytes, and takes ten times as long.
    return Tree((layer("directories", folders, preset=3), *layers))


def check_path(origin: str, path: str) -> None:
    """Raise ``PackageError`` if ``path`` is not a plain path below the package's root, or too long.

    ``origin`` is where the path comes from, for the error message.
    """
    if (
        not path
        or path.startswith("/")
        or any(part in {"", ".", ".."} for part in path.split("/"))
        or any(ord(char) < 32 or ord(char) == 127 for char in path)
    ):
        raise PackageError(
            f"{origin} has an entry {path!r}, which is not a plain path inside the package.",
            hint="Do not install this archive: it tries to write outside its folder.",
        )
    if any(len(part.encode(errors="surrogateescape")) > _LONGEST for part in path.split("/")):
        raise PackageError(
            f"{origin} has an entry {path!r}, whose name is longer than {_LONGEST} bytes. dpkg cannot "
            "unpack it.",
            hint="Shorten the name, or exclude the file.",
        )


def pack(sources: Iterable[Source]) -> bytes:
    """Return the tar members of ``sources``, in their order, without the end-of-archive blocks.

    The members are GNU tar's, because dpkg reads ustar with GNU's long names (deb(5)). root owns them, and
    they do not depend on this machine.
    """
    out = io.BytesIO()
    for source in sources:
        info = tarfile.TarInfo("./" + source.path)
        info.type = _TAR_TYPES[source.kind]
        info.mode, info.mtime = source.mode, source.mtime
        info.uname = info.gname = "root"
        info.size, info.linkname = len(source.data), source.target
        out.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
        out.write(source.data)
        out.write(b"\0" * (-len(source.data) % tarfile.BLOCKSIZE))
    return out.getvalue()


def _refuse_collisions(members: Iterable[tuple[str, str]]) -> None:
    owners: dict[str, str] = {}
    for name, path in members:
        if other := owners.get(path):
            raise PackageError(
                f"'{path}' is both in {other} and in {name}.",
                hint="These two packages cannot be installed together; remove one of them.",
            )
        owners[path] = name
