"""Open a wheel, a zip file by strangers, within bounds.

A small file may hold very many members, or very large ones, and its entries may state wrong sizes. zipfile
returns no more of a member than its entry states. So checks of the entries come before any unpacking.
"""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import IO, Any

from debonair.errors import WheelError, unreadable

HINT = "Lock another version of it, and report this to its authors."
MOST_FILES = 50_000
MOST_COMMANDS = 2_000
"""The most entry points for which a command is written."""
_MOST = 4 << 30  # bytes of all files
_SMALL = 256 << 20
"""Bytes that every wheel may unpack to; a larger one must not be compressed more than ``_RATIO`` times."""
_RATIO = 40
_MOST_OF_A_TEXT = 16 << 20
"""The most bytes of a text that describes the wheel, such as RECORD."""
_PIECE = 1 << 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""zipfile cannot limit its memory for other methods."""


class Archive(zipfile.ZipFile):
    """The wheel at ``path``, open for reading. Raises ``WheelError`` if damaged or too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with unreadable(WheelError, f"{path.name} is not a valid wheel", HINT):
            super().__init__(path)
        self._check()

    def _check(self) -> None:
        members = self.infolist()
        if len(members) > MOST_FILES:
            raise self.refused(f"has {len(members)} files, more than {MOST_FILES}")
        total = sum(member.file_size for member in members)
        if total > min(_MOST, max(_SMALL, _RATIO * self.path.stat().st_size)):
            raise self.refused(f"would unpack to {total >> 20} MiB, too much for its size")
        if any(member.compress_type not in _METHODS for member in members):
            raise self.refused("is compressed by a method that wheels do not use")

    def refused(self, why: str) -> WheelError:
        """Return the error that the wheel exceeds a bound: ``has 3 files too many``."""
        return WheelError(f"{self.path.name} {why}.", hint=HINT)

    def open(self, *words: Any, **more: Any) -> IO[bytes]:
        """Return the stream of a member, which unpacks in pieces even if its entry is wrong."""
        stream = super().open(*words, **more)
        stream.MAX_N = _PIECE  # type: ignore[attr-defined]
        return stream

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        """Return a text that describes the wheel. Raises ``WheelError`` if it is too long."""
        info = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        if info.file_size > _MOST_OF_A_TEXT:
            raise self.refused(f"has a {info.filename} of {info.file_size >> 20} MiB")
        return super().read(info, pwd)


def content(stream: IO[bytes]) -> bytes:
    """Return the bytes of a member's ``stream``."""
    return b"".join(iter(partial(stream.read, _PIECE), b""))
