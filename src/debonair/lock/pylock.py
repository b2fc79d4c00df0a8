"""The standard lock file, pylock.toml (PEP 751), as far as an installer for one target needs it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from debonair import kinds
from debonair.errors import LockError
from debonair.lock.locked import File, Locked
from debonair.progress import say


class _Named(msgspec.Struct, frozen=True, rename="kebab"):
    """A file as it stands in a lock."""

    hashes: dict[str, str] = {}
    name: str = ""
    url: str = ""
    path: str = ""
    size: int = 0
    upload_time: datetime | None = None


class _Package(msgspec.Struct, frozen=True, rename="kebab"):
    """One ``[[packages]]``."""

    name: str
    version: str = ""
    marker: str = ""
    wheels: tuple[_Named, ...] = ()
    sdist: _Named | None = None
    archive: _Named | None = None
    vcs: dict[str, object] | None = None
    directory: dict[str, object] | None = None


class Record(msgspec.Struct, frozen=True, rename="kebab"):
    """``[tool.debonair]``: what the lock was resolved from."""

    requirements: tuple[str, ...] = ()
    """Sorted, as the project declares them."""
    python: str = ""
    """The oldest Python it is for: ``3.11``."""
    extra_indexes: dict[str, tuple[str, ...]] = {}
    """By the address of an extra index of a target, the names of the files that came from there."""
    constraints: tuple[str, ...] = ()
    """Sorted, as the project declares them."""


class _Tool(msgspec.Struct, frozen=True):
    debonair: Record | None = None


class _File(msgspec.Struct, frozen=True, rename="kebab"):
    """The whole file; what an installer does not need is not looked at."""

    lock_version: str
    packages: tuple[_Package, ...] = ()
    environments: tuple[str, ...] = ()
    requires_python: str = ""
    tool: _Tool = _Tool()


class Pylock(msgspec.Struct, frozen=True):
    """What a ``pylock.toml`` says."""

    packages: tuple[Locked, ...]
    environments: tuple[str, ...]
    """Markers of the environments that it is for; empty means that any will do."""
    requires_python: str
    record: Record | None


def read(data: bytes, path: Path) -> Pylock:
    """Return what ``data``, the text of ``path``, says; names are normalised (PEP 503).

    Raises ``LockError`` if it is not a lock, or locks something that is no wheel or sdist with a sha256.
    """
    try:
        table = kinds.converted(tomllib.loads(data.decode()), _File)
    except (ValueError, RecursionError, msgspec.ValidationError) as wrong:
        raise LockError(
            f"{path} is not a lock that can be read: {wrong}.",
            hint=f"Take {path.name} away and type 'debonair lock'.",
        ) from None
    if table.lock_version.partition(".")[0] != "1":
        raise LockError(
            f"{path} has lock-version {table.lock_version}; this Debonair reads version 1.",
            hint="Type 'debonair lock', or upgrade Debonair.",
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
    """Raise ``LockError`` if an expression of ``table`` is none, so that nobody else needs to."""
    from packaging.markers import InvalidMarker, Marker  # noqa: PLC0415 - slow to import
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415

    try:
        SpecifierSet(table.requires_python)
        for marker in (*table.environments, *(package.marker for package in table.packages)):
            if marker:
                Marker(marker)
    except (InvalidMarker, InvalidSpecifier) as wrong:
        raise LockError(
            f"{path} cannot be read: {str(wrong).splitlines()[0]}",
            hint=f"Take {path.name} away and type 'debonair lock'.",
        ) from None


def recorded(data: bytes, record: Record) -> bytes:
    """Return ``data``, a ``pylock.toml`` without ``[tool]``, with ``record`` put in."""
    lines = [
        "",
        "[tool.debonair]",
        "# What this lock was resolved from; a change of it makes the lock stale.",
    ]
    lines.append("requirements = [")
    lines += [f"    {_quoted(text)}," for text in record.requirements]
    lines.append("]")
    if record.constraints:
        lines += ["constraints = [", *(f"    {_quoted(text)}," for text in record.constraints), "]"]
    lines += [f"python = {_quoted(record.python)}", ""]
    if record.extra_indexes:
        lines += [
            "[tool.debonair.extra-indexes]",
            "# Files that the primary index does not have, by origin.",
        ]
    for index, names in record.extra_indexes.items():
        lines += [f"{_quoted(index)} = [", *(f"    {_quoted(name)}," for name in names), "]", ""]
    return data.rstrip(b"\n") + b"\n" + "\n".join(lines).encode()


def relative(data: bytes, folder: Path) -> bytes:
    """Return ``data``, a lock for the ``folder``, with files below it named by their paths from there.

    uv names them by an address or a whole path, which are others on every machine (PEP 751,
    ``packages.wheels.path``). Files that lie elsewhere are said: nobody else has them there.
    """
    for place in (folder.as_uri(), str(folder)):
        below = re.compile(rf'\b(?:url|path) = "{re.escape(place)}/([^"%]+)"'.encode())
        data = below.sub(rb'path = "\1"', data)
    if elsewhere := re.findall(rb'\b(?:url = "file://|path = "/)[^"]*/([^"/]+)"', data):
        names = ", ".join(sorted({unquote(name.decode()) for name in elsewhere}))
        say(
            f"The lock names files of this machine, outside of {folder}, which others do not have: {names}."
        )
    return data


def extended(data: bytes, wheels: Sequence[Sequence[File]]) -> bytes:
    """Return ``data``, a ``pylock.toml`` as uv writes it, with ``wheels`` put in.

    ``wheels`` has those for each package of ``data``, in its order, with name, address and hash.
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
    name = f"name = {_quoted(file.filename)}, " if file.filename != _last(file.url) else ""
    return f"{{ {name}url = {_quoted(file.url)}, {size}hashes = {{ sha256 = {_quoted(file.sha256)} }} }}"


def _quoted(text: str) -> str:
    """Return ``text`` as a basic string of TOML, which is written as one of JSON is."""
    return msgspec.json.encode(text).decode()


def _locked(package: _Package, path: Path, indexes: Mapping[str, str]) -> Locked:
    """Return ``package`` as a value; ``indexes`` has the origin of files that the primary index has not."""
    if package.vcs is not None or package.directory is not None:
        kind = "a repository" if package.vcs is not None else "a folder"
        raise LockError(
            f"{path}: {package.name} is locked to {kind}, of which there is no hash.",
            hint=f"Make a wheel of {package.name} and name its address, or publish it on your index.",
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
    """Return the file ``named`` in the lock at ``path``."""
    url = named.url
    if named.path and not url:
        url = (path.absolute().parent / named.path).resolve().as_uri()
    filename = named.name or _last(url)
    sha256 = named.hashes.get("sha256", "").lower()
    if not sha256:
        raise LockError(
            f"{path}: {filename or package.name} has no sha256.",
            hint="Type 'debonair lock', which writes one for every file.",
        )
    if (
        not filename
        or "/" in filename
        or filename in (".", "..")
        or len(sha256) != 64
        or not sha256.isalnum()
    ):
        raise LockError(f"{path}: a file of {package.name} has no name, or a sha256 that is none.")
    at = named.upload_time
    # UTC, as PEP 751 demands, also where the offset was left out
    uploaded = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) if at else 0
    return File(filename, sha256, url, named.size, uploaded=uploaded)


def _last(url: str) -> str:
    """Return the last part of the path of ``url``, which names a file if nothing else does."""
    return unquote(urlsplit(url).path.rpartition("/")[2])
