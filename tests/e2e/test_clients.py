"""Stock apt of each Debian before a repository: what it refuses, and which machines take a release.

A Debian is booted once; what was done to the repository and to its apt is undone after each test.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from debians import Boot
from followers import FORGET, RELEASES, Follower, equip
from publisher import repo
from servers import served

from debonair.debian.apt import host_architecture
from debonair.host import run
from debonair.repository.signing import Gpg

pytestmark = pytest.mark.boot

IDS = [f"{random.Random(number).getrandbits(128):032x}" for number in range(200)]
WOULD = "! apt-get --simulate --quiet -o APT::Machine-ID=$0 upgrade | grep -q '^Inst hello ' || echo $0"


@dataclass(frozen=True)
class Watched(Follower):
    """A Debian that follows a repository in ``apt`` below its folder; its keys are in ``config``."""

    @property
    def root(self) -> Path:
        return self.folder / "apt"

    @property
    def dists(self) -> Path:
        return self.root / "dists" / self.machine.suite

    @property
    def index(self) -> Path:
        return self.dists / f"main/binary-{host_architecture()}"

    def refuses(self) -> None:
        """Assert that apt installs nothing from what is served now, be it with its lists or without."""
        assert self.install("hello").status != 0
        assert self.version() == ""
        self.machine.run(["sh", "-c", FORGET])
        self.update()
        assert self.install("hello").status != 0
        assert self.version() == ""

    def share(self, ids: Sequence[str] = IDS) -> set[str]:
        """Those of the machine-ids that would upgrade."""
        assert self.update() == ""
        each = ["xargs", "--max-procs=2", "--max-args=1", "sh", "-c", WOULD]
        return set(self.machine.run(each, stdin="\n".join(ids).encode()).stdout.split())


@pytest.fixture(scope="module", params=sorted(RELEASES))
def booted(
    request: pytest.FixtureRequest, boot: Boot, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch, boot(request.param) as machine:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("DEBONAIR_REPOSITORY", str(folder / "apt"))
        follower = Watched(machine, folder)
        repo("init", folder / "apt", "--name", "acme", "--url", "http://127.0.0.1:8080")
        repo("add", follower.deb("hello", "1.0"))
        equip(boot, machine, "unattended-upgrades")
        with served(machine, follower.root):
            machine.run(["bash", "-c", 'sudo() { "$@"; }; ' + repo("bootstrap")])
            yield follower


@pytest.fixture
def follower(booted: Watched) -> Iterator[Watched]:
    """The booted Debian, which knows hello 1.0 and has not installed it."""
    kept = booted.folder / "kept"
    places = booted.folder / "config/debonair/places"
    shutil.copytree(booted.root, kept)
    shutil.copytree(places, booted.folder / "places")
    assert booted.update() == ""
    yield booted
    for path in booted.root.iterdir():  # the folder itself is served
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(kept, booted.root, dirs_exist_ok=True)
    shutil.rmtree(kept)
    shutil.rmtree(places)  # what this machine has seen of it meanwhile is no more
    (booted.folder / "places").rename(places)
    booted.machine.run(["sh", "-c", f"dpkg --purge hello stranger 2>/dev/null; {FORGET}"])


def test_what_is_not_tampered_with(follower: Watched) -> None:
    done = follower.install("hello")
    assert done.status == 0, done.stderr
    assert follower.version() == "1.0"
    assert "suites are healthy, signed by" in repo("verify")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def the_text(follower: Watched) -> None:
    flip(follower.dists / "InRelease", 60)


def the_signature(follower: Watched) -> None:
    flip(follower.dists / "InRelease", -80)


def the_packages(follower: Watched) -> None:
    for path in [*follower.index.glob("Packages*"), *follower.index.glob("by-hash/SHA256/*")]:
        flip(path, 40)


def expired(follower: Watched) -> None:
    """Sign, by the right key, a Release that was valid until yesterday."""
    lines = (follower.dists / "Release").read_text().splitlines(keepends=True)
    old = {"Date": "Mon, 02 Jan 2023 10:00:00 UTC\n", "Valid-Until": "Tue, 03 Jan 2023 10:00:00 UTC\n"}
    text = "".join(
        f"{line.partition(':')[0]}: {old.get(line.partition(':')[0])}"
        if line.partition(":")[0] in old
        else line
        for line in lines
    )
    signed_by(follower, text, Gpg(follower.folder / "config/debonair/repositories/acme/gnupg"))


def by_another_key(follower: Watched) -> None:
    other = Gpg(follower.folder / "other")
    if not (follower.folder / "other").exists():
        other.create("acme archive key", now=now())
    signed_by(follower, (follower.dists / "Release").read_text(), other)


def signed_by(follower: Watched, text: str, signer: Gpg) -> None:
    assert signer.home
    listed = ["gpg", "--homedir", str(signer.home), "--batch", "--with-colons", "--list-keys"]
    shown = run.run(listed).stdout
    fingerprint = next(line for line in shown.splitlines() if line.startswith("fpr:")).split(":")[9]
    signed = signer.sign(text, [fingerprint], now=now())
    names = {"Release": text, "Release.gpg": signed.detached, "InRelease": signed.inline}
    for name, data in names.items():
        (follower.dists / name).write_text(data)


def now() -> int:
    from debonair.host import clock

    return clock.now(os.environ)


@pytest.mark.parametrize(
    ("tamper", "apt", "verify"),
    [
        (the_text, "", "no valid signature"),
        (the_signature, "", "no valid signature"),
        (the_packages, "", "its bytes are not the signed ones"),
        (expired, "xpired", "expired on"),
        (by_another_key, "", "no valid signature"),
    ],
)
def test_indices(follower: Watched, tamper: Callable[[Watched], None], apt: str, verify: str) -> None:
    follower.machine.run(["sh", "-c", FORGET])
    tamper(follower)
    output = follower.update()
    assert output
    assert apt in output
    follower.refuses()
    assert verify in repo("verify", code=11)


def a_byte(follower: Watched, deb: Path) -> None:
    flip(deb, 500)


def another_of_the_same_size(follower: Watched, deb: Path) -> None:
    size = deb.stat().st_size
    others = (follower.deb("hello", "1.0", letter * 16).read_bytes() for letter in "yz0123456789")
    deb.write_bytes(next(other for other in others if len(other) == size))


@pytest.mark.parametrize("tamper", [a_byte, another_of_the_same_size])
def test_debs(follower: Watched, tamper: Callable[[Watched, Path], None]) -> None:
    (deb,) = follower.root.glob("pool/h/hello/*.deb")
    tamper(follower, deb)
    follower.refuses()
    assert "its bytes are not the signed ones" in repo("verify", code=11)


def test_an_older_index_is_replayed(follower: Watched) -> None:
    older = {name: (follower.dists / name).read_bytes() for name in ("InRelease", "Release", "Release.gpg")}
    repo("add", follower.deb("hello", "1.1"))
    assert follower.update() == ""
    for name, data in older.items():
        (follower.dists / name).write_bytes(data)
    follower.update()
    policy = follower.machine.run(["apt-cache", "policy", "hello"]).stdout
    assert "Candidate: 1.1-1" in policy, "it stays with what is newer"
    assert follower.version() == ""
    assert "InRelease does not belong to the newest change. Sign it again: debonair repo renew" in repo(
        "verify", code=11
    )


def test_testing_in_the_place_of_stable(follower: Watched) -> None:
    """Its InRelease is signed as well: a new machine refuses it by what the bootstrap deb has brought."""
    repo("add", follower.deb("hello", "1.1"), "--channel", "testing")
    shutil.rmtree(follower.dists)
    shutil.copytree(follower.root / f"dists/{follower.machine.suite}-testing", follower.dists)
    follower.machine.run(["sh", "-c", FORGET])
    done = follower.machine.run(["apt-get", "update"], check=False)
    assert "Conflicting distribution" in done.stdout + done.stderr
    assert follower.install("hello").status != 0
    assert follower.version() == ""
    guard = "/etc/apt/preferences.d/acme-suite.pref"
    follower.machine.run(["mv", guard, "/root/"])
    try:
        policy = follower.machine.run(["apt-cache", "policy", "hello"]).stdout
        assert "Candidate: 1.1-1" in policy, "this is what the guard is for"
    finally:
        follower.machine.run(["mv", "/root/acme-suite.pref", guard])


def test_a_share_of_the_machines_takes_a_release(
    follower: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    assert follower.install("hello").status == 0
    repo("add", follower.deb("hello", "1.1"), "--percent", "0")
    taken = {}
    for percent in (0, 10, 50, 100):
        if percent:
            repo("rollout", "hello", "1.1", "--percent", str(percent))
        taken[percent] = follower.share()
        share = len(taken[percent])
        with capsys.disabled():
            sys.stdout.write(f"\n{follower.machine.suite}: {percent} % is {share} of {len(IDS)} machines")
        chance = (percent + 1) / 101  # apt draws from 0 to 100, both included (apt_preferences(5))
        spread = (len(IDS) * chance * (1 - chance)) ** 0.5
        assert abs(share - len(IDS) * chance) <= 4 * spread
    assert taken[0] <= taken[10] <= taken[50] <= taken[100] == set(IDS)
    repo("rollout", "hello", "1.1", "--percent", "10")
    repo("rollout", "hello", "1.1", "--halt")
    assert follower.share() <= taken[10], "nobody else"
    assert (
        follower.machine.run(["apt-get", "--yes", "-o", f"APT::Machine-ID={IDS[0]}", "upgrade"]).status == 0
    )
    repo("rollout", "hello", "1.1", "--percent", "100")
    assert follower.update() == ""
    follower.machine.run(["apt-get", "--yes", "upgrade"])
    assert follower.version() == "1.1"
    repo("rollout", "hello", "1.1", "--halt")
    assert follower.share(IDS[:9]) == set()
    assert "Inst" not in follower.machine.run(["apt-get", "--simulate", "upgrade"]).stdout, (
        "who has it keeps it"
    )
    repo("rollback", "hello")
    assert follower.share(IDS[:9]) == set(IDS[:9]), "all that have it go back"
    follower.machine.run(["apt-get", "--yes", "upgrade"])
    assert follower.version() == "1.0"
    assert follower.share(IDS[:9]) == set()


def test_unattended_upgrades_follow_this_repository_alone(follower: Watched) -> None:
    other = follower.folder / "apt/other"  # below what is served
    repo("init", other, "--name", "other", "--url", "http://127.0.0.1:8080/other")
    repo("add", follower.deb("stranger", "1.0"), "-r", other)
    ring = "/usr/share/keyrings/other.gpg"
    follower.machine.copy_in(other / "other-archive-keyring.gpg", ring)
    entry = f"deb [signed-by={ring}] http://127.0.0.1:8080/other {follower.machine.suite} main\n"
    follower.machine.write("/etc/apt/sources.list.d/other.list", entry.encode())
    try:
        assert follower.update() == ""
        assert follower.install("hello", "stranger").status == 0
        repo("add", follower.deb("hello", "1.1"))
        repo("add", follower.deb("stranger", "1.1"), "-r", other)
        assert follower.update() == ""
        assert "stranger" in follower.machine.run(["apt-get", "--simulate", "upgrade"]).stdout
        follower.machine.run(["unattended-upgrade", "--verbose"])
        assert follower.version() == "1.1"
        assert follower.version("stranger") == "1.0"
    finally:
        follower.machine.run(["rm", "/etc/apt/sources.list.d/other.list", ring])
        shutil.rmtree(follower.folder / "config/debonair/repositories/other", ignore_errors=True)
