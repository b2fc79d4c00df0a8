from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import get_args, get_type_hints

import pytest
from samples import EPOCH, VERSION, sample_project, sample_service

from debonair import target
from debonair.project.settings import Settings
from debonair.resources import resource
from debonair.tree.service import hardware, render

WORDS = tuple(tomllib.loads(resource("packaging/hardware.toml").read_text()))


def texts(*words: str) -> dict[str, str]:
    project = sample_project(hardware=words)
    sources = render.render(project, target.load("trixie-arm64"), version=VERSION, epoch=EPOCH)
    return {s.path: s.data.decode() for s in sources if s.kind == "file" and not s.path.endswith(".gz")}


def test_the_words_are_those_of_the_setting() -> None:
    assert get_args(get_args(get_type_hints(Settings)["hardware"])[0]) == WORDS


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("app.service", "usr/lib/systemd/system/guestbook.service"),
        ("app.sysusers", "usr/lib/sysusers.d/guestbook.conf"),
        ("app.rules", "usr/lib/udev/rules.d/60-guestbook.rules"),
    ],
)
def test_generated_texts(name: str, path: str, golden: Callable[[str, str], None]) -> None:
    golden(f"render/hardware/{name}", texts("gpio", "i2c")[path])


def test_one_without_rules_has_no_file_of_them() -> None:
    found = texts("uart")
    assert not [path for path in found if "udev" in path]
    assert "\nm guestbook dialout\n" in found["usr/lib/sysusers.d/guestbook.conf"]
    assert "udevadm" not in render.members(sample_project(hardware=("uart",)), VERSION)["postinst"]
    assert "udevadm" in render.members(sample_project(hardware=("gpio",)), VERSION)["postinst"]


def test_what_two_words_share_stands_once() -> None:
    unit = hardware.unit(sample_project(hardware=("camera", "video")))
    assert unit.count("char-video4linux") == 1
    members = hardware.memberships(sample_project(hardware=("camera", "video")))
    assert members == "m guestbook video\nm guestbook render"


def test_none_is_a_private_dev() -> None:
    assert hardware.unit(sample_project()) == "PrivateDevices=yes"
    assert "udev" not in " ".join(texts())


def test_libraries_of_pins_have_a_folder_that_they_can_write_to() -> None:
    """Every way to start a program of the app reads one of the two: the unit, or release.json."""
    found = texts("gpio")
    assert '\nEnvironment="LG_WD=/tmp"\n' in found["usr/lib/systemd/system/guestbook.service"]
    release = json.loads(found["usr/lib/guestbook/dist/release.json"])
    assert release["environment"]["LG_WD"] == "/tmp"
    assert "LG_WD" not in "".join(texts("i2c").values())


def test_the_author_chooses_that_folder() -> None:
    project = sample_project(hardware=("gpio",), service=sample_service(environment={"LG_WD": "/dev/shm"}))
    assert hardware.environment(project) == {"LG_WD": "/dev/shm"}


def test_what_it_sees_in_proc() -> None:
    assert hardware.proc(sample_project()).endswith("\nProcSubset=pid")
    seen = hardware.proc(sample_project(service=sample_service(proc="all")))
    assert seen.endswith("/proc/meminfo and /proc/stat.\nProcSubset=all")
    assert hardware.proc(sample_project(hardware=("i2c",))).endswith("\nProcSubset=all")
