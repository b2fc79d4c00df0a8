"""A repository and an app with all that belongs to it, in booted Debians: its service and its page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from debians import EXAMPLES, Boot, Builder

from debonair.trial.container import Container

pytestmark = pytest.mark.boot

CHECKOUT = Path(__file__).parents[2]
Hello = Callable[[str, str], Path]
Repo = Callable[..., str]


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
def repo(tmp_path: Path) -> Repo:
    """Runs ``debonair repo`` as it is typed, with keys and repository of this test."""
    env = environment(tmp_path)

    def typed(*words: str | Path) -> str:
        argv = [sys.executable, "-m", "debonair", "repo", *map(str, words)]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return typed


@pytest.fixture
def apt_folder(tmp_path: Path) -> Path:
    return tmp_path / "apt"


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT / "src"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "DEBONAIR_REPOSITORY": str(folder / "apt"),
    }


@pytest.fixture(params=["bookworm", "trixie", "forky"])
def machine(
    request: pytest.FixtureRequest, boot: Boot, repo: Repo, hello: Hello, tmp_path: Path
) -> Iterator[Container]:
    """A booted Debian in whose network a repository is served, with one release of the app."""
    suite = request.param
    repo("init", tmp_path / "apt", "--name", "acme", "--url", "http://127.0.0.1:8080")
    first = hello("1.0", suite)
    repo("add", first)
    with boot(suite) as machine:
        boot.bed.stock(machine, first, "unattended-upgrades")
        serve = [*machine.network, sys.executable, "-m", "debonair", "repo", "serve"]
        with subprocess.Popen(serve, env=environment(tmp_path), stderr=subprocess.PIPE) as server:
            assert server.stderr
            assert b"http://127.0.0.1:8080/ serves" in server.stderr.readline()
            try:
                yield machine
            finally:
                server.terminate()


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


def bootstrapped(machine: Container, repo: Repo) -> None:
    """Type the line that the author of the app was shown, as root, who needs no sudo."""
    machine.run(["bash", "-c", 'sudo() { "$@"; }; ' + repo("bootstrap")])
    machine.run(["apt-get", "install", "--yes", "unattended-upgrades", "hello-pi"])


def served(machine: Container) -> str:
    """The page, once nginx has read its new site."""
    deadline = time.monotonic() + 10
    while b"Welcome to nginx" in (page := machine.get("/").body) and time.monotonic() < deadline:
        time.sleep(0.1)
    return page.decode()


def test_a_release_comes_and_goes(machine: Container, repo: Repo, hello: Hello, apt_folder: Path) -> None:
    bootstrapped(machine, repo)
    assert version(machine) == "1.0"
    assert (
        machine.run(["stat", "-c", "%a %U", "/usr/share/keyrings/acme-archive-keyring.gpg"]).stdout
        == "644 root\n"
    )
    page = "Hello from a Raspberry Pi!\n"
    assert served(machine) == page

    repo("add", hello("1.1", machine.suite), "--channel", "testing")
    assert upgraded(machine) == "1.0", "testing is another channel"
    repo("promote", "hello-pi", "1.1", "--to", "stable")
    assert unattended(machine) == "1.1"
    assert served(machine) == page

    assert "back to 1.0-1+deb" in repo("rollback", "hello-pi")
    assert upgraded(machine) == "1.0"
    assert served(machine) == page
    status = json.loads(machine.run(["hello-pi", "status", "--json"]).stdout)
    assert status["installed"].startswith("1.0-1+deb")
    assert "all is well" in repo("verify")

    path = apt_folder / f"dists/{machine.suite}/InRelease"
    path.write_bytes(path.read_bytes().replace(b"Label: acme", b"Label: acne"))
    refused = machine.run(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"], check=False)
    assert refused.status != 0
    assert "An error occurred during the signature verification" in refused.stderr
