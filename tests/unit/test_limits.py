from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import EPOCH, VERSION, sample_project, sample_service

from debonair import limits, render, settings, target
from debonair.errors import ProjectError
from debonair.project import Project

TRIXIE = target.load("trixie-arm64")


def project(options: dict[str, Any] | None = None, **service: Any) -> Project:
    return sample_project(service=sample_service(**service), uwsgi=options or {"processes": 2})


def options(found: str) -> list[str]:
    return [line for line in found.splitlines() if not line.startswith(";")]


@pytest.mark.parametrize("value", ["200M", "1G", "4096", "40%", "100%"])
def test_memory_of_all_processes(value: str) -> None:
    assert limits.unit(project(memory_max=value)) == f"MemoryMax={value}"


def test_weight() -> None:
    assert limits.unit(project(cpu_weight=20)) == "CPUWeight=20"
    assert limits.unit(project(memory_max="1G", cpu_weight=20)) == "MemoryMax=1G\nCPUWeight=20"


def test_without_bounds_there_is_no_line() -> None:
    assert limits.unit(project()) == ""
    assert limits.vassal(project(), TRIXIE) == ""


@pytest.mark.parametrize("value", ["lots", "101%", "1.5G", "-1", "1G\nUser=root", "200 M", "200MB"])
def test_what_is_no_size_is_refused(value: str) -> None:
    for file, key in (("pyproject.toml", "tool.debonair.service"), ("debonair.toml", "service")):
        wrong = sample_project(config_file=Path(file), service=sample_service(memory_max=value))
        with pytest.raises(ProjectError, match=re.escape(f"{file}: '{key}.memory-max' is ")) as refused:
            limits.unit(wrong)
        assert refused.value.hint


@pytest.mark.parametrize(
    ("memory", "uwsgi", "share"),
    [
        ("200M", {"processes": 2}, 100),
        ("1G", {"processes": 4}, 256),
        ("102400K", {"processes": 1}, 100),
        ("209715200", {"processes": 2}, 100),
        ("1T", {"processes": 1}, 2**20),
        ("200M", {"processes": 2, "workers": "4"}, 50),
        ("200M", {"threads": 8}, 200),
        ("1M", {"processes": 8}, 2),
    ],
)
def test_share_of_a_worker(memory: str, uwsgi: dict[str, Any], share: int) -> None:
    ended = [f"evil-reload-on-rss = {share}", "mem-collector-freq = 3"]
    replaced = [f"reload-on-rss = {share * 3 // 4}"]
    bounded = project(uwsgi, memory_max=memory)
    assert options(limits.vassal(bounded, TRIXIE)) == ended + replaced
    assert options(limits.vassal(bounded, target.load("bookworm-arm64"))) == ended


@pytest.mark.parametrize(
    ("memory", "uwsgi"), [("40%", {"processes": 2}), ("200M", {"processes": "%k"}), ("200M", {"p": 0})]
)
def test_no_share_of_what_is_not_known(memory: str, uwsgi: dict[str, Any]) -> None:
    assert limits.vassal(project(uwsgi, memory_max=memory), TRIXIE) == ""


def test_the_author_has_the_last_word() -> None:
    own = project({"processes": 2, "evil-reload-on-rss": 7}, memory_max="200M")
    sources = render.render(own, TRIXIE, version=VERSION, epoch=EPOCH)
    vassal = next(s.data.decode() for s in sources if s.path.endswith("vassals/web.ini"))
    assert re.findall(r"^evil-reload-on-rss = (\d+)$", vassal, re.MULTILINE) == ["100", "7"]


def test_a_unit_without_network(golden: Callable[[str, str], None]) -> None:
    alone = sample_project(service=sample_service(network=False, environment={}))
    sources = render.render(alone, TRIXIE, version=VERSION, epoch=EPOCH)
    unit = next(s.data.decode() for s in sources if s.path.endswith("guestbook.service"))
    golden("render/app.service.without-network", unit)
    assert "AF_INET" not in unit


def test_a_bookworm_unit_protects_control_groups_as_its_systemd_knows() -> None:
    for suite, value in (("bookworm", "yes"), ("trixie", "strict")):
        sources = render.render(project(), target.load(f"{suite}-arm64"), version=VERSION, epoch=EPOCH)
        unit = next(s.data.decode() for s in sources if s.path.endswith("guestbook.service"))
        assert f"\nProtectControlGroups={value}\n" in unit


@pytest.mark.parametrize("value", [-1, 10001, "100", True])
def test_a_weight_that_systemd_would_not_take_is_refused(value: object) -> None:
    with pytest.raises(ProjectError, match=r"'service\.cpu-weight' is wrong"):
        settings.read({"service": {"cpu-weight": value}}, file=Path("debonair.toml"), prefix="")
