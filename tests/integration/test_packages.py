"""The debs of the examples, for every target, before Debian's own judges."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from debonair import build as builds
from debonair import project as projects
from debonair import target as targets
from debonair.cache import Cache
from debonair.run import run
from debonair.target import Target

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module", params=targets.names())
def target(request: pytest.FixtureRequest) -> Target:
    return targets.load(request.param)


@pytest.fixture(scope="module", params=["guestbook", "hello", "late"])
def deb(request: pytest.FixtureRequest, target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = projects.load(EXAMPLES / request.param)
    out = tmp_path_factory.mktemp("debs")
    return builds.build(project, target, out, cache=Cache.of(os.environ), environ=os.environ).path


def elf_files(deb: Path, into: Path) -> Iterator[tuple[str, ELFFile]]:
    run(["dpkg-deb", "--extract", deb, into])
    for path in sorted(into.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if data.startswith(b"\x7fELF"):
                yield path.name, ELFFile(io.BytesIO(data))


def test_lintian_finds_no_error(deb: Path) -> None:
    judged = run(["lintian", "--allow-root", "--fail-on", "error,warning", deb], check=False)
    assert (judged.status, judged.stdout) == (0, "")


def test_dpkg_reads_it(deb: Path, target: Target) -> None:
    fields = run(["dpkg-deb", "--field", deb, "Package", "Version", "Architecture"]).stdout
    package, _, version = deb.stem.partition("_")
    assert fields == (
        f"Package: {package}\nVersion: {version.rpartition('_')[0]}\nArchitecture: {target.architecture}\n"
    )
    assert version.endswith(f"+deb{target.debian_release}_{target.architecture}")


def test_every_elf_file_is_of_the_right_machine(deb: Path, target: Target, tmp_path: Path) -> None:
    found = dict(elf_files(deb, tmp_path))
    if deb.name.startswith("guestbook"):
        assert any(name.startswith("_speedups.") for name in found)  # MarkupSafe's
    bits = 32 if target.architecture == "armhf" else 64
    for name, elf in found.items():
        assert (elf["e_machine"], elf.elfclass) == (target.elf_machine, bits), name
        if target.architecture == "armhf":
            assert elf["e_flags"] & 0x400, f"{name} is not of the hard-float ABI (ELF for the Arm, 5.2)"


def test_nothing_in_it_is_of_this_machine(deb: Path, target: Target, tmp_path: Path) -> None:
    run(["dpkg-deb", "--extract", deb, tmp_path])
    strangers = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.is_symlink() and str(EXAMPLES).encode() in path.read_bytes()
    ]
    assert strangers == []


def test_the_owners_are_root(deb: Path, tmp_path: Path) -> None:
    run(["dpkg-deb", "--raw-extract", deb, tmp_path / "x"])
    run(["ar", "x", "--output", tmp_path, deb, "data.tar.xz"])
    with tarfile.open(tmp_path / "data.tar.xz") as members:
        owners = {(member.uid, member.gid, member.uname, member.gname) for member in members}
    assert owners == {(0, 0, "root", "root")}
