from __future__ import annotations

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import Tag

from debonair import target
from debonair.errors import TargetError
from debonair.resources import resource

_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64", "armv6": "armhf", "armv7": "armhf"}


def test_the_targets_there_are() -> None:
    assert target.names() == [
        *("bookworm-amd64", "bookworm-arm64", "bookworm-armv6", "bookworm-armv7"),
        *("forky-amd64", "forky-arm64", "forky-armv6", "forky-armv7"),
        *("trixie-amd64", "trixie-arm64", "trixie-armv6", "trixie-armv7"),
    ]


@pytest.mark.parametrize("name", target.names())
def test_each_fits_together(name: str) -> None:
    found = target.load(name)
    suite, cpu = name.split("-")
    assert (found.name, found.suite) == (name, suite)
    assert found.python_full.startswith(f"{found.python}.")
    assert found.debian_release == {"bookworm": 12, "trixie": 13, "forky": 14}[suite]
    assert found.released is (suite != "forky")
    assert found.architecture == _ARCHITECTURES[cpu]
    assert found.variant == ("armv6" if cpu == "armv6" else "")
    assert found.machine in found.wheel_machines
    assert found.elf_machine.startswith("EM_")
    assert bool(found.extra_indexes) is (found.architecture == "armhf")
    assert all(index.startswith("https://") and not index.endswith("/") for index in found.extra_indexes)


def test_the_values_of_one() -> None:
    found = target.load("trixie-armv7")
    assert (found.python, found.python_version, found.glibc) == ("3.13", (3, 13), "2.41")
    assert (found.architecture, found.multiarch) == ("armhf", "arm-linux-gnueabihf")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("trixie-arm46", "Did you mean 'trixie-arm64'? "),
        ("bookworm-armv8", "Did you mean 'bookworm-armv7'? "),
        ("x", "'debonair targets' lists them: bookworm-amd64,"),
        ("../defaults", "'debonair targets'"),
        ("", "'debonair targets'"),
    ],
)
def test_an_unknown_target(name: str, hint: str) -> None:
    with pytest.raises(TargetError) as caught:
        target.load(name)
    assert caught.value.message == f"There is no target '{name}'."
    assert caught.value.hint.startswith(hint)
    assert "debonair targets" in caught.value.hint


class TestTags:
    def test_the_best_come_first(self) -> None:
        tags = target.load("trixie-arm64").tags()
        wanted = [
            Tag("cp313", "cp313", "manylinux_2_41_aarch64"),
            Tag("cp313", "cp313", "manylinux_2_17_aarch64"),
            Tag("cp313", "cp313", "manylinux2014_aarch64"),
            Tag("cp313", "cp313", "linux_aarch64"),
            Tag("cp313", "abi3", "manylinux_2_28_aarch64"),
            Tag("cp311", "abi3", "manylinux2014_aarch64"),
            Tag("py3", "none", "manylinux_2_17_aarch64"),
            Tag("py3", "none", "any"),
        ]
        places = [tags.index(tag) for tag in wanted]
        assert places == sorted(places)
        assert len(set(tags)) == len(tags)

    def test_what_does_not_run_there_is_not_among_them(self) -> None:
        tags = set(target.load("bookworm-arm64").tags())
        for tag in (
            Tag("cp311", "cp311", "manylinux_2_37_aarch64"),  # a newer glibc
            Tag("cp312", "cp312", "manylinux_2_17_aarch64"),
            Tag("cp313", "abi3", "manylinux_2_17_aarch64"),
            Tag("cp311", "cp311", "manylinux_2_17_x86_64"),
            Tag("cp311", "cp311", "musllinux_1_2_aarch64"),
            Tag("cp311", "cp311", "manylinux_2_16_aarch64"),  # there was no such port then
            Tag("py2", "none", "any"),
        ):
            assert tag not in tags

    def test_old_manylinux_is_of_x86_alone(self) -> None:
        assert "manylinux1_x86_64" in target.load("trixie-amd64").platforms()
        assert "manylinux2010_x86_64" in target.load("trixie-amd64").platforms()
        assert not [name for name in target.load("trixie-armv7").platforms() if "2010" in name]

    def test_armv7_wheels(self) -> None:
        assert Tag("cp313", "cp313", "manylinux_2_31_armv7l") in target.load("trixie-armv7").tags()


@pytest.mark.parametrize(
    ("marker", "name", "true"),
    [
        ("python_version == '3.13'", "trixie-arm64", True),
        ("python_version < '3.13'", "bookworm-arm64", True),
        ("platform_machine == 'aarch64'", "trixie-arm64", True),
        ("platform_machine == 'aarch64'", "trixie-armv7", False),
        ("platform_machine == 'x86_64'", "trixie-amd64", True),
        ("sys_platform == 'win32'", "trixie-amd64", False),
        ("platform_python_implementation == 'CPython' and os_name == 'posix'", "trixie-amd64", True),
        ("python_full_version >= '3.13.1'", "trixie-amd64", True),
        ("implementation_name == 'cpython' and platform_system == 'Linux'", "trixie-amd64", True),
    ],
)
def test_markers_are_of_the_target_not_of_this_machine(marker: str, name: str, *, true: bool) -> None:
    markers = target.load(name).markers()
    # 'extra' is of the requirement, not of a machine; with all else given nothing is taken from here.
    assert set(markers) | {"extra"} >= set(default_environment())
    assert Marker(marker).evaluate(dict(markers)) is true


def test_resources_that_are_missing_are_a_defect_of_the_install() -> None:
    assert resource("packaging/defaults.toml").is_file()
    with pytest.raises(FileNotFoundError, match="packaging/none"):
        resource("packaging/none")
