from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest
from compiler import compile_here
from samples import sample_project
from wheelmaker import make_wheel

from debonair import build as builds
from debonair import lock, target
from debonair import project as projects
from debonair.build import Stopwatch
from debonair.deb import archive
from debonair.debian import interpreter as python
from debonair.debian.interpreter import Interpreter
from debonair.errors import MachineError, ProjectError, WheelError
from debonair.host.cache import Cache
from debonair.lock import Lock
from debonair.project import Project
from debonair.target import Target
from debonair.tree import collect
from debonair.tree.app_files import AppFile
from debonair.wheels import Wheel, project_wheel, supply
from debonair.wheels.model import Sources

TRIXIE = target.load("trixie-arm64")
ENVIRON = {"SOURCE_DATE_EPOCH": "1700000000"}


@dataclass
class Stages:
    """Stands in for what a build asks of an index and of this machine."""

    wheels: tuple[Wheel, ...] = ()
    interpreter: Interpreter | None = None
    locked_for: list[str] = field(default_factory=list)
    sources: Sources | None = None

    def ensure(self, project: Project, targets: Sequence[Target], *_: object, **__: object) -> Lock:
        self.locked_for = [each.name for each in targets]
        return Lock((), project.config_file, "none", "d")

    def obtain(self, *_: object, sources: Sources) -> tuple[Wheel, ...]:
        self.sources = sources
        return self.wheels

    def find(self, version: str, *, cache: Cache, environ: Mapping[str, str]) -> Interpreter | None:
        assert version == "3.13"
        return self.interpreter


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    found = Stages(interpreter=compile_here(monkeypatch))
    monkeypatch.setattr(lock, "ensure", found.ensure)
    monkeypatch.setattr(supply, "obtain", found.obtain)
    monkeypatch.setattr(python, "interpreter", found.find)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / "guestbook/static").mkdir(parents=True)
    (root / "guestbook/__init__.py").write_text("def create_app(): ...\n")
    (root / "guestbook/static/x.css").write_text("")
    return sample_project(root=root, config_file=root / "pyproject.toml")


def wheel(tmp_path: Path, name: str = "flask") -> Wheel:
    path = make_wheel(tmp_path / "wheels", name, "1.0", {f"{name}.py": b""})
    return Wheel(name, "1.0", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def build(tmp_path: Path, project: Project, out: str = "out") -> builds.Artefact:
    cache = Cache(tmp_path / "cache")
    return builds.build(project, TRIXIE, tmp_path / out, cache=cache, environ=ENVIRON)


def test_the_deb_is_written(tmp_path: Path, project: Project, stages: Stages) -> None:
    stages.wheels = (wheel(tmp_path),)
    made = build(tmp_path, project)
    assert made.path == tmp_path / "out/guestbook_1.4.2-1+deb13_arm64.deb"
    assert listed(tmp_path / "out") == [made.path.name]
    assert made.size == made.path.stat().st_size
    deb = archive.read(made.path)
    assert deb.fields["Installed-Size"] == str(made.installed_size)
    assert any(entry.path.endswith("/flask.py") for entry in deb.entries)
    assert set(made.timings) == {"plan", "splice", "write"}


def test_the_same_bytes_again(tmp_path: Path, project: Project, stages: Stages) -> None:
    stages.wheels = (wheel(tmp_path),)
    first, second = build(tmp_path, project), build(tmp_path, project, "other")
    assert first.path.read_bytes() == second.path.read_bytes()


def test_what_a_command_makes_at_build_is_in_it(
    tmp_path: Path, project: Project, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (
        AppFile("guestbook/__init__.py", 0o644, b"def create_app(): ..."),
        AppFile("guestbook/static/y", 0o644),
    )
    monkeypatch.setattr(collect, "files", lambda *_, **__: made)
    deb = archive.read(build(tmp_path, replace(project, collect="make")).path)
    own = [entry.path.partition("/app/")[2] for entry in deb.entries if entry.kind == "file"]
    assert "guestbook/static/y" in own
    assert "guestbook/static/x.css" not in own


def test_an_epoch_of_the_version_is_not_in_the_name(
    tmp_path: Path, project: Project, stages: Stages
) -> None:
    made = build(tmp_path, sample_project(root=project.root, version="2!1.0"))
    assert made.path.name == "guestbook_1.0-1+deb13_arm64.deb"
    assert archive.read_control(made.path)["Version"] == "2:1.0-1+deb13"


def test_the_lock_is_checked_for_the_target_too(tmp_path: Path, project: Project, stages: Stages) -> None:
    build(tmp_path, project)
    assert stages.locked_for == ["trixie-arm64"]
    build(tmp_path, sample_project(root=project.root, targets=("bookworm-armv7", "trixie-amd64")))
    assert stages.locked_for == ["bookworm-armv7", "trixie-amd64", "trixie-arm64"]


def test_several_targets_are_built_side_by_side_from_one_lock(
    tmp_path: Path, project: Project, stages: Stages
) -> None:
    stages.wheels = (wheel(tmp_path),)
    names = ["trixie-arm64", "trixie-armv7", "trixie-amd64", "trixie-armv6"]
    chosen = [target.load(name) for name in names]
    cache = Cache(tmp_path / "cache")
    made = list(builds.build_all(project, chosen, tmp_path / "out", cache=cache, environ=ENVIRON))
    assert [each.target.name for each in made] == names
    assert listed(tmp_path / "out") == sorted(each.path.name for each in made)
    # what they share was made once: all but the app's files of each architecture
    shared = [part for part in cache.folder("layers").iterdir() if b"flask 1.0" in part.read_bytes()]
    assert len(shared) == 1
    for each in made:
        alone = builds.build(project, each.target, tmp_path / "alone", cache=cache, environ=ENVIRON)
        assert alone.path.read_bytes() == each.path.read_bytes()


def test_of_several_the_first_that_fails_is_told(
    tmp_path: Path, project: Project, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def obtain(lock: Lock, on: target.Target, *_: object, **__: object) -> tuple[Wheel, ...]:
        if on.name != "trixie-arm64":
            raise WheelError(f"no wheel for {on.name}")
        return stages.wheels

    monkeypatch.setattr(supply, "obtain", obtain)
    chosen = [target.load(name) for name in ("trixie-arm64", "trixie-armv7", "trixie-armv6")]
    out = tmp_path / "out"
    building = builds.build_all(project, chosen, out, cache=Cache(tmp_path / "c"), environ=ENVIRON)
    assert next(building).target.name == "trixie-arm64"
    with pytest.raises(WheelError, match="no wheel for trixie-armv7"):
        next(building)
    assert listed(out) == ["guestbook_1.4.2-1+deb13_arm64.deb"]


def test_what_may_be_built_from_source(tmp_path: Path, project: Project, stages: Stages) -> None:
    build(tmp_path, project)
    assert stages.sources == Sources(project.root, "3.13")
    depends = {"cffi": ("libffi-dev",)}
    build(tmp_path, replace(project, sdists="allow", from_source=("lxml",), build_depends=depends))
    assert stages.sources == Sources(project.root, "3.13", ("lxml",), allowed=True, depends=depends)


@pytest.mark.parametrize(
    "targets", [("bookworm-armv7", "trixie-arm64"), ("trixie-arm64", "bookworm-armv7")]
)
def test_what_it_is_built_with_is_for_the_oldest_python(
    tmp_path: Path, project: Project, stages: Stages, targets: tuple[str, ...]
) -> None:
    build(tmp_path, replace(project, targets=targets))
    assert stages.sources
    assert stages.sources.python == "3.11"


def test_without_an_interpreter_there_is_no_bytecode(
    tmp_path: Path, project: Project, stages: Stages, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any(entry.path.endswith(".pyc") for entry in archive.read(build(tmp_path, project).path).entries)
    assert capsys.readouterr().err == ""
    stages.interpreter = None
    assert not any(
        entry.path.endswith(".pyc") for entry in archive.read(build(tmp_path, project).path).entries
    )
    assert "Python 3.13 is not on this machine" in capsys.readouterr().err


def test_the_projects_own_wheel(
    tmp_path: Path, project: Project, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_wheel(
        tmp_path / "wheels", "guestbook", "1.4.2", {"guestbook/__init__.py": b"app = object()"}
    )
    made = Wheel("guestbook", "1.4.2", path.name, "0" * 64, path)
    monkeypatch.setattr(project_wheel, "wheel", lambda *_: made)
    given = sample_project(root=project.root, install="wheel", static={})
    paths = {entry.path for entry in archive.read(build(tmp_path, given).path).entries}
    assert "usr/lib/guestbook/dist/venv/lib/python3.13/site-packages/guestbook/__init__.py" in paths
    assert "usr/lib/guestbook/dist/app" not in paths


def test_an_app_that_is_published(tmp_path: Path, stages: Stages) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    settings = {"from-pypi": "Guest.Book", "wsgi": "book:app", "maintainer": "Ada <ada@example.org>"}
    path = make_wheel(tmp_path / "wheels", "Guest.Book", "2.0", {"book.py": b"app = object()"})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stages.wheels = (Wheel("Guest.Book", "2.0", path.name, digest, path),)
    cache = Cache(tmp_path / "cache")
    found = projects.of(root, root / "debonair.toml", settings)
    made = builds.build(found, TRIXIE, tmp_path / "out", cache=cache, environ={})
    assert made.path.name == "guest-book_2.0-1+deb13_arm64.deb"
    deb = archive.read(made.path, keep=lambda name: name.endswith(("release.json", "web.ini", "copyright")))
    home = "usr/lib/guest-book/dist"
    assert f"{home}/venv/lib/python3.13/site-packages/book.py" in {entry.path for entry in deb.entries}
    release = msgspec.json.decode(deb.contents[f"{home}/release.json"])
    assert (release["epoch"], release["import-path"]) == (1580608922, [])
    assert b"chdir = %(release)/venv\nmodule = book\n" in deb.contents[f"{home}/vassals/web.ini"]


def test_static_files_are_those_of_a_wheel(tmp_path: Path, stages: Stages) -> None:
    settings = {"from-pypi": "b", "wsgi": "b:app", "maintainer": "Ada <a@b>", "static": {"/s/": "b/s"}}
    files = {"b/__init__.py": b"app = object()", "b/s/x.css": b""}
    path = make_wheel(tmp_path / "wheels", "b", "2.0", files)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stages.wheels = (Wheel("b", "2.0", path.name, digest, path),)
    found = projects.of(tmp_path, tmp_path / "debonair.toml", {**settings, "package": "bb"})
    assert build(tmp_path, found).path.name == "bb_2.0-1+deb13_arm64.deb"
    with pytest.raises(ProjectError, match="'static' serves /s/ from 'b/t', but no wheel contains it"):
        build(tmp_path, replace(found, static={"/s/": "b/t"}))


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, project: Project, stages: Stages) -> None:
    path = make_wheel(tmp_path / "wheels", "evil", "1.0", {"../../evil": b""})
    stages.wheels = (Wheel("evil", "1.0", path.name, "0" * 64, path),)
    with pytest.raises(WheelError):
        build(tmp_path, project)
    assert not (tmp_path / "out").exists()


def test_what_was_built_before_stays_if_a_build_fails(
    tmp_path: Path, project: Project, stages: Stages
) -> None:
    made = build(tmp_path, project)
    before = made.path.read_bytes()
    with pytest.raises(MachineError, match="no space left"):
        _write_to_a_full_disk(tmp_path, project)
    assert made.path.read_bytes() == before
    assert listed(tmp_path / "out") == [made.path.name]


def _write_to_a_full_disk(tmp_path: Path, project: Project) -> None:
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.parent == tmp_path / "out":
            write(path, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return write(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        build(tmp_path, project)


def test_a_file_where_the_folder_must_be(tmp_path: Path, project: Project, stages: Stages) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(
        MachineError, match=r"cannot be written: a part of its path is a file, not a folder\."
    ) as caught:
        build(tmp_path, project)
    assert "--out" in caught.value.hint


def test_a_stopwatch_books_each_lap() -> None:
    ticks = iter([10.0, 11.5, 14.0])
    watch = Stopwatch(clock=lambda: next(ticks))
    watch.lap("plan")
    watch.lap("write")
    assert watch.seconds == {"plan": 1.5, "write": 2.5}
