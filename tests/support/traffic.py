"""Traffic on a booted Debian during a change, and the result of each request."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from debonair.debian.rootfs.machine import Machine

PROGRAM = Path(__file__).with_name("load.py")
RESULT = "/var/tmp/load.jsonl"
PAUSE = "/?pause=0.4"
PATHS = (*["/"] * 24, PAUSE)  # from time to time, one that takes long


@dataclass(frozen=True)
class Answer:
    """One request of ``load.py``; times are in seconds, ``due`` is since the epoch."""

    kind: str
    path: str
    due: float
    latency: float
    status: int
    body: str
    problem: str

    @property
    def failed(self) -> bool:
        return self.status != 200

    @property
    def releases(self) -> set[str]:
        """Return the releases of the parts of the page: one, unless they are mixed."""
        return {line.rpartition(": ")[2] for line in self.body.splitlines()}

    def describe(self) -> str:
        """Return the problem in words."""
        return self.problem or " ".join([str(self.status), *self.body.split()])[:80]


@dataclass(frozen=True)
class Span:
    """A span of time, in seconds since the epoch, in which ``release`` was put into service."""

    release: str
    began: float
    ended: float


@dataclass
class Traffic:
    """The requests of one load, and the spans of time in which releases were switched under it."""

    answers: list[Answer] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @contextmanager
    def switch(self, release: str) -> Iterator[None]:
        """Note when ``release`` is put into service."""
        began = time.time()
        yield
        self.spans.append(Span(release, began, time.time()))

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.failed]

    @property
    def mixed(self) -> list[Answer]:
        return [answer for answer in self.answers if not answer.failed and len(answer.releases) != 1]

    @property
    def stale(self) -> list[Answer]:
        """Return the answers of another release than the one that the last switch before them put into
        service.
        """
        ends = [span.began for span in self.spans[1:]] + [math.inf]
        return [
            answer
            for span, end in zip(self.spans, ends, strict=True)
            for answer in self.answers
            if span.ended < answer.due and answer.due + answer.latency < end and not answer.failed
            if answer.releases != {span.release}
        ]

    def served(self) -> Counter[str]:
        """Return the number of answers of each release."""
        return Counter(name for answer in self.answers if not answer.failed for name in answer.releases)

    def latencies(self, kind: str, *, during: bool) -> list[float]:
        """Return those of ``kind``, ``during`` the spans or outside them; pages that pause are left out."""
        return [
            answer.latency
            for answer in self.answers
            if answer.kind.startswith(kind) and answer.path != PAUSE and self._within(answer) is during
        ]

    def _within(self, answer: Answer) -> bool:
        end = answer.due + answer.latency
        return any(answer.due <= span.ended and end >= span.began for span in self.spans)

    def table(self, title: str) -> str:
        """Return the counts, and the latencies in milliseconds at rest and during the spans."""
        counts = f"{len(self.answers)} requests, {len(self.failed)} failed, {len(self.mixed)} mixed"
        again = sum("again" in answer.kind for answer in self.answers)
        lines = [
            f"{title}: {counts}, {again} asked again on a new connection",
            f"{'ms':<26}{'requests':>9}{'p50':>9}{'p99':>9}{'p99.9':>9}{'most':>9}",
        ]
        for kind in ("closed", "open"):
            for during, name in ((False, "at rest"), (True, "during switches")):
                times = self.latencies(kind, during=during)
                row = [quantile(times, part) * 1000 for part in (0.5, 0.99, 0.999, 1)]
                lines.append(
                    f"{f'{kind}, {name}':<26}{len(times):>9}" + "".join(f"{ms:>9.1f}" for ms in row)
                )
        found = Counter((answer.kind, answer.describe()) for answer in self.failed)
        lines += [f"  failed {count} times: {kind}: {what}" for (kind, what), count in found.most_common(5)]
        return "\n".join(lines)


def quantile(values: Iterable[float], part: float) -> float:
    """Return the least of ``values`` that at least ``part`` of them do not exceed; NaN without values."""
    ordered = sorted(values)
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1] if ordered else math.nan


@contextmanager
def under_load(
    machine: Machine, *, seconds: float, clients: int = 4, rate: float = 50, paths: Sequence[str] = PATHS
) -> Iterator[Traffic]:
    """Load nginx on ``machine`` for as long as the context lasts, at most ``seconds``.

    ``clients`` are those of the closed loop, ``rate`` is of the open one, in requests a second. The answers
    are available afterwards.
    """
    machine.copy_in(PROGRAM, "/srv/load.py")
    unit = f"load-{time.monotonic_ns()}"  # a new name, as systemd may still know an ended unit
    words = [word for path in paths for word in ("--path", path)]
    words += ["--clients", f"{clients}", "--rate", f"{rate:g}", "--seconds", f"{seconds:g}"]
    machine.run(["systemd-run", "--quiet", f"--unit={unit}", "python3", "/srv/load.py", RESULT, *words])
    traffic = Traffic()
    try:
        yield traffic
    finally:
        machine.run(["systemctl", "stop", unit])
    lines = (machine.read(RESULT) or "").splitlines()
    traffic.answers = [Answer(*json.loads(line)) for line in lines]
