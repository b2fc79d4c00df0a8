"""Projects of every kind, as their authors have them: init, build and the page, without one edit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debians import Boot, debonair

from debonair import trial
from debonair.debian.rootfs.machine import Machine

PROJECTS = Path(__file__).parents[1] / "no-edit"

pytestmark = [pytest.mark.boot, pytest.mark.long]


@dataclass(frozen=True)
class Kind:
    """A project, and the page that it shows."""

    name: str
    """Its folder."""
    page: str
    """A part of the page."""
    path: str = "/"
    options: tuple[str, ...] = ()
    """Options for ``init``: the confirmation of a change."""


KINDS = (
    Kind("flask-factory", "made by a factory"),
    Kind("django-startproject", "Django administration", "/admin/login/", ("--patch",)),
    Kind("fastapi", "Inventory", "/docs"),
    Kind("classic-pair", "behind uWSGI and nginx"),
    Kind("poetry", "locked by nobody yet"),
    Kind("piku", "pushed to piku before"),
    Kind("psutil", " kB, "),
    Kind("gpiozero", "lamp: 0"),
    Kind("flask-socketio", "talks back"),
    Kind("bottle-script", "Home"),
    Kind("tornado-script", "Hello, world"),
    Kind("cherrypy-script", "Hello world!"),
    Kind("nicegui-script", "Hello NiceGUI!"),
    Kind("http-server", "<p>Hello</p>"),
)


@pytest.fixture(scope="module")
def machine(boot: Boot) -> Iterator[Machine]:
    with boot("trixie") as machine:
        yield machine


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_project_is_opened(kind: Kind, machine: Machine, boot: Boot, tmp_path: Path) -> None:
    root = tmp_path / kind.name
    shutil.copytree(PROJECTS / kind.name, root)
    debonair(root, "init", "--yes", *kind.options)
    debonair(root, "build", "--target", "trixie-amd64")
    (deb,) = (root / "dist").glob("*.deb")
    package = deb.name.partition("_")[0]
    trial.install(boot.bed, machine, deb)
    try:
        page = trial.healthy(machine, package, trial.Site(kind.path))
    finally:
        machine.run(["apt-get", "purge", "--yes", package])
    assert kind.page in page.text
