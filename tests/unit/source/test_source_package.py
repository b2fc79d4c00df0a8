"""Debian source packages: which files they have, and what they say."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from compiler import compile_here
from samples import sample_project
from wheelmaker import make_wheel

from debonair import lock, target
from debonair.deb import dsc
from debonair.deb.tree import Source
from debonair.debian import interpreter as python
from debonair.errors import ProjectError, TargetError
from debonair.host.cache import Cache
from debonair.lock import Lock
from debonair.project import Project
from debonair.source import package as source
from debonair.wheels import Wheel, supply

ENVIRON = {"SOURCE_DATE_EPOCH": "1700000000"}
TRIXIE = [target.load("trixie-arm64"), target.load("trixie-amd64")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A guest book with its lock, and what nobody else is to see."""
    interpreter = compile_here(monkeypatch)
    path = make_wheel(tmp_path / "made", "flask", "3.0", {"flask.py": b"x = 1\n"})
    flask = Wheel("flask", "3.0", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path)
    root = tmp_path / "project"
    (root / "guestbook/static").mkdir(parents=True)
    for name in (
        "guestbook/__init__.py",
        "guestbook/static/x.css",
        ".env",
        "pyproject.toml",
        "pylock.toml",
    ):
        (root / name).write_text("def create_app(): ...\n" if name.endswith(".py") else "")
    (root / "guestbook/link.css").symlink_to("static/x.css")
    project = sample_project(root=root, config_file=root / "pyproject.toml", exclude=(".*", "/py*.toml"))
    monkeypatch.setattr(lock, "ensure", lambda *_, **__: Lock((), project.config_file, "none", "d"))
    monkeypatch.setattr(supply, "obtain", lambda *_, **__: (flask,))
    monkeypatch.setattr(python, "interpreter", lambda *_, **__: interpreter)
    return project


def write(project: Project, tmp_path: Path, targets: list[target.Target] = TRIXIE) -> list[Path]:
    return list(source.write(project, targets, tmp_path / "out", Cache(tmp_path / "cache"), ENVIRON))


def members(path: Path) -> dict[str, bytes]:
    """The files in a tarball, by path."""
    with tarfile.open(path) as archive:
        files = {info.name: archive.extractfile(info) for info in archive if info.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def test_the_files_of_it(project: Project, tmp_path: Path) -> None:
    (written,) = write(project, tmp_path)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "guestbook_1.4.2-1+deb13.debian.tar.xz",
        "guestbook_1.4.2-1+deb13.dsc",
        "guestbook_1.4.2.orig.tar.xz",
    ]
    upstream = tmp_path / "out/guestbook_1.4.2.orig.tar.xz"
    assert sorted(members(upstream)) == [
        f"./guestbook-1.4.2/{name}"
        for name in ("guestbook/__init__.py", "guestbook/static/x.css", "pylock.toml", "pyproject.toml")
    ]
    with tarfile.open(upstream) as archive:
        assert archive.getmember("./guestbook-1.4.2/guestbook/link.css").linkname == "static/x.css"
    debian = members(tmp_path / "out/guestbook_1.4.2-1+deb13.debian.tar.xz")
    assert sorted(debian) == [
        f"./debian/{name}"
        for name in (
            *("changelog", "control", "copyright", "rules", "source/format", "source/include-binaries"),
            *("wheels/flask-3.0-py3-none-any.whl", "wheels/pylock.trixie-amd64.toml"),
            "wheels/pylock.trixie-arm64.toml",
        )
    ]
    assert debian["./debian/source/include-binaries"] == b"debian/wheels/flask-3.0-py3-none-any.whl\n"
    assert written.name == "guestbook_1.4.2-1+deb13.dsc"


@pytest.mark.parametrize("name", ["control", "rules", "changelog"])
def test_what_debian_says(
    name: str, project: Project, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    write(project, tmp_path)
    debian = members(tmp_path / "out/guestbook_1.4.2-1+deb13.debian.tar.xz")
    golden(f"source/{name}", debian[f"./debian/{name}"].decode())


def test_each_suite_has_its_own_and_the_upstream_tarball_is_one(project: Project, tmp_path: Path) -> None:
    (trixie,) = write(project, tmp_path)
    upstream = (tmp_path / "out/guestbook_1.4.2.orig.tar.xz").read_bytes()
    found = write(project, tmp_path, [*TRIXIE, target.load("bookworm-arm64")])
    assert [path.name for path in found] == ["guestbook_1.4.2-1+deb12.dsc", trixie.name]
    assert (tmp_path / "out/guestbook_1.4.2.orig.tar.xz").read_bytes() == upstream


def test_a_project_with_a_debian_of_its_own(project: Project, tmp_path: Path) -> None:
    (project.root / "debian").mkdir()
    (project.root / "debian/control").touch()
    with pytest.raises(
        ProjectError, match=r"has its own debian/, which is already a source package\."
    ) as caught:
        write(project, tmp_path)
    assert "debonair fetch" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_target_that_dpkg_cannot_tell(project: Project, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="not for trixie-armv6"):
        write(project, tmp_path, [target.load("trixie-armv6")])


def test_of_what_a_backend_builds_it_has_what_that_sees(project: Project) -> None:
    (project.root / ".gitignore").touch()
    (project.root / "setup.cfg").touch()
    found = source.upstream(sample_project(root=project.root, install="wheel"), "x", 1)
    assert [each.path for each in found] == [
        f"x/{name}"
        for name in (
            *(".gitignore", "guestbook/__init__.py", "guestbook/link.css", "guestbook/static/x.css"),
            *("pylock.toml", "pyproject.toml", "setup.cfg"),
        )
    ]


def test_of_what_is_published_it_has_the_settings_and_the_lock(project: Project) -> None:
    found = source.upstream(sample_project(root=project.root, install="index"), "x", 1)
    assert [each.path for each in found] == ["x/pylock.toml", "x/pyproject.toml"]


def test_the_dsc(golden: Callable[[str, str], None]) -> None:
    fields = {"Source": "x", "Homepage": "", "Package-List": "\nx deb web optional arch=any"}
    golden("source/dsc", dsc.text(fields, {"b.tar.xz": b"2", "a.tar.xz": b"1"}))


def test_a_tarball_has_the_folders_above_its_files() -> None:
    data = dsc.tarball([Source.file("a/b/c", b"1", mtime=2)], mtime=1)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [(info.name, info.mtime) for info in archive] == [("./a", 1), ("./a/b", 1), ("./a/b/c", 2)]
    assert data == dsc.tarball([Source.file("a/b/c", b"1", mtime=2)], mtime=1)
