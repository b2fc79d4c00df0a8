"""Which libraries are made, in which order, and which are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from debonair.debian.apt import Suite
from debonair.debian.mirror import Mirror
from debonair.errors import LockError, PackageError, TargetError, WheelError
from debonair.host.cache import Cache
from debonair.lock import download
from debonair.lock.uv import Uv
from debonair.source.library import needs, trial
from debonair.source.library.build import Sdist
from debonair.source.library.recipe import Probed, Recipe
from debonair.source.library.workshop import Workshop

PERSON = "Ada <ada@example.org>"


@dataclass
class World:
    """An index and a suite that are made up, and what was built."""

    requires: Mapping[str, tuple[str, ...]]
    """What each library of the index needs, by its name as it is written."""
    suite: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    python: str = ""
    without_source: bool = False
    recipes: list[Recipe] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    def lock(self, *_: object) -> bytes:
        text = 'lock-version = "1.0"\n'
        for name in self.requires:
            text += f'[[packages]]\nname = "{normal(name)}"\nversion = "1.0"\n'
            if not self.without_source:
                file = f'url = "file:///{name}-1.0.tar.gz", hashes = {{ sha256 = "{"0" * 64}" }}'
                text += f"sdist = {{ {file} }}\n"
        return text.encode()

    def probe(self, sdist: Sdist) -> Probed:
        name = next(each for each in self.requires if normal(each) == sdist.library.name)
        return Probed(name, "1.0", requires=self.requires[name], requires_python=self.python)

    def build(self, sdist: Sdist, recipe: Recipe) -> Path:
        self.recipes.append(recipe)
        path = sdist.cache.folder("libraries") / f"{recipe.package}_1.0_all.deb"
        path.write_text(recipe.package)
        return path

    def check(self, debs: Sequence[Path], *_: object) -> None:
        self.checked = [path.name for path in debs]


def normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World({"RPi.bme280": ("smbus2>=0.4",), "smbus2": ()}, {"smbus2": ("python3-smbus2", "0.4.3")})

    def probe(sdist: Sdist, *_: object) -> Probed:
        return world.probe(sdist)

    def build(sdist: Sdist, recipe: Recipe, _: object) -> Path:
        return world.build(sdist, recipe)

    monkeypatch.setattr(needs, "mirror", lambda _: Mirror("http://mirror.test/debian"))
    monkeypatch.setattr(Suite, "distributions", lambda _: world.suite)
    monkeypatch.setattr(Suite, "versions", lambda *_: {})
    monkeypatch.setattr(Uv, "lock", world.lock)
    monkeypatch.setattr(download, "fetch", lambda *_: [])
    monkeypatch.setattr(Sdist, "probe", probe)
    monkeypatch.setattr(Sdist, "build", build)
    monkeypatch.setattr(trial, "check", world.check)
    return world


def make(tmp_path: Path, requirement: str, *, recursive: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    workshop = Workshop.of("trixie", "arm64", PERSON, Cache(tmp_path / "cache"), {})
    workshop.recursive = recursive
    made = workshop.make(requirement, tmp_path / "out")
    assert all(each.path.parent == tmp_path / "out" and each.path.is_file() for each in made)
    return [(each.package, each.depends) for each in made]


def refused(tmp_path: Path, requirement: str, kind: type[Exception], message: str) -> str:
    with pytest.raises(kind, match=message) as caught:
        make(tmp_path, requirement)
    assert not (tmp_path / "out").exists()
    return str(getattr(caught.value, "hint", ""))


def test_what_the_suite_has_is_depended_on(tmp_path: Path, world: World) -> None:
    assert make(tmp_path, "RPi.bme280") == [("python3-rpi.bme280", ("python3-smbus2 (>= 0.4)",))]
    (recipe,) = world.recipes
    assert (recipe.version, recipe.maintainer) == ("1.0-1+deb13", PERSON)
    assert world.checked == ["python3-rpi.bme280_1.0_all.deb"]


def test_what_it_lacks_is_listed_and_made_if_that_is_wanted(tmp_path: Path, world: World) -> None:
    world.requires = {"RPi.bme280": ("smbus2>=0.5", "pytz"), "smbus2": (), "pytz": ()}
    hint = refused(
        tmp_path,
        "RPi.bme280",
        WheelError,
        r"pytz \(the suite does not have it\)\n  smbus2>=0.5 .* has 0.4.3",
    )
    assert "--recursive" in hint
    assert make(tmp_path, "RPi.bme280", recursive=True) == [
        ("python3-pytz", ()),
        ("python3-smbus2", ()),
        ("python3-rpi.bme280", ("python3-pytz", "python3-smbus2 (>= 0.5)")),
    ]


def test_libraries_that_need_each_other(tmp_path: Path, world: World) -> None:
    world.requires = {"one": ("two",), "two": ("one",)}
    with pytest.raises(WheelError, match="one needs two needs one: each of them"):
        make(tmp_path, "one", recursive=True)


@pytest.mark.parametrize(("has", "newer"), [("1.0", r"python3-smbus2\.$"), ("2.0", "which is newer")])
def test_what_the_suite_has_already(has: str, newer: str, tmp_path: Path, world: World) -> None:
    world.suite = {"smbus2": ("python3-smbus2", has)}
    assert "python3-smbus2" in refused(tmp_path, "smbus2", PackageError, newer)


def test_an_older_one_keeps_the_suites_name(tmp_path: Path, world: World) -> None:
    world.requires = {"PyYAML": ()}
    world.suite = {"PyYAML": ("python3-yaml", "0.9")}
    assert make(tmp_path, "pyyaml") == [("python3-yaml", ())]


def test_a_library_for_another_python(tmp_path: Path, world: World) -> None:
    world.python = "<3.9"
    assert "--suite" in refused(tmp_path, "smbus2", WheelError, "is for Python <3.9, but trixie has 3.13")


def test_a_library_without_its_source(tmp_path: Path, world: World) -> None:
    world.without_source = True
    refused(tmp_path, "smbus2", WheelError, "was published without an sdist.")


@pytest.mark.parametrize(
    "requirement", ["bücher", "a b", "x @ https://x.test/x.tar.gz", 'x; os_name=="nt"', "x[y]"]
)
def test_what_is_no_name(requirement: str, tmp_path: Path, world: World) -> None:
    assert "RPi.bme280==0.2.4" in refused(tmp_path, requirement, LockError, "is not the name of a library")
    assert world.recipes == []


def test_what_nobody_has(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsolvable(*_: object) -> bytes:
        raise LockError("The requirements cannot be met.", "?")

    monkeypatch.setattr(Uv, "lock", unsolvable)
    assert "trixie has Python 3.13" in refused(tmp_path, "nowhere", LockError, "cannot be met")
    assert world.recipes == []


def test_a_suite_that_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no target for buster on arm64"):
        Workshop.of("buster", "arm64", PERSON, Cache(tmp_path), {})
