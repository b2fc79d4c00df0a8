"""Programs of another architecture: what the kernel is told, and that it is taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from programs import Process, Programs, stand_in

from debonair.debian.mirror import Mirror
from debonair.debian.rootfs import emulation
from debonair.errors import MachineError
from debonair.host.cache import Cache

MIRROR = Mirror("http://m.test")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = stand_in(monkeypatch)
    made.output = "namespaces are made\n"
    made.processes = [Process(pid=7) for _ in range(3)]
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache that has the programs already."""
    made = Cache(tmp_path / "cache")
    for name in ("qemu-arm", "qemu-aarch64"):
        (made.folder("emulators") / name).touch()
    return made


@pytest.mark.parametrize(("architecture", "host"), [("amd64", "arm64"), ("armhf", "armhf")])
def test_what_no_program_emulates_is_refused_before_anything_starts(
    programs: Programs, cache: Cache, architecture: str, host: str
) -> None:
    with (
        pytest.raises(
            MachineError, match=f"Programs for {architecture} cannot run here: {host} cannot emulate them."
        ) as caught,
        emulation.emulating(architecture, host, mirror=MIRROR, cache=cache),
    ):
        pass
    assert caught.value.hint == (f"Use a machine of {architecture}. Debonair can emulate arm64 and armhf.")
    assert programs.asked == []
    assert programs.started == []


@pytest.mark.parametrize(
    ("architecture", "program", "magic"),
    [
        (
            "armhf",
            "qemu-arm",
            r"\x7f\x45\x4c\x46\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00",
        ),
        (
            "arm64",
            "qemu-aarch64",
            r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
        ),
    ],
)
def test_what_the_kernel_is_told(
    programs: Programs, cache: Cache, architecture: str, program: str, magic: str
) -> None:
    mask = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
    with emulation.emulating(architecture, "amd64", mirror=MIRROR, cache=cache):
        line = next(line for line in programs.asked if "register" in line)
        assert f":M::{magic}:{mask}:{cache.root}/emulators/{program}:POCF" in line
        assert not any("echo -1" in line for line in programs.asked)
    name = line.partition(":debonair-")[2].partition(":")[0]
    assert programs.was_asked(f"echo -1 .*debonair-{name}")


def test_two_at_once_do_not_take_each_others_back(programs: Programs, cache: Cache) -> None:
    with (
        emulation.emulating("arm64", "amd64", mirror=MIRROR, cache=cache),
        emulation.emulating("arm64", "amd64", mirror=MIRROR, cache=cache),
    ):
        pass
    taken = [line.rpartition("/")[2] for line in programs.asked if "echo -1" in line]
    assert len(set(taken)) == 2


def test_what_a_killed_process_registered_is_taken_back(
    programs: Programs, cache: Cache, tmp_path: Path
) -> None:
    me = emulation._Holder.here()
    alive, gone, again, beside = (
        f"debonair-{holder}-1-arm64"
        for holder in (
            me,
            replace(me, pid=2**22 + 1),
            replace(me, began=me.began + 1),
            replace(me, space=me.space + 1, pid=2**22 + 1),
        )
    )
    before = f"debonair-{2**22 + 1}-1-arm64"  # by a version that did not say in which namespace
    assert tmp_path
    names = [alive, gone, again, beside, before, "register", "status", "qemu-aarch64"]
    programs.answer(r" ls ", "\n".join(names))
    with emulation.emulating("arm64", "amd64", mirror=MIRROR, cache=cache):
        taken = [line.rpartition("/")[2] for line in programs.asked if "echo -1" in line]
        assert taken == [gone, again]


def test_a_kernel_that_refuses(programs: Programs, cache: Cache) -> None:
    programs.answer("mount -t binfmt_misc", "permission denied", status=32)
    with (
        pytest.raises(
            MachineError, match=r"emulate programs for arm64:\n(.|\n)*permission denied"
        ) as refused,
        emulation.emulating("arm64", "amd64", mirror=MIRROR, cache=cache),
    ):
        pass
    assert "--privileged" in refused.value.hint


@pytest.mark.parametrize(
    ("architecture", "host", "can"),
    [
        ("arm64", "amd64", True),
        ("armhf", "arm64", True),
        ("amd64", "amd64", False),
        ("i386", "amd64", False),
    ],
)
def test_what_can_be_emulated(architecture: str, host: str, *, can: bool) -> None:
    assert emulation.emulated(architecture, host) is can


def test_the_check_mounts_and_registers_nothing(programs: Programs) -> None:
    assert emulation.check("amd64") == ("arm64", "armhf")
    assert emulation.check("arm64") == ("armhf",)
    assert programs.was_asked("mount -t binfmt_misc")
    assert not programs.was_asked("register")
    programs.answer("mount -t binfmt_misc", "permission denied", status=32)
    with pytest.raises(MachineError, match="emulate programs for arm64 and armhf:"):
        emulation.check("amd64")


def test_nginx_gets_the_cache_lines_of_a_pi() -> None:
    """An arm64 of qemu-user has shorter ones; armhf has none, as on a Pi."""
    (drop_in,) = emulation.settings("armhf")
    assert drop_in.endswith("/service.d/zz-qemu-user.conf")
    files = emulation.settings("arm64")
    assert files.pop("/etc/nginx/conf.d/qemu-user.conf") == "server_names_hash_bucket_size 64;\n"
    assert list(files) == [drop_in]
