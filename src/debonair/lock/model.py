"""What a lock says, whichever form it has: packages, their files, and the hash of each."""

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
    """Where it is: http, https or file; empty if nobody has said so yet."""
    size: int = 0
    """Bytes; 0 if the lock does not say."""
    index: str = ""
    """The extra index of a target that it came from; empty if it is of the primary one."""
    uploaded: int = 0
    """When it was published, in seconds since the epoch; 0 if the lock does not say."""


class Locked(msgspec.Struct, frozen=True):
    """One version of one distribution, with every file that it may be installed from."""

    name: str
    version: str
    marker: str = ""
    """Where it is wanted (PEP 508); empty means everywhere."""
    wheels: tuple[File, ...] = ()
    sdist: File | None = None
    is_direct: bool = False
    """It is one file at an address that somebody wrote down, and not what an index has of that name."""

    @property
    def files(self) -> tuple[File, ...]:
        """Return every file of it."""
        return self.wheels if self.sdist is None else (*self.wheels, self.sdist)


class Lock(msgspec.Struct, frozen=True):
    """Everything that may be installed, for every target at once."""

    packages: tuple[Locked, ...]
    path: Path
    """The file that was read; it is named in errors."""
    form: Form
    digest: str
    """Tells this lock from every other: 64 hexadecimal digits."""
