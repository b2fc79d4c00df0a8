from __future__ import annotations

import pytest
from samples import VERSION, sample_project

from debonair import target
from debonair.errors import ProjectError
from debonair.tree import control_file
from debonair.tree.service import account, render

ROOT = "every Debian"
TRIXIE = target.load("trixie-arm64")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sh", "a command of every Debian"), ("test", "a command of every Debian"),
        ("disk", "every Debian"), ("sudo", "every Debian"), ("shadow", "every Debian"), ("www-data", ROOT),
        ("docker", "a Debian package"), ("redis", "a Debian package"), ("default", "a Debian package"),
        ("gpio", "Raspberry Pi OS"), ("render", "systemd"),
        ("ssl", "a system folder"), ("apt", "a Debian package"),
        ("python3", "a system folder"), ("debonair", "a system folder"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("emperor", ["own", "system"])
def test_a_name_that_means_something_to_debian_is_refused(name: str, what: str, emperor: str) -> None:
    with pytest.raises(ProjectError) as refused:
        render.members(sample_project(package=name, emperor=emperor), VERSION)
    assert refused.value.message.startswith(f"pyproject.toml: the package's name '{name}' is the name of ")
    assert what in refused.value.message
    assert f"'my-{name}'" in str(refused.value.hint)


@pytest.mark.parametrize("name", ["uwsgi-core", "nginx", "python3", "libpq5", "ffmpeg", "sox"])
def test_a_package_that_the_app_depends_on_is_refused(name: str) -> None:
    depends = ("libc6:any (>= 2.36)", "ffmpeg | libpq5 [arm64]", "sox(>= 1)")
    with pytest.raises(
        ProjectError, match=f"'{name}' is that of a package of Debian that this app depends"
    ):
        control_file.control(sample_project(package=name, depends=depends), TRIXIE, (), version=VERSION)
    other = sample_project(package="any", depends=depends)
    assert control_file.control(other, TRIXIE, (), version=VERSION).depends[-3:] == depends


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bash", "every Debian has"), ("libc6", "every Debian has"), ("util-linux", "every Debian has"),
        ("python3-flask", "Python libraries"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wsgi", ["", "app:app"])
def test_a_package_that_every_debian_needs_is_refused(name: str, why: str, wsgi: str) -> None:
    """Essential packages would be replaced by a tool as well as by a service."""
    with pytest.raises(ProjectError, match=why) as refused:
        control_file.control(sample_project(package=name, wsgi=wsgi), TRIXIE, (), version=VERSION)
    assert f"'my-{name}'" in str(refused.value.hint)


def test_a_tool_has_no_account() -> None:
    assert render.members(sample_project(package="disk", wsgi=""), VERSION) == {}


def test_names_are_those_that_a_package_could_have() -> None:
    names = list(account.taken())
    assert len(names) > 300
    for name in names:
        assert name == name.lower()
