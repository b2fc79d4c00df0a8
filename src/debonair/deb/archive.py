"""The .deb file itself: an ar archive of a version, a control and a data tarball (deb(5)).

This module writes it. ``reader`` reads it, no matter who built it.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path

import msgspec

from debonair.deb import reader, tar, xz
from debonair.deb.ar import MAGIC, Part
from debonair.deb.control import Control
from debonair.deb.decompression import Unpacked
from debonair.deb.reader import Foreign
from debonair.deb.refusal import Unfit
from debonair.deb.tar import Member
from debonair.deb.tree import Entry, Kind, Source, Tree, pack
from debonair.errors import PackageError

_END_OF_TAR = b"\0" * (2 * tarfile.BLOCKSIZE)
_KINDS: Mapping[str, Kind] = {"dir": "dir", "link": "link"}
_SCRIPTS = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})
_LARGEST = 1 << 32
"""Most bytes of a .deb that are held in memory; deb(5) itself allows twice as many."""
_ALL = 1 << 34


def write(control: Control, tree: Tree, members: Mapping[str, str], *, mtime: int) -> bytes:
    """Return the bytes of a .deb.

    ``members`` are further files of the control tarball by name (``postinst``, ``triggers``, ``conffiles``
    ...); the maintainer scripts among them become executable. ``mtime``, in seconds since the epoch, is
    that of the ar and control members. The same arguments give the same bytes everywhere.
    """
    sums = "".join(f"{entry.md5}  {entry.path}\n" for entry in tree.entries if entry.kind == "file")
    texts = {
        "control": control.text(installed_size=tree.installed_size()),
        "md5sums": sums,
        **members,
    }
    files = [
        Source.file(
            name,
            text.encode(errors="surrogateescape"),
            mode=0o755 if name in _SCRIPTS else 0o644,
            mtime=mtime,
        )
        for name, text in sorted(texts.items())
        if text
    ]
    metadata = xz.splice([xz.compress(pack([_root(mtime), *files]) + _END_OF_TAR)])
    data = _data(tree, mtime)
    return b"".join(
        [
            MAGIC,
            *_ar_member("debian-binary", b"2.0\n", mtime),
            *_ar_member("control.tar.xz", metadata, mtime),
            *_ar_member("data.tar.xz", data, mtime),
        ]
    )


def sources(tree: Tree) -> Iterator[Source]:
    """Yield the members of ``tree`` with their bytes, a folder before its content."""
    data = _data(tree, 0)
    part = Part(BytesIO(data), "data.tar.xz", len(data))
    for member, content in tar.members(Unpacked(part, "xz", reader.MOST_DATA)):
        if member.path:
            one = entry(member)
            data = content.read(member.size)
            yield Source(one.path, one.kind, one.mode, one.mtime, data, one.target)


def _data(tree: Tree, mtime: int) -> bytes:
    """Return the data tarball of ``tree``, compressed; ``mtime`` is that of the root folder."""
    first = xz.compress(pack([_root(mtime)]))
    last = xz.compress(_END_OF_TAR)
    return xz.splice([first, *(layer.block for layer in tree.layers), last])


class Deb(msgspec.Struct, frozen=True):
    """A .deb that was read: the whole control tarball, and the entries of the data tarball."""

    fields: dict[str, str]
    """The fields of the control file."""
    members: dict[str, bytes]
    """Every file of the control tarball, by name."""
    entries: tuple[Entry, ...]
    """Every member of the data tarball in its order, without MD5 sums."""
    contents: dict[str, bytes]
    """Bytes of the files that the caller asked for, by path."""


def load(path: Path) -> bytes:
    """Return the bytes of the file at ``path``. Raises ``PackageError`` if they cannot be read."""
    try:
        # Without O_NONBLOCK, opening a fifo would wait for its writer.
        with open(path, "rb", opener=lambda name, how: os.open(name, how | os.O_NONBLOCK)) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise refusal(path, Unfit("it is not a regular file"))
            if found.st_size > _LARGEST:
                raise refusal(path, Unfit(f"it has {found.st_size} bytes, more than 4 GiB"))
            return file.read(found.st_size)
    except FileNotFoundError as missing:
        raise PackageError(f"There is no file {path}.") from missing
    except MemoryError as large:
        raise refusal(path, Unfit("it does not fit into the memory of this machine")) from large
    except OSError as refused:
        raise refusal(path, Unfit(refused.strerror or str(refused))) from refused


def read(path: Path, *, keep: Callable[[str], bool] = lambda _: False) -> Deb:
    """Read the .deb at ``path``, with the bytes of those files whose path ``keep`` accepts.

    Raises ``PackageError`` if it is not one that dpkg installs.
    """
    return parse(path, load(path), keep=keep)


def parse(path: Path, data: bytes, *, keep: Callable[[str], bool] = lambda _: False) -> Deb:
    """Read the .deb whose bytes are ``data``, as ``read`` does; errors name ``path``."""
    try:
        deb = Foreign(BytesIO(data))
        found, contents = deb.rest(keep, most=_ALL, most_all=_ALL)
    except Unfit as unfit:
        raise refusal(path, unfit) from unfit
    return Deb(deb.fields, deb.members, tuple(map(entry, found)), contents)


def read_control(path: Path) -> dict[str, str]:
    """Return the fields of the control file of the .deb at ``path``, without reading the rest of it.

    Raises ``PackageError`` if it is not a .deb.
    """
    try:
        return Foreign(BytesIO(load(path))).fields
    except Unfit as unfit:
        raise refusal(path, unfit) from unfit


def refusal(path: Path, unfit: Unfit) -> PackageError:
    """Return the error that explains why the package at ``path`` is refused."""
    return PackageError(f"{path} is not a usable Debian package: {unfit.why}.", hint=unfit.hint)


def _root(mtime: int) -> Source:
    return Source.directory("", mtime=mtime)


def _ar_member(name: str, content: bytes, mtime: int) -> tuple[bytes, bytes, bytes]:
    """Return header, content and padding separately: the content is large, and joined only once."""
    header = f"{name:<16}{mtime:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode("ascii")
    return header, content, b"\n" * (len(content) % 2)


def entry(member: Member) -> Entry:
    """Return a member of a tar as an entry; anything except folders and symbolic links is a file."""
    kind = _KINDS.get(member.kind, "file")
    return Entry(member.path, kind, member.mode, member.mtime, member.size, "", member.target)
