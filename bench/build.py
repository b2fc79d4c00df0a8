"""Measure what ``debonair build`` takes, beside dh-virtualenv's build of the same project.

Prints a table, and writes ``dist/bench.json`` and ``dist/bench.svg``. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import chart, installation, peer, timing

from debonair import target as targets

ROOT = Path(__file__).parents[1]
PROJECTS = (ROOT / "examples/guestbook", ROOT / "bench/projects/catalog")


def main() -> None:
    """Measure every project and show what came of it."""
    options = _options()
    obstacle = "it was not asked for" if options.no_peer else peer.install(peer.needs())
    if obstacle:
        print(f"bench: dh-virtualenv is left out: {obstacle}")
    command = installation.install()
    target = _target()
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": _python("%d.%d.%d")},
        "target": target,
        "dh-virtualenv": "" if obstacle else peer.version(),
        "projects": {},
    }
    for project in PROJECTS:
        if options.project and project.name not in options.project:
            continue
        with tempfile.TemporaryDirectory(prefix="debonair-bench-") as scratch:
            found = measure(
                command, project, target, Path(scratch), rounds=options.rounds, beside=not obstacle
            )
        results["projects"][project.name] = found
        show(project.name, target, found)
    out = ROOT / "dist"
    out.mkdir(exist_ok=True)
    (out / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    (out / "bench.svg").write_text(chart.svg(results["projects"]))
    print("\nEvery run is in dist/bench.json, a chart in dist/bench.svg.")


def measure(
    command: Path, project: Path, target: str, scratch: Path, *, rounds: int, beside: bool
) -> dict[str, Any]:
    """Build ``project`` with ``command`` cold, packed anew and warm, ``beside`` that with dh-virtualenv.

    A round is one build with dh-virtualenv and three warm ones with Debonair, so that both see the same
    drift of the machine. Returns the figures: seconds, and bytes.
    """
    tree = scratch / project.name
    shutil.copytree(project, tree, ignore=shutil.ignore_patterns("dist", "build", "__pycache__"))
    environment = _environment(scratch)
    argv: list[str | Path] = [
        command,
        "build",
        tree,
        "--target",
        target,
        "--out",
        scratch / "out",
        "--timings",
    ]

    def debonair(code: int) -> timing.Run:
        _change(tree, code)
        return timing.run(argv, cwd=scratch, env=environment)

    debonair(0)  # so that Debonair's own modules are in memory, as they are after any use
    shutil.rmtree(scratch / "cache")
    shutil.rmtree(scratch / "uv", ignore_errors=True)
    cold = [debonair(0)]
    packed = []
    for _ in range(rounds):
        shutil.rmtree(scratch / "cache/layers")
        packed.append(debonair(0))
    if beside:
        peer.build(tree, scratch)  # fills pip's cache
    warm, others = [], []
    for number in range(rounds):
        if beside:
            _change(tree, 1000 + number)
            took, other = peer.build(tree, scratch)
            others.append(took)
        warm += [debonair(1 + 3 * number + run) for run in range(3)]
    deb = next((scratch / "out").glob("*.deb"))
    found = {
        "size": deb.stat().st_size,
        **_sizes(deb),
        "cold": timing.summary(cold),
        "packed": timing.summary(packed),
        "warm": timing.summary(warm),
    }
    if beside:
        found["peer"] = {**timing.summary(others), "size": other.stat().st_size}
    return found


def show(name: str, target: str, found: Mapping[str, Any]) -> None:
    """Print the table of one project."""
    print(f"\n{name} for {target}, median of each; {os.cpu_count()} cores")
    print(f"{'':<42}{'wall s':>9}{'CPU s':>9}{'runs':>6}{'MB':>8}")
    rows = {
        "dh-virtualenv, pip's cache full": "peer",
        "debonair, nothing cached": "cold",
        "debonair, wheels cached, layers rebuilt": "packed",
        "debonair, warm, the app's code changed": "warm",
    }
    for label, key in rows.items():
        if row := found.get(key):
            size = row.get("size", found["size"]) / 1e6
            print(f"{label:<42}{row['wall']:>9.3f}{row['cpu']:>9.3f}{len(row['runs']):>6}{size:>8.2f}")
    warm, packed = found["warm"], found["packed"]
    split = ", ".join(f"{stage} {seconds:.3f}" for stage, seconds in warm["stages"].items())
    print(f"  warm: {split}; between {warm['wall_min']:.3f} and {warm['wall_max']:.3f}")
    print(f"  layers rebuilt: {packed['cpu'] / packed['wall']:.1f} cores busy on average")
    print(
        f"  data.tar.xz of {found['blocks']} blocks: {found['data'] / 1e6:.2f} MB, "
        f"{found['data'] / found['solid'] - 1:+.1%} against one solid block of xz -6"
    )
    if "peer" in found:
        print(f"  {found['peer']['wall'] / warm['wall']:.0f} times faster than dh-virtualenv")


def _sizes(deb: Path) -> dict[str, int]:
    """Return the bytes of the data member of ``deb``, and what they are in one block of xz -6."""
    data = subprocess.run(["ar", "p", deb, "data.tar.xz"], capture_output=True, check=True).stdout
    solid = lzma.compress(lzma.decompress(data), preset=6)
    return {"data": len(data), "solid": len(solid), "blocks": _blocks(data)}


def _blocks(stream: bytes) -> int:
    """Return how many blocks an .xz stream has, below 16384 (The .xz File Format, section 4)."""
    index_size = (int.from_bytes(stream[-8:-4], "little") + 1) * 4
    low, high = stream[-12 - index_size + 1], stream[-12 - index_size + 2]
    return low if low < 0x80 else low & 0x7F | high << 7


def _change(tree: Path, code: int) -> None:
    """Change the code of the app in ``tree``, as its author does before a build."""
    module = tree / tree.name / "__init__.py"
    kept = module.read_text().partition("\nBUILD = ")[0]
    module.write_text(f"{kept}\nBUILD = {code}\n")


def _target() -> str:
    """Return the target that is this machine: its architecture, and the Python of its Debian."""
    shown = _python("%d.%d")
    architecture = timing.output(["dpkg", "--print-architecture"])
    for name in targets.names():
        known = targets.load(name)
        if (known.python, known.architecture) == (shown, architecture):
            return name
    sys.exit(f"bench: no target is like this machine, with Python {shown} on {architecture}.")


def _python(form: str) -> str:
    """Return the version of Debian's Python, its numbers in ``form``."""
    count = form.count("%d")
    program = f"import sys; print({form!r} % sys.version_info[:{count}])"
    return timing.output([installation.PYTHON, "-c", program])


def _environment(scratch: Path) -> Mapping[str, str]:
    return {**os.environ, "DEBONAIR_CACHE": str(scratch / "cache"), "UV_CACHE_DIR": str(scratch / "uv")}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.build", description=__doc__)
    parser.add_argument("--project", action="append", help="only this one (repeatable)")
    parser.add_argument("--rounds", type=int, default=3, help="builds with dh-virtualenv; 3")
    parser.add_argument("--no-peer", action="store_true", help="leave dh-virtualenv out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
