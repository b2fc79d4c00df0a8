"""Which lock a project has, whether it is fresh, and how one is made.

Three forms are read: ``pylock.toml`` (PEP 751), ``uv.lock``, and a ``requirements.txt`` with hashes. What
was read is kept in the cache under the hash of everything that it was made from, so that a second build
parses nothing, asks uv nothing and needs no network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair import declared, kinds
from debonair.cache import Cache, whole
from debonair.errors import LockError
from debonair.lock.locked import File, Form, Lock, Locked
from debonair.lock.requirements import hashed, is_pinned
from debonair.progress import say
from debonair.run import run

if TYPE_CHECKING:
    from debonair.fetch import Get
    from debonair.lock.resolve import Runner
    from debonair.project import Project
    from debonair.target import Target

__all__ = ["File", "Form", "Lock", "Locked", "ensure", "find", "write"]

_SCHEMA = b"2"
"""To be changed with the meaning of what is kept in the cache."""


def find(root: Path) -> tuple[Form, Path] | None:
    """Return the form and path of the lock of the project in ``root``; ``None`` if it has none.

    If there are several, ``pylock.toml`` counts before ``uv.lock``, and that before ``requirements.txt``,
    which is a lock only if it has hashes.
    """
    found = _all(root)
    return found[0] if found else None


def ensure(
    project: Project,
    targets: Sequence[Target],
    cache: Cache,
    environ: Mapping[str, str],
    *,
    runner: Runner = run,
    get: Get | None = None,
) -> Lock:
    """Return the lock of ``project``, good for all of ``targets``; one is made if there is none.

    ``environ`` is where the index is configured; ``runner`` and ``get`` stand in for uv and for the
    network. Raises ``LockError`` if the lock is stale or cannot be
    read, ``NetworkError`` if the index must be asked and cannot be.
    """
    found = _all(project.root)
    if not found:
        if not project.requirements:
            return Lock((), project.config_file, "none", hashlib.sha256(_SCHEMA).hexdigest())
        say("There is no lock yet; it is made now, and belongs in version control.")
        write(project, targets, cache, environ, runner=runner, get=get)
        found = _all(project.root)
    form, path = found[0]
    data = _bytes(path)
    digest = _digest(project, targets, form, data)
    kept = cache.folder("locks") / f"{digest}.lock"
    try:
        packages = kinds.unpacked(kept.read_bytes(), tuple[Locked, ...])
    except (OSError, msgspec.MsgspecError):
        if len(found) > 1:
            others = ", ".join(other.name for _, other in found[1:])
            say(f"The lock is {path.name}; {others} is not read.")
        # A lock that was read before needs none of it.
        from debonair.lock import readers  # noqa: PLC0415
        from debonair.lock.resolve import Uv  # noqa: PLC0415

        reader = readers.Reader(project, targets, cache, Uv(project.root, environ, runner))
        packages = reader.read(form, data)
        with whole(kept) as temporary:
            temporary.write_bytes(msgspec.msgpack.encode(packages))
    return Lock(packages, path, form, digest)


def write(
    project: Project,
    targets: Sequence[Target],
    cache: Cache,
    environ: Mapping[str, str],
    *,
    upgrade: bool = False,
    runner: Runner = run,
    get: Get | None = None,
) -> Path:
    """Resolve the requirements of ``project`` for all of ``targets`` at once and write its lock.

    The form it has is kept; it is ``pylock.toml`` if there was none. Versions that are locked already stay
    unless ``upgrade`` is set. For a ``pylock.toml`` the targets' extra indexes are asked for wheels that
    the primary one lacks. ``runner`` and ``get`` stand in for uv and for the network. Returns the lock's
    path. Raises ``LockError`` if the requirements cannot be met, ``NetworkError`` if the index cannot be
    reached; then the lock is as it was.
    """
    from debonair.lock.resolve import Uv  # noqa: PLC0415 - a warm build resolves nothing

    form, path = find(project.root) or ("pylock.toml", project.root / "pylock.toml")
    uv = Uv(project.root, environ, runner)
    if form == "uv.lock":
        say("Resolving into uv.lock...")
        from debonair.lock import readers  # noqa: PLC0415

        uv.relock(readers.oldest(targets), upgrade=upgrade)
        return path
    if form == "requirements.txt" and not project.requirements:
        raise LockError(
            f"{path} is pinned by hashes, and nothing else says what the project wants.",
            hint="Write what it wants, without versions if you like, into requirements.in, and type "
            "'debonair lock'.",
        )
    from debonair.lock import fresh, pins, pylock, readers  # noqa: PLC0415

    fresh.requirements((*project.requirements, *project.constraints), project.config_file.name)
    python = readers.oldest(targets)
    count = len(project.requirements)
    say(f"Resolving {count} requirement{'s' * (count != 1)} for every target into {path.name}...")
    other = None if path.is_file() else pins.find(project.root)
    versions = pins.read(other) if other else {}
    data = uv.lock(
        project.requirements,
        python,
        path,
        upgrade=upgrade,
        constraints=project.constraints,
        versions=versions,
        prereleases=project.prereleases,
    )
    if other and form == "pylock.toml":
        _tell(other, pins.changes(versions, {p.name: p.version for p in pylock.read(data, path).packages}))
    if form == "pylock.toml":
        data = pylock.relative(data, path.parent)
        origins = dict[str, tuple[str, ...]]()
        if project.piwheels and any(target.extra_indexes for target in targets):
            from debonair.lock import extra  # noqa: PLC0415

            data, origins = extra.complete(data, path, targets, environ, get)
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


def _tell(other: Path, changes: Sequence[str]) -> None:
    """Say what became of the versions that another tool has locked in ``other``."""
    if changes:
        say(f"Of {other.name} all versions are kept but: {', '.join(changes)}.")
    else:
        say(f"All versions are those of {other.name}.")


def _all(root: Path) -> list[tuple[Form, Path]]:
    """Return every lock of the project in ``root``, the one that counts first."""
    forms: tuple[Form, ...] = ("pylock.toml", "uv.lock", "requirements.txt")
    return [
        (form, root / form)
        for form in forms
        if (root / form).is_file() and (form != "requirements.txt" or is_pinned(_bytes(root / form)))
    ]


def _bytes(path: Path) -> bytes:
    return declared.data(path, path.parent, most=declared.MOST_OF_A_LOCK)


def _digest(project: Project, targets: Iterable[Target], form: Form, data: bytes) -> str:
    """Return the hash of everything that decides what is read from a lock, and whether it is fresh."""
    parts = [_SCHEMA, form.encode(), data, b"piwheels" * project.piwheels]
    parts += [text.encode() for text in sorted(project.requirements)]
    parts += [b"-c " + text.encode() for text in sorted(project.constraints)]
    parts += [msgspec.msgpack.encode(target) for target in sorted(targets, key=lambda target: target.name)]
    if form == "pylock.toml":
        parts.append(str(project.root).encode())  # addresses in it may be relative to it
    if form == "uv.lock":
        parts.append(_bytes(project.root / "pyproject.toml"))
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
