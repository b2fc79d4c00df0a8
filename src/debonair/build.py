"""From a project to its .deb files: the pipeline, one stage a line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from debonair import lock as locks
from debonair import tree, wheels
from debonair.deb import archive
from debonair.deb.version import without_epoch
from debonair.debian import interpreter as python
from debonair.host import clock as epochs
from debonair.host.cache import whole
from debonair.host.progress import progress, say
from debonair.target import load
from debonair.wheels.model import Sources

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.tree import Plan
    from debonair.wheels import Wheel


class Artefact(msgspec.Struct, frozen=True):
    """A .deb that was written."""

    path: Path
    size: int
    """Bytes of the file."""
    installed_size: int
    """KiB on the disk of the Pi."""
    target: Target
    timings: Mapping[str, float]
    """Seconds by stage: ``plan``, ``splice``, ``write``."""


@dataclass
class Stopwatch:
    """Seconds by stage, for ``build --timings``."""

    seconds: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        self.last = self.clock()

    def lap(self, stage: str) -> None:
        """Book the time since the last lap under ``stage``."""
        now = self.clock()
        self.seconds[stage] = now - self.last
        self.last = now


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
        self._lock = locks.ensure(project, targets, cache, environ, describe=wheels.describe)
        self._sources = Sources(
            project.root,
            min(targets, key=lambda each: each.python_version).python,
            project.from_source,
            project.sdists == "allow",
            project.build_depends,
        )

    def wheels(self, target: Target) -> tuple[Wheel, ...]:
        """Return the wheels for ``target``. Raises what ``wheels.obtain`` does."""
        return wheels.obtain(self._lock, target, self._cache, self.environ, sources=self._sources)

    def libraries(self, target: Target) -> None:
        """Return None: the suite of ``target`` is asked."""

    def times(self) -> list[int]:
        """Return when the files of the lock were published."""
        return [file.uploaded for package in self._lock.packages for file in package.files if file.uploaded]

    def tools(self) -> None:
        """Return None: they have a lock of their own."""


def plan(
    project: Project,
    target: Target,
    *,
    cache: Cache,
    environ: Mapping[str, str],
    supply: Supply | None = None,
    version: str = "",
) -> Plan:
    """Return the plan of the package of ``project`` for ``target``.

    Its wheels are those of the ``supply``, else of the index; ``version`` is the Debian version if that is
    not to be the project's own, for the suite.
    """
    supply = supply or Index(project, _targets(project, target), cache, environ)
    chosen = supply.wheels(target)
    if project.install == "index":
        from debonair.wheels import metadata  # noqa: PLC0415 - few apps are those of others

        times = supply.times() or metadata.times(project, chosen)
        epoch = epochs.published(times, environ)
        project = metadata.described(project, chosen)
    else:
        epoch = epochs.of(project.root, environ)
    fetched = chosen
    if project.install == "wheel":
        from debonair.wheels import project_wheel  # noqa: PLC0415 - an app's own files are packed without its wheel

        chosen = (*chosen, project_wheel.wheel(project, epoch, cache, supply.environ, supply.tools()))
    interpreter = python.interpreter(target.python, cache=cache, environ=environ)
    if interpreter is None:
        say(
            f"There is no Python {target.python} here and none can be fetched: {target.name} gets no "
            "bytecode, and starts slower."
        )
    files = None
    if project.collect:
        from debonair.tree import collect  # noqa: PLC0415 - few apps make files at build

        files = collect.files(project, target, supply.wheels, cache=cache, environ=environ)
    planned = tree.plan(
        project,
        target,
        chosen,
        interpreter,
        files,
        cache=cache,
        environ=environ,
        epoch=epoch,
        libraries=supply.libraries(target),
        version=version,
    )
    return msgspec.structs.replace(planned, wheels=fetched)


def build(
    project: Project, target: Target, out: Path, *, cache: Cache, environ: Mapping[str, str]
) -> Artefact:
    """Build the package of ``project`` for ``target`` into the folder ``out``.

    The same project, lock, target and epoch give the same bytes. Nothing is left in ``out`` unless all
    went well.
    """
    watch = Stopwatch()
    planned = plan(project, target, cache=cache, environ=environ)
    watch.lap("plan")
    data = archive.write(planned.control, planned.tree, planned.members, mtime=planned.epoch)
    watch.lap("splice")
    path = out / file_name(planned)
    with whole(path) as temporary:
        temporary.write_bytes(data)
    watch.lap("write")
    return Artefact(path, len(data), planned.tree.installed_size(), target, watch.seconds)


def build_all(
    project: Project,
    targets: Sequence[Target],
    out: Path,
    *,
    cache: Cache,
    environ: Mapping[str, str],
) -> Iterator[Artefact]:
    """Build the package of ``project`` for each of ``targets``, side by side, and yield them in that order.

    Raises what ``build`` does, for the first of them that fails; no other is begun then.
    """
    if len(targets) == 1:
        yield build(project, targets[0], out, cache=cache, environ=environ)
        return
    # One lock is for all: it is made before anyone asks for it.
    locks.ensure(project, _targets(project, *targets), cache, environ, describe=wheels.describe)
    with (
        progress("Building", len(targets)) as bar,
        ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,
    ):
        jobs = [
            pool.submit(build, project, target, out, cache=cache, environ=environ) for target in targets
        ]
        try:
            for job in jobs:
                made = job.result()
                bar.advance(text=made.path.name)
                yield made
        finally:
            pool.shutdown(cancel_futures=True)


def _targets(project: Project, *more: Target) -> list[Target]:
    """Return the targets of ``project`` and ``more``."""
    return [load(name) for name in dict.fromkeys((*project.targets, *(target.name for target in more)))]


def file_name(planned: Plan) -> str:
    """Return the name that Debian gives the file (deb(7)): ``package_version_architecture.deb``."""
    control = planned.control
    return f"{control.package}_{without_epoch(control.version)}_{control.architecture}.deb"
