"""The operations that a folder, a bucket or another machine must offer to keep a repository.

A reader may come at any time, so a file must be there whole or not at all. Tags, which change whenever a
file does, tell two writers apart (an ETag of HTTP, RFC 9110 section 8.8.3).

Others who may write there gain no influence by that. A path never leaves the repository, no link is
followed, and a reader limits how much of a file it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from debonair.errors import RepositoryError
from debonair.repository.excerpt import shown


class Conflict(Exception):  # noqa: N818 - it is caught and retried, never shown
    """A file has changed since its writer read it: somebody else has written it."""


class TooLarge(RepositoryError):  # noqa: N818 - what a file is, not what somebody did
    """A file exceeds its limit; ``tag`` is its tag, which a writer needs to replace it."""

    def __init__(self, path: str, limit: int, tag: str) -> None:
        super().__init__(
            f"{shown(path)} is larger than {limit} bytes, the limit for such a file.",
            hint="Someone else may have written it. Restore it from a backup of the repository.",
        )
        self.tag = tag


class Stored(msgspec.Struct, frozen=True):
    """A file that was read, and its tag at that time."""

    data: bytes
    tag: str


class Instead(msgspec.Struct, frozen=True):
    """The finding that a path does not have the expected file, but another one or no file."""

    tag: str | None
    """Its tag; None if there is nothing."""


UNFINISHED = ".new."
"""Prefix of the names of files that are not completely written."""


class Found(msgspec.Struct, frozen=True):
    """A file that was listed."""

    path: str
    size: int
    """Bytes."""
    modified: int
    """Seconds since the epoch, UTC."""


_LONGEST = 1000
"""No path has more characters than that: an object store allows 1024 bytes."""


class Storage(Protocol):
    """The files of one repository, by their path below its root, with ``/`` between folders.

    All methods raise ``RepositoryError`` for a path that ``inside`` refuses, and for a link.
    """

    at_once: int
    """Number of its methods that may run in parallel, in threads: 1 if none of them waits for a network."""

    def read(self, path: str, limit: int) -> Stored | None:
        """Return the file at ``path``, or None if there is none.

        Raises ``TooLarge`` if it has more than ``limit`` bytes; no more than one of those is read.
        """

    def size(self, path: str) -> int | None:
        """Return the number of bytes of the file at ``path``, or None if there is none."""

    def add(self, path: str, data: bytes) -> bool:
        """Write a file that never changes; return whether it is new."""

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the file that has ``tag``, or, if that is None, where there is no file.

        Raises ``Conflict`` if the file has another tag by now.
        """

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``, which ends with a slash or is empty; also unfinished ones.

        Files are left out if no file of a repository can have their name.
        """

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, if it is there."""


def is_inside(path: str) -> bool:
    """Return whether a file of a repository can have ``path``: relative, without ``..``, printable."""
    return (
        0 < len(path) <= _LONGEST
        and path.isprintable()
        and not any(part in ("", ".", "..") for part in path.split("/"))
    )


def inside(path: str) -> str:
    """Return ``path``, or raise ``RepositoryError`` if it leads out of the repository."""
    if not is_inside(path):
        raise RepositoryError(
            f"'{shown(path)}' is not a valid path of a file in a repository.",
            hint="Someone may have changed the state. Check it: debonair repo verify",
        )
    return path


def is_link(where: str) -> RepositoryError:
    """Return the error to show for a link, because links are never followed."""
    return RepositoryError(
        f"{shown(where)} is a link, but a repository has no links: someone else may have created it.",
        hint="Replace it by the file or the folder itself. To use another disk, mount it there.",
    )


def instead(storage: Storage, path: str, data: bytes) -> Instead | None:
    """Return what is at ``path`` instead of ``data``, or None if ``data`` is there."""
    try:
        there = storage.read(path, len(data))
    except TooLarge as large:
        return Instead(large.tag)
    if there is None:
        return Instead(None)
    return None if there.data == data else Instead(there.tag)
