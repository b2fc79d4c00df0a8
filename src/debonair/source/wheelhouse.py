"""A folder of wheels for a build without a network, as in a clean build root.

``debonair fetch`` fills it with the wheels of each target. A ``pylock.TARGET.toml`` (PEP 751) names them
with their hashes. The folder also has the wheels that the project's own build backend needs.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from debonair import lock as locks
from debonair.errors import LockError, ProjectError, WheelError, unreadable
from debonair.host import decoder, sandbox, toml
from debonair.host.cache import whole
from debonair.lock import Lock, build_tools, pylock
from debonair.lock.freshness import allows
from debonair.lock.model import File, Locked
from debonair.project import reader
from debonair.target import this_machine
from debonair.wheels import Wheel, build_system, describe, obtain
from debonair.wheels.archive import Archive
from debonair.wheels.pure import sha256
from debonair.wheels.select import select

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.project import Project
    from debonair.target import Target
    from debonair.tree import Plan

FOLDER = "debian/wheels"
"""The folder in a project with a ``debian/``, unless another is named."""
_BACKEND = "pylock.backend.toml"
_RECORD = ".fetched-by-debonair"
"""The list of the wheels that this module itself added, in the form of sha256sum(1)."""
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_.+!-]+\.whl)")
_HINT = "Run 'debonair fetch' on a machine with a network, and copy the whole folder."


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    """``[tool.debonair]`` of a lock in the wheelhouse."""

    made_from: str
    """Identifies the project's lock and requirements: 64 hexadecimal digits."""
    libraries: tuple[str, ...] = ()


class _Tool(msgspec.Struct, frozen=True):
    debonair: _Note


class _Noted(msgspec.Struct, frozen=True):
    tool: _Tool


@dataclass(frozen=True)
class Wheelhouse:
    """The wheels of ``project`` in ``folder``, and none from an index; a ``supply.Supply``."""

    project: Project
    folder: Path
    environ: Mapping[str, str]

    @classmethod
    def of(cls, project: Project, folder: Path, environ: Mapping[str, str]) -> Wheelhouse:
        """Return the wheelhouse in ``folder``; ``environ`` is kept, except where packages come from."""
        alone = {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(folder)}
        # Building a source package runs its debian/rules anyway, often where no sandbox is possible.
        alone[sandbox.VARIABLE] = "1"
        return cls(project, folder, {**environ, **alone})

    def wheels(self, target: Target) -> tuple[Wheel, ...]:
        """Return the wheels for ``target``, sorted by name.

        Raises ``LockError`` if the wheelhouse was not filled for it, or from another lock. Raises
        ``WheelError`` if a file is missing or has other bytes.
        """
        return tuple(self._verified(target))

    def libraries(self, target: Target) -> tuple[str, ...]:
        """Return the Debian packages of the libraries that the wheels for ``target`` are linked with."""
        return self._note(target).libraries

    def times(self) -> list[int]:
        """Return no time: in a package build, SOURCE_DATE_EPOCH is that of the changelog."""
        return []

    def tools(self) -> tuple[Wheel, ...]:
        """Return the wheels to build the project's own wheel with on this machine. Raises as ``wheels``."""
        path = self.folder / _BACKEND
        if not path.is_file():
            return ()  # it needs no tools
        packages = tuple(_fitting(pylock.read(path.read_bytes(), path).packages))
        lock = Lock(packages, path, "pylock.toml", "")
        chosen = select(lock, this_machine.target())
        return tuple(self._wheel(choice.name, choice.version, choice.file, path) for choice in chosen)

    def _verified(self, target: Target) -> Iterator[Wheel]:
        self._note(target)
        path = self._path(target)
        for package in pylock.read(path.read_bytes(), path).packages:
            (file,) = package.wheels
            yield self._wheel(package.name, package.version, file, path)

    def _wheel(self, name: str, version: str, file: File, path: Path) -> Wheel:
        """Return the wheel ``file`` of the lock ``path``, verified."""
        wheel = self.folder / file.filename
        if not wheel.is_file():
            raise WheelError(f"{path} names {file.filename}, which is not in its folder.", hint=_HINT)
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != file.sha256:
            raise WheelError(
                f"{wheel} has another sha256 than the file that {path.name} names.", hint=_HINT
            )
        return Wheel(name, version, file.filename, file.sha256, wheel)

    def _note(self, target: Target) -> _Note:
        path = self._path(target)
        if not path.is_file():
            raise LockError(f"{self.folder} has no wheels for {target.name}.", hint=_HINT)
        try:
            note = decoder.converted(tomllib.loads(path.read_text(encoding="utf-8")), _Noted).tool.debonair
        except (RecursionError, ValueError, msgspec.ValidationError) as wrong:
            raise LockError(f"{path} is not valid: {wrong}.", hint=_HINT) from None
        if note.made_from != made_from(self.project):
            raise LockError(
                f"{path} was written for other requirements or another lock than the project's.",
                hint=_HINT,
            )
        return note

    def _path(self, target: Target) -> Path:
        return self.folder / f"pylock.{target.name}.toml"


def made_from(project: Project) -> str:
    """Return a hash that identifies the lock and the requirements of ``project``, as hexadecimal."""
    found = locks.find(project.root)
    parts = [found[1].read_bytes() if found else b""]
    parts += [text.encode() for text in sorted(project.requirements)]
    parts += [b"-c " + text.encode() for text in sorted(project.constraints)]
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def fill(
    folder: Path,
    project: Project,
    plans: Mapping[Target, Plan],
    cache: Cache,
    environ: Mapping[str, str],
) -> list[Path]:
    """Put the wheels of ``plans`` of ``project`` into the wheelhouse ``folder``; return its files.

    A file that an earlier run put there is removed if nothing in the wheelhouse names it any more; files of
    others always stay. Raises ``WheelError`` if such a file has the name of a wheel but other bytes. Raises
    what ``Uv.lock`` and ``wheels.obtain`` raise if the project's build tools are not available.
    """
    identity = made_from(project)
    laid = {
        folder / f"pylock.{target.name}.toml": _text(
            planned.wheels, _Note(made_from=identity, libraries=planned.libraries)
        )
        for target, planned in plans.items()
    }
    wheels = [wheel for planned in plans.values() for wheel in planned.wheels]
    if project.install == "wheel":
        built_with = _backend(project, list(plans), cache, environ)
        wheels += built_with
        laid[folder / _BACKEND] = _text(built_with, _Note(made_from=identity))
    before = _recorded(folder)
    now = {wheel.filename: wheel for wheel in wheels}
    present = {name: sha256(folder / name) for name in {*before, *now} if (folder / name).is_file()}
    ours = {name: digest for name, digest in present.items() if before.get(name) == digest}
    for name, wheel in now.items():
        if present.get(name) not in (None, wheel.sha256, ours.get(name)):
            raise WheelError(
                f"{folder / name} already exists, and is not the downloaded file.",
                hint="Debonair did not write it. Move it away, or choose another folder: --out DIR",
            )
    for name in [name for name in ours if name not in now]:
        (folder / name).unlink()
        del ours[name]
    for name, wheel in now.items():
        if present.get(name) != wheel.sha256:
            with whole(folder / name) as temporary:
                temporary.write_bytes(wheel.path.read_bytes())
            ours[name] = wheel.sha256
    for path, text in laid.items():
        with whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    lines = [f"{digest}  {name}\n" for name, digest in sorted(ours.items())]
    with whole(folder / _RECORD) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")
    return sorted({*laid, *(folder / wheel.filename for wheel in wheels)})


def allow(source: Path, folder: Path) -> None:
    """Allow dpkg-source(1) to pack the wheels in ``folder``, in debian/ of the source package ``source``.

    It refuses binary files there, unless debian/source/include-binaries names them; other lines stay.
    """
    listed = source / "debian/source/include-binaries"
    if not folder.is_relative_to(source / "debian") or not listed.parent.is_dir():
        return
    place = folder.relative_to(source).as_posix()
    before = reader.text(listed, source).splitlines() if reader.is_file(listed) else []
    kept = [line for line in before if line.rpartition("/")[0] != place]
    wheels = sorted(f"{place}/{path.name}" for path in folder.glob("*.whl"))
    with whole(listed) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in [*kept, *wheels]), encoding="utf-8")


def _backend(
    project: Project, targets: Sequence[Target], cache: Cache, environ: Mapping[str, str]
) -> tuple[Wheel, ...]:
    """Return the wheels that have just built the project's own wheel."""
    requires = tuple(sorted(build_system.of(project.root).requires))
    if not requires:
        return ()
    path = build_tools.path(project.root, project.name)
    _, lock = build_tools.locked(
        path,
        requires,
        build_tools.PYTHON,
        environ,
        locks=cache.folder("locks"),
        describe=describe,
    )
    return tuple(
        dict.fromkeys(wheel for target in targets for wheel in obtain(lock, target, cache, environ))
    )


def _fitting(packages: Sequence[Locked]) -> Iterator[Locked]:
    """Yield the newest version of each distribution that is for this Python, with its wheels for all cpus.

    The lock in a wheelhouse combines several targets, and does not record which one needs which version.
    """
    from packaging.version import Version  # noqa: PLC0415

    files = dict[str, dict[Version, list[File]]]()
    for package in packages:
        files.setdefault(package.name, {}).setdefault(Version(package.version), []).extend(package.wheels)
    for name, versions in files.items():
        for version in sorted(versions, reverse=True):
            found = [file for file in versions[version] if _is_for_this_python(file)]
            if found or len(versions) == 1:
                yield Locked(name, str(version), wheels=tuple(found))
                break


def _is_for_this_python(file: File) -> bool:
    """Return whether the metadata of the wheel ``file`` in a wheelhouse allows this Python."""
    from packaging.metadata import parse_email  # noqa: PLC0415

    path = Path(unquote(urlsplit(file.url).path))
    try:
        with unreadable(WheelError, f"{path.name} cannot be read"), Archive(path) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            fields, _ = parse_email(wheel.read(name))
    except WheelError:
        return True  # the installation will report its defect
    return allows(fields.get("requires_python", ""), this_machine.target().python)


def _text(wheels: Sequence[Wheel], note: _Note) -> str:
    """Return a lock (PEP 751) of ``wheels``, which are in the same folder."""
    lines = ["# Written by 'debonair fetch'.", 'lock-version = "1.0"', 'created-by = "debonair"', ""]
    for wheel in wheels:
        file = f"path = {toml.value(wheel.filename)}, hashes = {{ sha256 = {toml.value(wheel.sha256)} }}"
        lines += [
            "[[packages]]",
            f"name = {toml.value(wheel.name)}",
            f"version = {toml.value(wheel.version)}",
            f"wheels = [{{ {file} }}]",
            "",
        ]
    lines += [
        "[tool.debonair]",
        f"made_from = {toml.value(note.made_from)}",
        f"libraries = {toml.value(note.libraries)}",
    ]
    return "\n".join(lines) + "\n"


def _recorded(folder: Path) -> dict[str, str]:
    """Return the wheels that earlier runs put into ``folder``: hash by name."""
    try:
        record = reader.text(folder / _RECORD, most=reader.MOST_OF_A_LOCK)
    except ProjectError:
        return {}
    found = (_LINE.fullmatch(line) for line in reader.lines(record))
    return {line[2]: line[1] for line in found if line}
