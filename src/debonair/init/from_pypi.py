"""Set up a folder for an application from the package index, for ``debonair build --from-pypi``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from debonair import lock as locks
from debonair import project as projects
from debonair import wheels
from debonair.errors import LockError, ProjectError
from debonair.host import toml
from debonair.host.cache import whole
from debonair.host.progress import say
from debonair.project import maintainer, reader
from debonair.target import load
from debonair.wheels import metadata

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.lock import Lock
    from debonair.project import Project
    from debonair.target import Target
    from debonair.wheels import Wheel

_FILE = "debonair.toml"
_OTHERS = ("pyproject.toml", "setup.py", "pylock.toml", "uv.lock", "requirements.txt", "requirements.in")
_HEAD = "# Written by 'debonair build --from-pypi'. You can edit it. 'debonair schema' lists every key."


def begin(root: Path, options: Mapping[str, Any], cache: Cache, environ: Mapping[str, str]) -> Project:
    """Return the project in ``root`` with the settings from ``options``; write its settings and its lock.

    ``options`` has keys and values of the settings, ``from-pypi`` among them. If the folder has settings
    already, it stays unchanged. Raises ``ProjectError`` if the folder belongs to another project, or if the
    maintainer is unknown. Raises the errors of ``metadata.described``, ``lock.write`` and
    ``wheels.obtain``, too. After an error, no file was written.
    """
    file = root / _FILE
    if file.is_file():
        _compare(options, reader.toml(file), file)
        return projects.load(root)
    if found := next((name for name in _OTHERS if (root / name).exists()), ""):
        raise ProjectError(
            f"{root} has a {found}, so it is the folder of another project.",
            hint="Create a folder for this package, and run the same command there.",
        )
    settings = {**options, "maintainer": maintainer.needed(options.get("maintainer", ""), root, environ)}
    project = projects.of(root, root / "The command line", settings)
    targets = [load(name) for name in project.targets]
    with ExitStack() as undo:
        path = _lock(project, targets, cache, environ)
        undo.callback(_remove, root, path)
        lock = _alone(
            locks.ensure(project, targets, cache, environ, describe=wheels.describe), project.name
        )
        app_wheels = wheels.obtain(lock, targets[0], cache, environ)
        described = metadata.described(project, app_wheels)
        with whole(file) as temporary:
            temporary.write_text(_text(settings), encoding="utf-8")
        undo.pop_all()
    _tell(described, app_wheels[0], path)
    return projects.load(root)


def _remove(root: Path, lock: Path) -> None:
    """Remove the lock of the app, and the locks of the tools that built its sdists."""
    for path in (lock, *root.glob("pylock.build-*.toml")):
        path.unlink()


def _compare(options: Mapping[str, Any], present: Mapping[str, Any], file: Path) -> None:
    """Raise ``ProjectError`` if the settings ``present`` in ``file`` contradict ``options``."""
    for key, value in options.items():
        if key != "targets" and value != present.get(key):
            has = f"'{key}' is '{present[key]}'" if key in present else f"it has no '{key}'"
            raise ProjectError(
                f"{file.name} already exists and differs: {has}, but the command line has '{value}'.",
                hint=f"Change it in {file.name}; then run 'debonair lock' for another version, and "
                "'debonair build'. Use another folder for another app.",
            )


def _lock(project: Project, targets: Sequence[Target], cache: Cache, environ: Mapping[str, str]) -> Path:
    try:
        return locks.write(project, targets, cache, environ, describe=wheels.describe)
    except LockError as failed:
        raise LockError(
            failed.message, hint="Check the name and the version: --from-pypi NAME==VERSION"
        ) from None


def _alone(lock: Lock, name: str) -> Lock:
    """Return ``lock`` with the package ``name`` alone, so that another without a wheel does not matter."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    packages = tuple(package for package in lock.packages if canonicalize_name(package.name) == name)
    digest = hashlib.sha256(f"{name} of {lock.digest}".encode()).hexdigest()
    return msgspec.structs.replace(lock, packages=packages, digest=digest)


def _text(settings: Mapping[str, Any]) -> str:
    lines = [f"{key} = {toml.value(value)}" for key, value in settings.items()]
    return "\n".join([_HEAD, *lines]) + "\n"


def _tell(project: Project, wheel: Wheel, lock: Path) -> None:
    """Report the facts about the app, and the new files in the folder."""
    serves = project.wsgi or project.command
    what = f"serves {serves}" if serves else f"has the commands {', '.join(project.scripts)}"
    say(f"{project.name} {project.version}: {project.description}. The package {project.package} {what}.")
    if not serves:
        hint = metadata.candidates(wheel)
        say(f"Without --wsgi or --command, the package serves no site. {hint}".rstrip())
    say(f"Wrote {_FILE} and {lock.name}. Anyone can build the same package from these two files.")
