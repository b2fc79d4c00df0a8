"""Debs of the layout before /run/APP became root's, as the version of that time built them.

``old-layout`` holds what that version put into the deb of examples/late 1.0 for Debian 13 on amd64: device
scripts, maintainer scripts, units, and what it rendered. The app and its libraries are those of today.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from late import Late

TREE = Path(__file__).parent / "old-layout"
PACKAGE = "late"
SAME = ("usr/share/doc", "usr/lib/late/dist/app", "usr/lib/late/dist/venv")
"""What is taken from the deb of today."""


def old(today: Late, folder: Path) -> Late:
    """Return release 1.0 in the old layout, made of ``today``'s release 1.0, which is for trixie-amd64."""
    new, root = folder / "new", folder / "old"
    subprocess.run(["dpkg-deb", "-R", today.deb, new], check=True)
    shutil.copytree(TREE, root, symlinks=True)
    for name in SAME:
        shutil.copytree(new / name, root / name, symlinks=True)
    release = f"/usr/lib/{PACKAGE}/releases/{today.version}/"
    for path in (root / "usr/lib/late/dist/venv/bin").iterdir():
        if not path.is_symlink():  # scripts name the interpreter by its place in the snapshot
            text = path.read_text()
            path.write_text(re.sub(rf"/usr/lib/{PACKAGE}/releases/[^/\n]+/", release, text))
    _allow(root)
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(root)}\n"
        for path in files
        if "DEBIAN" not in path.parts
    ]
    (root / "DEBIAN/md5sums").write_text("".join(sums))
    deb = folder / today.deb.name
    argv: list[str | Path] = ["dpkg-deb", "--root-owner-group", "--build", root, deb]
    subprocess.run(argv, check=True, capture_output=True)
    return Late(today.number, deb)


def _allow(root: Path) -> None:
    """Set the modes that the debs had, whatever umask the files were checked out with."""
    for path in root.rglob("*"):
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
    root.chmod(0o755)
