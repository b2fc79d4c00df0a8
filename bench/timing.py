"""Time whole processes from outside, and what they and their children used of the processors."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One process from its start to its exit; all in seconds."""

    wall: float
    cpu: float
    """User and system time of it and of all its children."""
    stages: Mapping[str, float]
    """What ``debonair build --timings`` says of itself, and ``start-up``, the rest of ``wall``."""


def run(argv: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> Run:
    """Run ``argv`` to its end and time it. Ends this program if it fails, with what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        sys.exit(f"bench: {' '.join(map(str, argv))} ended with status {done.returncode}:\n{output}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    stages = _stages(done.stderr)
    return Run(wall, cpu, {"start-up": wall - sum(stages.values()), **stages} if stages else {})


def output(argv: Sequence[str | Path]) -> str:
    """Return what ``argv`` prints, without the last line's end."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def summary(runs: Sequence[Run]) -> dict[str, object]:
    """Return medians of ``runs``, the extremes of their wall time, and every run."""
    return {
        "wall": median(run.wall for run in runs),
        "wall_min": min(run.wall for run in runs),
        "wall_max": max(run.wall for run in runs),
        "cpu": median(run.cpu for run in runs),
        "stages": {name: median(run.stages[name] for run in runs) for name in runs[0].stages},
        "runs": [asdict(run) for run in runs],
    }


def median(values: Iterable[float]) -> float:
    """Return the median, which one slow or one lucky run does not move."""
    return statistics.median(values)


def _stages(stderr: str) -> dict[str, float]:
    """Return the seconds by stage of the line ``  plan 0.123, splice 0.010, write 0.005``."""
    for line in stderr.splitlines():
        if line.startswith("  plan "):
            pairs = (part.split() for part in line.split(","))
            return {name: float(seconds) for name, seconds in pairs}
    return {}
