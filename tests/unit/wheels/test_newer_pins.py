from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from samples import sample_project

from debonair import target
from debonair.errors import LockError, NetworkError, ProjectError, WheelError
from debonair.host.cache import Cache
from debonair.host.run import Completed
from debonair.lock import Lock
from debonair.lock.model import File, Locked
from debonair.lock.uv import Uv
from debonair.project import Project
from debonair.wheels import newer_pins, raise_pins
from debonair.wheels.lacking import LackingError, Pin

ARM64 = target.load("trixie-arm64")
ARMV7 = target.load("trixie-armv7")
PINS = (Pin("gevent", "21.12.0", "24.10.1"), Pin("zope-event", "1.0", "5.0"))


def locked(name: str, version: str, *tags: str) -> Locked:
    names = [f"{name}-{version}-{tag}.whl" for tag in tags]
    return Locked(
        name, version, "", tuple(File(each, "0" * 64, f"https://index.example/{each}") for each in names)
    )


OLD = locked("gevent", "21.12.0", "cp310-cp310-manylinux2014_aarch64")
OLDER = locked("greenlet", "1.1.3", "cp311-cp311-manylinux2014_aarch64")
PURE = locked("flask", "2.2.5", "py3-none-any")


def lock(*packages: Locked) -> Lock:
    return Lock(packages, Path("/nowhere/pylock.toml"), "pylock.toml", "d" * 64)


class FakeUv:
    """Notes what it was asked, and gives ``answers`` in turn."""

    def __init__(self, *answers: dict[str, str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[list[str], str, str, list[str]]] = []

    def lowest(
        self, requirements: Iterable[str], python: str, platform: str, *, wheels_of: Iterable[str]
    ) -> dict[str, str]:
        self.asked.append((list(requirements), python, platform, list(wheels_of)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def project(*requirements: str, **more: Any) -> Project:
    return sample_project(root=Path("/nowhere"), requirements=requirements, **more)


def find(uv: FakeUv, *requirements: str, lacking: set[str], on: target.Target = ARM64) -> tuple[Pin, ...]:
    return newer_pins.find(project(*requirements), lock(OLD, OLDER, PURE), lacking, on, uv)  # type: ignore[arg-type]


class TestFind:
    def test_raises_only_what_lacks_a_wheel(self) -> None:
        uv = FakeUv({"gevent": "24.10.1", "flask": "2.2.5", "greenlet": "3.5"})
        found = find(uv, "Flask==2.2.5", "gevent[x]==21.12.0 ; os_name == 'posix'", lacking={"gevent"})
        assert found == (Pin("gevent", "21.12.0", "24.10.1"),)
        requirements, python, platform, wheels_of = uv.asked[0]
        assert requirements == [
            "Flask==2.2.5,>=2.2.5",
            'gevent[x]>=21.12.0; os_name == "posix"',
        ]
        assert (python, platform, wheels_of) == ("3.13", "aarch64-manylinux_2_40", ["gevent"])

    def test_keeps_the_lower_part_of_a_range(self) -> None:
        uv = FakeUv({"gevent": "24.10.1"})
        find(uv, "flask", "gevent>=20,<22", lacking={"gevent"})
        assert uv.asked[0][0] == ["flask>=2.2.5", "gevent>=21.12.0"]

    def test_raises_what_keeps_an_indirect_one_old(self) -> None:
        uv = FakeUv(LockError("cannot be met"), {"gevent": "24.10.1", "flask": "2.2.5", "greenlet": "3.5"})
        found = find(uv, "flask==2.2.5", "gevent==21.12.0", lacking={"flask", "greenlet"})
        assert found == (Pin("gevent", "21.12.0", "24.10.1"),)
        assert [asked[0][1] for asked in uv.asked] == ["gevent==21.12.0,>=21.12.0", "gevent>=21.12.0"]
        assert uv.asked[1][3] == ["flask", "greenlet"]

    def test_finds_nothing(self) -> None:
        uv = FakeUv(LockError("cannot be met"), LockError("cannot be met"))
        assert find(uv, "gevent==21.12.0", lacking={"gevent"}) == ()
        assert find(FakeUv(NetworkError("no network")), "gevent==21.12.0", lacking={"gevent"}) == ()

    def test_does_not_guess_for_a_processor_that_uv_does_not_know(self) -> None:
        assert find(FakeUv(), "gevent==21.12.0", lacking={"gevent"}, on=ARMV7) == ()

    def test_leaves_an_address_alone(self) -> None:
        uv = FakeUv({})
        address = "gevent @ https://index.example/gevent-21.12.0.tar.gz"
        assert find(uv, address, "flask<3", lacking={"gevent"}) == ()
        assert uv.asked[0][0] == [address, "flask>=2.2.5"]


class TestAdvised:
    def advised(self, *packages: Locked) -> LackingError:
        lacking = LackingError(
            {("greenlet", "1.1.3"): "its sdist must be compiled"}, ARM64, lock(*packages)
        )
        uv = FakeUv({"gevent": "24.10.1"})
        return newer_pins.advised(lacking, project("gevent==21.12.0"), uv)  # type: ignore[arg-type]

    def test_names_what_works_first(self) -> None:
        error = self.advised(OLDER, OLD, PURE)
        assert error.message.startswith(
            "pylock.toml has no wheel for trixie-arm64 of:\n  greenlet 1.1.3: its sdist must be compiled\n"
        )
        assert error.hint.splitlines()[:2] == [
            "Do one of these:",
            (
                "- Raise the pins to the first versions that fit: gevent==24.10.1. This command writes "
                "them: debonair lock --raise-pins"
            ),
        ]
        assert "bookworm" not in error.hint  # which has no wheel of gevent

    def test_names_an_older_suite_only_if_it_has_everything(self) -> None:
        error = self.advised(OLDER, PURE)
        assert (
            'older Python, for which the lock has all wheels: set targets = ["bookworm-arm64"]'
            in error.hint
        )

    @pytest.mark.parametrize("name", ["trixie-armv6", "trixie-armv7"])
    def test_names_an_older_suite_for_the_same_board(self, name: str) -> None:
        old = locked("greenlet", "1.1.3", "cp311-cp311-linux_armv6l", "cp311-cp311-linux_armv7l")
        lacking = LackingError({("greenlet", "1.1.3"): "it is old"}, target.load(name), lock(old))
        error = newer_pins.advised(lacking, project("gevent==21.12.0"), FakeUv())  # type: ignore[arg-type]
        assert f'targets = ["bookworm-{name.partition("-")[2]}"]' in error.hint


class TestWrite:
    def test_changes_only_the_pins(self, tmp_path: Path) -> None:
        path = tmp_path / "requirements.txt"
        path.write_bytes(
            b"# gevent==21.12.0 was fine\r\nflask\r\nGevent[x] == 21.12.0 ; os_name == 'posix'  # old\r\n"
            b"zope.event===1.0\r\ngevent-websocket==21.12.0\r\n"
        )
        raise_pins.write(path, tmp_path, PINS)
        assert path.read_bytes() == (
            b"# gevent==21.12.0 was fine\r\nflask\r\nGevent[x] == 24.10.1 ; os_name == 'posix'  # old\r\n"
            b"zope.event===5.0\r\ngevent-websocket==21.12.0\r\n"
        )

    def test_changes_a_pyproject(self, tmp_path: Path) -> None:
        path = tmp_path / "pyproject.toml"
        path.write_text("[project]\ndependencies = [\"gevent==21.12.0\", 'zope_event==1.0']\n")
        raise_pins.write(path, tmp_path, PINS)
        assert path.read_text() == "[project]\ndependencies = [\"gevent==24.10.1\", 'zope_event==5.0']\n"

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('gevent = "21.12.0"\nzope-event = "1.0"\n', 'gevent = "24.10.1"\nzope-event = "5.0"\n'),
            (
                'gevent = { extras = ["x"], version = "==21.12.0" }\n"zope.event" = "==1.0"\n',
                'gevent = { extras = ["x"], version = "==24.10.1" }\n"zope.event" = "==5.0"\n',
            ),
        ],
    )
    def test_changes_a_table_of_requirements(self, tmp_path: Path, before: str, after: str) -> None:
        path = tmp_path / "Pipfile"
        path.write_text(before)
        raise_pins.write(path, tmp_path, PINS)
        assert path.read_text() == after

    def test_a_range_is_changed_by_hand(self, tmp_path: Path) -> None:
        path = tmp_path / "pyproject.toml"
        path.write_text('[tool.poetry.dependencies]\ngevent = "^21.12.0"\nzope-event = "1.0"\n')
        with pytest.raises(ProjectError, match=r"pyproject\.toml has no text 'gevent==21\.12\.0'"):
            raise_pins.write(path, tmp_path, PINS)

    @pytest.mark.parametrize(
        "text", ["gevent==21.12.0\n", "gevent==21.12.0\nzope-event==1.0.1\n", "zope-event==1.0\n"]
    )
    def test_changes_nothing_if_one_pin_is_elsewhere(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "requirements.txt"
        path.write_text(text)
        with pytest.raises(ProjectError) as wrong:
            raise_pins.write(path, tmp_path, PINS)
        assert "so no pin was raised" in wrong.value.message
        assert wrong.value.hint.endswith("gevent==24.10.1, zope-event==5.0")
        assert path.read_text() == text


class World:
    """A project whose wheels are there once its requirements are new enough."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.file = root / "requirements.txt"
        self.file.write_text("gevent==21.12.0\n")
        self.written = 0
        self.name = "requirements.txt"
        monkeypatch.setattr("debonair.lock.write", self.write)
        monkeypatch.setattr(raise_pins, "Index", lambda *words: self)

    def load(self) -> Project:
        lines = tuple(self.file.read_text().splitlines())
        return sample_project(root=self.root, requirements=lines, requirements_file=self.name)

    def write(self, *words: object, **more: object) -> None:
        del words, more
        self.written += 1

    def wheels(self, on: target.Target) -> None:
        if "gevent==21.12.0" in self.file.read_text():
            pins = (Pin("gevent", "21.12.0", "24.10.1"),)
            raise LackingError({("gevent", "21.12.0"): "it is old"}, on, lock(OLD), pins=pins)

    def raise_all(self) -> list[Pin]:
        return list(raise_pins.raise_all(self.load, [ARM64], Cache(self.root / "cache"), {}))


class TestRaiseAll:
    def test_until_every_wheel_is_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(tmp_path, monkeypatch)
        assert world.raise_all() == [Pin("gevent", "21.12.0", "24.10.1")]
        assert world.file.read_text() == "gevent==24.10.1\n"
        assert world.written == 2
        assert world.raise_all() == []

    def test_a_project_whose_file_of_requirements_is_not_known(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As with poetry."""
        world = World(tmp_path, monkeypatch)
        world.file = tmp_path / "pyproject.toml"
        world.file.write_text("gevent==21.12.0\n")
        world.name = ""
        (tmp_path / "requirements.txt").unlink()
        assert world.raise_all() == [Pin("gevent", "21.12.0", "24.10.1")]
        assert world.file.read_text() == "gevent==24.10.1\n"

    def test_ends_if_that_does_not_help(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(tmp_path, monkeypatch)
        world.file.write_text("gevent==21.12.0  # and\ngevent==21.12.0\n")
        monkeypatch.setattr(raise_pins, "write", lambda *words: None)
        with pytest.raises(WheelError, match="no wheel for trixie-arm64"):
            world.raise_all()


def test_asks_uv_for_the_lowest_versions(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def uv(argv: list[Any], **given: Any) -> Completed:
        words = list(map(str, argv))
        asked.append([*words[1:], given["stdin"].decode()])
        Path(words[words.index("-o") + 1]).write_text(
            "gevent==24.10.1 ; os_name == 'posix'\nzope-event==5.0\n"
        )
        return Completed(0, "", "")

    def describe(*words: object) -> bytes:
        raise AssertionError(words)

    one = Uv(tmp_path, {}, describe, uv)
    found = one.lowest(["gevent>=21"], "3.13", "aarch64-manylinux_2_40", wheels_of=["gevent", "greenlet"])
    assert found == {"gevent": "24.10.1", "zope-event": "5.0"}
    words = " ".join(asked[0])
    assert "--universal" not in words
    assert "--python-platform aarch64-manylinux_2_40" in words
    assert "--resolution lowest-direct --only-binary gevent --only-binary greenlet" in words
    assert words.endswith("gevent>=21\n")
