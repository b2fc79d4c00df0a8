"""Decompress the members of a .deb piece by piece, up to a limit.

dpkg reads one stream of xz, one of bzip2, one frame of zstd. Other programs also read a second one behind
it, so a member with a second one is refused.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from debonair.deb.ar import Part
from debonair.deb.refusal import Unfit

_IN = 1 << 16
_OUT = 1 << 18
_MEMORY = 1 << 28
"""Bytes of memory that xz may take to decompress; dpkg-deb -z9 needs a quarter of that."""
_CUT = "Check that the file was copied completely."


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Unpacked:
    """The decompressed bytes of a member of the archive."""

    def __init__(self, part: Part, packed: str, most: int) -> None:
        """Prepare to read ``part``.

        ``packed`` is its compression, as ``ar.members`` yields it. ``most`` limits the decompressed bytes.
        Raises ``Unfit`` for zstd if this machine has no library for it.
        """
        self._part = part
        self._most = self._left = most
        self._how = _HOW[packed]() if packed else None
        self._held = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, and none at the end.

        Raises ``Unfit`` if the member is damaged or truncated, or exceeds the limit.
        """
        if self._at == len(self._held):
            self._held, self._at = self._more(), 0
            self._left -= len(self._held)
            if self._left < 0:
                raise Unfit(f"its {self._part.name} unpacks to more than {_megabytes(self._most)} MB")
        data = self._held[self._at : self._at + size]
        self._at += len(data)
        return data

    def _more(self) -> bytes:
        how = self._how
        if how is None:
            return self._part.read(_OUT)
        try:
            while not how.eof:
                packed = self._part.read(_IN) if how.needs_input else b""
                if how.needs_input and not packed:
                    raise Unfit(f"its {self._part.name} is incomplete", _CUT)
                if data := how.decompress(packed, _OUT):
                    return data
        except (lzma.LZMAError, zlib.error, OSError, EOFError, ValueError) as damaged:
            raise Unfit(f"its {self._part.name} cannot be decompressed: {damaged}", _CUT) from damaged
        if how.unused_data or self._part.left:
            raise Unfit(
                f"its {self._part.name} continues after the end of its compressed stream, where dpkg stops "
                "reading",
                "Compress it in one stream, as 'dpkg-deb -Zxz' does.",
            )
        return b""


class _Gzip:
    """zlib's decompressor with the interface of those of lzma and bz2."""

    def __init__(self) -> None:
        self._how = zlib.decompressobj(31)
        self._held = b""
        self._full = False

    @property
    def eof(self) -> bool:
        return self._how.eof

    @property
    def needs_input(self) -> bool:
        return not self._held and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._how.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = self._how.decompress(self._held + data, max_length)
        self._held = self._how.unconsumed_tail
        self._full = len(found) == max_length  # zlib may hold more output although it has no input left
        return found


def gunzip(data: bytes, most: int) -> bytes | None:
    """Return the decompressed bytes of the gzip file ``data``.

    Returns None if it is damaged or truncated, or exceeds ``most`` bytes.
    """
    how = zlib.decompressobj(31)
    try:
        found = how.decompress(data, most + 1)
    except zlib.error:
        return None
    return found if how.eof and len(found) <= most else None


def _bzip2() -> _Decompressor:
    import bz2  # noqa: PLC0415 - hardly any deb uses it

    return bz2.BZ2Decompressor()


def _zstd() -> _Decompressor:
    from debonair.deb import zstd  # noqa: PLC0415 - only a member in zstd loads the library

    return zstd.decompressor()


_HOW: dict[str, Callable[[], _Decompressor]] = {
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=_MEMORY),
    "gz": _Gzip,
    "bz2": _bzip2,
    "zst": _zstd,
}


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f}"
