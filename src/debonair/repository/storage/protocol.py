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


class Stored(msgspec.Struct, frozen=True):
    """A file that was read, and its tag at that time."""

    data: bytes
    tag: str


UNFINISHED = ".new."
"""Prefix of the names of files that are not completely written."""


class Found(msgspec.Struct, frozen=True):
    """A file that was listed."""

    path: str
    size: int
    """Bytes."""
    modified: int
    """Seconds since the epoch, UTC."""


MOST = 4 << 30
"""No file of a repository has more bytes than that."""
_LONGEST = 1000
"""No path has more characters than that: an object store allows 1024 bytes."""


class Storage(Protocol):
    """The files of one repository, by their path below its root, with ``/`` between folders.

    All methods raise ``RepositoryError`` for a path that ``inside`` refuses, and for a link.
    """

    at_once: int
    """Number of its methods that may run in parallel, in threads: 1 if none of them waits for a network."""

    def read(self, path: str, limit: int = MOST) -> Stored | None:
        """Return the file at ``path``, or None if there is none.

        Raises ``RepositoryError`` if it has more than ``limit`` bytes.
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
        """Yield every file below ``folder``, which ends with a slash; also unfinished ones.

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


def too_large(path: str, limit: int) -> RepositoryError:
    """Return the error to show for a file with more than ``limit`` bytes."""
    return RepositoryError(
        f"{shown(path)} is larger than {limit} bytes, the limit for such a file.",
        hint="Someone else may have written it. Restore it from a backup of the repository.",
    )


def is_link(where: str) -> RepositoryError:
    """Return the error to show for a link, because links are never followed."""
    return RepositoryError(
        f"{shown(where)} is a link, but a repository has no links: someone else may have created it.",
        hint="Replace it by the file or the folder itself. To use another disk, mount it there.",
    )
