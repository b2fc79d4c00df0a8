"""A machine's life with a repository, whatever serves it: stock apt and unattended-upgrades of each Debian.

A Debian is booted once; each test bootstraps it from nothing, and takes away what it has installed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import servers
from debians import Boot
from debs import make_deb
from s3 import S3, serving
from servers import Server, Site

from debonair import target
from debonair.suite import host_architecture
from debonair.trial.container import Container

pytestmark = pytest.mark.boot

RELEASES = {each.suite: each.debian_release for each in map(target.load, target.names())}
LAST = "cafe" * 8
"""A machine-id that is not among the 1 % that 0 % reaches."""
FORGET = """
apt-get purge --yes hello acme-archive-keyring
rm -rf /etc/apt/auth.conf.d/acme.conf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
"""


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """A server of buckets, one that anybody may read, and one for its own accounts alone."""
    with serving() as s3, pytest.MonkeyPatch.context() as patch:
        s3.bucket("fleet")
        s3.bucket("vault", public=False)
        for name, value in s3.environment(s3.user("ada")).items():
            patch.setenv(name, value)
        s3.private = True
        yield s3


@pytest.fixture(scope="module", params=sorted(RELEASES))
def machine(request: pytest.FixtureRequest, boot: Boot) -> Iterator[Container]:
    with boot(request.param) as machine:
        boot.bed.stock(machine, "unattended-upgrades", "apt-file")
        machine.run(["apt-get", "install", "--yes", "unattended-upgrades", "apt-file"])
        # What it was made with is no part of a Debian, such as not to mind an expiry.
        machine.run(["rm", "-f", "/etc/apt/apt.conf.d/99mmdebstrap", "/etc/apt/sources.list"])
        machine.write("/etc/machine-id", f"{LAST}\n".encode())
        yield machine


@dataclass(frozen=True)
class Client:
    """A Debian that knows a repository."""

    machine: Container
    folder: Path

    def deb(self, version: str) -> Path:
        """Make a version of the app."""
        version = f"{version}-1+deb{RELEASES[self.machine.suite]}"
        files: dict[str, str | bytes] = {
            "usr/share/hello/text": version,
            "usr/share/doc/hello/changelog.Debian.gz": gzip.compress(
                f"What is new in {version}\n".encode()
            ),
        }
        return make_deb(self.folder / "debs", "hello", version, host_architecture(), files=files)

    def update(self) -> str:
        """Fetch the lists; return what apt complained of."""
        words = ["-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Languages=none"]
        done = self.machine.run(["apt-get", "update", *words], check=False)
        said = done.stdout + done.stderr
        return "\n".join(line for line in said.splitlines() if line.startswith(("E:", "W:", "Err:")))

    def upgraded(self) -> str:
        """Upgrade by apt; return the version of the app."""
        assert self.update() == ""
        self.machine.run(["apt", "upgrade", "--yes"])
        return self.version()

    def unattended(self) -> str:
        """Let the machine upgrade by itself; return the version of the app."""
        assert self.update() == ""
        self.machine.run(["unattended-upgrade"])
        return self.version()

    def version(self, package: str = "hello") -> str:
        """The version that is installed, without revision and suite."""
        shown = self.machine.run(["dpkg-query", "--show", "--showformat", "${Version}", package]).stdout
        return shown.partition("-1+")[0]


@pytest.fixture
def client(machine: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield Client(machine, tmp_path)
    machine.run(["sh", "-c", FORGET])


@pytest.fixture(params=servers.SERVERS, ids=lambda each: each.__name__)
def site(request: pytest.FixtureRequest, client: Client, s3: S3) -> Iterator[Site]:
    server: Server = request.param
    with server(client.machine, client.folder, s3) as site:
        site.repo("add", client.deb("1.0"))
        yield site


def test_a_life(client: Client, site: Site) -> None:
    site.bootstrap(client.machine)
    assert client.machine.run(["apt-get", "install", "--yes", "hello"]).status == 0
    assert client.version() == "1.0"
    found = client.machine.run(["apt-file", "search", "share/hello/"]).stdout
    assert found == "hello: /usr/share/hello/text\n"

    site.repo("add", client.deb("1.1"), "--channel", "testing")
    assert client.upgraded() == "1.0", "testing is another channel"
    site.repo("promote", "hello", "1.1")
    assert client.update() == ""
    for word, known in (("hello", "1.1-1"), ("hello=1.0*", "1.0-1")):
        assert f"What is new in {known}" in client.machine.run(["apt", "changelog", word]).stdout
    assert client.upgraded() == "1.1"

    site.repo("add", client.deb("1.2"), "--percent", "0")
    assert client.unattended() == "1.1"
    site.repo("rollout", "hello", "1.2", "--percent", "99")
    assert client.unattended() == "1.2"
    site.repo("rollout", "hello", "1.2", "--halt")
    assert client.upgraded() == "1.2", "who has it keeps it"
    site.repo("rollback", "hello")
    assert client.unattended() == "1.1"
    assert "all is well" in site.repo("verify")

    who = []
    if site.login:
        secret = client.machine.run(["stat", "--format", "%a %U", "/etc/apt/auth.conf.d/acme.conf"]).stdout
        assert secret == "600 root\n"
        assert site.status(client.machine, "index.html") == "401"
        who = ["--user", f"{site.login}:{servers.PASSWORD}"]
    shown = site.status(client.machine, "state/head.json", *who)
    assert shown == ("200" if "fleet" in site.url else "404"), "what only a publisher reads"


@pytest.fixture
def asleep(client: Client) -> Iterator[Sleeper]:
    """A machine that has followed a repository, has hello 1.0 from it, and has been switched off."""
    site = servers.made(str(client.folder / "apt"), "http://127.0.0.1:8080")
    site.repo("add", client.deb("1.0"))
    with servers.served(client.machine, Path(site.place)):
        site.bootstrap(client.machine)
        client.machine.run(["apt-get", "install", "--yes", "hello"])
    client.machine.poweroff()
    yield Sleeper(client, site)
    if not client.machine.alive:
        client.machine.start()


@dataclass(frozen=True)
class Sleeper:
    """A machine that is switched off, and the repository that it will ask."""

    client: Client
    site: Site

    @contextmanager
    def awake(self) -> Iterator[Client]:
        """Switch it on for a while."""
        self.client.machine.start()
        with servers.served(self.client.machine, Path(self.site.place)):
            yield self.client


def test_asleep_while_a_key_is_added(asleep: Sleeper) -> None:
    asleep.site.repo("rotate-key")
    asleep.site.repo("add", asleep.client.deb("1.1"))
    with asleep.awake() as client:
        assert client.unattended() == "1.1", "the older key signs still"
        assert client.version("acme-archive-keyring").startswith("2+deb"), "and brings the newer one"
        asleep.site.repo("rotate-key", "--finish")
        asleep.site.repo("add", client.deb("1.2"))
        assert client.unattended() == "1.2"


def test_asleep_until_the_older_key_is_given_up(asleep: Sleeper) -> None:
    asleep.site.repo("rotate-key")
    asleep.site.repo("rotate-key", "--finish")
    asleep.site.repo("add", asleep.client.deb("1.1"))
    with asleep.awake() as client:
        missing = {"bookworm": "NO_PUBKEY"}.get(client.machine.suite, "Missing key")
        assert missing in client.update()
        client.machine.run(["apt", "upgrade", "--yes"])
        client.machine.run(["unattended-upgrade"])
        assert client.version() == "1.0", "it stays with what it has"
        asleep.site.bootstrap(client.machine)
        assert client.upgraded() == "1.1"
