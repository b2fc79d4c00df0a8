"""The three forms of lock, each read into the same packages, and refused if it is stale.

Nothing of this runs in a build whose lock was read before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from debonair.cache import Cache, whole
from debonair.errors import LockError, NetworkError
from debonair.lock import fresh, pylock
from debonair.lock.locked import File, Form, Locked
from debonair.lock.requirements import Pin, parse
from debonair.lock.resolve import Uv
from debonair.progress import say

if TYPE_CHECKING:
    from debonair.project import Project
    from debonair.target import Target


@dataclass(frozen=True)
class Reader:
    """Reads the lock of ``project`` for ``targets``.

    ``uv`` is asked for what a lock does not hold, the addresses of its files; ``cache`` keeps the answer.
    """

    project: Project
    targets: Sequence[Target]
    cache: Cache
    uv: Uv

    def read(self, form: Form, data: bytes) -> tuple[Locked, ...]:
        """Return what ``data``, the project's lock of that ``form``, has.

        Raises ``LockError`` if the lock is stale or cannot be read, ``NetworkError`` if the index must be
        asked and cannot be.
        """
        path = self.project.root / form
        if form == "pylock.toml":
            return self._pylock(data, path)
        if form == "uv.lock":
            return self._uv(data, path)
        return self._requirements(data, path)

    def _pylock(self, data: bytes, path: Path) -> tuple[Locked, ...]:
        said = pylock.read(data, path)
        wanted = fresh.requirements(self.project.requirements, self.project.config_file.name)
        if said.record:
            _refuse(fresh.against_record(wanted, said.record.requirements), path)
            bounds = fresh.requirements(self.project.constraints, self.project.config_file.name)
            _refuse(fresh.against_record(bounds, said.record.constraints), path)
            if said.record.extra_indexes and not self.project.piwheels:
                _refuse("it has files of extra indexes, and 'piwheels' is false now", path)
        else:
            _refuse(fresh.against_pins(wanted, said.packages, self._environments()), path)
        self._check_targets(said, path)
        return self._located(said.packages, path)

    def _uv(self, data: bytes, path: Path) -> tuple[Locked, ...]:
        wanted = fresh.requirements(self.project.requirements, self.project.config_file.name)
        try:
            why = fresh.against_uv(wanted, data, self.project.name)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
            raise LockError(f"{path} cannot be read: {wrong}.", hint="Type 'debonair lock'.") from None
        _refuse(why, path)
        said = pylock.read(self.uv.export(), path)
        self._check_targets(said, path)
        return self._located(said.packages, path)

    def _requirements(self, data: bytes, path: Path) -> tuple[Locked, ...]:
        said = parse(data, path.name)
        packages = tuple(_pinned(self._meant(pin, path), path) for pin in said.pins)
        wanted = fresh.requirements(self.project.requirements, self.project.config_file.name)
        _refuse(fresh.against_pins(wanted, packages, self._environments()), path)
        return self._located(packages, path, said.options)

    def _meant(self, pin: Pin, path: Path) -> Pin:
        """Return ``pin`` with one hash, if it is an address: of several, that of the file that is there.

        pip takes a file with any of them. Raises ``LockError`` if it has none, ``NetworkError`` if it
        cannot be fetched.
        """
        if not pin.url or len(pin.hashes) == 1:
            return pin
        from debonair.fetch import keep  # noqa: PLC0415 - few name an address, and two hashes for it

        with keep(pin.url, self.cache, self.uv.environ).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found not in pin.hashes:
            raise LockError(
                f"{path}: the file at {pin.url} has the sha256 {found}, which is none of those of "
                f"{pin.name}.",
                hint="If you trust it, type 'debonair lock'.",
            )
        return msgspec.structs.replace(pin, hashes=frozenset({found}))

    def _located(
        self, packages: tuple[Locked, ...], path: Path, options: Iterable[str] = ()
    ) -> tuple[Locked, ...]:
        """Return ``packages`` with the name and address of every file, asked of the index if need be.

        Only files whose hashes are in ``packages`` already are taken; their markers stay as they are.
        ``options`` are lines of a requirements file that say where the index is.
        """
        unknown = [package for package in packages if not all(file.url for file in package.files)]
        if not unknown:
            return packages
        lines = [
            *options,
            *(
                f"{package.name}=={package.version}" + (f" ; {package.marker}" if package.marker else "")
                for package in unknown
            ),
        ]
        python = oldest(self.targets)
        key = hashlib.sha256("\n".join([python, *lines]).encode()).hexdigest()
        kept = self.cache.folder("locks") / f"{key}.toml"
        data = kept.read_bytes() if kept.is_file() else self._ask(lines, python, unknown, path)
        answer = pylock.read(data, kept)
        known = {file.sha256: file for package in answer.packages for file in package.files}
        done = tuple(
            _with_addresses(package, known) if package in unknown else package for package in packages
        )
        for package in done:
            if not package.files and any(map(partial(fresh.applies, package.marker), self._environments())):
                raise LockError(
                    f"{path}: the index has no file of {package.name} {package.version} with a hash that "
                    "is locked.",
                    hint="Set the index that it was locked from, or type 'debonair lock'.",
                )
        if not kept.is_file():
            with whole(kept) as temporary:
                temporary.write_bytes(data)
        return done

    def _ask(self, lines: Sequence[str], python: str, unknown: Sequence[Locked], path: Path) -> bytes:
        """Return what the index says of the pins in ``lines``, which are those of ``unknown``."""
        say(f"Asking the index where the files of {len(unknown)} locked packages are...")
        try:
            return self.uv.files(lines, python)
        except NetworkError as failed:
            names = ", ".join(f"{package.name} {package.version}" for package in unknown)
            raise NetworkError(
                f"{path} holds no addresses, and the index could not be asked for those of {names}. "
                f"{failed.message}",
                hint=f"{failed.hint} Once it was asked, no network is needed.",
            ) from failed

    def _environments(self) -> list[dict[str, str]]:
        return [target.markers() for target in self.targets]

    def _check_targets(self, said: pylock.Pylock, path: Path) -> None:
        """Raise ``LockError`` if the lock at ``path`` was not made for one of the targets."""
        for target in self.targets:
            recorded = said.record.python if said.record else ""
            if older := fresh.python(recorded, target.python):
                raise LockError(
                    f"{path} is stale: {older}.",
                    hint=f"Add '{target.name}' to 'targets', and type 'debonair lock'.",
                )
            if not fresh.allows(said.requires_python, target.python):
                raise LockError(
                    f"{path} is for Python {said.requires_python}, and {target.name} has {target.python}.",
                    hint=f"Widen requires-python and type 'debonair lock', or take {target.name} out of "
                    "'targets'.",
                )
            if not fresh.in_environment(said.environments, target.markers()):
                raise LockError(
                    f"{path} is for other machines: none of its 'environments' is {target.name}.",
                    hint="Lock for Linux too, or leave 'environments' out.",
                )


def oldest(targets: Iterable[Target]) -> str:
    """Return the oldest Python of ``targets``: ``3.11``."""
    return ".".join(map(str, min(target.python_version for target in targets)))


def _pinned(pin: Pin, path: Path) -> Locked:
    """Return ``pin``; its files have hashes, and names and addresses only if the pin is an address."""
    if not pin.url:
        files = tuple(File("", sha256) for sha256 in sorted(pin.hashes))
        return Locked(pin.name, pin.version, pin.marker, files)
    file = File(unquote(urlsplit(pin.url).path.rpartition("/")[2]), min(pin.hashes), pin.url)
    if file.filename.endswith(".whl") and "/" not in file.filename:
        return Locked(pin.name, file.filename.split("-")[1], pin.marker, (file,))
    raise LockError(
        f"{path} pins {pin.name} to an address that is no wheel: {pin.url}",
        hint="Name a wheel there, or a version.",
    )


def _with_addresses(package: Locked, known: Mapping[str, File]) -> Locked:
    """Return ``package`` with those of its files that have an address, or are ``known`` by their hash."""
    files = [
        file if file.url else known[file.sha256]
        for file in package.files
        if file.url or file.sha256 in known
    ]
    return msgspec.structs.replace(
        package,
        wheels=tuple(file for file in files if file.filename.endswith(".whl")),
        sdist=next((file for file in files if not file.filename.endswith(".whl")), None),
    )


def _refuse(why: str, path: Path) -> None:
    """Raise ``LockError`` if there is a reason ``why`` the lock at ``path`` is stale."""
    if why:
        raise LockError(f"{path} is stale: {why}.", hint="Type 'debonair lock' to renew it.")
