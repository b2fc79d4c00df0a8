"""Processes of the app that are killed: the page comes back without a hand, and meanwhile says why."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from debians import Boot, Builder
from guestbooks import status
from traffic import Answer, under_load

from debonair import trial
from debonair.debian.rootfs.container import Container

pytestmark = pytest.mark.boot

BACK = 30.0  # seconds within which the page must answer again, on a machine that is busy with other things
DOWN = "503 guestbook cannot answer just now. Try again in a moment."
SHOWN = 4.0  # seconds of load before and after


@pytest.fixture(params=["trixie", "bookworm"])
def machine(request: pytest.FixtureRequest, boot: Boot, build: Builder) -> Iterator[Container]:
    with boot(request.param) as booted:
        trial.install(boot.bed, booted, build("guestbook", f"{request.param}-amd64"))
        trial.healthy(booted, "guestbook", trial.Site("/healthz"))
        yield booted


def emperor(machine: Container) -> int:
    return int(machine.run(["systemctl", "show", "-P", "MainPID", "guestbook"]).stdout)


def master(machine: Container) -> int:
    pid = emperor(machine)
    return int(str(machine.read(f"/proc/{pid}/task/{pid}/children")).split()[0])


def worker(machine: Container) -> int:
    return int(status(machine)[1]["workers"][0]["pid"])


VICTIMS: dict[str, Callable[[Container], int]] = {"worker": worker, "master": master, "emperor": emperor}


def outage(answers: list[Answer]) -> float:
    """Return the seconds from the first request that failed to the answer of the last that did."""
    failed = [answer for answer in answers if answer.failed]
    return max((a.due + a.latency for a in failed), default=0) - min((a.due for a in failed), default=0)


def test_the_page_comes_back(machine: Container, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for name, victim in VICTIMS.items():
        with under_load(machine, seconds=60, clients=2, rate=50, paths=["/healthz"]) as traffic:
            time.sleep(SHOWN)
            killed = victim(machine)
            machine.run(["sh", "-c", 'kill -KILL "$0"', str(killed)])
            deadline = time.monotonic() + BACK
            while victim(machine) in {0, killed} or status(machine)[0] != 0:
                assert time.monotonic() < deadline, f"the {name} was killed, and nothing came back"
                time.sleep(0.1)
            time.sleep(SHOWN)
        answers = sorted(traffic.answers, key=lambda answer: answer.due)
        assert answers[-1].status == 200
        assert outage(answers) < BACK
        found = Counter(answer.describe() for answer in answers if answer.failed)
        told = ", ".join(f"{count} x {what}" for what, count in found.most_common(3)) or "none failed"
        worst = max(answer.latency for answer in answers)
        down = f"down for {outage(answers):.1f} s, the longest answer {worst:.1f} s"
        lines.append(f"  {name}: {len(answers)} requests, {told}; {down}")
        assert set(found) <= {DOWN}
    with capsys.disabled():
        sys.stdout.write(f"\nkilled on {machine.suite}:\n" + "\n".join(lines) + "\n")
