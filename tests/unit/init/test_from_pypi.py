from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wheelmaker import make_wheel

from debonair import lock, wheels
from debonair.errors import Error, LockError, ProjectError, TargetError
from debonair.host.cache import Cache
from debonair.init import from_pypi
from debonair.lock import Lock
from debonair.lock.model import Locked
from debonair.project import Project, maintainer
from debonair.target import Target
from debonair.wheels import Wheel

OPTIONS = {"from-pypi": "diary==1.2", "wsgi": "diary:app"}
WRITTEN = """\
# Written by 'debonair build --from-pypi'. You can edit it. 'debonair schema' lists every key.
from-pypi = "diary==1.2"
wsgi = "diary:app"
maintainer = "Ada <ada@example.org>"
"""


@dataclass
class Index:
    """Stands in for the index, which has the diary and something compiled that it needs."""

    folder: Path
    targets: list[str] = field(default_factory=list)
    commands: bool = False
    problem: str = ""

    def write(self, project: Project, targets: Sequence[Target], *_: object, **__: object) -> Path:
        if self.problem:
            raise LockError(self.problem, hint="Run 'debonair lock'.")
        self.targets = [target.name for target in targets]
        path = project.root / "pylock.toml"
        path.write_text("")
        return path

    def ensure(self, project: Project, *_: object, **__: object) -> Lock:
        return Lock((Locked("Diary", "1.2"), Locked("other", "1")), project.root, "pylock.toml", "d")

    def obtain(self, found: Lock, *_: object) -> tuple[Wheel, ...]:
        assert [package.name for package in found.packages] == ["Diary"]
        assert found.digest != "d"
        points = {"console_scripts": {"diary": "diary:main"}} if self.commands else None
        says = "Summary: Keeps a diary\n"
        path = make_wheel(
            self.folder, "Diary", "1.2", {"diary.py": b"app = object()"}, entry_points=points, says=says
        )
        return (Wheel("Diary", "1.2", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path),)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    found = Index(tmp_path / "wheels")
    for module, name in ((lock, "write"), (lock, "ensure"), (wheels, "obtain")):
        monkeypatch.setattr(module, name, getattr(found, name))
    monkeypatch.setattr(maintainer, "of", lambda *_: ("Ada <ada@example.org>", "git"))
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


def begin(root: Path, **options: object) -> Project:
    given = {key: value for key, value in {**OPTIONS, **options}.items() if value is not None}
    return from_pypi.begin(root, given, Cache(root.parent / "cache"), os.environ)


def refused(root: Path, **options: object) -> Error:
    before = sorted(root.iterdir())
    with pytest.raises(Error) as caught:
        begin(root, **options)
    assert sorted(root.iterdir()) == before
    return caught.value


def test_an_empty_folder_gets_settings_and_a_lock(
    root: Path, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    found = begin(root)
    assert (root / "debonair.toml").read_text() == WRITTEN
    assert sorted(path.name for path in root.iterdir()) == ["debonair.toml", "pylock.toml"]
    assert index.targets == ["trixie-arm64", "trixie-amd64"]
    assert (found.config_file, found.wsgi) == (root / "debonair.toml", "diary:app")
    assert capsys.readouterr().err.splitlines() == [
        "diary 1.2: Keeps a diary. The package diary serves diary:app.",
        "Wrote debonair.toml and pylock.toml. Anyone can build the same package from these two files.",
    ]


def test_a_command_serves_the_app(root: Path, index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    index.commands = True
    found = begin(root, wsgi=None, server="command", command="diary --uds $SOCKET")
    assert (found.wsgi, found.command) == ("", "diary --uds $SOCKET")
    assert "The package diary serves diary --uds $SOCKET." in capsys.readouterr().err


def test_the_same_again_changes_nothing(root: Path, index: Index) -> None:
    begin(root, targets=["bookworm-arm64"])
    assert index.targets == ["bookworm-arm64"]
    index.problem = "nobody is asked again"
    assert begin(root).targets == ("bookworm-arm64",)
    assert begin(root, targets=["trixie-amd64"]).targets == ("bookworm-arm64",)


def test_something_else_than_the_folder_has(root: Path) -> None:
    begin(root)
    assert refused(root, **{"from-pypi": "diary==1.3"}).message == (
        "debonair.toml already exists and differs: 'from-pypi' is 'diary==1.2', but the command "
        "line has 'diary==1.3'."
    )
    assert "it has no 'package', but the command line has 'x'" in refused(root, package="x").message


def test_the_folder_of_something_else(root: Path) -> None:
    (root / "requirements.txt").write_text("")
    assert "has a requirements.txt, so it is the folder of another project." in refused(root).message


@pytest.mark.parametrize("key", ["wsgi", "maintainer", "package"])
def test_a_value_that_is_wrong_is_the_command_lines(root: Path, key: str) -> None:
    assert refused(root, **{key: "not:this?"}).message.startswith("The command line: '")


def test_nothing_stays_if_the_wheel_has_nothing_of_that_name(root: Path) -> None:
    wrong = refused(root, wsgi="diary:ap")
    assert wrong.message == "The command line: 'wsgi' names 'ap', but diary.py does not define it."
    assert wrong.hint == "Did you mean 'diary:app'?"
    assert isinstance(refused(root, targets=["trixie"]), TargetError)


def test_nobody_says_who_maintains_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintainer, "of", lambda *_: ("", ""))
    wrong = refused(root)
    assert isinstance(wrong, ProjectError)
    assert "--maintainer" in wrong.hint
    assert begin(root, maintainer="Bo <bo@example.org>").maintainer == "Bo <bo@example.org>"


def test_what_is_not_on_the_index(root: Path, index: Index) -> None:
    index.problem = "The requirements cannot be met."
    assert refused(root).hint == "Check the name and the version: --from-pypi NAME==VERSION"


def test_a_tool_that_could_be_served(root: Path, index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    index.commands = True
    assert begin(root, wsgi="", maintainer="").wsgi == ""
    assert capsys.readouterr().err.splitlines()[:2] == [
        "diary 1.2: Keeps a diary. The package diary has the commands diary.",
        (
            "Without --wsgi or --command, the package serves no site. "
            "These names look like WSGI callables: diary:app."
        ),
    ]
