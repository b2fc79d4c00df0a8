"""The .deb file itself: an ar archive of a version, a control and a data tarball (deb(5))."""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from debonair.deb import control as control_file
from debonair.deb import tar, xz
from debonair.deb.control import Control
from debonair.deb.tree import Entry, Kind, Source, Tree, pack
from debonair.errors import PackageError

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_END_OF_TAR = b"\0" * (2 * tarfile.BLOCKSIZE)
_DAMAGE = (
    OSError,
    KeyError,
    ValueError,
    EOFError,
    OverflowError,
    lzma.LZMAError,
    tarfile.TarError,
    zlib.error,
)
_KINDS: Mapping[bytes, Kind] = {tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link"}
_SCRIPTS = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})


def write(control: Control, tree: Tree, members: Mapping[str, str], *, mtime: int) -> bytes:
    """Return the bytes of a .deb.

    ``members`` are further files of the control tarball by name (``postinst``, ``triggers``, ``conffiles``
    ...), the maintainer scripts among them made executable. ``mtime``, in seconds since the epoch, is
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
            _AR_MAGIC,
            *_ar_member("debian-binary", b"2.0\n", mtime),
            *_ar_member("control.tar.xz", metadata, mtime),
            *_ar_member("data.tar.xz", data, mtime),
        ]
    )


def sources(tree: Tree) -> Iterator[Source]:
    """Yield the members of ``tree`` with their bytes, a folder before what is in it."""
    for member, content in _members({"data.tar.xz": _data(tree, 0)}, "data.tar"):
        entry = _entry(member)
        if entry.path:
            data = content() if entry.kind == "file" else b""
            yield Source(entry.path, entry.kind, entry.mode, entry.mtime, data, entry.target)


def _data(tree: Tree, mtime: int) -> bytes:
    """Return the data tarball of ``tree``, compressed; ``mtime`` is that of the root folder."""
    first = xz.compress(pack([_root(mtime)]))
    last = xz.compress(_END_OF_TAR)
    return xz.splice([first, *(layer.block for layer in tree.layers), last])


class Deb(msgspec.Struct, frozen=True):
    """A .deb that was read: its control tarball whole, its data as entries."""

    fields: dict[str, str]
    """The fields of the control file."""
    members: dict[str, bytes]
    """Every file of the control tarball, by name."""
    entries: tuple[Entry, ...]
    """Every member of the data tarball in its order, without MD5 sums."""
    contents: dict[str, bytes]
    """The bytes of the files that were asked for, by path."""


def load(path: Path) -> bytes:
    """Return the bytes of the file at ``path``. Raises ``PackageError`` if they cannot be read."""
    with _refusing(path):
        return path.read_bytes()


def read(path: Path, *, keep: Callable[[str], bool] = lambda _: False) -> Deb:
    """Read the .deb at ``path``, with the bytes of those files whose path ``keep`` accepts.

    Raises ``PackageError`` if it is not a .deb.
    """
    return parse(path, load(path), keep=keep)


def parse(path: Path, data: bytes, *, keep: Callable[[str], bool] = lambda _: False) -> Deb:
    """Read the .deb whose bytes are ``data``, as ``read`` does; errors name ``path``."""
    entries, contents = [], {}
    with _refusing(path):
        parts = dict(_ar_members(data))
        members = _control_members(parts)
        for member, content in _members(parts, "data.tar"):
            entry = _entry(member)
            if entry.path:
                entries.append(entry)
                if member.type == tarfile.REGTYPE and keep(entry.path):
                    contents[entry.path] = content()
        return Deb(_fields(members), members, tuple(entries), contents)


def read_control(path: Path) -> dict[str, str]:
    """Return the fields of the control file of the .deb at ``path``.

    Raises ``PackageError`` if it is not a .deb.
    """
    with _refusing(path):
        return _fields(_control_members(dict(_ar_members(load(path)))))


class _refusing:  # noqa: N801 - reads as a verb where it is used
    """Turn whatever a damaged file makes the readers raise into a ``PackageError``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if isinstance(raised, FileNotFoundError):
            raise PackageError(f"There is no file {self.path}.") from raised
        if isinstance(raised, _DAMAGE):
            raise PackageError(
                f"{self.path} is not a Debian package that can be read: {raised}.",
                hint="Look whether it was copied in full.",
            ) from raised


def _root(mtime: int) -> Source:
    return Source.directory("", mtime=mtime)


def _ar_member(name: str, content: bytes, mtime: int) -> tuple[bytes, bytes, bytes]:
    """Return header, content and padding, apart: the content is large, and put together once."""
    header = f"{name:<16}{mtime:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode("ascii")
    return header, content, b"\n" * (len(content) % 2)


def _ar_members(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not data.startswith(_AR_MAGIC):
        raise ValueError("it does not begin as an ar archive does")
    at = len(_AR_MAGIC)
    while at + _AR_HEADER <= len(data):
        header = data[at : at + _AR_HEADER].decode("ascii")
        size = int(header[48:58])
        at += _AR_HEADER
        yield header[:16].strip().rstrip("/"), data[at : at + size]
        at += size + size % 2


def _members(parts: Mapping[str, bytes], stem: str) -> Iterator[tuple[tar.Member, Callable[[], bytes]]]:
    """Yield each member of a tarball, and what returns its bytes as long as the next was not asked for."""
    small = tar.unpacked(parts[f"{stem}.xz"]) if f"{stem}.xz" in parts else None
    if small is not None:
        for member in tar.members(small):
            yield member, lambda member=member: small[member.at : member.at + member.size]  # type: ignore[misc]
        return
    with _open_tar(parts, stem) as large:
        for info in large:
            yield tar.of(info), lambda info=info: large.extractfile(info).read()  # type: ignore


def _open_tar(parts: Mapping[str, bytes], stem: str) -> tarfile.TarFile:
    name = next((name for name in parts if name.startswith(stem)), None)
    if name is None:
        raise ValueError(f"it has no {stem}")
    # dpkg goes by the name as well; to try every compression takes longer than to read a small deb
    packed = name.removeprefix(f"{stem}.")
    mode = f"r:{packed}" if packed in {"xz", "gz", "bz2"} else "r:*"
    return tarfile.open(fileobj=io.BytesIO(parts[name]), mode=mode)  # type: ignore[call-overload,no-any-return]


def _control_members(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        member.name.removeprefix("./"): content()
        for member, content in _members(parts, "control.tar")
        if member.type == tarfile.REGTYPE
    }


def _fields(members: Mapping[str, bytes]) -> dict[str, str]:
    fields = control_file.parse(members["control"].decode())
    for name in ("Package", "Version", "Architecture"):
        if not fields.get(name):
            raise ValueError(f"its control file has no {name}")
    return fields


def _entry(member: tar.Member) -> Entry:
    kind = _KINDS.get(member.type, "file")
    path = member.name.removeprefix(".").strip("/")
    return Entry(path, kind, member.mode, member.mtime, member.size, "", member.target)
