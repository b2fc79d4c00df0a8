"""One deb more in a repository of 10,000, and an index of 10,000 from nothing, beside other tools.

Each program is run as it is typed, in a process of its own, whose time and memory are those of it and its
children. What is compared is what a publisher waits for: debs in, indices out, signed by a key of GnuPG.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import installation, peer, timing
from debs import make_deb

SUITE = "trixie"


@dataclass(frozen=True)
class Run:
    """What a command took: it and its children."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    memory: float
    """Megabytes, of the largest of its processes."""


class Tool(Protocol):
    """What makes a repository of debs."""

    name: str

    def build(self, debs: Sequence[Path]) -> Run:
        """Publish all of ``debs`` in a new repository."""

    def add(self, deb: Path) -> Run:
        """Publish one more."""


class Bench:
    """Where a tool works, and the key that it signs by."""

    def __init__(self, work: Path, home: Path, key: str) -> None:
        self.work, self.key = work, key
        self.env: Mapping[str, str] = {
            **{name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "GNUPGHOME": str(home),
            "XDG_CONFIG_HOME": str(work / "config"),
        }

    def run(self, *argv: str | Path, cwd: Path | None = None) -> Run:
        """Run ``argv``. Ends this program if it fails, with what it said."""
        with tempfile.TemporaryFile() as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                [*map(str, argv)],
                env=self.env,
                cwd=cwd or self.work,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if status:
                output.seek(0)
                sys.exit(f"bench: {argv[0]} ended with {status}:\n{output.read().decode()[-2000:]}")
        return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)

    def shell(self, *lines: str, cwd: Path | None = None) -> Run:
        """Run ``lines`` one after another, until one fails."""
        return self.run("sh", "-c", " && ".join(lines), cwd=cwd)


class Debonair(Bench):
    """``debonair repo add``."""

    name = "debonair"

    def build(self, debs: Sequence[Path]) -> Run:
        """Publish all of ``debs``; ``Tool.build``."""
        self.root = self.work / "debonair"
        self.repo: list[str | Path] = [installation.install(), "repo"]
        self.run(*self.repo, "init", self.root, "--name", "bench", "--key", self.key)
        return self.run(*self.repo, "add", *debs, "-r", self.root)

    def add(self, deb: Path) -> Run:
        """Publish one more; ``Tool.add``."""
        return self.run(*self.repo, "add", deb, "-r", self.root)


class Ftparchive(Bench):
    """apt-ftparchive: from nothing without its cache, then with it; the debs are where it wants them."""

    name = "apt-ftparchive"
    SUMS = "--md5=no --sha1=no --sha512=no"

    def build(self, debs: Sequence[Path]) -> Run:
        """Publish all of ``debs``; ``Tool.build``."""
        self.root = debs[0].parent.parent
        self.shell(*self._lines("--db cache.db"), cwd=self.root)
        return self.shell(*self._lines(""), cwd=self.root)

    def add(self, deb: Path) -> Run:
        """Publish one more; ``Tool.add``."""
        copy = f"cp {shlex.quote(str(deb))} debs/"
        took = self.shell(copy, *self._lines("--db cache.db"), cwd=self.root)
        (self.root / "debs" / deb.name).unlink()
        return took

    def _lines(self, cache: str) -> list[str]:
        return [
            "mkdir -p dists",
            f"apt-ftparchive {cache} {self.SUMS} packages debs >dists/Packages",
            f"apt-ftparchive {cache} contents debs >dists/Contents-amd64",
            "xz -kf dists/Packages dists/Contents-amd64",
            f"apt-ftparchive {self.SUMS} release dists >Release",
            f"gpg --batch --yes --local-user {self.key} --clear-sign --output InRelease Release",
            f"gpg --batch --yes --local-user {self.key} --armor --detach-sign --output Release.gpg Release",
        ]


class Reprepro(Bench):
    """``reprepro includedeb``."""

    name = "reprepro"

    def build(self, debs: Sequence[Path]) -> Run:
        """Publish all of ``debs``; ``Tool.build``."""
        base = self.work / "reprepro"
        (base / "conf").mkdir(parents=True)
        (base / "conf/distributions").write_text(
            f"Codename: {SUITE}\nArchitectures: amd64\nComponents: main\nContents: .gz\n"
            f"SignWith: {self.key}\n"
        )
        self.words = ["reprepro", "--basedir", str(base), "--section", "web", "--priority", "optional"]
        return self.run(*self.words, "includedeb", SUITE, *debs)

    def add(self, deb: Path) -> Run:
        """Publish one more; ``Tool.add``."""
        return self.run(*self.words, "includedeb", SUITE, deb)


class Aptly(Bench):
    """``aptly repo add`` and ``aptly publish``."""

    name = "aptly"

    def build(self, debs: Sequence[Path]) -> Run:
        """Publish all of ``debs``; ``Tool.build``."""
        settings = {"rootDir": str(self.work / "aptly"), "architectures": ["amd64"], "gpgProvider": "gpg"}
        (self.work / "aptly.conf").write_text(json.dumps(settings))
        self.aptly = f"aptly -config={shlex.quote(str(self.work / 'aptly.conf'))}"
        self.sign = f"-batch -gpg-key={self.key}"
        return self.shell(
            f"{self.aptly} repo create -distribution={SUITE} bench",
            f"{self.aptly} repo add bench {shlex.quote(str(debs[0].parent))}",
            f"{self.aptly} publish repo {self.sign} bench",
        )

    def add(self, deb: Path) -> Run:
        """Publish one more; ``Tool.add``."""
        return self.shell(
            f"{self.aptly} repo add bench {shlex.quote(str(deb))}",
            f"{self.aptly} publish update {self.sign} {SUITE}",
        )


def main() -> None:
    """Measure all tools in turns and print a table."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-repository.") as name, key() as (home, fingerprint):
        work = Path(name)
        debs = [make_deb(work / "pool/debs", f"app{number:05}") for number in range(options.debs)]
        more = [
            make_deb(work / "more", f"app{options.debs // 2:05}", f"1.{number}-1+deb13")
            for number in range(1, options.rounds + 1)
        ]
        tools: list[Tool] = [
            kind(work, home, fingerprint)
            for kind in (Debonair, Ftparchive, Reprepro, Aptly)
            if kind.name not in options.without
        ]
        built = {tool.name: [tool.build(debs)] for tool in tools}
        added: dict[str, list[Run]] = {tool.name: [] for tool in tools}
        for deb in more:
            for tool in tools:
                added[tool.name].append(tool.add(deb))
    print(f"{options.debs} debs; {os.cpu_count()} cores; a load of {os.getloadavg()[0]:.1f} at the end")
    show(f"a first index of {options.debs}", built)
    show(f"one more deb, median of {options.rounds}", added)


def show(title: str, rows: Mapping[str, Sequence[Run]]) -> None:
    """Print a table; a ratio is that to the first row."""
    print(f"\n{title:<36}{'wall s':>9}{'ratio':>8}{'CPU s':>9}{'ratio':>8}{'MB':>7}")
    (first, *_) = rows.values()
    wall, cpu = (timing.median(getattr(run, what) for run in first) for what in ("wall", "cpu"))
    for name, runs in rows.items():
        took, used = (timing.median(getattr(run, what) for run in runs) for what in ("wall", "cpu"))
        memory = max(run.memory for run in runs)
        print(f"{name:<36}{took:>9.2f}{took / wall:>8.1f}{used:>9.2f}{used / cpu:>8.1f}{memory:>7.0f}")


@contextmanager
def key() -> Iterator[tuple[Path, str]]:
    """Make a key in a GnuPG home of its own, with a short name, as its agent's socket needs one."""
    with tempfile.TemporaryDirectory(prefix="bench-gpg.") as name:
        env = {**os.environ, "GNUPGHOME": name}
        make = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "bench", "ed25519", "sign"]
        try:
            subprocess.run(make, env=env, check=True, capture_output=True)
            listed = ["gpg", "--batch", "--with-colons", "--list-secret-keys"]
            shown = subprocess.run(listed, env=env, check=True, capture_output=True, text=True).stdout
            yield (
                Path(name),
                next(line for line in shown.splitlines() if line.startswith("fpr:")).split(":")[9],
            )
        finally:
            subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env, check=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.repository", description=__doc__)
    parser.add_argument("--debs", type=int, default=10_000, help="how many there are; 10000")
    parser.add_argument("--rounds", type=int, default=5, help="debs that come one after another; 5")
    parser.add_argument("--without", action="append", default=[], help="leave this tool out (repeatable)")
    options = parser.parse_args()
    if why := peer.install(["apt-utils", "reprepro", "aptly"]):
        print(f"bench: not all is measured: {why}")
        options.without += [
            name for name in ("apt-ftparchive", "reprepro", "aptly") if not shutil.which(name)
        ]
    return options


if __name__ == "__main__":
    main()
