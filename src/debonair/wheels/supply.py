"""The supplies of wheels: the package index, or a folder that was filled before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from debonair import lock
from debonair.wheels.lacking import LackingError
from debonair.wheels.model import Sources
from debonair.wheels.obtain import describe, obtain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.wheels.model import Wheel


class Supply(Protocol):
    """A supply of the wheels of a project."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment for obtaining the tools that build the project's own wheel."""

    def wheels(self, target: Target) -> tuple[Wheel, ...]:
        """Return the verified wheels for ``target``."""

    def libraries(self, target: Target) -> tuple[str, ...] | None:
        """Return the Debian packages of libraries that the wheels need; None if they are not recorded."""

    def times(self) -> list[int]:
        """Return the known times of publication of the wheels, in seconds since the epoch."""

    def tools(self) -> tuple[Wheel, ...] | None:
        """Return the wheels that build the project's own wheel; None to use those in their lock."""


class Index:
    """The package index, through the lock of ``project``, which is created if there is none."""

    def __init__(
        self, project: Project, targets: Sequence[Target], cache: Cache, environ: Mapping[str, str]
    ) -> None:
        self.environ = environ
        self._project = project
        self._cache = cache
        self._lock = lock.ensure(project, targets, cache, environ, describe=describe)
        self._sources = Sources(
            project.root,
            min(targets, key=lambda each: each.python_version).python,
            project.from_source,
            project.sdists == "allow",
            project.build_depends,
        )

    def wheels(self, target: Target) -> tuple[Wheel, ...]:
        """Return the wheels for ``target``. Raises the same errors as ``obtain.obtain``."""
        try:
            return obtain(self._lock, target, self._cache, self.environ, sources=self._sources)
        except LackingError as lacking:
            from debonair.lock.uv import Uv  # noqa: PLC0415 - a warm build does not run uv
            from debonair.wheels import newer_pins  # noqa: PLC0415 - only after an error

            uv = Uv(self._project.root, self.environ, describe)
            raise newer_pins.advised(lacking, self._project, uv) from lacking

    def libraries(self, target: Target) -> None:
        """Return None, because the suite of ``target`` can answer."""

    def times(self) -> list[int]:
        """Return when the files of the lock were published."""
        return [file.uploaded for package in self._lock.packages for file in package.files if file.uploaded]

    def tools(self) -> None:
        """Return None, because the build tools have a lock of their own."""
