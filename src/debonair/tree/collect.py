"""The app's files with those that its own command generates during the build: ``collect``.

Django's collectstatic is such a command. It runs on this machine, in a copy of the app's files. It uses the
locked packages and a Python of the target's minor version, both for this machine's cpu.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from debonair import target
from debonair.debian.apt import host_architecture
from debonair.debian.interpreter import complete
from debonair.errors import MachineError, ProjectError, WheelError
from debonair.host import clock
from debonair.host.memo import remember
from debonair.host.progress import say
from debonair.host.run import CommandError, run
from debonair.project import layout
from debonair.tree import app_files
from debonair.tree.app_files import AppFile
from debonair.wheels.unpack import unpack

if TYPE_CHECKING:
    from debonair.debian.interpreter import Interpreter
    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.wheels import Wheel

_FORMAT = 2
"""Raise it whenever the same inputs would give different files than before."""
_SECONDS = 600
_LAST = 5
"""Lines of output to show of a command that failed."""
_CAUSES = 3
_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|NotFound|Configured): ")
"""The line of a traceback that names an error."""


def files(
    project: Project,
    package_target: Target,
    obtain: Callable[[Target], tuple[Wheel, ...]],
    *,
    cache: Cache,
    environ: Mapping[str, str],
) -> tuple[AppFile, ...]:
    """Return the files of ``project`` for ``package_target``, after its ``collect`` command has run.

    The command runs once for the same files, packages and Python, and ``cache`` keeps the result.
    ``obtain`` returns the wheels for a target; ``environ`` defines where to fetch a Python. Raises
    ``ProjectError`` if the command fails, ``WheelError`` if a package has no wheel for this machine, and
    ``MachineError`` if no Python is available.
    """
    sources = app_files.collect(project)
    here = _here(package_target, cache, environ)
    try:
        packages = obtain(here.target)
    except WheelError as lacking:
        raise WheelError(
            f"'collect' runs on this machine, with the locked packages. {lacking.message}", lacking.hint
        ) from lacking
    kept = cache.folder("collected") / _key(project, sources, packages, here)

    def make() -> tuple[AppFile, ...]:
        say(f"Running '{project.collect}'...")
        with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
            return _run(project, sources, packages, here, Path(folder).resolve())

    return remember(kept, tuple[AppFile, ...], make, cache)


@dataclass(frozen=True)
class _Here:
    """The environment of the command: the target that this machine itself is, and a Python."""

    target: Target
    interpreter: Interpreter


def _here(package_target: Target, cache: Cache, environ: Mapping[str, str]) -> _Here:
    """Return the environment with the suite of ``package_target`` that runs on this machine."""
    architecture = host_architecture()
    fitting = target.of(package_target.suite, architecture)
    if fitting is None:
        raise MachineError(
            f"'collect' runs on this machine ({architecture}), but no target of "
            f"{package_target.suite} is for this architecture.",
            hint="Build on a machine of one of the targets' architectures; list them: debonair targets",
        )
    interpreter = complete(package_target.python, cache=cache, environ=environ)
    if interpreter is None:
        raise MachineError(
            f"'collect' needs Python {package_target.python}, which is not on this machine and cannot be "
            "downloaded.",
            hint=f"Install it: uv python install {package_target.python}",
        )
    return _Here(fitting, interpreter)


def _key(project: Project, sources: Sequence[AppFile], packages: Sequence[Wheel], here: _Here) -> str:
    parts = [
        _FORMAT,
        project.collect,
        project.service.environment,
        [project.wsgi, project.import_path, project.include, project.exclude, project.writable],
        [(file.path, file.mode, hashlib.sha256(file.data).hexdigest(), file.target) for file in sources],
        [(package.filename, package.sha256) for package in packages],
        here.interpreter.identity,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _run(
    project: Project, sources: Sequence[AppFile], packages: Sequence[Wheel], here: _Here, folder: Path
) -> tuple[AppFile, ...]:
    """Put everything into ``folder``, run the command, and return the files that the app then has."""
    copy, venv, state = folder / "app", folder / "venv", folder / "state"
    state.mkdir()
    for file in sources:
        _put(copy / file.path, file.data, file.mode, file.target)
    inside = f"{layout.dist(project.package)}/venv/"
    for path in project.writable:  # on the Pi, the app can write there, too
        (copy / path if path.endswith("/") else (copy / path).parent).mkdir(parents=True, exist_ok=True)
    for package in packages:
        for source in unpack(package, project.package, here.target, None):
            _put(venv / source.path.removeprefix(inside), source.data, source.mode, source.target)
    # -S hides everything that this machine's own Python has installed.
    start = f'#!/bin/sh\nexec {shlex.join(here.interpreter.argv)} -S "$@"\n'
    for name in ("python", "python3", f"python{here.target.python}"):
        _put(venv / "bin" / name, start.encode(), 0o755)
    paths = [folder / path for path in project.import_path]
    variables = {
        "FLASK_APP": project.wsgi,
        "HOME": state,
        "LANG": "C.UTF-8",
        "PATH": f"{venv}/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": ":".join(map(str, [*paths, venv / layout.site_packages(here.target.python)])),
        "SECRET_KEY": "collect",
        "SOURCE_DATE_EPOCH": clock.OLDEST,
        "STATE_DIRECTORY": state,
        "VIRTUAL_ENV": venv,
        **project.service.environment,
    }
    words = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    try:
        run([*words, "sh", "-c", project.collect], cwd=copy, timeout=_SECONDS)
    except CommandError as failed:
        shown = "\n".join(f"  {line}" for line in _telling(failed.output))
        raise ProjectError(
            f"{project.config_file.name}: 'collect' exited with status {failed.status}:\n{shown}",
            hint="It runs in a copy of the app's files, with the locked packages and the variables of "
            "[service.environment]. It does not inherit your environment.",
        ) from failed
    made = app_files.collect(replace(project, root=copy))
    shipped = {file.path for file in sources}
    return tuple(
        file for file in made if file.path in shipped or not _is_below(file.path, project.writable)
    )


def _is_below(path: str, writable: Sequence[str]) -> bool:
    """Tell whether the app writes the file at ``path`` itself."""
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in writable)


def _telling(output: str) -> list[str]:
    """Return the last lines of ``output``, after the errors that caused the last one."""
    lines = output.strip().splitlines()
    causes = [line for line in lines[:-_LAST] if _ERROR.match(line)]
    return [*causes[-_CAUSES:], *lines[-_LAST:]]


def _put(path: Path, data: bytes, mode: int, link: str = "") -> None:
    """Write a file or a link, with the same date on every machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if link:
        path.symlink_to(link)
        return
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, (clock.OLDEST, clock.OLDEST))
