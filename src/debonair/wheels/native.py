"""Build the wheel of an sdist with code to compile, in a Debian of its target.

The Debian has no network. A lock beside the project's own, ``pylock.build-NAME.toml``, names the packages
of the sdist's backend, and they are put where the backend finds them. The project names the Debian packages
with headers and libraries. Paths and times are always the same, which makes the bytes reproducible.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from debonair.deb import tree
from debonair.deb.tree import Source
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.machine import Machine
from debonair.debian.rootfs.root import Root
from debonair.errors import LockError, WheelError
from debonair.host.cache import Cache
from debonair.host.memo import remember
from debonair.host.progress import say, ticking
from debonair.lock import Lock, build_tools
from debonair.lock.download import place
from debonair.lock.model import File
from debonair.project import layout
from debonair.target import Target
from debonair.wheels import backend_program, build_system, store, venv
from debonair.wheels.model import Choice, Obtain, Sources, Wheel
from debonair.wheels.pure import describe, newest
from debonair.wheels.unpack import unpack

PACKAGES = ("build-essential", "iproute2", "pkgconf", "python3-dev")
"""The packages in the Debian, in addition to the essential ones."""

_FORMAT = 1
"""Increased whenever the same inputs would produce another wheel than before."""
_FOLDER = "/build"
_ROOM = "build"
"""The name of the app as whose venv the backend's environment is built."""
_TOOLS = f"/{layout.dist(_ROOM)}/venv/bin"
UNPACK = """\
cd "$1" && mkdir unpacked && python3 -c "import shutil; shutil.unpack_archive('$2', 'unpacked')"
mv unpacked/* source
"""
_LAST = 30
_SECONDS = 6 * 3600
"""The most time of a build, even if it compiles much and its architecture is emulated."""


def build(
    choice: Choice,
    target: Target,
    sources: Sources,
    cache: Cache,
    environ: Mapping[str, str],
    *,
    obtain: Obtain,
) -> File:
    """Return the wheel of the sdist that is ``choice``, which is in ``cache``, for ``target``.

    It is built once, with the packages that ``obtain`` gets. The cache keeps the wheel by the hash of all
    inputs. Raises ``WheelError`` if the build fails. Raises ``MachineError`` if this machine cannot run a
    Debian of that architecture, and ``NetworkError`` if a package for the build cannot be fetched.
    """
    job = _Job(choice, target, sources, cache, environ, obtain)
    if target.variant:
        raise WheelError(
            f"{job.title} cannot be built from source for {target.name}: Debian's compilers target ARMv7, "
            "and a root of Raspbian is not available.",
            hint="Use an index that has a wheel, such as piwheels, or remove the target from 'targets'.",
        )
    system = build_system.read(place(choice.file, cache))
    requires = tuple(sorted(system.requires))
    for _ in range(build_tools.ROUNDS):
        requires, lock = job.locked(requires)
        wheels = obtain(lock, target, cache, environ)
        note = cache.folder("locks") / f"{job.key(wheels)}.native"
        asked = list[str]()
        make = partial(job.build, system, requires, wheels, asked)
        if found := remember(note, File, make, cache, fits=partial(store.has, cache=cache)):
            return found
        requires = tuple(sorted({*requires, *asked}))
    wrong = build_tools.restless(job.title, requires)
    raise WheelError(wrong.message, wrong.hint)


@dataclass(frozen=True)
class _Job:
    """One sdist, with its target and its tools."""

    choice: Choice
    target: Target
    sources: Sources
    cache: Cache
    environ: Mapping[str, str]
    obtain: Obtain

    @property
    def title(self) -> str:
        return f"{self.choice.name} {self.choice.version}"

    @property
    def root(self) -> Root:
        return Root(self.target.suite, self.target.architecture, PACKAGES)

    @property
    def depends(self) -> list[str]:
        """The Debian packages that the project names for this sdist."""
        return sorted(self.sources.depends.get(self.choice.name, ()))

    def locked(self, requires: tuple[str, ...]) -> tuple[tuple[str, ...], Lock]:
        """Return the requirements of the build, ``requires`` among them, and their lock.

        The method creates the lock if no suitable one exists. Raises the same errors as ``Uv.lock``.
        """
        path = build_tools.path(self.sources.folder, self.choice.name)
        python = min(self.sources.python, self.target.python, key=build_tools.numbers)
        return build_tools.locked(
            path,
            requires,
            python,
            self.environ,
            locks=self.cache.folder("locks"),
            describe=partial(describe, obtain=self.obtain),
        )

    def key(self, wheels: Iterable[Wheel]) -> str:
        """Return the hash of all inputs of the build."""
        parts = [_FORMAT, self.choice.file.sha256, self.target.name, self.root.name, *self.depends]
        parts += [wheel.sha256 for wheel in wheels]
        return hashlib.sha256(json.dumps([*parts, backend_program.script().decode()]).encode()).hexdigest()

    def build(
        self,
        system: build_system.Backend,
        requires: Sequence[str],
        wheels: Iterable[Wheel],
        asked: list[str],
    ) -> File | None:
        """Build the wheel; None if the backend requests more packages, which are added to ``asked``."""
        say(f"Building {self.title} from source for {self.target.name}...")
        with Bed(self.cache, self.environ).enter(self.root) as machine, ticking(f"Building {self.title}"):
            self.lay_out(machine, system, requires, wheels)
            wheel, more = self.run(machine)
            if not wheel:
                asked += more
                return None
            packed = machine.run(["base64", "--wrap=0", f"{_FOLDER}/wheel/{wheel}"]).stdout
            return store.keep(wheel, base64.b64decode(packed), self.cache)

    def lay_out(
        self,
        machine: Machine,
        system: build_system.Backend,
        requires: Sequence[str],
        wheels: Iterable[Wheel],
    ) -> None:
        """Install on ``machine`` the sdist, Debian's packages, and an environment with ``wheels``."""
        if self.depends:
            Bed(self.cache, self.environ).stock(machine, *self.depends)
            done = machine.run(["apt-get", "install", "--yes", *self.depends], check=False)
            if done.status:
                raise WheelError(
                    f"The build dependencies of {self.title} ({', '.join(self.depends)}) cannot be "
                    "installed:\n"
                    f"{_end(done.stdout + done.stderr)}",
                    hint="'build-depends' must name Debian packages of the target's suite.",
                )
        sdist = place(self.choice.file, self.cache)
        request = {"backend": system.build_backend, "path": system.backend_path, "requires": requires}
        mtime = newest(sdist)
        inside = _FOLDER.lstrip("/")
        laid = [
            *venv.skeleton(_ROOM, self.target, system_site_packages=False, mtime=mtime),
            *(source for wheel in wheels for source in unpack(wheel, _ROOM, self.target, None)),
            Source.file(f"{inside}/{sdist.name}", sdist.read_bytes(), mtime=mtime),
            Source.file(f"{inside}/backend.json", json.dumps(request).encode(), mtime=mtime),
            Source.file(f"{inside}/build_wheel.py", backend_program.script(), mtime=mtime),
        ]
        machine.run(["tar", "--extract", "--directory", "/"], stdin=tree.pack(laid))
        machine.run(["sh", "-ec", UNPACK, "sh", _FOLDER, sdist.name])

    def run(self, machine: Machine) -> tuple[str, tuple[str, ...]]:
        """Run the backend; return the wheel's name, or else the packages that the backend requests."""
        variables = {
            "PATH": f"{_TOOLS}:/usr/bin:/bin",
            "PYTHONHASHSEED": "0",
            "SOURCE_DATE_EPOCH": str(newest(place(self.choice.file, self.cache))),
            # Debug information contains paths, and nobody on a Pi reads it.
            "CFLAGS": "-g0",
            "CXXFLAGS": "-g0",
        }
        words = ["env", *(f"{name}={value}" for name, value in variables.items()), f"{_TOOLS}/python3"]
        build = [*words, f"{_FOLDER}/build_wheel.py", _FOLDER]
        done = machine.run(build, check=False, timeout=_SECONDS)
        text = machine.read(f"{_FOLDER}/result.json")
        if done.status or text is None:
            raise WheelError(
                f"{self.title} does not build from source for {self.target.name}. The output ends with:\n"
                f"{_end(done.stdout + done.stderr)}",
                hint="If headers or libraries are missing, add their Debian packages to the table "
                f'[build-depends] of the settings: {self.choice.name} = ["libffi-dev"]',
            )
        # The backend is strangers' code, and this name becomes a file name in the cache.
        try:
            result = backend_program.answer(text)
            if result.wheel:
                build_tools.check(result.wheel, self.choice.name, self.choice.version)
        except LockError as wrong:
            raise WheelError(f"{self.title} does not build from source. {wrong}") from None
        return result.wheel, result.asked


def _end(output: str) -> str:
    """Return the last lines of ``output``, indented."""
    return "\n".join(f"  {line}" for line in output.strip().splitlines()[-_LAST:])
