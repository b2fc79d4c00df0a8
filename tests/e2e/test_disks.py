"""The disk of the power cuts itself: a cut loses what it is meant to lose, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from debians import Boot
from disks import Disk, Loss, plugged
from guestbooks import SUITE

pytestmark = pytest.mark.boot


@pytest.fixture
def bare(boot: Boot, tmp_path: Path) -> Disk:
    return Disk.of(boot, SUITE, tmp_path / "disk.img")


@pytest.mark.parametrize(
    ("loss", "seen"),
    [
        (Loss.NONE, {"kept": "kept", "later": "later"}),
        (Loss.UNSYNCED, {"kept": "kept"}),
        (Loss.DATA, {"kept": "kept", "later": ""}),
    ],
)
def test_the_disk_loses_what_was_not_synced(
    loss: Loss, seen: Mapping[str, str], bare: Disk, tmp_path: Path
) -> None:
    with plugged(bare, SUITE, tmp_path) as machine:
        write = "printf kept >/kept && sync /kept / && printf later >/.later && mv /.later /later"
        machine.container.run(["sh", "-c", write])
        machine.cut(loss)
        machine.start()
        found = {name: machine.container.read(f"/{name}") for name in ("kept", "later")}
        assert {name: text for name, text in found.items() if text is not None} == seen
