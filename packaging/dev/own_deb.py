"""Make Debonair's own deb for this machine's architecture: own_deb.py FOLDER SUITE... ('make deb')."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import buildroot

from debonair import build, project, target
from debonair.deb import deb822
from debonair.debian.apt import host_architecture
from debonair.debian.rootfs.bed import Bed
from debonair.debian.rootfs.root import Root
from debonair.errors import Error
from debonair.host.cache import Cache
from debonair.host.run import CommandError
from debonair.source import wheelhouse

CHECKOUT = Path(__file__).parents[2]


def make(bed: Bed, suite: str, out: Path) -> Path:
    """Build the deb for ``suite`` in a clean root of it, from this checkout, into the folder ``out``.

    Raises what fetching wheels raises, and ``CommandError`` if dpkg-buildpackage(1) fails.
    """
    architecture = host_architecture()
    build_target = target.load(f"{suite}-{architecture}")
    with tempfile.TemporaryDirectory(prefix="debonair-") as folder:
        source = Path(folder) / "debonair"
        copy(source)
        debonair = project.load(source)
        planned = build.plan(debonair, build_target, cache=bed.cache, environ=bed.environ)
        wheelhouse.fill(
            source / wheelhouse.FOLDER, debonair, {build_target: planned}, bed.cache, bed.environ
        )
        changelog = source / "debian/changelog"
        text = changelog.read_text(encoding="utf-8")
        release = f"+deb{build_target.debian_release}) {suite};"
        changelog.write_text(re.sub(r"\) unstable;", release, text, count=1), encoding="utf-8")
        root = Root(suite, architecture, buildroot.PACKAGES)
        (deb,) = buildroot.build(bed, source, root, _build_depends(source), out)
    return deb


def copy(source: Path) -> None:
    """Copy the files that git tracks, or would track."""
    words = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(words, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, source / name)


def _build_depends(source: Path) -> list[str]:
    fields = deb822.fields((source / "debian/control").read_text(encoding="utf-8"))
    names = [need.split()[0] for need in fields["Build-Depends"].split(",")]
    return [name for name in names if name != "debhelper-compat" and name not in buildroot.PACKAGES]


def main() -> None:
    """Build it for each named suite, and print its path."""
    out, *suites = sys.argv[1:]
    bed = Bed(Cache.of(os.environ), os.environ)
    try:
        for suite in suites:
            print(make(bed, suite, Path(out)))
    except CommandError as failed:
        sys.exit(failed.output[-4000:])
    except Error as wrong:
        sys.exit(f"{wrong.message}\n{wrong.hint}")


if __name__ == "__main__":
    main()
