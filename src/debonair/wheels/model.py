"""The wheels that one target needs, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from debonair.lock.model import File

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.lock import Lock
    from debonair.target import Target

Way = Literal["pure", "native"]
"""On this machine and without a compiler, or in a Debian of the target."""


class Choice(msgspec.Struct, frozen=True):
    """The file of one distribution that is to be installed."""

    name: str
    version: str
    file: File
    ways: tuple[Way, ...] = ()
    """How a wheel is made of it if it is an sdist; what does not come off is followed by the next."""


class Sources(msgspec.Struct, frozen=True):
    """Which distributions are built from their sdists for the target itself, and by what."""

    folder: Path
    """Of the project: what was locked to build with is kept there."""
    python: str
    """The oldest Python of the project's targets, such as ``3.11``: one lock is for all of them."""
    always: tuple[str, ...] = ()
    """Normalised names of those that are, though they have a wheel."""
    allowed: bool = False
    """Whether any that has no wheel is."""
    depends: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)
    """Debian packages to build with, by the distribution's normalised name."""


class Wheel(msgspec.Struct, frozen=True):
    """A verified wheel on this machine."""

    name: str
    version: str
    filename: str
    sha256: str
    path: Path


class Obtain(Protocol):
    """``obtain.obtain``, for what it calls itself: a build backend needs wheels too."""

    def __call__(
        self, lock: Lock, target: Target, cache: Cache, environ: Mapping[str, str], /
    ) -> tuple[Wheel, ...]:
        """Return the wheels that ``lock`` has for ``target``."""
