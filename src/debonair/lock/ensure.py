"""Find a project's lock, check that it is fresh, or create one.

Three formats are read: ``pylock.toml`` (PEP 751), ``uv.lock``, and a ``requirements.txt`` with hashes. The
cache keeps the result under the hash of all its inputs. So a second build parses nothing, does not run uv
and needs no network.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair.errors import LockError
from debonair.host.cache import Cache, whole
from debonair.host.memo import remember
from debonair.host.progress import say, warn
from debonair.host.run import run
from debonair.lock.model import File, Form, Lock, Locked
from debonair.lock.pinned_requirements import hashed
from debonair.project import reader
from debonair.project.names import normalised
from debonair.project.requirements_file import is_pinned

if TYPE_CHECKING:
    from debonair.lock.download import Get
    from debonair.lock.sdist_metadata import Describe
    from debonair.lock.uv import Runner
    from debonair.project import Project
    from debonair.target import Target

__all__ = ["File", "Form", "Lock", "Locked", "ensure", "find", "write"]

_SCHEMA = b"2"
"""Change this together with the meaning of the cached values."""


def find(root: Path) -> tuple[Form, Path] | None:
    """Return the form and path of the lock of the project in ``root``; ``None`` if it does not have one.

    ``pylock.toml`` takes precedence over ``uv.lock``, and that over ``requirements.txt``, which is a lock
    only if it has hashes.
    """
    found = _all(root)
    return found[0] if found else None


def ensure(
    project: Project,
    targets: Sequence[Target],
    cache: Cache,
    environ: Mapping[str, str],
    *,
    describe: Describe,
    runner: Runner = run,
    get: Get | None = None,
) -> Lock:
    """Return the lock of ``project``, valid for all of ``targets``; create one if it does not exist.

    ``environ`` has the configuration of the index; ``describe`` returns the metadata of an sdist.
    ``runner`` and ``get`` replace uv and the network in tests. Raises ``LockError`` if the lock is stale or
    cannot be read, and ``NetworkError`` if the index is needed but cannot be reached.
    """
    found = _all(project.root)
    if not found:
        if not project.requirements:
            return Lock((), project.config_file, "none", hashlib.sha256(_SCHEMA).hexdigest())
        say(f"No lock file found, so creating {_new(project)[1].name}. Commit it.")
        write(project, targets, cache, environ, describe=describe, runner=runner, get=get)
        found = _all(project.root)
    form, path = found[0]
    _check_further(project, form)
    data = _bytes(path)
    digest = _digest(project, targets, form, data)

    def packages() -> tuple[Locked, ...]:
        if len(found) > 1:
            others = ", ".join(other.name for _, other in found[1:])
            warn(f"The lock is {path.name}; {others} is not read.")
        # A cached lock does not need this module.
        from debonair.lock import read  # noqa: PLC0415
        from debonair.lock.uv import Uv  # noqa: PLC0415

        uv = Uv(project.root, environ, describe, runner)
        packages = read.Reader(project, targets, cache, uv).read(form, data)
        return tuple(package for package in packages if package.name not in project.left_out)

    kept = cache.folder("locks") / f"{digest}.lock"
    return Lock(remember(kept, tuple[Locked, ...], packages, cache), path, form, digest)


def write(
    project: Project,
    targets: Sequence[Target],
    cache: Cache,
    environ: Mapping[str, str],
    *,
    describe: Describe,
    upgrade: bool = False,
    runner: Runner = run,
    get: Get | None = None,
) -> Path:
    """Resolve the requirements of ``project`` for all of ``targets`` together and write its lock.

    The lock keeps its format. A new one is a ``pylock.toml``, or a ``uv.lock`` if only uv can find all
    requirements. Locked versions stay unless ``upgrade`` is
    set. For a ``pylock.toml``, the targets' extra indexes are searched for wheels that the primary index
    lacks. ``describe`` returns the metadata of an sdist; ``runner`` and ``get`` replace uv and the network
    in tests.

    Returns the lock's path. Raises ``LockError`` if the requirements cannot be met, and ``NetworkError`` if
    the index cannot be reached. After an error the lock is unchanged.
    """
    from debonair.lock.sdist_metadata import UnknownNeedsError  # noqa: PLC0415 - a warm build resolves nothing
    from debonair.lock.uv import UnbuiltError, Uv  # noqa: PLC0415

    form, path = find(project.root) or _new(project)
    _check_further(project, form)
    uv = Uv(project.root, environ, describe, runner)
    if form == "uv.lock":
        say("Resolving into uv.lock...")
        from debonair.lock import read  # noqa: PLC0415

        uv.relock(read.oldest(targets), upgrade=upgrade)
        return path
    if form == "requirements.txt" and not project.requirements:
        raise LockError(
            f"{path} is pinned by hashes, but no file lists the requirements it came from.",
            hint="Write the requirements into requirements.in (versions are optional), then run 'debonair "
            "lock'.",
        )
    from debonair.lock import bound_packages, freshness, other_locks, pylock, read  # noqa: PLC0415

    if bound := bound_packages.of_uv(project):
        raise LockError(
            f"{project.config_file.name}: [tool.uv.sources] has '{bound[0]}', but {path.name} cannot have "
            "such a package. It could contain a stranger's package of the same name.",
            hint=f"Remove {path.name}, then run 'debonair lock', which writes uv.lock.",
        )
    bound_packages.check(project, environ)
    names = freshness.requirements(project.requirements, project.config_file.name)
    freshness.requirements(project.constraints, project.config_file.name)
    requirements = [
        text
        for text, parsed in zip(project.requirements, names, strict=True)
        if normalised(parsed.name) not in project.left_out
    ]
    python = read.oldest(targets)
    for note in project.requirements_notes:
        say(f"Note: {note}")
    count = len(requirements)
    if count < len(project.requirements):
        names_left_out = sorted({normalised(each.name) for each in names} & project.left_out)
        say(f"Left out of the lock, because packages of Debian replace them: {', '.join(names_left_out)}.")
    say(f"Resolving {count} requirement{'s' * (count != 1)} for every target into {path.name}...")
    other = None if path.is_file() else other_locks.find(project.root)
    versions = other_locks.read(other) if other else {}
    try:
        data = uv.lock(
            requirements,
            python,
            path,
            upgrade=upgrade,
            constraints=project.constraints,
            versions=versions,
            prereleases=project.prereleases,
        )
    except (UnknownNeedsError, UnbuiltError) as failed:
        raise LockError(failed.message, _from_debian(project) or failed.hint) from failed
    if other and form == "pylock.toml":
        _tell(
            other,
            other_locks.changes(versions, {p.name: p.version for p in pylock.read(data, path).packages}),
        )
    if form == "pylock.toml":
        data = pylock.relative(data, path.parent)
        origins = dict[str, tuple[str, ...]]()
        if project.piwheels and any(target.extra_indexes for target in targets):
            from debonair.lock import extra_indexes  # noqa: PLC0415

            data, origins = extra_indexes.complete(data, path, targets, environ, get)
        data = pylock.recorded(
            data,
            pylock.Record(
                tuple(sorted(project.requirements)), python, origins, tuple(sorted(project.constraints))
            ),
        )
    else:
        lines = data.decode().splitlines()
        data = hashed(lines, pylock.read(uv.files(lines, python), path).packages)
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return path


def _new(project: Project) -> tuple[Form, Path]:
    """Return the form and path of the first lock of ``project``."""
    from debonair.lock import bound_packages  # noqa: PLC0415 - a warm build does not write a lock

    form: Form = "uv.lock" if bound_packages.of_uv(project) else "pylock.toml"
    return form, project.root / form


def _check_further(project: Project, form: Form) -> None:
    """Raise ``LockError`` if the settings of ``project`` have requirements that its lock cannot have."""
    if form == "uv.lock" and project.further_requirements:
        listed = " ".join(map(shlex.quote, project.further_requirements))
        raise LockError(
            f"{project.config_file.name}: uv.lock cannot have the packages in 'requirements', because uv "
            "does not read that key.",
            hint=f"Remove the key, and add the packages to pyproject.toml: uv add {listed}",
        )


def _from_debian(project: Project) -> str:
    """Return how to use Debian's package of a required library for the board; empty if there is none."""
    from debonair.project.catalogue import known  # noqa: PLC0415

    names = {normalised(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in project.requirements}
    found = {each.name: each.debian for each in known().hardware.values() if each.name in names}
    if not found:
        return ""
    listed, packages = ", ".join(sorted(found)), ", ".join(f'"{name}"' for name in sorted(found.values()))
    return (
        f"Use Debian's package of {listed}: remove {listed} from {project.requirements_file}, and set "
        f"depends = [{packages}] and system-site-packages = true in {project.config_file.name}."
    )


def _tell(other: Path, changes: Sequence[str]) -> None:
    """Report how the new lock changes the versions that another tool locked in ``other``."""
    if changes:
        say(f"All versions of {other.name} are kept except: {', '.join(changes)}.")
    else:
        say(f"All versions come from {other.name}.")


def _all(root: Path) -> list[tuple[Form, Path]]:
    """Return every lock of the project in ``root``, the one with the highest precedence first."""
    forms: tuple[Form, ...] = ("pylock.toml", "uv.lock", "requirements.txt")
    return [
        (form, root / form)
        for form in forms
        if (root / form).is_file() and (form != "requirements.txt" or is_pinned(_bytes(root / form)))
    ]


def _bytes(path: Path) -> bytes:
    return reader.data(path, path.parent, most=reader.MOST_OF_A_LOCK)


def _digest(project: Project, targets: Iterable[Target], form: Form, data: bytes) -> str:
    """Return the hash of everything that decides the packages of a lock, and its freshness."""
    parts = [_SCHEMA, form.encode(), data, b"piwheels" * project.piwheels]
    parts += [text.encode() for text in sorted(project.requirements)]
    parts += [b"without " + name.encode() for name in sorted(project.left_out)]
    parts += [b"-c " + text.encode() for text in sorted(project.constraints)]
    parts += [msgspec.msgpack.encode(target) for target in sorted(targets, key=lambda target: target.name)]
    if form == "pylock.toml":
        parts.append(str(project.root).encode())  # addresses in the lock may be relative to this
    if form == "uv.lock":
        parts.append(_bytes(project.root / "pyproject.toml"))
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
