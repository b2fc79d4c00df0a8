"""A debian/ that is kept by hand and was built by dh-virtualenv, moved to the sequence of Debonair."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import buildroot
import pytest
from debians import EXAMPLES, Boot
from pages import DOCS, blocks

from debonair import trial
from debonair.deb import archive
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.root import Root
from debonair.host import run

pytestmark = [pytest.mark.boot, pytest.mark.long]

OLD = Path(__file__).with_name("dh-virtualenv")
"""The debian/ as dh-virtualenv's own tutorial has it."""
GUIDE = DOCS / "how-to/from-dh-virtualenv.md"


def moved(root: Path) -> Path:
    """Return ``root``, made the guest book with its debian/, after what the guide has typed."""
    shutil.copytree(EXAMPLES / "guestbook", root)
    shutil.copytree(OLD, root / "debian")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for block in blocks(GUIDE):
        if block.is_command:
            subprocess.run(
                ["bash", "-euc", block.body], cwd=root, env={**os.environ, "PATH": path}, check=True
            )
    return root


def built(root: Path, boot: Boot, own: Path, *more: str) -> Path:
    """Build what is in ``root`` in a clean root without a network."""
    clean = Root("trixie", host_architecture(), buildroot.PACKAGES)
    (deb,) = buildroot.build(boot.bed, root, clean, [own, *more], root.parent)
    return deb


@pytest.fixture(scope="module")
def machine(boot: Boot) -> Iterator[Container]:
    with boot("trixie") as booted:
        yield booted


def unharmed(deb: Path) -> int:
    """Count the files of the environment that are what their wheel's RECORD says."""
    found = archive.read(deb, keep=lambda path: "/venv/" in path)
    modules = "usr/lib/guestbook/dist/venv/lib/python3.13/site-packages/"
    checked = 0
    for path, data in found.contents.items():
        if path.endswith(".dist-info/RECORD"):
            for line in data.decode().splitlines():
                name, digest, _ = line.rsplit(",", 2)
                if digest:
                    file = os.path.normpath(modules + name)
                    packed = hashlib.sha256(found.contents[file]).digest()
                    assert base64.urlsafe_b64encode(packed).decode().rstrip("=") == digest.partition("=")[2]
                    checked += 1
    return checked


def test_the_moved_package_is_served_and_upgraded(
    machine: Container, boot: Boot, own: Path, tmp_path: Path
) -> None:
    root = moved(tmp_path / "guestbook-1.0")
    deb = built(root, boot, own)
    scripts = {
        name: data.decode() for name, data in archive.read(deb).members.items() if name.startswith("p")
    }
    assert re.search("dh_installsystemd(.|\n)*deb-systemd-helper enable", scripts["postinst"])
    assert re.search(
        "dh_installsysusers(.|\n)*systemd-sysusers(.|\n)*dh_debonair_scripts", scripts["postinst"]
    )
    assert scripts["postinst"].count("systemd-sysusers") == 1, "nothing is done twice"
    assert unharmed(deb) > 100
    trial.install(boot.bed, machine, deb)
    trial.healthy(machine, "guestbook", trial.Site("/healthz"))
    assert machine.get("/", data={"name": "A test", "message": "before the upgrade"}).status == 302
    assert machine.run(["systemctl", "is-enabled", "guestbook"]).stdout.strip() == "enabled"
    started = machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout

    changelog = root / "debian/changelog"
    changelog.write_text(changelog.read_text().replace("(1.0-1)", "(1.0-2)") + "\n" + changelog.read_text())
    trial.install(boot.bed, machine, built(root, boot, own))
    trial.healthy(machine, "guestbook", trial.Site("/healthz"))
    assert "before the upgrade" in machine.get("/").text
    assert machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout != started, (
        "nothing of the old release is left"
    )
    assert machine.run(["guestbook", "releases"]).stdout.splitlines()[0].startswith("1.0-2")

    machine.run(["apt-get", "purge", "--yes", "guestbook"])
    assert machine.run(["getent", "passwd", "guestbook"], check=False).status != 0
    assert machine.run(["systemctl", "status", "guestbook"], check=False).status == 4, "no such unit"


def test_beside_the_sequence_of_python3(boot: Boot, own: Path, tmp_path: Path) -> None:
    """dh_python3 would compile, and rewrite, what lies in a private folder."""
    root = moved(tmp_path / "guestbook-1.0")
    rules, control = root / "debian/rules", root / "debian/control"
    rules.write_text(rules.read_text().replace("--with debonair", "--with python3,debonair"))
    control.write_text(control.read_text().replace("debonair, python3", "debonair, python3, dh-python"))
    deb = built(root, boot, own, "dh-python")
    assert unharmed(deb) > 100
    assert "py3compile" not in archive.read(deb).members["postinst"].decode()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("wheels", "has no wheels for trixie"),
        ("lock", "was written for other requirements"),
        ("bytes", "has another sha256 than the file that pylock.trixie-.* names"),
        ("name", "debian/control has no package 'guestbook'"),
        ("all", "has 'Architecture: all', but contains compiled files."),
    ],
)
def test_what_cannot_be_built(spoil: str, message: str, boot: Boot, own: Path, tmp_path: Path) -> None:
    root = moved(tmp_path / "guestbook-1.0")
    control = root / "debian/control"
    if spoil == "wheels":
        shutil.rmtree(root / "debian/wheels")
    elif spoil == "lock":
        (root / "requirements.txt").write_text((root / "requirements.txt").read_text() + "\n# changed\n")
    elif spoil == "bytes":
        next((root / "debian/wheels").glob("flask-*.whl")).write_bytes(b"other")
    elif spoil == "name":
        control.write_text(control.read_text().replace("Package: guestbook", "Package: visitors"))
    else:
        control.write_text(control.read_text().replace("Architecture: any", "Architecture: all"))
    with pytest.raises(run.CommandError) as caught:
        built(root, boot, own)
    assert re.search(message, caught.value.output), caught.value.output
    assert "Traceback" not in caught.value.output
    assert "Hint:" in caught.value.output
