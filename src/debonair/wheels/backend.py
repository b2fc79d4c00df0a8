"""Run a build backend (PEP 517) on this machine, for pure Python: in a sandbox, with locked tools.

Strangers' code produces the output. So this module reads it as untrusted data, and refuses a result that is
not the expected distribution.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from debonair.deb import tree
from debonair.deb.tree import Source
from debonair.errors import LockError
from debonair.host import sandbox
from debonair.host.clock import OLDEST
from debonair.host.sandbox import Sandbox
from debonair.lock import build_tools
from debonair.target import this_machine
from debonair.wheels import backend_program
from debonair.wheels.backend_program import Answer
from debonair.wheels.build_system import Backend
from debonair.wheels.model import Obtain, Wheel
from debonair.wheels.unpack import unpack

if TYPE_CHECKING:
    from debonair.host.cache import Cache
    from debonair.lock.sdist_metadata import Describe

_ROOM = "build"
"""The name of the app as whose venv the backend's environment is built."""
_NO_COMPILER = {"CC": "false", "CXX": "false"}
"""A build without a compiler must not depend on whether this machine has one."""
_HEAD = 1 << 16  # bytes of the first line of the output
_METADATA = 1 << 22  # bytes


@dataclass(frozen=True)
class Job:
    """One run of a backend."""

    title: str
    """The name of the distribution in errors: ``purely 1.0``."""
    name: str
    """The normalised name that the wheel must have; empty to accept any name."""
    version: str
    """The version that the wheel must have; empty to accept any version."""
    system: Backend
    given: Sequence[Source]
    """The sdist itself, a single file; or the sources, in a folder ``source``."""
    epoch: int
    """The time of every file in the wheel, if the backend respects SOURCE_DATE_EPOCH."""
    environ: Mapping[str, str]
    """The user's environment, which the sandbox hides from the backend."""
    obtain: Obtain
    """Obtains the packages that the backend runs with."""
    describe: Describe
    """Describes the needs of such a package if it is an sdist."""
    variables: Mapping[str, str] = field(default_factory=dict)

    def wheel(self, lock: Path, cache: Cache) -> tuple[str, bytes]:
        """Return the name and the bytes of the wheel; the file ``lock`` names the backend's packages.

        The method creates or extends ``lock`` if needed. Raises ``LockError`` if the build fails, or builds
        another distribution. Raises ``NetworkError`` if a package for the build cannot be fetched, and
        ``MachineError`` if this machine does not allow the build.
        """
        head, data = self._settled(lock, cache, metadata=False)
        build_tools.check(head.wheel, self.name, self.version)
        return head.wheel, data

    def metadata(self, lock: Path, cache: Cache) -> bytes:
        """Return METADATA as the backend prepares it. Raises the same errors as ``wheel``."""
        _, data = self._settled(lock, cache, metadata=True)
        if not data or len(data) > _METADATA:
            raise LockError(f"Its METADATA is too large: {len(data)} bytes.")
        return data

    def with_tools(self, wheels: Sequence[Wheel]) -> tuple[str, bytes]:
        """Return the wheel like ``wheel``, but run the backend with exactly ``wheels``."""
        requires = self.system.requires
        for _ in range(build_tools.ROUNDS):
            head, data = self._run(requires, wheels, metadata=False)
            if head.wheel:
                build_tools.check(head.wheel, self.name, self.version)
                return head.wheel, data
            requires = (*requires, *head.asked)
        raise build_tools.restless(self.title, requires)

    def _settled(self, lock: Path, cache: Cache, *, metadata: bool) -> tuple[Answer, bytes]:
        """Run the backend until it requests no further packages."""
        requires = tuple(sorted(self.system.requires))
        for _ in range(build_tools.ROUNDS):
            found: tuple[Wheel, ...] = ()
            if requires:
                requires, locked = build_tools.locked(
                    lock,
                    requires,
                    build_tools.PYTHON,
                    self.environ,
                    locks=cache.folder("locks"),
                    describe=self.describe,
                )
                found = self.obtain(locked, this_machine.target(), cache, self.environ)
            head, data = self._run(requires, found, metadata=metadata)
            if set(head.asked) <= set(requires):
                return head, data
            requires = tuple(sorted({*requires, *head.asked}))
        raise build_tools.restless(self.title, requires)

    def _run(
        self, requires: Sequence[str], wheels: Iterable[Wheel], *, metadata: bool
    ) -> tuple[Answer, bytes]:
        place = sandbox.needed(self.environ, f"{self.title} is built")
        packed = self.given[0].path if len(self.given) == 1 else ""
        request = {
            "archive": packed,
            "backend": self.system.build_backend,
            "metadata": metadata,
            "path": self.system.backend_path,
            "requires": list(requires),
        }
        laid = [
            *self.given,
            *_environment(place, wheels),
            Source.file("backend.json", json.dumps(request).encode(), mtime=OLDEST),
            Source.file("build_wheel.py", backend_program.script(), mtime=OLDEST),
        ]
        variables = {
            "HOME": "{folder}/home",
            "LANG": "C.UTF-8",
            "PATH": "{folder}/venv/bin:/usr/bin:/bin",
            "PYTHONHASHSEED": "0",
            "SOURCE_DATE_EPOCH": str(self.epoch),
            **_NO_COMPILER,
            **self.variables,
        }
        words = ["{folder}/venv/bin/python3", "{folder}/build_wheel.py", "{folder}", "{out}"]
        out, _ = place.run(words, tree.pack(laid), variables)
        line, _, data = out.partition(b"\n")
        return backend_program.answer(line[:_HEAD]), data


def _environment(place: Sandbox, wheels: Iterable[Wheel]) -> Iterable[Source]:
    """Yield the venv (PEP 405) with ``wheels``, as the folder ``venv``."""
    machine = this_machine.target()
    settings = f"home = {place.python.parent}\nversion = {machine.python_full}\n"
    yield Source.file("venv/pyvenv.cfg", settings.encode(), mtime=OLDEST)
    for name in ("python", "python3", f"python{machine.python}"):
        yield Source.link(f"venv/bin/{name}", str(place.python), mtime=OLDEST)
    for wheel in wheels:
        for source in unpack(wheel, _ROOM, machine, None):
            yield msgspec.structs.replace(source, path=source.path[source.path.index("/venv/") + 1 :])
