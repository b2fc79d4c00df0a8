"""The debs for ARM: booted in a Debian of their own architecture, and run on the cpu of the first Pi."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from debians import Boot, Builder
from guestbooks import Guestbooks, dpkg_state, installing

from debonair import target as targets
from debonair import trial
from debonair.debian.apt import Suite, host_architecture
from debonair.debian.mirror import mirror
from debonair.debian.rootfs import emulation
from debonair.debian.rootfs.container import Container
from debonair.host import run
from debonair.target import compatibility

pytestmark = [pytest.mark.boot, pytest.mark.long]

TARGETS = ("trixie-arm64", "bookworm-armv7")
"""Each suite and each architecture once: emulation takes two minutes of CPU for each."""
PATIENCE = 900
"""Seconds for an install: more than the app's own health-timeout, and more than once."""
ENTRY = "Grüße von einem Pi"


@pytest.fixture(scope="module")
def lives(
    boot: Boot, build: Builder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[None]]]:
    """The life of a guest book on each target, side by side: an emulated machine keeps one core busy."""
    folder = tmp_path_factory.mktemp("lives")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            yield {name: pool.submit(live, name, boot, build, folder / name) for name in TARGETS}
        finally:
            pool.shutdown(cancel_futures=True)


def live(name: str, boot: Boot, build: Builder, folder: Path) -> None:
    """Install, open, restart, upgrade, roll back and purge the guest book on an emulated target."""
    target = targets.load(name)
    # Emulated beside other work, an app takes minutes to load.
    guestbooks = Guestbooks(build, folder, "health-timeout = 300", target.suite, name.partition("-")[2])
    with boot(target.suite, architecture=target.architecture) as machine:
        assert (
            machine.run(["uname", "-m"]).stdout.strip()
            == {"arm64": "aarch64", "armhf": "armv7l"}[target.architecture]
        )
        trial.install(boot.bed, machine, guestbooks("1.0"))
        assert_serves(machine, "1.0")
        assert machine.get("/", data={"name": "A test", "message": ENTRY}).status == 302

        machine.run(["systemctl", "restart", "guestbook"])
        assert_serves(machine, "1.0")
        started = machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout

        upgraded = installing(machine, guestbooks("1.1"), timeout=PATIENCE)
        assert upgraded.status == 0, upgraded.stderr
        assert_serves(machine, "1.1")

        machine.run(["guestbook", "rollback"])
        assert_serves(machine, "1.0")
        assert ENTRY in machine.get("/").text
        assert machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout != started
        assert dpkg_state(machine).startswith("ii  1.1-")

        machine.run(["apt-get", "purge", "--yes", "guestbook"])
        assert machine.run(["find", "/usr/lib/guestbook", "/etc/guestbook"], check=False).stdout == ""
        machine.run(["systemctl", "restart", "nginx"])
        assert "Welcome to nginx" in machine.get("/").text


def assert_serves(machine: Container, version: str) -> None:
    assert not (refused := trial.refusal(machine, "guestbook")), refused
    assert trial.healthy(machine, "guestbook", trial.Site("/healthz"), within=300).status == 200
    assert f"<h1>{version}</h1>" in machine.get("/").text


@pytest.mark.parametrize("name", TARGETS)
def test_a_deb_for_arm_lives(name: str, lives: Mapping[str, Future[None]]) -> None:
    lives[name].result()


def unpack(debs: tuple[Path, ...], root: Path) -> None:
    """Unpack packages without running anything of them, /bin and the like being links (usrmerge)."""
    for name in ("bin", "lib", "sbin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as members:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=members.stdout, check=True
            )
        assert members.returncode == 0


LOOK = """
import platform, sys, sysconfig
sys.path.insert(0, sys.argv[1])
import app
page = b"".join(app.app({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda *_: None))
print(platform.machine(), sysconfig.get_platform(), page.decode().strip(), sep="|")
"""


OLDEST = "bookworm"
"""The suite whose armel is run. Its last point release was in 2026, so its pool no longer changes; later
suites lose armel package by package, while their index still names them."""


@pytest.fixture(scope="module")
def first_pi(boot: Boot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a Python for ARMv6, and an emulator for the cpu of the first Pi.

    Debian's armel stands in for Raspbian, whose float ABI it does not have: right for what is not compiled.
    """
    folder = tmp_path_factory.mktemp("armel")
    root, status = folder / "root", folder / "status"
    status.touch()
    suite = Suite.of(OLDEST, "armel", mirror=mirror(os.environ), cache=boot.bed.cache)
    unpack(suite.fetch(("libc6", "python3"), status=status), root)
    qemu = emulation.emulator("armhf", host_architecture(), mirror=suite.mirror, cache=boot.bed.cache)
    (root / "usr/bin/qemu-arm").write_bytes(qemu.read_bytes())
    (root / "usr/bin/qemu-arm").chmod(0o755)
    return root


def on_the_first_pi(root: Path) -> list[str | Path]:
    """Return the words that run a program of ``root`` on the emulated cpu of the first Pi."""
    clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin", "QEMU_CPU=arm1176"]
    return [*clean, "chroot", root, "/usr/bin/qemu-arm"]


@pytest.mark.parametrize("suite_name", ["trixie", "bookworm"])
def test_pure_python_runs_on_the_cpu_of_the_first_pi(
    suite_name: str, build: Builder, first_pi: Path, tmp_path: Path
) -> None:
    """The cpu is what matters here: the one Python runs the debs of both suites, from their sources."""
    deb = build("hello", f"{suite_name}-armv6")
    assert compatibility.check(deb).problems == ()
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path / "deb"], check=True)
    app = Path("srv", suite_name)
    shutil.copytree(tmp_path / "deb/usr/lib/hello-pi/dist/app", first_pi / app)
    words = ["/usr/bin/python3", "-IB", "-c", LOOK, str(Path("/", app))]
    output = run.run([*on_the_first_pi(first_pi), *words]).stdout
    assert output == "armv6l|linux-armv6l|Hello from a Raspberry Pi!\n"


def test_that_cpu_stops_at_code_for_later_ones(boot: Boot, first_pi: Path, tmp_path: Path) -> None:
    """It is the old one indeed: Debian's armhf is made for ARMv7, and dies of an illegal instruction."""
    status = tmp_path / "status"
    status.touch()
    suite = Suite.of(OLDEST, "armhf", mirror=mirror(os.environ), cache=boot.bed.cache)
    unpack(suite.fetch(("libc6",), status=status), first_pi / "srv/armhf")
    words = [*on_the_first_pi(first_pi), "/srv/armhf/usr/lib/ld-linux-armhf.so.3", "--version"]
    assert run.run(words, check=False).status in {-signal.SIGILL, 128 + signal.SIGILL}
