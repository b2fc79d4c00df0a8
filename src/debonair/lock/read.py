"""Read the three formats of locks into the same packages, and refuse a stale lock.

A build from a cached lock does not import this module.
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

from debonair.errors import LockError, NetworkError
from debonair.host.cache import Cache
from debonair.host.memo import remember
from debonair.host.progress import say
from debonair.lock import freshness, pylock
from debonair.lock.model import File, Form, Locked
from debonair.lock.pinned_requirements import Pin, parse
from debonair.lock.uv import Uv
from debonair.project.requirements_file import decoded

if TYPE_CHECKING:
    from debonair.project import Project
    from debonair.target import Target


@dataclass(frozen=True)
class Reader:
    """Reads the lock of ``project`` for ``targets``.

    ``uv`` provides the addresses of files if a lock lacks them; ``cache`` keeps its answers.
    """

    project: Project
    targets: Sequence[Target]
    cache: Cache
    uv: Uv

    def read(self, form: Form, data: bytes) -> tuple[Locked, ...]:
        """Return the packages of ``data``, the project's lock in the format ``form``.

        Raises ``LockError`` if the lock is stale or cannot be read, and ``NetworkError`` if the index is
        needed but cannot be reached.
        """
        path = self.project.root / form
        if form == "pylock.toml":
            return self._pylock(data, path)
        if form == "uv.lock":
            return self._uv(data, path)
        return self._requirements(data, path)

    def _pylock(self, data: bytes, path: Path) -> tuple[Locked, ...]:
        document = pylock.read(data, path)
        requirements = freshness.requirements(self.project.requirements, self.project.config_file.name)
        if document.record:
            _refuse(freshness.against_record(requirements, document.record.requirements), path)
            bounds = freshness.requirements(self.project.constraints, self.project.config_file.name)
            _refuse(freshness.against_record(bounds, document.record.constraints), path)
            if document.record.extra_indexes and not self.project.piwheels:
                _refuse("it has files of extra indexes, but 'piwheels' is now false", path)
        else:
            _refuse(freshness.against_pins(requirements, document.packages, self._environments()), path)
        self._check_targets(document, path)
        return self._located(document.packages, path)

    def _uv(self, data: bytes, path: Path) -> tuple[Locked, ...]:
        requirements = freshness.requirements(self.project.requirements, self.project.config_file.name)
        try:
            why = freshness.against_uv(requirements, data, self.project.name)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
            raise LockError(f"{path} is not valid: {wrong}.", hint="Run 'debonair lock'.") from None
        _refuse(why, path)
        document = pylock.read(self.uv.export(), path)
        self._check_targets(document, path)
        return self._located(document.packages, path)

    def _requirements(self, data: bytes, path: Path) -> tuple[Locked, ...]:
        document = parse(decoded(data, path), path.name)
        packages = tuple(_pinned(self._with_file_hash(pin, path), path) for pin in document.pins)
        requirements = freshness.requirements(self.project.requirements, self.project.config_file.name)
        _refuse(freshness.against_pins(requirements, packages, self._environments()), path)
        return self._located(packages, path, document.options)

    def _with_file_hash(self, pin: Pin, path: Path) -> Pin:
        """Reduce the hashes of ``pin`` to one, if it is an address: the hash of the file at that address.

        pip accepts a file with any of the hashes. Raises ``LockError`` if the file has none of them, and
        ``NetworkError`` if it cannot be fetched.
        """
        if not pin.url or len(pin.hashes) == 1:
            return pin
        from debonair.lock.download import keep  # noqa: PLC0415 - few locks have an address with two hashes

        with keep(pin.url, self.cache, self.uv.environ).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found not in pin.hashes:
            raise LockError(
                f"{path}: the file at {pin.url} has the sha256 {found}, which is not one of those of "
                f"{pin.name}.",
                hint="If you trust it, run 'debonair lock'.",
            )
        return msgspec.structs.replace(pin, hashes=frozenset({found}))

    def _located(
        self, packages: tuple[Locked, ...], path: Path, options: Iterable[str] = ()
    ) -> tuple[Locked, ...]:
        """Return ``packages`` with the name and address of every file, from the index if needed.

        Only files whose hashes are in ``packages`` are accepted; their markers stay as they are.
        ``options`` are lines of a requirements file about indexes.
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
        kept = self.cache.folder("locks") / f"{key}.index"

        def located(answer: bytes) -> tuple[Locked, ...]:
            read = pylock.read(answer, kept)
            known = {file.sha256: file for package in read.packages for file in package.files}
            return tuple(
                _with_addresses(package, known) if package in unknown else package for package in packages
            )

        def ask() -> bytes:
            answer = self._ask(lines, python, unknown, path)
            if package := self._lacking(located(answer)):
                raise LockError(
                    f"{path}: the index has no file of {package.name} {package.version} with a "
                    "locked hash.",
                    hint="Use the index that it was locked from, or run 'debonair lock'.",
                )
            return answer

        def fits(answer: bytes) -> bool:
            return not self._lacking(located(answer))  # other hashes may be locked now

        return located(remember(kept, bytes, ask, self.cache, fits=fits))

    def _lacking(self, packages: Iterable[Locked]) -> Locked | None:
        """Return the first of ``packages`` that a target needs and that has no file."""
        for package in packages:
            if not package.files and any(
                map(partial(freshness.applies, package.marker), self._environments())
            ):
                return package
        return None

    def _ask(self, lines: Sequence[str], python: str, unknown: Sequence[Locked], path: Path) -> bytes:
        """Return the index's answer about the pins in ``lines``, which belong to ``unknown``."""
        say(f"Querying the index for the addresses of {len(unknown)} locked packages...")
        try:
            return self.uv.files(lines, python)
        except NetworkError as failed:
            names = ", ".join(f"{package.name} {package.version}" for package in unknown)
            raise NetworkError(
                f"{path} contains no addresses, and the index could not be queried for those of {names}. "
                f"{failed.message}",
                hint=f"{failed.hint} After the first query, no network is needed.",
            ) from failed

    def _environments(self) -> list[dict[str, str]]:
        return [target.markers() for target in self.targets]

    def _check_targets(self, document: pylock.Pylock, path: Path) -> None:
        """Raise ``LockError`` if the lock at ``path`` does not support one of the targets."""
        for target in self.targets:
            recorded = document.record.python if document.record else ""
            if older := freshness.python(recorded, target.python):
                raise LockError(
                    f"{path} is stale: {older}.",
                    hint=f"Add '{target.name}' to 'targets', then run 'debonair lock'.",
                )
            if not freshness.allows(document.requires_python, target.python):
                raise LockError(
                    f"{path} is for Python {document.requires_python}, but {target.name} has "
                    f"{target.python}.",
                    hint=f"Widen requires-python and run 'debonair lock', or remove {target.name} from "
                    "'targets'.",
                )
            if not freshness.in_environment(document.environments, target.markers()):
                raise LockError(
                    f"{path} is for other machines: {target.name} is not among its 'environments'.",
                    hint="Lock for Linux too, or remove 'environments'.",
                )


def oldest(targets: Iterable[Target]) -> str:
    """Return the oldest Python of ``targets``: ``3.11``."""
    return ".".join(map(str, min(target.python_version for target in targets)))


def _pinned(pin: Pin, path: Path) -> Locked:
    """Convert ``pin``; its files have hashes, and names and addresses only if the pin is an address."""
    if not pin.url:
        files = tuple(File("", sha256) for sha256 in sorted(pin.hashes))
        return Locked(pin.name, pin.version, pin.marker, files)
    file = File(unquote(urlsplit(pin.url).path.rpartition("/")[2]), min(pin.hashes), pin.url)
    if file.filename.endswith(".whl") and "/" not in file.filename:
        return Locked(pin.name, file.filename.split("-")[1], pin.marker, (file,))
    raise LockError(
        f"{path} pins {pin.name} to an address that is not a wheel: {pin.url}",
        hint="Write the address of a wheel there, or a version.",
    )


def _with_addresses(package: Locked, known: Mapping[str, File]) -> Locked:
    """Return ``package`` with the files that have an address, or whose hash is in ``known``."""
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
    """Raise ``LockError`` with the reason ``why`` the lock at ``path`` is stale, if there is one."""
    if why:
        raise LockError(f"{path} is stale: {why}.", hint="Run 'debonair lock' to renew it.")
