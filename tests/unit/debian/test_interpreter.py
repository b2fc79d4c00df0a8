"""Which Python compiles the bytecode."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from programs import Programs, stand_in

from debonair.debian.apt import Suite
from debonair.debian.interpreter import Interpreter, complete, interpreter
from debonair.debian.mirror import Mirror
from debonair.errors import NetworkError
from debonair.host.cache import Cache


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(shutil, "which", lambda name, path: path and str(folder / name))
    monkeypatch.setattr(sys, "executable", "")
    return folder


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = stand_in(monkeypatch)
    made.answer("print", status=127)
    made.answer("dpkg --print-architecture", "amd64")
    made.answer("dpkg-deb --extract", do=lambda words: unpacked(Path(words[-1])))
    monkeypatch.setattr("debonair.debian.mirror.mirror", lambda environ: Mirror("http://m.test"))
    return made


@pytest.fixture
def debs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What the suite has; empty while there is no network."""
    found: list[Path] = []

    def fetch(suite: Suite, wanted: list[str], *, status: Path) -> tuple[Path, ...]:
        assert wanted in (["python3.13-minimal"], ["python3.13"])
        assert (suite.name, status.read_text()) == ("trixie", "")
        if not found:
            raise NetworkError("no network")
        return tuple(found)

    monkeypatch.setattr(Suite, "fetch", fetch)
    return found


def unpacked(folder: Path) -> None:
    for name in ("usr/lib/x/ld-linux-x86-64.so.2", "usr/lib/x/libc.so.6", "usr/bin/python3.13"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def here(programs: Programs, bin_: Path, release: str = "3.13.5", name: str = "cpython") -> Path:
    program = bin_ / "python3.13"
    program.touch()
    programs.answer("^[^ ]*/bin/python3.13 -I", f"{name} {release} {program}\n")
    return program


def found(tmp_path: Path, version: str = "3.13") -> Interpreter | None:
    return interpreter(version, cache=Cache(tmp_path / "cache"), environ={"PATH": "/x"})


def test_the_suites_own_release_on_this_machine(programs: Programs, bin_: Path, tmp_path: Path) -> None:
    program = here(programs, bin_)
    assert found(tmp_path) == Interpreter((str(program),), "3.13.5")

    asked = len(programs.asked)
    assert found(tmp_path) == Interpreter((str(program),), "3.13.5")
    assert len(programs.asked) == asked, "it is remembered"
    program.write_text("another")
    found(tmp_path)
    assert len(programs.asked) > asked, "as long as it is the same program"


def test_a_shim_is_seen_through(programs: Programs, bin_: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.touch()
    programs.answer("python3.13 -I", f"cpython 3.13.5 {real}\n")
    assert bin_.is_dir()
    assert found(tmp_path) == Interpreter((str(real),), "3.13.5")


def test_the_suites_packages(
    programs: Programs, bin_: Path, tmp_path: Path, debs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    here(programs, bin_, "3.13.0")
    debs += [Path("/a/libc6_2.41_amd64.deb"), Path("/a/python3.13-minimal_3.13.5_amd64.deb")]
    programs.answer("ld-linux", "cpython 3.13.5 x\n")
    chosen = found(tmp_path)
    assert chosen is not None
    loader, option, libraries, program = chosen.argv
    assert (Path(loader).name, option, Path(program).name) == (
        "ld-linux-x86-64.so.2",
        "--library-path",
        "python3.13",
    )
    assert libraries == str(Path(loader).parent)
    assert chosen.identity == "3.13.5"
    assert capsys.readouterr().err == ""
    assert found(tmp_path) == chosen


def test_another_release_is_the_last_resort_and_said(
    programs: Programs, bin_: Path, tmp_path: Path, debs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert debs == []
    program = here(programs, bin_, "3.13.0")
    assert found(tmp_path) == Interpreter((str(program),), "3.13.0")
    assert (
        "Python 3.13.0 of this machine compiles the bytecode, because 3.13.5 could not be downloaded: "
        "a build elsewhere may give other bytes."
    ) in capsys.readouterr().err
    debs.append(Path("/a/python3.13-minimal_3.13.5_amd64.deb"))
    programs.answer("ld-linux", "cpython 3.13.5 x\n")
    second = found(tmp_path)
    assert second is not None
    assert second.identity == "3.13.5", "and not remembered"


def test_a_version_of_no_suite(
    programs: Programs, bin_: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bin_.is_dir()
    assert found(tmp_path, "3.99") is None
    (tmp_path / "p").touch()
    programs.answer("python3.99 -I", f"cpython 3.99.1 {tmp_path}/p\n")
    assert found(tmp_path, "3.99") is not None
    assert (
        "of this machine compiles the bytecode, because a suite with 3.99 could not be downloaded: a "
        "build elsewhere may give other bytes."
    ) in capsys.readouterr().err


@pytest.mark.parametrize("told", ["pypy 3.13.5", "cpython 3.12.1"])
def test_another_python_is_none(
    programs: Programs, bin_: Path, tmp_path: Path, debs: list[Path], told: str
) -> None:
    assert debs == []
    name, _, release = told.partition(" ")
    here(programs, bin_, release, name)
    assert found(tmp_path) is None


def test_packages_that_do_not_run_here(
    programs: Programs, bin_: Path, tmp_path: Path, debs: list[Path]
) -> None:
    assert bin_.is_dir()
    debs.append(Path("/a/python3.13-minimal_3.13.5_amd64.deb"))
    programs.answer("dpkg-deb --extract", do=lambda words: None)
    assert found(tmp_path) is None


def test_packages_half_unpacked_are_none(
    programs: Programs, bin_: Path, tmp_path: Path, debs: list[Path]
) -> None:
    assert bin_.is_dir()
    debs.append(Path("/a/python3.13-minimal_3.13.5_amd64.deb"))
    programs.answer("dpkg-deb --extract", status=2, do=lambda words: unpacked(Path(words[-1])))
    assert found(tmp_path) is None
    pythons = tmp_path / "cache/pythons"
    assert not list(pythons.glob("*trixie*"))

    name = hashlib.sha256(b"python3.13-minimal_3.13.5_amd64.deb").hexdigest()[:12]
    killed = pythons / f".trixie-amd64-{name}.abc"
    killed.mkdir()
    programs.answer("dpkg-deb --extract", do=lambda words: unpacked(Path(words[-1])))
    programs.answer("ld-linux", "cpython 3.13.5 x\n")
    assert found(tmp_path) is not None
    assert not killed.exists()


class TestComplete:
    """One that has all of its standard library."""

    @staticmethod
    def found(tmp_path: Path) -> Interpreter | None:
        return complete("3.13", cache=Cache(tmp_path / "cache"), environ={"PATH": "/x"})

    def test_any_release_on_this_machine_will_do(
        self, programs: Programs, bin_: Path, tmp_path: Path
    ) -> None:
        program = here(programs, bin_, "3.13.0")
        assert self.found(tmp_path) == Interpreter((str(program),), "3.13.0")
        asked = len(programs.asked)
        assert self.found(tmp_path) == Interpreter((str(program),), "3.13.0")
        assert len(programs.asked) == asked, "it is remembered"

    def test_else_the_suites(
        self, programs: Programs, bin_: Path, tmp_path: Path, debs: list[Path]
    ) -> None:
        here(programs, bin_, "3.13.5")
        programs.answer("^[^ ]*/bin/python3.13 .*import sqlite3", status=1)
        assert self.found(tmp_path) is None
        debs.append(Path("/a/python3.13_3.13.5_amd64.deb"))
        programs.answer("ld-linux", "cpython 3.13.5 x\n")
        found = self.found(tmp_path)
        assert found is not None
        assert Path(found.argv[0]).name == "ld-linux-x86-64.so.2"
