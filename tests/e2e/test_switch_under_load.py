"""Upgrades and rollbacks under load: no request fails, none is answered by two releases at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import late
import pytest
from debians import Boot, Builder
from traffic import PAUSE, Traffic, under_load

from debonair.debian.rootfs.container import Container

pytestmark = [pytest.mark.boot, pytest.mark.long]

TIMES = {
    "trixie": 5,
    "bookworm": 2,
}  # upgrades, and as many rollbacks; 'make bench-switch' has more of them
REST = 6.0  # seconds without a switch, for the latency to compare with


def assert_unnoticed(traffic: Traffic) -> None:
    assert [answer.describe() for answer in traffic.failed] == []
    assert traffic.mixed == []
    assert traffic.stale == []


def untouched(machine: Container) -> str:
    """Return all that systemd has done to nginx."""
    return machine.run(["journalctl", "--unit=nginx", "--output=cat"]).stdout


@pytest.mark.parametrize("suite", TIMES)
def test_no_request_notices(
    suite: str, boot: Boot, build: Builder, tmp_path: Path, show: Callable[[str], None]
) -> None:
    times = TIMES[suite]
    first, second, third = late.releases(tmp_path, build, f"{suite}-amd64", 3)
    # two releases that the machine has never seen, and then the two that it keeps
    sequence = [second, third, *[second, third] * times][:times]
    with boot(suite) as machine:
        late.begin(machine, first)
        before = untouched(machine)
        with under_load(machine, seconds=300) as traffic:
            time.sleep(REST)
            late.upgrade(machine, traffic, sequence)
            late.rollback(machine, traffic, times)
            time.sleep(REST)
        assert untouched(machine) == before
    show(traffic.table(f"{suite}, {times} upgrades and {times} rollbacks"))
    assert_unnoticed(traffic)
    assert set(traffic.served()) == {"1.0", "1.1", "1.2"}
    assert traffic.latencies("open", during=True)


def test_what_waits_for_the_old_release_is_answered_by_it(
    boot: Boot, build: Builder, tmp_path: Path
) -> None:
    """More requests than the workers can take at once queue on the socket of a release that is left."""
    first, second = late.releases(tmp_path, build, "trixie-amd64", 2)
    with boot("trixie") as machine:
        late.begin(machine, first)
        late.install(machine, second)
        # 8 threads answer, so 32 always wait. A steady rate would overfill the queue on a busy machine.
        with under_load(machine, seconds=120, clients=40, rate=0, paths=[PAUSE]) as traffic:
            time.sleep(5)
            late.rollback(machine, traffic, 1)
    waited = [answer for answer in traffic.answers if answer.latency > 1]
    assert waited, "nothing queued"
    assert_unnoticed(traffic)
    assert set(traffic.served()) == {"1.0", "1.1"}
