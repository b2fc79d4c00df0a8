"""The project's own wheel, as its build backend makes it (PEP 517), made once for the same sources."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from debonair import built
from debonair.app import content, walk
from debonair.errors import ProjectError
from debonair.fetch import place
from debonair.lock.resolve import Uv
from debonair.progress import say
from debonair.wheels import Wheel

if TYPE_CHECKING:
    from debonair.cache import Cache
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
    ]
)
"""What no build backend is to see."""


def wheel(project: Project, epoch: int, cache: Cache, environ: Mapping[str, str]) -> Wheel:
    """Return the wheel of ``project``, dated ``epoch`` (seconds); it must be pure Python.

    It is built from a copy with fixed modes and times, so that neither is this machine's. Raises
    ``LockError`` if it does not build, ``NetworkError`` if its build backend cannot be fetched, and
    ``ProjectError`` if the wheel is for one architecture.
    """
    with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
        copy = Path(folder) / "source"
        digest = _copy(project.root, copy, epoch)
        note = cache.folder("locks") / f"{digest}.own"
        file = built.kept(note, cache)
        if file is None:
            say(f"Building the wheel of {project.name}...")
            made = Uv(project.root, environ).build(copy, Path(folder), epoch)
            if not made.name.endswith("-none-any.whl"):
                raise ProjectError(
                    f"{project.config_file}: the project builds to {made.name}, which is not pure Python.",
                    hint='Package its files as they are (install = "files"), its C code as a dependency.',
                )
            file = built.keep(made.name, made.read_bytes(), cache, note=note)
    return Wheel(project.name, project.version, file.filename, file.sha256, place(file, cache))


def _copy(root: Path, copy: Path, epoch: int) -> str:
    """Copy the sources of a project and return a hash of all that the backend will see."""
    digest = hashlib.sha256(json.dumps(["own", epoch]).encode())
    for path in sorted(walk(root, "", NOT_SOURCES.match_file)):
        source, target = root / path, copy / path
        if not source.is_file():
            continue
        mode, data = content(source)
        digest.update(json.dumps([path, mode, hashlib.sha256(data).hexdigest()]).encode())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(mode)
        os.utime(target, (epoch, epoch))
    return digest.hexdigest()
