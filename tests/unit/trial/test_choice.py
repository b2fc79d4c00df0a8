"""Which deb is tried, on which suite."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import Programs, stand_in

from debonair.deb import archive
from debonair.errors import PackageError, TargetError
from debonair.trial.choice import choose, earlier


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Debs are told by their names; dpkg finds 1.10 newer than 1.9."""

    def read(path: Path) -> dict[str, str]:
        package, version, architecture = path.name.removesuffix(".deb").split("_")
        return {"Package": package, "Version": version, "Architecture": architecture}

    monkeypatch.setattr(archive, "read_control", read)
    made = stand_in(monkeypatch)
    made.answer("dpkg --compare-versions 1.9-1.deb13 lt 1.10-1.deb13", status=0)
    made.answer("dpkg --compare-versions 1.10-1.deb13 lt 1.9-1.deb13", status=1)
    return made


def chosen(*names: str, suite: str | None = None, architecture: str = "amd64") -> tuple[str, str]:
    found = choose([Path(f"{name}.deb") for name in names], suite=suite, architecture=architecture)
    return found.path.stem, found.suite


@pytest.mark.parametrize(
    ("version", "suite"),
    [
        ("1.0-1+deb13", "trixie"),
        ("1.0-1+deb12", "bookworm"),
        ("1.0-1~deb12u2", "bookworm"),
        ("1.0-1", "trixie"),
    ],
)
def test_the_version_tells_the_suite(version: str, suite: str) -> None:
    assert chosen(f"app_{version}_amd64")[1] == suite


def test_the_one_for_this_machine() -> None:
    debs = ["app_1.0-1+deb13_amd64", "app_1.0-1+deb13_arm64", "app_1.0-1+deb12_arm64"]
    assert chosen(*debs) == ("app_1.0-1+deb13_amd64", "trixie")
    assert chosen(*debs, architecture="arm64") == ("app_1.0-1+deb13_arm64", "trixie")
    assert chosen(*debs, architecture="arm64", suite="bookworm") == ("app_1.0-1+deb12_arm64", "bookworm")
    assert chosen("app_1.0-1_all", suite="bookworm") == ("app_1.0-1_all", "bookworm")


def test_the_highest_version() -> None:
    debs = ["app_1.10-1+deb13_amd64", "app_1.9-1+deb13_amd64", "app_1.9-1+deb13_all"]
    assert chosen(*debs)[0] == "app_1.10-1+deb13_amd64"
    assert chosen(*reversed(debs))[0] == "app_1.10-1+deb13_amd64"


def test_a_suite_may_be_forced() -> None:
    assert chosen("app_1.0-1+deb13_amd64", suite="bookworm") == ("app_1.0-1+deb13_amd64", "bookworm")


def test_another_architecture_is_taken_if_it_must_be() -> None:
    assert chosen("app_1.0-1+deb13_arm64") == ("app_1.0-1+deb13_arm64", "trixie")
    assert chosen("app_1.0-1+deb12_armhf", "app_1.0-1+deb13_armhf")[1] == "trixie"


def test_what_cannot_be_tried() -> None:
    with pytest.raises(PackageError, match="they are for riscv64") as refused:
        chosen("app_1.0-1+deb13_riscv64")
    assert "--target trixie-amd64" in refused.value.hint
    with pytest.raises(PackageError, match="these are 2: app, other"):
        chosen("app_1.0-1_all", "other_1.0-1_all")
    with pytest.raises(TargetError, match="no suite 'sarge'") as unknown:
        chosen("app_1.0-1_all", suite="sarge")
    assert "trixie" in unknown.value.hint


def test_an_earlier_release() -> None:
    newer = choose([Path("app_1.10-1+deb13_amd64.deb")], suite=None, architecture="amd64")
    found = earlier(Path("app_1.9-1+deb13_amd64.deb"), newer)
    assert (found.version, found.suite) == ("1.9-1+deb13", "trixie")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other_1.9-1+deb13_amd64", "is of the package other, but app_1.10-1.deb13_amd64.deb is of app"),
        (
            "app_1.9-1+deb13_arm64",
            r"is for trixie \(arm64\), but app_1.10-1\+deb13_amd64.deb is for trixie",
        ),
        ("app_1.9-1+deb12_amd64", r"is for bookworm \(amd64\), but"),
        ("app_1.10-1+deb13_amd64", r"1.10-1\+deb13 is not higher than 1.10-1\+deb13"),
        ("app_1.11-1+deb13_amd64", r"1.10-1\+deb13 is not higher than 1.11-1\+deb13"),
    ],
)
def test_a_deb_that_is_not_an_earlier_release(programs: Programs, name: str, words: str) -> None:
    programs.answer("dpkg --compare-versions 1.11-1.deb13 lt 1.10-1.deb13", status=1)
    newer = choose([Path("app_1.10-1+deb13_amd64.deb")], suite=None, architecture="amd64")
    with pytest.raises(PackageError, match=words):
        earlier(Path(f"{name}.deb"), newer)
