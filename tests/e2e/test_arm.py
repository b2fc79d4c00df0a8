"""The deb for a 32-bit Pi, run by the ARM programs of its own suite, which qemu-user emulates."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import probe
import pytest
from debians import Boot, Builder
from release import Release

from debonair import checks, run
from debonair.mirror import mirror
from debonair.suite import Suite

pytestmark = pytest.mark.boot

QEMU = Path("/usr/bin/qemu-arm-static")
PACKAGES = ("libc6", "python3", "uwsgi-core", "uwsgi-plugin-python3")


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


@pytest.fixture(params=["trixie", "bookworm"])
def served(request: pytest.FixtureRequest, build: Builder, boot: Boot) -> Iterator[Path]:
    """The socket on which the armv7 guest book's vassal listens."""
    # a socket's path has 108 bytes at most, and pytest's own folders have long names: unix(7)
    with tempfile.TemporaryDirectory(prefix="arm.") as folder:
        yield from serve(Path(folder), request.param, build, boot)


def serve(folder: Path, suite_name: str, build: Builder, boot: Boot) -> Iterator[Path]:
    root, status, log = folder / "root", folder / "status", folder / "log"
    status.touch()
    suite = Suite.of(suite_name, "armhf", mirror=mirror(os.environ), cache=boot.bed.cache)
    unpack((*suite.fetch(PACKAGES, status=status), build("guestbook", f"{suite_name}-armv7")), root)
    for name in ("run/guestbook", "var/lib/guestbook", "tmp", "dev", "proc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "dev/null").touch()
    plugins = root / "usr/lib/uwsgi/plugins"
    if not (plugins / "python3_plugin.so").exists():  # bookworm's postinst makes it, by alternatives
        (plugins / "python3_plugin.so").symlink_to(next(plugins.glob("python31*_plugin.so")).name)
    (root / "usr/bin" / QEMU.name).write_bytes(QEMU.read_bytes())
    (root / "usr/bin" / QEMU.name).chmod(0o755)
    release = Release.read(root / "usr/lib/guestbook/dist")
    (root / "usr/lib/guestbook/releases").mkdir()  # on a Pi, postinst keeps what dpkg unpacked as a release
    (root / "usr/lib/guestbook/releases" / release.name).symlink_to("../dist")
    sock = root / release.socket("sock").relative_to("/")
    inside = ["/usr/bin/qemu-arm-static", "/usr/bin/uwsgi-core", "--ini"]
    environment = ["env", "-i", "STATE_DIRECTORY=/var/lib/guestbook", "PATH=/usr/sbin:/usr/bin"]
    vassal = f"/usr/lib/guestbook/releases/{release.name}/vassals/web.ini"
    process = run.start([*environment, "chroot", root, *inside, vassal], output=log)
    try:
        deadline = time.monotonic() + 120
        while not sock.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield sock
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()


def test_the_armv7_deb_answers_through_uwsgi(served: Path) -> None:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(60)
        asking.connect(str(served))
        asking.sendall(probe.request("/healthz", "localhost"))
        answer = b"".join(iter(lambda: asking.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body) == {"status": "ok", "compiled": True}


LOOK = """
import platform, sys, sysconfig
sys.path.insert(0, sys.argv[1])
import app
page = b"".join(app.app({"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, lambda *_: None))
print(platform.machine(), sysconfig.get_platform(), page.decode().strip(), sep="|")
"""


@pytest.mark.parametrize("suite_name", ["trixie", "bookworm"])
def test_pure_python_runs_on_the_cpu_of_the_first_pi(
    suite_name: str, build: Builder, boot: Boot, tmp_path: Path
) -> None:
    """Debian's armel stands in for Raspbian, whose float ABI it has not: right for what is not compiled."""
    deb = build("hello", f"{suite_name}-armv6")
    assert checks.check(deb).problems == ()
    root, status = tmp_path / "root", tmp_path / "status"
    status.touch()
    suite = Suite.of(suite_name, "armel", mirror=mirror(os.environ), cache=boot.bed.cache)
    unpack((*suite.fetch(("libc6", "python3"), status=status), deb), root)
    (root / "usr/bin" / QEMU.name).write_bytes(QEMU.read_bytes())
    (root / "usr/bin" / QEMU.name).chmod(0o755)
    app = "/usr/lib/hello-pi/dist/app"
    words: list[str | Path] = ["env", "-i", "PATH=/usr/sbin:/usr/bin", "QEMU_CPU=arm1176", "chroot", root]
    words += ["/usr/bin/qemu-arm-static", "/usr/bin/python3", "-IB", "-c", LOOK, app]
    said = run.run(words).stdout
    assert said == "armv6l|linux-armv6l|Hello from a Raspberry Pi!\n"
