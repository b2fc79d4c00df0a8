"""dh-virtualenv's build of a project, with the rules that its own documentation shows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import timing

HERE = Path(__file__).parent
NAME = "dh-virtualenv"


def needs() -> list[str]:
    """Return the Debian packages that dh-virtualenv needs."""
    lines = (HERE / "debian-packages.txt").read_text().splitlines()
    return [name for name in lines if not name.startswith("#")]


def install(names: Sequence[str]) -> str:
    """Install the Debian packages ``names``, if this is root, and say so; return what is missing then.

    Returns nothing if nothing is.
    """
    missing = [name for name in names if not _installed(name)]
    if missing and os.geteuid() == 0:
        print(f"bench: installing the Debian packages: {' '.join(missing)}", flush=True)
        apt = ["apt-get", "install", "-qy", "--no-install-recommends", *missing]
        noninteractive = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for argv in (["apt-get", "update", "-q"], apt):
            subprocess.run(
                argv, env=noninteractive, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        missing = [name for name in missing if not _installed(name)]
    return f"these Debian packages are missing: sudo apt install {' '.join(missing)}" if missing else ""


def version() -> str:
    """Return the version of the Debian package."""
    return timing.output(["dpkg-query", "-W", "-f", "${Version}", NAME])


def build(project: Path, scratch: Path) -> tuple[timing.Run, Path]:
    """Build a package of ``project`` with dh-virtualenv, in a fresh copy of it below ``scratch``.

    pip's cache is kept in ``scratch`` from one build to the next. Returns the time and the .deb.
    """
    tree = scratch / NAME / project.name
    shutil.rmtree(tree.parent, ignore_errors=True)
    shutil.copytree(project, tree)
    for source in (HERE / NAME / "debian").rglob("*"):
        if source.is_file():
            target = tree / "debian" / source.relative_to(HERE / NAME / "debian").with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text().replace("@NAME@", project.name))
            target.chmod(source.stat().st_mode)
    took = timing.run(["dpkg-buildpackage", "-us", "-uc", "-b"], cwd=tree, env=_environment(scratch))
    return took, next(tree.parent.glob(f"{project.name}_*.deb"))


def _installed(package: str) -> bool:
    return timing.output(["dpkg-query", "-W", "-f", "${db:Status-Status}", package]) == "installed"


def _environment(scratch: Path) -> Mapping[str, str]:
    # debhelper sets a HOME of its own, where pip would find neither its cache nor how it is configured
    environment = {**os.environ, "PIP_CACHE_DIR": str(scratch / "pip")}
    own = Path.home() / ".config/pip/pip.conf"
    if own.is_file():
        environment.setdefault("PIP_CONFIG_FILE", str(own))
    return environment
