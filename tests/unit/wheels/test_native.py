"""The wheel of an sdist, built in a Debian that stands in for one of the target."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shlex
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec import structs
from programs import Programs, stand_in
from wheelmaker import make_wheel

from debonair import target
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.machine import Machine
from debonair.debian.rootfs.root import Root
from debonair.errors import LockError, WheelError
from debonair.host.cache import Cache, whole
from debonair.lock import Lock, pylock
from debonair.lock.download import place
from debonair.lock.model import File
from debonair.lock.uv import Uv
from debonair.resources import resource
from debonair.wheels import Wheel, backend_program, native
from debonair.wheels.model import Choice, Sources
from debonair.wheels.unpack import unpack

ARMV7 = target.load("trixie-armv7")
BOOKWORM = target.load("bookworm-armv7")
ENVIRON = {"HOME": "/nowhere"}
NEWEST = 1_600_000_000
BUILT = "cffi-1.0-cp313-cp313-linux_armv7l.whl"
PYPROJECT = (
    '[build-system]\nrequires = ["setuptools", "flit_core"]\nbuild-backend = "b:o"\nbackend-path = ["."]\n'
)


def sdist(pyproject: str = PYPROJECT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in {"cffi-1.0/PKG-INFO": b"", "cffi-1.0/pyproject.toml": pyproject.encode()}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), NEWEST
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


@dataclass
class World:
    """A Debian that builds whatever it is told to, an index that has whatever is asked for."""

    folder: Path
    cache: Cache
    programs: Programs
    sources: Sources
    data: bytes = field(default_factory=sdist)
    asks: list[list[str]] = field(default_factory=list)
    """What the backend asks for in each run; after the last of them it is content."""
    edition: str = "1.0"
    """The version of all that the index has."""
    entered: list[Root] = field(default_factory=list)
    left: int = 0
    stocked: list[str] = field(default_factory=list)
    resolved: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    obtained: list[Lock] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.programs.answer("/build/build_wheel.py /build$", do=self._run)
        self._run([])

    @property
    def choice(self) -> Choice:
        name = "cffi-1.0.tar.gz"
        file = File(name, hashlib.sha256(self.data).hexdigest())
        with whole(place(file, self.cache)) as temporary:
            temporary.write_bytes(self.data)
        return Choice("cffi", "1.0", file, ("native",))

    @property
    def lock(self) -> Path:
        return self.folder / "pylock.build-cffi.toml"

    @property
    def builds(self) -> int:
        return sum("/build/build_wheel.py /build" in line for line in self.programs.asked)

    def build(self, on: target.Target = ARMV7) -> File:
        return native.build(self.choice, on, self.sources, self.cache, ENVIRON, obtain=self.obtain)

    def refused(self, on: target.Target = ARMV7) -> WheelError:
        with pytest.raises(WheelError) as caught:
            self.build(on)
        return caught.value

    def laid(self) -> dict[str, tarfile.TarInfo]:
        """What was unpacked on the machine the last time."""
        with tarfile.open(fileobj=io.BytesIO(self._packed())) as archive:
            return {member.name.removeprefix("./"): member for member in archive}

    def text(self, name: str) -> str:
        with tarfile.open(fileobj=io.BytesIO(self._packed())) as archive:
            file = archive.extractfile(f"./{name}")
            assert file
            return file.read().decode()

    def line(self, pattern: str) -> list[str]:
        """The last command that ``pattern`` is found in, without what sets the machine's environment."""
        found = [line for line in self.programs.asked if re.search(pattern, line)]
        words = shlex.split(found[-1])
        return words[next(n for n, word in enumerate(words) if word.startswith("TERM=")) + 1 :]

    def _packed(self) -> bytes:
        data = [
            given
            for line, given in zip(self.programs.asked, self.programs.given, strict=True)
            if line.endswith("tar --extract --directory /")
        ][-1]
        assert isinstance(data, bytes)
        return data

    def _run(self, words: list[str]) -> None:
        """Answer for the backend: what it asks for, or a wheel of everything that went in."""
        asked = self.asks.pop(0) if words and self.asks else []
        result = {"asked": asked} if asked else {"asked": [], "wheel": BUILT}
        self.programs.answer("cat /build/result.json$", json.dumps(result))
        made = base64.b64encode(f"wheel of {self.edition}".encode()).decode()
        self.programs.answer(f"base64 --wrap=0 /build/wheel/{BUILT}$", made)

    @contextmanager
    def enter(self, bed: Bed, root: Root) -> Iterator[Machine]:
        assert (bed.cache, bed.environ) == (self.cache, ENVIRON)
        self.entered.append(root)
        yield Container(
            root.suite,
            root.architecture,
            "it",
            root=self.folder,
            console=self.folder,
            holder=1,
            group=Path(),
        )
        self.left += 1

    def stock(self, bed: Bed, machine: Machine, *wanted: Path | str) -> int:
        assert bed.cache == self.cache
        assert machine.architecture == "armhf"
        self.stocked += map(str, wanted)
        return len(wanted)

    def resolve(self, uv: Uv, requirements: Iterable[str], python: str, previous: Path) -> bytes:
        assert (uv.root, uv.environ, previous) == (self.folder, ENVIRON, self.lock)
        self.resolved.append((tuple(requirements), python))
        lines = ['lock-version = "1.0"', 'created-by = "nobody"']
        for text in requirements:
            lines += ["[[packages]]", f'name = "{text.replace("_", "-")}"', f'version = "{self.edition}"']
        return "\n".join(lines).encode()

    def obtain(
        self, lock: Lock, on: target.Target, cache: Cache, environ: Mapping[str, str]
    ) -> tuple[Wheel, ...]:
        assert (on.architecture, cache, environ) == ("armhf", self.cache, ENVIRON)
        self.obtained.append(lock)
        return tuple(self.wheel(package.name, package.version) for package in lock.packages)

    def wheel(self, name: str, version: str) -> Wheel:
        module = name.replace("-", "_")
        path = make_wheel(self.cache.folder("index"), name, version, {f"{module}.py": b""})
        return Wheel(name, version, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path)


def _method(instead: Callable[..., object]) -> Callable[..., object]:
    """Return ``instead`` as a method that is given the object that it is called on."""

    def method(one: object, *words: object) -> object:
        return instead(one, *words)

    return method


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    folder = tmp_path / "project"
    folder.mkdir()
    made = World(folder, Cache(tmp_path / "cache"), stand_in(monkeypatch), Sources(folder, "3.11"))
    for kind, name, instead in (
        (Bed, "enter", made.enter),
        (Bed, "stock", made.stock),
        (Uv, "lock", made.resolve),
    ):
        monkeypatch.setattr(kind, name, _method(instead))
    return made


class TestBuild:
    def test_the_wheel_lies_in_the_cache(self, world: World) -> None:
        file = world.build()
        data = b"wheel of 1.0"
        assert file == File(BUILT, hashlib.sha256(data).hexdigest(), size=len(data))
        assert place(file, world.cache).read_bytes() == data

    def test_it_is_built_in_a_debian_of_the_target(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.build()
        assert world.entered == [
            Root("trixie", "armhf", ("build-essential", "iproute2", "pkgconf", "python3-dev"))
        ]
        assert world.left == 1
        assert capsys.readouterr().err.splitlines() == [
            "Resolving the build requirements of cffi into pylock.build-cffi.toml...",
            "Building cffi 1.0 from source for trixie-armv7...",
        ]

    def test_a_clock_ticks_while_it_is_built(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        shown: list[str] = []

        @contextmanager
        def ticking(label: str) -> Iterator[None]:
            shown.append(f"{label}, {world.builds}")
            yield
            shown.append(f"done, {world.builds}")

        monkeypatch.setattr(native, "ticking", ticking)
        world.build()
        assert shown == ["Building cffi 1.0, 0", "done, 1"]

    def test_it_is_built_once(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        first = world.build()
        capsys.readouterr()
        assert world.build() == first
        assert (world.builds, len(world.entered), len(world.resolved)) == (1, 1, 1)
        assert capsys.readouterr().err == ""

    def test_it_is_built_again_if_the_wheel_is_gone(self, world: World) -> None:
        path = place(world.build(), world.cache)
        path.unlink()
        world.build()
        assert path.is_file()
        assert world.builds == 2

    def test_it_is_built_again_if_what_was_kept_is_damaged(self, world: World) -> None:
        first = world.build()
        (kept,) = (world.cache.root / "locks").glob("*.native")
        kept.write_bytes(b"\xc1")
        assert world.build() == first
        assert world.builds == 2
        assert world.build() == first
        assert world.builds == 2, "and that is kept again"

    def test_nothing_is_kept_of_what_fails(self, world: World) -> None:
        world.programs.answer("/build/build_wheel.py /build$", status=1)
        world.refused()
        assert not list((world.cache.root / "locks").glob("*.native"))
        world.programs.answer("/build/build_wheel.py /build$", do=world._run)
        assert world.build().filename == BUILT

    def test_armv6_is_refused_before_anything_starts(self, world: World) -> None:
        error = world.refused(target.load("trixie-armv6"))
        assert error.message.startswith("cffi 1.0 cannot be built from source for trixie-armv6: ")
        assert "ARMv7" in error.message
        assert "Raspbian" in error.message
        assert (
            "Use an index that has a wheel, such as piwheels, or remove the target from 'targets'."
            in error.hint
        )
        assert (world.entered, world.resolved, world.programs.asked) == ([], [], [])
        assert not world.lock.exists()

    def test_an_sdist_that_cannot_be_read_is_refused_before_anything_starts(self, world: World) -> None:
        world.data = b"no archive"
        assert "cffi-1.0.tar.gz is not a valid sdist" in world.refused().message
        assert (world.entered, world.resolved) == ([], [])


def other_source(world: World) -> None:
    world.data = sdist(PYPROJECT + "# changed\n")


def other_packages(world: World) -> None:
    world.sources = Sources(world.folder, "3.11", depends={"cffi": ["libffi-dev"]})


def other_wheels(world: World) -> None:
    world.edition = "2.0"
    world.lock.unlink()


class TestKey:
    @pytest.mark.parametrize("change", [other_source, other_packages, other_wheels])
    def test_changes_with_all_that_goes_in(self, world: World, change: Callable[[World], None]) -> None:
        world.build()
        change(world)
        world.build()
        assert world.builds == 2

    def test_changes_with_the_target(self, world: World) -> None:
        world.build()
        world.build(BOOKWORM)
        assert [root.suite for root in world.entered] == ["trixie", "bookworm"]
        world.build(structs.replace(ARMV7, name="trixie-other"))
        assert world.builds == 3

    def test_changes_with_the_root(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.build()
        monkeypatch.setattr(native, "PACKAGES", (*native.PACKAGES, "gfortran"))
        world.build()
        assert world.builds == 2

    def test_changes_with_what_builds(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.build()
        other = tmp_path / "build_wheel.py"
        other.write_text("pass\n")
        monkeypatch.setattr(backend_program, "resource", lambda _: other)
        world.build()
        assert world.builds == 2

    def test_changes_with_the_format(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.build()
        monkeypatch.setattr(native, "_FORMAT", 99)
        world.build()
        assert world.builds == 2

    def test_does_not_change_with_what_is_for_others(self, world: World) -> None:
        world.build()
        world.sources = Sources(
            world.folder, "3.11", ("numpy",), allowed=True, depends={"numpy": ["gfortran"]}
        )
        world.build()
        assert world.builds == 1

    def test_does_not_change_with_the_order_of_packages(self, world: World) -> None:
        for names in (["a", "b"], ["b", "a"]):
            world.sources = Sources(world.folder, "3.11", depends={"cffi": names})
            world.build()
        assert world.builds == 1


class TestLock:
    def record(self, world: World) -> pylock.Record:
        record = pylock.read(world.lock.read_bytes(), world.lock).record
        assert record
        return record

    def test_is_made_once_beside_the_project(self, world: World) -> None:
        world.build()
        assert world.resolved == [(("flit_core", "setuptools"), "3.11")]
        assert self.record(world) == pylock.Record(("flit_core", "setuptools"), "3.11")
        (lock,) = world.obtained
        assert (lock.path, lock.form) == (world.lock, "pylock.toml")
        assert lock.digest == hashlib.sha256(world.lock.read_bytes()).hexdigest()
        assert [package.name for package in lock.packages] == ["flit-core", "setuptools"]

    def test_is_one_for_all_targets(self, world: World) -> None:
        world.build()
        made = world.lock.read_bytes()
        world.build(BOOKWORM)
        assert len(world.resolved) == 1
        assert world.lock.read_bytes() == made

    def test_is_reused_with_another_cache(self, world: World, tmp_path: Path) -> None:
        world.build()
        world.cache = Cache(tmp_path / "other")
        world.build()
        assert (len(world.resolved), world.builds) == (1, 2)

    def test_is_made_anew_when_more_is_required(self, world: World) -> None:
        world.build()
        world.data = sdist(PYPROJECT.replace('"flit_core"', '"flit_core", "wheel"'))
        world.build()
        assert [requirements for requirements, _ in world.resolved] == [
            ("flit_core", "setuptools"),
            ("flit_core", "setuptools", "wheel"),
        ]
        assert self.record(world).requirements == ("flit_core", "setuptools", "wheel")

    def test_is_reused_when_less_is_required(self, world: World) -> None:
        world.build()
        world.data = sdist(PYPROJECT.replace(', "flit_core"', ""))
        world.build()
        assert len(world.resolved) == 1
        assert json.loads(world.text("build/backend.json"))["requires"] == ["flit_core", "setuptools"]

    def test_is_made_anew_for_a_lower_python(self, world: World) -> None:
        world.sources = Sources(world.folder, "3.13")
        world.build()
        world.build(BOOKWORM)
        assert [python for _, python in world.resolved] == ["3.13", "3.11"]
        assert self.record(world).python == "3.11"
        world.build()
        assert len(world.resolved) == 2, "it is good for the newer one too"

    def test_compares_versions_as_numbers(self, world: World) -> None:
        world.sources = Sources(world.folder, "3.9")
        world.build()
        assert world.resolved[0][1] == "3.9"
        world.build(BOOKWORM)
        assert len(world.resolved) == 1

    @pytest.mark.parametrize(
        "text", ["", '\n[tool.debonair]\nrequirements = ["flit_core", "setuptools"]\n']
    )
    def test_is_made_anew_if_nobody_knows_what_it_was_for(self, world: World, text: str) -> None:
        world.lock.write_text('lock-version = "1.0"\n' + text)
        world.build()
        assert len(world.resolved) == 1
        assert self.record(world).python == "3.11"

    def test_that_cannot_be_read_is_not_overwritten(self, world: World) -> None:
        world.lock.write_text("<<<<<<< conflict\n")
        with pytest.raises(LockError, match=r"pylock\.build-cffi\.toml is not a valid lock"):
            world.build()
        assert world.lock.read_text() == "<<<<<<< conflict\n"


class TestFurtherRequirements:
    def test_are_locked_and_given_in_a_second_round(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.asks = [["wheel", "ninja"]]
        assert world.build().filename == BUILT
        every = ("flit_core", "ninja", "setuptools", "wheel")
        assert [requirements for requirements, _ in world.resolved] == [("flit_core", "setuptools"), every]
        assert (world.builds, len(world.entered), world.left) == (2, 2, 2)
        assert json.loads(world.text("build/backend.json"))["requires"] == list(every)
        assert any(name.endswith("/site-packages/ninja.py") for name in world.laid())
        assert capsys.readouterr().err.count("Building cffi") == 2

    def test_are_known_the_next_time(self, world: World, tmp_path: Path) -> None:
        world.asks = [["wheel"]]
        world.build()
        world.build()
        assert world.builds == 2
        world.cache = Cache(tmp_path / "other")
        world.build()
        assert (world.builds, len(world.resolved)) == (3, 2)

    def test_end_after_three_rounds(self, world: World) -> None:
        world.asks = [["a"], ["b"], ["c"], ["d"]]
        error = world.refused()
        assert error.message == (
            "The build backend of cffi 1.0 keeps requesting more packages: a, b, c, flit_core, setuptools."
        )
        assert "PEP 517" in error.hint
        assert world.builds == 3
        assert not list((world.cache.root / "locks").glob("*.native"))


class TestLayOut:
    def test_the_environment_is_laid_out_as_an_apps_is(self, world: World) -> None:
        world.build()
        laid = world.laid()
        venv = "usr/lib/build/dist/venv"
        assert laid[f"{venv}/bin/python3.13"].linkname == "/usr/bin/python3.13"
        assert "include-system-site-packages = false" in world.text(f"{venv}/pyvenv.cfg")
        wheel = world.wheel("setuptools", "1.0")
        for source in unpack(wheel, "build", ARMV7, None):
            assert source.path in laid
        assert f"{venv}/lib/python3.13/site-packages/flit_core.py" in laid
        for name in (f"{venv}/pyvenv.cfg", "build/cffi-1.0.tar.gz", "build/backend.json"):
            assert laid[name].mtime == NEWEST, "times are those of the sdist"

    def test_the_sdist_and_what_builds_it(self, world: World) -> None:
        world.build()
        assert world.laid()["build/cffi-1.0.tar.gz"].size == len(world.data)
        assert world.text("build/build_wheel.py") == resource("packaging/sdist/build_wheel.py").read_text()
        assert json.loads(world.text("build/backend.json")) == {
            "backend": "b:o",
            "path": ["."],
            "requires": ["flit_core", "setuptools"],
        }
        words = world.line("unpack_archive")
        assert words[:2] == ["sh", "-ec"]
        assert words[3:] == ["sh", "/build", "cffi-1.0.tar.gz"]

    def test_the_backend_runs_with_nothing_of_this_machine(self, world: World) -> None:
        world.build()
        tools = "/usr/lib/build/dist/venv/bin"
        assert world.line("build_wheel.py /build$") == [
            "env",
            f"PATH={tools}:/usr/bin:/bin",
            "PYTHONHASHSEED=0",
            f"SOURCE_DATE_EPOCH={NEWEST}",
            "CFLAGS=-g0",
            "CXXFLAGS=-g0",
            f"{tools}/python3",
            "/build/build_wheel.py",
            "/build",
        ]

    def test_the_order(self, world: World) -> None:
        world.sources = Sources(world.folder, "3.11", depends={"cffi": ["libffi-dev"]})
        world.build()
        order = ["apt-get install", "tar --extract", "unpack_archive", "build_wheel.py", "cat ", "base64 "]
        assert len(world.programs.asked) == len(order)
        for line, part in zip(world.programs.asked, order, strict=True):
            assert part in line


class TestDebianPackages:
    def test_are_installed_before(self, world: World) -> None:
        names = ("pkg-b", "lib-a")
        world.sources = Sources(world.folder, "3.11", depends={"cffi": names, "numpy": ["gfortran"]})
        world.build()
        assert world.stocked == ["lib-a", "pkg-b"]
        assert world.line("apt-get") == ["apt-get", "install", "--yes", "lib-a", "pkg-b"]
        assert "apt-get" in world.programs.asked[0]

    def test_are_not_asked_for_where_none_is_named(self, world: World) -> None:
        world.build()
        assert world.stocked == []
        assert not world.programs.was_asked("apt-get")

    def test_that_cannot_be_installed_end_it_with_what_apt_said(self, world: World) -> None:
        world.sources = Sources(world.folder, "3.11", depends={"cffi": ["libffi-dev"]})
        world.programs.answer(
            "apt-get install", "Reading...\n", status=100, stderr="E: Unable to correct problems\n"
        )
        error = world.refused()
        assert error.message == (
            "The build dependencies of cffi 1.0 (libffi-dev) cannot be installed:\n"
            "  Reading...\n  E: Unable to correct problems"
        )
        assert error.hint == "'build-depends' must name Debian packages of the target's suite."
        assert world.builds == 0


class TestFailure:
    def test_shows_the_end_of_what_was_said_and_where_headers_are(self, world: World) -> None:
        output = "".join(f"line {n}\n" for n in range(50))
        world.programs.answer(
            "/build/build_wheel.py /build$", output, status=1, stderr="ffi.h: No such file\n\n"
        )
        error = world.refused()
        first, *rest = error.message.splitlines()
        assert first == "cffi 1.0 does not build from source for trixie-armv7. The output ends with:"
        assert rest == [*(f"  line {n}" for n in range(21, 50)), "  ffi.h: No such file"]
        assert (
            "If headers or libraries are missing, add their Debian packages to the table "
            '[build-depends] of the settings: cffi = ["libffi-dev"]'
        ) in error.hint

    def test_is_a_result_that_is_missing_too(self, world: World) -> None:
        world.programs.answer("/build/build_wheel.py /build$", "strange\n")
        world.programs.answer("cat /build/result.json$", status=1)
        assert world.refused().message.endswith("The output ends with:\n  strange")

    def test_is_a_status_with_a_result_too(self, world: World) -> None:
        world.programs.answer("/build/build_wheel.py /build$", "killed\n", status=137)
        assert world.refused().message.endswith("The output ends with:\n  killed")
