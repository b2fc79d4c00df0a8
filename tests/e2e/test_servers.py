"""A machine's life with a repository, whatever serves it: stock apt and unattended-upgrades of each Debian.

A Debian is booted once; each test bootstraps it from nothing, and takes away what it has installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import servers
from debians import Boot
from followers import FORGET, RELEASES, Follower, equip
from s3 import S3, serving
from servers import Server, Site

from debonair.debian.rootfs.container import Container

pytestmark = pytest.mark.boot

LAST = "cafe" * 8
"""A machine-id that is not among the 1 % that 0 % reaches."""
PURGE = f"""
apt-get purge --yes hello acme-archive-keyring
rm -f /etc/apt/auth.conf.d/acme.conf
{FORGET}
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
        equip(boot, machine, "unattended-upgrades", "apt-file")
        machine.write("/etc/machine-id", f"{LAST}\n".encode())
        yield machine


@pytest.fixture
def follower(machine: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    yield Follower(machine, tmp_path)
    machine.run(["sh", "-c", PURGE])


@pytest.fixture(params=servers.SERVERS, ids=lambda each: each.__name__)
def site(request: pytest.FixtureRequest, follower: Follower, s3: S3) -> Iterator[Site]:
    server: Server = request.param
    with server(follower.machine, follower.folder, s3) as site:
        site.repo("add", follower.deb("hello", "1.0"))
        yield site


def test_a_life(follower: Follower, site: Site) -> None:
    site.bootstrap(follower.machine)
    assert follower.install("hello").status == 0
    assert follower.version() == "1.0"
    found = follower.machine.run(["apt-file", "search", "share/hello/"]).stdout
    assert found == "hello: /usr/share/hello/text\n"

    site.repo("add", follower.deb("hello", "1.1"), "--channel", "testing")
    assert follower.upgraded() == "1.0", "testing is another channel"
    site.repo("promote", "hello", "1.1")
    assert follower.update() == ""
    for word, version in (("hello", "1.1"), ("hello=1.0*", "1.0")):
        output = follower.machine.run(["apt", "changelog", word]).stdout
        assert f"{version} is new" in output.splitlines()
    assert follower.upgraded() == "1.1"

    site.repo("add", follower.deb("hello", "1.2"), "--percent", "0")
    assert follower.unattended() == "1.1"
    site.repo("rollout", "hello", "1.2", "--percent", "99")
    assert follower.unattended() == "1.2"
    site.repo("rollout", "hello", "1.2", "--halt")
    assert follower.upgraded() == "1.2", "who has it keeps it"
    site.repo("rollback", "hello")
    assert follower.unattended() == "1.1"
    assert "suites are healthy, signed by" in site.repo("verify")

    who = []
    if site.login:
        secret = ["stat", "--format", "%a %U", "/etc/apt/auth.conf.d/acme.conf"]
        assert follower.machine.run(secret).stdout == "600 root\n"
        assert site.status(follower.machine, "index.html") == "401"
        who = ["--user", f"{site.login}:{servers.PASSWORD}"]
    shown = site.status(follower.machine, "state/head.json", *who)
    assert shown == ("200" if "fleet" in site.url else "404"), "what only a publisher reads"


@pytest.fixture
def asleep(follower: Follower) -> Iterator[Sleeper]:
    """A machine that has followed a repository, has hello 1.0 from it, and has been switched off."""
    site = servers.made(str(follower.folder / "apt"), "http://127.0.0.1:8080")
    site.repo("add", follower.deb("hello", "1.0"))
    with servers.served(follower.machine, Path(site.place)):
        site.bootstrap(follower.machine)
        assert follower.install("hello").status == 0
    follower.machine.poweroff()
    yield Sleeper(follower, site)
    if not follower.machine.alive:
        follower.machine.start()


@dataclass(frozen=True)
class Sleeper:
    """A machine that is switched off, and the repository that it will ask."""

    follower: Follower
    site: Site

    @contextmanager
    def awake(self) -> Iterator[Follower]:
        """Switch it on for a while."""
        self.follower.machine.start()
        with servers.served(self.follower.machine, Path(self.site.place)):
            yield self.follower


def test_asleep_while_a_key_is_added(asleep: Sleeper) -> None:
    asleep.site.repo("rotate-key")
    asleep.site.repo("add", asleep.follower.deb("hello", "1.1"))
    with asleep.awake() as follower:
        assert follower.unattended() == "1.1", "the older key signs still"
        assert follower.version("acme-archive-keyring").startswith("2+deb"), "and brings the newer one"
        asleep.site.repo("rotate-key", "--finish")
        asleep.site.repo("add", follower.deb("hello", "1.2"))
        assert follower.unattended() == "1.2"


def test_asleep_until_the_older_key_is_given_up(asleep: Sleeper) -> None:
    asleep.site.repo("rotate-key")
    asleep.site.repo("rotate-key", "--finish")
    asleep.site.repo("add", asleep.follower.deb("hello", "1.1"))
    with asleep.awake() as follower:
        missing = {"bookworm": "NO_PUBKEY"}.get(follower.machine.suite, "Missing key")
        assert missing in follower.update()
        follower.machine.run(["apt", "upgrade", "--yes"])
        follower.machine.run(["unattended-upgrade"])
        assert follower.version() == "1.0", "it stays with what it has"
        asleep.site.bootstrap(follower.machine)
        assert follower.upgraded() == "1.1"
