"""One deb more in a repository of 10,000, and an index of 10,000 from nothing, beside other tools.

    make bench-repository            DEBS=2000 make bench-repository

Each program is run as it is typed, in a process of its own, whose time and memory are those of it and its
children. What is compared is what a publisher waits for: debs in, signed indices out. apt-ftparchive signs
nothing, and its index is shown with and without its cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from debs import make_deb

COUNT = int(os.environ.get("DEBS", "10000"))
SUITE = "trixie"


def measured(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, float]:
    """Run ``argv``; return seconds and megabytes at the highest."""
    began = time.monotonic()
    process = subprocess.Popen(
        [*map(str, argv)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, cwd=cwd
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    if status:
        sys.exit(f"{argv[0]} ended with {status}:\n{said.decode()[-2000:]}")
    return took, used.ru_maxrss / 1000


def debonair(work: Path, debs: Sequence[Path], one: Path) -> dict[str, tuple[float, float]]:
    """Measure ``debonair repo add``."""
    env = {**os.environ, "XDG_CONFIG_HOME": str(work / "config"), "DEBONAIR_REPOSITORY": str(work / "ours")}
    repo = [sys.executable, "-m", "debonair", "repo"]
    subprocess.run(
        [*repo, "init", work / "ours", "--name", "bench"], env=env, check=True, capture_output=True
    )
    return {
        "all": measured([*repo, "add", *debs], env=env),
        "one more": measured([*repo, "add", one], env=env),
    }


def ftparchive(work: Path, debs: Sequence[Path], one: Path) -> dict[str, tuple[float, float]]:
    """Measure apt-ftparchive with Contents, and then with its cache and without them."""
    pool = debs[0].parent
    first = "apt-ftparchive --db cache.db packages debs >Packages && xz -kf Packages"
    line = "apt-ftparchive packages debs >Packages && apt-ftparchive contents debs >Contents"
    line += " && xz -kf Packages Contents"
    found = {"all": measured(["sh", "-c", line], cwd=pool.parent)}
    measured(["sh", "-c", first], cwd=pool.parent)
    there = shutil.copy(one, pool)
    found["one more"] = measured(["sh", "-c", first], cwd=pool.parent)
    Path(there).unlink()
    return found


def reprepro(work: Path, debs: Sequence[Path], one: Path) -> dict[str, tuple[float, float]]:
    """Measure ``reprepro includedeb``, which signs nothing here."""
    base = work / "reprepro"
    (base / "conf").mkdir(parents=True)
    (base / "conf/distributions").write_text(
        f"Codename: {SUITE}\nArchitectures: amd64\nComponents: main\nContents: .gz\n"
    )
    words: list[str | Path] = ["reprepro", "--basedir", base, "--section", "web"]
    words += ["--priority", "optional", "includedeb", SUITE]
    return {"all": measured([*words, *debs]), "one more": measured([*words, one])}


def main() -> None:
    """Measure all and print a table."""
    if COUNT < 1:
        sys.exit("DEBS is a number of debs.")
    with tempfile.TemporaryDirectory(prefix="bench-repository.") as name:
        work = Path(name)
        began = time.monotonic()
        debs = [make_deb(work / "debs", f"app{number:05}") for number in range(COUNT)]
        one = make_deb(work / "one", f"app{COUNT // 2:05}", "1.1-1+deb13")
        print(f"{COUNT} debs made in {time.monotonic() - began:.0f} s\n")
        rows = {"debonair": debonair(work, debs, one), "apt-ftparchive": ftparchive(work, debs, one)}
        if shutil.which("reprepro"):
            rows["reprepro"] = reprepro(work, debs, one)
        print(f"{'':<16}{'all, s':>10}{'MB':>8}{'ratio':>8}{'one more, s':>14}{'MB':>8}{'ratio':>8}")
        for tool, found in rows.items():
            cells = f"{tool:<16}"
            for what, wide in (("all", 10), ("one more", 14)):
                took, memory = found[what]
                ratio = took / rows["debonair"][what][0]
                cells += f"{took:>{wide}.2f}{memory:>8.0f}{ratio:>8.1f}"
            print(cells)


if __name__ == "__main__":
    main()
