"""A booted Debian whose apt follows a repository with a small app in it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from debians import Boot
from debs import make_deb

from debonair import target
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.container import Container
from debonair.host import run

RELEASES = {each.suite: each.debian_release for each in map(target.load, target.names())}
"""Every Debian that there is a target for, and its number."""
FORGET = "rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb"


@dataclass(frozen=True)
class Follower:
    """A Debian that follows a repository."""

    machine: Container
    folder: Path
    """Where debs are made."""

    def deb(self, package: str, version: str, text: str = "x" * 16) -> Path:
        """Make a version of ``package`` for this Debian."""
        news = gzip.compress(f"{version} is new\n".encode(), mtime=0)
        files: dict[str, str | bytes] = {
            f"usr/share/{package}/text": text,
            f"usr/share/doc/{package}/changelog.Debian.gz": news,
        }
        version = f"{version}-1+deb{RELEASES[self.machine.suite]}"
        return make_deb(self.folder / "debs", package, version, host_architecture(), files=files)

    def update(self) -> str:
        """Fetch the lists; return what apt complained of."""
        words = ["-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Languages=none"]
        done = self.machine.run(["apt-get", "update", *words], check=False)
        output = done.stdout + done.stderr
        return "\n".join(line for line in output.splitlines() if line.startswith(("E:", "W:", "Err:")))

    def install(self, *words: str) -> run.Completed:
        """Install what ``words`` name; return what apt said."""
        return self.machine.run(["apt-get", "install", "--yes", *words], check=False)

    def version(self, package: str = "hello") -> str:
        """What is installed of a package, without revision and suite; empty if nothing is."""
        asked = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", package]
        status, _, version = self.machine.run(asked, check=False).stdout.partition(" ")
        return version.partition("-1+")[0] if status == "installed" else ""

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


def equip(boot: Boot, machine: Container, *packages: str) -> None:
    """Install ``packages`` of Debian, and take away what the machine was made with and no Debian has."""
    boot.bed.stock(machine, *packages)
    machine.run(["apt-get", "install", "--yes", *packages])
    # Such as not to mind an expiry.
    machine.run(["rm", "-f", "/etc/apt/apt.conf.d/99mmdebstrap", "/etc/apt/sources.list"])
