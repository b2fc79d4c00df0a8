"""Apps of others, as they are published on the package index, with no project but what was typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from debians import Boot, Builder
from guestbooks import installing

from debonair import trial
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.container import Container
from debonair.host.cache import Cache
from debonair.init import from_pypi

pytestmark = pytest.mark.boot

TARGET = f"trixie-{host_architecture()}"
CONFIG = "/etc/radicale/config"
MORE = f"""
health = "/.web/"
health-timeout = 5
[nginx]
listen = ["8080"]
[service.environment]
RADICALE_CONFIG = "{CONFIG}"
"""


@pytest.fixture(scope="module")
def machine(boot: Boot) -> Iterator[Container]:
    with boot("trixie") as booted:
        yield booted


def begun(root: Path, requirement: str, entry: str) -> Path:
    """Return ``root``, made the folder of what is published, as ``build --from-pypi`` makes it."""
    root.mkdir()
    options = {"from-pypi": requirement, "wsgi": entry, "maintainer": "A Test <test@example.org>"}
    from_pypi.begin(root, {**options, "targets": [TARGET]}, Cache.of(os.environ), os.environ)
    return root


def test_an_app_is_served_from_its_wheel(
    machine: Container, boot: Boot, build: Builder, tmp_path: Path
) -> None:
    root = begun(tmp_path / "httpbin", "httpbin==0.10.*", "httpbin:app")
    deb = build(root, TARGET)
    first = deb.read_bytes()
    deb.unlink()
    assert build(root, TARGET).read_bytes() == first
    trial.install(boot.bed, machine, deb)
    trial.healthy(machine, "httpbin", trial.Site("/"))
    assert '"x": "1"' in machine.get("/get?x=1").text
    assert machine.get("/status/418").status == 418


def test_an_app_that_wants_its_configuration_first(
    machine: Container, build: Builder, tmp_path: Path
) -> None:
    root = begun(tmp_path / "radicale", "radicale==3.9.*", "radicale:application")
    with (root / "debonair.toml").open("a") as file:
        file.write(MORE)
    done = installing(machine, build(root, TARGET))
    assert done.status == 0
    output = done.stdout + done.stderr
    assert "was refused; the service stays stopped" in output
    assert CONFIG in output
    assert machine.run(["radicale", "status"], check=False).status == 3
    assert machine.get("/get").status == 200  # the neighbour's site is as it was

    machine.write(CONFIG, b"[auth]\ntype = none\n[storage]\nfilesystem_folder = /var/lib/radicale\n")
    assert "radicale: serving " in machine.run(["radicale", "rollback", "--undo"], timeout=60).stdout
    assert machine.run(["radicale", "status"]).status == 0
    assert "<title>Radicale Web Interface</title>" in machine.get("/.web/", port=8080).text
    assert machine.get("/get").status == 200
