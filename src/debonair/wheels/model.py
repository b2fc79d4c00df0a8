"""The wheels that one target needs, and the choices and sources behind them."""

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
"""The way to build a wheel: on this machine without a compiler, or in a Debian of the target."""


class Choice(msgspec.Struct, frozen=True):
    """The file of one distribution that will be installed."""

    name: str
    version: str
    file: File
    ways: tuple[Way, ...] = ()
    """For an sdist, the ways to build a wheel from it, in order: if one fails, the next is tried."""


class Sources(msgspec.Struct, frozen=True):
    """The distributions that are built from their sdists for the target itself, and the tools for that."""

    folder: Path
    """The project's folder, which keeps the locks of the build tools."""
    python: str
    """The oldest Python of the project's targets, such as ``3.11``: one lock serves all of them."""
    always: tuple[str, ...] = ()
    """The normalised names of distributions that are built even if they have a wheel."""
    allowed: bool = False
    """True if any distribution without a wheel may be built."""
    depends: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)
    """The Debian packages for the build, by the distribution's normalised name."""


class Wheel(msgspec.Struct, frozen=True):
    """A verified wheel on this machine."""

    name: str
    version: str
    filename: str
    sha256: str
    path: Path


class Obtain(Protocol):
    """The type of ``obtain.obtain``, for its own callees: a build backend needs wheels, too."""

    def __call__(
        self, lock: Lock, target: Target, cache: Cache, environ: Mapping[str, str], /
    ) -> tuple[Wheel, ...]:
        """Return the wheels that ``lock`` has for ``target``."""
