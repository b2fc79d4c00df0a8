"""Build a Debian source package as a build daemon does: in a clean root of its suite, without a network."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.chroot import Chroot
from debonair.debian.rootfs.root import Root
from debonair.host.progress import say, ticking

PACKAGES = ("build-essential", "debhelper", "iproute2", "python3")
"""Packages of every such root; further packages of the suite, and debs, are installed when needed."""
_USER = "builder"
_PLACE = "/build"


def build(bed: Bed, source: Path, root: Root, needs: Sequence[Path | str], out: Path) -> list[Path]:
    """Build the binary packages of the source tree ``source``, and return them in the folder ``out``.

    ``root`` has PACKAGES; ``needs`` are names of packages and debs that are installed first. Raises
    ``CommandError`` with the output of dpkg-buildpackage(1) if it fails.
    """
    say(f"Building {source.name} for {root.suite} ({root.architecture}) in a clean root...")
    with bed.enter(root) as machine, ticking(f"Building {source.name}"):
        if needs:
            install(bed, machine, needs)
        machine.run(["useradd", "--home-dir", "/nonexistent", "--shell", "/bin/sh", _USER])
        machine.run(["install", "-d", "-o", _USER, f"{_PLACE}/source"])
        machine.run(
            ["tar", "--extract", "--no-same-owner", "--directory", f"{_PLACE}/source"],
            stdin=packed(source),
        )
        machine.run(["chown", "-R", _USER, _PLACE])
        line = f"cd {_PLACE}/source && exec dpkg-buildpackage --build=binary --no-sign"
        machine.run(["setpriv", f"--reuid={_USER}", "--regid=nogroup", "--clear-groups", "sh", "-c", line])
        names = machine.run(["sh", "-c", f"cd {_PLACE} && ls *.deb"]).stdout.split()
        out.mkdir(parents=True, exist_ok=True)
        for name in names:
            encoded = machine.run(["base64", "--wrap=0", f"{_PLACE}/{name}"]).stdout
            (out / name).write_bytes(base64.b64decode(encoded))
    return [out / name for name in names]


def install(bed: Bed, machine: Chroot, needs: Sequence[Path | str]) -> None:
    """Install ``needs``, names of packages and debs, on ``machine`` with its own apt."""
    bed.stock(machine, *needs)
    words = []
    for need in needs:
        if isinstance(need, Path):
            machine.copy_in(need, f"/tmp/{need.name}")  # noqa: S108 - in the root
        words.append(f"/tmp/{need.name}" if isinstance(need, Path) else need)  # noqa: S108
    machine.run(["apt-get", "install", "--yes", "--no-install-recommends", *words])


def packed(source: Path) -> bytes:
    """Return a tar of the source tree ``source``, without files that tools have left there."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(source, ".", filter=lambda member: None if _is_left_out(member.name) else member)
    return out.getvalue()


def _is_left_out(name: str) -> bool:
    parts = Path(name).parts
    return bool({".git", ".venv", "__pycache__"} & set(parts)) or any(
        part.endswith(("_cache", ".egg-info")) for part in parts
    )
