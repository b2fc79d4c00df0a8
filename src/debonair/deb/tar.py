"""The members of a small tar as dpkg reads it: ustar with GNU's long names (deb(5), tar(5)).

Python's tarfile knows every tar there is, and needs several times as long for a small one: who publishes
ten thousand debs waits for it. So a tar that is large, or of another kind, is left to tarfile.
"""

from __future__ import annotations

import lzma
import tarfile
from collections.abc import Iterator
from io import BytesIO

import msgspec

_BLOCK = tarfile.BLOCKSIZE
_EMPTY = b"\0" * _BLOCK
_LONG = {ord("L"): "name", ord("K"): "target"}
_FILE = frozenset(b"\x000")
_KNOWN = frozenset(b"\x000123456LK")
_SMALL = 1 << 23
"""More bytes than that are not held in memory at once."""
_MAGIC = (b"ustar  \0", b"ustar\x0000")


class Member(msgspec.Struct, frozen=True):
    """A file, a folder or a link of a tar."""

    name: str
    """As it is written, with surrogates for what is not UTF-8."""
    type: bytes
    """tarfile's: ``DIRTYPE``, ``SYMTYPE`` ..."""
    mode: int
    mtime: int
    size: int
    target: str
    """Where a link leads."""
    at: int
    """Where its bytes begin."""


def unpacked(packed: bytes) -> bytes | None:
    """Return the tar that ``packed``, an ``.xz`` file, holds; None if it is large, or in several streams.

    Raises ``lzma.LZMAError`` if it is damaged.
    """
    stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    data = stream.decompress(packed, max_length=_SMALL)
    return data if stream.eof and not stream.unused_data else None


def members(data: bytes) -> Iterator[Member]:
    """Yield the members of ``data``, an uncompressed tar.

    Raises ``tarfile.TarError`` or ``ValueError`` if it is none.
    """
    found: list[Member] = []
    at, long = 0, {"name": "", "target": ""}
    while True:
        header = data[at : at + _BLOCK]
        if len(header) < _BLOCK or header == _EMPTY:
            if not found and header != _EMPTY:
                raise tarfile.ReadError("it ends before its first member")
            break
        kind = header[156]
        if kind not in _KNOWN or header[257:265] not in _MAGIC:
            yield from _otherwise(data)
            return
        # Nearly all of a header is zeros, and the sum without them is there at once.
        if sum((header[:148] + header[156:]).translate(None, b"\0")) + 256 != _number(header[148:156]):
            raise tarfile.ReadError("a header is damaged")
        size, at = _number(header[124:136]), at + _BLOCK
        if kind not in _FILE and kind not in _LONG:
            size = 0
        if at + size > len(data):
            raise tarfile.ReadError("it ends within a member")
        if kind in _LONG:
            long[_LONG[kind]] = _text(data[at : at + size])
        else:
            prefix = _text(header[345:500]) if header[257:265] == _MAGIC[1] else ""
            name = _text(header[:100])
            found.append(
                Member(
                    long["name"] or (f"{prefix}/{name}" if prefix else name),
                    bytes([kind or ord("0")]),
                    _number(header[100:108]),
                    _number(header[136:148]),
                    size,
                    long["target"] or _text(header[157:257]),
                    at,
                )
            )
            long = {"name": "", "target": ""}
        at += -(-size // _BLOCK) * _BLOCK
    yield from found


def _otherwise(data: bytes) -> Iterator[Member]:
    """Yield the members of a tar of another kind, such as pax."""
    with tarfile.open(fileobj=BytesIO(data), mode="r:") as tar:
        yield from map(of, tar)


def of(info: tarfile.TarInfo) -> Member:
    """Return what tarfile says of a member."""
    kind = tarfile.REGTYPE if info.isfile() else info.type
    name, target = info.name, info.linkname
    return Member(name, kind, info.mode, int(info.mtime), info.size, target, info.offset_data)


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # GNU's, for what needs more digits
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    return int(field.strip(b"\0 ") or b"0", 8)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="surrogateescape")
