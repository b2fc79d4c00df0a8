"""Where the wheels of a project come from: the package index, or a folder that was filled before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from debonair import lock
from debonair.wheels.model import Sources
from debonair.wheels.obtain import describe, obtain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.wheels.model import Wheel


class Supply(Protocol):
    """Where the wheels of a project come from."""

    @property
    def environ(self) -> Mapping[str, str]:
        """Where what the project's own wheel is built with comes from."""

    def wheels(self, target: Target) -> tuple[Wheel, ...]:
        """Return those for ``target``, verified."""

    def libraries(self, target: Target) -> tuple[str, ...] | None:
        """Return the Debian packages of what they are linked with; None if that is to be found out."""

    def times(self) -> list[int]:
        """Return when they were published, in seconds since the epoch, as far as that is known."""

    def tools(self) -> tuple[Wheel, ...] | None:
        """Return what the project's own wheel is built with; None if that is what its lock names."""


class Index:
    """The package index, by the lock of ``project``, which is made if there is none."""

    def __init__(
        self, project: Project, targets: Sequence[Target], cache: Cache, environ: Mapping[str, str]
    ) -> None:
        self.environ = environ
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
        """Return the wheels for ``target``. Raises what ``obtain.obtain`` does."""
        return obtain(self._lock, target, self._cache, self.environ, sources=self._sources)

    def libraries(self, target: Target) -> None:
        """Return None: the suite of ``target`` is asked."""

    def times(self) -> list[int]:
        """Return when the files of the lock were published."""
        return [file.uploaded for package in self._lock.packages for file in package.files if file.uploaded]

    def tools(self) -> None:
        """Return None: they have a lock of their own."""
