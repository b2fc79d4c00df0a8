"""The standard lock file, pylock.toml (PEP 751): the parts that an installer for one target needs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from debonair.errors import LockError
from debonair.host import decoder, toml
from debonair.host.progress import warn
from debonair.lock.model import File, Locked


class _Named(msgspec.Struct, frozen=True, rename="kebab"):
    """A file in a lock."""

    hashes: dict[str, str] = {}
    name: str = ""
    url: str = ""
    path: str = ""
    size: int = 0
    upload_time: datetime | None = None


class _Package(msgspec.Struct, frozen=True, rename="kebab"):
    """A table ``[[packages]]``."""

    name: str
    version: str = ""
    marker: str = ""
    wheels: tuple[_Named, ...] = ()
    sdist: _Named | None = None
    archive: _Named | None = None
    vcs: dict[str, object] | None = None
    directory: dict[str, object] | None = None


class Record(msgspec.Struct, frozen=True, rename="kebab"):
    """The table ``[tool.debonair]``: the inputs that the lock was resolved from."""

    requirements: tuple[str, ...] = ()
    """The requirements that the project declares, sorted."""
    python: str = ""
    """The oldest Python that the lock supports: ``3.11``."""
    extra_indexes: dict[str, tuple[str, ...]] = {}
    """The names of the files from an extra index, by its address."""
    constraints: tuple[str, ...] = ()
    """The constraints that the project declares, sorted."""


class _Tool(msgspec.Struct, frozen=True):
    debonair: Record | None = None


class _File(msgspec.Struct, frozen=True, rename="kebab"):
    """The whole file; keys that an installer does not need are ignored."""

    lock_version: str
    packages: tuple[_Package, ...] = ()
    environments: tuple[str, ...] = ()
    requires_python: str = ""
    tool: _Tool = _Tool()


class Pylock(msgspec.Struct, frozen=True):
    """The contents of a ``pylock.toml``."""

    packages: tuple[Locked, ...]
    environments: tuple[str, ...]
    """The markers of the environments that the lock supports; empty means all."""
    requires_python: str
    record: Record | None


def read(data: bytes, path: Path) -> Pylock:
    """Return the contents of ``data``, the text of ``path``; names are normalised (PEP 503).

    Raises ``LockError`` if it is not a lock, or if a file in it is not a wheel or sdist with a sha256.
    """
    try:
        table = decoder.converted(tomllib.loads(data.decode()), _File)
    except (ValueError, RecursionError, msgspec.ValidationError) as wrong:
        raise LockError(
            f"{path} is not a valid lock: {wrong}.",
            hint=f"Remove {path.name} and run 'debonair lock'.",
        ) from None
    if table.lock_version.partition(".")[0] != "1":
        raise LockError(
            f"{path} has lock-version {table.lock_version}, but this Debonair supports only version 1.",
            hint="Run 'debonair lock', or upgrade Debonair.",
        )
    _check_markers(table, path)
    origins = table.tool.debonair.extra_indexes if table.tool.debonair else {}
    indexes = {name: index for index, names in origins.items() for name in names}
    return Pylock(
        packages=tuple(_locked(package, path, indexes) for package in table.packages),
        environments=table.environments,
        requires_python=table.requires_python,
        record=table.tool.debonair,
    )


def _check_markers(table: _File, path: Path) -> None:
    """Raise ``LockError`` if a marker or specifier in ``table`` is invalid; later code relies on this."""
    from packaging.markers import InvalidMarker, Marker  # noqa: PLC0415 - slow to import
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415

    try:
        SpecifierSet(table.requires_python)
        for marker in (*table.environments, *(package.marker for package in table.packages)):
            if marker:
                Marker(marker)
    except (InvalidMarker, InvalidSpecifier) as wrong:
        raise LockError(
            f"{path} is not valid: {str(wrong).splitlines()[0]}",
            hint=f"Remove {path.name} and run 'debonair lock'.",
        ) from None


def recorded(data: bytes, record: Record) -> bytes:
    """Return ``data``, a ``pylock.toml`` without ``[tool]``, with ``record`` added."""
    lines = [
        "",
        "[tool.debonair]",
        "# The requirements that this lock was resolved from; if they change, the lock is stale.",
    ]
    lines.append("requirements = [")
    lines += [f"    {toml.value(text)}," for text in record.requirements]
    lines.append("]")
    if record.constraints:
        lines += ["constraints = [", *(f"    {toml.value(text)}," for text in record.constraints), "]"]
    lines += [f"python = {toml.value(record.python)}", ""]
    if record.extra_indexes:
        lines += [
            "[tool.debonair.extra-indexes]",
            "# Files that the primary index does not have, by origin.",
        ]
    for index, names in record.extra_indexes.items():
        lines += [f"{toml.value(index)} = [", *(f"    {toml.value(name)}," for name in names), "]", ""]
    return data.rstrip(b"\n") + b"\n" + "\n".join(lines).encode()


def relative(data: bytes, folder: Path) -> bytes:
    """Return ``data``, a lock in ``folder``, with relative paths for the files below that folder.

    uv writes addresses or absolute paths, which differ on every machine (PEP 751,
    ``packages.wheels.path``). A message names files elsewhere, because nobody else has them there.
    """
    for place in (folder.as_uri(), str(folder)):
        below = re.compile(rf'\b(?:url|path) = "{re.escape(place)}/([^"%]+)"'.encode())
        data = below.sub(rb'path = "\1"', data)
    if elsewhere := re.findall(rb'\b(?:url = "file://|path = "/)[^"]*/([^"/]+)"', data):
        names = ", ".join(sorted({unquote(name.decode()) for name in elsewhere}))
        warn(f"The lock refers to files outside of {folder}, which exist only on this machine: {names}.")
    return data


def extended(data: bytes, wheels: Sequence[Sequence[File]]) -> bytes:
    """Return ``data``, a ``pylock.toml`` as uv writes it, with ``wheels`` added.

    ``wheels`` has a list for each package of ``data``, in its order, of files with name, address and hash.
    """
    head, *packages = data.decode().split("\n[[packages]]\n")
    for number, (package, more) in enumerate(zip(packages, wheels, strict=True)):
        if not more:
            continue
        tables = "".join(f"    {_inline(file)},\n" for file in more)
        before, key, after = f"\n{package}".partition("\nwheels = [")
        packages[number] = (
            f"{before}{key}\n{tables}    {after.lstrip()}"
            if key
            else f"\n{package.rstrip()}\nwheels = [\n{tables}]\n"
        ).removeprefix("\n")
    return "\n[[packages]]\n".join([head, *packages]).encode()


def _inline(file: File) -> str:
    """Return ``file`` as an inline table of TOML."""
    size = f"size = {file.size}, " if file.size else ""
    name = f"name = {toml.value(file.filename)}, " if file.filename != _last(file.url) else ""
    return (
        f"{{ {name}url = {toml.value(file.url)}, {size}hashes = {{ sha256 = {toml.value(file.sha256)} }} }}"
    )


def _locked(package: _Package, path: Path, indexes: Mapping[str, str]) -> Locked:
    """Return ``package`` as a value; ``indexes`` has the origin of files from extra indexes."""
    if package.vcs is not None or package.directory is not None:
        kind = "a repository" if package.vcs is not None else "a folder"
        raise LockError(
            f"{path}: {package.name} is locked to {kind}, for which there is no hash.",
            hint=f"Build a wheel of {package.name} and require its address, or publish it on your index.",
        )
    wheels = [_file(wheel, package, path) for wheel in package.wheels]
    wheels = [
        msgspec.structs.replace(file, index=indexes[file.filename]) if file.filename in indexes else file
        for file in wheels
    ]
    sdist = _file(package.sdist, package, path) if package.sdist else None
    if package.archive:
        archive = _file(package.archive, package, path)
        if archive.filename.endswith(".whl"):
            wheels.append(archive)
        else:
            sdist = archive
    direct = package.archive is not None
    return Locked(package.name, package.version, package.marker, tuple(wheels), sdist, direct)


def _file(named: _Named, package: _Package, path: Path) -> File:
    """Return ``named``, a file in the lock at ``path``, as a value."""
    url = named.url
    if named.path and not url:
        url = (path.absolute().parent / named.path).resolve().as_uri()
    filename = named.name or _last(url)
    sha256 = named.hashes.get("sha256", "").lower()
    if not sha256:
        raise LockError(
            f"{path}: {filename or package.name} has no sha256.",
            hint="Run 'debonair lock', which writes a sha256 for every file.",
        )
    if (
        not filename
        or "/" in filename
        or filename in (".", "..")
        or len(sha256) != 64
        or not sha256.isalnum()
    ):
        raise LockError(f"{path}: a file of {package.name} has no name, or its sha256 is not valid.")
    at = named.upload_time
    # UTC, as PEP 751 requires, even if the offset is missing
    uploaded = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) if at else 0
    return File(filename, sha256, url, named.size, uploaded=uploaded)


def _last(url: str) -> str:
    """Return the last part of the path of ``url``: the name of a file that has no other name."""
    return unquote(urlsplit(url).path.rpartition("/")[2])
