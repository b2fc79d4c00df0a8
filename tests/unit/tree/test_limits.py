from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import EPOCH, VERSION, sample_project, sample_service

from debonair import target
from debonair.errors import ProjectError
from debonair.project import Project, settings
from debonair.tree.service import limits, render

TRIXIE = target.load("trixie-arm64")


PROGRAM = "/usr/bin/python3 -ISB /usr/lib/guestbook/libexec/processes.py guestbook"


def project(options: dict[str, Any] | None = None, **service: Any) -> Project:
    uwsgi = {"processes": 2} if options is None else options
    return sample_project(service=sample_service(**service), uwsgi=uwsgi)


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
    ("memory", "uwsgi", "words"),
    [
        ("", {}, "auto"),
        ("200M", {}, "auto 200M"),
        ("40%", {}, "auto 40%%"),
        ("200M", {"processes": 2}, "2 200M"),
        ("40%", {"processes": 2}, "2 40%%"),
        ("200M", {"processes": 2, "workers": "4"}, "4 200M"),
        ("200M", {"p": 8, "threads": 8}, "8 200M"),
    ],
)
def test_what_the_machine_finds_out(memory: str, uwsgi: dict[str, Any], words: str) -> None:
    found = project(uwsgi, memory_max=memory)
    line = f"ini = exec://{PROGRAM} {words}"
    assert options(limits.vassal(found, target.load("bookworm-arm64"))) == [line]
    assert options(limits.vassal(found, TRIXIE)) == [f"{line} gracefully" if memory else line]


@pytest.mark.parametrize(
    ("memory", "uwsgi"), [("", {"processes": 2}), ("200M", {"processes": "%k"}), ("200M", {"p": 0})]
)
def test_what_the_author_or_uwsgi_has_decided(memory: str, uwsgi: dict[str, Any]) -> None:
    assert limits.vassal(project(uwsgi, memory_max=memory), TRIXIE) == ""


@pytest.mark.parametrize("value", ["Auto", "", "many", "-1", "1.5", True, [2]])
def test_what_is_no_number_of_processes_is_refused(value: Any) -> None:
    with pytest.raises(
        ProjectError, match=r"'tool\.debonair\.uwsgi\.workers' is .* not a number"
    ) as refused:
        limits.vassal(project({"workers": value}), TRIXIE)
    assert '"auto"' in str(refused.value.hint)


def test_fewer_processes_than_an_unknown_number_are_refused() -> None:
    with pytest.raises(ProjectError, match=r"'tool\.debonair\.uwsgi\.cheaper' is set without"):
        limits.vassal(project({"cheaper": 1}), TRIXIE)
    assert limits.vassal(project({"cheaper": 1, "processes": 2}), TRIXIE) == ""


def test_the_author_has_the_last_word() -> None:
    own = project({"evil-reload-on-rss": 7}, memory_max="200M")
    sources = render.render(own, TRIXIE, version=VERSION, epoch=EPOCH)
    vassal = next(s.data.decode() for s in sources if s.path.endswith("vassals/web.ini"))
    assert vassal.index(PROGRAM) < vassal.index("evil-reload-on-rss = 7") < vassal.index("include = /etc/")


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


def test_a_unit_hides_other_processes_of_its_user_where_systemd_can() -> None:
    for suite, hides in (("bookworm", False), ("trixie", True), ("forky", True)):
        sources = render.render(project(), target.load(f"{suite}-arm64"), version=VERSION, epoch=EPOCH)
        unit = next(s.data.decode() for s in sources if s.path.endswith("guestbook.service"))
        assert ("\nPrivatePIDs=yes\n" in unit) is hides


@pytest.mark.parametrize("value", [-1, 10001, "100", True])
def test_a_weight_that_systemd_would_not_take_is_refused(value: object) -> None:
    with pytest.raises(ProjectError, match=r"'service\.cpu-weight' is wrong"):
        settings.read({"service": {"cpu-weight": value}}, file=Path("debonair.toml"), prefix="")
