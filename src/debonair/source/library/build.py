"""The sdist of a library: its metadata, and the package that is built from it in a clean root."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from debonair.deb import tree
from debonair.deb.tree import Source
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.chroot import Chroot
from debonair.debian.rootfs.root import Root
from debonair.errors import MachineError, WheelError, unreadable
from debonair.host import decoder, memo
from debonair.host.cache import Cache
from debonair.host.memo import remember
from debonair.host.progress import say, ticking
from debonair.lock.download import place
from debonair.lock.model import File, Locked
from debonair.resources import resource
from debonair.source.library import stdeb
from debonair.source.library.needs import Distributions
from debonair.source.library.recipe import Probed, Recipe
from debonair.target import Target
from debonair.wheels import build_system, native
from debonair.wheels import metadata as wheel_metadata
from debonair.wheels.pure import newest

_TOOLS = (
    *("debhelper", "dh-python", "pybuild-plugin-pyproject"),
    *("python3-all-dev", "python3-setuptools", "python3-wheel"),
)
"""Packages that every library needs to be built."""
PACKAGES = (*native.PACKAGES, *_TOOLS, "lintian")
"""Packages in the root of this machine's architecture, in addition to the essential ones.

An emulated root has only ``native.PACKAGES``, because creating one takes minutes; the rest is added when it
is needed.
"""
_PROGRAMS = ("packaging/library/probe.py", "packaging/sdist/build_wheel.py")
"""Programs that call the build backend in the root."""
_FORMAT = 3
"""Raise it whenever the same inputs would give a different package than before."""
_FOLDER = "/build"
_PLACE = _FOLDER.lstrip("/")
_LAST = 30
_MOST_OF_A_LICENSE = 1 << 20  # bytes
_SECONDS = 6 * 3600
"""The most time of a step of the build, even if it compiles much and its architecture is emulated."""


class _ProbeOutput(msgspec.Struct, frozen=True):
    """The output of ``probe.py``, which runs beside code of the library."""

    metadata: str
    compiled: bool


@dataclass(frozen=True)
class Sdist:
    """The sdist ``file`` of ``library``, which is in ``cache``, for ``target``."""

    library: Locked
    file: File
    target: Target
    cache: Cache
    environ: Mapping[str, str]

    @property
    def title(self) -> str:
        """The name in error messages."""
        return f"{self.library.name} {self.library.version}"

    @property
    def epoch(self) -> int:
        """The time of its release, in seconds."""
        return newest(place(self.file, self.cache))

    def probe(self, offered: Distributions, build_depends: Iterable[str]) -> Probed:
        """Return the metadata of the library, from its build backend on this machine's architecture.

        Raises ``WheelError`` if the suite lacks the backend, or that fails.
        """
        system = build_system.read(place(self.file, self.cache))
        backends = self._backends(system.requires, offered)
        key = self._key("probe", *backends, *sorted(build_depends))
        kept = self.cache.folder("libraries") / f"{key}.probed"
        return remember(kept, Probed, partial(self._ask, system, backends, build_depends), self.cache)

    def _ask(
        self, system: build_system.Backend, backends: tuple[str, ...], build_depends: Iterable[str]
    ) -> Probed:
        request = {"backend": system.build_backend, "path": system.backend_path}
        with self._room(host_architecture(), {*backends, *build_depends}) as machine:
            machine.run(
                ["tar", "--extract", "--directory", "/"],
                stdin=tree.pack(
                    [self._source("backend.json", json.dumps(request).encode()), *self._programs()]
                ),
            )
            self._run(machine, ["python3", f"{_FOLDER}/probe.py", _FOLDER], "return its name and version")
            output = machine.run(["cat", f"{_FOLDER}/probe.json"]).stdout
        try:
            probe = decoder.json(output, _ProbeOutput)
        except (msgspec.MsgspecError, RecursionError) as strange:
            raise WheelError(
                f"{self.title}'s build backend wrote its own probe.json: {strange}"
            ) from strange
        return self._probed(probe.metadata, compiled=probe.compiled, backends=backends)

    def build(self, recipe: Recipe, build_depends: Iterable[str]) -> Path:
        """Return the deb that ``recipe`` builds from it; it is built once, and kept in the cache.

        Raises ``WheelError`` if the build fails, or lintian finds an error in the result.
        """
        compiled = recipe.library.compiled
        architecture = self.target.architecture if compiled else host_architecture()
        more = sorted({*recipe.library.build_depends, *build_depends})
        key = self._key(
            architecture, recipe.package, recipe.version, recipe.maintainer, *recipe.depends, *more
        )
        folder = self.cache.folder("libraries") / key

        def make(folder: Path) -> None:
            say(f"Building {recipe.package} for {self.target.suite} ({architecture})...")
            with self._room(architecture, more) as machine, ticking(f"Building {recipe.package}"):
                name, data = self._built(machine, recipe, more)
            self._judge(name, data)
            (folder / name).write_bytes(data)

        if folder.is_dir() and not any(folder.glob("*.deb")):  # a person has removed the deb from the cache
            shutil.rmtree(folder)
        (deb,) = memo.folder(folder, make, self.cache).glob("*.deb")
        return deb

    def _judge(self, name: str, data: bytes) -> None:
        """Raise ``WheelError`` if lintian finds an error in the deb ``name``, whose bytes are ``data``."""
        root = Root(self.target.suite, host_architecture(), PACKAGES)
        with Bed(self.cache, self.environ).enter(root) as machine:
            machine.write(f"/srv/{name}", data)
            self._run(
                machine, ["lintian", "--fail-on", "error", "--allow-root", f"/srv/{name}"], "pass lintian"
            )

    def _built(self, machine: Chroot, recipe: Recipe, more: Iterable[str]) -> tuple[str, bytes]:
        given = [self._source(path, data) for path, data in (*stdeb.settings(recipe), *stdeb.programs())]
        machine.run(["tar", "--extract", "--directory", "/"], stdin=tree.pack(given))
        variables = [
            f"SOURCE_DATE_EPOCH={self.epoch}",
            "DEB_BUILD_OPTIONS=nocheck noautodbgsym",
            "LC_ALL=C.UTF-8",
        ]
        self._run(machine, ["env", *variables, "sh", "-ec", stdeb.SCRIPT], "be described to stdeb")
        made = {"control": machine.run(["cat", f"{_FOLDER}/source/debian/control"]).stdout}
        files = [
            Source.file(
                f"{_PLACE}/source/debian/{name}",
                text.encode(),
                mode=0o755 if name == "rules" else 0o644,
                mtime=self.epoch,
            )
            for name, text in recipe.debian(made, more, self.epoch).items()
        ]
        machine.run(["rm", "-rf", f"{_FOLDER}/source/debian"])
        machine.run(["tar", "--extract", "--directory", "/"], stdin=tree.pack(files))
        line = f"cd {_FOLDER}/source && exec dpkg-buildpackage --build=binary --no-sign"
        self._run(machine, ["env", *variables, "sh", "-c", line], "be built")
        path = machine.run(["sh", "-c", f"ls {_FOLDER}/*.deb"]).stdout.strip()
        data = base64.b64decode(machine.run(["base64", "--wrap=0", path]).stdout)
        return path.rpartition("/")[2], data

    @contextmanager
    def _room(self, architecture: str, packages: Iterable[str]) -> Iterator[Chroot]:
        """Enter a clean root with ``packages`` and the unpacked sdist in it."""
        bed = Bed(self.cache, self.environ)
        present = PACKAGES if architecture == host_architecture() else native.PACKAGES
        missing = sorted({*packages, *_TOOLS} - set(present))
        with bed.enter(Root(self.target.suite, architecture, present)) as machine:
            if missing:
                try:
                    bed.stock(machine, *missing)
                except MachineError as lacking:
                    raise WheelError(
                        f"The build dependencies of {self.title} cannot be installed: {lacking.message}",
                        hint="--build-depends must name Debian packages of the suite.",
                    ) from lacking
                self._run(
                    machine, ["apt-get", "install", "--yes", *missing], "install its build dependencies"
                )
            path = place(self.file, self.cache)
            packed = tree.pack([self._source(path.name, path.read_bytes())])
            machine.run(["tar", "--extract", "--directory", "/"], stdin=packed)
            self._run(
                machine,
                ["sh", "-ec", native.UNPACK, "sh", _FOLDER, path.name],
                "be unpacked",
            )
            yield machine

    def _run(self, machine: Chroot, words: Iterable[str], purpose: str) -> None:
        done = machine.run([*words], check=False, timeout=_SECONDS)
        if done.status:
            lines = (done.stdout + done.stderr).strip().splitlines()[-_LAST:]
            listed = "\n".join(f"  {line}" for line in lines)
            raise WheelError(
                f"{self.title} could not {purpose} on {self.target.suite} ({machine.architecture}):"
                f"\n{listed}",
                hint="If headers of a library are missing, name their Debian packages with "
                "--build-depends. Otherwise choose another version, or install its wheel in the app's "
                "own environment.",
            )

    def _backends(self, requires: Iterable[str], offered: Distributions) -> tuple[str, ...]:
        """Return the suite's packages of what the sdist ``requires`` for its build."""
        names = list[str]()
        for text in requires:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.marker is None or requirement.marker.evaluate({**self.target.markers()}):
                names.append(str(canonicalize_name(requirement.name)))
        found = offered.find(names)
        if missing := [name for name in names if name not in found]:
            raise WheelError(
                f"{self.title} needs {', '.join(missing)} for its build, but {self.target.suite} has no "
                "such package.",
                hint="Choose a version with other build requirements, or install its wheel in the app's "
                "own environment.",
            )
        return tuple(sorted({has.package for has in found.values()}))

    def _probed(self, metadata: str, *, compiled: bool, backends: tuple[str, ...]) -> Probed:
        fields, _ = parse_email(metadata)
        return Probed(
            name=fields.get("name", self.library.name),
            version=self.library.version,
            summary=wheel_metadata.plain(fields.get("summary")),
            author=wheel_metadata.author(fields),
            homepage=wheel_metadata.homepage(fields),
            license=wheel_metadata.plain(fields.get("license_expression") or fields.get("license")),
            license_text=_license_text(place(self.file, self.cache)),
            requires=tuple(fields.get("requires_dist", [])),
            requires_python=fields.get("requires_python", ""),
            compiled=compiled,
            build_depends=backends,
        )

    def _key(self, *parts: str) -> str:
        programs = [resource(name).read_text() for name in (*_PROGRAMS, "packaging/library/rules.in")]
        inputs = [_FORMAT, self.file.sha256, self.target.name, *PACKAGES, *programs, *parts]
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    def _source(self, path: str, data: bytes) -> Source:
        return Source.file(f"{_PLACE}/{path}", data, mtime=self.epoch)

    def _programs(self) -> Iterator[Source]:
        for path in map(resource, _PROGRAMS):
            yield self._source(path.name, path.read_bytes())


def _license_text(sdist: Path) -> str:
    """Return the text of the licence at the top of ``sdist``; empty if there is none."""

    def is_license(path: str) -> bool:
        return path.count("/") == 1 and path.partition("/")[2].upper().startswith(
            ("LICENSE", "LICENCE", "COPYING")
        )

    with unreadable(WheelError, f"{sdist.name} is not a valid sdist"):
        if zipfile.is_zipfile(sdist):
            with zipfile.ZipFile(sdist) as archive:
                for name in filter(is_license, archive.namelist()):
                    with archive.open(name) as packed:
                        return packed.read(_MOST_OF_A_LICENSE).decode(errors="replace")
            return ""
        with tarfile.open(sdist) as archive_:
            for member in archive_:
                if is_license(member.name) and (file := archive_.extractfile(member)):
                    return file.read(_MOST_OF_A_LICENSE).decode(errors="replace")
    return ""
