"""The contents of a lock in any format: packages, their files, and the hash of each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

Form = Literal["pylock.toml", "uv.lock", "requirements.txt", "none"]


class File(msgspec.Struct, frozen=True):
    """A wheel or sdist of an index."""

    filename: str
    sha256: str
    """64 hexadecimal digits."""
    url: str = ""
    """The address of the file: http, https or file; empty if not known yet."""
    size: int = 0
    """The size in bytes; 0 if the lock does not have it."""
    index: str = ""
    """The extra index of a target that has the file; empty for the primary index."""
    uploaded: int = 0
    """The time of publication, in seconds since the epoch; 0 if the lock does not have it."""


class Locked(msgspec.Struct, frozen=True):
    """One version of one distribution, with every file that it may be installed from."""

    name: str
    version: str
    marker: str = ""
    """The environments that need the package (PEP 508); empty means all."""
    wheels: tuple[File, ...] = ()
    sdist: File | None = None
    is_direct: bool = False
    """True if it is one file at an address in the requirements, not a package of an index."""

    @property
    def files(self) -> tuple[File, ...]:
        """Return all of its files."""
        return self.wheels if self.sdist is None else (*self.wheels, self.sdist)


class Lock(msgspec.Struct, frozen=True):
    """All packages that may be installed, for all targets together."""

    packages: tuple[Locked, ...]
    path: Path
    """The file of the lock, for errors."""
    form: Form
    digest: str
    """Identifies this lock among all others: 64 hexadecimal digits."""
