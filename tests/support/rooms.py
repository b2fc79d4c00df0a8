"""The Debians that confine a stranger's deb: one to try it, one to build in, one in a container."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.machine import Machine
from debonair.debian.rootfs.privilege import Privilege
from debonair.debian.rootfs.root import Root
from debonair.host.cache import Cache

CONTAINED = Privilege(root=True, mounts=False, chroots=True)
CONTROL = """\
Package: hostile
Version: 1.0+deb13
Architecture: all
Maintainer: Mallory <mallory@example.org>
Description: does in its postinst what nobody asked for
"""

Attack = Callable[[str], str]


def bed(privilege: Privilege | None = None) -> Bed:
    cache = Cache.of(os.environ)
    return Bed(cache, os.environ, privilege) if privilege else Bed(cache, os.environ)


def room(name: str, suite: str = "trixie") -> AbstractContextManager[Machine]:
    """A Debian as 'try' boots it, as sdists are built in it, or the same in a container."""
    if name == "booted":
        return bed().boot(suite)
    return bed(CONTAINED if name == "contained" else None).enter(Root(suite, host_architecture()))


def hostile(folder: Path, postinst: str) -> Path:
    """Build a deb with a postinst."""
    (folder / "hostile/DEBIAN").mkdir(parents=True)
    for each in (folder / "hostile", folder / "hostile/DEBIAN"):
        each.chmod(0o755)
    (folder / "hostile/DEBIAN/control").write_text(CONTROL)
    (folder / "hostile/DEBIAN/postinst").write_text(postinst)
    (folder / "hostile/DEBIAN/postinst").chmod(0o755)
    deb = folder / "hostile_1.0+deb13_all.deb"
    words = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", str(folder / "hostile"), str(deb)]
    subprocess.run(words, check=True, capture_output=True)
    return deb
