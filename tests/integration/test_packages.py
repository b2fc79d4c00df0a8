"""The debs of the examples, for every target, before Debian's own judges."""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from debonair import build as builds
from debonair import project as projects
from debonair import target as targets
from debonair.errors import WheelError
from debonair.host.cache import Cache
from debonair.host.run import run
from debonair.target import Target, compatibility

DEBONAIR = (sys.executable, "-m", "debonair")
EXAMPLES = Path(__file__).parents[2] / "examples"


BUILT = [
    (example, name)
    for name in targets.names()
    for example in ("guestbook", "hello", "late")
    if example != "late" or not name.endswith("-armv6")  # MarkupSafe has no wheel for that
]


def built(example: str, target: Target, out: Path) -> Path:
    project = projects.load(EXAMPLES / example)
    return builds.build(project, target, out, cache=Cache.of(os.environ), environ=os.environ).path


@pytest.fixture(scope="module", params=BUILT, ids="-".join)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Target]:
    example, name = request.param
    target = targets.load(name)
    return built(example, target, tmp_path_factory.mktemp("debs")), target


@pytest.fixture(scope="module")
def deb(both: tuple[Path, Target]) -> Path:
    return both[0]


@pytest.fixture(scope="module")
def target(both: tuple[Path, Target]) -> Target:
    return both[1]


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
    variant = f"~{target.variant}" if target.variant else ""
    assert version.endswith(f"+deb{target.debian_release}{variant}_{target.architecture}")


def test_every_elf_file_is_of_the_right_machine(deb: Path, target: Target, tmp_path: Path) -> None:
    found = dict(elf_files(deb, tmp_path))
    if deb.name.startswith("guestbook"):
        # MarkupSafe's, which does without for ARMv6
        assert any(name.startswith("_speedups.") for name in found) is not bool(target.variant)
    bits = 32 if target.architecture == "armhf" else 64
    for name, elf in found.items():
        assert (elf["e_machine"], elf.elfclass) == (target.elf_machine, bits), name
        if target.architecture == "armhf":
            assert elf["e_flags"] & 0x400, f"{name} is not of the hard-float ABI (ELF for the Arm, 5.2)"


def test_debonair_itself_finds_it_fit(deb: Path, target: Target, tmp_path: Path) -> None:
    report = compatibility.check(deb)
    assert (report.where, report.problems) == (target.name, ())
    assert report.compiled == len(list(elf_files(deb, tmp_path)))


def test_one_command_builds_for_every_target(tmp_path: Path) -> None:
    words = [word for name in targets.names() for word in ("--target", name)]
    project = EXAMPLES / "guestbook"
    made = run([*DEBONAIR, "build", project, *words, "--out", tmp_path])
    debs = sorted(tmp_path.glob("*.deb"))
    assert len(debs) == len(targets.names()) == len(made.stdout.splitlines())
    assert re.search(rf"^{len(debs)} packages in [\d.]+ s$", made.stderr, re.MULTILINE)
    judged = run([*DEBONAIR, "check", *debs]).stdout.splitlines()
    assert sorted(line.rpartition(" ")[2] for line in judged) == targets.names()


def test_a_wheel_for_a_later_arm_is_refused_for_the_first_pi(tmp_path: Path) -> None:
    deb = built("guestbook", targets.load("trixie-armv7"), tmp_path)
    (problem,) = compatibility.check(deb, targets.load("trixie-armv6")).problems
    assert problem.origin.startswith("markupsafe 3")
    assert problem.what == "is for ARMv7, but trixie-armv6 has ARMv6"
    with pytest.raises(WheelError, match="no wheel for trixie-armv6 of:\n  markupsafe 3"):
        built("late", targets.load("trixie-armv6"), tmp_path)


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
