"""The folder of wheels that a clean root builds from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from samples import sample_project
from wheelmaker import make_wheel

from debonair import target
from debonair.deb.control import Control
from debonair.deb.tree import Tree
from debonair.errors import LockError, WheelError
from debonair.host.cache import Cache
from debonair.lock import Lock, build_tools
from debonair.project import Project
from debonair.source import wheelhouse
from debonair.source.wheelhouse import Wheelhouse
from debonair.target import Target
from debonair.tree import Plan
from debonair.wheels import Wheel

TRIXIE, BOOKWORM = target.load("trixie-arm64"), target.load("bookworm-arm64")
CONTROL = Control("guestbook", "1.0-1", "arm64", "Ada <ada@example.org>", "guest book")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pylock.toml").write_text("lock")
    return sample_project(root=root, config_file=root / "pyproject.toml", requirements=("flask",))


def wheel(tmp_path: Path, name: str, version: str = "1.0") -> Wheel:
    path = make_wheel(tmp_path / "made", name, version, {f"{name}.py": b"x = 1\n"})
    return Wheel(name, version, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path)


def plan(*wheels: Wheel, libraries: tuple[str, ...] = ()) -> Plan:
    return Plan(CONTROL, Tree(()), {}, 1, libraries, wheels)


def fill(tmp_path: Path, project: Project, plans: dict[Target, Plan]) -> list[str]:
    folder = project.root / wheelhouse.FOLDER
    laid = wheelhouse.fill(folder, project, plans, Cache(tmp_path / "cache"), {})
    assert {path.parent for path in laid} == {folder}
    return [path.name for path in laid]


def kept(project: Project) -> Wheelhouse:
    return Wheelhouse.of(project, project.root / wheelhouse.FOLDER, {"A": "1", "UV_INDEX_URL": "x"})


def test_what_is_put_there_is_found_there(tmp_path: Path, project: Project) -> None:
    flask, zlib = wheel(tmp_path, "flask"), wheel(tmp_path, "zlibx")
    laid = fill(
        tmp_path, project, {TRIXIE: plan(flask, zlib, libraries=("zlib1g",)), BOOKWORM: plan(flask)}
    )
    assert laid == [
        flask.filename,
        "pylock.bookworm-arm64.toml",
        "pylock.trixie-arm64.toml",
        zlib.filename,
    ]
    found = kept(project)
    names = [(each.name, each.version, each.sha256) for each in found.wheels(TRIXIE)]
    assert names == [("flask", "1.0", flask.sha256), ("zlibx", "1.0", zlib.sha256)]
    assert all(each.path.parent == project.root / wheelhouse.FOLDER for each in found.wheels(TRIXIE))
    assert (found.libraries(TRIXIE), found.libraries(BOOKWORM)) == (("zlib1g",), ())
    assert found.times() == []


def test_nothing_is_asked_of_an_index(project: Project) -> None:
    environ = kept(project).environ
    assert environ["A"] == "1"
    assert (environ["UV_OFFLINE"], environ["UV_NO_INDEX"]) == ("1", "1")
    assert environ["UV_FIND_LINKS"] == str(project.root / wheelhouse.FOLDER)


def test_what_nothing_names_any_more_goes(tmp_path: Path, project: Project) -> None:
    fill(tmp_path, project, {TRIXIE: plan(wheel(tmp_path, "flask"))})
    (project.root / wheelhouse.FOLDER / "README").write_text("mine")
    fill(tmp_path, project, {TRIXIE: plan(wheel(tmp_path, "flask", "2.0"))})
    assert sorted(path.name for path in (project.root / wheelhouse.FOLDER).iterdir()) == [
        ".fetched-by-debonair",
        "README",
        "flask-2.0-py3-none-any.whl",
        "pylock.trixie-arm64.toml",
    ]


def test_what_the_project_is_built_with(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_with = wheel(tmp_path, "setuptools")
    asked = list[object]()

    def locked(file: Path, requires: tuple[str, ...], python: str, *_: object, **__: object) -> object:
        asked.extend([requires, python, file.name])
        return requires, Lock((), file, "pylock.toml", "")

    monkeypatch.setattr(build_tools, "locked", locked)
    monkeypatch.setattr(wheelhouse, "obtain", lambda *_: (built_with,))
    own = replace(project, install="wheel")
    laid = fill(tmp_path, own, {TRIXIE: plan(), BOOKWORM: plan()})
    assert asked == [("setuptools>=40.8.0",), "3.11", "pylock.build-guestbook.toml"]
    assert {"pylock.backend.toml", built_with.filename} <= set(laid)
    (found,) = kept(project).tools()
    assert (found.name, found.version, found.sha256) == ("setuptools", "1.0", built_with.sha256)
    assert found.path == project.root / wheelhouse.FOLDER / built_with.filename


def test_a_project_that_is_built_with_nothing(tmp_path: Path, project: Project) -> None:
    (project.root / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    laid = fill(tmp_path, replace(project, install="wheel"), {TRIXIE: plan()})
    assert "pylock.backend.toml" in laid
    assert kept(project).tools() == ()


def test_of_several_versions_that_for_this_python_is_taken(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shelf for two suites has the backend of each, and does not say which is for which."""
    made = [
        make_wheel(tmp_path / "made", "setuptools", version, {}, says=says)
        for version, says in (("1.0", ""), ("9.0", ""), ("10.0", "Requires-Python: >=99\n"))
    ]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in made]
    every = tuple(
        Wheel("setuptools", path.name.split("-")[1], path.name, digest, path)
        for path, digest in zip(made, digests, strict=True)
    )
    monkeypatch.setattr(build_tools, "locked", lambda file, requires, *_, **__: (requires, None))
    monkeypatch.setattr(wheelhouse, "obtain", lambda *_: every)
    fill(tmp_path, replace(project, install="wheel"), {TRIXIE: plan()})
    (found,) = kept(project).tools()
    assert found.version == "9.0"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("target", r"wheels has no wheels for bookworm-arm64"),
        ("requirements", "was written for other requirements or another lock than the project's."),
        ("constraints", "was written for other requirements or another lock than the project's."),
        ("lock", "was written for other requirements or another lock than the project's."),
        ("toml", r"pylock\.trixie-arm64\.toml is not valid"),
        ("foreign", r"pylock\.trixie-arm64\.toml is not valid"),
    ],
)
def test_a_shelf_that_is_of_no_use(spoil: str, message: str, tmp_path: Path, project: Project) -> None:
    fill(tmp_path, project, {TRIXIE: plan(wheel(tmp_path, "flask"))})
    lock = project.root / wheelhouse.FOLDER / "pylock.trixie-arm64.toml"
    if spoil == "requirements":
        project = replace(project, requirements=("flask>=3",))
    elif spoil == "constraints":
        project = replace(project, constraints=("flask<4",))
    elif spoil == "lock":
        (project.root / "pylock.toml").write_text("another")
    elif spoil == "toml":
        lock.write_text("[")
    elif spoil == "foreign":
        lock.write_text('lock-version = "1.0"\n')
    with pytest.raises(LockError, match=message) as caught:
        kept(project).wheels(BOOKWORM if spoil == "target" else TRIXIE)
    assert "debonair fetch" in caught.value.hint


def test_wheels_that_are_not_what_was_fetched(tmp_path: Path, project: Project) -> None:
    flask = wheel(tmp_path, "flask")
    fill(tmp_path, project, {TRIXIE: plan(flask)})
    there = project.root / wheelhouse.FOLDER / flask.filename
    there.write_bytes(b"other")
    with pytest.raises(WheelError, match="has another sha256"):
        kept(project).wheels(TRIXIE)
    there.unlink()
    with pytest.raises(WheelError, match=r"names flask.*, which is not in its folder"):
        kept(project).wheels(TRIXIE)


def test_dpkg_source_may_pack_them(project: Project) -> None:
    debian = project.root / "debian"
    (debian / "wheels").mkdir(parents=True)
    for name in ("flask-1.0-py3-none-any.whl", "pylock.trixie-arm64.toml"):
        (debian / "wheels" / name).touch()
    wheelhouse.allow(project.root, debian / "wheels")
    assert not (debian / "source").exists(), "there is no source package"
    (debian / "source").mkdir()
    listed = debian / "source/include-binaries"
    listed.write_text("debian/logo.png\ndebian/wheels/flask-0.9-py3-none-any.whl\n")
    for _ in range(2):
        wheelhouse.allow(project.root, debian / "wheels")
        assert listed.read_text() == "debian/logo.png\ndebian/wheels/flask-1.0-py3-none-any.whl\n"
    (project.root / "wheels").mkdir()
    (project.root / "wheels/flask-2.0-py3-none-any.whl").touch()
    wheelhouse.allow(project.root, project.root / "wheels")
    assert "2.0" not in listed.read_text()


class TestWhatLiesThere:
    """``fetch --out`` may name any folder, such as one with wheels of one's own."""

    def test_what_an_earlier_run_has_put_there_goes(self, tmp_path: Path, project: Project) -> None:
        old, new = wheel(tmp_path, "flask"), wheel(tmp_path, "flask", "2.0")
        fill(tmp_path, project, {TRIXIE: plan(old)})
        fill(tmp_path, project, {TRIXIE: plan(new)})
        folder = project.root / wheelhouse.FOLDER
        assert [path.name for path in folder.glob("*.whl")] == [new.filename]

    def test_what_others_have_put_there_stays(self, tmp_path: Path, project: Project) -> None:
        folder = project.root / wheelhouse.FOLDER
        mine = [make_wheel(folder, "mine", version, {}) for version in ("1.0", "2.0")]
        flask = wheel(tmp_path, "flask")
        fill(tmp_path, project, {TRIXIE: plan(flask)})
        fill(tmp_path, project, {TRIXIE: plan()})
        assert all(path.is_file() for path in mine)
        assert not (folder / flask.filename).exists()

    def test_also_what_a_lock_has_named_for_a_while(self, tmp_path: Path, project: Project) -> None:
        """A wheel of one's own in a folder that find-links names is both found and meant there."""
        folder = project.root / wheelhouse.FOLDER
        mine = wheel(tmp_path, "mine")
        folder.mkdir(parents=True)
        (folder / mine.filename).write_bytes(mine.path.read_bytes())
        fill(tmp_path, project, {TRIXIE: plan(mine)})
        fill(tmp_path, project, {TRIXIE: plan()})
        assert (folder / mine.filename).is_file()

    def test_also_what_has_taken_the_place_of_what_was_put_there(
        self, tmp_path: Path, project: Project
    ) -> None:
        folder = project.root / wheelhouse.FOLDER
        flask = wheel(tmp_path, "flask")
        fill(tmp_path, project, {TRIXIE: plan(flask)})
        (folder / flask.filename).write_bytes(b"mine")
        with pytest.raises(WheelError, match="already exists, and is not the downloaded file") as caught:
            fill(tmp_path, project, {TRIXIE: plan(flask)})
        assert "--out" in caught.value.hint
        fill(tmp_path, project, {TRIXIE: plan()})
        assert (folder / flask.filename).read_bytes() == b"mine"

    @pytest.mark.parametrize(
        "record", [b"\xff\xfe", b"0" * 64 + b"  ../../precious.whl\n", b"precious.whl\n", b"\n"]
    )
    def test_a_record_that_somebody_wrote_leads_nowhere(
        self, tmp_path: Path, project: Project, record: bytes
    ) -> None:
        folder = project.root / wheelhouse.FOLDER
        folder.mkdir(parents=True)
        precious = [project.root / "precious.whl", folder / "precious.whl"]
        for path in precious:
            path.write_bytes(b"")
        digest = hashlib.sha256(b"").hexdigest().encode()
        (folder / ".fetched-by-debonair").write_bytes(record.replace(b"0" * 64, digest))
        fill(tmp_path, project, {TRIXIE: plan()})
        assert all(path.is_file() for path in precious)
