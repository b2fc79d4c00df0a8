"""A repository and its clients: booted Debians that bootstrap from it, upgrade, and are rolled back."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
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
    assert upgraded(machine) == "1.1"
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


def test_a_share_of_the_machines_goes_first(machine: Container, repo: Repo, hello: Hello) -> None:
    bootstrapped(machine, repo)
    repo("add", hello("1.1", machine.suite), "--percent", "0")
    machine.write("/etc/machine-id", b"cafe" * 8 + b"\n")  # this one is not among the 1 % that 0 % reaches
    assert upgraded(machine) == "1.0"
    assert unattended(machine) == "1.0", "unattended-upgrades knows no phasing but that of the policy"
    repo("rollout", "hello-pi", "1.1", "--percent", "99")
    assert unattended(machine) == "1.1"
    repo("rollout", "hello-pi", "1.1", "--halt")
    assert upgraded(machine) == "1.1", "who has it keeps it"
    repo("rollback", "hello-pi")
    assert unattended(machine) == "1.0"


def test_the_next_key_comes_by_an_upgrade(machine: Container, repo: Repo) -> None:
    bootstrapped(machine, repo)
    repo("rotate-key")
    assert upgraded(machine) == "1.0"
    assert version(machine, "acme-archive-keyring").startswith("2+deb")
    repo("rotate-key", "--finish")
    assert upgraded(machine) == "1.0"
    assert version(machine, "acme-archive-keyring").startswith("3+deb")
    shown = machine.run(["apt-cache", "policy", "hello-pi"]).stdout
    assert "1001" in shown


def test_a_private_repository_asks_for_a_password(boot: Boot, repo: Repo, tmp_path: Path) -> None:
    repo("init", tmp_path / "apt", "--name", "acme", "--url", "http://127.0.0.1:8080")
    (tmp_path / "logins").write_text("pi:s3cret\n")
    with boot("trixie") as machine:
        serve = [*machine.network, sys.executable, "-m", "debonair", "repo", "serve"]
        serve += ["--logins", str(tmp_path / "logins")]
        with subprocess.Popen(serve, env=environment(tmp_path), stderr=subprocess.PIPE) as server:
            assert server.stderr
            server.stderr.readline()
            try:
                line = 'sudo() { "$@"; }; ' + repo("bootstrap", "--login", "pi")
                assert machine.run(["bash", "-c", line], stdin=b"wrong\n", check=False).status != 0
                machine.run(["bash", "-c", line], stdin=b"s3cret\n")
                machine.run(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"])
            finally:
                server.terminate()
        assert machine.run(["stat", "-c", "%a", "/etc/apt/auth.conf.d/acme.conf"]).stdout == "600\n"


SITE = """
server {
    listen 8090;
    root /srv/apt;
    location /state/ { return 404; }
    location / { auth_basic "apt"; auth_basic_user_file /etc/nginx/apt.logins; }
}
"""
"""The one of docs/explanation/repository.md, for those who know the password alone."""


def test_nginx_serves_it_to_those_who_know_the_password(
    boot: Boot, repo: Repo, hello: Hello, tmp_path: Path
) -> None:
    repo("init", tmp_path / "apt", "--name", "acme", "--url", "http://127.0.0.1:8090")
    first = hello("1.0", "trixie")
    with boot("trixie") as machine:
        boot.bed.stock(machine, first)
        machine.write("/etc/nginx/apt.logins", b"pi:{PLAIN}s3cret\n")
        machine.write("/etc/nginx/sites-enabled/apt", SITE.encode())

        def publish(*words: str | Path) -> None:
            repo(*words)
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                archive.add(tmp_path / "apt", "apt")
            machine.run(["tar", "--extract", "--directory", "/srv"], stdin=packed.getvalue())

        publish("add", first)
        machine.run(["systemctl", "reload-or-restart", "nginx"])
        line = 'sudo() { "$@"; }; ' + repo("bootstrap", "--login", "pi")
        assert machine.run(["bash", "-c", line], stdin=b"wrong\n", check=False).status != 0
        machine.run(["bash", "-c", line], stdin=b"s3cret\n")
        machine.run(["apt-get", "install", "--yes", "hello-pi"])
        assert version(machine) == "1.0"
        publish("add", hello("1.1", "trixie"))
        assert upgraded(machine) == "1.1"
        publish("rollback", "hello-pi")
        assert upgraded(machine) == "1.0"
        hidden = ["curl", "--silent", "--user", "pi:s3cret", "--output", "/dev/null"]
        hidden += ["--write-out", "%{http_code}", "http://127.0.0.1:8090/state/head.json"]
        assert machine.run(hidden).stdout == "404", "what only a publisher reads is not shown"
