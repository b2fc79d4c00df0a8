"""Upgrade and roll back an app under load, in a booted Debian: Debonair's package beside one that restarts.

That one is made as dh-virtualenv's documentation has it: a virtual environment in /opt/venvs, replaced in
place, a service, and debhelper's snippet that restarts it. Prints what became of the requests.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import late
from debians import Boot, Builder
from traffic import Traffic, under_load

from debonair.debian.apt import host_architecture

HERE = Path(__file__).parent / "restarted"
NEW = 5  # of the upgrades are to releases that the machine has never seen
REST = 30.0  # seconds without a switch, before and after


def main() -> None:
    """Measure both packages and print a table of each."""
    parser = argparse.ArgumentParser(prog="python -m bench.switch", description=__doc__)
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--times", type=int, default=20, help="upgrades, and as many rollbacks; 20")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="debonair-bench-") as scratch:
        work = Path(scratch)
        target = f"{options.suite}-{host_architecture()}"
        releases = late.releases(work / "sources", Builder(work / "debs"), target, NEW + 1)
        title = f"{options.suite}, {options.times} upgrades and {options.times} rollbacks"
        show(f"debonair, {title}", switched(options.suite, releases, options.times))
        plain = [late.Late(one.number, restarted(one.deb, one.number, work)) for one in releases]
        show(f"restarted, {title}", replaced(options.suite, plain, options.times))


def switched(suite: str, releases: list[late.Late], times: int) -> Traffic:
    """Install Debonair's ``releases`` under load, then roll back; return what became of the requests."""
    with Boot()(suite) as machine:
        late.begin(machine, releases[0])
        with under_load(machine, seconds=900) as traffic:
            time.sleep(REST)
            late.upgrade(machine, traffic, upgrades(releases, times))
            late.rollback(machine, traffic, times)
            time.sleep(REST)
    return traffic


def replaced(suite: str, releases: list[late.Late], times: int) -> Traffic:
    """Do the same with packages that apt alone takes back to an earlier release."""
    with Boot()(suite) as machine:
        late.begin(machine, releases[0])
        with under_load(machine, seconds=900) as traffic:
            time.sleep(REST)
            for release in upgrades(releases, 2 * times):
                with traffic.switch(release.number):
                    late.install(machine, release)
                    time.sleep(1)  # apt is back before the service answers again
            time.sleep(REST)
    return traffic


def upgrades(releases: list[late.Late], times: int) -> list[late.Late]:
    """Return ``times`` releases to install: each after the first once, then the last two by turns."""
    return [*releases[1:], *releases[-2:] * times][:times]


def restarted(deb: Path, number: str, work: Path) -> Path:
    """Return a package of the same environment and app as ``deb`` has, made as the others do."""
    unpacked, tree = work / "unpacked", work / "tree"
    for folder in (unpacked, tree):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
    dist = unpacked / "usr/lib/late/dist"
    shutil.copytree(HERE, tree)
    venv = shutil.copytree(dist / "venv", tree / "opt/venvs/late", symlinks=True)
    shutil.copytree(dist / "app/late", next(venv.glob("lib/*/site-packages")) / "late")
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("@VERSION@", number))
    (tree / "DEBIAN/postinst").chmod(0o755)
    made = work / f"late_{number}_all.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "-b", tree, made], check=True, capture_output=True
    )
    return made


def show(title: str, traffic: Traffic) -> None:
    """Print what became of the requests, and how long the switches took."""
    seconds = sorted(span.ended - span.began for span in traffic.spans)
    print(f"\n{traffic.table(title)}")
    print(
        f"  a switch took {seconds[0]:.1f} to {seconds[-1]:.1f} s, median {seconds[len(seconds) // 2]:.1f}"
    )


if __name__ == "__main__":
    main()
