"""The files of an app that is a vassal of Debian's own emperor."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from samples import EPOCH, VERSION, sample_project, sample_service

from debonair import target
from debonair.errors import ProjectError
from debonair.project import Project
from debonair.tree.service import render

HOME = "usr/lib/guestbook"
GENERATED = {
    "app.tmpfiles": "usr/lib/tmpfiles.d/guestbook.conf",
    "web.ini": f"{HOME}/dist/vassals/web.ini",
    "README.Debian": "usr/share/doc/guestbook/README.Debian",
}


def system_project(**changes: Any) -> Project:
    return sample_project(**{"emperor": "system", "service": sample_service(memory_max="200M"), **changes})


def texts(project: Project) -> dict[str, str]:
    sources = render.render(project, target.load("trixie-arm64"), version=VERSION, epoch=EPOCH)
    return {s.path: s.data.decode() for s in sources if s.kind == "file" and not s.path.endswith(".gz")}


@pytest.mark.parametrize("name", GENERATED)
def test_generated_texts(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"render/system/{name}", texts(system_project())[GENERATED[name]])


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_maintainer_scripts(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"render/system/{name}", render.members(system_project(), VERSION)[name])


def test_it_has_no_unit_and_no_user_of_its_own() -> None:
    found = texts(system_project())
    units = [path for path in found if "systemd" in path or "sysusers" in path]
    assert units == ["usr/lib/systemd/system/guestbook.local.service"], "this one is of its name"
    assert f"{HOME}/emperor.ini" not in found
    facts = json.loads(found[f"{HOME}/dist/release.json"])
    assert (facts["emperor"], facts["user"]) == ("system", "www-data")
    own = json.loads(texts(sample_project())[f"{HOME}/dist/release.json"])
    assert (own["emperor"], own["user"]) == ("own", "guestbook")


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("sleep-after", {"sleep_after": 900}),
        ("workers", {"workers": {"mails": "flask mails"}}),
        ("timers", {"timers": {"tidy": object()}}),
        ("service.cpu-weight", {"service": sample_service(cpu_weight=50)}),
        ("service.network", {"service": sample_service(network=False)}),
        ("service.proc", {"service": sample_service(proc="all")}),
        ("service.memory-max", {"service": sample_service(memory_max="40%")}),
    ],
)
def test_what_only_an_emperor_of_its_own_keeps_is_refused(key: str, changes: dict[str, Any]) -> None:
    with pytest.raises(
        ProjectError, match=f"'tool.debonair.{key}' requires the app's own emperor"
    ) as refused:
        texts(system_project(**changes))
    assert refused.value.hint == f"Remove '{key}', or remove emperor = \"system\"."
