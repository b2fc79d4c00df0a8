"""A publisher with a repository that is signed by a real key, and the commands to type there."""

from __future__ import annotations

import lzma
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MEMORY = 1 << 31
"""Bytes of address space of the publisher."""
SECONDS = 150
"""Most seconds that a deb of a few megabytes may keep a publisher busy, on a slow machine."""


@dataclass(frozen=True)
class Result:
    """The result of a command."""

    status: int
    text: str
    """All that it wrote."""

    @property
    def refused(self) -> bool:
        """Return whether it ended as a user's mistake does, with an error in words."""
        return self.status == 7 and "Error: " in self.text and "Traceback" not in self.text


class Publisher:
    """Somebody who publishes files of strangers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.place = home / "apt"
        self.env = {
            **os.environ,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "DEBONAIR_REPOSITORY": str(self.place),
        }
        assert self.run("repo", "init", str(self.place), "--name", "acme").status == 0

    def run(self, *words: str | Path) -> Result:
        """Type a command of debonair."""
        done = subprocess.run(
            [sys.executable, "-m", "debonair", *map(str, words)],
            env=self.env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
        return Result(done.returncode, done.stdout.decode(errors="surrogateescape"))

    def add(self, deb: Path) -> Result:
        """Publish a deb."""
        return self.run("repo", "add", deb, "--suite", "trixie")

    def packages(self) -> str:
        """Return the Packages of the suite that clients read."""
        return (self.place / "dists/trixie/main/binary-amd64/Packages").read_bytes().decode()

    def contents(self) -> str:
        """Return the list of all files that clients read."""
        return lzma.decompress((self.place / "dists/trixie/main/Contents-amd64.xz").read_bytes()).decode()


def dpkg_takes(deb: Path, root: Path) -> bool:
    """Return whether dpkg unpacks a deb, in a root of its own."""
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True, exist_ok=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).write_bytes(b"")
    forced = ("not-root", "depends", "conflicts", "breaks", "architecture", "script-chrootless", "bad-path")
    done = subprocess.run(
        ["dpkg", f"--root={root}", *(f"--force-{each}" for each in forced), "--unpack", str(deb)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0
