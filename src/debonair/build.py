"""From a project to its .deb files: the pipeline, one stage a line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair import lock, tree
from debonair.deb import archive
from debonair.deb.version import without_epoch
from debonair.debian import interpreter
from debonair.host import clock
from debonair.host.cache import whole
from debonair.host.interruption import threads
from debonair.host.progress import progress, say, warn
from debonair.project.one_process import contradiction
from debonair.target import load
from debonair.wheels import describe
from debonair.wheels.supply import Index

if TYPE_CHECKING:
    from debonair.debian.interpreter import Interpreter
    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.tree import Plan
    from debonair.tree.app_files import AppFile
    from debonair.wheels import Wheel
    from debonair.wheels.supply import Supply


class Artefact(msgspec.Struct, frozen=True):
    """A .deb file that ``build`` wrote."""

    path: Path
    size: int
    """Bytes of the file."""
    installed_size: int
    """Disk space on the Pi, in KiB."""
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
        """Add the time since the last lap to ``stage``."""
        now = self.clock()
        self.seconds[stage] = now - self.last
        self.last = now


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

    The wheels come from ``supply``, or from the index without one. ``version`` is the Debian version; by
    default it is the project's own version for the suite.
    """
    supply = supply or Index(project, _targets(project, target), cache, environ)
    fetched = supply.wheels(target)
    if warning := contradiction(project, {wheel.name for wheel in fetched}):
        _warn(warning)
    epoch = _epoch(project, fetched, supply, environ)
    project = _described(project, fetched)
    installed = (*fetched, *_own_wheel(project, epoch, supply, cache))
    compiler = _compiler(target, cache, environ)
    files = _files(project, target, supply, cache, environ)
    libraries = supply.libraries(target)
    planned = tree.plan(
        project,
        target,
        installed,
        compiler,
        files,
        cache=cache,
        environ=environ,
        epoch=epoch,
        libraries=libraries,
        version=version,
    )
    return msgspec.structs.replace(planned, wheels=fetched)


@cache
def _warn(text: str) -> None:
    """Print a warning once, although several targets have it."""
    say(f"Warning: {text}")


def build(
    project: Project, target: Target, out: Path, *, cache: Cache, environ: Mapping[str, str]
) -> Artefact:
    """Build the package of ``project`` for ``target`` into the folder ``out``.

    The same project, lock, target and epoch give the same bytes. A build that fails leaves nothing in
    ``out``.
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
    """Build the package of ``project`` for each of ``targets`` side by side, and yield them in that order.

    Raises what ``build`` raises, for the first target that fails; no further build starts then.
    """
    if len(targets) == 1:
        yield build(project, targets[0], out, cache=cache, environ=environ)
        return
    # All targets share one lock, so it is created before any build needs it.
    lock.ensure(project, _targets(project, *targets), cache, environ, describe=describe)
    with (
        progress("Building", len(targets)) as bar,
        threads(os.cpu_count()) as pool,
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


def _epoch(project: Project, fetched: Sequence[Wheel], supply: Supply, environ: Mapping[str, str]) -> int:
    """Return the time that the package carries, in seconds."""
    if project.install != "index":
        return clock.of(project.root, environ)
    from debonair.wheels import metadata  # noqa: PLC0415 - few apps are published on an index

    return clock.published(supply.times() or metadata.times(project, fetched), environ)


def _described(project: Project, fetched: Sequence[Wheel]) -> Project:
    """Return ``project`` with the metadata of its wheel, if the app comes from a package index."""
    if project.install != "index":
        return project
    from debonair.wheels import metadata  # noqa: PLC0415 - few apps are published on an index

    return metadata.described(project, fetched)


def _own_wheel(project: Project, epoch: int, supply: Supply, cache: Cache) -> tuple[Wheel, ...]:
    """Return the wheel of the project itself, if the project is installed from a wheel."""
    if project.install != "wheel":
        return ()
    from debonair.wheels import project_wheel  # noqa: PLC0415 - an app's own files are packed without its wheel

    return (project_wheel.wheel(project, epoch, cache, supply.environ, supply.tools()),)


def _compiler(target: Target, cache: Cache, environ: Mapping[str, str]) -> Interpreter | None:
    """Return the Python that compiles the bytecode; None if the deb will have no bytecode."""
    found = interpreter.interpreter(target.python, cache=cache, environ=environ)
    if found is None:
        warn(
            f"Python {target.python} is not on this machine and cannot be downloaded. The deb for "
            f"{target.name} contains no bytecode, so the app starts slower."
        )
    return found


def _files(
    project: Project, target: Target, supply: Supply, cache: Cache, environ: Mapping[str, str]
) -> tuple[AppFile, ...] | None:
    """Return the app's files with those that a build command generates; None without such a command."""
    if not project.collect:
        return None
    from debonair.tree import collect  # noqa: PLC0415 - few apps generate files during the build

    return collect.files(project, target, supply.wheels, cache=cache, environ=environ)


def _targets(project: Project, *more: Target) -> list[Target]:
    """Return the targets of ``project`` and ``more``."""
    return [load(name) for name in dict.fromkeys((*project.targets, *(target.name for target in more)))]


def file_name(planned: Plan) -> str:
    """Return the file name that Debian uses (deb(7)): ``package_version_architecture.deb``."""
    control = planned.control
    return f"{control.package}_{without_epoch(control.version)}_{control.architecture}.deb"
