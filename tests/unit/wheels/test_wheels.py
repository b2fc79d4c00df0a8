from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from boxes import Box, boxed
from wheelmaker import make_wheel

from debonair import target, wheels
from debonair.errors import LockError, NetworkError, WheelError
from debonair.host.cache import Cache, whole
from debonair.host.sandbox import FailedError
from debonair.lock import Lock, build_tools
from debonair.lock.download import Get, place
from debonair.lock.model import File, Locked
from debonair.wheels import native, select
from debonair.wheels import pure as sdist
from debonair.wheels.model import Choice, Sources

ARM64 = target.load("trixie-arm64")
ARMV7 = target.load("bookworm-armv7")
AMD64 = target.load("trixie-amd64")


def file(filename: str, data: bytes = b"x") -> File:
    return File(
        filename, hashlib.sha256(data + filename.encode()).hexdigest(), f"https://index.example/{filename}"
    )


def locked(name: str, *filenames: str, marker: str = "", sdist: bool = False) -> Locked:
    source = file(f"{name}-1.0.tar.gz") if sdist else None
    return Locked(name, "1.0", marker, tuple(map(file, filenames)), source)


def lock(*packages: Locked, root: Path = Path("/nowhere")) -> Lock:
    return Lock(packages, root / "pylock.toml", "pylock.toml", "d" * 64)


def chosen(package: Locked, on: target.Target = ARM64) -> str:
    (choice,) = select.select(lock(package), on)
    return choice.file.filename


class TestSelect:
    def test_takes_the_wheel_for_the_target(self) -> None:
        package = locked(
            "m",
            "m-1.0-cp313-cp313-manylinux2014_x86_64.whl",
            "m-1.0-cp313-cp313-manylinux2014_aarch64.whl",
            "m-1.0-cp312-cp312-manylinux2014_aarch64.whl",
            "m-1.0-cp313-cp313-musllinux_1_2_aarch64.whl",
        )
        assert chosen(package) == "m-1.0-cp313-cp313-manylinux2014_aarch64.whl"

    def test_prefers_a_compiled_wheel_to_a_pure_one(self) -> None:
        package = locked("m", "m-1.0-py3-none-any.whl", "m-1.0-cp313-cp313-manylinux_2_17_aarch64.whl")
        assert chosen(package) == "m-1.0-cp313-cp313-manylinux_2_17_aarch64.whl"
        assert chosen(package, AMD64) == "m-1.0-py3-none-any.whl"

    def test_takes_the_stable_abi_of_an_older_python(self) -> None:
        package = locked(
            "m", "m-1.0-cp39-abi3-manylinux_2_28_aarch64.whl", "m-1.0-cp314-abi3-linux_aarch64.whl"
        )
        assert chosen(package) == "m-1.0-cp39-abi3-manylinux_2_28_aarch64.whl"

    def test_refuses_a_newer_glibc(self) -> None:
        with pytest.raises(WheelError):
            chosen(locked("m", "m-1.0-cp313-cp313-manylinux_2_99_aarch64.whl"))

    def test_takes_the_highest_build_number(self) -> None:
        package = locked(
            "m", "m-1.0-2-py3-none-any.whl", "m-1.0-10-py3-none-any.whl", "m-1.0-py3-none-any.whl"
        )
        assert chosen(package) == "m-1.0-10-py3-none-any.whl"

    @pytest.mark.parametrize("reverse", [False, True])
    def test_does_not_depend_on_the_order_of_the_lock(self, *, reverse: bool) -> None:
        names = ["m-1.0-py3-none-any.whl", "M-1.0-py3-none-any.whl"]
        package = locked("m", *sorted(names, reverse=reverse))
        assert chosen(package) == "m-1.0-py3-none-any.whl"

    def test_passes_over_a_filename_that_is_none(self) -> None:
        assert chosen(locked("m", "m.whl", "m-1.0-py3-none-any.whl")) == "m-1.0-py3-none-any.whl"

    @pytest.mark.parametrize(
        ("marker", "wanted"),
        [
            ("python_version < '3.12'", False),
            ("platform_machine == 'aarch64' and sys_platform == 'linux'", True),
            ("sys_platform == 'win32'", False),
            ("'async' in extras", False),
            ("extra == 'async'", False),
        ],
    )
    def test_evaluates_markers_for_the_target(self, marker: str, *, wanted: bool) -> None:
        package = locked("m", "m-1.0-py3-none-any.whl", marker=marker)
        assert bool(select.select(lock(package), ARM64)) is wanted

    def test_sorts_by_name(self) -> None:
        packages = [locked(name, f"{name}-1.0-py3-none-any.whl") for name in ("b", "C", "a")]
        assert [choice.name for choice in select.select(lock(*packages), ARM64)] == ["a", "b", "c"]

    def test_refuses_two_versions_of_one_thing(self) -> None:
        other = Locked("M", "2.0", "", (file("m-2.0-py3-none-any.whl"),))
        with pytest.raises(LockError, match=r"m 1\.0 and 2\.0"):
            select.select(lock(locked("m", "m-1.0-py3-none-any.whl"), other), ARM64)

    def test_lists_everything_that_is_missing(self) -> None:
        many = [f"c-1.0-cp3{n}-cp3{n}-manylinux_2_17_x86_64.whl" for n in range(9, 17)]
        packages = [
            locked("a", "a-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", "a-1.0-cp313-cp313-win32.whl"),
            locked("b", sdist=False),
            locked("c", *many),
            locked("d", "d-1.0-cp313-cp313-win32.whl", sdist=True),
            locked("fine", "fine-1.0-py3-none-any.whl"),
        ]
        with pytest.raises(WheelError) as wrong:
            select.select(lock(*packages), ARMV7)
        message = wrong.value.message
        assert message.startswith("pylock.toml has no wheel for bookworm-armv7 of:\n")
        assert "a 1.0: the lock has cp313-cp313-manylinux_2_17_x86_64\n" in message
        assert "b 1.0: the lock has no file of it" in message
        assert "cp311-cp311-manylinux_2_17_x86_64" in message  # the target's own Python counts first
        assert "d 1.0: the lock has cp313-cp313-win32" in message
        assert "fine" not in message
        assert "cp311 or abi3, for manylinux_2_36_armv7l" in message
        assert "system-site-packages" in wrong.value.hint
        assert "Query www.piwheels.org too" in wrong.value.hint

    def test_does_not_send_to_an_index_that_was_asked(self) -> None:
        other = File(
            "a-1.0-cp311-cp311-linux_armv7l.whl", "0" * 64, index="https://www.piwheels.org/simple"
        )
        with pytest.raises(WheelError) as wrong:
            select.select(lock(locked("b"), Locked("a", "1.0", wheels=(other,))), ARMV7)
        assert "piwheels" not in wrong.value.hint
        with pytest.raises(WheelError) as wrong:
            select.select(lock(locked("b")), ARM64)
        assert "piwheels" not in wrong.value.hint

    def test_shows_only_some_of_many_tags(self) -> None:
        many = [f"c-1.0-cp39-abi3-manylinux_2_{n}_x86_64.whl" for n in range(17, 27)]
        with pytest.raises(WheelError, match="and 4 more"):
            select.select(lock(locked("c", *many)), ARM64)

    def test_an_sdist_alone_may_be_pure(self) -> None:
        (choice,) = select.select(lock(locked("m", sdist=True)), ARM64)
        assert choice.ways == ("pure",)


class TestSelectOfSources:
    def sources(self, *always: str, allowed: bool = False) -> Sources:
        return Sources(Path("/nowhere"), "3.11", always, allowed)

    def select(self, package: Locked, sources: Sources, on: target.Target = ARM64) -> Choice:
        (choice,) = select.select(lock(package), on, sources)
        return choice

    def test_takes_the_sdist_of_what_is_named_though_it_has_a_wheel(self) -> None:
        package = locked("M_n", "m_n-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", sdist=True)
        assert package.sdist
        assert self.select(package, self.sources("m-n")) == Choice("m-n", "1.0", package.sdist, ("native",))

    def test_leaves_what_is_not_named_its_wheel(self) -> None:
        named = locked("m", "m-1.0-py3-none-any.whl", sdist=True)
        other = locked("n", "n-1.0-py3-none-any.whl", sdist=True)
        choices = select.select(lock(named, other), ARM64, self.sources("m"))
        assert [choice.file.filename for choice in choices] == ["m-1.0.tar.gz", "n-1.0-py3-none-any.whl"]
        assert [choice.ways for choice in choices] == [("native",), ()]

    def test_refuses_a_name_that_the_lock_has_not(self) -> None:
        package = locked("m", "m-1.0-py3-none-any.whl", sdist=True)
        with pytest.raises(
            WheelError, match=r"^--from-source names a, z, but pylock\.toml has no such package\.$"
        ):
            select.select(lock(package), ARM64, self.sources("z", "m", "a"))

    def test_a_name_that_this_target_does_not_need_is_no_mistake(self) -> None:
        package = locked("m", "m-1.0-py3-none-any.whl", marker="sys_platform == 'win32'", sdist=True)
        assert select.select(lock(package), ARM64, self.sources("m")) == ()

    def test_refuses_a_name_without_an_sdist(self) -> None:
        packages = (locked("m", "m-1.0-py3-none-any.whl"), locked("n", sdist=True))
        with pytest.raises(
            WheelError, match=r"^--from-source names m, but pylock\.toml has no sdist of it\.$"
        ):
            select.select(lock(*packages), ARM64, self.sources("m", "n"))

    def test_takes_the_sdist_where_no_wheel_fits_and_that_is_allowed(self) -> None:
        package = locked("m", "m-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", sdist=True)
        choice = self.select(package, self.sources(allowed=True), ARMV7)
        assert (choice.file.filename, choice.ways) == ("m-1.0.tar.gz", ("native",))
        choice = self.select(package, self.sources(allowed=True), ARM64)
        assert (choice.file, choice.ways) == (package.wheels[0], ())

    def test_does_not_take_it_where_that_is_not_allowed(self) -> None:
        package = locked("m", "m-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", sdist=True)
        with pytest.raises(WheelError) as wrong:
            self.select(package, self.sources(), ARMV7)
        assert 'sdists = "allow"' in wrong.value.hint

    def test_is_told_from_pure_python_by_the_wheels_for_other_processors(self) -> None:
        for package in (locked("m", sdist=True), locked("m", "m-1.0-py2-none-any.whl", sdist=True)):
            assert self.select(package, self.sources(allowed=True)).ways == ("pure", "native")
            assert self.select(package, self.sources()).ways == ("pure",)

    def test_is_tried_without_a_compiler_where_there_can_be_none(self) -> None:
        armv6 = target.load("trixie-armv6")
        package = locked("m", "m-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", sdist=True)
        assert self.select(package, self.sources(allowed=True), armv6).ways == ("pure", "native")
        assert self.select(package, self.sources("m", allowed=True), armv6).ways == ("native",)
        with pytest.raises(WheelError):
            self.select(package, self.sources(), armv6)

    def test_nothing_is_built_of_nothing(self) -> None:
        with pytest.raises(WheelError, match="the lock has no file of it"):
            self.select(locked("m"), self.sources(allowed=True))


def source(name: str = "m", mtime: int = 1_600_000_000) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo(f"{name}-1.0/PKG-INFO")
        member.mtime = mtime
        archive.addfile(member)
    return out.getvalue()


class World:
    """An index of bytes by address, and a backend that makes wheels of sdists."""

    def __init__(self, tmp_path: Path, box: Box) -> None:
        self.folder = tmp_path / "project"
        self.folder.mkdir()
        self.box = box
        self.cache = Cache(tmp_path / "cache")
        self.addresses: dict[str, bytes] = {}
        self.asked: list[str] = []

    def add(self, filename: str, data: bytes) -> File:
        url = f"https://index.example/{filename}"
        self.addresses[url] = data
        return File(filename, hashlib.sha256(data).hexdigest(), url)

    @property
    def get(self) -> Get:
        @contextmanager
        def get(url: str) -> Iterator[Iterable[bytes]]:
            self.asked.append(url)
            if url not in self.addresses:
                raise ConnectionError("there is no network")
            yield [self.addresses[url]]

        return get

    def obtain(self, package: Locked, on: target.Target = ARM64) -> tuple[wheels.Wheel, ...]:
        return wheels.obtain(lock(package), on, self.cache, {}, get=self.get)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    def locked(file: Path, requires: tuple[str, ...], *_: object, **more: object) -> object:
        return requires, lock(root=file.parent)

    monkeypatch.setattr(build_tools, "locked", locked)
    return World(tmp_path, boxed(monkeypatch, Box()))


class TestObtain:
    def test_gives_verified_files(self, world: World) -> None:
        wanted = world.add("m-1.0-py3-none-any.whl", b"bytes")
        (wheel,) = world.obtain(Locked("M", "1.0", "", (wanted,)))
        assert (wheel.name, wheel.version, wheel.filename, wheel.sha256) == (
            "m",
            "1.0",
            "m-1.0-py3-none-any.whl",
            wanted.sha256,
        )
        assert wheel.path.read_bytes() == b"bytes"
        assert wheel.path == world.cache.root / "wheels" / wanted.sha256 / wanted.filename

    def test_needs_neither_network_nor_choice_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = Locked("m", "1.0", "", (world.add("m-1.0-py3-none-any.whl", b"bytes"),))
        first = world.obtain(package)
        world.addresses.clear()
        monkeypatch.setattr(select, "select", None)
        assert world.obtain(package) == first
        assert len(world.asked) == 1

    def test_chooses_anew_for_another_target(self, world: World) -> None:
        names = ["m-1.0-cp313-cp313-linux_aarch64.whl", "m-1.0-cp313-cp313-linux_x86_64.whl"]
        package = Locked("m", "1.0", "", tuple(world.add(name, name.encode()) for name in names))
        assert [world.obtain(package, on)[0].filename for on in (ARM64, AMD64)] == names

    def test_chooses_anew_if_what_was_kept_is_broken(self, world: World) -> None:
        package = Locked("m", "1.0", "", (world.add("m-1.0-py3-none-any.whl", b"bytes"),))
        first = world.obtain(package)
        (kept,) = (world.cache.root / "locks").glob("*.chosen")
        kept.write_bytes(b"\xc1")
        assert world.obtain(package) == first

    def test_builds_a_pure_sdist_once(self, world: World) -> None:
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        first = world.obtain(package)
        assert first[0].filename == "m-1.0-py3-none-any.whl"
        assert hashlib.sha256(first[0].path.read_bytes()).hexdigest() == first[0].sha256
        world.addresses.clear()
        assert world.obtain(package) == first
        assert world.obtain(package, ARMV7) == first
        (variables,) = world.box.variables
        assert variables["SOURCE_DATE_EPOCH"] == "1600000000"
        (call,) = world.box.calls
        assert (call["archive"], call["backend"]) == ("m-1.0.tar.gz", "setuptools.build_meta:__legacy__")

    def test_builds_again_if_the_wheel_is_gone(self, world: World) -> None:
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        world.obtain(package)[0].path.unlink()
        assert world.obtain(package)[0].path.is_file()
        assert len(world.box.given) == 2

    def test_refuses_an_sdist_that_is_not_pure_and_remembers(self, world: World) -> None:
        world.box.tag = "cp313-cp313-linux_x86_64"
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        for _ in range(2):
            with pytest.raises(WheelError, match=r"builds m-1\.0-cp313.*not pure Python"):
                world.obtain(package)
        assert len(world.box.given) == 1

    def test_says_why_an_sdist_does_not_build_and_tries_again(self, world: World) -> None:
        world.box.raises = FailedError("error: no compiler", 1)
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        with pytest.raises(WheelError, match=r"does not build without a compiler.*no compiler"):
            world.obtain(package)
        world.box.raises = None
        assert world.obtain(package)

    def test_a_build_backend_needs_the_network(self, world: World) -> None:
        world.box.raises = NetworkError("it cannot be fetched")
        with pytest.raises(NetworkError):
            world.obtain(Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source())))

    def test_wheels_and_sdists_together(self, world: World) -> None:
        packages = (
            Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source())),
            Locked("n", "1.0", "", (world.add("n-1.0-py3-none-any.whl", b"n"),)),
        )
        found = wheels.obtain(lock(*packages), ARM64, world.cache, {}, get=world.get)
        assert [wheel.filename for wheel in found] == ["m-1.0-py3-none-any.whl", "n-1.0-py3-none-any.whl"]


class Natives:
    """Stands in for the Debian that builds what is not pure."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.asked: list[tuple[Choice, target.Target, Sources, object]] = []

    def build(
        self,
        choice: Choice,
        on: target.Target,
        sources: Sources,
        cache: Cache,
        environ: object,
        **more: object,
    ) -> File:
        assert more == {"obtain": wheels.obtain}
        assert cache == self.cache
        assert place(choice.file, cache).is_file(), (
            "the sdist already exists, and is not the downloaded file."
        )
        self.asked.append((choice, on, sources, environ))
        data = on.name.encode()
        file = File(f"{choice.name}-1.0-cp313-cp313-linux_x.whl", hashlib.sha256(data).hexdigest())
        with whole(place(file, cache)) as temporary:
            temporary.write_bytes(data)
        return file


class TestObtainOfSources:
    @pytest.fixture
    def natives(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Natives:
        made = Natives(world.cache)
        monkeypatch.setattr(native, "build", made.build)
        return made

    def obtain(self, world: World, package: Locked, sources: Sources | None) -> tuple[wheels.Wheel, ...]:
        environ = {"HOME": "/nowhere"}
        return wheels.obtain(lock(package), ARM64, world.cache, environ, sources=sources, get=world.get)

    def sources(self, *always: str, allowed: bool = False) -> Sources:
        return Sources(Path("/nowhere"), "3.11", always, allowed)

    def test_what_is_named_is_built_for_the_target_at_once(self, world: World, natives: Natives) -> None:
        sources = self.sources("m")
        package = Locked(
            "m", "1.0", "", (file("m-1.0-py3-none-any.whl"),), world.add("m-1.0.tar.gz", source())
        )
        (wheel,) = self.obtain(world, package, sources)
        assert (wheel.name, wheel.version) == ("m", "1.0")
        assert wheel.path.read_bytes() == b"trixie-arm64"
        assert world.box.given == [], "nothing is tried on this machine"
        ((choice, *given),) = natives.asked
        assert (choice.file, given) == (package.sdist, [ARM64, sources, {"HOME": "/nowhere"}])

    def test_what_may_be_pure_is_built_here_first(self, world: World, natives: Natives) -> None:
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        (wheel,) = self.obtain(world, package, self.sources(allowed=True))
        assert wheel.filename == "m-1.0-py3-none-any.whl"
        assert len(world.box.given) == 1
        assert natives.asked == []

    @pytest.mark.parametrize("tag", ["cp313-cp313-linux_x86_64", "fails"])
    def test_and_for_the_target_if_it_is_not(self, world: World, natives: Natives, tag: str) -> None:
        world.box.raises = FailedError("no compiler", 1) if tag == "fails" else None
        world.box.tag = "py3-none-any" if tag == "fails" else tag
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        (wheel,) = self.obtain(world, package, self.sources(allowed=True))
        assert wheel.filename == "m-1.0-cp313-cp313-linux_x.whl"
        assert len(world.box.given) == len(natives.asked) == 1

    def test_what_has_wheels_for_other_processors_is_not_tried_here(
        self, world: World, natives: Natives
    ) -> None:
        others = (file("m-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"),)
        package = Locked("m", "1.0", "", others, world.add("m-1.0.tar.gz", source()))
        self.obtain(world, package, self.sources(allowed=True))
        assert world.box.given == []
        assert len(natives.asked) == 1

    def test_what_is_not_pure_is_refused_where_nothing_is_allowed(
        self, world: World, natives: Natives
    ) -> None:
        world.box.tag = "cp313-cp313-linux_x86_64"
        package = Locked("m", "1.0", "", (), world.add("m-1.0.tar.gz", source()))
        for sources in (None, self.sources()):
            with pytest.raises(WheelError, match="not pure Python"):
                self.obtain(world, package, sources)
        assert natives.asked == []

    def test_a_choice_that_is_kept_holds_for_the_same_sources_only(
        self, world: World, natives: Natives
    ) -> None:
        pure = world.add("m-1.0-py3-none-any.whl", b"pure")
        package = Locked("m", "1.0", "", (pure,), world.add("m-1.0.tar.gz", source()))
        every = [None, self.sources("m"), self.sources(allowed=True), self.sources("m", allowed=True)]
        found = [self.obtain(world, package, sources)[0].filename for sources in every]
        built = "m-1.0-cp313-cp313-linux_x.whl"
        assert found == [pure.filename, built, pure.filename, built]
        assert len(natives.asked) == 2

    def test_what_was_allowed_once_is_not_allowed_for_ever(self, world: World, natives: Natives) -> None:
        others = (file("m-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"),)
        package = Locked("m", "1.0", "", others, world.add("m-1.0.tar.gz", source()))
        self.obtain(world, package, self.sources(allowed=True))
        with pytest.raises(WheelError, match="has no wheel for trixie-arm64"):
            self.obtain(world, package, self.sources())
        assert len(natives.asked) == 1


class TestNewest:
    def test_is_never_before_zip_knows_time(self, tmp_path: Path) -> None:
        path = tmp_path / "m.tar.gz"
        path.write_bytes(source(mtime=5))
        assert sdist.newest(path) == 315_619_200

    def test_an_archive_of_another_kind(self, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path, "m", "1.0", {})
        assert sdist.newest(wheel) == 315_619_200
        wheel.write_bytes(b"no archive")
        assert sdist.newest(wheel) == 315_619_200

    @pytest.mark.parametrize("kind", ["gz", "xz"])
    def test_an_archive_that_is_damaged_inside(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / f"m.tar.{kind}"
        numbers = " ".join(map(str, range(40_000))).encode()
        with path.open("wb") as out, tarfile.open(fileobj=out, mode=f"w:{kind}") as archive:  # type: ignore[call-overload]
            for name in ("m-1.0/a", "m-1.0/b"):
                member = tarfile.TarInfo(name)
                member.size = len(numbers)
                archive.addfile(member, io.BytesIO(numbers))
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 4] + b"\xff" * 999)
        assert sdist.newest(path) == 315_619_200
