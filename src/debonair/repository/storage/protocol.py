"""Where the files of a repository are kept: what a folder, a bucket or another machine must be able to do.

A reader may come at any time, so that a file is there whole or not at all. Two writers are told apart by
tags, which change whenever a file does (an ETag of HTTP, RFC 9110 section 8.8.3).

Whoever else may write there decides nothing by that: a path never leaves the repository, no link is
followed, and of no file more is read than its reader asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from debonair.errors import RepositoryError
from debonair.repository.excerpt import shown


class Conflict(Exception):  # noqa: N818 - it is caught and tried again, never shown
    """A file is not what its writer took it for: somebody else has written it."""


class Stored(msgspec.Struct, frozen=True):
    """A file that was read, and the tag that it had."""

    data: bytes
    tag: str


UNFINISHED = ".new."
"""What the name of a file begins with that was not written to its end."""


class Found(msgspec.Struct, frozen=True):
    """A file that was listed."""

    path: str
    size: int
    """Bytes."""
    modified: int
    """Seconds since the epoch, UTC."""


MOST = 4 << 30
"""More bytes than that no file of a repository has."""
_LONGEST = 1000
"""More characters no path has: an object store takes 1024 bytes."""


class Storage(Protocol):
    """The files of one repository, by their path below its root, with ``/`` between folders.

    All methods raise ``RepositoryError`` for a path that ``inside`` refuses, and for a link.
    """

    at_once: int
    """How many of its methods may run at the same time, in threads: one where nothing is waited for."""

    def read(self, path: str, limit: int = MOST) -> Stored | None:
        """Return the file at ``path``, or None if there is none.

        Raises ``RepositoryError`` if it has more than ``limit`` bytes.
        """

    def size(self, path: str) -> int | None:
        """Return how many bytes the file at ``path`` has, or None if there is none."""

    def add(self, path: str, data: bytes) -> bool:
        """Write a file that never changes; return whether it was not there yet."""

    def replace(self, path: str, data: bytes, tag: str | None) -> None:
        """Write ``data`` over the file that has ``tag``, or, if that is None, where there is no file.

        Raises ``Conflict`` if the file has another tag by now.
        """

    def list(self, folder: str) -> Iterator[Found]:
        """Yield every file below ``folder``, which ends with a slash; unfinished ones too.

        What has a name that no file of a repository has is left out.
        """

    def remove(self, path: str) -> None:
        """Remove the file at ``path``, if it is there."""


def is_inside(path: str) -> bool:
    """Tell whether ``path`` can be that of a file of a repository: relative, without ``..``, printable."""
    return (
        0 < len(path) <= _LONGEST
        and path.isprintable()
        and not any(part in ("", ".", "..") for part in path.split("/"))
    )


def inside(path: str) -> str:
    """Return ``path``, or raise ``RepositoryError`` if it leads out of the repository."""
    if not is_inside(path):
        raise RepositoryError(
            f"'{shown(path)}' is not the path of a file in a repository.",
            hint="The state may have been altered: debonair repo verify",
        )
    return path


def too_large(path: str, limit: int) -> RepositoryError:
    """Return the error to show for a file with more than ``limit`` bytes."""
    return RepositoryError(
        f"{shown(path)} has more than {limit} bytes, and no such file can be that large.",
        hint="Somebody else may have written it. Restore it from a backup of the repository.",
    )


def is_link(where: str) -> RepositoryError:
    """Return the error to show for a link, which is never followed."""
    return RepositoryError(
        f"{shown(where)} is a link, and a repository has none: somebody else may have put it there.",
        hint="Put the file or the folder itself in its place; for another disk, mount it there.",
    )
