from __future__ import annotations

import marshal
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from compiler import compile_here
from samples import sample_project

from debonair import target
from debonair.errors import ProjectError
from debonair.project import Project, settings
from debonair.tree import app_files

TRIXIE = target.load("trixie-arm64")
TIME = 1_700_000_000


def make(root: Path, files: Mapping[str, bytes] | list[str]) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name] if isinstance(files, Mapping) else b"")


def project(
    root: Path, *, include: tuple[str, ...] = ("*",), exclude: tuple[str, ...] | None = None
) -> Project:
    if exclude is None:
        exclude = tuple(settings.defaults()["exclude"])
    return sample_project(root=root, config_file=root / "pyproject.toml", include=include, exclude=exclude)


def paths(found: tuple[app_files.AppFile, ...]) -> list[str]:
    return [file.path for file in found]


class TestCollect:
    def test_the_default_takes_the_app_and_leaves_the_rest(self, tmp_path: Path) -> None:
        kept = ["app.py", "guestbook/__init__.py", "guestbook/static/style.css", "guestbook/tests/x.py"]
        left = [
            ".git/config", ".env", "guestbook/.DS_Store", "guestbook/__pycache__/x.pyc", "old.pyc",
            "guestbook.egg-info/PKG-INFO", "build/x", "dist/x.deb", "venv/bin/python", "tests/test_x.py",
            "instance/guestbook.sqlite", "pyproject.toml", "pylock.toml", "uv.lock", "uv.toml",
            "requirements.txt", "requirements-dev.in", "guestbook/data.db", "Makefile",
        ]  # fmt: skip
        make(tmp_path, kept + left)
        assert paths(app_files.collect(project(tmp_path))) == sorted(kept)

    def test_include_chooses_and_exclude_goes_before_it(self, tmp_path: Path) -> None:
        make(tmp_path, ["a/x.py", "a/y.txt", "b/x.py", "c.py"])
        found = app_files.collect(project(tmp_path, include=("a", "/c.py"), exclude=("*.txt",)))
        assert paths(found) == ["a/x.py", "c.py"]

    def test_an_exclusion_may_be_taken_back(self, tmp_path: Path) -> None:
        make(tmp_path, ["a.db", "keep.db", "x.py"])
        found = app_files.collect(project(tmp_path, exclude=("*.db", "!keep.db")))
        assert paths(found) == ["keep.db", "x.py"]

    def test_an_excluded_folder_is_not_entered(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(tmp_path, ["venv/deep/x.py", "app.py"])
        entered: list[str] = []
        scandir = os.scandir

        def enter(path: Path) -> object:
            entered.append(str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", enter)
        app_files.collect(project(tmp_path))
        assert entered == [str(tmp_path)]

    @pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
    def test_modes_are_those_of_git(self, umask: int, tmp_path: Path) -> None:
        before = os.umask(umask)
        try:
            make(tmp_path, {"plain": b"1", "tool": b"2"})
        finally:
            os.umask(before)
        (tmp_path / "tool").chmod((tmp_path / "tool").stat().st_mode | 0o4100)
        assert app_files.collect(project(tmp_path)) == (
            app_files.AppFile("plain", 0o644, b"1"),
            app_files.AppFile("tool", 0o755, b"2"),
        )

    def test_links_inside_are_kept(self, tmp_path: Path) -> None:
        make(tmp_path, ["a/b/x", "c/y"])
        (tmp_path / "a/b/up").symlink_to("../../c/y")
        (tmp_path / "folder").symlink_to("a")
        found = app_files.collect(project(tmp_path))
        assert paths(found) == ["a/b/up", "a/b/x", "c/y", "folder"]
        assert found[0] == app_files.AppFile("a/b/up", 0o777, target="../../c/y")
        assert found[3].target == "a"

    @pytest.mark.parametrize("leads", ["../outside", "/etc/passwd", "none", "a/../../outside", "loop"])
    def test_links_that_leave_are_refused(self, leads: str, tmp_path: Path) -> None:
        make(tmp_path, ["outside", "root/a/x"])
        (tmp_path / "root/loop").symlink_to(leads)
        with pytest.raises(ProjectError, match="which is not in the project") as caught:
            app_files.collect(project(tmp_path / "root"))
        assert str(tmp_path / "root/loop") in caught.value.message
        assert leads in caught.value.message
        assert "exclude" in caught.value.hint

    def test_an_absolute_link_is_refused_even_inside(self, tmp_path: Path) -> None:
        make(tmp_path, ["x"])
        (tmp_path / "link").symlink_to(tmp_path / "x")
        with pytest.raises(ProjectError, match="not in the project"):
            app_files.collect(project(tmp_path))

    def test_a_link_through_a_linked_folder_to_the_project(self, tmp_path: Path) -> None:
        make(tmp_path, ["real/x"])
        (tmp_path / "real/link").symlink_to("x")
        (tmp_path / "alias").symlink_to("real")
        assert paths(app_files.collect(project(tmp_path / "alias"))) == ["link", "x"]

    def test_a_pipe_is_refused(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ProjectError, match="neither a file nor a folder"):
            app_files.collect(project(tmp_path))

    def test_a_file_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path, ["secret"])

        def deny(_: Path) -> bytes:
            raise PermissionError(13, "denied")

        monkeypatch.setattr(Path, "read_bytes", deny)
        with pytest.raises(ProjectError, match=r"secret is not readable\."):
            app_files.collect(project(tmp_path))

    def test_a_folder_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make(tmp_path, ["open/x", "shut/x"])
        scandir = os.scandir

        def deny(path: Path) -> object:
            if str(path).rstrip("/").endswith("shut"):
                raise PermissionError(13, "denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", deny)
        with pytest.raises(ProjectError, match=r"shut is not readable\."):
            app_files.collect(project(tmp_path))
        assert paths(app_files.collect(project(tmp_path, exclude=("shut",)))) == ["open/x"]

    def test_nothing_left_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, ["x.txt"])
        with pytest.raises(ProjectError, match=r"'include' and 'exclude' leave no file"):
            app_files.collect(project(tmp_path, include=("*.py",)))


class TestSources:
    FILES = (
        app_files.AppFile("src/guestbook/__init__.py", 0o644, b"x = 1\n"),
        app_files.AppFile("src/link.py", 0o777, target="guestbook/__init__.py"),
        app_files.AppFile("tool", 0o755, b"#!/bin/sh\n"),
    )

    def test_where_they_lie(self, tmp_path: Path) -> None:
        found = app_files.sources(self.FILES, project(tmp_path), TRIXIE, None, mtime=TIME)
        root = "usr/lib/guestbook/dist/app"
        assert [(source.path, source.kind, source.mode, source.target) for source in found] == [
            (f"{root}/src/guestbook/__init__.py", "file", 0o644, ""),
            (f"{root}/src/link.py", "link", 0o777, "guestbook/__init__.py"),
            (f"{root}/tool", "file", 0o755, ""),
        ]
        assert {source.mtime for source in found} == {TIME}

    def test_modules_have_bytecode_for_where_they_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = app_files.sources(
            self.FILES, project(tmp_path), TRIXIE, compile_here(monkeypatch), mtime=TIME
        )
        (compiled,) = found[3:]
        assert compiled.path == (
            "usr/lib/guestbook/dist/app/src/guestbook/__pycache__/__init__.cpython-313.pyc"
        )
        assert (compiled.mode, compiled.mtime) == (0o644, TIME)
        code = marshal.loads(compiled.data[16:])
        assert code.co_filename == "/usr/lib/guestbook/current/app/src/guestbook/__init__.py"
