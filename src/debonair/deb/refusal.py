"""Why a stranger's package is refused, before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Unfit(Exception):  # noqa: N818 - it is the package that is at fault
    """dpkg does not install the package, or it exceeds one of our limits.

    ``why`` completes the sentence 'The package is refused: ...'. ``hint`` tells its author what to do about
    it, and may be empty.
    """

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class Stream(Protocol):
    """Bytes that are read once, from the first to the last."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, and none at the end."""


def exactly(stream: Stream, size: int, what: str) -> bytes:
    """Return ``size`` bytes of ``stream``. Raises ``Unfit``, which names ``what``, if there are fewer."""
    data = stream.read(size)
    if len(data) == size:
        return data
    parts, left = [data], size - len(data)
    while left and data:
        data = stream.read(left)
        parts.append(data)
        left -= len(data)
    if left:
        raise Unfit(f"it ends within {what}", "Check that the file was copied completely.")
    return b"".join(parts)


def drain(read: Callable[[int], bytes]) -> None:
    """Read and discard everything up to the end."""
    while read(1 << 16):
        pass
