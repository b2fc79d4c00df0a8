"""Build the project's own wheel with its build backend (PEP 517), once for the same sources.

The backend is strangers' code. So it runs in a sandbox, and its packages are locked (``build_tools``).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from pathspec import GitIgnoreSpec

from debonair.deb.tree import Source
from debonair.errors import LockError, ProjectError
from debonair.host.memo import remember
from debonair.host.progress import say
from debonair.host.sandbox import FailedError
from debonair.lock import build_tools
from debonair.lock.download import place
from debonair.lock.model import File
from debonair.project import reader
from debonair.project.files import content, walk
from debonair.wheels import build_system, store
from debonair.wheels.backend import Job
from debonair.wheels.model import Wheel
from debonair.wheels.obtain import describe, obtain

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.project import Project

NOT_SOURCES = GitIgnoreSpec.from_lines(
    [
        ".git",
        ".hg",
        ".venv",
        ".cache",
        ".*_cache",
        "__pycache__",
        "*.pyc",
        "*.egg-info",
        "/dist",
        "/build",
        "/debian",
        "/pylock.build-*.toml",
    ]
)
"""Files that no build backend needs to see."""


_FORMAT = 1
"""Increased whenever the same inputs would produce another wheel than before."""
_LAST = 30
"""The most lines of a failed backend's output that are shown."""


def wheel(
    project: Project,
    epoch: int,
    cache: Cache,
    environ: Mapping[str, str],
    installed: Sequence[Wheel] | None = None,
) -> Wheel:
    """Return the wheel of ``project``, dated ``epoch`` (seconds); it must be pure Python.

    The build uses a copy with fixed modes and times, so that the wheel does not depend on this machine's.
    The backend runs with the wheels ``installed``, or else with the lock beside the project's own lock.
    Raises ``LockError`` if the build fails, and ``NetworkError`` if the build backend cannot be fetched.
    Raises ``MachineError`` if this machine does not allow a sandbox, and ``ProjectError`` if the wheel is
    for one architecture.
    """
    job = _ProjectWheel(project, epoch, cache, environ, installed, tuple(_copy(project.root, epoch)))

    def make() -> File:
        say(f"Building the wheel of {project.name}...")
        name, data = job.build()
        if not name.endswith("-none-any.whl"):
            raise ProjectError(
                f"{project.config_file}: the project's wheel is {name}, which is not pure Python.",
                hint='Package its files as they are (install = "files"), and move its C code to a '
                "dependency.",
            )
        return store.keep(name, data, cache)

    file = remember(
        job.note,
        File,
        make,
        cache,
        fits=partial(store.has, cache=cache),
        lock=cache.folder("locks") / job.digest,
    )
    return Wheel(project.name, project.version, file.filename, file.sha256, place(file, cache))


@dataclass(frozen=True)
class _ProjectWheel:
    """The sources of a project, and the tools of their build."""

    project: Project
    epoch: int
    cache: Cache
    environ: Mapping[str, str]
    installed: Sequence[Wheel] | None
    sources: tuple[Source, ...]

    @property
    def lock(self) -> Path:
        return build_tools.path(self.project.root, self.project.name)

    @cached_property
    def digest(self) -> str:
        """Return the hash of everything that the backend will see."""
        start = ["own", _FORMAT, platform.python_version(), self.epoch, self.project.version]
        digest = hashlib.sha256(json.dumps(start).encode())
        for source in self.sources:
            line = [source.path, source.mode, hashlib.sha256(source.data).hexdigest()]
            digest.update(json.dumps(line).encode())
        return digest.hexdigest()

    def note(self) -> Path:
        """Return the path of the note that names the wheel; it depends on the lock, even a new one."""
        tools = [self.lock.read_bytes().hex() if self.lock.is_file() else ""]
        if self.installed is not None:
            tools = [wheel.sha256 for wheel in self.installed]
        key = hashlib.sha256(json.dumps([self.digest, tools]).encode()).hexdigest()
        return self.cache.folder("locks") / f"{key}.own"

    def build(self) -> tuple[str, bytes]:
        """Run the backend; return the wheel's name and its bytes. Raises the same errors as ``wheel``."""
        given = [msgspec.structs.replace(each, path=f"source/{each.path}") for each in self.sources]
        # setuptools-scm would ask git, but the sandbox has no git repository.
        variables = {"SETUPTOOLS_SCM_PRETEND_VERSION": self.project.version}
        title = f"{self.project.name} {self.project.version}"
        system = build_system.of(self.project.root)
        job = Job(title, "", "", system, given, self.epoch, self.environ, obtain, describe, variables)
        try:
            if self.installed is None:
                return job.wheel(self.lock, self.cache)
            return job.with_tools(self.installed)
        except FailedError as failed:
            last_lines = "\n".join(f"  {line}" for line in failed.output.splitlines()[-_LAST:])
            raise LockError(
                f"The wheel of {title} does not build. The output of its backend ends with:\n{last_lines}",
                hint="The backend runs in a sandbox, without a network and without your files and "
                "variables. All that it needs must be in the project.",
            ) from None


def _copy(root: Path, epoch: int) -> Iterator[Source]:
    """Yield the sources of a project as the backend will see them."""
    for path in sorted(walk(root, "", NOT_SOURCES.match_file)):
        if (root / path).is_file():
            if not reader.is_inside(root / path, root):
                raise ProjectError(
                    f"The link {root / path} leads out of the project, to {os.path.realpath(root / path)}.",
                    hint="Replace it by the file, or remove it: the wheel might contain what it leads to.",
                )
            mode, data = content(root / path)
            yield Source.file(path, data, mtime=epoch, mode=mode)
