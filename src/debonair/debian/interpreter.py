"""An interpreter of a given minor version that runs here, to compile bytecode with.

Bytecode differs between releases of one minor version: 264 of 569 modules differed between 3.13.0 and
3.13.5. So this module looks for exactly the release of the suite: on this machine, or else in the suite's
packages. Those are unpacked into the cache, for this machine's architecture, and run through their own
dynamic loader. Nothing is installed. The last resort, with a notice, is another release of the minor
version on this machine.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec

from debonair import target
from debonair.errors import Error
from debonair.host import memo, run
from debonair.host.cache import Cache, disk
from debonair.host.progress import warn
from debonair.host.usage import used

_PROBE = "import sys; print(sys.implementation.name, '%d.%d.%d' % sys.version_info[:3], sys.executable)"


class Interpreter(msgspec.Struct, frozen=True):
    """A Python that runs on this machine."""

    argv: tuple[str, ...]
    """The words that run it; append options and a program."""
    identity: str
    """Its full version, such as ``3.13.5``."""


def interpreter(version: str, *, cache: Cache, environ: Mapping[str, str]) -> Interpreter | None:
    """Return a CPython of the minor ``version``, such as ``3.13``, or None if none is available.

    It is of the release that a suite has, or else of another one, with a notice. ``cache`` remembers the
    result for as long as its program stays the same. ``environ`` provides PATH and the mirror. Raises
    ``MachineError`` if the cache is not writable.
    """
    here = list[Interpreter]()

    def make() -> Interpreter | None:
        suites = _suites(version)
        here.extend(_of_this_machine(version, environ))
        for found in here:
            if found.identity in suites.values():
                return found
        for suite in suites:
            minimal = f"python{version}-minimal"
            if (found_there := _of_suite(suite, version, cache, environ, package=minimal)) is not None:
                return found_there
        return None

    if (exact := _remembered(version, make, cache)) is not None or not here:
        return exact
    warn(
        f"Python {here[0].identity} of this machine compiles the bytecode, because "
        f"{' or '.join(_suites(version).values()) or f'a suite with {version}'} could not be downloaded: "
        "a build elsewhere may give other bytes.",
    )
    return here[0]


def complete(version: str, *, cache: Cache, environ: Mapping[str, str]) -> Interpreter | None:
    """Return a CPython of the minor ``version`` with its whole standard library.

    Any release will do, this machine's first; None if none is available. Everything else is as with
    ``interpreter``.
    """

    def make() -> Interpreter | None:
        suites = (
            _of_suite(suite, version, cache, environ, package=f"python{version}")
            for suite in _suites(version)
        )
        for found in chain(_of_this_machine(version, environ), suites):
            if (
                found
                and run.run([*found.argv, "-I", "-S", "-c", "import sqlite3, ssl"], check=False).status == 0
            ):
                return found
        return None

    return _remembered(f"{version}-complete", make, cache)


def _suites(version: str) -> dict[str, str]:
    """Return the suites whose python3 is of the minor ``version``, and its release there; newest first."""
    newest_first = reversed(target.suites().values())
    return {each.name: each.python_full for each in newest_first if each.python == version}


def _of_this_machine(version: str, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """Yield the interpreters of the minor ``version`` on this machine, its own first."""
    places = [shutil.which(f"python{version}", path=path) for path in ("/usr/bin", environ.get("PATH"))]
    for place in dict.fromkeys([*places, sys.executable]):
        if place and (found := _probed((place,), version)) is not None:
            yield found


def _probed(argv: Sequence[str], version: str) -> Interpreter | None:
    """Return the interpreter that ``argv`` runs; None unless it is a CPython of the minor ``version``.

    If ``argv`` is a shim, this is the program that the shim runs.
    """
    result = run.run([*argv, "-I", "-S", "-c", _PROBE], check=False)
    name, _, rest = result.stdout.strip().partition(" ")
    release, _, executable = rest.partition(" ")
    if result.status or name != "cpython" or not release.startswith(f"{version}."):
        return None
    return Interpreter((executable,) if len(argv) == 1 else tuple(argv), release)


def _of_suite(
    suite: str, version: str, cache: Cache, environ: Mapping[str, str], *, package: str
) -> Interpreter | None:
    """Unpack ``package`` of ``suite`` into ``cache``; None if it cannot be fetched or does not run here."""
    from debonair.debian.apt import Suite, host_architecture  # noqa: PLC0415
    from debonair.debian.mirror import mirror  # noqa: PLC0415 - needed only if nothing is remembered

    pythons = cache.folder("pythons")
    try:
        architecture = host_architecture()
        empty = pythons / "status" / "status"  # apt creates lock files beside it
        with disk(empty):
            empty.parent.mkdir(exist_ok=True)
            empty.touch()
        packages = Suite.of(suite, architecture, mirror=mirror(environ), cache=cache)
        debs = packages.fetch([package], status=empty)
        digest = hashlib.sha256("\n".join(sorted(path.name for path in debs)).encode()).hexdigest()
        folder = pythons / f"{suite}-{architecture}-{digest[:12]}"
        memo.folder(folder, partial(_unpack, debs), cache)
    except Error:
        return None
    loaders = sorted(folder.glob("**/ld-linux*.so.*"))
    libraries = sorted({str(path.parent) for path in folder.glob("**/lib*.so.*")})
    program = folder / "usr" / "bin" / f"python{version}"
    if not loaders or not program.exists():
        return None
    return _probed((str(loaders[0]), "--library-path", ":".join(libraries), str(program)), version)


def _unpack(debs: Sequence[Path], folder: Path) -> None:
    """Unpack ``debs`` together into ``folder``."""
    for deb in debs:
        run.run(["dpkg-deb", "--extract", deb, folder])
    folder.chmod(0o755)


class _Note(msgspec.Struct, frozen=True):
    """An interpreter, and what its programs looked like."""

    interpreter: Interpreter
    stamp: tuple[tuple[int, int], ...]


def _remembered(name: str, find: Callable[[], Interpreter | None], cache: Cache) -> Interpreter | None:
    """Return what ``find`` returned before as ``name``, if its programs have not changed, else again."""

    def make() -> _Note | None:
        return _Note(found, _stamp(found)) if (found := find()) else None

    def fits(note: _Note) -> bool:
        program = Path(note.interpreter.argv[0])
        if program.is_relative_to(cache.root):
            used(program, cache)
        try:
            return note.stamp == _stamp(note.interpreter)
        except OSError:
            return False

    note = memo.remember(cache.folder("pythons") / f"{name}.found", _Note, make, cache, fits=fits)
    return note.interpreter if note else None


def _stamp(found: Interpreter) -> tuple[tuple[int, int], ...]:
    """Return size and mtime of the programs that run ``found``, for comparison."""
    programs = [Path(word).stat() for word in (found.argv[0], found.argv[-1])]
    return tuple((each.st_size, each.st_mtime_ns) for each in programs)
