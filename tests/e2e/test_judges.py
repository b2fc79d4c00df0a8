"""Debian's own judges of packages: autopkgtest, piuparts and lintian, in a Debian of their own."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import buildroot
import own_deb
import pytest
from debians import Boot, Builder

from debonair.deb import archive
from debonair.debian.apt import host_architecture
from debonair.debian.mirror import mirror
from debonair.debian.rootfs.bed import index
from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.root import BARE, LOCAL_DEBS, Root

pytestmark = [pytest.mark.boot, pytest.mark.long]

TARGET = f"trixie-{host_architecture()}"
TOOLS = ("autopkgtest", "dpkg-dev", "lintian", "openssh-server", "piuparts")
DEPENDS = ("curl", "man-db", "nginx", "uwsgi-core", "uwsgi-plugin-python3")
"""What debian/tests/control asks for."""
_SSH = """\
ssh-keygen -q -N '' -f /root/key
install -d -m 0700 /root/.ssh
cp /root/key.pub /root/.ssh/authorized_keys
systemctl start ssh
"""


@pytest.fixture(scope="module")
def guestbook(build: Builder) -> Path:
    return build("guestbook", TARGET)


@pytest.fixture(scope="module")
def machine(boot: Boot, own: Path, guestbook: Path) -> Iterator[Container]:
    """A Debian with the judges, whose apt has what the packages need."""
    with boot("trixie", ready=False) as booted:
        boot.bed.stock(booted, *TOOLS, *DEPENDS, own, guestbook)
        booted.run(["apt-get", "install", "--yes", "--no-install-recommends", *TOOLS])
        yield booted


def older(deb: Path, out: Path) -> Path:
    """Return ``deb`` as an older version of itself."""
    fields = archive.read_control(deb)
    unpacked = out / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, unpacked], check=True)
    control = unpacked / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {fields['Version']}\n", "Version: 0.0.1-1\n"))
    made = out / f"{fields['Package']}_0.0.1-1_{fields['Architecture']}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z0", "--build", unpacked, made], check=True)
    shutil.rmtree(unpacked)
    return made


def without_devices(path: Path) -> bytes:
    """Return a tar with an empty file for each device.

    Root of a container may not create devices; piuparts mounts those of the container there.
    """
    found = io.BytesIO()
    with tarfile.open(path) as source, tarfile.open(fileobj=found, mode="w") as kept:
        for member in source:
            if member.isdev():
                member.type = tarfile.REGTYPE
            kept.addfile(member, source.extractfile(member) if member.size else None)
    return found.getvalue()


@pytest.mark.parametrize("package", ["guestbook", "debonair"])
def test_piuparts(
    package: str, machine: Container, boot: Boot, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Installed, upgraded, removed and purged, it leaves nothing and touches nothing of others."""
    deb: Path = request.getfixturevalue({"guestbook": "guestbook", "debonair": "own"}[package])
    before = older(deb, tmp_path)
    for path in (deb, before):
        machine.copy_in(path, f"{LOCAL_DEBS}/{path.name}" if path is before else f"/srv/{path.name}")
    listed = machine.read(f"{LOCAL_DEBS}/Packages") or ""
    machine.write(f"{LOCAL_DEBS}/Packages", f"{listed}\n{index([before])}".encode())
    bare = Root("trixie", host_architecture(), BARE)
    tar = bare.tar(boot.bed.cache, mirror(boot.bed.environ), boot.bed.privilege)
    machine.run(["sh", "-c", "cat >/srv/base.tar && touch /etc/resolv.conf"], stdin=without_devices(tar))
    words = ["piuparts", "--basetgz", "/srv/base.tar", "--distribution", "trixie", "--keep-sources-list"]
    words += ["--bindmount", LOCAL_DEBS, "--do-not-verify-signatures", "--no-eatmydata"]
    done = machine.run([*words, f"/srv/{deb.name}"], check=False)
    output = done.stdout + done.stderr
    machine.write(f"{LOCAL_DEBS}/Packages", listed.encode())
    assert done.status == 0, output[-6000:]
    assert "PASS: Installation, upgrade and purging tests." in output
    assert "PASS: All tests." in output
    assert f"Unpacking {package} (0.0.1-1)" in output, "it was upgraded from that"


def test_lintian_has_nothing_to_say_of_the_own_deb(machine: Container, own: Path) -> None:
    """Not even pedantically; debian/debonair.lintian-overrides explains what it is not to say."""
    machine.copy_in(own, f"/srv/{own.name}")
    words = ["lintian", "--pedantic", "--display-info", "--allow-root", "--tag-display-limit", "0"]
    done = machine.run([*words, f"/srv/{own.name}"], check=False)
    assert done.stdout == ""


def test_autopkgtest(machine: Container, own: Path, tmp_path: Path) -> None:
    """The tests that the source package carries, by the program that Debian runs them with."""
    own_deb.copy(tmp_path / "debonair")
    machine.run(["mkdir", "/srv/source"])
    packed = buildroot.packed(tmp_path / "debonair")
    machine.run(["tar", "--extract", "--directory", "/srv/source"], stdin=packed)
    machine.copy_in(own, f"/srv/{own.name}")
    machine.run(["sh", "-ec", _SSH])
    server = ["ssh", "-H", "127.0.0.1", "-l", "root", "-i", "/root/key"]
    server += ["--capability", "isolation-container", "--capability", "root-on-testbed"]
    words = ["autopkgtest", "--summary", "/srv/summary", f"/srv/{own.name}", "/srv/source/", "--", *server]
    done = machine.run(words, check=False)
    summary = (machine.read("/srv/summary") or "").split()
    assert done.status == 0, (done.stdout + done.stderr)[-6000:]
    assert summary == ["command", "PASS", "hello", "PASS"]
