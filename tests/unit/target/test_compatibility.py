from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from elfmaker import make_elf

from debonair import target
from debonair.deb import archive, tree
from debonair.deb.control import Control
from debonair.deb.tree import Source
from debonair.errors import PackageError, WheelError
from debonair.target import alternatives, compatibility, elf
from debonair.target.compatibility import Problem
from debonair.target.elf import Elf

ARMHF = "/lib/ld-linux-armhf.so.3"
PATH = "usr/lib/app/dist/venv/lib/python3.13/site-packages/thing/_fast.so"


def found(target_name: str, machine: str = "aarch64", **given: Any) -> list[str]:
    """Return what is wrong with a library of this kind on a target."""
    file = elf.read(PATH, make_elf(machine, **given))
    return [problem.what for problem in compatibility.judge("thing 1.0", [file], target.load(target_name))]


@pytest.mark.parametrize(
    ("name", "machine"), [("trixie-arm64", "aarch64"), ("trixie-amd64", "x86-64"), ("trixie-armv7", "arm")]
)
def test_what_is_for_the_target_runs_there(name: str, machine: str) -> None:
    assert found(name, machine, glibc=("GLIBC_2.34",), runpath="$ORIGIN/../thing.libs") == []


def test_another_machine() -> None:
    assert found("trixie-arm64", "x86-64") == [
        "is for EM_X86_64 (64 bits), but trixie-arm64 is EM_AARCH64 (64 bits)"
    ]


@pytest.mark.parametrize(
    ("name", "cpu", "runs"),
    [
        *[("trixie-armv6", cpu, True) for cpu in (4, 6, 7, 9)],
        *[("bookworm-armv6", cpu, False) for cpu in (8, 10, 13, 14, 99)],
        *[("trixie-armv7", cpu, True) for cpu in (6, 8, 10)],
        ("trixie-armv7", 14, False),
    ],
)
def test_the_instruction_set_of_arm(name: str, cpu: int, *, runs: bool) -> None:
    assert (found(name, "arm", cpu=cpu) == []) is runs


def test_the_instruction_sets_are_named() -> None:
    assert found("trixie-armv6", "arm", cpu=10) == ["is for ARMv7, but trixie-armv6 has ARMv6"]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"flags": 0x05000200}, "uses soft floats (armel), but bookworm-armv7 is armhf"),
        ({"glibc": ("GLIBC_2.4", "GLIBC_2.38")}, "needs glibc 2.38, but bookworm has 2.36"),
        (
            {"interpreter": "/lib/ld-linux.so.3"},
            f"needs the dynamic linker /lib/ld-linux.so.3, but bookworm-armv7 has {ARMHF}",
        ),
        ({"runpath": "/tmp/x/lib"}, "looks for libraries in /tmp/x/lib, which is not in the package"),
        ({"runpath": "lib"}, "looks for libraries in lib, which is not in the package"),
        (
            {"runpath": "/opt/lib", "needed": ("libx.so",)},
            "looks for libraries in /opt/lib, which is not in the package",
        ),
        (
            {"runpath": "$ORIGIN/../../../../../../../../lib", "needed": ("libx.so",)},
            "looks for libraries in $ORIGIN/../../../../../../../../lib, which is not in the package",
        ),
    ],
)
def test_what_else_keeps_it_from_running(given: dict[str, Any], what: str) -> None:
    assert found("bookworm-armv7", "arm", **given) == [what]


def test_versions_are_numbers() -> None:
    assert found("bookworm-armv7", "arm", glibc=("GLIBC_2.4", "GLIBC_2.9")) == []


def test_what_is_refused_names_package_file_and_a_way_out() -> None:
    problems = list(
        compatibility.judge(
            "thing 1.0", [elf.read(PATH, make_elf("arm", cpu=10))], target.load("trixie-armv6")
        )
    )
    with pytest.raises(WheelError) as refused:
        compatibility.refuse(problems, target.load("trixie-armv6"))
    assert refused.value.message == (
        "The built files would not run on trixie-armv6:\n"
        f"  thing 1.0: /{PATH} is for ARMv7, but trixie-armv6 has ARMv6"
    )
    assert "Lock another version of thing 1.0" in refused.value.hint
    assert refused.value.hint.endswith('waive = ["thing"]')
    compatibility.refuse([], target.load("trixie-armv6"))


def test_for_what_is_the_apps_own_another_way_out_is_named() -> None:
    problem = Problem(compatibility.APP, "usr/lib/app/dist/app/x.so", "is odd")
    with pytest.raises(WheelError) as refused:
        compatibility.refuse([problem], target.load("trixie-armv6"))
    assert refused.value.hint == "Exclude the file with 'exclude', or remove the target from 'targets'."
    assert compatibility.waived([problem], ["the", "the app", "the-app"]) == [problem]


def test_what_is_waived_is_known_by_any_spelling() -> None:
    one, two = Problem("Thing.Fast 1.0", "x", "is odd"), Problem("other 2", "y", "is odd")
    assert compatibility.waived([one, two], ["thing_fast"]) == [two]


class TestDeb:
    def deb(self, folder: Path, files: dict[str, bytes], **fields: str) -> Path:
        values: dict[str, Any] = {
            "package": "app",
            "version": "1.0-1+deb13",
            "architecture": "armhf",
            "maintainer": "A <a@example.org>",
            "synopsis": "thing",
            "description": "A thing.",
            "section": "web",
        }
        plan = tree.assemble(
            [tree.layer("x", [Source.file(path, data, mtime=0) for path, data in files.items()])], mtime=0
        )
        path = folder / "app.deb"
        path.write_bytes(archive.write(Control(**{**values, **fields}), plan, {}, mtime=0))
        return path

    def test_one_that_says_what_it_is_for(self, tmp_path: Path) -> None:
        record = PATH.replace("thing/_fast.so", "thing-1.0.dist-info/RECORD")
        files = {
            PATH: make_elf("arm", cpu=10),
            record: b"thing/_fast.so,,\n",
            "usr/lib/app/dist/release.json": b'{"target": "trixie-armv6"}',
            "usr/lib/app/dist/app/notes.txt": b"no ELF",
        }
        report = compatibility.check(self.deb(tmp_path, files))
        assert (report.where, report.compiled) == ("trixie-armv6", 1)
        assert report.as_text().splitlines() == [
            "app.deb: 1 compiled file, 1 problem on trixie-armv6:",
            f"  thing 1.0: /{PATH} is for ARMv7, but trixie-armv6 has ARMv6",
        ]
        assert report.as_json()["problems"] == [
            {"origin": "thing 1.0", "path": PATH, "what": "is for ARMv7, but trixie-armv6 has ARMv6"}
        ]
        assert compatibility.check(self.deb(tmp_path, files), target.load("trixie-armv7")).problems == ()

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({}, "trixie-armv7"),
            ({"version": "1.0-1+deb12"}, "bookworm-armv7"),
            ({"version": "1.0-1+deb13~armv6"}, "trixie-armv6"),
            ({"version": "2:3.4"}, "bookworm-armv7"),
            ({"architecture": "arm64"}, "trixie-arm64"),
        ],
    )
    def test_one_of_somebody_else(self, tmp_path: Path, fields: dict[str, str], name: str) -> None:
        damaged = {"usr/bin/x": b"#!/bin/sh\n", "usr/lib/app/dist/release.json": b"not json"}
        report = compatibility.check(self.deb(tmp_path, damaged, **fields))
        assert report.where == name
        assert report.as_text() == f"app.deb: 0 compiled files, fit for {name}"

    def test_one_for_every_machine(self, tmp_path: Path) -> None:
        report = compatibility.check(self.deb(tmp_path, {"x": b"y"}, architecture="all"))
        assert report.where == "trixie-amd64, trixie-arm64, trixie-armv6, trixie-armv7"
        assert report.problems == ()
        report = compatibility.check(self.deb(tmp_path, {"x": b"y"}, architecture="all", version="2"))
        assert report.where == ", ".join(target.names())
        report = compatibility.check(self.deb(tmp_path, {PATH: make_elf("x86-64")}, architecture="all"))
        assert {problem.what.rpartition(" is ")[0] for problem in report.problems} == {
            f"is for EM_X86_64 (64 bits), but trixie-{cpu}" for cpu in ("arm64", "armv6", "armv7")
        }

    def test_one_for_a_machine_that_is_not_known(self, tmp_path: Path) -> None:
        with pytest.raises(PackageError, match="is for mips") as refused:
            compatibility.check(self.deb(tmp_path, {"x": b""}, architecture="mips"))
        assert "--target" in refused.value.hint


def test_a_file_that_says_nothing_of_its_cpu_may_run() -> None:
    file = Elf(path=PATH, machine="EM_ARM", bits=32)
    assert list(compatibility.judge("x", [file], target.load("trixie-armv6"))) == []


SITE = "usr/lib/app/dist/venv/lib/python3.13/site-packages"


@pytest.mark.parametrize(
    ("name", "files", "wrong"),
    [
        ("trixie-arm64", {"board/pulsein": "arm", "board/pulsein64": "aarch64"}, []),
        ("trixie-armv7", {"board/pulsein": "arm", "board/pulsein64": "aarch64"}, []),
        ("trixie-amd64", {"board/pulsein": "arm", "board/pulsein64": "aarch64"}, []),
        ("trixie-amd64", {"one/pulsein": "arm", "other/pulsein": "aarch64"}, []),
        ("trixie-arm64", {"arm/libx.so.1": "arm", "arm64/libx.so.1": "aarch64"}, []),
        ("trixie-amd64", {"arm/libx.so.1": "arm", "arm64/libx.so.1": "aarch64"}, ["arm", "arm64"]),
        ("trixie-arm64", {"x/_a.so": "aarch64", "x/_b.so": "arm"}, ["x"]),
        ("trixie-arm64", {"board/pulsein": "arm"}, ["board"]),
        ("trixie-arm64", {"board/pulsein": "arm", "board/pulseout": "arm"}, ["board", "board"]),
    ],
)
def test_files_for_several_machines(name: str, files: dict[str, str], wrong: list[str]) -> None:
    compiled = [
        elf.read(f"{SITE}/{path}", make_elf(machine, cpu=6) if machine == "arm" else make_elf(machine))
        for path, machine in files.items()
    ]
    problems = compatibility.judge("thing 1.0", compiled, target.load(name))
    assert [problem.path.split("/")[-2] for problem in problems] == wrong


@pytest.mark.parametrize(
    ("path", "folder", "fits"),
    [
        ("usr/bin/tool", "/usr/libexec/tool", True),
        ("usr/bin/tool", "/usr/libexec/tool/", True),
        ("usr/libexec/tool/x.so", "/usr/libexec/../libexec/tool", True),
        ("usr/bin/tool", "/usr/libexec", False),
        ("usr/bin/tool", "/usr/libexec/tools", False),
    ],
)
def test_an_rpath_to_a_folder_of_the_package(path: str, folder: str, *, fits: bool) -> None:
    files = [
        elf.read(path, make_elf("aarch64", runpath=folder, needed=("libx.so",))),
        elf.read("usr/libexec/tool/y.so", make_elf("aarch64")),
    ]
    assert (list(compatibility.judge("Debian", files, target.load("trixie-arm64"))) == []) is fits


@pytest.mark.parametrize(
    ("needed", "fits"),
    [
        ((), True),
        (("libstdc++.so.6", "libgcc_s.so.1"), True),
        (("liby.so",), True),
        (("libz.so",), False),
    ],
)
def test_a_folder_of_the_machine_that_built_it(needed: tuple[str, ...], *, fits: bool) -> None:
    """It matters only if a library cannot be found elsewhere."""
    files = [
        elf.read(f"{SITE}/a/x.so", make_elf("aarch64", runpath="/opt/_internal/lib", needed=needed)),
        elf.read(f"{SITE}/a.libs/liby.so", make_elf("aarch64")),
    ]
    assert (list(compatibility.judge("a 1.0", files, target.load("trixie-arm64"))) == []) is fits


def test_programs_of_other_boards_may_lack_a_library() -> None:
    names = {"board/tool": "arm", "board/tool64": "aarch64", "lib/x.so": "arm", "lib64/x.so": "aarch64"}
    files = [elf.read(f"{SITE}/{path}", make_elf(machine)) for path, machine in names.items()]
    assert alternatives.optional(files) == {f"{SITE}/board/tool", f"{SITE}/board/tool64"}
    assert alternatives.optional(files[:1]) == frozenset()
