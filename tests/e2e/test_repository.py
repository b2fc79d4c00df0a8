"""A repository and an app with all that belongs to it, in booted Debians: its service and its page."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import servers
from debians import EXAMPLES, Boot, Builder
from servers import Site

from debonair.debian.rootfs.container import Container

pytestmark = pytest.mark.boot

Hello = Callable[[str, str], Path]


@pytest.fixture
def hello(build: Builder, tmp_path: Path) -> Hello:
    """Builds a version of the example for a suite: ``hello("1.1", "trixie")``."""

    def made(version: str, suite: str) -> Path:
        project = tmp_path / f"hello-{version}-{suite}"
        shutil.copytree(EXAMPLES / "hello", project)
        config = project / "debonair.toml"
        config.write_text(config.read_text().replace('version = "1.0"', f'version = "{version}"'))
        return build(project, f"{suite}-amd64")

    return made


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A repository without anything in it yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return servers.made(str(tmp_path / "apt"), "http://127.0.0.1:8080")


@pytest.fixture(params=["bookworm", "trixie", "forky"])
def machine(request: pytest.FixtureRequest, boot: Boot, site: Site, hello: Hello) -> Iterator[Container]:
    """A booted Debian in whose network the repository is served, with one release of the app."""
    first = hello("1.0", request.param)
    site.repo("add", first)
    with boot(request.param) as machine:
        boot.bed.stock(machine, first, "unattended-upgrades")
        with servers.served(machine, Path(site.place)):
            yield machine


def version(machine: Container, package: str = "hello-pi") -> str:
    """The version that is installed, without the suite."""
    shown = machine.run(["dpkg-query", "--show", "--showformat", "${Version}", package]).stdout
    return shown.partition("-1+")[0]


def upgraded(machine: Container) -> str:
    machine.run(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"])
    machine.run(["apt", "upgrade", "--yes"])
    return version(machine)


def unattended(machine: Container) -> str:
    machine.run(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"])
    machine.run(["unattended-upgrade", "--verbose"])
    return version(machine)


def served(machine: Container) -> str:
    """The page, once nginx has read its new site."""
    deadline = time.monotonic() + 10
    while b"Welcome to nginx" in (page := machine.get("/").body) and time.monotonic() < deadline:
        time.sleep(0.1)
    return page.decode()


def test_a_release_comes_and_goes(machine: Container, site: Site, hello: Hello) -> None:
    site.bootstrap(machine)
    machine.run(["apt-get", "install", "--yes", "unattended-upgrades", "hello-pi"])
    assert version(machine) == "1.0"
    assert (
        machine.run(["stat", "-c", "%a %U", "/usr/share/keyrings/acme-archive-keyring.gpg"]).stdout
        == "644 root\n"
    )
    page = "Hello from a Raspberry Pi!\n"
    assert served(machine) == page

    site.repo("add", hello("1.1", machine.suite), "--channel", "testing")
    assert upgraded(machine) == "1.0", "testing is another channel"
    site.repo("promote", "hello-pi", "1.1", "--to", "stable")
    assert unattended(machine) == "1.1"
    assert served(machine) == page

    assert "returned to 1.0-1+deb" in site.repo("rollback", "hello-pi")
    assert upgraded(machine) == "1.0"
    assert served(machine) == page
    status = json.loads(machine.run(["hello-pi", "status", "--json"]).stdout)
    assert status["installed"].startswith("1.0-1+deb")
    assert "suites are healthy, signed by" in site.repo("verify")

    path = Path(site.place) / f"dists/{machine.suite}/InRelease"
    path.write_bytes(path.read_bytes().replace(b"Label: acme", b"Label: acne"))
    refused = machine.run(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"], check=False)
    assert refused.status != 0
    assert "An error occurred during the signature verification" in refused.stderr
