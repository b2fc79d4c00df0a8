"""Booted Debians and built debs for the end-to-end tests, both by the product's own modules."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from debonair import build as builds
from debonair import project as projects
from debonair import target as targets
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.container import Container
from debonair.debian.rootfs.root import BARE, READY
from debonair.host.cache import Cache

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = CHECKOUT / "examples"
CARRIED = min(len(os.sched_getaffinity(0)), 4)
"""How many processes of an app this machine carries, which has memory for all of them."""


@dataclass(frozen=True)
class Boot:
    """Boots a Debian: ``with boot("trixie") as machine``."""

    bed: Bed = field(default_factory=lambda: Bed(Cache.of(os.environ), os.environ))

    def __call__(
        self, suite: str, *, ready: bool = True, architecture: str = ""
    ) -> AbstractContextManager[Container]:
        """Boot ``suite``; ``ready`` has nginx, uWSGI and python3 in it already, else apt must get them."""
        return self.bed.boot(suite, packages=READY if ready else BARE, architecture=architecture)


@dataclass(frozen=True)
class Builder:
    """Builds a deb: ``build("guestbook", "trixie-amd64")``, of an example or of a project's folder."""

    out: Path

    def __call__(self, project: str | Path, target: str) -> Path:
        """Build ``project`` for ``target`` and return the deb."""
        root = EXAMPLES / project
        cache = Cache.of(os.environ)
        found = targets.load(target)
        return builds.build(projects.load(root), found, self.out, cache=cache, environ=os.environ).path


def debonair(folder: Path, *words: str | Path) -> str:
    """Run a verb in a folder as it is typed there, and return what it says."""
    env = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT / "src"),
        "DEBFULLNAME": "Ada",
        "DEBEMAIL": "ada@example.org",
    }
    argv = [sys.executable, "-m", "debonair", *map(str, words)]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
