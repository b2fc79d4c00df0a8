"""The members of a tar as dpkg reads it: ustar with GNU's long names (deb(5), tar(5)).

Python's tarfile knows every kind of tar, but is several times slower and reads some of them differently
from dpkg. This reader refuses anything that dpkg does not unpack (pax, sparse files). It also refuses
anything that dpkg reads differently from GNU tar, because dpkg uses GNU tar for the control tarball.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from debonair.deb.refusal import Stream, Unfit, drain, exactly

BLOCK = 512
_EMPTY = b"\0" * BLOCK
_LONG = frozenset(b"LK")
_KINDS = {0: "file", ord("0"): "file", ord("1"): "hard", ord("2"): "link", ord("5"): "dir"} | dict.fromkeys(
    b"346", "special"
)
_LONGEST = 4095
"""Bytes of a path: PATH_MAX without its terminator."""
_OCTAL = b"01234567"
_OWNERS = (108, 116)
_DEVICE = (329, 337)
_USTAR = b"ustar\x0000"


class Member(NamedTuple):
    """A file, a folder or a link of a tar."""

    path: str
    """Path below the root, without slashes around it; empty for the root.

    Bytes that are not UTF-8 are surrogates.
    """
    kind: str
    """``file``, ``dir``, ``link``, ``hard``, or ``special`` for devices and fifos."""
    mode: int
    mtime: int
    size: int
    """Bytes of a file; 0 for anything else."""
    target: str
    """Where a link leads."""


class Content:
    """The bytes of the current member."""

    def __init__(self, stream: Stream, path: str, size: int) -> None:
        self._stream = stream
        self._path = path
        self._left = size
        self._padding = -size % BLOCK

    def read(self, size: int, /) -> bytes:
        """Return ``size`` bytes, or those that are left. Raises ``Unfit`` if the tar ends within."""
        if not (length := min(size, self._left)):
            return b""
        data = exactly(self._stream, length, f"the file {self._path!r}") if length else b""
        self._left -= len(data)
        return data

    def finish(self) -> None:
        """Skip to the next header."""
        while self.read(1 << 18):
            pass
        exactly(self._stream, self._padding, f"the file {self._path!r}")


def members(stream: Stream) -> Iterator[tuple[Member, Content]]:
    """Yield the members of an uncompressed tar, whose bytes can be read until the next is requested.

    The bytes behind the end of the tar are read too, because they may be damaged. Raises ``Unfit`` if dpkg
    does not read it.
    """
    long: dict[int, str] = {}
    while header := stream.read(BLOCK):
        if len(header) < BLOCK:
            header += exactly(stream, BLOCK - len(header), "a header of its tar")
        if header == _EMPTY:
            break
        # Nearly all of a header is zeros: translate() drops them fast, before Python adds up the rest.
        if sum((header[:148] + header[156:]).translate(None, b"\0")) + 256 != _number(header[148:156]):
            raise Unfit("a header of its tar is damaged", "Check that the file was copied completely.")
        size, letter = _number(header[124:136]), header[156]
        if letter in _LONG:
            if size > _LONGEST + 1:
                raise Unfit(f"a name in its tar has more than {_LONGEST} bytes")
            content = Content(stream, "a long name", size)
            long[letter] = _text(content.read(size))
            content.finish()
            continue
        member = _member(header, letter, size, long)
        content = Content(stream, member.path, member.size)
        yield member, content
        if member.size:
            content.finish()
        long = {}
    drain(stream.read)


def _member(header: bytes, letter: int, size: int, long: dict[int, str]) -> Member:
    name = _text(header[:100])
    if header[257:265] == _USTAR and header[345]:
        name = f"{_text(header[345:500])}/{name}"
    name = long.get(ord("L")) or name
    kind = _KINDS.get(letter)
    if kind is None:
        raise Unfit(
            f"its tar has a member {name!r} of the type {chr(letter)!r}, which dpkg does not unpack",
            "Build it again with dpkg-deb, or with GNU tar's own format.",
        )
    if kind == "file" and name.endswith("/"):
        kind = "dir"
    for at in _OWNERS if kind != "special" else (*_OWNERS, *_DEVICE):
        _number(header[at : at + 8])
    return Member(
        _path(name),
        kind,
        _number(header[100:108]) & 0o7777,
        _number(header[136:148]),
        size if kind == "file" else 0,
        (long.get(ord("K")) or _text(header[157:257])) if kind in {"link", "hard"} else "",
    )


def _path(name: str) -> str:
    """Return a name as dpkg reads it. Raises ``Unfit`` for one that leaves the root or breaks lists."""
    if not name:
        raise Unfit("a member of its tar has no name")
    path = name
    while path.startswith(("./", "/")):
        path = path.removeprefix(".").lstrip("/")
    path = path.rstrip("/")
    if path in {"", "."}:
        return ""
    if len(path) > _LONGEST or "\n" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise Unfit(f"it has a file named {name[:200]!r}, which is not a plain path")
    return path


@lru_cache(maxsize=1024)  # nearly all are the same in every header
def _number(field: bytes) -> int:
    """Return the number in a field of a header. Raises ``Unfit`` if it is not one to dpkg or GNU tar."""
    if field[0] & 0x80:  # GNU's form for more digits; negative if all bits of the first byte are set
        return int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else _large(field)
    text = field.rstrip(b"\0 ").lstrip(b" ")
    if text.strip(_OCTAL):
        raise Unfit("a number in a header of its tar is not valid")
    return int(text or b"0", 8)


def _large(field: bytes) -> int:
    value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    if value >= 1 << 63:
        raise Unfit("a number in a header of its tar is too large")
    return value


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="surrogateescape")
